// SPDX-License-Identifier: MIT
// Options, their limits and errors; the bound of accepted jobs; what happens
// when the system refuses memory or threads.
#include "support/pool.h"

#include "base/fault.h"

// ---- options ---------------------------------------------------------------

static weir_pool_options options_init(void) {
    return (weir_pool_options)WEIR_POOL_OPTIONS_INIT;
}

static void check_refused(const weir_pool_options *options, int error) {
    unsigned before = threads_before();
    weir_pool *untouched = (weir_pool *)&before;
    weir_pool *pool = untouched;
    CHECK_EQ(weir_pool_create(&pool, options), error);
    CHECK(pool == untouched);
    threads_await(before);
}

static void options_out_of_range_are_refused(void) {
    weir_pool_options options = options_init();
    options.threads = WEIR_THREADS_BESIDE_LOOP - 1;
    check_refused(&options, -EINVAL);
    options = options_init();
    options.threads = 0;
    options.virtual_workers = 65;
    check_refused(&options, -EINVAL);
    options = options_init();
    options.stand_ins = -2;
    check_refused(&options, -EINVAL);
    options = options_init();
    options.pinning = (weir_pinning)17;
    check_refused(&options, -EINVAL);
    options = options_init();
    for (int bursts = -1; bursts <= 2; bursts += 3) {
        options.bursts = bursts;
        check_refused(&options, -EINVAL);
    }
    options = options_init();
    options.size = sizeof(size_t) - 1;
    check_refused(&options, -EINVAL);
}

static void a_list_of_cpus_that_are_not_ours_is_refused(void) {
    weir_pool_options options = options_init();
    options.threads = 2;
    options.pinning = WEIR_PIN_LIST;
    check_refused(&options, -EINVAL); // no list
    int cpus[] = {-1, 1 << 20};
    options.cpus = &cpus[0];
    options.cpus_count = 0;
    check_refused(&options, -EINVAL);
    options.cpus_count = 1;
    check_refused(&options, -EINVAL);
    options.cpus = &cpus[1];
    check_refused(&options, -EINVAL);
}

static void a_budget_is_not_for_a_deterministic_pool(void) {
    weir_budget *budget;
    CHECK_EQ(weir_budget_create(&budget, 2), 0);
    weir_pool_options options = options_init();
    options.threads = 0;
    options.budget = budget;
    check_refused(&options, -EINVAL);
    CHECK_EQ(weir_budget_held(budget, NULL), 0);
    weir_budget_destroy(budget);
}

static void newer_options_are_refused_unless_they_are_zero(void) {
    struct {
        weir_pool_options known;
        size_t from_the_future;
    } options = {.known = WEIR_POOL_OPTIONS_INIT};
    options.known.size = sizeof(options);
    options.known.threads = 1;
    pool_close(pool_open(&options.known));
    options.from_the_future = 1;
    check_refused(&options.known, -E2BIG);
}

static void an_older_callers_options_still_work(void) {
    weir_pool_options options = options_init();
    options.size = offsetof(weir_pool_options, stand_ins);
    options.threads = 3;
    options.stand_ins = -100; // would be -EINVAL if it were read
    options.pinning = (weir_pinning)17;
    weir_pool *pool = pool_open(&options);
    CHECK_EQ(weir_pool_width(pool), 3);
    pool_close(pool);
}

static void beside_a_loop_one_cpu_is_left_to_it(void) {
    weir_pool *all = pool_open(NULL);
    unsigned cpus = weir_pool_width(all);
    pool_close(all);
    weir_pool_options options = options_init();
    options.threads = WEIR_THREADS_BESIDE_LOOP;
    weir_pool *pool = pool_open(&options);
    CHECK_EQ(weir_pool_width(pool), cpus > 1 ? cpus - 1 : 1);
    CHECK(strstr(weir_pool_reason(pool), "beside a loop") != NULL);
    pool_close(pool);
}

