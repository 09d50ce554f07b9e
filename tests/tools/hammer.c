/*
 * hammer: many writers change one store at the same time, each through the program itself, and
 * every one keeps its own book of what was acknowledged. At the end the books and the store must
 * agree.
 *
 *   hammer --program P --home DIR [--writers 64] [--operations 200] [--seed N]
 *
 * What it can find: an acknowledged change that is missing, a change that is there twice, one that
 * is there though it was refused, and two winners where there can be only one. Writers work on
 * users and keys of their own, whose final state each can foretell, and now and then all of them go
 * for the same thing (one address to create, one key to rotate), where exactly one must win.
 *
 * How books are compared with the store: book.h.
 *
 * DIR must be new. Exit status: 0 books and store agree, 1 they do not or something was refused
 * that should not have been, 2 trouble of the hammer itself.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "book.h"
#include "call.h"

enum { SHARED = 8, ARGS = 12 };

struct user {
    char email[EMAIL];
    char id[ID];
    bool alive;
    unsigned projects; /* bit n: member of project n */
};

struct key {
    char text[KEY];
    size_t user;
    unsigned project;
    bool alive, disabled;
};

/* What one writer reports; in memory shared with the parent. */
struct tally {
    unsigned long acknowledged, lost_race, failed;
    bool users_won[SHARED], keys_won[SHARED];
    uint64_t total_ns, slowest_ns;
};

struct writer {
    unsigned number;
    uint64_t random;
    struct call call;
    struct user *users;
    struct key *keys;
    size_t user_count, key_count;
    unsigned shared_users_tried, shared_keys_tried;
    struct tally *tally;
    FILE *book;
};

static struct {
    char *program;
    const char *home;
    unsigned writers, operations, seed;
} settings = {.writers = 64, .operations = 200, .seed = 1};

static char shared_keys[SHARED][KEY];

/* Runs the program with the given words (the last one NULL); true when it exited with 0. */
__attribute__((sentinel)) static bool writer_run(struct writer *writer, ...)
{
    char *args[ARGS + 1] = {settings.program};
    va_list list;
    va_start(list, writer);
    for (size_t i = 1; i < ARGS && (i == 1 || args[i - 1]); i++)
        args[i] = va_arg(list, char *);
    va_end(list);
    bool done = call_run(&writer->call, args);
    writer->tally->total_ns += writer->call.took_ns;
    if (writer->call.took_ns > writer->tally->slowest_ns)
        writer->tally->slowest_ns = writer->call.took_ns;
    return done;
}

/* For a change that nothing can stand in the way of. */
static bool writer_book(struct writer *writer, bool done, const char *what)
{
    if (done) {
        writer->tally->acknowledged++;
        return true;
    }
    if (writer->tally->failed++ < 2)
        fprintf(stderr, "writer %u: %s: wait status 0x%x: %s", writer->number, what,
                (unsigned)writer->call.status, writer->call.err);
    return false;
}

static void project_name(unsigned project, char *ret_name, size_t size)
{
    snprintf(ret_name, size, "hammer-%u", project);
}

/* ---- what a writer does ---- */

static unsigned writer_random(struct writer *writer, size_t below)
{
    writer->random ^= writer->random << 13;
    writer->random ^= writer->random >> 7;
    writer->random ^= writer->random << 17;
    return (unsigned)(writer->random % below);
}

static struct user *writer_pick_user(struct writer *writer, bool member)
{
    size_t start = writer->user_count ? writer_random(writer, writer->user_count) : 0;
    for (size_t i = 0; i < writer->user_count; i++) {
        struct user *user = &writer->users[(start + i) % writer->user_count];
        if (user->alive && (!member || user->projects))
            return user;
    }
    return NULL;
}

static struct key *writer_pick_key(struct writer *writer)
{
    size_t start = writer->key_count ? writer_random(writer, writer->key_count) : 0;
    struct key *key = NULL;
    for (size_t i = 0; i < writer->key_count && !(key && key->alive); i++)
        key = &writer->keys[(start + i) % writer->key_count];
    return key && key->alive ? key : NULL;
}

