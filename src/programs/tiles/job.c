// SPDX-License-Identifier: MIT
#include "programs/tiles/job.h"

#include "programs/tiles/blas.h"
#include "programs/tiles/file.h"
#include "programs/tiles/matrix.h"
#include "programs/tiles/report.h"
#include "programs/tiles/run.h"

#include "os/os.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, EVENTS_MAX = 1 << 20 };

typedef struct job {
    const wr_tiles_options *options;
    size_t order;
    wr_tiles_input input[2];
    wr_tiles_crew crew;
    wr_tiles_data data;
    wr_tiles_plan plan;
    wr_tiles_shape shape;
    bool shaped; // shape is made
    wr_tiles_ran ran;
    double residual;
    wr_tiles_why why;
} job;

static int say(const job *j, int status, const char *name) {
    fprintf(stderr, "weir tiles: %s%s%s\n", name != NULL ? name : "",
            name != NULL ? ": " : "", j->why.text);
    return status;
}

static int out_of_memory(job *j) {
    wr_tiles_refuse(&j->why, -ENOMEM,
                    "not enough memory for matrices of order %zu", j->order);
    return say(j, WR_TILES_FAILED, NULL);
}

// ---- before there are threads ----------------------------------------------

static int open_inputs(job *j) {
    const wr_tiles_options *o = j->options;
    j->order = o->size;
    for (int i = 0; i < 2; i++) {
        if (o->input[i] == NULL)
            continue;
        if (wr_tiles_input_open(&j->input[i], o->input[i], o->real, &j->why) !=
            0)
            return say(j, WR_TILES_BAD_INPUT, o->input[i]);
        if (i == 1 && j->input[1].order != j->order) {
            wr_tiles_refuse(&j->why, 0, "the order is %zu, that of %s is %zu",
                            j->input[1].order, o->input[0], j->order);
            return say(j, WR_TILES_BAD_INPUT, o->input[1]);
        }
        j->order = j->input[i].order;
    }
    uint64_t tasks = wr_tiles_plan_size(o->algorithm, j->order, o->tile);
    if (tasks <= WR_TILES_TASKS_MAX)
        return 0;
    wr_tiles_refuse(&j->why, 0,
                    "--tile %zu makes %" PRIu64
                    " tasks of order %zu, %d is the limit: take larger tiles",
                    o->tile, tasks, j->order, WR_TILES_TASKS_MAX);
    return say(j, WR_TILES_USAGE, NULL);
}

// What the machine has not at all is refused before it is asked for: the pages
// would be promised, and whoever touches them killed.
static bool has_memory(uint64_t bytes) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages <= 0 || page <= 0 || bytes / (uint64_t)page < (uint64_t)pages;
}

static wr_tiles_matrix shape_of(const job *j, void *memory) {
    return (wr_tiles_matrix){
        memory,
        j->order,
        wr_tiles_lead(j->order, j->options->real),
        j->options->real,
    };
}

static int make_matrices(job *j) {
    const wr_tiles_options *o = j->options;
    wr_tiles_matrix m = shape_of(j, NULL);
    size_t bytes = wr_tiles_matrix_bytes(&m) + PAGE;
    size_t pivots = j->order * sizeof(int32_t) + PAGE;
    bool product = o->algorithm == WR_TILES_GEMM;
    if (!has_memory((uint64_t)bytes * (product ? 3 : 2)))
        return out_of_memory(j);
    if (wr_tiles_crew_open(&j->crew, o->processes, o->workers,
                           bytes * (product ? 3 : 1) + pivots, &j->why) != 0)
        return say(j, WR_TILES_FAILED, NULL);
    j->data.a = shape_of(j, wr_tiles_crew_alloc(&j->crew, bytes));
    j->data.pivots = wr_tiles_crew_alloc(&j->crew, pivots);
    bool good = j->data.a.data != NULL && j->data.pivots != NULL;
    if (good && product) {
        j->data.c = shape_of(j, wr_tiles_crew_alloc(&j->crew, bytes));
        j->data.b = o->input[0] != NULL && o->input[1] == NULL
                        ? j->data.a
                        : shape_of(j, wr_tiles_crew_alloc(&j->crew, bytes));
        good = j->data.b.data != NULL && j->data.c.data != NULL;
    } else if (good) {
        j->data.original = shape_of(j, wr_pages_alloc_huge(bytes));
        good = j->data.original.data != NULL;
    }
    return good ? 0 : out_of_memory(j);
}

