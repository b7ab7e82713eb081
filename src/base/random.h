// SPDX-License-Identifier: MIT
// A small seeded generator for choices that must replay.
// Source: splitmix64 by Sebastiano Vigna, 2015.
#ifndef WR_RANDOM_H
#define WR_RANDOM_H

#include <stdint.h>

static inline uint64_t wr_random_next(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

// wr_random_below returns 0 .. limit - 1; limit is not 0.
static inline uint32_t wr_random_below(uint64_t *state, uint32_t limit) {
    return (uint32_t)(((wr_random_next(state) >> 32) * limit) >> 32);
}

#endif
