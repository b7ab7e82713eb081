// SPDX-License-Identifier: MIT
// The rows of bench/graph.sh in StarPU: as many workers as asked for, and the
// thread that submits beside them, as with weir. Each slice and tile is a data
// handle of its own, registered before the clock starts.
//
//   peer_graph_starpu CASE [--option N]...
#include "graph_tiles.h"

#include <semaphore.h>
#include <starpu.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *slices;
static starpu_data_handle_t *handles;
static unsigned handles_count;
static sem_t gate;
static tiles t;

static void nothing(void *buffers[], void *argument) {
    (void)buffers;
    (void)argument;
}

static void add(void *buffers[], void *argument) {
    (void)argument;
    ++*(uint64_t *)STARPU_VARIABLE_GET_PTR(buffers[0]);
}

static void add_after(void *buffers[], void *argument) {
    (void)argument;
    ++*(uint64_t *)STARPU_VARIABLE_GET_PTR(buffers[1]);
}

static void hold(void *buffers[], void *argument) {
    (void)buffers;
    (void)argument;
    sem_wait(&gate);
}

static struct starpu_codelet empty_codelet = {
    .cpu_funcs = {nothing}, .nbuffers = 0, .name = "empty"};
static struct starpu_codelet own_codelet = {
    .cpu_funcs = {nothing}, .nbuffers = 1, .modes = {STARPU_RW}};
static struct starpu_codelet add_codelet = {
    .cpu_funcs = {add}, .nbuffers = 1, .modes = {STARPU_RW}};
static struct starpu_codelet after_codelet = {
    .cpu_funcs = {add_after}, .nbuffers = 2, .modes = {STARPU_R, STARPU_RW}};
static struct starpu_codelet hold_codelet = {
    .cpu_funcs = {hold}, .nbuffers = 1, .modes = {STARPU_W}};

static void start(unsigned count, size_t bytes) {
    struct starpu_conf conf;
    setenv("STARPU_SILENT", "1", 1);
    setenv("STARPU_MAIN_THREAD_BIND", "0", 0);
    starpu_conf_init(&conf);
    conf.ncpus = (int)bench_set.threads;
    conf.ncuda = conf.nopencl = 0;
    bench_ok("starpu_init", starpu_init(&conf));
    bench_same("workers", starpu_worker_get_count(), bench_set.threads);
    slices = bench_memory((count + 1) * bytes);
    handles = bench_memory((count + 1) * sizeof(handles[0]));
    handles_count = count;
    for (unsigned i = 0; i <= count && bytes == SLICE; i++)
        starpu_variable_data_register(&handles[i], STARPU_MAIN_RAM,
                                      (uintptr_t)(slices + i * bytes),
                                      sizeof(uint64_t));
}

static void end(void) {
    for (unsigned i = 0; i <= handles_count && handles[i] != NULL; i++)
        starpu_data_unregister(handles[i]);
    starpu_shutdown();
}

static void sum_is(uint64_t wanted) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < SLICES; i++) {
        starpu_data_acquire(handles[i], STARPU_R);
        sum += *(uint64_t *)(void *)(slices + (size_t)i * SLICE);
        starpu_data_release(handles[i]);
    }
    bench_same("sum of the slices", sum, wanted);
}

static void submit(struct starpu_codelet *codelet, int priority,
                   starpu_data_handle_t a, starpu_data_handle_t b,
                   starpu_data_handle_t c) {
    struct starpu_task *task = starpu_task_create();
    task->cl = codelet;
    task->priority = priority;
    task->handles[0] = a;
    task->handles[1] = b;
    task->handles[2] = c;
    bench_ok("starpu_task_submit", starpu_task_submit(task));
}

static void submit_one(struct starpu_codelet *codelet, unsigned handle) {
    submit(codelet, 0, handles[handle], NULL, NULL);
}

static void empty(void) {
    bench_meter m = {.rounds = 0};
    start(0, SLICE);
    while (bench_more(&m)) {
        bench_begin(&m);
        for (unsigned i = 0; i < bench_set.count; i++)
            submit(&empty_codelet, 0, NULL, NULL, NULL);
        starpu_task_wait_for_all();
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, "empty", "ns");
    end();
}

static void own(void) {
    bench_meter m = {.rounds = 0};
    start(bench_set.count, SLICE);
    while (bench_more(&m)) {
        bench_begin(&m);
        for (unsigned i = 0; i < bench_set.count; i++)
            submit_one(&own_codelet, i);
        starpu_task_wait_for_all();
        bench_end(&m, bench_set.count);
    }
    bench_meter_print(&m, "own", "ns");
    end();
}

static void chain(void) {
    bench_meter m = {.rounds = 0};
    unsigned repeat = bench_set.count / CHAIN + 1;
    start(1, SLICE);
    while (bench_more(&m)) {
        bench_begin(&m);
        for (unsigned r = 0; r < repeat; r++) {
            for (unsigned i = 0; i < CHAIN; i++)
                submit_one(&add_codelet, 0);
            starpu_task_wait_for_all();
        }
        bench_end(&m, (double)repeat * CHAIN);
    }
    bench_meter_print(&m, "chain", "ns");
    end();
    bench_same("links", *(uint64_t *)(void *)slices,
               (uint64_t)m.rounds * repeat * CHAIN);
}

