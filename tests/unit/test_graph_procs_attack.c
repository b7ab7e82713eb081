// SPDX-License-Identifier: MIT
// What kernels do that nobody asked them to, and ends at bad moments.
#include "graph/procs_types.h"
#include "support/graph_procs.h"

#include <sys/prctl.h>

// ---- kernels ---------------------------------------------------------------

// As old libraries do before they start something.
static int close_all_run(const weir_kernel_call *call) {
    (void)call;
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    return 0;
}

// The same, and what is opened next has the numbers that others had.
static int close_and_open_run(const weir_kernel_call *call) {
    close_all_run(call);
    int fd = memfd_create("ours", 0);
    CHECK(fd >= 0);
    for (int i = 0; i < 20; i++)
        CHECK(dup(fd) >= 0);
    return 0;
}

// Has the file that was opened last grown?
static int look_run(const weir_kernel_call *call) {
    off_t size = lseek(3, 0, SEEK_END);
    tally_set(&board_of(call)->count[0], (uint64_t)size);
    return 0;
}

// Two come back from this one.
static int fork_run(const weir_kernel_call *call) {
    tally_add(&board_of(call)->count[index_of(call)]);
    return fork() < 0 ? -EAGAIN : 0;
}

// The first one goes, another comes back in its place: daemon(3) does this.
static int daemon_run(const weir_kernel_call *call) {
    tally_add(&board_of(call)->count[index_of(call)]);
    int pid = fork();
    if (pid > 0)
        _exit(0);
    return pid < 0 ? -EAGAIN : 0;
}

static int unmap_run(const weir_kernel_call *call) {
    char *page = (char *)board_of(call);
    munmap(page - (uintptr_t)page % 4096, 4096);
    tally_add(&board_of(call)->begun); // it cannot
    return 0;
}

static int block_signals_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    for (int i = 1; i < 32; i++)
        signal(i, SIG_IGN);
    return hang_run(call) + (b == NULL);
}

static void *thread_that_goes_on(void *arg) {
    board *b = arg;
    while (tally_add(&b->turn) != 0)
        continue;
    return NULL;
}

static int thread_run(const weir_kernel_call *call) {
    pthread_t thread;
    int error =
        pthread_create(&thread, NULL, thread_that_goes_on, board_of(call));
    return error == 0 ? 0 : -error;
}

// Two words that are not its own, and what it writes there until it is let go.
typedef struct wild {
    wr_atomic_u32 *word[2];
    uint32_t value;
} wild;

static int overwrite_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    wild a;
    memcpy(&a, call->arguments, sizeof(a));
    for (bool told = false; tally_get(&b->go) == 0; told = true) {
        for (int i = 0; i < 2; i++)
            wr_store(a.word[i], a.value, seq_cst, ALONE, "out of nowhere");
        if (!told)
            tally_add(&b->begun);
        sched_yield();
    }
    return 0;
}

static const weir_kernel kernels[] = {
    {"count", count_run},
    {"close", close_all_run},
    {"close and open", close_and_open_run},
    {"look", look_run},
    {"fork", fork_run},
    {"daemon", daemon_run},
    {"unmap", unmap_run},
    {"block", block_signals_run},
    {"thread", thread_run},
    {"hold", hold_run},
    {"die", die_run},
    {"overwrite", overwrite_run},
};
enum {
    COUNT,
    CLOSE,
    REOPEN,
    LOOK,
    FORK,
    DAEMON,
    UNMAP,
    BLOCK,
    THREAD,
    HOLD,
    DIE,
    OVERWRITE
};

static void open_with(world *w, unsigned children) {
    world_init(w, kernels, TEST_COUNT(kernels), children);
    world_open(w);
}

// ---- descriptors -----------------------------------------------------------

static tally continued;

static int continue_run(weir_worker *self, weir_job *job) {
    (void)self, (void)job;
    return 0;
}

// The job lies on the stack of who waits: it is told of the end, not the run,
// and in order: what the worker read of the job was before.
static void continue_done(weir_job *job, int status) {
    (void)job, (void)status;
    mark_set(&continued);
}

// Nobody waits: what tells the keeper must come through all the same.
static void a_kernel_may_close_every_descriptor(void) {
    world w;
    open_with(&w, 1);
    for (uint32_t i = 0; i < 20; i++) {
        tally_set(&continued, 0);
        weir_task task = give(&w, &kernels[CLOSE], 0);
        weir_job job = WEIR_JOB_INIT(continue_run, continue_done);
        CHECK_EQ(weir_task_attach(w.graph, task, &job), 0);
        mark_await(&continued, 1);
        int status = outcome_of(&w, task).status;
        CHECK(status == 0 || status == -EOWNERDEAD);
        check_done(&w, give(&w, &kernels[COUNT], i));
    }
    world_close(&w);
}

