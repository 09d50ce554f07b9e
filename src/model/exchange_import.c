// exchange_import.c: from the file into the store, see exchange.h.
#include <stdio.h>
#include <string.h>

#include "base/json_out.h"
#include "model/api_key.h"
#include "model/audit.h"
#include "model/exchange.h"
#include "model/exchange_read.h"
#include "model/kept.h"
#include "model/kept_of.h"
#include "model/rules.h"
#include "model/server.h"

enum { TELL_EVERY = 64 }; // entries

static const struct view nothing = {NULL, 0};

struct import {
    struct store *store;
    struct exchange_notes *notes;
    bool revive_keys;
};

// A refusal by the rules is noted and no failure.
static bool note_refusal(struct import *import, enum exchange_kind kind, struct view name,
                         const struct err *err)
{
    if (!err_is_refusal(err->kind) && err->kind != ERR_USAGE)
        return false;
    exchange_note_miss(import->notes, kind, name, err->message);
    return true;
}

// A thing is in the store already: `difference` is what the file has otherwise, or NULL.
static bool note_present(struct import *import, enum exchange_kind kind, struct view name,
                         const char *difference)
{
    if (difference)
        exchange_note_miss(import->notes, kind, name, difference);
    else
        import->notes->tallies[kind].unchanged++;
    return true;
}

static bool created(struct import *import, enum exchange_kind kind)
{
    import->notes->tallies[kind].created++;
    return true;
}

static bool is_other_time(int64_t wanted, int64_t present)
{
    return wanted != 0 && wanted != present;
}

// What is imported besides: the members of `entry` that are not known, kept with their owner.
struct further {
    enum kept_kind kind;
    const char *owner;
    const char *const *known;
    struct view name; // how notes call it
    bool fresh;       // the owner has just been brought
};

static bool store_further(struct import *import, const struct further *further, struct view json,
                          struct err *err)
{
    struct buf present AUTO(buf_done);
    bool found;
    buf_init(&present, LIMIT_SERVER_RECORD);
    present.secret = true;
    if (further->fresh)
        return kept_of_add(import->store, further->kind, further->owner, json, err) &&
               created(import, EXCHANGE_KEPT);
    return kept_of_find(import->store, further->kind, further->owner, &found, &present, err) &&
           note_present(import, EXCHANGE_KEPT, further->name,
                        found && view_equal(json, buf_view(&present))
                            ? NULL
                            : "has other further members in the store, which stay as they are");
}

static bool import_further(struct import *import, const struct further *further,
                           const struct json_value *entry, struct err *err)
{
    struct buf json AUTO(buf_done);
    size_t count;
    buf_init(&json, LIMIT_SERVER_RECORD);
    json.secret = true;
    if (!kept_of_collect(entry, further->known, &json, &count, err)) {
        if (err->kind != ERR_USAGE)
            return false;
        exchange_note_miss(import->notes, EXCHANGE_KEPT, further->name, err->message);
        return true;
    }
    import->notes->masked_secrets += (int64_t)server_masks(entry, further->known);
    return count == 0 || store_further(import, further, buf_view(&json), err);
}

static bool import_user(struct import *import, const struct json_value *entry, size_t place,
                        struct err *err)
{
    struct exchange_user wanted;
    struct user user = {0};
    (void)place;
    if (!exchange_read_user(import->notes, entry, &wanted))
        return true;
    struct further further = {KEPT_OF_USER, wanted.user_id, exchange_known(EXCHANGE_USER, true),
                              entry->key, false};
    if (user_select(import->store, nothing, view_of(wanted.user_id), &user, err))
        return note_present(import, EXCHANGE_USER, entry->key,
                            strcmp(wanted.email, user.email) != 0
                                ? "has another address in the store, and stays as it is there"
                            : is_other_time(wanted.created_at, user.created_at)
                                ? "has another created_at in the store, and stays as it is there"
                                : NULL) &&
               import_further(import, &further, entry, err);
    if (err->kind != ERR_NOT_FOUND)
        return false;
    further.fresh = true;
    user.created_at = wanted.created_at ? wanted.created_at : import->store->now;
    memcpy(user.user_id, wanted.user_id, sizeof user.user_id);
    memcpy(user.email, wanted.email, sizeof user.email);
    return user_bring(import->store, &user, err)
               ? created(import, EXCHANGE_USER) && import_further(import, &further, entry, err)
               : note_refusal(import, EXCHANGE_USER, entry->key, err);
}

