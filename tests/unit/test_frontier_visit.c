// SPDX-License-Identifier: MIT
// Keys, visits, values, and what a visit may do.
#include "support/frontier_model.h"

// ---- keys ------------------------------------------------------------------

static void once(weir_pool *pool, weir_frontier_engine engine, uint64_t seed) {
    world w;
    uint64_t dice = seed;
    world_make(&w, pool, engine, 40, seed);
    const shape s = {.nodes = 40, .edges = 120, .seeds = 3, .attempts = 1};
    world_chance(&w, &s, &dice);
    w.is_yielding = 1;
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    check_world(&w, 0);
    world_end(&w);
}

static void each_key_is_visited_once(void) { for_each_world(once); }

static void cycles(weir_pool *pool, weir_frontier_engine engine,
                   uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 12, seed);
    for (size_t i = 0; i < 12; i++) {
        link_nodes(&w, i, i); // of itself
        link_nodes(&w, i, (i + 1) % 12);
        link_nodes(&w, i, (i + 11) % 12);
        link_nodes(&w, i, (i + 1) % 12); // twice
    }
    world_seed(&w, (edge){.to = 5});
    world_seed(&w, (edge){.to = 5});
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    weir_frontier_counts c = world_counts(&w);
    CHECK_EQ(c.items, 12);
    CHECK_EQ(c.done, 12);
    CHECK_EQ(c.adds, 2 + 4 * 12);
    CHECK(c.bytes > 0);
    check_world(&w, 0);
    world_end(&w);
}

static void what_is_known_is_not_visited_again(void) { for_each_world(cycles); }

// Keys of their own making: every byte, long ones, none at all.
enum { LONG = 100000, ODD_KEYS = 2 + 256 + 2 };

typedef struct odd {
    unsigned char *seen; // by number
    tally visits;
    int spoils; // adds from memory that it spoils afterwards
} odd;

static size_t odd_key(size_t number, unsigned char *to) {
    if (number == 0)
        return 0;
    if (number <= 256) {
        to[0] = (unsigned char)(number - 1);
        return 1;
    }
    memset(to, 0, LONG);
    to[LONG - 1] = (unsigned char)(number == 258);
    return number == 259 ? LONG - 1 : LONG;
}

static size_t odd_number(const unsigned char *key, size_t size) {
    if (size == 0)
        return 0;
    if (size == 1)
        return 1 + (size_t)key[0];
    if (size == LONG - 1)
        return 259;
    CHECK_EQ(size, LONG);
    CHECK(key[LONG - 1] <= 1);
    return key[LONG - 1] == 1 ? 258 : 257;
}

static int odd_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)self;
    odd *o = context;
    size_t size = 12345;
    const void *key = weir_visit_key(visit, &size);
    size_t number = odd_number(key, size);
    CHECK_EQ(o->seen[number]++, 0);
    (void)tally_add(&o->visits);
    unsigned char *bytes = malloc(LONG);
    CHECK(bytes != NULL);
    for (size_t i = 0; number == 0 && i < ODD_KEYS; i++) {
        weir_key add = WEIR_KEY_INIT(bytes, odd_key(i, bytes));
        if (i % 2 == 0)
            weir_visit_add(visit, &add);
        else
            weir_visit_add_batch(visit, &add, 1);
        memset(bytes, 0xee, LONG);
    }
    free(bytes);
    return 0;
}

