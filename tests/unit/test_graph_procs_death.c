// SPDX-License-Identifier: MIT
// The end of the program, of the zygote, and of the world: whatever dies in
// whatever way, nothing is left behind.
#include "support/graph_procs.h"

#include "base/random.h"

#include <sys/prctl.h>
#include <sys/time.h>

static int here_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    tally_set(&b->count[index_of(call)], (uint64_t)getpid());
    return 0;
}

static const weir_kernel kernels[] = {
    {"count", count_run}, {"hold", hold_run}, {"hang", hang_run},
    {"die", die_run},     {"here", here_run},
};
enum { COUNT, HOLD, HANG, DIE, HERE };

static void open_with(world *w, unsigned children) {
    world_init(w, kernels, TEST_COUNT(kernels), children);
    world_open(w);
}

// ---- programs that end -----------------------------------------------------

// A program in a process of its own. All that descends from it has the other
// end of `gone`, as its standard input: the end of that file is the end of all.
typedef struct life {
    int pid, watch; // a descriptor
    int gone;
    int says; // what the program writes
} life;

typedef void program(int says);

static life life_begin(program *run) {
    int gone[2], says[2];
    CHECK_EQ(pipe(gone), 0);
    CHECK_EQ(pipe(says), 0);
    fflush(stdout);
    int pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL);
        CHECK_EQ(dup2(gone[1], 0), 0);
        close(gone[0]);
        close(gone[1]);
        close(says[0]);
        run(says[1]);
        _exit(0);
    }
    close(gone[1]);
    close(says[1]);
    return (life){pid, pidfd_of(pid), gone[0], says[0]};
}

static int life_hears(const life *l, void *what, size_t size) {
    for (size_t at = 0; at < size;) {
        ssize_t n = read(l->says, (char *)what + at, size - at);
        if (n <= 0)
            return 0;
        at += (size_t)n;
    }
    return 1;
}

static void say(int says, const void *what, size_t size) {
    CHECK_EQ(write(says, what, size), (ssize_t)size);
}

// life_end waits for the end of the program and, at most a minute longer, of
// all that it had. Returns how it ended.
static int life_end(life *l) {
    int status;
    CHECK_EQ(waitpid(l->pid, &status, 0), l->pid);
    struct pollfd poll_fd = {.fd = l->gone, .events = POLLIN};
    int n = poll(&poll_fd, 1, 60000);
    if (n != 1)
        CHECK_FAIL("a process has outlived its program (%d)", n);
    char c;
    CHECK_EQ(read(l->gone, &c, 1), 0);
    close(l->gone);
    close(l->says);
    close(l->watch);
    return status;
}

static void life_kill(life *l) {
    signal_to(l->watch, SIGKILL);
    int status = life_end(l);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), SIGKILL);
}

// A world at work: two kernels run for ever, more wait.
static void busy(world *w) {
    open_with(w, 3);
    for (int i = 0; i < 2; i++)
        give(w, &kernels[HANG], 0);
    tally_await(&w->board->begun, 2);
    for (uint32_t i = 0; i < 100; i++)
        give(w, &kernels[i < 50 ? COUNT : HANG], i);
}

static void sit(int says) {
    world w;
    busy(&w);
    int pids[] = {zygote_pid(&w), pid_of(&w, 0), pid_of(&w, 1), pid_of(&w, 2)};
    say(says, pids, sizeof(pids));
    for (;;)
        pause();
}

static void when_the_program_is_killed_all_are(void) {
    for (int i = 0; i < 5; i++) {
        life l = life_begin(sit);
        int pids[4];
        CHECK(life_hears(&l, pids, sizeof(pids)));
        int zygote = pidfd_of(pids[0]);
        CHECK_EQ(is_dead(zygote), 0);
        life_kill(&l);
        await_death(zygote); // what it had open was closed a moment before
        close(zygote);
    }
}

// What is stopped is killed all the same.
static void when_the_program_is_killed_what_is_stopped_goes_too(void) {
    for (int i = 0; i < 4; i++) {
        life l = life_begin(sit);
        int pids[4];
        CHECK(life_hears(&l, pids, sizeof(pids)));
        int fd = pidfd_of(pids[i]);
        signal_to(fd, SIGSTOP);
        while (stat_of(pids[i], 3) != 'T')
            sched_yield();
        life_kill(&l);
        close(fd);
    }
}

static void leave_at_once(int says) {
    (void)says;
    world w;
    busy(&w);
    _exit(5);
}

static void leave(int says) {
    (void)says;
    world w;
    busy(&w);
    exit(6);
}

