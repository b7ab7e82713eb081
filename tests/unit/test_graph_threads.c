// SPDX-License-Identifier: MIT
// The endpoint "workers of a pool": single tickets. Groups are in
// test_graph_gang.c.
#include "support/graph_threads.h"

static weir_graph *const the_graph = (weir_graph *)(uintptr_t)0x1000;

static void open_threads(wr_threads *threads, weir_pool *pool) {
    wr_threads_init(threads, pool, the_graph);
}

// ---- running ---------------------------------------------------------------

static int failing(const weir_kernel_call *call) {
    const unit *u = unit_called(call);
    CHECK_EQ(call->member, 0);
    CHECK_EQ(call->members, 1);
    CHECK_EQ(call->number, 7);
    CHECK(call->self == weir_worker_self());
    CHECK_EQ(call->worker, weir_worker_index(call->self));
    CHECK(call->graph == the_graph);
    CHECK_EQ(call->arguments_size, 11);
    CHECK(call->data == u->context);
    CHECK_EQ(call->data_count, 3);
    CHECK_EQ(weir_kernel_cancelled(call), 0);
    return weir_kernel_fail(call, -EDOM, "member %u", call->member);
}

static void fails_with_a_reason(weir_pool *pool) {
    wr_threads threads;
    unit u;
    void *data[3] = {0};
    open_threads(&threads, pool);
    unit_init(&u, &threads, 1, failing);
    u.context = data;
    unit_fill(&u);
    u.tickets[0].number = 7;
    u.tickets[0].arguments_size = 11;
    u.tickets[0].data = data;
    u.tickets[0].data_count = 3;
    int64_t before_ns = weir_now_ns();
    CHECK_EQ(threads.endpoint.ops->submit(&threads.endpoint, u.tickets, 1), 0);
    wait_idle(pool);
    check_unit_ran(&u);
    CHECK_EQ(u.endings[0].status, -EDOM);
    CHECK_EQ(u.endings[0].signal, 0);
    CHECK_EQ(u.endings[0].exit_status, -1);
    CHECK(u.endings[0].worker < weir_pool_index_limit(pool));
    CHECK(before_ns <= u.endings[0].begin_ns);
    CHECK(u.endings[0].begin_ns <= u.endings[0].end_ns);
    CHECK(u.endings[0].end_ns <= weir_now_ns());
    CHECK_STR(u.reasons[0], "member 0");
    wr_threads_fini(&threads);
}

static void what_a_kernel_came_to_is_told(void) {
    for_each_pool(fails_with_a_reason);
}

static void many_run(weir_pool *pool) {
    enum { UNITS = 100 };
    static unit u[UNITS];
    wr_threads threads;
    open_threads(&threads, pool);
    for (int i = 0; i < UNITS; i++) {
        unit_init(&u[i], &threads, 1, NULL);
        u[i].withdrawn = i % 3 == 1;
        unit_submit(&u[i]);
    }
    wait_idle(pool);
    for (int i = 0; i < UNITS; i++) {
        CHECK_EQ(tally_get(&u[i].claims), 1);
        CHECK_EQ(tally_get(&u[i].overs), 1);
        CHECK_EQ(tally_get(&u[i].begun), i % 3 != 1);
        check_gone(&u[i]);
    }
    wr_threads_fini(&threads);
}

static void each_ticket_ends_once_and_is_touched_no_more(void) {
    for_each_pool(many_run);
}

static int returns_zero(weir_worker *self, void *argument) {
    (void)self;
    (void)argument;
    return 0;
}

// ---- memory that is used again at once -------------------------------------

typedef struct rounds {
    uint64_t most;
    tally done;
} rounds;

// The same tickets are another task's before the job that ended them returns.
static void again(unit *u) {
    rounds *r = u->context;
    uint64_t done = tally_add(&r->done);
    if (done >= r->most)
        return;
    wr_atomic_init(&u->ended, 0);
    wr_atomic_init(&u->meet, 0);
    u->withdrawn = done % 4 == 1;
    unit_submit(u);
}

static void recycles(weir_pool *pool) {
    enum { UNITS = 8, ROUNDS = 500 };
    static unit u[UNITS];
    rounds r[UNITS];
    wr_threads threads;
    open_threads(&threads, pool);
    for (int i = 0; i < UNITS; i++) {
        unit_init(&u[i], &threads, 1, NULL);
        r[i] = (rounds){.most = ROUNDS};
        u[i].context = &r[i];
        u[i].over = again;
        unit_submit(&u[i]);
    }
    wait_idle(pool);
    for (int i = 0; i < UNITS; i++) {
        CHECK_EQ(tally_get(&r[i].done), ROUNDS);
        CHECK_EQ(tally_get(&u[i].claims), ROUNDS);
        check_gone(&u[i]);
    }
    wr_threads_fini(&threads);
}

