// kept.c: an order that waits: a copy of it, and of all that it refers to, in one piece of memory.
// Its call goes out when its link is READY.
#include <stdlib.h>

#include "upstream/link.h"

static size_t kept_size(const struct upcall_order *order)
{
    const struct asker *asker = order->asker;
    size_t size = order->params.size + order->method_name.size + order->name.size +
                  asker->version.size + asker->capabilities.size + asker->client_info.size;
    for (size_t i = 0; i < order->splice_count; i++)
        size += sizeof(struct splice) + order->splices[i].fresh.size;
    for (size_t i = 0; i < order->parameter_field_count; i++)
        size += sizeof(struct http_field) + order->parameter_fields[i].name.size +
                order->parameter_fields[i].value.size;
    return size;
}

// A slice of the params, as a slice of their copy.
static struct view moved(const struct upcall_order *order, struct view copy, struct view slice)
{
    if (slice.data)
        slice.data = copy.data + (slice.data - order->params.data);
    return slice;
}

struct kept *kept_new(const struct upcall_order *order)
{
    size_t size = kept_size(order);
    struct kept *kept = malloc(sizeof(*kept) + size + 1);
    if (!kept)
        return NULL;
    kept->order = *order;
    kept->asker = *order->asker;
    kept->size = size;
    kept->order.asker = &kept->asker;
    struct splice *splices = (void *)kept->bytes;
    struct http_field *fields = (void *)(splices + order->splice_count);
    char *at = (char *)(fields + order->parameter_field_count);
    kept->order.params = view_keep(&at, order->params);
    for (size_t i = 0; i < order->splice_count; i++)
        splices[i] = (struct splice){moved(order, kept->order.params, order->splices[i].old),
                                     view_keep(&at, order->splices[i].fresh)};
    for (size_t i = 0; i < order->parameter_field_count; i++)
        fields[i] = (struct http_field){view_keep(&at, order->parameter_fields[i].name),
                                        view_keep(&at, order->parameter_fields[i].value)};
    kept->order.splices = splices;
    kept->order.parameter_fields = fields;
    kept->order.token = moved(order, kept->order.params, order->token);
    kept->order.method_name = view_keep(&at, order->method_name);
    kept->order.name = view_keep(&at, order->name);
    kept->asker.version = view_keep(&at, order->asker->version);
    kept->asker.capabilities = view_keep(&at, order->asker->capabilities);
    kept->asker.client_info = view_keep(&at, order->asker->client_info);
    return kept;
}
