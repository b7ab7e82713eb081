// SPDX-License-Identifier: MIT
// Back-off: an item that failed waits, and is pushed again. The wait is a job
// attached to an event that never happens, with a deadline.
#include "base/fault.h"
#include "base/random.h"
#include "frontier/internal.h"

int64_t wr_pause_after(const weir_frontier *frontier, const weir_item *item,
                       int64_t at_least_ns) {
    int64_t most = frontier->options.backoff_max_ns;
    int64_t after = frontier->options.backoff_ns;
    for (unsigned i = 1; i < item->attempts && after < most; i++)
        after = after > most / 2 ? most : after * 2;
    after = after > most ? most : after;
    // By key and attempt, not by who came first.
    wr_hash_secret fixed = {{0}};
    for (unsigned i = 0; i < 12; i++)
        fixed.word[i] =
            (frontier->options.seed + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t random =
        wr_hash(&fixed, wr_item_bytes(item), item->key_size) + item->attempts;
    double less = (double)(wr_random_next(&random) >> 11) * 0x1p-53;
    after -= (int64_t)((double)after / 2 * less);
    return after > at_least_ns ? after : at_least_ns;
}

wr_pause *wr_pause_create(weir_frontier *frontier, weir_item *item) {
    wr_pause *pause = wr_calloc(1, sizeof(*pause));
    if (pause == NULL)
        return NULL;
    pause->frontier = frontier;
    pause->item = item;
    return pause;
}

static int pause_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

// The wait is over: to be visited again, or ended early.
static void pause_end(wr_pause *pause, bool again) {
    weir_frontier *frontier = pause->frontier;
    weir_item *item = pause->item;
    wr_mutex_lock(&frontier->lock);
    wr_list_remove(&pause->link);
    frontier->pausing--;
    wr_mutex_unlock(&frontier->lock);
    wr_free(pause);
    if (again) {
        wr_item_become(item, WR_ITEM_DEMAND);
        wr_place *place = wr_place_enter(frontier);
        wr_ready_push(frontier, place, item);
        wr_place_leave(frontier, place);
        wr_visit_found(frontier, 1);
    } else {
        int told = wr_frontier_told(frontier);
        wr_visit_unseen(frontier, item, told != 0 ? told : -ESHUTDOWN);
        wr_end_uncount(frontier, 1);
    }
    wr_end_drop(frontier);
}

static void pause_done(weir_job *job, int status) {
    wr_pause *pause = wr_container_of(job, wr_pause, job);
    weir_frontier *frontier = pause->frontier;
    if (status == -ESHUTDOWN)
        wr_end_early(frontier, -ESHUTDOWN);
    pause_end(pause, status == -ETIMEDOUT);
}

void wr_pause_start(wr_pause *pause, int64_t again_ns) {
    weir_frontier *frontier = pause->frontier;
    int64_t now_ns =
        frontier->deterministic ? frontier->pool->virtual_now_ns : wr_now_ns();
    pause->job = (weir_job)WEIR_JOB_INIT(pause_run, pause_done);
    pause->job.name = frontier->options.name;
    pause->job.deadline_ns = again_ns > WEIR_FOREVER - now_ns - 2
                                 ? WEIR_FOREVER - 1
                                 : now_ns + again_ns + 1;
    wr_end_keep(frontier);
    wr_mutex_lock(&frontier->lock);
    wr_list_push_back(&frontier->pauses, &pause->link);
    frontier->pausing++;
    wr_mutex_unlock(&frontier->lock);
    wr_end_keep(frontier);
    int error = wr_event_attach(&frontier->never, &pause->job, true);
    if (error != 0) {
        wr_end_early(frontier, -ESHUTDOWN);
        pause_end(pause, false);
    } else if (wr_frontier_told(frontier) != 0) {
        wr_pause_end_all(frontier); // they may have been before it was there
    }
    wr_end_drop(frontier);
}

void wr_pause_end_all(weir_frontier *frontier) {
    // Under the lock a pause that is linked is there; canceling calls nothing.
    wr_mutex_lock(&frontier->lock);
    for (wr_link *link = frontier->pauses.next; link != &frontier->pauses;
         link = link->next)
        (void)weir_cancel(frontier->pool,
                          &wr_container_of(link, wr_pause, link)->job);
    wr_mutex_unlock(&frontier->lock);
}
