// SPDX-License-Identifier: MIT
// The same work without a runtime: as the compiler likes it ("inline"), with
// every call left a call ("noinline"), on two plain threads where the work has
// two obvious halves ("threads"; "spin": the second one spins for its half of a
// loop, which is the limit of such a machine), and sorts of one thread: the C
// library's by comparison, and by digits ("radix").
#include "forkjoin.h"

#include "base/atomic.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void start(unsigned workers, unsigned pools) {
    (void)workers;
    (void)pools;
}

static void stop(void) {}

static void inside(unsigned pool, fj_inside_function *function, void *context) {
    (void)pool;
    function(NULL, context);
}

// ---- as the compiler likes it ----------------------------------------------

static uint64_t fib_of(unsigned n) {
    return n < 2 ? n : fib_of(n - 1) + fib_of(n - 2);
}

static uint64_t fib(void *self, unsigned n) {
    (void)self;
    return fib_of(n);
}

static uint64_t sky_of(uint64_t first, uint64_t size) {
    if (size == 1)
        return fj_number(first);
    uint64_t sum = 0;
    size /= FJ_BRANCHES;
    for (unsigned i = 0; i < FJ_BRANCHES; i++)
        sum += sky_of(first + i * size, size);
    return sum;
}

static uint64_t skynet(void *self, uint64_t first, uint64_t size) {
    (void)self;
    return sky_of(first, size);
}

static uint64_t queens_of(const fj_board *board, unsigned row, unsigned n) {
    if (row == n)
        return 1;
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!fj_queen_fits(board, row, i))
            continue;
        fj_board next = *board;
        next.column[row] = (unsigned char)i;
        sum += queens_of(&next, row + 1, n);
    }
    return sum;
}

static uint64_t nqueens(void *self, unsigned n) {
    fj_board empty = {{0}};
    (void)self;
    return queens_of(&empty, 0, n);
}

static uint64_t uts_of(const fj_node *node, unsigned depth) {
    uint64_t sum = 1;
    unsigned count = fj_uts_count(node, depth);
    for (unsigned i = 0; i < count; i++) {
        fj_node child;
        fj_uts_child(&child, node, i);
        sum += uts_of(&child, depth + 1);
    }
    return sum;
}

static uint64_t uts(void *self) {
    fj_node root;
    (void)self;
    fj_uts_root(&root);
    return uts_of(&root, 0);
}

// size: of this part; n: of the whole.
static void matmul_of(float *c, const float *a, const float *b, size_t size,
                      size_t n) {
    if (size == FJ_LEAF) {
        fj_leaf(c, a, b, n);
        return;
    }
    size_t half = size / 2;
    for (size_t k = 0; k < size; k += half)
        for (size_t i = 0; i < size; i += half)
            for (size_t j = 0; j < size; j += half)
                matmul_of(c + i * n + j, a + i * n + k, b + k * n + j, half, n);
}

static void matmul(void *self, float *c, const float *a, const float *b,
                   size_t n) {
    (void)self;
    matmul_of(c, a, b, n, n);
}

static void loop(void *self, uint32_t *a, size_t n) {
    (void)self;
    for (size_t i = 0; i < n; i++)
        a[i] = a[i] * 3 + 1;
}

// ---- every call a call -----------------------------------------------------

#define CALL __attribute__((noinline)) static

CALL uint64_t fib_call(unsigned n) {
    return n < 2 ? n : fib_call(n - 1) + fib_call(n - 2);
}

static uint64_t fib_calls(void *self, unsigned n) {
    (void)self;
    return fib_call(n);
}

CALL uint64_t sky_call(uint64_t first, uint64_t size) {
    if (size == 1)
        return fj_number(first);
    uint64_t sum = 0;
    size /= FJ_BRANCHES;
    for (unsigned i = 0; i < FJ_BRANCHES; i++)
        sum += sky_call(first + i * size, size);
    return sum;
}

static uint64_t sky_calls(void *self, uint64_t first, uint64_t size) {
    (void)self;
    return sky_call(first, size);
}

CALL uint64_t queens_call(const fj_board *board, unsigned row, unsigned n) {
    if (row == n)
        return 1;
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!fj_queen_fits(board, row, i))
            continue;
        fj_board next = *board;
        next.column[row] = (unsigned char)i;
        sum += queens_call(&next, row + 1, n);
    }
    return sum;
}

static uint64_t queens_calls(void *self, unsigned n) {
    fj_board empty = {{0}};
    (void)self;
    return queens_call(&empty, 0, n);
}

// ---- two plain threads -----------------------------------------------------

typedef struct half {
    float *c;
    const float *a, *b;
    size_t n;
} half;

