// SPDX-License-Identifier: MIT
// The life of a job outside run: accepted, queued, cancelled, timed out,
// accounted for.
#include "pool/gang.h"
#include "pool/internal.h"

void *wr_job_capture(weir_pool *pool) {
    const weir_pool_hooks *hooks = &pool->hooks;
    return hooks->capture != NULL ? hooks->capture(hooks->context) : NULL;
}

void wr_job_release(weir_pool *pool, void *captured) {
    const weir_pool_hooks *hooks = &pool->hooks;
    if (hooks->release != NULL)
        hooks->release(hooks->context, captured);
}

void wr_job_check(const weir_job *job) {
    wr_check(job->run != NULL, "a job has no run function");
    wr_check(job->reserved == 0, "a job's reserved field is not zero");
    const wr_job *own = (const void *)job->weir_private;
    uint32_t state = wr_load(&own->state, acquire, JOB_1,
                             "a job that ended elsewhere is used again here");
    wr_check(state == WR_JOB_IDLE || state == WR_JOB_ENDED ||
                 state == WR_JOB_ENDED_UNRUN,
             "a job was submitted twice, or was not zeroed");
}

int wr_pool_refuses(weir_pool *pool) {
    wr_pool_lock(pool);
    int error = pool->mode == WR_MODE_RUN ? 0 : -ESHUTDOWN;
    wr_pool_unlock(pool);
    return error;
}

int wr_pool_accepts(const weir_pool *pool, bool continues) {
    if (pool->mode == WR_MODE_RUN)
        return 0;
    // A drain lets work finish what it started, so its own workers may submit.
    const weir_worker *self = wr_worker_current();
    if (pool->mode == WR_MODE_DRAIN && !pool->quit &&
        (continues || (self != NULL && self->pool == pool)))
        return 0;
    return -ESHUTDOWN;
}

int wr_job_accept_check(weir_pool *pool, const weir_job *job, bool continues) {
    wr_job_check(job);
    return wr_pool_accepts(pool, continues);
}

void wr_job_fill(weir_pool *pool, wr_job *job, wr_scope *scope,
                 void *captured) {
    wr_store(&job->pool, pool, relaxed, ALONE, "see weir_cancel");
    job->scope = scope;
    job->event = NULL;
    job->call = NULL;
    job->captured = captured;
    job->timed = false;
    job->timer.of_scope = false;
}

void wr_job_accept(weir_pool *pool, weir_job *job, wr_scope *scope,
                   void *captured) {
    wr_job *own = wr_job_of(job);
    wr_job_fill(pool, own, scope, captured);
    pool->outstanding++;
    pool->counts.submitted++;
    if (scope == NULL)
        pool->admitted++;
    own->timed = wr_timer_start(pool, &own->timer, job->deadline_ns);
}

bool wr_timer_start(weir_pool *pool, wr_timer *timer, int64_t deadline_ns) {
    if (deadline_ns == 0 || deadline_ns == WEIR_FOREVER)
        return false;
    wr_heap_insert(&pool->timers, &timer->node, deadline_ns);
    if (wr_heap_first(&pool->timers) == &timer->node)
        wr_pool_keeper_notify(pool);
    return true;
}

void wr_job_untime(weir_pool *pool, wr_job *job) {
    if (!job->timed)
        return;
    wr_heap_remove(&pool->timers, &job->timer.node);
    job->timed = false;
}

void wr_queued_add(weir_pool *pool, uint64_t count) {
    weir_pool_counts *counts = &pool->counts;
    counts->queued += count;
    if (counts->queued > counts->queued_max)
        wr_bursts_settle(pool); // without what has begun
    if (counts->queued > counts->queued_max)
        counts->queued_max = counts->queued;
}

void wr_job_queue(weir_pool *pool, wr_job *job, wr_link *where) {
    wr_list_insert_after(where, &job->link);
    job->queued_ns = 0;
    wr_store(&job->state, WR_JOB_QUEUED, relaxed, ALONE, "under the lock");
    wr_queued_add(pool, 1);
    if (wr_pool_timed(pool))
        job->queued_ns = wr_now_ns();
}

