#pragma once
/*
 * A small blocking MCP client over HTTP for tests: one connection, kept alive, with time limits.
 * Requests are of 2026-07-28 (client_call) or whatever the caller writes (client_send). An answer's
 * body comes whole, chunks joined; a stream of events is text like any other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLIENT_HEAD = 4096 };

struct where {
    in_port_t port;
    char path[256]; /* such as /mcp/null */
};

struct client {
    int fd;
    char *text; /* the answer, NUL at the end */
    size_t size, room;
};

struct answer {
    int status; /* of HTTP */
    char *body; /* within the client's text; until the next request */
    size_t size;
    char session[256];
    bool closing; /* the connection ends with this answer */
};

static inline int64_t now_us(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

/* `http://127.0.0.1:PORT/PATH` */
static inline bool where_read(const char *url, struct where *where)
{
    unsigned port;
    if (sscanf(url, "http://127.0.0.1:%u%255s", &port, where->path) != 2)
        return false;
    where->port = (in_port_t)port;
    return true;
}

static inline void client_close(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    client->size = 0;
}

static inline void client_done(struct client *client)
{
    client_close(client);
    free(client->text);
    *client = (struct client){.fd = -1};
}

static inline bool client_open(struct client *client, const struct where *where)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    client_close(client);
    at.sin_port = htons(where->port);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&at, sizeof at) != 0) {
        client_close(client);
        return false;
    }
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

static inline bool client_write(struct client *client, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(client->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* `headers` are whole lines, each with its CRLF. */
static inline bool client_send(struct client *client, const struct where *where, const char *method,
                               const char *headers, const char *body)
{
    char head[CLIENT_HEAD];
    int size = snprintf(head, sizeof head,
                        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s"
                        "Content-Type: application/json\r\n"
                        "Accept: application/json, text/event-stream\r\n",
                        method, where->path, where->port, headers);
    if (body)
        size += snprintf(head + size, sizeof head - (size_t)size, "Content-Length: %zu\r\n",
                         strlen(body));
    size += snprintf(head + size, sizeof head - (size_t)size, "\r\n");
    client->size = 0;
    return client_write(client, head, (size_t)size) &&
           (!body || client_write(client, body, strlen(body)));
}

/* Reads more; 1 when some came, 0 when the time was over, -1 at the end of the connection. */
static inline int client_more(struct client *client, int64_t until)
{
    int64_t left = until - now_us();
    struct pollfd wait = {.fd = client->fd, .events = POLLIN};
    if (client->size + 65536 > client->room) {
        client->room = client->room ? 2 * client->room : 131072;
        client->text = realloc(client->text, client->room);
        if (!client->text)
            abort();
    }
    if (poll(&wait, 1, left > 0 ? (int)(left / 1000) + 1 : 0) == 0)
        return 0;
    ssize_t got = recv(client->fd, client->text + client->size, client->room - client->size - 1, 0);
    if (got <= 0)
        return -1;
    client->size += (size_t)got;
    client->text[client->size] = '\0';
    return 1;
}

/* The value of a header in the head that ends at `end`; NULL when there is none. */
static inline const char *head_find(const char *head, const char *end, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line && line < end; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " ");
    }
    return NULL;
}

/* Joins the chunks in place. 1: whole, 0: more is needed. */
static inline int join_chunks(struct client *client, size_t from, struct answer *answer)
{
    size_t at = from, joined = 0;
    for (int pass = 0; pass < 2; pass++) {
        at = from;
        for (;;) {
            char *line = client->text + at;
            char *end = at < client->size ? strstr(line, "\r\n") : NULL;
            if (!end)
                return 0;
            size_t size = strtoul(line, NULL, 16);
            at = (size_t)(end + 2 - client->text);
            if (at + size + 2 > client->size)
                return 0;
            if (pass == 1)
                memmove(client->text + from + joined, client->text + at, size);
            joined += pass == 1 ? size : 0;
            at += size + 2;
            if (size == 0)
                break;
        }
    }
    answer->body = client->text + from;
    answer->size = joined;
    answer->body[joined] = '\0';
    return 1;
}

/* 1: the answer is whole; 0: the time was over (`ret_answer` may have the status); -1: the
   connection ended before. */
static inline int client_read(struct client *client, int milliseconds, struct answer *ret_answer)
{
    int64_t until = now_us() + (int64_t)milliseconds * 1000;
    *ret_answer = (struct answer){.body = NULL};
    for (;;) {
        int more = client_more(client, until);
        char *end = client->size > 0 ? strstr(client->text, "\r\n\r\n") : NULL;
        if (end) {
            size_t head = (size_t)(end + 4 - client->text);
            const char *value = head_find(client->text, end, "mcp-session-id");
            const char *length = head_find(client->text, end, "content-length");
            const char *connection = head_find(client->text, end, "connection");
            ret_answer->status = (int)strtol(client->text + 9, NULL, 10);
            ret_answer->closing = connection && strncasecmp(connection, "close", 5) == 0;
            if (value)
                snprintf(ret_answer->session, sizeof ret_answer->session, "%.*s",
                         (int)strcspn(value, "\r\n"), value);
            ret_answer->body = end + 4;
            if (length && client->size >= head + strtoul(length, NULL, 10)) {
                ret_answer->size = strtoul(length, NULL, 10);
                return 1;
            }
            if (!length && head_find(client->text, end, "transfer-encoding")) {
                if (join_chunks(client, head, ret_answer))
                    return 1;
            } else if (!length) {
                return 1;
            }
        }
        if (more <= 0)
            return more;
    }
}

