// SPDX-License-Identifier: MIT
// numpy's files: ours are read back, numpy's are read, others are refused.
#include "programs/nn/graph.h"
#include "programs/nn/npy.h"
#include "support/check.h"

#include <errno.h>

enum { FILE_MAX = 4096 };

// A file as numpy would write it, with the header given; returns its size.
static size_t file_of(uint8_t *file, int version, const char *header,
                      size_t elements) {
    size_t length = strlen(header), at = 0;
    memcpy(file, "\x93NUMPY", 6);
    at = 6;
    file[at++] = (uint8_t)version;
    file[at++] = 0;
    for (int i = 0; i < (version == 1 ? 2 : 4); i++)
        file[at++] = (uint8_t)(length >> (8 * i));
    memcpy(file + at, header, length);
    memset(file + at + length, 7, elements);
    return at + length + elements;
}

static int status_of(int version, const char *header, size_t elements) {
    uint8_t file[FILE_MAX];
    wr_nn_shape shape;
    size_t offset;
    wr_nn_why why = {""};
    size_t size = file_of(file, version, header, elements);
    int status = wr_nn_npy_read(&shape, &offset, file, size, &why);
    CHECK(status == 0 || (why.text[0] != '\0' && !strchr(why.text, '\n')));
    return status;
}

static void what_is_written_is_read_back(void) {
    static const wr_nn_type types[] = {WR_NN_F32, WR_NN_I32, WR_NN_I64,
                                       WR_NN_BOOL, WR_NN_F64};
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
        for (int rank = 0; rank <= WR_NN_RANK_MAX; rank++) {
            wr_nn_shape shape = {.type = types[t], .rank = rank};
            for (int i = 0; i < rank; i++)
                shape.dim[i] = 1 + i % 3;
            char file[FILE_MAX];
            size_t header = wr_nn_npy_header(file, &shape);
            CHECK(header > 0 && header <= WR_NN_NPY_HEADER_MAX);
            CHECK_EQ(header % 64, 0);
            size_t bytes = wr_nn_bytes(&shape), offset = 0;
            CHECK(header + bytes <= sizeof(file));
            wr_nn_shape read;
            wr_nn_why why;
            CHECK_EQ(wr_nn_npy_read(&read, &offset, file, header + bytes, &why),
                     0);
            CHECK_EQ(offset, header);
            CHECK(wr_nn_same_shape(&read, &shape));
        }
    wr_nn_shape none = {.type = WR_NN_NONE, .rank = 0};
    char header[WR_NN_NPY_HEADER_MAX];
    CHECK_EQ(wr_nn_npy_header(header, &none), 0);
}

static void the_longest_header_fits(void) {
    wr_nn_shape shape = {.type = WR_NN_F32, .rank = WR_NN_RANK_MAX};
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = INT64_MAX;
    char header[WR_NN_NPY_HEADER_MAX];
    CHECK(wr_nn_npy_header(header, &shape) <= sizeof(header));
}

static void numpys_files_are_read(void) {
    uint8_t file[FILE_MAX];
    wr_nn_shape shape;
    size_t offset;
    wr_nn_why why;
    for (int version = 1; version <= 2; version++) {
        size_t size = file_of(file, version,
                              "{'descr': '<f4', 'fortran_order': False, "
                              "'shape': (2, 3), }          \n",
                              24);
        CHECK_EQ(wr_nn_npy_read(&shape, &offset, file, size, &why), 0);
        CHECK_EQ(offset, size - 24);
        wr_nn_shape wanted = {WR_NN_F32, 2, {2, 3}};
        CHECK(wr_nn_same_shape(&shape, &wanted));
    }
    // Scalars, one dimension, other quotes and another order.
    CHECK_EQ(status_of(1,
                       "{'descr': '<i8', 'fortran_order': False, "
                       "'shape': (), }\n",
                       8),
             0);
    CHECK_EQ(status_of(1,
                       "{'descr': '|b1', 'fortran_order': False, "
                       "'shape': (5,), }\n",
                       5),
             0);
    CHECK_EQ(status_of(1,
                       "{\"shape\":(5,2),\"fortran_order\":False,"
                       "\"descr\":\"<i4\"}",
                       40),
             0);
    CHECK_EQ(status_of(1,
                       "{'descr': '<f4', 'fortran_order': False, "
                       "'shape': (3, 0), }\n",
                       0),
             0);
}

