// SPDX-License-Identifier: MIT
// A libevent loop that stays for as long as calls are pending, and no longer.
//
//   cc loop_libevent.c $(pkg-config --cflags --libs weir libevent)
//
// The mailbox's descriptor is an event like any other. `hold` is told when
// calls become pending and when none is any more: the event is in the base just
// then, so event_base_dispatch returns when the last outcome is delivered.
// A timer looks after the one deadline: the second call waits behind the first
// on a pool of one thread, and the first ends only when somebody tells it to.
//
// Prints:
//   late: Connection timed out, it never ran
//   slow: told to stop after a while
//   nothing is pending
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <weir/loop.h>

static weir_loop *loop;
static struct event *mail, *deadline;
static weir_call slow, late;

static int compute_until_told(weir_worker *self, weir_call *call) {
    (void)self;
    int why;
    while ((why = weir_call_cancelled(call)) == 0)
        continue; // some microseconds of work
    return why;
}

static void slow_done(weir_call *call, int status) {
    int told = status == -ECANCELED &&
               weir_call_outcome(call) == WEIR_OUTCOME_FAILED; // it did run
    printf("slow: %s\n", told ? "told to stop after a while" : "?");
}

static void late_done(weir_call *call, int status) {
    int ran = weir_call_outcome(call) != WEIR_OUTCOME_TIMED_OUT;
    printf("late: %s, it %s\n", strerror(-status), ran ? "ran" : "never ran");
    weir_call_cancel(&slow);
}

// Whoever has submitted or drained asks when the next deadline is.
static void set_timer(void) {
    int64_t due_ns = weir_loop_next_deadline(loop);
    if (due_ns == WEIR_FOREVER) {
        evtimer_del(deadline);
        return;
    }
    int64_t left_us = (due_ns - weir_now_ns()) / 1000 + 1;
    if (left_us < 0)
        left_us = 0;
    struct timeval left = {left_us / 1000000, left_us % 1000000};
    evtimer_add(deadline, &left);
}

static void drain(evutil_socket_t fd, short events, void *context) {
    (void)fd, (void)events, (void)context;
    weir_loop_drain(loop);
    set_timer();
}

static void hold(void *context, int pending) {
    (void)context;
    if (pending)
        event_add(mail, NULL);
    else
        event_del(mail);
}

static int submit_both(weir_pool *pool) {
    slow = (weir_call)WEIR_CALL_INIT(compute_until_told, slow_done);
    late = (weir_call)WEIR_CALL_INIT(compute_until_told, late_done);
    late.deadline_ns = weir_now_ns() + 20 * 1000000; // 20 ms
    int error = weir_call_submit(loop, pool, &slow);
    if (error == 0)
        error = weir_call_submit(loop, pool, &late);
    set_timer();
    return error;
}

int main(void) {
    weir_pool *pool = NULL;
    weir_pool_options one = WEIR_POOL_OPTIONS_INIT;
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    one.threads = 1;
    options.hold = hold;
    int error = weir_pool_create(&pool, &one);
    if (error == 0)
        error = weir_loop_create(&loop, &options);
    struct event_base *base = event_base_new();
    if (error != 0 || base == NULL) {
        fprintf(stderr, "%s\n", weir_strerror(error));
        return 1;
    }
    mail =
        event_new(base, weir_loop_fd(loop), EV_READ | EV_PERSIST, drain, NULL);
    deadline = evtimer_new(base, drain, NULL);

    error = submit_both(pool);
    if (error != 0) // then nothing else ends the slow one
        (void)weir_call_cancel(&slow);
    event_base_dispatch(base);
    if (weir_loop_pending(loop) == 0)
        printf("nothing is pending\n");

    event_free(deadline);
    event_free(mail);
    event_base_free(base);
    weir_pool_destroy(pool);
    weir_loop_destroy(loop);
    return error != 0;
}
