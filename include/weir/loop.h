// SPDX-License-Identifier: MIT
// weir/loop.h: compute beside an event loop, one hop there and one hop back.
//
// A weir_loop is the mailbox of one thread that runs an event loop (libuv,
// epoll, libevent, GLib, or none). A call is work that leaves that thread: it
// runs on a pool or on a blocking lane, and its outcome comes back, once, on
// the loop's thread.
//
//   weir_call_submit ---> pool or lane ---> run, on a worker
//                                             |
//   event loop <--- weir_loop_fd readable <---+
//       +---> weir_loop_drain ---> done, on the loop's thread
//
//   struct hash { weir_call call; const char *text; uint64_t value; };
//   static int hash_run(weir_worker *self, weir_call *call);
//   static void hash_done(weir_call *call, int status);
//   ...
//   static const weir_site here = WEIR_SITE_INIT("hash a body");
//   hash->call = (weir_call)WEIR_CALL_INIT(hash_run, hash_done);
//   hash->call.site = &here;
//   int error = weir_call_submit(loop, pool, &hash->call);
//
// Rules that hold for every function here, unless its comment says otherwise:
//   threads    functions whose comment says "Loop's thread": the thread that
//              owns the loop: the one that created it, until another calls
//              weir_loop_own; never a worker, nor inside a job of a
//              deterministic pool. All others: any thread, workers too.
//   blocking   nothing blocks or allocates, except create, destroy, stop and
//              the functions whose comment says "Waits". A deadline is a time
//              of weir_now_ns.
//   ownership  a call is your memory, lent from the function that accepts it
//              until its done is called; there it may be freed or submitted
//              again. Without done it is yours when weir_loop_pending says so.
//              done may be called before submit returns on another thread.
//              Pools and lanes may be stopped at any time; they are destroyed
//              when no call that was given to them, continuations too, is
//              undelivered.
//   errors     0 or a negative errno; a function that fails has changed
//              nothing. What a run returns never mixes with what a function
//              returns. A broken rule (a call submitted twice, a drain on a
//              foreign thread) is a bug of the caller and aborts with a line
//              that names it.
//   memory     what a thread did before it submitted is seen by run; what run
//              did is seen by done.
//   fork(2)    in a child process every function that returns a status returns
//              -ECHILD; others do nothing. The descriptor is shared with the
//              parent: take it out of a child's event loop. A child forked
//              inside run may only exec or _exit.
//   callbacks  done and closed are called on the loop's thread, inside
//              weir_loop_drain, with no lock held. They may do anything, also
//              run a nested event loop that drains; but only closed may
//              destroy the loop. hold is called there, and inside submit,
//              expect and close; it must not call functions of this loop.
//   idle       a loop or lane with nothing pending uses no CPU time.
//
// A pool with threads = 0 (deterministic) works too: the loop's thread is its
// creator, drives it with weir_pool_step or a call that waits, and drains.
#ifndef WEIR_LOOP_H
#define WEIR_LOOP_H

#include "weir/pool.h"

#include <limits.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_loop weir_loop;
typedef struct weir_lane weir_lane;
typedef struct weir_call weir_call;

// ---- sites -----------------------------------------------------------------

typedef enum weir_site_mode {
    WEIR_SITE_OFFLOAD,  // always to the pool or lane; measured
    WEIR_SITE_INLINE,   // always here: submit on the loop's thread runs it
    WEIR_SITE_ADAPTIVE, // whichever its own history says; see below
} weir_site_mode;

// A place in the program that makes calls: a static const of yours. Each loop
// measures its sites on its own: how long calls waited in the queue, ran, and
// waited for the loop, apart; see weir_site_stats. Must outlive the loop.
//
// ADAPTIVE: calls submitted on the loop's thread run there, inline, while the
// site's recent runs are short: at least 16 measured, their moving average
// below 100 us, none of the last 32 above 250 us, and less than 250 us run
// inline since the last drain. Anything else is offloaded. A run of more than
// 250 us inline (it can happen once, nobody knows before) sends the next 64
// calls of the site to the pool, twice as many (at most 2^20) after each
// further one.
// A call that runs inline gets NULL for its worker, and runs inside submit:
// hold no lock there that it takes. Its done is called by the next drain.
// Calls for lanes, in batches, from other threads, and of sites beyond
// sites_max never run inline.
typedef struct weir_site {
    const char *file;
    int line;
    weir_site_mode mode;
    const char *name;     // for people: what the call does
    const void *reserved; // NULL
} weir_site;

