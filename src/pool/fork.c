// SPDX-License-Identifier: MIT
// Fork and join. A worker's deque is the list of the forks it has begun and not
// joined, oldest first. Thieves do not remove entries, they mark them TAKEN, so
// the entry to be joined is always the last.
#include "pool/internal.h"

static void count_open(weir_worker *worker, int change) {
    uint32_t open = wr_load(&worker->deque_open, relaxed, ALONE,
                            "changed under deque_lock, which is held");
    wr_store(&worker->deque_open, open + (uint32_t)change, relaxed, ALONE,
             "a hint for those without deque_lock");
}

void weir_fork_begin(weir_worker *self, weir_fork *fork,
                     weir_fork_function *function) {
    weir_pool *pool = self->pool;
    wr_fork *own = wr_fork_of(fork);
    wr_check(self->frame != NULL && !self->frame->ended,
             "weir_fork_begin outside of run");
    own->function = function;
    own->frame = self->frame;
    own->owner = self;
    if (self->deque_count == pool->options.fork_depth) {
        wr_atomic_init(&own->state, WR_FORK_INLINE);
        wr_fetch_add(&self->forks_inline, 1, relaxed, ALONE, "a counter");
        function(self, fork);
        return;
    }
    wr_atomic_init(&own->state, WR_FORK_OPEN);
    wr_mutex_lock(&self->deque_lock);
    self->deque[self->deque_count++] = own;
    count_open(self, 1);
    wr_mutex_unlock(&self->deque_lock);
    // Read after the push; a sleeper writes it before its last look.
    if (wr_load(&pool->hungry, relaxed, ALONE,
                "ordered by deque_lock: see README.md, Parking") > 0) {
        wr_pool_lock(pool);
        wr_pool_notify(pool);
        wr_pool_unlock(pool);
    }
    wr_determ_point();
}

static bool done(const wr_fork *fork) {
    return wr_load(&fork->state, acquire, FORK_1,
                   "then the thief's results are here") == WR_FORK_DONE;
}

static void join_taken(weir_worker *self, wr_fork *fork) {
    weir_pool *pool = self->pool;
    if (done(fork))
        return;
    wr_pool_lock(pool);
    int error = wr_worker_wait(self, WR_WAIT_FORK, fork, WEIR_FOREVER);
    wr_check(error == 0, "a join can never end: the fork waits for something "
                         "that nothing will do");
    wr_pool_unlock(pool);
}

void weir_fork_join(weir_worker *self, weir_fork *fork,
                    weir_fork_function *function) {
    wr_fork *own = wr_fork_of(fork);
    wr_check(own->owner == self && own->frame == self->frame,
             "weir_fork_join by other work than began the fork");
    wr_check(own->function == function,
             "weir_fork_join names another function than weir_fork_begin");
    if (wr_load(&own->state, relaxed, ALONE,
                "INLINE is stored by this thread only") == WR_FORK_INLINE)
        return;
    wr_determ_point();
    wr_mutex_lock(&self->deque_lock);
    wr_check(self->deque_count > 0 && self->deque[self->deque_count - 1] == own,
             "forks are joined in reverse order");
    self->deque_count--;
    if (self->deque_first > self->deque_count)
        self->deque_first = self->deque_count;
    bool open = wr_load(&own->state, relaxed, ALONE,
                        "OPEN changes under deque_lock only") == WR_FORK_OPEN;
    if (open)
        count_open(self, -1);
    wr_mutex_unlock(&self->deque_lock);
    if (open)
        function(self, fork);
    else
        join_taken(self, own);
}

// ---- stealing --------------------------------------------------------------

// Takes the oldest open fork of `victim` that may be taken. deque_lock held.
static bool take_oldest(weir_worker *victim, wr_wait_kind kind,
                        const void *object, wr_item *item) {
    for (unsigned i = victim->deque_first; i < victim->deque_count; i++) {
        wr_fork *fork = victim->deque[i];
        bool open =
            wr_load(&fork->state, relaxed, ALONE,
                    "OPEN changes under deque_lock only") == WR_FORK_OPEN;
        if (!open && i == victim->deque_first)
            victim->deque_first++;
        if (!open ||
            (object != NULL && !wr_frame_descends(fork->frame, kind, object)))
            continue;
        wr_store(&fork->state, WR_FORK_TAKEN, relaxed, ALONE,
                 "under deque_lock");
        if (i == victim->deque_first)
            victim->deque_first++;
        count_open(victim, -1);
        *item = (wr_item){.fork = fork, .parent = fork->frame, .run = true};
        return true;
    }
    return false;
}

bool wr_fork_steal_below(weir_worker *thief, wr_wait_kind kind,
                         const void *object, wr_item *item) {
    weir_pool *pool = thief->pool;
    unsigned count = pool->index_limit;
    unsigned start = wr_random_below(&thief->random, count);
    for (unsigned n = 0; n < count; n++) {
        weir_worker *victim = &pool->workers[(start + n) % count];
        if (wr_load(&victim->deque_open, relaxed, ALONE,
                    "a hint: a miss is seen at the next look") == 0)
            continue;
        wr_mutex_lock(&victim->deque_lock);
        bool taken = take_oldest(victim, kind, object, item);
        wr_mutex_unlock(&victim->deque_lock);
        if (taken) {
            pool->counts.steals += victim != thief;
            thief->steals += victim != thief;
            return true;
        }
    }
    return false;
}

bool wr_fork_steal(weir_worker *thief, wr_item *item) {
    return wr_fork_steal_below(thief, WR_WAIT_FORK, NULL, item);
}

bool wr_fork_wanted(const weir_worker *worker) {
    return worker->pool->width > 1 &&
           wr_load(&worker->deque_open, relaxed, ALONE,
                   "a hint: a fork more or less does no harm") == 0;
}

bool wr_forks_open(weir_pool *pool) {
    for (unsigned i = 0; i < pool->index_limit; i++) {
        weir_worker *worker = &pool->workers[i];
        wr_mutex_lock(&worker->deque_lock);
        bool open = wr_load(&worker->deque_open, relaxed, ALONE,
                            "under deque_lock: exact") > 0;
        wr_mutex_unlock(&worker->deque_lock);
        if (open)
            return true;
    }
    return false;
}
