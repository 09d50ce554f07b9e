/*
 * revoke: takes access away under load, again and again, and looks whether the next request is let
 * through.
 *
 *   revoke --url URL [--url URL]... --good FILE --plan FILE [--flood N] [--victims N]
 *
 * URL is http://127.0.0.1:PORT/mcp/SERVER, a server that is bad_upstream; several are several
 * gateways (or workers) on one store. FILE of --good has keys, a line each, that keep calling all
 * the time and must never be refused. A line of the plan is one round, with tabs between
 *
 *   WAY  KEY  401|refused  COMMAND
 *
 * In a round KEY floods every URL, and has there a connection that rests, a session with an open
 * stream, and a call that hangs. COMMAND is run (by the shell); when it has returned, the next call
 * by KEY must get 401 (or any answer but a result: `refused`), on the connection that rested and
 * from the flood. With 401 the stream and the hanging call must end too. One line for each WAY;
 * status 1 when anything was otherwise.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "mcp_client.h"

enum {
    URLS = 4,
    KEYS = 256,
    WAYS = 32,
    THREADS = 64,
    PATIENCE_MS = 5000,
    ANSWER_MS = 20000,
    PAUSE_US = 300
};

static struct {
    struct where urls[URLS];
    unsigned url_count, flood, victims;
    const char *good, *plan;
} settings = {.flood = 2, .victims = 2};

struct way {
    char name[32];
    unsigned rounds, accepted, wrong, streams_late, streams_cut, calls_late;
    int64_t slowest_end;
    unsigned long calls, refused;
};

static struct way ways[WAYS];
static char good_keys[KEYS][128];
static unsigned good_count;
static atomic_bool stopping;
static atomic_ulong good_calls, good_failures, numbers;

/* What a key's flooder saw: a thread's own, read after it has ended. */
struct flooder {
    pthread_t thread;
    const struct where *where;
    const char *key;
    atomic_bool *stop;
    atomic_llong *revoked_at; /* 0: not yet */
    unsigned long calls, accepted_late, refused;
};

enum outcome { OUTCOME_RESULT, OUTCOME_DENIED, OUTCOME_REFUSED, OUTCOME_NONE };

/* One call on a connection that is kept; opened anew when the gateway has closed it. */
static enum outcome call_echo(struct client *client, const struct where *where, const char *key)
{
    char id[32], arguments[96], wanted[64];
    struct answer answer;
    unsigned long number = atomic_fetch_add(&numbers, 1);
    snprintf(id, sizeof id, "%lu", number);
    snprintf(arguments, sizeof arguments, "{\"message\":\"m-%lu-m\"}", number);
    snprintf(wanted, sizeof wanted, "Echo: m-%lu-m", number);
    for (int tries = 0; tries < 2; tries++) {
        if (client->fd < 0 && !client_open(client, where))
            return OUTCOME_NONE;
        if (!client_call(client, where, key, id, "echo", arguments) ||
            client_read(client, ANSWER_MS, &answer) != 1) {
            client_close(client);
            continue;
        }
        if (answer.closing)
            client_close(client);
        if (answer.status == 401)
            return OUTCOME_DENIED;
        return answer.status == 200 && strstr(answer.body, wanted) ? OUTCOME_RESULT
                                                                   : OUTCOME_REFUSED;
    }
    return OUTCOME_NONE;
}

static void *flood_victim(void *context)
{
    struct flooder *flooder = context;
    struct client client = {.fd = -1};
    while (!atomic_load(flooder->stop)) {
        bool late = atomic_load(flooder->revoked_at) != 0; /* before the request is sent */
        enum outcome outcome = call_echo(&client, flooder->where, flooder->key);
        flooder->calls++;
        flooder->accepted_late += late && outcome == OUTCOME_RESULT;
        flooder->refused += outcome != OUTCOME_RESULT;
        usleep(PAUSE_US);
    }
    client_done(&client);
    return NULL;
}

