// SPDX-License-Identifier: MIT
// Promises of weir/observe.h, "metrics".
#include "base/fault.h"
#include "base/histogram.h"
#include "observe/types.h"
#include "support/observe.h"
#include "support/prometheus.h"

static weir_metrics *metrics_open(void) {
    weir_metrics *metrics = NULL;
    CHECK_EQ(weir_metrics_create(&metrics), 0);
    CHECK(metrics != NULL);
    return metrics;
}

// What a writer writes; the caller frees it.
static char *text_by(int (*write)(weir_metrics *metrics, FILE *out),
                     weir_metrics *metrics) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK(out != NULL);
    CHECK_EQ(write(metrics, out), 0);
    CHECK_EQ(fclose(out), 0);
    CHECK_EQ(strlen(text), size);
    return text;
}

static prom parsed;

static void parse(weir_metrics *metrics) {
    char *text = text_by(weir_metrics_prometheus, metrics);
    prom_parse(&parsed, text);
    free(text);
}

// The value of NAME{labels}, from the last parse.
static uint64_t value_of(const char *name, const char *labels) {
    char series[PROM_TEXT];
    snprintf(series, sizeof(series), "%s{%s}", name, labels);
    return (uint64_t)(prom_get(&parsed, series) + 0.5);
}

static void check_has(const char *text, const char *part) {
    if (strstr(text, part) == NULL)
        CHECK_FAIL("there is no \"%s\" in:\n%s", part, text);
}

static void check_has_not(const char *text, const char *part) {
    if (strstr(text, part) != NULL)
        CHECK_FAIL("there is \"%s\" in:\n%s", part, text);
}

// ---- a program to look at --------------------------------------------------

typedef struct service {
    weir_pool *pool;
    weir_lane *lane;
    weir_loop *loop;
    weir_metrics *metrics;
} service;

static const weir_site quick_site = {.file = "src/server.c",
                                     .line = 120,
                                     .mode = WEIR_SITE_OFFLOAD,
                                     .name = "hash a body"};
static const weir_site long_site = {.file = "src/server.c",
                                    .line = 214,
                                    .mode = WEIR_SITE_INLINE,
                                    .name = "compress"};
static const weir_site twin_sites[2] = {
    {.file = "twin.h", .line = 7, .name = "twin \"of\" two\n"},
    {.file = "twin.h", .line = 7, .name = "twin \"of\" two\n"},
};
static int delivered;

static int quick_run(weir_worker *self, weir_call *call) {
    (void)self;
    (void)call;
    return 0;
}

static int long_run(weir_worker *self, weir_call *call) {
    (void)self;
    (void)call;
    int64_t end = weir_now_ns() + 1100000;
    while (weir_now_ns() < end)
        continue;
    return -5;
}

static void call_done(weir_call *call, int status) {
    (void)call;
    (void)status;
    delivered++;
}

static void make_calls(service *s, weir_call *calls, int count,
                       const weir_site *site,
                       int (*run)(weir_worker *self, weir_call *call)) {
    delivered = 0;
    for (int i = 0; i < count; i++) {
        calls[i] = (weir_call)WEIR_CALL_INIT(run, call_done);
        calls[i].site = site;
        if (site != NULL)
            CHECK_EQ(weir_call_submit(s->loop, s->pool, &calls[i]), 0);
        else
            CHECK_EQ(weir_call_submit_lane(s->loop, s->lane, &calls[i]), 0);
    }
    while (delivered < count) {
        CHECK_EQ(weir_loop_wait(s->loop, WEIR_FOREVER), 0);
        CHECK(weir_loop_drain(s->loop) >= 0);
    }
}

static service service_open(void) {
    service s = {.pool = pool_measured(2), .metrics = metrics_open()};
    CHECK_EQ(weir_lane_create(&s.lane, NULL), 0);
    CHECK_EQ(weir_loop_create(&s.loop, NULL), 0);
    CHECK_EQ(weir_metrics_add_pool(s.metrics, s.pool, "compute"), 0);
    CHECK_EQ(weir_metrics_add_lane(s.metrics, s.lane, "files"), 0);
    CHECK_EQ(weir_metrics_add_loop(s.metrics, s.loop, "main"), 0);
    return s;
}

