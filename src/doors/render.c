// render.c: see render.h. JSON in its two layouts, and the choice among the formats.
#include "doors/render.h"

#include <stdlib.h>

#include "doors/render_parts.h"

struct render_json {
    struct render render;
    struct json_out json;
};

static void json_free(struct render *render)
{
    free(render);
}

static struct render *json_new(struct buf *buf, enum json_layout layout)
{
    struct render_json *self = (struct render_json *)calloc(1, sizeof *self);
    if (!self)
        return NULL;
    json_out_init(&self->json, buf, layout);
    self->render = (struct render){.out = &self->json.out, .free_fn = json_free};
    return &self->render;
}

struct render *render_new(enum render_format format, struct buf *buf,
                          const struct render_style *style)
{
    switch (format) {
    case RENDER_TABLE:
        return render_table_new(buf, style);
    case RENDER_CSV:
        return render_csv_new(buf);
    case RENDER_YAML:
        return render_yaml_new(buf);
    case RENDER_JSONL:
        return json_new(buf, JSON_LINES);
    case RENDER_JSON:
        break;
    }
    return json_new(buf, JSON_PRETTY);
}

void render_name_columns(struct render *render, const char *fields, const char *columns)
{
    render->fields = fields;
    render->columns = columns;
}

struct out *render_out(struct render *render)
{
    return render->out;
}

void render_free(struct render *render)
{
    if (render)
        render->free_fn(render);
}
