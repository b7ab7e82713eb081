// SPDX-License-Identifier: MIT
// What the timeline costs: the same jobs on a pool without a trace, with one
// that is switched off, and with one that records. The three take turns, and of
// each the best of --rounds counts. Prints a Markdown table.
//
//   paced   100 jobs every millisecond, each of about 5 us of arithmetic:
//           processor time of the whole process for each job
//   full    the same jobs back to back: time for each job
//   empty   jobs that do nothing, back to back: the cost of one job's events
//
//   bench_trace [--rounds N] [--threads N]
#include "weir/observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PACED_JOBS = 30000, FULL_JOBS = 20000, EMPTY_JOBS = 50000, BATCH = 100 };

typedef enum mode { NONE, OFF, ON, MODES } mode;

typedef struct setup {
    weir_trace *trace;
    weir_pool *pool;
} setup;

typedef struct piece {
    weir_job job;
    uint64_t value;
} piece;

static piece pieces[EMPTY_JOBS];
static unsigned steps; // that take about 5 us

static uint64_t arithmetic(uint64_t x, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return x;
}

static int work(weir_worker *self, weir_job *job) {
    (void)self;
    piece *p = (piece *)job;
    p->value = arithmetic(p->value, steps);
    return 0;
}

static int nothing(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void check(int error, const char *what) {
    if (error == 0)
        return;
    fprintf(stderr, "bench_trace: %s: %s\n", what, weir_strerror(error));
    exit(1);
}

static int64_t clock_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void calibrate(void) {
    int64_t lowest = INT64_MAX;
    for (int i = 0; i < 200; i++) {
        int64_t begin = weir_now_ns();
        pieces[0].value = arithmetic(pieces[0].value, 10000);
        int64_t took = weir_now_ns() - begin;
        lowest = took < lowest ? took : lowest;
    }
    steps = (unsigned)(10000 * INT64_C(5000) / lowest);
}

static setup setup_of(mode m, int threads) {
    setup s = {NULL, NULL};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    if (m != NONE)
        check(weir_trace_create(&s.trace, NULL), "trace");
    options.trace = s.trace;
    check(weir_pool_create(&s.pool, &options), "pool");
    if (m == ON)
        weir_trace_start(s.trace);
    return s;
}

static void setup_end(setup *s) {
    weir_pool_destroy(s->pool);
    weir_trace_destroy(s->trace);
}

static void submit(weir_pool *pool, size_t first, size_t count,
                   int (*run)(weir_worker *self, weir_job *job)) {
    weir_job *jobs[BATCH];
    for (size_t i = 0; i < count; i++) {
        piece *p = &pieces[first + i];
        memset(&p->job, 0, sizeof(p->job));
        p->job.run = run;
        p->job.name = "piece of work";
        jobs[i] = &p->job;
    }
    check(weir_submit_batch(pool, jobs, count), "submit");
}

// Each returns nanoseconds for a job.

static double paced(weir_pool *pool) {
    int64_t begin = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    int64_t next = clock_of(CLOCK_MONOTONIC);
    for (size_t i = 0; i < PACED_JOBS; i += BATCH) {
        submit(pool, i, BATCH, work);
        next += 1000000;
        struct timespec until = {next / 1000000000, next % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    check(weir_pool_wait_idle(pool, WEIR_FOREVER), "wait");
    int64_t took = clock_of(CLOCK_PROCESS_CPUTIME_ID) - begin;
    return (double)took / PACED_JOBS;
}

static double back_to_back(weir_pool *pool, size_t count,
                           int (*run)(weir_worker *self, weir_job *job)) {
    int64_t begin = weir_now_ns();
    for (size_t i = 0; i < count; i += BATCH)
        submit(pool, i, BATCH, run);
    check(weir_pool_wait_idle(pool, WEIR_FOREVER), "wait");
    return (double)(weir_now_ns() - begin) / (double)count;
}

static double full(weir_pool *pool) {
    return back_to_back(pool, FULL_JOBS, work);
}

static double empty(weir_pool *pool) {
    return back_to_back(pool, EMPTY_JOBS, nothing);
}

static void measure(const char *what, double (*once)(weir_pool *pool),
                    int rounds, int threads) {
    double best[MODES] = {1e18, 1e18, 1e18};
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < MODES; i++) {
            mode m = (mode)((round + i) % MODES);
            setup s = setup_of(m, threads);
            once(s.pool); // warms up: the rings have their memory
            if (m == ON)
                weir_trace_start(s.trace);
            double ns = once(s.pool);
            best[m] = ns < best[m] ? ns : best[m];
            setup_end(&s);
        }
    printf("| %s | %.0f | %.0f | %.0f | %+.1f %% | %+.1f %% |\n", what,
           best[NONE], best[OFF], best[ON], (best[OFF] / best[NONE] - 1) * 100,
           (best[ON] / best[NONE] - 1) * 100);
    fflush(stdout);
}

int main(int argc, char **argv) {
    int rounds = 9;
    int threads = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--rounds") == 0)
            rounds = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--threads") == 0)
            threads = atoi(argv[i + 1]);
    }
    calibrate();
    printf("| ns for a job, %d thread%s, best of %d | no trace | off | on "
           "| off | on |\n| --- | --- | --- | --- | --- | --- |\n",
           threads, threads == 1 ? "" : "s", rounds);
    measure("paced: 100 of 5 us every ms, processor time", paced, rounds,
            threads);
    measure("full: of 5 us, back to back", full, rounds, threads);
    measure("empty: nothing to do, back to back", empty, rounds, threads);
    return 0;
}
