// SPDX-License-Identifier: MIT
// The graph itself: made, looked at, reset, ended.
#include "base/fault.h"
#include "base/options.h"
#include "graph/internal.h"
#include "pool/internal.h"

#include <string.h>

bool wr_graph_forked(const weir_graph *graph) {
    return wr_pool_forked(graph->pool);
}

void wr_graph_unref(weir_graph *graph, uint64_t count) {
    if (wr_refs_drop(&graph->refs, count))
        weir_event_fire(&graph->gone, 0);
}

// ---- create ----------------------------------------------------------------

static int read_observer(weir_graph *graph) {
    weir_graph_observer *observer = &graph->observer;
    int error =
        wr_options_copy(observer, sizeof(*observer), graph->options.observer);
    graph->observed = observer->submitted != NULL || observer->edge != NULL ||
                      observer->ended != NULL;
    return error;
}

static int read_options(weir_graph *graph, const weir_graph_options *options) {
    weir_graph_options *given = &graph->options;
    if (options == NULL)
        return -EINVAL;
    int error = wr_options_copy(given, sizeof(*given), options);
    if (error != 0)
        return error;
    if (given->pool == NULL || given->heap_timeout_ns < 0)
        return -EINVAL;
    graph->pool = given->pool;
    return given->observer != NULL ? read_observer(graph) : 0;
}

static int check_pool(weir_pool *pool) {
    wr_pool_lock(pool);
    bool runs = pool->mode == WR_MODE_RUN;
    wr_pool_unlock(pool);
    return runs ? 0 : -ESHUTDOWN;
}

int weir_graph_create(weir_graph **out, const weir_graph_options *options) {
    if (options != NULL && options->pool != NULL &&
        wr_pool_forked(options->pool))
        return -ECHILD;
    weir_graph *graph = wr_aligned_alloc(WR_CACHE_LINE, sizeof(*graph));
    if (graph == NULL)
        return -ENOMEM;
    int error = read_options(graph, options);
    if (error == 0)
        error = check_pool(graph->pool);
    if (error == 0)
        error = wr_heap_init(graph);
    if (error != 0) {
        wr_free(graph);
        return error;
    }
    wr_mutex_init(&graph->lock);
    wr_mutex_init(&graph->spare_lock);
    wr_list_init(&graph->flows);
    graph->extents_free = UINT32_MAX;
    graph->generation = graph->extents_generation = 1;
    wr_refs_init(&graph->refs, 1);
    weir_event_init(&graph->gone, graph->pool, 1);
    wr_threads_init(&graph->threads, graph->pool, graph);
    graph->threads.timed = graph->observer.ended != NULL;
    *out = graph;
    return 0;
}

// ---- destroy ---------------------------------------------------------------

// A flow that destroy has to end, with a reference; NULL: none.
static weir_flow *next_flow(weir_graph *graph, bool *release) {
    weir_flow *found = NULL;
    wr_mutex_lock(&graph->lock);
    for (wr_link *link = graph->flows.next;
         found == NULL && link != &graph->flows; link = link->next) {
        weir_flow *flow = wr_container_of(link, weir_flow, link);
        if (flow->released && wr_flow_told(flow) != 0)
            continue;
        found = flow;
        *release = !flow->released;
        wr_refs_add(&flow->refs, 1);
    }
    wr_mutex_unlock(&graph->lock);
    return found;
}

static void fini(weir_graph *graph) {
    wr_threads_fini(&graph->threads); // names of kernels are looked at no more
    wr_extents_free(graph);
    wr_tasks_free(graph);
    wr_heap_fini(graph);
    wr_free(graph->before);
    wr_free(graph->shapes);
    wr_mutex_fini(&graph->lock);
    wr_mutex_fini(&graph->spare_lock);
    wr_free(graph);
}

void weir_graph_destroy(weir_graph *graph) {
    if (graph == NULL || wr_graph_forked(graph))
        return;
    weir_flow *flow;
    bool release;
    while ((flow = next_flow(graph, &release)) != NULL) {
        wr_flow_stop(flow, -ECANCELED);
        if (release)
            weir_flow_release(flow);
        wr_flow_unref(flow);
    }
    wr_graph_unref(graph, 1);
    int error = weir_event_wait(&graph->gone, WEIR_FOREVER, NULL);
    wr_assert(error == 0);
    fini(graph);
}

// ---- reset -----------------------------------------------------------------

// Flows not released, and those that were but have not ended.
static uint64_t count_flows(weir_graph *graph, bool unended) {
    uint64_t count = 0;
    for (wr_link *link = graph->flows.next; link != &graph->flows;
         link = link->next) {
        weir_flow *flow = wr_container_of(link, weir_flow, link);
        bool ended = wr_load(&flow->has_ended, acquire, FLOW_2,
                             "nothing of it uses tasks any more") != 0;
        count += !flow->released || (unended && !ended);
    }
    return count;
}

