// SPDX-License-Identifier: MIT
// The endpoint "workers of a pool": a ticket is a job, a group is a gang of
// jobs (src/pool/gang.c). README.md, "Threads".
//
// A ticket's memory is the graph's again, and may be another task's, as soon as
// wr_ticket_ended is called or wr_ticket_claim says no: while its job still
// runs. So the job parts from the pool first thing in run.
#include "graph/threads.h"
#include "base/check.h"
#include "pool/gang.h"

#include <errno.h>

static wr_ticket *ticket_of(weir_job *job) {
    return wr_container_of(job, wr_ticket, job);
}

void wr_ticket_run(weir_worker *self, const wr_threads *threads,
                   wr_ticket *ticket, wr_call *call, wr_ending *ending) {
    call->call = (weir_kernel_call){
        .arguments = ticket->arguments,
        .arguments_size = ticket->arguments_size,
        .data = ticket->data,
        .data_count = ticket->data_count,
        .member = ticket->member,
        .members = ticket->members,
        .worker = weir_worker_index(self),
        .number = ticket->number,
        .self = self,
        .graph = ticket->graph,
    };
    call->told = &ticket->told;
    call->ticket = ticket;
    *ending = (wr_ending){.exit_status = -1, .worker = call->call.worker};
    wr_job_runs(self, ticket);
    if (threads->timed)
        ending->begin_ns = wr_now_ns();
    ending->status = wr_call_run(call, ticket->kernel->run);
    if (threads->timed)
        ending->end_ns = wr_now_ns();
    ending->reason = call->reason;
    wr_job_runs(self, NULL);
}

static int run_claimed(weir_worker *self, wr_ticket *ticket) {
    wr_call call;
    wr_ending ending;
    wr_ticket_run(self, ticket->place, ticket, &call, &ending);
    wr_job_over(self);
    wr_ticket_ended(ticket, &ending);
    return ending.status;
}

static int run_single(weir_worker *self, weir_job *job) {
    wr_ticket *ticket = ticket_of(job);
    wr_job_part(self, ticket->graph);
    if (!wr_ticket_claim(ticket)) {
        wr_job_lost(self);
        return -ECANCELED;
    }
    return run_claimed(self, ticket);
}

// ---- groups ----------------------------------------------------------------

static bool claim_group(weir_job *first) {
    return wr_ticket_claim(ticket_of(first));
}

static int run_member(weir_worker *self, weir_job *job) {
    wr_ticket *ticket = ticket_of(job);
    wr_job_part(self, ticket->graph);
    return run_claimed(self, ticket);
}

// ---- without running -------------------------------------------------------

// The pool is being stopped. A job that ran has parted: its done is not called.
static void done_unrun(weir_job *job, int status) {
    wr_ticket *ticket = ticket_of(job);
    wr_job_owned(weir_worker_self(), ticket->graph);
    // Nobody was told of a cancel, for nobody claims: `told` of the first
    // counts the members that have come here.
    wr_ticket *first = ticket - ticket->member;
    uint32_t members = ticket->members;
    if (members > 1 && wr_fetch_add(&first->told, 1, acq_rel, TASK_2,
                                    "the pool has done with all their jobs") +
                               1 <
                           members)
        return;
    wr_ticket_unrun(first, status);
}

// ---- the endpoint ----------------------------------------------------------

static wr_threads *threads_of(wr_endpoint *endpoint) {
    return wr_container_of(endpoint, wr_threads, endpoint);
}

static int check(wr_endpoint *endpoint, wr_ticket *ticket) {
    ticket->kernel_at = 0;
    if (ticket->kernel->run == NULL || ticket->timeout_ns != 0)
        return -EINVAL;
    if (ticket->members > weir_pool_width(threads_of(endpoint)->pool))
        return -E2BIG;
    return 0;
}

static bool reaches(wr_endpoint *endpoint, const void *memory, size_t bytes) {
    (void)endpoint;
    (void)memory;
    (void)bytes;
    return true;
}

void wr_ticket_job(wr_ticket *ticket,
                   int (*run)(weir_worker *self, weir_job *job),
                   void (*done)(weir_job *job, int status)) {
    ticket->job = (weir_job)WEIR_JOB_INIT(run, done);
    ticket->job.name = ticket->kernel->name;
    ticket->job.priority = ticket->priority;
}

static int submit(wr_endpoint *endpoint, wr_ticket *tickets, uint32_t count) {
    wr_threads *threads = threads_of(endpoint);
    for (uint32_t i = 0; i < count; i++) {
        tickets[i].place = threads;
        wr_store(&tickets[i].told, 0, relaxed, ALONE,
                 "the pool hands it to who runs it");
    }
    if (count == 1 && threads->vehicles != NULL && wr_pool_plain(threads->pool))
        return wr_threads_push(threads, tickets);
    for (uint32_t i = 0; i < count; i++)
        wr_ticket_job(&tickets[i], count == 1 ? run_single : run_member,
                      done_unrun);
    if (count == 1)
        return wr_job_continue(threads->pool, &tickets->job);
    return wr_gang_submit(threads->pool, &tickets->job, sizeof(*tickets), count,
                          claim_group);
}

// What was claimed begins at once.
static void tell(wr_endpoint *endpoint, wr_ticket *ticket, bool begun) {
    (void)endpoint;
    if (!begun)
        return;
    wr_store(&ticket->told, 1, relaxed, ALONE,
             "a hint to stop; nothing hangs on its order");
}

static const wr_endpoint_ops threads_ops = {
    .check = check,
    .reaches = reaches,
    .submit = submit,
    .tell = tell,
};

void wr_threads_init(wr_threads *out, weir_pool *pool, weir_graph *graph) {
    *out = (wr_threads){.endpoint = {&threads_ops},
                        .pool = pool,
                        .graph = graph,
                        .timed = true,
                        .width = weir_pool_width(pool)};
    wr_threads_ready_init(out);
}

wr_ticket *wr_threads_running(weir_worker *self, const weir_graph *graph) {
    return wr_job_running(self, graph);
}

// Jobs that have ended their tickets may still be returning, and whoever looks
// at the pool reads their names, which are lent as long as the graph lives.
void wr_threads_fini(wr_threads *threads) {
    wr_threads_ready_fini(threads);
    wr_jobs_unname(threads->pool, threads->graph);
}
