// SPDX-License-Identifier: MIT
// weir/pool.h: workers that run jobs.
//
// A pool is a fixed number of places (its width). A worker is a thread that
// holds a place while it runs something. Everything that runs is a job (a
// struct of yours, queued without allocation), a child of a scope (a job whose
// end somebody on a worker waits for), or a fork (a record on the stack of the
// function that will join it).
//
//   weir_submit ---> inbox (3 priorities) --+
//   weir_scope_spawn -> the scope's queue --+--> a worker --> run --> done
//   weir_fork -----> the worker's deque ----+
//
// A wait on a worker helps only what it waits for, never unrelated work. With
// nothing to help it lends its place to a stand-in thread, so a wait never
// takes a core away. See docs in src/pool/README.md.
//
// Rules that hold for every function here, unless its comment says otherwise:
//   threads    functions that take a `weir_worker *self`: only the worker
//              itself, inside a job. All others: any thread. A pool with
//              threads = 0 (deterministic): only the thread that created it.
//   blocking   nothing blocks or allocates, except create, stop, destroy and
//              the functions whose comment says "Waits". A deadline is a time
//              of weir_now_ns; in a wait, 0 means: look once.
//   ownership  jobs, scopes, events and forks are your memory, lent to the
//              pool from the call that hands them over until the call that
//              its comment names.
//   errors     0 or a negative errno; a call that fails has changed nothing,
//              and out-parameters are untouched. What a job returns never
//              mixes with what a call returns. A broken rule (a job submitted
//              twice, a join out of order) is a bug of the caller and aborts
//              with a line that names it.
//   memory     what a thread did before it submitted, spawned, attached,
//              forked or fired is seen by what that leads to run; what run did
//              is seen by done and by every wait that reports its end.
//   fork(2)    in a child process every call on the parent's pool that returns
//              a status returns -ECHILD; others do nothing, getters answer as
//              in the parent. A child forked inside a job may only exec or
//              _exit.
//   callbacks  run, done, enter and leave are called without any lock held, on
//              a worker of the pool. They must not throw or longjmp out.
//   order      a worker that is free takes jobs that must be ended, children
//              of open scopes, jobs from the inbox, and last other workers'
//              forks; every 16th time the inbox goes first. A job with all its
//              forks counts as one. Every 64th job from the inbox is of the
//              lowest priority there is.
//   idle       a pool with nothing to do uses no CPU time at all.
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include "weir/base.h"
#include "weir/fork.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_pool weir_pool;
typedef struct weir_budget weir_budget;
typedef struct weir_job weir_job;
typedef struct weir_trace weir_trace; // see weir/observe.h

// ---- jobs ------------------------------------------------------------------

enum {
    WEIR_PRIORITY_LOW = -1,
    WEIR_PRIORITY_NORMAL = 0,
    WEIR_PRIORITY_HIGH = 1,
};

// A job: embed it in a struct of yours and find that with your own offsetof.
// Zero it (or use WEIR_JOB_INIT) before the first use, fill in the first
// fields, submit. Its life:
//
//   yours --submit--> queued ------------> running --> ended (yours again)
//     \--attach--> waits for an event --^                ^
//                  \------- cancel, deadline, stop ------/
//
// Each accepted job ends exactly once, and `done` (if not NULL) is called
// exactly once with the truth: what run returned, or, for a job that never
// ran, -ECANCELED (weir_cancel, or its scope was cancelled), -ETIMEDOUT (its
// deadline passed first) or -ESHUTDOWN (the pool was stopped). When done is
// called the memory is yours again: it may be freed or submitted again there.
// Without done only weir_scope_wait, weir_pool_wait_idle and weir_pool_stop
// tell you that it is; nothing that run itself does can, for the pool uses the
// job after run returns. To wait for one job, fire an event in its done.
//
// done runs on a worker with no job of its own left: weir_worker_self works
// there, and it may submit, fire and cancel, but must not wait. The done of a
// job that never ran is called by a worker with no job beneath it or, for a
// child of a scope, inside a wait that the scope is or descends from; never
// inside the call that cancelled it, and never in weir_yield.
struct weir_job {
    // Does the work. Returns 0 or a negative errno: the job's status. The
    // memory is still lent while it runs; it may not submit itself.
    int (*run)(weir_worker *self, weir_job *job);
    void (*done)(weir_job *job, int status); // or NULL
    const char *name;    // for reports, or NULL; valid until done returns
    int64_t deadline_ns; // on the clock of weir_now_ns; 0: none
    uint64_t key;        // orders errors within a scope, lowest first
    int32_t priority;    // WEIR_PRIORITY_*; used by submit, not by scopes
    uint32_t reserved;   // zero
    uint64_t weir_private[18];
};