static void the_default_is_as_wide_as_the_cpus_we_may_use(void) {
    cpu_set_t set;
    CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    weir_pool *pool = pool_open(NULL);
    CHECK(weir_pool_width(pool) >= 1);
    CHECK(weir_pool_width(pool) <= (unsigned)CPU_COUNT(&set));
    CHECK_EQ(weir_pool_index_limit(pool), 2 * weir_pool_width(pool));
    CHECK(strstr(weir_pool_reason(pool), "CPU") != NULL);
    pool_close(pool);
    if (CPU_COUNT(&set) < 2)
        return;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) // keep one
        if (CPU_ISSET(cpu, &set)) {
            CPU_ZERO(&set);
            CPU_SET(cpu, &set);
            break;
        }
    CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
    pool = pool_open(NULL);
    CHECK_EQ(weir_pool_width(pool), 1);
    pool_close(pool);
}

static void the_index_limit_is_width_and_stand_ins(void) {
    weir_pool_options options = options_init();
    options.threads = 3;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *pool = pool_open(&options);
    CHECK_EQ(weir_pool_width(pool), 3);
    CHECK_EQ(weir_pool_index_limit(pool), 3);
    pool_close(pool);
    options.stand_ins = 5;
    pool = pool_open(&options);
    CHECK_EQ(weir_pool_index_limit(pool), 8);
    pool_close(pool);
    options = options_init();
    options.threads = 0;
    pool = pool_open(&options);
    CHECK_EQ(weir_pool_width(pool), 2);
    pool_close(pool);
}

typedef struct look {
    weir_job job;
    char name[32];
    size_t stack_size;
} look;

static int look_run(weir_worker *self, weir_job *job) {
    (void)self;
    look *l = (look *)job;
    pthread_attr_t attributes;
    CHECK_EQ(pthread_getname_np(pthread_self(), l->name, sizeof(l->name)), 0);
    CHECK_EQ(pthread_getattr_np(pthread_self(), &attributes), 0);
    CHECK_EQ(pthread_attr_getstacksize(&attributes, &l->stack_size), 0);
    pthread_attr_destroy(&attributes);
    return 0;
}

static void threads_have_the_name_and_the_stack_asked_for(void) {
    weir_pool_options options = options_init();
    options.threads = 1;
    options.stack_size = 3 << 20;
    weir_pool *pool = pool_open(&options);
    look l = {.job = WEIR_JOB_INIT(look_run, NULL)};
    submit(pool, &l.job);
    wait_idle(pool);
    CHECK_STR(l.name, "weir/0");
    CHECK(l.stack_size >= options.stack_size);
    CHECK(l.stack_size < 2 * options.stack_size);
    pool_close(pool);
    char name[] = "mill";
    options.name = name;
    pool = pool_open(&options);
    memset(name, '-', sizeof(name) - 1); // it was copied
    submit(pool, &l.job);
    wait_idle(pool);
    CHECK_STR(l.name, "mill/0");
    pool_close(pool);
}

static void counts_have_a_size(void) {
    weir_pool *pool = pool_of(1);
    weir_pool_counts counts = {.size = sizeof(size_t) - 1};
    CHECK_EQ(weir_pool_count(pool, &counts), -EINVAL);
    work w = work_of(0);
    submit(pool, &w.job);
    wait_idle(pool);
    memset(&counts, 0x5a, sizeof(counts));
    counts.size = offsetof(weir_pool_counts, started); // an older caller
    CHECK_EQ(weir_pool_count(pool, &counts), 0);
    CHECK_EQ(counts.submitted, 1);
    CHECK_EQ(counts.started, 0x5a5a5a5a5a5a5a5a);
    struct {
        weir_pool_counts known;
        uint64_t from_the_future;
    } newer = {.from_the_future = 7};
    newer.known.size = sizeof(newer);
    CHECK_EQ(weir_pool_count(pool, &newer.known), 0);
    CHECK_EQ(newer.known.started, 1);
    CHECK_EQ(newer.from_the_future, 0);
    pool_close(pool);
}

// ---- the bound -------------------------------------------------------------

static weir_pool *pool_bounded(int threads, size_t jobs_max) {
    weir_pool_options options = options_init();
    options.threads = threads;
    options.jobs_max = jobs_max;
    return pool_open(&options);
}

