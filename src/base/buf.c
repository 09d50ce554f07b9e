// buf.c: see buf.h.
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static size_t round_to_pages(size_t size)
{
    return (size + 4095) & ~(size_t)4095;
}

static char *pages_new(size_t size)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    (void)madvise(pages, size, MADV_DONTDUMP);
    return (char *)pages;
}

static void memory_free(struct buf *buf)
{
    if (!buf->data)
        return;
    explicit_bzero(buf->data, buf->size);
    if (buf->secret)
        munmap(buf->data, round_to_pages(buf->capacity));
    else
        free(buf->data);
}

// The memory for `more` bytes behind those that are there, which the maximum allows.
static size_t next_capacity(const struct buf *buf, size_t more)
{
    size_t wanted = buf->size + more;
    size_t doubled = buf->capacity > buf->maximum / 2 ? buf->maximum : buf->capacity * 2;
    size_t capacity = wanted > doubled ? wanted : doubled;
    return buf->secret ? round_to_pages(capacity) : capacity < 64 ? 64 : capacity;
}

size_t buf_growth(const struct buf *buf, size_t more)
{
    if (buf->failed || more <= buf->capacity - buf->size || more > buf->maximum - buf->size)
        return 0;
    size_t capacity = next_capacity(buf, more);
    return (capacity < buf->maximum ? capacity : buf->maximum) - buf->capacity;
}

static bool buf_grow(struct buf *buf, size_t more)
{
    if (buf->failed)
        return false;
    if (more > buf->maximum - buf->size) {
        buf->failed = buf->full = true;
        return false;
    }
    size_t capacity = next_capacity(buf, more);
    char *data = buf->secret ? pages_new(capacity) : (char *)malloc(capacity);
    if (!data) {
        buf->failed = true;
        return false;
    }
    if (buf->size)
        memcpy(data, buf->data, buf->size);
    memory_free(buf);
    buf->data = data;
    buf->capacity = capacity < buf->maximum ? capacity : buf->maximum;
    return true;
}

// Room for `more` bytes, or false with `failed` set. Called for every few bytes of a long list.
static inline bool has_room(struct buf *buf, size_t more)
{
    bool fits = more <= buf->capacity - buf->size;
    return (fits && !buf->failed) || buf_grow(buf, more);
}

static inline void drain_if_full(struct buf *buf)
{
    if (buf->drain && !buf->held && buf->size >= BUF_DRAIN_AT && !buf_flush(buf))
        buf->failed = true;
}

void buf_init(struct buf *buf, size_t maximum)
{
    *buf = (struct buf){.maximum = maximum};
}

void buf_done(struct buf *buf)
{
    memory_free(buf);
    buf->data = NULL;
    buf->size = buf->capacity = 0;
    buf->failed = buf->full = false;
}

void buf_reserve(struct buf *buf, size_t more)
{
    (void)has_room(buf, more);
}

void buf_add_slowly(struct buf *buf, struct view bytes)
{
    if (bytes.size == 0 || !has_room(buf, bytes.size))
        return;
    memcpy(buf->data + buf->size, bytes.data, bytes.size);
    buf->size += bytes.size;
    drain_if_full(buf);
}

void buf_add_char(struct buf *buf, char byte)
{
    if (!has_room(buf, 1))
        return;
    buf->data[buf->size++] = byte;
}

void buf_add_blanks(struct buf *buf, size_t count)
{
    static const char blanks[] = "                                ";
    for (; count >= sizeof blanks; count -= sizeof blanks - 1)
        buf_add(buf, VIEW(blanks));
    buf_add(buf, (struct view){blanks, count});
}

void buf_add_format(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        buf->failed = true;
    else if (has_room(buf, (size_t)length + 1)) {
        (void)vsnprintf(buf->data + buf->size, (size_t)length + 1, format, again);
        buf->size += (size_t)length;
        drain_if_full(buf);
    }
    va_end(again);
}

void buf_clear(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->size);
    buf->size = 0;
    buf->failed = buf->full = false;
}

bool buf_flush(struct buf *buf)
{
    if (buf->failed)
        return false;
    if (buf->drain && buf->size && !buf->drain(buf->drain_context, buf_view(buf)))
        return false;
    buf_clear(buf);
    return true;
}
