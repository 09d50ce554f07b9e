// load: makes a store with very many users for the benchmark.
//
//   load HOME USERS SAMPLES
//
// Every user is a member of one project (half of them of the first, the rest of any) and has one
// key in it, made by the model itself: genuine digests, sealed copies, row MACs and a whole audit
// chain, so that what is measured afterwards is what a grown store costs. Only the transaction is
// not the program's: one for all of it.
//
// SAMPLES receives users spread evenly over the store, one a line, for whoever measures:
// email, key, digest of the key (hexadecimal), project's name, row numbers of user and project,
// with tabs between them.
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "model/api_key.h"
#include "model/project.h"
#include "model/store.h"
#include "model/user.h"

enum { PROJECTS = 50, SAMPLES = 1000 };

struct load {
    struct store *store;
    struct project projects[PROJECTS];
    struct clear_key *clear;
    long users, every; // a sample is taken every so many users
    FILE *samples;
};

static bool make_projects(struct load *load, struct err *err)
{
    char name[32];
    for (int i = 0; i < PROJECTS; i++) {
        (void)snprintf(name, sizeof name, "Team Project %02d", i + 1);
        if (!project_create(load->store, view_of(name), &load->projects[i], err))
            return false;
    }
    return true;
}

// Addresses as a company has them, in no alphabetical order: first.last.number@department.domain.
static void make_address(long number, char *ret_email, size_t size)
{
    static const char *const first[] = {"alice", "bruno", "carla", "dario", "elena", "felix",
                                        "greta", "henri", "irene", "jonas", "katia", "lukas",
                                        "maria", "nadia", "oscar", "paula"};
    static const char *const last[] = {"archer",  "baker",  "carter", "dyer",   "elwood", "fisher",
                                       "gardner", "hunter", "irving", "joiner", "keeler", "lorimer",
                                       "mason",   "naylor", "ostler", "porter"};
    uint64_t mixed = (uint64_t)number * 0x9e3779b97f4a7c15 >> 52;
    (void)snprintf(ret_email, size, "%s.%s.%ld@dept%02u.example.com", first[mixed & 15],
                   last[mixed >> 4 & 15], number, (unsigned)(mixed >> 8) + 1);
}

static void put_sample(struct load *load, const struct api_key *key)
{
    (void)fprintf(load->samples, "%s\t%.*s\t", key->email, VIEW_ARG(clear_key_view(load->clear)));
    for (size_t i = 0; i < sizeof key->digest; i++)
        (void)fprintf(load->samples, "%02x", key->digest[i]);
    (void)fprintf(load->samples, "\t%s\t%lld\t%lld\n", key->project_name, (long long)key->user_n,
                  (long long)key->project_n);
}

static const struct project *choose_project(const struct load *load, long number)
{
    uint64_t mixed = (uint64_t)number * 0xd1342543de82ef95 >> 40;
    return &load->projects[mixed & 1 ? 0 : (mixed >> 1) % PROJECTS];
}

static bool make_user(struct load *load, long number, struct err *err)
{
    const struct project *project = choose_project(load, number);
    char email[LIMIT_EMAIL + 1];
    struct user user;
    struct api_key key;
    const struct key_order order = {.user = &user, .project = project};
    bool changed;
    make_address(number, email, sizeof email);
    load->store->now = clock_now();
    if (!user_create(load->store, view_of(email), &user, err) ||
        !project_add_user(load->store, project, &user, &changed, err) ||
        !api_key_generate(load->store, &order, load->clear, &key, err))
        return false;
    if (number % load->every == 0)
        put_sample(load, &key);
    return true;
}

static bool make_all(struct load *load, struct err *err)
{
    int64_t there = 0;
    if (!store_number(load->store, "SELECT count(*) FROM users", BIND_NOTHING, &there, err))
        return false;
    if (there > 0)
        return err_set(err, ERR_PRECONDITION, "store_in_use", "The store has users already");
    // All of it in memory until it is committed.
    if (!db_script(load->store->db, "PRAGMA cache_size=-1000000", err) ||
        !db_begin_change(load->store->db, err))
        return false;
    load->store->now = clock_now();
    if (!make_projects(load, err))
        return false;
    for (long i = 0; i < load->users; i++)
        if (!make_user(load, i, err))
            return false;
    // The log of one huge transaction is moved into the database and cut: whoever opens the store
    // next reads it first.
    return db_commit(load->store->db, err) &&
           db_script(load->store->db, "PRAGMA wal_checkpoint(TRUNCATE)", err);
}

static bool load_run(struct load *load, const char *home, struct err *err)
{
    const struct store_config config = {.home = home};
    if (!vault_start(err) || !store_open(&config, &load->store, err))
        return false;
    load->clear = clear_key_new();
    load->store->command = "bench load";
    (void)snprintf(load->store->actor, sizeof load->store->actor, "bench");
    bool done = load->clear ? make_all(load, err) : err_memory(err);
    clear_key_free(&load->clear);
    store_free(&load->store);
    return done;
}

int main(int argc, char **argv)
{
    struct load load = {.users = argc == 4 ? strtol(argv[2], NULL, 10) : 0};
    struct err err = {0};
    int64_t start = clock_now();
    if (load.users <= 0) {
        (void)fputs("usage: load HOME USERS SAMPLES\n", stderr);
        return 2;
    }
    (void)umask(077);
    load.every = load.users > SAMPLES ? load.users / SAMPLES : 1;
    load.samples = fopen(argv[3], "w");
    if (!load.samples) {
        perror(argv[3]);
        return 1;
    }
    bool done = load_run(&load, argv[1], &err);
    if (fclose(load.samples) != 0)
        done = err_set(&err, ERR_IO, "file_error", "The samples cannot be written");
    if (!done) {
        (void)fprintf(stderr, "load: %s\n", err.message);
        return 1;
    }
    (void)printf("%ld users with a key each, in %d projects, in %.1f s\n", load.users, PROJECTS,
                 (double)(clock_now() - start) / (double)TIME_SECOND);
    return 0;
}
