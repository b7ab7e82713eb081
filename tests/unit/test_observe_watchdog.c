// SPDX-License-Identifier: MIT
// Promises of weir/observe.h, "watchdog".
#include "base/fault.h"
#include "support/observe.h"

#include <fcntl.h>
#include <time.h>

enum { KEPT = 256 };

// What was reported; written on the watchdog's thread.
typedef struct reports {
    weir_stall list[KEPT];
    tally count;
} reports;

static void keep(void *context, const weir_stall *stall) {
    reports *r = context;
    uint64_t count = tally_get(&r->count);
    if (count < KEPT)
        r->list[count] = *stall;
    mark_set(&r->count);
}

static weir_watchdog_options options_of(weir_pool *pool, int64_t over_ns,
                                        reports *r) {
    weir_watchdog_options options = WEIR_WATCHDOG_OPTIONS_INIT(pool);
    options.over_ns = over_ns;
    options.report = keep;
    options.context = r;
    tally_init(&r->count);
    return options;
}

static weir_watchdog *watch(weir_pool *pool, int64_t over_ns, reports *r) {
    weir_watchdog_options options = options_of(pool, over_ns, r);
    weir_watchdog *dog = NULL;
    CHECK_EQ(weir_watchdog_start(&dog, &options), 0);
    CHECK(dog != NULL);
    return dog;
}

// How often over_ns has doubled by then.
static int doublings(int64_t for_ns, int64_t over_ns) {
    int n = -1;
    for (; for_ns >= over_ns; for_ns /= 2)
        n++;
    return n;
}

// Each report is at another doubling, the first not before over_ns. Returns
// whether none was missed, which may happen on a loaded machine.
static bool check_doublings(const reports *r, uint64_t count, int64_t over_ns) {
    int before = -1;
    for (uint64_t i = 0; i < count && i < KEPT; i++) {
        int now = doublings(r->list[i].for_ns, over_ns);
        CHECK(now > before);
        before = now;
    }
    return before + 1 == (int)count;
}

// ---- what is reported ------------------------------------------------------

static bool report_held_job(weir_pool *pool, int64_t over_ns) {
    reports r;
    weir_watchdog *dog = watch(pool, over_ns, &r);
    held h;
    hold_named(pool, &h, "stuck");
    mark_await(&r.count, 5);
    release_all(pool, &h, 1);
    weir_watchdog_stop(dog);
    uint64_t count = tally_get(&r.count);
    CHECK(count >= 5);
    for (uint64_t i = 0; i < count && i < KEPT; i++) {
        CHECK_STR(r.list[i].name, "stuck");
        CHECK_EQ(r.list[i].worker, h.index);
        CHECK_EQ(r.list[i].lent, 0);
    }
    return check_doublings(&r, count, over_ns);
}

static void a_job_is_reported_once_and_at_each_doubling(void) {
    weir_pool *pool = pool_of(2);
    int attempts = 1;
    while (!report_held_job(pool, 1000000 * attempts))
        CHECK(++attempts <= 10);
    pool_close(pool);
}

static void a_loan_is_reported_as_such(void) {
    weir_pool *pool = pool_of(1);
    held h;
    hold_lent(pool, &h, "reads");
    reports r;
    weir_watchdog *dog = watch(pool, 1000000, &r);
    mark_await(&r.count, 4);
    for (int i = 0; i < 4; i++) {
        CHECK_STR(r.list[i].name, "reads");
        CHECK_EQ(r.list[i].worker, h.index);
        CHECK_EQ(r.list[i].lent, 1);
    }
    release_all(pool, &h, 1);
    weir_watchdog_stop(dog);
    pool_close(pool);
}

static void what_does_not_take_long_is_not_reported(void) {
    static work works[500];
    weir_pool *pool = pool_of(2);
    reports r;
    weir_watchdog *dog = watch(pool, INT64_C(3600000000000), &r);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 500; i++) {
            works[i] = work_of(0);
            submit(pool, &works[i].job);
        }
        wait_idle(pool);
    }
    weir_watchdog_stop(dog);
    CHECK_EQ(tally_get(&r.count), 0);
    pool_close(pool);
}

enum { MANY = 40 };

static void count_by_name(void *context, const weir_stall *stall) {
    tally *told = context;
    tally_add(&told[atoi(stall->name)]);
}

