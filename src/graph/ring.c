// SPDX-License-Identifier: MIT
#include "graph/ring.h"

#include "base/check.h"
#include "base/round.h"

#include <errno.h>

static wr_block *block_of(wr_link *link) {
    return wr_container_of(link, wr_block, link);
}

// A request in whole units, or 0: no bytes, or more than the ring ever has. As
// size is a multiple of the unit, what is not over it does not overflow.
static size_t rounded(const wr_ring *ring, size_t bytes) {
    if (bytes > ring->size)
        return 0;
    return wr_round_up(bytes, WR_RING_ALIGN);
}

// What the blocks of a ring take: those between oldest and newest too, whatever
// came back of them.
typedef struct span {
    bool empty;
    size_t oldest; // offset
    size_t newest; // offset
    size_t end;    // of the newest
} span;

static span span_of(const wr_block *oldest, const wr_block *newest) {
    if (oldest == NULL)
        return (span){.empty = true};
    return (span){false, oldest->offset, newest->offset,
                  newest->offset + newest->bytes};
}

static span span_now(const wr_ring *ring) {
    if (wr_list_empty(&ring->blocks))
        return span_of(NULL, NULL);
    return span_of(block_of(ring->blocks.next), block_of(ring->blocks.prev));
}

// Adds a block of `need` bytes, if it fits: it is the newest then. That there
// is a block tells a full ring from an empty one, so that no byte is needed as
// a gap between the ends.
static bool place(const wr_ring *ring, span *s, size_t need) {
    size_t offset = 0;
    bool fits;
    if (s->empty) {
        fits = need <= ring->size;
        s->oldest = 0;
    } else if (s->newest < s->oldest) { // around the end of the memory
        offset = s->end;
        fits = need <= s->oldest - s->end;
    } else if (need <= ring->size - s->end) {
        offset = s->end;
        fits = true;
    } else {
        fits = need <= s->oldest; // in front of all
    }
    s->empty = false;
    s->newest = offset;
    s->end = offset + need;
    return fits;
}

// Whether blocks fit one after the other.
static bool place_all(const wr_ring *ring, span s, const size_t *bytes,
                      size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t need = rounded(ring, bytes[i]);
        if (need == 0 || !place(ring, &s, need))
            return false;
    }
    return true;
}

void wr_ring_init(wr_ring *ring, void *memory, size_t bytes) {
    *ring = (wr_ring){.memory = memory,
                      .size = bytes / WR_RING_ALIGN * WR_RING_ALIGN};
    wr_list_init(&ring->blocks);
}

int wr_ring_take(wr_ring *ring, size_t bytes, wr_block *block) {
    if (bytes == 0)
        return -EINVAL;
    size_t need = rounded(ring, bytes);
    if (need == 0)
        return -E2BIG;
    span all = span_now(ring);
    if (!place(ring, &all, need))
        return -EAGAIN;
    *block = (wr_block){.offset = all.newest, .bytes = need};
    wr_list_push_back(&ring->blocks, &block->link);
    ring->used += need;
    if (ring->used > ring->highest)
        ring->highest = ring->used;
    return 0;
}

void wr_ring_give(wr_ring *ring, wr_block *block,
                  void (*back)(void *argument, wr_block *block),
                  void *argument) {
    wr_check(wr_link_linked(&block->link) && !block->given,
             "a block goes back to its ring once");
    block->given = true;
    while (!wr_list_empty(&ring->blocks)) {
        wr_block *end = block_of(ring->blocks.next);
        if (!end->given)
            end = block_of(ring->blocks.prev);
        if (!end->given)
            return;
        wr_list_remove(&end->link);
        ring->used -= end->bytes;
        ring->returns++;
        if (back != NULL)
            back(argument, end);
    }
}

bool wr_ring_fits(const wr_ring *ring, const size_t *bytes, size_t count) {
    return place_all(ring, span_now(ring), bytes, count);
}

bool wr_ring_could(const wr_ring *ring, const size_t *bytes, size_t count,
                   bool (*held)(void *argument, const wr_block *block),
                   void *argument) {
    const wr_link *all = &ring->blocks;
    const wr_block *oldest = NULL, *newest = NULL;
    for (wr_link *at = all->next; at != all && oldest == NULL; at = at->next)
        if (!block_of(at)->given && held(argument, block_of(at)))
            oldest = block_of(at);
    if (oldest != NULL)
        for (wr_link *at = all->prev; newest == NULL; at = at->prev)
            if (block_of(at) == oldest ||
                (!block_of(at)->given && held(argument, block_of(at))))
                newest = block_of(at);
    return place_all(ring, span_of(oldest, newest), bytes, count);
}
