// SPDX-License-Identifier: MIT
// Runners: jobs that run one ticket after the other, so that the pool's price
// of a job is not paid for each. threads.md, "Runners".
//
// All that is ready is in `ready`, by priority and in order. As many runners as
// places look there; who finds nothing leaves, in the same hold of the lock.
// While there are so many, NORMAL tickets only go to `arrivals`, which has a
// lock of its own; who empties `ready` gathers them. `full` is taken back in
// the hold of that lock in which they are gathered for the last time, so none
// is left behind.
#include "base/check.h"
#include "base/fault.h"
#include "graph/threads.h"
#include "pool/gang.h"

#include <errno.h>

enum {
    TURN_TICKETS = 32,    // most of one runner, before others have their turn
    TURN_NS = 100 * 1000, // and
    LOWEST_EVERY = 64,    // picks between two of the lowest priority
    PREFETCH_BYTES = 448, // a ticket, and some of what it is embedded in
    LINGER_STEPS = 64,    // looks for the next ticket before a runner leaves:
                          // some microseconds
};

// A runner that has not begun: the job is free again when it has.
typedef struct wr_vehicle {
    weir_job job;
    wr_threads *threads;
    struct wr_vehicle *next; // spare
    int index;               // of its priority
} vehicle;

typedef struct runner {
    wr_relay base;
    weir_worker *self;
    wr_threads *threads;
    wr_ticket *next; // became ready by the end of the one before
    bool ending;     // wr_ticket_ended is being called
    bool stopped;    // the pool is: nothing runs any more
    unsigned count;
    int64_t begin_ns;
} runner;

static int run(weir_worker *self, weir_job *job);
static void done_unrun(weir_job *job, int status);

// ---- what is ready ---------------------------------------------------------

static void set_waiting(wr_threads *threads, int change) {
    uint32_t waiting = wr_load(&threads->waiting, relaxed, ALONE,
                               "changed under the lock, which is held");
    wr_store(&threads->waiting, waiting + (uint32_t)change, relaxed, ALONE,
             "a hint; who leaves looks under the lock");
}

static int index_of(const wr_ticket *ticket) {
    return ticket->priority < 0 ? 0 : ticket->priority > 0 ? 2 : 1;
}

// All _locked: threads->lock is held.
static void push(wr_threads *threads, wr_ticket *ticket, bool front) {
    wr_link *list = &threads->ready[index_of(ticket)];
    if (front)
        wr_list_push_front(list, &ticket->link);
    else
        wr_list_push_back(list, &ticket->link);
    set_waiting(threads, 1);
}

// Enough will look there before, at this priority. _locked.
static bool enough(const wr_threads *threads, int index) {
    int looking = threads->running;
    for (int i = index; i < WR_THREADS_PRIORITIES; i++)
        looking += threads->queued[i];
    return looking >= (int)threads->width;
}

// arrivals_lock is held too.
static void take_arrivals(wr_threads *threads) {
    uint32_t count = wr_load(&threads->arrived, relaxed, ALONE,
                             "changed under the lock, which is held");
    wr_list_splice_back(&threads->ready[1], &threads->arrivals);
    wr_store(&threads->arrived, 0, relaxed, ALONE, "a hint");
    set_waiting(threads, (int)count);
}

static void gather(wr_threads *threads) {
    if (wr_load(&threads->arrived, relaxed, ALONE,
                "a hint: who takes `full` back looks under the lock") == 0)
        return;
    wr_mutex_lock(&threads->arrivals_lock);
    take_arrivals(threads);
    wr_mutex_unlock(&threads->arrivals_lock);
}

// To be called when `running` or `queued` has changed. It may gather. _locked.
static void tell_full(wr_threads *threads) {
    bool full = enough(threads, 1);
    if (full == threads->full)
        return;
    wr_mutex_lock(&threads->arrivals_lock);
    threads->full = full;
    if (!full)
        take_arrivals(threads);
    wr_mutex_unlock(&threads->arrivals_lock);
}

// Puts a ticket there, if that will do.
static bool arrive(wr_threads *threads, wr_ticket *ticket) {
    if (index_of(ticket) != 1)
        return false;
    wr_mutex_lock(&threads->arrivals_lock);
    bool full = threads->full;
    if (full) {
        uint32_t count = wr_load(&threads->arrived, relaxed, ALONE,
                                 "changed under the lock only");
        wr_list_push_back(&threads->arrivals, &ticket->link);
        wr_store(&threads->arrived, count + 1, relaxed, ALONE,
                 "a hint: who takes `full` back looks under the lock");
    }
    wr_mutex_unlock(&threads->arrivals_lock);
    return full;
}

