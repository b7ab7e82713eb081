// SPDX-License-Identifier: MIT
//
// The inner loops for any processor.
#define TARGET
#define KERNELS wr_nn_kernels_plain
#define KERNELS_NAME "portable"

#include "programs/nn/op_kernel_body.h"
