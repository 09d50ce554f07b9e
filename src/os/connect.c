// connect.c: stream_connect, and addresses as text. See stream.h.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "os/stream.h"
#include "os/stream_inside.h"

void stream_is_connected(struct stream *stream)
{
    stream->connecting = false;
    if (stream->tls) {
        stream_secure_turn(stream, (struct view){NULL, 0}); // says hello
        return;
    }
    stream_send_early(stream);
    if (stream->closed)
        return;
    stream_update(stream);
    stream_tell_connected(stream);
}

static void tcp_is_connected(uv_connect_t *request, int status)
{
    struct stream *stream = (struct stream *)request->data;
    free(request);
    if (stream->closed)
        return;
    if (status == 0) {
        (void)uv_tcp_nodelay(&stream->uv.tcp, 1);
        stream_is_connected(stream);
    } else {
        stream->lost = uv_strerror(status);
        stream_tell_ended(stream, stream->lost);
    }
}

static bool connect_tcp(struct loop *loop, const struct stream_order *order,
                        struct tls_session *tls, struct stream **ret_stream, struct err *err)
{
    struct stream *stream;
    if (!stream_make(loop, true, tls, &stream, err))
        return false;
    uv_connect_t *request = (uv_connect_t *)malloc(sizeof *request);
    if (!request) {
        stream_close(&stream);
        return err_memory(err);
    }
    request->data = stream;
    int status = uv_tcp_connect(request, &stream->uv.tcp,
                                (const struct sockaddr *)&order->to->address, tcp_is_connected);
    if (status != 0) {
        free(request);
        stream_close(&stream);
        return loop_error(err, "connect", status);
    }
    *ret_stream = stream;
    return true;
}

// At a Unix socket somebody listens or nobody does: there is nothing to wait for.
static bool connect_unix(struct loop *loop, const struct stream_order *order,
                         struct tls_session *tls, struct stream **ret_stream, struct err *err)
{
    AUTO(tls_session_free) struct tls_session *session = tls;
    AUTO(descriptor_close)
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0 ||
        connect(descriptor, (const struct sockaddr *)&order->to->address, order->to->size) != 0)
        return loop_error(err, "connect", -errno);
    if (!stream_wrap(loop, descriptor, TAKE(session), ret_stream, err))
        return false;
    descriptor = -1;
    (*ret_stream)->linked = true;
    stream_soon(*ret_stream);
    return true;
}

bool stream_connect(struct loop *loop, const struct stream_order *order, struct stream **ret_stream,
                    struct err *err)
{
    struct tls_session *tls = NULL;
    struct stream *stream;
    if (order->tls) {
        tls = tls_session_new(order->tls, order->host);
        if (!tls)
            return err_set(err, ERR_IO, "tls_failed", "Cannot begin TLS with %s",
                           order->host ? order->host : "a host without a name");
    }
    bool unix_socket = order->to->address.ss_family == AF_UNIX;
    if (!(unix_socket ? connect_unix : connect_tcp)(loop, order, tls, &stream, err))
        return false;
    stream->connecting = true;
    stream->events = order->events;
    stream->context = order->context;
    stream_update(stream);
    *ret_stream = stream;
    return true;
}

void endpoint_text(const struct endpoint *endpoint, char ret_text[ENDPOINT_TEXT])
{
    const struct sockaddr_storage *address = &endpoint->address;
    const void *bytes = NULL;
    if (address->ss_family == AF_INET)
        bytes = &((const struct sockaddr_in *)address)->sin_addr;
    else if (address->ss_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (!bytes || !inet_ntop(address->ss_family, bytes, ret_text, ENDPOINT_TEXT))
        (void)snprintf(ret_text, ENDPOINT_TEXT, "%s",
                       address->ss_family == AF_UNIX ? "unix" : "unknown");
}
