// link.h: what the files of the upstreams share. Only for them:
//
//   upstream.c    upstreams: found, kept, retired; what is known of them; who waits to know
//   links.c       all links: which one a request takes, sessions and keys that end, the tick
//   link.c        one conversation: its states, what is sent and what comes in
//   handshake.c   from a fresh transport to READY: which era, initialize or server/discover
//   upcall.c      one request under way: its beginning, its events, its end
//   kept.c        a copy of its order, while it waits for its link
//   backlog.c     what comes for it while it is held
//   pulse.c       whether a server is still there, and still the one it was
//   watch.c       an own subscriptions/listen on modern links
//   link_stdio.c  the transport over a child's pipes
//   garbled.c     which call a line of a child was for that could not be read
//   link_http.c   the transport over HTTP (with link_talk.c: one exchange; gather.c: room for it)
//
// Reentrancy. Whoever is called from the loop brackets its work with upstreams_enter and
// upstreams_leave. In between things are only marked: a failed call goes to the list `doomed`, a
// link that is over to `leaving`, memory to `graves`. The outermost upstreams_leave tells the
// failures and frees. The public functions leave by upstreams_leave_quietly: nothing is told before
// they return, but soon after.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/rationed.h"
#include "upstream/numbers.h"
#include "upstream/upstream.h"

enum {
    LINK_VERSION = 16,       // longest protocol version
    LINK_SESSION = 512,      // longest Mcp-Session-Id
    LINK_ERAS = 2,           // of enum mcp_era
    OWNER_BUCKETS = 4096,    // of links by their owner
    UPSTREAM_BUCKETS = 4096, // of upstreams by their project and identity
    LOG_LINES = 20,          // about one upstream in LOG_WINDOW
};

// Answers and notifications that wait for an HTTP server. Bytes. What waits for a link that is
// being made, or in the pipe to a child, may be what one key may have under way: link_room.
#define LINK_QUEUE ((size_t)16 << 20)
// How much of it our own answers may take (pings, refusals).
#define LINK_ANSWERS ((size_t)256 << 10)
// A child that asks on until that much of them waits has done so for seconds: it is replaced.
#define LINK_UNREAD ((size_t)1 << 20)
// After that much silence to server/discover a child is offered initialize, too.
#define PROBE_SILENCE (TIME_SECOND * 3 / 2)
// A server decides how much there is to say of it, but not how long the log becomes.
#define LOG_WINDOW (10 * TIME_SECOND)
// So long a child that has closed its input or output may take to end: then its exit tells why.
#define HUNG_UP_FOR TIME_SECOND
// How long it is believed that a server speaks an era, or does not.
#define VERDICT_AGE (3600 * TIME_SECOND)
// A link that lived that long begins its back-off anew.
#define LIVED_WELL (60 * TIME_SECOND)

// --- upstreams -------------------------------------------------------------------------------
struct poke; // what is posted to the loop: outlives the upstreams

struct upstreams {
    struct upstreams_order order;
    int64_t now;    // loop_clock() at the last enter
    unsigned depth; // of enter
    bool ending;    // no link is begun any more
    bool closing;   // and no upstream
    struct poke *poke;
    struct node list;    // of upstreams
    struct node links;   // STARTING, READY and RESTING ones
    struct node leaving; // GONE ones whose transport has not ended
    struct node calls;   // with a deadline
    struct node doomed;  // calls that have failed and must be told
    struct node thawed;  // calls with a backlog, no longer held
    struct node resting; // HTTP streams that will be resumed
    struct node hungry;  // HTTP answers that wait for room
    bool roomier;        // some has become free
    struct node levels;  // upstreams that may have to be told another log level
    struct node windows; // upstreams of which something was logged lately
    struct node dead;    // HTTP talks whose memory goes
    struct node retired; // upstreams that are in use for a little while
    struct grave *graves;
    struct upcall *spare; // upcalls to be used again
    unsigned spares;
    struct numbers numbers; // links by number
    struct numbers wanting; // client sessions with a stream
    uint64_t last_number;
    int64_t swept;         // links were looked at
    struct buf body, meta; // for making messages in
    uint64_t random;
    struct upstream *upstreams[UPSTREAM_BUCKETS];
    struct link *owners[OWNER_BUCKETS];
};

enum verdict { VERDICT_UNKNOWN, VERDICT_YES, VERDICT_NO };

