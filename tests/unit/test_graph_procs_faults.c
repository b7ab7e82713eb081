// SPDX-License-Identifier: MIT
// Failures on demand at every step of making zygotes and groups, of submitting
// and of replacing: an error that says so, and nothing left.
#include "support/graph_procs.h"

#include "base/fault.h"

static const weir_kernel kernels[] = {
    {"count", count_run}, {"die", die_run}, {"hold", hold_run}};
enum { COUNT, DIE, HOLD };

static const struct {
    wr_fault_kind kind;
    int error;
} faults[] = {
    {WR_FAULT_ALLOC, -ENOMEM},
    {WR_FAULT_THREAD, -EAGAIN},
    {WR_FAULT_FD, -EMFILE},
    {WR_FAULT_PROCESS, -EAGAIN},
};

static void open_with(world *w, unsigned children) {
    world_init(w, kernels, TEST_COUNT(kernels), children);
    world_open(w);
}

static void arm(wr_fault_kind kind, uint64_t first, uint64_t count) {
    if (!wr_fault_arm(kind, first, count))
        SKIP("a build without WEIR_FAULTS");
}

// The memory of a thread is a part of what makes one.
static void check_error(size_t fault, int error) {
    if (error != -EAGAIN || faults[fault].kind != WR_FAULT_ALLOC)
        CHECK_EQ(error, faults[fault].error);
}

// ---- zygotes and groups ----------------------------------------------------

static weir_zygote_options zygote_options(void) {
    weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
    options.kernels = kernels;
    options.kernels_count = TEST_COUNT(kernels);
    return options;
}

static void a_zygote_that_cannot_be_made_leaves_nothing(void) {
    weir_zygote_options options = zygote_options();
    for (size_t f = 0; f < TEST_COUNT(faults); f++) {
        int failures = 0;
        for (uint64_t n = 0;; n++) {
            leftovers before = leftovers_now();
            weir_zygote *zygote = NULL;
            arm(faults[f].kind, n, 1);
            int error = weir_zygote_create(&zygote, &options);
            uint64_t seen = wr_fault_seen(faults[f].kind);
            arm(faults[f].kind, 0, 0);
            if (error == 0) {
                weir_zygote_destroy(zygote);
            } else {
                check_error(f, error);
                CHECK(zygote == NULL);
                failures++;
            }
            leftovers_none(&before);
            if (error == 0 && seen <= n)
                break;
        }
        printf("  kind %d: %d steps\n", (int)faults[f].kind, failures);
        CHECK(failures > 0);
    }
}

// One step: the fault is armed before the zygote is made, and so is in the
// zygote and all its processes too, for ever; or after, in the program alone.
// Returns what came of the group.
static int group_with_fault(size_t fault, uint64_t n, int early) {
    wr_fault_kind kind = faults[fault].kind;
    weir_zygote_options zygote_o = zygote_options();
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    options.children = 3;
    leftovers before = leftovers_now();
    weir_zygote *zygote = NULL;
    weir_procs *procs = NULL;
    if (early)
        arm(kind, n, 1);
    int error = weir_zygote_create(&zygote, &zygote_o);
    if (error == 0) {
        leftovers inner = leftovers_now();
        if (!early)
            arm(kind, n, 1);
        error = weir_procs_create(&procs, zygote, &options);
        arm(kind, 0, 0);
        CHECK_EQ(procs == NULL, error != 0);
        if (error != -EIO || !early) // that is a process without memory
            check_error(fault, error == 0 ? faults[fault].error : error);
        weir_procs_destroy(procs);
        CHECK_EQ(leftovers_now().descriptors, inner.descriptors);
        CHECK_EQ(leftovers_now().shared, inner.shared);
        if (!early) { // nothing is wrong with the zygote
            CHECK_EQ(weir_procs_create(&procs, zygote, &options), 0);
            weir_procs_destroy(procs);
        }
        weir_zygote_destroy(zygote);
    }
    arm(kind, 0, 0);
    leftovers_none(&before);
    return error;
}

static void a_group_that_cannot_be_made_leaves_nothing(void) {
    for (size_t f = 0; f < TEST_COUNT(faults); f++)
        for (int early = 0; early < 2; early++) {
            int failures = 0;
            for (uint64_t n = 0, calm = 0; calm < 20; n++) {
                int error = group_with_fault(f, n, early);
                calm = error == 0 ? calm + 1 : 0;
                failures += error != 0;
            }
            printf("  kind %d, early %d: %d steps\n", (int)faults[f].kind,
                   early, failures);
            CHECK(failures > 0 || faults[f].kind == WR_FAULT_THREAD);
        }
}

