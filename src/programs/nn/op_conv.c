// SPDX-License-Identifier: MIT
//
// Conv and ConvTranspose: what they promise and what they refuse.
#include "programs/nn/op_conv.h"

#include <errno.h>
#include <string.h>

// Numbers of attributes and dimensions: what oneDNN can count with, and small
// enough that sums and products of two do not overflow.
enum { NUMBER_MAX = 1 << 30 };

// One spatial dimension while it is worked out.
typedef struct line {
    int64_t in, kernel, stride, dilation, begin, end, extra, out;
} line;

typedef struct look {
    wr_nn_graph *graph;
    wr_nn_node *node;
    wr_nn_why *why;
    wr_nn_conv *conv;
    const wr_nn_shape *x, *weights;
    int spatial; // 1 or 2
} look;

// ---- attributes ------------------------------------------------------------

// Reads `count` numbers, all at least `least`, or leaves the ones given.
static int numbers(const look *l, const char *name, int64_t *to, size_t count,
                   int64_t least) {
    size_t found;
    const int64_t *ints = wr_nn_attr_ints(l->node, name, &found);
    if (ints == NULL) {
        if (wr_nn_attr_find(l->node, name) == NULL)
            return 0;
        return wr_nn_refuse(l->why, -EINVAL, l->node, "%s is not a list", name);
    }
    if (found != count)
        return wr_nn_refuse(l->why, -EINVAL, l->node,
                            "%s has %zu numbers, not %zu", name, found, count);
    for (size_t i = 0; i < count; i++) {
        if (ints[i] < least || ints[i] > NUMBER_MAX)
            return wr_nn_refuse(l->why, -EINVAL, l->node,
                                "%s has %lld in it, which is out of range",
                                name, (long long)ints[i]);
        to[i] = ints[i];
    }
    return 0;
}

static int attributes(const look *l, line *lines) {
    int64_t kernel[2], stride[2] = {1, 1}, dilation[2] = {1, 1};
    int64_t pads[4] = {0}, extra[2] = {0};
    size_t n = (size_t)l->spatial;
    for (size_t i = 0; i < n; i++)
        kernel[i] = l->weights->dim[2 + i];
    int status = numbers(l, "kernel_shape", kernel, n, 1);
    for (size_t i = 0; status == 0 && i < n; i++)
        if (kernel[i] != l->weights->dim[2 + i])
            status = wr_nn_refuse(l->why, -EINVAL, l->node,
                                  "kernel_shape is not the weights'");
    if (status == 0)
        status = numbers(l, "strides", stride, n, 1);
    if (status == 0)
        status = numbers(l, "dilations", dilation, n, 1);
    if (status == 0)
        status = numbers(l, "pads", pads, 2 * n, 0);
    if (status == 0 && l->conv->transposed)
        status = numbers(l, "output_padding", extra, n, 0);
    for (size_t i = 0; status == 0 && i < n; i++) {
        int64_t in = l->x->dim[(l->conv->nhwc ? 1 : 2) + i];
        lines[i] = (line){in,      kernel[i],   stride[i], dilation[i],
                          pads[i], pads[n + i], extra[i],  0};
        if ((kernel[i] - 1) * dilation[i] >= NUMBER_MAX)
            status = wr_nn_refuse(l->why, -ENOTSUP, l->node,
                                  "a kernel that reaches too far");
    }
    return status;
}

// ---- sizes -----------------------------------------------------------------

// Splits `total` of padding. The odd one comes last unless `first`.
static void share(line *d, int64_t total, bool first) {
    d->begin = first ? total - total / 2 : total / 2;
    d->end = total - d->begin;
}

static int size_of_result(const look *l, line *d, const char *automatic) {
    int64_t reach = wr_nn_reach(d->kernel, d->dilation);
    if (strcmp(automatic, "NOTSET") != 0)
        d->begin = d->end = 0;
    if (strncmp(automatic, "SAME_", 5) == 0) {
        int64_t total = ((d->in - 1) / d->stride) * d->stride + reach - d->in;
        share(d, total > 0 ? total : 0, strcmp(automatic, "SAME_LOWER") == 0);
    }
    int64_t room = d->in + d->begin + d->end - reach;
    if (room < 0)
        return wr_nn_refuse(l->why, -EINVAL, l->node,
                            "the kernel reaches over %lld, the padded data "
                            "over %lld",
                            (long long)reach,
                            (long long)(d->in + d->begin + d->end));
    d->out = room / d->stride + 1;
    return 0;
}

