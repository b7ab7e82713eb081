// SPDX-License-Identifier: MIT
#include "programs/tiles/report.h"

#include "programs/tiles/blas.h"
#include "programs/tiles/matrix.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

static const char *const algorithms[] = {"cholesky", "lu", "gemm"};

static const char *type_of(const wr_tiles_report *r) {
    return r->plan->real == WR_TILES_DOUBLE ? "double" : "single";
}

static double seconds(int64_t ns) { return (double)ns * 1e-9; }

static double gflops(const wr_tiles_report *r) {
    return wr_tiles_plan_flops(r->plan) / (double)(r->ran->ns + 1);
}

static double percent(const wr_tiles_report *r, int64_t ns) {
    return 100 * (double)ns / (double)(r->ran->ns + 1);
}

// Edges of the plan, not those of what was done again.
static uint64_t edges(const wr_tiles_report *r) {
    uint64_t count = 0;
    for (size_t i = 0; i < r->shape->edges_count; i++)
        count += !r->shape->nodes[r->shape->edges[i].to - 1].again;
    return count;
}

int wr_tiles_report_make(wr_tiles_report *r) {
    return wr_tiles_shape_path(r->shape, &r->path);
}

static void print_workers(const wr_tiles_report *r, FILE *out) {
    for (unsigned i = 0; i < r->crew->workers; i++) {
        wr_tiles_path busy = wr_tiles_shape_busy(r->shape, i, false);
        fprintf(out, "worker %-6u%.1f %% busy, %" PRIu64 " tasks\n", i,
                percent(r, busy.ns), busy.tasks);
    }
    if (!r->crew->processes)
        return;
    wr_tiles_path inside = {0, 0};
    for (unsigned i = 0; i < weir_pool_index_limit(r->crew->pool); i++) {
        wr_tiles_path busy = wr_tiles_shape_busy(r->shape, i, true);
        inside.ns += busy.ns;
        inside.tasks += busy.tasks;
    }
    if (inside.tasks != 0)
        fprintf(out, "program      %" PRIu64 " tasks, %.4f s\n", inside.tasks,
                seconds(inside.ns));
}

void wr_tiles_report_text(const wr_tiles_report *r, FILE *out) {
    const wr_tiles_plan *p = r->plan;
    fprintf(out,
            "%s of order %zu, %s, in %" PRIu32 " by %" PRIu32
            " tiles of %zu, on %u %s%s\n",
            algorithms[p->algorithm], p->order, type_of(r), p->side, p->side,
            p->tile, r->crew->workers,
            r->crew->processes ? "process" : "thread",
            r->crew->workers == 1 ? ""
            : r->crew->processes  ? "es"
                                  : "s");
    fprintf(out, "residual     %.3g (at most %d)\n", r->residual,
            WR_TILES_RESIDUAL_MAX);
    fprintf(out, "time         %.4f s, %.2f GFLOP/s\n", seconds(r->ran->ns),
            gflops(r));
    fprintf(out, "tasks        %zu, edges %" PRIu64 "\n", p->count, edges(r));
    fprintf(out, "critical     %.4f s, %" PRIu64 " tasks\n",
            seconds(r->path.ns), r->path.tasks);
    print_workers(r, out);
    if (r->kills || r->ran->lost != 0)
        fprintf(out,
                "lost         %" PRIu64 " tasks with %" PRIu64
                " killed processes; %" PRIu64 " others done again\n",
                r->ran->lost, r->ran->killed, r->ran->again);
}

int wr_tiles_report_json(void *context, FILE *out) {
    const wr_tiles_report *r = context;
    const wr_tiles_plan *p = r->plan;
    fprintf(out,
            "{\n"
            "  \"algorithm\": \"%s\",\n"
            "  \"type\": \"%s\",\n"
            "  \"order\": %zu,\n"
            "  \"tile\": %zu,\n"
            "  \"workers\": {\"kind\": \"%s\", \"count\": %u, \"busy\": [",
            algorithms[p->algorithm], type_of(r), p->order, p->tile,
            r->crew->processes ? "procs" : "threads", r->crew->workers);
    for (unsigned i = 0; i < r->crew->workers; i++)
        fprintf(out, "%s%.4f", i == 0 ? "" : ", ",
                percent(r, wr_tiles_shape_busy(r->shape, i, false).ns) / 100);
    fprintf(out,
            "]},\n"
            "  \"residual\": %.6g,\n"
            "  \"residual_max\": %d,\n"
            "  \"seconds\": %.9f,\n"
            "  \"gflops\": %.3f,\n"
            "  \"tasks\": %zu,\n"
            "  \"edges\": %" PRIu64 ",\n"
            "  \"critical\": {\"seconds\": %.9f, \"tasks\": %" PRIu64 "},\n"
            "  \"killed\": %" PRIu64 ",\n"
            "  \"lost\": %" PRIu64 ",\n"
            "  \"again\": %" PRIu64 "\n"
            "}\n",
            r->residual, WR_TILES_RESIDUAL_MAX, seconds(r->ran->ns), gflops(r),
            p->count, edges(r), seconds(r->path.ns), r->path.tasks,
            r->ran->killed, r->ran->lost, r->ran->again);
    return ferror(out) ? -EIO : 0;
}
