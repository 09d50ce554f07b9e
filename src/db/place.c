// place.c: see place.h.
#include "db/place.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

// No more descriptors than this are looked at: the kernel's own bound for a process (fs.nr_open).
enum { DESCRIPTORS_MAX = 1 << 20 };

bool place_init(struct place *place, const char *path, const char *suffix, struct err *err)
{
    const size_t size = strlen(path), more = strlen(suffix) + 1;
    *place = (struct place){.path = (char *)malloc(size + more)};
    if (!place->path)
        return err_memory(err);
    memcpy(place->path, path, size);
    memcpy(place->path + size, suffix, more);
    return true;
}

void place_done(struct place *place)
{
    free(place->path);
    *place = (struct place){0};
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

// The descriptors are somebody else's, and are only asked. The lowest free number is the one that
// is given out, so what was opened early is found early.
static bool is_open_here(const struct stat *wanted)
{
    struct rlimit limit;
    struct stat status;
    int most = DESCRIPTORS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < DESCRIPTORS_MAX)
        most = (int)limit.rlim_cur;
    for (int descriptor = 0; descriptor < most; descriptor++)
        if (fstat(descriptor, &status) == 0 && is_same(&status, wanted))
            return true;
    return false;
}

void place_note(struct place *place)
{
    struct stat status;
    place->inode = 0;
    if (stat(place->path, &status) != 0 || !is_open_here(&status))
        return;
    place->device = status.st_dev;
    place->inode = status.st_ino;
}

bool place_has(const struct place *place, int64_t size)
{
    struct stat status;
    return stat(place->path, &status) == 0 && status.st_size >= size;
}

bool place_holds(const struct place *place, int64_t size)
{
    struct stat status;
    // The number of a file that is open is not given to another.
    return place->inode != 0 && stat(place->path, &status) == 0 && status.st_dev == place->device &&
           status.st_ino == place->inode && status.st_size >= size;
}
