// SPDX-License-Identifier: MIT
// What the tests of the frontier share: a world of numbered nodes with edges,
// whose visits do what a plan for their node says and keep account; threads
// that end visits in any order; and in support/frontier_model.h a walk of the
// same world one node after the other, to compare with.
//
// The key of node i is i in decimal. What a visit notes in its node is plain on
// purpose: attempts of one node come one after the other, and done sees all.
#ifndef TEST_FRONTIER_H
#define TEST_FRONTIER_H

#include "base/fault.h"
#include "support/pool.h"
#include "weir/frontier.h"

enum { KEY_ROOM = 24, ALWAYS = 1000000, VALUE_MARK = 0x5eed };

typedef struct world world;
typedef struct node node;

typedef struct edge {
    uint32_t to;
    uint32_t tag;
    uint8_t prefetch;
} edge;

// What the visit of a node does, and what became of it.
struct node {
    char key[KEY_ROOM];
    size_t key_size;
    uint8_t visit_class;
    edge *edges;
    size_t edges_count, edges_room;

    unsigned fails;   // so many attempts fail, then one does not
    int status;       // what those end with
    size_t early;     // so many edges are added by an attempt that fails
    int is_later;     // ended by somebody else: see world_end_one
    gate *gate;       // it waits there; for pools with threads
    int64_t delay_ns; // of weir_visit_delay, when it fails

    // First; not 0: that is what the visit returns, and nothing else is done.
    int (*act)(world *w, node *n, weir_worker *self, weir_visit *visit);
    void *argument; // for act

    unsigned attempts;
    int is_running; // from the call to the end
    int is_inside;  // from the call to its return
    int is_told;    // by options.cancelled
    weir_item *item;
    weir_visit *visit; // the last
    int64_t at_ns[8];  // when attempts began
    uint64_t turn;     // the how manieth of all visits its last one was
    tally begun;
};

struct world {
    weir_pool *pool;
    weir_frontier *frontier;
    weir_frontier_options options;
    int is_deterministic;
    int is_yielding; // visits yield wherever they can
    node *nodes;
    size_t count;
    edge *seeds;
    size_t seeds_count, seeds_room;

    tally visits; // begun
    tally live;   // begun, not ended
    tally alive[WEIR_FRONTIER_CLASSES];
    tally highest[WEIR_FRONTIER_CLASSES];
    tally told;
    tally asked;    // of transient
    tally values;   // made
    tally released; // of those
    tally done;     // calls, as marks
    int done_status;
    int done_early; // done was called while a visit was alive
    void (*on_done)(world *w, int status);
    void *argument;

    pthread_mutex_t lock; // of the rest
    weir_visit **pending; // returned LATER, or about to
    size_t pending_count, pending_room;
    uint64_t dice;
    tally enders_stop;
    pthread_t enders[8];
    unsigned enders_count;
};

// ---- chance ----------------------------------------------------------------

