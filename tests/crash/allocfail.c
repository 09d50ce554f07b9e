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
 * ALLOCFAIL_ONE_IN N: one of N fails, at random but always the same ones, while there is a file
 * ALLOCFAIL_WHILE  of this name (looked for every so many allocations)
 * ALLOCFAIL_COUNT  a file that always holds the number of allocations made so far, in decimal
 *
 * Counted are malloc, calloc, realloc, the aligned ones and anonymous or shared mmap, made by the
 * program, by libraries linked into it and by libc itself, from the moment this library is ready.
 * Not counted: what the dynamic loader takes before that, and what the kernel allocates.
 * ALLOCFAIL_AT and ALLOCFAIL_COUNT are for programs of one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
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

enum { FIRST_FD = 900, LOOK_EVERY = 256 };

static bool ready;
static bool sticky;
static unsigned long point, one_in;
static const char *while_file;
static atomic_ulong seen;
static atomic_bool failing; /* as of the last look for the file */
static int count_fd = -1;

__attribute__((constructor)) static void allocfail_begin(void)
{
    const char *at = getenv("ALLOCFAIL_AT"), *path = getenv("ALLOCFAIL_COUNT");
    const char *rate = getenv("ALLOCFAIL_ONE_IN");
    point = at ? strtoul(at, NULL, 10) : 0;
    one_in = rate ? strtoul(rate, NULL, 10) : 0;
    while_file = getenv("ALLOCFAIL_WHILE");
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
static void count_show(unsigned long count)
{
    char text[24];
    size_t at = sizeof text;
    text[--at] = '\n';
    for (unsigned long rest = count; rest; rest /= 10)
        text[--at] = (char)('0' + rest % 10);
    if (pwrite(count_fd, text + at, sizeof text - at, 0) < 0)
        count_fd = -1;
}

/* Whether the allocation of this number is one of the random ones. */
static bool is_drawn(unsigned long number)
{
    uint64_t mixed = number * 0x9e3779b97f4a7c15u;
    if (number % LOOK_EVERY == 0)
        atomic_store(&failing, while_file && access(while_file, F_OK) == 0);
    mixed = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9u;
    return atomic_load(&failing) && (mixed ^ mixed >> 32) % one_in == 0;
}

/* True when this allocation is one to fail. */
static bool fails_now(void)
{
    if (!ready)
        return false;
    int saved = errno;
    unsigned long number = atomic_fetch_add(&seen, 1) + 1;
    if (count_fd >= 0)
        count_show(number);
    bool now =
        (point && (number == point || (sticky && number > point))) || (one_in && is_drawn(number));
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
