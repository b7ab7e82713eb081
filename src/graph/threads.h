// SPDX-License-Identifier: MIT
// What the files of the endpoint "workers of a pool" call of each other.
#ifndef WR_GRAPH_THREADS_H
#define WR_GRAPH_THREADS_H

#include "graph/endpoint.h"

// wr_ticket_run runs a claimed ticket's kernel: what came of it is in `call`,
// for its reason, and in `ending`. The worker.
void wr_ticket_run(weir_worker *self, const wr_threads *threads,
                   wr_ticket *ticket, wr_call *call, wr_ending *ending);
// wr_ticket_job fills in the ticket's job.
void wr_ticket_job(wr_ticket *ticket,
                   int (*run)(weir_worker *self, weir_job *job),
                   void (*done)(weir_job *job, int status));

// runner.c: singles, where nobody looks at each job. Errors: -ESHUTDOWN,
// -ECHILD.
void wr_threads_ready_init(wr_threads *threads);
void wr_threads_ready_fini(wr_threads *threads); // waits for runners to leave
int wr_threads_push(wr_threads *threads, wr_ticket *ticket);

#endif
