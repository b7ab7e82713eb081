// SPDX-License-Identifier: MIT
// What the tile kernels of bench/graph.sh take without a runtime: one after the
// other on one thread, and each kind on two plain threads at once, half of them
// each, with no order kept. The first divided by two is "perfect"; the second
// is what this machine makes of it.
//
//   bench_graph_perfect serial|halves [--size N] [--tile N] [--rounds N]
#include "graph_tiles.h"

#include <pthread.h>
#include <string.h>

static tiles t;

static void make(void) { tiles_make(&t, bench_memory(tiles_bytes())); }

static void factor(void) {
    for (unsigned k = 0; k < t.side; k++) {
        tile_potrf(&t, tiles_at(&t, k, k));
        for (unsigned i = k + 1; i < t.side; i++)
            tile_trsm(&t, tiles_at(&t, k, k), tiles_at(&t, i, k));
        for (unsigned i = k + 1; i < t.side; i++) {
            for (unsigned j = k + 1; j < i; j++)
                tile_gemm(&t, tiles_at(&t, i, k), tiles_at(&t, j, k),
                          tiles_at(&t, i, j));
            tile_syrk(&t, tiles_at(&t, i, k), tiles_at(&t, i, i));
        }
    }
}

static void serial(void) {
    tiles_meter m = {.meter.rounds = 0};
    make();
    while (bench_more(&m.meter)) {
        tiles_begin(&t, &m);
        factor();
        tiles_end(&t, &m);
    }
    tiles_print(&m, "cholesky");
}

// Every second tile of a column is one thread's; what it reads may be half
// done, which costs the same.
static void *half(void *argument) {
    unsigned mine = *(unsigned *)argument, turn = 0;
    for (unsigned k = 0; k < t.side; k++)
        for (unsigned i = k + 1; i < t.side; i++) {
            for (unsigned j = k + 1; j < i; j++)
                if (turn++ % 2 == mine)
                    tile_gemm(&t, tiles_at(&t, i, k), tiles_at(&t, j, k),
                              tiles_at(&t, i, j));
            if (turn++ % 2 == mine)
                tile_syrk(&t, tiles_at(&t, i, k), tiles_at(&t, i, i));
        }
    return NULL;
}

static void halves(void) {
    tiles_meter m = {.meter.rounds = 0};
    static unsigned numbers[2] = {0, 1};
    make();
    while (bench_more(&m.meter)) {
        pthread_t thread;
        tiles_reset(&t);
        bench_begin(&m.meter);
        bench_ok("thread", pthread_create(&thread, NULL, half, &numbers[1]));
        half(&numbers[0]);
        pthread_join(thread, NULL);
        bench_end(&m.meter, 1e6);
        m.kernels[m.meter.rounds - 1] = (double)*t.spent / 1e6;
    }
    tiles_print(&m, "updates");
    // The same updates on one thread.
    memset(&m, 0, sizeof(m));
    while (bench_more(&m.meter)) {
        tiles_reset(&t);
        bench_begin(&m.meter);
        half(&numbers[0]);
        half(&numbers[1]);
        bench_end(&m.meter, 1e6);
        m.kernels[m.meter.rounds - 1] = (double)*t.spent / 1e6;
    }
    tiles_print(&m, "updates1");
}

int main(int argc, char **argv) {
    static const bench_case cases[] = {
        {"serial", serial}, {"halves", halves}, {NULL, NULL}};
    return bench_main(argc, argv, cases);
}
