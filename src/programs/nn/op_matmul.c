// SPDX-License-Identifier: MIT
//
// MatMul and Gemm: what they promise and what they refuse.
#include "programs/nn/op_matmul.h"

#include <errno.h>

enum { NUMBER_MAX = 1 << 30 };

static int check_inputs(const wr_nn_graph *graph, const wr_nn_node *node,
                        int own, wr_nn_why *why) {
    size_t steps;
    wr_nn_steps_get(node, &steps);
    if (node->inputs > own && steps == 0)
        return wr_nn_refuse(why, -EINVAL, node, "%d inputs", node->inputs);
    for (int i = 0; i < node->inputs && i < own; i++) {
        int value = node->input[i];
        if (value < 0 && i < 2)
            return wr_nn_refuse(why, -EINVAL, node, "input %d is absent", i);
        if (value < 0)
            continue;
        const wr_nn_shape *shape = &graph->value[value].shape;
        if (shape->type != WR_NN_F32)
            return wr_nn_refuse(why, -ENOTSUP, node,
                                "input %d is %s, not float32", i,
                                wr_nn_type_name(shape->type));
        if (wr_nn_bytes(shape) > INT64_MAX)
            return wr_nn_refuse(why, -E2BIG, node, "input %d is too big", i);
        for (int d = 0; d < shape->rank; d++)
            if (shape->dim[d] < 1 || shape->dim[d] > NUMBER_MAX) {
                char text[WR_NN_SHAPE_TEXT];
                return wr_nn_refuse(why, -EINVAL, node, "input %d is %s", i,
                                    wr_nn_shape_text(text, shape));
            }
    }
    return 0;
}

static int mismatch(const wr_nn_node *node, const wr_nn_shape *a,
                    const wr_nn_shape *b, wr_nn_why *why) {
    char left[WR_NN_SHAPE_TEXT], right[WR_NN_SHAPE_TEXT];
    return wr_nn_refuse(why, -EINVAL, node, "%s by %s",
                        wr_nn_shape_text(left, a), wr_nn_shape_text(right, b));
}

// The result's shape is set last, when nothing can be refused any more but its
// size and its steps.
static int finish(wr_nn_graph *graph, wr_nn_node *node,
                  const wr_nn_matmul *matmul, const wr_nn_shape *shape,
                  wr_nn_why *why) {
    if (wr_nn_bytes(shape) > INT64_MAX)
        return wr_nn_refuse(why, -E2BIG, node, "the result is too big");
    graph->value[node->output[0]].shape = *shape;
    node->params = matmul;
    size_t count;
    wr_nn_steps_get(node, &count);
    return count == 0 ? 0 : wr_nn_steps_check(graph, node, shape, why);
}

// ---- MatMul ----------------------------------------------------------------

// The dimensions before the last two: of one side (rank 0 if it has none).
static wr_nn_shape batches(const wr_nn_shape *shape) {
    wr_nn_shape out = *shape;
    out.rank = shape->rank > 2 ? shape->rank - 2 : 0;
    return out;
}

// By how many matrices a step of dimension d of `all` goes on in `side`.
static int64_t step_of(const wr_nn_shape *side, const wr_nn_shape *all, int d) {
    int own = d - (all->rank - side->rank);
    if (own < 0 || side->dim[own] == 1)
        return 0;
    int64_t step = 1;
    for (int i = own + 1; i < side->rank; i++)
        step *= side->dim[i];
    return step;
}

static int plan_batches(wr_nn_matmul *matmul, const wr_nn_shape *a,
                        const wr_nn_shape *b, wr_nn_shape *all,
                        const wr_nn_node *node, wr_nn_why *why) {
    wr_nn_shape left = batches(a), right = batches(b);
    int status = wr_nn_broadcast(all, &left, &right, node, why);
    if (status != 0)
        return status;
    size_t count = wr_nn_elements(all);
    if (count > NUMBER_MAX)
        return wr_nn_refuse(why, -E2BIG, node, "too many products");
    matmul->batch = (int64_t)count;
    matmul->dims = all->rank;
    size_t of_a = wr_nn_elements(&left), of_b = wr_nn_elements(&right);
    matmul->many_a = of_a == count;
    matmul->many_b = of_b == count && count > 1;
    matmul->regular =
        (of_a == count || of_a == 1) && (of_b == count || of_b == 1);
    for (int d = 0; d < all->rank; d++) {
        matmul->dim[d] = all->dim[d];
        matmul->step_a[d] = step_of(&left, all, d);
        matmul->step_b[d] = step_of(&right, all, d);
    }
    return 0;
}

