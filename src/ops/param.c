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
    [P_REVIVE_KEYS] = {"revive-keys", NULL, TYPE_FLAG,
                       "also bring back keys that were deleted from this store"},
    [P_SOURCE_CONFIG] = {"source-config", "NAME", TYPE_NAME, "the config to copy"},
    [P_TARGET_CONFIG] = {"target-config", "NAME", TYPE_NAME, "the config to make; must be unique"},
    [P_SERVER_NAME] = {"server-name", "NAME", TYPE_NAME, "the server, by its name in the config"},
    [P_SERVER_COMMAND] = {"server-command", "COMMAND", TYPE_COMMAND,
                          "the program that is the server, speaking over its stdin and stdout"},
    [P_ARGS] = {"args", "A,B,C", TYPE_LIST, "its arguments; with commas in them, as a JSON list"},
    [P_ENV] = {"env", "JSON", TYPE_JSON,
               "its environment, as an object of texts; secret; - is stdin, @FILE a file"},
    [P_URL] = {"url", "URL", TYPE_URL, "where the server is, when it speaks over HTTP"},
    [P_HEADERS] = {"headers", "JSON", TYPE_JSON,
                   "headers to send to it, as an object of texts; secret; - or @FILE as for --env"},
    [P_ALLOW_PRIVATE_ADDRESSES] = {"allow-private-addresses", NULL, TYPE_FLAG,
                                   "the URL may lead to this machine or its network"},
    [P_ISOLATION] = {"isolation", "project|user|session", TYPE_TEXT,
                     "who shares a process of it: a project (default), a user, or nobody; one that "
                     "several users have used can ask none of them (sampling, elicitation)"},
    [P_PROTOCOL] = {"protocol", "auto|legacy|modern", TYPE_TEXT,
                    "the era of MCP it speaks; auto (default) is to find out"},
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
    [P_POLICY_FILE] = {"policy-file", "FILE", TYPE_JSON_FILE, "a file with the policy"},
    [P_INPUT_POLICY] = {"input-policy", "JSON", TYPE_JSON,
                        "the policy for what goes to the server"},
    [P_INPUT_POLICY_FILE] = {"input-policy-file", "FILE", TYPE_JSON_FILE,
                             "a file with that policy"},
    [P_OUTPUT_POLICY] = {"output-policy", "JSON", TYPE_JSON,
                         "the policy for what comes from the server"},
    [P_OUTPUT_POLICY_FILE] = {"output-policy-file", "FILE", TYPE_JSON_FILE,
                              "a file with that policy"},
    [P_LISTEN] = {"listen", "ADDRESS", TYPE_LISTEN,
                  "where clients connect: HOST:PORT or unix:PATH; 127.0.0.1:8000 unless given"},
    [P_STDIO] = {"stdio", NULL, TYPE_FLAG,
                 "serve one client over stdin and stdout, with the key in ENKRYPT_GATEWAY_KEY"},
    [P_WORKERS] = {"workers", "N", TYPE_NUMBER, "threads that serve connections; 1 unless given"},
    [P_TLS_CERT] = {"tls-cert", "FILE", TYPE_PATH, "the certificate and its chain (PEM), for TLS"},
    [P_TLS_KEY] = {"tls-key", "FILE", TYPE_PATH, "the private key of the certificate (PEM)"},
    [P_METRICS_LISTEN] = {"metrics-listen", "ADDRESS", TYPE_LISTEN,
                          "where /metrics is, as for --listen; nowhere unless given"},
    [P_ALLOW_ORIGIN] = {"allow-origin", "A,B,C", TYPE_WORDS,
                        "web pages that may connect, besides those of this machine"},
    [P_ALLOW_HOST] = {"allow-host", "A,B,C", TYPE_WORDS,
                      "names the gateway is reached by, besides those of this machine"},
    [P_UPSTREAM_CA] = {"upstream-ca", "FILE", TYPE_PATH,
                       "who vouches for servers (PEM), in place of the system's authorities"},
    [P_MAX_HEAD] = {"max-head", "16K", TYPE_SIZE, "at most so many bytes in a request's head"},
    [P_MAX_BODY] = {"max-body", "10M", TYPE_SIZE, "at most so many bytes in a request's body"},
    [P_MAX_EVENT] = {"max-event", "10M", TYPE_SIZE,
                     "at most so many bytes in one event of a stream"},
    [P_MAX_LIST] = {"max-list", "10M", TYPE_SIZE,
                    "at most so many bytes in all pages of a server's list"},
    [P_MAX_UPSTREAM_BODY] = {"max-upstream-body", "10M", TYPE_SIZE,
                             "at most so many bytes in a server's answer"},
    [P_MAX_QUEUE] = {"max-queue", "256K", TYPE_SIZE,
                     "keep so many bytes for a client that does not read, then wait"},
    [P_MAX_UNREAD] =
        {"max-unread", "256M", TYPE_SIZE,
         "keep so many bytes in a worker for all clients that do not read, "
         "a quarter of it for one key; as many again for requests under way, a quarter "
         "for heads that are not complete"},
    [P_MAX_DEPTH] = {"max-depth", "128", TYPE_NUMBER,
                     "at most so many levels of nesting in a message"},
    [P_CALLS_PER_KEY] = {"calls-per-key", "64", TYPE_NUMBER,
                         "at most so many calls under way for a key"},
    [P_SESSIONS_PER_KEY] = {"sessions-per-key", "256", TYPE_NUMBER,
                            "at most so many sessions of a key"},
    [P_CONNECTIONS] = {"connections", "100000", TYPE_NUMBER,
                       "at most so many connections of clients"},
    [P_PAGES_PER_LIST] = {"pages-per-list", "100", TYPE_NUMBER,
                          "at most so many pages of a server's list"},
    [P_IDLE_SESSION] = {"idle-session", "30m", TYPE_DURATION,
                        "end a session that is unused for so long"},
    [P_KEEP_ALIVE] = {"keep-alive", "15s", TYPE_DURATION,
                      "send a comment into a stream that is quiet for so long"},
    [P_IDLE_CONNECTION] = {"idle-connection", "75s", TYPE_DURATION,
                           "end a connection that is unused for so long"},
    [P_REQUEST_TIMEOUT] = {"request-timeout", "30s", TYPE_DURATION,
                           "how long a request may take to arrive"},
    [P_CONNECT_TIMEOUT] = {"connect-timeout", "5s", TYPE_DURATION,
                           "how long connecting to a server may take"},
    [P_FIRST_BYTE_TIMEOUT] = {"first-byte-timeout", "60s", TYPE_DURATION,
                              "how long a server may take to begin its answer"},
    [P_IDLE_TIMEOUT] = {"idle-timeout", "60s", TYPE_DURATION,
                        "how long a server may pause in its answer"},
    [P_TOTAL_TIMEOUT] = {"total-timeout", "5m", TYPE_DURATION, "how long a call may take in all"},
    [P_HANDSHAKE_TIMEOUT] = {"handshake-timeout", "30s", TYPE_DURATION,
                             "how long a server may take to start"},
    [P_QUESTION_TIMEOUT] = {"question-timeout", "5m", TYPE_DURATION,
                            "how long a client may take to answer a server's question"},
    [P_IDLE_CHILD] = {"idle-child", "30m", TYPE_DURATION,
                      "end a server's process that is unused for so long"},
    [P_RESTART_FIRST] = {"restart-first", "1s", TYPE_DURATION,
                         "the first pause before a server that died is started again"},
    [P_RESTART_MOST] = {"restart-most", "1m", TYPE_DURATION, "the longest such pause"},
    [P_LEASE] = {"lease", "2s", TYPE_DURATION,
                 "how long to go on by what was known when the store is out of reach"},
    [P_DRAIN] = {"drain", "10s", TYPE_DURATION,
                 "how long calls may take to finish when the gateway is to end"},
    [P_USAGE_PERIOD] = {"usage-period", "1m", TYPE_DURATION,
                        "how often the uses of keys are written down"},
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

