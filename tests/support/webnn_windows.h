// SPDX-License-Identifier: MIT
// WebNN's operators with windows and products, as calls of ONNX's.
#ifndef TEST_WEBNN_WINDOWS_H
#define TEST_WEBNN_WINDOWS_H

#include "support/webnn.h"

enum { OPSET = 21 };

// ---- calls on a scene ------------------------------------------------------

// Runs the call; the results become the caller's. false: s->lacking says why.
static inline bool finish(scene *s, call *c, tensor *out) {
    int status = call_infer(c);
    if (status < 0) {
        snprintf(s->text, sizeof s->text, "%.79s", c->why.text);
        s->lacking = s->text;
        c->outputs = 0;
        call_end(c);
        return false;
    }
    call_run(c);
    for (int i = 0; i < c->outputs; i++) {
        out[i] = c->out[i];
        c->out[i].data = NULL;
    }
    call_end(c);
    return true;
}

static inline tensor transpose(const tensor *x, const int64_t *perm) {
    scene s = {0};
    tensor out;
    call c = call_begin(OPSET, "Transpose");
    call_in(&c, x);
    if (perm != NULL)
        call_ints(&c, "perm", x->shape.rank, perm);
    CHECK(finish(&s, &c, &out));
    return out;
}

static const int64_t to_nchw[4] = {0, 3, 1, 2}, to_nhwc[4] = {0, 2, 3, 1};

// ---- windows ---------------------------------------------------------------

// [top, bottom, left, right] to ONNX's [top, left, bottom, right].
static inline void window_options(const json_t *op, call *c) {
    int64_t p[4], list[2];
    if (list_of(op, "padding", p) == 4)
        call_ints(c, "pads", 4, (int64_t[]){p[0], p[2], p[1], p[3]});
    if (list_of(op, "strides", list) == 2)
        call_ints(c, "strides", 2, list);
    if (list_of(op, "dilations", list) == 2)
        call_ints(c, "dilations", 2, list);
}

static inline bool run_pool(scene *s, const json_t *op, const char *onnx,
                            tensor *out) {
    const tensor *x = scene_find(s, text_of(op, "input", ""));
    bool nhwc = strcmp(text_of(op, "layout", "nchw"), "nhwc") == 0;
    int64_t window[2] = {x->shape.dim[nhwc ? 1 : 2],
                         x->shape.dim[nhwc ? 2 : 3]};
    int64_t sizes[2];
    list_of(op, "windowDimensions", window);
    bool up = strcmp(text_of(op, "roundingType", "floor"), "ceil") == 0;
    for (int attempt = 0; attempt < 2; attempt++) {
        call c = call_begin(OPSET, onnx);
        call_in(&c, x);
        call_ints(&c, "kernel_shape", 2, window);
        window_options(op, &c);
        call_int(&c, "ceil_mode", up);
        call_int(&c, "weir_nhwc", nhwc);
        if (!finish(s, &c, out))
            return false;
        // outputSizes overrides the rounding.
        if (list_of(op, "outputSizes", sizes) < 0 ||
            (out->shape.dim[nhwc ? 1 : 2] == sizes[0] &&
             out->shape.dim[nhwc ? 2 : 3] == sizes[1]))
            return true;
        tensor_free(out);
        up = !up;
    }
    s->lacking = "outputSizes is neither rounding's";
    return false;
}

static inline tensor filter_of(scene *s, const json_t *op, const char *wanted,
                               const char *missing) {
    const tensor *filter = scene_find(s, text_of(op, "filter", ""));
    const char *has = text_of(op, "filterLayout", missing);
    int64_t perm[4];
    for (int i = 0; i < 4; i++)
        perm[i] = strchr(has, wanted[i]) - has;
    return transpose(filter, perm);
}

static inline bool run_conv(scene *s, const json_t *op, bool turned,
                            tensor *out) {
    const tensor *x = scene_find(s, text_of(op, "input", ""));
    bool nhwc = strcmp(text_of(op, "inputLayout", "nchw"), "nhwc") == 0;
    tensor input = nhwc ? transpose(x, to_nchw) : *x, made;
    tensor filter =
        filter_of(s, op, turned ? "iohw" : "oihw", turned ? "iohw" : "oihw");
    call c = call_begin(OPSET, turned ? "ConvTranspose" : "Conv");
    call_in(&c, &input);
    call_const(&c, &filter);
    const tensor *bias = scene_find(s, text_of(op, "bias", NULL));
    if (bias != NULL)
        call_in(&c, bias);
    window_options(op, &c);
    call_int(&c, "group", (int64_t)number_of(op, "groups", 1));
    int64_t list[2], want[2];
    if (list_of(op, "outputPadding", list) == 2)
        call_ints(&c, "output_padding", 2, list);
    // ONNX's output_shape chooses the padding; WebNN's outputSizes the output
    // padding, for which there is room below the stride.
    if (turned && list_of(op, "outputSizes", want) == 2) {
        int64_t stride[2] = {1, 1}, dilation[2] = {1, 1}, p[4] = {0};
        list_of(op, "strides", stride);
        list_of(op, "dilations", dilation);
        list_of(op, "padding", p);
        for (int i = 0; i < 2; i++)
            list[i] = want[i] - ((input.shape.dim[2 + i] - 1) * stride[i] +
                                 (filter.shape.dim[2 + i] - 1) * dilation[i] +
                                 1 - p[2 * i] - p[2 * i + 1]);
        call_ints(&c, "output_padding", 2, list);
    }
    bool done = finish(s, &c, &made);
    if (done) {
        *out = nhwc ? transpose(&made, to_nhwc) : made;
        if (nhwc)
            tensor_free(&made);
    }
    if (nhwc)
        tensor_free(&input);
    tensor_free(&filter);
    return done;
}

static inline bool run_gemm(scene *s, const json_t *op, tensor *out) {
    call c = call_begin(OPSET, "Gemm");
    call_in(&c, scene_find(s, text_of(op, "a", "")));
    call_in(&c, scene_find(s, text_of(op, "b", "")));
    const tensor *third = scene_find(s, text_of(op, "c", NULL));
    if (third != NULL)
        call_in(&c, third);
    call_float(&c, "alpha", (float)number_of(op, "alpha", 1));
    call_float(&c, "beta", (float)number_of(op, "beta", 1));
    call_int(&c, "transA", truth_of(op, "aTranspose", false));
    call_int(&c, "transB", truth_of(op, "bTranspose", false));
    return finish(s, &c, out);
}

#endif // TEST_WEBNN_WINDOWS_H
