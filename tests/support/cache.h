// SPDX-License-Identifier: MIT
// What the tests of the cache share: a cache that keeps account of every load,
// value and argument, whose loads do what a plan for their key says; and gets
// that record their fate.
//
// Every value has a number: which load of the cache it was, from 1 on, in the
// order in which loads began (values that were put go on from there). So a test
// can say "a load that began afterwards".
#ifndef TEST_CACHE_H
#define TEST_CACHE_H

#include "base/fault.h"
#include "support/pool.h"
#include "weir/cache.h"

enum { PLANS = 512, REMOVALS = 5, LOG_MAX = 4096 };

typedef struct bench bench;
typedef struct plan plan;
typedef struct ask ask;
typedef struct value value;

struct value {
    bench *b;
    uint64_t key;
    uint64_t number;
    int removed;
};

// What the load of a key does, and what became of it.
struct plan {
    int status;       // what it returns
    int has_reason;   // a failure comes with a value
    size_t weight;    // of the result
    int64_t ttl_ns;   // of the result
    gate *gate;       // the load waits there; for pools with threads
    weir_event *hold; // the same on any pool
    int is_later;     // returns WEIR_LOAD_LATER; see land()
    int is_bare;      // its value is NULL

    // Does something else altogether, or first: < 0 is a failure, 0 goes on
    // with the above.
    int (*act)(bench *b, plan *p, weir_worker *self, weir_flight *flight);
    void *argument; // for act

    const uint64_t *needs; // keys that the load gets first; returns LATER
    size_t needs_count;

    tally begun;         // loads that have begun (and stored flight)
    weir_flight *flight; // of the last
    uint64_t number;     // of the last
    int running;         // loads now
};

struct bench {
    weir_pool *pool;
    weir_cache *cache;
    int is_deterministic;
    int may_overlap; // a stale load may run beside a new one of its key
    pthread_mutex_t lock;
    plan plans[PLANS];
    int64_t now; // of the test's clock

    uint64_t numbers;  // given
    uint64_t made;     // values
    uint64_t released; // of those
    uint64_t loads;    // begun
    uint64_t dropped;  // arguments
    uint64_t removed[REMOVALS];
    uint64_t accepted; // gets: answered at once or pending
    uint64_t found;    // looks that found something
    uint64_t refused_deadlk;

    uint64_t log[LOG_MAX]; // keys of removed values, in order
    size_t logged;
    void (*on_removed)(bench *b, uint64_t key, weir_entry *entry,
                       weir_removal why);
    void (*on_release)(bench *b, uint64_t key);
    void (*on_drop)(bench *b, void *argument);

    tally ended; // gets that were answered or left
};

// One get that records its fate.
struct ask {
    weir_get get; // first
    bench *b;
    uint64_t key;
    int (*act)(weir_worker *self, ask *a); // in run, NULL: no run
    void *argument;                        // for act
    int keeps;                             // the entry is the test's
    int ran, ended;
    int status;     // what done got, or get.status
    uint64_t value; // number of the value that came; 0: none
    uint64_t value_key;
    int has_entry;
    int is_dropped; // as an argument
};

// ---- what the cache calls --------------------------------------------------

static inline void bench_lock(bench *b) {
    CHECK_EQ(pthread_mutex_lock(&b->lock), 0);
}

static inline void bench_unlock(bench *b) {
    CHECK_EQ(pthread_mutex_unlock(&b->lock), 0);
}

static inline plan *plan_of(bench *b, uint64_t key) {
    return &b->plans[key % PLANS];
}

// With number 0: the next one.
static inline value *value_make(bench *b, uint64_t key, uint64_t number) {
    value *v = calloc(1, sizeof(*v));
    CHECK(v != NULL);
    bench_lock(b);
    b->made++;
    *v = (value){.b = b, .key = key};
    v->number = number != 0 ? number : ++b->numbers;
    bench_unlock(b);
    return v;
}

static inline void bench_release(void *context, void *pointer) {
    bench *b = context;
    value *v = pointer;
    CHECK(v != NULL);
    CHECK(v->b == b);
    uint64_t key = v->key;
    v->b = NULL;
    free(v);
    bench_lock(b);
    b->released++;
    bench_unlock(b);
    if (b->on_release != NULL)
        b->on_release(b, key);
}

static inline uint64_t key_read(const void *key, size_t size) {
    uint64_t number = 0;
    CHECK_EQ(size, sizeof(number));
    memcpy(&number, key, sizeof(number));
    return number;
}