struct upstream {
    struct node node;
    struct upstream *chain;
    struct upstreams *all;
    int64_t project_n;
    struct server_spec *spec;
    struct node links;
    struct known {
        struct upstream_facts facts;
        char *memory;   // NULL: nothing is known
    } known[LINK_ERAS]; // as it said in each era
    enum mcp_era last;  // in which it said something last
    enum verdict verdict[LINK_ERAS];
    int64_t judged[LINK_ERAS];
    int watchers[LINK_ERAS]; // by the era of the clients
    bool down;               // it has failed; the next success is an event
    bool differs;            // it says other things of itself; told when a link is READY
    bool retired;            // by upstreams_retain
    unsigned users;          // upcalls and links
    struct levels_over {
        struct node node; // all->levels
        int lowest;       // of sessions that are over since the last tick
    } levels;
    struct log_window {
        struct node node; // all->windows, while it is open
        int64_t since;
        unsigned lines;
        unsigned long long suppressed;
    } log;
};

void upstreams_enter(struct upstreams *all);
void upstreams_leave(struct upstreams *all);
void upstreams_leave_quietly(struct upstreams *all);
void upstreams_bury(struct upstreams *all, void *memory); // free() when the outermost leaves
// As upstreams_log, without its bound, and not counted.
void upstreams_log_always(struct upstream *upstream, const char *what, const char *detail);

// The eras in which a request may be tried.
enum verdict upstream_verdict(const struct upstream *upstream, enum mcp_era era);
void upstream_judge(struct upstream *upstream, enum mcp_era era, enum verdict verdict);
// What a handshake has found; `*facts` is borrowed.
void upstream_found(struct upstream *upstream, const struct upstream_facts *facts);
// After it was down: `changed` is told, and its links are let off.
void upstream_came_up(struct upstream *upstream);

// --- links -----------------------------------------------------------------------------------
enum link_state {
    LINK_STARTING, // calls wait
    LINK_READY,
    LINK_RESTING, // has failed: no transport; until `not_before` calls fail, or go to the other
                  // era's; then it starts anew
    LINK_GONE,    // over; only its transport may still be ending
};

enum link_scope { SCOPE_SHARED, SCOPE_USER, SCOPE_SESSION, SCOPE_KEY };

struct link_owner {
    enum link_scope scope;
    int64_t n;    // of the user, session or key; 0 for SCOPE_SHARED
    unsigned can; // SCOPE_KEY: what its modern clients can be asked
};

struct talk;

struct link {
    struct node node;     // upstream->links
    struct node everyone; // all->links or all->leaving
    struct link *chain;   // of all->owners
    struct upstream *upstream;
    struct upstreams *all;
    const struct link_ops *ops;
    uint64_t number; // of this conversation: a new one with each start
    enum link_state state;
    enum mcp_era era;    // of the conversation; while STARTING, the one being tried
    enum mcp_era wanted; // the one it began with
    struct link_owner owner;
    char *client; // SCOPE_SESSION: capabilities and client_info of the asker it is for
    struct view capabilities, client_info;

    struct numbers pending; // upcalls by id
    uint64_t last_id;
    struct node flight;  // upcalls that were sent
    struct node waiting; // upcalls for when it is READY
    size_t waiting_bytes;
    unsigned in_flight; // of others than ourselves

    struct handshake {
        struct upcall *discover, *initialize;
        unsigned tried;   // eras that did not work: 1 << era
        unsigned refused; // those of them that the server has refused in its own words
        int status;       // HTTP status of the last answer
    } handshake;
    char version[LINK_VERSION]; // legacy: what was negotiated

    struct upcall *watch;
    int64_t watch_at; // not before

    const char *forbidden; // RESTING because the address policy refuses the server: its sentence
    unsigned failures;     // in a row
    int64_t not_before;
    int64_t let_off; // when links_let_off last did so; 0: not since it was READY
    int64_t ready_at;
    int64_t used; // the last call's end or beginning
    bool moved;   // RESTING because this era did not work: calls go on in the other one
    bool outage;  // RESTING because the server was not to be had, which others may have found, too
    int64_t doubted; // since when it is known not to speak this era any more; 0: it is not

    struct child *child;
    struct buf line;      // an incomplete one
    bool banner;          // stray lines were logged
    unsigned missed;      // calls in a row whose time was up without a byte of the child
    struct upcall *probe; // asks whether it is still there (pulse.c)
    int64_t probed;       // when that was asked last
    bool hangs;           // it does not
    int64_t hung_up_at;   // when it closed its input or output; 0: it has not

    struct node talks;
    struct node posts[2]; // struct waiting_post; of [true] are those that may be dropped
    size_t posts_bytes[2];
    unsigned posting; // of TALK_POST
    bool dropping;    // it was logged
    bool crowded;     // its streams are held until posts have gone
    size_t answers;   // stdio: bytes of our own answers in the pipe
    bool unread;      // they are more than LINK_UNREAD
    bool stalled;     // stdio: not read, since no caller takes what it says
    char session[LINK_SESSION];
    size_t session_size;            // 0: none
    unsigned generation;            // of the session
    struct talk *stream;            // GET
    bool no_stream;                 // the server has none in this conversation
    bool session_wants;             // the client session has one
    int64_t left_at;                // when a call was last given up that the server may still be at
    int64_t left_session, left_key; // whose it was; -1: of several
    int64_t asking_user; // whose calls this conversation has had; 0: nobody's; -1: several users'
};

