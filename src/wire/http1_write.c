// http1_write.c: writing heads and chunks; see http1.h.
#include "base/text.h"
#include "wire/http1.h"
#include "wire/http1_bytes.h"

// RFC 9110 section 15, RFC 6585.
static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {100, "Continue"},
    {101, "Switching Protocols"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

static void add_number(struct buf *buf, uint64_t number)
{
    char room[NUMBER_TEXT];
    buf_add(buf, text_number(number, room));
}

static void add_hex(struct buf *buf, size_t number)
{
    char digits[2 * sizeof number];
    size_t at = sizeof digits;
    do
        digits[--at] = "0123456789abcdef"[number & 15];
    while ((number >>= 4) > 0);
    buf_add(buf, (struct view){digits + at, sizeof digits - at});
}

static bool is_token(struct view text)
{
    return text.size > 0 && http_all(text, HTTP_TOKEN);
}

void http_add_request(struct buf *buf, const char *method, struct view target)
{
    const struct view word = view_of(method);
    if (!is_token(word) || target.size == 0 || !http_all(target, HTTP_TARGET)) {
        buf->failed = true;
        return;
    }
    buf_add(buf, word);
    buf_add_char(buf, ' ');
    buf_add(buf, target);
    buf_add(buf, VIEW(" HTTP/1.1\r\n"));
}

void http_add_status(struct buf *buf, int status)
{
    if (status < 100 || status > 599) {
        buf->failed = true;
        return;
    }
    buf_add(buf, VIEW("HTTP/1.1 "));
    add_number(buf, (uint64_t)status);
    buf_add_char(buf, ' ');
    buf_add(buf, view_of(reason_of(status)));
    buf_add(buf, VIEW("\r\n"));
}

void http_add_field(struct buf *buf, const char *name, struct view value)
{
    const struct view word = view_of(name);
    if (!is_token(word) || !http_all(value, HTTP_TEXT)) {
        buf->failed = true;
        return;
    }
    buf_add(buf, word);
    buf_add(buf, VIEW(": "));
    buf_add(buf, value);
    buf_add(buf, VIEW("\r\n"));
}

void http_add_length(struct buf *buf, size_t length)
{
    buf_add(buf, VIEW("Content-Length: "));
    add_number(buf, length);
    buf_add(buf, VIEW("\r\n"));
}

void http_add_end(struct buf *buf)
{
    buf_add(buf, VIEW("\r\n"));
}

void http_add_chunk_head(struct buf *buf, size_t size)
{
    add_hex(buf, size);
    buf_add(buf, size > 0 ? VIEW("\r\n") : VIEW("\r\n\r\n"));
}

void http_add_chunk(struct buf *buf, struct view data)
{
    if (data.size == 0)
        return;
    http_add_chunk_head(buf, data.size);
    buf_add(buf, data);
    buf_add(buf, VIEW("\r\n"));
}
