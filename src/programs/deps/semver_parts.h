// SPDX-License-Identifier: MIT
// What the files semver*.c have in common.
#ifndef WEIR_PROGRAMS_DEPS_SEMVER_PARTS_H
#define WEIR_PROGRAMS_DEPS_SEMVER_PARTS_H

#include "programs/deps/semver.h"

// ---- semver_match.c: the shapes of versions --------------------------------

enum {
    WR_SEMVER_LENGTH_MAX = 256, // npm's, in units of UTF-16
    WR_SEMVER_DIGITS_MAX = 256, // in a number
    WR_SEMVER_ID_MAX = 250,     // of an identifier, after its first letter
};
#define WR_SEMVER_NUMBER_MAX ((uint64_t)9007199254740991) // 2^53 - 1

// JavaScript's white space: wr_space_at gives its length in bytes, 0: none.
size_t wr_space_at(const char *text, size_t size);
wr_text wr_trimmed(wr_text text);
// How long JavaScript thinks it is.
size_t wr_utf16_length(const char *text, size_t size);

// A version as it is written, perhaps with `x` or missing parts.
typedef struct wr_shape {
    wr_text number[3]; // size 0: missing
    wr_text pre;       // size 0: none
} wr_shape;

// wr_shape_match: the whole text has that shape. partial: `1`, `1.x` too.
bool wr_shape_match(wr_shape *out, wr_text text, bool loose, bool partial);
// wr_shape_skip: how far a version goes that begins with a digit, x, X or `*`,
// as npm's pattern for space behind operators sees it.
size_t wr_shape_skip(const char *text, size_t size);
static inline bool wr_is_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool wr_is_x(wr_text id) {
    return id.size == 0 || id.at[0] == 'x' || id.at[0] == 'X' ||
           id.at[0] == '*';
}

// ---- semver.c --------------------------------------------------------------

// wr_number_read: false above 2^53 - 1.
bool wr_number_read(uint64_t *out, wr_text digits);
double wr_number_rounded(wr_text digits); // as JavaScript reads it
bool wr_semver_same(const wr_semver *a, const wr_semver *b); // written the same

// ---- semver_text.c: what npm does to a range before it looks at it ---------

// Spaces become one, none at the ends; returns the new size. out may be text.
size_t wr_range_squeeze(char *out, const char *text, size_t size);
// In place; each returns the new size.
size_t wr_range_strip_builds(char *text, size_t size);
size_t wr_range_trim_operators(char *text, size_t size);

// wr_range_hyphen writes what `1.2 - 2.3` means to out, which has room for
// WR_HYPHEN_ROOM bytes more than the text has; 0: that it is not.
// *differs: with prereleases it is something else.
enum { WR_HYPHEN_ROOM = 80 };
size_t wr_range_hyphen(char *out, wr_text text, bool loose, bool prereleases,
                       bool *differs);

// wr_number_write: a number of 10^21 or more, as JavaScript writes it.
enum { WR_NUMBER_ROOM = 32 };
void wr_number_write(char out[WR_NUMBER_ROOM], double value);

// ---- semver_range.c --------------------------------------------------------

typedef enum wr_semver_op {
    WR_SEMVER_ANY,
    WR_SEMVER_EQ,
    WR_SEMVER_LT,
    WR_SEMVER_LE,
    WR_SEMVER_GT,
    WR_SEMVER_GE,
} wr_semver_op;

typedef struct wr_comparator {
    wr_semver version;
    uint8_t op;
    bool last; // of its set: all in a set must hold, of one set
} wr_comparator;

typedef struct wr_comparators {
    const wr_comparator *at;
    size_t count;
} wr_comparators;

struct wr_range {
    wr_comparators plain, prereleases; // may be the same
    wr_comparator comparator[];        // and texts behind them
};

// ---- semver_test.c ---------------------------------------------------------

bool wr_comparators_have(const wr_comparators *all, const wr_semver *version,
                         bool prereleases);

#endif