// Two calls that are cancelled and three that are late.
static void make_lost_calls(service *s) {
    static weir_call calls[5];
    held list[2];
    delivered = 0;
    for (int i = 0; i < 2; i++)
        hold(s->pool, &list[i]);
    for (int i = 0; i < 5; i++) {
        calls[i] = (weir_call)WEIR_CALL_INIT(quick_run, call_done);
        calls[i].site = &quick_site;
        calls[i].deadline_ns = i < 2 ? 0 : 1;
        CHECK_EQ(weir_call_submit(s->loop, s->pool, &calls[i]), 0);
        if (i < 2)
            CHECK_EQ(weir_call_cancel(&calls[i]), 0);
    }
    release_all(s->pool, list, 2);
    while (delivered < 5) {
        CHECK_EQ(weir_loop_wait(s->loop, WEIR_FOREVER), 0);
        CHECK(weir_loop_drain(s->loop) >= 0);
    }
}

// 40 quick calls, 33 long ones, 5 + 6 of the twins, 4 on the lane, 2 cancelled,
// 3 late.
static void service_work(service *s) {
    static weir_call calls[40];
    make_lost_calls(s);
    make_calls(s, calls, 40, &quick_site, quick_run);
    make_calls(s, calls, 33, &long_site, long_run);
    make_calls(s, calls, 5, &twin_sites[0], quick_run);
    make_calls(s, calls, 6, &twin_sites[1], quick_run);
    make_calls(s, calls, 4, NULL, quick_run);
}

static void service_close(service *s) {
    weir_metrics_destroy(s->metrics);
    CHECK_EQ(weir_loop_close(s->loop, WEIR_STOP_DRAIN, NULL, NULL), 0);
    while (weir_loop_drain(s->loop) > 0)
        continue;
    weir_loop_destroy(s->loop);
    weir_lane_destroy(s->lane);
    pool_close(s->pool);
}

// ---- adding and removing ---------------------------------------------------

static void each_thing_is_added_once_under_a_name_of_its_own(void) {
    weir_metrics *metrics = metrics_open();
    weir_pool *pool = pool_of(1);
    weir_pool *other = pool_of(1);
    CHECK_EQ(weir_metrics_add_pool(metrics, pool, NULL), -EINVAL);
    CHECK_EQ(weir_metrics_add_pool(metrics, pool, ""), -EINVAL);
    CHECK_EQ(weir_metrics_add_pool(metrics, pool, "a"), 0);
    CHECK_EQ(weir_metrics_add_pool(metrics, pool, "b"), -EALREADY);
    CHECK_EQ(weir_metrics_add_pool(metrics, other, "a"), -EALREADY);
    CHECK_EQ(weir_metrics_add_pool(metrics, other, "b"), 0);
    CHECK_EQ(weir_metrics_remove(metrics, pool), 0);
    CHECK_EQ(weir_metrics_remove(metrics, pool), -ENOENT);
    CHECK_EQ(weir_metrics_remove(metrics, NULL), -ENOENT);
    parse(metrics);
    CHECK(prom_find(&parsed, "weir_pool_width{pool=\"a\"}") == NULL);
    CHECK_EQ(value_of("weir_pool_width", "pool=\"b\""), 1);
    CHECK_EQ(weir_metrics_add_pool(metrics, pool, "a"), 0);
    parse(metrics);
    CHECK_EQ(value_of("weir_pool_width", "pool=\"a\""), 1);
    weir_metrics_destroy(metrics);
    weir_metrics_destroy(NULL);
    pool_close(pool);
    pool_close(other);
}

static void lanes_and_loops_come_and_go_too(void) {
    service s = service_open();
    CHECK_EQ(weir_metrics_add_lane(s.metrics, s.lane, "x"), -EALREADY);
    CHECK_EQ(weir_metrics_add_loop(s.metrics, s.loop, "x"), -EALREADY);
    parse(s.metrics);
    CHECK_EQ(value_of("weir_lane_threads", "lane=\"files\""), 0);
    CHECK_EQ(value_of("weir_loop_calls_pending", "loop=\"main\""), 0);
    CHECK_EQ(weir_metrics_remove(s.metrics, s.lane), 0);
    CHECK_EQ(weir_metrics_remove(s.metrics, s.loop), 0);
    // The same name for things of different kinds is fine.
    CHECK_EQ(weir_metrics_add_lane(s.metrics, s.lane, "compute"), 0);
    CHECK_EQ(weir_metrics_add_loop(s.metrics, s.loop, "compute"), 0);
    parse(s.metrics);
    CHECK_EQ(value_of("weir_lane_threads", "lane=\"compute\""), 0);
    CHECK(prom_find(&parsed, "weir_lane_threads{lane=\"files\"}") == NULL);
    service_close(&s);
}

