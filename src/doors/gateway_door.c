// gateway_door.c: see gateway_door.h.
#include "doors/gateway_door.h"

#include "base/clock.h"
#include "doors/gateway_conn.h"

enum {
    HEAD_MOST = 64 * 1024, // of an answer: a few lines, an id, an origin
    REFUSED_MOST = 100,    // that are told so, a second: telling takes longer than cutting
    HALF_CLOSED = 1000000, // us, for the answer to a client that has ended its side
    LAST_READING = 2000000 // us, for a request to come whole when the gateway is ending
};

void door_init(struct door *door)
{
    buf_init(&door->head, HEAD_MOST);
    door->heads = settings_ration_heads(door->settings);
    door->heads.strangers = true;
}

void door_done(struct door *door)
{
    buf_done(&door->head);
    ration_done(&door->heads);
}

// --- beginning -------------------------------------------------------------------------------
// When all is `full`, nothing is kept open until the client has read it.
static void refuse_connection(struct door *door, struct stream *stream, bool full)
{
    static const char answer[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
        "Cache-Control: no-store\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32603,\"message\":\"Too many connections\"}}";
    if (!door->over_limit)
        journal_event(door->journal, "connection_limit", NULL);
    door->over_limit = true;
    door->counters.refused++;
    bool told = door->told++ < REFUSED_MOST && stream_write(stream, &VIEW(answer), 1);
    if (told && !full)
        stream_finish(&stream);
    else
        stream_close(&stream);
}

void door_accept(void *context, struct stream *stream)
{
    struct door *door = (struct door *)context;
    bool full = door->descriptors > 0 && stream_number(stream) >= door->descriptors;
    door->counters.accepted++;
    if (full) {
        refuse_connection(door, stream, true);
        return;
    }
    if (atomic_fetch_add(door->connections, 1) < door->settings->connections && !door->draining) {
        conn_begin(door, stream);
        return;
    }
    (void)atomic_fetch_sub(door->connections, 1);
    refuse_connection(door, stream, false);
}

// --- time ------------------------------------------------------------------------------------
static void sweep(struct door *door, enum place place, int64_t patience, int64_t now)
{
    const struct place_list *list = &door->places[place];
    while (list->first && list->first->since + patience <= now)
        conn_late(list->first); // ends it, or puts it last
}

// A request that does not come whole is not waited for until the drain's time is over.
static int64_t reading_time(const struct door *door)
{
    const int64_t time = door->settings->request_read;
    return door->draining && time > LAST_READING ? LAST_READING : time;
}

// What had to go because there was too much: said once, until the half of it has gone.
static void look_at_ration(const struct door *door, const struct ration *ration,
                           struct ration_tally *tally, const char *event)
{
    const uint64_t lost = ration->given_up + ration->refused;
    if (lost > tally->lost && !tally->over) {
        journal_event(door->journal, event, NULL);
        tally->over = true;
    } else if (ration->now <= ration->most / 2) {
        tally->over = false;
    }
    tally->lost = lost;
    tally->now = ration->now;
}

void door_tick(struct door *door, int64_t now)
{
    const struct settings *settings = door->settings;
    sweep(door, PLACE_IDLE, settings->idle_connection, now);
    sweep(door, PLACE_READING, reading_time(door), now);
    sweep(door, PLACE_STREAM, settings->keep_alive_comment, now);
    sweep(door, PLACE_PARTING, HALF_CLOSED, now);
    look_at_ration(door, door->unread, &door->counters.unread, "unread");
    look_at_ration(door, front_asked(door->gateway), &door->counters.asked, "too_much_asked");
    look_at_ration(door, &door->heads, &door->counters.heads, "too_many_heads");
    if (now < door->told_until)
        return;
    door->told_until = now + TIME_SECOND;
    door->told = 0;
    door->over_limit = door->over_limit && atomic_load(door->connections) >= settings->connections;
}

bool door_turn_end(struct door *door)
{
    struct conn *last = door->places[PLACE_READY].last;
    bool any = last != NULL;
    for (bool more = any; more;) {
        struct conn *first = door->places[PLACE_READY].first;
        more = first != last;
        conn_continue(first);
    }
    return any;
}

// --- the end ---------------------------------------------------------------------------------
void door_drain(struct door *door)
{
    door->draining = true;
    struct conn *next;
    for (struct conn *conn = door->places[PLACE_IDLE].first; conn; conn = next) {
        next = conn->next;
        conn_part(conn);
    }
}

void door_close(struct door *door)
{
    door->draining = door->closed = true;
    for (enum place place = 0; place < PLACES; place++)
        while (door->places[place].first)
            conn_gone(door->places[place].first);
}
