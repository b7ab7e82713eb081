// SPDX-License-Identifier: MIT
// weir/stream.h: work that flows, in bounded memory.
//
// Four objects, each usable alone:
//
//   queue     a bounded first-in-first-out of items, copied by value. The
//             sending side is a handle: weir_sender (one producer, the rule)
//             or weir_shared_sender (several, by name).
//   drain     all workers of a pool consume one queue, in batches, and results
//             come out unordered or in the order of the queue.
//   order     the reorder window: put item n at any time, take 0, 1, 2, ...
//   pipeline  tokens run through stages; results come out in input order.
//
// A bound is a bound: it counts what is queued, what runs and what is finished
// and not delivered, and full means that the producer waits or gets -EAGAIN.
// No worker of a pool ever waits inside a drain or a pipeline: work that
// cannot go on leaves the worker and comes back as a job. So one worker is
// enough, and a deterministic pool (threads = 0) too.
//
// Rules that hold for every function here, unless its comment says otherwise:
//   threads    a weir_sender: one thread, see weir_sender_hand_over. All
//              others: any thread. With a deterministic pool: only the thread
//              that created the pool.
//   blocking   nothing here blocks, except the functions whose comment begins
//              "Waits". Nothing allocates, except create, start, clone and
//              weir_drain_run. On a worker a wait lends the worker's place.
//   ownership  handles are the caller's to destroy or drop, and the pool
//              outlives them. Items are copied in and out; a send that fails
//              leaves the item the caller's. Pass NULL to no function but
//              destroy and drop.
//   errors     0 or a negative errno; a call that fails has changed nothing,
//              and out-parameters are untouched unless its comment says
//              otherwise. What a stage or a work function returned comes in
//              a report, never as the result of a call. A broken rule aborts
//              with a line that names it.
//   deadlines  on the clock of weir_now_ns, or WEIR_FOREVER. One in the past:
//              try once. A wait on a worker also ends, with what
//              weir_cancelled says, when its job is told to end.
//   fork(2)    in a child process a call that returns a status returns
//              -ECHILD, the others do nothing.
//   callbacks  are called without any lock held.
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include "weir/base.h"
#include "weir/pool.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- watches ---------------------------------------------------------------

// A watch asks, once, to be told when something is ready, without waiting: its
// event happens, and the job given with it is submitted. What was ready may be
// gone again when the job runs: try, and watch again on -EAGAIN.
//
// The watch and the job are lent from the call that sets them up until the
// event has happened or weir_watch_cancel returned. A job that ends without
// running (cancelled, timed out, pool stopped) leaves its watch in place: call
// weir_watch_cancel before its memory goes.
typedef struct weir_watch {
    weir_event event; // may also be waited for, or have more jobs attached
    uint64_t weir_private[6]; // no need to zero it
} weir_watch;

// weir_watch_cancel takes a watch off again, while the object it watches still
// exists. On 0 its event will not happen and its job is yours, done not called
// (unless it had ended already).
// Errors: -EALREADY (the event has happened, or happens right now: wait for
// the job or the event before the memory goes), -ECHILD.
WEIR_API int weir_watch_cancel(weir_watch *watch);

// ---- queue -----------------------------------------------------------------

typedef struct weir_queue weir_queue;   // the receiving side
typedef struct weir_sender weir_sender; // the sending side, single producer
typedef struct weir_shared_sender weir_shared_sender; // one of several

// Options for the two create functions. Start from WEIR_QUEUE_OPTIONS_INIT.
typedef struct weir_queue_options {
    size_t size;      // set by the initializer
    size_t item_size; // bytes per item; must be given
    size_t capacity;  // items; default 256
    // Called for each item that will never be received, because the receiving
    // side went away first; on the thread that closed it. Or NULL.
    void (*dropped)(void *context, void *item);
    void *context; // for dropped
} weir_queue_options;

#define WEIR_QUEUE_OPTIONS_INIT                                                \
    { sizeof(weir_queue_options), 0, 0, NULL, NULL }

