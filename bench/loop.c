// SPDX-License-Identifier: MIT
// What it costs to leave an event loop for a pool and to come back: the cases
// of bench/peers/src/bridge.rs by the same names, on the forms of this program.
// Prints lines "name value unit".
//
//   bench_loop FORM CASE [--threads N] [--quick]
//
// All timers are a timerfd that the loop watches, so that no form's own timers
// (libuv's and tokio's round to milliseconds) are measured instead.
#include "loop.h"

#include "base/atomic.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000 };

static const form *f;
static unsigned threads; // 0: as the form comes
static bool quick;

void bench_fail(const char *what, long long got) {
    fprintf(stderr, "bench_loop: %s: %lld\n", what, got);
    exit(1);
}

// ---- allocations: of the whole process, glibc's names underneath -----------

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static wr_atomic_u64 allocations;

static void count_one(void) {
    wr_fetch_add(&allocations, 1, relaxed, ALONE, "only counted");
}

void *malloc(size_t size) {
    count_one();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    count_one();
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    count_one();
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count_one();
    return __libc_memalign(alignment, size);
}

static uint64_t allocations_now(void) {
    return wr_load(&allocations, relaxed, ALONE, "only counted");
}

// ---- clocks and figures ----------------------------------------------------

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t of_timeval(struct timeval value) {
    return (int64_t)value.tv_sec * 1000000000 + (int64_t)value.tv_usec * 1000;
}

static int64_t cpu_ns(void) {
    struct rusage usage;
    bench_ok("getrusage", getrusage(RUSAGE_SELF, &usage));
    return of_timeval(usage.ru_utime) + of_timeval(usage.ru_stime);
}

static void print(const char *name, const char *what, double value,
                  const char *unit) {
    printf("%s.%s %.3f %s\n", name, what, value, unit);
}

// Samples of one kind, in nanoseconds.
typedef struct samples {
    size_t count;
    size_t room;
    int64_t *values;
    int64_t sum;
} samples;

static samples samples_of(size_t room) {
    samples s = {.room = room, .values = malloc(room * sizeof(int64_t))};
    if (s.values == NULL)
        bench_fail("no memory for samples", (long long)room);
    memset(s.values, 0, room * sizeof(int64_t));
    return s;
}

static void add(samples *s, int64_t value) {
    if (s->count < s->room)
        s->values[s->count++] = value;
    s->sum += value;
}

static int by_value(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

// Prints p50, p90, p99 and the highest, and forgets them.
static void print_samples(const char *name, samples *s, double per,
                          const char *unit) {
    if (s->count == 0)
        bench_fail("no samples", 0);
    qsort(s->values, s->count, sizeof(int64_t), by_value);
    size_t last = s->count - 1;
    print(name, "p50", (double)s->values[last * 50 / 100] / per, unit);
    print(name, "p90", (double)s->values[last * 90 / 100] / per, unit);
    print(name, "p99", (double)s->values[last * 99 / 100] / per, unit);
    print(name, "max", (double)s->values[last] / per, unit);
    free(s->values);
}

// ---- tasks and timers ------------------------------------------------------

static task *tasks_of(size_t count) {
    void *tasks = calloc(count, f->task_size);
    if (tasks == NULL)
        bench_fail("no memory for tasks", (long long)count);
    memset(tasks, 0, count * f->task_size); // in memory, before the clock
    return tasks;
}

static task *task_at(task *tasks, size_t index) {
    return (task *)(void *)((char *)tasks + index * f->task_size);
}

static void submit(task *t) {
    t->submitted = now_ns();
    f->submit(t);
}

static void run_nothing(task *t) { (void)t; }

static void run_busy(task *t) {
    t->started = now_ns();
    do
        t->ended = now_ns();
    while (t->ended - t->started < t->for_ns);
}

static void run_sleep(task *t) {
    struct timespec left = {.tv_sec = t->for_ns / 1000000000,
                            .tv_nsec = t->for_ns % 1000000000};
    while (nanosleep(&left, &left) != 0)
        continue;
}

static int timer = -1;

// Fires at `first`, then every `every` nanoseconds, if that is not 0.
static void timer_set(int64_t first, int64_t every) {
    struct itimerspec when = {
        .it_value = {first / 1000000000, first % 1000000000},
        .it_interval = {every / 1000000000, every % 1000000000}};
    bench_ok("timer", timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL));
}

// How many times it has fired since the last look.
static uint64_t timer_fired(void) {
    uint64_t times;
    return read(timer, &times, sizeof(times)) == sizeof(times) ? times : 0;
}

static void timer_watch(void (*readable)(void)) {
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0)
        bench_fail("timerfd_create", timer);
    f->watch(timer, readable);
}

// ---- hot: submit the next when the last is delivered -----------------------

static struct {
    samples latency;
    size_t warm_up;
    uint64_t allocations;
    int64_t cpu;
} hot;

