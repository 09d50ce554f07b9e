// stream_secure.c: streams with TLS. See stream.h.
#include "os/stream.h"

#include "os/stream_inside.h"

// The handshake. True when it is, or was, through and the stream is still there.
static bool be_secured(struct stream *stream)
{
    if (stream->secured)
        return true;
    enum tls_step step = tls_session_shake(stream->tls);
    if (step == TLS_WAIT)
        return false;
    if (step != TLS_DONE) {
        stream->lost = tls_session_reason(stream->tls);
        stream_soon(stream);
        return false;
    }
    stream->secured = true;
    bool finishing = stream->finishing;
    stream_send_early(stream);
    if (finishing && !stream->closed)
        stream_finish_step(stream);
    else if (!stream->closed)
        stream_tell_connected(stream);
    return !stream->closed;
}

// Delivers what can be read. The stream may be closed, moved or held by each event.
static void deliver(struct stream *stream)
{
    while (!stream->closed && !stream->held && stream->events && !stream->lost) {
        size_t size;
        char *plain = stream->loop->plain;
        enum tls_step step = tls_session_read(stream->tls, plain, PLAIN_SIZE, &size);
        if (step == TLS_WAIT)
            return;
        if (step == TLS_DONE) {
            stream_tell_data(stream, view_bytes(plain, size));
            continue;
        }
        if (step == TLS_BAD)
            stream->lost = tls_session_reason(stream->tls);
        stream_tell_ended(stream, stream->lost);
        return;
    }
}

void stream_secure_turn(struct stream *stream, struct view bytes)
{
    if (!tls_session_input(stream->tls, bytes)) {
        stream_is_lost(stream, stream_no_memory);
        return;
    }
    if (be_secured(stream))
        deliver(stream);
    if (stream->closed)
        return; // moved: the session is another loop's
    if (!tls_session_keep(stream->tls))
        stream_is_lost(stream, stream_no_memory);
    stream_update(stream);
}

static void encrypt(struct stream *stream, const char *bytes, size_t size)
{
    if (!stream->lost && !tls_session_write(stream->tls, view_bytes(bytes, size)) && !stream->lost)
        stream_is_lost(stream, tls_session_reason(stream->tls));
}

bool stream_secure_write(struct stream *stream, const struct view *pieces, size_t count)
{
    char *gathered = stream->loop->gathered; // small pieces share a record
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        for (struct view rest = pieces[i]; rest.size > 0;) {
            size_t take = rest.size < PLAIN_SIZE - size ? rest.size : PLAIN_SIZE - size;
            memcpy(gathered + size, rest.data, take);
            size += take;
            rest = view_skip(rest, take);
            if (size == PLAIN_SIZE) {
                encrypt(stream, gathered, size);
                size = 0;
            }
        }
    }
    if (size > 0)
        encrypt(stream, gathered, size);
    return stream->lost != stream_no_memory && stream->lost != stream_too_much;
}
