// link_stdio.c: a link over the pipes of a child: one message a line.
//
// What is no message on its standard output (servers print banners) is passed over; when it seems
// to have been an answer, its call fails. A line that is longer than an event may be ends the
// child. A child that does not read fails calls once link_room bytes wait in its pipe. One that
// asks and does not read the answers is not read either once LINK_ANSWERS bytes of them wait, but
// for a little in each tick: it may write all its questions before it reads, and would else stand
// still for ever. Whoever else calls it waits meanwhile, so at LINK_UNREAD it is replaced.
//
// A child is not read either while all who call it are clients that do not take what it says.
#include <sys/wait.h>

#include "base/text.h"
#include "os/child.h"
#include "upstream/link.h"
#include "vault/key_text.h"

enum {
    PATIENCE = 2000,    // milliseconds between the end of its input, SIGTERM and SIGKILL
    DESCRIPTORS = 4096, // of a child
    DETAIL = 64,
    LAST_WORDS = 5, // lines
    SECRET = 6,     // bytes: shorter ones are none
};

// The largest file that a child may write: above what package runners and models on disk need,
// below what fills a disk while nobody looks.
#define FILE_SIZE ((uint64_t)64 << 30)

// A message is one line, whatever line ends a client put between its tokens: else what stands after
// one would be read as a message of its own, one that nobody has let through. In checked JSON line
// ends are only ever blanks.
static bool writes(struct link *link, struct view message)
{
    struct buf flat AUTO(buf_done);
    buf_init(&flat, message.size);
    if (text_has_line_end(&message, 1)) {
        text_add_on_one_line(&flat, message);
        if (flat.failed)
            return false;
        message = buf_view(&flat);
    }
    const struct view pieces[] = {message, VIEW("\n")};
    return child_queued(link->child) + message.size <= link_room(link) &&
           child_write(link->child, pieces, COUNT_OF(pieces));
}

// --- what comes ------------------------------------------------------------------------------
// A line. False when the conversation is over after it.
static bool take_line(struct link *link, struct view line)
{
    uint64_t number = link->number;
    while (line.size > 0 && strchr(" \t\r", line.data[line.size - 1]))
        line.size--;
    bool message = line.size == 0 || link_message(link, NULL, line);
    bool goes_on = link->number == number && link->child && link->state != LINK_GONE;
    if (!message && goes_on && garbled_fails(link, line)) {
        upstreams_log(link->upstream, "garbled", "an answer that is not MCP");
    } else if (!message && !link->banner) {
        link->banner = true;
        upstreams_log(link->upstream, "garbage", "its standard output has more than messages");
    }
    return goes_on;
}

static bool too_long(struct link *link)
{
    if (!link->line.failed)
        return false;
    link_fail(link, link->line.full ? UPCALL_LARGE : UPCALL_MEMORY,
              link->line.full ? "the server sent a message that is too large"
                              : "the gateway is short of memory");
    return true;
}

static void take(struct link *link, struct view bytes)
{
    while (bytes.size > 0) {
        const char *end = memchr(bytes.data, '\n', bytes.size);
        struct view part = {bytes.data, end ? (size_t)(end - bytes.data) : bytes.size};
        bytes = view_skip(bytes, part.size + (end ? 1 : 0));
        if (!end || link->line.size > 0) {
            buf_add(&link->line, part);
            if (too_long(link))
                return;
        }
        if (!end)
            return;
        if (link->line.size == 0) {
            if (!take_line(link, part))
                return;
            continue;
        }
        struct buf line = link->line; // events may end the link
        buf_init(&link->line, line.maximum);
        bool goes_on = take_line(link, buf_view(&line));
        buf_done(&line);
        if (!goes_on)
            return;
    }
}

static void on_output(void *context, struct view bytes)
{
    struct link *link = context;
    upstreams_enter(link->all);
    link->missed = 0;
    if (link->state != LINK_GONE)
        take(link, bytes);
    upstreams_leave(link->all);
}

// --- its last words ----------------------------------------------------------------------------
static bool has(struct view text, struct view part)
{
    return part.size >= SECRET && memmem(text.data, text.size, part.data, part.size);
}

// A value of its environment, or a piece of one.
static bool is_secret(const struct link *link, struct view line)
{
    const char *const *entry = link->upstream->spec->environment;
    for (; entry && *entry; entry++) {
        struct view value = view_of(*entry + strcspn(*entry, "="));
        bool known = view_starts(view_of(*entry), VIEW("HOME=")) ||
                     view_starts(view_of(*entry), VIEW("PATH="));
        if (known)
            continue;
        if (has(line, view_skip(value, 1)) || has(value, line))
            return true;
    }
    return false;
}

static void tell_line(struct link *link, struct view line)
{
    char detail[256];
    struct view shown = key_text_cut(line, sizeof(detail) - 1);
    if (is_secret(link, line))
        shown = VIEW("(a line that has a value of its environment)");
    memcpy(detail, shown.data, shown.size);
    detail[shown.size] = '\0';
    key_text_redact(detail);
    link_log(link, "said", detail);
}

// Why it ended before it was ready is on its standard error, if anywhere: in the lines that are not
// indented, as those of a trace are. Later it may say what clients have told it, so nothing is
// taken from there.
static void tell_last_words(struct link *link)
{
    struct view said = child_complaints(link->child), lines[LAST_WORDS];
    size_t count = 0;
    while (said.size > 0 && count < LAST_WORDS) {
        const char *end = memrchr(said.data, '\n', said.size);
        struct view line = end ? view_skip(said, (size_t)(end + 1 - said.data)) : said;
        said.size = end ? (size_t)(end - said.data) : 0;
        if (line.size > 0 && !strchr(" \t\r}", line.data[0]))
            lines[count++] = line;
    }
    while (count > 0)
        tell_line(link, lines[--count]);
}

