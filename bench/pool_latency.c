// SPDX-License-Identifier: MIT
// Cases of pool.c: how soon a job starts.
//
//   hot     submit, run, the caller, who spins, sees it; again at once
//   parked  one job each 3 ms into a pool that sleeps, and in turns with it, in
//           an order that is drawn, a bare futex wake of one thread: submit
//           until the other thread reads the clock. The thread that wakes
//           them has a processor for itself
//   busy    jobs of 50 us, two for each worker, submit themselves again when
//           they have ended; meanwhile a job from outside each millisecond.
//           One that has not started 10 s (quick: 2 s) after the start of
//           the case ends it: "never" is 1
//   fork    a job offers a piece of itself and is busy until another worker has
//           started it; 20 us or 2 ms of work between two
#include "pool_cases.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    PARKED_GAP = 3 * MS,
    BUSY_NS = 50 * US,
    BUSY_PER_WORKER = 2,
    NEVER_S = 10,
    NEVER_QUICK_S = 2
};

// How many of its jobs the case has seen run; all wait for this to change.
static wr_atomic_u32 seen;

static void start_and_tell(task *t) {
    t->started = now_ns();
    t->ran++;
    wr_fetch_add(&seen, 1, release, BENCH_SEEN_1, "with when it started");
}

static void start(task *t) {
    t->started = now_ns();
    t->ran++;
}

static void tell(task *t) {
    (void)t;
    wr_fetch_add(&seen, 1, release, BENCH_SEEN_1, "with when it started");
}

static uint32_t look(void) {
    return wr_load(&seen, acquire, BENCH_SEEN_1,
                   "then when it started is here");
}

// ---- hot -------------------------------------------------------------------

// Told in done: then the job is the caller's again.
void case_hot(void) {
    if (!bench_form.outside) // a loop tells it, and has to be run for that
        return;
    size_t warm_up = 2000;
    size_t count = set.quick ? 20000 : 50000;
    void *pool = bench_form.open(set.workers);
    task *t = tasks_of(1);
    prepare(pool, t, 1, start, tell);
    samples begun = samples_of(count);
    samples trip = samples_of(count);
    int64_t cpu = 0;
    for (size_t i = 0; i < warm_up + count; i++) {
        uint32_t before = look();
        if (i == warm_up)
            cpu = cpu_ns();
        int64_t begin = now_ns();
        bench_form.submit(pool, t);
        while (look() == before)
            continue;
        int64_t end = now_ns();
        if (i < warm_up)
            continue;
        add(&begun, t->started - begin);
        add(&trip, end - begin);
    }
    cpu = cpu_ns() - cpu;
    finish(pool);
    check_ran(t, 1, warm_up + count);
    print("cpu", (double)cpu / 1e3 / (double)count, "us");
    print_samples("start", &begun);
    print_samples("trip", &trip);
    bench_form.close(pool);
    free(t);
}

// ---- parked ----------------------------------------------------------------

static struct {
    wr_atomic_u32 word; // grows with each wake; 0: not yet
    wr_atomic_u32 woken;
    int64_t woken_ns;
    wr_atomic_u32 over;
} bare;

// This thread has the first processor for itself, those that it starts before
// keep_to(1, ...) have the others: it would be another thing to wake one that
// sleeps on this thread's, and that is as chance has it.
static void keep_to(bool first, const cpu_set_t *all) {
    cpu_set_t kept;
    CPU_ZERO(&kept);
    bool any = false;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, all)) {
            if (any != first)
                CPU_SET(cpu, &kept);
            any = true;
        }
    if (CPU_COUNT(all) > 1 && sched_setaffinity(0, sizeof(kept), &kept) != 0)
        bench_fail("sched_setaffinity", first);
}

static void futex(wr_atomic_u32 *word, int operation, uint32_t value) {
    syscall(SYS_futex, &word->value, operation | FUTEX_PRIVATE_FLAG, value,
            NULL, NULL, 0);
}

static void *sleep_bare(void *unused) {
    (void)unused;
    for (uint32_t at = 0;;) {
        while (wr_load(&bare.word, acquire, BENCH_BARE_1, "what it says") == at)
            futex(&bare.word, FUTEX_WAIT, at);
        bare.woken_ns = now_ns();
        if (wr_load(&bare.over, relaxed, ALONE, "stored before the word") != 0)
            return NULL;
        at++;
        wr_store(&bare.woken, at, release, BENCH_BARE_2, "with the time");
    }
}

