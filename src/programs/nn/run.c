// SPDX-License-Identifier: MIT
//
// Requests as chains of jobs. A request works on a block: an arena, counters,
// and a job for each part of each task, all taken when it starts. Who counts
// what, and why the block may be reused at once: README.md, "Running".
#include "programs/nn/run.h"

#include "base/check.h"
#include "base/fault.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

enum {
    // One job goes on with the next task while the estimates of what it did
    // stay below this; then the others in the queue have their turn.
    TURN_NS = 200 * 1000,
    // A task this short is not worth a job while there is something to run.
    SHORT_NS = 5 * 1000,
    SHORTS_MAX = 8, // of them that wait in one job
    BATCH_MAX = 64,
};

typedef struct block block;

// A place in the queue for one part of one task.
typedef struct part_job {
    weir_job job; // first
    block *owner;
    int task;
    unsigned part;
} part_job;

struct block {
    block *next; // in the cell's idle list
    wr_nn_cell *cell;
    wr_nn_run *run;
    weir_pool *pool;
    unsigned char *scratch; // of worker 0
    wr_nn_desk desk;
    wr_atomic_u32 live;   // jobs submitted whose done was not called yet
    wr_atomic_u32 failed; // 0, or the errno of the first reason to stop
    wr_atomic_u32 *needs; // by task: what it still waits for
    wr_atomic_u32 *parts; // by task: parts that have not ended
    part_job *slot;       // of all parts; a task's begin at cell->first[task]
    weir_job **begin;     // those of tasks that need nothing
};

// Scratch for every worker of a pool: a part never waits, so a worker needs it
// once, however many requests it works for.
typedef struct scratch {
    struct scratch *next;
    const weir_pool *pool;
    unsigned workers;
    size_t bytes;
    unsigned char *memory;
} scratch;

struct wr_nn_cell {
    const wr_nn_plan *plan;
    unsigned keep;
    size_t *first; // by task: its first slot
    size_t slots;
    size_t begins;       // jobs that a request begins with
    size_t scratch_each; // bytes for one worker
    wr_nn_observer *observer;
    void *context;

    wr_mutex lock; // guards what follows
    block *idle;
    unsigned idle_count;
    scratch *scratches;
    size_t bytes;
};

// ---- blocks ----------------------------------------------------------------

static size_t table_bytes(const wr_nn_cell *cell) {
    size_t tasks = (size_t)cell->plan->graph->nodes;
    return sizeof(block) + cell->slots * sizeof(part_job) +
           cell->begins * sizeof(weir_job *) +
           2 * tasks * sizeof(wr_atomic_u32);
}

// Never 0 bytes: then there would be no address to add to.
static size_t arena_bytes(const wr_nn_cell *cell) {
    return cell->plan->arena_bytes + WR_NN_ALIGN;
}

static int part_run(weir_worker *self, weir_job *job);
static void part_done(weir_job *job, int status);

static void block_fill(wr_nn_cell *cell, block *b) {
    const wr_nn_plan *plan = cell->plan;
    int tasks = plan->graph->nodes;
    b->cell = cell;
    b->slot = (part_job *)(b + 1);
    b->begin = (weir_job **)(b->slot + cell->slots);
    b->needs = (wr_atomic_u32 *)(b->begin + cell->begins);
    b->parts = b->needs + tasks;
    size_t begins = 0;
    for (int task = 0; task < tasks; task++) {
        for (unsigned part = 0; part < plan->task[task].parts; part++) {
            part_job *p = &b->slot[cell->first[task] + part];
            p->job.run = part_run;
            p->job.done = part_done;
            p->job.name = plan->graph->node[task].name;
            p->owner = b;
            p->task = task;
            p->part = part;
            if (plan->task[task].needs == 0)
                b->begin[begins++] = &p->job;
        }
    }
    if (tasks == 0) {
        // Nothing to compute; done must come from a worker all the same.
        b->slot[0] = (part_job){
            .job = WEIR_JOB_INIT(part_run, part_done), .owner = b, .task = -1};
        b->begin[begins++] = &b->slot[0].job;
    }
    wr_assert(begins == cell->begins);
}

