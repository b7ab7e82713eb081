// SPDX-License-Identifier: MIT
// Ending: by having nothing left, or early; and what is called then.
#include "base/fault.h"
#include "frontier/internal.h"

#include <pthread.h>

// ---- parts -----------------------------------------------------------------

static bool in_done(const weir_frontier *frontier) {
    return frontier->destroyed != NULL &&
           pthread_equal(frontier->done_thread, pthread_self()) &&
           frontier->done_worker == wr_worker_current();
}

// What remains when done has returned and the watch is gone: the second calls.
static void settle(weir_frontier *frontier) {
    if (!wr_refs_drop(&frontier->last, 1))
        return;
    if (frontier->gone)
        wr_free(frontier);
    else
        (void)weir_event_fire(&frontier->ended, 0);
}

// Nothing touches the frontier any more but those who learn of it here.
static void conclude(weir_frontier *frontier) {
    const weir_item *first = NULL;
    bool destroyed = false; // by done
    if (frontier->failed_count > 0)
        first = wr_result_level(frontier);
    frontier->status = frontier->told_in_time != 0 ? frontier->told_in_time
                       : first != NULL             ? first->status
                                                   : 0;
    wr_mutex_lock(&frontier->lock);
    frontier->done_thread = pthread_self();
    frontier->done_worker = wr_worker_current();
    frontier->destroyed = &destroyed;
    wr_mutex_unlock(&frontier->lock);
    wr_store(&frontier->has_ended, 1, release, FRONTIER_2,
             "all that visits did is there");
    if (frontier->options.done != NULL)
        frontier->options.done(frontier->options.context, frontier->status);
    wr_mutex_lock(&frontier->lock);
    frontier->destroyed = NULL;
    frontier->gone = destroyed;
    wr_mutex_unlock(&frontier->lock);
    // Until here the pool had a job of ours, so that a drain waits for done.
    if (weir_event_detach(&frontier->never, &frontier->watch) == 0)
        settle(frontier);
    settle(frontier);
}

void wr_end_drop(weir_frontier *frontier) {
    if (wr_refs_drop(&frontier->parts, 1))
        conclude(frontier);
}

// ---- nothing left ----------------------------------------------------------

void wr_end_defer(weir_frontier *frontier, weir_item *item) {
    item->prev = frontier->deferred;
    item->next = WR_NOBODY;
    if (item->prev != WR_NOBODY)
        wr_item_of(frontier, item->prev)->next = item->id;
    frontier->deferred = item->id;
}

// It is demanded again.
static void undefer(weir_frontier *frontier, weir_item *item) {
    if (item->next == WR_NOBODY)
        frontier->deferred = item->prev;
    else
        wr_item_of(frontier, item->next)->prev = item->prev;
    if (item->prev != WR_NOBODY)
        wr_item_of(frontier, item->prev)->next = item->next;
    item->prev = WR_NOBODY;
    wr_item_become(item, WR_ITEM_DEMAND);
}

bool wr_end_undefer(weir_frontier *frontier, weir_item *item) {
    wr_mutex_lock(&frontier->lock);
    bool back = wr_item_state(item) == WR_ITEM_DEFERRED &&
                wr_result_before(frontier, item, frontier->first_failed);
    if (back)
        undefer(frontier, item);
    wr_mutex_unlock(&frontier->lock);
    return back;
}

// FIRST, and something has failed: what was set aside and may come before it is
// visited after all. Nothing is outstanding.
static size_t reconsider(weir_frontier *frontier, wr_items *again) {
    weir_item *first = wr_result_level(frontier);
    uint32_t id = frontier->deferred;
    frontier->first_failed = first; // by true distances now
    frontier->deferred = WR_NOBODY; // made anew: the search used `next`
    wr_items_init(again);
    while (id != WR_NOBODY) {
        weir_item *item = wr_item_of(frontier, id);
        id = item->prev;
        if (!wr_result_before(frontier, item, first)) {
            wr_end_defer(frontier, item);
            continue;
        }
        wr_item_become(item, WR_ITEM_DEMAND);
        item->prev = WR_NOBODY;
        item->next = again->first;
        again->first = item->id;
        again->count++;
    }
    return again->count;
}

