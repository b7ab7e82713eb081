// SPDX-License-Identifier: MIT
// Buffers: their handles, where they lie, when they go.
#include "base/fault.h"
#include "graph/internal.h"

#include <string.h>

// ---- handles ---------------------------------------------------------------

wr_extent *wr_extent_of(weir_graph *graph, weir_buffer buffer) {
    uint64_t index = (buffer.id & UINT32_MAX) - 1;
    if (buffer.id == 0 || index >= graph->extents_count)
        return NULL;
    wr_handle *handle = &graph->extents[index];
    return handle->generation == buffer.id >> 32 ? handle->extent : NULL;
}

static int grow_handles(weir_graph *graph) {
    uint32_t room = graph->extents_room == 0 ? 16 : graph->extents_room * 2;
    if (room >= UINT32_MAX / 2)
        return -ENOMEM;
    wr_handle *handles =
        wr_grow(graph->extents, graph->extents_count, room, sizeof(wr_handle));
    if (handles == NULL)
        return -ENOMEM;
    graph->extents = handles;
    graph->extents_room = room;
    return 0;
}

int wr_extent_open(weir_graph *graph, wr_extent *extent) {
    uint32_t index = graph->extents_free;
    if (index != UINT32_MAX) {
        graph->extents_free = graph->extents[index].next_free;
    } else {
        if (graph->extents_count == graph->extents_room) {
            int error = grow_handles(graph);
            if (error != 0)
                return error;
        }
        index = graph->extents_count++;
        graph->extents[index] =
            (wr_handle){.generation = graph->extents_generation};
    }
    wr_handle *handle = &graph->extents[index];
    handle->extent = extent;
    extent->index = index;
    extent->id = (uint64_t)handle->generation << 32 | (index + 1);
    wr_refs_init(&extent->uses, 1);
    graph->extents_open++;
    return 0;
}

// A handle whose generations are used up is not used again.
static void free_handle(weir_graph *graph, const wr_extent *extent) {
    wr_handle *handle = &graph->extents[extent->index];
    handle->extent = NULL;
    if (++handle->generation == UINT32_MAX)
        return;
    handle->next_free = graph->extents_free;
    graph->extents_free = extent->index;
}

// ---- the end of a buffer ---------------------------------------------------

void wr_domain_free(wr_domain *domain) {
    if (domain == NULL)
        return;
    for (size_t i = 0; i < domain->count; i++)
        wr_regions_clear(domain->locals[i].regions);
    wr_free(domain->locals);
    wr_free(domain);
}

static void leave_domain(wr_domain *domain, const wr_extent *extent) {
    for (size_t i = 0; i < domain->count; i++)
        if (domain->locals[i].extent == extent) {
            wr_regions_clear(domain->locals[i].regions);
            domain->locals[i] = domain->locals[--domain->count];
            return;
        }
}

static void forget_extent(wr_extent *extent) {
    if (extent->parent != NULL && extent->parent->domain != NULL)
        leave_domain(extent->parent->domain, extent);
    wr_regions_clear(extent->regions);
    extent->regions = NULL;
}

static void block_back(void *argument, wr_block *block) {
    (void)argument;
    wr_free(wr_container_of(block, wr_extent, block));
}

bool wr_extent_drop(weir_graph *graph, wr_extent *extent, uint64_t uses) {
    if (!wr_refs_drop(&extent->uses, uses))
        return false;
    forget_extent(extent);
    if (!extent->heap) {
        wr_free(extent);
        return false;
    }
    wr_ring_give(&graph->rings[extent->ring], &extent->block, block_back, NULL);
    return true;
}

void wr_extent_close(weir_graph *graph, wr_extent *extent) {
    free_handle(graph, extent);
    graph->extents_open--;
    extent->flow = NULL;
    if (extent->heap)
        wr_list_remove(&extent->link);
}

// ---- registered buffers ----------------------------------------------------

