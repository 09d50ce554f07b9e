// client.c: see client.h.
#include "ops/client.h"

#include <stdio.h>

#include "base/limits.h"

#define KEY_VARIABLE "ENKRYPT_GATEWAY_KEY"

enum { CLAUDE_DESKTOP, CURSOR, CLAUDE_CODE, VSCODE, CLIENT_COUNT };

static const struct client clients[CLIENT_COUNT] = {
    [CLAUDE_DESKTOP] = {"claude-desktop", "Claude Desktop", "mcpServers", NULL, false, false,
                        false},
    [CURSOR] = {"cursor", "Cursor", "mcpServers", "${env:" KEY_VARIABLE "}", false, true, false},
    [CLAUDE_CODE] = {"claude-code", "Claude Code", "mcpServers", "${" KEY_VARIABLE "}", true, true,
                     false},
    [VSCODE] = {"vscode", "VS Code", "servers", "${input:%s}", true, true, true},
};

// What the file's path begins with.
enum base { BASE_HOME, BASE_CONFIG, BASE_CLAUDE };

// The rest of the path, with `/` between its parts.
static const struct {
    enum base base;
    const char *rest;
} files[CLIENT_COUNT] = {
    [CLAUDE_DESKTOP] = {BASE_CONFIG, "Claude/claude_desktop_config.json"},
    [CURSOR] = {BASE_HOME, ".cursor/mcp.json"},
    [CLAUDE_CODE] = {BASE_CLAUDE, ".claude.json"},
    [VSCODE] = {BASE_CONFIG, "Code/User/mcp.json"},
};

bool client_read(struct view name, const struct client **ret_client, struct err *err)
{
    for (size_t i = 0; i < CLIENT_COUNT; i++) {
        if (view_is(name, clients[i].name)) {
            *ret_client = &clients[i];
            return true;
        }
    }
    return err_set(err, ERR_USAGE, "invalid_value",
                   "The value of --client is not valid: expected claude-desktop, cursor, "
                   "claude-code or vscode");
}

bool platform_read(struct view name, enum platform *ret_platform, struct err *err)
{
    static const char *const names[] = {"linux", "macos", "windows"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (view_is(name, names[i])) {
            *ret_platform = (enum platform)i;
            return true;
        }
    }
    return err_set(err, ERR_USAGE, "invalid_value",
                   "The value of --platform is not valid: expected linux, macos or windows");
}

static bool is_word(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

bool client_check_name(struct view name, struct err *err)
{
    bool good = name.size >= 1 && name.size <= CLIENT_NAME;
    for (size_t i = 0; i < name.size; i++)
        good = good && is_word(name.data[i]);
    return good || err_set(err, ERR_USAGE, "invalid_name",
                           "The value of --name is not valid: expected 1 to %d letters, digits, - "
                           "and _",
                           CLIENT_NAME);
}

bool client_check_url(struct view url, struct err *err)
{
    size_t scheme = view_starts(url, VIEW("http://"))    ? 7
                    : view_starts(url, VIEW("https://")) ? 8
                                                         : 0;
    bool good = scheme > 0 && url.size > scheme && url.data[scheme] != '/';
    for (size_t i = 0; i < url.size; i++)
        good = good && url.data[i] > ' ' && url.data[i] <= '~' &&
               !strchr("\"'<>\\^`{|}@", url.data[i]);
    return good || err_set(err, ERR_USAGE, "invalid_value",
                           "The value of --http is not valid: expected a URL such as "
                           "https://gateway.example.com/mcp");
}

static bool is_given(const char *text)
{
    return text && text[0];
}

// The user's own folder.
static const char *home_of(enum platform platform, const struct surroundings *surroundings)
{
    bool windows = platform == PLATFORM_WINDOWS && is_given(surroundings->userprofile);
    return windows ? surroundings->userprofile : surroundings->home;
}

// The folder that the client's file is in, or above it; the second part may be "".
static bool find_base(enum base base, enum platform platform,
                      const struct surroundings *surroundings, const char *ret_parts[2])
{
    static const char *const config[] = {
        [PLATFORM_LINUX] = ".config/",
        [PLATFORM_MACOS] = "Library/Application Support/",
        [PLATFORM_WINDOWS] = "AppData/Roaming/",
    };
    ret_parts[0] = home_of(platform, surroundings);
    ret_parts[1] = base == BASE_CONFIG ? config[platform] : "";
    const char *other = NULL;
    if (base == BASE_CONFIG && platform == PLATFORM_WINDOWS)
        other = surroundings->appdata;
    if (base == BASE_CONFIG && platform == PLATFORM_LINUX && is_given(surroundings->config_home) &&
        surroundings->config_home[0] == '/')
        other = surroundings->config_home;
    if (base == BASE_CLAUDE)
        other = surroundings->claude_config_dir;
    if (is_given(other)) {
        ret_parts[0] = other;
        ret_parts[1] = "";
    }
    return is_given(ret_parts[0]);
}

bool client_path(const struct client *client, enum platform platform,
                 const struct surroundings *surroundings, char ret_path[LIMIT_PATH],
                 struct err *err)
{
    const char *parts[2];
    size_t which = (size_t)(client - clients);
    if (!find_base(files[which].base, platform, surroundings, parts)) {
        err_set(err, ERR_USAGE, "home_unknown",
                "Nothing says where %s keeps its file: %s is not set", client->title,
                platform == PLATFORM_WINDOWS ? "APPDATA or USERPROFILE" : "HOME");
        return err_hint(err, "name the file with --config-file");
    }
    bool ended = strchr("/\\", parts[0][strlen(parts[0]) - 1]) != NULL;
    int size = snprintf(ret_path, LIMIT_PATH, "%s%s%s%s", parts[0], ended ? "" : "/", parts[1],
                        files[which].rest);
    if (size < 0 || size >= LIMIT_PATH)
        return err_set(err, ERR_USAGE, "path_too_long",
                       "The path of the client's file is too long");
    // A Windows path is written the Windows way; below /mnt/c it is a path like any other.
    if (platform == PLATFORM_WINDOWS && parts[0][0] != '/')
        for (char *at = strchr(ret_path, '/'); at; at = strchr(at, '/'))
            *at = '\\';
    return true;
}

const char *client_input_id(const struct client_entry *entry, char ret_id[CLIENT_REFERENCE])
{
    (void)snprintf(ret_id, CLIENT_REFERENCE, "%.*s-key", VIEW_ARG(entry->name));
    return ret_id;
}

const char *client_reference(const struct client_entry *entry, char ret_text[CLIENT_REFERENCE])
{
    char id[CLIENT_REFERENCE];
    const char *reference = entry->client->reference;
    if (entry->client->asks)
        (void)snprintf(ret_text, CLIENT_REFERENCE, "${input:%.100s}", client_input_id(entry, id));
    else
        (void)snprintf(ret_text, CLIENT_REFERENCE, "%s", reference ? reference : "YOUR_API_KEY");
    return ret_text;
}

static void write_arguments(const struct surroundings *surroundings, struct out *out)
{
    const struct {
        const char *option, *value;
    } ours[] = {{"--home", surroundings->home_option}, {"--store", surroundings->store_option}};
    field_begin(out, "args", '[');
    out_text(out, VIEW("serve"));
    out_text(out, VIEW("--stdio"));
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        if (ours[i].value) {
            out_text(out, view_of(ours[i].option));
            out_text(out, view_of(ours[i].value));
        }
    }
    out_end(out, ']');
}

