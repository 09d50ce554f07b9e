// bad_upstream: an MCP server, over HTTP or stdio, that misbehaves when it is asked to.
//
//   bad_upstream --http PORT | --stdio  [--note FILE] [--tag TEXT] [--deaf] [--stubborn] [--fork]
//
// PORT 0 is any; which one it is comes on stdout.
//
//   --note FILE  appends a line for what happens: started M, finished M, cancelled M, dialled
//   --tag TEXT   nothing: to find the process by
//   --deaf       over HTTP: listens, but connecting to it hangs
//   --stubborn   over stdio: ignores SIGTERM and the end of its input
//   --fork       over stdio: leaves a grandchild behind, in a session of its own, that ignores
//   SIGTERM
//
// What it does is the tool's name; `message` (M) comes back with it. Both eras.
//   echo       answers                         slow       answers after `ms` milliseconds
//   hang       never answers                   midstream  begins an answer, then hangs
//   die        ends (the connection, or all)   half       half an answer, then ends
//   stuck      half an answer, then hangs      garbage    no HTTP, or no JSON, then the answer
//   notjson    an answer that is no JSON       wrongid    answers another request
//   dupid      answers twice                   huge       `size` bytes of text
//   flood      messages until cancelled           status     HTTP status `size`
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "../../bench/gateway/mcpnull.h"

enum { REQUEST = 1 << 20, ANSWER = 1 << 16, WAITING = 4096, TURN_MS = 5 };

static struct {
    const char *note;
    int port;
    bool stdio, deaf, stubborn, fork;
} settings;

// A call under way: where its answer goes, and what it is about.
struct call {
    int fd;
    bool modern;
    char id[128], tool[64], message[4096];
    long ms, size;
    int waiting; // its place among the waiting; stdio only
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    bool used, cancelled;
    char id[128];
} waiting[WAITING];

static void note(const char *what, const char *message)
{
    char line[256];
    int fd = settings.note ? open(settings.note, O_WRONLY | O_APPEND | O_CREAT, 0600) : -1;
    if (fd < 0)
        return;
    int size = snprintf(line, sizeof line, "%s %.64s\n", what, message);
    if (write(fd, line, (size_t)size) < 0)
        perror("note");
    close(fd);
}

