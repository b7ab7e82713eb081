// SPDX-License-Identifier: MIT
// What a worker does: take something, run it, end it, again.
#include "pool/gang.h"
#include "pool/internal.h"

// The worker that this thread is. A property of the thread, not of the
// program: weir_run must know a worker of its own pool, and waits must know
// that they hold one.
static _Thread_local weir_worker *current;

weir_worker *wr_worker_current(void) { return current; }

void wr_worker_set_current(weir_worker *worker) { current = worker; }

// ---- taking ----------------------------------------------------------------

void wr_item_take_job(weir_pool *pool, wr_job *job, wr_item *item) {
    weir_job *public = wr_job_public(job);
    wr_scope *scope = job->scope;
    uint32_t state = wr_load(&job->state, relaxed, ALONE, "under the lock");
    *item = (wr_item){.job = public, .run = true};
    if (scope != NULL)
        item->parent = scope->frame;
    else if (job->call != NULL)
        item->parent = ((const wr_run *)job->call)->frame;
    if (state == WR_JOB_ENDING) {
        item->run = false;
        item->status = job->status;
    } else {
        int why = wr_scope_why(scope);
        if (why == 0 && wr_deadline_passed(pool, public->deadline_ns))
            why = ETIMEDOUT;
        if (why == 0 && scope != NULL &&
            wr_load(&pool->abort, relaxed, ALONE, "under the lock") != 0)
            why = ESHUTDOWN;
        if (why != 0) {
            item->run = false;
            item->status = -why;
        } else if (scope != NULL && wr_scope_after_error(scope, job)) {
            item->run = false;
            item->status = -ECANCELED;
            item->quiet = true;
        }
    }
    pool->counts.queued--;
    if (job->call != NULL)
        pool->runs_queued--;
    wr_job_untime(pool, job);
    wr_store(&job->state, item->run ? WR_JOB_RUNNING : WR_JOB_ENDING, relaxed,
             ALONE, "under the lock");
}

static bool take_inbox(weir_pool *pool, wr_item *item) {
    if (!wr_list_empty(&pool->bursts))
        wr_bursts_recall_overdue(pool);
    bool lowest = ++pool->inbox_picks % WR_LOWEST_EVERY == 0;
    // Seldom, so that workers and submitters keep out of each other's way; but
    // a lower priority must not go before what has arrived.
    if (wr_list_empty(&pool->inbox[1]) ||
        pool->inbox_picks % WR_GATHER_EVERY == 0)
        wr_arrivals_gather(pool);
    for (int i = 0; i < WR_PRIORITIES; i++) {
        wr_link *list = &pool->inbox[lowest ? i : WR_PRIORITIES - 1 - i];
        wr_link *link = wr_list_pop_front(list);
        if (link != NULL) {
            // The next one is likely still in the cache of the core that
            // submitted it: fetch it, and some of what it is embedded in.
            wr_prefetch(
                wr_job_public(wr_container_of(list->next, wr_job, link)),
                WR_PREFETCH_BYTES);
            wr_item_take_job(pool, wr_container_of(link, wr_job, link), item);
            return true;
        }
    }
    pool->inbox_picks--;
    return false;
}

static bool take_scopes(weir_pool *pool, wr_item *item) {
    if (wr_list_empty(&pool->scopes))
        return false;
    wr_scope *scope = wr_container_of(pool->scopes.next, wr_scope, ready);
    wr_item_take_job(pool, wr_scope_take(scope), item);
    if (wr_link_linked(&scope->ready)) {
        // The next worker looks at another scope first.
        wr_list_remove(&scope->ready);
        wr_list_push_back(&pool->scopes, &scope->ready);
    }
    return true;
}

static bool take_any(weir_worker *worker, wr_item *item) {
    weir_pool *pool = worker->pool;
    wr_link *ending = wr_list_pop_front(&pool->ending);
    if (ending != NULL) {
        wr_item_take_job(pool, wr_container_of(ending, wr_job, link), item);
        return true;
    }
    // A gang goes before all else, but not twice in a row.
    bool stood_up = worker->stood_up;
    worker->stood_up = false;
    if (pool->gang != NULL && !stood_up)
        return wr_gang_join(worker, item);
    // A turn for the inbox, so that work that feeds itself in scopes and forks
    // cannot keep it waiting.
    if (++worker->picks % WR_INBOX_EVERY == 0 && take_inbox(pool, item))
        return true;
    return take_scopes(pool, item) || take_inbox(pool, item) ||
           (wr_bursts_recall(pool) && take_inbox(pool, item)) ||
           wr_fork_steal(worker, item);
}

