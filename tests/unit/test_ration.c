// test_ration.c: who gets room, who is refused and who has to give up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rationed.h"

enum { MOST = 1000, SHARE = 400, MANY = 40, STEPS = 100000 };

static struct holding *gone[MANY];
static size_t gone_count;

static void give_up(struct holding *holding)
{
    gone[gone_count++ % MANY] = holding;
    holding_end(holding);
}

static struct ration ration;

static struct holding holding_of(uint64_t owner)
{
    return (struct holding){.ration = &ration, .owner = owner, .give_up = give_up};
}

static int setup(void **state)
{
    (void)state;
    ration = (struct ration){.most = MOST, .share = SHARE};
    gone_count = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(ration.now, 0);
    assert_int_equal(ration.owners.count, 0);
    ration_done(&ration);
    return 0;
}

static void nobody_gets_more_than_a_share(void **state)
{
    struct holding first = holding_of(1), second = holding_of(1), other = holding_of(2);
    (void)state;
    assert_true(holding_take(&first, SHARE - 1));
    assert_false(holding_take(&second, 2));
    assert_true(holding_take(&second, 1));
    assert_false(holding_take(&first, 1));
    assert_false(holding_take(&other, SIZE_MAX));
    assert_true(holding_take(&other, SHARE));
    assert_int_equal(gone_count, 0);
    holding_give(&first, 10);
    assert_true(holding_take(&second, 10));
    holding_end(&first);
    holding_end(&second);
    holding_end(&other);
    holding_end(&other);
}

// The last drop does not harm who brings it, but who has filled the barrel.
static void the_largest_gives_up(void **state)
{
    struct holding small = holding_of(1), a = holding_of(2), b = holding_of(2), c = holding_of(3),
                   d = holding_of(3);
    (void)state;
    assert_true(holding_take(&a, 100) && holding_take(&b, 290)); // 390
    assert_true(holding_take(&c, 200) && holding_take(&d, 180)); // 380
    assert_true(holding_take(&small, 230));
    assert_int_equal(gone_count, 0);
    assert_true(holding_take(&small, 1));
    assert_int_equal(gone_count, 1);
    assert_ptr_equal(gone[0], &b); // the largest of 2, who has most
    assert_int_equal(ration.given_up, 1);
    assert_true(holding_take(&b, 289));  // at the brim again
    assert_false(holding_take(&a, 300)); // 2 would have too much
    assert_false(holding_take(&a, 2));   // and has most: nobody gives up for him
    assert_int_equal(gone_count, 1);
    holding_end(&small);
    holding_end(&a);
    holding_end(&b);
    holding_end(&c);
    holding_end(&d);
}

// Who has nothing to do with the largest of his owner's is served at its cost, if he wants less.
static void the_largest_goes_among_strangers(void **state)
{
    struct holding small = holding_of(1), large = holding_of(1), other = holding_of(2);
    (void)state;
    ration.share = MOST;
    ration.strangers = true;
    assert_true(holding_take(&large, 600) && holding_take(&other, 300) && holding_take(&small, 99));
    assert_false(holding_take(&large, 2)); // it is the largest itself
    assert_false(holding_take(&small, 501));
    assert_int_equal(gone_count, 0);
    assert_true(holding_take(&small, 2));
    assert_int_equal(gone_count, 1);
    assert_ptr_equal(gone[0], &large);
    assert_int_equal(ration.now, 401);
    holding_end(&small);
    holding_end(&other);
}

// What cannot be given up stays; who asks is refused when there is nothing else.
static void some_cannot(void **state)
{
    struct holding firm = holding_of(1), soft = holding_of(2), late = holding_of(3),
                   later = holding_of(4);
    (void)state;
    firm.give_up = NULL;
    assert_true(holding_take(&firm, 400) && holding_take(&soft, 300) && holding_take(&late, 200));
    assert_true(holding_take(&later, 250));
    assert_ptr_equal(gone[0], &soft);
    late.give_up = later.give_up = NULL;
    assert_false(holding_take(&soft, 300));
    assert_int_equal(gone_count, 1);
    assert_int_equal(soft.size, 0);
    holding_end(&firm);
    holding_end(&late);
    holding_end(&later);
}