#define WEIR_JOB_INIT(run_function, done_function)                             \
    {                                                                          \
        (run_function), (done_function), NULL, 0, 0, 0, 0, { 0 }               \
    }

// weir_job_ran says, inside done, whether run was called: -ECANCELED from a
// job that never ran is not -ECANCELED from a run that gave up.
WEIR_API int weir_job_ran(const weir_job *job);

// weir_submit queues a job, first in first out within its priority. Never
// waits and never fails for space. While the pool drains, only its own workers
// may still submit.
// Errors: -ESHUTDOWN (the pool is stopping or stopped), -ECHILD.
WEIR_API int weir_submit(weir_pool *pool, weir_job *job) WEIR_MUST_CHECK;

// weir_submit_batch queues `count` jobs in this order, all or none, with one
// wake-up for as many workers as there are jobs. Errors: as weir_submit.
WEIR_API int weir_submit_batch(weir_pool *pool, weir_job *const *jobs,
                               size_t count) WEIR_MUST_CHECK;

// weir_try_submit is weir_submit at a bound: it fails while `jobs_max` jobs
// (see options; in whatever way they came, but children of scopes do not
// count) have been accepted and have not ended. Ended means that done has
// returned.
// Errors: -EAGAIN (at the bound), -ESHUTDOWN, -ECHILD.
WEIR_API int weir_try_submit(weir_pool *pool, weir_job *job) WEIR_MUST_CHECK;

// weir_submit_wait is weir_try_submit that waits for room. Waits at most until
// deadline_ns. For threads outside the pool.
// Errors: -EDEADLK (called on a worker of this pool; on a deterministic pool,
// nothing left to run would make room), -ETIMEDOUT, -ESHUTDOWN, -ECHILD.
WEIR_API int weir_submit_wait(weir_pool *pool, weir_job *job,
                              int64_t deadline_ns) WEIR_MUST_CHECK;

// weir_cancel ends a job that was accepted by `pool` and has not started: it
// is taken out of its queue (or off its event) and its done is called with
// -ECANCELED, soon, on a worker, never inside this call. A job that already
// runs gets its flag raised, see weir_cancelled; its outcome is what run
// returns. Cancel, deadline and start race to one outcome.
// The caller must know that the job's memory is still valid: keep a lock of
// yours, take it in done before the memory goes and around this call. That
// cannot deadlock, for weir_cancel calls nothing of yours and never waits.
// Errors: -EBUSY (it runs; the flag is raised), -EALREADY (it has ended, or
// was never submitted), -EINVAL (another pool has it), -ECHILD.
WEIR_API int weir_cancel(weir_pool *pool, weir_job *job);

// weir_cancelled says whether the running work should end early: 0, or why:
// -ECANCELED (its job or a scope around it was cancelled), -ETIMEDOUT (a
// deadline of either passed: it looks at the clock itself, if there is one),
// -ESHUTDOWN (the pool is aborting). In done: 0. Cheap enough for a loop that
// does some microseconds of work per round.
WEIR_API int weir_cancelled(weir_worker *self);

