// http1_chunks.c: reading chunked bodies; see http1.h.
#include "wire/http1.h"

#include "base/limits.h"
#include "base/text.h"
#include "wire/http1_bytes.h"

enum {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, // at the beginning of a line
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    ENDED,
    BROKEN,
};

// No chunk is larger; the sum of a few still fits 64 bits.
static const uint64_t maximum = UINT64_C(1) << 60;

static int after_size_byte(struct http_chunks *chunks, char byte)
{
    int digit = hex_digit(byte);
    if (digit < 0 && chunks->line == 1)
        return BROKEN;
    if (digit < 0)
        return byte == ';' ? EXTENSION : byte == '\r' ? SIZE_LF : BROKEN;
    if (chunks->left > (maximum - (uint64_t)digit) / 16)
        return BROKEN;
    chunks->left = chunks->left * 16 + (uint64_t)digit;
    return SIZE;
}

// Long extensions of tiny chunks would make us read thousands of bytes for each of the body.
static int after_size_line(struct http_chunks *chunks)
{
    enum { USUAL = 16 }; // bytes of a size line without extension
    uint64_t usual = chunks->left < LIMIT_CHUNK_EXCESS ? USUAL + 2 * chunks->left : UINT64_MAX;
    chunks->excess += chunks->line;
    chunks->excess = chunks->excess > usual ? chunks->excess - (unsigned)usual : 0;
    chunks->line = 0;
    if (chunks->excess > LIMIT_CHUNK_EXCESS)
        return BROKEN;
    return chunks->left > 0 ? DATA : TRAILER;
}

static int after_trailer_byte(int state, char byte)
{
    switch (state) {
    case TRAILER:
        return byte == '\r' ? END_LF : http_byte_is(byte, HTTP_TOKEN) ? TRAILER_NAME : BROKEN;
    case TRAILER_NAME:
        return byte == ':' ? TRAILER_VALUE : http_byte_is(byte, HTTP_TOKEN) ? state : BROKEN;
    case TRAILER_VALUE:
        return byte == '\r' ? TRAILER_LF : http_byte_is(byte, HTTP_TEXT) ? state : BROKEN;
    case TRAILER_LF:
        return byte == '\n' ? TRAILER : BROKEN;
    case END_LF:
        return byte == '\n' ? ENDED : BROKEN;
    default:
        return BROKEN;
    }
}

// The state behind this byte, which is none of the data.
static int after(struct http_chunks *chunks, char byte)
{
    if (++chunks->line > LIMIT_CHUNK_LINE)
        return BROKEN;
    switch (chunks->state) {
    case SIZE:
        return after_size_byte(chunks, byte);
    case EXTENSION:
        return byte == '\r' ? SIZE_LF : http_byte_is(byte, HTTP_TEXT) ? EXTENSION : BROKEN;
    case SIZE_LF:
        return byte == '\n' ? after_size_line(chunks) : BROKEN;
    case DATA_CR:
        return byte == '\r' ? DATA_LF : BROKEN;
    case DATA_LF:
        chunks->line = 0;
        return byte == '\n' ? SIZE : BROKEN;
    default:
        return after_trailer_byte(chunks->state, byte);
    }
}

static struct view take_data(struct http_chunks *chunks, struct view bytes)
{
    if (bytes.size > chunks->left)
        bytes.size = (size_t)chunks->left;
    chunks->left -= bytes.size;
    if (chunks->left == 0)
        chunks->state = DATA_CR;
    return bytes;
}

enum http_step http_chunks_read(struct http_chunks *chunks, struct view bytes, size_t *ret_used,
                                struct view *ret_data)
{
    size_t used = 0;
    struct view data = {NULL, 0};
    while (used < bytes.size && chunks->state < ENDED && data.size == 0) {
        if (chunks->state == DATA) {
            data = take_data(chunks, view_skip(bytes, used));
            used += data.size;
        } else {
            chunks->state = after(chunks, bytes.data[used++]);
        }
    }
    *ret_used = used;
    *ret_data = data;
    return chunks->state == ENDED ? HTTP_DONE : chunks->state == BROKEN ? HTTP_BAD : HTTP_MORE;
}
