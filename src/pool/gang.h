// SPDX-License-Identifier: MIT
// What the graph's workers-of-a-pool need of the pool beyond the public header:
// jobs whose memory goes while they run, and gangs: jobs that run at the same
// time, each on a worker of its own. README.md, "Gangs", has the protocol.
#ifndef WR_POOL_GANG_H
#define WR_POOL_GANG_H

#include "weir/pool.h"

#include <stdbool.h>

// wr_job_continue is weir_submit for work that belongs to a job that was
// accepted and has not ended: a pool that drains takes it from any thread.
// Errors: -ESHUTDOWN, -ECHILD.
int wr_job_continue(weir_pool *pool, weir_job *job);

// wr_job_take_back takes a job that has not begun off its queue: false: it
// runs, has ended, or was never submitted. Its done is not called.
bool wr_job_take_back(weir_pool *pool, weir_job *job);

// ---- in run ----------------------------------------------------------------

// wr_job_part: from here on the pool does not touch the job, nor call its done:
// the memory is the submitter's, to be freed or submitted again. Called in run,
// once, by the worker that runs it, with nothing on top. The name stays lent:
// until wr_jobs_unname(pool, owner).
void wr_job_part(weir_worker *self, const void *owner);

// wr_job_runs: this piece of the owner's, a ticket, runs in it now.
void wr_job_runs(weir_worker *self, void *piece);

// wr_job_running: the innermost such piece of this owner that runs on this
// worker's stack, or that what runs there descends from; NULL: none. By the
// worker.
void *wr_job_running(const weir_worker *self, const void *owner);

// wr_job_over ends the run of a job that has parted: what comes after it in run
// is as in done. Called once, before the memory or the name may go.
void wr_job_over(weir_worker *self);

// wr_job_lost: in place of wr_job_over, where memory and name have gone: the
// trace is not told of it.
void wr_job_lost(weir_worker *self);

// wr_job_owned says whose the name is, in a done.
void wr_job_owned(weir_worker *self, const void *owner);

// wr_jobs_unname: names of the owner's jobs are not looked at any more. All of
// them are over, or lost, or their done has got to wr_job_owned.
void wr_jobs_unname(weir_pool *pool, const void *owner);

// wr_job_began: when run was called, on the clock of wr_now_ns.
int64_t wr_job_began(const weir_worker *self);

// wr_job_named: the job, which has parted, has another name now.
void wr_job_named(weir_worker *self, const char *name);

// wr_pool_ending: the pool is being stopped, and not drained: what has not
// begun does not run any more. A hint.
bool wr_pool_ending(const weir_pool *pool);

// wr_pool_pushes changes whenever something is queued. A hint.
uint32_t wr_pool_pushes(const weir_pool *pool);

// wr_pool_plain: jobs are all alike here, and nobody looks at each: no hooks,
// no bound, no trace, not measured, not deterministic. A hint.
bool wr_pool_plain(const weir_pool *pool);

// ---- runners ---------------------------------------------------------------

// A job that runs one piece of work after the other, which others find only
// through it. While its worker waits, somebody else must do that.
typedef struct wr_relay {
    // Its worker has lent its place: returns a job that is to be submitted, or
    // NULL. Its worker is back. Both are called by the worker, under the pool's
    // lock, and call nothing of the pool.
    weir_job *(*lent)(struct wr_relay *relay);
    void (*back)(struct wr_relay *relay);
    bool is_lent;
} wr_relay;

// wr_relay_enter: `runner` is what this worker runs; wr_relay_leave: no more.
// wr_relay_of: what it runs, or NULL.
void wr_relay_enter(weir_worker *self, wr_relay *relay);
void wr_relay_leave(weir_worker *self);
wr_relay *wr_relay_of(const weir_worker *self);

// ---- gangs -----------------------------------------------------------------

// wr_gang_submit submits `count` jobs (2 to the pool's width), `stride` bytes
// apart, that run at the same time on different workers: they may wait for each
// other in any way. Their deadlines are 0. When as many workers as there are
// jobs have come together, claim(first) is called on one of them, with no lock
// held, once: it must not wait. True: each runs its job. False: their memory is
// gone; they count as cancelled, and done is not called. If the pool is stopped
// before, each ends with -ESHUTDOWN, as all jobs do. As wr_job_continue, and
// with its errors: all are taken or none.
int wr_gang_submit(weir_pool *pool, weir_job *first, size_t stride,
                   unsigned count, bool (*claim)(weir_job *first));

#endif
