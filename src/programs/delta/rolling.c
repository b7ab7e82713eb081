// SPDX-License-Identifier: MIT
//
// The weak sums and the scan, one byte at a time: the reference for the wider
// kernels, which also leave their last few bytes to it.
#include "programs/delta/rolling.h"

#include "programs/delta/filter.h"
#include "programs/delta/kernels.h"

uint32_t wr_rabinkarp_portable(const uint8_t *data, size_t len) {
    uint32_t sum = WR_RABINKARP_SEED;
    for (size_t i = 0; i < len; i++)
        sum = sum * WR_RABINKARP_M + data[i];
    return sum;
}

uint32_t wr_rollsum_portable(const uint8_t *data, size_t len) {
    uint32_t s1 = 0, s2 = 0;
    for (size_t i = 0; i < len; i++) {
        s1 += data[i] + (uint32_t)WR_ROLLSUM_OFFSET;
        s2 += s1;
    }
    return s2 << 16 | (s1 & 0xffff);
}

wr_roll wr_roll_make(wr_weak_kind kind, size_t len) {
    wr_roll roll = {.kind = kind, .leaving = (uint32_t)len, .len = len};
    if (kind == WR_WEAK_RABINKARP)
        roll.leaving = wr_power(WR_RABINKARP_M, len);
    return roll;
}

uint32_t wr_roll_step(const wr_roll *roll, uint32_t weak, uint8_t out,
                      uint8_t in) {
    if (roll->kind == WR_WEAK_RABINKARP)
        return wr_rabinkarp_step(roll->leaving, weak, out, in);
    return wr_rollsum_step(roll->leaving, weak, out, in);
}

// `power` is M^(len-1): the leaving byte takes its term with it, and the seed's
// term shrinks from M^len to M^(len-1).
static uint32_t rabinkarp_out(uint32_t weak, uint32_t power, uint8_t out) {
    return weak - power * (out + (WR_RABINKARP_M - 1));
}

static uint32_t rollsum_out(uint32_t weak, size_t len, uint8_t out) {
    uint32_t term = out + (uint32_t)WR_ROLLSUM_OFFSET;
    uint32_t s1 = weak - term;
    uint32_t s2 = (weak >> 16) - (uint32_t)len * term;
    return s2 << 16 | (s1 & 0xffff);
}

uint32_t wr_roll_out(wr_weak_kind kind, uint32_t weak, size_t len,
                     uint8_t out) {
    if (kind == WR_WEAK_RABINKARP)
        return rabinkarp_out(weak, wr_power(WR_RABINKARP_M, len - 1), out);
    return rollsum_out(weak, len, out);
}

static inline bool is_known(const wr_filter *filter, unsigned shift,
                            uint32_t weak) {
    // One shift by a variable for both the byte and the pair.
    uint32_t place = (weak * WR_FILTER_MIX) >> shift;
    uint8_t pair = wr_filter_pairs[place % WR_FILTER_PAIRS];
    uint8_t missing = pair & (uint8_t)~filter->bits[place / WR_FILTER_PAIRS];
    return missing == 0 && wr_filter_has(filter, weak);
}

// Inlined twice with a constant kind, so that the choice leaves the loop.
static inline size_t scan(wr_weak_kind kind, const wr_roll *roll,
                          const wr_filter *filter, const uint8_t *data,
                          size_t from, size_t to, uint32_t *weak) {
    const unsigned shift = filter->bits_shift - WR_FILTER_PAIR_BITS;
    const uint32_t leaving = roll->leaving;
    const uint8_t *ahead = data + roll->len;
    uint32_t sum = *weak;
    size_t at = from;
    while (!is_known(filter, shift, sum) && ++at < to) {
        uint8_t out = data[at - 1], in = ahead[at - 1];
        if (kind == WR_WEAK_RABINKARP)
            sum = wr_rabinkarp_step(leaving, sum, out, in);
        else
            sum = wr_rollsum_step(leaving, sum, out, in);
    }
    *weak = sum;
    return at;
}

size_t wr_scan_rabinkarp_portable(const wr_roll *roll, const wr_filter *filter,
                                  const uint8_t *data, size_t from, size_t to,
                                  uint32_t *weak) {
    return scan(WR_WEAK_RABINKARP, roll, filter, data, from, to, weak);
}

size_t wr_scan_rollsum_portable(const wr_roll *roll, const wr_filter *filter,
                                const uint8_t *data, size_t from, size_t to,
                                uint32_t *weak) {
    return scan(WR_WEAK_ROLLSUM, roll, filter, data, from, to, weak);
}

size_t wr_scan_tail(wr_weak_kind kind, const wr_filter *filter,
                    const uint8_t *data, size_t from, size_t to, size_t end,
                    uint32_t *weak) {
    if (from >= to)
        return to;
    uint32_t sum = *weak;
    uint32_t power = wr_power(WR_RABINKARP_M, end - from - 1);
    const unsigned shift = filter->bits_shift - WR_FILTER_PAIR_BITS;
    size_t at = from;
    while (!is_known(filter, shift, sum) && ++at < to) {
        if (kind == WR_WEAK_RABINKARP)
            sum = rabinkarp_out(sum, power, data[at - 1]);
        else
            sum = rollsum_out(sum, end - at + 1, data[at - 1]);
        power *= WR_RABINKARP_INVERSE;
    }
    *weak = sum;
    return at;
}
