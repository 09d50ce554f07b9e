// loop.c: see loop.h and loop_inside.h.
#include "os/loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "os/loop_inside.h"
#include "os/stream_inside.h"

struct post {
    struct post *next;
    void (*fn)(void *context);
    void *context;
};

struct signal_watch {
    uv_signal_t uv;
    struct signal_watch *next;
    void (*fn)(void *context);
    void *context;
};

struct job {
    uv_work_t uv;
    void (*work)(void *context);
    void (*done)(void *context);
    void *context;
};

struct timer {
    uv_timer_t uv;
    void (*fn)(void *context);
    void *context;
};

bool loop_error(struct err *err, const char *what, int status)
{
    if (status == UV_ENOMEM)
        return err_memory(err);
    return err_set(err, ERR_IO, "system_error", "Cannot %s: %s", what, uv_strerror(status));
}

// --- what is due -----------------------------------------------------------------------------
void due_drop(struct due *due)
{
    if (!due->link)
        return;
    *due->link = due->next;
    if (due->next)
        due->next->link = due->link;
    due->next = NULL;
    due->link = NULL;
}

static void do_due(uv_idle_t *idle)
{
    struct loop *loop = (struct loop *)idle->data;
    struct due *list = loop->due; // what becomes due now has its turn in the next one
    loop->due = NULL;
    if (list)
        list->link = &list;
    while (list) {
        struct due *due = list;
        due_drop(due);
        due->fn(due);
    }
    if (!loop->due)
        (void)uv_idle_stop(idle);
}

void loop_due(struct loop *loop, struct due *due)
{
    if (due->link)
        return;
    if (!loop->due)
        (void)uv_idle_start(&loop->idle, do_due);
    due->next = loop->due;
    due->link = &loop->due;
    if (due->next)
        due->next->link = &due->next;
    loop->due = due;
}

// --- from other threads ----------------------------------------------------------------------
static void do_posts(uv_async_t *wake)
{
    struct loop *loop = (struct loop *)wake->data;
    pthread_mutex_lock(&loop->lock);
    struct post *post = loop->first_post;
    loop->first_post = NULL;
    loop->last_post = &loop->first_post;
    pthread_mutex_unlock(&loop->lock);
    while (post) {
        struct post *next = post->next;
        post->fn(post->context);
        free(post);
        post = next;
    }
}

bool loop_post(struct loop *loop, void (*fn)(void *context), void *context)
{
    struct post *post = (struct post *)malloc(sizeof *post);
    if (!post)
        return false;
    *post = (struct post){.fn = fn, .context = context};
    pthread_mutex_lock(&loop->lock);
    bool asleep = !loop->first_post;
    *loop->last_post = post;
    loop->last_post = &post->next;
    // Inside the lock: once the post has been called, the loop may be freed by its owner.
    if (asleep)
        (void)uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->lock);
    return true;
}

// --- jobs, timers, signals, turns ------------------------------------------------------------
static void job_work(uv_work_t *uv)
{
    struct job *job = (struct job *)uv->data;
    job->work(job->context);
}

static void job_done(uv_work_t *uv, int status)
{
    struct job *job = (struct job *)uv->data;
    (void)status; // nobody cancels
    job->done(job->context);
    free(job);
}

bool loop_job(struct loop *loop, void (*work)(void *context), void (*done)(void *context),
              void *context)
{
    struct job *job = (struct job *)malloc(sizeof *job);
    if (!job)
        return false;
    *job = (struct job){.work = work, .done = done, .context = context};
    job->uv.data = job;
    if (uv_queue_work(&loop->uv, &job->uv, job_work, job_done) == 0)
        return true;
    free(job);
    return false;
}

static void timer_fires(uv_timer_t *uv)
{
    struct timer *timer = (struct timer *)uv->data;
    timer->fn(timer->context);
}

static void free_data(uv_handle_t *handle)
{
    free(handle->data);
}

bool timer_new(struct loop *loop, uint64_t period, void (*fn)(void *context), void *context,
               struct timer **ret_timer, struct err *err)
{
    struct timer *timer = (struct timer *)malloc(sizeof *timer);
    if (!timer)
        return err_memory(err);
    *timer = (struct timer){.fn = fn, .context = context};
    (void)uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    period = period > 0 ? period : 1;
    uv_update_time(&loop->uv); // a period counts from now, not from the start of the turn
    (void)uv_timer_start(&timer->uv, timer_fires, period, period);
    *ret_timer = timer;
    return true;
}

void timer_free(struct timer **timer)
{
    struct timer *going = TAKE(*timer);
    if (going)
        uv_close((uv_handle_t *)&going->uv, free_data);
}

static void signal_comes(uv_signal_t *uv, int number)
{
    struct signal_watch *watch = (struct signal_watch *)uv->data;
    (void)number;
    watch->fn(watch->context);
}

bool loop_signal(struct loop *loop, int number, void (*fn)(void *context), void *context,
                 struct err *err)
{
    struct signal_watch *watch = (struct signal_watch *)malloc(sizeof *watch);
    if (!watch)
        return err_memory(err);
    *watch = (struct signal_watch){.fn = fn, .context = context};
    int status = uv_signal_init(&loop->uv, &watch->uv);
    if (status != 0) {
        free(watch);
        return loop_error(err, "wait for a signal", status);
    }
    watch->uv.data = watch;
    status = uv_signal_start(&watch->uv, signal_comes, number);
    if (status != 0) {
        uv_close((uv_handle_t *)&watch->uv, free_data);
        return loop_error(err, "wait for a signal", status);
    }
    watch->next = loop->signals;
    loop->signals = watch;
    return true;
}

