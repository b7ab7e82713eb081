// SPDX-License-Identifier: MIT
// The endpoint "workers of a pool": groups, whose members run at the same time.
// What is said of "a job" is a single ticket's too.
#include "support/graph_threads.h"

#include "base/random.h"

static weir_graph *const one_graph = (weir_graph *)(uintptr_t)0x1000;
static weir_graph *const another_graph = (weir_graph *)(uintptr_t)0x2000;

static void open_threads(wr_threads *threads, weir_pool *pool) {
    wr_threads_init(threads, pool, one_graph);
}

static uint32_t width_of(weir_pool *pool) {
    uint32_t width = weir_pool_width(pool);
    return width < MEMBERS_MAX ? width : MEMBERS_MAX;
}

static int meets(const weir_kernel_call *call) {
    unit_meet(call);
    tally_add(&unit_called(call)->begun);
    return 0;
}

static int meets_event(const weir_kernel_call *call) {
    unit_meet_event(call);
    tally_add(&unit_called(call)->begun);
    return 0;
}

// ---- at the same time ------------------------------------------------------

static void meets_and_fails(weir_pool *pool) {
    wr_threads threads;
    open_threads(&threads, pool);
    for (uint32_t members = 1; members <= width_of(pool); members++) {
        unit u;
        unit_init(&u, &threads, members, meets_event);
        unit_event(&u, pool);
        unit_submit(&u);
        wait_idle(pool);
        check_unit_ran(&u);
        CHECK_EQ(tally_get(&u.begun), members);
        for (uint32_t i = 0; i < members; i++)
            for (uint32_t k = 0; k < i; k++)
                CHECK(u.endings[i].worker != u.endings[k].worker);
    }
    wr_threads_fini(&threads);
}

static void members_run_at_the_same_time_on_workers_of_their_own(void) {
    for_each_pool(meets_and_fails);
}

static void members_may_spin_for_each_other(void) {
    for (int width = 2; width <= 4; width++) {
        weir_pool *pool = pool_of(width);
        wr_threads threads;
        open_threads(&threads, pool);
        for (uint32_t i = 0; i < 100; i++) {
            unit u;
            unit_init(&u, &threads, 2 + i % ((uint32_t)width - 1), meets);
            unit_submit(&u);
            wait_idle(pool);
            check_unit_ran(&u);
        }
        wr_threads_fini(&threads);
        pool_close(pool);
    }
}

static int fails_by_member(const weir_kernel_call *call) {
    unit_meet(call);
    return weir_kernel_fail(call, -(int)call->member, "m%u", call->member);
}

static void each_member_says_what_it_came_to(void) {
    weir_pool *pool = pool_of(3);
    wr_threads threads;
    unit u;
    open_threads(&threads, pool);
    unit_init(&u, &threads, 3, fails_by_member);
    unit_submit(&u);
    wait_idle(pool);
    check_unit_ran(&u);
    for (uint32_t i = 0; i < 3; i++)
        CHECK_EQ(u.endings[i].status, -(int)i);
    CHECK_STR(u.reasons[0], "");
    CHECK_STR(u.reasons[1], "m1");
    CHECK_STR(u.reasons[2], "m2");
    wr_threads_fini(&threads);
    pool_close(pool);
}

// ---- among other work ------------------------------------------------------

// A single that comes back until it is told not to.
typedef struct stream {
    unit unit;
    tally rounds;
    tally *stop;
} stream;

static void stream_on(unit *u) {
    stream *s = u->context;
    tally_add(&s->rounds);
    if (tally_get(s->stop) != 0)
        return;
    wr_atomic_init(&u->ended, 0);
    unit_submit(u);
}

static void stream_begin(stream *s, wr_threads *threads, uint32_t members,
                         tally *stop) {
    unit_init(&s->unit, threads, members, NULL);
    tally_init(&s->rounds);
    s->stop = stop;
    s->unit.context = s;
    s->unit.over = stream_on;
    unit_submit(&s->unit);
}

