// SPDX-License-Identifier: MIT
//
// The scan for known weak sums, 32 positions at a time. No compiler flag is
// needed, the functions carry their target.
//
// A group is 32 consecutive positions: lane l of vector j is the position
// 4l + j + 1 bytes behind the last one of the group before. So the bytes of a
// vector lie 4 apart, in the same byte of each lane of a plain load, and sums
// over the positions of a group are three additions down the vectors and one
// prefix sum across the lanes.
//
// Why the filter is probed with scalar loads: see scan_avx2.c.
#include <immintrin.h>

#include "programs/delta/filter.h"
#include "programs/delta/kernels.h"
#include "programs/delta/rolling.h"

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE AVX2 __attribute__((always_inline)) static inline

AVX2_INLINE __m256i load256(const void *at) {
    return _mm256_loadu_si256((const __m256i *)at);
}

AVX2_INLINE void store256(void *at, __m256i value) {
    _mm256_storeu_si256((__m256i *)at, value);
}

enum {
    VECTORS = 4,
    LANES = 8,
    GROUP = VECTORS * LANES,
    ROUND_GROUPS = 16,
    ROUND = ROUND_GROUPS * GROUP
};

// What a round of the scan leaves behind for each of its positions, in the
// order of vectors and lanes.
typedef struct scan_round {
    _Alignas(32) uint32_t mix[ROUND];  // weak * WR_FILTER_MIX
    _Alignas(32) uint32_t word[ROUND]; // its place in the bitmap, then its word
    uint64_t maybe[ROUND / 64];        // a bit for each that passed
} scan_round;

// ---------------------------------------------------------------------------
// RabinKarp
//
// With g = weak - M^len, rolling has no constant term: g' = M g + d, where
// d = in - M^len out. Dividing by M^k turns the recurrence into a plain sum:
//   g(k) = M^k (g(0) + sum over i < k of d(i) M^-(i+1)).

typedef struct rabinkarp {
    __m256i in[VECTORS];  // M^-(i+1)
    __m256i out[VECTORS]; // M^len M^-(i+1)
    __m256i up[VECTORS];  // M^(i+1) MIX
    __m256i mixed;        // M^len MIX
    __m256i base;         // g before the group, in all lanes
} rabinkarp;

// factor^(4l) in lane l.
AVX2_INLINE __m256i powers_by_4(uint32_t factor) {
    uint32_t step = factor * factor * factor * factor;
    uint32_t powers[LANES] = {1};
    for (unsigned i = 1; i < LANES; i++)
        powers[i] = powers[i - 1] * step;
    return load256(powers);
}

AVX2_INLINE __m256i times(__m256i value, uint32_t factor) {
    return _mm256_mullo_epi32(value, _mm256_set1_epi32((int)factor));
}

AVX2_INLINE void rabinkarp_start(rabinkarp *s, uint32_t leaving,
                                 uint32_t weak) {
    __m256i down = powers_by_4(WR_RABINKARP_INVERSE);
    __m256i up = powers_by_4(WR_RABINKARP_M);
    for (unsigned j = 0; j < VECTORS; j++) {
        s->in[j] = down = times(down, WR_RABINKARP_INVERSE);
        s->out[j] = times(down, leaving);
        up = times(up, WR_RABINKARP_M);
        s->up[j] = times(up, WR_FILTER_MIX);
    }
    s->mixed = _mm256_set1_epi32((int)(leaving * WR_FILTER_MIX));
    s->base = _mm256_set1_epi32((int)(weak - leaving));
}

// Byte j of every lane.
AVX2_INLINE __m256i byte_of(__m256i value, unsigned j) {
    const __m256i low = _mm256_set1_epi32(0xff);
    return j == 0 ? _mm256_and_si256(value, low)
           : j == 3
               ? _mm256_srli_epi32(value, 24)
               : _mm256_and_si256(_mm256_srli_epi32(value, 8 * (int)j), low);
}

// value[l - 4], 0 for the first 4 lanes.
AVX2_INLINE __m256i lanes_up_4(__m256i value) {
    return _mm256_permute2x128_si256(value, value, 0x08);
}

// value[l - n], 0 for the first n lanes; n < 4.
#define LANES_UP(value, n)                                                     \
    _mm256_alignr_epi8(value, lanes_up_4(value), 16 - 4 * (n))

AVX2_INLINE __m256i last_lane(__m256i value) {
    return _mm256_permutevar8x32_epi32(value, _mm256_set1_epi32(LANES - 1));
}