static bool put(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = write(fd, data, size);
        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool put_text(int fd, const char *text)
{
    return put(fd, text, strlen(text));
}

// The text of a raw string, or the raw value, cut to `size`.
static void copy_raw(span from, char *into, size_t size)
{
    bool quoted = from.n >= 2 && from.p[0] == '"';
    snprintf(into, size, "%.*s", (int)(quoted ? from.n - 2 : from.n), from.p + quoted);
}

static long number_of(span object, const char *name)
{
    span value;
    return mj_get(object, name, &value) ? strtol(value.p, NULL, 10) : 0;
}

// Whether the message is a tools/call, taken apart into `ret_call`.
static bool read_call(span message, struct call *ret_call)
{
    span method, id, params, name, arguments, text, meta, version;
    if (!mj_get(message, "method", &method) || !mj_is(method, "tools/call") ||
        !mj_get(message, "id", &id) || !mj_get(message, "params", &params) ||
        !mj_get(params, "name", &name))
        return false;
    snprintf(ret_call->id, sizeof ret_call->id, "%.*s", (int)id.n, id.p);
    copy_raw(name, ret_call->tool, sizeof ret_call->tool);
    if (mj_get(params, "arguments", &arguments)) {
        if (mj_get(arguments, "message", &text))
            copy_raw(text, ret_call->message, sizeof ret_call->message);
        ret_call->ms = number_of(arguments, "ms");
        ret_call->size = number_of(arguments, "size");
    }
    ret_call->modern = mj_get(params, "_meta", &meta) &&
                       mj_get(meta, "io.modelcontextprotocol/protocolVersion", &version);
    return true;
}

static bool is(const struct call *call, const char *tool)
{
    return strcmp(call->tool, tool) == 0;
}

// The right answer to a call, without a line end.
static char *make_answer(const struct call *call, const char *id)
{
    size_t size = is(call, "huge") ? (size_t)call->size : 0;
    char *text = malloc(ANSWER + size);
    if (!text)
        abort();
    int head = snprintf(text, ANSWER,
                        "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{%s\"content\":[{\"type\":"
                        "\"text\",\"text\":\"Echo: %s",
                        id, call->modern ? "\"resultType\":\"complete\"," : "", call->message);
    memset(text + head, 'x', size);
    strcpy(text + (size_t)head + size, "\"}]}}");
    return text;
}

// An answer to the list of tools.
static void make_list(span message, char *into, size_t room)
{
    static const char *const tools[] = {"echo",  "slow",  "hang",    "midstream", "die",
                                        "half",  "stuck", "garbage", "notjson",   "wrongid",
                                        "dupid", "huge",  "flood",   "status"};
    span id, params, meta;
    bool modern = mj_get(message, "params", &params) && mj_get(params, "_meta", &meta);
    mj_get(message, "id", &id);
    size_t size = (size_t)snprintf(into, room, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":{%s",
                                   (int)id.n, id.p,
                                   modern ? "\"resultType\":\"complete\",\"ttlMs\":300000,"
                                            "\"cacheScope\":\"public\","
                                          : "");
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
        size += (size_t)snprintf(into + size, room - size,
                                 "%s{\"name\":\"%s\",\"inputSchema\":{\"type\":\"object\"}}",
                                 i ? "," : "\"tools\":[", tools[i]);
    snprintf(into + size, room - size, "]}}");
}

// Everything but a call.
static int plain_answer(span message, char *into, size_t room)
{
    span method, id;
    int status, first;
    if (mj_get(message, "method", &method) && mj_is(method, "tools/list") &&
        mj_get(message, "id", &id)) {
        make_list(message, into, room);
        return 200;
    }
    long size = mcp_answer(message, into, room - 1, &status, &first);
    into[size > 0 ? size : 0] = '\0';
    return status;
}

// --- over HTTP
// -----------------------------------------------------------------------------------

static bool http_put(int fd, int status, const char *body)
{
    char head[256];
    snprintf(
        head, sizeof head,
        "HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        status, strlen(body));
    return put_text(fd, head) && put_text(fd, body);
}

// Waits until the time is over, or for ever; false when the other side has gone meanwhile.
static bool http_wait(int fd, long ms)
{
    for (long waited = 0; ms < 0 || waited < ms; waited += TURN_MS) {
        struct pollfd look = {.fd = fd, .events = POLLRDHUP};
        if (poll(&look, 1, TURN_MS) > 0)
            return false;
    }
    return true;
}

static bool http_stream(const struct call *call)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Connection: close\r\n\r\n";
    static const char event[] =
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
        "\"params\":{\"level\":\"info\",\"data\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}\n\n";
    bool more = put_text(call->fd, head) && put_text(call->fd, event);
    while (more && is(call, "flood"))
        more = put_text(call->fd, event);
    if (more && !http_wait(call->fd, -1))
        note("cancelled", call->message);
    return false;
}

// What the tool's name asks for. False: the connection ends.
static bool http_act(const struct call *call)
{
    bool huge = is(call, "huge");
    char *answer = make_answer(call, is(call, "wrongid") ? "987654321" : call->id);
    char head[256];
    bool stays = true;
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             strlen(answer));
    if (is(call, "echo") || is(call, "wrongid") || huge)
        stays = put_text(call->fd, head) && put_text(call->fd, answer);
    else if (is(call, "slow") || is(call, "hang"))
        stays = http_wait(call->fd, is(call, "hang") ? -1 : call->ms) &&
                http_put(call->fd, 200, answer);
    else if (is(call, "midstream") || is(call, "flood"))
        stays = http_stream(call);
    else if (is(call, "half") || is(call, "stuck"))
        stays = put_text(call->fd, head) && put(call->fd, answer, strlen(answer) / 2) &&
                is(call, "stuck") && http_wait(call->fd, -1);
    else if (is(call, "garbage"))
        stays = put(call->fd, "\0\xff\xfenot HTTP\r\n\r\n", 15);
    else if (is(call, "notjson"))
        stays = http_put(call->fd, 200, "{\"jsonrpc\":\"2.0\",]");
    else if (is(call, "dupid"))
        stays = http_put(call->fd, 200, answer) && http_put(call->fd, 200, answer);
    else if (is(call, "status"))
        stays = http_put(call->fd, (int)call->size, "{}");
    else
        stays = false; // die
    if (is(call, "slow") || is(call, "hang") || is(call, "stuck"))
        note(stays ? "finished" : "cancelled", call->message);
    free(answer);
    return stays;
}

