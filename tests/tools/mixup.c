/*
 * mixup: many clients use the same ids at the same time, and nobody may see another's answer.
 *
 *   mixup --keys FILE --url URL... [--clients 32] [--calls 100] [--seed N]
 *
 * Each client is a thread with a connection, one of the keys of FILE, and either a session of
 * 2025-11-25 or requests of 2026-07-28. All count their ids from 1. Each call is of `slow` on any
 * of the URLs (servers that are bad_upstream), with a message nobody else has, and a delay that
 * lets answers overtake each other; one call in ten is given up by going away in the middle. Every
 * answer must carry the id and the message of its call. Status 1 when one does not.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "mcp_client.h"

enum { URLS = 8, KEYS = 64, CLIENTS = 256, DELAY_MS = 25, PATIENCE_MS = 30000 };

static struct {
    struct where urls[URLS];
    unsigned url_count, key_count, clients, calls;
    uint64_t seed;
    char keys[KEYS][128];
} settings = {.clients = 32, .calls = 100, .seed = 1};

static atomic_ulong answered, given_up, wrong, failed;

static uint64_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* A call within a session; the head names it. */
static bool session_call(struct client *client, const struct where *where, const char *key,
                         const char *session, const char *body)
{
    char headers[1024];
    snprintf(headers, sizeof headers,
             "Authorization: Bearer %s\r\nMcp-Session-Id: %s\r\n"
             "MCP-Protocol-Version: 2025-11-25\r\n",
             key, session);
    return client_send(client, where, "POST", headers, body);
}

struct one {
    unsigned number;
    const char *key;
    char sessions[URLS][256]; /* empty: of 2026-07-28 */
    struct client client;
    uint64_t random;
};

static bool begin(struct one *one, unsigned url, const char *id, const char *arguments)
{
    char body[1024];
    const struct where *where = &settings.urls[url];
    client_close(&one->client); /* the connection leads to another server now */
    if (!client_open(&one->client, where))
        return false;
    if (!one->sessions[url][0])
        return client_call(&one->client, where, one->key, id, "slow", arguments);
    snprintf(body, sizeof body,
             "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"tools/call\",\"params\":{\"name\":"
             "\"slow\",\"arguments\":%s}}",
             id, arguments);
    return session_call(&one->client, where, one->key, one->sessions[url], body);
}

/* Whether the body is the answer to the call with this id and this message. */
static bool is_ours(const char *body, const char *id, const char *message)
{
    char wanted_id[64], wanted[128];
    snprintf(wanted_id, sizeof wanted_id, "\"id\":%s,", id);
    snprintf(wanted, sizeof wanted, "Echo: %s\"", message);
    return strstr(body, wanted_id) && strstr(body, wanted);
}

static void call(struct one *one, unsigned number)
{
    char id[32], message[64], arguments[160];
    struct answer answer;
    unsigned url = (unsigned)(draw(&one->random) % settings.url_count);
    unsigned delay = (unsigned)(draw(&one->random) % DELAY_MS);
    snprintf(id, sizeof id, number % 3 ? "%u" : "\"%u\"", number);
    snprintf(message, sizeof message, "c%u-n%u-%llx", one->number, number,
             (unsigned long long)draw(&one->random));
    snprintf(arguments, sizeof arguments, "{\"message\":\"%s\",\"ms\":%u}", message, delay);
    if (!begin(one, url, id, arguments)) {
        atomic_fetch_add(&failed, 1);
    } else if (draw(&one->random) % 10 == 0) {
        usleep((useconds_t)(draw(&one->random) % DELAY_MS) * 500);
        atomic_fetch_add(&given_up, 1);
        client_close(&one->client);
    } else if (client_read(&one->client, PATIENCE_MS, &answer) != 1 || answer.status != 200) {
        atomic_fetch_add(&failed, 1);
        fprintf(stderr, "client %u, id %s: no answer: %.200s\n", one->number, id,
                one->client.size ? one->client.text : "");
    } else if (!is_ours(answer.body, id, message)) {
        atomic_fetch_add(&wrong, 1);
        fprintf(stderr, "client %u, id %s, %s: got %.300s\n", one->number, id, message,
                answer.body);
    } else {
        atomic_fetch_add(&answered, 1);
    }
}

static void *run(void *context)
{
    struct one *one = context;
    for (unsigned i = 0; one->number % 2 && i < settings.url_count; i++)
        if (!client_open(&one->client, &settings.urls[i]) ||
            !client_session(&one->client, &settings.urls[i], one->key, one->sessions[i])) {
            atomic_fetch_add(&failed, 1);
            fprintf(stderr, "client %u: no session\n", one->number);
            one->sessions[i][0] = '\0';
        }
    for (unsigned i = 1; i <= settings.calls; i++)
        call(one, i);
    client_done(&one->client);
    return NULL;
}

static bool read_keys(const char *path)
{
    FILE *file = fopen(path, "r");
    while (file && settings.key_count < KEYS &&
           fscanf(file, "%127s", settings.keys[settings.key_count]) == 1)
        settings.key_count++;
    if (file)
        fclose(file);
    return settings.key_count > 0;
}

static bool read_arguments(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];
        if (strcmp(name, "--url") == 0 && settings.url_count < URLS) {
            if (!where_read(value, &settings.urls[settings.url_count++]))
                return false;
        } else if (strcmp(name, "--keys") == 0) {
            if (!read_keys(value))
                return false;
        } else if (strcmp(name, "--clients") == 0)
            settings.clients = (unsigned)strtoul(value, NULL, 10);
        else if (strcmp(name, "--calls") == 0)
            settings.calls = (unsigned)strtoul(value, NULL, 10);
        else if (strcmp(name, "--seed") == 0)
            settings.seed = strtoull(value, NULL, 10);
        else
            return false;
    }
    return settings.url_count > 0 && settings.key_count > 0 && settings.clients <= CLIENTS;
}

int main(int argc, char **argv)
{
    static pthread_t threads[CLIENTS];
    static struct one ones[CLIENTS];
    if (!read_arguments(argc, argv)) {
        fputs("usage: mixup --keys FILE --url URL... [--clients N] [--calls N] [--seed N]\n",
              stderr);
        return 2;
    }
    for (unsigned i = 0; i < settings.clients; i++) {
        ones[i] = (struct one){.number = i,
                               .key = settings.keys[i % settings.key_count],
                               .client.fd = -1,
                               .random = settings.seed * 1000003 + i};
        pthread_create(&threads[i], NULL, run, &ones[i]);
    }
    for (unsigned i = 0; i < settings.clients; i++)
        pthread_join(threads[i], NULL);
    printf("answered %lu, given up %lu, failed %lu, wrong %lu\n", atomic_load(&answered),
           atomic_load(&given_up), atomic_load(&failed), atomic_load(&wrong));
    return atomic_load(&wrong) + atomic_load(&failed) > 0 || atomic_load(&answered) == 0;
}
