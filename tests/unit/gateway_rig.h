// gateway_rig.h: a whole gateway on a store of its own, with children of fake_mcp behind it, and
// doors that write down what they are told to say.
#pragma once

#include "temp_store.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/json.h"
#include "base/json_out.h"
#include "base/text.h"
#include "gateway/gateway.h"
#include "gateway/session.h"
#include "model/config.h"
#include "model/server.h"

enum { ROOM_ID = 128, DOORS = 48, SAID = 1 << 16, KEYS = 2, TURN = 4 /* ms */ };

// A client's request, or its stream.
struct door {
    struct exchange *exchange; // NULL: over, or was answered at once
    bool open;                 // the gateway has not ended it
    bool events, cut, paused;
    const char *reason; // why it was cut
    long long retry;
    int status;
    size_t queued;
    char session[ROOM_ID];
    char said[SAID]; // all pieces, with a line end after each message
    size_t size;
};

struct rig {
    struct loop *loop;
    struct timer *timer;
    struct settings settings;
    struct ration unread;
    struct store_config store_config;
    struct journal *journal;
    int log; // its file
    struct gateway *gateway;
    int64_t until;
    const struct door *awaited;
    const char *words;
    struct door doors[DOORS];
    char keys[KEYS][LIMIT_API_KEY + 1];
    const struct front_ops *ops; // of the doors; NULL: door_ops
};

static struct rig rig;
static struct user alice;
static struct project team;
static struct config tools;
static struct arena arena;

// --- the door ----------------------------------------------------------------------------------
static inline void hear(struct door *door, const struct view *pieces, size_t count)
{
    assert_true(door->open);
    for (size_t i = 0; i < count; i++) {
        size_t room = SAID - 2 - door->size;
        size_t size = pieces[i].size < room ? pieces[i].size : room;
        if (size > 0)
            memcpy(door->said + door->size, pieces[i].data, size);
        door->size += size;
    }
    if (count > 0)
        door->said[door->size++] = '\n';
    door->said[door->size] = '\0';
    if (door->size > SAID / 2)
        door->size = 0; // the old is forgotten
}

static inline void close_door(struct door *door)
{
    assert_true(door->open);
    door->open = false;
    door->exchange = NULL;
}

static inline void door_answer(void *context, int status, struct view session_id,
                               const struct view *pieces, size_t count)
{
    struct door *door = (struct door *)context;
    assert_false(door->events);
    hear(door, pieces, count);
    door->status = status;
    if (session_id.data)
        assert_true(text_copy(door->session, sizeof door->session, session_id));
    close_door(door);
}

static inline void door_event(void *context, struct view id, const struct view *pieces,
                              size_t count)
{
    struct door *door = (struct door *)context;
    if (id.data) {
        const struct view line[] = {VIEW("id: "), id};
        hear(door, line, 2);
    }
    hear(door, pieces, count);
    door->events = true;
    door->status = 200;
}

static inline void door_end(void *context, struct view id, const struct view *pieces, size_t count)
{
    if (count > 0)
        door_event(context, id, pieces, count);
    close_door((struct door *)context);
}

static inline void door_pause(void *context, long long retry)
{
    struct door *door = (struct door *)context;
    door->retry = retry;
    door->paused = true;
    close_door(door);
}

static inline void door_cut(void *context, const char *reason)
{
    struct door *door = (struct door *)context;
    door->cut = true;
    door->reason = reason;
    close_door(door);
}

static inline size_t door_queued(void *context)
{
    return ((struct door *)context)->queued;
}

static const struct front_ops door_ops = {door_answer, door_event, door_end,
                                          door_pause,  door_cut,   door_queued};

// --- the loop ----------------------------------------------------------------------------------
static inline void rig_tick(void *context)
{
    (void)context;
    int64_t now = loop_clock();
    gateway_tick(rig.gateway, now);
    bool heard = rig.awaited &&
                 (rig.words ? strstr(rig.awaited->said, rig.words) != NULL : !rig.awaited->open);
    if (heard || now > rig.until)
        loop_stop(rig.loop);
}

static inline void rig_turn_end(void *context)
{
    (void)context;
    gateway_turn_end(rig.gateway);
}

static inline void rig_pause(int64_t milliseconds)
{
    rig.awaited = NULL;
    rig.until = loop_clock() + milliseconds * 1000;
    loop_run(rig.loop);
}

