// SPDX-License-Identifier: MIT
// Calls: there and back once, in order, within the bound, from any thread.
#include "support/loop.h"

// ---- there and back --------------------------------------------------------

static void there_and_back(weir_pool *pool) {
    weir_loop *loop = loop_open();
    errand e[3];
    for (int i = 0; i < 3; i++) {
        e[i] = errand_of(0);
        call_on(loop, pool, &e[i]);
    }
    CHECK_EQ(weir_loop_pending(loop), 3);
    settle(loop, pool);
    for (int i = 0; i < 3; i++) {
        check_call_ran(&e[i], 0);
        CHECK(e[i].self != NULL);
    }
    weir_loop_counts c = loop_counts_of(loop);
    CHECK_EQ(c.accepted, 3);
    CHECK_EQ(c.done, 3);
    CHECK_EQ(c.inlined, 0);
    loop_close(loop);
}

static void a_call_runs_on_a_worker_and_is_delivered_on_the_loop(void) {
    on_each_pool(there_and_back);
}

static int where_run(weir_worker *self, weir_call *call) {
    errand *e = (errand *)call;
    CHECK(self != NULL);
    CHECK(self == weir_worker_self());
    e->ran++;
    return (int)weir_worker_index(self);
}

static void run_gets_its_worker(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    errand e = errand_of(0);
    e.call.run = where_run;
    call_on(loop, pool, &e);
    settle(loop, pool);
    check_call_ran(&e, 0); // the only worker has index 0
    loop_close(loop);
    pool_close(pool);
}

static void outcomes_of(weir_pool *pool) {
    static const int results[] = {0, 7, -EIO, -ECANCELED, -ETIMEDOUT, INT_MAX};
    weir_loop *loop = loop_open();
    errand e[TEST_COUNT(results)];
    for (size_t i = 0; i < TEST_COUNT(results); i++) {
        e[i] = errand_of(results[i]);
        call_on(loop, pool, &e[i]);
    }
    settle(loop, pool);
    for (size_t i = 0; i < TEST_COUNT(results); i++)
        check_call_ran(&e[i], results[i]);
    weir_loop_counts c = loop_counts_of(loop);
    CHECK_EQ(c.done, 3);
    CHECK_EQ(c.failed, 3);
    CHECK_EQ(c.cancelled, 0);
    CHECK_EQ(c.timed_out, 0);
    loop_close(loop);
}

static void done_gets_what_run_returned_and_the_outcome(void) {
    on_each_pool(outcomes_of);
}

static void an_outcome_is_none_until_delivery(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    held_all h;
    hold_all(pool, &h);
    errand e = errand_of(0);
    CHECK_EQ(weir_call_outcome(&e.call), WEIR_OUTCOME_NONE);
    call_on(loop, pool, &e);
    CHECK_EQ(weir_call_outcome(&e.call), WEIR_OUTCOME_NONE);
    release_all(pool, &h);
    settle(loop, pool);
    check_call_ran(&e, 0);
    loop_close(loop);
    pool_close(pool);
}

static void only_by_drain(weir_pool *pool) {
    weir_loop *loop = loop_open();
    errand e[5];
    for (int i = 0; i < 5; i++) {
        e[i] = errand_of(0);
        call_on(loop, pool, &e[i]);
    }
    ended_await(loop, pool, 5);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(e[i].ended, 0);
    CHECK_EQ(weir_loop_pending(loop), 5);
    CHECK_EQ(drain(loop), 5);
    for (int i = 0; i < 5; i++)
        check_call_ran(&e[i], 0);
    CHECK_EQ(drain(loop), 0);
    CHECK_EQ(loop_counts_of(loop).ended_max, 5);
    CHECK_EQ(loop_counts_of(loop).pending_max, 5);
    loop_close(loop);
}

static void done_is_called_by_drain_alone_and_drain_counts(void) {
    on_each_pool(only_by_drain);
}

