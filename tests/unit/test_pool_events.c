// SPDX-License-Identifier: MIT
// Events: they happen once; attach, detach, fire, wait.
#include "support/pool.h"

static void check_fired(weir_event *event, int expected) {
    int status = 12345;
    CHECK_EQ(weir_event_status(event, &status), 0);
    CHECK_EQ(status, expected);
    CHECK_EQ(weir_event_fire(event, -99), -EALREADY);
    CHECK_EQ(weir_event_status(event, &status), 0);
    CHECK_EQ(status, expected);
}

static void check_open(weir_event *event) {
    int status = 12345;
    CHECK_EQ(weir_event_status(event, &status), -EAGAIN);
    CHECK_EQ(status, 12345);
}

static void once_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 1);
    check_open(&event);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    check_fired(&event, 0);
    weir_event_init(&event, pool, 1); // used again
    check_open(&event);
    CHECK_EQ(weir_event_fire(&event, -5), 0);
    check_fired(&event, -5);
}

static void an_event_happens_once(void) { for_each_pool(once_in); }

static void counted_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 4);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    CHECK_EQ(weir_event_fire(&event, -2), 0);
    CHECK_EQ(weir_event_fire(&event, -3), 0);
    check_open(&event);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    check_fired(&event, -2);
    int status = 1;
    CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, -2);
}

static void the_first_status_that_is_not_zero_is_the_events(void) {
    for_each_pool(counted_in);
}

static void zero_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 0);
    int status = 1;
    CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    work w = work_of(0);
    CHECK_EQ(weir_event_attach(&event, NULL, &w.job), 0);
    wait_idle(pool);
    check_ran(&w, 0);
    check_fired(&event, 0);
}

static void a_count_of_zero_has_happened_already(void) {
    for_each_pool(zero_in);
}

static void add_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 1);
    CHECK_EQ(weir_event_add(&event, 2), 0);
    CHECK_EQ(weir_event_add(&event, 0), 0);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    CHECK_EQ(weir_event_add(&event, 1), 0);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    check_open(&event);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    check_fired(&event, 0);
    CHECK_EQ(weir_event_add(&event, 1), -EALREADY);
    check_fired(&event, 0);
}

static void more_fires_may_be_asked_for_until_it_has_happened(void) {
    for_each_pool(add_in);
}

// ---- attach ----------------------------------------------------------------

static void attach_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 2);
    work works[20], after = work_of(-1);
    for (int i = 0; i < 20; i++) {
        works[i] = work_of(-i);
        CHECK_EQ(weir_event_attach(&event, NULL, &works[i].job), 0);
    }
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    CHECK_EQ(counts_of(pool).attached, 20);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(works[i].ran, 0);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    CHECK_EQ(weir_event_attach(&event, NULL, &after.job), 0);
    wait_idle(pool);
    for (int i = 0; i < 20; i++)
        check_ran(&works[i], -i);
    check_ran(&after, -1);
    CHECK_EQ(counts_of(pool).submitted, 21);
}

static void attached_jobs_run_when_it_happens_and_not_before(void) {
    for_each_pool(attach_in);
}

typedef struct noted {
    weir_job job;
    int id;
} noted;

static int order[64];
static int order_count;

static int noted_run(weir_worker *self, weir_job *job) {
    (void)self;
    order[order_count++] = ((noted *)job)->id;
    return 0;
}

static void order_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 1);
    noted jobs[40];
    order_count = 0;
    for (int i = 0; i < 40; i++) {
        jobs[i] = (noted){.job = WEIR_JOB_INIT(noted_run, NULL), .id = i};
        CHECK_EQ(weir_event_attach(&event, NULL, &jobs[i].job), 0);
    }
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    wait_idle(pool);
    CHECK_EQ(order_count, 40);
    for (int i = 0; i < 40; i++)
        CHECK_EQ(order[i], i);
}

