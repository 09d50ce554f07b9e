// journal.c: see journal.h.
#include "gateway/journal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/json_walk.h"
#include "base/text.h"
#include "vault/key_text.h"

enum {
    MOST_HELD = 256 * 1024, // bytes that a slow reader leaves us with
    AT_ONCE = 4096,         // PIPE_BUF: what a pipe that is ready takes without blocking, whole
    ENOUGH = 64 * 1024,     // bytes that are written without waiting for more
    TOGETHER = 5000,        // us: what comes within it may be written together
    LONGEST_TEXT = 200,     // bytes of a name that a client chose: a line stays below AT_ONCE
};

struct journal {
    int descriptor;
    bool socket, file; // what the descriptor is; else a pipe or a terminal
    uint64_t lost;     // lines
    struct buf lines, line;
    int64_t flushed; // when lines were last written
    int64_t second;  // that `time` says
    char time[TIME_TEXT];
};

// All journals write to the same descriptor: between looking and writing nobody else may write.
static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;

struct journal *journal_new(int descriptor)
{
    struct stat kind;
    struct journal *journal = (struct journal *)calloc(1, sizeof *journal);
    if (!journal)
        return NULL;
    journal->descriptor = descriptor;
    const mode_t mode = fstat(descriptor, &kind) == 0 ? kind.st_mode : 0;
    journal->socket = S_ISSOCK(mode);
    journal->file = S_ISREG(mode);
    buf_init(&journal->lines, MOST_HELD);
    buf_init(&journal->line, AT_ONCE);
    return journal;
}

static void flush(struct journal *journal);

void journal_free(struct journal **journal)
{
    struct journal *going = TAKE(*journal);
    if (!going)
        return;
    flush(going);
    buf_done(&going->lines);
    buf_done(&going->line);
    free(going);
}

// --- writing ---------------------------------------------------------------------------------
// What can be written at once: whole lines, so that those of others do not come between. A file
// takes all, and never blocks.
static size_t whole_lines(const struct journal *journal, struct view lines)
{
    if (lines.size <= AT_ONCE || journal->file)
        return lines.size;
    const char *end = (const char *)memrchr(lines.data, '\n', AT_ONCE);
    return end ? (size_t)(end + 1 - lines.data) : AT_ONCE;
}

static ssize_t write_some(const struct journal *journal, struct view bytes)
{
    struct pollfd ready = {.fd = journal->descriptor, .events = POLLOUT};
    ssize_t written = -1;
    (void)pthread_mutex_lock(&writing);
    if (journal->socket)
        written = send(journal->descriptor, bytes.data, bytes.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (journal->file || (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT)))
        written = write(journal->descriptor, bytes.data, bytes.size);
    (void)pthread_mutex_unlock(&writing);
    return written;
}

