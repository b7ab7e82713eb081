// SPDX-License-Identifier: MIT
//
// How a weak sum is looked up in a wr_filter. One multiplication yields a byte
// of the bitmap and two bits in it, and the sum may be present only if both are
// set. So the scan pays one load of one byte for every byte it reads.
#ifndef WR_DELTA_FILTER_H
#define WR_DELTA_FILTER_H

#include "programs/delta/hash.h"

// Odd, so that no two sums have the same product: the product stands for the
// sum and can be turned back.
#define WR_FILTER_MIX 0x9e3779b1U
#define WR_FILTER_UNMIX 0x0e8b2f51U // MIX * UNMIX == 1 modulo 2^32

// From the top of the product: the byte, then four bits that choose one of 16
// pairs of bits, the first from the low half of the byte, the second from the
// high half. So bits_shift is at least 4.
enum { WR_FILTER_PAIR_BITS = 4, WR_FILTER_PAIRS = 16 };

static inline uint32_t wr_filter_byte(const wr_filter *filter, uint32_t mix) {
    return mix >> filter->bits_shift;
}

// Indexed by those four bits.
static const uint8_t wr_filter_pairs[WR_FILTER_PAIRS] = {
    0x11, 0x12, 0x14, 0x18, 0x21, 0x22, 0x24, 0x28,
    0x41, 0x42, 0x44, 0x48, 0x81, 0x82, 0x84, 0x88,
};

static inline uint8_t wr_filter_pair(const wr_filter *filter, uint32_t mix) {
    uint32_t pair = mix >> (filter->bits_shift - WR_FILTER_PAIR_BITS);
    return wr_filter_pairs[pair % WR_FILTER_PAIRS];
}

// The exact set: open addressing in buckets of slots that fill from the front.
// A sum is in its bucket, or, only if that is full, in one further on.
enum { WR_FILTER_BUCKET = 8 };

static inline size_t wr_filter_bucket(const wr_filter *filter, uint32_t weak) {
    return (size_t)(((uint64_t)(weak * 0x85ebca6bU) * filter->buckets) >> 32);
}

#endif
