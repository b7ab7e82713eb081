// SPDX-License-Identifier: MIT
//
// Reductions. Every result is folded in one fixed order: rows of neighbours in
// lanes and blocks, rows pairwise. Parts share out results, never one sum.
#include <errno.h>
#include <math.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

typedef enum ending {
    AS_IT_IS,
    DIVIDED, // by the count
    ROOT,
    LOGARITHM,
    LOGARITHM_PLUS, // plus the largest, which was taken off before exp
} ending;

typedef struct reduction {
    const char *name;
    wr_nn_fold_kind fold;
    int map; // wr_nn_map_kind of each element before, or -1
    ending end;
    int axes_input_since;
    int types;
} reduction;

static const reduction table[] = {
    {"ReduceSum", WR_NN_FOLD_SUM, -1, AS_IT_IS, 13, WR_NN_NUMBERS},
    {"ReduceMean", WR_NN_FOLD_SUM, -1, DIVIDED, 18, WR_NN_NUMBERS},
    {"ReduceMax", WR_NN_FOLD_MAX, -1, AS_IT_IS, 18, WR_NN_NUMBERS},
    {"ReduceMin", WR_NN_FOLD_MIN, -1, AS_IT_IS, 18, WR_NN_NUMBERS},
    {"ReduceProd", WR_NN_FOLD_PRODUCT, -1, AS_IT_IS, 18, WR_NN_NUMBERS},
    {"ReduceSumSquare", WR_NN_FOLD_SUM, WR_NN_MAP_SQUARE, AS_IT_IS, 18,
     WR_NN_NUMBERS},
    {"ReduceL1", WR_NN_FOLD_SUM, WR_NN_MAP_ABS, AS_IT_IS, 18, WR_NN_NUMBERS},
    {"ReduceL2", WR_NN_FOLD_SUM, WR_NN_MAP_SQUARE, ROOT, 18, WR_NN_FLOATS_ONLY},
    {"ReduceLogSum", WR_NN_FOLD_SUM, -1, LOGARITHM, 18, WR_NN_FLOATS_ONLY},
    {"ReduceLogSumExp", WR_NN_FOLD_SUM, WR_NN_MAP_EXP_LESS, LOGARITHM_PLUS, 18,
     WR_NN_FLOATS_ONLY},
};

typedef struct params {
    const reduction *what;
    const wr_nn_kernels *kernels;
    wr_nn_walk kept;    // over the results, operand 0 the input
    wr_nn_walk reduced; // over what makes one result, operand 0 the input
    size_t row;         // neighbours that are one run of `reduced`, or 1
    size_t rows;        // such runs for one result
    size_t width;       // results that are neighbours in the input too, or 1
} params;

// ---------------------------------------------------------------------------
// Shapes

static int read_axes(wr_nn_graph *graph, const wr_nn_node *node,
                     const reduction *what, unsigned *set, wr_nn_why *why) {
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    const int64_t *axes;
    size_t count;
    int status = wr_nn_op_list_or_attr(
        graph, node, 1, "axes", what->axes_input_since, &axes, &count, why);
    if (status < 0)
        return status;
    *set = 0;
    if (count > 0)
        return wr_nn_op_axes(node, axes, count, in->rank, set, why);
    bool nothing = graph->opset >= what->axes_input_since &&
                   wr_nn_attr_int(node, "noop_with_empty_axes", 0) != 0;
    if (!nothing)
        *set = (1u << in->rank) - 1;
    return 0;
}

static void make_walks(const wr_nn_shape *in, unsigned set, wr_nn_walk *kept,
                       wr_nn_walk *reduced) {
    ptrdiff_t stride[WR_NN_RANK_MAX];
    wr_nn_op_strides(in, stride);
    wr_nn_walk_begin(kept, 1);
    wr_nn_walk_begin(reduced, 1);
    for (int i = 0; i < in->rank; i++)
        wr_nn_walk_add((set & 1u << i) != 0 ? reduced : kept,
                       (size_t)in->dim[i], &stride[i]);
    wr_nn_walk_finish(kept);
    wr_nn_walk_finish(reduced);
}

static size_t last_run(const wr_nn_walk *walk) {
    int last = walk->rank - 1;
    return walk->stride[0][last] == 1 ? walk->dim[last] : 1;
}

