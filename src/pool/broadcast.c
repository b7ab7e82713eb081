// SPDX-License-Identifier: MIT
// Broadcast: once on each worker that is not a stand-in.
#include "pool/internal.h"

static wr_broadcast *first_unseen(const weir_worker *worker) {
    const wr_link *list = &worker->pool->broadcasts;
    for (wr_link *link = list->next; link != list; link = link->next) {
        wr_broadcast *broadcast = wr_container_of(link, wr_broadcast, link);
        if (broadcast->number > worker->broadcast_seen)
            return broadcast;
    }
    return NULL;
}

bool wr_broadcasts_unseen(const weir_worker *worker) {
    return worker->index < worker->pool->width && first_unseen(worker) != NULL;
}

bool wr_broadcasts_serve(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    if (wr_list_empty(&pool->broadcasts) || worker->index >= pool->width)
        return false;
    wr_broadcast *broadcast = first_unseen(worker);
    if (broadcast == NULL)
        return false;
    worker->broadcast_seen = broadcast->number;
    // Not counted as searching meanwhile: what is queued wakes others.
    enum wr_worker_state state = worker->state;
    if (state == WR_SEARCHING) {
        wr_worker_set_state(worker, WR_AWAY);
        if (wr_pool_has_work(pool))
            wr_pool_notify(pool);
    }
    wr_pool_unlock(pool);
    broadcast->function(worker, broadcast->argument);
    wr_pool_lock(pool);
    if (state == WR_SEARCHING)
        wr_worker_set_state(worker, WR_SEARCHING);
    if (--broadcast->remaining == 0) {
        wr_list_remove(&broadcast->link);
        wr_outside_wake(pool);
        for (unsigned i = 0; i < pool->index_limit; i++)
            if (pool->workers[i].waits_on == broadcast)
                wr_worker_wake(&pool->workers[i]);
        wr_pool_maybe_quit(pool);
    }
    return true;
}

static bool finished(weir_pool *pool, void *broadcast) {
    (void)pool;
    return ((wr_broadcast *)broadcast)->remaining == 0;
}

int weir_broadcast(weir_pool *pool,
                   void (*function)(weir_worker *self, void *argument),
                   void *argument) {
    if (wr_pool_forked(pool))
        return -ECHILD;
    wr_pool_check_thread(pool);
    weir_worker *self = wr_worker_current();
    wr_broadcast broadcast = {.function = function, .argument = argument};
    wr_pool_lock(pool);
    bool own = self != NULL && self->pool == pool;
    if (pool->quit ||
        (pool->mode != WR_MODE_RUN && !(pool->mode == WR_MODE_DRAIN && own))) {
        wr_pool_unlock(pool);
        return -ESHUTDOWN;
    }
    (void)wr_bursts_recall(pool);
    broadcast.number = ++pool->broadcast_number;
    broadcast.remaining = pool->width;
    wr_list_push_back(&pool->broadcasts, &broadcast.link);
    for (unsigned i = 0; i < pool->width; i++) {
        weir_worker *worker = &pool->workers[i];
        if (!worker->wants_token)
            wr_worker_wake(worker);
        if (worker->elsewhere != NULL)
            wr_word_wake(pool, worker->elsewhere);
    }
    int error;
    if (own)
        error =
            wr_worker_wait(self, WR_WAIT_BROADCAST, &broadcast, WEIR_FOREVER);
    else
        error = wr_outside_wait(pool, &pool->outside, finished, &broadcast,
                                WEIR_FOREVER);
    if (error != 0)
        wr_list_remove(&broadcast.link);
    wr_pool_unlock(pool);
    return error;
}
