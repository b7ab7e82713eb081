// SPDX-License-Identifier: MIT
// Fork and join: right results at any width, LIFO, full deques, stealing, and
// that a wait helps its own descendants only.
#include "support/pool.h"

typedef int on_worker(weir_worker *self, void *arg);

static on_worker *current;

static void current_in(weir_pool *pool) {
    int status = 1;
    CHECK_EQ(weir_run(pool, current, NULL, &status), 0);
    CHECK_EQ(status, 0);
}

static void on_each_pool(on_worker *function) {
    current = function;
    for_each_pool(current_in);
}

// ---- results ---------------------------------------------------------------

typedef struct fib_fork {
    weir_fork fork;
    int n;
    long value;
} fib_fork;

static long fib(weir_worker *self, int n);

static void fib_run(weir_worker *self, weir_fork *fork) {
    fib_fork *f = (fib_fork *)fork;
    CHECK(weir_worker_self() == self);
    f->value = fib(self, f->n);
}

static long fib(weir_worker *self, int n) {
    if (n < 2)
        return n;
    fib_fork right = {.n = n - 2};
    weir_fork_begin(self, &right.fork, fib_run);
    long left = fib(self, n - 1);
    weir_fork_join(self, &right.fork, fib_run);
    return left + right.value;
}

static int fib_body(weir_worker *self, void *arg) {
    (void)arg;
    CHECK_EQ(fib(self, 10), 55);
    return 0;
}

static void forks_give_the_right_sum(void) { on_each_pool(fib_body); }

static int big_fib_body(weir_worker *self, void *arg) {
    (void)arg;
    CHECK_EQ(fib(self, 20), 6765);
    return 0;
}

static void many_forks_on_many_workers(void) {
    static const int widths[] = {1, 2, 3, 4};
    current = big_fib_body;
    for (int i = 0; i < 4; i++) {
        weir_pool *pool = pool_of(widths[i]);
        for (int round = 0; round < 10; round++)
            current_in(pool);
        pool_close(pool);
    }
}

// A tree that leans to one side: the left branch loses 1, the right 3 quarters.
typedef struct lean {
    weir_fork fork;
    unsigned size;
    long nodes;
} lean;

static void lean_run(weir_worker *self, weir_fork *fork) {
    lean *l = (lean *)fork;
    l->nodes = 1;
    if (l->size < 2)
        return;
    lean left = {.size = l->size - 1};
    lean right = {.size = l->size / 4};
    weir_fork_begin(self, &left.fork, lean_run);
    weir_fork_begin(self, &right.fork, lean_run);
    weir_fork_join(self, &right.fork, lean_run);
    weir_fork_join(self, &left.fork, lean_run);
    l->nodes += left.nodes + right.nodes;
}

static long lean_nodes(unsigned size) {
    return size < 2 ? 1 : 1 + lean_nodes(size - 1) + lean_nodes(size / 4);
}

static unsigned lean_size;

static int lean_body(weir_worker *self, void *arg) {
    (void)arg;
    lean root = {.size = lean_size};
    lean_run(self, &root.fork);
    CHECK_EQ(root.nodes, lean_nodes(lean_size));
    return 0;
}

static void uneven_trees_give_the_right_sum(void) {
    lean_size = 12;
    on_each_pool(lean_body);
    lean_size = 60;
    static const int widths[] = {1, 2, 3, 4};
    for (int i = 0; i < 4; i++) {
        weir_pool *pool = pool_of(widths[i]);
        current_in(pool);
        pool_close(pool);
    }
}

// ---- mixed with scopes -----------------------------------------------------

typedef struct mixed {
    weir_fork fork;
    weir_job job;
    int depth;
    long sum;
} mixed;

static void mixed_run(weir_worker *self, weir_fork *fork);

static int mixed_job_run(weir_worker *self, weir_job *job) {
    mixed *m = (mixed *)(void *)((char *)job - offsetof(mixed, job));
    mixed_run(self, &m->fork);
    return 0;
}

