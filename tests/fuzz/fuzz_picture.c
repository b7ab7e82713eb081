// SPDX-License-Identifier: MIT
// Feeds damaged PNGs and dictionaries to what reads text in pictures: decoding,
// the search for lines, scaling, and the letters. What is looked for is a
// crash, a hang, a sanitizer's complaint, a refusal that is not one line, a box
// outside of its picture, lines out of order, a number that is no shade, or
// text that is not made of the dictionary's letters.
//
// How to run it: engine.h.
//
// The first byte says which reader gets the rest.
#include "engine.h"

#include "programs/serve/reading.h"
#include "weir/base.h"

#include <errno.h>
#include <inttypes.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A picture of more pixels is left at its lines: there is a lot to try.
enum { INPUT_MAX = 1 << 16, READERS = 2, PIXELS_MAX = 1 << 20, WIDTH = 320 };

static void broken(const char *what, const char *more) {
    fprintf(stdout, "fuzz_picture: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

static void check(int error, const wr_nn_why *why) {
    if (error == -ENOMEM)
        return;
    if (error != -EINVAL && error != -E2BIG)
        broken("an odd error", why->text);
    if (why->text[0] == '\0' || strchr(why->text, '\n') != NULL)
        broken("a refusal without a line", why->text);
}

static uint64_t sum; // of all that was read, so that it is read

// ---------------------------------------------------------------------------
// Pictures

static void check_scaled(const wr_picture *picture, const wr_box *box,
                         bool turned) {
    static float scaled[3 * WR_TEXT_HEIGHT * WIDTH];
    int used = wr_picture_width(box, WIDTH);
    if (used < 1 || used > WIDTH)
        broken("an odd width", "");
    wr_picture_scale(scaled, WIDTH, used, picture, box, turned);
    for (size_t i = 0; i < sizeof(scaled) / sizeof(scaled[0]); i++)
        if (!(scaled[i] >= -1 && scaled[i] <= 1) ||
            (i % WIDTH >= (size_t)used && scaled[i] != 0))
            broken("no shade", "");
}

static void try_picture(const uint8_t *data, size_t size) {
    wr_picture picture;
    wr_box box[WR_TEXT_LINES_MAX];
    wr_nn_why why = {""};
    int error = wr_picture_read(&picture, NULL, data, size, &why);
    if (error != 0) {
        check(error, &why);
        if (picture.pixel != NULL)
            broken("a refused picture that is to be freed", why.text);
        return;
    }
    size_t pixels = (size_t)picture.width * (size_t)picture.height;
    if (pixels == 0 || pixels > WR_TEXT_PIXELS_MAX)
        broken("a picture of a forbidden size", "");
    for (size_t i = 0; i < pixels; i++)
        sum += picture.pixel[i];
    int count = wr_picture_lines(&picture, NULL, box);
    if (count < 0 || count > WR_TEXT_LINES_MAX)
        broken("an odd number of lines", "");
    for (int i = 0; i < count; i++) {
        if (box[i].left < 0 || box[i].top < 0 || box[i].left >= box[i].right ||
            box[i].top >= box[i].bottom || box[i].right > picture.width ||
            box[i].bottom > picture.height)
            broken("a box that is not in its picture", "");
        if (i > 0 && (box[i].top <= box[i - 1].top ||
                      box[i].bottom <= box[i - 1].bottom))
            broken("lines out of order", "");
        if (pixels <= PIXELS_MAX)
            check_scaled(&picture, &box[i], (sum + (unsigned)i) % 2 == 0);
    }
    free(picture.pixel);
}

// ---------------------------------------------------------------------------
// Dictionaries

// The text is letters of these classes, one after the other.
static void check_text(const wr_letters *letters, const char *text,
                       const int *class, int count) {
    for (int i = 0; i < count; i++) {
        size_t length = strlen(letters->letter[class[i]]);
        if (strncmp(text, letters->letter[class[i]], length) != 0)
            broken("another letter", text);
        text += length;
    }
    if (*text != '\0')
        broken("a letter more", text);
}

static void check_decoded(const wr_letters *letters, size_t seed) {
    enum { STEPS = 8 };
    int classes = letters->classes, class[STEPS], count = 0;
    float *likely = calloc((size_t)STEPS * (size_t)classes, sizeof(*likely));
    if (likely == NULL)
        abort();
    for (int t = 0, before = 0; t < STEPS; t++, seed /= 3) {
        int best = (int)(seed % (size_t)classes);
        likely[t * classes + best] = 0.5f;
        if (best != 0 && best != before)
            class[count++] = best;
        before = best;
    }
    char *text;
    float sure;
    if (wr_letters_decode(&text, &sure, letters, likely, STEPS, classes) != 0)
        abort();
    if (sure != (count > 0 ? 0.5f : 0))
        broken("not as sure as that", text);
    check_text(letters, text, class, count);
    free(text);
    free(likely);
}

static void try_letters(const uint8_t *data, size_t size) {
    wr_letters letters;
    wr_nn_why why = {""};
    int error = wr_letters_read(&letters, (const char *)data, size, &why);
    if (error != 0) {
        check(error, &why);
        if (letters.text != NULL || letters.letter != NULL)
            broken("a refused dictionary that is to be freed", why.text);
        return;
    }
    if (letters.classes < 3 || letters.letter[0][0] != '\0' ||
        strcmp(letters.letter[letters.classes - 1], " ") != 0)
        broken("none, letters and space", "");
    for (int i = 1; i < letters.classes; i++) {
        size_t length = strlen(letters.letter[i]);
        if (length == 0 || length > 16)
            broken("an odd letter", letters.letter[i]);
        sum += length;
    }
    check_decoded(&letters, (size_t)sum);
    wr_letters_free(&letters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    // A copy of its own, so that a sanitizer sees its end.
    uint8_t *copy = malloc(size);
    if (copy == NULL)
        abort();
    memcpy(copy, data + 1, size - 1);
    if (data[0] % READERS == 0)
        try_picture(copy, size - 1);
    else
        try_letters(copy, size - 1);
    free(copy);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: right inputs, damaged a little

// Bars of ink in any of the forms a PNG has, as far as libpng writes them.
static size_t seed_picture(uint8_t *out) {
    static const png_uint_32 forms[] = {PNG_FORMAT_GRAY, PNG_FORMAT_GA,
                                        PNG_FORMAT_RGB, PNG_FORMAT_RGBA,
                                        PNG_FORMAT_LINEAR_Y};
    enum { SIDE = 128, PIXEL = 8 };
    static uint8_t pixel[SIDE * SIDE * PIXEL];
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = 1 + (png_uint_32)below(SIDE),
                       .height = 1 + (png_uint_32)below(SIDE),
                       .format = forms[below(5)]};
    size_t row = PNG_IMAGE_ROW_STRIDE(image);
    row *= PNG_IMAGE_PIXEL_COMPONENT_SIZE(image.format);
    int ground = below(2) ? 255 : (int)below(256);
    memset(pixel, ground, row * image.height);
    for (size_t i = below(8); i > 0; i--) {
        size_t top = below(image.height), left = below(row);
        size_t high = below(image.height - top), wide = below(row - left);
        int ink = below(3) ? 255 - ground : (int)below(256);
        for (size_t y = top; y < top + high; y++)
            memset(pixel + y * row + left, ink, wide);
    }
    png_alloc_size_t size = INPUT_MAX;
    return png_image_write_to_memory(&image, out, &size, 0, pixel, 0, NULL)
               ? size
               : 0;
}

static size_t seed_letters(uint8_t *out) {
    static const char *const letters[] = {
        "a",  "\xc3\xa9", "\xe2\x82\xac",     "\xf0\x9f\x98\x80", " ",
        "\r", "ch",       "0123456789abcdef", "\xe5\xad\x97",     "\t"};
    size_t size = 0;
    for (size_t i = below(40); i > 0; i--)
        size +=
            (size_t)snprintf((char *)out + size, INPUT_MAX - size, "%s%s",
                             letters[below(10)], below(5) == 0 ? "\r\n" : "\n");
    return size - (size > 0 && below(4) == 0);
}

static size_t damage(uint8_t *data, size_t size) {
    static const char odd[] = "\0\n\r\x01\x40\x7f\x80\xc0\xed\xf4\xff";
    for (size_t i = below(5); i > 0 && size > 0; i--) {
        size_t at = below(size < 60 || below(2) ? size : 60);
        switch (below(5)) {
        case 0: data[at] ^= (uint8_t)(1 << below(8)); break;
        case 1: data[at] = (uint8_t)odd[below(sizeof(odd) - 1)]; break;
        case 2: size = below(4) ? size : at; break;
        case 3: // a byte goes
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
            break;
        default: // a byte comes
            memmove(data + at + 1, data + at, size - at);
            data[at] = (uint8_t)odd[below(sizeof(odd) - 1)];
            size++;
        }
    }
    return size;
}

static uint32_t number_at(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
           (uint32_t)at[2] << 8 | at[3];
}

// A damaged chunk with a wrong checksum is not looked at: makes them right.
// Source: the PNG specification (W3C), annex D.
static void mend(uint8_t *data, size_t size) {
    for (size_t at = 8; at + 12 <= size;) {
        size_t length = number_at(data + at);
        if (length > size - at - 12)
            return;
        uint32_t crc = UINT32_MAX;
        for (size_t i = at + 4; i < at + 8 + length; i++) {
            crc ^= data[i];
            for (int bit = 0; bit < 8; bit++)
                crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
        for (int i = 0; i < 4; i++)
            data[at + 8 + length + (size_t)i] = (uint8_t)(~crc >> (24 - 8 * i));
        at += 12 + length;
    }
}

static void one_round(void) {
    static uint8_t data[2 * INPUT_MAX];
    data[0] = (uint8_t)below(READERS);
    size_t size =
        data[0] == 0 ? seed_picture(data + 1) : seed_letters(data + 1);
    size = damage(data + 1, size);
    if (data[0] == 0 && below(4) > 0)
        mend(data + 1, size);
    LLVMFuzzerTestOneInput(data, 1 + size);
}

int main(int argc, char **argv) {
    int status = fuzz_main(argc, argv, "fuzz_picture", one_round);
    printf("fuzz_picture: sum %" PRIu64 "\n", sum);
    return status;
}
