// SPDX-License-Identifier: MIT
// A process that crashes, exits, is killed or overruns fails the task that ran
// in it, and nothing else.
#include "support/graph_procs.h"

// ---- ways to go ------------------------------------------------------------

typedef enum way {
    BY_NULL,
    BY_ABORT,
    BY_EXIT_AT_ONCE,
    BY_EXIT,
    BY_KILL,
    BY_TERM,
    BY_FPE,
    BY_STACK,
    BY_ILL,
    BY_PIPE_END,
    WAYS
} way;

static const struct {
    int number, exit_status;
} ends[WAYS] = {
    [BY_NULL] = {SIGSEGV, -1},  [BY_ABORT] = {SIGABRT, -1},
    [BY_EXIT_AT_ONCE] = {0, 3}, [BY_EXIT] = {0, 4},
    [BY_KILL] = {SIGKILL, -1},  [BY_TERM] = {SIGTERM, -1},
    [BY_FPE] = {SIGFPE, -1},    [BY_STACK] = {SIGSEGV, -1},
    [BY_ILL] = {SIGILL, -1},    [BY_PIPE_END] = {0, 0},
};

static int *volatile nowhere = (int *)64;

// A frame that must be written and cannot be a loop.
static int deeper(volatile char *above) {
    volatile char frame[4096];
    frame[0] = (char)(above[0] + 1);
    if (above[1] == 'x')
        return frame[0];
    return deeper(frame) + frame[0];
}

static void go_by(way how) {
    volatile char bottom[2] = {0, 0};
    switch (how) {
    case BY_NULL: *nowhere = 1; break;
    case BY_ABORT: abort();
    case BY_EXIT_AT_ONCE: _exit(3);
    case BY_EXIT: exit(4);
    case BY_KILL: raise(SIGKILL); break;
    case BY_TERM: raise(SIGTERM); break;
    case BY_FPE: raise(SIGFPE); break;
    case BY_STACK: deeper(bottom); break;
    case BY_ILL: raise(SIGILL); break;
    case BY_PIPE_END: _exit(0); // says that all is well, and is not back
    case WAYS: break;
    }
}

static int go_run(const weir_kernel_call *call) {
    struct {
        uint32_t index;
        way how;
    } a;
    memcpy(&a, call->arguments, sizeof(a));
    board *b = board_of(call);
    tally_add(&b->count[a.index]);
    tally_add(&b->begun);
    while (tally_get(&b->go) == 0)
        sched_yield();
    go_by(a.how);
    return -EPROTO; // it is still there
}

static int fill_run(const weir_kernel_call *call) {
    memset(call->data[1], 7, 64);
    return 0;
}

// Kills itself having written half of its data.
static int half_run(const weir_kernel_call *call) {
    memset(call->data[1], 9, 32);
    raise(SIGKILL);
    return 0;
}

static int check7_run(const weir_kernel_call *call) {
    for (int i = 0; i < 64; i++)
        if (((unsigned char *)call->data[1])[i] != 7)
            return -EIO;
    return 0;
}

static const weir_kernel kernels[] = {
    {"count", count_run}, {"go", go_run},        {"hang", hang_run},
    {"hold", hold_run},   {"die", die_run},      {"fill", fill_run},
    {"half", half_run},   {"check", check7_run},
};
enum { COUNT, GO, HANG, HOLD, DIE, FILL, HALF, CHECK7 };

static void open_with(world *w, unsigned children, unsigned depth) {
    world_init(w, kernels, TEST_COUNT(kernels), children);
    w->procs_options.depth = depth;
    world_open(w);
}

static weir_task go(const world *w, uint32_t index, way how) {
    struct {
        uint32_t index;
        way how;
    } a = {index, how};
    weir_task_spec spec = spec_of(w, &kernels[GO], &a, sizeof(a));
    return put(w, &spec);
}

static void check_gone(const world *w, weir_task task, way how) {
    check_lost(w, task, ends[how].number, ends[how].exit_status);
}

// ---- one crash -------------------------------------------------------------

