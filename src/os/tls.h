// tls.h: TLS 1.2 and later (OpenSSL), for stream.c; pure in the sense that it moves bytes between
// memory, never a socket.
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

struct tls;

// For a server: PEM files of the certificate chain and its key.
MUST_CHECK bool tls_new_server(const char *certificate, const char *key, struct tls **ret_tls,
                               struct err *err);

// Has connections from here on use these instead; on an error all stays as it is. From any thread.
MUST_CHECK bool tls_renew_server(struct tls *tls, const char *certificate, const char *key,
                                 struct err *err);

// For a client that verifies with the system's authorities, or those in `authorities` (a PEM file)
// when it is not NULL.
MUST_CHECK bool tls_new_client(const char *authorities, struct tls **ret_tls, struct err *err);
void tls_free(struct tls **tls); // its streams may live on
