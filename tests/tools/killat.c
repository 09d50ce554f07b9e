/*
 * killat: runs a program and makes one chosen system call its last one, or makes that call fail.
 *
 * Why: a store that promises "all or nothing" has to keep the promise wherever the process dies.
 * Killing at random moments finds little; this tool numbers the system calls of a run and takes
 * them one by one, so that a loop around it has tried every moment there is: between two system
 * calls a process can change nothing that outlives it (but shared mappings, which no durable file
 * of ours uses).
 *
 *   killat --count [--only LIST]                  -- CMD ARGS   how many calls there are
 *   killat --kill N [--only LIST] [--lose DIR]    -- CMD ARGS   SIGKILL at the entry of call N
 *   killat --fail N --errno NAME [--only LIST]    -- CMD ARGS   call N is not made and returns NAME
 *
 * Calls are counted from 1, after execve. LIST is "write,fsync,...": then only those are counted.
 *   --skip-loader   does not count the calls made by the dynamic loader (they touch nothing of
 * ours)
 *   --sticky        with --fail: call N and all counted after it fail (a disk that stays full)
 *   --lose DIR      with --kill: what was written to files under DIR and not yet fsynced is taken
 * back, the way a power cut might: kill alone never loses what the kernel has
 *   --report FILE   one line: the count, or what became of call N (else on stderr)
 *   --timeout SEC   a run that takes longer is killed (default 30)
 *
 * Exit status: that of CMD (128 + signal when it died of one), 137 when killed at N, 124 after the
 * timeout, 125 for trouble of killat itself. With --fail, writes to descriptor 2 are never counted
 * (who could report that reporting failed), with --sticky those to descriptor 1 neither (another
 * disk).
 *
 * How: ptrace stops the process at the entry and exit of every call. At entry nothing has happened
 * yet; SIGKILL there means the call is not made. To fail a call its number is replaced by -1 and
 * the result, at exit, by -errno. Only those two steps know the processor; see "the processor"
 * below.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum mode { MODE_NONE, MODE_COUNT, MODE_KILL, MODE_FAIL };

enum { NUMBERS = 600, FILES = 64, EXIT_TIMEOUT = 124, EXIT_TROUBLE = 125, EXIT_KILLED = 137 };

/* One write that has not reached the disk, and what was there before it. */
struct undo {
    struct undo *next; /* older */
    size_t file;
    off_t offset, old_size;
    size_t length;
    char bytes[];
};

/* A file under --lose DIR, kept open so that it is found again after a rename or an unlink. */
struct held {
    dev_t dev;
    ino_t ino;
    int fd;
};

struct run {
    enum mode mode;
    long point;
    int error;
    bool sticky;
    bool skip_loader;
    bool any;           /* every call counts */
    bool only[NUMBERS]; /* otherwise these */
    const char *lose;
    const char *report;
    unsigned timeout;
    char **command;

    pid_t pid;
    bool started; /* execve is behind us */
    bool hit;
    long seen;
    long hit_number;
    pid_t answer_pid; /* whose call is being failed, between its entry and its exit */
    pid_t sync_pid;   /* who is in a fsync that makes the undo records of sync_fd pointless */
    int sync_fd;
    uint64_t loader_from, loader_to;
    struct held held[FILES];
    size_t helds;
    struct undo *undo;
};

/* clang-format off */
#define CALL(name) {#name, SYS_##name}

static const struct {
    const char *name;
    int number;
} call_names[] = {
    CALL(read), CALL(write), CALL(pread64), CALL(pwrite64), CALL(writev), CALL(fsync),
    CALL(fdatasync), CALL(ftruncate), CALL(fallocate), CALL(openat), CALL(close), CALL(renameat2),
    CALL(linkat), CALL(mkdirat), CALL(unlinkat), CALL(fchmod), CALL(fchmodat), CALL(fcntl),
    CALL(flock), CALL(lseek), CALL(mmap), CALL(munmap), CALL(mremap), CALL(mlock), CALL(brk),
    CALL(getrandom), CALL(newfstatat), CALL(fstat), CALL(exit_group),
#if defined(__x86_64__) /* the old spellings, which newer processors do without */
    CALL(open), CALL(rename), CALL(renameat), CALL(link), CALL(mkdir), CALL(unlink), CALL(rmdir),
    CALL(stat), CALL(lstat), CALL(chmod), CALL(access), CALL(readlink),
#endif
};
/* clang-format on */

static volatile sig_atomic_t timed_out;
static volatile sig_atomic_t child_pid;

__attribute__((noreturn, format(printf, 1, 2))) static void trouble(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("killat: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (child_pid > 0)
        kill((pid_t)child_pid, SIGKILL);
    exit(EXIT_TROUBLE);
}

/* ---- the processor: how a call is skipped and what it then returns ---- */

#if defined(__x86_64__)

static bool call_skip(pid_t pid)
{
    return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax), -1L) == 0;
}

