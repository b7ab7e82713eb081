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
// The look-up in the filter is the larger half of the work. It is done with
// scalar loads, not a gather: many CPUs had their gather slowed down by
// microcode (2 clocks a lane and more); plain loads do not depend on that.
//
// Three groups are under way at once, each a stage behind the next: the sums of
// one, the look-ups of the one before, and the test of the one before that. So
// no stage waits for the memory operations of another, and as the sums need the
// vector units and the look-ups the load and store units, they share the time.
//
// The avx512 set uses this too. With registers of 512 bits the same scan was 14
// percent faster while the bitmap fits the first-level cache, but 15 percent
// slower from 128 KiB on (Skylake-X, bench/hash.c), and that is the usual size.
#include <immintrin.h>
#include <string.h>

#include "programs/delta/filter.h"
#include "programs/delta/kernels.h"
#include "programs/delta/rolling.h"

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))
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
    ROUND_GROUPS = 32,
    ROUND = ROUND_GROUPS * GROUP
};

// A group on its way through the stages. `place` is in the order of vectors and
// lanes, the bytes are in the order of positions.
typedef struct scan_group {
    _Alignas(32) uint64_t place[GROUP / 2]; // index in the bitmap, two and two
    _Alignas(32) uint8_t byte[GROUP];       // that byte
    _Alignas(32) uint8_t pair[GROUP];       // the two bits of it to look at
} scan_group;

// What a round of groups leaves behind.
typedef struct scan_round {
    _Alignas(32) uint32_t mix[ROUND]; // weak * WR_FILTER_MIX, as `place`
    uint16_t maybe[ROUND + 2];        // positions that passed, in order
    size_t maybes;
} scan_round;

// The second stage for positions 4k to 4k + 3 of a group, in the order of
// `place`; called between the operations of the first stage of the group behind
// it, because compilers and processors do not look far enough ahead to mix the
// two. Volatile, because compilers otherwise "vectorize" this into moving every
// index out of a register and every byte back into one, which is slower.
AVX2_INLINE void look_up(const uint8_t *bits, scan_group *group, unsigned k) {
    const volatile uint64_t *twos = group->place + 2 * k;
    volatile uint8_t *byte = group->byte + k / 2 + 2 * LANES * (k % 2);
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
                                 const uint8_t *in, __m256i mix[VECTORS],
                                 const uint8_t *bits, scan_group *behind) {
    __m256i leaving = load256(out), entering = load256(in);
    __m256i sum[VECTORS];
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        sum[j] = _mm256_sub_epi32(
            _mm256_mullo_epi32(byte_of(entering, j), s->in[j]),
            _mm256_mullo_epi32(byte_of(leaving, j), s->out[j]));
        look_up(bits, behind, j);
        if (j > 0)
            sum[j] = _mm256_add_epi32(sum[j], sum[j - 1]);
    }
    __m256i lanes = sum[VECTORS - 1];
    lanes = _mm256_add_epi32(lanes, LANES_UP(lanes, 1));
    lanes = _mm256_add_epi32(lanes, LANES_UP(lanes, 2));
    look_up(bits, behind, 4);
    lanes = _mm256_add_epi32(lanes, lanes_up_4(lanes));
    look_up(bits, behind, 5);
    __m256i before = _mm256_add_epi32(s->base, LANES_UP(lanes, 1));
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        __m256i g =
            _mm256_mullo_epi32(_mm256_add_epi32(before, sum[j]), s->up[j]);
        if (j % 2 == 1)
            look_up(bits, behind, 6 + j / 2);
        mix[j] = _mm256_add_epi32(g, s->mixed);
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
                               const uint8_t *in, __m256i mix[VECTORS],
                               const uint8_t *bits, scan_group *behind) {
    __m256i leaving = load256(out), entering = load256(in);
    __m256i run[VECTORS], sum = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        __m256i byte = byte_of(leaving, j);
        sum = add16(sum, _mm256_sub_epi16(byte_of(entering, j), byte));
        sum = add16(sum, S1_TIMES(sum, 0));
        byte = _mm256_slli_epi32(_mm256_mullo_epi16(byte, s->len), 16);
        look_up(bits, behind, j);
        run[j] = sum = _mm256_sub_epi16(sum, byte);
    }
    __m256i lanes = JOIN(sum, LANES_UP(sum, 1), 0);
    lanes = JOIN(lanes, LANES_UP(lanes, 2), 1);
    look_up(bits, behind, 4);
    lanes = JOIN(lanes, lanes_up_4(lanes), 2);
    look_up(bits, behind, 5);
    __m256i before = add16(s->base, LANES_UP(lanes, 1));
    before = add16(before, _mm256_mullo_epi16(S1_TIMES(s->base, 0), s->lane));
    __m256i step = S1_TIMES(before, 0), weak = before;
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        before = add16(before, step);
        weak = add16(add16(before, run[j]), s->offset[j]);
        if (j % 2 == 1)
            look_up(bits, behind, 6 + j / 2);
        mix[j] = times(weak, WR_FILTER_MIX);
    }
    s->base = last_lane(weak);
}