// ---- running ---------------------------------------------------------------

static void check_balanced(const weir_worker *worker, const wr_frame *frame) {
    wr_check(wr_forks_count(worker) == frame->deque_base,
             "run returned with forks that are not joined");
    wr_check(frame->open_scope == NULL,
             "run returned with a scope that is still open");
}

// Runs and ends a job. Its memory is the submitter's from the store of ENDED.
static int run_job(weir_worker *worker, wr_frame *frame, const wr_item *item) {
    weir_job *public = item->job;
    wr_job *job = wr_job_of(public);
    void (*done)(weir_job *, int) = public->done;
    int status = item->status;
    if (item->run) {
        status = public->run(worker, public);
        if (frame->parted) {
            wr_check(frame->ended, "a job that parted is not over");
            return status;
        }
        check_balanced(worker, frame);
        if (wr_pool_timed(worker->pool))
            wr_figures_ran(worker, frame);
    }
    frame->job = NULL;
    frame->ended = true;
    wr_store(&job->state, item->run ? WR_JOB_ENDED : WR_JOB_ENDED_UNRUN,
             release, JOB_1, "whoever submits it again sees that it has ended");
    if (done != NULL)
        done(public, status);
    return status;
}

void wr_job_part(weir_worker *self, const void *owner) {
    wr_frame *frame = self->frame;
    wr_job *job = wr_job_of(frame->job);
    wr_job_owned(self, owner);
    frame->parted = true;
    wr_store(&job->state, WR_JOB_ENDED, release, JOB_1,
             "whoever submits it again sees that it has ended");
}

void wr_job_runs(weir_worker *self, void *piece) { self->frame->piece = piece; }

void *wr_job_running(const weir_worker *self, const void *owner) {
    for (const wr_frame *top = self->frame; top != NULL; top = top->below)
        for (const wr_frame *frame = top; frame != NULL; frame = frame->parent)
            if (frame->piece != NULL &&
                wr_load(&frame->owner, relaxed, ALONE,
                        "its own, or of a frame that it descends from") ==
                    owner)
                return frame->piece;
    return NULL;
}

void wr_job_over(weir_worker *self) {
    self->frame->piece = NULL;
    check_balanced(self, self->frame);
    if (wr_pool_timed(self->pool))
        wr_figures_ran(self, self->frame);
    self->frame->ended = true;
}

void wr_job_named(weir_worker *self, const char *name) {
    wr_store(&self->frame->name, (void *)(uintptr_t)name, release, FRAME_1,
             "who looks at the pool reads it");
}

int64_t wr_job_began(const weir_worker *self) {
    return self->frame->started_ns;
}

void wr_job_lost(weir_worker *self) {
    self->frame->piece = NULL;
    if (wr_pool_timed(self->pool))
        self->frame->ended_ns = wr_now_ns();
    self->frame->ended = true;
}

void wr_job_owned(weir_worker *self, const void *owner) {
    wr_store(&self->frame->owner, (void *)(uintptr_t)owner, relaxed, ALONE,
             "who looks for it learned otherwise that the job is over");
}

static void run_fork(weir_worker *worker, wr_frame *frame) {
    wr_fork *fork = frame->fork;
    fork->function(worker, wr_fork_public(fork));
    check_balanced(worker, frame);
    if (wr_pool_timed(worker->pool))
        wr_figures_ran(worker, frame);
}

