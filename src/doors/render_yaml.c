// render_yaml.c: YAML in block style, texts in double quotes (whose escapes are JSON's), so that no
// value can be taken for another type (see render.h).
#include <stdlib.h>

#include "base/text.h"
#include "doors/render_parts.h"

// Where the next child goes on.
enum yaml_cursor { LINE_START, AFTER_DASH, AFTER_KEY };

// YAML allows 1024 characters for a simple key, and an escape takes up to six.
enum { LONGEST_SIMPLE_KEY = 160 };

struct render_yaml {
    struct render render;
    struct out out;
    struct buf *buf;
    struct json_out json; // for scalars
    enum yaml_cursor cursor;
    unsigned depth;
    bool filled[JSON_OUT_DEPTH + 1]; // per depth: has a child already
    char bracket[JSON_OUT_DEPTH + 1];
};

static struct render_yaml *yaml_of(struct out *out)
{
    return OUTER(out, struct render_yaml, out);
}

static size_t indent_of(const struct render_yaml *yaml)
{
    return 2 * (size_t)(yaml->depth - 1);
}

// Goes to where a child of the innermost bracket begins.
static void go_to_child(struct render_yaml *yaml)
{
    if (!yaml->filled[yaml->depth] && yaml->cursor == AFTER_KEY) {
        buf_add_char(yaml->buf, '\n');
        yaml->cursor = LINE_START;
    }
    yaml->filled[yaml->depth] = true;
    if (yaml->cursor == LINE_START)
        buf_add_blanks(yaml->buf, indent_of(yaml));
}

// Before any value: an element gets its dash; a member has its key already.
static void go_to_value(struct render_yaml *yaml)
{
    if (yaml->depth == 0 || yaml->bracket[yaml->depth] != '[')
        return;
    go_to_child(yaml);
    buf_add(yaml->buf, VIEW("- "));
    yaml->cursor = AFTER_DASH;
}

static void add_on_line(struct render_yaml *yaml, struct view text)
{
    if (yaml->cursor == AFTER_KEY)
        buf_add_char(yaml->buf, ' ');
    buf_add(yaml->buf, text);
}

static void end_line(struct render_yaml *yaml)
{
    buf_add_char(yaml->buf, '\n');
    yaml->cursor = LINE_START;
}

static void yaml_begin(struct out *out, char bracket)
{
    struct render_yaml *yaml = yaml_of(out);
    go_to_value(yaml);
    if (yaml->depth == JSON_OUT_DEPTH) {
        yaml->buf->failed = true;
        return;
    }
    yaml->bracket[++yaml->depth] = bracket;
    yaml->filled[yaml->depth] = false;
}

static void yaml_end(struct out *out, char bracket)
{
    struct render_yaml *yaml = yaml_of(out);
    if (yaml->depth == 0)
        return;
    if (!yaml->filled[yaml->depth--]) {
        add_on_line(yaml, bracket == '}' ? VIEW("{}") : VIEW("[]"));
        end_line(yaml);
    }
}

// Without quotes only what no reader of YAML can take for anything but a text.
static bool is_plain_key(struct view key)
{
    static const char *const words[] = {"y",    "n",  "yes", "no",  "true", "false",
                                        "null", "on", "off", "nan", "inf",  NULL};
    if (key.size == 0 || key.size > LONGEST_SIMPLE_KEY)
        return false;
    for (size_t i = 0; i < key.size; i++) {
        char c = key.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
            return false;
    }
    for (size_t i = 0; words[i]; i++)
        if (strlen(words[i]) == key.size && strncasecmp(words[i], key.data, key.size) == 0)
            return false;
    return true;
}

static void yaml_key(struct out *out, struct view key)
{
    struct render_yaml *yaml = yaml_of(out);
    bool simple = key.size <= LONGEST_SIMPLE_KEY;
    go_to_child(yaml);
    if (!simple)
        buf_add(yaml->buf, VIEW("? "));
    if (is_plain_key(key))
        buf_add(yaml->buf, key);
    else
        json_add_string(yaml->buf, key);
    if (!simple) {
        buf_add_char(yaml->buf, '\n');
        buf_add_blanks(yaml->buf, indent_of(yaml));
    }
    buf_add_char(yaml->buf, ':');
    yaml->cursor = AFTER_KEY;
}

static void yaml_scalar(struct out *out, const struct out_scalar *value)
{
    struct render_yaml *yaml = yaml_of(out);
    go_to_value(yaml);
    add_on_line(yaml, VIEW(""));
    out_scalar(&yaml->json.out, *value);
    end_line(yaml);
}

static void yaml_finish(struct out *out)
{
    (void)out; // every line is out
}

static const struct out_methods yaml_methods = {
    .begin = yaml_begin,
    .end = yaml_end,
    .key = yaml_key,
    .scalar = yaml_scalar,
    .finish = yaml_finish,
};

static void yaml_free(struct render *render)
{
    free(render);
}

struct render *render_yaml_new(struct buf *buf)
{
    struct render_yaml *yaml = (struct render_yaml *)calloc(1, sizeof *yaml);
    if (!yaml)
        return NULL;
    yaml->buf = buf;
    yaml->out.methods = &yaml_methods;
    json_out_init(&yaml->json, buf, JSON_COMPACT);
    yaml->render = (struct render){.out = &yaml->out, .free_fn = yaml_free};
    return &yaml->render;
}
