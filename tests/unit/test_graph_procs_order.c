// SPDX-License-Identifier: MIT
// Order, groups, priorities, cancelling, and many of everything: what the graph
// promises holds for processes, and for threads and processes together.
#include "support/graph_procs.h"

#include "base/random.h"

// ---- kernels ---------------------------------------------------------------

// Waits until all members are here: in processes at once, or never.
static int meet_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    uint32_t at = index_of(call);
    CHECK(call->member < call->members);
    tally_add(&b->count[at + 1 + call->member]);
    tally_add(&b->count[at]);
    while (tally_get(&b->count[at]) % call->members != 0 &&
           tally_get(&b->go) == 0)
        sched_yield();
    return 0;
}

// Member `index` dies, the others wait for it until they are let go.
static int meet_or_die_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    tally_add(&b->begun);
    while (tally_get(&b->begun) < call->members)
        sched_yield();
    if (call->member == index_of(call))
        raise(SIGKILL);
    while (tally_get(&b->go) == 0)
        sched_yield();
    tally_add(&b->ended);
    return 0;
}

// Members fail with their number, but the first.
static int members_fail_run(const weir_kernel_call *call) {
    return call->member == 0 ? 0 : -(int)call->member;
}

// Writes down when it was its turn.
static int turn_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    tally_set(&b->count[index_of(call)], tally_add(&b->turn));
    return 0;
}

// The second datum is a number; adds the argument.
static int add_run(const weir_kernel_call *call) {
    uint64_t value;
    memcpy(&value, call->data[1], sizeof(value));
    value = value * 3 + index_of(call);
    memcpy(call->data[1], &value, sizeof(value));
    return 0;
}

// Until it is told.
static int until_told_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    tally_add(&b->begun);
    while (!weir_kernel_cancelled(call))
        sched_yield();
    tally_add(&b->ended);
    return 0;
}

static const weir_kernel kernels[] = {
    {"count", count_run},
    {"hold", hold_run},
    {"meet", meet_run},
    {"meet or die", meet_or_die_run},
    {"members fail", members_fail_run},
    {"turn", turn_run},
    {"add", add_run},
    {"until told", until_told_run},
    {"die", die_run},
};
enum { COUNT, HOLD, MEET, MEET_OR_DIE, FAIL, TURN, ADD, UNTIL_TOLD, DIE };

static void open_with(world *w, unsigned children, unsigned depth) {
    world_init(w, kernels, TEST_COUNT(kernels), children);
    w->procs_options.depth = depth;
    world_open(w);
}

static weir_task group(const world *w, int kernel, uint32_t index,
                       uint32_t members) {
    weir_task_spec spec = spec_of(w, &kernels[kernel], &index, sizeof(index));
    spec.members = members;
    return put(w, &spec);
}

// ---- one task in several processes -----------------------------------------

static void members_run_at_once_in_different_processes(void) {
    enum { N = 4 };
    world w;
    open_with(&w, N, 8);
    for (uint32_t members = 2; members <= N; members++) {
        check_done(&w, group(&w, MEET, 100 * members, members));
        for (uint32_t i = 0; i < members; i++)
            CHECK_EQ(tally_get(&w.board->count[100 * members + 1 + i]), 1);
        CHECK_EQ(tally_get(&w.board->count[100 * members + 1 + members]), 0);
    }
    world_close(&w);
}

static void groups_among_single_tasks_do_not_hang(void) {
    enum { N = 3, ROUNDS = 150 };
    static weir_task tasks[ROUNDS][5];
    world w;
    open_with(&w, N, 8);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        tasks[i][0] = give(&w, &kernels[COUNT], 5000 + i);
        tasks[i][1] = group(&w, MEET, 10 * i, N);
        tasks[i][2] = give(&w, &kernels[COUNT], 5000 + i);
        tasks[i][3] = group(&w, MEET, 10 * i + 5, 2);
        tasks[i][4] = give(&w, &kernels[COUNT], 5000 + i);
    }
    for (uint32_t i = 0; i < ROUNDS; i++)
        for (int j = 0; j < 5; j++)
            check_done(&w, tasks[i][j]);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        CHECK_EQ(tally_get(&w.board->count[5000 + i]), 3);
        CHECK_EQ(tally_get(&w.board->count[10 * i]), N);
        CHECK_EQ(tally_get(&w.board->count[10 * i + 5]), 2);
    }
    world_close(&w);
}

