// op_client.c: `install`, `uninstall`, `generate-config`: our entry in the files of MCP clients.
#include "base/json.h"
#include "base/json_edit.h"
#include "base/json_out.h"
#include "base/text.h"
#include "ops/client.h"
#include "ops/client_file.h"
#include "ops/table.h"

enum { ENTRY_MEMORY = 1 << 20 };

// One entry of one file.
struct job {
    struct client_entry entry;
    char name[CLIENT_NAME + 1], input_id[CLIENT_REFERENCE];
    struct json_path entry_path, input_path;
    struct buf entry_json, input_json; // what is to stand there
    struct client_file file;
    struct buf result; // the file's new text
};

static void job_done(struct job *job)
{
    buf_done(&job->entry_json);
    buf_done(&job->input_json);
    buf_done(&job->result);
    client_file_done(&job->file);
}

static bool read_name(const struct op_call *call, struct job *job, struct err *err)
{
    struct view name =
        call_has(call, P_NAME) ? call_text(call, P_NAME) : VIEW("secure-mcp-gateway");
    if (!client_check_name(name, err) || !text_copy(job->name, sizeof job->name, name))
        return false;
    job->entry.name = view_of(job->name);
    return true;
}

static bool job_init(const struct op_call *call, struct job *job, struct err *err)
{
    job->entry.surroundings = call->surroundings;
    struct buf *const bufs[] = {&job->entry_json, &job->input_json, &job->result};
    for (size_t i = 0; i < COUNT_OF(bufs); i++) {
        buf_init(bufs[i], i < 2 ? ENTRY_MEMORY : LIMIT_INPUT_FILE + ENTRY_MEMORY);
        bufs[i]->secret = true;
    }
    if (!client_read(call_text(call, P_CLIENT), &job->entry.client, err) ||
        !read_name(call, job, err))
        return false;
    (void)client_input_id(&job->entry, job->input_id);
    job->entry_path =
        (struct json_path){{{job->entry.client->servers, NULL}, {job->name, NULL}}, 2};
    job->input_path = (struct json_path){{{"inputs", NULL}, {"id", job->input_id}}, 2};
    return true;
}

// A key in the clear is written only where the client leaves no other way, and only when asked for
// in two words.
static bool read_key(const struct op_call *call, struct job *job, struct err *err)
{
    const struct client *client = job->entry.client;
    if (!call_has(call, P_API_KEY))
        return true;
    if (client->reference) {
        err_set(err, ERR_USAGE, "key_not_needed",
                "%s takes the key by reference, so it is not written into its file", client->title);
        return err_hint(err, "leave --api-key out");
    }
    struct view key = call_text(call, P_API_KEY);
    if (text_is_uuid(key) || (key.size > 3 && view_is(view_skip(key, key.size - 3), "...")))
        return err_set(err, ERR_USAGE, "invalid_value",
                       "The value of --api-key is not valid: expected the full key");
    if (!call_has(call, P_ALLOW_CLEAR_KEY)) {
        err_set(err, ERR_USAGE, "clear_key",
                "%s cannot refer to an environment variable: the key would stand in its file in "
                "the clear",
                client->title);
        return err_hint(err, "add --allow-clear-key if that is acceptable");
    }
    job->entry.key = key;
    return true;
}

// What the entry is to say.
static bool read_entry(const struct op_call *call, struct job *job, struct err *err)
{
    const struct client *client = job->entry.client;
    if (!read_key(call, job, err))
        return false;
    if (!call_has(call, P_HTTP)) {
        const char *program = call->surroundings->program;
        return (program && program[0] == '/') ||
               err_set(err, ERR_IO, "program_unknown",
                       "The system does not tell where this program is");
    }
    job->entry.url = call_text(call, P_HTTP);
    if (client->http)
        return client_check_url(job->entry.url, err);
    err_set(err, ERR_USAGE, "http_not_supported", "%s connects to no URL from its file",
            client->title);
    return err_hint(err, "leave --http out: the client then starts the gateway itself");
}

