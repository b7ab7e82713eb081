// SPDX-License-Identifier: MIT
// model/models/rooms.h: what the models of the rooms share.
#ifndef MODEL_ROOMS_H
#define MODEL_ROOMS_H

#include "model/model.h"
#include "pool/internal.h"

#include <stdlib.h>

// Not every file uses all of them.
#define ROOMS_OWN static __attribute__((unused))

// A real pool. No stand-ins: 0.
ROOMS_OWN weir_pool *rooms_pool(int threads, int stand_ins) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.stand_ins = stand_ins == 0 ? WEIR_STAND_INS_NONE : stand_ins;
    options.fork_depth = 2;
    weir_pool *pool = NULL;
    MC_CHECK(weir_pool_create(&pool, &options) == 0);
    return pool;
}

// Goes on once so many workers look as if they slept. (A hint, so that a case
// begins with what it is about; what follows must hold without.)
ROOMS_OWN void rooms_await_idle(weir_pool *pool, uint32_t workers) {
    while (wr_load(&pool->hungry, relaxed, ALONE, "a hint") < workers)
        mc_await();
}

// The pool's side of events alone: threads outside may wait for them and fire
// them; there is no worker, so no job is ever accepted.
ROOMS_OWN weir_pool *rooms_pool_without_workers(void) {
    static weir_pool pool;
    MC_CHECK(wr_forkmark_init(&pool.forkmark) == 0);
    wr_mutex_init(&pool.lock);
    for (int i = 0; i < WR_PRIORITIES; i++)
        wr_list_init(&pool.inbox[i]);
    wr_link *lists[] = {&pool.ending,     &pool.scopes, &pool.events,
                        &pool.broadcasts, &pool.gangs,  &pool.idle,
                        &pool.bursts};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        wr_list_init(lists[i]);
    return &pool;
}

// A flag that one thread raises and others wait for. Who waits sleeps on it and
// nowhere else: no place is lent, and nothing of the room's ends the wait.
typedef wr_atomic_u32 rooms_flag;

ROOMS_OWN void rooms_raise(rooms_flag *flag) {
    wr_store(flag, 1, release, MODEL_1, "what came before is done");
    wr_futex_wake(flag, INT32_MAX);
}

ROOMS_OWN bool rooms_raised(rooms_flag *flag) {
    return wr_load(flag, acquire, MODEL_1, "then it may be looked at") != 0;
}

ROOMS_OWN void rooms_await(rooms_flag *flag) {
    while (!rooms_raised(flag))
        (void)wr_futex_wait(flag, 0, WEIR_FOREVER);
}

#endif