static void odd_keys(weir_pool *pool, weir_frontier_engine engine,
                     uint64_t seed) {
    unsigned char seen[ODD_KEYS] = {0};
    odd o = {.seen = seen};
    tally_init(&o.visits);
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.context = &o;
    options.visit = odd_visit;
    options.engine = engine;
    options.seed = seed;
    weir_frontier *frontier = NULL;
    CHECK_EQ(weir_frontier_create(&frontier, &options), 0);
    weir_key key = WEIR_KEY_INIT("x", 0);
    CHECK_EQ(weir_frontier_seed(frontier, &key), 0);
    weir_frontier_close(frontier);
    CHECK_EQ(weir_frontier_wait(frontier, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(tally_get(&o.visits), ODD_KEYS);
    weir_item *const *items = NULL;
    size_t count = 0, before_size = 0, size = 0;
    CHECK_EQ(weir_frontier_items(frontier, &items, &count), 0);
    CHECK_EQ(count, ODD_KEYS);
    const void *before = weir_item_key(items[0], &before_size);
    CHECK_EQ(before_size, 0);
    for (size_t i = 1; i < count; i++) {
        const void *next = weir_item_key(items[i], &size);
        CHECK(keys_compare(before, before_size, next, size) < 0);
        weir_item *found = NULL;
        CHECK_EQ(weir_frontier_find(frontier, next, size, &found), 0);
        CHECK(found == items[i]);
        before = next;
        before_size = size;
    }
    weir_frontier_destroy(frontier);
}

static void a_key_is_all_of_its_bytes(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, odd_keys, 5);
}

// ---- items and values ------------------------------------------------------

static int keeps_address(world *w, node *n, weir_worker *self,
                         weir_visit *visit) {
    (void)self;
    size_t size = 0;
    weir_item *item = weir_visit_item(visit);
    CHECK(weir_item_key(item, &size) == weir_visit_key(visit, &size));
    *(const void **)n->argument = weir_item_key(item, &size);
    CHECK(weir_visit_value(visit) == NULL);
    int *value = value_of(w, n);
    weir_visit_set(visit, value);
    CHECK(weir_visit_value(visit) == value);
    return 0;
}

static void addresses(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed) {
    enum { NODES = 2000 };
    world w;
    const void *keys[NODES] = {0};
    world_make(&w, pool, engine, NODES, seed);
    for (size_t i = 0; i < NODES; i++) {
        w.nodes[i].act = keeps_address;
        w.nodes[i].argument = &keys[i];
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < NODES; k++)
            link_nodes(&w, i, k);
    }
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    CHECK_EQ(tally_get(&w.visits), NODES);
    for (size_t i = 0; i < NODES; i++) {
        weir_item *item = item_of(&w, i);
        size_t size = 0;
        CHECK(item == w.nodes[i].item);
        CHECK(weir_item_key(item, &size) == keys[i]);
        const int *value = weir_item_value(item);
        CHECK(value != NULL && value[1] == (int)i);
    }
    CHECK_EQ(tally_get(&w.values), 2 * NODES); // the second replaced the first
    CHECK_EQ(tally_get(&w.released), NODES);
    world_end(&w);
}

static void items_stay_at_one_address(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, addresses, 4);
}

static int sets_thrice(world *w, node *n, weir_worker *self,
                       weir_visit *visit) {
    (void)self;
    int *first = value_of(w, n);
    uint64_t before = tally_get(&w->released);
    weir_visit_set(visit, first);
    CHECK_EQ(tally_get(&w->released), before);
    weir_visit_set(visit, value_of(w, n));
    CHECK_EQ(tally_get(&w->released), before + 1);
    weir_visit_set(visit, NULL);
    CHECK_EQ(tally_get(&w->released), before + 2);
    CHECK(weir_visit_value(visit) == NULL);
    weir_visit_set(visit, NULL);
    CHECK_EQ(tally_get(&w->released), before + 2);
    return n->argument == NULL ? 0 : -EIO;
}

static void a_value_that_is_replaced_is_released(void) {
    for (int fails = 0; fails < 2; fails++) {
        weir_pool *pool = pool_of(1);
        world w;
        world_make(&w, pool, WEIR_FRONTIER_DEFAULT, 1, 1);
        w.nodes[0].act = sets_thrice;
        w.nodes[0].argument = fails ? &w : NULL;
        world_seed(&w, (edge){.to = 0});
        world_start(&w);
        CHECK_EQ(world_wait(&w), fails ? -EIO : 0);
        // What came of a failure keeps its value too: there is none here but
        // that of visit_works.
        CHECK_EQ(weir_item_value(item_of(&w, 0)) == NULL, fails);
        world_end(&w);
        pool_close(pool);
    }
}

static int looks_back(world *w, node *n, weir_worker *self, weir_visit *visit) {
    (void)self;
    const int *value = weir_visit_value(visit);
    CHECK_EQ(value == NULL, n->attempts == 1);
    if (value != NULL)
        CHECK(&w->nodes[value[1]] == n);
    return 0;
}

