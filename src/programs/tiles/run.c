// SPDX-License-Identifier: MIT
//
// When a process dies, its task fails, and so does all that reads what it was
// to write; the rest goes on. When everything has ended one way or the other,
// the regions that tasks were cut off in are put back as they were in the
// beginning, and a second flow has what is still to be done, with all that had
// been done in those regions before, in the order of the plan. What that reads
// is there: a tile is only read when it changes no more.
#include "programs/tiles/run.h"

#include "programs/tiles/matrix.h"

#include "base/random.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 100,
    ROUNDS_IN_VAIN = 32, // in which no more was done than ever before
};

typedef struct run {
    const wr_tiles_plan *plan;
    const wr_tiles_data *data;
    wr_tiles_crew *crew;
    const wr_tiles_run_options *options;
    wr_tiles_shape *shape;
    wr_tiles_ran *ran;
    wr_tiles_why *why;
    weir_graph *graph;
    weir_buffer buffers[WR_TILES_IN_PIVOTS + 1];
    bool *done, *tried; // by op
    uint64_t done_count, done_most;
    unsigned rounds_in_vain;
    uint64_t state;   // of chance
    uint64_t kill_at; // when so many have ended; 0: no more
    uint64_t kills_left;
    int64_t began_ns;
    bool shown; // a line is on the terminal
} run;

static int failed(run *r, int error, const char *what) {
    return wr_tiles_refuse(r->why, error, "%s: %s", what, weir_strerror(error));
}

// ---- submitting ------------------------------------------------------------

static weir_access access_of(const run *r, const wr_tiles_touch *touch) {
    const wr_tiles_plan *p = r->plan;
    weir_buffer buffer = r->buffers[touch->place];
    if (touch->place == WR_TILES_IN_PIVOTS)
        return (weir_access)WEIR_ACCESS(touch->mode, buffer,
                                        touch->row * sizeof(int32_t),
                                        touch->height * sizeof(int32_t));
    size_t size = wr_tiles_real_size(p->real);
    return (weir_access)WEIR_TILE(
        touch->mode, buffer, (touch->column * p->lead + touch->row) * size,
        touch->height * size, (uint32_t)touch->width, p->lead * size);
}

static int submit(run *r, weir_flow *flow, size_t index) {
    const wr_tiles_op *op = &r->plan->ops[index];
    wr_tiles_touch touches[WR_TILES_TOUCHES_MAX];
    weir_access accesses[WR_TILES_TOUCHES_MAX];
    wr_tiles_arguments arguments;
    size_t count = wr_tiles_plan_touches(r->plan, op, touches);
    for (size_t i = 0; i < count; i++)
        accesses[i] = access_of(r, &touches[i]);
    wr_tiles_plan_arguments(r->plan, op, &arguments);
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = &wr_tiles_kernels[op->kernel];
    spec.arguments = &arguments;
    spec.arguments_size = sizeof(arguments);
    spec.accesses = accesses;
    spec.accesses_count = count;
    spec.procs = op->phase == 0 ? r->crew->procs : NULL;
    spec.priority = op->priority;
    r->shape->op = (uint32_t)index;
    r->shape->again = r->tried[index];
    r->shape->inside = r->crew->processes && spec.procs == NULL;
    int error = weir_flow_submit(flow, &spec, NULL);
    if (error == 0)
        r->tried[index] = true;
    return error;
}

static int submit_all(run *r, weir_flow *flow, uint16_t phase) {
    int error = 0;
    for (size_t i = 0; i < r->plan->count && error == 0; i++)
        if (r->plan->ops[i].phase == phase && !r->done[i])
            error = submit(r, flow, i);
    if (error == 0 && r->shape->status != 0)
        error = r->shape->status;
    return error == 0 ? 0 : failed(r, error, "a task was not accepted");
}

// ---- waiting ---------------------------------------------------------------

static void show(run *r) {
    double seconds = (double)(weir_now_ns() - r->began_ns) * 1e-9;
    uint64_t ended = wr_tiles_shape_ended(r->shape);
    double part = (double)ended / (double)r->plan->count;
    fprintf(stderr, "\r\033[K%llu of %zu tasks, %.1f GFLOP/s",
            (unsigned long long)ended, r->plan->count,
            part * wr_tiles_plan_flops(r->plan) / seconds * 1e-9);
    (void)fflush(stderr);
    r->shown = true;
}

