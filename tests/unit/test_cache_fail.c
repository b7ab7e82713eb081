// SPDX-License-Identifier: MIT
// Loads that fail: who is told, with what reason, and for how long.
#include "support/cache.h"

enum { KEY = 7, WAITERS = 12 };

// ---- who is told -----------------------------------------------------------

static void all_told(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan *p = plan_of(&b, KEY);
    p->is_later = 1;
    p->has_reason = 1;
    ask asks[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        ask_pending(&b, &asks[i], KEY);
    begun(&b, KEY, 1);
    land(&b, KEY, -EIO);
    settle(&b, WAITERS);
    for (int i = 0; i < WAITERS; i++) {
        check_failed(&asks[i], -EIO);
        CHECK_EQ(asks[i].value, 1); // the same reason to all
    }
    CHECK_EQ(b.loads, 1);
    weir_cache_counts c = cache_counts(&b);
    CHECK_EQ(c.failed, 1);
    CHECK_EQ(c.loaded, 0);
    CHECK_EQ(c.entries, 0);
    bench_close(&b);
    CHECK_EQ(b.made, 1);
}

static void a_failure_and_its_reason_go_to_all_who_wait(void) {
    for_each_pool(all_told);
}

static void without_reason(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->status = -EPERM;
    ask a;
    ask_pending(&b, &a, KEY);
    settle(&b, 1);
    check_failed(&a, -EPERM);
    CHECK_EQ(a.has_entry, 0);
    bench_close(&b);
}

static void a_failure_may_have_no_reason(void) {
    for_each_pool(without_reason);
}

// Only this flight's waiters.
static void others_not(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->status = -EIO;
    ask bad[4], good[4];
    for (int i = 0; i < 4; i++) {
        ask_init(&b, &bad[i], KEY);
        ask_init(&b, &good[i], KEY + 1 + (uint64_t)(i % 2));
        CHECK(ask_try(&bad[i]) >= 0);
        CHECK(ask_try(&good[i]) >= 0);
    }
    settle(&b, 8);
    for (int i = 0; i < 4; i++) {
        check_failed(&bad[i], -EIO);
        CHECK_EQ(good[i].status, 0);
    }
    bench_close(&b);
}

static void a_failure_concerns_its_own_key_alone(void) {
    for_each_pool(others_not);
}

static int sees_failure(weir_worker *self, ask *a) {
    (void)self;
    CHECK_EQ(a->get.status, -EIO);
    CHECK(a->get.entry != NULL);
    return -EPROTO;
}

static void run_told(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->status = -EIO;
    plan_of(&b, KEY)->has_reason = 1;
    ask a;
    ask_init(&b, &a, KEY);
    ask_acts(&a, sees_failure);
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    settle(&b, 1);
    CHECK_EQ(a.ran, 1);
    CHECK_EQ(a.status, -EPROTO);
    CHECK_EQ(a.get.status, -EIO);
    CHECK_EQ(a.value, 1);
    bench_close(&b);
}

static void run_sees_the_failure_too(void) { for_each_pool(run_told); }

// A failure of the load is no failure of the call, whatever its number.
static void load_statuses(weir_pool *pool) {
    static const int statuses[] = {-ECANCELED, -ETIMEDOUT, -ESHUTDOWN,
                                   -EDEADLK,   -ENOMEM,    -ECHILD,
                                   -EAGAIN,    -ENOENT,    -100000};
    bench b;
    bench_open(&b, pool);
    for (uint64_t i = 0; i < TEST_COUNT(statuses); i++) {
        plan_of(&b, i)->status = statuses[i];
        ask a;
        ask_init(&b, &a, i);
        CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
        settle(&b, i + 1);
        check_failed(&a, statuses[i]);
    }
    CHECK_EQ(cache_counts(&b).failed, TEST_COUNT(statuses));
    bench_close(&b);
}

static void any_negative_status_is_passed_on(void) {
    for_each_pool(load_statuses);
}

// ---- for how long ----------------------------------------------------------

static void forgotten(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan *p = plan_of(&b, KEY);
    p->status = -EIO;
    ask a;
    for (uint64_t i = 1; i <= 5; i++) {
        ask_pending(&b, &a, KEY); // not joined, not answered: started
        CHECK_EQ(a.get.leads, 1);
        settle(&b, i);
        check_failed(&a, -EIO);
        CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    }
    p->status = 0;
    ask_pending(&b, &a, KEY);
    settle(&b, 6);
    check_value(&a, 6);
    ask_hit(&b, &a, KEY);
    CHECK_EQ(b.loads, 6);
    bench_close(&b);
}

static void a_failure_is_not_remembered_and_may_be_retried(void) {
    for_each_pool(forgotten);
}

// From the done that tells the failure.
static void retry_done(weir_get *get, int status) {
    ask *a = (ask *)get;
    bench *b = a->b;
    weir_entry_release(get->entry);
    a->status = status;
    a->ran++;
    if (status == 0) {
        a->ended++;
        mark_set(&b->ended);
        return;
    }
    CHECK_EQ(status, -EIO);
    plan_of(b, a->key)->status = a->ran < 5 ? -EIO : 0;
    *get = (weir_get)WEIR_GET_INIT(&a->key, sizeof(a->key), retry_done);
    ask_accepted(b);
    CHECK_EQ(weir_cache_get(b->cache, get), WEIR_CACHE_PENDING);
}

static void retries(weir_pool *pool) {
    bench b;
    bench_open(&b, pool);
    plan_of(&b, KEY)->status = -EIO;
    ask a;
    ask_init(&b, &a, KEY);
    a.get.done = retry_done;
    CHECK_EQ(ask_try(&a), WEIR_CACHE_PENDING);
    settle(&b, 1);
    CHECK_EQ(a.ran, 6);
    CHECK_EQ(b.loads, 6);
    bench_close(&b);
}

static void who_was_told_of_a_failure_may_retry_at_once(void) {
    for_each_pool(retries);
}

static void open_remembering(bench *b, weir_pool *pool, int64_t ttl_ns) {
    weir_cache_options options = bench_options(b, pool);
    options.failure_ttl_ns = ttl_ns;
    options.clock = bench_clock;
    bench_start(b, &options);
}

// fails_once: the first get starts a flight that fails.
static void fails_once(bench *b, uint64_t key) {
    ask a;
    uint64_t n = tally_get(&b->ended);
    ask_pending(b, &a, key);
    settle(b, n + 1);
    wait_idle(b->pool);
    check_failed(&a, plan_of(b, key)->status);
}

// told_again: a get is answered at once with the remembered failure.
static void told_again(bench *b, uint64_t key) {
    ask a;
    ask_init(b, &a, key);
    CHECK_EQ(ask_try(&a), 0);
    check_failed(&a, plan_of(b, key)->status);
    CHECK_EQ(a.has_entry, plan_of(b, key)->has_reason);
    CHECK_EQ(find(b, key, NULL), plan_of(b, key)->status);
}

static void remembered(weir_pool *pool) {
    bench b;
    open_remembering(&b, pool, 1000);
    plan *p = plan_of(&b, KEY);
    p->status = -EIO;
    p->has_reason = 1;
    fails_once(&b, KEY);
    told_again(&b, KEY);
    clock_add(&b, 900);
    told_again(&b, KEY);
    CHECK_EQ(b.loads, 1);
    CHECK_EQ(cache_counts(&b).failed_hits, 2 + b.found);
    clock_add(&b, 200);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
    fails_once(&b, KEY);
    CHECK_EQ(b.loads, 2);
    p->status = 0;
    clock_add(&b, 2000);
    fetch_idle(&b, KEY);
    CHECK_EQ(b.loads, 3);
    bench_close(&b);
}

static void a_failure_is_remembered_as_long_as_the_option_says(void) {
    for_each_pool(remembered);
}

static void result_says(weir_pool *pool) {
    bench b;
    open_remembering(&b, pool, 1000);
    static const int64_t ttls[] = {-1, 0, 5000, WEIR_FOREVER};
    for (uint64_t i = 0; i < 4; i++) {
        plan_of(&b, i)->status = -EIO;
        plan_of(&b, i)->ttl_ns = ttls[i];
        fails_once(&b, i);
    }
    fails_once(&b, 0); // not at all
    told_again(&b, 1);
    told_again(&b, 2);
    told_again(&b, 3);
    clock_add(&b, 2000);
    fails_once(&b, 1); // as the option says
    told_again(&b, 2);
    told_again(&b, 3);
    clock_add(&b, 4000);
    fails_once(&b, 2);
    clock_add(&b, INT64_C(1) << 60);
    told_again(&b, 3);
    bench_close(&b);
}

static void the_load_may_say_how_long_instead(void) {
    for_each_pool(result_says);
}

static void result_says_more(weir_pool *pool) {
    bench b;
    open_remembering(&b, pool, 0);
    plan_of(&b, KEY)->status = -EIO;
    plan_of(&b, KEY)->ttl_ns = 100;
    fails_once(&b, KEY);
    told_again(&b, KEY);
    clock_add(&b, 200);
    fails_once(&b, KEY);
    bench_close(&b);
}

static void the_load_may_have_it_remembered_without_the_option(void) {
    for_each_pool(result_says_more);
}

static void made_good(weir_pool *pool) {
    bench b;
    open_remembering(&b, pool, WEIR_FOREVER);
    for (uint64_t i = 0; i < 3; i++) {
        plan_of(&b, i)->status = -EIO;
        plan_of(&b, i)->has_reason = 1;
        fails_once(&b, i);
    }
    CHECK_EQ(invalidate(&b, 0), 0);
    CHECK_EQ(invalidate(&b, 0), -ENOENT);
    fails_once(&b, 0);
    uint64_t number = put(&b, 1, NULL);
    CHECK_EQ(fetch_idle(&b, 1), number);
    weir_cache_clear(b.cache);
    CHECK_EQ(find(&b, 2, NULL), -ENOENT);
    fails_once(&b, 2);
    told_again(&b, 2);
    CHECK_EQ(b.removed[WEIR_REMOVED_REPLACED], 0); // no value was there
    bench_close(&b);
    CHECK_EQ(b.removed[WEIR_REMOVED_STOPPED], 0);
}

static void a_remembered_failure_goes_by_invalidate_put_and_clear(void) {
    for_each_pool(made_good);
}

// The reason of a remembered failure is an entry like any other.
static void reason_outlives(weir_pool *pool) {
    bench b;
    open_remembering(&b, pool, WEIR_FOREVER);
    plan_of(&b, KEY)->status = -EIO;
    plan_of(&b, KEY)->has_reason = 1;
    fails_once(&b, KEY);
    ask a;
    ask_init(&b, &a, KEY);
    a.keeps = 1;
    CHECK_EQ(ask_try(&a), 0);
    CHECK_EQ(invalidate(&b, KEY), 0);
    CHECK_EQ(b.released, 0);
    CHECK_EQ(((value *)weir_entry_value(a.get.entry))->number, 1);
    ask_release(&a);
    CHECK_EQ(b.released, 1);
    bench_close(&b);
}

static void a_reason_is_held_like_a_value(void) {
    for_each_pool(reason_outlives);
}

// ---- the time of a flight --------------------------------------------------

static void open_timed(bench *b, weir_pool *pool, int64_t load_ns) {
    weir_cache_options options = bench_options(b, pool);
    options.load_ns = load_ns;
    options.failure_ttl_ns = WEIR_FOREVER;
    bench_start(b, &options);
    b->may_overlap = 1;
}

// Returns whether the load began in time at all.
static int too_long(weir_pool *pool, int64_t load_ns) {
    bench b;
    open_timed(&b, pool, load_ns);
    plan *p = plan_of(&b, KEY);
    p->is_later = 1;
    ask asks[3], again;
    // Nobody notices the time before all have asked.
    held h[4];
    for (unsigned i = 0; i < weir_pool_width(pool); i++)
        hold(pool, &h[i]);
    for (int i = 0; i < 3; i++)
        ask_pending(&b, &asks[i], KEY);
    for (unsigned i = 0; i < weir_pool_width(pool); i++)
        release(&h[i]);
    settle(&b, 3);
    for (int i = 0; i < 3; i++)
        check_failed(&asks[i], -ETIMEDOUT);
    CHECK_EQ(find(&b, KEY, NULL), -ENOENT); // not remembered
    CHECK_EQ(cache_counts(&b).abandoned, 1);
    int has_begun = loads_of(&b, KEY) > 0;
    if (has_begun) {
        begun(&b, KEY, 1);
        weir_flight *flight = p->flight;
        uint64_t number = p->number;
        CHECK_EQ(weir_flight_cancelled(flight), -ETIMEDOUT);
        // What it still makes is released, and not what anybody gets.
        p->is_later = 0;
        land_flight(&b, p, flight, number, 0);
        CHECK_EQ(find(&b, KEY, NULL), -ENOENT);
        ask_init(&b, &again, KEY);
        CHECK_EQ(ask_try(&again), WEIR_CACHE_PENDING);
        settle(&b, 4);
        CHECK(again.status == -ETIMEDOUT || again.value > number);
    }
    bench_close(&b);
    wait_idle(pool);
    for (unsigned i = 0; i < weir_pool_width(pool); i++)
        gate_fini(&h[i].gate);
    return has_begun;
}

static void a_flight_that_takes_too_long_fails(void) {
    for (int threads = 1; threads <= 4; threads *= 2) {
        weir_pool *pool = pool_of(threads);
        for (int64_t ns = 1000000; !too_long(pool, ns);)
            ns *= 2;
        pool_close(pool);
    }
}

// A load that has not started counts from when the flight did.
static void a_load_that_never_starts_times_out_too(void) {
    weir_pool *pool = pool_of(1);
    bench b;
    open_timed(&b, pool, 1000000);
    held h;
    hold(pool, &h);
    ask a;
    ask_pending(&b, &a, KEY);
    until(in_ms(2));
    release(&h);
    settle(&b, 1);
    check_failed(&a, -ETIMEDOUT);
    CHECK_EQ(b.loads, 0);
    bench_close(&b);
    pool_close(pool);
    gate_fini(&h.gate);
}

// Under seeds a deadline may be first or last, and nobody is told twice.
static void may_time_out(weir_pool *pool) {
    bench b;
    open_timed(&b, pool, 1000);
    ask asks[6];
    for (int i = 0; i < 6; i++) {
        ask_init(&b, &asks[i], KEY + (uint64_t)(i % 2));
        CHECK(ask_try(&asks[i]) >= 0);
    }
    settle(&b, 6);
    for (int i = 0; i < 6; i++)
        CHECK(asks[i].status == 0 ? asks[i].value != 0
                                  : asks[i].status == -ETIMEDOUT);
    bench_close(&b);
}

static void a_time_limit_and_a_load_race_to_one_outcome(void) {
    for_each_pool(may_time_out);
}

static void a_limit_that_is_not_reached_changes_nothing(void) {
    weir_pool *pool = pool_of(2);
    bench b;
    open_timed(&b, pool, WEIR_FOREVER);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    CHECK_EQ(cache_counts(&b).abandoned, 0);
    bench_close(&b);
    open_timed(&b, pool, INT64_C(3600) * 1000000000);
    CHECK_EQ(fetch_idle(&b, KEY), 1);
    bench_close(&b); // waits for no time limit
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_failure_and_its_reason_go_to_all_who_wait",
         a_failure_and_its_reason_go_to_all_who_wait},
        {"a_failure_may_have_no_reason", a_failure_may_have_no_reason},
        {"a_failure_concerns_its_own_key_alone",
         a_failure_concerns_its_own_key_alone},
        {"run_sees_the_failure_too", run_sees_the_failure_too},
        {"any_negative_status_is_passed_on", any_negative_status_is_passed_on},
        {"a_failure_is_not_remembered_and_may_be_retried",
         a_failure_is_not_remembered_and_may_be_retried},
        {"who_was_told_of_a_failure_may_retry_at_once",
         who_was_told_of_a_failure_may_retry_at_once},
        {"a_failure_is_remembered_as_long_as_the_option_says",
         a_failure_is_remembered_as_long_as_the_option_says},
        {"the_load_may_say_how_long_instead",
         the_load_may_say_how_long_instead},
        {"the_load_may_have_it_remembered_without_the_option",
         the_load_may_have_it_remembered_without_the_option},
        {"a_remembered_failure_goes_by_invalidate_put_and_clear",
         a_remembered_failure_goes_by_invalidate_put_and_clear},
        {"a_reason_is_held_like_a_value", a_reason_is_held_like_a_value},
        {"a_flight_that_takes_too_long_fails",
         a_flight_that_takes_too_long_fails},
        {"a_load_that_never_starts_times_out_too",
         a_load_that_never_starts_times_out_too},
        {"a_time_limit_and_a_load_race_to_one_outcome",
         a_time_limit_and_a_load_race_to_one_outcome},
        {"a_limit_that_is_not_reached_changes_nothing",
         a_limit_that_is_not_reached_changes_nothing},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
