// SPDX-License-Identifier: MIT
// The single-flight cache beside what people write instead: a GLib hash table
// with a lock around it and reference counted boxes in it. The two take turns;
// of --rounds rounds the lowest and the median are printed, as Markdown.
//
//   hit       find, and give back, one of 1000 keys of 32 bytes; one thread,
//             and two at once
//   cold      64 callers at the same moment for a key whose load computes for
//             20 ms: time until the last has it, and loads. GLib in the usual
//             two ways, with 64 threads: look, load, insert; and wait on a
//             condition for whoever loads
//   storm     1000 cold keys whose loads do nothing: cost of a flight, with
//             its waiter
//
//   bench_cache [--rounds N]
#include "weir/cache.h"
#include "base/atomic.h"

#include <glib.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 1000, KEY_SIZE = 32, HITS = 200000, CALLERS = 64, ROUNDS = 100 };

static char keys[KEYS][KEY_SIZE];
static unsigned steps; // of arithmetic in 20 ms

static void check(int error, const char *what) {
    if (error >= 0)
        return;
    fprintf(stderr, "bench_cache: %s: %s\n", what, weir_strerror(error));
    exit(1);
}

static uint64_t arithmetic(uint64_t x, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return x;
}

static volatile uint64_t sink;

static void calibrate(void) {
    int64_t lowest = INT64_MAX;
    for (int i = 0; i < 50; i++) {
        int64_t begin = weir_now_ns();
        sink = arithmetic(sink, 100000);
        int64_t took = weir_now_ns() - begin;
        lowest = took < lowest ? took : lowest;
    }
    steps = (unsigned)(100000 * INT64_C(20000000) / lowest);
}

// ---- samples ---------------------------------------------------------------

typedef struct series {
    const char *name;
    double value[ROUNDS];
    int count;
} series;

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(series *s, double unit) {
    qsort(s->value, (size_t)s->count, sizeof(s->value[0]), ascending);
    printf("| %s | %.1f | %.1f |\n", s->name, s->value[0] / unit,
           s->value[s->count / 2] / unit);
}

static void sample(series *s, double value) { s->value[s->count++] = value; }

// ---- hits ------------------------------------------------------------------

static int load(void *context, weir_worker *self, weir_flight *flight,
                weir_result *result) {
    (void)self;
    wr_atomic_u32 *loads = context;
    size_t size;
    const char *key = weir_flight_key(flight, &size);
    if (size == 4) // the cold one
        sink = arithmetic(sink, steps);
    if (loads != NULL)
        wr_fetch_add(loads, 1, relaxed, ALONE, "a figure");
    result->value = (void *)(uintptr_t)key; // never looked at
    result->weight = 1;
    return 0;
}

static weir_cache *make_cache(weir_pool *pool, wr_atomic_u32 *loads) {
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.load = load;
    options.context = loads;
    weir_cache *cache;
    check(weir_cache_create(&cache, &options), "cache");
    return cache;
}

typedef struct hitter {
    pthread_t thread;
    weir_cache *cache;
    GHashTable *table;
    GMutex *lock;
} hitter;

static void *hit_weir(void *argument) {
    hitter *h = argument;
    for (int i = 0; i < HITS; i++) {
        weir_get get = WEIR_GET_INIT(keys[i * 7 % KEYS], KEY_SIZE, NULL);
        weir_entry *entry = NULL;
        int status;
        check(weir_cache_find(h->cache, get.key, KEY_SIZE, &status, &entry),
              "find");
        weir_entry_release(entry);
    }
    return NULL;
}

static void *hit_glib(void *argument) {
    hitter *h = argument;
    for (int i = 0; i < HITS; i++) {
        g_mutex_lock(h->lock);
        void *box = g_hash_table_lookup(h->table, keys[i * 7 % KEYS]);
        g_atomic_rc_box_acquire(box);
        g_mutex_unlock(h->lock);
        g_atomic_rc_box_release(box);
    }
    return NULL;
}

