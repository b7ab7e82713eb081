// SPDX-License-Identifier: MIT
// Lanes under many seeds: calls of up to three parts on two lanes, the first
// perhaps on the pool; cancelled, late, refused at a bound; a lane that stops,
// or a loop that closes, in the middle. The threads of a lane are real. What
// runs on one waits to be let go, one after the other, so that between two acts
// all is still, and as a list that is kept here says: who runs, who waits, who
// has ended.
#include "support/loop.h"
#include "support/seeds.h"

enum { CALLS = 30, LANES = 2, PARTS = 3, WIDTH = 4 };

typedef enum where { NOWHERE, POOL, QUEUED, RUNNING, ENDED } where;

// Why a call may end without its next part.
enum { BY_CANCEL = 1, BY_STOP = 2, BY_TIME = 4, BY_BOUND = 8 };

typedef struct plan {
    errand e; // first
    // What it is to do.
    int parts[PARTS]; // a lane, or -1: the pool; that one can be the first only
    int count, fails; // which part fails, or -1
    int late;
    // Where it should be.
    where at;
    int part, lane; // the part that it is at, and there
    int ran;        // parts
    int cancelled, told;
    int reasons; // BY_*, once it has ended without being done
    int said;    // what weir_call_cancelled said, in its last part
    // Of the thread that runs it: under baton.
    int waits, goes;
} plan;

typedef struct line {
    weir_lane *lane;
    unsigned threads, running;
    size_t calls_max;
    int queue[CALLS], queued;
    int stopping;
    weir_stop_mode mode;
} line;

typedef struct session {
    weir_loop *loop;
    weir_pool *pool;
    plan calls[CALLS];
    int count;
    line lines[LANES];
    int closing;
    weir_stop_mode close_mode;
    unsigned drain_calls;
} session;

static session s;
static pthread_mutex_t baton = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;

// ---- what runs -------------------------------------------------------------

static int lane_part(weir_worker *self, weir_call *call);

static int part_over(plan *p) {
    int part = p->ran++;
    if (part == p->fails)
        return -EIO;
    if (part + 1 < p->count)
        weir_call_continue(&p->e.call, NULL, s.lines[p->parts[part + 1]].lane,
                           lane_part);
    return 0;
}

static int lane_part(weir_worker *self, weir_call *call) {
    plan *p = (plan *)call;
    CHECK(self == NULL);
    pthread_mutex_lock(&baton);
    p->waits = 1;
    while (!p->goes)
        pthread_cond_wait(&passed, &baton);
    p->waits = 0;
    p->goes = 0;
    p->said = weir_call_cancelled(call);
    int status = part_over(p);
    pthread_mutex_unlock(&baton);
    return status;
}

static int pool_part(weir_worker *self, weir_call *call) {
    weir_yield(self);
    return part_over((plan *)call);
}

// ---- how it should be ------------------------------------------------------

static void end_call(plan *p, int reasons) {
    p->at = ENDED;
    p->reasons = reasons;
}

static void queue_call(int i, int lane) {
    plan *p = &s.calls[i];
    line *l = &s.lines[lane];
    p->at = QUEUED;
    p->lane = lane;
    l->queue[l->queued++] = i;
}

static void unqueue(line *l, int at) {
    l->queued--;
    for (int k = at; k < l->queued; k++)
        l->queue[k] = l->queue[k + 1];
}

static int is_full(const line *l) {
    return l->calls_max > 0 && (size_t)l->queued + l->running >= l->calls_max;
}

// The part is over: it goes on, or ends. `from`: the lane it ran on, or -1.
static void go_on(int i, int from) {
    plan *p = &s.calls[i];
    int failed = p->part == p->fails;
    if (failed || p->part + 1 == p->count) {
        end_call(p, 0);
        return;
    }
    int lane = p->parts[++p->part];
    const line *l = &s.lines[lane];
    int refuses = l->stopping && (l->mode != WEIR_STOP_DRAIN || from != lane);
    int closed = s.closing && s.close_mode != WEIR_STOP_DRAIN;
    int reasons = (p->cancelled ? BY_CANCEL : 0) |
                  (refuses || closed ? BY_STOP : 0) | (p->late ? BY_TIME : 0) |
                  (is_full(l) ? BY_BOUND : 0);
    if (reasons != 0)
        end_call(p, reasons);
    else
        queue_call(i, lane);
}

