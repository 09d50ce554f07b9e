// stream.c: reading and writing of streams that are there. See stream.h.
#include "os/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/stream_inside.h"

// What could not be sent at once.
struct waiting {
    uv_write_t uv;
    struct stream *stream;
    struct waiting *next; // of the early ones, or of the queued ones
    size_t size;
    char *bytes; // NULL: dropped
};

const char stream_no_memory[] = "out of memory";
const char stream_too_much[] = "too much waits for those who do not read";

// --- telling ---------------------------------------------------------------------------------
void stream_tell_data(struct stream *stream, struct view bytes)
{
    if (!stream->events || !stream->events->data)
        return;
    loop_clock_hold();
    stream->events->data(stream->context, bytes);
    loop_clock_release();
}

void stream_tell_connected(struct stream *stream)
{
    if (stream->events && stream->events->connected)
        stream->events->connected(stream->context);
}

void stream_tell_ended(struct stream *stream, const char *reason)
{
    if (stream->told || stream->closed)
        return;
    stream->ended = true;
    if (!stream->events) {
        if (reason)
            stream->lost = reason;
        return; // stream_handle comes back to it
    }
    stream->told = true;
    stream_update(stream);
    if (stream->events->ended)
        stream->events->ended(stream->context, reason);
}

void stream_is_lost(struct stream *stream, const char *reason)
{
    if (!stream->lost) {
        stream->lost = reason;
        stream->told = false; // only that the other side sends nothing more
    }
    stream_soon(stream);
}

void stream_lose(struct stream *stream)
{
    stream_is_lost(stream, stream_no_memory);
}

// --- reading ---------------------------------------------------------------------------------
// Reads itself where libuv asks for a buffer: once (libuv would read 32 times, and whoever sends
// without end gets no more of the loop than all others), and from a socket as from one, which costs
// the system less than reading it as a file. libuv gets no buffer and asks again in the next turn.
static void read_once(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    struct stream *stream = (struct stream *)handle->data;
    char *into = stream->loop->read;
    int descriptor = -1;
    ssize_t size;
    (void)suggested;
    (void)uv_fileno(handle, &descriptor); // there is one: it has become readable
    if (handle->type == UV_TCP)
        size = recv(descriptor, into, READ_SIZE, MSG_DONTWAIT);
    else
        size = read(descriptor, into, READ_SIZE);
    stream->read = size < 0 ? uv_translate_sys_error(errno) : (int)size;
    *ret_buffer = uv_buf_init(NULL, 0);
}

static void have_ended(struct stream *stream, const char *reason)
{
    (void)uv_read_stop(&stream->uv.stream);
    if (reason)
        stream->lost = reason;
    if (stream->finishing) {
        stream->ended = true;
        stream_finish_step(stream);
    } else {
        const char *cut = stream->tls ? "TLS ended without notice" : NULL;
        stream_tell_ended(stream, stream->lost ? stream->lost : cut);
    }
}

// libuv says only that it got no buffer.
static void have_read(uv_stream_t *uv, ssize_t status, const uv_buf_t *buffer)
{
    struct stream *stream = (struct stream *)uv->data;
    const int size = stream->read;
    (void)status;
    (void)buffer;
    if (stream->closed || size == UV_EAGAIN || size == UV_EINTR)
        return;
    if (size <= 0)
        have_ended(stream, size < 0 ? uv_strerror(size) : NULL);
    else if (stream->finishing && stream->secured)
        return; // of no interest any more
    else if (stream->tls)
        stream_secure_turn(stream, view_bytes(stream->loop->read, (size_t)size));
    else
        stream_tell_data(stream, view_bytes(stream->loop->read, (size_t)size));
}

static bool has_pending(const struct stream *stream)
{
    return stream->tls && tls_session_pending(stream->tls);
}

// TLS has to read before it is through, whether anybody wants data or not. What TLS has already
// comes before anything new.
static bool wants_to_read(const struct stream *stream)
{
    if (stream->closed || stream->connecting || stream->ended || stream->told || stream->lost)
        return false;
    if (stream->finishing || !stream->secured)
        return true;
    return stream->events && !stream->held && !has_pending(stream);
}

void stream_update(struct stream *stream)
{
    bool reads = !stream->closed && uv_is_readable(&stream->uv.stream);
    if (wants_to_read(stream) && reads)
        (void)uv_read_start(&stream->uv.stream, read_once, have_read); // again: no harm
    else if (!stream->closed)
        (void)uv_read_stop(&stream->uv.stream);
}

