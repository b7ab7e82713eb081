// SPDX-License-Identifier: MIT
// Lanes: a call is queued only while a thread will look at the queue before it
// leaves; and a lane that is destroyed has joined all of its threads.
#include "model/models/rooms.h"
#include "model/os.h"
#include "weir/loop.h"

#include <poll.h>

int poll(struct pollfd *fds, nfds_t count, int timeout) {
    MC_CHECK(count == 1 && timeout == -1);
    wr_wakefd fd = {.read_fd = fds->fd, .write_fd = fds->fd};
    return mo_wakefd_wait(&fd) ? 1 : 0;
}

enum { CALLS = 2 };

static weir_loop *loop;
static weir_lane *lane;
static weir_call calls[CALLS];
static unsigned ran;
static unsigned delivered;

static void make_both(void) {
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    options.spin_ns = -1;
    options.sites_max = 1;
    options.drain_ns = WEIR_FOREVER;
    MC_CHECK(weir_loop_create(&loop, &options) == 0);
    weir_lane_options lane_options = WEIR_LANE_OPTIONS_INIT;
    lane_options.threads_max = 1;
    lane_options.keep_ns = 1; // it leaves as soon as it may
    mc_bound("one thread in the lane");
    MC_CHECK(weir_lane_create(&lane, &lane_options) == 0);
}

static int run_call(weir_worker *self, weir_call *call) {
    MC_CHECK(self == NULL);
    (void)call;
    ran++;
    return 0;
}

static void count_delivered(weir_call *call, int status) {
    (void)call;
    MC_CHECK(status == 0);
    delivered++;
}

static void submit(unsigned at) {
    calls[at] = (weir_call)WEIR_CALL_INIT(run_call, count_delivered);
    MC_CHECK(weir_call_submit_lane(loop, lane, &calls[at]) == 0);
}

static void wait_and_drain(unsigned count) {
    while (delivered < count) {
        MC_CHECK(weir_loop_wait(loop, WEIR_FOREVER) == 0);
        MC_CHECK(weir_loop_drain(loop) >= 0);
    }
}

static void destroy_both(void) {
    weir_lane_destroy(lane);
    weir_loop_destroy(loop);
    MC_CHECK(ran == delivered);
}

// The second comes as the thread leaves for want of work.
static void a_call_that_comes_as_the_last_thread_leaves_runs(void) {
    make_both();
    submit(0);
    wait_and_drain(1);
    submit(1);
    wait_and_drain(2);
    destroy_both();
}

static void two_calls_in_a_row_run(void) {
    make_both();
    submit(0);
    submit(1);
    wait_and_drain(2);
    destroy_both();
}

const mc_case mc_cases[] = {
    {.name = "a_call_that_comes_as_the_last_thread_leaves_runs",
     .body = a_call_that_comes_as_the_last_thread_leaves_runs,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .timeouts = 1},
    {.name = "two_calls_in_a_row_run",
     .body = two_calls_in_a_row_run,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .timeouts = 1},
    {.name = NULL},
};
