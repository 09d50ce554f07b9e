// standing.h: calls under way when the record of their server is another one, though the server is
// the same: which tools are allowed is decided again, by the one function that let them through.
//
// Calls whose server is gone are ended by upstreams_retain, but for those that wait for their
// client's answers to a modern server's questions: nothing of these is under way there.
#pragma once

#include <stdbool.h>

#include "gateway/call.h"

// Has a call that was sent go by the record of its server among these, when that lets it through.
// False when it does not, or when there is none: the call must end.
bool standing_follows(struct call *call, const struct server_specs *specs);

// Ends all calls of the credential, parked ones and tasks too, that its principal's servers do not
// let through any more. The servers are told.
void standing_look(struct gateway *gateway, struct credential *credential);
