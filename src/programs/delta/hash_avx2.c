// SPDX-License-Identifier: MIT
//
// Strong sums of 4 (BLAKE2b) or 8 (MD4) buffers at once, one per lane of a
// 256-bit register, and the weak sums of one buffer. No compiler flag is
// needed, the functions carry their target. For the pragmas see hash_avx512.c.
#include <immintrin.h>

#include "programs/delta/blake2b.h"
#include "programs/delta/kernels.h"
#include "programs/delta/md4.h"
#include "programs/delta/rolling.h"

#define AVX2 __attribute__((target("avx2")))
#define AVX2_INLINE AVX2 __attribute__((always_inline)) static inline

enum { BLAKE2B_LANES = 4, MD4_LANES = 8 };

AVX2_INLINE __m256i load256(const void *at) {
    return _mm256_loadu_si256((const __m256i *)at);
}

// ---------------------------------------------------------------------------
// BLAKE2b

// Turns 4 rows of 4 words into their columns.
AVX2_INLINE void transpose_4x4(__m256i r[4]) {
    __m256i even01 = _mm256_unpacklo_epi64(r[0], r[1]);
    __m256i odd01 = _mm256_unpackhi_epi64(r[0], r[1]);
    __m256i even23 = _mm256_unpacklo_epi64(r[2], r[3]);
    __m256i odd23 = _mm256_unpackhi_epi64(r[2], r[3]);
    r[0] = _mm256_permute2x128_si256(even01, even23, 0x20);
    r[1] = _mm256_permute2x128_si256(odd01, odd23, 0x20);
    r[2] = _mm256_permute2x128_si256(even01, even23, 0x31);
    r[3] = _mm256_permute2x128_si256(odd01, odd23, 0x31);
}

// AVX2 cannot rotate, but a rotation by whole bytes is a shuffle.
#define ROTATE_32(value) _mm256_shuffle_epi32(value, 0xb1)
#define ROTATE_24(value) _mm256_shuffle_epi8(value, by_24)
#define ROTATE_16(value) _mm256_shuffle_epi8(value, by_16)
#define ROTATE_63(value)                                                       \
    _mm256_or_si256(_mm256_srli_epi64(value, 63),                              \
                    _mm256_add_epi64(value, value))

#define A(a, b, d, word)                                                       \
    a = _mm256_add_epi64(_mm256_add_epi64(a, word), b);                        \
    d = _mm256_xor_si256(d, a);                                                \
    d = ROTATE_32(d);
#define B(b, c, d)                                                             \
    c = _mm256_add_epi64(c, d);                                                \
    b = _mm256_xor_si256(b, c);                                                \
    b = ROTATE_24(b);
#define C(a, b, d, word)                                                       \
    a = _mm256_add_epi64(_mm256_add_epi64(a, word), b);                        \
    d = _mm256_xor_si256(d, a);                                                \
    d = ROTATE_16(d);
#define D(b, c, d)                                                             \
    c = _mm256_add_epi64(c, d);                                                \
    b = _mm256_xor_si256(b, c);                                                \
    b = ROTATE_63(b);

// One block of every lane, at data[lane] + offset. See compress in blake2b.c.
AVX2_INLINE void blake2b_compress(__m256i h[8], const uint8_t *const *data,
                                  size_t offset, uint64_t total,
                                  uint64_t last) {
    const __m256i by_24 =
        _mm256_setr_epi8(3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10,
                         3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
    const __m256i by_16 =
        _mm256_setr_epi8(2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9,
                         2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
    __m256i m[16], v[16];
#pragma GCC unroll 4
    for (unsigned part = 0; part < 4; part++) {
#pragma GCC unroll 8
        for (unsigned lane = 0; lane < BLAKE2B_LANES; lane++)
            m[4 * part + lane] =
                load256(data[lane] + offset + 32 * (size_t)part);
        transpose_4x4(m + 4 * part);
    }
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++) {
        v[i] = h[i];
        v[i + 8] = _mm256_set1_epi64x((long long)wr_blake2b_iv[i]);
    }
    v[12] = _mm256_xor_si256(v[12], _mm256_set1_epi64x((long long)total));
    v[14] = _mm256_xor_si256(v[14], _mm256_set1_epi64x((long long)last));
    WR_BLAKE2B_ROUNDS(WR_BLAKE2B_ROUND)
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i++)
        h[i] = _mm256_xor_si256(h[i], _mm256_xor_si256(v[i], v[i + 8]));
}

