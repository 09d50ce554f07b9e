// server_validate.c: see server_validate.h.
#include "model/server_validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "model/address.h"
#include "model/server_oauth.h"
#include "model/server_record.h"
#include "model/server_spec.h"

// What clients take as the name of a tool: `{server}__{tool}`, 64 characters (gateway contract).
enum { TOOL_NAME = 128, PREFIXED_NAME = 64, CUT_NAME = 55, SEPARATOR = 2 };
// Of the server's part.
enum { PREFIX = 40, CUT_PLAIN = 30, CUT_PREFIX = CUT_PLAIN + 9 };

struct report {
    const struct json_value *record;
    struct out *out;
    enum severity wanted;
    int64_t count;
};

PRINTF_LIKE(5, 6)
static void find(struct report *report, enum severity severity, const char *code,
                 const char *member, const char *format, ...)
{
    char message[512];
    va_list args;
    if (severity != report->wanted)
        return;
    report->count++;
    if (!report->out)
        return;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    out_begin(report->out, '{');
    field_string(report->out, "code", code);
    field_string(report->out, "member", member);
    field_string(report->out, "message", message);
    out_end(report->out, '}');
}

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

// As execvp(3) looks for it: in the folders of `path`, which have colons between them.
static bool is_on_path(struct view command, struct view path)
{
    char candidate[2 * LIMIT_PATH];
    while (true) {
        const char *colon = path.size ? memchr(path.data, ':', path.size) : NULL;
        size_t size = colon ? (size_t)(colon - path.data) : path.size;
        int length = snprintf(candidate, sizeof candidate, "%.*s%s%.*s", (int)size, path.data,
                              size ? "/" : "", VIEW_ARG(command));
        if (length > 0 && (size_t)length < sizeof candidate && is_program(candidate))
            return true;
        if (!colon)
            return false;
        path = view_skip(path, size + 1);
    }
}

static void judge_command(struct report *report, const struct json_value *config)
{
    struct view command = json_text(server_member(config, "command"));
    struct view path = json_text(server_member(server_member(config, "env"), "PATH"));
    char text[LIMIT_PATH];
    if (!text_copy(text, sizeof text, command))
        return;
    bool placed = strchr(text, '/') != NULL;
    if (placed ? is_program(text) : is_on_path(command, path.data ? path : VIEW(SERVER_PATH)))
        return;
    find(report, STOPS, "command_not_found", "config.command",
         placed      ? "%.200s is no file that can be run"
         : path.data ? "%.200s is not found on the PATH of env"
                     : "%.200s is not found on " SERVER_PATH,
         text);
}

static void judge_url(struct report *report, const char *member, struct view text, bool allowed)
{
    struct url url;
    const char *reason = url_read(text, &url);
    if (reason) {
        find(report, STOPS, "invalid_url", member, "the URL is not valid: %s", reason);
        return;
    }
    enum reach reach = address_reach(url.host);
    int shown = (int)(url.host.size < 100 ? url.host.size : 100);
    if (reach == REACH_NOWHERE)
        find(report, STOPS, "address_refused", member, "%.*s is %s", shown, url.host.data,
             reach_text(reach));
    else if (reach != REACH_PUBLIC && reach != REACH_NAME && !allowed)
        find(report, STOPS, "address_refused", member,
             "%.*s is %s, which is refused unless allow_private_addresses is set", shown,
             url.host.data, reach_text(reach));
    if (!url.https && reach != REACH_LOOPBACK)
        find(report, STOPS, "url_not_https", member, "the URL must begin with https://");
    if (url.credentials)
        find(report, WARNS, "url_credentials", member,
             "credentials in a URL end up in logs; put them into headers");
}

// The member's truth value; `otherwise` when it has none.
static bool is_on(const struct json_value *object, const char *name, bool otherwise)
{
    bool on;
    return json_bool(server_member(object, name), &on) ? on : otherwise;
}

static bool allows_private(const struct json_value *record)
{
    return is_on(server_member(record, "config"), "allow_private_addresses", false);
}

static bool is_tool_name(struct view name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || !strchr("_-.", c)))
            return false;
    }
    return name.size >= 1 && name.size <= TOOL_NAME;
}