void wr_inbox_push(weir_pool *pool, weir_job *job) {
    wr_arrivals_gather(pool); // they were first
    int index = job->priority < 0 ? 0 : job->priority > 0 ? 2 : 1;
    if (index != 1)
        (void)wr_bursts_recall(pool); // what comes first is decided anew
    wr_job_queue(pool, wr_job_of(job), pool->inbox[index].prev);
}

// Takes a job that has not started out of its queue; its done is called later,
// by a worker, or for a child of a scope perhaps by the one that waits.
void wr_job_end_unrun(weir_pool *pool, wr_job *job, int status) {
    (void)wr_bursts_recall(pool); // it goes before them
    wr_job_untime(pool, job);
    uint32_t state = wr_load(&job->state, relaxed, ALONE, "under the lock");
    wr_assert(state == WR_JOB_QUEUED || state == WR_JOB_ATTACHED);
    if (state == WR_JOB_ATTACHED) {
        wr_event_unlink(job);
        wr_queued_add(pool, 1);
        pool->counts.attached--;
    } else {
        wr_list_remove(&job->link);
    }
    job->status = status;
    wr_store(&job->state, WR_JOB_ENDING, relaxed, ALONE, "under the lock");
    if (job->scope != NULL)
        wr_list_push_front(&job->scope->children, &job->link);
    else
        wr_list_push_back(&pool->ending, &job->link);
    wr_pool_notify(pool);
}

bool wr_timers_expire(weir_pool *pool) {
    wr_heap_node *first = wr_heap_first(&pool->timers);
    if (first == NULL)
        return false;
    int64_t now = pool->deterministic ? pool->virtual_now_ns : wr_now_ns();
    bool any = false;
    for (; first != NULL && first->key <= now;
         first = wr_heap_first(&pool->timers)) {
        any = true;
        wr_timer *timer = wr_container_of(first, wr_timer, node);
        if (timer->of_scope)
            wr_scope_expire(wr_container_of(timer, wr_scope, timer));
        else
            wr_job_end_unrun(pool, wr_container_of(timer, wr_job, timer),
                             -ETIMEDOUT);
    }
    return any;
}

void wr_job_account(weir_pool *pool, const wr_ended *ended) {
    weir_pool_counts *counts = &pool->counts;
    if (ended->ran && ended->status == 0)
        counts->succeeded++;
    else if (ended->ran)
        counts->failed++;
    else if (ended->status == -ETIMEDOUT)
        counts->timed_out++;
    else
        counts->cancelled++;
    if (!ended->ran && ended->status == -ESHUTDOWN &&
        pool->mode != WR_MODE_RUN) // else a loop was closed
        pool->shut_down++;
    if (ended->scope != NULL)
        wr_scope_child_ended(ended->scope, ended);
    wr_job_leave(pool, ended->scope);
}

void wr_job_leave(weir_pool *pool, const wr_scope *scope) {
    if (scope == NULL)
        pool->admitted--;
    pool->outstanding--;
    // Who waits for idleness is not woken by a job that has submitted the next.
    if (pool->outstanding == 0 &&
        wr_load(&pool->arrived, relaxed, ALONE,
                "a hint: whoever is woken too early looks again") > 0)
        wr_arrivals_gather(pool);
    if (pool->room_waiters > 0 || pool->outstanding == 0)
        wr_outside_wake(pool);
    wr_pool_maybe_quit(pool);
}

// ---- submitting ------------------------------------------------------------

static bool has_room(weir_pool *pool, void *unused) {
    (void)unused;
    return pool->mode != WR_MODE_RUN || pool->admitted < pool->options.jobs_max;
}

static int accept(weir_pool *pool, weir_job *job, void *captured,
                  bool continues) {
    int error = wr_job_accept_check(pool, job, continues);
    if (error != 0)
        return error;
    wr_job_accept(pool, job, NULL, captured);
    wr_inbox_push(pool, job);
    return 0;
}

