// SPDX-License-Identifier: MIT
// What the tests of the pool share: pools of every kind, jobs that record
// their fate, gates that hold jobs, counting, and what must abort.
//
// Results are plain variables on purpose: the pool promises that who learns of
// an end sees what was written before it, and ThreadSanitizer checks that. A
// tally is relaxed for the same reason: it must not hide a missing order.
#ifndef TEST_POOL_H
#define TEST_POOL_H

#include "base/atomic.h"
#include "support/check.h"
#include "weir/pool.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_COUNT(array) (sizeof(array) / sizeof((array)[0]))

// ---- counting --------------------------------------------------------------

typedef wr_atomic_u64 tally;

static inline void tally_init(tally *t) { wr_atomic_init(t, 0); }

// tally_add returns the new value.
static inline uint64_t tally_add(tally *t) {
    return wr_fetch_add(t, 1, relaxed, ALONE, "a count, orders nothing") + 1;
}

static inline uint64_t tally_take(tally *t) {
    return wr_fetch_sub(t, 1, relaxed, ALONE, "a count, orders nothing") - 1;
}

static inline uint64_t tally_get(tally *t) {
    return wr_load(t, relaxed, ALONE, "a count, orders nothing");
}

// tally_await returns once the count is at least n. Not for a deterministic
// pool, where nobody else could count.
static inline void tally_await(tally *t, uint64_t n) {
    while (tally_get(t) < n)
        sched_yield();
}

// tally_highest keeps the highest value seen.
static inline void tally_highest(tally *t, uint64_t value) {
    uint64_t seen = tally_get(t);
    while (seen < value && !wr_compare_exchange(t, &seen, value, relaxed, ALONE,
                                                "a maximum, orders nothing"))
        continue;
}

// mark_set and mark_await are a tally that does order: what was done before the
// n-th set is seen after the wait for n.
static inline void mark_set(tally *t) {
    wr_fetch_add(t, 1, release, TEST_POOL_1, "what came before is done");
}

static inline void mark_await(tally *t, uint64_t n) {
    while (wr_load(t, acquire, TEST_POOL_1, "then it may be used") < n)
        sched_yield();
}

// ---- a gate holds jobs until the test opens it -----------------------------

typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned arrived;
    int is_open;
} gate;

static inline void gate_init(gate *g) {
    CHECK_EQ(pthread_mutex_init(&g->mutex, NULL), 0);
    CHECK_EQ(pthread_cond_init(&g->changed, NULL), 0);
    g->arrived = 0;
    g->is_open = 0;
}

static inline void gate_fini(gate *g) {
    pthread_mutex_destroy(&g->mutex);
    pthread_cond_destroy(&g->changed);
}

