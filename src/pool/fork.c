// SPDX-License-Identifier: MIT
// Fork and join, what of it is not inline in weir/fork.h. A worker's deque is
// the list of the forks it has begun and not joined, oldest first. The oldest
// lie open to thieves, under deque_lock; the others are private. Thieves do
// not remove entries, they mark them TAKEN, so the entry to be joined is
// always the last. See README.md, "Fork and join".
#include "pool/internal.h"

unsigned wr_forks_count(const weir_worker *worker) {
    return (unsigned)(worker->forks.head - worker->deque);
}

static unsigned open_count(const weir_worker *worker) {
    return wr_load(&worker->deque_open, relaxed, ALONE,
                   "changed under deque_lock, which is held");
}

static void set_open_count(weir_worker *worker, unsigned count) {
    wr_store(&worker->deque_open, count, relaxed, ALONE,
             "a hint for those without deque_lock");
}

static uint32_t hungry_workers(const weir_pool *pool) {
    return wr_load(&pool->hungry, relaxed, ALONE,
                   "ordered by deque_lock: see README.md, Parking");
}

// How many forks of a worker should lie open: one for each that could take
// one; more than a few only while so many sleep.
static unsigned demand(const weir_pool *pool) {
    if (pool->deterministic)
        return UINT32_MAX;
    unsigned others = pool->width - 1;
    unsigned few = others < WR_FORKS_OPEN ? others : WR_FORKS_OPEN;
    unsigned hungry = hungry_workers(pool);
    if (few < hungry)
        few = hungry < others ? hungry : others;
    return few > 0 ? few : 1;
}

// How many forks in the deque are enough, for weir_fork_wanted: those that are
// taken, wherever they lie, and a few more than there are others. Each one more
// puts a level of a recursion through fork and join: two workers do fib(35) in
// half the time with 3 of 8. deque_lock held.
static unsigned enough_for(const weir_worker *worker) {
    const weir_pool *pool = worker->pool;
    if (pool->width == 1)
        return 0;
    unsigned taken = worker->deque_private - open_count(worker);
    unsigned few = pool->width + 1;
    unsigned enough = taken + (few < WR_FORKS_ENOUGH ? few : WR_FORKS_ENOUGH);
    unsigned depth = pool->options.fork_depth;
    return enough < depth ? enough : depth;
}

// Tells the inline part where it may go on by itself. `mine`: the forks that
// are not open are known, this is their worker. deque_lock held, or nobody else
// sees it yet.
static void set_ends(weir_worker *worker, bool mine) {
    const weir_pool *pool = worker->pool;
    weir_fork **deque = worker->deque;
    unsigned depth = pool->options.fork_depth;
    bool more = open_count(worker) < demand(pool);
    bool hold =
        more && !(mine && worker->deque_private == wr_forks_count(worker));
    wr_store(&worker->forks.limit, (void *)(more ? deque : deque + depth),
             relaxed, ALONE, "a hint: begin looks again under deque_lock");
    wr_store(
        &worker->forks.low,
        hold ? (void *)UINTPTR_MAX : (void *)(deque + worker->deque_private),
        relaxed, ALONE, "UINTPTR_MAX, or what the worker itself stored last");
    wr_store(&worker->forks.enough, (void *)(deque + enough_for(worker)),
             relaxed, ALONE, "a hint: a fork more or less does no harm");
}

void wr_forks_init(weir_worker *worker) {
    worker->forks.head = worker->deque;
    worker->close_most = 1;
    set_ends(worker, true);
}

// Opens private forks to thieves, the oldest first, if there should be more
// open ones: as many as that takes, or half of them. Whether it did.
// deque_lock held, the worker itself.
static bool open_some(weir_worker *self, unsigned wanted) {
    unsigned open = open_count(self);
    unsigned count = wr_forks_count(self) - self->deque_private;
    if (open >= wanted || count == 0)
        return false;
    unsigned most = wanted - open;
    if (most < count / 2)
        most = count / 2;
    if (most > count)
        most = count;
    wr_assert(self->deque_private >= self->frame->deque_base);
    for (unsigned i = 0; i < most; i++) {
        wr_fork *fork = wr_fork_of(self->deque[self->deque_private++]);
        fork->frame = self->frame;
        fork->owner = self;
        wr_atomic_init(&fork->state, WR_FORK_OPEN);
    }
    set_open_count(self, open + most);
    return true;
}

static bool is_open(const wr_fork *fork) {
    return wr_load(&fork->state, relaxed, ALONE,
                   "OPEN changes under deque_lock only") == WR_FORK_OPEN;
}

// Makes what lies open without need private again, but for what lies beneath
// this frame: one, then two, then four, half of it at most. So a worker that
// goes back up a long row of forks takes the lock seldom; and one that waits
// after each of them, and so opens all, does not close and open them in turn.
// As open_some.
static void close_some(weir_worker *self, unsigned wanted) {
    unsigned open = open_count(self);
    unsigned keep = open / 2 > wanted ? open / 2 : wanted;
    if (open > keep && open - keep > self->close_most)
        keep = open - self->close_most;
    if (self->close_most < WR_FORK_DEPTH_MAX)
        self->close_most *= 2;
    unsigned base = self->frame->deque_base;
    if (base < self->deque_first)
        base = self->deque_first;
    while (open > keep && self->deque_private > base &&
           is_open(wr_fork_of(self->deque[self->deque_private - 1]))) {
        self->deque_private--;
        open--;
    }
    set_open_count(self, open);
}

// Some were opened. hungry is read after that; a sleeper writes it before its
// last look.
static void tell(weir_pool *pool) {
    if (hungry_workers(pool) == 0)
        return;
    wr_pool_lock(pool);
    wr_pool_notify(pool);
    wr_pool_unlock(pool);
}