static int infer_matmul(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = check_inputs(graph, node, 2, why);
    if (status != 0)
        return status;
    const wr_nn_shape *a = &graph->value[node->input[0]].shape;
    const wr_nn_shape *b = &graph->value[node->input[1]].shape;
    if (a->rank < 1 || b->rank < 1)
        return mismatch(node, a, b, why);
    wr_nn_matmul *matmul = wr_nn_allocate(graph, sizeof(*matmul));
    if (matmul == NULL)
        return wr_nn_refuse(why, -ENOMEM, node, "no memory");
    // A vector is a row on the left and a column on the right.
    matmul->m = a->rank == 1 ? 1 : a->dim[a->rank - 2];
    matmul->k = a->dim[a->rank - 1];
    matmul->n = b->rank == 1 ? 1 : b->dim[b->rank - 1];
    matmul->alpha = 1;
    if (b->dim[b->rank == 1 ? 0 : b->rank - 2] != matmul->k)
        return mismatch(node, a, b, why);
    wr_nn_shape out;
    status = plan_batches(matmul, a, b, &out, node, why);
    if (status != 0)
        return status;
    // One matrix on the right: the rows of all on the left are one matrix.
    if (matmul->batch > 1 && !matmul->many_b && matmul->many_a &&
        matmul->regular && matmul->batch <= NUMBER_MAX / matmul->m) {
        matmul->m *= matmul->batch;
        matmul->batch = 1;
    }
    if (out.rank + (a->rank > 1) + (b->rank > 1) > WR_NN_RANK_MAX)
        return mismatch(node, a, b, why);
    out.type = WR_NN_F32;
    if (a->rank > 1)
        out.dim[out.rank++] = a->dim[a->rank - 2];
    if (b->rank > 1)
        out.dim[out.rank++] = matmul->n;
    return finish(graph, node, matmul, &out, why);
}

// ---- Gemm ------------------------------------------------------------------

static int infer_gemm(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = check_inputs(graph, node, 3, why);
    if (status != 0)
        return status;
    const wr_nn_shape *a = &graph->value[node->input[0]].shape;
    const wr_nn_shape *b = &graph->value[node->input[1]].shape;
    if (a->rank != 2 || b->rank != 2)
        return mismatch(node, a, b, why);
    wr_nn_matmul *matmul = wr_nn_allocate(graph, sizeof(*matmul));
    if (matmul == NULL)
        return wr_nn_refuse(why, -ENOMEM, node, "no memory");
    matmul->batch = 1;
    matmul->regular = matmul->many_a = true;
    matmul->turned_a = wr_nn_attr_int(node, "transA", 0) != 0;
    matmul->turned_b = wr_nn_attr_int(node, "transB", 0) != 0;
    matmul->alpha = wr_nn_attr_float(node, "alpha", 1);
    matmul->beta = wr_nn_attr_float(node, "beta", 1);
    matmul->m = a->dim[matmul->turned_a];
    matmul->k = a->dim[!matmul->turned_a];
    matmul->n = b->dim[!matmul->turned_b];
    if (b->dim[matmul->turned_b] != matmul->k)
        return mismatch(node, a, b, why);
    wr_nn_shape out = {WR_NN_F32, 2, {matmul->m, matmul->n}};
    int c = wr_nn_matmul_c(node);
    if (c >= 0) {
        wr_nn_shape both;
        const wr_nn_shape *addend = &graph->value[c].shape;
        status = wr_nn_broadcast(&both, &out, addend, node, why);
        if (status != 0)
            return status;
        if (!wr_nn_same_shape(&both, &out)) {
            char text[WR_NN_SHAPE_TEXT];
            return wr_nn_refuse(why, -EINVAL, node,
                                "C is %s, which is more than the product",
                                wr_nn_shape_text(text, addend));
        }
    }
    return finish(graph, node, matmul, &out, why);
}

// ---- the operators ---------------------------------------------------------

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    const wr_nn_matmul *matmul = node->params;
    return wr_nn_dnn_ns(graph, node,
                        (double)matmul->batch * (double)matmul->m *
                            (double)matmul->n * (double)matmul->k,
                        false);
}

const wr_nn_op wr_nn_ops_matmul[] = {
    {
        .name = "MatMul",
        .inputs_min = 2,
        .inputs_max = 2 + WR_NN_STEPS_MAX,
        .outputs_min = 1,
        .outputs_max = 1,
        .since = 1,
        .infer = infer_matmul,
        .prepare = wr_nn_matmul_prepare,
        .forget = wr_nn_dnn_forget,
        .cost = cost,
        .parts_max = wr_nn_matmul_parts_max,
        .scratch = wr_nn_dnn_scratch,
        .run = wr_nn_dnn_run,
    },
    {
        .name = "Gemm",
        .inputs_min = 2,
        .inputs_max = 3 + WR_NN_STEPS_MAX,
        .outputs_min = 1,
        .outputs_max = 1,
        .since = 7, // before, C was not broadcast unless asked for
        .infer = infer_gemm,
        .prepare = wr_nn_matmul_prepare,
        .forget = wr_nn_dnn_forget,
        .cost = cost,
        .parts_max = wr_nn_matmul_parts_max,
        .scratch = wr_nn_dnn_scratch,
        .run = wr_nn_dnn_run,
    },
    {.name = NULL},
};