static void mixed_run(weir_worker *self, weir_fork *fork) {
    mixed *m = (mixed *)fork;
    m->sum = 1;
    if (m->depth == 0)
        return;
    mixed forked = {.depth = m->depth - 1};
    mixed children[2];
    weir_scope scope;
    weir_fork_begin(self, &forked.fork, mixed_run);
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 2; i++) {
        children[i] = (mixed){.job = WEIR_JOB_INIT(mixed_job_run, NULL),
                              .depth = m->depth - 1};
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    weir_fork_join(self, &forked.fork, mixed_run);
    m->sum += forked.sum + children[0].sum + children[1].sum;
}

static int mixed_depth;

static int mixed_body(weir_worker *self, void *arg) {
    (void)arg;
    mixed root = {.depth = mixed_depth};
    mixed_run(self, &root.fork);
    long expected = 1;
    for (int i = 0; i < mixed_depth; i++)
        expected = 1 + 3 * expected;
    CHECK_EQ(root.sum, expected);
    return 0;
}

static void forks_in_scopes_in_forks(void) {
    mixed_depth = 3;
    on_each_pool(mixed_body);
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.stand_ins = WEIR_STAND_INS_NONE;
    for_each_pool_with(&options, current_in, TEST_SEEDS);
    mixed_depth = 7;
    for_each_pool_with(&options, current_in, 2);
}

// ---- the deque -------------------------------------------------------------

typedef struct mark {
    weir_fork fork;
    int id;
    int ran;
    int runs_before; // how many had run when this one did
} mark;

static int marks_run;

static void mark_run(weir_worker *self, weir_fork *fork) {
    (void)self;
    mark *m = (mark *)fork;
    m->ran++;
    m->runs_before = marks_run++;
}

static int full_body(weir_worker *self, void *arg) {
    (void)arg;
    mark marks[5] = {{.id = 0}};
    marks_run = 0;
    for (int i = 0; i < 5; i++) {
        weir_fork_begin(self, &marks[i].fork, mark_run);
        CHECK_EQ(marks[i].ran, i >= 2); // the third finds the deque full
    }
    for (int i = 4; i >= 0; i--) {
        weir_fork_join(self, &marks[i].fork, mark_run);
        CHECK_EQ(marks[i].ran, 1);
    }
    CHECK_EQ(fib(self, 12), 144);
    CHECK_EQ(marks[1].runs_before, 3);
    CHECK_EQ(marks[0].runs_before, 4);
    return 0;
}

static void a_full_deque_runs_forks_at_once(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.fork_depth = 2;
    weir_pool *pool = pool_open(&options);
    current = full_body;
    current_in(pool);
    CHECK(counts_of(pool).forks_inline >= 3);
    pool_close(pool);
}

static void a_full_deque_gives_right_results_at_any_width(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    static const unsigned depths[] = {1, 2, 3, 7};
    for (int i = 0; i < 4; i++) {
        options.fork_depth = depths[i];
        current = fib_body;
        for_each_pool_with(&options, current_in, 40);
        current = mixed_body;
        mixed_depth = 3;
        for_each_pool_with(&options, current_in, 40);
    }
}

static int deep_body(weir_worker *self, void *arg) {
    (void)arg;
    enum { DEEP = 6000 };
    static mark marks[DEEP];
    marks_run = 0;
    memset(marks, 0, sizeof(marks));
    for (int i = 0; i < DEEP; i++)
        weir_fork_begin(self, &marks[i].fork, mark_run);
    for (int i = DEEP - 1; i >= 0; i--)
        weir_fork_join(self, &marks[i].fork, mark_run);
    for (int i = 0; i < DEEP; i++)
        CHECK_EQ(marks[i].ran, 1);
    CHECK_EQ(marks_run, DEEP);
    return 0;
}

static void more_forks_than_the_default_depth(void) {
    weir_pool *pool = pool_of(1);
    current = deep_body;
    current_in(pool);
    CHECK_EQ(counts_of(pool).forks_inline, 6000 - 4096);
    pool_close(pool);
}

static int lifo_body(weir_worker *self, void *arg) {
    (void)arg;
    mark marks[8] = {{.id = 0}};
    marks_run = 0;
    for (int i = 0; i < 8; i++)
        weir_fork_begin(self, &marks[i].fork, mark_run);
    for (int i = 7; i >= 0; i--)
        weir_fork_join(self, &marks[i].fork, mark_run);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(marks[i].runs_before, 7 - i);
    return 0;
}

