// SPDX-License-Identifier: MIT
//
// Cutting a convolution into parts, and what oneDNN needs for each.
//
// A part is a range of images; or of the rows (columns of a flat image, pixels
// if the kernel is 1x1) of each image, where the channels lie innermost; or of
// the channels of each image, where they lie outermost. Each is a convolution
// of its own with the padding that its place leaves it.
#include "programs/nn/op_conv.h"

#include "base/fault.h"

#include <errno.h>
#include <string.h>

// The least pixels of a part of a 1x1 convolution: kernels do several at once.
enum { PIXELS_MIN = 16 };

typedef enum way { WAY_IMAGES, WAY_PIXELS, WAY_ROWS, WAY_CHANNELS } way;

// A sub-problem: equal ones share a kernel.
typedef struct cut {
    int64_t n, c, h, w, o, oh, ow, groups, pt, pl, pb, pr;
} cut;

typedef struct build {
    const wr_nn_graph *graph;
    const wr_nn_node *node;
    wr_nn_why *why;
    const wr_nn_conv *conv;
    wr_nn_dnn *dnn;
    const float *weights; // NULL: not constant
    bool bias;
    cut *cuts;                 // of kernel i
    dnnl_memory_desc_t wanted; // the first kernel's weights
    const char *name;          // of the first kernel
} build;

// ---- ways ------------------------------------------------------------------

static bool is_flat(const wr_nn_conv *conv) {
    return conv->h == 1 && conv->oh == 1 && conv->kh == 1;
}

static bool is_pointwise(const wr_nn_conv *conv) {
    return conv->kh * conv->kw * conv->sh * conv->sw == 1 &&
           conv->pt + conv->pl + conv->pb + conv->pr == 0;
}

// Each way, and how many parts it can make at most; 0: it is none here.
static int64_t parts_of(const wr_nn_conv *conv, way w) {
    bool flat = is_flat(conv);
    int64_t reach = flat ? wr_nn_reach(conv->kw, conv->dw)
                         : wr_nn_reach(conv->kh, conv->dh);
    // Where padding is wider than the kernel a part might have no data at all.
    bool deep = flat ? conv->pl >= reach || conv->pr >= reach
                     : conv->pt >= reach || conv->pb >= reach;
    switch (w) {
    case WAY_IMAGES: return conv->n;
    case WAY_PIXELS:
        return conv->transposed || !conv->nhwc || !is_pointwise(conv)
                   ? 0
                   : conv->n * conv->h * conv->w / PIXELS_MIN;
    case WAY_ROWS:
        return conv->transposed || !conv->nhwc || deep ? 0
               : flat                                  ? conv->ow
                                                       : conv->oh;
    case WAY_CHANNELS:
        return conv->transposed || conv->nhwc ? 0
               : conv->groups > 1             ? conv->groups
                                              : conv->o;
    }
    return 0;
}

static way best_way(const wr_nn_conv *conv, unsigned parts) {
    way ways[] = {WAY_PIXELS, WAY_IMAGES, WAY_ROWS, WAY_CHANNELS};
    for (size_t i = 0; i < 4; i++)
        if (parts_of(conv, ways[i]) >= (int64_t)parts)
            return ways[i];
    return WAY_IMAGES;
}

static bool is_small(const wr_nn_graph *graph, const wr_nn_node *node) {
    const wr_nn_conv *conv = node->params;
    return !conv->transposed && conv->groups == 1 && is_pointwise(conv) &&
           conv->h * conv->w == 1 && conv->o <= WR_NN_GEMV_MAX &&
           conv->n * conv->c <= WR_NN_GEMV_MAX / conv->o &&
           graph->value[node->input[1]].data != NULL;
}

unsigned wr_nn_conv_parts_max(const wr_nn_graph *graph,
                              const wr_nn_node *node) {
    if (is_small(graph, node))
        return 1;
    const wr_nn_conv *conv = node->params;
    int64_t most = wr_nn_conv_is_tiles(graph, node) ? conv->n * conv->h : 1;
    way ways[] = {WAY_PIXELS, WAY_IMAGES, WAY_ROWS, WAY_CHANNELS};
    for (size_t i = 0; i < 4; i++) {
        int64_t parts = parts_of(node->params, ways[i]);
        most = parts > most ? parts : most;
    }
    return most > 4096 ? 4096 : (unsigned)most;
}

// ---- kernels ---------------------------------------------------------------

