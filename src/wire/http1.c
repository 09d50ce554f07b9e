// http1.c: reading heads; see http1.h. One pass from left to right, judging each byte when it
// comes, so that a longer input never changes what a shorter one gave.
#include "wire/http1.h"

#include "wire/http1_bytes.h"

const char http_too_many_fields[] = "there are too many header fields";

struct reader {
    const char *at, *end;
    struct http_head *head;
    const char *reason; // of HTTP_BAD
    bool host, coded;   // Host, Transfer-Encoding were seen
    bool close, keep;   // what Connection lists
};

static enum http_step bad(struct reader *reader, const char *reason)
{
    reader->reason = reason;
    return HTTP_BAD;
}

static struct view take(struct reader *reader, enum http_byte kind)
{
    struct view run = {reader->at, http_run(reader->at, reader->end, kind)};
    reader->at += run.size;
    return run;
}

static enum http_step read_line_end(struct reader *reader)
{
    if (reader->at == reader->end)
        return HTTP_MORE;
    if (*reader->at == '\n')
        return bad(reader, "a line ends with LF alone");
    if (*reader->at != '\r')
        return bad(reader, "there is a control character, or more on a line than belongs there");
    if (reader->end - reader->at == 1)
        return HTTP_MORE;
    if (reader->at[1] != '\n')
        return bad(reader, "there is a CR without LF");
    reader->at += 2;
    return HTTP_DONE;
}

static enum http_step read_version(struct reader *reader)
{
    static const struct view wanted = {"HTTP/1.", 7};
    size_t there = (size_t)(reader->end - reader->at);
    size_t compared = there < wanted.size ? there : wanted.size;
    if (compared > 0 && memcmp(reader->at, wanted.data, compared) != 0)
        return bad(reader, "the version is not HTTP/1.0 or HTTP/1.1");
    if (there <= wanted.size)
        return HTTP_MORE;
    char minor = reader->at[wanted.size];
    if (minor != '0' && minor != '1')
        return bad(reader, "the version is not HTTP/1.0 or HTTP/1.1");
    reader->head->minor = minor - '0';
    reader->at += wanted.size + 1;
    return HTTP_DONE;
}

// One word of the request line and the blank behind it.
static enum http_step read_word(struct reader *reader, enum http_byte kind, struct view *ret_word)
{
    struct view word = take(reader, kind);
    if (reader->at == reader->end)
        return HTTP_MORE;
    if (word.size == 0 || *reader->at != ' ')
        return bad(reader, "the request line is not a method, a target and a version");
    reader->at++;
    *ret_word = word;
    return HTTP_DONE;
}

static enum http_step read_request_line(struct reader *reader)
{
    enum http_step step = HTTP_DONE;
    if (reader->at < reader->end && *reader->at == '\r')
        step = read_line_end(reader);
    if (step == HTTP_DONE)
        step = read_word(reader, HTTP_TOKEN, &reader->head->method);
    if (step == HTTP_DONE)
        step = read_word(reader, HTTP_TARGET, &reader->head->target);
    if (step == HTTP_DONE)
        step = read_version(reader);
    return step == HTTP_DONE ? read_line_end(reader) : step;
}

// A blank, three digits, and mostly a blank and a reason.
static enum http_step read_status(struct reader *reader)
{
    enum { SIZE = 4 };
    const char *at = reader->at;
    size_t there = (size_t)(reader->end - at);
    int status = 0;
    for (size_t i = 0; i < SIZE && i < there; i++) {
        if (i == 0 ? at[i] != ' ' : at[i] < '0' || at[i] > '9')
            return bad(reader, "the status is not three digits");
        status = i == 0 ? 0 : status * 10 + (at[i] - '0');
    }
    if (there < SIZE)
        return HTTP_MORE;
    if (status < 100 || status > 599)
        return bad(reader, "the status is not from 100 to 599");
    reader->head->status = status;
    reader->at += SIZE;
    if (reader->at < reader->end && *reader->at == ' ')
        (void)take(reader, HTTP_TEXT);
    return read_line_end(reader);
}

static enum http_step read_status_line(struct reader *reader)
{
    enum http_step step = read_version(reader);
    return step == HTTP_DONE ? read_status(reader) : step;
}

static enum http_step note_length(struct reader *reader, struct view value)
{
    uint64_t length = 0;
    if (reader->head->has_length)
        return bad(reader, "there is a second Content-Length");
    if (value.size == 0)
        return bad(reader, "Content-Length is not digits");
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return bad(reader, "Content-Length is not digits");
        unsigned digit = (unsigned)(value.data[i] - '0');
        if (length > (UINT64_MAX - digit) / 10)
            return bad(reader, "Content-Length is too large");
        length = length * 10 + digit;
    }
    reader->head->has_length = true;
    reader->head->length = length;
    return HTTP_DONE;
}

static enum http_step note_coding(struct reader *reader, struct view value)
{
    if (reader->coded)
        return bad(reader, "there is a second Transfer-Encoding");
    if (!http_same(value, "chunked"))
        return bad(reader, "Transfer-Encoding is not `chunked`");
    reader->coded = reader->head->chunked = true;
    return HTTP_DONE;
}

static enum http_step note_host(struct reader *reader, struct view value)
{
    if (reader->host)
        return bad(reader, "there is a second Host");
    if (!http_all(value, HTTP_HOST))
        return bad(reader, "Host is not a host");
    reader->host = true;
    return HTTP_DONE;
}

