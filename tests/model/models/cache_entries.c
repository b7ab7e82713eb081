// SPDX-License-Identifier: MIT
// References of entries: hits lend without counting, and what is kept no
// longer settles in one step; the last to let go releases the value, once.
// Nothing is loaded, so there is no worker.
#include "model/models/rooms.h"
#include "weir/cache.h"

static weir_cache *cache;
static unsigned released;
static int values[2];

static int load_nothing(void *context, weir_worker *self, weir_flight *flight,
                        weir_result *result) {
    (void)context;
    (void)self;
    (void)flight;
    (void)result;
    return -ENOENT;
}

static void count_released(void *context, void *value) {
    (void)context;
    MC_CHECK(*(int *)value == 1);
    *(int *)value = 0; // whoever still has it would see that
    released++;
}

static void make_cache(size_t capacity) {
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = rooms_pool_without_workers();
    options.load = load_nothing;
    options.release = count_released;
    options.capacity = capacity;
    MC_CHECK(weir_cache_create(&cache, &options) == 0);
}

static void put(unsigned at, const char *key, weir_entry **entry) {
    values[at] = 1;
    weir_result result = {.value = &values[at], .weight = 1};
    MC_CHECK(weir_cache_put(cache, key, 1, &result, entry) == 0);
}

static void *find_and_use(void *unused) {
    weir_entry *entry = NULL;
    int status = 0;
    int error = weir_cache_find(cache, "k", 1, &status, &entry);
    MC_CHECK(error == 0 || error == -ENOENT);
    if (error == 0) {
        MC_CHECK(*(int *)weir_entry_value(entry) == 1);
        weir_entry_release(entry);
    }
    return unused;
}

static void who_holds_a_value_may_use_it_though_it_is_removed(void) {
    make_cache(SIZE_MAX);
    put(0, "k", NULL);
    unsigned other = mc_spawn(find_and_use, NULL);
    MC_CHECK(weir_cache_invalidate(cache, "k", 1) == 0);
    (void)mc_join(other);
    MC_CHECK(released == 1);
    weir_cache_destroy(cache);
}

static void who_holds_a_value_may_use_it_though_it_is_evicted(void) {
    make_cache(1);
    put(0, "k", NULL);
    unsigned other = mc_spawn(find_and_use, NULL);
    put(1, "m", NULL);
    (void)mc_join(other);
    MC_CHECK(released == 1);
    weir_cache_destroy(cache);
    MC_CHECK(released == 2);
}

static void *release_it(void *entry) {
    MC_CHECK(*(int *)weir_entry_value(entry) == 1);
    weir_entry_release(entry);
    return NULL;
}

// An entry outlives its cache.
static void the_last_holder_releases_it(void) {
    make_cache(SIZE_MAX);
    weir_entry *entry = NULL;
    put(0, "k", &entry);
    unsigned other = mc_spawn(release_it, weir_entry_keep(entry));
    weir_cache_destroy(cache);
    (void)release_it(entry);
    (void)mc_join(other);
    MC_CHECK(released == 1);
}

#define EXHAUSTIVE(case)                                                       \
    { .name = #case, .body = case, .mode = MC_EXHAUSTIVE }

const mc_case mc_cases[] = {
    EXHAUSTIVE(who_holds_a_value_may_use_it_though_it_is_removed),
    EXHAUSTIVE(who_holds_a_value_may_use_it_though_it_is_evicted),
    EXHAUSTIVE(the_last_holder_releases_it),
    {.name = NULL},
};
