// naughty: runs a program with hostile strings as its arguments, many times, and watches how it
// takes them.
//
//   naughty [-e FILE] [-l FILE] [-r N:SEED] [-k K | -x] [-j JOBS] TEMPLATES PROGRAM
//
// TEMPLATES is a file of commands, a line each, tab-separated: NAME FLAGS BENIGN ARG ARG ... In the
// ARGs `@@` stands for the string. FLAGS: `s` leaves out strings with a slash (for options that
// name files to write), `-` none. With BENIGN in place of `@@` the program must not exit 2: so a
// template that names an option wrongly is noticed.
//
//   -e FILE    strings, a line each, with escapes: \xHH \n \r \t \\ and \{N:text} for N times text;
//              `#` begins a comment
//   -l FILE    strings, a line each, as they stand; without blank lines and `#` lines
//   -r N:SEED  N random strings, the same for the same SEED
//   -k K       each listed string goes to K templates (8), in turn; each random string to one
//   -x         every string goes to every template
//
// What must hold for each run: it ends within 10 s, by itself, with status 0, 1 or 2, no
// sanitizer report, and all it prints is UTF-8 without control characters. On 1 and 2 stdout is
// empty, and stderr is one line `error: ...` and else lines `hint: ...`, or one JSON object.
//
// Prints a line per template: NAME, runs, how many ended with 0, 1, 2. Exit status 0 when all held,
// 1 when not, 2 wrong use.
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

enum {
    MAX_ARGS = 32,
    MAX_STRING = 120000,   // Linux takes at most 128 KiB in one argument
    MAX_SHOWN = 25,        // failures printed per worker
    MAX_OUTPUT = 64 << 20, // of one run, more is a failure
    RUN_SECONDS = 10,      // of one run, more is a failure too
};

extern char **environ;

struct text {
    char *at;
    size_t len;
};

struct template
{
    char *name, *flags, *benign;
    char *args[MAX_ARGS];
    int count;
};

struct list {
    struct text *at;
    size_t len, room;
};

// One per template, in memory shared by the workers.
struct tally {
    _Atomic unsigned long runs, ended[3];
};

struct plan {
    const char *program;
    struct template *templates;
    size_t template_count;
    struct list listed;
    size_t random_count;
    uint64_t seed;
    size_t spread; // templates per listed string; 0: all of them, for random ones too
    unsigned jobs;
    struct tally *tally;
    _Atomic unsigned long *failures;
};

// What one worker reuses from run to run.
struct worker {
    const struct plan *plan;
    int out, err;
    char *seen; // the output under examination
    size_t room;
    unsigned shown;
};

