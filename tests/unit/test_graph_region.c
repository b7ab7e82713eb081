// SPDX-License-Identifier: MIT
// The table of regions. Cases that begin with d are answers to defects of the
// reference system, by their number in our notes on it. What its own tests of
// the table of producers assert (24), and where it is asserted here: "graph":
// what is remembered about a region is the graph's, and so are its tests;
// "shape": test_graph_shape.c; "-": does not apply.
//
// | theirs                                  | ours                           |
// | --------------------------------------- | ------------------------------ |
// | LookupEmptyReturnsInvalid               | a_new_region_is_empty          |
// | InsertAndLookup                         | a_shape_is_found_again         |
// | OverwriteExistingEntry                  | a_shape_is_found_again         |
// | EraseTaskOutputs                        | what_is_quiet_is_forgotten     |
// | EraseWithEmptyKeyList                   | -: nothing is erased by key    |
// | MultipleEntries                         | a_region_stays_where_it_is     |
// | SamePtrDifferentEndpointAreDistinct     | -: a buffer is one buffer      |
// | HostAndChildKeyAreDistinct              | -                              |
// | EraseChildKeyLeavesHostKey              | -                              |
// | SameAddressIsNamespacedByRun            | -: flows share their data      |
// | EraseKeepsNewerSameRunProducer          | graph                          |
// | DisjointRangesUnderOneKeyAre...         | what_touches_is_no_neighbour   |
// | OverlappingRangeResolvesEvery...        | all_that_overlap_are_neighbours|
// | TouchingRangesDoNotOverlap              | what_touches_is_no_neighbour   |
// | CoveringWriteSupersedesTheEntries...    | what_is_covered_is_marked      |
// | PartiallyCoveredProducerSurvives...     | what_is_covered_is_marked      |
// | EraseDropsEveryRangeATaskStillOwns      | what_is_quiet_is_forgotten     |
// | AWholeBackingWriteSupersedesEvery...    | a_whole_buffer_covers_all      |
// | DisjointColumnBlocksAreIndependent...   | columns_are_no_neighbours      |
// | DisjointTilesAreIndependentProducers    | tiles_know_their_panels        |
// | TilesSharingABlockStillDepend           | tiles_know_their_panels        |
// | ATileWriteSupersedesOnlyTheTilesIt...   | tiles_know_their_panels        |
// | ARowBlockAndAColumnBlockCross           | tiles_know_their_panels, shape |
// | MismatchedAxisLayoutsFallBackTo...      | it_is_what_maps_of_bytes_say:  |
// |                                         | exact for any two              |
#include "base/fault.h"
#include "graph/region.h"
#include "support/check.h"
#include "support/graph_region.h"

#include <errno.h>

static bool never_quiet(wr_region *region) {
    (void)region;
    return false;
}

static bool always_quiet(wr_region *region) {
    (void)region;
    return true;
}

static size_t asked;
static bool quiet_if_unmarked(wr_region *region) {
    asked++;
    return region->user == NULL;
}

static wr_regions *made(size_t size, bool (*quiet)(wr_region *region)) {
    wr_regions *regions;
    CHECK_EQ(wr_regions_create(&regions, size, quiet), 0);
    return regions;
}

static wr_region *tile(wr_regions *regions, size_t offset, size_t bytes,
                       size_t stride, uint32_t rows) {
    wr_shape shape;
    wr_region *region;
    CHECK_EQ(wr_shape_make(&shape, SIZE_MAX, offset, bytes, stride, rows), 0);
    CHECK_EQ(wr_regions_find(regions, &shape, false, &region), 0);
    return region;
}

static wr_region *piece(wr_regions *regions, size_t offset, size_t bytes) {
    return tile(regions, offset, bytes, 0, 1);
}

static const wr_neighbour *of(const wr_region *a, const wr_region *b) {
    const wr_neighbour *found = NULL;
    for (uint32_t i = 0; i < a->neighbours_count; i++)
        if (a->neighbours[i].region == b) {
            CHECK(found == NULL);
            found = &a->neighbours[i];
        }
    return found;
}

static void a_new_region_is_empty(void) {
    wr_regions *regions = made(100, never_quiet);
    CHECK_EQ(wr_regions_count(regions), 0);
    wr_region *a = piece(regions, 10, 10);
    CHECK(a->marks == NULL && a->user == NULL);
    CHECK_EQ(a->neighbours_count, 0);
    CHECK_EQ(wr_regions_count(regions), 1);
    wr_regions_destroy(regions);
    wr_regions_destroy(NULL);
}

