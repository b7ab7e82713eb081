// SPDX-License-Identifier: MIT
// weir/graph.h: tasks name the data they touch, the graph finds the order.
//
// A task is a kernel, arguments by value and accesses: which bytes of which
// buffer it reads and writes. Tasks are submitted one after the other, as a
// plain program would call them; each runs as soon as those before it that it
// depends on have ended. What touches different bytes runs at the same time, on
// the workers of a pool or in processes that may crash (weir/procs.h).
//
//   int error = weir_flow_begin(graph, NULL, &flow);
//   for (i = 0; i < n && error == 0; i++) {
//       weir_access access[2] = {
//           WEIR_ACCESS(WEIR_READ, matrix, i * row, row),
//           WEIR_ACCESS(WEIR_READWRITE, sums, i * 8, 8),
//       };
//       weir_task_spec spec = WEIR_TASK_SPEC_INIT;
//       spec.kernel = &sum_row;
//       spec.accesses = access;
//       spec.accesses_count = 2;
//       error = weir_flow_submit(flow, &spec, NULL);
//   }
//   weir_flow_close(flow);
//   weir_flow_wait(flow, WEIR_FOREVER, &status);
//   weir_flow_release(flow);
//
// A flow is one run of tasks, from its first submission to its end. Several
// flows of one graph run at the same time; where they touch the same data,
// their tasks are ordered as they were submitted, whoever submitted them.
//
//   a task   BUILDING --> WAITING --> READY --> RUNNING --> DONE
//                  |         |          |          |
//                  +---------+----------+----------+------> FAILED
//
// What orders two tasks, the earlier first, if they touch a common byte:
//   read after write   the reader waits. If the writer failed, so does the
//                      reader, without running: the data are not there.
//   write after read   the writer waits, whatever comes of the reader.
//   write after write  the later one waits, whatever comes of the earlier;
//                      but READWRITE reads too.
// and edges of your own (spec.after), which count as read after write.
//
// Failure. A task that fails, is cancelled or crashes leaves the bytes that it
// was to write without data. Every task submitted later that reads some of
// them, in this flow or another, whether the failure has happened yet or not,
// fails without running, with the status of the root, the task where it began.
// What one access of a task was to write is good again once the WRITE of one
// later access covers it (not before, even if several do together), or after
// weir_buffer_mend. A task that depends on several failed ones takes the root
// with the lowest number. Independent tasks are not touched by any of this.
//
// A task that will not run (something it depends on failed, or its flow was
// cancelled) ends when all that it is ordered after has ended, so that what is
// ordered after it keeps its place. What is cancelled first is -ECANCELED, else
// the lowest root counts.
//
// Rules that hold for every function here, unless its comment says otherwise:
//   threads    any thread, workers and kernels too. Submissions to one graph
//              take turns. With a deterministic pool: its creator and its
//              workers. Not from other processes.
//   blocking   nothing waits; "Waits" where it does. A worker that waits lends
//              its place. Submitting allocates.
//   ownership  arguments and accesses are copied; kernels,
//              their names and the memory of registered buffers are lent as
//              long as the graph lives, or as it says. The pool and groups of
//              processes outlive the graph.
//   handles    weir_buffer and weir_task are values with a generation: one
//              whose object is gone is answered with -ESTALE, never mistaken
//              for another of the same graph. {0} is none, and stale. A handle
//              of another graph is a bug of the caller.
//   deadlines  on the clock of weir_now_ns; 0 and less: look once.
//   errors     0 or a negative errno; a call that fails has changed nothing,
//              not even in a buffer that it allocated on the way. What comes of
//              a task never mixes with what a call returns.
//   memory     what a task did before it ended is seen by those that were
//              ordered after it, by its continuations, and by whoever learns
//              of its or its flow's end.
//   fork(2)    in a child process every function that returns a status returns
//              -ECHILD, the others do nothing.
//   callbacks  are called with no lock held (but those of weir_graph_observer).
//   fairness   by priority, then as they became ready. A worker runs a bounded
//              number of tasks before other jobs of the pool have their turn.
//   stopping   a flow that has not ended is accepted work of its pool: a drain
//              waits for it, so close it; until then any thread may go on
//              submitting to it. A pool that is stopped in another mode ends it
//              as weir_flow_cancel does, with -ESHUTDOWN. It counts as one in
//              jobs_max, and each task that is ready.
//   not here   writes that may come in any order (a sum) are ordered like
//              others; two graphs that know the same memory know nothing of
//              each other.
//   idle       tasks that wait use no CPU time.
//
// Limits: memory alone bounds the number of live tasks.
#ifndef WEIR_GRAPH_H
#define WEIR_GRAPH_H

