// fuzz_csv.c: the reader of CSV ends on any bytes, tells places that exist, and what it accepts
// comes back the same when it is written with quotes around every field and read again.
#include "fuzz.h"

#include <stdlib.h>

#include "base/csv.h"
#include "base/text.h"

enum { MEMORY = 64 << 20 };

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void write_row(struct buf *buf, const struct csv_row *row)
{
    for (size_t i = 0; i < row->count; i++) {
        buf_add(buf, i > 0 ? VIEW(",\"") : VIEW("\""));
        for (size_t j = 0; j < row->fields[i].size; j++) {
            if (row->fields[i].data[j] == '"')
                buf_add_char(buf, '"');
            buf_add_char(buf, row->fields[i].data[j]);
        }
        buf_add_char(buf, '"');
    }
    buf_add(buf, VIEW("\r\n"));
}

// Reads `text` and writes its rows to `buf`. Returns how many there were; the bad ones are not
// among them.
static size_t rewrite(struct view text, struct buf *buf)
{
    struct csv csv;
    struct csv_row row;
    struct csv_problem problem;
    enum csv_step step;
    size_t rows = 0, position = 0, line = 0, lines = 1;
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    csv_init(&csv, text);
    while ((step = csv_next(&csv, &row, &problem)) != CSV_END) {
        must(step != CSV_MEMORY && csv_position(&csv) > position);
        position = csv_position(&csv);
        if (step == CSV_BAD) {
            must(problem.line >= 1 && problem.line <= lines && problem.reason);
            must(problem.character >= 1 && problem.character <= text.size + 1);
            continue;
        }
        must(row.count >= 1 && row.count <= CSV_FIELDS && row.line > line && row.line <= lines);
        line = row.line;
        for (size_t i = 0; i < row.count; i++)
            must(row.fields[i].data != NULL);
        write_row(buf, &row);
        rows++;
    }
    csv_done(&csv);
    return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first, second;
    buf_init(&first, MEMORY);
    buf_init(&second, MEMORY);
    size_t rows = rewrite(view_bytes(data, size), &first);
    must(!first.failed);
    must(rewrite(buf_view(&first), &second) == rows);
    must(view_equal(buf_view(&first), buf_view(&second)));
    buf_done(&first);
    buf_done(&second);
    return 0;
}
