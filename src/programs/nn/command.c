// SPDX-License-Identifier: MIT
#include "programs/nn/command.h"

#include "os/os.h"
#include "programs/nn/graph.h"
#include "programs/nn/npy.h"

#include "base/fault.h"
#include "weir/observe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Everything that one `weir run` holds.
typedef struct session {
    wr_nn_options options;
    wr_nn_limits limits;
    wr_nn_graph *model;
    wr_nn_inputs inputs;
    wr_nn_plan *plan;
    weir_trace *trace;
    weir_pool *pool;
    wr_nn_cell *cell;
    wr_nn_profile profile;
    void **output;
    int64_t *times;
} session;

static int no_memory(wr_nn_why *why) {
    return wr_nn_refuse(why, -ENOMEM, NULL, "out of memory");
}

static int failed(wr_nn_why *why, int status, const char *what) {
    return wr_nn_refuse(why, status, NULL, "%s: %s", what,
                        weir_strerror(status));
}

// ---- before ----------------------------------------------------------------

static int read_model(session *s, wr_nn_why *why) {
    void *bytes;
    size_t size;
    int status = wr_nn_file_read(s->options.model, s->limits.bytes_max, &bytes,
                                 &size, why);
    if (status != 0)
        return status;
    wr_nn_why inner;
    status = wr_nn_onnx_read(&s->model, bytes, size, &s->limits, &inner);
    free(bytes);
    if (status != 0)
        wr_nn_refuse(why, status, NULL, "%s: %s", s->options.model, inner.text);
    return status;
}

static int compile(session *s, wr_nn_why *why) {
    wr_nn_compile_options options = WR_NN_COMPILE_OPTIONS_INIT;
    options.without = s->options.without;
    wr_nn_why inner;
    int status = wr_nn_compile(&s->plan, s->model, s->inputs.binding,
                               s->inputs.count, &options, &s->limits, &inner);
    if (status != 0)
        wr_nn_refuse(why, status, NULL, "%s: %s", s->options.model, inner.text);
    return status;
}

static int check_outputs(const session *s, wr_nn_why *why) {
    for (int i = 0; i < s->options.outputs; i++) {
        const wr_nn_given *given = &s->options.output[i];
        bool found = false;
        for (int j = 0; j < s->plan->outputs && !found; j++)
            found =
                strlen(s->plan->output_name[j]) == given->left &&
                memcmp(s->plan->output_name[j], given->whole, given->left) == 0;
        if (!found)
            return wr_nn_refuse(
                why, -EINVAL, NULL,
                "the model has no output '%.*s'; the first is '%.96s'",
                given->left > 96 ? 96 : (int)given->left, given->whole,
                s->plan->outputs == 0 ? "(none)" : s->plan->output_name[0]);
    }
    return 0;
}

static int open_pool(session *s, wr_nn_why *why) {
    if (s->options.trace != NULL) {
        weir_trace_options options = WEIR_TRACE_OPTIONS_INIT;
        options.events_max = 1 << 16;
        int status = weir_trace_create(&s->trace, &options);
        if (status != 0)
            return failed(why, status, "timeline");
    }
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    if (s->options.threads > 0)
        options.threads = s->options.threads;
    options.name = "weir run";
    options.trace = s->trace;
    int status = weir_pool_create(&s->pool, &options);
    return status == 0 ? 0 : failed(why, status, "threads");
}

static int open_run(session *s, wr_nn_why *why) {
    const wr_nn_plan *plan = s->plan;
    int status = open_pool(s, why);
    if (status != 0)
        return status;
    s->output = wr_calloc((size_t)plan->outputs + 1, sizeof(*s->output));
    s->times = wr_calloc((size_t)s->options.repeat, sizeof(*s->times));
    if (s->output == NULL || s->times == NULL ||
        wr_nn_cell_create(&s->cell, plan, 1) != 0)
        return no_memory(why);
    for (int i = 0; i < plan->outputs; i++) {
        s->output[i] =
            wr_aligned_alloc(WR_NN_ALIGN, wr_nn_bytes(&plan->output[i]));
        if (s->output[i] == NULL)
            return no_memory(why);
    }
    if (s->options.profile || s->trace != NULL) {
        if (wr_nn_profile_init(&s->profile, plan, s->pool, s->trace) != 0)
            return no_memory(why);
        wr_nn_cell_observe(s->cell, wr_nn_profile_part, &s->profile);
    }
    return 0;
}