// Nor is anything of ours written into a file of the kernel's.
static void a_kernels_files_are_its_own(void) {
    world w;
    open_with(&w, 1);
    for (int i = 0; i < 10; i++) {
        int pid = pid_await(&w, 0, -1);
        outcome_of(&w, give(&w, &kernels[REOPEN], 0));
        tally_set(&w.board->count[0], UINT64_MAX);
        for (int j = 0; j < 5; j++) {
            weir_task task = give(&w, &kernels[LOOK], 0);
            while (weir_task_poll(w.graph, task, NULL) == -EINPROGRESS)
                sched_yield();
            CHECK_EQ(weir_task_release(w.graph, task), 0);
        }
        if (pid_await(&w, 0, -1) == pid)
            CHECK_EQ(tally_get(&w.board->count[0]), 0);
    }
    world_close(&w);
}

// ---- forks -----------------------------------------------------------------

// In a program of its own, whose last descendant's end is seen.
static void have_kernels_that_fork(int kernel) {
    prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL);
    world w;
    open_with(&w, 2);
    for (uint32_t round = 0; round < 10; round++) {
        weir_task tasks[20];
        for (uint32_t i = 0; i < 20; i++)
            tasks[i] = give(&w, i == 5 ? &kernels[kernel] : &kernels[COUNT],
                            100 * round + i);
        for (uint32_t i = 0; i < 20; i++) {
            int status = outcome_of(&w, tasks[i]).status;
            CHECK(status == 0 || (i == 5 && status == -EOWNERDEAD));
            CHECK_EQ(tally_get(&w.board->count[100 * round + i]), 1);
        }
    }
    weir_procs_counts c = procs_counts(w.procs);
    CHECK_EQ(c.tasks + c.crashes, 200);
    world_close(&w);
    _exit(0);
}

static void forks_with(int kernel) {
    int gone[2];
    CHECK_EQ(pipe(gone), 0);
    fflush(stdout);
    int pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK_EQ(dup2(gone[1], 0), 0);
        close(gone[0]);
        close(gone[1]);
        have_kernels_that_fork(kernel);
    }
    close(gone[1]);
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK_EQ(status, 0);
    struct pollfd poll_fd = {.fd = gone[0], .events = POLLIN};
    if (poll(&poll_fd, 1, 20000) != 1)
        CHECK_FAIL("what a kernel forked serves on");
    close(gone[0]);
}

static void a_kernel_that_forks_comes_back_once(void) { forks_with(FORK); }

static void a_kernel_that_becomes_a_daemon_is_lost(void) { forks_with(DAEMON); }

// ---- memory, signals, threads ----------------------------------------------

static void a_kernel_may_destroy_its_view_of_the_memory(void) {
    world w;
    open_with(&w, 1);
    for (uint32_t i = 0; i < 5; i++) {
        check_lost(&w, give(&w, &kernels[UNMAP], 0), SIGSEGV, -1);
        check_done(&w, give(&w, &kernels[COUNT], i));
    }
    CHECK_EQ(tally_get(&w.board->begun), 0);
    world_close(&w);
}

static void a_kernel_that_ignores_all_signals_can_be_killed(void) {
    world w;
    open_with(&w, 1);
    weir_task_spec spec = spec_of(&w, &kernels[BLOCK], NULL, 0);
    spec.timeout_ns = 20000000;
    check_status(&w, put(&w, &spec), -ETIMEDOUT);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    world_close(&w);
}

static void a_thread_of_a_kernel_ends_with_its_process(void) {
    if (TEST_UNDER_TSAN)
        SKIP("thread sanitizer: no threads after a fork");
    world w;
    open_with(&w, 1);
    check_done(&w, give(&w, &kernels[THREAD], 0));
    tally_await(&w.board->turn, 1);
    for (uint32_t i = 0; i < 50; i++)
        check_done(&w, give(&w, &kernels[COUNT], i));
    check_lost(&w, give(&w, &kernels[DIE], 0), SIGKILL, -1);
    uint64_t turn = tally_get(&w.board->turn);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    CHECK_EQ(tally_get(&w.board->turn), turn);
    check_done(&w, give(&w, &kernels[THREAD], 0)); // and at the end
    world_close(&w);
}

// ---- words of others -------------------------------------------------------

// Nothing has happened for long: the keeper sleeps until it is told something.
static void await_calm(world *w) {
    for (bool watched = true; watched;) {
        wr_mutex_lock(&w->procs->lock);
        watched = w->procs->watched;
        wr_mutex_unlock(&w->procs->lock);
        sched_yield();
    }
}

