// SPDX-License-Identifier: MIT
// The limits of bench/graph.sh's rows on this machine, without a graph:
//
//   submit   a job of the pool, from submission to end, for an empty task
//   hop      a job that submits the next one, for a link of a chain
//   trip     a word to another process and back: by spinning, by a futex, by
//            two pipes
//   kill     from kill(2) to poll(2) on its pidfd
//   sweep    a ring in shared memory, for pipelined tasks
//
//   bench_graph_floor CASE [--count N] [--rounds N]
#include "graph.h"

#include "base/atomic.h"
#include "weir/pool.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void *shared(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        bench_fail("mmap", errno);
    return memory;
}

static pid_t child_of(void (*run)(void)) {
    pid_t child = fork();
    if (child < 0)
        bench_fail("fork", errno);
    if (child > 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    run();
    _exit(0);
}

static void reap(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

// ---- the pool --------------------------------------------------------------

static weir_pool *pool;
static unsigned left;

static weir_pool *pool_start(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = (int)bench_set.threads;
    bench_ok("pool", weir_pool_create(&pool, &options));
    return pool;
}

static int nothing(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void submit(void) {
    bench_meter m = {.rounds = 0};
    weir_job *jobs = bench_memory(bench_set.count * sizeof(jobs[0]));
    pool_start();
    while (bench_more(&m)) {
        bench_begin(&m);
        for (unsigned i = 0; i < bench_set.count; i++) {
            jobs[i] = (weir_job)WEIR_JOB_INIT(nothing, NULL);
            bench_ok("submit", weir_submit(pool, &jobs[i]));
        }
        bench_ok("idle", weir_pool_wait_idle(pool, WEIR_FOREVER));
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, "empty", "ns");
    weir_pool_destroy(pool);
}

static void next(weir_job *job, int status) {
    (void)status;
    if (--left == 0)
        return;
    *job = (weir_job)WEIR_JOB_INIT(nothing, next);
    bench_ok("submit", weir_submit(pool, job));
}

static void hop(void) {
    bench_meter m = {.rounds = 0};
    weir_job job;
    pool_start();
    while (bench_more(&m)) {
        left = bench_set.count;
        job = (weir_job)WEIR_JOB_INIT(nothing, next);
        bench_begin(&m);
        bench_ok("submit", weir_submit(pool, &job));
        bench_ok("idle", weir_pool_wait_idle(pool, WEIR_FOREVER));
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, "chain", "ns");
    weir_pool_destroy(pool);
}

// ---- words between processes -----------------------------------------------

static struct words {
    wr_atomic_u32 ping;
    char apart[124];
    wr_atomic_u32 pong;
    char apart_too[124];
} * words;
static int to[2], from[2];

static uint32_t look(wr_atomic_u32 *word) {
    return wr_load(word, acquire, TRIP, "what came with it");
}

static void put(wr_atomic_u32 *word, uint32_t value) {
    wr_store(word, value, release, TRIP, "what goes with it");
}

static void spin_until(wr_atomic_u32 *word, uint32_t value) {
    while (look(word) != value)
        __builtin_ia32_pause();
}

static void spin_echo(void) {
    for (uint32_t turn = 1;; turn++) {
        spin_until(&words->ping, turn);
        put(&words->pong, turn);
    }
}

static void spin_trip(uint32_t turn) {
    put(&words->ping, turn);
    spin_until(&words->pong, turn);
}

static void futex_until(wr_atomic_u32 *word, uint32_t value) {
    while (look(word) != value)
        syscall(SYS_futex, word, FUTEX_WAIT, value - 1, NULL, NULL, 0);
}

static void futex_put(wr_atomic_u32 *word, uint32_t value) {
    put(word, value);
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void futex_echo(void) {
    for (uint32_t turn = 1;; turn++) {
        futex_until(&words->ping, turn);
        futex_put(&words->pong, turn);
    }
}

static void futex_trip(uint32_t turn) {
    futex_put(&words->ping, turn);
    futex_until(&words->pong, turn);
}

static void pipe_echo(void) {
    char byte;
    while (read(to[0], &byte, 1) == 1 && write(from[1], &byte, 1) == 1)
        continue;
}

static void pipe_trip(uint32_t turn) {
    char byte = (char)turn;
    if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1)
        bench_fail("pipe", errno);
}

static void trips(const char *name, void (*echo)(void),
                  void (*trip)(uint32_t turn)) {
    unsigned warm = bench_set.count / 10 + 1;
    double *times = bench_memory((bench_set.count + warm) * sizeof(double));
    words = shared(sizeof(*words));
    pid_t child = child_of(echo);
    for (unsigned i = 0; i < bench_set.count + warm; i++) {
        int64_t begun = bench_now_ns();
        trip(i + 1);
        times[i] = (double)(bench_now_ns() - begun);
    }
    reap(child);
    bench_times_print(times + warm, bench_set.count, name);
}

static void trip(void) {
    if (pipe(to) != 0 || pipe(from) != 0)
        bench_fail("pipe", errno);
    trips("spin", spin_echo, spin_trip);
    trips("futex", futex_echo, futex_trip);
    trips("pipe", pipe_echo, pipe_trip);
}

// A word of one cache line each way for an item, 64 of them under way.
enum { RING = 64 };
static struct lane {
    wr_atomic_u32 full;
    char item[60];
} * lanes;

static void sweep_echo(void) {
    for (uint32_t turn = 0;; turn++) {
        struct lane *lane = &lanes[turn % RING];
        spin_until(&lane->full, 2 * (turn / RING) + 1);
        put(&lane->full, 2 * (turn / RING) + 2);
    }
}

static void sweep(void) {
    bench_meter m = {.rounds = 0};
    lanes = shared(RING * sizeof(*lanes));
    pid_t child = child_of(sweep_echo);
    uint32_t turn = 0;
    while (bench_more(&m)) {
        bench_begin(&m);
        for (unsigned i = 0; i < bench_set.count; i++, turn++) {
            struct lane *lane = &lanes[turn % RING];
            spin_until(&lane->full, 2 * (turn / RING));
            put(&lane->full, 2 * (turn / RING) + 1);
        }
        bench_end(&m, bench_set.count);
    }
    reap(child);
    bench_meter_print(&m, "stream", "ns");
}

// ---- death -----------------------------------------------------------------

static void sleep_on(void) {
    put(&words->ping, 1);
    for (;;)
        pause();
}

static void death(void) {
    double *times = bench_memory(bench_set.count * sizeof(double));
    words = shared(sizeof(*words));
    for (unsigned i = 0; i < bench_set.count; i++) {
        put(&words->ping, 0);
        pid_t child = child_of(sleep_on);
        int handle = (int)syscall(SYS_pidfd_open, child, 0);
        struct pollfd wanted = {handle, POLLIN, 0};
        struct timespec rest = {0, 2000000};
        spin_until(&words->ping, 1);
        nanosleep(&rest, NULL);
        int64_t begun = bench_now_ns();
        kill(child, SIGKILL);
        if (poll(&wanted, 1, -1) != 1)
            bench_fail("poll", errno);
        times[i] = (double)(bench_now_ns() - begun);
        close(handle);
        waitpid(child, NULL, 0);
    }
    bench_times_print(times, bench_set.count, "kill");
}

int main(int argc, char **argv) {
    static const bench_case cases[] = {{"submit", submit}, {"hop", hop},
                                       {"trip", trip},     {"sweep", sweep},
                                       {"kill", death},    {NULL, NULL}};
    return bench_main(argc, argv, cases);
}