static void clear_frame(weir_worker *worker, wr_frame *frame,
                        const wr_item *item) {
    // One by one: clearing all of it first takes longer.
    frame->below = worker->frame;
    frame->parent = item->parent;
    frame->fork = item->fork;
    frame->scope = NULL;
    frame->around = NULL;
    frame->started_ns = wr_now_ns();
    frame->deadline_ns = 0;
    frame->worker = worker;
    frame->call = NULL;
    wr_atomic_init(&frame->cancel, 0);
    wr_atomic_init(&frame->name, NULL);
    wr_atomic_init(&frame->owner, NULL);
    frame->piece = NULL;
    frame->job = item->job;
    frame->parted = false;
    frame->ended = false;
    frame->queued_ns = 0;
    frame->ended_ns = 0;
    frame->open_scope = NULL;
    frame->deque_base = wr_forks_count(worker);
    frame->told = 0;
}

static void fill_frame(weir_worker *worker, wr_frame *frame,
                       const wr_item *item) {
    clear_frame(worker, frame, item);
    if (worker->placed_ns == 0 && worker->state == WR_PLACED)
        worker->placed_ns = frame->started_ns;
    if (item->parent != NULL)
        frame->around = item->parent->around;
    if (item->job == NULL) {
        frame->captured = item->parent->captured;
        return;
    }
    wr_job *job = wr_job_of(item->job);
    frame->scope = job->scope;
    if (job->scope != NULL)
        frame->around = job->scope;
    frame->call = job->call;
    frame->captured = job->captured;
    wr_atomic_init(&frame->name, (void *)(uintptr_t)item->job->name);
    frame->deadline_ns = item->job->deadline_ns;
    frame->queued_ns = job->queued_ns;
}

static int run_item(weir_worker *worker, wr_frame *frame, const wr_item *item) {
    const weir_pool_hooks *hooks = &worker->pool->hooks;
    int status = 0;
    if (hooks->enter != NULL)
        hooks->enter(hooks->context, frame->captured);
    if (item->job != NULL)
        status = run_job(worker, frame, item);
    else
        run_fork(worker, frame);
    wr_check(wr_forks_count(worker) == frame->deque_base,
             "weir_fork_begin outside of run");
    if (hooks->leave != NULL)
        hooks->leave(hooks->context, frame->captured);
    if (item->job != NULL)
        wr_job_release(worker->pool, frame->captured);
    wr_determ_point_of(worker->pool);
    return status;
}

void wr_item_run(weir_worker *worker, const wr_item *item) {
    weir_pool *pool = worker->pool;
    wr_frame frame;
    fill_frame(worker, &frame, item);
    wr_ended ended = {
        .scope = frame.scope, .ran = item->run, .quiet = item->quiet};
    if (item->job != NULL) {
        ended.key = item->job->key;
        ended.sequence = wr_job_of(item->job)->sequence;
        pool->counts.running++;
        pool->counts.started += item->run;
        if (item->run && pool->times != NULL)
            wr_figures_started(pool, &frame);
    }
    worker->frame = &frame;
    if (item->job != NULL)
        wr_job_of(item->job)->frame = &frame;
    // A waiter that helps: it is seen to run from here on, so it may wait for
    // a token with the lock let go.
    if (worker->state == WR_LENT)
        wr_place_return(worker);
    bool burst = item->run && wr_burst_begin(worker, &frame);
    wr_pool_unlock(pool);
    ended.status = run_item(worker, &frame, item);
    wr_item next;
    while (burst && wr_burst_next(worker, &frame, ended.status, &next))
        ended.status = run_item(worker, &frame, &next);
    wr_pool_lock(pool);
    if (burst)
        wr_burst_end(worker);
    worker->frame = frame.below;
    if (item->job != NULL) {
        pool->counts.running--;
        worker->jobs += item->run;
        if (item->run && pool->times != NULL)
            wr_figures_ended(pool, &frame);
        wr_job_account(pool, &ended);
        return;
    }
    // The frame is out of sight before the joiner may go on: once it does, the
    // frame's parent may be gone.
    weir_worker *owner = item->fork->owner;
    wr_store(&item->fork->state, WR_FORK_DONE, release, FORK_1,
             "the joiner sees the results; the record is its own again");
    if (owner->waits_on == item->fork)
        wr_worker_wake(owner);
}

// ---- the loop --------------------------------------------------------------

