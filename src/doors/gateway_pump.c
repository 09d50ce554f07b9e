// gateway_pump.c: see gateway_pump.h.
#include "doors/gateway_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static bool write_all(int to, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(to, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static void *carry(void *context)
{
    struct pump *pump = (struct pump *)context;
    char bytes[4096];
    ssize_t size;
    do
        size = read(pump->from, bytes, sizeof bytes);
    while ((size < 0 && errno == EINTR) || (size > 0 && write_all(pump->to, bytes, (size_t)size)));
    (void)close(pump->from);
    (void)close(pump->to);
    return NULL;
}

static bool start(struct pump *pump, int from, int to)
{
    pump->from = from;
    pump->to = to;
    pump->running = pthread_create(&pump->thread, NULL, carry, pump) == 0;
    return pump->running;
}

bool pump_adopt(struct pump *pump, struct loop *loop, int descriptor, struct stream **ret_stream,
                struct err *err)
{
    struct err unusable;
    int pair[2];
    bool reads = descriptor == STDIN_FILENO;
    AUTO(descriptor_close) int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    if (own < 0)
        return err_set(err, ERR_IO, "system_error", "Descriptor %d cannot be used: %s", descriptor,
                       strerror(errno));
    if (stream_adopt(loop, own, ret_stream, &unusable)) {
        own = -1;
        return true;
    }
    if (pipe2(pair, O_CLOEXEC) != 0)
        return err_set(err, ERR_IO, "system_error", "Cannot make a pipe: %s", strerror(errno));
    if (!stream_adopt(loop, pair[reads ? 0 : 1], ret_stream, err)) {
        (void)close(pair[0]);
        (void)close(pair[1]);
        return false;
    }
    if (!start(pump, reads ? own : pair[0], reads ? pair[1] : own)) {
        (void)close(pair[reads ? 1 : 0]);
        return err_set(err, ERR_IO, "system_error", "Cannot start a thread");
    }
    own = -1;
    return true;
}

void pump_done(struct pump *pump)
{
    if (pump->running)
        (void)pthread_join(pump->thread, NULL);
    pump->running = false;
}
