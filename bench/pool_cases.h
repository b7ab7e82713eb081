// SPDX-License-Identifier: MIT
// What pool.c lends to the files with its cases.
#ifndef BENCH_POOL_CASES_H
#define BENCH_POOL_CASES_H

#include "base/atomic.h"
#include "pool.h"

#include <stdbool.h>

enum { US = 1000, MS = 1000000, SECOND = 1000000000 };

typedef struct settings {
    const char *name; // of the case
    unsigned workers;
    size_t count;
    size_t rounds;
    bool quick;
} settings;

extern settings set;

int64_t now_ns(void);
int64_t cpu_ns(void); // of the whole process
void rest_ns(int64_t ns);
void busy_ns(int64_t ns);

// Prints "CASE.what value unit".
void print(const char *what, double value, const char *unit);

// Samples of one kind, in nanoseconds.
typedef struct samples {
    size_t count;
    size_t room;
    int64_t *values;
} samples;

samples samples_of(size_t room);
void add(samples *s, int64_t value);
double quantile(samples *s, unsigned percent);
void print_samples(const char *what, samples *s); // in us; forgets them

task *tasks_of(size_t count); // zeroed; for free
task *task_at(task *tasks, size_t index);
// Fills in what runs and tells the form.
void prepare(void *pool, task *tasks, size_t count, void (*run)(task *t),
             void (*done)(task *t));
void check_ran(task *tasks, size_t count, uint64_t times);
void finish(void *pool); // if the form has it

// pool_cost.c
void case_one(void);
void case_batch(void);
void case_window(void);
// pool_latency.c
void case_hot(void);
void case_parked(void);
void case_busy(void);
void case_fork(void);
// pool_rest.c
void case_life(void);
void case_idle(void);
void case_serial(void);
void case_feeding(void);

#endif // BENCH_POOL_CASES_H
