// SPDX-License-Identifier: MIT
// A problem solved by the program's own code, on a crew made for it.
#ifndef TEST_TILES_RUN_H
#define TEST_TILES_RUN_H

#include "support/tiles.h"

typedef struct way {
    bool processes;
    unsigned workers;
    int kill_worker; // -1: none
    unsigned kills;
    uint64_t seed;
} way;

typedef struct result {
    wr_tiles_ran ran;
    wr_tiles_path path;
    uint64_t edges, busy; // tasks of all workers
    uint64_t crashes;     // tasks, by the group's own count
    wr_tiles_why why;
} result;

static inline void *share(wr_tiles_crew *crew, const void *data, size_t bytes) {
    void *shared = wr_tiles_crew_alloc(crew, bytes);
    CHECK(shared != NULL);
    memcpy(shared, data, bytes);
    return shared;
}

// Runs p on a crew; what comes of it is in p's own memory. Returns the status.
static inline int solve(problem *p, const way *w, result *out) {
    wr_tiles_crew crew;
    wr_tiles_shape shape;
    wr_tiles_data data = p->data;
    size_t pivots = p->plan.order * sizeof(int32_t), page = 4096;
    *out = (result){.edges = 0};
    if (wr_tiles_crew_open(&crew, w->processes, w->workers,
                           3 * (p->bytes + page) + pivots + page,
                           &out->why) != 0)
        CHECK_FAIL("%s", out->why.text);
    data.a.data = share(&crew, p->data.a.data, p->bytes);
    data.pivots = share(&crew, p->data.pivots, pivots);
    if (p->data.b.data != NULL) {
        data.b.data = share(&crew, p->data.b.data, p->bytes);
        data.c.data = share(&crew, p->data.c.data, p->bytes);
    }
    if (wr_tiles_crew_start(&crew, 0, &out->why) != 0)
        CHECK_FAIL("%s", out->why.text);
    CHECK_EQ(wr_tiles_shape_init(&shape), 0);
    wr_tiles_run_options options = {
        .kill_worker = w->kill_worker,
        .kills = w->kills,
        .seed = w->seed,
    };
    int status = wr_tiles_run(&p->plan, &data, &crew, &options, &shape,
                              &out->ran, &out->why);
    memcpy(p->data.a.data, data.a.data, p->bytes);
    memcpy(p->data.pivots, data.pivots, pivots);
    if (p->data.b.data != NULL)
        memcpy(p->data.c.data, data.c.data, p->bytes);
    CHECK_EQ(wr_tiles_shape_path(&shape, &out->path), 0);
    out->edges = shape.edges_count;
    for (unsigned i = 0; i < 64; i++)
        out->busy += wr_tiles_shape_busy(&shape, i, false).tasks +
                     wr_tiles_shape_busy(&shape, i, true).tasks;
    weir_procs_counts counts = {.size = sizeof(counts)};
    if (w->processes)
        CHECK_EQ(weir_procs_count(crew.procs, &counts), 0);
    out->crashes = counts.crashes;
    wr_tiles_shape_fini(&shape);
    wr_tiles_crew_free(&crew, data.a.data, p->bytes);
    wr_tiles_crew_free(&crew, data.pivots, pivots);
    if (p->data.b.data != NULL) {
        wr_tiles_crew_free(&crew, data.b.data, p->bytes);
        wr_tiles_crew_free(&crew, data.c.data, p->bytes);
    }
    wr_tiles_crew_close(&crew);
    return status;
}

static inline void well(problem *p, const way *w, result *out) {
    int status = solve(p, w, out);
    if (status != 0)
        CHECK_FAIL("%d: %s", status, out->why.text);
}

static inline void same_bytes(problem *a, problem *b) {
    CHECK(memcmp(tiles_result(a)->data, tiles_result(b)->data, a->bytes) == 0);
    CHECK(memcmp(a->data.pivots, b->data.pivots,
                 a->plan.order * sizeof(int32_t)) == 0);
}

#endif
