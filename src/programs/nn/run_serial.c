// SPDX-License-Identifier: MIT
//
// What a task works on, and the plan run in order on one thread.
#include "programs/nn/run.h"

#include "base/fault.h"
#include "os/os.h"
#include "programs/nn/graph.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

// ---- where values are ------------------------------------------------------

// NULL: the value is absent, or a shape parameter whose memory nobody reads.
static unsigned char *address(const wr_nn_plan *plan, const wr_nn_desk *desk,
                              int value) {
    if (value < 0)
        return NULL;
    const wr_nn_spot *spot = &plan->spot[value];
    const void *base = NULL;
    switch (spot->place) {
    case WR_NN_CONSTANT: base = plan->graph->value[value].data; break;
    case WR_NN_INPUT: base = desk->input[spot->slot]; break;
    case WR_NN_OUTPUT: base = desk->output[spot->slot]; break;
    case WR_NN_ARENA: base = desk->arena; break;
    case WR_NN_NOWHERE: break;
    }
    return base == NULL ? NULL
                        : (unsigned char *)(uintptr_t)base + spot->offset;
}

void wr_nn_call(const wr_nn_plan *plan, const wr_nn_desk *desk, void *scratch,
                int task, unsigned part) {
    const wr_nn_node *node = &plan->graph->node[task];
    const void *in[WR_NN_ARGS_MAX];
    void *out[WR_NN_ARGS_MAX];
    for (int i = 0; i < node->inputs; i++)
        in[i] = address(plan, desk, node->input[i]);
    for (int i = 0; i < node->outputs; i++)
        out[i] = address(plan, desk, node->output[i]);
    node->op->run(plan->graph, node, in, out, scratch, part);
}

void wr_nn_deliver(const wr_nn_plan *plan, const wr_nn_desk *desk) {
    const wr_nn_graph *graph = plan->graph;
    for (int i = 0; i < graph->outputs; i++) {
        const unsigned char *from = address(plan, desk, graph->output[i]);
        if (from != NULL && from != desk->output[i])
            memcpy(desk->output[i], from,
                   wr_nn_bytes(&graph->value[graph->output[i]].shape));
    }
}

size_t wr_nn_scratch(const wr_nn_plan *plan) {
    size_t most = 0;
    for (int i = 0; i < plan->graph->nodes; i++)
        if (plan->task[i].scratch > most)
            most = plan->task[i].scratch;
    return (most + WR_NN_ALIGN - 1) / WR_NN_ALIGN * WR_NN_ALIGN;
}

// ---- poison ----------------------------------------------------------------

enum { POISON = 0xFF }; // as float32: NaN

typedef struct span {
    unsigned char *from;
    size_t bytes;
} span;

static span span_of(const wr_nn_plan *plan, const wr_nn_desk *desk, int value) {
    span s = {address(plan, desk, value), 0};
    if (s.from != NULL)
        s.bytes = wr_nn_bytes(&plan->graph->value[value].shape);
    return s;
}

static bool overlap(span a, span b) {
    return a.bytes > 0 && b.bytes > 0 && a.from < b.from + b.bytes &&
           b.from < a.from + a.bytes;
}

// Which task makes a value and which reads it last; -1: none does. Values that
// the caller gets are read at the end.
typedef struct life {
    int made;
    int last;
} life;

static life *lives_of(const wr_nn_plan *plan) {
    const wr_nn_graph *graph = plan->graph;
    // One more: there may be none, and none is no failure.
    life *lives = wr_calloc((size_t)graph->values + 1, sizeof(*lives));
    if (lives == NULL)
        return NULL;
    for (int i = 0; i < graph->values; i++)
        lives[i] = (life){-1, -1};
    for (int t = 0; t < graph->nodes; t++) {
        const wr_nn_node *node = &graph->node[t];
        for (int i = 0; i < node->inputs; i++)
            if (node->input[i] >= 0)
                lives[node->input[i]].last = t;
        for (int i = 0; i < node->outputs; i++)
            if (node->output[i] >= 0)
                lives[node->output[i]].made = t;
    }
    for (int i = 0; i < graph->outputs; i++)
        lives[graph->output[i]].last = INT_MAX;
    return lives;
}