static void leave_by_abort(int says) {
    (void)says;
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    world w;
    busy(&w);
    abort();
}

static void a_program_may_end_without_a_word(void) {
    life l = life_begin(leave_at_once);
    CHECK_EQ(WEXITSTATUS(life_end(&l)), 5);
    l = life_begin(leave);
    CHECK_EQ(WEXITSTATUS(life_end(&l)), 6);
    l = life_begin(leave_by_abort);
    int status = life_end(&l);
    CHECK(WIFSIGNALED(status));
}

// ---- at any moment ---------------------------------------------------------

// All that a world can do, and then all over.
static void live(int says) {
    world w;
    say(says, "a", 1);
    open_with(&w, 3);
    weir_task tasks[60];
    for (uint32_t i = 0; i < 60; i++)
        tasks[i] = give(&w, &kernels[i % 20 == 7 ? DIE : COUNT], i);
    weir_procs *more;
    CHECK_EQ(weir_procs_create(&more, w.zygote, &w.procs_options), 0);
    for (uint32_t i = 0; i < 60; i++)
        outcome_of(&w, tasks[i]);
    weir_procs_destroy(more);
    world_close(&w);
    say(says, "z", 1);
}

static void the_program_may_be_killed_at_any_moment(void) {
    enum { LIVES = 60 };
    int64_t whole = 0;
    uint64_t random = 1;
    for (int i = 0; i < LIVES; i++) {
        life l = life_begin(live);
        char c;
        CHECK(life_hears(&l, &c, 1));
        int64_t began = weir_now_ns();
        if (i == 0) { // how long is a life?
            CHECK(life_hears(&l, &c, 1));
            whole = weir_now_ns() - began;
            CHECK_EQ(life_end(&l), 0);
            continue;
        }
        // Mostly in the first part, in which the processes are made.
        int64_t part = i % 2 == 0 ? whole : whole / 8;
        uint32_t most = part < UINT32_MAX ? (uint32_t)part : UINT32_MAX;
        until(began + wr_random_below(&random, most));
        signal_to(l.watch, SIGKILL); // it may have ended by itself: a zombie
        life_end(&l);
    }
}

static board *plan; // in memory of all processes

static int start_hang(void *context) {
    (void)context;
    tally_add(&plan->begun);
    while (tally_get(&plan->go) == 0)
        sched_yield();
    return 0;
}

static void plan_make(void) {
    plan = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(plan != MAP_FAILED);
}

static void start_for_ever(int says) {
    (void)says;
    world w;
    world_init(&w, kernels, TEST_COUNT(kernels), 3);
    w.zygote_options.start = start_hang;
    world_open(&w);
}

// d21: between its fork and its first look at the mailbox a child cannot look
// for its parent; a parent that died there left it behind for days.
static void d21_the_program_may_die_while_processes_start(void) {
    plan_make();
    life l = life_begin(start_for_ever);
    tally_await(&plan->begun, 1);
    life_kill(&l);
    munmap(plan, sizeof(*plan));
}

// ---- the first thread ------------------------------------------------------

static world shared_world;

// Goes on when the first thread has ended.
static void *go_on(void *arg) {
    int says = *(int *)arg;
    world *w = &shared_world;
    while (stat_of(getpid(), 3) != 'Z') // what a dead first thread looks like
        sched_yield();
    for (uint32_t i = 0; i < 100; i++) {
        weir_task_outcome o = outcome_of(w, give(w, &kernels[COUNT], i));
        CHECK_EQ(o.status, 0);
    }
    check_lost(w, give(w, &kernels[DIE], 0), SIGKILL, -1);
    check_done(w, give(w, &kernels[COUNT], 0));
    say(says, "z", 1);
    _exit(7);
}

static void leave_the_first_thread(int says) {
    static int fd;
    fd = says;
    open_with(&shared_world, 2);
    thread_start(go_on, &fd);
    pthread_exit(NULL);
}

static void the_first_thread_may_end_before_the_program(void) {
    life l = life_begin(leave_the_first_thread);
    char c = 0;
    int heard = life_hears(&l, &c, 1);
    int status = life_end(&l);
    CHECK_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 7);
    CHECK(heard && c == 'z');
}

static void *make_and_leave(void *arg) {
    world *w = arg;
    CHECK_EQ(weir_procs_create(&w->other, w->zygote, &w->procs_options), 0);
    return NULL;
}

