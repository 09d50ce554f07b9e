// channel.c: see channel.h.
#include "gateway/channel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct channel *channel_new(int64_t number)
{
    struct channel *channel = (struct channel *)calloc(1, sizeof *channel);
    if (channel)
        channel->number = number;
    return channel;
}

static void drop_oldest(struct channel *channel)
{
    struct kept_event *event = channel->oldest;
    channel->oldest = event->next;
    if (!channel->oldest)
        channel->newest = NULL;
    channel->kept--;
    channel->bytes -= event->size;
    free(event);
}

void channel_free(struct channel **channel)
{
    struct channel *gone = TAKE(*channel);
    while (gone && gone->oldest)
        drop_oldest(gone);
    if (gone)
        server_spec_unref(&gone->served);
    free(gone);
}

bool channel_may_be_told(const struct channel *channel, const struct access *access)
{
    if ((channel->exchange && !channel->of_batch) || channel->access == access->number)
        return true;
    const struct server_spec *now =
        channel->served ? server_specs_find(&access->specs, channel->served) : NULL;
    return now && server_spec_stands(now, channel->served);
}

static void keep(struct channel *channel, const struct view *pieces, size_t count)
{
    size_t size = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].size;
    while (channel->oldest &&
           (channel->kept == CHANNEL_EVENTS || channel->bytes + size > CHANNEL_BYTES))
        drop_oldest(channel);
    struct kept_event *event =
        size > CHANNEL_BYTES ? NULL : (struct kept_event *)malloc(sizeof *event + size);
    if (!event)
        return; // it cannot be taken up again; those before it cannot be told apart from lost ones
    *event = (struct kept_event){.number = channel->events, .size = size};
    for (size_t i = 0; i < count; at += pieces[i++].size)
        if (pieces[i].size > 0)
            memcpy(event->data + at, pieces[i].data, pieces[i].size);
    if (channel->newest)
        channel->newest->next = event;
    else
        channel->oldest = event;
    channel->newest = event;
    channel->kept++;
    channel->bytes += size;
}

struct view channel_id(const struct channel *channel, uint64_t event, char into[EVENT_ID])
{
    int size = snprintf(into, EVENT_ID, "%" PRId64 "-%" PRIu64, channel->number, event);
    return (struct view){into, size > 0 ? (size_t)size : 0};
}

struct view channel_add(struct channel *channel, const struct view *pieces, size_t count,
                        char into[EVENT_ID])
{
    channel->events++;
    keep(channel, pieces, count);
    return channel_id(channel, channel->events, into);
}

static bool read_number(struct view *text, uint64_t *ret_number)
{
    size_t digits = 0;
    uint64_t number = 0;
    for (; digits < text->size && digits < 18; digits++) {
        char c = text->data[digits];
        if (c < '0' || c > '9')
            break;
        number = 10 * number + (uint64_t)(c - '0');
    }
    *text = view_skip(*text, digits);
    *ret_number = number;
    return digits > 0;
}

bool channel_read_id(struct view id, int64_t *ret_channel, uint64_t *ret_event)
{
    uint64_t channel, event;
    if (!read_number(&id, &channel) || id.size == 0 || id.data[0] != '-')
        return false;
    id = view_skip(id, 1);
    if (!read_number(&id, &event) || id.size > 0)
        return false;
    *ret_channel = (int64_t)channel;
    *ret_event = event;
    return true;
}
