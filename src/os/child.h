// child.h: an MCP server as a child process, spoken to over its standard input and output.
//
// The child runs under the *holder* (the program secure-mcp-gateway-hold), which puts it into a
// process group of its own, sets no_new_privs and limits, gives it exactly the environment it is
// told, closes all other descriptors, adopts whatever processes it leaves behind, and kills all of
// them when the child's owner goes away in whatever manner, kill -9 included. No orphans.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/view.h"
#include "os/loop.h"
#include "os/stream.h"

struct child;

struct child_order {
    const char *holder;              // the path of the holder program
    const char *command;             // looked up in the PATH of `environment`, else of a default
    const char *const *arguments;    // without the command; NULL at the end
    const char *const *environment;  // NAME=value; NULL at the end; nothing else is inherited
    const char *folder;              // to work in; NULL: `/`
    uint64_t memory;                 // bytes of address space (RLIMIT_AS); 0: not limited
    uint64_t file_size;              // bytes (RLIMIT_FSIZE); 0: not limited
    uint64_t descriptors, processes; // RLIMIT_NOFILE, RLIMIT_NPROC; 0: not limited
};

struct child_events {
    void (*output)(void *context, struct view bytes); // its standard output
    void (*drained)(void *context);                   // its standard input takes more again
    // It has closed its standard input or output, though it may live: what is written is dropped,
    // or nothing comes any more. NULL: nobody is told.
    void (*hung_up)(void *context);
    // It is gone, or could not be started. `status` as in waitpid; `reason` is NULL, or a static
    // sentence for what kept it from starting. Nothing comes after it; child_free must be called.
    void (*exited)(void *context, int status, const char *reason);
};

MUST_CHECK bool child_start(struct loop *loop, const struct child_order *order,
                            const struct child_events *events, void *context,
                            struct child **ret_child, struct err *err);

// As stream_write, stream_queued and stream_hold.
MUST_CHECK bool child_write(struct child *child, const struct view *pieces, size_t count);
size_t child_queued(const struct child *child);
void child_hold(struct child *child, bool held);

// Asks it to end: closes its input, SIGTERM to its group after `patience` milliseconds, SIGKILL
// after as many again. `exited` follows.
void child_stop(struct child *child, unsigned patience);
// After child_stop: does not wait for the end of the first span any more. SIGTERM now, SIGKILL
// after `patience`. Nothing when SIGTERM was sent already.
void child_hurry(struct child *child, unsigned patience);

// Kills it at once when it still runs; no event follows.
void child_free(struct child **child);

int child_pid(const struct child *child); // of the holder

// The end of its standard error, at most CHILD_STDERR bytes. It begins with a whole line: in half a
// one, half a key would not be recognised.
enum { CHILD_STDERR = 8192 };
struct view child_complaints(const struct child *child);
