// tasks.c: see tasks.h.
#include "gateway/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"

enum { MOST_TASKS = 256, ID_ROOM = 256 };

struct task {
    struct task *next; // newest first
    uint8_t server[VAULT_DIGEST];
    uint64_t conversation; // with the process that has it; 0: over HTTP it outlives conversations
    size_t size;
    char id[];
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

// The link to the task, or to the end of the list; the list is cut after MOST_TASKS.
static struct task **find(struct task **link, const struct server_spec *spec, struct view id)
{
    for (size_t count = 0; *link; link = &(*link)->next) {
        if (++count > MOST_TASKS) {
            tasks_free(link);
            break;
        }
        if (view_equal((struct view){(*link)->id, (*link)->size}, id) &&
            memcmp((*link)->server, spec->fingerprint, sizeof spec->fingerprint) == 0)
            break;
    }
    return link;
}

// With which process the caller speaks. A task ends with its process, and the next one may give the
// same id to another client's. 0: over HTTP.
static uint64_t conversation_of(const struct call *call, struct server_spec *spec)
{
    static const struct mcp_params none;
    struct upstream *upstream = spec->http ? NULL : call_upstream(call, spec);
    const struct asker asker = call_asker(call, &none);
    if (!upstream)
        return 0;
    uint64_t own = upstream_conversation(upstream, &asker, asker.era);
    enum mcp_era other = mcp_other_era(asker.era);
    return own != 0 ? own : upstream_conversation(upstream, &asker, other);
}

static void add(const struct call *call, struct view id)
{
    struct task **tasks = &call->principal->credential->tasks;
    struct task *task = *find(tasks, call->spec, id);
    if (!task) {
        task = (struct task *)malloc(sizeof *task + id.size);
        if (!task)
            return; // as if it were another's
        *task = (struct task){.next = *tasks, .size = id.size};
        memcpy(task->server, call->spec->fingerprint, sizeof task->server);
        memcpy(task->id, id.data, id.size);
        *tasks = task;
    }
    task->conversation = conversation_of(call, call->spec);
}

static void learn(const struct call *call, struct view result)
{
    char room[ID_ROOM];
    struct view task = json_walk_member(result, "task");
    struct view raw = json_walk_member(task.data ? task : result, "taskId");
    struct view id = json_raw_text(raw, room, sizeof room);
    if (id.data && call->spec)
        add(call, id);
}

bool tasks_has(const struct call *call, struct server_spec *spec, struct view id)
{
    const struct task *task = id.data ? *find(&call->principal->credential->tasks, spec, id) : NULL;
    return task && (spec->http || task->conversation == conversation_of(call, spec));
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
        if (!call->spec || !tasks_has(call, call->spec, id))
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
    if (call->may_be_task)
        learn(call, *result);
    if (call->method != MCP_TASKS_LIST)
        return true;
    bool fine = filter(call, *result, room);
    *result = buf_view(room);
    return fine;
}
