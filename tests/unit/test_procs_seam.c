// SPDX-License-Identifier: MIT
// Groups of processes below the graph: this program is the owner of tickets.
// Each promise of graph/endpoint.h about one task at a time, and the protocols
// of graph/procs.md. The rest: test_procs_groups.c.
#include "graph/procs_types.h"
#include "support/procs_rig.h"

// ---- one task --------------------------------------------------------------

static void a_task_is_run_as_it_was_given(void) {
    rig r;
    up(&r, 2, 8);
    errand e;
    errand_init(&e, &kernels[DESCRIBE], r.board);
    e.ticket->arguments = "arguments";
    e.ticket->arguments_size = 10;
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, 0);
    CHECK_EQ(e.ending.signal, 0);
    CHECK_EQ(e.ending.exit_status, -1);
    CHECK(e.ending.end_ns >= e.ending.begin_ns && e.ending.begin_ns > 0);
    CHECK_STR(r.board->text, "arguments");
    CHECK_EQ(r.board->number, e.ticket->number);
    CHECK_EQ(tally_get(&e.claims), 1);
    down(&r);
}

static void failures_come_back_with_their_reason(void) {
    rig r;
    up(&r, 1, 8);
    errand e;
    errand_init(&e, &kernels[FAIL], r.board);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, -ENOTSUP);
    CHECK_STR(e.reason, "not today");
    errand_init(&e, &kernels[POSITIVE], r.board);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, -EINVAL);
    CHECK_STR(e.reason, "");
    errand_init(&e, &kernels[SPOIL_REASON], r.board);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, -EPROTO);
    CHECK_EQ(strlen(e.reason), WEIR_REASON_MAX - 1);
    down(&r);
}

static void outcomes_come_to_those_who_do_not_look(void) {
    enum { TASKS = 2000 };
    rig r;
    up(&r, 2, 8);
    errand *e = errands_new(TASKS);
    for (int i = 0; i < TASKS; i++) {
        errand_init(&e[i], &kernels[i % 7 == 0 ? FAIL : COUNT], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e[i]), 0);
        if (i % 50 == 0)
            errand_await(NULL, &e[i]);
    }
    for (int i = 0; i < TASKS; i++) {
        errand_await(NULL, &e[i]);
        CHECK_EQ(e[i].ending.status, i % 7 == 0 ? -ENOTSUP : 0);
        CHECK_STR(e[i].reason, i % 7 == 0 ? "not today" : "");
        CHECK_EQ(tally_get(&e[i].ended), 1);
        CHECK_EQ(tally_get(&e[i].claims), 1);
    }
    weir_procs_counts now = figures_of(&r);
    CHECK_EQ(now.tasks, TASKS);
    CHECK_EQ(now.queued, 0);
    CHECK_EQ(now.in_flight, 0);
    down(&r);
    free(e);
}

static void submit_next(errand *of) {
    if (of[1].ticket->kernel != NULL)
        CHECK_EQ(errand_submit(chain_rig.endpoint, &of[1]), 0);
}

static void an_outcome_may_submit_the_next(void) {
    enum { TASKS = 20000 };
    rig *r = &chain_rig;
    up(r, 1, 2);
    errand *e = errands_new(TASKS + 1);
    for (int i = 0; i < TASKS; i++) {
        errand_init(&e[i], &kernels[COUNT], r->board);
        e[i].then = submit_next;
    }
    CHECK_EQ(errand_submit(r->endpoint, &e[0]), 0);
    errand_await(r->endpoint, &e[TASKS - 1]);
    CHECK_EQ(tally_get(&r->board->runs), TASKS);
    down(r);
    free(e);
}

static void *submit_many(void *argument) {
    enum { TASKS = 3000 };
    rig *r = argument;
    errand *e = errands_new(TASKS);
    for (int i = 0; i < TASKS; i++) {
        errand_init(&e[i], &kernels[COUNT], r->board);
        e[i].ticket->priority = i % 3 - 1;
        CHECK_EQ(errand_submit(r->endpoint, &e[i]), 0);
    }
    for (int i = 0; i < TASKS; i++) {
        errand_await(i % 2 == 0 ? r->endpoint : NULL, &e[i]);
        CHECK_EQ(e[i].ending.status, 0);
    }
    free(e);
    return NULL;
}

