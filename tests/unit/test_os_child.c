// test_os_child.c: children under the holder (SMG_HOLD).
#include "loop_steps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/child.h"

static char folder[] = "/tmp/test_os_child.XXXXXX";
static const char *holder;

struct world {
    struct loop *loop;
    struct child *child;
    struct buf output;
    size_t drained;
    bool exited, enough, free_at_exit, free_at_output;
    size_t wanted;
    int status;
    const char *reason;
};

static void output(void *context, struct view bytes)
{
    struct world *world = (struct world *)context;
    assert_false(world->exited);
    buf_add(&world->output, bytes);
    world->enough = world->output.size >= world->wanted;
    if (world->free_at_output)
        child_free(&world->child);
}

static void drained(void *context)
{
    struct world *world = (struct world *)context;
    world->drained++;
}

static void exited(void *context, int status, const char *reason)
{
    struct world *world = (struct world *)context;
    assert_false(world->exited);
    world->exited = true;
    world->status = status;
    world->reason = reason;
    if (world->free_at_exit)
        child_free(&world->child);
}

static const struct child_events events = {.output = output, .drained = drained, .exited = exited};
static const char *const no_words[] = {NULL};
static const char *const path_only[] = {"PATH=/usr/bin:/bin", NULL};

static void setup(struct world *world)
{
    struct err err;
    *world = (struct world){.wanted = 1};
    buf_init(&world->output, 100 << 20);
    assert_true(loop_new(&world->loop, &err));
}

static void teardown(struct world *world)
{
    child_free(&world->child);
    loop_free(&world->loop);
    buf_done(&world->output);
}

static void launch(struct world *world, const struct child_order *order)
{
    struct err err;
    if (!child_start(world->loop, order, &events, world, &world->child, &err))
        fail_msg("%s", err.message);
    assert_true(child_pid(world->child) > 0);
}

// A child that is the shell with this script.
static void launch_script(struct world *world, const char *script)
{
    const char *const arguments[] = {"-c", script, NULL};
    const struct child_order order = {.holder = holder,
                                      .command = "sh",
                                      .arguments = arguments,
                                      .environment = path_only,
                                      .folder = folder};
    setup(world);
    launch(world, &order);
}

static void wait_for_exit(struct world *world)
{
    assert_true(run_until(world->loop, &world->exited, 20000));
}

static void wait_for_output(struct world *world)
{
    assert_true(run_until(world->loop, &world->enough, 20000));
}

// A number that a script has written to a file in the folder.
static pid_t number_in(const char *name)
{
    char path[100], text[20] = "";
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    for (int i = 0; i < 1000 && !strchr(text, '\n'); i++) {
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = file < 0 ? 0 : read(file, text, sizeof text - 1);
        text[size > 0 ? size : 0] = '\0';
        if (file >= 0)
            close(file);
        if (!strchr(text, '\n'))
            usleep(5000);
    }
    assert_int_equal(unlink(path), 0);
    return (pid_t)strtol(text, NULL, 10);
}

static bool is_alive(pid_t pid)
{
    char path[64], text[512];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    text[size > 0 ? size : 0] = '\0';
    const char *end = strrchr(text, ')');
    return end && end[2] != 'Z' && end[2] != 'X';
}

static void assert_gone(pid_t pid)
{
    assert_true(pid > 1);
    for (int i = 0; i < 1000 && is_alive(pid); i++)
        usleep(5000);
    assert_false(is_alive(pid));
}

// --- talking ---------------------------------------------------------------------------------
static void echoes(void **state)
{
    (void)state;
    struct world world;
    const struct view pieces[] = {VIEW("hello "), VIEW("world\n")};
    const struct child_order order = {.holder = holder, .command = "cat"}; // a default PATH
    setup(&world);
    launch(&world, &order);
    world.wanted = 12;
    assert_true(child_write(world.child, pieces, 2));
    wait_for_output(&world);
    assert_true(view_is(buf_view(&world.output), "hello world\n"));
    child_stop(world.child, 10000); // it ends when its input does
    wait_for_exit(&world);
    assert_int_equal(world.status, 0);
    assert_null(world.reason);
    assert_true(child_write(world.child, pieces, 2)); // of no use, but no harm
    teardown(&world);
}