static void every_one_of_many_is_reported(void) {
    static char names[MANY][8];
    static held list[MANY];
    static tally told[MANY];
    weir_pool *pool = pool_of(MANY);
    for (int i = 0; i < MANY; i++) {
        tally_init(&told[i]);
        snprintf(names[i], sizeof(names[i]), "%d", i);
        hold_named(pool, &list[i], names[i]);
    }
    weir_watchdog_options options = WEIR_WATCHDOG_OPTIONS_INIT(pool);
    options.over_ns = 1000000;
    options.report = count_by_name;
    options.context = told;
    weir_watchdog *dog;
    CHECK_EQ(weir_watchdog_start(&dog, &options), 0);
    for (int i = 0; i < MANY; i++)
        tally_await(&told[i], 1);
    weir_watchdog_stop(dog);
    release_all(pool, list, MANY);
    pool_close(pool);
}

static void a_job_that_comes_after_idleness_is_reported(void) {
    weir_pool *pool = pool_of(1);
    reports r;
    weir_watchdog *dog = watch(pool, 1000, &r);
    for (uint64_t round = 0; round < 50; round++) {
        uint64_t before = tally_get(&r.count);
        held h;
        hold(pool, &h);
        mark_await(&r.count, before + 1);
        release_all(pool, &h, 1);
    }
    weir_watchdog_stop(dog);
    pool_close(pool);
}

static void each_loan_of_a_worker_is_reported(void) {
    weir_pool *pool = pool_of(1);
    reports r;
    weir_watchdog *dog = watch(pool, 1000, &r);
    for (uint64_t round = 0; round < 50; round++) {
        uint64_t before = tally_get(&r.count);
        held h;
        hold_lent(pool, &h, "reads");
        mark_await(&r.count, before + 2);
        release_all(pool, &h, 1);
    }
    weir_watchdog_stop(dog);
    pool_close(pool);
}

// The first report of `name` among the first `count`, or -1.
static int first_of(const reports *r, uint64_t count, const char *name) {
    for (uint64_t i = 0; i < count && i < KEPT; i++)
        if (strcmp(r->list[i].name, name) == 0)
            return (int)i;
    return -1;
}

// The old job is told of next when its time has doubled to 256 ms. The young
// one is due long before; on a loaded machine not every time.
static bool young_comes_first(weir_pool *pool) {
    reports r;
    weir_watchdog *dog = watch(pool, 1000000, &r);
    held list[2];
    hold_named(pool, &list[0], "old");
    uint64_t told = 0; // those are awaited, so they may be read
    do
        mark_await(&r.count, ++told);
    while (r.list[told - 1].for_ns < 128000000);
    uint64_t before = tally_get(&r.count);
    hold_named(pool, &list[1], "young");
    mark_await(&r.count, before + 1);
    int young = first_of(&r, before + 1, "young");
    bool first = young == (int)before && r.list[young].for_ns < 64000000;
    release_all(pool, list, 2);
    weir_watchdog_stop(dog);
    return first;
}

static void a_job_that_starts_while_others_are_told_of_is_not_late(void) {
    weir_pool *pool = pool_of(2);
    int attempts = 1;
    while (!young_comes_first(pool))
        CHECK(++attempts <= 5);
    pool_close(pool);
}

static int silent_run(weir_worker *self, weir_job *job) {
    (void)self;
    (void)job;
    until(in_ms(30));
    return 0;
}

static void watch_silently(void) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 1;
    options.name = "kennel";
    weir_pool *pool = pool_open(&options);
    weir_watchdog_options watchdog = WEIR_WATCHDOG_OPTIONS_INIT(pool);
    watchdog.over_ns = 10000000;
    weir_watchdog *dog;
    CHECK_EQ(weir_watchdog_start(&dog, &watchdog), 0);
    weir_job job = WEIR_JOB_INIT(silent_run, NULL);
    job.name = "digs";
    submit(pool, &job);
    wait_idle(pool);
    weir_watchdog_stop(dog);
    weir_pool_destroy(pool);
}

static void without_a_report_it_is_a_line_on_stderr(void) {
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        // On a loaded machine the watchdog may come late.
        for (int i = 0; i < 20; i++)
            watch_silently();
        _exit(0);
    }
    close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    CHECK(said != NULL);
    char line[256] = "";
    CHECK(fgets(line, sizeof(line), said) != NULL);
    const char *start = "weir: job \"digs\" has been running for ";
    const char *end = ": worker 0 of pool \"kennel\"\n";
    CHECK_EQ(strncmp(line, start, strlen(start)), 0);
    CHECK(strlen(line) > strlen(end));
    CHECK_STR(line + strlen(line) - strlen(end), end);
    while (fgets(line, sizeof(line), said) != NULL)
        CHECK_EQ(strncmp(line, start, strlen(start)), 0);
    fclose(said);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
}

// ---- idle ------------------------------------------------------------------

// The switches of all threads whose name contains `name`.
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
            if (ours &&
                sscanf(line, "voluntary_ctxt_switches: %llu", &count) == 1)
                sum += count;
        }
        fclose(file);
    }
    closedir(tasks);
    return sum;
}