static size_t list_length(const wr_task *task) {
    size_t length = 0;
    for (; task != NULL; task = task->next)
        length++;
    return length;
}

// A slot that nothing holds may still be on its way to the list of the spare
// ones: whoever gave the last hold back is at it until it is there.
static bool something_lives(weir_graph *graph) {
    if (count_flows(graph, true) > 0 || graph->extents_open > 0)
        return true;
    size_t used_up = 0;
    for (size_t i = 0; i < graph->chunks_count; i++)
        for (size_t k = 0; k < WR_CHUNK_TASKS; k++) {
            wr_task *task = &graph->chunks[i]->task[k];
            wr_mutex_lock(&task->lock);
            bool lives = task->holds != 0;
            used_up += task->id >> 32 == UINT32_MAX;
            wr_mutex_unlock(&task->lock);
            if (lives)
                return true;
        }
    return list_length(graph->mine) + list_length(graph->spare) + used_up <
           graph->chunks_count * WR_CHUNK_TASKS;
}

// Handles of before stay stale.
static void reset_memory(weir_graph *graph) {
    uint64_t highest = graph->generation;
    for (size_t i = 0; i < graph->chunks_count; i++)
        for (size_t k = 0; k < WR_CHUNK_TASKS; k++)
            if (graph->chunks[i]->task[k].id >> 32 > highest)
                highest = graph->chunks[i]->task[k].id >> 32;
    graph->generation = (uint32_t)highest;
    wr_tasks_free(graph);
    for (uint32_t i = 0; i < graph->extents_count; i++)
        if (graph->extents[i].generation > graph->extents_generation)
            graph->extents_generation = graph->extents[i].generation;
    wr_free(graph->extents);
    graph->extents = NULL;
    graph->extents_count = graph->extents_room = 0;
    graph->extents_free = UINT32_MAX;
    graph->numbers = 0;
    graph->edges = graph->failed = graph->poisoned = graph->cancelled = 0;
    graph->heap_waits = 0;
    for (unsigned i = 0; i < WEIR_GRAPH_RINGS; i++)
        graph->rings[i].highest = 0;
}

int weir_graph_reset(weir_graph *graph) {
    if (wr_graph_forked(graph))
        return -ECHILD;
    wr_mutex_lock(&graph->lock);
    wr_mutex_lock(&graph->spare_lock);
    bool lives = something_lives(graph);
    if (!lives)
        reset_memory(graph);
    wr_mutex_unlock(&graph->spare_lock);
    wr_mutex_unlock(&graph->lock);
    return lives ? -EBUSY : 0;
}

// ---- figures ---------------------------------------------------------------

static void count_tasks(weir_graph *graph, weir_graph_counts *now) {
    for (size_t i = 0; i < graph->chunks_count; i++)
        for (size_t k = 0; k < WR_CHUNK_TASKS; k++) {
            wr_task *task = &graph->chunks[i]->task[k];
            wr_mutex_lock(&task->lock);
            now->slots++;
            now->slots_used += task->holds != 0;
            uint32_t state = wr_task_state_of(task);
            bool live = state >= WR_TASK_WAITING && state <= WR_TASK_ENDING;
            now->live += live;
            now->ready += state == WR_TASK_READY || state == WR_TASK_RUNNING;
            wr_mutex_unlock(&task->lock);
        }
}

int weir_graph_count(weir_graph *graph, weir_graph_counts *counts) {
    if (wr_graph_forked(graph))
        return -ECHILD;
    weir_graph_counts now = {.size = sizeof(now)};
    wr_mutex_lock(&graph->lock);
    count_tasks(graph, &now);
    now.submitted = graph->numbers;
    now.failed = graph->failed;
    now.poisoned = graph->poisoned;
    now.cancelled = graph->cancelled;
    now.succeeded =
        now.submitted - now.live - now.failed - now.poisoned - now.cancelled;
    now.edges = graph->edges;
    now.buffers = graph->extents_open;
    now.flows = count_flows(graph, false);
    now.heap_waits = graph->heap_waits;
    for (uint32_t i = 0; i < graph->extents_count; i++)
        if (graph->extents[i].extent != NULL &&
            graph->extents[i].extent->regions != NULL)
            now.regions += wr_regions_count(graph->extents[i].extent->regions);
    for (unsigned i = 0; i < WEIR_GRAPH_RINGS; i++) {
        now.heap_used[i] = graph->rings[i].used;
        now.heap_highest[i] = graph->rings[i].highest;
    }
    wr_mutex_unlock(&graph->lock);
    return wr_out_copy(counts, &now, sizeof(now));
}
