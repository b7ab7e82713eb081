// SPDX-License-Identifier: MIT
// model/model.h: check a small concurrent program in every way it can go.
//
// A model is a program of one to eight threads over real sources. Each of its
// cases is run again and again, until every order of its steps and every value
// that a load may see under RC11 was tried, or a bound that is named:
//
//     static wr_atomic_u32 ready;
//     static int data;
//
//     static void *writer(void *unused) {
//         data = 1;
//         wr_store(&ready, 1, release, READY_1, "data is written");
//         return unused;
//     }
//
//     static void a_reader_sees_the_data(void) {
//         unsigned thread = mc_spawn(writer, NULL);
//         if (wr_load(&ready, acquire, READY_1, "then data may be read") == 1)
//             MC_CHECK(data == 1);
//         mc_join(thread);
//     }
//
//     const mc_case mc_cases[] = {
//         {"a_reader_sees_the_data", a_reader_sees_the_data},
//         {NULL, NULL},
//     };
//
// Atomics go through base/atomic.h; plain accesses are seen by themselves,
// because models and the sources they check are compiled for it. Statics and
// memory are as new in each execution. What is found: a failed check, a data
// race, a deadlock or lost wake-up (somebody waits and nobody is left to end
// it), a use of memory that was freed or left, a leak, an endless loop. It is
// printed as a schedule, a line a step, that --replay runs again.
//
// The bodies must be deterministic apart from the order of their steps and
// from mc_choose: no address, time or chance from outside may decide.
//
//   threads    called from the threads of a model only.
//   blocking   mc_join, mc_lock and mc_await may wait.
//   ownership  nothing is given away.
//   errors     none: what is wrong ends the execution with a report.
#ifndef MC_MODEL_H
#define MC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MC_THREADS_MAX = 8 };

// How the ways are searched.
typedef enum mc_mode {
    // Each execution graph once (no bound but `steps`). For a few dozen steps.
    MC_EXHAUSTIVE,
    // Every schedule with at most `preemptions` switches away from a thread
    // that could go on, and every value of every load in it; no reduction.
    MC_BOUNDED,
} mc_mode;

// What is found in a program that is wrong on purpose.
typedef enum mc_finding {
    MC_NOTHING,
    MC_FAILED_CHECK,
    MC_RACE,
    MC_DEADLOCK, // a lost wake-up is one
    MC_USE_AFTER_FREE,
    MC_LEAK,
    MC_ENDLESS, // more than `steps` steps
    MC_ABORT,   // the program called wr_check, abort or exit
    MC_FINDINGS
} mc_finding;

enum { MC_NO_PREEMPTION = 0, MC_ALL_PREEMPTIONS = 1000000 };

typedef struct mc_case {
    const char *name;   // a promise; NULL ends the table
    void (*body)(void); // runs as thread 0
    mc_mode mode;
    unsigned preemptions; // MC_BOUNDED
    // How often in one execution, for each thread, a sleep may end for no
    // reason, and a compare-exchange that may fail weakly does.
    unsigned spurious;
    // How often, for each thread, a wait with a deadline may end because it
    // passed, although something else could have ended it. Where nothing else
    // can, it always may; what it does then MC_BOUNDED orders after all before.
    unsigned timeouts;
    unsigned stale;   // MC_BOUNDED: loads of an older value; 0: no bound
    unsigned steps;   // of one execution; 0: 2000
    mc_finding finds; // it must be found; the case fails if it is not
    // Outcomes (mc_outcome) of all executions that end: a list ended by
    // MC_OUTCOMES_END. Every one must occur, and no other. NULL: not compared.
    const uint64_t *outcomes;
    uint64_t executions_max; // stop there, and say so; 0: never
    uint64_t executions;     // exactly so many; 0: not compared
} mc_case;

#define MC_OUTCOMES_END UINT64_MAX

// What the model program consists of.
extern const mc_case mc_cases[];

// mc_spawn starts a thread. mc_join waits for its end.
unsigned mc_spawn(void *(*main)(void *), void *arg);
void *mc_join(unsigned thread);

// mc_choose returns each number under `count`, in an execution each.
unsigned mc_choose(const char *what, unsigned count);

// mc_await belongs in a loop that looks again and again at atomics and changes
// nothing: the thread goes on when one of those it looked at since the last
// mc_await may have changed.
void mc_await(void);

// mc_outcome says what this execution came to; once in an execution.
void mc_outcome(uint64_t value);

// mc_note puts a line into the schedule.
void mc_note(const char *text);

// mc_bound names a bound of the model itself in the report ("capacity 2").
void mc_bound(const char *text);

// A lock of the checker's own: cheaper to explore than one made of atomics.
typedef struct mc_mutex {
    uint32_t word;
} mc_mutex;
void mc_lock(mc_mutex *mutex);
bool mc_trylock(mc_mutex *mutex);
void mc_unlock(mc_mutex *mutex);

// MC_CHECK ends the execution with a report when `condition` is false.
#define MC_CHECK(condition)                                                    \
    ((condition) ? (void)0 : mc_check_failed(#condition, __FILE__, __LINE__))
void mc_check_failed(const char *text, const char *file, int line);

#endif