static inline uint64_t dice_roll(uint64_t *dice) {
    uint64_t z = *dice += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t dice_below(uint64_t *dice, uint64_t limit) {
    return dice_roll(dice) % limit;
}

static inline void world_lock(world *w) {
    CHECK_EQ(pthread_mutex_lock(&w->lock), 0);
}

static inline void world_unlock(world *w) {
    CHECK_EQ(pthread_mutex_unlock(&w->lock), 0);
}

static inline uint64_t world_roll(world *w, uint64_t limit) {
    world_lock(w);
    uint64_t rolled = dice_below(&w->dice, limit);
    world_unlock(w);
    return rolled;
}

// Here another thread may go on.
static inline void world_yield(world *w) {
    if (!w->is_yielding)
        return;
    weir_worker *self = weir_worker_self();
    if (w->is_deterministic && self != NULL)
        weir_yield(self);
    else if (!w->is_deterministic && world_roll(w, 4) == 0)
        sched_yield();
}

// ---- making a world --------------------------------------------------------

static inline void *more_room(void *memory, size_t count, size_t *room,
                              size_t each) {
    if (count < *room)
        return memory;
    *room = *room == 0 ? 4 : *room * 2;
    memory = realloc(memory, *room * each);
    CHECK(memory != NULL);
    return memory;
}

static inline void world_edge(world *w, size_t from, edge e) {
    node *n = &w->nodes[from];
    CHECK(from < w->count && e.to < w->count);
    n->edges =
        more_room(n->edges, n->edges_count, &n->edges_room, sizeof(edge));
    n->edges[n->edges_count++] = e;
}

static inline void link_nodes(world *w, size_t from, size_t to) {
    world_edge(w, from, (edge){.to = (uint32_t)to});
}

static inline void world_seed(world *w, edge e) {
    w->seeds =
        more_room(w->seeds, w->seeds_count, &w->seeds_room, sizeof(edge));
    w->seeds[w->seeds_count++] = e;
}

static inline weir_key key_of(const world *w, const edge *e) {
    const node *n = &w->nodes[e->to];
    weir_key key = WEIR_KEY_INIT(n->key, n->key_size);
    key.tag = e->tag;
    key.visit_class = n->visit_class;
    key.prefetch = e->prefetch;
    return key;
}

static inline size_t number_of(const void *key, size_t size) {
    char text[KEY_ROOM] = {0};
    char *end = NULL;
    CHECK(size > 0 && size < sizeof(text));
    memcpy(text, key, size);
    size_t number = strtoul(text, &end, 10);
    CHECK(end == text + size);
    return number;
}

static inline size_t number_of_item(const weir_item *item) {
    size_t size = 12345;
    const void *key = weir_item_key(item, &size);
    return number_of(key, size);
}

static inline node *node_of(world *w, const weir_visit *visit) {
    size_t size = 12345;
    const void *key = weir_visit_key(visit, &size);
    size_t number = number_of(key, size);
    CHECK(number < w->count);
    return &w->nodes[number];
}

// ---- what the frontier calls -----------------------------------------------

static inline void visit_begins(world *w, node *n, weir_visit *visit) {
    CHECK_EQ(n->is_running, 0);
    CHECK_EQ(n->is_inside, 0);
    CHECK_EQ(tally_get(&w->done), 0);
    n->is_running = n->is_inside = 1;
    n->is_told = 0;
    CHECK_EQ(weir_visit_attempt(visit), ++n->attempts);
    CHECK(n->attempts <= w->options.attempts_max);
    if (n->attempts <= TEST_COUNT(n->at_ns))
        n->at_ns[n->attempts - 1] = weir_now_ns();
    weir_item *item = weir_visit_item(visit);
    CHECK(item != NULL && (n->item == NULL || n->item == item));
    CHECK_EQ(number_of_item(item), (size_t)(n - w->nodes));
    n->item = item;
    n->visit = visit;
    CHECK(weir_visit_data(visit) == NULL);
    weir_visit_set_data(visit, n);
    n->turn = tally_add(&w->visits);
    (void)tally_add(&w->live);
    unsigned c = n->visit_class;
    tally_highest(&w->highest[c], tally_add(&w->alive[c]));
    if (w->options.caps[c] != 0)
        CHECK(tally_get(&w->alive[c]) <= w->options.caps[c]);
}

// visit_ends is what comes right before the end, however that comes.
static inline void visit_ends(world *w, node *n) {
    CHECK_EQ(n->is_running, 1);
    n->is_running = 0;
    (void)tally_take(&w->alive[n->visit_class]);
    (void)tally_take(&w->live);
}

static inline int *value_of(world *w, const node *n) {
    int *value = malloc(sizeof(*value) * 2);
    CHECK(value != NULL);
    value[0] = VALUE_MARK;
    value[1] = (int)(n - w->nodes);
    (void)tally_add(&w->values);
    return value;
}

// visit_works adds the node's edges and says what the attempt comes to.
static inline int visit_works(world *w, node *n, weir_visit *visit) {
    int fails = n->attempts <= n->fails;
    size_t count = fails ? n->early : n->edges_count;
    CHECK(count <= n->edges_count);
    weir_key keys[16];
    size_t ready = 0;
    int is_batch = world_roll(w, 2) == 0;
    for (size_t i = 0; i < count; i++) {
        keys[ready] = key_of(w, &n->edges[i]);
        if (!is_batch) {
            world_yield(w);
            weir_visit_add(visit, &keys[ready]);
        } else if (++ready == TEST_COUNT(keys) || i + 1 == count) {
            world_yield(w);
            weir_visit_add_batch(visit, keys, ready);
            ready = 0;
        }
    }
    world_yield(w);
    if (w->options.release != NULL)
        weir_visit_set(visit, value_of(w, n));
    if (fails && n->delay_ns != 0)
        weir_visit_delay(visit, n->delay_ns);
    return fails ? n->status : 0;
}

static inline void pending_push(world *w, weir_visit *visit) {
    world_lock(w);
    w->pending = more_room(w->pending, w->pending_count, &w->pending_room,
                           sizeof(weir_visit *));
    w->pending[w->pending_count++] = visit;
    world_unlock(w);
}

static inline size_t pending_count(world *w) {
    world_lock(w);
    size_t count = w->pending_count;
    world_unlock(w);
    return count;
}

// Any of them, or NULL.
static inline weir_visit *pending_take(world *w) {
    weir_visit *visit = NULL;
    world_lock(w);
    if (w->pending_count > 0) {
        size_t at = (size_t)dice_below(&w->dice, w->pending_count);
        visit = w->pending[at];
        w->pending[at] = w->pending[--w->pending_count];
    }
    world_unlock(w);
    return visit;
}

// world_end_one ends any visit that returned LATER, on this thread, if there
// is one.
static inline int world_end_one(world *w) {
    weir_visit *visit = pending_take(w);
    if (visit == NULL)
        return 0;
    node *n = node_of(w, visit);
    int status = visit_works(w, n, visit);
    visit_ends(w, n);
    weir_visit_end(visit, status);
    return 1;
}

// On a deterministic pool some visits are ended by workers.
typedef struct ending {
    weir_job job;
    world *w;
} ending;

static inline int ending_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)world_end_one(((ending *)job)->w);
    return 0;
}

