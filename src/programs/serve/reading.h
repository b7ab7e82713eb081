// SPDX-License-Identifier: MIT
//
// Reading text in a picture: a service of several stages on the same pool as
// everything else. The picture is decoded, cut into lines and scaled on the
// pool (parallel loops); each line's direction and then its text are infer
// requests like any client's, so lines of one picture run as a batch, nodes and
// parts in parallel; the result is decoded on the pool again. No stage waits.
//
// Models: PP-OCR's direction classifier (input [N,3,48,192], output [N,2]: 0
// and 180 degrees) and line recogniser (input [N,3,48,W], output [N,T,C], by
// connectionist temporal classification: Graves et al., ICML 2006). Pictures:
// PNG, dark text on a light ground or the other way round, lines about level.
//
//   threads    wr_ocr_start and wr_ocr_cancel: the loop's thread. The others:
//              any.
//   errors     as in service.h.
#ifndef WEIR_PROGRAMS_SERVE_READING_H
#define WEIR_PROGRAMS_SERVE_READING_H

#include "programs/serve/service.h"

// ---- pictures --------------------------------------------------------------

enum {
    WR_TEXT_LINES_MAX = 64,
    WR_TEXT_HEIGHT = 48,      // of a line, as both models want it
    WR_TEXT_STEP = 160,       // widths are rounded up to a multiple of this,
                              // so that few plans serve all pictures
    WR_TEXT_WIDTH_MAX = 3200, // of a line, scaled
    WR_TEXT_SIDE_MAX = 16384, // of a picture
    WR_TEXT_DIRECTION_WIDTH = 192,
    WR_TEXT_PIXELS_MAX = 64 << 20,
};

// Grey, a byte a pixel, 255 is the ground, so that all is dark on light.
typedef struct wr_picture {
    int width, height;
    unsigned char *pixel; // malloc'ed
} wr_picture;

// wr_picture_read decodes a PNG, makes it grey and turns light on dark round.
// Errors: -EINVAL (no PNG, damaged), -E2BIG, -ENOMEM. `self` may be NULL: no
// parallel loops.
int wr_picture_read(wr_picture *out, weir_worker *self, const void *bytes,
                    size_t size, wr_nn_why *why);

typedef struct wr_box {
    int left, top, right, bottom; // right and bottom are not in it
} wr_box;

// wr_picture_lines finds lines of text, from top to bottom; at most
// WR_TEXT_LINES_MAX, what is below is left out. Returns how many, or
// -ENOMEM.
int wr_picture_lines(const wr_picture *picture, weir_worker *self,
                     wr_box lines[WR_TEXT_LINES_MAX]);

// wr_picture_width is how wide the box is when it is WR_TEXT_HEIGHT high, at
// least 1, at most `most`.
int wr_picture_width(const wr_box *box, int most);

// wr_picture_scale writes one item of a model's input: 3 planes (all the same)
// of WR_TEXT_HEIGHT rows of `width`, values from -1 to 1; the box scaled
// bilinearly to `used` columns, the rest 0. turned: by 180 degrees.
void wr_picture_scale(float *out, int width, int used,
                      const wr_picture *picture, const wr_box *box,
                      bool turned);

// ---- letters ---------------------------------------------------------------

// A dictionary: one letter a line, UTF-8. Class 0 is "none", class i is line i
// (counted from 1), one class more is a space.
typedef struct wr_letters {
    char *text;
    const char **letter; // of each class; "" for 0
    int classes;
} wr_letters;

// Errors: -EINVAL (no line; one that is empty, too long, or no UTF-8), -ENOMEM.
int wr_letters_read(wr_letters *out, const char *bytes, size_t size,
                    wr_nn_why *why);
void wr_letters_free(wr_letters *letters);

// wr_letters_decode gives the most likely letter of each step, repeats and
// "none" left out; *sure is the mean likelihood of those given, 0 if none. The
// text is malloc'ed. Errors: -ENOMEM.
int wr_letters_decode(char **text, float *sure, const wr_letters *letters,
                      const float *likely, int steps, int classes);

// ---- the service -----------------------------------------------------------

typedef struct wr_ocr_line {
    wr_box box;
    bool turned; // it stands on its head
    float sure;  // 0 to 1
    char *text;  // UTF-8
} wr_ocr_line;

typedef struct wr_ocr wr_ocr;
struct wr_ocr {
    wr_service *service;
    weir_loop *loop;
    weir_pool *pool;
    const wr_letters *letters;
    const char *recogniser; // model names
    const char *direction;  // or NULL: lines are taken to be upright
    const void *bytes;      // the PNG, lent until done
    size_t size;
    void (*done)(wr_ocr *text, int status);
    void *context;
    // Filled in before done; freed by wr_ocr_end.
    wr_nn_why why;
    wr_ocr_line *lines;
    int count;
    int64_t prepare_ns, infer_ns, decode_ns;
    void *private_;
};

// wr_ocr_start: done is called exactly once if it returns 0, on the loop's
// thread, never inside this call.
int wr_ocr_start(wr_ocr *text, wr_nn_why *why);
void wr_ocr_cancel(wr_ocr *text);
void wr_ocr_end(wr_ocr *text); // once, after done

#endif