AVX2 void wr_blake2b_avx2(const uint8_t *const *data, size_t len,
                          uint8_t (*out)[WR_STRONG_MAX]) {
    __m256i h[8];
    for (unsigned i = 0; i < 8; i++)
        h[i] = _mm256_set1_epi64x((long long)wr_blake2b_iv[i]);
    h[0] = _mm256_xor_si256(h[0], _mm256_set1_epi64x(WR_BLAKE2B_PARAMETERS));

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

    // The first four words of every lane are its 32 bytes.
    transpose_4x4(h);
    for (unsigned i = 0; i < BLAKE2B_LANES; i++)
        _mm256_storeu_si256((__m256i *)(void *)out[i], h[i]);
}

// ---------------------------------------------------------------------------
// MD4

// Turns 8 rows of 8 words into their columns.
AVX2_INLINE void transpose_8x8(__m256i r[8]) {
    __m256i pair[8], quad[8];
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i += 2) {
        pair[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        pair[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
    // quad[4g + j]: words j and 4 + j of rows 4g .. 4g + 3.
#pragma GCC unroll 8
    for (unsigned i = 0; i < 8; i += 4) {
        quad[i] = _mm256_unpacklo_epi64(pair[i], pair[i + 2]);
        quad[i + 1] = _mm256_unpackhi_epi64(pair[i], pair[i + 2]);
        quad[i + 2] = _mm256_unpacklo_epi64(pair[i + 1], pair[i + 3]);
        quad[i + 3] = _mm256_unpackhi_epi64(pair[i + 1], pair[i + 3]);
    }
#pragma GCC unroll 4
    for (unsigned j = 0; j < 4; j++) {
        r[j] = _mm256_permute2x128_si256(quad[j], quad[4 + j], 0x20);
        r[4 + j] = _mm256_permute2x128_si256(quad[j], quad[4 + j], 0x31);
    }
}

#define ROTATE_LEFT(value, shift)                                              \
    _mm256_or_si256(_mm256_slli_epi32(value, shift),                           \
                    _mm256_srli_epi32(value, 32 - (shift)))
#define STEP(function, a, word, shift)                                         \
    a = _mm256_add_epi32(_mm256_add_epi32(a, word), function);                 \
    a = ROTATE_LEFT(a, shift);
#define CHOOSE(b, c, d)                                                        \
    _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)))
#define MAJORITY(b, c, d)                                                      \
    _mm256_or_si256(_mm256_and_si256(b, _mm256_or_si256(c, d)),                \
                    _mm256_and_si256(c, d))
#define FIRST(a, b, c, d, word, shift) STEP(CHOOSE(b, c, d), a, word, shift)
#define SECOND(a, b, c, d, word, shift)                                        \
    STEP(MAJORITY(b, c, d), a, _mm256_add_epi32(word, round2), shift)
#define THIRD(a, b, c, d, word, shift)                                         \
    STEP(_mm256_xor_si256(b, _mm256_xor_si256(c, d)), a,                       \
         _mm256_add_epi32(word, round3), shift)

AVX2_INLINE void md4_compress(__m256i h[4], const uint8_t *const *data,
                              size_t offset) {
    const __m256i round2 = _mm256_set1_epi32((int)WR_MD4_ROUND2);
    const __m256i round3 = _mm256_set1_epi32((int)WR_MD4_ROUND3);
    __m256i x[16];
#pragma GCC unroll 16
    for (unsigned i = 0; i < MD4_LANES; i++) {
        x[i] = load256(data[i] + offset);
        x[i + 8] = load256(data[i] + offset + 32);
    }
    transpose_8x8(x);
    transpose_8x8(x + 8);
    __m256i a = h[0], b = h[1], c = h[2], d = h[3];
    WR_MD4_STEPS(FIRST, SECOND, THIRD)
    h[0] = _mm256_add_epi32(h[0], a);
    h[1] = _mm256_add_epi32(h[1], b);
    h[2] = _mm256_add_epi32(h[2], c);
    h[3] = _mm256_add_epi32(h[3], d);
}

