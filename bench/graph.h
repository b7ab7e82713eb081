// SPDX-License-Identifier: MIT
// What bench/graph*.c and peers/graph/* share: options, clocks, and how a
// figure is taken and printed, so that every contestant is measured alike.
#ifndef BENCH_GRAPH_H
#define BENCH_GRAPH_H

#include <stddef.h>
#include <stdint.h>

enum {
    CHAIN = 4096,  // tasks of a chain
    SLICES = 8000, // of one buffer, alive
    SLICE = 64,    // bytes
    COLUMN = 64,   // rows of a column tile, 8 bytes each
    WINDOW = 1024, // memory case: submitted before one looks back
    ROUNDS_MAX = 64,
};

typedef struct bench_settings {
    unsigned count;   // tasks of a round, where the case does not say
    unsigned rounds;  // that count; one more before them warms up
    unsigned threads; // workers
    unsigned size;    // of the matrix
    unsigned tile;
    unsigned ms;    // of the idle case
    unsigned procs; // processes; of cholesky, instead of threads
} bench_settings;

extern bench_settings bench_set;

typedef struct bench_case {
    const char *name;
    void (*run)(void);
} bench_case;

// bench_main reads "CASE [--option N]..." and runs that case.
int bench_main(int argc, char **argv, const bench_case *cases);

// bench_fail ends the program with a line.
void bench_fail(const char *what, long long got);
void bench_ok(const char *what, int error); // fails unless error is 0
void bench_same(const char *what, uint64_t got, uint64_t wanted);
void *bench_memory(size_t bytes); // zeroed, aligned to 64, never freed

int64_t bench_now_ns(void);
int64_t bench_cpu_ns(void); // all threads; with bench_set.procs all children

// Of this process, in MB (10^6 bytes): the most it had, and what it has.
double bench_peak(void);
double bench_resident(void);

// bench_run_ns: processor time of another process so far, or -1.
int64_t bench_run_ns(int pid);

// bench_children lists processes that pid made, and those they made. Returns
// how many; out has room for `most`.
int bench_children(int pid, int *out, int most);

void bench_print(const char *name, const char *figure, double value,
                 const char *unit);

// A meter takes the rounds of a case. The first is not counted.
typedef struct bench_meter {
    double wall[ROUNDS_MAX + 1], cpu[ROUNDS_MAX + 1];
    unsigned rounds;
    int64_t wall_begun, cpu_begun;
} bench_meter;

int bench_more(const bench_meter *m); // another round?
void bench_begin(bench_meter *m);
void bench_end(bench_meter *m, double tasks);

// bench_meter_print prints name.wall and name.cpu, medians of a task, and
// name.peak in MB.
void bench_meter_print(bench_meter *m, const char *name, const char *unit);

// bench_times_print prints name.p50, .p99 and .most of times in ns, as us; it
// sorts them.
void bench_times_print(double *times, unsigned count, const char *name);

#endif