static int infer(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    const reduction *what = table;
    while (strcmp(what->name, node->op->name) != 0)
        what++;
    unsigned set;
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, what->types, why);
    if (status == 0)
        status = read_axes(graph, node, what, &set, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    bool keep = wr_nn_attr_int(node, "keepdims", 1) != 0;
    wr_nn_shape out = {.type = in->type};
    for (int i = 0; i < in->rank; i++)
        if ((set & 1u << i) == 0)
            out.dim[out.rank++] = in->dim[i];
        else if (keep)
            out.dim[out.rank++] = 1;
    params *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    made->what = what;
    made->kernels = wr_nn_kernels_best();
    make_walks(in, set, &made->kept, &made->reduced);
    if (made->reduced.total == 0 && made->kept.total != 0 &&
        (in->type == WR_NN_F32 || what->fold == WR_NN_FOLD_MAX ||
         what->fold == WR_NN_FOLD_MIN || what->end == DIVIDED))
        return wr_nn_refuse(why, -EINVAL, node, "there is nothing to reduce");
    made->row = last_run(&made->reduced);
    made->width = made->row > 1 ? 1 : last_run(&made->kept);
    made->rows = made->row == 0 ? 0 : made->reduced.total / made->row;
    return wr_nn_op_set(graph, node, 0, &out, why);
}

// ---------------------------------------------------------------------------
// One result from rows of neighbours

enum { BLOCK = 1024 };

typedef struct folding {
    const params *self;
    wr_nn_map *map; // or NULL
    wr_nn_fold_kind fold;
    const float *x;     // what becomes the first result
    const float *shift; // the map's parameter, one for each result, or NULL
} folding;

static float fold_two(const folding *job, float a, float b) {
    job->self->kernels->into[job->fold](&a, &b, 1, 1);
    return a;
}

// Not inlined: what calls itself should not have this on its stack each time.
__attribute__((noinline)) static float
fold_block(const folding *job, const float *x, size_t count) {
    float mapped[BLOCK];
    if (job->map != NULL) {
        float shift = job->shift == NULL ? 0.0f : *job->shift;
        job->map(mapped, x, count, shift, 0.0f);
        x = mapped;
    }
    return job->self->kernels->fold[job->fold](x, count);
}

// Blocks of neighbours, then pairwise.
static float fold_row(const folding *job, const float *x, size_t count) {
    if (count <= BLOCK)
        return fold_block(job, x, count);
    size_t half = (count / 2 + BLOCK - 1) / BLOCK * BLOCK;
    float first = fold_row(job, x, half);
    return fold_two(job, first, fold_row(job, x + half, count - half));
}

static ptrdiff_t row_offset(const folding *job, size_t row) {
    wr_nn_cursor cursor;
    wr_nn_cursor_set(&cursor, &job->self->reduced, row * job->self->row);
    return cursor.offset[0];
}

static float fold_rows(const folding *job, size_t first, size_t count) {
    if (count == 1)
        return fold_row(job, job->x + row_offset(job, first), job->self->row);
    float a = fold_rows(job, first, count / 2);
    return fold_two(job, a,
                    fold_rows(job, first + count / 2, count - count / 2));
}

// ---------------------------------------------------------------------------
// Neighbouring results from single elements

enum { TILE = 256, SEQUENCE = 32 };

static const float *mapped_tile(const folding *job, size_t element,
                                size_t width, float *tile) {
    const float *x = job->x + row_offset(job, element);
    if (job->map == NULL)
        return x;
    if (job->shift == NULL) {
        job->map(tile, x, width, 0.0f, 0.0f);
        return tile;
    }
    float less[TILE];
    job->self->kernels->zip[WR_NN_ZIP_SUB][WR_NN_BOTH](less, x, job->shift,
                                                       width);
    job->map(tile, less, width, 0.0f, 0.0f);
    return tile;
}

__attribute__((noinline)) static void fold_sequence(const folding *job,
                                                    size_t first, size_t count,
                                                    size_t width, float *out) {
    float tile[TILE];
    const float *x = mapped_tile(job, first, width, tile);
    memcpy(out, x, width * sizeof *out);
    for (size_t i = 1; i < count; i++) {
        x = mapped_tile(job, first + i, width, tile);
        job->self->kernels->into[job->fold](out, x, width, 1);
    }
}

static void fold_tile(const folding *job, size_t first, size_t count,
                      size_t width, float *out) {
    if (count <= SEQUENCE) {
        fold_sequence(job, first, count, width, out);
        return;
    }
    float tile[TILE];
    fold_tile(job, first, count / 2, width, out);
    fold_tile(job, first + count / 2, count - count / 2, width, tile);
    job->self->kernels->into[job->fold](out, tile, width, 1);
}