static void try_submit_fails_at_the_bound_and_changes_nothing(void) {
    weir_pool *pool = pool_bounded(1, 3);
    held h;
    hold(pool, &h); // submitted in whatever way: it counts
    work works[3] = {work_of(0), work_of(0), work_of(0)};
    CHECK_EQ(weir_try_submit(pool, &works[0].job), 0);
    CHECK_EQ(weir_try_submit(pool, &works[1].job), 0);
    work before = works[2];
    CHECK_EQ(weir_try_submit(pool, &works[2].job), -EAGAIN);
    check_untouched(&works[2], &before);
    submit(pool, &works[2].job); // never fails for space
    CHECK_EQ(counts_of(pool).queued, 3);
    release(&h);
    wait_idle(pool);
    for (int i = 0; i < 3; i++)
        check_ran(&works[i], 0);
    pool_close(pool);
}

static void without_a_bound_try_submit_never_fails(void) {
    weir_pool *pool = pool_of(1);
    held h;
    hold(pool, &h);
    static work works[5000];
    for (int i = 0; i < 5000; i++) {
        works[i] = work_of(0);
        CHECK_EQ(weir_try_submit(pool, &works[i].job), 0);
    }
    CHECK_EQ(counts_of(pool).queued_max, 5000);
    release(&h);
    pool_close(pool);
}

typedef struct slow {
    weir_job job;
    gate gate;
} slow;

static void slow_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    gate_pass(&((slow *)job)->gate);
}

static void a_job_counts_until_its_done_has_returned(void) {
    weir_pool *pool = pool_bounded(2, 1);
    slow s = {.job = WEIR_JOB_INIT(probe_run, slow_done)};
    gate_init(&s.gate);
    submit(pool, &s.job);
    gate_await(&s.gate, 1); // in done
    work w = work_of(0);
    CHECK_EQ(weir_try_submit(pool, &w.job), -EAGAIN);
    check_sum(pool);
    CHECK_EQ(weir_pool_wait_idle(pool, in_ms(2)), -ETIMEDOUT);
    gate_open(&s.gate);
    wait_idle(pool);
    CHECK_EQ(weir_try_submit(pool, &w.job), 0);
    pool_close(pool);
}

static void attached_jobs_count_and_detached_ones_do_not(void) {
    weir_pool *pool = pool_bounded(1, 1);
    weir_event event;
    weir_event_init(&event, pool, 1);
    work attached = work_of(0), w = work_of(0);
    CHECK_EQ(weir_event_attach(&event, NULL, &attached.job), 0);
    CHECK_EQ(weir_try_submit(pool, &w.job), -EAGAIN);
    CHECK_EQ(weir_event_detach(&event, &attached.job), 0);
    CHECK_EQ(weir_try_submit(pool, &w.job), 0);
    wait_idle(pool);
    pool_close(pool);
}

static int children_body(weir_worker *self, void *arg) {
    weir_pool *pool = weir_worker_pool(self);
    work *w = arg;
    work children[5];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 5; i++) {
        children[i] = work_of(0);
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    int answer = weir_try_submit(pool, &w->job);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    return answer;
}

static void children_of_scopes_do_not_count(void) {
    weir_pool *pool = pool_bounded(1, 3);
    work w = work_of(0);
    int status = 1;
    CHECK_EQ(weir_run(pool, children_body, &w, &status), 0);
    CHECK_EQ(status, 0);
    wait_idle(pool);
    check_ran(&w, 0);
    pool_close(pool);
}

static weir_pool *bounded_pool;
static tally bounded_runs;

static int bounded_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    tally_add(&bounded_runs);
    return 0;
}

static void *produce_main(void *arg) {
    weir_job *jobs = arg;
    for (int i = 0; i < 1000; i++) {
        jobs[i] = (weir_job)WEIR_JOB_INIT(bounded_run, NULL);
        CHECK_EQ(weir_submit_wait(bounded_pool, &jobs[i], WEIR_FOREVER), 0);
        weir_pool_counts c = counts_of(bounded_pool);
        CHECK(c.queued + c.running + c.attached <= 4);
    }
    return NULL;
}

