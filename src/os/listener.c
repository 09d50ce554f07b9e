// listener.c: accepting connections. See stream.h.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "os/stream.h"
#include "os/stream_inside.h"

enum {
    BACKLOG = 1024,
    ACCEPTS = 64,        // per turn, so that those who are connected have theirs
    OUT_OF_BREATH = 100, // ms until we try again, when there are no descriptors or no memory
};

struct listener {
    uv_poll_t poll;
    uv_timer_t breath;
    int closing; // handles whose close callback is still to come
    struct loop *loop;
    struct tls *tls;
    void (*accepted)(void *context, struct stream *stream);
    void *context;
    int descriptor;
    bool closed;
    struct sockaddr_un path; // of a Unix socket; else sun_path is empty
    dev_t device;            // and which file it is
    ino_t file;
};

static void wait_for_connections(struct listener *listener);

// --- accepting -------------------------------------------------------------------------------
static void breathed(uv_timer_t *timer)
{
    wait_for_connections((struct listener *)timer->data);
}

static void pause_a_moment(struct listener *listener)
{
    (void)uv_poll_stop(&listener->poll);
    (void)uv_timer_start(&listener->breath, breathed, OUT_OF_BREATH, 0);
}

static bool take_in(struct listener *listener, int descriptor)
{
    struct err err; // there is nobody to tell: the connection is closed
    struct stream *stream;
    struct tls_session *tls = NULL;
    if (listener->tls) {
        tls = tls_session_new(listener->tls, NULL);
        if (!tls)
            return false;
    }
    if (!stream_wrap(listener->loop, descriptor, tls, &stream, &err))
        return false;
    listener->accepted(listener->context, stream);
    return true;
}

static void can_accept(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = (struct listener *)poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS && !listener->closed; i++) {
        int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (descriptor >= 0) {
            if (!take_in(listener, descriptor))
                (void)close(descriptor);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_a_moment(listener);
            return;
        } // else: that one connection failed before it was accepted
    }
}

static void wait_for_connections(struct listener *listener)
{
    (void)uv_poll_start(&listener->poll, UV_READABLE, can_accept);
}

// --- addresses -------------------------------------------------------------------------------
static bool bad_address(const char *where, struct err *err)
{
    return err_set(err, ERR_USAGE, "invalid_address",
                   "'%s' is no address to listen at: write 127.0.0.1:8000, [::1]:8000 or "
                   "unix:PATH",
                   where);
}

// `ADDRESS:PORT`
static bool parse_tcp(const char *where, struct endpoint *ret_endpoint)
{
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(where, ':');
    if (!colon || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        strlen(colon + 1) > 5)
        return false;
    unsigned long port = strtoul(colon + 1, NULL, 10);
    struct view name = {where, (size_t)(colon - where)};
    bool six = name.size >= 2 && name.data[0] == '[' && name.data[name.size - 1] == ']';
    if (six)
        name = (struct view){name.data + 1, name.size - 2};
    if (port > UINT16_MAX || !text_copy(host, sizeof host, name))
        return false;
    *ret_endpoint = (struct endpoint){0};
    if (six) {
        struct sockaddr_in6 *address = (struct sockaddr_in6 *)&ret_endpoint->address;
        ret_endpoint->size = sizeof *address;
        address->sin6_family = AF_INET6;
        address->sin6_port = htons((uint16_t)port);
        return inet_pton(AF_INET6, host, &address->sin6_addr) == 1;
    }
    struct sockaddr_in *address = (struct sockaddr_in *)&ret_endpoint->address;
    ret_endpoint->size = sizeof *address;
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

static bool cannot_listen(const char *where, struct err *err)
{
    (void)err_set(err, errno == EADDRINUSE ? ERR_CONFLICT : ERR_IO, "cannot_listen",
                  "Cannot listen at %s: %s", where, uv_strerror(-errno));
    return false;
}

static int bound(const struct endpoint *endpoint, bool shared)
{
    AUTO(descriptor_close)
    int made = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0 || setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) != 0 ||
        setsockopt(made, SOL_SOCKET, SO_REUSEPORT, &(int){shared}, sizeof(int)) != 0 ||
        bind(made, (const struct sockaddr *)&endpoint->address, endpoint->size) != 0)
        return -1;
    int taken = made;
    made = -1;
    return taken;
}

// From now on others of this process may listen there, too; whoever did not know that we are here
// was refused when he bound, or listened, without sharing.
static bool share(int descriptor)
{
    return setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)) == 0;
}

static void wait_a_moment(void)
{
    uint16_t some = 0;
    (void)!getentropy(&some, sizeof some); // so that rivals do not wait for the same time
    const struct timespec moment = {.tv_nsec = 1000L * some / 16};
    (void)nanosleep(&moment, NULL); // at most 4 ms
}