static bool call_answer(pid_t pid, long value)
{
    return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), value) == 0;
}

#elif defined(__aarch64__)

static bool call_skip(pid_t pid)
{
    int none = -1;
    struct iovec part = {.iov_base = &none, .iov_len = sizeof none};
    return ptrace(PTRACE_SETREGSET, pid, (void *)NT_ARM_SYSTEM_CALL, &part) == 0;
}

static bool call_answer(pid_t pid, long value)
{
    struct user_regs_struct regs;
    struct iovec part = {.iov_base = &regs, .iov_len = sizeof regs};
    if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &part) != 0)
        return false;
    regs.regs[0] = (unsigned long long)value;
    return ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &part) == 0;
}

#else
#error "killat knows x86_64 and aarch64"
#endif

/* ---- names ---- */

static int call_number(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof call_names / sizeof *call_names; i++)
        if (strlen(call_names[i].name) == length && memcmp(call_names[i].name, name, length) == 0)
            return call_names[i].number;
    return -1;
}

static const char *call_name(long number)
{
    static char digits[24];
    for (size_t i = 0; i < sizeof call_names / sizeof *call_names; i++)
        if (call_names[i].number == number)
            return call_names[i].name;
    snprintf(digits, sizeof digits, "call %ld", number);
    return digits;
}

/* Old spellings that this processor does not have are skipped: their new ones are in the list too.
 */
static void run_set_only(struct run *run, const char *list)
{
    run->any = false;
    while (*list) {
        size_t length = strcspn(list, ",");
        int number = call_number(list, length);
        if (number >= 0)
            run->only[number] = true;
        list += length + (list[length] == ',');
    }
}

static int error_number(const char *name)
{
    for (int number = 1; number < 200; number++) {
        const char *known = strerrorname_np(number);
        if (known && strcmp(known, name) == 0)
            return number;
    }
    trouble("unknown error name %s", name);
}

/* ---- where the dynamic loader sits, so that its calls can be told apart ---- */

static uint64_t loader_base(pid_t pid)
{
    char path[64];
    Elf64_auxv_t entry = {0};
    snprintf(path, sizeof path, "/proc/%d/auxv", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        trouble("cannot read %s", path);
    while (entry.a_type != AT_BASE && fread(&entry, sizeof entry, 1, file) == 1)
        continue;
    fclose(file);
    return entry.a_type == AT_BASE ? entry.a_un.a_val : 0;
}

/* The loader is the file mapped at AT_BASE; its mappings follow each other. */
static void run_find_loader(struct run *run)
{
    char path[64], line[PATH_MAX + 128], owner[PATH_MAX + 1] = "", name[PATH_MAX + 1];
    uint64_t base = loader_base(run->pid), from, to;
    if (base == 0)
        return; /* a static program */
    snprintf(path, sizeof path, "/proc/%d/maps", (int)run->pid);
    FILE *file = fopen(path, "re");
    if (!file)
        trouble("cannot read %s", path);
    while (fgets(line, sizeof line, file)) {
        name[0] = '\0';
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %4096s", &from, &to, name) < 2)
            continue;
        if (from == base) {
            memcpy(owner, name, sizeof owner);
            run->loader_from = from;
        }
        if (owner[0] && strcmp(owner, name) == 0)
            run->loader_to = to;
    }
    fclose(file);
}

/* ---- what a power cut would take ---- */

/* The held file behind a descriptor of the traced process; -1 when it is none of ours. */
static int run_hold(struct run *run, int fd, struct stat *ret_stat)
{
    char link[64], target[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)run->pid, fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    size_t root = strlen(run->lose);
    if (length < 0 || (size_t)length <= root)
        return -1;
    target[length] = '\0';
    if (strncmp(target, run->lose, root) != 0 || target[root] != '/')
        return -1;
    if (stat(link, ret_stat) != 0 || !S_ISREG(ret_stat->st_mode))
        return -1;
    for (size_t i = 0; i < run->helds; i++)
        if (run->held[i].dev == ret_stat->st_dev && run->held[i].ino == ret_stat->st_ino)
            return (int)i;
    int mine = open(link, O_RDWR | O_CLOEXEC);
    if (mine < 0 || run->helds == FILES)
        trouble("cannot hold %s: %s", target, strerror(errno));
    run->held[run->helds] = (struct held){ret_stat->st_dev, ret_stat->st_ino, mine};
    return (int)run->helds++;
}

static off_t run_position(const struct run *run, int fd)
{
    char path[64];
    long long position;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)run->pid, fd);
    FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "pos: %lld", &position) != 1)
        trouble("cannot read %s", path);
    fclose(file);
    return (off_t)position;
}