static void turn_ends(uv_prepare_t *prepare)
{
    struct loop *loop = (struct loop *)prepare->data;
    if (loop->turn_end_fn)
        loop->turn_end_fn(loop->turn_end_context);
}

void loop_on_turn_end(struct loop *loop, void (*fn)(void *context), void *context)
{
    loop->turn_end_fn = fn;
    loop->turn_end_context = context;
}

static _Thread_local int64_t held_clock; // 0: it runs

int64_t loop_clock_now(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

int64_t loop_clock(void)
{
    return held_clock ? held_clock : loop_clock_now();
}

void loop_clock_hold(void)
{
    held_clock = loop_clock_now();
}

void loop_clock_release(void)
{
    held_clock = 0;
}

// --- birth and death -------------------------------------------------------------------------
static void ignore_sigpipe(void)
{
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        (void)signal(SIGPIPE, SIG_IGN);
}

static void prepare_handles(struct loop *loop)
{
    (void)uv_prepare_init(&loop->uv, &loop->turn_end);
    (void)uv_prepare_start(&loop->turn_end, turn_ends);
    (void)uv_idle_init(&loop->uv, &loop->idle);
    (void)uv_timer_init(&loop->uv, &loop->finishing_timer);
    loop->wake.data = loop->turn_end.data = loop->idle.data = loop->finishing_timer.data = loop;
}

bool loop_new(struct loop **ret_loop, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, ignore_sigpipe);

    struct loop *loop = (struct loop *)calloc(1, sizeof *loop);
    if (!loop)
        return err_memory(err);
    int status = uv_loop_init(&loop->uv);
    if (status != 0) {
        free(loop);
        return loop_error(err, "make an event loop", status);
    }
    status = uv_async_init(&loop->uv, &loop->wake, do_posts);
    if (status != 0) {
        (void)uv_loop_close(&loop->uv);
        free(loop);
        return loop_error(err, "make an event loop", status);
    }
    prepare_handles(loop);
    loop->last_post = &loop->first_post;
    (void)pthread_mutex_init(&loop->lock, NULL);
    *ret_loop = loop;
    return true;
}

static void ignore_poll(uv_poll_t *poll, int status, int seen)
{
    (void)poll;
    (void)status;
    (void)seen;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

// Its table of descriptors grows with the highest one it was ever to wait for.
bool loop_reserve(struct loop *loop, unsigned descriptors, struct err *err)
{
    uv_poll_t *poll = (uv_poll_t *)malloc(sizeof *poll);
    int low = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int high = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, (int)descriptors - 1);
    int status = high < 0 ? uv_translate_sys_error(errno) : 0;
    if (low >= 0)
        (void)close(low);
    if (status == 0)
        status = poll ? uv_poll_init(&loop->uv, poll, high) : UV_ENOMEM;
    if (status == 0) {
        (void)uv_poll_start(poll, UV_READABLE, ignore_poll);
        uv_close((uv_handle_t *)poll, free_handle);
    } else {
        free(poll);
    }
    if (high >= 0)
        (void)close(high);
    return status == 0 || loop_error(err, "make room for descriptors", status);
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

static void must_be_closing(uv_handle_t *handle, void *unused)
{
    (void)unused;
    assert(uv_is_closing(handle)); // else something of the loop was not closed by its owner
}

// A second SIGTERM must not kill who is about to end well. libuv puts the default back, so the
// signal is blocked meanwhile.
static void ignore_from_here(struct signal_watch *watch)
{
    const int number = watch->uv.signum;
    sigset_t signal_set, before;
    (void)sigemptyset(&signal_set);
    (void)sigaddset(&signal_set, number);
    (void)pthread_sigmask(SIG_BLOCK, &signal_set, &before);
    uv_close((uv_handle_t *)&watch->uv, free_data);
    (void)signal(number, SIG_IGN);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void loop_free(struct loop **loop)
{
    struct loop *going = TAKE(*loop);
    if (!going)
        return;
    (void)uv_prepare_stop(&going->turn_end);
    do_posts(&going->wake);
    streams_finish_now(going);
    while (going->children_dying > 0)
        (void)uv_run(&going->uv, UV_RUN_ONCE);
    for (struct signal_watch *watch = going->signals, *next; watch; watch = next) {
        next = watch->next;
        ignore_from_here(watch);
    }
    uv_close((uv_handle_t *)&going->wake, NULL);
    uv_close((uv_handle_t *)&going->turn_end, NULL);
    uv_close((uv_handle_t *)&going->idle, NULL);
    uv_close((uv_handle_t *)&going->finishing_timer, NULL);
    uv_walk(&going->uv, must_be_closing, NULL);
    do
        (void)uv_run(&going->uv, UV_RUN_DEFAULT);
    while (uv_loop_close(&going->uv) == UV_EBUSY);
    (void)pthread_mutex_destroy(&going->lock);
    free(going);
}