static void attached_jobs_are_queued_in_attach_order(void) {
    weir_pool *pool = pool_of(1);
    order_in(pool);
    pool_close(pool);
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        pool = pool_seeded(seed, 1);
        order_in(pool);
        pool_close(pool);
    }
}

static void detach_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 1);
    work off = work_of(0), stays = work_of(0);
    CHECK_EQ(weir_event_attach(&event, NULL, &off.job), 0);
    CHECK_EQ(weir_event_attach(&event, NULL, &stays.job), 0);
    CHECK_EQ(weir_event_detach(&event, &off.job), 0);
    CHECK_EQ(weir_event_detach(&event, &off.job), -EALREADY);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    wait_idle(pool);
    CHECK_EQ(off.ran + off.ended, 0);
    check_ran(&stays, 0);
    CHECK_EQ(weir_event_detach(&event, &stays.job), -EALREADY);
    submit(pool, &off.job); // it is ours again
    wait_idle(pool);
    check_ran(&off, 0);
}

static void a_detached_job_is_yours_and_done_is_not_called(void) {
    for_each_pool(detach_in);
}

static void detach_accounts_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 1);
    work off = work_of(0);
    off.job.deadline_ns = in_ms(3600 * 1000);
    CHECK_EQ(weir_event_attach(&event, NULL, &off.job), 0);
    CHECK_EQ(weir_event_detach(&event, &off.job), 0);
    weir_pool_counts c = counts_of(pool);
    CHECK_EQ(c.attached, 0);
    CHECK_EQ(c.queued, 0);
    CHECK_EQ(c.detached, 1);
    wait_idle(pool);
    CHECK_EQ(off.ran + off.ended, 0);
}

static void a_detached_job_is_counted_as_detached(void) {
    for_each_pool(detach_accounts_in);
}

static void cancel_attached_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 1);
    work w = work_of(0), other = work_of(0);
    CHECK_EQ(weir_event_attach(&event, NULL, &w.job), 0);
    CHECK_EQ(weir_event_attach(&event, NULL, &other.job), 0);
    CHECK_EQ(weir_cancel(pool, &w.job), 0);
    CHECK_EQ(weir_event_detach(&event, &w.job), -EALREADY);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    wait_idle(pool);
    check_not_run(&w, -ECANCELED);
    check_ran(&other, 0);
}

static void a_cancelled_attached_job_is_off_the_event(void) {
    for_each_pool(cancel_attached_in);
}

// ---- races -----------------------------------------------------------------

enum { ROUNDS = 3000 };

typedef struct duel {
    weir_event event;
    work work;
    int detached;
} duel;

static duel duels[ROUNDS];
static tally set_up;

static void *detach_main(void *arg) {
    (void)arg;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        mark_await(&set_up, i + 1);
        int answer = weir_event_detach(&duels[i].event, &duels[i].work.job);
        CHECK(answer == 0 || answer == -EALREADY);
        duels[i].detached = answer == 0;
    }
    return NULL;
}

static void *fire_main(void *arg) {
    (void)arg;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        mark_await(&set_up, i + 1);
        CHECK_EQ(weir_event_fire(&duels[i].event, 0), 0);
    }
    return NULL;
}

static void exactly_one_of_detach_and_fire_wins(void) {
    weir_pool *pool = pool_of(2);
    tally_init(&set_up);
    pthread_t threads[] = {thread_start(detach_main, NULL),
                           thread_start(fire_main, NULL)};
    for (int i = 0; i < ROUNDS; i++) {
        weir_event_init(&duels[i].event, pool, 1);
        duels[i].work = work_of(0);
        CHECK_EQ(weir_event_attach(&duels[i].event, NULL, &duels[i].work.job),
                 0);
        mark_set(&set_up);
    }
    thread_join(threads[0]);
    thread_join(threads[1]);
    wait_idle(pool);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_EQ(duels[i].work.ran, !duels[i].detached);
        CHECK_EQ(duels[i].work.ended, !duels[i].detached);
    }
    pool_close(pool);
}