static double hits(hitter *h, void *(*run)(void *), int threads) {
    hitter other = *h;
    int64_t begin = weir_now_ns();
    if (threads > 1)
        pthread_create(&other.thread, NULL, run, &other);
    run(h);
    if (threads > 1)
        pthread_join(other.thread, NULL);
    return (double)(weir_now_ns() - begin) / HITS;
}

static guint key_hash(gconstpointer key) {
    // What a program with keys of bytes would use: GLib's own, over all.
    guint32 h = 5381;
    for (const unsigned char *p = key, *end = p + KEY_SIZE; p < end; p++)
        h = h * 33u + (guint32)*p;
    return h;
}

static gboolean key_equal(gconstpointer a, gconstpointer b) {
    return memcmp(a, b, KEY_SIZE) == 0;
}

// ---- cold ------------------------------------------------------------------

typedef struct caller {
    weir_get get;
    weir_event *all;
} caller;

static void caller_done(weir_get *get, int status) {
    caller *c = (caller *)(void *)get;
    check(status, "load");
    weir_entry_release(get->entry);
    (void)weir_event_fire(c->all, 0);
}

static double cold_weir(weir_pool *pool, wr_atomic_u32 *loads, int callers) {
    weir_cache *cache = make_cache(pool, loads);
    static caller c[CALLERS];
    weir_event all;
    weir_event_init(&all, pool, (uint32_t)callers);
    int64_t begin = weir_now_ns();
    for (int i = 0; i < callers; i++) {
        c[i].get = (weir_get)WEIR_GET_INIT("cold", 4, caller_done);
        c[i].all = &all;
        int error = weir_cache_get(cache, &c[i].get);
        check(error, "get");
        if (error == 0) { // it was very fast
            weir_entry_release(c[i].get.entry);
            (void)weir_event_fire(&all, 0);
        }
    }
    check(weir_event_wait(&all, WEIR_FOREVER, NULL), "wait");
    double took = (double)(weir_now_ns() - begin);
    weir_cache_destroy(cache);
    return took;
}

typedef struct naive {
    weir_job job;
    GMutex *lock;
    GCond *cond;
    int *state; // 0 absent, 1 loading, 2 ready
    wr_atomic_u32 *loads;
} naive;

static int naive_twice(weir_worker *self, weir_job *job) {
    (void)self;
    naive *n = (naive *)job;
    g_mutex_lock(n->lock);
    bool there = *n->state == 2;
    g_mutex_unlock(n->lock);
    if (there)
        return 0;
    sink = arithmetic(sink, steps);
    wr_fetch_add(n->loads, 1, relaxed, ALONE, "a figure");
    g_mutex_lock(n->lock);
    *n->state = 2;
    g_mutex_unlock(n->lock);
    return 0;
}

static int naive_wait(weir_worker *self, weir_job *job) {
    (void)self;
    naive *n = (naive *)job;
    g_mutex_lock(n->lock);
    while (*n->state == 1)
        g_cond_wait(n->cond, n->lock);
    bool mine = *n->state == 0;
    if (mine)
        *n->state = 1;
    g_mutex_unlock(n->lock);
    if (!mine)
        return 0;
    sink = arithmetic(sink, steps);
    wr_fetch_add(n->loads, 1, relaxed, ALONE, "a figure");
    g_mutex_lock(n->lock);
    *n->state = 2;
    g_cond_broadcast(n->cond);
    g_mutex_unlock(n->lock);
    return 0;
}

static double cold_glib(weir_pool *pool, wr_atomic_u32 *loads,
                        int (*run)(weir_worker *, weir_job *)) {
    static naive n[CALLERS];
    GMutex lock;
    GCond cond;
    int state = 0;
    g_mutex_init(&lock);
    g_cond_init(&cond);
    int64_t begin = weir_now_ns();
    for (int i = 0; i < CALLERS; i++) {
        n[i] = (naive){WEIR_JOB_INIT(run, NULL), &lock, &cond, &state, loads};
        check(weir_submit(pool, &n[i].job), "submit");
    }
    check(weir_pool_wait_idle(pool, WEIR_FOREVER), "wait");
    double took = (double)(weir_now_ns() - begin);
    g_mutex_clear(&lock);
    g_cond_clear(&cond);
    return took;
}

// ---- storm -----------------------------------------------------------------

