// SPDX-License-Identifier: MIT
// model/litmus/litmus.h: the words in which litmus tests are written. The
// threads are C as the compiler sees it and text as oracle.py reads it, which
// finds the outcomes and counts the execution graphs in its own way.
//
// Atomic locations are v to z, and l, m locks; p and q are plain. Registers a
// to h are plain too: each is written by one thread, and read at the end. All
// begin as 0. A value is a number, a register, or a register + a number.
#ifndef MODEL_LITMUS_LITMUS_H
#define MODEL_LITMUS_LITMUS_H

#include "base/atomic.h"
#include "model/model.h"

#include <errno.h>

// Not every file uses all of them.
#define LITMUS_OWN static __attribute__((unused))

LITMUS_OWN wr_atomic_u32 v, w, x, y, z;
LITMUS_OWN uint32_t a, b, c, d, e, f, g, h, p, q;
LITMUS_OWN mc_mutex l, m;
LITMUS_OWN unsigned litmus_threads[MC_THREADS_MAX];

#define LOAD(reg, at, order) ((void)(reg = wr_load(&at, order, LITMUS, "")))
#define STORE(at, value, order) wr_store(&at, value, order, LITMUS, "")
#define EXCHANGE(reg, at, value, order)                                        \
    ((void)(reg = wr_exchange(&at, value, order, LITMUS, "")))
#define ADD(reg, at, value, order)                                             \
    ((void)(reg = wr_fetch_add(&at, value, order, LITMUS, "")))
// reg becomes what was found: `expected` if it was replaced.
#define CAS(reg, at, expected, value, order)                                   \
    (reg = (expected),                                                         \
     (void)wr_compare_exchange(&at, &reg, value, order, LITMUS, ""))
// Looks again until it finds `value`.
#define AWAIT(reg, at, value, order)                                           \
    do {                                                                       \
        LOAD(reg, at, order);                                                  \
        if (reg == (value))                                                    \
            break;                                                             \
        mc_await();                                                            \
    } while (true)
#define FENCE(order) mc_fence(order, LITMUS, "")

// reg: 0 woken (or for no reason), 1 another value was there, 2 time-out.
#define SLEEP(reg, at, expected)                                               \
    ((void)(reg = litmus_sleep(&at, expected, false)))
#define SLEEP_TIMED(reg, at, expected)                                         \
    ((void)(reg = litmus_sleep(&at, expected, true)))
#define WAKE(at, count) mc_futex_wake(&at.value, count)

#define LOCK(at) mc_lock(&at)
// reg: was the lock taken?
#define TRY(reg, at) ((void)(reg = mc_trylock(&at)))
#define UNLOCK(at) mc_unlock(&at)
#define GET(reg, at) ((void)(reg = at))
#define SET(at, value) ((void)(at = (value)))
#define CHOOSE(reg, count) ((void)(reg = mc_choose(#reg, count)))
// Thread `number` of the test runs `body`; those of LITMUS are 0, 1, 2.
#define SPAWN(number, body) litmus_spawn(number, body)
#define JOIN(number) ((void)mc_join(litmus_threads[number]))

LITMUS_OWN uint32_t litmus_sleep(wr_atomic_u32 *at, uint32_t expected,
                                 bool timed) {
    int status = mc_futex_wait(&at->value, expected, timed);
    return status == 0 ? 0 : status == -EAGAIN ? 1 : 2;
}

typedef void litmus_body(void);

LITMUS_OWN void *litmus_enter(void *body) {
    (*(litmus_body **)body)();
    return NULL;
}

LITMUS_OWN void litmus_spawn(unsigned number, litmus_body *body) {
    static litmus_body *bodies[MC_THREADS_MAX];
    bodies[number] = body;
    litmus_threads[number] = mc_spawn(litmus_enter, &bodies[number]);
}