// The same world with a graph of its own.
static world view_of(const world *w) {
    world view = *w;
    view.graph = graph_of(w);
    view.flow = flow_of(view.graph);
    view.board_buffer = buffer_of(view.graph, w->board, sizeof(board));
    view.access.buffer = view.board_buffer;
    return view;
}

static void view_close(world *view) {
    weir_flow_release(view->flow);
    weir_graph_destroy(view->graph);
}

static void groups_of_several_graphs_share_the_processes(void) {
    enum { N = 3, GRAPHS = 3, ROUNDS = 40 };
    static weir_task tasks[GRAPHS][ROUNDS];
    world w;
    open_with(&w, N, 8);
    world views[GRAPHS];
    for (int g = 0; g < GRAPHS; g++)
        views[g] = view_of(&w);
    for (uint32_t i = 0; i < ROUNDS; i++)
        for (uint32_t g = 0; g < GRAPHS; g++)
            tasks[g][i] =
                group(&views[g], MEET, 10 * (g * ROUNDS + i), N - g % 2);
    for (uint32_t i = 0; i < ROUNDS; i++)
        for (int g = 0; g < GRAPHS; g++)
            check_done(&views[g], tasks[g][i]);
    for (int g = 0; g < GRAPHS; g++)
        view_close(&views[g]);
    world_close(&w);
}

static void a_group_fails_with_its_first_member_that_failed(void) {
    world w;
    open_with(&w, 4, 8);
    weir_task_outcome o = outcome_of(&w, group(&w, FAIL, 0, 4));
    CHECK_EQ(o.status, -1);
    CHECK_STR(o.kernel, "members fail");
    world_close(&w);
}

// It has ended when all its members have: also when one of them is dead.
static void a_group_with_a_dead_member_ends_when_all_have_ended(void) {
    for (uint32_t dead = 0; dead < 3; dead++) {
        world w;
        open_with(&w, 3, 8);
        int fds[3];
        for (unsigned i = 0; i < 3; i++)
            fds[i] = pidfd_of(pid_of(&w, i));
        weir_task task = group(&w, MEET_OR_DIE, dead, 3);
        while (!is_dead(fds[0]) && !is_dead(fds[1]) && !is_dead(fds[2]))
            sched_yield();
        CHECK_EQ(weir_task_poll(w.graph, task, NULL), -EINPROGRESS);
        tally_add(&w.board->go);
        check_lost(&w, task, SIGKILL, -1);
        CHECK_EQ(tally_get(&w.board->ended), 2);
        for (int i = 0; i < 3; i++)
            close(fds[i]);
        check_done(&w, group(&w, MEET, 100, 3)); // and there are three again
        world_close(&w);
    }
}

static void a_group_that_is_too_large_is_refused_at_once(void) {
    world w;
    open_with(&w, 2, 8);
    uint32_t index = 0;
    weir_task_spec spec = spec_of(&w, &kernels[MEET], &index, sizeof(index));
    spec.members = 3;
    weir_task task;
    CHECK_EQ(weir_flow_submit(w.flow, &spec, &task), -E2BIG);
    spec.members = 1; // is one
    check_done(&w, put(&w, &spec));
    world_close(&w);
}

// ---- priorities ------------------------------------------------------------

static void what_waits_comes_by_priority_and_then_in_order(void) {
    enum { EACH = 10 };
    static const int32_t priorities[] = {
        WEIR_PRIORITY_LOW, WEIR_PRIORITY_NORMAL, WEIR_PRIORITY_HIGH};
    world w;
    open_with(&w, 1, 1); // one is with the process, the others wait outside
    weir_task first = give(&w, &kernels[HOLD], 9 * EACH);
    tally_await(&w.board->begun, 1);
    weir_task tasks[3 * EACH];
    for (uint32_t i = 0; i < 3 * EACH; i++) {
        weir_task_spec spec = spec_of(&w, &kernels[TURN], &i, sizeof(i));
        spec.priority = priorities[i % 3];
        tasks[i] = put(&w, &spec);
    }
    tally_add(&w.board->go);
    check_done(&w, first);
    for (uint32_t i = 0; i < 3 * EACH; i++)
        check_done(&w, tasks[i]);
    for (uint32_t i = 0; i < 3 * EACH; i++) // i % 3 of low is 0
        CHECK_EQ(tally_get(&w.board->count[i]), (2 - i % 3) * EACH + i / 3 + 1);
    world_close(&w);
}

