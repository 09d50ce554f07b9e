// server_record.c: making a record, see server_record.h.
#include "model/server_record.h"

#include "base/json_out.h"
#include "base/limits.h"

struct member {
    const char *name;
    enum json_type empty; // the type of the empty value it gets when it is missing
};

static const struct member stdio_members[] = {
    {"command", JSON_TEXT}, {"args", JSON_ARRAY}, {"env", JSON_OBJECT}};
static const struct member http_members[] = {{"url", JSON_TEXT}, {"headers", JSON_OBJECT}};
static const struct member policy_members[] = {{"enabled", JSON_BOOL},
                                               {"policy_name", JSON_TEXT},
                                               {"additional_config", JSON_OBJECT},
                                               {"block", JSON_ARRAY}};

static const char *const record_members[] = {
    "server_name",
    "description",
    "config",
    "tools",
    "enable_server_info_validation",
    "tool_guardrails_policy",
    "input_guardrails_policy",
    "output_guardrails_policy",
    "oauth_config",
};

const char *const server_policy_names[POLICY_COUNT] = {
    [POLICY_TOOL] = "tool_guardrails_policy",
    [POLICY_INPUT] = "input_guardrails_policy",
    [POLICY_OUTPUT] = "output_guardrails_policy",
};

static const char allow_member[] = "allow_private_addresses", isolation_member[] = "isolation",
                  protocol_member[] = "protocol";

const struct json_value *server_member(const struct json_value *object, const char *name)
{
    const struct json_value *value =
        json_is(object, JSON_OBJECT) ? json_member(object, name) : NULL;
    return json_is(value, JSON_NULL) ? NULL : value;
}

static void write_empty(struct out *out, enum json_type type)
{
    if (type == JSON_OBJECT || type == JSON_ARRAY) {
        out_begin(out, type == JSON_OBJECT ? '{' : '[');
        out_end(out, type == JSON_OBJECT ? '}' : ']');
    } else if (type == JSON_TEXT) {
        out_text(out, VIEW(""));
    } else {
        out_scalar(out, (struct out_scalar){.type = type == JSON_BOOL ? OUT_BOOL : OUT_NULL});
    }
}

static void write_member(struct out *out, const struct member *member,
                         const struct json_value *value)
{
    out_key(out, member->name);
    if (value)
        json_copy_to_out(value, out);
    else
        write_empty(out, member->empty);
}

static bool is_among(struct view name, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (view_is(name, members[i].name))
            return true;
    return false;
}

static void write_named(struct out *out, const struct json_value *member)
{
    out_key_view(out, member->key);
    json_copy_to_out(member, out);
}

static void write_secrets(struct out *out, const struct json_value *value,
                          const struct json_value *present);

// The elements of a list go by their places, as long as there are as many as before.
static void write_secret_list(struct out *out, const struct json_value *value,
                              const struct json_value *present)
{
    bool alike = json_is(present, JSON_ARRAY) && json_count(present) == json_count(value);
    const struct json_value *before = alike ? json_first(present) : NULL;
    out_begin(out, '[');
    for (const struct json_value *item = json_first(value); item; item = item->next) {
        write_secrets(out, item, before);
        before = before ? before->next : NULL;
    }
    out_end(out, ']');
}

static void write_secret_object(struct out *out, const struct json_value *value,
                                const struct json_value *present)
{
    out_begin(out, '{');
    for (const struct json_value *member = json_first(value); member; member = member->next) {
        const struct json_value *before =
            json_is(present, JSON_OBJECT) ? json_first(present) : NULL;
        while (before && !view_equal(before->key, member->key))
            before = before->next;
        out_key_view(out, member->key);
        write_secrets(out, member, before);
    }
    out_end(out, '}');
}

// A value with secrets: where it is masked, what is there at present.
static void write_secrets(struct out *out, const struct json_value *value,
                          const struct json_value *present)
{
    if (value->type == JSON_OBJECT)
        write_secret_object(out, value, present);
    else if (value->type == JSON_ARRAY)
        write_secret_list(out, value, present);
    else if (present && value->type == JSON_TEXT && server_mask_stands_for(value->text, present))
        json_copy_to_out(present, out);
    else
        json_copy_to_out(value, out);
}

// The member `name`, which holds secrets: as the change says, else as it is, else empty.
static void write_secret_member(struct out *out, const char *name, const struct json_value *change,
                                const struct json_value *present)
{
    const struct member member = {name, JSON_OBJECT};
    if (!change) {
        write_member(out, &member, present);
        return;
    }
    out_key(out, name);
    write_secrets(out, change, present);
}

static void write_text_member(struct out *out, const char *name, struct view change,
                              const struct json_value *present)
{
    const struct member member = {name, JSON_TEXT};
    if (change.data)
        field_text(out, name, change);
    else
        write_member(out, &member, present);
}

static bool is_http(const struct json_value *config, const struct server_change *change)
{
    return change->url.data || (!change->command.data && server_member(config, "url"));
}

// Members that are written anew, or go with the kind of server that it was.
static bool is_replaced(struct view name, bool http, const struct server_change *change)
{
    bool decided = change->url.data || change->command.data;
    if (view_is(name, allow_member))
        return decided || change->allow_private_addresses;
    if (view_is(name, isolation_member))
        return change->isolation.data || (decided && http);
    return view_is(name, protocol_member) && change->protocol.data;
}

