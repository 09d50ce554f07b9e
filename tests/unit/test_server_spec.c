// test_server_spec.c: the servers of a config as a gateway gets them.
#include "temp_store.h"

#include "base/json.h"
#include "model/config.h"
#include "model/server.h"
#include "model/server_spec.h"

static struct config config;
static struct server_specs specs;
static struct arena arena;

static int set_up(void **state)
{
    if (make_store(state) != 0)
        return -1;
    arena_init(&arena, 1 << 24);
    begin();
    WORKS(config_add(store, VIEW("tools"), &config, &err));
    commit();
    return setenv("HOME", "/home/tester", 1);
}

static int tear_down(void **state)
{
    server_specs_free(&specs);
    arena_done(&arena);
    return remove_home(state);
}

static void add_server(const char *record)
{
    const struct server_change nothing = {0};
    const struct json_value *value;
    WORKS(json_parse(view_of(record), &arena, &value, &err));
    begin();
    WORKS(server_add(store, &config, value, &nothing, &err));
    commit();
}

static const struct server_spec *load(size_t at, size_t count)
{
    server_specs_free(&specs);
    WORKS(server_specs_load(store, config.n, &specs, &err));
    assert_int_equal(specs.count, count);
    return specs.list[at];
}

static bool has_variable(const struct server_spec *spec, const char *variable)
{
    for (const char *const *at = spec->environment; *at; at++)
        if (strcmp(*at, variable) == 0)
            return true;
    return false;
}

static size_t count_texts(const char *const *list)
{
    size_t count = 0;
    while (list[count])
        count++;
    return count;
}

static void reads_a_program(void **state)
{
    (void)state;
    add_server("{\"server_name\": \"git\", \"config\": {\"command\": \"npx\", \"args\": [\"-y\", "
               "\"a b\", \"\"], \"env\": {\"TOKEN\": \"\\u00fc=1\", \"EMPTY\": \"\"}}}");
    const struct server_spec *spec = load(0, 1);
    assert_false(spec->http || spec->broken);
    assert_string_equal(spec->server_name, "git");
    assert_string_equal(spec->command, "npx");
    assert_int_equal(count_texts(spec->arguments), 3);
    assert_string_equal(spec->arguments[1], "a b");
    assert_string_equal(spec->arguments[2], "");
    assert_int_equal(count_texts(spec->environment), 4);
    assert_true(has_variable(spec, "TOKEN=\xc3\xbc=1") && has_variable(spec, "EMPTY="));
    assert_true(has_variable(spec, "PATH=" SERVER_PATH));
    assert_true(has_variable(spec, "HOME=/home/tester"));
    assert_int_equal(spec->isolation, ISOLATION_PROJECT);
    assert_int_equal(spec->protocol, PROTOCOL_AUTO);
    assert_true(spec->connect_timeout == 0 && spec->total_timeout == 0);
    assert_true(spec->all_tools);
}

static void leaves_a_configured_environment_alone(void **state)
{
    (void)state;
    add_server("{\"server_name\": \"git\", \"config\": {\"command\": \"git\", \"env\": "
               "{\"PATH\": \"/opt/bin\", \"HOME\": \"/tmp\"}, \"isolation\": \"session\", "
               "\"protocol\": \"legacy\", \"timeouts\": {\"first_byte\": 90, \"total\": 600, "
               "\"idle\": null}}}");
    const struct server_spec *spec = load(0, 1);
    assert_int_equal(count_texts(spec->environment), 2);
    assert_true(has_variable(spec, "PATH=/opt/bin") && has_variable(spec, "HOME=/tmp"));
    assert_int_equal(spec->isolation, ISOLATION_SESSION);
    assert_int_equal(spec->protocol, PROTOCOL_LEGACY);
    assert_true(spec->connect_timeout == 0 && spec->idle_timeout == 0);
    assert_int_equal(spec->first_byte_timeout, 90 * TIME_SECOND);
    assert_int_equal(spec->total_timeout, 600 * TIME_SECOND);
    (void)unsetenv("HOME");
    add_server("{\"server_name\": \"bare\", \"config\": {\"command\": \"git\"}}");
    spec = load(1, 2);
    assert_int_equal(count_texts(spec->environment), 1);
}

