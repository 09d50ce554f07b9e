// The log: what a line says, what it never says, and readers that are slow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/journal.h"

static char got[1 << 20];
static int pair[2];

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(pipe(pair), 0);
    assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(pair[0]);
    (void)close(pair[1]);
    return 0;
}

// Adds what is there to `got`, from `size` on; returns how much there is now.
static size_t more(size_t size)
{
    ssize_t now;
    while ((now = read(pair[0], got + size, sizeof got - 1 - size)) > 0)
        size += (size_t)now;
    got[size] = '\0';
    return size;
}

static void lines(void **state)
{
    (void)state;
    struct journal *journal = journal_new(pair[1]);
    assert_non_null(journal);
    journal_event(journal, "listening", "address", "unix:\"x\"\n", "nothing", (char *)NULL, NULL);
    assert_int_equal(more(0), 0);
    journal_flush(journal);
    (void)more(0);
    assert_int_equal(strncmp(got, "{\"time\":\"20", 11), 0);
    assert_non_null(strstr(got, "\",\"event\":\"listening\",\"address\":\"unix:\\\"x\\\"\\n\""));
    const struct journal_call call = {
        .key_id = "k",
        .project_id = "p",
        .method = VIEW("tools/call"),
        .name = VIEW("smg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        .outcome = "error",
        .stage = "invoke",
        .code = -32603,
        .total = 12,
        .bytes_in = 3,
    };
    journal_call(journal, &call);
    journal_free(&journal);
    (void)more(0);
    assert_non_null(strstr(got, "\"event\":\"call\",\"key\":\"k\",\"project\":\"p\","
                                "\"method\":\"tools/call\",\"name\":\"smg_AAAAAAAAAAAAAAAA...\","));
    assert_non_null(strstr(got,
                           "\"outcome\":\"error\",\"stage\":\"invoke\",\"code\":-32603,"
                           "\"total_us\":12,\"waited_us\":0,\"bytes_in\":3,\"bytes_out\":0}\n"));
}

// A long text is cut for the log; a key that the cut goes through must not stay there in half.
static void cut_keys(void **state)
{
    (void)state;
    char text[400] = "";
    struct journal *journal = journal_new(pair[1]);
    for (size_t before = 120; before <= 200; before++) {
        (void)snprintf(text, sizeof text, "%*ssmg_%s and more", (int)before, "",
                       "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxzTDpaD");
        journal_event(journal, "upstream", "detail", text, NULL);
        journal_call(journal, &(struct journal_call){.key_id = "k",
                                                     .project_id = "p",
                                                     .name = view_of(text),
                                                     .outcome = "ok",
                                                     .stage = "reply"});
    }
    journal_free(&journal);
    (void)more(0);
    assert_non_null(strstr(got, "smg_AAECAwQFBgcICQoL"));
    assert_null(strstr(got, "smg_AAECAwQFBgcICQoLD"));
}

static void slow_reader(void **state)
{
    enum { LINES = 20000 };
    (void)state;
    struct journal *journal = journal_new(pair[1]);
    for (int i = 0; i < LINES; i++) {
        journal_event(journal, "something", "with", "a text of some length", NULL);
        journal_flush(journal);
    }
    size_t size = 0, kept = 0;
    for (int i = 0; i < 100; i++) {
        size = more(size);
        (void)usleep(6000); // a full journal is written at once, the rest of it a little later
        journal_flush(journal);
    }
    for (const char *at = got; (at = strstr(at, "\"something\"")); at++)
        kept++;
    const char *lost = strstr(got, "\"event\":\"lines_lost\",\"lines\":");
    assert_non_null(lost);
    assert_int_equal(kept + strtoul(lost + 29, NULL, 10), LINES);
    assert_int_equal(got[size - 1], '\n');
    journal_free(&journal);
}

static void nobody_reads(void **state)
{
    (void)state;
    int sockets[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    struct journal *journal = journal_new(sockets[0]);
    for (int i = 0; i < 20000; i++) {
        journal_event(journal, "something", NULL);
        journal_flush(journal);
    }
    (void)close(sockets[1]);
    journal_event(journal, "something", NULL);
    journal_free(&journal);
    (void)close(sockets[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cut_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slow_reader, set_up, tear_down),
        cmocka_unit_test(nobody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