static inline void ending_done(weir_job *job, int status) {
    (void)status;
    free(job);
}

static inline void ending_submit(world *w) {
    ending *e = calloc(1, sizeof(*e));
    CHECK(e != NULL);
    e->job = (weir_job)WEIR_JOB_INIT(ending_run, ending_done);
    e->w = w;
    if (weir_submit(w->pool, &e->job) != 0)
        free(e);
}

static inline int world_visit(void *context, weir_worker *self,
                              weir_visit *visit) {
    world *w = context;
    CHECK(self != NULL && self == weir_worker_self());
    CHECK(weir_worker_pool(self) == w->pool);
    node *n = node_of(w, visit);
    visit_begins(w, n, visit);
    mark_set(&n->begun);
    int status = n->act != NULL ? n->act(w, n, self, visit) : 0;
    if (status == 0 && n->gate != NULL)
        gate_pass(n->gate);
    if (status == 0 && n->is_later) {
        if (w->is_deterministic && world_roll(w, 2) == 0)
            ending_submit(w);
        pending_push(w, visit);
        world_yield(w);
        n->is_inside = 0;
        return WEIR_VISIT_LATER;
    }
    if (status == 0)
        status = visit_works(w, n, visit);
    n->is_inside = 0;
    if (status != WEIR_VISIT_LATER)
        visit_ends(w, n);
    return status;
}

static inline void world_release(void *context, void *value) {
    world *w = context;
    int *number = value;
    CHECK(number != NULL);
    CHECK_EQ(number[0], VALUE_MARK);
    CHECK(number[1] >= 0 && (size_t)number[1] < w->count);
    number[0] = 0;
    free(number);
    (void)tally_add(&w->released);
}