// weir_queue_create makes an empty queue with its one sender. The pool is the
// one whose workers may wait here. The queue's memory goes when the queue is
// destroyed and the sender dropped, in either order.
// Errors: -EINVAL (item_size 0, or capacity * item_size too large), -E2BIG,
// -ENOMEM, -ECHILD.
WEIR_API int
weir_queue_create(weir_queue **out, weir_sender **sender, weir_pool *pool,
                  const weir_queue_options *options) WEIR_MUST_CHECK;

// weir_queue_create_shared is the same for several producers: the first of
// their handles is returned, weir_shared_sender_clone makes more. Items of one
// producer keep their order; between producers there is none.
WEIR_API int
weir_queue_create_shared(weir_queue **out, weir_shared_sender **sender,
                         weir_pool *pool,
                         const weir_queue_options *options) WEIR_MUST_CHECK;

// weir_queue_close says that nothing will be received any more: queued items
// go to `dropped`, senders get -EPIPE, those that wait too. Closing twice is
// allowed. Items that a drain has claimed stay the drain's.
WEIR_API void weir_queue_close(weir_queue *queue);

// weir_queue_destroy closes the queue and frees it, once the last sender is
// dropped too. No other call with this `queue` may run or come. NULL is
// allowed.
WEIR_API void weir_queue_destroy(weir_queue *queue);

// weir_queue_receive takes the oldest item. Waits for one at most until
// deadline_ns. When the last sender is dropped, what is queued is still
// received; then comes -EPIPE.
// Errors: -EPIPE (no item, and none will come), -ETIMEDOUT, -EDEADLK
// (deterministic: nothing left to run would send one), -ECHILD.
WEIR_API int weir_queue_receive(weir_queue *queue, void *item,
                                int64_t deadline_ns) WEIR_MUST_CHECK;

// Errors: -EAGAIN (no item now), -EPIPE, -ECHILD.
WEIR_API int weir_queue_try_receive(weir_queue *queue,
                                    void *item) WEIR_MUST_CHECK;

// weir_queue_receive_batch takes the oldest items, at most `count_max` and at
// least one, one after the other into `items`. *received says how many. Waits
// for the first as weir_queue_receive does, never for more.
// Errors: as weir_queue_receive; -EINVAL (count_max 0).
WEIR_API int weir_queue_receive_batch(weir_queue *queue, void *items,
                                      size_t count_max, size_t *received,
                                      int64_t deadline_ns) WEIR_MUST_CHECK;

// weir_queue_on_readable has the watch's event happen, and the job (or NULL)
// submitted, when there is an item, or no item will come.
// Errors: -ESHUTDOWN (the pool does not take the job), -ECHILD.
WEIR_API int weir_queue_on_readable(weir_queue *queue, weir_watch *watch,
                                    weir_job *job) WEIR_MUST_CHECK;

// What a queue has done; a consistent snapshot. Set size before the call.
typedef struct weir_queue_counts {
    size_t size;
    uint64_t capacity;
    uint64_t queued;  // now
    uint64_t claimed; // now: taken by a drain and not delivered
    uint64_t highest; // most that were in use, as the senders saw it: places
                      // become free for them when they look
    uint64_t sent;
    uint64_t received;     // by receive, or claimed by a drain
    uint64_t dropped;      // left when the receiving side closed
    uint64_t sends_waited; // calls that had to wait for room
    uint64_t receives_waited;
    uint64_t senders; // handles now
} weir_queue_counts;

// Errors: -EINVAL (counts->size), -ECHILD.
WEIR_API int weir_queue_count(weir_queue *queue, weir_queue_counts *counts);

// ---- the sending side ------------------------------------------------------

// weir_sender_send copies the item into the queue. Waits for room at most
// until deadline_ns. The first thread that sends owns the sender; a send by
// another is a bug that aborts, unless weir_sender_hand_over came between.
// Errors: -EPIPE (the receiving side is gone), -ETIMEDOUT, -EDEADLK
// (deterministic: nothing left to run would make room), -ECHILD.
WEIR_API int weir_sender_send(weir_sender *sender, const void *item,
                              int64_t deadline_ns) WEIR_MUST_CHECK;

// Errors: -EAGAIN (full), -EPIPE, -ECHILD.
WEIR_API int weir_sender_try_send(weir_sender *sender,
                                  const void *item) WEIR_MUST_CHECK;

