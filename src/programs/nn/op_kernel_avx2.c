// SPDX-License-Identifier: MIT
//
// The inner loops for x86-64 with AVX2. No compiler flag is needed, the
// functions carry their target. FMA is left out on purpose: see op_kernel.h.
#define TARGET __attribute__((target("avx2")))
#define KERNELS wr_nn_kernels_avx2
#define KERNELS_NAME "avx2"

#include "programs/nn/op_kernel_body.h"

const wr_nn_kernels *wr_nn_kernels_best(void) {
    if (__builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return &wr_nn_kernels_avx512;
    return __builtin_cpu_supports("avx2") ? &wr_nn_kernels_avx2
                                          : &wr_nn_kernels_plain;
}
