// SPDX-License-Identifier: MIT
// The reduction: a binary tree whose shape depends on the length alone.
#include "base/check.h"
#include "parallel/types.h"
#include "pool/internal.h"

#include <errno.h>
#include <string.h>

// Nodes and leaves return false when their value is not there.
static bool run_node(weir_worker *self, wr_reduce *reduce, size_t from,
                     size_t to, void *partial);

static void run_half(weir_worker *self, weir_fork *fork) {
    wr_reduce_half *half = wr_container_of(fork, wr_reduce_half, fork);
    half->done =
        run_node(self, half->reduce, half->from, half->to, half->partial);
}

static bool may_split(weir_worker *self, const wr_reduce *reduce) {
    return wr_load(&reduce->split, relaxed, ALONE,
                   "a hint: where forks are does not change the tree") != 0 &&
           wr_fork_wanted(self);
}

// Whether forks are worth it by now.
static void look(wr_reduce *reduce) {
    if (wr_load(&reduce->split, relaxed, ALONE, "a hint, as above") == 0 &&
        wr_ticks() - reduce->started > WR_TRY_LONG)
        wr_store(&reduce->split, 1, relaxed, ALONE, "a hint, as above");
}

static bool run_leaf(weir_worker *self, wr_reduce *reduce, size_t from,
                     size_t to, void *partial) {
    const weir_reduction *reduction = reduce->reduction;
    if (!wr_outcome_goes_on(self, &reduce->outcome, from))
        return false;
    int error = reduction->leaf(self, reduction->context, from, to, partial);
    if (error != 0)
        wr_outcome_note(&reduce->outcome, from, error);
    look(reduce);
    return error == 0;
}

// Nothing more becomes of it.
static void discard(const wr_reduce *reduce, void *partial) {
    const weir_reduction *reduction = reduce->reduction;
    if (reduction->discard != NULL)
        reduction->discard(reduction->context, partial);
}

static bool run_node(weir_worker *self, wr_reduce *reduce, size_t from,
                     size_t to, void *partial) {
    if (to - from <= reduce->leaf)
        return run_leaf(self, reduce, from, to, partial);
    wr_reduce_half right;
    right.reduce = reduce;
    right.from = from + (to - from) / 2;
    right.to = to;
    bool left_done;
    if (may_split(self, reduce)) {
        weir_fork_begin(self, &right.fork, run_half);
        left_done = run_node(self, reduce, from, right.from, partial);
        weir_fork_join(self, &right.fork, run_half);
    } else {
        left_done = run_node(self, reduce, from, right.from, partial);
        right.done =
            left_done && run_node(self, reduce, right.from, to, right.partial);
    }
    const weir_reduction *reduction = reduce->reduction;
    if (left_done && right.done)
        reduction->combine(reduction->context, partial, right.partial);
    else if (left_done)
        discard(reduce, partial);
    else if (right.done)
        discard(reduce, right.partial);
    return left_done && right.done;
}

// Of the length alone. Few leaves where the whole may be tiny, more of a longer
// range: twice as many for eight times the length.
static size_t leaf_size(size_t length) {
    size_t leaves = WR_REDUCE_LEAVES_FEW;
    size_t reach = leaves * leaves;
    while (leaves < WR_REDUCE_LEAVES && length / 8 >= reach) {
        leaves *= 2;
        reach *= 8;
    }
    return (length - 1) / leaves + 1;
}

int weir_parallel_reduce(weir_worker *self, size_t from, size_t to,
                         const weir_reduction *reduction, void *result) {
    if (reduction->size == 0 || reduction->size > WEIR_PARTIAL_MAX)
        return -EINVAL;
    if (from >= to)
        return 0;
    wr_reduce reduce = {.reduction = reduction, .leaf = leaf_size(to - from)};
    bool tiny = wr_for_tiny(self, to - from);
    wr_atomic_init(&reduce.split, !tiny);
    if (tiny)
        reduce.started = wr_ticks();
    wr_outcome_init(&reduce.outcome);
    _Alignas(max_align_t) unsigned char partial[WEIR_PARTIAL_MAX];
    bool done = run_node(self, &reduce, from, to, partial);
    int status = wr_outcome_end(&reduce.outcome);
    wr_assert(done == (status == 0));
    if (done)
        memcpy(result, partial, reduction->size);
    return status;
}

// ---- the best --------------------------------------------------------------

static int best_leaf(weir_worker *self, void *context, size_t from, size_t to,
                     void *partial) {
    const weir_choice *choice = context;
    size_t index = SIZE_MAX;
    int error = choice->best(self, choice->context, from, to, &index);
    wr_check(error != 0 || (from <= index && index < to),
             "the best of a range is not in it");
    memcpy(partial, &index, sizeof(index));
    return error;
}

static void best_combine(void *context, void *left, const void *right) {
    const weir_choice *choice = context;
    size_t index, than;
    memcpy(&index, right, sizeof(index));
    memcpy(&than, left, sizeof(than));
    if (choice->better(choice->context, index, than) != 0)
        memcpy(left, &index, sizeof(index));
}

int weir_parallel_best(weir_worker *self, size_t from, size_t to,
                       const weir_choice *choice, size_t *index) {
    weir_choice copy = *choice;
    weir_reduction reduction = {.size = sizeof(size_t),
                                .leaf = best_leaf,
                                .combine = best_combine,
                                .context = &copy};
    return weir_parallel_reduce(self, from, to, &reduction, index);
}
