/*
 * bad_client: clients that misbehave, for the tests of faults.
 *
 *   bad_client stall URL KEY COUNT SECONDS   each calls `huge` (8 MB) and reads nothing of it
 *   bad_client vanish URL KEY COUNT          each calls `hang` and goes away
 *   bad_client deaf URL KEY COUNT SECONDS    each opens a stream and reads nothing but its head
 *   bad_client drip URL KEY COUNT SECONDS    each sends its request a byte a second
 *
 * URL is http://127.0.0.1:PORT/mcp/SERVER, where SERVER is bad_upstream. `drip` also measures a
 * good client that calls every millisecond or so, for SECONDS before the others are there and for
 * SECONDS with them, and prints the medians and 99th percentiles of its calls in microseconds and
 * how many of the others were still connected at the end: BEFORE50 BEFORE99 DURING50 DURING99 LEFT.
 * Status 1 when a call of the good client failed, or when the others could not connect.
 */
#include <sys/resource.h>

#include "mcp_client.h"

enum { GOOD_CALLS = 1 << 16, HUGE = 8000000, PATIENCE_MS = 20000 };

struct measure {
    double times[GOOD_CALLS];
    int count, failed;
};

static void measure_call(struct client *good, const struct where *where, const char *key,
                         struct measure *measure)
{
    struct answer answer;
    int64_t start = now_us();
    if ((good->fd < 0 && !client_open(good, where)) ||
        !client_call(good, where, key, "1", "echo", "{\"message\":\"good\"}") ||
        client_read(good, PATIENCE_MS, &answer) != 1 || !strstr(answer.body, "Echo: good")) {
        measure->failed++;
        client_close(good);
    } else if (measure->count < GOOD_CALLS) {
        measure->times[measure->count++] = (double)(now_us() - start);
    }
}

static int compare(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void tell(struct measure *measure)
{
    qsort(measure->times, (size_t)measure->count, sizeof(double), compare);
    if (measure->count > 0)
        printf("%.0f %.0f ", measure->times[measure->count / 2],
               measure->times[measure->count * 99 / 100]);
}

static bool open_all(struct client *clients, int count, const struct where *where)
{
    for (int i = 0; i < count; i++) {
        clients[i].fd = -1;
        if (!client_open(&clients[i], where)) {
            fprintf(stderr, "bad_client: %d connections, then no more\n", i);
            return false;
        }
    }
    return true;
}

static int stall(struct client *clients, int count, const struct where *where, const char *key)
{
    char arguments[64];
    int least = 4096;
    snprintf(arguments, sizeof arguments, "{\"message\":\"m\",\"size\":%d}", HUGE);
    for (int i = 0; i < count; i++) {
        setsockopt(clients[i].fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
        if (!client_call(&clients[i], where, key, "1", "huge", arguments))
            return 1;
    }
    return 0;
}

static int vanish(struct client *clients, int count, const struct where *where, const char *key)
{
    for (int i = 0; i < count; i++)
        if (!client_call(&clients[i], where, key, "1", "hang", "{\"message\":\"vanished\"}"))
            return 1;
    usleep(300000); /* so that most are under way upstream */
    return 0;
}

/* Half of them have the stream of a session, the others one of 2026-07-28. */
static int deaf(struct client *clients, int count, const struct where *where, const char *key)
{
    for (int i = 0; i < count; i++) {
        if ((i % 2 ? client_stream(&clients[i], where, key)
                   : client_listen(&clients[i], where, key)) &&
            client_head(&clients[i], PATIENCE_MS) == 200)
            continue;
        fprintf(stderr, "bad_client: no stream: %.200s\n", clients[i].size ? clients[i].text : "");
        return 1;
    }
    return 0;
}

struct drip {
    struct client *clients, good;
    int count, size; /* how many of the clients drip by now; of the text */
    const struct where *where;
    const char *key;
    char text[512];
};

/* The good client's calls for so long. Meanwhile each of the others sends a byte a second, evenly
   one after the other. */
static void drip_for(struct drip *drip, int seconds, struct measure *measure)
{
    int64_t start = now_us(), elapsed = 0, sent = 0;
    while (elapsed < (int64_t)seconds * 1000000) {
        int64_t due = elapsed * drip->count / 1000000;
        for (; sent < due && sent / drip->count < drip->size; sent++)
            (void)!send(drip->clients[sent % drip->count].fd, drip->text + sent / drip->count, 1,
                        MSG_NOSIGNAL);
        measure_call(&drip->good, drip->where, drip->key, measure);
        usleep(1000);
        elapsed = now_us() - start;
    }
}

static int connected(const struct client *clients, int count)
{
    int left = 0;
    char byte;
    for (int i = 0; i < count; i++)
        left += recv(clients[i].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
    return left;
}

static int drip(struct client *clients, int count, const struct where *where, const char *key,
                int seconds)
{
    static struct measure before, during;
    struct drip drip = {.clients = clients, .good.fd = -1, .where = where, .key = key};
    drip.size = snprintf(drip.text, sizeof drip.text,
                         "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n",
                         where->path, where->port, key);
    drip_for(&drip, seconds, &before);
    if (!open_all(clients, count, where))
        return 1;
    drip.count = count;
    drip_for(&drip, seconds, &during);
    tell(&before);
    tell(&during);
    printf("%d\n", connected(clients, count));
    client_done(&drip.good);
    return before.failed + during.failed > 0;
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    struct where where;
    int count = argc > 4 ? (int)strtol(argv[4], NULL, 10) : 0;
    int seconds = argc > 5 ? (int)strtol(argv[5], NULL, 10) : 0;
    if (argc < 5 || count <= 0 || !where_read(argv[2], &where)) {
        fputs("usage: bad_client stall|vanish|deaf|drip URL KEY COUNT [SECONDS]\n", stderr);
        return 2;
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    struct client *clients = calloc((size_t)count, sizeof *clients);
    if (!clients)
        return 1;
    int status;
    if (strcmp(argv[1], "drip") == 0)
        status = drip(clients, count, &where, argv[3], seconds);
    else if (!open_all(clients, count, &where))
        status = 1;
    else if (strcmp(argv[1], "stall") == 0)
        status = stall(clients, count, &where, argv[3]);
    else if (strcmp(argv[1], "deaf") == 0)
        status = deaf(clients, count, &where, argv[3]);
    else
        status = vanish(clients, count, &where, argv[3]);
    if (status == 0 && (strcmp(argv[1], "stall") == 0 || strcmp(argv[1], "deaf") == 0))
        sleep((unsigned)seconds);
    return status; /* all connections end with us */
}
