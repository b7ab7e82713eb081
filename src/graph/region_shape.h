// SPDX-License-Identifier: MIT
// What region_tree.c needs of shapes beyond region.h.
#ifndef WR_GRAPH_REGION_SHAPE_H
#define WR_GRAPH_REGION_SHAPE_H

#include "graph/region.h"

// A shape with any number of rows. In normal form as a shape is.
typedef struct wr_lattice {
    size_t offset;
    size_t bytes;
    size_t stride;
    uint64_t rows;
} wr_lattice;

static inline wr_lattice wr_lattice_of(const wr_shape *shape) {
    return (wr_lattice){shape->offset, shape->bytes, shape->stride,
                        shape->rows};
}

// wr_lattice_meets: the two have a byte in common.
bool wr_lattice_meets(const wr_lattice *a, const wr_lattice *b);

#endif
