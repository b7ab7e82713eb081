// SPDX-License-Identifier: MIT
//
// A transposed convolution whose kernel is as big as its stride, as upsampling
// has it: every pixel becomes a tile of the result, and tiles do not overlap.
// So it is a product, pixels by weights, whose columns are laid out as tiles.
// oneDNN's own kernels for this are twenty times slower.
#include "programs/nn/op_conv.h"

#include "base/fault.h"

#include <errno.h>

// Pixels of one product: enough for the kernel, and what it makes is still in
// the cache when it is laid out.
enum { PIXELS = 256 };

typedef struct tiles {
    const wr_nn_conv *conv;
    size_t chunk;          // rows of data in one product
    size_t c, w, o, width; // width: of a tile, in numbers
    float *pixels;         // channels innermost
    float *made;           // width numbers for each pixel
} tiles;

bool wr_nn_conv_is_tiles(const wr_nn_graph *graph, const wr_nn_node *node) {
    const wr_nn_conv *v = node->params;
    return v->transposed && v->groups == 1 && v->kh == v->sh &&
           v->kw == v->sw && v->dh == 1 && v->dw == 1 && v->pt == 0 &&
           v->pl == 0 && v->pb == 0 && v->pr == 0 &&
           graph->value[node->input[1]].data != NULL;
}

static tiles tiles_of(const wr_nn_conv *v) {
    tiles t = {.conv = v,
               .chunk = (size_t)(v->w < PIXELS ? PIXELS / v->w : 1),
               .c = (size_t)v->c,
               .w = (size_t)v->w,
               .o = (size_t)v->o,
               .width = (size_t)(v->o * v->kh * v->kw)};
    if (t.chunk > (size_t)v->h)
        t.chunk = (size_t)v->h;
    return t;
}

// ---- preparing -------------------------------------------------------------

static int no_memory(const wr_nn_node *node, wr_nn_why *why) {
    return wr_nn_refuse(why, -ENOMEM, node, "no memory");
}

// From c, o, y, x to c, y, x, o.
static float *turn(const wr_nn_conv *v, const float *from) {
    size_t o = (size_t)v->o, area = (size_t)(v->kh * v->kw), c = (size_t)v->c;
    float *to = wr_aligned_alloc(WR_NN_ALIGN, c * o * area * sizeof(float));
    for (size_t i = 0; to != NULL && i < c * o * area; i++)
        to[i / o / area * o * area + i % area * o + i / area % o] = from[i];
    return to;
}

// Makes the kernel for so many rows of data, and packs its weights.
static int add_kernel(const tiles *t, size_t rows, wr_nn_dnn *dnn,
                      const wr_nn_node *node, wr_nn_why *why) {
    int64_t m = (int64_t)(rows * t->w), c = (int64_t)t->c;
    int64_t n = (int64_t)t->width;
    dnnl_dims_t a = {m, c}, b = {c, n}, y = {m, n};
    dnnl_memory_desc_t src, any, plain, dst;
    dnnl_memory_desc_init_by_tag(&src, 2, a, dnnl_f32, dnnl_ab);
    dnnl_memory_desc_init_by_tag(&any, 2, b, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&plain, 2, b, dnnl_f32, dnnl_ab);
    dnnl_memory_desc_init_by_tag(&dst, 2, y, dnnl_f32, dnnl_ab);
    dnnl_matmul_desc_t desc;
    dnnl_status_t status = dnnl_matmul_desc_init(&desc, &src, &any, NULL, &dst);
    if (status != dnnl_success)
        return wr_nn_dnn_refuse(why, node, status, "no such kernel");
    int kernel = wr_nn_dnn_kernel(dnn, &desc, node, why);
    if (kernel < 0)
        return kernel;
    wr_nn_work work = {.kernel = (unsigned)kernel};
    work.pack =
        wr_nn_dnn_pack(dnn, (unsigned)kernel, dnn->row, &plain, node, why);
    if (work.pack < 0)
        return work.pack;
    return wr_nn_dnn_work(dnn, &work) == 0 ? 0 : no_memory(node, why);
}

int wr_nn_conv_tiles_prepare(const wr_nn_graph *graph, wr_nn_dnn *dnn,
                             const wr_nn_node *node, wr_nn_why *why) {
    const wr_nn_conv *v = node->params;
    tiles t = tiles_of(v);
    dnn->row = turn(v, graph->value[node->input[1]].data);
    if (dnn->row == NULL)
        return no_memory(node, why);
    dnn->bytes += t.c * t.width * sizeof(float);
    // Work 0 is a product of a whole chunk, work 1 of one row.
    int status = add_kernel(&t, t.chunk, dnn, node, why);
    if (status == 0 && t.chunk > 1)
        status = add_kernel(&t, 1, dnn, node, why);
    size_t numbers = t.width + (v->nhwc ? 0 : t.c);
    dnn->stage =
        wr_nn_rounded(t.chunk * t.w * numbers * sizeof(float)) + WR_NN_ALIGN;
    return status;
}

