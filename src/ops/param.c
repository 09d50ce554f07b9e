// param.c: see param.h.
#include "ops/param.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/address.h"
#include "model/rules.h"

const struct param_row param_rows[P_COUNT] = {
    [P_EMAIL] = {"email", "ADDRESS", TYPE_EMAIL, "the user, by e-mail address"},
    [P_USER_ID] = {"user-id", "UUID", TYPE_UUID, "the user, by id"},
    [P_NEW_EMAIL] = {"new-email", "ADDRESS", TYPE_EMAIL, "the new address; must be unique"},
    [P_PROJECT_NAME] = {"project-name", "NAME", TYPE_NAME, "the project, by name"},
    [P_PROJECT_ID] = {"project-id", "UUID", TYPE_UUID, "the project, by id"},
    [P_NEW_NAME] = {"new-name", "NAME", TYPE_NAME, "the new name; must be unique"},
    [P_CONFIG_NAME] = {"config-name", "NAME", TYPE_NAME, "the config, by name"},
    [P_CONFIG_ID] = {"config-id", "UUID", TYPE_UUID, "the config, by id"},
    [P_API_KEY] = {"api-key", "KEY", TYPE_KEY,
                   "the key: in full, as key_id, as masked form, - (standard input) or @FILE"},
    [P_NAME] = {"name", "TEXT", TYPE_NAME, "a name for the key, to tell it from others"},
    [P_EXPIRES_IN] = {"expires-in", "90d|12h|never", TYPE_EXPIRY, "when the key ends, from now on"},
    [P_SHOW_ONCE] = {"show-once", NULL, TYPE_FLAG, "keep no copy that could be shown again"},
    [P_GRACE] = {"grace", "24h", TYPE_DURATION, "keep the old key alive for so long"},
    [P_REVEAL] = {"reveal", NULL, TYPE_FLAG, "show secrets in full (each showing is audited)"},
    [P_DETAILS] = {"details", NULL, TYPE_FLAG, "show everything known of the key"},
    [P_STATUS] = {"status", "active|disabled|expired", TYPE_STATUS, "only keys of this status"},
    [P_OLDER_THAN] = {"older-than", "90d", TYPE_DURATION, "only keys made longer ago"},
    [P_UNUSED_FOR] = {"unused-for", "30d", TYPE_DURATION, "only keys not used for so long"},
    [P_EXPIRING_WITHIN] = {"expiring-within", "7d", TYPE_DURATION, "only keys that end so soon"},
    [P_SEARCH_TERM] = {"search-term", "TEXT", TYPE_TEXT, "what to look for, in any case"},
    [P_SINCE] = {"since", "TIME", TYPE_TIME,
                 "from this UTC time on, as 2025-07-16T17:02:00; or how long ago, as 7d"},
    [P_ACTOR] = {"actor", "ACTOR", TYPE_TEXT, "only what this actor did"},
    [P_ACTION] = {"action", "ACTION", TYPE_TEXT, "only this action, as user.create"},
    [P_TARGET] = {"target", "UUID", TYPE_UUID,
                  "only what touched this user, project, config or key"},
    [P_LIMIT] = {"limit", "N", TYPE_NUMBER, "at most so many"},
    [P_AFTER] = {"after", "ID", TYPE_TEXT, "go on after this id (the last one of the page before)"},
    [P_FORCE] = {"force", NULL, TYPE_FLAG, "remove keys and memberships too"},
    [P_DRY_RUN] = {"dry-run", NULL, TYPE_FLAG, "change nothing; print what would go"},
    [P_CONFIRM] = {"confirm", NULL, TYPE_FLAG, "ask before doing it"},
    [P_OUTPUT_FILE] = {"output-file", "FILE", TYPE_PATH,
                       "the file to write (mode 0600); - is stdout"},
    [P_INPUT_FILE] = {"input-file", "FILE", TYPE_PATH, "the file to read"},
    [P_MASTER_KEY_FILE] = {"master-key-file", "FILE", TYPE_PATH,
                           "the master.key of that time, when it is another now"},
    [P_CLIENT] = {"client", "CLIENT", TYPE_TEXT, "claude-desktop, cursor, claude-code or vscode"},
    [P_HTTP] = {"http", "URL", TYPE_TEXT,
                "reach a running gateway there, in place of starting one"},
    [P_CONFIG_FILE] = {"config-file", "FILE", TYPE_PATH,
                       "the client's file, when it is not in its usual place"},
    [P_PLATFORM] = {"platform", "linux|macos|windows", TYPE_TEXT,
                    "where that system's clients keep their file; linux unless given"},
    [P_ALLOW_CLEAR_KEY] = {"allow-clear-key", NULL, TYPE_FLAG,
                           "write the key into the client's file as it is"},
    [P_SKIP_EXISTING] = {"skip-existing", NULL, TYPE_FLAG, "leave what exists as it is"},
    [P_CREATE_PROJECTS] = {"create-projects", NULL, TYPE_FLAG, "make projects that are missing"},
    [P_SOURCE_CONFIG] = {"source-config", "NAME", TYPE_NAME, "the config to copy"},
    [P_TARGET_CONFIG] = {"target-config", "NAME", TYPE_NAME, "the config to make; must be unique"},
    [P_SERVER_NAME] = {"server-name", "NAME", TYPE_NAME, "the server, by its name in the config"},
    [P_SERVER_COMMAND] = {"server-command", "COMMAND", TYPE_PATH,
                          "the program that is the server, speaking over its stdin and stdout"},
    [P_ARGS] = {"args", "A,B,C", TYPE_LIST, "its arguments; with commas in them, as a JSON list"},
    [P_ENV] = {"env", "JSON", TYPE_JSON,
               "its environment, as an object of texts; secret; - is stdin, @FILE a file"},
    [P_URL] = {"url", "URL", TYPE_URL, "where the server is, when it speaks over HTTP"},
    [P_HEADERS] = {"headers", "JSON", TYPE_JSON,
                   "headers to send to it, as an object of texts; secret; - or @FILE as for --env"},
    [P_ALLOW_PRIVATE_ADDRESSES] = {"allow-private-addresses", NULL, TYPE_FLAG,
                                   "the URL may lead to this machine or its network"},
    [P_TOOLS] = {"tools", "JSON", TYPE_JSON,
                 "the tools that may be used, as an object or a list of names; {} is all"},
    [P_DESCRIPTION] = {"description", "TEXT", TYPE_TEXT, "what the server is for"},
    [P_ENABLE_SERVER_INFO_VALIDATION] = {"enable-server-info-validation", "true|false", TYPE_SWITCH,
                                         "whether what the server says of itself is examined"},
    [P_INPUT_GUARDRAILS_POLICY] = {"input-guardrails-policy", "JSON", TYPE_JSON,
                                   "the policy for what goes to the server"},
    [P_OUTPUT_GUARDRAILS_POLICY] = {"output-guardrails-policy", "JSON", TYPE_JSON,
                                    "the policy for what comes from the server"},
    [P_TOOL_GUARDRAILS_POLICY] = {"tool-guardrails-policy", "JSON", TYPE_JSON,
                                  "the policy for the descriptions of its tools"},
    [P_OAUTH] = {"oauth", "JSON", TYPE_JSON,
                 "how to get tokens for the server; secret; - is stdin, @FILE a file"},
    [P_POLICY] = {"policy", "JSON", TYPE_JSON, "the policy; - is stdin, @FILE a file"},
    [P_POLICY_FILE] = {"policy-file", "FILE", TYPE_PATH, "a file with the policy"},
    [P_INPUT_POLICY] = {"input-policy", "JSON", TYPE_JSON,
                        "the policy for what goes to the server"},
    [P_INPUT_POLICY_FILE] = {"input-policy-file", "FILE", TYPE_PATH, "a file with that policy"},
    [P_OUTPUT_POLICY] = {"output-policy", "JSON", TYPE_JSON,
                         "the policy for what comes from the server"},
    [P_OUTPUT_POLICY_FILE] = {"output-policy-file", "FILE", TYPE_PATH, "a file with that policy"},
};

