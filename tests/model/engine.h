// SPDX-License-Identifier: MIT
// model/engine.h: what the parts of the checker ask of each other. Nothing of
// it is compiled with instrumentation. All that changes lives in mapped memory
// of its own, because statics of the program are restored for each execution.
//
//   step.c       the doors: atomics, locks, futexes, choices come in here
//   memory.c     the execution graph: what a load may read, what is ordered
//   explore.c    which step is next: exhaustive, bounded, replay
//   runtime.c    stacks, statics, thread-locals
//   access.c     plain accesses: races, freed memory
//   heap.c       malloc and mem*
//   os.c         os/os.h for the sources that are checked
//   report.c     findings and schedules as text
//   main.c       the command line
#ifndef MC_ENGINE_H
#define MC_ENGINE_H

#include "model/model.h"

#include <stdnoreturn.h>

enum {
    MC_STEPS_MAX = 4000, // events of one execution
    MC_LOCATIONS_MAX = 1024,
    MC_NO_THREAD = 255
};

// ---- sites -----------------------------------------------------------------

typedef enum mc_order {
    MC_PLAIN, // an initial value, or a plain write to an atomic object
    MC_RELAXED,
    MC_ACQUIRE,
    MC_RELEASE,
    MC_ACQ_REL,
    MC_SEQ_CST
} mc_order;

typedef enum mc_do { // what a step does
    MC_LOAD,
    MC_STORE,
    MC_EXCHANGE,
    MC_ADD,
    MC_SUB,
    MC_OR,
    MC_AND,
    MC_CAS,
    MC_CAS_WEAK,
    MC_FENCE,
    MC_INIT,
    MC_LOCK,
    MC_TRYLOCK,
    MC_UNLOCK,
    MC_SLEEP_BEGIN, // a futex: joins those who sleep there
    MC_SLEEP_LEAVE, //  finds another value, times out, wakes for no reason
    MC_SLEEP_END,   //  was woken
    MC_WAKE,
    MC_CHOOSE,
    MC_SPAWN,
    MC_START,
    MC_END,
    MC_JOIN,
    MC_AWAIT,
    MC_DOS
} mc_do;

// One place in a source. The linker gathers them (section mc_sites); the same
// place in an inline function may be there several times.
typedef struct mc_site {
    const char *file;
    int line;
    uint8_t does;  // mc_do
    uint8_t order; // mc_order, as written
    const char *label;
    const char *object; // as written
    const char *why;
    uint8_t fails; // of a compare-exchange: the order when it fails; 0: relaxed
} mc_site;

// mc_site_order: the order of a site in this run; a mutant changes one. Counts
// the visit.
mc_order mc_site_order(const mc_site *site);

// ---- events ----------------------------------------------------------------

// An event of the execution graph. A read-modify-write is one event that reads
// and writes.
typedef struct mc_event {
    uint8_t does;  // mc_do
    uint8_t order; // mc_order
    uint8_t thread;
    bool reads;
    bool writes;
    uint16_t index;      // in its thread, from 1
    uint16_t location;   // number, from 1; 0: none
    uint16_t from;       // name of the write that it reads; 0: initial value
    uint16_t newer;      // how many newer writes it could have read but did not
    uint64_t found;      // what it read
    uint64_t value;      // what it wrote; a choice; a thread
    const mc_site *site; // NULL: none
    uint16_t clock[MC_THREADS_MAX]; // what happens before it, itself included
    uint16_t given[MC_THREADS_MAX]; // what one who acquires from it learns
} mc_event;

// ---- steps: the doors (step.c) ---------------------------------------------

// What base/atomic.h of models comes to. `width` is 4 or 8 bytes.
uint64_t mc_atomic_load(const mc_site *site, const void *object,
                        unsigned width);
void mc_atomic_store(const mc_site *site, void *object, unsigned width,
                     uint64_t value);
// MC_EXCHANGE, ADD, SUB, OR, AND, as the site says; returns what was there.
uint64_t mc_atomic_change(const mc_site *site, void *object, unsigned width,
                          uint64_t operand);
bool mc_atomic_cas(const mc_site *site, void *object, unsigned width,
                   uint64_t *expected, uint64_t desired);
void mc_atomic_fence(const mc_site *site);
void mc_atomic_init(void *object, unsigned width, uint64_t value);

// The checker's own lock, by the address of a word that need not be set up.
void mc_word_lock(void *word);
bool mc_word_trylock(void *word);
void mc_word_unlock(void *word);
void mc_word_end(void *word); // nobody may hold it

// A futex: as wr_futex_wait and wr_futex_wake; `timed`: it may time out.
// Returns 0, -EAGAIN, -ETIMEDOUT.
int mc_futex_wait(void *word, uint32_t expected, bool timed);
void mc_futex_wake(void *word, int count);

// mc_self: the thread that runs; MC_NO_THREAD in the checker itself.
unsigned mc_self(void);

