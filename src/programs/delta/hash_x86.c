// SPDX-License-Identifier: MIT
//
// The sets of kernels for x86-64, and which of them this CPU can run.
#include "programs/delta/kernels.h"

// From which count on a wider step beats a narrower one is measured by
// bench/hash.c ("few buffers").
static const wr_hash_kernels avx2 = {
    .name = "avx2",
    .strong =
        {
            [WR_STRONG_MD4] = {{8, 2, wr_md4_avx2}, {1, 1, wr_md4_portable}},
            [WR_STRONG_BLAKE2B] = {{4, 2, wr_blake2b_avx2},
                                   {1, 1, wr_blake2b_portable}},
        },
    .weak =
        {
            [WR_WEAK_ROLLSUM] = wr_rollsum_avx2,
            [WR_WEAK_RABINKARP] = wr_rabinkarp_avx2,
        },
    .scan =
        {
            [WR_WEAK_ROLLSUM] = wr_scan_rollsum_avx2,
            [WR_WEAK_RABINKARP] = wr_scan_rabinkarp_avx2,
        },
};

static const wr_hash_kernels avx512 = {
    .name = "avx512",
    .strong =
        {
            [WR_STRONG_MD4] = {{16, 9, wr_md4_avx512},
                               {8, 2, wr_md4_avx2},
                               {1, 1, wr_md4_portable}},
            [WR_STRONG_BLAKE2B] = {{8, 5, wr_blake2b_avx512},
                                   {4, 2, wr_blake2b_avx2},
                                   {1, 1, wr_blake2b_portable}},
        },
    .weak =
        {
            [WR_WEAK_ROLLSUM] = wr_rollsum_avx2,
            [WR_WEAK_RABINKARP] = wr_rabinkarp_avx512,
        },
    .scan =
        {
            [WR_WEAK_ROLLSUM] = wr_scan_rollsum_avx2,
            [WR_WEAK_RABINKARP] = wr_scan_rabinkarp_avx2,
        },
};

// __builtin_cpu_supports asks cpuid and, through xgetbv, whether the kernel
// saves these registers. The avx512 set has functions of the avx2 set too.
void wr_hash_native(const wr_hash_kernels *sets[WR_HASH_SETS]) {
    size_t count = 0;
    bool has_avx2 = __builtin_cpu_supports("avx2") &&
                    __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("popcnt");
    if (has_avx2 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        sets[count++] = &avx512;
    if (has_avx2)
        sets[count++] = &avx2;
    sets[count] = NULL;
}
