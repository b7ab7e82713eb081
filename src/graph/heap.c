// SPDX-License-Identifier: MIT
// The heap: four rings, and those who wait for room in them. README.md, "The
// heap".
#include "base/fault.h"
#include "base/round.h"
#include "graph/internal.h"

int wr_heap_init(weir_graph *graph) {
    size_t page = wr_page_size();
    size_t ring = graph->options.ring_bytes;
    if (ring == 0)
        return 0;
    if (ring > SIZE_MAX / WEIR_GRAPH_RINGS - page)
        return -EINVAL;
    ring = wr_round_up(ring, page);
    graph->heap_bytes = ring * WEIR_GRAPH_RINGS;
    if (graph->options.zygote != NULL)
        graph->heap =
            weir_zygote_alloc(graph->options.zygote, graph->heap_bytes);
    else
        graph->heap = wr_pages_alloc(graph->heap_bytes);
    if (graph->heap == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < WEIR_GRAPH_RINGS; i++)
        wr_ring_init(&graph->rings[i], graph->heap + i * ring, ring);
    return 0;
}

void wr_heap_fini(weir_graph *graph) {
    if (graph->heap == NULL)
        return;
    if (graph->options.zygote != NULL)
        weir_zygote_free(graph->options.zygote, graph->heap);
    else
        wr_pages_free(graph->heap, graph->heap_bytes);
}

// ---- rounds ----------------------------------------------------------------

static void round_unref(wr_round *round) {
    if (wr_refs_drop(&round->refs, 1))
        wr_free(round);
}

// What waits is outside the waiting stack: the one that fires may come late.
static wr_round *round_join(weir_graph *graph) {
    if (graph->round == NULL) {
        wr_round *round = wr_calloc(1, sizeof(*round));
        if (round == NULL)
            return NULL;
        weir_event_init(&round->event, graph->pool, 1);
        wr_refs_init(&round->refs, 1);
        graph->round = round;
    }
    wr_refs_add(&graph->round->refs, 1);
    return graph->round;
}

wr_round *wr_heap_wake(weir_graph *graph) {
    wr_round *round = graph->round;
    graph->round = NULL;
    return round;
}

void wr_round_fire(wr_round *round) {
    if (round == NULL)
        return;
    weir_event_fire(&round->event, 0);
    round_unref(round);
}

// ---- allocations -----------------------------------------------------------

// One call of wr_heap_alloc.
typedef struct request {
    weir_flow *flow;
    const size_t *bytes;
    size_t count;
    wr_extent **extents;
    unsigned ring;
    bool waited;
    uint64_t returns;    // of the ring, when it was looked at last
    int64_t progress_ns; // when that had changed
    int64_t deadline_ns;
} request;

// Held by the flow itself, or by a task that waits for the flow: not given back
// before this allocation is over.
static bool is_held(void *argument, const wr_block *block) {
    const request *r = argument;
    const wr_extent *extent =
        wr_container_of((wr_block *)(uintptr_t)block, wr_extent, block);
    if (extent->flow == r->flow)
        return true;
    for (const wr_task *task = r->flow->parent; task != NULL;
         task = task->flow->parent)
        for (uint32_t i = 0; i < task->uses_count; i++)
            if (task->uses[i].extent == extent)
                return true;
    return false;
}

static void untake(request *r, size_t count) {
    weir_graph *graph = r->flow->graph;
    while (count-- > 0) {
        wr_extent *extent = r->extents[count];
        wr_ring_give(&graph->rings[r->ring], &extent->block, NULL, NULL);
    }
}

// All or none, and without a trace if none: what is given back counts as
// progress.
static int take_all(request *r) {
    wr_ring *ring = &r->flow->graph->rings[r->ring];
    if (!wr_ring_fits(ring, r->bytes, r->count))
        return -EAGAIN;
    for (size_t i = 0; i < r->count; i++) {
        int error = wr_ring_take(ring, r->bytes[i], &r->extents[i]->block);
        wr_assert(error == 0);
    }
    return 0;
}

// As a ring rounds them up.
static int sum_up(request *r) {
    wr_ring *ring = &r->flow->graph->rings[r->ring];
    size_t sum = 0;
    for (size_t i = 0; i < r->count; i++) {
        size_t bytes = r->bytes[i];
        if (bytes == 0)
            return -EINVAL;
        if (bytes > ring->size || bytes > ring->size - sum)
            return -E2BIG;
        sum += wr_round_up(bytes, WR_RING_ALIGN);
    }
    return sum > ring->size ? -E2BIG : 0;
}