static void a_shape_is_found_again(void) {
    wr_regions *regions = made(1000, never_quiet);
    wr_region *first[100];
    for (size_t turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < 100; i++) {
            wr_region *a = tile(regions, i, 3, 7, (uint32_t)(i % 3 + 2));
            CHECK(turn == 0 || first[i] == a);
            first[i] = a;
        }
    CHECK_EQ(wr_regions_count(regions), 100);
    wr_regions_destroy(regions);
}

static void a_region_stays_where_it_is(void) {
    enum { MANY = 100000 };
    wr_regions *regions = made((size_t)MANY * 64, never_quiet);
    wr_region **first = malloc(MANY * sizeof(*first));
    CHECK(first != NULL);
    for (size_t i = 0; i < MANY; i++) {
        first[i] = piece(regions, i * 64, 64);
        first[i]->user = &first[i];
    }
    for (size_t i = 0; i < MANY; i++) {
        CHECK(piece(regions, i * 64, 64) == first[i]);
        CHECK(first[i]->user == &first[i]);
        CHECK_EQ(first[i]->shape.offset, i * 64);
    }
    CHECK_EQ(wr_regions_count(regions), MANY);
    free(first);
    wr_regions_destroy(regions);
}

static void count_user(void *argument, wr_region *region) {
    (void)argument;
    ++*(int *)region->user;
}

static void each_visits_all_once(void) {
    static int visits[3000];
    wr_regions *regions = made(3000, never_quiet);
    for (size_t i = 0; i < 3000; i++)
        piece(regions, i, 1)->user = &visits[i];
    wr_regions_each(regions, count_user, NULL);
    for (size_t i = 0; i < 3000; i++)
        CHECK_EQ(visits[i], 1);
    wr_regions_destroy(regions);
}

// ---- neighbours ------------------------------------------------------------

static void what_touches_is_no_neighbour(void) {
    wr_regions *regions = made(1000, never_quiet);
    for (size_t i = 0; i < 100; i++)
        CHECK_EQ(piece(regions, i * 10, 10)->neighbours_count, 0);
    wr_regions_destroy(regions);
}

static void all_that_overlap_are_neighbours(void) {
    wr_regions *regions = made(1000, never_quiet);
    wr_region *a[100];
    for (size_t i = 0; i < 100; i++)
        a[i] = piece(regions, i * 10, 10);
    wr_region *over = piece(regions, 315, 100);
    CHECK_EQ(over->neighbours_count, 11);
    for (size_t i = 0; i < 100; i++) {
        bool is = i >= 31 && i <= 41;
        CHECK_EQ(of(over, a[i]) != NULL, is);
        CHECK_EQ(of(a[i], over) != NULL, is);
        CHECK_EQ(a[i]->neighbours_count, is);
    }
    wr_regions_destroy(regions);
}

static void what_is_covered_is_marked(void) {
    wr_regions *regions = made(1000, never_quiet);
    wr_region *in = piece(regions, 100, 50), *half = piece(regions, 180, 50);
    wr_region *wide = piece(regions, 50, 150);
    CHECK(of(wide, in)->covered);
    CHECK(!of(in, wide)->covered);
    CHECK(!of(wide, half)->covered);
    CHECK(!of(half, wide)->covered);
    wr_region *inner = piece(regions, 110, 5); // the new one is covered
    CHECK(!of(inner, in)->covered);
    CHECK(of(in, inner)->covered);
    CHECK(of(wide, inner)->covered);
    CHECK(of(half, inner) == NULL);
    wr_regions_destroy(regions);
}

static void a_whole_buffer_covers_all(void) {
    for (int first = 0; first < 2; first++) {
        wr_regions *regions = made(64 * 64, never_quiet);
        if (first)
            piece(regions, 0, 64 * 64);
        for (size_t i = 0; i < 64; i++)
            tile(regions, i, 1, 64, 64);
        wr_region *whole = piece(regions, 0, 64 * 64);
        CHECK_EQ(whole->neighbours_count, 64);
        for (uint32_t i = 0; i < 64; i++) {
            CHECK(whole->neighbours[i].covered);
            wr_region *column = whole->neighbours[i].region;
            CHECK_EQ(column->neighbours_count, 1);
            CHECK(!column->neighbours[0].covered);
        }
        wr_regions_destroy(regions);
    }
}

