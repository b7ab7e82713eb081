// SPDX-License-Identifier: MIT
//
// Operators that move whole tensors: Transpose, Concat, Split, Slice, Expand,
// Tile. Pad is in op_move_pad.c.
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    double bytes = 0;
    for (int i = 0; i < node->outputs; i++)
        if (node->output[i] >= 0)
            bytes += (double)wr_nn_bytes(wr_nn_op_out(graph, node, i));
    return 0.15 * bytes;
}

static unsigned parts_max(const wr_nn_graph *graph, const wr_nn_node *node) {
    return wr_nn_op_parts(wr_nn_bytes(wr_nn_op_in(graph, node, 0)), 1 << 14);
}

static unsigned parts_out(const wr_nn_graph *graph, const wr_nn_node *node) {
    return wr_nn_op_parts(wr_nn_bytes(wr_nn_op_out(graph, node, 0)), 1 << 14);
}

// ---------------------------------------------------------------------------
// Copies by strides: Slice, Expand, Tile, most of Transpose

typedef struct copy {
    size_t size;     // of an element
    ptrdiff_t first; // element of the input where the walk begins
    int across;      // Transpose: dimension that has stride 1, or -1
    void (*transpose)(wr_nn_four *restrict out, size_t out_row,
                      const wr_nn_four *restrict in, size_t in_row, size_t rows,
                      size_t columns);
    wr_nn_walk walk;
} copy;

static copy *copy_begin(wr_nn_graph *graph, wr_nn_node *node, int *status,
                        wr_nn_why *why) {
    copy *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL) {
        *status = -ENOMEM;
        return NULL;
    }
    made->size = wr_nn_type_size(wr_nn_op_in(graph, node, 0)->type);
    made->across = -1;
    wr_nn_walk_begin(&made->walk, 1);
    return made;
}

static void copy_run(const wr_nn_graph *graph, const wr_nn_node *node,
                     const void *const *in, void *const *out, void *scratch,
                     unsigned part) {
    (void)graph, (void)scratch;
    const copy *self = node->params;
    size_t from, to;
    wr_nn_op_part(self->walk.total, WR_NN_GRAIN, node->parts, part, &from, &to);
    if (from < to)
        wr_nn_walk_copy(
            &self->walk, 0, self->size, (uint8_t *)out[0] + from * self->size,
            (const uint8_t *)in[0] + self->first * (ptrdiff_t)self->size, from,
            to);
}

static int begin(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_ALL, why);
    return status;
}

// ---------------------------------------------------------------------------
// Transpose