#include "weir/pool.h"
#include "weir/procs.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_flow weir_flow;

typedef struct weir_buffer {
    uint64_t id;
} weir_buffer;

typedef struct weir_task {
    uint64_t id;
} weir_task;

enum {
    WEIR_GRAPH_RINGS = 4,      // of the heap; never changes
    WEIR_SCOPE_DEPTH_MAX = 64, // scopes of a flow within each other
    WEIR_ACCESSES_MAX = 4096,  // of one task
};

// ---- graphs ----------------------------------------------------------------

// Who wants to see the shape of what is submitted: pictures, critical paths,
// tests. Each function may be NULL. They are called one at a time, under the
// graph's lock: they call nothing of the graph, and return soon.
typedef struct weir_graph_observer {
    size_t size;   // sizeof(weir_graph_observer)
    void *context; // given to each as it is
    // A task was submitted.
    void (*submitted)(void *context, uint64_t number, const char *kernel);
    // Task `to` depends on `from`: told also if that has ended already, so that
    // the picture does not depend on timing. data is 1 if a failure goes along.
    // Each pair once, after submitted(to) and before ended(to). To do so the
    // graph forgets nothing: memory grows with what is submitted.
    void (*edge)(void *context, uint64_t from, uint64_t to, int data);
    // A task has ended. worker is the index of the pool's worker or of the
    // process, times on the clock of weir_now_ns; 0 if it did not run.
    void (*ended)(void *context, uint64_t number, int status, unsigned worker,
                  int64_t begin_ns, int64_t end_ns);
} weir_graph_observer;

typedef struct weir_graph_options {
    size_t size; // set by the initializer

    weir_pool *pool; // where tasks run, and continuations

    // The heap that weir_buffer_alloc takes from: four rings of this many
    // bytes each, rounded up to pages; address space only, until it is touched.
    // 0: no heap. Default 256 MiB, 1 GiB of address space in all.
    size_t ring_bytes;
    // Where the heap is: in the memory that this zygote's processes share, or
    // NULL: this process alone.
    weir_zygote *zygote;
    // An allocation that waits gives up when none of its ring has come back
    // for so long. Default 10 s; WEIR_FOREVER: never; 0: it does not wait.
    int64_t heap_timeout_ns;

    const weir_graph_observer *observer; // copied, or NULL
} weir_graph_options;

#define WEIR_GRAPH_OPTIONS_INIT                                                \
    {                                                                          \
        sizeof(weir_graph_options), NULL, (size_t)256 << 20, NULL,             \
            (int64_t)10 * 1000000000, NULL                                     \
    }

// weir_graph_create. Errors: -EINVAL (options), -ENOMEM (also: the zygote has
// not as much shared memory left), -ESHUTDOWN (the pool is being stopped).
WEIR_API int
weir_graph_create(weir_graph **out,
                  const weir_graph_options *options) WEIR_MUST_CHECK;

// weir_graph_destroy cancels flows that have not ended and waits until they
// have; flows and tasks need not be released, nor buffers closed. Waits. NULL
// is ignored. Not from a task of the graph, and with no other call on the graph
// or its flows under way.
WEIR_API void weir_graph_destroy(weir_graph *graph);

// weir_graph_reset gives memory of dead tasks back to the system and lets
// numbers start at 1 again. Errors: -EBUSY (a flow, a task or a buffer of the
// graph is not released or closed yet, or a worker has not yet seen that a task
// that it was to run was cancelled): nothing is reset while anything lives.
WEIR_API int weir_graph_reset(weir_graph *graph);

typedef struct weir_graph_counts {
    size_t size;
    uint64_t submitted; // tasks
    uint64_t live;      // of those not ended, now
    uint64_t ready;     // of those, given to workers or running, now
    uint64_t succeeded;
    uint64_t failed;     // by themselves: kernel, or process
    uint64_t poisoned;   // did not run: something they depend on failed
    uint64_t cancelled;  // did not run: their flow was cancelled, or shut down
    uint64_t edges;      // between a task and one that had not ended
    uint64_t slots;      // tasks that there is memory for
    uint64_t slots_used; // of those, by tasks not ended or with a handle
    uint64_t regions;    // different pieces of buffers that are known; some
                         // until there is need to forget
    uint64_t buffers;    // open
    uint64_t flows;      // not released
    uint64_t heap_used[WEIR_GRAPH_RINGS];    // bytes, now
    uint64_t heap_highest[WEIR_GRAPH_RINGS]; // bytes, ever
    uint64_t heap_waits;                     // allocations that had to wait
} weir_graph_counts;

