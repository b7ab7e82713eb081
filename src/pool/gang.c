// SPDX-License-Identifier: MIT
// Gangs: jobs that run at the same time. Workers come together at job
// boundaries; only one gang assembles at a time. README.md, "Gangs", has the
// protocol.
#include "pool/gang.h"
#include "pool/internal.h"

// ---- which gang assembles --------------------------------------------------

// How many workers may come together now: those that do not wait and have no
// seat, as far as there are places that no seat has a claim on. Each of them
// gets to a job boundary, or waits and makes room for another. A seat whose
// worker waits keeps its claim: the worker comes back, and meanwhile the place
// is for what it waits for.
static unsigned available(const weir_pool *pool) {
    unsigned sitting = pool->seated - pool->seated_lent;
    unsigned threads = pool->live - pool->lent - sitting;
    unsigned places = pool->width - pool->seated;
    return threads < places ? threads : places;
}

// The first that can come together. None is overtaken, but while members of a
// running gang wait: it could be for one that stands behind.
static wr_job *choose(const weir_pool *pool) {
    unsigned most = available(pool);
    const wr_link *link = pool->gangs.next;
    while (link != &pool->gangs) {
        wr_job *first = wr_container_of(link, wr_job, link);
        if (first->sequence <= most)
            return first;
        if (pool->seated_lent == 0)
            return NULL;
        for (uint64_t i = 0; i < first->sequence; i++)
            link = link->next;
    }
    return NULL;
}

// Those that wait for the rest go on with something else.
static void dismiss(weir_pool *pool) {
    for (unsigned i = 0; i < pool->index_limit && pool->gang_reserved > 0; i++)
        if (pool->workers[i].reserved) {
            pool->workers[i].reserved = false;
            pool->gang_reserved--;
            wr_worker_wake(&pool->workers[i]);
        }
}

void wr_gangs_look(weir_pool *pool) {
    if (wr_list_empty(&pool->gangs) ||
        (pool->gang != NULL && pool->gang_members <= available(pool)))
        return;
    if (pool->gang_reserved > 0)
        dismiss(pool);
    pool->gang = choose(pool);
    if (pool->gang == NULL)
        return;
    pool->gang_members = (unsigned)pool->gang->sequence;
    (void)wr_bursts_recall(pool); // all come to a job boundary
    wr_pool_notify(pool);
}

void wr_gangs_end(weir_pool *pool) {
    while (!wr_list_empty(&pool->gangs)) {
        pool->gang_jobs--;
        wr_job_end_unrun(pool, wr_container_of(pool->gangs.next, wr_job, link),
                         -ESHUTDOWN);
    }
    pool->gang = NULL;
    dismiss(pool);
}

// ---- coming together -------------------------------------------------------

// All are here: each gets its job, and the gang is claimed, or not. Unlocks.
static void seat_all(weir_worker *last) {
    weir_pool *pool = last->pool;
    wr_job *job = pool->gang;
    weir_job *first = wr_job_public(job);
    bool (*claim)(weir_job *) = job->claim;
    uint64_t number = ++pool->gang_number;
    for (unsigned i = 0; pool->gang_reserved > 0; i++) {
        weir_worker *worker = &pool->workers[i];
        if (!worker->reserved)
            continue;
        wr_link *next = job->link.next;
        wr_list_remove(&job->link);
        worker->reserved = false;
        worker->seated = true;
        worker->decided = false;
        worker->seat = job;
        worker->seat_captured = job->captured;
        worker->seat_gang = number;
        pool->gang_reserved--;
        pool->seated++;
        job = wr_container_of(next, wr_job, link);
    }
    pool->gang = NULL;
    wr_gangs_look(pool);
    wr_pool_unlock(pool);
    bool claimed = claim(first);
    wr_pool_lock(pool);
    for (unsigned i = 0; i < pool->index_limit; i++) {
        weir_worker *worker = &pool->workers[i];
        if (!worker->seated || worker->decided || worker->seat_gang != number)
            continue;
        worker->decided = true;
        worker->claimed = claimed;
        wr_worker_wake(worker);
    }
}

// The gang was not claimed: the jobs have gone.
static void leave(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    void *captured = worker->seat_captured;
    wr_ended ended = {.status = -ECANCELED};
    pool->counts.queued--;
    wr_gang_stand_up(worker);
    if (pool->hooks.release != NULL) {
        wr_pool_unlock(pool);
        wr_job_release(pool, captured);
        wr_pool_lock(pool);
    }
    wr_job_account(pool, &ended);
}