static void names_are_copied(void) {
    weir_metrics *metrics = metrics_open();
    weir_pool *pool = pool_of(1);
    char name[] = "before";
    CHECK_EQ(weir_metrics_add_pool(metrics, pool, name), 0);
    strcpy(name, "after!");
    parse(metrics);
    CHECK_EQ(value_of("weir_pool_width", "pool=\"before\""), 1);
    weir_metrics_destroy(metrics);
    pool_close(pool);
}

// ---- for a scraper ---------------------------------------------------------

static void nothing_observed_is_nothing_exposed(void) {
    weir_metrics *metrics = metrics_open();
    char *text = text_by(weir_metrics_prometheus, metrics);
    CHECK_STR(text, "");
    free(text);
    weir_metrics_destroy(metrics);
}

static void check_pool_values(const weir_pool_stats *stats) {
    const weir_pool_counts *c = &stats->counts;
    static const char *const pool = "pool=\"compute\"";
    CHECK_EQ(value_of("weir_pool_width", pool), stats->width);
    CHECK_EQ(value_of("weir_pool_threads", pool), stats->threads);
    CHECK_EQ(value_of("weir_pool_stand_ins", pool), c->stand_ins);
    CHECK_EQ(value_of("weir_pool_jobs_submitted_total", pool), c->submitted);
    CHECK_EQ(value_of("weir_pool_jobs_started_total", pool), c->started);
    static const char *const ended = "weir_pool_jobs_ended_total";
    CHECK_EQ(value_of(ended, "pool=\"compute\",outcome=\"succeeded\""),
             c->succeeded);
    CHECK_EQ(value_of(ended, "pool=\"compute\",outcome=\"failed\""), c->failed);
    CHECK_EQ(value_of(ended, "pool=\"compute\",outcome=\"cancelled\""),
             c->cancelled);
    CHECK_EQ(value_of(ended, "pool=\"compute\",outcome=\"timed_out\""),
             c->timed_out);
    CHECK_EQ(value_of(ended, "pool=\"compute\",outcome=\"detached\""),
             c->detached);
    static const char *const now = "weir_pool_jobs";
    CHECK_EQ(value_of(now, "pool=\"compute\",state=\"queued\""), c->queued);
    CHECK_EQ(value_of(now, "pool=\"compute\",state=\"attached\""), c->attached);
    CHECK_EQ(value_of(now, "pool=\"compute\",state=\"running\""), c->running);
    CHECK_EQ(value_of("weir_pool_jobs_queued_max", pool), c->queued_max);
    CHECK_EQ(value_of("weir_pool_places_max", pool), c->place_highest);
    CHECK_EQ(value_of("weir_pool_steals_total", pool), c->steals);
    CHECK_EQ(value_of("weir_pool_parks_total", pool), c->parks);
    CHECK_EQ(value_of("weir_pool_wakes_total", pool), c->wakes);
    CHECK_EQ(value_of("weir_pool_loans_total", pool), c->loans);
    CHECK_EQ(value_of("weir_pool_forks_inline_total", pool), c->forks_inline);
    CHECK_EQ(value_of("weir_pool_jobs_slow_total", pool), stats->slow);
}

// How many of the histogram's values are at most `le` seconds, and no bucket of
// its own may be cut in two by that.
static uint64_t at_most(const weir_histogram *histogram, const char *le) {
    if (strcmp(le, "+Inf") == 0)
        return histogram->count;
    unsigned long long s, ns;
    CHECK_EQ(sscanf(le, "%llu.%9llu", &s, &ns), 2);
    uint64_t bound = s * 1000000000 + ns + 1;
    uint64_t sum = 0;
    bool exact = false;
    for (unsigned i = 0; i < WEIR_HISTOGRAM_BUCKETS; i++)
        if (weir_histogram_bound(i) <= bound) {
            sum += histogram->bucket[i];
            exact = weir_histogram_bound(i) == bound;
        }
    CHECK(exact);
    return sum;
}

