// The gateway for a client that has started it as its child: with a fake gateway behind it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "doors/gateway_serve.h"
#include "fake_gateway.c"
#include "vault/vault.h"

static pid_t server;
static int to_server, from_server;
static char got[1 << 20];

static void serve(const char *key, int input, int output)
{
    struct settings settings;
    struct store_config config = {0};
    struct err err = {0};
    int status = -1;
    (void)alarm(60);
    (void)dup2(input, STDIN_FILENO);
    (void)dup2(output, STDOUT_FILENO);
    for (int other = 3; other < 64; other++)
        (void)close(other);
    settings_init(&settings);
    settings.request_body = 1000;
    settings.drain = TIME_SECOND;
    bool set = !key || setenv("ENKRYPT_GATEWAY_KEY", key, 1) == 0;
    if (set && vault_start(&err))
        status = gateway_serve(&settings, &config, true, &err);
    if (status < 0)
        (void)dprintf(STDOUT_FILENO, "%s", err.code);
    bool clean = atomic_load(&fake_principals) == 0 && !getenv("ENKRYPT_GATEWAY_KEY");
    _exit(!clean ? 9 : status < 0 ? 2 : status);
}

static void start(const char *key)
{
    int in[2], out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    server = fork();
    if (server == 0)
        serve(key, in[0], out[1]);
    (void)close(in[0]);
    (void)close(out[1]);
    to_server = in[1];
    from_server = out[0];
}

