// SPDX-License-Identifier: MIT
//
// What makes a graph finished: every value has one origin, nodes have what
// their operators ask for, and producers come before consumers.
#include "programs/nn/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "programs/nn/graph_names.h"

enum {
    NOBODY = -1,
    THE_CALLER = -2, // an input of the graph
    THE_MODEL = -3,  // a constant
};

typedef struct checking {
    wr_nn_graph *graph;
    wr_nn_why *why;
    int *origin; // of each value: a node that produces it, or one of the above
} checking;

static const char *name_of(const wr_nn_graph *graph, int value) {
    const char *name = graph->value[value].name;
    return name[0] == '\0' ? "(no name)" : name;
}

static bool there(const wr_nn_graph *graph, int value) {
    return value >= 0 && value < graph->values;
}

// ---------------------------------------------------------------------------
// Names and origins

static int check_names(const checking *c) {
    wr_nn_names names = {0};
    int status = 0;
    for (int i = 0; status == 0 && i < c->graph->values; i++) {
        const char *name = c->graph->value[i].name;
        if (name[0] == '\0')
            continue;
        status = wr_nn_names_put(&names, name, i);
        if (status == 1)
            status = wr_nn_refuse(c->why, -EINVAL, NULL,
                                  "two values are called '%.200s'", name);
        else if (status != 0)
            wr_nn_refuse(c->why, status, NULL, "out of memory");
    }
    wr_nn_names_free(&names);
    return status;
}

static int check_ends(const checking *c) {
    const wr_nn_graph *graph = c->graph;
    for (int i = 0; i < graph->values; i++)
        c->origin[i] = graph->value[i].data != NULL ? THE_MODEL : NOBODY;
    for (int i = 0; i < graph->inputs; i++) {
        int value = graph->input[i];
        if (!there(graph, value))
            return wr_nn_refuse(c->why, -EINVAL, NULL,
                                "input %d of the graph is no value", i);
        if (c->origin[value] != NOBODY)
            return wr_nn_refuse(
                c->why, -EINVAL, NULL, "input '%.200s' of the graph is %s",
                name_of(graph, value),
                c->origin[value] == THE_MODEL ? "a constant" : "there twice");
        c->origin[value] = THE_CALLER;
    }
    if (graph->outputs == 0)
        return wr_nn_refuse(c->why, -EINVAL, NULL, "the graph has no outputs");
    return 0;
}

static int check_outputs(const checking *c) {
    const wr_nn_graph *graph = c->graph;
    bool *seen = calloc((size_t)graph->values + 1, sizeof *seen);
    if (seen == NULL)
        return wr_nn_refuse(c->why, -ENOMEM, NULL, "out of memory");
    int status = 0;
    for (int i = 0; status == 0 && i < graph->outputs; i++) {
        int value = graph->output[i];
        if (!there(graph, value))
            status = wr_nn_refuse(c->why, -EINVAL, NULL,
                                  "output %d of the graph is no value", i);
        else if (c->origin[value] == NOBODY)
            status = wr_nn_refuse(c->why, -EINVAL, NULL,
                                  "nothing produces output '%.200s'",
                                  name_of(graph, value));
        else if (seen[value])
            status = wr_nn_refuse(c->why, -EINVAL, NULL,
                                  "output '%.200s' of the graph is there twice",
                                  name_of(graph, value));
        else
            seen[value] = true;
    }
    free(seen);
    return status;
}

// ---------------------------------------------------------------------------
// Nodes

// The first `least` must be there, and there may not be more than `most`.
static int check_count(const checking *c, const wr_nn_node *node,
                       const char *what, const int *values, int count,
                       int least, int most) {
    int first = 0;
    while (first < count && first < least && values[first] != -1)
        first++;
    if (first < least)
        return wr_nn_refuse(c->why, -EINVAL, node,
                            "%s %d of at least %d is missing", what, first + 1,
                            least);
    if (count > most)
        return wr_nn_refuse(c->why, -EINVAL, node, "%d %ss, at most %d can be",
                            count, what, most);
    if (count > WR_NN_ARGS_MAX)
        return wr_nn_refuse(c->why, -E2BIG, node, "%d %ss, the limit is %d",
                            count, what, WR_NN_ARGS_MAX);
    for (int i = 0; i < count; i++)
        if (values[i] != -1 && !there(c->graph, values[i]))
            return wr_nn_refuse(c->why, -EINVAL, node, "%s %d is no value",
                                what, i + 1);
    return 0;
}