// Free threads take what waits, the oldest first. What is late ends then.
static void take_calls(line *l) {
    while (l->queued > 0 && l->running < l->threads) {
        plan *p = &s.calls[l->queue[0]];
        unqueue(l, 0);
        if (p->late) {
            end_call(p, BY_TIME);
            continue;
        }
        p->at = RUNNING;
        l->running++;
    }
}

// ---- how it is -------------------------------------------------------------

static uint64_t undelivered(void) {
    uint64_t count = 0;
    for (int i = 0; i < s.count; i++)
        count += s.calls[i].at == ENDED && !s.calls[i].e.ended;
    return count;
}

static unsigned waiting(int lane) {
    unsigned count = 0;
    pthread_mutex_lock(&baton);
    for (int i = 0; i < s.count; i++)
        count += s.calls[i].waits && !s.calls[i].goes &&
                 s.calls[i].parts[s.calls[i].ran] == lane;
    pthread_mutex_unlock(&baton);
    return count;
}

static int is_still(int lane) {
    const line *l = &s.lines[lane];
    weir_lane_counts c = lane_counts_of(l->lane);
    check_lane_sum(&c);
    CHECK(c.threads_highest <= l->threads);
    return c.running == l->running && c.queued == (uint64_t)l->queued &&
           waiting(lane) >= l->running;
}

// All is still once each lane has as many calls as it should, at work and not,
// and so many have ended; else it never is. Then they are those.
static void settle_all(void) {
    for (int lane = 0; lane < LANES; lane++)
        take_calls(&s.lines[lane]);
    for (int lane = 0; lane < LANES; lane++)
        while (!is_still(lane))
            sched_yield();
    while (loop_counts_of(s.loop).ended != undelivered())
        sched_yield();
    pthread_mutex_lock(&baton);
    for (int i = 0; i < s.count; i++)
        CHECK_EQ(s.calls[i].waits, s.calls[i].at == RUNNING);
    pthread_mutex_unlock(&baton);
}

static void check_plan(const plan *p) {
    const errand *e = &p->e;
    CHECK_EQ(e->ended, 1);
    CHECK(p->at == ENDED);
    if (p->reasons == 0) {
        CHECK_EQ(e->outcome, p->fails >= 0 && p->fails < p->ran
                                 ? WEIR_OUTCOME_FAILED
                                 : WEIR_OUTCOME_DONE);
        CHECK_EQ(e->status, e->outcome == WEIR_OUTCOME_FAILED ? -EIO : 0);
        CHECK_EQ(p->ran, p->part + 1);
        return;
    }
    CHECK((e->status == -ECANCELED && (p->reasons & BY_CANCEL)) ||
          (e->status == -ESHUTDOWN && (p->reasons & BY_STOP)) ||
          (e->status == -ETIMEDOUT && (p->reasons & BY_TIME)) ||
          (e->status == -EAGAIN && (p->reasons & BY_BOUND)));
    CHECK_EQ(e->outcome, e->status == -ETIMEDOUT ? WEIR_OUTCOME_TIMED_OUT
                                                 : WEIR_OUTCOME_CANCELLED);
}

// ---- acts ------------------------------------------------------------------

static plan *draw_call(void) {
    plan *p = &s.calls[s.count];
    *p = (plan){.e = errand_of(0), .fails = -1};
    p->count = 1 + (int)seed_below(PARTS);
    for (int k = 0; k < p->count; k++)
        p->parts[k] = (int)seed_below(LANES);
    if (seed_one_in(4))
        p->parts[0] = -1;
    if (seed_one_in(4))
        p->fails = (int)seed_below((uint64_t)p->count);
    p->e.call.run = p->parts[0] < 0 ? pool_part : lane_part;
    // A deterministic pool has a time of its own.
    p->late = p->parts[0] >= 0 && seed_one_in(6);
    if (p->late)
        p->e.call.deadline_ns = in_ms(-1);
    else if (p->parts[0] >= 0 && seed_one_in(6))
        p->e.call.deadline_ns = in_ms(3600000);
    return p;
}

