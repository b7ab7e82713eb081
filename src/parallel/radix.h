// SPDX-License-Identifier: MIT
// The radix sort: its data, and its inner loops.
#ifndef WR_PARALLEL_RADIX_H
#define WR_PARALLEL_RADIX_H

#include "parallel/sort.h"

enum {
    WR_RADIX_BITS = 8,
    WR_RADIX_BINS = 1 << WR_RADIX_BITS,
    // In the cache a digit may be wider: fewer passes, where they are so long
    // that looking at all bins does not matter.
    WR_RADIX_WIDE = 12,
    WR_RADIX_WIDE_MIN = 8192,     // records
    WR_RADIX_AT_ONCE = 2,         // digits that are counted at once
    WR_RADIX_FEW = 160,           // records that are better compared
    WR_RADIX_CACHED = 256 * 1024, // bytes that are sorted by one worker, with
                                  // as much scratch: both fit in its cache
    WR_RADIX_BLOCKS_MAX = 16,
    WR_RADIX_CHUNK = 1 << 16, // records between looks at a cancel
};

// Where the key is and how its bits become a number in the same order.
typedef struct wr_radix_layout {
    size_t size, offset;
    unsigned bytes; // of the key: 4 or 8
    bool is_float;
    uint64_t flip; // bits that are turned over; of floats not used
} wr_radix_layout;

// A digit of what fits in a cache.
typedef struct wr_radix_digit {
    unsigned shift, bits;
} wr_radix_digit;

typedef struct wr_radix_counts {
    uint32_t bins[WR_RADIX_AT_ONCE][1 << WR_RADIX_WIDE];
} wr_radix_counts;

// What the loops say about the keys they read.
typedef struct wr_radix_kernel {
    // Adds to counts[] the records for each value of the digit at `shift`;
    // returns the bits in which keys differ from `first`.
    uint64_t (*count)(const wr_radix_layout *layout, const char *from,
                      size_t count, unsigned shift, uint64_t first,
                      size_t *counts);
    // Moves each record to places[digit], which goes on by a record.
    void (*scatter)(const wr_radix_layout *layout, const char *from,
                    size_t count, unsigned shift, char **places);
    // The same with a cached digit, and the one above it if `two`.
    void (*count_cached)(const wr_radix_layout *layout, const char *from,
                         size_t count, wr_radix_digit digit, bool two,
                         wr_radix_counts *counts);
    // Moves each record to to[at[digit]], which goes on by one.
    void (*scatter_cached)(const wr_radix_layout *layout, const char *from,
                           char *to, size_t count, wr_radix_digit digit,
                           uint32_t *at);
    // Sorts a few by comparing keys; `other` has room for as many.
    void (*few)(const wr_radix_layout *layout, char *base, size_t count,
                char *other);
} wr_radix_kernel;

// wr_radix_kernel_of picks the loops made for a layout.
const wr_radix_kernel *wr_radix_kernel_of(const wr_radix_layout *layout);

static inline uint64_t wr_radix_key(const wr_radix_layout *layout,
                                    const char *record) {
    if (layout->bytes == 4) {
        uint32_t key;
        memcpy(&key, record + layout->offset, sizeof(key));
        if (layout->is_float)
            return key ^ ((UINT32_C(0) - (key >> 31)) | UINT32_C(1) << 31);
        return key ^ (uint32_t)layout->flip;
    }
    uint64_t key;
    memcpy(&key, record + layout->offset, sizeof(key));
    if (layout->is_float)
        return key ^ ((UINT64_C(0) - (key >> 63)) | UINT64_C(1) << 63);
    return key ^ layout->flip;
}

#endif
