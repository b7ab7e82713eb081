// SPDX-License-Identifier: MIT
// The reset that comes before the last task has quite ended.
//
//   early_reset naive   a scheduler counts a task as ended and then gives its
//                       slot back; who waits for the count resets in between,
//                       and the next run loses the task that has this slot
//   early_reset weir    the same with a graph: it is refused until all is over
//
// A run has ended when no task lives, so the count of live tasks falls as each
// ends, and who waits for zero may reset: all slots are free again, and the
// next run begins with the first. But the one who took the count to zero is
// still there. It has something left to do for its task, the very last thing,
// and does it to the task that has the slot by then. Here it stays in between
// until the next run has been submitted, which a preempted thread might as
// well. Both steps are made with the lock held; it is not a lock that is
// missing.
#include <weir/graph.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 2, TASKS = 4, YIELDS = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ran; // tasks

// ---- naive -----------------------------------------------------------------

enum { FREE, READY, RUNNING };

static int slots[TASKS];
static int live;      // tasks that have not ended
static int submitted; // runs
static int is_over;   // nothing more comes
static int is_stuck;  // a task lives, and is in no slot

static int *find_ready(void) {
    for (int i = 0; i < TASKS; i++)
        if (slots[i] == READY)
            return &slots[i];
    return NULL;
}

static void *schedule(void *unused) {
    pthread_mutex_lock(&lock);
    while (!is_over && !is_stuck) {
        int *slot = find_ready();
        if (slot == NULL) {
            is_stuck = live > 0; // a real one would hang
            pthread_cond_broadcast(&changed);
            if (!is_stuck)
                pthread_cond_wait(&changed, &lock);
            continue;
        }
        *slot = RUNNING;
        ran++;
        int run = submitted;
        live--;
        pthread_cond_broadcast(&changed);
        // Here: it is counted as ended, and its slot is not given back. The
        // thread is stopped until who waited has gone on.
        while (live == 0 && submitted == run && run < RUNS)
            pthread_cond_wait(&changed, &lock);
        *slot = FREE;
    }
    pthread_mutex_unlock(&lock);
    return unused;
}

static int naive(void) {
    pthread_t scheduler;
    if (pthread_create(&scheduler, NULL, schedule, NULL) != 0)
        return -1;
    pthread_mutex_lock(&lock);
    while (submitted < RUNS && !is_stuck) {
        for (int i = 0; i < TASKS; i++)
            slots[i] = READY;
        live = TASKS;
        submitted++;
        pthread_cond_broadcast(&changed);
        while (live > 0 && !is_stuck)
            pthread_cond_wait(&changed, &lock);
        memset(slots, 0, sizeof(slots)); // the reset
    }
    is_over = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(scheduler, NULL);
    return RUNS * TASKS - ran;
}

// ---- weir ------------------------------------------------------------------

static int asked;    // runs that were submitted; a reset is asked for next
static int refusals; // of resets
static int begun;    // tasks

// Called while a task ends. Whoever wants to reset has time to get through.
static void ended(void *context, uint64_t number, int status, unsigned worker,
                  int64_t begin_ns, int64_t end_ns) {
    (void)context, (void)number, (void)status, (void)worker;
    (void)begin_ns, (void)end_ns;
    for (int i = 0; i < YIELDS; i++)
        sched_yield();
}

// Ends when a reset is asked for, not before. Numbers begin at 1 again in each
// run, or there was none.
static int work(const weir_kernel_call *call) {
    pthread_mutex_lock(&lock);
    int run = begun++ / TASKS;
    while (asked <= run)
        pthread_cond_wait(&changed, &lock);
    ran += call->number <= TASKS;
    pthread_mutex_unlock(&lock);
    return 0;
}

static void check(int error) {
    if (error >= 0)
        return;
    fprintf(stderr, "early_reset: %s\n", weir_strerror(error));
    exit(2);
}

static void run_once(weir_graph *graph) {
    static const weir_kernel kernel = {"work", work};
    weir_flow *flow;
    check(weir_flow_begin(graph, NULL, &flow));
    for (int i = 0; i < TASKS; i++) {
        weir_task_spec spec = WEIR_TASK_SPEC_INIT;
        spec.kernel = &kernel;
        check(weir_flow_submit(flow, &spec, NULL));
    }
    weir_flow_release(flow);
    pthread_mutex_lock(&lock);
    asked++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    for (int error; (error = weir_graph_reset(graph)) != 0; refusals++) {
        check(error == -EBUSY ? 0 : error);
        sched_yield();
    }
}

static int with_weir(void) {
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    pool_options.threads = 1;
    weir_pool *pool;
    check(weir_pool_create(&pool, &pool_options));
    weir_graph_observer observer = {.size = sizeof(observer), .ended = ended};
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = pool;
    options.observer = &observer;
    weir_graph *graph;
    check(weir_graph_create(&graph, &options));
    for (int run = 0; run < RUNS; run++)
        run_once(graph);
    weir_graph_destroy(graph);
    weir_pool_destroy(pool);
    return RUNS * TASKS - ran;
}

int main(int argc, char **argv) {
    int is_naive = argc == 2 && strcmp(argv[1], "naive") == 0;
    if (!is_naive && (argc != 2 || strcmp(argv[1], "weir") != 0)) {
        fprintf(stderr, "usage: early_reset naive|weir\n");
        return 2;
    }
    int lost = is_naive ? naive() : with_weir();
    if (lost < 0) {
        fprintf(stderr, "early_reset: it did not work at all\n");
        return 2;
    }
    printf("%s: %d of %d tasks never ran; %d resets came too early and were "
           "refused\n",
           argv[1], lost, RUNS * TASKS, refusals);
    return lost > 0;
}
