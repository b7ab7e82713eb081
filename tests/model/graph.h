// SPDX-License-Identifier: MIT
// model/graph.h: the execution graph, as step.c, memory.c and explore.c share
// it. memory.c has the rules of RC11; explore.c decides which way to go.
#ifndef MC_GRAPH_H
#define MC_GRAPH_H

#include "model/engine.h"

#include <stdio.h>

// The name of an event is its thread and its number there (from 1), so that
// it is the same in every execution that has it. 0: the initial value.
enum {
    MG_INDEX_BITS = 13,
    MG_WRITES_MAX = 1024, // of one location in an execution
    MG_NOTES_MAX = 64,
    MG_OUTCOMES_MAX = 4096,
    MG_STEPS_DEFAULT = 2000
};

static inline uint16_t mg_name(unsigned thread, unsigned index) {
    return (uint16_t)(thread << MG_INDEX_BITS | index);
}
static inline unsigned mg_thread_of(uint16_t name) {
    return name >> MG_INDEX_BITS;
}
static inline unsigned mg_index_of(uint16_t name) {
    return name & ((1u << MG_INDEX_BITS) - 1);
}

// What an address is used as.
typedef enum mg_space { MG_ATOMIC, MG_LOCK, MG_FUTEX } mg_space;

typedef struct mg_node {
    mc_event e;
    uint16_t porf[MC_THREADS_MAX];  // what it depends on: program order and
                                    // reads-from, itself included
    uint16_t floor[MC_THREADS_MAX]; // what its read was ordered after
    uint16_t at;                    // step of this execution
    uint32_t stamp, write_stamp;    // when its two parts came into the graph
    uint16_t place;                 // of its write in the modification order
    uint16_t rank; // place in the plan; UINT16_MAX: not planned (explore.c)
} mg_node;

enum { MG_NOBODY = 254, MG_SEVERAL = 255 };

// Writes in modification order; order[0] is the initial value.
typedef struct mg_location {
    const void *address;
    mg_space space;
    uint8_t width;
    bool live;      // touched in this execution
    bool written;   // in this execution
    uint8_t user;   // in this one: a thread, or one of MG_NOBODY, MG_SEVERAL
    bool shared;    // in some execution: by several, and written
    bool open;      // the last write is plain: its value is in memory
    unsigned count; // of order
    unsigned reads; // of readers
    uint64_t initial;
    uint16_t last_plain; // the last plain write, 0: none
    uint16_t order[MG_WRITES_MAX];
    uint16_t readers[MG_WRITES_MAX];
} mg_location;

// What a thread wants to do next.
typedef struct mg_op {
    uint8_t does;
    uint8_t order;
    bool timed;
    const mc_site *site;
    const char *text;
    unsigned location; // 0: none
    unsigned width;
    uint64_t operand;  // to write; a thread; a count
    uint64_t expected; // of a compare-exchange; how many ways to choose from
    // The answer.
    uint64_t found;
    bool stored;
} mg_op;

typedef struct mg_thread {
    bool exists, ended;
    bool wants;     // op is what it is about to do
    bool stuck;     // it holds no lock it wants, or looks in a loop
    bool half;      // the read part of op is done, its write part is not
    bool beside;    // its next read is the kernel's (see mg_floor_clock)
    unsigned count; // of its events
    unsigned spawned;
    unsigned spurious, timeouts;
    unsigned looked;        // its events up to the last mc_await
    unsigned looked_before; // up to the one before
    unsigned rounds;        // that were not like the one before
    uint64_t seen; // writes to what it looked at, when it began to wait
    void *(*main)(void *);
    void *arg;
    void *result;
    mg_op op;
    uint16_t clock[MC_THREADS_MAX];
    uint16_t porf[MC_THREADS_MAX];
    uint16_t kernel[MC_THREADS_MAX];  // what futex calls saw of each other
    uint16_t acquire[MC_THREADS_MAX]; // for the next acquire fence
    uint16_t release[MC_THREADS_MAX]; // since the last release fence
} mg_thread;

typedef struct mg_state {
    const mc_case *what;
    mc_totals totals;
    unsigned self;     // MC_NO_THREAD: the checker
    bool over;         // this execution goes no further
    bool failed;       // something was found
    bool graph;        // MC_EXHAUSTIVE
    bool newly_shared; // some location became so
    unsigned seq_cst;  // events with that order
    bool fences;       // one of them is a fence
    uint32_t stamp;
    unsigned steps;
    uint16_t trace[MC_STEPS_MAX];
    uint16_t read_option[MC_STEPS_MAX];
    uint16_t write_option[MC_STEPS_MAX];
    unsigned notes;
    struct {
        unsigned at;
        char text[96];
    } note[MG_NOTES_MAX];
    bool has_outcome;
    uint64_t outcome;
    size_t outcomes;
    uint64_t outcome_list[MG_OUTCOMES_MAX];
    mg_thread thread[MC_THREADS_MAX];
    // Which thread the n-th child of a thread is: the same in every execution.
    uint8_t children[MC_THREADS_MAX][MC_THREADS_MAX];
    unsigned children_count;
    unsigned locations; // used; numbers go on over executions
    mg_location location[MC_LOCATIONS_MAX];
    mg_node node[MC_THREADS_MAX][MC_STEPS_MAX + 1];
} mg_state;