static void an_attempt(weir_pool *pool, weir_frontier_engine engine,
                       uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 3, seed);
    w.options.attempts_max = 4;
    for (size_t i = 0; i < 3; i++) {
        w.nodes[i].act = looks_back;
        w.nodes[i].fails = i == 2 ? ALWAYS : 3;
        w.nodes[i].is_later = i == 1;
        world_seed(&w, (edge){.to = (uint32_t)i});
    }
    enders_start(&w, 1);
    world_start(&w);
    CHECK_EQ(world_wait(&w), -EIO);
    CHECK(weir_item_value(item_of(&w, 2)) != NULL); // of a failure
    CHECK_EQ(tally_get(&w.values), 12);
    CHECK_EQ(tally_get(&w.released), 9);
    world_end(&w);
}

static void an_attempt_finds_the_value_of_the_one_before(void) {
    for_each_world(an_attempt);
}

static int plain_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)context;
    (void)self;
    weir_visit_set(visit, &((char *)context)[1]);
    return 0;
}

static void release_and_done_may_be_missing(void) {
    weir_pool *pool = pool_of(2);
    char values[2];
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.context = values;
    options.visit = plain_visit;
    weir_frontier *frontier = NULL;
    weir_item *item = NULL;
    weir_key key = WEIR_KEY_INIT("a", 1);
    CHECK_EQ(weir_frontier_create(&frontier, &options), 0);
    CHECK_EQ(weir_frontier_seed(frontier, &key), 0);
    weir_frontier_close(frontier);
    CHECK_EQ(weir_frontier_wait(frontier, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_frontier_find(frontier, "a", 1, &item), 0);
    CHECK(weir_item_value(item) == &values[1]);
    weir_frontier_destroy(frontier);
    weir_frontier_destroy(NULL);
    pool_close(pool);
}

// ---- seeds -----------------------------------------------------------------

static void empty(weir_pool *pool, weir_frontier_engine engine, uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 1, seed);
    world_start(&w);
    CHECK_EQ(world_wait(&w), 0);
    weir_item *const *items = NULL;
    size_t count = 12345;
    CHECK_EQ(weir_frontier_items(w.frontier, &items, &count), 0);
    CHECK_EQ(count, 0);
    CHECK_EQ(weir_frontier_failed(w.frontier, &items, &count), 0);
    CHECK_EQ(count, 0);
    weir_frontier_close(w.frontier); // nothing
    world_end(&w);
}

static void an_empty_frontier_ends_when_it_is_closed(void) {
    for_each_world(empty);
}

static void stays_open(weir_pool *pool, weir_frontier_engine engine,
                       uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 8, seed);
    world_open(&w);
    for (uint32_t i = 0; i < 8; i++) {
        world_seed_now(&w, (edge){.to = i});
        world_begun(&w, i, 1);
        world_drive(&w);
        CHECK_EQ(tally_get(&w.done), 0);
        int error = weir_frontier_wait(w.frontier, weir_now_ns(), NULL);
        CHECK(error == -ETIMEDOUT || (w.is_deterministic && error == -EDEADLK));
        weir_item *const *items = NULL;
        size_t count = 0;
        CHECK_EQ(weir_frontier_items(w.frontier, &items, &count), -EBUSY);
        CHECK_EQ(weir_frontier_failed(w.frontier, &items, &count), -EBUSY);
    }
    weir_frontier_close(w.frontier);
    weir_frontier_close(w.frontier);
    CHECK_EQ(world_wait(&w), 0);
    CHECK_EQ(tally_get(&w.visits), 8);
    world_end(&w);
}

static void it_does_not_end_before_it_is_closed(void) {
    for_each_world(stays_open);
}

static int seeds_next(world *w, node *n, weir_worker *self, weir_visit *visit) {
    (void)self;
    (void)visit;
    size_t next = (size_t)(n - w->nodes) + 1;
    if (next < w->count)
        world_seed_now(w, (edge){.to = (uint32_t)next});
    else
        weir_frontier_close(w->frontier);
    return 0;
}

static void seeding(weir_pool *pool, weir_frontier_engine engine,
                    uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 50, seed);
    for (size_t i = 0; i < 50; i++)
        w.nodes[i].act = seeds_next;
    world_open(&w);
    world_seed_now(&w, (edge){.to = 0});
    CHECK_EQ(world_wait(&w), 0);
    CHECK_EQ(tally_get(&w.visits), 50);
    weir_key key = key_of(&w, &(edge){.to = 0});
    CHECK_EQ(weir_frontier_seed(w.frontier, &key), -ESHUTDOWN);
    world_end(&w);
}

static void a_visit_may_seed_and_close(void) { for_each_world(seeding); }

typedef struct seeder {
    world *w;
    size_t from, to;
    pthread_t thread;
} seeder;

