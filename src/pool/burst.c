// SPDX-License-Identifier: MIT
// Bursts: where many short jobs are queued, a worker takes some at one look
// under the pool's lock and begins one after the other under a lock of its own.
// README.md, "Bursts", has the protocol.
#include "pool/internal.h"

enum {
    BURST_AHEAD = 12,     // steps
    BURST_PAUSES_MAX = 10 // a pause is of 1024 jobs at most
};

void wr_burst_init(weir_pool *pool) {
    wr_list_init(&pool->bursts);
    // Not where each job must be counted, drawn or measured as it ends, nor
    // where a lock is nobody else's.
    pool->burst = (wr_burst_limits){
        .used = pool->options.bursts != 0 && pool->arrivals_used &&
                pool->width > 1 && pool->options.measure == 0 &&
                pool->options.trace == NULL,
        .least = WR_BURST_LEAST,
        .job_ns = WR_BURST_JOB_NS,
        .burst_ns = WR_BURST_NS};
    for (unsigned i = 0; i < pool->allocated; i++) {
        wr_mutex_init(&pool->workers[i].burst_lock);
        wr_list_init(&pool->workers[i].burst);
        pool->workers[i].burst_most = 1;
    }
}

static void set_open(weir_worker *worker, bool open) {
    wr_store(&worker->burst_open, open, relaxed, ALONE,
             "raised under the pool's lock: false is exact there");
}

// ---- giving back -----------------------------------------------------------

// Counts what has ended. After each of them the next has begun, so the worker
// still has one that is outstanding: nobody is waiting for what is counted
// here. Both locks, or the pool's and the worker itself.
static void settle(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    uint64_t ended = worker->burst_succeeded + worker->burst_failed;
    pool->counts.succeeded += worker->burst_succeeded;
    pool->counts.failed += worker->burst_failed;
    pool->counts.started += ended;
    pool->counts.queued -= ended;
    pool->burst_jobs -= ended;
    pool->inbox_picks += ended;
    pool->admitted -= ended;
    pool->outstanding -= ended;
    worker->jobs += ended;
    worker->burst_succeeded = 0;
    worker->burst_failed = 0;
}

// What it took for later was taken back, which costs more than no burst: none
// for a while, twice as long as the last time, until one is over as it should.
static void back_off(weir_worker *worker) {
    worker->burst_most = 1;
    if (worker->burst_pauses < BURST_PAUSES_MAX)
        worker->burst_pauses++;
    worker->burst_pause = 1u << worker->burst_pauses;
}

static bool take_back(weir_worker *worker) {
    weir_pool *pool = worker->pool;
    wr_mutex_lock(&worker->burst_lock);
    settle(worker);
    unsigned left = worker->burst_left;
    wr_list_splice_front(&pool->inbox[1], &worker->burst);
    worker->burst_left = 0;
    set_open(worker, false);
    wr_mutex_unlock(&worker->burst_lock);
    pool->burst_jobs -= left;
    wr_list_remove(&worker->bursting);
    if (left > 0)
        back_off(worker);
    return left > 0;
}

bool wr_bursts_take_back(weir_pool *pool) {
    bool any = false;
    // The newest first: then the oldest is in front.
    while (!wr_list_empty(&pool->bursts))
        any |= take_back(
            wr_container_of(pool->bursts.prev, weir_worker, bursting));
    if (any)
        wr_pool_notify(pool);
    return any;
}

void wr_bursts_settle(weir_pool *pool) {
    for (wr_link *link = pool->bursts.next; link != &pool->bursts;
         link = link->next) {
        weir_worker *worker = wr_container_of(link, weir_worker, bursting);
        wr_mutex_lock(&worker->burst_lock);
        settle(worker);
        wr_mutex_unlock(&worker->burst_lock);
    }
}

bool wr_bursts_open(const weir_pool *pool) {
    for (const wr_link *link = pool->bursts.next; link != &pool->bursts;
         link = link->next)
        if (wr_load(
                &wr_container_of(link, const weir_worker, bursting)->burst_open,
                relaxed, ALONE, "it was raised under this lock") != 0)
            return true;
    return false;
}

// ---- taking ----------------------------------------------------------------

void wr_bursts_recall_overdue(weir_pool *pool) {
    const weir_worker *oldest =
        wr_container_of(pool->bursts.next, weir_worker, bursting);
    if (wr_now_ns() - oldest->burst_ns > 2 * pool->burst.burst_ns)
        (void)wr_bursts_take_back(pool);
}

// Twice as many as the last time, while what is begun comes in quick
// succession.
static void note_pace(weir_worker *worker, int64_t now_ns) {
    int64_t gap_ns = now_ns - worker->began_ns;
    if (gap_ns > worker->pool->burst.job_ns)
        worker->burst_most = 1;
    else if (worker->burst_most < WR_BURST_MAX)
        worker->burst_most *= 2;
    worker->began_ns = now_ns;
}