static unsigned writer_pick_project(struct writer *writer, const struct user *user)
{
    unsigned project = writer_random(writer, PROJECTS);
    while (!(user->projects & 1u << project))
        project = (project + 1) % PROJECTS;
    return project;
}

/* The keys of a user, of one project or (PROJECTS) of all, are gone. */
static void writer_drop_keys(struct writer *writer, const struct user *user, unsigned project)
{
    for (size_t i = 0; i < writer->key_count; i++) {
        struct key *key = &writer->keys[i];
        if (&writer->users[key->user] == user && (project == PROJECTS || key->project == project))
            key->alive = false;
    }
}

/* Each operation returns false when there is nothing yet to do it to. */

static bool op_create_user(struct writer *writer)
{
    struct user *user = &writer->users[writer->user_count];
    snprintf(user->email, sizeof user->email, "w%u-u%zu@example.com", writer->number,
             writer->user_count);
    bool done = writer_run(writer, "user", "create", "--email", user->email, NULL);
    if (!writer_book(writer, done, "user create"))
        return true;
    if (sscanf(writer->call.out, "user_id: %36s", user->id) != 1)
        trouble("user create printed no id: %s", writer->call.out);
    user->alive = true;
    writer->user_count++;
    return true;
}

static bool op_rename_user(struct writer *writer)
{
    struct user *user = writer_pick_user(writer, false);
    char email[EMAIL];
    if (!user)
        return false;
    snprintf(email, sizeof email, "w%u-r%u@example.com", writer->number,
             writer_random(writer, 1u << 30));
    bool done =
        writer_run(writer, "user", "update", "--user-id", user->id, "--new-email", email, NULL);
    if (writer_book(writer, done, "user update"))
        memcpy(user->email, email, sizeof email);
    return true;
}

static bool op_delete_user(struct writer *writer)
{
    struct user *user = writer_pick_user(writer, false);
    if (!user)
        return false;
    bool done = writer_run(writer, "user", "delete", "--email", user->email, "--force", NULL);
    if (writer_book(writer, done, "user delete")) {
        user->alive = false;
        writer_drop_keys(writer, user, PROJECTS);
    }
    return true;
}

static bool op_join(struct writer *writer)
{
    struct user *user = writer_pick_user(writer, false);
    unsigned project = writer_random(writer, PROJECTS);
    char name[32];
    if (!user)
        return false;
    project_name(project, name, sizeof name);
    bool done = writer_run(writer, "project", "add-user", "--project-name", name, "--email",
                           user->email, NULL);
    if (writer_book(writer, done, "project add-user"))
        user->projects |= 1u << project;
    return true;
}

static bool op_leave(struct writer *writer)
{
    struct user *user = writer_pick_user(writer, true);
    char name[32];
    if (!user)
        return false;
    unsigned project = writer_pick_project(writer, user);
    project_name(project, name, sizeof name);
    bool done = writer_run(writer, "project", "remove-user", "--project-name", name, "--email",
                           user->email, NULL);
    if (writer_book(writer, done, "project remove-user")) {
        user->projects &= ~(1u << project);
        writer_drop_keys(writer, user, project);
    }
    return true;
}

static bool op_generate_key(struct writer *writer)
{
    struct user *user = writer_pick_user(writer, true);
    struct key *key = &writer->keys[writer->key_count];
    char name[32];
    if (!user)
        return false;
    *key = (struct key){.user = (size_t)(user - writer->users), .alive = true};
    key->project = writer_pick_project(writer, user);
    project_name(key->project, name, sizeof name);
    bool done = writer_run(writer, "user", "generate-api-key", "--email", user->email,
                           "--project-name", name, NULL);
    if (!writer_book(writer, done, "generate-api-key"))
        return true;
    if (!field_get(writer->call.out, "api_key", key->text, sizeof key->text))
        trouble("generate-api-key printed no key");
    writer->key_count++;
    return true;
}

