// SPDX-License-Identifier: MIT
// Waiting. README.md, "Waits", has the rules: help descendants, then spin, then
// lend the place and sleep.
#include "pool/internal.h"

// ---- what is waited for ----------------------------------------------------

static bool over(wr_wait_kind kind, const void *object) {
    switch (kind) {
    case WR_WAIT_SCOPE: return ((const wr_scope *)object)->outstanding == 0;
    case WR_WAIT_EVENT: return ((const wr_event *)object)->remaining == 0;
    case WR_WAIT_BROADCAST:
        return ((const wr_broadcast *)object)->remaining == 0;
    case WR_WAIT_FORK:
        return wr_load(&((const wr_fork *)object)->state, acquire, FORK_1,
                       "then the thief's results are here") == WR_FORK_DONE;
    case WR_WAIT_RUN: {
        const void *event = ((const wr_run *)object)->event.weir_private;
        return ((const wr_event *)event)->remaining == 0;
    }
    }
    return true;
}

// ---- descendants -----------------------------------------------------------

bool wr_frame_descends(const wr_frame *frame, wr_wait_kind kind,
                       const void *object) {
    for (; frame != NULL; frame = frame->parent)
        if ((kind == WR_WAIT_SCOPE && frame->scope == object) ||
            (kind == WR_WAIT_FORK && frame->fork == object) ||
            (kind == WR_WAIT_RUN && frame->call == object))
            return true;
    return false;
}

static bool take_scope_below(weir_pool *pool, wr_wait_kind kind,
                             const void *object, wr_item *item) {
    for (wr_link *link = pool->scopes.next; link != &pool->scopes;
         link = link->next) {
        wr_scope *scope = wr_container_of(link, wr_scope, ready);
        if (wr_frame_descends(scope->frame, kind, object)) {
            wr_item_take_job(pool, wr_scope_take(scope), item);
            return true;
        }
    }
    return false;
}

// A weir_run that came back to this pool from one that descends from `object`.
static bool take_run_below(weir_pool *pool, wr_wait_kind kind,
                           const void *object, wr_item *item) {
    // A weir_run has normal priority; one that a stop ended is in `ending`.
    wr_link *lists[] = {&pool->inbox[1], &pool->ending};
    for (int i = 0; i < 2 && pool->runs_queued > 0; i++) {
        wr_link *list = lists[i];
        for (wr_link *link = list->next; link != list; link = link->next) {
            wr_job *job = wr_container_of(link, wr_job, link);
            const wr_run *call = job->call;
            if (call == NULL || !wr_frame_descends(call->frame, kind, object))
                continue;
            wr_list_remove(&job->link);
            wr_item_take_job(pool, job, item);
            return true;
        }
    }
    return false;
}

static bool take_descendant(weir_worker *worker, wr_wait_kind kind,
                            const void *object, wr_item *item) {
    if (kind == WR_WAIT_EVENT || kind == WR_WAIT_BROADCAST || worker->section)
        return false;
    if (kind == WR_WAIT_SCOPE) {
        // wr_scope_take writes to it; it is this worker's own.
        wr_job *job = wr_scope_take((wr_scope *)(uintptr_t)object);
        if (job != NULL) {
            wr_item_take_job(worker->pool, job, item);
            return true;
        }
    }
    return take_scope_below(worker->pool, kind, object, item) ||
           take_run_below(worker->pool, kind, object, item) ||
           wr_fork_steal_below(worker, kind, object, item);
}

// ---- waiting on a worker ---------------------------------------------------

// The worker that took the fork, if that is what is waited for: it may have
// forks in turn, which this one can run.
static const weir_worker *thief_of(const weir_pool *pool, wr_wait_kind kind,
                                   const void *object) {
    return kind == WR_WAIT_FORK
               ? &pool->workers[((const wr_fork *)object)->thief]
               : NULL;
}

// Whether the thief has more open than at the look before. What it has had for
// a while is not for this wait.
static bool opens_more(const weir_worker *thief, uint32_t *seen) {
    if (thief == NULL)
        return false;
    uint32_t open = wr_load(&thief->deque_open, relaxed, ALONE,
                            "a hint: looks again under the lock");
    bool more = open > *seen;
    *seen = open;
    return more;
}

// Spins without the lock, up to `end`, until what is waited for is over or
// there is a sign that something can be taken.
static void spin(weir_worker *worker, wr_wait_kind kind, const void *object,
                 uint32_t *seen, int64_t end) {
    weir_pool *pool = worker->pool;
    const weir_worker *thief = thief_of(pool, kind, object);
    wr_signs before = wr_signs_now(worker);
    wr_pool_unlock(pool);
    for (unsigned round = 0;; round++) {
        wr_spin_pause();
        if (kind == WR_WAIT_FORK && over(kind, object))
            break;
        if (wr_signs_changed(worker, &before))
            break;
        if (opens_more(thief, seen))
            break;
        if (round % WR_SPIN_ROUNDS == 0 && wr_now_ns() >= end)
            break;
    }
    wr_pool_lock(pool);
}

// When a wait for an event must look at deadlines of the work that waits.
static int64_t told_by(const weir_worker *worker, int64_t deadline_ns) {
    const wr_frame *frame = worker->frame;
    for (const wr_scope *scope = frame->around; scope != NULL;
         scope = scope->around)
        if (scope->deadline_ns != 0 && scope->deadline_ns < deadline_ns)
            deadline_ns = scope->deadline_ns;
    for (; frame != NULL; frame = frame->parent)
        if (frame->deadline_ns != 0 && frame->deadline_ns < deadline_ns)
            deadline_ns = frame->deadline_ns;
    return deadline_ns;
}