// ---- the order of data -----------------------------------------------------

// A chain over one number, on threads and in processes by turns.
static void threads_and_processes_work_on_the_same_data_in_order(void) {
    enum { N = 600 };
    static weir_task tasks[N];
    world w;
    open_with(&w, 2, 8);
    uint64_t *number = weir_zygote_alloc(w.zygote, sizeof(*number));
    CHECK(number != NULL);
    weir_buffer buffer = buffer_of(w.graph, number, sizeof(*number));
    weir_access access[] = {w.access,
                            WEIR_ACCESS(WEIR_READWRITE, buffer, 0, WEIR_WHOLE)};
    uint64_t expected = 0, random = 1;
    for (uint32_t i = 0; i < N; i++) {
        weir_task_spec spec = spec_of(&w, &kernels[ADD], &i, sizeof(i));
        spec.accesses = access;
        spec.accesses_count = 2;
        spec.procs = wr_random_below(&random, 2) == 0 ? w.procs : NULL;
        tasks[i] = put(&w, &spec);
        expected = expected * 3 + i;
    }
    for (uint32_t i = 0; i < N; i++)
        check_done(&w, tasks[i]);
    CHECK_EQ(*number, expected);
    CHECK_EQ(weir_buffer_close(w.graph, buffer), 0);
    weir_zygote_free(w.zygote, number);
    world_close(&w);
}

enum { CELLS = 16, STEPS = 800 };

// Random tasks on random cells, checked against the same program in one thread.
static void any_program_does_what_it_would_do_alone(void) {
    for (uint64_t seed = 1; seed <= 4; seed++) {
        world w;
        open_with(&w, 3, 4);
        uint64_t *cells = weir_zygote_alloc(w.zygote, CELLS * sizeof(*cells));
        CHECK(cells != NULL);
        weir_buffer buffer = buffer_of(w.graph, cells, CELLS * sizeof(*cells));
        uint64_t expected[CELLS] = {0}, random = seed;
        for (uint32_t i = 0; i < STEPS; i++) {
            size_t at = wr_random_below(&random, CELLS);
            weir_access access[] = {
                w.access, WEIR_ACCESS(WEIR_READWRITE, buffer, 8 * at, 8)};
            weir_task_spec spec = spec_of(&w, &kernels[ADD], &i, sizeof(i));
            spec.accesses = access;
            spec.accesses_count = 2;
            spec.priority = (int32_t)wr_random_below(&random, 3) - 1;
            if (wr_random_below(&random, 3) == 0)
                spec.procs = NULL;
            CHECK_EQ(weir_flow_submit(w.flow, &spec, NULL), 0);
            expected[at] = expected[at] * 3 + i;
        }
        weir_flow_close(w.flow);
        int status = 1;
        CHECK_EQ(weir_flow_wait(w.flow, WEIR_FOREVER, &status), 0);
        CHECK_EQ(status, 0);
        for (int i = 0; i < CELLS; i++)
            CHECK_EQ(cells[i], expected[i]);
        CHECK_EQ(weir_buffer_close(w.graph, buffer), 0);
        weir_zygote_free(w.zygote, cells);
        world_close(&w);
    }
}

// ---- the graph's heap ------------------------------------------------------

static void the_graphs_heap_may_be_in_the_zygotes_memory(void) {
    enum { N = 200, BYTES = 30000 };
    world w;
    world_init(&w, kernels, TEST_COUNT(kernels), 2);
    w.heap_in_zygote = 1;
    w.ring_bytes = 1 << 20; // N buffers are more than that: it comes back
    world_open(&w);
    for (uint32_t i = 0; i < N; i++) {
        CHECK_EQ(weir_flow_scope_begin(w.flow), 0);
        weir_buffer made;
        weir_access access[] = {
            w.access, {.bytes = BYTES, .mode = WEIR_WRITE, .allocate = &made}};
        uint32_t index = i;
        weir_task_spec spec = spec_of(&w, &kernels[ADD], &index, sizeof(index));
        spec.accesses = access;
        spec.accesses_count = 2;
        spec.procs = i % 2 == 0 ? w.procs : NULL;
        CHECK_EQ(weir_flow_submit(w.flow, &spec, NULL), 0);
        size_t bytes;
        uint64_t *memory = weir_buffer_memory(w.graph, made, &bytes);
        CHECK(memory != NULL);
        CHECK_EQ(bytes, BYTES);
        weir_access again[] = {
            w.access, WEIR_ACCESS(WEIR_READWRITE, made, 0, WEIR_WHOLE)};
        spec.accesses = again;
        spec.procs = i % 3 == 0 ? w.procs : NULL;
        weir_task task = put(&w, &spec);
        CHECK_EQ(weir_flow_scope_end(w.flow), 0);
        check_done(&w, task);
    }
    world_close(&w);
}