// gate_pass waits at the gate until it is open.
static inline void gate_pass(gate *g) {
    pthread_mutex_lock(&g->mutex);
    g->arrived++;
    pthread_cond_broadcast(&g->changed);
    while (!g->is_open)
        pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

// gate_await waits until n have arrived.
static inline void gate_await(gate *g, unsigned n) {
    pthread_mutex_lock(&g->mutex);
    while (g->arrived < n)
        pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static inline void gate_open(gate *g) {
    pthread_mutex_lock(&g->mutex);
    g->is_open = 1;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->mutex);
}

// gate_meet arrives and waits until n have.
static inline void gate_meet(gate *g, unsigned n) {
    pthread_mutex_lock(&g->mutex);
    g->arrived++;
    pthread_cond_broadcast(&g->changed);
    while (g->arrived < n)
        pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

// ---- jobs ------------------------------------------------------------------

// A job that records its fate.
typedef struct work {
    weir_job job;
    int result; // what run returns
    int ran;
    int ended;
    int status; // what done got
    int done_on_worker;
    int said_ran;   // what weir_job_ran said in done
    unsigned index; // of the worker that ran it
} work;

static inline int work_run(weir_worker *self, weir_job *job) {
    work *w = (work *)job;
    w->ran++;
    w->index = weir_worker_index(self);
    return w->result;
}

static inline void work_done(weir_job *job, int status) {
    work *w = (work *)job;
    w->ended++;
    w->status = status;
    w->done_on_worker = weir_worker_self() != NULL;
    w->said_ran = weir_job_ran(job);
}

static inline work work_of(int result) {
    return (work){.job = WEIR_JOB_INIT(work_run, work_done), .result = result};
}

static inline void check_ran(const work *w, int status) {
    CHECK_EQ(w->ran, 1);
    CHECK_EQ(w->ended, 1);
    CHECK_EQ(w->said_ran, 1);
    CHECK_EQ(w->status, status);
}

static inline void check_not_run(const work *w, int status) {
    CHECK_EQ(w->ran, 0);
    CHECK_EQ(w->ended, 1);
    CHECK_EQ(w->said_ran, 0);
    CHECK_EQ(w->status, status);
    CHECK_EQ(w->done_on_worker, 1);
}

// A job as it was before a call, to show that the call changed nothing.
static inline void check_untouched(const work *w, const work *before) {
    CHECK_EQ(memcmp(&w->job, &before->job, sizeof(w->job)), 0);
    CHECK_EQ(w->ran, 0);
    CHECK_EQ(w->ended, 0);
}

static inline void submit(weir_pool *pool, weir_job *job) {
    CHECK_EQ(weir_submit(pool, job), 0);
}

static inline void wait_idle(weir_pool *pool) {
    CHECK_EQ(weir_pool_wait_idle(pool, WEIR_FOREVER), 0);
}

// A job that keeps its worker busy at a gate.
typedef struct held {
    weir_job job;
    gate gate;
    unsigned index;
} held;

static inline int held_run(weir_worker *self, weir_job *job) {
    held *h = (held *)job;
    h->index = weir_worker_index(self);
    gate_pass(&h->gate);
    return 0;
}

// hold returns once the job runs and holds its worker.
static inline void hold_named(weir_pool *pool, held *h, const char *name) {
    h->job = (weir_job)WEIR_JOB_INIT(held_run, NULL);
    h->job.name = name;
    gate_init(&h->gate);
    submit(pool, &h->job);
    gate_await(&h->gate, 1);
}

static inline void hold(weir_pool *pool, held *h) {
    hold_named(pool, h, "held");
}

static inline void release(held *h) { gate_open(&h->gate); }

static inline int64_t in_ms(int64_t ms) { return weir_now_ns() + ms * 1000000; }

static inline void until(int64_t deadline_ns) {
    while (weir_now_ns() <= deadline_ns)
        sched_yield();
}

// ---- pools -----------------------------------------------------------------

static inline weir_pool *pool_open(const weir_pool_options *options) {
    weir_pool *pool = NULL;
    CHECK_EQ(weir_pool_create(&pool, options), 0);
    CHECK(pool != NULL);
    return pool;
}

static inline weir_pool *pool_of(int threads) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    return pool_open(&options);
}

static inline weir_pool *pool_seeded(uint64_t seed, unsigned workers) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 0;
    options.virtual_workers = workers;
    options.seed = seed;
    return pool_open(&options);
}

static inline weir_pool_counts counts_of(weir_pool *pool) {
    weir_pool_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_pool_count(pool, &counts), 0);
    return counts;
}

// The equation that holds at any time.
static inline void check_sum(weir_pool *pool) {
    weir_pool_counts c = counts_of(pool);
    CHECK_EQ(c.submitted, c.succeeded + c.failed + c.cancelled + c.timed_out +
                              c.detached + c.queued + c.attached + c.running);
}

// The accounts of a pool that has stopped: every job ended, once.
static inline void check_accounts(weir_pool *pool,
                                  const weir_stop_report *report) {
    weir_pool_counts c = counts_of(pool);
    check_sum(pool);
    CHECK_EQ(c.started, c.succeeded + c.failed);
    CHECK_EQ(c.queued, 0);
    CHECK_EQ(c.attached, 0);
    CHECK_EQ(c.running, 0);
    CHECK_EQ(c.stand_ins, 0);
    CHECK_EQ(report->run, c.started);
    CHECK_EQ(report->not_run, c.cancelled + c.timed_out);
    CHECK(report->shut_down <= report->not_run);
    CHECK_EQ(report->remaining, 0);
    CHECK_EQ(report->running, 0);
}

static inline void pool_close_how(weir_pool *pool, weir_stop_mode mode) {
    weir_stop_report report = {.size = sizeof(report)};
    CHECK_EQ(weir_pool_stop(pool, mode, WEIR_FOREVER, &report), 0);
    check_accounts(pool, &report);
    weir_pool_destroy(pool);
}

// pool_close ends every test: the accounts must be right each time.
static inline void pool_close(weir_pool *pool) {
    pool_close_how(pool, WEIR_STOP_DRAIN);
}

typedef void pool_test(weir_pool *pool);

enum { TEST_SEEDS = 200 };

