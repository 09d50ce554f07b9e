// mcpload: closed-loop load on an MCP server over streamable HTTP (epoll, keep-alive).
//
//   mcpload -u http://127.0.0.1:PORT/PATH [-c connections] [-d seconds] [-w seconds of warming up]
//           [-m legacy|modern|bare] [-H 'Name: value']... [-T tool] [-M message] [-P version]
//           [-1] [-L] [-o] [-v]
//
//   -m legacy  per connection: initialize (2025-11-25 or -P), notifications/initialized, then
//              tools/call in a loop, with Mcp-Session-Id when one was given; DELETE at the end
//   -m modern  2026-07-28: no handshake; its headers and _meta on each call
//   -m bare    tools/call only, no handshake, no session
//   -m rest    POST -B BODY as it is, with each %M in it a unique message that must come back
//   -L         tools/list instead of tools/call
//   -1         one session for all connections
//   -o         a new connection for each request
//
// Each answer is checked: HTTP 200, our id, the echoed message. One JSON line on stdout; status 3
// when an answer was wrong.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
enum { ST_INIT, ST_NOTE, ST_CALL, ST_IDLE };
typedef struct {
    int fd, st, conn;
    unsigned id;
    char *in;
    size_t n, cap;
    char req[8192];
    size_t rn, ro;
    double t0;
    char sid[256];
} C;
static int listmode;
static int nc = 1, secs = 3, mode, shared, verbose, oneshot;
static double warm = 0.5;
static char host[256] = "127.0.0.1", path[512] = "/mcp", hdrs[4096];
static int port;
static const char *tool = "echo", *message = "hello", *ver = "2025-11-25", *restbody = "";
static char ssid[256];
static int ssid_ok;
static unsigned long okbytes, ok, bad, total_ok;
static char lasterr[400];
static double tstart, tend;
static int ep;
static C *cs;
#define NB 40000
static unsigned int hist[NB];
static double maxl;
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static int bucket(double us)
{ /* 1us to 1ms linear, then 2.5% log steps */
    if (us < 1000)
        return (int)us;
    double x = us;
    int b = 1000;
    static double *tab;
    static int nt;
    if (!tab) {
        tab = malloc(sizeof *tab * 1000);
        double v = 1000;
        while (v < 1e9) {
            tab[nt++] = v;
            v *= 1.01;
            if (nt >= 1000)
                break;
        }
    }
    int lo = 0, hi = nt - 1;
    while (lo < hi) {
        int m = (lo + hi + 1) / 2;
        if (tab[m] <= x)
            lo = m;
        else
            hi = m - 1;
    }
    return b + lo;
}
static double bval(int b)
{
    if (b < 1000)
        return b + .5;
    double v = 1000;
    for (int i = 1000; i < b; i++)
        v *= 1.01;
    return v;
}
static double pct(double p)
{
    unsigned long s = 0, t = (unsigned long)(p * (double)ok);
    for (int i = 0; i < NB; i++) {
        s += hist[i];
        if (s > t)
            return bval(i);
    }
    return maxl;
}
static void fail(const char *w, C *c)
{
    bad++;
    snprintf(lasterr, sizeof lasterr, "%s: %.*s", w, (int)(c->n < 300 ? c->n : 300), c->in);
    if (verbose)
        fprintf(stderr, "%s\n", lasterr);
}
static void dial(C *c)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    inet_pton(AF_INET, host, &a.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (void *)&a, sizeof a)) {
        perror("connect");
        exit(1);
    }
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
    c->n = 0;
}
static void send_(C *c, const char *m, const char *name, const char *body)
{
    char extra[1024] = "";
    size_t e = 0;
    const char *sid = shared ? ssid : c->sid;
    if (mode == 1)
        e += (size_t)snprintf(extra + e, sizeof extra - e,
                              "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: %s\r\n%s%s%s", m,
                              name ? "Mcp-Name: " : "", name ? name : "", name ? "\r\n" : "");
    else if (c->st != ST_INIT && mode == 0)
        e += (size_t)snprintf(extra + e, sizeof extra - e, "MCP-Protocol-Version: %s\r\n", ver);
    if (sid[0] && c->st != ST_INIT)
        e += (size_t)snprintf(extra + e, sizeof extra - e, "Mcp-Session-Id: %s\r\n", sid);
    c->rn = (size_t)snprintf(
        c->req, sizeof c->req,
        "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\nAccept: "
        "application/json, text/event-stream\r\n%s%s%sContent-Length: %zu\r\n\r\n%s",
        path, host, port, extra, hdrs, oneshot ? "Connection: close\r\n" : "", strlen(body), body);
    c->t0 = now();
    if (c->fd < 0)
        dial(c);
    size_t o = 0;
    while (o < c->rn) {
        ssize_t w = write(c->fd, c->req + o, c->rn - o);
        if (w < 0) {
            if (errno == EINTR)
                continue;
            fail("write", c);
            break;
        }
        o += (size_t)w;
    }
}
static void next(C *c)
{
    char b[4096];
    if (c->st == ST_INIT) {
        snprintf(b, sizeof b,
                 "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
                 "\"protocolVersion\":\"%s\",\"capabilities\":{},\"clientInfo\":{\"name\":"
                 "\"mcpload\",\"version\":\"1\"}}}",
                 ver);
        send_(c, "initialize", NULL, b);
    } else if (c->st == ST_NOTE)
        send_(c, "notifications/initialized", NULL,
              "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    else if (mode == 3) {
        char u[64];
        c->id++;
        snprintf(u, sizeof u, "%s-%d-%u", message, c->conn, c->id);
        size_t n = 0;
        for (const char *p = restbody; *p && n < sizeof b - 80; p++) {
            if (p[0] == '%' && p[1] == 'M') {
                n += (size_t)sprintf(b + n, "%s", u);
                p++;
            } else
                b[n++] = *p;
        }
        b[n] = 0;
        send_(c, "x", NULL, b);
    } else {
        c->id++;
        const char *meta = mode == 1 ? ",\"_meta\":{\"io.modelcontextprotocol/"
                                       "protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/"
                                       "clientInfo\":{\"name\":\"mcpload\",\"version\":\"1\"},\"io."
                                       "modelcontextprotocol/clientCapabilities\":{}}"
                                     : "";
        snprintf(b, sizeof b,
                 "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/"
                 "call\",\"params\":{\"name\":\"%s\",\"arguments\":{\"message\":\"%s-%d-%u\"}%s}}",
                 c->id, tool, message, c->conn, c->id, meta);
        if (listmode) {
            snprintf(b, sizeof b,
                     "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tools/list\",\"params\":{%s}}",
                     c->id, meta[0] ? meta + 1 : "");
            send_(c, "tools/list", NULL, b);
        } else
            send_(c, "tools/call", tool, b);
    }
}
static char *hfind(C *c, size_t hl, const char *name)
{
    char *h = c->in, *e = c->in + hl;
    size_t nl = strlen(name);
    while (h < e) {
        char *x = memmem(h, (size_t)(e - h), "\r\n", 2);
        if (!x)
            break;
        if ((size_t)(x - h) > nl && h[nl] == ':' && !strncasecmp(h, name, nl)) {
            h += nl + 1;
            while (*h == ' ')
                h++;
            return h;
        }
        h = x + 2;
    }
    return NULL;
}
/* 1 = complete response in c->in[0..*used) with body at *bo len *bn (dechunked in place) */
static int complete(C *c, int eof, size_t *used, char **bo, size_t *bn, int *st, size_t *hlen)
{
    char *he = memmem(c->in, c->n, "\r\n\r\n", 4);
    if (!he)
        return 0;
    size_t hl = (size_t)(he + 4 - c->in);
    *hlen = hl;
    *st = atoi(c->in + 9);
    char *v;
    if (*st == 204 || *st == 202) {
        v = hfind(c, hl, "content-length");
        size_t l = v ? strtoul(v, NULL, 10) : 0;
        if (!v && hfind(c, hl, "transfer-encoding"))
            goto chunked;
        if (c->n < hl + l)
            return 0;
        *used = hl + l;
        *bo = c->in + hl;
        *bn = l;
        return 1;
    }
    if ((v = hfind(c, hl, "content-length"))) {
        size_t l = strtoul(v, NULL, 10);
        if (c->n < hl + l)
            return 0;
        *used = hl + l;
        *bo = c->in + hl;
        *bn = l;
        return 1;
    }
    if (hfind(c, hl, "transfer-encoding")) {
    chunked:;
        size_t p = hl;
        for (;;) {
            char *nl = memmem(c->in + p, c->n - p, "\r\n", 2);
            if (!nl)
                return 0;
            size_t l = strtoul(c->in + p, NULL, 16);
            p = (size_t)(nl + 2 - c->in);
            if (p + l + 2 > c->n)
                return 0;
            p += l + 2;
            if (!l)
                break;
        }
        *used = p;
        p = hl;
        size_t w = hl;
        for (;;) {
            char *nl = memmem(c->in + p, c->n - p, "\r\n", 2);
            size_t l = strtoul(c->in + p, NULL, 16);
            p = (size_t)(nl + 2 - c->in);
            if (!l)
                break;
            memmove(c->in + w, c->in + p, l);
            w += l;
            p += l + 2;
        }
        *bo = c->in + hl;
        *bn = w - hl;
        return 1;
    }
    if (eof) {
        *used = c->n;
        *bo = c->in + hl;
        *bn = c->n - hl;
        return 1;
    }
    return 0;
}
static void start_calls(void)
{
    for (int i = 0; i < nc; i++)
        if (cs[i].st == ST_IDLE) {
            cs[i].st = ST_CALL;
            next(&cs[i]);
        }
}
// Ends the session, so that rounds do not add up to the limit of sessions.
static void end_session(C *c, const char *sid)
{
    char text[6000], answer[1024];
    struct timeval limit = {.tv_sec = 1};
    int size = snprintf(text, sizeof text,
                        "DELETE %s HTTP/1.1\r\nHost: %s:%d\r\n%sMcp-Session-Id: %s\r\n"
                        "MCP-Protocol-Version: %s\r\n\r\n",
                        path, host, port, hdrs, sid, ver);
    if (c->fd < 0)
        dial(c);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (write(c->fd, text, (size_t)size) == size && read(c->fd, answer, sizeof answer) <= 0)
        fprintf(stderr, "DELETE: no answer\n");
    close(c->fd);
    c->fd = -1;
}
static void handle(C *c, char *b, size_t n, int st, size_t hl)
{
    double t = now();
    if (c->st == ST_INIT) {
        if (st != 200) {
            fail("initialize", c);
            fprintf(stderr, "%s\n", lasterr);
            exit(1);
        }
        char *v = hfind(c, hl, "mcp-session-id");
        if (v) {
            size_t l = strcspn(v, "\r\n");
            if (l > 255)
                l = 255;
            memcpy(c->sid, v, l);
            c->sid[l] = 0;
            if (shared)
                strcpy(ssid, c->sid);
        }
        c->st = ST_NOTE;
        return;
    }
    if (c->st == ST_NOTE) {
        if (st / 100 != 2) {
            fail("initialized", c);
            fprintf(stderr, "%s\n", lasterr);
        }
        c->st = ST_CALL;
        if (shared && !ssid_ok) {
            ssid_ok = 1;
            start_calls();
        }
        return;
    }
    char want[128];
    int good = st == 200;
    if (listmode)
        strcpy(want, "\"tools\":[");
    else
        snprintf(want, sizeof want, "%s-%d-%u", message, c->conn, c->id);
    if (good && !memmem(b, n, want, strlen(want)))
        good = 0;
    if (good && mode != 3) {
        snprintf(want, sizeof want, "\"id\":%u", c->id);
        if (!memmem(b, n, want, strlen(want)))
            good = 0;
    }
    if (!good) {
        fail("bad answer", c);
        if (bad > 1000 && !ok) {
            fprintf(stderr, "giving up: %s\n", lasterr);
            exit(1);
        }
    } else {
        total_ok++;
        if (t >= tstart && t <= tend) {
            double us = (t - c->t0) * 1e6;
            ok++;
            okbytes += n;
            hist[bucket(us)]++;
            if (us > maxl)
                maxl = us;
        }
    }
}
int main(int argc, char **argv)
{
    int o;
    while ((o = getopt(argc, argv, "u:c:d:w:m:H:T:M:1voP:B:L")) != -1)
        switch (o) {
        case 'u':
            if (sscanf(optarg, "http://%255[^:/]:%d%511s", host, &port, path) < 2)
                return 2;
            if (!strcmp(host, "localhost"))
                strcpy(host, "127.0.0.1");
            break;
        case 'c':
            nc = atoi(optarg);
            break;
        case 'd':
            secs = atoi(optarg);
            break;
        case 'w':
            warm = atof(optarg);
            break;
        case 'm':
            mode = !strcmp(optarg, "modern") ? 1
                   : !strcmp(optarg, "bare") ? 2
                   : !strcmp(optarg, "rest") ? 3
                                             : 0;
            break;
        case 'B':
            restbody = optarg;
            break;
        case 'H':
            strcat(hdrs, optarg);
            strcat(hdrs, "\r\n");
            break;
        case 'T':
            tool = optarg;
            break;
        case 'M':
            message = optarg;
            break;
        case '1':
            shared = 1;
            break;
        case 'L':
            listmode = 1;
            break;
        case 'v':
            verbose = 1;
            break;
        case 'o':
            oneshot = 1;
            break;
        case 'P':
            ver = optarg;
            break;
        default:
            return 2;
        }
    ep = epoll_create1(0);
    cs = calloc((size_t)nc, sizeof *cs);
    tstart = now() + 1e9;
    tend = tstart;
    for (int i = 0; i < nc; i++) {
        C *c = &cs[i];
        c->conn = i;
        c->fd = -1;
        c->cap = 65536;
        c->in = malloc(c->cap);
    }
    for (int i = 0; i < nc; i++) {
        C *c = &cs[i];
        c->st = mode ? ST_CALL : (shared && i) ? ST_IDLE : ST_INIT;
        if (c->st != ST_IDLE)
            next(c);
    }
    tstart = now() + warm;
    tend = tstart + secs;
    struct epoll_event evs[512];
    int done = 0;
    double hard = tend + 15;
    int busy = nc;
    while (!done) {
        int k = epoll_wait(ep, evs, 512, 100);
        double t = now();
        if (t > hard)
            break;
        if (k == 0 && t > tend + 2)
            break;
        for (int i = 0; i < k; i++) {
            C *c = evs[i].data.ptr;
            if (c->n + 65536 > c->cap) {
                c->cap *= 2;
                c->in = realloc(c->in, c->cap);
            }
            ssize_t r = read(c->fd, c->in + c->n, c->cap - c->n);
            int eof = r <= 0;
            if (r > 0)
                c->n += (size_t)r;
            size_t used, bn, hl;
            char *b;
            int st;
            if (complete(c, eof, &used, &b, &bn, &st, &hl)) {
                char *cl = hfind(c, hl, "connection");
                int close_after = eof || oneshot || (cl && !strncasecmp(cl, "close", 5));
                handle(c, b, bn, st, hl);
                memmove(c->in, c->in + used, c->n - used);
                c->n -= used;
                if (close_after) {
                    close(c->fd);
                    c->fd = -1;
                    c->n = 0;
                }
                if (now() > tend) {
                    busy--;
                    if (c->fd >= 0) {
                        close(c->fd);
                        c->fd = -1;
                    }
                    if (busy <= 0)
                        done = 1;
                } else if (c->st != ST_IDLE)
                    next(c);
            } else if (eof) {
                close(c->fd);
                c->fd = -1;
                fail("eof", c);
                c->n = 0;
                if (now() > tend) {
                    if (--busy <= 0)
                        done = 1;
                } else
                    next(c);
            }
        }
    }
    for (int i = 0; mode == 0 && i < (shared ? 1 : nc); i++)
        if (cs[i].sid[0])
            end_session(&cs[i], cs[i].sid);
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    printf("{\"url\":\"http://"
           "%s:%d%s\",\"mode\":\"%s\",\"conns\":%d,\"secs\":%d,\"ok\":%lu,\"MBps\":%.2f,\"total_"
           "ok\":%lu,\"bad\":%lu,\"rps\":%.1f,\"p50_us\":%.0f,\"p90_us\":%.0f,\"p99_us\":%.0f,"
           "\"p999_us\":%.0f,\"max_us\":%.0f,\"load_cpu_s\":%.2f}\n",
           host, port, path,
           mode == 1   ? "modern"
           : mode == 3 ? "rest"
           : mode      ? "bare"
                       : "legacy",
           nc, secs, ok, (double)okbytes / secs / 1e6, total_ok, bad, (double)ok / secs, pct(.5),
           pct(.9), pct(.99), pct(.999), maxl,
           (double)ru.ru_utime.tv_sec + (double)ru.ru_utime.tv_usec / 1e6 +
               (double)ru.ru_stime.tv_sec + (double)ru.ru_stime.tv_usec / 1e6);
    if (bad)
        fprintf(stderr, "bad=%lu last: %s\n", bad, lasterr);
    return bad ? 3 : 0;
}
