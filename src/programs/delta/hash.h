// SPDX-License-Identifier: MIT
//
// Hash kernels of `weir delta`: strong sums of many buffers at once, weak sums
// of one buffer, and the scan that looks for known weak sums at every byte.
//
// Threads:   nothing here is mutable after it is made, except what the caller
//            passes to be written; everything may be called from any thread.
// Blocking:  never; no allocation except in wr_filter_init.
// Errors:    only wr_filter_init can fail (-ENOMEM, -EOVERFLOW).
// Ownership: buffers are only read; a filter owns its memory until freed.
#ifndef WR_DELTA_HASH_H
#define WR_DELTA_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum wr_strong_kind { WR_STRONG_MD4, WR_STRONG_BLAKE2B } wr_strong_kind;
typedef enum wr_weak_kind { WR_WEAK_ROLLSUM, WR_WEAK_RABINKARP } wr_weak_kind;

enum { WR_STRONG_MAX = 32 };

// ---------------------------------------------------------------------------
// The kernels for one instruction set. Choose once, at start, pass it along.

typedef struct wr_hash_kernels wr_hash_kernels;

// The fastest set this CPU and this kernel support.
const wr_hash_kernels *wr_hash_best(void);

// "portable", "avx2" or "avx512"; NULL if unknown or not supported here.
const wr_hash_kernels *wr_hash_by_name(const char *name);

const char *wr_hash_name(const wr_hash_kernels *kernels);

// ---------------------------------------------------------------------------
// Strong sums

// 16 for MD4, 32 for BLAKE2b-256.
size_t wr_strong_size(wr_strong_kind kind);

// Sums `count` buffers of the same length `len`, at any addresses (they may
// overlap and need no alignment). out[i] gets the wr_strong_size(kind) bytes
// of data[i]; the rest of out[i] is left alone. Any count is right, but the
// registers are only full when count is a multiple of wr_strong_lanes().
void wr_strong_many(const wr_hash_kernels *kernels, wr_strong_kind kind,
                    const uint8_t *const *data, size_t len, size_t count,
                    uint8_t (*out)[WR_STRONG_MAX]);

// How many buffers are summed together: batches want a multiple of this.
size_t wr_strong_lanes(const wr_hash_kernels *kernels, wr_strong_kind kind);

// ---------------------------------------------------------------------------
// Weak sums, as librsync stores them (before its in-memory mixing)

uint32_t wr_weak_block(const wr_hash_kernels *kernels, wr_weak_kind kind,
                       const uint8_t *data, size_t len);

// A window of `len` bytes (>= 1) that moves forward one byte at a time.
typedef struct wr_roll {
    wr_weak_kind kind;
    uint32_t leaving; // what a leaving byte is multiplied with
    size_t len;
} wr_roll;

wr_roll wr_roll_make(wr_weak_kind kind, size_t len);

// The sum one byte further: `out` leaves at the front, `in` enters at the end.
uint32_t wr_roll_step(const wr_roll *roll, uint32_t weak, uint8_t out,
                      uint8_t in);

// The sum of a window of `len` bytes after its first byte `out` is cut off.
uint32_t wr_roll_out(wr_weak_kind kind, uint32_t weak, size_t len, uint8_t out);

// ---------------------------------------------------------------------------
// The set of weak sums a scan looks for

// Two levels: a small bitmap that stays in cache and is probed for every byte,
// and the exact set, which is asked only when the bitmap says "perhaps". So a
// scan stops only where the weak sum is truly one of those added.
typedef struct wr_filter {
    uint8_t *bits;       // the bitmap; a sum owns two bits of one byte
    uint32_t *slots;     // the exact set, in buckets; 0 means free
    uint32_t bits_shift; // byte index = top bits of a product
    bool has_zero;       // the sum 0 is kept here, since 0 means free
    size_t buckets;
    size_t size; // of the memory, which begins at `bits` and holds both
} wr_filter;

// Makes an empty filter with room for `capacity` sums (0 is fine).
// 0, -ENOMEM, or -EOVERFLOW above 2^30 sums; on error there is nothing to free.
int wr_filter_init(wr_filter *filter, size_t capacity);

// Adds a sum; adding it again changes nothing. At most `capacity` distinct
// ones. Only before the filter is shared between threads.
void wr_filter_add(wr_filter *filter, uint32_t weak);

// Exactly: was this sum added?
bool wr_filter_has(const wr_filter *filter, uint32_t weak);

void wr_filter_free(wr_filter *filter);

// ---------------------------------------------------------------------------
// The scan

// Finds the first p in [from, to) where the weak sum of the window
// data[p, p + roll->len) was added to the filter, and returns it; `to` if there
// is none. Reads nothing outside data[from, to - 1 + roll->len).
//
// *weak: on entry the sum of the window at `from` (wr_weak_block). On return
// the sum at the position returned, or, when that is `to`, the sum of the last
// window tested, at to - 1 (one wr_roll_step from the one at `to`). With
// from == to nothing is read and *weak stays.
size_t wr_scan(const wr_hash_kernels *kernels, const wr_roll *roll,
               const wr_filter *filter, const uint8_t *data, size_t from,
               size_t to, uint32_t *weak);

// The same for the end of a file, where the window [p, end) only shrinks:
// p in [from, to), to <= end. On return of `to`, *weak is the sum at to - 1.
size_t wr_scan_tail(wr_weak_kind kind, const wr_filter *filter,
                    const uint8_t *data, size_t from, size_t to, size_t end,
                    uint32_t *weak);

#endif