// Of rivals that have bound in the same moment Linux may refuse all when they listen, since each
// sees another that is about to; and a loser that has not closed yet is in the way of our second.
// So that is tried again for a while. Whoever is refused when he binds has come too late.
static int listening(const struct endpoint *endpoint, bool shared)
{
    enum { TRIES = 100 };
    for (int tries = 0; tries < TRIES; tries++) {
        AUTO(descriptor_close) int made = bound(endpoint, shared);
        if (made >= 0 && listen(made, BACKLOG) == 0) {
            int taken = made;
            made = -1;
            return taken;
        }
        if (errno != EADDRINUSE || (made < 0 && !shared))
            return -1;
        descriptor_close(&made);
        wait_a_moment();
    }
    errno = EADDRINUSE;
    return -1;
}

static bool open_tcp(struct listener *listener, const struct listener_order *order, struct err *err)
{
    struct endpoint endpoint;
    if (!parse_tcp(order->where, &endpoint))
        return bad_address(order->where, err);
    AUTO(descriptor_close) int made = listening(&endpoint, order->share == LISTEN_TOO);
    if (made < 0 || (order->share == LISTEN_FIRST && !share(made)))
        return cannot_listen(order->where, err);
    listener->descriptor = made;
    made = -1;
    return true;
}

// --- Unix sockets ----------------------------------------------------------------------------
// Whether the name belongs to a socket that nobody listens on.
static bool is_left_over(const struct sockaddr_un *path)
{
    struct stat status;
    if (lstat(path->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    AUTO(descriptor_close)
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return probe >= 0 && connect(probe, (const struct sockaddr *)path, sizeof *path) != 0 &&
           errno == ECONNREFUSED;
}

static bool bind_unix(int made, const struct sockaddr_un *path)
{
    const struct sockaddr *address = (const struct sockaddr *)path;
    if (bind(made, address, sizeof *path) == 0)
        return true;
    if (errno != EADDRINUSE || !is_left_over(path)) {
        errno = errno == EINPROGRESS || errno == EAGAIN ? EADDRINUSE : errno;
        return false;
    }
    return unlink(path->sun_path) == 0 && bind(made, address, sizeof *path) == 0;
}

static bool open_unix(struct listener *listener, const struct listener_order *order,
                      struct err *err)
{
    const char *where = order->where;
    char folder[LIMIT_PATH];
    struct stat status;
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct view name = view_skip(view_of(where), strlen("unix:"));
    if (name.size == 0 || !text_copy(path.sun_path, sizeof path.sun_path, name))
        return bad_address(where, err);
    if (!folder_of(path.sun_path, folder, err))
        return false;
    // Two who find the same left-over socket must not remove each other's new one.
    AUTO(descriptor_close) int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(descriptor_close)
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (lock < 0 || made < 0 || flock(lock, LOCK_EX) != 0 ||
        fchmod(made, 0600) != 0 || // the file is born with the mode of the socket
        !bind_unix(made, &path) || listen(made, BACKLOG) != 0 || lstat(path.sun_path, &status) != 0)
        return cannot_listen(where, err);
    listener->path = path;
    listener->device = status.st_dev;
    listener->file = status.st_ino;
    listener->descriptor = made;
    made = -1;
    return true;
}

static void remove_path(const struct listener *listener)
{
    struct stat status;
    if (listener->path.sun_path[0] != '\0' && lstat(listener->path.sun_path, &status) == 0 &&
        status.st_dev == listener->device && status.st_ino == listener->file)
        (void)unlink(listener->path.sun_path);
}

// --- the listener ----------------------------------------------------------------------------
static void part_is_gone(uv_handle_t *handle)
{
    struct listener *listener = (struct listener *)handle->data;
    if (--listener->closing > 0)
        return;
    (void)close(listener->descriptor);
    free(listener);
}

bool listener_new(struct loop *loop, const struct listener_order *order,
                  struct listener **ret_listener, struct err *err)
{
    struct listener *listener = (struct listener *)calloc(1, sizeof *listener);
    if (!listener)
        return err_memory(err);
    bool is_unix = view_starts(view_of(order->where), VIEW("unix:"));
    if (!(is_unix ? open_unix : open_tcp)(listener, order, err)) {
        free(listener);
        return false;
    }
    int status = uv_poll_init(&loop->uv, &listener->poll, listener->descriptor);
    if (status != 0) {
        remove_path(listener);
        (void)close(listener->descriptor);
        free(listener);
        return loop_error(err, "wait for connections", status);
    }
    (void)uv_timer_init(&loop->uv, &listener->breath);
    listener->poll.data = listener->breath.data = listener;
    listener->loop = loop;
    listener->tls = order->tls;
    listener->accepted = order->accepted;
    listener->context = order->context;
    wait_for_connections(listener);
    *ret_listener = listener;
    return true;
}

void listener_free(struct listener **listener)
{
    struct listener *going = TAKE(*listener);
    if (!going)
        return;
    remove_path(going);
    going->closed = true;
    going->closing = 2;
    uv_close((uv_handle_t *)&going->poll, part_is_gone);
    uv_close((uv_handle_t *)&going->breath, part_is_gone);
}

uint16_t listener_port(const struct listener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    (void)getsockname(listener->descriptor, (struct sockaddr *)&address, &size);
    if (address.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
    return 0;
}