static void *seeder_main(void *arg) {
    seeder *s = arg;
    for (size_t i = s->from; i < s->to; i++)
        world_seed_now(s->w, (edge){.to = (uint32_t)(i % s->w->count)});
    return NULL;
}

static void many_seeders(weir_pool *pool, weir_frontier_engine engine,
                         uint64_t seed) {
    world w;
    seeder s[4];
    world_make(&w, pool, engine, 1000, seed);
    for (size_t i = 0; i < 500; i++)
        link_nodes(&w, i, i + 500);
    world_open(&w);
    for (size_t i = 0; i < 4; i++) {
        s[i] = (seeder){.w = &w, .from = i * 100, .to = i * 100 + 400};
        if (w.is_deterministic)
            seeder_main(&s[i]);
        else
            s[i].thread = thread_start(seeder_main, &s[i]);
    }
    for (size_t i = 0; i < 4 && !w.is_deterministic; i++)
        thread_join(s[i].thread);
    weir_frontier_close(w.frontier);
    CHECK_EQ(world_wait(&w), 0);
    weir_frontier_counts c = world_counts(&w);
    CHECK_EQ(c.items, 1000);
    CHECK_EQ(c.adds, 1600 + 500);
    CHECK_EQ(tally_get(&w.visits), 1000);
    world_end(&w);
}

static void threads_may_seed_while_visits_run(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_world_with(&options, many_seeders, 4);
}

static void refused(weir_pool *pool, weir_frontier_engine engine,
                    uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 2, seed);
    world_open(&w);
    weir_key key = WEIR_KEY_INIT("1", 1);
    weir_frontier_counts before = world_counts(&w);
    key.visit_class = WEIR_FRONTIER_CLASSES;
    CHECK_EQ(weir_frontier_seed(w.frontier, &key), -EINVAL);
    key.visit_class = 0;
    key.size = (size_t)1 << 32;
    CHECK_EQ(weir_frontier_seed(w.frontier, &key), -EINVAL);
    key.size = 1;
    key.prefetch = 2;
    CHECK_EQ(weir_frontier_seed(w.frontier, &key), -EINVAL);
    key.prefetch = 0;
    key.reserved = 1;
    CHECK_EQ(weir_frontier_seed(w.frontier, &key), -EINVAL);
    key.reserved = 0;
    weir_frontier_counts after = world_counts(&w);
    CHECK_EQ(memcmp(&before, &after, sizeof(before)), 0);
    weir_frontier_close(w.frontier);
    CHECK_EQ(weir_frontier_seed(w.frontier, &key), -ESHUTDOWN);
    CHECK_EQ(world_wait(&w), 0);
    CHECK_EQ(weir_frontier_seed(w.frontier, &key), -ESHUTDOWN);
    CHECK_EQ(world_counts(&w).adds, 0);
    world_end(&w);
}

static void bad_and_late_seeds_are_refused(void) { for_each_world(refused); }

// ---- visits that end later -------------------------------------------------

static void all_at_once(weir_pool *pool, weir_frontier_engine engine,
                        uint64_t seed) {
    enum { MANY = 100 };
    work other = work_of(0);
    world w;
    world_make(&w, pool, engine, MANY + 1, seed);
    w.options.caps[0] = 2 * MANY;
    for (size_t i = 1; i <= MANY; i++) {
        w.nodes[i].is_later = 1;
        link_nodes(&w, 0, i);
    }
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    for (size_t i = 1; i <= MANY; i++)
        world_begun(&w, i, 1);
    if (!w.is_deterministic) { // nobody ends them but this thread
        // All, and maybe still the visit that has found them.
        CHECK(world_counts(&w).in_flight[0] - MANY <= 1);
        CHECK_EQ(tally_get(&w.done), 0);
        submit(pool, &other.job); // and no worker is held
        for (size_t ended = 0; ended < MANY;)
            if (world_end_one(&w))
                ended++;
            else
                sched_yield(); // begun, but not handed over yet
    }
    CHECK_EQ(world_wait(&w), 0);
    if (!w.is_deterministic)
        CHECK(world_counts(&w).in_flight_max[0] - MANY <= 1);
    wait_idle(pool);
    CHECK_EQ(other.ran, !w.is_deterministic);
    world_end(&w);
}

static void a_later_visit_holds_no_worker(void) { for_each_world(all_at_once); }

