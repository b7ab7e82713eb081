// SPDX-License-Identifier: MIT
// The defects of the system that this one is to surpass, by the numbers of the
// study: those that concern processes. d21 and d27 are in the program about
// death. The rest of the file is what an attacker would try first.
#include "support/graph_procs.h"

#include "base/random.h"
#include "graph/procs_types.h"

#include <sys/resource.h>
#include <time.h>

extern char **environ;

// ---- kernels ---------------------------------------------------------------

// Takes its time, and no CPU's.
static int rest_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    tally_add(&b->begun);
    struct timespec time = {.tv_sec = 1};
    nanosleep(&time, NULL);
    tally_add(&b->ended);
    return 0;
}

// Members of a group have their places from MEMBERS on.
enum { MEMBERS = 1000 };

static int turn_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    uint32_t at = call->members > 1 ? MEMBERS + call->member : index_of(call);
    tally_set(&b->count[at], tally_add(&b->turn));
    return 0;
}

// Notes which process it ran in.
static int where_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    tally_add(&b->count[call->worker]);
    tally_add(&b->ended);
    return 0;
}

static int reason_run(const weir_kernel_call *call) {
    return weir_kernel_fail(call, -EIO, "%s", (const char *)call->arguments);
}

// Writes noise over part of its own mailbox, and goes on as if nothing were.
static int scribble_run(const weir_kernel_call *call) {
    struct {
        wr_mailbox *mail[4];
        uint64_t seed;
        size_t bytes;
        uint32_t words;
    } a;
    memcpy(&a, call->arguments, sizeof(a));
    uint64_t *words = (uint64_t *)(void *)a.mail[call->worker];
    tally_add(&board_of(call)->begun);
    for (uint32_t i = 0; i < a.words; i++) {
        size_t at = wr_random_below(&a.seed, (uint32_t)(a.bytes / 8));
        uint64_t value = wr_random_next(&a.seed);
        if (value % 4 == 0) // what looks right is worse than noise
            value = value >> 8 & 0xff;
        words[at] = value;
    }
    return 0;
}

static const weir_kernel kernels[] = {
    {"count", count_run}, {"hold", hold_run},   {"rest", rest_run},
    {"turn", turn_run},   {"where", where_run}, {"reason", reason_run},
    {"die", die_run},     {"hang", hang_run},   {"scribble", scribble_run},
};
enum { COUNT, HOLD, REST, TURN, WHERE, REASON, DIE, HANG, SCRIBBLE };

static void open_with(world *w, unsigned children, unsigned depth) {
    world_init(w, kernels, TEST_COUNT(kernels), children);
    w->procs_options.depth = depth;
    world_open(w);
}

// ---- d18: a core for nothing -----------------------------------------------

// How long a thread has run, and how often it has begun to.
typedef struct use {
    long long ns;
    long long turns;
} use;

static use use_at(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL)
        SKIP("no /proc/PID/schedstat");
    use found;
    CHECK_EQ(fscanf(file, "%lld %*d %lld", &found.ns, &found.turns), 2);
    fclose(file);
    return found;
}

static use use_of_process(int pid) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
    return use_at(path);
}

static use use_of_keeper(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL)
        SKIP("no /proc");
    use found = {-1, -1};
    for (struct dirent *e; (e = readdir(tasks)) != NULL;) {
        char path[300], name[32] = "";
        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        if (fgets(name, sizeof(name), file) != NULL &&
            strcmp(name, "weir-keeper\n") == 0) {
            snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat",
                     e->d_name);
            found = use_at(path);
        }
        fclose(file);
    }
    closedir(tasks);
    return found;
}

enum { WATCHED = 4 }; // keeper, zygote, two processes

static void use_all(const world *w, use *uses) {
    uses[0] = use_of_keeper();
    uses[1] = use_of_process(zygote_pid(w));
    uses[2] = use_of_process(pid_of(w, 0));
    uses[3] = use_of_process(pid_of(w, 1));
}

