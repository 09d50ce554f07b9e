// notices.h: what clients are told without having asked: that lists changed, that a resource
// changed, and whatever else a server sends outside of calls.
//
// List changes are marked as they come and announced once, at the end of the loop's turn.
#pragma once

#include <stdint.h>

#include "gateway/catalog.h"
#include "gateway/session.h"

// A session's servers are watched (upstream_watch) while it has initialized and has a stream: to be
// called when that may have changed. And: the servers of a project are others now (none: it is
// forgotten), and those of before have not ended yet.
void notices_watch(struct session *session);
void notices_watch_others(struct gateway *gateway, const struct access *now);

// A list of a server changed: all who see that server will be told.
void notices_changed(struct gateway *gateway, struct upstream *upstream, enum mcp_method what);
// The same when the catalog has the new one already.
void notices_back(struct gateway *gateway, struct upstream *upstream, enum mcp_method what);

// All lists of a project changed: its servers are others.
void notices_all_changed(struct gateway *gateway, int64_t project_n);

// The same for one session, which may have missed that.
void notices_session_changed(struct session *session);

// Announces what is marked.
void notices_flush(struct gateway *gateway);

// A resource that the session's client subscribed to changed.
void notices_updated(struct session *session, struct view raw_uri);

// Any other notification of a server, for the session whose link it came on, if it is one's.
void notices_pass(struct gateway *gateway, const struct heard *heard, const struct rpc *message);

// The log level that the server of a conversation is to be told: that of the session whose it is;
// of those that share it (`session` 0) the one that lets all through that any of them wants. -1:
// nobody said. What each of them does not want is kept from it by notices_pass and the calls.
int notices_level(const struct gateway *gateway, const struct upstream *upstream, int64_t session);

// The session is over: the servers that it shared are told what the others want.
void notices_level_over(const struct session *session);

// The stream for what belongs to no call; NULL: there is none.
struct exchange *notices_stream(const struct session *session);