static void one_worker_runs_forks_newest_first_at_the_join(void) {
    weir_pool *pool = pool_of(1);
    current = lifo_body;
    current_in(pool);
    CHECK_EQ(counts_of(pool).steals, 0);
    pool_close(pool);
}

// ---- stealing --------------------------------------------------------------

typedef struct signal_fork {
    weir_fork fork;
    tally ran;
    gate *hold;
    unsigned index;
    int why;
} signal_fork;

static void signal_run(weir_worker *self, weir_fork *fork) {
    signal_fork *s = (signal_fork *)fork;
    s->index = weir_worker_index(self);
    mark_set(&s->ran);
    if (s->hold != NULL)
        gate_pass(s->hold);
}

static int stolen_body(weir_worker *self, void *arg) {
    (void)arg;
    signal_fork right = {.index = 99};
    tally_init(&right.ran);
    weir_fork_begin(self, &right.fork, signal_run);
    mark_await(&right.ran, 1); // this worker does not run it: another must
    weir_fork_join(self, &right.fork, signal_run);
    CHECK(right.index != weir_worker_index(self));
    CHECK_EQ(tally_get(&right.ran), 1);
    return 0;
}

static void an_idle_worker_takes_a_fork(void) {
    weir_pool *pool = pool_of(2);
    current = stolen_body;
    for (int i = 0; i < 200; i++)
        current_in(pool);
    CHECK_EQ(counts_of(pool).steals, 200);
    pool_close(pool);
}

// Width 2: one worker forks, the other takes the fork and is held in it. The
// join then waits, and lends its place: the job that opens the gate runs.
static gate thief_gate;

static int opener_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    gate_open(&thief_gate);
    return 0;
}

static int lending_body(weir_worker *self, void *arg) {
    weir_job *opener = arg;
    signal_fork right = {.hold = &thief_gate};
    tally_init(&right.ran);
    weir_fork_begin(self, &right.fork, signal_run);
    mark_await(&right.ran, 1);
    submit(weir_worker_pool(self), opener);
    weir_fork_join(self, &right.fork, signal_run);
    return 0;
}

static void a_join_that_waits_lends_its_place(void) {
    weir_pool *pool = pool_of(2);
    for (int i = 0; i < 50; i++) {
        gate_init(&thief_gate);
        weir_job opener = WEIR_JOB_INIT(opener_run, NULL);
        CHECK_EQ(weir_run(pool, lending_body, &opener, NULL), 0);
        wait_idle(pool);
        gate_fini(&thief_gate);
    }
    CHECK(counts_of(pool).loans >= 50);
    pool_close(pool);
}

static void told_run(weir_worker *self, weir_fork *fork) {
    signal_fork *s = (signal_fork *)fork;
    mark_set(&s->ran);
    while ((s->why = weir_cancelled(self)) == 0)
        sched_yield();
}

typedef struct told_job {
    weir_job job;
    weir_scope *scope;
    int why;
} told_job;

static int told_job_run(weir_worker *self, weir_job *job) {
    told_job *t = (told_job *)job;
    signal_fork right = {.why = 0};
    tally_init(&right.ran);
    weir_fork_begin(self, &right.fork, told_run);
    mark_await(&right.ran, 1); // taken by the other worker
    weir_scope_cancel(t->scope);
    weir_fork_join(self, &right.fork, told_run);
    t->why = right.why;
    return 0;
}

static int told_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_scope scope;
    told_job t = {.job = WEIR_JOB_INIT(told_job_run, NULL), .scope = &scope};
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    weir_scope_spawn(self, &scope, &t.job);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    CHECK_EQ(t.why, -ECANCELED);
    return 0;
}

static void a_stolen_fork_is_told_of_the_scope_around_it(void) {
    weir_pool *pool = pool_of(3);
    current = told_body;
    for (int i = 0; i < 50; i++)
        current_in(pool);
    pool_close(pool);
}

// Hooks: a stolen fork is entered with what the job that forked it was.
static int context_of_job;
static _Thread_local void *entered;

