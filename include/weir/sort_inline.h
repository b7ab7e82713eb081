// SPDX-License-Identifier: MIT
// weir/sort_inline.h: WEIR_SORT_KIND, which compiles the inner loops of a sort
// in your file, for one type of element and one order, so that the comparison
// is inlined. Declarations that matter to you: WEIR_SORT_KIND and the rules of
// `less` below; the rest is how.
//
//   static inline int earlier(const void *a, const void *b, void *context)
//   {
//       const struct event *x = a, *y = b;
//       return x->time < y->time;
//   }
//   WEIR_SORT_KIND(by_time, struct event, earlier);
//   ...
//   status = weir_sort_of(self, events, count, &by_time, NULL);
//
// It defines `static const weir_sort_kind by_time`. `less` returns non-zero if
// *a goes before *b; write it without branches where you can (x < y, not
// if (x < y) return 1), and as cheap as the order allows: it is copied into
// some ten places. Each use costs about 7 KiB of code.
//
//   threads    less is called by several workers at once.
//   blocking   less must not wait.
//   ownership  less sees elements of the array, or copies of them, aligned as
//              for weir_compare.
//   errors     none; a less that contradicts itself gives some order of the
//              same elements.
#ifndef WEIR_SORT_INLINE_H
#define WEIR_SORT_INLINE_H

#include "weir/sort.h"

#include <string.h>

// What the compiler must see through to make `size` a constant and `less` a
// direct call.
#define WEIR_SORT_INLINE static inline __attribute__((always_inline, unused))

enum {
    WEIR_SORT_SMALL = 32,       // so many are sorted without a pivot
    WEIR_SORT_NETWORK_MAX = 32, // bytes; bigger elements are only swapped
};

// How the loops see the elements.
typedef struct weir_sorting {
    size_t size;
    weir_less *less;
    void *context;
    char *room; // for WEIR_SORT_ROOM_OF(size) elements; outside the array
} weir_sorting;

#define WEIR_SORT_ROOM_OF(size)                                                \
    ((size) <= WEIR_SORT_NETWORK_MAX ? WEIR_SORT_SMALL : 1)

WEIR_SORT_INLINE int weir_sorting_less(weir_sorting s, const char *a,
                                       const char *b) {
    return s.less(a, b, s.context) != 0;
}

// weir_sorting_pick is a without a branch if `first`, else b.
WEIR_SORT_INLINE const char *weir_sorting_pick(int first, const char *a,
                                               const char *b) {
    return b + ((a - b) & -(ptrdiff_t)first);
}

WEIR_SORT_INLINE void weir_sorting_swap(char *a, char *b, size_t size) {
    char chunk[64];
    for (; size >= sizeof(chunk); size -= sizeof(chunk)) {
        memcpy(chunk, a, sizeof(chunk));
        memcpy(a, b, sizeof(chunk));
        memcpy(b, chunk, sizeof(chunk));
        a += sizeof(chunk);
        b += sizeof(chunk);
    }
    memcpy(chunk, a, size);
    memmove(a, b, size); // a == b is allowed
    memcpy(b, chunk, size);
}

// ---- partition -------------------------------------------------------------

// Whether an element goes to the front: it is before the pivot, or not after.
WEIR_SORT_INLINE size_t weir_sorting_goes(weir_sorting s, const char *element,
                                          const char *pivot, int or_equal) {
    if (or_equal)
        return !weir_sorting_less(s, pivot, element);
    return (size_t)weir_sorting_less(s, element, pivot);
}

WEIR_SORT_INLINE size_t weir_sorting_split_swap(weir_sorting s, char *base,
                                                size_t count, const char *pivot,
                                                int or_equal) {
    size_t front = 0;
    for (size_t i = 0; i < count; i++)
        if (weir_sorting_goes(s, base + i * s.size, pivot, or_equal)) {
            if (front < i)
                weir_sorting_swap(base + front * s.size, base + i * s.size,
                                  s.size);
            front++;
        }
    return front;
}

