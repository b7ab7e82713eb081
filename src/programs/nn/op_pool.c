// SPDX-License-Identifier: MIT
//
// MaxPool, AveragePool, LpPool, and what folds whole planes: GlobalAveragePool,
// GlobalMaxPool. One to three spatial dimensions, N, C, ... or (weir_nhwc)
// N, ..., C. Windows give the same bits in both orders; the average of a whole
// plane is summed in another order where its elements are no neighbours.
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

enum { SPACE = 3 };

typedef enum pooling { LARGEST, AVERAGE, NORM } pooling;

// One spatial dimension; one that is not there is 1 wide.
typedef struct line {
    int64_t in, out, kernel, stride, dilation, before, after;
} line;

// What one result of a dimension sees, worked out once: kernel positions
// [first, last) lie within the input, the first of all at `start`.
typedef struct sight {
    int64_t start, first, last;
    int64_t count; // for the average
} sight;

// Results [low, high) see an element of the row at one kernel position.
typedef struct reach {
    int64_t low, high;
} reach;

typedef struct pool {
    pooling kind;
    bool nhwc, count_padding;
    bool square; // NORM: p is 2, not 1
    bool indices, column_major;
    const wr_nn_kernels *kernels;
    size_t batch, channels;
    line line[SPACE];          // the innermost last
    const sight *sight[SPACE]; // of each result
    const reach *reach;        // of each kernel position of the innermost
} pool;

// ---------------------------------------------------------------------------
// Shapes and attributes

// Of anything in these lists: what is made for each position stays small.
enum { WINDOW_MAX = 1 << 20 };

// A list of `count` numbers of at least `least`; missing: unchanged.
static int read_list(const wr_nn_node *node, const char *name, size_t count,
                     int64_t least, int64_t *out, wr_nn_why *why) {
    size_t given;
    const int64_t *list = wr_nn_attr_ints(node, name, &given);
    if (wr_nn_attr_find(node, name) == NULL)
        return 0;
    if (given != count)
        return wr_nn_refuse(why, -EINVAL, node, "%s has %zu entries, not %zu",
                            name, given, count);
    for (size_t i = 0; i < count; i++) {
        if (list[i] < least || list[i] > WINDOW_MAX)
            return wr_nn_refuse(why, -EINVAL, node, "%s has %lld", name,
                                (long long)list[i]);
        out[i] = list[i];
    }
    return 0;
}

typedef enum auto_pad { NOTSET, SAME_UPPER, SAME_LOWER, VALID } auto_pad;

static int read_auto_pad(const wr_nn_node *node, auto_pad *out,
                         wr_nn_why *why) {
    static const char *const names[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER",
                                        "VALID"};
    const char *text = wr_nn_attr_string(node, "auto_pad", "NOTSET");
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (auto_pad)i;
            return 0;
        }
    return wr_nn_refuse(why, -EINVAL, node, "auto_pad is '%.32s'", text);
}

static int line_out(const wr_nn_node *node, line *l, auto_pad mode, bool up,
                    wr_nn_why *why) {
    int64_t extent = (l->kernel - 1) * l->dilation + 1;
    if (mode == SAME_UPPER || mode == SAME_LOWER) {
        l->out = (l->in + l->stride - 1) / l->stride;
        int64_t total = (l->out - 1) * l->stride + extent - l->in;
        total = total < 0 ? 0 : total;
        l->before = (total + (mode == SAME_LOWER)) / 2;
        l->after = total - l->before;
        return 0;
    }
    if (mode == VALID)
        l->before = l->after = 0;
    int64_t room = l->in + l->before + l->after - extent;
    if (room < 0 || l->in == 0)
        return wr_nn_refuse(why, -EINVAL, node,
                            "a window of %lld does not fit into %lld padded "
                            "by %lld and %lld",
                            (long long)extent, (long long)l->in,
                            (long long)l->before, (long long)l->after);
    l->out = (room + (up ? l->stride - 1 : 0)) / l->stride + 1;
    // A window that begins in the padding behind is not one.
    if (up && (l->out - 1) * l->stride >= l->in + l->before)
        l->out--;
    return 0;
}

