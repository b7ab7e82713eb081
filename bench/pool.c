// SPDX-License-Identifier: MIT
// What a job costs a pool: the same cases on the form that this program is
// linked with (pool.h). Prints lines "name value unit"; checks that every job
// ran exactly once.
//
//   bench_pool_FORM CASE [--workers N] [--count N] [--rounds N] [--quick]
//
// The cases are in pool_cost.c, pool_latency.c and pool_rest.c.
#include "pool_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

enum { HUGE_PAGE = 2 << 20 };

settings set = {.workers = 2, .count = 1000000, .rounds = 5};

void bench_fail(const char *what, long long got) {
    fprintf(stderr, "bench_pool_%s: %s: %lld\n", bench_form.name, what, got);
    exit(1);
}

// ---- clocks ----------------------------------------------------------------

static int64_t read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t now_ns(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t cpu_ns(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

void rest_ns(int64_t ns) {
    struct timespec left = {.tv_sec = ns / 1000000000,
                            .tv_nsec = ns % 1000000000};
    while (nanosleep(&left, &left) != 0)
        continue;
}

void busy_ns(int64_t ns) {
    int64_t end = now_ns() + ns;
    while (now_ns() < end)
        continue;
}

// ---- figures ---------------------------------------------------------------

void print(const char *what, double value, const char *unit) {
    printf("%s.%s %.3f %s\n", set.name, what, value, unit);
}

samples samples_of(size_t room) {
    samples s = {.room = room, .values = calloc(room, sizeof(int64_t))};
    if (s.values == NULL)
        bench_fail("no memory for samples", (long long)room);
    memset(s.values, 0, room * sizeof(int64_t)); // in memory, before the clock
    return s;
}

void add(samples *s, int64_t value) {
    if (s->count < s->room)
        s->values[s->count++] = value;
}

static int by_value(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

double quantile(samples *s, unsigned percent) {
    if (s->count == 0)
        bench_fail("no samples", 0);
    qsort(s->values, s->count, sizeof(int64_t), by_value);
    return (double)s->values[(s->count - 1) * percent / 100];
}

void print_samples(const char *what, samples *s) {
    char name[32];
    static const unsigned percents[] = {50, 90, 99};
    for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++) {
        snprintf(name, sizeof(name), "%s.p%u", what, percents[i]);
        print(name, quantile(s, percents[i]) / 1e3, "us");
    }
    free(s->values);
}

// ---- tasks -----------------------------------------------------------------

// Large pages, so that the walk over the page tables is not what is measured;
// the same for every form.
task *tasks_of(size_t count) {
    size_t bytes = count * bench_form.task_size;
    bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *tasks = aligned_alloc(HUGE_PAGE, bytes);
    if (tasks == NULL)
        bench_fail("no memory for tasks", (long long)count);
    (void)madvise(tasks, bytes, MADV_HUGEPAGE); // small ones serve too
    memset(tasks, 0, bytes);                    // in memory, before the clock
    return tasks;
}

task *task_at(task *tasks, size_t index) {
    return (task *)(void *)((char *)tasks + index * bench_form.task_size);
}

void prepare(void *pool, task *tasks, size_t count, void (*run)(task *t),
             void (*done)(task *t)) {
    for (size_t i = 0; i < count; i++) {
        task_at(tasks, i)->run = run;
        task_at(tasks, i)->done = done;
    }
    if (bench_form.prepare != NULL)
        bench_form.prepare(pool, tasks, count);
}

void check_ran(task *tasks, size_t count, uint64_t times) {
    for (size_t i = 0; i < count; i++)
        if (task_at(tasks, i)->ran != times)
            bench_fail("a job did not run as often as it was submitted",
                       (long long)task_at(tasks, i)->ran);
}

void finish(void *pool) {
    if (bench_form.finish != NULL)
        bench_form.finish(pool);
}

// ---- main ------------------------------------------------------------------

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"one", case_one},       {"batch", case_batch},    {"window", case_window},
    {"hot", case_hot},       {"parked", case_parked},  {"busy", case_busy},
    {"fork", case_fork},     {"life", case_life},      {"idle", case_idle},
    {"serial", case_serial}, {"feeding", case_feeding}};

enum { CASES = sizeof(cases) / sizeof(*cases) };

_Noreturn static void usage(void) {
    fprintf(stderr,
            "usage: bench_pool_%s CASE [--workers N] [--count N]"
            " [--rounds N] [--quick]\ncases:",
            bench_form.name);
    for (size_t i = 0; i < CASES; i++)
        fprintf(stderr, " %s", cases[i].name);
    fputs("\n", stderr);
    exit(2);
}

static size_t number(const char *text) {
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || value == 0 || value > 100000000)
        usage();
    return (size_t)value;
}

int main(int argc, char **argv) {
    for (int i = 2; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--quick") == 0)
            set.quick = true;
        else if (strcmp(argv[i], "--workers") == 0 && more)
            set.workers = (unsigned)number(argv[++i]);
        else if (strcmp(argv[i], "--count") == 0 && more)
            set.count = number(argv[++i]);
        else if (strcmp(argv[i], "--rounds") == 0 && more)
            set.rounds = number(argv[++i]);
        else
            usage();
    }
    if (prctl(PR_SET_TIMERSLACK, 1UL) != 0) // sleeps end when they should
        bench_fail("prctl", -1);
    for (size_t i = 0; argc > 1 && i < CASES; i++)
        if (strcmp(argv[1], cases[i].name) == 0) {
            set.name = cases[i].name;
            cases[i].run();
            return 0;
        }
    usage();
}
