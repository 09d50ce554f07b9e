// fuzz_backup.c: whatever stands at the beginning of a file, reading it as a backup's header ends
// with a header that can be written and read again, or with one of its own errors.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "model/backup_header.h"

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct backup_manifest manifest, again;
    struct buf text;
    struct err err = {0};
    size_t header = 0, header_again = 0;
    if (!backup_header_read(view_bytes(data, size), &manifest, &header, &err)) {
        must(err.kind == ERR_INTEGRITY && err.message[0] && err.hint[0]);
        return 0;
    }
    must(header <= size && data[header - 1] == '\n');
    must(strlen(manifest.program) < sizeof manifest.program);
    buf_init(&text, BACKUP_HEADER);
    backup_header_write(&text, &manifest);
    must(!text.failed);
    must(backup_header_read(buf_view(&text), &again, &header_again, &err));
    must(header_again == text.size && again.created_at == manifest.created_at);
    must(again.size == manifest.size && strcmp(again.program, manifest.program) == 0);
    must(memcmp(again.digest, manifest.digest, sizeof again.digest) == 0);
    buf_done(&text);
    return 0;
}