// Moves what goes to the front there and returns how many that are. A cycle of
// moves with a gap instead of swaps, two elements a round; no branch depends on
// the order. `temp` has room for one.
WEIR_SORT_INLINE size_t weir_sorting_split(weir_sorting s, char *base,
                                           size_t count, const char *pivot,
                                           int or_equal, char *temp) {
    const size_t size = s.size;
    if (count == 0)
        return 0;
    char *left = base;
    char *right = base + size;
    char *end = base + count * size;
    memcpy(temp, base, size);
    if (count > 2)
        for (char *stop = end - size; right < stop; right += 2 * size) {
            size_t goes = weir_sorting_goes(s, right, pivot, or_equal);
            memmove(right - size, left, size);
            memcpy(left, right, size);
            left += goes * size;
            goes = weir_sorting_goes(s, right + size, pivot, or_equal);
            memmove(right, left, size);
            memcpy(left, right + size, size);
            left += goes * size;
        }
    for (; right < end; right += size) {
        size_t goes = weir_sorting_goes(s, right, pivot, or_equal);
        memmove(right - size, left, size);
        memcpy(left, right, size);
        left += goes * size;
    }
    size_t goes = weir_sorting_goes(s, temp, pivot, or_equal);
    memmove(end - size, left, size);
    memcpy(left, temp, size);
    left += goes * size;
    return (size_t)(left - base) / size;
}

// The pivot is copied where no store can touch it, if there is room.
WEIR_SORT_INLINE size_t weir_sorting_split_any(weir_sorting s, char *base,
                                               size_t count, const char *pivot,
                                               int or_equal) {
    if (s.size > WEIR_SORT_NETWORK_MAX)
        return weir_sorting_split_swap(s, base, count, pivot, or_equal);
    memcpy(s.room, pivot, s.size);
    char *temp = s.room + s.size;
    if (or_equal)
        return weir_sorting_split(s, base, count, s.room, 1, temp);
    return weir_sorting_split(s, base, count, s.room, 0, temp);
}

// ---- merge -----------------------------------------------------------------

// Always a permutation, whatever less says. Ties: a first.
WEIR_SORT_INLINE void weir_sorting_merge_simply(weir_sorting s, const char *a,
                                                const char *a_end,
                                                const char *b,
                                                const char *b_end, char *out) {
    const size_t size = s.size;
    while (a < a_end && b < b_end) {
        if (weir_sorting_less(s, b, a)) {
            memcpy(out, b, size);
            b += size;
        } else {
            memcpy(out, a, size);
            a += size;
        }
        out += size;
    }
    memcpy(out, a, (size_t)(a_end - a));
    memcpy(out + (a_end - a), b, (size_t)(b_end - b));
}

// Two sorted runs, and where they go: from both ends inward.
typedef struct weir_sorting_ends {
    const char *a, *a_end, *b, *b_end;
    char *out, *out_end;
} weir_sorting_ends;

// `steps` elements from the front and as many from the back. No run is read
// beyond if it has at least `steps`. Two chains of loads without branches.
WEIR_SORT_INLINE weir_sorting_ends weir_sorting_merge_steps(weir_sorting s,
                                                            weir_sorting_ends e,
                                                            size_t steps) {
    const size_t size = s.size;
    const char *a_last = e.a_end - size;
    const char *b_last = e.b_end - size;
    for (size_t i = 0; i < steps; i++) {
        size_t from_b = (size_t)weir_sorting_less(s, e.b, e.a);
        memcpy(e.out, weir_sorting_pick((int)from_b, e.b, e.a), size);
        e.b += from_b * size;
        e.a += (1 - from_b) * size;
        e.out += size;
        size_t from_a = (size_t)weir_sorting_less(s, b_last, a_last);
        e.out_end -= size;
        memcpy(e.out_end, weir_sorting_pick((int)from_a, a_last, b_last), size);
        a_last -= from_a * size;
        b_last -= (1 - from_a) * size;
    }
    e.a_end = a_last + size;
    e.b_end = b_last + size;
    return e;
}

