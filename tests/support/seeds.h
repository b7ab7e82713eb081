// SPDX-License-Identifier: MIT
// A room under many seeds: a scenario draws what it does from a seed, on a
// deterministic pool that draws from it who goes on at each switch point, and
// checks the laws. The same seed does the same again.
//
//   test_seeds_x all                 the seeds 1, 2, ... (ctest does this)
//   WEIR_SEED=17 test_seeds_x all    that one, and tells what happens:
//                                    make replay CASE=x.all SEED=17
//
// The seeds run in a process of their own, so that whatever one does (a failed
// check, an abort, a hang) its number is told.
#ifndef TEST_SEEDS_H
#define TEST_SEEDS_H

#include "base/random.h"
#include "support/pool.h"

#include <sys/mman.h>

enum { SEED_SECONDS_MAX = 200 };

// Does all of a scenario on this pool and leaves nothing in it. The pool may
// have been stopped.
typedef void seed_scenario(weir_pool *pool, uint64_t seed);

// ---- chance ----------------------------------------------------------------

static uint64_t seed_state;

static inline uint64_t seed_below(uint64_t limit) {
    return wr_random_below(&seed_state, (uint32_t)limit);
}

// One in so many.
static inline int seed_one_in(uint64_t many) { return seed_below(many) == 0; }

// ---- telling ---------------------------------------------------------------

static int seed_tells;

// SAY tells, in a replay, what a scenario does. Only then are its arguments
// looked at: they do nothing.
#define SAY(...)                                                               \
    do {                                                                       \
        if (seed_tells) {                                                      \
            weir_worker *self_ = weir_worker_self();                           \
            if (self_ != NULL)                                                 \
                printf("  [%u] ", weir_worker_index(self_));                   \
            else                                                               \
                printf("  [-] ");                                              \
            printf(__VA_ARGS__);                                               \
            putchar('\n');                                                     \
            fflush(stdout);                                                    \
        }                                                                      \
    } while (0)

// Each job (of weir's own rooms too) is told as it comes and goes: jobs are
// counted as they are submitted.
static inline void *seed_capture(void *context) {
    uint64_t *jobs = context;
    ++*jobs;
    SAY("job %llu is accepted", (unsigned long long)*jobs);
    return (void *)(uintptr_t)*jobs;
}

static inline void seed_enter(void *context, void *captured) {
    (void)context;
    SAY("job %llu goes on", (unsigned long long)(uintptr_t)captured);
}

static inline void seed_leave(void *context, void *captured) {
    (void)context;
    SAY("job %llu is left", (unsigned long long)(uintptr_t)captured);
}

// ---- running ---------------------------------------------------------------

static inline void seed_run(seed_scenario *scenario, uint64_t seed) {
    uint64_t jobs = 0;
    weir_pool_hooks hooks = {.size = sizeof(hooks),
                             .context = &jobs,
                             .capture = seed_capture,
                             .enter = seed_enter,
                             .leave = seed_leave};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    seed_state = seed;
    options.threads = 0;
    options.virtual_workers = 1 + (unsigned)seed_below(4);
    options.seed = seed;
    if (seed_tells)
        options.hooks = &hooks;
    SAY("seed %llu: %u workers", (unsigned long long)seed,
        options.virtual_workers);
    weir_pool *pool = pool_open(&options);
    scenario(pool, seed);
    pool_close(pool);
}

static inline void seed_replay_line(const char *room, uint64_t seed) {
    fprintf(stderr, "seed %llu failed; again: make replay CASE=%s SEED=%llu\n",
            (unsigned long long)seed, room, (unsigned long long)seed);
}

static inline void seeds_in_child(seed_scenario *scenario, uint64_t count,
                                  volatile uint64_t *now) {
    alarm(SEED_SECONDS_MAX);
    for (uint64_t seed = 1; seed <= count; seed++) {
        *now = seed;
        seed_run(scenario, seed);
    }
    fflush(NULL);
    exit(0);
}

// The seeds 1 to count; or that of WEIR_SEED, in this process, telling. `room`:
// what a replay calls it.
static inline void seeds_run(const char *room, seed_scenario *scenario,
                             uint64_t count) {
    const char *wish = getenv("WEIR_SEED");
    if (wish != NULL && wish[0] != 0) {
        seed_tells = 1;
        seed_run(scenario, strtoull(wish, NULL, 10));
        puts("this seed passes");
        return;
    }
    volatile uint64_t *now = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(now != MAP_FAILED);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        seeds_in_child(scenario, count, now);
    int status = 0;
    CHECK_EQ(waitpid(child, &status, 0), child);
    if (status != 0) {
        seed_replay_line(room, *now);
        CHECK_FAIL("its wait status is %#x", (unsigned)status);
    }
    CHECK_EQ(*now, count);
    munmap((void *)(uintptr_t)now, 4096);
}

// A case of a program, named with the line that replays it when a seed fails.
#define SEEDS_CASE(room, name, scenario, count)                                \
    static void name(void) { seeds_run(room "." #name, scenario, count); }

// A program of one case.
#define SEEDS_MAIN(room, scenario, count)                                      \
    SEEDS_CASE(room, all, scenario, count)                                     \
    int main(int argc, char **argv) {                                          \
        static const test_case cases[] = {{"all", all}};                       \
        return test_main(argc, argv, cases, 1);                                \
    }

#endif // TEST_SEEDS_H