static void an_ended_ticket_may_be_submitted_again_at_once(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, recycles, 4);
}

static void *collect(void *context) { return tally_add(context) ? context : 0; }
static void enter(void *context, void *captured) { CHECK(context == captured); }
static void give_up(void *context, void *captured) {
    CHECK(context == captured);
    tally_take(context);
}

static void measured_pools_and_hooks_see_recycled_tickets(void) {
    tally captured;
    tally_init(&captured);
    weir_pool_hooks hooks = {.size = sizeof(hooks),
                             .context = &captured,
                             .capture = collect,
                             .enter = enter,
                             .leave = enter,
                             .release = give_up};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.hooks = &hooks;
    options.measure = 1;
    for_each_pool_with(&options, recycles, 4);
    CHECK_EQ(tally_get(&captured), 0);
}

// ---- many on few workers ---------------------------------------------------

typedef struct order {
    unit *seen[300];
    tally count;
} order;

static void note_order(unit *u) {
    order *o = u->context;
    o->seen[tally_add(&o->count) - 1] = u;
}

// One worker, so what is noted is the order of their ends.
static void priorities_go_first_and_equals_in_order(void) {
    enum { UNITS = 300 };
    static unit u[UNITS];
    static order o;
    weir_pool *pool = pool_of(1);
    wr_threads threads;
    held h;
    open_threads(&threads, pool);
    hold(pool, &h);
    tally_init(&o.count);
    for (int i = 0; i < UNITS; i++) {
        unit_init(&u[i], &threads, 1, NULL);
        u[i].context = &o;
        u[i].over = note_order;
        u[i].priority = i / 100 - 1;
        unit_submit(&u[i]);
    }
    release(&h);
    wait_idle(pool);
    // The first stands for a job of the pool; each 64th pick is of the lowest.
    int last[3] = {-1, -1, -1};
    int jumps = 0;
    for (int i = 0; i < UNITS; i++) {
        int place = (int)(o.seen[i] - u);
        CHECK(place > last[place / 100]);
        last[place / 100] = place;
        jumps += i > 0 && o.seen[i - 1]->priority < o.seen[i]->priority;
    }
    CHECK(jumps >= 1 && jumps <= 1 + UNITS / 64 + 1 + UNITS / 32);
    wr_threads_fini(&threads);
    pool_close(pool);
    gate_fini(&h.gate);
}

// A pool of one place. Each waits for the next, which is submitted before or
// behind its back; nothing but stand-ins can run those.
typedef struct ladder {
    unit unit;
    weir_event event;
    struct ladder *next; // waits for it
    bool submits;
} ladder;

static void climbed(unit *u) {
    CHECK_EQ(weir_event_fire(&((ladder *)u)->event, 0), 0);
}

static int climbs(const weir_kernel_call *call) {
    ladder *l = (ladder *)unit_called(call);
    if (l->next == NULL)
        return 0;
    if (l->submits)
        unit_submit(&l->next->unit);
    CHECK_EQ(weir_event_wait(&l->next->event, WEIR_FOREVER, NULL), 0);
    return 0;
}

static void a_kernel_may_wait_for_what_comes_behind(void) {
    enum { STEPS = 5 };
    ladder l[STEPS];
    for (unsigned round = 0; round < 64; round++) {
        weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
        options.threads = 1;
        options.stand_ins = STEPS;
        weir_pool *pool = pool_open(&options);
        wr_threads threads;
        open_threads(&threads, pool);
        for (unsigned i = 0; i < STEPS; i++) {
            unit_init(&l[i].unit, &threads, 1, climbs);
            weir_event_init(&l[i].event, pool, 1);
            l[i].unit.over = climbed;
            l[i].next = i + 1 < STEPS ? &l[i + 1] : NULL;
            l[i].submits = round >> i & 1;
        }
        for (unsigned i = 0; i < STEPS; i++)
            if (i == 0 || !l[i - 1].submits)
                unit_submit(&l[i].unit);
        wait_idle(pool);
        for (unsigned i = 0; i < STEPS; i++)
            check_unit_ran(&l[i].unit);
        wr_threads_fini(&threads);
        pool_close(pool);
    }
}

static int blocks_then_goes(const weir_kernel_call *call) {
    unit *u = unit_called(call);
    tally_add(&u->begun);
    if (weir_blocking_begin(call->self) == 0) {
        mark_await(u->context, 1);
        weir_blocking_end(call->self);
    }
    return 0;
}

