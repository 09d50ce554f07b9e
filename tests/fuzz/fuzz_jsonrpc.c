// fuzz_jsonrpc.c: a message that is read has what its kind needs, the tree of it says the same, and
// an answer to it can be read again. (There is no tree of what has halves of surrogate pairs.)
#include "fuzz.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/limits.h"
#include "wire/jsonrpc.h"

enum { MEMORY = 64 << 20 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_member(const struct json_value *tree, const char *name, struct view raw)
{
    const struct json_value *member = json_member(tree, name);
    must(view_equal(raw, member ? member->raw : (struct view){NULL, 0}));
}

static void check_message(const struct rpc *message, const struct json_value *tree)
{
    bool call = message->kind == RPC_REQUEST || message->kind == RPC_NOTIFICATION;
    must(view_is(json_text(json_member(tree, "jsonrpc")), "2.0"));
    must(view_equal(tree->raw, message->text));
    must(view_equal(json_text(json_member(tree, "method")), message->method));
    must(call == (message->method.data != NULL));
    check_member(tree, "result", message->result);
    check_member(tree, "error", message->error);
    if (call)
        check_member(tree, "params", message->params);
    if (message->id.data || message->kind != RPC_ERROR)
        check_member(tree, "id", message->id);
    must((message->kind == RPC_NOTIFICATION) <= !message->id.data);
    must((message->kind == RPC_REQUEST || message->kind == RPC_RESULT) <= !!message->id.data);
    must(message->id.size <= LIMIT_RPC_ID && message->method.size <= LIMIT_RPC_METHOD);
}

static void check_answers(struct view id, struct view text)
{
    struct buf buf;
    struct rpc again;
    struct rpc_fault fault;
    buf_init(&buf, MEMORY);
    if (id.data) {
        rpc_add_result(&buf, id, VIEW("{}"));
        must(rpc_read(buf_view(&buf), LIMIT_JSON_DEPTH, &again, &fault));
        must(again.kind == RPC_RESULT && view_equal(again.id, id));
        buf_clear(&buf);
    }
    rpc_add_error(&buf, id, RPC_INTERNAL_ERROR, text, VIEW("null")); // any bytes as the message
    must(rpc_read(buf_view(&buf), LIMIT_JSON_DEPTH, &again, &fault));
    must(again.kind == RPC_ERROR && view_equal(again.id, id));
    buf_done(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    struct rpc message;
    struct rpc_fault fault = {.reason = NULL};
    struct view text = view_bytes(data, size);
    const struct json_value *tree = NULL;
    arena_init(&arena, MEMORY);
    bool is_json = json_parse(text, &arena, &tree, &err);
    if (rpc_read(text, LIMIT_JSON_DEPTH, &message, &fault)) {
        must(is_json || json_check(text, LIMIT_JSON_DEPTH) == JSON_FINE);
        if (is_json)
            check_message(&message, tree);
        check_answers(message.id, text);
    } else {
        must(fault.reason != NULL);
        if (is_json || json_check(text, LIMIT_JSON_DEPTH) != JSON_FINE)
            must(fault.array == json_is(tree, JSON_ARRAY));
        must((fault.code == RPC_PARSE_ERROR) <= !is_json);
        check_answers(fault.id, text);
    }
    arena_done(&arena);
    return 0;
}