extern mg_state *mg;

static inline mg_node *mg_node_of(uint16_t name) {
    return &mg->node[mg_thread_of(name)][mg_index_of(name)];
}

static inline bool mg_ordered(uint16_t name, const uint16_t *clock) {
    return name == 0 || clock[mg_thread_of(name)] >= mg_index_of(name);
}

static inline void mg_join(uint16_t *clock, const uint16_t *other) {
    for (unsigned i = 0; i < MC_THREADS_MAX; i++)
        if (clock[i] < other[i])
            clock[i] = other[i];
}

// ---- memory.c --------------------------------------------------------------

void mg_memory_setup(void);
void mg_memory_forget(void); // locations of another case
void mg_memory_begin(void);  // a new execution

// The number of a location; takes its value when first seen.
unsigned mg_locate(const void *address, mg_space space, unsigned width);

// mg_adds begins an event of a thread: in program order, and in the trace.
mg_node *mg_add(unsigned thread, const mg_op *op);
// The read part: takes what `from` wrote.
void mg_add_read(mg_node *node, mg_op *op, uint16_t from);
// The write part: into place `place` of the modification order.
void mg_add_write(mg_node *node, const mg_op *op, unsigned place);
// mg_learn: the thread now comes after event `from` (spawn, join).
void mg_learn(mg_node *node, uint16_t from);

bool mg_op_reads(const mg_op *op);
// The order of a compare-exchange that fails; `most` is that of one that does
// not, which may be a mutant's.
static inline uint8_t mg_order_of_failure(const mc_site *site, unsigned most) {
    if (site == NULL || site->fails == MC_PLAIN)
        return MC_RELAXED;
    return site->fails == MC_SEQ_CST && most != MC_SEQ_CST ? MC_ACQUIRE
                                                           : site->fails;
}
// Does it write, having found `found`? *value: what.
bool mg_op_writes(const mg_op *op, unsigned thread, uint64_t found,
                  uint64_t *value);
uint64_t mg_value_of(const mg_location *location, uint16_t write);
unsigned mg_place_of(uint16_t write); // 0 for the initial value

// The oldest place that a read ordered after `clock` may see.
unsigned mg_oldest(const mg_location *location, const uint16_t *clock);
// What the next read of a thread is ordered after.
void mg_floor_clock(unsigned thread, uint16_t *out);
// The write at `place` is the other half of a read of the one before.
bool mg_joined(const mg_location *location, unsigned place);
// Do the seq_cst axioms hold? (seqcst.c)
bool mg_consistent(void);
void mg_seqcst_setup(void);
void mg_seqcst_begin(void);
void mg_seqcst_note(mg_node *node); // a new event with that order
// The event that took `thread` off the sleepers after it went to sleep, or 0.
uint16_t mg_woken_by(const mg_location *location, unsigned thread);

// ---- step.c ----------------------------------------------------------------

void mg_make_first(void); // thread 0, which runs the case's body

// ---- explore.c -------------------------------------------------------------

// On a thread: it wants to do thread->op. Returns when it was done.
void mx_want(unsigned thread);
// On a thread: an event that needs no decision.
mg_node *mx_at_once(unsigned thread, const mg_op *op);

void mx_begin(void);             // a new execution, up to the first wishes
void mx_resume(unsigned thread); // runs it up to its next wish
void mx_wake_new(void);          // the same for threads that were just made
bool mx_ended(void);             // have all threads ended?
// Is this mc_await that of a loop, which was once round? Before that, what lies
// between two of them may be something else.
bool mx_is_round(unsigned thread);
void mx_next_round(unsigned thread);
// An execution that goes no further: complete, pruned or a deadlock.
void mx_finish(void);
bool mx_may_time_out(unsigned thread); // it sleeps, and not for ever
// What a wait of thread `thread` needs is there: its end, or who woke it.
uint16_t mx_awaited(unsigned thread);
// Steps without alternatives: MC_JOIN, MC_SLEEP_END (timed_out: by itself).
void mx_do_wait(unsigned thread, uint16_t from);
// Checks seq_cst after an event; false: no such execution.
bool mx_allowed(const mg_op *op);

// ---- bounded.c, plan.c -----------------------------------------------------

// Each runs one execution; false: there is none left.
void mb_setup(void);
void ml_setup(void);
bool mb_run(void);
void mb_reset(void);
bool mb_replay(const char *schedule); // false: it does not fit
bool ml_run(void);
void ml_reset(void);
// The plan of an event that is added at once; its stamps.
void ml_stamp(mg_node *node);

#endif