// weir_run runs function(self, argument) on a worker and returns when it has
// ended; *status (may be NULL) is what it returned. On a worker of the same
// pool it is a direct call. Waits; on a worker of another pool the wait lends
// that worker's place like any other wait. A run that comes back to a pool
// whose worker waits for the caller, directly or through other pools, is a
// descendant of that wait, and is run by that worker if nobody else does.
// Errors: -ESHUTDOWN (it did not run), -ECHILD; on a deterministic pool also
// -ENOMEM and -EDEADLK (what runs waits for something that nothing left to run
// will do; the function stays where it is, *status is never written, and
// `argument` must stay valid until the pool is destroyed).
WEIR_API int weir_run(weir_pool *pool,
                      int (*function)(weir_worker *self, void *argument),
                      void *argument, int *status) WEIR_MUST_CHECK;

// ---- pools -----------------------------------------------------------------

enum {
    WEIR_THREADS_DEFAULT = -1,     // the CPUs this process may really use
    WEIR_THREADS_BESIDE_LOOP = -2, // one less, at least 1: an event loop has
                                   // a core of its own
    WEIR_STAND_INS_NONE = -1,
};

typedef enum weir_pinning {
    WEIR_PIN_NONE,    // workers run where the system puts them
    WEIR_PIN_COMPACT, // one CPU each, neighbours first
    WEIR_PIN_SPREAD,  // one CPU each, far apart first
    WEIR_PIN_LIST,    // worker i on cpus[i mod cpus_count]
} weir_pinning;

// Callbacks; each may be NULL. capture runs on the thread that submits (or
// spawns, or attaches) and returns what enter and leave get on the worker, once
// around run and done together (around done alone for a job that never ran): a
// trace id, a locale, a user. A stolen fork is entered with what the job that
// forked it was. release is called once for each capture, last, also when the
// job was refused or detached. They must not wait or take jobs, scopes, forks.
// thread_start and thread_stop run for stand-ins as well.
typedef struct weir_pool_hooks {
    size_t size;   // sizeof(weir_pool_hooks)
    void *context; // given to each as it is
    void (*thread_start)(void *context, weir_worker *self);
    void (*thread_stop)(void *context, weir_worker *self);
    void *(*capture)(void *context);
    void (*enter)(void *context, void *captured);
    void (*leave)(void *context, void *captured);
    void (*release)(void *context, void *captured);
} weir_pool_hooks;

// Options for weir_pool_create. Start from WEIR_POOL_OPTIONS_INIT; a field
// left as it is there means its default. New fields go at the end.
typedef struct weir_pool_options {
    size_t size; // set by the initializer

    // WEIR_THREADS_*, or how many workers, or 0 (mind: not a default):
    // the deterministic pool. It has no threads. Its `virtual_workers` workers
    // are fibers that run inside the calls that wait, made by the thread that
    // created it. A call that waits, queues, fires, yields or asks
    // weir_cancelled is a point where another may go on, and the order is
    // drawn from `seed`: the same seed replays the same run. Deadlines fire in
    // order, by seed, whatever the clock says. Seeds explore these switch
    // points, not races between plain instructions; a lock of yours that is
    // held at one hangs the thread. Where the system has no fibers there is
    // one virtual worker, and a call on it that would have to wait returns
    // -EDEADLK (or aborts, where it has no error to return). Pinning, stack
    // names and budgets do not apply (a budget is -EINVAL).
    int threads;
    unsigned virtual_workers; // default 2, at most 64
    uint64_t seed;            // default 0

    const char *name;     // threads are called "NAME/INDEX"; default "weir"
    size_t stack_size;    // bytes per thread; default: the system's
    int stand_ins;        // most stand-in threads; default: as many as threads
    size_t jobs_max;      // bound of weir_try_submit; default 0: none
    unsigned fork_depth;  // forks a worker can have open; default 4096;
                          // one more runs at once, inline
    weir_pinning pinning; // of the workers, not of stand-ins
    const int *cpus;      // for WEIR_PIN_LIST
    size_t cpus_count;
    const weir_pool_hooks *hooks; // copied by create, or NULL
    weir_budget *budget;          // shared with other pools, or NULL

    int measure;       // 1: how long jobs wait and run is measured, for
                       // weir_observe_pool; costs two looks at the clock a job
    weir_trace *trace; // what happens is recorded there, or NULL; outlives the
                       // pool

    // 1: a worker may take up to 32 queued jobs at one look, which costs less
    // where jobs take less than some microseconds. Jobs of one priority are
    // still taken first in first out, but one may begin some 60 us later than
    // one behind it; and a job must not wait, in a way that the pool does not
    // see (a lock, a condition variable, a loop), for one queued behind it:
    // that one may be held behind it for ever. Waits of this header are seen.
    // No effect with one worker, a bound, a budget, `measure`, a trace, or
    // threads = 0.
    int bursts; // default 0
} weir_pool_options;

