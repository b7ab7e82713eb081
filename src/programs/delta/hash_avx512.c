// SPDX-License-Identifier: MIT
//
// Strong sums of 8 (BLAKE2b) or 16 (MD4) buffers at once, one per lane of a
// 512-bit register, and the RabinKarp sum of one buffer, 128 bytes at a time.
// Needs AVX-512 F, BW, DQ and VL; no compiler flag, the functions carry the
// target.
//
// The pragmas are for compilers that at -O2 keep even short loops: only
// unrolled do these arrays live in registers.
#include <immintrin.h>

#include "programs/delta/blake2b.h"
#include "programs/delta/kernels.h"
#include "programs/delta/md4.h"
#include "programs/delta/rolling.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define AVX512_INLINE AVX512 __attribute__((always_inline)) static inline

enum { BLAKE2B_LANES = 8, MD4_LANES = 16 };

// ---------------------------------------------------------------------------
// BLAKE2b

// Turns 8 rows of 8 words into their columns: row i is then word i of all.
AVX512_INLINE void transpose_8x8(__m512i r[8]) {
    __m512i pair[8], quad[8];
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i += 2) {
        pair[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
        pair[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
    }
    // quad[i]: 128-bit pieces 0 and 2 (i < 2, 4 <= i < 6) or 1 and 3 of both.
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i += 4) {
        quad[i] = _mm512_shuffle_i64x2(pair[i], pair[i + 2], 0x88);
        quad[i + 1] = _mm512_shuffle_i64x2(pair[i + 1], pair[i + 3], 0x88);
        quad[i + 2] = _mm512_shuffle_i64x2(pair[i], pair[i + 2], 0xdd);
        quad[i + 3] = _mm512_shuffle_i64x2(pair[i + 1], pair[i + 3], 0xdd);
    }
#pragma GCC unroll 4
    for (unsigned i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i64x2(quad[i], quad[i + 4], 0x88);
        r[i + 4] = _mm512_shuffle_i64x2(quad[i], quad[i + 4], 0xdd);
    }
}

#define A(a, b, d, word)                                                       \
    a = _mm512_add_epi64(_mm512_add_epi64(a, word), b);                        \
    d = _mm512_xor_si512(d, a);                                                \
    d = _mm512_ror_epi64(d, 32);
#define B(b, c, d)                                                             \
    c = _mm512_add_epi64(c, d);                                                \
    b = _mm512_xor_si512(b, c);                                                \
    b = _mm512_ror_epi64(b, 24);
#define C(a, b, d, word)                                                       \
    a = _mm512_add_epi64(_mm512_add_epi64(a, word), b);                        \
    d = _mm512_xor_si512(d, a);                                                \
    d = _mm512_ror_epi64(d, 16);
#define D(b, c, d)                                                             \
    c = _mm512_add_epi64(c, d);                                                \
    b = _mm512_xor_si512(b, c);                                                \
    b = _mm512_ror_epi64(b, 63);

// One block of every lane, at data[lane] + offset. See compress in blake2b.c.
AVX512_INLINE void blake2b_compress(__m512i h[8], const uint8_t *const *data,
                                    size_t offset, uint64_t total,
                                    uint64_t last) {
    __m512i m[16], v[16];
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++) {
        m[i] = _mm512_loadu_si512(data[i] + offset);
        m[i + 8] = _mm512_loadu_si512(data[i] + offset + 64);
    }
    transpose_8x8(m);
    transpose_8x8(m + 8);
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = _mm512_set1_epi64((long long)wr_blake2b_iv[i]);
    }
    v[12] = _mm512_xor_si512(v[12], _mm512_set1_epi64((long long)total));
    v[14] = _mm512_xor_si512(v[14], _mm512_set1_epi64((long long)last));
    WR_BLAKE2B_ROUNDS(WR_BLAKE2B_ROUND)
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++)
        h[i] = _mm512_ternarylogic_epi64(h[i], v[i], v[i + 8], 0x96); // xor
}

