// SPDX-License-Identifier: MIT
//
// The scan for known weak sums, 64 positions at a time. Needs AVX-512 F, BW,
// DQ and VL; no compiler flag, the functions carry the target.
//
// A group is 64 consecutive positions: lane l of vector j is the position
// 4l + j + 1 bytes behind the last one of the group before. So the bytes of a
// vector lie 4 apart, in the same byte of each lane of a plain load, and sums
// over the positions of a group are three additions down the vectors and one
// prefix sum across the lanes.
//
// The look-up in the filter is the larger half of the work. It is done with
// scalar loads, not a gather: many CPUs had their gather slowed down by
// microcode (2 clocks a lane and more), and plain loads are never worse.
#include <immintrin.h>

#include "programs/delta/filter.h"
#include "programs/delta/kernels.h"
#include "programs/delta/rolling.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define AVX512_INLINE AVX512 __attribute__((always_inline)) static inline

enum {
    VECTORS = 4,
    LANES = 16,
    GROUP = VECTORS * LANES,
    ROUND_GROUPS = 8,
    ROUND = ROUND_GROUPS * GROUP
};

// What a round of the scan leaves behind for each of its positions, in the
// order of vectors and lanes.
typedef struct scan_round {
    _Alignas(64) uint32_t mix[ROUND];  // weak * WR_FILTER_MIX
    _Alignas(64) uint32_t word[ROUND]; // its place in the bitmap, then its word
    _Alignas(64) uint32_t maybe[ROUND + LANES]; // indices that passed
    size_t maybes;
} scan_round;

// ---------------------------------------------------------------------------
// RabinKarp
//
// With g = weak - M^len, rolling has no constant term: g' = M g + d, where
// d = in - M^len out. Dividing by M^k turns the recurrence into a plain sum:
//   g(k) = M^k (g(0) + sum over i < k of d(i) M^-(i+1)).

typedef struct rabinkarp {
    __m512i in[VECTORS];  // M^-(i+1)
    __m512i out[VECTORS]; // M^len M^-(i+1)
    __m512i up[VECTORS];  // M^(i+1) MIX
    __m512i mixed;        // M^len MIX
    __m512i base;         // g before the group, in all lanes
} rabinkarp;

// factor^(4l) in lane l.
AVX512_INLINE __m512i powers_by_4(uint32_t factor) {
    uint32_t step = factor * factor * factor * factor;
    uint32_t powers[LANES] = {1};
    for (unsigned i = 1; i < LANES; i++)
        powers[i] = powers[i - 1] * step;
    return _mm512_loadu_si512(powers);
}

AVX512_INLINE __m512i times(__m512i value, uint32_t factor) {
    return _mm512_mullo_epi32(value, _mm512_set1_epi32((int)factor));
}

AVX512_INLINE void rabinkarp_start(rabinkarp *s, uint32_t leaving,
                                   uint32_t weak) {
    __m512i down = powers_by_4(WR_RABINKARP_INVERSE);
    __m512i up = powers_by_4(WR_RABINKARP_M);
    for (unsigned j = 0; j < VECTORS; j++) {
        s->in[j] = down = times(down, WR_RABINKARP_INVERSE);
        s->out[j] = times(down, leaving);
        up = times(up, WR_RABINKARP_M);
        s->up[j] = times(up, WR_FILTER_MIX);
    }
    s->mixed = _mm512_set1_epi32((int)(leaving * WR_FILTER_MIX));
    s->base = _mm512_set1_epi32((int)(weak - leaving));
}

// Byte j of every lane.
AVX512_INLINE __m512i byte_of(__m512i value, unsigned j) {
    const __m512i low = _mm512_set1_epi32(0xff);
    return j == 0   ? _mm512_and_si512(value, low)
           : j == 3 ? _mm512_srli_epi32(value, 24)
                    : _mm512_and_si512(_mm512_srli_epi32(value, 8 * j), low);
}

// value[l - n], 0 for the first n lanes.
#define LANES_UP(value, n)                                                     \
    _mm512_alignr_epi32(value, _mm512_setzero_si512(), LANES - (n))

AVX512_INLINE __m512i last_lane(__m512i value) {
    return _mm512_permutexvar_epi32(_mm512_set1_epi32(LANES - 1), value);
}

AVX512_INLINE void rabinkarp_group(rabinkarp *s, const uint8_t *out,
                                   const uint8_t *in, uint32_t *mix) {
    __m512i leaving = _mm512_loadu_si512(out),
            entering = _mm512_loadu_si512(in);
    __m512i sum[VECTORS];
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        sum[j] = _mm512_sub_epi32(
            _mm512_mullo_epi32(byte_of(entering, j), s->in[j]),
            _mm512_mullo_epi32(byte_of(leaving, j), s->out[j]));
        if (j > 0)
            sum[j] = _mm512_add_epi32(sum[j], sum[j - 1]);
    }
    __m512i lanes = sum[VECTORS - 1];
    lanes = _mm512_add_epi32(lanes, LANES_UP(lanes, 1));
    lanes = _mm512_add_epi32(lanes, LANES_UP(lanes, 2));
    lanes = _mm512_add_epi32(lanes, LANES_UP(lanes, 4));
    lanes = _mm512_add_epi32(lanes, LANES_UP(lanes, 8));
    __m512i before = _mm512_add_epi32(s->base, LANES_UP(lanes, 1));
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        __m512i g =
            _mm512_mullo_epi32(_mm512_add_epi32(before, sum[j]), s->up[j]);
        _mm512_store_si512(mix + LANES * j, _mm512_add_epi32(g, s->mixed));
    }
    s->base =
        times(_mm512_add_epi32(s->base, last_lane(lanes)), WR_RABINKARP_M64);
}

