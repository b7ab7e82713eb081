// SPDX-License-Identifier: MIT
//
// Between passes: dead nodes go, the rest is sorted, and what every pass relies
// on is made sure of.
#include "programs/nn/pass.h"

#include <errno.h>

#include "base/fault.h"

typedef struct settling {
    wr_nn_graph *graph;
    int *producer;  // [value]
    int *stack;     // of nodes
    int *slot;      // [node]: the input that the walk looks at next
    uint8_t *live;  // [node]
    uint8_t *state; // [node]: 0 new, 1 on the stack, 2 placed
    int *order;
    int placed;
} settling;

static int find_producers(settling *s) {
    const wr_nn_graph *graph = s->graph;
    for (int i = 0; i < graph->values; i++)
        s->producer[i] = -1;
    for (int i = 0; i < graph->nodes; i++) {
        const wr_nn_node *node = &graph->node[i];
        if (node->op == NULL)
            continue;
        for (int k = 0; k < node->outputs; k++) {
            int value = node->output[k];
            if (value < 0)
                continue;
            if (value >= graph->values || s->producer[value] >= 0 ||
                graph->value[value].data != NULL)
                return -EINVAL;
            s->producer[value] = i;
        }
    }
    return 0;
}

static int mark(settling *s, int value, int top) {
    int node = value < 0 ? -1 : s->producer[value];
    if (node < 0 || s->live[node])
        return top;
    s->live[node] = 1;
    s->stack[top++] = node;
    return top;
}

static void find_live(settling *s) {
    int top = 0;
    for (int i = 0; i < s->graph->outputs; i++)
        top = mark(s, s->graph->output[i], top);
    while (top > 0) {
        const wr_nn_node *node = &s->graph->node[s->stack[--top]];
        for (int k = 0; k < node->inputs; k++)
            top = mark(s, node->input[k], top);
    }
}

// Producers first, each node as soon as its turn comes in the old order.
static int place(settling *s, int root) {
    int top = 0;
    s->stack[top++] = root;
    s->state[root] = 1;
    while (top > 0) {
        int index = s->stack[top - 1];
        const wr_nn_node *node = &s->graph->node[index];
        if (s->slot[index] == node->inputs) {
            s->state[index] = 2;
            s->order[s->placed++] = index;
            top--;
            continue;
        }
        int value = node->input[s->slot[index]++];
        int next = value < 0 ? -1 : s->producer[value];
        if (next < 0 || s->state[next] == 2)
            continue;
        if (s->state[next] == 1)
            return -EINVAL; // a cycle
        s->state[next] = 1;
        s->stack[top++] = next;
    }
    return 0;
}

static int sort(settling *s) {
    for (int i = 0; i < s->graph->nodes; i++)
        if (s->live[i] && s->state[i] == 0 && place(s, i) != 0)
            return -EINVAL;
    return 0;
}

static int permute(settling *s) {
    wr_nn_graph *graph = s->graph;
    size_t bytes = (size_t)s->placed * sizeof *graph->node;
    wr_nn_node *sorted = wr_malloc(bytes + 1);
    if (sorted == NULL)
        return -ENOMEM;
    for (int i = 0; i < s->placed; i++)
        sorted[i] = graph->node[s->order[i]];
    if (bytes > 0)
        memcpy(graph->node, sorted, bytes);
    graph->nodes = s->placed;
    wr_free(sorted);
    return 0;
}

// Every value that is read is there by then and has a shape that is known.
static int check(const wr_nn_compiler *c) {
    const wr_nn_graph *graph = c->graph;
    for (int i = 0; i < graph->nodes; i++) {
        const wr_nn_node *node = &graph->node[i];
        for (int k = 0; k < node->inputs; k++) {
            int value = node->input[k];
            if (value < 0)
                continue;
            if (value >= graph->values || c->producer[value] >= i ||
                !wr_nn_known(&graph->value[value].shape))
                return wr_nn_refuse(c->why, -EINVAL, node,
                                    "the compiler left input %d wrong", k);
        }
    }
    for (int i = 0; i < graph->outputs; i++)
        if (graph->output[i] < 0 || graph->output[i] >= graph->values)
            return wr_nn_refuse(c->why, -EINVAL, NULL,
                                "the compiler lost output %d", i);
    return 0;
}

int wr_nn_settle(wr_nn_compiler *c) {
    wr_nn_graph *graph = c->graph;
    size_t nodes = (size_t)graph->nodes + 1, values = (size_t)graph->values + 1;
    settling s = {.graph = graph,
                  .producer = wr_malloc(values * sizeof(int)),
                  .stack = wr_malloc(nodes * sizeof(int)),
                  .slot = wr_calloc(nodes, sizeof(int)),
                  .live = wr_calloc(nodes, 1),
                  .state = wr_calloc(nodes, 1),
                  .order = wr_malloc(nodes * sizeof(int))};
    int status = -ENOMEM;
    if (s.producer != NULL && s.stack != NULL && s.slot != NULL &&
        s.live != NULL && s.state != NULL && s.order != NULL) {
        status = find_producers(&s);
        if (status == 0) {
            find_live(&s);
            status = sort(&s);
        }
        if (status != 0)
            wr_nn_refuse(c->why, status, NULL,
                         "the compiler made a graph that is not one");
        else
            status = permute(&s);
    }
    wr_free(s.producer);
    wr_free(s.stack);
    wr_free(s.slot);
    wr_free(s.live);
    wr_free(s.state);
    wr_free(s.order);
    if (status == 0)
        status = wr_nn_link(c);
    return status == 0 ? check(c) : status;
}
