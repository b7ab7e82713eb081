// SPDX-License-Identifier: MIT
//
// Softmax and its like, and normalisations: BatchNormalization (inference),
// InstanceNormalization, LayerNormalization.
#include <errno.h>
#include <math.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

// ---------------------------------------------------------------------------
// Sums of a row: in blocks, blocks pairwise

enum { BLOCK = 1024 };

typedef struct summing {
    const wr_nn_kernels *kernels;
    wr_nn_map *map; // of each element less `less`, or NULL
    float less;
} summing;

// Not inlined: what calls itself should not have this on its stack each time.
__attribute__((noinline)) static float sum_block(const summing *self,
                                                 const float *x, size_t count) {
    float mapped[BLOCK];
    if (self->map == NULL)
        return self->kernels->fold[WR_NN_FOLD_SUM](x, count);
    self->map(mapped, x, count, self->less, 0.0f);
    return self->kernels->fold[WR_NN_FOLD_SUM](mapped, count);
}

static float sum(const summing *self, const float *x, size_t count) {
    if (count <= BLOCK)
        return sum_block(self, x, count);
    size_t half = (count / 2 + BLOCK - 1) / BLOCK * BLOCK;
    float first = sum(self, x, half);
    return first + sum(self, x + half, count - half);
}

__attribute__((noinline)) static float
squares_block(const wr_nn_kernels *kernels, const float *x, size_t count,
              float mean) {
    float centred[BLOCK], squares[BLOCK];
    kernels->norm(centred, x, count, mean, 1.0f, NULL, NULL);
    kernels->map[WR_NN_MAP_SQUARE](squares, centred, count, 0.0f, 0.0f);
    return kernels->fold[WR_NN_FOLD_SUM](squares, count);
}

static float sum_of_squares(const wr_nn_kernels *kernels, const float *x,
                            size_t count, float mean) {
    if (count <= BLOCK)
        return squares_block(kernels, x, count, mean);
    size_t half = (count / 2 + BLOCK - 1) / BLOCK * BLOCK;
    float first = sum_of_squares(kernels, x, half, mean);
    return first + sum_of_squares(kernels, x + half, count - half, mean);
}

// ---------------------------------------------------------------------------
// Softmax, LogSoftmax, Hardmax: over the middle of outer, dim, inner

typedef enum soft { SOFTMAX, LOG_SOFTMAX, HARDMAX } soft;

typedef struct rows {
    soft soft;
    const wr_nn_kernels *kernels;
    size_t outer, dim, inner;
} rows;

static int infer_soft(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_FLOATS_ONLY, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    // Before opset 13 everything from the axis on is one row.
    bool flat = graph->opset < 13;
    int64_t wanted = wr_nn_attr_int(node, "axis", flat ? 1 : -1);
    int axis = 0;
    if (flat && wanted == in->rank)
        axis = in->rank;
    else
        status = wr_nn_op_axis(node, wanted, in->rank, &axis, why);
    if (status < 0)
        return status;
    rows *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    const char *name = node->op->name;
    *made = (rows){.soft = strcmp(name, "Softmax") == 0      ? SOFTMAX
                           : strcmp(name, "LogSoftmax") == 0 ? LOG_SOFTMAX
                                                             : HARDMAX,
                   .kernels = wr_nn_kernels_best(),
                   .outer = 1,
                   .dim = 1,
                   .inner = 1};
    for (int i = 0; i < in->rank; i++) {
        bool within = i == axis || (flat && i > axis);
        *(within     ? &made->dim
          : i < axis ? &made->outer
                     : &made->inner) *= (size_t)in->dim[i];
    }
    return wr_nn_op_set(graph, node, 0, in, why);
}

