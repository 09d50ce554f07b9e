// gateway_check.c: see gateway_check.h.
#include "doors/gateway_check.h"

#include "base/text.h"
#include "wire/jsonrpc.h"

// --- fields ----------------------------------------------------------------------------------
static bool starts(struct view text, struct view wanted)
{
    return text.size >= wanted.size && text_same((struct view){text.data, wanted.size}, wanted);
}

// Where a field belongs that may stand once. NULL: it is none of them.
static struct view *place_of(struct asked *asked, struct view name)
{
    switch (name.size) {
    case 4:
        return text_same(name, VIEW("Host")) ? &asked->host : NULL;
    case 6:
        if (text_same(name, VIEW("Origin")))
            return &asked->origin;
        return text_same(name, VIEW("apikey")) ? &asked->api_key : NULL;
    case 7:
        return text_same(name, VIEW("user_id")) ? &asked->user_id : NULL;
    case 8:
        return text_same(name, VIEW("Mcp-Name")) ? &asked->name : NULL;
    case 10:
        if (text_same(name, VIEW("Mcp-Method")))
            return &asked->method;
        return text_same(name, VIEW("project_id")) ? &asked->project_id : NULL;
    case 12:
        return text_same(name, VIEW("Content-Type")) ? &asked->content_type : NULL;
    case 13:
        if (text_same(name, VIEW("Authorization")))
            return &asked->authorization;
        return text_same(name, VIEW("Last-Event-ID")) ? &asked->last_event_id : NULL;
    case 14:
        return text_same(name, VIEW("Mcp-Session-Id")) ? &asked->session_id : NULL;
    case 19:
        return text_same(name, VIEW("ENKRYPT_GATEWAY_KEY")) ? &asked->gateway_key : NULL;
    case 20:
        return text_same(name, VIEW("MCP-Protocol-Version")) ? &asked->version : NULL;
    default:
        return NULL;
    }
}

static void note_once(struct asked *asked, const struct http_field *field)
{
    struct view *place = place_of(asked, field->name);
    if (!place)
        return;
    asked->twice = asked->twice || (place->data && !view_equal(*place, field->value));
    *place = field->value;
}

static void note_accept(struct asked *asked, struct view value)
{
    // What the SDKs send, told at a glance.
    if (view_is(value, "application/json, text/event-stream")) {
        asked->accepts_json = asked->accepts_events = true;
        return;
    }
    asked->accepts_json = asked->accepts_json || http_lists(value, "application/json");
    asked->accepts_events = asked->accepts_events || http_lists(value, "text/event-stream");
    asked->accepts_all = asked->accepts_all || http_lists(value, "*/*");
}

void asked_read(struct http_head *head, struct asked *ret_asked)
{
    static const struct view parameter = {"Mcp-Param-", 10}, accept = {"Accept", 6};
    *ret_asked = (struct asked){.parameters = head->fields};
    for (size_t i = 0; i < head->field_count; i++) {
        const struct http_field field = head->fields[i];
        if (field.name.size > parameter.size && starts(field.name, parameter))
            ret_asked->parameters[ret_asked->parameter_count++] = field;
        else if (text_same(field.name, accept))
            note_accept(ret_asked, field.value);
        else
            note_once(ret_asked, &field);
    }
}

// --- keys ------------------------------------------------------------------------------------
// What follows `Bearer`; other schemes are not ours and say nothing.
static struct view bearer(struct view authorization)
{
    static const struct view scheme = {"Bearer ", 7};
    struct view key = {NULL, 0};
    if (starts(authorization, scheme)) {
        key = view_skip(authorization, scheme.size);
        while (key.size > 0 && key.data[0] == ' ')
            key = view_skip(key, 1);
    }
    return key;
}

bool asked_key(const struct asked *asked, struct view *ret_key)
{
    const struct view given[] = {bearer(asked->authorization), asked->api_key, asked->gateway_key};
    struct view key = {NULL, 0};
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        if (given[i].data && key.data && !view_equal(given[i], key))
            return false;
        key = given[i].data ? given[i] : key;
    }
    *ret_key = key;
    return true;
}