static void *flood_good(void *context)
{
    unsigned number = (unsigned)(uintptr_t)context;
    struct client client = {.fd = -1};
    const struct where *where = &settings.urls[number % settings.url_count];
    for (unsigned i = number; !atomic_load(&stopping); i++) {
        if (i % 50 == 0) /* another key, another connection */
            client_close(&client);
        if (call_echo(&client, where, good_keys[i / 50 % good_count]) != OUTCOME_RESULT) {
            atomic_fetch_add(&good_failures, 1);
        }
        atomic_fetch_add(&good_calls, 1);
        usleep(PAUSE_US);
    }
    client_done(&client);
    return NULL;
}

static bool shell(const char *command)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* What the victim has open at one URL. */
struct hold {
    struct client resting, stream, hanging;
};

static bool hold_open(struct hold *hold, const struct where *where, const char *key)
{
    char arguments[64];
    *hold = (struct hold){.resting.fd = -1, .stream.fd = -1, .hanging.fd = -1};
    snprintf(arguments, sizeof arguments, "{\"message\":\"h-%lu\"}", atomic_fetch_add(&numbers, 1));
    if (call_echo(&hold->resting, where, key) != OUTCOME_RESULT ||
        !client_open(&hold->stream, where) || !client_open(&hold->hanging, where))
        return false;
    return client_stream(&hold->stream, where, key) &&
           client_head(&hold->stream, ANSWER_MS) == 200 &&
           client_call(&hold->hanging, where, key, "1", "hang", arguments);
}

static void hold_close(struct hold *hold)
{
    client_done(&hold->resting);
    client_done(&hold->stream);
    client_done(&hold->hanging);
}

/* Whether stream and call have ended, and when. */
static void judge_hold(struct way *way, struct hold *hold, int64_t revoked_at)
{
    struct answer answer;
    int end = client_ended(&hold->stream, PATIENCE_MS);
    way->streams_late += end == 0;
    way->streams_cut += end < 0;
    int64_t took = now_us() - revoked_at;
    if (took > way->slowest_end)
        way->slowest_end = took;
    if (client_read(&hold->hanging, PATIENCE_MS, &answer) == 0) {
        way->calls_late++;
        fprintf(stderr, "%s: the call under way goes on\n", way->name);
    }
}

static void judge_next(struct way *way, struct hold *hold, const struct where *where,
                       const char *key, bool denied)
{
    enum outcome outcome = call_echo(&hold->resting, where, key);
    way->accepted += outcome == OUTCOME_RESULT;
    if (outcome == OUTCOME_NONE ||
        (denied ? outcome == OUTCOME_REFUSED : outcome == OUTCOME_DENIED)) {
        way->wrong++;
        fprintf(stderr, "%s: the next call got %.200s\n", way->name,
                hold->resting.text ? hold->resting.text : "nothing");
    }
}

static void run_round(struct way *way, const char *key, bool denied, const char *command)
{
    struct hold holds[URLS];
    struct flooder flooders[THREADS] = {0};
    atomic_bool stop = false;
    atomic_llong revoked_at = 0;
    unsigned count = settings.victims * settings.url_count;
    way->rounds++;
    for (unsigned i = 0; i < settings.url_count; i++)
        if (!hold_open(&holds[i], &settings.urls[i], key)) {
            way->wrong++;
            fprintf(stderr, "%s: the key does not work before\n", way->name);
        }
    for (unsigned i = 0; i < count; i++) {
        flooders[i] = (struct flooder){.where = &settings.urls[i % settings.url_count],
                                       .key = key,
                                       .stop = &stop,
                                       .revoked_at = &revoked_at};
        pthread_create(&flooders[i].thread, NULL, flood_victim, &flooders[i]);
    }
    usleep(15000);
    if (!shell(command)) {
        way->wrong++;
        fprintf(stderr, "%s: the command failed\n", way->name);
    }
    int64_t at = now_us();
    atomic_store(&revoked_at, at);
    for (unsigned i = 0; i < settings.url_count; i++)
        judge_next(way, &holds[i], &settings.urls[i], key, denied);
    usleep(10000);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < count; i++) {
        pthread_join(flooders[i].thread, NULL);
        way->accepted += (unsigned)flooders[i].accepted_late;
        way->calls += flooders[i].calls;
        way->refused += flooders[i].refused;
    }
    for (unsigned i = 0; i < settings.url_count; i++) {
        if (denied)
            judge_hold(way, &holds[i], at);
        hold_close(&holds[i]);
    }
}