static void hot_done(task *t) {
    int64_t took = now_ns() - t->submitted;
    if (hot.warm_up > 0) {
        if (--hot.warm_up == 0) {
            hot.allocations = allocations_now();
            hot.cpu = cpu_ns();
        }
    } else {
        add(&hot.latency, took);
    }
    if (hot.latency.count < hot.latency.room)
        submit(t);
    else
        f->stop();
}

static void case_hot(const char *name) {
    size_t count = quick ? 5000 : 20000;
    f->open(threads);
    hot.latency = samples_of(count);
    hot.warm_up = 1000;
    task *t = tasks_of(1);
    t->run = run_nothing;
    t->done = hot_done;
    submit(t);
    f->run();
    print(name, "cpu", (double)(cpu_ns() - hot.cpu) / 1e3 / (double)count,
          "us");
    print(name, "allocations",
          (double)(allocations_now() - hot.allocations) / (double)count,
          "each");
    print_samples(name, &hot.latency, 1e3, "us");
    f->close();
    free(t);
}

// ---- idle: the loop and the pool slept for 2 ms before ---------------------

static struct {
    samples latency;
    task *task;
} idle;

static void idle_rest(void) { timer_set(now_ns() + 2 * MS, 0); }

static void idle_wake(void) {
    if (timer_fired() > 0)
        submit(idle.task);
}

static void idle_done(task *t) {
    add(&idle.latency, now_ns() - t->submitted);
    if (idle.latency.count < idle.latency.room)
        idle_rest();
    else
        f->stop();
}

static void case_idle(const char *name) {
    f->open(threads);
    idle.latency = samples_of(quick ? 60 : 100);
    idle.task = tasks_of(1);
    idle.task->run = run_nothing;
    idle.task->done = idle_done;
    timer_watch(idle_wake);
    idle_rest();
    f->run();
    print_samples(name, &idle.latency, 1e3, "us");
    f->close();
    free(idle.task);
}

// ---- burst: 10^5 at once ---------------------------------------------------

enum { BURST = 100000 };

static size_t burst_left;

static void burst_done(task *t) {
    (void)t;
    if (--burst_left == 0)
        f->stop();
}

// The best of three, one by one or by what the form has for many.
static void burst(const char *name, task *tasks, bool all, const char *wall,
                  const char *cpu_name) {
    int64_t lowest = INT64_MAX;
    int64_t lowest_cpu = INT64_MAX;
    for (int round = 0; round < 3; round++) {
        burst_left = BURST;
        int64_t cpu = cpu_ns();
        int64_t start = now_ns();
        for (size_t i = 0; i < BURST && !all; i++)
            f->submit(task_at(tasks, i));
        if (all)
            f->submit_all(tasks, BURST);
        f->run();
        int64_t took = now_ns() - start;
        cpu = cpu_ns() - cpu;
        lowest = took < lowest ? took : lowest;
        lowest_cpu = cpu < lowest_cpu ? cpu : lowest_cpu;
    }
    print(name, wall, (double)lowest / BURST, "ns/offload");
    print(name, cpu_name, (double)lowest_cpu / BURST, "ns/offload");
}

static void case_burst(const char *name) {
    f->open(threads);
    task *tasks = tasks_of(BURST);
    for (size_t i = 0; i < BURST; i++) {
        task_at(tasks, i)->run = run_nothing;
        task_at(tasks, i)->done = burst_done;
    }
    burst(name, tasks, false, "wall", "cpu");
    if (f->submit_all != NULL)
        burst(name, tasks, true, "batch", "batch_cpu");
    f->close();
    free(tasks);
}

// ---- line: a 10 ms job, 1 ms later one of 500 ms, 4 workers ----------------

static struct {
    task *tasks;
    int64_t took; // of the short one
    int left;
} line;

static void line_done(task *t) {
    if (t == line.tasks)
        line.took = now_ns() - t->submitted;
    if (--line.left == 0)
        f->stop();
}

static void line_second(void) {
    if (timer_fired() > 0)
        submit(task_at(line.tasks, 1));
}

static void case_line(const char *name) {
    f->open(4);
    line.tasks = tasks_of(2);
    line.left = 2;
    for (size_t i = 0; i < 2; i++) {
        task_at(line.tasks, i)->run = run_sleep;
        task_at(line.tasks, i)->done = line_done;
        task_at(line.tasks, i)->for_ns = i == 0 ? 10 * MS : 500 * MS;
    }
    timer_watch(line_second);
    submit(line.tasks);
    timer_set(now_ns() + MS, 0);
    f->run();
    print(name, "short", (double)line.took / 1e6, "ms");
    f->close();
    free(line.tasks);
}

// ---- mixed: each 2 ms a job, 1 of 10 of 30 ms, the others of 2 ms ----------

static struct {
    samples latency; // of those of 2 ms
    task *tasks;
    size_t count;
    size_t next;
    size_t left;
} mixed;

static void mixed_done(task *t) {
    if (t->for_ns == 2 * MS)
        add(&mixed.latency, now_ns() - t->submitted);
    if (--mixed.left == 0)
        f->stop();
}