static void soft_row(const rows *self, float *out, const float *x) {
    const wr_nn_kernels *kernels = self->kernels;
    size_t count = self->dim;
    float largest = kernels->fold[WR_NN_FOLD_MAX](x, count);
    if (self->soft == HARDMAX) {
        size_t at = 0;
        while (at + 1 < count && !(x[at] == largest))
            at++;
        memset(out, 0, count * sizeof *out);
        out[at] = 1.0f;
        return;
    }
    summing plain = {.kernels = kernels};
    if (self->soft == SOFTMAX) {
        wr_nn_map_any(kernels->map[WR_NN_MAP_EXP_LESS], out, x, count, largest,
                      0.0f);
        kernels->scale(out, count, 1.0f / sum(&plain, out, count));
        return;
    }
    plain.map = kernels->map[WR_NN_MAP_EXP_LESS];
    plain.less = largest;
    float log_sum = logf(sum(&plain, x, count));
    for (size_t i = 0; i < count; i++)
        out[i] = (x[i] - largest) - log_sum;
}

// Columns that are neighbours, when the rows are not.
enum { TILE = 256 };

static void soft_columns(const rows *self, float *out, const float *x,
                         size_t width) {
    const wr_nn_kernels *kernels = self->kernels;
    size_t step = self->inner;
    float largest[TILE], sums[TILE], value[TILE], e[TILE];
    memcpy(largest, x, width * sizeof *x);
    for (size_t i = 1; i < self->dim; i++)
        kernels->into[WR_NN_FOLD_MAX](largest, x + i * step, width, 1);
    memset(sums, 0, sizeof sums);
    for (size_t i = 0; i < self->dim; i++) {
        kernels->zip[WR_NN_ZIP_SUB][WR_NN_BOTH](value, x + i * step, largest,
                                                width);
        kernels->map[WR_NN_MAP_EXP](e, value, width, 0.0f, 0.0f);
        kernels->into[WR_NN_FOLD_SUM](sums, e, width, 1);
        const float *kept = self->soft == SOFTMAX ? e : value;
        memcpy(out + i * step, kept, width * sizeof *kept);
    }
    for (size_t j = 0; j < width; j++)
        sums[j] = self->soft == SOFTMAX ? 1.0f / sums[j] : logf(sums[j]);
    for (size_t i = 0; i < self->dim; i++)
        for (size_t j = 0; j < width; j++) {
            float *at = out + i * step + j;
            *at = self->soft == SOFTMAX ? *at * sums[j] : *at - sums[j];
        }
}

static void hard_column(const rows *self, float *out, const float *x) {
    size_t best = 0, step = self->inner;
    for (size_t i = 1; i < self->dim; i++)
        if (x[i * step] > x[best * step])
            best = i;
    for (size_t i = 0; i < self->dim; i++)
        out[i * step] = i == best ? 1.0f : 0.0f;
}

static void run_soft(const wr_nn_graph *graph, const wr_nn_node *node,
                     const void *const *in, void *const *out, void *scratch,
                     unsigned part) {
    (void)graph, (void)scratch;
    const rows *self = node->params;
    size_t from, to;
    wr_nn_op_part(self->outer * self->inner, self->inner == 1 ? 1 : 16,
                  node->parts, part, &from, &to);
    while (from < to && self->dim > 0) {
        size_t column = from % self->inner, width = 1;
        size_t at = from / self->inner * self->dim * self->inner + column;
        const float *x = (const float *)in[0] + at;
        float *y = (float *)out[0] + at;
        if (self->inner == 1) {
            soft_row(self, y, x);
        } else if (self->soft == HARDMAX) {
            hard_column(self, y, x);
        } else {
            width = self->inner - column;
            width = width < to - from ? width : to - from;
            width = width < TILE ? width : TILE;
            soft_columns(self, y, x, width);
        }
        from += width;
    }
}

static double cost_soft(const wr_nn_graph *graph, const wr_nn_node *node) {
    return 2.2 * (double)wr_nn_elements(wr_nn_op_in(graph, node, 0));
}

static unsigned parts_soft(const wr_nn_graph *graph, const wr_nn_node *node) {
    const rows *self = node->params;
    unsigned parts = wr_nn_op_parts(wr_nn_elements(wr_nn_op_in(graph, node, 0)),
                                    WR_NN_PART_LEAST);
    size_t most = self->outer * self->inner / (self->inner == 1 ? 1 : 16);
    return most < 1 ? 1 : most < parts ? (unsigned)most : parts;
}