static int ends_itself(world *w, node *n, weir_worker *self,
                       weir_visit *visit) {
    size_t number = (size_t)(n - w->nodes);
    (void)self;
    int status = visit_works(w, n, visit);
    visit_ends(w, n);
    weir_visit_end(visit, status);
    // It stays valid here.
    world_yield(w);
    CHECK(node_of(w, visit) == &w->nodes[number]);
    CHECK(weir_visit_item(visit) == n->item);
    CHECK_EQ(weir_visit_attempt(visit), n->attempts);
    return WEIR_VISIT_LATER;
}

static void before(weir_pool *pool, weir_frontier_engine engine,
                   uint64_t seed) {
    world w;
    uint64_t dice = seed;
    world_make(&w, pool, engine, 20, seed);
    const shape s = {.nodes = 20,
                     .edges = 60,
                     .seeds = 2,
                     .fails = 2,
                     .retries = 5,
                     .attempts = 3};
    world_chance(&w, &s, &dice);
    for (size_t i = 0; i < 20; i++)
        w.nodes[i].act = ends_itself;
    w.is_yielding = 1;
    world_start(&w);
    int status = world_wait(&w);
    check_world(&w, status);
    world_end(&w);
}

static void a_visit_may_end_before_it_returns(void) { for_each_world(before); }

// ---- what a visit may do ---------------------------------------------------

typedef struct part {
    weir_fork fork;
    weir_job job;
    int sum;
} part;

static void part_fork(weir_worker *self, weir_fork *fork) {
    part *p = (part *)fork;
    weir_yield(self);
    p->sum++;
}

static int part_run(weir_worker *self, weir_job *job) {
    part *p = (part *)((char *)job - offsetof(part, job));
    weir_yield(self);
    p->sum++;
    return 0;
}

