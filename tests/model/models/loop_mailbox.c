// SPDX-License-Identifier: MIT
// The loop's mailbox: a call that ends wakes the loop's thread, whenever it
// went to sleep; close is told once, last; and the loop may go as soon as the
// last call was delivered.
#include "model/models/rooms.h"
#include "model/os.h"
#include "weir/loop.h"

#include <poll.h>

// The loop's thread sleeps here, and nowhere else.
int poll(struct pollfd *fds, nfds_t count, int timeout) {
    MC_CHECK(count == 1 && timeout == -1);
    wr_wakefd fd = {.read_fd = fds->fd, .write_fd = fds->fd};
    return mo_wakefd_wait(&fd) ? 1 : 0;
}

enum { CALLS = 2 };

static weir_loop *loop;
static weir_call calls[CALLS];
static unsigned delivered;
static unsigned closed;

static weir_loop *make_loop(int64_t spin_ns) {
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    options.spin_ns = spin_ns;
    options.sites_max = 1;
    options.drain_ns = WEIR_FOREVER;
    MC_CHECK(weir_loop_create(&loop, &options) == 0);
    return loop;
}

static void count_delivered(weir_call *call, int status) {
    MC_CHECK(status == (int)(call - calls));
    MC_CHECK(weir_call_outcome(call) == WEIR_OUTCOME_DONE);
    delivered++;
}

static void expect_all(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        calls[i] = (weir_call)WEIR_CALL_INIT(NULL, count_delivered);
        MC_CHECK(weir_call_expect(loop, &calls[i]) == 0);
    }
}

static void *complete(void *call) {
    weir_call_complete(call, (int)((weir_call *)call - calls));
    return NULL;
}

static void wait_and_drain(unsigned count) {
    while (delivered < count) {
        MC_CHECK(weir_loop_wait(loop, WEIR_FOREVER) == 0);
        MC_CHECK(weir_loop_drain(loop) >= 0);
    }
}

static void a_call_that_ends_wakes_the_loop(void) {
    make_loop(-1);
    expect_all(1);
    unsigned other = mc_spawn(complete, &calls[0]);
    wait_and_drain(1);
    weir_loop_destroy(loop);
    (void)mc_join(other);
}

static void each_of_two_is_delivered_once(void) {
    make_loop(-1);
    expect_all(CALLS);
    unsigned a = mc_spawn(complete, &calls[0]);
    unsigned b = mc_spawn(complete, &calls[1]);
    wait_and_drain(CALLS);
    weir_loop_destroy(loop);
    (void)mc_join(a);
    (void)mc_join(b);
}

// It looks before it sleeps: unarmed meanwhile.
static void a_loop_that_looks_first_is_woken_too(void) {
    make_loop(1000);
    expect_all(1);
    unsigned other = mc_spawn(complete, &calls[0]);
    while (delivered < 1) {
        MC_CHECK(weir_loop_drain_spin(loop) >= 0);
        if (delivered < 1)
            MC_CHECK(weir_loop_wait(loop, WEIR_FOREVER) == 0);
    }
    weir_loop_destroy(loop);
    (void)mc_join(other);
}

static void note_closed(weir_loop *which, void *context) {
    MC_CHECK(which == loop && context == &closed);
    MC_CHECK(delivered == 1);
    closed++;
}

static void closed_comes_once_and_last(void) {
    make_loop(-1);
    expect_all(1);
    unsigned other = mc_spawn(complete, &calls[0]);
    MC_CHECK(weir_loop_close(loop, WEIR_STOP_DRAIN, note_closed, &closed) == 0);
    while (closed == 0) {
        MC_CHECK(weir_loop_wait(loop, WEIR_FOREVER) == 0);
        MC_CHECK(weir_loop_drain(loop) >= 0);
    }
    weir_loop_destroy(loop);
    (void)mc_join(other);
    MC_CHECK(closed == 1);
}

// ---- with a pool -----------------------------------------------------------

static unsigned ran;

static int run_call(weir_worker *self, weir_call *call) {
    MC_CHECK(self != NULL);
    (void)call;
    ran++;
    return 0;
}

static int status_told;

static void note_status(weir_call *call, int status) {
    (void)call;
    status_told = status;
    delivered++;
}

static void a_call_on_a_pool_comes_back(void) {
    weir_pool *pool = rooms_pool(1, 0);
    make_loop(-1);
    calls[0] = (weir_call)WEIR_CALL_INIT(run_call, note_status);
    MC_CHECK(weir_call_submit(loop, pool, &calls[0]) == 0);
    wait_and_drain(1);
    MC_CHECK(ran == 1 && status_told == 0);
    weir_loop_destroy(loop);
    weir_pool_destroy(pool);
}

static void a_cancelled_call_ends_once(void) {
    weir_pool *pool = rooms_pool(1, 0);
    make_loop(-1);
    calls[0] = (weir_call)WEIR_CALL_INIT(run_call, note_status);
    MC_CHECK(weir_call_submit(loop, pool, &calls[0]) == 0);
    int error = weir_call_cancel(&calls[0]);
    MC_CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
    wait_and_drain(1);
    MC_CHECK(delivered == 1 && ran == (error != 0));
    MC_CHECK(status_told == (error == 0 ? -ECANCELED : 0));
    weir_loop_destroy(loop);
    weir_pool_destroy(pool);
    mc_outcome((uint64_t)-error);
}

#define BOUNDED(case, most)                                                    \
    { .name = #case, .body = case, .mode = MC_BOUNDED, .preemptions = most }

static const uint64_t cancels[] = {0, EBUSY, EALREADY, MC_OUTCOMES_END};

const mc_case mc_cases[] = {
    BOUNDED(a_call_that_ends_wakes_the_loop, 3),
    BOUNDED(each_of_two_is_delivered_once, 2),
    BOUNDED(a_loop_that_looks_first_is_woken_too, 3),
    BOUNDED(closed_comes_once_and_last, 3),
    BOUNDED(a_call_on_a_pool_comes_back, 1),
    {.name = "a_cancelled_call_ends_once",
     .body = a_cancelled_call_ends_once,
     .mode = MC_BOUNDED,
     .preemptions = 2,
     .outcomes = cancels},
    {.name = NULL},
};
