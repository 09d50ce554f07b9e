// gateway_reply.h: the answers of a connection. For the files of the door only.
#pragma once

#include "doors/gateway_check.h"
#include "doors/gateway_conn.h"

// What the gateway has the connection do.
extern const struct front_ops reply_ops;

// An answer of the door's own; the present request is then answered.
void reply_refuse(struct conn *conn, const struct refusal *refusal);

// A small fixed answer.
void reply_text(struct conn *conn, int status, struct view json);

// To an OPTIONS from a page of the connection's `cors`.
void reply_preflight(struct conn *conn);

void reply_continue(struct conn *conn); // 100
void reply_comment(struct conn *conn);  // keeps a stream alive