static void echoes_much(void **state)
{
    (void)state;
    enum { SIZE = 10 << 20 };
    struct world world;
    launch_script(&world, "cat");
    char *bytes = (char *)malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 31 + i / 1000);
    struct view piece = {bytes, SIZE};
    assert_true(child_write(world.child, &piece, 1));
    assert_true(child_queued(world.child) > SIZE / 2);
    child_hold(world.child, true);
    run_for(world.loop, 30);
    assert_int_equal(world.output.size, 0);
    child_hold(world.child, false);
    world.wanted = SIZE;
    wait_for_output(&world);
    assert_memory_equal(world.output.data, bytes, SIZE);
    assert_int_equal(world.drained, 1);
    assert_int_equal(child_queued(world.child), 0);
    free(bytes);
    teardown(&world);
}

static void tells_all_before_the_end(void **state)
{
    (void)state;
    struct world world;
    launch_script(&world, "head -c 3000000 /dev/zero; echo last words >&2; exit 7");
    child_hold(world.child, true);
    run_for(world.loop, 100);
    assert_false(world.exited);
    child_hold(world.child, false);
    wait_for_exit(&world);
    assert_int_equal(world.output.size, 3000000);
    assert_true(WIFEXITED(world.status));
    assert_int_equal(WEXITSTATUS(world.status), 7);
    assert_true(view_is(child_complaints(world.child), "last words\n"));
    teardown(&world);
}

static void waits_while_the_dead_ones_words_are_held(void **state)
{
    (void)state;
    struct world world;
    launch_script(&world, "echo said");
    child_hold(world.child, true);
    run_for(world.loop, 2500);
    assert_false(world.exited);
    child_hold(world.child, false);
    wait_for_exit(&world);
    assert_true(view_is(buf_view(&world.output), "said\n"));
    teardown(&world);
}

static void a_child_that_never_reads_fills_its_own_queue(void **state)
{
    (void)state;
    struct world world;
    static char bytes[1 << 20];
    struct view piece = {bytes, sizeof bytes};
    launch_script(&world, "exec 0</dev/zero; exec sleep 100 <&-");
    for (int i = 0; i < 4; i++)
        assert_true(child_write(world.child, &piece, 1));
    run_for(world.loop, 50);
    child_free(&world.child);
    loop_free(&world.loop);
    buf_done(&world.output);

    launch_script(&world, "sleep 100");
    int64_t start = loop_clock();
    for (int i = 0; i < 8; i++)
        assert_true(child_write(world.child, &piece, 1));
    assert_in_range(loop_clock() - start, 0, 2000000);
    run_for(world.loop, 20);
    assert_true(child_queued(world.child) > 7 * sizeof bytes);
    child_stop(world.child, 50);
    wait_for_exit(&world);
    assert_true(WIFSIGNALED(world.status));
    teardown(&world);
}

static void keeps_the_last_complaints(void **state)
{
    (void)state;
    struct world world;
    launch_script(&world, "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done >&2");
    wait_for_exit(&world);
    struct view said = child_complaints(world.child);
    assert_in_range(said.size, CHILD_STDERR - 11, CHILD_STDERR);
    assert_true(view_starts(said, VIEW("line "))); // nothing of one whose beginning is gone
    assert_true(view_equal(view_skip(said, said.size - 22), VIEW("line 19998\nline 19999\n")));
    teardown(&world);
}

static void keeps_no_half_a_line(void **state)
{
    (void)state;
    struct world world;
    launch_script(&world, "printf %9000d 1 >&2; printf %9000d 2 >&2; echo 3 >&2; echo 4 >&2");
    wait_for_exit(&world);
    assert_true(view_is(child_complaints(world.child), "4\n"));
    teardown(&world);
}

// --- what it is given ------------------------------------------------------------------------
static void gets_exactly_its_environment(void **state)
{
    (void)state;
    struct world world;
    const char *const environment[] = {"ONE=1", "TWO=a b=c", "EMPTY=", NULL};
    const struct child_order order = {.holder = holder,
                                      .command = "/usr/bin/env",
                                      .arguments = no_words,
                                      .environment = environment};
    assert_int_equal(setenv("ENKRYPT_GATEWAY_KEY", "secret", 1), 0);
    setup(&world);
    launch(&world, &order);
    wait_for_exit(&world);
    assert_true(view_is(buf_view(&world.output), "ONE=1\nTWO=a b=c\nEMPTY=\n"));
    teardown(&world);
}

