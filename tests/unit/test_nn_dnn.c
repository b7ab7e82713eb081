// SPDX-License-Identifier: MIT
//
// Conv, ConvTranspose, MatMul and Gemm beside the plainest loops there are, in
// double precision. A result is right if it is as near as float sums can be.
#include "support/nn_dnn.h"

#include <spawn.h>

// ---- convolutions ----------------------------------------------------------

typedef struct conv {
    int n, c, h, w, o, groups, kh, kw, sh, sw, dh, dw;
    int pads[4]; // top, left, bottom, right
    const char *automatic;
    bool nhwc, bias, loose; // loose: weights are not constant
} conv;

static void set_ints(bench *b, const char *name, int count, const int *from) {
    int64_t ints[4];
    for (int i = 0; i < count; i++)
        ints[i] = from[i];
    CHECK_EQ(wr_nn_attr_set_ints(b->graph, b->node, name, ints, (size_t)count),
             0);
}

static void conv_begin(bench *b, const conv *c, int inputs) {
    begin(b, "Conv", inputs);
    wr_nn_shape x = c->nhwc ? shape_of(4, c->n, c->h, c->w, c->c)
                            : shape_of(4, c->n, c->c, c->h, c->w);
    wr_nn_shape w = shape_of(4, c->o, c->c / c->groups, c->kh, c->kw);
    wr_nn_shape bias = shape_of(1, c->o);
    input(b, 0, &x, false);
    input(b, 1, &w, !c->loose);
    if (c->bias)
        input(b, 2, &bias, true);
    set_ints(b, "strides", 2, (int[]){c->sh, c->sw});
    set_ints(b, "dilations", 2, (int[]){c->dh, c->dw});
    if (c->automatic == NULL)
        set_ints(b, "pads", 4, c->pads);
    else
        CHECK_EQ(
            wr_nn_attr_set_string(b->graph, b->node, "auto_pad", c->automatic),
            0);
    CHECK_EQ(wr_nn_attr_set_int(b->graph, b->node, "group", c->groups), 0);
    CHECK_EQ(wr_nn_attr_set_int(b->graph, b->node, "weir_nhwc", c->nhwc), 0);
}

static size_t place(bool nhwc, int n, int c, int y, int x, int channels,
                    int height, int width) {
    return nhwc ? (size_t)(((n * height + y) * width + x) * channels + c)
                : (size_t)(((n * channels + c) * height + y) * width + x);
}

// How auto_pad pads one dimension, written down once more.
static void pad(const conv *c, int in, int k, int s, int *before, int *out) {
    if (strcmp(c->automatic, "VALID") == 0) {
        *before = 0;
        *out = (in - k + s) / s;
        return;
    }
    *out = (in + s - 1) / s;
    int total = (*out - 1) * s + k - in;
    total = total < 0 ? 0 : total;
    bool lower = strcmp(c->automatic, "SAME_LOWER") == 0;
    *before = lower ? (total + 1) / 2 : total / 2;
}

// One number of the result: everything that the window meets.
static void window(oracle *o, const bench *b, const conv *c, size_t at,
                   const int out[4], int top, int left) {
    int each = c->c / c->groups, first = out[1] / (c->o / c->groups) * each;
    for (int i = 0; i < each; i++)
        for (int ky = 0; ky < c->kh; ky++)
            for (int kx = 0; kx < c->kw; kx++) {
                int y = out[2] * c->sh - top + ky * c->dh;
                int x = out[3] * c->sw - left + kx * c->dw;
                if (y < 0 || y >= c->h || x < 0 || x >= c->w)
                    continue;
                size_t w =
                    (size_t)(((out[1] * each + i) * c->kh + ky) * c->kw + kx);
                oracle_add(
                    o, at,
                    (double)b->data[1][w] *
                        (double)b->data[0][place(c->nhwc, out[0], first + i, y,
                                                 x, c->c, c->h, c->w)]);
            }
    if (c->bias)
        oracle_add(o, at, (double)b->data[2][out[1]]);
}