static bool read_path(enum param param, struct view text, struct err *err)
{
    // A command becomes JSON text; other paths are whatever the file system has.
    if (param_rows[param].type == TYPE_COMMAND && !text_is_utf8(text))
        return bad_value(param, "UTF-8", err);
    return (text.size > 0 && text.size < LIMIT_PATH) || bad_value(param, "a file's path", err);
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

static bool read_size(struct view text, int64_t *ret_size)
{
    static const char units[] = "KMG";
    const char *unit = text.size ? memchr(units, text.data[text.size - 1], sizeof units - 1) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    int64_t size = 0;
    text.size -= unit != NULL;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || size > LIMIT_SIZE)
            return false;
        size = size * 10 + (text.data[i] - '0');
    }
    *ret_size = size <= LIMIT_SIZE ? size << shift : 0;
    return text.size > 0 && *ret_size >= 1 && *ret_size <= LIMIT_SIZE;
}

// The types whose text means a number.
static bool read_measure(enum param param, struct view text, struct arg *arg, struct err *err)
{
    switch (param_rows[param].type) {
    case TYPE_EXPIRY:
        return view_is(text, "never") || duration_parse(text, &arg->number) ||
               bad_value(param,
                         "a time from now such as 90d or 12h (s, m, h, d, w; up to " LIMIT_TEXT(
                             LIMIT_DURATION_DAYS) "d), or never",
                         err);
    case TYPE_DURATION:
        return duration_parse(text, &arg->number) ||
               bad_value(param,
                         "a length of time such as 90d or 12h (s, m, h, d, w; up to " LIMIT_TEXT(
                             LIMIT_DURATION_DAYS) "d)",
                         err);
    case TYPE_TIME:
        return time_parse(text, &arg->number) || read_time_ago(text, &arg->number) ||
               bad_value(param, "a UTC time such as 2025-07-16T17:02:00, or how long ago (90d)",
                         err);
    case TYPE_SIZE:
        return read_size(text, &arg->number) ||
               bad_value(param, "a number of bytes such as 65536, 64K or 10M, up to 1G", err);
    default:
        return read_number(text, &arg->number) ||
               bad_value(param, "a whole number from 1 to " LIMIT_TEXT(LIMIT_PAGE), err);
    }
}

