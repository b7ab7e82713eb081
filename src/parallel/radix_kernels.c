// SPDX-License-Identifier: MIT
// The inner loops of the radix sort, compiled once for each layout that is
// common: the size of a record and the kind of its key are constants there.
#include "parallel/radix.h"
#include "weir/sort_inline.h"

#define INLINE static inline __attribute__((always_inline))

INLINE size_t digit_of(const wr_radix_layout *layout, const char *record,
                       unsigned shift) {
    return (wr_radix_key(layout, record) >> shift) & (WR_RADIX_BINS - 1);
}

INLINE uint64_t count_digit(wr_radix_layout layout, const char *from,
                            size_t count, unsigned shift, uint64_t first,
                            size_t *counts) {
    uint64_t differ = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t key = wr_radix_key(&layout, from + i * layout.size);
        differ |= key ^ first;
        counts[(key >> shift) & (WR_RADIX_BINS - 1)]++;
    }
    return differ;
}

INLINE void scatter(wr_radix_layout layout, const char *from, size_t count,
                    unsigned shift, char **places) {
    for (size_t i = 0; i < count; i++) {
        const char *record = from + i * layout.size;
        size_t digit = digit_of(&layout, record, shift);
        memcpy(places[digit], record, layout.size);
        places[digit] += layout.size;
    }
}

INLINE void count_bits(wr_radix_layout layout, const char *from, size_t count,
                       wr_radix_digit digit, bool two,
                       wr_radix_counts *counts) {
    const size_t mask = ((size_t)1 << digit.bits) - 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t key =
            wr_radix_key(&layout, from + i * layout.size) >> digit.shift;
        counts->bins[0][key & mask]++;
        if (two)
            counts->bins[1][key >> digit.bits & mask]++;
    }
}

INLINE void scatter_bits(wr_radix_layout layout, const char *from, char *to,
                         size_t count, wr_radix_digit digit, uint32_t *at) {
    const size_t mask = ((size_t)1 << digit.bits) - 1;
    for (size_t i = 0; i < count; i++) {
        const char *record = from + i * layout.size;
        size_t bin = wr_radix_key(&layout, record) >> digit.shift & mask;
        memcpy(to + at[bin]++ * layout.size, record, layout.size);
    }
}

// The same with constants, which makes them a quarter faster.
INLINE void count_cached(wr_radix_layout layout, const char *from, size_t count,
                         wr_radix_digit digit, bool two,
                         wr_radix_counts *counts) {
    wr_radix_digit wide = {digit.shift, WR_RADIX_WIDE};
    wr_radix_digit narrow = {digit.shift, WR_RADIX_BITS};
    if (digit.bits == WR_RADIX_WIDE && two)
        count_bits(layout, from, count, wide, true, counts);
    else if (digit.bits == WR_RADIX_WIDE)
        count_bits(layout, from, count, wide, false, counts);
    else if (two)
        count_bits(layout, from, count, narrow, true, counts);
    else
        count_bits(layout, from, count, narrow, false, counts);
}

INLINE void scatter_cached(wr_radix_layout layout, const char *from, char *to,
                           size_t count, wr_radix_digit digit, uint32_t *at) {
    wr_radix_digit wide = {digit.shift, WR_RADIX_WIDE};
    wr_radix_digit narrow = {digit.shift, WR_RADIX_BITS};
    if (digit.bits == WR_RADIX_WIDE)
        scatter_bits(layout, from, to, count, wide, at);
    else
        scatter_bits(layout, from, to, count, narrow, at);
}

INLINE int before(const void *a, const void *b, void *context) {
    const wr_radix_layout *layout = context;
    return wr_radix_key(layout, a) < wr_radix_key(layout, b);
}

typedef struct few_room {
    _Alignas(max_align_t) char bytes[WEIR_SORT_SMALL * WEIR_SORT_NETWORK_MAX];
} few_room;

INLINE void sort_few(wr_radix_layout layout, char *base, size_t count,
                     char *other) {
    few_room room;
    weir_sorting s = {layout.size, before, &layout, room.bytes};
    weir_sorting_stable(s, base, count, other);
}

// The layout with what is constant put in.
INLINE wr_radix_layout fixed(const wr_radix_layout *layout, size_t size,
                             unsigned bytes, bool is_float) {
    wr_radix_layout all = *layout;
    if (size != 0)
        all.size = size;
    if (size == bytes)
        all.offset = 0;
    all.bytes = bytes;
    all.is_float = is_float;
    return all;
}

#define KERNEL(name, size, bytes, is_float)                                    \
    static uint64_t name##_count(                                              \
        const wr_radix_layout *layout, const char *from, size_t count,         \
        unsigned shift, uint64_t first, size_t *counts) {                      \
        return count_digit(fixed(layout, size, bytes, is_float), from, count,  \
                           shift, first, counts);                              \
    }                                                                          \
    static void name##_scatter(const wr_radix_layout *layout,                  \
                               const char *from, size_t count, unsigned shift, \
                               char **places) {                                \
        scatter(fixed(layout, size, bytes, is_float), from, count, shift,      \
                places);                                                       \
    }                                                                          \
    static void name##_count_cached(                                           \
        const wr_radix_layout *layout, const char *from, size_t count,         \
        wr_radix_digit digit, bool two, wr_radix_counts *counts) {             \
        count_cached(fixed(layout, size, bytes, is_float), from, count, digit, \
                     two, counts);                                             \
    }                                                                          \
    static void name##_scatter_cached(                                         \
        const wr_radix_layout *layout, const char *from, char *to,             \
        size_t count, wr_radix_digit digit, uint32_t *at) {                    \
        scatter_cached(fixed(layout, size, bytes, is_float), from, to, count,  \
                       digit, at);                                             \
    }                                                                          \
    static void name##_few(const wr_radix_layout *layout, char *base,          \
                           size_t count, char *other) {                        \
        sort_few(fixed(layout, size, bytes, is_float), base, count, other);    \
    }                                                                          \
    static const wr_radix_kernel name = {name##_count, name##_scatter,         \
                                         name##_count_cached,                  \
                                         name##_scatter_cached, name##_few};

KERNEL(int32_alone, 4, 4, false)
KERNEL(int32_in_8, 8, 4, false)
KERNEL(int32_in_any, 0, 4, false)
KERNEL(float32_alone, 4, 4, true)
KERNEL(float32_in_8, 8, 4, true)
KERNEL(float32_in_any, 0, 4, true)
KERNEL(int64_alone, 8, 8, false)
KERNEL(int64_in_16, 16, 8, false)
KERNEL(int64_in_any, 0, 8, false)
KERNEL(float64_alone, 8, 8, true)
KERNEL(float64_in_16, 16, 8, true)
KERNEL(float64_in_any, 0, 8, true)

const wr_radix_kernel *wr_radix_kernel_of(const wr_radix_layout *layout) {
    // By the width of the key, its kind, and the record: the key alone, the key
    // and as much beside it, anything.
    static const wr_radix_kernel *const all[2][2][3] = {
        {{&int32_alone, &int32_in_8, &int32_in_any},
         {&float32_alone, &float32_in_8, &float32_in_any}},
        {{&int64_alone, &int64_in_16, &int64_in_any},
         {&float64_alone, &float64_in_16, &float64_in_any}}};
    size_t record = layout->size == layout->bytes       ? 0
                    : layout->size == 2 * layout->bytes ? 1
                                                        : 2;
    return all[layout->bytes == 8][layout->is_float][record];
}
