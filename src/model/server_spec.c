// server_spec.c: see server_spec.h.
#include "model/server_spec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "model/server.h"
#include "model/server_record.h"

#define SPECS_SELECT(record)                                                                       \
    "SELECT s.n, s.server_name, " record ", s.sealed, c.config_id FROM servers s"                  \
    " CROSS JOIN configs c ON c.n = s.config WHERE s.config = ? ORDER BY s.n"
enum { SPEC_CONFIG_ID = 4 };

// A spec and all it points at are one piece of memory, of the kind that secret bufs have. The piece
// begins with the buf that owns it.
struct piece {
    struct buf own;
    struct server_spec spec;
};

// The part of a piece that is still free.
struct room {
    char *at;
    size_t size;
};

static void *room_take(struct room *room, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    assert(rounded <= room->size);
    void *taken = room->at;
    room->at += rounded;
    room->size -= rounded;
    return taken;
}

// The views one after the other, with a NUL at the end.
static struct view room_join(struct room *room, const struct view *views, size_t count)
{
    size_t size = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        size += views[i].size;
    char *text = (char *)room_take(room, size + 1);
    for (size_t i = 0; i < count; i++) {
        if (views[i].size > 0)
            memcpy(text + at, views[i].data, views[i].size);
        at += views[i].size;
    }
    text[size] = '\0';
    return (struct view){text, size};
}

static struct view room_copy(struct room *room, struct view text)
{
    return room_join(room, &text, 1);
}

static struct server_spec *piece_new(size_t extra, struct room *ret_room)
{
    struct buf buf;
    buf_init(&buf, sizeof(struct piece) + extra);
    buf.secret = true;
    buf_add_blanks(&buf, sizeof(struct piece) + extra);
    if (buf.failed) {
        buf_done(&buf);
        return NULL;
    }
    memset(buf.data, 0, buf.size);
    struct piece *piece = (struct piece *)(void *)buf.data;
    piece->own = buf;
    piece->spec.references = 1;
    *ret_room = (struct room){buf.data + sizeof *piece, extra};
    return &piece->spec;
}

struct server_spec *server_spec_ref(struct server_spec *spec)
{
    spec->references++;
    return spec;
}

void server_spec_unref(struct server_spec **spec)
{
    struct server_spec *given = TAKE(*spec);
    if (!given || --given->references > 0)
        return;
    struct piece *piece = OUTER(given, struct piece, spec);
    struct buf own = piece->own;
    buf_done(&own);
}

// What the texts and lists of a record take, generously: each value once more with its NUL and
// rounding, and what points to it.
static size_t room_needed(const struct json_value *value)
{
    size_t needed = value->key.size + json_text(value).size + 80;
    for (const struct json_value *part = json_first(value); part; part = part->next)
        needed += room_needed(part);
    return needed;
}

static const char *own_home(void)
{
    const char *own = getenv("HOME");
    return own && own[0] == '/' ? own : NULL;
}

static void read_arguments(struct server_spec *spec, const struct json_value *args,
                           struct room *room)
{
    size_t at = 0;
    const char **list =
        (const char **)room_take(room, (json_count(args) + 1) * sizeof(const char *));
    for (const struct json_value *arg = json_first(args); arg; arg = arg->next)
        list[at++] = room_copy(room, json_text(arg)).data;
    list[at] = NULL;
    spec->arguments = list;
}

static const char *make_variable(struct room *room, struct view name, struct view value)
{
    const struct view parts[] = {name, VIEW("="), value};
    return room_join(room, parts, COUNT_OF(parts)).data;
}

