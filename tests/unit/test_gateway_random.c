// test_gateway_random.c: clients, keys and servers of a whole gateway do everything at random.
// Its servers are children (fake_mcp) and one over HTTP (bad_upstream).
// SMG_STEPS and SMG_SEED make longer and other runs.
#include "gateway_fakes.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SESSIONS = 4 };
static struct {
    pid_t pid;
    unsigned port;
} web; // bad_upstream, the server behind `web` and `net`
static char sessions[SESSIONS][ROOM_ID], handles[SESSIONS][ROOM_ID];

static struct door *any_door(void)
{
    return &rig.doors[any(DOORS)];
}

// Sessions and handles out of what was said.
static void learn(void)
{
    for (size_t i = 0; i < DOORS; i++) {
        struct door *door = &rig.doors[i];
        if (door->session[0])
            memcpy(sessions[any(SESSIONS)], door->session, ROOM_ID);
        if (strstr(door->said, "requestState\":\""))
            copy_member(door, "requestState\":\"", handles[any(SESSIONS)]);
        door->session[0] = '\0';
    }
}

static const char *const names[] = {
    "own__fast",  "own__never", "own__asks",      "own__dies",  "his__fast",  "his__asks",
    "own__news",  "old__fast",  "old__never",     "old__asks",  "old__notes", "old__news",
    "old__fast",  "new__fast",  "new__never",     "new__asks",  "new__notes", "new__news",
    "nobody__x",  "old__fast",  "old__dies",      "old__task",  "new__task",  "web__echo",
    "web__hang",  "web__die",   "web__half",      "web__stuck", "net__echo",  "net__hang",
    "net__flood", "net__half",  "net__midstream",
};

static void act_call(unsigned key)
{
    (void)post(key, sessions[any(SESSIONS)],
               "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\",\"params\":{\"name\":"
               "\"%s\",\"_meta\":{\"progressToken\":%u}}}",
               any(4), any_of(names, COUNT_OF(names)), any(4));
}

static void act_request(unsigned key)
{
    static const char *const requests[] = {
        "\"tools/list\"",
        "\"resources/list\"",
        "\"ping\"",
        "\"resources/subscribe\",\"params\":{\"uri\":\"x://1\"}",
        "\"resources/unsubscribe\",\"params\":{\"uri\":\"x://1\"}",
        "\"resources/read\",\"params\":{\"uri\":\"x://1\"}",
        "\"logging/setLevel\",\"params\":{\"level\":\"info\"}",
        "\"nonsense\"",
    };
    (void)post(key, sessions[any(SESSIONS)], "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":%s}",
               any(4), any_of(requests, COUNT_OF(requests)));
}

static void act_notify(unsigned key)
{
    static const char *const notes[] = {"initialized", "roots/list_changed"};
    if (any(3))
        (void)post(key, sessions[any(SESSIONS)],
                   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
                   "{\"requestId\":%u}}",
                   any(4));
    else
        (void)post(key, sessions[any(SESSIONS)],
                   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/%s\"}",
                   any_of(notes, COUNT_OF(notes)));
}

static void act_reply(unsigned key)
{
    static const char *const replies[] = {"\"result\":{\"ok\":1}",
                                          "\"error\":{\"code\":-1,\"message\":\"no\"}"};
    const char *session = sessions[any(SESSIONS)];
    for (unsigned i = 1; i < 8; i++)
        (void)post(key, session, "{\"jsonrpc\":\"2.0\",\"id\":\"gw-%u\",%s}", i + any(3),
                   any_of(replies, COUNT_OF(replies)));
}

static void act_batch(unsigned key)
{
    (void)post(key, sessions[any(SESSIONS)],
               "[{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/call\",\"params\":{\"name\":"
               "\"%s\"}},{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
               "{\"requestId\":%u}},{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/list\"},7]",
               any(4), any_of(names, COUNT_OF(names)), any(4));
}

static void act_modern(unsigned key)
{
    static const char *const methods[] = {"tools/list", "server/discover", "resources/list"};
    char params[200];
    const char *name = any_of(names, COUNT_OF(names));
    (void)snprintf(params, sizeof params, "\"name\":\"%s\",", name);
    if (any(3))
        (void)post_modern(key, "tools/call", name, params);
    else
        (void)post_modern(key, any_of(methods, COUNT_OF(methods)), NULL, "");
}

// At the endpoint of one server.
static void act_alone(unsigned key)
{
    static const char *const servers[] = {"old", "new", "own", "web", "net", "none"};
    static const char *const bodies[][3] = {
        {"tools/call", "task", "\"name\":\"task\",\"task\":{},"},
        {"tools/call", "asks", "\"name\":\"asks\","},
        {"tasks/get", "t-2", "\"taskId\":\"t-2\","},
        {"tasks/list", NULL, ""},
        {"tools/list", NULL, ""},
    };
    char body[1000];
    const char *const *one = bodies[any(COUNT_OF(bodies))];
    (void)snprintf(body, sizeof body,
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s" META "}}",
                   one[0], one[2]);
    (void)ask(&(struct asking){.key = key,
                               .method = "POST",
                               .server = any_of(servers, COUNT_OF(servers)),
                               .mcp_method = one[0],
                               .mcp_name = one[1],
                               .body = body});
}

