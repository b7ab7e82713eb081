// SPDX-License-Identifier: MIT
// Letters: the dictionary, and from likelihoods to text.
#include "programs/serve/reading.h"

#include "programs/nn/graph.h"
#include "programs/serve/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LETTER_MAX = 16 };

// A 0 would end the text. What ends a line is no part of a letter, so that none
// reaches beyond `size`.
static bool is_utf8(const char *text, size_t size) {
    for (size_t i = 0; i < size;) {
        size_t length = wr_utf8_length((const unsigned char *)text + i);
        if (length == 0 || text[i] == 0)
            return false;
        i += length;
    }
    return true;
}

static int take_lines(wr_letters *out, size_t size, wr_nn_why *why) {
    char *at = out->text, *end = out->text + size;
    out->letter[0] = "";
    out->classes = 1;
    while (at < end) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        char *last = stop > at && stop[-1] == '\r' ? stop - 1 : stop;
        size_t length = (size_t)(last - at);
        if (length == 0 || length > LETTER_MAX || !is_utf8(at, length))
            return wr_nn_refuse(why, -EINVAL, NULL,
                                "line %d of the dictionary is %s", out->classes,
                                length == 0           ? "empty"
                                : length > LETTER_MAX ? "too long"
                                                      : "no UTF-8");
        *last = 0;
        out->letter[out->classes++] = at;
        at = stop + 1;
    }
    out->letter[out->classes++] = " ";
    return 0;
}

int wr_letters_read(wr_letters *out, const char *bytes, size_t size,
                    wr_nn_why *why) {
    memset(out, 0, sizeof(*out));
    if (size == 0)
        return wr_nn_refuse(why, -EINVAL, NULL, "the dictionary is empty");
    size_t lines = 3; // none, space, a last line without its end
    for (size_t i = 0; i < size; i++)
        lines += bytes[i] == '\n';
    out->text = malloc(size + 1);
    out->letter = calloc(lines, sizeof(*out->letter));
    int error = 0;
    if (out->text == NULL || out->letter == NULL) {
        error = wr_nn_refuse(why, -ENOMEM, NULL, "no memory for a dictionary");
    } else {
        memcpy(out->text, bytes, size);
        out->text[size] = 0;
        error = take_lines(out, size, why);
    }
    if (error != 0)
        wr_letters_free(out);
    return error;
}

void wr_letters_free(wr_letters *letters) {
    free(letters->text);
    free(letters->letter);
    memset(letters, 0, sizeof(*letters));
}

int wr_letters_decode(char **text, float *sure, const wr_letters *letters,
                      const float *likely, int steps, int classes) {
    char *out = malloc((size_t)steps * LETTER_MAX + 1);
    if (out == NULL)
        return -ENOMEM;
    size_t length = 0;
    int given = 0, before = 0;
    float sum = 0;
    for (int t = 0; t < steps; t++) {
        const float *row = likely + (size_t)t * (size_t)classes;
        int best = 0;
        for (int c = 1; c < classes; c++)
            if (row[c] > row[best])
                best = c;
        if (best != 0 && best != before && best < letters->classes) {
            size_t bytes = strlen(letters->letter[best]);
            memcpy(out + length, letters->letter[best], bytes);
            length += bytes;
            sum += row[best];
            given++;
        }
        before = best;
    }
    out[length] = 0;
    // A model may give anything, also what is no likelihood and no number.
    float mean = given > 0 ? sum / (float)given : 0;
    *sure = !(mean > 0) ? 0 : mean < 1 ? mean : 1;
    *text = out;
    return 0;
}
