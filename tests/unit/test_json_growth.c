// test_json_growth.c: what reading JSON takes grows with the text, not with its square, whatever
// names the members of an object have.
//
// No clock is asked: the two readers are compiled so that each basic block counts itself
// (tests/CMakeLists.txt), loops and what the sorting asks included.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/json_check.h"
#include "base/limits.h"

enum { MEMORY = 256 << 20, MEMBERS = 5000, TIMES = 16 };

static uint64_t blocks;

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
    blocks++;
}

static void check(struct view text)
{
    assert_int_equal(json_check(text, LIMIT_JSON_DEPTH), JSON_FINE);
}

static void parse(struct view text)
{
    struct arena arena;
    struct err err;
    const struct json_value *value;
    arena_init(&arena, MEMORY);
    assert_true(json_parse(text, &arena, &value, &err));
    arena_done(&arena);
}

struct names {
    const char *start, *end; // of each name, a number between them
};

// The blocks that run for an object of so many members.
static uint64_t blocks_for(void (*read)(struct view text), const struct names *names, int members)
{
    struct buf text;
    buf_init(&text, MEMORY);
    for (int i = 0; i < members; i++)
        buf_add_format(&text, "%s\"%s%06d%s\":%d", i ? "," : "{", names->start, i, names->end, i);
    buf_add_char(&text, '}');
    blocks = 0;
    read(buf_view(&text));
    buf_done(&text);
    return blocks;
}

// Sorting takes log n times as much: here less than twice. The square would be 256.
static void grows_with_the_text(void (*read)(struct view text))
{
    static const struct names names[] = {
        {"name", ""},
        {"first8by", "last8byt"}, // what differs only in the middle is the worst for the hash
        {"\\u0066irst8by", "last8byt"},
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const uint64_t few = blocks_for(read, &names[i], MEMBERS);
        const uint64_t many = blocks_for(read, &names[i], TIMES * MEMBERS);
        assert_true(few > MEMBERS); // they are counted
        assert_in_range(many, few, 2 * TIMES * few);
    }
}

static void checking_grows_with_the_text(void **state)
{
    (void)state;
    grows_with_the_text(check);
}

static void parsing_grows_with_the_text(void **state)
{
    (void)state;
    grows_with_the_text(parse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checking_grows_with_the_text),
        cmocka_unit_test(parsing_grows_with_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
