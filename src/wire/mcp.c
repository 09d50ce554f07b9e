// mcp.c: see mcp.h.
#include "wire/mcp.h"

#include "base/base64.h"
#include "base/json_walk.h"
#include "base/text.h"

#define NAME(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

const char *const mcp_legacy_versions[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
const size_t mcp_legacy_version_count = COUNT_OF(mcp_legacy_versions);

// What is picked from a message in one pass.
struct message {
    struct rpc_envelope envelope; // the first, as RPC_PICKS wants it
    struct mcp_params params;
};

#define PICK(field, name) JSON_PICK(struct message, params.field, name)
#define PICK_IN(field, name, list) JSON_PICK_IN(struct message, params.field, name, list)

static const struct json_pick ref_members[] = {PICK(ref_name, "name"), PICK(ref_uri, "uri")};

static const struct json_pick meta_members[] = {
    PICK(meta_token, "progressToken"),
    PICK(meta_version, MCP_META "protocolVersion"),
    PICK(meta_capabilities, MCP_META "clientCapabilities"),
    PICK(meta_client_info, MCP_META "clientInfo"),
    PICK(meta_level, MCP_META "logLevel"),
    PICK(meta_subscription, MCP_META "subscriptionId"),
    PICK(meta_task, MCP_META "related-task"),
};

static const struct json_pick param_members[] = {
    PICK(name, "name"),
    PICK(arguments, "arguments"),
    PICK_IN(meta, "_meta", meta_members),
    PICK(uri, "uri"),
    PICK(cursor, "cursor"),
    PICK(level, "level"),
    PICK(task, "task"),
    PICK(task_id, "taskId"),
    PICK(request_id, "requestId"),
    PICK(request_state, "requestState"),
    PICK(input_responses, "inputResponses"),
    PICK_IN(ref, "ref", ref_members),
    PICK(version, "protocolVersion"),
    PICK(capabilities, "capabilities"),
    PICK(client_info, "clientInfo"),
    PICK(notifications, "notifications"),
    PICK(token, "progressToken"),
};

static const struct json_pick message_members[] = {
    RPC_PICKS(param_members, COUNT_OF(param_members))};

bool mcp_is_legacy_version(struct view text)
{
    for (size_t i = 0; i < mcp_legacy_version_count; i++)
        if (view_is(text, mcp_legacy_versions[i]))
            return true;
    return false;
}

static void settle(struct mcp_params *params, struct view whole)
{
    params->whole = whole;
    if (!json_raw_is(params->meta, '{'))
        params->meta = (struct view){NULL, 0};
}

void mcp_params_read(struct view params, struct mcp_params *ret_params)
{
    struct message message = {.params = {.whole = {NULL, 0}}};
    json_pick(params, param_members, COUNT_OF(param_members), &message);
    settle(&message.params, params);
    *ret_params = message.params;
}

bool mcp_read(struct view text, unsigned deepest, struct rpc *ret_message,
              struct mcp_params *ret_params, struct rpc_fault *ret_fault)
{
    struct message message = {.params = {.whole = {NULL, 0}}};
    enum json_fault json =
        json_check_pick(text, deepest, message_members, COUNT_OF(message_members), &message);
    if (!rpc_judge(text, json, &message.envelope, ret_message, ret_fault))
        return false;
    settle(&message.params, ret_message->params);
    *ret_params = message.params;
    return true;
}

struct view mcp_named(enum mcp_method method, const struct mcp_params *params)
{
    switch (method) {
    case MCP_TOOLS_CALL:
    case MCP_PROMPTS_GET:
        return params->name;
    case MCP_RESOURCES_READ:
        return params->uri;
    case MCP_TASKS_GET:
    case MCP_TASKS_CANCEL:
    case MCP_TASKS_UPDATE:
        return params->task_id;
    default:
        return (struct view){NULL, 0};
    }
}

// --- header values ---------------------------------------------------------------------------

static const struct view encoded_start = NAME("=?base64?"), encoded_end = NAME("?=");

static bool ends_encoded(struct view value)
{
    return value.size >= encoded_end.size &&
           view_equal(view_skip(value, value.size - encoded_end.size), encoded_end);
}

// Visible ASCII, with blanks only inside (RFC 9110 section 5.5).
static bool is_plain_value(struct view value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        bool blank = byte == ' ' || byte == '\t', inside = i > 0 && i + 1 < value.size;
        if (blank ? !inside : byte <= ' ' || byte >= 0x7f)
            return false;
    }
    return true;
}

struct view mcp_header_decode(struct view value, char *into, size_t size)
{
    const struct view refused = {NULL, 0};
    if (!is_plain_value(value))
        return refused;
    if (!view_starts(value, encoded_start) || !ends_encoded(value))
        return value;
    if (value.size < encoded_start.size + encoded_end.size)
        return refused;
    struct view inside = view_skip(value, encoded_start.size);
    inside.size -= encoded_end.size;
    struct view text = base64_decode(inside, into, size);
    return text_is_utf8(text) ? text : refused;
}

void mcp_header_encode(struct buf *buf, struct view text)
{
    if (text.size > 0 && is_plain_value(text) && !view_starts(text, encoded_start)) {
        buf_add(buf, text);
        return;
    }
    buf_add(buf, encoded_start);
    base64_add(buf, text);
    buf_add(buf, encoded_end);
}

static const char *const levels[] = {"debug", "info",     "notice", "warning",
                                     "error", "critical", "alert",  "emergency"};

const char *mcp_log_level_name(int level)
{
    return level >= 0 && (size_t)level < COUNT_OF(levels) ? levels[level] : NULL;
}

int mcp_log_level(struct view text)
{
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (view_is(text, levels[i]))
            return (int)i;
    return -1;
}

static const struct {
    const char *name;
    unsigned bit;
} abilities[] = {
    {"sampling", MCP_CAN_SAMPLE}, {"elicitation", MCP_CAN_ELICIT}, {"roots", MCP_CAN_ROOTS}};

unsigned mcp_can(struct view capabilities)
{
    unsigned can = 0;
    for (size_t i = 0; i < COUNT_OF(abilities); i++)
        if (json_walk_member(capabilities, abilities[i].name).data)
            can |= abilities[i].bit;
    return can;
}

void mcp_can_add(struct buf *buf, unsigned can)
{
    const char *before = "{";
    for (size_t i = 0; i < COUNT_OF(abilities); i++) {
        if (!(can & abilities[i].bit))
            continue;
        buf_add_format(buf, "%s\"%s\":{}", before, abilities[i].name);
        before = ",";
    }
    buf_add(buf, can ? VIEW("}") : VIEW("{}"));
}
