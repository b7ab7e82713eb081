// SPDX-License-Identifier: MIT
#include "programs/delta/hash.h"

#include <string.h>

#include "programs/delta/blake2b.h"
#include "programs/delta/kernels.h"
#include "programs/delta/md4.h"

const wr_hash_kernels wr_hash_portable = {
    .name = "portable",
    .strong =
        {
            [WR_STRONG_MD4] = {{1, 1, wr_md4_portable}},
            [WR_STRONG_BLAKE2B] = {{1, 1, wr_blake2b_portable}},
        },
    .weak =
        {
            [WR_WEAK_ROLLSUM] = wr_rollsum_portable,
            [WR_WEAK_RABINKARP] = wr_rabinkarp_portable,
        },
    .scan =
        {
            [WR_WEAK_ROLLSUM] = wr_scan_rollsum_portable,
            [WR_WEAK_RABINKARP] = wr_scan_rabinkarp_portable,
        },
};

const wr_hash_kernels *wr_hash_best(void) {
    const wr_hash_kernels *sets[WR_HASH_SETS];
    wr_hash_native(sets);
    return sets[0] != NULL ? sets[0] : &wr_hash_portable;
}

const wr_hash_kernels *wr_hash_by_name(const char *name) {
    const wr_hash_kernels *sets[WR_HASH_SETS];
    wr_hash_native(sets);
    for (size_t i = 0; sets[i] != NULL; i++)
        if (strcmp(sets[i]->name, name) == 0)
            return sets[i];
    return strcmp(name, wr_hash_portable.name) == 0 ? &wr_hash_portable : NULL;
}

const char *wr_hash_name(const wr_hash_kernels *kernels) {
    return kernels->name;
}

size_t wr_strong_size(wr_strong_kind kind) {
    return kind == WR_STRONG_MD4 ? WR_MD4_SUM : WR_BLAKE2B_SUM;
}

size_t wr_strong_lanes(const wr_hash_kernels *kernels, wr_strong_kind kind) {
    return kernels->strong[kind][0].lanes;
}

void wr_strong_many(const wr_hash_kernels *kernels, wr_strong_kind kind,
                    const uint8_t *const *data, size_t len, size_t count,
                    uint8_t (*out)[WR_STRONG_MAX]) {
    const wr_strong_step *step = kernels->strong[kind];
    while (count > 0) {
        while (count < step->worth)
            step++;
        if (count >= step->lanes) {
            step->sum(data, len, out);
            data += step->lanes;
            out += step->lanes;
            count -= step->lanes;
            continue;
        }
        // The lanes left over sum the last buffer again.
        const uint8_t *lanes[WR_STRONG_LANES_MAX];
        uint8_t sums[WR_STRONG_LANES_MAX][WR_STRONG_MAX];
        for (size_t i = 0; i < step->lanes; i++)
            lanes[i] = data[i < count ? i : count - 1];
        step->sum(lanes, len, sums);
        for (size_t i = 0; i < count; i++)
            memcpy(out[i], sums[i], wr_strong_size(kind));
        return;
    }
}

uint32_t wr_weak_block(const wr_hash_kernels *kernels, wr_weak_kind kind,
                       const uint8_t *data, size_t len) {
    return kernels->weak[kind](data, len);
}

size_t wr_scan(const wr_hash_kernels *kernels, const wr_roll *roll,
               const wr_filter *filter, const uint8_t *data, size_t from,
               size_t to, uint32_t *weak) {
    if (from >= to)
        return to;
    return kernels->scan[roll->kind](roll, filter, data, from, to, weak);
}