// ---- run -------------------------------------------------------------------

typedef struct ended {
    wr_nn_run run; // first
    int status;
} ended;

static void run_done(wr_nn_run *run, int status) {
    ((ended *)run)->status = status;
}

static const void *const *inputs_of(const session *s) {
    return (const void *const *)s->inputs.data;
}

static int run_all(session *s, wr_nn_why *why) {
    if (s->trace != NULL)
        weir_trace_start(s->trace);
    for (int i = 0; i < s->options.repeat; i++) {
        ended e = {.run = {.input = inputs_of(s),
                           .output = s->output,
                           .done = run_done}};
        int status = wr_nn_run_start(s->cell, s->pool, &e.run);
        if (status != 0)
            return failed(why, status, "run");
        status = weir_pool_wait_idle(s->pool, WEIR_FOREVER);
        if (status != 0 || e.status != 0)
            return failed(why, status != 0 ? status : e.status, "run");
        s->times[i] = e.run.run_ns;
    }
    if (s->trace != NULL)
        weir_trace_stop(s->trace);
    return 0;
}

static int time_order(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void print_times(session *s) {
    int n = s->options.repeat;
    double first = (double)s->times[0] / 1e6;
    printf("threads  %s\n", weir_pool_reason(s->pool));
    if (n == 1) {
        printf("run      %.3f ms\n", first);
        return;
    }
    qsort(s->times, (size_t)n, sizeof(*s->times), time_order);
    printf("run      first %.3f ms; of %d: least %.3f, median %.3f, most %.3f "
           "ms\n",
           first, n, (double)s->times[0] / 1e6, (double)s->times[n / 2] / 1e6,
           (double)s->times[n - 1] / 1e6);
}

// The same in order, on memory whose unused bytes are NaNs.
static int check(const session *s, wr_nn_why *why) {
    const wr_nn_plan *plan = s->plan;
    int status = wr_nn_plan_check(plan, why);
    void **again = wr_calloc((size_t)plan->outputs + 1, sizeof(*again));
    if (again == NULL)
        return no_memory(why);
    for (int i = 0; i < plan->outputs && status == 0; i++) {
        again[i] = wr_aligned_alloc(WR_NN_ALIGN, wr_nn_bytes(&plan->output[i]));
        if (again[i] == NULL)
            status = no_memory(why);
    }
    if (status == 0 && wr_nn_run_serial(plan, inputs_of(s), again, true) != 0)
        status = no_memory(why);
    for (int i = 0; i < plan->outputs && status == 0; i++)
        if (memcmp(again[i], s->output[i], wr_nn_bytes(&plan->output[i])) != 0)
            status = wr_nn_refuse(why, -EIO, NULL,
                                  "output '%.96s' is not what running in order "
                                  "gives",
                                  plan->output_name[i]);
    for (int i = 0; i < plan->outputs; i++)
        wr_free(again[i]);
    wr_free(again);
    if (status == 0)
        printf("check    the same bits in order on poisoned memory\n");
    return status;
}

// ---- after -----------------------------------------------------------------

static int write_outputs(const session *s, wr_nn_why *why) {
    for (int g = 0; g < s->options.outputs; g++) {
        const wr_nn_given *given = &s->options.output[g];
        int i = 0;
        while (strlen(s->plan->output_name[i]) != given->left ||
               memcmp(s->plan->output_name[i], given->whole, given->left) != 0)
            i++;
        char header[WR_NN_NPY_HEADER_MAX];
        wr_nn_piece_of_file pieces[] = {
            {header, wr_nn_npy_header(header, &s->plan->output[i])},
            {s->output[i], wr_nn_bytes(&s->plan->output[i])}};
        int status = wr_nn_file_write(given->right, pieces, 2, why);
        if (status != 0)
            return status;
    }
    return 0;
}

static int write_trace(const session *s, wr_nn_why *why) {
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    if (memory == NULL)
        return no_memory(why);
    const char *dot = strrchr(s->options.trace, '.');
    int status = strcmp(dot, ".svg") == 0 ? weir_trace_svg(s->trace, memory, 0)
                                          : weir_trace_json(s->trace, memory);
    if (fclose(memory) != 0 && status == 0)
        status = -ENOMEM;
    if (status != 0) {
        failed(why, status, "timeline");
    } else {
        wr_nn_piece_of_file piece = {text, size};
        status = wr_nn_file_write(s->options.trace, &piece, 1, why);
    }
    free(text);
    return status;
}

static void close_session(session *s) {
    wr_nn_cell_destroy(s->cell);
    weir_pool_destroy(s->pool);
    weir_trace_destroy(s->trace);
    wr_nn_profile_free(&s->profile);
    for (int i = 0; s->output != NULL && i < s->plan->outputs; i++)
        wr_free(s->output[i]);
    wr_free(s->output);
    wr_free(s->times);
    wr_nn_plan_destroy(s->plan);
    wr_nn_inputs_free(&s->inputs);
    wr_nn_graph_destroy(s->model);
}

// *usage: what fails here is the command line, not the model.
static int prepare(session *s, bool *usage, wr_nn_why *why) {
    int status = read_model(s, why);
    if (status != 0)
        return status;
    *usage = true;
    status =
        wr_nn_inputs_read(&s->inputs, s->model, &s->options, &s->limits, why);
    *usage = status == -EINVAL;
    if (status == 0)
        status = compile(s, why);
    if (status == 0) {
        status = check_outputs(s, why);
        *usage = status != 0;
    }
    return status;
}

static int run(session *s, wr_nn_why *why) {
    wr_nn_print_plan(s->options.model, s->plan);
    if (s->options.nodes)
        wr_nn_print_nodes(s->plan);
    int status = open_run(s, why);
    if (status == 0)
        status = run_all(s, why);
    if (status != 0)
        return status;
    print_times(s);
    if (s->options.profile)
        wr_nn_print_profile(&s->profile, s->options.repeat);
    for (int i = 0; i < s->plan->outputs; i++)
        wr_nn_print_value("output", s->plan->output_name[i],
                          &s->plan->output[i], s->output[i]);
    if (s->options.check)
        status = check(s, why);
    if (status == 0)
        status = write_outputs(s, why);
    if (status == 0 && s->trace != NULL)
        status = write_trace(s, why);
    return status;
}

int wr_nn_main(int argc, char **argv) {
    wr_nn_why why = {""};
    session s = {.limits = WR_NN_LIMITS_INIT};
    bool usage = false;
    int status = wr_nn_options_parse(&s.options, argc, argv, &why);
    if (status != 0) {
        fprintf(stderr, "weir run: %s (--help explains)\n", why.text);
        return WR_NN_USAGE;
    }
    if (s.options.help) {
        fputs(wr_nn_options_help(), stdout);
        return WR_NN_DONE;
    }
    status = prepare(&s, &usage, &why);
    if (status == 0)
        status = run(&s, &why);
    close_session(&s);
    if (status == 0 && fflush(stdout) != 0)
        status = wr_nn_refuse(&why, -errno, NULL, "standard output: %s",
                              strerror(errno));
    if (status == 0)
        return WR_NN_DONE;
    fprintf(stderr, "weir run: %s\n", why.text);
    return usage ? WR_NN_USAGE : WR_NN_FAILED;
}