static void who_blocks_in_a_kernel_holds_up_no_other(void) {
    weir_pool *pool = pool_of(1);
    wr_threads threads;
    tally go;
    unit blocked;
    unit u[8];
    open_threads(&threads, pool);
    tally_init(&go);
    unit_init(&blocked, &threads, 1, blocks_then_goes);
    blocked.context = &go;
    unit_submit(&blocked);
    for (int i = 0; i < 8; i++) {
        if (i == 4)
            tally_await(&blocked.begun, 1);
        unit_init(&u[i], &threads, 1, NULL);
        unit_submit(&u[i]);
    }
    for (int i = 0; i < 8; i++)
        mark_await(&u[i].overs, 1);
    CHECK_EQ(tally_get(&blocked.ended), 0);
    mark_set(&go);
    wait_idle(pool);
    check_unit_ran(&blocked);
    wr_threads_fini(&threads);
    pool_close(pool);
}

typedef struct flood {
    tally *stop;
    tally rounds;
} flood;

static void flood_on(unit *u) {
    flood *f = u->context;
    tally_add(&f->rounds);
    if (tally_get(f->stop) != 0)
        return;
    wr_atomic_init(&u->ended, 0);
    unit_submit(u);
}

static void other_jobs_run_under_a_stream_of_tickets(void) {
    enum { UNITS = 20, GRAPHS = 2 };
    static unit u[GRAPHS][UNITS];
    for (int width = 1; width <= 3; width++) {
        weir_pool *pool = pool_of(width);
        wr_threads threads[GRAPHS];
        tally stop;
        flood f[GRAPHS];
        tally_init(&stop);
        for (int g = 0; g < GRAPHS; g++) {
            open_threads(&threads[g], pool);
            tally_init(&f[g].rounds);
            f[g].stop = &stop;
            for (int i = 0; i < UNITS; i++) {
                unit_init(&u[g][i], &threads[g], 1, NULL);
                u[g][i].context = &f[g];
                u[g][i].over = flood_on;
                unit_submit(&u[g][i]);
            }
        }
        for (int i = 0; i < 10; i++) {
            CHECK_EQ(weir_run(pool, returns_zero, NULL, NULL), 0);
            for (int g = 0; g < GRAPHS; g++) // neither graph starves
                tally_await(&f[g].rounds, tally_get(&f[g].rounds) + 1);
        }
        tally_add(&stop);
        wait_idle(pool);
        for (int g = 0; g < GRAPHS; g++)
            wr_threads_fini(&threads[g]);
        pool_close(pool);
    }
}

// ---- being told ------------------------------------------------------------

static int until_told(const weir_kernel_call *call) {
    unit *u = unit_called(call);
    CHECK_EQ(weir_kernel_cancelled(call), 0);
    tally_add(&u->begun);
    while (!weir_kernel_cancelled(call))
        sched_yield();
    mark_await(&u->meet, 1); // tell is through with the ticket
    return -ECANCELED;
}

static void a_running_kernel_is_told_of_a_cancel(void) {
    weir_pool *pool = pool_of(2);
    wr_threads threads;
    unit u;
    open_threads(&threads, pool);
    unit_init(&u, &threads, 1, until_told);
    unit_submit(&u);
    tally_await(&u.begun, 1);
    threads.endpoint.ops->tell(&threads.endpoint, u.tickets, true);
    mark_set(&u.meet);
    wait_idle(pool);
    check_unit_ran(&u);
    CHECK_EQ(u.endings[0].status, -ECANCELED);
    wr_threads_fini(&threads);
    pool_close(pool);
}

// ---- the end ----------------------------------------------------------------

static void fires(unit *u) { CHECK_EQ(weir_event_fire(u->context, 0), 0); }

// Runners that have not begun are left over: nobody else could begin them.
static int ends_here(weir_worker *self, void *argument) {
    (void)argument;
    wr_threads threads;
    weir_event event;
    unit u[3];
    open_threads(&threads, weir_worker_pool(self));
    weir_event_init(&event, weir_worker_pool(self), 3);
    for (int i = 0; i < 3; i++) {
        unit_init(&u[i], &threads, 1, NULL);
        u[i].priority = i - 1; // each wants a runner of its own
        u[i].context = &event;
        u[i].over = fires;
        unit_submit(&u[i]);
    }
    CHECK_EQ(weir_event_wait(&event, WEIR_FOREVER, NULL), 0);
    wr_threads_fini(&threads);
    for (int i = 0; i < 3; i++)
        mark_await(&u[i].overs, 1);
    return 0;
}

