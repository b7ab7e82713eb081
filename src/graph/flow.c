// SPDX-License-Identifier: MIT
// Flows: begun, closed, cancelled, waited for.
#include "base/fault.h"
#include "base/options.h"
#include "graph/internal.h"
#include "pool/internal.h"

#include <stdio.h>
#include <string.h>

// ---- the end ---------------------------------------------------------------

void wr_flow_unref(weir_flow *flow) {
    weir_graph *graph = flow->graph;
    wr_mutex_lock(&graph->lock);
    bool last = wr_refs_drop(&flow->refs, 1);
    if (last) {
        wr_list_remove(&flow->link);
    }
    wr_mutex_unlock(&graph->lock);
    if (!last)
        return;
    wr_free(flow);
    wr_graph_unref(graph, 1);
}

// Nobody asks any more what came of it. graph->lock.
static void forget_failure(weir_flow *flow) {
    bool ended = wr_load(&flow->has_ended, acquire, FLOW_2,
                         "no task of it will fail any more") != 0;
    if (!ended || !flow->released)
        return;
    wr_cause_unref(flow->failure);
    flow->failure = NULL;
}

static void end_flow(weir_flow *flow, wr_task **list) {
    weir_graph *graph = flow->graph;
    wr_task *parent = flow->parent;
    wr_mutex_lock(&graph->lock);
    wr_cause *failure = flow->failure;
    wr_mutex_unlock(&graph->lock);
    int status = failure != NULL ? failure->status : 0;
    if (parent != NULL && failure != NULL)
        wr_task_poison(parent, failure);
    wr_mutex_lock(&graph->lock);
    wr_store(&flow->has_ended, 1, release, FLOW_2, "its outcome is final");
    forget_failure(flow);
    wr_mutex_unlock(&graph->lock);
    weir_event_fire(&flow->ended, status);
    if (parent != NULL &&
        wr_fetch_sub(&parent->parts, 1, acq_rel, TASK_2,
                     "the last part sees what child flows did") == 1) {
        parent->next = *list;
        *list = parent;
    }
    wr_flow_unref(flow);
}

void wr_flow_down(weir_flow *flow, uint64_t parts, wr_task **list) {
    if (wr_refs_drop(&flow->outstanding, parts))
        end_flow(flow, list);
}

// ---- begin -----------------------------------------------------------------

static int watch_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void watch_done(weir_job *job, int status) {
    weir_flow *flow = wr_container_of(job, weir_flow, watch);
    if (!weir_job_ran(job))
        wr_flow_stop(flow, status);
    wr_flow_unref(flow);
}

static wr_task *parent_of(weir_graph *graph, const weir_kernel_call *call) {
    const wr_call *mine = call->weir_private;
    if (call->graph != graph || mine == NULL || mine->ticket == NULL ||
        call->self == NULL)
        return NULL;
    return mine->ticket->task;
}

static void init_flow(weir_flow *flow, weir_graph *graph, wr_task *parent) {
    flow->graph = graph;
    flow->parent = parent;
    wr_refs_init(&flow->refs, 3); // the handle, the work, the watch
    wr_refs_init(&flow->outstanding, 1);
    wr_atomic_init(&flow->told, 0);
    wr_atomic_init(&flow->has_ended, 0);
    weir_event_init(&flow->ended, graph->pool, 1);
    flow->watch = (weir_job)WEIR_JOB_INIT(watch_run, watch_done);
    flow->watch.name = "flow ends"; // the flow may go before the pool is done
    wr_list_init(&flow->extents);
    if (parent != NULL)
        flow->base = parent->flow->base + parent->depth;
}

static int link_flow(weir_flow *flow) {
    weir_graph *graph = flow->graph;
    wr_task *parent = flow->parent;
    int error = 0;
    wr_mutex_lock(&graph->lock);
    if (parent != NULL && parent->domain == NULL) {
        parent->domain = wr_calloc(1, sizeof(*parent->domain));
        error = parent->domain == NULL ? -ENOMEM : 0;
    }
    if (parent != NULL && wr_flow_told(parent->flow) != 0)
        error = -ESHUTDOWN;
    if (error == 0) {
        wr_list_push_back(&graph->flows, &flow->link);
        wr_refs_add(&graph->refs, 1);
        if (parent != NULL)
            wr_fetch_add(&parent->parts, 1, relaxed, ALONE,
                         "its kernel runs: it has a part");
    }
    wr_mutex_unlock(&graph->lock);
    return error;
}

int weir_flow_begin(weir_graph *graph, const weir_flow_options *given,
                    weir_flow **out) {
    if (wr_graph_forked(graph))
        return -ECHILD;
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    int error =
        given == NULL ? 0 : wr_options_copy(&options, sizeof(options), given);
    if (error != 0)
        return error;
    wr_task *parent = NULL;
    if (options.parent != NULL) {
        parent = parent_of(graph, options.parent);
        if (parent == NULL)
            return -EINVAL;
    }
    weir_flow *flow = wr_calloc(1, sizeof(*flow));
    if (flow == NULL)
        return -ENOMEM;
    init_flow(flow, graph, parent);
    error = link_flow(flow);
    if (error != 0) {
        wr_free(flow);
        return error;
    }
    // From here on the pool may end the watch, and so tell the flow.
    error = wr_event_attach(&flow->ended, &flow->watch, parent != NULL);
    if (error != 0) {
        wr_flow_unref(flow); // no watch
        weir_flow_release(flow);
        return error;
    }
    *out = flow;
    return 0;
}