// ---------------------------------------------------------------------------
// Rollsum
//
// A position is kept as s2 << 16 | s1. A run of n positions changes s1 by X and
// s2 by n s1 + Y; two runs after one another, of which the right one has n
// positions, by X + X' and Y + n X + Y'. The offset of 31 a byte stands in s1
// already and takes 31 len from s2 at every position: that is added last.

typedef struct rollsum {
    __m512i len;             // in the low half
    __m512i offset[VECTORS]; // -31 len (i+1), in the high half
    __m512i lane;            // 4l, in the high half
    __m512i base;            // the sum before the group, in all lanes
} rollsum;

AVX512_INLINE void rollsum_start(rollsum *s, uint32_t len, uint32_t weak) {
    uint32_t lane[LANES];
    for (unsigned l = 0; l < LANES; l++)
        lane[l] = VECTORS * l << 16;
    s->lane = _mm512_loadu_si512(lane);
    s->len = _mm512_set1_epi32((int)(len & 0xffff));
    for (unsigned j = 0; j < VECTORS; j++) {
        __m512i position =
            _mm512_add_epi32(s->lane, _mm512_set1_epi32((int)(j + 1) << 16));
        s->offset[j] = times(position, 0 - WR_ROLLSUM_OFFSET * len);
    }
    s->base = _mm512_set1_epi32((int)weak);
}

AVX512_INLINE __m512i add16(__m512i a, __m512i b) {
    return _mm512_add_epi16(a, b);
}

// n s1 as s2, for an n that is a power of two.
#define S1_TIMES(value, log2_n) _mm512_slli_epi32(value, 16 + (log2_n))

// Each lane joined with the run of `n` lanes before it; a lane is 4 positions.
#define JOIN(value, n, log2_n)                                                 \
    add16(add16(value, LANES_UP(value, n)),                                    \
          S1_TIMES(LANES_UP(value, n), (log2_n) + 2))

AVX512_INLINE void rollsum_group(rollsum *s, const uint8_t *out,
                                 const uint8_t *in, uint32_t *mix) {
    __m512i leaving = _mm512_loadu_si512(out),
            entering = _mm512_loadu_si512(in);
    __m512i run[VECTORS], sum = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        __m512i byte = byte_of(leaving, j);
        sum = add16(sum, _mm512_sub_epi16(byte_of(entering, j), byte));
        sum = add16(sum, S1_TIMES(sum, 0));
        byte = _mm512_slli_epi32(_mm512_mullo_epi16(byte, s->len), 16);
        run[j] = sum = _mm512_sub_epi16(sum, byte);
    }
    __m512i lanes = JOIN(sum, 1, 0);
    lanes = JOIN(lanes, 2, 1);
    lanes = JOIN(lanes, 4, 2);
    lanes = JOIN(lanes, 8, 3);
    __m512i before = add16(s->base, LANES_UP(lanes, 1));
    before = add16(before, _mm512_mullo_epi16(S1_TIMES(s->base, 0), s->lane));
    __m512i step = S1_TIMES(before, 0), weak = before;
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        before = add16(before, step);
        weak = add16(add16(before, run[j]), s->offset[j]);
        _mm512_store_si512(mix + LANES * j, times(weak, WR_FILTER_MIX));
    }
    s->base = last_lane(weak);
}

// ---------------------------------------------------------------------------
// The filter

// Volatile, because compilers otherwise "vectorize" this into moving every
// index out of a register and every word back into one, at a third of the
// speed.
AVX512_INLINE void look_up(const uint32_t *bits, volatile uint32_t *word) {
#pragma GCC unroll 16
    for (unsigned i = 0; i < LANES; i++)
        word[i] = bits[word[i]];
}

// Keeps the indices of a vector's positions whose two bits are set.
AVX512_INLINE void keep_maybes(scan_round *r, size_t first, __m128i to_first,
                               __m128i to_second) {
    const __m512i ones = _mm512_set1_epi32(1);
    __m512i mix = _mm512_load_si512(r->mix + first);
    __m512i word = _mm512_load_si512(r->word + first);
    // Rotation counts are taken modulo 32, so the bits above need no mask.
    __m512i both = _mm512_and_si512(
        _mm512_rorv_epi32(word, _mm512_srl_epi32(mix, to_first)),
        _mm512_rorv_epi32(word, _mm512_srl_epi32(mix, to_second)));
    __mmask16 mask = _mm512_test_epi32_mask(both, ones);
    const __m512i lane =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i index = _mm512_add_epi32(lane, _mm512_set1_epi32((int)first));
    _mm512_storeu_si512(r->maybe + r->maybes,
                        _mm512_maskz_compress_epi32(mask, index));
    r->maybes += (size_t)__builtin_popcount(mask);
}

