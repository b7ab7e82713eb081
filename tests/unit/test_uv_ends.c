// SPDX-License-Identifier: MIT
// The libuv adapter: how it begins and ends, and uv_queue_work by another name.
#include "support/uv.h"

// ---- detach ----------------------------------------------------------------

static void detaching_an_idle_adapter_closes_its_handles(void) {
    for (int mode = WEIR_STOP_DRAIN; mode <= WEIR_STOP_ABORT; mode++) {
        bench b;
        bench_open(&b, 1);
        CHECK_EQ(uv_loop_close(&b.uv), UV_EBUSY);
        bench_detach(&b, (weir_stop_mode)mode);
        CHECK_EQ(b.detached, 0); // not inside detach
        bench_closed(&b);
        pool_close(b.pool);
    }
}

static void detached_may_be_null(void) {
    bench b;
    bench_open(&b, 1);
    CHECK_EQ(weir_uv_detach(b.weir, WEIR_STOP_DRAIN, NULL, NULL), 0);
    bench_run(&b);
    CHECK_EQ(uv_loop_close(&b.uv), 0);
    pool_close(b.pool);
}

// What a detach meets: a call that has ended, one that runs, three that wait.
typedef struct scene {
    bench bench;
    gate door;
    errand ended, running, queued[3];
} scene;

static void scene_open(scene *s) {
    bench_open(&s->bench, 1);
    gate_init(&s->door);
    s->ended = errand_of(5);
    s->running = errand_at(&s->door);
    bench_call(&s->bench, &s->ended);
    bench_call(&s->bench, &s->running);
    for (int i = 0; i < 3; i++) {
        s->queued[i] = errand_of(i);
        bench_call(&s->bench, &s->queued[i]);
    }
    gate_await(&s->door, 1);
}

static void scene_close(scene *s) {
    bench_closed(&s->bench);
    CHECK_EQ(s->bench.detached_order, errands_ended); // it came last
    check_call_ran(&s->ended, 5);
    pool_close(s->bench.pool);
    gate_fini(&s->door);
}

static void check_refused(scene *s) {
    errand e = errand_of(0);
    CHECK_EQ(weir_call_submit(s->bench.loop, s->bench.pool, &e.call),
             -ESHUTDOWN);
    CHECK_EQ(weir_loop_pending(s->bench.loop), 5);
}

static void drain_runs_all_that_was_accepted(void) {
    scene s = {.bench = {.weir = NULL}};
    scene_open(&s);
    bench_detach(&s.bench, WEIR_STOP_DRAIN);
    check_refused(&s);
    for (int i = 0; i < 5; i++)
        CHECK(uv_run(&s.bench.uv, UV_RUN_NOWAIT) != 0);
    CHECK_EQ(s.ended.ended, 1);
    CHECK_EQ(s.running.ended + s.queued[0].ended, 0);
    CHECK_EQ(s.bench.detached, 0);
    gate_open(&s.door);
    scene_close(&s);
    check_call_ran(&s.running, 0);
    for (int i = 0; i < 3; i++)
        check_call_ran(&s.queued[i], i);
}

static void cancel_ends_what_has_not_started(void) {
    scene s = {.bench = {.weir = NULL}};
    scene_open(&s);
    bench_detach(&s.bench, WEIR_STOP_CANCEL);
    check_refused(&s);
    while (s.queued[2].ended == 0) // while the only worker is held
        CHECK(uv_run(&s.bench.uv, UV_RUN_ONCE) != 0);
    for (int i = 0; i < 3; i++)
        check_call_not_run(&s.queued[i], -ESHUTDOWN);
    CHECK_EQ(s.running.ended + s.bench.detached, 0);
    gate_open(&s.door);
    scene_close(&s);
    check_call_ran(&s.running, 0);
}

