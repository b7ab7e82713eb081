// SPDX-License-Identifier: MIT
#ifndef WR_ROUND_H
#define WR_ROUND_H

#include <stddef.h>

// wr_round_up: to a multiple of `unit`. The caller knows that it fits.
static inline size_t wr_round_up(size_t bytes, size_t unit) {
    return (bytes + unit - 1) / unit * unit;
}

#endif
