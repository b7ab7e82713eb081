// SPDX-License-Identifier: MIT
// Promises of weir/observe.h: caches among the metrics.
#include "support/observe.h"
#include "support/prometheus.h"

#include "weir/cache.h"
#include "weir/observe.h"

#include <errno.h>

static int load(void *context, weir_worker *self, weir_flight *flight,
                weir_result *result) {
    (void)context;
    (void)self;
    const char *key = weir_flight_key(flight, NULL);
    if (key[0] == 'f')
        return -EIO;
    static char value;
    result->value = &value;
    result->weight = 40;
    return 0;
}

static char *text_of(int (*write)(weir_metrics *metrics, FILE *out),
                     weir_metrics *metrics) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK_EQ(write(metrics, out), 0);
    CHECK_EQ(fclose(out), 0);
    return text;
}

static void ask(weir_cache *cache, const char *key, int status) {
    weir_get get = WEIR_GET_INIT(key, 1, NULL);
    CHECK_EQ(weir_cache_get_wait(cache, &get), 0);
    CHECK_EQ(get.status, status);
    weir_entry_release(get.entry);
}

// 3 loads of which 1 fails, 2 hits, one value of 40 pushed out.
static weir_cache *used_cache(weir_pool *pool) {
    weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
    options.pool = pool;
    options.load = load;
    options.capacity = 79;
    weir_cache *cache = NULL;
    CHECK_EQ(weir_cache_create(&cache, &options), 0);
    ask(cache, "a", 0);
    ask(cache, "a", 0);
    ask(cache, "f", -EIO);
    ask(cache, "b", 0);
    ask(cache, "b", 0);
    // The last load has answered, but may not quite have ended.
    CHECK_EQ(weir_pool_wait_idle(pool, WEIR_FOREVER), 0);
    return cache;
}

static prom parsed;

static double value(const char *series) { return prom_get(&parsed, series); }

static void a_cache_is_exposed(void) {
    weir_pool *pool = pool_measured(1);
    weir_cache *cache = used_cache(pool);
    weir_metrics *metrics;
    CHECK_EQ(weir_metrics_create(&metrics), 0);
    CHECK_EQ(weir_metrics_add_cache(metrics, cache, "plans"), 0);
    char *text = text_of(weir_metrics_prometheus, metrics);
    prom_parse(&parsed, text);
    free(text);
#define GETS(found) "weir_cache_gets_total{cache=\"plans\",found=\"" found "\"}"
    CHECK_EQ(value(GETS("hit")), 2);
    CHECK_EQ(value(GETS("miss")), 3);
    CHECK_EQ(value(GETS("coalesced")), 0);
    CHECK_EQ(value("weir_cache_flights_total{cache=\"plans\"}"), 3);
    CHECK_EQ(value("weir_cache_flights_ended_total{cache=\"plans\","
                   "outcome=\"failed\"}"),
             1);
    CHECK_EQ(value("weir_cache_removed_total{cache=\"plans\",cause=\"size\"}"),
             1);
    CHECK_EQ(value("weir_cache_bytes{cache=\"plans\"}"), 40);
    CHECK_EQ(value("weir_cache_bytes_max{cache=\"plans\"}"), 40);
    CHECK_EQ(value("weir_cache_capacity_bytes{cache=\"plans\"}"), 79);
    CHECK_EQ(value("weir_cache_entries{cache=\"plans\"}"), 1);
    CHECK_EQ(value("weir_cache_loading{cache=\"plans\"}"), 0);
    weir_metrics_destroy(metrics);
    weir_cache_destroy(cache);
    pool_close(pool);
}

static void a_person_reads_the_same(void) {
    weir_pool *pool = pool_measured(1);
    weir_cache *cache = used_cache(pool);
    weir_metrics *metrics;
    CHECK_EQ(weir_metrics_create(&metrics), 0);
    CHECK_EQ(weir_metrics_add_cache(metrics, cache, "plans"), 0);
    char *text = text_of(weir_metrics_text, metrics);
    static const char *const parts[] = {
        "cache plans: 1 entry, 40 of 79 bytes\n",
        "2 hit, 3 missed, 0 joined a load, 0 left\n",
        "2 done, 1 failed, 0 abandoned;", "0 loading, 0 waiting\n"};
    for (size_t i = 0; i < TEST_COUNT(parts); i++)
        if (strstr(text, parts[i]) == NULL)
            CHECK_FAIL("there is no \"%s\" in:\n%s", parts[i], text);
    free(text);
    weir_metrics_destroy(metrics);
    weir_cache_destroy(cache);
    pool_close(pool);
}

static void a_cache_comes_and_goes(void) {
    weir_pool *pool = pool_measured(1);
    weir_cache *cache = used_cache(pool);
    weir_metrics *metrics;
    CHECK_EQ(weir_metrics_create(&metrics), 0);
    CHECK_EQ(weir_metrics_add_cache(metrics, cache, ""), -EINVAL);
    CHECK_EQ(weir_metrics_add_cache(metrics, cache, "a"), 0);
    CHECK_EQ(weir_metrics_add_cache(metrics, cache, "b"), -EALREADY);
    CHECK_EQ(weir_metrics_remove(metrics, cache), 0);
    CHECK_EQ(weir_metrics_remove(metrics, cache), -ENOENT);
    char *text = text_of(weir_metrics_text, metrics);
    CHECK(strstr(text, "nothing is observed") != NULL);
    free(text);
    weir_metrics_destroy(metrics);
    weir_cache_destroy(cache);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_cache_is_exposed", a_cache_is_exposed},
        {"a_person_reads_the_same", a_person_reads_the_same},
        {"a_cache_comes_and_goes", a_cache_comes_and_goes},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
