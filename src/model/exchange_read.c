// exchange_read.c: see exchange_read.h.
#include "model/exchange_read.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "model/rules.h"
#include "model/server_record.h"
#include "vault/key_text.h"
#include "vault/stream.h"

static const char holds_key[] = "it holds an API key, which does not belong there";

// One entry under way.
struct entry {
    struct exchange_notes *notes;
    enum exchange_kind kind;
    const struct json_value *object;
    struct view name; // how notes call it
};

const char *const *exchange_known(enum exchange_kind kind, bool disabled)
{
    static const char *const user[] = {"email", "created_at", NULL},
                             *const config[] = {"mcp_config_name", "mcp_config", NULL},
                             *const project[] = {"project_name", "mcp_config_id", "users",
                                                 "created_at", NULL},
                             *const key[] = {"project_id", "user_id",    "created_at",  "disabled",
                                             "name",       "expires_at", "disabled_at", NULL},
                             *const enabled_key[] = {"project_id", "user_id", "created_at",
                                                     "disabled",   "name",    "expires_at",
                                                     NULL};
    return kind == EXCHANGE_USER      ? user
           : kind == EXCHANGE_CONFIG  ? config
           : kind == EXCHANGE_PROJECT ? project
           : disabled                 ? key
                                      : enabled_key;
}

bool exchange_read_id(enum exchange_kind kind, struct view id, char ret_id[UUID_TEXT])
{
    struct digest digest;
    uint8_t bytes[VAULT_DIGEST];
    char hex[2 * VAULT_DIGEST + 1];
    if (id.size == 0 || id.size > LIMIT_NAME)
        return false;
    if (text_is_uuid(id) && text_copy(ret_id, UUID_TEXT, id)) {
        text_lower(ret_id, id.size);
        return true;
    }
    digest_begin(&digest);
    digest_add(&digest, VIEW("secure-mcp-gateway exchange "));
    digest_add(&digest, view_of(exchange_kind_names[kind]));
    digest_add(&digest, VIEW(" "));
    digest_add(&digest, id);
    digest_end(&digest, bytes);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80); // version 8
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80); // the variant of RFC 9562
    text_hex(bytes, sizeof bytes, hex);
    (void)snprintf(ret_id, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
    return true;
}

static bool miss(const struct entry *entry, const char *reason)
{
    exchange_note_miss(entry->notes, entry->kind, entry->name, reason);
    return false;
}

static void problem(const struct entry *entry, const char *member, const char *reason)
{
    char text[256];
    (void)snprintf(text, sizeof text, "its %s %s", member, reason);
    exchange_note_problem(entry->notes, entry->kind, entry->name, text);
}

// The same, where the entry cannot be carried over because of it.
static void fatal(const struct entry *entry, const char *member, const char *reason)
{
    char text[256];
    (void)snprintf(text, sizeof text, "its %s %s", member, reason);
    (void)miss(entry, text);
}

// The entry's own id, noted when it changes. The ids of things are the names of their members.
static bool read_own_id(const struct entry *entry, char ret_id[UUID_TEXT])
{
    struct view id = entry->object->key;
    if (!exchange_read_id(entry->kind, id, ret_id))
        return miss(entry, "its id is not 1 to " LIMIT_TEXT(LIMIT_NAME) " bytes long");
    if (!text_is_uuid(id))
        exchange_note_new_id(entry->notes, entry->kind,
                             rule_holds_api_key(id) ? VIEW("(holds an API key)") : id, ret_id);
    return true;
}

// The id of another thing; empty when there is none. What is no id is told to `note`.
static bool read_reference(const struct entry *entry, const char *member, enum exchange_kind kind,
                           void (*note)(const struct entry *, const char *, const char *),
                           char ret_id[UUID_TEXT])
{
    const struct json_value *value = server_member(entry->object, member);
    ret_id[0] = '\0';
    if (!value || (value->type == JSON_TEXT && value->text.size == 0))
        return true;
    if (value->type == JSON_TEXT && exchange_read_id(kind, value->text, ret_id))
        return true;
    note(entry, member, "is no id");
    return false;
}

// Where a text can be no name: the reason.
static const char *bad_name(struct view name)
{
    return rule_holds_api_key(name) ? holds_key : rule_name(name);
}