static int check_node(const checking *c, int index) {
    const wr_nn_node *node = &c->graph->node[index];
    const wr_nn_op *op = node->op;
    if (op == NULL)
        return wr_nn_refuse(c->why, -EINVAL, node, "no operator");
    if (c->graph->opset < op->since)
        return wr_nn_refuse(c->why, -ENOTSUP, node,
                            "opset %d is too old for it: known from %d on",
                            c->graph->opset, op->since);
    int status = check_count(c, node, "input", node->input, node->inputs,
                             op->inputs_min, op->inputs_max);
    if (status == 0)
        status = check_count(c, node, "output", node->output, node->outputs,
                             op->outputs_min, op->outputs_max);
    for (int i = 0; status == 0 && i < node->outputs; i++) {
        int value = node->output[i];
        if (value == -1)
            continue;
        if (c->origin[value] != NOBODY)
            return wr_nn_refuse(c->why, -EINVAL, node,
                                "its output '%.120s' is %s", //
                                name_of(c->graph, value),
                                c->origin[value] == THE_MODEL ? "a constant"
                                : c->origin[value] == THE_CALLER
                                    ? "an input of the graph"
                                    : "produced twice");
        c->origin[value] = index;
    }
    return status;
}

static int check_inputs(const checking *c, const wr_nn_node *node) {
    for (int i = 0; i < node->inputs; i++) {
        int value = node->input[i];
        if (value != -1 && c->origin[value] == NOBODY)
            return wr_nn_refuse(c->why, -EINVAL, node,
                                "nothing produces its input '%.120s'",
                                name_of(c->graph, value));
    }
    return 0;
}

// ---------------------------------------------------------------------------
// Order

// Depth first along producers, in the model's order: a graph that is in order
// stays as it is. Without recursion, since a chain may be as long as the model.
typedef struct sorting {
    int *path; // nodes whose producers are being visited
    int *next; // of each node: the input to look at next; -1 not visited
    int *order;
    int sorted;
} sorting;

enum { UNSEEN = -1, DONE = -2 };

static int visit(const checking *c, sorting *s, int from) {
    int depth = 0;
    s->path[depth] = from;
    s->next[from] = 0;
    while (depth >= 0) {
        int at = s->path[depth];
        const wr_nn_node *node = &c->graph->node[at];
        if (s->next[at] == node->inputs) {
            s->next[at] = DONE;
            s->order[s->sorted++] = at;
            depth--;
            continue;
        }
        int value = node->input[s->next[at]++];
        int producer = value == -1 ? NOBODY : c->origin[value];
        if (producer < 0 || s->next[producer] == DONE)
            continue;
        if (s->next[producer] != UNSEEN)
            return wr_nn_refuse(c->why, -EINVAL, &c->graph->node[producer],
                                "it needs its own result (a cycle)");
        s->next[producer] = 0;
        s->path[++depth] = producer;
    }
    return 0;
}

static int sort(const checking *c) {
    wr_nn_graph *graph = c->graph;
    size_t nodes = (size_t)graph->nodes;
    int *memory = calloc(3 * nodes + 1, sizeof *memory);
    wr_nn_node *sorted = calloc(nodes + 1, sizeof *sorted);
    int status = 0;
    if (memory == NULL || sorted == NULL) {
        status = wr_nn_refuse(c->why, -ENOMEM, NULL, "out of memory");
    } else {
        sorting s = {memory, memory + nodes, memory + 2 * nodes, 0};
        memset(s.next, 0xff, nodes * sizeof *s.next); // UNSEEN
        for (int i = 0; status == 0 && i < graph->nodes; i++)
            if (s.next[i] == UNSEEN)
                status = visit(c, &s, i);
        for (size_t i = 0; status == 0 && i < nodes; i++)
            sorted[i] = graph->node[s.order[i]];
        if (status == 0 && nodes > 0)
            memcpy(graph->node, sorted, nodes * sizeof *sorted);
    }
    free(memory);
    free(sorted);
    return status;
}

int wr_nn_graph_check(wr_nn_graph *graph, wr_nn_why *why) {
    checking c = {.graph = graph, .why = why};
    c.origin = calloc((size_t)graph->values + 1, sizeof *c.origin);
    if (c.origin == NULL)
        return wr_nn_refuse(why, -ENOMEM, NULL, "out of memory");
    int status = check_names(&c);
    if (status == 0)
        status = check_ends(&c);
    for (int i = 0; status == 0 && i < graph->nodes; i++)
        status = check_node(&c, i);
    for (int i = 0; status == 0 && i < graph->nodes; i++)
        status = check_inputs(&c, &graph->node[i]);
    if (status == 0)
        status = check_outputs(&c);
    if (status == 0)
        status = sort(&c);
    free(c.origin);
    return status;
}
