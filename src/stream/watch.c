// SPDX-License-Identifier: MIT
// Waiting for an object of this room: a watch is an event in a list of the
// object's. Blocked calls use one on their own stack.
#include "stream/internal.h"

#include "pool/internal.h"

#include <pthread.h>

int wr_stream_enter(weir_pool *pool) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    if (pool->deterministic)
        wr_determ_point();
    return 0;
}

uintptr_t wr_caller_id(const weir_pool *pool) {
    // Fibers share a thread, so there a worker is known by its own address.
    if (pool->deterministic) {
        weir_worker *self = weir_worker_self();
        if (self != NULL)
            return (uintptr_t)self;
    }
    return (uintptr_t)pthread_self();
}

int wr_watch_init(weir_watch *watch, weir_pool *pool, wr_mutex *lock,
                  weir_job *job) {
    wr_watch *mine = wr_watch_of(watch);
    *mine = (wr_watch){.lock = lock, .job = job};
    weir_event_init(&watch->event, pool, 1);
    return job != NULL ? weir_event_attach(&watch->event, pool, job) : 0;
}

void wr_watch_init_notify(weir_watch *watch, wr_mutex *lock,
                          void (*notify)(weir_watch *watch)) {
    *wr_watch_of(watch) = (wr_watch){.lock = lock, .notify = notify};
}

void wr_watch_fire(weir_watch *watch) {
    void (*notify)(weir_watch *) = wr_watch_of(watch)->notify;
    if (notify != NULL) {
        notify(watch);
        return;
    }
    // The result is of no interest: a watch in no list is fired by one thread.
    (void)weir_event_fire(&watch->event, 0);
}

void wr_watches_take(wr_link *fire, wr_link *waiting, size_t count) {
    for (; count > 0 && !wr_list_empty(waiting); count--) {
        wr_link *link = wr_list_pop_front(waiting);
        wr_container_of(link, wr_watch, link)->taken = true;
        wr_list_push_back(fire, link);
    }
}

void wr_watches_fire_all(wr_link *list) {
    for (wr_link *link; (link = wr_list_pop_front(list)) != NULL;)
        wr_watch_fire(wr_watch_public(wr_container_of(link, wr_watch, link)));
}

// Takes the watch out of its list; false: somebody fires it.
static bool watch_unlink(wr_watch *mine) {
    wr_mutex_lock(mine->lock);
    bool linked = !mine->taken && wr_link_linked(&mine->link);
    if (linked)
        wr_list_remove(&mine->link);
    wr_mutex_unlock(mine->lock);
    return linked;
}

void wr_event_settle(weir_event *event) {
    weir_worker *self = weir_worker_self();
    weir_pool *pool = wr_event_of(event)->pool;
    int status;
    while (weir_event_status(event, &status) == -EAGAIN) {
        if (self != NULL)
            weir_yield(self);
        else if (pool->deterministic)
            (void)weir_pool_step(pool);
        else
            wr_thread_yield();
    }
}

int wr_watch_wait(weir_watch *watch, int64_t deadline_ns) {
    int error = weir_event_wait(&watch->event, deadline_ns, NULL);
    if (error == 0 || error == -ECHILD || watch_unlink(wr_watch_of(watch)))
        return error;
    wr_event_settle(&watch->event);
    return 0;
}

int weir_watch_cancel(weir_watch *watch) {
    int status;
    int error = weir_event_status(&watch->event, &status);
    if (error != -EAGAIN)
        return error == 0 ? -EALREADY : error;
    wr_watch *mine = wr_watch_of(watch);
    if (!watch_unlink(mine))
        return -EALREADY;
    // A job that is not attached any more has ended without running.
    if (mine->job != NULL)
        (void)weir_event_detach(&watch->event, mine->job);
    return 0;
}
