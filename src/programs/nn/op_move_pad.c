// SPDX-License-Identifier: MIT
//
// Pad, DepthToSpace, SpaceToDepth, Trilu, CumSum.
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

// ---------------------------------------------------------------------------
// Pad

typedef enum mode { CONSTANT, REFLECT, EDGE, WRAP } mode;

typedef struct pad {
    mode mode;
    size_t size;
    uint64_t value; // the constant's bytes, where it is an attribute or absent
    int rank;
    int64_t before[WR_NN_RANK_MAX]; // negative: cut off
    int64_t in[WR_NN_RANK_MAX], out[WR_NN_RANK_MAX];
    ptrdiff_t stride[WR_NN_RANK_MAX];
} pad;

// Where result o of a dimension comes from, or -1: the constant.
static int64_t source(const pad *self, int d, int64_t o) {
    int64_t at = o - self->before[d], dim = self->in[d];
    if (at >= 0 && at < dim)
        return at;
    switch (self->mode) {
    case CONSTANT: return -1;
    case EDGE: return at < 0 ? 0 : dim - 1;
    case WRAP: return (at % dim + dim) % dim;
    case REFLECT: break;
    }
    // There and back again, without repeating the ends.
    int64_t period = dim == 1 ? 1 : 2 * (dim - 1);
    at = (at % period + period) % period;
    return at < dim ? at : period - at;
}

static int read_mode(const wr_nn_node *node, const wr_nn_graph *graph,
                     mode *out, wr_nn_why *why) {
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    const char *text = wr_nn_attr_string(node, "mode", "constant");
    int known = graph->opset < 19 ? 3 : 4;
    for (int i = 0; i < known; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (mode)i;
            return 0;
        }
    return wr_nn_refuse(why, -EINVAL, node, "mode is '%.32s'", text);
}

// The constant: input 2, from opset 11 on, or the attribute value.
static int read_value(const wr_nn_graph *graph, const wr_nn_node *node,
                      pad *made, wr_nn_why *why) {
    const wr_nn_attr *attr = wr_nn_attr_find(node, "value");
    if (attr != NULL && graph->opset < 11) {
        float value = wr_nn_attr_float(node, "value", 0);
        if (attr->kind != WR_NN_FLOAT)
            return wr_nn_refuse(why, -EINVAL, node, "value is not a float");
        if (wr_nn_op_in(graph, node, 0)->type != WR_NN_F32)
            return wr_nn_refuse(why, -ENOTSUP, node,
                                "a value for integers: not supported");
        memcpy(&made->value, &value, sizeof value);
    }
    if (wr_nn_op_input(graph, node, 2) == NULL)
        return 0;
    int status = wr_nn_op_alike(graph, node, 0, 2, why);
    if (status == 0 && wr_nn_elements(wr_nn_op_in(graph, node, 2)) != 1)
        return wr_nn_refuse(why, -EINVAL, node, "input 2 is not one element");
    return status;
}

// How much to pad each dimension: before in made, after here.
static int read_pads(wr_nn_graph *graph, wr_nn_node *node, pad *made,
                     int64_t *after, wr_nn_why *why) {
    const int64_t *list, *axes = NULL;
    size_t count, axes_count = (size_t)made->rank;
    int status =
        wr_nn_op_list_or_attr(graph, node, 1, "pads", 11, &list, &count, why);
    if (status == 0 && wr_nn_op_input(graph, node, 3) != NULL)
        status = wr_nn_op_list(graph, node, 3, &axes, &axes_count, why);
    unsigned set;
    if (status == 0 && axes != NULL)
        status = wr_nn_op_axes(node, axes, axes_count, made->rank, &set, why);
    if (status < 0)
        return status;
    if (list == NULL || count != 2 * axes_count)
        return wr_nn_refuse(why, -EINVAL, node, "pads has %zu entries, not %zu",
                            count, 2 * axes_count);
    for (size_t i = 0; i < axes_count; i++) {
        size_t axis = i;
        if (axes != NULL)
            axis = (size_t)(axes[i] < 0 ? axes[i] + made->rank : axes[i]);
        for (size_t k = 0; k < 2; k++)
            if (list[i + k * axes_count] < -INT_MAX ||
                list[i + k * axes_count] > INT_MAX)
                return wr_nn_refuse(why, -EINVAL, node, "pads has %lld",
                                    (long long)list[i + k * axes_count]);
        made->before[axis] = list[i];
        after[axis] = list[i + axes_count];
    }
    return 0;
}