// Merges [a, a_end) and [b, b_end) to out, which is neither.
WEIR_SORT_INLINE void weir_sorting_merge(weir_sorting s, const char *a,
                                         const char *a_end, const char *b,
                                         const char *b_end, char *out) {
    const size_t size = s.size;
    weir_sorting_ends e = {a, a_end, b, b_end, out, NULL};
    e.out_end = out + (a_end - a) + (b_end - b);
    for (;;) {
        // A less that contradicts itself may have made the ends cross.
        if (e.a > e.a_end || e.b > e.b_end) {
            weir_sorting_merge_simply(s, a, a_end, b, b_end, out);
            return;
        }
        size_t steps = (size_t)(e.a_end - e.a) / size;
        size_t others = (size_t)(e.b_end - e.b) / size;
        steps = steps < others ? steps : others;
        if (steps < 4)
            break;
        e = weir_sorting_merge_steps(s, e, steps);
    }
    weir_sorting_merge_simply(s, e.a, e.a_end, e.b, e.b_end, e.out);
}

// The same for a run of `half` = count / 2 and one of count - half.
WEIR_SORT_INLINE void weir_sorting_merge_halves(weir_sorting s, const char *a,
                                                size_t count, char *out) {
    const size_t size = s.size;
    const char *middle = a + count / 2 * size;
    weir_sorting_ends e = {a, middle, middle, a + count * size, out, NULL};
    e.out_end = out + count * size;
    e = weir_sorting_merge_steps(s, e, count / 2);
    if (count % 2 != 0) {
        size_t from_a = e.a < e.a_end;
        memcpy(e.out, from_a ? e.a : e.b, size);
        e.a += from_a * size;
        e.b += (1 - from_a) * size;
    }
    if (e.a != e.a_end || e.b != e.b_end)
        weir_sorting_merge_simply(s, a, middle, middle, a + count * size, out);
}

// ---- a few elements --------------------------------------------------------

// Sorts four elements from `from` to `to`, stably: each goes to the place that
// is the number of those before it. Six compares that do not wait for another
// are faster than five of a network that do.
WEIR_SORT_INLINE void weir_sorting_four(weir_sorting s, const char *from,
                                        char *to) {
    const size_t size = s.size;
    const char *b = from + size;
    const char *c = b + size;
    const char *d = c + size;
    size_t ba = (size_t)weir_sorting_less(s, b, from);
    size_t ca = (size_t)weir_sorting_less(s, c, from);
    size_t da = (size_t)weir_sorting_less(s, d, from);
    size_t cb = (size_t)weir_sorting_less(s, c, b);
    size_t db = (size_t)weir_sorting_less(s, d, b);
    size_t dc = (size_t)weir_sorting_less(s, d, c);
    size_t place[4] = {ba + ca + da, 1 - ba + cb + db, 2 - ca - cb + dc,
                       3 - da - db - dc};
    // If less contradicts itself two may have the same place.
    if ((1 << place[0] | 1 << place[1] | 1 << place[2] | 1 << place[3]) != 15) {
        memcpy(to, from, 4 * size);
        return;
    }
    memcpy(to + place[0] * size, from, size);
    memcpy(to + place[1] * size, b, size);
    memcpy(to + place[2] * size, c, size);
    memcpy(to + place[3] * size, d, size);
}

// One to four elements.
WEIR_SORT_INLINE void weir_sorting_few(weir_sorting s, const char *from,
                                       size_t count, char *to) {
    const size_t size = s.size;
    if (count == 4) {
        weir_sorting_four(s, from, to);
        return;
    }
    if (count == 1) {
        memcpy(to, from, size);
        return;
    }
    size_t swap = (size_t)weir_sorting_less(s, from + size, from);
    const char *a = from + swap * size;
    const char *b = from + (1 - swap) * size;
    if (count == 2) {
        memcpy(to, a, size);
        memcpy(to + size, b, size);
        return;
    }
    const char *c = from + 2 * size;
    int before_b = weir_sorting_less(s, c, b);
    int before_a = before_b & weir_sorting_less(s, c, a);
    const char *middle = weir_sorting_pick(before_b, c, b);
    memcpy(to, weir_sorting_pick(before_a, c, a), size);
    memcpy(to + size, weir_sorting_pick(before_a, a, middle), size);
    memcpy(to + 2 * size, weir_sorting_pick(before_b, b, c), size);
}