static bool refuse_missing_key(const struct job *job, struct err *err)
{
    const struct client *client = job->entry.client;
    if (client->reference || job->entry.key.data)
        return true;
    err_set(err, ERR_USAGE, "key_missing",
            "%s cannot refer to an environment variable and hands none on: the key must stand in "
            "its file in the clear",
            client->title);
    return err_hint(err, "secure-mcp-gateway install --client %s --api-key @FILE --allow-clear-key",
                    client->name);
}

static bool write_json(const struct client_entry *entry, struct buf *buf,
                       void (*write)(const struct client_entry *entry, struct out *out),
                       struct err *err)
{
    struct json_out json;
    json_out_init(&json, buf, JSON_COMPACT);
    write(entry, &json.out);
    out_finish(&json.out);
    return !buf->failed || err_memory(err);
}

static bool open_file(const struct op_call *call, struct job *job, enum client_access access,
                      struct err *err)
{
    char path[LIMIT_PATH];
    enum platform platform = PLATFORM_LINUX;
    if (call_has(call, P_PLATFORM) && !platform_read(call_text(call, P_PLATFORM), &platform, err))
        return false;
    if (call_has(call, P_DRY_RUN))
        access = CLIENT_LOOKS;
    if (call_has(call, P_CONFIG_FILE)) {
        if (!text_copy(path, sizeof path, call_text(call, P_CONFIG_FILE)))
            return err_set(err, ERR_USAGE, "path_too_long",
                           "The path of --config-file is too long");
        return client_file_open(&job->file, path, access, err);
    }
    if (!client_path(job->entry.client, platform, call->surroundings, path, err))
        return false;
    if (path[0] == '/')
        return client_file_open(&job->file, path, access, err);
    err_set(err, ERR_USAGE, "path_of_other_system", "%.900s is no absolute path on this system",
            path);
    return err_hint(err, "name the file with --config-file");
}

// The text with entry and input in it.
static bool put_in(const struct job *job, struct view text, struct view entry, struct buf *result,
                   struct err *err)
{
    struct buf between AUTO(buf_done);
    struct view there = {NULL, 0};
    buf_init(&between, LIMIT_INPUT_FILE + ENTRY_MEMORY);
    between.secret = true;
    if (job->entry.client->asks && !json_edit_find(text, &job->input_path, &there, err))
        return false;
    if (!job->entry.client->asks || there.data)
        return json_edit_set(text, &job->entry_path, entry, result, err);
    return json_edit_set(text, &job->input_path, buf_view(&job->input_json), &between, err) &&
           json_edit_set(buf_view(&between), &job->entry_path, entry, result, err);
}

static bool copy_compact(struct view text, struct buf *buf)
{
    struct arena arena AUTO(arena_done);
    struct json_out json;
    struct err ignored;
    const struct json_value *value;
    arena_init(&arena, LIMIT_INPUT_FILE);
    buf_init(buf, LIMIT_INPUT_FILE);
    buf->secret = true;
    if (!json_parse(text, &arena, &value, &ignored))
        return false;
    json_out_init(&json, buf, JSON_COMPACT);
    json_copy_to_out(value, &json.out);
    out_finish(&json.out);
    return !buf->failed;
}

// Whether two texts are the same JSON, however it is laid out. What has comments is not the same.
static bool same_json(struct view a, struct view b)
{
    struct buf first AUTO(buf_done) = {0}, second AUTO(buf_done) = {0};
    return copy_compact(a, &first) && copy_compact(b, &second) &&
           view_equal(buf_view(&first), buf_view(&second));
}

// Prepares the new text. `*ret_same`: the file is already as it should be.
static bool prepare_install(const struct op_call *call, struct job *job, bool *ret_same,
                            struct err *err)
{
    struct view text = buf_view(&job->file.text), there, input = VIEW("");
    if (!json_edit_find(text, &job->entry_path, &there, err) ||
        (job->entry.client->asks && !json_edit_find(text, &job->input_path, &input, err)))
        return false;
    bool same = there.data && same_json(there, buf_view(&job->entry_json));
    if (there.data && !same && !call_has(call, P_FORCE)) {
        err_set(err, ERR_CONFLICT, "entry_exists", "%s has another entry named %s",
                job->entry.client->title, job->name);
        err_hint(err, "replace it with --force");
        return err_hint(err, "or choose another name with --name");
    }
    *ret_same = same && input.data;
    if (*ret_same)
        buf_add(&job->result, text);
    else if (!put_in(job, text, buf_view(&job->entry_json), &job->result, err))
        return false;
    return !job->result.failed || err_memory(err);
}