static void columns_are_no_neighbours(void) {
    wr_regions *regions = made(100 * 1000, never_quiet);
    for (size_t i = 0; i < 100; i++)
        CHECK_EQ(tile(regions, i * 10, 10, 1000, 100)->neighbours_count, 0);
    // 5 bytes into the next row, after all that is there.
    CHECK_EQ(tile(regions, 995, 10, 1000, 99)->neighbours_count, 2);
    wr_regions_destroy(regions);
}

static void tiles_know_their_panels(void) {
    enum { N = 8, T = 16, ROW = N * T };
    wr_regions *regions = made(ROW * ROW, never_quiet);
    wr_region *tiles[N][N], *rows[N], *columns[N];
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            tiles[i][j] = tile(regions, i * T * ROW + j * T, T, ROW, T);
    for (size_t i = 0; i < N; i++) {
        rows[i] = piece(regions, i * T * ROW, T * ROW);
        columns[i] = tile(regions, i * T, T, ROW, ROW);
    }
    wr_region *middle = tile(regions, T / 2 * ROW + T / 2, T, ROW, T);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            bool four = i < 2 && j < 2;
            CHECK_EQ(tiles[i][j]->neighbours_count, 2 + four);
            CHECK(of(rows[i], tiles[i][j])->covered);
            CHECK(of(columns[j], tiles[i][j])->covered);
            CHECK(!of(rows[i], columns[j])->covered);
            CHECK(!of(columns[i], rows[j])->covered);
            CHECK_EQ(of(middle, tiles[i][j]) != NULL, four);
            if (four)
                CHECK(!of(middle, tiles[i][j])->covered);
        }
    for (size_t i = 0; i < N; i++) {
        CHECK_EQ(rows[i]->neighbours_count, 2 * N + (i < 2));
        CHECK_EQ(columns[i]->neighbours_count, 2 * N + (i < 2));
    }
    wr_regions_destroy(regions);
}

// ---- forgetting ------------------------------------------------------------

static void what_is_quiet_is_forgotten(void) {
    wr_regions *regions = made(10000, quiet_if_unmarked);
    wr_region *whole = piece(regions, 0, 10000);
    whole->user = regions;
    for (size_t i = 0; i < 100; i++)
        if (i % 10 == 0)
            piece(regions, i * 100, 100)->user = regions;
        else
            piece(regions, i * 100, 100);
    CHECK_EQ(whole->neighbours_count, 100);
    wr_regions_sweep(regions);
    CHECK_EQ(wr_regions_count(regions), 11);
    CHECK_EQ(whole->neighbours_count, 10);
    for (uint32_t i = 0; i < 10; i++)
        CHECK(whole->neighbours[i].region->shape.offset % 1000 == 0);
    CHECK(piece(regions, 0, 10000) == whole);
    // What was forgotten is new, and finds its neighbours again.
    wr_region *again = piece(regions, 100, 100);
    CHECK(again->user == NULL && of(whole, again) != NULL);
    CHECK_EQ(whole->neighbours_count, 11);
    wr_regions_destroy(regions);
}

// A list of thousands becomes one of a few, and long again.
static void long_lists_come_and_go(void) {
    enum { MANY = 3000 };
    wr_regions *regions = made(MANY * 8, quiet_if_unmarked);
    wr_region *whole = piece(regions, 0, MANY * 8);
    whole->user = regions;
    for (size_t turn = 0; turn < 4; turn++) {
        for (size_t i = 0; i < MANY; i++)
            if (i % 1000 == turn)
                piece(regions, i * 8, 8)->user = regions;
            else
                piece(regions, i * 8, 8);
        CHECK_EQ(whole->neighbours_count, MANY);
        wr_region *half = piece(regions, 0, MANY * 4);
        CHECK_EQ(half->neighbours_count, MANY / 2 + 1);
        CHECK_EQ(whole->neighbours_count, MANY + 1);
        wr_regions_sweep(regions);
        CHECK_EQ(whole->neighbours_count, 3 * (turn + 1));
        for (uint32_t i = 0; i < whole->neighbours_count; i++)
            CHECK_EQ(whole->neighbours[i].region->neighbours_count, 1);
    }
    wr_regions_destroy(regions);
}

