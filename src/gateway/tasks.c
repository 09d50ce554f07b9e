// tasks.c: see tasks.h.
#include "gateway/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/json_walk.h"

enum { MOST_TASKS = 256, ID_ROOM = 256 };

struct task {
    struct task *next;            // newest first
    uint8_t server[VAULT_DIGEST]; // its identity
    int64_t project_n;
    struct asker asker;    // who made it; without its views
    uint64_t conversation; // with the process that has it; 0: over HTTP it outlives conversations
    bool over;             // as far as its client was told
    struct view id, tool;  // of what follows
    char text[];
};

void tasks_free(struct task **tasks)
{
    while (*tasks) {
        struct task *next = (*tasks)->next;
        free(*tasks);
        *tasks = next;
    }
}

bool tasks_wanted(const struct mcp_params *params)
{
    struct view extensions = json_walk_member(params->meta_capabilities, "extensions");
    return params->task.data || json_walk_member(extensions, MCP_META "tasks").data;
}

static bool is_of(const struct task *task, const struct server_spec *spec)
{
    return memcmp(task->server, spec->identity, sizeof task->server) == 0;
}

// The link to the task, or to the end of the list; the list is cut after MOST_TASKS.
static struct task **find(struct task **link, const struct server_spec *spec, struct view id)
{
    for (size_t count = 0; *link; link = &(*link)->next) {
        if (++count > MOST_TASKS) {
            tasks_free(link);
            break;
        }
        if (view_equal((*link)->id, id) && is_of(*link, spec))
            break;
    }
    return link;
}

// By which conversation the asker's requests go at present, and its era. 0: there is none.
static uint64_t conversation_of(struct upstream *upstream, const struct asker *asker,
                                enum mcp_era *ret_era)
{
    *ret_era = asker->era;
    uint64_t own = upstream_conversation(upstream, asker, asker->era);
    if (own != 0)
        return own;
    *ret_era = mcp_other_era(asker->era);
    return upstream_conversation(upstream, asker, *ret_era);
}

// With which process the caller speaks. A task ends with its process, and the next one may give the
// same id to another client's. 0: over HTTP.
static uint64_t process_of(const struct call *call, struct server_spec *spec)
{
    static const struct mcp_params none;
    enum mcp_era era;
    struct upstream *upstream = spec->http ? NULL : call_upstream(call, spec);
    const struct asker asker = call_asker(call, &none);
    return upstream ? conversation_of(upstream, &asker, &era) : 0;
}

// --- what is learned of them --------------------------------------------------------------------

// The server may have used the id before, for another tool's task.
static void add(const struct call *call, struct view id)
{
    static const struct mcp_params none;
    struct task **tasks = &call->principal->credential->tasks, **link = find(tasks, call->spec, id);
    struct task *task = (struct task *)malloc(sizeof *task + id.size + call->tool_size);
    if (*link) {
        struct task *before = *link;
        *link = before->next;
        free(before);
    }
    if (!task)
        return; // as if it were another's
    const struct asker asker = call_asker(call, &none);
    *task = (struct task){.next = *tasks,
                          .project_n = call->principal->grant.project_n,
                          .asker = {.era = asker.era,
                                    .session = asker.session,
                                    .user = asker.user,
                                    .key = asker.key,
                                    .can = asker.can,
                                    .level = -1},
                          .conversation = process_of(call, call->spec),
                          .id = {task->text, id.size},
                          .tool = {task->text + id.size, call->tool_size}};
    memcpy(task->server, call->spec->identity, sizeof task->server);
    memcpy(task->text, id.data, id.size);
    memcpy(task->text + id.size, call->tool, call->tool_size);
    *tasks = task;
}

static bool is_over(struct view status)
{
    return view_is(status, "\"completed\"") || view_is(status, "\"failed\"") ||
           view_is(status, "\"cancelled\"");
}

static void learn(const struct call *call, struct view result)
{
    char room[ID_ROOM];
    struct view inner = json_walk_member(result, "task");
    struct view task = inner.data ? inner : result;
    struct view id = json_raw_text(json_walk_member(task, "taskId"), room, sizeof room);
    if (!id.data || !call->spec)
        return;
    if (call->method == MCP_TOOLS_CALL)
        add(call, id);
    struct task *known = *find(&call->principal->credential->tasks, call->spec, id);
    if (known)
        known->over = is_over(json_walk_member(task, "status"));
}