// What both commands tell of what they did.
static void show_job(const struct op_call *call, const struct job *job, bool changed,
                     const char *backup)
{
    field_string(call->out, "client", job->entry.client->name);
    field_string(call->out, "config_file", job->file.path);
    field_string(call->out, "name", job->name);
    field_bool(call->out, "changed", changed);
    field_string(call->out, "backup_file", backup[0] ? backup : NULL);
}

// The result of a dry run: the file as it would be.
static bool show_text(const struct op_call *call, const struct job *job)
{
    buf_add(call->text, buf_view(&job->result));
    return true;
}

static bool install(struct op_call *call, struct err *err)
{
    struct job job AUTO(job_done) = {0};
    char backup[BACKUP_PATH] = "", reference[CLIENT_REFERENCE];
    bool same = false;
    if (!job_init(call, &job, err) || !read_entry(call, &job, err) ||
        !refuse_missing_key(&job, err) ||
        !write_json(&job.entry, &job.entry_json, client_write_entry, err) ||
        !write_json(&job.entry, &job.input_json, client_write_input, err) ||
        !open_file(call, &job, CLIENT_MAKES, err) || !prepare_install(call, &job, &same, err))
        return false;
    if (call_has(call, P_DRY_RUN))
        return show_text(call, &job);
    bool secret = job.entry.key.data != NULL;
    if (!same && !client_file_replace(&job.file, buf_view(&job.result), secret, backup, err))
        return false;
    out_begin(call->out, '{');
    show_job(call, &job, !same, backup);
    field_string(call->out, "transport", job.entry.url.data ? "http" : "stdio");
    field_string(call->out, "api_key",
                 secret ? "in the clear" : client_reference(&job.entry, reference));
    out_end(call->out, '}');
    return true;
}

// Whether the entry that stands in a text was made by us. What has comments was not.
static bool is_ours(const struct job *job, struct view text)
{
    struct arena arena AUTO(arena_done);
    struct err ignored;
    const struct json_value *value;
    arena_init(&arena, LIMIT_INPUT_FILE);
    return json_parse(text, &arena, &value, &ignored) && client_is_ours(&job->entry, value);
}

// What is looked for among the backups.
struct undoing {
    struct job *job;
    struct view entry;  // as it stands in the file
    struct buf theirs;  // what stood there before ours
    bool to_be_removed; // the file was made by us
};

static void undoing_done(struct undoing *undoing)
{
    buf_done(&undoing->theirs);
}

// Whether installing into this text gave the text that the file has now: then this is what was
// before, with or without an entry of somebody else. It goes to the result.
static bool is_before(void *context, struct view text)
{
    const struct undoing *undoing = (const struct undoing *)context;
    struct job *job = undoing->job;
    struct view there;
    struct err ignored;
    buf_clear(&job->result);
    bool same = json_edit_find(text, &job->entry_path, &there, &ignored) &&
                !(there.data && is_ours(job, there)) &&
                put_in(job, text, undoing->entry, &job->result, &ignored) &&
                view_equal(buf_view(&job->result), buf_view(&job->file.text));
    buf_clear(&job->result);
    if (same)
        buf_add(&job->result, text);
    return same;
}

// Whether the text tells what stood there before an entry of ours did: nothing, or `theirs`.
static bool is_older(void *context, struct view text)
{
    struct undoing *undoing = (struct undoing *)context;
    struct view there;
    struct err ignored;
    struct buf compact AUTO(buf_done) = {0};
    if (!json_edit_find(text, &undoing->job->entry_path, &there, &ignored) ||
        (there.data && is_ours(undoing->job, there)))
        return false;
    // With comments it cannot be put into another text; the backup has it.
    if (there.data && copy_compact(there, &compact))
        buf_add(&undoing->theirs, buf_view(&compact));
    return true;
}

