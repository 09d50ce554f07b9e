// client.h: the MCP clients, what their files are called and what an entry of ours looks like
// there. Knows text only: reads and writes no file and asks no environment.
//
// Facts relied on, and where they were found in 2026:
//
// - Claude Desktop: `mcpServers` in claude_desktop_config.json, in ~/Library/Application
//   Support/Claude on macOS and %APPDATA%\Claude on Windows (anaconda.com/docs, `claude-desktop
//   path`); installers for Linux use $XDG_CONFIG_HOME/Claude (npm, @sigyl-dev/cli). Remote servers
//   in that file are not connected to (support.claude.com, article 11503834). That variables are
//   replaced is documented nowhere, and the stdio clients of the MCP SDKs hand on only HOME,
//   LOGNAME, PATH, SHELL, TERM and USER, or their like on Windows (DEFAULT_INHERITED_ENV_VARS in
//   mcp/client/stdio): the key must stand in `env`.
// - Cursor: `mcpServers` in ~/.cursor/mcp.json (cursor.com/docs/mcp); `${env:NAME}` is replaced
//   (syllago.dev, "Cursor: MCP configs", after those docs), in headers too (userjot.com/docs/
//   mcp-cursor).
// - Claude Code: `mcpServers` in ~/.claude.json (user scope), in $CLAUDE_CONFIG_DIR when that is
// set
//   (github.com/anthropics/claude-code, issues 4193 and 48448); `type` tells stdio from http;
//   `${NAME}` is replaced in command, args, env, url and headers (code.claude.com/docs/en/mcp for
//   .mcp.json, and measured with version 2.1.278 on dev.to by "rulestack"). Early in 2026 that was
//   asked for in ~/.claude.json (issue 43693) and broken in headers on Windows (issue 51581).
// - VS Code: `servers` in mcp.json of the user's profile, Code/User below ~/.config, ~/Library/
//   Application Support or %APPDATA%; `inputs` of type promptString with `password` are asked for
//   (code.visualstudio.com/docs/copilot/reference/mcp-configuration). `${input:ID}` works in env
//   and headers; `${env:NAME}` was reported not to work in headers (github.com/microsoft/vscode,
//   issue 336232), so the former is used everywhere.
#pragma once

#include "base/json.h"
#include "base/out.h"
#include "ops/op.h"

struct client {
    const char *name, *title;
    const char *servers;   // the member of the file that holds the entries
    const char *reference; // what stands for the key; NULL: the client replaces nothing
    bool typed;            // an entry has a `type`
    bool http;             // an entry may name a URL
    bool asks;             // `reference` names an input, of which the file has a list
};

enum platform { PLATFORM_LINUX, PLATFORM_MACOS, PLATFORM_WINDOWS };

enum { CLIENT_NAME = 64, CLIENT_REFERENCE = 128 };

// One entry of a client's file.
struct client_entry {
    const struct client *client;
    struct view name; // checked: see client_check_name
    struct view url;  // {NULL, 0}: the client starts us and talks over stdin and stdout
    struct view key;  // in the clear; {NULL, 0}: by reference
    const struct surroundings *surroundings;
};

MUST_CHECK bool client_read(struct view name, const struct client **ret_client, struct err *err);
MUST_CHECK bool platform_read(struct view name, enum platform *ret_platform, struct err *err);

// 1 to 64 letters, digits, `-` and `_`: what all clients take, and what fits into a reference.
MUST_CHECK bool client_check_name(struct view name, struct err *err);

// http:// or https:// and printable ASCII without blanks, quotes or a user's name.
MUST_CHECK bool client_check_url(struct view url, struct err *err);

// The client's file for a user of that platform.
MUST_CHECK bool client_path(const struct client *client, enum platform platform,
                            const struct surroundings *surroundings, char ret_path[LIMIT_PATH],
                            struct err *err);

// What stands for the key in the entry, for example `${env:ENKRYPT_GATEWAY_KEY}`.
const char *client_reference(const struct client_entry *entry, char ret_text[CLIENT_REFERENCE]);

// The id of the input that is asked for the key; only for clients with `asks`.
const char *client_input_id(const struct client_entry *entry, char ret_id[CLIENT_REFERENCE]);

// The value under the entry's name, and the input that it refers to.
void client_write_entry(const struct client_entry *entry, struct out *out);
void client_write_input(const struct client_entry *entry, struct out *out);

// Whether what stands under an entry's name was made by us, whatever was added to it: a program
// that serves over stdin and has our variable, or a URL with the reference to our key.
MUST_CHECK bool client_is_ours(const struct client_entry *entry, const struct json_value *value);

// How many folders of the client's own are above its file.
unsigned client_folders(const struct client *client);