static void write_http(const struct client_entry *entry, const char *reference, struct out *out)
{
    char header[CLIENT_REFERENCE + 16];
    (void)snprintf(header, sizeof header, "Bearer %s", reference);
    field_text(out, "url", entry->url);
    field_begin(out, "headers", '{');
    field_string(out, "Authorization", header);
    out_end(out, '}');
}

static void write_stdio(const struct client_entry *entry, const char *reference, struct out *out)
{
    field_string(out, "command", entry->surroundings->program);
    write_arguments(entry->surroundings, out);
    field_begin(out, "env", '{');
    field_text(out, KEY_VARIABLE, entry->key.data ? entry->key : view_of(reference));
    out_end(out, '}');
}

void client_write_entry(const struct client_entry *entry, struct out *out)
{
    char reference[CLIENT_REFERENCE];
    (void)client_reference(entry, reference);
    out_begin(out, '{');
    if (entry->client->typed)
        field_string(out, "type", entry->url.data ? "http" : "stdio");
    if (entry->url.data)
        write_http(entry, reference, out);
    else
        write_stdio(entry, reference, out);
    out_end(out, '}');
}

void client_write_input(const struct client_entry *entry, struct out *out)
{
    char id[CLIENT_REFERENCE];
    out_begin(out, '{');
    field_string(out, "type", "promptString");
    field_string(out, "id", client_input_id(entry, id));
    field_string(out, "description", "API key for Secure MCP Gateway");
    field_bool(out, "password", true);
    out_end(out, '}');
}

// The member of an object; NULL when it is missing, or `object` is none.
static const struct json_value *member_of(const struct json_value *object, const char *name)
{
    return json_is(object, JSON_OBJECT) ? json_member(object, name) : NULL;
}

bool client_is_ours(const struct client_entry *entry, const struct json_value *value)
{
    char header[CLIENT_REFERENCE + 16], reference[CLIENT_REFERENCE];
    const struct json_value *args = member_of(value, "args");
    const struct json_value *first = json_is(args, JSON_ARRAY) ? json_first(args) : NULL;
    struct view sent = json_text(member_of(member_of(value, "headers"), "Authorization"));
    (void)snprintf(header, sizeof header, "Bearer %s", client_reference(entry, reference));
    if (member_of(value, "url"))
        return view_is(sent, header);
    return first && view_is(json_text(first), "serve") && first->next &&
           view_is(json_text(first->next), "--stdio") &&
           member_of(member_of(value, "env"), KEY_VARIABLE);
}

unsigned client_folders(const struct client *client)
{
    unsigned count = 0;
    for (const char *at = files[client - clients].rest; *at; at++)
        count += *at == '/';
    return count;
}
