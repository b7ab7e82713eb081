// SPDX-License-Identifier: MIT
// OpenMP tasks as a form of bench/pool.c, by gcc's or clang's runtime. Nothing
// comes from outside a region, so there is only the batch: one of the workers
// makes all tasks.
#include "../../pool.h"

#include <stdlib.h>

static void *open_pool(unsigned workers) {
    unsigned *pool = malloc(sizeof(*pool));
    if (pool == NULL)
        bench_fail("no memory", 0);
    *pool = workers;
    return pool;
}

static void submit_all(void *pool, task *first, size_t count) {
    int workers = (int)*(unsigned *)pool;
#pragma omp parallel num_threads(workers)
#pragma omp single
    for (size_t i = 0; i < count; i++) {
        task *t = first + i;
#pragma omp task firstprivate(t)
        t->run(t);
    }
}

static void close_pool(void *pool) { free(pool); }

const form bench_form = {.name = "omp",
                         .task_size = sizeof(task),
                         .open = open_pool,
                         .submit_all = submit_all,
                         .close = close_pool};
