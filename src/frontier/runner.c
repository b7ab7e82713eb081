// SPDX-License-Identifier: MIT
// Runners: jobs that visit what there is. An idle one is attached to an event
// of its own; waking it is firing that.
#include "frontier/internal.h"

enum { VISITS_MOST = 64 }; // before others have their turn

static wr_runner *runner_of(weir_job *job) {
    return wr_container_of(job, wr_runner, job);
}

// Says that what this worker's visits came to does not count any more.
static void flush(weir_frontier *frontier, wr_place *place) {
    uint64_t ended = place->ended;
    place->ended = 0;
    if (ended > 0)
        wr_end_uncount(frontier, ended);
}

// FIRST: something has failed, and this does not seem to come before it.
static bool defer(weir_frontier *frontier, weir_item *item) {
    if (wr_load(&frontier->failing, relaxed, ALONE,
                "looked at again when nothing is outstanding") == 0)
        return false;
    wr_mutex_lock(&frontier->lock);
    bool before = wr_result_before(frontier, item, frontier->first_failed);
    if (!before) {
        wr_item_become(item, WR_ITEM_DEFERRED);
        wr_end_defer(frontier, item);
    }
    wr_mutex_unlock(&frontier->lock);
    if (before)
        return false;
    wr_ready_leave(frontier, item->visit_class);
    return true;
}

static int runner_run(weir_worker *self, weir_job *job) {
    wr_runner *runner = runner_of(job);
    weir_frontier *frontier = runner->frontier;
    wr_place *place = &frontier->place[weir_worker_index(self)];
    runner->again = runner->starved = false;
    for (int visits = 0;; visits++) {
        if (visits == VISITS_MOST) {
            runner->again = true;
            break;
        }
        weir_item *item = wr_ready_take(frontier, place);
        if (item == NULL)
            break;
        if (wr_load(&frontier->idle_count, relaxed, ALONE, "a hint") != 0 &&
            !wr_visit_starving(frontier) && wr_ready_more(frontier, place))
            wr_runner_wake(frontier, 1);
        int told = wr_frontier_told(frontier);
        if (told != 0) {
            wr_visit_cancel(frontier, item, told);
            place->ended++;
        } else if (defer(frontier, item)) {
            place->ended++;
        } else if (!wr_visit_item(frontier, place, self, item)) {
            runner->starved = true;
            break;
        }
    }
    if (frontier->owned) {
        wr_owner_post(frontier, place);
        wr_owner_call(frontier);
    }
    flush(frontier, place);
    return 0;
}

// _locked.
static void register_idle(weir_frontier *frontier, wr_runner *runner) {
    runner->next = frontier->idle;
    frontier->idle = runner;
    (void)wr_fetch_add(&frontier->idle_count, 1, relaxed, ALONE,
                       "under the lock; a hint without");
}

static bool is_over(weir_frontier *frontier) {
    wr_mutex_lock(&frontier->lock);
    bool over = frontier->over;
    wr_mutex_unlock(&frontier->lock);
    return over;
}

// Its job is over, and there was nothing to do: it waits to be woken.
static void rest(weir_frontier *frontier, wr_runner *runner) {
    bool starved = runner->starved; // once idle it may run again
    wr_end_keep(frontier); // once attached it may be ended, with its part
    weir_event_init(&runner->wake, frontier->pool, 1);
    if (wr_event_attach(&runner->wake, &runner->job, true) != 0) {
        wr_end_early(frontier, -ESHUTDOWN);
        wr_runner_drain(frontier);
        wr_end_drop(frontier);
        wr_end_drop(frontier);
        return;
    }
    wr_mutex_lock(&frontier->lock);
    bool over = frontier->over;
    if (!over)
        register_idle(frontier, runner);
    wr_mutex_unlock(&frontier->lock);
    wr_frontier_point(frontier);
    if (over && weir_event_detach(&runner->wake, &runner->job) == 0)
        wr_end_drop(frontier);
    // What was pushed before this runner was idle woke nobody: look again. But
    // without memory it would look for ever: a visit's end wakes it.
    bool starves = starved && wr_visit_starving(frontier);
    if (!over && !starves && wr_ready_any(frontier))
        wr_runner_wake(frontier, 1);
    wr_end_drop(frontier);
}

static void runner_done(weir_job *job, int status) {
    (void)status;
    wr_runner *runner = runner_of(job);
    weir_frontier *frontier = runner->frontier;
    if (!weir_job_ran(job)) { // the pool is being stopped
        wr_end_early(frontier, -ESHUTDOWN);
        wr_runner_drain(frontier);
        wr_end_drop(frontier);
        return;
    }
    if (is_over(frontier)) {
        wr_end_drop(frontier);
        return;
    }
    if (runner->again && weir_submit(frontier->pool, job) == 0)
        return;
    rest(frontier, runner);
}

int wr_runner_start(weir_frontier *frontier, wr_runner *runner,
                    int (*run)(weir_worker *self, weir_job *job),
                    void (*done)(weir_job *job, int status)) {
    runner->frontier = frontier;
    runner->job = (weir_job)WEIR_JOB_INIT(run, done);
    runner->job.name = frontier->options.name;
    weir_event_init(&runner->wake, frontier->pool, 1);
    wr_end_keep(frontier);
    int error = weir_event_attach(&runner->wake, NULL, &runner->job);
    if (error != 0)
        wr_refs_drop(&frontier->parts, 1);
    return error;
}

int wr_runner_init(weir_frontier *frontier) {
    for (unsigned i = 0; i < frontier->places; i++) {
        wr_runner *runner = &frontier->runner[i];
        int error = wr_runner_start(frontier, runner, runner_run, runner_done);
        if (error != 0)
            return error;
        wr_mutex_lock(&frontier->lock);
        register_idle(frontier, runner);
        wr_mutex_unlock(&frontier->lock);
    }
    return 0;
}

static wr_runner *pop_idle(weir_frontier *frontier) {
    wr_mutex_lock(&frontier->lock);
    wr_runner *runner = frontier->idle;
    if (runner != NULL) {
        frontier->idle = runner->next;
        (void)wr_fetch_sub(&frontier->idle_count, 1, relaxed, ALONE,
                           "under the lock; a hint without");
    }
    wr_mutex_unlock(&frontier->lock);
    return runner;
}

void wr_runner_wake(weir_frontier *frontier, size_t count) {
    // At most each once: some may be idle again before the last is woken.
    if (count > frontier->places)
        count = frontier->places;
    for (; count > 0; count--) {
        // Whoever went idle before it could see what we pushed counts here: it
        // looked under the lock that we pushed under.
        if (wr_load(&frontier->idle_count, relaxed, ALONE, "see above") == 0)
            return;
        wr_runner *runner = pop_idle(frontier);
        if (runner == NULL)
            return;
        (void)weir_event_fire(&runner->wake, 0);
    }
}

void wr_runner_dismiss(weir_frontier *frontier) {
    wr_runner *runner;
    while ((runner = pop_idle(frontier)) != NULL)
        if (weir_event_detach(&runner->wake, &runner->job) == 0)
            wr_end_drop(frontier); // not the last part: the caller has one
}

void wr_runner_drain(weir_frontier *frontier) {
    for (;;) {
        wr_place *place = wr_place_enter(frontier);
        weir_item *item = wr_ready_take(frontier, place);
        wr_place_leave(frontier, place);
        if (item == NULL)
            break;
        wr_visit_cancel(frontier, item, wr_frontier_told(frontier));
        wr_end_uncount(frontier, 1);
    }
    if (frontier->owned)
        wr_owner_work(frontier);
}