static weir_event *shared_event;
static gate start_line;

static void *fire_one_main(void *arg) {
    int *result = arg;
    gate_pass(&start_line);
    *result = weir_event_fire(shared_event, 0);
    return NULL;
}

static void of_many_fires_exactly_the_count_is_taken(void) {
    weir_pool *pool = pool_of(1);
    for (int round = 0; round < 50; round++) {
        weir_event event;
        weir_event_init(&event, pool, 3);
        shared_event = &event;
        gate_init(&start_line);
        pthread_t threads[8];
        int results[8], taken = 0;
        for (int i = 0; i < 8; i++)
            threads[i] = thread_start(fire_one_main, &results[i]);
        gate_await(&start_line, 8);
        gate_open(&start_line);
        for (int i = 0; i < 8; i++) {
            thread_join(threads[i]);
            CHECK(results[i] == 0 || results[i] == -EALREADY);
            taken += results[i] == 0;
        }
        CHECK_EQ(taken, 3);
        gate_fini(&start_line);
    }
    pool_close(pool);
}

// ---- memory: gone as soon as somebody can know -----------------------------

static tally mail_set, mail_taken;
static weir_event *mail;

static void *fire_mail_main(void *arg) {
    (void)arg;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        mark_await(&mail_set, i + 1);
        CHECK_EQ(weir_event_fire(mail, -4), 0);
        mark_set(&mail_taken);
    }
    return NULL;
}

static weir_event *event_new(weir_pool *pool, uint32_t count) {
    weir_event *event = malloc(sizeof(*event));
    CHECK(event != NULL);
    weir_event_init(event, pool, count);
    return event;
}

static void event_free(weir_event *event) {
    memset(event, 0xa5, sizeof(*event));
    free(event);
}

static void an_event_may_be_freed_once_a_wait_returned(void) {
    weir_pool *pool = pool_of(2);
    tally_init(&mail_set);
    tally_init(&mail_taken);
    pthread_t thread = thread_start(fire_mail_main, NULL);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        weir_event *event = mail = event_new(pool, 1);
        mark_set(&mail_set);
        int status = 0;
        CHECK_EQ(weir_event_wait(event, WEIR_FOREVER, &status), 0);
        CHECK_EQ(status, -4);
        event_free(event);
        mark_await(&mail_taken, i + 1);
    }
    thread_join(thread);
    pool_close(pool);
}

typedef struct owner {
    weir_job job;
    weir_event *event;
} owner;

static int owner_run(weir_worker *self, weir_job *job) {
    (void)self;
    event_free(((owner *)job)->event);
    return 0;
}

static void owner_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    free(job);
}

static void an_attached_job_may_free_the_event(void) {
    weir_pool *pool = pool_of(2);
    for (int i = 0; i < ROUNDS; i++) {
        owner *o = calloc(1, sizeof(*o));
        CHECK(o != NULL);
        o->job = (weir_job)WEIR_JOB_INIT(owner_run, owner_done);
        o->event = event_new(pool, 1);
        CHECK_EQ(weir_event_attach(o->event, NULL, &o->job), 0);
        CHECK_EQ(weir_event_fire(o->event, 0), 0);
    }
    wait_idle(pool);
    pool_close(pool);
}

static void an_event_may_be_freed_once_its_status_is_there(void) {
    weir_pool *pool = pool_of(1);
    tally_init(&mail_set);
    tally_init(&mail_taken);
    pthread_t thread = thread_start(fire_mail_main, NULL);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        weir_event *event = mail = event_new(pool, 1);
        mark_set(&mail_set);
        int status;
        while (weir_event_status(event, &status) == -EAGAIN)
            sched_yield();
        CHECK_EQ(status, -4);
        event_free(event);
        mark_await(&mail_taken, i + 1);
    }
    thread_join(thread);
    pool_close(pool);
}

// ---- wait ------------------------------------------------------------------