static int infer_pad(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_ALL, why);
    if (status < 0)
        return status;
    pad *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    wr_nn_shape out = *wr_nn_op_in(graph, node, 0);
    int64_t after[WR_NN_RANK_MAX] = {0};
    made->rank = out.rank;
    made->size = wr_nn_type_size(out.type);
    wr_nn_op_strides(&out, made->stride);
    status = read_mode(node, graph, &made->mode, why);
    if (status == 0)
        status = read_value(graph, node, made, why);
    if (status == 0)
        status = read_pads(graph, node, made, after, why);
    if (status < 0)
        return status;
    for (int i = 0; i < out.rank; i++) {
        int64_t dim = out.dim[i] + made->before[i] + after[i];
        bool more = made->before[i] > 0 || after[i] > 0;
        if (dim < 0 || (out.dim[i] == 0 && more && made->mode != CONSTANT))
            return wr_nn_refuse(why, -EINVAL, node,
                                "dimension %d of %lld cannot be padded by "
                                "%lld and %lld",
                                i, (long long)out.dim[i],
                                (long long)made->before[i],
                                (long long)after[i]);
        made->in[i] = out.dim[i];
        made->out[i] = out.dim[i] = dim;
    }
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static void put(uint8_t *out, const void *value, size_t size, size_t count) {
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * size, value, size);
}

// One row of the innermost dimension; x is the input's row.
static void pad_row(const pad *self, uint8_t *out, const uint8_t *x,
                    const void *value) {
    int last = self->rank - 1;
    size_t size = self->size;
    int64_t wide = self->out[last], before = self->before[last];
    int64_t begin = before < 0 ? 0 : before > wide ? wide : before;
    int64_t end = before + self->in[last];
    end = end < begin ? begin : end > wide ? wide : end;
    for (int64_t o = 0; o < wide; o++) {
        if (o == begin && begin < end) {
            memcpy(out + (size_t)o * size, x + (size_t)(o - before) * size,
                   (size_t)(end - begin) * size);
            o = end - 1;
            continue;
        }
        int64_t at = source(self, last, o);
        memcpy(out + (size_t)o * size, at < 0 ? value : x + (size_t)at * size,
               size);
    }
}

static size_t rows_of(const pad *self) {
    size_t rows = 1;
    for (int i = 0; i < self->rank - 1; i++)
        rows *= (size_t)self->out[i];
    return rows;
}

static void run_pad(const wr_nn_graph *graph, const wr_nn_node *node,
                    const void *const *in, void *const *out, void *scratch,
                    unsigned part) {
    (void)graph, (void)scratch;
    const pad *self = node->params;
    const void *value =
        node->inputs > 2 && in[2] != NULL ? in[2] : &self->value;
    if (self->rank == 0) {
        if (part == 0)
            memcpy(out[0], in[0], self->size);
        return;
    }
    size_t from, to, wide = (size_t)self->out[self->rank - 1];
    wr_nn_op_part(rows_of(self), 1, node->parts, part, &from, &to);
    for (; from < to; from++) {
        size_t rest = from;
        ptrdiff_t base = 0;
        bool constant = false;
        for (int i = self->rank - 2; i >= 0; i--) {
            int64_t at =
                source(self, i, (int64_t)(rest % (size_t)self->out[i]));
            rest /= (size_t)self->out[i];
            constant = constant || at < 0;
            base += (ptrdiff_t)at * self->stride[i];
        }
        uint8_t *row = (uint8_t *)out[0] + from * wide * self->size;
        if (constant)
            put(row, value, self->size, wide);
        else
            pad_row(self, row,
                    (const uint8_t *)in[0] + base * (ptrdiff_t)self->size,
                    value);
    }
}

static unsigned parts_pad(const wr_nn_graph *graph, const wr_nn_node *node) {
    const pad *self = node->params;
    unsigned parts = wr_nn_op_parts_elements(graph, node);
    size_t rows = rows_of(self);
    return rows < 1 ? 1 : rows < parts ? (unsigned)rows : parts;
}

// ---------------------------------------------------------------------------
// DepthToSpace and SpaceToDepth: permuted blocks

typedef struct blocks {
    size_t size;
    wr_nn_walk walk;
} blocks;

