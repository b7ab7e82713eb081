// SPDX-License-Identifier: MIT
// Operators that fold: reductions, normalisations, windows. Beside plain loops
// in double precision; call_run wants the same bits in any number of parts.
#include "base/random.h"
#include "support/nn_ops.h"

static uint64_t seed = 23;

static int64_t below(int64_t bound) {
    return (int64_t)wr_random_below(&seed, (uint32_t)bound);
}

static tensor finish(call *c) {
    if (call_infer(c) != 0)
        CHECK_FAIL("%s", c->why.text);
    call_run(c);
    tensor out = c->out[0];
    c->out[0].data = NULL;
    call_end(c);
    return out;
}

static float at(const tensor *t, size_t i) { return ((float *)t->data)[i]; }

static void near(float actual, double expected, double tolerance,
                 const char *what) {
    // Sums of both signs and logarithms near 0 have an absolute error.
    if (!(fabs((double)actual - expected) <= tolerance * (1 + fabs(expected))))
        CHECK_FAIL("%s: %.9g, not %.9g", what, (double)actual, expected);
}

// ---- reductions ------------------------------------------------------------

static const char *const names[] = {
    "ReduceSum",    "ReduceMean",      "ReduceMax", "ReduceMin",
    "ReduceProd",   "ReduceSumSquare", "ReduceL1",  "ReduceL2",
    "ReduceLogSum", "ReduceLogSumExp"};

enum { SUM, MEAN, MAX, MIN, PROD, SQUARES, L1, L2, LOG_SUM, LOG_SUM_EXP };

static double begin_fold(int kind) {
    return kind == MAX ? -INFINITY : kind == MIN ? INFINITY : kind == PROD;
}

static double fold(int kind, double so_far, double x) {
    switch (kind) {
    case MAX: return so_far > x ? so_far : x;
    case MIN: return so_far < x ? so_far : x;
    case PROD: return so_far * x;
    case SQUARES:
    case L2: return so_far + x * x;
    case L1: return so_far + fabs(x);
    case LOG_SUM_EXP: return so_far + exp(x);
    default: return so_far + x;
    }
}

static double end_fold(int kind, double x, double count) {
    return kind == MEAN                             ? x / count
           : kind == L2                             ? sqrt(x)
           : kind == LOG_SUM || kind == LOG_SUM_EXP ? log(x)
                                                    : x;
}

// Plain loops over a tensor of rank 4 at most.
static void plain_reduce(const tensor *x, int kind, unsigned set, double *out) {
    size_t results = 1, count = 1;
    for (int i = 0; i < x->shape.rank; i++)
        *((set >> i & 1) != 0 ? &count : &results) *= (size_t)x->shape.dim[i];
    for (size_t i = 0; i < results; i++)
        out[i] = begin_fold(kind);
    for (size_t i = 0; i < wr_nn_elements(&x->shape); i++) {
        size_t rest = i, to = 0, step = 1;
        for (int d = x->shape.rank - 1; d >= 0; d--) {
            size_t index = rest % (size_t)x->shape.dim[d];
            rest /= (size_t)x->shape.dim[d];
            if ((set >> d & 1) != 0)
                continue;
            to += index * step;
            step *= (size_t)x->shape.dim[d];
        }
        out[to] = fold(kind, out[to], (double)at(x, i));
    }
    for (size_t i = 0; i < results; i++)
        out[i] = end_fold(kind, out[i], (double)count);
}

static void reductions_are_right_over_any_axes(void) {
    static const int64_t shapes[][4] = {
        {2, 3, 4, 5}, {3, 40, 2, 70}, {1, 5, 1, 300}, {2, 2, 33, 17}};
    static double expected[4 * 40 * 70 * 4];
    for (int s = 0; s < 4; s++)
        for (unsigned set = 1; set < 16; set++)
            for (int kind = 0; kind < 10; kind++) {
                tensor x = some_floats(4, shapes[s]);
                for (size_t i = 0; i < wr_nn_elements(&x.shape); i++)
                    if (kind == PROD || kind == LOG_SUM)
                        ((float *)x.data)[i] =
                            1 + fabsf(at(&x, i)) * (kind == PROD ? 1e-4f : 1);
                int64_t axes[4], count = 0;
                for (int i = 0; i < 4; i++)
                    if ((set >> i & 1) != 0)
                        axes[count++] = below(2) == 0 ? i : i - 4;
                tensor list = longs(count, axes);
                call c = call_begin(18, names[kind]);
                call_in(&c, &x);
                call_const(&c, &list);
                call_int(&c, "keepdims", below(2));
                tensor out = finish(&c);
                plain_reduce(&x, kind, set, expected);
                for (size_t i = 0; i < wr_nn_elements(&out.shape); i++)
                    near(at(&out, i), expected[i],
                         kind == SUM || kind == PROD ? 5e-5 : 2e-6,
                         names[kind]);
                tensor_free(&out);
                tensor_free(&x);
                tensor_free(&list);
            }
}

