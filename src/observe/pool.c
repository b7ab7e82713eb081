// SPDX-License-Identifier: MIT
// Looking at a pool and its workers, under the pool's lock, for a moment.
#include "observe/types.h"

#include "base/options.h"

#include <string.h>

static int64_t busy_ns(const weir_worker *worker, int64_t now_ns) {
    int64_t since_ns = worker->placed_ns;
    return worker->busy_ns + (since_ns != 0 ? now_ns - since_ns : 0);
}

static weir_pool_advice advice(const weir_pool_stats *stats) {
    uint64_t active = stats->counts.queued + stats->counts.running;
    if (active > UINT64_C(2) * stats->width)
        return WEIR_POOL_CROWDED;
    if (wr_mostly_slow(stats->slow, &stats->run))
        return WEIR_POOL_SLOW;
    return WEIR_POOL_FINE;
}

int weir_observe_pool(weir_pool *pool, weir_pool_stats *stats) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    if (stats->size < sizeof(stats->size))
        return -EINVAL;
    weir_pool_stats now = {.width = pool->width};
    wr_pool_lock(pool);
    int64_t now_ns = wr_now_ns();
    now.counts = wr_figures_count(pool);
    now.counts.size = sizeof(now.counts);
    now.age_ns = now_ns - pool->created_ns;
    for (unsigned i = 0; i < pool->index_limit; i++) {
        now.threads += pool->workers[i].live && !pool->deterministic;
        now.busy_ns += busy_ns(&pool->workers[i], now_ns);
    }
    if (pool->times != NULL) {
        now.queue = pool->times->queue;
        now.run = pool->times->run;
        now.slow = pool->times->slow;
    }
    wr_pool_unlock(pool);
    if (now.age_ns > 0)
        now.utilisation =
            (double)now.busy_ns / ((double)now.age_ns * now.width);
    now.advice = advice(&now);
    return wr_out_copy(stats, &now, sizeof(now));
}

static void copy_name(char to[WEIR_NAME_MAX], const char *name) {
    wr_format_name(to, WEIR_NAME_MAX, name != NULL ? name : "?");
}

int weir_observe_worker(weir_pool *pool, unsigned index,
                        weir_worker_stats *stats) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    if (stats->size < sizeof(stats->size))
        return -EINVAL;
    if (index >= pool->index_limit)
        return -ENOENT;
    const weir_worker *worker = &pool->workers[index];
    weir_worker_stats now = {0};
    wr_pool_lock(pool);
    (void)wr_bursts_recall(pool);
    int64_t now_ns = wr_now_ns();
    now.alive = worker->live;
    now.lent = worker->state == WR_LENT;
    now.jobs = worker->jobs;
    now.steals = worker->steals;
    now.parks = worker->parks;
    now.wakes = worker->wakes;
    now.busy_ns = busy_ns(worker, now_ns);
    const wr_frame *frame = worker->frame;
    while (frame != NULL && frame->fork != NULL)
        frame = frame->below;
    if (frame != NULL) {
        now.for_ns = now_ns - frame->started_ns;
        copy_name(now.name, wr_frame_own_name(frame));
    }
    wr_pool_unlock(pool);
    return wr_out_copy(stats, &now, sizeof(now));
}

// ---- what may take too long ------------------------------------------------

void wr_stalling_each(weir_pool *pool, int64_t now_ns, int64_t over_ns,
                      void (*visit)(void *context, const wr_stalling *one),
                      void *context) {
    for (unsigned i = 0; i < pool->index_limit; i++) {
        weir_worker *worker = &pool->workers[i];
        const wr_frame *lender = NULL;
        wr_stalling one = {.worker = worker};
        if (worker->state == WR_LENT) {
            one.frame = wr_worker_lender(worker);
            one.since_ns = worker->lent_ns;
            one.told = &worker->told;
            visit(context, &one);
            if (now_ns - worker->lent_ns >= over_ns)
                lender = one.frame;
        }
        for (wr_frame *frame = worker->frame; frame != NULL;
             frame = frame->below) {
            if (frame->fork != NULL || frame == lender)
                continue;
            one.frame = frame;
            one.since_ns = frame->started_ns;
            one.told = &frame->told;
            visit(context, &one);
        }
    }
}

void wr_stalling_copy(weir_stall *to, const wr_stalling *one, int64_t now_ns) {
    *to = (weir_stall){.worker = one->worker->index,
                       .lent = one->worker->state == WR_LENT,
                       .for_ns = now_ns - one->since_ns};
    copy_name(to->name, wr_frame_name(one->frame));
}

typedef struct longest {
    weir_stall *stalls; // the longest first
    unsigned max;
    int found;
    int64_t now_ns;
    int64_t over_ns;
} longest;

static void keep_longest(void *context, const wr_stalling *one) {
    longest *list = context;
    int64_t for_ns = list->now_ns - one->since_ns;
    if (for_ns < list->over_ns)
        return;
    unsigned kept = (unsigned)list->found++;
    if (kept > list->max)
        kept = list->max;
    unsigned at = 0;
    while (at < kept && list->stalls[at].for_ns >= for_ns)
        at++;
    if (at == list->max)
        return;
    unsigned moved = (kept < list->max ? kept : list->max - 1) - at;
    memmove(&list->stalls[at + 1], &list->stalls[at],
            moved * sizeof(*list->stalls));
    wr_stalling_copy(&list->stalls[at], one, list->now_ns);
}

int weir_observe_stalls(weir_pool *pool, int64_t over_ns, weir_stall *stalls,
                        unsigned max) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    longest list = {.stalls = stalls, .max = max, .over_ns = over_ns};
    wr_pool_lock(pool);
    (void)wr_bursts_recall(pool); // nothing begins after the clock is read
    list.now_ns = wr_now_ns();
    wr_stalling_each(pool, list.now_ns, over_ns, keep_longest, &list);
    wr_pool_unlock(pool);
    return list.found;
}