AVX2_INLINE void rabinkarp_group(rabinkarp *s, const uint8_t *out,
                                 const uint8_t *in, uint32_t *mix) {
    __m256i leaving = load256(out), entering = load256(in);
    __m256i sum[VECTORS];
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        sum[j] = _mm256_sub_epi32(
            _mm256_mullo_epi32(byte_of(entering, j), s->in[j]),
            _mm256_mullo_epi32(byte_of(leaving, j), s->out[j]));
        if (j > 0)
            sum[j] = _mm256_add_epi32(sum[j], sum[j - 1]);
    }
    __m256i lanes = sum[VECTORS - 1];
    lanes = _mm256_add_epi32(lanes, LANES_UP(lanes, 1));
    lanes = _mm256_add_epi32(lanes, LANES_UP(lanes, 2));
    lanes = _mm256_add_epi32(lanes, lanes_up_4(lanes));
    __m256i before = _mm256_add_epi32(s->base, LANES_UP(lanes, 1));
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        __m256i g =
            _mm256_mullo_epi32(_mm256_add_epi32(before, sum[j]), s->up[j]);
        store256(mix + LANES * j, _mm256_add_epi32(g, s->mixed));
    }
    s->base =
        times(_mm256_add_epi32(s->base, last_lane(lanes)), WR_RABINKARP_M32);
}

// ---------------------------------------------------------------------------
// Rollsum
//
// A position is kept as s2 << 16 | s1. A run of n positions changes s1 by X and
// s2 by n s1 + Y; two runs after one another, of which the right one has n
// positions, by X + X' and Y + n X + Y'. The offset of 31 a byte stands in s1
// already and takes 31 len from s2 at every position: that is added last.

typedef struct rollsum {
    __m256i len;             // in the low half
    __m256i offset[VECTORS]; // -31 len (i+1), in the high half
    __m256i lane;            // 4l, in the high half
    __m256i base;            // the sum before the group, in all lanes
} rollsum;

AVX2_INLINE void rollsum_start(rollsum *s, uint32_t len, uint32_t weak) {
    uint32_t lane[LANES];
    for (unsigned l = 0; l < LANES; l++)
        lane[l] = VECTORS * l << 16;
    s->lane = load256(lane);
    s->len = _mm256_set1_epi32((int)(len & 0xffff));
    for (unsigned j = 0; j < VECTORS; j++) {
        __m256i position =
            _mm256_add_epi32(s->lane, _mm256_set1_epi32((int)(j + 1) << 16));
        s->offset[j] = times(position, 0 - WR_ROLLSUM_OFFSET * len);
    }
    s->base = _mm256_set1_epi32((int)weak);
}

AVX2_INLINE __m256i add16(__m256i a, __m256i b) {
    return _mm256_add_epi16(a, b);
}

// n s1 as s2, for an n that is a power of two.
#define S1_TIMES(value, log2_n) _mm256_slli_epi32(value, 16 + (log2_n))

// Each lane joined with the run of n lanes before it, which `up` has moved up;
// a lane is 4 positions.
#define JOIN(value, up, log2_n)                                                \
    add16(add16(value, up), S1_TIMES(up, (log2_n) + 2))

AVX2_INLINE void rollsum_group(rollsum *s, const uint8_t *out,
                               const uint8_t *in, uint32_t *mix) {
    __m256i leaving = load256(out), entering = load256(in);
    __m256i run[VECTORS], sum = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        __m256i byte = byte_of(leaving, j);
        sum = add16(sum, _mm256_sub_epi16(byte_of(entering, j), byte));
        sum = add16(sum, S1_TIMES(sum, 0));
        byte = _mm256_slli_epi32(_mm256_mullo_epi16(byte, s->len), 16);
        run[j] = sum = _mm256_sub_epi16(sum, byte);
    }
    __m256i lanes = JOIN(sum, LANES_UP(sum, 1), 0);
    lanes = JOIN(lanes, LANES_UP(lanes, 2), 1);
    lanes = JOIN(lanes, lanes_up_4(lanes), 2);
    __m256i before = add16(s->base, LANES_UP(lanes, 1));
    before = add16(before, _mm256_mullo_epi16(S1_TIMES(s->base, 0), s->lane));
    __m256i step = S1_TIMES(before, 0), weak = before;
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        before = add16(before, step);
        weak = add16(add16(before, run[j]), s->offset[j]);
        store256(mix + LANES * j, times(weak, WR_FILTER_MIX));
    }
    s->base = last_lane(weak);
}

// ---------------------------------------------------------------------------
// The filter

// Volatile, because compilers otherwise "vectorize" this into moving every
// index out of a register and every word back into one, at a third of the
// speed.
AVX2_INLINE void look_up(const uint32_t *bits, volatile uint32_t *word) {
#pragma GCC unroll 16
    for (unsigned i = 0; i < LANES; i++)
        word[i] = bits[word[i]];
}

