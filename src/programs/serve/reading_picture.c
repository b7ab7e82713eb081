// SPDX-License-Identifier: MIT
// Pictures: from PNG to lines, from a line to a model's input.
#include "programs/serve/reading.h"

#include "programs/nn/graph.h"

#include "weir/parallel.h"

#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

enum {
    INK = 64,      // this much darker than the ground is ink
    LINE_MIN = 6,  // rows; less is dirt
    MARGIN = 2,    // pixels around a line
    GAP_SHARE = 8, // rows without ink that belong to a line: its height / 8
};

// Runs body over [0, count), in parallel if there is a worker.
static void each(weir_worker *self, size_t count, weir_range_body *body,
                 void *context) {
    if (self != NULL)
        (void)weir_parallel_for(self, 0, count, body, context);
    else
        (void)body(NULL, context, 0, count);
}

// ---- reading ---------------------------------------------------------------

// The most frequent of the 256 values is the ground.
static unsigned char ground_of(const wr_picture *picture) {
    size_t count[256] = {0};
    size_t pixels = (size_t)picture->width * (size_t)picture->height;
    for (size_t i = 0; i < pixels; i++)
        count[picture->pixel[i]]++;
    int best = 0;
    for (int i = 1; i < 256; i++)
        if (count[i] > count[best])
            best = i;
    return (unsigned char)best;
}

static int invert_rows(weir_worker *self, void *context, size_t from,
                       size_t to) {
    (void)self;
    wr_picture *picture = context;
    size_t width = (size_t)picture->width;
    for (size_t i = from * width; i < to * width; i++)
        picture->pixel[i] = (unsigned char)(255 - picture->pixel[i]);
    return 0;
}

static int decode(wr_picture *out, png_image *image, wr_nn_why *why) {
    size_t pixels = (size_t)image->width * image->height;
    if (image->width > WR_TEXT_SIDE_MAX || image->height > WR_TEXT_SIDE_MAX ||
        pixels > WR_TEXT_PIXELS_MAX)
        return wr_nn_refuse(why, -E2BIG, NULL,
                            "the picture is %u x %u; at most %d a side and %d "
                            "pixels are read",
                            image->width, image->height, WR_TEXT_SIDE_MAX,
                            WR_TEXT_PIXELS_MAX);
    image->format = PNG_FORMAT_GRAY;
    out->width = (int)image->width;
    out->height = (int)image->height;
    out->pixel = malloc(pixels);
    if (out->pixel == NULL)
        return wr_nn_refuse(why, -ENOMEM, NULL, "no memory for a picture");
    const png_color white = {255, 255, 255}; // under what is transparent
    if (png_image_finish_read(image, &white, out->pixel, 0, NULL) == 0 ||
        PNG_IMAGE_FAILED(*image)) {
        free(out->pixel);
        out->pixel = NULL;
        return wr_nn_refuse(why, -EINVAL, NULL, "the PNG is damaged: %s",
                            image->message);
    }
    return 0;
}

int wr_picture_read(wr_picture *out, weir_worker *self, const void *bytes,
                    size_t size, wr_nn_why *why) {
    memset(out, 0, sizeof(*out));
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (png_image_begin_read_from_memory(&image, bytes, size) == 0)
        return wr_nn_refuse(why, -EINVAL, NULL, "the picture is no PNG: %s",
                            image.message);
    int error = decode(out, &image, why);
    png_image_free(&image);
    if (error == 0 && ground_of(out) < 128)
        each(self, (size_t)out->height, invert_rows, out);
    return error;
}

// ---- lines -----------------------------------------------------------------

typedef struct inking {
    const wr_picture *picture;
    unsigned char dark; // below this it is ink
    int *ink;           // pixels of ink in each row
} inking;

static int count_ink(weir_worker *self, void *context, size_t from, size_t to) {
    (void)self;
    const inking *work = context;
    size_t width = (size_t)work->picture->width;
    for (size_t y = from; y < to; y++) {
        const unsigned char *row = work->picture->pixel + y * width;
        int ink = 0;
        for (size_t x = 0; x < width; x++)
            ink += row[x] < work->dark;
        work->ink[y] = ink;
    }
    return 0;
}

static bool column_has_ink(const inking *work, int x, int top, int bottom) {
    const wr_picture *picture = work->picture;
    for (int y = top; y < bottom; y++)
        if (picture->pixel[(size_t)y * (size_t)picture->width + (size_t)x] <
            work->dark)
            return true;
    return false;
}