static inline uint64_t entry_key(const weir_entry *entry) {
    size_t size = 12345;
    const void *key = weir_entry_key(entry, &size);
    return key_read(key, size);
}

static inline void bench_removed(void *context, weir_entry *entry,
                                 weir_removal why) {
    bench *b = context;
    value *v = weir_entry_value(entry);
    uint64_t number = entry_key(entry);
    CHECK(why <= WEIR_REMOVED_STOPPED);
    if (v != NULL) {
        CHECK(v->b == b); // not released yet
        CHECK_EQ(v->key, number);
        CHECK_EQ(v->removed, 0); // once
        v->removed = 1;
    }
    bench_lock(b);
    b->removed[why]++;
    if (b->logged < LOG_MAX)
        b->log[b->logged++] = number;
    bench_unlock(b);
    if (b->on_removed != NULL)
        b->on_removed(b, number, entry, why);
}

static inline void bench_drop(void *context, void *argument) {
    bench *b = context;
    ask *a = argument;
    if (a == NULL)
        return;
    bench_lock(b);
    CHECK_EQ(a->is_dropped, 0);
    a->is_dropped = 1;
    b->dropped++;
    bench_unlock(b);
    if (b->on_drop != NULL)
        b->on_drop(b, argument);
}

static inline int64_t bench_clock(void *context) {
    bench *b = context;
    bench_lock(b);
    int64_t now = b->now;
    bench_unlock(b);
    return now;
}

static inline void clock_add(bench *b, int64_t ns) {
    bench_lock(b);
    b->now += ns;
    bench_unlock(b);
}

static inline uint64_t flight_key(const weir_flight *flight) {
    size_t size = 12345;
    const void *key = weir_flight_key(flight, &size);
    return key_read(key, size);
}

static inline void result_fill(bench *b, const plan *p, uint64_t key,
                               uint64_t number, int status,
                               weir_result *result) {
    result->weight = p->weight;
    result->ttl_ns = p->ttl_ns;
    if (!p->is_bare && (status == 0 || p->has_reason))
        result->value = value_make(b, key, number);
}

static inline int plan_needs(bench *b, plan *p, weir_flight *flight);

static inline int bench_load(void *context, weir_worker *self,
                             weir_flight *flight, weir_result *result) {
    bench *b = context;
    CHECK(self != NULL && self == weir_worker_self());
    CHECK(weir_worker_pool(self) == b->pool);
    CHECK(result->value == NULL && result->weight == 0 && result->ttl_ns == 0);
    uint64_t key = flight_key(flight);
    plan *p = plan_of(b, key);
    ask *leader = weir_flight_argument(flight);
    if (leader != NULL) {
        CHECK_EQ(leader->key, key);
        CHECK_EQ(leader->get.leads, 1); // set before the load runs
        CHECK_EQ(leader->is_dropped, 0);
    }
    bench_lock(b);
    CHECK(p->running == 0 || b->may_overlap);
    p->running++;
    uint64_t number = ++b->numbers;
    b->loads++;
    p->number = number;
    p->flight = flight;
    // Who sees that it has begun may land it and then write the plan of the
    // next one, on threads while this one is on its way to look at it.
    int is_later = p->act == NULL && p->gate == NULL && p->hold == NULL &&
                   p->needs_count == 0 && p->is_later;
    bench_unlock(b);
    mark_set(&p->begun);
    if (is_later)
        return WEIR_LOAD_LATER;

    int status = p->act != NULL ? p->act(b, p, self, flight) : 0;
    if (status == 0 && p->gate != NULL)
        gate_pass(p->gate);
    if (status == 0 && p->hold != NULL)
        CHECK_EQ(weir_event_wait(p->hold, WEIR_FOREVER, NULL), 0);
    if (status == 0 && p->needs_count > 0)
        return plan_needs(b, p, flight);
    if (status == WEIR_LOAD_LATER || (status == 0 && p->is_later))
        return WEIR_LOAD_LATER;
    status = status != 0 ? status : p->status;
    result_fill(b, p, key, number, status, result);
    bench_lock(b);
    p->running--;
    bench_unlock(b);
    return status;
}

// land_flight ends a load that returned LATER.
static inline void land_flight(bench *b, plan *p, weir_flight *flight,
                               uint64_t number, int status) {
    weir_result result = {0};
    result_fill(b, p, flight_key(flight), number, status, &result);
    bench_lock(b);
    p->running--;
    bench_unlock(b);
    weir_flight_end(flight, status, &result);
}