static void free_matrices(job *j) {
    wr_tiles_matrix m = shape_of(j, NULL);
    size_t bytes = wr_tiles_matrix_bytes(&m) + PAGE;
    if (j->data.b.data != j->data.a.data)
        wr_tiles_crew_free(&j->crew, j->data.b.data, bytes);
    wr_tiles_crew_free(&j->crew, j->data.a.data, bytes);
    wr_tiles_crew_free(&j->crew, j->data.c.data, bytes);
    wr_tiles_crew_free(&j->crew, j->data.pivots,
                       j->order * sizeof(int32_t) + PAGE);
    if (j->data.original.data != NULL)
        wr_pages_free(j->data.original.data, bytes);
}

static int fill(job *j, int which, const wr_tiles_matrix *m) {
    const wr_tiles_options *o = j->options;
    bool positive = o->algorithm == WR_TILES_CHOLESKY;
    const char *path = o->input[which];
    if (path == NULL) {
        wr_tiles_generate(m, o->seed + (uint64_t)which, positive);
        return 0;
    }
    int error = wr_tiles_input_read(&j->input[which], m, &j->why);
    wr_tiles_input_close(&j->input[which]);
    if (error == 0 && positive)
        error = wr_tiles_symmetric(m, &j->why);
    return error == 0 ? 0 : say(j, WR_TILES_BAD_INPUT, path);
}

static int fill_all(job *j) {
    int status = fill(j, 0, &j->data.a);
    if (status == 0 && j->data.b.data != NULL &&
        j->data.b.data != j->data.a.data)
        status = fill(j, 1, &j->data.b);
    if (status == 0 && j->data.original.data != NULL)
        wr_tiles_copy(&j->data.original, &j->data.a);
    return status;
}

// ---- the work --------------------------------------------------------------

static int carry_out(job *j) {
    const wr_tiles_options *o = j->options;
    wr_tiles_run_options options = {
        .kill_worker = o->kill_worker,
        .progress = !o->quiet && isatty(STDERR_FILENO),
    };
    int error =
        wr_tiles_plan_make(&j->plan, o->algorithm, o->real, j->order, o->tile);
    if (error == 0)
        error = wr_tiles_shape_init(&j->shape);
    j->shaped = error == 0;
    if (error != 0) {
        wr_tiles_refuse(&j->why, error, "%s", weir_strerror(error));
        return say(j, WR_TILES_FAILED, NULL);
    }
    size_t events = j->plan.count * 2 + 1024;
    if (events > EVENTS_MAX)
        events = EVENTS_MAX;
    error = wr_tiles_crew_start(
        &j->crew, o->timeline != NULL ? (unsigned)events : 0, &j->why);
    if (error == 0)
        error = wr_tiles_run(&j->plan, &j->data, &j->crew, &options, &j->shape,
                             &j->ran, &j->why);
    if (error == 0)
        return 0;
    return say(j, error == -EDOM ? WR_TILES_NO_FACTOR : WR_TILES_FAILED, NULL);
}

static const wr_tiles_matrix *result_of(const job *j) {
    return j->options->algorithm == WR_TILES_GEMM ? &j->data.c : &j->data.a;
}

// Pivots of a panel count from its first row, and from 1.
static void count_pivots(job *j) {
    for (size_t i = 0; i < j->order; i++)
        j->data.pivots[i] += (int32_t)(i / j->plan.tile * j->plan.tile) - 1;
}