static oracle conv_oracle(const bench *b, const conv *c) {
    int kh = (c->kh - 1) * c->dh + 1, kw = (c->kw - 1) * c->dw + 1;
    int top = c->pads[0], left = c->pads[1];
    int oh = (c->h + top + c->pads[2] - kh) / c->sh + 1;
    int ow = (c->w + left + c->pads[3] - kw) / c->sw + 1;
    if (c->automatic != NULL) {
        pad(c, c->h, kh, c->sh, &top, &oh);
        pad(c, c->w, kw, c->sw, &left, &ow);
    }
    wr_nn_shape shape = c->nhwc ? shape_of(4, c->n, oh, ow, c->o)
                                : shape_of(4, c->n, c->o, oh, ow);
    CHECK(wr_nn_same_shape(&shape, result_of(b)));
    oracle o = oracle_of(b, (size_t)(c->c / c->groups * c->kh * c->kw));
    for (int n = 0; n < c->n; n++)
        for (int k = 0; k < c->o; k++)
            for (int y = 0; y < oh; y++)
                for (int x = 0; x < ow; x++)
                    window(&o, b, c, place(c->nhwc, n, k, y, x, c->o, oh, ow),
                           (int[]){n, k, y, x}, top, left);
    return o;
}

static void check_conv(const conv *c) {
    bench b;
    char what[160];
    conv_begin(&b, c, 3);
    snprintf(what, sizeof(what),
             "%d %dx%dx%d to %d, %d groups, kernel %dx%d, strides %d %d, "
             "dilations %d %d, pads %d %d %d %d %s",
             c->n, c->c, c->h, c->w, c->o, c->groups, c->kh, c->kw, c->sh,
             c->sw, c->dh, c->dw, c->pads[0], c->pads[1], c->pads[2],
             c->pads[3], c->automatic == NULL ? "" : c->automatic);
    if (infer(&b) != 0)
        CHECK_FAIL("%s: %s", what, b.why.text);
    oracle o = conv_oracle(&b, c);
    check_parts(&b, &o, what);
    oracle_drop(&o);
    end(&b);
}

static const char *automatics[] = {NULL,    NULL,         NULL,
                                   "VALID", "SAME_UPPER", "SAME_LOWER"};
static const int paddings[][4] = {{0, 0, 0, 0}, {1, 1, 1, 1}, {0, 2, 1, 0}};

// Every kernel with every stride, dilation, padding and number of groups.
static void check_convs(bool nhwc, bool loose) {
    static const int kernels[][2] = {{1, 1}, {3, 3}, {2, 3}};
    static const int groups[] = {1, 2, 4};
    unsigned count = 0;
    for (size_t k = 0; k < TEST_COUNT(kernels); k++)
        for (int stride = 1; stride <= 2; stride++)
            for (int dilation = 1; dilation <= 2; dilation++)
                for (size_t p = 0; p < TEST_COUNT(automatics); p++)
                    for (size_t g = 0; g < TEST_COUNT(groups); g++) {
                        conv c = {.n = 1 + (int)(count % 3 == 0),
                                  .c = 4,
                                  .h = 8,
                                  .w = 7,
                                  .o = g == 2 && stride == 1 ? 4 : 8,
                                  .groups = groups[g],
                                  .kh = kernels[k][0],
                                  .kw = kernels[k][1],
                                  .sh = stride,
                                  .sw = 3 - stride,
                                  .dh = dilation,
                                  .dw = 1,
                                  .automatic = automatics[p],
                                  .nhwc = nhwc,
                                  .loose = loose,
                                  .bias = count % 2 == 0};
                        if (p < TEST_COUNT(paddings))
                            memcpy(c.pads, paddings[p], sizeof(c.pads));
                        if (!loose || count % 5 == 0)
                            check_conv(&c);
                        count++;
                    }
    CHECK_EQ(count, 216);
}

static void conv_is_right_with_channels_last(void) { check_convs(true, false); }

static void conv_is_right_with_channels_first(void) {
    check_convs(false, false);
}

static void weights_need_not_be_constant(void) {
    check_convs(true, true);
    check_convs(false, true);
}

