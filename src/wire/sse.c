// sse.c: see sse.h.
//
// Reading: a line that lies complete in the input is used where it is; only the beginning of a line
// whose end has not come is copied. So what was read of the present event is a slice (of the input
// or of `line`) until the end of the call, and is saved then.
#include "wire/sse.h"

enum {
    KEPT = 64 << 10,   // memory of a buf that is not given back after an event
    FIRST_LOOK = 128,  // bytes
    RETRY_DIGITS = 15, // more milliseconds than anybody waits
};

// What the present call found of the present event and did not save yet.
struct found {
    struct view name, data; // {NULL, 0}: nothing
    bool joined;            // `line` holds a complete line
};

// The size of the line that `bytes` begins with, all of them when its end is not there. Looks at
// ever larger parts, so that neither long lines nor many short ones are looked at twice.
static size_t line_size(struct view bytes)
{
    size_t from = 0;
    for (size_t look = FIRST_LOOK; from < bytes.size; look *= 2) {
        const char *at = bytes.data + from;
        size_t size = bytes.size - from < look ? bytes.size - from : look;
        const char *lf = memchr(at, '\n', size);
        const char *cr = memchr(at, '\r', lf ? (size_t)(lf - at) : size);
        if (cr || lf)
            return (size_t)((cr ? cr : lf) - bytes.data);
        from += size;
    }
    return bytes.size;
}

static void empty(struct buf *buf)
{
    if (buf->capacity > KEPT)
        buf_done(buf);
    else
        buf_clear(buf);
}

static void save(struct buf *buf, struct view *slice)
{
    buf_add(buf, *slice);
    *slice = (struct view){NULL, 0};
}

static void add_data(struct sse_reader *reader, struct found *found, struct view value)
{
    if (!reader->has_data) {
        reader->has_data = true;
        found->data = value;
        return;
    }
    save(&reader->data, &found->data);
    buf_add_char(&reader->data, '\n');
    buf_add(&reader->data, value);
}

static void set_name(struct sse_reader *reader, struct found *found, struct view value)
{
    buf_clear(&reader->name);
    found->name = value;
}

static void set_id(struct sse_reader *reader, struct view value)
{
    if (value.size > SSE_ID || memchr(value.data, '\0', value.size))
        return;
    memcpy(reader->next_id, value.data, value.size);
    reader->next_id_size = value.size;
    reader->has_next_id = true;
}

static void set_retry(struct sse_reader *reader, struct view value)
{
    long long retry = 0;
    if (value.size == 0 || value.size > RETRY_DIGITS)
        return;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return;
        retry = retry * 10 + (value.data[i] - '0');
    }
    reader->retry = retry;
}

// A line that is not empty.
static void read_field(struct sse_reader *reader, struct found *found, struct view line)
{
    const char *colon = memchr(line.data, ':', line.size);
    struct view name = {line.data, colon ? (size_t)(colon - line.data) : line.size};
    struct view value = view_skip(line, colon ? name.size + 1 : name.size);
    if (value.size > 0 && value.data[0] == ' ')
        value = view_skip(value, 1);
    if (view_is(name, "data"))
        add_data(reader, found, value);
    else if (view_is(name, "event"))
        set_name(reader, found, value);
    else if (view_is(name, "id"))
        set_id(reader, value);
    else if (view_is(name, "retry"))
        set_retry(reader, value);
}

// At an empty line. True when an event ended there.
static bool end_event(struct sse_reader *reader, struct found *found, struct sse_event *ret_event)
{
    if (reader->has_next_id) {
        memcpy(reader->id, reader->next_id, reader->next_id_size);
        reader->id_size = reader->next_id_size;
        reader->has_next_id = false;
    }
    if (!reader->has_data) {
        set_name(reader, found, (struct view){NULL, 0});
        return false;
    }
    struct view name = found->name.data ? found->name : buf_view(&reader->name);
    struct view data = found->data.data ? found->data : buf_view(&reader->data);
    ret_event->name = name.size > 0 ? name : (struct view){NULL, 0};
    ret_event->data = data.size > 0 ? data : VIEW("");
    reader->has_data = false;
    reader->given = true;
    return true;
}

// What is wrong with the bufs, SSE_MORE when nothing is.
static enum sse_step check(const struct sse_reader *reader)
{
    const struct buf *bufs[] = {&reader->line, &reader->data, &reader->name};
    for (size_t i = 0; i < COUNT_OF(bufs); i++)
        if (bufs[i]->failed)
            return bufs[i]->full ? SSE_TOO_LARGE : SSE_NO_MEMORY;
    return SSE_MORE;
}

