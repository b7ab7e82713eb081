// SPDX-License-Identifier: MIT
//
// In place of hash_x86.c and the kernels behind it, on an architecture for
// which there are none yet: the portable set serves.
#include "programs/delta/kernels.h"

void wr_hash_native(const wr_hash_kernels *sets[WR_HASH_SETS]) {
    sets[0] = NULL;
}