static bool is_scribble(const wr_nn_plan *plan, int value) {
    return value >= 0 && (plan->spot[value].place == WR_NN_ARENA ||
                          plan->spot[value].place == WR_NN_OUTPUT);
}

static void poison_outputs(const wr_nn_plan *plan, const wr_nn_desk *desk,
                           int task) {
    const wr_nn_node *node = &plan->graph->node[task];
    for (int o = 0; o < node->outputs; o++) {
        if (!is_scribble(plan, node->output[o]))
            continue;
        span out = span_of(plan, desk, node->output[o]);
        bool shared = false;
        for (int i = 0; i < node->inputs && !shared; i++)
            shared = overlap(out, span_of(plan, desk, node->input[i]));
        if (!shared && out.bytes > 0)
            memset(out.from, POISON, out.bytes);
    }
}

// What only this task still read is dead, unless somebody lives on its bytes.
static void poison_dead(const wr_nn_plan *plan, const wr_nn_desk *desk,
                        const life *lives, int task) {
    const wr_nn_graph *graph = plan->graph;
    const wr_nn_node *node = &graph->node[task];
    for (int i = 0; i < node->inputs; i++) {
        int value = node->input[i];
        if (value < 0 || lives[value].last != task ||
            plan->spot[value].place != WR_NN_ARENA)
            continue;
        span dead = span_of(plan, desk, value);
        bool shared = false;
        for (int other = 0; other < graph->values && !shared; other++)
            shared = lives[other].made >= 0 && lives[other].made <= task &&
                     lives[other].last > task && is_scribble(plan, other) &&
                     overlap(dead, span_of(plan, desk, other));
        if (!shared && dead.bytes > 0)
            memset(dead.from, POISON, dead.bytes);
    }
}

// ---- in order --------------------------------------------------------------

static void run_all(const wr_nn_plan *plan, const wr_nn_desk *desk,
                    unsigned char *scratch, size_t scratch_bytes,
                    const life *lives) {
    for (int task = 0; task < plan->graph->nodes; task++) {
        if (lives != NULL)
            poison_outputs(plan, desk, task);
        for (unsigned part = 0; part < plan->task[task].parts; part++) {
            if (lives != NULL)
                memset(scratch, POISON, scratch_bytes);
            wr_nn_call(plan, desk, scratch, task, part);
        }
        if (lives != NULL)
            poison_dead(plan, desk, lives, task);
    }
    wr_nn_deliver(plan, desk);
}

int wr_nn_run_serial(const wr_nn_plan *plan, const void *const *input,
                     void *const *output, bool poison) {
    // Never of 0 bytes: then there would be no address to add to.
    size_t arena_bytes = plan->arena_bytes + WR_NN_ALIGN;
    size_t scratch_bytes = wr_nn_scratch(plan) + WR_NN_ALIGN;
    wr_nn_desk desk = {wr_pages_alloc_huge(arena_bytes), input, output};
    unsigned char *scratch = wr_pages_alloc_huge(scratch_bytes);
    life *lives = poison ? lives_of(plan) : NULL;
    int status = -ENOMEM;
    if (desk.arena != NULL && scratch != NULL && (lives != NULL || !poison)) {
        if (poison)
            memset(desk.arena, POISON, arena_bytes);
        run_all(plan, &desk, scratch, scratch_bytes, lives);
        status = 0;
    }
    wr_free(lives);
    if (scratch != NULL)
        wr_pages_free(scratch, scratch_bytes);
    if (desk.arena != NULL)
        wr_pages_free(desk.arena, arena_bytes);
    return status;
}
