// tls_session.h: one TLS connection as stream_secure.c needs it: bytes in, bytes out, no socket.
//
// Encrypted bytes come in by tls_session_input and leave by the session's `emit`, which is called
// from within shake, read, write and close. After TLS_BAD nothing but tls_session_free may be
// called.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/view.h"
#include "os/tls.h"

struct tls_session;

enum tls_step {
    TLS_DONE, // shake: through; read: there are bytes
    TLS_WAIT, // for more input
    TLS_OVER, // the other side has ended properly
    TLS_BAD,  // see tls_session_reason
};

// For a client, `host` is the name or address that the certificate must be for. NULL when memory is
// short or the host is none.
MUST_CHECK struct tls_session *tls_session_new(struct tls *tls, const char *host);
void tls_session_free(struct tls_session **session);

// Where encrypted bytes go. `emit` returning false makes the session bad.
void tls_session_output(struct tls_session *session, bool (*emit)(void *context, struct view bytes),
                        void *context);

// Gives it bytes, which stay borrowed until tls_session_keep (which copies the rest) was called.
// What was kept before comes first. False when memory is short.
MUST_CHECK bool tls_session_input(struct tls_session *session, struct view bytes);
MUST_CHECK bool tls_session_keep(struct tls_session *session);

// Whether there may be something to read without further input.
bool tls_session_pending(const struct tls_session *session);

MUST_CHECK enum tls_step tls_session_shake(struct tls_session *session);
MUST_CHECK enum tls_step tls_session_read(struct tls_session *session, char *into, size_t size,
                                          size_t *ret_size);
MUST_CHECK bool tls_session_write(struct tls_session *session, struct view bytes);
void tls_session_close(struct tls_session *session); // tells the other side

// A static sentence.
const char *tls_session_reason(const struct tls_session *session);