static int works_hard(world *w, node *n, weir_worker *self, weir_visit *visit) {
    (void)visit;
    part parts[3];
    memset(parts, 0, sizeof(parts));
    weir_fork_begin(self, &parts[0].fork, part_fork);
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 1; i < 3; i++) {
        parts[i].job = (weir_job)WEIR_JOB_INIT(part_run, NULL);
        weir_scope_spawn(self, &scope, &parts[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    weir_fork_join(self, &parts[0].fork, part_fork);
    CHECK_EQ(parts[0].sum + parts[1].sum + parts[2].sum, 3);
    // A wait lends the place: the visit that fires runs meanwhile.
    size_t number = (size_t)(n - w->nodes);
    weir_event *events = w->argument;
    if (number == 1)
        CHECK_EQ(weir_event_wait(&events[0], WEIR_FOREVER, NULL), 0);
    if (number == 2)
        CHECK_EQ(weir_event_fire(&events[0], 0), 0);
    return 0;
}

static void hard_work(weir_pool *pool, weir_frontier_engine engine,
                      uint64_t seed) {
    world w;
    weir_event events[1];
    world_make(&w, pool, engine, 10, seed);
    weir_event_init(&events[0], pool, 1);
    w.argument = events;
    for (size_t i = 0; i < 10; i++) {
        w.nodes[i].act = works_hard;
        link_nodes(&w, i, (i * 3 + 1) % 10);
        link_nodes(&w, i, (i + 1) % 10);
    }
    for (uint32_t i = 0; i < 3; i++)
        world_seed(&w, (edge){.to = i});
    world_start(&w);
    int status = 12345;
    CHECK_EQ(weir_frontier_wait(w.frontier, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    check_world(&w, 0);
    world_end(&w);
}

static void a_visit_may_fork_open_scopes_and_wait(void) {
    for_each_world(hard_work);
}

// A frontier within a visit: its done ends the visit, and destroys it.
typedef struct inner {
    world w;
    world *outer;
    weir_visit *visit;
} inner;

static void inner_done(world *w, int status) {
    inner *i = w->argument;
    weir_visit *visit = i->visit;
    world *outer = i->outer;
    node *n = node_of(outer, visit);
    weir_frontier_destroy(w->frontier);
    world_forget(w);
    free(i);
    status = status != 0 ? status : visit_works(outer, n, visit);
    visit_ends(outer, n);
    weir_visit_end(visit, status);
}

static int opens_another(world *w, node *n, weir_worker *self,
                         weir_visit *visit) {
    (void)self;
    (void)n;
    inner *i = calloc(1, sizeof(*i));
    CHECK(i != NULL);
    world_make(&i->w, w->pool, w->options.engine, 5, 1);
    i->w.argument = i;
    i->w.on_done = inner_done;
    i->outer = w;
    i->visit = visit;
    for (size_t k = 0; k < 4; k++)
        link_nodes(&i->w, k, k + 1);
    world_seed(&i->w, (edge){.to = 0});
    CHECK_EQ(weir_frontier_create(&i->w.frontier, &i->w.options), 0);
    weir_frontier *frontier = i->w.frontier;
    weir_key key = key_of(&i->w, &i->w.seeds[0]);
    CHECK_EQ(weir_frontier_seed(frontier, &key), 0);
    weir_frontier_close(frontier);
    return WEIR_VISIT_LATER;
}

static void nested(weir_pool *pool, weir_frontier_engine engine,
                   uint64_t seed) {
    world w;
    world_make(&w, pool, engine, 6, seed);
    for (size_t i = 0; i < 6; i++) {
        w.nodes[i].act = opens_another;
        link_nodes(&w, i, (i + 1) % 6);
        link_nodes(&w, i, (i + 2) % 6);
    }
    world_seed(&w, (edge){.to = 0});
    world_start(&w);
    world_drive(&w);
    int status = 12345;
    CHECK_EQ(weir_frontier_wait(w.frontier, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(tally_get(&w.visits), 6);
    world_end(&w);
}

static void a_visit_may_run_a_frontier_of_its_own(void) {
    for_each_world(nested);
}

// ---- nothing to do ---------------------------------------------------------

static int quiet_visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)self;
    (void)visit;
    mark_set(context);
    return 0;
}

// This looks at the clock to measure, not to wait: jobs of nothing would be
// many by then.
static void idle_one(weir_frontier_engine engine) {
    weir_pool *pool = pool_of(2);
    tally visits;
    tally_init(&visits);
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.context = &visits;
    options.visit = quiet_visit;
    options.engine = engine;
    weir_frontier *frontier = NULL;
    CHECK_EQ(weir_frontier_create(&frontier, &options), 0);
    weir_key key = {.key = "key", .size = 3};
    CHECK_EQ(weir_frontier_seed(frontier, &key), 0);
    mark_await(&visits, 1);
    uint64_t started = counts_of(pool).started;
    until(in_ms(300));
    CHECK(counts_of(pool).started - started < 10);
    weir_frontier_close(frontier);
    CHECK_EQ(weir_frontier_wait(frontier, WEIR_FOREVER, NULL), 0);
    weir_frontier_destroy(frontier);
    pool_close(pool);
}

static void an_open_frontier_with_nothing_to_do_costs_nothing(void) {
    idle_one(WEIR_FRONTIER_WORKERS);
    idle_one(WEIR_FRONTIER_OWNER);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"each_key_is_visited_once", each_key_is_visited_once},
        {"what_is_known_is_not_visited_again",
         what_is_known_is_not_visited_again},
        {"a_key_is_all_of_its_bytes", a_key_is_all_of_its_bytes},
        {"items_stay_at_one_address", items_stay_at_one_address},
        {"a_value_that_is_replaced_is_released",
         a_value_that_is_replaced_is_released},
        {"an_attempt_finds_the_value_of_the_one_before",
         an_attempt_finds_the_value_of_the_one_before},
        {"release_and_done_may_be_missing", release_and_done_may_be_missing},
        {"an_empty_frontier_ends_when_it_is_closed",
         an_empty_frontier_ends_when_it_is_closed},
        {"it_does_not_end_before_it_is_closed",
         it_does_not_end_before_it_is_closed},
        {"a_visit_may_seed_and_close", a_visit_may_seed_and_close},
        {"threads_may_seed_while_visits_run",
         threads_may_seed_while_visits_run},
        {"bad_and_late_seeds_are_refused", bad_and_late_seeds_are_refused},
        {"a_later_visit_holds_no_worker", a_later_visit_holds_no_worker},
        {"a_visit_may_end_before_it_returns",
         a_visit_may_end_before_it_returns},
        {"a_visit_may_fork_open_scopes_and_wait",
         a_visit_may_fork_open_scopes_and_wait},
        {"a_visit_may_run_a_frontier_of_its_own",
         a_visit_may_run_a_frontier_of_its_own},
        {"an_open_frontier_with_nothing_to_do_costs_nothing",
         an_open_frontier_with_nothing_to_do_costs_nothing},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
