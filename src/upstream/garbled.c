// garbled.c: lines of a child that were refused and may have been answers: invalid UTF-8, two
// members of one name, nested too deeply, cut short. No other answer will come, so the call fails
// now and not when its time is up.
//
// Which call that is can only be guessed, but a wrong guess harms nobody but this server's own
// callers: the ids of a link are its own, what fails is a call that is under way on it, and that
// one's answer, should it come yet, is one that nobody waits for. What does not look like an answer
// (a log in JSON, a request) fails nothing.
#include "base/json_walk.h"
#include "base/text.h"
#include "upstream/link.h"

enum { EDGE = 100 }; // bytes at either end of a line that are looked at for an id

static const struct view rpc = VIEW("\"jsonrpc\""), id = VIEW("\"id\""),
                         method = VIEW("\"method\"");

static bool holds(struct view text, struct view part)
{
    return memmem(text.data, text.size, part.data, part.size);
}

static bool is_bracket(char byte)
{
    return (byte | 0x20) == '{' || (byte | 0x20) == '}'; // or a square one
}

// Between the first two brackets of an object, and between the last two, stand only members of its
// own; what servers write there of an answer are `jsonrpc` and `id`. The rest may be long, and is
// not looked at.
static struct view head_of(struct view line)
{
    size_t size = 1;
    while (size < line.size && size < EDGE && !is_bracket(line.data[size]))
        size++;
    return (struct view){line.data, size};
}

static struct view tail_of(struct view line)
{
    size_t size = 1;
    if (line.data[line.size - 1] != '}') // it is cut
        return view_skip(line, line.size);
    while (size < line.size && size < EDGE && !is_bracket(line.data[line.size - 1 - size]))
        size++;
    return view_skip(line, line.size - size);
}

static struct view skip_blanks(struct view text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = view_skip(text, 1);
    return text;
}

// The call under way whose id stands there, with what ends a number after it. NULL: none.
static struct upcall *named_by(const struct link *link, struct view edge)
{
    const char *found = memmem(edge.data, edge.size, id.data, id.size);
    long long number;
    if (!found)
        return NULL;
    struct view raw = skip_blanks(view_skip(edge, (size_t)(found - edge.data) + id.size));
    if (!json_raw_is(raw, ':'))
        return NULL;
    raw = skip_blanks(view_skip(raw, 1));
    size_t size = text_before(raw, ",} \t");
    bool ended = size < raw.size;
    raw.size = size;
    return ended && json_raw_int(raw, &number) && number > 0
               ? numbers_find(&link->pending, (uint64_t)number)
               : NULL;
}

bool garbled_fails(struct link *link, struct view line)
{
    line = skip_blanks(line);
    if (!json_raw_is(line, '{'))
        return false;
    const struct view edges[] = {head_of(line), tail_of(line)};
    if (holds(edges[0], method) || holds(edges[1], method))
        return false;
    bool any = false;
    for (size_t i = 0; i < COUNT_OF(edges); i++) { // both, when two answers stand in one line
        struct view edge = edges[i], other = edges[1 - i];
        bool its_own = holds(edge, rpc) || (holds(other, rpc) && !holds(other, id));
        struct upcall *call = its_own ? named_by(link, edge) : NULL;
        if (call)
            upcall_fail(call, UPCALL_GARBLED, "the server's answer is not MCP", false);
        any = any || call;
    }
    return any;
}
