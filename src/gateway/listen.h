// listen.h: clients that want to hear of changes: `subscriptions/listen` of modern ones,
// `resources/subscribe` of legacy ones; and what their servers are asked for it.
//
// List changes need nothing from us but upstream_watch; for changes of resources see
// subscriptions.h.
#pragma once

#include <stdbool.h>

#include "gateway/call.h"
#include "gateway/exchange.h"
#include "gateway/session.h"

// A modern client's listen under way.
struct listening {
    struct listening *next, *previous; // of the gateway
    struct exchange *exchange;
    struct asker asker; // without texts
    bool lists[LISTS];  // of whose changes it wants to hear (templates go with resources)
    struct subscription *subscriptions;
    unsigned dirty; // see notices.h
};

// An exchange does not listen any more, if it did. All listens of a project end, with a result
// each: the project's servers are others now. All there are, since the gateway ends.
void listen_end(struct exchange *exchange);
void listens_end(struct gateway *gateway, int64_t project_n);
void listens_end_all(struct gateway *gateway);

// A resource that it subscribed to has changed.
void listen_tell_updated(struct listening *listening, struct view raw_uri);

// Sends a notification to a listen, with its subscription id in `_meta`. `params`: members besides,
// with a comma at their end; {NULL, 0}: none.
void listen_tell(struct listening *listening, const char *method, struct view params);
