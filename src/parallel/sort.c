// SPDX-License-Identifier: MIT
// The sort that is not stable: quick sort whose halves are forked. See
// README.md, Sorting.
#include "parallel/sort.h"
#include "weir/sort_inline.h"

#include <errno.h>

// A range to be sorted.
typedef struct quick_range {
    const wr_sort *sort;
    char *base;
    size_t count;
    bool has_left; // the element before base exists and goes after none
    int bad;       // unbalanced partitions that are still allowed
} quick_range;

typedef struct quick_fork {
    weir_fork fork;
    quick_range range;
    int status;
} quick_fork;

void wr_sort_swap(char *a, char *b, size_t bytes) {
    weir_sorting_swap(a, b, bytes);
}

// Half of the indices of a wr_sort_each.
typedef struct each_half {
    weir_fork fork;
    size_t from, to;
    wr_sort_body *body;
    void *context;
} each_half;

static void run_half(weir_worker *self, weir_fork *fork) {
    each_half *half = (each_half *)fork;
    wr_sort_each(self, half->from, half->to, half->body, half->context);
}

void wr_sort_each(weir_worker *self, size_t from, size_t to, wr_sort_body *body,
                  void *context) {
    if (to - from > 1) {
        each_half upper = {.to = to, .body = body, .context = context};
        upper.from = from + (to - from) / 2;
        weir_fork_begin(self, &upper.fork, run_half);
        wr_sort_each(self, from, upper.from, body, context);
        weir_fork_join(self, &upper.fork, run_half);
    } else if (to > from) {
        body(self, context, from);
    }
}

// Heap sort, a piece at a time so that it can be cancelled.
static int heap_sort(weir_worker *self, const quick_range *r) {
    size_t steps = r->count / 2 + r->count;
    for (size_t from = 0; from < steps; from += WR_SORT_LEAF) {
        int told = weir_cancelled(self);
        if (told != 0)
            return told;
        size_t to = steps - from > WR_SORT_LEAF ? from + WR_SORT_LEAF : steps;
        r->sort->kind->heap(r->base, r->count, from, to, r->sort->context);
    }
    return 0;
}

// Gathers a sample from all over the range at its start, sorts it and leaves
// its median at base[0]. The places depend on the count alone, and are not
// evenly spaced: else a pattern of the same period would fool them.
static void place_pivot(const quick_range *r) {
    const wr_sort *sort = r->sort;
    uint64_t random = r->count;
    size_t sample = WR_SORT_SAMPLE;
    while (sample > r->count / WR_SORT_SAMPLE_OF)
        sample /= 2;
    size_t stride = r->count / sample;
    for (size_t i = 0; i < sample; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        size_t from = i * stride + (size_t)((random >> 33) % stride);
        if (from > i)
            wr_sort_swap(wr_sort_at(sort, r->base, i),
                         wr_sort_at(sort, r->base, from), sort->size);
    }
    sort->kind->sort(r->base, sample, 0, sort->context);
    wr_sort_swap(r->base, wr_sort_at(sort, r->base, sample / 2), sort->size);
}

// One partition: *r becomes its left part, *right the other.
static int cut(weir_worker *self, quick_range *r, quick_range *right) {
    const wr_sort *sort = r->sort;
    place_pivot(r);
    bool equal =
        r->has_left && !wr_sort_less(sort, r->base - sort->size, r->base);
    size_t front;
    int told = wr_sort_split(self, sort, r->base + sort->size, r->count - 1,
                             r->base, equal, &front);
    if (told != 0)
        return told;
    *right = *r;
    right->base = wr_sort_at(sort, r->base, front + 1);
    right->count = r->count - 1 - front;
    right->has_left = true;
    if (front > 0)
        wr_sort_swap(r->base, right->base - sort->size, sort->size);
    size_t least = front < right->count ? front : right->count;
    if (!equal && least < r->count / 8)
        right->bad--;
    r->bad = right->bad;
    r->count = equal ? 0 : front; // what equals the pivot is in place
    return 0;
}

