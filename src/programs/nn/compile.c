// SPDX-License-Identifier: MIT
//
// From a model and the shapes of its inputs to a plan.
#include "programs/nn/pass.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fault.h"
#include "os/os.h"

int wr_nn_cancelled(const wr_nn_compiler *c) {
    if (c->options->cancelled == NULL)
        return 0;
    int status = c->options->cancelled(c->options->context);
    if (status != 0)
        wr_nn_refuse(c->why, status, NULL, "compiling was cancelled");
    return status;
}

// ---------------------------------------------------------------------------
// Inputs

static int bind_one(wr_nn_compiler *c, int value, const wr_nn_binding *to) {
    const wr_nn_value *at = wr_nn_value_at(c, value);
    const wr_nn_shape *shape = &at->shape;
    char want[WR_NN_SHAPE_TEXT], have[WR_NN_SHAPE_TEXT];
    bool fits = to->shape.rank >= 0 && to->shape.rank <= WR_NN_RANK_MAX &&
                to->shape.type == shape->type &&
                (shape->rank < 0 || shape->rank == to->shape.rank);
    for (int i = 0; fits && i < to->shape.rank; i++)
        fits = to->shape.dim[i] > 0 && (shape->rank < 0 || shape->dim[i] < 0 ||
                                        shape->dim[i] == to->shape.dim[i]);
    if (!fits)
        return wr_nn_refuse(
            c->why, -EINVAL, NULL, "input '%.100s' is %s, not %s", at->name,
            wr_nn_shape_text(want, shape), wr_nn_shape_text(have, &to->shape));
    size_t bytes = wr_nn_bytes(&to->shape);
    if (bytes > c->limits->tensor_max)
        return wr_nn_refuse(c->why, -E2BIG, NULL,
                            "input '%.100s' is above the limit of %zu bytes",
                            at->name, c->limits->tensor_max);
    c->graph->value[value].shape = to->shape;
    if (to->data == NULL || to->shape.type == WR_NN_F32)
        return 0;
    void *copy = wr_nn_allocate(c->graph, bytes);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, to->data, bytes);
    c->graph->value[value].data = copy;
    return 0;
}

static int bind_all(wr_nn_compiler *c, const wr_nn_binding *bindings,
                    int count) {
    const wr_nn_graph *graph = c->graph;
    if (count != graph->inputs)
        return wr_nn_refuse(c->why, -EINVAL, NULL,
                            "the model has %d inputs, not %d", graph->inputs,
                            count);
    for (int i = 0; i < count; i++) {
        int status = bind_one(c, graph->input[i], &bindings[i]);
        if (status != 0)
            return status;
    }
    return 0;
}

// ---------------------------------------------------------------------------
// Passes

// Every output is a value of its own that a node makes: what is an input, a
// constant or another output as well is copied.
static int own_outputs(wr_nn_compiler *c) {
    wr_nn_graph *graph = c->graph;
    uint8_t *taken = wr_calloc((size_t)graph->values + 1, 1);
    if (taken == NULL)
        return -ENOMEM;
    int values = graph->values, status = 0;
    for (int i = 0; i < graph->outputs && status == 0; i++) {
        int value = graph->output[i];
        if (value < values && !taken[value] && c->producer[value] >= 0) {
            taken[value] = 1;
            continue;
        }
        int node =
            wr_nn_edit_add(c, wr_nn_op_find("Identity"), NULL, &value, 1, 1);
        status = node < 0 ? node : wr_nn_edit_infer(c, node);
        if (status == 0) {
            int copy = wr_nn_at(c, node)->output[0];
            c->uses[value]--;
            c->uses[copy]++;
            graph->output[i] = copy;
        }
    }
    wr_free(taken);
    return status;
}