static bool import_server(struct import *import, const struct config *config,
                          const struct json_value *record, struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    const struct server_change no_change = {0};
    struct view name = json_text(server_member(record, "server_name"));
    struct server server;
    bool same;
    char called[2 * LIMIT_NAME + 8];
    (void)snprintf(called, sizeof called, "%s: %.*s", config->config_name,
                   name.size <= LIMIT_NAME ? (int)name.size : LIMIT_NAME, name.data);
    import->notes->masked_secrets += (int64_t)server_record_masked(record);
    if (record->type != JSON_OBJECT) {
        exchange_note_miss(import->notes, EXCHANGE_SERVER, view_of(called), "it is no object");
        return true;
    }
    if (server_select(import->store, config, name, &stmt, &server, err))
        return server_is(import->store, config, &server, record, &same, err) &&
               note_present(import, EXCHANGE_SERVER, view_of(called),
                            same ? NULL : "is another one in the store, and stays as it is there");
    if (err->kind != ERR_NOT_FOUND)
        return false;
    return server_add(import->store, config, record, &no_change, err)
               ? created(import, EXCHANGE_SERVER)
               : note_refusal(import, EXCHANGE_SERVER, view_of(called), err);
}

// The config of the entry; number 0, and noted, when it cannot be brought over.
static bool bring_config(struct import *import, const struct exchange_config *wanted,
                         const struct json_value *entry, struct config *config, struct err *err)
{
    struct view name = entry->key;
    struct further further = {KEPT_OF_CONFIG, wanted->config_id,
                              exchange_known(EXCHANGE_CONFIG, true), name, false};
    *config = (struct config){0};
    if (config_select(import->store, nothing, view_of(wanted->config_id), config, err))
        return note_present(import, EXCHANGE_CONFIG, name,
                            strcmp(wanted->config_name, config->config_name) != 0
                                ? "has another name in the store, and stays as it is there"
                                : NULL) &&
               import_further(import, &further, entry, err);
    if (err->kind != ERR_NOT_FOUND)
        return false;
    struct config fresh = {.created_at = import->store->now};
    memcpy(fresh.config_id, wanted->config_id, sizeof fresh.config_id);
    memcpy(fresh.config_name, wanted->config_name, sizeof fresh.config_name);
    if (!config_bring(import->store, &fresh, err))
        return note_refusal(import, EXCHANGE_CONFIG, name, err);
    *config = fresh;
    further.fresh = true;
    return created(import, EXCHANGE_CONFIG) && import_further(import, &further, entry, err);
}

static bool import_config(struct import *import, const struct json_value *entry, size_t place,
                          struct err *err)
{
    struct exchange_config wanted;
    struct config config;
    (void)place;
    if (!exchange_read_config(import->notes, entry, &wanted)) {
        import->notes->tallies[EXCHANGE_SERVER].missed +=
            (int64_t)json_count(server_member(entry, "mcp_config"));
        return true;
    }
    if (!bring_config(import, &wanted, entry, &config, err))
        return false;
    if (config.n == 0)
        import->notes->tallies[EXCHANGE_SERVER].missed += (int64_t)json_count(wanted.servers);
    for (const struct json_value *record = config.n ? json_first(wanted.servers) : NULL; record;
         record = record->next)
        if (!import_server(import, &config, record, err))
            return false;
    return true;
}