static void check_histogram(const char *family, const char *labels,
                            const weir_histogram *histogram) {
    char name[256], sum[32];
    snprintf(name, sizeof(name), "%s_bucket", family);
    unsigned buckets = 0;
    for (size_t i = 0; i < parsed.count; i++) {
        const prom_sample *sample = &parsed.samples[i];
        if (strcmp(sample->name, name) != 0 ||
            strcmp(sample->base, labels) != 0)
            continue;
        CHECK_EQ(sample->value, at_most(histogram, sample->le));
        buckets++;
    }
    CHECK(buckets >= 15);
    snprintf(name, sizeof(name), "%s_count", family);
    CHECK_EQ(value_of(name, labels), histogram->count);
    snprintf(name, sizeof(name), "%s_sum{%s}", family, labels);
    snprintf(sum, sizeof(sum), "%llu.%09llu",
             (unsigned long long)histogram->sum_ns / 1000000000,
             (unsigned long long)histogram->sum_ns % 1000000000);
    CHECK(prom_find(&parsed, name) != NULL);
    CHECK_STR(prom_find(&parsed, name)->text, sum);
}

// Of 21 jobs: 2 are detached, 4 stay attached, 3 are cancelled, 7 are late, one
// fails, 4 succeed.
static void lose_jobs(weir_pool *pool, work *works, weir_event *event) {
    for (int i = 0; i < 21; i++) {
        works[i] = work_of(i == 20 ? -1 : 0);
        works[i].job.deadline_ns = i >= 9 && i < 16 ? 1 : 0;
        if (i < 6)
            CHECK_EQ(weir_event_attach(event, NULL, &works[i].job), 0);
        else
            submit(pool, &works[i].job);
        if (i < 2)
            CHECK_EQ(weir_event_detach(event, &works[i].job), 0);
        if (i >= 6 && i < 9)
            CHECK_EQ(weir_cancel(pool, &works[i].job), 0);
    }
}

static void a_pool_is_exposed_as_it_is_observed(void) {
    service s = service_open();
    service_work(&s);
    held h, other;
    hold(s.pool, &h);
    hold_lent(s.pool, &other, "lent");
    held third; // on the place that was lent
    hold(s.pool, &third);
    static work works[21];
    weir_event event;
    weir_event_init(&event, s.pool, 1);
    lose_jobs(s.pool, works, &event);
    // Workers may still be going to sleep: look until nothing moves.
    weir_pool_stats before, after;
    do {
        before = stats_of(s.pool);
        parse(s.metrics);
        after = stats_of(s.pool);
    } while (memcmp(&before.counts, &after.counts, sizeof(after.counts)) != 0);
    CHECK_EQ(after.counts.running, 3);
    CHECK_EQ(after.counts.detached, 2);
    CHECK_EQ(after.counts.attached, 4);
    CHECK_EQ(after.counts.queued, 15);
    CHECK_EQ(after.counts.loans, 1);
    check_pool_values(&after);
    check_histogram("weir_pool_queue_seconds", "pool=\"compute\"",
                    &after.queue);
    check_histogram("weir_pool_run_seconds", "pool=\"compute\"", &after.run);
    release(&third);
    release(&other);
    release(&h);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    wait_idle(s.pool);
    parse(s.metrics);
    after = stats_of(s.pool);
    static const char *const ended = "weir_pool_jobs_ended_total";
    CHECK_EQ(value_of(ended, "pool=\"compute\",outcome=\"failed\""), 1);
    CHECK_EQ(value_of(ended, "pool=\"compute\",outcome=\"cancelled\""), 3 + 2);
    CHECK_EQ(value_of(ended, "pool=\"compute\",outcome=\"timed_out\""), 7 + 3);
    CHECK_EQ(value_of(ended, "pool=\"compute\",outcome=\"detached\""), 2);
    CHECK_EQ(value_of(ended, "pool=\"compute\",outcome=\"succeeded\""),
             after.counts.succeeded);
    gate_fini(&third.gate);
    gate_fini(&other.gate);
    gate_fini(&h.gate);
    service_close(&s);
}

