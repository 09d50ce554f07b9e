// The HTTP door of the gateway: heads of requests that come in parts, many of them, or never whole.
#include "door_client.h"

enum {
    HEAD_MOST = 8 * 1024,
    HEADS_MOST = 8 * HEAD_MOST, // of all heads that are not complete
    LARGE = HEAD_MOST - 1000,
    SMALL = 300,
};

static int set_up_heads(void **state)
{
    (void)set_up(state);
    settings.request_head = HEAD_MOST;
    settings.unread = 4 * HEADS_MOST;
    start();
    return 0;
}

// The beginning of a head, of so many bytes.
static int begin(size_t size)
{
    static const char start_of_it[] = "POST /mcp HTTP/1.1\r\n" HEADERS "X-Filler: ";
    char text[HEAD_MOST + 1];
    memset(text, 'x', size);
    memcpy(text, start_of_it, sizeof start_of_it - 1);
    text[size] = '\0';
    int to = dial();
    put(to, text);
    return to;
}

static void expect_served(int to)
{
    put(to, "\r\napikey: good0\r\nContent-Le");
    (void)usleep(10000);
    put(to, "ngth: 3\r\n\r\nsay");
    expect(to, "\"bytes\":3");
    (void)close(to);
}

// Who sends little is served, however many do so, and whoever else sends much.
static void the_largest_head_goes(void **state)
{
    int small[64], large[20];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(small); i++)
        small[i] = begin(SMALL);
    assert_in_range(measured("heads_bytes"), COUNT_OF(small) * SMALL, HEADS_MOST);
    assert_int_equal(measured("heads_lost_total"), 0);
    for (size_t i = 0; i < COUNT_OF(large); i++)
        large[i] = begin(LARGE);
    assert_in_range(measured("heads_bytes"), 1, HEADS_MOST);
    assert_in_range(measured("heads_lost_total"), COUNT_OF(large) - HEADS_MOST / LARGE,
                    COUNT_OF(large) - 1);
    for (size_t i = 0; i < COUNT_OF(small); i++)
        expect_served(small[i]);
    int refused = 0;
    for (size_t i = 0; i < COUNT_OF(large); i++) {
        put(large[i], "\r\napikey: good0\r\nContent-Length: 3\r\n\r\nsay");
        refused += !get(large[i], "\"bytes\":3");
        expect_start(strstr(got, "bytes") ? "HTTP/1.1 200 " : "HTTP/1.1 503 ");
        (void)close(large[i]);
    }
    assert_int_equal(measured("heads_lost_total"), refused);
    assert_int_equal(measured("heads_bytes"), 0);
}

// A head that is refused, given up by its client or followed by its body counts no longer.
static void heads_that_are_over(void **state)
{
    char text[HEAD_MOST + 1];
    (void)state;
    int gone = begin(LARGE), bad = begin(LARGE), endless = begin(LARGE), body = begin(LARGE);
    assert_in_range(measured("heads_bytes"), 4 * LARGE, HEADS_MOST);
    (void)close(gone);
    put(bad, "\r\nno field\r\n\r\n");
    expect(bad, "HTTP/1.1 400 ");
    memset(text, 'x', HEAD_MOST);
    text[HEAD_MOST] = '\0';
    put(endless, text);
    expect(endless, "HTTP/1.1 431 ");
    put(body, "\r\napikey: good0\r\nContent-Length: 3\r\n\r\nsa");
    assert_int_equal(measured("heads_bytes"), 0);
    put(body, "y");
    expect(body, "\"bytes\":3");
    (void)close(bad);
    (void)close(endless);
    (void)close(body);
}

// An argument is the name, or a pattern, of the tests to be run.
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(the_largest_head_goes, set_up_heads),
        TEST(heads_that_are_over, set_up_heads),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
