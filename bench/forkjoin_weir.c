// SPDX-License-Identifier: MIT
// weir's fork and join ("fork"), and its loops; and the recursions that ask
// whether a fork is wanted and otherwise are plain ones ("wanted").
#include "forkjoin_weir.h"

#include "weir/parallel.h"

// What both forms do alike, each with a fork function of its own, which the
// compiler must see to call it directly.
#define EACH static inline __attribute__((always_inline)) uint64_t

// ---- fib -------------------------------------------------------------------

typedef struct fib_fork {
    weir_fork fork;
    unsigned n;
    uint64_t result;
} fib_fork;

static uint64_t fib_of(weir_worker *self, unsigned n);

static void fib_run(weir_worker *self, weir_fork *fork) {
    fib_fork *f = (fib_fork *)(void *)fork;
    f->result = fib_of(self, f->n);
}

static uint64_t fib_of(weir_worker *self, unsigned n) {
    if (n < 2)
        return n;
    fib_fork left;
    left.n = n - 1;
    weir_fork_begin(self, &left.fork, fib_run);
    uint64_t right = fib_of(self, n - 2);
    weir_fork_join(self, &left.fork, fib_run);
    return left.result + right;
}

static uint64_t fib(void *self, unsigned n) { return fib_of(self, n); }

// ---- skynet ----------------------------------------------------------------

typedef struct sky_fork {
    weir_fork fork;
    uint64_t first, size, result;
} sky_fork;

static uint64_t sky_of(weir_worker *self, uint64_t first, uint64_t size);

static void sky_run(weir_worker *self, weir_fork *fork) {
    sky_fork *f = (sky_fork *)(void *)fork;
    f->result = sky_of(self, f->first, f->size);
}

// The branches of `size` leaves each; the last is `go`'s.
EACH sky_each(weir_worker *self, uint64_t first, uint64_t size,
              weir_fork_function *run,
              uint64_t (*go)(weir_worker *self, uint64_t first,
                             uint64_t size)) {
    sky_fork part[FJ_BRANCHES - 1];
    for (unsigned i = 0; i < FJ_BRANCHES - 1; i++) {
        part[i].first = first + i * size;
        part[i].size = size;
        weir_fork_begin(self, &part[i].fork, run);
    }
    uint64_t sum = go(self, first + (FJ_BRANCHES - 1) * size, size);
    for (unsigned i = FJ_BRANCHES - 1; i-- > 0;) {
        weir_fork_join(self, &part[i].fork, run);
        sum += part[i].result;
    }
    return sum;
}

static uint64_t sky_of(weir_worker *self, uint64_t first, uint64_t size) {
    if (size == 1)
        return fj_number(first);
    return sky_each(self, first, size / FJ_BRANCHES, sky_run, sky_of);
}

static uint64_t skynet(void *self, uint64_t first, uint64_t size) {
    return sky_of(self, first, size);
}

// ---- nqueens ---------------------------------------------------------------

typedef struct queens_fork {
    weir_fork fork;
    fj_board board;
    unsigned row, n;
    uint64_t result;
} queens_fork;

static uint64_t queens_of(weir_worker *self, const fj_board *board,
                          unsigned row, unsigned n);

static void queens_run(weir_worker *self, weir_fork *fork) {
    queens_fork *f = (queens_fork *)(void *)fork;
    f->result = queens_of(self, &f->board, f->row, f->n);
}

EACH queens_each(weir_worker *self, const fj_board *board, unsigned row,
                 unsigned n, weir_fork_function *run) {
    queens_fork part[FJ_QUEENS_MAX];
    unsigned count = 0;
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!fj_queen_fits(board, row, i))
            continue;
        queens_fork *next = &part[count++];
        next->board = *board;
        next->board.column[row] = (unsigned char)i;
        next->row = row + 1;
        next->n = n;
        weir_fork_begin(self, &next->fork, run);
    }
    while (count-- > 0) {
        weir_fork_join(self, &part[count].fork, run);
        sum += part[count].result;
    }
    return sum;
}

static uint64_t queens_of(weir_worker *self, const fj_board *board,
                          unsigned row, unsigned n) {
    return row == n ? 1 : queens_each(self, board, row, n, queens_run);
}

static uint64_t nqueens(void *self, unsigned n) {
    fj_board empty = {{0}};
    return queens_of(self, &empty, 0, n);
}

