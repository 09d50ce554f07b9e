// server_check.c: whether a record is one, see server_record.h.
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/text.h"
#include "model/address.h"
#include "model/rules.h"
#include "model/server_record.h"

const char *const server_isolation_names[] = {"project", "user", "session"};
const char *const server_protocol_names[] = {"auto", "legacy", "modern"};
const char *const server_timeout_names[] = {"connect", "first_byte", "idle", "total"};

struct check {
    const struct json_value *record;
    struct err *err;
};

// `code` is also the subject: what kind of thing is wrong.
static bool wrong(const struct check *check, const char *code, const char *member,
                  const char *expected)
{
    struct view name = json_text(json_member(check->record, "server_name"));
    return err_set(check->err, ERR_USAGE, code, "Server %.*s: %s %s", VIEW_ARG(name), member,
                   expected);
}

// A text that a program or a header can take: no NUL, and, with `line`, no line breaks.
static bool is_plain(struct view text, bool line)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '\0' || (line && (text.data[i] == '\n' || text.data[i] == '\r')))
            return false;
    return true;
}

static bool is_name_of_env(struct view name)
{
    return name.size > 0 && is_plain(name, true) && !memchr(name.data, '=', name.size);
}

// RFC 9110 section 5.6.2: a token.
static bool is_name_of_header(struct view name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return name.size > 0;
}

// RFC 9110 section 5.5: what cannot end a header or begin another.
static bool is_header_value(struct view value)
{
    for (size_t i = 0; i < value.size; i++)
        if (((unsigned char)value.data[i] < ' ' && value.data[i] != '\t') || value.data[i] == 0x7f)
            return false;
    return true;
}

static bool check_args(const struct check *check, const struct json_value *args)
{
    bool good = json_is(args, JSON_ARRAY);
    for (const struct json_value *arg = json_first(args); arg; arg = arg->next)
        good = good && arg->type == JSON_TEXT && is_plain(arg->text, false);
    return good || wrong(check, "invalid_server", "config.args", "must be a list of texts");
}

static bool check_env(const struct check *check, const struct json_value *env)
{
    bool good = json_is(env, JSON_OBJECT);
    for (const struct json_value *member = json_first(env); member; member = member->next)
        good = good && member->type == JSON_TEXT && is_name_of_env(member->key) &&
               is_plain(member->text, false);
    return good || wrong(check, "invalid_server", "config.env",
                         "must be an object of texts, by the names of variables");
}

static bool check_headers(const struct check *check, const struct json_value *headers)
{
    bool good = json_is(headers, JSON_OBJECT);
    for (const struct json_value *member = json_first(headers); member; member = member->next)
        good = good && member->type == JSON_TEXT && is_name_of_header(member->key) &&
               is_header_value(member->text);
    return good || wrong(check, "invalid_server", "config.headers",
                         "must be an object of texts of one line, by the names of headers");
}

static bool check_stdio(const struct check *check, const struct json_value *config)
{
    struct view command = json_text(json_member(config, "command"));
    if (command.size == 0 || command.size >= LIMIT_PATH || !is_plain(command, true))
        return wrong(check, "invalid_server", "config.command",
                     "must be the name or the path of a program");
    return check_args(check, json_member(config, "args")) &&
           check_env(check, json_member(config, "env"));
}

static bool check_http(const struct check *check, const struct json_value *config)
{
    struct url url;
    const struct json_value *text = json_member(config, "url");
    const struct json_value *allow = json_member(config, "allow_private_addresses");
    const char *reason = json_is(text, JSON_TEXT) ? url_read(text->text, &url) : "it is no text";
    char expected[128];
    if (reason) {
        (void)snprintf(expected, sizeof expected, "is not valid: %s", reason);
        return wrong(check, "invalid_url", "config.url", expected);
    }
    if (allow && allow->type != JSON_BOOL)
        return wrong(check, "invalid_server", "config.allow_private_addresses",
                     "must be true or false");
    return check_headers(check, json_member(config, "headers"));
}

static bool check_choice(const struct check *check, const struct json_value *config,
                         const char *name, const char *const *choices)
{
    char member[32], expected[64];
    const struct json_value *value = server_member(config, name);
    for (size_t i = 0; value && i < 3; i++)
        if (view_is(json_text(value), choices[i]))
            return true;
    (void)snprintf(member, sizeof member, "config.%s", name);
    (void)snprintf(expected, sizeof expected, "must be %s, %s or %s", choices[0], choices[1],
                   choices[2]);
    return !value || wrong(check, "invalid_server", member, expected);
}

static bool is_timeout(const struct json_value *member)
{
    int64_t seconds;
    for (size_t i = 0; i < TIMEOUT_COUNT; i++)
        if (view_is(member->key, server_timeout_names[i]))
            return member->type == JSON_NULL ||
                   (json_int(member, &seconds) && seconds >= 1 && seconds <= LIMIT_TIMEOUT_SECONDS);
    return false;
}