// How long the part of a server is in the names of tools at `/mcp`, as gateway/naming.h makes it:
// other characters become `_`, without two of them together or one at the end; when that is too
// long, its beginning and a hash.
static size_t prefix_size(struct view name, bool *ret_cut)
{
    size_t size = 0;
    bool after_line = true;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool plain = is_tool_name((struct view){name.data + i, 1}) && c != '.' && c != '_';
        size += plain || !after_line;
        after_line = !plain;
    }
    size -= size > 0 && after_line;
    *ret_cut = size > PREFIX || size == 0;
    return *ret_cut ? CUT_PREFIX : size;
}

static void judge_tools(struct report *report, struct view server)
{
    bool cut;
    size_t before = prefix_size(server, &cut) + SEPARATOR;
    const struct json_value *tools = server_member(report->record, "tools");
    for (const struct json_value *tool = json_first(tools); tool; tool = tool->next) {
        int shown = (int)(tool->key.size < TOOL_NAME ? tool->key.size : TOOL_NAME);
        if (!is_tool_name(tool->key))
            find(report, STOPS, "tool_name_invalid", "tools",
                 "%.*s is no tool's name: 1 to 128 letters, digits, _, - and .", shown,
                 tool->key.data);
        else if (before + tool->key.size > PREFIXED_NAME)
            find(report, WARNS, "tool_name_shortened", "tools",
                 "%.*s has %zu characters with the server's name before it: at /mcp clients see "
                 "the first %d and a hash",
                 shown, tool->key.data, before + tool->key.size, CUT_NAME);
    }
}

static void judge_name(struct report *report, struct view name)
{
    bool cut;
    (void)prefix_size(name, &cut);
    if (cut)
        find(report, WARNS, "server_name_shortened", "server_name",
             "the names of tools at /mcp begin with its first %d characters and a hash", CUT_PLAIN);
    else if (!is_tool_name(name))
        find(report, WARNS, "server_name_unusual", "server_name",
             "the names of tools at /mcp begin with it, other characters than letters, digits, _ "
             "and - as _");
}

static void judge_policies(struct report *report)
{
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        const struct json_value *policy = server_member(report->record, server_policy_names[i]);
        if (is_on(policy, "enabled", false) &&
            json_text(server_member(policy, "policy_name")).size == 0 &&
            json_count(server_member(policy, "additional_config")) == 0 &&
            json_count(server_member(policy, "block")) == 0)
            find(report, WARNS, "policy_empty", server_policy_names[i],
                 "the policy is enabled and says nothing");
    }
}

static void judge_oauth(struct report *report)
{
    const struct json_value *oauth = server_member(report->record, "oauth_config");
    struct err err = {0};
    if (!oauth || !is_on(oauth, "enabled", true))
        return;
    if (!server_oauth_check(report->record, &err)) {
        find(report, STOPS, err.code, "oauth_config", "%.500s", err.message);
        return;
    }
    for (const struct json_value *member = json_first(oauth); member; member = member->next)
        if (server_name_is_url(member->key) && json_text(member).size > 0)
            judge_url(report, "oauth_config", member->text, allows_private(report->record));
    struct view grant = server_oauth_text(oauth, "granttype");
    if (!server_oauth_knows_grant(grant)) {
        find(report, STOPS, "oauth_grant_unknown", "oauth_config",
             "its grant type must be client_credentials or authorization_code");
        return;
    }
    const char *missing;
    for (size_t i = 0; server_oauth_needs(oauth, i, &missing); i++)
        if (missing)
            find(report, STOPS, "oauth_incomplete", "oauth_config", "the grant %.*s needs %s",
                 grant.size ? (int)grant.size : 18, grant.size ? grant.data : "client_credentials",
                 missing);
}

int64_t server_validate(const struct json_value *record, enum severity wanted, struct out *out)
{
    struct report report = {record, out, wanted, 0};
    const struct json_value *config = server_member(record, "config");
    struct view name = json_text(server_member(record, "server_name"));
    struct err err = {0};
    if (!server_record_check(record, &err)) {
        find(&report, STOPS, err.code, "config", "%.500s", err.message);
        return report.count;
    }
    if (server_member(config, "url"))
        judge_url(&report, "config.url", json_text(server_member(config, "url")),
                  allows_private(record));
    else
        judge_command(&report, config);
    if (server_record_masked(record) > 0)
        find(&report, STOPS, "secret_masked", "config",
             "%zu secrets are only their mask " SERVER_MASK ": give them again",
             server_record_masked(record));
    judge_tools(&report, name);
    judge_name(&report, name);
    judge_policies(&report);
    judge_oauth(&report);
    return report.count;
}