// One by one, a float would stop growing at 2^24.
static void long_sums_stay_exact(void) {
    enum { COUNT = 20000000 };
    tensor x = tensor_of(WR_NN_F32, DIMS(COUNT));
    for (size_t i = 0; i < COUNT; i++)
        ((float *)x.data)[i] = 1;
    call c = call_begin(11, "ReduceSum");
    call_in(&c, &x);
    tensor out = finish(&c);
    CHECK(at(&out, 0) == (float)COUNT);
    tensor_free(&out);
    // The other way round: rows of two.
    x.shape = (wr_nn_shape){WR_NN_F32, 2, {COUNT / 2, 2}};
    call d = call_begin(11, "ReduceSum");
    call_in(&d, &x);
    call_ints(&d, "axes", 1, (int64_t[]){0});
    out = finish(&d);
    CHECK(at(&out, 1) == (float)(COUNT / 2));
    tensor_free(&out);
    tensor_free(&x);
}

static void an_empty_list_of_axes_is_all_or_nothing(void) {
    tensor x = floats(DIMS(2, 2), (float[]){1, -2, 3, -4});
    tensor none = longs(0, NULL);
    for (int64_t nothing = 0; nothing < 2; nothing++) {
        call c = call_begin(13, "ReduceSum");
        call_in(&c, &x);
        call_const(&c, &none);
        call_int(&c, "noop_with_empty_axes", nothing);
        tensor out = finish(&c);
        CHECK_EQ(wr_nn_elements(&out.shape), nothing ? 4 : 1);
        CHECK(at(&out, 0) == (nothing ? 1.0f : -2.0f));
        tensor_free(&out);
    }
    tensor_free(&x);
    tensor_free(&none);
}

static void integers_are_reduced_too(void) {
    tensor x = LONGS(3, -4, 5);
    static const int64_t wanted[] = {4, 1, 5, -4, -60, 50, 12};
    for (int kind = 0; kind <= L1; kind++) {
        call c = call_begin(11, names[kind]);
        call_in(&c, &x);
        tensor out = finish(&c);
        CHECK_EQ(*(int64_t *)out.data, wanted[kind]);
        tensor_free(&out);
    }
    tensor_free(&x);
}

static void searches_find_the_first_or_last(void) {
    tensor x = floats(DIMS(2, 4), (float[]){3, 9, 9, 1, 1, NAN, 5, NAN});
    static const struct {
        const char *op;
        int64_t last, out[2];
    } wanted[] = {{"ArgMax", 0, {1, 1}},
                  {"ArgMax", 1, {2, 3}},
                  {"ArgMin", 0, {3, 1}},
                  {"ArgMin", 1, {3, 3}}};
    for (int i = 0; i < 4; i++) {
        call c = call_begin(13, wanted[i].op);
        call_in(&c, &x);
        call_int(&c, "axis", -1);
        call_int(&c, "keepdims", 0);
        call_int(&c, "select_last_index", wanted[i].last);
        tensor out = finish(&c);
        CHECK(memcmp(out.data, wanted[i].out, sizeof wanted[i].out) == 0);
        tensor_free(&out);
    }
    tensor_free(&x);
}

// ---- softmax ---------------------------------------------------------------

// Rows of `dim` elements `inner` apart.
static void check_softmax(const tensor *x, const tensor *y, size_t dim,
                          size_t inner, bool logarithm) {
    size_t outer = wr_nn_elements(&x->shape) / dim / inner;
    for (size_t row = 0; row < outer * inner; row++) {
        size_t base = row / inner * dim * inner + row % inner;
        double sum = 0, largest = -INFINITY;
        for (size_t i = 0; i < dim; i++)
            largest = fmax(largest, (double)at(x, base + i * inner));
        for (size_t i = 0; i < dim; i++)
            sum += exp((double)at(x, base + i * inner) - largest);
        for (size_t i = 0; i < dim; i++) {
            double value = (double)at(x, base + i * inner) - largest;
            near(at(y, base + i * inner),
                 logarithm ? value - log(sum) : exp(value) / sum, 4e-6,
                 "softmax");
        }
    }
}

