// SPDX-License-Identifier: MIT
// A table of regions beside what it has to say: a list of the shapes that were
// named, each with a map of its bytes.
#ifndef TEST_GRAPH_REGION_H
#define TEST_GRAPH_REGION_H

#include "base/random.h"
#include "graph/region.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_WORDS = 64, TABLE_BYTES = 64 * TABLE_WORDS, TABLE_MOST = 2048 };

typedef struct table_entry {
    wr_shape shape;
    uint64_t map[TABLE_WORDS];
    wr_region *region; // NULL: forgotten
    bool quiet;
    size_t stamp;
} table_entry;

typedef struct table {
    wr_regions *regions;
    size_t size; // of the buffer, at most TABLE_BYTES
    table_entry *of;
    size_t count;
    size_t stamp;
} table;

// What is wrong is printed, and the program ends.
#define TABLE_CHECK(condition)                                                 \
    ((condition) ? (void)0 : table_wrong(#condition, __LINE__))

static inline void table_wrong(const char *what, int line) {
    fflush(stdout);
    fprintf(stderr, "graph_region.h:%d: %s is false\n", line, what);
    abort();
}

static inline bool table_quiet(wr_region *region) {
    table_entry *entry = region->user;
    if (entry == NULL || !entry->quiet)
        return false;
    entry->region = NULL;
    return true;
}

static inline void table_init(table *t, size_t size) {
    *t = (table){.size = size};
    t->of = calloc(TABLE_MOST, sizeof(*t->of));
    TABLE_CHECK(t->of != NULL && size <= TABLE_BYTES);
    TABLE_CHECK(wr_regions_create(&t->regions, size, table_quiet) == 0);
}

static inline void table_end(table *t) {
    wr_regions_destroy(t->regions);
    free(t->of);
}

static inline void table_map(table_entry *entry) {
    const wr_shape *s = &entry->shape;
    for (uint32_t i = 0; i < s->rows; i++)
        for (size_t j = 0; j < s->bytes; j++) {
            size_t at = s->offset + i * s->stride + j;
            entry->map[at / 64] |= (uint64_t)1 << at % 64;
        }
}

static inline bool table_same(const wr_shape *a, const wr_shape *b) {
    return a->offset == b->offset && a->bytes == b->bytes &&
           a->stride == b->stride && a->rows == b->rows;
}

// table_name finds a shape in the table and in the list; NULL: no memory for
// it, or no room in the list.
static inline table_entry *table_name(table *t, const wr_shape *shape) {
    size_t at = 0;
    while (at < t->count && !table_same(&t->of[at].shape, shape))
        at++;
    if (at == TABLE_MOST)
        return NULL;
    wr_region *region;
    if (wr_regions_find(t->regions, shape, true, &region) != 0)
        return NULL;
    table_entry *entry = &t->of[at];
    if (at == t->count) {
        t->count++;
        *entry = (table_entry){.shape = *shape};
        table_map(entry);
    }
    TABLE_CHECK(table_same(&region->shape, shape));
    if (entry->region == NULL) {
        TABLE_CHECK(region->user == NULL && region->marks == NULL);
        entry->region = region;
        region->user = entry;
    }
    TABLE_CHECK(entry->region == region);
    return entry;
}

static inline void table_sweep(table *t) {
    wr_regions_sweep(t->regions);
    for (size_t i = 0; i < t->count; i++)
        TABLE_CHECK(!t->of[i].quiet || t->of[i].region == NULL);
}

static inline void table_relate(const table *t, const table_entry *a,
                                const table_entry *b, bool *meet,
                                bool *inside) {
    *meet = false;
    *inside = true;
    for (size_t i = 0; i < (t->size + 63) / 64; i++) {
        *meet |= (a->map[i] & b->map[i]) != 0;
        *inside &= (b->map[i] & ~a->map[i]) == 0;
    }
}

// Compares the neighbours of one region with what the maps say.
static inline void table_compare(table *t, const table_entry *entry) {
    if (entry->region == NULL)
        return;
    const wr_region *region = entry->region;
    t->stamp++;
    for (uint32_t i = 0; i < region->neighbours_count; i++) {
        const wr_neighbour *n = &region->neighbours[i];
        table_entry *other = n->region->user;
        TABLE_CHECK(other != entry && other->region == n->region);
        TABLE_CHECK(other->stamp != t->stamp); // each once
        other->stamp = t->stamp;
        TABLE_CHECK(n->back < n->region->neighbours_count);
        const wr_neighbour *back = &n->region->neighbours[n->back];
        TABLE_CHECK(back->region == region && back->back == i);
        bool meet, inside;
        table_relate(t, entry, other, &meet, &inside);
        TABLE_CHECK(meet && inside == n->covered);
    }
    for (size_t i = 0; i < t->count; i++) {
        const table_entry *other = &t->of[i];
        if (other == entry || other->region == NULL)
            continue;
        bool meet, inside;
        table_relate(t, entry, other, &meet, &inside);
        TABLE_CHECK(meet == (other->stamp == t->stamp));
    }
}

static inline void table_compare_all(table *t) {
    size_t live = 0;
    for (size_t i = 0; i < t->count; i++) {
        table_compare(t, &t->of[i]);
        live += t->of[i].region != NULL;
    }
    TABLE_CHECK(live == wr_regions_count(t->regions));
}

// How shapes are drawn: few strides, or any; aligned like tiles, or anyhow.
typedef struct table_taste {
    uint32_t size;
    uint32_t strides[4];
    uint32_t grain;
    uint32_t any_stride; // of 16 shapes so many have any
    uint32_t ranges;     // are plain ranges
} table_taste;

static inline void table_taste_init(table_taste *taste, uint64_t *state,
                                    uint32_t size) {
    uint32_t base = 2 + wr_random_below(state, size / 2 + 1);
    if (base > 70 && wr_random_below(state, 2) == 0)
        base = 2 + wr_random_below(state, 30);
    *taste = (table_taste){.size = size};
    for (int i = 0; i < 4; i++)
        taste->strides[i] = base;
    taste->strides[1] = 2 * base;
    taste->strides[2] = 1 + wr_random_below(state, size);
    taste->grain = 1 + wr_random_below(state, 4);
    taste->any_stride = wr_random_below(state, 3) * wr_random_below(state, 9);
    taste->ranges = wr_random_below(state, 12);
}

static inline void table_shape(const table_taste *taste, uint64_t *state,
                               wr_shape *shape) {
    uint32_t size = taste->size, grain = taste->grain;
    for (;;) {
        uint32_t kind = wr_random_below(state, 16);
        uint32_t stride = taste->strides[wr_random_below(state, 4)];
        if (kind < taste->any_stride)
            stride = 1 + wr_random_below(state, size);
        uint32_t most = stride < size ? stride : size;
        uint32_t bytes = 1 + wr_random_below(state, most);
        if (wr_random_below(state, 3) != 0)
            bytes = 1 + wr_random_below(state, most / 4 + 1);
        uint32_t rows = 1 + wr_random_below(state, size / stride + 1);
        if (wr_random_below(state, 3) != 0)
            rows = 1 + wr_random_below(state, rows);
        uint32_t offset = wr_random_below(state, size) / grain * grain;
        if (grain > 1 && bytes >= grain)
            bytes = bytes / grain * grain;
        if (wr_random_below(state, 16) < taste->ranges)
            rows = 1;
        if (wr_random_below(state, 64) == 0) { // the whole buffer
            offset = 0;
            bytes = size;
            rows = 1;
        }
        if (wr_shape_make(shape, size, offset, bytes, stride, rows) == 0)
            return;
    }
}

#endif
