// SPDX-License-Identifier: MIT
//
// BLAKE2b-256, unkeyed (RFC 7693), one buffer at a time: the reference for the
// wider kernels, and what they fall back to for a single buffer.
#include "programs/delta/blake2b.h"

#include <string.h>

#include "programs/delta/kernels.h"

// Spelled out, so that compilers see that it is one load.
static inline uint64_t load64(const uint8_t *at) {
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 |
           (uint64_t)at[3] << 24 | (uint64_t)at[4] << 32 |
           (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 |
           (uint64_t)at[7] << 56;
}

static void store64(uint8_t *at, uint64_t value) {
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t rotate(uint64_t value, unsigned bits) {
    return value >> bits | value << (64 - bits);
}

#define A(a, b, d, word)                                                       \
    a = a + word + b;                                                          \
    d = d ^ a;                                                                 \
    d = rotate(d, 32);
#define B(b, c, d)                                                             \
    c = c + d;                                                                 \
    b = b ^ c;                                                                 \
    b = rotate(b, 24);
#define C(a, b, d, word)                                                       \
    a = a + word + b;                                                          \
    d = d ^ a;                                                                 \
    d = rotate(d, 16);
#define D(b, c, d)                                                             \
    c = c + d;                                                                 \
    b = b ^ c;                                                                 \
    b = rotate(b, 63);

// `total` is the number of bytes so far, this block included; `last` is all
// ones for the last block, else 0.
static void compress(uint64_t h[8], const uint8_t *block, uint64_t total,
                     uint64_t last) {
    uint64_t m[16], v[16];
#pragma GCC unroll 16
    for (unsigned i = 0; i < 16; i++)
        m[i] = load64(block + 8 * (size_t)i);
    memcpy(v, h, 8 * sizeof *v);
    memcpy(v + 8, wr_blake2b_iv, sizeof wr_blake2b_iv);
    v[12] ^= total;
    v[14] ^= last;
    WR_BLAKE2B_ROUNDS(WR_BLAKE2B_ROUND)
    for (unsigned i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

void wr_blake2b_portable(const uint8_t *const *data, size_t len,
                         uint8_t (*out)[WR_STRONG_MAX]) {
    uint64_t h[8];
    memcpy(h, wr_blake2b_iv, sizeof h);
    h[0] ^= WR_BLAKE2B_PARAMETERS;

    const uint8_t *at = data[0];
    size_t done = 0;
    for (; len - done > WR_BLAKE2B_BLOCK; done += WR_BLAKE2B_BLOCK)
        compress(h, at + done, done + WR_BLAKE2B_BLOCK, 0);

    // The last block is padded with zeros; an empty buffer is one such block.
    uint8_t block[WR_BLAKE2B_BLOCK] = {0};
    if (len > done)
        memcpy(block, at + done, len - done);
    compress(h, block, len, UINT64_MAX);

    for (unsigned i = 0; i < WR_BLAKE2B_SUM / 8; i++)
        store64(out[0] + 8 * (size_t)i, h[i]);
}