// True: there is work again.
static bool go_on(weir_frontier *frontier) {
    wr_items again;
    if (frontier->failed == WR_NOBODY || frontier->deferred == WR_NOBODY ||
        wr_frontier_told(frontier) != 0 || reconsider(frontier, &again) == 0)
        return false;
    size_t count = again.count;
    wr_end_count(frontier, count + 1); // one for this loop
    while (again.first != WR_NOBODY) {
        weir_item *item = wr_item_of(frontier, again.first);
        again.first = item->next;
        wr_place *place = wr_place_enter(frontier);
        wr_ready_push(frontier, place, item);
        wr_place_leave(frontier, place);
    }
    wr_visit_found(frontier, count);
    wr_end_uncount(frontier, 1);
    return true;
}

static void end_deferred(weir_frontier *frontier) {
    int told = wr_frontier_told(frontier);
    while (frontier->deferred != WR_NOBODY) {
        weir_item *item = wr_item_of(frontier, frontier->deferred);
        frontier->deferred = item->prev;
        item->prev = WR_NOBODY;
        wr_visit_unseen(frontier, item, told != 0 ? told : -ECANCELED);
    }
}

static void work_over(weir_frontier *frontier) {
    if (go_on(frontier))
        return;
    end_deferred(frontier);
    wr_mutex_lock(&frontier->lock);
    frontier->over = true;
    frontier->told_in_time = wr_frontier_told(frontier);
    wr_mutex_unlock(&frontier->lock);
    wr_runner_dismiss(frontier);
    wr_owner_dismiss(frontier);
    wr_end_drop(frontier);
}

void wr_end_uncount(weir_frontier *frontier, uint64_t count) {
    if (count == 0)
        return;
    wr_frontier_point(frontier);
    if (wr_fetch_sub(&frontier->outstanding, count, release, FRONTIER_1,
                     "what ended has been done") != count)
        return;
    if (wr_load(&frontier->outstanding, acquire, FRONTIER_1,
                "the last one sees what all have done") == 0)
        work_over(frontier);
}

// ---- early -----------------------------------------------------------------

// Those that were told stand at the end of the list. _locked.
static void tell(weir_frontier *frontier, weir_visit *visit) {
    visit->notified = true;
    wr_refs_add(&visit->parts, 1);
    wr_list_remove(&visit->later);
    wr_list_push_back(&frontier->later, &visit->later);
}

void wr_end_notify(weir_visit *visit, int why) {
    weir_frontier *frontier = visit->frontier;
    if (frontier->options.cancelled == NULL)
        return;
    wr_mutex_lock(&frontier->lock);
    bool due = wr_link_linked(&visit->later) && !visit->notified;
    if (due)
        tell(frontier, visit);
    wr_mutex_unlock(&frontier->lock);
    if (!due)
        return;
    frontier->options.cancelled(frontier->options.context, visit, why);
    wr_visit_part_over(visit);
}

// A visit that has not been told, with a part for the caller, or NULL.
static weir_visit *next_to_tell(weir_frontier *frontier) {
    weir_visit *visit = NULL;
    wr_mutex_lock(&frontier->lock);
    if (!wr_list_empty(&frontier->later)) {
        visit = wr_container_of(frontier->later.next, weir_visit, later);
        if (visit->notified)
            visit = NULL;
    }
    if (visit != NULL)
        tell(frontier, visit);
    wr_mutex_unlock(&frontier->lock);
    return visit;
}

void wr_end_trouble(weir_frontier *frontier, weir_item *item) {
    weir_visit *visit = NULL;
    wr_mutex_lock(&frontier->lock);
    item->trouble = true;
    for (wr_link *link = frontier->later.next;
         visit == NULL && link != &frontier->later; link = link->next)
        if (wr_container_of(link, weir_visit, later)->item == item)
            visit = wr_container_of(link, weir_visit, later);
    if (visit != NULL)
        wr_refs_add(&visit->parts, 1);
    wr_mutex_unlock(&frontier->lock);
    if (visit == NULL)
        return;
    wr_visit_trouble(visit, -ENOMEM);
    wr_end_notify(visit, -ENOMEM);
    wr_visit_part_over(visit);
}