#define WEIR_SITE_INIT(what)                                                   \
    { __FILE__, __LINE__, WEIR_SITE_OFFLOAD, (what), NULL }
#define WEIR_SITE_INIT_MODE(what, how)                                         \
    { __FILE__, __LINE__, (how), (what), NULL }

// ---- loops -----------------------------------------------------------------

// Carries something of the submitter's (a trace id, a locale, a user) along
// with each call; each may be NULL. capture runs on the thread that submits
// and returns what enter and leave get: around each run, on whatever thread,
// and around done on the loop's thread. release is called once for each
// capture, last, on the loop's thread (or on the submitter's if the call is
// refused). They must not wait nor call functions of this loop.
typedef struct weir_loop_hooks {
    size_t size;   // sizeof(weir_loop_hooks)
    void *context; // given to each as it is
    void *(*capture)(void *context);
    void (*enter)(void *context, void *captured);
    void (*leave)(void *context, void *captured);
    void (*release)(void *context, void *captured);
} weir_loop_hooks;

// Options for weir_loop_create. Start from WEIR_LOOP_OPTIONS_INIT; a field left
// as it is there means its default.
typedef struct weir_loop_options {
    size_t size;      // set by the initializer
    const char *name; // for reports; copied, at most 31 bytes; default "loop"

    // Bound of weir_call_try_submit: calls accepted and not delivered: queued,
    // running, or finished and waiting for the drain. Default 0: none.
    size_t calls_max;

    // What one drain does at most, so that the loop gets to its other
    // business: calls delivered, and nanoseconds spent (looked at after each
    // call). Default 0: 1024 calls, 1 ms. UINT_MAX: as many as have ended when
    // it begins; WEIR_FOREVER: no limit.
    unsigned drain_calls;
    int64_t drain_ns;

    // How long weir_loop_drain_spin may look for a call that is about to end
    // before the loop goes to sleep. Default 0: 50 us, or nothing where this
    // process may use one CPU only. -1: never spin.
    int64_t spin_ns;

    // Sites that are measured; the calls of further ones are only counted.
    // Default 0: 64.
    unsigned sites_max;

    const weir_loop_hooks *hooks; // copied by create, or NULL

    // Called on the loop's thread with 1 when calls become pending and with 0
    // when none is any more: what keeps an event loop alive meanwhile. A call
    // that another thread submits while none is pending counts from the next
    // drain. From close until closed it counts as pending. NULL: nobody asks.
    void (*hold)(void *context, int pending);
    void *hold_context;

    weir_trace *trace; // calls are recorded there, see weir/observe.h; or NULL;
                       // outlives the loop
} weir_loop_options;

#define WEIR_LOOP_OPTIONS_INIT                                                 \
    { sizeof(weir_loop_options), NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL }

// weir_loop_create makes a loop, owned by the calling thread. options NULL: all
// defaults. Errors: -EINVAL, -E2BIG, -ENOMEM, -EMFILE, -ENFILE.
WEIR_API int weir_loop_create(weir_loop **out,
                              const weir_loop_options *options) WEIR_MUST_CHECK;

// weir_loop_own makes the calling thread the loop's thread. Nothing of the loop
// may run on the old one meanwhile. Errors: -EBUSY (inside a drain), -ECHILD.
WEIR_API int weir_loop_own(weir_loop *loop);

// weir_loop_fd is a descriptor that is readable (poll, epoll, level-triggered)
// when weir_loop_drain has something to do. Never read or close it. It is
// written at most once between two drains, however many calls end.
WEIR_API int weir_loop_fd(const weir_loop *loop);

// weir_loop_drain calls done for the calls that have ended, in the order they
// did, up to the loop's limits, and first ends calls whose deadline has
// passed before they started. Returns how many it delivered. If calls are left,
// or more have ended meanwhile, the descriptor stays readable. Loop's thread.
// Errors: -ECHILD.
WEIR_API int weir_loop_drain(weir_loop *loop);

// weir_loop_drain_spin is weir_loop_drain for the moment before the loop goes
// to sleep: if calls are running and none has ended, it first looks for one for
// a while, which saves a write, a wake-up and a context switch when calls are
// short. It remembers whether looking pays and stops when it does not.
// Loop's thread. Errors: as weir_loop_drain.
WEIR_API int weir_loop_drain_spin(weir_loop *loop);