static bool import_membership(struct import *import, const struct project *project,
                              const struct json_value *member, struct err *err)
{
    char id[UUID_TEXT], called[UUID_TEXT + LIMIT_NAME + 8];
    struct user user;
    bool changed;
    (void)snprintf(called, sizeof called, "%s: ?", project->project_name);
    if (member->type != JSON_TEXT || !exchange_read_id(EXCHANGE_USER, member->text, id)) {
        exchange_note_miss(import->notes, EXCHANGE_MEMBERSHIP, view_of(called), "it is no id");
        return true;
    }
    (void)snprintf(called, sizeof called, "%s: %s", project->project_name, id);
    if (!user_select(import->store, nothing, view_of(id), &user, err)) {
        if (err->kind != ERR_NOT_FOUND)
            return false;
        exchange_note_miss(import->notes, EXCHANGE_MEMBERSHIP, view_of(called),
                           "there is no such user");
        return true;
    }
    if (!project_add_user(import->store, project, &user, &changed, err))
        return false;
    return changed ? created(import, EXCHANGE_MEMBERSHIP)
                   : note_present(import, EXCHANGE_MEMBERSHIP, view_of(called), NULL);
}

// Gives a new project its config; one that is missing is noted.
static bool give_config(struct import *import, struct project *project, const char *config_id,
                        struct view name, struct err *err)
{
    struct config config;
    bool changed;
    if (!config_id[0])
        return true;
    if (config_select(import->store, nothing, view_of(config_id), &config, err))
        return project_set_config(import->store, project, &config, &changed, err);
    if (err->kind != ERR_NOT_FOUND)
        return false;
    exchange_note_problem(import->notes, EXCHANGE_PROJECT, name,
                          "its config is not there: the project has none");
    return true;
}

static bool bring_project(struct import *import, const struct exchange_project *wanted,
                          const struct json_value *entry, struct project *project, struct err *err)
{
    struct view name = entry->key;
    struct further further = {KEPT_OF_PROJECT, wanted->project_id,
                              exchange_known(EXCHANGE_PROJECT, true), name, false};
    *project = (struct project){0};
    if (project_select(import->store, nothing, view_of(wanted->project_id), project, err))
        return note_present(import, EXCHANGE_PROJECT, name,
                            strcmp(wanted->project_name, project->project_name) != 0
                                ? "has another name in the store, and stays as it is there"
                            : strcmp(wanted->config_id,
                                     project->config.n ? project->config.config_id : "") != 0
                                ? "has another config in the store, and stays as it is there"
                            : is_other_time(wanted->created_at, project->created_at)
                                ? "has another created_at in the store, and stays as it is there"
                                : NULL) &&
               import_further(import, &further, entry, err);
    if (err->kind != ERR_NOT_FOUND)
        return false;
    struct project fresh = {.created_at =
                                wanted->created_at ? wanted->created_at : import->store->now};
    memcpy(fresh.project_id, wanted->project_id, sizeof fresh.project_id);
    memcpy(fresh.project_name, wanted->project_name, sizeof fresh.project_name);
    if (!project_bring(import->store, &fresh, err))
        return note_refusal(import, EXCHANGE_PROJECT, name, err);
    (void)created(import, EXCHANGE_PROJECT);
    further.fresh = true;
    if (!give_config(import, &fresh, wanted->config_id, name, err) ||
        !import_further(import, &further, entry, err))
        return false;
    *project = fresh;
    return true;
}

static bool import_project(struct import *import, const struct json_value *entry, size_t place,
                           struct err *err)
{
    struct exchange_project wanted;
    struct project project;
    (void)place;
    if (!exchange_read_project(import->notes, entry, &wanted)) {
        import->notes->tallies[EXCHANGE_MEMBERSHIP].missed +=
            (int64_t)json_count(server_member(entry, "users"));
        return true;
    }
    if (!bring_project(import, &wanted, entry, &project, err))
        return false;
    if (project.n == 0)
        import->notes->tallies[EXCHANGE_MEMBERSHIP].missed += (int64_t)json_count(wanted.users);
    for (const struct json_value *member = project.n ? json_first(wanted.users) : NULL; member;
         member = member->next)
        if (!import_membership(import, &project, member, err))
            return false;
    return true;
}

