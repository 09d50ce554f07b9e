// The HTTP door of the gateway over TLS: what a client writes at once comes in several records, of
// which the first may send its connection to another worker.
#include "door_client.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "certificate.h"
#include "os/tls_session.h"

static char folder[] = "/tmp/test_gateway_tls.XXXXXX";
static char key_path[100], certificate_path[100];
static struct tls *client_tls;

static int begin(void **state)
{
    struct err err;
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
    (void)snprintf(certificate_path, sizeof certificate_path, "%s/certificate.pem", folder);
    make_certificate(key_path, certificate_path);
    assert_true(tls_new_client(certificate_path, &client_tls, &err));
    return 0;
}

static int end(void **state)
{
    (void)state;
    tls_free(&client_tls);
    (void)unlink(key_path);
    (void)unlink(certificate_path);
    return rmdir(folder);
}

static int set_up_tls(void **state)
{
    (void)set_up(state);
    settings.workers = 3;
    settings.tls_certificate = certificate_path;
    settings.tls_key = key_path;
    start();
    return 0;
}

// --- a client --------------------------------------------------------------------------------
// What it writes is gathered and leaves when it is flushed, in one segment.
struct client {
    int to;
    struct tls_session *session;
    struct buf out;
};

static bool gather(void *context, struct view bytes)
{
    buf_add(&((struct client *)context)->out, bytes);
    return true;
}

static void flush(struct client *client)
{
    assert_false(client->out.failed);
    assert_int_equal(send(client->to, client->out.data, client->out.size, MSG_NOSIGNAL),
                     client->out.size);
    buf_done(&client->out);
    buf_init(&client->out, ROOM);
}

// Waits for more encrypted bytes. False when none come.
static bool take_in(struct client *client)
{
    char bytes[16384];
    struct pollfd ready = {.fd = client->to, .events = POLLIN};
    ssize_t size = poll(&ready, 1, 5000) == 1 ? recv(client->to, bytes, sizeof bytes, 0) : 0;
    return size > 0 && tls_session_input(client->session, view_bytes(bytes, (size_t)size)) &&
           tls_session_keep(client->session);
}

// The handshake's last message waits to be flushed with the first request.
static void client_begin(struct client *client)
{
    client->to = dial();
    client->session = tls_session_new(client_tls, "gateway.test");
    buf_init(&client->out, ROOM);
    assert_non_null(client->session);
    tls_session_output(client->session, gather, client);
    while (tls_session_shake(client->session) == TLS_WAIT) {
        flush(client);
        assert_true(take_in(client));
    }
}

static void client_end(struct client *client)
{
    tls_session_free(&client->session);
    buf_done(&client->out);
    (void)close(client->to);
}

// A record of its own.
static void say(struct client *client, const char *text)
{
    assert_true(tls_session_write(client->session, view_of(text)));
}

static void say_head(struct client *client, char worker, size_t length)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   "POST /mcp HTTP/1.1\r\n" HEADERS "Authorization: Bearer good%c\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   worker, length);
    say(client, text);
}

// Sends what was said, and reads until there is an answer of that worker.
static void expect_answer(struct client *client, char worker)
{
    char mark[] = "\"worker\":0";
    size_t size = 0, more;
    enum tls_step step = TLS_WAIT;
    flush(client);
    mark[9] = worker;
    got[0] = '\0';
    while (!strstr(got, mark)) {
        step = tls_session_read(client->session, got + size, ROOM - 1 - size, &more);
        if (step != TLS_DONE && (step != TLS_WAIT || !take_in(client)))
            fail_msg("expected %s, got: %s", mark, got);
        size += step == TLS_DONE ? more : 0;
        got[size] = '\0';
    }
}

// --- tests -----------------------------------------------------------------------------------
static void moves_with_what_comes_behind(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++) {
        struct client client;
        client_begin(&client);
        for (int j = 0; j < 6; j++) {
            const char worker = (char)('0' + (i + j) % 3);
            say_head(&client, worker, 9);
            say(&client, "say");
            say(&client, " sl");
            say(&client, "ow!");
            expect_answer(&client, worker);
        }
        client_end(&client);
    }
}

static void moves_with_all_that_was_pipelined(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++) {
        struct client client;
        client_begin(&client);
        for (char worker = '0'; worker < '3'; worker++) {
            say_head(&client, worker, 3);
            say(&client, "say");
        }
        expect_answer(&client, '2');
        client_end(&client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(moves_with_what_comes_behind, set_up_tls),
        TEST(moves_with_all_that_was_pipelined, set_up_tls),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