static void d18_who_has_nothing_to_do_uses_no_cpu(void) {
    world w;
    open_with(&w, 2, 8);
    for (uint32_t i = 0; i < 200; i++)
        check_done(&w, give(&w, &kernels[COUNT], i));
    check_status(&w, give(&w, &kernels[DIE], 0), -EOWNERDEAD);
    for (uint32_t i = 0; i < 200; i++)
        check_done(&w, give(&w, &kernels[COUNT], i));
    pid_await(&w, 0, -1);
    pid_await(&w, 1, -1);
    until(in_ms(100)); // the last look for work is over
    use before[WATCHED], after[WATCHED];
    use_all(&w, before);
    CHECK(before[0].ns >= 0);
    until(in_ms(1000));
    use_all(&w, after);
    for (int i = 0; i < WATCHED; i++) {
        use in = {after[i].ns - before[i].ns, after[i].turns - before[i].turns};
        if (in.ns > 50000000 || in.turns > 200)
            CHECK_FAIL("%d: %lld ns, %lld times, in a second of nothing", i,
                       in.ns, in.turns);
    }
    weir_procs_counts c = procs_counts(w.procs);
    CHECK(c.sleeps >= 2);
    check_done(&w, give(&w, &kernels[COUNT], 0)); // and they wake
    world_close(&w);
}