// What the file has otherwise than the store; NULL: nothing.
static const char *key_difference(const struct exchange_key *wanted, const struct api_key *present)
{
    if (present->status == KEY_TAMPERED)
        return "its record in the store was changed outside this program";
    if (strcmp(wanted->user_id, present->user_id) != 0 ||
        strcmp(wanted->project_id, present->project_id) != 0)
        return "belongs to another user or project in the store, and stays as it is there";
    if (wanted->disabled && !present->disabled_at)
        return "is not disabled in the store, and stays as it is there";
    if (!wanted->disabled && present->disabled_at)
        return "is disabled in the store, and stays as it is there";
    if (is_other_time(wanted->created_at, present->created_at) ||
        is_other_time(wanted->disabled_at, present->disabled_at) ||
        wanted->expires_at != present->expires_at || strcmp(wanted->name, present->name) != 0)
        return "has other times or another name in the store, and stays as it is there";
    return NULL;
}

// The owner of a key, its project and the membership. `*ret_reason`: why it cannot be.
static bool find_owner(struct import *import, const struct exchange_key *wanted, struct user *user,
                       struct project *project, const char **ret_reason, struct err *err)
{
    bool member;
    *ret_reason = "there is no such user";
    if (!user_select(import->store, nothing, view_of(wanted->user_id), user, err))
        return err->kind == ERR_NOT_FOUND;
    *ret_reason = "there is no such project";
    if (!project_select(import->store, nothing, view_of(wanted->project_id), project, err))
        return err->kind == ERR_NOT_FOUND;
    if (!project_has_user(import->store, project, user, &member, err))
        return false;
    *ret_reason = member ? NULL : "its user is no member of its project";
    return true;
}

static bool bring_key(struct import *import, const struct exchange_key *wanted,
                      const struct user *user, const struct project *project,
                      struct api_key *ret_key, struct err *err)
{
    int64_t now = import->store->now;
    struct api_key key = {
        .user_n = user->n,
        .project_n = project->n,
        .created_at = wanted->created_at ? wanted->created_at : now,
        .expires_at = wanted->expires_at,
        .status = KEY_ACTIVE,
    };
    if (wanted->disabled)
        key.disabled_at = wanted->disabled_at ? wanted->disabled_at : now;
    memcpy(key.user_id, user->user_id, sizeof key.user_id);
    memcpy(key.project_id, project->project_id, sizeof key.project_id);
    memcpy(key.name, wanted->name, sizeof key.name);
    *ret_key = (struct api_key){0};
    if (api_key_bring(import->store, &key, wanted->clear, import->revive_keys, err)) {
        *ret_key = key;
        return created(import, EXCHANGE_API_KEY);
    }
    import->notes->deleted_keys += err->kind == ERR_PRECONDITION;
    return note_refusal(import, EXCHANGE_API_KEY, view_of(wanted->called), err);
}

static bool import_key(struct import *import, const struct json_value *entry, size_t place,
                       struct err *err)
{
    struct exchange_key wanted;
    struct api_key present;
    struct user user;
    struct project project;
    const char *reason;
    bool found;
    if (!exchange_read_key(import->notes, entry, place, &wanted))
        return true;
    struct view name = view_of(wanted.called);
    if (!api_key_find(import->store, wanted.clear, &found, &present, err))
        return false;
    struct further further = {KEPT_OF_KEY, present.key_id,
                              exchange_known(EXCHANGE_API_KEY, wanted.disabled), name, !found};
    if (found)
        return note_present(import, EXCHANGE_API_KEY, name, key_difference(&wanted, &present)) &&
               import_further(import, &further, entry, err);
    if (!find_owner(import, &wanted, &user, &project, &reason, err))
        return false;
    if (!reason)
        return bring_key(import, &wanted, &user, &project, &present, err) &&
               (!present.key_id[0] || import_further(import, &further, entry, err));
    exchange_note_miss(import->notes, EXCHANGE_API_KEY, name, reason);
    return true;
}