// Sleeps once. Returns 0 to look again.
static int sleep_once(weir_worker *worker, wr_wait_kind kind,
                      int64_t deadline_ns) {
    weir_pool *pool = worker->pool;
    int64_t until = deadline_ns;
    if (kind == WR_WAIT_EVENT) {
        int why = wr_worker_cancelled(worker);
        if (why != 0)
            return why;
        until = told_by(worker, deadline_ns);
    }
    if (deadline_ns == 0 || wr_deadline_passed(pool, deadline_ns))
        return -ETIMEDOUT;
    if (worker->state == WR_PLACED)
        return wr_place_lend(worker, false); // may unlock: look again
    if (pool->deterministic && pool->no_fibers)
        return -EDEADLK;
    wr_worker_sleep(worker, until);
    wr_timers_expire(pool);
    return 0;
}

// The work that waits for a call into another pool was told to end: so are the
// waits for events in there. _locked, unlocks.
static void tell_callee(weir_worker *worker, const wr_run *call) {
    const wr_job *job = (const void *)call->job.weir_private;
    weir_pool *other =
        wr_load(&job->pool, relaxed, ALONE, "this worker submitted it");
    wr_pool_unlock(worker->pool);
    wr_pool_lock(other);
    wr_waiters_wake(other);
    wr_pool_unlock(other);
    wr_pool_lock(worker->pool);
}

int wr_worker_wait(weir_worker *worker, wr_wait_kind kind, const void *object,
                   int64_t deadline_ns) {
    weir_pool *pool = worker->pool;
    const void *outer = worker->waits_on;
    // Events and runs are found by whoever fires by the event's address.
    worker->waits_on =
        kind == WR_WAIT_RUN
            ? (const void *)((const wr_run *)object)->event.weir_private
            : object;
    bool spins = !pool->deterministic && kind != WR_WAIT_EVENT;
    int64_t spin_end = 0; // 0: has not begun to
    uint32_t seen = 0;    // forks that the thief has open
    bool told = kind != WR_WAIT_RUN;
    int error = 0;
    wr_forks_lay_open(worker);
    while (error == 0 && !over(kind, object)) {
        wr_item item;
        if (!told && wr_worker_cancelled(worker) != 0) {
            told = true;
            tell_callee(worker, object);
            continue;
        }
        if (wr_broadcasts_serve(worker))
            continue;
        if (take_descendant(worker, kind, object, &item)) {
            wr_item_run(worker, &item);
            spin_end = 0;
        } else if (spins && spin_end == 0) {
            spin_end = wr_now_ns() + WR_SPIN_JOIN_NS;
            spin(worker, kind, object, &seen, spin_end);
        } else if (spins && wr_now_ns() < spin_end) {
            spin(worker, kind, object, &seen, spin_end);
        } else {
            error = sleep_once(worker, kind, deadline_ns);
        }
    }
    if (worker->state == WR_LENT)
        wr_place_return(worker);
    worker->waits_on = outer;
    return error;
}

void wr_waiters_wake(weir_pool *pool) {
    for (unsigned i = 0; i < pool->index_limit; i++) {
        weir_worker *worker = &pool->workers[i];
        if (worker->waits_on != NULL && !worker->wants_token)
            wr_worker_wake(worker);
    }
}

// ---- waiting elsewhere -----------------------------------------------------

// A worker of another pool that waits here lends its place there.
static weir_worker *lend_elsewhere(weir_pool *pool, wr_atomic_u32 *word) {
    weir_worker *self = wr_worker_current();
    if (self == NULL || self->pool == pool || self->pool->deterministic)
        return NULL;
    wr_pool_unlock(pool);
    wr_pool_lock(self->pool);
    if (self->state == WR_PLACED) {
        (void)wr_place_lend(self, false);
        self->elsewhere = word;
    } else {
        self = NULL;
    }
    wr_pool_unlock(wr_worker_current()->pool);
    wr_pool_lock(pool);
    return self;
}

static void return_elsewhere(weir_pool *pool, weir_worker *self) {
    if (self == NULL)
        return;
    wr_pool_unlock(pool);
    wr_pool_lock(self->pool);
    self->elsewhere = NULL;
    wr_place_return(self);
    wr_pool_unlock(self->pool);
    wr_pool_lock(pool);
}

// Its own pool's broadcasts do not wait for this wait. Called after the word
// was read: a broadcast that comes later changes it.
static void serve_at_home(weir_worker *self) {
    wr_pool_lock(self->pool);
    while (wr_broadcasts_serve(self))
        continue;
    wr_pool_unlock(self->pool);
}

int wr_outside_wait(weir_pool *pool, wr_atomic_u32 *word,
                    bool (*ready)(weir_pool *pool, void *argument),
                    void *argument, int64_t deadline_ns) {
    if (wr_forks_hidden_here()) {
        wr_pool_unlock(pool);
        wr_forks_lay_open_here();
        wr_pool_lock(pool);
    }
    if (pool->deterministic)
        return wr_determ_drive(pool, ready, argument, deadline_ns);
    if (ready(pool, argument))
        return 0;
    weir_worker *lent = lend_elsewhere(pool, word);
    int error = 0;
    unsigned counts = word == &pool->outside;
    pool->outside_waiters += counts;
    while (!ready(pool, argument) && error != -ETIMEDOUT) {
        uint32_t seen = wr_load(word, relaxed, ALONE,
                                "changed under the lock, which is held");
        wr_pool_unlock(pool);
        if (lent != NULL)
            serve_at_home(lent);
        error = wr_futex_wait(word, seen, deadline_ns);
        wr_pool_lock(pool);
    }
    pool->outside_waiters -= counts;
    error = ready(pool, argument) ? 0 : -ETIMEDOUT;
    return_elsewhere(pool, lent);
    return error;
}