// Of an owner whose rights have ended nothing is kept that can be given up.
static void all_is_taken_back(void **state)
{
    struct holding a = holding_of(1), b = holding_of(1), firm = holding_of(1),
                   other = holding_of(2);
    (void)state;
    firm.give_up = NULL;
    assert_false(ration_holds(&ration, 1));
    ration_take_back(&ration, 1); // of nothing
    assert_true(holding_take(&a, 10) && holding_take(&firm, 30) && holding_take(&b, 20) &&
                holding_take(&other, 40));
    assert_true(ration_holds(&ration, 1));
    ration_take_back(&ration, 1);
    assert_false(ration.taking_back);
    assert_int_equal(gone_count, 2);
    assert_int_equal(a.size + b.size, 0);
    assert_int_equal(firm.size, 30);
    assert_int_equal(other.size, 40);
    assert_true(ration_holds(&ration, 1));
    holding_end(&firm);
    assert_false(ration_holds(&ration, 1));
    holding_end(&other);
}

// What is kept counts with the memory it has, and is lost as a whole.
static void bytes_take_room_as_they_come(void **state)
{
    struct rationed bytes = {0}, more = {0};
    static const char text[SHARE] = "";
    (void)state;
    rationed_init(&bytes, SHARE,
                  (struct holding){.ration = &ration, .owner = 1, .give_up = rationed_lose});
    rationed_init(&more, 2 * MOST, holding_of(1));
    assert_int_equal(ration.now, 0);
    for (size_t i = 0; i < 300; i++) {
        rationed_add(&bytes, (struct view){text, 1});
        assert_int_equal(ration.now, bytes.buf.capacity);
    }
    assert_int_equal(bytes.buf.size, 300);
    assert_int_equal(ration.now, SHARE); // not more than it may have
    rationed_add(&more, (struct view){text, 1});
    assert_true(more.buf.failed && more.buf.full && !more.room.keeper);
    assert_int_equal(ration.refused, 1);
    ration_take_back(&ration, 1);
    assert_true(bytes.buf.failed && bytes.buf.full && !bytes.buf.data);
    assert_int_equal(ration.now, 0);
    rationed_add(&bytes, (struct view){text, 1});
    assert_int_equal(ration.now, 0);
    rationed_done(&bytes);
    rationed_init(&bytes, 10, holding_of(2));
    rationed_add(&bytes, (struct view){text, 10});
    assert_int_equal(ration.now, 10);
    rationed_add(&bytes, (struct view){text, 1}); // its own maximum
    assert_true(bytes.buf.failed && bytes.buf.full);
    assert_int_equal(ration.now, 0);
    rationed_done(&bytes);
    rationed_done(&more);
}

static void without_a_ration_all_fits(void **state)
{
    struct holding free_of_it = {.owner = 1};
    (void)state;
    assert_true(holding_take(&free_of_it, SIZE_MAX));
    holding_give(&free_of_it, 5);
    holding_end(&free_of_it);
}

static void the_sums_hold(void **state)
{
    struct holding all[MANY];
    unsigned random = 1;
    (void)state;
    for (uint64_t i = 0; i < MANY; i++)
        all[i] = holding_of(i % 7);
    for (int step = 0; step < STEPS; step++) {
        size_t sum = 0, of_owner[7] = {0};
        random = random * 1103515245u + 12345u;
        struct holding *one = &all[(random >> 16) % MANY];
        if ((random >> 8) % 3 == 0)
            holding_give(one, one->size / 2);
        else if ((random >> 8) % 7 == 0)
            holding_end(one);
        else
            (void)!holding_take(one, (random >> 12) % 300);
        for (uint64_t i = 0; i < MANY; i++) {
            sum += all[i].size;
            of_owner[i % 7] += all[i].size;
        }
        assert_int_equal(sum, ration.now);
        assert_true(sum <= MOST);
        for (size_t i = 0; i < 7; i++)
            assert_true(of_owner[i] <= SHARE);
    }
    assert_true(gone_count > 100);
    for (size_t i = 0; i < MANY; i++)
        holding_end(&all[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_gets_more_than_a_share),
        TEST(the_largest_gives_up),
        TEST(some_cannot),
        TEST(the_largest_goes_among_strangers),
        TEST(without_a_ration_all_fits),
        TEST(the_sums_hold),
        TEST(all_is_taken_back),
        TEST(bytes_take_room_as_they_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