// weir_sender_send_batch sends `count` items that lie one after the other, in
// this order. Waits for room at most until deadline_ns. *sent is set in every
// case: the first *sent items are in the queue, the others are still yours; 0
// means all.
// Errors: as weir_sender_send.
WEIR_API int weir_sender_send_batch(weir_sender *sender, const void *items,
                                    size_t count, size_t *sent,
                                    int64_t deadline_ns) WEIR_MUST_CHECK;

// weir_sender_try_send_batch sends as many of the items as fit now, from the
// first on; *sent is set in every case.
// Errors: -EAGAIN (not all fit), -EPIPE, -ECHILD.
WEIR_API int weir_sender_try_send_batch(weir_sender *sender, const void *items,
                                        size_t count,
                                        size_t *sent) WEIR_MUST_CHECK;

// weir_sender_hand_over gives the sender up: the next thread that sends owns
// it. By the owner, or by whoever has made sure that the owner is done; the
// caller orders the two threads. A job that sends on from another worker, after
// it went away as a continuation, hands over before it goes.
WEIR_API void weir_sender_hand_over(weir_sender *sender);

// weir_sender_drop ends the sending: receivers get what is queued, then
// -EPIPE. The handle is gone. NULL is allowed.
WEIR_API void weir_sender_drop(weir_sender *sender);

// weir_sender_on_writable: as weir_queue_on_readable, when there is room or the
// receiving side is gone. The watch ends before the sender is dropped.
// Errors: -ESHUTDOWN, -ECHILD.
WEIR_API int weir_sender_on_writable(weir_sender *sender, weir_watch *watch,
                                     weir_job *job) WEIR_MUST_CHECK;

// The same for one of several producers. A handle may be used by any thread,
// also by two at once, but it is dropped exactly once: one handle per producer
// keeps that simple.
WEIR_API int weir_shared_sender_send(weir_shared_sender *sender,
                                     const void *item,
                                     int64_t deadline_ns) WEIR_MUST_CHECK;
WEIR_API int weir_shared_sender_try_send(weir_shared_sender *sender,
                                         const void *item) WEIR_MUST_CHECK;
WEIR_API int weir_shared_sender_send_batch(weir_shared_sender *sender,
                                           const void *items, size_t count,
                                           size_t *sent,
                                           int64_t deadline_ns) WEIR_MUST_CHECK;
WEIR_API int weir_shared_sender_try_send_batch(weir_shared_sender *sender,
                                               const void *items, size_t count,
                                               size_t *sent) WEIR_MUST_CHECK;
WEIR_API int weir_shared_sender_on_writable(weir_shared_sender *sender,
                                            weir_watch *watch,
                                            weir_job *job) WEIR_MUST_CHECK;

// weir_shared_sender_clone makes another handle. Errors: -ENOMEM, -ECHILD.
WEIR_API int weir_shared_sender_clone(weir_shared_sender *sender,
                                      weir_shared_sender **out) WEIR_MUST_CHECK;

// weir_shared_sender_drop gives a handle back; the last one ends the sending.
// NULL is allowed.
WEIR_API void weir_shared_sender_drop(weir_shared_sender *sender);

// ---- outcomes --------------------------------------------------------------

// What an error at one item does to the others. An item's number is its
// sequence: 0, 1, 2, ... as it came in.
typedef enum weir_on_error {
    // The default. What comes before the failed item is still delivered; of
    // what comes after it, nothing more is started. Where the results come out
    // in order, nothing after it is delivered.
    WEIR_ON_ERROR_STOP,
    // The failed item is left out, all others go on.
    WEIR_ON_ERROR_SKIP,
} weir_on_error;

// How a drain or pipeline ended. Every item that came in has exactly one of
// the four outcomes. Set size before the call that fills it in.
typedef struct weir_stream_report {
    size_t size;
    uint64_t delivered;     // through everything
    uint64_t failed;        // by their own error
    uint64_t cancelled;     // stopped on their way
    uint64_t never_started; // no function of yours saw them
    // 0: all were delivered and the source came to its end. Otherwise why the
    // item `error_sequence` was not delivered, the first in sequence order
    // whatever the timing: its own error, -ECANCELED (weir_..._cancel),
    // -ETIMEDOUT (the deadline) or -ESHUTDOWN (the pool was stopped). When the
    // source was cut off without losing an item, error_sequence is the one
    // that would have been next.
    int32_t status;
    uint32_t reserved;
    uint64_t error_sequence;
} weir_stream_report;