static void *context_capture(void *context) { return context; }

static void context_enter(void *context, void *captured) {
    (void)context;
    entered = captured;
}

static void context_leave(void *context, void *captured) {
    (void)context;
    CHECK(entered == captured);
    entered = NULL;
}

static void context_run(weir_worker *self, weir_fork *fork) {
    CHECK(entered == &context_of_job);
    signal_run(self, fork);
}

static int context_body(weir_worker *self, weir_job *job) {
    (void)job;
    CHECK(entered == &context_of_job);
    signal_fork right = {.index = 99};
    tally_init(&right.ran);
    weir_fork_begin(self, &right.fork, context_run);
    mark_await(&right.ran, 1); // stolen
    weir_fork_join(self, &right.fork, context_run);
    CHECK(entered == &context_of_job);
    return 0;
}

static void a_stolen_fork_is_entered_with_its_jobs_context(void) {
    weir_pool_hooks hooks = {.size = sizeof(hooks),
                             .context = &context_of_job,
                             .capture = context_capture,
                             .enter = context_enter,
                             .leave = context_leave};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.hooks = &hooks;
    weir_pool *pool = pool_open(&options);
    for (int i = 0; i < 100; i++) {
        weir_job job = WEIR_JOB_INIT(context_body, NULL);
        submit(pool, &job);
        wait_idle(pool);
    }
    pool_close(pool);
}

// ---- isolation -------------------------------------------------------------

// Every piece of work knows its ancestors by a path: the parent's record. At
// its start the piece that is live on the same index must be an ancestor; a
// submitted job must find the index free.
typedef struct piece {
    weir_job job;
    weir_fork fork;
    const struct piece *parent; // NULL: submitted
    const struct piece *beneath;
    int depth;
    unsigned random;
} piece;

enum { INDEXES = 256 };
static const piece *live[INDEXES];

static void piece_enter(piece *p, unsigned index) {
    CHECK(index < INDEXES);
    p->beneath = live[index];
    if (p->beneath != NULL) {
        const piece *a = p->parent;
        while (a != NULL && a != p->beneath)
            a = a->parent;
        if (a == NULL)
            CHECK_FAIL("unrelated work started above a waiting one");
    }
    live[index] = p;
}

static void piece_leave(piece *p, unsigned index) {
    CHECK(live[index] == p);
    live[index] = p->beneath;
}

static void piece_body(weir_worker *self, piece *p);

static int piece_job_run(weir_worker *self, weir_job *job) {
    piece_body(self, (piece *)job);
    return 0;
}

static void piece_fork_run(weir_worker *self, weir_fork *fork) {
    piece_body(self, (piece *)(void *)((char *)fork - offsetof(piece, fork)));
}

static tally loose; // submitted pieces that have not ended

static void piece_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    CHECK(live[weir_worker_index(weir_worker_self())] == NULL);
    tally_take(&loose);
    free(job);
}

static piece piece_of(const piece *parent, int depth, unsigned random) {
    return (piece){.job = WEIR_JOB_INIT(piece_job_run, NULL),
                   .parent = parent,
                   .depth = depth,
                   .random = random * 1103515245u + 12345u};
}

static void piece_submit(weir_pool *pool, int depth, unsigned random) {
    piece *p = calloc(1, sizeof(*p));
    CHECK(p != NULL);
    *p = piece_of(NULL, depth, random);
    p->job.done = piece_done;
    tally_add(&loose);
    submit(pool, &p->job);
}

static void piece_scope(weir_worker *self, piece *p, unsigned random) {
    piece children[3];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        children[i] = piece_of(p, p->depth - 1, random + i);
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
}

static void piece_forks(weir_worker *self, piece *p, unsigned random) {
    piece left = piece_of(p, p->depth - 1, random);
    piece right = piece_of(p, p->depth - 1, random + 7);
    weir_fork_begin(self, &left.fork, piece_fork_run);
    weir_fork_begin(self, &right.fork, piece_fork_run);
    weir_fork_join(self, &right.fork, piece_fork_run);
    weir_fork_join(self, &left.fork, piece_fork_run);
}