static void wake_bare(void) {
    wr_fetch_add(&bare.word, 1, release, BENCH_BARE_1, "the sleeper goes on");
    futex(&bare.word, FUTEX_WAKE, 1);
}

// -1: not before the rest was over.
static int64_t once_bare(void) {
    static uint32_t times;
    int64_t begin = now_ns();
    wake_bare();
    rest_ns(PARKED_GAP);
    times++;
    if (wr_load(&bare.woken, acquire, BENCH_BARE_2, "then the time is here") !=
        times)
        return -1;
    return bare.woken_ns - begin;
}

static int64_t once_pool(void *pool, task *t) {
    uint32_t before = look();
    int64_t begin = now_ns();
    bench_form.submit(pool, t);
    rest_ns(PARKED_GAP);
    // A loop's thread learns here that it has ended.
    if (!bench_form.outside)
        finish(pool);
    if (look() == before)
        return -1;
    return t->started - begin;
}

static void parked_rounds(void *pool, task *tasks, size_t count) {
    samples begun = samples_of(count);
    samples wake = samples_of(count);
    uint64_t random = (uint64_t)now_ns();
    for (size_t i = 0; i < count; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        bool first = random >> 63;
        int64_t own = first ? once_pool(pool, task_at(tasks, i)) : 0;
        int64_t other = once_bare();
        if (!first)
            own = once_pool(pool, task_at(tasks, i));
        if (own < 0 || other < 0) { // a neighbour held it up: neither counts
            rest_ns(10 * PARKED_GAP);
            continue;
        }
        add(&begun, own);
        add(&wake, other);
    }
    print("ratio", quantile(&begun, 50) / quantile(&wake, 50), "x");
    print_samples("start", &begun);
    print_samples("futex", &wake);
}

void case_parked(void) {
    size_t count = set.quick ? 150 : 400;
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof(all), &all) != 0)
        bench_fail("sched_getaffinity", 0);
    keep_to(false, &all);
    void *pool = bench_form.open(set.workers);
    task *tasks = tasks_of(count + 1);
    prepare(pool, tasks, count + 1, start_and_tell, NULL);
    pthread_t thread;
    if (pthread_create(&thread, NULL, sleep_bare, NULL) != 0)
        bench_fail("pthread_create", 0);
    bench_form.submit(pool, task_at(tasks, count)); // some start threads here
    rest_ns(10 * PARKED_GAP);
    finish(pool);
    keep_to(true, &all);
    parked_rounds(pool, tasks, count);
    wr_store(&bare.over, 1, relaxed, ALONE, "before the word");
    wake_bare();
    pthread_join(thread, NULL);
    finish(pool);
    check_ran(tasks, count + 1, 1);
    bench_form.close(pool);
    free(tasks);
}

// ---- busy ------------------------------------------------------------------

static struct {
    void *pool;
    wr_atomic_u32 over;
    wr_atomic_u32 left; // of those that submit themselves
    wr_atomic_u32 began;
    wr_atomic_u32 word; // the caller sleeps on it
} busy;

static void busy_run(task *t) {
    t->ran++;
    busy_ns(BUSY_NS);
}

static void busy_again(task *t) {
    if (wr_load(&busy.over, relaxed, ALONE, "one more does no harm") == 0)
        bench_form.submit(busy.pool, t);
    else
        wr_fetch_sub(&busy.left, 1, release, BENCH_BUSY_1, "it is over");
}

static void busy_start(task *t) {
    start_and_tell(t);
    futex(&seen, FUTEX_WAKE, 1);
}

// False: it did not start.
static bool busy_wait(uint32_t before, int64_t end) {
    while (look() == before) {
        int64_t left = end - now_ns();
        if (left <= 0)
            return false;
        struct timespec until = {left / SECOND, left % SECOND};
        syscall(SYS_futex, &seen.value, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, before,
                &until, NULL, 0);
    }
    return true;
}

