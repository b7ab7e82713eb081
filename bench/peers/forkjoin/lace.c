// SPDX-License-Identifier: MIT
// Lace, whose fork and join are the cheapest. It has no loops, no sort, and one
// pool in a process. Its checkout is wherever LACE says: see build.sh.
#include "forkjoin.h"

#include <lace.h>

// What a worker has in its deque at once, at most.
enum { DEQUE = 100000 };

static void start(unsigned workers, unsigned pools) {
    if (pools != 1)
        fj_fail("Lace has one pool", pools);
    lace_start(workers, DEQUE);
}

static void stop(void) { lace_stop(); }

VOID_TASK_2(call, fj_inside_function *, function, void *, context) {
    function(__lace_worker, context);
}

static void inside(unsigned pool, fj_inside_function *function, void *context) {
    (void)pool;
    RUN(call, function, context);
}

TASK_1(uint64_t, fib_of, unsigned, n) {
    if (n < 2)
        return n;
    SPAWN(fib_of, n - 1);
    uint64_t right = CALL(fib_of, n - 2);
    return SYNC(fib_of) + right;
}

static uint64_t fib(void *self, unsigned n) {
    (void)self;
    return RUN(fib_of, n);
}

TASK_2(uint64_t, sky_of, uint64_t, first, uint64_t, size) {
    if (size == 1)
        return fj_number(first);
    size /= FJ_BRANCHES;
    for (unsigned i = 0; i < FJ_BRANCHES - 1; i++)
        SPAWN(sky_of, first + i * size, size);
    uint64_t sum = CALL(sky_of, first + (FJ_BRANCHES - 1) * size, size);
    for (unsigned i = 0; i < FJ_BRANCHES - 1; i++)
        sum += SYNC(sky_of);
    return sum;
}

static uint64_t skynet(void *self, uint64_t first, uint64_t size) {
    (void)self;
    return RUN(sky_of, first, size);
}

TASK_3(uint64_t, queens_of, const fj_board *, board, unsigned, row, unsigned,
       n) {
    if (row == n)
        return 1;
    fj_board next[FJ_QUEENS_MAX];
    unsigned count = 0;
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!fj_queen_fits(board, row, i))
            continue;
        next[count] = *board;
        next[count].column[row] = (unsigned char)i;
        SPAWN(queens_of, &next[count], row + 1, n);
        count++;
    }
    while (count-- > 0)
        sum += SYNC(queens_of);
    return sum;
}

static uint64_t nqueens(void *self, unsigned n) {
    fj_board empty = {{0}};
    (void)self;
    return RUN(queens_of, &empty, 0, n);
}

TASK_3(uint64_t, uts_of, const fj_node *, parent, unsigned, index, unsigned,
       depth) {
    fj_node node;
    uint64_t sum = 1;
    if (depth == 0)
        fj_uts_root(&node);
    else
        fj_uts_child(&node, parent, index);
    unsigned count = fj_uts_count(&node, depth);
    for (unsigned i = 0; i < count; i++)
        SPAWN(uts_of, &node, i, depth + 1);
    for (unsigned i = 0; i < count; i++)
        sum += SYNC(uts_of);
    return sum;
}

static uint64_t uts(void *self) {
    (void)self;
    return RUN(uts_of, NULL, 0, 0);
}

VOID_TASK_5(matmul_of, float *, c, const float *, a, const float *, b, size_t,
            size, size_t, n) {
    if (size == FJ_LEAF) {
        fj_leaf(c, a, b, n);
        return;
    }
    size_t half = size / 2;
    for (size_t k = 0; k < size; k += half) {
        for (unsigned q = 0; q < 4; q++) {
            size_t i = q / 2 * half, j = q % 2 * half;
            SPAWN(matmul_of, c + i * n + j, a + i * n + k, b + k * n + j, half,
                  n);
        }
        for (unsigned q = 0; q < 4; q++)
            SYNC(matmul_of);
    }
}

static void matmul(void *self, float *c, const float *a, const float *b,
                   size_t n) {
    (void)self;
    RUN(matmul_of, c, a, b, n, n);
}

const fj_form fj_forms[] = {
    {.name = "spawn",
     .start = start,
     .stop = stop,
     .inside = inside,
     .fib = fib,
     .skynet = skynet,
     .nqueens = nqueens,
     .uts = uts,
     .matmul = matmul},
    {.name = NULL},
};