// weir_loop_wait sleeps until a drain has something to do, deadlines of calls
// included: for threads that have no event loop. Waits at most until
// deadline_ns. It does not drive deterministic pools. Loop's thread.
// Errors: -ETIMEDOUT, -EDEADLK (called inside a drain), -ECHILD.
WEIR_API int weir_loop_wait(weir_loop *loop,
                            int64_t deadline_ns) WEIR_MUST_CHECK;

// weir_loop_next_deadline is the earliest deadline of a call that is not known
// to have started or ended, or WEIR_FOREVER: when the event loop should drain
// even if nothing has ended. If another thread submits a call with an earlier
// one, the descriptor becomes readable. Who does not ask still gets -ETIMEDOUT,
// but only when a worker has time to look. Loop's thread.
WEIR_API int64_t weir_loop_next_deadline(weir_loop *loop);

// weir_loop_pending is how many calls are accepted and not delivered.
WEIR_API size_t weir_loop_pending(weir_loop *loop);

// weir_loop_close refuses new calls from here on and ends the loop in the way
// of `mode`: DRAIN lets all accepted calls run, continuations too; CANCEL ends
// those that have not started, and what would continue, with -ESHUTDOWN; ABORT
// also tells running ones and expected ones, see weir_call_cancelled. Every
// accepted call is delivered; then closed(loop, context) is called by the drain
// that finds nothing left, last: after it nothing of the loop is called any
// more, and the loop may be destroyed, there too. The descriptor is readable
// when there is nothing left to wait for. May be called again with a harder
// mode; closed (may be NULL) and context are those of the first call. Loop's
// thread. Errors: -EINVAL (mode), -EALREADY (closed was called), -ECHILD.
WEIR_API int weir_loop_close(weir_loop *loop, weir_stop_mode mode,
                             void (*closed)(weir_loop *loop, void *context),
                             void *context);

// weir_loop_destroy frees a loop that has nothing pending (anything pending
// aborts), closed or not. No other function on it may run or come, except that
// a submit or complete whose call was delivered may still be returning. NULL is
// allowed; in a forked child it frees nothing. Loop's thread.
WEIR_API void weir_loop_destroy(weir_loop *loop);

// ---- calls -----------------------------------------------------------------

typedef enum weir_outcome {
    WEIR_OUTCOME_NONE,      // never submitted, or not delivered yet
    WEIR_OUTCOME_DONE,      // it ran and returned 0 (or more)
    WEIR_OUTCOME_FAILED,    // it ran and returned a negative errno
    WEIR_OUTCOME_CANCELLED, // it, or what it was to continue with, did not run:
                            // -ECANCELED, -ESHUTDOWN; -EAGAIN from a lane
    WEIR_OUTCOME_TIMED_OUT, // the same: -ETIMEDOUT
} weir_outcome;

// A call: embed it in a struct of yours. Zero it (or use WEIR_CALL_INIT) before
// the first use, fill in the first fields, submit. done is called exactly once
// for each accepted call, on the loop's thread, with what run returned, or, if
// it never ran, -ECANCELED (weir_call_cancel), -ETIMEDOUT (its deadline passed
// before it started) or -ESHUTDOWN (the pool, the lane or the loop was
// stopped).
struct weir_call {
    // Does the work. `self` is the worker on a pool; NULL on a lane and inline.
    int (*run)(weir_worker *self, weir_call *call);
    void (*done)(weir_call *call, int status); // or NULL
    const weir_site *site; // where it is measured, or NULL: not measured
    int64_t deadline_ns;   // to start by; also what weir_call_cancelled tells
                           // run; 0: none
    int32_t priority;      // WEIR_PRIORITY_*, on pools
    uint32_t reserved;     // zero
    uint64_t weir_private[56];
};

#define WEIR_CALL_INIT(run_function, done_function)                            \
    {                                                                          \
        (run_function), (done_function), NULL, 0, 0, 0, { 0 }                  \
    }

// weir_call_submit has the call run on `pool` and its outcome delivered to
// `loop`. Never waits and never fails for space.
// Errors: -ESHUTDOWN (the pool is stopping, or the loop closing), -ECHILD.
WEIR_API int weir_call_submit(weir_loop *loop, weir_pool *pool,
                              weir_call *call) WEIR_MUST_CHECK;

// weir_call_try_submit is weir_call_submit at a bound: it fails while calls_max
// calls of the loop are pending. Room comes when done is called.
// Errors: -EAGAIN (at the bound), as weir_call_submit.
WEIR_API int weir_call_try_submit(weir_loop *loop, weir_pool *pool,
                                  weir_call *call) WEIR_MUST_CHECK;