// Stable; `temp` has room for one.
WEIR_SORT_INLINE void weir_sorting_insert(weir_sorting s, char *base,
                                          size_t count, char *temp) {
    const size_t size = s.size;
    for (size_t i = 1; i < count; i++) {
        char *hole = base + i * size;
        if (!weir_sorting_less(s, hole, hole - size))
            continue;
        memcpy(temp, hole, size);
        do {
            memcpy(hole, hole - size, size);
            hole -= size;
        } while (hole > base && weir_sorting_less(s, temp, hole - size));
        memcpy(hole, temp, size);
    }
}

WEIR_SORT_INLINE void weir_sorting_insert_swap(weir_sorting s, char *base,
                                               size_t count) {
    for (size_t i = 1; i < count; i++) {
        char *at = base + i * s.size;
        for (; at > base && weir_sorting_less(s, at, at - s.size); at -= s.size)
            weir_sorting_swap(at, at - s.size, s.size);
    }
}

// At most WEIR_SORT_SMALL elements, stably: runs of up to 4 by networks, then
// merges from room to the array to room to the array.
WEIR_SORT_INLINE void weir_sorting_small(weir_sorting s, char *base,
                                         size_t count) {
    const size_t size = s.size;
    char *room = s.room;
    if (count < 2)
        return;
    if (count <= 8) {
        size_t half = count / 2;
        weir_sorting_few(s, base, half, room);
        weir_sorting_few(s, base + half * size, count - half,
                         room + half * size);
        weir_sorting_merge_halves(s, room, count, base);
        return;
    }
    // The cuts halve, halve and halve the count, rounding down.
    size_t cut[9];
    cut[0] = 0;
    cut[8] = count;
    cut[4] = count / 2;
    cut[2] = cut[4] / 2;
    cut[6] = cut[4] + (count - cut[4]) / 2;
    for (int i = 1; i < 9; i += 2)
        cut[i] = cut[i - 1] + (cut[i + 1] - cut[i - 1]) / 2;
    for (int i = 0; i < 8; i++)
        weir_sorting_few(s, base + cut[i] * size, cut[i + 1] - cut[i],
                         room + cut[i] * size);
    for (int i = 0; i < 8; i += 2)
        weir_sorting_merge_halves(s, room + cut[i] * size, cut[i + 2] - cut[i],
                                  base + cut[i] * size);
    for (int i = 0; i < 8; i += 4)
        weir_sorting_merge_halves(s, base + cut[i] * size, cut[i + 4] - cut[i],
                                  room + cut[i] * size);
    weir_sorting_merge_halves(s, room, count, base);
}

// ---- heap sort: when pivots are bad ----------------------------------------

WEIR_SORT_INLINE void weir_sorting_sift(weir_sorting s, char *base,
                                        size_t count, size_t at) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            return;
        char *down = base + child * s.size;
        if (child + 1 < count && weir_sorting_less(s, down, down + s.size)) {
            child++;
            down += s.size;
        }
        if (!weir_sorting_less(s, base + at * s.size, down))
            return;
        weir_sorting_swap(base + at * s.size, down, s.size);
        at = child;
    }
}

// Steps [from, to) of the count / 2 + count that it takes.
WEIR_SORT_INLINE void weir_sorting_heap(weir_sorting s, char *base,
                                        size_t count, size_t from, size_t to) {
    for (size_t step = from; step < to; step++) {
        size_t at = 0;
        size_t left = count;
        if (step < count / 2) {
            at = count / 2 - 1 - step;
        } else {
            left = count / 2 + count - 1 - step;
            if (left == 0)
                return;
            weir_sorting_swap(base, base + left * s.size, s.size);
        }
        weir_sorting_sift(s, base, left, at);
    }
}

