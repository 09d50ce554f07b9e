// nullup: an MCP server over streamable HTTP that does no work: epoll, keep-alive.
//
//   nullup -p PORT [-t threads] [-m json|sse] [-s] [-k KEY] [-n tools] [-b bytes] [-g]
//
//   -m sse  answers as one event in a chunked stream, else as JSON
//   -s      sessions of the legacy era: an id from initialize, 400 without it, 404 if unknown
//   -k KEY  wants "Authorization: Bearer KEY"
//   -n N    tools in the list; the first one is `echo`
//   -b N    so many bytes more in each result
//   -g      answers GET with an idle stream, else with 405
#include "mcpnull.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
static int port = 4001, threads = 1, sse, stateful, getstream;
static const char *key;
static unsigned long sess_seq;
typedef struct {
    int fd;
    char *in;
    size_t n, cap;
    char *out;
    size_t on, ooff, ocap;
    int closing, hold;
} conn;
static __thread char *tmp;
static size_t tmpcap;
static void out_add(conn *c, const char *b, size_t n)
{
    if (c->on + n > c->ocap) {
        while (c->on + n > c->ocap)
            c->ocap = c->ocap ? c->ocap * 2 : 8192;
        c->out = realloc(c->out, c->ocap);
        if (!c->out)
            abort();
    }
    memcpy(c->out + c->on, b, n);
    c->on += n;
}
static void out_s(conn *c, const char *s)
{
    out_add(c, s, strlen(s));
}
static int hdr(const char *h, const char *e, const char *name, span *v)
{
    size_t nl = strlen(name);
    while (h < e) {
        const char *nx = memmem(h, (size_t)(e - h), "\r\n", 2);
        if (!nx)
            nx = e;
        if ((size_t)(nx - h) > nl && h[nl] == ':' && !strncasecmp(h, name, nl)) {
            const char *p = h + nl + 1;
            while (p < nx && (*p == ' ' || *p == '\t'))
                p++;
            v->p = p;
            v->n = (size_t)(nx - p);
            return 1;
        }
        h = nx + 2;
    }
    return 0;
}
static void reply(conn *c, int st, const char *extra, const char *ct, const char *b, size_t n)
{
    const char *rs = st == 200   ? "OK"
                     : st == 202 ? "Accepted"
                     : st == 404 ? "Not Found"
                     : st == 405 ? "Method Not Allowed"
                     : st == 401 ? "Unauthorized"
                                 : "Bad Request";
    char h[512];
    if (ct)
        snprintf(h, sizeof h, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s\r\n",
                 st, rs, ct, n, extra);
    else
        snprintf(h, sizeof h, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\n%s\r\n", st, rs, extra);
    out_s(c, h);
    if (ct)
        out_add(c, b, n);
}
/* returns bytes consumed, 0 = need more, -1 = close */
static long one(conn *c, char *b, size_t n)
{
    char *he = memmem(b, n, "\r\n\r\n", 4);
    if (!he)
        return n > 65536 ? -1 : 0;
    char *hs = memmem(b, n, "\r\n", 2);
    hs += 2;
    size_t hl = (size_t)(he + 4 - b), bl = 0, used;
    span v, body;
    if (hdr(hs, he, "transfer-encoding", &v)) { /* decode chunked in place */
        size_t rp = hl, wp = hl;
        for (;;) {
            char *nl = memmem(b + rp, n - rp, "\r\n", 2);
            if (!nl)
                return 0;
            size_t cl = strtoul(b + rp, NULL, 16);
            rp = (size_t)(nl + 2 - b);
            if (rp + cl + 2 > n)
                return 0; /* NB: in-place decode only once whole */
            if (!cl) {
                rp += 2;
                break;
            }
            rp += cl + 2;
        }
        used = rp;
        rp = hl;
        for (;;) {
            char *nl = memmem(b + rp, n - rp, "\r\n", 2);
            size_t cl = strtoul(b + rp, NULL, 16);
            rp = (size_t)(nl + 2 - b);
            if (!cl)
                break;
            memmove(b + wp, b + rp, cl);
            wp += cl;
            rp += cl + 2;
        }
        body.p = b + hl;
        body.n = wp - hl;
    } else {
        if (hdr(hs, he, "content-length", &v))
            bl = strtoul(v.p, NULL, 10);
        if (n < hl + bl)
            return 0;
        used = hl + bl;
        body.p = b + hl;
        body.n = bl;
    }
    if (hdr(hs, he, "connection", &v) && v.n == 5 && !strncasecmp(v.p, "close", 5))
        c->closing = 1;
    if (key && !(hdr(hs, he, "authorization", &v) && v.n == 7 + strlen(key) &&
                 !strncasecmp(v.p, "bearer ", 7) && !memcmp(v.p + 7, key, v.n - 7))) {
        reply(c, 401, "WWW-Authenticate: Bearer\r\n", NULL, NULL, 0);
        return (long)used;
    }
    if (!strncmp(b, "POST ", 5)) {
        int st, init;
        long l = mcp_answer(body, tmp, tmpcap, &st, &init);
        char ex[96] = "";
        if (l < 0) {
            static const char pe[] =
                "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"Parse error\"}}";
            reply(c, 400, "", "application/json", pe, sizeof pe - 1);
            return (long)used;
        }
        if (stateful && init)
            snprintf(ex, sizeof ex, "Mcp-Session-Id: nullsess-%08lx\r\n",
                     __atomic_add_fetch(&sess_seq, 1, __ATOMIC_RELAXED));
        else if (stateful &&
                 !memmem(body.p, body.n, "io.modelcontextprotocol/protocolVersion", 39)) {
            if (!hdr(hs, he, "mcp-session-id", &v)) {
                reply(c, 400, "", NULL, NULL, 0);
                return (long)used;
            }
            if (v.n < 9 || memcmp(v.p, "nullsess-", 9)) {
                reply(c, 404, "", NULL, NULL, 0);
                return (long)used;
            }
        }
        if (l == 0)
            reply(c, st, "", NULL, NULL, 0);
        else if (sse && st == 200) {
            char h[256];
            snprintf(
                h, sizeof h,
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: "
                "no-cache\r\nTransfer-Encoding: chunked\r\n%s\r\n%lx\r\nevent: message\ndata: ",
                ex, (unsigned long)l + 23);
            out_s(c, h);
            out_add(c, tmp, (size_t)l);
            out_s(c, "\n\n\r\n0\r\n\r\n");
        } else
            reply(c, st, ex, "application/json", tmp, (size_t)l);
    } else if (!strncmp(b, "GET ", 4)) {
        if (getstream) {
            out_s(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: "
                     "no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
            c->hold = 1;
        } else
            reply(c, 405, "Allow: POST, DELETE\r\n", NULL, NULL, 0);
    } else if (!strncmp(b, "DELETE ", 7))
        reply(c, 200, "", NULL, NULL, 0);
    else
        reply(c, 405, "Allow: POST, DELETE\r\n", NULL, NULL, 0);
    return (long)used;
}
static void *loop(void *arg)
{
    (void)arg;
    tmp = malloc(tmpcap);
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(ls, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((unsigned short)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(ls, (void *)&a, sizeof a) || listen(ls, 1024)) {
        perror("bind");
        exit(1);
    }
    int ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL}, evs[256];
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
    for (;;) {
        int k = epoll_wait(ep, evs, 256, -1);
        for (int i = 0; i < k; i++) {
            conn *c = evs[i].data.ptr;
            if (!c) {
                int fd;
                while ((fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    c = calloc(1, sizeof *c);
                    c->fd = fd;
                    c->cap = 16384;
                    c->in = malloc(c->cap);
                    ev.events = EPOLLIN;
                    ev.data.ptr = c;
                    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
                }
                continue;
            }
            int dead = 0;
            if (evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
                for (;;) {
                    if (c->n == c->cap) {
                        c->cap *= 2;
                        c->in = realloc(c->in, c->cap);
                        if (!c->in)
                            abort();
                    }
                    ssize_t r = read(c->fd, c->in + c->n, c->cap - c->n);
                    if (r > 0) {
                        c->n += (size_t)r;
                        if (c->n < c->cap)
                            break;
                        continue;
                    }
                    if (r < 0 && errno == EAGAIN)
                        break;
                    dead = 1;
                    break;
                }
                size_t off = 0;
                while (!dead && !c->hold && off < c->n) {
                    long u = one(c, c->in + off, c->n - off);
                    if (u < 0) {
                        dead = 1;
                        break;
                    }
                    if (!u)
                        break;
                    off += (size_t)u;
                }
                if (off) {
                    memmove(c->in, c->in + off, c->n - off);
                    c->n -= off;
                }
            }
            while (!dead && c->ooff < c->on) {
                ssize_t w = write(c->fd, c->out + c->ooff, c->on - c->ooff);
                if (w > 0)
                    c->ooff += (size_t)w;
                else if (w < 0 && errno == EAGAIN)
                    break;
                else
                    dead = 1;
            }
            if (c->ooff == c->on) {
                c->ooff = c->on = 0;
                if (c->closing)
                    dead = 1;
                else if (evs[i].events & EPOLLOUT) {
                    ev.events = EPOLLIN;
                    ev.data.ptr = c;
                    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
                }
            } else {
                ev.events = EPOLLIN | EPOLLOUT;
                ev.data.ptr = c;
                epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
            }
            if (dead) {
                close(c->fd);
                free(c->in);
                free(c->out);
                free(c);
            }
        }
    }
}
int main(int argc, char **argv)
{
    int o;
    while ((o = getopt(argc, argv, "p:t:m:sk:n:b:g")) != -1)
        switch (o) {
        case 'p':
            port = atoi(optarg);
            break;
        case 't':
            threads = atoi(optarg);
            break;
        case 'm':
            sse = !strcmp(optarg, "sse");
            break;
        case 's':
            stateful = 1;
            break;
        case 'k':
            key = optarg;
            break;
        case 'n':
            mcp_ntools = atoi(optarg);
            break;
        case 'b':
            mcp_pad = atoi(optarg);
            break;
        case 'g':
            getstream = 1;
            break;
        default:
            return 2;
        }
    if (mcp_pad) {
        mcp_padbuf = malloc((size_t)mcp_pad);
        memset(mcp_padbuf, 'x', (size_t)mcp_pad);
    }
    tmpcap = (4u << 20) + (size_t)mcp_pad;
    signal(SIGPIPE, SIG_IGN);
    fprintf(stderr, "nullup http://127.0.0.1:%d/mcp threads=%d mode=%s%s\n", port, threads,
            sse ? "sse" : "json", stateful ? " stateful" : "");
    for (int i = 1; i < threads; i++) {
        pthread_t t;
        pthread_create(&t, NULL, loop, NULL);
    }
    loop(NULL);
}