// Remembers what a field says about framing and about the connection.
static enum http_step note_field(struct reader *reader, const struct http_field *field)
{
    switch (field->name.size) {
    case sizeof "Host" - 1:
        // A response with a Host is odd, but says nothing about its frame.
        if (reader->head->method.size > 0 && http_same(field->name, "Host"))
            return note_host(reader, field->value);
        break;
    case sizeof "Expect" - 1:
        if (http_same(field->name, "Expect") && http_lists(field->value, "100-continue"))
            reader->head->expect_continue = true;
        break;
    case sizeof "Connection" - 1:
        if (http_same(field->name, "Connection")) {
            reader->close = reader->close || http_lists(field->value, "close");
            reader->keep = reader->keep || http_lists(field->value, "keep-alive");
        }
        break;
    case sizeof "Content-Length" - 1:
        if (http_same(field->name, "Content-Length"))
            return note_length(reader, field->value);
        break;
    case sizeof "Transfer-Encoding" - 1:
        if (http_same(field->name, "Transfer-Encoding"))
            return note_coding(reader, field->value);
        break;
    default:
        break;
    }
    return HTTP_DONE;
}

static enum http_step read_name(struct reader *reader, struct view *ret_name)
{
    if (http_is_blank(*reader->at))
        return bad(reader, "a header line begins with a blank");
    struct view name = take(reader, HTTP_TOKEN);
    if (reader->at == reader->end)
        return HTTP_MORE;
    if (http_is_blank(*reader->at))
        return bad(reader, "there is a blank before the colon of a header field");
    if (*reader->at != ':')
        return bad(reader, "there is a character in the name of a header field that is none there");
    if (name.size == 0)
        return bad(reader, "a header field has no name");
    reader->at++;
    *ret_name = name;
    return HTTP_DONE;
}

static enum http_step read_value(struct reader *reader, struct view *ret_value)
{
    while (reader->at < reader->end && http_is_blank(*reader->at))
        reader->at++;
    struct view value = take(reader, HTTP_TEXT);
    while (value.size > 0 && http_is_blank(value.data[value.size - 1]))
        value.size--;
    *ret_value = value;
    return read_line_end(reader);
}

// The fields up to the empty line, and that one.
static enum http_step read_fields(struct reader *reader)
{
    struct http_head *head = reader->head;
    while (reader->at < reader->end) {
        struct http_field field;
        if (*reader->at == '\r' || *reader->at == '\n')
            return read_line_end(reader);
        if (head->field_count == HTTP_FIELDS)
            return bad(reader, http_too_many_fields);
        enum http_step step = read_name(reader, &field.name);
        if (step == HTTP_DONE)
            step = read_value(reader, &field.value);
        if (step == HTTP_DONE)
            step = note_field(reader, &field);
        if (step != HTTP_DONE)
            return step;
        head->fields[head->field_count++] = field;
    }
    return HTTP_MORE;
}

// What only the whole head can tell.
static enum http_step judge(struct reader *reader)
{
    struct http_head *head = reader->head;
    bool request = head->method.size > 0;
    if (request && head->minor == 1 && !reader->host)
        return bad(reader, "there is no Host");
    if (head->chunked && head->has_length)
        return bad(reader, "there are both Content-Length and Transfer-Encoding");
    if (head->chunked && head->minor == 0)
        return bad(reader, "there is a Transfer-Encoding in HTTP/1.0");
    head->keep_alive = !reader->close && (head->minor == 1 || reader->keep);
    head->expect_continue = head->expect_continue && request && head->minor == 1;
    return HTTP_DONE;
}

static enum http_step read_head(struct reader *reader,
                                enum http_step (*read_first)(struct reader *reader))
{
    struct http_head *head = reader->head;
    head->method = head->target = (struct view){NULL, 0};
    head->status = head->minor = 0;
    head->field_count = 0;
    head->chunked = head->has_length = head->keep_alive = head->expect_continue = false;
    head->length = 0;
    enum http_step step = read_first(reader);
    if (step == HTTP_DONE)
        step = read_fields(reader);
    return step == HTTP_DONE ? judge(reader) : step;
}

enum http_step http_read_request(struct view bytes, struct http_head *ret_head, size_t *ret_size,
                                 const char **ret_reason)
{
    struct reader reader = {.at = bytes.data, .end = bytes.data, .head = ret_head};
    if (bytes.size > 0)
        reader.end += bytes.size;
    enum http_step step = read_head(&reader, read_request_line);
    if (step == HTTP_DONE)
        *ret_size = (size_t)(reader.at - bytes.data);
    if (step == HTTP_BAD)
        *ret_reason = reader.reason;
    return step;
}

enum http_step http_read_response(struct view bytes, struct http_head *ret_head, size_t *ret_size,
                                  const char **ret_reason)
{
    struct reader reader = {.at = bytes.data, .end = bytes.data, .head = ret_head};
    if (bytes.size > 0)
        reader.end += bytes.size;
    enum http_step step = read_head(&reader, read_status_line);
    if (step == HTTP_DONE)
        *ret_size = (size_t)(reader.at - bytes.data);
    if (step == HTTP_BAD)
        *ret_reason = reader.reason;
    return step;
}