// The first of the ordered ones that ends beyond `memory`.
static size_t place_of(const weir_graph *graph, const char *memory) {
    size_t low = 0;
    size_t high = graph->ordered_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const wr_extent *at = graph->ordered[middle];
        if (at->memory + at->bytes <= memory)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int reserve_order(weir_graph *graph) {
    if (graph->ordered_count < graph->ordered_room)
        return 0;
    size_t room = graph->ordered_room == 0 ? 16 : graph->ordered_room * 2;
    wr_extent **ordered = wr_grow(graph->ordered, graph->ordered_count, room,
                                  sizeof(wr_extent *));
    if (ordered == NULL)
        return -ENOMEM;
    graph->ordered = ordered;
    graph->ordered_room = room;
    return 0;
}

static int enter_order(weir_graph *graph, wr_extent *extent) {
    const char *end = extent->memory + extent->bytes;
    if (graph->heap != NULL &&
        extent->memory < graph->heap + graph->heap_bytes && end > graph->heap)
        return -EEXIST;
    size_t at = place_of(graph, extent->memory);
    if (at < graph->ordered_count && graph->ordered[at]->memory < end)
        return -EEXIST;
    int error = reserve_order(graph);
    if (error == 0)
        error = wr_extent_open(graph, extent);
    if (error != 0)
        return error;
    memmove(&graph->ordered[at + 1], &graph->ordered[at],
            (graph->ordered_count - at) * sizeof(wr_extent *));
    graph->ordered[at] = extent;
    graph->ordered_count++;
    return 0;
}

int weir_buffer_register(weir_graph *graph, void *memory, size_t bytes,
                         weir_buffer *out) {
    if (wr_graph_forked(graph))
        return -ECHILD;
    if (memory == NULL || bytes == 0 || bytes > UINTPTR_MAX - (uintptr_t)memory)
        return -EINVAL;
    wr_extent *extent = wr_calloc(1, sizeof(*extent));
    if (extent == NULL)
        return -ENOMEM;
    extent->memory = memory;
    extent->bytes = bytes;
    wr_mutex_lock(&graph->lock);
    int error = enter_order(graph, extent);
    if (error == 0)
        out->id = extent->id;
    wr_mutex_unlock(&graph->lock);
    if (error != 0)
        wr_free(extent);
    return error;
}

static void leave_order(weir_graph *graph, const wr_extent *extent) {
    size_t at = place_of(graph, extent->memory);
    wr_assert(at < graph->ordered_count && graph->ordered[at] == extent);
    graph->ordered_count--;
    memmove(&graph->ordered[at], &graph->ordered[at + 1],
            (graph->ordered_count - at) * sizeof(wr_extent *));
}

// A task that names it has not ended.
static bool is_used(wr_extent *extent) {
    return wr_order_live(extent->regions) ||
           wr_load(&extent->uses.count, acquire, REFS_1,
                   "what was done with it is done") > 1;
}

static int close_locked(weir_graph *graph, wr_extent *extent) {
    if (extent == NULL)
        return -ESTALE;
    if (!extent->heap) {
        if (is_used(extent))
            return -EBUSY;
        leave_order(graph, extent);
    }
    wr_extent_close(graph, extent);
    return 0;
}

int weir_buffer_close(weir_graph *graph, weir_buffer buffer) {
    if (wr_graph_forked(graph))
        return -ECHILD;
    wr_round *round = NULL;
    wr_mutex_lock(&graph->lock);
    wr_extent *extent = wr_extent_of(graph, buffer);
    int error = close_locked(graph, extent);
    if (error == 0 && wr_extent_drop(graph, extent, 1))
        round = wr_heap_wake(graph);
    wr_mutex_unlock(&graph->lock);
    wr_round_fire(round);
    return error;
}

int weir_buffer_mend(weir_graph *graph, weir_buffer buffer) {
    if (wr_graph_forked(graph))
        return -ECHILD;
    wr_mutex_lock(&graph->lock);
    wr_extent *extent = wr_extent_of(graph, buffer);
    int error = extent == NULL ? -ESTALE : is_used(extent) ? -EBUSY : 0;
    if (error == 0)
        wr_order_mend(extent->regions);
    wr_mutex_unlock(&graph->lock);
    return error;
}

void *weir_buffer_memory(weir_graph *graph, weir_buffer buffer, size_t *bytes) {
    if (wr_graph_forked(graph))
        return NULL;
    wr_mutex_lock(&graph->lock);
    wr_extent *extent = wr_extent_of(graph, buffer);
    void *memory = extent != NULL ? extent->memory : NULL;
    if (extent != NULL && bytes != NULL)
        *bytes = extent->bytes;
    wr_mutex_unlock(&graph->lock);
    return memory;
}

void wr_extents_free(weir_graph *graph) {
    for (uint32_t i = 0; i < graph->extents_count; i++) {
        wr_extent *extent = graph->extents[i].extent;
        if (extent == NULL)
            continue;
        wr_regions_clear(extent->regions);
        wr_free(extent);
    }
    wr_free(graph->extents);
    wr_free(graph->ordered);
}
