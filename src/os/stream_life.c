// stream_life.c: how streams begin over a descriptor, move to other loops, and end. See stream.h.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "os/stream.h"
#include "os/stream_inside.h"

enum { FINISH_SECONDS = 5 };

// --- the beginning ---------------------------------------------------------------------------
static bool emit(void *context, struct view bytes)
{
    struct stream *stream = (struct stream *)context;
    uv_buf_t piece = {.base = (char *)(uintptr_t)bytes.data, .len = bytes.size};
    return stream_send(stream, &piece, 1);
}

static void stream_init(struct stream *stream, struct loop *loop, bool is_tcp,
                        struct tls_session *tls)
{
    if (is_tcp)
        (void)uv_tcp_init(&loop->uv, &stream->uv.tcp);
    else
        (void)uv_pipe_init(&loop->uv, &stream->uv.pipe, 0);
    stream->uv.handle.data = stream;
    stream->loop = loop;
    stream->last_early = &stream->first_early;
    stream->last_queued = &stream->first_queued;
    stream->due.fn = stream_look;
    stream->tls = tls;
    stream->secured = !tls;
    if (tls)
        tls_session_output(tls, emit, stream);
}

// 0, or the status of libuv.
static int stream_attach(struct stream *stream, int descriptor)
{
    if (stream->uv.handle.type == UV_NAMED_PIPE)
        return uv_pipe_open(&stream->uv.pipe, descriptor);
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return uv_tcp_open(&stream->uv.tcp, descriptor);
}

bool stream_make(struct loop *loop, bool is_tcp, struct tls_session *tls,
                 struct stream **ret_stream, struct err *err)
{
    struct stream *stream = (struct stream *)calloc(1, sizeof *stream);
    if (!stream) {
        tls_session_free(&tls);
        return err_memory(err);
    }
    stream_init(stream, loop, is_tcp, tls);
    *ret_stream = stream;
    return true;
}

bool stream_wrap(struct loop *loop, int descriptor, struct tls_session *tls,
                 struct stream **ret_stream, struct err *err)
{
    struct stream *stream;
    int domain = AF_UNSPEC;
    socklen_t size = sizeof domain;
    (void)getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size); // not of pipes
    if (!stream_make(loop, domain == AF_INET || domain == AF_INET6, tls, &stream, err))
        return false;
    int status = stream_attach(stream, descriptor);
    if (status != 0) {
        stream_close(&stream);
        return loop_error(err, "use a connection", status);
    }
    stream_update(stream);
    *ret_stream = stream;
    return true;
}

unsigned stream_number(const struct stream *stream)
{
    int descriptor;
    return uv_fileno(&stream->uv.handle, &descriptor) == 0 ? (unsigned)descriptor : 0;
}