// ---- drain -----------------------------------------------------------------

typedef struct weir_drain weir_drain;

// Options for a drain. Start from WEIR_DRAIN_OPTIONS_INIT.
typedef struct weir_drain_options {
    size_t size;   // set by the initializer
    void *context; // given to each callback

    // Does the work on one item: reads (and may change) the item, writes the
    // result, returns 0 or a negative errno. Many at once. This or work_batch
    // must be given, and not both.
    int (*work)(weir_worker *self, void *context, uint64_t sequence, void *item,
                void *result);

    // The same for `count` items, and results, that lie one after the other:
    // for work so small that a call per item would cost more, or that does
    // many at once. Returns 0, or the negative errno of the first item that
    // failed, and then sets *done: how many succeeded before it. Items behind
    // it were not worked on; if they still are to be, another call has them.
    int (*work_batch)(weir_worker *self, void *context, uint64_t sequence,
                      void *items, void *results, size_t count, size_t *done);

    // Takes over `count` results, of the items sequence, sequence + 1, ...,
    // that lie one after the other. In order: one call at a time, in sequence.
    // Unordered: on many workers at once, so that each may keep what it gets
    // under its weir_worker_index and needs no lock. A negative errno counts
    // as the failure of all `count` items. Or NULL.
    int (*deliver)(weir_worker *self, void *context, uint64_t sequence,
                   void *results, size_t count);

    // Called for the result of work that succeeded and will not be delivered,
    // to free what it holds. Or NULL.
    void (*undelivered)(void *context, uint64_t sequence, void *result);

    size_t result_size;    // bytes; default 0
    size_t batch;          // most items claimed at once; default 64
    size_t in_flight_max;  // most items claimed and not delivered; default,
                           // and at most, the capacity of the queue
    size_t parallel_after; // on one worker up to this many items; default 0
    int ordered;           // results in the order of the queue
    weir_on_error on_error;
    int64_t deadline_ns; // of the whole drain; 0: none
} weir_drain_options;

#define WEIR_DRAIN_OPTIONS_INIT                                                \
    {                                                                          \
        sizeof(weir_drain_options), NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0,  \
            0, WEIR_ON_ERROR_STOP, 0                                           \
    }

// weir_drain_start has the pool's workers consume the queue until its senders
// are gone and it is empty, or an error, cancel or deadline ends it early. In
// the latter case the queue is closed: senders get -EPIPE, and what was never
// started goes to the queue's `dropped`. An item counts against the queue's
// capacity until its result is delivered. Several drains may share a queue,
// each sees its part of the items.
// Errors: -EINVAL (work, sizes), -E2BIG, -ENOMEM, -ESHUTDOWN, -ECHILD.
WEIR_API int
weir_drain_start(weir_drain **out, weir_pool *pool, weir_queue *queue,
                 const weir_drain_options *options) WEIR_MUST_CHECK;

// weir_drain_wait waits for the end and tells how it came (report may be NULL).
// Waits at most until deadline_ns; a worker of the same pool meanwhile takes
// part in this drain's work, so it ends with one worker too.
// Errors: -ETIMEDOUT, -EDEADLK (deterministic: nothing left to run would send
// or close), -EINVAL (report->size), -ECHILD.
WEIR_API int weir_drain_wait(weir_drain *drain, int64_t deadline_ns,
                             weir_stream_report *report) WEIR_MUST_CHECK;

// weir_drain_finished returns the event of the end, to attach a job to.
WEIR_API weir_event *weir_drain_finished(weir_drain *drain);

// weir_drain_cancel starts nothing more: items on their way are cancelled.
// Errors: -EALREADY (it has ended), -ECHILD.
WEIR_API int weir_drain_cancel(weir_drain *drain);

// weir_drain_destroy frees a drain that has ended. One that has not is
// cancelled first; then it waits. NULL is allowed.
WEIR_API void weir_drain_destroy(weir_drain *drain);

