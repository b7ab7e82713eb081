// SPDX-License-Identifier: MIT
// Hooks, pinning, fork(2), fairness, counters, and that idle costs nothing.
#include "support/pool.h"

#include <time.h>

// ---- hooks -----------------------------------------------------------------

// What the hooks and callbacks of one job saw, in order, as letters.
typedef struct told {
    char said[64];
    size_t length;
} told;

static told story;
static int captured_value;

static void say(char what) {
    CHECK(story.length < sizeof(story.said) - 1);
    story.said[story.length++] = what;
}

static void check_story(const char *expected) {
    story.said[story.length] = 0;
    CHECK_STR(story.said, expected);
    story.length = 0;
}

static void *hook_capture(void *context) {
    CHECK(context == &story);
    say('c');
    return &captured_value;
}

static void hook_enter(void *context, void *captured) {
    CHECK(context == &story && captured == &captured_value);
    CHECK(weir_worker_self() != NULL);
    say('e');
}

static void hook_leave(void *context, void *captured) {
    CHECK(context == &story && captured == &captured_value);
    CHECK(weir_worker_self() != NULL);
    say('l');
}

static void hook_release(void *context, void *captured) {
    CHECK(context == &story && captured == &captured_value);
    say('x');
}

static int told_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    say('r');
    return 0;
}

static void told_done(weir_job *job, int status) {
    (void)status;
    say('d');
    free(job);
}

static weir_job *told_job(void) {
    weir_job *job = calloc(1, sizeof(*job));
    CHECK(job != NULL);
    *job = (weir_job)WEIR_JOB_INIT(told_run, told_done);
    return job;
}

static weir_pool *pool_hooked(int threads) {
    weir_pool_hooks hooks = {.size = sizeof(hooks),
                             .context = &story,
                             .capture = hook_capture,
                             .enter = hook_enter,
                             .leave = hook_leave,
                             .release = hook_release};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = threads;
    options.hooks = &hooks; // copied
    story.length = 0;
    return pool_open(&options);
}

static void hooks_of(int threads) {
    weir_pool *pool = pool_hooked(threads);
    submit(pool, told_job());
    wait_idle(pool);
    check_story("cerdlx");

    weir_event event;
    weir_event_init(&event, pool, 1);
    weir_job *job = told_job();
    CHECK_EQ(weir_event_attach(&event, NULL, job), 0);
    check_story("c");
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    wait_idle(pool);
    check_story("erdlx");

    weir_event_init(&event, pool, 1);
    job = told_job();
    CHECK_EQ(weir_event_attach(&event, NULL, job), 0);
    CHECK_EQ(weir_cancel(pool, job), 0);
    wait_idle(pool);
    check_story("cedlx"); // around done alone

    job = told_job();
    CHECK_EQ(weir_event_attach(&event, NULL, job), 0);
    CHECK_EQ(weir_event_detach(&event, job), 0);
    check_story("cx");
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_submit(pool, job), -ESHUTDOWN);
    story.said[story.length] = 0; // refused: either not captured, or given back
    CHECK(story.length == 0 || strcmp(story.said, "cx") == 0);
    free(job);
    weir_pool_destroy(pool);
}

static void hooks_surround_run_and_done_with_what_was_captured(void) {
    hooks_of(1);
    hooks_of(0);
}

typedef struct parent_job {
    weir_job job;
    weir_job child;
} parent_job;

static int child_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    say('k');
    return 0;
}

static int parent_run(weir_worker *self, weir_job *job) {
    parent_job *p = (parent_job *)job;
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    say('(');
    weir_scope_spawn(self, &scope, &p->child);
    CHECK_EQ(weir_scope_wait(self, &scope), 0);
    say(')');
    return 0;
}

static void a_child_has_its_own_context(void) {
    weir_pool *pool = pool_hooked(1);
    parent_job p = {.job = WEIR_JOB_INIT(parent_run, NULL),
                    .child = WEIR_JOB_INIT(child_run, NULL)};
    submit(pool, &p.job);
    wait_idle(pool);
    check_story("ce(ceklx)lx");
    pool_close(pool);
}

// thread_start and thread_stop: once per thread, on it.
typedef struct roll {
    pthread_mutex_t mutex;
    pthread_t threads[64];
    unsigned started, stopped;
} roll;

