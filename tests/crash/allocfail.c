/*
 * allocfail: a preloaded library under which one chosen allocation of a program fails.
 *
 * Why: the branch after "out of memory" is the one nobody has ever seen run. Numbering the
 * allocations of a command and failing them one by one runs every such branch once.
 *
 *   cc -shared -fPIC -o allocfail.so allocfail.c
 *   ALLOCFAIL_AT=7 ALLOCFAIL_COUNT=FILE LD_PRELOAD=./allocfail.so CMD ARGS
 *
 * ALLOCFAIL_AT     the allocation that fails with ENOMEM, counted from 1; without it none does
 * ALLOCFAIL_STICKY when set, all after it fail too (memory that stays full)
 * ALLOCFAIL_COUNT  a file that always holds the number of allocations made so far, in decimal
 *
 * Counted are malloc, calloc, realloc, the aligned ones and anonymous or shared mmap, made by the
 * program, by libraries linked into it and by libc itself, from the moment this library is ready.
 * Not counted: what the dynamic loader takes before that, and what the kernel allocates. One thread
 * only.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc's own names for what we wrap; dlsym would itself allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

enum { FIRST_FD = 900 };

static bool ready;
static bool sticky;
static unsigned long point;
static unsigned long seen;
static int count_fd = -1;

__attribute__((constructor)) static void allocfail_begin(void)
{
    const char *at = getenv("ALLOCFAIL_AT"), *path = getenv("ALLOCFAIL_COUNT");
    point = at ? strtoul(at, NULL, 10) : 0;
    sticky = getenv("ALLOCFAIL_STICKY") != NULL;
    if (path) {
        int low = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        count_fd = fcntl(low, F_DUPFD_CLOEXEC, FIRST_FD); /* out of the way of the program's own */
        close(low);
    }
    unsetenv("LD_PRELOAD"); /* children are none of our business */
    ready = true;
}

/* Written at each allocation, because the program may end by _exit or a signal. */
static void count_show(void)
{
    char text[24];
    size_t at = sizeof text;
    text[--at] = '\n';
    for (unsigned long rest = seen; rest; rest /= 10)
        text[--at] = (char)('0' + rest % 10);
    if (count_fd >= 0 && pwrite(count_fd, text + at, sizeof text - at, 0) < 0)
        count_fd = -1;
}

/* True when this allocation is one to fail. */
static bool fails_now(void)
{
    if (!ready)
        return false;
    int saved = errno;
    seen++;
    count_show();
    bool now = point && (seen == point || (sticky && seen > point));
    errno = now ? ENOMEM : saved;
    return now;
}

void *malloc(size_t size)
{
    return fails_now() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return fails_now() ? NULL : __libc_realloc(block, size);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t total;
    if (fails_now() || __builtin_mul_overflow(count, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(block, total);
}

void *memalign(size_t alignment, size_t size)
{
    return fails_now() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
    void *block = memalign(alignment, size);
    if (!block)
        return ENOMEM;
    *ret_block = block;
    return 0;
}

void *mmap(void *where, size_t length, int protection, int flags, int fd, off_t offset)
{
    bool memory = (flags & MAP_ANONYMOUS) || (flags & MAP_SHARED);
    if (memory && fails_now())
        return MAP_FAILED;
    long result = syscall(SYS_mmap, where, length, protection, flags, fd, offset);
    return (void *)result; // NOLINT: the kernel answers with an address
}
