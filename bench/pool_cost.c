// SPDX-License-Identifier: MIT
// Cases of pool.c: many jobs that do nothing, from a thread outside.
//
//   one     one by one
//   batch   all in one call, as far as the form has one
//   window  one by one, in 1024 tasks that are used again as soon as they have
//           ended: memory that stays in the caches
//
// From the first submit until the last has run and the form says so, too. The
// median of the rounds after one to warm up.
#include "pool_cases.h"

#include <sched.h>
#include <stdlib.h>

enum { COUNTERS = 64, WINDOW = 1024 };

// Each thread that runs jobs counts in a line of its own.
typedef struct counter {
    _Alignas(64) wr_atomic_u64 ran;
} counter;

static counter counters[COUNTERS];
static wr_atomic_u32 counters_used;
static _Thread_local counter *mine;

static void count_one(task *t) {
    t->ran++;
    if (mine == NULL) {
        uint32_t index =
            wr_fetch_add(&counters_used, 1, relaxed, ALONE, "only drawn");
        if (index >= COUNTERS)
            bench_fail("too many threads", index);
        mine = &counters[index];
    }
    uint64_t ran = wr_load(&mine->ran, relaxed, ALONE, "its own");
    wr_store(&mine->ran, ran + 1, release, BENCH_RAN_1, "the job has run");
}

static uint64_t counted(void) {
    uint64_t all = 0;
    for (int i = 0; i < COUNTERS; i++)
        all += wr_load(&counters[i].ran, acquire, BENCH_RAN_1,
                       "then what the jobs did may be looked at");
    return all;
}

// The poll is long against what it costs and short against what is measured.
static void wait_for(void *pool, uint64_t all) {
    finish(pool);
    while (counted() < all)
        rest_ns(20 * US);
}

static void submit_each(void *pool, task *tasks, size_t count) {
    for (size_t i = 0; i < count; i++)
        bench_form.submit(pool, task_at(tasks, i));
}

// How often each task of the window has ended.
static wr_atomic_u32 ended[WINDOW];
static task *window;

static void count_ended(task *t) {
    size_t index = (size_t)((char *)t - (char *)window) / bench_form.task_size;
    uint32_t times = wr_load(&ended[index], relaxed, ALONE, "its own");
    wr_store(&ended[index], times + 1, release, BENCH_ENDED_1,
             "it may be submitted again");
}

static void submit_window(void *pool, task *tasks, size_t count) {
    static uint32_t submitted[WINDOW];
    window = tasks;
    for (size_t i = 0; i < count; i++) {
        size_t index = i % WINDOW;
        while (wr_load(&ended[index], acquire, BENCH_ENDED_1,
                       "then it is the submitter's again") != submitted[index])
            sched_yield();
        submitted[index]++;
        bench_form.submit(pool, task_at(tasks, index));
    }
}

static void submit_at_once(void *pool, task *tasks, size_t count) {
    bench_form.submit_all(pool, tasks, count);
}

static void measure(void (*submit)(void *pool, task *tasks, size_t count),
                    size_t tasks_count, void (*done)(task *t)) {
    void *pool = bench_form.open(set.workers);
    task *tasks = tasks_of(tasks_count);
    prepare(pool, tasks, tasks_count, count_one, done);
    samples wall = samples_of(set.rounds);
    samples cpu = samples_of(set.rounds);
    samples handed = samples_of(set.rounds);
    for (size_t round = 0; round <= set.rounds; round++) {
        uint64_t all = counted() + set.count;
        int64_t cpu_start = cpu_ns();
        int64_t start = now_ns();
        submit(pool, tasks, set.count);
        int64_t submitted = now_ns();
        wait_for(pool, all);
        int64_t end = now_ns();
        if (counted() != all)
            bench_fail("jobs that ran", (long long)counted());
        if (round == 0)
            continue;
        add(&wall, end - start);
        add(&cpu, cpu_ns() - cpu_start);
        add(&handed, submitted - start);
    }
    if (tasks_count == set.count)
        check_ran(tasks, tasks_count, set.rounds + 1);
    double each = (double)set.count;
    print("wall", quantile(&wall, 50) / each, "ns");
    print("lowest", quantile(&wall, 0) / each, "ns");
    print("cpu", quantile(&cpu, 50) / each, "ns");
    print("submit", quantile(&handed, 50) / each, "ns");
    bench_form.close(pool);
    free(wall.values);
    free(cpu.values);
    free(handed.values);
    free(tasks);
}

void case_one(void) {
    if (bench_form.submit != NULL)
        measure(submit_each, set.count, NULL);
}

void case_batch(void) {
    if (bench_form.submit_all != NULL)
        measure(submit_at_once, set.count, NULL);
}

void case_window(void) {
    if (bench_form.outside)
        measure(submit_window, WINDOW, count_ended);
}