static void mixed_tick(void) {
    uint64_t due = timer_fired();
    while (due-- > 0 && mixed.next < mixed.count)
        submit(task_at(mixed.tasks, mixed.next++));
}

static void case_mixed(const char *name) {
    mixed.count = quick ? 1000 : 3000;
    f->open(4);
    mixed.latency = samples_of(mixed.count);
    mixed.tasks = tasks_of(mixed.count);
    mixed.left = mixed.count;
    uint64_t random = 1;
    for (size_t i = 0; i < mixed.count; i++) {
        task *t = task_at(mixed.tasks, i);
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        t->for_ns = (random >> 33) % 10 == 0 ? 30 * MS : 2 * MS;
        t->run = run_sleep;
        t->done = mixed_done;
    }
    timer_watch(mixed_tick);
    timer_set(now_ns() + 2 * MS, 2 * MS);
    f->run();
    print_samples(name, &mixed.latency, 1e6, "ms");
    f->close();
    free(mixed.tasks);
}

// ---- late: a timer of 1 ms while 64 busy jobs are always in flight ---------

enum { LATE_JOBS = 64 };

static struct {
    samples lateness;
    int64_t due; // the next tick
    size_t left; // jobs in flight
} late;

static void late_done(task *t) {
    if (late.lateness.count < late.lateness.room)
        f->submit(t);
    else if (--late.left == 0)
        f->stop();
}

static void late_tick(void) {
    uint64_t times = timer_fired();
    int64_t now = now_ns();
    for (; times > 0; times--, late.due += MS)
        add(&late.lateness, now - late.due);
}

static void case_late(const char *name) {
    f->open(threads);
    late.lateness = samples_of(quick ? 250 : 400);
    late.left = LATE_JOBS;
    task *tasks = tasks_of(LATE_JOBS);
    for (size_t i = 0; i < LATE_JOBS; i++) {
        task *t = task_at(tasks, i);
        t->run = run_busy;
        t->done = late_done;
        t->for_ns = MS;
        f->submit(t);
    }
    timer_watch(late_tick);
    late.due = now_ns() + 5 * MS;
    timer_set(late.due, MS);
    f->run();
    print_samples(name, &late.lateness, 1e3, "us");
    f->close();
    free(tasks);
}

// ---- cost: what an offload adds around a busy job --------------------------

static struct {
    samples added;
    int64_t busy;
} cost;

static void cost_done(task *t) {
    int64_t busy = t->ended - t->started;
    add(&cost.added, now_ns() - t->submitted - busy);
    cost.busy += busy;
    if (cost.added.count < cost.added.room)
        submit(t);
    else
        f->stop();
}

static void case_cost(const char *name) {
    static const struct {
        const char *name;
        int64_t ns;
        size_t count;
    } sizes[] = {{"10us", 10000, 1000},
                 {"100us", 100000, 300},
                 {"1ms", MS, 60},
                 {"2ms", 2 * MS, 40},
                 {"10ms", 10 * MS, 10}};
    f->open(threads);
    task *t = tasks_of(1);
    t->run = run_busy;
    t->done = cost_done;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        char full[32];
        snprintf(full, sizeof(full), "%s.%s", name, sizes[i].name);
        size_t count = quick ? (sizes[i].count + 1) / 2 : sizes[i].count;
        cost.added = samples_of(count);
        cost.busy = 0;
        t->for_ns = sizes[i].ns;
        int64_t cpu = cpu_ns();
        submit(t);
        f->run();
        cpu = cpu_ns() - cpu - cost.busy;
        print(full, "cpu", (double)cpu / 1e3 / (double)count, "us");
        print_samples(full, &cost.added, 1e3, "us");
    }
    f->close();
    free(t);
}

// ---- main ------------------------------------------------------------------

static const struct {
    const char *name;
    void (*run)(const char *name);
} cases[] = {{"hot", case_hot},    {"idle", case_idle}, {"burst", case_burst},
             {"line", case_line},  {"late", case_late}, {"cost", case_cost},
             {"mixed", case_mixed}};

enum { CASES = sizeof(cases) / sizeof(*cases) };

_Noreturn static void usage(void) {
    fputs("usage: bench_loop FORM CASE [--threads N] [--quick]\nforms:",
          stderr);
    for (size_t i = 0; forms[i] != NULL; i++)
        fprintf(stderr, " %s", forms[i]->name);
    fputs("\ncases:", stderr);
    for (size_t i = 0; i < CASES; i++)
        fprintf(stderr, " %s", cases[i].name);
    fputs("\n", stderr);
    exit(2);
}

int main(int argc, char **argv) {
    if (argc < 3)
        usage();
    for (size_t i = 0; forms[i] != NULL; i++)
        if (strcmp(forms[i]->name, argv[1]) == 0)
            f = forms[i];
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            quick = true;
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            threads = (unsigned)strtoul(argv[++i], NULL, 10);
        else
            usage();
    }
    for (size_t i = 0; f != NULL && i < CASES; i++)
        if (strcmp(cases[i].name, argv[2]) == 0) {
            cases[i].run(cases[i].name);
            return 0;
        }
    usage();
}
