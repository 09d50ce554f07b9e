// test_gateway_access.c: keys that lose access, and what they had open.
#include "gateway_fakes.h"

#include <sys/syscall.h>
#include <time.h>

// The wall clock can be set.
static time_t clock_is_off; // seconds

int clock_gettime(clockid_t which, struct timespec *ret_time)
{
    int status = (int)syscall(SYS_clock_gettime, which, ret_time);
    if (which == CLOCK_REALTIME)
        ret_time->tv_sec += clock_is_off;
    return status;
}

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

// A retry is decided by what the key may now, even when the answer is there already.
static void gives_no_answer_of_a_server_that_was_taken_away(void **state)
{
    (void)state;
    char handle[ROOM_ID];
    bool changed;
    struct config others;
    add_fake("old", "legacy", hasty_words);
    park_hasty(handle);
    begin();
    WORKS(config_add(store, VIEW("others"), &others, &err));
    WORKS(project_set_config(store, &team, &others, &changed, &err));
    commit();
    await(retry_hasty(handle), "-32602");
    begin();
    WORKS(project_set_config(store, &team, &tools, &changed, &err));
    commit();
    park_hasty(handle);
    await(retry_hasty(handle), "thanks");
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

// Who disables a key ends what it has open, however soon it is enabled again.
static void cuts_what_was_disabled_for_a_moment(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    open_session(0, "2025-06-18", session);
    struct door *stream = ask(&(struct asking){.key = 0, .method = "GET", .session = session});
    struct door *call = post(0, session, CALL("old__never"));
    struct door *modern = post_modern(0, "tools/call", "old__never", "\"name\":\"old__never\",");
    set_enabled(0, false);
    set_enabled(0, true);
    await(call, NULL);
    assert_false(stream->open);
    assert_true(modern->cut);
    assert_string_equal(modern->reason, "the key was disabled meanwhile");
    assert_int_equal(post(0, session, CALL("old__fast"))->status, 404);
    await(post_modern(0, "tools/call", "old__fast", "\"name\":\"old__fast\","), "done");
    assert_int_equal(logged("the key was disabled meanwhile"), 1);
}

// Keys end by the wall clock, whatever that was set to, and at once.
static void ends_keys_though_the_clock_was_set_back(void **state)
{
    (void)state;
    char session[ROOM_ID];
    add_servers();
    clock_is_off = -3600;
    const struct key_order order = {.user = &alice,
                                    .project = &team,
                                    .name = VIEW("short"),
                                    .expires_at = clock_now() + 3 * TIME_SECOND};
    (void)make_key(&order);
    memcpy(rig.keys[1], clear_text, sizeof rig.keys[1]);
    clock_is_off = 0;
    open_session(0, "2025-06-18", session);
    rig_pause(100);
    clock_is_off = -3600;
    open_session(1, "2025-06-18", session);
    await(ask(&(struct asking){.key = 1, .method = "GET", .session = session}), NULL);
    clock_is_off = 0;
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
    take_new_key(&alice, &other);
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
    assert_int_equal(logged("the servers of the key's config cannot be read"), 1);
}

// What a config loses and gets back before anybody looks ends nothing.
static void goes_on_when_its_config_is_back(void **state)
{
    (void)state;
    bool changed;
    add_servers();
    struct door *call = post_modern(0, "tools/call", "old__never", "\"name\":\"old__never\",");
    begin();
    WORKS(project_set_config(store, &team, NULL, &changed, &err));
    WORKS(project_set_config(store, &team, &tools, &changed, &err));
    commit();
    rig_pause(300);
    assert_true(call->open);
}

// Over stdio the door shuts the gateway down when its key is revoked, while it is being told so.
static void drain_when_cut(void *context, const char *reason)
{
    door_cut(context, reason);
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
        TEST(gives_no_answer_of_a_server_that_was_taken_away),
        TEST(cuts_streams_of_a_revoked_key),
        TEST(cuts_what_was_disabled_for_a_moment),
        TEST(ends_keys_though_the_clock_was_set_back),
        TEST(goes_on_behind_an_unreadable_config),
        TEST(goes_on_when_its_config_is_back),
        TEST(drains_when_it_is_cut),
        TEST(fails_closed),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
