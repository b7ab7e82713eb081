// SPDX-License-Identifier: MIT
// The task that dies with its process.
//
//   lost_child naive   a forked worker and a mailbox; the parent waits for the
//                      word DONE, which a dead worker never writes
//   lost_child weir    the same with a graph and its processes: the task that
//                      was in the process fails, the others have another
//
// Processes are there because what runs in them may crash, and the one thing
// that the protocol of the mailbox has no word for is a crash. The parent may
// be told of it in some other way, by a signal or by wait; but who waits for
// the mailbox does not look there. Not only is the task lost: all that wait
// behind it are, and so is who waits for them.
#include <weir/graph.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TASKS = 4, BAD = 1 };

// What a task does, here and there.
static void work(int task) {
    if (task == BAD)
        raise(SIGKILL); // or a stray pointer, or the system is out of memory
}

// ---- naive -----------------------------------------------------------------

enum { IDLE, READY, DONE, STOP };

typedef struct mailbox {
    atomic_int state;
    int task;
} mailbox;

static void worker(mailbox *box) {
    for (pid_t parent = getppid(); getppid() == parent; sched_yield()) {
        int state = atomic_load(&box->state);
        if (state == STOP)
            break;
        if (state != READY)
            continue;
        work(box->task);
        atomic_store(&box->state, DONE);
    }
    _exit(0);
}

// For the spectator: can this still end? The scheduler does not know.
static int is_hopeless(const mailbox *box, pid_t child) {
    return waitpid(child, NULL, WNOHANG) == child &&
           atomic_load(&box->state) != DONE;
}

static int naive(void) {
    mailbox *box = mmap(NULL, sizeof(*box), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (box == MAP_FAILED)
        return -1;
    pid_t child = fork();
    if (child == 0)
        worker(box);
    if (child < 0)
        return -1;
    for (int task = 0; task < TASKS; task++) {
        box->task = task;
        atomic_store(&box->state, READY);
        while (atomic_load(&box->state) != DONE) {
            if (is_hopeless(box, child))
                return TASKS - task; // a real one would wait for ever
            sched_yield();
        }
    }
    atomic_store(&box->state, STOP);
    waitpid(child, NULL, 0);
    return 0;
}

// ---- weir ------------------------------------------------------------------

static int work_kernel(const weir_kernel_call *call) {
    int task;
    memcpy(&task, call->arguments, sizeof(task));
    work(task);
    return 0;
}

static const weir_kernel kernels[] = {{"work", work_kernel}};

static void check(int error) {
    if (error >= 0)
        return;
    fprintf(stderr, "lost_child: %s\n", weir_strerror(error));
    exit(2);
}

// All tasks in one process; how many came to what they should.
static int answers(weir_graph *graph, weir_procs *procs) {
    weir_flow *flow;
    check(weir_flow_begin(graph, NULL, &flow));
    weir_task tasks[TASKS];
    for (int i = 0; i < TASKS; i++) {
        weir_task_spec spec = WEIR_TASK_SPEC_INIT;
        spec.kernel = &kernels[0];
        spec.procs = procs;
        spec.arguments = &i;
        spec.arguments_size = sizeof(i);
        check(weir_flow_submit(flow, &spec, &tasks[i]));
    }
    weir_flow_release(flow);
    int right = 0;
    for (int i = 0; i < TASKS; i++) {
        weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
        check(weir_task_wait(graph, tasks[i], WEIR_FOREVER, &outcome));
        if (i == BAD)
            right += outcome.status == -EOWNERDEAD && outcome.signal == SIGKILL;
        else
            right += outcome.status == 0;
    }
    return right;
}

static int with_weir(void) {
    weir_zygote_options zygote_options = WEIR_ZYGOTE_OPTIONS_INIT;
    zygote_options.kernels = kernels;
    zygote_options.kernels_count = 1;
    weir_zygote *zygote;
    check(weir_zygote_create(&zygote, &zygote_options)); // before threads
    weir_procs_options procs_options = WEIR_PROCS_OPTIONS_INIT;
    weir_procs *procs;
    check(weir_procs_create(&procs, zygote, &procs_options));
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    weir_pool *pool;
    check(weir_pool_create(&pool, &pool_options));
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = pool;
    weir_graph *graph;
    check(weir_graph_create(&graph, &options));
    int lost = TASKS - answers(graph, procs);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    weir_procs_destroy(procs);
    weir_zygote_destroy(zygote);
    return lost;
}

int main(int argc, char **argv) {
    int is_naive = argc == 2 && strcmp(argv[1], "naive") == 0;
    if (!is_naive && (argc != 2 || strcmp(argv[1], "weir") != 0)) {
        fprintf(stderr, "usage: lost_child naive|weir\n");
        return 2;
    }
    int lost = is_naive ? naive() : with_weir();
    if (lost < 0) {
        fprintf(stderr, "lost_child: it did not work at all\n");
        return 2;
    }
    printf("%s: a worker is killed in one of %d tasks; %d of them are never "
           "heard of\n",
           argv[1], TASKS, lost);
    return lost > 0;
}