static void every_way_to_go_fails_its_task_and_no_other(void) {
    world w;
    open_with(&w, 2, 8);
    tally_add(&w.board->go);
    for (way how = 0; how < WAYS; how++) {
        uint32_t first = 100 * (uint32_t)how;
        int pids[2] = {pid_await(&w, 0, -1), pid_await(&w, 1, -1)};
        weir_task tasks[50];
        for (uint32_t i = 0; i < 50; i++)
            tasks[i] = i == 25 ? go(&w, first + i, how)
                               : give(&w, &kernels[COUNT], first + i);
        for (uint32_t i = 0; i < 50; i++) {
            if (i == 25)
                check_gone(&w, tasks[i], how);
            else
                check_done(&w, tasks[i]);
            CHECK_EQ(tally_get(&w.board->count[first + i]), 1);
        }
        weir_procs_counts c = procs_counts(w.procs);
        CHECK_EQ(c.crashes, (uint64_t)how + 1);
        CHECK_EQ(c.timeouts, 0);
        int changed = 0;
        while (changed == 0)
            for (unsigned i = 0; i < 2; i++)
                changed += pid_await(&w, i, -1) != pids[i];
        CHECK_EQ(changed, 1);
    }
    CHECK_EQ(procs_counts(w.procs).tasks, 49 * WAYS);
    world_close(&w);
}

static void a_crash_says_what_it_was_in_words(void) {
    world w;
    open_with(&w, 1, 8);
    tally_add(&w.board->go);
    weir_task_outcome o = outcome_of(&w, go(&w, 0, BY_NULL));
    CHECK(o.reason[0] != 0);
    CHECK_STR(o.kernel, "go");
    printf("  %s\n", o.reason);
    o = outcome_of(&w, go(&w, 1, BY_EXIT_AT_ONCE));
    CHECK(strstr(o.reason, "3") != NULL);
    printf("  %s\n", o.reason);
    world_close(&w);
}

static void a_process_that_is_gone_is_replaced_by_another(void) {
    enum { N = 20 };
    world w;
    open_with(&w, 1, 8);
    int old = pid_of(&w, 0), first = old;
    for (int i = 0; i < N; i++) {
        check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1);
        check_done(&w, give(&w, &kernels[COUNT], 1));
        int now = pid_await(&w, 0, old);
        CHECK_EQ(parent_of(now), zygote_pid(&w));
        old = now;
    }
    CHECK(old != first);
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.replaced, N);
    CHECK_EQ(c.children, 1);
    CHECK_EQ(tally_get(&w.board->count[1]), N);
    world_close(&w);
}

// ---- what waits behind -----------------------------------------------------

static void what_waits_behind_a_crash_runs_once_elsewhere(void) {
    static const unsigned shapes[][2] = {{1, 1},  {1, 2}, {1, 8},
                                         {1, 64}, {2, 8}, {3, 64}};
    enum { N = 60 };
    for (size_t s = 0; s < TEST_COUNT(shapes); s++) {
        world w;
        open_with(&w, shapes[s][0], shapes[s][1]);
        unsigned children = shapes[s][0];
        weir_task gone[4], behind[N];
        for (uint32_t i = 0; i < children; i++)
            gone[i] = go(&w, i, BY_ABORT);
        tally_await(&w.board->begun, children);
        for (uint32_t i = 0; i < N; i++)
            behind[i] = give(&w, &kernels[COUNT], 100 + i);
        CHECK_EQ(tally_get(&w.board->ended), 0);
        weir_procs_counts c = procs_counts(w.procs);
        CHECK_EQ(c.queued + c.in_flight, N + children);
        CHECK(c.in_flight <= (uint64_t)children * shapes[s][1]);
        tally_add(&w.board->go);
        for (uint32_t i = 0; i < children; i++)
            check_gone(&w, gone[i], BY_ABORT);
        for (uint32_t i = 0; i < N; i++)
            check_done(&w, behind[i]);
        for (uint32_t i = 0; i < N; i++)
            CHECK_EQ(tally_get(&w.board->count[100 + i]), 1);
        c = procs_counts(w.procs);
        CHECK_EQ(c.tasks, N);
        CHECK_EQ(c.crashes, children);
        world_close(&w);
    }
}

