// SPDX-License-Identifier: MIT
// Gangs: their jobs run at the same time or not at all, whatever else there is,
// and each of them ends once.
#include "model/models/rooms.h"
#include "pool/gang.h"

typedef struct member {
    weir_job job;
    unsigned gang, index;
} member;

enum { GANGS = 2, MEMBERS = 2 };

static member *members[GANGS]; // of each gang, an array
static rooms_flag here[GANGS][MEMBERS];
static unsigned ran[GANGS][MEMBERS], ended[GANGS][MEMBERS];
static unsigned claims[GANGS];

// Goes on when the other runs too: the pool does not see it wait.
static int meet(weir_worker *self, weir_job *job) {
    (void)self;
    const member *own = wr_container_of(job, member, job);
    rooms_raise(&here[own->gang][own->index]);
    rooms_await(&here[own->gang][1 - own->index]);
    ran[own->gang][own->index]++;
    return 0;
}

static void note_end(weir_job *job, int status) {
    const member *own = wr_container_of(job, member, job);
    MC_CHECK(status == (weir_job_ran(job) ? 0 : -ESHUTDOWN));
    ended[own->gang][own->index]++;
}

static bool claim(weir_job *first) {
    claims[wr_container_of(first, member, job)->gang]++;
    return true;
}

// From here on their memory is the submitter's.
static bool give_away(weir_job *first) {
    member *all = wr_container_of(first, member, job);
    (void)wr_pool_refuses(wr_worker_current()->pool); // no lock is held
    claims[all->gang]++;
    free(all);
    return false;
}

static int submit_gang(weir_pool *pool, unsigned gang,
                       bool (*claimed)(weir_job *first)) {
    member *all = calloc(MEMBERS, sizeof(*all));
    for (unsigned i = 0; i < MEMBERS; i++)
        all[i] = (member){
            .job = WEIR_JOB_INIT(meet, note_end), .gang = gang, .index = i};
    members[gang] = all;
    return wr_gang_submit(pool, &all[0].job, sizeof(*all), MEMBERS, claimed);
}

static void free_gang(unsigned gang) { free(members[gang]); }

static void check_ran_once(unsigned gang) {
    MC_CHECK(claims[gang] == 1);
    for (unsigned i = 0; i < MEMBERS; i++)
        MC_CHECK(ran[gang][i] == 1 && ended[gang][i] == 1);
}

static void gangs_do_not_take_half_the_seats_each(void) {
    weir_pool *pool = rooms_pool(2, 0);
    MC_CHECK(submit_gang(pool, 0, claim) == 0);
    MC_CHECK(submit_gang(pool, 1, claim) == 0);
    weir_pool_destroy(pool);
    check_ran_once(0);
    check_ran_once(1);
    free_gang(0);
    free_gang(1);
}

// ---- beside other work -----------------------------------------------------

static weir_job single, waiter;
static unsigned single_runs;

static int run_single(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    single_runs++;
    return 0;
}

static void a_gang_and_a_single_job_both_run(void) {
    weir_pool *pool = rooms_pool(2, 0);
    single = (weir_job)WEIR_JOB_INIT(run_single, NULL);
    MC_CHECK(weir_submit(pool, &single) == 0);
    MC_CHECK(submit_gang(pool, 0, claim) == 0);
    weir_pool_destroy(pool);
    check_ran_once(0);
    MC_CHECK(single_runs == 1);
    free_gang(0);
}

// Its jobs are gone: the workers know by then what they need of them.
static void a_gang_that_is_not_claimed_is_not_touched(void) {
    weir_pool *pool = rooms_pool(2, 0);
    MC_CHECK(submit_gang(pool, 0, give_away) == 0);
    weir_stop_report report = {.size = sizeof(report)};
    MC_CHECK(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, &report) == 0);
    MC_CHECK(report.run == 0 && report.not_run == MEMBERS);
    MC_CHECK(report.remaining == 0 && report.shut_down == 0);
    MC_CHECK(claims[0] == 1 && ran[0][0] + ran[0][1] == 0);
    weir_pool_destroy(pool);
}

static void a_stop_ends_a_gang_or_it_runs(void) {
    weir_pool *pool = rooms_pool(2, 0);
    MC_CHECK(submit_gang(pool, 0, claim) == 0);
    weir_stop_report report = {.size = sizeof(report)};
    MC_CHECK(weir_pool_stop(pool, WEIR_STOP_CANCEL, WEIR_FOREVER, &report) ==
             0);
    MC_CHECK(report.run + report.not_run == MEMBERS && report.remaining == 0);
    for (unsigned i = 0; i < MEMBERS; i++)
        MC_CHECK(ended[0][i] == 1 && ran[0][i] == claims[0]);
    MC_CHECK(claims[0] <= 1);
    weir_pool_destroy(pool);
    free_gang(0);
}