static void a_private_heap_is_not_for_processes(void) {
    world w;
    open_with(&w, 1, 8);
    weir_buffer buffer;
    void *memory;
    CHECK_EQ(weir_buffer_alloc(w.flow, 64, WEIR_FOREVER, &buffer, &memory), 0);
    weir_access access[] = {w.access,
                            WEIR_ACCESS(WEIR_WRITE, buffer, 0, WEIR_WHOLE)};
    uint32_t index = 0;
    weir_task_spec spec = spec_of(&w, &kernels[ADD], &index, sizeof(index));
    spec.accesses = access;
    spec.accesses_count = 2;
    weir_task task;
    CHECK_EQ(weir_flow_submit(w.flow, &spec, &task), -EINVAL);
    access[1] =
        (weir_access){.bytes = 64, .mode = WEIR_WRITE, .allocate = &buffer};
    CHECK_EQ(weir_flow_submit(w.flow, &spec, &task), -EINVAL);
    spec.procs = NULL;
    check_done(&w, put(&w, &spec));
    world_close(&w);
}

// ---- cancelling ------------------------------------------------------------

static void a_kernel_in_a_process_sees_that_it_is_cancelled(void) {
    world w;
    open_with(&w, 2, 8);
    weir_task running[2], waiting[50];
    for (uint32_t i = 0; i < 2; i++)
        running[i] = give(&w, &kernels[UNTIL_TOLD], 0);
    tally_await(&w.board->begun, 2);
    for (uint32_t i = 0; i < 50; i++)
        waiting[i] = give(&w, &kernels[COUNT], i);
    weir_flow_cancel(w.flow);
    for (int i = 0; i < 2; i++)
        check_done(&w, running[i]);
    CHECK_EQ(tally_get(&w.board->ended), 2);
    for (uint32_t i = 0; i < 50; i++) {
        weir_task_outcome o = outcome_of(&w, waiting[i]);
        CHECK_EQ(o.status, -ECANCELED);
        CHECK_EQ(o.ran, 0);
        CHECK_EQ(tally_get(&w.board->count[i]), 0);
    }
    world_close(&w);
}

static void a_cancel_may_come_at_any_moment(void) {
    enum { ROUNDS = 100, N = 30 };
    world w;
    open_with(&w, 2, 8);
    weir_flow_release(w.flow);
    uint64_t random = 7;
    for (int round = 0; round < ROUNDS; round++) {
        w.flow = flow_of(w.graph);
        for (uint32_t i = 0; i < N; i++)
            tally_set(&w.board->count[i], 0);
        weir_task tasks[N];
        for (uint32_t i = 0; i < N; i++)
            tasks[i] = give(&w, &kernels[COUNT], i);
        until(weir_now_ns() + wr_random_below(&random, 200000));
        weir_flow_cancel(w.flow);
        for (uint32_t i = 0; i < N; i++) {
            weir_task_outcome o = outcome_of(&w, tasks[i]);
            CHECK(o.status == 0 || o.status == -ECANCELED);
            CHECK_EQ(o.ran, o.status == 0);
            CHECK_EQ(tally_get(&w.board->count[i]), o.status == 0);
        }
        weir_flow_release(w.flow);
    }
    w.flow = flow_of(w.graph);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.replaced, 0);
    CHECK_EQ(c.queued + c.in_flight, 0);
    world_close(&w);
}

static void a_pool_that_is_stopped_ends_tasks_of_processes(void) {
    world w;
    open_with(&w, 1, 8);
    weir_task running = give(&w, &kernels[UNTIL_TOLD], 0);
    tally_await(&w.board->begun, 1);
    weir_task waiting[20];
    for (uint32_t i = 0; i < 20; i++)
        waiting[i] = give(&w, &kernels[COUNT], i);
    CHECK_EQ(weir_pool_stop(w.pool, WEIR_STOP_ABORT, WEIR_FOREVER, NULL), 0);
    check_done(&w, running);
    for (uint32_t i = 0; i < 20; i++) {
        weir_task_outcome o = outcome_of(&w, waiting[i]);
        CHECK_EQ(o.status, -ESHUTDOWN);
        CHECK_EQ(o.ran, 0);
        CHECK_EQ(tally_get(&w.board->count[i]), 0);
    }
    world_close(&w);
}