static void d17_a_group_assembles_under_a_stream_of_singles(void) {
    enum { SINGLES = 8, GROUPS = 20 };
    static stream s[SINGLES];
    for (int width = 2; width <= 4; width++) {
        weir_pool *pool = pool_of(width);
        wr_threads threads;
        tally stop;
        tally_init(&stop);
        open_threads(&threads, pool);
        for (int i = 0; i < SINGLES; i++)
            stream_begin(&s[i], &threads, 1, &stop);
        for (int i = 0; i < GROUPS; i++) {
            unit u;
            unit_init(&u, &threads, (uint32_t)width, meets);
            unit_submit(&u);
            mark_await(&u.overs, 1);
            check_unit_ran(&u);
        }
        tally_add(&stop);
        wait_idle(pool);
        wr_threads_fini(&threads);
        pool_close(pool);
    }
}

static void a_single_runs_under_a_stream_of_groups(void) {
    enum { GROUPS = 3 };
    static stream s[GROUPS];
    for (int width = 2; width <= 4; width++) {
        weir_pool *pool = pool_of(width);
        wr_threads threads;
        tally stop;
        tally_init(&stop);
        open_threads(&threads, pool);
        for (int i = 0; i < GROUPS; i++)
            stream_begin(&s[i], &threads, (uint32_t)width, &stop);
        for (int i = 0; i < 20; i++) {
            unit u;
            unit_init(&u, &threads, 1, NULL);
            unit_submit(&u);
            mark_await(&u.overs, 1);
        }
        tally_add(&stop);
        wait_idle(pool);
        wr_threads_fini(&threads);
        pool_close(pool);
    }
}

static int waits_for_mark(const weir_kernel_call *call) {
    const unit *u = unit_called(call);
    if (call->member == 0)
        mark_await(u->context, 1);
    return 0;
}

static void the_worker_of_a_member_that_has_ended_is_free(void) {
    weir_pool *pool = pool_of(2);
    wr_threads threads;
    unit group;
    unit single;
    tally go;
    tally_init(&go);
    open_threads(&threads, pool);
    unit_init(&group, &threads, 2, waits_for_mark);
    group.context = &go;
    unit_submit(&group);
    tally_await(&group.ended, 1);
    unit_init(&single, &threads, 1, NULL);
    unit_submit(&single);
    mark_await(&single.overs, 1);
    CHECK_EQ(tally_get(&group.ended), 1);
    mark_set(&go);
    wait_idle(pool);
    check_unit_ran(&group);
    wr_threads_fini(&threads);
    pool_close(pool);
}

// ---- several groups --------------------------------------------------------

typedef struct chain {
    int left;
    uint32_t width;
    uint64_t random;
    bool varies;
    weir_pool *pool;
} chain;

static void next_of_chain(unit *u) {
    chain *c = u->context;
    if (--c->left == 0)
        return;
    if (c->varies)
        u->members = 1 + wr_random_below(&c->random, c->width);
    wr_atomic_init(&u->ended, 0);
    wr_atomic_init(&u->meet, 0);
    unit_event(u, c->pool);
    unit_submit(u);
}

static void chain_begin(unit *u, chain *c, wr_threads *threads,
                        int (*run)(const weir_kernel_call *call)) {
    unit_init(u, threads, c->width, run);
    u->context = c;
    u->over = next_of_chain;
    unit_event(u, c->pool);
    unit_submit(u);
}

