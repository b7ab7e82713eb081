// SPDX-License-Identifier: MIT
// Tasks' memory, and causes, which live in it.
#include "base/fault.h"
#include "graph/internal.h"

#include <stdio.h>

// ---- tasks -----------------------------------------------------------------

static bool add_chunk(weir_graph *graph) {
    if (graph->chunks_count == graph->chunks_room) {
        size_t room = graph->chunks_room == 0 ? 16 : graph->chunks_room * 2;
        wr_chunk **chunks = wr_grow(graph->chunks, graph->chunks_count, room,
                                    sizeof(wr_chunk *));
        if (chunks == NULL)
            return false;
        graph->chunks = chunks;
        graph->chunks_room = room;
    }
    size_t first = graph->chunks_count * WR_CHUNK_TASKS;
    if (first >= UINT32_MAX - WR_CHUNK_TASKS)
        return false; // ids have no more room
    wr_chunk *chunk = wr_aligned_alloc(WR_CACHE_LINE, sizeof(*chunk));
    if (chunk == NULL)
        return false;
    for (size_t i = WR_CHUNK_TASKS; i-- > 0;) {
        wr_task *task = &chunk->task[i];
        task->graph = graph;
        task->index = (uint32_t)(first + i);
        task->id = ((uint64_t)graph->generation << 32) | (task->index + 1);
        wr_mutex_init(&task->lock);
        task->next = graph->mine;
        graph->mine = task;
    }
    graph->chunks[graph->chunks_count++] = chunk;
    return true;
}

wr_task *wr_task_take(weir_graph *graph) {
    if (graph->mine == NULL) {
        wr_mutex_lock(&graph->spare_lock);
        graph->mine = graph->spare;
        graph->spare = NULL;
        wr_mutex_unlock(&graph->spare_lock);
    }
    if (graph->mine == NULL && !add_chunk(graph))
        return NULL;
    wr_task *task = graph->mine;
    graph->mine = task->next;
    // The next one was in the hands of another core.
    if (task->next != NULL)
        wr_prefetch(task->next, WR_TASK_HOT);
    task->next = NULL;
    wr_store(&task->state, WR_TASK_BUILDING, relaxed, ALONE,
             "nobody else knows the task yet");
    return task;
}

static void empty(wr_task *task) {
    if (task->edges != task->inline_edges)
        wr_free(task->edges);
    if (task->extra != NULL)
        wr_free(task->extra);
    if (task->blamed) {
        wr_free(task->cause.reason);
        task->cause = (wr_cause){0};
        task->blamed = false;
    }
    task->edges = NULL;
    task->extra = NULL;
    task->watched = false;
    task->successors = NULL;
    wr_store(&task->state, WR_TASK_SPARE, relaxed, ALONE,
             "whoever finds the task compares its id first");
}

void wr_task_put(wr_task *task) {
    empty(task);
    task->next = task->graph->mine;
    task->graph->mine = task;
}

bool wr_task_unhold_locked(wr_task *task, uint32_t holds) {
    task->holds &= ~holds;
    if (task->holds != 0)
        return false;
    // From here on no handle and no mark finds it: the id is another.
    task->id += (uint64_t)1 << 32;
    return true;
}

void wr_task_spare(wr_task *task, wr_cause *failure) {
    weir_graph *graph = task->graph;
    wr_cause_unref(failure); // of a task that failed by itself: no recursion
    empty(task);
    if (task->id >> 32 == UINT32_MAX)
        return; // its ids are used up: no handle is ever mistaken
    wr_mutex_lock(&graph->spare_lock);
    task->next = graph->spare;
    graph->spare = task;
    wr_mutex_unlock(&graph->spare_lock);
}

void wr_task_unhold(wr_task *task, uint32_t holds) {
    wr_cause *failure = NULL;
    wr_mutex_lock(&task->lock);
    bool spare = wr_task_unhold_locked(task, holds);
    if (spare) {
        failure = task->failure;
        task->failure = NULL;
    }
    wr_mutex_unlock(&task->lock);
    if (spare)
        wr_task_spare(task, failure);
}

void wr_tasks_free(weir_graph *graph) {
    for (size_t i = 0; i < graph->chunks_count; i++) {
        for (size_t k = 0; k < WR_CHUNK_TASKS; k++) {
            // Those that only a handle or a cause still held.
            empty(&graph->chunks[i]->task[k]);
            wr_mutex_fini(&graph->chunks[i]->task[k].lock);
        }
        wr_free(graph->chunks[i]);
    }
    wr_free(graph->chunks);
    graph->chunks = NULL;
    graph->chunks_count = graph->chunks_room = 0;
    graph->mine = graph->spare = NULL;
}

wr_task *wr_task_find(weir_graph *graph, weir_task handle) {
    uint64_t index = (handle.id & UINT32_MAX) - 1;
    if (handle.id == 0 || index >= graph->chunks_count * WR_CHUNK_TASKS)
        return NULL;
    wr_task *task =
        &graph->chunks[index / WR_CHUNK_TASKS]->task[index % WR_CHUNK_TASKS];
    wr_mutex_lock(&task->lock);
    if (task->id == handle.id && (task->holds & WR_HOLD_HANDLE) != 0)
        return task;
    wr_mutex_unlock(&task->lock);
    return NULL;
}

wr_task *wr_task_of(weir_graph *graph, weir_task handle) {
    wr_mutex_lock(&graph->lock);
    wr_task *task = wr_task_find(graph, handle);
    wr_mutex_unlock(&graph->lock);
    return task;
}

// ---- causes ----------------------------------------------------------------

void wr_task_blame(wr_task *task, int status) {
    const wr_ticket *ticket = &task->ticket;
    task->blamed = true;
    task->cause = (wr_cause){
        .number = ticket->number,
        .status = status,
        .exit_status = -1,
        .kernel = ticket->kernel != NULL ? ticket->kernel->name : "",
    };
}

wr_cause *wr_task_cause(wr_task *task) {
    return task->blamed ? &task->cause : task->failure;
}

void wr_cause_unref(wr_cause *cause) {
    if (cause == NULL || !wr_refs_drop(&cause->refs, 1))
        return;
    wr_task_unhold(wr_container_of(cause, wr_task, cause), WR_HOLD_CAUSE);
}

void wr_cause_merge(wr_cause **held, wr_cause *cause) {
    if (cause == NULL || *held == cause ||
        (*held != NULL && (*held)->number <= cause->number))
        return;
    wr_cause_ref(cause);
    wr_cause_unref(*held);
    *held = cause;
}

void wr_cause_show(const wr_cause *cause, weir_task_outcome *outcome) {
    if (cause == NULL)
        return;
    outcome->status = cause->status;
    outcome->signal = cause->signal;
    outcome->exit_status = cause->exit_status;
    outcome->root = cause->number;
    snprintf(outcome->kernel, sizeof(outcome->kernel), "%s", cause->kernel);
    if (cause->reason != NULL)
        snprintf(outcome->reason, sizeof(outcome->reason), "%s", cause->reason);
}
