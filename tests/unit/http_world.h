// http_world.h: what tests of links over HTTP begin with: a server by rules and a link to it.
#pragma once

#include "http_rules.h"
#include "upstream_rig.h"

// --- what is asked and said ----------------------------------------------------------------------
#define ONE "{\"name\":\"one\"," MODERN_META "}"
#define ONE_ANSWERS                                                                                \
    {                                                                                              \
        "\"one\"", NULL, 200, NULL, RESULT("{}"), WHOLE, 0                                         \
    }
#define SAYS_MODERN                                                                                \
    {                                                                                              \
        "server/discover", NULL, 200, NULL,                                                        \
            RESULT("{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{}}"), WHOLE, 0       \
    }

struct world {
    struct rig rig;
    struct backend backend, other;
    struct server server, fine;
    struct upstream *upstream;
};

static inline int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    rig_init(&world->rig);
    *state = world;
    return 0;
}

static inline int teardown(void **state)
{
    struct world *world = *state;
    upstreams_free(&world->rig.all);
    backend_done(&world->backend);
    backend_done(&world->other);
    http_client_free(&world->rig.http);
    timer_free(&world->rig.timer);
    loop_free(&world->rig.loop);
    assert_int_equal(world->rig.unread.now, 0); // all was given back
    ration_done(&world->rig.unread);
    assert_int_equal(world->rig.asked.now, 0);
    ration_done(&world->rig.asked);
    free(world);
    return 0;
}

static inline void serve(struct world *world, struct rule *rules)
{
    unsigned port = backend_init(&world->backend, world->rig.loop, rules);
    world->upstream = http_server(&world->rig, &world->server, port);
}

// How often the server was asked that: `POST:method`.
static inline unsigned asked(const struct world *world, const char *method)
{
    unsigned times = 0;
    for (const char *at = world->backend.seen.text; (at = strstr(at, method)); at++)
        times++;
    return times;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