static void tell_exit(struct link *link, int status, const char *reason)
{
    char detail[DETAIL];
    if (reason)
        snprintf(detail, sizeof(detail), "%s", reason);
    else if (WIFSIGNALED(status))
        snprintf(detail, sizeof(detail), "by signal %d", WTERMSIG(status));
    else
        snprintf(detail, sizeof(detail), "with status %d", WEXITSTATUS(status));
    link_log(link, "exited", detail);
}

static void on_exited(void *context, int status, const char *reason)
{
    struct link *link = context;
    struct upstreams *all = link->all;
    upstreams_enter(all);
    if (link->state == LINK_STARTING && link->child)
        tell_last_words(link);
    tell_exit(link, status, reason);
    if (link->state == LINK_GONE)
        link_finished(link);
    else if (reason)
        link_fail(link, UPCALL_UNREACHABLE, link_could_not_start);
    else if (!handshake_child_exited(link))
        link_fail(link, UPCALL_DIED, "the server ended before it answered");
    upstreams_leave(all);
}

// --- whether it is read ------------------------------------------------------------------------
static void read_if(struct link *link, bool crowded, bool stalled)
{
    bool held = crowded || stalled, was_held = link->crowded || link->stalled;
    link->crowded = crowded;
    link->stalled = stalled;
    if (held != was_held)
        child_hold(link->child, held);
}

// Whether all its calls are held, and it has said something for one of them. Our own listen waits
// for nothing in particular.
static bool is_in_vain(const struct link *link)
{
    bool said = false;
    for (struct node *at = link->flight.next; at != &link->flight; at = at->next) {
        const struct upcall *call = OUTER(at, struct upcall, node);
        if (!call->held && call != link->watch)
            return false;
        said = said || call->backlog.messages.size > 0;
    }
    return said && link->state == LINK_READY;
}

void stdio_flow(struct link *link)
{
    bool stalled = link->child && link->ops == &link_stdio && is_in_vain(link);
    if (stalled == link->stalled)
        return;
    read_if(link, link->crowded, stalled);
    if (link->hung_up_at != 0) // what is in its pipe comes first
        link->hung_up_at = loop_clock();
}

// --- a child that asks faster than it reads ----------------------------------------------------
static void crowd(struct link *link, bool crowded)
{
    read_if(link, crowded, link->stalled);
}

static void count_answer(struct link *link, size_t size)
{
    link->answers = child_queued(link->child) > 0 ? link->answers + size : 0;
    if (link->answers > LINK_ANSWERS)
        crowd(link, true);
    link->unread = link->answers > LINK_UNREAD && child_queued(link->child) > LINK_UNREAD;
}

static void on_drained(void *context)
{
    struct link *link = context;
    link->answers = 0;
    link->unread = false;
    if (link->child)
        crowd(link, false);
}

// What it is sent is lost, or what it has to say. It is probably about to end.
static void on_hung_up(void *context)
{
    struct link *link = context;
    if (link->hung_up_at == 0)
        link->hung_up_at = loop_clock();
}

static const struct child_events events = {
    .output = on_output, .drained = on_drained, .hung_up = on_hung_up, .exited = on_exited};

// --- the operations --------------------------------------------------------------------------
static bool open_link(struct link *link)
{
    const struct server_spec *spec = link->upstream->spec;
    struct child_order order = {.holder = link->all->order.settings->holder,
                                .command = spec->command,
                                .arguments = spec->arguments,
                                .environment = spec->environment,
                                .file_size = FILE_SIZE,
                                .descriptors = DESCRIPTORS};
    struct err err = {0};
    if (!order.holder || !order.command ||
        !child_start(link->all->order.loop, &order, &events, link, &link->child, &err))
        return false;
    link_log(link, "started", spec->command);
    return true;
}

static bool send_call(struct link *link, struct upcall *call, const struct upcall_order *order)
{
    (void)call;
    (void)order;
    stdio_flow(link); // somebody waits for its answer
    return link->child && writes(link, buf_view(&link->all->body));
}

static void relax(struct link *link)
{
    if (link->child)
        crowd(link, false);
}

static void post(struct link *link, struct view message, bool spare,
                 void (*after)(struct link *link))
{
    if (link->child && !writes(link, message))
        upstreams_log(link->upstream, "lost", "a message that it did not read");
    else if (link->child && spare)
        count_answer(link, message.size);
    if (after)
        after(link);
}

static void abandon(struct link *link, struct upcall *call, bool answered)
{
    (void)link;
    (void)call;
    (void)answered;
}

// A pipe is shared, so what comes for a held call is put aside (backlog.c).
static void hold(struct upcall *call, bool held)
{
    (void)held;
    stdio_flow(call->link);
}

static void now_ready(struct link *link)
{
    (void)link;
}

static void close_link(struct link *link)
{
    child_free(&link->child);
    link->crowded = link->stalled = link->unread = false;
    link->answers = 0;
    buf_done(&link->line);
}

static bool finish(struct link *link)
{
    if (!link->child)
        return false;
    read_if(link, false, false); // it cannot end with a full pipe
    child_stop(link->child, PATIENCE);
    return true;
}

static void hurry(struct link *link)
{
    if (link->child)
        child_hurry(link->child, PATIENCE);
}

const struct link_ops link_stdio = {.open = open_link,
                                    .send = send_call,
                                    .post = post,
                                    .abandon = abandon,
                                    .hold = hold,
                                    .relax = relax,
                                    .ready = now_ready,
                                    .close = close_link,
                                    .finish = finish,
                                    .hurry = hurry};