// ---------------------------------------------------------------------------
// Running

static void fold_some(const folding *job, size_t width, float *out) {
    if (job->self->width == 1)
        *out = fold_rows(job, 0, job->self->rows);
    else
        fold_tile(job, 0, job->self->rows, width, out);
}

static void finish(const params *self, float *out, const float *largest,
                   size_t width) {
    float count = (float)self->reduced.total;
    for (size_t i = 0; i < width; i++)
        switch (self->what->end) {
        case AS_IT_IS: break;
        case DIVIDED: out[i] /= count; break;
        case ROOT: out[i] = sqrtf(out[i]); break;
        case LOGARITHM: out[i] = logf(out[i]); break;
        case LOGARITHM_PLUS: out[i] = logf(out[i]) + largest[i]; break;
        }
}

// `width` results that are neighbours in the input: x is the first one's first
// element.
static void results(const params *self, const float *x, size_t width,
                    float *out) {
    float largest[TILE];
    folding job = {.self = self, .fold = self->what->fold, .x = x};
    if (self->what->end == LOGARITHM_PLUS) {
        job.fold = WR_NN_FOLD_MAX;
        fold_some(&job, width, largest);
        // exp(inf - inf) would be NaN.
        for (size_t i = 0; i < width; i++)
            largest[i] = isinf(largest[i]) ? 0.0f : largest[i];
        job.shift = largest;
        job.fold = self->what->fold;
    }
    if (self->what->map >= 0)
        job.map = self->kernels->map[self->what->map];
    fold_some(&job, width, out);
    finish(self, out, largest, width);
}

static int64_t fold_integers(const params *self, wr_nn_type type,
                             const void *in, ptrdiff_t base) {
    const reduction *what = self->what;
    bool product = what->fold == WR_NN_FOLD_PRODUCT;
    uint64_t result = product;
    size_t count = self->reduced.total;
    const uint8_t *from =
        (const uint8_t *)in + base * (ptrdiff_t)wr_nn_type_size(type);
    for (size_t i = 0; i < count; i++) {
        int64_t x;
        wr_nn_walk_integers(&self->reduced, 0, type, from, i, i + 1, &x);
        int64_t before = (int64_t)result;
        if (what->map == WR_NN_MAP_SQUARE)
            x = (int64_t)((uint64_t)x * (uint64_t)x);
        if (what->map == WR_NN_MAP_ABS && x < 0)
            x = (int64_t)(0 - (uint64_t)x);
        if (what->fold == WR_NN_FOLD_SUM)
            result += (uint64_t)x;
        else if (product)
            result *= (uint64_t)x;
        else if (i == 0 ||
                 (what->fold == WR_NN_FOLD_MAX ? x > before : x < before))
            result = (uint64_t)x;
    }
    int64_t folded = (int64_t)result;
    return what->end == DIVIDED ? folded / (int64_t)count : folded;
}

static void run(const wr_nn_graph *graph, const wr_nn_node *node,
                const void *const *in, void *const *out, void *scratch,
                unsigned part) {
    (void)scratch;
    const params *self = node->params;
    wr_nn_type type = wr_nn_op_in(graph, node, 0)->type;
    size_t from, to;
    wr_nn_op_part(self->kept.total, self->width > 1 ? 16 : 1, node->parts, part,
                  &from, &to);
    wr_nn_cursor cursor;
    wr_nn_cursor_set(&cursor, &self->kept, from);
    while (from < to) {
        size_t width = 1;
        if (type == WR_NN_F32) {
            if (self->width > 1) {
                width = wr_nn_cursor_row(&cursor, &self->kept, to - from);
                width = width < TILE ? width : TILE;
            }
            results(self, (const float *)in[0] + cursor.offset[0], width,
                    (float *)out[0] + from);
        } else {
            int64_t x = fold_integers(self, type, in[0], cursor.offset[0]);
            wr_nn_store_integers(out[0], type, from, &x, 1);
        }
        from += width;
        wr_nn_cursor_advance(&cursor, &self->kept, width);
    }
}

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    const params *self = node->params;
    double each = self->what->end == LOGARITHM_PLUS ? 2.0 : 0.15;
    if (self->width == 1)
        each += 10.0 / (double)(self->row + 1);
    return each * (double)wr_nn_elements(wr_nn_op_in(graph, node, 0));
}

