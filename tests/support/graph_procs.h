// SPDX-License-Identifier: MIT
// What the tests of processes under a graph share: a world of zygote, group,
// pool and graph, a board in shared memory that kernels write on, and the check
// that nothing is left when a world has ended.
#ifndef TEST_GRAPH_PROCS_H
#define TEST_GRAPH_PROCS_H

#include "support/pool.h"
#include "weir/graph.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

// ---- what is left ----------------------------------------------------------

typedef struct leftovers {
    unsigned descriptors;
    unsigned shared; // mappings
} leftovers;

static inline unsigned descriptors_open(void) {
    DIR *all = opendir("/proc/self/fd");
    if (all == NULL)
        SKIP("no /proc");
    unsigned count = 0;
    for (struct dirent *e; (e = readdir(all)) != NULL;)
        count += e->d_name[0] != '.';
    closedir(all);
    return count;
}

static inline unsigned shared_mappings(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    if (maps == NULL)
        SKIP("no /proc");
    unsigned count = 0;
    char line[4096], access[8];
    while (fgets(line, sizeof(line), maps) != NULL)
        count +=
            sscanf(line, "%*s %7s", access) == 1 && strchr(access, 's') != NULL;
    fclose(maps);
    return count;
}

static inline leftovers leftovers_now(void) {
    return (leftovers){descriptors_open(), shared_mappings()};
}

// leftovers_none: as before, and no child of this process, dead or alive.
static inline void leftovers_none(const leftovers *before) {
    leftovers now = leftovers_now();
    CHECK_EQ(now.descriptors, before->descriptors);
    CHECK_EQ(now.shared, before->shared);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
    CHECK_EQ(errno, ECHILD);
}

// ---- processes -------------------------------------------------------------

// The descriptor pins the process: its pid is not given to another one
// unnoticed.
static inline int pidfd_of(int pid) {
    CHECK(pid > 0);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    CHECK(fd >= 0);
    return fd;
}

static inline int is_dead(int pidfd) {
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static inline void await_death(int pidfd) {
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    int n;
    while ((n = poll(&poll_fd, 1, -1)) < 0)
        CHECK_EQ(errno, EINTR);
    CHECK_EQ(n, 1);
}

static inline void signal_to(int pidfd, int number) {
    CHECK_EQ(syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0), 0);
}

// stat_of reads a field of /proc/PID/stat, counted from 1 as proc(5) does; -1:
// there is no such process.
static inline long stat_of(int pid, int field) {
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return -1;
    text[n] = 0;
    char *at = strrchr(text, ')'); // the end of field 2, which may hold spaces
    for (int i = 2; at != NULL && i < field; i++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return -1;
    return field == 3 ? at[1] : strtol(at, NULL, 10);
}

static inline int parent_of(int pid) { return (int)stat_of(pid, 4); }

// ---- the board -------------------------------------------------------------

enum { BOARD_COUNTS = 8192, BOARD_BYTES = 1 << 16 };

// In shared memory; kernels find it as their first datum.
typedef struct board {
    tally go;    // what holds kernels lets them go once it is not 0
    tally begun; // kernels
    tally ended;
    tally turn; // counts up
    tally count[BOARD_COUNTS];
    unsigned char bytes[BOARD_BYTES];
} board;

static inline board *board_of(const weir_kernel_call *call) {
    CHECK(call->data_count >= 1);
    return call->data[0];
}

static inline void tally_set(tally *t, uint64_t value) {
    wr_store(t, value, relaxed, ALONE, "the task's end orders it");
}

// The argument of most kernels here.
static inline uint32_t index_of(const weir_kernel_call *call) {
    uint32_t index;
    CHECK(call->arguments_size >= sizeof(index));
    memcpy(&index, call->arguments, sizeof(index));
    return index;
}

// ---- worlds ----------------------------------------------------------------

typedef struct world {
    leftovers before;
    weir_zygote_options zygote_options;
    weir_procs_options procs_options;
    int threads;         // of the pool
    int heap_in_zygote;  // the graph's heap
    size_t ring_bytes;   //
    weir_zygote *zygote; // --
    weir_procs *procs;
    weir_procs *other; // or NULL
    weir_pool *pool;
    weir_graph *graph;
    weir_flow *flow;
    board *board;
    weir_buffer board_buffer;
    weir_access access; // to the board, in no order
} world;

static inline void world_init(world *w, const weir_kernel *kernels, size_t n,
                              unsigned children) {
    memset(w, 0, sizeof(*w));
    w->before = leftovers_now();
    w->zygote_options = (weir_zygote_options)WEIR_ZYGOTE_OPTIONS_INIT;
    w->zygote_options.kernels = kernels;
    w->zygote_options.kernels_count = n;
    w->zygote_options.shared_bytes = (size_t)256 << 20;
    w->procs_options = (weir_procs_options)WEIR_PROCS_OPTIONS_INIT;
    w->procs_options.children = children;
    w->threads = 2;
    w->ring_bytes = (size_t)1 << 20;
}

static inline weir_graph *graph_of(const world *w) {
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = w->pool;
    options.ring_bytes = w->ring_bytes;
    options.zygote = w->heap_in_zygote ? w->zygote : NULL;
    weir_graph *graph = NULL;
    CHECK_EQ(weir_graph_create(&graph, &options), 0);
    return graph;
}

static inline weir_flow *flow_of(weir_graph *graph) {
    weir_flow *flow = NULL;
    CHECK_EQ(weir_flow_begin(graph, NULL, &flow), 0);
    return flow;
}

static inline weir_buffer buffer_of(weir_graph *graph, void *memory,
                                    size_t bytes) {
    weir_buffer buffer = {0};
    CHECK_EQ(weir_buffer_register(graph, memory, bytes, &buffer), 0);
    return buffer;
}

static inline void world_open(world *w) {
    int error = weir_zygote_create(&w->zygote, &w->zygote_options);
    if (error == -ENOSYS)
        SKIP("this system has no zygotes");
    CHECK_EQ(error, 0);
    CHECK_EQ(weir_procs_create(&w->procs, w->zygote, &w->procs_options), 0);
    w->pool = pool_of(w->threads);
    w->graph = graph_of(w);
    w->flow = flow_of(w->graph);
    w->board = weir_zygote_alloc(w->zygote, sizeof(board));
    CHECK(w->board != NULL);
    w->board_buffer = buffer_of(w->graph, w->board, sizeof(board));
    w->access = (weir_access)WEIR_ACCESS(WEIR_UNORDERED, w->board_buffer, 0,
                                         WEIR_WHOLE);
}

// world_use_other makes the other group the one that tasks are given to.
static inline void world_use_other(world *w) {
    weir_procs *procs = w->procs;
    w->procs = w->other;
    w->other = procs;
}

static inline void world_close(world *w) {
    weir_flow_release(w->flow);
    weir_graph_destroy(w->graph);
    weir_pool_destroy(w->pool);
    weir_procs_destroy(w->other); // a group outlives the graphs that had it
    weir_procs_destroy(w->procs);
    weir_zygote_free(w->zygote, w->board);
    weir_zygote_destroy(w->zygote);
    leftovers_none(&w->before);
}

static inline weir_procs_counts procs_counts(weir_procs *procs) {
    weir_procs_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_procs_count(procs, &counts), 0);
    return counts;
}