// Parameters once more, now that nothing changes: the result must be as it was.
static int infer_again(wr_nn_compiler *c) {
    for (int i = 0; i < c->graph->nodes; i++) {
        const wr_nn_node *node = wr_nn_at(c, i);
        if (node->outputs < 1 || node->output[0] < 0)
            continue;
        wr_nn_shape was = wr_nn_value_at(c, node->output[0])->shape;
        int status = wr_nn_cancelled(c);
        if (status == 0)
            status = wr_nn_edit_infer(c, i);
        if (status != 0)
            return status;
        if (!wr_nn_same_shape(
                &was, &wr_nn_value_at(c, wr_nn_at(c, i)->output[0])->shape))
            return wr_nn_refuse(c->why, -EINVAL, wr_nn_at(c, i),
                                "the compiler changed the shape");
    }
    return 0;
}

typedef struct pass {
    int (*run)(wr_nn_compiler *c);
    unsigned without; // left out with any of these
} pass;

static int run_passes(wr_nn_compiler *c) {
    static const pass passes[] = {
        {wr_nn_pass_infer, 0},
        {wr_nn_pass_elide, WR_NN_WITHOUT_FOLDING},
        {wr_nn_pass_views, WR_NN_WITHOUT_FOLDING},
        {wr_nn_pass_patterns, WR_NN_WITHOUT_FUSION},
        {wr_nn_pass_weights, WR_NN_WITHOUT_FOLDING},
        {wr_nn_pass_patterns, WR_NN_WITHOUT_FUSION},
        {wr_nn_pass_layout, WR_NN_WITHOUT_LAYOUT},
        {wr_nn_pass_views, WR_NN_WITHOUT_FOLDING},
        {wr_nn_pass_fuse, WR_NN_WITHOUT_FUSION},
        {own_outputs, 0},
        {infer_again, 0},
    };
    int status = wr_nn_link(c);
    for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
        if (status == 0)
            status = wr_nn_cancelled(c);
        if (status != 0)
            return status;
        if ((c->options->without & passes[i].without) != 0)
            continue;
        status = passes[i].run(c);
        if (status == 0)
            status = wr_nn_settle(c);
    }
    return status;
}

// ---------------------------------------------------------------------------
// Constants made on the way

static int by_address(const void *a, const void *b) {
    uintptr_t x = (uintptr_t)((const wr_nn_made *)a)->data;
    uintptr_t y = (uintptr_t)((const wr_nn_made *)b)->data;
    return x < y ? -1 : x > y;
}

static wr_nn_made *find_made(const wr_nn_compiler *c, const void *data) {
    wr_nn_made key = {.data = (void *)(uintptr_t)data};
    return data == NULL || c->mades == 0
               ? NULL
               : bsearch(&key, c->made, (size_t)c->mades, sizeof key,
                         by_address);
}

int wr_nn_made_keep(wr_nn_compiler *c, wr_nn_plan *plan) {
    const wr_nn_graph *graph = c->graph;
    plan->made = wr_calloc((size_t)c->mades + 1, sizeof *plan->made);
    if (plan->made == NULL)
        return -ENOMEM;
    if (c->mades > 0)
        qsort(c->made, (size_t)c->mades, sizeof *c->made, by_address);
    for (int v = 0; v < graph->values; v++) {
        wr_nn_made *made =
            c->uses[v] > 0 ? find_made(c, graph->value[v].data) : NULL;
        if (made != NULL)
            made->used = true;
    }
    for (int v = 0; v < graph->values; v++) {
        wr_nn_made *made = find_made(c, graph->value[v].data);
        if (made != NULL && !made->used)
            c->graph->value[v].data = NULL;
    }
    for (int i = 0; i < c->mades; i++) {
        if (!c->made[i].used) {
            wr_free(c->made[i].data);
            continue;
        }
        plan->made[plan->mades++] = c->made[i].data;
        plan->made_bytes += c->made[i].bytes;
    }
    c->mades = 0;
    return 0;
}

void wr_nn_compiler_free(wr_nn_compiler *c) {
    for (int i = 0; i < c->mades; i++)
        wr_free(c->made[i].data);
    wr_free(c->made);
    wr_free(c->producer);
    wr_free(c->head);
    wr_free(c->uses);
    wr_free(c->first);
    wr_free(c->edge);
}

// ---------------------------------------------------------------------------
// The plan