typedef struct firing {
    weir_job job;
    weir_event *event;
    int *written;
    int value;
} firing;

static int firing_run(weir_worker *self, weir_job *job) {
    (void)self;
    firing *f = (firing *)job;
    *f->written = f->value;
    CHECK_EQ(weir_event_fire(f->event, 0), 0);
    return 0;
}

static void wait_in(weir_pool *pool) {
    for (int round = 0; round < 5; round++) {
        weir_event event;
        weir_event_init(&event, pool, 16);
        firing jobs[16];
        int written[16] = {0};
        for (int i = 0; i < 16; i++) {
            jobs[i] = (firing){.job = WEIR_JOB_INIT(firing_run, NULL),
                               .event = &event,
                               .written = &written[i],
                               .value = i + 1};
            submit(pool, &jobs[i].job);
        }
        CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, NULL), 0);
        for (int i = 0; i < 16; i++)
            CHECK_EQ(written[i], i + 1);
        wait_idle(pool);
    }
}

static void a_waiter_sees_what_was_written_before_each_fire(void) {
    for_each_pool(wait_in);
}

static void *wait_main(void *arg) {
    int *status = arg;
    CHECK_EQ(weir_event_wait(shared_event, WEIR_FOREVER, status), 0);
    return NULL;
}

static void many_threads_wait_for_one_event(void) {
    weir_pool *pool = pool_of(1);
    for (int round = 0; round < 50; round++) {
        weir_event event;
        weir_event_init(&event, pool, 1);
        shared_event = &event;
        pthread_t threads[6];
        int statuses[6] = {0};
        for (int i = 0; i < 6; i++)
            threads[i] = thread_start(wait_main, &statuses[i]);
        CHECK_EQ(weir_event_fire(&event, -8), 0);
        for (int i = 0; i < 6; i++) {
            thread_join(threads[i]);
            CHECK_EQ(statuses[i], -8);
        }
    }
    pool_close(pool);
}

static void a_wait_gives_up_at_its_deadline_and_not_earlier(void) {
    weir_pool *pool = pool_of(1);
    weir_event event;
    weir_event_init(&event, pool, 1);
    int status = 12345;
    int64_t deadline_ns = in_ms(20);
    CHECK_EQ(weir_event_wait(&event, deadline_ns, &status), -ETIMEDOUT);
    CHECK(weir_now_ns() >= deadline_ns);
    CHECK_EQ(status, 12345);
    CHECK_EQ(weir_event_wait(&event, 0, &status), -ETIMEDOUT);
    CHECK_EQ(weir_event_wait(&event, 1, &status), -ETIMEDOUT);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    CHECK_EQ(weir_event_wait(&event, 0, &status), 0);
    CHECK_EQ(status, 0);
    pool_close(pool);
}

// A waiter that gave up leaves nothing behind in the event.
static void an_event_may_be_freed_after_a_wait_timed_out(void) {
    weir_pool *pool = pool_of(1);
    for (int i = 0; i < 200; i++) {
        weir_event *event = event_new(pool, 1);
        CHECK_EQ(weir_event_wait(event, weir_now_ns() + 10000, NULL),
                 -ETIMEDOUT);
        event_free(event);
    }
    pool_close(pool);
}

typedef struct waiting {
    weir_job job;
    weir_event *event;
    int64_t deadline_ns;
    int result;
    int status;
    unsigned index_before, index_after;
} waiting;

static int waiting_run(weir_worker *self, weir_job *job) {
    waiting *w = (waiting *)job;
    w->index_before = weir_worker_index(self);
    w->result = weir_event_wait(w->event, w->deadline_ns, &w->status);
    w->index_after = weir_worker_index(self);
    CHECK(weir_worker_self() == self);
    return 0;
}

static waiting waiting_of(weir_event *event, int64_t deadline_ns) {
    return (waiting){.job = WEIR_JOB_INIT(waiting_run, NULL),
                     .event = event,
                     .deadline_ns = deadline_ns};
}