// The transports. None of these tells anything before it returns; what fails is doomed.
struct link_ops {
    // Opens; handshake_begin is called by link_start when this returns true.
    bool (*open)(struct link *link);
    // Sends a request whose body is in all->body; false: it could not be, `call` is untouched.
    bool (*send)(struct link *link, struct upcall *call, const struct upcall_order *order);
    // A notification or an answer. `after` is called when it has arrived, or cannot; may be NULL.
    // `spare`: it may be dropped, being our own answer to a server that asks more than it lets be
    // answered. It is held meanwhile, so that this is rare.
    void (*post)(struct link *link, struct view message, bool spare,
                 void (*after)(struct link *link));
    // The call is over, by its answer or before.
    void (*abandon)(struct link *link, struct upcall *call, bool answered);
    void (*hold)(struct upcall *call, bool held);
    void (*relax)(struct link *link);  // a tick: no server is held for good; may be NULL
    void (*ready)(struct link *link);  // READY, or what it should do has changed; in each tick
    void (*close)(struct link *link);  // at once
    bool (*finish)(struct link *link); // politely; false: nothing is left to end
    void (*hurry)(struct link *link);  // it takes too long; may be NULL
};
extern const struct link_ops link_stdio, link_http;

// links.c
// The link for an asker, made and started when there is none. NULL with a reason.
struct link *links_take(struct upstream *upstream, const struct asker *asker,
                        enum upcall_failure *ret_why, const char **ret_sentence);
// The same, in an era that is decided and with `tried` remembered.
struct link *links_take_era(struct upstream *upstream, const struct asker *asker, enum mcp_era era,
                            const struct handshake *tried);
struct link *links_heir(const struct link *link); // another for the same asker; NULL: no memory
struct link *links_twin(const struct link *link, enum mcp_era era); // same owner; NULL: none
void links_remove(struct link *link);                               // from all tables
void links_renumber(struct link *link);                             // a new conversation
// A server over HTTP answers: its links that rest because it did not may be tried at once, each of
// them once in `restart_most`. Nothing follows from one child for another.
void links_let_off(struct upstream *upstream);
// What is told to a call whose link rests, or (NULL) cannot be made.
void links_why(const struct link *link, enum upcall_failure *ret_why, const char **ret_sentence);
void links_tick(struct upstreams *all);

// link.c
// A call on it was given up before its answer.
void link_was_left(struct link *link, const struct upcall *call);
// How many bytes of requests may wait for it, of all keys.
size_t link_room(const struct link *link);
// A call goes out on it.
void link_is_used(struct link *link, const struct upcall *call);
extern const char link_could_not_start[]; // a sentence
void link_start(struct link *link);
// To the log: a change of its state. Of a child each one is told: how many there are is the
// back-off's business, or that of the clients for whom it is started, and not the server's.
void link_log(struct link *link, const char *what, const char *detail);
void link_ready(struct link *link, enum mcp_era era); // by the handshake
// Tells it the log level that its clients want, if that is above this one.
void link_tell_level(struct link *link, int above);
// It has failed: calls are doomed, the transport is closed, the back-off begins.
void link_fail(struct link *link, enum upcall_failure why, const char *sentence);
void link_rest(struct link *link); // the same, without calls to doom and without a word
// It hangs, has hung up, or asks without reading: as link_fail, but its child is asked to end
// first, while a link in its place rests, or begins in the other era when it may be this one that
// the child did not bear.
void link_replace(struct link *link, const char *sentence);
void link_end(struct link *link, const char *sentence); // it is not wanted any more
void link_finished(struct link *link);                  // a GONE one's transport has ended
void link_free(struct link *link);                      // with its transport, at once
// A message that came in; `on`: on the stream of this call, NULL: on none of its own. False when it
// is no message. After it everything may have changed.
bool link_message(struct link *link, struct upcall *on, struct view text);
void link_post_result(struct link *link, struct view id, struct view result, bool spare);
void link_post_error(struct link *link, struct view id, int code, const char *message);
// The message as a value that can be answered later; false: its id is too long for that.
bool link_question(const struct link *link, const struct rpc *message, struct question *ret);