static void threads_may_submit_at_once(void) {
    rig r;
    up(&r, 3, 4);
    pthread_t thread[3];
    for (int i = 0; i < 3; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, submit_many, &r), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    CHECK_EQ(tally_get(&r.board->runs), 9000);
    down(&r);
}

static bool at_once(void *argument) {
    (void)argument;
    return true;
}

static void *look_and_go(void *argument) {
    rig *r = argument;
    while (tally_get(&r->board->go) == 0)
        r->endpoint->ops->linger(r->endpoint, at_once, NULL);
    return NULL;
}

// A process that sees a spinner does not ring: the spinner must not go without
// a last look.
static void who_stops_looking_leaves_nothing_behind(void) {
    rig r;
    up(&r, 1, 1);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, look_and_go, &r), 0);
    for (int i = 0; i < 3000; i++) {
        errand e;
        errand_init(&e, &kernels[COUNT], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e), 0);
        errand_await(NULL, &e);
    }
    // The last outcome of all: nobody comes after it.
    mark_set(&r.board->go);
    pthread_join(thread, NULL);
    down(&r);
}

// Work that comes just as a process falls asleep is found.
static void a_process_does_not_sleep_over_its_work(void) {
    rig r;
    up(&r, 1, 1);
    for (int i = 0; i < 2000; i++) {
        errand e;
        errand_init(&e, &kernels[COUNT], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e), 0);
        errand_await(i % 2 == 0 ? r.endpoint : NULL, &e);
        int64_t end_ns = e.ending.end_ns + 48000 + i % 100 * 100;
        while (weir_now_ns() < end_ns)
            continue;
    }
    CHECK_EQ(tally_get(&r.board->runs), 2000);
    down(&r);
}

static void what_cannot_run_is_refused(void) {
    rig r;
    up(&r, 2, 1);
    errand e;
    errand_init(&e, &kernels[COUNT], r.board);
    e.ticket->members = 3;
    CHECK_EQ(errand_submit(r.endpoint, &e), -E2BIG);
    errand_init(&e, &kernels[COUNT], r.board);
    e.ticket->arguments_size = 4096 - 7;
    CHECK_EQ(errand_submit(r.endpoint, &e), -E2BIG);
    e.ticket->arguments_size = SIZE_MAX;
    CHECK_EQ(errand_submit(r.endpoint, &e), -E2BIG);
    e.ticket->arguments_size = 0;
    e.ticket->data_count = 513;
    CHECK_EQ(errand_submit(r.endpoint, &e), -E2BIG);
    static const weir_kernel unknown = {"unknown", count};
    errand_init(&e, &unknown, r.board);
    CHECK_EQ(errand_submit(r.endpoint, &e), -ENOENT);
    CHECK(r.endpoint->ops->reaches(r.endpoint, r.board, sizeof(board)));
    CHECK(!r.endpoint->ops->reaches(r.endpoint, &e, 1));
    down(&r);
}

static void what_was_withdrawn_does_not_run(void) {
    rig r;
    up(&r, 1, 1);
    errand e[3];
    for (int i = 0; i < 3; i++)
        errand_init(&e[i], &kernels[COUNT], r.board);
    e[1].withdrawn = 1;
    for (int i = 0; i < 3; i++)
        CHECK_EQ(errand_submit(r.endpoint, &e[i]), 0);
    for (int i = 0; i < 3; i++)
        errand_await(r.endpoint, &e[i]);
    CHECK_EQ(tally_get(&r.board->runs), 2);
    CHECK_EQ(figures_of(&r).queued, 0);
    down(&r);
}

// ---- a process ends --------------------------------------------------------