static void piece_body(weir_worker *self, piece *p) {
    unsigned index = weir_worker_index(self);
    unsigned choice = p->random >> 16;
    piece_enter(p, index);
    if (p->depth > 0) {
        if (choice % 4 == 0)
            piece_submit(weir_worker_pool(self), 0, p->random + 31);
        if (choice % 2 == 0)
            piece_scope(self, p, p->random);
        else
            piece_forks(self, p, p->random);
        if (choice % 8 == 3)
            weir_yield(self);
        CHECK_EQ(weir_worker_index(self), index);
    }
    piece_leave(p, index);
}

static unsigned isolation_round;

static void isolation_in(weir_pool *pool) {
    tally_init(&loose);
    memset(live, 0, sizeof(live));
    for (unsigned i = 0; i < 8; i++)
        piece_submit(pool, 3, isolation_round++);
    wait_idle(pool);
    CHECK_EQ(tally_get(&loose), 0);
}

static void a_wait_runs_only_what_it_waits_for(void) {
    for_each_pool(isolation_in);
    static const int widths[] = {2, 3, 4};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(widths[i]);
        for (int round = 0; round < 100; round++)
            isolation_in(pool);
        pool_close(pool);
    }
}

// ---- rules -----------------------------------------------------------------

static int out_of_order_body(weir_worker *self, void *arg) {
    (void)arg;
    mark first = {.id = 1}, second = {.id = 2};
    weir_fork_begin(self, &first.fork, mark_run);
    weir_fork_begin(self, &second.fork, mark_run);
    weir_fork_join(self, &first.fork, mark_run);
    return 0;
}

static int unjoined_body(weir_worker *self, void *arg) {
    (void)arg;
    static mark m;
    weir_fork_begin(self, &m.fork, mark_run);
    return 0;
}

static int joined_twice_body(weir_worker *self, void *arg) {
    (void)arg;
    mark m = {.id = 1};
    weir_fork_begin(self, &m.fork, mark_run);
    weir_fork_join(self, &m.fork, mark_run);
    weir_fork_join(self, &m.fork, mark_run);
    return 0;
}

static void other_run(weir_worker *self, weir_fork *fork) {
    mark_run(self, fork);
}

static int other_function_body(weir_worker *self, void *arg) {
    (void)arg;
    mark m = {.id = 1};
    weir_fork_begin(self, &m.fork, mark_run);
    weir_fork_join(self, &m.fork, other_run);
    return 0;
}

static void leaving_run(weir_worker *self, weir_fork *fork) {
    (void)fork;
    static mark m;
    weir_fork_begin(self, &m.fork, mark_run);
}

static int unjoined_in_fork_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_fork fork;
    weir_fork_begin(self, &fork, leaving_run);
    weir_fork_join(self, &fork, leaving_run);
    return 0;
}

static int unjoined_in_stolen_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_fork fork;
    tally never;
    tally_init(&never);
    weir_fork_begin(self, &fork, leaving_run);
    tally_await(&never, 1); // the thief aborts
    return 0;
}

static void abort_with(on_worker *function) {
    weir_pool *pool = pool_of(1);
    int error = weir_run(pool, function, NULL, NULL);
    (void)error;
}

// What ran in begin once is an ordinary fork the next time.
static int out_of_order_again_body(weir_worker *self, void *arg) {
    (void)arg;
    mark full[3] = {{.id = 1}}, again = {.id = 2};
    for (int i = 0; i < 3; i++)
        weir_fork_begin(self, &full[i].fork, mark_run);
    weir_fork_begin(self, &again.fork, mark_run);
    CHECK_EQ(again.ran, 1);
    weir_fork_join(self, &again.fork, mark_run);
    for (int i = 2; i >= 0; i--)
        weir_fork_join(self, &full[i].fork, mark_run);
    weir_fork_begin(self, &full[0].fork, mark_run);
    weir_fork_begin(self, &again.fork, mark_run);
    weir_fork_begin(self, &full[1].fork, mark_run);
    weir_fork_join(self, &again.fork, mark_run);
    _exit(0);
}

static void out_of_order_again(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.fork_depth = 3;
    weir_pool *pool = pool_open(&options);
    int error = weir_run(pool, out_of_order_again_body, NULL, NULL);
    (void)error;
}

