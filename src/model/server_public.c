// server_public.c: see server_public.h.
#include "model/server_public.h"

#include <string.h>

void server_plain_name(struct view name, char ret_plain[PLAIN_NAME])
{
    static const char *const prefixes[] = {"oauth", "enkrypt"};
    size_t size = 0;
    ret_plain[0] = '\0';
    if (name.size >= PLAIN_NAME)
        return;
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (c != '_' && c != '-')
            ret_plain[size++] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    ret_plain[size] = '\0';
    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        size_t length = strlen(prefixes[i]);
        if (size > length && strncmp(ret_plain, prefixes[i], length) == 0) {
            memmove(ret_plain, ret_plain + length, size - length + 1);
            return;
        }
    }
}

// Whether `plain` is in the list, which a NULL ends.
static bool is_among(const char *plain, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(plain, *names) == 0)
            return true;
    return false;
}

static bool ends_in_one_of(const char *plain, const char *const *ends)
{
    size_t size = strlen(plain);
    for (; *ends; ends++) {
        size_t length = strlen(*ends);
        if (size >= length && strcmp(plain + size - length, *ends) == 0)
            return true;
    }
    return false;
}

static const char *const config_names[] = {"type",      "transport",   "cwd",         "protocol",
                                           "isolation", "autoapprove", "alwaysallow", NULL};

static const char *const oauth_names[] = {
    "version",
    "granttype",
    "granttypes",
    "responsetype",
    "clientid",
    "scope",
    "scopes",
    "audience",
    "resource",
    "issuer",
    "organization",
    "realm",
    "tenant",
    "tenantid",
    "redirecturi",
    "redirecturis",
    "redirecturl",
    "callbackurl",
    "clientcertpath",
    "clientkeypath",
    "cabundlepath",
    "codechallengemethod",
    "tokenendpointauthmethod",
    NULL,
};

// Of `…url`, `…uri` and `…endpoint` in oauth_config.
static const char *const oauth_places[] = {
    "token",
    "accesstoken",
    "auth",
    "authorization",
    "authorize",
    "revocation",
    "revoke",
    "introspection",
    "userinfo",
    "jwks",
    "discovery",
    "registration",
    "deviceauthorization",
    "issuer",
    "logout",
    NULL,
};

static const char *const other_names[] = {
    "loglevel", "baseurl", "cachehost", "provider", "version", NULL,
};

static const char *const parameter_names[] = {
    "v",      "version", "apiversion", "format",       "lang",      "locale",
    "region", "page",    "limit",      "responsetype", "transport", NULL,
};

// Numbers that are a size or a time, not a secret. No PIN is called like these.
static bool is_measure(const char *plain)
{
    static const char *const names[] = {"port", "cacheport", "version", "loglevel", NULL};
    static const char *const ends[] = {
        "timeout",  "expiration", "expirybuffer", "ttl",     "interval", "retries",
        "attempts", "limit",      "seconds",      "minutes", NULL};
    return is_among(plain, names) || ends_in_one_of(plain, ends);
}

static bool is_timeout(const char *plain)
{
    static const char *const names[] = {"connect", "firstbyte", "idle", "total", NULL};
    return is_among(plain, names);
}

static bool is_place(const char *plain)
{
    static const char *const ends[] = {"url", "uri", "endpoint"};
    size_t size = strlen(plain);
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        char stem[PLAIN_NAME];
        size_t length = strlen(ends[i]);
        if (size <= length || strcmp(plain + size - length, ends[i]) != 0)
            continue;
        memcpy(stem, plain, size - length);
        stem[size - length] = '\0';
        if (is_among(stem, oauth_places))
            return true;
    }
    return false;
}

// An address is one only when it says where it leads: else it may be anything.
static bool is_address(const struct json_value *member)
{
    struct view text = json_text(member);
    return view_starts(text, VIEW("https://")) || view_starts(text, VIEW("http://"));
}

bool server_member_is_public(const struct json_value *member, enum server_room room)
{
    char plain[PLAIN_NAME];
    server_plain_name(member->key, plain);
    if (member->type == JSON_NUMBER && room != ROOM_SECRET && is_measure(plain))
        return true;
    switch (room) {
    case ROOM_CONFIG:
        return is_among(plain, config_names);
    case ROOM_TIMEOUTS:
        return member->type == JSON_NUMBER && is_timeout(plain);
    case ROOM_OAUTH:
        return is_among(plain, oauth_names) || (is_address(member) && is_place(plain));
    case ROOM_OTHER:
        return is_among(plain, other_names);
    default:
        return false;
    }
}

static bool is_secret(const char *plain)
{
    static const char *const parts[] = {"secret",    "password",   "token",      "key",
                                        "assertion", "passphrase", "credential", "auth"};
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (strstr(plain, parts[i]))
            return true;
    return plain[0] == '\0';
}

enum server_room server_room_inside(const struct json_value *member, enum server_room room)
{
    char plain[PLAIN_NAME];
    server_plain_name(member->key, plain);
    if (room == ROOM_RECORD && view_is(member->key, "oauth_config"))
        return ROOM_OAUTH;
    if (room == ROOM_CONFIG && view_is(member->key, "timeouts"))
        return ROOM_TIMEOUTS;
    if (room == ROOM_OAUTH || room == ROOM_SECRET || is_secret(plain))
        return ROOM_SECRET;
    return room == ROOM_OTHER ? ROOM_OTHER : ROOM_UNKNOWN;
}

bool server_parameter_is_public(struct view name)
{
    char plain[PLAIN_NAME];
    server_plain_name(name, plain);
    return is_among(plain, parameter_names);
}