AVX2 void wr_md4_avx2(const uint8_t *const *data, size_t len,
                      uint8_t (*out)[WR_STRONG_MAX]) {
    __m256i h[4] = {
        _mm256_set1_epi32((int)WR_MD4_A), _mm256_set1_epi32((int)WR_MD4_B),
        _mm256_set1_epi32((int)WR_MD4_C), _mm256_set1_epi32((int)WR_MD4_D)};

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
        _mm256_storeu_si256((__m256i *)(void *)words[i], h[i]);
    for (unsigned lane = 0; lane < MD4_LANES; lane++)
        for (unsigned i = 0; i < 4; i++)
            memcpy(out[lane] + 4 * (size_t)i, &words[i][lane], 4);
}

// ---------------------------------------------------------------------------
// Weak sums of one buffer

AVX2_INLINE uint32_t sum_of_lanes(__m256i value) {
    uint32_t lanes[8], sum = 0;
    _mm256_storeu_si256((__m256i *)(void *)lanes, value);
    for (unsigned i = 0; i < 8; i++)
        sum += lanes[i];
    return sum;
}

// Byte i goes to lane i % 64, and each lane steps by M^64.
AVX2 uint32_t wr_rabinkarp_avx2(const uint8_t *data, size_t len) {
    enum { STEP_BYTES = 64, PARTS = 8 };
    const __m256i m64 = _mm256_set1_epi32((int)WR_RABINKARP_M64);
    const __m256i m8 = _mm256_set1_epi32((int)WR_RABINKARP_M8);
    size_t whole = len - len % STEP_BYTES;
    __m256i sum[PARTS];
#pragma GCC unroll 8
    for (unsigned k = 0; k < PARTS; k++)
        sum[k] = _mm256_setzero_si256();
    for (size_t i = 0; i < whole; i += STEP_BYTES)
#pragma GCC unroll 8
        for (unsigned k = 0; k < PARTS; k++) {
            const uint8_t *at = data + i + 8 * (size_t)k;
            __m256i bytes = _mm256_cvtepu8_epi32(
                _mm_loadl_epi64((const __m128i *)(const void *)at));
            sum[k] = _mm256_add_epi32(_mm256_mullo_epi32(sum[k], m64), bytes);
        }
#pragma GCC unroll 8
    for (unsigned k = 1; k < PARTS; k++)
        sum[k] = _mm256_add_epi32(_mm256_mullo_epi32(sum[k - 1], m8), sum[k]);
    uint32_t result = sum_of_lanes(_mm256_mullo_epi32(
                          sum[PARTS - 1], load256(wr_rabinkarp_lanes16 + 8))) +
                      wr_power(WR_RABINKARP_M, whole);
    for (size_t i = whole; i < len; i++)
        result = result * WR_RABINKARP_M + data[i];
    return result;
}

// Of 32 bytes, s1 grows by their sum, and s2 by 32 times the s1 before them
// plus the sum of (32 - i) * c[i]. The offset of 31 a byte is added at the end.
AVX2 uint32_t wr_rollsum_avx2(const uint8_t *data, size_t len) {
    enum { STEP_BYTES = 32 };
    const __m256i weights = _mm256_setr_epi8(
        32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15,
        14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1);
    const __m256i ones = _mm256_set1_epi16(1), zero = _mm256_setzero_si256();
    __m256i sums = zero, before = zero, weighted = zero;
    size_t whole = len - len % STEP_BYTES;
    for (size_t i = 0; i < whole; i += STEP_BYTES) {
        __m256i bytes = load256(data + i);
        before = _mm256_add_epi32(before, sums);
        sums = _mm256_add_epi32(sums, _mm256_sad_epu8(bytes, zero));
        weighted = _mm256_add_epi32(
            weighted,
            _mm256_madd_epi16(_mm256_maddubs_epi16(bytes, weights), ones));
    }
    // Only 16 bits of each count, so that all of this may wrap.
    size_t offsets = whole / 2 * (whole + 1); // whole is even
    uint32_t s1 = sum_of_lanes(sums) + WR_ROLLSUM_OFFSET * (uint32_t)whole;
    uint32_t s2 = STEP_BYTES * sum_of_lanes(before) + sum_of_lanes(weighted) +
                  WR_ROLLSUM_OFFSET * (uint32_t)offsets;
    for (size_t i = whole; i < len; i++) {
        s1 += data[i] + (uint32_t)WR_ROLLSUM_OFFSET;
        s2 += s1;
    }
    return s2 << 16 | (s1 & 0xffff);
}
