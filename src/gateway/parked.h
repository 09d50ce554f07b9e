// parked.h: calls of modern clients to legacy servers that asked something (questions.h): the
// client has been answered `input_required` with a handle, the call waits for its retry.
//
// A handle is 256 random bits, works once, only for the key it was given to and the request it was
// given for, and only for some minutes. It is signed, so that one that does not work is refused
// whatever server it is sent to; those of another gateway, or of this one before it was started
// anew, are not known as handles.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "gateway/call.h"

// Parks the call, or adds the question to those it is parked with.
void parked_ask(struct call *call, const struct question *question, const struct rpc *message);

// A modern client's retry of a parked call: true when it was one (it is dealt with).
bool parked_resume(struct call *retry, const struct incoming *incoming);

// The server has answered a parked call, or failed it (NULL): kept for the client's retry.
void parked_answered(struct call *call, const struct rpc *response);

void parked_forget_call(struct call *call);
// Those of a credential that has lost its access.
void parked_end(struct credential *credential);
// Those of a credential that its servers' records do not let through any more (standing.h).
void parked_look(struct credential *credential, const struct server_specs *specs);
void parked_end_all(struct gateway *gateway);
void parked_tick(struct gateway *gateway, int64_t now);