static void roll_start(void *context, weir_worker *self) {
    roll *r = context;
    CHECK(weir_worker_self() == self);
    pthread_mutex_lock(&r->mutex);
    CHECK(r->started < 64);
    for (unsigned i = 0; i < r->started; i++)
        CHECK(!pthread_equal(r->threads[i], pthread_self()));
    r->threads[r->started++] = pthread_self();
    pthread_mutex_unlock(&r->mutex);
}

static void roll_stop(void *context, weir_worker *self) {
    roll *r = context;
    CHECK(weir_worker_self() == self);
    pthread_mutex_lock(&r->mutex);
    int known = 0;
    for (unsigned i = 0; i < r->started; i++)
        if (pthread_equal(r->threads[i], pthread_self())) {
            r->threads[i] = r->threads[--r->started];
            known = 1;
            break;
        }
    CHECK_EQ(known, 1);
    r->stopped++;
    pthread_mutex_unlock(&r->mutex);
}

static int section_run(weir_worker *self, weir_job *job) {
    (void)job;
    if (weir_blocking_begin(self) == 0)
        weir_blocking_end(self);
    return 0;
}

static void thread_hooks_run_once_on_each_thread(void) {
    for (int threads = 1; threads <= 4; threads++) {
        roll r = {.mutex = PTHREAD_MUTEX_INITIALIZER};
        weir_pool_hooks hooks = {.size = sizeof(hooks),
                                 .context = &r,
                                 .thread_start = roll_start,
                                 .thread_stop = roll_stop};
        weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
        options.threads = threads;
        options.hooks = &hooks;
        weir_pool *pool = pool_open(&options);
        weir_job jobs[20];
        for (int i = 0; i < 20; i++) {
            jobs[i] = (weir_job)WEIR_JOB_INIT(section_run, NULL);
            submit(pool, &jobs[i]);
        }
        wait_idle(pool);
        pool_close(pool);
        CHECK_EQ(r.started, 0); // each that started has stopped
        CHECK(r.stopped >= (unsigned)threads);
    }
}

static void hooks_have_a_size(void) {
    weir_pool_hooks hooks = {.size = sizeof(size_t) - 1};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.hooks = &hooks;
    weir_pool *pool = NULL;
    CHECK_EQ(weir_pool_create(&pool, &options), -EINVAL);
    struct {
        weir_pool_hooks known;
        size_t from_the_future;
    } newer = {.known = {.size = sizeof(newer)}, .from_the_future = 1};
    options.hooks = &newer.known;
    CHECK_EQ(weir_pool_create(&pool, &options), -E2BIG);
    CHECK(pool == NULL);
}

// ---- pinning ---------------------------------------------------------------

static int our_cpus[CPU_SETSIZE];
static size_t our_cpus_count;

static void our_cpus_read(void) {
    cpu_set_t set;
    CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    our_cpus_count = 0;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set))
            our_cpus[our_cpus_count++] = (int)cpu;
}

static void check_pinned_to_list(weir_worker *self, void *arg) {
    (void)arg;
    unsigned index = weir_worker_index(self);
    // The list is given from the highest CPU down.
    size_t at = our_cpus_count - 1 - index % our_cpus_count;
    CHECK_EQ(sched_getcpu(), our_cpus[at]);
}

static void a_list_pins_each_worker_to_its_cpu(void) {
    our_cpus_read();
    int list[CPU_SETSIZE];
    for (size_t i = 0; i < our_cpus_count; i++)
        list[i] = our_cpus[our_cpus_count - 1 - i];
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 5;
    options.pinning = WEIR_PIN_LIST;
    options.cpus = list;
    options.cpus_count = our_cpus_count;
    weir_pool *pool = pool_open(&options);
    memset(list, 0xff, sizeof(list)); // it was copied
    for (int i = 0; i < 20; i++)
        CHECK_EQ(weir_broadcast(pool, check_pinned_to_list, NULL), 0);
    pool_close(pool);
}

static tally on_cpu[CPU_SETSIZE];

static void check_pinned_to_one(weir_worker *self, void *arg) {
    (void)self;
    (void)arg;
    cpu_set_t set;
    CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    CHECK_EQ(CPU_COUNT(&set), 1);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set))
            CHECK_EQ(tally_add(&on_cpu[cpu]), 1);
}