static void an_endpoint_may_end_on_the_only_worker(void) {
    for (int i = 0; i < 20; i++) {
        weir_pool *pool = pool_of(1);
        CHECK_EQ(weir_run(pool, ends_here, NULL, NULL), 0);
        pool_close(pool);
    }
}

// ---- what cannot run here --------------------------------------------------

static int check_of(wr_threads *threads, weir_kernel *kernel, uint32_t members,
                    int64_t timeout_ns) {
    wr_ticket ticket = {
        .kernel = kernel, .members = members, .timeout_ns = timeout_ns};
    return threads->endpoint.ops->check(&threads->endpoint, &ticket);
}

static void what_can_never_run_here_is_refused(void) {
    weir_pool *pool = pool_of(3);
    wr_threads threads;
    open_threads(&threads, pool);
    weir_kernel here = {"here", unit_kernel};
    weir_kernel elsewhere = {"elsewhere", NULL};
    CHECK_EQ(check_of(&threads, &here, 1, 0), 0);
    CHECK_EQ(check_of(&threads, &here, 3, 0), 0);
    CHECK_EQ(check_of(&threads, &here, 4, 0), -E2BIG);
    CHECK_EQ(check_of(&threads, &here, UINT32_MAX, 0), -E2BIG);
    CHECK_EQ(check_of(&threads, &elsewhere, 1, 0), -EINVAL);
    CHECK_EQ(check_of(&threads, &here, 1, 1), -EINVAL);
    CHECK(threads.endpoint.ops->reaches(&threads.endpoint, &pool, 1));
    wr_threads_fini(&threads);
    pool_close(pool);
}

// ---- stopping --------------------------------------------------------------

static void a_pool_that_drains_takes_what_follows_from_any_thread(void) {
    weir_pool *pool = pool_of(2);
    wr_threads threads;
    held h;
    unit u[2];
    stopper s;
    open_threads(&threads, pool);
    hold(pool, &h);
    stopper_start(&s, pool, WEIR_STOP_DRAIN);
    for (uint32_t i = 0; i < 2; i++) {
        unit_init(&u[i], &threads, 1 + i, NULL);
        unit_submit(&u[i]);
    }
    release(&h);
    stopper_join(&s);
    check_unit_ran(&u[0]);
    check_unit_ran(&u[1]);
    for (uint32_t i = 0; i < 2; i++)
        CHECK_EQ(unit_try(&u[i]), -ESHUTDOWN);
    wr_threads_fini(&threads);
    weir_pool_destroy(pool);
    gate_fini(&h.gate);
}

static void stops(weir_stop_mode mode) {
    enum { UNITS = 50 };
    static unit u[UNITS];
    weir_pool *pool = pool_of(1);
    wr_threads threads;
    held h;
    stopper s;
    open_threads(&threads, pool);
    hold(pool, &h);
    for (int i = 0; i < UNITS; i++) {
        unit_init(&u[i], &threads, 1, NULL);
        u[i].withdrawn = i % 2;
        unit_submit(&u[i]);
    }
    stopper_start(&s, pool, mode);
    unit late;
    unit_init(&late, &threads, 1, NULL);
    // It may still be taken, to end like the others.
    int error = unit_try(&late);
    CHECK(error == 0 || error == -ESHUTDOWN);
    release(&h);
    stopper_join(&s);
    if (error == 0)
        check_unit_unrun(&late, -ESHUTDOWN);
    for (int i = 0; i < UNITS; i++)
        check_unit_unrun(&u[i], -ESHUTDOWN);
    wr_threads_fini(&threads);
    weir_pool_destroy(pool);
    gate_fini(&h.gate);
}

static void a_stopped_pool_ends_tickets_without_running_them(void) {
    stops(WEIR_STOP_CANCEL);
    stops(WEIR_STOP_ABORT);
}

// Threads submit at any moment of a stop: each ticket that was taken ends.
enum { SENDERS = 3, SENDER_UNITS = 400 };

typedef struct sender {
    wr_threads *threads;
    unit *units;
    bool refused[SENDER_UNITS];
    tally *sent;
    int32_t priority;
    pthread_t thread;
} sender;

static void *sender_main(void *argument) {
    sender *s = argument;
    for (int i = 0; i < SENDER_UNITS; i++) {
        unit *u = &s->units[i];
        unit_init(u, s->threads, 1, NULL);
        u->withdrawn = i % 5 == 3;
        u->priority = s->priority;
        int error = unit_try(u);
        CHECK(error == 0 || error == -ESHUTDOWN);
        s->refused[i] = error != 0;
        tally_add(s->sent);
    }
    return NULL;
}

