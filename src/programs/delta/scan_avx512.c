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
//
// Three groups are under way at once, each a stage behind the next: the sums of
// one, the look-ups of the one before, and the test of the one before that. So
// no stage waits for the memory operations of another, and as the sums need the
// vector units and the look-ups the load and store units, they share the time.
#include <immintrin.h>
#include <string.h>

#include "programs/delta/filter.h"
#include "programs/delta/kernels.h"
#include "programs/delta/rolling.h"

#define AVX512                                                                 \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi,popcnt")))
#define AVX512_INLINE AVX512 __attribute__((always_inline)) static inline

enum {
    VECTORS = 4,
    LANES = 16,
    GROUP = VECTORS * LANES,
    ROUND_GROUPS = 16,
    ROUND = ROUND_GROUPS * GROUP
};

// A group on its way through the stages. `place` is in the order of vectors and
// lanes, the bytes are in the order of positions.
typedef struct scan_group {
    _Alignas(64) uint64_t place[GROUP / 2]; // index in the bitmap, two and two
    _Alignas(64) uint8_t byte[GROUP];       // that byte
    _Alignas(64) uint8_t pair[GROUP];       // the two bits of it to look at
} scan_group;

// What a round of groups leaves behind.
typedef struct scan_round {
    _Alignas(64) uint32_t mix[ROUND]; // weak * WR_FILTER_MIX, as `place`
    uint16_t maybe[ROUND + 4];        // positions that passed, in order
    size_t maybes;
} scan_round;

// The second stage for positions 4k to 4k + 3 of a group, in the order of
// `place`; called between the operations of the first stage of the group behind
// it, because compilers and processors do not look far enough ahead to mix the
// two. Volatile, because compilers otherwise "vectorize" this into moving every
// index out of a register and every byte back into one, at a third of the
// speed.
AVX512_INLINE void look_up(const uint8_t *bits, scan_group *group, unsigned k) {
    const volatile uint64_t *twos = group->place + 2 * k;
    volatile uint8_t *byte = group->byte + k / 4 + LANES * (k % 4);
#pragma GCC unroll 2
    for (unsigned i = 0; i < 2; i++) {
        uint64_t two = twos[i];
        byte[2 * VECTORS * i] = bits[(uint32_t)two];
        byte[2 * VECTORS * i + VECTORS] = bits[two >> 32];
    }
}
enum { LOOK_UPS = GROUP / 4 };

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
                                   const uint8_t *in, __m512i mix[VECTORS],
                                   const uint8_t *bits, scan_group *behind) {
    __m512i leaving = _mm512_loadu_si512(out);
    __m512i entering = _mm512_loadu_si512(in);
    __m512i sum[VECTORS];
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        sum[j] = _mm512_sub_epi32(
            _mm512_mullo_epi32(byte_of(entering, j), s->in[j]),
            _mm512_mullo_epi32(byte_of(leaving, j), s->out[j]));
        look_up(bits, behind, 2 * j);
        look_up(bits, behind, 2 * j + 1);
        if (j > 0)
            sum[j] = _mm512_add_epi32(sum[j], sum[j - 1]);
    }
    __m512i lanes = sum[VECTORS - 1];
    lanes = _mm512_add_epi32(lanes, LANES_UP(lanes, 1));
    look_up(bits, behind, 8);
    lanes = _mm512_add_epi32(lanes, LANES_UP(lanes, 2));
    look_up(bits, behind, 9);
    lanes = _mm512_add_epi32(lanes, LANES_UP(lanes, 4));
    look_up(bits, behind, 10);
    lanes = _mm512_add_epi32(lanes, LANES_UP(lanes, 8));
    look_up(bits, behind, 11);
    __m512i before = _mm512_add_epi32(s->base, LANES_UP(lanes, 1));
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        __m512i g =
            _mm512_mullo_epi32(_mm512_add_epi32(before, sum[j]), s->up[j]);
        look_up(bits, behind, 12 + j);
        mix[j] = _mm512_add_epi32(g, s->mixed);
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
                                 const uint8_t *in, __m512i mix[VECTORS],
                                 const uint8_t *bits, scan_group *behind) {
    __m512i leaving = _mm512_loadu_si512(out);
    __m512i entering = _mm512_loadu_si512(in);
    __m512i run[VECTORS], sum = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        __m512i byte = byte_of(leaving, j);
        sum = add16(sum, _mm512_sub_epi16(byte_of(entering, j), byte));
        sum = add16(sum, S1_TIMES(sum, 0));
        byte = _mm512_slli_epi32(_mm512_mullo_epi16(byte, s->len), 16);
        look_up(bits, behind, 2 * j);
        look_up(bits, behind, 2 * j + 1);
        run[j] = sum = _mm512_sub_epi16(sum, byte);
    }
    __m512i lanes = JOIN(sum, 1, 0);
    look_up(bits, behind, 8);
    lanes = JOIN(lanes, 2, 1);
    look_up(bits, behind, 9);
    lanes = JOIN(lanes, 4, 2);
    look_up(bits, behind, 10);
    lanes = JOIN(lanes, 8, 3);
    look_up(bits, behind, 11);
    __m512i before = add16(s->base, LANES_UP(lanes, 1));
    before = add16(before, _mm512_mullo_epi16(S1_TIMES(s->base, 0), s->lane));
    __m512i step = S1_TIMES(before, 0), weak = before;
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        before = add16(before, step);
        weak = add16(add16(before, run[j]), s->offset[j]);
        look_up(bits, behind, 12 + j);
        mix[j] = times(weak, WR_FILTER_MIX);
    }
    s->base = last_lane(weak);
}

