// SPDX-License-Identifier: MIT
// Groups of processes below the graph, the rest of test_procs_seam.c: tasks of
// several members, groups that shrink and end, and all that create refuses.
#include "base/fault.h"
#include "support/procs_rig.h"

// ---- groups of tasks -------------------------------------------------------

static void members_run_at_once_each_on_its_own(void) {
    rig r;
    up(&r, 3, 4);
    errand e;
    for (uint32_t members = 2; members <= 3; members++) {
        uint64_t before = tally_get(&r.board->runs);
        tally_init(&r.board->inside);
        errand_init_team(&e, &kernels[MEET], r.board, members);
        CHECK_EQ(errand_run(r.endpoint, &e), 0);
        CHECK_EQ(tally_get(&r.board->runs) - before, members);
        CHECK_EQ(tally_get(&e.claims), 1);
        for (uint32_t i = 0; i < members; i++) {
            CHECK_EQ(e.endings[i].status, 0);
            for (uint32_t j = 0; j < i; j++)
                CHECK(e.endings[i].worker != e.endings[j].worker);
        }
    }
    errand_init_team(&e, &kernels[MEET], r.board, 3);
    e.withdrawn = 1;
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(tally_get(&e.claims), 1);
    down(&r);
}

// Groups of all sizes among singles of all priorities: all of them end. Each
// group meets at a board of its own.
static void groups_and_singles_take_turns(void) {
    enum { TASKS = 600 };
    rig r;
    up(&r, 3, 4);
    board *boards = weir_zygote_alloc(r.zygote, TASKS * sizeof(board));
    CHECK(boards != NULL);
    errand *e = errands_new(TASKS);
    uint64_t runs = 0;
    for (int i = 0; i < TASKS; i++) {
        uint32_t members = i % 4 == 0 ? 2 + (uint32_t)i / 4 % 2 : 1;
        errand_init_team(&e[i], &kernels[members > 1 ? MEET : COUNT],
                         &boards[i], members);
        for (uint32_t m = 0; m < members; m++)
            e[i].ticket[m].priority = i % 5 % 3 - 1;
        CHECK_EQ(errand_submit(r.endpoint, &e[i]), 0);
        runs += members;
    }
    for (int i = 0; i < TASKS; i++) {
        errand_await(i % 3 == 0 ? r.endpoint : NULL, &e[i]);
        CHECK_EQ(tally_get(&e[i].claims), 1);
        runs -= tally_get(&boards[i].runs);
    }
    CHECK_EQ(runs, 0);
    CHECK_EQ(figures_of(&r).queued, 0);
    weir_zygote_free(r.zygote, boards);
    down(&r);
    free(e);
}

static void keep_going(errand *of) {
    if (tally_get(&chain_rig.board->go) == 0)
        (void)errand_submit(chain_rig.endpoint, of);
}

// Singles that never end, each submitted anew as it ends: a group gets its turn
// nevertheless, as soon as what was given out before it is done.
static void a_stream_of_singles_does_not_bypass_a_group(void) {
    enum { DEPTH = 64, SINGLES = 4 * DEPTH };
    static const int64_t length_ns = 50000;
    rig *r = &chain_rig;
    up(r, 2, DEPTH);
    errand *single = errands_new(SINGLES);
    for (int i = 0; i < SINGLES; i++) {
        errand_init(&single[i], &kernels[FOR_A_WHILE], r->board);
        single[i].ticket->arguments = &length_ns;
        single[i].ticket->arguments_size = sizeof(length_ns);
        single[i].then = keep_going;
        CHECK_EQ(errand_submit(r->endpoint, &single[i]), 0);
    }
    errand e;
    errand_init_team(&e, &kernels[MEET], r->board, 2);
    e.ticket[0].priority = e.ticket[1].priority = WEIR_PRIORITY_LOW;
    CHECK_EQ(errand_submit(r->endpoint, &e), 0);
    int64_t before = (int64_t)tally_get(&r->board->runs);
    errand_await(NULL, &e);
    // As many as the processes had, and those picked before it was its turn.
    CHECK((int64_t)r->board->number - before <= 4 * DEPTH);
    mark_set(&r->board->go);
    while (figures_of(r).in_flight + figures_of(r).queued > 0)
        sched_yield();
    down(r);
    free(single);
}

