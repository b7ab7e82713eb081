// SPDX-License-Identifier: MIT
// Writes ONNX models for bench/ and for the demo where there is no network.
//
//   bench_genmodel conv FILE [LAYERS [CHANNELS]]
//       x [N,3,H,W] -> LAYERS times a 3x3 convolution with CHANNELS channels,
//       a bias and a Relu, every second with a shortcut around it -> mean over
//       the picture -> 10 classes -> Softmax: y [N,10]
//   bench_genmodel small FILE
//       x [N,64] -> two layers of 64 -> y [N,64]
#include "support/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float *noise(size_t count, double scale) {
    float *out = malloc(count * sizeof(*out));
    if (out == NULL)
        exit(1);
    static uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        out[i] = (float)((double)(int32_t)(state >> 32) / 2147483648.0 * scale);
    }
    return out;
}

static void weights(onnx_model *m, const char *name, int64_t a, int64_t b,
                    int64_t side) {
    size_t count = (size_t)(a * b * side * side);
    // Keeps the size of what flows through about the same.
    float *data = noise(count, sqrt(6.0 / (double)(b * side * side)));
    if (side > 1)
        onnx_initializer(m, name, ONNX_FLOAT, ONNX_DIMS(a, b, side, side),
                         data);
    else
        onnx_initializer(m, name, ONNX_FLOAT, ONNX_DIMS(a, b), data);
    free(data);
}

static void bias(onnx_model *m, const char *name, int64_t count) {
    float *data = noise((size_t)count, 0.1);
    onnx_initializer(m, name, ONNX_FLOAT, ONNX_DIMS(count), data);
    free(data);
}

static void conv(onnx_model *m, int layers, int64_t channels) {
    onnx_input(m, "x", ONNX_FLOAT, ONNX_DIMS(-1, 3, -1, -1));
    char from[32] = "x", w[32], b[32], raw[32], out[32], args[128];
    for (int i = 0; i < layers; i++) {
        snprintf(w, sizeof(w), "w%d", i);
        snprintf(b, sizeof(b), "b%d", i);
        snprintf(raw, sizeof(raw), "c%d", i);
        snprintf(out, sizeof(out), "r%d", i);
        weights(m, w, channels, i == 0 ? 3 : channels, 3);
        bias(m, b, channels);
        snprintf(args, sizeof(args), "%s %s %s", from, w, b);
        onnx_node(m, "Conv", "", args, raw);
        onnx_attr_ints(m, "pads", 4, (const int64_t[]){1, 1, 1, 1});
        if (i % 2 == 1) {
            char sum[32];
            snprintf(sum, sizeof(sum), "s%d", i);
            snprintf(args, sizeof(args), "%s %s", raw, from);
            onnx_node(m, "Add", "", args, sum);
            onnx_node(m, "Relu", "", sum, out);
        } else {
            onnx_node(m, "Relu", "", raw, out);
        }
        memcpy(from, out, sizeof(from));
    }
    onnx_node(m, "GlobalAveragePool", "", from, "mean");
    onnx_node(m, "Flatten", "", "mean", "flat");
    weights(m, "wy", 10, channels, 1);
    onnx_node(m, "Gemm", "", "flat wy", "classes");
    onnx_attr_int(m, "transB", 1);
    onnx_node(m, "Softmax", "", "classes", "y");
    onnx_output(m, "y", ONNX_FLOAT, ONNX_DIMS(-1, 10));
}

static void small(onnx_model *m) {
    onnx_input(m, "x", ONNX_FLOAT, ONNX_DIMS(-1, 64));
    weights(m, "w0", 64, 64, 1);
    weights(m, "w1", 64, 64, 1);
    onnx_node(m, "MatMul", "", "x w0", "h");
    onnx_node(m, "Relu", "", "h", "r");
    onnx_node(m, "MatMul", "", "r w1", "y");
    onnx_output(m, "y", ONNX_FLOAT, ONNX_DIMS(-1, 64));
}

int main(int argc, char **argv) {
    int layers = argc > 3 ? atoi(argv[3]) : 8;
    int channels = argc > 4 ? atoi(argv[4]) : 32;
    bool is_conv = argc >= 3 && strcmp(argv[1], "conv") == 0;
    if (layers < 1 || channels < 1 ||
        (!is_conv && (argc != 3 || strcmp(argv[1], "small") != 0))) {
        fputs("see the top of bench/genmodel.c\n", stderr);
        return 2;
    }
    onnx_model m = onnx_begin(13);
    if (is_conv)
        conv(&m, layers, channels);
    else
        small(&m);
    onnx_bytes out = onnx_end(&m);
    FILE *file = fopen(argv[2], "wb");
    bool good = file != NULL && fwrite(out.data, 1, out.size, file) == out.size;
    good = file != NULL && fclose(file) == 0 && good;
    if (!good)
        perror(argv[2]);
    free(out.data);
    return good ? 0 : 1;
}
