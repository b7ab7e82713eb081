// SPDX-License-Identifier: MIT
// The result that is looked for before it is known to be in the making.
//
//   lost_compile naive   a compile job writes "compiling" into the map itself:
//                        computes that were submitted after it find nothing
//   lost_compile weir    the same with a cache: they find a flight, and wait
//
// Compile first, then compute, says the program, and the queue is first in,
// first out. But two workers take from it, and between taking a job and its
// first instruction there is time for the other to take the next one and look.
// On a quiet machine this hardly ever happens; here the first worker is held
// for as long as it takes. In weir the key is LOADING when the call that asks
// for it returns, before there is a job.
#include <weir/cache.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 2, COMPUTES = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int asked; // computes that have looked for the graph

static void count(int *counter) {
    pthread_mutex_lock(&lock);
    ++*counter;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void await(const int *counter, int n) {
    pthread_mutex_lock(&lock);
    while (*counter < n)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

// ---- naive -----------------------------------------------------------------

enum { ABSENT, COMPILING, COMPILED };

static int graph; // the map, for one key
static int taken; // jobs; 0 is the compile
static int missed;

static void write_state(int state) {
    pthread_mutex_lock(&lock);
    graph = state;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void naive_compile(void) {
    await(&asked, COMPUTES); // the worker is preempted just here
    write_state(COMPILING);
    write_state(COMPILED);
}

static void naive_compute(void) {
    pthread_mutex_lock(&lock);
    asked++;
    pthread_cond_broadcast(&changed);
    if (graph == ABSENT)
        missed++; // the result is an empty buffer
    while (graph == COMPILING)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void *naive_work(void *unused) {
    for (;;) {
        pthread_mutex_lock(&lock);
        int job = taken++;
        pthread_mutex_unlock(&lock);
        if (job > COMPUTES)
            return unused;
        if (job == 0)
            naive_compile();
        else
            naive_compute();
    }
}

static int naive(void) {
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        if (pthread_create(&threads[i], NULL, naive_work, NULL) != 0)
            return -1;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    return missed;
}

// ---- weir ------------------------------------------------------------------

static int compiled[1]; // the graph
static int ended, with_graph;

// Held in the same place, until all have asked.
static int compile(void *context, weir_worker *self, weir_flight *flight,
                   weir_result *result) {
    (void)context, (void)self, (void)flight;
    await(&asked, COMPUTES);
    result->value = compiled;
    return 0;
}

static int compute(weir_worker *self, weir_get *get) {
    (void)self;
    if (get->status == 0 && weir_entry_value(get->entry) == compiled)
        count(&with_graph);
    return 0;
}

static void compute_done(weir_get *get, int status) {
    (void)status;
    weir_entry_release(get->entry);
    count(&ended);
}

static void check(int error) {
    if (error >= 0)
        return;
    fprintf(stderr, "lost_compile: %s\n", weir_strerror(error));
    exit(2);
}

static int with_weir(void) {
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    pool_options.threads = WORKERS;
    weir_pool *pool;
    check(weir_pool_create(&pool, &pool_options));
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.load = compile;
    weir_cache *cache;
    check(weir_cache_create(&cache, &options));

    weir_get first = WEIR_GET_INIT("k", 1, NULL);
    check(weir_cache_prefetch(cache, &first)); // compile
    weir_get gets[COMPUTES];
    for (int i = 0; i < COMPUTES; i++) {
        gets[i] = (weir_get)WEIR_GET_INIT("k", 1, compute_done);
        gets[i].run = compute;
        check(weir_cache_get(cache, &gets[i])); // pending: the load is held
        count(&asked);
    }
    await(&ended, COMPUTES);
    weir_cache_destroy(cache);
    weir_pool_destroy(pool);
    return COMPUTES - with_graph;
}

int main(int argc, char **argv) {
    int is_naive = argc == 2 && strcmp(argv[1], "naive") == 0;
    if (!is_naive && (argc != 2 || strcmp(argv[1], "weir") != 0)) {
        fprintf(stderr, "usage: lost_compile naive|weir\n");
        return 2;
    }
    int lost = is_naive ? naive() : with_weir();
    printf("%s: %d of %d computes found no graph, all submitted after its "
           "compile\n",
           argv[1], lost, COMPUTES);
    return lost < 0 ? 2 : lost > 0;
}