void stream_look(struct due *due)
{
    struct stream *stream = OUTER(due, struct stream, due);
    if (stream->closed)
        return;
    if (stream->finishing) {
        stream_finish_step(stream);
    } else if (stream->lost) {
        stream_tell_ended(stream, stream->lost);
    } else if (stream->connecting) {
        if (stream->linked)
            stream_is_connected(stream);
    } else if (stream->ended && !stream->told) {
        stream_tell_ended(stream, NULL);
    } else if (stream->tls && !stream->ended && !stream->held) {
        stream_secure_turn(stream, (struct view){NULL, 0});
    }
}

void stream_soon(struct stream *stream)
{
    loop_due(stream->loop, &stream->due);
}

void stream_handle(struct stream *stream, const struct stream_events *events, void *context)
{
    stream->events = events;
    stream->context = context;
    stream_update(stream);
    if (stream->lost || stream->ended || has_pending(stream))
        stream_soon(stream);
}

void stream_hold(struct stream *stream, bool held)
{
    if (stream->held == held)
        return;
    stream->held = held;
    stream_update(stream);
    if (!held && has_pending(stream))
        stream_soon(stream);
}

// --- writing ---------------------------------------------------------------------------------
static void give_up(struct holding *holding)
{
    struct stream *stream = OUTER(holding, struct stream, holding);
    if (!stream->closed) {
        stream_is_lost(stream, stream_too_much);
        if (holding->ration->taking_back)
            stream_recall_sent(stream);
        stream_break(stream);
    }
    stream_drop_early(stream);
    stream_drop_queued(stream);
}

void stream_measure(struct stream *stream, struct ration *ration)
{
    stream->holding = (struct holding){.ration = ration, .give_up = give_up};
}

void stream_belongs(struct stream *stream, uint64_t owner)
{
    stream->holding.owner = owner;
}

static void drop_bytes(struct waiting *waiting)
{
    if (!waiting->bytes)
        return;
    holding_give(&waiting->stream->holding, sizeof *waiting + waiting->size);
    free(waiting->bytes);
    waiting->bytes = NULL;
}

static void waiting_free(struct waiting *waiting)
{
    drop_bytes(waiting);
    free(waiting);
}

static struct waiting *no_memory(struct stream *stream, struct waiting *waiting, size_t size)
{
    holding_give(&stream->holding, size);
    free(waiting);
    stream_is_lost(stream, stream_no_memory);
    return NULL;
}

static struct waiting *waiting_new(struct stream *stream, size_t size)
{
    if (!holding_take(&stream->holding, sizeof(struct waiting) + size)) {
        stream->holding.ration->refused++;
        stream_is_lost(stream, stream_too_much);
        return NULL;
    }
    struct waiting *waiting = (struct waiting *)calloc(1, sizeof *waiting);
    if (waiting)
        waiting->bytes = (char *)malloc(size + 1);
    if (!waiting || !waiting->bytes)
        return no_memory(stream, waiting, sizeof(struct waiting) + size);
    waiting->uv.data = waiting;
    waiting->stream = stream;
    waiting->size = size;
    return waiting;
}

// libuv is through with them in the order in which it got them.
static void unqueue_first(struct stream *stream)
{
    struct waiting *first = stream->first_queued;
    stream->first_queued = first->next;
    if (!stream->first_queued)
        stream->last_queued = &stream->first_queued;
    waiting_free(first);
}

static void have_written(uv_write_t *uv, int status)
{
    struct stream *stream = ((struct waiting *)uv->data)->stream;
    unqueue_first(stream);
    if (stream->closed || stream->broken)
        return;
    if (status < 0)
        stream_is_lost(stream, uv_strerror(status));
    else if (stream->finishing)
        stream_finish_step(stream);
    else if (stream_queued(stream) == 0 && !stream->told && stream->events &&
             stream->events->drained)
        stream->events->drained(stream->context);
}

// Queues a copy of what comes after the first `gone` bytes.
static bool queue_rest(struct stream *stream, const uv_buf_t *pieces, unsigned count, size_t gone)
{
    size_t size = 0;
    for (unsigned i = 0; i < count; i++)
        size += pieces[i].len;
    if (size == gone)
        return true;
    struct waiting *waiting = waiting_new(stream, size - gone);
    if (!waiting)
        return false;
    char *to = waiting->bytes;
    for (unsigned i = 0; i < count; i++) {
        size_t skip = gone < pieces[i].len ? gone : pieces[i].len;
        memcpy(to, pieces[i].base + skip, pieces[i].len - skip);
        to += pieces[i].len - skip;
        gone -= skip;
    }
    uv_buf_t all = {.base = waiting->bytes, .len = waiting->size};
    int status = uv_write(&waiting->uv, &stream->uv.stream, &all, 1, have_written);
    if (status != 0) {
        waiting_free(waiting);
        stream_is_lost(stream, uv_strerror(status));
        return true;
    }
    *stream->last_queued = waiting;
    stream->last_queued = &waiting->next;
    return true;
}

