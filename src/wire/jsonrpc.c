// jsonrpc.c: see jsonrpc.h.
#include "wire/jsonrpc.h"

#include "base/json_check.h"
#include "base/json_out.h"
#include "base/json_walk.h"
#include "base/limits.h"
#include "wire/mcp_method.h"

const struct json_pick rpc_result_members[] = {JSON_PICK(struct rpc_envelope, failed, "isError")};

static const struct json_pick envelope_members[] = {RPC_PICKS(NULL, 0)};

struct error_object {
    struct view code, message;
};

static const struct json_pick error_members[] = {
    JSON_PICK(struct error_object, code, "code"),
    JSON_PICK(struct error_object, message, "message"),
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static struct view trim(struct view text)
{
    while (text.size > 0 && is_blank(text.data[0]))
        text = view_skip(text, 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

static bool is_null(struct view raw)
{
    return json_raw_is(raw, 'n');
}

// A text or an integer, as MCP has it.
static bool is_id(struct view raw)
{
    if (raw.size == 0 || raw.size > LIMIT_RPC_ID)
        return false;
    if (raw.data[0] == '"')
        return true;
    for (size_t i = raw.data[0] == '-'; i < raw.size; i++)
        if (raw.data[i] < '0' || raw.data[i] > '9')
            return false;
    return true;
}

static bool is_version(struct view raw)
{
    char into[8];
    return view_is(json_raw_text(raw, into, sizeof into), "2.0");
}

// False when it is too long, or has half a surrogate pair.
static bool read_method(struct view raw, struct view *ret_method)
{
    char room[LIMIT_RPC_METHOD];
    const struct view text = json_raw_text(raw, room, sizeof room);
    *ret_method = text;
    if (text.data == room) // which does not last
        *ret_method = view_of(mcp_method_name(mcp_method(text)));
    if (text.data == room && ret_method->size == 0)
        *ret_method = (struct view){raw.data + 1, raw.size - 2};
    return text.data && text.size <= LIMIT_RPC_METHOD;
}

static const char *read_call(const struct rpc_envelope *envelope, struct rpc *message)
{
    struct view raw = envelope->method;
    if (envelope->result.data || envelope->error.data)
        return "A message has a method or a result, not both";
    if (!json_raw_is(raw, '"') || raw.size <= 2)
        return "The method must be a text";
    if (!read_method(raw, &message->method))
        return "The method is too long, or is no text that UTF-8 can write";
    if (envelope->params.data && !json_raw_is(envelope->params, '{') &&
        !json_raw_is(envelope->params, '['))
        return "The params must be an object or an array";
    message->kind = envelope->id.data ? RPC_REQUEST : RPC_NOTIFICATION;
    message->params = envelope->params;
    return NULL;
}

static const char *read_error(const struct rpc_envelope *envelope, struct rpc *message)
{
    struct error_object object = {{NULL, 0}, {NULL, 0}};
    long long code;
    json_pick(envelope->error, error_members, COUNT_OF(error_members), &object);
    if (!json_raw_int(object.code, &code) || !json_raw_is(object.message, '"'))
        return "An error must be an object with an integer code and a text message";
    message->kind = RPC_ERROR;
    message->error = envelope->error;
    return NULL;
}

static const char *read_reply(const struct rpc_envelope *envelope, struct rpc *message)
{
    if (envelope->result.data && envelope->error.data)
        return "A response has a result or an error, not both";
    if (envelope->error.data)
        return read_error(envelope, message);
    if (!envelope->result.data)
        return "A message needs a method, a result or an error";
    if (!envelope->id.data)
        return "A result needs an id";
    message->kind = RPC_RESULT;
    message->result = envelope->result;
    message->failed = envelope->failed;
    return NULL;
}

// Returns why not, or NULL.
static const char *read_envelope(const struct rpc_envelope *envelope, struct rpc *message)
{
    bool usable = is_id(envelope->id);
    // An error about a message that could not be read is sent with null by those who follow
    // JSON-RPC.
    bool about_nothing = envelope->error.data && is_null(envelope->id);
    if (usable)
        message->id = envelope->id;
    if (!is_version(envelope->jsonrpc))
        return "The member jsonrpc must be \"2.0\"";
    if (envelope->id.data && !usable && !about_nothing)
        return "The id must be a text or an integer, and not too long";
    return envelope->method.data ? read_call(envelope, message) : read_reply(envelope, message);
}

static struct rpc_fault fault_of(enum json_fault json)
{
    switch (json) {
    case JSON_BAD:
        return (struct rpc_fault){.code = RPC_PARSE_ERROR, .reason = "This is not JSON"};
    case JSON_DUPLICATE:
        return (struct rpc_fault){.code = RPC_INVALID_REQUEST,
                                  .reason = "An object has two members of the same name"};
    case JSON_DEEP:
        return (struct rpc_fault){.code = RPC_INVALID_REQUEST,
                                  .reason = "The message is nested too deeply"};
    case JSON_NO_MEMORY:
        return (struct rpc_fault){.code = RPC_INTERNAL_ERROR, .reason = "Out of memory"};
    default:
        return (struct rpc_fault){.code = RPC_INVALID_REQUEST};
    }
}

bool rpc_judge(struct view text, enum json_fault json, const struct rpc_envelope *envelope,
               struct rpc *ret_message, struct rpc_fault *ret_fault)
{
    struct rpc_fault fault = fault_of(json);
    struct rpc message = {.text = trim(text)};
    if (json != JSON_FINE) {
        *ret_fault = fault;
        return false;
    }
    if (json_raw_is(message.text, '{')) {
        fault.reason = read_envelope(envelope, &message);
    } else {
        fault.array = json_raw_is(message.text, '[');
        fault.reason = "A message must be an object";
    }
    if (fault.reason) {
        fault.id = message.id;
        fault.reply = !envelope->method.data && (envelope->result.data || envelope->error.data);
        *ret_fault = fault;
        return false;
    }
    *ret_message = message;
    return true;
}

bool rpc_read(struct view text, unsigned deepest, struct rpc *ret_message,
              struct rpc_fault *ret_fault)
{
    struct rpc_envelope envelope = {.id = {NULL, 0}};
    enum json_fault json =
        json_check_pick(text, deepest, envelope_members, COUNT_OF(envelope_members), &envelope);
    return rpc_judge(text, json, &envelope, ret_message, ret_fault);
}

static void add_head(struct buf *buf, struct view id)
{
    buf_add(buf, VIEW("{\"jsonrpc\":\"2.0\","));
    if (id.data) {
        buf_add(buf, VIEW("\"id\":"));
        buf_add(buf, id);
        buf_add_char(buf, ',');
    }
}

void rpc_add_result(struct buf *buf, struct view id, struct view result)
{
    add_head(buf, id);
    buf_add(buf, VIEW("\"result\":"));
    buf_add(buf, result);
    buf_add_char(buf, '}');
}

void rpc_add_error(struct buf *buf, struct view id, int code, struct view message, struct view data)
{
    add_head(buf, id);
    buf_add_format(buf, "\"error\":{\"code\":%d,\"message\":", code);
    json_add_string(buf, message);
    if (data.data) {
        buf_add(buf, VIEW(",\"data\":"));
        buf_add(buf, data);
    }
    buf_add(buf, VIEW("}}"));
}
