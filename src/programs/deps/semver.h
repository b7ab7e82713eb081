// SPDX-License-Identifier: MIT
// Versions and ranges, as npm's semver 7 has them with `loose: true`.
//
// Source: semver.org 2.0.0 for precedence; npm's documentation of ranges (the
// page "semver", sections Ranges and Prerelease Tags). What neither says is
// compared with the installed module by differential fuzzing.
//
//   threads    any; ranges are read-only once parsed.
//   blocking   none.
//   ownership  a version points into the text it was parsed from.
//   errors     -EINVAL (no such thing), -ENOMEM.
#ifndef WEIR_PROGRAMS_DEPS_SEMVER_H
#define WEIR_PROGRAMS_DEPS_SEMVER_H

#include "programs/deps/types.h"

typedef struct wr_semver {
    uint64_t major, minor, patch;
    wr_text pre; // "beta.1"; size 0: a release. Build metadata is left out
} wr_semver;

// wr_semver_parse reads a whole version. loose: `v1.2.3`, ` =1.2.3`,
// `01.2.3`, `1.2.3beta` too.
int wr_semver_parse(wr_semver *out, const char *text, size_t size, bool loose);

// wr_semver_compare: below 0, 0, above 0; by precedence, build left out.
int wr_semver_compare(const wr_semver *a, const wr_semver *b);

// wr_semver_write writes the version in normal form, cut at `size`, ended by a
// 0; returns its length.
size_t wr_semver_write(char *out, size_t size, const wr_semver *version);

typedef struct wr_range wr_range;

// wr_range_parse: "" and "*" are any. The text is copied. Longer than
// WR_RANGE_BYTES_MAX: -EINVAL (npm has no such bound).
enum { WR_RANGE_BYTES_MAX = 16 << 10 };
int wr_range_parse(wr_range **out, const char *text, size_t size);
void wr_range_free(wr_range *range); // NULL is allowed

// prereleases: npm's includePrerelease.
bool wr_range_has(const wr_range *range, const wr_semver *version,
                  bool prereleases);
bool wr_range_is_any(const wr_range *range);
// Some version is in both, as semver.intersects(a, b, {loose}) says.
bool wr_range_intersects(const wr_range *a, const wr_range *b);

// wr_range_side: 1 if the version, and with it any higher one, is above all
// that the range can have; -1 below; else 0. For searching in sorted lists.
int wr_range_side(const wr_range *range, const wr_semver *version);

// wr_range_write writes npm's normal form ("" for any), as wr_semver_write.
size_t wr_range_write(char *out, size_t size, const wr_range *range,
                      bool prereleases);

// wr_range_admits says 1 or 0 as semver.satisfies(version, range,
// {includePrerelease: true}) does: not loose, for engines. Allocates only for
// ranges of more than about 200 bytes. -ENOMEM.
int wr_range_admits(wr_text range, const wr_semver *version);

#endif