static void stops_under_senders(weir_stop_mode mode, int round) {
    sender s[SENDERS];
    tally sent;
    weir_pool *pool = pool_of(1 + round % 3);
    wr_threads threads;
    tally_init(&sent);
    open_threads(&threads, pool);
    for (int i = 0; i < SENDERS; i++) {
        s[i] = (sender){.threads = &threads,
                        .units = calloc(SENDER_UNITS, sizeof(unit)),
                        .sent = &sent,
                        .priority = i - 1};
        CHECK(s[i].units != NULL);
        s[i].thread = thread_start(sender_main, &s[i]);
    }
    tally_await(&sent, (uint64_t)(round * 7 % SENDER_UNITS));
    weir_stop_report report = {.size = sizeof(report)};
    CHECK_EQ(weir_pool_stop(pool, mode, WEIR_FOREVER, &report), 0);
    for (int i = 0; i < SENDERS; i++) {
        thread_join(s[i].thread);
        for (int k = 0; k < SENDER_UNITS; k++)
            CHECK_EQ(tally_get(&s[i].units[k].overs), !s[i].refused[k]);
        free(s[i].units);
    }
    check_accounts(pool, &report);
    wr_threads_fini(&threads);
    weir_pool_destroy(pool);
}

static void what_was_taken_while_a_pool_stops_ends(void) {
    for (int round = 0; round < 9; round++) {
        stops_under_senders(WEIR_STOP_DRAIN, round);
        stops_under_senders(WEIR_STOP_CANCEL, round);
        stops_under_senders(WEIR_STOP_ABORT, round);
    }
}

// ---- names -----------------------------------------------------------------

// Who looks at the pool does not find this name.
static void check_unknown(weir_pool *pool, const char *name) {
    weir_stop_report report = {.size = sizeof(report)};
    // A drain that has no time: a report of what runs.
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, 0, &report), -ETIMEDOUT);
    for (unsigned i = 0; i < report.running && i < WEIR_STOP_RUNNING_MAX; i++)
        CHECK(report.running_jobs[i].name != name);
}

static void names_may_go_once_the_endpoint_has_ended(void) {
    weir_pool *pool = pool_of(2);
    held h;
    hold(pool, &h); // the drain does not end before
    for (int i = 0; i < 2000; i++) {
        // A graph with a kernel of its own, that goes at once.
        char *name = strdup("a name that goes with its graph");
        unit *u = malloc(sizeof(*u));
        CHECK(name != NULL && u != NULL);
        wr_threads threads;
        wr_threads_init(&threads, pool, (weir_graph *)(void *)name);
        unit_init(u, &threads, 1, NULL);
        u->kernel.name = name;
        u->withdrawn = i % 2;
        unit_submit(u);
        mark_await(&u->overs, 1);
        wr_threads_fini(&threads);
        check_unknown(pool, name);
        free(name);
        free(u);
    }
    release(&h);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    weir_pool_destroy(pool);
    gate_fini(&h.gate);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"what_a_kernel_came_to_is_told", what_a_kernel_came_to_is_told},
        {"each_ticket_ends_once_and_is_touched_no_more",
         each_ticket_ends_once_and_is_touched_no_more},
        {"an_ended_ticket_may_be_submitted_again_at_once",
         an_ended_ticket_may_be_submitted_again_at_once},
        {"measured_pools_and_hooks_see_recycled_tickets",
         measured_pools_and_hooks_see_recycled_tickets},
        {"priorities_go_first_and_equals_in_order",
         priorities_go_first_and_equals_in_order},
        {"a_kernel_may_wait_for_what_comes_behind",
         a_kernel_may_wait_for_what_comes_behind},
        {"who_blocks_in_a_kernel_holds_up_no_other",
         who_blocks_in_a_kernel_holds_up_no_other},
        {"other_jobs_run_under_a_stream_of_tickets",
         other_jobs_run_under_a_stream_of_tickets},
        {"a_running_kernel_is_told_of_a_cancel",
         a_running_kernel_is_told_of_a_cancel},
        {"what_can_never_run_here_is_refused",
         what_can_never_run_here_is_refused},
        {"a_pool_that_drains_takes_what_follows_from_any_thread",
         a_pool_that_drains_takes_what_follows_from_any_thread},
        {"a_stopped_pool_ends_tickets_without_running_them",
         a_stopped_pool_ends_tickets_without_running_them},
        {"what_was_taken_while_a_pool_stops_ends",
         what_was_taken_while_a_pool_stops_ends},
        {"an_endpoint_may_end_on_the_only_worker",
         an_endpoint_may_end_on_the_only_worker},
        {"names_may_go_once_the_endpoint_has_ended",
         names_may_go_once_the_endpoint_has_ended},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