static void without_done(weir_pool *pool) {
    weir_loop *loop = loop_open();
    for (int i = 0; i < 10; i++) {
        errand e = errand_of(i == 5 ? -EIO : 0);
        e.call.done = NULL;
        call_on(loop, pool, &e);
        settle(loop, pool); // then the memory is ours
        CHECK_EQ(e.ran, 1);
        memset(&e, 0xff, sizeof(e));
    }
    weir_loop_counts c = loop_counts_of(loop);
    CHECK_EQ(c.done, 9);
    CHECK_EQ(c.failed, 1);
    loop_close(loop);
}

static void done_may_be_left_out(void) { on_each_pool(without_done); }

// ---- order -----------------------------------------------------------------

static void in_order(weir_pool *pool) {
    weir_loop *loop = loop_open();
    static errand e[200];
    uint64_t runs = tally_get(&errands_run), ends = errands_ended;
    for (int i = 0; i < 200; i++) {
        e[i] = errand_of(i);
        call_on(loop, pool, &e[i]);
    }
    settle(loop, pool);
    for (int i = 0; i < 200; i++) {
        check_call_ran(&e[i], i);
        CHECK_EQ(e[i].run_order - runs, i + 1);
        CHECK_EQ(e[i].end_order - ends, i + 1);
    }
    loop_close(loop);
}

static void one_worker_takes_and_delivers_calls_in_order(void) {
    weir_pool *pool = pool_of(1);
    in_order(pool);
    pool_close(pool);
    for (uint64_t seed = 0; seed < LOOP_SEEDS; seed++) {
        pool = pool_seeded(seed, 1);
        in_order(pool);
        pool_close(pool);
    }
}

static void calls_are_delivered_in_the_order_they_ended(void) {
    for (int threads = 2; threads <= 4; threads++) {
        weir_loop *loop = loop_open();
        weir_pool *pool = pool_of(threads);
        gate first;
        gate_init(&first);
        errand late = errand_at(&first), early[20];
        call_on(loop, pool, &late);
        gate_await(&first, 1);
        for (unsigned i = 0; i < 20; i++) {
            early[i] = errand_of(0);
            call_on(loop, pool, &early[i]);
            ended_await(loop, pool, i + 1);
        }
        gate_open(&first);
        ended_await(loop, pool, 21);
        CHECK_EQ(drain(loop), 21);
        for (int i = 1; i < 20; i++)
            CHECK(early[i].end_order > early[i - 1].end_order);
        CHECK(late.end_order > early[19].end_order);
        loop_close(loop);
        pool_close(pool);
        gate_fini(&first);
    }
}

static void calls_start_in_order_of_priority(void) {
    static const int32_t priorities[] = {
        WEIR_PRIORITY_LOW, WEIR_PRIORITY_NORMAL, WEIR_PRIORITY_HIGH,
        WEIR_PRIORITY_LOW, WEIR_PRIORITY_NORMAL, WEIR_PRIORITY_HIGH};
    static const uint64_t places[] = {5, 3, 1, 6, 4, 2};
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(1);
    held_all h;
    hold_all(pool, &h);
    errand e[6];
    uint64_t before = tally_get(&errands_run);
    for (int i = 0; i < 6; i++) {
        e[i] = errand_of(0);
        e[i].call.priority = priorities[i];
        call_on(loop, pool, &e[i]);
    }
    release_all(pool, &h);
    settle(loop, pool);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(e[i].run_order - before, places[i]);
    loop_close(loop);
    pool_close(pool);
}

// ---- batches ---------------------------------------------------------------

static void batch_in_order(weir_pool *pool) {
    weir_loop *loop = loop_open();
    errand e[50];
    weir_call *calls[50];
    uint64_t before = tally_get(&errands_run);
    for (int i = 0; i < 50; i++) {
        e[i] = errand_of(i);
        calls[i] = &e[i].call;
    }
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls, 50), 0);
    CHECK_EQ(weir_loop_pending(loop), 50);
    settle(loop, pool);
    for (int i = 0; i < 50; i++) {
        check_call_ran(&e[i], i);
        CHECK_EQ(e[i].run_order - before, i + 1);
    }
    loop_close(loop);
}