static wr_ticket *pop(wr_threads *threads) {
    if (wr_list_empty(&threads->ready[1]))
        gather(threads);
    if (wr_load(&threads->waiting, relaxed, ALONE, "under the lock") == 0)
        return NULL;
    bool lowest = ++threads->picks % LOWEST_EVERY == 0;
    for (int i = 0; i < WR_THREADS_PRIORITIES; i++) {
        int index = lowest ? i : WR_THREADS_PRIORITIES - 1 - i;
        wr_link *list = &threads->ready[index];
        wr_link *link = wr_list_pop_front(list);
        if (link != NULL) {
            set_waiting(threads, -1);
            // The next is likely in the cache of the core that submitted it.
            wr_prefetch(wr_container_of(list->next, wr_ticket, link),
                        PREFETCH_BYTES);
            return wr_container_of(link, wr_ticket, link);
        }
    }
    return NULL;
}

// The next ticket of one who counts as running, or NULL: it does not any more.
// _locked.
static wr_ticket *pop_or_leave(wr_threads *threads) {
    wr_ticket *ticket = pop(threads);
    if (ticket != NULL)
        return ticket;
    threads->running--;
    tell_full(threads);
    ticket = pop(threads); // what arrived last
    if (ticket == NULL)
        return NULL;
    threads->running++;
    tell_full(threads);
    return ticket;
}

// ---- who looks there -------------------------------------------------------

// Somebody will look there, sooner or later. _locked.
static bool anybody(const wr_threads *threads) {
    return threads->running + threads->queued[0] + threads->queued[1] +
               threads->queued[2] >
           0;
}

// A vehicle for a runner, if one is wanted and there is one. _locked.
static vehicle *wanted(wr_threads *threads, int index) {
    vehicle *found = threads->spare;
    if (found == NULL || enough(threads, index))
        return NULL;
    threads->spare = found->next;
    found->index = index;
    threads->submitting++; // until it is queued, or refused
    return found;
}

// Of the best that is ready; LOW if nothing is. _locked.
static int best_index(const wr_threads *threads) {
    int index = WR_THREADS_PRIORITIES - 1;
    while (index > 0 && wr_list_empty(&threads->ready[index]))
        index--;
    return index;
}

static weir_job *vehicle_job(vehicle *v) {
    v->job = (weir_job)WEIR_JOB_INIT(run, done_unrun);
    v->job.name = "runner";
    v->job.priority = v->index - 1;
    return &v->job;
}

// It has begun, or never will. _locked.
static void spare(vehicle *v) {
    v->next = v->threads->spare;
    v->threads->spare = v;
}

static int submit_runner(vehicle *v) {
    wr_threads *threads = v->threads;
    int index = v->index; // the vehicle is another's once it is accepted
    int error = wr_job_continue(threads->pool, vehicle_job(v));
    wr_mutex_lock(&threads->lock);
    threads->submitting--;
    if (error != 0)
        spare(v);
    else
        threads->queued[index]++;
    tell_full(threads);
    wr_mutex_unlock(&threads->lock);
    return error;
}

void wr_threads_ready_init(wr_threads *threads) {
    wr_mutex_init(&threads->lock);
    for (int i = 0; i < WR_THREADS_PRIORITIES; i++)
        wr_list_init(&threads->ready[i]);
    wr_atomic_init(&threads->waiting, 0);
    wr_mutex_init(&threads->arrivals_lock);
    wr_list_init(&threads->arrivals);
    wr_atomic_init(&threads->arrived, 0);
    threads->full = false;
    unsigned count = threads->width * WR_THREADS_PRIORITIES;
    vehicle *vehicles = wr_calloc(count, sizeof(*vehicles));
    threads->vehicles = vehicles;
    for (unsigned i = 0; vehicles != NULL && i < count; i++) {
        vehicles[i].threads = threads;
        spare(&vehicles[i]);
    }
}

static bool any_runner(const wr_threads *threads) {
    return threads->running != 0 || threads->submitting != 0 ||
           threads->queued[0] != 0 || threads->queued[1] != 0 ||
           threads->queued[2] != 0;
}