AVX512 void wr_blake2b_avx512(const uint8_t *const *data, size_t len,
                              uint8_t (*out)[WR_STRONG_MAX]) {
    __m512i h[8];
    for (unsigned i = 0; i < 8; i++)
        h[i] = _mm512_set1_epi64((long long)wr_blake2b_iv[i]);
    h[0] = _mm512_xor_si512(h[0], _mm512_set1_epi64(WR_BLAKE2B_PARAMETERS));

    uint8_t ends[BLAKE2B_LANES][WR_BLAKE2B_BLOCK] = {{0}};
    const uint8_t *end[BLAKE2B_LANES];
    size_t before_end = len == 0 ? 0 : (len - 1) / WR_BLAKE2B_BLOCK;
    before_end *= WR_BLAKE2B_BLOCK;
    for (unsigned i = 0; i < BLAKE2B_LANES; i++) {
        if (len > 0)
            memcpy(ends[i], data[i] + before_end, len - before_end);
        end[i] = ends[i];
    }

    // One call for all blocks, since the unrolled rounds are 9 KiB of code.
    for (size_t done = 0; done <= before_end; done += WR_BLAKE2B_BLOCK) {
        bool last = done == before_end;
        blake2b_compress(h, last ? end : data, last ? 0 : done,
                         last ? len : done + WR_BLAKE2B_BLOCK,
                         last ? UINT64_MAX : 0);
    }

    transpose_8x8(h);
    for (unsigned i = 0; i < BLAKE2B_LANES; i++)
        _mm256_storeu_si256((__m256i *)(void *)out[i],
                            _mm512_castsi512_si256(h[i]));
}

// ---------------------------------------------------------------------------
// MD4