static void data_md(dnnl_memory_desc_t *md, const wr_nn_conv *conv, int64_t n,
                    int64_t c, int64_t h, int64_t w) {
    dnnl_dims_t dims = {n, c, h, w};
    dnnl_memory_desc_init_by_tag(md, 4, dims, dnnl_f32,
                                 conv->nhwc ? dnnl_nhwc : dnnl_nchw);
}

// The weights as the model has them, or in any order.
static void weights_md(dnnl_memory_desc_t *md, const wr_nn_conv *conv,
                       const cut *c, bool any) {
    int64_t o = c->o / c->groups, in = c->c / c->groups;
    int64_t area = conv->kh * conv->kw;
    // A transposed convolution's are c, o where oneDNN says o, c.
    int64_t step_o = conv->transposed ? area : in * area;
    int64_t step_in = conv->transposed ? o * area : area;
    dnnl_dims_t dims = {c->groups, o, in, conv->kh, conv->kw};
    dnnl_dims_t step = {o * in * area, step_o, step_in, conv->kw, 1};
    int rank = 5;
    if (c->groups == 1) {
        rank = 4;
        memmove(&dims[0], &dims[1], 4 * sizeof(dims[0]));
        memmove(&step[0], &step[1], 4 * sizeof(step[0]));
    }
    if (any)
        dnnl_memory_desc_init_by_tag(md, rank, dims, dnnl_f32,
                                     dnnl_format_tag_any);
    else
        dnnl_memory_desc_init_by_strides(md, rank, dims, dnnl_f32, step);
}

// A deconvolution is described by the same type.
static int describe(const build *b, const cut *c,
                    const dnnl_memory_desc_t *weights,
                    dnnl_convolution_desc_t *out) {
    const wr_nn_conv *conv = b->conv;
    dnnl_memory_desc_t src, dst, bias;
    data_md(&src, conv, c->n, c->c, c->h, c->w);
    data_md(&dst, conv, c->n, c->o, c->oh, c->ow);
    dnnl_dims_t length = {c->o};
    dnnl_memory_desc_init_by_tag(&bias, 1, length, dnnl_f32, dnnl_a);
    dnnl_dims_t strides = {conv->sh, conv->sw};
    dnnl_dims_t dilates = {conv->dh - 1, conv->dw - 1};
    dnnl_dims_t left = {c->pt, c->pl}, right = {c->pb, c->pr};
    const dnnl_memory_desc_t *biased = b->bias ? &bias : NULL;
    dnnl_status_t status =
        conv->transposed
            ? dnnl_dilated_deconvolution_forward_desc_init(
                  out, dnnl_forward_inference, dnnl_deconvolution_direct, &src,
                  weights, biased, &dst, strides, dilates, left, right)
            : dnnl_dilated_convolution_forward_desc_init(
                  out, dnnl_forward_inference, dnnl_convolution_direct, &src,
                  weights, biased, &dst, strides, dilates, left, right);
    return status == dnnl_success
               ? 0
               : wr_nn_dnn_refuse(b->why, b->node, status, "no such kernel");
}

// Later kernels take the first one's weights if that leaves them the same
// implementation; else they have their own.
static int kernel_like_first(build *b, const cut *c) {
    dnnl_convolution_desc_t like;
    dnnl_primitive_desc_t pd;
    if (b->dnn->kernels == 0 || b->weights == NULL || c->o != b->cuts[0].o ||
        c->groups != b->cuts[0].groups ||
        describe(b, c, &b->wanted, &like) != 0 ||
        dnnl_primitive_desc_create(&pd, &like, b->dnn->attr, wr_nn_dnn_engine(),
                                   NULL) != dnnl_success)
        return -ENOTSUP;
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    bool same = strcmp(name, b->name) == 0;
    dnnl_primitive_desc_destroy(pd);
    return same ? wr_nn_dnn_kernel(b->dnn, &like, b->node, NULL) : -ENOTSUP;
}