static void die(const char *what)
{
    fprintf(stderr, "naughty: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void *grow(void *old, size_t size)
{
    void *p = realloc(old, size);
    if (!p)
        die("memory");
    return p;
}

static void list_add(struct list *list, const char *at, size_t len)
{
    if (len > MAX_STRING || memchr(at, '\0', len))
        return;
    if (list->len == list->room) {
        list->room = list->room ? list->room * 2 : 256;
        list->at = grow(list->at, list->room * sizeof *list->at);
    }
    char *copy = grow(NULL, len + 1);
    memcpy(copy, at, len);
    copy[len] = '\0';
    list->at[list->len++] = (struct text){copy, len};
}

// Decodes escapes of `in` to `out` (room for MAX_STRING); returns what follows, or NULL for a wrong
// escape. `stop` ends it.
static const char *decode(const char *in, char stop, char *out, size_t *ret_len);

static const char *decode_repeat(const char *in, char *out, size_t room, size_t *ret_len)
{
    char *end;
    unsigned long times = strtoul(in, &end, 10);
    if (end == in || *end != ':')
        return NULL;
    char *unit = grow(NULL, MAX_STRING);
    size_t len = 0;
    const char *rest = decode(end + 1, '}', unit, &len);
    if (!rest || *rest != '}' || len * times > room) {
        free(unit);
        return NULL;
    }
    for (unsigned long i = 0; i < times; i++)
        memcpy(out + i * len, unit, len);
    free(unit);
    *ret_len = len * times;
    return rest + 1;
}

static const char *decode(const char *in, char stop, char *out, size_t *ret_len)
{
    size_t len = 0;
    while (*in && *in != stop) {
        if (len + 8 > MAX_STRING)
            return NULL;
        if (*in != '\\') {
            out[len++] = *in++;
            continue;
        }
        in++;
        static const char from[] = "nrt\\", to[] = "\n\r\t\\";
        const char *simple = *in ? strchr(from, *in) : NULL;
        size_t more = 0;
        if (simple) {
            out[len++] = to[simple - from];
            in++;
        } else if (*in == 'x' && isxdigit((unsigned char)in[1]) && isxdigit((unsigned char)in[2])) {
            out[len++] = (char)strtoul((char[]){in[1], in[2], '\0'}, NULL, 16);
            in += 3;
        } else if (*in == '{' && (in = decode_repeat(in + 1, out + len, MAX_STRING - len, &more))) {
            len += more;
        } else {
            return NULL;
        }
    }
    *ret_len = len;
    return in;
}

static FILE *opened(const char *path)
{
    FILE *in = fopen(path, "r");
    if (!in)
        die(path);
    return in;
}

static void read_strings(struct list *list, const char *path, bool escaped)
{
    FILE *in = opened(path);
    char *line = NULL, *out = grow(NULL, MAX_STRING);
    size_t room = 0;
    for (int number = 1; getline(&line, &room, in) > 0; number++) {
        line[strcspn(line, "\n")] = '\0';
        size_t len = strlen(line);
        if (*line == '#' || !*line)
            continue;
        if (!escaped) {
            list_add(list, line, len);
        } else if (decode(line, '\0', out, &len)) {
            list_add(list, out, len);
        } else {
            fprintf(stderr, "naughty: %s:%d: wrong escape\n", path, number);
            exit(2);
        }
    }
    free(out);
    free(line);
    fclose(in);
}

static void read_templates(struct plan *plan, const char *path)
{
    FILE *in = opened(path);
    char *line = NULL; // belongs to the template; each has its own
    for (size_t room = 0; getline(&line, &room, in) > 0; line = NULL, room = 0) {
        if (*line == '#')
            continue;
        struct template t = {0};
        char **field[] = {&t.name, &t.flags, &t.benign}, *save = line;
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < 3; i++)
            *field[i] = strsep(&save, "\t");
        while (save && t.count < MAX_ARGS - 2)
            t.args[t.count++] = strsep(&save, "\t");
        if (!t.count) {
            fprintf(stderr, "naughty: %s: a line needs a name, flags, a value, arguments\n", path);
            exit(2);
        }
        plan->templates = grow(plan->templates, (plan->template_count + 1) * sizeof t);
        plan->templates[plan->template_count++] = t;
    }
    fclose(in);
}

// xorshift64*: the same numbers everywhere.
static uint64_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static size_t put(char *out, wchar_t c)
{
    mbstate_t state = {0};
    size_t n = wcrtomb(out, c, &state);
    return n == (size_t)-1 ? 0 : n; // surrogates are in no multibyte text
}

// The index-th random string of the seed: half of them plain bytes, the others near to what the
// program expects.
static struct text random_string(const struct plan *plan, size_t index, char *out)
{
    uint64_t s =
        plan->seed * UINT64_C(0x9e3779b97f4a7c15) + index * UINT64_C(0xbf58476d1ce4e5b9) + 1;
    for (int i = 0; i < 4; i++)
        next(&s);
    unsigned kind = (unsigned)(next(&s) % 10);
    size_t want = 1 + next(&s) % (kind == 0 ? 1024 : 48), len = 0;
    if (next(&s) % 500 == 0)
        want = 65536;
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    switch (kind) {
    case 5: // printable ASCII
        while (len < want)
            out[len++] = (char)(' ' + next(&s) % 95);
        break;
    case 6: // code points, noncharacters among them
        while (len < want)
            len += put(out + len, 1 + (wchar_t)(next(&s) % (next(&s) % 2 ? 0x3000 : 0x110000)));
        break;
    case 7: // shaped like a key
        memcpy(out, "smg_", 4);
        for (len = 4; len < 48;)
            out[len++] = base64[next(&s) % 64];
        if (next(&s) % 2)
            out[next(&s) % 48] = (char)(1 + next(&s) % 255);
        break;
    case 8: // shaped like an address
        while (len < want % 20 + 1)
            out[len++] = base64[next(&s) % 62];
        memcpy(out + len, "@example.com", 12);
        len += 12;
        out[next(&s) % len] = (char)(1 + next(&s) % 255);
        break;
    default:
        while (len < want)
            out[len++] = (char)(1 + next(&s) % 255);
        break;
    }
    out[len] = '\0';
    return (struct text){out, len};
}

// `arg` with the string in place of @@; to be freed.
static char *filled(const char *arg, struct text string)
{
    const char *hole = strstr(arg, "@@");
    size_t len = strlen(arg);
    char *made = grow(NULL, len + string.len + 1);
    if (!hole)
        return memcpy(made, arg, len + 1);
    size_t before = (size_t)(hole - arg);
    memcpy(made, arg, before);
    memcpy(made + before, string.at, string.len);
    memcpy(made + before + string.len, hole + 2, len - before - 2 + 1);
    return made;
}

static volatile sig_atomic_t current;
static void too_late(int sig)
{
    (void)sig;
    if (current > 0)
        kill((pid_t)current, SIGKILL);
}

static int spawn(struct worker *w, char *const argv[])
{
    posix_spawn_file_actions_t fa;
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&fa, w->out, 1);
    posix_spawn_file_actions_adddup2(&fa, w->err, 2);
    if (ftruncate(w->out, 0) || ftruncate(w->err, 0) || lseek(w->out, 0, SEEK_SET) ||
        lseek(w->err, 0, SEEK_SET))
        die("output");
    pid_t pid;
    int rc = posix_spawn(&pid, w->plan->program, &fa, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&fa);
    if (rc) {
        errno = rc;
        die(w->plan->program);
    }
    current = pid;
    alarm(RUN_SECONDS);
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            die("wait");
    current = 0;
    alarm(0);
    return status;
}