static bool http_request(int fd, char *head, span body)
{
    static const char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
    static const char refused[] = "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n";
    struct call call = {.fd = fd};
    char answer[ANSWER];
    if (strncmp(head, "POST ", 5) != 0)
        return put_text(fd, refused);
    if (memmem(body.p, body.n, "notifications/cancelled", 23))
        note("notice", "cancelled");
    if (read_call(body, &call)) {
        note("started", call.message);
        return http_act(&call);
    }
    int status = plain_answer(body, answer, sizeof answer);
    return status == 202 ? put_text(fd, accepted) : http_put(fd, status, answer);
}

static void *http_serve(void *context)
{
    int fd = (int)(intptr_t)context;
    char *text = malloc(REQUEST);
    size_t size = 0;
    bool stays = text != NULL;
    while (stays) {
        ssize_t got = read(fd, text + size, REQUEST - size - 1);
        if (got <= 0)
            break;
        size += (size_t)got;
        text[size] = '\0';
        for (char *end; stays && (end = strstr(text, "\r\n\r\n"));) {
            const char *length = strcasestr(text, "\r\ncontent-length:");
            size_t head = (size_t)(end + 4 - text);
            size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
            if (size < head + body)
                break;
            stays = http_request(fd, text, (span){text + head, body});
            size -= head + body;
            memmove(text, text + head + body, size + 1);
        }
    }
    free(text);
    close(fd);
    return NULL;
}

static void start_thread(void *(*run)(void *), void *context)
{
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &small, run, context) != 0)
        abort();
    pthread_attr_destroy(&small);
}

static int http_main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_port = htons((in_port_t)settings.port);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(listener, settings.deaf ? 0 : 1024) != 0) {
        perror("bad_upstream");
        return 1;
    }
    socklen_t size = sizeof at;
    getsockname(listener, (struct sockaddr *)&at, &size);
    printf("%u\n", ntohs(at.sin_port));
    fflush(stdout);
    // A full queue of connections that nobody accepts: the system answers no further one.
    for (int i = 0; settings.deaf && i < 4; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fd, (struct sockaddr *)&at, sizeof at);
    }
    while (settings.deaf)
        pause();
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        note("dialled", "");
        start_thread(http_serve, (void *)(intptr_t)fd);
    }
}

// --- over stdio
// -----------------------------------------------------------------------------------

static void put_line(const char *text)
{
    pthread_mutex_lock(&lock);
    put_text(STDOUT_FILENO, text);
    put_text(STDOUT_FILENO, "\n");
    pthread_mutex_unlock(&lock);
}

static void *stdio_wait(void *context)
{
    struct call *call = context;
    bool cancelled = false, late = false;
    for (long waited = 0; !late && !cancelled; waited += TURN_MS) {
        if (is(call, "flood"))
            for (int i = 0; i < 100; i++)
                put_line("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{"
                         "\"level\":\"info\",\"data\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}");
        else
            usleep(TURN_MS * 1000);
        pthread_mutex_lock(&lock);
        cancelled = waiting[call->waiting].cancelled;
        late = is(call, "slow") && waited >= call->ms;
        if (cancelled || late)
            waiting[call->waiting].used = false;
        pthread_mutex_unlock(&lock);
    }
    note(cancelled ? "cancelled" : "finished", call->message);
    if (!cancelled) {
        char *answer = make_answer(call, call->id);
        put_line(answer);
        free(answer);
    }
    free(call);
    return NULL;
}

