// mcpsess: opens N sessions (initialize, initialized, a call, a GET stream) and holds them.
//
//   mcpsess -u http://127.0.0.1:PORT/PATH -n sessions [-t seconds] [-H 'Name: value']... [-G]
//
//   -G  no GET streams
//
// One JSON line when all are open; then it holds them for -t seconds and ends.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static char host[256] = "127.0.0.1", path[512] = "/mcp", hdrs[2048];
static int port, nget = 1;
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static int dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    inet_pton(AF_INET, host, &a.sin_addr);
    int f = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(f, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct timeval tv = {20, 0};
    setsockopt(f, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    if (connect(f, (void *)&a, sizeof a)) {
        perror("connect");
        exit(1);
    }
    return f;
}
/* sends, reads head and (unless stream) the whole body; returns status, copies head */
static int rt(int f, const char *meth, const char *sid, const char *body, char *head, size_t hc,
              int stream)
{
    char q[4096];
    int n = snprintf(q, sizeof q, "%s %s HTTP/1.1\r\nHost: %s:%d\r\n%s%s%s%s%s", meth, path, host,
                     port, hdrs, sid[0] ? "Mcp-Session-Id: " : "", sid,
                     sid[0] ? "\r\nMCP-Protocol-Version: 2025-11-25\r\n" : "", "");
    if (body)
        n += snprintf(q + n, sizeof q - (size_t)n,
                      "Content-Type: application/json\r\nAccept: application/json, "
                      "text/event-stream\r\nContent-Length: %zu\r\n\r\n%s",
                      strlen(body), body);
    else
        n += snprintf(q + n, sizeof q - (size_t)n, "Accept: text/event-stream\r\n\r\n");
    if (write(f, q, (size_t)n) != n)
        return -1;
    static char b[1 << 20];
    size_t l = 0;
    char *e = NULL;
    while (!e) {
        ssize_t r = read(f, b + l, sizeof b - l - 1);
        if (r <= 0)
            return -1;
        l += (size_t)r;
        b[l] = 0;
        e = strstr(b, "\r\n\r\n");
    }
    size_t hl = (size_t)(e + 4 - b);
    if (hl >= hc)
        hl = hc - 1;
    memcpy(head, b, hl);
    head[hl] = 0;
    hl = (size_t)(e + 4 - b);
    int st = atoi(b + 9);
    if (stream && st == 200)
        return st;
    char *cl = strcasestr(head, "\ncontent-length:");
    if (cl) {
        size_t want = hl + strtoul(cl + 16, NULL, 10);
        while (l < want && l < sizeof b - 1) {
            ssize_t r = read(f, b + l, sizeof b - l - 1);
            if (r <= 0)
                return -1;
            l += (size_t)r;
        }
    } else if (strcasestr(head, "\ntransfer-encoding:"))
        while (l < 5 || memcmp(b + l - 5, "0\r\n\r\n", 5)) {
            ssize_t r = read(f, b + l, sizeof b - l - 1);
            if (r <= 0)
                return -1;
            l += (size_t)r;
        }
    return st;
}
int main(int argc, char **argv)
{
    int o, n = 100, t = 5;
    while ((o = getopt(argc, argv, "u:n:t:H:G")) != -1)
        switch (o) {
        case 'u':
            if (sscanf(optarg, "http://%255[^:/]:%d%511s", host, &port, path) < 2)
                return 2;
            if (!strcmp(host, "localhost"))
                strcpy(host, "127.0.0.1");
            break;
        case 'n':
            n = atoi(optarg);
            break;
        case 't':
            t = atoi(optarg);
            break;
        case 'H':
            strcat(hdrs, optarg);
            strcat(hdrs, "\r\n");
            break;
        case 'G':
            nget = 0;
            break;
        default:
            return 2;
        }
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    char(*sid)[256] = calloc((size_t)n, 256);
    char head[8192];
    int ok = 0, gets = 0, bad = 0;
    double t0 = now();
    int f = dial();
    for (int i = 0; i < n; i++) {
        int st = rt(f, "POST", "",
                    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
                    "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{"
                    "\"name\":\"mcpsess\",\"version\":\"1\"}}}",
                    head, sizeof head, 0);
        if (st != 200) {
            if (!bad)
                fprintf(stderr, "initialize: status %d\n", st);
            bad++;
            close(f);
            f = dial();
            continue;
        }
        char *s = strcasestr(head, "\nmcp-session-id:");
        if (s) {
            s += 16;
            while (*s == ' ')
                s++;
            size_t l = strcspn(s, "\r\n");
            if (l < 256)
                memcpy(sid[i], s, l);
        }
        st = rt(f, "POST", sid[i], "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
                head, sizeof head, 0);
        if (st / 100 != 2)
            bad++;
        st = rt(f, "POST", sid[i],
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
                "call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"message\":\"x\"}}}",
                head, sizeof head, 0);
        if (st != 200)
            bad++;
        else
            ok++;
        if (nget) {
            int g = dial();
            st = rt(g, "GET", sid[i], NULL, head, sizeof head, 1);
            if (st == 200)
                gets++;
            else
                close(g);
        }
    }
    double t1 = now();
    printf("{\"sessions\":%d,\"ok\":%d,\"streams\":%d,\"bad\":%d,\"secs\":%.2f,\"sessions_per_s\":%"
           ".1f}\n",
           n, ok, gets, bad, t1 - t0, n / (t1 - t0));
    fflush(stdout);
    sleep((unsigned)t);
    return 0;
}