static void groups_of_all_workers_of_two_graphs_take_turns(void) {
    enum { ROUNDS = 1000 };
    for (int width = 2; width <= 4; width++) {
        weir_pool *pool = pool_of(width);
        wr_threads threads[2];
        unit u[2];
        chain c[2];
        wr_threads_init(&threads[0], pool, one_graph);
        wr_threads_init(&threads[1], pool, another_graph);
        for (int i = 0; i < 2; i++) {
            c[i] =
                (chain){.left = ROUNDS, .width = (uint32_t)width, .pool = pool};
            chain_begin(&u[i], &c[i], &threads[i], meets);
        }
        wait_idle(pool);
        for (int i = 0; i < 2; i++) {
            CHECK_EQ(c[i].left, 0);
            CHECK_EQ(tally_get(&u[i].claims), ROUNDS);
            CHECK_EQ(tally_get(&u[i].begun), ROUNDS * width);
            wr_threads_fini(&threads[i]);
        }
        pool_close(pool);
    }
}

static void all_kinds(weir_pool *pool) {
    enum { CHAINS = 5, ROUNDS = 20 };
    static unit u[CHAINS];
    chain c[CHAINS];
    wr_threads threads[2];
    wr_threads_init(&threads[0], pool, one_graph);
    wr_threads_init(&threads[1], pool, another_graph);
    for (int i = 0; i < CHAINS; i++) {
        c[i] = (chain){.left = ROUNDS,
                       .width = width_of(pool),
                       .random = (uint64_t)i,
                       .varies = true,
                       .pool = pool};
        chain_begin(&u[i], &c[i], &threads[i % 2], meets_event);
    }
    wait_idle(pool);
    for (int i = 0; i < CHAINS; i++) {
        CHECK_EQ(c[i].left, 0);
        CHECK_EQ(tally_get(&u[i].claims), ROUNDS);
    }
    wr_threads_fini(&threads[0]);
    wr_threads_fini(&threads[1]);
}

static void groups_of_any_size_and_singles_all_end(void) {
    for_each_pool(all_kinds);
}

// ---- waits -----------------------------------------------------------------

typedef struct waiting {
    weir_job job;
    gate gate;
    weir_event event;
    int status;
} waiting;

static int waiting_run(weir_worker *self, weir_job *job) {
    (void)self;
    waiting *w = (waiting *)job;
    gate_pass(&w->gate);
    w->status = weir_event_wait(&w->event, WEIR_FOREVER, NULL);
    return 0;
}

static void fires(unit *u) { CHECK_EQ(weir_event_fire(u->context, 0), 0); }

// A group of both workers stands in line, and one of them is there. The other
// comes to wait for what a job behind does, and nobody can stand in: the first
// must not be held any longer.
static void holds_no_worker(bool waits_first) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.stand_ins = WEIR_STAND_INS_NONE;
    weir_pool *pool = pool_open(&options);
    wr_threads threads;
    waiting w = {.job = WEIR_JOB_INIT(waiting_run, NULL)};
    held h;
    unit group;
    unit single;
    open_threads(&threads, pool);
    weir_event_init(&w.event, pool, 1);
    gate_init(&w.gate);
    submit(pool, &w.job);
    gate_await(&w.gate, 1);
    hold(pool, &h);
    unit_init(&group, &threads, 2, meets);
    unit_init(&single, &threads, 1, NULL);
    single.context = &w.event;
    single.over = fires;
    unit_submit(&group);
    unit_submit(&single);
    if (waits_first)
        gate_open(&w.gate);
    release(&h);
    if (!waits_first)
        gate_open(&w.gate);
    wait_idle(pool);
    CHECK_EQ(w.status, 0);
    check_unit_ran(&group);
    check_unit_ran(&single);
    wr_threads_fini(&threads);
    pool_close(pool);
    gate_fini(&w.gate);
    gate_fini(&h.gate);
}

static void a_group_holds_no_worker_that_a_wait_needs(void) {
    for (int round = 0; round < 100; round++)
        holds_no_worker(round % 2);
}

// Member 0 waits, in a way that the pool knows of, for a single that comes
// later; the others spin for member 0. Another group stands in line meanwhile,
// and must not get the worker that the single needs.
typedef struct pair {
    weir_event event;
    weir_pool *pool;
    unit single;
    tally back;
} pair;