static void d18_who_waits_for_a_process_uses_no_cpu(void) {
    world w;
    open_with(&w, 2, 8);
    weir_task tasks[2] = {give(&w, &kernels[REST], 0),
                          give(&w, &kernels[REST], 1)};
    tally_await(&w.board->begun, 2);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    check_done(&w, tasks[0]);
    check_done(&w, tasks[1]);
    getrusage(RUSAGE_SELF, &after);
    int64_t us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec +
                  after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
                     1000000 +
                 (after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
                 (after.ru_stime.tv_usec - before.ru_stime.tv_usec);
    CHECK(us < 300000); // of a second
    world_close(&w);
}

// ---- d16, d17: groups ------------------------------------------------------

// Theirs came as number 2, 11 and 149 in three tries.
static void d17_a_group_has_its_turn_among_singles(void) {
    enum { N = 500, CHILDREN = 2, DEPTH = 8 };
    static weir_task tasks[N];
    world w;
    open_with(&w, CHILDREN, DEPTH);
    weir_task both[2] = {give(&w, &kernels[HOLD], N),
                         give(&w, &kernels[HOLD], N)};
    tally_await(&w.board->begun, 2);
    for (uint32_t i = 0; i < N; i++) {
        weir_task_spec spec = spec_of(&w, &kernels[TURN], &i, sizeof(i));
        spec.members = i == 2 ? CHILDREN : 1;
        tasks[i] = put(&w, &spec);
    }
    tally_add(&w.board->go);
    for (int i = 0; i < 2; i++)
        check_done(&w, both[i]);
    for (uint32_t i = 0; i < N; i++)
        check_done(&w, tasks[i]);
    // When it began; when each process comes to it the system decides.
    uint64_t turn = tally_get(&w.board->count[MEMBERS]);
    uint64_t other = tally_get(&w.board->count[MEMBERS + 1]);
    turn = turn < other ? turn : other;
    printf("  turn %d\n", (int)turn);
    CHECK(turn <= 3 + CHILDREN * DEPTH); // what was with the processes already
    world_close(&w);
}

static void d16_what_can_never_run_is_refused_and_hangs_nobody(void) {
    world w;
    open_with(&w, 2, 8);
    weir_task_spec spec = spec_of(&w, &kernels[TURN], NULL, 0);
    for (uint32_t members = 3; members < 100; members++) {
        spec.members = members;
        CHECK_EQ(weir_flow_submit(w.flow, &spec, NULL), -E2BIG);
    }
    weir_flow_close(w.flow);
    int status = 1;
    CHECK_EQ(weir_flow_wait(w.flow, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    world_close(&w);
}

// ---- d20: a word that cannot be --------------------------------------------

// A process writes what it likes over its mailbox. Its own tasks may come to
// anything; the program lives, all tasks end, and others never notice.
static void d20_a_mailbox_with_noise_in_it_harms_nobody_else(void) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
        world w;
        open_with(&w, 2, 4);
        struct {
            wr_mailbox *mail[4];
            uint64_t seed;
            size_t bytes;
            uint32_t words;
        } a = {.seed = seed, .words = 1 << seed % 8};
        for (int i = 0; i < 2; i++)
            a.mail[i] = w.procs->child[i].mail;
        a.bytes = wr_mailbox_bytes(w.procs->payload, w.procs->depth);
        if (seed % 3 == 0)
            a.bytes = 1024; // the front of it
        CHECK_EQ(weir_procs_create(&w.other, w.zygote, &w.procs_options), 0);

        weir_task tasks[12];
        for (uint32_t i = 0; i < 12; i++) {
            weir_task_spec spec =
                spec_of(&w, &kernels[SCRIBBLE], &a, sizeof(a));
            if (i != 3)
                spec = spec_of(&w, &kernels[COUNT], &i, sizeof(i));
            spec.timeout_ns = (int64_t)2 * 1000000000;
            tasks[i] = put(&w, &spec);
        }
        int64_t began = weir_now_ns();
        for (uint32_t i = 0; i < 12; i++) {
            weir_task_outcome o = outcome_of(&w, tasks[i]);
            CHECK(tally_get(&w.board->count[i]) <= 1);
            (void)o;
        }
        if (weir_now_ns() - began > 1500000000)
            printf("  seed %d took its time\n", (int)seed);
        world_use_other(&w);
        for (uint32_t i = 0; i < 8; i++)
            check_done(&w, give(&w, &kernels[COUNT], 100 + i));
        world_close(&w);
    }
}

// ---- d22: the black hole ---------------------------------------------------

// With one of two processes dead, theirs did none of ten tasks on the other.
static void d22_a_dead_process_attracts_no_tasks(void) {
    for (unsigned dead = 0; dead < 2; dead++) {
        world w;
        open_with(&w, 2, 8);
        int old = pid_of(&w, dead), fd = pidfd_of(old);
        signal_to(fd, SIGKILL);
        for (uint32_t i = 0; i < 10; i++)
            give(&w, &kernels[WHERE], i); // meanwhile
        await_death(fd);
        close(fd);
        for (uint32_t i = 0; i < 10; i++)
            check_done(&w, give(&w, &kernels[WHERE], i));
        pid_await(&w, dead, old);
        tally_await(&w.board->ended, 20);
        // The new one is one like the others.
        weir_task both[2] = {give(&w, &kernels[HOLD], 8),
                             give(&w, &kernels[HOLD], 9)};
        tally_await(&w.board->begun, 2);
        tally_add(&w.board->go);
        check_done(&w, both[0]);
        check_done(&w, both[1]);
        world_close(&w);
    }
}

// ---- d23, d24: one holds up all --------------------------------------------

static void d23_a_process_that_is_stuck_holds_up_no_other(void) {
    world w;
    open_with(&w, 3, 4);
    weir_task stuck = give(&w, &kernels[HANG], 0);
    tally_await(&w.board->begun, 1);
    int fd = -1;
    for (unsigned i = 0; i < 3; i++) { // and one that hears nothing at all
        if (fd < 0 && i > 0) {
            fd = pidfd_of(pid_of(&w, i));
            signal_to(fd, SIGSTOP);
        }
    }
    weir_task tasks[300];
    for (uint32_t i = 0; i < 300; i++)
        tasks[i] = give(&w, &kernels[COUNT], i);
    // Those that the stopped one was given are the only ones that may wait.
    tally_await(&w.board->ended, 300 - 4);
    const weir_kernel *kernel;
    CHECK_EQ(weir_zygote_load(w.zygote, "x", "nothing.so", "x", &kernel), 0);
    weir_procs *more;
    CHECK_EQ(weir_procs_create(&more, w.zygote, &w.procs_options), 0);
    weir_procs_destroy(more);
    procs_counts(w.procs);
    signal_to(fd, SIGCONT);
    close(fd);
    for (uint32_t i = 0; i < 300; i++)
        check_done(&w, tasks[i]);
    CHECK_EQ(weir_task_poll(w.graph, stuck, NULL), -EINPROGRESS);
    fd = pidfd_of(pid_of(&w, 0));
    for (unsigned i = 0; i < 3; i++) {
        close(fd);
        fd = pidfd_of(pid_of(&w, i));
        signal_to(fd, SIGTERM); // whichever it is
    }
    close(fd);
    check_lost(&w, stuck, SIGTERM, -1);
    world_close(&w);
}

static board *plan; // in memory of all processes

enum { STARTERS = 4 };

static int start_together(void *context) {
    (void)context;
    tally_add(&plan->begun);
    while (tally_get(&plan->begun) < STARTERS)
        sched_yield();
    return 0;
}

static void d24_processes_start_at_the_same_time(void) {
    plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(plan != MAP_FAILED);
    world w;
    world_init(&w, kernels, TEST_COUNT(kernels), STARTERS);
    w.zygote_options.start = start_together;
    world_open(&w); // or never
    world_close(&w);
    munmap(plan, sizeof(*plan));
}

static void d24_there_is_one_thread_for_all_processes(void) {
    unsigned before = threads_before();
    world w;
    world_init(&w, kernels, TEST_COUNT(kernels), 10);
    w.threads = 1;
    world_open(&w);
    weir_procs *more;
    CHECK_EQ(weir_procs_create(&more, w.zygote, &w.procs_options), 0);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    CHECK(threads_alive() <= before + 2); // the keeper, the pool's
    weir_procs_destroy(more);
    world_close(&w);
}

// ---- d25, d26: small print -------------------------------------------------

static void d25_a_reason_of_400_bytes_is_not_cut(void) {
    char text[401];
    memset(text, 'r', 400);
    text[400] = 0;
    world w;
    open_with(&w, 1, 8);
    weir_task_spec spec = spec_of(&w, &kernels[REASON], text, sizeof(text));
    weir_task_outcome o = outcome_of(&w, put(&w, &spec));
    CHECK_EQ(o.status, -EIO);
    CHECK_STR(o.reason, text);
    CHECK_STR(o.kernel, "reason");
    world_close(&w);
}

static void d25_there_may_be_many_kernels(void) {
    enum { N = 1000 };
    static char names[N][16];
    static weir_kernel many[N];
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "kernel %d", i);
        many[i] = (weir_kernel){names[i], count_run};
    }
    world w;
    world_init(&w, many, N, 2);
    world_open(&w);
    for (uint32_t i = 0; i < N; i += 37) {
        weir_kernel named = {names[i], NULL};
        check_done(&w, give(&w, &named, i));
        CHECK_EQ(tally_get(&w.board->count[i]), 1);
    }
    world_close(&w);
}