// ---------------------------------------------------------------------------
// The filter

// The end of the first stage: where to look, and for what.
AVX2_INLINE void aim(const __m256i mix[VECTORS], __m256i to_byte,
                     __m256i to_pair, scan_group *group) {
    const __m256i four = _mm256_set1_epi32(0x0f);
    const __m256i pairs = _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)wr_filter_pairs));
    __m256i chosen = _mm256_setzero_si256();
    // The four bits that choose the pair, moved to byte j of the lane.
#pragma GCC unroll 4
    for (unsigned j = 0; j < VECTORS; j++) {
        store256(group->place + LANES / 2 * j,
                 _mm256_srlv_epi32(mix[j], to_byte));
        __m256i bits =
            _mm256_and_si256(_mm256_srlv_epi32(mix[j], to_pair), four);
        chosen = _mm256_or_si256(chosen, _mm256_slli_epi32(bits, 8 * (int)j));
    }
    store256(group->pair, _mm256_shuffle_epi8(pairs, chosen));
}

// The third stage: keeps the positions whose two bits are set. The first two
// are written whether there are so many or not, which costs less than a branch
// on a random number.
AVX2_INLINE void keep_maybes(scan_round *r, const scan_group *group,
                             size_t first) {
    __m256i byte = load256(group->byte), pair = load256(group->pair);
    __m256i both = _mm256_cmpeq_epi8(_mm256_and_si256(byte, pair), pair);
    uint32_t mask = (uint32_t)_mm256_movemask_epi8(both);
    uint16_t *at = r->maybe + r->maybes;
    r->maybes += (size_t)__builtin_popcount(mask);
    do {
#pragma GCC unroll 2
        for (unsigned i = 0; i < 2; i++) {
            *at++ = (uint16_t)(first + _tzcnt_u32(mask));
            mask &= mask - 1;
        }
    } while (mask != 0);
}

// The first position of the round that is truly known, or SIZE_MAX. Nearly none
// is, so one comparison with its bucket settles nearly all.
AVX2 static size_t first_known(const wr_filter *filter, const scan_round *r,
                               uint32_t *weak) {
    for (size_t i = 0; i < r->maybes; i++) {
        size_t at = r->maybe[i], group = at / GROUP * GROUP;
        size_t vector = at % VECTORS, lane = at % GROUP / VECTORS;
        uint32_t sum = r->mix[group + LANES * vector + lane] * WR_FILTER_UNMIX;
        const uint32_t *bucket =
            filter->slots + WR_FILTER_BUCKET * wr_filter_bucket(filter, sum);
        __m256i found =
            _mm256_cmpeq_epi32(load256(bucket), _mm256_set1_epi32((int)sum));
        bool full = bucket[WR_FILTER_BUCKET - 1] != 0;
        if ((full || !_mm256_testz_si256(found, found)) &&
            wr_filter_has(filter, sum)) {
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
AVX2_INLINE void run_round(wr_weak_kind kind, scan_state *s, size_t len,
                           const wr_filter *filter, const uint8_t *data,
                           size_t groups, scan_round *r) {
    const uint8_t *bits = filter->bits;
    const __m256i to_byte = _mm256_set1_epi32((int)filter->bits_shift);
    const __m256i to_pair =
        _mm256_set1_epi32((int)filter->bits_shift - WR_FILTER_PAIR_BITS);
    // Ahead of the first goes a group that is looked up, but never tested.
    scan_group group[3];
    memset(group[1].place, 0, sizeof group[1].place);
    scan_group *now = &group[0], *behind = &group[1], *last = &group[2];
    r->maybes = 0;
    for (size_t g = 0; g < groups; g++) {
        const uint8_t *at = data + g * GROUP;
        __m256i mix[VECTORS];
        if (kind == WR_WEAK_RABINKARP)
            rabinkarp_group(&s->rabinkarp, at, at + len, mix, bits, behind);
        else
            rollsum_group(&s->rollsum, at, at + len, mix, bits, behind);
#pragma GCC unroll 4
        for (unsigned j = 0; j < VECTORS; j++)
            store256(r->mix + g * GROUP + LANES * j, mix[j]);
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
