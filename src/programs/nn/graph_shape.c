// SPDX-License-Identifier: MIT
//
// Shapes, and the lines that say what is wrong.
#include "programs/nn/graph.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// ---------------------------------------------------------------------------
// Why

// How many bytes the UTF-8 character at `text` has; 0: it is none, or one that
// would break the line.
static size_t character(const unsigned char *text) {
    if (text[0] < 0x80)
        return text[0] >= 0x20 && text[0] != 0x7f;
    size_t more = text[0] >= 0xc2 && text[0] < 0xe0   ? 1
                  : text[0] >= 0xe0 && text[0] < 0xf0 ? 2
                  : text[0] >= 0xf0 && text[0] < 0xf5 ? 3
                                                      : 0;
    for (size_t i = 1; i <= more; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    // Too long for what it says, a surrogate, beyond Unicode, a C1 control.
    if ((text[0] == 0xe0 && text[1] < 0xa0) ||
        (text[0] == 0xed && text[1] >= 0xa0) ||
        (text[0] == 0xf0 && text[1] < 0x90) ||
        (text[0] == 0xf4 && text[1] >= 0x90) ||
        (text[0] == 0xc2 && text[1] < 0xa0))
        return 0;
    return more == 0 ? 0 : more + 1;
}

// Names come from models: they may hold anything.
static void make_printable(char *line) {
    unsigned char *at = (unsigned char *)line;
    while (*at != '\0') {
        size_t length = character(at);
        if (length == 0)
            *at = '?';
        at += length == 0 ? 1 : length;
    }
}

int wr_nn_refuse(wr_nn_why *why, int status, const wr_nn_node *node,
                 const char *format, ...) {
    if (why == NULL)
        return status;
    size_t used = 0;
    if (node != NULL) {
        // A long name must not push out what is said about it.
        const char *op = node->op == NULL ? "?" : node->op->name;
        int length = snprintf(why->text, sizeof why->text,
                              "node '%.96s' (%.40s): ", node->name, op);
        used = length < 0 ? 0 : (size_t)length;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text + used, sizeof why->text - used, format, arguments);
    va_end(arguments);
    make_printable(why->text);
    return status;
}

// ---------------------------------------------------------------------------
// Types and shapes

size_t wr_nn_type_size(wr_nn_type type) {
    switch (type) {
    case WR_NN_F32:
    case WR_NN_I32: return 4;
    case WR_NN_I64:
    case WR_NN_F64: return 8;
    case WR_NN_BOOL: return 1;
    case WR_NN_NONE: break;
    }
    return 0;
}

const char *wr_nn_type_name(wr_nn_type type) {
    switch (type) {
    case WR_NN_F32: return "float32";
    case WR_NN_I32: return "int32";
    case WR_NN_I64: return "int64";
    case WR_NN_BOOL: return "bool";
    case WR_NN_F64: return "float64";
    case WR_NN_NONE: break;
    }
    return "none";
}

bool wr_nn_known(const wr_nn_shape *shape) {
    if (shape->rank < 0 || shape->rank > WR_NN_RANK_MAX)
        return false;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 0)
            return false;
    return true;
}

size_t wr_nn_elements(const wr_nn_shape *shape) {
    if (!wr_nn_known(shape))
        return SIZE_MAX;
    size_t elements = 1;
    bool overflow = false, none = false;
    for (int i = 0; i < shape->rank; i++) {
        // A 0 makes everything 0, but not the others small: who multiplies
        // them must not overflow.
        if (shape->dim[i] == 0) {
            none = true;
            continue;
        }
        overflow |= __builtin_mul_overflow(elements, (size_t)shape->dim[i],
                                           &elements) ||
                    elements > PTRDIFF_MAX;
    }
    if (overflow || (none && elements > PTRDIFF_MAX / sizeof(double)))
        return SIZE_MAX;
    return none ? 0 : elements;
}

size_t wr_nn_bytes(const wr_nn_shape *shape) {
    size_t bytes, elements = wr_nn_elements(shape);
    if (elements == SIZE_MAX ||
        __builtin_mul_overflow(elements, wr_nn_type_size(shape->type),
                               &bytes) ||
        bytes > PTRDIFF_MAX)
        return SIZE_MAX;
    return bytes;
}

bool wr_nn_same_shape(const wr_nn_shape *a, const wr_nn_shape *b) {
    if (a->type != b->type || a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

const char *wr_nn_shape_text(char text[WR_NN_SHAPE_TEXT],
                             const wr_nn_shape *shape) {
    // Eight dimensions of at most 20 characters would not fit: what is cut off
    // is cut off.
    size_t used = 0;
    const char *type = wr_nn_type_name(shape->type);
    if (shape->rank < 0 || shape->rank > WR_NN_RANK_MAX) {
        snprintf(text, WR_NN_SHAPE_TEXT, "%s[...]", type);
        return text;
    }
    used = (size_t)snprintf(text, WR_NN_SHAPE_TEXT, "%s[", type);
    for (int i = 0; i < shape->rank; i++) {
        char dim[24] = "?";
        if (shape->dim[i] >= 0)
            snprintf(dim, sizeof dim, "%" PRId64, shape->dim[i]);
        int length = snprintf(text + used, WR_NN_SHAPE_TEXT - used, "%s%s",
                              i > 0 ? "," : "", dim);
        used += (size_t)length;
        if (used >= WR_NN_SHAPE_TEXT - 1)
            return text;
    }
    snprintf(text + used, WR_NN_SHAPE_TEXT - used, "]");
    return text;
}

// The dimension that both agree on, or -2. -1 is one that is not known yet.
static int64_t broadcast_one(int64_t a, int64_t b) {
    if (a == b || b == 1)
        return a;
    if (a == 1)
        return b;
    // The unknown one is 1 or the other, and neither changes the other.
    if (a == -1)
        return b;
    if (b == -1)
        return a;
    return -2;
}

int wr_nn_broadcast(wr_nn_shape *out, const wr_nn_shape *a,
                    const wr_nn_shape *b, const wr_nn_node *node,
                    wr_nn_why *why) {
    wr_nn_shape result = {.type = a->type, .rank = -1};
    if (a->rank >= 0 && b->rank >= 0) {
        result.rank = a->rank > b->rank ? a->rank : b->rank;
        for (int i = 1; i <= result.rank; i++) {
            int64_t one = i <= a->rank ? a->dim[a->rank - i] : 1;
            int64_t two = i <= b->rank ? b->dim[b->rank - i] : 1;
            int64_t dim = broadcast_one(one, two);
            if (dim == -2) {
                char text_a[WR_NN_SHAPE_TEXT], text_b[WR_NN_SHAPE_TEXT];
                return wr_nn_refuse(
                    why, -EINVAL, node, "%s and %s do not broadcast",
                    wr_nn_shape_text(text_a, a), wr_nn_shape_text(text_b, b));
            }
            result.dim[result.rank - i] = dim;
        }
    }
    *out = result; // which may be a or b
    return 0;
}
