// SPDX-License-Identifier: MIT
// How tasks begin and end: README.md, "Dispatch" and "The end of a task".
#include "base/fault.h"
#include "graph/internal.h"

#include <string.h>

// ---- ready -----------------------------------------------------------------

bool wr_task_arrived(wr_task *task, uint32_t edges) {
    return wr_fetch_sub(&task->pending, edges, acq_rel, TASK_2,
                        "what the predecessors did is seen by the last") ==
           edges;
}

// One claim for every way to end a task that has not started.
static bool claim(wr_task *task, uint32_t to) {
    uint32_t ready = WR_TASK_READY;
    return wr_compare_exchange(&task->state, &ready, to, seq_cst, TASK_1,
                               "one of dispatch, cancel and stop wins");
}

static void push(wr_task *task, wr_task **list) {
    task->next = *list;
    *list = task;
}

static void end_unrun(wr_task *task, int status, wr_task **list) {
    if (status != 0)
        wr_task_blame(task, status);
    push(task, list);
}

// Once it is READY a cancel may end the task, and its flow may be gone: so it
// is not looked at then, but at whether there was any cancel meanwhile.
// - A cancel that the first look at `stops` sees is seen in told too: acquire,
//   and only fetch_adds write `stops`, so that this holds for each of them.
// - One that the second look does not see either finds the task READY, or what
//   became of it: that look and the store before it, and the fetch_add and the
//   look at the state after it, are seq_cst.
// False: a cancel has the task.
static bool make_ready(wr_task *task, int *told) {
    weir_graph *graph = task->graph;
    for (;;) {
        uint32_t stops = wr_load(&graph->stops, acquire, FLOW_1,
                                 "told was set before it grew");
        *told = wr_flow_told(task->flow);
        if (*told != 0)
            return true;
        wr_store(&task->state, WR_TASK_READY, seq_cst, FLOW_1,
                 "a cancel that is not seen below finds the task");
        if (wr_load(&graph->stops, seq_cst, FLOW_1,
                    "a cancel that has passed the task is seen") == stops)
            return true;
        if (!claim(task, WR_TASK_ENDING))
            return false;
    }
}

void wr_task_decide(wr_task *task, wr_task **list) {
    wr_endpoint *endpoint = task->endpoint;
    wr_ticket *tickets = task->tickets;
    int told = 0;
    // No predecessor is left to change `failure`.
    if (task->failure != NULL || endpoint == NULL)
        told = wr_flow_told(task->flow);
    else if (!make_ready(task, &told)) {
        wr_ticket_claim(tickets); // it ends there: the ticket is gone
        return;
    } else if (told == 0) {
        int error = endpoint->ops->submit(endpoint, tickets, tickets->members);
        if (error == 0)
            return;
        if (!claim(task, WR_TASK_ENDING)) {
            wr_ticket_claim(tickets);
            return;
        }
        told = error;
    }
    wr_store(&task->state, WR_TASK_ENDING, relaxed, ALONE,
             "only READY tasks are claimed by others");
    end_unrun(task, told, list);
}

// ---- what endpoints call ---------------------------------------------------

// The ticket of a task that a cancel has ended meanwhile.
static void withdrawn(wr_task *task) {
    weir_graph *graph = task->graph;
    wr_task_unhold(task, WR_HOLD_TICKET);
    wr_graph_unref(graph, 1);
}

bool wr_ticket_claim(wr_ticket *ticket) {
    wr_task *task = ticket->task;
    if (!claim(task, WR_TASK_RUNNING)) {
        withdrawn(task);
        return false;
    }
    return true;
}

void wr_ticket_unrun(wr_ticket *ticket, int status) {
    wr_task *task = ticket->task;
    if (!claim(task, WR_TASK_ENDING)) {
        withdrawn(task);
        return;
    }
    wr_task_blame(task, status);
    wr_settle(task);
}

