// questions.h: what servers ask of clients (sampling, elicitation, roots), brought to the right
// client and the answer back, in all four combinations of eras:
//
//   legacy server, legacy client   a request to the client on the stream of its own call (or on
//                                  its GET stream), under an id of ours; its answer is a POST
//   modern server, modern client   an `input_required` result and the retry pass through untouched
//   modern server, legacy client   `input_required` becomes requests to the client; the call is
//                                  sent again with their answers (a *round*)
//   legacy server, modern client   the call is *parked*: the client gets `input_required` with a
//                                  handle as `requestState`; its retry brings the answers and
//                                  takes the call up again
//
// A question never reaches another client than the one whose call caused it; a handle works only
// for the key it was given to.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/view.h"
#include "gateway/call.h"

// A server's question about a call.
void questions_ask(struct call *call, const struct question *question, const struct rpc *message);

// A server's question outside of any call, for a session.
void questions_ask_session(struct session *session, const struct question *question,
                           const struct rpc *message);

// The client's answer (a result or an error). False when nothing was asked under its id.
bool questions_answered(struct session *session, const struct rpc *message);

// The answer to a legacy client's call is a modern `input_required`: true when its questions were
// asked.
bool questions_begin_round(struct call *call, struct view result);

// What a round adds to the params of the call that is sent again; nothing when there is none.
struct splice questions_splice(const struct call *call, struct view params);

// Ends of things: a call that is cut, a session, a call. And the passing of time.
//
// Of a call that is cancelled at its server nothing is passed on any more: what the server has
// asked about it is refused, and what the client answers is of no question.
void questions_withdraw(struct call *call);
void questions_forget(struct session *session);
void questions_forget_call(struct call *call);
void questions_tick(struct gateway *gateway, int64_t now);