// Through the pool at once: it may be cancelled on its way.
static void submit_to_pool(int i) {
    plan *p = &s.calls[i];
    int error = weir_call_submit(s.loop, s.pool, &p->e.call);
    SAY("call %d is submitted to the pool: %d", i, error);
    CHECK_EQ(error, s.closing ? -ESHUTDOWN : 0);
    if (error != 0)
        return;
    s.count++;
    p->at = POOL;
    if (seed_one_in(3)) {
        for (uint64_t steps = seed_below(4); steps > 0 && p->ran == 0; steps--)
            (void)weir_pool_step(s.pool);
        error = p->ran > 0 ? -EALREADY : weir_call_cancel(&p->e.call);
        SAY("call %d is cancelled: %d", i, error);
        CHECK(error == 0 || error == -EBUSY || p->ran > 0);
        p->cancelled = error == 0 || error == -EBUSY;
        p->told = p->cancelled ? -ECANCELED : 0;
        if (error == 0) {
            end_call(p, BY_CANCEL);
            return;
        }
    }
    while (weir_pool_step(s.pool) == 1)
        continue;
    CHECK_EQ(p->ran, 1);
    go_on(i, -1);
}

static void submit_one(void) {
    int i = s.count;
    plan *p = draw_call();
    if (p->parts[0] < 0) {
        submit_to_pool(i);
        return;
    }
    const line *l = &s.lines[p->parts[0]];
    int expected = l->stopping || s.closing ? -ESHUTDOWN
                   : is_full(l)             ? -EAGAIN
                                            : 0;
    int error = weir_call_submit_lane(s.loop, l->lane, &p->e.call);
    SAY("call %d is submitted to lane %d: %d", i, p->parts[0], error);
    CHECK_EQ(error, expected);
    if (error != 0)
        return;
    s.count++;
    queue_call(i, p->parts[0]);
}

// One of those that run goes on.
static int let_one_go(void) {
    int running[CALLS], count = 0;
    for (int i = 0; i < s.count; i++)
        if (s.calls[i].at == RUNNING)
            running[count++] = i;
    if (count == 0)
        return 0;
    int i = running[seed_below((uint64_t)count)];
    plan *p = &s.calls[i];
    SAY("call %d goes on, on lane %d", i, p->lane);
    int was = p->ran;
    s.lines[p->lane].running--;
    go_on(i, p->lane);
    pthread_mutex_lock(&baton);
    p->goes = 1;
    pthread_cond_broadcast(&passed);
    pthread_mutex_unlock(&baton);
    settle_all();
    CHECK_EQ(p->ran, was + 1);
    CHECK_EQ(p->said, p->told);
    return 1;
}

static void cancel_one(void) {
    int i = (int)seed_below((uint64_t)s.count);
    plan *p = &s.calls[i];
    if (p->e.ended)
        return;
    int error = weir_call_cancel(&p->e.call);
    SAY("call %d is cancelled: %d", i, error);
    CHECK_EQ(error, p->at == QUEUED    ? 0
                    : p->at == RUNNING ? -EBUSY
                                       : -EALREADY);
    if (p->at == RUNNING) {
        p->cancelled = 1;
        p->told = -ECANCELED;
    } else if (p->at == QUEUED) {
        line *l = &s.lines[p->lane];
        int at = 0;
        while (l->queue[at] != i)
            at++;
        unqueue(l, at);
        end_call(p, BY_CANCEL);
    }
}

static void drain_some(void) {
    for (int lane = 0; lane < LANES; lane++) {
        line *l = &s.lines[lane];
        for (int k = 0; k < l->queued;)
            if (s.calls[l->queue[k]].late) {
                end_call(&s.calls[l->queue[k]], BY_TIME);
                unqueue(l, k);
            } else {
                k++;
            }
    }
    uint64_t most = undelivered();
    int delivered = drain(s.loop);
    SAY("%d are delivered", delivered);
    CHECK_EQ(delivered, most < s.drain_calls ? most : s.drain_calls);
}

