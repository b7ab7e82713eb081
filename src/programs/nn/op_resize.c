// SPDX-License-Identifier: MIT
//
// Resize and Upsample: nearest and linear. Where each result comes from is
// worked out once for each dimension.
#include <errno.h>
#include <math.h>
#include <string.h>

#include "programs/nn/op_kit.h"
#include "programs/nn/ops.h"

typedef enum position {
    HALF_PIXEL,
    PYTORCH_HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    HALF_PIXEL_SYMMETRIC,
    HALF_PIXEL_FOR_NN,
} position;

typedef enum nearest { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL } nearest;

// A result's two neighbours in one dimension; `weight` is the second's.
typedef struct from {
    int64_t first, second;
    float weight;
} from;

typedef struct resize {
    bool linear;
    position position;
    nearest nearest;
    int rank, crossed;         // crossed: dimensions that are interpolated
    int cross[WR_NN_RANK_MAX]; // which
    int64_t out[WR_NN_RANK_MAX];
    ptrdiff_t stride[WR_NN_RANK_MAX];
    const from *from[WR_NN_RANK_MAX];
} resize;

// ---------------------------------------------------------------------------
// Attributes

// The index of an attribute's text among `names`, or a refusal.
static int read_name(const wr_nn_node *node, const char *attr,
                     const char *missing, const char *const *names, int *out,
                     wr_nn_why *why) {
    const char *text = wr_nn_attr_string(node, attr, missing);
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return 0;
        }
    return wr_nn_refuse(why, -ENOTSUP, node, "%s '%.32s': not supported", attr,
                        text);
}

