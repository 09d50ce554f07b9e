// file_replace.h: for tests: a whole file in one call, by the draft that the program uses.
#pragma once

#include "base/file.h"

static inline bool file_replace(const char *path, struct view content, struct err *problem)
{
    struct file_draft draft;
    if (!file_draft_open(&draft, path, problem))
        return false;
    if (file_write_all(draft.descriptor, content))
        return file_draft_commit(&draft, problem);
    (void)file_error(problem, "write", path);
    file_draft_drop(&draft);
    return false;
}