static void crashes_in_a_row_lose_nothing_that_waits(void) {
    enum { N = 400 };
    static weir_task tasks[N];
    world w;
    open_with(&w, 2, 8);
    tally_add(&w.board->go);
    for (uint32_t i = 0; i < N; i++)
        tasks[i] = i % 8 == 5 ? go(&w, i, (way)(i / 8 % WAYS))
                              : give(&w, &kernels[COUNT], i);
    for (uint32_t i = 0; i < N; i++) {
        if (i % 8 == 5)
            check_gone(&w, tasks[i], (way)(i / 8 % WAYS));
        else
            check_done(&w, tasks[i]);
        CHECK_EQ(tally_get(&w.board->count[i]), 1);
    }
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.crashes, N / 8);
    CHECK_EQ(c.tasks, N - N / 8);
    CHECK_EQ(c.queued + c.in_flight, 0);
    world_close(&w);
}

static void all_processes_may_crash_at_once(void) {
    enum { N = 6 };
    world w;
    open_with(&w, N, 8);
    for (int round = 0; round < 5; round++) {
        weir_task tasks[N];
        for (uint32_t i = 0; i < N; i++)
            tasks[i] = go(&w, i, BY_NULL);
        tally_await(&w.board->begun, N);
        tally_set(&w.board->go, 1);
        for (uint32_t i = 0; i < N; i++)
            check_gone(&w, tasks[i], BY_NULL);
        tally_set(&w.board->go, 0);
        tally_set(&w.board->begun, 0);
    }
    CHECK_EQ(procs_counts(w.procs).crashes, 5 * N);
    for (unsigned i = 0; i < N; i++)
        pid_await(&w, i, -1);
    CHECK_EQ(procs_counts(w.procs).children, N);
    world_close(&w);
}

// ---- from outside ----------------------------------------------------------

static void an_idle_process_that_is_killed_is_replaced(void) {
    world w;
    open_with(&w, 2, 8);
    for (int round = 0; round < 5; round++) {
        for (unsigned i = 0; i < 2; i++) {
            int old = pid_await(&w, i, -1), fd = pidfd_of(old);
            signal_to(fd, SIGKILL);
            await_death(fd);
            close(fd);
            pid_await(&w, i, old);
        }
        for (uint32_t i = 0; i < 20; i++)
            check_done(&w, give(&w, &kernels[COUNT], i));
    }
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.crashes, 0); // no task was lost
    CHECK_EQ(c.replaced, 10);
    CHECK_EQ(c.tasks, 100);
    world_close(&w);
}

static void a_process_may_be_killed_while_it_works(void) {
    world w;
    open_with(&w, 1, 8);
    for (int round = 0; round < 10; round++) {
        tally_set(&w.board->begun, 0);
        weir_task task = give(&w, &kernels[HANG], 0);
        weir_task next = give(&w, &kernels[COUNT], 0);
        tally_await(&w.board->begun, 1);
        int fd = pidfd_of(pid_of(&w, 0));
        signal_to(fd, round % 2 == 0 ? SIGKILL : SIGTERM);
        check_lost(&w, task, round % 2 == 0 ? SIGKILL : SIGTERM, -1);
        close(fd);
        check_done(&w, next);
    }
    world_close(&w);
}

// Whatever the moment: it was done, or it is lost, and the next is neither.
static void a_kill_may_meet_the_end_of_a_kernel(void) {
    enum { N = 200 };
    world w;
    open_with(&w, 1, 8);
    uint64_t done = 0;
    for (uint32_t i = 0; i < N; i++) {
        weir_task task = give(&w, &kernels[COUNT], i);
        weir_task next = give(&w, &kernels[COUNT], N + i);
        int fd = pidfd_of(pid_await(&w, 0, -1));
        while (i % 2 == 0 && tally_get(&w.board->count[i]) == 0 && !is_dead(fd))
            continue;
        signal_to(fd, SIGKILL);
        weir_task_outcome both[2] = {outcome_of(&w, task),
                                     outcome_of(&w, next)};
        await_death(fd);
        close(fd);
        int lost = 0;
        for (uint32_t j = 0; j < 2; j++) {
            uint64_t count = tally_get(&w.board->count[i + j * N]);
            if (both[j].status == 0) {
                CHECK_EQ(count, 1);
                done++;
                continue;
            }
            CHECK_EQ(both[j].status, -EOWNERDEAD);
            CHECK_EQ(both[j].signal, SIGKILL);
            CHECK(count <= 1);
            lost++;
        }
        CHECK(lost <= 1); // one process died, and ran one at a time
    }
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.tasks, done);
    CHECK_EQ(c.crashes, 2 * N - done);
    world_close(&w);
}