// The members of `config` that are none of its kind. Those of the other kind stay only when the
// change does not decide the kind: then the record is contradictory and will be refused.
static void write_other_members(struct out *out, const struct json_value *config, bool http,
                                const struct server_change *change)
{
    bool decided = change->url.data || change->command.data;
    for (const struct json_value *member = json_first(config); member; member = member->next) {
        bool of_stdio = is_among(member->key, stdio_members, COUNT_OF(stdio_members));
        bool of_http = is_among(member->key, http_members, COUNT_OF(http_members));
        if ((http ? of_http : of_stdio) || (decided && (of_http || of_stdio)) ||
            is_replaced(member->key, http, change))
            continue;
        write_named(out, member);
    }
    if (http && change->allow_private_addresses)
        field_bool(out, allow_member, true);
    if (change->isolation.data)
        field_text(out, isolation_member, change->isolation);
    if (change->protocol.data)
        field_text(out, protocol_member, change->protocol);
}

static void write_config(struct out *out, const struct json_value *config,
                         const struct server_change *change)
{
    bool http = is_http(config, change);
    out_begin(out, '{');
    if (http) {
        const struct json_value *url = server_member(config, "url");
        bool same = url && change->url.data && server_mask_stands_for(change->url, url);
        write_text_member(out, "url", same ? json_text(url) : change->url, url);
        write_secret_member(out, "headers", change->headers, server_member(config, "headers"));
    } else {
        write_text_member(out, "command", change->command, server_member(config, "command"));
        write_member(out, &stdio_members[1],
                     change->args ? change->args : server_member(config, "args"));
        write_secret_member(out, "env", change->env, server_member(config, "env"));
    }
    write_other_members(out, config, http, change);
    out_end(out, '}');
}

// A list of names stands for an object of them.
static void write_tools(struct out *out, const struct json_value *tools)
{
    bool names = json_is(tools, JSON_ARRAY);
    for (const struct json_value *name = json_first(tools); name; name = name->next)
        names = names && name->type == JSON_TEXT;
    if (!names) {
        json_copy_to_out(tools, out);
        return;
    }
    out_begin(out, '{');
    for (const struct json_value *name = json_first(tools); name; name = name->next) {
        out_key_view(out, name->text);
        write_empty(out, JSON_OBJECT);
    }
    out_end(out, '}');
}

static void write_policy(struct out *out, const struct json_value *policy)
{
    if (policy && policy->type != JSON_OBJECT) {
        json_copy_to_out(policy, out);
        return;
    }
    out_begin(out, '{');
    for (size_t i = 0; i < COUNT_OF(policy_members); i++)
        write_member(out, &policy_members[i], server_member(policy, policy_members[i].name));
    for (const struct json_value *member = json_first(policy); member; member = member->next)
        if (!is_among(member->key, policy_members, COUNT_OF(policy_members)))
            write_named(out, member);
    out_end(out, '}');
}

static void write_known(struct out *out, const struct json_value *present,
                        const struct server_change *change)
{
    static const struct member name = {"server_name", JSON_TEXT},
                               validation = {"enable_server_info_validation", JSON_BOOL},
                               oauth = {"oauth_config", JSON_NULL};
    const struct json_value *config = server_member(present, "config");
    const struct json_value *tools =
        change->tools ? change->tools : server_member(present, "tools");
    if (change->server_name.data)
        field_text(out, name.name, change->server_name);
    else
        write_member(out, &name, server_member(present, name.name));
    write_text_member(out, "description", change->description,
                      server_member(present, "description"));
    out_key(out, "config");
    if (!config || config->type == JSON_OBJECT)
        write_config(out, config, change);
    else
        json_copy_to_out(config, out);
    out_key(out, "tools");
    if (tools)
        write_tools(out, tools);
    else
        write_empty(out, JSON_OBJECT);
    write_member(out, &validation,
                 change->validation ? change->validation : server_member(present, validation.name));
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        const struct json_value *policy = change->policies[i];
        out_key(out, server_policy_names[i]);
        write_policy(out, policy ? policy : server_member(present, server_policy_names[i]));
    }
    if (change->oauth)
        write_secret_member(out, oauth.name, change->oauth, server_member(present, oauth.name));
    else
        write_member(out, &oauth, server_member(present, oauth.name));
}

static bool is_known(struct view name)
{
    for (size_t i = 0; i < COUNT_OF(record_members); i++)
        if (view_is(name, record_members[i]))
            return true;
    return false;
}

static bool check_change(const struct json_value *present, const struct server_change *change,
                         struct err *err)
{
    bool http = is_http(server_member(present, "config"), change);
    const char *stray = NULL;
    if (change->url.data && change->command.data)
        return err_set(err, ERR_USAGE, "options_disagree",
                       "A server has either --server-command or --url, not both");
    if (http)
        stray = change->args             ? "--args"
                : change->env            ? "--env"
                : change->isolation.data ? "--isolation"
                                         : NULL;
    else
        stray = change->headers                   ? "--headers"
                : change->allow_private_addresses ? "--allow-private-addresses"
                                                  : NULL;
    return !stray ||
           err_set(err, ERR_USAGE, "options_disagree", "%s does not go with a server of %s", stray,
                   http ? "--url" : "--server-command");
}

bool server_record_build(const struct json_value *present, const struct server_change *change,
                         struct buf *ret_record, struct err *err)
{
    struct json_out json;
    struct out *out = &json.out;
    if (!check_change(present, change, err))
        return false;
    json_out_init(&json, ret_record, JSON_COMPACT);
    out_begin(out, '{');
    write_known(out, present, change);
    for (const struct json_value *member = json_first(present); member; member = member->next)
        if (!is_known(member->key))
            write_named(out, member);
    out_end(out, '}');
    if (ret_record->failed && !ret_record->full)
        return err_memory(err);
    return !ret_record->failed ||
           err_set(err, ERR_USAGE, "server_too_large",
                   "The record of a server takes more than %u bytes", LIMIT_SERVER_RECORD);
}