static void d26_the_environment_is_left_alone(void) {
    char **list = environ;
    char *entries[1000];
    size_t count = 0;
    while (list[count] != NULL && count < 1000) {
        entries[count] = strdup(list[count]);
        count++;
    }
    world w;
    open_with(&w, 1, 8);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    CHECK(environ == list);
    for (size_t i = 0; i < count; i++) {
        CHECK_STR(list[i], entries[i]);
        free(entries[i]);
    }
    CHECK(list[count] == NULL);
    world_close(&w);
}

static const test_case cases[] = {
    {"d18_who_has_nothing_to_do_uses_no_cpu",
     d18_who_has_nothing_to_do_uses_no_cpu},
    {"d18_who_waits_for_a_process_uses_no_cpu",
     d18_who_waits_for_a_process_uses_no_cpu},
    {"d17_a_group_has_its_turn_among_singles",
     d17_a_group_has_its_turn_among_singles},
    {"d16_what_can_never_run_is_refused_and_hangs_nobody",
     d16_what_can_never_run_is_refused_and_hangs_nobody},
    {"d20_a_mailbox_with_noise_in_it_harms_nobody_else",
     d20_a_mailbox_with_noise_in_it_harms_nobody_else},
    {"d22_a_dead_process_attracts_no_tasks",
     d22_a_dead_process_attracts_no_tasks},
    {"d23_a_process_that_is_stuck_holds_up_no_other",
     d23_a_process_that_is_stuck_holds_up_no_other},
    {"d24_processes_start_at_the_same_time",
     d24_processes_start_at_the_same_time},
    {"d24_there_is_one_thread_for_all_processes",
     d24_there_is_one_thread_for_all_processes},
    {"d25_a_reason_of_400_bytes_is_not_cut",
     d25_a_reason_of_400_bytes_is_not_cut},
    {"d25_there_may_be_many_kernels", d25_there_may_be_many_kernels},
    {"d26_the_environment_is_left_alone", d26_the_environment_is_left_alone},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
