// SPDX-License-Identifier: MIT
// Places: what each worker has for itself, so that visits share little.
#include "base/fault.h"
#include "frontier/internal.h"

enum {
    ARENA_FIRST = 1 << 12, // bytes; each chunk is twice the one before
    ARENA_MOST = 1 << 18,
    CHUNK_LARGE = 1 << 16, // from here on chunks are parts of slabs
    SLAB = 1 << 22,
};

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

// What was taken from the system: small chunks, and slabs of huge pages.
typedef struct wr_chunk {
    struct wr_chunk *next;
    size_t slab; // its size, or 0: small
    _Alignas(WR_CACHE_LINE) unsigned char bytes[];
} wr_chunk;

// A slab's first bytes are its own head, so that chunks in it stay aligned to
// cache lines.
static unsigned char *take_slab(weir_frontier *frontier, size_t bytes) {
    if (frontier->slab_left < bytes) {
        size_t size =
            sizeof(wr_chunk) + bytes > SLAB ? sizeof(wr_chunk) + bytes : SLAB;
        wr_chunk *slab = wr_pages_alloc_huge(size);
        if (slab == NULL)
            return NULL;
        slab->slab = size;
        slab->next = frontier->chunks;
        frontier->chunks = slab;
        frontier->slab_at = slab->bytes;
        frontier->slab_left = size - sizeof(wr_chunk);
    }
    unsigned char *taken = frontier->slab_at;
    frontier->slab_at += bytes;
    frontier->slab_left -= bytes;
    return taken;
}

void *wr_chunk_take(weir_frontier *frontier, size_t bytes) {
    void *taken = NULL;
    wr_mutex_lock(&frontier->chunk_lock);
    if (bytes >= CHUNK_LARGE) {
        taken = take_slab(frontier, (bytes + WR_CACHE_LINE - 1) &
                                        ~(size_t)(WR_CACHE_LINE - 1));
    } else {
        wr_chunk *chunk =
            wr_aligned_alloc(WR_CACHE_LINE, sizeof(*chunk) + bytes);
        if (chunk != NULL) {
            chunk->next = frontier->chunks;
            frontier->chunks = chunk;
            taken = chunk->bytes;
        }
    }
    wr_mutex_unlock(&frontier->chunk_lock);
    return taken;
}

void wr_chunk_free_all(weir_frontier *frontier) {
    while (frontier->chunks != NULL) {
        wr_chunk *chunk = frontier->chunks;
        frontier->chunks = chunk->next;
        if (chunk->slab > 0)
            wr_pages_free(chunk, chunk->slab);
        else
            wr_free(chunk);
    }
}

void *wr_arena_take(weir_frontier *frontier, wr_place *place, size_t bytes) {
    wr_arena *arena = &place->arena;
    bytes = (bytes + 15) & ~(size_t)15;
    if (bytes > arena->left) {
        size_t size = arena->size == 0           ? ARENA_FIRST
                      : arena->size < ARENA_MOST ? arena->size * 2
                                                 : ARENA_MOST;
        bool alone = bytes > size / 4;
        unsigned char *chunk = wr_chunk_take(frontier, alone ? bytes : size);
        if (chunk == NULL)
            return NULL;
        wr_cell_add(&place->cells.bytes, alone ? bytes : size);
        if (alone)
            return chunk;
        arena->size = arena->left = size;
        arena->at = chunk;
    }
    void *taken = arena->at;
    arena->at += bytes;
    arena->left -= bytes;
    return taken;
}

bool wr_edges_room(weir_frontier *frontier, wr_place *place, wr_edges **edges,
                   size_t count) {
    wr_edges *now = *edges;
    if (now != NULL && now->max - now->count >= count)
        return true;
    size_t max = now != NULL ? (size_t)now->max * 2 : count < 2 ? 2 : count;
    max = max > 1024 ? 1024 : max;
    max = max < count ? count : max;
    wr_edges *more = wr_arena_take(frontier, place,
                                   sizeof(*more) + max * sizeof(more->out[0]));
    if (more == NULL)
        return false;
    more->next = now;
    more->count = 0;
    more->max = (uint32_t)max;
    *edges = more;
    return true;
}