static bool read_text(enum param param, struct view text, struct err *err)
{
    if (text.size >= 1 && text.size <= LIMIT_TERM && text_is_utf8(text))
        return true;
    return bad_value(param, "1 to " LIMIT_TEXT(LIMIT_TERM) " bytes of UTF-8", err);
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
    if (text.size > LIMIT_LIST || !text_is_utf8(text))
        return bad_value(
            param,
            "texts with commas between them, at most " LIMIT_TEXT(LIMIT_LIST) " bytes of UTF-8",
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

static bool read_words(enum param param, struct view text, struct err *err)
{
    bool good = text.size > 0 && text.size <= LIMIT_LIST && text_is_utf8(text) &&
                text.data[0] != ',' && text.data[text.size - 1] != ',';
    for (size_t i = 1; good && i < text.size; i++)
        good = text.data[i] != ',' || text.data[i - 1] != ',';
    return good || bad_value(param, "texts with commas between them, none of them empty", err);
}

static bool is_port(struct view text)
{
    unsigned port = 0;
    for (size_t i = 0; i < text.size && port <= 65535; i++)
        port = text.data[i] >= '0' && text.data[i] <= '9' ? port * 10 + (unsigned)text.data[i] - '0'
                                                          : 65536;
    return text.size >= 1 && text.size <= 5 && port <= 65535;
}

// How many bytes from `from` on are among `set`.
static size_t span(struct view text, size_t from, const char *set)
{
    size_t at = from;
    while (at < text.size && text.data[at] && strchr(set, text.data[at]))
        at++;
    return at - from;
}

static bool is_host_and_port(struct view text)
{
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    bool ipv6 = view_starts(text, VIEW("["));
    struct view between = ipv6 ? VIEW("]:") : VIEW(":");
    size_t host = span(text, ipv6, ipv6 ? "0123456789abcdefABCDEF:." : bare);
    struct view rest = view_skip(text, ipv6 + host);
    return host > 0 && view_starts(rest, between) && is_port(view_skip(rest, between.size));
}

static bool read_listen(enum param param, struct view text, struct err *err)
{
    enum { SOCKET_PATH = 107 }; // unix(7): sun_path without its NUL
    struct view path = view_starts(text, VIEW("unix:")) ? view_skip(text, 5) : VIEW("");
    return (path.size > 0 && path.size <= SOCKET_PATH) || is_host_and_port(text) ||
           bad_value(param, "HOST:PORT such as 127.0.0.1:8000 or [::1]:8000, or unix:PATH", err);
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

bool param_is_file(enum param param)
{
    return param_rows[param].type == TYPE_JSON_FILE;
}

static bool stray_key(enum param param, struct err *err)
{
    return err_set(err, ERR_USAGE, "stray_api_key",
                   "The value of --%s holds an API key, which does not belong there",
                   param_rows[param].name);
}

static bool refuse_stray_key(enum param param, struct view text, struct err *err)
{
    // JSON may hold one where it is kept as a secret; whoever stores the rest looks there.
    if (param_has_sources(param) || param_is_file(param) || !rule_holds_api_key(text))
        return true;
    return stray_key(param, err);
}

bool param_check_file(enum param param, struct view path, struct err *err)
{
    if (rule_holds_api_key(path))
        return stray_key(param, err);
    return read_path(param, path, err);
}

static bool read_word(enum param param, struct view text, struct err *err)
{
    if (param_rows[param].type == TYPE_SWITCH)
        return view_is(text, "true") || view_is(text, "false") ||
               bad_value(param, "true or false", err);
    return view_is(text, "active") || view_is(text, "disabled") || view_is(text, "expired") ||
           bad_value(param, "active, disabled or expired", err);
}

bool param_read(enum param param, struct view text, struct arg *ret_arg, struct err *err)
{
    struct arg arg = {.given = true, .text = text};
    bool good = param_rows[param].type == TYPE_FLAG;
    if (!refuse_stray_key(param, text, err))
        return false;
    switch (param_rows[param].type) {
    case TYPE_FLAG:
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
    case TYPE_STATUS:
        good = read_word(param, text, err);
        break;
    case TYPE_PATH:
    case TYPE_COMMAND:
        good = read_path(param, text, err);
        break;
    case TYPE_JSON:
    case TYPE_JSON_FILE:
        good = read_json(param, text, err);
        break;
    case TYPE_LIST:
        good = read_list(param, text, err);
        break;
    case TYPE_URL:
        good = read_url(param, text, err);
        break;
    case TYPE_WORDS:
        good = read_words(param, text, err);
        break;
    case TYPE_LISTEN:
        good = read_listen(param, text, err);
        break;
    case TYPE_SIZE:
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