static void a_member_that_dies_fails_and_the_others_can_be_told(void) {
    rig r;
    up(&r, 2, 4);
    errand e;
    errand_init_team(&e, &kernels[ONE_DIES], r.board, 2);
    CHECK_EQ(errand_submit(r.endpoint, &e), 0);
    mark_await(&e.ended, 1);
    for (int i = 0; i < 2; i++)
        r.endpoint->ops->tell(r.endpoint, &e.ticket[i], true);
    errand_await(r.endpoint, &e);
    int dead = e.endings[0].status == -EOWNERDEAD ? 0 : 1;
    CHECK_EQ(e.endings[dead].status, -EOWNERDEAD);
    CHECK_EQ(e.endings[dead].signal, SIGKILL);
    CHECK_EQ(e.endings[1 - dead].status, -EINTR);
    down(&r);
}

// ---- no process comes any more ---------------------------------------------

static void a_group_goes_on_with_fewer(void) {
    if (!wr_fault_arm(WR_FAULT_PROCESS, 0, 0))
        SKIP("built without WEIR_FAULTS");
    rig r;
    up(&r, 2, 4);
    errand e;
    wr_fault_arm(WR_FAULT_PROCESS, 0, 3);
    errand_init(&e, &kernels[CRASH], r.board);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, -EOWNERDEAD);
    while (wr_fault_seen(WR_FAULT_PROCESS) < 3)
        sched_yield();
    errand_init(&e, &kernels[COUNT], r.board);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, 0);
    CHECK_EQ(figures_of(&r).children, 1);
    // A group that needs both never runs.
    errand_init_team(&e, &kernels[MEET], r.board, 2);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, -EOWNERDEAD);
    CHECK_EQ(e.unrun, 1);
    // The last one goes, with a task behind.
    errand behind;
    wr_fault_arm(WR_FAULT_PROCESS, 0, 3);
    errand_init(&e, &kernels[CRASH], r.board);
    errand_init(&behind, &kernels[COUNT], r.board);
    CHECK_EQ(errand_submit(r.endpoint, &e), 0);
    int late = errand_submit(r.endpoint, &behind);
    errand_await(r.endpoint, &e);
    CHECK(late == 0 || late == -EOWNERDEAD);
    if (late == 0) {
        errand_await(r.endpoint, &behind);
        CHECK_EQ(behind.ending.status, -EOWNERDEAD);
        CHECK(behind.ending.unrun);
    }
    wr_fault_arm(WR_FAULT_PROCESS, 0, 0);
    errand_init(&e, &kernels[COUNT], r.board);
    CHECK_EQ(errand_submit(r.endpoint, &e), -EOWNERDEAD);
    CHECK_EQ(weir_procs_pid(r.procs, 0), -1);
    down(&r);
}

static void without_the_zygote_everything_ends(void) {
    rig r;
    up(&r, 2, 2);
    errand e[8];
    errand *running = e;
    for (int i = 0; i < 8; i++) {
        errand_init(&e[i], &kernels[HOLD], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e[i]), 0);
    }
    tally_await(&r.board->begun, 2);
    int pid[2] = {weir_procs_pid(r.procs, 0), weir_procs_pid(r.procs, 1)};
    kill(r.zygote->pid, SIGKILL);
    int ran = 0;
    for (int i = 0; i < 8; i++) {
        errand_await(i % 2 ? r.endpoint : NULL, &running[i]);
        CHECK_EQ(e[i].ending.status, -EOWNERDEAD);
        ran += !e[i].ending.unrun;
        if (!e[i].ending.unrun)
            CHECK(strstr(e[i].reason, "zygote") != NULL);
    }
    CHECK_EQ(ran, 2);
    for (int i = 0; i < 2; i++)
        CHECK(!process_exists(pid[i])); // before anything was said
    errand_init(&e[0], &kernels[COUNT], r.board);
    CHECK_EQ(errand_submit(r.endpoint, &e[0]), -EOWNERDEAD);
    weir_procs *another;
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    CHECK_EQ(weir_procs_create(&another, r.zygote, &options), -EOWNERDEAD);
    down(&r);
}