static void what_we_do_not_have_is_refused(void) {
    static const char *const types[] = {"'>f4'", "'<f2'", "'|u1'",
                                        "'<c8'", "'|S5'", "[('a', '<f4')]"};
    char header[256];
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        snprintf(header, sizeof(header),
                 "{'descr': %s, 'fortran_order': False, 'shape': (1,), }\n",
                 types[i]);
        CHECK_EQ(status_of(1, header, 4), -ENOTSUP);
    }
    CHECK_EQ(status_of(1,
                       "{'descr': '<f4', 'fortran_order': True, "
                       "'shape': (2, 2), }\n",
                       16),
             -ENOTSUP);
    CHECK_EQ(status_of(1,
                       "{'descr': '<f4', 'fortran_order': False, "
                       "'shape': (1,1,1,1,1,1,1,1,1), }\n",
                       4),
             -ENOTSUP);
    CHECK_EQ(status_of(3,
                       "{'descr': '<f4', 'fortran_order': False, "
                       "'shape': (1,), }\n",
                       4),
             -ENOTSUP);
}

static void damaged_headers_are_refused(void) {
    static const char *const headers[] = {
        "",
        "{",
        "{}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'shape': (1,)}",
        "{'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,) x}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4', 'fortran_order': No, 'shape': (1,)}",
        "{'descr': '<f4",
        "{'descr' '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, "
        "'shape': (1,)}",
        "{'descr': '<f4', 'more': 1, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, "
        "'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, "
        "'shape': (4611686018427387904, 4)}",
        "{'descr': '<f4', 'fortran_order': False, "
        "'shape': (4294967296, 4294967296)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        CHECK_EQ(status_of(1, headers[i], 4), -EINVAL);
}

// In memory of its own size, so that a sanitizer sees a look past the end.
static int read_copy(const uint8_t *file, size_t size) {
    uint8_t *copy = malloc(size + (size == 0));
    CHECK(copy != NULL);
    memcpy(copy, file, size);
    wr_nn_shape shape;
    size_t offset = 0;
    wr_nn_why why;
    int status = wr_nn_npy_read(&shape, &offset, copy, size, &why);
    if (status == 0)
        CHECK_EQ(offset + wr_nn_bytes(&shape), size);
    free(copy);
    return status;
}

static void no_damage_is_more_than_an_error(void) {
    uint8_t file[FILE_MAX];
    for (int version = 1; version <= 2; version++) {
        size_t size = file_of(file, version,
                              "{'descr': '<f4', 'fortran_order': False, "
                              "'shape': (2, 3), }\n",
                              24);
        CHECK_EQ(read_copy(file, size), 0);
        for (size_t cut = 0; cut < size; cut++)
            CHECK(read_copy(file, cut) != 0);
        CHECK_EQ(read_copy(file, size + 1), -EINVAL);
        int taken = 0;
        for (size_t at = 0; at < size - 24; at++)
            for (int value = 0; value < 256; value++) {
                uint8_t kept = file[at];
                file[at] = (uint8_t)value;
                taken += read_copy(file, size) == 0;
                file[at] = kept;
            }
        // Each place as it was, i4 for f4, (3, 2) and the like: few.
        CHECK(taken >= (int)(size - 24) && taken < 2 * (int)(size - 24));
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"what_is_written_is_read_back", what_is_written_is_read_back},
        {"the_longest_header_fits", the_longest_header_fits},
        {"numpys_files_are_read", numpys_files_are_read},
        {"what_we_do_not_have_is_refused", what_we_do_not_have_is_refused},
        {"damaged_headers_are_refused", damaged_headers_are_refused},
        {"no_damage_is_more_than_an_error", no_damage_is_more_than_an_error},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
