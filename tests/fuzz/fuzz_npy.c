// SPDX-License-Identifier: MIT
// Feeds damaged .npy files to the reader of `weir run`: what is looked for is
// a crash, a sanitizer's complaint, a refusal that is not one line, data that
// is not as long as its shape, or a shape that is another one when it is
// written and read again. How to run it: engine.h.
#include "engine.h"

#include "programs/nn/graph.h"
#include "programs/nn/npy.h"

#include <errno.h>

enum { INPUT_MAX = 4096 };

static void broken(const char *what, const char *more) {
    printf("fuzz_npy: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

static bool same(const wr_nn_shape *a, const wr_nn_shape *b) {
    if (a->type != b->type || a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

// The data does not matter: it is long enough, or there is none.
static void write_and_read(const wr_nn_shape *shape) {
    char header[WR_NN_NPY_HEADER_MAX];
    size_t size = wr_nn_npy_header(header, shape), bytes = wr_nn_bytes(shape);
    if (size == 0 || size > sizeof(header) || size % 64 != 0)
        broken("a header of an odd size", "");
    if (bytes > INPUT_MAX)
        return;
    char *file = calloc(1, size + bytes);
    if (file == NULL)
        abort();
    memcpy(file, header, size);
    wr_nn_shape again;
    wr_nn_why why = {""};
    size_t offset = 0;
    if (wr_nn_npy_read(&again, &offset, file, size + bytes, &why) != 0)
        broken("what was written is refused", why.text);
    if (offset != size || !same(shape, &again))
        broken("written and read it is another", header + 10);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wr_nn_shape shape = {.rank = -2};
    wr_nn_why why = {""};
    size_t offset = SIZE_MAX;
    uint8_t *copy = malloc(size != 0 ? size : 1);
    if (copy == NULL)
        abort();
    if (size != 0)
        memcpy(copy, data, size);
    int error = wr_nn_npy_read(&shape, &offset, copy, size, &why);
    if (error != 0) {
        if ((error != -EINVAL && error != -ENOTSUP) || why.text[0] == '\0' ||
            strpbrk(why.text, "\n\r") != NULL)
            broken("not one line", why.text);
        if (shape.rank != -2 || offset != SIZE_MAX)
            broken("refused, and something was given", why.text);
    } else {
        if (shape.rank < 0 || shape.rank > WR_NN_RANK_MAX || offset > size ||
            wr_nn_bytes(&shape) != size - offset)
            broken("data that is not as long as its shape", "");
        write_and_read(&shape);
    }
    free(copy);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: right files in several spellings, damaged a little

static size_t seed_shape(wr_nn_shape *shape) {
    static const wr_nn_type types[] = {WR_NN_F32, WR_NN_I32, WR_NN_I64,
                                       WR_NN_BOOL, WR_NN_F64};
    *shape = (wr_nn_shape){.type = types[below(5)],
                           .rank = (int)below(WR_NN_RANK_MAX + 1)};
    for (int i = 0; i < shape->rank; i++)
        shape->dim[i] = below(9) == 0 ? 0 : 1 + (int64_t)below(3);
    size_t bytes = wr_nn_bytes(shape);
    return bytes > INPUT_MAX / 2 ? 0 : bytes;
}

// As other programs write one: in any order, with either quote, version 2.
static size_t seed_by_hand(char *out) {
    static const char *const type[] = {"<f4", "|b1", "<i8", ">f4", "|O"};
    static const char *const shape[] = {
        "()",  "(3,)",    "(2, 2)",    "(0,)",
        "(4)", "(1,2,3)", "( 1 , 1 )", "(99999999999999999999,)"};
    char text[3][64];
    snprintf(text[0], 64, "'descr': \"%s\"", type[below(5)]);
    snprintf(text[1], 64, "'fortran_order': %s", below(5) ? "False" : "True");
    snprintf(text[2], 64, "\"shape\": %s", shape[below(8)]);
    size_t first = below(3), begin = below(2) ? 10 : 12;
    int length =
        snprintf(out + begin, INPUT_MAX / 2, "{%s, %s,%s%s}%*s\n", text[first],
                 text[(first + 1) % 3], text[(first + 2) % 3],
                 below(2) ? ", " : "", (int)below(40), "");
    memcpy(out, "\x93NUMPY", 6);
    out[6] = begin == 10 ? 1 : 2;
    out[7] = 0;
    memset(out + 8, 0, begin - 8);
    out[8] = (char)(length & 0xff);
    out[9] = (char)(length >> 8);
    size_t data = below(2) ? 4 : below(40);
    memset(out + begin + length, (int)below(256), data);
    return begin + (size_t)length + data;
}

static void one_round(void) {
    static const char odd[] = "\0\x01{}()',:\" \n0123456789<>|fib\xff";
    static uint8_t data[2 * INPUT_MAX];
    wr_nn_shape shape;
    size_t bytes = seed_shape(&shape), size;
    if (below(2)) {
        size = wr_nn_npy_header((char *)data, &shape);
        memset(data + size, (int)below(2), bytes);
        size += bytes;
    } else {
        size = seed_by_hand((char *)data);
    }
    if (below(4) > 0)
        size = fuzz_damage(data, size, odd, sizeof(odd) - 1, 6, 80);
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_npy", one_round);
}