static bool share(weir_worker *self, bool all) {
    wr_mutex_lock(&self->deque_lock);
    bool opened = open_some(self, all ? UINT32_MAX : demand(self->pool));
    set_ends(self, true);
    wr_mutex_unlock(&self->deque_lock);
    return opened;
}

void wr_forks_poll(weir_worker *self) {
    if (self->deque_private == wr_forks_count(self) ||
        wr_load(&self->forks.limit, relaxed, ALONE, "a hint") !=
            (void *)self->deque)
        return;
    if (share(self, false))
        tell(self->pool);
}

void wr_forks_lay_open(weir_worker *self) {
    self->close_most = 1;
    if (self->deque_private < wr_forks_count(self) && share(self, true) &&
        hungry_workers(self->pool) > 0)
        wr_pool_notify(self->pool);
}

bool wr_forks_hidden_here(void) {
    const weir_worker *self = wr_worker_current();
    return self != NULL && self->deque_private < wr_forks_count(self);
}

void wr_forks_lay_open_here(void) {
    if (!wr_forks_hidden_here())
        return;
    weir_worker *self = wr_worker_current();
    wr_pool_lock(self->pool);
    wr_forks_lay_open(self);
    wr_pool_unlock(self->pool);
}

void wr_forks_resized(weir_worker *worker) {
    wr_mutex_lock(&worker->deque_lock);
    set_ends(worker, false);
    wr_mutex_unlock(&worker->deque_lock);
}

void weir_fork_begin_v1(weir_worker *self, weir_fork *fork,
                        weir_fork_function *function) {
    const weir_pool *pool = self->pool;
    wr_check(self->frame != NULL && !self->frame->ended,
             "weir_fork_begin outside of run");
    fork->weir_function = function;
    if (wr_forks_count(self) == pool->options.fork_depth) {
        wr_fork *own = wr_fork_of(fork);
        own->frame = self->frame;
        own->owner = self;
        wr_atomic_init(&own->state, WR_FORK_INLINE);
        wr_fetch_add(&self->forks_inline, 1, relaxed, ALONE, "a counter");
        function(self, fork);
        return;
    }
    *self->forks.head++ = fork;
    if (share(self, false))
        tell(self->pool);
    wr_determ_point_of(pool);
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

// It is not the last one in the deque: so it ran in begin, or it is not to be
// joined now, or not here.
static void check_ran_in_begin(const weir_worker *self, const wr_fork *fork) {
    bool ran =
        fork->owner == self && fork->frame == self->frame &&
        wr_load(&fork->state, relaxed, ALONE,
                "INLINE is stored by this thread only") == WR_FORK_INLINE;
    wr_check(ran || wr_forks_count(self) > self->frame->deque_base,
             "weir_fork_join by other work than began the fork");
    wr_check(ran, "forks are joined in reverse order");
}

// Takes the last fork out of the deque. Whether nobody else took it.
static bool pop(weir_worker *self, wr_fork *fork, bool *opened) {
    unsigned wanted = demand(self->pool);
    unsigned last = wr_forks_count(self) - 1;
    self->forks.head--;
    if (last >= self->deque_private) {
        *opened = open_some(self, wanted);
        return true;
    }
    bool open = is_open(fork);
    self->deque_private = last;
    if (self->deque_first > last)
        self->deque_first = last;
    if (open) {
        set_open_count(self, open_count(self) - 1);
        close_some(self, wanted);
    }
    return open;
}

int weir_fork_pop_v1(weir_worker *self, weir_fork *fork,
                     weir_fork_function *function) {
    wr_fork *own = wr_fork_of(fork);
    unsigned count = wr_forks_count(self);
    wr_check(self->frame != NULL, "weir_fork_join outside of run");
    bool last = count > 0 && self->deque[count - 1] == fork;
    if (!last)
        check_ran_in_begin(self, own);
    wr_check(!last || count > self->frame->deque_base,
             "weir_fork_join by other work than began the fork");
    wr_check(fork->weir_function == function,
             "weir_fork_join names another function than weir_fork_begin");
    if (!last) {
        wr_store(&own->state, WR_FORK_DONE, relaxed, ALONE,
                 "this thread's only: a second join is caught");
        return 0;
    }
    wr_determ_point_of(self->pool);
    bool opened = false;
    wr_mutex_lock(&self->deque_lock);
    bool mine = pop(self, own, &opened);
    set_ends(self, true);
    wr_mutex_unlock(&self->deque_lock);
    if (opened)
        tell(self->pool);
    if (!mine)
        join_taken(self, own);
    return mine;
}

// ---- stealing --------------------------------------------------------------

// Takes the oldest open fork of `victim` that may be taken. deque_lock held.
static bool take_oldest(const weir_worker *thief, weir_worker *victim,
                        wr_wait_kind kind, const void *object, wr_item *item) {
    for (unsigned i = victim->deque_first; i < victim->deque_private; i++) {
        wr_fork *fork = wr_fork_of(victim->deque[i]);
        bool open = is_open(fork);
        if (!open && i == victim->deque_first)
            victim->deque_first++;
        if (!open ||
            (object != NULL && !wr_frame_descends(fork->frame, kind, object)))
            continue;
        wr_store(&fork->state, WR_FORK_TAKEN, relaxed, ALONE,
                 "under deque_lock");
        fork->thief = thief->index;
        if (i == victim->deque_first)
            victim->deque_first++;
        set_open_count(victim, open_count(victim) - 1);
        set_ends(victim, false);
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
        bool taken = take_oldest(thief, victim, kind, object, item);
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
           wr_forks_count(worker) < worker->pool->options.fork_depth &&
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
