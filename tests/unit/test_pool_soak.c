// SPDX-License-Identifier: MIT
// Everything at once: jobs that by chance submit, attach, open scopes, fork,
// cancel, yield, broadcast and enter blocking sections. Whatever the order,
// each piece ends once, waits nest only over descendants, sums are right.
#include "support/pool.h"

#include "base/random.h"

enum { INDEXES = 256, DEPTH = 4 };

// One piece of work; `parent` is what it descends from, NULL if submitted.
typedef struct piece {
    weir_job job;
    weir_fork fork;
    const struct piece *parent;
    const struct piece *beneath;
    weir_event *owned; // freed with the piece
    uint64_t random;
    int depth;
    long sum; // pieces in its scopes and forks, itself included
    int ended;
    int status;
} piece;

static const piece *live[INDEXES];
static tally accepted, ended;

static void piece_body(weir_worker *self, piece *p);

static int piece_run(weir_worker *self, weir_job *job) {
    piece_body(self, (piece *)job);
    return 0;
}

static void piece_fork_run(weir_worker *self, weir_fork *fork) {
    piece_body(self, (piece *)(void *)((char *)fork - offsetof(piece, fork)));
}

static piece piece_of(const piece *parent, int depth, uint64_t *random) {
    return (piece){.job = WEIR_JOB_INIT(piece_run, NULL),
                   .parent = parent,
                   .depth = depth,
                   .random = wr_random_next(random)};
}

// ---- loose pieces: submitted or attached, freed by done --------------------

static void loose_done(weir_job *job, int status) {
    piece *p = (piece *)job;
    CHECK_EQ(status, weir_job_ran(job) ? 0 : -ECANCELED);
    CHECK(live[weir_worker_index(weir_worker_self())] == NULL);
    CHECK_EQ(++p->ended, 1);
    tally_add(&ended);
    free(p->owned);
    memset(p, 0xa5, sizeof(*p));
    free(p);
}

static piece *loose_new(int depth, uint64_t *random) {
    piece *p = malloc(sizeof(*p));
    CHECK(p != NULL);
    *p = piece_of(NULL, depth, random);
    p->job.done = loose_done;
    p->job.priority = (int32_t)wr_random_below(random, 3) - 1;
    return p;
}

static void loose_submit(weir_pool *pool, int depth, uint64_t *random) {
    piece *p = loose_new(depth, random);
    tally_add(&accepted);
    submit(pool, &p->job);
}

// Attached to an event of its own and fired, cancelled or detached.
static void loose_attach(weir_pool *pool, int depth, uint64_t *random) {
    piece *p = loose_new(depth, random);
    weir_event *event = p->owned = malloc(sizeof(*event));
    CHECK(event != NULL);
    weir_event_init(event, pool, 1);
    uint32_t way = wr_random_below(random, 4);
    CHECK_EQ(weir_event_attach(event, NULL, &p->job), 0);
    if (way == 0) {
        CHECK_EQ(weir_event_detach(event, &p->job), 0);
        free(event);
        free(p);
        return;
    }
    tally_add(&accepted);
    if (way == 1)
        CHECK_EQ(weir_cancel(pool, &p->job), 0);
    else
        CHECK_EQ(weir_event_fire(event, 0), 0);
}

// ---- descendants -----------------------------------------------------------

static void child_done(weir_job *job, int status) {
    piece *p = (piece *)job;
    p->ended++;
    p->status = status;
    if (!weir_job_ran(job))
        p->sum = 0;
}

static void do_scope(weir_worker *self, piece *p) {
    piece children[5];
    uint32_t count = wr_random_below(&p->random, 6);
    uint32_t cancel = wr_random_below(&p->random, 8);
    weir_scope_options options = WEIR_SCOPE_OPTIONS_INIT;
    options.fifo = (int)wr_random_below(&p->random, 2);
    options.stop_on_error = (int)wr_random_below(&p->random, 2);
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, &options), 0);
    for (uint32_t i = 0; i < count; i++) {
        children[i] = piece_of(p, p->depth - 1, &p->random);
        children[i].job.done = child_done;
        children[i].job.key = wr_random_next(&p->random);
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    if (cancel == 0)
        weir_scope_cancel(&scope);
    else if (cancel == 1 && count > 0)
        (void)weir_cancel(weir_worker_pool(self), &children[0].job);
    int status = weir_scope_wait(self, &scope);
    int expected = 0;
    for (uint32_t i = 0; i < count; i++) {
        CHECK_EQ(children[i].ended, 1);
        CHECK(children[i].status == 0 || children[i].status == -ECANCELED);
        if (children[i].status != 0)
            expected = -ECANCELED;
        p->sum += children[i].sum;
    }
    CHECK_EQ(status, expected);
}

