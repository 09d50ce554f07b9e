// child.c: see child.h.
#include "os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "os/hold.h"
#include "os/loop_inside.h"

enum { LAST_WORDS = 1000 }; // ms that a dead child's output may take without giving a byte

struct child {
    uv_process_t process;
    uv_timer_t timer;
    int closing; // handles whose close callback is still to come
    struct loop *loop;
    const struct child_events *events;
    void *context;
    struct stream *input, *output, *errors, *control; // NULL: ended
    unsigned patience;
    char next_order; // of child_stop
    bool stopping;   // child_stop was called
    bool dead;       // the holder has ended
    bool held, told, freed;
    bool spoke; // since the timer was last asked
    bool torn;  // `complaints` begins within a line
    int status;
    const char *reason;
    size_t complaints_size;
    char complaints[CHILD_STDERR];
};

// --- the end ---------------------------------------------------------------------------------
static void part_is_gone(uv_handle_t *handle)
{
    struct child *child = (struct child *)handle->data;
    if (--child->closing == 0)
        free(child);
}

static void close_all(struct child *child)
{
    child->closing = 2;
    uv_close((uv_handle_t *)&child->process, part_is_gone);
    uv_close((uv_handle_t *)&child->timer, part_is_gone);
}

static void close_streams(struct child *child)
{
    stream_close(&child->input);
    stream_close(&child->output);
    stream_close(&child->errors);
    stream_close(&child->control);
}

// Tells the end when there is nothing left to come before it.
static void may_tell_end(struct child *child)
{
    if (child->told || !child->dead || child->output || child->errors || child->control)
        return;
    child->told = true;
    (void)uv_timer_stop(&child->timer);
    stream_close(&child->input);
    child->events->exited(child->context, child->status, child->reason);
}

// The pipes of a dead child are still open: what is in them comes first. But somebody unknown may
// have them.
static void await_last_words(uv_timer_t *timer)
{
    struct child *child = (struct child *)timer->data;
    bool waits = child->held || child->spoke;
    child->spoke = false;
    if (waits)
        return;
    close_streams(child);
    may_tell_end(child);
}

static void has_exited(uv_process_t *process, int64_t status, int number)
{
    struct child *child = (struct child *)process->data;
    child->dead = true;
    child->status = (int)(status << 8) | number; // as in waitpid
    if (child->freed) {
        child->loop->children_dying--;
        close_all(child);
        return;
    }
    child->spoke = true;
    (void)uv_timer_start(&child->timer, await_last_words, LAST_WORDS, LAST_WORDS);
    may_tell_end(child);
}

// --- its streams -----------------------------------------------------------------------------
static void output_data(void *context, struct view bytes)
{
    struct child *child = (struct child *)context;
    child->spoke = true;
    child->events->output(child->context, bytes);
}

static void tell_hung_up(const struct child *child)
{
    if (child->events->hung_up)
        child->events->hung_up(child->context);
}

static void output_ended(void *context, const char *reason)
{
    struct child *child = (struct child *)context;
    (void)reason;
    stream_close(&child->output);
    tell_hung_up(child);
    may_tell_end(child);
}

static void input_drained(void *context)
{
    struct child *child = (struct child *)context;
    if (child->events->drained)
        child->events->drained(child->context);
}

static void input_ended(void *context, const char *reason)
{
    struct child *child = (struct child *)context;
    (void)reason;
    stream_close(&child->input);
    tell_hung_up(child);
}

static void errors_data(void *context, struct view bytes)
{
    struct child *child = (struct child *)context;
    child->spoke = true;
    size_t room = CHILD_STDERR - child->complaints_size;
    child->torn = child->torn || bytes.size > room;
    if (bytes.size > CHILD_STDERR)
        bytes = view_skip(bytes, bytes.size - CHILD_STDERR);
    size_t forget = bytes.size > room ? bytes.size - room : 0;
    child->complaints_size -= forget;
    memmove(child->complaints, child->complaints + forget, child->complaints_size);
    memcpy(child->complaints + child->complaints_size, bytes.data, bytes.size);
    child->complaints_size += bytes.size;
}

static void errors_ended(void *context, const char *reason)
{
    struct child *child = (struct child *)context;
    (void)reason;
    stream_close(&child->errors);
    may_tell_end(child);
}

