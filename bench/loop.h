// SPDX-License-Identifier: MIT
// The seam of bench/loop.c: the same cases on any event loop with any pool.
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stddef.h>
#include <stdint.h>

// One offload. It stands first in the form's own struct of task_size bytes,
// which is zeroed before the first use.
typedef struct task task;
struct task {
    void (*run)(task *t);  // on a worker, by the form
    void (*done)(task *t); // on the loop, by the form
    int64_t submitted;     // of the clock, set by the cases
    int64_t started;
    int64_t ended;
    int64_t for_ns;
};

// An event loop and the pool beside it. One at a time, opened once a process.
typedef struct form {
    const char *name;
    size_t task_size;
    void (*open)(unsigned threads); // 0: as many as it comes with
    void (*submit)(task *t);
    void (*submit_all)(task *first, size_t count); // in an array; or NULL
    void (*watch)(int fd, void (*readable)(void)); // one, until close
    void (*run)(void);                             // until stop
    void (*stop)(void);
    void (*close)(void); // nothing is in flight
} form;

// Of this program; NULL ends them.
extern const form *const forms[];

_Noreturn void bench_fail(const char *what, long long got);

static inline void bench_ok(const char *what, long long error) {
    if (error != 0)
        bench_fail(what, error);
}

// Of peers/uv.c: the loop itself, for whoever brings another pool.
void bench_uv_open(void);
void *bench_uv_loop(void); // the uv_loop_t
void bench_uv_watch(int fd, void (*readable)(void));
void bench_uv_run(void);
void bench_uv_stop(void);
void bench_uv_close(void);
extern const form bench_form_libuv;

extern const form bench_form_floor; // of loop_floor.c

#endif // BENCH_LOOP_H