static double cost_of(const wr_nn_graph *graph, const wr_nn_node *node) {
    if (node->op->cost != NULL)
        return node->op->cost(graph, node);
    double elements = 0;
    for (int k = 0; k < node->outputs; k++)
        if (node->output[k] >= 0)
            elements +=
                (double)wr_nn_elements(&graph->value[node->output[k]].shape);
    return elements;
}

static unsigned parts_of(const wr_nn_compiler *c, const wr_nn_node *node,
                         double cost) {
    unsigned most =
        node->op->parts_max == NULL ? 1 : node->op->parts_max(c->graph, node);
    if (most > c->options->parts_max)
        most = c->options->parts_max;
    double wanted =
        c->options->part_ns > 0 ? cost / c->options->part_ns : (double)most;
    if (wanted < (double)most)
        most = (unsigned)wanted;
    return most < 1 ? 1 : most;
}

// A node that only gives another name to its bytes has nothing to do.
static bool is_alias(const wr_nn_plan *plan, const wr_nn_node *node) {
    if ((node->op->flags & WR_NN_VIEW) == 0)
        return false;
    const wr_nn_spot *from = &plan->spot[node->input[0]];
    const wr_nn_spot *to = &plan->spot[node->output[0]];
    return from->place == to->place && from->slot == to->slot &&
           from->offset == to->offset && from->place != WR_NN_CONSTANT;
}

static int prepare(wr_nn_compiler *c, wr_nn_plan *plan, double *cost) {
    wr_nn_graph *graph = plan->graph;
    for (int i = 0; i < graph->nodes; i++) {
        wr_nn_node *node = &graph->node[i];
        int status = wr_nn_cancelled(c);
        if (status != 0)
            return status;
        cost[i] = is_alias(plan, node) ? 0 : cost_of(graph, node);
        node->parts = cost[i] == 0 ? 1 : parts_of(c, node, cost[i]);
        if (node->op->prepare == NULL)
            continue;
        status = node->op->prepare(graph, node, &plan->state_bytes, c->why);
        if (status != 0)
            return status;
    }
    return 0;
}

static void find_scratch(wr_nn_plan *plan) {
    wr_nn_task *task = (wr_nn_task *)(uintptr_t)plan->task;
    for (int i = 0; i < plan->graph->nodes; i++) {
        const wr_nn_node *node = &plan->graph->node[i];
        size_t bytes = node->op->scratch == NULL
                           ? 0
                           : node->op->scratch(plan->graph, node);
        bytes = (bytes + WR_NN_ALIGN - 1) / WR_NN_ALIGN * WR_NN_ALIGN;
        task[i].scratch = bytes;
        if (bytes * node->parts > plan->scratch_bytes)
            plan->scratch_bytes = bytes * node->parts;
    }
}

static int list_ends(wr_nn_plan *plan, const wr_nn_graph *model,
                     const wr_nn_binding *bindings) {
    wr_nn_graph *graph = plan->graph;
    size_t in = (size_t)model->inputs + 1, out = (size_t)model->outputs + 1;
    plan->inputs = model->inputs;
    plan->outputs = model->outputs;
    plan->input = wr_nn_allocate(graph, in * sizeof *plan->input);
    plan->output = wr_nn_allocate(graph, out * sizeof *plan->output);
    plan->input_name = wr_nn_allocate(graph, in * sizeof *plan->input_name);
    plan->output_name = wr_nn_allocate(graph, out * sizeof *plan->output_name);
    if (plan->input == NULL || plan->output == NULL ||
        plan->input_name == NULL || plan->output_name == NULL)
        return -ENOMEM;
    for (int i = 0; i < model->inputs; i++) {
        plan->input[i] = bindings[i].shape;
        plan->input_name[i] = model->value[model->input[i]].name;
    }
    for (int i = 0; i < model->outputs; i++) {
        plan->output[i] = graph->value[graph->output[i]].shape;
        plan->output_name[i] = model->value[model->output[i]].name;
    }
    return 0;
}

static int check_size(const wr_nn_compiler *c, const wr_nn_plan *plan) {
    size_t most = c->options->arena_max;
    if (plan->arena_bytes > most ||
        plan->scratch_bytes > most - plan->arena_bytes)
        return wr_nn_refuse(c->why, -E2BIG, NULL,
                            "one run needs %zu bytes, above the limit of %zu",
                            plan->arena_bytes + plan->scratch_bytes, most);
    return 0;
}