// weir_drain_run is start, wait and destroy. Waits. Errors: as those; when it
// fails after the start (-EDEADLK) the drain was cancelled.
WEIR_API int weir_drain_run(weir_pool *pool, weir_queue *queue,
                            const weir_drain_options *options,
                            weir_stream_report *report) WEIR_MUST_CHECK;

// ---- order -----------------------------------------------------------------

// An order is a window of `capacity` slots over an endless sequence 0, 1, 2,
// ... Its memory is fixed.
//
//        taken           window (capacity = 4)          too early: -EAGAIN
//   ... 5 6 7 8 | 9:ready  10:empty  11:ready  12:empty | 13 14 ...
//                 ^ next
typedef struct weir_order weir_order;

// Options for weir_order_create. Start from WEIR_ORDER_OPTIONS_INIT.
typedef struct weir_order_options {
    size_t size;      // set by the initializer
    size_t item_size; // bytes per item, copied by value; must be given
    size_t capacity;  // slots; default 256
    uint64_t first;   // the sequence that is taken first; default 0
} weir_order_options;

#define WEIR_ORDER_OPTIONS_INIT                                                \
    { sizeof(weir_order_options), 0, 0, 0 }

// Errors: -EINVAL (item_size 0, or capacity * item_size too large), -E2BIG,
// -ENOMEM.
WEIR_API int
weir_order_create(weir_order **out,
                  const weir_order_options *options) WEIR_MUST_CHECK;

// weir_order_destroy frees the order; items in it are forgotten. No other call
// may run or come. NULL is allowed.
WEIR_API void weir_order_destroy(weir_order *order);

// weir_order_put puts item number `sequence`. Nothing is ever overwritten and
// the window never grows: on an error the item is still the caller's.
// Errors: -EAGAIN (beyond the window: try again after a take), -EALREADY (that
// number is there, or was taken).
WEIR_API int weir_order_put(weir_order *order, uint64_t sequence,
                            const void *item) WEIR_MUST_CHECK;

// weir_order_take takes the next item; *sequence (may be NULL) is its number.
// Errors: -EAGAIN (the next one was not put yet).
WEIR_API int weir_order_take(weir_order *order, void *item,
                             uint64_t *sequence) WEIR_MUST_CHECK;

// How far an order came.
typedef struct weir_order_gap {
    size_t size;
    uint64_t next;     // all before it were taken
    uint64_t missing;  // the first that was neither taken nor put
    uint64_t stranded; // items that are there and wait behind it
} weir_order_gap;

// weir_order_finish says whether all items before `end` were put and taken. To
// be asked when no put will come any more: an item that was lost shows here.
// `gap` may be NULL; it is filled in in every case but -EINVAL.
// Errors: -EBUSY (the next item is there and not taken), -ENOENT (an item is
// missing: gap says which), -EALREADY (items from `end` on were put or taken),
// -EINVAL (gap->size).
WEIR_API int weir_order_finish(weir_order *order, uint64_t end,
                               weir_order_gap *gap) WEIR_MUST_CHECK;

// ---- pipeline --------------------------------------------------------------

// Tokens go through the stages, each token through all of them in turn. Its
// sequence is its place in the input. The number of tokens is the only bound:
//
//   source --> [stage 0] --> [stage 1] --> [stage 2]      tokens_max = 4
//      ^        in order      parallel      in order
//      |           7            6 4             3    <- 4 is done, 3 is not
//      +------------- a token that left comes back -------+
typedef struct weir_pipeline weir_pipeline;
typedef struct weir_token weir_token;

typedef enum weir_stage_mode {
    WEIR_STAGE_PARALLEL,        // many tokens at once
    WEIR_STAGE_SERIAL,          // one at a time, as they come
    WEIR_STAGE_SERIAL_IN_ORDER, // one at a time, by sequence
} weir_stage_mode;

// What a stage may return beside 0 and a negative errno.
enum {
    WEIR_STAGE_END = 1,   // the source: there is no input for this token
    WEIR_STAGE_LATER = 2, // weir_token_finish will say; the worker goes on
};