// ---------------------------------------------------------------------------
// BatchNormalization and InstanceNormalization: planes of N, C, ...

typedef struct planes {
    const wr_nn_kernels *kernels;
    size_t batch, channels, plane;
    float epsilon;
    bool instance; // mean and variance are the plane's own
} planes;

static int check_channels(const wr_nn_graph *graph, const wr_nn_node *node,
                          int64_t channels, wr_nn_why *why) {
    for (int i = 1; i < node->op->inputs_min; i++) {
        int status = wr_nn_op_type(graph, node, i, WR_NN_FLOATS_ONLY, why);
        if (status < 0)
            return status;
        const wr_nn_shape *shape = wr_nn_op_in(graph, node, i);
        if (shape->rank != 1 || shape->dim[0] != channels)
            return wr_nn_refuse(why, -EINVAL, node,
                                "input %d is not one number for each of %lld "
                                "channels",
                                i, (long long)channels);
    }
    return 0;
}

static int infer_planes(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_FLOATS_ONLY, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    bool instance = strcmp(node->op->name, "InstanceNormalization") == 0;
    int least = instance ? 3 : 2;
    if (in->rank < least)
        return wr_nn_refuse(why, -EINVAL, node, "rank %d is less than %d",
                            in->rank, least);
    status = check_channels(graph, node, in->dim[1], why);
    if (status < 0)
        return status;
    if (wr_nn_attr_int(node, "training_mode", 0) != 0)
        return wr_nn_refuse(why, -ENOTSUP, node, "training is not supported");
    for (int i = 1; i < node->outputs; i++)
        if (node->output[i] >= 0)
            return wr_nn_refuse(why, -ENOTSUP, node,
                                "output %d is training's: not supported", i);
    planes *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    *made = (planes){.kernels = wr_nn_kernels_best(),
                     .batch = (size_t)in->dim[0],
                     .channels = (size_t)in->dim[1],
                     .plane = 1,
                     .epsilon = wr_nn_attr_float(node, "epsilon", 1e-5f),
                     .instance = instance};
    for (int i = 2; i < in->rank; i++)
        made->plane *= (size_t)in->dim[i];
    return wr_nn_op_set(graph, node, 0, in, why);
}

static float factor(float variance, float epsilon) {
    return 1.0f / sqrtf(variance + epsilon);
}

// In place is right: every block is copied first.
static void norm_any(const wr_nn_kernels *kernels, float *out, const float *x,
                     size_t count, float mean, float by, const float *weight,
                     const float *bias) {
    if (out != x) {
        kernels->norm(out, x, count, mean, by, weight, bias);
        return;
    }
    float copy[BLOCK];
    for (size_t i = 0; i < count; i += BLOCK) {
        size_t some = count - i < BLOCK ? count - i : BLOCK;
        memcpy(copy, x + i, some * sizeof *copy);
        kernels->norm(out + i, copy, some, mean, by,
                      weight == NULL ? NULL : weight + i,
                      bias == NULL ? NULL : bias + i);
    }
}

// One plane. The weight is part of the factor: bias is added after.
static void norm_plane(const planes *self, const void *const *in, size_t index,
                       float *out) {
    const float *x = (const float *)in[0] + index * self->plane;
    size_t channel = index % self->channels, count = self->plane;
    float weight = ((const float *)in[1])[channel];
    float bias = ((const float *)in[2])[channel], mean, variance;
    if (self->instance) {
        summing plain = {.kernels = self->kernels};
        mean = sum(&plain, x, count) / (float)count;
        variance = sum_of_squares(self->kernels, x, count, mean) / (float)count;
    } else {
        mean = ((const float *)in[3])[channel];
        variance = ((const float *)in[4])[channel];
    }
    float by = weight * factor(variance, self->epsilon);
    float spread[BLOCK];
    size_t width = count < BLOCK ? count : BLOCK;
    for (size_t i = 0; i < width; i++)
        spread[i] = bias;
    float *to = out + index * self->plane;
    for (size_t i = 0; i < count; i += BLOCK) {
        size_t some = count - i < BLOCK ? count - i : BLOCK;
        norm_any(self->kernels, to + i, x + i, some, mean, by, NULL, spread);
    }
}