static void submit_wait_keeps_the_bound_among_many_producers(void) {
    static weir_job jobs[4][1000];
    for (int threads = 1; threads <= 4; threads *= 2) {
        tally_init(&bounded_runs);
        bounded_pool = pool_bounded(threads, 4);
        pthread_t producers[4];
        for (int i = 0; i < 4; i++)
            producers[i] = thread_start(produce_main, jobs[i]);
        for (int i = 0; i < 4; i++)
            thread_join(producers[i]);
        wait_idle(bounded_pool);
        CHECK_EQ(tally_get(&bounded_runs), 4000);
        pool_close(bounded_pool);
    }
}

static void submit_wait_gives_up_at_its_deadline(void) {
    weir_pool *pool = pool_bounded(1, 1);
    held h;
    hold(pool, &h);
    work w = work_of(0), before = w;
    int64_t deadline_ns = in_ms(20);
    CHECK_EQ(weir_submit_wait(pool, &w.job, deadline_ns), -ETIMEDOUT);
    CHECK(weir_now_ns() >= deadline_ns);
    CHECK_EQ(weir_submit_wait(pool, &w.job, 0), -ETIMEDOUT);
    check_untouched(&w, &before);
    CHECK_EQ(weir_pool_wait_idle(pool, 0), -ETIMEDOUT);
    release(&h);
    wait_idle(pool);
    CHECK_EQ(weir_submit_wait(pool, &w.job, 0), 0); // there is room
    wait_idle(pool);
    check_ran(&w, 0);
    pool_close(pool);
}

static void *one_more_main(void *arg) {
    work *w = arg;
    CHECK_EQ(weir_submit_wait(bounded_pool, &w->job, WEIR_FOREVER), 0);
    return NULL;
}

static void submit_wait_returns_as_soon_as_there_is_room_for_one(void) {
    for (int i = 0; i < 50; i++) {
        bounded_pool = pool_bounded(2, 2);
        held first, second;
        hold(bounded_pool, &first);
        hold(bounded_pool, &second);
        work w = work_of(0);
        pthread_t thread = thread_start(one_more_main, &w);
        release(&first);
        thread_join(thread); // the second is still held
        release(&second);
        pool_close(bounded_pool);
        check_ran(&w, 0);
    }
}

static work own_work;

static int submit_wait_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_pool *pool = weir_worker_pool(self);
    return weir_submit_wait(pool, &own_work.job, WEIR_FOREVER);
}

static void submit_wait_is_not_for_the_pools_own_workers(void) {
    static const int threads[] = {0, 1, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_bounded(threads[i], 100);
        own_work = work_of(0);
        work before = own_work;
        int status = 0;
        CHECK_EQ(weir_run(pool, submit_wait_body, NULL, &status), 0);
        CHECK_EQ(status, -EDEADLK);
        check_untouched(&own_work, &before);
        pool_close(pool);
    }
}

static void deterministic_submit_wait_runs_jobs_or_says_deadlock(void) {
    weir_pool_options options = options_init();
    options.threads = 0;
    options.jobs_max = 2;
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        options.seed = seed;
        options.virtual_workers = 1 + (unsigned)seed % 4;
        weir_pool *pool = pool_open(&options);
        work works[20];
        for (int i = 0; i < 20; i++) {
            works[i] = work_of(0);
            CHECK_EQ(weir_submit_wait(pool, &works[i].job, WEIR_FOREVER), 0);
        }
        wait_idle(pool);
        for (int i = 0; i < 20; i++)
            check_ran(&works[i], 0);
        weir_event never;
        weir_event_init(&never, pool, 1);
        work stuck[2] = {work_of(0), work_of(0)}, w = work_of(0);
        for (int i = 0; i < 2; i++)
            CHECK_EQ(weir_event_attach(&never, NULL, &stuck[i].job), 0);
        CHECK_EQ(weir_submit_wait(pool, &w.job, WEIR_FOREVER), -EDEADLK);
        CHECK_EQ(weir_event_fire(&never, 0), 0);
        pool_close(pool);
    }
}

// ---- refusals --------------------------------------------------------------

static void need_faults(void) {
    if (!wr_fault_arm(WR_FAULT_THREAD, 0, 0))
        SKIP("a build without WEIR_FAULTS");
}