static int waits_for_single(const weir_kernel_call *call) {
    unit *u = unit_called(call);
    pair *p = u->context;
    unit_meet(call);
    if (call->member == 0) {
        unit_submit(&p->single);
        CHECK_EQ(weir_event_wait(&p->event, WEIR_FOREVER, NULL), 0);
        mark_set(&p->back);
    }
    mark_await(&p->back, 1);
    return 0;
}

static void wait_in_groups(int width, uint32_t members, int stand_ins) {
    enum { GROUPS = 3, ROUNDS = 20 };
    static unit u[GROUPS];
    static pair p[GROUPS];
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = width;
    options.stand_ins = stand_ins;
    weir_pool *pool = pool_open(&options);
    wr_threads threads;
    open_threads(&threads, pool);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < GROUPS; i++) {
            weir_event_init(&p[i].event, pool, 1);
            tally_init(&p[i].back);
            unit_init(&p[i].single, &threads, 1, NULL);
            p[i].single.context = &p[i].event;
            p[i].single.over = fires;
            unit_init(&u[i], &threads, members, waits_for_single);
            u[i].context = &p[i];
            unit_submit(&u[i]);
        }
        wait_idle(pool);
        for (int i = 0; i < GROUPS; i++) {
            check_unit_ran(&u[i]);
            check_unit_ran(&p[i].single);
        }
    }
    wr_threads_fini(&threads);
    pool_close(pool);
}

static void a_member_that_waits_gets_what_it_waits_for(void) {
    for (int width = 2; width <= 4; width++)
        for (uint32_t members = 2; members <= (uint32_t)width; members++)
            for (int stand_ins = 1; stand_ins <= width; stand_ins++)
                wait_in_groups(width, members, stand_ins);
}

// As above, but member 0 waits for a group, behind one that cannot assemble.
static int waits_for_group(const weir_kernel_call *call) {
    unit *u = unit_called(call);
    unit *inner = u->context;
    unit_meet(call);
    if (call->member == 0) {
        weir_event event;
        weir_event_init(&event, inner->context, 1);
        inner->context = &event;
        mark_await(&u->overs, 1); // the wide one stands in line
        unit_submit(inner);
        CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, NULL), 0);
        mark_set(&u->overs);
    }
    mark_await(&u->overs, 2);
    return 0;
}

static void a_group_of_a_waiting_member_overtakes_what_waits_for_it(void) {
    for (int round = 0; round < 50; round++) {
        weir_pool *pool = pool_of(4);
        wr_threads threads;
        unit outer;
        unit wide;
        unit inner;
        open_threads(&threads, pool);
        unit_init(&inner, &threads, 2, meets);
        inner.context = pool;
        inner.over = fires;
        unit_init(&outer, &threads, 2, waits_for_group);
        outer.context = &inner;
        unit_submit(&outer);
        tally_await(&outer.meet, 2);
        unit_init(&wide, &threads, 4, meets);
        unit_submit(&wide);
        mark_set(&outer.overs);
        wait_idle(pool);
        check_unit_ran(&inner);
        check_unit_ran(&wide);
        CHECK_EQ(tally_get(&outer.ended), 2);
        wr_threads_fini(&threads);
        pool_close(pool);
    }
}

// ---- scopes and forks in members -------------------------------------------

static int child_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static int opens_scopes(const weir_kernel_call *call) {
    enum { CHILDREN = 8 };
    weir_job child[CHILDREN];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(call->self, &scope, NULL), 0);
    for (int i = 0; i < CHILDREN; i++) {
        child[i] = (weir_job)WEIR_JOB_INIT(child_run, NULL);
        weir_scope_spawn(call->self, &scope, &child[i]);
    }
    CHECK_EQ(weir_scope_wait(call->self, &scope), 0);
    return meets_event(call);
}

