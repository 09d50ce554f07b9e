// test_gateway_revoked.c: what a key loses with its access that is the door's, not the gateway's.
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_back_bodies_of_a_revoked_key, rig_set_up,
                                        rig_tear_down),
    };
    cmocka_set_test_filter(getenv("SMG_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
