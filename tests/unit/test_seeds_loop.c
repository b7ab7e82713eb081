// SPDX-License-Identifier: MIT
// The loop under many seeds: calls that are cancelled, late, continued or
// inline, drained now and then, closed in any way. Each accepted call is
// delivered once, with the truth, and the closed notice comes last.
#include "support/loop.h"
#include "support/seeds.h"

enum { CALLS = 40 };

typedef struct session {
    weir_loop *loop;
    weir_pool *pool;
    errand calls[CALLS];
    int cancelled[CALLS], late[CALLS], continues[CALLS], again[CALLS];
    size_t count;
} session;

static session s;

static int second_run(weir_worker *self, weir_call *call) {
    errand *e = (errand *)call;
    (void)self;
    s.again[e - s.calls]++;
    return e->result;
}

static int first_run(weir_worker *self, weir_call *call) {
    errand *e = (errand *)call;
    weir_yield(self);
    CHECK_EQ(e->ran++, 0);
    if (!s.continues[e - s.calls])
        return e->result;
    weir_call_continue(call, s.pool, NULL, second_run);
    return 0;
}

static void submit_one(void) {
    size_t i = s.count;
    errand *e = &s.calls[i];
    *e = errand_of(seed_one_in(4) ? -EIO : 0);
    e->call.run = first_run;
    s.cancelled[i] = 0;
    s.again[i] = 0;
    s.continues[i] = seed_one_in(3);
    s.late[i] = seed_one_in(5);
    if (s.late[i])
        e->call.deadline_ns = in_ms(seed_one_in(2) ? -1 : 3600000);
    int error = weir_call_submit(s.loop, s.pool, &e->call);
    SAY("call %zu is submitted: %d", i, error);
    CHECK_EQ(error, 0);
    s.count++;
}

static void cancel_one(void) {
    size_t i = seed_below(s.count);
    if (s.calls[i].ended)
        return;
    int error = weir_call_cancel(&s.calls[i].call);
    SAY("call %zu is cancelled: %d", i, error);
    CHECK(error == 0 || error == -EBUSY || error == -EALREADY);
    if (error != -EALREADY)
        s.cancelled[i] = 1;
}

static void drain_some(void) {
    int delivered = drain(s.loop);
    SAY("%d are delivered", delivered);
}

// What came of a call is one of what may have come of it.
static void check_call(size_t i, int stopped) {
    const errand *e = &s.calls[i];
    CHECK_EQ(e->ended, 1);
    int whole = e->ran && (!s.continues[i] || s.again[i]);
    switch (e->outcome) {
    case WEIR_OUTCOME_DONE:
    case WEIR_OUTCOME_FAILED:
        CHECK(whole);
        CHECK_EQ(e->status, e->result);
        CHECK_EQ(e->outcome == WEIR_OUTCOME_DONE, e->result == 0);
        break;
    case WEIR_OUTCOME_CANCELLED:
        CHECK(!whole);
        CHECK((e->status == -ECANCELED && s.cancelled[i]) ||
              (e->status == -ESHUTDOWN && stopped));
        break;
    case WEIR_OUTCOME_TIMED_OUT:
        CHECK(!whole);
        CHECK(s.late[i] && e->status == -ETIMEDOUT);
        break;
    default: CHECK_FAIL("call %zu has no outcome", i);
    }
}

static void scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    weir_loop_options options = loop_options();
    options.drain_calls = 1 + (unsigned)seed_below(4);
    s = (session){.loop = loop_open_with(&options), .pool = pool};
    for (uint64_t acts = 40 + seed_below(80); acts > 0; acts--) {
        uint64_t what = seed_below(6);
        if (what == 0 && s.count < CALLS)
            submit_one();
        else if (what == 1 && s.count > 0)
            cancel_one();
        else if (what == 2)
            drain_some();
        else
            (void)weir_pool_step(pool);
        weir_loop_counts c = loop_counts_of(s.loop);
        check_loop_sum(&c);
        CHECK_EQ(c.accepted, s.count);
    }
    weir_stop_mode mode = (weir_stop_mode)seed_below(3);
    closing c = closing_of(s.loop);
    SAY("it is closed, mode %d", (int)mode);
    close_begin(&c, mode);
    close_settle(&c, pool);
    CHECK_EQ(c.called, 1);
    CHECK_EQ(c.pending, 0);
    for (size_t i = 0; i < s.count; i++)
        check_call(i, mode != WEIR_STOP_DRAIN);
    loop_close(s.loop);
}

SEEDS_MAIN("loop", scenario, 1500 / TEST_SMALLER)