// Turns 16 rows of 16 words into their columns.
AVX512_INLINE void transpose_16x16(__m512i r[16]) {
    __m512i pair[16], quad[16];
#pragma GCC unroll 16
    for (unsigned i = 0; i < 16; i += 2) {
        pair[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        pair[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    // quad[4g + j]: words j, 4 + j, 8 + j and 12 + j of rows 4g .. 4g + 3.
#pragma GCC unroll 16
    for (unsigned i = 0; i < 16; i += 4) {
        quad[i] = _mm512_unpacklo_epi64(pair[i], pair[i + 2]);
        quad[i + 1] = _mm512_unpackhi_epi64(pair[i], pair[i + 2]);
        quad[i + 2] = _mm512_unpacklo_epi64(pair[i + 1], pair[i + 3]);
        quad[i + 3] = _mm512_unpackhi_epi64(pair[i + 1], pair[i + 3]);
    }
#pragma GCC unroll 4
    for (unsigned j = 0; j < 4; j++) {
        __m512i low_even = _mm512_shuffle_i32x4(quad[j], quad[4 + j], 0x88);
        __m512i low_odd = _mm512_shuffle_i32x4(quad[j], quad[4 + j], 0xdd);
        __m512i high_even =
            _mm512_shuffle_i32x4(quad[8 + j], quad[12 + j], 0x88);
        __m512i high_odd =
            _mm512_shuffle_i32x4(quad[8 + j], quad[12 + j], 0xdd);
        r[j] = _mm512_shuffle_i32x4(low_even, high_even, 0x88);
        r[4 + j] = _mm512_shuffle_i32x4(low_odd, high_odd, 0x88);
        r[8 + j] = _mm512_shuffle_i32x4(low_even, high_even, 0xdd);
        r[12 + j] = _mm512_shuffle_i32x4(low_odd, high_odd, 0xdd);
    }
}

// The immediates are truth tables: choose c or d by b, majority, parity.
#define STEP(table, constant, a, b, c, d, word, shift)                         \
    a = _mm512_add_epi32(                                                      \
        _mm512_add_epi32(a, _mm512_add_epi32(word, constant)),                 \
        _mm512_ternarylogic_epi32(b, c, d, table));                            \
    a = _mm512_rol_epi32(a, shift);
#define FIRST(a, b, c, d, word, shift)                                         \
    a = _mm512_add_epi32(_mm512_add_epi32(a, word),                            \
                         _mm512_ternarylogic_epi32(b, c, d, 0xca));            \
    a = _mm512_rol_epi32(a, shift);
#define SECOND(a, b, c, d, word, shift)                                        \
    STEP(0xe8, round2, a, b, c, d, word, shift)
#define THIRD(a, b, c, d, word, shift)                                         \
    STEP(0x96, round3, a, b, c, d, word, shift)

AVX512_INLINE void md4_compress(__m512i h[4], const uint8_t *const *data,
                                size_t offset) {
    const __m512i round2 = _mm512_set1_epi32((int)WR_MD4_ROUND2);
    const __m512i round3 = _mm512_set1_epi32((int)WR_MD4_ROUND3);
    __m512i x[16];
#pragma GCC unroll 16
    for (unsigned i = 0; i < MD4_LANES; i++)
        x[i] = _mm512_loadu_si512(data[i] + offset);
    transpose_16x16(x);
    __m512i a = h[0], b = h[1], c = h[2], d = h[3];
    WR_MD4_STEPS(FIRST, SECOND, THIRD)
    h[0] = _mm512_add_epi32(h[0], a);
    h[1] = _mm512_add_epi32(h[1], b);
    h[2] = _mm512_add_epi32(h[2], c);
    h[3] = _mm512_add_epi32(h[3], d);
}

AVX512 void wr_md4_avx512(const uint8_t *const *data, size_t len,
                          uint8_t (*out)[WR_STRONG_MAX]) {
    __m512i h[4] = {
        _mm512_set1_epi32((int)WR_MD4_A), _mm512_set1_epi32((int)WR_MD4_B),
        _mm512_set1_epi32((int)WR_MD4_C), _mm512_set1_epi32((int)WR_MD4_D)};

    size_t whole = len - len % WR_MD4_BLOCK, blocks = 0;
    uint8_t ends[MD4_LANES][2 * WR_MD4_BLOCK];
    const uint8_t *end[MD4_LANES];
    for (unsigned i = 0; i < MD4_LANES; i++) {
        blocks = wr_md4_pad(ends[i], whole < len ? data[i] + whole : NULL, len);
        end[i] = ends[i];
    }

    for (size_t done = 0; done < whole; done += WR_MD4_BLOCK)
        md4_compress(h, data, done);
    for (size_t i = 0; i < blocks; i++)
        md4_compress(h, end, i * WR_MD4_BLOCK);

    uint32_t words[4][MD4_LANES];
    for (unsigned i = 0; i < 4; i++)
        _mm512_storeu_si512(words[i], h[i]);
    for (unsigned lane = 0; lane < MD4_LANES; lane++)
        for (unsigned i = 0; i < 4; i++)
            memcpy(out[lane] + 4 * (size_t)i, &words[i][lane], 4);
}

// ---------------------------------------------------------------------------
// RabinKarp of one buffer: byte i goes to lane i % 128 of 8 registers, and
// each lane steps by M^128.

AVX512 uint32_t wr_rabinkarp_avx512(const uint8_t *data, size_t len) {
    enum { STEP_BYTES = 128, PARTS = 8 };
    const __m512i m128 = _mm512_set1_epi32((int)WR_RABINKARP_M128);
    const __m512i m16 = _mm512_set1_epi32((int)WR_RABINKARP_M16);
    size_t whole = len - len % STEP_BYTES;
    __m512i sum[PARTS];
#pragma GCC unroll 8
    for (unsigned k = 0; k < PARTS; k++)
        sum[k] = _mm512_setzero_si512();
    for (size_t i = 0; i < whole; i += STEP_BYTES)
#pragma GCC unroll 8
        for (unsigned k = 0; k < PARTS; k++) {
            const uint8_t *at = data + i + 16 * (size_t)k;
            __m512i bytes = _mm512_cvtepu8_epi32(
                _mm_loadu_si128((const __m128i *)(const void *)at));
            sum[k] = _mm512_add_epi32(_mm512_mullo_epi32(sum[k], m128), bytes);
        }
#pragma GCC unroll 8
    for (unsigned k = 1; k < PARTS; k++)
        sum[k] = _mm512_add_epi32(_mm512_mullo_epi32(sum[k - 1], m16), sum[k]);
    sum[PARTS - 1] = _mm512_mullo_epi32(
        sum[PARTS - 1], _mm512_loadu_si512(wr_rabinkarp_lanes16));
    uint32_t lanes[16], result = wr_power(WR_RABINKARP_M, whole);
    _mm512_storeu_si512(lanes, sum[PARTS - 1]);
#pragma GCC unroll 16
    for (unsigned i = 0; i < 16; i++)
        result += lanes[i];
    for (size_t i = whole; i < len; i++)
        result = result * WR_RABINKARP_M + data[i];
    return result;
}