static inline void land(bench *b, uint64_t key, int status) {
    plan *p = plan_of(b, key);
    land_flight(b, p, p->flight, p->number, status);
}

// ---- a cache ---------------------------------------------------------------

// bench_options is where a test starts that wants others. First of all.
static inline weir_cache_options bench_options(bench *b, weir_pool *pool) {
    memset(b, 0, sizeof(*b));
    CHECK_EQ(pthread_mutex_init(&b->lock, NULL), 0);
    b->pool = pool;
    b->is_deterministic = weir_pool_step(pool) != -EINVAL;
    b->now = 1000000;
    for (size_t i = 0; i < PLANS; i++) {
        tally_init(&b->plans[i].begun);
        b->plans[i].weight = 1;
    }
    tally_init(&b->ended);
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.context = b;
    options.load = bench_load;
    options.release = bench_release;
    options.removed = bench_removed;
    options.drop = bench_drop;
    return options;
}

static inline void bench_start(bench *b, const weir_cache_options *options) {
    b->cache = NULL;
    CHECK_EQ(weir_cache_create(&b->cache, options), 0);
    CHECK(b->cache != NULL);
}

static inline void bench_open(bench *b, weir_pool *pool) {
    weir_cache_options options = bench_options(b, pool);
    bench_start(b, &options);
}

// With the test's clock, and room for so much.
static inline void bench_open_room(bench *b, weir_pool *pool, size_t capacity) {
    weir_cache_options options = bench_options(b, pool);
    options.capacity = capacity;
    options.clock = bench_clock;
    bench_start(b, &options);
}

static inline weir_cache_counts cache_counts(bench *b) {
    weir_cache_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_cache_count(b->cache, &counts), 0);
    return counts;
}

// What holds at any time in which the test asks nothing.
static inline void check_identities(bench *b, const weir_cache_counts *c) {
    CHECK_EQ(c->hits + c->misses + c->coalesced + c->failed_hits,
             b->accepted + b->found);
    CHECK(c->orphans <= c->loading);
    CHECK_EQ(c->flights,
             c->loaded + c->failed + c->abandoned + c->loading - c->orphans);
    CHECK(c->stale <= c->loaded + c->failed);
    CHECK(c->misses <= c->flights);
    CHECK(c->bytes <= c->capacity && c->bytes <= c->bytes_max);
    CHECK(c->load_max_ns <= c->load_total_ns);
}

static inline void check_stopped(bench *b, const weir_cache_counts *c) {
    check_identities(b, c);
    CHECK_EQ(c->entries, 0);
    CHECK_EQ(c->bytes, 0);
    CHECK_EQ(c->loading, 0);
    CHECK_EQ(c->waiting, 0);
    for (size_t i = 0; i < REMOVALS; i++)
        CHECK_EQ(c->removed[i], b->removed[i]);
}

static inline void bench_stop(bench *b, weir_stop_mode mode) {
    weir_cache_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_cache_stop(b->cache, mode, WEIR_FOREVER, &counts), 0);
    check_stopped(b, &counts);
}

// bench_free: every value that was made has been released, once.
static inline void bench_free(bench *b) {
    weir_cache_destroy(b->cache);
    b->cache = NULL;
    CHECK_EQ(b->released, b->made);
    pthread_mutex_destroy(&b->lock);
}

// bench_close ends a test that holds no entries: the accounts must be right.
static inline void bench_close(bench *b) {
    bench_stop(b, WEIR_STOP_DRAIN);
    bench_free(b);
}

// ---- waiting ---------------------------------------------------------------

// bench_until returns once the count is at least n; a deterministic pool is
// driven, and must not come to rest before.
static inline void bench_until(bench *b, tally *t, uint64_t n) {
    while (b->is_deterministic && tally_get(t) < n)
        CHECK_EQ(weir_pool_step(b->pool), 1);
    mark_await(t, n);
}

// settle: so many gets have been answered, or have left.
static inline void settle(bench *b, uint64_t n) {
    bench_until(b, &b->ended, n);
}

// begun: so many loads of this key have begun.
static inline void begun(bench *b, uint64_t key, uint64_t n) {
    bench_until(b, &plan_of(b, key)->begun, n);
}

static inline uint64_t loads_of(bench *b, uint64_t key) {
    return tally_get(&plan_of(b, key)->begun);
}