static void note_failure(wr_task *task, const wr_ticket *ticket,
                         const wr_ending *ending) {
    char *reason = NULL;
    if (ending->reason != NULL && ending->reason[0] != '\0') {
        size_t size = strlen(ending->reason) + 1;
        reason = wr_malloc(size); // none is not worth failing for
        if (reason != NULL)
            memcpy(reason, ending->reason, size);
    }
    // What has not begun did not fail: its flow was cancelled, or shut down.
    int told = ending->unrun ? wr_flow_told(task->flow) : 0;
    wr_mutex_lock(&task->lock);
    // Those that were told to stop because another failed are not why.
    uint32_t order =
        ticket->member + (ending->status == -ECANCELED ? ticket->members : 0);
    bool first = !task->blamed;
    if (first || order < task->failed_by) {
        task->failed_by = order;
        char *old = first ? NULL : task->cause.reason;
        wr_task_blame(task, told != 0 ? told : ending->status);
        task->cause.signal = ending->signal;
        task->cause.exit_status = ending->exit_status;
        task->cause.reason = reason;
        reason = old;
    }
    for (uint32_t i = 0; first && ticket->members > 1 && i < ticket->members;
         i++)
        task->endpoint->ops->tell(task->endpoint, &task->tickets[i], true);
    wr_mutex_unlock(&task->lock);
    wr_free(reason);
}

void wr_ticket_ended(wr_ticket *ticket, const wr_ending *ending) {
    wr_task *task = ticket->task;
    if (ending->status != 0)
        note_failure(task, ticket, ending);
    if (!ending->unrun) // before members_left: the last one looks
        wr_store(&task->began, 1, relaxed, ALONE,
                 "the last member sees it: members_left");
    if (ticket->members > 1 &&
        wr_fetch_sub(&task->members_left, 1, acq_rel, TASK_2,
                     "the last member sees what the others did") != 1)
        return;
    task->ran = wr_load(&task->began, relaxed, ALONE,
                        "what members stored is seen: members_left") != 0;
    if (task->graph->observed) {
        task->worker = ending->worker;
        task->begin_ns = ending->begin_ns;
        task->end_ns = ending->end_ns;
    }
    if (wr_fetch_sub(&task->parts, 1, acq_rel, TASK_2,
                     "the last part sees what child flows did") == 1)
        wr_settle(task);
}

// ---- the end ---------------------------------------------------------------

static void count_failure(weir_graph *graph, const wr_task *task) {
    if (!task->blamed && !task->ran)
        graph->poisoned++;
    else if (task->blamed && task->cause.cancelled)
        graph->cancelled++;
    else
        graph->failed++;
}

// Under the task's lock: nobody adds a successor or an event from here on.
static void publish(wr_task *task, uint32_t state) {
    wr_store(&task->live_id, 0, release, MARK_1,
             "who finds the task ended sees what it did");
    wr_store(&task->state, state, release, TASK_1,
             "what came of it is written");
}

// Before the task is known to have ended: who waits for it may close buffers.
// graph->lock.
static wr_round *give_back(wr_task *task) {
    weir_graph *graph = task->graph;
    bool back = false;
    for (uint32_t i = 0; task->tracked && i < task->uses_count; i++)
        if (task->uses[i].extent->heap || task->uses[i].mode == WEIR_UNORDERED)
            back |= wr_extent_drop(graph, task->uses[i].extent, 1);
    return back ? wr_heap_wake(graph) : NULL;
}

// What failed stays known under the graph's lock, so that a submission finds
// either the task alive, or the data missing. True: somebody waits for the
// task.
static bool end_failed(wr_task *task, wr_cause *cause, bool *keep) {
    weir_graph *graph = task->graph;
    weir_flow *flow = task->flow;
    wr_mutex_lock(&graph->lock);
    wr_domain_free(task->domain);
    task->domain = NULL;
    wr_order_missing(task, cause);
    wr_round *round = give_back(task);
    count_failure(graph, task);
    // A real failure before a cancelled task, the lower number first.
    wr_cause *old = flow->failure;
    if (old == NULL || old->cancelled > cause->cancelled ||
        (old->cancelled == cause->cancelled &&
         task->ticket.number < flow->failed)) {
        flow->failed = task->ticket.number;
        flow->failed_ran = task->ran;
        wr_cause_ref(cause);
        wr_cause_unref(old);
        flow->failure = cause;
    }
    if (graph->observer.ended != NULL)
        graph->observer.ended(graph->observer.context, task->ticket.number,
                              cause->status, task->worker, task->begin_ns,
                              task->end_ns);
    wr_mutex_lock(&task->lock);
    publish(task, WR_TASK_FAILED);
    bool watched = task->watched;
    // A handle may name the task in `after` later: it refers to the cause.
    *keep = cause == &task->cause && (task->holds & WR_HOLD_HANDLE) != 0;
    task->cause_kept = *keep;
    wr_mutex_unlock(&task->lock);
    wr_mutex_unlock(&graph->lock);
    wr_round_fire(round);
    return watched;
}