// ---- uts -------------------------------------------------------------------

typedef struct uts_fork {
    weir_fork fork;
    const fj_node *parent;
    unsigned index, depth;
    uint64_t result;
} uts_fork;

static uint64_t uts_of(weir_worker *self, const fj_node *node, unsigned depth);

static void uts_run(weir_worker *self, weir_fork *fork) {
    uts_fork *f = (uts_fork *)(void *)fork;
    fj_node node;
    fj_uts_child(&node, f->parent, f->index);
    f->result = uts_of(self, &node, f->depth);
}

EACH uts_each(weir_worker *self, const fj_node *node, unsigned depth,
              weir_fork_function *run) {
    uts_fork part[FJ_UTS_CHILDREN];
    unsigned count = fj_uts_count(node, depth);
    uint64_t sum = 1;
    for (unsigned i = 0; i < count; i++) {
        part[i].parent = node;
        part[i].index = i;
        part[i].depth = depth + 1;
        weir_fork_begin(self, &part[i].fork, run);
    }
    while (count-- > 0) {
        weir_fork_join(self, &part[count].fork, run);
        sum += part[count].result;
    }
    return sum;
}

static uint64_t uts_of(weir_worker *self, const fj_node *node, unsigned depth) {
    return uts_each(self, node, depth, uts_run);
}

static uint64_t uts(void *self) {
    fj_node root;
    fj_uts_root(&root);
    return uts_of(self, &root, 0);
}

// ---- matmul ----------------------------------------------------------------

typedef struct matmul_fork {
    weir_fork fork;
    float *c;
    const float *a, *b;
    size_t size, n;
} matmul_fork;

static void matmul_of(weir_worker *self, const matmul_fork *m);

static void matmul_run(weir_worker *self, weir_fork *fork) {
    matmul_of(self, (matmul_fork *)(void *)fork);
}

// The four quarters of c at once, twice.
static void matmul_of(weir_worker *self, const matmul_fork *m) {
    size_t n = m->n, half = m->size / 2;
    matmul_fork part[4];
    if (m->size == FJ_LEAF) {
        fj_leaf(m->c, m->a, m->b, n);
        return;
    }
    for (size_t k = 0; k < m->size; k += half) {
        for (unsigned q = 0; q < 4; q++) {
            size_t i = q / 2 * half, j = q % 2 * half;
            part[q].c = m->c + i * n + j;
            part[q].a = m->a + i * n + k;
            part[q].b = m->b + k * n + j;
            part[q].size = half;
            part[q].n = n;
            weir_fork_begin(self, &part[q].fork, matmul_run);
        }
        for (unsigned q = 4; q-- > 0;)
            weir_fork_join(self, &part[q].fork, matmul_run);
    }
}

static void matmul(void *self, float *c, const float *a, const float *b,
                   size_t n) {
    matmul_fork all;
    all.c = c;
    all.a = a;
    all.b = b;
    all.size = all.n = n;
    matmul_of(self, &all);
}

// ---- loops -----------------------------------------------------------------

static int triple(weir_worker *self, void *context, size_t from, size_t to) {
    uint32_t *a = context;
    (void)self;
    for (size_t i = from; i < to; i++)
        a[i] = a[i] * 3 + 1;
    return 0;
}

static void loop(void *self, uint32_t *a, size_t n) {
    int status = weir_parallel_for(self, 0, n, triple, a);
    if (status != 0)
        fj_fail("weir_parallel_for", status);
}

// ---- only where a fork is wanted -------------------------------------------

static uint64_t fib_ask(weir_worker *self, unsigned n);

static void fib_ask_run(weir_worker *self, weir_fork *fork) {
    fib_fork *f = (fib_fork *)(void *)fork;
    f->result = fib_ask(self, f->n);
}

// Apart, so that the plain way needs no room for a fork and can be inlined.
__attribute__((noinline)) static uint64_t fib_forks(weir_worker *self,
                                                    unsigned n) {
    fib_fork left;
    left.n = n - 1;
    weir_fork_begin(self, &left.fork, fib_ask_run);
    uint64_t right = fib_ask(self, n - 2);
    weir_fork_join(self, &left.fork, fib_ask_run);
    return left.result + right;
}

