// SPDX-License-Identifier: MIT
// The watchdog: a thread that sleeps until something may be due, and without
// end while the pool is idle. README.md, "The watchdog".
#include "observe/types.h"

#include "base/fault.h"
#include "base/options.h"

enum { OVER_DEFAULT_NS = 1000 * 1000 * 1000 };

static _Thread_local const weir_watchdog *reporting; // on its own thread

// over_ns doubled `told` times.
static int64_t limit_ns(const weir_watchdog *dog, unsigned told) {
    int64_t over_ns = dog->options.over_ns;
    return told < 62 && over_ns <= INT64_MAX >> told ? over_ns << told
                                                     : INT64_MAX;
}

static void consider(void *context, const wr_stalling *one) {
    weir_watchdog *dog = context;
    int64_t for_ns = dog->now_ns - one->since_ns;
    int64_t left_ns = limit_ns(dog, *one->told) - for_ns;
    if (left_ns <= 0 && dog->found_count < WR_WATCHDOG_BATCH) {
        wr_stalling_copy(&dog->found[dog->found_count++], one, dog->now_ns);
        while (limit_ns(dog, *one->told) <= for_ns)
            ++*one->told;
        left_ns = limit_ns(dog, *one->told) - for_ns;
    }
    if (left_ns < dog->next_ns - dog->now_ns)
        dog->next_ns = dog->now_ns + left_ns;
}

// Finds what is due, and when to look again. _locked.
static void look(weir_watchdog *dog) {
    weir_pool *pool = dog->options.pool;
    dog->found_count = 0;
    dog->next_ns = WEIR_FOREVER;
    pool->watch_sleeps = pool->placed + pool->lent == 0;
    if (pool->watch_sleeps)
        return;
    (void)wr_bursts_recall(pool); // nothing starts while it looks
    dog->now_ns = wr_now_ns();
    // What starts after this look is due after that time.
    if (dog->options.over_ns < INT64_MAX - dog->now_ns)
        dog->next_ns = dog->now_ns + dog->options.over_ns;
    wr_stalling_each(pool, dog->now_ns, dog->options.over_ns, consider, dog);
}

static void print_stall(const weir_watchdog *dog, const weir_stall *stall) {
    char time[WR_CELL_MAX];
    fprintf(stderr, "weir: job \"%s\" %s for %s: worker %u of pool \"%s\"\n",
            stall->name, stall->lent ? "has waited" : "has been running",
            wr_format_ns(time, (uint64_t)stall->for_ns), stall->worker,
            dog->options.pool->name);
}

static void report(const weir_watchdog *dog) {
    for (unsigned i = 0; i < dog->found_count; i++) {
        const weir_stall *stall = &dog->found[i];
        if (dog->options.report != NULL)
            dog->options.report(dog->options.context, stall);
        else
            print_stall(dog, stall);
    }
}

static void *watch_main(void *argument) {
    weir_watchdog *dog = argument;
    weir_pool *pool = dog->options.pool;
    reporting = dog;
    wr_pool_lock(pool);
    while (!dog->stop) {
        uint32_t seen = wr_load(&pool->watch, relaxed, ALONE,
                                "changed under the lock, which is held");
        look(dog);
        wr_pool_unlock(pool);
        // A report may take long: look again after it.
        if (dog->found_count > 0)
            report(dog);
        else
            (void)wr_futex_wait(&pool->watch, seen, dog->next_ns);
        wr_pool_lock(pool);
    }
    wr_pool_unlock(pool);
    return NULL;
}

static int start(weir_watchdog *dog) {
    weir_pool *pool = dog->options.pool;
    wr_pool_lock(pool);
    bool taken = pool->watchdog != NULL;
    if (!taken)
        pool->watchdog = dog;
    wr_pool_unlock(pool);
    if (taken)
        return -EINVAL;
    char name[32];
    snprintf(name, sizeof(name), "%.8s/watch", pool->name);
    wr_thread_options options = {.name = name, .cpu = -1};
    int error = wr_thread_start(&dog->thread, &options, watch_main, dog);
    if (error != 0) {
        wr_pool_lock(pool);
        pool->watchdog = NULL;
        wr_pool_unlock(pool);
    }
    return error;
}

int weir_watchdog_start(weir_watchdog **out,
                        const weir_watchdog_options *options) {
    weir_watchdog_options given;
    int error = wr_options_copy(&given, sizeof(given), options);
    if (error != 0)
        return error;
    if (given.pool == NULL)
        return -EINVAL;
    if (wr_pool_forked(given.pool))
        return -ECHILD;
    if (given.pool->deterministic || given.over_ns < 0)
        return -EINVAL;
    if (given.over_ns == 0)
        given.over_ns = OVER_DEFAULT_NS;
    weir_watchdog *dog = wr_calloc(1, sizeof(*dog));
    if (dog == NULL)
        return -ENOMEM;
    dog->options = given;
    error = start(dog);
    if (error != 0) {
        wr_free(dog);
        return error;
    }
    *out = dog;
    return 0;
}

void weir_watchdog_stop(weir_watchdog *watchdog) {
    if (watchdog == NULL || wr_pool_forked(watchdog->options.pool))
        return;
    wr_check(reporting != watchdog,
             "weir_watchdog_stop inside a report of this watchdog");
    weir_pool *pool = watchdog->options.pool;
    wr_pool_lock(pool);
    watchdog->stop = true;
    wr_word_wake(pool, &pool->watch);
    wr_pool_unlock(pool);
    wr_thread_join(&watchdog->thread);
    wr_pool_lock(pool);
    pool->watchdog = NULL;
    pool->watch_sleeps = false;
    wr_pool_unlock(pool);
    wr_free(watchdog);
}