// ---- close, cancel ---------------------------------------------------------

// Buffers of the scopes deeper than `depth` are used no more. graph->lock.
static bool end_scopes(weir_flow *flow, unsigned depth) {
    weir_graph *graph = flow->graph;
    bool back = false;
    while (!wr_list_empty(&flow->extents)) {
        wr_extent *extent =
            wr_container_of(flow->extents.prev, wr_extent, link);
        if (extent->depth <= depth && depth != UINT_MAX)
            break;
        wr_extent_close(graph, extent);
        back |= wr_extent_drop(graph, extent, 1);
    }
    return back;
}

// Returns the parts of outstanding that the caller gives back; 0: it was
// closed.
static uint64_t close_locked(weir_flow *flow, wr_round **round) {
    if (flow->closed)
        return 0;
    flow->closed = true;
    end_scopes(flow, UINT_MAX);
    *round = wr_heap_wake(flow->graph); // allocations of this flow too
    return 1 + flow->credit;
}

static void close_flow(weir_flow *flow) {
    wr_round *round = NULL;
    wr_mutex_lock(&flow->graph->lock);
    uint64_t parts = close_locked(flow, &round);
    wr_mutex_unlock(&flow->graph->lock);
    wr_round_fire(round);
    if (parts == 0)
        return;
    wr_task *list = NULL;
    wr_flow_down(flow, parts, &list);
    wr_settle(list);
}

void weir_flow_close(weir_flow *flow) {
    if (!wr_graph_forked(flow->graph))
        close_flow(flow);
}

void weir_flow_release(weir_flow *flow) {
    if (flow == NULL || wr_graph_forked(flow->graph))
        return;
    wr_mutex_lock(&flow->graph->lock);
    flow->released = true;
    forget_failure(flow);
    wr_mutex_unlock(&flow->graph->lock);
    close_flow(flow);
    wr_flow_unref(flow);
}

// A task of the flow that has not started is ended; one that was dispatched is
// told, if its kernel runs only if `begun`. graph->lock, so that a task does
// not become another's meanwhile.
static void stop_task(weir_flow *flow, wr_task *task, int status, bool begun,
                      wr_task **list) {
    uint32_t state =
        wr_load(&task->state, seq_cst, TASK_1, "the flow was told before");
    if (state != WR_TASK_READY && state != WR_TASK_RUNNING)
        return;
    wr_mutex_lock(&task->lock);
    uint32_t ready = WR_TASK_READY;
    bool mine = task->flow == flow && (task->holds & WR_HOLD_LIVE) != 0;
    if (mine &&
        wr_compare_exchange(&task->state, &ready, WR_TASK_ENDING, seq_cst,
                            TASK_1, "one of dispatch, cancel and stop wins")) {
        task->withdrawn = true;
        wr_task_blame(task, status);
        wr_refs_add(&flow->graph->refs, 1);
        task->next = *list;
        *list = task;
    } else if (mine && ready == WR_TASK_RUNNING) {
        for (uint32_t i = 0; i < task->tickets->members; i++)
            task->endpoint->ops->tell(task->endpoint, &task->tickets[i], begun);
    }
    wr_mutex_unlock(&task->lock);
}

static void stop_tasks(weir_flow *flow, int status, bool begun,
                       wr_task **list) {
    weir_graph *graph = flow->graph;
    for (size_t i = 0; i < graph->chunks_count; i++)
        for (size_t k = 0; k < WR_CHUNK_TASKS; k++)
            stop_task(flow, &graph->chunks[i]->task[k], status, begun, list);
}

// Those that run are told last: what waits behind them in a process would begin
// in their place otherwise.
static bool stop_one(weir_flow *flow, int status) {
    weir_graph *graph = flow->graph;
    wr_task *list = NULL;
    wr_round *round = NULL;
    wr_mutex_lock(&graph->lock);
    uint32_t untold = 0;
    bool first = wr_compare_exchange(&flow->told, &untold, (uint32_t)-status,
                                     relaxed, ALONE, "stops publishes it");
    wr_fetch_add(&graph->stops, 1, seq_cst, FLOW_1,
                 "told is set; whoever made a task READY looks at told again");
    uint64_t parts = close_locked(flow, &round);
    if (first) {
        stop_tasks(flow, status, false, &list);
        stop_tasks(flow, status, true, &list);
    }
    wr_mutex_unlock(&graph->lock);
    wr_round_fire(round);
    if (parts != 0)
        wr_flow_down(flow, parts, &list);
    wr_settle(list);
    return first;
}