static inline int pid_of(const world *w, unsigned index) {
    return weir_procs_pid(w->procs, index);
}

// pid_await returns the pid of process `index` once there is one that is not
// `old`.
static inline int pid_await(const world *w, unsigned index, int old) {
    for (;;) {
        int pid = pid_of(w, index);
        if (pid > 0 && pid != old)
            return pid;
        sched_yield();
    }
}

static inline int zygote_pid(const world *w) {
    int pid = parent_of(pid_await(w, 0, -1));
    CHECK(pid > 0 && pid != getpid());
    return pid;
}

// ---- tasks -----------------------------------------------------------------

// A task in a process with the board as its one datum.
static inline weir_task_spec spec_of(const world *w, const weir_kernel *kernel,
                                     const void *arguments, size_t size) {
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = kernel;
    spec.arguments = arguments;
    spec.arguments_size = size;
    spec.accesses = &w->access;
    spec.accesses_count = 1;
    spec.procs = w->procs;
    return spec;
}

static inline weir_task put(const world *w, const weir_task_spec *spec) {
    weir_task task = {0};
    CHECK_EQ(weir_flow_submit(w->flow, spec, &task), 0);
    CHECK(task.id != 0);
    return task;
}

// give submits a task with `index` as its argument.
static inline weir_task give(const world *w, const weir_kernel *kernel,
                             uint32_t index) {
    weir_task_spec spec = spec_of(w, kernel, &index, sizeof(index));
    return put(w, &spec);
}

static inline weir_task_outcome outcome_of(const world *w, weir_task task) {
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    CHECK_EQ(weir_task_wait(w->graph, task, WEIR_FOREVER, &outcome), 0);
    CHECK_EQ(weir_task_release(w->graph, task), 0);
    return outcome;
}

static inline void check_done(const world *w, weir_task task) {
    weir_task_outcome outcome = outcome_of(w, task);
    if (outcome.status != 0)
        CHECK_FAIL("status %d, signal %d, exit status %d: %s", outcome.status,
                   outcome.signal, outcome.exit_status, outcome.reason);
    CHECK_EQ(outcome.ran, 1);
    CHECK_EQ(outcome.signal, 0);
    CHECK_EQ(outcome.exit_status, -1);
    CHECK_EQ(outcome.root, 0);
    CHECK_STR(outcome.kernel, "");
    CHECK_STR(outcome.reason, "");
}

// check_lost: it died with its process, by this signal or with this status.
static inline void check_lost(const world *w, weir_task task, int number,
                              int exit_status) {
    weir_task_outcome outcome = outcome_of(w, task);
    CHECK_EQ(outcome.status, -EOWNERDEAD);
    CHECK_EQ(outcome.ran, 1);
    CHECK_EQ(outcome.signal, number);
    CHECK_EQ(outcome.exit_status, exit_status);
    CHECK_EQ(outcome.root, outcome.number);
}

static inline void check_status(const world *w, weir_task task, int status) {
    CHECK_EQ(outcome_of(w, task).status, status);
}

// ---- kernels that many use -------------------------------------------------

// Counts at its index.
static inline int count_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    tally_add(&b->count[index_of(call)]);
    tally_add(&b->ended);
    return 0;
}

// Holds its process until it is let go.
static inline int hold_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    tally_add(&b->count[index_of(call)]);
    tally_add(&b->begun);
    while (tally_get(&b->go) == 0 && !weir_kernel_cancelled(call))
        sched_yield();
    tally_add(&b->ended);
    return 0;
}

// Holds its process until it is killed.
static inline int hang_run(const weir_kernel_call *call) {
    board *b = board_of(call);
    tally_add(&b->begun);
    while (tally_add(&b->turn) != 0)
        continue;
    return 0;
}

// Dies by SIGKILL.
static inline int die_run(const weir_kernel_call *call) {
    tally_add(&board_of(call)->begun);
    raise(SIGKILL);
    return 0;
}

#endif // TEST_GRAPH_PROCS_H