static void control_data(void *context, struct view bytes)
{
    static const struct {
        enum hold_reason code;
        const char *sentence;
    } reasons[] = {
        {HOLD_NOT_FOUND, "the command was not found"},
        {HOLD_NOT_ALLOWED, "the command may not be executed"},
        {HOLD_FOLDER, "its folder cannot be entered"},
        {HOLD_LIMITS, "its limits cannot be set"},
        {HOLD_MEMORY, "there is not enough memory to start it"},
    };
    struct child *child = (struct child *)context;
    child->reason = "it could not be started";
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (bytes.data[0] == (char)reasons[i].code)
            child->reason = reasons[i].sentence;
}

static void control_ended(void *context, const char *reason)
{
    struct child *child = (struct child *)context;
    (void)reason;
    stream_close(&child->control);
    may_tell_end(child);
}

static const struct stream_events input_events = {.drained = input_drained, .ended = input_ended};
static const struct stream_events output_events = {.data = output_data, .ended = output_ended};
static const struct stream_events errors_events = {.data = errors_data, .ended = errors_ended};
static const struct stream_events control_events = {.data = control_data, .ended = control_ended};

// --- starting --------------------------------------------------------------------------------
enum { ENDS = HOLD_CONTROL + 1 };

static void close_ends(int (*ends)[ENDS])
{
    for (int i = 0; i < ENDS; i++)
        descriptor_close(&(*ends)[i]);
}

// Real pipes, since programs may open /dev/stdout. Ours are `ours`, the child's become its
// descriptors 0 to 3.
static bool make_ends(int ours[ENDS], int theirs[ENDS])
{
    int pairs[ENDS][2];
    int made = 0;
    for (; made < ENDS; made++)
        if ((made == HOLD_CONTROL ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[made])
                                  : pipe2(pairs[made], O_CLOEXEC)) != 0)
            break;
    for (int i = 0; i < made; i++) {
        int our_side = i == 0 ? 1 : 0;
        ours[i] = pairs[i][our_side];
        theirs[i] = pairs[i][!our_side];
    }
    return made == ENDS;
}

static bool adopt_end(struct child *child, int *ours, const struct stream_events *events,
                      struct stream **ret_stream, struct err *err)
{
    if (!stream_adopt(child->loop, *ours, ret_stream, err))
        return false;
    *ours = -1;
    stream_handle(*ret_stream, events, child);
    return true;
}

// The holder's arguments: numbers in `texts`, the command and its own behind them.
enum { HOLD_ARGUMENTS = 14, NUMBERS = 5, NUMBER_TEXT = 24 };

static char **make_arguments(const struct child_order *order, char texts[NUMBERS][NUMBER_TEXT])
{
    static const char *const names[] = {"--owner", "--memory", "--file-size", "--descriptors",
                                        "--processes"};
    const uint64_t numbers[] = {(uint64_t)getpid(), order->memory, order->file_size,
                                order->descriptors, order->processes};
    size_t count = 0, own = 0;
    while (order->arguments && order->arguments[own])
        own++;
    const char **arguments = (const char **)calloc(HOLD_ARGUMENTS + own + 3, sizeof *arguments);
    if (!arguments)
        return NULL;
    arguments[count++] = order->holder;
    for (size_t i = 0; i < NUMBERS; i++) {
        (void)snprintf(texts[i], NUMBER_TEXT, "%" PRIu64, numbers[i]);
        arguments[count++] = names[i];
        arguments[count++] = texts[i];
    }
    arguments[count++] = "--folder";
    arguments[count++] = order->folder ? order->folder : "/";
    arguments[count++] = "--";
    arguments[count++] = order->command;
    for (size_t i = 0; i < own; i++)
        arguments[count++] = order->arguments[i];
    return (char **)(uintptr_t)arguments;
}

static int spawn(struct child *child, const struct child_order *order, const int theirs[ENDS])
{
    static const char *const nothing[] = {NULL};
    char texts[NUMBERS][NUMBER_TEXT];
    uv_stdio_container_t stdio[ENDS];
    for (int i = 0; i < ENDS; i++) {
        stdio[i].flags = UV_INHERIT_FD;
        stdio[i].data.fd = theirs[i];
    }
    char **arguments = make_arguments(order, texts);
    if (!arguments)
        return UV_ENOMEM;
    uv_process_options_t options = {
        .exit_cb = has_exited,
        .file = order->holder,
        .args = arguments,
        .env = (char **)(uintptr_t)(order->environment ? order->environment : nothing),
        .cwd = "/",
        .stdio_count = ENDS,
        .stdio = stdio,
    };
    int status = uv_spawn(&child->loop->uv, &child->process, &options);
    free(arguments);
    return status;
}