// The other process does its tasks, though all that it could be woken by or
// could tell of them with is spoiled, again and again. Nobody waits: who polls
// brings nothing back himself.
static void do_tasks_beside(world *w, const wild *a) {
    await_calm(w);
    weir_task_spec spec = spec_of(w, &kernels[OVERWRITE], a, sizeof(*a));
    weir_task wild_one = put(w, &spec);
    tally_await(&w->board->begun, 1);
    for (uint32_t i = 0; i < 3; i++) {
        weir_task task = give(w, &kernels[COUNT], i);
        while (weir_task_poll(w->graph, task, NULL) == -EINPROGRESS)
            sched_yield();
        check_done(w, task);
    }
    tally_add(&w->board->go);
    check_done(w, wild_one);
}

static void a_process_that_spoils_the_bell_holds_up_no_outcome(void) {
    world w;
    open_with(&w, 2);
    wr_mail_group *group = w.procs->group;
    wild a = {{&group->rung, &group->spinners}, 1};
    do_tasks_beside(&w, &a);
    world_close(&w);
}

static void a_process_that_hides_a_sleeper_holds_up_no_task(void) {
    world w;
    open_with(&w, 2);
    wr_atomic_u32 *asleep = &w.procs->child[1].mail->asleep;
    while (wr_load(asleep, relaxed, ALONE, "before it is overwritten") == 0)
        sched_yield();
    wild a = {{asleep, asleep}, 0};
    do_tasks_beside(&w, &a);
    world_close(&w);
}

// ---- ends at bad moments ---------------------------------------------------

static void stop(int pid) {
    int fd = pidfd_of(pid);
    signal_to(fd, SIGSTOP);
    while (stat_of(pid, 3) != 'T')
        sched_yield();
    close(fd);
}

static void a_stopped_process_does_not_hold_up_the_end(void) {
    world w;
    open_with(&w, 2);
    stop(pid_of(&w, 1));
    world_close(&w);
}

static void a_stopped_zygote_does_not_hold_up_the_end(void) {
    world w;
    open_with(&w, 2);
    stop(zygote_pid(&w));
    world_close(&w);
}

static void a_world_may_end_while_dead_processes_are_replaced(void) {
    for (int i = 0; i < 30; i++) {
        world w;
        open_with(&w, 3);
        weir_task tasks[3];
        for (uint32_t j = 0; j < 3; j++)
            tasks[j] = give(&w, &kernels[DIE], j);
        for (int j = 0; j < 3; j++)
            check_lost(&w, tasks[j], SIGKILL, -1);
        world_close(&w);
    }
}

static void a_graph_may_be_destroyed_while_its_tasks_run(void) {
    for (int i = 0; i < 20; i++) {
        world w;
        open_with(&w, 2);
        for (uint32_t j = 0; j < 50; j++)
            give(&w,
                 &kernels[j % 10 == 7   ? DIE
                          : j % 10 == 3 ? HOLD
                                        : COUNT],
                 j);
        if (i % 2 == 0)
            tally_await(&w.board->ended, 1);
        weir_flow_cancel(w.flow); // who is held sees it
        world_close(&w);
    }
}

// ---- waiting ---------------------------------------------------------------

static void a_wait_for_a_process_has_a_deadline(void) {
    world w;
    open_with(&w, 1);
    weir_task task = give(&w, &kernels[HOLD], 0);
    weir_task_outcome o = WEIR_TASK_OUTCOME_INIT;
    CHECK_EQ(weir_task_wait(w.graph, task, 0, &o), -ETIMEDOUT);
    int64_t deadline = in_ms(30);
    CHECK_EQ(weir_task_wait(w.graph, task, deadline, &o), -ETIMEDOUT);
    CHECK(weir_now_ns() >= deadline);
    weir_flow_close(w.flow);
    CHECK_EQ(weir_flow_wait(w.flow, in_ms(20), NULL), -ETIMEDOUT);
    tally_await(&w.board->begun, 1);
    tally_add(&w.board->go);
    check_done(&w, task);
    int status = 1;
    CHECK_EQ(weir_flow_wait(w.flow, WEIR_FOREVER, &status), 0);
    CHECK_EQ(status, 0);
    world_close(&w);
}

// A process starts only once a fork has run that the worker which waits for the
// process has kept to itself.
static int start_when_told(void *context) {
    tally_await(context, 1);
    return 0;
}

typedef struct teller {
    weir_fork fork; // first
    tally *go;      // or NULL
} teller;

static void tell_to_start(weir_worker *self, weir_fork *fork) {
    teller *t = (teller *)fork;
    (void)self;
    if (t->go != NULL)
        tally_add(t->go);
}