static void reads_an_address(void **state)
{
    (void)state;
    add_server("{\"server_name\": \"web\", \"config\": {\"url\": \"http://127.0.0.1:81/mcp?a=b\", "
               "\"headers\": {\"Authorization\": \"Bearer x\", \"X-A\": \"\"}, "
               "\"allow_private_addresses\": true, \"protocol\": \"modern\"}}");
    const struct server_spec *spec = load(0, 1);
    assert_true(spec->http && !spec->broken && spec->allow_private_addresses);
    assert_true(view_is(spec->url_text, "http://127.0.0.1:81/mcp?a=b"));
    assert_true(view_is(spec->url.host, "127.0.0.1") && spec->url.port == 81 && !spec->url.https);
    assert_true(view_is(spec->url.target, "/mcp?a=b"));
    assert_int_equal(spec->header_count, 2);
    assert_true(view_is(spec->headers[0].name, "Authorization"));
    assert_true(view_is(spec->headers[0].value, "Bearer x"));
    assert_true(view_is(spec->headers[1].value, ""));
    assert_int_equal(spec->protocol, PROTOCOL_MODERN);
    assert_null(spec->command);
}

static void allows_tools(void **state)
{
    (void)state;
    add_server("{\"server_name\": \"all\", \"config\": {\"command\": \"a\"}, \"tools\": {}}");
    add_server("{\"server_name\": \"some\", \"config\": {\"command\": \"a\"}, \"tools\": "
               "{\"write\": {}, \"read\": {\"enabled\": true}, \"wipe\": {\"enabled\": false}, "
               "\"re\": null, \"readme\": \"text\"}}");
    add_server("{\"server_name\": \"none\", \"config\": {\"command\": \"a\"}, \"tools\": "
               "{\"wipe\": {\"enabled\": false}}}");
    const struct server_spec *spec = load(0, 3);
    assert_true(server_spec_allows(spec, VIEW("anything")));
    spec = specs.list[1];
    assert_int_equal(spec->tool_count, 4);
    assert_true(view_is(spec->tools[0], "re") && view_is(spec->tools[3], "write"));
    assert_true(server_spec_allows(spec, VIEW("write")) && server_spec_allows(spec, VIEW("read")));
    assert_true(server_spec_allows(spec, VIEW("re")) && server_spec_allows(spec, VIEW("readme")));
    assert_false(server_spec_allows(spec, VIEW("wipe")) || server_spec_allows(spec, VIEW("r")));
    assert_false(server_spec_allows(spec, VIEW("Read")) || server_spec_allows(spec, VIEW("")));
    spec = specs.list[2];
    assert_false(spec->all_tools);
    assert_false(server_spec_allows(spec, VIEW("wipe")) || server_spec_allows(spec, VIEW("read")));
}

static bool stamp_stands(void)
{
    uint8_t stamp[SPECS_STAMP];
    WORKS(server_specs_stamp(store, config.n, stamp, &err));
    return memcmp(stamp, specs.stamp, sizeof stamp) == 0;
}

static void update(const char *name, const struct server_change *change)
{
    struct stmt *stmt = NULL;
    struct server server;
    begin();
    WORKS(server_select(store, &config, view_of(name), &stmt, &server, &err));
    WORKS(server_update(store, &config, &server, change, &err));
    stmt_free(&stmt);
    commit();
}