// ---- create ----------------------------------------------------------------

static int start_says_no(void *context) {
    (void)context;
    return 1;
}

static int start_takes_for_ever(void *context) {
    (void)context;
    while (pause() != 0)
        continue;
    return 0;
}

static int start_kills_itself(void *context) {
    (void)context;
    raise(SIGKILL);
    return 0;
}

static int group_error(rig *r, int64_t start_ns) {
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    options.children = 3;
    options.start_ns = start_ns;
    r->procs = NULL;
    int error = weir_procs_create(&r->procs, r->zygote, &options);
    CHECK(error == 0 || r->procs == NULL);
    weir_procs_destroy(r->procs);
    return error;
}

static void create_says_why_not(void) {
    rig r;
    int before = descriptors_open();
    static const int64_t minute_ns = (int64_t)60 * 1000000000;
    rig_start = start_says_no;
    zygote_up(&r);
    CHECK_EQ(group_error(&r, minute_ns), -EIO);
    weir_zygote_destroy(r.zygote);
    rig_start = start_kills_itself;
    zygote_up(&r);
    CHECK_EQ(group_error(&r, WEIR_FOREVER), -EIO);
    weir_zygote_destroy(r.zygote);
    rig_start = start_takes_for_ever;
    zygote_up(&r);
    CHECK_EQ(group_error(&r, 1000000), -ETIMEDOUT);
    weir_zygote_destroy(r.zygote);
    rig_start = NULL;
    CHECK_EQ(descriptors_open(), before);
    CHECK(!has_children());
}

static void group_options_are_checked(void) {
    static const struct {
        unsigned children;
        unsigned depth;
        size_t payload;
        int64_t start_ns;
        int error;
    } tries[] = {
        {0, 8, 64, WEIR_FOREVER, -EINVAL},
        {1025, 8, 64, WEIR_FOREVER, -EINVAL},
        {1, 0, 64, WEIR_FOREVER, -EINVAL},
        {1, 65, 64, WEIR_FOREVER, -EINVAL},
        {1, 1, (1 << 20) + 1, WEIR_FOREVER, -EINVAL},
        {1, 1, 64, -1, -EINVAL},
        {1024, 64, 1 << 20, WEIR_FOREVER, -ENOMEM}, // of the shared memory
        {1, 64, 0, WEIR_FOREVER, 0},
        {1, 1, 1 << 20, WEIR_FOREVER, 0},
    };
    rig r;
    zygote_up(&r);
    for (size_t i = 0; i < TEST_COUNT(tries); i++) {
        weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
        options.children = tries[i].children;
        options.depth = tries[i].depth;
        options.payload = tries[i].payload;
        options.start_ns = tries[i].start_ns;
        weir_procs *procs = NULL;
        CHECK_EQ(weir_procs_create(&procs, r.zygote, &options), tries[i].error);
        weir_procs_destroy(procs);
    }
    weir_procs *procs = NULL;
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    CHECK_EQ(weir_procs_create(&procs, r.zygote, NULL), -EINVAL);
    options.size = 1;
    CHECK_EQ(weir_procs_create(&procs, r.zygote, &options), -EINVAL);
    group_up(&r, 1, 1);
    weir_procs_counts counts = {.size = 1};
    CHECK_EQ(weir_procs_count(r.procs, &counts), -EINVAL);
    CHECK_EQ(weir_procs_pid(r.procs, 1), -1);
    down(&r);
}