#define WEIR_POOL_OPTIONS_INIT                                                 \
    {                                                                          \
        sizeof(weir_pool_options), WEIR_THREADS_DEFAULT, 0, 0, NULL, 0, 0, 0,  \
            0, WEIR_PIN_NONE, NULL, 0, NULL, NULL, 0, NULL, 0                  \
    }

// weir_pool_create starts a pool; options NULL: all defaults. Fewer threads
// than asked for is a smaller pool, not an error: see weir_pool_width.
// Errors: -EINVAL (an option is out of range, a CPU in the list is not ours),
// -E2BIG, -ENOMEM, -EAGAIN (not even one thread could be started, or the
// budget has no token left for another pool).
WEIR_API int weir_pool_create(weir_pool **out,
                              const weir_pool_options *options) WEIR_MUST_CHECK;

// The children of a scope belong to the job around it: CANCEL lets them run;
// ABORT ends those not started with -ESHUTDOWN, also those spawned later.
typedef enum weir_stop_mode {
    WEIR_STOP_DRAIN,  // run all accepted jobs, attached ones too when their
                      // events are fired; refuse new ones from outside
    WEIR_STOP_CANCEL, // end queued and attached jobs with -ESHUTDOWN
    WEIR_STOP_ABORT,  // the same, and tell running ones: weir_cancelled
} weir_stop_mode;

enum { WEIR_STOP_RUNNING_MAX = 8 };

typedef struct weir_stop_running {
    const char *name; // the job's, or "?"
    unsigned worker;  // index
    unsigned reserved;
    int64_t for_ns; // how long already
} weir_stop_running;

// What stopping did; set size = sizeof(weir_stop_report) before the call.
typedef struct weir_stop_report {
    size_t size;
    uint64_t run;       // jobs that ran since the pool was created
    uint64_t not_run;   // jobs that ended without running, since then
    uint64_t shut_down; // of those, ended by stopping
    uint64_t remaining; // accepted and not ended: queued, attached, running
    unsigned running;   // of those, running now (a job that waits runs)
    unsigned reserved;
    weir_stop_running running_jobs[WEIR_STOP_RUNNING_MAX]; // the first of them
} weir_stop_report;

// weir_pool_stop ends the pool's work in the way of `mode` and joins its
// threads: when it returns 0 no thread and no job is left. Waits at most until
// deadline_ns; then it returns -ETIMEDOUT, the report names what still runs,
// the pool stays in that mode, and the call may be repeated, also with a
// harder mode. Several threads may stop a pool at once: the hardest mode holds
// for all of them. A drain whose attached jobs wait for events that nobody
// fires does not end: give it a limit, then cancel. report may be NULL.
// Stopping a stopped pool returns 0.
// Errors: -ETIMEDOUT, -EDEADLK (called on a worker of this pool; on a
// deterministic pool, what is left can never end), -EINVAL (report->size or
// mode), -ECHILD.
WEIR_API int weir_pool_stop(weir_pool *pool, weir_stop_mode mode,
                            int64_t deadline_ns, weir_stop_report *report);

