// SPDX-License-Identifier: MIT
//
// What every BLAKE2b kernel shares: the constants of RFC 7693 and the order in
// which the twelve rounds take the message words.
#ifndef WR_DELTA_BLAKE2B_H
#define WR_DELTA_BLAKE2B_H

#include <stdint.h>

enum { WR_BLAKE2B_BLOCK = 128, WR_BLAKE2B_SUM = 32 };

static const uint64_t wr_blake2b_iv[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

// First word of the parameter block: 32 bytes of sum, no key, fanout 1,
// depth 1.
#define WR_BLAKE2B_PARAMETERS 0x01010020U

// RFC 7693, 2.7: rounds 10 and 11 use the schedules of 0 and 1 again.
#define WR_BLAKE2B_ROUNDS(ROUND)                                               \
    ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)                \
    ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)                \
    ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)                \
    ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)                \
    ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)                \
    ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)                \
    ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)                \
    ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)                \
    ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)                \
    ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)                \
    ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)                \
    ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)

// Four mixing functions side by side, step by step, so that neighbours do not
// wait for one another. The kernel gives the steps: A(a, b, d, word) and
// C(a, b, d, word) add to a and turn d, B(b, c, d) and D(b, c, d) add to c and
// turn b; by 32, 24, 16 and 63 bits.
#define WR_BLAKE2B_MIX(b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3, x0, y0, \
                       x1, y1, x2, y2, x3, y3)                                 \
    A(v[0], v[b0], v[d0], m[x0])                                               \
    A(v[1], v[b1], v[d1], m[x1])                                               \
    A(v[2], v[b2], v[d2], m[x2])                                               \
    A(v[3], v[b3], v[d3], m[x3])                                               \
    B(v[b0], v[c0], v[d0])                                                     \
    B(v[b1], v[c1], v[d1])                                                     \
    B(v[b2], v[c2], v[d2])                                                     \
    B(v[b3], v[c3], v[d3])                                                     \
    C(v[0], v[b0], v[d0], m[y0])                                               \
    C(v[1], v[b1], v[d1], m[y1])                                               \
    C(v[2], v[b2], v[d2], m[y2])                                               \
    C(v[3], v[b3], v[d3], m[y3])                                               \
    D(v[b0], v[c0], v[d0])                                                     \
    D(v[b1], v[c1], v[d1])                                                     \
    D(v[b2], v[c2], v[d2])                                                     \
    D(v[b3], v[c3], v[d3])

// One round over v[16] and m[16]: columns, then diagonals.
#define WR_BLAKE2B_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11,     \
                         s12, s13, s14, s15)                                   \
    WR_BLAKE2B_MIX(4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, s0, s1, s2, s3,   \
                   s4, s5, s6, s7)                                             \
    WR_BLAKE2B_MIX(5, 6, 7, 4, 10, 11, 8, 9, 15, 12, 13, 14, s8, s9, s10, s11, \
                   s12, s13, s14, s15)

#endif