int wr_job_submit(weir_pool *pool, weir_job *job, void *captured) {
    return accept(pool, job, captured, false);
}

// continues: see wr_job_continue.
static int submit(weir_pool *pool, weir_job *job, bool bounded, bool continues,
                  int64_t deadline_ns) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    const weir_worker *self = wr_worker_current();
    if (bounded && deadline_ns > 0 && self != NULL && self->pool == pool)
        return -EDEADLK;
    void *captured = wr_job_capture(pool);
    if (wr_arrivals_take(pool, job) && wr_arrivals_begin(pool)) {
        wr_arrivals_add(pool, job, captured);
        wr_arrivals_end(pool);
        return 0;
    }
    wr_pool_lock(pool);
    int error = 0;
    if (bounded && pool->options.jobs_max > 0 && !has_room(pool, NULL)) {
        error = -EAGAIN;
        if (deadline_ns > 0) {
            pool->room_waiters++;
            do // a worker of another pool lets the lock go after its wait
                error = wr_outside_wait(pool, &pool->outside, has_room, NULL,
                                        deadline_ns);
            while (error == 0 && !has_room(pool, NULL));
            pool->room_waiters--;
        }
    }
    if (error == 0)
        error = accept(pool, job, captured, continues);
    if (error == 0)
        wr_pool_notify(pool);
    wr_pool_unlock(pool);
    if (error != 0)
        wr_job_release(pool, captured);
    wr_determ_point();
    return error;
}

int wr_job_continue(weir_pool *pool, weir_job *job) {
    return submit(pool, job, false, true, 0);
}

int weir_submit(weir_pool *pool, weir_job *job) {
    return submit(pool, job, false, false, 0);
}

int weir_try_submit(weir_pool *pool, weir_job *job) {
    return submit(pool, job, true, false, 0);
}

int weir_submit_wait(weir_pool *pool, weir_job *job, int64_t deadline_ns) {
    // A deadline of 0, look once, is still a wait: it says -ETIMEDOUT.
    return submit(pool, job, true, false, deadline_ns > 0 ? deadline_ns : 1);
}

static void unchain(wr_link *chain) {
    while (wr_list_pop_front(chain) != NULL)
        continue;
}

// Jobs that may go the way of arrivals become a list, with no lock held. False:
// one of them may not, or the pool stops. For a cancel they are not submitted
// until they are QUEUED: see wr_arrivals_chain.
static bool chain_all(weir_pool *pool, weir_job *const *jobs, size_t count,
                      wr_link *chain) {
    int64_t now_ns = wr_pool_timed(pool) ? wr_now_ns() : 0;
    wr_list_init(chain);
    if (!wr_arrivals_open(pool))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!wr_arrivals_take(pool, jobs[i])) {
            unchain(chain);
            return false;
        }
        wr_job_check(jobs[i]);
        wr_job *job = wr_job_of(jobs[i]);
        wr_check(!wr_link_linked(&job->link),
                 "a job was submitted twice, or was not zeroed");
        wr_job_fill(pool, job, NULL, NULL);
        job->queued_ns = now_ns;
        wr_list_push_back(chain, &job->link);
    }
    return count > 0;
}

int weir_submit_batch(weir_pool *pool, weir_job *const *jobs, size_t count) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    bool captures = pool->hooks.capture != NULL;
    for (size_t i = 0; i < count && captures; i++) {
        // `call` is free in a job that is nobody's: it keeps what was there,
        // for a refused job is to be as it was.
        wr_job *job = wr_job_of(jobs[i]);
        job->call = job->captured;
        job->captured = wr_job_capture(pool);
    }
    wr_link chain;
    if (!captures && chain_all(pool, jobs, count, &chain)) {
        int refused = wr_arrivals_chain(pool, &chain, jobs, count);
        if (refused != 0)
            unchain(&chain);
        return refused;
    }
    wr_pool_lock(pool);
    int error = 0;
    for (size_t i = 0; i < count; i++) {
        // The same for all of them: the first is refused or none is.
        wr_job *job = wr_job_of(jobs[i]);
        error = wr_job_submit(pool, jobs[i], captures ? job->captured : NULL);
        if (error != 0)
            break;
    }
    if (error == 0 && count > 0)
        wr_pool_notify(pool);
    wr_pool_unlock(pool);
    for (size_t i = 0; i < count && captures && error != 0; i++) {
        wr_job *job = wr_job_of(jobs[i]);
        wr_job_release(pool, job->captured);
        job->captured = job->call;
        job->call = NULL;
    }
    wr_determ_point();
    return error;
}