static void each_time_is_in_its_bucket(void) {
    service s = service_open();
    // The pool is at rest: its times are what they are made to be.
    weir_histogram *run = &s.pool->times->run;
    for (unsigned i = 0; i + 1 < WEIR_HISTOGRAM_BUCKETS; i++) {
        wr_histogram_add(run, (int64_t)weir_histogram_bound(i) - 1);
        wr_histogram_add(run, (int64_t)weir_histogram_bound(i));
    }
    parse(s.metrics);
    check_histogram("weir_pool_run_seconds", "pool=\"compute\"", run);
    *run = (weir_histogram){0};
    service_close(&s);
}

static void each_worker_that_lives_is_exposed(void) {
    service s = service_open();
    service_work(&s);
    wait_idle(s.pool);
    parse(s.metrics);
    uint64_t jobs = 0;
    char labels[64];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(labels, sizeof(labels), "pool=\"compute\",worker=\"%u\"", i);
        CHECK_EQ(value_of("weir_worker_alive", labels), 1);
        CHECK_EQ(value_of("weir_worker_lent", labels), 0);
        jobs += value_of("weir_worker_jobs_total", labels);
        (void)value_of("weir_worker_steals_total", labels);
        (void)value_of("weir_worker_parks_total", labels);
        (void)value_of("weir_worker_wakes_total", labels);
        (void)value_of("weir_worker_busy_seconds_total", labels);
    }
    CHECK_EQ(jobs, stats_of(s.pool).run.count);
    snprintf(labels, sizeof(labels),
             "weir_worker_alive{pool=\"compute\","
             "worker=\"2\"}");
    CHECK(prom_find(&parsed, labels) == NULL); // no stand-in was needed
    service_close(&s);
}

static void loops_sites_and_lanes_are_exposed(void) {
    service s = service_open();
    service_work(&s);
    parse(s.metrics);
    CHECK_EQ(value_of("weir_loop_calls_accepted_total", "loop=\"main\""), 93);
    CHECK_EQ(value_of("weir_loop_calls_delivered_total",
                      "loop=\"main\",outcome=\"done\""),
             55);
    CHECK_EQ(value_of("weir_loop_calls_delivered_total",
                      "loop=\"main\",outcome=\"failed\""),
             33);
    CHECK_EQ(value_of("weir_loop_calls_delivered_total",
                      "loop=\"main\",outcome=\"cancelled\""),
             2);
    CHECK_EQ(value_of("weir_loop_calls_delivered_total",
                      "loop=\"main\",outcome=\"timed_out\""),
             3);
    CHECK_EQ(value_of("weir_loop_calls_inlined_total", "loop=\"main\""), 33);
    CHECK_EQ(value_of("weir_lane_calls_accepted_total", "lane=\"files\""), 4);
    CHECK_EQ(value_of("weir_lane_calls_ended_total",
                      "lane=\"files\",outcome=\"succeeded\""),
             4);
    static const char site[] = "loop=\"main\",site=\"hash a body\","
                               "file=\"src/server.c\",line=\"120\"";
    weir_site_stats stats = {.size = sizeof(stats)};
    CHECK_EQ(weir_loop_site(s.loop, 0, &stats), 0);
    CHECK(stats.site == &quick_site);
    CHECK_EQ(stats.run.count, 40);
    static const char calls[] = "weir_site_calls_total{%s,outcome=\"%s\"}";
    static const char *const outcomes[] = {"done", "failed", "cancelled",
                                           "timed_out"};
    static const double expected[] = {40, 0, 2, 3};
    for (size_t i = 0; i < TEST_COUNT(outcomes); i++) {
        char series[PROM_TEXT];
        snprintf(series, sizeof(series), calls, site, outcomes[i]);
        CHECK_EQ(prom_get(&parsed, series), expected[i]);
    }
    check_histogram("weir_site_queue_seconds", site, &stats.queue);
    check_histogram("weir_site_run_seconds", site, &stats.run);
    check_histogram("weir_site_delivery_seconds", site, &stats.delivery);
    service_close(&s);
}

static void sites_at_the_same_place_are_one(void) {
    service s = service_open();
    service_work(&s);
    parse(s.metrics); // fails if a series comes twice
    static const char twin[] = "loop=\"main\",site=\"twin \\\"of\\\" two\\n\","
                               "file=\"twin.h\",line=\"7\"";
    char labels[256];
    snprintf(labels, sizeof(labels), "%s,outcome=\"done\"", twin);
    CHECK_EQ(value_of("weir_site_calls_total", labels), 11);
    CHECK_EQ(value_of("weir_site_run_seconds_count", twin), 11);
    service_close(&s);
}

