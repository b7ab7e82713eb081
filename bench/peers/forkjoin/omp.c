// SPDX-License-Identifier: MIT
// OpenMP: tasks ("tasks") and loops ("static"). Built with gcc for libgomp and
// with clang for libomp. It has no pools and no sort.
#include "forkjoin.h"

#include <omp.h>

static int team;

static void start(unsigned workers, unsigned pools) {
    (void)pools;
    team = (int)workers;
}

static void stop(void) {}

static void inside_tasks(unsigned pool, fj_inside_function *function,
                         void *context) {
    (void)pool;
#pragma omp parallel num_threads(team)
#pragma omp single
    function(NULL, context);
}

static void inside_loops(unsigned pool, fj_inside_function *function,
                         void *context) {
    (void)pool;
    function(NULL, context);
}

// ---- tasks -----------------------------------------------------------------

static uint64_t fib_of(unsigned n) {
    uint64_t left, right;
    if (n < 2)
        return n;
#pragma omp task shared(left)
    left = fib_of(n - 1);
    right = fib_of(n - 2);
#pragma omp taskwait
    return left + right;
}

static uint64_t fib(void *self, unsigned n) {
    (void)self;
    return fib_of(n);
}

static uint64_t sky_of(uint64_t first, uint64_t size) {
    uint64_t part[FJ_BRANCHES], sum = 0;
    if (size == 1)
        return fj_number(first);
    size /= FJ_BRANCHES;
    for (unsigned i = 0; i < FJ_BRANCHES - 1; i++) {
#pragma omp task shared(part)
        part[i] = sky_of(first + i * size, size);
    }
    part[FJ_BRANCHES - 1] = sky_of(first + (FJ_BRANCHES - 1) * size, size);
#pragma omp taskwait
    for (unsigned i = 0; i < FJ_BRANCHES; i++)
        sum += part[i];
    return sum;
}

static uint64_t skynet(void *self, uint64_t first, uint64_t size) {
    (void)self;
    return sky_of(first, size);
}

static uint64_t queens_of(const fj_board *board, unsigned row, unsigned n) {
    uint64_t part[FJ_QUEENS_MAX], sum = 0;
    unsigned count = 0;
    if (row == n)
        return 1;
    for (unsigned i = 0; i < n; i++) {
        if (!fj_queen_fits(board, row, i))
            continue;
        fj_board next = *board;
        next.column[row] = (unsigned char)i;
        uint64_t *result = &part[count++];
#pragma omp task firstprivate(next, result)
        *result = queens_of(&next, row + 1, n);
    }
#pragma omp taskwait
    while (count-- > 0)
        sum += part[count];
    return sum;
}

static uint64_t nqueens(void *self, unsigned n) {
    fj_board empty = {{0}};
    (void)self;
    return queens_of(&empty, 0, n);
}

static uint64_t uts_of(const fj_node *node, unsigned depth) {
    uint64_t part[FJ_UTS_CHILDREN], sum = 1;
    unsigned count = fj_uts_count(node, depth);
    for (unsigned i = 0; i < count; i++) {
#pragma omp task shared(part)
        {
            fj_node child;
            fj_uts_child(&child, node, i);
            part[i] = uts_of(&child, depth + 1);
        }
    }
#pragma omp taskwait
    while (count-- > 0)
        sum += part[count];
    return sum;
}

static uint64_t uts(void *self) {
    fj_node root;
    (void)self;
    fj_uts_root(&root);
    return uts_of(&root, 0);
}

static void matmul_of(float *c, const float *a, const float *b, size_t size,
                      size_t n) {
    size_t half = size / 2;
    if (size == FJ_LEAF) {
        fj_leaf(c, a, b, n);
        return;
    }
    for (size_t k = 0; k < size; k += half) {
        for (unsigned q = 0; q < 4; q++) {
            size_t i = q / 2 * half, j = q % 2 * half;
#pragma omp task
            matmul_of(c + i * n + j, a + i * n + k, b + k * n + j, half, n);
        }
#pragma omp taskwait
    }
}

static void matmul(void *self, float *c, const float *a, const float *b,
                   size_t n) {
    (void)self;
    matmul_of(c, a, b, n, n);
}

// ---- loops -----------------------------------------------------------------

static void loop(void *self, uint32_t *a, size_t n) {
    (void)self;
#pragma omp parallel for num_threads(team) schedule(static)
    for (size_t i = 0; i < n; i++)
        a[i] = a[i] * 3 + 1;
}

const fj_form fj_forms[] = {
    {.name = "tasks",
     .start = start,
     .stop = stop,
     .inside = inside_tasks,
     .fib = fib,
     .skynet = skynet,
     .nqueens = nqueens,
     .uts = uts,
     .matmul = matmul},
    {.name = "static",
     .start = start,
     .stop = stop,
     .inside = inside_loops,
     .loop = loop},
    {.name = NULL},
};
