// SPDX-License-Identifier: MIT
// Flights: callers that ask at once share one load, what was invalidated is
// not published, who leaves takes only himself along, and loads that would
// wait for each other are refused.
#include "model/models/rooms.h"
#include "weir/cache.h"

static weir_pool *pool;
static weir_cache *cache;
static unsigned loads;
static unsigned released;
static int values[4];

static int load_number(void *context, weir_worker *self, weir_flight *flight,
                       weir_result *result) {
    (void)context;
    (void)self;
    (void)flight;
    MC_CHECK(loads < 4);
    values[loads] = (int)loads + 1;
    *result = (weir_result){.value = &values[loads], .weight = 1};
    loads++;
    return 0;
}

static void count_released(void *context, void *value) {
    (void)context;
    MC_CHECK(*(int *)value != 0);
    released++;
}

static void make_cache(int (*load)(void *, weir_worker *, weir_flight *,
                                   weir_result *)) {
    pool = rooms_pool(1, 0);
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.load = load;
    options.release = count_released;
    options.cancel_unwanted = 1;
    MC_CHECK(weir_cache_create(&cache, &options) == 0);
}

static void destroy_cache(void) {
    weir_cache_destroy(cache);
    weir_pool_destroy(pool);
}

// Which load the answer is of.
static int get_number(void) {
    weir_get get = WEIR_GET_INIT("k", 1, NULL);
    MC_CHECK(weir_cache_get_wait(cache, &get) == 0);
    MC_CHECK(get.status == 0 && get.entry != NULL);
    int number = *(int *)weir_entry_value(get.entry);
    weir_entry_release(get.entry);
    return number;
}

static void *get_it(void *number) {
    *(int *)number = get_number();
    return NULL;
}

static void callers_at_once_share_one_load(void) {
    make_cache(load_number);
    int number = 0;
    unsigned other = mc_spawn(get_it, &number);
    MC_CHECK(get_number() == 1);
    (void)mc_join(other);
    MC_CHECK(number == 1 && loads == 1);
    destroy_cache();
    MC_CHECK(released == 1);
}

static void *invalidate_it(void *found) {
    int error = weir_cache_invalidate(cache, "k", 1);
    MC_CHECK(error == 0 || error == -ENOENT);
    return error == 0 ? found : NULL;
}

// Whoever asks after an invalidate sees a load that started after it.
static void what_was_invalidated_is_not_published(void) {
    make_cache(load_number);
    unsigned other = mc_spawn(invalidate_it, cache);
    MC_CHECK(get_number() == 1);
    // A value, or a load on its way, was there: not from here on.
    bool found = mc_join(other) != NULL;
    MC_CHECK(get_number() == 1 + found);
    MC_CHECK(loads == 1U + found);
    destroy_cache();
    MC_CHECK(released == loads);
}

// ---- leaving ---------------------------------------------------------------

static weir_get pending;
static rooms_flag over;
static int told;

static void note_over(weir_get *get, int status) {
    told = status;
    if (get->entry != NULL)
        weir_entry_release(get->entry);
    rooms_raise(&over);
}

static void who_leaves_takes_only_himself_along(void) {
    make_cache(load_number);
    pending = (weir_get)WEIR_GET_INIT("k", 1, note_over);
    MC_CHECK(weir_cache_get(cache, &pending) == WEIR_CACHE_PENDING);
    int number = 0;
    unsigned other = mc_spawn(get_it, &number);
    int error = weir_get_cancel(cache, &pending);
    MC_CHECK(error == 0 || error == -EALREADY || error == -EBUSY);
    rooms_await(&over);
    MC_CHECK(told == (error == 0 ? -ECANCELED : 0));
    (void)mc_join(other);
    MC_CHECK(number == (int)loads);
    destroy_cache();
    MC_CHECK(released == loads);
}

// ---- cycles ----------------------------------------------------------------

// Two loads, each of which asks for the other key: whoever asks second is
// refused, and the answer goes back the way it came.
static weir_get inner[2];
static unsigned refused;

static weir_flight *waiting[2];

static void pass_on(weir_get *get, int status) {
    if (get->entry != NULL)
        weir_entry_release(get->entry);
    unsigned own = (unsigned)(get - inner);
    weir_result result = {.value = &values[own], .weight = 1};
    weir_flight_end(waiting[own], status, status == 0 ? &result : NULL);
}

static int load_other(void *context, weir_worker *self, weir_flight *flight,
                      weir_result *result) {
    (void)context;
    (void)self;
    size_t size = 0;
    unsigned own = *(const char *)weir_flight_key(flight, &size) == 'b';
    loads++;
    values[own] = 1;
    waiting[own] = flight;
    inner[own] = (weir_get)WEIR_GET_INIT(own == 0 ? "b" : "a", 1, pass_on);
    inner[own].from = flight;
    int error = weir_cache_get(cache, &inner[own]);
    if (error == WEIR_CACHE_PENDING)
        return WEIR_LOAD_LATER;
    MC_CHECK(error == -EDEADLK);
    refused++;
    *result = (weir_result){.value = &values[own], .weight = 1};
    return 0;
}

static void *get_b(void *unused) {
    weir_get get = WEIR_GET_INIT("b", 1, NULL);
    MC_CHECK(weir_cache_get_wait(cache, &get) == 0 && get.status == 0);
    weir_entry_release(get.entry);
    return unused;
}

static void a_cycle_is_refused_and_all_are_answered(void) {
    make_cache(load_other);
    unsigned other = mc_spawn(get_b, NULL);
    weir_get get = WEIR_GET_INIT("a", 1, NULL);
    MC_CHECK(weir_cache_get_wait(cache, &get) == 0 && get.status == 0);
    weir_entry_release(get.entry);
    (void)mc_join(other);
    MC_CHECK(loads == 2 && refused == 1);
    destroy_cache();
    MC_CHECK(released == 2);
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

const mc_case mc_cases[] = {
    BOUNDED(callers_at_once_share_one_load, 1),
    BOUNDED(what_was_invalidated_is_not_published, 1),
    BOUNDED(who_leaves_takes_only_himself_along, 1),
    BOUNDED(a_cycle_is_refused_and_all_are_answered, 1),
    {.name = NULL},
};