// Nor do processes go with the thread that asked for them.
static void a_group_outlives_the_thread_that_made_it(void) {
    world w;
    open_with(&w, 2);
    thread_join(thread_start(make_and_leave, &w));
    world_use_other(&w);
    int pids[2] = {pid_of(&w, 0), pid_of(&w, 1)};
    for (uint32_t i = 0; i < 100; i++)
        check_done(&w, give(&w, &kernels[COUNT], i));
    CHECK_EQ(pid_of(&w, 0), pids[0]);
    CHECK_EQ(pid_of(&w, 1), pids[1]);
    CHECK_EQ(procs_counts(w.procs).replaced, 0);
    world_close(&w);
}

// ---- the zygote ------------------------------------------------------------

static void kill_zygote(const world *w) {
    int fd = pidfd_of(zygote_pid(w));
    signal_to(fd, SIGKILL);
    await_death(fd);
    close(fd);
}

static void when_the_zygote_is_killed_its_tasks_end(void) {
    world w;
    open_with(&w, 2);
    weir_task tasks[40];
    for (uint32_t i = 0; i < 40; i++)
        tasks[i] = give(&w, &kernels[HANG], i);
    tally_await(&w.board->begun, 2);
    int fds[2] = {pidfd_of(pid_of(&w, 0)), pidfd_of(pid_of(&w, 1))};
    kill_zygote(&w);
    int ran = 0;
    for (uint32_t i = 0; i < 40; i++) {
        weir_task_outcome o = outcome_of(&w, tasks[i]);
        CHECK_EQ(o.status, -EOWNERDEAD);
        CHECK(o.ran || o.signal == 0);
        ran += o.ran;
    }
    CHECK_EQ(ran, 2);
    CHECK_EQ(is_dead(fds[0]), 1);
    CHECK_EQ(is_dead(fds[1]), 1);
    close(fds[0]);
    close(fds[1]);
    uint32_t index = 0;
    weir_task_spec spec = spec_of(&w, &kernels[COUNT], &index, sizeof(index));
    CHECK_EQ(weir_flow_submit(w.flow, &spec, NULL), -EOWNERDEAD);
    weir_procs *more = NULL;
    CHECK_EQ(weir_procs_create(&more, w.zygote, &w.procs_options), -EOWNERDEAD);
    spec.procs = NULL; // threads go on
    check_done(&w, put(&w, &spec));
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.children, 0);
    CHECK_EQ(c.queued + c.in_flight, 0);
    CHECK_EQ(pid_of(&w, 0), -1);
    world_close(&w);
}

static void the_zygote_may_be_killed_at_any_moment(void) {
    enum { LIVES = 30, N = 300 };
    uint64_t random = 3;
    static weir_task tasks[N];
    for (int round = 0; round < LIVES; round++) {
        world w;
        open_with(&w, 2);
        int fd = pidfd_of(zygote_pid(&w));
        uint32_t count = 0, when = wr_random_below(&random, N);
        for (; count < N; count++) {
            uint32_t index = count;
            weir_task_spec spec =
                spec_of(&w, &kernels[count % 10 == 7 ? DIE : COUNT], &index,
                        sizeof(index));
            int error = weir_flow_submit(w.flow, &spec, &tasks[count]);
            if (error != 0) {
                CHECK_EQ(error, -EOWNERDEAD);
                break;
            }
            if (count == when)
                signal_to(fd, SIGKILL);
        }
        CHECK(count > when);
        for (uint32_t i = 0; i < count; i++) {
            weir_task_outcome o = outcome_of(&w, tasks[i]);
            uint64_t counted = tally_get(&w.board->count[i]);
            CHECK(o.status == 0 || o.status == -EOWNERDEAD);
            CHECK(o.ran || counted == 0);
            CHECK(counted <= 1);
            if (o.status == 0)
                CHECK_EQ(counted, 1);
        }
        close(fd);
        world_close(&w);
    }
}

static void an_idle_zygote_that_is_killed_is_noticed(void) {
    world w;
    open_with(&w, 2);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    kill_zygote(&w);
    for (;;) {
        uint32_t index = 0;
        weir_task task;
        weir_task_spec spec =
            spec_of(&w, &kernels[COUNT], &index, sizeof(index));
        int error = weir_flow_submit(w.flow, &spec, &task);
        if (error == -EOWNERDEAD)
            break;
        CHECK_EQ(error, 0);
        int status = outcome_of(&w, task).status;
        CHECK(status == 0 || status == -EOWNERDEAD);
    }
    world_close(&w);
}

// Processes need it for new ones only.
static void a_stopped_zygote_holds_up_nothing_that_runs(void) {
    world w;
    open_with(&w, 2);
    int pid = zygote_pid(&w), fd = pidfd_of(pid);
    signal_to(fd, SIGSTOP);
    while (stat_of(pid, 3) != 'T')
        sched_yield();
    for (uint32_t i = 0; i < 200; i++)
        check_done(&w, give(&w, &kernels[COUNT], i));
    signal_to(fd, SIGCONT);
    close(fd);
    check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    world_close(&w);
}

