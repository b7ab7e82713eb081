// SPDX-License-Identifier: MIT
// Events against the reuse of their memory: whoever learns that one happened
// may free it at once, though the fire is still on its way out.
#include "model/models/rooms.h"

typedef struct box { // what goes with an event
    weir_event event;
    weir_job job;
    unsigned ran;
} box;

static box *new_box(weir_pool *pool) {
    box *b = calloc(1, sizeof(*b));
    MC_CHECK(b != NULL);
    weir_event_init(&b->event, pool, 1);
    return b;
}

static void *fire(void *memory) {
    MC_CHECK(weir_event_fire(&((box *)memory)->event, -EIO) == 0);
    return NULL;
}

// No worker: all of it happens between threads outside.
static void who_has_waited_may_free_it(void) {
    weir_pool *pool = rooms_pool_without_workers();
    box *b = new_box(pool);
    unsigned other = mc_spawn(fire, b);
    int status = 0;
    MC_CHECK(weir_event_wait(&b->event, WEIR_FOREVER, &status) == 0);
    MC_CHECK(status == -EIO);
    free(b);
    (void)mc_join(other);
}

static void *wait_too(void *memory) {
    int status = 0;
    MC_CHECK(weir_event_wait(memory, WEIR_FOREVER, &status) == 0);
    MC_CHECK(status == -EIO);
    return NULL;
}

static void all_who_wait_are_told(void) {
    weir_pool *pool = rooms_pool_without_workers();
    static weir_event event;
    weir_event_init(&event, pool, 1);
    unsigned a = mc_spawn(wait_too, &event);
    unsigned b = mc_spawn(wait_too, &event);
    MC_CHECK(weir_event_fire(&event, -EIO) == 0);
    (void)mc_join(a);
    (void)mc_join(b);
}

static void the_last_of_two_fires_counts(void) {
    weir_pool *pool = rooms_pool_without_workers();
    box *b = calloc(1, sizeof(*b));
    MC_CHECK(b != NULL);
    weir_event_init(&b->event, pool, 2);
    unsigned one = mc_spawn(fire, b);
    unsigned two = mc_spawn(fire, b);
    MC_CHECK(weir_event_wait(&b->event, WEIR_FOREVER, NULL) == 0);
    free(b);
    (void)mc_join(one);
    (void)mc_join(two);
}

static void a_wait_that_times_out_leaves_it_as_it_was(void) {
    weir_pool *pool = rooms_pool_without_workers();
    box *b = new_box(pool);
    unsigned other = mc_spawn(fire, b);
    int error = weir_event_wait(&b->event, wr_now_ns() + 1, NULL);
    MC_CHECK(error == 0 || error == -ETIMEDOUT);
    (void)mc_join(other);
    MC_CHECK(weir_event_wait(&b->event, 0, NULL) == 0);
    free(b);
}

// ---- with a worker ---------------------------------------------------------

static box *box_of(weir_job *job) { return wr_container_of(job, box, job); }

static rooms_flag gone;

static int count(weir_worker *self, weir_job *job) {
    (void)self;
    box_of(job)->ran++;
    return 0;
}

static void free_box(weir_job *job, int status) {
    MC_CHECK(status == 0 && box_of(job)->ran == 1);
    free(box_of(job));
    rooms_raise(&gone);
}

static void a_continuation_may_free_its_event(void) {
    weir_pool *pool = rooms_pool(1, 0);
    box *b = new_box(pool);
    b->job = (weir_job)WEIR_JOB_INIT(count, free_box);
    unsigned other = mc_spawn(fire, b);
    MC_CHECK(weir_event_attach(&b->event, NULL, &b->job) == 0);
    rooms_await(&gone);
    (void)mc_join(other);
    weir_pool_destroy(pool);
}

static void a_detach_or_the_event_wins(void) {
    weir_pool *pool = rooms_pool(1, 0);
    box *b = new_box(pool);
    b->job = (weir_job)WEIR_JOB_INIT(count, NULL);
    MC_CHECK(weir_event_attach(&b->event, NULL, &b->job) == 0);
    unsigned other = mc_spawn(fire, b);
    int error = weir_event_detach(&b->event, &b->job);
    MC_CHECK(error == 0 || error == -EALREADY);
    if (error == 0)
        b->job = (weir_job){0}; // it is ours
    (void)mc_join(other);
    weir_pool_destroy(pool);
    MC_CHECK(b->ran == (error != 0));
    free(b);
}

// The job's done fires what its submitter waits for.
static void fire_own(weir_job *job, int status) {
    MC_CHECK(weir_event_fire(&box_of(job)->event, status) == 0);
}

static void a_job_may_be_waited_for_by_its_done(void) {
    weir_pool *pool = rooms_pool(1, 0);
    box *b = new_box(pool);
    b->job = (weir_job)WEIR_JOB_INIT(count, fire_own);
    MC_CHECK(weir_submit(pool, &b->job) == 0);
    MC_CHECK(weir_event_wait(&b->event, WEIR_FOREVER, NULL) == 0);
    MC_CHECK(b->ran == 1);
    free(b);
    weir_pool_destroy(pool);
}

#define BOUNDED(case, most)                                                    \
    { .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most }

const mc_case mc_cases[] = {
    BOUNDED(who_has_waited_may_free_it, 3),
    BOUNDED(all_who_wait_are_told, 2),
    BOUNDED(the_last_of_two_fires_counts, 2),
    {.name = "a_wait_that_times_out_leaves_it_as_it_was",
     .body = a_wait_that_times_out_leaves_it_as_it_was,
     .mode = MC_BOUNDED,
     .preemptions = 3,
     .timeouts = 1},
    BOUNDED(a_continuation_may_free_its_event, 1),
    BOUNDED(a_detach_or_the_event_wins, 1),
    BOUNDED(a_job_may_be_waited_for_by_its_done, 2),
    {.name = NULL},
};