// weir_call_submit_batch submits `count` calls in this order, all or none, with
// one lock and one wake-up. Errors: as weir_call_submit.
WEIR_API int weir_call_submit_batch(weir_loop *loop, weir_pool *pool,
                                    weir_call *const *calls,
                                    size_t count) WEIR_MUST_CHECK;

// weir_call_submit_lane has the call run on a blocking lane: DNS, files,
// anything that sleeps in the system. priority does not apply. May start a
// thread. Errors: -EAGAIN (the lane has no thread and none can be started, or
// it is at its calls_max), -ESHUTDOWN, -ECHILD.
WEIR_API int weir_call_submit_lane(weir_loop *loop, weir_lane *lane,
                                   weir_call *call) WEIR_MUST_CHECK;

// weir_call_continue, inside run, says that the call is not over when this run
// returns 0: `run` goes on with it, on `pool`, or on `lane` (exactly one is not
// NULL), without a visit to the loop. If this run returns anything else the
// call ends with that, and nothing continues. If the call was cancelled
// meanwhile, its deadline has passed, the loop was closed (but not to drain),
// or the pool or lane refuses, the continuation does not run and the call ends
// CANCELLED or TIMED_OUT with that status. The last of several in one run
// counts. Queue wait and run of all parts add up; hooks are entered around
// each.
WEIR_API void
weir_call_continue(weir_call *call, weir_pool *pool, weir_lane *lane,
                   int (*run)(weir_worker *self, weir_call *call));

// weir_call_expect accepts a call that nobody runs: another thread, or another
// part of the program, ends it with weir_call_complete, exactly once, on any
// thread. run is not used; hooks are entered around done alone. Nothing else
// ends it: cancel and close (ABORT) only raise its flag, its deadline too, see
// weir_call_cancelled. complete never calls done itself; outcome DONE for a
// status of 0 or more, else FAILED.
// Errors: -ESHUTDOWN (the loop is closing), -ECHILD.
WEIR_API int weir_call_expect(weir_loop *loop, weir_call *call) WEIR_MUST_CHECK;
WEIR_API void weir_call_complete(weir_call *call, int status);

// weir_call_cancel ends a call that is queued, first part or continuation: it
// is taken out of its queue at once, whether a worker is free or not, and its
// done is called by a later drain with -ECANCELED, never inside this function.
// A call that runs gets its flag raised; its outcome is what run returns, or
// CANCELLED if that was 0 after weir_call_continue. On the loop's thread,
// before its done is called. On another thread: keep a lock of yours, take it
// in done before the memory goes and around this function, which calls nothing
// of yours, a pool's release hook excepted, and never waits.
// Errors: -EBUSY (it runs; the flag is raised), -EALREADY (it has ended, maybe
// just now because of the flag, or was never submitted), -ECHILD.
WEIR_API int weir_call_cancel(weir_call *call);

// weir_call_cancelled, inside run, says whether it should end early: 0, or why:
// -ECANCELED, -ETIMEDOUT, -ESHUTDOWN. Works on pools, lanes and inline, and on
// expected calls until they are completed. On a pool it also says what
// weir_cancelled(self) says; scopes and parallel loops inside the call look at
// that one, and a cancel or deadline of the call reaches them. Cheap enough for
// a loop that does some microseconds of work per round.
WEIR_API int weir_call_cancelled(weir_call *call);

// weir_call_outcome says, in done, how the call ended. A run that was told to
// give up and returned -ECANCELED FAILED; one that never ran was CANCELLED.
WEIR_API weir_outcome weir_call_outcome(const weir_call *call);

// ---- lanes -----------------------------------------------------------------

// A lane is a set of threads for calls that block in the system. It grows to
// threads_max while calls wait, and threads with nothing to do leave after
// keep_ns. It takes part in no budget: its threads are meant to sleep.
typedef struct weir_lane_options {
    size_t size;          // set by the initializer
    const char *name;     // threads are called "NAME/INDEX"; default "lane"
    unsigned threads_max; // default 0: 64
    size_t calls_max;     // accepted and not ended; default 0: no bound
    int64_t keep_ns;      // default 0: 10 s. WEIR_FOREVER: they stay
    size_t stack_size;    // bytes per thread; default: the system's
} weir_lane_options;

#define WEIR_LANE_OPTIONS_INIT                                                 \
    { sizeof(weir_lane_options), NULL, 0, 0, 0, 0 }

