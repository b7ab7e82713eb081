// SPDX-License-Identifier: MIT
//
// In place of op_kernel_avx2.c where the processor is not x86-64.
#include "programs/nn/op_kernel.h"

const wr_nn_kernels *wr_nn_kernels_best(void) { return &wr_nn_kernels_plain; }