static bool op_rotate_key(struct writer *writer)
{
    struct key *key = writer_pick_key(writer);
    if (!key)
        return false;
    bool done = writer_run(writer, "user", "rotate-api-key", "--api-key", key->text, NULL);
    if (writer_book(writer, done, "rotate-api-key") &&
        !field_get(writer->call.out, "new_api_key", key->text, sizeof key->text))
        trouble("rotate-api-key printed no key");
    return true;
}

static bool op_switch_key(struct writer *writer)
{
    struct key *key = writer_pick_key(writer);
    if (!key)
        return false;
    const char *verb = key->disabled ? "enable-api-key" : "disable-api-key";
    bool done = writer_run(writer, "user", verb, "--api-key", key->text, NULL);
    if (writer_book(writer, done, verb))
        key->disabled = !key->disabled;
    return true;
}

static bool op_delete_key(struct writer *writer)
{
    struct key *key = writer_pick_key(writer);
    if (!key)
        return false;
    bool done = writer_run(writer, "user", "delete-api-key", "--api-key", key->text, NULL);
    if (writer_book(writer, done, "delete-api-key"))
        key->alive = false;
    return true;
}

/* A race is lost with exit status 1; anything else is a failure. */
static bool writer_race(struct writer *writer, bool won, const char *what)
{
    if (!won && call_refused(&writer->call) && !strstr(writer->call.err, "busy")) {
        writer->tally->lost_race++;
        return false;
    }
    return writer_book(writer, won, what);
}

static bool op_shared_user(struct writer *writer)
{
    char email[EMAIL], id[ID];
    if (writer->shared_users_tried == SHARED)
        return false;
    unsigned prize = writer->shared_users_tried++;
    snprintf(email, sizeof email, "shared-%u@example.com", prize);
    bool won = writer_run(writer, "user", "create", "--email", email, NULL);
    if (!writer_race(writer, won, "create the shared user"))
        return true;
    writer->tally->users_won[prize] = true;
    if (sscanf(writer->call.out, "user_id: %36s", id) == 1)
        fprintf(writer->book, "user %s %s -\n", email, id);
    return true;
}

static bool op_shared_key(struct writer *writer)
{
    char key[KEY];
    if (writer->shared_keys_tried == SHARED)
        return false;
    unsigned prize = writer->shared_keys_tried++;
    bool won = writer_run(writer, "user", "rotate-api-key", "--api-key", shared_keys[prize], NULL);
    if (!writer_race(writer, won, "rotate the shared key"))
        return true;
    writer->tally->keys_won[prize] = true;
    if (field_get(writer->call.out, "new_api_key", key, sizeof key))
        fprintf(writer->book, "key %s " OWNER " hammer-0 active\n", key);
    return true;
}

static const struct {
    unsigned weight;
    bool (*run)(struct writer *writer);
} operations[] = {
    {20, op_create_user}, {5, op_rename_user},   {5, op_delete_user}, {20, op_join},
    {5, op_leave},        {20, op_generate_key}, {10, op_rotate_key}, {10, op_switch_key},
    {5, op_delete_key},   {5, op_shared_user},   {5, op_shared_key},
};

static void writer_step(struct writer *writer)
{
    unsigned ticket = writer_random(writer, 110); /* the sum of all weights */
    size_t chosen = 0;
    while (ticket >= operations[chosen].weight)
        ticket -= operations[chosen++].weight;
    if (!operations[chosen].run(writer))
        op_create_user(writer);
}

/* The end of a writer: what it expects of the store. */
static void writer_close_book(struct writer *writer)
{
    for (size_t i = 0; i < writer->user_count; i++) {
        const struct user *user = &writer->users[i];
        if (!user->alive)
            continue;
        fprintf(writer->book, "user %s %s -", user->email, user->id);
        for (unsigned project = 0; project < PROJECTS; project++)
            if (user->projects & 1u << project)
                fprintf(writer->book, "hammer-%u-", project);
        fputc('\n', writer->book);
    }
    for (size_t i = 0; i < writer->key_count; i++) {
        const struct key *key = &writer->keys[i];
        if (key->alive)
            fprintf(writer->book, "key %s %s hammer-%u %s\n", key->text,
                    writer->users[key->user].email, key->project,
                    key->disabled ? "disabled" : "active");
    }
    if (fflush(writer->book) != 0)
        trouble("cannot write a book");
}

