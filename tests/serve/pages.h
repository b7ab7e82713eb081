// SPDX-License-Identifier: MIT
// Pages that are easy to read, and models that read them. Their letters are
// bars: "a" is ink in the upper half of a line, "b" in the lower, and a line
// stands on its head if more of it is low than high.
#ifndef TEST_SERVE_PAGES_H
#define TEST_SERVE_PAGES_H

#include "support/check.h"
#include "support/onnx.h"

#include <png.h>
#include <stdio.h>

// ---- the models ------------------------------------------------------------

enum { CLASSES = 4, HIGH = 48, STEP = 16, ENDS = 192 };

// Adds weights that give, for each of `classes`, sign * factor * (the mean of
// the lower half - that of the upper half) of what the kernel sees.
static inline void add_halves(onnx_model *m, int classes, int width,
                              float factor, const float *sign) {
    size_t one = (size_t)3 * HIGH * (size_t)width;
    float *weights = malloc((size_t)classes * one * sizeof(*weights));
    CHECK(weights != NULL);
    for (size_t i = 0; i < (size_t)classes * one; i++) {
        bool upper = i / (size_t)width % HIGH < HIGH / 2;
        weights[i] =
            sign[i / one] * factor * (upper ? -2.0f : 2.0f) / (float)one;
    }
    onnx_initializer(m, "w", ONNX_FLOAT, ONNX_DIMS(classes, 3, HIGH, width),
                     weights);
    free(weights);
}

// The recogniser: x[N,3,48,W] -> y[N,W/16,4]: none, a, b, and never a space.
// slow: x goes through so many products first, and is 320 wide.
static inline onnx_bytes model_bars(int slow) {
    static const float sign[CLASSES] = {0, 1, -1, 0};
    static const float bias[CLASSES] = {7, 0, 0, -100};
    static const int64_t second[] = {2};
    enum { WIDE = 320 };
    static float unit[WIDE * WIDE];
    char from[16] = "x", to[16], inputs[32];
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT,
               ONNX_DIMS(-1, 3, HIGH, slow > 0 ? WIDE : -1));
    add_halves(&m, CLASSES, STEP, 10, sign);
    onnx_initializer(&m, "bias", ONNX_FLOAT, ONNX_DIMS(CLASSES), bias);
    onnx_initializer(&m, "second", ONNX_INT64, ONNX_DIMS(1), second);
    for (int i = 0; i < WIDE; i++)
        unit[i * WIDE + i] = 1;
    if (slow > 0)
        onnx_initializer(&m, "unit", ONNX_FLOAT, ONNX_DIMS(WIDE, WIDE), unit);
    for (int i = 0; i < slow; i++) {
        snprintf(inputs, sizeof(inputs), "%s unit", from);
        snprintf(to, sizeof(to), "v%d", i);
        onnx_node(&m, "MatMul", to, inputs, to);
        memcpy(from, to, sizeof(to));
    }
    snprintf(inputs, sizeof(inputs), "%s w bias", from);
    onnx_node(&m, "Conv", "look", inputs, "seen");
    onnx_attr_ints(&m, "kernel_shape", ONNX_DIMS(HIGH, STEP));
    onnx_attr_ints(&m, "strides", ONNX_DIMS(HIGH, STEP));
    onnx_node(&m, "Squeeze", "flat", "seen second", "rows");
    onnx_node(&m, "Transpose", "turn", "rows", "steps");
    onnx_attr_ints(&m, "perm", ONNX_DIMS(0, 2, 1));
    onnx_node(&m, "Softmax", "likely", "steps", "y");
    onnx_attr_int(&m, "axis", 2);
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, -1, CLASSES));
    return onnx_end(&m);
}

// The direction: x[N,3,48,192] -> y[N,2], on its feet or on its head.
static inline onnx_bytes model_ends(void) {
    static const float sign[] = {1, -1};
    onnx_model m = onnx_begin(13);
    onnx_input(&m, "x", ONNX_FLOAT, ONNX_DIMS(-1, 3, HIGH, ENDS));
    add_halves(&m, 2, ENDS, 40, sign);
    onnx_node(&m, "Conv", "look", "x w", "seen");
    onnx_attr_ints(&m, "kernel_shape", ONNX_DIMS(HIGH, ENDS));
    onnx_node(&m, "Flatten", "flat", "seen", "pair");
    onnx_node(&m, "Softmax", "likely", "pair", "y");
    onnx_attr_int(&m, "axis", 1);
    onnx_output(&m, "y", ONNX_FLOAT, ONNX_DIMS(-1, 2));
    return onnx_end(&m);
}

// ---- pages -----------------------------------------------------------------

enum { LETTER = 20, PITCH = 32, MARGIN = 20 };

typedef struct page {
    int width, height;
    unsigned char *pixel;
} page;

static inline page page_blank(int width, int height) {
    page p = {width, height, malloc((size_t)width * (size_t)height)};
    CHECK(p.pixel != NULL);
    memset(p.pixel, 255, (size_t)width * (size_t)height);
    return p;
}

static inline void write_line(page *p, int line, const char *letters) {
    for (int i = 0; letters[i] != '\0'; i++) {
        int left = MARGIN + 2 * LETTER * i;
        int top = MARGIN + PITCH * line + (letters[i] == 'b' ? LETTER / 2 : 0);
        for (int y = top; y < top + LETTER / 2; y++)
            memset(p->pixel + (size_t)y * (size_t)p->width + (size_t)left, 0,
                   LETTER);
    }
}

// Up to four letters are 320 columns of a model's input.
static inline page page_of(const char *const *lines, int count) {
    page p =
        page_blank(2 * MARGIN + 5 * 2 * LETTER, 2 * MARGIN + PITCH * count);
    for (int i = 0; i < count; i++)
        write_line(&p, i, lines[i]);
    return p;
}

static inline void turn_over(page *p) {
    size_t pixels = (size_t)p->width * (size_t)p->height;
    for (size_t i = 0; i < pixels / 2; i++) {
        unsigned char pixel = p->pixel[i];
        p->pixel[i] = p->pixel[pixels - 1 - i];
        p->pixel[pixels - 1 - i] = pixel;
    }
}

// As a PNG; the page is gone.
static inline onnx_bytes png_of(page p) {
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)p.width,
                       .height = (png_uint_32)p.height,
                       .format = PNG_FORMAT_GRAY};
    onnx_bytes out = {0};
    png_alloc_size_t size = 0;
    CHECK(png_image_write_to_memory(&image, NULL, &size, 0, p.pixel, 0, NULL));
    out.data = malloc(size);
    CHECK(out.data != NULL);
    CHECK(png_image_write_to_memory(&image, out.data, &size, 0, p.pixel, 0,
                                    NULL));
    out.size = size;
    free(p.pixel);
    return out;
}

static inline onnx_bytes png_lines(const char *const *lines, int count) {
    return png_of(page_of(lines, count));
}

static inline onnx_bytes png_many(int count) {
    const char *lines[128];
    CHECK(count <= 128);
    for (int i = 0; i < count; i++)
        lines[i] = "aaab";
    return png_lines(lines, count);
}

static inline onnx_bytes png_line(const char *line) {
    return png_lines(&line, 1);
}

#endif
