// journal.h: the log: JSON lines on standard error, one per call (or request that was refused
// before it became one) and one per event worth knowing. Never a key, an argument or a result. Of
// what a server's program says only its last words, when it ended before it was ready.
//
// Lines are gathered per loop and written at the end of a turn, under load those of some turns
// together (at the latest with the next tick, a tenth of a second), never blocking: what a reader
// does not take in time is dropped and counted, and a line says how many.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"
#include "wire/mcp.h"

enum { JOURNAL_NAME = 128, JOURNAL_ROOM = 1024 };

struct journal;

MUST_CHECK struct journal *journal_new(int descriptor);
void journal_free(struct journal **journal); // writes what can be written
void journal_flush(struct journal *journal); // at each turn's end

// A call, when it is over. Times in microseconds.
struct journal_call {
    const char *key_id, *project_id;
    struct view session; // an abbreviation of the session id, never the id; {NULL, 0}: none
    // What it asked for: `method` {NULL, 0}: a whole batch; `server` also when it was not reached,
    // as far as it is known; `name` of the tool, prompt or resource.
    struct view method, server, name;
    // `ok`, `tool_error`, `error`, `denied`, `refused`, `cancelled`, `failed`, `timeout`, `unread`:
    // what the call came to. `refused`: as not in order, it never became a call. `unread`: it was
    // answered well, and its client had gone. What the client did not take of an answer that was
    // sent is an event of its own, `answer_unread`.
    const char *outcome;
    const char *stage;     // where it ended: check, limit, resolve, invoke, reply
    int code;              // JSON-RPC error code; 0: none
    int64_t total, waited; // from the request's arrival; of it, waiting for the upstream
    uint64_t bytes_in, bytes_out;
};
void journal_call(struct journal *journal, const struct journal_call *call);

// What a line calls a request: its name or URI, unescaped into `room` where it has escapes, cut to
// JOURNAL_NAME bytes; of a URI nothing from its user on, and neither query nor fragment: tokens are
// written there. {NULL, 0}: none, or none that fits.
struct view journal_name_of(const struct mcp_params *params, char room[JOURNAL_ROOM]);

// Something else: `event` is static; pairs of name and text follow, NULL at the end.
void journal_event(struct journal *journal, const char *event, ...) __attribute__((sentinel));