static void read_environment(struct server_spec *spec, const struct json_value *env,
                             struct room *room)
{
    const char *home = own_home();
    size_t at = 0;
    const char **list =
        (const char **)room_take(room, (json_count(env) + 3) * sizeof(const char *));
    for (const struct json_value *member = json_first(env); member; member = member->next)
        list[at++] = make_variable(room, member->key, json_text(member));
    if (!env || !json_member(env, "PATH"))
        list[at++] = make_variable(room, VIEW("PATH"), VIEW(SERVER_PATH));
    if (home && (!env || !json_member(env, "HOME")))
        list[at++] = make_variable(room, VIEW("HOME"), view_of(home));
    list[at] = NULL;
    spec->environment = list;
}

static void read_headers(struct server_spec *spec, const struct json_value *headers,
                         struct room *room)
{
    struct server_header *list =
        (struct server_header *)room_take(room, json_count(headers) * sizeof *list);
    for (const struct json_value *member = json_first(headers); member; member = member->next)
        list[spec->header_count++] = (struct server_header){room_copy(room, member->key),
                                                            room_copy(room, json_text(member))};
    spec->headers = list;
}

static int compare_names(const void *a, const void *b)
{
    const struct view *first = (const struct view *)a, *second = (const struct view *)b;
    size_t common = first->size < second->size ? first->size : second->size;
    int order = common ? memcmp(first->data, second->data, common) : 0;
    return order ? order : (first->size > second->size) - (first->size < second->size);
}

static void read_tools(struct server_spec *spec, const struct json_value *tools, struct room *room)
{
    struct view *list = (struct view *)room_take(room, json_count(tools) * sizeof *list);
    spec->all_tools = json_count(tools) == 0;
    for (const struct json_value *tool = json_first(tools); tool; tool = tool->next) {
        bool enabled = true;
        if (!json_bool(server_member(tool, "enabled"), &enabled) || enabled)
            list[spec->tool_count++] = room_copy(room, tool->key);
    }
    qsort(list, spec->tool_count, sizeof *list, compare_names);
    spec->tools = list;
}

bool server_spec_allows(const struct server_spec *spec, struct view tool)
{
    if (spec->broken)
        return false;
    return spec->all_tools || (spec->tool_count > 0 && bsearch(&tool, spec->tools, spec->tool_count,
                                                               sizeof tool, compare_names));
}

// The place of the config's word among `names`; the first when it says nothing.
static unsigned read_choice(const struct json_value *config, const char *name,
                            const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (view_is(json_text(server_member(config, name)), names[i]))
            return i;
    return 0;
}

static void read_timeouts(struct server_spec *spec, const struct json_value *timeouts)
{
    int64_t *const values[TIMEOUT_COUNT] = {&spec->connect_timeout, &spec->first_byte_timeout,
                                            &spec->idle_timeout, &spec->total_timeout};
    for (size_t i = 0; i < TIMEOUT_COUNT; i++) {
        int64_t seconds;
        if (json_int(server_member(timeouts, server_timeout_names[i]), &seconds))
            *values[i] = seconds * TIME_SECOND;
    }
}

static bool is_true(const struct json_value *value)
{
    bool truth = false;
    return json_bool(value, &truth) && truth;
}

static void read_http(struct server_spec *spec, const struct json_value *config, struct room *room)
{
    spec->url_text = room_copy(room, json_text(json_member(config, "url")));
    spec->broken = url_read(spec->url_text, &spec->url) != NULL;
    spec->allow_private_addresses = is_true(server_member(config, "allow_private_addresses"));
    read_headers(spec, server_member(config, "headers"), room);
}

static void read_stdio(struct server_spec *spec, const struct json_value *config, struct room *room)
{
    spec->command = room_copy(room, json_text(json_member(config, "command"))).data;
    read_arguments(spec, server_member(config, "args"), room);
    read_environment(spec, server_member(config, "env"), room);
}

