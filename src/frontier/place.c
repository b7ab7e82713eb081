// SPDX-License-Identifier: MIT
// Places: what each worker has for itself, so that visits share little.
#include "base/fault.h"
#include "frontier/internal.h"

enum { CHUNK = 1 << 16 };

typedef struct wr_arena_chunk {
    struct wr_arena_chunk *next;
    _Alignas(16) unsigned char bytes[];
} wr_arena_chunk;

wr_place *wr_place_enter(weir_frontier *frontier) {
    const weir_worker *self = wr_worker_current();
    if (self != NULL && self->pool == frontier->pool)
        return &frontier->place[weir_worker_index(self)];
    wr_mutex_lock(&frontier->outside_lock);
    return &frontier->place[frontier->places];
}

void wr_place_leave(weir_frontier *frontier, wr_place *place) {
    if (place == &frontier->place[frontier->places])
        wr_mutex_unlock(&frontier->outside_lock);
}

// ---- memory ----------------------------------------------------------------

void *wr_arena_take(wr_place *place, size_t bytes) {
    wr_arena *arena = &place->arena;
    bytes = (bytes + 15) & ~(size_t)15;
    if (arena->chunks == NULL || bytes > arena->size - arena->used) {
        size_t size = bytes > CHUNK / 4 ? bytes : CHUNK;
        wr_arena_chunk *chunk = wr_malloc(sizeof(*chunk) + size);
        if (chunk == NULL)
            return NULL;
        wr_cell_add(&place->cells.bytes, size);
        if (size == bytes && arena->chunks != NULL) {
            // All its own: the newest goes on being filled.
            chunk->next = arena->chunks->next;
            arena->chunks->next = chunk;
            return chunk->bytes;
        }
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->size = size;
        arena->used = 0;
    }
    void *taken = arena->chunks->bytes + arena->used;
    arena->used += bytes;
    return taken;
}

void wr_arena_free(wr_arena *arena) {
    while (arena->chunks != NULL) {
        wr_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        wr_free(chunk);
    }
}

bool wr_edges_room(wr_place *place, wr_edges **edges, size_t count) {
    wr_edges *now = *edges;
    if (now != NULL && now->max - now->count >= count)
        return true;
    size_t max = now != NULL ? (size_t)now->max * 2 : count < 2 ? 2 : count;
    max = max > 1024 ? 1024 : max;
    max = max < count ? count : max;
    wr_edges *more =
        wr_arena_take(place, sizeof(*more) + max * sizeof(more->out[0]));
    if (more == NULL)
        return false;
    more->next = now;
    more->count = 0;
    more->max = (uint32_t)max;
    *edges = more;
    return true;
}
