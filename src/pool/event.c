// SPDX-License-Identifier: MIT
// Events. All of an event is guarded by its pool's lock, and waiters sleep on
// words of the pool: a fire touches the event for the last time before it lets
// the lock go, and whoever learns of it must have had the lock since.
#include "pool/internal.h"

#include <string.h>

void weir_event_init(weir_event *event, weir_pool *pool, uint32_t count) {
    wr_event *own = wr_event_of(event);
    memset(own, 0, sizeof(*own));
    own->pool = pool;
    own->remaining = count;
    wr_list_init(&own->jobs);
}

int weir_event_add(weir_event *event, uint32_t count) {
    wr_event *own = wr_event_of(event);
    weir_pool *pool = own->pool;
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    wr_pool_lock(pool);
    int error = own->remaining == 0 ? -EALREADY : 0;
    wr_check(error != 0 || own->remaining + count > count,
             "weir_event_add overflows the event's count");
    if (error == 0)
        own->remaining += count;
    wr_pool_unlock(pool);
    return error;
}

void wr_event_unlink(wr_job *job) {
    wr_event *event = job->event;
    wr_list_remove(&job->link);
    if (wr_list_empty(&event->jobs))
        wr_list_remove(&event->attached);
    job->event = NULL;
}

static void happen(weir_pool *pool, wr_event *event) {
    while (!wr_list_empty(&event->jobs)) {
        wr_job *job = wr_container_of(event->jobs.next, wr_job, link);
        wr_event_unlink(job);
        pool->counts.attached--;
        wr_inbox_push(pool, wr_job_public(job));
        wr_pool_notify(pool);
    }
    for (uint32_t i = 0; i < WR_OUTSIDE_SLOTS && event->slots != 0; i++)
        if (event->slots >> i & 1)
            wr_word_wake(pool, &pool->slots[i]);
    for (unsigned i = 0; i < pool->index_limit && event->workers > 0; i++)
        if (pool->workers[i].waits_on == event)
            wr_worker_wake(&pool->workers[i]);
}

int weir_event_fire(weir_event *event, int status) {
    wr_event *own = wr_event_of(event);
    weir_pool *pool = own->pool;
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    wr_pool_lock(pool);
    int error = own->remaining == 0 ? -EALREADY : 0;
    if (error == 0) {
        if (own->status == 0)
            own->status = status;
        if (--own->remaining == 0)
            happen(pool, own);
    }
    wr_pool_unlock(pool);
    wr_determ_point();
    return error;
}

int weir_event_attach(weir_event *event, weir_pool *target, weir_job *job) {
    weir_pool *pool = wr_event_of(event)->pool;
    if (wr_pool_forked(pool))
        return -ECHILD;
    if (target != NULL && target != pool)
        return -EINVAL;
    return wr_event_attach(event, job, false);
}

int wr_event_attach(weir_event *event, weir_job *job, bool continues) {
    wr_event *own = wr_event_of(event);
    weir_pool *pool = own->pool;
    wr_pool_check_thread(pool);
    void *captured = wr_job_capture(pool);
    wr_pool_lock(pool);
    int error = wr_job_accept_check(pool, job, continues);
    if (error == 0) {
        wr_job *accepted = wr_job_of(job);
        wr_job_accept(pool, job, NULL, captured);
        if (own->remaining == 0) {
            wr_inbox_push(pool, job);
            wr_pool_notify(pool);
        } else {
            if (wr_list_empty(&own->jobs))
                wr_list_push_back(&pool->events, &own->attached);
            wr_list_push_back(&own->jobs, &accepted->link);
            accepted->event = own;
            wr_store(&accepted->state, WR_JOB_ATTACHED, relaxed, ALONE,
                     "under the lock");
            pool->counts.attached++;
        }
    }
    wr_pool_unlock(pool);
    if (error != 0)
        wr_job_release(pool, captured);
    wr_determ_point();
    return error;
}

int weir_event_detach(weir_event *event, weir_job *job) {
    wr_event *own = wr_event_of(event);
    weir_pool *pool = own->pool;
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    wr_job *attached = wr_job_of(job);
    void *captured = NULL;
    wr_pool_lock(pool);
    uint32_t state = wr_load(&attached->state, acquire, JOB_1,
                             "a job that has ended is not looked into");
    int error =
        state == WR_JOB_ATTACHED && attached->event == own ? 0 : -EALREADY;
    if (error == 0) {
        wr_job_untime(pool, attached);
        wr_event_unlink(attached);
        captured = attached->captured;
        wr_store(&attached->state, WR_JOB_IDLE, relaxed, ALONE,
                 "under the lock");
        pool->counts.attached--;
        pool->counts.detached++;
        // Last: once nothing is outstanding the pool may be destroyed.
        if (pool->hooks.release != NULL) {
            wr_pool_unlock(pool);
            wr_job_release(pool, captured);
            wr_pool_lock(pool);
        }
        wr_job_leave(pool, NULL);
    }
    wr_pool_unlock(pool);
    wr_determ_point();
    return error;
}

int weir_event_status(weir_event *event, int *status) {
    wr_event *own = wr_event_of(event);
    weir_pool *pool = own->pool;
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    wr_pool_lock(pool);
    int error = own->remaining == 0 ? 0 : -EAGAIN;
    if (error == 0)
        *status = own->status;
    wr_pool_unlock(pool);
    wr_determ_point();
    return error;
}

static bool happened(weir_pool *pool, void *event) {
    (void)pool;
    return ((wr_event *)event)->remaining == 0;
}

// Waits on a thread that is no worker of the event's pool.
static int wait_outside(weir_pool *pool, wr_event *event, int64_t deadline_ns) {
    unsigned slot = pool->next_slot++ % WR_OUTSIDE_SLOTS;
    event->slots |= UINT32_C(1) << slot;
    return wr_outside_wait(pool, &pool->slots[slot], happened, event,
                           deadline_ns);
}

int wr_event_wait(weir_event *event, wr_wait_kind kind, const void *object,
                  int64_t deadline_ns, int *status) {
    wr_event *own = wr_event_of(event);
    weir_pool *pool = own->pool;
    weir_worker *self = wr_worker_current();
    wr_pool_lock(pool);
    int error;
    bool section = self != NULL && self->pool == pool && self->section;
    if (self == NULL || self->pool != pool ||
        (section && !pool->deterministic)) {
        error = wait_outside(pool, own, deadline_ns);
    } else if (section) {
        // It helps nobody, and its place stays lent.
        own->workers++;
        error = wr_worker_wait(self, kind, object, deadline_ns);
        own->workers--;
        (void)wr_place_lend(self, false);
    } else {
        own->workers++;
        error = wr_worker_wait(self, kind, object, deadline_ns);
        own->workers--;
    }
    if (error == 0 && status != NULL)
        *status = own->status;
    wr_pool_unlock(pool);
    return error;
}

int weir_event_wait(weir_event *event, int64_t deadline_ns, int *status) {
    weir_pool *pool = wr_event_of(event)->pool;
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    return wr_event_wait(event, WR_WAIT_EVENT, wr_event_of(event), deadline_ns,
                         status);
}
