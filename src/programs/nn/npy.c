// SPDX-License-Identifier: MIT
#include "programs/nn/npy.h"

#include "programs/nn/graph.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char magic[] = "\x93NUMPY";
enum { MAGIC = 6, VERSION_1 = MAGIC + 2 + 2, VERSION_2 = MAGIC + 2 + 4 };

static const struct {
    const char *name;
    wr_nn_type type;
} types[] = {{"<f4", WR_NN_F32},
             {"<i4", WR_NN_I32},
             {"<i8", WR_NN_I64},
             {"|b1", WR_NN_BOOL},
             {"<f8", WR_NN_F64}};
enum { TYPES = sizeof(types) / sizeof(types[0]) };

// ---- reading ---------------------------------------------------------------

// A Python dictionary, as far as numpy writes one.
typedef struct reader {
    const char *at;
    const char *end;
    wr_nn_why *why;
} reader;

static void space(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n'))
        r->at++;
}

static bool take(reader *r, const char *text) {
    space(r);
    size_t length = strlen(text);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, text, length) != 0)
        return false;
    r->at += length;
    return true;
}

static int damaged(const reader *r, const char *what) {
    return wr_nn_refuse(r->why, -EINVAL, NULL, "the .npy header has no %s",
                        what);
}

// Text between quotes of either kind, without escapes.
static int quoted(reader *r, const char **text, size_t *length) {
    space(r);
    if (r->at == r->end || (*r->at != '\'' && *r->at != '"'))
        return damaged(r, "quoted word where one belongs");
    char quote = *r->at++;
    const char *close = memchr(r->at, quote, (size_t)(r->end - r->at));
    if (close == NULL)
        return damaged(r, "end to a quoted word");
    *text = r->at;
    *length = (size_t)(close - r->at);
    r->at = close + 1;
    return 0;
}

static int read_type(reader *r, wr_nn_type *type) {
    if (take(r, "["))
        return wr_nn_refuse(r->why, -ENOTSUP, NULL,
                            "a .npy of records is not supported");
    const char *name;
    size_t length;
    int status = quoted(r, &name, &length);
    if (status != 0)
        return status;
    for (size_t i = 0; i < TYPES; i++)
        if (strlen(types[i].name) == length &&
            memcmp(types[i].name, name, length) == 0) {
            *type = types[i].type;
            return 0;
        }
    int shown = length > 16 ? 16 : (int)length;
    return wr_nn_refuse(r->why, -ENOTSUP, NULL,
                        "a .npy of type '%.*s' is not supported: float32, "
                        "int32, int64 and bool are",
                        shown, name);
}

static int read_number(reader *r, int64_t *number) {
    space(r);
    if (r->at == r->end || *r->at < '0' || *r->at > '9')
        return damaged(r, "number where one belongs");
    *number = 0;
    for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, *r->at - '0', number))
            return wr_nn_refuse(r->why, -EINVAL, NULL,
                                "the .npy has a dimension that is too large");
    return 0;
}

static int read_dimensions(reader *r, wr_nn_shape *shape) {
    if (!take(r, "("))
        return damaged(r, "shape");
    shape->rank = 0;
    while (!take(r, ")")) {
        if (shape->rank == WR_NN_RANK_MAX)
            return wr_nn_refuse(r->why, -ENOTSUP, NULL,
                                "a .npy of more than %d dimensions is not "
                                "supported",
                                WR_NN_RANK_MAX);
        int status = read_number(r, &shape->dim[shape->rank]);
        if (status != 0)
            return status;
        shape->rank++;
        if (!take(r, ",")) {
            if (!take(r, ")"))
                return damaged(r, "end to its shape");
            break;
        }
    }
    return 0;
}

static int read_order(reader *r) {
    if (take(r, "False"))
        return 0;
    if (take(r, "True"))
        return wr_nn_refuse(r->why, -ENOTSUP, NULL,
                            "a .npy in Fortran order is not supported "
                            "(numpy.ascontiguousarray makes C order)");
    return damaged(r, "order");
}

enum { HAS_TYPE = 1, HAS_ORDER = 2, HAS_SHAPE = 4, HAS_ALL = 7 };

