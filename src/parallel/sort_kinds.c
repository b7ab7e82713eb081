// SPDX-License-Identifier: MIT
// The kinds behind weir_sort: any order through a pointer, any size.
#include "parallel/sort.h"
#include "weir/sort_inline.h"

static inline int before(const void *a, const void *b, void *context) {
    const wr_ordering *ordering = context;
    return ordering->compare(a, b, ordering->context) < 0;
}

typedef struct sixteen {
    _Alignas(16) unsigned char bytes[16];
} sixteen;

WEIR_SORT_KIND(kind_4, uint32_t, before);
WEIR_SORT_KIND(kind_8, uint64_t, before);
WEIR_SORT_KIND(kind_16, sixteen, before);

// Any size. Copies are aligned as the elements are, for all start at a multiple
// of the size.
typedef struct any_room {
    _Alignas(WR_SORT_ALIGN) char bytes[WEIR_SORT_SMALL * WEIR_SORT_NETWORK_MAX];
} any_room;

static weir_sorting any(void *context, any_room *room) {
    const wr_ordering *ordering = context;
    return (weir_sorting){ordering->size, before, context, room->bytes};
}

static void any_sort(void *base, size_t count, int has_left, void *context) {
    any_room room;
    weir_sorting_sort(any(context, &room), base, count, has_left);
}

static size_t any_split(void *base, size_t count, const void *pivot,
                        int or_equal, void *context) {
    any_room room;
    return weir_sorting_split_any(any(context, &room), base, count, pivot,
                                  or_equal);
}

static void any_heap(void *base, size_t count, size_t from, size_t to,
                     void *context) {
    any_room room;
    weir_sorting_heap(any(context, &room), base, count, from, to);
}

static void any_stable(void *base, size_t count, void *scratch, void *context) {
    any_room room;
    weir_sorting_stable(any(context, &room), base, count, scratch);
}

static void any_merge(const void *a, size_t a_count, const void *b,
                      size_t b_count, void *out, void *context) {
    any_room room;
    weir_sorting s = any(context, &room);
    const char *first = a;
    const char *second = b;
    weir_sorting_merge(s, first, first + a_count * s.size, second,
                       second + b_count * s.size, out);
}

static size_t any_run(const void *base, size_t count, int descending,
                      void *context) {
    any_room room;
    return weir_sorting_run(any(context, &room), base, count, descending);
}

weir_sort_kind wr_sort_kind_of(const wr_ordering *ordering) {
    switch (ordering->size) {
    case 4: return kind_4;
    case 8: return kind_8;
    case 16: return kind_16;
    default:
        return (weir_sort_kind){ordering->size, before,   any_sort,
                                any_split,      any_heap, any_stable,
                                any_merge,      any_run};
    }
}