static bool start(struct child *child, const struct child_order *order, struct err *err)
{
    AUTO(close_ends) int ours[ENDS] = {-1, -1, -1, -1};
    AUTO(close_ends) int theirs[ENDS] = {-1, -1, -1, -1};
    if (!make_ends(ours, theirs))
        return loop_error(err, "make pipes", -errno);
    if (!adopt_end(child, &ours[0], &input_events, &child->input, err) ||
        !adopt_end(child, &ours[1], &output_events, &child->output, err) ||
        !adopt_end(child, &ours[2], &errors_events, &child->errors, err) ||
        !adopt_end(child, &ours[HOLD_CONTROL], &control_events, &child->control, err))
        return false;
    int status = spawn(child, order, theirs);
    return status == 0 || loop_error(err, "start the holder of children", status);
}

bool child_start(struct loop *loop, const struct child_order *order,
                 const struct child_events *events, void *context, struct child **ret_child,
                 struct err *err)
{
    struct child *child = (struct child *)calloc(1, sizeof *child);
    if (!child)
        return err_memory(err);
    child->loop = loop;
    child->events = events;
    child->context = context;
    child->next_order = HOLD_TERMINATE;
    (void)uv_timer_init(&loop->uv, &child->timer);
    child->timer.data = child->process.data = child;
    if (start(child, order, err)) {
        *ret_child = child;
        return true;
    }
    close_streams(child);
    if (child->process.type != UV_PROCESS) { // uv_spawn was not called
        child->closing = 1;
        uv_close((uv_handle_t *)&child->timer, part_is_gone);
    } else {
        close_all(child);
    }
    return false;
}

// --- the owner's wishes ----------------------------------------------------------------------
bool child_write(struct child *child, const struct view *pieces, size_t count)
{
    return !child->input || stream_write(child->input, pieces, count);
}

size_t child_queued(const struct child *child)
{
    return child->input ? stream_queued(child->input) : 0;
}

void child_hold(struct child *child, bool held)
{
    child->held = held;
    child->spoke = true;
    if (child->output)
        stream_hold(child->output, held);
}

static void give_order(struct child *child, char order)
{
    struct view byte = {&order, 1};
    if (child->control)
        (void)!stream_write(child->control, &byte, 1); // else the holder is gone
}

static void lose_patience(uv_timer_t *timer)
{
    struct child *child = (struct child *)timer->data;
    give_order(child, child->next_order);
    child->next_order = HOLD_KILL;
}

void child_stop(struct child *child, unsigned patience)
{
    if (child->dead)
        return;
    child->stopping = true;
    stream_finish(&child->input);
    uv_update_time(&child->loop->uv);
    (void)uv_timer_start(&child->timer, lose_patience, patience, patience > 0 ? patience : 1);
}

void child_hurry(struct child *child, unsigned patience)
{
    if (!child->stopping || child->dead || child->next_order != HOLD_TERMINATE)
        return;
    uv_update_time(&child->loop->uv);
    (void)uv_timer_start(&child->timer, lose_patience, patience, patience > 0 ? patience : 1);
    lose_patience(&child->timer);
}

void child_free(struct child **child)
{
    struct child *going = TAKE(*child);
    if (!going)
        return;
    going->freed = true;
    if (!going->dead)
        give_order(going, HOLD_KILL);
    close_streams(going);
    (void)uv_timer_stop(&going->timer);
    if (going->dead)
        close_all(going);
    else
        going->loop->children_dying++; // until the holder has ended, which must be waited for
}

int child_pid(const struct child *child)
{
    return child->process.pid;
}

struct view child_complaints(const struct child *child)
{
    struct view said = view_bytes(child->complaints, child->complaints_size);
    const char *end = child->torn ? (const char *)memchr(said.data, '\n', said.size) : NULL;
    if (child->torn)
        said = view_skip(said, end ? (size_t)(end + 1 - said.data) : said.size);
    return said;
}