static void abort_tells_what_runs(void) {
    bench b;
    bench_open(&b, 1);
    errand running = errand_obedient(), queued = errand_of(0);
    uint64_t started = tally_get(&obedient_started);
    bench_call(&b, &running);
    bench_call(&b, &queued);
    tally_await(&obedient_started, started + 1);
    bench_detach(&b, WEIR_STOP_ABORT);
    bench_closed(&b);
    check_call_ran(&running, -ESHUTDOWN);
    check_call_not_run(&queued, -ESHUTDOWN);
    pool_close(b.pool);
}

static void detached_other(void *context) {
    (void)context;
    CHECK_FAIL("the second detach's callback was called");
}

static void detach_again_in_a_harder_mode(void) {
    bench b;
    bench_open(&b, 1);
    errand running = errand_obedient(), queued = errand_of(0);
    uint64_t started = tally_get(&obedient_started);
    bench_call(&b, &running);
    bench_call(&b, &queued);
    tally_await(&obedient_started, started + 1);
    bench_detach(&b, WEIR_STOP_DRAIN);
    CHECK(uv_run(&b.uv, UV_RUN_NOWAIT) != 0);
    CHECK_EQ(queued.ended, 0);
    CHECK_EQ(weir_uv_detach(b.weir, (weir_stop_mode)7, NULL, NULL), -EINVAL);
    CHECK_EQ(weir_uv_detach(b.weir, WEIR_STOP_ABORT, detached_other, NULL), 0);
    CHECK_EQ(weir_uv_detach(b.weir, WEIR_STOP_DRAIN, detached_other, NULL), 0);
    bench_closed(&b);
    check_call_ran(&running, -ESHUTDOWN);
    check_call_not_run(&queued, -ESHUTDOWN);
    pool_close(b.pool);
}

static void an_unknown_mode_changes_nothing(void) {
    bench b;
    bench_open(&b, 1);
    CHECK_EQ(weir_uv_detach(b.weir, (weir_stop_mode)-1, bench_detached, &b),
             -EINVAL);
    CHECK_EQ(weir_uv_detach(b.weir, (weir_stop_mode)3, bench_detached, &b),
             -EINVAL);
    errand e = errand_of(0);
    bench_call(&b, &e);
    bench_run(&b);
    check_call_ran(&e, 0);
    CHECK_EQ(b.detached, 0);
    bench_close(&b);
}

// A call whose done detaches.
typedef struct last {
    errand errand;
    bench *bench;
    weir_stop_mode mode;
} last;

static void last_done(weir_call *call, int status) {
    last *l = (last *)call;
    errand_done(call, status);
    bench_detach(l->bench, l->mode);
    // Twice: nothing is pending, it may be closed already, but is not freed.
    CHECK_EQ(weir_uv_detach(l->bench->weir, WEIR_STOP_ABORT, NULL, NULL), 0);
    CHECK_EQ(l->bench->detached, 0);
}

static void done_may_detach(void) {
    for (int mode = WEIR_STOP_DRAIN; mode <= WEIR_STOP_ABORT; mode++) {
        bench b;
        bench_open(&b, 1);
        last l = {errand_of(0), &b, (weir_stop_mode)mode};
        l.errand.call.done = last_done;
        bench_call(&b, &l.errand);
        bench_closed(&b);
        check_call_ran(&l.errand, 0);
        pool_close(b.pool);
    }
}

static void ring_detach(void *argument) {
    bench_detach(argument, WEIR_STOP_CANCEL);
}

static void a_detach_while_uv_runs_ends_it(void) {
    scene s = {.bench = {.weir = NULL}};
    scene_open(&s);
    alarm_clock first, second;
    alarm_set(&first, &s.bench.uv, 2, ring_detach, &s.bench);
    alarm_set(&second, &s.bench.uv, 10, ring_gate, &s.door);
    scene_close(&s);
    check_call_ran(&s.running, 0);
    for (int i = 0; i < 3; i++)
        check_call_not_run(&s.queued[i], -ESHUTDOWN);
}

