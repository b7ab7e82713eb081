// SPDX-License-Identifier: MIT
#include "programs/delta/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "programs/delta/kernels.h"

// Sizes of the bitmap, in words of 32 bits. Measured in bench/hash.c: a bitmap
// of 128 KiB is as fast to probe as a small one, so up to there a sum gets 16
// bits and more; a larger one leaves the second-level cache sooner than its
// precision pays for, so then it gets 8. Beyond 16 MiB it would cost memory and
// save nothing.
enum {
    BUCKET = 8, // slots
    FILTER_LINE = 64,
    WORDS_MIN = 64,
    WORDS_CHEAP = 32 * 1024,
    WORDS_MAX = 4 * 1024 * 1024
};
#define CAPACITY_MAX ((size_t)1 << 30)

static unsigned log2_of(size_t power) {
    unsigned bits = 0;
    while (power >> (bits + 1) > 0)
        bits++;
    return bits;
}

static size_t bitmap_words(size_t capacity) {
    size_t words = WORDS_MIN;
    while (words < WORDS_CHEAP && words < capacity)
        words *= 2;
    while (words < WORDS_MAX && words < capacity / 4)
        words *= 2;
    return words;
}

int wr_filter_init(wr_filter *filter, size_t capacity) {
    if (capacity > CAPACITY_MAX)
        return -EOVERFLOW;
    size_t words = bitmap_words(capacity);
    size_t buckets = capacity / (BUCKET / 2) + 1; // half full at most
    size_t bits_size = words * sizeof *filter->bits;
    size_t slots_size = buckets * BUCKET * sizeof *filter->slots;

    *filter = (wr_filter){
        .bits = aligned_alloc(FILTER_LINE, bits_size),
        .slots = aligned_alloc(BUCKET * sizeof *filter->slots, slots_size),
        .bits_shift = 32 - log2_of(words),
        .buckets = buckets,
    };
    if (filter->bits == NULL || filter->slots == NULL) {
        wr_filter_free(filter);
        return -ENOMEM;
    }
    memset(filter->bits, 0, bits_size);
    memset(filter->slots, 0, slots_size);
    return 0;
}

void wr_filter_free(wr_filter *filter) {
    free(filter->bits);
    free(filter->slots);
    *filter = (wr_filter){0};
}

// Buckets fill from the front, so that a free last slot says that the search
// ends here. The loop over a bucket has no exit: it is compiled to a few vector
// operations, and leaves no branch that random sums would mispredict.
static bool bucket_has(const uint32_t *bucket, uint32_t weak) {
    uint32_t found = 0;
    for (unsigned i = 0; i < BUCKET; i++)
        found |= bucket[i] == weak;
    return found != 0;
}

static size_t bucket_of(const wr_filter *filter, uint32_t weak) {
    return ((uint64_t)(weak * 0x85ebca6bU) * filter->buckets) >> 32;
}

bool wr_filter_has(const wr_filter *filter, uint32_t weak) {
    if (weak == 0)
        return filter->has_zero;
    for (size_t i = bucket_of(filter, weak);; i = (i + 1) % filter->buckets) {
        const uint32_t *bucket = filter->slots + BUCKET * i;
        if (bucket_has(bucket, weak))
            return true;
        if (bucket[BUCKET - 1] == 0)
            return false;
    }
}

void wr_filter_add(wr_filter *filter, uint32_t weak) {
    uint32_t mix = weak * WR_FILTER_MIX;
    filter->bits[wr_filter_word(filter, mix)] |= wr_filter_mask(filter, mix);
    if (weak == 0)
        filter->has_zero = true;
    if (wr_filter_has(filter, weak))
        return;
    size_t i = BUCKET * bucket_of(filter, weak);
    while (filter->slots[i] != 0)
        i = (i + 1) % (BUCKET * filter->buckets);
    filter->slots[i] = weak;
}