static void alive(void) {
    bench_meter first = {.rounds = 0}, again = {.rounds = 0};
    start(SLICES, SLICE);
    sem_init(&gate, 0, 0);
    while (bench_more(&first)) {
        submit_one(&hold_codelet, SLICES);
        bench_begin(&first);
        for (unsigned i = 0; i < SLICES; i++)
            submit(&after_codelet, 0, handles[SLICES], handles[i], NULL);
        bench_end(&first, SLICES);
        bench_begin(&again);
        for (unsigned i = 0; i < SLICES; i++)
            submit_one(&add_codelet, i);
        bench_end(&again, SLICES);
        sem_post(&gate);
        starpu_task_wait_for_all();
    }
    sum_is((uint64_t)first.rounds * 2 * SLICES);
    bench_meter_print(&first, "fill", "ns");
    bench_meter_print(&again, "alive", "ns");
    end();
}

static void loose(void) {
    bench_meter m = {.rounds = 0};
    start(SLICES, SLICE);
    while (bench_more(&m)) {
        bench_begin(&m);
        for (unsigned i = 0; i < 2 * SLICES; i++)
            submit_one(&add_codelet, i % SLICES);
        starpu_task_wait_for_all();
        bench_end(&m, 2 * SLICES);
    }
    sum_is((uint64_t)m.rounds * 2 * SLICES);
    bench_meter_print(&m, "loose", "ns");
    end();
}

static void memory(void) {
    start(SLICES, SLICE);
    int64_t begun = bench_now_ns();
    for (unsigned i = 0; i < bench_set.count; i++) {
        if (i == bench_set.count / 10)
            bench_print("memory", "early", bench_resident(), "MB");
        submit_one(&add_codelet, i % SLICES);
        if (i % WINDOW == 0)
            starpu_task_wait_for_n_submitted(WINDOW);
    }
    starpu_task_wait_for_all();
    int64_t wall = bench_now_ns() - begun;
    bench_print("memory", "late", bench_resident(), "MB");
    sum_is(bench_set.count);
    bench_print("memory", "wall", (double)wall / bench_set.count, "ns");
    bench_print("memory", "peak", bench_peak(), "MB");
    end();
}

static void idle(void) {
    struct timespec rest = {bench_set.ms / 1000,
                            (long)(bench_set.ms % 1000) * 1000000};
    start(0, SLICE);
    for (unsigned i = 0; i < 1000; i++)
        submit(&empty_codelet, 0, NULL, NULL, NULL);
    starpu_task_wait_for_all();
    int64_t begun = bench_cpu_ns();
    nanosleep(&rest, NULL);
    bench_print("idle", "share",
                (double)(bench_cpu_ns() - begun) / 1e4 / bench_set.ms, "%");
    end();
}

// ---- Cholesky --------------------------------------------------------------

static double *tile(void *buffer) {
    return (double *)STARPU_MATRIX_GET_PTR(buffer);
}

static void potrf(void *b[], void *argument) {
    (void)argument;
    tile_potrf(&t, tile(b[0]));
}

static void trsm(void *b[], void *argument) {
    (void)argument;
    tile_trsm(&t, tile(b[0]), tile(b[1]));
}

static void syrk(void *b[], void *argument) {
    (void)argument;
    tile_syrk(&t, tile(b[0]), tile(b[1]));
}

static void gemm(void *b[], void *argument) {
    (void)argument;
    tile_gemm(&t, tile(b[0]), tile(b[1]), tile(b[2]));
}

static struct starpu_codelet potrf_codelet = {
    .cpu_funcs = {potrf}, .nbuffers = 1, .modes = {STARPU_RW}};
static struct starpu_codelet trsm_codelet = {
    .cpu_funcs = {trsm}, .nbuffers = 2, .modes = {STARPU_R, STARPU_RW}};
static struct starpu_codelet syrk_codelet = {
    .cpu_funcs = {syrk}, .nbuffers = 2, .modes = {STARPU_R, STARPU_RW}};
static struct starpu_codelet gemm_codelet = {
    .cpu_funcs = {gemm},
    .nbuffers = 3,
    .modes = {STARPU_R, STARPU_R, STARPU_RW}};

static starpu_data_handle_t at(unsigned i, unsigned j) {
    return handles[i * (i + 1) / 2 + j];
}

static void factor(void) {
    for (unsigned k = 0; k < t.side; k++) {
        submit(&potrf_codelet, 3, at(k, k), NULL, NULL);
        for (unsigned i = k + 1; i < t.side; i++)
            submit(&trsm_codelet, 2, at(k, k), at(i, k), NULL);
        for (unsigned i = k + 1; i < t.side; i++) {
            for (unsigned j = k + 1; j < i; j++)
                submit(&gemm_codelet, 0, at(i, k), at(j, k), at(i, j));
            submit(&syrk_codelet, 1, at(i, k), at(i, i), NULL);
        }
    }
}

static void cholesky(void) {
    tiles_meter m = {.meter.rounds = 0};
    unsigned side = bench_set.size / bench_set.tile;
    setenv("STARPU_SCHED", "prio", 0);
    start(side * (side + 1) / 2, 0);
    tiles_make(&t, bench_memory(tiles_bytes()));
    for (unsigned i = 0; i < side; i++)
        for (unsigned j = 0; j <= i; j++)
            starpu_matrix_data_register(&handles[i * (i + 1) / 2 + j],
                                        STARPU_MAIN_RAM,
                                        (uintptr_t)tiles_at(&t, i, j), t.nb,
                                        t.nb, t.nb, sizeof(double));
    while (bench_more(&m.meter)) {
        tiles_begin(&t, &m);
        factor();
        starpu_task_wait_for_all();
        tiles_end(&t, &m);
    }
    tiles_print(&m, "cholesky");
    end();
}

int main(int argc, char **argv) {
    static const bench_case cases[] = {
        {"empty", empty}, {"own", own},           {"chain", chain},
        {"alive", alive}, {"loose", loose},       {"memory", memory},
        {"idle", idle},   {"cholesky", cholesky}, {NULL, NULL}};
    return bench_main(argc, argv, cases);
}