static int read_lines(const wr_nn_node *node, const wr_nn_shape *in, pool *made,
                      wr_nn_why *why) {
    size_t space = (size_t)in->rank - 2;
    int64_t kernel[SPACE], stride[SPACE] = {1, 1, 1},
                           dilation[SPACE] = {1, 1, 1};
    int64_t pads[2 * SPACE] = {0};
    auto_pad mode = NOTSET;
    if (wr_nn_attr_find(node, "kernel_shape") == NULL)
        return wr_nn_refuse(why, -EINVAL, node, "kernel_shape is missing");
    int status = read_list(node, "kernel_shape", space, 1, kernel, why);
    if (status == 0)
        status = read_list(node, "strides", space, 1, stride, why);
    if (status == 0)
        status = read_list(node, "dilations", space, 1, dilation, why);
    if (status == 0)
        status = read_list(node, "pads", 2 * space, 0, pads, why);
    if (status == 0)
        status = read_auto_pad(node, &mode, why);
    bool up = wr_nn_attr_int(node, "ceil_mode", 0) != 0;
    for (int i = 0; i < SPACE; i++)
        made->line[i] = (line){1, 1, 1, 1, 1, 0, 0};
    for (size_t i = 0; i < space && status == 0; i++) {
        line *l = &made->line[SPACE - space + i];
        *l = (line){in->dim[(made->nhwc ? 1 : 2) + i],
                    0,
                    kernel[i],
                    stride[i],
                    dilation[i],
                    pads[i],
                    pads[space + i]};
        status = line_out(node, l, mode, up, why);
    }
    return status;
}

static int begin(wr_nn_graph *graph, wr_nn_node *node, pool **out,
                 wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_FLOATS_ONLY, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    pool *made = *out = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    if (in->rank < 3)
        return wr_nn_refuse(why, -EINVAL, node, "rank %d is less than 3",
                            in->rank);
    made->nhwc = wr_nn_attr_int(node, "weir_nhwc", 0) != 0;
    made->kernels = wr_nn_kernels_best();
    made->batch = (size_t)in->dim[0];
    made->channels = (size_t)in->dim[made->nhwc ? in->rank - 1 : 1];
    return 0;
}

// The kernel's positions [first, last) that lie within [low, high) when the
// window stands at `o`.
static void within(const line *l, int64_t o, int64_t low, int64_t high,
                   int64_t *first, int64_t *last) {
    int64_t begin = o * l->stride - l->before;
    *first = begin >= low ? 0 : (low - begin + l->dilation - 1) / l->dilation;
    *last = high <= begin ? 0 : (high - begin + l->dilation - 1) / l->dilation;
    *last = *last > l->kernel ? l->kernel : *last;
    *first = *first > *last ? *last : *first;
}

// How many elements the average at `o` is of, in this dimension.
static int64_t counted(const pool *self, int d, int64_t o) {
    const line *l = &self->line[d];
    int64_t first, last;
    if (self->count_padding)
        within(l, o, -l->before, l->in + l->after, &first, &last);
    else
        within(l, o, 0, l->in, &first, &last);
    return last - first;
}

static int fill_sights(wr_nn_graph *graph, const wr_nn_node *node, pool *made,
                       int d, wr_nn_why *why) {
    const line *l = &made->line[d];
    sight *list = wr_nn_allocate(graph, (size_t)l->out * sizeof *list);
    if (list == NULL)
        return wr_nn_refuse(why, -ENOMEM, node, "out of memory");
    for (int64_t o = 0; o < l->out; o++) {
        list[o].start = o * l->stride - l->before;
        list[o].count = counted(made, d, o);
        within(l, o, 0, l->in, &list[o].first, &list[o].last);
    }
    made->sight[d] = list;
    return 0;
}

