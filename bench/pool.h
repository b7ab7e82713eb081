// SPDX-License-Identifier: MIT
// The seam of bench/pool.c: the same cases on any pool. peers/pool/lib.rs
// has the same structs.
#ifndef BENCH_POOL_H
#define BENCH_POOL_H

#include <stddef.h>
#include <stdint.h>

// One job. It stands first in the form's own struct of task_size bytes, which
// is zeroed before the first use.
typedef struct task task;
struct task {
    void (*run)(task *t);  // on a worker, by the form
    void (*done)(task *t); // or NULL; after run: it may be submitted again
    int64_t started;       // of the clock
    uint64_t ran;          // how often
};

// A pool.
typedef struct form {
    const char *name;
    size_t task_size;
    uint32_t outside; // 1: submit may be called on any thread, workers too;
                      // 0: only by the thread that opened it
    uint32_t stops;   // 1: close ends the threads
    void *(*open)(unsigned workers);
    // Before the clock: this array will be submitted; or NULL.
    void (*prepare)(void *pool, task *first, size_t count);
    void (*submit)(void *pool, task *t);
    // All of an array, in what the form has for many; or NULL.
    void (*submit_all)(void *pool, task *first, size_t count);
    // Returns when all that was submitted has ended; or NULL.
    void (*finish)(void *pool);
    // On a worker: there->run(there) may go to another worker while
    // here->run(here) goes on on this one. Returns when both are over. Or NULL.
    void (*both)(task *here, task *there);
    void (*close)(void *pool); // nothing is in flight
} form;

// Of this program.
extern const form bench_form;

// A line, and status 1.
void bench_fail(const char *what, long long got);

#endif // BENCH_POOL_H
