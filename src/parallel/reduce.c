// SPDX-License-Identifier: MIT
// The reduction: a binary tree whose shape depends on the length alone.
#include "base/check.h"
#include "parallel/types.h"

#include <errno.h>
#include <string.h>

static int reduce(weir_worker *self, const weir_reduction *reduction,
                  size_t from, size_t to, size_t leaf, void *partial);

static void run_half(weir_worker *self, weir_fork *fork) {
    wr_reduce_half *half = wr_container_of(fork, wr_reduce_half, fork);
    half->status = reduce(self, half->reduction, half->from, half->to,
                          half->leaf, half->partial);
}

static int reduce(weir_worker *self, const weir_reduction *reduction,
                  size_t from, size_t to, size_t leaf, void *partial) {
    if (to - from <= leaf) {
        int told = weir_cancelled(self);
        if (told == 0)
            reduction->leaf(self, reduction->context, from, to, partial);
        return told;
    }
    wr_reduce_half right;
    right.reduction = reduction;
    right.from = from + (to - from) / 2;
    right.to = to;
    right.leaf = leaf;
    weir_fork_begin(self, &right.fork, run_half);
    int status = reduce(self, reduction, from, right.from, leaf, partial);
    weir_fork_join(self, &right.fork, run_half);
    if (status == 0)
        status = right.status;
    if (status == 0)
        reduction->combine(reduction->context, partial, right.partial);
    return status;
}

int weir_parallel_reduce(weir_worker *self, size_t from, size_t to,
                         const weir_reduction *reduction, void *result) {
    if (reduction->size == 0 || reduction->size > WEIR_PARTIAL_MAX)
        return -EINVAL;
    if (from >= to)
        return 0;
    size_t leaf = (to - from + WR_REDUCE_LEAVES - 1) / WR_REDUCE_LEAVES;
    _Alignas(max_align_t) unsigned char partial[WEIR_PARTIAL_MAX];
    int status = reduce(self, reduction, from, to, leaf, partial);
    if (status == 0)
        memcpy(result, partial, reduction->size);
    return status;
}
