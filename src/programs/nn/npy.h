// SPDX-License-Identifier: MIT
//
// Arrays in files of numpy's (.npy): read and written in versions 1.0 and 2.0,
// little endian, C order, of the types that the engine has.
// Source: "NEP 1: A simple file format for NumPy arrays".
//   threads    any; nothing is shared.
//   blocking   none but the file that is written.
//   ownership  the caller's memory throughout.
//   errors     0 or a negative errno with one line in *why: -EINVAL (not such a
//              file, or damaged), -ENOTSUP (Fortran order, another type).
#ifndef WEIR_PROGRAMS_NN_NPY_H
#define WEIR_PROGRAMS_NN_NPY_H

#include "programs/nn/types.h"

// wr_nn_npy_read finds the shape and where the elements begin; after them
// nothing may follow. The bytes may be anything.
int wr_nn_npy_read(wr_nn_shape *shape, size_t *offset, const void *bytes,
                   size_t size, wr_nn_why *why);

// wr_nn_npy_header writes what stands before the elements and returns its
// length; 0: the type has no name there.
enum { WR_NN_NPY_HEADER_MAX = 320 };
size_t wr_nn_npy_header(char header[WR_NN_NPY_HEADER_MAX],
                        const wr_nn_shape *shape);

#endif
