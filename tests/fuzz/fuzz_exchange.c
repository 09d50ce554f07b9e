// fuzz_exchange.c: whatever JSON comes as the file of the Python original, its readers give records
// that the store can take (ids, names, addresses, keys and times by their rules), or a note; and no
// note holds a key.
#include "fuzz.h"

#include <stdlib.h>

#include "model/exchange_read.h"
#include "model/rules.h"

enum { MEMORY = 64 << 20 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_id(const char *id)
{
    char lowered[UUID_TEXT];
    must(text_is_uuid(view_of(id)) && text_copy(lowered, sizeof lowered, view_of(id)));
    text_lower(lowered, UUID_TEXT - 1);
    must(view_is(view_of(id), lowered));
}

static void check_users(struct exchange_notes *notes, const struct json_value *file)
{
    struct exchange_user user;
    const struct json_value *entry = exchange_entries(notes, EXCHANGE_USER, file);
    for (; entry; entry = entry->next) {
        int64_t problems = notes->problems;
        if (!exchange_read_user(notes, entry, &user)) {
            must(notes->problems > problems);
            continue;
        }
        check_id(user.user_id);
        must(!rule_email(view_of(user.email)) && user.created_at >= 0);
    }
}

static void check_configs(struct exchange_notes *notes, const struct json_value *file)
{
    struct exchange_config config;
    const struct json_value *entry = exchange_entries(notes, EXCHANGE_CONFIG, file);
    for (; entry; entry = entry->next) {
        int64_t problems = notes->problems;
        if (!exchange_read_config(notes, entry, &config)) {
            must(notes->problems > problems);
            continue;
        }
        check_id(config.config_id);
        must(!rule_name(view_of(config.config_name)));
        must(!config.servers || config.servers->type == JSON_ARRAY);
    }
}

static void check_projects(struct exchange_notes *notes, const struct json_value *file)
{
    struct exchange_project project;
    const struct json_value *entry = exchange_entries(notes, EXCHANGE_PROJECT, file);
    for (; entry; entry = entry->next) {
        int64_t problems = notes->problems;
        if (!exchange_read_project(notes, entry, &project)) {
            must(notes->problems > problems);
            continue;
        }
        check_id(project.project_id);
        if (project.config_id[0])
            check_id(project.config_id);
        must(!rule_name(view_of(project.project_name)) && project.created_at >= 0);
        must(!project.users || project.users->type == JSON_ARRAY);
    }
}

static void check_keys(struct exchange_notes *notes, const struct json_value *file)
{
    struct exchange_key key;
    const struct json_value *entry = exchange_entries(notes, EXCHANGE_API_KEY, file);
    for (size_t place = 1; entry; entry = entry->next, place++) {
        int64_t problems = notes->problems;
        if (!exchange_read_key(notes, entry, place, &key)) {
            must(notes->problems > problems);
            continue;
        }
        check_id(key.user_id);
        check_id(key.project_id);
        must(!rule_api_key(key.clear) && key.called[0]);
        must(key.created_at >= 0 && key.expires_at >= 0 && (key.disabled || !key.disabled_at));
        must(!key.name[0] || !rule_name(view_of(key.name)));
    }
}

static void check_notes(const struct exchange_notes *notes)
{
    int64_t missed = 0;
    for (size_t i = 0; i < EXCHANGE_KINDS; i++)
        missed += notes->tallies[i].missed;
    must(missed <= notes->problems);
    for (const struct exchange_problem *at = notes->first_problem; at; at = at->next)
        must(!rule_holds_api_key(at->name) && !rule_holds_api_key(at->reason));
    for (const struct exchange_loss *at = notes->first_loss; at; at = at->next)
        must(!rule_holds_api_key(at->member) && at->count > 0);
    for (const struct exchange_new_id *at = notes->first_new_id; at; at = at->next)
        must(!rule_holds_api_key(at->id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    struct exchange_notes notes = {.arena = &arena};
    const struct json_value *file;
    arena_init(&arena, MEMORY);
    if (json_parse(view_bytes(data, size), &arena, &file, &err)) {
        check_configs(&notes, file);
        check_users(&notes, file);
        check_projects(&notes, file);
        check_keys(&notes, file);
        check_notes(&notes);
    }
    arena_done(&arena);
    return 0;
}