static size_t write_lines(const struct journal *journal, struct view lines)
{
    size_t done = 0;
    while (done < lines.size) {
        struct view rest = view_skip(lines, done);
        rest.size = whole_lines(journal, rest);
        ssize_t written = write_some(journal, rest);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    return done;
}

static void forget(struct journal *journal, size_t size)
{
    const size_t left = journal->lines.size - size;
    memmove(journal->lines.data, journal->lines.data + size, left);
    journal->lines.size = left;
}

// --- lines -----------------------------------------------------------------------------------
static void begin_line(struct journal *journal, struct json_out *json, const char *event)
{
    buf_clear(&journal->line);
    json_out_init(json, &journal->line, JSON_COMPACT);
    out_begin(&json->out, '{');
    field_time(&json->out, "time", clock_now());
    field_string(&json->out, "event", event);
}

static void keep_line(struct journal *journal)
{
    const struct view line = buf_view(&journal->line);
    if (journal->line.failed || line.size > journal->lines.maximum - journal->lines.size)
        journal->lost++;
    else
        buf_add(&journal->lines, line);
    if (journal->lines.failed) { // memory is short
        journal->lines.failed = false;
        journal->lost++;
    }
}

static void end_line(struct journal *journal, struct json_out *json)
{
    out_end(&json->out, '}');
    buf_add(&journal->line, VIEW("\n\0"));
    if (!journal->line.failed) { // a client may call a tool by its key
        key_text_redact(journal->line.data);
        journal->line.size = strlen(journal->line.data);
    }
    keep_line(journal);
}

static void tell_lost(struct journal *journal)
{
    struct json_out json;
    const uint64_t lost = journal->lost;
    begin_line(journal, &json, "lines_lost");
    field_int(&json.out, "lines", (int64_t)lost);
    journal->lost = 0;
    end_line(journal, &json);
    if (journal->lost > 0)
        journal->lost = lost;
}

static void flush(struct journal *journal)
{
    size_t done = write_lines(journal, buf_view(&journal->lines));
    if (done > 0)
        forget(journal, done);
    if (journal->lost > 0 && journal->lines.size < MOST_HELD / 2)
        tell_lost(journal);
}

// Under load the lines of several turns go together: a write costs as much as a call.
void journal_flush(struct journal *journal)
{
    if (journal->lines.size == 0 && journal->lost == 0)
        return;
    int64_t now = clock_now();
    int64_t age = now - journal->flushed;
    if (journal->lines.size < ENOUGH && age >= 0 && age < TOGETHER)
        return;
    journal->flushed = now;
    flush(journal);
}

static void add_given(struct out *out, const char *name, struct view text)
{
    if (text.data)
        field_text(out, name, key_text_cut(text, LONGEST_TEXT));
}

// --- calls: the hot path, so written piece by piece ---------------------------------------------
// `2025-07-16T17:02:00.406902`; the seconds are formatted once in each of them.
static void add_time(struct journal *journal)
{
    enum { MICROS = 6 };
    const int64_t now = clock_now();
    if (now / TIME_SECOND != journal->second) {
        journal->second = now / TIME_SECOND;
        time_format(now, journal->time);
    }
    char *end = journal->time + TIME_TEXT - 1;
    int64_t micros = now % TIME_SECOND;
    for (int i = 1; i <= MICROS; i++, micros /= 10)
        end[-i] = (char)('0' + micros % 10);
    buf_add(&journal->line, (struct view){journal->time, TIME_TEXT - 1});
}

// Text of our own, without anything to escape. `member` is `,"name":"`.
static void add_plain(struct buf *line, struct view member, struct view text)
{
    buf_add(line, member);
    buf_add(line, text);
    buf_add_char(line, '"');
}

// Text that came from outside, cut. A client may call a tool by its key. `member` is `,"name":`.
static void add_foreign(struct buf *line, struct view member, struct view text)
{
    char room[LONGEST_TEXT + 1];
    if (!text.data)
        return;
    text = key_text_cut(text, LONGEST_TEXT);
    if (key_text_is_inside(text)) {
        memcpy(room, text.data, text.size);
        room[text.size] = '\0';
        key_text_redact(room);
        text = view_of(room);
    }
    buf_add(line, member);
    json_add_string(line, text);
}

static void add_number(struct buf *line, struct view member, int64_t number)
{
    char room[NUMBER_TEXT];
    buf_add(line, member);
    if (number < 0)
        buf_add_char(line, '-');
    buf_add(line, text_number(number < 0 ? -(uint64_t)number : (uint64_t)number, room));
}

void journal_call(struct journal *journal, const struct journal_call *call)
{
    struct buf *line = &journal->line;
    buf_clear(line);
    buf_add(line, VIEW("{\"time\":\""));
    add_time(journal);
    add_plain(line, VIEW("\",\"event\":\"call\",\"key\":\""), view_of(call->key_id));
    add_plain(line, VIEW(",\"project\":\""), view_of(call->project_id));
    add_foreign(line, VIEW(",\"session\":"), call->session);
    add_foreign(line, VIEW(",\"method\":"), call->method);
    add_foreign(line, VIEW(",\"server\":"), call->server);
    add_foreign(line, VIEW(",\"name\":"), call->name);
    add_plain(line, VIEW(",\"outcome\":\""), view_of(call->outcome));
    add_plain(line, VIEW(",\"stage\":\""), view_of(call->stage));
    if (call->code != 0)
        add_number(line, VIEW(",\"code\":"), call->code);
    add_number(line, VIEW(",\"total_us\":"), call->total);
    add_number(line, VIEW(",\"waited_us\":"), call->waited);
    add_number(line, VIEW(",\"bytes_in\":"), (int64_t)call->bytes_in);
    add_number(line, VIEW(",\"bytes_out\":"), (int64_t)call->bytes_out);
    buf_add(line, VIEW("}\n"));
    keep_line(journal);
}

// The bytes before the first of `ends`.
static size_t span_to(struct view text, const char *ends)
{
    size_t size = 0;
    while (size < text.size && !strchr(ends, text.data[size]))
        size++;
    return size;
}

static struct view uri_without_tokens(struct view uri)
{
    uri.size = span_to(uri, "?#");
    struct view rest = view_skip(uri, span_to(uri, "/"));
    if (!view_starts(rest, VIEW("//")))
        return uri; // it names no host, and no user there
    const size_t authority = 2 + span_to(view_skip(rest, 2), "/");
    if (memchr(rest.data, '@', authority))
        uri.size -= rest.size - 2;
    return uri;
}

struct view journal_name_of(const struct mcp_params *params, char room[JOURNAL_ROOM])
{
    const bool named = params->name.data != NULL;
    const struct view text = json_raw_text(named ? params->name : params->uri, room, JOURNAL_ROOM);
    if (!text.data)
        return text;
    return key_text_cut(named ? text : uri_without_tokens(text), JOURNAL_NAME);
}

void journal_event(struct journal *journal, const char *event, ...)
{
    struct json_out json;
    va_list pairs;
    begin_line(journal, &json, event);
    va_start(pairs, event);
    for (const char *name; (name = va_arg(pairs, const char *)) != NULL;)
        add_given(&json.out, name, view_of(va_arg(pairs, const char *)));
    va_end(pairs);
    end_line(journal, &json);
}
