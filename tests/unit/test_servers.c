// test_servers.c: the records of MCP servers as the store keeps them.
#include "temp_store.h"

#include <string.h>

#include "base/json_out.h"
#include "model/config.h"
#include "model/exchange.h"
#include "model/health.h"
#include "model/kept.h"
#include "model/server.h"
#include "model/server_spec.h"

static struct config config;
static struct arena arena;

static int set_up(void **state)
{
    if (make_store(state) != 0)
        return -1;
    arena_init(&arena, 1 << 26);
    begin();
    WORKS(config_add(store, VIEW("tools"), &config, &err));
    commit();
    return 0;
}

static int tear_down(void **state)
{
    arena_done(&arena);
    return remove_home(state);
}

static const struct json_value *json(const char *text)
{
    const struct json_value *value = NULL;
    WORKS(json_parse(view_of(text), &arena, &value, &err));
    return value;
}

static bool add(const char *record)
{
    const struct server_change nothing = {0};
    begin();
    bool added = server_add(store, &config, json(record), &nothing, &err);
    commit();
    return added;
}

// `s` with the member `x` that is `depth` arrays deep: the record is one level more.
static const char *deep_record(size_t depth)
{
    static char text[1024];
    char open[LIMIT_JSON_DEPTH + 1], close[LIMIT_JSON_DEPTH + 1];
    memset(open, '[', depth);
    memset(close, ']', depth);
    open[depth] = close[depth] = '\0';
    (void)snprintf(text, sizeof text,
                   "{\"server_name\":\"s\",\"config\":{\"command\":\"c\"},\"x\":%s%s}", open,
                   close);
    return text;
}

// The first server of the config, its views in the arena.
static struct server stored(void)
{
    struct stmt *stmt = NULL;
    struct server server;
    WORKS(server_query(store, &config, PAGE_ALL, &stmt, &err));
    assert_int_equal(server_next(stmt, &server, &err), STEP_ROW);
    char *record = (char *)arena_take(&arena, server.record.size + 1);
    char *sealed = (char *)arena_take(&arena, server.sealed.size + 1);
    assert_true(record && sealed);
    memcpy(record, server.record.data, server.record.size);
    memcpy(sealed, server.sealed.data, server.sealed.size);
    server.record.data = record;
    server.sealed.data = sealed;
    stmt_free(&stmt);
    return server;
}

static const char *damage_of(const struct server *server)
{
    static struct err damage;
    struct server_state state;
    server_state_init(&state);
    WORKS(server_examine(store, &config, server, &state, &err));
    damage = state.damage;
    server_state_done(&state);
    return damage.kind == ERR_NONE ? "sound" : damage.code;
}

static struct view exported(void)
{
    static struct buf text;
    struct json_out out;
    buf_done(&text);
    buf_init(&text, 1 << 24);
    json_out_init(&out, &text, JSON_PRETTY);
    begin();
    struct exchange_tampered tampered;
    WORKS(exchange_export(store, true, &out.out, &tampered, &err));
    commit();
    assert_false(text.failed);
    char *copy = (char *)arena_take(&arena, text.size);
    assert_non_null(copy);
    memcpy(copy, text.data, text.size);
    struct view view = {copy, text.size};
    buf_done(&text);
    return view;
}

static void what_is_exported_can_be_imported(void **state)
{
    (void)state;
    struct exchange_notes notes = {.arena = &arena};
    const struct json_value *file;
    REFUSED(add(deep_record(LIMIT_RECORD_DEPTH)), ERR_USAGE, "invalid_server");
    assert_true(add(deep_record(LIMIT_RECORD_DEPTH - 1)));
    WORKS(json_parse(exported(), &arena, &file, &err));
    begin();
    WORKS(exchange_import(store, file, false, &notes, &err));
    commit();
    assert_int_equal(notes.tallies[EXCHANGE_SERVER].unchanged, 1);
    assert_int_equal(notes.problems, 0);
}

// A member that only the original knows is as deep as its file can be.
static void what_is_kept_can_be_imported_again(void **state)
{
    (void)state;
    char text[2 * LIMIT_JSON_DEPTH + 64] = "{\"users\":{},\"x\":";
    struct exchange_notes notes = {.arena = &arena};
    const struct json_value *file;
    size_t size = strlen(text), depth = LIMIT_JSON_DEPTH - 1;
    memset(text + size, '[', depth);
    memset(text + size + depth, ']', depth);
    memcpy(text + size + 2 * depth, "}", 2);
    begin();
    WORKS(exchange_import(store, json(text), false, &notes, &err));
    commit();
    assert_int_equal(notes.tallies[EXCHANGE_KEPT].created, 1);
    WORKS(json_parse(exported(), &arena, &file, &err));
}

