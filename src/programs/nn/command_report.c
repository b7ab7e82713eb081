// SPDX-License-Identifier: MIT
//
// What `weir run` prints.
#include "programs/nn/command.h"

#include "programs/nn/graph.h"

#include "weir/observe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- time by task ----------------------------------------------------------

int wr_nn_profile_init(wr_nn_profile *profile, const wr_nn_plan *plan,
                       const weir_pool *pool, weir_trace *trace) {
    unsigned workers = weir_pool_index_limit(pool);
    size_t tasks = (size_t)plan->graph->nodes;
    int64_t *spent = calloc(tasks * workers + 1, sizeof(*spent));
    if (spent == NULL)
        return -ENOMEM;
    *profile = (wr_nn_profile){plan, spent, workers, trace};
    return 0;
}

void wr_nn_profile_free(wr_nn_profile *profile) {
    free(profile->spent_ns);
    profile->spent_ns = NULL;
}

// Each worker counts for itself.
void wr_nn_profile_part(void *context, int task, unsigned part, int64_t from_ns,
                        int64_t to_ns, int worker) {
    (void)part;
    wr_nn_profile *p = context;
    p->spent_ns[(size_t)task * p->workers + (size_t)worker] += to_ns - from_ns;
    if (p->trace != NULL)
        weir_trace_span(p->trace, weir_worker_self(),
                        p->plan->graph->node[task].op->name, from_ns, to_ns);
}

static int64_t spent_on(const wr_nn_profile *profile, int task) {
    int64_t sum = 0;
    for (unsigned w = 0; w < profile->workers; w++)
        sum += profile->spent_ns[(size_t)task * profile->workers + w];
    return sum;
}

typedef struct row {
    const char *name; // operator or node
    const wr_nn_node *node;
    int64_t spent_ns;
    int count;
} row;

static int row_order(const void *a, const void *b) {
    const row *x = a, *y = b;
    return x->spent_ns != y->spent_ns ? (x->spent_ns < y->spent_ns ? 1 : -1)
                                      : strcmp(x->name, y->name);
}

static int row_add(row *rows, int count, const wr_nn_node *node, int64_t ns) {
    int at = 0;
    while (at < count && strcmp(rows[at].name, node->op->name) != 0)
        at++;
    if (at == count)
        rows[count++] = (row){.name = node->op->name};
    rows[at].spent_ns += ns;
    rows[at].count++;
    return count;
}

static void print_rows(const wr_nn_plan *plan, const row *rows, int count,
                       double all_ns, int runs) {
    char text[WR_NN_SHAPE_TEXT];
    double runs_ms = 1e6 * (double)runs;
    for (int i = 0; i < count; i++) {
        const wr_nn_node *node = rows[i].node;
        printf("%10.3f %5.1f%%  %-20s ", (double)rows[i].spent_ns / runs_ms,
               100 * (double)rows[i].spent_ns / all_ns,
               node == NULL ? rows[i].name : node->op->name);
        if (node == NULL)
            printf("%d nodes\n", rows[i].count);
        else
            printf("%-24s %s\n",
                   wr_nn_shape_text(text,
                                    &plan->graph->value[node->output[0]].shape),
                   node->name);
    }
}

void wr_nn_print_profile(const wr_nn_profile *profile, int runs) {
    enum { SHOWN = 25 };
    const wr_nn_plan *plan = profile->plan;
    int tasks = plan->graph->nodes;
    row *nodes = calloc((size_t)tasks + 1, sizeof(*nodes));
    row *kinds = calloc((size_t)tasks + 1, sizeof(*kinds));
    if (nodes != NULL && kinds != NULL) {
        int kinds_count = 0;
        double all_ns = 1;
        for (int t = 0; t < tasks; t++) {
            const wr_nn_node *node = &plan->graph->node[t];
            int64_t ns = spent_on(profile, t);
            all_ns += (double)ns;
            nodes[t] = (row){node->name, node, ns, 1};
            kinds_count = row_add(kinds, kinds_count, node, ns);
        }
        qsort(kinds, (size_t)kinds_count, sizeof(*kinds), row_order);
        qsort(nodes, (size_t)tasks, sizeof(*nodes), row_order);
        printf("\nms a run, all threads together, by operator\n");
        print_rows(plan, kinds, kinds_count, all_ns, runs);
        printf("\nms a run, by node%s\n",
               tasks > SHOWN ? ", the first 25" : "");
        print_rows(plan, nodes, tasks > SHOWN ? SHOWN : tasks, all_ns, runs);
        printf("\n");
    }
    free(nodes);
    free(kinds);
}