static void conv_of_odd_sizes_is_right(void) {
    static const conv cases[] = {
        {1, 3, 17, 19, 16, 1, 3, 3, 2, 2, 1, 1, {1, 1, 1, 1}, 0, 1, 1, 0},
        {2, 24, 6, 40, 24, 24, 5, 5, 1, 1, 1, 1, {2, 2, 2, 2}, 0, 1, 1, 0},
        {1, 17, 9, 5, 17, 17, 3, 3, 2, 1, 1, 1, {1, 1, 1, 1}, 0, 1, 0, 0},
        {1, 30, 1, 40, 60, 1, 1, 3, 1, 1, 1, 1, {0, 1, 0, 1}, 0, 1, 1, 0},
        {1, 40, 1, 1, 10, 1, 1, 1, 1, 1, 1, 1, {0, 0, 0, 0}, 0, 1, 1, 0},
        {3, 37, 1, 1, 41, 1, 1, 1, 1, 1, 1, 1, {0, 0, 0, 0}, 0, 0, 1, 0},
        {1, 300, 1, 1, 500, 1, 1, 1, 1, 1, 1, 1, {0, 0, 0, 0}, 0, 1, 1, 0},
        {1, 8, 12, 11, 32, 1, 1, 1, 1, 1, 1, 1, {0, 0, 0, 0}, 0, 1, 0, 0},
        {2, 5, 6, 7, 9, 1, 1, 1, 2, 3, 1, 1, {1, 0, 2, 1}, 0, 1, 1, 0},
        {1, 6, 4, 4, 4, 1, 3, 3, 1, 1, 1, 1, {3, 4, 5, 3}, 0, 1, 1, 0},
        {1, 6, 4, 4, 4, 2, 7, 7, 1, 1, 1, 1, {3, 3, 3, 3}, 0, 1, 1, 0},
        {1, 4, 3, 20, 4, 1, 1, 9, 1, 2, 1, 2, {0, 8, 0, 8}, 0, 1, 1, 0},
        {1, 2, 30, 3, 3, 1, 2, 2, 7, 1, 1, 1, {0, 0, 0, 0}, 0, 1, 1, 0},
        {1, 12, 5, 5, 36, 4, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 0, 1, 0},
        {1, 6, 5, 5, 18, 6, 3, 3, 1, 1, 1, 1, {1, 1, 1, 1}, 0, 1, 1, 0},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        check_conv(&cases[i]);
}

static void conv_has_one_dimension_too(void) {
    for (int stride = 1; stride <= 2; stride++)
        for (int groups = 1; groups <= 4; groups += 3) {
            bench b;
            begin(&b, "Conv", 2);
            wr_nn_shape x = shape_of(3, 2, 4, 11);
            wr_nn_shape w = shape_of(3, 8, 4 / groups, 3);
            input(&b, 0, &x, false);
            input(&b, 1, &w, true);
            set_ints(&b, "kernel_shape", 1, (int[]){3});
            set_ints(&b, "strides", 1, &stride);
            set_ints(&b, "pads", 2, (int[]){1, 2});
            CHECK_EQ(wr_nn_attr_set_int(b.graph, b.node, "group", groups), 0);
            CHECK_EQ(infer(&b), 0);
            CHECK_EQ(result_of(&b)->rank, 3);
            int out = (11 + 3 - 3) / stride + 1, each = 4 / groups;
            CHECK_EQ(result_of(&b)->dim[2], out);
            oracle o = oracle_of(&b, 12);
            for (int at = 0; at < 2 * 8 * out; at++)
                for (int i = 0; i < each * 3; i++) {
                    int n = at / out / 8, k = at / out % 8;
                    int c = k / (8 / groups) * each + i / 3;
                    int from = at % out * stride - 1 + i % 3;
                    if (from >= 0 && from < 11)
                        oracle_add(&o, (size_t)at,
                                   (double)b.data[0][(n * 4 + c) * 11 + from] *
                                       (double)b.data[1][k * each * 3 + i]);
                }
            check_parts(&b, &o, "one dimension");
            oracle_drop(&o);
            end(&b);
        }
}

// ---- transposed convolutions -----------------------------------------------

typedef struct turned {
    int n, c, h, w, o, groups, k, stride, dilation;
    int pads[4];
    int extra; // output_padding
    bool nhwc;
} turned;

static oracle turned_oracle(const bench *b, const turned *t, int oh, int ow) {
    oracle o = oracle_of(b, (size_t)(t->c * t->k * t->k));
    int in = t->c / t->groups, out = t->o / t->groups;
    for (int n = 0; n < t->n; n++)
        for (int c = 0; c < t->c; c++)
            for (int i = 0; i < t->h * t->w * out * t->k * t->k; i++) {
                int kx = i % t->k, ky = i / t->k % t->k;
                int k = i / t->k / t->k % out, at = i / t->k / t->k / out;
                int y = at / t->w * t->stride - t->pads[0] + ky * t->dilation;
                int x = at % t->w * t->stride - t->pads[1] + kx * t->dilation;
                if (y < 0 || y >= oh || x < 0 || x >= ow)
                    continue;
                size_t from = place(t->nhwc, n, c, at / t->w, at % t->w, t->c,
                                    t->h, t->w);
                size_t w = (size_t)(((c * out + k) * t->k + ky) * t->k + kx);
                oracle_add(
                    &o, place(t->nhwc, n, c / in * out + k, y, x, t->o, oh, ow),
                    (double)b->data[0][from] * (double)b->data[1][w]);
            }
    for (size_t i = 0; i < o.count; i++) {
        size_t area = (size_t)(oh * ow), channels = (size_t)t->o;
        size_t k = t->nhwc ? i % channels : i / area % channels;
        oracle_add(&o, i, (double)b->data[2][k]);
    }
    return o;
}

static void transposed_conv_is_right(void) {
    static const turned cases[] = {
        {1, 24, 6, 5, 24, 1, 2, 2, 1, {0, 0, 0, 0}, 0, false},
        {2, 24, 6, 5, 1, 1, 2, 2, 1, {0, 0, 0, 0}, 0, true},
        {2, 3, 70, 5, 7, 1, 2, 2, 1, {0, 0, 0, 0}, 0, false},
        {2, 3, 70, 5, 7, 1, 3, 3, 1, {0, 0, 0, 0}, 0, true},
        {1, 3, 2, 300, 4, 1, 2, 2, 1, {0, 0, 0, 0}, 0, true},
        {3, 4, 5, 4, 6, 2, 3, 2, 1, {1, 1, 1, 1}, 0, true},
        {1, 4, 5, 4, 6, 1, 3, 2, 1, {1, 1, 1, 1}, 1, true},
        {1, 4, 5, 4, 6, 2, 3, 2, 1, {1, 0, 0, 1}, 1, false},
        {2, 4, 5, 4, 4, 4, 3, 3, 1, {0, 0, 0, 0}, 2, true},
        {1, 3, 4, 4, 5, 1, 3, 1, 2, {0, 1, 2, 0}, 0, false},
        {1, 3, 4, 4, 5, 1, 3, 1, 2, {0, 1, 2, 0}, 0, true},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++) {
        const turned *t = &cases[i];
        bench b;
        begin(&b, "ConvTranspose", 3);
        wr_nn_shape x = t->nhwc ? shape_of(4, t->n, t->h, t->w, t->c)
                                : shape_of(4, t->n, t->c, t->h, t->w);
        wr_nn_shape w = shape_of(4, t->c, t->o / t->groups, t->k, t->k);
        wr_nn_shape bias = shape_of(1, t->o);
        input(&b, 0, &x, false);
        input(&b, 1, &w, true);
        input(&b, 2, &bias, true);
        set_ints(&b, "strides", 2, (int[]){t->stride, t->stride});
        set_ints(&b, "dilations", 2, (int[]){t->dilation, t->dilation});
        set_ints(&b, "pads", 4, t->pads);
        set_ints(&b, "output_padding", 2, (int[]){t->extra, t->extra});
        wr_nn_attr_set_int(b.graph, b.node, "group", t->groups);
        wr_nn_attr_set_int(b.graph, b.node, "weir_nhwc", t->nhwc);
        if (infer(&b) != 0)
            CHECK_FAIL("%s", b.why.text);
        int reach = (t->k - 1) * t->dilation + 1 + t->extra;
        int oh = (t->h - 1) * t->stride + reach - t->pads[0] - t->pads[2];
        int ow = (t->w - 1) * t->stride + reach - t->pads[1] - t->pads[3];
        CHECK_EQ(result_of(&b)->dim[t->nhwc ? 1 : 2], oh);
        CHECK_EQ(result_of(&b)->dim[t->nhwc ? 2 : 3], ow);
        oracle o = turned_oracle(&b, t, oh, ow);
        char what[32];
        snprintf(what, sizeof(what), "transposed %zu", i);
        check_parts(&b, &o, what);
        oracle_drop(&o);
        end(&b);
    }
}

// Each of these means the pads that follow it.
static void transposed_conv_works_out_its_pads(void) {
    static const struct {
        const char *automatic;
        int asked, pads[4], size; // asked: output_shape, 0: none
    } means[] = {
        {"SAME_UPPER", 0, {0, 0, 1, 1}, 10},
        {"SAME_LOWER", 0, {1, 1, 0, 0}, 10},
        {"VALID", 0, {0, 0, 0, 0}, 11},
        {"NOTSET", 8, {2, 2, 1, 1}, 8},
        {"SAME_UPPER", 8, {1, 1, 2, 2}, 8},
    };
    for (size_t i = 0; i < TEST_COUNT(means); i++) {
        float *y[2];
        for (int explicit = 0; explicit < 2; explicit ++) {
            bench b;
            begin(&b, "ConvTranspose", 2);
            wr_nn_shape x = shape_of(4, 1, 2, 5, 5),
                        w = shape_of(4, 2, 3, 3, 3);
            seed = i;
            input(&b, 0, &x, false);
            input(&b, 1, &w, true);
            int asked = means[i].asked;
            set_ints(&b, "strides", 2, (int[]){2, 2});
            if (explicit)
                set_ints(&b, "pads", 4, means[i].pads);
            else
                wr_nn_attr_set_string(b.graph, b.node, "auto_pad",
                                      means[i].automatic);
            if (asked != 0 && !explicit)
                set_ints(&b, "output_shape", 2, (int[]){asked, asked});
            CHECK_EQ(infer(&b), 0);
            CHECK_EQ(result_of(&b)->dim[2], means[i].size);
            CHECK_EQ(result_of(&b)->dim[3], means[i].size);
            prepare(&b, 1);
            y[explicit] = numbers(wr_nn_elements(result_of(&b)));
            run_parts(&b, y[explicit], 0);
            end(&b);
        }
        for (int j = 0; j < 3 * means[i].size * means[i].size; j++)
            CHECK(y[0][j] == y[1][j]);
        wr_free(y[0]);
        wr_free(y[1]);
    }
}

// ---- products --------------------------------------------------------------

// numpy's rule, by counting through the result with one index each.
static void product_oracle(oracle *o, const bench *b, const wr_nn_shape *left,
                           const wr_nn_shape *right, int m, int k, int n) {
    const wr_nn_shape *out = result_of(b);
    int batches = out->rank - (left->rank > 1) - (right->rank > 1);
    for (size_t at = 0; at < o->count; at++) {
        size_t rest = at / (size_t)(m * n), i = at % (size_t)(m * n);
        size_t from[2] = {0, 0}, step[2] = {1, 1};
        const wr_nn_shape *side[2] = {left, right};
        for (int d = batches - 1; d >= 0; d--) {
            size_t index = rest % (size_t)out->dim[d];
            rest /= (size_t)out->dim[d];
            for (int s = 0; s < 2; s++) {
                int own = d - batches + side[s]->rank - 2;
                if (own < 0 || side[s]->rank < 3)
                    continue;
                size_t size = (size_t)side[s]->dim[own];
                from[s] += (size == 1 ? 0 : index) * step[s];
                step[s] *= size;
            }
        }
        size_t row = i / (size_t)n, column = i % (size_t)n;
        const float *a = b->data[0] + (from[0] * (size_t)m + row) * (size_t)k;
        const float *w = b->data[1] + from[1] * (size_t)(k * n) + column;
        for (int j = 0; j < k; j++)
            oracle_add(o, at, (double)a[j] * (double)w[j * n]);
    }
}

static void check_product(const wr_nn_shape *a, const wr_nn_shape *w,
                          bool constant, int rank) {
    bench b;
    begin(&b, "MatMul", 2);
    input(&b, 0, a, false);
    input(&b, 1, w, constant);
    if (infer(&b) != 0)
        CHECK_FAIL("%s", b.why.text);
    CHECK_EQ(result_of(&b)->rank, rank);
    int m = a->rank == 1 ? 1 : (int)a->dim[a->rank - 2];
    int n = w->rank == 1 ? 1 : (int)w->dim[w->rank - 1];
    int k = (int)a->dim[a->rank - 1];
    oracle o = oracle_of(&b, (size_t)k);
    product_oracle(&o, &b, a, w, m, k, n);
    char what[300], left[WR_NN_SHAPE_TEXT], right[WR_NN_SHAPE_TEXT];
    snprintf(what, sizeof(what), "%s by %s", wr_nn_shape_text(left, a),
             wr_nn_shape_text(right, w));
    check_parts(&b, &o, what);
    oracle_drop(&o);
    end(&b);
}

static void matmul_broadcasts_as_numpy(void) {
    const struct {
        wr_nn_shape a, b;
        int rank;
    } cases[] = {
        {shape_of(1, 7), shape_of(1, 7), 0},
        {shape_of(1, 7), shape_of(2, 7, 5), 1},
        {shape_of(2, 4, 7), shape_of(1, 7), 1},
        {shape_of(2, 4, 7), shape_of(2, 7, 5), 2},
        {shape_of(1, 7), shape_of(3, 3, 7, 5), 2},
        {shape_of(3, 3, 4, 7), shape_of(1, 7), 2},
        {shape_of(3, 3, 4, 7), shape_of(2, 7, 5), 3},
        {shape_of(2, 4, 7), shape_of(3, 3, 7, 5), 3},
        {shape_of(3, 3, 4, 7), shape_of(3, 3, 7, 5), 3},
        {shape_of(3, 3, 4, 7), shape_of(3, 1, 7, 5), 3},
        {shape_of(3, 1, 4, 7), shape_of(3, 3, 7, 5), 3},
        {shape_of(4, 2, 3, 4, 7), shape_of(3, 3, 7, 5), 4},
        {shape_of(4, 2, 1, 4, 7), shape_of(4, 1, 3, 7, 5), 4},
        {shape_of(4, 2, 3, 4, 7), shape_of(4, 2, 1, 7, 5), 4},
        {shape_of(4, 1, 1, 4, 7), shape_of(4, 1, 1, 7, 5), 4},
        {shape_of(3, 8, 40, 15), shape_of(3, 8, 15, 40), 3},
    };
    for (size_t i = 0; i < TEST_COUNT(cases); i++)
        for (int constant = 0; constant < 2; constant++)
            check_product(&cases[i].a, &cases[i].b, constant, cases[i].rank);
}

static void matmul_is_right_in_any_number_of_parts(void) {
    static const int sizes[][3] = {
        {40, 120, 360}, {1, 200, 2},   {1, 300, 500}, {5, 33, 700},
        {6, 64, 100},   {100, 10, 10}, {3, 1, 90},
    };
    for (size_t i = 0; i < TEST_COUNT(sizes); i++)
        for (int constant = 0; constant < 2; constant++) {
            wr_nn_shape a = shape_of(2, sizes[i][0], sizes[i][1]);
            wr_nn_shape w = shape_of(2, sizes[i][1], sizes[i][2]);
            check_product(&a, &w, constant, 2);
        }
}

typedef struct gemm {
    int m, k, n;
    bool turned_a, turned_b, constant;
    float alpha, beta;
    int rank, rows, columns; // of C; rank -1: none
} gemm;

static void check_gemm(const gemm *g, bool constant_c) {
    bench b;
    begin(&b, "Gemm", 3);
    wr_nn_shape a =
        g->turned_a ? shape_of(2, g->k, g->m) : shape_of(2, g->m, g->k);
    wr_nn_shape w =
        g->turned_b ? shape_of(2, g->n, g->k) : shape_of(2, g->k, g->n);
    wr_nn_shape c = g->rank == 2   ? shape_of(2, g->rows, g->columns)
                    : g->rank == 1 ? shape_of(1, g->columns)
                                   : shape_of(0);
    input(&b, 0, &a, false);
    input(&b, 1, &w, g->constant);
    if (g->rank >= 0)
        input(&b, 2, &c, constant_c);
    wr_nn_attr_set_int(b.graph, b.node, "transA", g->turned_a);
    wr_nn_attr_set_int(b.graph, b.node, "transB", g->turned_b);
    wr_nn_attr_set_float(b.graph, b.node, "alpha", g->alpha);
    wr_nn_attr_set_float(b.graph, b.node, "beta", g->beta);
    if (infer(&b) != 0)
        CHECK_FAIL("%s", b.why.text);
    oracle o = oracle_of(&b, (size_t)g->k);
    for (int i = 0; i < g->m; i++)
        for (int j = 0; j < g->n; j++) {
            size_t at = (size_t)(i * g->n + j);
            for (int l = 0; l < g->k; l++)
                oracle_add(&o, at,
                           (double)g->alpha *
                               (double)b.data[0][g->turned_a ? l * g->m + i
                                                             : i * g->k + l] *
                               (double)b.data[1][g->turned_b ? j * g->k + l
                                                             : l * g->n + j]);
            if (g->rank >= 0)
                oracle_add(
                    &o, at,
                    (double)g->beta *
                        (double)b.data[2][(g->rows > 1 ? i : 0) * g->columns +
                                          (g->columns > 1 ? j : 0)]);
        }
    char what[64];
    snprintf(what, sizeof(what), "gemm %d %d %d, C of rank %d", g->m, g->k,
             g->n, g->rank);
    check_parts(&b, &o, what);
    oracle_drop(&o);
    end(&b);
}

static void gemm_scales_turns_and_adds(void) {
    static const int cs[][3] = {{-1, 0, 0}, {0, 1, 1},  {1, 1, 1},
                                {1, 1, -1}, {2, 1, 1},  {2, 1, -1},
                                {2, -1, 1}, {2, -1, -1}};
    unsigned count = 0;
    for (int sides = 0; sides < 8; sides++)
        for (size_t c = 0; c < TEST_COUNT(cs); c++)
            for (int scales = 0; scales < 4; scales++) {
                gemm g = {.m = count % 3 == 0 ? 1 : 13,
                          .k = 9,
                          .n = 70,
                          .turned_a = sides & 1,
                          .turned_b = (sides & 2) != 0,
                          .constant = (sides & 4) != 0,
                          .alpha = (scales & 1) != 0 ? 0.5f : 1,
                          .beta = (scales & 2) != 0 ? -2.5f : 1,
                          .rank = cs[c][0],
                          .rows = cs[c][1],
                          .columns = cs[c][2]};
                g.rows = g.rows < 0 ? g.m : g.rows;
                g.columns = g.columns < 0 ? g.n : g.columns;
                check_gemm(&g, count++ % 7 < 3);
            }
}

// ---- other CPUs ------------------------------------------------------------

// oneDNN reads this before its first kernel, so each gets a process.
static void older_instructions_will_do(void) {
    static const char *const sets[] = {"SSE41", "AVX2", "AVX512_CORE"};
    char *all[] = {"test_nn_dnn", NULL, NULL};
    static char *const names[] = {
        "conv_is_right_with_channels_last", "conv_of_odd_sizes_is_right",
        "transposed_conv_is_right", "matmul_is_right_in_any_number_of_parts"};
    for (size_t i = 0; i < TEST_COUNT(sets); i++)
        for (size_t j = 0; j < TEST_COUNT(names); j++) {
            CHECK_EQ(setenv("ONEDNN_MAX_CPU_ISA", sets[i], 1), 0);
            all[1] = names[j];
            pid_t child;
            int status;
            CHECK_EQ(
                posix_spawn(&child, "/proc/self/exe", NULL, NULL, all, environ),
                0);
            CHECK_EQ(waitpid(child, &status, 0), child);
            if (status != 0)
                CHECK_FAIL("%s: %s", sets[i], names[j]);
        }
}

static const test_case cases[] = {
    {"conv_is_right_with_channels_last", conv_is_right_with_channels_last},
    {"conv_is_right_with_channels_first", conv_is_right_with_channels_first},
    {"conv_of_odd_sizes_is_right", conv_of_odd_sizes_is_right},
    {"conv_has_one_dimension_too", conv_has_one_dimension_too},
    {"transposed_conv_is_right", transposed_conv_is_right},
    {"transposed_conv_works_out_its_pads", transposed_conv_works_out_its_pads},
    {"weights_need_not_be_constant", weights_need_not_be_constant},
    {"matmul_broadcasts_as_numpy", matmul_broadcasts_as_numpy},
    {"matmul_is_right_in_any_number_of_parts",
     matmul_is_right_in_any_number_of_parts},
    {"gemm_scales_turns_and_adds", gemm_scales_turns_and_adds},
    {"older_instructions_will_do", older_instructions_will_do},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