static unsigned parts_max(const wr_nn_graph *graph, const wr_nn_node *node) {
    const params *self = node->params;
    size_t elements = wr_nn_elements(wr_nn_op_in(graph, node, 0));
    unsigned parts = wr_nn_op_parts(elements, WR_NN_PART_LEAST);
    size_t most = self->kept.total / (self->width > 1 ? 16 : 1);
    return most < 1 ? 1 : most < parts ? (unsigned)most : parts;
}

// ---------------------------------------------------------------------------
// ArgMax and ArgMin

typedef struct search {
    size_t outer, dim, inner;
    bool smallest, last;
} search;

static int infer_search(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_NUMBERS, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    int axis = 0;
    status = wr_nn_op_axis(node, wr_nn_attr_int(node, "axis", 0), in->rank,
                           &axis, why);
    if (status < 0)
        return status;
    search *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    *made = (search){.outer = 1, .dim = (size_t)in->dim[axis], .inner = 1};
    made->smallest = strcmp(node->op->name, "ArgMin") == 0;
    made->last = wr_nn_attr_int(node, "select_last_index", 0) != 0;
    bool keep = wr_nn_attr_int(node, "keepdims", 1) != 0;
    wr_nn_shape out = {.type = WR_NN_I64};
    for (int i = 0; i < in->rank; i++) {
        if (i != axis)
            out.dim[out.rank++] = in->dim[i];
        else if (keep)
            out.dim[out.rank++] = 1;
        if (i != axis)
            *(i < axis ? &made->outer : &made->inner) *= (size_t)in->dim[i];
    }
    if (made->dim == 0)
        return wr_nn_refuse(why, -EINVAL, node, "there is nothing to search");
    return wr_nn_op_set(graph, node, 0, &out, why);
}

// Is element i better than element `best`? The first NaN is the best.
static bool better(const search *self, wr_nn_type type, const void *in,
                   size_t i, size_t best) {
    if (type == WR_NN_F32) {
        float x = ((const float *)in)[i], y = ((const float *)in)[best];
        if (x != x || y != y)
            return y == y || (self->last && x != x);
        return (self->smallest ? x < y : x > y) || (self->last && x == y);
    }
    int64_t x =
        type == WR_NN_I64 ? ((const int64_t *)in)[i] : ((const int32_t *)in)[i];
    int64_t y = type == WR_NN_I64 ? ((const int64_t *)in)[best]
                                  : ((const int32_t *)in)[best];
    return (self->smallest ? x < y : x > y) || (self->last && x == y);
}

static void run_search(const wr_nn_graph *graph, const wr_nn_node *node,
                       const void *const *in, void *const *out, void *scratch,
                       unsigned part) {
    (void)scratch;
    const search *self = node->params;
    wr_nn_type type = wr_nn_op_in(graph, node, 0)->type;
    size_t from, to;
    wr_nn_op_part(self->outer * self->inner, 8, node->parts, part, &from, &to);
    for (; from < to; from++) {
        size_t base =
            from / self->inner * self->dim * self->inner + from % self->inner;
        size_t best = 0;
        for (size_t i = 1; i < self->dim; i++)
            if (better(self, type, in[0], base + i * self->inner,
                       base + best * self->inner))
                best = i;
        ((int64_t *)out[0])[from] = (int64_t)best;
    }
}

static double cost_search(const wr_nn_graph *graph, const wr_nn_node *node) {
    return 1.5 * (double)wr_nn_elements(wr_nn_op_in(graph, node, 0));
}

static unsigned parts_search(const wr_nn_graph *graph, const wr_nn_node *node) {
    (void)graph;
    const search *self = node->params;
    return wr_nn_op_parts(self->outer * self->inner, 64);
}

// ---------------------------------------------------------------------------

#define OP(name, most, since, infer, cost, parts, run)                         \
    { name, 1, most, 1, 1, since, 0, infer, NULL, NULL, cost, parts, NULL, run }
#define REDUCE(name) OP(name, 2, 1, infer, cost, parts_max, run)

const wr_nn_op wr_nn_ops_reduce[] = {
    REDUCE("ReduceSum"),
    REDUCE("ReduceMean"),
    REDUCE("ReduceMax"),
    REDUCE("ReduceMin"),
    REDUCE("ReduceProd"),
    REDUCE("ReduceSumSquare"),
    REDUCE("ReduceL1"),
    REDUCE("ReduceL2"),
    REDUCE("ReduceLogSum"),
    REDUCE("ReduceLogSumExp"),
    OP("ArgMax", 1, 1, infer_search, cost_search, parts_search, run_search),
    OP("ArgMin", 1, 1, infer_search, cost_search, parts_search, run_search),
    {.name = NULL},
};