// Waits once, without the lock. 0: look again.
static int wait_once(request *r) {
    weir_graph *graph = r->flow->graph;
    wr_ring *ring = &graph->rings[r->ring];
    if (!wr_ring_could(ring, r->bytes, r->count, is_held, r))
        return -EDEADLK;
    int64_t now = wr_now_ns();
    if (ring->returns != r->returns) {
        r->returns = ring->returns;
        r->progress_ns = now;
    }
    int64_t limit = graph->options.heap_timeout_ns;
    limit = limit > WEIR_FOREVER - r->progress_ns ? WEIR_FOREVER
                                                  : r->progress_ns + limit;
    if (limit > r->deadline_ns)
        limit = r->deadline_ns;
    if (now >= limit)
        return -ETIMEDOUT;
    wr_round *round = round_join(graph);
    if (round == NULL)
        return -ENOMEM;
    graph->heap_waits += !r->waited;
    r->waited = true;
    wr_mutex_unlock(&graph->lock);
    int error = weir_event_wait(&round->event, limit, NULL);
    round_unref(round);
    wr_mutex_lock(&graph->lock);
    return error == -ETIMEDOUT ? 0 : error; // something may have come just now
}

static int take_or_wait(request *r) {
    for (;;) {
        if (r->flow->closed)
            return -ESHUTDOWN;
        int error = take_all(r);
        if (error == -EAGAIN)
            error = wait_once(r);
        else
            return error;
        if (error != 0)
            return error;
    }
}

static int open_all(request *r, weir_buffer *out) {
    weir_flow *flow = r->flow;
    weir_graph *graph = flow->graph;
    wr_ring *ring = &graph->rings[r->ring];
    for (size_t i = 0; i < r->count; i++) {
        wr_extent *extent = r->extents[i];
        extent->memory = ring->memory + extent->block.offset;
        extent->bytes = r->bytes[i];
        extent->heap = true;
        extent->flow = flow;
        extent->parent = flow->parent;
        extent->ring = r->ring;
        extent->depth = flow->depth;
        int error = wr_extent_open(graph, extent);
        if (error != 0) {
            while (i-- > 0)
                wr_extent_close(graph, r->extents[i]);
            untake(r, r->count);
            return error;
        }
        wr_list_push_back(&flow->extents, &extent->link);
        out[i].id = extent->id;
    }
    return 0;
}

static int alloc_locked(request *r, weir_buffer *out) {
    weir_graph *graph = r->flow->graph;
    unsigned depth = r->flow->base + r->flow->depth;
    r->ring = depth == 0 ? 0 : depth - 1;
    if (r->ring >= WEIR_GRAPH_RINGS)
        r->ring = WEIR_GRAPH_RINGS - 1;
    r->returns = graph->rings[r->ring].returns;
    r->progress_ns = wr_now_ns();
    int error = sum_up(r);
    if (error == 0)
        error = take_or_wait(r);
    return error == 0 ? open_all(r, out) : error;
}

int wr_heap_alloc(weir_flow *flow, const size_t *bytes, size_t count,
                  int64_t deadline_ns, weir_buffer *out) {
    weir_graph *graph = flow->graph;
    if (graph->heap == NULL)
        return -ENOBUFS;
    wr_extent **extents = wr_calloc(count, sizeof(wr_extent *));
    if (extents == NULL)
        return -ENOMEM;
    request r = {.flow = flow,
                 .bytes = bytes,
                 .count = count,
                 .extents = extents,
                 .deadline_ns = deadline_ns};
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        extents[i] = wr_calloc(1, sizeof(wr_extent));
        error = extents[i] == NULL ? -ENOMEM : 0;
    }
    if (error == 0) {
        wr_mutex_lock(&graph->lock);
        error = alloc_locked(&r, out);
        wr_mutex_unlock(&graph->lock);
    }
    for (size_t i = 0; error != 0 && i < count; i++)
        wr_free(extents[i]);
    wr_free(extents);
    return error;
}

int weir_buffer_alloc(weir_flow *flow, size_t bytes, int64_t deadline_ns,
                      weir_buffer *out, void **memory) {
    weir_graph *graph = flow->graph;
    if (wr_graph_forked(graph))
        return -ECHILD;
    weir_buffer buffer;
    int error = wr_heap_alloc(flow, &bytes, 1, deadline_ns, &buffer);
    if (error != 0)
        return error;
    *out = buffer;
    if (memory != NULL)
        *memory = weir_buffer_memory(graph, buffer, NULL);
    return 0;
}