// weir_pool_destroy stops the pool if need be (drain, no limit) and frees it.
// NULL is allowed. No other call on the pool may run or come, except that a
// submit whose job has ended may still be returning. In a forked
// child it frees nothing. A deterministic pool whose work can never end cannot
// be drained: that aborts; stop it in a harder mode first.
WEIR_API void weir_pool_destroy(weir_pool *pool);

// weir_pool_step goes on with one worker of a deterministic pool up to its
// next switch point: how a loop that never waits drives one. 1: something ran;
// 0: nothing can. Errors: -EINVAL (the pool has threads), -EDEADLK (called on
// a worker), -ECHILD.
WEIR_API int weir_pool_step(weir_pool *pool);

// weir_pool_wait_idle waits for a moment at which no job is accepted and not
// ended (attached ones count). Waits at most until deadline_ns. On a
// deterministic pool this is what runs the jobs.
// Errors: -EDEADLK (called on a worker of this pool; or deterministic and what
// is left can never end), -ETIMEDOUT, -ECHILD.
WEIR_API int weir_pool_wait_idle(weir_pool *pool, int64_t deadline_ns);

// weir_pool_width is the number of places. A worker that comes back from a wait
// or a blocking section never waits for a place: for a moment one job more than
// width may run, until the stand-in reaches a job boundary.
WEIR_API unsigned weir_pool_width(const weir_pool *pool);

// weir_pool_index_limit is one more than the highest worker index:
// width + stand-in limit, fixed for the pool's life.
WEIR_API unsigned weir_pool_index_limit(const weir_pool *pool);

// weir_pool_reason says in words why the pool is as wide as it is, e.g. "2 of
// 8 CPUs: cgroup quota 1.50". Owned by the pool.
WEIR_API const char *weir_pool_reason(const weir_pool *pool);

// weir_pool_slot is the slot of any index, see weir_worker_slot: for looking at
// while nothing runs, also after weir_pool_stop. NULL: no such index.
WEIR_API void **weir_pool_slot(weir_pool *pool, unsigned index);

// Counters since the pool was created, a consistent snapshot. Set size before
// the call. A fork is not a job. At any time
//   submitted = succeeded + failed + cancelled + timed_out + detached
//             + queued + attached + running
// where a job whose done is still to be called, or being called, is queued or
// running.
typedef struct weir_pool_counts {
    size_t size;
    uint64_t submitted; // accepted in any way: submit, scope, attach
    uint64_t started;
    uint64_t succeeded; // run returned 0
    uint64_t failed;    // run returned something else
    uint64_t cancelled; // ended without running: -ECANCELED or -ESHUTDOWN
    uint64_t timed_out; // ended without running: -ETIMEDOUT
    uint64_t detached;  // taken back with weir_event_detach
    uint64_t queued;    // now
    uint64_t attached;  // now, waiting for events
    uint64_t running;   // now
    uint64_t queued_max;
    uint64_t steals;        // forks run by another worker than their own
    uint64_t parks;         // a worker went to sleep
    uint64_t wakes;         // a worker was woken on purpose
    uint64_t loans;         // a wait or blocking section lent its place
    uint64_t stand_ins;     // stand-in threads alive now
    uint64_t forks_inline;  // forks that ran at once: the deque was full
    uint64_t place_highest; // most places held at once
} weir_pool_counts;

// Errors: -EINVAL (counts->size), -ECHILD.
WEIR_API int weir_pool_count(weir_pool *pool, weir_pool_counts *counts);

// ---- the worker ------------------------------------------------------------

// weir_worker_self returns the worker that the calling thread is, or NULL.
WEIR_API weir_worker *weir_worker_self(void);

// weir_worker_index is in [0, weir_pool_index_limit). No two live stacks share
// one; a job keeps its index from start to end. Stand-ins have the highest.
WEIR_API unsigned weir_worker_index(const weir_worker *self);

WEIR_API weir_pool *weir_worker_pool(const weir_worker *self);

// weir_worker_slot is a pointer of yours, one per index, NULL at first; it
// lives as long as the pool.
WEIR_API void **weir_worker_slot(weir_worker *self);