static struct text output(struct worker *w, int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);
    size_t len = end < 0 ? 0 : (size_t)end;
    if (len > MAX_OUTPUT)
        len = MAX_OUTPUT;
    if (len + 1 > w->room)
        w->seen = grow(w->seen, w->room = len + 1);
    size_t got = 0;
    while (got < len) {
        ssize_t n = pread(fd, w->seen + got, len - got, (off_t)got);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    w->seen[got] = '\0';
    return (struct text){w->seen, got};
}

static const char *check_text(struct text t)
{
    mbstate_t state = {0};
    wchar_t c;
    for (size_t i = 0, n; i < t.len; i += n) {
        n = mbrtowc(&c, t.at + i, t.len - i, &state);
        if (n == 0 || n > t.len)
            return "output is not UTF-8";
        if ((c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0))
            return "a control character in the output";
    }
    return NULL;
}

static const char *check_error(struct text t)
{
    if (t.len && t.at[0] == '{')
        return NULL;
    int errors = 0;
    for (const char *line = t.at; *line;) {
        if (strncmp(line, "error: ", 7) == 0)
            errors++;
        else if (strncmp(line, "hint: ", 6) != 0)
            return "stderr has a line that is neither error nor hint";
        const char *end = strchr(line, '\n');
        if (!end)
            return "stderr does not end with a newline";
        line = end + 1;
    }
    return errors == 1 ? NULL : "stderr has not exactly one error line";
}

// What is wrong with how the last run ended, or NULL.
static const char *judge(struct worker *w, int status)
{
    struct text err = output(w, w->err);
    if (strstr(err.at, "Sanitizer") || strstr(err.at, "runtime error:"))
        return "a sanitizer report";
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGKILL ? "did not end in time" : "killed by a signal";
    int code = WEXITSTATUS(status);
    if (code > 2)
        return "exit status above 2";
    const char *wrong = check_text(err);
    if (!wrong && code)
        wrong = check_error(err);
    if (wrong)
        return wrong;
    struct text out = output(w, w->out);
    if (code && out.len)
        return "output on stdout along with a failure";
    return check_text(out);
}

