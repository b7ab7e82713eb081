// SPDX-License-Identifier: MIT
// What bench/forkjoin*.c and peers/forkjoin/* share. Each program is
// forkjoin_main.c, which measures and checks, forkjoin_work.c, which is the
// work below the forks, and one contestant with its forms: tables of functions.
#ifndef BENCH_FORKJOIN_H
#define BENCH_FORKJOIN_H

#include <stddef.h>
#include <stdint.h>

enum {
    FJ_BRANCHES = 10,      // of skynet
    FJ_QUEENS_MAX = 16,    // rows of a board
    FJ_UTS_CHILDREN = 101, // room for the 100 that a node has at most
    FJ_LEAF = 64,          // a side of the matrix that is not split
};

typedef void fj_inside_function(void *self, void *context);

// A form of a contestant; what is NULL it cannot do. `self` is whatever inside
// gave to the function.
typedef struct fj_form {
    const char *name; // the form's; NULL ends the table
    void (*start)(unsigned workers, unsigned pools);
    void (*stop)(void);
    // Calls function(self, context) on a worker of that pool and returns when
    // it has ended. Two threads may be in here, with a pool each.
    void (*inside)(unsigned pool, fj_inside_function *function, void *context);
    uint64_t (*fib)(void *self, unsigned n);
    // The sum of the numbers from first to first + size - 1.
    uint64_t (*skynet)(void *self, uint64_t first, uint64_t size);
    uint64_t (*nqueens)(void *self, unsigned n); // how many solutions
    uint64_t (*uts)(void *self);                 // how many nodes
    // c = a * b, n by n, row by row; c is zero before.
    void (*matmul)(void *self, float *c, const float *a, const float *b,
                   size_t n);
    void (*loop)(void *self, uint32_t *a, size_t n); // a[i] = a[i] * 3 + 1
    void (*sort)(void *self, uint32_t *a, size_t n);
    void (*strings)(void *self, const char **a, size_t n); // by strcmp
} fj_form;

extern const fj_form fj_forms[];

// ---- the work --------------------------------------------------------------

// fj_number is a leaf of skynet: what the compiler cannot sum up without going
// there.
static inline uint64_t fj_number(uint64_t number) {
    __asm__ volatile("" : "+r"(number));
    return number;
}

// A board is a column for each of its rows so far.
typedef struct fj_board {
    unsigned char column[FJ_QUEENS_MAX];
} fj_board;

// fj_queen_fits: may a queen stand in this column of row `row`? Inline, for it
// is as little as a fork.
static inline int fj_queen_fits(const fj_board *board, unsigned row,
                                unsigned column) {
    for (unsigned i = 0; i < row; i++) {
        int apart = (int)column - (int)board->column[i];
        int rows = (int)(row - i);
        if (apart == 0 || apart == rows || apart == -rows)
            return 0;
    }
    return 1;
}

// A node of the unbalanced tree: SHA-1's state.
typedef struct fj_node {
    uint32_t word[5];
} fj_node;

// fj_uts_root and fj_uts_child make a node; fj_uts_count says how many children
// it has. Tree T1 of the benchmark's authors: geometric, four children on
// average down to depth 10, root 19: 4130071 nodes.
void fj_uts_root(fj_node *node);
void fj_uts_child(fj_node *child, const fj_node *parent, unsigned index);
unsigned fj_uts_count(const fj_node *node, unsigned depth);

// fj_leaf does c += a * b for FJ_LEAF by FJ_LEAF of a matrix n wide.
void fj_leaf(float *c, const float *a, const float *b, size_t n);

// fj_triple does [from, to) of the loop.
void fj_triple(uint32_t *a, size_t from, size_t to);

// fj_fail ends the program with a line.
void fj_fail(const char *what, long long got);
void *fj_memory(size_t bytes); // zeroed, aligned to 64
#endif