static void out_of_order(void) { abort_with(out_of_order_body); }

static void unjoined(void) { abort_with(unjoined_body); }

static void joined_twice(void) { abort_with(joined_twice_body); }

static void other_function(void) { abort_with(other_function_body); }

static void unjoined_in_fork(void) { abort_with(unjoined_in_fork_body); }

static void unjoined_in_stolen(void) {
    weir_pool *pool = pool_of(2);
    int error = weir_run(pool, unjoined_in_stolen_body, NULL, NULL);
    (void)error;
}

static void a_join_out_of_order_or_left_out_aborts(void) {
    check_aborts(out_of_order, "join");
    check_aborts(out_of_order_again, "join");
    check_aborts(joined_twice, "join");
    check_aborts(other_function, "join");
    check_aborts(unjoined, "fork");
    check_aborts(unjoined_in_fork, "fork");
    check_aborts(unjoined_in_stolen, "fork");
}

// A child that was taken by another worker spawns a sibling, once who waits for
// both is asleep, and goes on when that has begun: no other worker is there.
typedef struct mother {
    weir_job job;
    weir_scope *scope;
    work *other;
} mother;

static tally mother_started, newcomer_started;

static int newcomer_run(weir_worker *self, weir_job *job) {
    tally_add(&newcomer_started);
    return work_run(self, job);
}

static int mother_run(weir_worker *self, weir_job *job) {
    mother *c = (mother *)job;
    weir_pool *pool = weir_worker_pool(self);
    uint64_t parks = counts_of(pool).parks;
    tally_add(&mother_started);
    while (counts_of(pool).parks == parks)
        sched_yield();
    weir_scope_spawn(self, c->scope, &c->other->job);
    tally_await(&newcomer_started, 1);
    return 0;
}

static int newcomer_body(weir_worker *self, void *arg) {
    (void)arg;
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    work other = work_of(0);
    other.job.run = newcomer_run;
    mother child = {.job = WEIR_JOB_INIT(mother_run, NULL),
                    .scope = &scope,
                    .other = &other};
    weir_scope_spawn(self, &scope, &child.job);
    tally_await(&mother_started, 1); // on the other worker
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    CHECK_EQ(other.ran, 1);
    return 0;
}

static void a_waiter_runs_a_child_that_comes_late(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *pool = pool_open(&options);
    for (int i = 0; i < 20; i++) {
        tally_init(&mother_started);
        tally_init(&newcomer_started);
        CHECK_EQ(weir_run(pool, newcomer_body, NULL, NULL), 0);
    }
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"forks_give_the_right_sum", forks_give_the_right_sum},
        {"many_forks_on_many_workers", many_forks_on_many_workers},
        {"uneven_trees_give_the_right_sum", uneven_trees_give_the_right_sum},
        {"forks_in_scopes_in_forks", forks_in_scopes_in_forks},
        {"a_full_deque_runs_forks_at_once", a_full_deque_runs_forks_at_once},
        {"a_full_deque_gives_right_results_at_any_width",
         a_full_deque_gives_right_results_at_any_width},
        {"more_forks_than_the_default_depth",
         more_forks_than_the_default_depth},
        {"one_worker_runs_forks_newest_first_at_the_join",
         one_worker_runs_forks_newest_first_at_the_join},
        {"an_idle_worker_takes_a_fork", an_idle_worker_takes_a_fork},
        {"a_join_that_waits_lends_its_place",
         a_join_that_waits_lends_its_place},
        {"a_stolen_fork_is_told_of_the_scope_around_it",
         a_stolen_fork_is_told_of_the_scope_around_it},
        {"a_stolen_fork_is_entered_with_its_jobs_context",
         a_stolen_fork_is_entered_with_its_jobs_context},
        {"a_wait_runs_only_what_it_waits_for",
         a_wait_runs_only_what_it_waits_for},
        {"a_join_out_of_order_or_left_out_aborts",
         a_join_out_of_order_or_left_out_aborts},
        {"a_waiter_runs_a_child_that_comes_late",
         a_waiter_runs_a_child_that_comes_late},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