// A key that our own export did not show: it can only be there already.
static bool import_masked_key(struct import *import, const struct json_value *entry,
                              struct err *err)
{
    struct exchange_key wanted;
    struct api_key present;
    if (!exchange_read_masked_key(import->notes, entry, &wanted))
        return true;
    struct view id = view_of(wanted.called);
    if (api_key_select(import->store, id, &present, err))
        return note_present(import, EXCHANGE_API_KEY, id, key_difference(&wanted, &present));
    if (err->kind != ERR_NOT_FOUND)
        return false;
    exchange_note_miss(import->notes, EXCHANGE_API_KEY, id,
                       "the file does not show the key, it is masked or was shown only once");
    return true;
}

static bool import_masked_keys(struct import *import, const struct json_value *list,
                               struct err *err)
{
    if (list && list->type != JSON_ARRAY)
        exchange_note_problem(import->notes, EXCHANGE_API_KEY, VIEW("masked_apikeys"),
                              "the member is no list; nothing of it is carried over");
    const struct json_value *entry = json_is(list, JSON_ARRAY) ? json_first(list) : NULL;
    for (; entry; entry = entry->next)
        if (!import_masked_key(import, entry, err))
            return false;
    return true;
}

static bool write_value(const struct json_value *value, struct buf *ret_json)
{
    struct json_out json;
    buf_init(ret_json, LIMIT_SERVER_RECORD);
    ret_json->secret = true;
    json_out_init(&json, ret_json, JSON_COMPACT);
    json_copy_to_out(value, &json.out);
    return !ret_json->failed;
}

// Why a member cannot be kept; NULL when it can.
static const char *bad_member(const struct json_value *member, int64_t kept)
{
    if (rule_holds_api_key(member->key))
        return "its name holds an API key";
    if (rule_name(member->key))
        return "its name cannot be kept";
    return kept >= LIMIT_KEPT ? "the store keeps " LIMIT_TEXT(LIMIT_KEPT) " such members" : NULL;
}

static bool keep(struct import *import, const struct json_value *member, struct err *err)
{
    struct buf coming AUTO(buf_done) = {0}, present AUTO(buf_done) = {0};
    struct store *store = import->store;
    int64_t kept;
    bool found;
    buf_init(&present, LIMIT_SERVER_RECORD);
    present.secret = true;
    import->notes->masked_secrets += (int64_t)server_record_masked(member);
    if (!kept_count(store, &kept, err))
        return false;
    bool written = write_value(member, &coming);
    if (!written && !coming.full)
        return err_memory(err);
    char too_large[64];
    (void)snprintf(too_large, sizeof too_large, "it takes more than %u bytes", LIMIT_SERVER_RECORD);
    const char *reason = written ? rule_name(member->key) : too_large;
    if (!reason && !kept_find(store, member->key, &found, &present, err))
        return false;
    if (!reason && found)
        return note_present(import, EXCHANGE_KEPT, member->key,
                            view_equal(buf_view(&coming), buf_view(&present))
                                ? NULL
                                : "is another one in the store, and stays as it is there");
    reason = reason ? reason : bad_member(member, kept);
    if (reason) {
        exchange_note_miss(import->notes, EXCHANGE_KEPT, member->key, reason);
        return true;
    }
    return kept_add(store, member->key, buf_view(&coming), err) && created(import, EXCHANGE_KEPT);
}

