// SPDX-License-Identifier: MIT
// A ring of memory: blocks are taken one after the other, and the space of one
// comes back when it and all before it, or it and all after it, were given
// back. An empty ring is whole: anything that it can ever hold fits. Not thread
// safe: the user says which lock guards it.
#ifndef WR_GRAPH_RING_H
#define WR_GRAPH_RING_H

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WR_RING_ALIGN = 64 };

typedef struct wr_ring {
    char *memory;
    size_t size;      // bytes, a multiple of WR_RING_ALIGN
    size_t used;      // bytes of blocks that did not come back, as rounded up
    size_t highest;   // of used
    uint64_t returns; // blocks whose space came back: grows by progress only
    wr_link blocks;   // oldest first, those not come back
} wr_ring;

typedef struct wr_block {
    wr_link link; // in ring->blocks
    size_t offset;
    size_t bytes; // rounded up
    bool given;   // back
} wr_block;

// memory is aligned to WR_RING_ALIGN; of bytes the multiple of it is used.
void wr_ring_init(wr_ring *ring, void *memory, size_t bytes);

// wr_ring_take: on 0 the block is in the ring, at memory + offset. Errors:
// -EINVAL (no bytes), -E2BIG (more than the ring ever has), -EAGAIN (not now).
int wr_ring_take(wr_ring *ring, size_t bytes, wr_block *block);

// wr_ring_give gives a block back, once. All blocks that it made come back are
// unlinked, and handed to back(argument, block) unless back is NULL: the
// block's memory is the user's again then, and back may free it.
void wr_ring_give(wr_ring *ring, wr_block *block,
                  void (*back)(void *argument, wr_block *block),
                  void *argument);

// wr_ring_fits tells whether blocks of so many bytes can be taken now, in this
// order. Changes nothing: not even returns, as taking and giving back would.
bool wr_ring_fits(const wr_ring *ring, const size_t *bytes, size_t count);

// wr_ring_could tells whether they would fit, in this order, once all blocks
// that held(argument, block) does not say true of were given back: false: not
// while those are held.
bool wr_ring_could(const wr_ring *ring, const size_t *bytes, size_t count,
                   bool (*held)(void *argument, const wr_block *block),
                   void *argument);

#endif
