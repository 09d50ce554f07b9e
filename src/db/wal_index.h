// wal_index.h: what SQLite's WAL-index says, the header of which all processes share in memory.
//
// SQLite's file format, section 2.1 of "WAL-mode File Format": the WAL-index begins with two copies
// of a header of 48 bytes; here are words of the first.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "db/place.h"

enum { WAL_INDEX_REGION = 32768 }; // bytes, of which the header is the beginning

// In each version, so that none is {0}: the index of an empty log is all zeros where we look. There
// are never so many frames.
#define VERSION_MARK (UINT32_C(1) << 31)

// See db_version. From any thread.
struct db_version wal_index_version(const uint32_t *header);

// Whether the log is as long as the index says. One that is shorter was cut, or put in the place of
// the one that somebody went by.
bool wal_index_fits(const uint32_t *header, const struct place *log);