static int quick_sort(weir_worker *self, quick_range *r);

static void run_right(weir_worker *self, weir_fork *fork) {
    quick_fork *right = (quick_fork *)fork;
    right->status = quick_sort(self, &right->range);
}

static int quick_sort(weir_worker *self, quick_range *r) {
    for (;;) {
        int told = weir_cancelled(self);
        if (told != 0)
            return told;
        if (r->count <= WR_SORT_LEAF) {
            r->sort->kind->sort(r->base, r->count, r->has_left,
                                r->sort->context);
            return 0;
        }
        if (r->bad == 0)
            return heap_sort(self, r);
        quick_fork right;
        told = cut(self, r, &right.range);
        if (told != 0)
            return told;
        if (r->count == 0) {
            *r = right.range;
            continue;
        }
        weir_fork_begin(self, &right.fork, run_right);
        int status = quick_sort(self, r);
        weir_fork_join(self, &right.fork, run_right);
        return status != 0 ? status : right.status;
    }
}

// Whether all of the array is in order (or, strictly, in reverse), which is the
// commonest input that is not random.
static int whole_run(weir_worker *self, const wr_sort *sort, const char *base,
                     size_t count, bool descending, bool *whole) {
    size_t at = 0; // base[0] to base[at] is a run
    *whole = false;
    while (at < count - 1) {
        int told = weir_cancelled(self);
        if (told != 0)
            return told;
        size_t most = count - at;
        if (most > WR_SPLIT_PIECE)
            most = WR_SPLIT_PIECE;
        size_t run = sort->kind->run(wr_sort_at(sort, base, at), most,
                                     descending, sort->context);
        if (run < most)
            return 0;
        at += most - 1;
    }
    *whole = true;
    return 0;
}

typedef struct reversal {
    const wr_sort *sort;
    char *base;
    size_t count;
} reversal;

static void reverse_piece(weir_worker *self, void *context, size_t piece) {
    const reversal *all = context;
    size_t from = piece * WR_SPLIT_PIECE;
    size_t left = all->count / 2 - from;
    if (weir_cancelled(self) != 0)
        return;
    for (size_t i = 0; i < left && i < WR_SPLIT_PIECE; i++)
        wr_sort_swap(
            wr_sort_at(all->sort, all->base, from + i),
            wr_sort_at(all->sort, all->base, all->count - 1 - from - i),
            all->sort->size);
}

int wr_sort_runs(weir_worker *self, const wr_sort *sort, char *base,
                 size_t count, bool *done) {
    int told = whole_run(self, sort, base, count, false, done);
    if (told != 0 || *done)
        return told;
    told = whole_run(self, sort, base, count, true, done);
    if (told != 0 || !*done)
        return told;
    reversal all = {sort, base, count};
    wr_sort_each(self, 0, (count / 2 + WR_SPLIT_PIECE - 1) / WR_SPLIT_PIECE,
                 reverse_piece, &all);
    return weir_cancelled(self);
}

int weir_sort_of(weir_worker *self, void *base, size_t count,
                 const weir_sort_kind *kind, void *context) {
    wr_sort sort = {kind, context, kind->size};
    if (kind->size == 0 || count > PTRDIFF_MAX / kind->size)
        return -EINVAL;
    if (count < 2)
        return 0;
    if (count > WEIR_SORT_SMALL) {
        bool done;
        int told = wr_sort_runs(self, &sort, base, count, &done);
        if (told != 0 || done)
            return told;
    }
    quick_range all = {.sort = &sort, .base = base, .count = count, .bad = 1};
    for (size_t n = count; n > 1; n /= 2)
        all.bad++;
    return quick_sort(self, &all);
}

int weir_sort(weir_worker *self, void *base, size_t count, size_t size,
              weir_compare *compare, void *context) {
    wr_ordering ordering = {compare, context, size};
    weir_sort_kind kind = wr_sort_kind_of(&ordering);
    return weir_sort_of(self, base, count, &kind, &ordering);
}