// --- Host and Origin -------------------------------------------------------------------------
// A host without its `:port`. What is no number behind the colon makes the whole no host.
static struct view without_port(struct view authority)
{
    size_t at = authority.size;
    while (at > 0 && authority.data[at - 1] >= '0' && authority.data[at - 1] <= '9')
        at--;
    if (at > 0 && authority.data[at - 1] == ':' && !(at > 1 && authority.data[at - 2] == ':'))
        authority.size = at - 1;
    return authority;
}

static bool is_loopback(struct view authority)
{
    static const struct view names[] = {{"localhost", 9}, {"127.0.0.1", 9}, {"[::1]", 5}};
    const struct view host = without_port(authority);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_same(host, names[i]))
            return true;
    return false;
}

// A configured name stands for any port, one with a port for that only.
static bool is_own_host(const struct settings *settings, struct view authority)
{
    const struct view host = without_port(authority);
    for (size_t i = 0; settings->hosts && settings->hosts[i]; i++) {
        const struct view own = view_of(settings->hosts[i]);
        if (text_same(own, authority) || text_same(own, host))
            return true;
    }
    return host.size > 0 && text_same(host, without_port(view_of(settings->listen)));
}

static const char *find_origin(const struct settings *settings, struct view origin)
{
    for (size_t i = 0; settings->origins && settings->origins[i]; i++)
        if (text_same(origin, view_of(settings->origins[i])))
            return settings->origins[i];
    return NULL;
}

static bool is_local_origin(struct view origin)
{
    static const struct view schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < COUNT_OF(schemes); i++)
        if (starts(origin, schemes[i]))
            return is_loopback(view_skip(origin, schemes[i].size));
    return false;
}

const struct refusal *check_origin(const struct settings *settings, const struct asked *asked,
                                   const char **ret_cors)
{
    static const struct refusal bad_host = {403, RPC_INVALID_REQUEST, "Host not allowed", NULL};
    static const struct refusal bad_origin = {403, RPC_INVALID_REQUEST, "Origin not allowed", NULL};
    // HTTP/1.0 may leave Host out; no browser does.
    if (asked->host.data && !is_loopback(asked->host) && !is_own_host(settings, asked->host))
        return &bad_host;
    *ret_cors = asked->origin.data ? find_origin(settings, asked->origin) : NULL;
    if (asked->origin.data && !*ret_cors && !is_local_origin(asked->origin))
        return &bad_origin;
    return NULL;
}

// --- content ---------------------------------------------------------------------------------
const struct refusal *check_content(const struct asked *asked, struct view method)
{
    static const struct refusal wants_both = {
        406, RPC_INVALID_REQUEST,
        "Not Acceptable: Accept must list application/json and text/event-stream", NULL};
    static const struct refusal wants_events = {
        406, RPC_INVALID_REQUEST, "Not Acceptable: Accept must list text/event-stream", NULL};
    static const struct refusal not_json = {415, RPC_INVALID_REQUEST,
                                            "Content-Type must be application/json", NULL};
    if (view_is(method, "GET"))
        return asked->accepts_events ? NULL : &wants_events;
    if (!view_is(method, "POST"))
        return NULL;
    if (!asked->accepts_all && !(asked->accepts_json && asked->accepts_events))
        return &wants_both;
    return http_lists(asked->content_type, "application/json") ? NULL : &not_json;
}

// --- paths -----------------------------------------------------------------------------------
struct view percent_decode(struct view text, char *into, size_t size)
{
    static const struct view none = {NULL, 0};
    size_t made = 0;
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        if (byte == '%') {
            int high = i + 1 < text.size ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return none;
            byte = (char)(unsigned char)(high * 16 + low);
            i += 2;
        }
        if (made == size)
            return none;
        into[made++] = byte;
    }
    const struct view decoded = {into, made};
    return text_is_printable(decoded) ? decoded : none;
}