// ConvTranspose works out the result first; what is too much of it becomes
// padding. asked: output_shape, or 0.
static int size_of_transposed(const look *l, line *d, const char *automatic,
                              int64_t asked) {
    bool same = strncmp(automatic, "SAME_", 5) == 0;
    int64_t reach = wr_nn_reach(d->kernel, d->dilation);
    if (d->in - 1 > NUMBER_MAX / d->stride)
        return wr_nn_refuse(l->why, -ENOTSUP, l->node, "a result too long");
    int64_t whole = d->stride * (d->in - 1) + d->extra + reach;
    if (d->extra >= d->stride && d->extra >= d->dilation)
        return wr_nn_refuse(l->why, -EINVAL, l->node,
                            "output_padding is not below stride or dilation");
    if (same && asked == 0)
        asked = d->in * d->stride;
    if (asked != 0) {
        // A result that is longer than the data gives is 0 at its end.
        int64_t total = whole - asked;
        share(d, total > 0 ? total : 0, strcmp(automatic, "SAME_UPPER") != 0);
        d->end += total < 0 ? total : 0;
    } else if (strcmp(automatic, "NOTSET") != 0)
        d->begin = d->end = 0;
    d->out = whole - d->begin - d->end;
    d->end -= d->extra;
    if (d->out < 1)
        return wr_nn_refuse(l->why, -EINVAL, l->node,
                            "nothing is left of the result within the pads");
    return 0;
}

static int sizes(const look *l, line *lines) {
    const char *automatic = wr_nn_attr_string(l->node, "auto_pad", "NOTSET");
    if (strcmp(automatic, "NOTSET") != 0 && strcmp(automatic, "VALID") != 0 &&
        strcmp(automatic, "SAME_UPPER") != 0 &&
        strcmp(automatic, "SAME_LOWER") != 0)
        return wr_nn_refuse(l->why, -EINVAL, l->node,
                            "auto_pad is '%.32s', which is none", automatic);
    int64_t asked[2] = {0};
    int status = 0;
    if (l->conv->transposed)
        status = numbers(l, "output_shape", asked, (size_t)l->spatial, 1);
    for (int i = 0; status == 0 && i < l->spatial; i++)
        status = l->conv->transposed
                     ? size_of_transposed(l, &lines[i], automatic, asked[i])
                     : size_of_result(l, &lines[i], automatic);
    return status;
}

// ---- inputs ----------------------------------------------------------------

static int check_types(look *l) {
    for (int i = 0; i < l->node->inputs && i < 3; i++) {
        int value = l->node->input[i];
        if (value < 0 && i < 2)
            return wr_nn_refuse(l->why, -EINVAL, l->node, "input %d is absent",
                                i);
        if (value >= 0 && l->graph->value[value].shape.type != WR_NN_F32)
            return wr_nn_refuse(
                l->why, -ENOTSUP, l->node, "input %d is %s, not float32", i,
                wr_nn_type_name(l->graph->value[value].shape.type));
    }
    for (int i = 0; i < 2; i++)
        if (wr_nn_bytes(&l->graph->value[l->node->input[i]].shape) > INT64_MAX)
            return wr_nn_refuse(l->why, -E2BIG, l->node, "input %d is too big",
                                i);
    char text[WR_NN_SHAPE_TEXT];
    l->x = &l->graph->value[l->node->input[0]].shape;
    l->weights = &l->graph->value[l->node->input[1]].shape;
    l->spatial = l->x->rank - 2;
    if (l->x->rank == 5)
        return wr_nn_refuse(l->why, -ENOTSUP, l->node,
                            "three spatial dimensions");
    if (l->spatial != 1 && l->spatial != 2)
        return wr_nn_refuse(l->why, -EINVAL, l->node, "the data is %s",
                            wr_nn_shape_text(text, l->x));
    for (int i = 0; i < l->x->rank; i++)
        if (l->weights->rank != l->x->rank || l->weights->dim[i] < 1 ||
            l->weights->dim[i] > NUMBER_MAX || l->x->dim[i] < 1 ||
            l->x->dim[i] > NUMBER_MAX)
            return wr_nn_refuse(l->why, -EINVAL, l->node, "the weights are %s",
                                wr_nn_shape_text(text, l->weights));
    return 0;
}

// Weights are O, C / groups, ... and C, O / groups, ... if transposed.
static int channels(const look *l) {
    wr_nn_conv *conv = l->conv;
    int64_t first = l->weights->dim[0], second = l->weights->dim[1];
    conv->n = l->x->dim[0];
    conv->c = l->x->dim[conv->nhwc ? l->x->rank - 1 : 1];
    conv->groups = wr_nn_attr_int(l->node, "group", 1);
    if (conv->groups < 1 || conv->groups > NUMBER_MAX ||
        second > NUMBER_MAX / conv->groups)
        return wr_nn_refuse(l->why, -EINVAL, l->node, "group is %lld",
                            (long long)conv->groups);
    conv->o = conv->transposed ? second * conv->groups : first;
    int64_t c = conv->transposed ? first : second * conv->groups;
    if (c != conv->c || first % conv->groups != 0) {
        char text[WR_NN_SHAPE_TEXT];
        return wr_nn_refuse(l->why, -EINVAL, l->node,
                            "%lld channels in %lld groups and weights %s",
                            (long long)conv->c, (long long)conv->groups,
                            wr_nn_shape_text(text, l->weights));
    }
    int bias = l->node->inputs > 2 ? l->node->input[2] : -1;
    if (bias < 0)
        return 0;
    const wr_nn_shape *shape = &l->graph->value[bias].shape;
    if (shape->rank != 1 || shape->dim[0] != conv->o)
        return wr_nn_refuse(l->why, -EINVAL, l->node,
                            "the bias is not of %lld channels",
                            (long long)conv->o);
    return 0;
}

