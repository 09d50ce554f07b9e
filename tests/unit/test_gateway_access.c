// test_gateway_access.c: keys that lose access, or rest, and what was theirs.
#include "gateway_fakes.h"

// A key that waits with nothing but a parked call loses it, too.
static void ends_parked_calls_of_a_revoked_key(void **state)
{
    (void)state;
    char handle[ROOM_ID];
    add_servers();
    struct door *door = post_modern(0, "tools/call", "old__asks", "\"name\":\"old__asks\",");
    await(door, "requestState");
    copy_member(door, "requestState\":\"", handle);
    set_enabled(0, false);
    rig_pause(1000);
    set_enabled(0, true);
    await(retry(0, handle), "-32602");
}

static void cuts_streams_of_a_revoked_key(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *stream = ask(&(struct asking){.key = 0, .method = "GET", .session = session});
    struct door *listen = post_modern(0, "subscriptions/listen", NULL,
                                      "\"notifications\":{\"toolsListChanged\":true},");
    struct door *call = post(0, session, CALL("old__never"));
    await(listen, "acknowledged");
    set_enabled(0, false);
    await(call, NULL);
    assert_false(stream->open || listen->open);
}

// Nothing is kept of keys that rest once their uses are recorded and the store has changed, so
// nothing of those that are gone; what is open keeps its key.
static void forgets_keys_that_rest(void **state)
{
    (void)state;
    char session[ROOM_ID];
    rig.settings.usage_period = 1;
    rig.gateway->next_usage = 0;
    add_servers();
    await(post_modern(0, "tools/list", NULL, ""), "old__");
    open_session(1, "2025-06-18", session);
    rig_pause(2500);
    assert_int_equal(gateway_counters(rig.gateway)->keys_now, 1);
    await(post_modern(0, "tools/list", NULL, ""), "old__");
    await(post(1, session, CALL("old__fast")), "done");
    set_enabled(1, false);
    rig_pause(2500);
    assert_int_equal(gateway_counters(rig.gateway)->keys_now, 0);
    assert_int_equal(find_key(rig.keys[0]).use_count, 2);
    // Nor of their project, when its servers have rested, too; and all is as before.
    assert_int_equal(gateway_counters(rig.gateway)->projects_now, 1);
    rig.settings.idle_child = 1;
    rig_pause(1500);
    assert_int_equal(gateway_counters(rig.gateway)->projects_now, 0);
    await(post_modern(0, "tools/call", "old__fast", "\"name\":\"old__fast\","), "done");
}

// The servers of one project cannot be read any more: its keys lose their access, and those of
// others are looked at all the same.
static void goes_on_behind_an_unreadable_config(void **state)
{
    (void)state;
    char session[ROOM_ID], line[100];
    struct project other = new_project("Other");
    struct config damaged;
    bool changed;
    struct api_key key = find_key(rig.keys[0]);
    add_servers();
    join(&other, &alice);
    begin();
    WORKS(config_add(store, VIEW("damaged"), &damaged, &err));
    WORKS(project_set_config(store, &other, &damaged, &changed, &err));
    commit();
    (void)new_key(&alice, &other);
    memcpy(rig.keys[1], clear_text, sizeof rig.keys[1]);
    open_session(1, "2025-06-18", session); // first in the order of first use
    struct door *theirs = ask(&(struct asking){.key = 1, .method = "GET", .session = session});
    open_session(0, "2025-06-18", session);
    struct door *ours = ask(&(struct asking){.key = 0, .method = "GET", .session = session});
    rig_pause(50);
    assert_true(theirs->open && ours->open);
    script("INSERT INTO servers(config, server_name, record, sealed) SELECT %lld, "
           "replace(hex(zeroblob(2000)), '00', 'xy'), record, sealed FROM servers LIMIT 1",
           (long long)damaged.n);
    set_enabled(0, false);
    await(ours, NULL);
    rig_pause(50);
    assert_false(theirs->open || ours->open);
    (void)snprintf(line, sizeof line, "\"revoked\",\"key_id\":\"%s\"}", key.key_id);
    assert_int_equal(logged(line), 1);
    assert_int_equal(logged("the servers of its config cannot be read"), 1);
}

// Over stdio the door shuts the gateway down when its key is revoked, while it is being told so.
static void drain_when_cut(void *context)
{
    door_cut(context);
    gateway_drain(rig.gateway);
}

static void drains_when_it_is_cut(void **state)
{
    (void)state;
    struct front_ops ops = door_ops;
    ops.cut = drain_when_cut;
    rig.ops = &ops;
    add_servers();
    struct door *call = post_modern(0, "tools/call", "old__never", "\"name\":\"old__never\",");
    struct door *listen = post_modern(0, "subscriptions/listen", NULL,
                                      "\"notifications\":{\"toolsListChanged\":true},");
    await(listen, "acknowledged");
    (void)post_modern(0, "tools/call", "old__asks", "\"name\":\"old__asks\",");
    set_enabled(0, false);
    await(call, NULL);
    assert_false(listen->open);
    rig.ops = NULL;
}

// Nobody keeps access that cannot be confirmed within the lease, and gets it back when it can.
static void fails_closed(void **state)
{
    (void)state;
    char session[ROOM_ID], away[sizeof home + 1];
    rig.settings.lease = 300000;
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *stream = ask(&(struct asking){.key = 0, .method = "GET", .session = session});
    struct door *call = post(0, session, CALL("old__never"));
    (void)snprintf(away, sizeof away, "%s_", home);
    assert_int_equal(rename(home, away), 0);
    await(stream, NULL);
    assert_false(call->open);
    assert_null(post(0, session, CALL("old__fast")));
    const char *reason;
    assert_false(gateway_ready(rig.gateway, &reason));
    assert_int_equal(rename(away, home), 0);
    rig_pause(200);
    assert_int_equal(post(0, session, CALL("old__fast"))->status, 404);
    open_session(0, "2025-06-18", session);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(ends_parked_calls_of_a_revoked_key),
        TEST(cuts_streams_of_a_revoked_key),
        TEST(forgets_keys_that_rest),
        TEST(goes_on_behind_an_unreadable_config),
        TEST(drains_when_it_is_cut),
        TEST(fails_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
