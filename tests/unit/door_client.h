// door_client.h: a child serves with a fake gateway behind it, and this process is its client.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "doors/gateway_serve.h"
#include "fake_gateway.c"

static struct settings settings;
static pid_t server;
static int journal = -1;
static int port, metrics_port;

// --- the server ------------------------------------------------------------------------------
static inline int number_behind(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);
    return at ? (int)strtol(at + strlen(mark), NULL, 10) : 0;
}

// Waits for the line that says where it listens.
static inline void wait_until_listening(void)
{
    char text[4096] = "";
    size_t size = 0;
    while (!strstr(text, "\"listening\"")) {
        ssize_t more = read(journal, text + size, sizeof text - 1 - size);
        if (more <= 0)
            fail_msg("the server has said: %s", text);
        size += (size_t)more;
        text[size] = '\0';
    }
    port = number_behind(text, "\"address\":\"127.0.0.1:");
    metrics_port = number_behind(text, "\"port\":\"");
}

static inline void start(void)
{
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    server = fork();
    if (server == 0) {
        struct store_config config = {0};
        struct err err = {0};
        (void)alarm(60);
        (void)dup2(pipes[1], STDERR_FILENO);
        (void)close(pipes[0]);
        (void)close(pipes[1]);
        int status = gateway_serve(&settings, &config, false, &err);
        if (status != 0)
            (void)dprintf(STDERR_FILENO, "%s\n", err.message);
        _exit(status == 0 && atomic_load(&fake_principals) == 0 ? 0 : 9);
    }
    (void)close(pipes[1]);
    journal = pipes[0];
    wait_until_listening();
}

static inline int stop(void)
{
    int status = -1;
    (void)kill(server, SIGTERM);
    assert_int_equal(waitpid(server, &status, 0), server);
    char text[4096];
    ssize_t size;
    while ((size = read(journal, text, sizeof text)) > 0)
        if (memmem(text, (size_t)size, "anitizer", 8))
            (void)!write(STDERR_FILENO, text, (size_t)size);
    (void)close(journal);
    return status;
}

static inline int set_up(void **state)
{
    static const char *const origins[] = {"https://app.example", NULL};
    static const char *const hosts[] = {"mcp.example", NULL};
    (void)state;
    memset(fake_bytes, 'x', sizeof fake_bytes);
    settings_init(&settings);
    settings.listen = "127.0.0.1:0";
    settings.metrics_listen = "127.0.0.1:0";
    settings.origins = origins;
    settings.hosts = hosts;
    settings.workers = 1;
    settings.request_body = 100000;
    settings.drain = 2 * TIME_SECOND;
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    assert_int_equal(stop(), 0);
    return 0;
}

static inline int set_up_plain(void **state)
{
    (void)set_up(state);
    start();
    return 0;
}

// --- the client ------------------------------------------------------------------------------
static inline void link_up(int made, int to)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)to),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(connect(made, (const struct sockaddr *)&address, sizeof address), 0);
}

static inline int dial_port(int to)
{
    int made = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    link_up(made, to);
    return made;
}

// With little room for what it does not read.
static inline int dial_narrow(void)
{
    int made = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(made, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    link_up(made, port);
    return made;
}

static inline int dial(void)
{
    return dial_port(port);
}

static inline void put(int to, const char *text)
{
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t sent = send(to, text, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; // closed: what comes back says why
        text += sent;
        size -= (size_t)sent;
    }
}

enum { ROOM = 1 << 20 };
static char got[ROOM];

// Reads until `mark` was read (NULL: until the end) or a while has passed. True when it was.
static inline bool get(int from, const char *mark)
{
    size_t size = 0;
    int64_t until = clock_now() + 5 * TIME_SECOND;
    got[0] = '\0';
    while (size < ROOM - 1 && !(mark && strstr(got, mark))) {
        struct pollfd ready = {.fd = from, .events = POLLIN};
        int64_t left = (until - clock_now()) / 1000;
        if (left <= 0 || poll(&ready, 1, (int)left) != 1)
            return false;
        ssize_t more = recv(from, got + size, ROOM - 1 - size, 0);
        if (more <= 0)
            return !mark;
        size += (size_t)more;
        got[size] = '\0';
    }
    return true;
}

static inline void expect(int from, const char *mark)
{
    if (!get(from, mark))
        fail_msg("expected %s, got: %s", mark ? mark : "the end", got);
}

static inline bool is_closed(int from)
{
    char byte;
    struct pollfd ready = {.fd = from, .events = POLLIN};
    return poll(&ready, 1, 5000) == 1 && recv(from, &byte, 1, 0) <= 0;
}

#define HEADERS                                                                                    \
    "Host: localhost\r\nAccept: application/json, text/event-stream\r\n"                           \
    "Content-Type: application/json\r\n"

static inline void post_as(int to, const char *key, const char *path, const char *body)
{
    char text[4096];
    (void)snprintf(text, sizeof text,
                   "POST %s HTTP/1.1\r\n" HEADERS "Authorization: Bearer %s\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   path, key, strlen(body), body);
    put(to, text);
}

static inline void post(int to, const char *body)
{
    post_as(to, "good0", "/mcp", body);
}

// A request of its own connection; its whole answer is in `got`.
static inline void ask(const char *request)
{
    int to = dial();
    put(to, request);
    (void)shutdown(to, SHUT_WR);
    expect(to, NULL);
    (void)close(to);
}

static inline void expect_start(const char *start_of_it)
{
    if (strncmp(got, start_of_it, strlen(start_of_it)) != 0)
        fail_msg("expected %s, got: %s", start_of_it, got);
}

static inline void expect_part(const char *part)
{
    if (!strstr(got, part))
        fail_msg("expected %s, got: %s", part, got);
}

// A number of /metrics, once all that was done before has been counted.
static inline int measured(const char *name)
{
    char mark[100];
    (void)snprintf(mark, sizeof mark, "\nsecure_mcp_gateway_%s ", name);
    (void)usleep(250000);
    int to = dial_port(metrics_port);
    put(to, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(to, NULL);
    (void)close(to);
    return number_behind(got, mark);
}

#define KEYED "Accept: */*\r\nContent-Type: application/json\r\napikey: good0\r\n"

#define TEST(name, set_up_fn) cmocka_unit_test_setup_teardown(name, set_up_fn, tear_down)