static int read_modes(const wr_nn_graph *graph, const wr_nn_node *node,
                      resize *made, wr_nn_why *why) {
    static const char *const modes[] = {"nearest", "linear", NULL};
    static const char *const positions[] = {
        "half_pixel", "pytorch_half_pixel",   "align_corners",
        "asymmetric", "half_pixel_symmetric", "tf_half_pixel_for_nn",
        NULL};
    static const char *const roundings[] = {
        "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};
    // Before opset 11 there was one way.
    bool old = graph->opset < 11 || strcmp(node->op->name, "Upsample") == 0;
    int mode = 0, where = 0, rounding = 0;
    int status = read_name(node, "mode", "nearest", modes, &mode, why);
    if (status == 0)
        status = read_name(node, "coordinate_transformation_mode",
                           old ? "asymmetric" : "half_pixel", positions, &where,
                           why);
    if (status == 0)
        status = read_name(node, "nearest_mode",
                           old ? "floor" : "round_prefer_floor", roundings,
                           &rounding, why);
    if (status < 0)
        return status;
    if (wr_nn_attr_int(node, "antialias", 0) != 0 ||
        strcmp(wr_nn_attr_string(node, "keep_aspect_ratio_policy", "stretch"),
               "stretch") != 0)
        return wr_nn_refuse(why, -ENOTSUP, node,
                            "antialias and keep_aspect_ratio_policy: not "
                            "supported");
    made->linear = mode == 1;
    made->position = (position)where;
    made->nearest = (nearest)rounding;
    return 0;
}

// A constant list of floats: an input, or Upsample's attribute.
static int read_scales(const wr_nn_graph *graph, const wr_nn_node *node, int i,
                       const float **out, size_t *count, wr_nn_why *why) {
    *count = 0;
    const wr_nn_value *value = wr_nn_op_input(graph, node, i);
    if (value == NULL)
        return 0;
    *count = wr_nn_elements(&value->shape);
    *out = value->data;
    if (value->shape.type != WR_NN_F32 || value->shape.rank > 1)
        return wr_nn_refuse(why, -EINVAL, node, "scales are no list of floats");
    if (*count > 0 && value->data == NULL)
        return wr_nn_refuse(why, -ENOTSUP, node,
                            "input %d, which decides the shape, is computed "
                            "from data",
                            i);
    return 0;
}

// Of a dimension: what is made for each position stays small.
enum { SIZE_LIMIT = 1 << 20 };

// The factor and size of each dimension.
typedef struct target {
    double scale[WR_NN_RANK_MAX];
    int64_t size[WR_NN_RANK_MAX];
} target;

static int apply_scale(const wr_nn_node *node, const wr_nn_shape *in, int axis,
                       float scale, target *to, wr_nn_why *why) {
    double size = floor((double)in->dim[axis] * (double)scale);
    if (!(scale > 0) || !(size >= 1) || size > SIZE_LIMIT)
        return wr_nn_refuse(why, -EINVAL, node, "%lld cannot be scaled by %g",
                            (long long)in->dim[axis], (double)scale);
    to->scale[axis] = (double)scale;
    to->size[axis] = (int64_t)size;
    return 0;
}

static int apply_size(const wr_nn_node *node, const wr_nn_shape *in, int axis,
                      int64_t size, target *to, wr_nn_why *why) {
    if (size < 1 || size > SIZE_LIMIT)
        return wr_nn_refuse(why, -EINVAL, node, "%lld cannot become %lld",
                            (long long)in->dim[axis], (long long)size);
    to->scale[axis] = (double)size / (double)in->dim[axis];
    to->size[axis] = size;
    return 0;
}

static int read_target(wr_nn_graph *graph, const wr_nn_node *node, target *to,
                       wr_nn_why *why) {
    const wr_nn_shape *in = wr_nn_op_in(graph, node, 0);
    bool upsample = strcmp(node->op->name, "Upsample") == 0;
    int at = upsample || graph->opset < 11 ? 1 : 2;
    const float *scales = NULL;
    const int64_t *sizes = NULL, *axes;
    size_t scale_count, size_count = 0, axis_count;
    int status = read_scales(graph, node, at, &scales, &scale_count, why);
    if (status == 0 && at == 2 && wr_nn_op_input(graph, node, 3) != NULL)
        status = wr_nn_op_list(graph, node, 3, &sizes, &size_count, why);
    const wr_nn_attr *attr = wr_nn_attr_find(node, "scales");
    if (upsample && graph->opset < 9 && attr != NULL &&
        attr->kind == WR_NN_FLOATS) {
        scales = attr->floats;
        scale_count = attr->count;
    }
    if (status < 0)
        return status;
    axes = wr_nn_attr_ints(node, "axes", &axis_count);
    size_t count = axes == NULL ? (size_t)in->rank : axis_count;
    if ((scale_count > 0) == (size_count > 0) ||
        (scale_count > 0 ? scale_count : size_count) != count)
        return wr_nn_refuse(why, -EINVAL, node,
                            "%zu scales and %zu sizes for %zu dimensions",
                            scale_count, size_count, count);
    for (size_t i = 0; i < count && status == 0; i++) {
        int axis = (int)i;
        if (axes != NULL)
            status = wr_nn_op_axis(node, axes[i], in->rank, &axis, why);
        if (status == 0)
            status = scale_count > 0
                         ? apply_scale(node, in, axis, scales[i], to, why)
                         : apply_size(node, in, axis, sizes[i], to, why);
    }
    return status;
}

// ---------------------------------------------------------------------------
// Where results come from

static double place(const resize *self, double o, double in, double out,
                    double scale) {
    double half = (o + 0.5) / scale - 0.5;
    switch (self->position) {
    case HALF_PIXEL: return half;
    case PYTORCH_HALF_PIXEL: return out > 1 ? half : 0;
    case ALIGN_CORNERS: return out > 1 ? o * (in - 1) / (out - 1) : 0;
    case ASYMMETRIC: return o / scale;
    case HALF_PIXEL_SYMMETRIC: {
        double adjust = out / (scale * in);
        return in / 2 * (1 - adjust) + half;
    }
    case HALF_PIXEL_FOR_NN: return (o + 0.5) / scale;
    }
    return 0;
}

static int64_t round_place(const resize *self, double x) {
    switch (self->nearest) {
    case PREFER_FLOOR: return (int64_t)ceil(x - 0.5);
    case PREFER_CEIL: return (int64_t)floor(x + 0.5);
    case FLOOR: return (int64_t)floor(x);
    case CEIL: return (int64_t)ceil(x);
    }
    return 0;
}

static int64_t limit(int64_t index, int64_t dim) {
    return index < 0 ? 0 : index >= dim ? dim - 1 : index;
}

static int fill_dimension(wr_nn_graph *graph, const wr_nn_node *node,
                          resize *made, int d, int64_t in, double scale,
                          wr_nn_why *why) {
    size_t out = (size_t)made->out[d];
    from *list = wr_nn_allocate(graph, out * sizeof *list);
    if (list == NULL)
        return wr_nn_refuse(why, -ENOMEM, node, "out of memory");
    bool crosses = false;
    for (size_t o = 0; o < out; o++) {
        double x = place(made, (double)o, (double)in, (double)out, scale);
        if (made->linear) {
            double low = floor(x);
            list[o].first = limit((int64_t)low, in);
            list[o].second = limit((int64_t)low + 1, in);
            list[o].weight = (float)(x - low);
            if (list[o].first == list[o].second)
                list[o].weight = 0;
            crosses = crosses || list[o].weight > 0;
        } else {
            list[o].first = limit(round_place(made, x), in);
        }
    }
    made->from[d] = list;
    if (crosses)
        made->cross[made->crossed++] = d;
    return 0;
}

static int infer(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    int status = wr_nn_op_begin(graph, node, why);
    if (status == 0)
        status = wr_nn_op_type(graph, node, 0, WR_NN_FLOATS_ONLY, why);
    if (status < 0)
        return status;
    resize *made = wr_nn_op_params(graph, node, sizeof *made, why);
    if (made == NULL)
        return -ENOMEM;
    wr_nn_shape in = *wr_nn_op_in(graph, node, 0), out = in;
    target to;
    if (wr_nn_elements(&in) == 0)
        return wr_nn_refuse(why, -EINVAL, node, "there is nothing to resize");
    for (int i = 0; i < in.rank; i++) {
        to.scale[i] = 1;
        to.size[i] = in.dim[i];
    }
    status = read_modes(graph, node, made, why);
    if (status == 0)
        status = read_target(graph, node, &to, why);
    if (status < 0)
        return status;
    made->rank = in.rank;
    memcpy(out.dim, to.size, sizeof out.dim);
    status = wr_nn_op_set(graph, node, 0, &out, why);
    memcpy(made->out, out.dim, sizeof out.dim);
    wr_nn_op_strides(&in, made->stride);
    for (int i = 0; i < in.rank && status == 0; i++)
        status =
            fill_dimension(graph, node, made, i, in.dim[i], to.scale[i], why);
    return status;
}

// ---------------------------------------------------------------------------
// Running

// The corners around `index` (of the first neighbours at `base`).
static float interpolate(const resize *self, const float *x,
                         const int64_t *index) {
    float sum = 0;
    for (unsigned corner = 0; corner < 1u << self->crossed; corner++) {
        float weight = 1;
        ptrdiff_t offset = 0;
        for (int i = 0; i < self->crossed; i++) {
            int d = self->cross[i];
            const from *f = &self->from[d][index[d]];
            bool second = (corner & 1u << i) != 0;
            weight *= second ? f->weight : 1.0f - f->weight;
            offset += second ? (f->second - f->first) * self->stride[d] : 0;
        }
        if (weight != 0)
            sum += weight * x[offset];
    }
    return sum;
}

static void run(const wr_nn_graph *graph, const wr_nn_node *node,
                const void *const *in, void *const *out, void *scratch,
                unsigned part) {
    (void)scratch;
    const resize *self = node->params;
    int last = self->rank - 1;
    size_t all = wr_nn_elements(wr_nn_op_out(graph, node, 0)), begin, end;
    size_t wide = self->rank == 0 ? 1 : (size_t)self->out[last];
    wr_nn_op_part(all / wide, 1, node->parts, part, &begin, &end);
    for (; begin < end; begin++) {
        int64_t index[WR_NN_RANK_MAX] = {0};
        size_t rest = begin;
        ptrdiff_t base = 0;
        for (int i = last - 1; i >= 0; i--) {
            index[i] = (int64_t)(rest % (size_t)self->out[i]);
            rest /= (size_t)self->out[i];
            base += self->from[i][index[i]].first * self->stride[i];
        }
        const float *x = (const float *)in[0] + base;
        float *y = (float *)out[0] + begin * wide;
        for (size_t i = 0; i < wide; i++) {
            const float *at =
                self->rank == 0 ? x : x + self->from[last][i].first;
            index[last < 0 ? 0 : last] = (int64_t)i;
            y[i] = self->crossed > 0 ? interpolate(self, at, index) : *at;
        }
    }
}

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    const resize *self = node->params;
    return (1.0 + 8.0 * (double)(self->crossed << self->crossed)) *
           (double)wr_nn_elements(wr_nn_op_out(graph, node, 0));
}

const wr_nn_op wr_nn_ops_resize[] = {
    {"Resize", 1, 4, 1, 1, 10, 0, infer, NULL, NULL, cost,
     wr_nn_op_parts_elements, NULL, run},
    {"Upsample", 1, 2, 1, 1, 7, 0, infer, NULL, NULL, cost,
     wr_nn_op_parts_elements, NULL, run},
    {.name = NULL},
};