static void a_batch_runs_in_its_order(void) {
    weir_pool *pool = pool_of(1);
    batch_in_order(pool);
    pool_close(pool);
    for (uint64_t seed = 0; seed < LOOP_SEEDS; seed++) {
        pool = pool_seeded(seed, 1);
        batch_in_order(pool);
        pool_close(pool);
    }
}

static void batch_of_any(weir_pool *pool) {
    weir_loop *loop = loop_open();
    static errand e[300];
    static weir_call *calls[300];
    for (size_t i = 0; i < 300; i++) {
        e[i] = errand_of(0);
        calls[i] = &e[i].call;
    }
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls, 0), 0);
    CHECK_EQ(weir_loop_pending(loop), 0);
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls, 1), 0);
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls + 1, 299), 0);
    settle(loop, pool);
    for (int i = 0; i < 300; i++)
        check_call_ran(&e[i], 0);
    loop_close(loop);
}

static void a_batch_may_be_of_any_size(void) { on_each_pool(batch_of_any); }

static void a_batch_is_accepted_whole_or_not_at_all(void) {
    weir_loop *loop = loop_open();
    weir_pool *pool = pool_of(2);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    errand e[3], before[3];
    weir_call *calls[3];
    for (int i = 0; i < 3; i++) {
        e[i] = before[i] = errand_of(0);
        calls[i] = &e[i].call;
    }
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls, 3), -ESHUTDOWN);
    CHECK_EQ(drain(loop), 0);
    for (int i = 0; i < 3; i++)
        check_call_untouched(&e[i], &before[i]);
    CHECK_EQ(loop_counts_of(loop).accepted, 0);
    weir_pool_destroy(pool);

    pool = pool_of(2); // the same calls elsewhere
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls, 3), 0);
    settle(loop, pool);
    for (int i = 0; i < 3; i++)
        check_call_ran(&e[i], 0);
    pool_close(pool);
    loop_close(loop);
}

// ---- refusals --------------------------------------------------------------

static void refused_when_stopped(weir_pool *pool) {
    weir_loop *loop = loop_open();
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    errand e = errand_of(0), before = e;
    CHECK_EQ(weir_call_submit(loop, pool, &e.call), -ESHUTDOWN);
    CHECK_EQ(weir_call_try_submit(loop, pool, &e.call), -ESHUTDOWN);
    check_call_untouched(&e, &before);
    CHECK_EQ(weir_call_cancel(&e.call), -EALREADY);
    CHECK_EQ(drain(loop), 0);
    CHECK_EQ(e.ended, 0);
    CHECK_EQ(loop_counts_of(loop).accepted, 0);
    loop_close(loop);
}

static void a_stopped_pool_takes_no_call(void) {
    on_each_pool(refused_when_stopped);
}

// ---- the bound -------------------------------------------------------------

static weir_loop *loop_bounded(size_t calls_max) {
    weir_loop_options options = loop_options();
    options.calls_max = calls_max;
    return loop_open_with(&options);
}

static void bound_counts_all(weir_pool *pool) {
    weir_loop *loop = loop_bounded(3);
    held_all h;
    hold_all(pool, &h);
    errand e[4];
    for (int i = 0; i < 4; i++)
        e[i] = errand_of(0);
    errand before = e[3];
    for (int i = 0; i < 3; i++) // queued
        CHECK_EQ(weir_call_try_submit(loop, pool, &e[i].call), 0);
    CHECK_EQ(weir_call_try_submit(loop, pool, &e[3].call), -EAGAIN);
    release_all(pool, &h); // ended and not delivered
    ended_await(loop, pool, 3);
    CHECK_EQ(weir_call_try_submit(loop, pool, &e[3].call), -EAGAIN);
    check_call_untouched(&e[3], &before);
    CHECK_EQ(loop_counts_of(loop).accepted, 3);
    CHECK_EQ(drain(loop), 3);
    CHECK_EQ(weir_call_try_submit(loop, pool, &e[3].call), 0);
    settle(loop, pool);
    for (int i = 0; i < 4; i++)
        check_call_ran(&e[i], 0);
    CHECK_EQ(loop_counts_of(loop).pending_max, 3);
    loop_close(loop);
}

