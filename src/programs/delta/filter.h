// SPDX-License-Identifier: MIT
//
// How a weak sum is looked up in a wr_filter. The bitmap is split in 32-bit
// words; one multiplication yields the word and two bits in it, and the sum may
// be present only if both are set. One word is one cache line and one load,
// which is what the scan can afford for every byte.
#ifndef WR_DELTA_FILTER_H
#define WR_DELTA_FILTER_H

#include "programs/delta/hash.h"

// Odd, so that no two sums have the same product: the product stands for the
// sum and can be turned back.
#define WR_FILTER_MIX 0x9e3779b1U
#define WR_FILTER_UNMIX 0x0e8b2f51U // MIX * UNMIX == 1 modulo 2^32

// From the top of the product: the word, then five bits each for two bits in
// it. So the smallest bits_shift is 10.
enum { WR_FILTER_BIT_BITS = 5, WR_FILTER_SHIFT_MIN = 10 };

static inline uint32_t wr_filter_word(const wr_filter *filter, uint32_t mix) {
    return mix >> filter->bits_shift;
}

static inline uint32_t wr_filter_mask(const wr_filter *filter, uint32_t mix) {
    uint32_t first = mix >> (filter->bits_shift - WR_FILTER_BIT_BITS);
    uint32_t second = mix >> (filter->bits_shift - 2 * WR_FILTER_BIT_BITS);
    return 1U << (first & 31) | 1U << (second & 31);
}

// False means no; true means perhaps.
static inline bool wr_filter_may_have(const wr_filter *filter, uint32_t mix) {
    uint32_t mask = wr_filter_mask(filter, mix);
    return (filter->bits[wr_filter_word(filter, mix)] & mask) == mask;
}

#endif
