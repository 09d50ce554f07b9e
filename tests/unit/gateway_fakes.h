// gateway_fakes.h: two servers behind a gateway, an old and a new one, and what their clients say.
#pragma once

#include "gateway_rig.h"

// What both fakes can; the words of each follow.
#define LISTS                                                                                      \
    "tools/list",                                                                                  \
        "r:{\"tools\":[{\"name\":\"fast\"},{\"name\":\"never\"},{\"name\":\"asks\"},{\"name\":"    \
        "\"notes\"},{\"name\":\"dies\"},{\"name\":\"news\"},{\"name\":\"task\"}]}",                \
        "resources/list", "r:{\"resources\":[{\"uri\":\"x://1\",\"name\":\"x\"}]}",                \
        "templates/list", "r:{\"resourceTemplates\":[]}", "prompts/list", "r:{\"prompts\":[]}",    \
        "\"fast\"", "r:{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}", "\"dies\"", "x:0",  \
        "\"news\"", "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}",     \
        "\"news\"", "r:{\"content\":[]}", "\"notes\"",                                             \
        "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"                 \
        "{\"progressToken\":@TOKEN@,\"progress\":1}}",                                             \
        "\"notes\"", "r:{\"content\":[]}", "\"task\"",                                             \
        "r:{\"task\":{\"taskId\":\"t-@ID@\",\"status\":\"working\"}}", "tasks/get",                \
        "r:{\"taskId\":\"t\",\"status\":\"working\"}", "tasks/list",                               \
        "r:{\"tasks\":[{\"taskId\":\"t-2\"},{\"taskId\":\"other\"}],\"nextCursor\":\"n\"}"

#define CAPABILITIES                                                                               \
    "\"capabilities\":{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true},"       \
    "\"logging\":{},\"tasks\":{}}"

static const char *const legacy_words[] = {
    "\"initialize\"",
    "r:{\"protocolVersion\":\"2025-06-18\"," CAPABILITIES
    ",\"serverInfo\":{\"name\":\"old\",\"version\":\"1\"}}",
    LISTS,
    "\"asks\"",
    "l:{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"method\":\"elicitation/create\",\"params\":{}}",
    "\"result\":{\"ok\"",
    "r:{\"content\":[{\"type\":\"text\",\"text\":\"thanks\"}]}",
    "\"error\":",
    "e:{\"code\":-1,\"message\":\"no answer\"}",
    "resources/subscribe",
    "r:{}",
    "resources/subscribe",
    "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":"
    "\"x://1\"}}",
    "resources/unsubscribe",
    "s:20",
    "resources/unsubscribe",
    "r:{}",
    "logging/setLevel",
    "r:{}",
    NULL};

static const char *const modern_words[] = {
    "server/discover",
    "r:{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"]," CAPABILITIES
    ",\"ttlMs\":0,\"cacheScope\":\"private\"}",
    LISTS,
    "inputResponses",
    "r:{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"thanks\"}]}",
    "\"asks\"",
    "r:{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":{\"method\":"
    "\"elicitation/create\",\"params\":{}},\"b\":{\"method\":\"elicitation/create\",\"params\":{}}"
    "},\"requestState\":\"s\"}",
    "resourceSubscriptions",
    "l:{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":"
    "\"x://1\",\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":@ID@}}}",
    NULL};

static inline void add_servers(void)
{
    add_fake("old", "legacy", legacy_words);
    add_fake("new", "modern", modern_words);
}

static inline void add_more_servers(void)
{
    add_servers();
    add_fake_isolated("own", "legacy", "session", legacy_words);
    add_fake_isolated("his", "auto", "user", modern_words);
}

#define CALL(name)                                                                                 \
    "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":{\"name\":\"" name     \
    "\",\"_meta\":{\"progressToken\":\"p\"}}}"

static inline void copy_member(const struct door *door, const char *name, char into[ROOM_ID])
{
    const char *at = strstr(door->said, name);
    assert_non_null(at);
    at += strlen(name);
    size_t size = strcspn(at, "\"");
    assert_true(size < ROOM_ID);
    memcpy(into, at, size);
    into[size] = '\0';
}

static inline struct door *retry(unsigned key, const char *handle)
{
    char params[400];
    (void)snprintf(params, sizeof params,
                   "\"name\":\"old__asks\",\"inputResponses\":{\"q1\":{\"ok\":1}},"
                   "\"requestState\":\"%s\",",
                   handle);
    return post_modern(key, "tools/call", "old__asks", params);
}

// A server that asks, and does not wait for what it asked for.
static const char *const hasty_words[] = {
    "\"initialize\"",
    "r:{\"protocolVersion\":\"2025-06-18\"," CAPABILITIES "}",
    LISTS,
    "\"hasty\"",
    "l:{\"jsonrpc\":\"2.0\",\"id\":@ID@,\"method\":\"elicitation/create\",\"params\":{}}",
    "\"hasty\"",
    "r:{\"content\":[{\"type\":\"text\",\"text\":\"thanks\"}]}",
    NULL};

static inline void park_hasty(char handle[ROOM_ID])
{
    struct door *door = post_modern(0, "tools/call", "old__hasty", "\"name\":\"old__hasty\",");
    await(door, "requestState");
    copy_member(door, "requestState\":\"", handle);
    rig_pause(50);
}

static inline struct door *retry_hasty(const char *handle)
{
    char params[400];
    (void)snprintf(params, sizeof params,
                   "\"name\":\"old__hasty\",\"inputResponses\":{\"q1\":{\"ok\":1}},"
                   "\"requestState\":\"%s\",",
                   handle);
    return post_modern(0, "tools/call", "old__hasty", params);
}

// Key 1 of the rig is a new one from here on.
static inline void take_new_key(const struct user *user, const struct project *project)
{
    (void)new_key(user, project);
    memcpy(rig.keys[1], clear_text, sizeof rig.keys[1]);
}

static uint64_t seed;

static inline unsigned any(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 11) % below;
}

static inline const char *any_of(const char *const *texts, size_t count)
{
    return texts[any((unsigned)count)];
}

static inline void act_initialize(unsigned key)
{
    static const char *const versions[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
    (void)post(key, NULL,
               "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"initialize\",\"params\":{"
               "\"protocolVersion\":\"%s\",\"capabilities\":{\"elicitation\":{}}}}",
               any(4), any_of(versions, COUNT_OF(versions)));
}