static int kernel_for(build *b, const cut *c) {
    for (unsigned i = 0; i < b->dnn->kernels; i++)
        if (memcmp(&b->cuts[i], c, sizeof(*c)) == 0)
            return (int)i;
    int index = kernel_like_first(b, c);
    if (index < 0) {
        dnnl_memory_desc_t weights;
        dnnl_convolution_desc_t own;
        weights_md(&weights, b->conv, c, b->weights != NULL);
        int status = describe(b, c, &weights, &own);
        if (status == 0 && b->dnn->kernels == 0)
            status = wr_nn_dnn_fuse(b->dnn, &own, 0, b->node, b->why);
        index = status != 0 ? status
                            : wr_nn_dnn_kernel(b->dnn, &own, b->node, b->why);
    }
    if (index < 0)
        return index;
    if (index == 0) {
        b->wanted = *wr_nn_dnn_wants(b->dnn, 0, DNNL_ARG_WEIGHTS);
        b->name = wr_nn_dnn_name(b->dnn, 0);
    }
    b->cuts[index] = *c;
    return index;
}

// ---- pieces ----------------------------------------------------------------

// first: the first channel of the result in this piece.
static int piece(build *b, const cut *c, size_t src, size_t dst,
                 int64_t first) {
    int kernel = kernel_for(b, c);
    if (kernel < 0)
        return kernel;
    const wr_nn_conv *conv = b->conv;
    int64_t each = conv->c / conv->groups * conv->kh * conv->kw;
    wr_nn_work work = {.kernel = (unsigned)kernel,
                       .pack = -1,
                       .src = src,
                       .weights = (size_t)(first * each),
                       .bias = (size_t)first,
                       .dst = dst,
                       .rows = 1,
                       .count = (size_t)(c->n * c->o * c->oh * c->ow)};
    if (b->weights != NULL) {
        dnnl_memory_desc_t plain;
        weights_md(&plain, conv, c, false);
        work.pack =
            wr_nn_dnn_pack(b->dnn, (unsigned)kernel, b->weights + work.weights,
                           &plain, b->node, b->why);
        if (work.pack < 0)
            return work.pack;
    }
    if (wr_nn_dnn_work(b->dnn, &work) != 0)
        return wr_nn_refuse(b->why, -ENOMEM, b->node, "no memory");
    return 0;
}

// Cuts [from, to) out of `out` results: which data it needs, what it pads.
static void span(int64_t from, int64_t to, int64_t in, int64_t stride,
                 int64_t reach, int64_t before, int64_t *first, int64_t *count,
                 int64_t *pad_before, int64_t *pad_after) {
    int64_t begin = from * stride - before;
    int64_t end = (to - 1) * stride - before + reach;
    *pad_before = begin < 0 ? -begin : 0;
    *pad_after = end > in ? end - in : 0;
    *first = begin < 0 ? 0 : begin;
    *count = end - *pad_after - *first;
}

static int images(build *b, int64_t from, int64_t to) {
    const wr_nn_conv *v = b->conv;
    cut c = {to - from, v->c,      v->h,  v->w,  v->o,  v->oh,
             v->ow,     v->groups, v->pt, v->pl, v->pb, v->pr};
    return piece(b, &c, (size_t)(from * v->c * v->h * v->w),
                 (size_t)(from * v->o * v->oh * v->ow), 0);
}

static int pixels(build *b, int64_t from, int64_t to) {
    const wr_nn_conv *v = b->conv;
    cut c = {.n = 1,
             .c = v->c,
             .h = 1,
             .w = to - from,
             .o = v->o,
             .oh = 1,
             .ow = to - from,
             .groups = v->groups};
    return piece(b, &c, (size_t)(from * v->c), (size_t)(from * v->o), 0);
}

static int rows(build *b, int64_t image, int64_t from, int64_t to) {
    const wr_nn_conv *v = b->conv;
    cut c = {1,     v->c,      v->h,  v->w,  v->o,  v->oh,
             v->ow, v->groups, v->pt, v->pl, v->pb, v->pr};
    int64_t first;
    size_t src = (size_t)(image * v->c * v->h * v->w);
    size_t dst = (size_t)(image * v->o * v->oh * v->ow);
    if (is_flat(v)) {
        span(from, to, v->w, v->sw, wr_nn_reach(v->kw, v->dw), v->pl, &first,
             &c.w, &c.pl, &c.pr);
        c.ow = to - from;
        return piece(b, &c, src + (size_t)(first * v->c),
                     dst + (size_t)(from * v->o), 0);
    }
    span(from, to, v->h, v->sh, wr_nn_reach(v->kh, v->dh), v->pt, &first, &c.h,
         &c.pt, &c.pb);
    c.oh = to - from;
    return piece(b, &c, src + (size_t)(first * v->w * v->c),
                 dst + (size_t)(from * v->ow * v->o), 0);
}