// How far behind the round's start the position with this index is.
static inline size_t position_of(size_t index) {
    size_t group = index / GROUP, vector = index % GROUP / LANES;
    return group * GROUP + VECTORS * (index % LANES) + vector + 1;
}

// The first position of the round that is truly known, or SIZE_MAX.
static size_t first_known(const wr_filter *filter, const scan_round *r,
                          uint32_t *weak) {
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < r->maybes; i++) {
        uint32_t sum = r->mix[r->maybe[i]] * WR_FILTER_UNMIX;
        size_t position = position_of(r->maybe[i]);
        if (wr_filter_has(filter, sum) && position < first) {
            first = position;
            *weak = sum;
        }
    }
    return first;
}

// ---------------------------------------------------------------------------
// The scan

typedef union scan_state {
    rabinkarp rabinkarp;
    rollsum rollsum;
} scan_state;

// Runs `groups` groups from `data` on. Three stages, each a group behind the
// one before, so that vector work, scalar loads and the reload of their result
// do not wait for one another.
AVX512_INLINE void run_round(wr_weak_kind kind, scan_state *s, size_t len,
                             const wr_filter *filter, const uint8_t *data,
                             size_t groups, scan_round *r) {
    const __m128i to_word = _mm_cvtsi32_si128((int)filter->bits_shift);
    const __m128i to_first =
        _mm_cvtsi32_si128((int)filter->bits_shift - WR_FILTER_BIT_BITS);
    const __m128i to_second =
        _mm_cvtsi32_si128((int)filter->bits_shift - 2 * WR_FILTER_BIT_BITS);
    r->maybes = 0;
    for (size_t g = 0; g < groups + 2; g++) {
        if (g < groups) {
            const uint8_t *at = data + g * GROUP;
            uint32_t *mix = r->mix + g * GROUP, *word = r->word + g * GROUP;
            if (kind == WR_WEAK_RABINKARP)
                rabinkarp_group(&s->rabinkarp, at, at + len, mix);
            else
                rollsum_group(&s->rollsum, at, at + len, mix);
            for (unsigned j = 0; j < VECTORS; j++)
                _mm512_store_si512(
                    word + LANES * j,
                    _mm512_srl_epi32(_mm512_load_si512(mix + LANES * j),
                                     to_word));
        }
        if (g >= 1 && g < groups + 1)
            for (unsigned j = 0; j < VECTORS; j++)
                look_up(filter->bits, r->word + (g - 1) * GROUP + LANES * j);
        if (g >= 2)
            for (unsigned j = 0; j < VECTORS; j++)
                keep_maybes(r, (g - 2) * GROUP + LANES * j, to_first,
                            to_second);
    }
}

AVX512_INLINE size_t scan(wr_weak_kind kind, wr_scan_fn *rest,
                          const wr_roll *roll, const wr_filter *filter,
                          const uint8_t *data, size_t from, size_t to,
                          uint32_t *weak) {
    if (wr_filter_has(filter, *weak))
        return from;
    scan_state s;
    scan_round r;
    if (kind == WR_WEAK_RABINKARP)
        rabinkarp_start(&s.rabinkarp, roll->leaving, *weak);
    else
        rollsum_start(&s.rollsum, roll->leaving, *weak);

    // `at` has been tested and its sum is the base of the next group.
    size_t at = from;
    while (to - 1 - at >= GROUP) {
        size_t groups = (to - 1 - at) / GROUP;
        if (groups > ROUND_GROUPS)
            groups = ROUND_GROUPS;
        run_round(kind, &s, roll->len, filter, data + at, groups, &r);
        size_t first = r.maybes > 0 ? first_known(filter, &r, weak) : SIZE_MAX;
        if (first != SIZE_MAX)
            return at + first;
        at += groups * GROUP;
        // The last lane of the last vector.
        *weak = r.mix[groups * GROUP - 1] * WR_FILTER_UNMIX;
    }
    if (at + 1 == to)
        return to;
    *weak = wr_roll_step(roll, *weak, data[at], data[at + roll->len]);
    return rest(roll, filter, data, at + 1, to, weak);
}

AVX512 size_t wr_scan_rabinkarp_avx512(const wr_roll *roll,
                                       const wr_filter *filter,
                                       const uint8_t *data, size_t from,
                                       size_t to, uint32_t *weak) {
    return scan(WR_WEAK_RABINKARP, wr_scan_rabinkarp_portable, roll, filter,
                data, from, to, weak);
}

AVX512 size_t wr_scan_rollsum_avx512(const wr_roll *roll,
                                     const wr_filter *filter,
                                     const uint8_t *data, size_t from,
                                     size_t to, uint32_t *weak) {
    return scan(WR_WEAK_ROLLSUM, wr_scan_rollsum_portable, roll, filter, data,
                from, to, weak);
}
