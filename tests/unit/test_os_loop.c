// test_os_loop.c: turns, posts from threads, jobs, timers, signals.
#include "loop_steps.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "os/loop_inside.h"

enum { THREADS = 4, POSTS = 5000 };

struct world {
    struct loop *loop;
    size_t count;
    size_t last[THREADS];
    bool done;
};

static void setup(struct world *world)
{
    struct err err;
    *world = (struct world){0};
    assert_true(loop_new(&world->loop, &err));
}

struct word {
    struct world *world;
    size_t thread, number;
};

static void arrived(void *context)
{
    struct word *word = (struct word *)context;
    assert_int_equal(word->world->last[word->thread] + 1, word->number); // in order
    word->world->last[word->thread] = word->number;
    word->world->done = ++word->world->count == (size_t)THREADS * POSTS;
    free(word);
}

struct speaker {
    struct world *world;
    size_t thread;
};

static void *speak(void *context)
{
    struct speaker *speaker = (struct speaker *)context;
    for (size_t i = 1; i <= POSTS; i++) {
        struct word *word = (struct word *)malloc(sizeof *word);
        *word = (struct word){speaker->world, speaker->thread, i};
        if (!loop_post(speaker->world->loop, arrived, word))
            abort();
    }
    return NULL;
}

static void takes_posts_in_order(void **state)
{
    (void)state;
    struct world world;
    setup(&world);
    pthread_t threads[THREADS];
    struct speaker speakers[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        speakers[i] = (struct speaker){&world, i};
        assert_int_equal(pthread_create(&threads[i], NULL, speak, &speakers[i]), 0);
    }
    assert_true(run_until(world.loop, &world.done, 20000));
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    loop_free(&world.loop);
    assert_null(world.loop);
    loop_free(&world.loop);
}

static void counts(void *context)
{
    struct world *world = (struct world *)context;
    world->count++;
}

static void is_done(void *context)
{
    struct world *world = (struct world *)context;
    world->done = true;
}

static void calls_late_posts_when_freed(void **state)
{
    (void)state;
    struct world world;
    setup(&world);
    assert_true(loop_post(world.loop, counts, &world));
    loop_free(&world.loop);
    assert_int_equal(world.count, 1);
}

static void slow(void *context)
{
    (void)context;
    usleep(20000);
}

static void does_jobs_elsewhere(void **state)
{
    (void)state;
    struct world world;
    setup(&world);
    assert_true(loop_job(world.loop, slow, is_done, &world));
    assert_false(world.done);
    assert_true(run_until(world.loop, &world.done, 5000));
    world.done = false;
    assert_true(loop_job(world.loop, slow, is_done, &world));
    loop_free(&world.loop); // waits for it
    assert_true(world.done);
}

static struct timer *self;

static void frees_itself(void *context)
{
    counts(context);
    timer_free(&self);
}

static void keeps_time(void **state)
{
    (void)state;
    struct world world;
    struct err err;
    struct timer *timer;
    setup(&world);
    int64_t start = loop_clock();
    assert_true(timer_new(world.loop, 10, counts, &world, &timer, &err));
    run_for(world.loop, 105);
    assert_in_range(loop_clock() - start, 100000, 5000000);
    assert_in_range(world.count, 2, 12);
    timer_free(&timer);
    timer_free(&timer);
    world.count = 0;
    assert_true(timer_new(world.loop, 1, frees_itself, &world, &self, &err));
    run_for(world.loop, 30);
    assert_int_equal(world.count, 1);
    loop_free(&world.loop);
}

static void hears_signals(void **state)
{
    (void)state;
    struct world world;
    struct err err;
    setup(&world);
    assert_true(loop_signal(world.loop, SIGUSR1, is_done, &world, &err));
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_true(run_until(world.loop, &world.done, 5000));
    assert_int_equal(kill(getpid(), SIGPIPE), 0); // of no consequence
    loop_free(&world.loop);
}

static void tells_the_end_of_turns(void **state)
{
    (void)state;
    struct world world;
    setup(&world);
    loop_on_turn_end(world.loop, counts, &world);
    assert_true(loop_post(world.loop, is_done, &world));
    assert_true(run_until(world.loop, &world.done, 5000));
    assert_in_range(world.count, 1, 1000);
    loop_free(&world.loop);
}

static void reserves_for_descriptors(void **state)
{
    (void)state;
    struct world world;
    struct err err;
    setup(&world);
    assert_true(world.loop->uv.nwatchers < 800);
    assert_true(loop_reserve(world.loop, 800, &err));
    assert_true(world.loop->uv.nwatchers >= 800);
    run_for(world.loop, 10);
    assert_false(loop_reserve(world.loop, 1u << 30, &err)); // more than there may be
    loop_free(&world.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_posts_in_order),
        cmocka_unit_test(calls_late_posts_when_freed),
        cmocka_unit_test(does_jobs_elsewhere),
        cmocka_unit_test(keeps_time),
        cmocka_unit_test(hears_signals),
        cmocka_unit_test(tells_the_end_of_turns),
        cmocka_unit_test(reserves_for_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