static void softmax_has_one_axis_or_all_from_it_on(void) {
    tensor x = some_floats(DIMS(3, 50, 7, 11));
    static const struct {
        int opset;
        int64_t axis;
        size_t dim, inner;
    } wanted[] = {{9, 1, 50 * 7 * 11, 1}, {9, 2, 77, 1},   {9, -1, 11, 1},
                  {13, 1, 50, 77},        {13, -1, 11, 1}, {13, 0, 3, 3850}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        for (int logarithm = 0; logarithm < 2; logarithm++) {
            call c = call_begin(wanted[i].opset,
                                logarithm ? "LogSoftmax" : "Softmax");
            call_in(&c, &x);
            call_int(&c, "axis", wanted[i].axis);
            tensor out = finish(&c);
            check_softmax(&x, &out, wanted[i].dim, wanted[i].inner, logarithm);
            tensor_free(&out);
        }
    // The default: 1, and all from it on, or the last.
    for (int opset = 9; opset <= 13; opset += 4) {
        call c = call_begin(opset, "Softmax");
        call_in(&c, &x);
        tensor out = finish(&c);
        check_softmax(&x, &out, opset == 9 ? 50 * 77 : 11, 1, false);
        tensor_free(&out);
    }
    tensor_free(&x);
}

static void softmax_of_large_numbers_does_not_overflow(void) {
    tensor x = floats(DIMS(1, 3), (float[]){3e38f, 3e38f, -3e38f});
    call c = call_begin(13, "Softmax");
    call_in(&c, &x);
    tensor out = finish(&c);
    CHECK(at(&out, 0) == 0.5f && at(&out, 2) == 0);
    tensor_free(&out);
    tensor_free(&x);
}

// ---- windows ---------------------------------------------------------------

typedef struct window {
    int64_t kernel[2], stride[2], dilation[2], pads[4];
    int64_t up, include;
} window;

// The plain result for output (y, x) of a plane of h by w.
static double plain_window(const float *plane, int64_t h, int64_t w,
                           const window *win, int64_t y, int64_t x, bool max) {
    double sum = 0, most = -INFINITY;
    int64_t count = 0;
    for (int64_t i = 0; i < win->kernel[0]; i++)
        for (int64_t j = 0; j < win->kernel[1]; j++) {
            int64_t r =
                y * win->stride[0] + i * win->dilation[0] - win->pads[0];
            int64_t c =
                x * win->stride[1] + j * win->dilation[1] - win->pads[1];
            bool inside = r >= 0 && r < h && c >= 0 && c < w;
            bool padded = r < h + win->pads[2] && c < w + win->pads[3];
            count += win->include ? padded : inside;
            if (inside) {
                sum += (double)plane[r * w + c];
                most = fmax(most, (double)plane[r * w + c]);
            }
        }
    return max ? most : count == 0 ? 0 : sum / (double)count;
}

static void pool_attrs(call *c, const window *win, bool max, bool nhwc) {
    call_ints(c, "kernel_shape", 2, win->kernel);
    call_ints(c, "strides", 2, win->stride);
    call_ints(c, "pads", 4, win->pads);
    call_ints(c, "dilations", 2, win->dilation);
    call_int(c, "ceil_mode", win->up);
    if (!max)
        call_int(c, "count_include_pad", win->include);
    call_int(c, "weir_nhwc", nhwc);
}

static window random_window(void) {
    window win;
    for (int i = 0; i < 2; i++) {
        win.kernel[i] = 1 + below(4);
        win.stride[i] = 1 + below(3);
        win.dilation[i] = 1 + below(2);
        win.pads[i] = below(win.kernel[i]);
        win.pads[i + 2] = below(win.kernel[i]);
    }
    win.up = below(2);
    win.include = below(2);
    return win;
}

static void windows_are_right_in_both_orders(void) {
    for (int round = 0; round < 300; round++) {
        window win = random_window();
        bool max = below(2) == 0;
        int64_t n = 1 + below(2), ch = 1 + below(40), h = 7 + below(9),
                w = 7 + below(20);
        tensor x = some_floats(DIMS(n, ch, h, w));
        call c = call_begin(19, max ? "MaxPool" : "AveragePool");
        call_in(&c, &x);
        pool_attrs(&c, &win, max, false);
        tensor y = finish(&c);
        int64_t oh = y.shape.dim[2], ow = y.shape.dim[3];
        for (int64_t i = 0; i < n * ch * oh * ow; i++) {
            const float *plane = (float *)x.data + i / (oh * ow) * h * w;
            near(at(&y, (size_t)i),
                 plain_window(plane, h, w, &win, i / ow % oh, i % ow, max),
                 4e-6, "window");
        }
        // The same, channels last.
        int64_t to_nhwc[] = {0, 2, 3, 1}, to_nchw[] = {0, 3, 1, 2};
        call t = call_begin(19, "Transpose");
        call_in(&t, &x);
        call_ints(&t, "perm", 4, to_nhwc);
        tensor turned = finish(&t);
        call d = call_begin(19, max ? "MaxPool" : "AveragePool");
        call_in(&d, &turned);
        pool_attrs(&d, &win, max, true);
        tensor last = finish(&d);
        call b = call_begin(19, "Transpose");
        call_in(&b, &last);
        call_ints(&b, "perm", 4, to_nchw);
        tensor back = finish(&b);
        CHECK(wr_nn_same_shape(&back.shape, &y.shape));
        CHECK(memcmp(back.data, y.data, wr_nn_bytes(&y.shape)) == 0);
        tensor *all[] = {&x, &y, &turned, &last, &back};
        for (int i = 0; i < 5; i++)
            tensor_free(all[i]);
    }
}

static void whole_planes_are_right_in_both_orders(void) {
    static const char *const ops[] = {"GlobalAveragePool", "GlobalMaxPool"};
    for (int kind = 0; kind < 2; kind++)
        for (int nhwc = 0; nhwc < 2; nhwc++) {
            tensor x = nhwc ? some_floats(DIMS(2, 13, 17, 300))
                            : some_floats(DIMS(2, 300, 13, 17));
            call c = call_begin(13, ops[kind]);
            call_in(&c, &x);
            call_int(&c, "weir_nhwc", nhwc);
            tensor y = finish(&c);
            CHECK_EQ(y.shape.dim[nhwc ? 3 : 1], 300);
            for (size_t i = 0; i < 600; i++) {
                double sum = 0, most = -INFINITY;
                for (size_t k = 0; k < 221; k++) {
                    size_t from = nhwc ? i / 300 * 221 * 300 + k * 300 + i % 300
                                       : i * 221 + k;
                    sum += (double)at(&x, from);
                    most = fmax(most, (double)at(&x, from));
                }
                near(at(&y, i), kind == 0 ? sum / 221 : most, 1e-4, ops[kind]);
            }
            tensor_free(&x);
            tensor_free(&y);
        }
}

static void padding_is_chosen_as_the_model_says(void) {
    static const struct {
        const char *mode;
        int64_t in, kernel, stride, out;
        float first; // of a maximum over 1, 2, 3, ...
    } wanted[] = {{"SAME_UPPER", 5, 2, 2, 3, 2}, {"SAME_LOWER", 5, 2, 2, 3, 1},
                  {"SAME_UPPER", 6, 3, 1, 6, 2}, {"SAME_LOWER", 6, 3, 2, 3, 2},
                  {"SAME_UPPER", 6, 4, 1, 6, 3}, {"SAME_LOWER", 6, 4, 1, 6, 2},
                  {"VALID", 7, 3, 2, 3, 3},      {"NOTSET", 7, 3, 2, 3, 3}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        tensor x = tensor_of(WR_NN_F32, DIMS(1, 1, wanted[i].in));
        for (int64_t k = 0; k < wanted[i].in; k++)
            ((float *)x.data)[k] = (float)(k + 1);
        call c = call_begin(12, "MaxPool");
        call_in(&c, &x);
        call_ints(&c, "kernel_shape", 1, &wanted[i].kernel);
        call_ints(&c, "strides", 1, &wanted[i].stride);
        call_text(&c, "auto_pad", wanted[i].mode);
        tensor y = finish(&c);
        CHECK_EQ(y.shape.dim[2], wanted[i].out);
        CHECK(at(&y, 0) == wanted[i].first);
        tensor_free(&x);
        tensor_free(&y);
    }
}

static void maxima_have_indices(void) {
    tensor x =
        floats(DIMS(1, 2, 2, 3), (float[]){1, 5, 2, 7, 3, 4, 9, 9, 0, 9, 8, 6});
    for (int64_t order = 0; order < 2; order++) {
        call c = call_begin(12, "MaxPool");
        c.outputs = 2;
        call_in(&c, &x);
        call_ints(&c, "kernel_shape", 2, (int64_t[]){2, 2});
        call_int(&c, "storage_order", order);
        CHECK_EQ(call_infer(&c), 0);
        call_run(&c);
        static const int64_t wanted[2][4] = {{3, 1, 6, 7}, {1, 2, 6, 8}};
        CHECK_EQ(c.out[1].shape.type, WR_NN_I64);
        CHECK(memcmp(c.out[1].data, wanted[order], sizeof wanted[0]) == 0);
        CHECK(((float *)c.out[0].data)[0] == 7);
        call_end(&c);
    }
    tensor_free(&x);
}

// ---- normalisations --------------------------------------------------------

static void layers_are_normalised_with_any_weights(void) {
    tensor x = some_floats(DIMS(6, 5, 1500));
    tensor row = some_floats(DIMS(1500)), one = some_floats(DIMS(1));
    tensor middle = some_floats(DIMS(5, 1));
    const tensor *weights[] = {&row, &one, &middle};
    for (int64_t axis = 1; axis < 3; axis++)
        for (int k = 0; k < (axis == 1 ? 3 : 2); k++) {
            call c = call_begin(17, "LayerNormalization");
            c.outputs = 3;
            call_in(&c, &x);
            call_in(&c, weights[k]);
            call_in(&c, &row);
            call_int(&c, "axis", axis);
            CHECK_EQ(call_infer(&c), 0);
            call_run(&c);
            size_t inner = axis == 1 ? 7500 : 1500;
            for (size_t r = 0; r < 45000 / inner; r++) {
                double mean = 0, var = 0;
                for (size_t i = 0; i < inner; i++)
                    mean += (double)at(&x, r * inner + i) / (double)inner;
                for (size_t i = 0; i < inner; i++)
                    var += pow((double)at(&x, r * inner + i) - mean, 2) /
                           (double)inner;
                double by = 1 / sqrt(var + 1e-5);
                near(at(&c.out[1], r), mean, 1e-2, "mean");
                near(at(&c.out[2], r), by, 1e-5, "factor");
                for (size_t i = 0; i < inner; i += 7) {
                    float w = k == 0   ? at(&row, i % 1500)
                              : k == 1 ? at(&one, 0)
                                       : at(&middle, i / 1500);
                    double want = ((double)at(&x, r * inner + i) - mean) * by *
                                      (double)w +
                                  (double)at(&row, i % 1500);
                    CHECK(fabs((double)at(&c.out[0], r * inner + i) - want) <
                          1e-4);
                }
            }
            call_end(&c);
        }
    tensor *all[] = {&x, &row, &one, &middle};
    for (int i = 0; i < 4; i++)
        tensor_free(all[i]);
}

static void batches_are_normalised_by_given_numbers(void) {
    for (int64_t plane = 1; plane < 2000; plane = plane * 40 + 3) {
        tensor x = some_floats(DIMS(2, 37, plane)), given[4];
        call c = call_begin(15, "BatchNormalization");
        call_in(&c, &x);
        for (int i = 0; i < 4; i++) {
            given[i] = some_floats(DIMS(37));
            for (size_t k = 0; i == 3 && k < 37; k++)
                ((float *)given[i].data)[k] = fabsf(at(&given[i], k)) + 0.1f;
            call_in(&c, &given[i]);
        }
        call_float(&c, "epsilon", 0.01f);
        tensor y = finish(&c);
        for (size_t i = 0; i < wr_nn_elements(&y.shape); i++) {
            size_t k = i / (size_t)plane % 37;
            double want = ((double)at(&x, i) - (double)at(&given[2], k)) /
                              sqrt((double)at(&given[3], k) + 0.01) *
                              (double)at(&given[0], k) +
                          (double)at(&given[1], k);
            CHECK(fabs((double)at(&y, i) - want) < 1e-5 * (1 + fabs(want)));
        }
        tensor_free(&x);
        tensor_free(&y);
        for (int i = 0; i < 4; i++)
            tensor_free(&given[i]);
    }
}

static const test_case cases[] = {
    {"reductions_are_right_over_any_axes", reductions_are_right_over_any_axes},
    {"long_sums_stay_exact", long_sums_stay_exact},
    {"an_empty_list_of_axes_is_all_or_nothing",
     an_empty_list_of_axes_is_all_or_nothing},
    {"integers_are_reduced_too", integers_are_reduced_too},
    {"searches_find_the_first_or_last", searches_find_the_first_or_last},
    {"softmax_has_one_axis_or_all_from_it_on",
     softmax_has_one_axis_or_all_from_it_on},
    {"softmax_of_large_numbers_does_not_overflow",
     softmax_of_large_numbers_does_not_overflow},
    {"windows_are_right_in_both_orders", windows_are_right_in_both_orders},
    {"whole_planes_are_right_in_both_orders",
     whole_planes_are_right_in_both_orders},
    {"padding_is_chosen_as_the_model_says",
     padding_is_chosen_as_the_model_says},
    {"maxima_have_indices", maxima_have_indices},
    {"layers_are_normalised_with_any_weights",
     layers_are_normalised_with_any_weights},
    {"batches_are_normalised_by_given_numbers",
     batches_are_normalised_by_given_numbers},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