// Until the door has said these words; NULL: until it is closed.
static inline void await(const struct door *door, const char *words)
{
    rig.awaited = door;
    rig.words = words;
    rig.until = loop_clock() + 10 * TIME_SECOND;
    loop_run(rig.loop);
    if (words ? strstr(door->said, words) == NULL : door->open)
        fail_msg("awaited %s, heard: %s", words ? words : "the end", door->said);
}

// --- the store ---------------------------------------------------------------------------------
static inline void add_record(struct view text)
{
    const struct server_change nothing = {0};
    const struct json_value *value;
    WORKS(json_parse(text, &arena, &value, &err));
    begin();
    WORKS(server_add(store, &tools, value, &nothing, &err));
    commit();
}

static inline void add_fake_isolated(const char *name, const char *protocol, const char *isolation,
                                     const char *const *words)
{
    struct buf text;
    char command[300];
    (void)snprintf(command, sizeof command, "%s/tests/fake_mcp", getenv("BUILD_DIR"));
    buf_init(&text, 1 << 20);
    buf_add_format(&text,
                   "{\"server_name\":\"%s\",\"config\":{\"protocol\":\"%s\",\"isolation\":\"%s\","
                   "\"command\":",
                   name, protocol, isolation);
    json_add_string(&text, view_of(command));
    buf_add(&text, VIEW(",\"args\":["));
    for (size_t i = 0; words[i]; i++) {
        if (i > 0)
            buf_add_char(&text, ',');
        json_add_string(&text, view_of(words[i]));
    }
    buf_add(&text, VIEW("]}}"));
    add_record(buf_view(&text));
    buf_done(&text);
}

static inline void add_fake(const char *name, const char *protocol, const char *const *words)
{
    add_fake_isolated(name, protocol, "project", words);
}

static inline void set_enabled(unsigned key, bool enabled)
{
    struct api_key present = find_key(rig.keys[key]);
    begin();
    WORKS(api_key_set_enabled(store, &present, enabled, &err));
    commit();
}

// Whose room is what waits for a key's clients.
static inline uint64_t owner_of(unsigned key)
{
    struct principal *principal;
    assert_int_equal(front_authenticate(rig.gateway, view_of(rig.keys[key]), &principal),
                     FRONT_GRANTED);
    const uint64_t owner = front_key(principal);
    front_principal_unref(&principal);
    return owner;
}

// How many lines of the journal have these words.
static inline unsigned logged(const char *words)
{
    FILE *file;
    char line[4096];
    unsigned count = 0;
    (void)usleep(10000); // it keeps for a while what may be written together
    journal_flush(rig.journal);
    file = fdopen(dup(rig.log), "r");
    assert_non_null(file);
    rewind(file);
    while (fgets(line, sizeof line, file))
        count += strstr(line, words) != NULL;
    (void)fclose(file);
    return count;
}

// --- beginning and end -------------------------------------------------------------------------
static inline int rig_set_up(void **state)
{
    bool changed;
    if (make_store(state) != 0)
        return -1;
    memset(&rig, 0, sizeof rig);
    arena_init(&arena, 1 << 24);
    alice = new_user("alice@example.com");
    team = new_project("Team");
    join(&team, &alice);
    begin();
    WORKS(config_add(store, VIEW("tools"), &tools, &err));
    WORKS(project_set_config(store, &team, &tools, &changed, &err));
    commit();
    for (size_t i = 0; i < KEYS; i++) {
        (void)new_key(&alice, &team);
        memcpy(rig.keys[i], clear_text, sizeof rig.keys[i]);
    }
    settings_init(&rig.settings);
    rig.settings.holder = getenv("SMG_HOLD");
    rig.settings.restart_first = 20000;
    rig.settings.restart_most = 40000;
    rig.unread = settings_ration(&rig.settings);
    rig.store_config = (struct store_config){.home = home};
    WORKS(loop_new(&rig.loop, &err));
    rig.log = memfd_create("journal", MFD_CLOEXEC);
    rig.journal = journal_new(rig.log);
    const struct gateway_order order = {.loop = rig.loop,
                                        .settings = &rig.settings,
                                        .store = &rig.store_config,
                                        .unread = &rig.unread,
                                        .journal = rig.journal};
    rig.gateway = gateway_new(&order, &err);
    if (!rig.gateway)
        fail_msg("%s", err.message);
    loop_on_turn_end(rig.loop, rig_turn_end, &rig);
    WORKS(timer_new(rig.loop, TURN, rig_tick, NULL, &rig.timer, &err));
    return 0;
}