// Takes the input out that only our entry referred to, unless it is the user's own.
static bool take_input_out(const struct job *job, struct view text, struct buf *result,
                           struct err *err)
{
    char reference[CLIENT_REFERENCE];
    struct view input;
    (void)client_reference(&job->entry, reference);
    if (!json_edit_find(text, &job->input_path, &input, err))
        return false;
    if (input.data && same_json(input, buf_view(&job->input_json)) &&
        !memmem(text.data, text.size, reference, strlen(reference)))
        return json_edit_remove(text, &job->input_path, result, err);
    buf_add(result, text);
    return !result->failed || err_memory(err);
}

// Takes the entry out, or puts back what stood there before.
static bool take_out(struct undoing *undoing, bool ours, struct err *err)
{
    struct job *job = undoing->job;
    struct view text = buf_view(&job->file.text);
    struct buf without AUTO(buf_done);
    char ignored[BACKUP_PATH];
    buf_init(&without, LIMIT_INPUT_FILE + ENTRY_MEMORY);
    without.secret = true;
    bool known = ours && client_file_search_backups(&job->file, is_older, undoing, ignored);
    struct view theirs = buf_view(&undoing->theirs);
    if (!(known && theirs.size > 0 ? json_edit_set(text, &job->entry_path, theirs, &without, err)
                                   : json_edit_remove(text, &job->entry_path, &without, err)))
        return false;
    if (job->entry.client->asks)
        return take_input_out(job, buf_view(&without), &job->result, err);
    buf_add(&job->result, buf_view(&without));
    return !job->result.failed || err_memory(err);
}

// Prepares the new text. `restored` gets the path of the backup that has it.
static bool prepare_uninstall(const struct op_call *call, struct undoing *undoing,
                              char restored[BACKUP_PATH], struct err *err)
{
    struct job *job = undoing->job;
    bool ours = undoing->entry.data && is_ours(job, undoing->entry);
    if (!undoing->entry.data) {
        buf_add(&job->result, buf_view(&job->file.text));
        return !job->result.failed || err_memory(err);
    }
    if (!ours && !call_has(call, P_FORCE)) {
        err_set(err, ERR_CONFLICT, "entry_foreign",
                "The entry named %s was not made by install, or was changed since", job->name);
        return err_hint(err, "remove it with --force");
    }
    if (ours && client_file_search_backups(&job->file, is_before, undoing, restored))
        return !job->result.failed || err_memory(err);
    undoing->to_be_removed = ours && is_before(undoing, VIEW(""));
    return undoing->to_be_removed || take_out(undoing, ours, err);
}

static bool write_uninstalled(const struct op_call *call, struct undoing *undoing,
                              const char *restored, char *backup, struct err *err)
{
    struct job *job = undoing->job;
    if (!undoing->entry.data)
        return true;
    if (undoing->to_be_removed)
        return client_file_remove(
            &job->file, call_has(call, P_CONFIG_FILE) ? 0 : client_folders(job->entry.client), err);
    // What can be had again by installing needs no backup, which would keep the entry's key.
    return client_file_replace(&job->file, buf_view(&job->result), false,
                               restored[0] ? NULL : backup, err);
}

static bool uninstall(struct op_call *call, struct err *err)
{
    struct job job AUTO(job_done) = {0};
    char backup[BACKUP_PATH] = "", restored[BACKUP_PATH] = "";
    struct undoing undoing AUTO(undoing_done) = {.job = &job};
    buf_init(&undoing.theirs, LIMIT_INPUT_FILE);
    undoing.theirs.secret = true;
    if (!job_init(call, &job, err) || !open_file(call, &job, CLIENT_CHANGES, err) ||
        !write_json(&job.entry, &job.input_json, client_write_input, err) ||
        !json_edit_find(buf_view(&job.file.text), &job.entry_path, &undoing.entry, err) ||
        !prepare_uninstall(call, &undoing, restored, err))
        return false;
    if (call_has(call, P_DRY_RUN))
        return show_text(call, &job);
    if (!write_uninstalled(call, &undoing, restored, backup, err))
        return false;
    out_begin(call->out, '{');
    show_job(call, &job, undoing.entry.data != NULL, backup);
    field_string(call->out, "restored_from", restored[0] ? restored : NULL);
    field_bool(call->out, "file_removed", undoing.to_be_removed);
    out_end(call->out, '}');
    return true;
}