typedef struct weir_stage {
    const char *name; // for reports; must outlive the pipeline
    weir_stage_mode mode;
    // Called once for each token that reaches the stage. weir_cancelled(self)
    // is about the job around it, not about this pipeline; see
    // weir_token_cancelled. `self` may be used to fork, to open scopes and
    // for blocking sections.
    int (*run)(weir_worker *self, void *context, weir_token *token);
} weir_stage;

enum { WEIR_STAGES_MAX = 16 };

// Options for weir_pipeline_create. Start from WEIR_PIPELINE_OPTIONS_INIT.
typedef struct weir_pipeline_options {
    size_t size;              // set by the initializer
    const weir_stage *stages; // copied
    size_t stages_count;      // 1 to WEIR_STAGES_MAX
    void *context;            // given to each callback
    size_t tokens_max;        // default 64, or 4 batches if that is more;
                              // rounded down to whole batches
    size_t token_size;        // bytes of your data per token; default 0
    // Tokens, consecutive in sequence, that move as one: through a stage on
    // one worker, one after the other. 1 (the default) for stages that take
    // microseconds; hundreds for stages that take nanoseconds.
    size_t batch;
    // 0: stage 0 is the source (SERIAL or SERIAL_IN_ORDER): it fills the token
    // or returns WEIR_STAGE_END. 1: tokens come from outside, by
    // weir_pipeline_begin and weir_pipeline_push.
    int external_source;
    size_t parallel_after; // on one worker up to this many tokens; default 0
    weir_on_error on_error;
    int64_t deadline_ns; // of the whole pipeline; 0: none
    // Called exactly once for each token that came in, when its outcome is
    // certain and before its memory is used again: 0 (delivered), its own
    // error, or -ECANCELED, -ETIMEDOUT, -ESHUTDOWN. On any thread, in any
    // order, several at once. Or NULL.
    void (*ended)(void *context, weir_token *token, int status);
} weir_pipeline_options;

#define WEIR_PIPELINE_OPTIONS_INIT                                             \
    {                                                                          \
        sizeof(weir_pipeline_options), NULL, 0, NULL, 0, 0, 0, 0, 0,           \
            WEIR_ON_ERROR_STOP, 0, NULL                                        \
    }

// weir_pipeline_create allocates all tokens. Their data is zero, aligned to 16
// bytes, and never touched by weir: what a stage leaves in it is there when the
// token comes round again.
// Errors: -EINVAL (stages, a mode, sizes, batch > tokens_max), -E2BIG, -ENOMEM,
// -ECHILD.
WEIR_API int
weir_pipeline_create(weir_pipeline **out, weir_pool *pool,
                     const weir_pipeline_options *options) WEIR_MUST_CHECK;

// weir_pipeline_start lets it run, once. Until it ends the pool has at least
// one job of it: weir_pool_wait_idle waits for it, a drain stop lets it end if
// it can, the other stop modes end it with -ESHUTDOWN. A drain likewise.
// Errors: -EALREADY (started before), -ESHUTDOWN, -ECHILD.
WEIR_API int weir_pipeline_start(weir_pipeline *pipeline) WEIR_MUST_CHECK;

// weir_pipeline_wait: as weir_drain_wait.
// Errors: -ETIMEDOUT, -EDEADLK (deterministic: nothing left to run would go on;
// or it was never started), -EINVAL (report->size), -ECHILD.
WEIR_API int weir_pipeline_wait(weir_pipeline *pipeline, int64_t deadline_ns,
                                weir_stream_report *report) WEIR_MUST_CHECK;

// weir_pipeline_run is start and wait without limit. Waits.
WEIR_API int weir_pipeline_run(weir_pipeline *pipeline,
                               weir_stream_report *report) WEIR_MUST_CHECK;

// weir_pipeline_finished returns the event of the end, to attach a job to.
WEIR_API weir_event *weir_pipeline_finished(weir_pipeline *pipeline);

// weir_pipeline_cancel: no stage is started any more. Tokens that a stage keeps
// for later are still to be finished, and the end comes after them.
// Errors: -EALREADY (it has ended), -ECHILD.
WEIR_API int weir_pipeline_cancel(weir_pipeline *pipeline);

// weir_pipeline_destroy frees a pipeline that has ended or was never started.
// One that has not ended is cancelled first; then it waits. NULL is allowed.
WEIR_API void weir_pipeline_destroy(weir_pipeline *pipeline);