static int infer_blocks(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_ALL, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    int64_t b = wr_nn_attr_int(node, "blocksize", 0);
    bool to_space = strcmp(node->op->name, "DepthToSpace") == 0;
    const char *order = wr_nn_attr_string(node, "mode", "DCR");
    if (in->rank != 4 || b < 1 || b > INT_MAX)
        return wr_nn_refuse(why, -EINVAL, node,
                            "rank %d and blocksize %lld do not go", in->rank,
                            (long long)b);
    if (strcmp(order, "DCR") != 0 && strcmp(order, "CRD") != 0)
        return wr_nn_refuse(why, -EINVAL, node, "mode is '%.32s'", order);
    const int64_t *n = in->dim;
    if (to_space ? n[1] % (b * b) != 0 : n[2] % b != 0 || n[3] % b != 0)
        return wr_nn_refuse(why, -EINVAL, node,
                            "blocks of %lld do not fit the shape",
                            (long long)b);
    blocks *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    made->size = wr_nn_type_size(in->type);
    ptrdiff_t s[WR_NN_RANK_MAX];
    wr_nn_op_strides(in, s);
    int64_t depth = to_space ? n[1] / (b * b) : n[1];
    bool dcr = strcmp(order, "DCR") == 0;
    // Strides of the block's row, its column and the depth, in channels.
    int64_t block_row = dcr ? depth * b : b, column = dcr ? depth : 1;
    int64_t each = dcr ? 1 : b * b;
    wr_nn_shape out = *in;
    wr_nn_walk_begin(&made->walk, 1);
    ptrdiff_t by[6] = {s[0]};
    int64_t dim[6] = {n[0]};
    if (to_space) {
        const int64_t dims[5] = {depth, n[2], b, n[3], b};
        const ptrdiff_t steps[5] = {each * s[1], s[2], block_row * s[1], s[3],
                                    column * s[1]};
        memcpy(dim + 1, dims, sizeof dims);
        memcpy(by + 1, steps, sizeof steps);
        out = (wr_nn_shape){in->type, 4, {n[0], depth, n[2] * b, n[3] * b}};
    } else {
        const int64_t dims[5] = {b, b, n[1], n[2] / b, n[3] / b};
        const ptrdiff_t steps[5] = {s[2], s[3], s[1], b * s[2], b * s[3]};
        memcpy(dim + 1, dims, sizeof dims);
        memcpy(by + 1, steps, sizeof steps);
        out = (wr_nn_shape){
            in->type, 4, {n[0], n[1] * b * b, n[2] / b, n[3] / b}};
    }
    for (int i = 0; i < 6; i++)
        wr_nn_walk_add(&made->walk, (size_t)dim[i], &by[i]);
    wr_nn_walk_finish(&made->walk);
    return wr_nn_op_set(graph, node, 0, &out, why);
}

static void run_blocks(const wr_nn_graph *graph, const wr_nn_node *node,
                       const void *const *in, void *const *out, void *scratch,
                       unsigned part) {
    (void)graph, (void)scratch;
    const blocks *self = node->params;
    size_t from, to;
    wr_nn_op_part(self->walk.total, WR_NN_GRAIN, node->parts, part, &from, &to);
    if (from < to)
        wr_nn_walk_copy(&self->walk, 0, self->size,
                        (uint8_t *)out[0] + from * self->size, in[0], from, to);
}

// ---------------------------------------------------------------------------
// Trilu

typedef struct triangle {
    size_t size, rows, columns;
    bool upper;
    int64_t diagonal;
} triangle;

static int infer_triangle(wr_nn_graph *graph, wr_nn_node *node,
                          wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_ALL, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    if (in->rank < 2)
        return wr_nn_refuse(why, -EINVAL, node, "rank %d is less than 2",
                            in->rank);
    triangle *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    *made = (triangle){.size = wr_nn_type_size(in->type),
                       .rows = (size_t)in->dim[in->rank - 2],
                       .columns = (size_t)in->dim[in->rank - 1],
                       .upper = wr_nn_attr_int(node, "upper", 1) != 0};
    if (wr_nn_op_input(graph, node, 1) != NULL) {
        const int64_t *k;
        size_t count;
        status = wr_nn_op_list(graph, node, 1, &k, &count, why);
        if (status < 0)
            return status;
        if (count != 1)
            return wr_nn_refuse(why, -EINVAL, node,
                                "input 1 is not one element");
        // Beyond the matrix it is all or nothing.
        int64_t far = in->dim[in->rank - 2] + in->dim[in->rank - 1];
        made->diagonal = k[0] < -far ? -far : k[0] > far ? far : k[0];
    }
    return wr_nn_op_set(graph, node, 0, in, why);
}