// handshake.c
void handshake_begin(struct link *link);
// Calls come to it from a link of the other era, with what that link's handshake has found.
void handshake_goes_on(struct link *link, const struct handshake *tried);
void handshake_silence(struct link *link); // server/discover was not answered in PROBE_SILENCE
// Its child has ended: true when it has been started again, in the other era.
bool handshake_child_exited(struct link *link);
// Its child has hung up: the heir begins in the other era, and with all that waits.
// False when that is no help: another one would do the same.
bool handshake_child_hung_up(struct link *link, struct link *heir);
void handshake_forget(struct link *link); // its own calls end without an event

// --- upcalls ---------------------------------------------------------------------------------
enum upcall_state { UPCALL_WAITING, UPCALL_SENT, UPCALL_DOOMED };

// A copy of an order and of all that it refers to.
struct kept {
    struct upcall_order order;
    struct asker asker;
    size_t size; // of `bytes`
    char bytes[];
};

// What came while its call was held.
struct backlog {
    struct buf messages;
    struct holding room; // for them
};

struct upcall {
    struct node node;  // link->waiting, link->flight or all->doomed
    struct node sweep; // all->calls
    struct node thaw;  // all->thawed
    struct upstream *upstream;
    struct link *link; // NULL when doomed
    const struct upcall_events *events;
    void *context;
    enum upcall_state state;
    enum mcp_method method;
    enum mcp_era asker_era;
    int64_t session, user, key;
    uint64_t id;
    int64_t started, sent, heard; // heard 0: nothing yet
    bool stream;                  // without an end
    bool own;                     // ours, not a client's
    bool learn;                   // asks for nothing but a READY link
    bool held;
    bool repeated; // sent a second time already
    enum upcall_failure why;
    const char *sentence;
    struct kept *kept;    // while WAITING
    struct rationed body; // legacy HTTP: to send it again; none where there is no room for it
    struct backlog backlog;
    struct talk *talk; // HTTP
    int status;        // HTTP
};

struct upcall *upcall_learn(struct upstream *upstream, const struct asker *asker,
                            const struct upcall_events *events, void *context);
// A call of our own on a link that need not be READY. NULL when it could not be sent.
struct upcall *upcall_own(struct link *link, enum mcp_method method, struct view params,
                          const struct upcall_events *events);
void upcall_launch_waiting(struct upcall *call); // its link is READY
void upcall_wait_again(struct upcall *call);     // it was sent in a session that is no more
void upcall_reroute(struct upcall *call, enum mcp_era era, const struct handshake *tried);
// Takes it from its link and dooms it; `told`: the server hears of it.
void upcall_fail(struct upcall *call, enum upcall_failure why, const char *sentence, bool told);
void upcall_give_up(struct upcall *call);           // fails: other keys need the room it takes
void upcall_forget(struct upcall *call, bool told); // frees it without an event
void upcall_heard(struct upcall *call);             // the server lives; accepts NULL
// What came for it.
void upcall_notice(struct upcall *call, const struct rpc *message);
void upcall_question(struct upcall *call, const struct rpc *message);
void upcall_answered(struct upcall *call, const struct rpc *response);
void upcalls_tick(struct upstreams *all);
void upcalls_tell(struct upstreams *all); // doomed and thawed ones
void upcalls_done(struct upstreams *all);

// kept.c
struct kept *kept_new(const struct upcall_order *order); // free with free(); NULL: no memory

// backlog.c
// True when the message is put aside, since the call is held. It may have failed then.
bool backlog_takes(struct upcall *call, const struct rpc *message);
// Gives out what was put aside, until the call is held again or over, or there is no more.
void backlog_give_out(struct upcall *call);
void backlog_end(struct upcall *call);

// body.c
// A request into all->body. False when memory is short.
bool body_make(struct link *link, uint64_t id, const struct upcall_order *order);
bool body_is_modern(const struct link *link, enum mcp_method method);

// garbled.c
// A line was refused: the calls that it seems to answer fail. False: there are none.
bool garbled_fails(struct link *link, struct view line);

// link_http.c
// Whether an HTTP status tells how the server fares at the moment, and nothing about the request:
// out of order, but for 501 (it knows no such thing), too slow, too early, too many.
static inline bool status_is_for_now(int status)
{
    return (status >= 500 && status != 501) || status == 408 || status == 425 || status == 429;
}

// link_stdio.c
// Which of its calls are under way, or held, has changed, or what is put aside for them.
void stdio_flow(struct link *link);

// pulse.c
void pulse_missed(struct link *link);  // the time of a call of its is up
void pulse_refused(struct link *link); // over HTTP: a client's request was, with a status

// watch.c
void watch_check(struct link *link);
bool link_is_watched(const struct link *link);

// gather.c
void gathers_feed(struct upstreams *all); // those that wait for room, as far as there is some

// link_http.c, link_talk.c
void http_tick(struct upstreams *all);
void talks_bury(struct upstreams *all);
bool http_send_again(struct link *link, struct upcall *call); // call->body