static int fill_reaches(wr_nn_graph *graph, const wr_nn_node *node, pool *made,
                        wr_nn_why *why) {
    const line *l = &made->line[SPACE - 1];
    reach *list = wr_nn_allocate(graph, (size_t)l->kernel * sizeof *list);
    if (list == NULL)
        return wr_nn_refuse(why, -ENOMEM, node, "out of memory");
    for (int64_t k = 0; k < l->kernel; k++) {
        int64_t shift = k * l->dilation - l->before;
        int64_t low = shift >= 0 ? 0 : (-shift + l->stride - 1) / l->stride;
        int64_t high =
            l->in <= shift ? 0 : (l->in - shift + l->stride - 1) / l->stride;
        list[k].low = low;
        list[k].high = high > l->out ? l->out : high;
    }
    made->reach = list;
    return 0;
}

static int infer_pool(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    pool *made;
    int status = begin(graph, node, &made, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    if (in->rank > 2 + SPACE)
        return wr_nn_refuse(why, -ENOTSUP, node,
                            "more than %d spatial dimensions: not supported",
                            SPACE);
    const char *name = node->op->name;
    made->kind = strcmp(name, "MaxPool") == 0  ? LARGEST
                 : strcmp(name, "LpPool") == 0 ? NORM
                                               : AVERAGE;
    made->count_padding = wr_nn_attr_int(node, "count_include_pad", 0) != 0;
    int64_t p = wr_nn_attr_int(node, "p", 2);
    made->square = p == 2;
    if (made->kind == NORM && p != 1 && p != 2)
        return wr_nn_refuse(why, -ENOTSUP, node, "p = %lld: not supported",
                            (long long)p);
    status = read_lines(node, in, made, why);
    if (status < 0)
        return status;
    wr_nn_shape out = *in;
    for (int i = 0; i < in->rank - 2; i++)
        out.dim[(made->nhwc ? 1 : 2) + i] =
            made->line[SPACE - (in->rank - 2) + i].out;
    status = wr_nn_op_set(graph, node, 0, &out, why);
    for (int i = 0; i < SPACE && status == 0; i++)
        status = fill_sights(graph, node, made, i, why);
    if (status == 0)
        status = fill_reaches(graph, node, made, why);
    made->indices = node->outputs > 1 && node->output[1] >= 0;
    if (status < 0 || !made->indices)
        return status;
    if (made->nhwc)
        return wr_nn_refuse(why, -ENOTSUP, node, "indices in N, H, W, C order");
    made->column_major = wr_nn_attr_int(node, "storage_order", 0) != 0;
    out.type = WR_NN_I64;
    return wr_nn_op_set(graph, node, 1, &out, why);
}

// ---------------------------------------------------------------------------
// Windows

static wr_nn_fold_kind fold_of(const pool *self) {
    return self->kind == LARGEST ? WR_NN_FOLD_MAX : WR_NN_FOLD_SUM;
}

static void clear(const pool *self, float *out, size_t count) {
    float first = self->kind == LARGEST ? -INFINITY : 0.0f;
    for (size_t i = 0; i < count; i++)
        out[i] = first;
}

// acc op= x, with what NORM does to an element first.
enum { BLOCK = 512 };

static void take(const pool *self, float *acc, const float *x, size_t count,
                 size_t step) {
    const wr_nn_kernels *kernels = self->kernels;
    if (self->kind != NORM) {
        kernels->into[fold_of(self)](acc, x, count, step);
        return;
    }
    wr_nn_map *map =
        kernels->map[self->square ? WR_NN_MAP_SQUARE : WR_NN_MAP_ABS];
    float few[BLOCK], mapped[BLOCK];
    for (size_t i = 0; i < count; i += BLOCK) {
        size_t some = count - i < BLOCK ? count - i : BLOCK;
        for (size_t j = 0; j < some; j++)
            few[j] = x[(i + j) * step];
        map(mapped, few, some, 0.0f, 0.0f);
        kernels->into[WR_NN_FOLD_SUM](acc + i, mapped, some, 1);
    }
}

// ---------------------------------------------------------------------------
// N, C, ...: a row of results at a time

// Adds the row x of the input to the row out of results.
static void take_row(const pool *self, float *out, const float *x) {
    const line *l = &self->line[SPACE - 1];
    for (int64_t k = 0; k < l->kernel; k++) {
        int64_t low = self->reach[k].low, high = self->reach[k].high;
        int64_t shift = k * l->dilation - l->before;
        if (low < high)
            take(self, out + low, x + (low * l->stride + shift),
                 (size_t)(high - low), (size_t)l->stride);
    }
}

static void end_row(const pool *self, float *out, int64_t d, int64_t h) {
    const line *l = &self->line[SPACE - 1];
    if (self->kind == LARGEST)
        return;
    int64_t outer = self->sight[0][d].count * self->sight[1][h].count;
    for (int64_t w = 0; w < l->out; w++) {
        if (self->kind == NORM) {
            out[w] = self->square ? sqrtf(out[w]) : out[w];
            continue;
        }
        int64_t count = outer * self->sight[2][w].count;
        out[w] = count == 0 ? 0.0f : out[w] / (float)count;
    }
}

// Row `row` of the results, counting all planes' rows.
static void pool_row(const pool *self, const float *in, float *out,
                     size_t row) {
    const line *l = self->line;
    int64_t h = (int64_t)row % l[1].out, rest = (int64_t)row / l[1].out;
    int64_t d = rest % l[0].out, plane = rest / l[0].out;
    out += (int64_t)row * l[2].out;
    clear(self, out, (size_t)l[2].out);
    const sight *deep = &self->sight[0][d], *high = &self->sight[1][h];
    for (int64_t i = deep->first; i < deep->last; i++)
        for (int64_t j = high->first; j < high->last; j++) {
            int64_t z = deep->start + i * l[0].dilation;
            int64_t y = high->start + j * l[1].dilation;
            take_row(self, out,
                     in + ((plane * l[0].in + z) * l[1].in + y) * l[2].in);
        }
    end_row(self, out, d, h);
}

// ---------------------------------------------------------------------------
// N, ..., C: all channels of a result at a time

// Adds pixels in their order; many at a time, if they need nothing first.
typedef struct pixels {
    const float *pixel[64];
    size_t count;
} pixels;

static void flush(const pool *self, float *out, pixels *list) {
    if (self->kind == NORM)
        for (size_t i = 0; i < list->count; i++)
            take(self, out, list->pixel[i], self->channels, 1);
    else
        self->kernels->gather[fold_of(self)](out, list->pixel, list->count,
                                             self->channels);
    list->count = 0;
}

static void end_pixel(const pool *self, float *out, int64_t count) {
    float by = (float)count;
    if (self->kind == AVERAGE)
        for (size_t c = 0; c < self->channels; c++)
            out[c] = count == 0 ? 0.0f : out[c] / by;
    if (self->kind == NORM && self->square)
        for (size_t c = 0; c < self->channels; c++)
            out[c] = sqrtf(out[c]);
}

// The result at o; `in` is its batch.
static void pool_pixel(const pool *self, const float *in, float *out,
                       const size_t *o) {
    const line *l = self->line;
    const sight *s[SPACE];
    for (int i = 0; i < SPACE; i++)
        s[i] = &self->sight[i][o[i]];
    pixels list;
    list.count = 0;
    clear(self, out, self->channels);
    for (int64_t i = s[0]->first; i < s[0]->last; i++)
        for (int64_t j = s[1]->first; j < s[1]->last; j++)
            for (int64_t k = s[2]->first; k < s[2]->last; k++) {
                int64_t z = s[0]->start + i * l[0].dilation;
                int64_t y = s[1]->start + j * l[1].dilation;
                int64_t x = s[2]->start + k * l[2].dilation;
                int64_t pixel = (z * l[1].in + y) * l[2].in + x;
                if (list.count == sizeof list.pixel / sizeof(float *))
                    flush(self, out, &list);
                list.pixel[list.count++] = in + (size_t)pixel * self->channels;
            }
    flush(self, out, &list);
    end_pixel(self, out, s[0]->count * s[1]->count * s[2]->count);
}

// Results [from, to), counting all batches'.
static void pool_pixels(const pool *self, const float *in, float *out,
                        size_t from, size_t to) {
    const line *l = self->line;
    size_t o[SPACE], rest = from;
    size_t batch = (size_t)(l[0].in * l[1].in * l[2].in) * self->channels;
    for (int i = SPACE - 1; i >= 0; i--) {
        o[i] = rest % (size_t)l[i].out;
        rest /= (size_t)l[i].out;
    }
    for (; from < to; from++) {
        pool_pixel(self, in + rest * batch, out + from * self->channels, o);
        int i = SPACE - 1;
        while (i >= 0 && ++o[i] == (size_t)l[i].out)
            o[i--] = 0;
        rest += i < 0;
    }
}

// ---------------------------------------------------------------------------
// MaxPool's indices

// The largest element's place: the first one; NaN is larger than all.
static void pool_index(const pool *self, const float *in, float *out,
                       int64_t *indices, size_t at) {
    const line *l = self->line;
    const sight *s[SPACE];
    int64_t rest = (int64_t)at;
    for (int i = SPACE - 1; i >= 0; i--) {
        s[i] = &self->sight[i][rest % l[i].out];
        rest /= l[i].out;
    }
    int64_t size = l[0].in * l[1].in * l[2].in;
    float best = -INFINITY;
    int64_t place = -1;
    for (int64_t i = s[0]->first; i < s[0]->last; i++)
        for (int64_t j = s[1]->first; j < s[1]->last; j++)
            for (int64_t k = s[2]->first; k < s[2]->last; k++) {
                int64_t z = s[0]->start + i * l[0].dilation;
                int64_t y = s[1]->start + j * l[1].dilation;
                int64_t x = s[2]->start + k * l[2].dilation;
                float value = in[rest * size + (z * l[1].in + y) * l[2].in + x];
                if (place >= 0 && !(value > best) &&
                    (value == value || best != best))
                    continue;
                best = value;
                place = self->column_major ? (x * l[1].in + y) * l[0].in + z
                                           : (z * l[1].in + y) * l[2].in + x;
            }
    out[at] = best;
    indices[at] = rest * size + place;
}

static size_t results(const pool *self) {
    return self->batch * (size_t)self->line[0].out * (size_t)self->line[1].out *
           (size_t)self->line[2].out;
}

static size_t units(const pool *self) {
    if (self->nhwc)
        return results(self);
    size_t all = results(self) * self->channels;
    return self->indices ? all : all / (size_t)self->line[2].out;
}

static void run_pool(const wr_nn_graph *graph, const wr_nn_node *node,
                     const void *const *in, void *const *out, void *scratch,
                     unsigned part) {
    (void)graph, (void)scratch;
    const pool *self = node->params;
    size_t from, to;
    wr_nn_op_part(units(self), 1, node->parts, part, &from, &to);
    if (self->nhwc) {
        pool_pixels(self, in[0], out[0], from, to);
        return;
    }
    for (; from < to; from++) {
        if (self->indices)
            pool_index(self, in[0], out[0], out[1], from);
        else
            pool_row(self, in[0], out[0], from);
    }
}

static double cost_pool(const wr_nn_graph *graph, const wr_nn_node *node) {
    const pool *self = node->params;
    double window = (double)(self->line[0].kernel * self->line[1].kernel *
                             self->line[2].kernel);
    return (double)wr_nn_elements(wr_nn_op_out(graph, node, 0)) *
           (1.5 + 0.4 * window) * (self->indices ? 10.0 : 1.0);
}

static unsigned parts_pool(const wr_nn_graph *graph, const wr_nn_node *node) {
    const pool *self = node->params;
    size_t each = self->nhwc ? self->channels : (size_t)self->line[2].out;
    size_t most = units(self), least = 2048 / (each + 1) + 1;
    (void)graph;
    return wr_nn_op_parts(most, least);
}

// ---------------------------------------------------------------------------
// Whole planes

static int infer_global(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    pool *made;
    int status = begin(graph, node, &made, why);
    if (status < 0)
        return status;
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    made->kind =
        strcmp(node->op->name, "GlobalMaxPool") == 0 ? LARGEST : AVERAGE;
    wr_nn_shape out = *in;
    int64_t plane = 1;
    for (int i = 0; i < in->rank - 2; i++) {
        int at = (made->nhwc ? 1 : 2) + i;
        plane *= in->dim[at];
        out.dim[at] = 1;
    }
    if (plane == 0)
        return wr_nn_refuse(why, -EINVAL, node, "there is nothing to pool");
    made->line[0].in = plane;
    return wr_nn_op_set(graph, node, 0, &out, why);
}

// Channels at a time: SEQUENCE elements of each one by one, these pairwise.
enum { TILE = 256, SEQUENCE = 16 };

static void fold_channels(const pool *self, const float *x, size_t first,
                          size_t count, size_t width, float *out) {
    wr_nn_fold_kind fold = fold_of(self);
    if (count <= SEQUENCE) {
        memcpy(out, x + first * self->channels, width * sizeof *x);
        for (size_t i = 1; i < count; i++)
            self->kernels->into[fold](out, x + (first + i) * self->channels,
                                      width, 1);
        return;
    }
    float tile[TILE];
    size_t half = (count / 2 + SEQUENCE - 1) / SEQUENCE * SEQUENCE;
    fold_channels(self, x, first, half, width, out);
    fold_channels(self, x, first + half, count - half, width, tile);
    self->kernels->into[fold](out, tile, width, 1);
}

static float fold_plane(const pool *self, const float *x, size_t count) {
    enum { TOGETHER = 1024 };
    wr_nn_fold_kind fold = fold_of(self);
    if (count <= TOGETHER)
        return self->kernels->fold[fold](x, count);
    size_t half = (count / 2 + TOGETHER - 1) / TOGETHER * TOGETHER;
    float first = fold_plane(self, x, half);
    float second = fold_plane(self, x + half, count - half);
    self->kernels->into[fold](&first, &second, 1, 1);
    return first;
}

static void run_global(const wr_nn_graph *graph, const wr_nn_node *node,
                       const void *const *in, void *const *out, void *scratch,
                       unsigned part) {
    (void)graph, (void)scratch;
    const pool *self = node->params;
    size_t plane = (size_t)self->line[0].in, channels = self->channels;
    float by = self->kind == AVERAGE ? (float)plane : 1.0f;
    size_t from, to;
    wr_nn_op_part(self->batch * channels, self->nhwc ? 16 : 1, node->parts,
                  part, &from, &to);
    while (from < to) {
        size_t width = 1;
        float *result = (float *)out[0] + from;
        if (self->nhwc) {
            size_t channel = from % channels;
            width = channels - channel < TILE ? channels - channel : TILE;
            width = width < to - from ? width : to - from;
            const float *x = (const float *)in[0] +
                             from / channels * plane * channels + channel;
            fold_channels(self, x, 0, plane, width, result);
        } else {
            *result =
                fold_plane(self, (const float *)in[0] + from * plane, plane);
        }
        for (size_t i = 0; i < width; i++)
            result[i] /= by;
        from += width;
    }
}

static double cost_global(const wr_nn_graph *graph, const wr_nn_node *node) {
    return 0.15 * (double)wr_nn_elements(wr_nn_op_in(graph, node, 0));
}

static unsigned parts_global(const wr_nn_graph *graph, const wr_nn_node *node) {
    const pool *self = node->params;
    unsigned parts = wr_nn_op_parts(wr_nn_elements(wr_nn_op_in(graph, node, 0)),
                                    WR_NN_PART_LEAST);
    size_t most = self->batch * self->channels / (self->nhwc ? 16 : 1);
    return most < 1 ? 1 : most < parts ? (unsigned)most : parts;
}

// ---------------------------------------------------------------------------

#define POOL(name, outputs, since)                                             \
    {                                                                          \
        name, 1, 1, 1, outputs, since, 0, infer_pool, NULL, NULL, cost_pool,   \
            parts_pool, NULL, run_pool                                         \
    }
#define GLOBAL(name)                                                           \
    {                                                                          \
        name, 1, 1, 1, 1, 1, 0, infer_global, NULL, NULL, cost_global,         \
            parts_global, NULL, run_global                                     \
    }

const wr_nn_op wr_nn_ops_pool[] = {
    POOL("MaxPool", 2, 1),   POOL("AveragePool", 1, 1),
    POOL("LpPool", 1, 2),    GLOBAL("GlobalAveragePool"),
    GLOBAL("GlobalMaxPool"), {.name = NULL},
};