// weir_lane_create makes a lane; no thread is started before the first call.
// options NULL: all defaults. Errors: -EINVAL, -E2BIG, -ENOMEM.
WEIR_API int weir_lane_create(weir_lane **out,
                              const weir_lane_options *options) WEIR_MUST_CHECK;

// weir_lane_stop refuses new calls, ends the lane's work in the way of `mode`
// (DRAIN: all accepted calls run; CANCEL: queued ones end with -ESHUTDOWN;
// ABORT: and running ones are told) and joins its threads. While it drains,
// calls that run on it may still continue on it. Waits at most until
// deadline_ns; may be called again, harder too. Calls that end go to their
// loops, which need not drain meanwhile.
// Errors: -ETIMEDOUT, -EDEADLK (called on a thread of this lane), -EINVAL,
// -ECHILD.
WEIR_API int weir_lane_stop(weir_lane *lane, weir_stop_mode mode,
                            int64_t deadline_ns);

// weir_lane_destroy stops the lane if need be (drain, no limit) and frees it.
// NULL is allowed. No other function on it may run or come, and none of its own
// threads may call it. In a forked child it frees nothing.
WEIR_API void weir_lane_destroy(weir_lane *lane);

// ---- counters --------------------------------------------------------------

// Counters since the loop was created, a consistent snapshot. Set size before
// the call. At any time
//   accepted = done + failed + cancelled + timed_out + pending.
typedef struct weir_loop_counts {
    size_t size;
    uint64_t accepted;
    uint64_t done; // delivered, by outcome
    uint64_t failed;
    uint64_t cancelled;
    uint64_t timed_out;
    uint64_t pending; // now: accepted, not delivered
    uint64_t pending_max;
    uint64_t ended; // now: of those, waiting for the drain
    uint64_t ended_max;
    uint64_t inlined;    // ran inside submit
    uint64_t wakes;      // times the descriptor was written
    uint64_t drains;     // that delivered something
    uint64_t limited;    // that stopped at a limit with calls left
    uint64_t spins;      // looked for a call before sleeping
    uint64_t spins_paid; // and found one
    uint64_t unmeasured; // calls of sites beyond sites_max
} weir_loop_counts;

// Errors: -EINVAL (counts->size), -ECHILD.
WEIR_API int weir_loop_count(weir_loop *loop, weir_loop_counts *counts);

typedef enum weir_advice {
    WEIR_ADVICE_WAIT,    // fewer than 32 runs: too early to say
    WEIR_ADVICE_KEEP,    // as it is, is right
    WEIR_ADVICE_INLINE,  // offloaded, but 9 of 10 runs take less than 100 us
    WEIR_ADVICE_OFFLOAD, // inline, but 1 of 10 runs takes more than 1 ms
} weir_advice;

// What a loop has measured at one site. latency = queue + run + delivery of
// each call that ran; a call that never ran is only counted.
typedef struct weir_site_stats {
    size_t size;
    const weir_site *site;
    uint64_t done;
    uint64_t failed;
    uint64_t cancelled;
    uint64_t timed_out;
    uint64_t active; // now: accepted, not delivered
    uint64_t active_max;
    uint64_t inlined;        // of those delivered, ran inside submit
    uint64_t slow;           // ran longer than 100 ms
    weir_histogram queue;    // accepted to started; offloaded calls
    weir_histogram run;      // started to ended
    weir_histogram delivery; // ended to done
    weir_advice advice;
} weir_site_stats;

// weir_loop_site is the `index`-th site that this loop has seen. Set size
// before the call. Errors: -ENOENT (no more sites), -EINVAL, -ECHILD.
WEIR_API int weir_loop_site(weir_loop *loop, unsigned index,
                            weir_site_stats *stats);

// Counters of a lane, a consistent snapshot. Set size before the call.
//   accepted = succeeded + failed + cancelled + timed_out + queued + running.
typedef struct weir_lane_counts {
    size_t size;
    uint64_t accepted;
    uint64_t succeeded;
    uint64_t failed;
    uint64_t cancelled; // ended without running
    uint64_t timed_out; // the same, deadline
    uint64_t queued;    // now
    uint64_t queued_max;
    uint64_t running;         // now
    int64_t longest_ns;       // how long the oldest of those runs already
    unsigned threads;         // now
    unsigned threads_highest; // at once, so far
    uint64_t started_threads; // since the lane was created
} weir_lane_counts;

// Errors: -EINVAL (counts->size), -ECHILD.
WEIR_API int weir_lane_count(weir_lane *lane, weir_lane_counts *counts);

#ifdef __cplusplus
}
#endif
#endif // WEIR_LOOP_H