// The upper or the lower half of c, in the order of matmul_of.
static void *half_run(void *argument) {
    const half *h = argument;
    size_t size = h->n / 2;
    for (size_t k = 0; k < h->n; k += size)
        for (size_t j = 0; j < h->n; j += size)
            matmul_of(h->c + j, h->a + k, h->b + k * h->n + j, size, h->n);
    return NULL;
}

static void halves(void *self, float *c, const float *a, const float *b,
                   size_t n) {
    half upper = {c, a, b, n};
    half lower = {c + n * n / 2, a + n * n / 2, b, n};
    pthread_t thread;
    (void)self;
    if (pthread_create(&thread, NULL, half_run, &lower) != 0)
        fj_fail("pthread_create", 0);
    half_run(&upper);
    pthread_join(thread, NULL);
}

// A helper that spins for its half of a loop: what two threads can do at most.
static struct {
    wr_atomic_u32 asked;
    char apart[60];
    wr_atomic_u32 answered;
    char apart_too[60];
    uint32_t *half;
    size_t count; // 0: end
} helper;
static pthread_t helper_thread;

static void helper_wait(wr_atomic_u32 *word, uint32_t value) {
    while (wr_load(word, acquire, HELPER, "what came with it") != value)
        __builtin_ia32_pause();
}

static void helper_tell(wr_atomic_u32 *word, uint32_t value) {
    wr_store(word, value, release, HELPER, "what goes with it");
}

static void *helper_run(void *argument) {
    for (uint32_t turn = 1;; turn++) {
        helper_wait(&helper.asked, turn);
        if (helper.count == 0)
            return argument;
        loop(NULL, helper.half, helper.count);
        helper_tell(&helper.answered, turn);
    }
}

static uint32_t helper_turn;

static void helper_start(unsigned workers, unsigned pools) {
    (void)workers;
    (void)pools;
    if (pthread_create(&helper_thread, NULL, helper_run, NULL) != 0)
        fj_fail("pthread_create", 0);
}

static void helper_stop(void) {
    helper.count = 0;
    helper_tell(&helper.asked, ++helper_turn);
    pthread_join(helper_thread, NULL);
}

static void loop_halves(void *self, uint32_t *a, size_t n) {
    helper.half = a + n / 2;
    helper.count = n - n / 2;
    helper_tell(&helper.asked, ++helper_turn);
    loop(self, a, n / 2);
    helper_wait(&helper.answered, helper_turn);
}

// ---- sorts -----------------------------------------------------------------

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void sort(void *self, uint32_t *a, size_t n) {
    (void)self;
    qsort(a, n, sizeof(a[0]), by_value);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void strings(void *self, const char **a, size_t n) {
    (void)self;
    qsort(a, n, sizeof(a[0]), by_text);
}

enum { DIGIT = 256 };

// One digit of four, from one array into the other; all have been counted.
static void scatter(uint32_t *to, const uint32_t *from, size_t n, int shift,
                    const size_t count[DIGIT]) {
    size_t at[DIGIT], sum = 0;
    for (int i = 0; i < DIGIT; i++) {
        at[i] = sum;
        sum += count[i];
    }
    for (size_t i = 0; i < n; i++)
        to[at[from[i] >> shift & (DIGIT - 1)]++] = from[i];
}

static void radix(void *self, uint32_t *a, size_t n) {
    size_t count[4][DIGIT] = {{0}};
    uint32_t *other = malloc(n * sizeof(a[0]) + 1);
    (void)self;
    if (other == NULL)
        fj_fail("no memory", (long long)n);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 4; k++)
            count[k][a[i] >> 8 * k & (DIGIT - 1)]++;
    scatter(other, a, n, 0, count[0]);
    scatter(a, other, n, 8, count[1]);
    scatter(other, a, n, 16, count[2]);
    scatter(a, other, n, 24, count[3]);
    free(other);
}

#define BASE .start = start, .stop = stop, .inside = inside

const fj_form fj_forms[] = {
    {.name = "inline",
     BASE,
     .fib = fib,
     .skynet = skynet,
     .nqueens = nqueens,
     .uts = uts,
     .matmul = matmul,
     .loop = loop,
     .sort = sort,
     .strings = strings},
    {.name = "noinline",
     BASE,
     .fib = fib_calls,
     .skynet = sky_calls,
     .nqueens = queens_calls},
    {.name = "threads", BASE, .matmul = halves},
    {.name = "spin",
     .start = helper_start,
     .stop = helper_stop,
     .inside = inside,
     .loop = loop_halves},
    {.name = "radix", BASE, .sort = radix},
    {.name = NULL},
};