// libuv ends the process when it is given something that epoll refuses, such as a file.
static bool can_be_waited_for(int descriptor)
{
    AUTO(descriptor_close) int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    return epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

bool stream_adopt(struct loop *loop, int descriptor, struct stream **ret_stream, struct err *err)
{
    if (!can_be_waited_for(descriptor))
        return err_set(err, ERR_IO, "system_error", "Descriptor %d is no pipe, socket or terminal",
                       descriptor);
    return stream_wrap(loop, descriptor, NULL, ret_stream, err);
}

// --- the end ---------------------------------------------------------------------------------
static void free_stream(struct stream *stream)
{
    tls_session_free(&stream->tls);
    stream_drop_early(stream);
    free(stream);
}

static void is_gone(uv_handle_t *handle)
{
    struct stream *stream = (struct stream *)handle->data;
    stream->gone = true;
    if (stream->closed)
        free_stream(stream);
}

void stream_break(struct stream *stream)
{
    if (stream->broken || stream->closed)
        return;
    stream->broken = true;
    uv_close(&stream->uv.handle, is_gone);
}

static void leave_finishing(struct stream *stream)
{
    if (!stream->finishing)
        return;
    *stream->finishing = stream->next_finishing;
    if (stream->next_finishing)
        stream->next_finishing->finishing = stream->finishing;
    stream->finishing = NULL;
    if (!stream->loop->finishing)
        (void)uv_timer_stop(&stream->loop->finishing_timer);
}

void stream_close(struct stream **stream)
{
    struct stream *going = TAKE(*stream);
    if (!going)
        return;
    leave_finishing(going);
    due_drop(&going->due);
    going->closed = true;
    going->events = NULL;
    if (!going->broken)
        uv_close(&going->uv.handle, is_gone);
    else if (going->gone)
        free_stream(going); // libuv's part went in an earlier turn
}

void stream_recall_sent(struct stream *stream)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int descriptor;
    if (stream->uv.handle.type == UV_TCP && uv_fileno(&stream->uv.handle, &descriptor) == 0)
        (void)setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void stream_reset(struct stream **stream)
{
    if (*stream)
        stream_recall_sent(*stream);
    stream_close(stream);
}

void stream_finish_step(struct stream *stream)
{
    if (!stream->lost && stream_queued(stream) > 0)
        return;
    if (!stream->lost && !stream->shut) {
        if (stream->tls)
            tls_session_close(stream->tls);
        if (stream_queued(stream) > 0)
            return;
        int descriptor;
        stream->shut = true;
        if (uv_fileno(&stream->uv.handle, &descriptor) != 0 || shutdown(descriptor, SHUT_WR) != 0)
            stream->ended = true; // a pipe: there is nothing to wait for
    }
    // To close before the other side has done so would make the system drop what it has not read.
    if (stream->lost || stream->ended)
        stream_close(&stream);
}

static void end_late_ones(uv_timer_t *timer)
{
    struct loop *loop = (struct loop *)timer->data;
    int64_t now = loop_clock();
    for (struct stream *stream = loop->finishing, *next; stream; stream = next) {
        next = stream->next_finishing;
        if (stream->finish_by <= now)
            stream_close(&stream);
    }
}

void stream_finish(struct stream **stream)
{
    struct stream *going = TAKE(*stream);
    if (!going)
        return;
    if (going->connecting || going->lost) {
        stream_close(&going);
        return;
    }
    struct loop *loop = going->loop;
    if (!loop->finishing)
        (void)uv_timer_start(&loop->finishing_timer, end_late_ones, 500, 500);
    going->events = NULL;
    going->finish_by = loop_clock() + FINISH_SECONDS * INT64_C(1000000);
    going->finishing = &loop->finishing;
    going->next_finishing = loop->finishing;
    if (going->next_finishing)
        going->next_finishing->finishing = &going->next_finishing;
    loop->finishing = going;
    stream_update(going);
    stream_finish_step(going);
}

void streams_finish_now(struct loop *loop)
{
    while (loop->finishing) {
        struct stream *stream = loop->finishing;
        stream_close(&stream);
    }
}

// --- from loop to loop -----------------------------------------------------------------------
struct moving {
    struct stream *stream; // already allocated, so that nothing can fail over there
    struct loop *to;
    struct tls_session *tls;
    int descriptor;
    bool is_tcp, secured, ended;
    void (*adopted)(void *context, struct stream *stream);
    void *context;
};

static void arrive(void *context)
{
    struct moving *moving = (struct moving *)context;
    struct stream *stream = moving->stream;
    stream_init(stream, moving->to, moving->is_tcp, moving->tls);
    stream->secured = moving->secured;
    stream->ended = moving->ended;
    int status = stream_attach(stream, moving->descriptor);
    if (status != 0) {
        (void)close(moving->descriptor);
        stream->lost = uv_strerror(status);
    }
    stream_update(stream);
    moving->adopted(moving->context, stream);
    free(moving);
}

static struct moving *moving_new(const struct stream *stream, struct loop *to)
{
    struct moving *moving = (struct moving *)calloc(1, sizeof *moving);
    struct stream *there = (struct stream *)calloc(1, sizeof *there);
    int from, descriptor = -1;
    if (moving && there && uv_fileno(&stream->uv.handle, &from) == 0)
        descriptor = fcntl(from, F_DUPFD_CLOEXEC, 3);
    if (descriptor < 0) {
        free(moving);
        free(there);
        return NULL;
    }
    moving->stream = there;
    moving->to = to;
    moving->descriptor = descriptor;
    moving->tls = stream->tls;
    moving->is_tcp = stream->uv.handle.type == UV_TCP;
    moving->secured = stream->secured;
    moving->ended = stream->ended;
    return moving;
}

bool stream_move(struct stream **stream, struct loop *to,
                 void (*adopted)(void *context, struct stream *stream), void *context)
{
    struct stream *here = *stream;
    if (here->lost || here->connecting || stream_queued(here) > 0)
        return false;
    if (here->tls && !tls_session_keep(here->tls))
        return false;
    struct moving *moving = moving_new(here, to);
    if (!moving)
        return false;
    moving->adopted = adopted;
    moving->context = context;
    struct tls_session *tls = TAKE(here->tls); // once posted, it is the other thread's,
    *stream = NULL;                            // and so may be what `stream` is in
    if (loop_post(to, arrive, moving)) {
        stream_close(&here);
        return true;
    }
    *stream = here;
    here->tls = tls;
    (void)close(moving->descriptor);
    free(moving->stream);
    free(moving);
    return false;
}