static void a_pool_that_does_not_measure_has_no_times(void) {
    weir_metrics *metrics = metrics_open();
    weir_pool *plain = pool_of(1);
    weir_pool *timed = pool_measured(1);
    CHECK_EQ(weir_metrics_add_pool(metrics, plain, "plain"), 0);
    parse(metrics);
    for (size_t i = 0; i < parsed.families_count; i++)
        CHECK(!prom_ends(parsed.families[i], "_queue_seconds"));
    CHECK_EQ(weir_metrics_add_pool(metrics, timed, "timed"), 0);
    parse(metrics);
    CHECK_EQ(value_of("weir_pool_run_seconds_count", "pool=\"timed\""), 0);
    CHECK(prom_find(&parsed, "weir_pool_run_seconds_count{pool=\"plain\"}") ==
          NULL);
    char *text = text_by(weir_metrics_text, metrics);
    check_has(text, "not measured");
    check_has(text, "queue      0     -");
    free(text);
    weir_metrics_destroy(metrics);
    pool_close(plain);
    pool_close(timed);
}

static void labels_are_escaped_and_valid(void) {
    static const struct {
        const char *name;
        const char *label;
    } names[] = {
        {"a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
        {"{}=, #", "{}=, #"},
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x95",
         "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x90\x95"},
        {"\xFF", "\xEF\xBF\xBD"},                 // no UTF-8 at all
        {"x\xC3", "x\xEF\xBF\xBD"},               // cut off
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"}, // longer than needed
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, // surrogate
    };
    weir_pool *pool = pool_of(1);
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        weir_metrics *metrics = metrics_open();
        CHECK_EQ(weir_metrics_add_pool(metrics, pool, names[i].name), 0);
        parse(metrics);
        char labels[128];
        snprintf(labels, sizeof(labels), "pool=\"%s\"", names[i].label);
        CHECK_EQ(value_of("weir_pool_width", labels), 1);
        weir_metrics_destroy(metrics);
    }
    pool_close(pool);
}

static tally churn_stop;

static void *churn_main(void *arg) {
    static work works[100];
    while (tally_get(&churn_stop) == 0) {
        for (int i = 0; i < 100; i++) {
            works[i] = work_of(0);
            submit(arg, &works[i].job);
        }
        wait_idle(arg);
    }
    return NULL;
}

static void it_may_be_read_while_jobs_run(void) {
    tally_init(&churn_stop);
    weir_pool *pool = pool_measured(2);
    weir_metrics *metrics = metrics_open();
    CHECK_EQ(weir_metrics_add_pool(metrics, pool, "busy"), 0);
    pthread_t churn = thread_start(churn_main, pool);
    uint64_t before = 0;
    for (int i = 0; i < 100; i++) {
        parse(metrics);
        uint64_t started =
            value_of("weir_pool_jobs_started_total", "pool=\"busy\"");
        CHECK_EQ(value_of("weir_pool_queue_seconds_count", "pool=\"busy\""),
                 started);
        CHECK(started >= before);
        before = started;
        free(text_by(weir_metrics_text, metrics));
    }
    tally_add(&churn_stop);
    thread_join(churn);
    weir_metrics_destroy(metrics);
    pool_close(pool);
}

// ---- for a person ----------------------------------------------------------