static void compact_and_spread_give_each_worker_its_own_cpu(void) {
    our_cpus_read();
    static const weir_pinning ways[] = {WEIR_PIN_COMPACT, WEIR_PIN_SPREAD};
    for (int i = 0; i < 2; i++) {
        for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
            tally_init(&on_cpu[cpu]);
        weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
        options.threads = (int)our_cpus_count;
        options.pinning = ways[i];
        weir_pool *pool = pool_open(&options);
        CHECK_EQ(weir_broadcast(pool, check_pinned_to_one, NULL), 0);
        pool_close(pool);
    }
}

// ---- fork(2) ---------------------------------------------------------------

static void broadcast_nothing(weir_worker *self, void *arg) {
    (void)self;
    (void)arg;
}

static int run_nothing(weir_worker *self, void *arg) {
    (void)self;
    (void)arg;
    return 0;
}

static void child_calls(weir_pool *pool, weir_event *event, work *attached) {
    work w = work_of(0), before = w;
    weir_job *batch[] = {&w.job};
    int status = 12345;
    weir_pool_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_submit(pool, &w.job), -ECHILD);
    CHECK_EQ(weir_submit_batch(pool, batch, 1), -ECHILD);
    CHECK_EQ(weir_try_submit(pool, &w.job), -ECHILD);
    CHECK_EQ(weir_submit_wait(pool, &w.job, WEIR_FOREVER), -ECHILD);
    CHECK_EQ(weir_cancel(pool, &attached->job), -ECHILD);
    CHECK_EQ(weir_run(pool, run_nothing, NULL, &status), -ECHILD);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_ABORT, WEIR_FOREVER, NULL),
             -ECHILD);
    CHECK_EQ(weir_pool_step(pool), -ECHILD);
    CHECK_EQ(weir_pool_wait_idle(pool, WEIR_FOREVER), -ECHILD);
    CHECK_EQ(weir_pool_count(pool, &counts), -ECHILD);
    CHECK_EQ(weir_broadcast(pool, broadcast_nothing, NULL), -ECHILD);
    CHECK_EQ(weir_event_add(event, 1), -ECHILD);
    CHECK_EQ(weir_event_fire(event, 0), -ECHILD);
    CHECK_EQ(weir_event_attach(event, NULL, &w.job), -ECHILD);
    CHECK_EQ(weir_event_detach(event, &attached->job), -ECHILD);
    CHECK_EQ(weir_event_status(event, &status), -ECHILD);
    CHECK_EQ(weir_event_wait(event, WEIR_FOREVER, &status), -ECHILD);
    CHECK_EQ(status, 12345);
    check_untouched(&w, &before);
    CHECK(weir_pool_width(pool) >= 1); // getters answer as in the parent
    CHECK(weir_pool_index_limit(pool) >= weir_pool_width(pool));
    CHECK(weir_pool_reason(pool) != NULL);
    weir_pool_destroy(pool);
    CHECK(weir_pool_width(pool) >= 1); // it freed nothing
}

// Another pool of the child's own works.
static void child_pool(void) {
    weir_pool *pool = pool_seeded(3, 2);
    work w = work_of(0);
    submit(pool, &w.job);
    wait_idle(pool);
    check_ran(&w, 0);
    pool_close(pool);
}

static void check_child(pid_t child) {
    CHECK(child > 0);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
}

static void a_forked_child_cannot_use_its_parents_pool(void) {
    static const int threads[] = {0, 1, 3};
    for (int i = 0; i < 3; i++) {
        weir_pool *pool = pool_of(threads[i]);
        weir_event event;
        weir_event_init(&event, pool, 1);
        work attached = work_of(0);
        CHECK_EQ(weir_event_attach(&event, NULL, &attached.job), 0);
        pid_t child = fork();
        if (child == 0) {
            child_calls(pool, &event, &attached);
            child_pool();
            _exit(0);
        }
        check_child(child);
        CHECK_EQ(attached.ended, 0); // the parent is as it was
        CHECK_EQ(weir_event_fire(&event, 0), 0);
        wait_idle(pool);
        check_ran(&attached, 0);
        pool_close(pool);
    }
}

static int forking_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    check_child(child);
    return 0;
}