// This sleeps to measure, not to wait, as test_pool_misc.c does.
static void a_watchdog_of_an_idle_pool_never_wakes(void) {
    static const struct timespec second = {1, 0};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = 2;
    options.name = "quiet";
    weir_pool *pool = pool_open(&options);
    reports r;
    weir_watchdog *dog = watch(pool, 1000000, &r);
    held h;
    hold(pool, &h);
    mark_await(&r.count, 1);
    release_all(pool, &h, 1);
    for (int i = 0;; i++) {
        uint64_t switches = switches_of("quiet/watch");
        uint64_t all = switches_of("quiet/");
        nanosleep(&second, NULL);
        // The names are right: by now all of them did sleep.
        CHECK(switches_of("quiet/watch") > 0);
        CHECK(all > switches);
        if (switches_of("quiet/watch") == switches &&
            switches_of("quiet/") == all)
            break;
        if (i == 3)
            CHECK_FAIL("the watchdog is not idle");
    }
    weir_watchdog_stop(dog);
    pool_close(pool);
}

// ---- starting and stopping -------------------------------------------------

typedef struct slow_report {
    gate gate;
    int done;
} slow_report;

static void report_slowly(void *context, const weir_stall *stall) {
    slow_report *s = context;
    (void)stall;
    gate_pass(&s->gate);
    s->done = 1; // plain: stop must order it
}

static void *open_late(void *arg) {
    until(in_ms(5));
    gate_open(arg);
    return NULL;
}

static void stop_waits_for_a_report(void) {
    weir_pool *pool = pool_of(1);
    slow_report s = {.done = 0};
    gate_init(&s.gate);
    weir_watchdog_options options = WEIR_WATCHDOG_OPTIONS_INIT(pool);
    options.over_ns = 1;
    options.report = report_slowly;
    options.context = &s;
    weir_watchdog *dog;
    CHECK_EQ(weir_watchdog_start(&dog, &options), 0);
    held h;
    hold(pool, &h);
    gate_await(&s.gate, 1);
    pthread_t opener = thread_start(open_late, &s.gate);
    weir_watchdog_stop(dog);
    CHECK_EQ(s.done, 1);
    thread_join(opener);
    release_all(pool, &h, 1);
    gate_fini(&s.gate);
    pool_close(pool);
}

static void a_pool_has_one_watchdog_at_a_time(void) {
    weir_pool *pool = pool_of(1);
    reports r, others;
    for (int i = 0; i < 3; i++) {
        weir_watchdog *dog = watch(pool, 0, &r);
        weir_watchdog_options options = options_of(pool, 0, &others);
        weir_watchdog *second = NULL;
        CHECK_EQ(weir_watchdog_start(&second, &options), -EINVAL);
        CHECK(second == NULL);
        weir_watchdog_stop(dog);
    }
    pool_close(pool);
}

static void it_may_come_and_go_while_jobs_run(void) {
    static work works[200];
    weir_pool *pool = pool_of(2);
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 200; i++) {
            works[i] = work_of(0);
            submit(pool, &works[i].job);
        }
        reports r;
        weir_watchdog *dog = watch(pool, 1 + round * 100, &r);
        if (round % 2 == 0)
            wait_idle(pool);
        weir_watchdog_stop(dog);
        wait_idle(pool);
    }
    pool_close(pool);
}

static void a_stopped_pool_may_still_be_watched(void) {
    weir_pool *pool = pool_of(1);
    reports r;
    weir_watchdog *dog = watch(pool, 1, &r);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    weir_watchdog_stop(dog);
    weir_pool_destroy(pool);
    weir_watchdog_stop(NULL);
}

// ---- errors ----------------------------------------------------------------

static void what_cannot_be_watched_is_refused(void) {
    weir_watchdog *dog = NULL;
    weir_watchdog_options none = WEIR_WATCHDOG_OPTIONS_INIT(NULL);
    CHECK_EQ(weir_watchdog_start(&dog, &none), -EINVAL);
    CHECK_EQ(weir_watchdog_start(&dog, NULL), -EINVAL);
    weir_pool *pool = pool_seeded(1, 1);
    weir_watchdog_options options = WEIR_WATCHDOG_OPTIONS_INIT(pool);
    CHECK_EQ(weir_watchdog_start(&dog, &options), -EINVAL);
    pool_close(pool);
    pool = pool_of(1);
    options.pool = pool;
    options.over_ns = -1;
    CHECK_EQ(weir_watchdog_start(&dog, &options), -EINVAL);
    options.over_ns = 0;
    options.size = sizeof(size_t) - 1;
    CHECK_EQ(weir_watchdog_start(&dog, &options), -EINVAL);
    struct {
        weir_watchdog_options options;
        int more;
    } newer = {WEIR_WATCHDOG_OPTIONS_INIT(pool), 1};
    newer.options.size = sizeof(newer);
    CHECK_EQ(weir_watchdog_start(&dog, &newer.options), -E2BIG);
    CHECK(dog == NULL);
    pool_close(pool);
}