// weir_yield lets other things happen: it runs broadcasts meant for this
// worker, takes jobs whose deadline passed out of their queues (their done
// comes later), gives a budget's token to a pool that waits for one and takes
// it back, and lets the system run another thread. It never runs another job
// on this stack. On a deterministic pool: another worker may go on. May wait
// for the budget.
WEIR_API void weir_yield(weir_worker *self);

// weir_blocking_begin and _end enclose something that will block in the system
// (a read, a lock, a sleep): the place is lent to a stand-in meanwhile. Between
// them the worker may call nothing with `self` and nothing here that waits; a
// broadcast meant for it waits for the end. Sections do not nest. When the
// section ends the worker goes on at once (with a budget: as soon as a token
// is free) and the stand-in leaves at its next job boundary.
// Errors: -EAGAIN (no stand-in can be had; nothing was lent, do not call
// _end, and decide yourself whether to block).
WEIR_API int weir_blocking_begin(weir_worker *self) WEIR_MUST_CHECK;
WEIR_API void weir_blocking_end(weir_worker *self);

// weir_broadcast runs function(self, argument) once on each of the pool's
// workers, stand-ins excepted, and returns when all have. A worker that is
// inside a job runs it when that ends, waits or yields, on top of it: the
// function must not wait, nor take a lock that jobs hold there. A broadcast
// that was accepted is completed before a stop of any mode returns. Waits; on a
// worker it runs its own share at once, and meanwhile what others broadcast.
// Errors: -ESHUTDOWN, -ECHILD; deterministic: -EDEADLK.
WEIR_API int weir_broadcast(weir_pool *pool,
                            void (*function)(weir_worker *self, void *argument),
                            void *argument) WEIR_MUST_CHECK;

// ---- fork and join ---------------------------------------------------------

// weir_fork_begin, weir_fork_join, weir_fork_wanted: see weir/fork.h.

// ---- scopes ----------------------------------------------------------------

// A scope is a group of jobs whose end the worker that opened it waits for, so
// they may borrow from its stack. Scopes nest; the inner is part of the outer
// for cancelling and deadlines.
//
//   weir_scope scope;
//   weir_scope_begin(self, &scope, NULL);
//   for (i = 0; i < n; i++) weir_scope_spawn(self, &scope, &part[i].job);
//   int status = weir_scope_wait(self, &scope);
typedef struct weir_scope {
    uint64_t weir_private[32]; // no need to zero it
} weir_scope;

typedef struct weir_scope_options {
    size_t size;         // set by the initializer
    int64_t deadline_ns; // 0: none; the enclosing scope's holds as well
    int fifo;            // children start in spawn order; default: the
                         // newest first, which keeps caches warm
    int stop_on_error;   // when a child has failed, those after it in error
                         // order that have not started end -ECANCELED
} weir_scope_options;

#define WEIR_SCOPE_OPTIONS_INIT                                                \
    { sizeof(weir_scope_options), 0, 0, 0 }

// weir_scope_begin opens a scope; weir_scope_wait must follow in the same run
// (or fork function), inner scopes first. Errors: -EINVAL, -E2BIG (options).
WEIR_API int weir_scope_begin(weir_worker *self, weir_scope *scope,
                              const weir_scope_options *options);

// weir_scope_spawn adds a child. By the worker that opened the scope, or by
// any work inside it. The child always ends, with a done call if it has one;
// in a cancelled scope without running.
WEIR_API void weir_scope_spawn(weir_worker *self, weir_scope *scope,
                               weir_job *job);

// weir_scope_cancel ends the children that have not started (-ECANCELED) and
// raises the flag of those that run and of all inside. Any thread that knows
// the scope is still open.
WEIR_API void weir_scope_cancel(weir_scope *scope);

// weir_scope_wait closes the scope when every child has ended and every done
// has returned. Returns 0, or the status of the first failed child in error
// order: by key, then in the order they were spawned. A child that ended
// without running counts only if none that ran has failed, and not at all if
// stop_on_error ended it. Waits; meanwhile it runs descendants only, so every
// queued child is reached even if this worker is the pool's last.
WEIR_API int weir_scope_wait(weir_worker *self, weir_scope *scope);