static block *block_create(wr_nn_cell *cell) {
    block *b = wr_aligned_alloc(WR_CACHE_LINE, table_bytes(cell));
    if (b == NULL)
        return NULL;
    b->desk.arena = wr_pages_alloc_huge(arena_bytes(cell));
    if (b->desk.arena == NULL) {
        wr_free(b);
        return NULL;
    }
    block_fill(cell, b);
    return b;
}

static void block_destroy(wr_nn_cell *cell, block *b) {
    wr_pages_free(b->desk.arena, arena_bytes(cell));
    wr_free(b);
}

static block *block_take(wr_nn_cell *cell) {
    wr_mutex_lock(&cell->lock);
    block *b = cell->idle;
    if (b != NULL) {
        cell->idle = b->next;
        cell->idle_count--;
    }
    wr_mutex_unlock(&cell->lock);
    if (b != NULL)
        return b;
    b = block_create(cell);
    if (b == NULL)
        return NULL;
    wr_mutex_lock(&cell->lock);
    cell->bytes += table_bytes(cell) + arena_bytes(cell);
    wr_mutex_unlock(&cell->lock);
    return b;
}

static void block_give(wr_nn_cell *cell, block *b) {
    wr_mutex_lock(&cell->lock);
    bool kept = cell->idle_count < cell->keep;
    if (kept) {
        b->next = cell->idle;
        cell->idle = b;
        cell->idle_count++;
    } else {
        cell->bytes -= table_bytes(cell) + arena_bytes(cell);
    }
    wr_mutex_unlock(&cell->lock);
    if (!kept)
        block_destroy(cell, b);
}

// scratch_of finds or makes the pool's scratch. Another pool at the address of
// one that is gone may use what that one used.
static int scratch_of(wr_nn_cell *cell, weir_pool *pool, unsigned char **out) {
    *out = NULL;
    if (cell->scratch_each == 0)
        return 0;
    unsigned workers = weir_pool_index_limit(pool);
    wr_mutex_lock(&cell->lock);
    scratch *s = cell->scratches;
    while (s != NULL && (s->pool != pool || s->workers < workers))
        s = s->next;
    if (s == NULL) {
        s = wr_calloc(1, sizeof(*s));
        size_t bytes = workers * cell->scratch_each;
        unsigned char *memory = s == NULL ? NULL : wr_pages_alloc_huge(bytes);
        if (memory == NULL) {
            wr_mutex_unlock(&cell->lock);
            wr_free(s);
            return -ENOMEM;
        }
        *s = (scratch){cell->scratches, pool, workers, bytes, memory};
        cell->scratches = s;
        cell->bytes += bytes;
    }
    *out = s->memory;
    wr_mutex_unlock(&cell->lock);
    return 0;
}

// ---- cells -----------------------------------------------------------------

int wr_nn_cell_create(wr_nn_cell **out, const wr_nn_plan *plan, unsigned keep) {
    size_t tasks = (size_t)plan->graph->nodes;
    wr_nn_cell *cell = wr_calloc(1, sizeof(*cell));
    size_t *first = wr_calloc(tasks + 1, sizeof(*first));
    if (cell == NULL || first == NULL) {
        wr_free(cell);
        wr_free(first);
        return -ENOMEM;
    }
    cell->plan = plan;
    cell->keep = keep;
    cell->first = first;
    for (size_t task = 0; task < tasks; task++) {
        first[task] = cell->slots;
        cell->slots += plan->task[task].parts;
        if (plan->task[task].needs == 0)
            cell->begins += plan->task[task].parts;
    }
    if (tasks == 0)
        cell->slots = cell->begins = 1;
    if (cell->slots > INT32_MAX) {
        wr_free(first);
        wr_free(cell);
        return -E2BIG;
    }
    cell->scratch_each = wr_nn_scratch(plan);
    wr_mutex_init(&cell->lock);
    *out = cell;
    return 0;
}