static void finds_what_was_masked_less(void **state)
{
    (void)state;
    assert_true(
        add("{\"server_name\":\"s\",\"config\":{\"command\":\"c\"},\"env\":{\"A\":\"hunter2\"}}"));
    struct server server = stored();
    assert_string_equal(damage_of(&server), "sound");
    assert_false(is_in_files("hunter2"));
    // As an earlier version had it.
    script(
        "UPDATE servers SET record = replace(record, '{\"A\":\"****\"}', '{\"A\":\"hunter2\"}')");
    server = stored();
    assert_string_equal(damage_of(&server), "record_unmasked");
    struct buf shown;
    struct json_out out;
    buf_init(&shown, 1 << 20);
    json_out_init(&out, &shown, JSON_COMPACT);
    WORKS(server_write(store, &config, &server, false, &out.out, &err));
    buf_add_char(&shown, '\0');
    assert_non_null(strstr(shown.data, "{\"A\":\"****\"}"));
    assert_null(strstr(shown.data, "hunter2"));
    buf_done(&shown);
    struct health health = {0};
    WORKS(health_check(store, &health, &err));
    assert_true(health.issues.size > 0);
    health_done(&health);
    const struct server_change change = {.description = VIEW("")};
    begin();
    WORKS(server_update(store, &config, &server, &change, &err));
    commit();
    server = stored();
    assert_string_equal(damage_of(&server), "sound");
    script("UPDATE servers SET record = replace(record, '\"c\"', '\"d\"')");
    server = stored();
    assert_string_equal(damage_of(&server), "record_tampered");
}

static void a_sealed_record_that_is_too_large_is_damage(void **state)
{
    (void)state;
    struct health health = {0};
    struct server_specs specs = {0};
    struct buf kept_text;
    bool found;
    assert_true(add("{\"server_name\":\"s\",\"config\":{\"command\":\"c\"}}"));
    script("UPDATE servers SET sealed = zeroblob(%u)", 2 * LIMIT_SERVER_RECORD);
    struct server server = stored();
    assert_string_equal(damage_of(&server), "sealed_record_damaged");
    WORKS(health_check(store, &health, &err));
    assert_true(health.issues.size > 0);
    health_done(&health);
    WORKS(server_specs_load(store, config.n, &specs, &err));
    assert_true(specs.list[0]->broken);
    server_specs_free(&specs);
    begin();
    WORKS(kept_add(store, VIEW("x"), VIEW("{}"), &err));
    commit();
    script("UPDATE kept_members SET sealed = zeroblob(%u)", 2 * LIMIT_SERVER_RECORD);
    buf_init(&kept_text, LIMIT_SERVER_RECORD);
    REFUSED(kept_find(store, VIEW("x"), &found, &kept_text, &err), ERR_INTEGRITY,
            "sealed_record_damaged");
    buf_done(&kept_text);
}

// The masks of many short secrets take more room than the secrets.
static void a_record_that_is_too_large_once_masked_is_refused(void **state)
{
    (void)state;
    enum { COUNT = 500000 };
    static char text[2 * COUNT + 100] =
        "{\"server_name\":\"s\",\"config\":{\"command\":\"c\"},\"keys\":[1";
    size_t size = strlen(text);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(text + size + 2 * i, ",1", 2);
    memcpy(text + size + (size_t)(2 * COUNT), "]}", 3);
    REFUSED(add(text), ERR_USAGE, "server_too_large");
}

static void compares_servers(void **state)
{
    (void)state;
    bool same = false;
    assert_true(add("{\"server_name\":\"s\",\"config\":{\"command\":\"c\"}}"));
    struct server server = stored();
    const struct json_value *source =
        json("{\"server_name\":\"s\",\"config\":{\"command\":\"c\"}}");
    WORKS(server_is(store, &config, &server, source, &same, &err));
    assert_true(same);
    WORKS(server_is(store, &config, &server, json("{\"config\":{\"url\":5}}"), &same, &err));
    assert_false(same);
    script("UPDATE servers SET sealed = x'00'");
    server = stored();
    same = true;
    WORKS(server_is(store, &config, &server, source, &same, &err));
    assert_false(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_exported_can_be_imported, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_kept_can_be_imported_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finds_what_was_masked_less, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_sealed_record_that_is_too_large_is_damage, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_that_is_too_large_once_masked_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(compares_servers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