// Consistent: submitted is the sum of live, succeeded, failed, poisoned and
// cancelled. Errors: -EINVAL (counts->size).
WEIR_API int weir_graph_count(weir_graph *graph, weir_graph_counts *counts);

// ---- buffers ---------------------------------------------------------------

// weir_buffer_register makes memory of yours known: at least 1 byte. Buffers do
// not overlap, so that the same byte is never known by two names. For tasks in
// processes it is in shared memory: weir_zygote_alloc. Its data are good.
// Errors: -EINVAL (no bytes, or over the end of memory), -EEXIST (overlaps a
// buffer that is open, or the heap), -ENOMEM.
WEIR_API int weir_buffer_register(weir_graph *graph, void *memory, size_t bytes,
                                  weir_buffer *out) WEIR_MUST_CHECK;

// weir_buffer_alloc takes a buffer from the heap, aligned to 64 bytes, not
// zeroed: ring 0 for the outermost scope of the flow (or none), 1, 2, 3 for
// those within, 3 for all deeper ones. It ends with its scope, or the flow's
// close (what is to be read after the flow belongs in a registered buffer); its
// memory comes back when every task that was submitted with it has
// ended, and all that was taken from the ring before it has come back. Waits
// while the ring is full, until the deadline on the clock of weir_now_ns, and
// as options.heap_timeout_ns says.
// Errors: -EINVAL (no bytes), -E2BIG (more than the ring has), -ENOBUFS (no
// heap), -ETIMEDOUT, -EDEADLK (what has to come back first is held by this
// flow until it is closed or ends a scope, or by a task that the flow belongs
// to; looked for before -ETIMEDOUT; threads that wait for each other's scopes
// end by the timeout),
// -ESHUTDOWN (the flow is closed, cancelled, or its pool stopped), -ENOMEM.
WEIR_API int weir_buffer_alloc(weir_flow *flow, size_t bytes,
                               int64_t deadline_ns, weir_buffer *out,
                               void **memory) WEIR_MUST_CHECK;

// weir_buffer_close: the buffer is used no more; its handle is stale. Memory of
// a registered one is yours again: with tasks under way that is refused. One of
// the heap may be closed before its scope ends: tasks that have it keep it.
// Errors: -ESTALE, -EBUSY (registered, and a task that names it has not ended).
WEIR_API int weir_buffer_close(weir_graph *graph, weir_buffer buffer);

// weir_buffer_mend says that the data are good again, whatever failed.
// Errors: -ESTALE, -EBUSY (a task that names it has not ended).
WEIR_API int weir_buffer_mend(weir_graph *graph, weir_buffer buffer);

// weir_buffer_memory: where it begins, and its bytes (bytes may be NULL).
// NULL: the handle is stale.
WEIR_API void *weir_buffer_memory(weir_graph *graph, weir_buffer buffer,
                                  size_t *bytes);

// ---- flows -----------------------------------------------------------------

typedef struct weir_flow_options {
    size_t size; // set by the initializer
    // In a kernel on a worker of the pool: the flow belongs to its task, which
    // does not end before the flow has, and fails if it does (unless it fails
    // by itself, by the lowest number); the kernel may return meanwhile (it
    // should not wait), having closed or released the flow. Tasks of a task's
    // flows touch what the task does: in any way what it writes, reading what
    // it reads, and what these flows have allocated, which no others may. They
    // are ordered among themselves; to all others they are the parent. Scopes
    // count as within the one of the parent. When the parent's flow is
    // cancelled, so is this. NULL: a flow of its own.
    const weir_kernel_call *parent;
} weir_flow_options;

#define WEIR_FLOW_OPTIONS_INIT                                                 \
    { sizeof(weir_flow_options), NULL }

// weir_flow_begin. options may be NULL. Errors: -EINVAL (options; a parent that
// is no call of a task of this graph), -ENOMEM, -ESHUTDOWN (the pool is being
// stopped).
WEIR_API int weir_flow_begin(weir_graph *graph,
                             const weir_flow_options *options,
                             weir_flow **out) WEIR_MUST_CHECK;