// ---- quick sort ------------------------------------------------------------

WEIR_SORT_INLINE char *weir_sorting_median(weir_sorting s, char *a, char *b,
                                           char *c) {
    int ab = weir_sorting_less(s, a, b);
    int ac = weir_sorting_less(s, a, c);
    int bc = weir_sorting_less(s, b, c);
    // a is in the middle if it is not on one side of both.
    char *other = ab == bc ? b : c;
    return ab != ac ? a : other;
}

WEIR_SORT_INLINE char *weir_sorting_pivot(weir_sorting s, char *base,
                                          size_t count) {
    size_t step = count / 8 * s.size;
    char *middle = base + count / 2 * s.size;
    if (count < 128)
        return weir_sorting_median(s, middle - 2 * step, middle,
                                   middle + 2 * step);
    char *a =
        weir_sorting_median(s, base + s.size, base + step, base + 2 * step);
    char *b = weir_sorting_median(s, middle - step, middle, middle + step);
    char *c = weir_sorting_median(s, middle + 2 * step, middle + 3 * step,
                                  base + (count - 1) * s.size);
    return weir_sorting_median(s, a, b, c);
}

// A range that waits its turn.
typedef struct weir_sorting_range {
    char *base;
    size_t count;
    int has_left; // the element before base exists and is not after any
    int bad;      // unbalanced partitions that are still allowed
} weir_sorting_range;

// One partition: the left part stays in *r, the right one is returned. An empty
// part: there is nothing to sort there.
WEIR_SORT_INLINE weir_sorting_range weir_sorting_cut(weir_sorting s,
                                                     weir_sorting_range *r) {
    const size_t size = s.size;
    weir_sorting_range right = *r;
    char *base = r->base;
    char *found = weir_sorting_pivot(s, base, r->count);
    if (found != base)
        weir_sorting_swap(base, found, size);
    int equal = r->has_left && !weir_sorting_less(s, base - size, base);
    size_t front =
        weir_sorting_split_any(s, base + size, r->count - 1, base, equal);
    if (!equal && front > 0)
        weir_sorting_swap(base, base + front * size, size);
    right.base = base + (front + 1) * size;
    right.count = r->count - 1 - front;
    right.has_left = 1;
    size_t least = front < right.count ? front : right.count;
    if (!equal && least < r->count / 8)
        right.bad--;
    r->bad = right.bad;
    r->count = equal ? 0 : front; // what equals the pivot is in place
    return right;
}

WEIR_SORT_INLINE void weir_sorting_sort(weir_sorting s, char *base,
                                        size_t count, int has_left) {
    const size_t small = s.size <= WEIR_SORT_NETWORK_MAX ? WEIR_SORT_SMALL : 12;
    weir_sorting_range waiting[64]; // each less than half of the one below
    int depth = 0;
    weir_sorting_range r = {base, count, has_left, 1};
    for (size_t n = count; n > 1; n /= 2)
        r.bad++;
    for (;;) {
        if (r.count > small && r.bad > 0) {
            weir_sorting_range right = weir_sorting_cut(s, &r);
            if (r.count < right.count) {
                waiting[depth++] = right;
            } else {
                waiting[depth++] = r;
                r = right;
            }
            continue;
        }
        if (r.count > small)
            weir_sorting_heap(s, r.base, r.count, 0, r.count / 2 + r.count);
        else if (s.size <= WEIR_SORT_NETWORK_MAX)
            weir_sorting_small(s, r.base, r.count);
        else
            weir_sorting_insert_swap(s, r.base, r.count);
        if (depth == 0)
            return;
        r = waiting[--depth];
    }
}

// ---- stable sort of a block ------------------------------------------------