bool wr_gang_join(weir_worker *worker, wr_item *item) {
    weir_pool *pool = worker->pool;
    worker->reserved = true;
    pool->gang_reserved++;
    wr_figures_state(worker, WR_SEARCHING); // it is not busy while it waits
    if (pool->budget != NULL && !worker->tokenless) {
        worker->tokenless = true;
        wr_budget_give(pool);
    }
    if (pool->gang_reserved == pool->gang_members)
        seat_all(worker);
    else
        wr_pool_notify(pool);
    while (worker->reserved || (worker->seat != NULL && !worker->decided)) {
        if (wr_broadcasts_serve(worker))
            continue;
        wr_worker_sleep(worker, WEIR_FOREVER);
        wr_timers_expire(pool);
    }
    wr_job *seat = worker->seat;
    if (seat == NULL)
        return false;
    worker->seat = NULL;
    pool->gang_jobs--;
    if (!worker->claimed) {
        leave(worker);
        return false;
    }
    wr_item_take_job(pool, seat, item);
    return true;
}

void wr_gang_stand_up(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    worker->seated = false;
    worker->stood_up = true;
    pool->seated--;
    wr_gangs_look(pool);
}

// ---- submitting ------------------------------------------------------------

static weir_job *member(weir_job *first, size_t stride, unsigned index) {
    return (weir_job *)(void *)((char *)first + stride * index);
}

static void accept(weir_pool *pool, weir_job *first, size_t stride,
                   unsigned count, bool (*claim)(weir_job *first)) {
    for (unsigned i = 0; i < count; i++) {
        weir_job *job = member(first, stride, i);
        wr_job *own = wr_job_of(job);
        wr_job_accept(pool, job, NULL, own->captured);
        own->claim = claim;
        own->sequence = count;
        wr_job_queue(pool, own, pool->gangs.prev);
        pool->gang_jobs++;
    }
}

int wr_gang_submit(weir_pool *pool, weir_job *first, size_t stride,
                   unsigned count, bool (*claim)(weir_job *first)) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    for (unsigned i = 0; i < count; i++) {
        weir_job *job = member(first, stride, i);
        wr_job_check(job);
        wr_job_of(job)->captured = wr_job_capture(pool);
    }
    wr_pool_lock(pool);
    int error = wr_job_accept_check(pool, first, true);
    if (error == 0) {
        accept(pool, first, stride, count, claim);
        wr_gangs_look(pool);
    }
    wr_pool_unlock(pool);
    for (unsigned i = 0; i < count && error != 0; i++)
        wr_job_release(pool, wr_job_of(member(first, stride, i))->captured);
    wr_determ_point();
    return error;
}

// ---- runners ---------------------------------------------------------------

void wr_relay_enter(weir_worker *self, wr_relay *relay) { self->relay = relay; }

void wr_relay_leave(weir_worker *self) { self->relay = NULL; }

wr_relay *wr_relay_of(const weir_worker *self) { return self->relay; }

void wr_relay_lent(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    wr_relay *relay = worker->relay;
    if (relay == NULL || relay->is_lent)
        return;
    relay->is_lent = true;
    weir_job *job = relay->lent(relay);
    if (job == NULL)
        return;
    // Part of work that was accepted: in any mode. Not where there are hooks.
    wr_job_accept(pool, job, NULL, NULL);
    wr_inbox_push(pool, job);
    wr_pool_notify(pool);
}

void wr_relay_back(weir_worker *worker) {
    wr_relay *relay = worker->relay;
    if (relay == NULL || !relay->is_lent)
        return;
    relay->is_lent = false;
    relay->back(relay);
}

uint32_t wr_pool_pushes(const weir_pool *pool) {
    return wr_load(&pool->pushes, relaxed, ALONE, "a hint");
}

bool wr_pool_ending(const weir_pool *pool) {
    return wr_load(&pool->ending_all, relaxed, ALONE, "a hint") != 0;
}

bool wr_pool_plain(const weir_pool *pool) {
    const weir_pool_hooks *hooks = &pool->hooks;
    return !pool->deterministic && hooks->capture == NULL &&
           hooks->enter == NULL && hooks->leave == NULL &&
           hooks->release == NULL && pool->options.jobs_max == 0 &&
           !wr_pool_timed(pool);
}

// ---- names -----------------------------------------------------------------

void wr_jobs_unname(weir_pool *pool, const void *owner) {
    if (wr_pool_forked(pool))
        return;
    wr_pool_lock(pool);
    (void)wr_bursts_recall(pool);
    for (unsigned i = 0; i < pool->index_limit; i++)
        for (wr_frame *frame = pool->workers[i].frame; frame != NULL;
             frame = frame->below)
            if (wr_load(&frame->owner, relaxed, ALONE,
                        "the caller knows that its jobs are over") == owner)
                wr_store(&frame->name, NULL, relaxed, ALONE,
                         "under the lock, as whoever reads it");
    wr_pool_unlock(pool);
}
