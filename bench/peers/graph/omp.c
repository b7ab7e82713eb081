// SPDX-License-Identifier: MIT
// The rows of bench/graph.sh in OpenMP tasks with depend: built with gcc for
// libgomp and with clang for libomp. One of the threads submits, and runs tasks
// when it waits or when the runtime holds enough of them.
//
//   peer_graph_gomp, peer_graph_omp CASE [--option N]...
#include "graph_tiles.h"

#include <omp.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

static char *slices;
static sem_t gate;

static uint64_t *slice(unsigned i) {
    return (uint64_t *)(void *)(slices + (size_t)i * SLICE);
}

static void sum_is(uint64_t wanted) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < SLICES; i++)
        sum += *slice(i);
    bench_same("sum of the slices", sum, wanted);
}

// What the compiler cannot leave out.
static inline void nothing(void) { __asm__ volatile("" : : : "memory"); }

static void empty(void) {
    bench_meter m = {.rounds = 0};
#pragma omp parallel num_threads(bench_set.threads)
#pragma omp single
    while (bench_more(&m)) {
        bench_begin(&m);
        for (unsigned i = 0; i < bench_set.count; i++) {
#pragma omp task
            nothing();
        }
#pragma omp taskwait
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, "empty", "ns");
}

static void own(void) {
    bench_meter m = {.rounds = 0};
    slices = bench_memory((size_t)bench_set.count * SLICE);
#pragma omp parallel num_threads(bench_set.threads)
#pragma omp single
    while (bench_more(&m)) {
        bench_begin(&m);
        for (unsigned i = 0; i < bench_set.count; i++) {
            uint64_t *s = slice(i);
#pragma omp task depend(inout : s[0])
            nothing();
            (void)s;
        }
#pragma omp taskwait
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, "own", "ns");
}

static void chain(void) {
    bench_meter m = {.rounds = 0};
    uint64_t *s = bench_memory(SLICE);
    unsigned repeat = bench_set.count / CHAIN + 1;
#pragma omp parallel num_threads(bench_set.threads)
#pragma omp single
    while (bench_more(&m)) {
        *s = 0;
        bench_begin(&m);
        for (unsigned r = 0; r < repeat; r++) {
            for (unsigned i = 0; i < CHAIN; i++) {
#pragma omp task depend(inout : s[0]) firstprivate(s)
                ++*s;
            }
#pragma omp taskwait
        }
        bench_end(&m, (double)repeat * CHAIN);
        bench_same("links", *s, (uint64_t)repeat * CHAIN);
    }
    bench_meter_print(&m, "chain", "ns");
}

static void add_all(void) {
    for (unsigned i = 0; i < SLICES; i++) {
        uint64_t *s = slice(i);
#pragma omp task depend(inout : s[0]) firstprivate(s)
        ++*s;
    }
}

// Nothing ends before all are submitted. libgomp cannot: over 64 tasks a
// thread it runs what is submitted at once, when the gate is still closed.
static void alive(void) {
    bench_meter first = {.rounds = 0}, again = {.rounds = 0};
    slices = bench_memory((size_t)SLICES * SLICE);
    char *closed = bench_memory(SLICE);
    (void)closed; // named in depend alone
    sem_init(&gate, 0, 0);
#pragma omp parallel num_threads(bench_set.threads)
#pragma omp single
    while (bench_more(&first)) {
#pragma omp task depend(out : closed[0])
        sem_wait(&gate);
        bench_begin(&first);
        for (unsigned i = 0; i < SLICES; i++) {
            uint64_t *s = slice(i);
#pragma omp task depend(in : closed[0]) depend(inout : s[0]) firstprivate(s)
            ++*s;
        }
        bench_end(&first, SLICES);
        bench_begin(&again);
        add_all();
        bench_end(&again, SLICES);
        sem_post(&gate);
#pragma omp taskwait
    }
    sum_is((uint64_t)first.rounds * 2 * SLICES);
    bench_meter_print(&first, "fill", "ns");
    bench_meter_print(&again, "alive", "ns");
}