// The last ticket has ended, but the runner that ended it may still look for
// another, which takes a moment. Those that have not begun are taken back: the
// caller may be on the worker that would run them.
void wr_threads_ready_fini(wr_threads *threads) {
    // One whose turn is over may still be handing over to another.
    wr_mutex_lock(&threads->lock);
    while (threads->submitting != 0) {
        wr_mutex_unlock(&threads->lock);
        wr_thread_yield();
        wr_mutex_lock(&threads->lock);
    }
    wr_mutex_unlock(&threads->lock);
    unsigned count = threads->width * WR_THREADS_PRIORITIES;
    for (unsigned i = 0; threads->vehicles != NULL && i < count; i++)
        if (wr_job_take_back(threads->pool, &threads->vehicles[i].job)) {
            wr_mutex_lock(&threads->lock);
            threads->queued[threads->vehicles[i].index]--;
            wr_mutex_unlock(&threads->lock);
        }
    wr_mutex_lock(&threads->lock);
    while (any_runner(threads)) {
        wr_mutex_unlock(&threads->lock);
        wr_thread_yield();
        wr_mutex_lock(&threads->lock);
    }
    wr_mutex_unlock(&threads->lock);
    wr_mutex_fini(&threads->lock);
    wr_mutex_fini(&threads->arrivals_lock);
    wr_free(threads->vehicles);
}

// ---- submitting ------------------------------------------------------------

static bool kept(wr_threads *threads, wr_ticket *ticket) {
    weir_worker *self = weir_worker_self();
    if (self == NULL || wr_relay_of(self) == NULL)
        return false;
    runner *own = wr_container_of(wr_relay_of(self), runner, base);
    if (own->threads != threads || !own->ending || own->next != NULL ||
        wr_load(&threads->waiting, relaxed, ALONE, "a hint: they go first") !=
            0 ||
        wr_load(&threads->arrived, relaxed, ALONE, "a hint: they go first") !=
            0)
        return false;
    own->next = ticket;
    return true;
}

// Takes a ticket out again. False: a runner has it, or had. It may be another
// task's by now, and stand there again: with another number. _locked.
static bool take_out(wr_threads *threads, const wr_ticket *ticket,
                     uint64_t number) {
    for (int i = 0; i < WR_THREADS_PRIORITIES; i++) {
        wr_link *list = &threads->ready[i];
        for (wr_link *link = list->next; link != list; link = link->next) {
            wr_ticket *found = wr_container_of(link, wr_ticket, link);
            if (found != ticket || found->number != number)
                continue;
            wr_list_remove(link);
            set_waiting(threads, -1);
            return true;
        }
    }
    return false;
}

int wr_threads_push(wr_threads *threads, wr_ticket *ticket) {
    if (kept(threads, ticket) || arrive(threads, ticket))
        return 0;
    uint64_t number = ticket->number;
    int index = index_of(ticket);
    wr_mutex_lock(&threads->lock);
    gather(threads); // they were first
    push(threads, ticket, false);
    vehicle *v = wanted(threads, index);
    while (v == NULL && !anybody(threads)) {
        // Others are about to submit all there are, and may be refused.
        wr_mutex_unlock(&threads->lock);
        wr_thread_yield();
        wr_mutex_lock(&threads->lock);
        v = wanted(threads, index);
    }
    wr_mutex_unlock(&threads->lock);
    if (v == NULL)
        return 0;
    // Counted only once it is accepted: nobody relies on a runner that is
    // refused, for the pool is being stopped.
    int error = submit_runner(v);
    if (error == 0)
        return 0;
    wr_mutex_lock(&threads->lock);
    bool out = take_out(threads, ticket, number);
    wr_mutex_unlock(&threads->lock);
    return out ? error : 0;
}

// ---- a runner's worker waits -----------------------------------------------

static weir_job *lent(wr_relay *base) {
    wr_threads *threads = wr_container_of(base, runner, base)->threads;
    wr_mutex_lock(&threads->lock);
    threads->running--;
    tell_full(threads);
    vehicle *v = NULL;
    if (wr_load(&threads->waiting, relaxed, ALONE, "under the lock") != 0)
        v = wanted(threads, best_index(threads));
    if (v != NULL) {
        threads->submitting--;
        threads->queued[v->index]++;
        tell_full(threads);
    }
    wr_mutex_unlock(&threads->lock);
    return v != NULL ? vehicle_job(v) : NULL;
}

static void back(wr_relay *base) {
    wr_threads *threads = wr_container_of(base, runner, base)->threads;
    wr_mutex_lock(&threads->lock);
    threads->running++;
    tell_full(threads);
    wr_mutex_unlock(&threads->lock);
}

// ---- running ---------------------------------------------------------------

// The clock is looked at after 1, 2, 4, 8... tickets: long ones end the turn
// soon, short ones do not pay for it.
static bool turn_is_over(const runner *own) {
    return own->count >= TURN_TICKETS ||
           ((own->count & (own->count - 1)) == 0 &&
            wr_now_ns() - own->begin_ns > TURN_NS);
}

static void run_one(runner *own, wr_ticket *ticket) {
    if (own->stopped) {
        wr_ticket_unrun(ticket, -ESHUTDOWN);
        return;
    }
    if (!wr_ticket_claim(ticket))
        return;
    wr_call call;
    wr_ending ending;
    wr_job_named(own->self, ticket->kernel->name);
    wr_ticket_run(own->self, own->threads, ticket, &call, &ending);
    own->ending = true;
    wr_ticket_ended(ticket, &ending);
    own->ending = false;
}