static void a_create_that_fails_leaves_nothing(void) {
    static const wr_fault_kind kinds[] = {WR_FAULT_ALLOC, WR_FAULT_FD,
                                          WR_FAULT_PROCESS};
    static const int errors[] = {-ENOMEM, -EMFILE, -EAGAIN};
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without WEIR_FAULTS");
    rig r;
    zygote_up(&r);
    int before = descriptors_open();
    for (size_t k = 0; k < TEST_COUNT(kinds); k++) {
        uint64_t step = 0;
        for (;; step++) {
            wr_fault_arm(kinds[k], step, 1);
            int error = group_error(&r, WEIR_FOREVER);
            uint64_t seen = wr_fault_seen(kinds[k]);
            wr_fault_arm(kinds[k], 0, 0);
            CHECK_EQ(descriptors_open(), before);
            if (seen <= step) {
                CHECK_EQ(error, 0);
                break;
            }
            CHECK_EQ(error, errors[k]);
        }
        CHECK(step > 1);
    }
    // No memory was lost: it can be had in one piece.
    weir_zygote_free(r.zygote, r.board);
    void *all = weir_zygote_alloc(r.zygote, (size_t)64 << 20);
    CHECK(all != NULL);
    weir_zygote_free(r.zygote, all);
    weir_zygote_destroy(r.zygote);
    CHECK(!has_children());
}

static void several_groups_share_a_zygote(void) {
    enum { GROUPS = 3, TASKS = 300 };
    rig r[GROUPS];
    zygote_up(&r[0]);
    for (int g = 0; g < GROUPS; g++) {
        r[g].zygote = r[0].zygote;
        r[g].board = r[0].board;
        group_up(&r[g], 2, 2);
    }
    errand *e = errands_new(TASKS);
    for (int i = 0; i < TASKS; i++) {
        errand_init(&e[i], &kernels[i % 30 ? COUNT : CRASH], r[0].board);
        CHECK_EQ(errand_submit(r[i % GROUPS].endpoint, &e[i]), 0);
    }
    for (int i = 0; i < TASKS; i++) {
        errand_await(NULL, &e[i]);
        CHECK_EQ(e[i].ending.status, i % 30 ? 0 : -EOWNERDEAD);
    }
    for (int g = 1; g < GROUPS; g++)
        weir_procs_destroy(r[g].procs);
    down(&r[0]);
    free(e);
}

// ---- what a process has ----------------------------------------------------

static board *program_board;

static void count_exits(void) { tally_add(&program_board->begun); }

static void exit_in_a_kernel_is_no_end_of_the_program(void) {
    CHECK_EQ(atexit(count_exits), 0);
    rig r;
    up(&r, 1, 1);
    program_board = r.board; // in this process alone, but it was registered
    weir_procs_destroy(r.procs);
    weir_zygote_destroy(r.zygote);
    // Now with the board known to the processes: at the same address again, or
    // the test tells nothing.
    zygote_up(&r);
    if (r.board != program_board) {
        program_board = r.board;
        weir_zygote_destroy(r.zygote);
        zygote_up(&r);
    }
    CHECK(r.board == program_board);
    group_up(&r, 1, 1);
    errand e;
    errand_init(&e, &kernels[LEAVE], r.board);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.exit_status, 7);
    CHECK_EQ(tally_get(&r.board->begun), 0);
    program_board = calloc(1, sizeof(board)); // for the end of this program
    CHECK(program_board != NULL);
    down(&r);
}

static void descriptors_may_be_closed(void) {
    rig r;
    up(&r, 1, 2);
    errand e;
    errand_init(&e, &kernels[LOOK_AT_DESCRIPTORS], r.board);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(tally_get(&r.board->runs), 4); // and the keeper's bell
    CHECK_EQ(tally_get(&r.board->inside), 3);
    for (int i = 0; i < 3; i++) {
        errand_init(&e, &kernels[CLOSE_EVERYTHING], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e), 0);
        errand_await(i == 1 ? r.endpoint : NULL, &e);
        // Its work was done; without the bell it cannot go on.
        CHECK_EQ(e.ending.status, 0);
    }
    down(&r);
}

// In a program that has closed 0, 1 and 2 these stay closed in processes.
static void low_descriptors_are_not_used(void) {
    pid_t program = fork();
    CHECK(program >= 0);
    if (program == 0) {
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        rig r;
        up(&r, 1, 1);
        errand e;
        errand_init(&e, &kernels[LOOK_AT_DESCRIPTORS], r.board);
        int ok = errand_run(r.endpoint, &e) == 0;
        ok &= tally_get(&r.board->runs) == 1;
        ok &= tally_get(&r.board->inside) == 0;
        down(&r);
        _exit(ok ? 0 : 1);
    }
    int status;
    CHECK_EQ(waitpid(program, &status, 0), program);
    CHECK_EQ(status, 0);
}

