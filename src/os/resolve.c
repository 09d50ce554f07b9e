// resolve.c: from names to addresses. See stream.h.
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/loop_inside.h"
#include "os/stream.h"

enum { PORT_TEXT = 8 };

struct resolve {
    uv_getaddrinfo_t uv;
    struct due due; // an address needs no asking, but `done` is not called from within
    void (*done)(void *context, const struct endpoint *found, size_t count, const char *reason);
    void *context;
    size_t count;
    struct endpoint found[RESOLVE_MAX];
};

static void take(struct resolve *resolve, const struct addrinfo *list)
{
    for (; list && resolve->count < RESOLVE_MAX; list = list->ai_next) {
        if (list->ai_addrlen > sizeof resolve->found[0].address)
            continue;
        struct endpoint *endpoint = &resolve->found[resolve->count++];
        memcpy(&endpoint->address, list->ai_addr, list->ai_addrlen);
        endpoint->size = list->ai_addrlen;
    }
}

static void tell(struct resolve *resolve, int status)
{
    const char *reason = status != 0 ? uv_strerror(status) : "the name has no address";
    if (resolve->done)
        resolve->done(resolve->context, resolve->found, resolve->count,
                      resolve->count > 0 ? NULL : reason);
    free(resolve);
}

static void is_resolved(uv_getaddrinfo_t *uv, int status, struct addrinfo *list)
{
    struct resolve *resolve = (struct resolve *)uv->data;
    if (status == 0)
        take(resolve, list);
    uv_freeaddrinfo(list);
    tell(resolve, status);
}

static void was_an_address(struct due *due)
{
    tell(OUTER(due, struct resolve, due), 0);
}

static bool take_address(struct resolve *resolve, const char *host, const char *port)
{
    struct addrinfo *list = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    if (getaddrinfo(host, port, &hints, &list) != 0)
        return false;
    take(resolve, list);
    freeaddrinfo(list);
    return resolve->count > 0;
}

bool resolve_start(struct loop *loop, const struct resolve_order *order,
                   struct resolve **ret_resolve, struct err *err)
{
    struct resolve *resolve = (struct resolve *)calloc(1, sizeof *resolve);
    if (!resolve)
        return err_memory(err);
    char port[PORT_TEXT];
    (void)snprintf(port, sizeof port, "%u", (unsigned)order->port);
    resolve->done = order->done;
    resolve->context = order->context;
    resolve->uv.data = resolve;
    resolve->due.fn = was_an_address;
    if (take_address(resolve, order->host, port)) {
        loop_due(loop, &resolve->due);
        *ret_resolve = resolve;
        return true;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    int status = uv_getaddrinfo(&loop->uv, &resolve->uv, is_resolved, order->host, port, &hints);
    if (status != 0) {
        free(resolve);
        return loop_error(err, "look up a name", status);
    }
    *ret_resolve = resolve;
    return true;
}

void resolve_cancel(struct resolve **resolve)
{
    struct resolve *going = TAKE(*resolve);
    if (!going)
        return;
    if (going->count > 0) { // an address
        due_drop(&going->due);
        free(going);
        return;
    }
    going->done = NULL;
    (void)uv_cancel((uv_req_t *)&going->uv); // else it ends by itself
}