void case_busy(void) {
    if (!bench_form.outside)
        return;
    size_t count = set.quick ? 200 : 500;
    size_t own = (size_t)set.workers * BUSY_PER_WORKER;
    busy.pool = bench_form.open(set.workers);
    wr_atomic_init(&busy.left, (uint32_t)own);
    task *tasks = tasks_of(own + count);
    prepare(busy.pool, tasks, own + count, busy_start, NULL);
    samples begun = samples_of(count);
    bool never = false;
    int64_t end =
        now_ns() + (int64_t)(set.quick ? NEVER_QUICK_S : NEVER_S) * SECOND;
    for (size_t i = 0; i < own; i++) {
        task_at(tasks, i)->run = busy_run;
        task_at(tasks, i)->done = busy_again;
    }
    if (bench_form.prepare != NULL)
        bench_form.prepare(busy.pool, tasks, own + count);
    for (size_t i = 0; i < own; i++)
        bench_form.submit(busy.pool, task_at(tasks, i));
    rest_ns(5 * MS);
    for (size_t i = 0; i < count && !never; i++) {
        task *t = task_at(tasks, own + i);
        rest_ns(MS / 2 + (int64_t)(i * 7919 % 1000) * US);
        uint32_t before = look();
        int64_t begin = now_ns();
        bench_form.submit(busy.pool, t);
        never = !busy_wait(before, end);
        add(&begun, never ? end - begin : t->started - begin);
    }
    wr_store(&busy.over, 1, relaxed, ALONE, "they may see it later");
    while (wr_load(&busy.left, acquire, BENCH_BUSY_1, "all are over") > 0)
        rest_ns(MS);
    finish(busy.pool);
    print("never", never, "");
    print_samples("start", &begun);
    bench_form.close(busy.pool);
    if (!never)
        free(tasks);
}

// ---- fork ------------------------------------------------------------------

static struct {
    task here, there;
    samples start;
    int64_t gap;
    int64_t offered;
    size_t never; // within 10 ms
    wr_atomic_u32 over;
} forking;

static void fork_meanwhile(task *unused) {
    (void)unused;
    uint32_t before = look();
    forking.offered = now_ns();
    int64_t end = forking.offered + 10 * MS;
    while (look() == before)
        if (now_ns() > end) {
            forking.never++;
            return;
        }
}

static void fork_rounds(task *unused) {
    (void)unused;
    forking.there.run = start_and_tell;
    forking.here.run = fork_meanwhile;
    for (size_t i = 0; i < forking.start.room; i++) {
        busy_ns(forking.gap);
        int64_t begin = now_ns();
        bench_form.both(&forking.here, &forking.there);
        add(&forking.start, forking.there.started - begin);
    }
    if (forking.there.ran != forking.start.room)
        bench_fail("forks that ran", (long long)forking.there.ran);
    forking.there.ran = 0;
    wr_store(&forking.over, 1, release, BENCH_FORK_1, "with the samples");
}

void case_fork(void) {
    static const struct {
        const char *name;
        int64_t gap;
        size_t count;
    } gaps[] = {{"20us", 20 * US, 10000}, {"2ms", 2 * MS, 200}};
    if (bench_form.both == NULL)
        return;
    void *pool = bench_form.open(set.workers);
    task *tasks = tasks_of(2);
    prepare(pool, tasks, 2, fork_rounds, NULL);
    for (size_t i = 0; i < 2; i++) {
        forking.start =
            samples_of(set.quick ? gaps[i].count / 2 : gaps[i].count);
        forking.gap = gaps[i].gap;
        forking.never = 0;
        wr_store(&forking.over, 0, relaxed, ALONE, "nothing runs");
        int64_t cpu = cpu_ns();
        int64_t begin = now_ns();
        bench_form.submit(pool, task_at(tasks, i));
        while (wr_load(&forking.over, acquire, BENCH_FORK_1, "all ran") == 0)
            rest_ns(MS);
        finish(pool);
        double took = (double)(now_ns() - begin);
        char name[32];
        snprintf(name, sizeof(name), "%s.never", gaps[i].name);
        print(name, (double)forking.never, "");
        snprintf(name, sizeof(name), "%s.cpus", gaps[i].name);
        print(name, (double)(cpu_ns() - cpu) / took, "");
        print_samples(gaps[i].name, &forking.start);
    }
    bench_form.close(pool);
    free(tasks);
}