// `scratch` has room for `count` elements. The result is in base.
WEIR_SORT_INLINE void weir_sorting_stable(weir_sorting s, char *base,
                                          size_t count, char *scratch) {
    const size_t size = s.size;
    const size_t run = size <= WEIR_SORT_NETWORK_MAX ? WEIR_SORT_SMALL : 12;
    for (size_t i = 0; i < count; i += run) {
        size_t n = count - i < run ? count - i : run;
        if (size <= WEIR_SORT_NETWORK_MAX)
            weir_sorting_small(s, base + i * size, n);
        else
            weir_sorting_insert(s, base + i * size, n, scratch);
    }
    char *from = base;
    char *to = scratch;
    for (size_t width = run; width < count; width *= 2) {
        for (size_t i = 0; i < count; i += 2 * width) {
            size_t middle = count - i < width ? count : i + width;
            size_t end = count - i < 2 * width ? count : i + 2 * width;
            weir_sorting_merge(s, from + i * size, from + middle * size,
                               from + middle * size, from + end * size,
                               to + i * size);
        }
        char *other = from;
        from = to;
        to = other;
    }
    if (from != base)
        memcpy(base, from, count * size);
}

// How many at the start are in order: not descending, or strictly descending.
WEIR_SORT_INLINE size_t weir_sorting_run(weir_sorting s, const char *base,
                                         size_t count, int descending) {
    size_t n = 1;
    for (; n < count; n++)
        if (weir_sorting_less(s, base + n * s.size, base + (n - 1) * s.size) !=
            descending)
            break;
    return n;
}

// ---- a kind ----------------------------------------------------------------

#define WEIR_SORT_KIND(name, type, less)                                       \
    static void name##_sort(void *base, size_t count, int has_left,            \
                            void *context) {                                   \
        type room[WEIR_SORT_ROOM_OF(sizeof(type))];                            \
        weir_sorting s = {sizeof(type), less, context, (char *)room};          \
        weir_sorting_sort(s, (char *)base, count, has_left);                   \
    }                                                                          \
    static size_t name##_split(void *base, size_t count, const void *pivot,    \
                               int or_equal, void *context) {                  \
        type room[WEIR_SORT_ROOM_OF(sizeof(type))];                            \
        weir_sorting s = {sizeof(type), less, context, (char *)room};          \
        return weir_sorting_split_any(s, (char *)base, count,                  \
                                      (const char *)pivot, or_equal);          \
    }                                                                          \
    static void name##_heap(void *base, size_t count, size_t from, size_t to,  \
                            void *context) {                                   \
        weir_sorting s = {sizeof(type), less, context, NULL};                  \
        weir_sorting_heap(s, (char *)base, count, from, to);                   \
    }                                                                          \
    static void name##_stable(void *base, size_t count, void *scratch,         \
                              void *context) {                                 \
        type room[WEIR_SORT_ROOM_OF(sizeof(type))];                            \
        weir_sorting s = {sizeof(type), less, context, (char *)room};          \
        weir_sorting_stable(s, (char *)base, count, (char *)scratch);          \
    }                                                                          \
    static void name##_merge(const void *a, size_t a_count, const void *b,     \
                             size_t b_count, void *out, void *context) {       \
        weir_sorting s = {sizeof(type), less, context, NULL};                  \
        weir_sorting_merge(                                                    \
            s, (const char *)a, (const char *)a + a_count * sizeof(type),      \
            (const char *)b, (const char *)b + b_count * sizeof(type),         \
            (char *)out);                                                      \
    }                                                                          \
    static size_t name##_run(const void *base, size_t count, int descending,   \
                             void *context) {                                  \
        weir_sorting s = {sizeof(type), less, context, NULL};                  \
        return weir_sorting_run(s, (const char *)base, count, descending);     \
    }                                                                          \
    static const weir_sort_kind name = {                                       \
        sizeof(type), less,          name##_sort,  name##_split,               \
        name##_heap,  name##_stable, name##_merge, name##_run}

#endif // WEIR_SORT_INLINE_H
