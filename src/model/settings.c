// settings.c: see settings.h.
#include "model/settings.h"

#include "base/limits.h"

enum { SECOND = 1000000, KIB = 1024, MIB = 1024 * 1024 };

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .listen = "127.0.0.1:8000",
        .workers = 1,
        .request_head = 16 * KIB,  // what proxies take; a head is a key and a few names
        .request_body = 10 * MIB,  // images and documents as arguments
        .event = 10 * MIB,         // the same, the other way
        .upstream_body = 10 * MIB, // an answer in one piece: as an event
        .list = 10 * MIB,          // all pages of one list of one server
        .queue = 256 * KIB,        // a few socket buffers' worth
        .unread = 256 * MIB,       // the largest answers for a dozen slow clients at once
        .message_depth = LIMIT_JSON_DEPTH,
        .calls_per_key = 64,     // one careless client must not use up a server
        .sessions_per_key = 256, // a fleet behind one key, no more
        .connections = 100000,   // about 1 GiB when idle
        .pages_per_list = 100,   // a server whose list never ends
        .idle_session = INT64_C(1800) * SECOND,
        .keep_alive_comment = 15 * SECOND, // below the 30 to 60 s of common proxies
        .idle_connection = 75 * SECOND,    // nginx's keepalive_timeout
        .request_read = 30 * SECOND,       // head and body of one request (slow clients)
        .connect_timeout = 5 * SECOND,
        .first_byte_timeout = 60 * SECOND,
        .idle_timeout = 60 * SECOND,
        .total_timeout = 300 * SECOND,
        .handshake_timeout = 30 * SECOND, // a package runner may download first
        .idle_child = INT64_C(1800) * SECOND,
        .restart_first = 1 * SECOND,
        .restart_most = 60 * SECOND,
        .lease = 2 * SECOND,
        .drain = 10 * SECOND,
        .question_timeout = 300 * SECOND, // somebody may have to read and answer
        .usage_period = 60 * SECOND,      // the contract: at most once a minute per key
    };
}

static struct ration ration_of(size_t most, size_t largest)
{
    size_t share = most / 4;
    if (share < largest + MIB) // with what goes around it
        share = largest + MIB;
    if (share > most)
        share = most;
    return (struct ration){.most = most, .share = share};
}

struct ration settings_ration(const struct settings *settings)
{
    return ration_of(settings->unread, settings->upstream_body > settings->event
                                           ? settings->upstream_body
                                           : settings->event);
}

struct ration settings_ration_asked(const struct settings *settings)
{
    return ration_of(settings->unread, 2 * settings->request_body);
}

struct ration settings_ration_heads(const struct settings *settings)
{
    size_t most = settings->unread / 4;
    if (most < settings->request_head)
        most = settings->request_head;
    return (struct ration){.most = most, .share = most};
}
