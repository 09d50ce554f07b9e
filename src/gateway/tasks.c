// tasks.c: see tasks.h.
#include "gateway/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_walk.h"

enum { MOST_TASKS = 256, ID_ROOM = 256 };

struct task {
    struct task *next; // newest first
    uint8_t server[VAULT_DIGEST];
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

static void add(struct task **tasks, const struct server_spec *spec, struct view id)
{
    if (*find(tasks, spec, id))
        return;
    struct task *task = (struct task *)malloc(sizeof *task + id.size);
    if (!task)
        return; // as if it were another's
    *task = (struct task){.next = *tasks, .size = id.size};
    memcpy(task->server, spec->fingerprint, sizeof task->server);
    memcpy(task->id, id.data, id.size);
    *tasks = task;
}

static void learn(const struct call *call, struct view result)
{
    char room[ID_ROOM];
    struct view task = json_walk_member(result, "task");
    struct view raw = json_walk_member(task.data ? task : result, "taskId");
    struct view id = json_raw_text(raw, room, sizeof room);
    if (id.data && call->spec)
        add(&call->principal->credential->tasks, call->spec, id);
}

bool tasks_has(const struct call *call, const struct server_spec *spec, struct view id)
{
    return id.data && *find(&call->principal->credential->tasks, spec, id);
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