static bool bad_value(enum param param, const char *expected, struct err *err)
{
    return err_set(err, ERR_USAGE, "invalid_value", "The value of --%s is not valid: expected %s",
                   param_rows[param].name, expected);
}

static bool read_email(enum param param, struct view text, struct err *err)
{
    const char *reason = rule_email(text);
    return !reason || err_set(err, ERR_USAGE, "invalid_email",
                              "The value of --%s is not a valid e-mail address: %s",
                              param_rows[param].name, reason);
}

static bool read_name(enum param param, struct view text, struct err *err)
{
    const char *reason = rule_name(text);
    return !reason ||
           err_set(err, ERR_USAGE, "invalid_name", "The value of --%s is not a valid name: %s",
                   param_rows[param].name, reason);
}

static bool is_utf8(struct view text)
{
    while (text.size > 0) {
        size_t length = utf8_length(text);
        if (length == 0)
            return false;
        text = view_skip(text, length);
    }
    return true;
}

static bool read_number(struct view text, int64_t *ret_number)
{
    int64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || number > LIMIT_PAGE)
            return false;
        number = number * 10 + (text.data[i] - '0');
    }
    *ret_number = number;
    return text.size > 0 && number >= 1 && number <= LIMIT_PAGE;
}

static bool read_time_ago(struct view text, int64_t *ret_time)
{
    int64_t length;
    if (!duration_parse(text, &length))
        return false;
    *ret_time = clock_now() - length;
    return true;
}