static void stamps_what_it_read(void **state)
{
    (void)state;
    uint8_t first[VAULT_DIGEST], second[VAULT_DIGEST];
    WORKS(server_specs_load(store, config.n, &specs, &err));
    assert_true(specs.count == 0 && stamp_stands());
    add_server("{\"server_name\": \"a\", \"config\": {\"command\": \"a\"}}");
    assert_false(stamp_stands());
    add_server("{\"server_name\": \"b\", \"config\": {\"command\": \"b\"}}");
    memcpy(first, load(0, 2)->fingerprint, sizeof first);
    memcpy(second, specs.list[1]->fingerprint, sizeof second);
    assert_true(stamp_stands() && stamp_stands());
    // One that is sealed anew without a change goes on; one that is changed does not.
    update("a", &(struct server_change){.description = VIEW("")});
    update("b", &(struct server_change){.description = VIEW("other")});
    assert_false(stamp_stands());
    assert_memory_equal(load(0, 2)->fingerprint, first, sizeof first);
    assert_memory_not_equal(specs.list[1]->fingerprint, second, sizeof second);
    assert_true(stamp_stands());
    script("DELETE FROM servers WHERE server_name = 'a'");
    assert_false(stamp_stands());
}

// What it is used for does not make it another server; what it is started by does.
static void tells_servers_apart_by_what_starts_them(void **state)
{
    (void)state;
    const struct json_value *value;
    add_server("{\"server_name\": \"a\", \"config\": {\"command\": \"a\"}}");
    (void)load(0, 1);
    struct server_spec *first = server_spec_ref(specs.list[0]);
    WORKS(json_parse(VIEW("{\"x\":{}}"), &arena, &value, &err));
    update("a", &(struct server_change){.tools = value, .description = VIEW("other")});
    WORKS(json_parse(VIEW("{\"enabled\":true}"), &arena, &value, &err));
    update("a", &(struct server_change){.policies = {value}});
    assert_true(server_spec_is(first, load(0, 1)));
    assert_false(server_spec_stands(first, specs.list[0]));
    assert_ptr_equal(server_specs_find(&specs, first), specs.list[0]);
    WORKS(json_parse(VIEW("[\"-v\"]"), &arena, &value, &err));
    update("a", &(struct server_change){.args = value});
    assert_false(server_spec_is(first, load(0, 1)));
    assert_null(server_specs_find(&specs, first));
    server_spec_unref(&first);
}

static void a_damaged_server_is_broken_alone(void **state)
{
    (void)state;
    add_server("{\"server_name\": \"a\", \"config\": {\"command\": \"a\"}}");
    add_server("{\"server_name\": \"b\", \"config\": {\"command\": \"b\"}}");
    script("UPDATE servers SET sealed = randomblob(length(sealed)) WHERE server_name = 'a'");
    const struct server_spec *spec = load(0, 2);
    assert_true(spec->broken && !server_spec_allows(spec, VIEW("x")));
    assert_string_equal(spec->server_name, "a");
    assert_false(specs.list[1]->broken);
    script("UPDATE servers SET sealed = randomblob(2000000) WHERE server_name = 'a'");
    assert_true(load(0, 2)->broken);
    script("UPDATE servers SET sealed = x''");
    assert_true(load(0, 2)->broken && specs.list[1]->broken);
    // Put under another name it is no record either.
    script("UPDATE servers SET server_name = 'c' WHERE server_name = 'b'");
    assert_true(load(1, 2)->broken);
}

static void is_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        char record[100];
        (void)snprintf(record, sizeof record,
                       "{\"server_name\": \"s%d\", \"config\": {\"command\": \"a\"}}", i);
        add_server(record);
    }
    (void)load(0, 40);
    struct server_spec *kept = server_spec_ref(specs.list[39]), *none = NULL;
    server_specs_free(&specs);
    assert_string_equal(kept->server_name, "s39");
    assert_string_equal(kept->command, "a");
    server_spec_unref(&kept);
    assert_null(kept);
    server_spec_unref(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_a_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_a_configured_environment_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_an_address, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allows_tools, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stamps_what_it_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_servers_apart_by_what_starts_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_server_is_broken_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_counted, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
