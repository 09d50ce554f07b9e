// loop_inside.h: what the files of os/ know of a loop and nobody else.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "os/loop.h"

struct stream;
struct post;
struct signal_watch;

// Something to be done soon, but not from within the call that found it necessary.
struct due {
    struct due *next, **link; // `link` is NULL while it is on no list
    void (*fn)(struct due *due);
};

enum {
    READ_SIZE = 64 * 1024,  // what is read at once, and of one stream in a turn
    PLAIN_SIZE = 16 * 1024, // a record of TLS
    JOINED_SIZE = 4 * 1024, // what is copied to be sent in one piece
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t turn_end;
    uv_idle_t idle; // active while something is due, so that the loop does not sleep
    void (*turn_end_fn)(void *context);
    void *turn_end_context;
    struct due *due;
    struct signal_watch *signals;

    pthread_mutex_t lock; // of the two below
    struct post *first_post, **last_post;

    struct stream *finishing; // stream_finish was called
    uv_timer_t finishing_timer;
    size_t children_dying; // freed, and their holders still run

    // Shared by all streams of the loop, so that an idle one keeps nothing.
    char read[READ_SIZE];
    char plain[PLAIN_SIZE];    // decrypted
    char gathered[PLAIN_SIZE]; // to be encrypted
    char joined[JOINED_SIZE];  // to be sent
};

// Has `due->fn` called in the next turn. Nothing when it is on the list already.
void loop_due(struct loop *loop, struct due *due);
void due_drop(struct due *due); // accepts one that is on no list

// Between them, loop_clock stands still for this thread.
void loop_clock_hold(void);
void loop_clock_release(void);

// The error of a libuv call: Cannot `what`: reason. Returns false.
bool loop_error(struct err *err, const char *what, int status);