// ---- many groups, graphs and threads ---------------------------------------

static void groups_of_processes_are_independent(void) {
    world w;
    open_with(&w, 1, 8);
    weir_procs_options options = w.procs_options;
    options.children = 2;
    options.name = "the other";
    CHECK_EQ(weir_procs_create(&w.other, w.zygote, &options), 0);
    weir_task stuck = give(&w, &kernels[HOLD], 0);
    tally_await(&w.board->begun, 1);
    world_use_other(&w); // the first is busy, this is not
    for (uint32_t i = 1; i < 50; i++)
        check_done(&w, give(&w, &kernels[COUNT], i));
    check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1);
    check_done(&w, give(&w, &kernels[COUNT], 50));
    CHECK_EQ(procs_counts(w.other).crashes, 0);
    CHECK_EQ(procs_counts(w.procs).crashes, 1);
    tally_add(&w.board->go);
    check_done(&w, stuck);
    world_close(&w);
}

typedef struct maker {
    world world;
    uint32_t first;
} maker;

enum { MAKERS = 4, MADE = 4, TASKS = 30 };

// Makes groups, uses them, ends them.
static void *make_main(void *arg) {
    maker *m = arg;
    for (uint32_t i = 0; i < MADE; i++) {
        world view = view_of(&m->world), *w = &view;
        weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
        options.children = 1 + i % 2;
        CHECK_EQ(weir_procs_create(&w->procs, w->zygote, &options), 0);
        weir_task tasks[TASKS];
        for (uint32_t j = 0; j < TASKS; j++)
            tasks[j] = j == 7 ? give(w, &kernels[DIE], 0)
                              : give(w, &kernels[COUNT], m->first + j);
        for (uint32_t j = 0; j < TASKS; j++) {
            if (j == 7)
                check_lost(w, tasks[j], SIGKILL, -1);
            else
                check_done(w, tasks[j]);
        }
        view_close(w);
        weir_procs_destroy(w->procs);
    }
    return NULL;
}

static void many_threads_may_make_groups_at_once(void) {
    static maker makers[MAKERS];
    pthread_t threads[MAKERS];
    world w;
    open_with(&w, 1, 8);
    for (uint32_t i = 0; i < MAKERS; i++) {
        makers[i].world = w;
        makers[i].first = 100 * i;
        threads[i] = thread_start(make_main, &makers[i]);
    }
    for (uint32_t i = 0; i < MAKERS; i++)
        thread_join(threads[i]);
    for (uint32_t i = 0; i < MAKERS; i++)
        for (uint32_t j = 0; j < TASKS; j++)
            CHECK_EQ(tally_get(&w.board->count[100 * i + j]),
                     j == 7 ? 0 : MADE);
    check_done(&w, give(&w, &kernels[COUNT], 8000));
    world_close(&w);
}

static void *submit_main(void *arg) {
    maker *s = arg;
    weir_task tasks[500];
    for (uint32_t i = 0; i < 500; i++)
        tasks[i] = give(&s->world, &kernels[COUNT], s->first + i);
    for (uint32_t i = 0; i < 500; i++)
        check_done(&s->world, tasks[i]);
    return NULL;
}

// Who waits carries outcomes back himself; who does not has the keeper.
static void many_threads_may_submit_and_wait_at_once(void) {
    static maker submitters[4];
    pthread_t threads[4];
    world w;
    open_with(&w, 2, 8);
    for (uint32_t i = 0; i < 4; i++) {
        submitters[i] = (maker){w, 1000 * i};
        threads[i] = thread_start(submit_main, &submitters[i]);
    }
    for (uint32_t i = 0; i < 4; i++)
        thread_join(threads[i]);
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t j = 0; j < 500; j++)
            CHECK_EQ(tally_get(&w.board->count[1000 * i + j]), 1);
    world_close(&w);
}

static tally continued;

static int continue_run(weir_worker *self, weir_job *job) {
    (void)self, (void)job;
    tally_add(&continued);
    return 0;
}