// ---- members and others that wait ------------------------------------------

static weir_event event;
static rooms_flag begun;

static int fire_event(weir_worker *self, weir_job *job) {
    MC_CHECK(weir_event_fire(&event, 0) == 0);
    return run_single(self, job);
}

static int wait_for_event(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    rooms_raise(&begun);
    return weir_event_wait(&event, WEIR_FOREVER, NULL);
}

// The first waits for a single job, the second spins for the first.
static int wait_then_meet(weir_worker *self, weir_job *job) {
    const member *own = wr_container_of(job, member, job);
    if (own->index == 0) {
        single = (weir_job)WEIR_JOB_INIT(fire_event, NULL);
        MC_CHECK(weir_submit(weir_worker_pool(self), &single) == 0);
        MC_CHECK(wait_for_event(self, job) == 0);
    }
    return meet(self, job);
}

static void a_member_may_wait_for_a_single_job(void) {
    weir_pool *pool = rooms_pool(2, 1);
    weir_event_init(&event, pool, 1);
    member all[MEMBERS] = {
        {.job = WEIR_JOB_INIT(wait_then_meet, note_end)},
        {.job = WEIR_JOB_INIT(wait_then_meet, note_end), .index = 1}};
    MC_CHECK(
        wr_gang_submit(pool, &all[0].job, sizeof(all[0]), MEMBERS, claim) == 0);
    weir_pool_destroy(pool);
    check_ran_once(0);
    MC_CHECK(single_runs == 1);
}

// Nobody can stand in: who holds a seat for the gang must run what the other
// worker waits for.
static void who_is_reserved_runs_what_the_other_waits_for(void) {
    weir_pool *pool = rooms_pool(2, 0);
    weir_event_init(&event, pool, 1);
    waiter = (weir_job)WEIR_JOB_INIT(wait_for_event, NULL);
    single = (weir_job)WEIR_JOB_INIT(fire_event, NULL);
    MC_CHECK(weir_submit(pool, &waiter) == 0);
    rooms_await(&begun);
    MC_CHECK(submit_gang(pool, 0, claim) == 0);
    MC_CHECK(weir_submit(pool, &single) == 0);
    weir_pool_destroy(pool);
    check_ran_once(0);
    MC_CHECK(single_runs == 1);
    free_gang(0);
}

// ---- broadcasts ------------------------------------------------------------

static rooms_flag served[2];

static void serve(weir_worker *self, void *unused) {
    (void)unused;
    rooms_raise(&served[weir_worker_index(self)]);
}

// Its worker can serve only after the other one has.
static int wait_for_other(weir_worker *self, weir_job *job) {
    rooms_raise(&begun);
    rooms_await(&served[1 - weir_worker_index(self)]);
    return run_single(self, job);
}

static void who_is_reserved_serves_broadcasts(void) {
    weir_pool *pool = rooms_pool(2, 0);
    single = (weir_job)WEIR_JOB_INIT(wait_for_other, NULL);
    MC_CHECK(weir_submit(pool, &single) == 0);
    rooms_await(&begun);
    MC_CHECK(submit_gang(pool, 0, claim) == 0);
    MC_CHECK(weir_broadcast(pool, serve, NULL) == 0);
    weir_pool_destroy(pool);
    check_ran_once(0);
    MC_CHECK(single_runs == 1);
    free_gang(0);
}

#define BOUNDED(case, most)                                                    \
    {                                                                          \
        .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most,  \
        .stale = 1                                                             \
    }

const mc_case mc_cases[] = {
    BOUNDED(gangs_do_not_take_half_the_seats_each, 1),
    BOUNDED(a_gang_and_a_single_job_both_run, 1),
    BOUNDED(a_gang_that_is_not_claimed_is_not_touched, 1),
    BOUNDED(a_stop_ends_a_gang_or_it_runs, 1),
    BOUNDED(a_member_may_wait_for_a_single_job, 1),
    BOUNDED(who_is_reserved_runs_what_the_other_waits_for, 1),
    BOUNDED(who_is_reserved_serves_broadcasts, 0),
    {.name = NULL},
};
