// SPDX-License-Identifier: MIT
// weir/sort.h: sorting and merging arrays, on fork and join.
//
// - an order of yours, called through a pointer: weir_sort, weir_sort_stable,
//   weir_merge;
// - an order of yours, compiled in your file: WEIR_SORT_KIND, weir_sort_of,
//   weir_sort_stable_of, weir_merge_of;
// - integers, floats, and records with such a key: weir_sort_radix.
//
// The result of each is a function of the array and the order alone, the same
// bits at any width and timing; that holds for equal elements too. Ranges are
// forked while they are big enough to be worth it, so there is nothing to tune.
//
// Rules that hold for every function here:
//   threads    a worker, inside a job; nested calls at any depth. compare and
//              less are called by several workers at once.
//   blocking   returns when all is done or given up; meanwhile this worker
//              works on it, and only on it. Nothing is allocated where a
//              scratch is given or none is needed.
//   stack      some 8 KiB, on input made against it up to 32 KiB; a radix sort
//              44 KiB, with skewed keys of 64 bits up to 96. With an order of
//              yours add what that takes; with elements of more than 32 bytes
//              in a WEIR_SORT_KIND, two or three of them.
//   ownership  arrays, scratch and context are yours; a scratch may hold
//              anything afterwards.
//   errors     0; what weir_cancelled says, once the work around it is told to
//              end; -ENOMEM (no scratch was given and none could be had: the
//              array is as it was); -EINVAL.
//   the array  is a permutation of what it was, always: also after a cancel,
//              and also if compare contradicts itself (then the order is some
//              order, and nothing outside the array was touched).
#ifndef WEIR_SORT_H
#define WEIR_SORT_H

#include "weir/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- an order called through a pointer -------------------------------------

// Negative: *a goes before *b; positive: after; 0: either way. As for qsort_r.
// It may be given copies of elements, aligned like the elements up to 64 bytes;
// those in a scratch of yours are aligned as you aligned that.
typedef int weir_compare(const void *a, const void *b, void *context);

// weir_sort sorts `count` elements of `size` bytes. Not stable, in place,
// O(n log n) compares at worst. Each compare is a call through a pointer: for
// integers that takes seven times as long as a sort with WEIR_SORT_KIND, and
// fifteen times as long as weir_sort_radix. Sizes of 4, 8 and 16
// are the fastest; bigger than 64 bytes, rather sort pointers.
// Errors: -EINVAL (size 0, or count * size is more than memory).
WEIR_API int weir_sort(weir_worker *self, void *base, size_t count, size_t size,
                       weir_compare *compare, void *context);

// weir_sort_stable keeps the order of elements that compare equal. `scratch`
// has room for `count` elements, aligned like them, or is NULL: then that much
// is allocated.
// Errors: -EINVAL (as weir_sort), -ENOMEM.
WEIR_API int weir_sort_stable(weir_worker *self, void *base, size_t count,
                              size_t size, weir_compare *compare, void *context,
                              void *scratch);

// weir_merge merges two sorted arrays to `out`, which overlaps neither. Of
// elements that compare equal those of `a` come first. An array of no elements
// may be NULL. Cancelled: out holds anything. Errors: -EINVAL (as weir_sort).
WEIR_API int weir_merge(weir_worker *self, const void *a, size_t a_count,
                        const void *b, size_t b_count, void *out, size_t size,
                        weir_compare *compare, void *context);

// ---- an order compiled in your file ----------------------------------------

// Non-zero: *a goes before *b.
typedef int weir_less(const void *a, const void *b, void *context);

// The inner loops of one sort. WEIR_SORT_KIND of weir/sort_inline.h makes one;
// its fields are an agreement between that header and the library.
typedef struct weir_sort_kind {
    size_t size; // of an element
    weir_less *less;
    // Sorts; has_left: base[-1] exists and goes after none of them.
    void (*sort)(void *base, size_t count, int has_left, void *context);
    // Moves what is before the pivot (or not after it) to the front; returns
    // how many that are.
    size_t (*split)(void *base, size_t count, const void *pivot, int or_equal,
                    void *context);
    // Steps [from, to) of a heap sort.
    void (*heap)(void *base, size_t count, size_t from, size_t to,
                 void *context);
    // Sorts stably with room for as many elements.
    void (*stable)(void *base, size_t count, void *scratch, void *context);
    void (*merge)(const void *a, size_t a_count, const void *b, size_t b_count,
                  void *out, void *context);
    // How many from the start are in order, or in strictly descending order.
    size_t (*run)(const void *base, size_t count, int descending,
                  void *context);
} weir_sort_kind;

// As weir_sort, weir_sort_stable and weir_merge.
WEIR_API int weir_sort_of(weir_worker *self, void *base, size_t count,
                          const weir_sort_kind *kind, void *context);
WEIR_API int weir_sort_stable_of(weir_worker *self, void *base, size_t count,
                                 const weir_sort_kind *kind, void *context,
                                 void *scratch);
WEIR_API int weir_merge_of(weir_worker *self, const void *a, size_t a_count,
                           const void *b, size_t b_count, void *out,
                           const weir_sort_kind *kind, void *context);

// ---- keys that are numbers -------------------------------------------------

// Floats are in the total order of IEEE 754: NaNs whose sign bit is set,
// -infinity, ..., -0, +0, ..., +infinity, other NaNs; NaNs by their bits. So
// the NaN that arithmetic on x86 makes, whose sign bit is set, comes first, and
// the NAN of math.h last.
typedef enum weir_sort_key {
    WEIR_KEY_U32,
    WEIR_KEY_I32,
    WEIR_KEY_F32,
    WEIR_KEY_U64,
    WEIR_KEY_I64,
    WEIR_KEY_F64,
} weir_sort_key;

// weir_sort_radix sorts `count` records of `size` bytes by the key at `offset`
// in each, ascending and stably; keys alone are records of their own size. The
// records need no alignment. `scratch` has room for count * size bytes, or is
// NULL: then that much is allocated. The time does not depend on the order,
// only on how many bits of the keys differ. Records bigger than some 32 bytes
// are better sorted as pairs of key and index.
// Errors: -EINVAL (no such key, it does not fit in `size`, size 0, or
// count * size is more than memory), -ENOMEM.
WEIR_API int weir_sort_radix(weir_worker *self, void *base, size_t count,
                             size_t size, size_t offset, weir_sort_key key,
                             void *scratch);

#ifdef __cplusplus
}
#endif
#endif // WEIR_SORT_H
