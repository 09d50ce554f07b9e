// json_out.c: see json_out.h.
#include "base/json_out.h"

#include "base/text.h"

// How many bytes from the front stand for themselves inside a JSON string.
static size_t plain_bytes(struct view text)
{
    static const bool special[256] = {
        [0 ... 0x1f] = true, ['"'] = true, ['\\'] = true, [0x7f ... 0xff] = true};
    size_t at = 0;
    while (at < text.size && !special[(unsigned char)text.data[at]])
        at++;
    return at;
}

static void add_escaped(struct buf *buf, uint32_t code)
{
    static const char short_for[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (size_t i = 0; i + 1 < sizeof short_for; i += 2) {
        if ((unsigned char)short_for[i] == code) {
            buf_add_char(buf, '\\');
            buf_add_char(buf, short_for[i + 1]);
            return;
        }
    }
    buf_add_format(buf, "\\u%04x", code);
}

void json_add_string(struct buf *buf, struct view text)
{
    buf_add_char(buf, '"');
    while (text.size > 0) {
        size_t plain = plain_bytes(text);
        buf_add(buf, (struct view){text.data, plain});
        text = view_skip(text, plain);
        if (text.size == 0)
            break;
        size_t length = utf8_length(text);
        struct view character = {text.data, length};
        if (length == 0)
            buf_add(buf, VIEW("\xef\xbf\xbd"));
        else if (length > 1 && text_is_printable(character))
            buf_add(buf, character);
        else
            add_escaped(buf, utf8_code(character));
        text = view_skip(text, length > 0 ? length : 1);
    }
    buf_add_char(buf, '"');
}

static struct json_out *json_of(struct out *out)
{
    return (struct json_out *)out;
}

static void new_line(struct json_out *json)
{
    buf_add_char(json->buf, '\n');
    buf_add_blanks(json->buf, 2 * (size_t)json->depth);
}

// The comma and the line break before a member or element.
static void separate(struct json_out *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->filled[json->depth] && json->depth > json->streaming)
        buf_add_char(json->buf, ',');
    json->filled[json->depth] = true;
    if (json->layout == JSON_PRETTY && json->depth > 0)
        new_line(json);
}

// In lines, what stands alone on its line ends it.
static void end_of_value(struct json_out *json)
{
    if (json->layout == JSON_LINES && json->depth == json->streaming)
        buf_add_char(json->buf, '\n');
}

static void json_begin(struct out *out, char bracket)
{
    struct json_out *json = json_of(out);
    separate(json);
    if (json->depth == JSON_OUT_DEPTH) {
        json->buf->failed = true;
        return;
    }
    if (json->layout == JSON_LINES && json->depth == 0 && bracket == '[')
        json->streaming = 1;
    else
        buf_add_char(json->buf, bracket);
    json->filled[++json->depth] = false;
}

static void json_end(struct out *out, char bracket)
{
    struct json_out *json = json_of(out);
    if (json->depth == 0)
        return;
    bool had_members = json->filled[json->depth--];
    if (json->depth < json->streaming)
        return;
    if (had_members && json->layout == JSON_PRETTY)
        new_line(json);
    buf_add_char(json->buf, bracket);
    end_of_value(json);
}

static void json_key(struct out *out, struct view key)
{
    struct json_out *json = json_of(out);
    separate(json);
    json_add_string(json->buf, key);
    buf_add(json->buf, json->layout == JSON_PRETTY ? VIEW(": ") : VIEW(":"));
    json->after_key = true;
}

static void json_add_int(struct buf *buf, int64_t integer)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (integer < 0)
        digits[--at] = '-';
    buf_add(buf, (struct view){digits + at, sizeof digits - at});
}

static void json_scalar(struct out *out, const struct out_scalar *value)
{
    struct json_out *json = json_of(out);
    separate(json);
    switch (value->type) {
    case OUT_NULL:
        buf_add(json->buf, VIEW("null"));
        break;
    case OUT_BOOL:
        buf_add(json->buf, value->boolean ? VIEW("true") : VIEW("false"));
        break;
    case OUT_INT:
        json_add_int(json->buf, value->integer);
        break;
    case OUT_NUMBER:
        buf_add(json->buf, value->text);
        break;
    case OUT_TEXT:
        json_add_string(json->buf, value->text);
        break;
    }
    end_of_value(json);
}

static void json_finish(struct out *out)
{
    struct json_out *json = json_of(out);
    if (json->layout == JSON_PRETTY)
        buf_add_char(json->buf, '\n');
}

static const struct out_methods json_methods = {
    .begin = json_begin,
    .end = json_end,
    .key = json_key,
    .scalar = json_scalar,
    .finish = json_finish,
};

void json_out_init(struct json_out *json, struct buf *buf, enum json_layout layout)
{
    *json = (struct json_out){.out = {&json_methods}, .buf = buf, .layout = layout};
}