static void act_listen(unsigned key)
{
    (void)post_modern(key, "subscriptions/listen", NULL,
                      "\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":"
                      "[\"x://1\",\"x://2\"]},");
}

static void act_retry(unsigned key)
{
    (void)retry(key, handles[any(SESSIONS)]);
}

static void act_stream(unsigned key)
{
    char id[ROOM_ID];
    (void)snprintf(id, sizeof id, "%u-%u", 1 + any(6), any(4));
    (void)ask(&(struct asking){.key = key,
                               .method = "GET",
                               .session = sessions[any(SESSIONS)],
                               .last_event_id = any(2) ? id : NULL});
}

static void act_delete(unsigned key)
{
    if (any(3) == 0)
        (void)ask(
            &(struct asking){.key = key, .method = "DELETE", .session = sessions[any(SESSIONS)]});
}

static void act_leave(unsigned key)
{
    (void)key;
    leave_door(any_door());
}

static void act_clog(unsigned key)
{
    struct door *door = any_door();
    (void)key;
    door->queued = door->queued ? 0 : rig.settings.queue + 1;
    if (door->exchange && door->queued == 0)
        exchange_drained(door->exchange);
}

static void act_revoke(unsigned key)
{
    if (any(8) == 0) {
        set_enabled(key, false);
        if (any(2))
            rig_pause(any(150));
        set_enabled(key, true);
    }
}

static void add_web(const char *name, const char *protocol)
{
    const struct server_change nothing = {0};
    const struct json_value *value;
    char text[300];
    (void)snprintf(text, sizeof text,
                   "{\"server_name\":\"%s\",\"config\":{\"protocol\":\"%s\",\"url\":"
                   "\"http://127.0.0.1:%u/mcp\",\"allow_private_addresses\":true}}",
                   name, protocol, web.port);
    WORKS(json_parse(view_of(text), &arena, &value, &err));
    begin();
    WORKS(server_add(store, &tools, value, &nothing, &err));
    commit();
}

static void add_any_servers(void)
{
    if (any(2))
        add_servers();
    else
        add_more_servers();
    if (any(4)) {
        add_web("web", "legacy");
        add_web("net", any(2) ? "modern" : "auto");
    }
}

static void act_change(unsigned key)
{
    int64_t removed;
    (void)key;
    if (any(10) != 0)
        return;
    begin();
    WORKS(server_remove_all(store, &tools, &removed, &err));
    commit();
    if (any(2))
        rig_pause(any(40));
    add_any_servers();
}

static void act_wait(unsigned key)
{
    (void)key;
    rig_pause(any(12));
}

static void (*const acts[])(unsigned key) = {
    act_alone,   act_initialize, act_call,   act_call,   act_call,   act_request,
    act_request, act_notify,     act_reply,  act_batch,  act_modern, act_modern,
    act_listen,  act_retry,      act_stream, act_delete, act_leave,  act_leave,
    act_clog,    act_revoke,     act_change, act_wait,   act_wait,   act_wait,
};

static void make_room(void)
{
    unsigned open = 0;
    for (size_t i = 0; i < DOORS; i++)
        open += rig.doors[i].open;
    while (open > DOORS - 12) {
        struct door *door = any_door();
        open -= door->open;
        leave_door(door);
    }
}

static void survives_anything(void **state)
{
    (void)state;
    const char *steps_text = getenv("SMG_STEPS"), *seed_text = getenv("SMG_SEED");
    long steps = steps_text ? strtol(steps_text, NULL, 10) : 800;
    seed = 88172645463325252u + (seed_text ? strtoull(seed_text, NULL, 10) : 0);
    rig.settings.question_timeout = 150000;
    rig.settings.idle_session = 2 * TIME_SECOND;
    rig.settings.total_timeout = 2 * TIME_SECOND;
    add_more_servers();
    add_web("web", "legacy");
    add_web("net", "modern");
    for (long i = 0; i < steps; i++) {
        unsigned act = any(COUNT_OF(acts));
        acts[act](any(KEYS));
        learn();
        make_room();
    }
    if (any(2))
        gateway_drain(rig.gateway);
    for (size_t i = 0; i < DOORS; i++)
        leave_door(&rig.doors[i]);
    rig_pause(4500); // abandoned calls of legacy clients end by their time
    assert_int_equal(gateway_counters(rig.gateway)->calls_now, 0);
    assert_int_equal(gateway_counters(rig.gateway)->streams_now, 0);
}

static int start_web(void **state)
{
    int ends[2];
    char program[300], port[16] = "";
    (void)state;
    (void)snprintf(program, sizeof program, "%s/tests/bad_upstream", getenv("BUILD_DIR"));
    if (pipe(ends) != 0)
        return -1;
    web.pid = fork();
    if (web.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execl(program, program, "--http", "0", (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    bool started = web.pid > 0 && read(ends[0], port, sizeof port - 1) > 0;
    web.port = (unsigned)strtoul(port, NULL, 10);
    (void)close(ends[0]);
    return started && web.port > 0 ? 0 : -1;
}

static int stop_web(void **state)
{
    (void)state;
    (void)kill(web.pid, SIGKILL);
    return waitpid(web.pid, NULL, 0) == web.pid ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(survives_anything, rig_set_up, rig_tear_down),
    };
    return cmocka_run_group_tests(tests, start_web, stop_web);
}