// The types whose text means a number.
static bool read_measure(enum param param, struct view text, struct arg *arg, struct err *err)
{
    switch (param_rows[param].type) {
    case TYPE_EXPIRY:
        return view_is(text, "never") || duration_parse(text, &arg->number) ||
               bad_value(
                   param,
                   "a time from now such as 90d or 12h (s, m, h, d, w; up to 36500d), or never",
                   err);
    case TYPE_DURATION:
        return duration_parse(text, &arg->number) ||
               bad_value(param, "a length of time such as 90d or 12h (s, m, h, d, w; up to 36500d)",
                         err);
    case TYPE_TIME:
        return time_parse(text, &arg->number) || read_time_ago(text, &arg->number) ||
               bad_value(param, "a UTC time such as 2025-07-16T17:02:00, or how long ago (90d)",
                         err);
    default:
        return read_number(text, &arg->number) ||
               bad_value(param, "a whole number from 1 to 1000000", err);
    }
}

static bool read_text(enum param param, struct view text, struct err *err)
{
    if (text.size >= 1 && text.size <= LIMIT_TERM && is_utf8(text))
        return true;
    return bad_value(param, "1 to 256 bytes of UTF-8", err);
}

static bool read_json(enum param param, struct view text, struct err *err)
{
    struct arena arena AUTO(arena_done);
    const struct json_value *value;
    struct err reason;
    arena_init(&arena, LIMIT_JSON_MEMORY);
    if (json_parse(text, &arena, &value, &reason))
        return true;
    if (reason.kind != ERR_USAGE)
        return err_memory(err);
    return err_set(err, ERR_USAGE, reason.code, "The value of --%s is not valid: %s",
                   param_rows[param].name, reason.message);
}

static bool read_list(enum param param, struct view text, struct err *err)
{
    if (text.size > 0 && text.data[0] == '[')
        return read_json(param, text, err);
    if (text.size > LIMIT_LIST || !is_utf8(text))
        return bad_value(param, "texts with commas between them, at most 65536 bytes of UTF-8",
                         err);
    return true;
}

static bool read_url(enum param param, struct view text, struct err *err)
{
    struct url url;
    const char *reason = url_read(text, &url);
    return !reason ||
           err_set(err, ERR_USAGE, "invalid_url", "The value of --%s is not a valid URL: %s",
                   param_rows[param].name, reason);
}

bool param_is_secret(enum param param)
{
    enum param_type type = param_rows[param].type;
    return type == TYPE_KEY || type == TYPE_JSON || type == TYPE_LIST || type == TYPE_URL;
}

bool param_has_sources(enum param param)
{
    return param_rows[param].type == TYPE_KEY || param_rows[param].type == TYPE_JSON;
}

static bool refuse_stray_key(enum param param, struct view text, struct err *err)
{
    // JSON may hold one where it is kept as a secret; whoever stores the rest looks there.
    if (param_rows[param].type == TYPE_KEY || param_rows[param].type == TYPE_JSON ||
        !rule_holds_api_key(text))
        return true;
    return err_set(err, ERR_USAGE, "stray_api_key",
                   "The value of --%s holds an API key, which does not belong there",
                   param_rows[param].name);
}

bool param_read(enum param param, struct view text, struct arg *ret_arg, struct err *err)
{
    struct arg arg = {.given = true, .text = text};
    bool good = false;
    if (!refuse_stray_key(param, text, err))
        return false;
    switch (param_rows[param].type) {
    case TYPE_FLAG:
        good = true;
        break;
    case TYPE_TEXT:
        good = read_text(param, text, err);
        break;
    case TYPE_EMAIL:
        good = read_email(param, text, err);
        break;
    case TYPE_NAME:
        good = read_name(param, text, err);
        break;
    case TYPE_UUID:
        good = text_is_uuid(text) || bad_value(param, "a UUID", err);
        break;
    case TYPE_KEY:
        good = !rule_api_key(text) || bad_value(param, rule_api_key(text), err);
        break;
    case TYPE_SWITCH:
        good = view_is(text, "true") || view_is(text, "false") ||
               bad_value(param, "true or false", err);
        break;
    case TYPE_STATUS:
        good = view_is(text, "active") || view_is(text, "disabled") || view_is(text, "expired") ||
               bad_value(param, "active, disabled or expired", err);
        break;
    case TYPE_PATH:
        good = (text.size > 0 && text.size < LIMIT_PATH) || bad_value(param, "a file's path", err);
        break;
    case TYPE_JSON:
        good = read_json(param, text, err);
        break;
    case TYPE_LIST:
        good = read_list(param, text, err);
        break;
    case TYPE_URL:
        good = read_url(param, text, err);
        break;
    case TYPE_DURATION:
    case TYPE_EXPIRY:
    case TYPE_TIME:
    case TYPE_NUMBER:
        good = read_measure(param, text, &arg, err);
        break;
    }
    if (good)
        *ret_arg = arg;
    return good;
}