// One that ended before the next began is done, though its process is dead by
// the time that anybody looks.
static void what_a_dead_process_had_finished_counts(void) {
    enum { N = 8 };
    world w;
    open_with(&w, 1, N);
    for (int round = 0; round < 20; round++) {
        weir_task tasks[N];
        tally_set(&w.board->go, 0);
        tally_set(&w.board->begun, 0);
        weir_task first = give(&w, &kernels[HOLD], 0);
        tally_await(&w.board->begun, 1);
        for (uint32_t i = 1; i < N; i++)
            tasks[i] = i == N - 1 ? give(&w, &kernels[DIE], i)
                                  : give(&w, &kernels[COUNT], i);
        tally_set(&w.board->go, 1);
        check_done(&w, first);
        for (uint32_t i = 1; i < N - 1; i++)
            check_done(&w, tasks[i]);
        check_lost(&w, tasks[N - 1], SIGKILL, -1);
    }
    for (uint32_t i = 1; i < N - 1; i++)
        CHECK_EQ(tally_get(&w.board->count[i]), 20);
    world_close(&w);
}

// ---- nothing is said too early ---------------------------------------------

static void a_loss_is_told_when_the_process_is_dead(void) {
    world w;
    open_with(&w, 1, 8);
    for (int round = 0; round < 20; round++) {
        int fd = pidfd_of(pid_await(&w, 0, -1));
        weir_task_spec spec = spec_of(&w, &kernels[HANG], NULL, 0);
        spec.timeout_ns = round % 2 == 0 ? 5000000 : 0;
        tally_set(&w.board->begun, 0);
        weir_task task = put(&w, &spec);
        // Its time begins before its first line: one that overruns may be
        // killed before it counts itself.
        if (round % 2 != 0) {
            tally_await(&w.board->begun, 1);
            signal_to(fd, SIGTERM);
        }
        weir_task_outcome o = outcome_of(&w, task);
        CHECK_EQ(is_dead(fd), 1);
        CHECK_EQ(o.status, round % 2 == 0 ? -ETIMEDOUT : -EOWNERDEAD);
        uint64_t turn = tally_get(&w.board->turn); // nobody writes any more
        close(fd);
        for (int i = 0; i < 1000; i++)
            CHECK_EQ(tally_get(&w.board->turn), turn);
    }
    world_close(&w);
}

static void a_stopped_process_is_not_a_dead_one(void) {
    world w;
    open_with(&w, 2, 1);
    weir_task task = give(&w, &kernels[HOLD], 0);
    tally_await(&w.board->begun, 1);
    weir_task other = give(&w, &kernels[HOLD], 1);
    tally_await(&w.board->begun, 2);
    int fds[2] = {pidfd_of(pid_of(&w, 0)), pidfd_of(pid_of(&w, 1))};
    signal_to(fds[0], SIGSTOP);
    tally_add(&w.board->go);
    // One of the two goes on, and everything else with it.
    for (uint32_t i = 2; i < 200; i++)
        check_done(&w, give(&w, &kernels[COUNT], i));
    int ended = 0;
    weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
    ended += weir_task_poll(w.graph, task, &o) == 0;
    ended += weir_task_poll(w.graph, other, &o) == 0;
    CHECK(ended <= 1);
    CHECK_EQ(is_dead(fds[0]), 0);
    signal_to(fds[0], SIGCONT);
    check_done(&w, task);
    check_done(&w, other);
    close(fds[0]);
    close(fds[1]);
    CHECK_EQ(procs_counts(w.procs).replaced, 0);
    world_close(&w);
}

static void a_stopped_process_can_overrun_and_be_killed(void) {
    world w;
    open_with(&w, 1, 8);
    int fd = pidfd_of(pid_of(&w, 0)); // its own, however late this looks
    weir_task_spec spec = spec_of(&w, &kernels[HANG], NULL, 0);
    spec.timeout_ns = (int64_t)2 * 1000000000;
    weir_task task = put(&w, &spec);
    weir_task next = give(&w, &kernels[COUNT], 0);
    tally_await(&w.board->begun, 1);
    signal_to(fd, SIGSTOP);
    check_status(&w, task, -ETIMEDOUT);
    CHECK_EQ(is_dead(fd), 1);
    close(fd);
    check_done(&w, next);
    world_close(&w);
}

