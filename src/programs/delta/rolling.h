// SPDX-License-Identifier: MIT
//
// The arithmetic of the two weak sums, all of it modulo 2^32 (RabinKarp) or
// 2^16 in each half (rollsum), for the files that implement hash.h.
//
// RabinKarp of n bytes: M^n + sum of c[i] * M^(n-1-i).
// Rollsum of n bytes:   low half s1 = sum of (c[i] + 31),
//                       high half s2 = sum of (n - i) * (c[i] + 31).
#ifndef WR_DELTA_ROLLING_H
#define WR_DELTA_ROLLING_H

#include "programs/delta/hash.h"

#define WR_RABINKARP_SEED 1U
#define WR_RABINKARP_M 0x08104225U
#define WR_RABINKARP_INVERSE 0x98f009adU // M * INVERSE == 1 modulo 2^32
enum { WR_ROLLSUM_OFFSET = 31 };

#define WR_RABINKARP_M4 0xf9c080f1U
#define WR_RABINKARP_M8 0x7c71e2e1U
#define WR_RABINKARP_M16 0x0bb409c1U
#define WR_RABINKARP_M32 0x4dc72381U
#define WR_RABINKARP_M64 0xd17a8701U
#define WR_RABINKARP_M128 0x96260e01U

// M^(15-i): what lane i of 16 consecutive bytes is multiplied with.
static const uint32_t wr_rabinkarp_lanes16[16] = {
    0xf9f2606dU, 0x8c5efea9U, 0x49960935U, 0x1a6715d1U,
    0x035e173dU, 0x9696d939U, 0x8f03cc85U, 0x7c71e2e1U,
    0x64e03b0dU, 0x21cb5cc9U, 0x5120c4d5U, 0xf9c080f1U,
    0x858f9bddU, 0xa5b71959U, 0x08104225U, 0x00000001U,
};

static inline uint32_t wr_power(uint32_t base, size_t exponent) {
    uint32_t result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result *= base;
        base *= base;
    }
    return result;
}

// `leaving` is M^len here: the byte that leaves takes its term c * M^len and
// the difference of the seeds' terms, M^(len+1) - M^len, with it.
static inline uint32_t wr_rabinkarp_step(uint32_t leaving, uint32_t weak,
                                         uint8_t out, uint8_t in) {
    return weak * WR_RABINKARP_M + in - leaving * (out + (WR_RABINKARP_M - 1));
}

// `leaving` is len here.
static inline uint32_t wr_rollsum_step(uint32_t leaving, uint32_t weak,
                                       uint8_t out, uint8_t in) {
    uint32_t s1 = weak + in - out;
    uint32_t s2 =
        (weak >> 16) + s1 - leaving * (out + (uint32_t)WR_ROLLSUM_OFFSET);
    return s2 << 16 | (s1 & 0xffff);
}

#endif