static void fewer_threads_are_a_smaller_pool(void) {
    need_faults();
    unsigned before = threads_before();
    for (unsigned width = 1; width < 4; width++) {
        weir_pool_options options = options_init();
        options.threads = 4;
        options.stand_ins = 2;
        wr_fault_arm(WR_FAULT_THREAD, width, 1000);
        weir_pool *pool = pool_open(&options);
        wr_fault_arm(WR_FAULT_THREAD, 0, 0);
        CHECK_EQ(weir_pool_width(pool), width);
        CHECK_EQ(weir_pool_index_limit(pool), width + 2);
        CHECK(weir_pool_reason(pool)[0] != 0);
        work works[20];
        for (int i = 0; i < 20; i++) {
            works[i] = work_of(0);
            submit(pool, &works[i].job);
        }
        wait_idle(pool);
        for (int i = 0; i < 20; i++)
            check_ran(&works[i], 0);
        pool_close(pool);
        threads_await(before);
    }
}

static void not_one_thread_is_an_error(void) {
    need_faults();
    weir_pool_options options = options_init();
    options.threads = 3;
    wr_fault_arm(WR_FAULT_THREAD, 0, 1000);
    check_refused(&options, -EAGAIN);
    wr_fault_arm(WR_FAULT_THREAD, 0, 0);
    weir_budget *budget; // a pool that failed holds no token
    CHECK_EQ(weir_budget_create(&budget, 1), 0);
    options.budget = budget;
    wr_fault_arm(WR_FAULT_THREAD, 0, 1000);
    check_refused(&options, -EAGAIN);
    wr_fault_arm(WR_FAULT_THREAD, 0, 0);
    pool_close(pool_open(&options));
    weir_budget_destroy(budget);
}

static int begin_body(weir_worker *self, void *arg) {
    (void)arg;
    int answer = weir_blocking_begin(self);
    if (answer == 0)
        weir_blocking_end(self);
    return answer;
}

static void a_stand_in_that_cannot_be_started_refuses_the_section(void) {
    need_faults();
    weir_pool *pool = pool_of(1);
    wr_fault_arm(WR_FAULT_THREAD, 0, 1000);
    int status = 1;
    CHECK_EQ(weir_run(pool, begin_body, NULL, &status), 0);
    // Unless the stand-in was there from the beginning.
    if (wr_fault_seen(WR_FAULT_THREAD) > 0)
        CHECK_EQ(status, -EAGAIN);
    wr_fault_arm(WR_FAULT_THREAD, 0, 0);
    CHECK_EQ(weir_run(pool, begin_body, NULL, &status), 0);
    CHECK_EQ(status, 0);
    pool_close(pool);
}

// Each allocation of create fails once: nothing may be left (AddressSanitizer
// looks for lost memory), and the next attempt works.
static void each_failure(const weir_pool_options *options, wr_fault_kind kind) {
    unsigned before = threads_before();
    for (uint64_t n = 0;; n++) {
        weir_pool *pool = NULL;
        wr_fault_arm(kind, n, 1);
        int error = weir_pool_create(&pool, options);
        int reached = wr_fault_seen(kind) > n;
        wr_fault_arm(kind, 0, 0);
        if (error == 0) {
            work w = work_of(0);
            submit(pool, &w.job);
            wait_idle(pool);
            check_ran(&w, 0);
            pool_close(pool);
        } else {
            // -EAGAIN: it was what the only thread needed.
            CHECK(error == -ENOMEM || error == -EAGAIN);
            CHECK(pool == NULL);
        }
        threads_await(before);
        if (!reached) {
            CHECK(n > 0 || kind != WR_FAULT_ALLOC);
            return;
        }
    }
}

static void a_failed_allocation_leaves_nothing(void) {
    need_faults();
    static const int threads[] = {0, 1, 3};
    for (int i = 0; i < 3; i++) {
        weir_pool_options options = options_init();
        options.threads = threads[i];
        options.name = "fault";
        each_failure(&options, WR_FAULT_ALLOC);
        each_failure(&options, WR_FAULT_FIBER);
    }
    for (uint64_t n = 0; n < 2; n++) {
        weir_budget *budget = NULL;
        wr_fault_arm(WR_FAULT_ALLOC, n, 1);
        int error = weir_budget_create(&budget, 1);
        int reached = wr_fault_seen(WR_FAULT_ALLOC) > n;
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        CHECK_EQ(error, reached ? -ENOMEM : 0);
        weir_budget_destroy(budget);
    }
}