static struct way *find_way(const char *name)
{
    struct way *way = ways;
    while (way->name[0] && strcmp(way->name, name) != 0)
        way++;
    snprintf(way->name, sizeof way->name, "%s", name);
    return way;
}

static void run_plan(FILE *plan)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, plan) > 0) {
        char *at = line;
        const char *name = strsep(&at, "\t"), *key = strsep(&at, "\t"),
                   *outcome = strsep(&at, "\t"), *command = strsep(&at, "\n");
        if (command)
            run_round(find_way(name), key, strcmp(outcome, "401") == 0, command);
    }
    free(line);
}

static bool read_good(void)
{
    FILE *file = fopen(settings.good, "r");
    while (file && good_count < KEYS && fscanf(file, "%127s", good_keys[good_count]) == 1)
        good_count++;
    if (file)
        fclose(file);
    return good_count > 0;
}

static bool tell(void)
{
    unsigned accepted = 0, otherwise = 0;
    printf("%-16s %6s %8s %5s %7s %7s %7s %8s %9s %s\n", "way", "rounds", "accepted", "wrong",
           "streams", "cut", "calls", "calls", "refused", "slowest end, ms");
    for (struct way *way = ways; way->name[0]; way++) {
        printf("%-16s %6u %8u %5u %7u %7u %7u %8lu %9lu %lld\n", way->name, way->rounds,
               way->accepted, way->wrong, way->streams_late, way->streams_cut, way->calls_late,
               way->calls, way->refused, (long long)way->slowest_end / 1000);
        accepted += way->accepted;
        otherwise += way->wrong + way->streams_late + way->streams_cut + way->calls_late;
    }
    printf("accepted %u, otherwise wrong %u, calls of others %lu, of these failed %lu\n", accepted,
           otherwise, atomic_load(&good_calls), atomic_load(&good_failures));
    return ways[0].name[0] && accepted + otherwise == 0 && atomic_load(&good_failures) == 0;
}

static bool read_arguments(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--url") == 0 && settings.url_count < URLS) {
            if (!where_read(argv[i + 1], &settings.urls[settings.url_count++]))
                return false;
        } else if (strcmp(argv[i], "--good") == 0)
            settings.good = argv[i + 1];
        else if (strcmp(argv[i], "--plan") == 0)
            settings.plan = argv[i + 1];
        else if (strcmp(argv[i], "--flood") == 0)
            settings.flood = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--victims") == 0)
            settings.victims = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else
            return false;
    }
    return settings.url_count > 0 && settings.good && settings.plan && settings.flood <= THREADS &&
           settings.victims * settings.url_count <= THREADS;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    FILE *plan = read_arguments(argc, argv) ? fopen(settings.plan, "r") : NULL;
    if (!plan || !read_good()) {
        fputs("usage: revoke --url URL... --good FILE --plan FILE [--flood N] [--victims N]\n",
              stderr);
        return 2;
    }
    for (unsigned i = 0; i < settings.flood; i++)
        pthread_create(&threads[i], NULL, flood_good, (void *)(uintptr_t)i);
    run_plan(plan);
    fclose(plan);
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < settings.flood; i++)
        pthread_join(threads[i], NULL);
    return tell() ? 0 : 1;
}
