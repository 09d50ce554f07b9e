// op_system_exchange.c: `system import`, `system export`: the one file of the Python original.
#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "model/exchange.h"
#include "ops/show.h"
#include "ops/table.h"

static void show_tallies(struct out *out, const struct exchange_notes *notes)
{
    for (size_t i = 0; i < EXCHANGE_KINDS; i++) {
        field_begin(out, exchange_kind_names[i], '{');
        field_int(out, "created", notes->tallies[i].created);
        field_int(out, "unchanged", notes->tallies[i].unchanged);
        field_int(out, "not_carried_over", notes->tallies[i].missed);
        out_end(out, '}');
    }
    field_int(out, "masked_secrets", notes->masked_secrets);
}

static void show_problems(struct out *out, const struct exchange_notes *notes)
{
    field_int(out, "problems", notes->problems);
    field_begin(out, "first_problems", '[');
    for (const struct exchange_problem *problem = notes->first_problem; problem;
         problem = problem->next) {
        out_begin(out, '{');
        field_string(out, "member", exchange_kind_names[problem->kind]);
        field_text(out, "name", problem->name);
        field_text(out, "reason", problem->reason);
        out_end(out, '}');
    }
    out_end(out, ']');
}

static void show_losses(struct out *out, const struct exchange_notes *notes)
{
    field_begin(out, "not_kept", '[');
    for (const struct exchange_loss *loss = notes->first_loss; loss; loss = loss->next) {
        out_begin(out, '{');
        field_text(out, "member", loss->member);
        field_int(out, "count", loss->count);
        field_text(out, "reason", loss->reason);
        out_end(out, '}');
    }
    out_end(out, ']');
}

static void show_new_ids(struct out *out, const struct exchange_notes *notes)
{
    field_int(out, "new_ids", notes->new_ids);
    field_begin(out, "first_new_ids", '[');
    for (const struct exchange_new_id *entry = notes->first_new_id; entry; entry = entry->next) {
        out_begin(out, '{');
        field_string(out, "member", exchange_kind_names[entry->kind]);
        field_text(out, "id", entry->id);
        field_string(out, "new_id", entry->new_id);
        out_end(out, '}');
    }
    out_end(out, ']');
}

// A file of a few million numbers is no want of memory but one that means no good.
static bool read_file(struct view content, struct arena *arena, const struct json_value **ret_file,
                      struct err *err)
{
    if (json_parse(content.size ? content : VIEW(""), arena, ret_file, err))
        return true;
    return err->kind == ERR_MEMORY && arena->taken > arena->maximum / 2
               ? err_set(err, ERR_USAGE, "import_too_large",
                         "The file has too many values: they take more than %u bytes of memory",
                         LIMIT_EXCHANGE_MEMORY)
               : false;
}

static bool system_import(struct op_call *call, struct err *err)
{
    struct arena arena AUTO(arena_done);
    struct exchange_notes notes = {.arena = &arena};
    const struct json_value *file;
    arena_init(&arena, LIMIT_EXCHANGE_MEMORY);
    if (!read_file(call->args->input, &arena, &file, err) ||
        !exchange_import(call->store, file, call_has(call, P_REVIVE_KEYS), &notes, err))
        return false;
    out_begin(call->out, '{');
    show_tallies(call->out, &notes);
    show_problems(call->out, &notes);
    show_losses(call->out, &notes);
    show_new_ids(call->out, &notes);
    show_dry_run(call);
    out_end(call->out, '}');
    call->negative = notes.problems > 0;
    if (call->negative)
        err_set(err, ERR_PRECONDITION, "import_incomplete",
                "%lld thing%s of the file could not be carried over; the rest %s",
                (long long)notes.problems, notes.problems == 1 ? "" : "s",
                call_has(call, P_DRY_RUN) ? "could be" : "was imported");
    if (notes.deleted_keys > 0)
        err_hint(err, "--revive-keys brings back the %lld keys that were deleted from this store",
                 (long long)notes.deleted_keys);
    return true;
}

static bool check_new_file(const struct op_call *call, struct err *err)
{
    struct view path = call_text(call, P_OUTPUT_FILE);
    if (!path.data || view_is(path, "-") || file_is_missing(path.data))
        return true;
    return err_set(err, ERR_CONFLICT, "file_exists",
                   "%.900s exists already and was not written over", path.data);
}

static bool export_all(struct op_call *call, struct err *err)
{
    bool reveal = call_has(call, P_REVEAL);
    struct exchange_tampered tampered;
    if (!exchange_export(call->store, reveal, call->out, &tampered, err))
        return false;
    call->negative = reveal && tampered.count > 0;
    if (call->negative) {
        err_set(err, ERR_INTEGRITY, "key_tampered",
                "%lld of the API keys, the first being %s, were changed outside this program and "
                "are only listed",
                (long long)tampered.count, tampered.first_key_id);
        return err_hint(err, "secure-mcp-gateway system health-check") || true;
    }
    return true;
}

static bool system_export(struct op_call *call, struct err *err)
{
    return check_new_file(call, err) && export_all(call, err);
}

static const struct op rows[] = {
    {
        .group = "system",
        .verb = "import",
        .summary = "Bring over the file of the Python original (enkrypt_mcp_config.json)",
        .notes =
            "Adds the users, projects, memberships, configs, servers and API keys that the store "
            "does not have, with their ids and times, all in one transaction. What it has stays as "
            "it is, so that a file can be imported twice. The result counts and names what could "
            "not be carried over (problems); the exit status is then 1, and all the rest is "
            "imported. Members without a place here are told (not_kept) and change no status. A "
            "key that was deleted from this store, by a reset too, comes back by --revive-keys "
            "only.",
        .example = "system import --input-file enkrypt_mcp_config.json --dry-run\n"
                   "system import --input-file enkrypt_mcp_config.json",
        .run = system_import,
        .input = true,
        .input_limit = LIMIT_EXCHANGE_FILE,
        PARAMS({P_INPUT_FILE, MUST}, {P_REVIVE_KEYS, MAY}, {P_DRY_RUN, MAY}),
        .helps = {{P_INPUT_FILE, "the file to read; - is stdin"},
                  {P_DRY_RUN, "change nothing; print what would be imported"}},
    },
    {
        .group = "system",
        .verb = "export",
        .summary = "Write users, projects, configs and API keys as the original's file",
        .notes =
            "Without --reveal, credentials are masked, and API keys are only listed, masked, where "
            "nobody takes them for keys: such a file cannot bring keys over. With --reveal the "
            "file "
            "has all of them in the clear, but for those of --show-once. A file that exists is not "
            "written over. For copies to keep, system backup is better: it is sealed and complete.",
        .example = "system export\n"
                   "system export --reveal --output-file enkrypt_mcp_config.json",
        .run = system_export,
        .reads_only = shows_no_secrets,
        .new_file = true,
        PARAMS({P_OUTPUT_FILE, MAY}, {P_REVEAL, MAY}),
        .helps = {{P_OUTPUT_FILE, "the file to write, which must be new (mode 0600); - is stdout"}},
    },
};

const struct op_table system_exchange_ops = {rows, COUNT_OF(rows)};
