// talk.h: what the two files of the HTTP transport share: one exchange of an HTTP link, with what
// is to be done with its answer. Only for link_http.c and link_talk.c.
#pragma once

#include "upstream/link.h"
#include "wire/sse.h"

enum talk_kind {
    TALK_CALL,   // a request; the answer is JSON or a stream
    TALK_STREAM, // GET: what belongs to no call
    TALK_POST,   // a notification or an answer: nothing comes back
    TALK_BYE,    // DELETE
    TALK_DRAIN,  // the answer was had; what still comes is not looked at
};

struct talk {
    struct node node;    // link->talks, or all->dead
    struct node rest;    // all->resting, until `wake`
    struct node hungry;  // all->hungry: it waits for room
    struct holding room; // for what is gathered: body, reader
    size_t expected;     // bytes that it may come to
    struct link *link;
    struct upcall *call; // TALK_CALL
    enum talk_kind kind;
    struct http_exchange *exchange; // NULL: ended
    void (*after)(struct link *link);
    int status;
    bool resumed; // a GET for the rest of a stream
    bool sse;
    bool over;        // not to be touched any more
    unsigned tries;   // resumed in a row without anything coming
    int64_t opened;   // TALK_STREAM: when the server began it; 0: it has not
    unsigned cuts;    // of those in whose place it is: cut or put off, one soon after the other
    unsigned session; // link->generation when it was sent
    int64_t wake;
    struct sse_reader reader;
    struct buf body;
};

struct talk *talk_new(struct link *link, enum talk_kind kind, struct upcall *call);
// Cancels what is under way; the memory goes when the outermost leaves.
void talk_free(struct talk *talk);
// What still comes is let come for a little while, so that the connection can be used again. The
// call and the link know nothing of it any more.
void talk_drain(struct talk *talk);
// After one of these two: a link's own stream that was cut or put off is opened again later, the
// later the more often that happens. `behind`: from its last event on, if that had an id.
void talk_follow(const struct talk *talk, bool behind);
extern const struct http_events talk_events;

// gather.c
void gather_looks(struct talk *talk, size_t kept); // so much is kept now
void gather_ends(struct talk *talk);

// link_http.c
void http_flow(struct talk *talk);         // holds what comes, or no longer, as it should be
void http_posts_move(struct link *link);   // a post has ended
void http_posts_forget(struct link *link); // those that wait; they belong to a session
bool http_open_stream(struct talk *talk);  // GET, with the last event id if there is one
void http_session_lost(struct link *link, struct talk *talk);