// for_each_pool_with runs the test on threads 1, 2, 4 and on deterministic
// pools of 1 to 4 workers under many seeds; the rest of the options is kept.
static inline void for_each_pool_with(const weir_pool_options *base,
                                      pool_test *test, unsigned seeds) {
    static const int widths[] = {1, 2, 4};
    weir_pool_options options = *base;
    for (size_t i = 0; i < TEST_COUNT(widths); i++) {
        printf("  threads %d\n", widths[i]);
        fflush(stdout);
        options.threads = widths[i];
        weir_pool *pool = pool_open(&options);
        test(pool);
        pool_close(pool);
    }
    options.threads = 0;
    for (unsigned seed = 0; seed < seeds; seed++) {
        options.virtual_workers = 1 + seed % 4;
        options.seed = seed;
        printf("  deterministic, seed %u\n", seed);
        fflush(stdout);
        weir_pool *pool = pool_open(&options);
        test(pool);
        pool_close(pool);
    }
}

static inline void for_each_pool(pool_test *test) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    for_each_pool_with(&options, test, TEST_SEEDS);
}

// ---- threads of the test ---------------------------------------------------

static inline pthread_t thread_start(void *(*main)(void *), void *arg) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, main, arg), 0);
    return thread;
}

static inline void thread_join(pthread_t thread) {
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

// A thread that stops a pool, and what came of it.
typedef struct stopper {
    weir_pool *pool;
    weir_stop_mode mode;
    weir_stop_report report;
    int result;
    pthread_t thread;
} stopper;

static inline void *stopper_main(void *arg) {
    stopper *s = arg;
    s->report.size = sizeof(s->report);
    s->result = weir_pool_stop(s->pool, s->mode, WEIR_FOREVER, &s->report);
    return NULL;
}

// stopper_start returns once the pool refuses jobs. `probes` counts the jobs
// that were still taken; they have no effect.
static inline int probe_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static inline void probe_done(weir_job *job, int status) {
    (void)status;
    free(job);
}

static inline void stopper_start(stopper *s, weir_pool *pool,
                                 weir_stop_mode mode) {
    *s = (stopper){.pool = pool, .mode = mode};
    s->thread = thread_start(stopper_main, s);
    for (;;) {
        weir_job *probe = calloc(1, sizeof(*probe));
        CHECK(probe != NULL);
        probe->run = probe_run;
        probe->done = probe_done;
        int error = weir_submit(pool, probe);
        if (error == 0) {
            sched_yield();
            continue;
        }
        CHECK_EQ(error, -ESHUTDOWN);
        free(probe);
        return;
    }
}

static inline void stopper_join(stopper *s) {
    thread_join(s->thread);
    CHECK_EQ(s->result, 0);
}

static inline void *thread_nothing(void *arg) { return arg; }

// thread_tells writes its number down.
static inline void *thread_tells(void *arg) {
    *(pid_t *)arg = gettid();
    return NULL;
}

// threads_alive counts this process's threads.
static inline unsigned threads_alive(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL)
        SKIP("no /proc");
    unsigned count = 0;
    for (struct dirent *e; (e = readdir(tasks)) != NULL;)
        count += e->d_name[0] != '.';
    closedir(tasks);
    return count;
}

// threads_before counts them before a pool is made. A sanitizer starts a thread
// of its own beside the first, and the one joined here may stay for a moment:
// the count is taken once that is gone and no other has come for a while.
static inline unsigned threads_before(void) {
    pid_t number;
    char path[64];
    thread_join(thread_start(thread_tells, &number));
    snprintf(path, sizeof(path), "/proc/self/task/%d", (int)number);
    while (access(path, F_OK) == 0)
        sched_yield();
    unsigned count = threads_alive();
    for (int same = 0; same < 100; same++) {
        sched_yield();
        if (threads_alive() != count) {
            count = threads_alive();
            same = 0;
        }
    }
    return count;
}

// A joined thread may stay in /proc for a moment; a lost one stays for ever,
// and the test then ends by its time limit.
static inline void threads_await(unsigned count) {
    while (threads_alive() != count)
        sched_yield();
}

// ---- what must abort -------------------------------------------------------

// check_aborts runs the function in a child process, which must abort with a
// line on stderr that contains `text`. Call it while this process has no pool.
static inline void check_aborts(void (*function)(void), const char *text) {
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        function();
        _exit(0);
    }
    close(ends[1]);
    char said[4096];
    size_t length = 0;
    for (ssize_t n; length < sizeof(said) - 1; length += (size_t)n) {
        n = read(ends[0], said + length, sizeof(said) - 1 - length);
        if (n <= 0)
            break;
    }
    said[length] = 0;
    close(ends[0]);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
        CHECK_FAIL("wait status %#x, not an abort; it said: %s",
                   (unsigned)status, said);
    if (strstr(said, "weir: ") == NULL || strstr(said, text) == NULL)
        CHECK_FAIL("the line lacks \"%s\": %s", text, said);
}

#endif // TEST_POOL_H