static void the_bound_counts_what_is_queued_and_what_is_undelivered(void) {
    on_each_pool(bound_counts_all);
}

static void the_bound_counts_what_runs(void) {
    weir_loop *loop = loop_bounded(1);
    weir_pool *pool = pool_of(2);
    gate g;
    gate_init(&g);
    errand running = errand_at(&g), other = errand_of(0);
    CHECK_EQ(weir_call_try_submit(loop, pool, &running.call), 0);
    gate_await(&g, 1);
    CHECK_EQ(weir_call_try_submit(loop, pool, &other.call), -EAGAIN);
    gate_open(&g);
    settle(loop, pool);
    CHECK_EQ(other.ran, 0);
    loop_close(loop);
    pool_close(pool);
    gate_fini(&g);
}

// Each done uses the room that it makes.
typedef struct filling {
    errand errand; // first
    weir_loop *loop;
    weir_pool *pool;
    int left;
} filling;

static void filling_done(weir_call *call, int status) {
    filling *f = (filling *)call;
    CHECK_EQ(status, 0);
    if (f->left-- == 0)
        return;
    CHECK_EQ(weir_call_try_submit(f->loop, f->pool, call), 0);
    errand other = errand_of(0);
    CHECK_EQ(weir_call_try_submit(f->loop, f->pool, &other.call), -EAGAIN);
}

static void fill_again(weir_pool *pool) {
    weir_loop *loop = loop_bounded(1);
    filling f = {.errand = errand_of(0), .loop = loop, .pool = pool};
    f.errand.call.done = filling_done;
    f.left = 20;
    CHECK_EQ(weir_call_try_submit(loop, pool, &f.errand.call), 0);
    settle(loop, pool);
    CHECK_EQ(f.errand.ran, 21);
    CHECK_EQ(loop_counts_of(loop).pending_max, 1);
    loop_close(loop);
}

static void room_comes_when_done_is_called(void) { on_each_pool(fill_again); }

static void beyond_the_bound(weir_pool *pool) {
    weir_loop *loop = loop_bounded(1);
    static errand e[100];
    weir_call *calls[50];
    held_all h;
    hold_all(pool, &h);
    for (int i = 0; i < 100; i++) {
        e[i] = errand_of(0);
        if (i < 50)
            call_on(loop, pool, &e[i]);
        else
            calls[i - 50] = &e[i].call;
    }
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls, 50), 0);
    errand other = errand_of(0);
    CHECK_EQ(weir_call_try_submit(loop, pool, &other.call), -EAGAIN);
    release_all(pool, &h);
    settle(loop, pool);
    for (int i = 0; i < 100; i++)
        check_call_ran(&e[i], 0);
    CHECK_EQ(loop_counts_of(loop).pending_max, 100);
    loop_close(loop);
}

static void submit_never_fails_for_space(void) {
    on_each_pool(beyond_the_bound);
}

static void no_bound(weir_pool *pool) {
    weir_loop *loop = loop_open();
    static errand e[2000];
    for (int i = 0; i < 2000; i++) {
        e[i] = errand_of(0);
        CHECK_EQ(weir_call_try_submit(loop, pool, &e[i].call), 0);
    }
    settle(loop, pool);
    for (int i = 0; i < 2000; i++)
        check_call_ran(&e[i], 0);
    loop_close(loop);
}

static void without_a_bound_try_submit_never_fails(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, no_bound, 8);
}

// ---- who may submit --------------------------------------------------------