static uint64_t fib_ask(weir_worker *self, unsigned n) {
    if (n < 2)
        return n;
    if (weir_fork_wanted(self))
        return fib_forks(self, n);
    return fib_ask(self, n - 1) + fib_ask(self, n - 2);
}

static uint64_t fib_wanted(void *self, unsigned n) { return fib_ask(self, n); }

static uint64_t sky_ask(weir_worker *self, uint64_t first, uint64_t size);

static void sky_ask_run(weir_worker *self, weir_fork *fork) {
    sky_fork *f = (sky_fork *)(void *)fork;
    f->result = sky_ask(self, f->first, f->size);
}

__attribute__((noinline)) static uint64_t
sky_forks(weir_worker *self, uint64_t first, uint64_t size) {
    return sky_each(self, first, size, sky_ask_run, sky_ask);
}

static uint64_t sky_ask(weir_worker *self, uint64_t first, uint64_t size) {
    uint64_t sum = 0;
    if (size == 1)
        return fj_number(first);
    if (weir_fork_wanted(self))
        return sky_forks(self, first, size / FJ_BRANCHES);
    size /= FJ_BRANCHES;
    for (unsigned i = 0; i < FJ_BRANCHES; i++)
        sum += sky_ask(self, first + i * size, size);
    return sum;
}

static uint64_t sky_wanted(void *self, uint64_t first, uint64_t size) {
    return sky_ask(self, first, size);
}

static uint64_t queens_ask(weir_worker *self, const fj_board *board,
                           unsigned row, unsigned n);

static void queens_ask_run(weir_worker *self, weir_fork *fork) {
    queens_fork *f = (queens_fork *)(void *)fork;
    f->result = queens_ask(self, &f->board, f->row, f->n);
}

__attribute__((noinline)) static uint64_t queens_forks(weir_worker *self,
                                                       const fj_board *board,
                                                       unsigned row,
                                                       unsigned n) {
    return queens_each(self, board, row, n, queens_ask_run);
}

static uint64_t queens_ask(weir_worker *self, const fj_board *board,
                           unsigned row, unsigned n) {
    uint64_t sum = 0;
    if (row == n)
        return 1;
    if (weir_fork_wanted(self))
        return queens_forks(self, board, row, n);
    for (unsigned i = 0; i < n; i++) {
        if (!fj_queen_fits(board, row, i))
            continue;
        fj_board next = *board;
        next.column[row] = (unsigned char)i;
        sum += queens_ask(self, &next, row + 1, n);
    }
    return sum;
}

static uint64_t queens_wanted(void *self, unsigned n) {
    fj_board empty = {{0}};
    return queens_ask(self, &empty, 0, n);
}

static uint64_t uts_ask(weir_worker *self, const fj_node *node, unsigned depth);

static void uts_ask_run(weir_worker *self, weir_fork *fork) {
    uts_fork *f = (uts_fork *)(void *)fork;
    fj_node node;
    fj_uts_child(&node, f->parent, f->index);
    f->result = uts_ask(self, &node, f->depth);
}

__attribute__((noinline)) static uint64_t
uts_forks(weir_worker *self, const fj_node *node, unsigned depth) {
    return uts_each(self, node, depth, uts_ask_run);
}

static uint64_t uts_ask(weir_worker *self, const fj_node *node,
                        unsigned depth) {
    if (weir_fork_wanted(self))
        return uts_forks(self, node, depth);
    uint64_t sum = 1;
    unsigned count = fj_uts_count(node, depth);
    for (unsigned i = 0; i < count; i++) {
        fj_node child;
        fj_uts_child(&child, node, i);
        sum += uts_ask(self, &child, depth + 1);
    }
    return sum;
}

static uint64_t uts_wanted(void *self) {
    fj_node root;
    fj_uts_root(&root);
    return uts_ask(self, &root, 0);
}

const fj_form fj_forms[] = {
    {.name = "fork",
     FJ_WEIR_BASE,
     .fib = fib,
     .skynet = skynet,
     .nqueens = nqueens,
     .uts = uts,
     .matmul = matmul,
     .loop = loop},
    {.name = "wanted",
     FJ_WEIR_BASE,
     .fib = fib_wanted,
     .skynet = sky_wanted,
     .nqueens = queens_wanted,
     .uts = uts_wanted},
    {.name = NULL},
};
