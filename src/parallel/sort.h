// SPDX-License-Identifier: MIT
// What the files of the sorts share.
#ifndef WR_PARALLEL_SORT_H
#define WR_PARALLEL_SORT_H

#include "weir/sort.h"

#include <stdbool.h>
#include <string.h>

enum {
    // Elements that one worker sorts or merges without asking anybody: some
    // microseconds with a fast order, not for ever with a slow one. (8,192
    // instead: 5 % less time for so many integers on one worker, 3 % for more.)
    WR_SORT_LEAF = 1024,
    WR_MERGE_LEAF = 4096,
    // From here on a partition is made by many: in pairs of pieces.
    WR_SPLIT_MIN = 1 << 16,
    WR_SPLIT_PIECE = 1 << 13,
    WR_SPLIT_PAIRS_MAX = 256,
    // A pivot is the median of so many at most, and one of so many elements.
    WR_SORT_SAMPLE = 255,
    WR_SORT_SAMPLE_OF = 64,
    WR_SORT_ALIGN = 64, // of copies: all that weir/sort.h promises
    // From here on copies are in huge pages. Below it malloc keeps what was
    // freed, which is cheaper; above it maps anew each time, too.
    WR_SCRATCH_PAGES = 32 << 20,
};

// What one sort is told. Read-only.
typedef struct wr_sort {
    const weir_sort_kind *kind;
    void *context;
    size_t size;
} wr_sort;

// wr_sort_at: the element at an index.
static inline void *wr_sort_at(const wr_sort *sort, const void *base,
                               size_t index) {
    return (char *)(uintptr_t)base + index * sort->size;
}

// wr_sort_less: whether a goes before b.
static inline bool wr_sort_less(const wr_sort *sort, const void *a,
                                const void *b) {
    return sort->kind->less(a, b, sort->context) != 0;
}

// Room for copies, aligned; `own` what of it is to be freed.
typedef struct wr_scratch {
    char *room;
    void *own;
    size_t bytes;
} wr_scratch;

// wr_scratch_init uses `given`, unless it is NULL. Returns 0 or -ENOMEM; then
// there is nothing to fini.
int wr_scratch_init(wr_scratch *scratch, void *given, size_t bytes);
void wr_scratch_fini(wr_scratch *scratch);

void wr_sort_swap(char *a, char *b, size_t bytes);

// wr_sort_each calls body for each index of [from, to), by all workers there
// are: a fork for each but one, so each should take some microseconds. All are
// called, also when the work is told to end: that is for body to ask.
typedef void wr_sort_body(weir_worker *self, void *context, size_t index);
void wr_sort_each(weir_worker *self, size_t from, size_t to, wr_sort_body *body,
                  void *context);

// wr_sort_split partitions as kind->split does, by all workers there are. The
// pivot is not in the range. Returns what weir_cancelled says; then the range
// is a permutation, and *front is not set.
int wr_sort_split(weir_worker *self, const wr_sort *sort, char *base,
                  size_t count, const char *pivot, bool or_equal,
                  size_t *front);

// wr_sort_runs puts an array that is in order, or strictly in reverse, in order
// and says so in *done. Returns what weir_cancelled says.
int wr_sort_runs(weir_worker *self, const wr_sort *sort, char *base,
                 size_t count, bool *done);

// wr_merge merges two runs to `out` by all workers there are. Returns what
// weir_cancelled says; then out holds anything.
int wr_merge(weir_worker *self, const wr_sort *sort, const char *a,
             size_t a_count, const char *b, size_t b_count, char *out);

// An order that is called through a pointer.
typedef struct wr_ordering {
    weir_compare *compare;
    void *context;
    size_t size;
} wr_ordering;

// wr_sort_kind_of makes the kind for elements of ordering->size; it is called
// with the ordering as its context.
weir_sort_kind wr_sort_kind_of(const wr_ordering *ordering);

#endif
