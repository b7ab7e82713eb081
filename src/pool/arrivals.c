// SPDX-License-Identifier: MIT
// Arrivals: jobs that were submitted and that no worker has looked at yet. They
// have a lock of their own, so that submitters and workers meet once per burst
// and not twice per job. README.md, "Arrivals", has the protocol.
#include "pool/internal.h"

bool wr_arrivals_take(const weir_pool *pool, const weir_job *job) {
    return pool->arrivals_used && job->priority == WEIR_PRIORITY_NORMAL &&
           (job->deadline_ns == 0 || job->deadline_ns == WEIR_FOREVER);
}

bool wr_arrivals_open(weir_pool *pool) {
    if (!pool->arrivals_used)
        return false;
    wr_mutex_lock(&pool->arrivals_lock);
    bool open = pool->arrivals_open;
    wr_mutex_unlock(&pool->arrivals_lock);
    return open;
}

bool wr_arrivals_begin(weir_pool *pool) {
    wr_mutex_lock(&pool->arrivals_lock);
    // Whoever has gone to sleep without having seen what is about to be added
    // stored `hungry` before it took the lock that is held now.
    if (pool->arrivals_open &&
        wr_load(&pool->hungry, relaxed, ALONE,
                "ordered by the lock: see README.md, Arrivals") == 0)
        return true;
    wr_mutex_unlock(&pool->arrivals_lock);
    return false;
}

void wr_arrivals_add(weir_pool *pool, weir_job *job, void *captured) {
    wr_job_check(job);
    wr_job *own = wr_job_of(job);
    wr_job_fill(pool, own, NULL, captured);
    own->queued_ns = wr_pool_timed(pool) ? wr_now_ns() : 0;
    wr_list_push_back(&pool->arrivals, &own->link);
    wr_store(&own->state, WR_JOB_QUEUED, relaxed, ALONE, "under the lock");
    uint32_t count =
        wr_load(&pool->arrived, relaxed, ALONE, "changed under the lock only");
    wr_store(&pool->arrived, count + 1, relaxed, ALONE,
             "a hint; who sleeps looks under the lock");
}

// The last touch: the jobs may have run, and the pool be gone.
void wr_arrivals_end(weir_pool *pool) { wr_mutex_unlock(&pool->arrivals_lock); }

static void admit(weir_pool *pool, size_t count) {
    pool->outstanding += count;
    pool->admitted += count;
    pool->counts.submitted += count;
    wr_queued_add(pool, count);
}

// Under the lock under which they are queued: whoever sees it has that lock
// after this, and finds them there.
static void set_queued(weir_job *const *jobs, size_t count) {
    for (size_t i = 0; i < count; i++)
        wr_store(&wr_job_of(jobs[i])->state, WR_JOB_QUEUED, relaxed, ALONE,
                 "under the lock");
}

int wr_arrivals_chain(weir_pool *pool, wr_link *chain, weir_job *const *jobs,
                      size_t count) {
    if (wr_arrivals_begin(pool)) {
        set_queued(jobs, count);
        uint32_t arrived = wr_load(&pool->arrived, relaxed, ALONE,
                                   "changed under the lock only");
        wr_list_splice_back(&pool->arrivals, chain);
        wr_store(&pool->arrived, arrived + (uint32_t)count, relaxed, ALONE,
                 "a hint; who sleeps looks under the lock");
        wr_arrivals_end(pool);
        return 0;
    }
    wr_pool_lock(pool);
    int error = wr_pool_accepts(pool, false);
    if (error == 0) {
        wr_arrivals_gather(pool); // they were first
        set_queued(jobs, count);
        wr_list_splice_back(&pool->inbox[1], chain);
        admit(pool, count);
        wr_pool_notify(pool);
    }
    wr_pool_unlock(pool);
    return error;
}

bool wr_arrivals_any(weir_pool *pool) {
    if (!pool->arrivals_used)
        return false;
    wr_mutex_lock(&pool->arrivals_lock);
    bool any = !wr_list_empty(&pool->arrivals);
    wr_mutex_unlock(&pool->arrivals_lock);
    return any;
}

void wr_arrivals_gather(weir_pool *pool) {
    if (!pool->arrivals_used)
        return;
    wr_mutex_lock(&pool->arrivals_lock);
    uint32_t count = wr_load(&pool->arrived, relaxed, ALONE,
                             "changed under the lock, which is held");
    // Their priority is the normal one.
    wr_list_splice_back(&pool->inbox[1], &pool->arrivals);
    wr_store(&pool->arrived, 0, relaxed, ALONE, "a hint");
    wr_mutex_unlock(&pool->arrivals_lock);
    if (count > 0)
        admit(pool, count);
}

void wr_arrivals_close(weir_pool *pool) {
    if (!pool->arrivals_used)
        return;
    wr_mutex_lock(&pool->arrivals_lock);
    pool->arrivals_open = false;
    wr_mutex_unlock(&pool->arrivals_lock);
    wr_arrivals_gather(pool);
}