static int read_entry(reader *r, wr_nn_shape *shape, unsigned *seen) {
    const char *key;
    size_t length;
    int status = quoted(r, &key, &length);
    if (status != 0)
        return status;
    if (!take(r, ":"))
        return damaged(r, "colon where one belongs");
    unsigned what = 0;
    if (length == 5 && memcmp(key, "descr", 5) == 0) {
        what = HAS_TYPE;
        status = read_type(r, &shape->type);
    } else if (length == 13 && memcmp(key, "fortran_order", 13) == 0) {
        what = HAS_ORDER;
        status = read_order(r);
    } else if (length == 5 && memcmp(key, "shape", 5) == 0) {
        what = HAS_SHAPE;
        status = read_dimensions(r, shape);
    }
    if (status != 0)
        return status;
    if (what == 0 || (*seen & what) != 0)
        return wr_nn_refuse(r->why, -EINVAL, NULL,
                            "the .npy header has an entry too many");
    *seen |= what;
    return 0;
}

static int read_header(reader *r, wr_nn_shape *shape) {
    unsigned seen = 0;
    if (!take(r, "{"))
        return damaged(r, "dictionary");
    while (!take(r, "}")) {
        int status = read_entry(r, shape, &seen);
        if (status != 0)
            return status;
        if (!take(r, ",")) {
            if (!take(r, "}"))
                return damaged(r, "end");
            break;
        }
    }
    space(r);
    if (r->at != r->end)
        return damaged(r, "end where it should");
    return seen == HAS_ALL ? 0 : damaged(r, "type, order or shape");
}

int wr_nn_npy_read(wr_nn_shape *shape, size_t *offset, const void *bytes,
                   size_t size, wr_nn_why *why) {
    const uint8_t *b = bytes;
    if (size < VERSION_1 || memcmp(b, magic, MAGIC) != 0)
        return wr_nn_refuse(why, -EINVAL, NULL, "not a .npy file");
    size_t begin = b[MAGIC] == 1 ? VERSION_1 : VERSION_2;
    if ((b[MAGIC] != 1 && b[MAGIC] != 2) || b[MAGIC + 1] != 0)
        return wr_nn_refuse(why, -ENOTSUP, NULL,
                            "a .npy of version %u.%u is not supported",
                            b[MAGIC], b[MAGIC + 1]);
    size_t length = 0;
    for (size_t i = begin; i > MAGIC + 2 && size >= begin; i--)
        length = length << 8 | b[i - 1];
    if (size < begin || length > size - begin)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "the .npy ends inside its header");
    reader r = {(const char *)b + begin, (const char *)b + begin + length, why};
    wr_nn_shape read = {.type = WR_NN_NONE, .rank = 0};
    int status = read_header(&r, &read);
    if (status != 0)
        return status;
    char text[WR_NN_SHAPE_TEXT];
    size_t whole = wr_nn_bytes(&read), held = size - begin - length;
    if (whole != held)
        return wr_nn_refuse(why, -EINVAL, NULL,
                            "the .npy is %s but holds %zu bytes",
                            wr_nn_shape_text(text, &read), held);
    *shape = read;
    *offset = begin + length;
    return 0;
}

// ---- writing ---------------------------------------------------------------

size_t wr_nn_npy_header(char header[WR_NN_NPY_HEADER_MAX],
                        const wr_nn_shape *shape) {
    enum { ALIGN = 64 };
    const char *type = NULL;
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].type == shape->type)
            type = types[i].name;
    if (type == NULL)
        return 0;
    memcpy(header, magic, MAGIC);
    header[MAGIC] = 1;
    header[MAGIC + 1] = 0;
    char *text = header + VERSION_1;
    size_t room = WR_NN_NPY_HEADER_MAX - VERSION_1;
    int at = snprintf(
        text, room, "{'descr': '%s', 'fortran_order': False, 'shape': (", type);
    for (int i = 0; i < shape->rank; i++)
        at +=
            snprintf(text + at, room - (size_t)at, "%lld,%s",
                     (long long)shape->dim[i], i + 1 < shape->rank ? " " : "");
    at += snprintf(text + at, room - (size_t)at, "), }");
    // Spaces, so that the elements are aligned, and a newline.
    size_t length = VERSION_1 + (size_t)at + 1;
    size_t padded = (length + ALIGN - 1) / ALIGN * ALIGN;
    memset(text + at, ' ', padded - length);
    header[padded - 1] = '\n';
    header[MAGIC + 2] = (char)((padded - VERSION_1) & 0xFF);
    header[MAGIC + 3] = (char)((padded - VERSION_1) >> 8);
    return padded;
}