static void what_is_kept_is_not_swept(void) {
    wr_regions *regions = made(1 << 20, always_quiet);
    wr_shape shape;
    wr_region *region, *first = piece(regions, 0, 8);
    for (size_t i = 1; i < 60000; i++) {
        CHECK_EQ(wr_shape_make(&shape, 1 << 20, i * 8, 8, 0, 1), 0);
        CHECK_EQ(wr_regions_find(regions, &shape, true, &region), 0);
    }
    CHECK_EQ(wr_regions_count(regions), 60000);
    CHECK(piece(regions, 0, 8) == first); // a known one sweeps nothing
    CHECK_EQ(wr_regions_count(regions), 60000);
    piece(regions, 1, 8);
    CHECK_EQ(wr_regions_count(regions), 1);
    wr_regions_destroy(regions);
}

// 400000 different pieces of which a thousand at a time mean something.
static void it_does_not_grow_with_what_was(void) {
    enum { LIVE = 1000 };
    static wr_region *live[LIVE];
    wr_regions *regions = made((size_t)1 << 40, quiet_if_unmarked);
    asked = 0;
    for (size_t i = 0; i < 400000; i++) {
        if (i >= LIVE)
            live[i % LIVE]->user = NULL;
        live[i % LIVE] = piece(regions, i * 16, 24);
        live[i % LIVE]->user = live;
        CHECK(wr_regions_count(regions) <= 32768 + 2 * LIVE + 1);
    }
    CHECK(asked < 3 * 400000);
    wr_regions_destroy(regions);
}

// Sweeps find nothing: they come the more seldom, the more there is.
static void sweeps_in_vain_are_few(void) {
    wr_regions *regions = made((size_t)1 << 40, quiet_if_unmarked);
    asked = 0;
    for (size_t i = 0; i < 200000; i++)
        piece(regions, i * 16, 16)->user = regions;
    CHECK_EQ(wr_regions_count(regions), 200000);
    CHECK(asked < 2 * 200000);
    wr_regions_destroy(regions);
}

// ---- memory ----------------------------------------------------------------

static void create_says_when_there_is_no_memory(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 1))
        SKIP("a build without faults");
    wr_regions *regions = NULL;
    CHECK_EQ(wr_regions_create(&regions, 10, never_quiet), -ENOMEM);
    CHECK(regions == NULL);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
}

// Each allocation of each find fails once.
static void a_find_without_memory_has_changed_nothing(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("a build without faults");
    unsigned failed = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        uint64_t state = seed;
        table t;
        table_taste taste;
        table_init(&t, 64 + wr_random_below(&state, 400));
        table_taste_init(&taste, &state, (uint32_t)t.size);
        for (int i = 0; i < 150; i++) {
            wr_shape shape;
            table_shape(&taste, &state, &shape);
            for (uint64_t at = 0;; at++) {
                size_t before = wr_regions_count(t.regions);
                wr_fault_arm(WR_FAULT_ALLOC, at, 1);
                table_entry *entry = table_name(&t, &shape);
                bool did_fail = wr_fault_seen(WR_FAULT_ALLOC) > at;
                wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
                CHECK_EQ(entry == NULL, did_fail);
                if (!did_fail)
                    break;
                failed++;
                CHECK_EQ(wr_regions_count(t.regions), before);
                if (i % 8 == 0)
                    table_compare_all(&t);
            }
        }
        table_compare_all(&t);
        table_end(&t);
    }
    CHECK(failed > 500);
}

// Sweeping needs none: without it, it gives less back.
static void a_sweep_needs_no_memory(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("a build without faults");
    table t;
    table_taste taste;
    uint64_t state = 1;
    table_init(&t, 2000);
    table_taste_init(&taste, &state, 2000);
    wr_shape shape;
    for (int i = 0; i < 1000; i++) {
        table_shape(&taste, &state, &shape);
        table_entry *entry = table_name(&t, &shape);
        CHECK(entry != NULL);
        entry->quiet = i % 9 != 0;
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, UINT64_MAX);
    table_sweep(&t);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    table_compare_all(&t);
    table_end(&t);
}

// ---- against maps of bytes -------------------------------------------------

