// wal_index.c: see wal_index.h.
#include "db/wal_index.h"

// Places in words, of what tells the states apart: the count of commits, the number of frames in
// the log, and the salts that are drawn anew whenever the log starts over. What a reader sees is
// decided by salts and frames alone (frames are only added).
enum { CHANGES = 2, FRAMES = 4, SALTS = 8 };
enum { PAGE = 7 }; // in halves of words: the size of a page, 1 for 65536

static uint32_t word(const uint32_t *header, size_t place)
{
    return __atomic_load_n(&header[place], __ATOMIC_ACQUIRE);
}

// Reads the first copy of the header, which a commit writes last: second copy, barrier, first copy,
// and only then does it return. So whoever comes after a commit reads all of its words.
//
// A reading while a commit is under way may be of old and new words. That is harmless. Such a mix
// is the version of no state, before or after, since the count of commits goes with the frames: it
// equals nothing, and the question is asked again. And an answer that is stamped with it is of the
// new state: once a word of the first copy is new the second copy is whole, and SQLite's readers
// compare the two and try again until they agree.
struct db_version wal_index_version(const uint32_t *header)
{
    return (struct db_version){{word(header, CHANGES), word(header, FRAMES) | VERSION_MARK,
                                word(header, SALTS), word(header, SALTS + 1)}};
}

// Between the two looks others may cut the log off: then there is another.
bool wal_index_fits(const uint32_t *header, const struct place *log)
{
    enum { HEADER = 32, FRAME_HEADER = 24, TRIES = 4 };
    const uint32_t page = ((const uint16_t *)(const void *)header)[PAGE];
    const int64_t frame = FRAME_HEADER + (page & ~UINT32_C(1)) + ((page & 1) << 16);
    bool fits = false;
    for (int tries = 0; tries < TRIES && !fits; tries++) {
        const int64_t frames = word(header, FRAMES);
        fits = frames == 0 || place_has(log, HEADER + frames * frame);
    }
    return fits;
}