static double storm(weir_pool *pool) {
    weir_cache *cache = make_cache(pool, NULL);
    static caller c[KEYS];
    weir_event all;
    weir_event_init(&all, pool, KEYS);
    int64_t begin = weir_now_ns();
    for (int i = 0; i < KEYS; i++) {
        c[i].get = (weir_get)WEIR_GET_INIT(keys[i], KEY_SIZE, caller_done);
        c[i].all = &all;
        if (weir_cache_get(cache, &c[i].get) == 0)
            (void)weir_event_fire(&all, 0);
    }
    check(weir_event_wait(&all, WEIR_FOREVER, NULL), "wait");
    double took = (double)(weir_now_ns() - begin) / KEYS;
    weir_cache_destroy(cache);
    return took;
}

int main(int argc, char **argv) {
    int rounds = 25;
    if (argc == 3 && strcmp(argv[1], "--rounds") == 0)
        rounds = atoi(argv[2]);
    if (rounds < 1 || rounds > ROUNDS || (argc != 1 && argc != 3)) {
        fprintf(stderr, "usage: bench_cache [--rounds 1..%d]\n", ROUNDS);
        return 2;
    }
    calibrate();
    for (int i = 0; i < KEYS; i++)
        snprintf(keys[i], KEY_SIZE, "sha256:%024d", i * 7919);
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    weir_pool *pool;
    check(weir_pool_create(&pool, &options), "pool");
    weir_pool *threads; // 64 of them, as a plain thread pool
    options.threads = CALLERS;
    check(weir_pool_create(&threads, &options), "pool");
    weir_cache *cache = make_cache(pool, NULL);
    GHashTable *table = g_hash_table_new(key_hash, key_equal);
    GMutex lock;
    g_mutex_init(&lock);
    for (int i = 0; i < KEYS; i++) {
        weir_result result = {keys[i], 1, 0};
        check(weir_cache_put(cache, keys[i], KEY_SIZE, &result, NULL), "put");
        g_hash_table_insert(table, keys[i], g_atomic_rc_box_alloc(8));
    }
    hitter h = {.cache = cache, .table = table, .lock = &lock};
    series hit[4] = {{.name = "weir, 1 thread"},
                     {.name = "GLib, 1 thread"},
                     {.name = "weir, 2 threads"},
                     {.name = "GLib, 2 threads"}};
    series cold[4] = {{.name = "one caller (weir)"},
                      {.name = "64 callers, weir"},
                      {.name = "64 callers, look and load"},
                      {.name = "64 callers, wait on a condition"}};
    series flights = {.name = "a flight and its waiter"};
    static wr_atomic_u32 loads[4];
    for (int i = 0; i < rounds; i++) {
        for (int t = 0; t < 2; t++) {
            sample(&hit[2 * t], hits(&h, hit_weir, t + 1));
            sample(&hit[2 * t + 1], hits(&h, hit_glib, t + 1));
        }
        sample(&cold[0], cold_weir(pool, &loads[0], 1));
        sample(&cold[1], cold_weir(pool, &loads[1], CALLERS));
        sample(&cold[2], cold_glib(threads, &loads[2], naive_twice));
        sample(&cold[3], cold_glib(threads, &loads[3], naive_wait));
        sample(&flights, storm(pool));
    }
    printf("| hit, with its release (ns) | lowest | median |\n|---|---|---|\n");
    for (int i = 0; i < 4; i++)
        print(&hit[i], 1);
    printf("\n| cold key (ms) | lowest | median |\n|---|---|---|\n");
    for (int i = 0; i < 4; i++)
        print(&cold[i], 1e6);
    printf("\nLoads a round:");
    for (int i = 0; i < 4; i++)
        printf(" %.1f",
               wr_load(&loads[i], relaxed, ALONE, "a figure") / (double)rounds);
    printf("\n");
    printf("\n| storm (ns) | lowest | median |\n|---|---|---|\n");
    print(&flights, 1);
    weir_cache_destroy(cache);
    weir_pool_destroy(threads);
    weir_pool_destroy(pool);
    g_hash_table_destroy(table);
    return 0;
}