// Nothing but create allocates: submit, scopes, forks, events, waits.
static int allocation_body(weir_worker *self, void *arg) {
    (void)arg;
    work children[10];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 10; i++) {
        children[i] = work_of(0);
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    return weir_scope_wait(self, &scope);
}

static void nothing_but_create_needs_memory(void) {
    need_faults();
    for (int threads = 1; threads <= 4; threads++) {
        weir_pool *pool = pool_of(threads);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 1000000);
        for (int round = 0; round < 100; round++) {
            work w = work_of(0), attached = work_of(0);
            weir_event event;
            weir_event_init(&event, pool, 1);
            submit(pool, &w.job);
            CHECK_EQ(weir_event_attach(&event, NULL, &attached.job), 0);
            int status = 1;
            CHECK_EQ(weir_run(pool, allocation_body, NULL, &status), 0);
            CHECK_EQ(status, 0);
            CHECK_EQ(weir_event_fire(&event, 0), 0);
            CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, NULL), 0);
            wait_idle(pool);
            check_ran(&w, 0);
            check_ran(&attached, 0);
        }
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        pool_close(pool);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"options_out_of_range_are_refused", options_out_of_range_are_refused},
        {"a_list_of_cpus_that_are_not_ours_is_refused",
         a_list_of_cpus_that_are_not_ours_is_refused},
        {"a_budget_is_not_for_a_deterministic_pool",
         a_budget_is_not_for_a_deterministic_pool},
        {"newer_options_are_refused_unless_they_are_zero",
         newer_options_are_refused_unless_they_are_zero},
        {"an_older_callers_options_still_work",
         an_older_callers_options_still_work},
        {"beside_a_loop_one_cpu_is_left_to_it",
         beside_a_loop_one_cpu_is_left_to_it},
        {"the_default_is_as_wide_as_the_cpus_we_may_use",
         the_default_is_as_wide_as_the_cpus_we_may_use},
        {"the_index_limit_is_width_and_stand_ins",
         the_index_limit_is_width_and_stand_ins},
        {"threads_have_the_name_and_the_stack_asked_for",
         threads_have_the_name_and_the_stack_asked_for},
        {"counts_have_a_size", counts_have_a_size},
        {"try_submit_fails_at_the_bound_and_changes_nothing",
         try_submit_fails_at_the_bound_and_changes_nothing},
        {"without_a_bound_try_submit_never_fails",
         without_a_bound_try_submit_never_fails},
        {"a_job_counts_until_its_done_has_returned",
         a_job_counts_until_its_done_has_returned},
        {"attached_jobs_count_and_detached_ones_do_not",
         attached_jobs_count_and_detached_ones_do_not},
        {"children_of_scopes_do_not_count", children_of_scopes_do_not_count},
        {"submit_wait_keeps_the_bound_among_many_producers",
         submit_wait_keeps_the_bound_among_many_producers},
        {"submit_wait_gives_up_at_its_deadline",
         submit_wait_gives_up_at_its_deadline},
        {"submit_wait_returns_as_soon_as_there_is_room_for_one",
         submit_wait_returns_as_soon_as_there_is_room_for_one},
        {"submit_wait_is_not_for_the_pools_own_workers",
         submit_wait_is_not_for_the_pools_own_workers},
        {"deterministic_submit_wait_runs_jobs_or_says_deadlock",
         deterministic_submit_wait_runs_jobs_or_says_deadlock},
        {"fewer_threads_are_a_smaller_pool", fewer_threads_are_a_smaller_pool},
        {"not_one_thread_is_an_error", not_one_thread_is_an_error},
        {"a_stand_in_that_cannot_be_started_refuses_the_section",
         a_stand_in_that_cannot_be_started_refuses_the_section},
        {"a_failed_allocation_leaves_nothing",
         a_failed_allocation_leaves_nothing},
        {"nothing_but_create_needs_memory", nothing_but_create_needs_memory},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
