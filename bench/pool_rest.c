// SPDX-License-Identifier: MIT
// Cases of pool.c: what a pool costs that does little.
//
//   life     open, one job, close: each time, and the first time
//   idle     a pool that ran one job and has nothing to do, 2 s: processor time
//            and how often its threads went to sleep
//   serial   one job that is busy for 1 s: processor time of the process
//   feeding  the same, and it submits a job that does nothing each 200 us
#include "pool_cases.h"

#include <dirent.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FEED_NS = 200 * US, FEED_MAX = SECOND / FEED_NS + 1 };

static wr_atomic_u32 ran;
static wr_atomic_u32 over; // the caller sleeps on it

static void count(task *t) {
    t->ran++;
    wr_fetch_add(&ran, 1, release, BENCH_COUNT_1, "it has run");
}

static void count_and_wake(task *t) {
    count(t);
    syscall(SYS_futex, &ran.value, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL,
            NULL, 0);
}

static uint32_t counted(void) {
    return wr_load(&ran, acquire, BENCH_COUNT_1, "what it did is here");
}

static void tell_over(void) {
    wr_store(&over, 1, release, BENCH_OVER_1, "what the job did");
    syscall(SYS_futex, &over.value, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL,
            NULL, 0);
}

static void wait_over(void) {
    while (wr_load(&over, acquire, BENCH_OVER_1, "then it is here") == 0)
        syscall(SYS_futex, &over.value, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0,
                NULL, NULL, 0);
}

// ---- life ------------------------------------------------------------------

void case_life(void) {
    if (!bench_form.stops)
        return;
    size_t count_all = set.quick ? 150 : 400;
    task *tasks = tasks_of(1);
    samples took = samples_of(count_all);
    int64_t cpu = 0;
    for (size_t i = 0; i <= count_all; i++) {
        if (i == 1)
            cpu = cpu_ns();
        uint32_t before = counted();
        int64_t start = now_ns();
        void *pool = bench_form.open(set.workers);
        prepare(pool, tasks, 1, count_and_wake, NULL);
        bench_form.submit(pool, tasks);
        while (counted() == before) // asleep: the workers need a processor
            syscall(SYS_futex, &ran.value, FUTEX_WAIT | FUTEX_PRIVATE_FLAG,
                    before, NULL, NULL, 0);
        bench_form.close(pool);
        int64_t ns = now_ns() - start;
        if (i == 0)
            print("first", (double)ns / 1e3, "us");
        else
            add(&took, ns);
    }
    cpu = cpu_ns() - cpu;
    check_ran(tasks, 1, count_all + 1);
    print("cpu", (double)cpu / 1e3 / (double)count_all, "us");
    print_samples("took", &took);
    free(tasks);
}

// ---- idle ------------------------------------------------------------------

// How often one thread gave its processor up.
static uint64_t sleeps_of(const char *thread) {
    char path[300];
    char line[128];
    unsigned long long sleeps = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%s/status", thread);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "voluntary_ctxt_switches: %llu", &sleeps) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return sleeps;
}

// Of all threads but the one that asks.
static uint64_t sleeps_of_pool(void) {
    uint64_t all = 0;
    char own[16];
    snprintf(own, sizeof(own), "%ld", syscall(SYS_gettid));
    DIR *threads = opendir("/proc/self/task");
    if (threads == NULL)
        bench_fail("/proc/self/task", 0);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, own) != 0)
            all += sleeps_of(entry->d_name);
    closedir(threads);
    return all;
}

void case_idle(void) {
    void *pool = bench_form.open(set.workers);
    task *tasks = tasks_of(1);
    prepare(pool, tasks, 1, count, NULL);
    bench_form.submit(pool, tasks);
    while (counted() == 0)
        rest_ns(MS);
    finish(pool);
    rest_ns(SECOND / 2);
    uint64_t sleeps = sleeps_of_pool();
    int64_t cpu = cpu_ns();
    rest_ns((int64_t)2 * SECOND);
    cpu = cpu_ns() - cpu; // this thread's few microseconds are in it
    sleeps = sleeps_of_pool() - sleeps;
    print("cpu", (double)cpu / 2e7, "%");
    print("wakes", (double)sleeps / 2, "/s");
    bench_form.close(pool);
    free(tasks);
}

// ---- serial and feeding ----------------------------------------------------

static struct {
    void *pool;
    task *fed;
    size_t fed_count;
} feeding;

static void serial_run(task *t) {
    t->ran++;
    busy_ns(SECOND);
    tell_over();
}

static void feeding_run(task *t) {
    t->ran++;
    int64_t begin = now_ns();
    int64_t now = begin;
    for (int64_t next = FEED_NS; now - begin < SECOND; now = now_ns())
        if (now - begin >= next) {
            bench_form.submit(feeding.pool,
                              task_at(feeding.fed, feeding.fed_count++));
            next += FEED_NS;
        }
    tell_over();
}

static void one_job(void (*run)(task *t)) {
    feeding.pool = bench_form.open(set.workers);
    task *tasks = tasks_of(1 + FEED_MAX);
    feeding.fed = task_at(tasks, 1);
    prepare(feeding.pool, tasks, 1 + FEED_MAX, count, NULL);
    tasks->run = run;
    rest_ns(20 * MS);
    int64_t cpu = cpu_ns();
    int64_t start = now_ns();
    bench_form.submit(feeding.pool, tasks);
    wait_over();
    print("wall", (double)(now_ns() - start) / 1e9, "s");
    while (counted() < feeding.fed_count)
        rest_ns(MS);
    finish(feeding.pool);
    print("cpu", (double)(cpu_ns() - cpu) / 1e9, "s");
    check_ran(tasks, 1 + feeding.fed_count, 1);
    print("fed", (double)feeding.fed_count, "jobs");
    bench_form.close(feeding.pool);
    free(tasks);
}

void case_serial(void) { one_job(serial_run); }

void case_feeding(void) {
    if (bench_form.outside)
        one_job(feeding_run);
}