// weir_pipeline_begin gives the next free token, to be filled and pushed. Until
// it is pushed the same one is given again. Sequence is the order of pushes.
// The source side is one thread at a time: begin, push, flush, close.
// Waits for a token at most until deadline_ns.
// Errors: -EPIPE (closed, or the pipeline stopped), -EINVAL (no external
// source, or not started), -ETIMEDOUT, -EDEADLK, -ECHILD.
WEIR_API int weir_pipeline_begin(weir_pipeline *pipeline, weir_token **token,
                                 int64_t deadline_ns) WEIR_MUST_CHECK;

// weir_pipeline_try_begin does not wait. An event loop that gets -EAGAIN stops
// reading and goes on when weir_pipeline_on_room tells.
// Errors: -EAGAIN (all tokens are on their way), -EPIPE, -EINVAL, -ECHILD.
WEIR_API int weir_pipeline_try_begin(weir_pipeline *pipeline,
                                     weir_token **token) WEIR_MUST_CHECK;

// weir_pipeline_push sends the begun token on its way, always: in a pipeline
// that has stopped it ends as never started. With batch > 1 it leaves when its
// batch is full, at flush or at close.
WEIR_API void weir_pipeline_push(weir_pipeline *pipeline, weir_token *token);

// weir_pipeline_flush sends what was pushed although its batch is not full: to
// be called when no more input is at hand.
WEIR_API void weir_pipeline_flush(weir_pipeline *pipeline);

// weir_pipeline_close ends the input; a token begun and not pushed is taken
// back. Closing twice is allowed.
WEIR_API void weir_pipeline_close(weir_pipeline *pipeline);

// weir_pipeline_on_room: as weir_queue_on_readable, when weir_pipeline_begin
// would not wait.
// Errors: -EINVAL (no external source, or not started), -ESHUTDOWN, -ECHILD.
WEIR_API int weir_pipeline_on_room(weir_pipeline *pipeline, weir_watch *watch,
                                   weir_job *job) WEIR_MUST_CHECK;

// weir_token_data is the token's memory, token_size bytes.
WEIR_API void *weir_token_data(weir_token *token);

// weir_token_sequence is its place in the input: 0, 1, 2, ...
WEIR_API uint64_t weir_token_sequence(const weir_token *token);

// weir_token_index tells the tokens apart: in [0, tokens_max), no two that live
// at the same time share one.
WEIR_API size_t weir_token_index(const weir_token *token);

// weir_token_cancelled is not 0 when the token's work is no longer wanted: an
// earlier one failed, or the pipeline is cancelled. Cheap.
WEIR_API int weir_token_cancelled(const weir_token *token);

// weir_token_finish ends a stage that returned (or is about to return)
// WEIR_STAGE_LATER for this token: 0, a negative errno, and in the source
// WEIR_STAGE_END. Once per WEIR_STAGE_LATER, from any thread.
WEIR_API void weir_token_finish(weir_token *token, int status);

// What a stage has done. Set size before the call.
typedef struct weir_stage_counts {
    size_t size;
    const char *name;
    uint64_t started; // tokens it was run on
    uint64_t ended;   // of those, the stage is done with
    uint64_t failed;  // of those, with an error
    uint64_t later;   // finished later
} weir_stage_counts;

// Errors: -EINVAL (no such stage, counts->size), -ECHILD.
WEIR_API int weir_pipeline_stage_count(weir_pipeline *pipeline, size_t stage,
                                       weir_stage_counts *counts);

// Tokens now and at most. Set size before the call.
typedef struct weir_pipeline_counts {
    size_t size;
    uint64_t tokens_max;        // after rounding to whole batches
    uint64_t in_flight;         // begun and not ended, now
    uint64_t in_flight_highest; // the most there ever were
    uint64_t begun;             // came in so far
    uint64_t runners;           // workers on it, now
    uint64_t runners_highest;
} weir_pipeline_counts;

// Errors: -EINVAL (counts->size), -ECHILD.
WEIR_API int weir_pipeline_count(weir_pipeline *pipeline,
                                 weir_pipeline_counts *counts);

#ifdef __cplusplus
}
#endif
#endif // WEIR_STREAM_H