// A detach between prepare and the sleep, the last moment there is.
static void on_late_prepare(uv_prepare_t *prepare) {
    bench_detach(prepare->data, WEIR_STOP_DRAIN);
    uv_close((uv_handle_t *)prepare, NULL);
}

static void a_detach_just_before_uv_sleeps_is_seen(void) {
    bench b;
    memset(&b, 0, sizeof(b));
    CHECK_EQ(uv_loop_init(&b.uv), 0);
    // uv calls the last one started first: this one comes after weir's.
    uv_prepare_t prepare;
    uv_prepare_init(&b.uv, &prepare);
    prepare.data = &b;
    uv_prepare_start(&prepare, on_late_prepare);
    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    options.pool = pool_threads(1);
    CHECK_EQ(weir_uv_attach(&b.weir, &b.uv, &options), 0);
    bench_closed(&b);
    pool_close(options.pool);
}

// ---- attach ----------------------------------------------------------------

static int attach(bench *b, const weir_uv_options *options) {
    weir_uv *weir = NULL;
    int error = weir_uv_attach(&weir, &b->uv, options);
    CHECK_EQ(weir != NULL, error == 0);
    if (error == 0)
        CHECK_EQ(weir_uv_detach(weir, WEIR_STOP_DRAIN, NULL, NULL), 0);
    CHECK_EQ(uv_run(&b->uv, UV_RUN_DEFAULT), 0);
    return error;
}

// A struct of a newer header: one field more than this library knows.
typedef struct newer {
    weir_uv_options options;
    uint64_t more;
} newer;

static void bad_options_are_refused(void) {
    bench b;
    CHECK_EQ(uv_loop_init(&b.uv), 0);
    weir_uv *weir = NULL;
    CHECK_EQ(weir_uv_attach(NULL, &b.uv, NULL), -EINVAL);
    CHECK_EQ(weir_uv_attach(&weir, NULL, NULL), -EINVAL);
    newer n = {.options = WEIR_UV_OPTIONS_INIT, .more = 0};
    n.options.size = 0;
    CHECK_EQ(attach(&b, &n.options), -EINVAL);
    n.options.size = sizeof(size_t); // none but the size: an older header
    CHECK_EQ(attach(&b, &n.options), 0);
    n.options.size = sizeof(n);
    CHECK_EQ(attach(&b, &n.options), 0);
    n.more = 1;
    CHECK_EQ(attach(&b, &n.options), -E2BIG);

    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    weir_loop_options loop = WEIR_LOOP_OPTIONS_INIT;
    options.loop = &loop;
    loop.size = 3;
    CHECK_EQ(attach(&b, &options), -EINVAL);
    loop.size = sizeof(loop);
    loop.drain_ns = -1;
    CHECK_EQ(attach(&b, &options), -EINVAL);
    loop.drain_ns = 0;
    CHECK_EQ(attach(&b, &options), 0);
    CHECK_EQ(uv_loop_close(&b.uv), 0); // nothing of them was left in it
}

static void no_hold(void *context, int pending) {
    (void)context, (void)pending;
    CHECK_FAIL("hold of the options was called");
}

static void loop_options_are_heeded(void) {
    weir_loop_options loop = WEIR_LOOP_OPTIONS_INIT;
    loop.calls_max = 1;
    loop.hold = no_hold;
    weir_uv_options options = WEIR_UV_OPTIONS_INIT;
    options.loop = &loop;
    options.pool = pool_threads(1);
    bench b;
    bench_open_with(&b, &options);
    errand first = errand_of(0), second = errand_of(0);
    CHECK_EQ(weir_call_try_submit(b.loop, b.pool, &first.call), 0);
    CHECK_EQ(weir_call_try_submit(b.loop, b.pool, &second.call), -EAGAIN);
    bench_run(&b);
    CHECK_EQ(weir_call_try_submit(b.loop, b.pool, &second.call), 0);
    bench_run(&b);
    check_call_ran(&first, 0);
    check_call_ran(&second, 0);
    bench_close(&b);
}

