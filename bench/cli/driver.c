// driver: runs commands of the program beside their floor, many times, and compares.
//
//   driver --program P --tools DIR --stores DIR --samples FILE [--rounds N] [--list-rounds N]
//
// Under --stores: `read`, and equal copies of it that each writer has to itself: `program`, `floor`
// and `defaults` (folders with store.db). So nobody pays for what another left in the log. A round
// runs each contender of a case once, in an order
// that changes from round to round, so that whatever else the machine does hits all of them alike.
// Times are from before posix_spawn to after wait4, output goes to /dev/null; cpu is user and
// system time of the process; peak memory is ru_maxrss (never less than this driver's own, which
// the kernel hands on through the spawn: about 2 MB).
//
// Exit status: 0 measured, whatever came out; 1 a command failed or two outputs differ; 2 usage.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 8, CONTENDERS = 3, SAMPLES = 1000, ROUNDS = 10000, WARM_UP = 3, PATH = 1024 };

// Who runs: the program, the floor's program in two moods, or a process that does nothing.
enum who { NOBODY, PROGRAM, FLOOR, DEFAULTS, EMPTY };

// A word that begins with `%` stands for something of the sample of the round: `%email`, `%key`,
// `%digest`, `%project`, `%user` and `%in` (row numbers); `%new` is an address nobody has.
struct contender {
    enum who who;
    const char *words[WORDS];
};

enum aim { NO_AIM, AIM_READ, AIM_WRITE, AIM_LIST };

struct test {
    const char *name;
    bool writes;
    bool lists;   // takes long, so fewer rounds
    bool later;   // reads what the program wrote in tests before it, its log included
    bool differs; // the outputs cannot be the same
    enum aim aim;
    struct contender contenders[CONTENDERS]; // the ratio is that of the first to the second
};

// Filled while running.
struct measure {
    double *wall, *cpu; // milliseconds, one for each round
    double wall_median, wall_p95, cpu_median;
    long peak_kb;
};

struct outcome {
    struct measure measures[CONTENDERS];
    double ratio, cpu_ratio; // medians of the ratios of the rounds
};

struct sample {
    char line[512];
    const char *email, *key, *digest, *project, *user, *in;
};

static const struct test tests[] = {
    {.name = "(nothing)",
     .differs = true,
     .contenders = {{PROGRAM, {"--version"}}, {EMPTY, {NULL}}, {FLOOR, {"open"}}}},
    {.name = "user get",
     .aim = AIM_READ,
     .contenders = {{PROGRAM, {"user", "get", "--email", "%email"}}, {FLOOR, {"get", "%email"}}}},
    {.name = "user get-api-key",
     .aim = AIM_READ,
     .contenders = {{PROGRAM, {"user", "get-api-key", "--api-key", "%key"}},
                    {FLOOR, {"key", "%digest", "%key"}}}},
    {.name = "user create",
     .writes = true,
     .differs = true,
     .aim = AIM_WRITE,
     .contenders = {{PROGRAM, {"user", "create", "--email", "%new"}},
                    {FLOOR, {"insert", "%new"}},
                    {DEFAULTS, {"insert", "%new"}}}},
    {.name = "user generate-api-key",
     .writes = true,
     .differs = true,
     .aim = AIM_WRITE,
     .contenders = {{PROGRAM,
                     {"user", "generate-api-key", "--email", "%email", "--project-name",
                      "%project"}},
                    {FLOOR, {"insert-key", "%user", "%in"}},
                    {DEFAULTS, {"insert-key", "%user", "%in"}}}},
    {.name = "user get, after these",
     .later = true,
     .aim = AIM_READ,
     .contenders = {{PROGRAM, {"user", "get", "--email", "%email"}}, {FLOOR, {"get", "%email"}}}},
    {.name = "user list",
     .lists = true,
     .aim = AIM_LIST,
     .contenders = {{PROGRAM, {"user", "list"}}, {FLOOR, {"list"}}}},
    {.name = "user search (address)",
     .lists = true,
     .contenders = {{PROGRAM, {"user", "search", "--search-term", "elena.keeler"}},
                    {FLOOR, {"search", "elena.keeler"}}}},
    {.name = "user search (project)",
     .lists = true,
     .contenders = {{PROGRAM, {"user", "search", "--search-term", "project 07"}},
                    {FLOOR, {"search", "project 07"}}}},
    {.name = "user list-all-api-keys",
     .lists = true,
     .contenders = {{PROGRAM, {"user", "list-all-api-keys"}}, {FLOOR, {"list-keys"}}}},
};

enum { TESTS = sizeof tests / sizeof tests[0] };