static void again_done(weir_call *call, int status) {
    filling *f = (filling *)call;
    CHECK_EQ(status, 0);
    if (f->left-- > 0)
        call_on(f->loop, f->pool, &f->errand);
}

static void again_and_again(weir_pool *pool) {
    weir_loop *loop = loop_open();
    filling f[3];
    for (int i = 0; i < 3; i++) {
        f[i] = (filling){.errand = errand_of(0), .loop = loop, .pool = pool};
        f[i].errand.call.done = again_done;
        f[i].left = 30;
        call_on(loop, pool, &f[i].errand);
    }
    settle(loop, pool);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(f[i].errand.ran, 31);
    CHECK_EQ(loop_counts_of(loop).done, 93);
    loop_close(loop);
}

static void a_call_may_be_submitted_again_in_its_done(void) {
    on_each_pool(again_and_again);
}

static unsigned freed;

static void freeing_done(weir_call *call, int status) {
    freed++;
    CHECK_EQ(status, 0);
    memset(call, 0xff, sizeof(errand));
    free(call);
}

static void free_each(weir_pool *pool) {
    weir_loop *loop = loop_open();
    freed = 0;
    for (int i = 0; i < 50; i++) {
        errand *e = malloc(sizeof(*e));
        CHECK(e != NULL);
        *e = errand_of(0);
        e->call.done = freeing_done;
        call_on(loop, pool, e);
    }
    settle(loop, pool);
    CHECK_EQ(freed, 50);
    loop_close(loop);
}

static void a_call_may_be_freed_in_its_done(void) { on_each_pool(free_each); }

typedef struct thread_calls {
    weir_loop *loop;
    weir_pool *pool;
    errand e[200];
    pthread_t thread;
} thread_calls;

static void *thread_calls_main(void *arg) {
    thread_calls *t = arg;
    for (int i = 0; i < 200; i++)
        call_on(t->loop, t->pool, &t->e[i]);
    return NULL;
}

static void from_threads(weir_pool *pool) {
    weir_loop *loop = loop_open();
    static thread_calls threads[4];
    for (int i = 0; i < 4; i++) {
        threads[i].loop = loop;
        threads[i].pool = pool;
        for (int j = 0; j < 200; j++)
            threads[i].e[j] = errand_of(j);
        threads[i].thread = thread_start(thread_calls_main, &threads[i]);
    }
    while (loop_counts_of(loop).done < 800)
        turn(loop, NULL);
    for (int i = 0; i < 4; i++) {
        thread_join(threads[i].thread);
        for (int j = 0; j < 200; j++)
            check_call_ran(&threads[i].e[j], j);
    }
    loop_close(loop);
}

static void any_thread_may_submit(void) { for_each_width(from_threads); }

// A call that submits another to the same loop, on its own pool.
typedef struct parent {
    errand errand; // first
    weir_loop *loop;
    errand child;
} parent;

static int parent_run(weir_worker *self, weir_call *call) {
    parent *p = (parent *)call;
    p->errand.ran++;
    call_on(p->loop, weir_worker_pool(self), &p->child);
    return 0;
}

static void from_workers(weir_pool *pool) {
    weir_loop *loop = loop_open();
    parent p[20];
    for (int i = 0; i < 20; i++) {
        p[i] = (parent){.errand = errand_of(0), .loop = loop};
        p[i].errand.call.run = parent_run;
        p[i].child = errand_of(i);
        call_on(loop, pool, &p[i].errand);
    }
    settle(loop, pool);
    for (int i = 0; i < 20; i++) {
        check_call_ran(&p[i].errand, 0);
        check_call_ran(&p[i].child, i);
    }
    loop_close(loop);
}

static void a_worker_may_submit(void) { on_each_pool(from_workers); }