// ---- time ------------------------------------------------------------------

static void who_overruns_is_killed(void) {
    world w;
    open_with(&w, 2, 8);
    weir_task_spec spec = spec_of(&w, &kernels[HANG], NULL, 0);
    spec.timeout_ns = 20000000;
    for (int round = 0; round < 5; round++) {
        weir_task tasks[4];
        for (int i = 0; i < 4; i++)
            tasks[i] = put(&w, &spec);
        weir_task next = give(&w, &kernels[COUNT], 0);
        for (int i = 0; i < 4; i++) {
            int64_t now = weir_now_ns();
            weir_task_outcome o = outcome_of(&w, tasks[i]);
            CHECK_EQ(o.status, -ETIMEDOUT);
            CHECK_EQ(o.ran, 1);
            CHECK_STR(o.kernel, "hang");
            CHECK(weir_now_ns() - now < (int64_t)20 * 1000000000);
        }
        check_done(&w, next);
    }
    pid_await(&w, 0, -1);
    pid_await(&w, 1, -1);
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.timeouts, 20);
    CHECK_EQ(c.crashes, 20);
    CHECK_EQ(c.replaced, 20);
    world_close(&w);
}

// The time is that of the kernel, not of the queue before it.
static void a_limit_counts_from_the_kernels_start(void) {
    world w;
    open_with(&w, 1, 8);
    weir_task first = give(&w, &kernels[HOLD], 0);
    tally_await(&w.board->begun, 1);
    uint32_t index = 1;
    weir_task_spec spec = spec_of(&w, &kernels[COUNT], &index, sizeof(index));
    spec.timeout_ns = (int64_t)3 * 1000000000;
    int64_t began = weir_now_ns();
    weir_task waits[20]; // in its mailbox and behind that
    for (int i = 0; i < 20; i++)
        waits[i] = put(&w, &spec);
    until(began + 3200000000);
    CHECK_EQ(weir_task_poll(w.graph, waits[0], NULL), -EINPROGRESS);
    tally_add(&w.board->go);
    check_done(&w, first);
    for (int i = 0; i < 20; i++)
        check_done(&w, waits[i]);
    CHECK_EQ(procs_counts(w.procs).timeouts, 0);
    world_close(&w);
}

static void a_limit_that_is_not_reached_changes_nothing(void) {
    world w;
    open_with(&w, 2, 8);
    int pids[2] = {pid_of(&w, 0), pid_of(&w, 1)};
    uint32_t index = 0;
    weir_task_spec spec = spec_of(&w, &kernels[COUNT], &index, sizeof(index));
    spec.timeout_ns = (int64_t)60 * 1000000000;
    weir_task tasks[500];
    for (int i = 0; i < 500; i++)
        tasks[i] = put(&w, &spec);
    for (int i = 0; i < 500; i++)
        check_done(&w, tasks[i]);
    spec.timeout_ns = INT64_MAX;
    check_done(&w, put(&w, &spec));
    CHECK_EQ(pid_of(&w, 0), pids[0]);
    CHECK_EQ(pid_of(&w, 1), pids[1]);
    world_close(&w);
}

// The limit of one that ended is not that of the next.
static void a_limit_concerns_its_own_task(void) {
    world w;
    open_with(&w, 1, 8);
    uint32_t index = 0;
    weir_task_spec spec = spec_of(&w, &kernels[COUNT], &index, sizeof(index));
    spec.timeout_ns = 50000000;
    weir_task limited = put(&w, &spec);
    weir_task_outcome o = outcome_of(&w, limited);
    CHECK(o.status == 0 || o.status == -ETIMEDOUT); // a loaded machine
    tally_set(&w.board->begun, 0);
    weir_task after = give(&w, &kernels[HOLD], 1);
    tally_await(&w.board->begun, 1);
    until(in_ms(200));
    tally_add(&w.board->go);
    check_done(&w, after);
    world_close(&w);
}

// ---- poison ----------------------------------------------------------------