/* Remembers `length` bytes at `offset` (less where the file is shorter) and the size of the file.
 */
static void run_remember(struct run *run, int file, off_t offset, uint64_t length, off_t size)
{
    uint64_t there = offset < size ? (uint64_t)(size - offset) : 0;
    if (length > there)
        length = there;
    struct undo *undo = malloc(sizeof *undo + length);
    if (!undo)
        trouble("out of memory");
    undo->file = (size_t)file;
    undo->offset = offset;
    undo->old_size = size;
    undo->length = length;
    if (pread(run->held[file].fd, undo->bytes, length, offset) != (ssize_t)length)
        trouble("cannot read back a file: %s", strerror(errno));
    undo->next = run->undo;
    run->undo = undo;
}

static void run_forget(struct run *run, int file)
{
    struct undo **at = &run->undo;
    while (*at) {
        struct undo *undo = *at;
        if (undo->file != (size_t)file) {
            at = &undo->next;
            continue;
        }
        *at = undo->next;
        free(undo);
    }
}

/* Newest first, so that what an older write replaced is what stays. */
static void run_take_back(struct run *run)
{
    while (run->undo) {
        struct undo *undo = run->undo;
        int fd = run->held[undo->file].fd;
        if (pwrite(fd, undo->bytes, undo->length, undo->offset) != (ssize_t)undo->length ||
            ftruncate(fd, undo->old_size) != 0)
            trouble("cannot take a write back: %s", strerror(errno));
        run->undo = undo->next;
        free(undo);
    }
}

static void run_watch_entry(struct run *run, pid_t pid, long number, const uint64_t *args)
{
    struct stat st;
    int fd = (int)args[0], file;
    switch (number) {
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_ftruncate:
        file = run_hold(run, fd, &st);
        if (file >= 0) {
            bool whole = number == SYS_writev || number == SYS_ftruncate;
            off_t offset = number == SYS_pwrite64    ? (off_t)args[3]
                           : number == SYS_ftruncate ? (off_t)args[1]
                                                     : run_position(run, fd);
            run_remember(run, file, offset, whole ? UINT64_MAX : args[2], st.st_size);
        }
        break;
    case SYS_fsync:
    case SYS_fdatasync:
        run->sync_pid = pid;
        run->sync_fd = fd;
        break;
    default:
        break;
    }
}

static void run_watch_exit(struct run *run, pid_t pid, bool is_error)
{
    struct stat st;
    if (run->sync_pid != pid)
        return;
    run->sync_pid = 0;
    int file = is_error ? -1 : run_hold(run, run->sync_fd, &st);
    if (file >= 0)
        run_forget(run, file);
}

/* ---- the run ---- */

static bool run_counts(const struct run *run, const struct __ptrace_syscall_info *info)
{
    uint64_t number = info->entry.nr;
    if (run->skip_loader && info->instruction_pointer >= run->loader_from &&
        info->instruction_pointer < run->loader_to)
        return false;
    bool stderr_or_stdout =
        info->entry.args[0] == STDERR_FILENO || (run->sticky && info->entry.args[0] == 1);
    if (run->mode == MODE_FAIL && number == SYS_write && stderr_or_stdout)
        return false;
    return run->any || (number < NUMBERS && run->only[number]);
}

static void run_entry(struct run *run, pid_t pid, const struct __ptrace_syscall_info *info)
{
    long number = (long)info->entry.nr;
    if (run_counts(run, info)) {
        run->seen++;
        bool now = run->seen == run->point;
        run->hit = run->hit || now;
        run->hit_number = now ? number : run->hit_number;
        if (now && run->mode == MODE_KILL) {
            call_skip(pid);
            kill(run->pid, SIGKILL);
            return;
        }
        if (run->mode == MODE_FAIL && (now || (run->sticky && run->seen > run->point))) {
            if (!call_skip(pid))
                trouble("cannot skip a call: %s", strerror(errno));
            run->answer_pid = pid;
            return;
        }
    }
    if (run->lose)
        run_watch_entry(run, pid, number, info->entry.args);
}

/* One stop at the entry or exit of a call. */
static void run_call_stop(struct run *run, pid_t pid)
{
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) < 0 || !run->started)
        return; /* dying already, or not yet the program we were asked to run */
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        run_entry(run, pid, &info);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && run->answer_pid == pid) {
        run->answer_pid = 0;
        if (!call_answer(pid, -(long)run->error))
            trouble("cannot answer a call: %s", strerror(errno));
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && run->lose) {
        run_watch_exit(run, pid, info.exit.is_error);
    }
}