struct view tasks_tool(const struct call *call, struct server_spec *spec, struct view id)
{
    const struct task *task = id.data ? *find(&call->principal->credential->tasks, spec, id) : NULL;
    if (!task || !server_spec_allows(spec, task->tool) ||
        (!spec->http && task->conversation != process_of(call, spec)))
        return (struct view){NULL, 0};
    return task->tool;
}

static bool filter(const struct call *call, struct view result, struct buf *ret_result)
{
    struct view ignored, item, tasks = json_walk_member(result, "tasks");
    if (!json_raw_is(tasks, '[')) {
        buf_add(ret_result, VIEW("{\"tasks\":[]}"));
        return !ret_result->failed;
    }
    const char *end = tasks.data + tasks.size - 1;
    bool first = true;
    buf_add(ret_result, (struct view){result.data, (size_t)(tasks.data + 1 - result.data)});
    for (struct json_walk walk = json_walk(tasks); json_walk_next(&walk, &ignored, &item);) {
        char room[ID_ROOM];
        struct view id = json_raw_text(json_walk_member(item, "taskId"), room, sizeof room);
        if (!call->spec || !tasks_tool(call, call->spec, id).data)
            continue;
        buf_add(ret_result, first ? VIEW("") : VIEW(","));
        buf_add(ret_result, item);
        first = false;
    }
    buf_add(ret_result, (struct view){end, (size_t)(result.data + result.size - end)});
    return !ret_result->failed;
}

bool tasks_pass(const struct call *call, struct view *result, struct buf *room)
{
    bool may_make = call->method == MCP_TOOLS_CALL && call->may_be_task;
    if (may_make || call->method == MCP_TASKS_GET || call->method == MCP_TASKS_CANCEL)
        learn(call, *result);
    if (call->method != MCP_TASKS_LIST)
        return true;
    bool fine = filter(call, *result, room);
    *result = buf_view(room);
    return fine;
}

// --- their end ----------------------------------------------------------------------------------

static void add_params(struct buf *params, enum mcp_era era, struct view id)
{
    buf_add(params, VIEW("{"));
    if (era == MCP_MODERN)
        buf_add(params, VIEW("\"_meta\":{\"" MCP_META "protocolVersion\":\"" MCP_MODERN_VERSION
                             "\",\"" MCP_META "clientCapabilities\":{\"extensions\":{\"" MCP_META
                             "tasks\":{}}}},"));
    buf_add(params, VIEW("\"taskId\":"));
    json_add_string(params, id);
    buf_add(params, VIEW("}"));
}

// Has the server end it. No conversation is begun for that.
static void cancel(struct gateway *gateway, const struct task *task, struct server_spec *spec)
{
    struct buf params AUTO(buf_done);
    buf_init(&params, 8 * ID_ROOM);
    struct asker asker = task->asker;
    struct upstream *upstream =
        task->over ? NULL : upstream_get(gateway->upstreams, task->project_n, spec);
    uint64_t now = upstream ? conversation_of(upstream, &task->asker, &asker.era) : 0;
    if (now == 0 || (!spec->http && now != task->conversation))
        return;
    add_params(&params, asker.era, task->id);
    const struct upcall_order order = {.asker = &asker,
                                       .method = MCP_TASKS_CANCEL,
                                       .method_name = view_of(mcp_method_name(MCP_TASKS_CANCEL)),
                                       .params = buf_view(&params),
                                       .name = task->id};
    // Without memory it goes on there, unknown to all.
    if (!params.failed)
        (void)!upcall_send(upstream, &order, &upcall_nobody, NULL);
}

static struct server_spec *server_of(const struct task *task, const struct server_specs *specs)
{
    for (size_t i = 0; i < specs->count; i++)
        if (is_of(task, specs->list[i]))
            return specs->list[i];
    return NULL;
}

// Those of a server that the key does not have any more have ended with its conversations.
static void end(struct gateway *gateway, struct task **link, struct server_spec *spec)
{
    struct task *gone = *link;
    *link = gone->next;
    if (spec)
        cancel(gateway, gone, spec);
    free(gone);
}

void tasks_look(struct gateway *gateway, struct credential *credential,
                const struct server_specs *specs)
{
    for (struct task **link = &credential->tasks; *link;) {
        struct server_spec *spec = server_of(*link, specs);
        if (spec && server_spec_allows(spec, (*link)->tool))
            link = &(*link)->next;
        else
            end(gateway, link, spec);
    }
}

void tasks_end(struct gateway *gateway, struct credential *credential)
{
    while (credential->tasks) {
        const struct access *access =
            principals_access(gateway->principals, credential->tasks->project_n);
        end(gateway, &credential->tasks,
            access ? server_of(credential->tasks, &access->specs) : NULL);
    }
}