// A bit for each position of a vector whose two bits are set.
AVX2_INLINE uint8_t maybes(const uint32_t *mix_at, const uint32_t *word_at,
                           __m128i to_first, __m128i to_second) {
    const __m256i one = _mm256_set1_epi32(1), low = _mm256_set1_epi32(31);
    __m256i mix = load256(mix_at), word = load256(word_at);
    __m256i first = _mm256_and_si256(_mm256_srl_epi32(mix, to_first), low);
    __m256i second = _mm256_and_si256(_mm256_srl_epi32(mix, to_second), low);
    __m256i both = _mm256_and_si256(_mm256_srlv_epi32(word, first),
                                    _mm256_srlv_epi32(word, second));
    __m256i passed = _mm256_cmpeq_epi32(_mm256_and_si256(both, one), one);
    return (uint8_t)_mm256_movemask_ps(_mm256_castsi256_ps(passed));
}

// How far behind the round's start the position with this index is.
static inline size_t position_of(size_t index) {
    size_t group = index / GROUP, vector = index % GROUP / LANES;
    return group * GROUP + VECTORS * (index % LANES) + vector + 1;
}

// The first position of the round that is truly known, or SIZE_MAX.
static size_t first_known(const wr_filter *filter, const scan_round *r,
                          size_t groups, uint32_t *weak) {
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < (groups * GROUP + 63) / 64; i++)
        for (uint64_t bits = r->maybe[i]; bits != 0; bits &= bits - 1) {
            size_t index = 64 * i + (size_t)__builtin_ctzll(bits);
            uint32_t sum = r->mix[index] * WR_FILTER_UNMIX;
            size_t position = position_of(index);
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
AVX2_INLINE void run_round(wr_weak_kind kind, scan_state *s, size_t len,
                           const wr_filter *filter, const uint8_t *data,
                           size_t groups, scan_round *r) {
    const __m128i to_word = _mm_cvtsi32_si128((int)filter->bits_shift);
    const __m128i to_first =
        _mm_cvtsi32_si128((int)filter->bits_shift - WR_FILTER_BIT_BITS);
    const __m128i to_second =
        _mm_cvtsi32_si128((int)filter->bits_shift - 2 * WR_FILTER_BIT_BITS);
    uint32_t bits[ROUND_GROUPS] = {0};
    for (size_t g = 0; g < groups + 2; g++) {
        if (g < groups) {
            const uint8_t *at = data + g * GROUP;
            uint32_t *mix = r->mix + g * GROUP, *word = r->word + g * GROUP;
            if (kind == WR_WEAK_RABINKARP)
                rabinkarp_group(&s->rabinkarp, at, at + len, mix);
            else
                rollsum_group(&s->rollsum, at, at + len, mix);
            for (unsigned j = 0; j < VECTORS; j++)
                store256(word + LANES * j,
                         _mm256_srl_epi32(load256(mix + LANES * j), to_word));
        }
        if (g >= 1 && g < groups + 1)
            for (unsigned j = 0; j < VECTORS; j++)
                look_up(filter->bits, r->word + (g - 1) * GROUP + LANES * j);
        if (g >= 2)
            for (unsigned j = 0; j < VECTORS; j++) {
                size_t at = (g - 2) * GROUP + LANES * j;
                bits[g - 2] |= (uint32_t)maybes(r->mix + at, r->word + at,
                                                to_first, to_second)
                               << LANES * j;
            }
    }
    for (size_t i = 0; i < ROUND / 64; i++)
        r->maybe[i] = bits[2 * i] | (uint64_t)bits[2 * i + 1] << 32;
}

AVX2_INLINE size_t scan(wr_weak_kind kind, wr_scan_fn *rest,
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
        size_t first = first_known(filter, &r, groups, weak);
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

AVX2 size_t wr_scan_rabinkarp_avx2(const wr_roll *roll, const wr_filter *filter,
                                   const uint8_t *data, size_t from, size_t to,
                                   uint32_t *weak) {
    return scan(WR_WEAK_RABINKARP, wr_scan_rabinkarp_portable, roll, filter,
                data, from, to, weak);
}

AVX2 size_t wr_scan_rollsum_avx2(const wr_roll *roll, const wr_filter *filter,
                                 const uint8_t *data, size_t from, size_t to,
                                 uint32_t *weak) {
    return scan(WR_WEAK_ROLLSUM, wr_scan_rollsum_portable, roll, filter, data,
                from, to, weak);
}