static int check(job *j) {
    wr_tiles_algorithm algorithm = j->options->algorithm;
    bool product = algorithm == WR_TILES_GEMM;
    if (algorithm == WR_TILES_CHOLESKY)
        wr_tiles_keep_triangle(&j->data.a);
    if (algorithm == WR_TILES_LU)
        count_pivots(j);
    if (wr_tiles_residual(algorithm, product ? &j->data.a : &j->data.original,
                          product ? &j->data.b : NULL, result_of(j),
                          j->data.pivots, &j->residual) != 0)
        return out_of_memory(j);
    if (j->residual <= WR_TILES_RESIDUAL_MAX)
        return 0;
    wr_tiles_refuse(&j->why, 0,
                    "the result is wrong: its residual is %.3g, above %d",
                    j->residual, WR_TILES_RESIDUAL_MAX);
    return say(j, WR_TILES_FAILED, NULL);
}

// ---- files -----------------------------------------------------------------

static int write_dot(void *context, FILE *out) {
    const job *j = context;
    return wr_tiles_shape_dot(&j->shape, &j->plan, out);
}

static int write_timeline(void *context, FILE *out) {
    const job *j = context;
    return weir_trace_svg(j->crew.trace, out, 0);
}

static int write_pivots(void *context, FILE *out) {
    const job *j = context;
    for (size_t i = 0; i < j->order; i++)
        fprintf(out, "%" PRId32 "\n", j->data.pivots[i] + 1);
    return ferror(out) ? -EIO : 0;
}

static int save(job *j, const char *path,
                int (*write)(void *context, FILE *out), void *context) {
    if (path == NULL || wr_tiles_save(path, write, context, &j->why) == 0)
        return 0;
    return say(j, WR_TILES_FAILED, path);
}

static int save_all(job *j, wr_tiles_report *report) {
    const wr_tiles_options *o = j->options;
    int status = 0;
    if (o->output != NULL &&
        wr_tiles_save_matrix(o->output, result_of(j), &j->why) != 0)
        status = say(j, WR_TILES_FAILED, o->output);
    if (status == 0)
        status = save(j, o->pivots, write_pivots, j);
    if (status == 0)
        status = save(j, o->dot, write_dot, j);
    if (status == 0)
        status = save(j, o->timeline, write_timeline, j);
    if (status == 0)
        status = save(j, o->report, wr_tiles_report_json, report);
    return status;
}

static int tell(job *j) {
    wr_tiles_report report = {
        .plan = &j->plan,
        .crew = &j->crew,
        .shape = &j->shape,
        .ran = &j->ran,
        .residual = j->residual,
        .kills = j->options->kill_worker >= 0,
    };
    if (j->crew.trace != NULL)
        weir_trace_stop(j->crew.trace);
    if (wr_tiles_report_make(&report) != 0)
        return out_of_memory(j);
    int status = save_all(j, &report);
    if (status != 0 || j->options->quiet)
        return status;
    wr_tiles_report_text(&report, stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    wr_tiles_refuse(&j->why, 0, "standard output: %s", strerror(errno));
    return say(j, WR_TILES_FAILED, NULL);
}

int wr_tiles_job(const wr_tiles_options *options) {
    job j = {.options = options, .input = {{.file = -1}, {.file = -1}}};
    bool sharing = !options->processes && options->workers > 1;
    int status = 0;
    if (wr_tiles_blas_load(sharing, &j.why) != 0)
        status = say(&j, WR_TILES_FAILED, "OpenBLAS");
    if (status == 0)
        status = open_inputs(&j);
    if (status == 0)
        status = make_matrices(&j);
    if (status == 0)
        status = fill_all(&j);
    if (status == 0)
        status = carry_out(&j);
    if (status == 0)
        status = check(&j);
    if (status == 0)
        status = tell(&j);
    free_matrices(&j);
    wr_tiles_crew_close(&j.crew);
    if (j.shaped)
        wr_tiles_shape_fini(&j.shape);
    wr_tiles_plan_free(&j.plan);
    for (int i = 0; i < 2; i++)
        wr_tiles_input_close(&j.input[i]);
    return status;
}