static void loading_without_memory_has_changed_nothing(void) {
    world w;
    open_with(&w, 1);
    for (uint64_t n = 0;; n++) {
        const weir_kernel *kernel = NULL;
        arm(WR_FAULT_ALLOC, n, 1);
        int error = weir_zygote_load(w.zygote, "late", "x.so", "x", &kernel);
        arm(WR_FAULT_ALLOC, 0, 0);
        if (error == 0) {
            CHECK(kernel != NULL);
            break;
        }
        CHECK_EQ(error, -ENOMEM);
        CHECK(kernel == NULL);
        weir_kernel named = {"late", NULL};
        uint32_t index = 0;
        weir_task_spec spec = spec_of(&w, &named, &index, sizeof(index));
        CHECK_EQ(weir_flow_submit(w.flow, &spec, NULL), -ENOENT);
    }
    world_close(&w);
}

// ---- tasks -----------------------------------------------------------------

static uint64_t submitted(const world *w) {
    weir_graph_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_graph_count(w->graph, &counts), 0);
    return counts.submitted;
}

static void a_submission_without_memory_has_changed_nothing(void) {
    world w;
    open_with(&w, 2);
    int failures = 0;
    uint64_t expected = 0;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint64_t n = 0; n < 1000; n++) {
            weir_task task = {0};
            uint32_t index = round;
            weir_access access[] = {
                w.access,
                WEIR_ACCESS(WEIR_READWRITE, w.board_buffer,
                            offsetof(board, bytes) + 16 * (n + round), 16)};
            weir_task_spec spec =
                spec_of(&w, &kernels[COUNT], &index, sizeof(index));
            spec.accesses = access;
            spec.accesses_count = 2;
            spec.members = round;
            arm(WR_FAULT_ALLOC, n, 1);
            int error = weir_flow_submit(w.flow, &spec, &task);
            uint64_t seen = wr_fault_seen(WR_FAULT_ALLOC);
            arm(WR_FAULT_ALLOC, 0, 0);
            if (error == 0) {
                expected += round == 2 ? 2 : 1;
                check_done(&w, task);
                if (seen <= n)
                    break;
                continue;
            }
            CHECK_EQ(error, -ENOMEM);
            CHECK_EQ(task.id, 0);
            failures++;
        }
    }
    uint64_t ran = 0;
    for (int i = 0; i < 3; i++)
        ran += tally_get(&w.board->count[i]);
    CHECK_EQ(ran, expected);
    CHECK(submitted(&w) <= expected);
    printf("  %d steps\n", failures);
    world_close(&w);
}

// What was accepted needs no more memory, threads, descriptors or luck to end:
// a replacement may have to wait for that, a result not.
static void what_was_accepted_ends_whatever_fails(void) {
    enum { N = 200 };
    static weir_task tasks[N];
    for (size_t f = 0; f < TEST_COUNT(faults); f++) {
        world w;
        open_with(&w, 3);
        for (uint32_t i = 0; i < 3; i++)
            tasks[i] = give(&w, &kernels[HOLD], i);
        tally_await(&w.board->begun, 3);
        for (uint32_t i = 3; i < N; i++)
            tasks[i] = give(&w, &kernels[i == 50 ? DIE : COUNT], i);
        arm(faults[f].kind, 0, UINT64_MAX);
        tally_add(&w.board->go);
        for (uint32_t i = 0; i < N; i++)
            while (weir_task_poll(w.graph, tasks[i], NULL) == -EINPROGRESS)
                sched_yield();
        arm(faults[f].kind, 0, 0);
        for (uint32_t i = 0; i < N; i++)
            check_status(&w, tasks[i], i == 50 ? -EOWNERDEAD : 0);
        world_close(&w);
    }
}

// The processes of the group are made, then none can be for a while.
static void a_replacement_is_tried_again(void) {
    for (uint64_t failed = 1; failed <= 2; failed++) {
        world w;
        world_init(&w, kernels, TEST_COUNT(kernels), 2);
        world_open(&w);
        arm(WR_FAULT_PROCESS, 0, failed);
        check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1);
        for (uint32_t i = 0; i < 100; i++)
            check_done(&w, give(&w, &kernels[COUNT], i));
        pid_await(&w, 0, -1);
        pid_await(&w, 1, -1);
        CHECK_EQ(wr_fault_seen(WR_FAULT_PROCESS), failed + 1);
        arm(WR_FAULT_PROCESS, 0, 0);
        CHECK_EQ(procs_counts(w.procs).replaced, 1);
        world_close(&w);
    }
}

