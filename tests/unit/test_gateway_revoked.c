// test_gateway_revoked.c: what a key loses with its access that is the door's, not the gateway's.
#include <fcntl.h>
#include <sys/stat.h>

#include "gateway_fakes.h"

static void lose_body(struct holding *body)
{
    assert_true(body->ration->taking_back);
    holding_end(body);
}

// A key that has nothing but a request which has not come whole loses that.
static void takes_back_bodies_of_a_revoked_key(void **state)
{
    (void)state;
    struct principal *principal;
    struct holding bodies[KEYS];
    for (unsigned i = 0; i < KEYS; i++) {
        assert_int_equal(front_authenticate(rig.gateway, view_of(rig.keys[i]), &principal),
                         FRONT_GRANTED);
        bodies[i] = (struct holding){.ration = front_asked(rig.gateway),
                                     .owner = front_key(principal),
                                     .give_up = lose_body};
        front_principal_unref(&principal);
        assert_true(holding_take(&bodies[i], 100));
    }
    set_enabled(0, false);
    for (int i = 0; i < 100 && bodies[0].size > 0; i++)
        rig_pause(50);
    assert_int_equal(bodies[0].size, 0);
    assert_int_equal(bodies[1].size, 100);
    holding_end(&bodies[1]);
}

static enum front_answer answer_to(unsigned key)
{
    struct principal *principal = NULL;
    enum front_answer answer = front_authenticate(rig.gateway, view_of(rig.keys[key]), &principal);
    if (answer == FRONT_GRANTED)
        front_principal_unref(&principal);
    return answer;
}

// The index of the log goes, and what others do from then on is in another.
static void sees_what_is_done_with_another_index(void **state)
{
    (void)state;
    char command[6000];
    assert_int_equal(answer_to(0), FRONT_GRANTED);
    assert_int_equal(answer_to(1), FRONT_GRANTED);
    store_free(&store); // the gateway's is the only handle of this process
    assert_int_equal(unlink(path_of("store.db-shm")), 0);
    (void)snprintf(command, sizeof command,
                   "SECURE_MCP_GATEWAY_HOME=%s %s user disable-api-key --api-key %s >/dev/null",
                   home, getenv("SMG"), rig.keys[0]);
    assert_int_equal(system(command), 0);
    for (int i = 0; i < 100 && answer_to(0) != FRONT_DENIED; i++)
        rig_pause(100);
    assert_int_equal(answer_to(0), FRONT_DENIED);
    assert_int_equal(answer_to(1), FRONT_GRANTED);
    rig_pause(2500); // it is not opened again and again
    assert_int_equal(logged("store_replaced"), 1);
}

static void wait_for_log(const char *event)
{
    for (int i = 0; i < 100 && logged(event) == 0; i++)
        rig_pause(100);
    assert_int_equal(logged(event), 1);
}

// The log is cut where it stands. What was only in it has gone; the store that is left is gone by,
// and what is done with it is seen.
static void goes_by_what_is_left_of_the_log(void **state)
{
    (void)state;
    db_empty_log(store->db);
    assert_int_equal(answer_to(0), FRONT_GRANTED);
    set_enabled(1, false);
    store_free(&store);
    assert_int_equal(truncate(path_of("store.db-wal"), 0), 0);
    wait_for_log("store_replaced");
    store = open_store();
    set_enabled(0, false);
    assert_int_equal(answer_to(0), FRONT_DENIED);
}

// As `cp` and `dd` write: into the file that is there.
static void write_over(const char *name, bool everything)
{
    char junk[4096];
    struct stat status;
    memset(junk, 'x', sizeof junk);
    int file = open(path_of(name), O_WRONLY | O_CLOEXEC);
    assert_true(file >= 0 && fstat(file, &status) == 0 && status.st_size > 0);
    const int64_t until = everything ? status.st_size : 32;
    for (int64_t at = 0; at < until; at += (int64_t)sizeof junk) {
        size_t left = (size_t)(until - at);
        assert_true(pwrite(file, junk, left < sizeof junk ? left : sizeof junk, at) > 0);
    }
    assert_int_equal(close(file), 0);
}

static void wait_until_nobody_gets_in(void)
{
    const char *reason = NULL;
    for (int i = 0; i < 100 && answer_to(0) != FRONT_UNAVAILABLE; i++)
        rig_pause(100);
    for (unsigned i = 0; i < KEYS; i++)
        assert_int_equal(answer_to(i), FRONT_UNAVAILABLE);
    assert_false(gateway_ready(rig.gateway, &reason));
    assert_non_null(reason);
}

// Nobody can commit anything then, so nothing says so but the files.
static void fails_closed_on_a_store_that_was_written_over(void **state)
{
    (void)state;
    db_empty_log(store->db);
    assert_int_equal(answer_to(0), FRONT_GRANTED);
    store_free(&store);
    write_over("store.db", true);
    wait_until_nobody_gets_in();
}

static void fails_closed_on_a_log_that_was_written_over(void **state)
{
    (void)state;
    set_enabled(1, false);
    assert_int_equal(answer_to(0), FRONT_GRANTED);
    store_free(&store);
    write_over("store.db-wal", false);
    wait_until_nobody_gets_in();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_back_bodies_of_a_revoked_key, rig_set_up,
                                        rig_tear_down),
        cmocka_unit_test_setup_teardown(sees_what_is_done_with_another_index, rig_set_up,
                                        rig_tear_down),
        cmocka_unit_test_setup_teardown(goes_by_what_is_left_of_the_log, rig_set_up, rig_tear_down),
        cmocka_unit_test_setup_teardown(fails_closed_on_a_store_that_was_written_over, rig_set_up,
                                        rig_tear_down),
        cmocka_unit_test_setup_teardown(fails_closed_on_a_log_that_was_written_over, rig_set_up,
                                        rig_tear_down),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