static int wait_for_end(void)
{
    int status = -1;
    assert_int_equal(waitpid(server, &status, 0), server);
    (void)close(from_server);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static int stop(void)
{
    (void)close(to_server);
    return wait_for_end();
}

static void put(const char *text)
{
    assert_int_equal(write(to_server, text, strlen(text)), strlen(text));
}

// Reads until `mark` (NULL: the end).
static void expect(const char *mark)
{
    size_t size = 0;
    struct pollfd ready = {.fd = from_server, .events = POLLIN};
    got[0] = '\0';
    while (!(mark && strstr(got, mark))) {
        ssize_t more = 0;
        if (poll(&ready, 1, 5000) == 1)
            more = read(from_server, got + size, sizeof got - 1 - size);
        if (more <= 0 && !mark)
            return;
        if (more <= 0)
            fail_msg("expected %s, got: %s", mark, got);
        size += (size_t)more;
        got[size] = '\0';
    }
}

static void messages(void **state)
{
    (void)state;
    start("good0");
    put("say 1\nsay 22\r\n\n  \n");
    expect("\"bytes\":6,\"worker\":0,\"server\":\"\",\"session\":\"\",\"name\":\"\",\"parameters\":"
           "0}\n");
    assert_int_equal(strncmp(got, "{\"bytes\":5,", 11), 0);
    put("la");
    (void)usleep(10000);
    put("te\nsay");
    expect("{\"late\":true}\n");
    put(" it\n");
    expect("\"bytes\":6");
    put("accept\nlines\n");
    expect("{\"n\":1}\n");
    assert_string_equal(strstr(got, "{ \"n\""), "{ \"n\":  1}\n{\"n\":1}\n");
    put("push\n");
    expect("{\"pushed\":true}\n");
    put("late\nsay the last"); // without a line end
    (void)close(to_server);
    expect(NULL);
    assert_non_null(strstr(got, "\"bytes\":12"));
    assert_non_null(strstr(got, "{\"late\":true}\n"));
    assert_int_equal(wait_for_end(), 0);
}

static void too_large(void **state)
{
    char text[3002];
    (void)state;
    start("good0");
    memset(text, 'x', sizeof text);
    text[3000] = '\n';
    text[3001] = '\0';
    put(text);
    expect("too large");
    memset(text, 'x', 1500);
    text[1500] = '\0';
    put(text);
    expect("too large");
    put("xx\nsay\n");
    expect("\"bytes\":3");
    assert_int_equal(stop(), 0);
}

static void keys(void **state)
{
    static const char message[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}\n";
    (void)state;
    start(NULL);
    expect("no_api_key");
    assert_int_equal(stop(), 2);
    start("bad");
    expect("invalid_api_key");
    assert_int_equal(stop(), 2);
    start("good0");
    put("revoke\n");
    put(message);
    expect("\"id\":7,\"error\":{");
    assert_int_equal(wait_for_end(), 1);
    (void)close(to_server);
    start("good0"); // idle: by its stream
    put("revoke\n");
    expect("not valid any more");
    assert_int_equal(wait_for_end(), 1);
    (void)close(to_server);
    start("good0"); // for another reason
    put("cut\n");
    expect("\"message\":\"The gateway ends: the test says so\"");
    assert_int_equal(wait_for_end(), 1);
    (void)close(to_server);
}

static void signals_and_gone_clients(void **state)
{
    (void)state;
    start("good0");
    put("late\n");
    (void)usleep(50000);
    (void)kill(server, SIGTERM);
    expect("{\"late\":true}\n");
    assert_int_equal(wait_for_end(), 0);
    (void)close(to_server);
    start("good0");
    put("quiet\n");
    assert_int_equal(stop(), 0); // not for ever
    start("good0");
    put("say\n");
    expect("}\n");
    (void)close(from_server);
    put("say\nsay\n");
    assert_int_equal(wait_for_end(), 0);
    (void)close(to_server);
}

// A client that writes and does not read.
static void slow_reader(void **state)
{
    enum { MESSAGES = 50000 };
    (void)state;
    start("good0");
    pid_t writer = fork();
    for (int i = 0; writer == 0 && i < MESSAGES; i++)
        put("say\n");
    if (writer == 0)
        _exit(0);
    (void)usleep(300000);
    size_t lines = 0;
    for (ssize_t size; lines < MESSAGES && (size = read(from_server, got, sizeof got)) > 0;)
        for (ssize_t i = 0; i < size; i++)
            lines += got[i] == '\n';
    assert_int_equal(lines, MESSAGES);
    (void)waitpid(writer, NULL, 0);
    assert_int_equal(stop(), 0);
}

static void files(void **state)
{
    char in[] = "/tmp/test_gateway_stdio.XXXXXX", out[] = "/tmp/test_gateway_stdio.XXXXXX";
    int input = mkstemp(in), output = mkstemp(out);
    (void)state;
    assert_int_equal(write(input, "say\nlate\n", 9), 9);
    (void)lseek(input, 0, SEEK_SET);
    server = fork();
    if (server == 0)
        serve("good0", input, output);
    from_server = open(out, O_RDONLY);
    int status;
    assert_int_equal(waitpid(server, &status, 0), server);
    assert_int_equal(status, 0);
    expect("{\"late\":true}\n");
    (void)close(from_server);
    (void)close(input);
    (void)close(output);
    (void)unlink(in);
    (void)unlink(out);
}

// One socket for both, as inetd gives it.
static void use_socket(int near, int far)
{
    server = fork();
    if (server == 0)
        serve("good0", far, far);
    (void)close(far);
    to_server = from_server = near;
    put("say 1\n");
    expect("}\n");
    assert_int_equal(strncmp(got, "{\"bytes\":5,", 11), 0);
    put("lines\n");
    expect("{\"n\":1}\n");
    put("late\nsay the last\n");
    assert_int_equal(shutdown(near, SHUT_WR), 0);
    expect(NULL);
    assert_non_null(strstr(got, "\"bytes\":12"));
    assert_non_null(strstr(got, "{\"late\":true}\n"));
    assert_int_equal(wait_for_end(), 0);
}

static void one_socket(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int pair[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    use_socket(pair[0], pair[1]);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int listener = socket(AF_INET, SOCK_STREAM, 0), near = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(near, (struct sockaddr *)&address, size), 0);
    const int far = accept(listener, NULL, NULL);
    assert_true(far >= 0);
    (void)close(listener);
    use_socket(near, far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages),   cmocka_unit_test(too_large),
        cmocka_unit_test(keys),       cmocka_unit_test(signals_and_gone_clients),
        cmocka_unit_test(files),      cmocka_unit_test(slow_reader),
        cmocka_unit_test(one_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
