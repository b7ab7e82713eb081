// SPDX-License-Identifier: MIT
// Scopes: jobs whose end the opener waits for.
#include "base/options.h"
#include "pool/internal.h"

#include <string.h>

int wr_scope_why(const wr_scope *scope) {
    for (; scope != NULL; scope = scope->around) {
        uint32_t why =
            wr_load(&scope->why, relaxed, ALONE, "a flag; it orders nothing");
        if (why != 0)
            return (int)why;
        if (wr_deadline_passed(scope->pool, scope->deadline_ns))
            return ETIMEDOUT;
    }
    return 0;
}

wr_job *wr_scope_take(wr_scope *scope) {
    wr_link *link = wr_list_pop_front(&scope->children);
    if (wr_list_empty(&scope->children) && wr_link_linked(&scope->ready))
        wr_list_remove(&scope->ready);
    return link != NULL ? wr_container_of(link, wr_job, link) : NULL;
}

static bool before(const wr_scope *scope, bool ran, uint64_t key,
                   uint64_t sequence) {
    if (scope->error == 0)
        return true;
    if (ran != (bool)scope->error_ran)
        return ran;
    if (key != scope->error_key)
        return key < scope->error_key;
    return sequence < scope->error_sequence;
}

bool wr_scope_after_error(const wr_scope *scope, const wr_job *job) {
    const weir_job *public = wr_container_of(job, const weir_job, weir_private);
    return scope->stop_on_error && scope->error != 0 && scope->error_ran &&
           !before(scope, true, public->key, job->sequence);
}

void wr_scope_child_ended(wr_scope *scope, const wr_ended *ended) {
    if (ended->status != 0 && !ended->quiet &&
        before(scope, ended->ran, ended->key, ended->sequence)) {
        scope->error = ended->status;
        scope->error_ran = ended->ran;
        scope->error_key = ended->key;
        scope->error_sequence = ended->sequence;
    }
    weir_worker *owner = scope->owner;
    if (--scope->outstanding == 0 && owner->waits_on == scope)
        wr_worker_wake(owner);
}

static void cancel(wr_scope *scope, int error) {
    if (wr_load(&scope->why, relaxed, ALONE, "under the lock") != 0)
        return;
    wr_store(&scope->why, (uint32_t)error, relaxed, ALONE,
             "a flag; it orders nothing");
    wr_waiters_wake(scope->pool);
}

static void untime(wr_scope *scope) {
    if (scope->timed)
        wr_heap_remove(&scope->pool->timers, &scope->timer.node);
    scope->timed = false;
}

void wr_scope_expire(wr_scope *scope) {
    untime(scope);
    cancel(scope, ETIMEDOUT);
}

int weir_scope_begin(weir_worker *self, weir_scope *scope,
                     const weir_scope_options *options) {
    weir_scope_options given;
    int error = wr_options_copy(&given, sizeof(given), options);
    if (error != 0)
        return error;
    if (given.deadline_ns < 0)
        return -EINVAL;
    wr_frame *frame = self->frame;
    wr_check(frame != NULL && !frame->ended, "weir_scope_begin outside of run");
    weir_pool *pool = self->pool;
    wr_scope *own = wr_scope_of(scope);
    memset(own, 0, sizeof(*own));
    own->pool = pool;
    own->frame = frame;
    own->owner = self;
    own->outer_open = frame->open_scope;
    own->around = frame->open_scope != NULL ? frame->open_scope : frame->around;
    own->fifo = given.fifo != 0;
    own->stop_on_error = given.stop_on_error != 0;
    own->deadline_ns = given.deadline_ns;
    wr_list_init(&own->children);
    frame->open_scope = own;
    own->timer.of_scope = true;
    wr_pool_lock(pool);
    own->timed = wr_timer_start(pool, &own->timer, given.deadline_ns);
    wr_pool_unlock(pool);
    return 0;
}

void weir_scope_spawn(weir_worker *self, weir_scope *scope, weir_job *job) {
    wr_scope *own = wr_scope_of(scope);
    weir_pool *pool = own->pool;
    wr_check(self->pool == pool, "a scope is used by another pool's worker");
    void *captured = wr_job_capture(pool);
    wr_pool_lock(pool);
    (void)wr_bursts_recall(pool); // children go before what is in bursts
    (void)wr_job_accept_check(pool, job, false); // only aborts on misuse
    wr_job_accept(pool, job, own, captured);
    // Counted before it is queued: nobody sees an empty scope in between.
    own->outstanding++;
    wr_job_of(job)->sequence = own->spawned++;
    wr_job_queue(pool, wr_job_of(job),
                 own->fifo ? own->children.prev : &own->children);
    if (!wr_link_linked(&own->ready))
        wr_list_push_back(&pool->scopes, &own->ready);
    wr_pool_notify(pool);
    if (own->owner->waits_on == own)
        wr_worker_wake(own->owner);
    wr_pool_unlock(pool);
    wr_determ_point();
}

void weir_scope_cancel(weir_scope *scope) {
    wr_scope *own = wr_scope_of(scope);
    weir_pool *pool = own->pool;
    if (wr_pool_forked(pool))
        return;
    wr_pool_lock(pool);
    cancel(own, ECANCELED);
    wr_pool_unlock(pool);
    wr_determ_point();
}

int weir_scope_wait(weir_worker *self, weir_scope *scope) {
    wr_scope *own = wr_scope_of(scope);
    weir_pool *pool = own->pool;
    wr_check(own->owner == self && self->frame == own->frame,
             "weir_scope_wait by other work than opened the scope");
    wr_check(self->frame->open_scope == own,
             "weir_scope_wait on an outer scope before the inner one");
    wr_pool_lock(pool);
    int error = wr_worker_wait(self, WR_WAIT_SCOPE, own, WEIR_FOREVER);
    wr_check(error == 0, "a scope's wait can never end: its children wait for "
                         "something that nothing will do");
    untime(own);
    int status = own->error;
    self->frame->open_scope = own->outer_open;
    wr_pool_unlock(pool);
    return status;
}