static inline void world_done(void *context, int status) {
    world *w = context;
    CHECK_EQ(tally_get(&w->done), 0);
    w->done_status = status;
    w->done_early = tally_get(&w->live) != 0;
    CHECK_EQ(w->done_early, 0);
    for (size_t i = 0; i < w->count; i++) {
        CHECK_EQ(w->nodes[i].is_running, 0);
        CHECK_EQ(w->nodes[i].is_inside, 0);
    }
    if (w->on_done != NULL)
        w->on_done(w, status);
    else
        mark_set(&w->done);
}

static inline void world_cancelled(void *context, weir_visit *visit, int why) {
    world *w = context;
    node *n = node_of(w, visit);
    CHECK_EQ(n->is_inside, 0); // it returned LATER
    CHECK(weir_visit_data(visit) == n);
    CHECK(why == -ECANCELED || why == -ETIMEDOUT || why == -ESHUTDOWN);
    CHECK_EQ(weir_visit_cancelled(visit), why);
    CHECK_EQ(n->is_told, 0); // once
    n->is_told = 1;
    (void)tally_add(&w->told);
    world_yield(w);
    CHECK(node_of(w, visit) == n); // still valid
}

// ---- a frontier ------------------------------------------------------------

static inline void world_make(world *w, weir_pool *pool,
                              weir_frontier_engine engine, size_t count,
                              uint64_t seed) {
    memset(w, 0, sizeof(*w));
    w->pool = pool;
    w->is_deterministic = weir_pool_step(pool) != -EINVAL;
    w->dice = seed;
    w->count = count;
    w->nodes = calloc(count, sizeof(node));
    CHECK(w->nodes != NULL);
    for (size_t i = 0; i < count; i++) {
        node *n = &w->nodes[i];
        n->key_size = (size_t)snprintf(n->key, sizeof(n->key), "%zu", i);
        n->status = -EIO;
        tally_init(&n->begun);
    }
    tally *all[] = {&w->visits, &w->live,     &w->told, &w->asked,
                    &w->values, &w->released, &w->done, &w->enders_stop};
    for (size_t i = 0; i < TEST_COUNT(all); i++)
        tally_init(all[i]);
    for (size_t i = 0; i < WEIR_FRONTIER_CLASSES; i++) {
        tally_init(&w->alive[i]);
        tally_init(&w->highest[i]);
    }
    CHECK_EQ(pthread_mutex_init(&w->lock, NULL), 0);
    w->options = (weir_frontier_options)WEIR_FRONTIER_OPTIONS_INIT;
    w->options.pool = pool;
    w->options.context = w;
    w->options.visit = world_visit;
    w->options.done = world_done;
    w->options.release = world_release;
    w->options.backoff_ns = 1000;
    w->options.backoff_max_ns = 4000;
    w->options.seed = seed;
    w->options.engine = engine;
}

static inline void world_open(world *w) {
    CHECK_EQ(weir_frontier_create(&w->frontier, &w->options), 0);
    CHECK(w->frontier != NULL);
}

static inline void world_seed_now(world *w, edge e) {
    weir_key key = key_of(w, &e);
    CHECK_EQ(weir_frontier_seed(w->frontier, &key), 0);
}

// world_start opens it, gives it its seeds and closes it.
static inline void world_start(world *w) {
    world_open(w);
    for (size_t i = 0; i < w->seeds_count; i++)
        world_seed_now(w, w->seeds[i]);
    weir_frontier_close(w->frontier);
}

// ---- who ends visits -------------------------------------------------------

static inline void *ender_main(void *arg) {
    world *w = arg;
    while (tally_get(&w->enders_stop) == 0)
        if (!world_end_one(w))
            sched_yield();
    return NULL;
}

// With threads: so many of the test's end visits in any order. Deterministic
// worlds are driven by world_wait.
static inline void enders_start(world *w, unsigned count) {
    CHECK(count <= TEST_COUNT(w->enders));
    w->enders_count = w->is_deterministic ? 0 : count;
    for (unsigned i = 0; i < w->enders_count; i++)
        w->enders[i] = thread_start(ender_main, w);
}

static inline void enders_join(world *w) {
    (void)tally_add(&w->enders_stop);
    for (unsigned i = 0; i < w->enders_count; i++)
        thread_join(w->enders[i]);
    w->enders_count = 0;
}