// Planes of one element: channels are neighbours.
static void norm_channels(const planes *self, const void *const *in,
                          size_t from, size_t to, float *out) {
    const float *weight = in[1], *bias = in[2], *mean = in[3], *var = in[4];
    float by[BLOCK], copy[BLOCK];
    while (from < to) {
        size_t channel = from % self->channels;
        size_t count = self->channels - channel;
        count = count < to - from ? count : to - from;
        count = count < BLOCK ? count : BLOCK;
        for (size_t i = 0; i < count; i++)
            by[i] =
                weight[channel + i] * factor(var[channel + i], self->epsilon);
        memcpy(copy, (const float *)in[0] + from, count * sizeof *copy);
        self->kernels->norm_each(out + from, copy, count, mean + channel, by,
                                 bias + channel);
        from += count;
    }
}

static void run_planes(const wr_nn_graph *graph, const wr_nn_node *node,
                       const void *const *in, void *const *out, void *scratch,
                       unsigned part) {
    (void)graph, (void)scratch;
    const planes *self = node->params;
    bool single = self->plane == 1 && !self->instance;
    size_t from, to;
    wr_nn_op_part(self->batch * self->channels, single ? 16 : 1, node->parts,
                  part, &from, &to);
    if (single) {
        norm_channels(self, in, from, to, out[0]);
        return;
    }
    for (; from < to && self->plane > 0; from++)
        norm_plane(self, in, from, out[0]);
}

static double cost_norm(const wr_nn_graph *graph, const wr_nn_node *node) {
    return 1.2 * (double)wr_nn_elements(wr_nn_op_in(graph, node, 0));
}

static unsigned parts_planes(const wr_nn_graph *graph, const wr_nn_node *node) {
    const planes *self = node->params;
    unsigned parts = wr_nn_op_parts_elements(graph, node);
    size_t most = self->batch * self->channels / (self->plane == 1 ? 16 : 1);
    return most < 1 ? 1 : most < parts ? (unsigned)most : parts;
}

// ---------------------------------------------------------------------------
// LayerNormalization: over everything from the axis on

typedef struct layers {
    const wr_nn_kernels *kernels;
    size_t outer, inner;
    float epsilon;
    bool plain[2];      // scale and bias have as many elements as a row
    wr_nn_walk walk[2]; // else: over a row
} layers;