// weir_flow_close: no more is submitted; open scopes end. Again: nothing.
WEIR_API void weir_flow_close(weir_flow *flow);

// weir_flow_cancel ends tasks that have not started with -ECANCELED and tells
// those that run: weir_kernel_cancelled. The flow is closed. Again: nothing.
WEIR_API void weir_flow_cancel(weir_flow *flow);

// weir_flow_wait waits until the flow is closed and all its tasks have ended,
// or the deadline. On 0 *status (may be NULL) is 0 or that of the failed task
// with the lowest number; those that were cancelled count only if no other
// failed. Waits.
// Errors: -ETIMEDOUT, -EDEADLK (a task of this flow, or of one within it, asks;
// on a deterministic pool: nothing left to run would end it), on a worker what
// weir_cancelled says.
WEIR_API int weir_flow_wait(weir_flow *flow, int64_t deadline_ns,
                            int *status) WEIR_MUST_CHECK;

// weir_flow_attach: job is submitted when the flow has ended, as by
// weir_event_attach. Errors: -ESHUTDOWN, and as there.
WEIR_API int weir_flow_attach(weir_flow *flow, weir_job *job) WEIR_MUST_CHECK;

// weir_flow_release gives the flow back: closed if it was not, and forgotten
// when it has ended. Its tasks' handles stay. NULL is ignored. Not while
// another call has it.
WEIR_API void weir_flow_release(weir_flow *flow);

// weir_flow_scope_... choose the ring of the flow's allocations, and end them.
// They belong to the flow, not to a thread.
// Errors: -E2BIG (WEIR_SCOPE_DEPTH_MAX), -ESHUTDOWN (closed); of end -EINVAL
// (none is open).
WEIR_API int weir_flow_scope_begin(weir_flow *flow) WEIR_MUST_CHECK;
WEIR_API int weir_flow_scope_end(weir_flow *flow);

// ---- tasks -----------------------------------------------------------------

typedef enum weir_access_mode {
    WEIR_READ = 1,
    WEIR_WRITE = 2, // does not look at what is there, and writes it all
    WEIR_READWRITE = 3,
    WEIR_UNORDERED = 4, // only wants the address: orders nothing
} weir_access_mode;

// Which bytes: `rows` times `bytes` bytes, the first at `offset`, each row
// `stride` bytes after the one before. rows 0 and 1: one range.
typedef struct weir_access {
    weir_buffer buffer;
    size_t offset;
    size_t bytes;  // WEIR_WHOLE with offset 0 and rows 0: the whole buffer
    size_t stride; // at least bytes, if rows is over 1
    uint32_t rows;
    uint32_t mode; // weir_access_mode
    // Not NULL: the buffer is allocated by the submission, as by
    // weir_buffer_alloc, with `bytes` bytes, for WEIR_WRITE; *allocate is its
    // handle then. `buffer` is {0}, offset and rows are 0. All of one task are
    // taken at once.
    weir_buffer *allocate;
} weir_access;

#define WEIR_WHOLE SIZE_MAX

#define WEIR_ACCESS(mode, buffer, offset, bytes)                               \
    { (buffer), (offset), (bytes), 0, 0, (mode), NULL }
#define WEIR_TILE(mode, buffer, offset, bytes, rows, stride)                   \
    { (buffer), (offset), (bytes), (stride), (rows), (mode), NULL }

typedef struct weir_task_spec {
    size_t size; // set by the initializer
    // NULL: nothing is run; a task to wait for, or to gather edges.
    const weir_kernel *kernel;
    const void *arguments; // copied
    size_t arguments_size; // at most 1 MiB
    const weir_access *accesses;
    size_t accesses_count;  // at most WEIR_ACCESSES_MAX
    const weir_task *after; // ordered after these, of this graph; {0}: skipped
    size_t after_count;
    weir_procs *procs; // in a process of this group; NULL: on the pool
    // On several workers or processes at once, each calling the kernel with its
    // own `member`; they may wait for each other. 0 and 1: one. It has ended
    // when all have; it fails with the first of them, by member, that failed.
    // Then weir_kernel_cancelled tells the others, and their -ECANCELED counts
    // last. On a pool with a budget members hold no token: they would wait.
    uint32_t members;
    int32_t priority; // WEIR_PRIORITY_*
    // In a process: it is killed when it has run for so long, and the task
    // fails with -ETIMEDOUT. 0: never. On the pool there is no such thing.
    int64_t timeout_ns;
} weir_task_spec;