bool wr_worker_turn(weir_worker *worker, bool rest) {
    weir_pool *pool = worker->pool;
    if (wr_heap_first(&pool->timers) != NULL)
        wr_timers_expire(pool);
    if (!wr_list_empty(&pool->broadcasts) && wr_broadcasts_serve(worker))
        return true;
    if (worker->state == WR_PLACED && wr_place_excess(worker))
        wr_place_drop(worker);
    wr_item item;
    bool searched = worker->state == WR_SEARCHING;
    if (searched && !wr_pool_has_work(pool)) {
        if (rest)
            wr_worker_rest(worker);
        return rest;
    }
    if (searched && !wr_place_take(worker)) {
        wr_worker_rest_placeless(worker);
        return true;
    }
    if (!take_any(worker, &item)) {
        wr_place_drop(worker);
        return true;
    }
    if (searched && wr_pool_has_work(pool))
        wr_pool_notify(pool);
    wr_item_run(worker, &item);
    if (worker->seated)
        wr_gang_stand_up(worker);
    return true;
}

static void thread_hook(weir_worker *worker,
                        void (*hook)(void *context, weir_worker *worker)) {
    weir_pool *pool = worker->pool;
    enum wr_worker_state state = worker->state;
    if (hook == NULL)
        return;
    wr_worker_set_state(worker, WR_AWAY);
    if (wr_pool_has_work(pool))
        wr_pool_notify(pool);
    wr_pool_unlock(pool);
    hook(pool->hooks.context, worker);
    wr_pool_lock(pool);
    wr_worker_set_state(worker, state);
}

void wr_worker_loop(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    wr_pool_lock(pool);
    thread_hook(worker, pool->hooks.thread_start);
    while (!pool->quit)
        wr_worker_turn(worker, true);
    if (worker->state == WR_PLACED)
        wr_place_drop(worker);
    thread_hook(worker, pool->hooks.thread_stop);
    wr_worker_set_state(worker, WR_AWAY);
    pool->finished++;
    wr_outside_wake(pool);
    wr_pool_unlock(pool);
}

// ---- the public face of a worker -------------------------------------------

weir_worker *weir_worker_self(void) { return current; }

unsigned weir_worker_index(const weir_worker *self) { return self->index; }

weir_pool *weir_worker_pool(const weir_worker *self) { return self->pool; }

void **weir_worker_slot(weir_worker *self) { return &self->slot; }

bool wr_deadline_passed(const weir_pool *pool, int64_t deadline_ns) {
    if (deadline_ns == 0 || deadline_ns == WEIR_FOREVER)
        return false;
    int64_t now = pool->deterministic ? pool->virtual_now_ns : wr_now_ns();
    return now >= deadline_ns;
}

int wr_worker_cancelled(const weir_worker *worker) {
    const weir_pool *pool = worker->pool;
    const wr_frame *frame = worker->frame;
    if (frame == NULL || frame->ended)
        return 0;
    int why = wr_scope_why(frame->around);
    if (why != 0)
        return -why;
    for (; frame != NULL; frame = frame->parent) {
        if (wr_load(&frame->cancel, relaxed, ALONE,
                    "a flag; it orders nothing") != 0)
            return -ECANCELED;
        if (wr_deadline_passed(pool, frame->deadline_ns))
            return -ETIMEDOUT;
        // Across weir_run the chain goes on in the caller's pool.
        if (wr_load(&frame->worker->pool->abort, relaxed, ALONE,
                    "a flag; it orders nothing") != 0)
            return -ESHUTDOWN;
    }
    return 0;
}

int weir_cancelled(weir_worker *self) {
    wr_determ_point_of(self->pool);
    wr_forks_poll(self);
    return wr_worker_cancelled(self);
}

void weir_yield(weir_worker *self) {
    weir_pool *pool = self->pool;
    wr_forks_poll(self);
    wr_pool_lock(pool);
    wr_timers_expire(pool);
    while (wr_broadcasts_serve(self))
        continue;
    if (self->state == WR_PLACED && pool->budget != NULL &&
        wr_budget_wanted(pool)) {
        // Lent without a stand-in: the token is what goes away.
        wr_worker_set_state(self, WR_LENT);
        wr_budget_give(pool);
        wr_place_return(self);
    }
    wr_pool_unlock(pool);
    if (pool->deterministic)
        wr_determ_point();
    else
        wr_thread_yield();
}
