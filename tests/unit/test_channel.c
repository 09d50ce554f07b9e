// test_channel.c: streams that can be taken up again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/channel.h"

static void ids_are_read_back(void **state)
{
    (void)state;
    struct channel *channel = channel_new(7);
    char room[EVENT_ID];
    int64_t number;
    uint64_t event;
    const struct view pieces[] = {VIEW("a"), VIEW(""), VIEW("b")};
    assert_non_null(channel);
    struct view id = channel_add(channel, pieces, 3, room);
    assert_true(view_is(id, "7-1"));
    assert_true(channel_read_id(id, &number, &event));
    assert_int_equal(number, 7);
    assert_int_equal(event, 1);
    assert_memory_equal(channel->oldest->data, "ab", 2);
    channel_free(&channel);
}

static void foreign_ids_are_refused(void **state)
{
    (void)state;
    static const char *const foreign[] = {"",
                                          "-",
                                          "7",
                                          "7-",
                                          "-1",
                                          "7-1x",
                                          "x7-1",
                                          "7--1",
                                          "+7-1",
                                          "7-1 ",
                                          "99999999999999999999-1",
                                          "s_1"};
    int64_t number;
    uint64_t event;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        assert_false(channel_read_id(view_of(foreign[i]), &number, &event));
}

static void keeps_only_the_last_ones(void **state)
{
    (void)state;
    struct channel *channel = channel_new(1);
    char room[EVENT_ID], *large = malloc(CHANNEL_BYTES);
    const struct view small = VIEW("x"), most = {large, CHANNEL_BYTES},
                      more = {large, CHANNEL_BYTES - 1};
    assert_non_null(channel);
    assert_non_null(large);
    memset(large, 'y', CHANNEL_BYTES);
    for (int i = 0; i < 3 * CHANNEL_EVENTS; i++)
        (void)channel_add(channel, &small, 1, room);
    assert_int_equal(channel->kept, CHANNEL_EVENTS);
    assert_int_equal(channel->oldest->number, 2 * CHANNEL_EVENTS + 1);
    (void)channel_add(channel, &more, 1, room);
    assert_int_equal(channel->kept, 2);
    (void)channel_add(channel, &most, 1, room);
    assert_int_equal(channel->kept, 1);
    assert_true(channel->bytes <= CHANNEL_BYTES);
    free(large);
    channel_free(&channel);
    channel_free(&channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_are_read_back),
                                       cmocka_unit_test(foreign_ids_are_refused),
                                       cmocka_unit_test(keeps_only_the_last_ones)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