// rest lets a deterministic pool do all that it can.
static inline void rest(bench *b) {
    while (b->is_deterministic && weir_pool_step(b->pool) == 1)
        continue;
}

// ---- gets ------------------------------------------------------------------

static inline void ask_look(ask *a) {
    a->has_entry = a->get.entry != NULL;
    if (!a->has_entry)
        return;
    value *v = weir_entry_value(a->get.entry);
    a->value_key = entry_key(a->get.entry);
    CHECK_EQ(a->value_key, a->key);
    if (v == NULL)
        return;
    CHECK(v->b == a->b);
    CHECK_EQ(v->key, a->key);
    a->value = v->number;
}

static inline void ask_release(ask *a) {
    weir_entry_release(a->get.entry);
    a->get.entry = NULL;
}

static inline int ask_run(weir_worker *self, weir_get *get) {
    ask *a = (ask *)get;
    CHECK(self != NULL && self == weir_worker_self());
    CHECK_EQ(a->ended, 0);
    a->ran++;
    ask_look(a);
    return a->act(self, a);
}

static inline void ask_done(weir_get *get, int status) {
    ask *a = (ask *)get;
    CHECK(weir_worker_self() != NULL);
    CHECK_EQ(a->ended, 0); // exactly once
    a->status = status;
    ask_look(a);
    a->ended++;
    if (!a->keeps)
        ask_release(a);
    mark_set(&a->b->ended);
}

// ask_init writes a get that nobody has asked yet.
static inline void ask_init(bench *b, ask *a, uint64_t key) {
    *a = (ask){.b = b, .key = key};
    a->get = (weir_get)WEIR_GET_INIT(&a->key, sizeof(a->key), ask_done);
}

// Its run will call this.
static inline void ask_acts(ask *a, int (*act)(weir_worker *self, ask *a)) {
    a->act = act;
    a->get.run = ask_run;
}

static inline void ask_accepted(bench *b) {
    bench_lock(b);
    b->accepted++;
    bench_unlock(b);
}

// ask_try asks. After PENDING, `a` may have ended already.
static inline int ask_try(ask *a) {
    bench *b = a->b;
    a->get.leads = 7; // it is set by each call
    int result = weir_cache_get(b->cache, &a->get);
    if (result < 0) {
        CHECK_EQ(a->get.leads, 0);
        return result;
    }
    ask_accepted(b);
    if (result == WEIR_CACHE_PENDING)
        return result;
    CHECK_EQ(result, 0);
    CHECK_EQ(a->get.leads, 0);
    CHECK_EQ(a->get.answered, 1);
    CHECK(a->ran == 0 && a->ended == 0); // neither is called
    a->status = a->get.status;
    ask_look(a);
    a->ended++;
    if (!a->keeps)
        ask_release(a);
    mark_set(&b->ended);
    return 0;
}

static inline void ask_pending(bench *b, ask *a, uint64_t key) {
    ask_init(b, a, key);
    CHECK_EQ(ask_try(a), WEIR_CACHE_PENDING);
}

static inline void ask_hit(bench *b, ask *a, uint64_t key) {
    ask_init(b, a, key);
    CHECK_EQ(ask_try(a), 0);
    CHECK_EQ(a->status, 0);
}

// With a deadline in so many ms, or later where this thread is held up so long
// that it would be over before the call.
static inline void ask_pending_for(bench *b, ask *a, uint64_t key, int64_t ms) {
    int result;
    do {
        ask_init(b, a, key);
        a->get.deadline_ns = in_ms(ms);
        result = ask_try(a);
        ms *= 2;
    } while (result == -ETIMEDOUT);
    CHECK_EQ(result, WEIR_CACHE_PENDING);
}

// check_value: it was answered with 0 and the value of this number.
static inline void check_value(const ask *a, uint64_t number) {
    CHECK_EQ(a->ended, 1);
    CHECK_EQ(a->status, 0);
    CHECK_EQ(a->get.status, 0);
    CHECK_EQ(a->get.answered, 1);
    CHECK_EQ(a->value, number);
}

static inline void check_failed(const ask *a, int status) {
    CHECK_EQ(a->ended, 1);
    CHECK_EQ(a->status, status);
    CHECK_EQ(a->get.status, status);
    CHECK_EQ(a->get.answered, 1);
}

// check_left: it was answered with nothing.
static inline void check_left(const ask *a, int status) {
    CHECK_EQ(a->ended, 1);
    CHECK_EQ(a->status, status);
    CHECK_EQ(a->ran, 0);
    CHECK_EQ(a->get.status, status);
    CHECK_EQ(a->get.answered, 0);
    CHECK_EQ(a->has_entry, 0);
}