static void a_crash_fails_its_task_and_no_other(void) {
    enum { TASKS = 40 };
    rig r;
    up(&r, 2, 8);
    errand *e = errands_new(TASKS);
    for (int i = 0; i < TASKS; i++) {
        int kernel = i % 10 == 3 ? CRASH : i % 10 == 7 ? LEAVE : COUNT;
        errand_init(&e[i], &kernels[kernel], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e[i]), 0);
    }
    for (int i = 0; i < TASKS; i++) {
        errand_await(i % 2 == 0 ? r.endpoint : NULL, &e[i]);
        int crashed = i % 10 == 3;
        int left = i % 10 == 7;
        CHECK_EQ(e[i].ending.status, crashed || left ? -EOWNERDEAD : 0);
        CHECK_EQ(e[i].ending.signal, crashed ? SIGSEGV : 0);
        CHECK_EQ(e[i].ending.exit_status, left ? 7 : -1);
        CHECK_EQ(strstr(e[i].reason, "signal 11") != NULL, crashed);
        CHECK_EQ(strstr(e[i].reason, "status 7") != NULL, left);
        CHECK_EQ(tally_get(&e[i].ended), 1);
    }
    CHECK_EQ(tally_get(&r.board->runs), TASKS - 8);
    CHECK_EQ(tally_get(&r.board->begun), 4);
    while (figures_of(&r).children < 2)
        sched_yield();
    weir_procs_counts now = figures_of(&r);
    CHECK_EQ(now.crashes, 8);
    CHECK_EQ(now.replaced, 8);
    CHECK_EQ(now.timeouts, 0);
    down(&r);
    free(e);
}

static void what_waited_behind_runs_elsewhere(void) {
    rig r;
    up(&r, 1, 8);
    errand first;
    errand e[8];
    errand_init(&first, &kernels[HOLD], r.board);
    CHECK_EQ(errand_submit(r.endpoint, &first), 0);
    tally_await(&r.board->begun, 1);
    for (int i = 0; i < 8; i++) {
        errand_init(&e[i], &kernels[COUNT], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e[i]), 0);
    }
    CHECK_EQ(figures_of(&r).in_flight, 8);
    kill(weir_procs_pid(r.procs, 0), SIGKILL);
    errand_await(NULL, &first);
    CHECK_EQ(first.ending.status, -EOWNERDEAD);
    CHECK_EQ(first.ending.signal, SIGKILL);
    for (int i = 0; i < 8; i++) {
        errand_await(r.endpoint, &e[i]);
        CHECK_EQ(e[i].ending.status, 0);
        CHECK_EQ(tally_get(&e[i].claims), 1);
    }
    CHECK_EQ(tally_get(&r.board->runs), 8);
    down(&r);
}

static void what_waits_behind_goes_to_one_that_has_nothing(void) {
    rig r;
    up(&r, 2, 8);
    errand first;
    errand e[12];
    errand_init(&first, &kernels[HOLD], r.board);
    CHECK_EQ(errand_submit(r.endpoint, &first), 0);
    tally_await(&r.board->begun, 1);
    for (int i = 0; i < 12; i++) {
        errand_init(&e[i], &kernels[COUNT], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e[i]), 0);
    }
    for (int i = 0; i < 12; i++) {
        errand_await(r.endpoint, &e[i]);
        CHECK(e[i].ending.worker != first.ending.worker || i == 0 ||
              tally_get(&first.ended) == 0);
    }
    CHECK_EQ(tally_get(&first.ended), 0);
    CHECK_EQ(tally_get(&r.board->runs), 12);
    mark_set(&r.board->go);
    errand_await(r.endpoint, &first);
    CHECK_EQ(first.ending.status, 0);
    down(&r);
}

// It is seen by whoever looks; on one CPU nobody lingers to look.
static void errand_look(rig *r, errand *e) {
    while (!errand_over(e)) {
        (void)wr_procs_collect(r->procs, true);
        sched_yield();
    }
}