// ---------------------------------------------------------------------------
// The filter

// The end of the first stage: where to look, and for what.
AVX512_INLINE void aim(const __m512i mix[VECTORS], __m512i to_byte,
                       __m512i to_pair, scan_group *group) {
    __m512i turned[VECTORS];
    // The four bits that choose the pair, turned to byte j of the lane.
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        _mm512_store_si512(group->place + LANES / 2 * j,
                           _mm512_srlv_epi32(mix[j], to_byte));
        turned[j] = _mm512_rorv_epi32(
            mix[j], _mm512_sub_epi32(to_pair, _mm512_set1_epi32(8 * (int)j)));
    }
    const __m512i even = _mm512_set1_epi32(0x00ff00ff);
    const __m512i low = _mm512_set1_epi32(0xffff);
    const __m512i four = _mm512_set1_epi8(0x0f);
    const __m512i pairs = _mm512_broadcast_i32x4(
        _mm_loadu_si128((const __m128i *)(const void *)wr_filter_pairs));
    __m512i first = _mm512_ternarylogic_epi32(even, turned[0], turned[1], 0xca);
    __m512i last = _mm512_ternarylogic_epi32(even, turned[2], turned[3], 0xca);
    __m512i chosen = _mm512_ternarylogic_epi32(low, first, last, 0xca);
    chosen = _mm512_and_si512(chosen, four);
    _mm512_store_si512(group->pair, _mm512_shuffle_epi8(pairs, chosen));
}

// The third stage: keeps the positions whose two bits are set. The first four
// are written whether there are so many or not, which costs less than a branch
// on a random number.
AVX512_INLINE void keep_maybes(scan_round *r, const scan_group *group,
                               size_t first) {
    __m512i byte = _mm512_load_si512(group->byte);
    __m512i pair = _mm512_load_si512(group->pair);
    __m512i missing = _mm512_andnot_si512(byte, pair);
    uint64_t mask = _mm512_testn_epi8_mask(missing, missing);
    uint16_t *at = r->maybe + r->maybes;
    r->maybes += (size_t)_mm_popcnt_u64(mask);
    do {
#pragma GCC unroll 4
        for (unsigned i = 0; i < 4; i++) {
            *at++ = (uint16_t)(first + _tzcnt_u64(mask));
            mask &= mask - 1;
        }
    } while (mask != 0);
}