// One operator may be asked for years of work in a few bytes.
static int check_cost(const wr_nn_compiler *c, const wr_nn_plan *plan) {
    double most = c->options->cost_max_ns, sum = 0;
    for (int i = 0; i < plan->graph->nodes && most > 0; i++) {
        const wr_nn_node *node = &plan->graph->node[i];
        sum += is_alias(plan, node) ? 0 : cost_of(plan->graph, node);
        if (sum > most)
            return wr_nn_refuse(c->why, -E2BIG, node,
                                "with it one run would take more than %.3g s",
                                most / 1e9);
    }
    return 0;
}

static int finish(wr_nn_compiler *c, wr_nn_plan *plan) {
    wr_nn_graph *graph = plan->graph;
    wr_nn_order order = {0};
    double *cost = wr_calloc((size_t)graph->nodes + 1, sizeof *cost);
    int status = cost == NULL ? -ENOMEM : wr_nn_order_create(&order, graph);
    if (status == 0)
        status = wr_nn_plan_memory(plan, &order, c->options, c->why);
    if (status == 0)
        status = check_size(c, plan); // before weights are packed
    if (status == 0)
        status = check_cost(c, plan);
    if (status == 0)
        status = prepare(c, plan, cost);
    if (status == 0)
        status = wr_nn_plan_tasks(plan, &order, cost);
    if (status == 0) {
        find_scratch(plan);
        status = check_size(c, plan);
    }
    wr_nn_order_destroy(&order);
    wr_free(cost);
    return status;
}

static size_t constant_bytes(const wr_nn_graph *graph) {
    size_t sum = 0;
    for (int v = 0; v < graph->values; v++)
        if (graph->value[v].data != NULL)
            sum += wr_nn_bytes(&graph->value[v].shape);
    return sum;
}

static int compile(wr_nn_compiler *c, wr_nn_plan *plan,
                   const wr_nn_graph *model, const wr_nn_binding *bindings,
                   int count) {
    enum { MADE_ANYWAY = 64 << 20 };
    c->made_max = 3 * constant_bytes(model) + MADE_ANYWAY;
    plan->nodes_read = model->nodes;
    int status = bind_all(c, bindings, count);
    if (status == 0)
        status = run_passes(c);
    if (status == 0)
        status = wr_nn_made_keep(c, plan);
    if (status == 0)
        status = list_ends(plan, model, bindings);
    return status == 0 ? finish(c, plan) : status;
}

int wr_nn_compile(wr_nn_plan **out, const wr_nn_graph *model,
                  const wr_nn_binding *bindings, int count,
                  const wr_nn_compile_options *options,
                  const wr_nn_limits *limits, wr_nn_why *why) {
    static const wr_nn_compile_options usual_options =
        WR_NN_COMPILE_OPTIONS_INIT;
    static const wr_nn_limits usual_limits = WR_NN_LIMITS_INIT;
    wr_nn_why nobody;
    int64_t began = wr_now_ns();
    *out = NULL;
    wr_nn_compiler c = {
        .graph = wr_nn_graph_copy(model),
        .options = options == NULL ? &usual_options : options,
        .limits = limits == NULL ? &usual_limits : limits,
        .why = why == NULL ? &nobody : why,
    };
    c.why->text[0] = '\0';
    wr_nn_plan *plan = wr_calloc(1, sizeof *plan);
    int status = -ENOMEM;
    if (plan != NULL && c.graph != NULL) {
        plan->graph = c.graph;
        status = compile(&c, plan, model, bindings, count);
    } else {
        wr_nn_graph_destroy(c.graph);
    }
    wr_nn_compiler_free(&c);
    if (status != 0) {
        if (c.why->text[0] == '\0')
            wr_nn_refuse(c.why, status, NULL,
                         status == -ENOMEM ? "no memory to compile the model"
                                           : "the model cannot be compiled");
        wr_nn_plan_destroy(plan);
        return status;
    }
    plan->compile_ns = wr_now_ns() - began;
    *out = plan;
    return 0;
}