static weir_task on(const world *w, weir_buffer buffer, int kernel,
                    uint32_t mode, int in_process) {
    weir_access access[] = {w->access,
                            WEIR_ACCESS(mode, buffer, 0, WEIR_WHOLE)};
    weir_task_spec spec = spec_of(w, &kernels[kernel], NULL, 0);
    spec.accesses = access;
    spec.accesses_count = 2;
    if (!in_process)
        spec.procs = NULL;
    return put(w, &spec);
}

static void a_crash_poisons_what_reads_its_data(void) {
    world w;
    open_with(&w, 2, 8);
    char *memory = weir_zygote_alloc(w.zygote, 128);
    CHECK(memory != NULL);
    weir_buffer a = buffer_of(w.graph, memory, 64);
    weir_buffer b = buffer_of(w.graph, memory + 64, 64);
    weir_task tasks[] = {
        on(&w, a, FILL, WEIR_WRITE, 1),
        on(&w, b, FILL, WEIR_WRITE, 1),
        on(&w, a, HALF, WEIR_WRITE, 1),
        on(&w, a, CHECK7, WEIR_READ, 1), // in a process and on a thread
        on(&w, a, CHECK7, WEIR_READ, 0),
        on(&w, b, CHECK7, WEIR_READ, 1),
    };
    check_done(&w, tasks[0]);
    check_done(&w, tasks[1]);
    weir_task_outcome root = outcome_of(&w, tasks[2]);
    CHECK_EQ(root.status, -EOWNERDEAD);
    CHECK_EQ(root.signal, SIGKILL);
    for (int i = 3; i < 5; i++) {
        weir_task_outcome o = outcome_of(&w, tasks[i]);
        CHECK_EQ(o.status, -EOWNERDEAD);
        CHECK_EQ(o.ran, 0);
        CHECK_EQ(o.signal, SIGKILL);
        CHECK_EQ(o.root, root.number);
        CHECK_STR(o.kernel, "half");
    }
    check_done(&w, tasks[5]);
    check_status(&w, on(&w, a, CHECK7, WEIR_READ, 1), -EOWNERDEAD);
    check_done(&w, on(&w, a, FILL, WEIR_WRITE, 1)); // good again
    check_done(&w, on(&w, a, CHECK7, WEIR_READ, 1));
    CHECK_EQ(weir_buffer_close(w.graph, a), 0);
    CHECK_EQ(weir_buffer_close(w.graph, b), 0);
    weir_zygote_free(w.zygote, memory);
    world_close(&w);
}

static const test_case cases[] = {
    {"every_way_to_go_fails_its_task_and_no_other",
     every_way_to_go_fails_its_task_and_no_other},
    {"a_crash_says_what_it_was_in_words", a_crash_says_what_it_was_in_words},
    {"a_process_that_is_gone_is_replaced_by_another",
     a_process_that_is_gone_is_replaced_by_another},
    {"what_waits_behind_a_crash_runs_once_elsewhere",
     what_waits_behind_a_crash_runs_once_elsewhere},
    {"crashes_in_a_row_lose_nothing_that_waits",
     crashes_in_a_row_lose_nothing_that_waits},
    {"all_processes_may_crash_at_once", all_processes_may_crash_at_once},
    {"an_idle_process_that_is_killed_is_replaced",
     an_idle_process_that_is_killed_is_replaced},
    {"a_process_may_be_killed_while_it_works",
     a_process_may_be_killed_while_it_works},
    {"a_kill_may_meet_the_end_of_a_kernel",
     a_kill_may_meet_the_end_of_a_kernel},
    {"what_a_dead_process_had_finished_counts",
     what_a_dead_process_had_finished_counts},
    {"a_loss_is_told_when_the_process_is_dead",
     a_loss_is_told_when_the_process_is_dead},
    {"a_stopped_process_is_not_a_dead_one",
     a_stopped_process_is_not_a_dead_one},
    {"a_stopped_process_can_overrun_and_be_killed",
     a_stopped_process_can_overrun_and_be_killed},
    {"who_overruns_is_killed", who_overruns_is_killed},
    {"a_limit_counts_from_the_kernels_start",
     a_limit_counts_from_the_kernels_start},
    {"a_limit_that_is_not_reached_changes_nothing",
     a_limit_that_is_not_reached_changes_nothing},
    {"a_limit_concerns_its_own_task", a_limit_concerns_its_own_task},
    {"a_crash_poisons_what_reads_its_data",
     a_crash_poisons_what_reads_its_data},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
