// test_client.c: where each client keeps its file on each platform, and what may name an entry.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "ops/client.h"

static struct err err;

static const struct client *client_of(const char *name)
{
    const struct client *client = NULL;
    assert_true(client_read(view_of(name), &client, &err));
    return client;
}

struct place {
    const char *client;
    enum platform platform;
    struct surroundings surroundings;
    const char *path; // NULL: refused
};

static void finds_the_file(void **state)
{
    (void)state;
    static const struct surroundings alice = {.home = "/home/alice"}, mac = {.home = "/Users/al"};
    static const struct surroundings xdg = {.home = "/home/alice", .config_home = "/cfg"};
    static const struct surroundings odd = {.home = "/home/alice", .config_home = "cfg"};
    static const struct surroundings win = {.appdata = "C:\\Users\\Al B\\AppData\\Roaming",
                                            .userprofile = "C:\\Users\\Al B"};
    static const struct surroundings bare = {.userprofile = "D:\\al"};
    static const struct surroundings wsl = {.home = "/home/alice",
                                            .appdata = "/mnt/c/Users/al/AppData/Roaming/",
                                            .userprofile = "/mnt/c/Users/al"};
    static const struct surroundings moved = {.home = "/home/alice", .claude_config_dir = "/srv/c"};
    static const struct surroundings nothing = {.home = ""};
    const struct place places[] = {
        {"claude-desktop", PLATFORM_LINUX, alice,
         "/home/alice/.config/Claude/claude_desktop_config.json"},
        {"claude-desktop", PLATFORM_LINUX, xdg, "/cfg/Claude/claude_desktop_config.json"},
        {"claude-desktop", PLATFORM_LINUX, odd,
         "/home/alice/.config/Claude/claude_desktop_config.json"},
        {"claude-desktop", PLATFORM_MACOS, mac,
         "/Users/al/Library/Application Support/Claude/claude_desktop_config.json"},
        {"claude-desktop", PLATFORM_MACOS, xdg,
         "/home/alice/Library/Application Support/Claude/claude_desktop_config.json"},
        {"claude-desktop", PLATFORM_WINDOWS, win,
         "C:\\Users\\Al B\\AppData\\Roaming\\Claude\\claude_desktop_config.json"},
        {"claude-desktop", PLATFORM_WINDOWS, bare,
         "D:\\al\\AppData\\Roaming\\Claude\\claude_desktop_config.json"},
        {"claude-desktop", PLATFORM_WINDOWS, wsl,
         "/mnt/c/Users/al/AppData/Roaming/Claude/claude_desktop_config.json"},
        {"cursor", PLATFORM_LINUX, alice, "/home/alice/.cursor/mcp.json"},
        {"cursor", PLATFORM_LINUX, xdg, "/home/alice/.cursor/mcp.json"},
        {"cursor", PLATFORM_MACOS, mac, "/Users/al/.cursor/mcp.json"},
        {"cursor", PLATFORM_WINDOWS, win, "C:\\Users\\Al B\\.cursor\\mcp.json"},
        {"claude-code", PLATFORM_LINUX, alice, "/home/alice/.claude.json"},
        {"claude-code", PLATFORM_LINUX, moved, "/srv/c/.claude.json"},
        {"claude-code", PLATFORM_MACOS, mac, "/Users/al/.claude.json"},
        {"claude-code", PLATFORM_WINDOWS, win, "C:\\Users\\Al B\\.claude.json"},
        {"vscode", PLATFORM_LINUX, alice, "/home/alice/.config/Code/User/mcp.json"},
        {"vscode", PLATFORM_LINUX, xdg, "/cfg/Code/User/mcp.json"},
        {"vscode", PLATFORM_MACOS, mac, "/Users/al/Library/Application Support/Code/User/mcp.json"},
        {"vscode", PLATFORM_WINDOWS, win,
         "C:\\Users\\Al B\\AppData\\Roaming\\Code\\User\\mcp.json"},
        {"vscode", PLATFORM_WINDOWS, alice, "/home/alice/AppData/Roaming/Code/User/mcp.json"},
        {"cursor", PLATFORM_LINUX, nothing, NULL},
        {"vscode", PLATFORM_WINDOWS, nothing, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        char path[LIMIT_PATH] = "";
        bool found = client_path(client_of(places[i].client), places[i].platform,
                                 &places[i].surroundings, path, &err);
        assert_int_equal(found, places[i].path != NULL);
        if (found)
            assert_string_equal(path, places[i].path);
    }
}

static void refuses_a_path_that_is_too_long(void **state)
{
    (void)state;
    char home[LIMIT_PATH], path[LIMIT_PATH];
    memset(home, 'a', sizeof home);
    home[0] = '/';
    home[LIMIT_PATH - 5] = '\0';
    const struct surroundings surroundings = {.home = home};
    assert_false(client_path(client_of("cursor"), PLATFORM_LINUX, &surroundings, path, &err));
    assert_string_equal(err.code, "path_too_long");
}

static void checks_names_and_urls(void **state)
{
    (void)state;
    static const char *const good_names[] = {"a", "secure-mcp-gateway", "Team_1"};
    static const char *const bad_names[] = {"", "a b", "a.b", "a}", "a\"", "\xc3\xa4", "a\n"};
    static const char *const good_urls[] = {"http://127.0.0.1:8000/mcp", "https://[::1]/mcp?x=%20",
                                            "https://gateway.example.com"};
    static const char *const bad_urls[] = {"",           "http://",         "http:///mcp",
                                           "ftp://a/",   "http://a b/",     "http://u:p@a/",
                                           "http://a\"", "http://a/\n",     "HTTP",
                                           "http://${a", "http://\xc3\xa4/"};
    for (size_t i = 0; i < COUNT_OF(good_names); i++)
        assert_true(client_check_name(view_of(good_names[i]), &err));
    for (size_t i = 0; i < COUNT_OF(bad_names); i++)
        assert_false(client_check_name(view_of(bad_names[i]), &err));
    for (size_t i = 0; i < COUNT_OF(good_urls); i++)
        assert_true(client_check_url(view_of(good_urls[i]), &err));
    for (size_t i = 0; i < COUNT_OF(bad_urls); i++)
        assert_false(client_check_url(view_of(bad_urls[i]), &err));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_file),
        cmocka_unit_test(refuses_a_path_that_is_too_long),
        cmocka_unit_test(checks_names_and_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
