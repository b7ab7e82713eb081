// SPDX-License-Identifier: MIT
// Flows that belong to a task: it ends with the last of them and of its kernel,
// whichever that is, and what they did is seen by who comes after; a cancel
// reaches them. Threads of the model run the tickets.
#include "model/models/graph_world.h"

static unsigned helper; // a thread beside the one that runs the parent

// ---- the end of a parent ---------------------------------------------------

// The child's task is run by another thread, as its parent's kernel returns.
// The last that the kernel writes comes after all that it asks of the graph: no
// lock orders it.
static int with_a_child(const weir_kernel_call *call,
                        const weir_kernel *kernel) {
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    options.parent = call;
    weir_flow *child = NULL;
    MC_CHECK(weir_flow_begin(graph, &options, &child) == 0);
    MC_CHECK(world_submit_to(child, kernel, WEIR_READWRITE, 1, NULL) == 0);
    weir_flow_release(child);
    helper = mc_spawn(world_run_all, NULL);
    ((uint64_t *)call->data[0])[1]++;
    return 0;
}

static int begin_adding(const weir_kernel_call *call) {
    return with_a_child(call, &world_add);
}

static int begin_failing(const weir_kernel_call *call) {
    return with_a_child(call, &world_fail);
}

static const weir_kernel adds_below = {"adds below", begin_adding};
static const weir_kernel fails_below = {"fails below", begin_failing};

static void who_comes_after_a_task_sees_what_its_flows_did(void) {
    world_open_by_hand();
    world_submit(&adds_below);
    world_submit(&world_double);
    (void)world_run_all(NULL);
    (void)mc_join(helper);
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 2 && data[1] == 2);
}

// What failed below it is why the task fails, though its kernel did not.
static void a_task_fails_with_a_flow_of_its_own(void) {
    world_open_by_hand();
    weir_task parent = world_submit_named(&fails_below);
    world_submit(&world_double);
    (void)world_run_all(NULL);
    (void)mc_join(helper);
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    MC_CHECK(weir_task_poll(graph, parent, &outcome) == 0);
    MC_CHECK(outcome.status == -EIO && outcome.root == 3 && outcome.ran);
    MC_CHECK(weir_task_release(graph, parent) == 0);
    MC_CHECK(world_close() == -EIO);
    MC_CHECK(data[0] == 0 && data[1] == 1);
}

// ---- a kernel that waits for it --------------------------------------------

static int wait_below(const weir_kernel_call *call) {
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    options.parent = call;
    weir_flow *child = NULL;
    int status = -1;
    MC_CHECK(weir_flow_begin(graph, &options, &child) == 0);
    MC_CHECK(world_submit_to(child, &world_add, WEIR_READWRITE, 1, NULL) == 0);
    helper = mc_spawn(world_run_all, NULL);
    weir_flow_close(child);
    MC_CHECK(weir_flow_wait(child, WEIR_FOREVER, &status) == 0);
    MC_CHECK(status == 0 && ((uint64_t *)call->data[0])[0]++ == 1);
    weir_flow_release(child);
    return 0;
}

static const weir_kernel waits_below = {"waits below", wait_below};

static void a_kernel_waits_for_a_flow_of_its_own(void) {
    world_open_by_hand();
    world_submit(&waits_below);
    MC_CHECK(world_run(world_take()));
    (void)mc_join(helper);
    MC_CHECK(world_close() == 0);
    MC_CHECK(data[0] == 2);
}

// ---- a cancel --------------------------------------------------------------

static bool began;

// Either it is refused, or the cancel finds it.
static int try_below(const weir_kernel_call *call) {
    weir_flow_options options = WEIR_FLOW_OPTIONS_INIT;
    options.parent = call;
    weir_flow *child = NULL;
    int error = weir_flow_begin(graph, &options, &child);
    MC_CHECK(error == 0 || error == -ESHUTDOWN);
    began = error == 0;
    if (!began)
        return 0;
    error = world_submit_to(child, &world_add, WEIR_READWRITE, 1, NULL);
    MC_CHECK(error == 0 || error == -ESHUTDOWN);
    weir_flow_release(child);
    return 0;
}

static const weir_kernel tries_below = {"tries below", try_below};

static void a_cancel_reaches_the_flows_of_a_task(void) {
    world_open_by_hand();
    world_submit(&tries_below);
    unsigned canceller = mc_spawn(world_cancel, NULL);
    bool ran = world_run(world_take());
    (void)mc_join(canceller);
    wr_ticket *below = world_take();
    MC_CHECK(below == NULL || !world_run(below));
    int status = world_close();
    // Nothing was left to cancel: the kernel ran, and has not failed.
    MC_CHECK(status == 0 ? ran : status == -ECANCELED);
    MC_CHECK(data[0] == 0);
    mc_outcome((ran ? 1U : 0U) + (began ? 2U : 0U) + (below != NULL ? 4U : 0U));
}

// It does not run; it runs and is refused; its flow begins, and the task in it
// is refused, or cancelled.
static const uint64_t reaches[] = {0, 1, 3, 7, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    WORLD_CASE(who_comes_after_a_task_sees_what_its_flows_did, 1, 1, NULL),
    WORLD_CASE(a_task_fails_with_a_flow_of_its_own, 1, 1, NULL),
    WORLD_CASE(a_kernel_waits_for_a_flow_of_its_own, 1, 1, NULL),
    WORLD_CASE(a_cancel_reaches_the_flows_of_a_task, 1, 1, reaches),
    {.name = NULL},
};
