// SPDX-License-Identifier: MIT
// Merging, and the stable sort that is made of it. See README.md, Sorting.
#include "base/fault.h"
#include "os/os.h"
#include "parallel/sort.h"
#include "weir/sort_inline.h"

#include <errno.h>
#include <string.h>

// ---- merge -----------------------------------------------------------------

typedef struct merging {
    const wr_sort *sort;
    const char *a, *b;
    size_t a_count, b_count;
    char *out;
} merging;

typedef struct merging_fork {
    weir_fork fork;
    merging part;
    int status;
} merging_fork;

// How many of the first `rank` elements of the merged run come from a. Whatever
// less says, the answer is one that both runs have elements for: so the two
// halves of a merge are a permutation together.
static size_t from_a(const merging *m, size_t rank) {
    size_t low = rank > m->b_count ? rank - m->b_count : 0;
    size_t high = rank < m->a_count ? rank : m->a_count;
    while (low < high) {
        size_t i = low + (high - low) / 2;
        // a[i] is among the first if it is not after b[rank - i - 1].
        if (wr_sort_less(m->sort, wr_sort_at(m->sort, m->b, rank - i - 1),
                         wr_sort_at(m->sort, m->a, i)))
            high = i;
        else
            low = i + 1;
    }
    return low;
}

static int merge(weir_worker *self, merging *m);

static void run_upper(weir_worker *self, weir_fork *fork) {
    merging_fork *upper = (merging_fork *)fork;
    upper->status = merge(self, &upper->part);
}

static int merge(weir_worker *self, merging *m) {
    const wr_sort *sort = m->sort;
    size_t count = m->a_count + m->b_count;
    if (count <= WR_MERGE_LEAF) {
        int told = weir_cancelled(self);
        if (told == 0)
            sort->kind->merge(m->a, m->a_count, m->b, m->b_count, m->out,
                              sort->context);
        return told;
    }
    size_t i = from_a(m, count / 2);
    merging_fork upper;
    upper.part = *m;
    upper.part.a = wr_sort_at(sort, m->a, i);
    upper.part.a_count -= i;
    upper.part.b = wr_sort_at(sort, m->b, count / 2 - i);
    upper.part.b_count -= count / 2 - i;
    upper.part.out = wr_sort_at(sort, m->out, count / 2);
    m->a_count = i;
    m->b_count = count / 2 - i;
    weir_fork_begin(self, &upper.fork, run_upper);
    int status = merge(self, m);
    weir_fork_join(self, &upper.fork, run_upper);
    return status != 0 ? status : upper.status;
}

int wr_merge(weir_worker *self, const wr_sort *sort, const char *a,
             size_t a_count, const char *b, size_t b_count, char *out) {
    merging all = {.sort = sort,
                   .a = a,
                   .b = b,
                   .a_count = a_count,
                   .b_count = b_count,
                   .out = out};
    return merge(self, &all);
}

int weir_merge_of(weir_worker *self, const void *a, size_t a_count,
                  const void *b, size_t b_count, void *out,
                  const weir_sort_kind *kind, void *context) {
    wr_sort sort = {kind, context, kind->size};
    if (kind->size == 0 || a_count > PTRDIFF_MAX / kind->size ||
        b_count > PTRDIFF_MAX / kind->size - a_count)
        return -EINVAL;
    if (a_count + b_count == 0)
        return 0;
    // An empty run may be NULL: nothing is added to that or copied from it.
    if (a_count == 0)
        a = b;
    if (b_count == 0)
        b = a;
    return wr_merge(self, &sort, a, a_count, b, b_count, out);
}

int weir_merge(weir_worker *self, const void *a, size_t a_count, const void *b,
               size_t b_count, void *out, size_t size, weir_compare *compare,
               void *context) {
    wr_ordering ordering = {compare, context, size};
    weir_sort_kind kind = wr_sort_kind_of(&ordering);
    return weir_merge_of(self, a, a_count, b, b_count, out, &kind, &ordering);
}

// ---- stable sort -----------------------------------------------------------

// base holds a permutation of what it held before and after each of these,
// whatever their status: a merge to base that is given up is undone from
// scratch.
typedef struct stable_range {
    const wr_sort *sort;
    char *base, *scratch;
    size_t count;
    bool to_scratch; // where the result is wanted
} stable_range;

