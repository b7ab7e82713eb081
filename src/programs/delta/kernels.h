// SPDX-License-Identifier: MIT
//
// What a set of kernels is made of. Only the files behind hash.h see this;
// users of the hashes go through hash.h.
#ifndef WR_DELTA_KERNELS_H
#define WR_DELTA_KERNELS_H

#include "programs/delta/hash.h"

// Sums exactly as many buffers as the kernel has lanes, all of length `len`.
typedef void wr_strong_fn(const uint8_t *const *data, size_t len,
                          uint8_t (*out)[WR_STRONG_MAX]);

typedef uint32_t wr_weak_fn(const uint8_t *data, size_t len);

// As wr_scan, with from < to.
typedef size_t wr_scan_fn(const wr_roll *roll, const wr_filter *filter,
                          const uint8_t *data, size_t from, size_t to,
                          uint32_t *weak);

typedef struct wr_strong_step {
    size_t lanes;
    size_t worth; // fewest buffers for which this beats the narrower steps
    wr_strong_fn *sum;
} wr_strong_step;

enum { WR_STRONG_STEPS = 3, WR_STRONG_LANES_MAX = 16 };

// Arrays are indexed by wr_strong_kind and wr_weak_kind.
struct wr_hash_kernels {
    const char *name;
    // Widest first; the last one has one lane and is worth it for one buffer.
    wr_strong_step strong[2][WR_STRONG_STEPS];
    wr_weak_fn *weak[2];
    wr_scan_fn *scan[2];
};

// hash.c: the portable set.
extern const wr_hash_kernels wr_hash_portable;

// hash_x86.c or hash_noisa.c: the sets of this architecture that this CPU can
// run, best first, NULL at the end; written to `sets`.
enum { WR_HASH_SETS = 4 };
void wr_hash_native(const wr_hash_kernels *sets[WR_HASH_SETS]);

// blake2b.c, md4.c
wr_strong_fn wr_blake2b_portable;
wr_strong_fn wr_md4_portable;

// rolling.c
wr_weak_fn wr_rollsum_portable;
wr_weak_fn wr_rabinkarp_portable;
wr_scan_fn wr_scan_rollsum_portable;
wr_scan_fn wr_scan_rabinkarp_portable;

// hash_avx2.c, scan_avx2.c
wr_strong_fn wr_blake2b_avx2;
wr_strong_fn wr_md4_avx2;
wr_weak_fn wr_rollsum_avx2;
wr_weak_fn wr_rabinkarp_avx2;
wr_scan_fn wr_scan_rollsum_avx2;
wr_scan_fn wr_scan_rabinkarp_avx2;

// hash_avx512.c
wr_strong_fn wr_blake2b_avx512;
wr_strong_fn wr_md4_avx512;
wr_weak_fn wr_rabinkarp_avx512;

#endif
