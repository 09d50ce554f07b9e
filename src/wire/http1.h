// http1.h: the framing of HTTP/1.1 (RFC 9112), for requests and for responses. Pure: bytes in,
// slices out.
//
// This is a security boundary, so there is one reading of every byte: lines end with CR LF; refused
// are bare CR or LF, obs-fold, a blank before the colon, a second Content-Length or one beside
// Transfer-Encoding, a length that is not digits, any Transfer-Encoding but `chunked`, in requests
// a missing or second Host or one that cannot be a host, control characters, and HTTP versions but
// 1.0 and 1.1 (1.0 without chunks). Bytes from 0x80 may stand in values and in reason phrases only.
//
// Where the RFC allows a choice: one empty line before a request is skipped; a status line may end
// behind the status; names of codings are read in any case; a blank behind a chunk's size is
// refused.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/view.h"

enum { HTTP_FIELDS = 64 };

struct http_field {
    struct view name, value; // the value without blanks around it
};

// A request's or a response's head. Slices of the bytes it was read from.
struct http_head {
    struct view method, target; // requests; the target's form is for the caller to judge
    int status;                 // responses: 100 to 599
    int minor;                  // HTTP/1.minor
    struct http_field fields[HTTP_FIELDS];
    size_t field_count;
    bool chunked;
    bool has_length; // never together with `chunked`
    uint64_t length;
    bool keep_alive;      // by version and Connection
    bool expect_continue; // requests of HTTP/1.1
};

enum http_step {
    HTTP_MORE, // not complete yet
    HTTP_DONE,
    HTTP_BAD,
};

// The reason of HTTP_BAD, known by its address, when there are more than HTTP_FIELDS: 431.
extern const char http_too_many_fields[];

// Reads the head that `bytes` begins with. HTTP_DONE: `*ret_size` bytes, with the empty line.
// HTTP_BAD, as soon as it is sure: `*ret_reason` is static. The caller bounds the size (a head that
// is not complete at its limit). `*ret_head` means nothing unless it is HTTP_DONE. What a body is
// when the status is 1xx, 204 or 304, or when neither `chunked` nor `has_length`, is the caller's.
MUST_CHECK enum http_step http_read_request(struct view bytes, struct http_head *ret_head,
                                            size_t *ret_size, const char **ret_reason);
MUST_CHECK enum http_step http_read_response(struct view bytes, struct http_head *ret_head,
                                             size_t *ret_size, const char **ret_reason);

// The first field of this name (any case), NULL when there is none; `*ret_count` (may be NULL)
// tells how many.
const struct http_field *http_field(const struct http_head *head, struct view name,
                                    size_t *ret_count);

// The value of a field, {NULL, 0} when there is none.
static inline struct view http_value(const struct http_head *head, const char *name)
{
    const struct http_field *field = http_field(head, view_of(name), NULL);
    return field ? field->value : (struct view){NULL, 0};
}

// Whether these are the same but for the case of ASCII letters.
static inline bool http_same(struct view value, const char *text)
{
    return text_same(value, view_of(text));
}

// Whether a comma-separated field value lists this token, without regard to case, parameters
// ignored (`Accept: text/event-stream;q=0.9`).
bool http_lists_token(struct view value, struct view token);
static inline bool http_lists(struct view value, const char *token)
{
    return http_lists_token(value, view_of(token));
}

// A chunked body, piece by piece (RFC 9112 section 7.1). Extensions are skipped, trailers are read
// and thrown away, both bounded. Zeroed is the start.
struct http_chunks {
    uint64_t left; // of the present chunk
    int state;
    unsigned line;   // bytes of the present size line with its extension, or of all trailers
    unsigned excess; // bytes of size lines beyond what bodies have with chunks of useful sizes
};

// Takes from `bytes`: `*ret_used` of them are dealt with, `*ret_data` is a slice of body bytes (may
// be empty). Call again with the rest while HTTP_MORE and something was used. HTTP_DONE: the body
// is complete, `*ret_data` is empty, and what was not used is behind it. HTTP_DONE and HTTP_BAD
// stay.
MUST_CHECK enum http_step http_chunks_read(struct http_chunks *chunks, struct view bytes,
                                           size_t *ret_used, struct view *ret_data);

// Writing. What could not be read back as it was marks the buf failed: a method or name that is no
// token, a target with blanks, a value with CR, LF, NUL or other control characters.
void http_add_request(struct buf *buf, const char *method, struct view target);
void http_add_status(struct buf *buf, int status); // `HTTP/1.1 200 OK` and the line end; no Date
void http_add_field(struct buf *buf, const char *name, struct view value);
void http_add_length(struct buf *buf, size_t length); // Content-Length
void http_add_end(struct buf *buf);                   // the empty line

// A chunk's size line; `size` bytes and CR LF have to follow. 0 ends the body, nothing follows.
void http_add_chunk_head(struct buf *buf, size_t size);

// A whole chunk; nothing when there is no data.
void http_add_chunk(struct buf *buf, struct view data);