static void stdio_defer(const struct call *call)
{
    struct call *copy = malloc(sizeof *copy);
    if (!copy)
        abort();
    *copy = *call;
    pthread_mutex_lock(&lock);
    while (waiting[copy->waiting].used && copy->waiting < WAITING - 1)
        copy->waiting++;
    waiting[copy->waiting].used = true;
    waiting[copy->waiting].cancelled = false;
    memcpy(waiting[copy->waiting].id, call->id, sizeof call->id);
    pthread_mutex_unlock(&lock);
    start_thread(stdio_wait, copy);
}

static void stdio_cancel(span message)
{
    span params, id;
    if (!mj_get(message, "params", &params) || !mj_get(params, "requestId", &id))
        return;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < WAITING; i++)
        if (waiting[i].used && strlen(waiting[i].id) == id.n &&
            memcmp(waiting[i].id, id.p, id.n) == 0)
            waiting[i].cancelled = true;
    pthread_mutex_unlock(&lock);
}

static void stdio_act(const struct call *call)
{
    char *answer = make_answer(call, is(call, "wrongid") ? "987654321" : call->id);
    if (is(call, "half") || is(call, "stuck"))
        put(STDOUT_FILENO, answer, strlen(answer) / 2);
    if (is(call, "die") || is(call, "half"))
        _exit(1);
    if (is(call, "slow") || is(call, "hang") || is(call, "midstream") || is(call, "flood"))
        stdio_defer(call);
    else if (is(call, "notjson"))
        put_line("{\"jsonrpc\":\"2.0\",]");
    else if (!is(call, "stuck")) {
        if (is(call, "garbage"))
            put_line("\x01 no JSON \xff\xfe");
        put_line(answer);
        if (is(call, "dupid"))
            put_line(answer);
    }
    free(answer);
}

static void stdio_message(span message)
{
    struct call call = {.fd = STDOUT_FILENO};
    char answer[ANSWER];
    span method;
    if (mj_get(message, "method", &method) && mj_is(method, "notifications/cancelled"))
        stdio_cancel(message);
    if (read_call(message, &call)) {
        note("started", call.message);
        stdio_act(&call);
    } else if (plain_answer(message, answer, sizeof answer) != 202 && answer[0]) {
        put_line(answer);
    }
}

// A grandchild that nobody waits for.
static void leave_grandchild(void)
{
    if (fork() != 0)
        return;
    setsid();
    if (fork() != 0)
        _exit(0);
    signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
}

static int stdio_main(void)
{
    char *line = NULL;
    size_t room = 0;
    if (settings.fork)
        leave_grandchild();
    if (settings.stubborn)
        signal(SIGTERM, SIG_IGN);
    for (ssize_t size; (size = getline(&line, &room, stdin)) > 0;)
        stdio_message((span){line, (size_t)size - (line[size - 1] == '\n')});
    free(line);
    while (settings.stubborn)
        pause();
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--http") == 0 && i + 1 < argc)
            settings.port = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--note") == 0 && i + 1 < argc)
            settings.note = argv[++i];
        else if (strcmp(argv[i], "--tag") == 0 && i + 1 < argc)
            i++;
        else if (strcmp(argv[i], "--stdio") == 0)
            settings.stdio = true;
        else if (strcmp(argv[i], "--deaf") == 0)
            settings.deaf = true;
        else if (strcmp(argv[i], "--stubborn") == 0)
            settings.stubborn = true;
        else if (strcmp(argv[i], "--fork") == 0)
            settings.fork = true;
        else
            return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    return settings.stdio ? stdio_main() : http_main();
}