static void numbers_are_easy_to_read(void) {
    static const struct {
        uint64_t ns;
        const char *text;
    } times[] = {
        {0, "0 ns"},
        {999, "999 ns"},
        {1000, "1.00 us"},
        {1234, "1.23 us"},
        {12345, "12.3 us"},
        {123456, "123 us"},
        {999999, "999 us"},
        {1200000, "1.20 ms"},
        {999999999, "999 ms"},
        {1000000000, "1.00 s"},
        {119999999999, "119 s"},
        {120000000000, "2.00 min"},
        {UINT64_C(7199999999999), "119 min"},
        {UINT64_C(7200000000000), "2.00 h"},
        {UINT64_C(172800000000000), "2.00 d"},
        {UINT64_MAX, "213503 d"},
    };
    char text[WR_CELL_MAX];
    for (size_t i = 0; i < TEST_COUNT(times); i++)
        CHECK_STR(wr_format_ns(text, times[i].ns), times[i].text);
    CHECK_STR(wr_format_count(text, 0), "0");
    CHECK_STR(wr_format_count(text, 999), "999");
    CHECK_STR(wr_format_count(text, 1000), "1,000");
    CHECK_STR(wr_format_count(text, 1234567), "1,234,567");
    CHECK_STR(wr_format_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

// Says whether the machine let the quick calls be quick: else what is said of
// them is rightly something else.
static bool text_advises(void) {
    service s = service_open();
    char *text = text_by(weir_metrics_text, s.metrics);
    check_has(text, "none: nothing is crowded");
    free(text);
    service_work(&s);
    held list[2];
    work works[4];
    for (int i = 0; i < 2; i++)
        hold_named(s.pool, &list[i], "resize");
    for (int i = 0; i < 4; i++) {
        works[i] = work_of(0);
        submit(s.pool, &works[i].job);
    }
    text = text_by(weir_metrics_text, s.metrics);
    check_has(text, "pool compute: 2 places, 2 threads, ");
    check_has(text, "2 running, 4 queued");
    check_has(text, "resize, for ");
    check_has(text, "lane files: ");
    check_has(text, "4 succeeded");
    check_has(text, "loop main: 0 calls pending");
    check_has(text, "server.c:120");
    check_has(text, "pool compute is crowded: 6 jobs");
    check_has(text, "server.c:214, compress: 1 of 10 runs takes ");
    check_has(text, "offload it");
    check_has_not(text, "none: nothing");
    bool quick = strstr(text, "hash a body: 9 of 10 runs take at most") != NULL;
    if (quick) {
        check_has(text, "server.c:120, hash a body: 9 of 10 runs take at most");
        check_has(text, "run it inline");
    }
    free(text);
    release_all(s.pool, list, 2);
    service_close(&s);
    return quick;
}

static void the_text_says_what_to_do(void) {
    while (!text_advises())
        continue; // never right: the test ends by its time limit
}

static int slow_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    until(in_ms(101));
    return 0;
}

static void the_text_tells_of_slow_jobs(void) {
    weir_metrics *metrics = metrics_open();
    weir_pool *pool = pool_measured(1);
    CHECK_EQ(weir_metrics_add_pool(metrics, pool, "p"), 0);
    weir_job job = WEIR_JOB_INIT(slow_run, NULL);
    submit(pool, &job);
    wait_idle(pool);
    char *text = text_by(weir_metrics_text, metrics);
    check_has(text, "pool p: 1 of 1 jobs ran longer than 100 ms");
    free(text);
    weir_metrics_destroy(metrics);
    pool_close(pool);
}

// The lines of a table of times end in one column.
static void columns_are_aligned_and_no_line_ends_in_space(void) {
    service s = service_open();
    service_work(&s);
    char *text = text_by(weir_metrics_text, s.metrics);
    size_t head = 0;
    int rows = 0;
    for (char *line = strtok(text, "\n"); line != NULL;
         line = strtok(NULL, "\n")) {
        size_t length = strlen(line);
        CHECK(length > 0 && line[length - 1] != ' ');
        if (strncmp(line, "  times", 7) == 0)
            head = length;
        if (strncmp(line, "  queue", 7) == 0 ||
            strncmp(line, "  run  ", 7) == 0) {
            CHECK_EQ(length, head);
            rows++;
        }
    }
    CHECK_EQ(rows, 2);
    free(text);
    service_close(&s);
}

static void a_name_cannot_break_a_line(void) {
    weir_metrics *metrics = metrics_open();
    weir_pool *pool = pool_of(1);
    CHECK_EQ(weir_metrics_add_pool(metrics, pool, "two\nlines\x1B[1m"), 0);
    char *text = text_by(weir_metrics_text, metrics);
    check_has(text, "pool two?lines?[1m: ");
    free(text);
    weir_metrics_destroy(metrics);
    pool_close(pool);
}

// ---- errors ----------------------------------------------------------------

static void an_output_that_is_full_is_an_error(void) {
    service s = service_open();
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL)
        SKIP("no /dev/full");
    CHECK_EQ(weir_metrics_text(s.metrics, full), -EIO);
    clearerr(full);
    CHECK_EQ(weir_metrics_prometheus(s.metrics, full), -EIO);
    fclose(full);
    service_close(&s);
}

