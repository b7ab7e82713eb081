// SPDX-License-Identifier: MIT
// Lanes whose threads cannot be started. The linker puts wr_thread_start and
// wr_wakefd_signal of this file before the library's (--wrap), so that a start
// fails, and a call comes, at the moment that matters.
#include "os/os.h"
#include "support/loop.h"

int __real_wr_thread_start(wr_thread *out, const wr_thread_options *options,
                           void *(*main)(void *), void *arg);
int __wrap_wr_thread_start(wr_thread *out, const wr_thread_options *options,
                           void *(*main)(void *), void *arg);
void __real_wr_wakefd_signal(wr_wakefd *fd);
void __wrap_wr_wakefd_signal(wr_wakefd *fd);

// ---- the thread that fails -------------------------------------------------

static _Thread_local int unlucky; // its start fails when the gate is opened
static gate failing;

// What it submits, once, in the middle of ending calls.
static weir_loop *other_loop;
static weir_lane *lane;
static errand *in_between;

// The thread that this brings comes when the gate is opened.
static gate coming;
static void *(*coming_main)(void *);
static tally starts;

static void *come_later(void *arg) {
    gate_pass(&coming);
    return coming_main(arg);
}

int __wrap_wr_thread_start(wr_thread *out, const wr_thread_options *options,
                           void *(*main)(void *), void *arg) {
    if (tally_add(&starts) > 1) {
        coming_main = main;
        return __real_wr_thread_start(out, options, come_later, arg);
    }
    gate_pass(&failing);
    unlucky = 1;
    return -EAGAIN;
}

void __wrap_wr_wakefd_signal(wr_wakefd *fd) {
    if (unlucky && in_between != NULL) {
        errand *e = in_between;
        in_between = NULL;
        call_in(other_loop, lane, e);
    }
    __real_wr_wakefd_signal(fd);
}

typedef struct first {
    weir_loop *loop;
    errand e;
    int error;
} first;

static void *first_main(void *arg) {
    first *f = arg;
    f->error = weir_call_submit_lane(f->loop, lane, &f->e.call);
    return NULL;
}

// One thread is about to be started and cannot be. Two calls have relied on it;
// while the first of them ends, another call brings a thread, which then runs
// the second, too.
static void a_failed_start_ends_calls_only_while_there_is_no_thread(void) {
    tally_init(&starts);
    gate_init(&failing);
    gate_init(&coming);
    lane = lane_of(1);
    other_loop = loop_open();
    first f = {.loop = loop_open(), .e = errand_of(0)};
    pthread_t starter = thread_start(first_main, &f);
    gate_await(&failing, 1);
    errand relied[2], e = errand_of(3);
    for (int i = 0; i < 2; i++) {
        relied[i] = errand_of(i);
        call_in(f.loop, lane, &relied[i]);
    }
    CHECK_EQ(tally_get(&starts), 1);
    in_between = &e;
    gate_open(&failing);
    thread_join(starter);
    CHECK_EQ(f.error, -EAGAIN);
    gate_open(&coming);
    settle(f.loop, NULL);
    settle(other_loop, NULL);
    check_call_not_run(&relied[0], -EAGAIN);
    check_call_ran(&relied[1], 1);
    check_call_ran(&e, 3);
    loop_close(f.loop);
    loop_close(other_loop);
    lane_close(lane);
    gate_fini(&failing);
    gate_fini(&coming);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_failed_start_ends_calls_only_while_there_is_no_thread",
         a_failed_start_ends_calls_only_while_there_is_no_thread},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
