// SPDX-License-Identifier: MIT
// Jobs that are used again, by a thread that knows of their end from their
// state alone (JOB_1), and names that others read (FRAME_1).
#include "model/models/rooms.h"
#include "pool/gang.h"

static weir_job job;
static int data;
static int early; // written by the first run alone
static unsigned rounds;
static unsigned ended;

static uint32_t state_of(weir_job *of) {
    return wr_load(&wr_job_of(of)->state, relaxed, ALONE,
                   "a submit that follows looks again");
}

static void await_state(weir_job *of, uint32_t state) {
    while (state_of(of) != state)
        mc_await();
}

static int count(weir_worker *self, weir_job *of) {
    (void)self;
    (void)of;
    data = (int)++rounds;
    if (rounds == 1)
        early = 7;
    return 0;
}

static void a_job_may_be_used_again_once_it_has_ended(void) {
    weir_pool *pool = rooms_pool(1, 0);
    job = (weir_job)WEIR_JOB_INIT(count, NULL);
    MC_CHECK(weir_submit(pool, &job) == 0);
    await_state(&job, WR_JOB_ENDED);
    MC_CHECK(weir_submit(pool, &job) == 0);
    MC_CHECK(early == 7);
    weir_pool_destroy(pool);
    MC_CHECK(data == 2);
}

// ---- taken back ------------------------------------------------------------

// Whoever finds it taken back uses it again; knows of it by its state alone.
static void *submit_again(void *pool) {
    for (;;) {
        uint32_t state = state_of(&job);
        if (state == WR_JOB_ENDED_UNRUN) {
            MC_CHECK(weir_submit(pool, &job) == 0);
            return NULL;
        }
        if (state == WR_JOB_ENDED)
            return NULL;
        mc_await();
    }
}

static void a_job_that_was_taken_back_may_be_used_again(void) {
    weir_pool *pool = rooms_pool(1, 0);
    job = (weir_job)WEIR_JOB_INIT(count, NULL);
    MC_CHECK(weir_submit(pool, &job) == 0);
    unsigned other = mc_spawn(submit_again, pool);
    (void)wr_job_take_back(pool, &job);
    (void)mc_join(other);
    weir_pool_destroy(pool);
    MC_CHECK(rounds == 1);
}

static void *submit_it(void *pool) {
    MC_CHECK(weir_submit(pool, &job) == 0);
    return NULL;
}

// It is looked for while it arrives, under another lock than the pool's.
static void a_job_may_be_taken_back_as_it_arrives(void) {
    weir_pool *pool = rooms_pool(1, 0);
    job = (weir_job)WEIR_JOB_INIT(count, NULL);
    unsigned other = mc_spawn(submit_it, pool);
    bool back = wr_job_take_back(pool, &job);
    (void)mc_join(other);
    weir_pool_destroy(pool);
    MC_CHECK(rounds == (back ? 0 : 1));
    mc_outcome(back);
}

// ---- parted ----------------------------------------------------------------

static int owner; // of the name: an address

static int part_and_count(weir_worker *self, weir_job *of) {
    (void)of;
    bool first = rounds == 0;
    rounds++;
    if (first) {
        wr_job_part(self, &owner);
        wr_job_over(self);
    }
    return 0;
}

static void count_end(weir_job *of, int status) {
    (void)of;
    (void)status;
    ended++;
}

// A job that parts is used again while its run goes on.
static void a_job_that_has_parted_may_be_used_again(void) {
    weir_pool *pool = rooms_pool(1, 0);
    job = (weir_job)WEIR_JOB_INIT(part_and_count, count_end);
    MC_CHECK(weir_submit(pool, &job) == 0);
    await_state(&job, WR_JOB_ENDED);
    MC_CHECK(weir_submit(pool, &job) == 0);
    weir_pool_destroy(pool);
    MC_CHECK(rounds == 2 && ended == 1);
}

// ---- names -----------------------------------------------------------------

static char text[2];
static rooms_flag looked;

static int take_a_name(weir_worker *self, weir_job *of) {
    (void)of;
    wr_job_part(self, &owner);
    text[0] = 'b';
    wr_job_named(self, text);
    rooms_await(&looked);
    wr_job_over(self);
    return 0;
}

static void a_name_may_be_read_once_it_is_seen(void) {
    weir_pool *pool = rooms_pool(1, 0);
    job = (weir_job)WEIR_JOB_INIT(take_a_name, NULL);
    job.name = "a";
    MC_CHECK(weir_submit(pool, &job) == 0);
    weir_stop_report report = {.size = sizeof(report)};
    MC_CHECK(weir_pool_stop(pool, WEIR_STOP_DRAIN, 0, &report) == -ETIMEDOUT);
    int found = 0;
    if (report.running == 1)
        found = report.running_jobs[0].name[0];
    MC_CHECK(report.running == 0 || found == 'a' || found == 'b');
    rooms_raise(&looked);
    weir_pool_destroy(pool);
    mc_outcome((uint64_t)found);
}

#define BOUNDED(case, most)                                                    \
    { .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most }

static const uint64_t either[] = {0, 1, MC_OUTCOMES_END};
static const uint64_t names[] = {0, 'a', 'b', MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    BOUNDED(a_job_may_be_used_again_once_it_has_ended, 1),
    BOUNDED(a_job_that_was_taken_back_may_be_used_again, 1),
    {.name = "a_job_may_be_taken_back_as_it_arrives",
     .body = a_job_may_be_taken_back_as_it_arrives,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .stale = 1,
     .outcomes = either},
    BOUNDED(a_job_that_has_parted_may_be_used_again, 1),
    {.name = "a_name_may_be_read_once_it_is_seen",
     .body = a_name_may_be_read_once_it_is_seen,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .timeouts = 1,
     .outcomes = names},
    {.name = NULL},
};
