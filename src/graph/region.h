// SPDX-License-Identifier: MIT
// Regions: the different pieces of one buffer that tasks have named, and which
// of them have bytes in common. A piece that is named again is found by one
// look in a hash table; what it overlaps was found out when it was first named.
// Exact: two regions are neighbours if and only if they share a byte. Not
// thread safe: the graph's lock guards it.
#ifndef WR_GRAPH_REGION_H
#define WR_GRAPH_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes [offset + i * stride, + bytes) for i below rows. In normal form: rows 1
// has stride 0; rows over 1 has stride over bytes (rows that touch are one
// range).
typedef struct wr_shape {
    size_t offset;
    size_t bytes;
    size_t stride;
    uint32_t rows;
} wr_shape;

typedef struct wr_region wr_region;

// A region that shares bytes with another.
typedef struct wr_neighbour {
    wr_region *region;
    uint32_t back; // region->neighbours[back].region is the one with this list
    bool covered;  // every byte of `region` is in the one whose list this is
} wr_neighbour;

struct wr_region {
    wr_shape shape;
    wr_neighbour *neighbours; // without itself

    // The user's; zero when the region is new.
    struct wr_marks *marks;
    void *user;

    uint32_t neighbours_count;

    // region.c's own.
    uint32_t neighbours_room;
    uint64_t hash;
    uint64_t seen;         // number of the search that found it last
    wr_neighbour first[2]; // the list, as long as it is short
    struct wr_region *next_free;
};

typedef struct wr_regions wr_regions;

// wr_shape_make brings an access into normal form and checks it against a
// buffer of `size` bytes, without overflow. Errors: -EINVAL (no bytes, beyond
// the end, rows over 1 with stride below bytes).
int wr_shape_make(wr_shape *out, size_t size, size_t offset, size_t bytes,
                  size_t stride, uint32_t rows);

typedef enum wr_overlap {
    WR_APART,  // no common byte
    WR_CROSS,  // some
    WR_WITHIN, // every byte of b is in a, and not the other way round
    WR_AROUND, // every byte of a is in b, and not the other way round
    WR_SAME    // the same bytes
} wr_overlap;

// wr_shape_overlap is exact for any two shapes in normal form.
wr_overlap wr_shape_overlap(const wr_shape *a, const wr_shape *b);

// wr_regions_create: `size`: bytes of the buffer. quiet(region) tells whether
// nothing is remembered about a region any more, and has freed its marks then:
// the region is forgotten in that same sweep. Called inside find only. Errors:
// -ENOMEM.
int wr_regions_create(wr_regions **out, size_t size,
                      bool (*quiet)(wr_region *region));
void wr_regions_destroy(wr_regions *regions);

// wr_regions_find returns the region of this shape, made if it is new. A region
// stays at one address until it is forgotten: when many were made since the
// last time, find sweeps first (never when `keep` is true), at a cost that is
// constant per region made. Errors: -ENOMEM: nothing has changed but, maybe,
// that it has swept.
int wr_regions_find(wr_regions *regions, const wr_shape *shape, bool keep,
                    wr_region **out);

// wr_regions_sweep asks quiet of every region once, and forgets those that it
// says true of.
void wr_regions_sweep(wr_regions *regions);

size_t wr_regions_count(const wr_regions *regions);

// wr_regions_looks: how many nodes of trees and regions were looked at for new
// regions so far. For tests of what a search costs.
uint64_t wr_regions_looks(const wr_regions *regions);

// wr_regions_each calls visit for every region.
void wr_regions_each(wr_regions *regions,
                     void (*visit)(void *argument, wr_region *region),
                     void *argument);

#endif
