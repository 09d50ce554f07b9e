#pragma once
/*
 * One call of a program after the other: struct call keeps how the last one ended, what it printed
 * (up to the next call) and how long it took. Output goes to files in memory, so that neither
 * side can wait for the other.
 */
#include <errno.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "book.h" /* trouble() */

struct call {
    int out_fd, err_fd;
    int status; /* as of waitpid */
    char *out, *err;
    uint64_t took_ns;
};

static uint64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static char *whole_file(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        trouble("cannot stat: %s", strerror(errno));
    char *text = malloc((size_t)st.st_size + 1);
    if (!text || pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
        trouble("cannot read an output");
    text[st.st_size] = '\0';
    return text;
}

static pid_t call_start(struct call *call, char **args)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    if (ftruncate(call->out_fd, 0) != 0 || ftruncate(call->err_fd, 0) != 0)
        trouble("cannot truncate: %s", strerror(errno));
    lseek(call->out_fd, 0, SEEK_SET);
    lseek(call->err_fd, 0, SEEK_SET);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, call->out_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, call->err_fd, STDERR_FILENO);
    int problem = posix_spawn(&pid, args[0], &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (problem)
        trouble("cannot run %s: %s", args[0], strerror(problem));
    return pid;
}

static void call_init(struct call *call)
{
    *call = (struct call){0};
    call->out_fd = memfd_create("out", MFD_CLOEXEC);
    call->err_fd = memfd_create("err", MFD_CLOEXEC);
    if (call->out_fd < 0 || call->err_fd < 0)
        trouble("cannot make files: %s", strerror(errno));
}

static void call_done(struct call *call)
{
    close(call->out_fd);
    close(call->err_fd);
    free(call->out);
    free(call->err);
}

/* args[0] is the program, NULL ends them. True when it exited with 0. */
static bool call_run(struct call *call, char **args)
{
    uint64_t start = now_ns();
    pid_t pid = call_start(call, args);
    while (waitpid(pid, &call->status, 0) < 0)
        if (errno != EINTR)
            trouble("lost a child: %s", strerror(errno));
    call->took_ns = now_ns() - start;
    free(call->out);
    free(call->err);
    call->out = whole_file(call->out_fd);
    call->err = whole_file(call->err_fd);
    return WIFEXITED(call->status) && WEXITSTATUS(call->status) == 0;
}

/* It ran to its end and refused. */
static bool call_refused(const struct call *call)
{
    return WIFEXITED(call->status) && WEXITSTATUS(call->status) == 1;
}
