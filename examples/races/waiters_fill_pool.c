// SPDX-License-Identifier: MIT
// The waiters that keep what they wait for from running.
//
//   waiters_fill_pool naive   "compiling" is written at submit, as it must be,
//                             and computes wait for it on their worker: first
//                             in, first out works; any other order hangs
//   waiters_fill_pool weir    the same orders with a cache, on one worker too
//
// One compile and two computes on two workers. If the queue gives out the
// newest first, or by priority, or one of the jobs is queued again, both
// workers take a compute and wait; the compile stays in the queue. The naive
// pool here counts the workers that wait: if all do and the queue is not empty,
// nothing can ever happen again. It says so and ends, where a real one would
// hang. In weir a compute that waits is no job yet, and holds no worker.
#include <weir/cache.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 2, COMPUTES = 2, JOBS = 1 + COMPUTES };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

// ---- naive -----------------------------------------------------------------

static int first, last;   // jobs first to last - 1 are queued; 0 compiles
static int newest_first;  // how they are given out
static int is_compiled;   // else it is compiling, since submit
static int waiting;       // workers
static int ended;         // jobs
static int is_deadlocked; // all wait, and there is something to do

static void naive_compute(void) {
    waiting++;
    while (!is_compiled && !is_deadlocked) {
        if (waiting == WORKERS && first < last) {
            is_deadlocked = 1;
            pthread_cond_broadcast(&changed);
            break;
        }
        pthread_cond_wait(&changed, &lock);
    }
    waiting--;
}

static void *work(void *unused) {
    pthread_mutex_lock(&lock);
    while (first < last && !is_deadlocked) {
        int job = newest_first ? --last : first++;
        if (job == 0)
            is_compiled = 1;
        else
            naive_compute();
        ended += !is_deadlocked;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

static int naive_order(int is_newest_first) {
    first = 0, last = JOBS;
    is_compiled = ended = 0;
    newest_first = is_newest_first;
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return -1;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    printf("naive, %s first: %d of %d jobs end%s\n",
           newest_first ? "newest" : "oldest", ended, JOBS,
           is_deadlocked ? "; all workers wait for what is queued" : "");
    return is_deadlocked;
}

// ---- weir ------------------------------------------------------------------

static int computed, is_open;

static void pass(void) {
    pthread_mutex_lock(&lock);
    while (!is_open)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static int hold_run(weir_worker *self, weir_job *job) {
    (void)self, (void)job;
    pass();
    return 0;
}

static int compile(void *context, weir_worker *self, weir_flight *flight,
                   weir_result *result) {
    (void)context, (void)self, (void)flight, (void)result;
    return 0;
}

static int compute(weir_worker *self, weir_get *get) {
    (void)self;
    pthread_mutex_lock(&lock);
    computed += get->status == 0;
    pthread_mutex_unlock(&lock);
    weir_entry_release(get->entry);
    return 0;
}

static void check(int error) {
    if (error >= 0)
        return;
    fprintf(stderr, "waiters_fill_pool: %s\n", weir_strerror(error));
    exit(2);
}

// A compute request: a job that asks for the graph, as a server's would.
typedef struct request {
    weir_job job;
    weir_get get;
    weir_cache *cache;
} request;

static int request_run(weir_worker *self, weir_job *job) {
    request *r = (request *)job;
    int result = weir_cache_get(r->cache, &r->get);
    if (result == 0) // known by now: not pending
        compute(self, &r->get);
    return result < 0 ? result : 0;
}

static int weir_order(int workers, int is_newest_first) {
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    pool_options.threads = workers;
    pool_options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *pool;
    check(weir_pool_create(&pool, &pool_options));
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.load = compile;
    weir_cache *cache;
    check(weir_cache_create(&cache, &options));

    // Nothing starts before all is queued.
    computed = is_open = 0;
    weir_job holds[WORKERS];
    for (int i = 0; i < workers; i++) {
        holds[i] = (weir_job)WEIR_JOB_INIT(hold_run, NULL);
        holds[i].priority = WEIR_PRIORITY_HIGH;
        check(weir_submit(pool, &holds[i]));
    }
    weir_get load = WEIR_GET_INIT("k", 1, NULL);
    load.priority = is_newest_first ? WEIR_PRIORITY_LOW : WEIR_PRIORITY_NORMAL;
    check(weir_cache_prefetch(cache, &load));
    request requests[COMPUTES];
    for (int i = COMPUTES - 1; i >= 0; i--) {
        requests[i] = (request){.job = WEIR_JOB_INIT(request_run, NULL),
                                .get = WEIR_GET_INIT("k", 1, NULL),
                                .cache = cache};
        requests[i].get.run = compute;
        check(weir_submit(pool, &requests[i].job));
    }
    pthread_mutex_lock(&lock);
    is_open = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    check(weir_pool_wait_idle(pool, WEIR_FOREVER));
    weir_cache_destroy(cache);
    weir_pool_destroy(pool);
    printf("weir, %s first, %d worker%s: %d of %d computes end\n",
           is_newest_first ? "newest" : "oldest", workers,
           workers == 1 ? "" : "s", computed, COMPUTES);
    return computed < COMPUTES;
}

int main(int argc, char **argv) {
    int is_naive = argc == 2 && strcmp(argv[1], "naive") == 0;
    if (!is_naive && (argc != 2 || strcmp(argv[1], "weir") != 0)) {
        fprintf(stderr, "usage: waiters_fill_pool naive|weir\n");
        return 2;
    }
    if (is_naive)
        return naive_order(0) != 0 ? 2 : naive_order(1) == 1 ? 1 : 0;
    int lost = 0;
    for (int workers = 1; workers <= WORKERS; workers++)
        lost += weir_order(workers, 0) + weir_order(workers, 1);
    return lost > 0;
}
