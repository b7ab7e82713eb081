// SPDX-License-Identifier: MIT
#include "programs/delta/filter.h"

#include <errno.h>

#include "os/os.h"

// Sizes of the bitmap in bytes. Measured with bench/hash.c for 32768 sums: 64
// to 256 KiB are equally fast; a smaller one fits the first-level cache, but
// asks the exact set so often that this costs more. So up to 128 KiB a sum gets
// 32 bits and more; beyond it gets 16, and beyond 16 MiB more saves nothing.
enum {
    BUCKET_LOAD = 3, // on average, so that a full bucket is rare (1 %)
    BYTES_MIN = 256,
    BYTES_CHEAP = 128 * 1024,
    BYTES_MAX = 16 * 1024 * 1024,
    SMALL_PAGES_MAX = 128 * 1024,
    HUGE_PAGE = 2 * 1024 * 1024
};
#define CAPACITY_MAX ((size_t)1 << 30)

static unsigned log2_of(size_t power) {
    unsigned bits = 0;
    while (power >> (bits + 1) > 0)
        bits++;
    return bits;
}

static size_t bitmap_bytes(size_t capacity) {
    size_t bytes = BYTES_MIN;
    while (bytes < BYTES_CHEAP && bytes < 4 * capacity)
        bytes *= 2;
    while (bytes < BYTES_MAX && bytes < 2 * capacity)
        bytes *= 2;
    return bytes;
}

int wr_filter_init(wr_filter *filter, size_t capacity) {
    if (capacity > CAPACITY_MAX)
        return -EOVERFLOW;
    size_t bytes = bitmap_bytes(capacity);
    size_t buckets = capacity / BUCKET_LOAD + 1;
    size_t size = bytes + buckets * WR_FILTER_BUCKET * sizeof(uint32_t);
    // Probes go anywhere: with small pages most would miss the first-level TLB.
    if (size > SMALL_PAGES_MAX && size < HUGE_PAGE)
        size = HUGE_PAGE;

    *filter = (wr_filter){
        .bits = wr_pages_alloc_huge(size),
        .bits_shift = 32 - log2_of(bytes),
        .buckets = buckets,
        .size = size,
    };
    if (filter->bits == NULL)
        return -ENOMEM;
    filter->slots = (uint32_t *)(void *)(filter->bits + bytes);
    return 0;
}

void wr_filter_free(wr_filter *filter) {
    wr_pages_free(filter->bits, filter->size);
    *filter = (wr_filter){0};
}

// Buckets fill from the front, so that a free last slot says that the search
// ends here. The loop over a bucket has no exit: it is compiled to a few vector
// operations, and leaves no branch that random sums would mispredict.
static bool bucket_has(const uint32_t *bucket, uint32_t weak) {
    uint32_t found = 0;
    for (unsigned i = 0; i < WR_FILTER_BUCKET; i++)
        found |= bucket[i] == weak;
    return found != 0;
}

bool wr_filter_has(const wr_filter *filter, uint32_t weak) {
    if (weak == 0)
        return filter->has_zero;
    for (size_t i = wr_filter_bucket(filter, weak);;
         i = (i + 1) % filter->buckets) {
        const uint32_t *bucket = filter->slots + WR_FILTER_BUCKET * i;
        if (bucket_has(bucket, weak))
            return true;
        if (bucket[WR_FILTER_BUCKET - 1] == 0)
            return false;
    }
}

void wr_filter_add(wr_filter *filter, uint32_t weak) {
    uint32_t mix = weak * WR_FILTER_MIX;
    filter->bits[wr_filter_byte(filter, mix)] |= wr_filter_pair(filter, mix);
    if (weak == 0)
        filter->has_zero = true;
    if (wr_filter_has(filter, weak))
        return;
    size_t i = WR_FILTER_BUCKET * wr_filter_bucket(filter, weak);
    while (filter->slots[i] != 0)
        i = (i + 1) % (WR_FILTER_BUCKET * filter->buckets);
    filter->slots[i] = weak;
}