static struct {
    const char *program, *tools, *stores, *samples;
    long rounds, list_rounds;
} settings = {.rounds = 200, .list_rounds = 7};

static struct sample samples[SAMPLES];
static size_t sample_count;

static void fail(const char *what, const char *detail)
{
    (void)fprintf(stderr, "driver: %s: %s\n", what, detail);
    exit(1);
}

static void *need(void *memory)
{
    if (!memory)
        fail("memory", strerror(ENOMEM));
    return memory;
}

static void read_samples(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        fail(path, strerror(errno));
    while (sample_count < SAMPLES) {
        struct sample *sample = &samples[sample_count];
        const char **fields[] = {&sample->email,   &sample->key,  &sample->digest,
                                 &sample->project, &sample->user, &sample->in};
        char *rest = sample->line;
        if (!fgets(sample->line, sizeof sample->line, file))
            break;
        rest[strcspn(rest, "\n")] = '\0';
        for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
            *fields[i] = strsep(&rest, "\t");
        if (!sample->in)
            fail(path, "a line has too few fields");
        sample_count++;
    }
    (void)fclose(file);
    if (sample_count == 0)
        fail(path, "no samples");
}

// What the placeholder `word` stands for.
static const char *meaning(const char *word, const struct sample *sample)
{
    static char fresh[64];
    static unsigned long made;
    if (strcmp(word, "%new") == 0) {
        (void)snprintf(fresh, sizeof fresh, "new.%x.%lu@example.com", (unsigned)getpid(), ++made);
        return fresh;
    }
    const struct {
        const char *name, *text;
    } words[] = {{"%email", sample->email},   {"%key", sample->key},
                 {"%digest", sample->digest}, {"%project", sample->project},
                 {"%user", sample->user},     {"%in", sample->in}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i].name) == 0)
            return words[i].text;
    return word;
}

// One process to be: its arguments and its environment.
struct command {
    const char *argv[WORDS + 4];
    char file[PATH], store[PATH], home[PATH + 32];
};

static void make_command(const struct test *test, const struct contender *contender,
                         const struct sample *sample, struct command *command)
{
    static const char *const tools[] = {[FLOOR] = "floor", [DEFAULTS] = "floor", [EMPTY] = "empty"};
    static const char *const folders[] = {
        [PROGRAM] = "program", [FLOOR] = "floor", [DEFAULTS] = "defaults", [EMPTY] = "read"};
    const char *folder = test->writes  ? folders[contender->who]
                         : test->later ? folders[PROGRAM]
                                       : "read";
    size_t count = 0;
    if (contender->who == PROGRAM)
        (void)snprintf(command->file, PATH, "%s", settings.program);
    else
        (void)snprintf(command->file, PATH, "%s/%s", settings.tools, tools[contender->who]);
    (void)snprintf(command->store, PATH, "%s/%s/store.db", settings.stores, folder);
    (void)snprintf(command->home, sizeof command->home, "SECURE_MCP_GATEWAY_HOME=%s/%s",
                   settings.stores, folder);
    command->argv[count++] = command->file;
    if (contender->who == DEFAULTS)
        command->argv[count++] = "--defaults";
    if (contender->who == FLOOR || contender->who == DEFAULTS)
        command->argv[count++] = command->store;
    for (size_t i = 0; i < WORDS && contender->words[i]; i++)
        command->argv[count++] = meaning(contender->words[i], sample);
    command->argv[count] = NULL;
}

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double timeval_ms(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

// Runs it to its end with its output in the file `out`.
static void run(const struct command *command, const char *out, double *ret_wall, double *ret_cpu,
                long *ret_peak_kb)
{
    posix_spawn_file_actions_t actions;
    char *environment[] = {(char *)(uintptr_t)command->home, NULL};
    struct rusage usage;
    pid_t child;
    int status;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    double start = now_ms();
    int number = posix_spawn(&child, command->file, &actions, NULL,
                             (char *const *)(uintptr_t)command->argv, environment);
    if (number != 0)
        fail(command->file, strerror(number));
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            fail("wait4", strerror(errno));
    *ret_wall = now_ms() - start;
    (void)posix_spawn_file_actions_destroy(&actions);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail(command->file, "failed; its message is above");
    *ret_cpu = timeval_ms(usage.ru_utime) + timeval_ms(usage.ru_stime);
    if (usage.ru_maxrss > *ret_peak_kb)
        *ret_peak_kb = usage.ru_maxrss;
}

static bool same_files(const char *a, const char *b)
{
    FILE *one = fopen(a, "r"), *other = fopen(b, "r");
    int byte;
    if (!one || !other)
        fail("open", strerror(errno));
    do
        byte = getc_unlocked(one);
    while (byte == getc_unlocked(other) && byte != EOF);
    bool same = byte == EOF && feof(one) && feof(other);
    (void)fclose(one);
    (void)fclose(other);
    return same;
}

// Before anything is timed: do both write the same?
static void check_outputs(const struct test *test)
{
    char out[2][PATH];
    struct command command;
    double wall, cpu;
    long peak = 0;
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(out[i], PATH, "%s/output.%zu", settings.stores, i);
        make_command(test, &test->contenders[i], &samples[sample_count / 2], &command);
        run(&command, out[i], &wall, &cpu, &peak);
    }
    if (!same_files(out[0], out[1]))
        fail(test->name, "the program and the floor write different output");
}