static bool generate_config(struct op_call *call, struct err *err)
{
    struct job job AUTO(job_done) = {0};
    if (!job_init(call, &job, err) || !read_entry(call, &job, err))
        return false;
    out_begin(call->out, '{');
    if (job.entry.client->asks) {
        field_begin(call->out, "inputs", '[');
        client_write_input(&job.entry, call->out);
        out_end(call->out, ']');
    }
    field_begin(call->out, job.entry.client->servers, '{');
    out_key(call->out, job.name);
    client_write_entry(&job.entry, call->out);
    out_end(call->out, '}');
    out_end(call->out, '}');
    return true;
}

#define ENTRY_HELPS                                                                                \
    {P_NAME, "the entry's name in the client; secure-mcp-gateway unless given"},                   \
    {                                                                                              \
        P_API_KEY, "the full key, for Claude Desktop; - is standard input, or @FILE"               \
    }

static const struct op rows[] = {
    {
        .group = "",
        .verb = "install",
        .summary = "Enter this gateway into the file of an MCP client",
        .notes =
            "Everything else in the file stays as it is, and a copy is kept as FILE.backup-TIME. "
            "The "
            "key is not written: the client takes it from ENKRYPT_GATEWAY_KEY, VS Code asks for it "
            "once. Only Claude Desktop can do neither.",
        .example = "install --client cursor\n"
                   "install --client vscode --http http://127.0.0.1:8000/mcp\n"
                   "install --client claude-desktop --api-key @key.txt --allow-clear-key",
        .run = install,
        .effect = EFFECT_LOCAL,
        .helps = {ENTRY_HELPS,
                  {P_FORCE, "replace an entry of this name that says something else"},
                  {P_DRY_RUN, "change nothing; print the file as it would be"}},
        PARAMS({P_CLIENT, MUST}, {P_NAME, MAY}, {P_HTTP, MAY}, {P_CONFIG_FILE, MAY},
               {P_PLATFORM, MAY}, {P_API_KEY, MAY}, {P_ALLOW_CLEAR_KEY, MAY}, {P_FORCE, MAY},
               {P_DRY_RUN, MAY}),
    },
    {
        .group = "",
        .verb = "uninstall",
        .summary = "Take this gateway out of the file of an MCP client",
        .notes =
            "When a copy that `install` made shows what the file was before, it is that again, "
            "byte for byte, also where an entry of the user's own stood under that name. Else the "
            "entry goes, what it replaced comes back, and all else stays. A file that install has "
            "made goes, with the client's folders where they are empty. An entry that install did "
            "not make stays, unless --force is given.",
        .example = "uninstall --client cursor",
        .run = uninstall,
        .effect = EFFECT_LOCAL,
        .helps = {ENTRY_HELPS,
                  {P_FORCE, "remove the entry also when install did not make it"},
                  {P_DRY_RUN, "change nothing; print the file as it would be"}},
        PARAMS({P_CLIENT, MUST}, {P_NAME, MAY}, {P_CONFIG_FILE, MAY}, {P_PLATFORM, MAY},
               {P_FORCE, MAY}, {P_DRY_RUN, MAY}),
    },
    {
        .group = "",
        .verb = "generate-config",
        .summary = "Print the entry for an MCP client, to be entered by hand",
        .example = "generate-config --client claude-code",
        .run = generate_config,
        .effect = EFFECT_LOCAL,
        .helps = {ENTRY_HELPS},
        PARAMS({P_CLIENT, MUST}, {P_NAME, MAY}, {P_HTTP, MAY}, {P_API_KEY, MAY},
               {P_ALLOW_CLEAR_KEY, MAY}),
    },
};

const struct op_table client_ops = {rows, COUNT_OF(rows)};