static void rounds(table *t, const table_taste *taste, uint64_t *state,
                   int steps, int compare) {
    for (int step = 0; step < steps; step++) {
        wr_shape shape;
        table_shape(taste, state, &shape);
        table_entry *entry = table_name(t, &shape);
        if (entry == NULL)
            return;
        entry->quiet = false;
        if (step % compare == 0)
            table_compare(t, entry);
        if (wr_random_below(state, (uint32_t)steps / 4 + 1) == 0) {
            uint32_t chance = wr_random_below(state, 9);
            for (size_t i = 0; i < t->count; i++)
                t->of[i].quiet = wr_random_below(state, 8) < chance;
            table_sweep(t);
            table_compare_all(t);
        }
    }
    table_compare_all(t);
}

static void it_is_what_maps_of_bytes_say(void) {
    for (uint64_t seed = 0; seed < 2000; seed++) {
        uint64_t state = seed;
        table t;
        table_taste taste;
        table_init(&t, 2 + wr_random_below(&state, 250));
        table_taste_init(&taste, &state, (uint32_t)t.size);
        rounds(&t, &taste, &state, 20 + (int)seed % 60, 4);
        table_end(&t);
    }
}

static void it_is_so_with_many(void) {
    for (uint64_t seed = 0; seed < 16; seed++) {
        uint64_t state = seed;
        table t;
        table_taste taste;
        table_init(&t, 1000 + wr_random_below(&state, 3000));
        table_taste_init(&taste, &state, (uint32_t)t.size);
        rounds(&t, &taste, &state, 700, 16);
        table_end(&t);
    }
}

// ---- what a search costs ---------------------------------------------------

// Looks at no more than `each` nodes and regions for a new region, on average
// and for what overlaps it twice as many.
typedef struct cost {
    wr_regions *regions;
    uint64_t state;
    wr_shape *shapes;
    size_t count;
} cost;

enum { COST_MOST = 110000 };

static void cost_begin(cost *c) {
    *c = (cost){.regions = made((size_t)1 << 44, never_quiet)};
    c->shapes = malloc(COST_MOST * sizeof(*c->shapes));
    CHECK(c->shapes != NULL);
}

static void cost_add(cost *c, size_t offset, size_t bytes, size_t stride,
                     uint32_t rows) {
    CHECK(c->count < COST_MOST);
    CHECK_EQ(wr_shape_make(&c->shapes[c->count++], (size_t)1 << 44, offset,
                           bytes, stride, rows),
             0);
}

static void cost_end(cost *c, bool shuffled, uint64_t each) {
    for (size_t i = c->count; shuffled && i > 1; i--) {
        size_t j = wr_random_below(&c->state, (uint32_t)i);
        wr_shape swap = c->shapes[i - 1];
        c->shapes[i - 1] = c->shapes[j];
        c->shapes[j] = swap;
    }
    uint64_t hits = 0;
    for (size_t i = 0; i < c->count; i++) {
        wr_region *region;
        CHECK_EQ(wr_regions_find(c->regions, &c->shapes[i], false, &region), 0);
        hits += region->neighbours_count;
    }
    uint64_t looks = wr_regions_looks(c->regions);
    CHECK_EQ(wr_regions_count(c->regions), c->count);
    if (looks > each * c->count + 2 * hits)
        CHECK_FAIL("%llu looks for %zu regions and %llu overlaps",
                   (unsigned long long)looks, c->count,
                   (unsigned long long)hits);
    free(c->shapes);
    wr_regions_destroy(c->regions);
}

static void d10_slices_are_found_at_once(void) {
    for (int shuffled = 0; shuffled < 2; shuffled++)
        for (size_t n = 8000; n <= 100000; n += 92000) {
            cost c;
            cost_begin(&c);
            for (size_t i = 0; i < n; i++)
                cost_add(&c, i * 4096, 4096, 0, 1);
            cost_end(&c, shuffled, 12);
        }
}

static void d10_sliding_ranges_cost_what_they_overlap(void) {
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        cost c;
        cost_begin(&c);
        for (size_t i = 0; i < 8000; i++)
            cost_add(&c, i * 1024, 4096, 0, 1);
        cost_end(&c, shuffled, 16);
    }
}

static void d10_columns_are_found_at_once(void) {
    for (int shuffled = 0; shuffled < 2; shuffled++)
        for (size_t first = 0; first < 40; first += 20) { // 20: over the end
            cost c;
            cost_begin(&c);
            for (size_t i = 0; i < 8000; i++)
                cost_add(&c, first + i * 8, 8, 64000, 8000);
            cost_end(&c, shuffled, 12);
        }
}