LITMUS_OWN uint64_t litmus_value(char name) {
    switch (name) {
    case 'a': return a;
    case 'b': return b;
    case 'c': return c;
    case 'd': return d;
    case 'e': return e;
    case 'f': return f;
    case 'g': return g;
    case 'h': return h;
    case 'p': return p;
    case 'q': return q;
    case 'v': return wr_load(&v, relaxed, LITMUS, "");
    case 'w': return wr_load(&w, relaxed, LITMUS, "");
    case 'x': return wr_load(&x, relaxed, LITMUS, "");
    case 'y': return wr_load(&y, relaxed, LITMUS, "");
    default: return wr_load(&z, relaxed, LITMUS, "");
    }
}

// The outcome has a hexadecimal digit for each name, the first on the left.
LITMUS_OWN void litmus_run(const char *names, unsigned count,
                           litmus_body *const *bodies) {
    for (unsigned i = 0; i < count; i++)
        litmus_spawn(i, bodies[i]);
    for (unsigned i = 0; i < count; i++)
        JOIN(i);
    uint64_t outcome = 0;
    for (const char *name = names; *name; name++)
        outcome = outcome << 4 | (litmus_value(*name) & 15);
    mc_outcome(outcome);
}

// LITMUS(test, names, graphs, OUTCOMES(...), bodies...) is a test: so many
// complete execution graphs (0: not compared), these outcomes.
#define OUTCOMES(...)                                                          \
    { __VA_ARGS__, MC_OUTCOMES_END }
#define LITMUS(test, names, graphs, outcomes, ...)                             \
    static const uint64_t test##_outcomes[] = outcomes;                        \
    enum { test##_graphs = graphs };                                           \
    static void test(void) {                                                   \
        static litmus_body *const bodies[] = {__VA_ARGS__};                    \
        litmus_run(names, sizeof(bodies) / sizeof(*bodies), bodies);           \
    }

// RACE(test, bodies...): some execution has a data race.
#define RACE(test, ...)                                                        \
    static void test(void) {                                                   \
        static litmus_body *const bodies[] = {__VA_ARGS__};                    \
        litmus_run("", sizeof(bodies) / sizeof(*bodies), bodies);              \
    }

// DEADLOCK(test, bodies...): in some execution somebody sleeps for ever.
#define DEADLOCK(test, ...) RACE(test, __VA_ARGS__)

// Its two cases: every graph once, and every schedule.
#define BOTH(test) GRAPHS(test), SCHEDULES(test)
#define GRAPHS(test)                                                           \
    {                                                                          \
        .name = #test, .body = test, .mode = MC_EXHAUSTIVE,                    \
        .outcomes = test##_outcomes, .executions = test##_graphs               \
    }
#define SCHEDULES(test)                                                        \
    {                                                                          \
        .name = #test "_brute", .body = test, .mode = MC_BOUNDED,              \
        .preemptions = MC_ALL_PREEMPTIONS, .outcomes = test##_outcomes         \
    }

#define RACY(test)                                                             \
    {.name = #test, .body = test, .finds = MC_RACE}, {                         \
        .name = #test "_brute", .body = test, .mode = MC_BOUNDED,              \
        .preemptions = MC_ALL_PREEMPTIONS, .finds = MC_RACE                    \
    }

// Cases in which sleeps end for no reason, or early, so often in a thread.
#define SLEEPS(test, reasonless, early)                                        \
    {.name = #test,                                                            \
     .body = test,                                                             \
     .spurious = reasonless,                                                   \
     .timeouts = early,                                                        \
     .outcomes = test##_outcomes},                                             \
    {                                                                          \
        .name = #test "_brute", .body = test, .mode = MC_BOUNDED,              \
        .preemptions = MC_ALL_PREEMPTIONS, .spurious = reasonless,             \
        .timeouts = early, .outcomes = test##_outcomes                         \
    }
// Cases in which somebody sleeps and nobody is left to wake them.
#define STUCK(test)                                                            \
    {.name = #test, .body = test, .finds = MC_DEADLOCK}, {                     \
        .name = #test "_brute", .body = test, .mode = MC_BOUNDED,              \
        .preemptions = MC_ALL_PREEMPTIONS, .finds = MC_DEADLOCK                \
    }

#endif