static void a_job_may_fork_a_child_that_exits(void) {
    weir_pool *pool = pool_of(2);
    weir_job jobs[6];
    for (int i = 0; i < 6; i++) {
        jobs[i] = (weir_job)WEIR_JOB_INIT(forking_run, NULL);
        submit(pool, &jobs[i]);
    }
    wait_idle(pool);
    pool_close(pool);
}

// A child forked while the pool's threads are at work, their locks in any
// state, must not hang.
static tally churn_stop;

static int churn_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return 0;
}

static void churn_done(weir_job *job, int status) {
    (void)status;
    if (tally_get(&churn_stop) == 0)
        submit(weir_worker_pool(weir_worker_self()), job);
}

static void a_child_forked_while_the_pool_works_does_not_hang(void) {
    tally_init(&churn_stop);
    weir_pool *pool = pool_of(2);
    weir_event event;
    weir_event_init(&event, pool, 1);
    work attached = work_of(0);
    CHECK_EQ(weir_event_attach(&event, NULL, &attached.job), 0);
    weir_job jobs[8];
    for (int i = 0; i < 8; i++) {
        jobs[i] = (weir_job)WEIR_JOB_INIT(churn_run, churn_done);
        submit(pool, &jobs[i]);
    }
    for (int i = 0; i < 30; i++) {
        pid_t child = fork();
        if (child == 0) {
            child_calls(pool, &event, &attached);
            _exit(0);
        }
        check_child(child);
    }
    tally_add(&churn_stop);
    CHECK_EQ(weir_event_fire(&event, 0), 0);
    pool_close(pool);
}

// ---- fairness --------------------------------------------------------------

// A job from outside, of the lowest priority; its done fires the event.
typedef struct outside {
    weir_job job;
    weir_event event;
} outside;

static void outside_done(weir_job *job, int status) {
    CHECK_EQ(status, 0);
    CHECK_EQ(weir_event_fire(&((outside *)job)->event, 0), 0);
}

static void outside_passes(weir_pool *pool) {
    for (int i = 0; i < 5; i++) {
        outside o = {.job = WEIR_JOB_INIT(churn_run, outside_done)};
        o.job.priority = WEIR_PRIORITY_LOW;
        weir_event_init(&o.event, pool, 1);
        submit(pool, &o.job);
        CHECK_EQ(weir_event_wait(&o.event, WEIR_FOREVER, NULL), 0);
    }
}

static int32_t churn_priority;

static void churn_in(weir_pool *pool) {
    tally_init(&churn_stop);
    weir_job jobs[10];
    for (int i = 0; i < 10; i++) {
        jobs[i] = (weir_job)WEIR_JOB_INIT(churn_run, churn_done);
        jobs[i].priority = churn_priority;
        submit(pool, &jobs[i]);
    }
    outside_passes(pool);
    tally_add(&churn_stop);
    wait_idle(pool);
}

static void jobs_that_come_back_for_ever_do_not_starve_others(void) {
    churn_priority = WEIR_PRIORITY_HIGH;
    for_each_pool(churn_in);
    churn_priority = WEIR_PRIORITY_LOW;
    for_each_pool(churn_in);
}

// A scope whose children replace themselves until told to stop.
typedef struct endless {
    weir_job job;
    weir_scope *scope;
} endless;

static int endless_run(weir_worker *self, weir_job *job) {
    endless *e = (endless *)job;
    if (tally_get(&churn_stop) != 0)
        return 0;
    endless *next = calloc(1, sizeof(*next));
    CHECK(next != NULL);
    next->job = (weir_job)WEIR_JOB_INIT(endless_run, probe_done);
    next->scope = e->scope;
    weir_scope_spawn(self, e->scope, &next->job);
    return 0;
}

static int endless_body(weir_worker *self, weir_job *job) {
    (void)job;
    weir_scope scope;
    endless first[4];
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (int i = 0; i < 4; i++) {
        first[i] =
            (endless){.job = WEIR_JOB_INIT(endless_run, NULL), .scope = &scope};
        weir_scope_spawn(self, &scope, &first[i].job);
    }
    return weir_scope_wait(self, &scope);
}