static tally *start_go;
static tally others_begun;
static tally others_let_go;

static int keep_busy(weir_worker *self, weir_job *job) {
    (void)self, (void)job;
    tally_add(&others_begun);
    tally_await(&others_let_go, 1);
    return 0;
}

static int create_on_a_worker(weir_worker *self, void *zygote) {
    enum { FORKS = 3 };
    teller tellers[FORKS];
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    weir_procs *procs = NULL;
    tally_await(&others_begun, 1); // so that nobody takes a fork yet
    for (int i = 0; i < FORKS; i++) {
        tellers[i].go = i == FORKS - 1 ? start_go : NULL;
        weir_fork_begin(self, &tellers[i].fork, tell_to_start);
    }
    tally_add(&others_let_go);
    CHECK_EQ(weir_procs_create(&procs, zygote, &options), 0);
    weir_procs_destroy(procs);
    for (int i = FORKS; i-- > 0;)
        weir_fork_join(self, &tellers[i].fork, tell_to_start);
    return 0;
}

static void who_creates_processes_on_a_worker_opens_its_forks(void) {
    weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
    weir_zygote *zygote = NULL;
    start_go = mmap(NULL, sizeof(tally), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(start_go != MAP_FAILED);
    options.start = start_when_told;
    options.context = start_go;
    int error = weir_zygote_create(&zygote, &options);
    if (error == -ENOSYS)
        SKIP("this system has no zygotes");
    CHECK_EQ(error, 0);
    weir_pool *pool = pool_of(2);
    weir_job job = WEIR_JOB_INIT(keep_busy, NULL);
    submit(pool, &job);
    int status = 1;
    CHECK_EQ(weir_run(pool, create_on_a_worker, zygote, &status), 0);
    CHECK_EQ(status, 0);
    wait_idle(pool);
    pool_close(pool);
    weir_zygote_destroy(zygote);
    CHECK_EQ(munmap(start_go, sizeof(tally)), 0);
}

static void there_may_be_many_processes(void) {
    enum { N = 64 };
    world w;
    open_with(&w, N);
    weir_task tasks[N];
    for (uint32_t i = 0; i < N; i++)
        tasks[i] = give(&w, &kernels[HOLD], i);
    tally_await(&w.board->begun, N);
    tally_add(&w.board->go);
    for (uint32_t i = 0; i < N; i++)
        check_done(&w, tasks[i]);
    for (uint32_t i = 0; i < N; i++)
        tasks[i] = give(&w, &kernels[DIE], i);
    for (uint32_t i = 0; i < N; i++)
        check_lost(&w, tasks[i], SIGKILL, -1);
    check_done(&w, give(&w, &kernels[COUNT], 0));
    world_close(&w);
}

static const test_case cases[] = {
    {"a_kernel_may_close_every_descriptor",
     a_kernel_may_close_every_descriptor},
    {"a_kernels_files_are_its_own", a_kernels_files_are_its_own},
    {"a_kernel_that_forks_comes_back_once",
     a_kernel_that_forks_comes_back_once},
    {"a_kernel_that_becomes_a_daemon_is_lost",
     a_kernel_that_becomes_a_daemon_is_lost},
    {"a_kernel_may_destroy_its_view_of_the_memory",
     a_kernel_may_destroy_its_view_of_the_memory},
    {"a_kernel_that_ignores_all_signals_can_be_killed",
     a_kernel_that_ignores_all_signals_can_be_killed},
    {"a_thread_of_a_kernel_ends_with_its_process",
     a_thread_of_a_kernel_ends_with_its_process},
    {"a_process_that_spoils_the_bell_holds_up_no_outcome",
     a_process_that_spoils_the_bell_holds_up_no_outcome},
    {"a_process_that_hides_a_sleeper_holds_up_no_task",
     a_process_that_hides_a_sleeper_holds_up_no_task},
    {"a_stopped_process_does_not_hold_up_the_end",
     a_stopped_process_does_not_hold_up_the_end},
    {"a_stopped_zygote_does_not_hold_up_the_end",
     a_stopped_zygote_does_not_hold_up_the_end},
    {"a_world_may_end_while_dead_processes_are_replaced",
     a_world_may_end_while_dead_processes_are_replaced},
    {"a_graph_may_be_destroyed_while_its_tasks_run",
     a_graph_may_be_destroyed_while_its_tasks_run},
    {"a_wait_for_a_process_has_a_deadline",
     a_wait_for_a_process_has_a_deadline},
    {"who_creates_processes_on_a_worker_opens_its_forks",
     who_creates_processes_on_a_worker_opens_its_forks},
    {"there_may_be_many_processes", there_may_be_many_processes},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