// The first position of the round that is truly known, or SIZE_MAX. Nearly none
// is, so one comparison with its bucket settles nearly all.
AVX512 static size_t first_known(const wr_filter *filter, const scan_round *r,
                                 uint32_t *weak) {
    for (size_t i = 0; i < r->maybes; i++) {
        size_t at = r->maybe[i], group = at / GROUP * GROUP;
        size_t vector = at % VECTORS, lane = at % GROUP / VECTORS;
        uint32_t sum = r->mix[group + LANES * vector + lane] * WR_FILTER_UNMIX;
        const uint32_t *bucket =
            filter->slots + WR_FILTER_BUCKET * wr_filter_bucket(filter, sum);
        __mmask8 found = _mm256_cmpeq_epi32_mask(
            _mm256_load_si256((const __m256i *)(const void *)bucket),
            _mm256_set1_epi32((int)sum));
        bool full = bucket[WR_FILTER_BUCKET - 1] != 0;
        if ((found != 0 || full) && wr_filter_has(filter, sum)) {
            *weak = sum;
            return at;
        }
    }
    return SIZE_MAX;
}

// ---------------------------------------------------------------------------
// The scan

typedef union scan_state {
    rabinkarp rabinkarp;
    rollsum rollsum;
} scan_state;

// Runs `groups` groups from `data` on.
AVX512_INLINE void run_round(wr_weak_kind kind, scan_state *s, size_t len,
                             const wr_filter *filter, const uint8_t *data,
                             size_t groups, scan_round *r) {
    const uint8_t *bits = filter->bits;
    const __m512i to_byte = _mm512_set1_epi32((int)filter->bits_shift);
    const __m512i to_pair =
        _mm512_set1_epi32((int)filter->bits_shift - WR_FILTER_PAIR_BITS);
    // Ahead of the first goes a group that is looked up, but never tested.
    scan_group group[3];
    memset(group[1].place, 0, sizeof group[1].place);
    scan_group *now = &group[0], *behind = &group[1], *last = &group[2];
    r->maybes = 0;
    for (size_t g = 0; g < groups; g++) {
        const uint8_t *at = data + g * GROUP;
        __m512i mix[VECTORS];
        if (kind == WR_WEAK_RABINKARP)
            rabinkarp_group(&s->rabinkarp, at, at + len, mix, bits, behind);
        else
            rollsum_group(&s->rollsum, at, at + len, mix, bits, behind);
#pragma GCC unroll 4
        for (unsigned j = 0; j < VECTORS; j++)
            _mm512_store_si512(r->mix + g * GROUP + LANES * j, mix[j]);
        aim(mix, to_byte, to_pair, now);
        if (g >= 2)
            keep_maybes(r, last, (g - 2) * GROUP);
        scan_group *done = last;
        last = behind;
        behind = now;
        now = done;
    }
    if (groups >= 2)
        keep_maybes(r, last, (groups - 2) * GROUP);
    for (unsigned k = 0; k < LOOK_UPS; k++)
        look_up(bits, behind, k);
    keep_maybes(r, behind, (groups - 1) * GROUP);
}

// Rounds begin short, since scans often end soon, and double.
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
    size_t at = from, most = 2;
    while (to - 1 - at >= GROUP) {
        size_t groups = (to - 1 - at) / GROUP;
        if (groups > most)
            groups = most;
        most = most < ROUND_GROUPS ? 2 * most : ROUND_GROUPS;
        run_round(kind, &s, roll->len, filter, data + at, groups, &r);
        size_t first = first_known(filter, &r, weak);
        if (first != SIZE_MAX)
            return at + 1 + first;
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
