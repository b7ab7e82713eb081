// SPDX-License-Identifier: MIT
// The table of regions when its hash is of no use. The hash is replaced: all
// that is in region.c is compiled here, with another one in its place.
#include <stddef.h>
#include <stdint.h>

// A macro for this file alone: what follows calls chosen_hash.
#define wr_hash_secret chosen_secret
#define wr_hash chosen_hash
#include "graph/region.c"

#include "support/check.h"
#include "support/graph_region.h"

static enum { ALL_EQUAL, FEW_DIFFERENT, EVEN_SERIES } kind;

uint64_t chosen_hash(const wr_hash_secret *key, const void *bytes,
                     size_t size) {
    uint64_t words[4];
    (void)key;
    CHECK_EQ(size, sizeof(words));
    memcpy(words, bytes, sizeof(words));
    switch (kind) {
    case ALL_EQUAL: return 7;
    case FEW_DIFFERENT: return (words[0] + words[1]) % 3;
    case EVEN_SERIES: break;
    }
    return words[0] << 4;
}

static void compare_with_maps(void) {
    for (uint64_t seed = 0; seed < 150; seed++) {
        uint64_t state = seed;
        table t;
        table_taste taste;
        table_init(&t, 2 + wr_random_below(&state, 300));
        table_taste_init(&taste, &state, (uint32_t)t.size);
        for (int i = 0; i < 200; i++) {
            wr_shape shape;
            table_shape(&taste, &state, &shape);
            TABLE_CHECK(table_name(&t, &shape) != NULL);
            if (i % 64 == 63) {
                for (size_t j = 0; j < t.count; j++)
                    t.of[j].quiet = wr_random_below(&state, 2) == 0;
                table_sweep(&t);
                table_compare_all(&t);
            }
        }
        table_compare_all(&t);
        table_end(&t);
    }
}

// 13: two buffers with the same hash were one. Here a hash decides nothing:
// the full shape is compared.
static void d13_shapes_of_one_hash_are_two(void) {
    kind = ALL_EQUAL;
    compare_with_maps();
    kind = FEW_DIFFERENT;
    compare_with_maps();
}

static bool never(wr_region *region) {
    (void)region;
    return false;
}

// A hash that is an even series makes no long runs of slots: with those, this
// would take hours.
static void an_even_series_spreads(void) {
    enum { MANY = 300000 };
    kind = EVEN_SERIES;
    wr_regions *regions;
    CHECK_EQ(wr_regions_create(&regions, (size_t)MANY * 8, never), 0);
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < MANY; i++) {
            wr_shape shape = {i * 8, 8, 0, 1};
            wr_region *region;
            CHECK_EQ(wr_regions_find(regions, &shape, false, &region), 0);
            CHECK_EQ(region->shape.offset, i * 8);
        }
    CHECK_EQ(wr_regions_count(regions), MANY);
    wr_regions_destroy(regions);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"d13_shapes_of_one_hash_are_two", d13_shapes_of_one_hash_are_two},
        {"an_even_series_spreads", an_even_series_spreads},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