// ---- the plan --------------------------------------------------------------

enum { SIZE_TEXT = 32 };

static const char *size_text(char text[SIZE_TEXT], size_t bytes) {
    if (bytes < 10 << 10)
        snprintf(text, SIZE_TEXT, "%zu bytes", bytes);
    else if (bytes < 10 << 20)
        snprintf(text, SIZE_TEXT, "%.1f KiB", (double)bytes / (1 << 10));
    else
        snprintf(text, SIZE_TEXT, "%.1f MiB", (double)bytes / (1 << 20));
    return text;
}

void wr_nn_print_plan(const char *name, const wr_nn_plan *plan) {
    const char *slash = strrchr(name, '/');
    char arena[SIZE_TEXT], scratch[SIZE_TEXT], state[SIZE_TEXT];
    printf("model    %s: %d nodes, %d after compiling\n",
           slash != NULL ? slash + 1 : name, plan->nodes_read,
           plan->graph->nodes);
    printf("compile  %.1f ms\n", (double)plan->compile_ns / 1e6);
    printf("memory   arena %s, scratch %s a thread, packed weights %s\n",
           size_text(arena, plan->arena_bytes),
           size_text(scratch, wr_nn_scratch(plan)),
           size_text(state, plan->state_bytes));
}

static void print_place(const wr_nn_plan *plan, int value) {
    const wr_nn_spot *spot = &plan->spot[value];
    switch (spot->place) {
    case WR_NN_ARENA: printf("arena %10zu", spot->offset); break;
    case WR_NN_OUTPUT: printf("output %9d", spot->slot); break;
    case WR_NN_INPUT: printf("input %10d", spot->slot); break;
    case WR_NN_CONSTANT: printf("%-16s", "constant"); break;
    case WR_NN_NOWHERE: printf("%-16s", "nowhere"); break;
    }
}

void wr_nn_print_nodes(const wr_nn_plan *plan) {
    const wr_nn_graph *graph = plan->graph;
    char text[WR_NN_SHAPE_TEXT];
    printf("\n%5s  %-20s %5s %8s  %-16s %10s  %-24s %s\n", "node", "operator",
           "parts", "us", "where", "bytes", "makes", "name");
    for (int t = 0; t < graph->nodes; t++) {
        const wr_nn_node *node = &graph->node[t];
        for (int o = 0; o < node->outputs; o++) {
            if (node->output[o] < 0)
                continue;
            const wr_nn_shape *shape = &graph->value[node->output[o]].shape;
            if (o == 0)
                printf("%5d  %-20s %5u %8.1f  ", t, node->op->name,
                       plan->task[t].parts, plan->task[t].cost_ns / 1e3);
            else
                printf("%5s  %-20s %5s %8s  ", "", "", "", "");
            print_place(plan, node->output[o]);
            printf(" %10zu  %-24s %s\n", wr_nn_bytes(shape),
                   wr_nn_shape_text(text, shape), o == 0 ? node->name : "");
        }
    }
    printf("\n");
}

// ---- values ----------------------------------------------------------------

static double element(const wr_nn_shape *shape, const void *data, size_t i) {
    switch (shape->type) {
    case WR_NN_F32: return (double)((const float *)data)[i];
    case WR_NN_I32: return (double)((const int32_t *)data)[i];
    case WR_NN_I64: return (double)((const int64_t *)data)[i];
    case WR_NN_BOOL: return (double)((const uint8_t *)data)[i];
    case WR_NN_F64: return ((const double *)data)[i];
    case WR_NN_NONE: break;
    }
    return 0;
}

void wr_nn_print_value(const char *kind, const char *name,
                       const wr_nn_shape *shape, const void *data) {
    enum { SHOWN = 4 };
    char text[WR_NN_SHAPE_TEXT];
    size_t count = wr_nn_elements(shape);
    printf("%-8s %s %s:", kind, name, wr_nn_shape_text(text, shape));
    double sum = 0, low = 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        double x = element(shape, data, i);
        if (i < SHOWN)
            printf(" %.7g", x);
        sum += x;
        low = i == 0 || x < low ? x : low;
        high = i == 0 || x > high ? x : high;
    }
    printf("%s; %.7g to %.7g, sum %.9g\n", count > SHOWN ? " ..." : "", low,
           high, sum);
}
