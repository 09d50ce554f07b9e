// test_reply.c: answers that are made of pieces.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/reply.h"
#include "wire/jsonrpc.h"

static void takes_no_memory_for_an_error(void **state)
{
    (void)state;
    const struct view ids[] = {VIEW("\"a\\\"b\""), VIEW("17"), {NULL, 0}};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct buf text AUTO(buf_done);
        struct buf wanted AUTO(buf_done);
        struct view pieces[REPLY_NO_MEMORY];
        buf_init(&text, 1000);
        buf_init(&wanted, 1000);
        reply_no_memory(ids[i], pieces);
        for (size_t j = 0; j < REPLY_NO_MEMORY; j++)
            buf_add(&text, pieces[j]);
        rpc_add_error(&wanted, ids[i], RPC_INTERNAL_ERROR, VIEW("The gateway is out of memory"),
                      (struct view){NULL, 0});
        assert_false(text.failed || wanted.failed);
        assert_true(view_equal(buf_view(&text), buf_view(&wanted)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_no_memory_for_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