// ---- the operators ---------------------------------------------------------

static void keep(wr_nn_conv *conv, const line *lines, int spatial) {
    line one = {1, 1, 1, 1, 0, 0, 0, 1};
    const line *y = spatial == 2 ? &lines[0] : &one;
    const line *x = &lines[spatial - 1];
    conv->h = y->in, conv->oh = y->out, conv->kh = y->kernel;
    conv->sh = y->stride, conv->dh = y->dilation;
    conv->pt = y->begin, conv->pb = y->end;
    conv->w = x->in, conv->ow = x->out, conv->kw = x->kernel;
    conv->sw = x->stride, conv->dw = x->dilation;
    conv->pl = x->begin, conv->pr = x->end;
}

static int infer(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why,
                 bool transposed) {
    size_t steps;
    wr_nn_steps_get(node, &steps);
    if (node->inputs > 3 && steps == 0)
        return wr_nn_refuse(why, -EINVAL, node, "%d inputs", node->inputs);
    wr_nn_conv *conv = wr_nn_allocate(graph, sizeof(*conv));
    if (conv == NULL)
        return wr_nn_refuse(why, -ENOMEM, node, "no memory");
    conv->transposed = transposed;
    conv->nhwc = wr_nn_attr_int(node, "weir_nhwc", 0) != 0;
    look l = {.graph = graph, .node = node, .why = why, .conv = conv};
    line lines[2];
    int status = check_types(&l);
    if (status == 0)
        status = channels(&l);
    if (status == 0)
        status = attributes(&l, lines);
    if (status == 0)
        status = sizes(&l, lines);
    if (status != 0)
        return status;
    keep(conv, lines, l.spatial);

    wr_nn_shape *out = &graph->value[node->output[0]].shape;
    *out = (wr_nn_shape){.type = WR_NN_F32, .rank = l.spatial + 2};
    out->dim[0] = conv->n;
    out->dim[conv->nhwc ? out->rank - 1 : 1] = conv->o;
    for (int i = 0; i < l.spatial; i++)
        out->dim[(conv->nhwc ? 1 : 2) + i] = lines[i].out;
    if (wr_nn_bytes(out) == SIZE_MAX || wr_nn_bytes(out) > INT64_MAX)
        return wr_nn_refuse(why, -E2BIG, node, "the result is too big");
    node->params = conv;
    return steps == 0 ? 0 : wr_nn_steps_check(graph, node, out, why);
}

static int infer_conv(wr_nn_graph *graph, wr_nn_node *node, wr_nn_why *why) {
    return infer(graph, node, why, false);
}

static int infer_transposed(wr_nn_graph *graph, wr_nn_node *node,
                            wr_nn_why *why) {
    return infer(graph, node, why, true);
}

static double cost(const wr_nn_graph *graph, const wr_nn_node *node) {
    const wr_nn_conv *conv = node->params;
    double pixels = conv->transposed
                        ? (double)conv->n * (double)conv->h * (double)conv->w
                        : (double)conv->n * (double)conv->oh * (double)conv->ow;
    double each = (double)conv->c * (double)conv->o / (double)conv->groups *
                  (double)conv->kh * (double)conv->kw;
    double ns = wr_nn_dnn_ns(graph, node, pixels * each, conv->groups > 1);
    return conv->transposed ? ns + 1.0 * (double)conv->n * (double)conv->o *
                                       (double)conv->oh * (double)conv->ow
                            : ns;
}

const wr_nn_op wr_nn_ops_conv[] = {
    {
        .name = "Conv",
        .inputs_min = 2,
        .inputs_max = 3 + WR_NN_STEPS_MAX,
        .outputs_min = 1,
        .outputs_max = 1,
        .since = 1,
        .infer = infer_conv,
        .prepare = wr_nn_conv_prepare,
        .forget = wr_nn_dnn_forget,
        .cost = cost,
        .parts_max = wr_nn_conv_parts_max,
        .scratch = wr_nn_dnn_scratch,
        .run = wr_nn_conv_run,
    },
    {
        .name = "ConvTranspose",
        .inputs_min = 2,
        .inputs_max = 3 + WR_NN_STEPS_MAX,
        .outputs_min = 1,
        .outputs_max = 1,
        .since = 1,
        .infer = infer_transposed,
        .prepare = wr_nn_conv_prepare,
        .forget = wr_nn_dnn_forget,
        .cost = cost,
        .parts_max = wr_nn_conv_parts_max,
        .scratch = wr_nn_dnn_scratch,
        .run = wr_nn_conv_run,
    },
    {.name = NULL},
};