// Small pieces go as one: to join and wipe them costs less than the list of pieces does the system.
// Credentials are among them.
static ssize_t send_joined(struct stream *stream, int descriptor, const uv_buf_t *pieces,
                           unsigned count)
{
    char *joined = stream->loop->joined;
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        memcpy(joined + size, pieces[i].base, pieces[i].len);
        size += pieces[i].len;
    }
    ssize_t sent = send(descriptor, joined, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    explicit_bzero(joined, size);
    return sent;
}

static bool is_small(const uv_buf_t *pieces, unsigned count)
{
    size_t size = 0;
    for (unsigned i = 0; i < count && size <= JOINED_SIZE; i++)
        size += pieces[i].len;
    return size <= JOINED_SIZE;
}

// uv_try_write writes as to a file (writev), which costs a socket more.
static ssize_t send_now(struct stream *stream, uv_buf_t *pieces, unsigned count)
{
    int descriptor;
    bool direct = stream->uv.handle.type == UV_TCP && is_small(pieces, count) &&
                  uv_stream_get_write_queue_size(&stream->uv.stream) == 0 &&
                  uv_fileno(&stream->uv.handle, &descriptor) == 0;
    if (!direct)
        return uv_try_write(&stream->uv.stream, pieces, count);
    ssize_t sent = send_joined(stream, descriptor, pieces, count);
    if (sent >= 0)
        return sent;
    return errno == EINTR || errno == ENOBUFS ? UV_EAGAIN : uv_translate_sys_error(errno);
}

bool stream_send(struct stream *stream, uv_buf_t *pieces, unsigned count)
{
    if (stream->lost || stream->shut)
        return true;
    ssize_t sent = send_now(stream, pieces, count);
    if (sent < 0 && sent != UV_EAGAIN) {
        stream_is_lost(stream, uv_strerror((int)sent));
        return true;
    }
    return queue_rest(stream, pieces, count, sent > 0 ? (size_t)sent : 0);
}

static bool keep_early(struct stream *stream, const struct view *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct waiting *waiting = waiting_new(stream, pieces[i].size);
        if (!waiting)
            return false;
        memcpy(waiting->bytes, pieces[i].data, pieces[i].size);
        *stream->last_early = waiting;
        stream->last_early = &waiting->next;
        stream->early += waiting->size;
    }
    return true;
}

bool stream_write(struct stream *stream, const struct view *pieces, size_t count)
{
    enum { AT_ONCE = 16 };
    if (stream->lost || stream->shut)
        return true;
    if (!stream->secured || stream->connecting)
        return keep_early(stream, pieces, count);
    if (stream->tls)
        return stream_secure_write(stream, pieces, count);
    for (size_t i = 0; i < count; i += AT_ONCE) {
        uv_buf_t buffers[AT_ONCE];
        unsigned these = 0;
        for (size_t j = i; j < count && j < i + AT_ONCE; j++)
            if (pieces[j].size > 0)
                buffers[these++] =
                    (uv_buf_t){.base = (char *)(uintptr_t)pieces[j].data, .len = pieces[j].size};
        if (these > 0 && !stream_send(stream, buffers, these))
            return false;
    }
    return true;
}

size_t stream_queued(const struct stream *stream)
{
    return stream->early + uv_stream_get_write_queue_size(&stream->uv.stream);
}

bool stream_works(const struct stream *stream)
{
    return !stream->lost;
}

void stream_drop_queued(struct stream *stream)
{
    for (struct waiting *each = stream->first_queued; each; each = each->next)
        drop_bytes(each);
}

void stream_drop_early(struct stream *stream)
{
    while (stream->first_early) {
        struct waiting *waiting = stream->first_early;
        stream->first_early = waiting->next;
        waiting_free(waiting);
    }
    stream->last_early = &stream->first_early;
    stream->early = 0;
}

void stream_send_early(struct stream *stream)
{
    struct waiting *waiting = stream->first_early;
    bool any = waiting != NULL;
    stream->first_early = NULL;
    stream->last_early = &stream->first_early;
    stream->early = 0;
    while (waiting) {
        struct waiting *next = waiting->next;
        struct view bytes = {waiting->bytes, waiting->size};
        (void)!stream_write(stream, &bytes, 1); // a loss is told
        waiting_free(waiting);
        waiting = next;
    }
    if (any && !stream->closed && stream_queued(stream) == 0 && stream->events &&
        stream->events->drained)
        stream->events->drained(stream->context);
}