static void a_failed_start_leaves_nothing(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 0, 0))
        SKIP("built without faults");
    weir_pool *pool = pool_of(1);
    reports r;
    weir_watchdog_options options = options_of(pool, 0, &r);
    weir_watchdog *dog = NULL;
    wr_fault_arm(WR_FAULT_ALLOC, 0, 1);
    CHECK_EQ(weir_watchdog_start(&dog, &options), -ENOMEM);
    wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    wr_fault_arm(WR_FAULT_THREAD, 0, 1);
    CHECK_EQ(weir_watchdog_start(&dog, &options), -EAGAIN);
    wr_fault_arm(WR_FAULT_THREAD, 0, 0);
    CHECK(dog == NULL);
    weir_watchdog_stop(watch(pool, 0, &r));
    pool_close(pool);
}

typedef struct parents {
    weir_pool *pool;
    weir_watchdog *dog;
} parents;

static void watch_in_child(void *argument) {
    parents *p = argument;
    weir_watchdog_options options = WEIR_WATCHDOG_OPTIONS_INIT(p->pool);
    weir_watchdog *dog;
    CHECK_EQ(weir_watchdog_start(&dog, &options), -ECHILD);
    weir_watchdog_stop(p->dog); // frees nothing, waits for nobody
}

static void a_forked_child_cannot_watch(void) {
    weir_pool *pool = pool_of(1);
    reports r;
    parents p = {pool, watch(pool, 0, &r)};
    check_in_child(watch_in_child, &p);
    weir_watchdog_stop(p.dog);
    pool_close(pool);
}

static weir_watchdog *own;

static void stop_yourself(void *context, const weir_stall *stall) {
    (void)stall;
    mark_await(context, 1); // then `own` is set
    weir_watchdog_stop(own);
}

static void stop_in_report(void) {
    static tally ready;
    tally_init(&ready);
    weir_pool *pool = pool_of(1);
    weir_watchdog_options options = WEIR_WATCHDOG_OPTIONS_INIT(pool);
    options.over_ns = 1;
    options.report = stop_yourself;
    options.context = &ready;
    CHECK_EQ(weir_watchdog_start(&own, &options), 0);
    mark_set(&ready);
    held h;
    hold(pool, &h);
    for (;;)
        pause();
}

static void destroy_first(void) {
    weir_pool *pool = pool_of(1);
    reports r;
    (void)watch(pool, 0, &r);
    weir_pool_destroy(pool);
}

static void stopping_out_of_place_aborts(void) {
    check_aborts(stop_in_report, "weir_watchdog_stop inside a report");
    check_aborts(destroy_first, "weir_pool_destroy before weir_watchdog_stop");
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_job_is_reported_once_and_at_each_doubling",
         a_job_is_reported_once_and_at_each_doubling},
        {"a_loan_is_reported_as_such", a_loan_is_reported_as_such},
        {"what_does_not_take_long_is_not_reported",
         what_does_not_take_long_is_not_reported},
        {"every_one_of_many_is_reported", every_one_of_many_is_reported},
        {"a_job_that_comes_after_idleness_is_reported",
         a_job_that_comes_after_idleness_is_reported},
        {"each_loan_of_a_worker_is_reported",
         each_loan_of_a_worker_is_reported},
        {"a_job_that_starts_while_others_are_told_of_is_not_late",
         a_job_that_starts_while_others_are_told_of_is_not_late},
        {"without_a_report_it_is_a_line_on_stderr",
         without_a_report_it_is_a_line_on_stderr},
        {"a_watchdog_of_an_idle_pool_never_wakes",
         a_watchdog_of_an_idle_pool_never_wakes},
        {"stop_waits_for_a_report", stop_waits_for_a_report},
        {"a_pool_has_one_watchdog_at_a_time",
         a_pool_has_one_watchdog_at_a_time},
        {"it_may_come_and_go_while_jobs_run",
         it_may_come_and_go_while_jobs_run},
        {"a_stopped_pool_may_still_be_watched",
         a_stopped_pool_may_still_be_watched},
        {"what_cannot_be_watched_is_refused",
         what_cannot_be_watched_is_refused},
        {"a_failed_start_leaves_nothing", a_failed_start_leaves_nothing},
        {"a_forked_child_cannot_watch", a_forked_child_cannot_watch},
        {"stopping_out_of_place_aborts", stopping_out_of_place_aborts},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