static void check_memory(int (*write)(weir_metrics *metrics, FILE *out),
                         weir_metrics *metrics) {
    FILE *out = fopen("/dev/null", "w");
    CHECK(out != NULL);
    int error = -ENOMEM;
    uint64_t first = 0;
    for (; error != 0; first++) {
        CHECK_EQ(error, -ENOMEM);
        CHECK(first < 100);
        wr_fault_arm(WR_FAULT_ALLOC, first, 1);
        error = write(metrics, out);
        uint64_t seen = wr_fault_seen(WR_FAULT_ALLOC);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        CHECK(error != 0 || seen <= first); // no failure is passed over
    }
    CHECK(first > 3); // it did fail
    fclose(out);
}

static void no_memory_is_an_error(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
    service s = service_open();
    service_work(&s);
    check_memory(weir_metrics_text, s.metrics);
    check_memory(weir_metrics_prometheus, s.metrics);
    weir_metrics *metrics = NULL;
    wr_fault_arm(WR_FAULT_ALLOC, 0, 1);
    CHECK_EQ(weir_metrics_create(&metrics), -ENOMEM);
    CHECK(metrics == NULL);
    CHECK_EQ(weir_metrics_remove(s.metrics, s.pool), 0);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 1);
    CHECK_EQ(weir_metrics_add_pool(s.metrics, s.pool, "p"), -ENOMEM);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    CHECK_EQ(weir_metrics_add_pool(s.metrics, s.pool, "p"), 0);
    service_close(&s);
}

static void use_in_child(void *argument) {
    service *s = argument;
    CHECK_EQ(weir_metrics_text(s->metrics, stdout), -ECHILD);
    CHECK_EQ(weir_metrics_prometheus(s->metrics, stdout), -ECHILD);
    CHECK_EQ(weir_metrics_add_pool(s->metrics, s->pool, "x"), -ECHILD);
    CHECK_EQ(weir_metrics_add_lane(s->metrics, s->lane, "x"), -ECHILD);
    CHECK_EQ(weir_metrics_add_loop(s->metrics, s->loop, "x"), -ECHILD);
    CHECK_EQ(weir_metrics_remove(s->metrics, s->pool), -ECHILD);
    weir_metrics_destroy(s->metrics); // frees nothing
    CHECK_EQ(weir_metrics_remove(s->metrics, s->pool), -ECHILD);
}

static void a_forked_child_cannot_use_it(void) {
    service s = service_open();
    check_in_child(use_in_child, &s);
    parse(s.metrics);
    service_close(&s);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"each_thing_is_added_once_under_a_name_of_its_own",
         each_thing_is_added_once_under_a_name_of_its_own},
        {"lanes_and_loops_come_and_go_too", lanes_and_loops_come_and_go_too},
        {"names_are_copied", names_are_copied},
        {"nothing_observed_is_nothing_exposed",
         nothing_observed_is_nothing_exposed},
        {"a_pool_is_exposed_as_it_is_observed",
         a_pool_is_exposed_as_it_is_observed},
        {"each_time_is_in_its_bucket", each_time_is_in_its_bucket},
        {"each_worker_that_lives_is_exposed",
         each_worker_that_lives_is_exposed},
        {"loops_sites_and_lanes_are_exposed",
         loops_sites_and_lanes_are_exposed},
        {"sites_at_the_same_place_are_one", sites_at_the_same_place_are_one},
        {"a_pool_that_does_not_measure_has_no_times",
         a_pool_that_does_not_measure_has_no_times},
        {"labels_are_escaped_and_valid", labels_are_escaped_and_valid},
        {"it_may_be_read_while_jobs_run", it_may_be_read_while_jobs_run},
        {"numbers_are_easy_to_read", numbers_are_easy_to_read},
        {"the_text_says_what_to_do", the_text_says_what_to_do},
        {"the_text_tells_of_slow_jobs", the_text_tells_of_slow_jobs},
        {"columns_are_aligned_and_no_line_ends_in_space",
         columns_are_aligned_and_no_line_ends_in_space},
        {"a_name_cannot_break_a_line", a_name_cannot_break_a_line},
        {"an_output_that_is_full_is_an_error",
         an_output_that_is_full_is_an_error},
        {"no_memory_is_an_error", no_memory_is_an_error},
        {"a_forked_child_cannot_use_it", a_forked_child_cannot_use_it},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