// Every worker waits for the event; the job that fires it is queued behind.
static void lend_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 1);
    unsigned width = weir_pool_width(pool);
    waiting waits[4];
    for (unsigned i = 0; i < width; i++) {
        waits[i] = waiting_of(&event, WEIR_FOREVER);
        submit(pool, &waits[i].job);
    }
    int written = 0;
    firing f = {.job = WEIR_JOB_INIT(firing_run, NULL),
                .event = &event,
                .written = &written,
                .value = 1};
    submit(pool, &f.job);
    wait_idle(pool);
    for (unsigned i = 0; i < width; i++) {
        CHECK_EQ(waits[i].result, 0);
        CHECK_EQ(waits[i].status, 0);
        CHECK_EQ(waits[i].index_before, waits[i].index_after);
    }
}

static void a_waiting_worker_lends_its_place(void) { for_each_pool(lend_in); }

static void without_stand_ins_a_wait_on_a_worker_blocks(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *pool = pool_open(&options);
    weir_event event;
    weir_event_init(&event, pool, 1);
    waiting late = waiting_of(&event, in_ms(10));
    waiting w = waiting_of(&event, WEIR_FOREVER);
    submit(pool, &late.job);
    submit(pool, &w.job);
    while (counts_of(pool).started < 2)
        sched_yield();
    CHECK_EQ(weir_event_fire(&event, -6), 0);
    wait_idle(pool);
    CHECK_EQ(late.result, -ETIMEDOUT);
    CHECK_EQ(w.result, 0);
    CHECK_EQ(w.status, -6);
    CHECK_EQ(counts_of(pool).loans, 0);
    pool_close(pool);
}

static void an_event_of_one_pool_is_waited_for_and_fired_in_another(void) {
    weir_pool *a = pool_of(1), *b = pool_of(1);
    for (int round = 0; round < 200; round++) {
        weir_event event;
        weir_event_init(&event, a, 1);
        waiting in_b = waiting_of(&event, WEIR_FOREVER);
        waiting in_a = waiting_of(&event, WEIR_FOREVER);
        int written = 0;
        firing f = {.job = WEIR_JOB_INIT(firing_run, NULL),
                    .event = &event,
                    .written = &written,
                    .value = 1};
        submit(b, &in_b.job);
        submit(a, &in_a.job);
        submit(b, &f.job);
        wait_idle(a);
        wait_idle(b);
        CHECK_EQ(in_a.result + in_b.result, 0);
    }
    pool_close(a);
    pool_close(b);
}

// A worker's wait ends early when its job is told to end.
static void a_wait_on_a_worker_ends_when_its_job_is_cancelled(void) {
    static const int widths[] = {1, 2, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        weir_event never;
        weir_event_init(&never, pool, 1);
        waiting w = waiting_of(&never, WEIR_FOREVER);
        w.status = 12345;
        submit(pool, &w.job);
        while (counts_of(pool).started == 0)
            sched_yield();
        CHECK_EQ(weir_cancel(pool, &w.job), -EBUSY);
        wait_idle(pool);
        CHECK_EQ(w.result, -ECANCELED);
        CHECK_EQ(w.status, 12345);
        waiting late = waiting_of(&never, WEIR_FOREVER);
        late.job.deadline_ns = in_ms(100);
        late.result = -ETIMEDOUT; // if the machine is too slow to start it
        submit(pool, &late.job);
        wait_idle(pool);
        CHECK_EQ(late.result, -ETIMEDOUT);
        check_open(&never);
        pool_close(pool);
    }
}

static void an_event_takes_jobs_for_its_own_pool_only(void) {
    weir_pool *a = pool_of(1), *b = pool_of(1);
    weir_event event;
    weir_event_init(&event, a, 1);
    work w = work_of(0), before = w;
    CHECK_EQ(weir_event_attach(&event, b, &w.job), -EINVAL);
    check_untouched(&w, &before);
    CHECK_EQ(weir_event_attach(&event, a, &w.job), 0);
    CHECK_EQ(weir_cancel(b, &w.job), -EINVAL);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    wait_idle(a);
    check_ran(&w, 0);
    pool_close(a);
    pool_close(b);
}