static void plan_kill(run *r) {
    r->kill_at = 0;
    if (r->kills_left == 0)
        return;
    uint64_t gap = 2 * r->plan->count / (r->options->kills + 1) + 1;
    r->kill_at =
        wr_tiles_shape_ended(r->shape) + 1 + wr_random_next(&r->state) % gap;
}

static void kill_one(run *r) {
    unsigned index = r->options->kill_worker >= 0
                         ? (unsigned)r->options->kill_worker
                         : wr_random_below(&r->state, r->crew->workers);
    int pid = weir_procs_pid(r->crew->procs, index);
    if (pid <= 0)
        return; // it is being replaced: at the next tick
    if (kill(pid, SIGKILL) == 0)
        r->ran->killed++;
    r->kills_left--;
    plan_kill(r);
}

// Until all that was submitted has ended.
static void watch(run *r, uint64_t all) {
    for (uint64_t ended; (ended = wr_tiles_shape_ended(r->shape)) < all;) {
        bool due = r->kill_at != 0 && ended >= r->kill_at;
        if (due)
            kill_one(r);
        bool kills = r->kill_at != 0 && r->kill_at < all;
        wr_tiles_shape_alarm(r->shape,
                             kills && r->kill_at > ended ? r->kill_at : all);
        bool again = r->kill_at != 0 && r->kill_at <= ended;
        struct pollfd wake = {.fd = r->shape->wake.read_fd, .events = POLLIN};
        int timeout = again ? 1 : r->options->progress ? TICK_MS : -1;
        int woken = poll(&wake, 1, timeout);
        if (woken > 0)
            wr_wakefd_clear(&r->shape->wake);
        else if (woken == 0 && r->options->progress && timeout == TICK_MS)
            show(r);
    }
}

// ---- rounds ----------------------------------------------------------------

static void put_back(const run *r, const wr_tiles_region *region) {
    const wr_tiles_matrix *to = &r->data->a, *from = &r->data->original;
    size_t size = wr_tiles_real_size(to->real);
    for (size_t j = region->column; j < region->column + region->width; j++)
        memcpy((char *)to->data + (j * to->lead + region->row) * size,
               (const char *)from->data + (j * from->lead + region->row) * size,
               region->height * size);
}

// What a task that was cut off was working on: from the beginning.
static void undo(run *r, const wr_tiles_op *op) {
    wr_tiles_region region, other;
    wr_tiles_plan_region(r->plan, op, &region);
    // A product begins by writing.
    if (r->data->original.data != NULL)
        put_back(r, &region);
    for (size_t i = 0; i < r->plan->count; i++) {
        if (!r->done[i] || r->plan->ops[i].phase != op->phase)
            continue;
        wr_tiles_plan_region(r->plan, &r->plan->ops[i], &other);
        if (other.number != region.number)
            continue;
        r->done[i] = false;
        r->done_count--;
        r->ran->again++;
    }
}

// What came of the tasks from number `first` on.
static void judge(run *r, uint64_t first) {
    wr_tiles_shape *s = r->shape;
    wr_tiles_shape_judge(s, first);
    for (size_t i = first - 1; i < s->count; i++)
        if (s->nodes[i].status == 0) {
            r->done[s->nodes[i].op] = true;
            r->done_count++;
        }
    for (size_t i = first - 1; i < s->count; i++) {
        const wr_tiles_node *node = &s->nodes[i];
        if (node->status == 0 || node->spoiled)
            continue;
        r->ran->lost += node->status == -EOWNERDEAD;
        undo(r, &r->plan->ops[node->op]);
    }
    r->rounds_in_vain++;
    if (r->done_count > r->done_most)
        r->rounds_in_vain = 0;
    r->done_most = r->done_count > r->done_most ? r->done_count : r->done_most;
}

static int mend(run *r) {
    for (int place = 0; place <= WR_TILES_IN_PIVOTS; place++) {
        if (r->buffers[place].id == 0)
            continue;
        int error = weir_buffer_mend(r->graph, r->buffers[place]);
        if (error != 0)
            return failed(r, error, "cannot go on after a process died");
    }
    return 0;
}

static int after_round(run *r, weir_flow *flow, int status) {
    if (status == 0)
        return 0;
    if (status == -EOWNERDEAD) {
        if (r->rounds_in_vain < ROUNDS_IN_VAIN)
            return mend(r);
        return wr_tiles_refuse(r->why, status,
                               "the processes die as often as they work");
    }
    weir_task_outcome outcome = WEIR_TASK_OUTCOME_INIT;
    if (weir_flow_outcome(flow, &outcome) == 0 && outcome.reason[0] != '\0')
        return wr_tiles_refuse(r->why, status, "%s", outcome.reason);
    return failed(r, status, "a task failed");
}