static void nests(weir_pool *pool) {
    enum { UNITS = 6 };
    static unit u[UNITS];
    wr_threads threads;
    open_threads(&threads, pool);
    for (uint32_t i = 0; i < UNITS; i++) {
        unit_init(&u[i], &threads, 1 + i % width_of(pool), opens_scopes);
        unit_event(&u[i], pool);
        unit_submit(&u[i]);
    }
    wait_idle(pool);
    for (int i = 0; i < UNITS; i++)
        check_unit_ran(&u[i]);
    wr_threads_fini(&threads);
}

static void members_may_open_scopes(void) { for_each_pool(nests); }

static int blocks(const weir_kernel_call *call) {
    bool lent = weir_blocking_begin(call->self) == 0;
    unit_meet(call);
    if (lent)
        weir_blocking_end(call->self);
    return 0;
}

static void members_may_block(void) {
    enum { UNITS = 4 };
    for (int width = 2; width <= 4; width++) {
        weir_pool *pool = pool_of(width);
        wr_threads threads;
        open_threads(&threads, pool);
        for (int round = 0; round < 50; round++) {
            unit u[UNITS];
            for (uint32_t i = 0; i < UNITS; i++) {
                unit_init(&u[i], &threads, 2 + i % ((uint32_t)width - 1),
                          blocks);
                unit_submit(&u[i]);
            }
            wait_idle(pool);
            for (int i = 0; i < UNITS; i++)
                check_unit_ran(&u[i]);
        }
        wr_threads_fini(&threads);
        pool_close(pool);
    }
}

// ---- broadcasts ------------------------------------------------------------

static void count_one(weir_worker *self, void *argument) {
    (void)self;
    tally_add(argument);
}

static void who_waits_for_a_group_serves_broadcasts(void) {
    for (int round = 0; round < 100; round++) {
        weir_pool *pool = pool_of(3);
        wr_threads threads;
        held h;
        unit u;
        tally count;
        open_threads(&threads, pool);
        tally_init(&count);
        hold(pool, &h); // two can wait for the third
        unit_init(&u, &threads, 3, meets);
        unit_submit(&u);
        // The third is told by the job's end; the broadcast is completed then.
        pthread_t thread = thread_start(thread_nothing, NULL);
        thread_join(thread);
        release(&h);
        CHECK_EQ(weir_broadcast(pool, count_one, &count), 0);
        CHECK_EQ(tally_get(&count), 3);
        wait_idle(pool);
        check_unit_ran(&u);
        wr_threads_fini(&threads);
        pool_close(pool);
        gate_fini(&h.gate);
    }
}

typedef struct caller {
    weir_job job;
    gate gate;
    tally count;
} caller;

static int caller_run(weir_worker *self, weir_job *job) {
    caller *c = (caller *)job;
    gate_pass(&c->gate);
    CHECK_EQ(weir_broadcast(weir_worker_pool(self), count_one, &c->count), 0);
    return 0;
}

static void a_job_that_broadcasts_is_not_waited_for_in_vain(void) {
    for (int round = 0; round < 100; round++) {
        weir_pool *pool = pool_of(2);
        wr_threads threads;
        unit u;
        caller c = {.job = WEIR_JOB_INIT(caller_run, NULL)};
        open_threads(&threads, pool);
        gate_init(&c.gate);
        tally_init(&c.count);
        submit(pool, &c.job);
        gate_await(&c.gate, 1);
        unit_init(&u, &threads, 2, meets);
        unit_submit(&u);
        gate_open(&c.gate);
        wait_idle(pool);
        CHECK_EQ(tally_get(&c.count), 2);
        check_unit_ran(&u);
        wr_threads_fini(&threads);
        pool_close(pool);
        gate_fini(&c.gate);
    }
}

// ---- withdrawn, stopped ----------------------------------------------------