static void d10_rows_and_tiles_are_found_at_once(void) {
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        cost c;
        cost_begin(&c);
        for (size_t i = 0; i < 64; i++)
            for (size_t j = 0; j < 64; j++)
                cost_add(&c, i * 64 * 8192 + j * 128, 128, 8192, 64);
        cost_end(&c, shuffled, 12);
        cost_begin(&c);
        for (size_t i = 0; i < 8000; i++)
            cost_add(&c, i * 64000 * 64, 64000 * 64, 0, 1);
        cost_end(&c, shuffled, 12);
    }
}

static void d10_tiles_panels_and_the_whole_too(void) {
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        cost c;
        cost_begin(&c);
        cost_add(&c, 0, 4096 * 8192, 0, 1);
        for (size_t i = 0; i < 64; i++) {
            for (size_t j = 0; j < 64; j++)
                cost_add(&c, i * 64 * 8192 + j * 128, 128, 8192, 64);
            cost_add(&c, i * 64 * 8192, 64 * 8192, 0, 1);
            cost_add(&c, i * 128, 128, 8192, 4096);
        }
        cost_end(&c, shuffled, 24);
    }
}

static void d10_two_strides_do_not_look_at_each_other(void) {
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        cost c;
        cost_begin(&c);
        for (size_t i = 0; i < 4000; i++)
            cost_add(&c, i * 8, 8, 64000, 8000);
        for (size_t i = 0; i < 4000; i++) // every other row, other columns
            cost_add(&c, 32000 + i * 8, 8, 128000, 4000);
        cost_end(&c, shuffled, 16);
    }
}

static void d10_many_strides_are_found_too(void) {
    cost c;
    cost_begin(&c);
    for (size_t i = 0; i < 8000; i++)
        cost_add(&c, i * 200000, 8, 64 + i % 1000, 100);
    cost_end(&c, true, 24);
}

// A search in a tree from which most is gone costs as in one that is new.
static void d10_what_was_forgotten_costs_nothing(void) {
    wr_regions *regions = made((size_t)1 << 40, quiet_if_unmarked);
    for (size_t turn = 0; turn < 5; turn++) {
        for (size_t i = 0; i < 20000; i++) {
            wr_region *region = piece(regions, (i * 7919 % 20000) * 64, 64);
            region->user = i % 10 == turn ? regions : NULL;
        }
        wr_regions_sweep(regions);
    }
    uint64_t before = wr_regions_looks(regions);
    CHECK_EQ(wr_regions_count(regions), 2000);
    for (size_t i = 0; i < 2000; i++)
        piece(regions, i * 640, 7);
    CHECK(wr_regions_looks(regions) - before < 2000 * 12);
    wr_regions_destroy(regions);
}

#define CASE(name)                                                             \
    { #name, name }
static const test_case cases[] = {
    CASE(a_new_region_is_empty),
    CASE(a_shape_is_found_again),
    CASE(a_region_stays_where_it_is),
    CASE(each_visits_all_once),
    CASE(what_touches_is_no_neighbour),
    CASE(all_that_overlap_are_neighbours),
    CASE(what_is_covered_is_marked),
    CASE(a_whole_buffer_covers_all),
    CASE(columns_are_no_neighbours),
    CASE(tiles_know_their_panels),
    CASE(what_is_quiet_is_forgotten),
    CASE(long_lists_come_and_go),
    CASE(what_is_kept_is_not_swept),
    CASE(it_does_not_grow_with_what_was),
    CASE(sweeps_in_vain_are_few),
    CASE(create_says_when_there_is_no_memory),
    CASE(a_find_without_memory_has_changed_nothing),
    CASE(a_sweep_needs_no_memory),
    CASE(it_is_what_maps_of_bytes_say),
    CASE(it_is_so_with_many),
    CASE(d10_slices_are_found_at_once),
    CASE(d10_sliding_ranges_cost_what_they_overlap),
    CASE(d10_columns_are_found_at_once),
    CASE(d10_rows_and_tiles_are_found_at_once),
    CASE(d10_tiles_panels_and_the_whole_too),
    CASE(d10_two_strides_do_not_look_at_each_other),
    CASE(d10_many_strides_are_found_too),
    CASE(d10_what_was_forgotten_costs_nothing),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