static bool check_timeouts(const struct check *check, const struct json_value *config)
{
    const struct json_value *timeouts = server_member(config, "timeouts");
    bool good = !timeouts || json_is(timeouts, JSON_OBJECT);
    for (const struct json_value *member = json_first(timeouts); good && member;
         member = member->next)
        good = is_timeout(member);
    return good || wrong(check, "invalid_server", "config.timeouts",
                         "must be an object of connect, first_byte, idle and total, each a whole "
                         "number of seconds from 1 to " LIMIT_TEXT(LIMIT_TIMEOUT_SECONDS));
}

static bool check_use(const struct check *check, const struct json_value *config)
{
    return check_choice(check, config, "isolation", server_isolation_names) &&
           check_choice(check, config, "protocol", server_protocol_names) &&
           check_timeouts(check, config);
}

static bool check_config(const struct check *check)
{
    const struct json_value *config = json_member(check->record, "config");
    if (!json_is(config, JSON_OBJECT))
        return wrong(check, "invalid_server", "config", "must be an object");
    bool stdio = server_member(config, "command"), http = server_member(config, "url");
    if (stdio && http)
        return wrong(check, "invalid_server", "config", "has both a command and a url");
    return (http ? check_http(check, config) : check_stdio(check, config)) &&
           check_use(check, config);
}

static bool check_tools(const struct check *check)
{
    const struct json_value *tools = json_member(check->record, "tools");
    if (!json_is(tools, JSON_OBJECT))
        return wrong(check, "invalid_tools", "tools",
                     "must be an object by the names of tools, or a list of names");
    for (const struct json_value *tool = json_first(tools); tool; tool = tool->next) {
        const struct json_value *enabled = server_member(tool, "enabled");
        if (tool->key.size == 0 || !is_plain(tool->key, true))
            return wrong(check, "invalid_tools", "tools", "has a tool without a proper name");
        if (enabled && enabled->type != JSON_BOOL)
            return wrong(check, "invalid_tools", "tools",
                         "has a tool whose enabled is neither true nor false");
    }
    return true;
}

static bool check_policy(const struct check *check, const char *name)
{
    const struct json_value *policy = json_member(check->record, name);
    if (!json_is(policy, JSON_OBJECT))
        return wrong(check, "invalid_policy", name, "must be an object");
    if (!json_is(json_member(policy, "enabled"), JSON_BOOL))
        return wrong(check, "invalid_policy", name, "needs enabled to be true or false");
    if (!json_is(json_member(policy, "policy_name"), JSON_TEXT))
        return wrong(check, "invalid_policy", name, "needs policy_name to be a text");
    if (!json_is(json_member(policy, "additional_config"), JSON_OBJECT))
        return wrong(check, "invalid_policy", name, "needs additional_config to be an object");
    const struct json_value *block = json_member(policy, "block");
    bool good = json_is(block, JSON_ARRAY);
    for (const struct json_value *rule = json_first(block); rule; rule = rule->next)
        good = good && rule->type == JSON_TEXT && rule->text.size > 0;
    return good || wrong(check, "invalid_policy", name, "needs block to be a list of texts");
}

static bool check_oauth(const struct check *check)
{
    struct url url;
    const struct json_value *oauth = json_member(check->record, "oauth_config");
    const struct json_value *enabled = server_member(oauth, "enabled");
    if (json_is(oauth, JSON_NULL))
        return true;
    if (!json_is(oauth, JSON_OBJECT))
        return wrong(check, "invalid_oauth", "oauth_config", "must be an object");
    if (enabled && enabled->type != JSON_BOOL)
        return wrong(check, "invalid_oauth", "oauth_config", "needs enabled to be true or false");
    for (const struct json_value *member = json_first(oauth); member; member = member->next) {
        struct view text = json_text(member);
        if (server_name_is_url(member->key) && text.size > 0 && url_read(text, &url))
            return wrong(check, "invalid_oauth", "oauth_config",
                         "has a member for a URL that holds none");
    }
    return true;
}

bool server_record_check(const struct json_value *record, struct err *err)
{
    const struct check check = {record, err};
    struct view name = json_text(json_member(record, "server_name"));
    const char *reason = rule_name(name.data ? name : VIEW(""));
    if (reason)
        return err_set(err, ERR_USAGE, "invalid_name", "A server's name is not valid: %s", reason);
    if (!json_is(json_member(record, "description"), JSON_TEXT))
        return wrong(&check, "invalid_server", "description", "must be a text");
    if (!json_is(json_member(record, "enable_server_info_validation"), JSON_BOOL))
        return wrong(&check, "invalid_server", "enable_server_info_validation",
                     "must be true or false");
    if (!check_config(&check) || !check_tools(&check))
        return false;
    for (size_t i = 0; i < POLICY_COUNT; i++)
        if (!check_policy(&check, server_policy_names[i]))
            return false;
    return check_oauth(&check);
}