// The next line, which is complete, as one piece.
static struct view join(struct sse_reader *reader, struct found *found, struct view line)
{
    if (reader->line.size > 0 && !found->joined) {
        buf_add(&reader->line, line);
        line = buf_view(&reader->line);
        found->joined = true;
    } else if (line.size > reader->line.maximum) {
        reader->line.failed = reader->line.full = true;
    }
    if (!reader->started && view_starts(line, VIEW("\xef\xbb\xbf")))
        line = view_skip(line, 3);
    reader->started = true;
    return line;
}

// At the end of the input: what is needed of it is copied.
static void keep(struct sse_reader *reader, struct found *found, struct view rest)
{
    save(&reader->name, &found->name);
    save(&reader->data, &found->data);
    if (found->joined)
        empty(&reader->line);
    buf_add(&reader->line, rest);
}

static void forget_given(struct sse_reader *reader)
{
    if (!reader->given)
        return;
    reader->given = false;
    empty(&reader->line);
    empty(&reader->data);
    empty(&reader->name);
}

static bool skip_lf(struct sse_reader *reader, struct view rest)
{
    bool skip = reader->after_cr && rest.data[0] == '\n';
    reader->after_cr = false;
    return skip;
}

static bool is_id(struct view id)
{
    return id.size <= SSE_ID && !memchr(id.data, '\r', id.size) &&
           !memchr(id.data, '\n', id.size) && !memchr(id.data, '\0', id.size);
}

static void add_on_one_line(struct buf *buf, struct view data)
{
    buf_reserve(buf, data.size + 1);
    for (size_t i = 0; i < data.size; i++) {
        const char byte = data.data[i];
        buf_add_char(buf, byte == '\n' || byte == '\r' ? ' ' : byte);
    }
    buf_add_char(buf, '\n');
}

void sse_reader_init(struct sse_reader *reader, size_t maximum)
{
    *reader = (struct sse_reader){.retry = -1};
    buf_init(&reader->line, maximum);
    buf_init(&reader->data, maximum);
    buf_init(&reader->name, maximum);
}

void sse_reader_done(struct sse_reader *reader)
{
    buf_done(&reader->line);
    buf_done(&reader->data);
    buf_done(&reader->name);
}

void sse_reader_resume(struct sse_reader *reader)
{
    reader->given = true;
    forget_given(reader);
    reader->after_cr = reader->started = reader->has_data = reader->has_next_id = false;
}

enum sse_step sse_read(struct sse_reader *reader, struct view bytes, size_t *ret_used,
                       struct sse_event *ret_event)
{
    struct found found = {0};
    enum sse_step step = SSE_MORE;
    size_t used = 0;
    forget_given(reader);
    while (used < bytes.size && step == SSE_MORE) {
        struct view rest = view_skip(bytes, used);
        if (skip_lf(reader, rest)) {
            used++;
            continue;
        }
        size_t size = line_size(rest);
        if (size == rest.size)
            break;
        used += size + 1;
        reader->after_cr = rest.data[size] == '\r';
        struct view line = join(reader, &found, (struct view){rest.data, size});
        step = check(reader); // a line that was too long is cut: nothing is read of it
        if (step == SSE_MORE && line.size > 0) {
            read_field(reader, &found, line);
            step = check(reader);
        }
        if (step == SSE_MORE && line.size == 0 && end_event(reader, &found, ret_event))
            step = SSE_EVENT;
    }
    if (step == SSE_MORE) {
        keep(reader, &found, view_skip(bytes, used));
        used = bytes.size;
        step = check(reader);
    }
    if (step == SSE_MORE || step == SSE_EVENT)
        *ret_used = used;
    return step;
}

void sse_add_event(struct buf *buf, struct view id, struct view data)
{
    if (id.data && !is_id(id)) {
        buf->failed = true;
        return;
    }
    if (id.data) {
        buf_add(buf, VIEW("id: "));
        buf_add(buf, id);
        buf_add_char(buf, '\n');
    }
    buf_add(buf, VIEW("data: "));
    add_on_one_line(buf, data);
    buf_add_char(buf, '\n');
}

void sse_add_comment(struct buf *buf)
{
    buf_add(buf, VIEW(":\n\n"));
}