// ---- events ----------------------------------------------------------------

// An event happens once: after its count of fires. Jobs attached to it are
// queued then; threads may wait for it. It belongs to one pool.
typedef struct weir_event {
    uint64_t weir_private[12];
} weir_event;

// weir_event_init makes an event that happens with the `count`-th fire; count
// 0 has happened already, with status 0. Its memory may go, or be init'ed
// again, when no job is attached and no call on it is under way, except the
// fire that made it happen: that one does not touch the event once a waiter, a
// continuation or a look at the status can know. Once its pool is destroyed
// nothing but init may be called on it.
WEIR_API void weir_event_init(weir_event *event, weir_pool *pool,
                              uint32_t count);

// weir_event_add makes it wait for `count` more fires. Add before what fires
// is handed out. Errors: -EALREADY (it has happened), -ECHILD.
WEIR_API int weir_event_add(weir_event *event, uint32_t count) WEIR_MUST_CHECK;

// weir_event_fire counts down. The event's status is the first non-zero one
// fired, in order of arrival; fire your own choice where that matters.
// Errors: -EALREADY (it has happened), -ECHILD.
WEIR_API int weir_event_fire(weir_event *event, int status);

// weir_event_attach has the job submitted to `pool` (NULL: the event's) when
// the event happens, or at once if it has. The job is accepted now: it counts,
// can be cancelled, has its deadline. Many jobs may be attached; they are
// queued in attach order.
// Errors: -EINVAL (another pool than the event's: not in this version),
// -ESHUTDOWN, -ECHILD.
WEIR_API int weir_event_attach(weir_event *event, weir_pool *pool,
                               weir_job *job) WEIR_MUST_CHECK;

// weir_event_detach takes a job off again: exactly one of this call and the
// event wins. On 0 the job is yours and done is not called.
// Errors: -EALREADY (the event, a cancel or its deadline was first), -ECHILD.
WEIR_API int weir_event_detach(weir_event *event, weir_job *job);

// weir_event_status gives the event's status once it has happened.
// Errors: -EAGAIN (it has not), -ECHILD.
WEIR_API int weir_event_status(weir_event *event, int *status);

// weir_event_wait waits for the event; *status may be NULL. Meant for threads
// outside the pool; inside, attach a job. On a worker it lends its place, and
// if no stand-in can be had it simply blocks; it ends early when the running
// work is told to end. Never fails for memory. Waits at most until
// deadline_ns.
// Errors: -ETIMEDOUT, -ECHILD; on a worker of the event's pool: what
// weir_cancelled says; deterministic: -EDEADLK (nothing left to run would fire
// it). The event is as it was.
WEIR_API int weir_event_wait(weir_event *event, int64_t deadline_ns,
                             int *status) WEIR_MUST_CHECK;

// ---- budgets ---------------------------------------------------------------

// A budget is a number of tokens that pools share: a worker holds one while it
// runs, so that the busy threads of all its pools together never exceed it.
// One token per pool is reserved, also while it is idle; only the rest is
// shared. Tokens change hands at job boundaries, when a worker waits, and in
// weir_yield. A worker that comes back from any of those waits for its token:
// hold no lock of yours across them that a job takes outside a blocking
// section.

// Errors: -EINVAL (no tokens), -ENOMEM.
WEIR_API int weir_budget_create(weir_budget **out,
                                unsigned tokens) WEIR_MUST_CHECK;

// weir_budget_destroy: its pools are destroyed first. NULL is allowed.
WEIR_API void weir_budget_destroy(weir_budget *budget);

// weir_budget_held is how many tokens are in use now, and (if not NULL) the
// most that ever were at once.
WEIR_API unsigned weir_budget_held(weir_budget *budget, unsigned *highest);

#ifdef __cplusplus
}
#endif
#endif // WEIR_POOL_H