// A line's box from its rows: no columns without ink, and a margin, which ends
// above at the line before.
static wr_box box_of(const inking *work, int top, int bottom, int before) {
    const wr_picture *picture = work->picture;
    int left = 0, right = picture->width;
    while (left < right && !column_has_ink(work, left, top, bottom))
        left++;
    while (right > left && !column_has_ink(work, right - 1, top, bottom))
        right--;
    int margin = MARGIN + (bottom - top) / 8;
    wr_box box = {left - margin, top - margin, right + margin, bottom + margin};
    box.left = box.left < 0 ? 0 : box.left;
    box.top = box.top < before ? before : box.top;
    box.right = box.right > picture->width ? picture->width : box.right;
    box.bottom = box.bottom > picture->height ? picture->height : box.bottom;
    return box;
}

int wr_picture_lines(const wr_picture *picture, weir_worker *self,
                     wr_box lines[WR_TEXT_LINES_MAX]) {
    int *ink = calloc((size_t)picture->height, sizeof(*ink));
    if (ink == NULL)
        return -ENOMEM;
    unsigned char ground = ground_of(picture);
    inking work = {picture, ground > INK ? (unsigned char)(ground - INK) : 1,
                   ink};
    each(self, (size_t)picture->height, count_ink, &work);
    int count = 0, before = 0; // before: where the last line's ink ends
    for (int y = 0; y < picture->height && count < WR_TEXT_LINES_MAX;) {
        if (ink[y] == 0) {
            y++;
            continue;
        }
        // The dot of an i stands apart from its stem: small gaps belong to the
        // line.
        int top = y, bottom = y + 1;
        for (y++; y < picture->height; y++) {
            if (ink[y] > 0)
                bottom = y + 1;
            else if (y - bottom >= 1 + (bottom - top) / GAP_SHARE)
                break;
        }
        if (bottom - top < LINE_MIN)
            continue;
        // Margins stay out of the neighbours: a high line's is wide.
        if (count > 0 && lines[count - 1].bottom > top)
            lines[count - 1].bottom = top;
        lines[count++] = box_of(&work, top, bottom, before);
        before = bottom;
    }
    free(ink);
    return count;
}

// ---- scaling ---------------------------------------------------------------

int wr_picture_width(const wr_box *box, int most) {
    int64_t width = box->right - box->left, height = box->bottom - box->top;
    int64_t scaled = (width * WR_TEXT_HEIGHT + height - 1) / height;
    return scaled < 1 ? 1 : scaled > most ? most : (int)scaled;
}

// Where a place of the scaled picture lies in the box: two neighbours, and how
// much of the second.
static void place(int at, int count, int low, int high, int *first, int *second,
                  float *part) {
    float where =
        ((float)at + 0.5f) * (float)(high - low) / (float)count - 0.5f;
    where = where < 0 ? 0 : where;
    int whole = (int)where;
    whole = whole > high - low - 1 ? high - low - 1 : whole;
    *first = low + whole;
    *second = low + (whole + 1 < high - low ? whole + 1 : whole);
    *part = where - (float)whole;
    *part = *part > 1 ? 1 : *part;
}

static float look(const wr_picture *picture, const wr_box *box, int x, int used,
                  int y) {
    int x0, x1, y0, y1;
    float in_x, in_y;
    place(x, used, box->left, box->right, &x0, &x1, &in_x);
    place(y, WR_TEXT_HEIGHT, box->top, box->bottom, &y0, &y1, &in_y);
    size_t width = (size_t)picture->width;
    const unsigned char *upper = picture->pixel + (size_t)y0 * width;
    const unsigned char *lower = picture->pixel + (size_t)y1 * width;
    float above =
        (float)upper[x0] + in_x * ((float)upper[x1] - (float)upper[x0]);
    float below =
        (float)lower[x0] + in_x * ((float)lower[x1] - (float)lower[x0]);
    return above + in_y * (below - above);
}

void wr_picture_scale(float *out, int width, int used,
                      const wr_picture *picture, const wr_box *box,
                      bool turned) {
    size_t plane = (size_t)WR_TEXT_HEIGHT * (size_t)width;
    for (int y = 0; y < WR_TEXT_HEIGHT; y++) {
        float *row = out + (size_t)y * (size_t)width;
        int from_y = turned ? WR_TEXT_HEIGHT - 1 - y : y;
        for (int x = 0; x < used; x++) {
            int from_x = turned ? used - 1 - x : x;
            row[x] = look(picture, box, from_x, used, from_y) / 127.5f - 1.0f;
        }
        memset(row + used, 0, (size_t)(width - used) * sizeof(*row));
    }
    memcpy(out + plane, out, plane * sizeof(*out));
    memcpy(out + 2 * plane, out, plane * sizeof(*out));
}
