// SPDX-License-Identifier: MIT
//
// A finished plan: its end, its weight, its key.
#include "programs/nn/plan.h"

#include <string.h>

#include "base/fault.h"
#include "programs/delta/kernels.h"
#include "programs/nn/graph.h"

void wr_nn_plan_destroy(wr_nn_plan *plan) {
    if (plan == NULL)
        return;
    wr_nn_graph_destroy(plan->graph); // its nodes' state may read constants
    for (int i = 0; i < plan->mades; i++)
        wr_free(plan->made[i]);
    wr_free(plan->made);
    wr_free(plan);
}

size_t wr_nn_plan_bytes(const wr_nn_plan *plan) {
    return sizeof *plan + wr_nn_graph_bytes(plan->graph) + plan->state_bytes +
           plan->made_bytes + (size_t)plan->mades * sizeof *plan->made;
}

// ---------------------------------------------------------------------------
// Keys

enum { SUM = 32 };

static void hash(uint8_t sum[SUM], const void *data, size_t bytes) {
    const uint8_t *const one = data;
    uint8_t result[1][WR_STRONG_MAX];
    wr_blake2b_portable(&one, bytes, result);
    memcpy(sum, result[0], SUM);
}

static uint8_t *put(uint8_t *at, uint64_t number) {
    for (int i = 0; i < 8; i++)
        *at++ = (uint8_t)(number >> (8 * i));
    return at;
}

void wr_nn_plan_key(uint8_t key[32], const wr_nn_graph *model,
                    const wr_nn_binding *bindings, int count,
                    const wr_nn_compile_options *options) {
    // The sum so far, then what comes next: neither can pass for the other,
    // since each piece has one length.
    uint8_t piece[SUM + (4 + WR_NN_RANK_MAX) * 8 + SUM], *at;
    uint64_t part_ns;
    memcpy(&part_ns, &options->part_ns, sizeof part_ns);
    memcpy(piece, model->digest, SUM);
    at = put(piece + SUM, options->arena_max);
    at = put(at, options->parts_max);
    at = put(at, part_ns);
    at = put(at, options->without);
    at = put(at, (uint64_t)count);
    hash(piece, piece, (size_t)(at - piece));
    for (int i = 0; i < count; i++) {
        const wr_nn_shape *shape = &bindings[i].shape;
        bool data = bindings[i].data != NULL && shape->type != WR_NN_F32;
        size_t bytes = data ? wr_nn_bytes(shape) : 0;
        at = put(piece + SUM, (uint64_t)shape->type);
        at = put(at, (uint64_t)shape->rank);
        at = put(at, data);
        for (int d = 0; d < WR_NN_RANK_MAX; d++)
            at = put(at, d < shape->rank ? (uint64_t)shape->dim[d] : 0);
        memset(at, 0, SUM);
        if (data && bytes != SIZE_MAX)
            hash(at, bindings[i].data, bytes);
        hash(piece, piece, (size_t)(at + SUM - piece));
    }
    memcpy(key, piece, SUM);
}
