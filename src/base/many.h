// many.h: eight or sixteen bytes at a time, for those who look through text for the few bytes that
// need a second look. Nothing here reads beyond what it is given.
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// --- eight, in a word ------------------------------------------------------------------------
// One byte in all places of a word.
#define WORD_OF(byte) (UINT64_C(0x0101010101010101) * (byte))
#define WORD_HIGH_BITS WORD_OF(UINT64_C(0x80))

// Eight bytes as a word whose lowest byte is the first one.
static inline uint64_t word_load(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

// In the questions below, the lowest bit that is set is the high bit of the first such byte; what
// is above it means nothing, except that 0 says there is none.
static inline uint64_t word_has(uint64_t word, unsigned char byte)
{
    uint64_t zero_there = word ^ WORD_OF((uint64_t)byte);
    return (zero_there - WORD_OF(1)) & ~zero_there & WORD_HIGH_BITS;
}

// Control characters of ASCII: below a blank, and DEL.
static inline uint64_t word_has_control(uint64_t word)
{
    return ((word - WORD_OF(0x20)) & ~word & WORD_HIGH_BITS) | word_has(word, 0x7f);
}

static inline size_t word_first(uint64_t found)
{
    return (size_t)__builtin_ctzll(found) / 8;
}

// The same with the capital letters of ASCII made small.
static inline uint64_t word_small(uint64_t word)
{
    uint64_t seven = word & ~WORD_HIGH_BITS;
    uint64_t from_a = seven + WORD_OF(0x80 - 'A'), above_z = seven + WORD_OF(0x7f - 'Z');
    return word | (((from_a ^ above_z) & ~word & WORD_HIGH_BITS) >> 2);
}

// --- sixteen, in a vector ----------------------------------------------------------------------
typedef signed char many __attribute__((vector_size(16)));

static inline many many_load(const char *at)
{
    many bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

// Where the first byte is that is not 0 in what a comparison gave; 16 when there is none.
static inline size_t many_first(many found)
{
    uint64_t halves[2];
    memcpy(halves, &found, sizeof halves);
    if (halves[0])
        return (size_t)__builtin_ctzll(le64toh(halves[0])) / 8;
    return halves[1] ? 8 + (size_t)__builtin_ctzll(le64toh(halves[1])) / 8 : 16;
}