void wr_nn_cell_destroy(wr_nn_cell *cell) {
    if (cell == NULL)
        return;
    while (cell->idle != NULL) {
        block *b = cell->idle;
        cell->idle = b->next;
        block_destroy(cell, b);
    }
    while (cell->scratches != NULL) {
        scratch *s = cell->scratches;
        cell->scratches = s->next;
        wr_pages_free(s->memory, s->bytes);
        wr_free(s);
    }
    wr_mutex_fini(&cell->lock);
    wr_free(cell->first);
    wr_free(cell);
}

size_t wr_nn_cell_bytes(const wr_nn_cell *cell) {
    wr_mutex *lock = (wr_mutex *)(uintptr_t)&cell->lock;
    wr_mutex_lock(lock);
    size_t bytes = cell->bytes;
    wr_mutex_unlock(lock);
    return bytes;
}

void wr_nn_cell_observe(wr_nn_cell *cell, wr_nn_observer *observer,
                        void *context) {
    cell->observer = observer;
    cell->context = context;
}

// ---- one job ---------------------------------------------------------------

// What a job does before it ends: the part it was queued for, then what that
// released and is kept here rather than queued.
typedef struct turn {
    block *b;
    weir_worker *self;
    int more; // a task of any length, its part 0; -1: none
    int shorts[SHORTS_MAX];
    int shorts_count;
    double spent_ns; // estimate
    weir_job *batch[BATCH_MAX];
    size_t batched;
} turn;

static void fail(block *b, int status) {
    uint32_t none = 0;
    wr_compare_exchange(&b->failed, &none, (uint32_t)-status, relaxed, ALONE,
                        "the first reason wins; NN_RUN_1 brings it to the end");
}

// Whether what is left of the request is to be skipped.
static bool stopped(block *b) {
    if (wr_load(&b->run->cancelled, relaxed, ALONE,
                "a wish; a task that starts all the same does no harm") != 0)
        fail(b, -ECANCELED);
    return wr_load(&b->failed, relaxed, ALONE, "as with a wish") != 0;
}

static void flush(turn *t) {
    block *b = t->b;
    uint32_t count = (uint32_t)t->batched;
    t->batched = 0;
    if (count == 0)
        return;
    // This job counts as well, so the last of the others cannot end it all.
    wr_fetch_add(&b->live, count, relaxed, ALONE,
                 "not the end, which this job's own count keeps away");
    int status = weir_submit_batch(b->pool, t->batch, count);
    if (status != 0) {
        wr_fetch_sub(&b->live, count, relaxed, ALONE,
                     "not the end, which this job's own count keeps away");
        fail(b, status);
    }
}

static void queue_from(turn *t, int task, unsigned part) {
    block *b = t->b;
    for (; part < b->cell->plan->task[task].parts; part++) {
        if (t->batched == BATCH_MAX)
            flush(t);
        weir_job *job = &b->slot[b->cell->first[task] + part].job;
        job->priority = b->run->priority;
        t->batch[t->batched++] = job;
    }
}

// A task has become ready: it, or its first part, is run here if that is
// cheaper than queueing it and this job's turn is not over.
static void take(turn *t, int task) {
    const wr_nn_task *ready = &t->b->cell->plan->task[task];
    double cost_ns = ready->cost_ns / (double)ready->parts;
    if (t->spent_ns + cost_ns <= TURN_NS) {
        if (ready->parts == 1 && cost_ns < SHORT_NS &&
            t->shorts_count < SHORTS_MAX) {
            t->shorts[t->shorts_count++] = task;
            t->spent_ns += cost_ns;
            return;
        }
        if (t->more < 0) {
            t->more = task;
            t->spent_ns += cost_ns;
            queue_from(t, task, 1);
            return;
        }
    }
    queue_from(t, task, 0);
}

