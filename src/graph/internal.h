// SPDX-License-Identifier: MIT
// What the sources of the graph share.
#ifndef WR_GRAPH_INTERNAL_H
#define WR_GRAPH_INTERNAL_H

#include "graph/types.h"

bool wr_graph_forked(const weir_graph *graph);

// wr_graph_unref gives back a part of the graph; the last one lets destroy go.
void wr_graph_unref(weir_graph *graph, uint64_t count);

// ---- memory.c: tasks and causes --------------------------------------------

// wr_task_take gives a spare task, BUILDING; NULL: no memory. graph->lock.
wr_task *wr_task_take(weir_graph *graph);
// wr_task_put takes one back that was never built. graph->lock.
void wr_task_put(wr_task *task);
// wr_task_unhold gives holds back; the last makes the task spare. No lock.
void wr_task_unhold(wr_task *task, uint32_t holds);
// In two steps: under the task's lock, true: it is nobody's, then without.
bool wr_task_unhold_locked(wr_task *task, uint32_t holds);
void wr_task_spare(wr_task *task, wr_cause *failure);
void wr_tasks_free(weir_graph *graph);
// wr_task_of finds the task of a handle and locks it; NULL: stale.
// wr_task_find: under graph->lock.
wr_task *wr_task_find(weir_graph *graph, weir_task handle);
wr_task *wr_task_of(weir_graph *graph, weir_task handle);

// wr_task_blame: the task fails by itself. Its cause begins.
void wr_task_blame(wr_task *task, int status);
// wr_task_cause: what made the task fail: its own cause or another's; NULL:
// it did not. Once the task is ENDING.
wr_cause *wr_task_cause(wr_task *task);
static inline void wr_cause_ref(wr_cause *cause) {
    wr_refs_add(&cause->refs, 1);
}
// wr_cause_unref: NULL is ignored. May be called under graph->lock.
void wr_cause_unref(wr_cause *cause);
// wr_cause_merge lets *held refer to `cause` if its number is lower.
void wr_cause_merge(wr_cause **held, wr_cause *cause);
void wr_cause_show(const wr_cause *cause, weir_task_outcome *outcome);

static inline uint32_t wr_task_state_of(wr_task *task) {
    return wr_load(&task->state, acquire, TASK_1,
                   "what came of it was written before");
}

// ---- settle.c: tasks end ---------------------------------------------------

// wr_settle ends the tasks of a list (by `next`), ENDING, and all that end
// because of that. No lock is held.
void wr_settle(wr_task *list);

// wr_task_poison: something that the task depends on failed. No task's lock.
void wr_task_poison(wr_task *task, wr_cause *cause);

// wr_task_arrived: an edge of the task was released, or it was built. True: it
// was the last: wr_task_decide is to be called.
bool wr_task_arrived(wr_task *task, uint32_t edges);
// wr_task_decide sends it to its endpoint, or makes it ENDING and puts it at
// the front of *list.
void wr_task_decide(wr_task *task, wr_task **list);

// ---- extent.c: buffers -----------------------------------------------------

// wr_extent_of: NULL: stale. graph->lock, as all here.
wr_extent *wr_extent_of(weir_graph *graph, weir_buffer buffer);
int wr_extent_open(weir_graph *graph, wr_extent *extent);
void wr_extent_close(weir_graph *graph, wr_extent *extent);
// wr_extent_drop gives uses back. True: something came back to the heap.
bool wr_extent_drop(weir_graph *graph, wr_extent *extent, uint64_t uses);
void wr_regions_clear(wr_regions *regions); // NULL is ignored
void wr_extents_free(weir_graph *graph);
// wr_domain_free forgets what the child flows of a task remembered.
void wr_domain_free(wr_domain *domain); // NULL is ignored

// ---- heap.c: allocations that may wait -------------------------------------

int wr_heap_init(weir_graph *graph);
void wr_heap_fini(weir_graph *graph);
// wr_heap_alloc takes `count` buffers at once, or none. Waits. No lock is held.
int wr_heap_alloc(weir_flow *flow, const size_t *bytes, size_t count,
                  int64_t deadline_ns, weir_buffer *out);
// wr_heap_wake lets all that wait look again. graph->lock; the caller fires
// what it returns (may be NULL) without it.
wr_round *wr_heap_wake(weir_graph *graph);
void wr_round_fire(wr_round *round); // NULL is ignored

// ---- order.c: who comes before whom ----------------------------------------

// graph->lock. wr_order_find finds the regions of a task's uses, and refuses
// two that share a byte of which one writes; wr_order_before collects what the
// task comes after, graph->before, and lets *cause refer to what is missing.
// Neither changes what is remembered. wr_order_enter does, and cannot fail.
int wr_order_find(weir_flow *flow, wr_task *task, const wr_shape *shapes,
                  uint64_t stamp);
void wr_order_unpin(wr_task *task);
int wr_order_before(wr_task *task, uint64_t stamp, size_t *count,
                    wr_cause **cause);
int wr_order_add(weir_graph *graph, const wr_mark *mark, bool data,
                 uint64_t stamp, size_t *count);
void wr_order_enter(wr_task *task, uint64_t number);
// wr_order_missing: the task failed; what it was to write is not there.
void wr_order_missing(wr_task *task, wr_cause *cause);
bool wr_order_live(wr_regions *regions); // NULL: false
void wr_order_mend(wr_regions *regions); // NULL is ignored
bool wr_order_quiet(wr_region *region);

// ---- flow.c ----------------------------------------------------------------

// wr_flow_told: 0, or the negative errno that the flow was cancelled with. It
// may be old where neither graph->lock nor a look at `stops` orders it.
static inline int wr_flow_told(weir_flow *flow) {
    return -(int)wr_load(&flow->told, relaxed, ALONE,
                         "graph->lock orders it, or a look at stops: FLOW_1");
}
// wr_flow_down: a task of the flow has ended, or it was closed. The last one
// ends the flow, and may put its parent's task at the front of *list.
void wr_flow_down(weir_flow *flow, uint64_t parts, wr_task **list);
void wr_flow_unref(weir_flow *flow);
void wr_flow_stop(weir_flow *flow, int status);
// wr_flow_wait_for lets a thread that waits for `event` collect outcomes.
int wr_flow_wait_for(weir_graph *graph, weir_event *event, int64_t deadline_ns,
                     bool (*over)(void *argument), void *argument);

#endif
