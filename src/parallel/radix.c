// SPDX-License-Identifier: MIT
// Radix sort: by the highest digit in parallel, then each bucket by the lower
// ones in a worker's cache. See README.md, Sorting.
#include "parallel/radix.h"

#include <errno.h>

// Read-only.
typedef struct radix_order {
    wr_radix_layout layout;
    const wr_radix_kernel *kernel;
} radix_order;

// Records to be sorted into `base`. They are there, or in `scratch`.
typedef struct radix_range {
    const radix_order *radix;
    char *base, *scratch;
    size_t count;
    unsigned bits; // that may differ, from the lowest
    bool in_scratch;
} radix_range;

static char *source_of(const radix_range *r) {
    return r->in_scratch ? r->scratch : r->base;
}

static char *target_of(const radix_range *r) {
    return r->in_scratch ? r->base : r->scratch;
}

static void bring_home(const radix_range *r) {
    if (r->in_scratch)
        memcpy(r->base, r->scratch, r->count * r->radix->layout.size);
}

// ---- in the cache: the lowest digit first ----------------------------------

// One pass, unless all have the same digit. Their counts become their places.
static void sort_by_digit(radix_range *r, wr_radix_digit digit,
                          uint32_t *counts) {
    const radix_order *radix = r->radix;
    const char *from = source_of(r);
    size_t bins = (size_t)1 << digit.bits;
    size_t first =
        wr_radix_key(&radix->layout, from) >> digit.shift & (bins - 1);
    if (counts[first] == r->count)
        return;
    uint32_t at = 0;
    for (size_t bin = 0; bin < bins; bin++) {
        uint32_t count = counts[bin];
        counts[bin] = at;
        at += count;
    }
    radix->kernel->scatter_cached(&radix->layout, from, target_of(r), r->count,
                                  digit, counts);
    r->in_scratch = !r->in_scratch;
}

static unsigned digits_in(unsigned bits, unsigned width) {
    return (bits + width - 1) / width;
}

// Its stack is big; nothing more is called from here.
static __attribute__((noinline)) void sort_cached(radix_range *r) {
    const radix_order *radix = r->radix;
    unsigned digits = digits_in(r->bits, WR_RADIX_BITS);
    wr_radix_digit digit = {.bits = WR_RADIX_BITS};
    if (r->count >= WR_RADIX_WIDE_MIN &&
        digits_in(r->bits, WR_RADIX_WIDE) < digits) {
        digits = digits_in(r->bits, WR_RADIX_WIDE);
        digit.bits = WR_RADIX_WIDE;
    }
    wr_radix_counts counts;
    for (unsigned i = 0; i < digits; i += WR_RADIX_AT_ONCE) {
        bool two = i + 1 < digits;
        for (unsigned k = 0; k < 1u + two; k++)
            memset(counts.bins[k], 0, sizeof(uint32_t) << digit.bits);
        radix->kernel->count_cached(&radix->layout, source_of(r), r->count,
                                    digit, two, &counts);
        for (unsigned k = 0; k < 1u + two; k++) {
            sort_by_digit(r, digit, counts.bins[k]);
            digit.shift += digit.bits;
        }
    }
    bring_home(r);
}

// ---- more than the cache: the highest digit first --------------------------

typedef struct spreading {
    const radix_range *range;
    size_t block, blocks; // records in each but the last, how many
    unsigned shift;
    uint64_t first;
    uint64_t differ[WR_RADIX_BLOCKS_MAX];
    // How many of each block, then where they go.
    size_t counts[WR_RADIX_BLOCKS_MAX][WR_RADIX_BINS];
} spreading;

static size_t block_end(const spreading *s, size_t block) {
    return block + 1 == s->blocks ? s->range->count : (block + 1) * s->block;
}

static size_t chunk_of(size_t from, size_t to) {
    return to - from < WR_RADIX_CHUNK ? to - from : WR_RADIX_CHUNK;
}

static void count_block(weir_worker *self, void *context, size_t block) {
    spreading *s = context;
    const radix_order *radix = s->range->radix;
    size_t to = block_end(s, block);
    memset(s->counts[block], 0, sizeof(s->counts[block]));
    s->differ[block] = 0;
    for (size_t from = block * s->block; from < to;) {
        if (weir_cancelled(self) != 0)
            return;
        size_t chunk = chunk_of(from, to);
        s->differ[block] |= radix->kernel->count(
            &radix->layout, source_of(s->range) + from * radix->layout.size,
            chunk, s->shift, s->first, s->counts[block]);
        from += chunk;
    }
}

static void scatter_block(weir_worker *self, void *context, size_t block) {
    spreading *s = context;
    const radix_order *radix = s->range->radix;
    char *places[WR_RADIX_BINS];
    size_t to = block_end(s, block);
    for (size_t bin = 0; bin < WR_RADIX_BINS; bin++)
        places[bin] =
            target_of(s->range) + s->counts[block][bin] * radix->layout.size;
    for (size_t from = block * s->block; from < to;) {
        if (weir_cancelled(self) != 0)
            return;
        size_t chunk = chunk_of(from, to);
        radix->kernel->scatter(&radix->layout,
                               source_of(s->range) + from * radix->layout.size,
                               chunk, s->shift, places);
        from += chunk;
    }
}

// Makes of each block's counts the places where its records go, and of all
// counts the borders of the buckets.
static void place_blocks(spreading *s, size_t *borders) {
    size_t at = 0;
    for (size_t bin = 0; bin < WR_RADIX_BINS; bin++) {
        borders[bin] = at;
        for (size_t block = 0; block < s->blocks; block++) {
            size_t count = s->counts[block][bin];
            s->counts[block][bin] = at;
            at += count;
        }
    }
    borders[WR_RADIX_BINS] = at;
}