static void endless_scopes_do_not_starve_the_inbox(void) {
    for (int threads = 2; threads <= 4; threads++) {
        tally_init(&churn_stop);
        weir_pool *pool = pool_of(threads);
        weir_job job = WEIR_JOB_INIT(endless_body, NULL);
        submit(pool, &job);
        outside_passes(pool);
        tally_add(&churn_stop);
        pool_close(pool);
    }
}

static void short_fork_run(weir_worker *self, weir_fork *fork) {
    (void)self;
    (void)fork;
    sched_yield();
}

static int endless_forks_body(weir_worker *self, weir_job *job) {
    (void)job;
    while (tally_get(&churn_stop) == 0) {
        weir_fork forks[8]; // always something to steal
        for (int i = 0; i < 8; i++)
            weir_fork_begin(self, &forks[i], short_fork_run);
        for (int i = 7; i >= 0; i--)
            weir_fork_join(self, &forks[i], short_fork_run);
    }
    return 0;
}

static void endless_forks_do_not_starve_the_inbox(void) {
    for (int threads = 2; threads <= 4; threads++) {
        tally_init(&churn_stop);
        weir_pool *pool = pool_of(threads);
        weir_job job = WEIR_JOB_INIT(endless_forks_body, NULL);
        submit(pool, &job);
        outside_passes(pool);
        tally_add(&churn_stop);
        pool_close(pool);
    }
}

// ---- counters --------------------------------------------------------------

static tally counting_stop;

static void *counting_main(void *arg) {
    uint64_t ended_before = 0;
    while (tally_get(&counting_stop) == 0) {
        check_sum(arg);
        weir_pool_counts c = counts_of(arg);
        uint64_t ended = c.succeeded + c.failed + c.cancelled + c.timed_out;
        CHECK(ended >= ended_before);
        CHECK(c.started >= c.succeeded + c.failed);
        CHECK(c.queued <= c.queued_max);
        ended_before = ended;
    }
    return NULL;
}

static void a_snapshot_adds_up_at_any_time(void) {
    static work works[500];
    for (int threads = 1; threads <= 4; threads++) {
        tally_init(&counting_stop);
        weir_pool *pool = pool_of(threads);
        pthread_t counter = thread_start(counting_main, pool);
        for (int round = 0; round < 20; round++) {
            weir_event event;
            weir_event_init(&event, pool, 1);
            for (int i = 0; i < 500; i++) {
                works[i] = work_of(i % 5 == 0 ? -1 : 0);
                works[i].job.deadline_ns = i % 7 == 0 ? 1 : 0;
                if (i % 3 == 0)
                    CHECK_EQ(weir_event_attach(&event, NULL, &works[i].job), 0);
                else
                    submit(pool, &works[i].job);
                if (i % 11 == 0)
                    (void)weir_cancel(pool, &works[i].job);
            }
            CHECK_EQ(weir_event_fire(&event, 0), 0);
            wait_idle(pool);
        }
        tally_add(&counting_stop);
        thread_join(counter);
        weir_pool_counts c = counts_of(pool);
        CHECK_EQ(c.submitted, 10000);
        pool_close(pool);
    }
}

static void a_pool_never_runs_more_jobs_than_it_is_wide(void) {
    static work works[3000];
    for (int threads = 1; threads <= 4; threads++) {
        weir_pool *pool = pool_of(threads);
        for (int i = 0; i < 3000; i++) {
            works[i] = work_of(0);
            submit(pool, &works[i].job);
        }
        wait_idle(pool);
        CHECK(counts_of(pool).place_highest <= (uint64_t)threads);
        pool_close(pool);
    }
}

// ---- idle ------------------------------------------------------------------

// The switches of all threads of this name (see weir_pool_options.name): each
// wake-up is one.
static uint64_t switches_of(const char *name) {
    uint64_t sum = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL)
        SKIP("no /proc");
    for (struct dirent *e; (e = readdir(tasks)) != NULL;) {
        char path[300], line[128];
        snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        int ours = 0;
        unsigned long long count;
        while (fgets(line, sizeof(line), file) != NULL) {
            if (strncmp(line, "Name:", 5) == 0)
                ours = strstr(line, name) != NULL;
            // What sleeps has none of either; what yields has the latter.
            if (ours &&
                (sscanf(line, "voluntary_ctxt_switches: %llu", &count) == 1 ||
                 sscanf(line, "nonvoluntary_ctxt_switches: %llu", &count) == 1))
                sum += count;
        }
        fclose(file);
    }
    closedir(tasks);
    return sum;
}

