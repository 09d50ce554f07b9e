// hold_main.c: the holder, a small program between the gateway and a child of it; see child.h and
// hold.h. It is linked with libc only and knows nothing of the gateway.
//
// Its owner's death is noticed by the end of the control socket, which the system closes whatever
// the owner died of, and by a pidfd, in case somebody else has inherited the owner's end. (The
// signal that PR_SET_PDEATHSIG sends comes when the owner's *thread* ends, so it is used only
// between the holder, which has one thread, and the child, in case the holder itself is killed.)
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/hold.h"

enum { NOT_STARTED = 127, GRACE = 1000 }; // ms from SIGTERM to SIGKILL when the owner is gone

struct hold {
    pid_t owner, child;
    uint64_t memory, file_size, descriptors, processes; // 0: not limited
    const char *folder;
    char **command;
    int control, pidfd, signals, trouble; // trouble: a reason, when the child could not be started
    bool ending;                          // the owner is gone
    int64_t kill_at;                      // ms; 0: not decided
};

// --- the child, before it is what it shall be ------------------------------------------------
static bool set_limit(__rlimit_resource_t what, uint64_t wanted)
{
    struct rlimit limit;
    if (getrlimit(what, &limit) != 0)
        return false;
    if (limit.rlim_max > wanted)
        limit.rlim_max = wanted;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(what, &limit) == 0;
}

static bool set_limits(const struct hold *hold)
{
    return set_limit(RLIMIT_CORE, 0) && (hold->memory == 0 || set_limit(RLIMIT_AS, hold->memory)) &&
           (hold->file_size == 0 || set_limit(RLIMIT_FSIZE, hold->file_size)) &&
           (hold->descriptors == 0 || set_limit(RLIMIT_NOFILE, hold->descriptors)) &&
           (hold->processes == 0 || set_limit(RLIMIT_NPROC, hold->processes));
}

static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL); // not of SIGKILL and SIGSTOP
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static enum hold_reason become_child(const struct hold *hold)
{
    if (setsid() < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return HOLD_OTHER;
    if (chdir(hold->folder) != 0)
        return HOLD_FOLDER;
    reset_signals();
    if (!set_limits(hold))
        return HOLD_LIMITS;
    (void)execvp(hold->command[0], hold->command);
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return HOLD_NOT_FOUND;
    case EACCES:
    case EPERM:
        return HOLD_NOT_ALLOWED;
    case ENOMEM:
    case EAGAIN:
        return HOLD_MEMORY;
    default:
        return HOLD_OTHER;
    }
}

static bool start(struct hold *hold)
{
    int trouble[2];
    pid_t holder = getpid();
    if (pipe2(trouble, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    hold->child = fork();
    if (hold->child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != holder) // it was too late for the signal
            _exit(NOT_STARTED);
        char reason = (char)become_child(hold);
        (void)!write(trouble[1], &reason, 1);
        _exit(NOT_STARTED);
    }
    (void)close(trouble[1]);
    hold->trouble = trouble[0];
    return hold->child > 0;
}

// --- the end of all --------------------------------------------------------------------------
// Sends SIGKILL to each child of this process. They cannot be taken for others, since their numbers
// are free only when we have waited for them. False when there is no telling who they are.
static bool kill_children(void)
{
    char path[64], line[4096];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    int pid;
    setvbuf(file, line, _IOFBF, sizeof line);
    while (fscanf(file, "%d", &pid) == 1)
        (void)kill(pid, SIGKILL);
    (void)fclose(file);
    return true;
}

// The same where the kernel does not list children: all processes are looked at.
static bool kill_children_by_search(void)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return false;
    for (struct dirent *entry; (entry = readdir(proc));) {
        char path[NAME_MAX + 16], text[512];
        int parent;
        (void)snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
            continue;
        ssize_t size = read(file, text, sizeof text - 1);
        (void)close(file);
        text[size > 0 ? size : 0] = '\0';
        const char *name_end = strrchr(text, ')'); // `1 (name) S 0 …`
        if (name_end && sscanf(name_end + 1, " %*c %d", &parent) == 1 && parent == getpid())
            (void)kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
    }
    (void)closedir(proc);
    return true;
}

// Kills the child, those it has left and, as they become ours when their parents die, all their
// descendants. Returns the child's status.
static int end_all(const struct hold *hold)
{
    int status = 0;
    (void)kill(-hold->child, SIGKILL);
    (void)kill(hold->child, SIGKILL); // it may not have come to setsid
    while (waitpid(hold->child, &status, 0) < 0 && errno == EINTR)
        ;
    for (;;) {
        bool known = kill_children() || kill_children_by_search();
        pid_t gone = waitpid(-1, NULL, known ? 0 : WNOHANG);
        if (gone == 0 || (gone < 0 && errno != EINTR))
            return status;
    }
}

// --- watching --------------------------------------------------------------------------------
static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void begin_to_end(struct hold *hold)
{
    if (hold->ending)
        return;
    hold->ending = true;
    hold->kill_at = now_ms() + GRACE;
    (void)kill(-hold->child, SIGTERM);
}