// A flow that belongs to a task of a flow that was told; it has one more
// reference then. graph->lock is not held.
static weir_flow *find_child(weir_graph *graph) {
    weir_flow *found = NULL;
    wr_mutex_lock(&graph->lock);
    for (wr_link *link = graph->flows.next;
         found == NULL && link != &graph->flows; link = link->next) {
        weir_flow *flow = wr_container_of(link, weir_flow, link);
        bool ended = wr_load(&flow->has_ended, acquire, FLOW_2,
                             "its parent may be gone then") != 0;
        if (!ended && flow->parent != NULL && wr_flow_told(flow) == 0 &&
            wr_flow_told(flow->parent->flow) != 0)
            found = flow;
    }
    if (found != NULL)
        wr_refs_add(&found->refs, 1);
    wr_mutex_unlock(&graph->lock);
    return found;
}

void wr_flow_stop(weir_flow *flow, int status) {
    weir_graph *graph = flow->graph;
    if (!stop_one(flow, status))
        return;
    weir_flow *child;
    while ((child = find_child(graph)) != NULL) {
        stop_one(child, status);
        wr_flow_unref(child);
    }
}

void weir_flow_cancel(weir_flow *flow) {
    if (!wr_graph_forked(flow->graph))
        wr_flow_stop(flow, -ECANCELED);
}

// ---- scopes ----------------------------------------------------------------

int weir_flow_scope_begin(weir_flow *flow) {
    weir_graph *graph = flow->graph;
    if (wr_graph_forked(graph))
        return -ECHILD;
    wr_mutex_lock(&graph->lock);
    int error = flow->closed                          ? -ESHUTDOWN
                : flow->depth == WEIR_SCOPE_DEPTH_MAX ? -E2BIG
                                                      : 0;
    flow->depth += error == 0;
    wr_mutex_unlock(&graph->lock);
    return error;
}

int weir_flow_scope_end(weir_flow *flow) {
    weir_graph *graph = flow->graph;
    if (wr_graph_forked(graph))
        return -ECHILD;
    wr_round *round = NULL;
    wr_mutex_lock(&graph->lock);
    int error = flow->closed ? -ESHUTDOWN : flow->depth == 0 ? -EINVAL : 0;
    if (error == 0 && end_scopes(flow, --flow->depth))
        round = wr_heap_wake(graph);
    wr_mutex_unlock(&graph->lock);
    wr_round_fire(round);
    return error;
}

// ---- waiting ---------------------------------------------------------------

int wr_flow_wait_for(weir_graph *graph, weir_event *event, int64_t deadline_ns,
                     bool (*over)(void *argument), void *argument) {
    if (!over(argument) && weir_worker_self() == NULL) {
        wr_mutex_lock(&graph->lock);
        wr_endpoint *endpoint = graph->waiting_for;
        wr_mutex_unlock(&graph->lock);
        if (endpoint != NULL)
            endpoint->ops->linger(endpoint, over, argument);
    }
    return weir_event_wait(event, deadline_ns, NULL);
}

static bool flow_over(void *argument) {
    weir_flow *flow = argument;
    return wr_load(&flow->has_ended, acquire, FLOW_2,
                   "then its outcome may be read") != 0;
}

// A task of the flow, or of one within it, asks.
static bool asks_itself(weir_flow *flow) {
    weir_worker *self = weir_worker_self();
    wr_ticket *ticket =
        self != NULL ? wr_threads_running(self, flow->graph) : NULL;
    while (ticket != NULL) {
        wr_task *task = ticket->task;
        if (task->flow == flow)
            return true;
        ticket =
            task->flow->parent != NULL ? &task->flow->parent->ticket : NULL;
    }
    return false;
}

int weir_flow_wait(weir_flow *flow, int64_t deadline_ns, int *status) {
    weir_graph *graph = flow->graph;
    if (wr_graph_forked(graph))
        return -ECHILD;
    if (asks_itself(flow))
        return -EDEADLK;
    int error =
        wr_flow_wait_for(graph, &flow->ended, deadline_ns, flow_over, flow);
    if (error == 0 && status != NULL)
        error = weir_event_status(&flow->ended, status);
    return error;
}

int weir_flow_attach(weir_flow *flow, weir_job *job) {
    if (wr_graph_forked(flow->graph))
        return -ECHILD;
    return weir_event_attach(&flow->ended, NULL, job);
}

int weir_flow_outcome(weir_flow *flow, weir_task_outcome *outcome) {
    weir_graph *graph = flow->graph;
    if (wr_graph_forked(graph))
        return -ECHILD;
    if (!flow_over(flow))
        return -EINPROGRESS;
    weir_task_outcome now = WEIR_TASK_OUTCOME_INIT;
    wr_mutex_lock(&graph->lock);
    now.number = flow->failed;
    now.ran = flow->failed_ran;
    wr_cause_show(flow->failure, &now);
    wr_mutex_unlock(&graph->lock);
    return wr_out_copy(outcome, &now, sizeof(now));
}
