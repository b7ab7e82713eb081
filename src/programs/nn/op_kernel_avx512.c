// SPDX-License-Identifier: MIT
//
// The inner loops for x86-64 with AVX-512; see op_kernel_avx2.c.
#define TARGET                                                                 \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2")))
#define KERNELS wr_nn_kernels_avx512
#define KERNELS_NAME "avx512"

#include "programs/nn/op_kernel_body.h"