// fetch waits outside the pool for the value's number. The status is 0.
static inline uint64_t fetch(bench *b, uint64_t key) {
    ask a;
    ask_init(b, &a, key);
    CHECK_EQ(weir_cache_get_wait(b->cache, &a.get), 0);
    ask_accepted(b);
    CHECK_EQ(a.ran + a.ended, 0); // they are not called
    CHECK_EQ(a.get.status, 0);
    CHECK_EQ(a.get.answered, 1);
    CHECK(a.get.entry != NULL);
    ask_look(&a);
    ask_release(&a);
    return a.value;
}

// fetch_idle is fetch after which the pool has nothing left to do: all that
// comes after an answer has come.
static inline uint64_t fetch_idle(bench *b, uint64_t key) {
    uint64_t number = fetch(b, key);
    wait_idle(b->pool);
    return number;
}

// find: 0 with the value's number in *number; a remembered failure; or what
// weir_cache_find says of the others.
static inline int find(bench *b, uint64_t key, uint64_t *number) {
    weir_entry *entry = NULL;
    int status = 12345;
    int result = weir_cache_find(b->cache, &key, sizeof(key), &status, &entry);
    if (result != 0) {
        CHECK(result == -EAGAIN || result == -ENOENT);
        CHECK(entry == NULL && status == 12345);
        return result;
    }
    CHECK(status < 0 || (status == 0 && entry != NULL));
    bench_lock(b);
    b->found++;
    bench_unlock(b);
    if (status == 0 && number != NULL)
        *number = ((value *)weir_entry_value(entry))->number;
    weir_entry_release(entry);
    return status;
}

static inline int invalidate(bench *b, uint64_t key) {
    return weir_cache_invalidate(b->cache, &key, sizeof(key));
}

// put returns the value's number.
static inline uint64_t put(bench *b, uint64_t key, weir_entry **entry) {
    plan *p = plan_of(b, key);
    value *v = value_make(b, key, 0);
    uint64_t number = v->number;
    weir_result result = {.value = v, .weight = p->weight, .ttl_ns = p->ttl_ns};
    CHECK_EQ(weir_cache_put(b->cache, &key, sizeof(key), &result, entry), 0);
    return number;
}

// ---- loads that need others ------------------------------------------------

enum { NEEDS_MAX = 8 };

typedef struct parent {
    bench *b;
    plan *p;
    weir_flight *flight;
    uint64_t number;
    size_t left; // answers, and the load itself
    int status;  // the first failure
    ask asks[NEEDS_MAX];
} parent;

// One answer: the last one ends the flight.
static inline void parent_count(parent *of, int status) {
    bench *b = of->b;
    bench_lock(b);
    if (of->status == 0)
        of->status = status;
    if (status == -EDEADLK)
        b->refused_deadlk++;
    size_t left = --of->left;
    bench_unlock(b);
    if (left > 0)
        return;
    land_flight(b, of->p, of->flight, of->number, of->status);
    free(of);
}

// A need that failed is a failure, but not one of the call.
static inline void parent_answered(weir_get *get, int status) {
    ask *a = (ask *)get;
    ask_look(a);
    ask_release(a);
    parent_count(a->argument, status == -EDEADLK ? -ELOOP : status);
}

static inline int plan_needs(bench *b, plan *p, weir_flight *flight) {
    parent *of = calloc(1, sizeof(*of));
    CHECK(of != NULL);
    of->b = b;
    of->p = p;
    of->flight = flight;
    of->number = p->number;
    of->left = p->needs_count + 1;
    for (size_t i = 0; i < p->needs_count; i++) {
        ask *a = &of->asks[i];
        ask_init(b, a, p->needs[i]);
        a->argument = of;
        a->get.done = parent_answered;
        a->get.from = flight;
        int result = weir_cache_get(b->cache, &a->get);
        if (result >= 0)
            ask_accepted(b);
        if (result == 0)
            parent_answered(&a->get, a->get.status);
        else if (result < 0)
            parent_count(of, result);
    }
    parent_count(of, 0);
    return WEIR_LOAD_LATER;
}

static inline void needs(bench *b, uint64_t key, const uint64_t *keys,
                         size_t count) {
    plan *p = plan_of(b, key);
    p->needs = keys;
    p->needs_count = count;
}

#endif // TEST_CACHE_H