// A record that has passed server_record_check.
static struct server_spec *make_spec(const struct json_value *record)
{
    struct room room;
    const struct json_value *config = json_member(record, "config");
    const char *home = own_home();
    size_t extra = room_needed(record) + sizeof SERVER_PATH + (home ? strlen(home) : 0) + 512;
    struct server_spec *spec = piece_new(extra, &room);
    if (!spec)
        return NULL;
    spec->http = server_member(config, "url") != NULL;
    (spec->http ? read_http : read_stdio)(spec, config, &room);
    spec->isolation =
        (enum isolation)read_choice(config, "isolation", server_isolation_names, ISOLATION_COUNT);
    spec->protocol = (enum server_protocol)read_choice(config, "protocol", server_protocol_names,
                                                       PROTOCOL_COUNT);
    read_timeouts(spec, server_member(config, "timeouts"));
    read_tools(spec, json_member(record, "tools"), &room);
    return spec;
}

// A record with its text and the memory of its tree.
struct opened {
    struct buf text;
    struct arena arena;
    const struct json_value *record;
};

static void opened_done(struct opened *opened)
{
    arena_done(&opened->arena);
    buf_done(&opened->text);
}

// ERR_INTEGRITY or ERR_USAGE when the record is unusable.
static bool open_record(struct store *store, const struct config *config,
                        const struct server *server, struct opened *opened, struct err *err)
{
    arena_init(&opened->arena, LIMIT_JSON_MEMORY);
    buf_init(&opened->text, LIMIT_SERVER_RECORD);
    opened->text.secret = true;
    return server_open(store, config, server, &opened->text, err) &&
           json_parse_own(buf_view(&opened->text), &opened->arena, &opened->record, err) &&
           server_record_check(opened->record, err);
}

// Members that say what a server is to people, and what of it may be used and how. A server that
// runs knows nothing of them.
static bool is_beside(struct view member)
{
    static const char *const names[] = {"description", "tools", "enable_server_info_validation"};
    bool beside = false;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        beside = beside || view_is(member, names[i]);
    for (size_t i = 0; i < POLICY_COUNT; i++)
        beside = beside || view_is(member, server_policy_names[i]);
    return beside;
}

static void begin_mark(struct mac *mac, const struct store *store, const struct config *config,
                       const struct server_spec *spec)
{
    mac_begin(mac, store->vault, MAC_SERVER);
    mac_add(mac, view_of(config->config_id));
    mac_add(mac, view_of(spec->server_name));
    mac_add_int(mac, spec->broken);
}

// Of the opened record where there is one: sealing it anew changes nothing for a running server.
static void take_marks(const struct store *store, const struct config *config, struct view content,
                       const struct json_value *record, struct server_spec *spec)
{
    struct mac mac;
    begin_mark(&mac, store, config, spec);
    mac_add(&mac, content);
    mac_end(&mac, spec->fingerprint);
    begin_mark(&mac, store, config, spec);
    for (const struct json_value *member = json_first(record); member; member = member->next) {
        if (is_beside(member->key))
            continue;
        mac_add(&mac, member->key);
        mac_add(&mac, member->raw);
    }
    if (!record)
        mac_add(&mac, content);
    mac_end(&mac, spec->identity);
}

static struct server_spec *read_server(struct store *store, const struct config *config,
                                       const struct server *server, struct err *err)
{
    struct opened opened AUTO(opened_done) = {0};
    struct room room;
    bool usable = open_record(store, config, server, &opened, err);
    if (!usable && err->kind == ERR_MEMORY)
        return NULL;
    struct server_spec *spec = usable ? make_spec(opened.record) : piece_new(0, &room);
    if (!spec) {
        (void)err_memory(err);
        return NULL;
    }
    struct view content = usable ? buf_view(&opened.text) : server->sealed;
    spec->broken = spec->broken || !usable;
    memcpy(spec->server_name, server->server_name, sizeof spec->server_name);
    take_marks(store, config, content, usable ? opened.record : NULL, spec);
    return spec;
}