static void show_arg(const char *arg)
{
    bool plain = *arg != '\0';
    for (const char *c = arg; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.,@:", *c))
            plain = false;
    if (plain) {
        printf(" %.200s", arg);
        return;
    }
    printf(" $'");
    size_t shown = 0;
    for (const unsigned char *c = (const unsigned char *)arg; *c && shown < 200; c++, shown++) {
        if (*c < 0x20 || *c >= 0x7f || *c == '\'' || *c == '\\')
            printf("\\x%02x", *c);
        else
            putchar(*c);
    }
    printf("'%s", arg[shown] ? "..." : "");
}

static void complain(struct worker *w, const struct template *t, char *const argv[], int status,
                     const char *wrong)
{
    atomic_fetch_add(w->plan->failures, 1);
    if (w->shown++ >= MAX_SHOWN)
        return;
    flockfile(stdout);
    printf("FAIL %s: %s (", t->name, wrong);
    if (WIFSIGNALED(status))
        printf("signal %d)\n    ", WTERMSIG(status));
    else
        printf("status %d)\n    ", WEXITSTATUS(status));
    for (int i = 1; argv[i]; i++)
        show_arg(argv[i]);
    struct text err = output(w, w->err);
    printf("\n    stderr:");
    err.at[err.len < 400 ? err.len : 400] = '\0';
    show_arg(err.at);
    printf("\n");
    fflush(stdout);
    funlockfile(stdout);
}

// One run. Returns the exit status, or -1 when something was wrong.
static int run(struct worker *w, size_t index, struct text string, bool benign)
{
    const struct template *t = &w->plan->templates[index];
    char *argv[MAX_ARGS] = {(char *)(uintptr_t)w->plan->program};
    for (int i = 0; i < t->count; i++)
        argv[i + 1] = filled(t->args[i], string);
    int status = spawn(w, argv);
    const char *wrong = judge(w, status);
    if (!wrong && benign && WEXITSTATUS(status) == 2)
        wrong = "the benign value is wrong use: is the template right?";
    if (wrong)
        complain(w, t, argv, status, wrong);
    for (int i = 1; i <= t->count; i++)
        free(argv[i]);
    int code = wrong || !WIFEXITED(status) ? -1 : WEXITSTATUS(status);
    struct tally *tally = &w->plan->tally[index];
    atomic_fetch_add(&tally->runs, 1);
    if (code >= 0)
        atomic_fetch_add(&tally->ended[code], 1);
    return code;
}

static void run_spread(struct worker *w, size_t number, struct text string, size_t spread)
{
    const struct plan *plan = w->plan;
    if (!spread || spread > plan->template_count)
        spread = plan->template_count;
    for (size_t i = 0; i < spread; i++) {
        size_t index = (number * spread + i) % plan->template_count;
        if (strchr(plan->templates[index].flags, 's') && strchr(string.at, '/'))
            continue;
        run(w, index, string, false);
    }
}

static int worker_main(const struct plan *plan, unsigned part)
{
    struct worker w = {.plan = plan,
                       .out = memfd_create("out", MFD_CLOEXEC),
                       .err = memfd_create("err", MFD_CLOEXEC)};
    if (w.out < 0 || w.err < 0)
        die("memfd");
    struct sigaction act = {.sa_handler = too_late};
    sigaction(SIGALRM, &act, NULL);
    if (part == 0)
        for (size_t i = 0; i < plan->template_count; i++) {
            char *benign = plan->templates[i].benign;
            run(&w, i, (struct text){benign, strlen(benign)}, true);
        }
    for (size_t i = part; i < plan->listed.len; i += plan->jobs)
        run_spread(&w, i, plan->listed.at[i], plan->spread);
    char *room = grow(NULL, MAX_STRING);
    for (size_t i = part; i < plan->random_count; i += plan->jobs)
        run_spread(&w, i, random_string(plan, i, room), plan->spread ? 1 : 0);
    free(room);
    free(w.seen);
    fflush(stdout);
    return 0;
}

static int usage(void)
{
    fprintf(
        stderr,
        "usage: naughty [-e FILE] [-l FILE] [-r N:SEED] [-k K | -x] [-j JOBS] TEMPLATES PROGRAM\n");
    return 2;
}

static bool read_options(struct plan *plan, int argc, char **argv)
{
    char *colon;
    for (int c; (c = getopt(argc, argv, "e:l:r:k:xj:")) != -1;) {
        switch (c) {
        case 'e':
            read_strings(&plan->listed, optarg, true);
            break;
        case 'l':
            read_strings(&plan->listed, optarg, false);
            break;
        case 'r':
            plan->random_count = strtoul(optarg, &colon, 10);
            if (*colon == ':')
                plan->seed = strtoull(colon + 1, NULL, 10);
            break;
        case 'k':
            plan->spread = strtoul(optarg, NULL, 10);
            break;
        case 'x':
            plan->spread = 0;
            break;
        case 'j':
            plan->jobs = (unsigned)strtoul(optarg, NULL, 10);
            break;
        default:
            return false;
        }
    }
    return optind + 2 == argc && plan->jobs > 0 && plan->jobs <= 64;
}

int main(int argc, char **argv)
{
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        die("C.UTF-8");
    struct plan plan = {.seed = 1, .spread = 8, .jobs = 2};
    if (!read_options(&plan, argc, argv))
        return usage();
    read_templates(&plan, argv[optind]);
    plan.program = argv[optind + 1];
    if (!plan.template_count || !(plan.listed.len + plan.random_count))
        return usage();
    // Shared by the workers; the last tally counts the failures of all.
    size_t shared = (plan.template_count + 1) * sizeof *plan.tally;
    plan.tally = mmap(NULL, shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (plan.tally == MAP_FAILED)
        die("shared memory");
    plan.failures = &plan.tally[plan.template_count].runs;
    for (unsigned part = 0; part < plan.jobs; part++) {
        pid_t pid = fork();
        if (pid < 0)
            die("fork");
        if (pid == 0)
            _exit(worker_main(&plan, part));
    }
    bool broken = false;
    for (int status; wait(&status) > 0;)
        broken |= status != 0;
    unsigned long runs = 0;
    for (size_t i = 0; i < plan.template_count; i++) {
        struct tally *t = &plan.tally[i];
        printf("%s %lu %lu %lu %lu\n", plan.templates[i].name, t->runs, t->ended[0], t->ended[1],
               t->ended[2]);
        runs += t->runs;
    }
    printf("%zu listed and %zu random strings, %lu runs, %lu wrong\n", plan.listed.len,
           plan.random_count, runs, *plan.failures);
    return broken || *plan.failures || !runs;
}