static void obey(struct hold *hold)
{
    char orders[16];
    ssize_t size = read(hold->control, orders, sizeof orders);
    if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) {
        hold->control = -1;
        begin_to_end(hold);
    }
    for (ssize_t i = 0; i < size; i++) {
        if (orders[i] == HOLD_TERMINATE)
            (void)kill(-hold->child, SIGTERM);
        else if (orders[i] == HOLD_KILL)
            hold->kill_at = 1; // long ago
    }
}

// Waits for those who are dead; but the child itself stays a zombie, so that nobody else can get
// the number of its group. True when it is dead.
static bool reap_others(const struct hold *hold)
{
    for (;;) {
        siginfo_t dead = {.si_pid = 0};
        if (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) != 0 || dead.si_pid == 0)
            return false;
        if (dead.si_pid == hold->child)
            return true;
        (void)waitpid(dead.si_pid, NULL, WNOHANG);
    }
}

// True when the child is dead.
static bool hear_signals(struct hold *hold)
{
    struct signalfd_siginfo signals[8];
    ssize_t size = read(hold->signals, signals, sizeof signals);
    for (ssize_t i = 0; i < size / (ssize_t)sizeof signals[0]; i++)
        if (signals[i].ssi_signo != SIGCHLD)
            begin_to_end(hold);
    return reap_others(hold);
}

// Until the child is dead, or is to be killed.
static void watch(struct hold *hold)
{
    while (hold->kill_at == 0 || now_ms() < hold->kill_at) {
        struct pollfd waits[] = {
            {.fd = hold->signals, .events = POLLIN},
            {.fd = hold->control, .events = POLLIN},
            {.fd = hold->pidfd, .events = POLLIN},
        };
        int64_t left = hold->kill_at == 0 ? -1 : hold->kill_at - now_ms();
        if (poll(waits, 3, left < -1 ? 0 : (int)left) < 0 && errno != EINTR)
            return;
        if (waits[0].revents && hear_signals(hold))
            return;
        if (waits[1].revents)
            obey(hold);
        if (waits[2].revents) {
            hold->pidfd = -1;
            begin_to_end(hold);
        }
    }
}

// --- the program -----------------------------------------------------------------------------
static bool parse_number(const char *text, uint64_t *ret_number)
{
    char *end;
    *ret_number = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

static bool parse(int argc, char **argv, struct hold *hold)
{
    int i = 1;
    for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
        uint64_t number = 0;
        if (strcmp(argv[i], "--folder") == 0)
            hold->folder = argv[i + 1];
        else if (!parse_number(argv[i + 1], &number))
            return false;
        else if (strcmp(argv[i], "--owner") == 0)
            hold->owner = (pid_t)number;
        else if (strcmp(argv[i], "--memory") == 0)
            hold->memory = number;
        else if (strcmp(argv[i], "--file-size") == 0)
            hold->file_size = number;
        else if (strcmp(argv[i], "--descriptors") == 0)
            hold->descriptors = number;
        else if (strcmp(argv[i], "--processes") == 0)
            hold->processes = number;
        else
            return false;
    }
    hold->command = argv + i + 1;
    return i + 1 < argc && hold->owner > 0;
}

// Nothing but the child's descriptors and the control socket is taken over from the owner.
static void close_others(void)
{
    if (syscall(SYS_close_range, HOLD_CONTROL + 1, UINT_MAX, 0) != 0) // Linux before 5.9
        for (int i = HOLD_CONTROL + 1, end = (int)sysconf(_SC_OPEN_MAX); i < end; i++)
            (void)close(i);
    (void)fcntl(HOLD_CONTROL, F_SETFD, FD_CLOEXEC);
}

// The child's end of its pipes is the child's alone.
static void let_go(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        if (null < 0 || dup2(null, i) < 0)
            (void)close(i);
    if (null > 2)
        (void)close(null);
}

static int open_signals(void)
{
    sigset_t wanted;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGCHLD);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGHUP);
    return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

// Ends as the child did.
static int leave(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    (void)set_limit(RLIMIT_CORE, 0);
    reset_signals();
    (void)raise(WTERMSIG(status));
    return 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    struct hold hold = {.folder = "/", .control = HOLD_CONTROL};
    sigset_t all;
    (void)sigfillset(&all);
    if (!parse(argc, argv, &hold)) {
        (void)fprintf(stderr, "%s is started by the gateway for itself\n", argv[0]);
        return NOT_STARTED;
    }
    close_others();
    hold.pidfd = (int)syscall(SYS_pidfd_open, hold.owner, 0); // -1 before Linux 5.3
    if (hold.pidfd >= 0)
        (void)fcntl(hold.pidfd, F_SETFD, FD_CLOEXEC);
    hold.signals = open_signals();
    if (getppid() != hold.owner || hold.signals < 0 || sigprocmask(SIG_SETMASK, &all, NULL) != 0 ||
        prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || !start(&hold)) {
        (void)!write(HOLD_CONTROL, &(char){HOLD_OTHER}, 1);
        return NOT_STARTED;
    }
    let_go();
    watch(&hold);
    int status = end_all(&hold);
    char reason;
    if (read(hold.trouble, &reason, 1) == 1)
        (void)!write(HOLD_CONTROL, &reason, 1);
    return leave(status);
}