static inline void leave_door(struct door *door)
{
    struct exchange *exchange = door->exchange;
    door->exchange = NULL;
    door->open = false;
    if (exchange)
        exchange_gone(exchange);
}

// All clients go, and the gateway with them.
static inline void rig_leave(void)
{
    for (size_t i = 0; i < DOORS; i++)
        leave_door(&rig.doors[i]);
    timer_free(&rig.timer);
    gateway_free(&rig.gateway);
}

static inline int rig_tear_down(void **state)
{
    rig_leave();
    loop_free(&rig.loop);
    assert_int_equal(rig.unread.now, 0); // all was given back
    ration_done(&rig.unread);
    journal_free(&rig.journal);
    (void)close(rig.log);
    arena_done(&arena);
    return remove_home(state);
}

// --- asking ------------------------------------------------------------------------------------
static inline struct door *free_door(void)
{
    for (size_t i = 0; i < DOORS; i++)
        if (!rig.doors[i].open) {
            memset(&rig.doors[i], 0, sizeof rig.doors[i]);
            rig.doors[i].open = true;
            return &rig.doors[i];
        }
    return NULL;
}

struct asking {
    unsigned key;
    const char *method; // POST, GET, DELETE
    const char *session, *last_event_id, *body;
    const char *mcp_method, *mcp_name; // modern
    const char *server;
};

static inline struct view given(const char *text)
{
    return text ? view_of(text) : (struct view){NULL, 0};
}

// NULL: the key is refused, or there is no door.
static inline struct door *ask(const struct asking *asking)
{
    struct principal *principal = NULL;
    struct door *door = free_door();
    if (!door)
        return NULL;
    if (front_authenticate(rig.gateway, view_of(rig.keys[asking->key]), &principal) !=
        FRONT_GRANTED) {
        door->open = false;
        return NULL;
    }
    const struct front_request request = {.principal = principal,
                                          .server = given(asking->server),
                                          .session_id = given(asking->session),
                                          .version =
                                              given(asking->mcp_method ? MCP_MODERN_VERSION : NULL),
                                          .method = given(asking->mcp_method),
                                          .name = given(asking->mcp_name),
                                          .last_event_id = given(asking->last_event_id),
                                          .body = given(asking->body)};
    const struct front_ops *ops = rig.ops ? rig.ops : &door_ops;
    struct exchange *exchange = NULL;
    if (strcmp(asking->method, "POST") == 0)
        exchange = front_post(rig.gateway, &request, ops, door);
    else if (strcmp(asking->method, "GET") == 0)
        exchange = front_get(rig.gateway, &request, ops, door);
    else
        front_delete(rig.gateway, &request, ops, door);
    assert_int_equal(exchange != NULL, door->open);
    door->exchange = exchange;
    front_principal_unref(&principal);
    return door;
}

static inline struct door *post(unsigned key, const char *session, const char *format, ...)
    PRINTF_LIKE(3, 4);
static inline struct door *post(unsigned key, const char *session, const char *format, ...)
{
    char body[4096];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(body, sizeof body, format, args);
    va_end(args);
    return ask(&(struct asking){.key = key, .method = "POST", .session = session, .body = body});
}

#define META                                                                                       \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MCP_MODERN_VERSION "\","           \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}}"

// A modern request: `params` are members with a comma after each.
static inline struct door *post_modern(unsigned key, const char *method, const char *name,
                                       const char *params)
{
    char body[4096];
    (void)snprintf(body, sizeof body,
                   "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":{%s" META "}}",
                   method, params);
    return ask(&(struct asking){
        .key = key, .method = "POST", .body = body, .mcp_method = method, .mcp_name = name});
}

// Opens a session that declares elicitation; its id.
static inline void open_session(unsigned key, const char *version, char id[ROOM_ID])
{
    const struct door *door =
        post(key, NULL,
             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
             "\"protocolVersion\":\"%s\",\"capabilities\":{\"elicitation\":{},\"roots\":{}},"
             "\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}",
             version);
    assert_non_null(door);
    await(door, NULL);
    memcpy(id, door->session, ROOM_ID);
}
