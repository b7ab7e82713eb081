// SPDX-License-Identifier: MIT
// What the holder of a task's handle may ask.
#include "base/options.h"
#include "graph/internal.h"

static bool has_ended(wr_task *task) {
    uint32_t state = wr_task_state_of(task);
    return state == WR_TASK_DONE || state == WR_TASK_FAILED;
}

static void show_task(wr_task *task, weir_task_outcome *outcome) {
    outcome->number = task->ticket.number;
    if (!has_ended(task))
        return;
    outcome->ran = task->ran;
    wr_cause_show(wr_task_cause(task), outcome);
}

int weir_task_poll(weir_graph *graph, weir_task handle,
                   weir_task_outcome *outcome) {
    if (wr_graph_forked(graph))
        return -ECHILD;
    wr_task *task = wr_task_of(graph, handle);
    if (task == NULL)
        return -ESTALE;
    weir_task_outcome now = WEIR_TASK_OUTCOME_INIT;
    show_task(task, &now);
    int status = has_ended(task) ? 0 : -EINPROGRESS;
    wr_mutex_unlock(&task->lock);
    int error = outcome == NULL ? 0 : wr_out_copy(outcome, &now, sizeof(now));
    return error != 0 ? error : status;
}

// The event of a task that has not ended is made when the first asks for it.
static void watch(wr_task *task) {
    if (task->watched)
        return;
    weir_event_init(&task->event, task->graph->pool, has_ended(task) ? 0 : 1);
    task->watched = true;
}

static bool task_over(void *argument) { return has_ended(argument); }

int weir_task_wait(weir_graph *graph, weir_task handle, int64_t deadline_ns,
                   weir_task_outcome *outcome) {
    if (wr_graph_forked(graph))
        return -ECHILD;
    weir_worker *self = weir_worker_self();
    wr_task *task = wr_task_of(graph, handle);
    if (task == NULL)
        return -ESTALE;
    bool ended = has_ended(task);
    if (!ended)
        watch(task);
    wr_mutex_unlock(&task->lock);
    if (!ended && self != NULL) {
        wr_ticket *running = wr_threads_running(self, graph);
        if (running != NULL && running->task == task)
            return -EDEADLK;
    }
    int error = 0;
    if (!ended)
        error =
            wr_flow_wait_for(graph, &task->event, deadline_ns, task_over, task);
    return error != 0 ? error : weir_task_poll(graph, handle, outcome);
}

int weir_task_attach(weir_graph *graph, weir_task handle, weir_job *job) {
    if (wr_graph_forked(graph))
        return -ECHILD;
    wr_task *task = wr_task_of(graph, handle);
    if (task == NULL)
        return -ESTALE;
    watch(task);
    wr_mutex_unlock(&task->lock);
    return weir_event_attach(&task->event, NULL, job);
}

int weir_task_release(weir_graph *graph, weir_task handle) {
    if (wr_graph_forked(graph))
        return -ECHILD;
    wr_task *task = wr_task_of(graph, handle);
    if (task == NULL)
        return -ESTALE;
    bool kept = task->cause_kept;
    task->cause_kept = false;
    wr_mutex_unlock(&task->lock);
    if (kept)
        wr_cause_unref(&task->cause);
    wr_task_unhold(task, WR_HOLD_HANDLE);
    return 0;
}