// Half of what would be each worker's. None while anything goes before what is
// in the inbox, or between.
static uint64_t share(weir_pool *pool) {
    if (!wr_list_empty(&pool->inbox[0]) || !wr_list_empty(&pool->inbox[2]) ||
        !wr_list_empty(&pool->ending) || !wr_list_empty(&pool->scopes) ||
        !wr_list_empty(&pool->broadcasts) || pool->gang != NULL ||
        pool->placed > pool->width)
        return 0;
    if (wr_load(&pool->arrived, relaxed, ALONE, "a hint") > 0)
        wr_arrivals_gather(pool);
    uint64_t queued = pool->counts.queued - pool->gang_jobs - pool->burst_jobs;
    return queued / (2 * pool->width - 1);
}

// A job with a deadline is found by its timer, a weir_run by who may help it.
static bool plain(const wr_job *job) {
    return !job->timed && job->call == NULL;
}

// Each of them waits for the one before, but jobs often lie in an array: if the
// next one is a step away, so are those behind it. Else it is an address as any
// other.
static void prefetch_ahead(const wr_link *link) {
    uintptr_t step = (uintptr_t)link->next - (uintptr_t)link;
    wr_prefetch((const void *)((uintptr_t)link->next + BURST_AHEAD * step), 1);
}

static unsigned fill(weir_worker *worker, uint64_t most) {
    wr_link *inbox = &worker->pool->inbox[1];
    wr_link *last = inbox;
    unsigned count = 0;
    while (count < most && last->next != inbox &&
           plain(wr_container_of(last->next, wr_job, link))) {
        prefetch_ahead(last);
        last = last->next;
        count++;
    }
    if (count > 0)
        wr_list_cut_front(&worker->burst, inbox, last);
    return count;
}

bool wr_burst_begin(weir_worker *worker, const wr_frame *frame) {
    weir_pool *pool = worker->pool;
    if (!pool->burst.used || frame->below != NULL)
        return false;
    if (worker->began_ns != 0)
        note_pace(worker, frame->started_ns);
    worker->began_ns = frame->started_ns;
    if (worker->burst_pause > 0) {
        worker->burst_pause--;
        return false;
    }
    // The frame is the next one's too: nothing that descends from a scope or a
    // call.
    if (worker->burst_most == 1 || frame->job == NULL || frame->scope != NULL ||
        frame->call != NULL || frame->parent != NULL || worker->seated)
        return false;
    uint64_t most = share(pool);
    if (most >= worker->burst_most)
        most = worker->burst_most - 1;
    if (most < pool->burst.least)
        return false;
    wr_mutex_lock(&worker->burst_lock);
    worker->burst_left = fill(worker, most);
    bool any = worker->burst_left > 0;
    if (any) {
        set_open(worker, true);
        pool->burst_jobs += worker->burst_left;
        worker->burst_ns = frame->started_ns;
        wr_list_push_back(&pool->bursts, &worker->bursting);
    }
    wr_mutex_unlock(&worker->burst_lock);
    if (any && pool->searching > 0)
        wr_pool_notify(pool); // who looks without the lock sees it
    return any;
}

// ---- running ---------------------------------------------------------------

// As clear_frame and fill_frame do, but for what is the same for all of them,
// and for what others write: who did that has taken the burst back.
static void refill(wr_frame *frame, weir_job *job, int64_t now_ns) {
    frame->started_ns = now_ns;
    frame->deadline_ns = job->deadline_ns;
    frame->captured = wr_job_of(job)->captured;
    wr_store(&frame->name, (void *)(uintptr_t)job->name, relaxed, ALONE,
             "who looks at it has taken the burst back");
    wr_store(&frame->owner, NULL, relaxed, ALONE, "nobody has it in sight");
    frame->piece = NULL;
    frame->job = job;
    frame->parted = false;
    frame->ended = false;
    frame->ended_ns = 0;
    frame->open_scope = NULL;
}

bool wr_burst_next(weir_worker *worker, wr_frame *frame, int status,
                   wr_item *item) {
    const wr_burst_limits *limits = &worker->pool->burst;
    int64_t now_ns = wr_now_ns();
    bool quick = now_ns - frame->started_ns <= limits->job_ns &&
                 now_ns - worker->burst_ns <= limits->burst_ns;
    if (!quick)
        return false;
    wr_mutex_lock(&worker->burst_lock);
    if (worker->burst_left == 0) {
        wr_mutex_unlock(&worker->burst_lock);
        return false;
    }
    wr_link *link = wr_list_pop_front(&worker->burst);
    wr_job *job = wr_container_of(link, wr_job, link);
    *item = (wr_item){.job = wr_job_public(job), .run = true};
    if (--worker->burst_left == 0)
        set_open(worker, false);
    else
        wr_prefetch(
            wr_job_public(wr_container_of(worker->burst.next, wr_job, link)),
            WR_PREFETCH_BYTES);
    worker->burst_succeeded += status == 0;
    worker->burst_failed += status != 0;
    worker->began_ns = now_ns;
    refill(frame, item->job, now_ns);
    job->frame = frame;
    wr_store(&job->state, WR_JOB_RUNNING, relaxed, ALONE,
             "whoever looks at it takes this lock before");
    wr_mutex_unlock(&worker->burst_lock);
    return true;
}

void wr_burst_end(weir_worker *worker) {
    if (!wr_link_linked(&worker->bursting))
        return; // it was taken back
    if (worker->burst_left > 0) {
        (void)wr_bursts_take_back(worker->pool);
        return;
    }
    settle(worker);
    wr_list_remove(&worker->bursting);
    worker->burst_pauses = 0;
}