static int64_t cpu_ns(void) {
    struct timespec t;
    CHECK_EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

// This sleeps to measure, not to wait: of three seconds at least one must pass
// without any wake-up. (On a loaded machine the last thread may go to sleep
// late; a pool that wakes up by itself does so in every second.)
static void check_quiet(void) {
    static const struct timespec second = {1, 0};
    for (int i = 0; i < 3; i++) {
        uint64_t switches = switches_of("quiet/");
        int64_t cpu = cpu_ns();
        nanosleep(&second, NULL);
        cpu = cpu_ns() - cpu;
        switches = switches_of("quiet/") - switches;
        if (switches == 0 && cpu < 10000000)
            return;
        printf("  %llu wake-ups, %lld ns of CPU in a second\n",
               (unsigned long long)switches, (long long)cpu);
    }
    CHECK_FAIL("the pool is not idle");
}

static void an_idle_pool_uses_no_cpu(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 4;
    options.name = "quiet";
    weir_pool *pool = pool_open(&options);
    work works[100];
    for (int i = 0; i < 100; i++) {
        works[i] = work_of(0);
        submit(pool, &works[i].job);
    }
    wait_idle(pool);
    check_quiet();
    CHECK(switches_of("quiet/") > 0); // the names are right: they did sleep
    pool_close(pool);
}

static weir_event quiet_event;

static int quiet_wait_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    return weir_event_wait(&quiet_event, WEIR_FOREVER, NULL);
}

static void waiting_workers_and_far_deadlines_use_no_cpu(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.name = "quiet";
    weir_pool *pool = pool_open(&options);
    weir_event_init(&quiet_event, pool, 1);
    weir_job waits[2];
    for (int i = 0; i < 2; i++) {
        waits[i] = (weir_job)WEIR_JOB_INIT(quiet_wait_run, NULL);
        submit(pool, &waits[i]);
    }
    work far = work_of(0);
    far.job.deadline_ns = in_ms(3600000);
    CHECK_EQ(weir_event_attach(&quiet_event, NULL, &far.job), 0);
    while (counts_of(pool).started < 2)
        sched_yield();
    check_quiet();
    CHECK_EQ(weir_event_fire(&quiet_event, 0), 0);
    wait_idle(pool);
    check_ran(&far, 0);
    pool_close(pool);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"hooks_surround_run_and_done_with_what_was_captured",
         hooks_surround_run_and_done_with_what_was_captured},
        {"a_child_has_its_own_context", a_child_has_its_own_context},
        {"thread_hooks_run_once_on_each_thread",
         thread_hooks_run_once_on_each_thread},
        {"hooks_have_a_size", hooks_have_a_size},
        {"a_list_pins_each_worker_to_its_cpu",
         a_list_pins_each_worker_to_its_cpu},
        {"compact_and_spread_give_each_worker_its_own_cpu",
         compact_and_spread_give_each_worker_its_own_cpu},
        {"a_forked_child_cannot_use_its_parents_pool",
         a_forked_child_cannot_use_its_parents_pool},
        {"a_job_may_fork_a_child_that_exits",
         a_job_may_fork_a_child_that_exits},
        {"a_child_forked_while_the_pool_works_does_not_hang",
         a_child_forked_while_the_pool_works_does_not_hang},
        {"jobs_that_come_back_for_ever_do_not_starve_others",
         jobs_that_come_back_for_ever_do_not_starve_others},
        {"endless_scopes_do_not_starve_the_inbox",
         endless_scopes_do_not_starve_the_inbox},
        {"endless_forks_do_not_starve_the_inbox",
         endless_forks_do_not_starve_the_inbox},
        {"a_snapshot_adds_up_at_any_time", a_snapshot_adds_up_at_any_time},
        {"a_pool_never_runs_more_jobs_than_it_is_wide",
         a_pool_never_runs_more_jobs_than_it_is_wide},
        {"an_idle_pool_uses_no_cpu", an_idle_pool_uses_no_cpu},
        {"waiting_workers_and_far_deadlines_use_no_cpu",
         waiting_workers_and_far_deadlines_use_no_cpu},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