void wr_end_early(weir_frontier *frontier, int why) {
    wr_mutex_lock(&frontier->lock);
    bool first = !frontier->over && wr_frontier_told(frontier) == 0;
    bool closing = first && !frontier->closed;
    if (first) {
        frontier->closed = true;
        wr_store(&frontier->told, (uint32_t)-why, relaxed, ALONE,
                 "who must see it looks under a lock that is taken after it");
    }
    wr_mutex_unlock(&frontier->lock);
    if (!first)
        return;
    wr_pause_end_all(frontier);
    weir_visit *visit;
    while (frontier->options.cancelled != NULL &&
           (visit = next_to_tell(frontier)) != NULL) {
        frontier->options.cancelled(frontier->options.context, visit, why);
        wr_visit_part_over(visit);
    }
    wr_runner_wake(frontier, SIZE_MAX);
    if (closing)
        wr_end_uncount(frontier, 1);
}

// The caller holds no part.
static void early_from_outside(weir_frontier *frontier, int why) {
    // Over: its parts may be gone already.
    wr_mutex_lock(&frontier->lock);
    bool over = frontier->over;
    if (!over)
        wr_end_keep(frontier); // the work's own part is still there
    wr_mutex_unlock(&frontier->lock);
    if (over)
        return;
    wr_end_early(frontier, why);
    wr_end_drop(frontier);
}

// ---- the deadline, and the pool's end --------------------------------------

static int watch_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void watch_done(weir_job *job, int status) {
    weir_frontier *frontier = wr_container_of(job, weir_frontier, watch);
    early_from_outside(frontier,
                       status == -ETIMEDOUT ? -ETIMEDOUT : -ESHUTDOWN);
    settle(frontier);
}

int wr_end_watch(weir_frontier *frontier) {
    frontier->watch = (weir_job)WEIR_JOB_INIT(watch_run, watch_done);
    frontier->watch.name = frontier->options.name;
    frontier->watch.deadline_ns = frontier->options.deadline_ns;
    wr_refs_add(&frontier->last, 1);
    int error = weir_event_attach(&frontier->never, NULL, &frontier->watch);
    if (error != 0)
        (void)wr_refs_drop(&frontier->last, 1);
    return error;
}

// ---- from outside ----------------------------------------------------------

void weir_frontier_cancel(weir_frontier *frontier) {
    if (!wr_frontier_forked(frontier))
        early_from_outside(frontier, -ECANCELED);
}

int weir_frontier_wait(weir_frontier *frontier, int64_t deadline_ns,
                       int *status) {
    if (wr_frontier_forked(frontier))
        return -ECHILD;
    const weir_worker *self = wr_worker_current();
    if (self != NULL && self->pool == frontier->pool)
        return -EDEADLK;
    int error = weir_event_wait(&frontier->ended, deadline_ns, NULL);
    if (error == 0 && status != NULL)
        *status = frontier->status;
    return error;
}

void weir_frontier_destroy(weir_frontier *frontier) {
    if (frontier == NULL || wr_frontier_forked(frontier))
        return;
    wr_mutex_lock(&frontier->lock);
    bool mine = in_done(frontier);
    if (mine)
        *frontier->destroyed = true;
    wr_mutex_unlock(&frontier->lock);
    int ignored;
    if (!mine && weir_event_status(&frontier->ended, &ignored) != 0) {
        const weir_worker *self = wr_worker_current();
        wr_check(self == NULL || self->pool != frontier->pool,
                 "a frontier that has not ended is destroyed on a worker of "
                 "its pool");
        weir_frontier_cancel(frontier);
        int error = weir_event_wait(&frontier->ended, WEIR_FOREVER, NULL);
        wr_check(error == 0, "a frontier is destroyed with a visit that "
                             "nothing will end");
    }
    wr_end_empty(frontier);
    if (!mine) // else whoever called done still needs the rest
        wr_free(frontier);
}