// One flow: what is left of a phase.
static int round_of(run *r, uint16_t phase) {
    weir_flow *flow;
    uint64_t first = r->shape->count + 1;
    int status = 0;
    int error = weir_flow_begin(r->graph, NULL, &flow);
    if (error != 0)
        return failed(r, error, "cannot begin");
    error = submit_all(r, flow, phase);
    if (error != 0)
        weir_flow_cancel(flow);
    weir_flow_close(flow);
    if (error == 0)
        watch(r, r->shape->count);
    int waited = weir_flow_wait(flow, WEIR_FOREVER, &status);
    if (error == 0 && waited != 0)
        error = failed(r, waited, "cannot wait");
    if (error == 0) {
        judge(r, first);
        error = after_round(r, flow, status);
    }
    weir_flow_release(flow);
    return error;
}

static uint64_t left_in(const run *r, uint16_t phase) {
    uint64_t left = 0;
    for (size_t i = 0; i < r->plan->count; i++)
        left += !r->done[i] && r->plan->ops[i].phase == phase;
    return left;
}

// ---- making ----------------------------------------------------------------

static int know(run *r, wr_tiles_place place, void *memory, size_t bytes) {
    int error =
        weir_buffer_register(r->graph, memory, bytes, &r->buffers[place]);
    return error == 0 ? 0 : failed(r, error, "cannot use the matrix");
}

static int know_all(run *r) {
    const wr_tiles_data *d = r->data;
    int error = know(r, WR_TILES_IN_A, d->a.data, wr_tiles_matrix_bytes(&d->a));
    if (error == 0 && r->plan->algorithm == WR_TILES_LU)
        error = know(r, WR_TILES_IN_PIVOTS, d->pivots,
                     r->plan->order * sizeof(*d->pivots));
    if (error != 0 || r->plan->algorithm != WR_TILES_GEMM)
        return error;
    error = know(r, WR_TILES_IN_C, d->c.data, wr_tiles_matrix_bytes(&d->c));
    if (error == 0 && d->b.data != d->a.data)
        return know(r, WR_TILES_IN_B, d->b.data, wr_tiles_matrix_bytes(&d->b));
    r->buffers[WR_TILES_IN_B] = r->buffers[WR_TILES_IN_A];
    return error;
}

static int make(run *r) {
    size_t count = r->plan->count;
    r->done = calloc(count, sizeof(*r->done));
    r->tried = calloc(count, sizeof(*r->tried));
    if (r->done == NULL || r->tried == NULL)
        return failed(r, -ENOMEM, "cannot begin");
    weir_graph_options options = WEIR_GRAPH_OPTIONS_INIT;
    options.pool = r->crew->pool;
    options.ring_bytes = 0;
    options.observer = &r->shape->observer;
    int error = weir_graph_create(&r->graph, &options);
    return error == 0 ? know_all(r) : failed(r, error, "cannot begin");
}

static int carry_out(run *r) {
    int error = 0;
    r->began_ns = weir_now_ns();
    for (uint16_t phase = 0; phase < r->plan->phases && error == 0; phase++)
        while (error == 0 && left_in(r, phase) != 0)
            error = round_of(r, phase);
    r->ran->ns = weir_now_ns() - r->began_ns;
    if (r->shown)
        fputs("\r\033[K", stderr);
    return error;
}

int wr_tiles_run(const wr_tiles_plan *plan, const wr_tiles_data *data,
                 wr_tiles_crew *crew, const wr_tiles_run_options *options,
                 wr_tiles_shape *shape, wr_tiles_ran *out, wr_tiles_why *why) {
    run r = {
        .plan = plan,
        .data = data,
        .crew = crew,
        .options = options,
        .shape = shape,
        .ran = out,
        .why = why,
        .state = options->seed,
        .kills_left = options->kill_worker >= 0 ? 1 : options->kills,
    };
    *out = (wr_tiles_ran){.ns = 0};
    plan_kill(&r);
    if (options->kill_worker >= 0)
        r.kill_at = plan->count / 3 + 1;
    int error = make(&r);
    if (error == 0)
        error = carry_out(&r);
    weir_graph_destroy(r.graph);
    free(r.done);
    free(r.tried);
    return error;
}