static void a_stopped_process_overruns(void) {
    rig r;
    up(&r, 1, 2);
    errand e;
    errand_init(&e, &kernels[STOP_ITSELF], r.board);
    // Its time begins before its first line: enough for it to get there.
    e.ticket->timeout_ns = (int64_t)2 * 1000000000;
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, -ETIMEDOUT);
    CHECK_EQ(tally_get(&r.board->begun), 1);
    // A zygote that is stopped holds up births alone.
    kill(r.zygote->pid, SIGSTOP);
    while (figures_of(&r).children == 0 && process_state(r.zygote->pid) != 'T')
        sched_yield();
    kill(r.zygote->pid, SIGCONT);
    errand_init(&e, &kernels[COUNT], r.board);
    CHECK_EQ(errand_run(r.endpoint, &e), 0);
    CHECK_EQ(e.ending.status, 0);
    down(&r);
}

static void a_stopped_zygote_holds_up_no_outcome(void) {
    rig r;
    up(&r, 2, 2);
    kill(r.zygote->pid, SIGSTOP);
    while (process_state(r.zygote->pid) != 'T')
        sched_yield();
    errand dying;
    errand e;
    errand_init(&dying, &kernels[CRASH], r.board);
    CHECK_EQ(errand_submit(r.endpoint, &dying), 0);
    tally_await(&r.board->begun, 1);
    for (int i = 0; i < 20; i++) {
        errand_init(&e, &kernels[COUNT], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &e), 0);
        errand_await(NULL, &e);
        CHECK_EQ(e.ending.status, 0);
    }
    CHECK_EQ(tally_get(&dying.ended), 0); // how it ended is not known
    kill(r.zygote->pid, SIGCONT);
    errand_await(NULL, &dying);
    CHECK_EQ(dying.ending.signal, SIGSEGV);
    down(&r);
}

static void members_begin_even_when_told(void) {
    rig r;
    up(&r, 2, 2);
    errand first[2];
    errand e;
    for (int i = 0; i < 2; i++) {
        errand_init(&first[i], &kernels[HOLD], r.board);
        CHECK_EQ(errand_submit(r.endpoint, &first[i]), 0);
    }
    tally_await(&r.board->begun, 2);
    errand_init_team(&e, &kernels[MEET], r.board, 2);
    CHECK_EQ(errand_submit(r.endpoint, &e), 0);
    for (int i = 0; i < 2; i++)
        r.endpoint->ops->tell(r.endpoint, &e.ticket[i], true);
    mark_set(&r.board->go);
    errand_await(r.endpoint, &e);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(e.endings[i].status, 0);
        errand_await(r.endpoint, &first[i]);
    }
    down(&r);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"members_run_at_once_each_on_its_own",
         members_run_at_once_each_on_its_own},
        {"groups_and_singles_take_turns", groups_and_singles_take_turns},
        {"a_stream_of_singles_does_not_bypass_a_group",
         a_stream_of_singles_does_not_bypass_a_group},
        {"a_member_that_dies_fails_and_the_others_can_be_told",
         a_member_that_dies_fails_and_the_others_can_be_told},
        {"a_group_goes_on_with_fewer", a_group_goes_on_with_fewer},
        {"without_the_zygote_everything_ends",
         without_the_zygote_everything_ends},
        {"create_says_why_not", create_says_why_not},
        {"group_options_are_checked", group_options_are_checked},
        {"a_create_that_fails_leaves_nothing",
         a_create_that_fails_leaves_nothing},
        {"several_groups_share_a_zygote", several_groups_share_a_zygote},
        {"exit_in_a_kernel_is_no_end_of_the_program",
         exit_in_a_kernel_is_no_end_of_the_program},
        {"descriptors_may_be_closed", descriptors_may_be_closed},
        {"low_descriptors_are_not_used", low_descriptors_are_not_used},
        {"a_stopped_process_overruns", a_stopped_process_overruns},
        {"a_stopped_zygote_holds_up_no_outcome",
         a_stopped_zygote_holds_up_no_outcome},
        {"members_begin_even_when_told", members_begin_even_when_told},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
