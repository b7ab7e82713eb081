// SPDX-License-Identifier: MIT
// Walking over JSON without making anything of it: what is kept is where
// things are. All of RFC 8259's grammar is checked; that strings are UTF-8 is
// not, as JSON.parse of bytes that were read as UTF-8 takes any.
//
//   threads    any.
//   errors     NULL or -1, and s->wrong, s->wrong_at say what and where.
#ifndef WEIR_PROGRAMS_DEPS_DOC_SCAN_H
#define WEIR_PROGRAMS_DEPS_DOC_SCAN_H

#include "programs/deps/types.h"

enum { WR_SCAN_LEVELS = 512 };

typedef struct wr_scan {
    const char *end;
    const char *wrong; // what
    const char *wrong_at;
    bool too_deep;
    // What has been met since somebody cleared it.
    bool escaped;   // a backslash
    bool not_plain; // perhaps what a strict parser refuses and JSON.parse does
                    // not: bytes that are no UTF-8, half a surrogate pair, a
                    // number that is too large for a double
} wr_scan;

void wr_scan_start(wr_scan *s, const char *json, size_t size);

// wr_scan_space goes to the next byte that is no white space, or to the end.
const char *wr_scan_space(const wr_scan *s, const char *p);
// wr_scan_value goes behind the value that begins at p; `level`: how many
// objects and arrays are around it.
const char *wr_scan_value(wr_scan *s, const char *p, unsigned level);
// wr_scan_end says whether nothing but white space follows.
bool wr_scan_end(wr_scan *s, const char *p);

// An object's members, one after the other: p goes behind its `{`, then after
// each value to behind that. wr_scan_member returns 1: a member, its key as it
// is written between the quotes (s->escaped says whether with backslashes),
// *p is at its value; 0: behind the `}`; -1.
typedef struct wr_scan_object {
    const char *p;
    wr_text key;
    bool begun;
} wr_scan_object;
int wr_scan_member(wr_scan *s, wr_scan_object *object);

// wr_scan_unescape writes what the text between two quotes means, at most
// raw.size bytes; returns how many. Half a surrogate pair becomes U+FFFD.
size_t wr_scan_unescape(char *out, wr_text raw);

// wr_scan_clean writes JSON that has been scanned so that a strict parser takes
// it and finds the same names, specs and truths: what is not UTF-8, NUL and
// half surrogate pairs become U+FFFD, large numbers 1. At most 3 size bytes.
size_t wr_scan_clean(char *out, const char *json, size_t size);

#endif