static void no_memory_no_thread_no_descriptor_no_trace(void) {
    bench b;
    need_faults();
    CHECK_EQ(uv_loop_init(&b.uv), 0);
    CHECK_EQ(attach(&b, NULL), 0); // what is made once for all is there now
    uint64_t attempts;
    wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 1);
    CHECK_EQ(attach(&b, NULL), 0);
    attempts = wr_fault_seen(WR_FAULT_ALLOC);
    CHECK(attempts > 1);
    unsigned before = threads_before();
    for (uint64_t i = 0; i < attempts; i++) {
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        int error = attach(&b, NULL);
        CHECK(error == -ENOMEM || (error == -EAGAIN && i > 1) || error == 0);
        CHECK(i > 0 || error == -ENOMEM);
    }
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    wr_fault_arm(WR_FAULT_THREAD, 0, UINT64_MAX);
    CHECK_EQ(attach(&b, NULL), -EAGAIN);
    wr_fault_arm(WR_FAULT_THREAD, 0, 0);
    wr_fault_arm(WR_FAULT_FD, 0, 1);
    CHECK_EQ(attach(&b, NULL), -EMFILE);
    wr_fault_arm(WR_FAULT_FD, 0, 0);
    CHECK_EQ(attach(&b, NULL), 0);
    threads_await(before);
    CHECK_EQ(uv_loop_close(&b.uv), 0);
}

static void a_pool_of_its_own_is_destroyed_with_it(void) {
    unsigned before = threads_before();
    bench b;
    bench_open_with(&b, NULL);
    CHECK(threads_alive() > before);
    errand e = errand_of(0);
    bench_call(&b, &e);
    work w = work_of(0); // beside weir_uv: drained, too
    submit(b.pool, &w.job);
    bench_detach(&b, WEIR_STOP_DRAIN);
    bench_closed(&b);
    check_call_ran(&e, 0);
    check_ran(&w, 0);
    threads_await(before);
}

static void a_pool_of_yours_is_left_alone(void) {
    bench b;
    bench_open(&b, 1);
    bench_detach(&b, WEIR_STOP_ABORT);
    bench_closed(&b);
    work w = work_of(0);
    submit(b.pool, &w.job);
    wait_idle(b.pool);
    check_ran(&w, 0);
    pool_close(b.pool);
}

// ---- queue_work ------------------------------------------------------------

typedef struct request {
    weir_uv_work work;
    bench *bench;
    gate *gate;
    pthread_t home;
    int on_worker, worked, after, status;
} request;

static void request_work(weir_uv_work *uv_work) {
    request *r = uv_work->data;
    r->worked++;
    r->on_worker = weir_worker_self() != NULL;
    if (r->gate != NULL)
        gate_pass(r->gate);
}

static void request_after(weir_uv_work *uv_work, int status) {
    request *r = uv_work->data;
    CHECK(uv_work->loop == &r->bench->uv);
    CHECK(pthread_equal(r->home, pthread_self()));
    r->after++;
    r->status = status;
}

// As a program has it that was written for uv: nothing is zeroed.
static request request_of(bench *b, gate *g) {
    request r;
    memset(&r, 0xa5, sizeof(r));
    r.work.data = NULL;
    r.bench = b;
    r.gate = g;
    r.home = pthread_self();
    r.on_worker = r.worked = r.after = r.status = 0;
    return r;
}

static int request_queue(request *r) {
    r->work.data = r;
    return weir_uv_queue_work(r->bench->weir, &r->work, request_work,
                              request_after);
}

static void work_runs_on_the_pool_and_comes_back(void) {
    bench b;
    bench_open(&b, 1);
    request r = request_of(&b, NULL);
    for (int i = 1; i <= 3; i++) { // the same request again
        CHECK_EQ(request_queue(&r), 0);
        CHECK_EQ(r.after, i - 1);
        bench_run(&b);
        CHECK_EQ(r.worked, i);
        CHECK_EQ(r.on_worker, 1);
        CHECK_EQ(r.after, i);
        CHECK_EQ(r.status, 0);
    }
    bench_close(&b);
}

