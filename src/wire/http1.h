// http1.h: the framing of HTTP/1.1 (RFC 9112), for requests and for responses. Pure: bytes in,
// slices out.
//
// This is a security boundary, so there is one reading of every byte: lines end with CR LF; refused
// are bare CR or LF, obs-fold, a blank before the colon, a second Content-Length or one beside
// Transfer-Encoding, a length that is not digits, any Transfer-Encoding but `chunked`, in requests
// a missing or second Host, control characters, and HTTP versions but 1.0 and 1.1 (1.0 without
// chunks).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/view.h"

enum { HTTP_FIELDS = 64 };

struct http_field {
    struct view name, value; // the value without blanks around it
};

// A request's or a response's head. Slices of the bytes it was read from.
struct http_head {
    struct view method, target; // requests
    int status;                 // responses
    int minor;                  // HTTP/1.minor
    struct http_field fields[HTTP_FIELDS];
    size_t field_count;
    bool chunked;
    bool has_length;
    uint64_t length;
    bool keep_alive;      // by version and Connection
    bool expect_continue; // requests
};

enum http_step {
    HTTP_MORE, // not complete yet
    HTTP_DONE,
    HTTP_BAD,
};

// Reads the head that `bytes` begins with. HTTP_DONE: `*ret_size` bytes, with the empty line.
// HTTP_BAD:
// `*ret_reason` is static. The caller bounds the size (a head that is not complete at its limit).
MUST_CHECK enum http_step http_read_request(struct view bytes, struct http_head *ret_head,
                                            size_t *ret_size, const char **ret_reason);
MUST_CHECK enum http_step http_read_response(struct view bytes, struct http_head *ret_head,
                                             size_t *ret_size, const char **ret_reason);

// The field of this name (any case), NULL when there is none; `*ret_count` (may be NULL) tells how
// many.
const struct http_field *http_field(const struct http_head *head, const char *name,
                                    size_t *ret_count);

// The value of a field, {NULL, 0} when there is none.
struct view http_value(const struct http_head *head, const char *name);

// Whether a comma-separated field value lists this token, without regard to case, parameters
// ignored
// (`Accept: text/event-stream;q=0.9`).
bool http_lists(struct view value, const char *token);

// A chunked body, piece by piece (RFC 9112 section 7.1). Extensions are skipped, trailers are read
// and thrown away, both bounded. Zeroed is the start.
struct http_chunks {
    uint64_t left; // of the present chunk
    int state;
    unsigned line; // bytes of the present size line, extension or trailers
};

// Takes from `bytes`: `*ret_used` of them are dealt with, `*ret_data` is a slice of body bytes (may
// be empty). Call again with the rest while HTTP_MORE and something was used. HTTP_DONE: the body
// is complete.
MUST_CHECK enum http_step http_chunks_read(struct http_chunks *chunks, struct view bytes,
                                           size_t *ret_used, struct view *ret_data);

// Writing. Values come from us or were checked: a value with CR, LF or NUL marks the buf failed.
void http_add_status(struct buf *buf, int status); // `HTTP/1.1 200 OK` and the Date-less line end
void http_add_field(struct buf *buf, const char *name, struct view value);
void http_add_length(struct buf *buf, size_t length); // Content-Length
void http_add_end(struct buf *buf);                   // the empty line
void http_add_chunk_head(struct buf *buf,
                         size_t size); // hexadecimal size and CR LF; 0 ends the body