static int infer_transpose(wr_nn_graph *graph, wr_nn_node *node,
                           wr_nn_why *why) {
    int status = begin(graph, node, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    size_t count;
    const int64_t *perm = wr_nn_attr_ints(node, "perm", &count);
    unsigned seen = 0;
    if (wr_nn_attr_find(node, "perm") != NULL) {
        if (count != (size_t)in->rank)
            return wr_nn_refuse(why, -EINVAL, node,
                                "perm has %zu entries for rank %d", count,
                                in->rank);
        for (size_t i = 0; i < count; i++)
            if (perm[i] >= 0 && perm[i] < in->rank)
                seen |= 1u << perm[i];
        if (seen != (1u << in->rank) - 1)
            return wr_nn_refuse(why, -EINVAL, node, "perm is no permutation");
    }
    copy *made = copy_begin(graph, node, &status, why);
    if (made == NULL)
        return status;
    ptrdiff_t stride[WR_NN_RANK_MAX];
    wr_nn_op_strides(in, stride);
    wr_nn_shape out = {.type = in->type, .rank = in->rank};
    for (int i = 0; i < in->rank; i++) {
        int axis = seen != 0 ? (int)perm[i] : in->rank - 1 - i;
        out.dim[i] = in->dim[axis];
        wr_nn_walk_add(&made->walk, (size_t)out.dim[i], &stride[axis]);
    }
    wr_nn_walk_finish(&made->walk);
    for (int i = 0; i < made->walk.rank - 1 && made->size == 4; i++)
        if (made->walk.stride[0][i] == 1)
            made->across = i;
    made->transpose = wr_nn_kernels_best()->transpose;
    return wr_nn_op_set(graph, node, 0, &out, why);
}

// Blocks of 16 columns by 64 rows: 64 lines are read, 64 written.
enum { COLUMNS = 16, ROWS = 64 };

// A unit is 16 columns of one matrix; a matrix is dimension `across` (its
// columns) by the last (its rows).
static void transpose_unit(const copy *self, wr_nn_four *out,
                           const wr_nn_four *in, size_t unit) {
    const wr_nn_walk *walk = &self->walk;
    int last = walk->rank - 1;
    size_t blocks = (walk->dim[self->across] + COLUMNS - 1) / COLUMNS;
    size_t column = unit % blocks * COLUMNS, rest = unit / blocks;
    size_t columns = walk->dim[self->across] - column;
    columns = columns < COLUMNS ? columns : COLUMNS;
    ptrdiff_t from = (ptrdiff_t)column;
    size_t to = 0, step = walk->dim[last], out_row = 0;
    for (int i = last - 1; i >= 0; i--) {
        if (i == self->across) {
            out_row = step;
            to += column * step;
        } else {
            size_t index = rest % walk->dim[i];
            rest /= walk->dim[i];
            to += index * step;
            from += (ptrdiff_t)index * walk->stride[0][i];
        }
        step *= walk->dim[i];
    }
    size_t in_row = (size_t)walk->stride[0][last], rows = walk->dim[last];
    for (size_t row = 0; row < rows; row += ROWS)
        self->transpose(out + to + row, out_row,
                        in + from + (ptrdiff_t)(row * in_row), in_row,
                        rows - row < ROWS ? rows - row : ROWS, columns);
}

static void run_transpose(const wr_nn_graph *graph, const wr_nn_node *node,
                          const void *const *in, void *const *out,
                          void *scratch, unsigned part) {
    const copy *self = node->params;
    if (self->across < 0 || self->walk.total == 0) {
        copy_run(graph, node, in, out, scratch, part);
        return;
    }
    size_t columns = self->walk.dim[self->across];
    size_t matrix = columns * self->walk.dim[self->walk.rank - 1];
    size_t units =
        self->walk.total / matrix * ((columns + COLUMNS - 1) / COLUMNS);
    size_t from, to;
    wr_nn_op_part(units, 1, node->parts, part, &from, &to);
    for (; from < to; from++)
        transpose_unit(self, out[0], in[0], from);
}

// ---------------------------------------------------------------------------
// Slice

typedef struct cut {
    const int64_t *list;
    size_t count;
} cut;

enum { STARTS, ENDS, AXES, STEPS, CUTS };

static int slice_lists(wr_nn_graph *graph, const wr_nn_node *node,
                       cut cuts[CUTS], wr_nn_why *why) {
    static const char *const names[CUTS] = {"starts", "ends", "axes", "steps"};
    for (int i = 0; i < CUTS; i++) {
        int status = wr_nn_op_list_or_attr(graph, node, i + 1, names[i], 10,
                                           &cuts[i].list, &cuts[i].count, why);
        if (status < 0)
            return status;
        if (cuts[i].list == NULL && i <= ENDS)
            return wr_nn_refuse(why, -EINVAL, node, "%s are missing", names[i]);
        if (cuts[i].list != NULL && cuts[i].count != cuts[STARTS].count)
            return wr_nn_refuse(why, -EINVAL, node, "%zu starts, but %zu %s",
                                cuts[STARTS].count, cuts[i].count, names[i]);
    }
    return 0;
}

// From start to end by step within dim, as Python does it: how many.
static int64_t slice_count(int64_t *start, int64_t end, int64_t step,
                           int64_t dim) {
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? dim : dim - 1;
    int64_t from = *start < 0 ? *start + dim : *start;
    int64_t to = end < 0 ? end + dim : end;
    from = from < low ? low : from > high ? high : from;
    to = to < low ? low : to > high ? high : to;
    *start = from;
    if (step > 0)
        return to <= from ? 0 : (to - from - 1) / step + 1;
    // -INT64_MIN would overflow; no tensor is that long anyway.
    int64_t back = step == INT64_MIN ? INT64_MAX : -step;
    return from <= to ? 0 : (from - to - 1) / back + 1;
}

static int infer_slice(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    cut cuts[CUTS];
    int status = begin(graph, node, why);
    if (status == 0)
        status = slice_lists(graph, node, cuts, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    wr_nn_shape out = *in;
    int64_t start[WR_NN_RANK_MAX] = {0}, step[WR_NN_RANK_MAX];
    for (int i = 0; i < WR_NN_RANK_MAX; i++)
        step[i] = 1;
    unsigned seen = 0;
    for (size_t i = 0; i < cuts[STARTS].count; i++) {
        int axis = 0;
        status = wr_nn_op_axis(
            node, cuts[AXES].list == NULL ? (int64_t)i : cuts[AXES].list[i],
            in->rank, &axis, why);
        if (status < 0)
            return status;
        if ((seen & 1u << axis) != 0)
            return wr_nn_refuse(why, -EINVAL, node, "axis %d is there twice",
                                axis);
        seen |= 1u << axis;
        step[axis] = cuts[STEPS].list == NULL ? 1 : cuts[STEPS].list[i];
        if (step[axis] == 0)
            return wr_nn_refuse(why, -EINVAL, node, "a step is 0");
        start[axis] = cuts[STARTS].list[i];
        out.dim[axis] = slice_count(&start[axis], cuts[ENDS].list[i],
                                    step[axis], in->dim[axis]);
    }
    copy *made = copy_begin(graph, node, &status, why);
    if (made == NULL)
        return status;
    ptrdiff_t stride[WR_NN_RANK_MAX];
    wr_nn_op_strides(in, stride);
    for (int i = 0; i < in->rank; i++) {
        // With one element or none the step does not matter, and may be huge.
        ptrdiff_t by = out.dim[i] <= 1 ? 0 : stride[i] * (ptrdiff_t)step[i];
        made->first += out.dim[i] == 0 ? 0 : stride[i] * (ptrdiff_t)start[i];
        wr_nn_walk_add(&made->walk, (size_t)out.dim[i], &by);
    }
    wr_nn_walk_finish(&made->walk);
    return wr_nn_op_set(graph, node, 0, &out, why);
}

// ---------------------------------------------------------------------------
// Expand and Tile

static int infer_expand(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    const int64_t *list;
    size_t count;
    int status = begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_list(graph, node, 1, &list, &count, why);
    if (status < 0)
        return status;
    if (count > WR_NN_RANK_MAX)
        return wr_nn_refuse(why, -ENOTSUP, node, "rank %zu is more than %d",
                            count, WR_NN_RANK_MAX);
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    wr_nn_shape target = {.type = in->type, .rank = (int)count}, out;
    for (size_t i = 0; i < count; i++) {
        target.dim[i] = list[i];
        if (list[i] < 0)
            return wr_nn_refuse(why, -EINVAL, node,
                                "dimension %zu of the new shape is %lld", i,
                                (long long)list[i]);
    }
    status = wr_nn_broadcast(&out, in, &target, node, why);
    if (status < 0)
        return status;
    out.type = in->type;
    status = wr_nn_op_set(graph, node, 0, &out, why);
    if (status < 0)
        return status;
    copy *made = copy_begin(graph, node, &status, why);
    if (made == NULL)
        return status;
    wr_nn_walk_broadcast(&made->walk, &out, &in, 1);
    return 0;
}

static int infer_tile(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    const int64_t *list;
    size_t count;
    int status = begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_list(graph, node, 1, &list, &count, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    if (count != (size_t)in->rank)
        return wr_nn_refuse(why, -EINVAL, node, "%zu repeats for rank %d",
                            count, in->rank);
    wr_nn_shape out = *in;
    copy *made = copy_begin(graph, node, &status, why);
    if (made == NULL)
        return status;
    ptrdiff_t stride[WR_NN_RANK_MAX], stays = 0;
    wr_nn_op_strides(in, stride);
    for (int i = 0; i < in->rank; i++) {
        if (list[i] < 0)
            return wr_nn_refuse(why, -EINVAL, node, "repeat %d is %lld", i,
                                (long long)list[i]);
        if (__builtin_mul_overflow(in->dim[i], list[i], &out.dim[i]))
            return wr_nn_refuse(why, -E2BIG, node, "the result is too large");
        wr_nn_walk_add(&made->walk, (size_t)list[i], &stays);
        wr_nn_walk_add(&made->walk, (size_t)in->dim[i], &stride[i]);
    }
    wr_nn_walk_finish(&made->walk);
    return wr_nn_op_set(graph, node, 0, &out, why);
}

// ---------------------------------------------------------------------------
// Concat and Split

// The joined tensor is `outer` rows; a row is one piece of each of the others.
typedef struct join {
    size_t outer, row; // bytes of a row
    int pieces;
    size_t piece[WR_NN_ARGS_MAX]; // bytes
} join;

// Calls for each run of bytes within [from, to) of the joined tensor.
static void join_walk(const join *self, size_t from, size_t to, uint8_t *joined,
                      const uint8_t *const *sources, uint8_t *const *targets) {
    size_t outer = self->row == 0 ? 0 : from / self->row;
    for (size_t at = outer * self->row; at < to; outer++)
        for (int i = 0; i < self->pieces; at += self->piece[i], i++) {
            size_t begin = at < from ? from : at;
            size_t end = at + self->piece[i] > to ? to : at + self->piece[i];
            if (begin >= end)
                continue;
            size_t offset = outer * self->piece[i] + (begin - at);
            if (targets == NULL)
                memcpy(joined + begin, sources[i] + offset, end - begin);
            else if (targets[i] != NULL)
                memcpy(targets[i] + offset, joined + begin, end - begin);
        }
}

static join *join_begin(wr_nn_graph *graph, wr_nn_node *node,
                        const wr_nn_shape *joined, int axis, wr_nn_why *why) {
    join *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return NULL;
    made->outer = 1;
    for (int i = 0; i < axis; i++)
        made->outer *= (size_t)joined->dim[i];
    size_t bytes = wr_nn_bytes(joined);
    made->row = made->outer == 0 ? 0 : bytes / made->outer;
    return made;
}

static int check_concat(const wr_nn_graph *graph, const wr_nn_node *node,
                        int axis, int i, int64_t *sum, wr_nn_why *why) {
    if (node->input[i] < 0)
        return wr_nn_refuse(why, -EINVAL, node, "input %d is missing", i);
    int status = wr_nn_op_alike(graph, node, 0, i, why);
    if (status < 0)
        return status;
    const wr_nn_shape *first = wr_nn_op_in(graph, node, 0);
    const wr_nn_shape *next = wr_nn_op_in(graph, node, i);
    bool fits = next->rank == first->rank;
    for (int k = 0; fits && k < first->rank; k++)
        fits = k == axis || next->dim[k] == first->dim[k];
    if (!fits) {
        char a[WR_NN_SHAPE_TEXT], b[WR_NN_SHAPE_TEXT];
        return wr_nn_refuse(why, -EINVAL, node,
                            "%s and %s differ beyond axis "
                            "%d",
                            wr_nn_shape_text(a, first),
                            wr_nn_shape_text(b, next), axis);
    }
    if (__builtin_add_overflow(*sum, next->dim[axis], sum))
        return wr_nn_refuse(why, -E2BIG, node, "the result is too large");
    return 0;
}

static int infer_concat(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = begin(graph, node, why);
    if (status < 0)
        return status;
    wr_nn_shape out = *wr_nn_op_in(graph, node, 0);
    int axis = 0;
    if (wr_nn_attr_find(node, "axis") == NULL)
        return wr_nn_refuse(why, -EINVAL, node, "the axis is missing");
    status = wr_nn_op_axis(node, wr_nn_attr_int(node, "axis", 0), out.rank,
                           &axis, why);
    if (status < 0)
        return status;
    out.dim[axis] = 0;
    for (int i = 0; i < node->inputs; i++) {
        status = check_concat(graph, node, axis, i, &out.dim[axis], why);
        if (status < 0)
            return status;
    }
    status = wr_nn_op_set(graph, node, 0, &out, why);
    if (status < 0)
        return status;
    join *made = join_begin(graph, node, &out, axis, why);
    if (made == NULL)
        return -ENOMEM;
    made->pieces = node->inputs;
    for (int i = 0; i < node->inputs; i++) {
        size_t bytes = wr_nn_bytes(wr_nn_op_in(graph, node, i));
        made->piece[i] = made->outer == 0 ? 0 : bytes / made->outer;
    }
    return 0;
}

static void run_concat(const wr_nn_graph *graph, const wr_nn_node *node,
                       const void *const *in, void *const *out, void *scratch,
                       unsigned part) {
    (void)graph, (void)scratch;
    const join *self = node->params;
    size_t from, to;
    wr_nn_op_part(self->outer * self->row, WR_NN_ALIGN, node->parts, part,
                  &from, &to);
    join_walk(self, from, to, out[0], (const uint8_t *const *)in, NULL);
}

// Fills in sizes[] of node->outputs pieces.
static int split_sizes(wr_nn_graph *graph, const wr_nn_node *node, int64_t dim,
                       int64_t *sizes, wr_nn_why *why) {
    const int64_t *list;
    size_t count;
    int status =
        wr_nn_op_list_or_attr(graph, node, 1, "split", 13, &list, &count, why);
    if (status < 0)
        return status;
    int64_t want = wr_nn_attr_int(node, "num_outputs", node->outputs);
    if (want != node->outputs)
        return wr_nn_refuse(why, -EINVAL, node,
                            "num_outputs is %lld, but there are %d",
                            (long long)want, node->outputs);
    int64_t sum = 0, pieces = node->outputs;
    if (list == NULL) {
        // From opset 18 on the last piece may be shorter.
        if (graph->opset < 18 && dim % pieces != 0)
            return wr_nn_refuse(why, -EINVAL, node,
                                "%lld does not split into %lld equal pieces",
                                (long long)dim, (long long)pieces);
        int64_t each = (dim + pieces - 1) / pieces;
        for (int64_t i = 0; i < pieces; i++, sum += each)
            sizes[i] = dim - sum < each ? (dim > sum ? dim - sum : 0) : each;
        return 0;
    }
    if (count != (size_t)pieces)
        return wr_nn_refuse(why, -EINVAL, node, "%zu sizes for %d outputs",
                            count, node->outputs);
    for (size_t i = 0; i < count; i++) {
        sizes[i] = list[i];
        if (list[i] < 0 || list[i] > dim - sum)
            return wr_nn_refuse(why, -EINVAL, node,
                                "size %lld of piece %zu does not fit",
                                (long long)list[i], i);
        sum += list[i];
    }
    if (sum != dim)
        return wr_nn_refuse(why, -EINVAL, node,
                            "the sizes are %lld together, not %lld",
                            (long long)sum, (long long)dim);
    return 0;
}

static int infer_split(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = begin(graph, node, why);
    if (status < 0)
        return status;
    wr_nn_shape in = *wr_nn_op_in(graph, node, 0);
    int axis = 0;
    status = wr_nn_op_axis(node, wr_nn_attr_int(node, "axis", 0), in.rank,
                           &axis, why);
    int64_t sizes[WR_NN_ARGS_MAX];
    if (status == 0)
        status = split_sizes(graph, node, in.dim[axis], sizes, why);
    if (status < 0)
        return status;
    join *made = join_begin(graph, node, &in, axis, why);
    if (made == NULL)
        return -ENOMEM;
    made->pieces = node->outputs;
    for (int i = 0; i < node->outputs; i++) {
        wr_nn_shape out = in;
        out.dim[axis] = sizes[i];
        made->piece[i] = made->outer == 0 ? 0 : wr_nn_bytes(&out) / made->outer;
        status = wr_nn_op_set(graph, node, i, &out, why);
        if (status < 0)
            return status;
    }
    return 0;
}

static void run_split(const wr_nn_graph *graph, const wr_nn_node *node,
                      const void *const *in, void *const *out, void *scratch,
                      unsigned part) {
    (void)graph, (void)scratch;
    const join *self = node->params;
    size_t from, to;
    wr_nn_op_part(self->outer * self->row, WR_NN_ALIGN, node->parts, part,
                  &from, &to);
    // The input is not written to: with targets the walk only reads `joined`.
    join_walk(self, from, to, (uint8_t *)(uintptr_t)in[0], NULL,
              (uint8_t *const *)out);
}

// ---------------------------------------------------------------------------

#define OP(name, least, most, outputs, since, infer, parts, run)               \
    {                                                                          \
        name, least, most, 1, outputs, since, 0, infer, NULL, NULL, cost,      \
            parts, NULL, run                                                   \
    }

const wr_nn_op wr_nn_ops_move[] = {
    OP("Transpose", 1, 1, 1, 1, infer_transpose, parts_max, run_transpose),
    OP("Concat", 1, WR_NN_ARGS_MAX, 1, 4, infer_concat, parts_out, run_concat),
    OP("Split", 1, 2, WR_NN_ARGS_MAX, 2, infer_split, parts_max, run_split),
    OP("Slice", 1, 5, 1, 1, infer_slice, parts_out, copy_run),
    OP("Expand", 2, 2, 1, 8, infer_expand, parts_out, copy_run),
    OP("Tile", 2, 2, 1, 6, infer_tile, parts_out, copy_run),
    {.name = NULL},
};