static unsigned bits_in(uint64_t differ) {
    unsigned bits = 0;
    for (; differ != 0; differ >>= 1)
        bits++;
    return bits;
}

// Spreads the records to the other side by the highest 8 bits that differ.
// r->bits becomes what is left, 0 and no change: all keys are equal. A function
// of its own, for its stack is big. Returns what weir_cancelled says; then the
// records are where they were.
static __attribute__((noinline)) int spread(weir_worker *self, radix_range *r,
                                            size_t *borders) {
    spreading s;
    s.range = r;
    s.blocks = 4 * (size_t)weir_pool_width(weir_worker_pool(self));
    if (s.blocks > WR_RADIX_BLOCKS_MAX)
        s.blocks = WR_RADIX_BLOCKS_MAX;
    s.block = r->count / s.blocks;
    s.first = wr_radix_key(&r->radix->layout, source_of(r));
    for (;;) {
        s.shift = r->bits > WR_RADIX_BITS ? r->bits - WR_RADIX_BITS : 0;
        wr_sort_each(self, 0, s.blocks, count_block, &s);
        int told = weir_cancelled(self);
        if (told != 0)
            return told;
        uint64_t differ = 0;
        for (size_t block = 0; block < s.blocks; block++)
            differ |= s.differ[block];
        unsigned bits = bits_in(differ);
        if (bits == 0)
            return 0;
        if (bits + 2 > r->bits)
            break; // the digit tells nearly as many apart as another would
        r->bits = bits;
    }
    place_blocks(&s, borders);
    wr_sort_each(self, 0, s.blocks, scatter_block, &s);
    r->bits = s.shift;
    return weir_cancelled(self);
}

static int radix_sort(weir_worker *self, radix_range *r);

typedef struct buckets {
    const radix_range *range; // before they were spread
    unsigned bits;
    size_t borders[WR_RADIX_BINS + 1];
    int status[WR_RADIX_BINS];
} buckets;

static void sort_bucket(weir_worker *self, void *context, size_t bin) {
    buckets *all = context;
    size_t size = all->range->radix->layout.size;
    radix_range r = *all->range;
    r.base += all->borders[bin] * size;
    r.scratch += all->borders[bin] * size;
    r.count = all->borders[bin + 1] - all->borders[bin];
    r.bits = all->bits;
    r.in_scratch = !all->range->in_scratch;
    all->status[bin] = r.count == 0 ? 0 : radix_sort(self, &r);
}

static int sort_spread(weir_worker *self, radix_range *r) {
    buckets all;
    radix_range before = *r;
    all.range = &before;
    all.borders[WR_RADIX_BINS] = 0; // spread does not set it: all are equal
    int status = spread(self, r, all.borders);
    if (status != 0 || all.borders[WR_RADIX_BINS] == 0) {
        bring_home(r);
        return status;
    }
    all.bits = r->bits;
    wr_sort_each(self, 0, WR_RADIX_BINS, sort_bucket, &all);
    for (size_t bin = 0; status == 0 && bin < WR_RADIX_BINS; bin++)
        status = all.status[bin];
    return status;
}

// Whatever it returns, base then holds all the records of the range.
static int radix_sort(weir_worker *self, radix_range *r) {
    const radix_order *radix = r->radix;
    int told = weir_cancelled(self);
    if (told != 0 || r->bits == 0) {
        bring_home(r);
        return told;
    }
    if (r->count <= WR_RADIX_FEW) {
        bring_home(r);
        radix->kernel->few(&radix->layout, r->base, r->count, r->scratch);
        return 0;
    }
    if (r->count * radix->layout.size > WR_RADIX_CACHED)
        return sort_spread(self, r);
    sort_cached(r);
    return 0;
}

static bool layout_of(wr_radix_layout *layout, size_t size, size_t offset,
                      weir_sort_key key) {
    static const wr_radix_layout kinds[] = {
        [WEIR_KEY_U32] = {.bytes = 4},
        [WEIR_KEY_I32] = {.bytes = 4, .flip = UINT32_C(1) << 31},
        [WEIR_KEY_F32] = {.bytes = 4, .is_float = true},
        [WEIR_KEY_U64] = {.bytes = 8},
        [WEIR_KEY_I64] = {.bytes = 8, .flip = UINT64_C(1) << 63},
        [WEIR_KEY_F64] = {.bytes = 8, .is_float = true},
    };
    if ((unsigned)key >= sizeof(kinds) / sizeof(kinds[0]))
        return false;
    *layout = kinds[key];
    layout->size = size;
    layout->offset = offset;
    return size >= layout->bytes && offset <= size - layout->bytes;
}

int weir_sort_radix(weir_worker *self, void *base, size_t count, size_t size,
                    size_t offset, weir_sort_key key, void *scratch) {
    radix_order all;
    if (!layout_of(&all.layout, size, offset, key) ||
        count > PTRDIFF_MAX / size)
        return -EINVAL;
    if (count < 2)
        return 0;
    wr_scratch copies;
    if (wr_scratch_init(&copies, scratch, count * size) != 0)
        return -ENOMEM;
    all.kernel = wr_radix_kernel_of(&all.layout);
    radix_range range = {&all, base, copies.room, count, all.layout.bytes * 8,
                         false};
    int status = radix_sort(self, &range);
    wr_scratch_fini(&copies);
    return status;
}