static void deadlock_in(weir_pool *pool) {
    weir_event event;
    weir_event_init(&event, pool, 1);
    CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, NULL), -EDEADLK);
    work w = work_of(0);
    CHECK_EQ(weir_event_attach(&event, NULL, &w.job), 0);
    CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, NULL), -EDEADLK);
    CHECK_EQ(weir_pool_wait_idle(pool, WEIR_FOREVER), -EDEADLK);
    CHECK_EQ(w.ran, 0);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, NULL), 0);
    wait_idle(pool);
    check_ran(&w, 0);
}

static void deterministic_says_when_nobody_would_fire(void) {
    for (uint64_t seed = 0; seed < TEST_SEEDS; seed++) {
        weir_pool *pool = pool_seeded(seed, 1 + seed % 4);
        deadlock_in(pool);
        pool_close(pool);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"an_event_happens_once", an_event_happens_once},
        {"the_first_status_that_is_not_zero_is_the_events",
         the_first_status_that_is_not_zero_is_the_events},
        {"a_count_of_zero_has_happened_already",
         a_count_of_zero_has_happened_already},
        {"more_fires_may_be_asked_for_until_it_has_happened",
         more_fires_may_be_asked_for_until_it_has_happened},
        {"attached_jobs_run_when_it_happens_and_not_before",
         attached_jobs_run_when_it_happens_and_not_before},
        {"attached_jobs_are_queued_in_attach_order",
         attached_jobs_are_queued_in_attach_order},
        {"a_detached_job_is_yours_and_done_is_not_called",
         a_detached_job_is_yours_and_done_is_not_called},
        {"a_detached_job_is_counted_as_detached",
         a_detached_job_is_counted_as_detached},
        {"a_cancelled_attached_job_is_off_the_event",
         a_cancelled_attached_job_is_off_the_event},
        {"exactly_one_of_detach_and_fire_wins",
         exactly_one_of_detach_and_fire_wins},
        {"of_many_fires_exactly_the_count_is_taken",
         of_many_fires_exactly_the_count_is_taken},
        {"an_event_may_be_freed_once_a_wait_returned",
         an_event_may_be_freed_once_a_wait_returned},
        {"an_attached_job_may_free_the_event",
         an_attached_job_may_free_the_event},
        {"an_event_may_be_freed_once_its_status_is_there",
         an_event_may_be_freed_once_its_status_is_there},
        {"a_waiter_sees_what_was_written_before_each_fire",
         a_waiter_sees_what_was_written_before_each_fire},
        {"many_threads_wait_for_one_event", many_threads_wait_for_one_event},
        {"a_wait_gives_up_at_its_deadline_and_not_earlier",
         a_wait_gives_up_at_its_deadline_and_not_earlier},
        {"an_event_may_be_freed_after_a_wait_timed_out",
         an_event_may_be_freed_after_a_wait_timed_out},
        {"a_waiting_worker_lends_its_place", a_waiting_worker_lends_its_place},
        {"without_stand_ins_a_wait_on_a_worker_blocks",
         without_stand_ins_a_wait_on_a_worker_blocks},
        {"an_event_of_one_pool_is_waited_for_and_fired_in_another",
         an_event_of_one_pool_is_waited_for_and_fired_in_another},
        {"a_wait_on_a_worker_ends_when_its_job_is_cancelled",
         a_wait_on_a_worker_ends_when_its_job_is_cancelled},
        {"an_event_takes_jobs_for_its_own_pool_only",
         an_event_takes_jobs_for_its_own_pool_only},
        {"deterministic_says_when_nobody_would_fire",
         deterministic_says_when_nobody_would_fire},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