static void do_forks(weir_worker *self, piece *p) {
    piece children[4];
    uint32_t count = 1 + wr_random_below(&p->random, 4);
    for (uint32_t i = 0; i < count; i++) {
        children[i] = piece_of(p, p->depth - 1, &p->random);
        weir_fork_begin(self, &children[i].fork, piece_fork_run);
    }
    for (uint32_t i = count; i-- > 0;) {
        weir_fork_join(self, &children[i].fork, piece_fork_run);
        CHECK(children[i].sum > 0);
        p->sum += children[i].sum;
    }
}

static void count_worker(weir_worker *self, void *arg) {
    CHECK(weir_worker_self() == self);
    tally_add(arg);
}

static void do_broadcast(weir_worker *self) {
    weir_pool *pool = weir_worker_pool(self);
    tally count;
    tally_init(&count);
    CHECK_EQ(weir_broadcast(pool, count_worker, &count), 0);
    CHECK_EQ(tally_get(&count), weir_pool_width(pool));
}

static void do_section(weir_worker *self) {
    int error = weir_blocking_begin(self);
    CHECK(error == 0 || error == -EAGAIN);
    if (error != 0)
        return;
    sched_yield();
    weir_blocking_end(self);
}

static int direct_body(weir_worker *self, void *arg) {
    piece *p = arg;
    do_forks(self, p);
    return p->depth;
}

static void do_one(weir_worker *self, piece *p) {
    weir_pool *pool = weir_worker_pool(self);
    int status = -1;
    switch (wr_random_below(&p->random, 12)) {
    case 0: loose_submit(pool, p->depth - 1, &p->random); break;
    case 1: loose_attach(pool, p->depth - 1, &p->random); break;
    case 2: do_section(self); break;
    case 3: do_broadcast(self); break;
    case 4: weir_yield(self); break;
    case 5: CHECK(weir_cancelled(self) != -ETIMEDOUT); break;
    case 6:
        CHECK_EQ(weir_run(pool, direct_body, p, &status), 0);
        CHECK_EQ(status, p->depth);
        break;
    case 7:
    case 8:
    case 9: do_scope(self, p); break;
    default: do_forks(self, p); break;
    }
}

static void piece_body(weir_worker *self, piece *p) {
    unsigned index = weir_worker_index(self);
    CHECK(index < INDEXES);
    CHECK_EQ(p->ended, 0);
    p->beneath = live[index];
    const piece *a = p->parent;
    while (a != NULL && a != p->beneath)
        a = a->parent;
    CHECK(a == p->beneath); // an ancestor, or a free worker
    live[index] = p;
    p->sum = 1;
    uint32_t count = p->depth > 0 ? 1 + wr_random_below(&p->random, 3) : 0;
    for (uint32_t i = 0; i < count; i++)
        do_one(self, p);
    CHECK_EQ(weir_worker_index(self), index);
    CHECK(live[index] == p);
    live[index] = p->beneath;
}

// ---- rounds ----------------------------------------------------------------

static uint64_t round_number;

static void soak_in(weir_pool *pool) {
    uint64_t random = ++round_number;
    tally_init(&accepted);
    tally_init(&ended);
    memset(live, 0, sizeof(live));
    for (int i = 0; i < 4; i++)
        loose_submit(pool, DEPTH, &random);
    wait_idle(pool);
    CHECK_EQ(tally_get(&ended), tally_get(&accepted));
    check_sum(pool);
}

static void everything_at_once(void) {
    for_each_pool(soak_in);
    for (int threads = 1; threads <= 4; threads++) {
        weir_pool *pool = pool_of(threads);
        for (int i = 0; i < 60; i++)
            soak_in(pool);
        pool_close(pool);
    }
}

static void everything_at_once_without_stand_ins(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.stand_ins = WEIR_STAND_INS_NONE;
    options.fork_depth = 3;
    for_each_pool_with(&options, soak_in, TEST_SEEDS);
    for (int threads = 1; threads <= 4; threads++) {
        options.threads = threads;
        weir_pool *pool = pool_open(&options);
        for (int i = 0; i < 60; i++)
            soak_in(pool);
        pool_close(pool);
    }
}

static void everything_at_once_on_a_budget(void) {
    for (unsigned tokens = 1; tokens <= 3; tokens++) {
        weir_budget *budget = NULL;
        CHECK_EQ(weir_budget_create(&budget, tokens), 0);
        weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
        options.threads = 3;
        options.budget = budget;
        weir_pool *pool = pool_open(&options);
        for (int i = 0; i < 60; i++)
            soak_in(pool);
        unsigned highest;
        CHECK_EQ(weir_budget_held(budget, &highest), 0);
        CHECK(highest <= tokens);
        pool_close(pool);
        weir_budget_destroy(budget);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"everything_at_once", everything_at_once},
        {"everything_at_once_without_stand_ins",
         everything_at_once_without_stand_ins},
        {"everything_at_once_on_a_budget", everything_at_once_on_a_budget},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