static void work_may_go_without_after_work(void) {
    bench b;
    bench_open(&b, 1);
    request r = request_of(&b, NULL);
    r.work.data = &r;
    CHECK_EQ(weir_uv_queue_work(b.weir, &r.work, request_work, NULL), 0);
    bench_run(&b);
    CHECK_EQ(r.worked, 1);
    CHECK_EQ(r.after, 0);
    CHECK_EQ(weir_uv_queue_work(b.weir, &r.work, NULL, request_after), -EINVAL);
    CHECK_EQ(weir_uv_queue_work(b.weir, &r.work, NULL, NULL), UV_EINVAL);
    bench_close(&b);
}

static void *queue_main(void *argument) {
    CHECK_EQ(request_queue(argument), 0);
    return NULL;
}

static void work_may_be_queued_on_any_thread(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    request keeper = request_of(&b, &door), r = request_of(&b, NULL);
    CHECK_EQ(request_queue(&keeper), 0); // keeps the loop meanwhile
    pthread_t thread = thread_start(queue_main, &r);
    thread_join(thread);
    gate_open(&door);
    bench_run(&b);
    CHECK_EQ(keeper.after, 1);
    CHECK_EQ(r.worked, 1);
    CHECK_EQ(r.after, 1);
    CHECK_EQ(r.status, 0);
    gate_fini(&door);
    bench_close(&b);
}

static void cancelled_work_does_not_run(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    request running = request_of(&b, &door), queued = request_of(&b, NULL);
    CHECK_EQ(request_queue(&running), 0);
    CHECK_EQ(request_queue(&queued), 0);
    gate_await(&door, 1);
    CHECK_EQ(weir_uv_cancel(&running.work), UV_EBUSY);
    CHECK_EQ(weir_uv_cancel(&queued.work), 0);
    CHECK_EQ(queued.after, 0); // not inside cancel
    while (queued.after == 0)  // while the only worker is held
        CHECK(uv_run(&b.uv, UV_RUN_ONCE) != 0);
    CHECK_EQ(queued.worked, 0);
    CHECK_EQ(queued.status, UV_ECANCELED);
    gate_open(&door);
    ended_await(b.loop, NULL, 1);
    CHECK_EQ(weir_uv_cancel(&running.work), UV_EBUSY); // too late
    bench_run(&b);
    CHECK_EQ(running.after, 1);
    CHECK_EQ(running.status, 0);
    CHECK_EQ(weir_uv_cancel(&running.work), UV_EBUSY);
    gate_fini(&door);
    bench_close(&b);
}

static void detaching_cancels_work_in_uvs_words(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    request running = request_of(&b, &door), queued = request_of(&b, NULL);
    request refused = request_of(&b, NULL);
    CHECK_EQ(request_queue(&running), 0);
    CHECK_EQ(request_queue(&queued), 0);
    gate_await(&door, 1);
    bench_detach(&b, WEIR_STOP_CANCEL);
    CHECK_EQ(request_queue(&refused), -ESHUTDOWN);
    while (queued.after == 0)
        CHECK(uv_run(&b.uv, UV_RUN_ONCE) != 0);
    CHECK_EQ(queued.status, UV_ECANCELED);
    gate_open(&door);
    bench_closed(&b);
    CHECK_EQ(running.status, 0);
    CHECK_EQ(running.after, 1);
    CHECK_EQ(refused.worked + refused.after, 0);
    gate_fini(&door);
    pool_close(b.pool);
}