static void run_triangle(const wr_nn_graph *graph, const wr_nn_node *node,
                         const void *const *in, void *const *out, void *scratch,
                         unsigned part) {
    (void)scratch;
    const triangle *self = node->params;
    size_t from, to, width = self->columns * self->size;
    size_t all = wr_nn_elements(wr_nn_op_in(graph, node, 0));
    wr_nn_op_part(self->columns == 0 ? 0 : all / self->columns, 1, node->parts,
                  part, &from, &to);
    for (; from < to; from++) {
        // [0, edge) is left of the diagonal (of and below it, for lower).
        int64_t edge =
            (int64_t)(from % self->rows) + self->diagonal + !self->upper;
        size_t left = edge < 0 ? 0 : (size_t)edge;
        left = (left > self->columns ? self->columns : left) * self->size;
        uint8_t *y = (uint8_t *)out[0] + from * width;
        memmove(y, (const uint8_t *)in[0] + from * width, width);
        if (self->upper)
            memset(y, 0, left);
        else
            memset(y + left, 0, width - left);
    }
}

static unsigned parts_triangle(const wr_nn_graph *graph,
                               const wr_nn_node *node) {
    const triangle *self = node->params;
    unsigned parts = wr_nn_op_parts_elements(graph, node);
    return self->rows < 1       ? 1
           : self->rows < parts ? (unsigned)self->rows
                                : parts;
}

// ---------------------------------------------------------------------------
// CumSum

typedef struct running {
    size_t outer, dim, inner;
    bool exclusive, reverse;
} running;

static int infer_running(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    const int64_t *list;
    size_t count;
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_NUMBERS, why);
    if (status == 0)
        status = wr_nn_op_list(graph, node, 1, &list, &count, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    int axis = 0;
    if (count != 1)
        return wr_nn_refuse(why, -EINVAL, node, "input 1 is not one axis");
    status = wr_nn_op_axis(node, list[0], in->rank, &axis, why);
    if (status < 0)
        return status;
    running *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    *made = (running){.outer = 1,
                      .dim = (size_t)in->dim[axis],
                      .inner = 1,
                      .exclusive = wr_nn_attr_int(node, "exclusive", 0) != 0,
                      .reverse = wr_nn_attr_int(node, "reverse", 0) != 0};
    for (int i = 0; i < in->rank; i++)
        if (i != axis)
            *(i < axis ? &made->outer : &made->inner) *= (size_t)in->dim[i];
    return wr_nn_op_set(graph, node, 0, in, why);
}

static void run_running(const wr_nn_graph *graph, const wr_nn_node *node,
                        const void *const *in, void *const *out, void *scratch,
                        unsigned part) {
    (void)scratch;
    const running *self = node->params;
    wr_nn_type type = wr_nn_op_in(graph, node, 0)->type;
    size_t from, to;
    wr_nn_op_part(self->outer * self->inner, 8, node->parts, part, &from, &to);
    for (; from < to; from++) {
        size_t base =
            from / self->inner * self->dim * self->inner + from % self->inner;
        float sum = 0;
        uint64_t whole = 0;
        for (size_t k = 0; k < self->dim; k++) {
            size_t i = self->reverse ? self->dim - 1 - k : k;
            size_t at = base + i * self->inner;
            float before = sum;
            uint64_t whole_before = whole;
            if (type == WR_NN_F32) {
                sum += ((const float *)in[0])[at];
                ((float *)out[0])[at] = self->exclusive ? before : sum;
                continue;
            }
            whole += type == WR_NN_I64 ? (uint64_t)((const int64_t *)in[0])[at]
                                       : (uint64_t)((const int32_t *)in[0])[at];
            int64_t y = (int64_t)(self->exclusive ? whole_before : whole);
            wr_nn_store_integers(out[0], type, at, &y, 1);
        }
    }
}

// ---------------------------------------------------------------------------

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    return 0.8 * (double)wr_nn_elements(wr_nn_op_out(graph, node, 0));
}

#define OP(name, least, most, since, infer, parts, run)                        \
    {                                                                          \
        name, least, most, 1, 1, since, 0, infer, NULL, NULL, cost, parts,     \
            NULL, run                                                          \
    }

const wr_nn_op wr_nn_ops_pad[] = {
    OP("Pad", 1, 4, 2, infer_pad, parts_pad, run_pad),
    OP("DepthToSpace", 1, 1, 1, infer_blocks, wr_nn_op_parts_elements,
       run_blocks),
    OP("SpaceToDepth", 1, 1, 1, infer_blocks, wr_nn_op_parts_elements,
       run_blocks),
    OP("Trilu", 1, 2, 14, infer_triangle, parts_triangle, run_triangle),
    OP("CumSum", 2, 2, 11, infer_running, wr_nn_op_parts_elements, run_running),
    {.name = NULL},
};