typedef struct stable_fork {
    weir_fork fork;
    stable_range range;
    int status;
} stable_fork;

static int merge_sort(weir_worker *self, const stable_range *r);

static void run_second(weir_worker *self, weir_fork *fork) {
    stable_fork *second = (stable_fork *)fork;
    second->status = merge_sort(self, &second->range);
}

static int sort_leaf(weir_worker *self, const stable_range *r) {
    int told = weir_cancelled(self);
    if (told != 0)
        return told;
    r->sort->kind->stable(r->base, r->count, r->scratch, r->sort->context);
    if (r->to_scratch)
        memcpy(r->scratch, r->base, r->count * r->sort->size);
    return 0;
}

static int merge_sort(weir_worker *self, const stable_range *r) {
    const wr_sort *sort = r->sort;
    if (r->count <= WR_SORT_LEAF)
        return sort_leaf(self, r);
    size_t half = r->count / 2;
    stable_range first = *r;
    first.count = half;
    first.to_scratch = !r->to_scratch;
    stable_fork second;
    second.range = first;
    second.range.base = wr_sort_at(sort, r->base, half);
    second.range.scratch = wr_sort_at(sort, r->scratch, half);
    second.range.count = r->count - half;
    weir_fork_begin(self, &second.fork, run_second);
    int status = merge_sort(self, &first);
    weir_fork_join(self, &second.fork, run_second);
    status = status != 0 ? status : second.status;
    if (status != 0)
        return status;
    char *from = r->to_scratch ? r->base : r->scratch;
    char *to = r->to_scratch ? r->scratch : r->base;
    status = wr_merge(self, sort, from, half, wr_sort_at(sort, from, half),
                      r->count - half, to);
    if (status != 0 && to == r->base)
        memcpy(r->base, r->scratch, r->count * sort->size);
    return status;
}

int wr_scratch_init(wr_scratch *scratch, void *given, size_t bytes) {
    *scratch = (wr_scratch){.room = given, .bytes = bytes};
    if (given != NULL)
        return 0;
    if (bytes >= WR_SCRATCH_PAGES) {
        scratch->room = scratch->own = wr_pages_alloc_huge(bytes);
    } else {
        // Not wr_aligned_alloc: that writes all of it, on one worker.
        scratch->own = wr_malloc(bytes + WR_SORT_ALIGN - 1);
        uintptr_t at = (uintptr_t)scratch->own;
        scratch->room = scratch->own;
        if (at != 0)
            scratch->room += -at & (WR_SORT_ALIGN - 1);
    }
    return scratch->own != NULL ? 0 : -ENOMEM;
}

void wr_scratch_fini(wr_scratch *scratch) {
    if (scratch->own != NULL && scratch->bytes >= WR_SCRATCH_PAGES)
        wr_pages_free(scratch->own, scratch->bytes);
    else
        wr_free(scratch->own);
}

int weir_sort_stable_of(weir_worker *self, void *base, size_t count,
                        const weir_sort_kind *kind, void *context,
                        void *scratch) {
    wr_sort sort = {kind, context, kind->size};
    if (kind->size == 0 || count > PTRDIFF_MAX / kind->size)
        return -EINVAL;
    if (count < 2)
        return 0;
    wr_scratch copies;
    if (wr_scratch_init(&copies, scratch, count * kind->size) != 0)
        return -ENOMEM;
    bool done;
    int status = wr_sort_runs(self, &sort, base, count, &done);
    if (status == 0 && !done) {
        stable_range all = {.sort = &sort,
                            .base = base,
                            .scratch = copies.room,
                            .count = count};
        status = merge_sort(self, &all);
    }
    wr_scratch_fini(&copies);
    return status;
}

int weir_sort_stable(weir_worker *self, void *base, size_t count, size_t size,
                     weir_compare *compare, void *context, void *scratch) {
    wr_ordering ordering = {compare, context, size};
    weir_sort_kind kind = wr_sort_kind_of(&ordering);
    return weir_sort_stable_of(self, base, count, &kind, &ordering, scratch);
}