// Nobody waits for these: the keeper alone brings them back.
static void outcomes_come_back_without_anybody_waiting(void) {
    enum { N = 300 };
    static weir_job jobs[N];
    static weir_task tasks[N];
    world w;
    open_with(&w, 2, 8);
    tally_set(&continued, 0);
    for (uint32_t i = 0; i < N; i++) {
        tasks[i] = give(&w, &kernels[i % 50 == 49 ? DIE : COUNT], i);
        jobs[i] = (weir_job)WEIR_JOB_INIT(continue_run, NULL);
        CHECK_EQ(weir_task_attach(w.graph, tasks[i], &jobs[i]), 0);
    }
    tally_await(&continued, N);
    for (uint32_t i = 0; i < N; i++) {
        weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
        CHECK_EQ(weir_task_poll(w.graph, tasks[i], &o), 0);
        CHECK_EQ(o.status, i % 50 == 49 ? -EOWNERDEAD : 0);
        CHECK_EQ(weir_task_release(w.graph, tasks[i]), 0);
    }
    world_close(&w);
}

// A chain: each link is ready when the one before has come back, which nobody
// waits for but at its end.
static void a_chain_through_processes_needs_nobody(void) {
    enum { N = 2000 };
    world w;
    open_with(&w, 2, 8);
    uint64_t *number = weir_zygote_alloc(w.zygote, sizeof(*number));
    CHECK(number != NULL);
    weir_buffer buffer = buffer_of(w.graph, number, sizeof(*number));
    weir_access access[] = {w.access,
                            WEIR_ACCESS(WEIR_READWRITE, buffer, 0, WEIR_WHOLE)};
    uint64_t expected = 0;
    weir_task last = {0};
    for (uint32_t i = 0; i < N; i++) {
        weir_task_spec spec = spec_of(&w, &kernels[ADD], &i, sizeof(i));
        spec.accesses = access;
        spec.accesses_count = 2;
        if (i < N - 1)
            CHECK_EQ(weir_flow_submit(w.flow, &spec, NULL), 0);
        else
            last = put(&w, &spec);
        expected = expected * 3 + i;
    }
    while (weir_task_poll(w.graph, last, NULL) == -EINPROGRESS)
        sched_yield();
    check_done(&w, last);
    CHECK_EQ(*number, expected);
    CHECK_EQ(weir_buffer_close(w.graph, buffer), 0);
    weir_zygote_free(w.zygote, number);
    world_close(&w);
}

static const test_case cases[] = {
    {"members_run_at_once_in_different_processes",
     members_run_at_once_in_different_processes},
    {"groups_among_single_tasks_do_not_hang",
     groups_among_single_tasks_do_not_hang},
    {"groups_of_several_graphs_share_the_processes",
     groups_of_several_graphs_share_the_processes},
    {"a_group_fails_with_its_first_member_that_failed",
     a_group_fails_with_its_first_member_that_failed},
    {"a_group_with_a_dead_member_ends_when_all_have_ended",
     a_group_with_a_dead_member_ends_when_all_have_ended},
    {"a_group_that_is_too_large_is_refused_at_once",
     a_group_that_is_too_large_is_refused_at_once},
    {"what_waits_comes_by_priority_and_then_in_order",
     what_waits_comes_by_priority_and_then_in_order},
    {"threads_and_processes_work_on_the_same_data_in_order",
     threads_and_processes_work_on_the_same_data_in_order},
    {"any_program_does_what_it_would_do_alone",
     any_program_does_what_it_would_do_alone},
    {"the_graphs_heap_may_be_in_the_zygotes_memory",
     the_graphs_heap_may_be_in_the_zygotes_memory},
    {"a_private_heap_is_not_for_processes",
     a_private_heap_is_not_for_processes},
    {"a_kernel_in_a_process_sees_that_it_is_cancelled",
     a_kernel_in_a_process_sees_that_it_is_cancelled},
    {"a_cancel_may_come_at_any_moment", a_cancel_may_come_at_any_moment},
    {"a_pool_that_is_stopped_ends_tasks_of_processes",
     a_pool_that_is_stopped_ends_tasks_of_processes},
    {"groups_of_processes_are_independent",
     groups_of_processes_are_independent},
    {"many_threads_may_make_groups_at_once",
     many_threads_may_make_groups_at_once},
    {"many_threads_may_submit_and_wait_at_once",
     many_threads_may_submit_and_wait_at_once},
    {"outcomes_come_back_without_anybody_waiting",
     outcomes_come_back_without_anybody_waiting},
    {"a_chain_through_processes_needs_nobody",
     a_chain_through_processes_needs_nobody},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
