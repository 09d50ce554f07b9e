// test_gateway_unread.c: what the log says of answers that their clients do not take.
#include "door_client.h"

static int set_up_small(void **state)
{
    (void)set_up(state);
    settings.unread = BIG + BIG / 8; // one answer, not two
    start();
    return 0;
}

// How often the journal has said that an answer was not taken, until it is silent.
static int told(void)
{
    static char said[1 << 16];
    struct pollfd ready = {.fd = journal, .events = POLLIN};
    int count = 0;
    while (poll(&ready, 1, 400) == 1) {
        ssize_t size = read(journal, said, sizeof said - 1);
        assert_true(size > 0);
        said[size] = '\0';
        for (const char *at = said; (at = strstr(at, "\"event\":\"answer_unread\"")); at++)
            count++;
    }
    return count;
}

static void taken(int to)
{
    post(to, "say");
    expect(to, "\"bytes\":3");
    post(to, "stream");
    expect(to, "0\r\n\r\n");
    post(to, "late");
    expect(to, "true}");
}

static void what_is_taken_is_not_told(void **state)
{
    int to = dial();
    (void)state;
    taken(to);
    post(to, "quiet"); // goes before there is an answer
    (void)usleep(50000);
    (void)close(to);
    to = dial_narrow();
    post(to, "big");
    for (size_t size = 0; size < BIG; size += strlen(got))
        assert_true(get(to, "x"));
    taken(to);
    (void)close(to);
    assert_int_equal(told(), 0);
}

static void who_goes_away(void **state)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        int to = dial_narrow();
        taken(to);
        post(to, "big");
        (void)usleep(50000);
        if (reset)
            (void)setsockopt(to, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        (void)close(to);
        assert_int_equal(told(), 1);
    }
}

static void who_leaves_too_much(void **state)
{
    int to[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        to[i] = dial_narrow();
        post(to[i], "big");
        (void)usleep(50000);
    }
    assert_int_equal(told(), 1); // there was room for one
    (void)close(to[0]);
    (void)close(to[1]);
    assert_int_equal(told(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_taken_is_not_told, set_up_plain),
        TEST(who_goes_away, set_up_plain),
        TEST(who_leaves_too_much, set_up_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