// ---- cancelling ------------------------------------------------------------

// The frame is unlinked under the lock, so it is still there. _locked.
static void tell_running(weir_pool *pool, wr_job *job) {
    wr_store(&job->frame->cancel, 1, relaxed, ALONE,
             "a flag; it orders nothing");
    wr_waiters_wake(pool);
}

int weir_cancel(weir_pool *pool, weir_job *job) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    wr_job *own = wr_job_of(job);
    wr_pool_lock(pool);
    (void)wr_bursts_recall(pool); // nobody begins it from here on
    // First the look: what it finds QUEUED is in the inbox after the gathering,
    // or was there. The other way round it could arrive in between, and be
    // taken out of the arrivals without their lock.
    uint32_t state = wr_load(&own->state, acquire, JOB_1,
                             "a job that has ended is not looked into");
    wr_arrivals_gather(pool);
    int error = 0;
    if (state == WR_JOB_IDLE || state == WR_JOB_ENDED ||
        state == WR_JOB_ENDED_UNRUN || state == WR_JOB_ENDING) {
        error = -EALREADY;
    } else if (wr_load(&own->pool, relaxed, ALONE,
                       "one that runs may end, and be submitted again now") !=
               pool) {
        error = -EINVAL;
    } else if (state == WR_JOB_RUNNING) {
        tell_running(pool, own);
        error = -EBUSY;
    } else {
        wr_job_end_unrun(pool, own, -ECANCELED);
    }
    wr_pool_unlock(pool);
    // No switch point: the caller may hold a lock that done takes.
    return error;
}

int wr_job_withdraw(weir_pool *pool, weir_job *job, bool tell, int *status,
                    void **captured) {
    wr_job *taken = wr_job_of(job);
    // In this order: see weir_cancel.
    (void)wr_bursts_recall(pool);
    uint32_t state = wr_load(&taken->state, acquire, JOB_1,
                             "a job that has ended is not looked into");
    wr_arrivals_gather(pool);
    if (state == WR_JOB_RUNNING) {
        if (tell)
            tell_running(pool, taken);
        return -EBUSY;
    }
    // ENDING and linked: it waits for a worker to call its done.
    if (state == WR_JOB_ENDING && wr_link_linked(&taken->link))
        *status = taken->status;
    else if (state != WR_JOB_QUEUED)
        return -EALREADY;
    wr_job_untime(pool, taken);
    wr_list_remove(&taken->link);
    pool->counts.queued--;
    *captured = taken->captured;
    wr_store(&taken->state, WR_JOB_ENDED_UNRUN, release, JOB_1,
             "whoever submits it again sees that it has ended");
    wr_ended ended = {.status = *status};
    wr_job_account(pool, &ended);
    return 0;
}

bool wr_job_take_back(weir_pool *pool, weir_job *job) {
    int status = -ECANCELED;
    void *captured = NULL;
    wr_pool_lock(pool);
    int error = wr_job_withdraw(pool, job, false, &status, &captured);
    wr_pool_unlock(pool);
    if (error == 0)
        wr_job_release(pool, captured);
    return error == 0;
}

int weir_job_ran(const weir_job *job) {
    const wr_job *own = (const void *)job->weir_private;
    return wr_load(&own->state, relaxed, ALONE,
                   "in done, on the thread that stored it") == WR_JOB_ENDED;
}