static void loose(void) {
    bench_meter m = {.rounds = 0};
    slices = bench_memory((size_t)SLICES * SLICE);
#pragma omp parallel num_threads(bench_set.threads)
#pragma omp single
    while (bench_more(&m)) {
        bench_begin(&m);
        add_all();
        add_all();
#pragma omp taskwait
        bench_end(&m, 2 * SLICES);
    }
    sum_is((uint64_t)m.rounds * 2 * SLICES);
    bench_meter_print(&m, "loose", "ns");
}

static void memory(void) {
    slices = bench_memory((size_t)SLICES * SLICE);
    int64_t begun = bench_now_ns();
#pragma omp parallel num_threads(bench_set.threads)
#pragma omp single
    for (unsigned i = 0; i < bench_set.count; i++) {
        if (i == bench_set.count / 10)
            bench_print("memory", "early", bench_resident(), "MB");
        uint64_t *s = slice(i % SLICES);
#pragma omp task depend(inout : s[0]) firstprivate(s)
        ++*s;
    }
    int64_t wall = bench_now_ns() - begun;
    bench_print("memory", "late", bench_resident(), "MB");
    sum_is(bench_set.count);
    bench_print("memory", "wall", (double)wall / bench_set.count, "ns");
    bench_print("memory", "peak", bench_peak(), "MB");
}

static void idle(void) {
    struct timespec rest = {bench_set.ms / 1000,
                            (long)(bench_set.ms % 1000) * 1000000};
#pragma omp parallel num_threads(bench_set.threads)
#pragma omp single
    for (unsigned i = 0; i < 1000; i++) {
#pragma omp task
        nothing();
    }
    int64_t begun = bench_cpu_ns();
    nanosleep(&rest, NULL);
    bench_print("idle", "share",
                (double)(bench_cpu_ns() - begun) / 1e4 / bench_set.ms, "%");
}

static void factor(const tiles *t) {
    for (unsigned k = 0; k < t->side; k++) {
        double *kk = tiles_at(t, k, k);
#pragma omp task depend(inout : kk[0]) firstprivate(kk) priority(3)
        tile_potrf(t, kk);
        for (unsigned i = k + 1; i < t->side; i++) {
            double *ik = tiles_at(t, i, k);
#pragma omp task depend(in                                                     \
                        : kk[0]) depend(inout                                  \
                                        : ik[0]) firstprivate(kk, ik)          \
    priority(2)
            tile_trsm(t, kk, ik);
        }
        for (unsigned i = k + 1; i < t->side; i++) {
            double *ik = tiles_at(t, i, k), *ii = tiles_at(t, i, i);
            for (unsigned j = k + 1; j < i; j++) {
                double *jk = tiles_at(t, j, k), *ij = tiles_at(t, i, j);
#pragma omp task depend(in                                                     \
                        : ik[0], jk[0]) depend(inout                           \
                                               : ij[0])                        \
    firstprivate(ik, jk, ij) priority(0)
                tile_gemm(t, ik, jk, ij);
            }
#pragma omp task depend(in                                                     \
                        : ik[0]) depend(inout                                  \
                                        : ii[0]) firstprivate(ik, ii)          \
    priority(1)
            tile_syrk(t, ik, ii);
        }
    }
}

static void cholesky(void) {
    static tiles t;
    tiles_meter m = {.meter.rounds = 0};
    tiles_make(&t, bench_memory(tiles_bytes()));
#pragma omp parallel num_threads(bench_set.threads)
#pragma omp single
    while (bench_more(&m.meter)) {
        tiles_begin(&t, &m);
        factor(&t);
#pragma omp taskwait
        tiles_end(&t, &m);
    }
    tiles_print(&m, "cholesky");
}

int main(int argc, char **argv) {
    static const bench_case cases[] = {
        {"empty", empty}, {"own", own},           {"chain", chain},
        {"alive", alive}, {"loose", loose},       {"memory", memory},
        {"idle", idle},   {"cholesky", cholesky}, {NULL, NULL}};
    setenv("OMP_MAX_TASK_PRIORITY", "3", 1);
    return bench_main(argc, argv, cases);
}