/* The signal to hand on to a stopped process. */
static int run_stop(struct run *run, pid_t pid, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_EXEC && pid == run->pid && !run->started) {
        run->started = true;
        if (run->skip_loader)
            run_find_loader(run);
    }
    if (event == 0 && signal == (SIGTRAP | 0x80))
        run_call_stop(run, pid);
    if (event != 0 || signal == (SIGTRAP | 0x80))
        return 0;
    /* A followed child starts with a stop that nobody sent. */
    return signal == SIGSTOP && pid != run->pid ? 0 : signal;
}

/* Follows the process and its children to the end of the process; returns its wait status. */
static int run_follow(struct run *run)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            trouble("lost the process: %s", strerror(errno));
        if (!WIFSTOPPED(status)) {
            if (pid == run->pid)
                return status;
            continue;
        }
        int signal = run_stop(run, pid, status);
        ptrace(PTRACE_SYSCALL, pid, 0, (long)signal);
    }
}

static void run_start(struct run *run)
{
    run->pid = fork();
    if (run->pid < 0)
        trouble("cannot fork: %s", strerror(errno));
    if (run->pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
            _exit(EXIT_TROUBLE);
        raise(SIGSTOP);
        execvp(run->command[0], run->command);
        fprintf(stderr, "killat: cannot run %s: %s\n", run->command[0], strerror(errno));
        _exit(EXIT_TROUBLE);
    }
    child_pid = run->pid;
    int status;
    while (waitpid(run->pid, &status, __WALL) < 0)
        if (errno != EINTR)
            trouble("lost the process: %s", strerror(errno));
    if (!WIFSTOPPED(status))
        trouble("ptrace is not allowed here");
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC |
                   PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
    if (ptrace(PTRACE_SETOPTIONS, run->pid, 0, options) != 0 ||
        ptrace(PTRACE_SYSCALL, run->pid, 0, 0L) != 0)
        trouble("cannot trace: %s", strerror(errno));
}

static int run_report(const struct run *run, int status)
{
    FILE *file = run->report ? fopen(run->report, "we") : stderr;
    if (!file)
        trouble("cannot write %s", run->report);
    bool killed = run->mode == MODE_KILL && run->hit && WIFSIGNALED(status);
    if (run->mode == MODE_COUNT)
        fprintf(file, "%ld\n", run->seen);
    else if (run->hit)
        fprintf(file, "%s %ld %s\n", killed ? "killed" : "failed", run->point,
                call_name(run->hit_number));
    else
        fprintf(file, "finished after %ld\n", run->seen);
    fflush(file);
    if (timed_out)
        return EXIT_TIMEOUT;
    if (killed)
        return EXIT_KILLED;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void on_alarm(int signal)
{
    (void)signal;
    timed_out = 1;
    kill((pid_t)child_pid, SIGKILL);
}

/* ---- the command line ---- */

static const char usage[] =
    "usage: killat --count | --kill N [--lose DIR] | --fail N --errno NAME [--sticky]\n"
    "              [--only CALL,...] [--skip-loader] [--report FILE] [--timeout SEC] -- CMD ARGS\n";

static long number_from(const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 1)
        trouble("not a number from 1: %s", text);
    return value;
}

static void run_set_value(struct run *run, const char *name, const char *value)
{
    if (strcmp(name, "--kill") == 0 || strcmp(name, "--fail") == 0) {
        run->mode = name[2] == 'k' ? MODE_KILL : MODE_FAIL;
        run->point = number_from(value);
    } else if (strcmp(name, "--errno") == 0) {
        run->error = error_number(value);
    } else if (strcmp(name, "--only") == 0) {
        run_set_only(run, value);
    } else if (strcmp(name, "--lose") == 0) {
        run->lose = value;
    } else if (strcmp(name, "--report") == 0) {
        run->report = value;
    } else if (strcmp(name, "--timeout") == 0) {
        run->timeout = (unsigned)number_from(value);
    } else {
        trouble("unknown option %s\n%s", name, usage);
    }
}

static void run_parse(struct run *run, int argc, char **argv)
{
    int i = 1;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--count") == 0)
            run->mode = MODE_COUNT;
        else if (strcmp(argv[i], "--sticky") == 0)
            run->sticky = true;
        else if (strcmp(argv[i], "--skip-loader") == 0)
            run->skip_loader = true;
        else if (i + 1 < argc) {
            run_set_value(run, argv[i], argv[i + 1]);
            i++;
        }
    }
    if (i + 1 >= argc || run->mode == MODE_NONE || (run->mode == MODE_FAIL && run->error == 0)) {
        fputs(usage, stderr);
        exit(EXIT_TROUBLE);
    }
    run->command = argv + i + 1;
}

int main(int argc, char **argv)
{
    struct run run = {.any = true, .timeout = 30};
    run_parse(&run, argc, argv);
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    run_start(&run);
    alarm(run.timeout);
    int status = run_follow(&run);
    alarm(0);
    if (run.lose)
        run_take_back(&run);
    return run_report(&run, status);
}
