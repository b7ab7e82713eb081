// SPDX-License-Identifier: MIT
//
// What every MD4 kernel shares: the constants of RFC 1320, the order of its 48
// steps, and the padding.
#ifndef WR_DELTA_MD4_H
#define WR_DELTA_MD4_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WR_MD4_BLOCK = 64, WR_MD4_SUM = 16 };

#define WR_MD4_A 0x67452301U
#define WR_MD4_B 0xefcdab89U
#define WR_MD4_C 0x98badcfeU
#define WR_MD4_D 0x10325476U
#define WR_MD4_ROUND2 0x5a827999U // sqrt(2)
#define WR_MD4_ROUND3 0x6ed9eba1U // sqrt(3)

// Four steps with the same shifts; STEP(a, b, c, d, word, shift).
#define WR_MD4_FOUR(STEP, k0, k1, k2, k3, s0, s1, s2, s3)                      \
    STEP(a, b, c, d, x[k0], s0)                                                \
    STEP(d, a, b, c, x[k1], s1)                                                \
    STEP(c, d, a, b, x[k2], s2)                                                \
    STEP(b, c, d, a, x[k3], s3)

#define WR_MD4_STEPS(FIRST, SECOND, THIRD)                                     \
    WR_MD4_FOUR(FIRST, 0, 1, 2, 3, 3, 7, 11, 19)                               \
    WR_MD4_FOUR(FIRST, 4, 5, 6, 7, 3, 7, 11, 19)                               \
    WR_MD4_FOUR(FIRST, 8, 9, 10, 11, 3, 7, 11, 19)                             \
    WR_MD4_FOUR(FIRST, 12, 13, 14, 15, 3, 7, 11, 19)                           \
    WR_MD4_FOUR(SECOND, 0, 4, 8, 12, 3, 5, 9, 13)                              \
    WR_MD4_FOUR(SECOND, 1, 5, 9, 13, 3, 5, 9, 13)                              \
    WR_MD4_FOUR(SECOND, 2, 6, 10, 14, 3, 5, 9, 13)                             \
    WR_MD4_FOUR(SECOND, 3, 7, 11, 15, 3, 5, 9, 13)                             \
    WR_MD4_FOUR(THIRD, 0, 8, 4, 12, 3, 9, 11, 15)                              \
    WR_MD4_FOUR(THIRD, 2, 10, 6, 14, 3, 9, 11, 15)                             \
    WR_MD4_FOUR(THIRD, 1, 9, 5, 13, 3, 9, 11, 15)                              \
    WR_MD4_FOUR(THIRD, 3, 11, 7, 15, 3, 9, 11, 15)

// Writes the padded end of a message of `len` bytes, whose last partial block
// begins at `tail`; returns how many blocks that is, 1 or 2.
static inline size_t wr_md4_pad(uint8_t end[2 * WR_MD4_BLOCK],
                                const uint8_t *tail, size_t len) {
    size_t rest = len % WR_MD4_BLOCK;
    size_t blocks = rest + 1 + 8 > WR_MD4_BLOCK ? 2 : 1;
    memset(end, 0, 2 * WR_MD4_BLOCK);
    if (rest > 0)
        memcpy(end, tail, rest);
    end[rest] = 0x80;
    uint64_t bits = (uint64_t)len * 8;
    for (unsigned i = 0; i < 8; i++)
        end[blocks * WR_MD4_BLOCK - 8 + i] = (uint8_t)(bits >> (8 * i));
    return blocks;
}

#endif