#define WEIR_TASK_SPEC_INIT                                                    \
    { sizeof(weir_task_spec), NULL, NULL, 0, NULL, 0, NULL, 0, NULL, 0, 0, 0 }

// weir_flow_submit. task may be NULL; else, on 0, it is a handle: to be waited
// for, to be named in `after`, and to be released. A submission whose data are
// gone already is accepted: the task fails. Waits if it allocates, before its
// turn, see weir_buffer_alloc; options.heap_timeout_ns alone bounds that.
// Errors: -EINVAL (options; an access beyond its buffer or with an unknown
// mode; two accesses of the task with a common byte of which one writes,
// UNORDERED aside; no kernel.run and no procs; procs with a deterministic pool;
// a timeout on the pool; memory that the processes do not share), -ENOENT (the
// processes know no kernel of this name), -ESTALE (a buffer's scope has ended
// and the task that the flow belongs to has not got it; a task was released),
// -EACCES (more than the parent of the flow touches; `after` a task that has
// not ended of another than the parent's flows; a buffer that a child flow
// allocated), -E2BIG (more members than the pool has workers or the group
// processes; arguments_size; too many accesses; more than fits
// weir_procs_options.payload), -ESHUTDOWN (the flow is closed, cancelled, or
// its pool stopped), -EOWNERDEAD (the zygote was killed), -ENOMEM, and those of
// weir_buffer_alloc.
WEIR_API int weir_flow_submit(weir_flow *flow, const weir_task_spec *spec,
                              weir_task *task) WEIR_MUST_CHECK;

// What came of a task.
typedef struct weir_task_outcome {
    size_t size;     // set by the initializer
    int status;      // 0; of the root
    int ran;         // 1: the kernel was called
    int signal;      // that ended the root's process, or 0
    int exit_status; // that it exited with, or -1
    uint64_t number; // the task's: 1, 2, 3, as they were submitted
    uint64_t root;   // number of the task that failed first; 0: none did
    char kernel[64]; // the root's kernel, cut; "" if none failed
    char reason[WEIR_REASON_MAX]; // one line, or ""
} weir_task_outcome;

#define WEIR_TASK_OUTCOME_INIT                                                 \
    {                                                                          \
        sizeof(weir_task_outcome), 0, 0, 0, -1, 0, 0, {0}, { 0 }               \
    }

// Statuses of tasks that failed other than by their kernel's return value:
//   -ECANCELED   their flow was cancelled
//   -ESHUTDOWN   the pool was stopped
//   -EOWNERDEAD  their process died; see signal and exit_status
//   -ETIMEDOUT   their process was killed, having overrun timeout_ns

// weir_task_poll: 0, and the outcome (may be NULL) if the task has ended; if
// not, only its number is filled in. Errors: -EINPROGRESS, -ESTALE, -EINVAL
// (outcome->size).
WEIR_API int weir_task_poll(weir_graph *graph, weir_task task,
                            weir_task_outcome *outcome);

// weir_task_wait: as poll, but waits, until the deadline. A kernel waits for
// nothing that waits for it: only its own task is looked for.
// Errors: -ETIMEDOUT, -ESTALE, -EINVAL, and those of weir_flow_wait.
WEIR_API int weir_task_wait(weir_graph *graph, weir_task task,
                            int64_t deadline_ns,
                            weir_task_outcome *outcome) WEIR_MUST_CHECK;

// weir_task_attach: job is submitted when the task has ended, as by
// weir_event_attach. Errors: -ESTALE, -ESHUTDOWN, and as there.
WEIR_API int weir_task_attach(weir_graph *graph, weir_task task,
                              weir_job *job) WEIR_MUST_CHECK;

// weir_task_release gives the handle back; copies of it are stale. The task
// goes on. Not while another call has it. Errors: -ESTALE.
WEIR_API int weir_task_release(weir_graph *graph, weir_task task);

// weir_flow_outcome: of the task that gives the flow its status, see
// weir_flow_wait; number 0: none failed. Errors: -EINPROGRESS (not ended),
// -EINVAL.
WEIR_API int weir_flow_outcome(weir_flow *flow, weir_task_outcome *outcome);

#ifdef __cplusplus
}
#endif
#endif // WEIR_GRAPH_H