// ---- running ---------------------------------------------------------------

// Rows of the data as pixels with their channels together.
static const float *gather(const tiles *t, const float *x, size_t image,
                           size_t row, size_t rows) {
    size_t h = (size_t)t->conv->h, count = rows * t->w;
    if (t->conv->nhwc)
        return x + (image * h + row) * t->w * t->c;
    for (size_t c = 0; c < t->c; c++) {
        const float *from = x + ((image * t->c + c) * h + row) * t->w;
        for (size_t i = 0; i < count; i++)
            t->pixels[i * t->c + c] = from[i];
    }
    return t->pixels;
}

// The address of a row of the result, of channel o if it has them outermost.
static float *line(const tiles *t, float *y, size_t image, size_t row,
                   size_t o) {
    size_t oh = (size_t)t->conv->oh, ow = (size_t)t->conv->ow;
    return t->conv->nhwc ? y + (image * oh + row) * ow * t->o
                         : y + ((image * t->o + o) * oh + row) * ow;
}

static void lay_last(const tiles *t, float *to, const float *from,
                     const float *bias) {
    size_t kw = (size_t)t->conv->kw;
    for (size_t x = 0; x < t->w; x++, from += t->width)
        for (size_t k = 0; k < kw; k++, to += t->o)
            for (size_t o = 0; o < t->o; o++)
                to[o] = from[k * t->o + o] + (bias == NULL ? 0 : bias[o]);
}

static void lay_first(const tiles *t, float *to, const float *from, size_t o,
                      float bias) {
    size_t kw = (size_t)t->conv->kw;
    for (size_t x = 0; x < t->w; x++, from += t->width)
        for (size_t k = 0; k < kw; k++)
            *to++ = from[k * t->o + o] + bias;
}

// Row `row` of the data is kh rows of the result.
static void lay(const tiles *t, float *y, const float *made, const float *bias,
                size_t image, size_t row) {
    size_t kh = (size_t)t->conv->kh, kw = (size_t)t->conv->kw;
    for (size_t k = 0; k < kh; k++, made += kw * t->o) {
        if (t->conv->nhwc)
            lay_last(t, line(t, y, image, row * kh + k, 0), made, bias);
        for (size_t o = 0; !t->conv->nhwc && o < t->o; o++)
            lay_first(t, line(t, y, image, row * kh + k, o), made, o,
                      bias == NULL ? 0 : bias[o]);
    }
}

// The steps over what `rows` rows of the data have become.
static void finish(const tiles *t, const wr_nn_graph *graph,
                   const wr_nn_node *node, const void *const *in, float *y,
                   size_t image, size_t row, size_t rows) {
    const wr_nn_shape *shape = &graph->value[node->output[0]].shape;
    size_t kh = (size_t)t->conv->kh, ow = (size_t)t->conv->ow;
    size_t runs = t->conv->nhwc ? 1 : t->o;
    size_t count = rows * kh * ow * (t->conv->nhwc ? t->o : 1);
    for (size_t o = 0; o < runs; o++)
        wr_nn_steps_apply(graph, node, shape, y,
                          (size_t)(line(t, y, image, row * kh, o) - y), count,
                          in);
}

void wr_nn_conv_tiles_run(const wr_nn_graph *graph, const wr_nn_node *node,
                          const void *const *in, void *const *out,
                          void *scratch, unsigned part) {
    const wr_nn_dnn *dnn = node->state;
    const wr_nn_conv *v = node->params;
    tiles t = tiles_of(v);
    unsigned parts = node->parts == 0 ? 1 : node->parts;
    size_t h = (size_t)v->h, total = (size_t)v->n * h, steps;
    size_t from = total / parts * part + total % parts * part / parts;
    size_t next = part + 1;
    size_t to = total / parts * next + total % parts * next / parts;
    const float *bias = dnn->bias >= 0 ? in[dnn->bias] : NULL;
    t.made = scratch;
    t.pixels = t.made + t.chunk * t.w * t.width;
    wr_nn_steps_get(node, &steps);
    while (from < to) {
        size_t image = from / h, row = from % h, left = h - row;
        left = to - from < left ? to - from : left;
        size_t rows = left >= t.chunk ? t.chunk : 1;
        wr_nn_data data = {gather(&t, in[0], image, row, rows), NULL, NULL,
                           t.made, scratch};
        wr_nn_dnn_call(dnn, &dnn->work[rows == t.chunk ? 0 : 1], &data);
        for (size_t i = 0; i < rows; i++)
            lay(&t, out[0], t.made + i * t.w * t.width, bias, image, row + i);
        if (steps > 0)
            finish(&t, graph, node, in, out[0], image, row, rows);
        from += rows;
    }
}