// What waits on a lane ends, unless it drains; what runs is told by an abort.
static void end_line(line *l, weir_stop_mode mode) {
    for (; mode != WEIR_STOP_DRAIN && l->queued > 0; unqueue(l, 0))
        end_call(&s.calls[l->queue[0]], BY_STOP);
    for (int i = 0; i < s.count && mode == WEIR_STOP_ABORT; i++)
        if (s.calls[i].at == RUNNING && &s.lines[s.calls[i].lane] == l)
            s.calls[i].told = -ESHUTDOWN;
}

static void stop_lane(void) {
    int lane = (int)seed_below(LANES);
    line *l = &s.lines[lane];
    weir_stop_mode mode = (weir_stop_mode)seed_below(3);
    if (!l->stopping || mode > l->mode)
        l->mode = mode;
    l->stopping = 1;
    end_line(l, l->mode);
    int error = weir_lane_stop(l->lane, mode, 0);
    SAY("lane %d is stopped, mode %d", lane, (int)mode);
    CHECK(error == -ETIMEDOUT || (error == 0 && l->running == 0));
}

// ---- scenarios -------------------------------------------------------------

static void open_all(weir_pool *pool) {
    weir_loop_options options = loop_options();
    options.drain_calls = 1 + (unsigned)seed_below(6);
    s = (session){.pool = pool, .drain_calls = options.drain_calls};
    s.loop = loop_open_with(&options);
    for (int lane = 0; lane < LANES; lane++) {
        line *l = &s.lines[lane];
        l->threads = 1 + (unsigned)seed_below(WIDTH);
        l->calls_max = seed_one_in(3) ? 1 + (size_t)seed_below(6) : 0;
        weir_lane_options how = lane_options(l->threads);
        how.calls_max = l->calls_max;
        l->lane = lane_open_with(&how);
    }
}

static void act_once(void) {
    uint64_t what = seed_below(8);
    if (what < 3 && s.count < CALLS)
        submit_one();
    else if (what < 5)
        (void)let_one_go();
    else if (what == 5 && s.count > 0)
        cancel_one();
    else
        drain_some();
    settle_all();
    weir_loop_counts c = loop_counts_of(s.loop);
    check_loop_sum(&c);
    CHECK_EQ(c.accepted, s.count);
}

static void close_all(void) {
    while (let_one_go())
        continue;
    settle(s.loop, NULL);
    for (int i = 0; i < s.count; i++)
        check_plan(&s.calls[i]);
    for (int lane = 0; lane < LANES; lane++)
        lane_close(s.lines[lane].lane);
    if (!s.closing)
        loop_close(s.loop);
}

static void calls_scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    open_all(pool);
    for (uint64_t acts = 20 + seed_below(60); acts > 0; acts--)
        act_once();
    close_all();
}

static void stop_scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    open_all(pool);
    for (int stops = 0; stops < 3; stops++) {
        for (uint64_t acts = seed_below(25); acts > 0; acts--)
            act_once();
        stop_lane();
        settle_all();
    }
    close_all();
}

static void close_scenario(weir_pool *pool, uint64_t seed) {
    (void)seed;
    open_all(pool);
    for (uint64_t acts = seed_below(50); acts > 0; acts--)
        act_once();
    s.closing = 1;
    s.close_mode = (weir_stop_mode)seed_below(3);
    for (int lane = 0; lane < LANES; lane++)
        end_line(&s.lines[lane], s.close_mode);
    closing c = closing_of(s.loop);
    SAY("the loop is closed, mode %d", (int)s.close_mode);
    close_begin(&c, s.close_mode);
    settle_all();
    while (let_one_go())
        continue;
    CHECK_EQ(c.called, 0);
    close_settle(&c, NULL);
    close_all();
    loop_close(s.loop);
}

SEEDS_CASE("loop_lane", each_call_runs_in_turn_and_ends_once, calls_scenario,
           600 / TEST_SMALLER)
SEEDS_CASE("loop_lane", a_lane_may_stop_at_any_moment, stop_scenario,
           600 / TEST_SMALLER)
SEEDS_CASE("loop_lane", a_loop_may_close_at_any_moment, close_scenario,
           600 / TEST_SMALLER)

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"each_call_runs_in_turn_and_ends_once",
         each_call_runs_in_turn_and_ends_once},
        {"a_lane_may_stop_at_any_moment", a_lane_may_stop_at_any_moment},
        {"a_loop_may_close_at_any_moment", a_loop_may_close_at_any_moment},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
