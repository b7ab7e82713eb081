// SPDX-License-Identifier: MIT
//
// MD4 (RFC 1320), one buffer at a time: the reference for the wider kernels,
// and what they fall back to for a single buffer.
#include "programs/delta/md4.h"

#include "programs/delta/kernels.h"

static uint32_t load32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

static inline uint32_t rotate(uint32_t value, unsigned bits) {
    return value << bits | value >> (32 - bits);
}

// Choose and majority are written so that the part with b, which comes from
// the step before, is the last to be needed.
#define FIRST(a, b, c, d, word, shift)                                         \
    a = rotate(a + (word) + (d ^ (b & (c ^ d))), shift);
#define SECOND(a, b, c, d, word, shift)                                        \
    a = rotate(a + (word) + WR_MD4_ROUND2 + ((b & (c | d)) | (c & d)), shift);
#define THIRD(a, b, c, d, word, shift)                                         \
    a = rotate(a + (word) + WR_MD4_ROUND3 + (b ^ (c ^ d)), shift);

static void compress(uint32_t h[4], const uint8_t *block) {
    uint32_t x[16];
    for (unsigned i = 0; i < 16; i++)
        x[i] = load32(block + 4 * (size_t)i);
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3];
    WR_MD4_STEPS(FIRST, SECOND, THIRD)
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
}

void wr_md4_portable(const uint8_t *const *data, size_t len,
                     uint8_t (*out)[WR_STRONG_MAX]) {
    uint32_t h[4] = {WR_MD4_A, WR_MD4_B, WR_MD4_C, WR_MD4_D};
    size_t whole = len - len % WR_MD4_BLOCK;
    for (size_t done = 0; done < whole; done += WR_MD4_BLOCK)
        compress(h, data[0] + done);

    uint8_t end[2 * WR_MD4_BLOCK];
    size_t blocks = wr_md4_pad(end, whole < len ? data[0] + whole : NULL, len);
    for (size_t i = 0; i < blocks; i++)
        compress(h, end + i * WR_MD4_BLOCK);

    for (unsigned i = 0; i < WR_MD4_SUM; i++)
        out[0][i] = (uint8_t)(h[i / 4] >> (8 * (i % 4)));
}