__attribute__((noreturn)) static void writer_main(struct writer *writer)
{
    size_t most = settings.operations + 1u;
    writer->users = calloc(most, sizeof *writer->users);
    writer->keys = calloc(most, sizeof *writer->keys);
    if (!writer->users || !writer->keys)
        trouble("out of memory");
    for (unsigned i = 0; i < settings.operations; i++) {
        bool rush = i < 4; /* all start together: the races come first */
        if (!rush)
            writer_step(writer);
        else if (i % 2 == 0)
            op_shared_user(writer);
        else
            op_shared_key(writer);
    }
    writer_close_book(writer);
    _exit(0);
}

static void writer_init(struct writer *writer, unsigned number, struct tally *tally)
{
    *writer = (struct writer){.number = number, .tally = tally, .book = tmpfile()};
    writer->random = settings.seed * 0x9E3779B97F4A7C15u + number + 1u;
    call_init(&writer->call);
    if (!writer->book)
        trouble("cannot make files: %s", strerror(errno));
}

static void writer_done(struct writer *writer)
{
    call_done(&writer->call);
    fclose(writer->book);
}

/* ---- the whole ---- */

static void must(struct writer *writer, bool done)
{
    if (!done)
        trouble("cannot set the store up: %s", writer->call.err);
}

static void prepare(struct writer *writer)
{
    char name[32];
    for (unsigned project = 0; project < PROJECTS; project++) {
        project_name(project, name, sizeof name);
        must(writer, writer_run(writer, "project", "create", "--project-name", name, NULL));
    }
    must(writer, writer_run(writer, "user", "create", "--email", OWNER, NULL));
    must(writer, writer_run(writer, "project", "add-user", "--project-name", "hammer-0", "--email",
                            OWNER, NULL));
    for (size_t i = 0; i < SHARED; i++) {
        must(writer, writer_run(writer, "user", "generate-api-key", "--email", OWNER,
                                "--project-name", "hammer-0", NULL));
        if (!field_get(writer->call.out, "api_key", shared_keys[i], sizeof shared_keys[i]))
            trouble("generate-api-key printed no key");
    }
}

/* Starts all writers and waits for them; false when one of them gave up. */
static bool run_writers(struct writer *writers)
{
    bool good = true;
    for (unsigned i = 0; i < settings.writers; i++) {
        pid_t pid = fork();
        if (pid < 0)
            trouble("cannot fork: %s", strerror(errno));
        if (pid == 0)
            writer_main(&writers[i]);
    }
    for (unsigned i = 0; i < settings.writers; i++) {
        int status;
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            good = false;
    }
    return good;
}

/* Every prize has one winner or none; a key that nobody won is still the one it was. */
static unsigned long count_prizes(const struct writer *writers, struct lines *books)
{
    unsigned users = 0, keys = 0, disputed = 0;
    for (unsigned prize = 0; prize < SHARED; prize++) {
        unsigned user_winners = 0, key_winners = 0;
        for (unsigned i = 0; i < settings.writers; i++) {
            user_winners += writers[i].tally->users_won[prize];
            key_winners += writers[i].tally->keys_won[prize];
        }
        users += user_winners > 0;
        keys += key_winners > 0;
        disputed += (user_winners > 1) + (key_winners > 1);
        if (key_winners == 0)
            lines_add(books, "key %s " OWNER " hammer-0 active", shared_keys[prize]);
    }
    printf("%u addresses and %u keys had a race, %u of them more than one winner\n", users, keys,
           disputed);
    return disputed;
}