static void loops_and_pools(weir_pool *pool) {
    weir_loop *loops[2] = {loop_open(), loop_open()};
    weir_pool *other = pool_of(1);
    errand e[2][40];
    for (int i = 0; i < 40; i++)
        for (int j = 0; j < 2; j++) {
            e[j][i] = errand_of(i);
            call_on(loops[j], i % 2 == 0 ? pool : other, &e[j][i]);
        }
    CHECK_EQ(weir_loop_pending(loops[0]), 40);
    wait_idle(pool);
    wait_idle(other);
    settle(loops[1], NULL);
    for (int i = 0; i < 40; i++) {
        check_call_ran(&e[1][i], i);
        CHECK_EQ(e[0][i].ended, 0); // each loop has its own
    }
    settle(loops[0], NULL);
    for (int i = 0; i < 40; i++)
        check_call_ran(&e[0][i], i);
    loop_close(loops[0]);
    loop_close(loops[1]);
    pool_close(other);
}

static void loops_share_pools_and_a_loop_uses_several(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, loops_and_pools, 20);
}

// A call may go to another loop and another pool each time.
static void elsewhere_next_time(weir_pool *pool) {
    weir_loop *loops[2] = {loop_open(), loop_open()};
    weir_pool *other = pool_of(1);
    errand e = errand_of(0);
    for (int i = 0; i < 8; i++) {
        weir_pool *to = i % 4 < 2 ? pool : other;
        e.ran = e.ended = 0;
        call_on(loops[i % 2], to, &e);
        settle(loops[i % 2], to);
        check_call_ran(&e, 0);
    }
    CHECK_EQ(loop_counts_of(loops[0]).done, 4);
    CHECK_EQ(loop_counts_of(loops[1]).done, 4);
    loop_close(loops[0]);
    loop_close(loops[1]);
    pool_close(other);
}

static void a_call_may_go_elsewhere_next_time(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, elsewhere_next_time, 20);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_call_runs_on_a_worker_and_is_delivered_on_the_loop",
         a_call_runs_on_a_worker_and_is_delivered_on_the_loop},
        {"run_gets_its_worker", run_gets_its_worker},
        {"done_gets_what_run_returned_and_the_outcome",
         done_gets_what_run_returned_and_the_outcome},
        {"an_outcome_is_none_until_delivery",
         an_outcome_is_none_until_delivery},
        {"done_is_called_by_drain_alone_and_drain_counts",
         done_is_called_by_drain_alone_and_drain_counts},
        {"done_may_be_left_out", done_may_be_left_out},
        {"one_worker_takes_and_delivers_calls_in_order",
         one_worker_takes_and_delivers_calls_in_order},
        {"calls_are_delivered_in_the_order_they_ended",
         calls_are_delivered_in_the_order_they_ended},
        {"calls_start_in_order_of_priority", calls_start_in_order_of_priority},
        {"a_batch_runs_in_its_order", a_batch_runs_in_its_order},
        {"a_batch_may_be_of_any_size", a_batch_may_be_of_any_size},
        {"a_batch_is_accepted_whole_or_not_at_all",
         a_batch_is_accepted_whole_or_not_at_all},
        {"a_stopped_pool_takes_no_call", a_stopped_pool_takes_no_call},
        {"the_bound_counts_what_is_queued_and_what_is_undelivered",
         the_bound_counts_what_is_queued_and_what_is_undelivered},
        {"the_bound_counts_what_runs", the_bound_counts_what_runs},
        {"room_comes_when_done_is_called", room_comes_when_done_is_called},
        {"submit_never_fails_for_space", submit_never_fails_for_space},
        {"without_a_bound_try_submit_never_fails",
         without_a_bound_try_submit_never_fails},
        {"a_call_may_be_submitted_again_in_its_done",
         a_call_may_be_submitted_again_in_its_done},
        {"a_call_may_be_freed_in_its_done", a_call_may_be_freed_in_its_done},
        {"any_thread_may_submit", any_thread_may_submit},
        {"a_worker_may_submit", a_worker_may_submit},
        {"loops_share_pools_and_a_loop_uses_several",
         loops_share_pools_and_a_loop_uses_several},
        {"a_call_may_go_elsewhere_next_time",
         a_call_may_go_elsewhere_next_time},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