static void withdraws(weir_pool *pool) {
    enum { UNITS = 9 };
    static unit u[UNITS];
    wr_threads threads;
    open_threads(&threads, pool);
    for (uint32_t i = 0; i < UNITS; i++) {
        unit_init(&u[i], &threads, 1 + i % width_of(pool), meets_event);
        unit_event(&u[i], pool);
        u[i].withdrawn = i % 3 != 0;
        unit_submit(&u[i]);
    }
    wait_idle(pool);
    for (uint32_t i = 0; i < UNITS; i++) {
        CHECK_EQ(tally_get(&u[i].claims), 1);
        CHECK_EQ(tally_get(&u[i].overs), 1);
        CHECK_EQ(tally_get(&u[i].begun), i % 3 != 0 ? 0 : u[i].members);
        check_gone(&u[i]);
    }
    wr_threads_fini(&threads);
}

static void a_withdrawn_group_lets_its_workers_go(void) {
    for_each_pool(withdraws);
}

static void stop_while_assembling(weir_stop_mode mode, int arrived) {
    weir_pool *pool = pool_of(3);
    wr_threads threads;
    held h[3];
    unit u[3];
    stopper s;
    open_threads(&threads, pool);
    for (int i = 0; i < 3; i++)
        hold(pool, &h[i]);
    for (uint32_t i = 0; i < 3; i++) {
        unit_init(&u[i], &threads, 3 - i, meets);
        unit_submit(&u[i]);
    }
    for (int i = 0; i < arrived; i++)
        release(&h[i]);
    stopper_start(&s, pool, mode);
    for (int i = arrived; i < 3; i++)
        release(&h[i]);
    stopper_join(&s);
    for (int i = 0; i < 3; i++)
        check_unit_unrun(&u[i], -ESHUTDOWN);
    check_accounts(pool, &s.report);
    wr_threads_fini(&threads);
    weir_pool_destroy(pool);
    for (int i = 0; i < 3; i++)
        gate_fini(&h[i].gate);
}

static void a_stop_while_a_group_assembles_ends_it_once(void) {
    for (int round = 0; round < 50; round++)
        for (int arrived = 0; arrived < 3; arrived++) {
            stop_while_assembling(WEIR_STOP_CANCEL, arrived);
            stop_while_assembling(WEIR_STOP_ABORT, arrived);
        }
}

static void a_drain_runs_groups_that_were_accepted(void) {
    for (int round = 0; round < 50; round++) {
        weir_pool *pool = pool_of(2);
        wr_threads threads;
        unit u[2];
        chain c[2];
        open_threads(&threads, pool);
        for (int i = 0; i < 2; i++) {
            c[i] = (chain){.left = 10, .width = 2, .pool = pool};
            chain_begin(&u[i], &c[i], &threads, meets);
        }
        CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
        for (int i = 0; i < 2; i++)
            CHECK_EQ(tally_get(&u[i].claims), 10);
        wr_threads_fini(&threads);
        weir_pool_destroy(pool);
    }
}

static void a_stop_may_come_at_any_moment(void) {
    enum { CHAINS = 3 };
    for (int round = 0; round < 200; round++) {
        weir_pool *pool = pool_of(2);
        wr_threads threads;
        unit u[CHAINS];
        tally stop;
        stream s[CHAINS];
        tally_init(&stop);
        tally_add(&stop); // each comes once
        open_threads(&threads, pool);
        for (int i = 0; i < CHAINS; i++) {
            unit_init(&u[i], &threads, 1 + (uint32_t)i % 2, meets);
            unit_submit(&u[i]);
            stream_begin(&s[i], &threads, 2, &stop);
        }
        weir_stop_report report = {.size = sizeof(report)};
        weir_stop_mode mode = round % 2 ? WEIR_STOP_CANCEL : WEIR_STOP_ABORT;
        CHECK_EQ(weir_pool_stop(pool, mode, WEIR_FOREVER, &report), 0);
        check_accounts(pool, &report);
        for (int i = 0; i < CHAINS; i++) {
            CHECK_EQ(tally_get(&u[i].overs), 1);
            CHECK_EQ(tally_get(&s[i].unit.overs), 1);
        }
        wr_threads_fini(&threads);
        weir_pool_destroy(pool);
    }
}

