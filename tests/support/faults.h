// SPDX-License-Identifier: MIT
// A sweep: a scenario is run again and again, and each time another attempt of
// what the system may refuse fails: that one alone, or that and all after it.
// Whatever fails, the scenario says one of its documented errors or goes on
// with what the headers call enough; afterwards nothing is held that was not
// held before, and the same scenario succeeds.
//
// A scenario checks itself that a call that failed left its out-parameters as
// they were, and that what it got is right.
#ifndef TEST_FAULTS_H
#define TEST_FAULTS_H

#include "base/fault.h"
#include "support/pool.h"

enum { FAULTS_STEPS_MAX = 100000 };

typedef struct fault_scenario {
    // Creates, uses, destroys. 0, or the first error of a call.
    int (*run)(void *context);
    void *context;
    int errors[4];   // what it may return, ended by 0
    unsigned spares; // kinds (1 << wr_fault_kind) whose lack may change nothing
} fault_scenario;

static inline unsigned faults_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        SKIP("no /proc");
    unsigned count = 0;
    for (struct dirent *e; (e = readdir(folder)) != NULL;)
        count += e->d_name[0] != '.';
    closedir(folder);
    return count;
}

static inline void faults_disarm(void) {
    for (int kind = 0; kind < WR_FAULT_KINDS; kind++)
        wr_fault_arm((wr_fault_kind)kind, 0, 0);
}

// What must be the same before and after.
typedef struct fault_state {
    int64_t held;
    unsigned descriptors;
} fault_state;

static inline fault_state faults_state(void) {
    return (fault_state){wr_fault_held(), faults_descriptors()};
}

// A worker may still be on its way out of what it did last: what is lost never
// comes back, and the test then ends by its time limit, after this line.
static inline void faults_check_state(const fault_state *before) {
    for (uint64_t looks = 0; wr_fault_held() != before->held; looks++) {
        if (looks == 100000)
            printf("held: %lld, before %lld\n", (long long)wr_fault_held(),
                   (long long)before->held);
        sched_yield();
    }
    CHECK_EQ(faults_descriptors(), before->descriptors);
    // No child process, neither alive nor left to be waited for.
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static inline void faults_check_error(const fault_scenario *s, int error) {
    if (error == 0)
        return;
    for (size_t i = 0; i < TEST_COUNT(s->errors) && s->errors[i] != 0; i++)
        if (s->errors[i] == error)
            return;
    CHECK_FAIL("it returned %d, which is not documented", error);
}

// Returns how many attempts there were; *failures counts runs that said so.
static inline uint64_t faults_step(const fault_scenario *s, wr_fault_kind kind,
                                   uint64_t step, uint64_t count,
                                   uint64_t *failures) {
    wr_fault_arm(kind, step, count);
    int error = s->run(s->context);
    uint64_t seen = wr_fault_seen(kind);
    faults_disarm();
    faults_check_error(s, error);
    *failures += error != 0;
    return seen;
}

static inline void faults_sweep_kind(const fault_scenario *s,
                                     const fault_state *before,
                                     wr_fault_kind kind) {
    static const uint64_t counts[] = {1, UINT64_MAX / 2};
    for (size_t i = 0; i < TEST_COUNT(counts); i++) {
        uint64_t failures = 0, step = 0;
        while (faults_step(s, kind, step, counts[i], &failures) > step) {
            faults_check_state(before);
            step++;
            CHECK(step < FAULTS_STEPS_MAX);
        }
        printf("  kind %d: %llu attempts, %llu runs said so\n", (int)kind,
               (unsigned long long)step, (unsigned long long)failures);
        fflush(stdout);
        CHECK(step == 0 || failures > 0 || (s->spares & 1u << kind) != 0);
        CHECK_EQ(s->run(s->context), 0);
        faults_check_state(before);
    }
}

static inline void faults_sweep(const fault_scenario *s) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("a build without WEIR_FAULTS");
    faults_disarm();
    fault_state before = faults_state();
    CHECK_EQ(s->run(s->context), 0);
    faults_check_state(&before);
    for (int kind = 0; kind < WR_FAULT_KINDS; kind++)
        faults_sweep_kind(s, &before, (wr_fault_kind)kind);
}

// ---- rooms that are given a pool -------------------------------------------

static inline void faults_begun(weir_worker *self, void *argument) {
    (void)self;
    tally_add(argument);
}

// A pool whose workers all have begun: they hold nothing of their start.
static inline weir_pool *faults_pool(void) {
    weir_pool *pool = pool_of(2);
    tally told;
    tally_init(&told);
    CHECK_EQ(weir_broadcast(pool, faults_begun, &told), 0);
    return pool;
}

typedef struct faults_in {
    weir_pool *pool;
    int (*run)(void *context);
} faults_in;

// On a deterministic pool nobody else gives back what has ended.
static inline int faults_run_in(void *context) {
    faults_in *in = context;
    int error = in->run(in->pool);
    while (weir_pool_step(in->pool) == 1)
        continue;
    return error;
}

static inline void faults_sweep_in(weir_pool *pool, int (*run)(void *context)) {
    faults_in in = {pool, run};
    const fault_scenario s = {
        faults_run_in, &in, {-ENOMEM, -EAGAIN, -EMFILE}, 0};
    faults_sweep(&s);
    pool_close(pool);
}

#endif // TEST_FAULTS_H