static void a_process_that_spoils_its_mailbox_is_killed(void) {
    rig r;
    up(&r, 1, 8);
    errand e;
    errand other;
    for (int kernel = SPOIL_STATE; kernel <= SPOIL_NUMBER; kernel++) {
        errand_init(&e, &kernels[kernel], r.board);
        errand_init(&other, &kernels[COUNT], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e), 0);
        CHECK_EQ(errand_submit(r.endpoint, &other), 0);
        errand_look(&r, &e);
        CHECK_EQ(e.ending.status, -EOWNERDEAD);
        CHECK_EQ(e.ending.signal, SIGKILL);
        CHECK(strstr(e.reason, "spoiled") != NULL);
        errand_await(r.endpoint, &other);
        // One that goes on after it may have begun the next.
        if (kernel == SPOIL_STATE || other.ending.status != -EOWNERDEAD)
            CHECK_EQ(other.ending.status, 0);
    }
    down(&r);
}

// It goes on to the frame behind, and would never see what is given to it now.
static void a_process_that_ran_what_nobody_gave_is_killed(void) {
    rig r;
    up(&r, 1, 8);
    r.board->number = r.procs->stride;
    errand e;
    errand_init(&e, &kernels[SPOIL_NEXT], r.board);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, 0);
    tally_await(&r.board->runs, 1);
    errand_init(&e, &kernels[COUNT], r.board);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, 0);
    CHECK_EQ(tally_get(&r.board->runs), 2);
    CHECK_EQ(figures_of(&r).replaced, 1);
    down(&r);
}

// Each task ends once: well, and then it ran; or with its process.
static void any_process_may_die_at_any_moment(void) {
    enum { TASKS = 3000, KILLS = 60 };
    rig r;
    up(&r, 2, 4);
    errand *e = errands_new(TASKS);
    int killed = 0;
    for (int i = 0; i < TASKS; i++) {
        errand_init(&e[i], &kernels[COUNT], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e[i]), 0);
        if (i % (TASKS / KILLS) != 0)
            continue;
        int pid = weir_procs_pid(r.procs, (unsigned)killed % 2);
        killed += pid > 0 && kill(pid, SIGKILL) == 0;
        if (i % 200 == 0)
            errand_await(r.endpoint, &e[i]);
    }
    uint64_t good = 0;
    uint64_t lost = 0;
    for (int i = 0; i < TASKS; i++) {
        errand_await(r.endpoint, &e[i]);
        CHECK_EQ(tally_get(&e[i].ended), 1);
        CHECK_EQ(tally_get(&e[i].claims), 1);
        good += e[i].ending.status == 0;
        lost += e[i].ending.status == -EOWNERDEAD;
    }
    CHECK_EQ(good + lost, TASKS);
    CHECK(killed > 0 && lost <= (uint64_t)killed);
    // One that died between its work and its word ran too.
    uint64_t ran = tally_get(&r.board->runs);
    CHECK(ran >= good && ran <= good + lost);
    down(&r);
    free(e);
}

// ---- cancelled and overrun -------------------------------------------------

static void who_runs_is_told(void) {
    rig r;
    up(&r, 1, 8);
    errand e;
    errand behind;
    errand_init(&e, &kernels[UNTIL_CANCELLED], r.board);
    errand_init(&behind, &kernels[COUNT], r.board);
    CHECK_EQ(errand_submit(r.endpoint, &e), 0);
    CHECK_EQ(errand_submit(r.endpoint, &behind), 0);
    mark_await(&r.board->begun, 1);
    r.endpoint->ops->tell(r.endpoint, behind.ticket, true);
    r.endpoint->ops->tell(r.endpoint, e.ticket, true);
    errand_await(r.endpoint, &e);
    CHECK_EQ(e.ending.status, -EINTR);
    CHECK(!e.ending.unrun);
    CHECK_STR(e.reason, "told");
    // What had not begun does not.
    errand_await(r.endpoint, &behind);
    CHECK_EQ(behind.ending.status, -ECANCELED);
    CHECK(behind.ending.unrun);
    CHECK_EQ(tally_get(&r.board->runs), 0);
    r.endpoint->ops->tell(r.endpoint, behind.ticket, true); // too late
    down(&r);
}