static bool append(struct server_specs *specs, struct server_spec *spec, struct err *err)
{
    // Room for 4, 8, 16, …
    if (specs->count >= 4 ? (specs->count & (specs->count - 1)) == 0 : specs->count == 0) {
        size_t room = specs->count ? specs->count * 2 : 4;
        void *list = realloc(specs->list, room * sizeof *specs->list);
        if (!list) {
            server_spec_unref(&spec);
            return err_memory(err);
        }
        specs->list = (struct server_spec **)list;
    }
    specs->list[specs->count++] = spec;
    return true;
}

static bool read_id(struct stmt *stmt, struct config *config, struct err *err)
{
    return text_copy(config->config_id, sizeof config->config_id,
                     stmt_text(stmt, SPEC_CONFIG_ID)) ||
           err_set(err, ERR_INTEGRITY, "store_corrupt", "The id of a config is damaged");
}

// Adds a row to the stamp and, with `specs`, a spec of it to those.
static bool read_row(struct store *store, struct config *config, const struct server *server,
                     struct server_specs *specs, struct mac *stamp, struct err *err)
{
    mac_add_int(stamp, server->n);
    mac_add(stamp, view_of(config->config_id));
    mac_add(stamp, view_of(server->server_name));
    mac_add(stamp, server->sealed);
    struct server_spec *spec = specs ? read_server(store, config, server, err) : NULL;
    return !specs || (spec && append(specs, spec, err));
}

static bool read_rows(struct store *store, struct config *config, struct stmt *stmt,
                      struct server_specs *specs, uint8_t ret_stamp[SPECS_STAMP], struct err *err)
{
    struct mac mac;
    struct server server;
    enum step step;
    bool done = true;
    mac_begin(&mac, store->vault, MAC_SERVERS);
    mac_add_int(&mac, config->n);
    while (done && (step = server_next(stmt, &server, err)) != STEP_END)
        done = step == STEP_ROW && read_id(stmt, config, err) &&
               read_row(store, config, &server, specs, &mac, err);
    mac_end(&mac, ret_stamp);
    return done;
}

bool server_specs_load(struct store *store, int64_t config_n, struct server_specs *ret_specs,
                       struct err *err)
{
    struct server_specs specs AUTO(server_specs_free) = {0};
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct config config = {.n = config_n};
    if (!db_query(store->db, SPECS_SELECT("s.record"), BIND(v_int(config_n)), &stmt, err) ||
        !read_rows(store, &config, stmt, &specs, specs.stamp, err))
        return false;
    *ret_specs = specs;
    specs = (struct server_specs){0};
    return true;
}

void server_specs_free(struct server_specs *specs)
{
    for (size_t i = 0; i < specs->count; i++)
        server_spec_unref(&specs->list[i]);
    free(specs->list);
    *specs = (struct server_specs){0};
}

bool server_spec_is(const struct server_spec *a, const struct server_spec *b)
{
    return memcmp(a->identity, b->identity, sizeof a->identity) == 0;
}

bool server_spec_stands(const struct server_spec *a, const struct server_spec *b)
{
    return memcmp(a->fingerprint, b->fingerprint, sizeof a->fingerprint) == 0;
}

struct server_spec *server_specs_find(const struct server_specs *specs,
                                      const struct server_spec *spec)
{
    for (size_t i = 0; i < specs->count; i++)
        if (server_spec_is(spec, specs->list[i]))
            return specs->list[i];
    return NULL;
}

bool server_specs_stamp(struct store *store, int64_t config_n, uint8_t ret_stamp[SPECS_STAMP],
                        struct err *err)
{
    struct stmt *stmt AUTO(stmt_free) = NULL;
    struct config config = {.n = config_n};
    uint8_t stamp[SPECS_STAMP];
    if (!db_query(store->db, SPECS_SELECT("''"), BIND(v_int(config_n)), &stmt, err) ||
        !read_rows(store, &config, stmt, NULL, stamp, err))
        return false;
    memcpy(ret_stamp, stamp, sizeof stamp);
    return true;
}
