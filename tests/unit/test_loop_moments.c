// SPDX-License-Identifier: MIT
// Moments: what may happen between two steps of somebody else. The linker puts
// this file's clock, futex, thread start and wake-up before the library's
// (--wrap), so that it does happen there.
#include "os/os.h"
#include "pool/types.h"
#include "support/loop.h"

int64_t __real_wr_now_ns(void);
int64_t __wrap_wr_now_ns(void);
int __real_wr_futex_wait(wr_atomic_u32 *word, uint32_t expected,
                         int64_t deadline_ns);
int __wrap_wr_futex_wait(wr_atomic_u32 *word, uint32_t expected,
                         int64_t deadline_ns);
void __real_wr_futex_wake(wr_atomic_u32 *word, int count);
void __wrap_wr_futex_wake(wr_atomic_u32 *word, int count);
int __real_wr_thread_start(wr_thread *out, const wr_thread_options *options,
                           void *(*main)(void *), void *arg);
int __wrap_wr_thread_start(wr_thread *out, const wr_thread_options *options,
                           void *(*main)(void *), void *arg);
void __real_wr_wakefd_signal(wr_wakefd *fd);
void __wrap_wr_wakefd_signal(wr_wakefd *fd);

// ---- a submit that returns late --------------------------------------------

// The pool's worker is held, so the job arrives and nobody need be woken. The
// submitter reads the clock with the lock of the arrivals held: there the
// worker is let go, and waits for that lock. So the submitter has to wake it
// after it has let go of the lock, and stays in there until the pool is gone.
// AddressSanitizer sees what it looks at then.
static _Thread_local enum { OTHER, SLOW, IN_THE_LOCK, OUT_OF_IT } submitter;
static wr_atomic_ptr lock_word;
static held *worker;
static tally waiting;
static gate gone;

static wr_atomic_u32 *watched(void) {
    return wr_load(&lock_word, relaxed, ALONE, "stored before it matters");
}

int64_t __wrap_wr_now_ns(void) {
    if (submitter == SLOW &&
        wr_load(watched(), relaxed, ALONE, "only we can have it") != 0) {
        submitter = IN_THE_LOCK;
        release(worker);
        mark_await(&waiting, 1);
    }
    return __real_wr_now_ns();
}

int __wrap_wr_futex_wait(wr_atomic_u32 *word, uint32_t expected,
                         int64_t deadline_ns) {
    if (word == watched())
        mark_set(&waiting);
    return __real_wr_futex_wait(word, expected, deadline_ns);
}

void __wrap_wr_futex_wake(wr_atomic_u32 *word, int count) {
    __real_wr_futex_wake(word, count);
    if (submitter == IN_THE_LOCK && word == watched()) {
        submitter = OUT_OF_IT;
        gate_pass(&gone);
    }
}

// A job or call, and where it goes.
typedef struct late {
    errand errand; // first
    work work;
    tally ended;
    weir_loop *loop;
    weir_pool *pool;
} late;

static void late_open(late *l, held *h) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.measure = 1; // or it would not read the clock
    l->errand = errand_of(0);
    l->pool = pool_open(&options);
    worker = h;
    tally_init(&waiting);
    gate_init(&gone);
    hold(l->pool, h);
    wr_store(&lock_word, &l->pool->arrivals_lock.word, relaxed, ALONE,
             "the submitter comes later");
}

// late_gone destroys the pool and lets the submitter go on.
static void late_gone(late *l, held *h) {
    weir_pool_destroy(l->pool);
    gate_fini(&h->gate);
    gate_await(&gone, 1); // it is in there
}

static void late_close(void) {
    wr_store(&lock_word, NULL, relaxed, ALONE, "nobody is in there");
    gate_fini(&gone);
}

static void late_done(weir_job *job, int status) {
    late *l = (late *)((char *)job - offsetof(late, work));
    work_done(job, status);
    mark_set(&l->ended);
}

static void *late_job_main(void *arg) {
    late *l = arg;
    submitter = SLOW;
    submit(l->pool, &l->work.job);
    return NULL;
}

static void a_pool_may_go_while_the_last_submit_of_a_job_returns(void) {
    late l = {.work = work_of(0)};
    held h;
    l.work.job.done = late_done;
    tally_init(&l.ended);
    late_open(&l, &h);
    pthread_t thread = thread_start(late_job_main, &l);
    mark_await(&l.ended, 1);
    late_gone(&l, &h);
    gate_open(&gone);
    thread_join(thread);
    late_close();
    check_ran(&l.work, 0);
}

static void *late_call_main(void *arg) {
    late *l = arg;
    submitter = SLOW;
    call_on(l->loop, l->pool, &l->errand);
    return NULL;
}

static void pool_and_loop_may_go_while_the_last_submit_returns(void) {
    late l = {.loop = loop_open()};
    held h;
    late_open(&l, &h);
    pthread_t thread = thread_start(late_call_main, &l);
    while (l.errand.ended == 0)
        turn(l.loop, NULL);
    late_gone(&l, &h);
    loop_close(l.loop);
    gate_open(&gone);
    thread_join(thread);
    late_close();
    check_call_ran(&l.errand, 0);
}

static int late_first(weir_worker *self, weir_call *call) {
    (void)self;
    submitter = SLOW;
    weir_call_continue(call, ((late *)call)->pool, NULL, errand_run);
    return 0;
}

static void a_pool_may_go_while_a_call_that_went_on_there_returns(void) {
    weir_pool *first = pool_of(1);
    late l = {.loop = loop_open()};
    held h;
    late_open(&l, &h);
    l.errand.call.run = late_first;
    call_on(l.loop, first, &l.errand);
    settle(l.loop, NULL);
    late_gone(&l, &h);
    gate_open(&gone);
    pool_close(first);
    loop_close(l.loop);
    late_close();
    check_call_ran(&l.errand, 0);
}

// ---- the thread that fails -------------------------------------------------

static _Thread_local int unlucky; // its start fails when the gate is opened
static gate failing;
static int start_fails; // the first one does

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
    if (!start_fails)
        return __real_wr_thread_start(out, options, main, arg);
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
    start_fails = 1;
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
        {"a_pool_may_go_while_the_last_submit_of_a_job_returns",
         a_pool_may_go_while_the_last_submit_of_a_job_returns},
        {"pool_and_loop_may_go_while_the_last_submit_returns",
         pool_and_loop_may_go_while_the_last_submit_returns},
        {"a_pool_may_go_while_a_call_that_went_on_there_returns",
         a_pool_may_go_while_a_call_that_went_on_there_returns},
        {"a_failed_start_ends_calls_only_while_there_is_no_thread",
         a_failed_start_ends_calls_only_while_there_is_no_thread},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