static void what_overruns_is_killed_and_nothing_else(void) {
    rig r;
    up(&r, 1, 8);
    errand e[4];
    for (int i = 0; i < 4; i++)
        errand_init(&e[i], &kernels[i == 1 ? HOLD : COUNT], r.board);
    e[1].ticket->timeout_ns = 5000000;
    e[2].ticket->timeout_ns = WEIR_FOREVER;
    int64_t begin_ns = weir_now_ns();
    for (int i = 0; i < 4; i++)
        CHECK_EQ(errand_submit(r.endpoint, &e[i]), 0);
    for (int i = 0; i < 4; i++)
        errand_await(NULL, &e[i]);
    CHECK(weir_now_ns() - begin_ns >= 5000000);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(e[i].ending.status, i == 1 ? -ETIMEDOUT : 0);
    CHECK_EQ(e[1].ending.signal, SIGKILL);
    CHECK(strstr(e[1].reason, "overran") != NULL);
    CHECK(e[1].ending.end_ns - e[1].ending.begin_ns >= 5000000);
    CHECK_EQ(tally_get(&r.board->runs), 3);
    CHECK_EQ(figures_of(&r).timeouts, 1);
    CHECK_EQ(figures_of(&r).crashes, 1);
    down(&r);
}

// A limit that is about as long as the task: whoever is first, only the task
// that was at it is killed.
static void a_limit_may_pass_as_the_task_ends(void) {
    enum { TASKS = 300 };
    static const int64_t length_ns = 100000;
    rig r;
    up(&r, 2, 4);
    errand *e = errands_new(TASKS);
    for (int i = 0; i < TASKS; i++) {
        errand_init(&e[i], &kernels[i % 2 ? COUNT : FOR_A_WHILE], r.board);
        e[i].ticket->arguments = &length_ns;
        e[i].ticket->arguments_size = sizeof(length_ns);
        if (i % 2 == 0)
            e[i].ticket->timeout_ns = length_ns + (i % 8) * 10000;
        CHECK_EQ(errand_submit(r.endpoint, &e[i]), 0);
    }
    uint64_t good = 0;
    for (int i = 0; i < TASKS; i++) {
        errand_await(NULL, &e[i]);
        int status = e[i].ending.status;
        CHECK(status == 0 || (i % 2 == 0 && status == -ETIMEDOUT));
        good += status == 0;
    }
    CHECK(good >= TASKS / 2);
    down(&r);
    free(e);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_task_is_run_as_it_was_given", a_task_is_run_as_it_was_given},
        {"failures_come_back_with_their_reason",
         failures_come_back_with_their_reason},
        {"outcomes_come_to_those_who_do_not_look",
         outcomes_come_to_those_who_do_not_look},
        {"an_outcome_may_submit_the_next", an_outcome_may_submit_the_next},
        {"threads_may_submit_at_once", threads_may_submit_at_once},
        {"who_stops_looking_leaves_nothing_behind",
         who_stops_looking_leaves_nothing_behind},
        {"a_process_does_not_sleep_over_its_work",
         a_process_does_not_sleep_over_its_work},
        {"what_cannot_run_is_refused", what_cannot_run_is_refused},
        {"what_was_withdrawn_does_not_run", what_was_withdrawn_does_not_run},
        {"a_crash_fails_its_task_and_no_other",
         a_crash_fails_its_task_and_no_other},
        {"what_waited_behind_runs_elsewhere",
         what_waited_behind_runs_elsewhere},
        {"what_waits_behind_goes_to_one_that_has_nothing",
         what_waits_behind_goes_to_one_that_has_nothing},
        {"a_process_that_spoils_its_mailbox_is_killed",
         a_process_that_spoils_its_mailbox_is_killed},
        {"a_process_that_ran_what_nobody_gave_is_killed",
         a_process_that_ran_what_nobody_gave_is_killed},
        {"any_process_may_die_at_any_moment",
         any_process_may_die_at_any_moment},
        {"who_runs_is_told", who_runs_is_told},
        {"what_overruns_is_killed_and_nothing_else",
         what_overruns_is_killed_and_nothing_else},
        {"a_limit_may_pass_as_the_task_ends",
         a_limit_may_pass_as_the_task_ends},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