// When the last has died and none can be made, what waits fails: it does not
// wait for ever.
static void without_any_process_tasks_fail(void) {
    enum { N = 40 };
    static weir_task tasks[N];
    world w;
    world_init(&w, kernels, TEST_COUNT(kernels), 2);
    world_open(&w);
    arm(WR_FAULT_PROCESS, 0, UINT64_MAX);
    for (uint32_t i = 0; i < 2; i++)
        check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1);
    int accepted = 0;
    for (uint32_t i = 0; i < N; i++) {
        uint32_t index = i;
        weir_task_spec spec =
            spec_of(&w, &kernels[COUNT], &index, sizeof(index));
        tasks[i] = (weir_task){0};
        int error = weir_flow_submit(w.flow, &spec, &tasks[i]);
        CHECK(error == 0 || error == -EOWNERDEAD);
        accepted += error == 0;
    }
    for (uint32_t i = 0; i < N; i++) {
        if (tasks[i].id == 0)
            continue;
        weir_task_outcome o = outcome_of(&w, tasks[i]);
        CHECK_EQ(o.status, -EOWNERDEAD);
        CHECK_EQ(o.ran, 0);
        CHECK_EQ(tally_get(&w.board->count[i]), 0);
    }
    printf("  %d of %d were accepted\n", accepted, N);
    weir_procs *more;
    CHECK_EQ(weir_procs_create(&more, w.zygote, &w.procs_options), -EAGAIN);
    arm(WR_FAULT_PROCESS, 0, 0);
    CHECK_EQ(weir_procs_create(&w.other, w.zygote, &w.procs_options), 0);
    world_use_other(&w);
    check_done(&w, give(&w, &kernels[COUNT], N));
    world_close(&w);
}

// A request that does not get through is never answered: with the zygote alive
// all that waits for its answer would wait for ever.
static void a_zygote_that_cannot_be_asked_is_given_up(void) {
    weir_zygote_options options = zygote_options();
    weir_procs_options procs_options = WEIR_PROCS_OPTIONS_INIT;
    leftovers before = leftovers_now();
    weir_zygote *zygote = NULL;
    weir_procs *procs = NULL;
    arm(WR_FAULT_SEND, 0, 1); // the first word
    CHECK_EQ(weir_zygote_create(&zygote, &options), -EAGAIN);
    CHECK(zygote == NULL);
    CHECK_EQ(wr_fault_seen(WR_FAULT_SEND), 1);
    arm(WR_FAULT_SEND, 0, 0);
    leftovers_none(&before);

    CHECK_EQ(weir_zygote_create(&zygote, &options), 0);
    arm(WR_FAULT_SEND, 0, 1); // a process is asked for
    for (int i = 0; i < 2; i++)
        CHECK_EQ(weir_procs_create(&procs, zygote, &procs_options),
                 -EOWNERDEAD);
    CHECK(procs == NULL);
    CHECK_EQ(wr_fault_seen(WR_FAULT_SEND), 1); // it is asked nothing more
    arm(WR_FAULT_SEND, 0, 0);
    weir_zygote_destroy(zygote);
    leftovers_none(&before);

    world w;
    open_with(&w, 2);
    weir_task other = give(&w, &kernels[HOLD], 0);
    tally_await(&w.board->begun, 1);
    arm(WR_FAULT_SEND, 0, 1); // how a process has ended
    check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1);
    check_status(&w, other, -EOWNERDEAD);
    CHECK_EQ(wr_fault_seen(WR_FAULT_SEND), 1);
    arm(WR_FAULT_SEND, 0, 0);
    uint32_t index = 0;
    weir_task_spec spec = spec_of(&w, &kernels[COUNT], &index, sizeof(index));
    CHECK_EQ(weir_flow_submit(w.flow, &spec, NULL), -EOWNERDEAD);
    world_close(&w);
}

static const test_case cases[] = {
    {"a_zygote_that_cannot_be_made_leaves_nothing",
     a_zygote_that_cannot_be_made_leaves_nothing},
    {"a_group_that_cannot_be_made_leaves_nothing",
     a_group_that_cannot_be_made_leaves_nothing},
    {"loading_without_memory_has_changed_nothing",
     loading_without_memory_has_changed_nothing},
    {"a_submission_without_memory_has_changed_nothing",
     a_submission_without_memory_has_changed_nothing},
    {"what_was_accepted_ends_whatever_fails",
     what_was_accepted_ends_whatever_fails},
    {"a_replacement_is_tried_again", a_replacement_is_tried_again},
    {"without_any_process_tasks_fail", without_any_process_tasks_fail},
    {"a_zygote_that_cannot_be_asked_is_given_up",
     a_zygote_that_cannot_be_asked_is_given_up},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