// ---- the dead --------------------------------------------------------------

static void the_dead_are_buried(void) {
    world w;
    open_with(&w, 2);
    int zygote = zygote_pid(&w);
    leftovers before = leftovers_now();
    for (int i = 0; i < 30; i++) {
        check_done(&w, give(&w, &kernels[HERE], 0));
        int pid = (int)tally_get(&w.board->count[0]);
        int fd = pidfd_of(pid);
        signal_to(fd, SIGKILL);
        await_death(fd);
        close(fd);
        while (parent_of(pid) == zygote) // no zombie
            sched_yield();
    }
    for (unsigned i = 0; i < 2; i++)
        pid_await(&w, i, -1);
    while (procs_counts(w.procs).children != 2)
        sched_yield();
    leftovers now = leftovers_now();
    CHECK_EQ(now.descriptors, before.descriptors);
    CHECK_EQ(now.shared, before.shared);
    world_close(&w);
}

// d27: theirs could be taken away by whoever waits for any child, and a pid be
// that of another process by the time that it was used.
static void d27_a_program_may_wait_for_any_child(void) {
    world w;
    open_with(&w, 2);
    for (int i = 0; i < 20; i++) {
        weir_task task = give(&w, &kernels[DIE], 0);
        CHECK_EQ(waitpid(-1, NULL, WNOHANG), 0); // there is one, and it lives
        check_lost(&w, task, SIGKILL, -1);
        CHECK_EQ(waitpid(-1, NULL, WNOHANG), 0);
    }
    int zygote = zygote_pid(&w);
    kill_zygote(&w);
    int taken = waitpid(-1, NULL, 0); // "do not", but it does no harm
    CHECK(taken == zygote || (taken == -1 && errno == ECHILD));
    world_close(&w);
}

static void nobody_may_be_interested_in_children(void) {
    signal(SIGCHLD, SIG_IGN); // the system buries them itself
    world w;
    open_with(&w, 2);
    check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    world_close(&w);
    signal(SIGCHLD, SIG_DFL);
}

// ---- signals ---------------------------------------------------------------

static void stand_a_ctrl_c(int says) {
    CHECK_EQ(setpgid(0, 0), 0);
    world w;
    open_with(&w, 2);
    signal(SIGINT, SIG_IGN); // this one is not the subject
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    int pids[2] = {pid_of(&w, 0), pid_of(&w, 1)};
    for (uint32_t i = 0; i < 3; i++) {
        static const int numbers[] = {SIGINT, SIGQUIT, SIGHUP};
        weir_task both[2] = {give(&w, &kernels[HOLD], i),
                             give(&w, &kernels[HOLD], i)};
        tally_await(&w.board->begun, 2);
        CHECK_EQ(kill(0, numbers[i]), 0); // the terminal does this
        tally_set(&w.board->go, 1);
        check_done(&w, both[0]);
        check_done(&w, both[1]);
        check_done(&w, give(&w, &kernels[COUNT], i));
        tally_set(&w.board->go, 0);
        tally_set(&w.board->begun, 0);
    }
    CHECK_EQ(pid_of(&w, 0), pids[0]);
    CHECK_EQ(pid_of(&w, 1), pids[1]);
    CHECK_EQ(procs_counts(w.procs).replaced, 0);
    check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1); // the zygote lives
    check_done(&w, give(&w, &kernels[COUNT], 0));
    world_close(&w);
    say(says, "z", 1);
}

static void a_signal_to_the_process_group_kills_no_process(void) {
    life l = life_begin(stand_a_ctrl_c);
    char c;
    CHECK(life_hears(&l, &c, 1));
    CHECK_EQ(life_end(&l), 0);
}

static void on_signal(int number) { (void)number; }

static void go_on_among_signals(int says) {
    struct sigaction action = {.sa_handler = on_signal}; // no SA_RESTART
    CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval often = {{0, 500}, {0, 500}};
    CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
    // Thread sanitizer keeps threads of its own in a forked program.
    for (int i = 0; i < (TEST_UNDER_TSAN ? 1 : 3); i++) {
        world w;
        open_with(&w, 2);
        weir_task tasks[200];
        for (uint32_t j = 0; j < 200; j++)
            tasks[j] = give(&w, &kernels[j % 50 == 7 ? DIE : COUNT], j);
        for (uint32_t j = 0; j < 200; j++)
            check_status(&w, tasks[j], j % 50 == 7 ? -EOWNERDEAD : 0);
        world_close(&w);
    }
    say(says, "z", 1);
}