static void gets_limits_and_a_place(void **state)
{
    (void)state;
    struct world world;
    const char *const arguments[] = {
        "-c",
        "pwd; ulimit -v; ulimit -n; ulimit -c; ulimit -f; ls /proc/self/fd | wc -l; "
        "grep -E '^(NoNewPrivs|SigBlk|SigIgn)' /proc/self/status; "
        "set -- $(cat /proc/self/stat); [ $5 = $$ ] && [ $6 = $$ ] && echo own",
        NULL};
    const struct child_order order = {.holder = holder,
                                      .command = "bash",
                                      .arguments = arguments,
                                      .environment = path_only,
                                      .folder = folder,
                                      .memory = UINT64_C(1) << 30,
                                      .file_size = UINT64_C(1) << 20,
                                      .descriptors = 77};
    int leaked = open("/dev/null", O_RDONLY); // the child must not see it
    setup(&world);
    launch(&world, &order);
    wait_for_exit(&world);
    char expected[300];
    (void)snprintf(expected, sizeof expected,
                   "%s\n1048576\n77\n0\n1024\n4\nSigBlk:\t0000000000000000\n"
                   "SigIgn:\t0000000000000000\nNoNewPrivs:\t1\nown\n",
                   folder);
    buf_add_char(&world.output, '\0');
    assert_string_equal(world.output.data, expected);
    close(leaked);
    teardown(&world);
}