static void tell_end(wr_task *task) {
    weir_graph *graph = task->graph;
    wr_mutex_lock(&graph->lock);
    wr_domain_free(task->domain);
    task->domain = NULL;
    if (graph->observer.ended != NULL)
        graph->observer.ended(graph->observer.context, task->ticket.number, 0,
                              task->worker, task->begin_ns, task->end_ns);
    wr_round *round = give_back(task);
    wr_mutex_unlock(&graph->lock);
    wr_round_fire(round);
}

void wr_task_poison(wr_task *task, wr_cause *cause) {
    wr_cause_ref(cause);
    wr_mutex_lock(&task->lock);
    if (task->failure == NULL || cause->number < task->failure->number) {
        wr_cause *old = task->failure;
        task->failure = cause;
        cause = old;
    }
    wr_mutex_unlock(&task->lock);
    wr_cause_unref(cause);
}

static void release_successors(wr_edge *edge, wr_cause *cause, wr_task **list) {
    while (edge != NULL) {
        wr_edge *next = edge->next; // the edge is gone with its task
        wr_task *to = edge->to;
        if (cause != NULL && edge->data)
            wr_task_poison(to, cause);
        if (wr_task_arrived(to, 1))
            wr_task_decide(to, list);
        edge = next;
    }
}

static void end_failed_one(wr_task *task, wr_cause *cause, wr_task **list) {
    uint32_t holds = WR_HOLD_LIVE | (task->withdrawn ? 0 : WR_HOLD_TICKET);
    bool own = cause == &task->cause;
    if (own) {
        cause->cancelled = !task->ran && (cause->status == -ECANCELED ||
                                          cause->status == -ESHUTDOWN);
        wr_refs_init(&cause->refs, 1);
        wr_mutex_lock(&task->lock);
        task->holds |= WR_HOLD_CAUSE;
        wr_mutex_unlock(&task->lock);
    }
    bool kept;
    bool watched = end_failed(task, cause, &kept);
    release_successors(task->successors, cause, list);
    if (watched)
        weir_event_fire(&task->event, cause->status);
    if (own && !kept)
        wr_cause_unref(cause);
    wr_task_unhold(task, holds);
}

// Most tasks: one lock, taken once.
static void end_well_one(wr_task *task, wr_task **list) {
    if (task->graph->observer.ended != NULL || task->domain != NULL ||
        task->tracked)
        tell_end(task);
    wr_mutex_lock(&task->lock);
    publish(task, WR_TASK_DONE);
    wr_edge *successors = task->successors;
    bool watched = task->watched;
    bool spare =
        !watched && wr_task_unhold_locked(task, WR_HOLD_LIVE | WR_HOLD_TICKET);
    wr_mutex_unlock(&task->lock);
    if (spare)
        wr_task_spare(task, NULL);
    release_successors(successors, NULL, list);
    if (!watched)
        return;
    weir_event_fire(&task->event, 0);
    wr_task_unhold(task, WR_HOLD_LIVE | WR_HOLD_TICKET);
}

static void end_one(wr_task *task, wr_task **list) {
    weir_flow *flow = task->flow;
    wr_cause *cause = wr_task_cause(task);
    if (cause != NULL)
        end_failed_one(task, cause, list);
    else
        end_well_one(task, list);
    wr_flow_down(flow, 1, list);
}

void wr_settle(wr_task *list) {
    while (list != NULL) {
        wr_task *task = list;
        list = task->next;
        task->next = NULL;
        end_one(task, &list);
    }
}
