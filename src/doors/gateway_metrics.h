// gateway_metrics.h: what the gateway counts, for Prometheus, on a listener of its own.
//
// Each worker puts its counters on the board now and then; who asks is told the sums. Nothing here
// is secret, and no key is needed: let the listener be reached by those who may know.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "doors/gateway_door.h"
#include "gateway/gateway.h"
#include "os/loop.h"

struct tally {
    struct gateway_counters gateway;
    struct door_counters door;
};

struct board {
    pthread_mutex_t lock;
    unsigned workers;
    struct tally *tallies; // of each worker
};

MUST_CHECK bool board_init(struct board *board, unsigned workers, struct err *err);
void board_done(struct board *board);
void board_put(struct board *board, unsigned worker, const struct tally *tally);
void board_tell(struct board *board, struct buf *text); // the sums in Prometheus' text format

struct metrics;

MUST_CHECK bool metrics_new(struct loop *loop, const char *where, struct board *board,
                            struct metrics **ret_metrics, struct err *err);
void metrics_free(struct metrics **metrics);
void metrics_tick(struct metrics *metrics, int64_t now); // accepts NULL
uint16_t metrics_port(const struct metrics *metrics);