static void signals_of_the_program_disturb_nothing(void) {
    life l = life_begin(go_on_among_signals);
    char c;
    CHECK(life_hears(&l, &c, 1));
    CHECK_EQ(life_end(&l), 0);
}

// ---- descriptors -----------------------------------------------------------

static void live_without_standard_files(int says) {
    for (int closed = 0; closed < 3; closed++)
        close(closed);
    // Nothing of ours is to become what others take for standard output.
    world w;
    open_with(&w, 2);
    CHECK_EQ(fcntl(0, F_GETFD), -1);
    CHECK_EQ(fcntl(1, F_GETFD), -1);
    CHECK_EQ(fcntl(2, F_GETFD), -1);
    for (uint32_t i = 0; i < 20; i++)
        check_done(&w, give(&w, &kernels[COUNT], i));
    check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    world_close(&w);
    say(says, "z", 1);
}

static void a_program_may_have_no_standard_files(void) {
    life l = life_begin(live_without_standard_files);
    char c;
    CHECK(life_hears(&l, &c, 1));
    CHECK_EQ(life_end(&l), 0);
}

// With one descriptor more each time until there are enough.
static void run_out_of_descriptors(int says) {
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    unsigned open_now = descriptors_open() - 1;
    weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
    weir_procs_options group = WEIR_PROCS_OPTIONS_INIT;
    group.children = 3;
    int refused = 0;
    for (unsigned more = 0;; more++) {
        CHECK(more < 100);
        limit.rlim_cur = open_now + more;
        CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
        weir_zygote *zygote = NULL;
        weir_procs *procs = NULL;
        int error = weir_zygote_create(&zygote, &options);
        if (error == 0) {
            error = weir_procs_create(&procs, zygote, &group);
            if (error == 0)
                weir_procs_destroy(procs);
            weir_zygote_destroy(zygote);
        }
        CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
        limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
        CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
        CHECK_EQ(descriptors_open() - 1, open_now);
        if (error == 0)
            break;
        CHECK_EQ(error, -EMFILE);
        refused++;
    }
    CHECK(refused > 0);
    say(says, "z", 1);
}

static void without_descriptors_it_says_so_and_leaves_none(void) {
    if (TEST_UNDER_TSAN)
        SKIP("thread sanitizer keeps threads of its own in a forked program");
    life l = life_begin(run_out_of_descriptors);
    char c;
    CHECK(life_hears(&l, &c, 1));
    CHECK_EQ(life_end(&l), 0);
}

static const test_case cases[] = {
    {"when_the_program_is_killed_all_are", when_the_program_is_killed_all_are},
    {"when_the_program_is_killed_what_is_stopped_goes_too",
     when_the_program_is_killed_what_is_stopped_goes_too},
    {"a_program_may_end_without_a_word", a_program_may_end_without_a_word},
    {"the_program_may_be_killed_at_any_moment",
     the_program_may_be_killed_at_any_moment},
    {"d21_the_program_may_die_while_processes_start",
     d21_the_program_may_die_while_processes_start},
    {"the_first_thread_may_end_before_the_program",
     the_first_thread_may_end_before_the_program},
    {"a_group_outlives_the_thread_that_made_it",
     a_group_outlives_the_thread_that_made_it},
    {"when_the_zygote_is_killed_its_tasks_end",
     when_the_zygote_is_killed_its_tasks_end},
    {"the_zygote_may_be_killed_at_any_moment",
     the_zygote_may_be_killed_at_any_moment},
    {"an_idle_zygote_that_is_killed_is_noticed",
     an_idle_zygote_that_is_killed_is_noticed},
    {"a_stopped_zygote_holds_up_nothing_that_runs",
     a_stopped_zygote_holds_up_nothing_that_runs},
    {"the_dead_are_buried", the_dead_are_buried},
    {"d27_a_program_may_wait_for_any_child",
     d27_a_program_may_wait_for_any_child},
    {"nobody_may_be_interested_in_children",
     nobody_may_be_interested_in_children},
    {"a_signal_to_the_process_group_kills_no_process",
     a_signal_to_the_process_group_kills_no_process},
    {"signals_of_the_program_disturb_nothing",
     signals_of_the_program_disturb_nothing},
    {"a_program_may_have_no_standard_files",
     a_program_may_have_no_standard_files},
    {"without_descriptors_it_says_so_and_leaves_none",
     without_descriptors_it_says_so_and_leaves_none},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
