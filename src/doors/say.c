// say.c: see say.h.
#include "doors/say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_out.h"
#include "base/text.h"
#include "model/rules.h"

static void write_json(struct buf *buf, const struct err *err)
{
    struct json_out json;
    json_out_init(&json, buf, JSON_COMPACT);
    out_begin(&json.out, '{');
    field_begin(&json.out, "error", '{');
    field_string(&json.out, "code", err->code);
    field_string(&json.out, "message", err->message);
    if (err->hint[0])
        field_string(&json.out, "hint", err->hint);
    out_end(&json.out, '}');
    out_end(&json.out, '}');
    buf_add_char(buf, '\n');
}

// Adds the text with everything masked that is no UTF-8 or could steer a terminal.
static void add_harmless(struct buf *buf, const char *text, size_t size)
{
    struct view rest = {text, size};
    while (rest.size > 0) {
        size_t length = utf8_length(rest);
        struct view character = {rest.data, length > 0 ? length : 1};
        buf_add(buf, text_is_printable(character) ? character : VIEW("?"));
        rest = view_skip(rest, character.size);
    }
    buf_add_char(buf, '\n');
}

static void write_plain(struct buf *buf, const struct err *err)
{
    bool colours = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
    buf_add(buf, colours ? VIEW("\033[1;31merror:\033[0m ") : VIEW("error: "));
    add_harmless(buf, err->message, strlen(err->message));
    for (const char *line = err->hint; *line;) {
        size_t size = strcspn(line, "\n");
        buf_add(buf, VIEW("hint: "));
        add_harmless(buf, line, size);
        line += size + (line[size] == '\n');
    }
}

void say_error(struct err *err, bool as_json)
{
    struct buf buf AUTO(buf_done);
    rule_redact_api_keys(err->message);
    rule_redact_api_keys(err->hint);
    buf_init(&buf, 64 * 1024);
    if (as_json)
        write_json(&buf, err);
    else
        write_plain(&buf, err);
    // Where memory is out, the sentence alone must do; where standard error fails, nothing can.
    struct view text = buf.failed ? VIEW("error: out of memory\n") : buf_view(&buf);
    bool said = file_write_all(STDERR_FILENO, text);
    (void)said;
}