static void works_site_is_measured(void) {
    static const weir_site site = WEIR_SITE_INIT("test work");
    bench b;
    bench_open(&b, 1);
    request r = request_of(&b, NULL);
    r.work.data = &r;
    CHECK_EQ(weir_uv_queue_work_at(b.weir, &r.work, &site, NULL, NULL),
             -EINVAL);
    CHECK_EQ(weir_uv_queue_work_at(b.weir, &r.work, &site, request_work,
                                   request_after),
             0);
    bench_run(&b);
    weir_site_stats stats = {.size = sizeof(stats)};
    CHECK_EQ(weir_loop_site(b.loop, 0, &stats), 0);
    CHECK(stats.site == &site);
    CHECK_EQ(stats.done, 1);
    CHECK_EQ(stats.run.count, 1);
    bench_close(&b);
}

// ---- fork(2) ---------------------------------------------------------------

static void child_of_fork(bench *b) {
    CHECK_EQ(uv_loop_fork(&b->uv), 0);
    // Its loop goes on: no busy rounds on the parent's descriptor, no calls.
    rounds r;
    rounds_open(&r, &b->uv);
    alarm_clock alarm;
    alarm_set(&alarm, &b->uv, 30, NULL, NULL);
    for (int i = 0; alarm.rang == 0; i++) {
        CHECK(i < 20);
        CHECK(uv_run(&b->uv, UV_RUN_ONCE) >= 0);
    }
    CHECK(r.count <= 20);
    rounds_close(&r);
    request refused = request_of(b, NULL);
    CHECK_EQ(request_queue(&refused), -ECHILD);
    bench_detach(b, WEIR_STOP_DRAIN);
    bench_closed(b);
    _exit(0);
}

static void a_forked_child_goes_on_without(void) {
    bench b;
    bench_open(&b, 1);
    gate door;
    gate_init(&door);
    errand busy = errand_at(&door), ended = errand_of(0);
    bench_call(&b, &ended);
    ended_await(b.loop, NULL, 1); // the descriptor is readable
    bench_call(&b, &busy);
    gate_await(&door, 1);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        child_of_fork(&b);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    gate_open(&door);
    bench_run(&b);
    check_call_ran(&ended, 0);
    check_call_ran(&busy, 0);
    gate_fini(&door);
    bench_close(&b);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"detaching_an_idle_adapter_closes_its_handles",
         detaching_an_idle_adapter_closes_its_handles},
        {"detached_may_be_null", detached_may_be_null},
        {"drain_runs_all_that_was_accepted", drain_runs_all_that_was_accepted},
        {"cancel_ends_what_has_not_started", cancel_ends_what_has_not_started},
        {"abort_tells_what_runs", abort_tells_what_runs},
        {"detach_again_in_a_harder_mode", detach_again_in_a_harder_mode},
        {"an_unknown_mode_changes_nothing", an_unknown_mode_changes_nothing},
        {"done_may_detach", done_may_detach},
        {"a_detach_while_uv_runs_ends_it", a_detach_while_uv_runs_ends_it},
        {"a_detach_just_before_uv_sleeps_is_seen",
         a_detach_just_before_uv_sleeps_is_seen},
        {"bad_options_are_refused", bad_options_are_refused},
        {"loop_options_are_heeded", loop_options_are_heeded},
        {"no_memory_no_thread_no_descriptor_no_trace",
         no_memory_no_thread_no_descriptor_no_trace},
        {"a_pool_of_its_own_is_destroyed_with_it",
         a_pool_of_its_own_is_destroyed_with_it},
        {"a_pool_of_yours_is_left_alone", a_pool_of_yours_is_left_alone},
        {"work_runs_on_the_pool_and_comes_back",
         work_runs_on_the_pool_and_comes_back},
        {"work_may_go_without_after_work", work_may_go_without_after_work},
        {"work_may_be_queued_on_any_thread", work_may_be_queued_on_any_thread},
        {"cancelled_work_does_not_run", cancelled_work_does_not_run},
        {"detaching_cancels_work_in_uvs_words",
         detaching_cancels_work_in_uvs_words},
        {"works_site_is_measured", works_site_is_measured},
        {"a_forked_child_goes_on_without", a_forked_child_goes_on_without},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
