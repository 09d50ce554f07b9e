// keys: what it costs the gateway to find a key among very many.
//
//   keys HOME SAMPLES
//
// HOME is a store made by bench/cli/load, SAMPLES its file of users and keys. Prints one JSON line:
// opening the store, the first use of a key (asks the store), each later one (asks shared memory
// whether anything changed), one that has to ask again since something was committed, and a key
// that is unknown. Medians in nanoseconds.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/principals.h"
#include "model/project.h"

enum { SAMPLES = 1000, LATER = 200 };

static char keys[SAMPLES][128];
static size_t key_count;

static double now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static double median(double *times, size_t count)
{
    qsort(times, count, sizeof *times, compare);
    return count ? times[count / 2] : 0;
}

static void read_samples(const char *path)
{
    char line[1024];
    FILE *file = fopen(path, "r");
    while (file && key_count < SAMPLES && fgets(line, sizeof line, file))
        if (sscanf(line, "%*[^\t]\t%127[^\t]", keys[key_count]) == 1)
            key_count++;
    if (file)
        (void)fclose(file);
}

static void ignore_credential(void *context, struct credential *credential,
                              const struct grant *grant, const char *reason)
{
    (void)context;
    (void)credential;
    (void)grant;
    (void)reason;
}

static void ignore_confirmation(void *context, struct credential *credential)
{
    (void)context;
    (void)credential;
}

static void ignore_access(void *context, const struct access *now)
{
    (void)context;
    (void)now;
}

// The median time of finding each sample once; `repeats` finds are timed together, since the clock
// itself takes 20 ns. Exits when one is not found, or an unknown one is.
static double find_all(struct principals *principals, enum front_answer wanted, int repeats)
{
    static double times[SAMPLES];
    for (size_t i = 0; i < key_count; i++) {
        struct view key = view_of(keys[i]);
        double start = now_ns();
        for (int n = 0; n < repeats; n++) {
            struct principal *principal = NULL;
            if (principals_find(principals, key, &principal) != wanted) {
                (void)fputs("keys: not the answer it should be\n", stderr);
                exit(1);
            }
            principal_unref(&principal);
        }
        times[i] = (now_ns() - start) / repeats;
    }
    return median(times, key_count);
}

static bool commit_something(struct store *store, struct err *err)
{
    char name[64];
    struct project project;
    (void)snprintf(name, sizeof name, "bench %lld", (long long)now_ns());
    store->command = "bench keys";
    return db_begin_change(store->db, err) && project_create(store, view_of(name), &project, err) &&
           db_commit(store->db, err);
}

static bool run(const char *home, struct err *err)
{
    static const struct principals_events events = {.revoked = ignore_credential,
                                                    .access_changed = ignore_access,
                                                    .confirmed = ignore_confirmation};
    const struct store_config config = {.home = home, .must_exist = true};
    struct store *store AUTO(store_free) = NULL;
    struct settings settings;
    settings_init(&settings);
    double start = now_ns();
    if (!vault_start(err) || !store_open(&config, &store, err))
        return false;
    struct principals *principals = principals_new(store, &settings, NULL, NULL, &events, NULL);
    if (!principals)
        return err_memory(err);
    double opened = now_ns() - start;
    double first = find_all(principals, FRONT_GRANTED, 1);
    double later = find_all(principals, FRONT_GRANTED, LATER);
    if (!commit_something(store, err))
        return false;
    double again = find_all(principals, FRONT_GRANTED, 1);
    for (size_t i = 0; i < key_count; i++)
        keys[i][20] = keys[i][20] == 'A' ? 'B' : 'A';
    double unknown = find_all(principals, FRONT_DENIED, 1);
    (void)printf("{\"samples\":%zu,\"open_ns\":%.0f,\"first_ns\":%.0f,\"later_ns\":%.0f,"
                 "\"again_ns\":%.0f,\"unknown_ns\":%.0f}\n",
                 key_count, opened, first, later, again, unknown);
    principals_free(&principals);
    return true;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc != 3) {
        (void)fputs("usage: keys HOME SAMPLES\n", stderr);
        return 2;
    }
    read_samples(argv[2]);
    if (run(argv[1], &err))
        return 0;
    (void)fprintf(stderr, "keys: %s\n", err.message);
    return 1;
}