static int some_channels(build *b, int64_t image, int64_t from, int64_t to) {
    const wr_nn_conv *v = b->conv;
    cut c = {1,     v->c,      v->h,  v->w,  v->o,  v->oh,
             v->ow, v->groups, v->pt, v->pl, v->pb, v->pr};
    size_t src = (size_t)(image * v->c * v->h * v->w);
    size_t dst = (size_t)(image * v->o * v->oh * v->ow);
    int64_t first = from;
    if (v->groups > 1) {
        c.groups = to - from;
        c.c = c.groups * (v->c / v->groups);
        c.o = c.groups * (v->o / v->groups);
        first = from * (v->o / v->groups);
        src += (size_t)(from * (v->c / v->groups) * v->h * v->w);
    } else
        c.o = to - from;
    return piece(b, &c, src, dst + (size_t)(first * v->oh * v->ow), first);
}

// The range of `total` that is part `part` of `parts`.
static int64_t begin_of(int64_t total, unsigned part, unsigned parts) {
    return total / parts * part + total % parts * part / parts;
}

static int cut_up(build *b, unsigned parts) {
    const wr_nn_conv *conv = b->conv;
    way w = best_way(conv, parts);
    int64_t total = w == WAY_IMAGES   ? conv->n
                    : w == WAY_PIXELS ? conv->n * conv->h * conv->w
                                      : parts_of(conv, w);
    int status = 0;
    for (unsigned part = 0; part < parts && status == 0; part++) {
        int64_t from = begin_of(total, part, parts);
        int64_t to = begin_of(total, part + 1, parts);
        if (w == WAY_IMAGES)
            status = images(b, from, to);
        else if (w == WAY_PIXELS)
            status = pixels(b, from, to);
        for (int64_t i = 0; w >= WAY_ROWS && i < conv->n && status == 0; i++)
            status = w == WAY_ROWS ? rows(b, i, from, to)
                                   : some_channels(b, i, from, to);
        wr_nn_dnn_part_ends(b->dnn, part);
    }
    return status;
}

static int small(build *b) {
    const wr_nn_conv *conv = b->conv;
    wr_nn_work work = {
        .pack = -1, .rows = 1, .count = (size_t)(conv->n * conv->o)};
    if (wr_nn_gemv_pack(b->dnn, (size_t)conv->n, (size_t)conv->c,
                        (size_t)conv->o, b->weights, 1, (size_t)conv->c,
                        1) != 0 ||
        wr_nn_dnn_work(b->dnn, &work) != 0)
        return wr_nn_refuse(b->why, -ENOMEM, b->node, "no memory");
    wr_nn_dnn_part_ends(b->dnn, 0);
    return 0;
}

int wr_nn_conv_prepare(const wr_nn_graph *graph, wr_nn_node *node,
                       size_t *bytes, wr_nn_why *why) {
    unsigned parts = node->parts == 0 ? 1 : node->parts;
    build b = {.graph = graph, .node = node, .why = why, .conv = node->params};
    b.weights = graph->value[node->input[1]].data;
    b.bias = node->inputs > 2 && node->input[2] >= 0;
    int status = wr_nn_dnn_create(&b.dnn, parts, 1, node, why);
    if (status != 0)
        return status;
    // Images are cut alike: no more kernels than parts.
    b.cuts = wr_calloc(parts, sizeof(*b.cuts));
    if (b.cuts == NULL) {
        wr_nn_dnn_destroy(b.dnn);
        return wr_nn_refuse(why, -ENOMEM, node, "no memory");
    }
    b.dnn->bias = b.bias ? 2 : -1;
    if (wr_nn_conv_is_tiles(graph, node))
        status = wr_nn_conv_tiles_prepare(graph, b.dnn, node, why);
    else
        status = is_small(graph, node) ? small(&b) : cut_up(&b, parts);
    wr_free(b.cuts);
    if (status != 0) {
        wr_nn_dnn_destroy(b.dnn);
        return status;
    }
    node->state = b.dnn;
    *bytes += b.dnn->bytes;
    return 0;
}

void wr_nn_conv_run(const wr_nn_graph *graph, const wr_nn_node *node,
                    const void *const *in, void *const *out, void *scratch,
                    unsigned part) {
    if (wr_nn_conv_is_tiles(graph, node))
        wr_nn_conv_tiles_run(graph, node, in, out, scratch, part);
    else
        wr_nn_dnn_run(graph, node, in, out, scratch, part);
}