// ---- budgets ---------------------------------------------------------------

static void on_a_budget(unsigned tokens, int width, int kind) {
    enum { POOLS = 2, ROUNDS = 50 };
    static int (*const kernels[])(const weir_kernel_call *) = {meets,
                                                               meets_event};
    weir_budget *budget;
    weir_pool *pool[POOLS];
    wr_threads threads[POOLS];
    unit u[POOLS][2];
    chain c[POOLS][2];
    CHECK_EQ(weir_budget_create(&budget, tokens), 0);
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = width;
    options.budget = budget;
    for (int i = 0; i < POOLS; i++) {
        pool[i] = pool_open(&options);
        open_threads(&threads[i], pool[i]);
    }
    for (int i = 0; i < POOLS; i++)
        for (int k = 0; k < 2; k++) {
            c[i][k] = (chain){.left = ROUNDS,
                              .width = (uint32_t)width,
                              .varies = k == 1,
                              .pool = pool[i]};
            chain_begin(&u[i][k], &c[i][k], &threads[i], kernels[kind]);
        }
    for (int i = 0; i < POOLS; i++) {
        wait_idle(pool[i]);
        for (int k = 0; k < 2; k++)
            CHECK_EQ(tally_get(&u[i][k].claims), ROUNDS);
        wr_threads_fini(&threads[i]);
        pool_close(pool[i]);
    }
    CHECK_EQ(weir_budget_held(budget, NULL), 0);
    weir_budget_destroy(budget);
}

static void groups_assemble_on_any_budget(void) {
    for (unsigned tokens = 2; tokens <= 5; tokens++)
        for (int width = 2; width <= 4; width++)
            for (int kind = 0; kind < 2; kind++)
                on_a_budget(tokens, width, kind);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"members_run_at_the_same_time_on_workers_of_their_own",
         members_run_at_the_same_time_on_workers_of_their_own},
        {"members_may_spin_for_each_other", members_may_spin_for_each_other},
        {"each_member_says_what_it_came_to", each_member_says_what_it_came_to},
        {"d17_a_group_assembles_under_a_stream_of_singles",
         d17_a_group_assembles_under_a_stream_of_singles},
        {"a_single_runs_under_a_stream_of_groups",
         a_single_runs_under_a_stream_of_groups},
        {"the_worker_of_a_member_that_has_ended_is_free",
         the_worker_of_a_member_that_has_ended_is_free},
        {"groups_of_all_workers_of_two_graphs_take_turns",
         groups_of_all_workers_of_two_graphs_take_turns},
        {"groups_of_any_size_and_singles_all_end",
         groups_of_any_size_and_singles_all_end},
        {"a_group_holds_no_worker_that_a_wait_needs",
         a_group_holds_no_worker_that_a_wait_needs},
        {"a_member_that_waits_gets_what_it_waits_for",
         a_member_that_waits_gets_what_it_waits_for},
        {"a_group_of_a_waiting_member_overtakes_what_waits_for_it",
         a_group_of_a_waiting_member_overtakes_what_waits_for_it},
        {"members_may_open_scopes", members_may_open_scopes},
        {"members_may_block", members_may_block},
        {"who_waits_for_a_group_serves_broadcasts",
         who_waits_for_a_group_serves_broadcasts},
        {"a_job_that_broadcasts_is_not_waited_for_in_vain",
         a_job_that_broadcasts_is_not_waited_for_in_vain},
        {"a_withdrawn_group_lets_its_workers_go",
         a_withdrawn_group_lets_its_workers_go},
        {"a_stop_while_a_group_assembles_ends_it_once",
         a_stop_while_a_group_assembles_ends_it_once},
        {"a_drain_runs_groups_that_were_accepted",
         a_drain_runs_groups_that_were_accepted},
        {"a_stop_may_come_at_any_moment", a_stop_may_come_at_any_moment},
        {"groups_assemble_on_any_budget", groups_assemble_on_any_budget},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