// A required name or address, by its rule.
static bool read_text(const struct entry *entry, const char *member,
                      const char *(*rule)(struct view), char *ret_text, size_t size)
{
    char reason[256];
    const struct json_value *value = server_member(entry->object, member);
    const char *bad = !value                            ? "it is missing"
                      : value->type != JSON_TEXT        ? "it is no text"
                      : rule_holds_api_key(value->text) ? holds_key
                                                        : rule(value->text);
    if (!bad && !text_copy(ret_text, size, value->text))
        bad = "it is too long";
    if (!bad)
        return true;
    (void)snprintf(reason, sizeof reason, "%s: %s", member, bad);
    return miss(entry, reason);
}

// What Python writes for UTC, and whole seconds since 1970.
static bool time_of(const struct json_value *value, int64_t *ret_time)
{
    static const struct view utc = {"+00:00", 6};
    struct view text = json_text(value);
    int64_t seconds, time = 0;
    if (text.size > utc.size && view_equal(view_skip(text, text.size - utc.size), utc))
        text.size -= utc.size;
    if (value->type == JSON_TEXT && !time_parse(text, &time))
        return false;
    if (json_int(value, &seconds) && seconds > 0 && seconds < INT64_C(253402300800))
        time = seconds * TIME_SECOND;
    if (time <= 0)
        return false;
    *ret_time = time;
    return true;
}

// 0 when it is not there, or no time; that is noted.
static int64_t read_time(const struct entry *entry, const char *member)
{
    const struct json_value *value = server_member(entry->object, member);
    int64_t time = 0;
    if (value && !time_of(value, &time))
        problem(entry, member, "is no UTC time as 2025-07-16T17:02:00.406902 and was left out");
    return time;
}

static const struct json_value *read_list(const struct entry *entry, const char *member)
{
    const struct json_value *value = server_member(entry->object, member);
    if (!value || value->type == JSON_ARRAY)
        return value;
    problem(entry, member, "is no list and was left out");
    return NULL;
}

// Members besides the known ones, which a NULL ends.
static void note_others(const struct entry *entry, const char *const *known)
{
    char parent[32];
    (void)snprintf(parent, sizeof parent, "%s.*", exchange_kind_names[entry->kind]);
    for (const struct json_value *member = json_first(entry->object); member;
         member = member->next) {
        size_t i = 0;
        while (known[i] && !view_is(member->key, known[i]))
            i++;
        if (!known[i])
            exchange_note_loss(entry->notes, parent, member->key, "has no place in the store");
    }
}

static bool begin(const struct entry *entry)
{
    return entry->object->type == JSON_OBJECT || miss(entry, "it is no object");
}

bool exchange_read_user(struct exchange_notes *notes, const struct json_value *object,
                        struct exchange_user *ret_user)
{
    struct entry entry = {notes, EXCHANGE_USER, object, object->key};
    struct exchange_user user = {0};
    if (!begin(&entry) || !read_text(&entry, "email", rule_email, user.email, sizeof user.email) ||
        !read_own_id(&entry, user.user_id))
        return false;
    user.created_at = read_time(&entry, "created_at");
    *ret_user = user;
    return true;
}

bool exchange_read_config(struct exchange_notes *notes, const struct json_value *object,
                          struct exchange_config *ret_config)
{
    struct entry entry = {notes, EXCHANGE_CONFIG, object, object->key};
    struct exchange_config config = {0};
    if (!begin(&entry) ||
        !read_text(&entry, "mcp_config_name", rule_name, config.config_name,
                   sizeof config.config_name) ||
        !read_own_id(&entry, config.config_id))
        return false;
    config.servers = read_list(&entry, "mcp_config");
    *ret_config = config;
    return true;
}

bool exchange_read_project(struct exchange_notes *notes, const struct json_value *object,
                           struct exchange_project *ret_project)
{
    struct entry entry = {notes, EXCHANGE_PROJECT, object, object->key};
    struct exchange_project project = {0};
    if (!begin(&entry) ||
        !read_text(&entry, "project_name", rule_name, project.project_name,
                   sizeof project.project_name) ||
        !read_own_id(&entry, project.project_id))
        return false;
    // A project can be without a config: then it lets nobody use anything.
    (void)read_reference(&entry, "mcp_config_id", EXCHANGE_CONFIG, problem, project.config_id);
    project.users = read_list(&entry, "users");
    project.created_at = read_time(&entry, "created_at");
    *ret_project = project;
    return true;
}