/* The store as the program shows it, against all books. Returns the number of differences. */
static unsigned long compare(struct writer *reader, struct writer *writers)
{
    struct lines books = {0}, store = {0};
    for (unsigned i = 0; i < settings.writers; i++)
        lines_add_book(&books, writers[i].book);
    must(reader, writer_run(reader, "user", "list", "-o", "jsonl", NULL));
    lines_add_users(&store, reader->call.out);
    must(reader, writer_run(reader, "user", "list-all-api-keys", "--reveal", "-o", "jsonl", NULL));
    lines_add_keys(&store, reader->call.out);
    unsigned long wrong = count_prizes(writers, &books);
    wrong += lines_compare(&books, &store);
    printf("%zu users and keys in the books, %zu in the store, %lu differences\n", books.count,
           store.count, wrong);
    lines_done(&books);
    lines_done(&store);
    return wrong;
}

/* The program's own opinion of the store: 0 or 1 to complain about. */
static unsigned long complain(const struct writer *reader, bool good, const char *what)
{
    if (!good)
        fprintf(stderr, "%s: %s%s", what, reader->call.out, reader->call.err);
    return !good;
}

static unsigned long summarize(const struct tally *tallies, uint64_t took)
{
    struct tally all = {0};
    for (unsigned i = 0; i < settings.writers; i++) {
        all.acknowledged += tallies[i].acknowledged;
        all.lost_race += tallies[i].lost_race;
        all.failed += tallies[i].failed;
        all.total_ns += tallies[i].total_ns;
        if (tallies[i].slowest_ns > all.slowest_ns)
            all.slowest_ns = tallies[i].slowest_ns;
    }
    double calls = (double)(all.acknowledged + all.lost_race + all.failed);
    printf("%u writers, %.0f operations in %.1f s (%.0f/s): %lu acknowledged, %lu lost a race, %lu "
           "failed\n",
           settings.writers, calls, (double)took / 1e9, calls * 1e9 / (double)took,
           all.acknowledged, all.lost_race, all.failed);
    printf("one operation took %.1f ms on average, %.1f ms at most\n",
           (double)all.total_ns / 1e6 / calls, (double)all.slowest_ns / 1e6);
    return all.failed;
}

static unsigned number_from(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 1 || value > 1000000)
        trouble("not a number from 1: %s", text);
    return (unsigned)value;
}

static void settings_parse(char **argv)
{
    for (; *argv; argv += 2) {
        unsigned *number = strcmp(*argv, "--writers") == 0      ? &settings.writers
                           : strcmp(*argv, "--operations") == 0 ? &settings.operations
                           : strcmp(*argv, "--seed") == 0       ? &settings.seed
                                                                : NULL;
        if (!argv[1])
            trouble("%s wants a value", *argv);
        if (number)
            *number = number_from(argv[1]);
        else if (strcmp(*argv, "--program") == 0)
            settings.program = argv[1];
        else if (strcmp(*argv, "--home") == 0)
            settings.home = argv[1];
        else
            trouble("unknown option %s", *argv);
    }
    if (!settings.program || !settings.home)
        trouble("--program and --home are needed");
}

int main(int argc, char **argv)
{
    settings_parse(argv + (argc > 0));
    setenv("SECURE_MCP_GATEWAY_HOME", settings.home, 1);
    size_t size = (settings.writers + 1) * sizeof(struct tally);
    struct tally *tallies =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct writer *writers = calloc(settings.writers + 1, sizeof *writers);
    if (tallies == MAP_FAILED || !writers)
        trouble("out of memory");
    for (unsigned i = 0; i <= settings.writers; i++)
        writer_init(&writers[i], i, &tallies[i]);
    struct writer *parent = &writers[settings.writers];
    prepare(parent);
    uint64_t start = now_ns();
    bool good = run_writers(writers);
    uint64_t took = now_ns() - start;
    unsigned long wrong = summarize(tallies, took);
    wrong += compare(parent, writers);
    wrong += complain(parent, writer_run(parent, "system", "health-check", NULL), "health-check");
    wrong += complain(parent, writer_run(parent, "audit", "verify", NULL), "audit verify");
    for (unsigned i = 0; i <= settings.writers; i++)
        writer_done(&writers[i]);
    free(writers);
    printf("%s\n", good && wrong == 0 ? "the books and the store agree" : "VIOLATIONS");
    return good && wrong == 0 ? 0 : 1;
}