// mc_clock: how many events of each thread happen before what thread `thread`
// does now, its own included. An access of thread t after its event k is
// ordered before now if clock[t] > k.
const uint16_t *mc_clock(unsigned thread);

// mc_is_atomic: does any atomic object of this execution lie in those bytes?
bool mc_is_atomic(const void *memory, size_t bytes);
// A plain write of `bytes` at `memory` begins; its atomic objects start anew
// with what is there at the next look. Called by access.c after mc_is_atomic.
void mc_plain_write(void *memory, size_t bytes);
// A plain read: it must be ordered after all that was written there.
void mc_plain_read(const void *memory, size_t bytes);
// The memory was freed or its frame left: all accesses must be ordered before.
void mc_memory_ends(const void *memory, size_t bytes);

// mc_report: something is wrong; the execution ends here. Does not return when
// called on a thread of the model.
void mc_report(mc_finding what, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// ---- runtime.c -------------------------------------------------------------

// mr_setup, once: reserves memory, remembers the statics as they are.
void mr_setup(void);
// mr_begin: everything is as after mr_setup; all stacks are empty.
void mr_begin(void);
// mr_start prepares a thread: main(arg) runs on its stack when first resumed;
// when main returns, mc_thread_ended (step.c) is called on that stack.
void mr_start(unsigned thread, void (*main)(void *), void *arg);
// mr_resume: the checker runs the thread until it calls mr_pause.
void mr_resume(unsigned thread);
void mr_pause(void);        // on a thread: back to the checker
void mc_thread_ended(void); // pauses for ever

// mr_own: zeroed memory of the checker's own, for ever.
void *mr_own(size_t bytes);
bool mr_is_thread_local(const void *address);
bool mr_is_stack(const void *address, unsigned *thread);

// ---- access.c, heap.c ------------------------------------------------------

// ma_begin, mh_begin: a new execution. mh_end reports memory that nobody freed
// (MC_LEAK); after an execution that ended well.
void ma_begin(void);
void mh_begin(void);
void mh_end(void);
// ma_access: `thread` reads or writes plain memory; `place` is a code address.
void ma_access(const void *memory, size_t bytes, bool writes,
               const void *place);
// ma_atomic_touch: an atomic access; ordered after plain writes of others.
void ma_atomic_touch(const void *object, unsigned width, bool writes);
// ma_fresh: the bytes were just allocated; ma_gone: freed or left.
void ma_fresh(const void *memory, size_t bytes);
void ma_gone(const void *memory, size_t bytes, const char *how);
// Where an address is, for a person: "static mail+8", "heap of thread 1 (24
// bytes from job.c:31)". Into `out`; returns it.
const char *ma_name(const void *address, char *out, size_t room);

// What the sources call in place of libc (rename.h).
void *mh_malloc(size_t bytes);
void *mh_calloc(size_t count, size_t bytes);
void *mh_realloc(void *memory, size_t bytes);
void *mh_aligned_alloc(size_t alignment, size_t bytes);
int mh_posix_memalign(void **out, size_t alignment, size_t bytes);
void mh_free(void *memory);
char *mh_strdup(const char *text);

// ---- explore.c -------------------------------------------------------------

typedef struct mc_totals {
    uint64_t executions; // that ended
    uint64_t pruned;     // that only waited for what another one has
    uint64_t steps;
    unsigned threads;        // the most at once
    unsigned longest;        // events of the longest execution
    bool cut;                // executions_max or the time limit was met
    bool bounded_preemption; // some switch was not made for the bound
    bool bounded_spurious, bounded_timeouts, bounded_stale;
    mc_finding found;
} mc_totals;

// mc_setup, once, before all else; calls mr_setup last, when no static of the
// checker changes any more.
void mc_setup(void);
// mc_explore runs a case. seconds 0: no limit.
void mc_explore(const mc_case *what, double seconds, mc_totals *totals);
// mc_replay runs one schedule again.
void mc_replay(const mc_case *what, const char *schedule, mc_totals *totals);
// mc_outcomes: what mc_outcome said in all executions, sorted, each once.
size_t mc_outcomes(const uint64_t **out);

// ---- for report.c ----------------------------------------------------------

// The events of the execution that runs, in the order in which they ran.
unsigned mc_trace_count(void);
const mc_event *mc_trace_event(unsigned at);
unsigned mc_trace_at(uint16_t name);    // where the event of that name is
const char *mc_trace_note(unsigned at); // a note made before it, or NULL
const void *mc_location_address(unsigned location);
// The words after --replay that bring this execution back. Into `out`.
const char *mc_schedule(char *out, size_t room);

// report.c: prints what is wrong, and the schedule, to stderr.
void mp_finding(const mc_case *what, mc_finding finding, const char *text);
// A thread's state for a deadlock: "thread 1 sleeps at ...".
const char *mp_finding_name(mc_finding finding);

#endif