static void says_why_it_could_not_start(void **state)
{
    (void)state;
    struct err err;
    static const struct {
        const char *command, *folder, *reason;
    } cases[] = {
        {"no-such-command", NULL, "the command was not found"},
        {"/no/such/command", NULL, "the command was not found"},
        {"/etc/passwd", NULL, "the command may not be executed"},
        {"cat", "/no/such/folder", "its folder cannot be entered"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct world world;
        const struct child_order order = {
            .holder = holder, .command = cases[i].command, .folder = cases[i].folder};
        setup(&world);
        launch(&world, &order);
        wait_for_exit(&world);
        assert_int_equal(WEXITSTATUS(world.status), 127);
        assert_string_equal(world.reason, cases[i].reason);
        teardown(&world);
    }
    struct world world;
    const struct child_order order = {.holder = "/no/such/holder", .command = "cat"};
    setup(&world);
    assert_false(child_start(world.loop, &order, &events, &world, &world.child, &err));
    assert_null(world.child);
    teardown(&world);
}

// --- the end ---------------------------------------------------------------------------------
static void forwards_signals_in_the_status(void **state)
{
    (void)state;
    struct world world;
    launch_script(&world, "kill -USR1 $$");
    wait_for_exit(&world);
    assert_true(WIFSIGNALED(world.status));
    assert_int_equal(WTERMSIG(world.status), SIGUSR1);
    teardown(&world);
}

static void kills_who_ignores_requests(void **state)
{
    (void)state;
    struct world world;
    launch_script(&world, "trap '' TERM; echo ready; while :; do sleep 1; done");
    wait_for_output(&world);
    int64_t start = loop_clock();
    child_stop(world.child, 100);
    wait_for_exit(&world);
    assert_in_range(loop_clock() - start, 190000, 3000000);
    assert_int_equal(WTERMSIG(world.status), SIGKILL);
    teardown(&world);

    launch_script(&world, "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done");
    wait_for_output(&world);
    child_stop(world.child, 2000);
    wait_for_exit(&world);
    assert_int_equal(WEXITSTATUS(world.status), 3);
    assert_true(view_is(buf_view(&world.output), "ready\nbye\n"));
    teardown(&world);
}

// A daemon of the old school: a session of its own, an orphan, deaf to signals.
static const char daemon_script[] =
    "(setsid sh -c \"trap '' TERM HUP; (trap '' TERM HUP; echo \\$\\$ > daemon.tmp; "
    "mv daemon.tmp daemon; while :; do sleep 1; done) & exit 0\" &) ; "
    "while [ ! -e daemon ]; do sleep 0.01; done; ";

// The number in the file is that of the shell that has gone, so look for who holds on: by its
// group.
static pid_t daemon_group(void)
{
    return number_in("daemon");
}

static void assert_group_gone(pid_t group)
{
    assert_true(group > 1);
    for (int i = 0; i < 1000 && kill(-group, 0) == 0; i++)
        usleep(5000);
    assert_int_equal(kill(-group, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static char script[1000];

static const char *with_daemon(const char *rest)
{
    (void)snprintf(script, sizeof script, "%s%s", daemon_script, rest);
    return script;
}

static void leaves_no_orphans(void **state)
{
    (void)state;
    struct world world;
    launch_script(&world, with_daemon("echo ready; exit 5")); // it ends by itself
    wait_for_exit(&world);
    assert_int_equal(WEXITSTATUS(world.status), 5);
    assert_group_gone(daemon_group());
    teardown(&world);

    launch_script(&world, with_daemon("echo ready; exec sleep 100")); // it is stopped
    wait_for_output(&world);
    child_stop(world.child, 50);
    wait_for_exit(&world);
    assert_group_gone(daemon_group());
    teardown(&world);

    launch_script(&world, with_daemon("echo $$ > main; echo ready; cat")); // it is freed
    world.free_at_output = true;
    wait_for_output(&world);
    assert_null(world.child);
    pid_t child = number_in("main"), group = daemon_group();
    assert_true(kill(-group, 0) == 0 || errno == ESRCH);
    teardown(&world); // waits for the holder
    assert_gone(child);
    assert_group_gone(group);
}

static void dies_with_its_owner(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        (void)with_daemon("trap '' TERM; echo $$ > main; while :; do sleep 1; done");
        int inherits[2]; // somebody who has a copy of all descriptors must not keep them alive
        assert_int_equal(pipe(inherits), 0);
        pid_t owner = fork();
        if (owner == 0) {
            struct world world;
            launch_script(&world, script);
            pid_t other = how == 1 ? fork() : -1;
            if (other == 0) {
                close(inherits[1]);
                char byte;
                _exit(read(inherits[0], &byte, 1) > 0);
            }
            close(inherits[1]);
            run_for(world.loop, 60000);
            _exit(1);
        }
        pid_t child = number_in("main"), group = daemon_group();
        assert_true(is_alive(child));
        assert_int_equal(kill(-group, 0), 0);
        assert_int_equal(kill(owner, SIGKILL), 0);
        assert_int_equal(waitpid(owner, NULL, 0), owner);
        assert_gone(child);
        assert_group_gone(group);
        close(inherits[0]);
        close(inherits[1]);
    }
}

static void dies_with_its_holder(void **state)
{
    (void)state;
    struct world world;
    launch_script(&world, "echo $$ > main; echo ready; exec sleep 100");
    wait_for_output(&world);
    assert_int_equal(kill(child_pid(world.child), SIGKILL), 0);
    wait_for_exit(&world);
    assert_int_equal(WTERMSIG(world.status), SIGKILL);
    assert_gone(number_in("main"));
    teardown(&world);
}

static void may_be_freed_at_any_time(void **state)
{
    (void)state;
    struct world world;
    for (int wait = 0; wait < 6; wait++) {
        launch_script(&world, "echo ready; cat");
        run_for(world.loop, wait * wait);
        teardown(&world);
    }
    launch_script(&world, "echo ready");
    world.free_at_exit = true;
    wait_for_exit(&world);
    assert_null(world.child);
    teardown(&world);
    launch_script(&world, "trap '' TERM; echo ready; cat");
    wait_for_output(&world);
    child_stop(world.child, 10);
    child_stop(world.child, 20);
    run_for(world.loop, 15);
    teardown(&world);
}

// Its input has ended, and it would have SIGTERM in a hundred seconds.
static void hurries(void **state)
{
    (void)state;
    struct world world;
    launch_script(&world, "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done");
    wait_for_output(&world);
    child_hurry(world.child, 100000); // not without child_stop
    run_for(world.loop, 30);
    assert_false(world.exited);
    child_stop(world.child, 100000);
    child_hurry(world.child, 100000);
    wait_for_exit(&world);
    assert_int_equal(world.status, 5 << 8);
    child_hurry(world.child, 100000); // it is dead
    teardown(&world);
    launch_script(&world, "trap '' TERM; echo ready; while :; do sleep 0.01; done");
    wait_for_output(&world);
    child_stop(world.child, 100000);
    child_hurry(world.child, 100);
    wait_for_exit(&world);
    assert_int_equal(world.status, SIGKILL);
    teardown(&world);
}

static int begin(void **state)
{
    (void)state;
    holder = getenv("SMG_HOLD");
    assert_non_null(holder);
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int end(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes),
        cmocka_unit_test(echoes_much),
        cmocka_unit_test(tells_all_before_the_end),
        cmocka_unit_test(waits_while_the_dead_ones_words_are_held),
        cmocka_unit_test(a_child_that_never_reads_fills_its_own_queue),
        cmocka_unit_test(keeps_the_last_complaints),
        cmocka_unit_test(keeps_no_half_a_line),
        cmocka_unit_test(gets_exactly_its_environment),
        cmocka_unit_test(gets_limits_and_a_place),
        cmocka_unit_test(says_why_it_could_not_start),
        cmocka_unit_test(forwards_signals_in_the_status),
        cmocka_unit_test(kills_who_ignores_requests),
        cmocka_unit_test(leaves_no_orphans),
        cmocka_unit_test(dies_with_its_owner),
        cmocka_unit_test(dies_with_its_holder),
        cmocka_unit_test(hurries),
        cmocka_unit_test(may_be_freed_at_any_time),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
