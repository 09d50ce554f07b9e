// methods.h: what the gateway does about each method of a client: a table, by method and era.
#pragma once

#include "gateway/call.h"

// Hands a request to its method's function, or answers that there is no such method.
void method_handle(struct call *call, const struct incoming *incoming);

// The functions that have rooms of their own.
void hello_initialize(struct call *call, const struct incoming *incoming); // hello.c
void hello_discover(struct call *call, const struct incoming *incoming);
void lists_answer(struct call *call, const struct incoming *incoming);  // lists.c
void route_by_name(struct call *call, const struct incoming *incoming); // route.c
void route_by_uri(struct call *call, const struct incoming *incoming);
void route_completion(struct call *call, const struct incoming *incoming);
void route_task(struct call *call, const struct incoming *incoming);
void listen_start(struct call *call, const struct incoming *incoming); // listen.c
void listen_subscribe(struct call *call, const struct incoming *incoming);

// Fails the call: what it asks for is not there, or not for its key.
void route_unknown(struct call *call, const char *what);

// A server's error. True: it was about the headers that the gateway wrote for a tool, which the
// server cannot have called then; the call goes out once more when its tools have been read again.
// Where the client wrote them, its own next list is a fresh one.
MUST_CHECK bool route_was_mismatched(struct call *call, const struct rpc *response);

// The server of a URI at the endpoint, NULL when it is nobody's. False: the call comes again, or
// has failed.
MUST_CHECK bool route_wait_for_uri(struct call *call, const struct incoming *incoming,
                                   struct view uri, struct server_spec **ret_spec);