// Whether the key is disabled. What is neither true nor false must not let anybody in.
static bool read_disabled(const struct entry *entry)
{
    const struct json_value *value = server_member(entry->object, "disabled");
    bool disabled = false;
    if (value && !json_bool(value, &disabled)) {
        problem(entry, "disabled", "is neither true nor false: the key is taken for disabled");
        return true;
    }
    return disabled;
}

static void read_key_name(const struct entry *entry, struct exchange_key *key)
{
    const struct json_value *value = server_member(entry->object, "name");
    if (value && (value->type != JSON_TEXT || bad_name(value->text) ||
                  !text_copy(key->name, sizeof key->name, value->text)))
        problem(entry, "name", "can be no name and was left out");
}

// When it ends. A key whose end cannot be read must not live for ever.
static bool read_expiry(const struct entry *entry, int64_t *ret_expires_at)
{
    const struct json_value *value = server_member(entry->object, "expires_at");
    return !value || time_of(value, ret_expires_at) || miss(entry, "its expires_at is no time");
}

// Why it cannot be a key; NULL when it can. What everybody may see must not let anybody in.
static const char *bad_key(struct view key)
{
    static const struct view end_of_mask = {"...", 3};
    if (rule_api_key(key))
        return "the key is not 1 to " LIMIT_TEXT(
            LIMIT_API_KEY) " printable ASCII characters without blanks";
    if (key.size >= end_of_mask.size &&
        view_equal(view_skip(key, key.size - end_of_mask.size), end_of_mask))
        return "it is masked: only a file with the keys in full brings them over";
    return NULL;
}

// What the entry says of the key, but for the key itself. With `known` all else is noted as lost.
static bool read_key_members(const struct entry *entry, const char *const *known,
                             struct exchange_key *key)
{
    if (!begin(entry) || !read_reference(entry, "user_id", EXCHANGE_USER, fatal, key->user_id) ||
        !read_reference(entry, "project_id", EXCHANGE_PROJECT, fatal, key->project_id))
        return false;
    if (!key->user_id[0] || !key->project_id[0])
        return miss(entry, "it lacks user_id or project_id");
    if (!read_expiry(entry, &key->expires_at))
        return false;
    key->created_at = read_time(entry, "created_at");
    key->disabled = read_disabled(entry);
    key->disabled_at = key->disabled ? read_time(entry, "disabled_at") : 0;
    read_key_name(entry, key);
    if (known)
        note_others(entry, known);
    return true;
}

bool exchange_read_key(struct exchange_notes *notes, const struct json_value *object, size_t place,
                       struct exchange_key *ret_key)
{
    struct exchange_key key = {.clear = object->key};
    struct entry entry = {notes, EXCHANGE_API_KEY, object, {NULL, 0}};
    const char *bad = bad_key(key.clear);
    char masked[KEY_MASKED] = "?";
    if (!bad)
        key_text_mask(key.clear, masked);
    (void)snprintf(key.called, sizeof key.called, "number %zu: %s", place, masked);
    entry.name = view_of(key.called);
    if (bad)
        return miss(&entry, bad);
    if (!read_key_members(&entry, NULL, &key))
        return false;
    *ret_key = key;
    return true;
}

bool exchange_is_usual(struct view name)
{
    return view_is(name, "common_mcp_gateway_config") || view_is(name, "plugins");
}

bool exchange_read_masked_key(struct exchange_notes *notes, const struct json_value *object,
                              struct exchange_key *ret_key)
{
    static const char *const known[] = {"api_key",    "key_id",   "project_id",  "user_id",
                                        "created_at", "disabled", "disabled_at", "name",
                                        "expires_at", "status",   NULL};
    struct exchange_key key = {.clear = {NULL, 0}};
    struct view id = json_text(server_member(object, "key_id"));
    struct entry entry = {notes, EXCHANGE_API_KEY, object, VIEW("?")};
    if (!text_is_uuid(id) || !text_copy(key.called, sizeof key.called, id))
        return miss(&entry, "it is masked and has no key_id");
    entry.name = id;
    if (!read_key_members(&entry, known, &key))
        return false;
    *ret_key = key;
    return true;
}

const struct json_value *exchange_entries(struct exchange_notes *notes, enum exchange_kind kind,
                                          const struct json_value *file)
{
    const struct json_value *section = server_member(file, exchange_kind_names[kind]);
    if (section && section->type != JSON_OBJECT) {
        exchange_note_problem(notes, kind, VIEW(""),
                              "the member is no object; nothing of it is carried over");
        return NULL;
    }
    return json_first(section);
}