static int check_layer(const wr_nn_graph *graph, const wr_nn_node *node,
                       layers *made, int axis, int i, wr_nn_why *why) {
    if (i >= node->inputs || node->input[i] < 0)
        return 0;
    int status = wr_nn_op_type(graph, node, i, WR_NN_FLOATS_ONLY, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    wr_nn_shape row = {.type = in->type, .rank = in->rank - axis}, both;
    for (int k = axis; k < in->rank; k++)
        row.dim[k - axis] = in->dim[k];
    const wr_nn_shape *given = wr_nn_op_in(graph, node, i);
    status = wr_nn_broadcast(&both, &row, given, node, why);
    if (status < 0)
        return status;
    both.type = row.type;
    if (!wr_nn_same_shape(&both, &row))
        return wr_nn_refuse(why, -ENOTSUP, node,
                            "input %d has more than the normalised axes", i);
    wr_nn_walk_broadcast(&made->walk[i - 1], &row, &given, 1);
    made->plain[i - 1] = wr_nn_walk_plain(&made->walk[i - 1], 0);
    return 0;
}

static int infer_layers(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_FLOATS_ONLY, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    int axis = 0;
    status = wr_nn_op_axis(node, wr_nn_attr_int(node, "axis", -1), in->rank,
                           &axis, why);
    layers *made =
        status < 0 ? NULL : wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return status < 0 ? status : -ENOMEM;
    *made = (layers){.kernels = wr_nn_kernels_best(),
                     .outer = 1,
                     .inner = 1,
                     .epsilon = wr_nn_attr_float(node, "epsilon", 1e-5f)};
    wr_nn_shape reduced = *in;
    for (int i = 0; i < in->rank; i++) {
        *(i < axis ? &made->outer : &made->inner) *= (size_t)in->dim[i];
        reduced.dim[i] = i < axis ? in->dim[i] : 1;
    }
    for (int i = 1; i <= 2 && status == 0; i++)
        status = check_layer(graph, node, made, axis, i, why);
    if (status == 0 && made->inner == 0)
        status = wr_nn_refuse(why, -EINVAL, node, "there is nothing to reduce");
    if (status == 0)
        status = wr_nn_op_set(graph, node, 0, in, why);
    for (int i = 1; i < 3 && status == 0; i++)
        status = wr_nn_op_set(graph, node, i, &reduced, why);
    return status;
}

// Scale or bias of elements [from, from + count) of a row.
static const float *layer_operand(const layers *self, int i, const float *data,
                                  size_t from, size_t count, float *spread) {
    if (data == NULL || self->plain[i])
        return data == NULL ? NULL : data + from;
    wr_nn_walk_copy(&self->walk[i], 0, sizeof *data, spread, data, from,
                    from + count);
    return spread;
}

static void norm_layer(const layers *self, const wr_nn_node *node,
                       const void *const *in, void *const *out, size_t row) {
    const float *x = (const float *)in[0] + row * self->inner;
    float *y = (float *)out[0] + row * self->inner;
    summing plain = {.kernels = self->kernels};
    float count = (float)self->inner;
    float mean = sum(&plain, x, self->inner) / count;
    float variance =
        sum_of_squares(self->kernels, x, self->inner, mean) / count;
    float by = factor(variance, self->epsilon);
    for (size_t i = 0; i < self->inner; i += BLOCK) {
        size_t some = self->inner - i < BLOCK ? self->inner - i : BLOCK;
        float spread[2][BLOCK];
        const float *weight =
            node->inputs < 2
                ? NULL
                : layer_operand(self, 0, in[1], i, some, spread[0]);
        const float *bias = node->inputs < 3 ? NULL
                                             : layer_operand(self, 1, in[2], i,
                                                             some, spread[1]);
        norm_any(self->kernels, y + i, x + i, some, mean, by, weight, bias);
    }
    if (node->outputs > 1 && out[1] != NULL)
        ((float *)out[1])[row] = mean;
    if (node->outputs > 2 && out[2] != NULL)
        ((float *)out[2])[row] = by;
}

static void run_layers(const wr_nn_graph *graph, const wr_nn_node *node,
                       const void *const *in, void *const *out, void *scratch,
                       unsigned part) {
    (void)graph, (void)scratch;
    const layers *self = node->params;
    size_t from, to;
    wr_nn_op_part(self->outer, 1, node->parts, part, &from, &to);
    for (; from < to; from++)
        norm_layer(self, node, in, out, from);
}

static unsigned parts_layers(const wr_nn_graph *graph, const wr_nn_node *node) {
    const layers *self = node->params;
    unsigned parts = wr_nn_op_parts_elements(graph, node);
    return self->outer < 1       ? 1
           : self->outer < parts ? (unsigned)self->outer
                                 : parts;
}

// ---------------------------------------------------------------------------

#define SOFT(name, since)                                                      \
    {                                                                          \
        name, 1, 1, 1, 1, since, WR_NN_INPLACE, infer_soft, NULL, NULL,        \
            cost_soft, parts_soft, NULL, run_soft                              \
    }
#define PLANES(name, inputs, outputs, since)                                   \
    {                                                                          \
        name, inputs, inputs, 1, outputs, since, WR_NN_INPLACE, infer_planes,  \
            NULL, NULL, cost_norm, parts_planes, NULL, run_planes              \
    }

const wr_nn_op wr_nn_ops_norm[] = {
    SOFT("Softmax", 1),
    SOFT("LogSoftmax", 1),
    SOFT("Hardmax", 1),
    PLANES("BatchNormalization", 5, 5, 7),
    PLANES("InstanceNormalization", 3, 1, 6),
    {"LayerNormalization", 2, 3, 1, 3, 17, WR_NN_INPLACE, infer_layers, NULL,
     NULL, cost_norm, parts_layers, NULL, run_layers},
    {.name = NULL},
};