// Members of the file that have a meaning here, or none anywhere.
static bool is_own(struct view name)
{
    static const char *const names[] = {"mcp_configs", "projects",       "users",
                                        "apikeys",     "masked_apikeys", "export_note"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (view_is(name, names[i]))
            return true;
    return false;
}

// Whether a file without the member would say the same: every file we write has these two.
static bool is_missing(const struct json_value *member)
{
    return exchange_is_usual(member->key) &&
           (member->type == JSON_NULL || (member->type == JSON_OBJECT && json_count(member) == 0));
}

static bool import_others(struct import *import, const struct json_value *file, struct err *err)
{
    for (const struct json_value *member = json_first(file); member; member = member->next) {
        if (view_is(member->key, "admin_apikey"))
            exchange_note_loss(import->notes, NULL, member->key,
                               "administrators need no key here: who may use the command line "
                               "and read the home is one");
        else if (!is_own(member->key) && !is_missing(member) && !keep(import, member, err))
            return false;
    }
    return true;
}

static bool import_section(struct import *import, const struct json_value *file,
                           enum exchange_kind kind,
                           bool (*import_entry)(struct import *, const struct json_value *, size_t,
                                                struct err *),
                           struct err *err)
{
    const char *name = exchange_kind_names[kind];
    const struct json_value *entry = exchange_entries(import->notes, kind, file);
    int64_t total = (int64_t)json_count(json_member(file, name));
    for (size_t place = 1; entry; entry = entry->next, place++) {
        if (!import_entry(import, entry, place, err))
            return false;
        if (place % TELL_EVERY == 0)
            progress_tell(import->store->progress, name, (int64_t)place, total);
    }
    return true;
}

static bool record(struct import *import, struct err *err)
{
    const struct exchange_tally *tallies = import->notes->tallies;
    char made[24], missed[24];
    int64_t sums[2] = {0};
    for (size_t i = 0; i < EXCHANGE_KINDS; i++) {
        sums[0] += tallies[i].created;
        sums[1] += tallies[i].missed;
    }
    (void)snprintf(made, sizeof made, "%lld", (long long)sums[0]);
    (void)snprintf(missed, sizeof missed, "%lld", (long long)sums[1]);
    const struct audit_event event = {
        .action = "system.import",
        .notes = {{"created", view_of(made)}, {"not_carried_over", view_of(missed)}},
    };
    return audit_write(import->store, &event, err);
}

static bool check_file(const struct json_value *file, struct err *err)
{
    static const char *const sections[] = {"mcp_configs", "projects", "users", "apikeys"};
    for (size_t i = 0; i < COUNT_OF(sections) && file->type == JSON_OBJECT; i++)
        if (json_member(file, sections[i]))
            return true;
    err_set(err, ERR_USAGE, "invalid_import",
            "The file is no enkrypt_mcp_config.json: expected an object with mcp_configs, "
            "projects, users or apikeys");
    return err_hint(err, "config import takes the servers of a client's file, user import a CSV "
                         "file");
}

// How many things the file has, those in lists counted too.
static size_t count_things(const struct json_value *file, const char *section, const char *list)
{
    const struct json_value *entries = json_member(file, section);
    size_t count = json_count(entries);
    for (const struct json_value *entry = json_first(entries); entry && list; entry = entry->next)
        count += entry->type == JSON_OBJECT ? json_count(json_member(entry, list)) : 0;
    return count;
}

static bool check_size(const struct json_value *file, struct err *err)
{
    size_t count = count_things(file, "mcp_configs", "mcp_config") +
                   count_things(file, "projects", "users") + count_things(file, "users", NULL) +
                   count_things(file, "apikeys", NULL) +
                   count_things(file, "masked_apikeys", NULL) + json_count(file);
    return count <= LIMIT_EXCHANGE_THINGS ||
           err_set(err, ERR_USAGE, "import_too_large",
                   "The file has more than %d users, projects, memberships, configs, servers and "
                   "keys: import it in parts",
                   LIMIT_EXCHANGE_THINGS);
}

bool exchange_import(struct store *store, const struct json_value *file, bool revive_keys,
                     struct exchange_notes *notes, struct err *err)
{
    struct import import = {.store = store, .notes = notes, .revive_keys = revive_keys};
    if (!check_file(file, err) || !check_size(file, err) || !store_unlock(store, err))
        return false;
    // What others refer to comes first.
    bool done = import_section(&import, file, EXCHANGE_CONFIG, import_config, err) &&
                import_section(&import, file, EXCHANGE_USER, import_user, err) &&
                import_section(&import, file, EXCHANGE_PROJECT, import_project, err) &&
                import_section(&import, file, EXCHANGE_API_KEY, import_key, err) &&
                import_masked_keys(&import, json_member(file, "masked_apikeys"), err) &&
                import_others(&import, file, err) && record(&import, err);
    if (done && notes->failed)
        return err_memory(err);
    return done;
}