// world_drive lets a deterministic world do all that it can.
static inline void world_drive(world *w) {
    while (w->is_deterministic) {
        if (world_roll(w, 3) == 0 && world_end_one(w))
            continue;
        if (weir_pool_step(w->pool) == 0 && !world_end_one(w))
            break;
    }
}

// Without a worker that could: n visits of this node have begun.
static inline void world_begun(world *w, size_t number, uint64_t n) {
    tally *begun = &w->nodes[number].begun;
    while (w->is_deterministic && tally_get(begun) < n)
        CHECK_EQ(weir_pool_step(w->pool), 1);
    mark_await(begun, n);
}

static inline weir_frontier_counts world_counts(world *w) {
    weir_frontier_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_frontier_count(w->frontier, &counts), 0);
    return counts;
}

static inline void check_ended_counts(world *w) {
    weir_frontier_counts c = world_counts(w);
    CHECK_EQ(c.items, c.done + c.failed + c.cancelled);
    CHECK_EQ(c.adds, c.items + c.duplicates);
    CHECK_EQ(c.attempts, tally_get(&w->visits));
    CHECK_EQ(c.queued + c.waiting, 0);
    CHECK(c.done + c.retries <= c.attempts);
    for (size_t i = 0; i < WEIR_FRONTIER_CLASSES; i++) {
        CHECK_EQ(c.in_flight[i], 0);
        if (w->options.caps[i] == 0)
            continue;
        CHECK(c.in_flight_max[i] >= tally_get(&w->highest[i]));
        CHECK(c.in_flight_max[i] <= w->options.caps[i]);
    }
}

// world_wait waits for the end and returns what done was told.
static inline int world_wait(world *w) {
    int status = 12345;
    world_drive(w);
    CHECK_EQ(weir_frontier_wait(w->frontier, WEIR_FOREVER, &status), 0);
    CHECK_EQ(tally_get(&w->done), 1); // it has returned
    CHECK_EQ(w->done_status, status);
    CHECK_EQ(tally_get(&w->live), 0);
    check_ended_counts(w);
    return status;
}

static inline void world_forget(world *w) {
    CHECK_EQ(tally_get(&w->released), tally_get(&w->values));
    for (size_t i = 0; i < w->count; i++)
        free(w->nodes[i].edges);
    free(w->nodes);
    free(w->seeds);
    free(w->pending);
    CHECK_EQ(pthread_mutex_destroy(&w->lock), 0);
    memset(w, 0, sizeof(*w));
}

// world_end: every value that was made has been released, once.
static inline void world_end(world *w) {
    enders_join(w);
    weir_frontier_destroy(w->frontier);
    world_forget(w);
}

// ---- both engines, all pools -----------------------------------------------

typedef void world_test(weir_pool *pool, weir_frontier_engine engine,
                        uint64_t seed);

static world_test *world_test_now;
static weir_frontier_engine world_engine_now;
static uint64_t world_seed_of_now;

static inline void world_test_run(weir_pool *pool) {
    world_test_now(pool, world_engine_now, world_seed_of_now++);
}

static inline void for_each_world_with(const weir_pool_options *base,
                                       world_test *test, unsigned seeds) {
    static const weir_frontier_engine engines[] = {
        WEIR_FRONTIER_WORKERS, WEIR_FRONTIER_OWNER, WEIR_FRONTIER_DEFAULT};
    for (size_t i = 0; i < TEST_COUNT(engines); i++) {
        printf(" engine %d\n", (int)engines[i]);
        world_test_now = test;
        world_engine_now = engines[i];
        world_seed_of_now = 1;
        int is_default = engines[i] == WEIR_FRONTIER_DEFAULT;
        for_each_pool_with(base, world_test_run, is_default ? 1 : seeds);
    }
}

// for_each_world: threads 1, 2, 4, and 200 seeds, with each engine.
static inline void for_each_world(world_test *test) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, test, TEST_SEEDS);
}

#endif // TEST_FRONTIER_H