static void run_part(turn *t, int task, unsigned part) {
    block *b = t->b;
    wr_nn_cell *cell = b->cell;
    unsigned worker = weir_worker_index(t->self);
    unsigned char *mine =
        b->scratch == NULL ? NULL : b->scratch + worker * cell->scratch_each;
    int64_t from_ns = cell->observer == NULL ? 0 : weir_now_ns();
    wr_nn_call(cell->plan, &b->desk, mine, task, part);
    if (cell->observer != NULL)
        cell->observer(cell->context, task, part, from_ns, weir_now_ns(),
                       (int)worker);

    if (wr_fetch_sub(&b->parts[task], 1, acq_rel, NN_RUN_1,
                     "the last part to end speaks for all") != 1)
        return;
    const wr_nn_task *ended = &cell->plan->task[task];
    for (int i = 0; i < ended->unblocks_count; i++) {
        int next = ended->unblocks[i];
        if (wr_fetch_sub(&b->needs[next], 1, acq_rel, NN_RUN_1,
                         "it sees what all that it needs have written") == 1)
            take(t, next);
    }
    flush(t);
}

static int part_run(weir_worker *self, weir_job *job) {
    part_job *p = (part_job *)job;
    turn t = {.b = p->owner, .self = self, .more = -1};
    int task = p->task;
    unsigned part = p->part;
    if (task < 0)
        return 0;
    const wr_nn_task *first = &t.b->cell->plan->task[task];
    t.spent_ns = first->cost_ns / (double)first->parts;
    // Once it is stopped nothing is looked at again: the jobs that are queued
    // come here, return at once, and the last one ends the request.
    while (!stopped(t.b)) {
        run_part(&t, task, part);
        part = 0;
        if (t.shorts_count > 0) {
            task = t.shorts[--t.shorts_count];
        } else {
            task = t.more;
            t.more = -1;
        }
        if (task < 0)
            break;
    }
    return 0;
}

// ---- begin and end ---------------------------------------------------------

// Nothing may touch the block once it is given back, nor the cell once the
// run's done is called.
static void finish(block *b) {
    wr_nn_run *run = b->run;
    int status =
        -(int)wr_load(&b->failed, relaxed, ALONE, "NN_RUN_1 has brought it");
    if (status == 0)
        wr_nn_deliver(b->cell->plan, &b->desk);
    block_give(b->cell, b);
    run->run_ns = weir_now_ns() - run->start_ns;
    run->done(run, status);
}

static void part_done(weir_job *job, int status) {
    block *b = ((part_job *)job)->owner;
    if (!weir_job_ran(job))
        fail(b, status);
    if (wr_fetch_sub(&b->live, 1, acq_rel, NN_RUN_1,
                     "the last job to end sees all that was done") == 1)
        finish(b);
}

static void block_begin(block *b) {
    const wr_nn_plan *plan = b->cell->plan;
    wr_atomic_init(&b->live, (uint32_t)b->cell->begins);
    wr_atomic_init(&b->failed, 0);
    for (int task = 0; task < plan->graph->nodes; task++) {
        wr_atomic_init(&b->needs[task], (uint32_t)plan->task[task].needs);
        wr_atomic_init(&b->parts[task], plan->task[task].parts);
    }
    for (size_t i = 0; i < b->cell->begins; i++)
        b->begin[i]->priority = b->run->priority;
}

int wr_nn_run_start(wr_nn_cell *cell, weir_pool *pool, wr_nn_run *run) {
    unsigned char *scratch_memory;
    int status = scratch_of(cell, pool, &scratch_memory);
    if (status != 0)
        return status;
    block *b = block_take(cell);
    if (b == NULL)
        return -ENOMEM;
    b->run = run;
    b->pool = pool;
    b->scratch = scratch_memory;
    b->desk.input = run->input;
    b->desk.output = run->output;
    run->start_ns = weir_now_ns();
    block_begin(b);
    // From here on it may be over already.
    status = weir_submit_batch(pool, b->begin, cell->begins);
    if (status != 0)
        block_give(cell, b);
    return status;
}

void wr_nn_run_cancel(wr_nn_run *run) {
    wr_store(&run->cancelled, 1, relaxed, ALONE,
             "a wish; whoever sees it has all it needs");
}