/* The status of an answer whose body never ends; 0 when none came. */
static inline int client_head(struct client *client, int milliseconds)
{
    int64_t until = now_us() + (int64_t)milliseconds * 1000;
    while (client_more(client, until) > 0)
        if (strstr(client->text, "\r\n\r\n"))
            return (int)strtol(client->text + 9, NULL, 10);
    return 0;
}

/* Waits for the end of a stream; what comes before is thrown away, but for what may be the
 * beginning of the last chunk. 1: it has ended as it should; -1: the connection has, without; 0:
 * neither. */
static inline int client_ended(struct client *client, int milliseconds)
{
    static const char last[] = "0\r\n\r\n"; /* the chunk that ends a body */
    enum { LAST = sizeof last - 1 };
    int64_t until = now_us() + (int64_t)milliseconds * 1000;
    int more = 1;
    while (more > 0) {
        size_t kept = client->size < LAST ? client->size : LAST;
        if (kept > 0)
            memmove(client->text, client->text + client->size - kept, kept);
        client->size = kept;
        if (kept == LAST && memcmp(client->text, last, LAST) == 0)
            return 1;
        more = client_more(client, until);
    }
    return more;
}

/* A call of a tool of 2026-07-28. `arguments` is JSON. */
static inline bool client_call(struct client *client, const struct where *where, const char *key,
                               const char *id, const char *tool, const char *arguments)
{
    char headers[1024];
    size_t room = strlen(arguments) + 1024;
    char *body = malloc(room);
    if (!body)
        abort();
    snprintf(headers, sizeof headers,
             "Authorization: Bearer %s\r\nMCP-Protocol-Version: 2026-07-28\r\n"
             "Mcp-Method: tools/call\r\nMcp-Name: %s\r\n",
             key, tool);
    snprintf(body, room,
             "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
             "\"arguments\":%s,\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"
             "\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"test\","
             "\"version\":\"1\"},\"io.modelcontextprotocol/clientCapabilities\":{}}}}",
             id, tool, arguments);
    bool sent = client_send(client, where, "POST", headers, body);
    free(body);
    return sent;
}

/* Asks for a stream of 2026-07-28 that tells when the tools change; its head is not read yet. */
static inline bool client_listen(struct client *client, const struct where *where, const char *key)
{
    char headers[1024];
    snprintf(headers, sizeof headers,
             "Authorization: Bearer %s\r\nMCP-Protocol-Version: 2026-07-28\r\n"
             "Mcp-Method: subscriptions/listen\r\n",
             key);
    return client_send(
        client, where, "POST", headers,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\",\"params\":{"
        "\"notifications\":{\"toolsListChanged\":true},"
        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"test\",\"version\":\"1\"},"
        "\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
}

/* Opens a session of 2025-11-25; its id in `session`. */
static inline bool client_session(struct client *client, const struct where *where, const char *key,
                                  char session[256])
{
    char headers[1024];
    struct answer answer;
    snprintf(headers, sizeof headers, "Authorization: Bearer %s\r\n", key);
    if (!client_send(client, where, "POST", headers,
                     "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
                     "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{"
                     "\"name\":\"test\",\"version\":\"1\"}}}") ||
        client_read(client, 20000, &answer) != 1 || answer.status != 200 || !answer.session[0])
        return false;
    snprintf(session, 256, "%s", answer.session);
    snprintf(headers, sizeof headers,
             "Authorization: Bearer %s\r\nMcp-Session-Id: %s\r\n"
             "MCP-Protocol-Version: 2025-11-25\r\n",
             key, session);
    return client_send(client, where, "POST", headers,
                       "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}") &&
           client_read(client, 20000, &answer) == 1 && answer.status == 202;
}

/* Opens a session of 2025-11-25 and asks for its stream; the head of that is not read yet. */
static inline bool client_stream(struct client *client, const struct where *where, const char *key)
{
    char session[256], headers[1024];
    if (!client_session(client, where, key, session))
        return false;
    snprintf(headers, sizeof headers,
             "Authorization: Bearer %s\r\nMcp-Session-Id: %s\r\n"
             "MCP-Protocol-Version: 2025-11-25\r\n",
             key, session);
    return client_send(client, where, "GET", headers, NULL);
}