static int compare_numbers(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

// The number below which `part` of `count` numbers lie.
static double quantile(const double *numbers, long count, double part)
{
    double *sorted = (double *)need(calloc((size_t)count, sizeof *sorted));
    memcpy(sorted, numbers, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare_numbers);
    double at = part * (double)(count - 1);
    long low = (long)at, high = low + 1 < count ? low + 1 : low;
    double found = sorted[low] + (sorted[high] - sorted[low]) * (at - (double)low);
    free(sorted);
    return found;
}

static double median_of_ratios(const double *above, const double *below, long count)
{
    double *ratios = (double *)need(calloc((size_t)count, sizeof *ratios));
    for (long i = 0; i < count; i++)
        ratios[i] = above[i] / (below[i] > 0 ? below[i] : 1e-6);
    double median = quantile(ratios, count, 0.5);
    free(ratios);
    return median;
}

static size_t count_contenders(const struct test *test)
{
    size_t count = 0;
    while (count < CONTENDERS && test->contenders[count].who != NOBODY)
        count++;
    return count;
}

static void run_rounds(const struct test *test, struct outcome *outcome, long rounds)
{
    size_t count = count_contenders(test);
    struct command command;
    for (long round = -WARM_UP; round < rounds; round++) {
        const struct sample *sample = &samples[(size_t)(round + WARM_UP) % sample_count];
        for (size_t i = 0; i < count; i++) {
            size_t turn = (i + (size_t)(round + WARM_UP)) % count;
            struct measure *measure = &outcome->measures[turn];
            long at = round < 0 ? 0 : round;
            make_command(test, &test->contenders[turn], sample, &command);
            run(&command, "/dev/null", &measure->wall[at], &measure->cpu[at], &measure->peak_kb);
        }
    }
}

static void run_test(const struct test *test, struct outcome *outcome)
{
    long rounds = test->lists ? settings.list_rounds : settings.rounds;
    struct measure *first = &outcome->measures[0], *second = &outcome->measures[1];
    for (size_t i = 0; i < CONTENDERS; i++) {
        outcome->measures[i].wall = (double *)need(calloc((size_t)rounds, sizeof(double)));
        outcome->measures[i].cpu = (double *)need(calloc((size_t)rounds, sizeof(double)));
    }
    if (!test->differs)
        check_outputs(test);
    run_rounds(test, outcome, rounds);
    for (size_t i = 0; i < count_contenders(test); i++) {
        struct measure *measure = &outcome->measures[i];
        measure->wall_median = quantile(measure->wall, rounds, 0.5);
        measure->wall_p95 = quantile(measure->wall, rounds, 0.95);
        measure->cpu_median = quantile(measure->cpu, rounds, 0.5);
    }
    outcome->ratio = median_of_ratios(first->wall, second->wall, rounds);
    outcome->cpu_ratio = median_of_ratios(first->cpu, second->cpu, rounds);
}

static void print_head(void)
{
    (void)printf("%-24s %-16s %9s %9s %9s %8s  %6s %6s  %s\n", "", "", "wall ms", "p95 ms",
                 "cpu ms", "peak MB", "ratio", "cpu", "output");
}

static void print_outcome(const struct test *test, const struct outcome *outcome)
{
    static const char *const names[] = {[PROGRAM] = "program",
                                        [FLOOR] = "floor",
                                        [DEFAULTS] = "floor, defaults",
                                        [EMPTY] = "empty process"};
    for (size_t i = 0; i < count_contenders(test); i++) {
        const struct contender *contender = &test->contenders[i];
        const struct measure *measure = &outcome->measures[i];
        char label[64];
        bool opens = contender->who == FLOOR && strcmp(contender->words[0], "open") == 0;
        (void)snprintf(label, sizeof label, "%s%s", names[contender->who], opens ? ", open" : "");
        (void)printf("%-24s %-16s %9.3f %9.3f %9.3f %8.1f", i == 0 ? test->name : "", label,
                     measure->wall_median, measure->wall_p95, measure->cpu_median,
                     (double)measure->peak_kb / 1024);
        if (i == 0)
            (void)printf("  %6.2f %6.2f  %s", outcome->ratio, outcome->cpu_ratio,
                         test->differs ? "-" : "same");
        (void)printf("\n");
    }
    (void)fflush(stdout);
}

static void print_verdict(bool met, const char *aim, const char *name, double found,
                          const char *unit)
{
    (void)printf("%-7s %-44s %-22s %.2f%s\n", met ? "met" : "MISSED", aim, name, found, unit);
}

// Whether memory stays the same when ten times as much is listed.
static void judge_constancy(const struct test *test, const struct outcome *outcome)
{
    char limit[32];
    struct command command;
    double wall, cpu;
    long peak = 0;
    struct contender tenth = test->contenders[0];
    (void)snprintf(limit, sizeof limit, "%ld",
                   strtol(samples[sample_count - 1].user, NULL, 10) / 10 + 1);
    tenth.words[2] = "--limit";
    tenth.words[3] = limit;
    make_command(test, &tenth, &samples[0], &command);
    run(&command, "/dev/null", &wall, &cpu, &peak);
    double more = (double)(outcome->measures[0].peak_kb - peak) / 1024;
    print_verdict(more < 1, "constant memory: all against a tenth, < 1 MB", test->name, more,
                  " MB more");
}

// The log of the program's store after all those writes: each process reads it when it begins.
static void judge_log(void)
{
    char path[PATH];
    struct stat status;
    (void)snprintf(path, PATH, "%s/program/store.db-wal", settings.stores);
    double size = stat(path, &status) == 0 ? (double)status.st_size / 1048576 : 0;
    print_verdict(size < 2, "log cut off: < 2 MB after all writes", "store.db-wal", size, " MB");
}

static void judge(const struct test *test, const struct outcome *outcome)
{
    double peak = (double)outcome->measures[0].peak_kb / 1024;
    if (test->aim == AIM_READ) {
        print_verdict(outcome->ratio <= 1.5, "single read within 1.5 times its floor", test->name,
                      outcome->ratio, "");
        print_verdict(peak < 12, "single read under 12 MB", test->name, peak, " MB");
    }
    if (test->aim == AIM_WRITE)
        print_verdict(outcome->ratio <= 1.5, "durable write within 1.5 times its floor", test->name,
                      outcome->ratio, "");
    if (test->aim == AIM_LIST) {
        print_verdict(outcome->ratio <= 2, "whole list within 2 times its floor", test->name,
                      outcome->ratio, "");
        judge_constancy(test, outcome);
    }
}

static void read_options(int argc, char **argv)
{
    const struct {
        const char *name, **text;
        long *number;
    } options[] = {
        {"--program", &settings.program, NULL}, {"--tools", &settings.tools, NULL},
        {"--stores", &settings.stores, NULL},   {"--samples", &settings.samples, NULL},
        {"--rounds", NULL, &settings.rounds},   {"--list-rounds", NULL, &settings.list_rounds}};
    for (int i = 1; i + 1 < argc; i += 2) {
        for (size_t j = 0; j < sizeof options / sizeof options[0]; j++) {
            if (strcmp(argv[i], options[j].name) != 0)
                continue;
            if (options[j].text)
                *options[j].text = argv[i + 1];
            else
                *options[j].number = strtol(argv[i + 1], NULL, 10);
        }
    }
}

int main(int argc, char **argv)
{
    static struct outcome outcomes[TESTS];
    read_options(argc, argv);
    bool rounds_good = settings.rounds > 0 && settings.rounds <= ROUNDS &&
                       settings.list_rounds > 0 && settings.list_rounds <= ROUNDS;
    if (!settings.program || !settings.tools || !settings.stores || !settings.samples ||
        !rounds_good) {
        (void)fputs("usage: driver --program P --tools DIR --stores DIR --samples FILE "
                    "[--rounds N] [--list-rounds N]\n",
                    stderr);
        return 2;
    }
    read_samples(settings.samples);
    print_head();
    for (size_t i = 0; i < TESTS; i++) {
        run_test(&tests[i], &outcomes[i]);
        print_outcome(&tests[i], &outcomes[i]);
    }
    (void)printf("\n");
    for (size_t i = 0; i < TESTS; i++)
        judge(&tests[i], &outcomes[i]);
    judge_log();
    return 0;
}