// Others have their turn: another runner goes on later. It counts as one who
// has left before the lock is let go: nobody relies on it. _locked, unlocks;
// true: it has left.
static bool leave_turn(runner *own, wr_ticket *kept_one) {
    wr_threads *threads = own->threads;
    if (kept_one != NULL)
        push(threads, kept_one, true);
    threads->running--;
    int index = best_index(threads);
    vehicle *v = wanted(threads, index);
    bool stays = v == NULL && !enough(threads, index);
    if (stays)
        threads->running++;
    else
        wr_job_lost(own->self);
    tell_full(threads);
    wr_mutex_unlock(&threads->lock);
    own->count = 0;
    own->begin_ns = wr_now_ns();
    if (stays)
        return false;
    if (v == NULL || submit_runner(v) == 0)
        return true;
    own->stopped = true;
    wr_mutex_lock(&threads->lock);
    threads->running++;
    tell_full(threads);
    wr_mutex_unlock(&threads->lock);
    return false;
}

// Looks, without the lock, whether something comes at once: what would be found
// by another runner otherwise, at the price of a job. Not while the pool has
// other work.
static void linger(const runner *own) {
    const wr_threads *threads = own->threads;
    uint32_t pushes = wr_pool_pushes(threads->pool);
    for (int i = 0; i < LINGER_STEPS; i++) {
        if (wr_load(&threads->waiting, relaxed, ALONE, "a hint") != 0 ||
            wr_load(&threads->arrived, relaxed, ALONE, "a hint") != 0 ||
            wr_pool_pushes(threads->pool) != pushes)
            return;
        wr_spin_pause();
    }
}

// Returns the next ticket, or NULL: the runner has left, and the endpoint may
// be gone.
static wr_ticket *next(runner *own) {
    wr_threads *threads = own->threads;
    wr_ticket *ticket = own->next;
    own->next = NULL;
    own->count++;
    own->stopped = own->stopped || wr_pool_ending(threads->pool);
    bool over = !own->stopped && turn_is_over(own);
    if (ticket != NULL && !over)
        return ticket;
    if (ticket == NULL && !over && !own->stopped)
        linger(own);
    wr_mutex_lock(&threads->lock);
    if (over)
        gather(threads);
    if (over && (ticket != NULL || wr_load(&threads->waiting, relaxed, ALONE,
                                           "under the lock") != 0)) {
        if (leave_turn(own, ticket))
            return NULL;
        ticket = NULL;
        wr_mutex_lock(&threads->lock);
    }
    if (own->stopped || threads->running <= (int)threads->width) {
        ticket = pop_or_leave(threads);
    } else {
        threads->running--; // width look there without it
    }
    if (ticket == NULL)
        wr_job_lost(own->self);
    wr_mutex_unlock(&threads->lock);
    return ticket;
}

// The first of a runner that has begun, or NULL: it has left.
static wr_ticket *begin(weir_worker *self, vehicle *v) {
    wr_threads *threads = v->threads;
    wr_mutex_lock(&threads->lock);
    threads->queued[v->index]--;
    spare(v);
    threads->running++;
    tell_full(threads);
    wr_ticket *ticket = pop_or_leave(threads);
    if (ticket == NULL && self != NULL)
        wr_job_lost(self);
    wr_mutex_unlock(&threads->lock);
    return ticket;
}

static int run(weir_worker *self, weir_job *job) {
    vehicle *v = wr_container_of(job, vehicle, job);
    runner own = {.base = {.lent = lent, .back = back},
                  .self = self,
                  .threads = v->threads,
                  .begin_ns = wr_job_began(self)};
    own.stopped = wr_pool_ending(own.threads->pool);
    wr_job_part(self, own.threads->graph);
    wr_relay_enter(self, &own.base);
    wr_ticket *ticket = begin(self, v);
    for (; ticket != NULL; ticket = next(&own))
        run_one(&own, ticket);
    wr_relay_leave(self);
    return 0;
}

// The pool is being stopped: all that is ready ends so.
static void done_unrun(weir_job *job, int status) {
    vehicle *v = wr_container_of(job, vehicle, job);
    wr_threads *threads = v->threads;
    wr_job_owned(weir_worker_self(), threads->graph);
    wr_ticket *ticket = begin(NULL, v);
    while (ticket != NULL) {
        wr_ticket_unrun(ticket, status);
        wr_mutex_lock(&threads->lock);
        ticket = pop_or_leave(threads);
        wr_mutex_unlock(&threads->lock);
    }
}
