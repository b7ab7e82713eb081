// SPDX-License-Identifier: MIT
// Plans drawn by hand or at random, without the compiler, over one operator
// that mixes its inputs: a part that ran too early, twice or not at all changes
// the result. It yields in the middle, so that on a deterministic pool other
// parts run between its halves, and it watches over its scratch.
#ifndef TEST_NN_SKETCH_H
#define TEST_NN_SKETCH_H

#include "base/random.h"
#include "programs/nn/graph.h"
#include "programs/nn/run.h"
#include "support/pool.h"

enum { TASKS_MAX = 48, WORDS = 96, SCRATCH = 192, OUTPUTS = 3 };

typedef struct sketch sketch;

// What happens in a part, for tests that interfere. Called in its middle.
typedef void sketch_hook(sketch *s, int task, unsigned part);

typedef struct probe {
    sketch *owner;
    int task;
    bool lazy; // writes the first half only
    tally ran; // parts
    tally ended;
} probe;

struct sketch {
    wr_nn_plan plan; // what is tested gets this
    wr_nn_graph *graph;
    wr_nn_task task[TASKS_MAX];
    int unblocks[TASKS_MAX][TASKS_MAX];
    wr_nn_spot spot[4 * TASKS_MAX];
    probe probe[TASKS_MAX];
    int32_t constant[WORDS];
    bool in_order; // a part checks that what it needs has ended: one run alone
    sketch_hook *hook;
    void *context;
};

static inline uint32_t sketch_mix(uint32_t sum, uint32_t word) {
    return (sum ^ word) * 0x9E3779B1u + (sum >> 15);
}

static inline void sketch_check_order(const sketch *s, int task) {
    for (int before = 0; before < s->graph->nodes; before++)
        for (int i = 0; i < s->task[before].unblocks_count; i++)
            if (s->unblocks[before][i] == task) {
                tally *ended = (tally *)(uintptr_t)&s->probe[before].ended;
                CHECK_EQ(tally_get(ended), s->task[before].parts);
            }
}

static inline void sketch_run(const wr_nn_graph *graph, const wr_nn_node *node,
                              const void *const *in, void *const *out,
                              void *scratch, unsigned part) {
    (void)graph;
    probe *p = (probe *)(uintptr_t)node->params;
    sketch *s = p->owner;
    tally_add(&p->ran);
    if (s->in_order)
        sketch_check_order(s, p->task);
    memset(scratch, p->task ^ (int)part, SCRATCH);
    unsigned parts = s->task[p->task].parts;
    int from = (int)(WORDS * part / parts);
    int to = (int)(WORDS * (part + 1) / parts);
    for (int j = from; j < to; j++) {
        if (j == (from + to) / 2) {
            if (p->lazy)
                break;
            if (s->hook != NULL)
                s->hook(s, p->task, part);
            if (weir_worker_self() != NULL)
                weir_yield(weir_worker_self());
        }
        uint32_t sum = (uint32_t)p->task;
        for (int i = 0; i < node->inputs; i++)
            if (in[i] != NULL)
                sum = sketch_mix(
                    sum,
                    ((const uint32_t *)in[i])[(i == 0 ? j : 7 * j) % WORDS]);
        for (int o = 0; o < node->outputs; o++)
            ((uint32_t *)out[o])[j] = sum + (uint32_t)o;
    }
    for (int i = 0; i < SCRATCH; i++)
        if (((unsigned char *)scratch)[i] !=
            (unsigned char)(p->task ^ (int)part))
            CHECK_FAIL("task %d part %u shares its scratch", p->task, part);
    tally_add(&p->ended);
}

static const wr_nn_op sketch_op = {
    .name = "WeirSketch", .inputs_max = 8, .outputs_max = 8, .run = sketch_run};

// ---- drawing ---------------------------------------------------------------

static inline const wr_nn_shape *sketch_shape(void) {
    static const wr_nn_shape shape = {WR_NN_I32, 1, {WORDS}};
    return &shape;
}

static inline int sketch_value(sketch *s, wr_nn_place place, int slot,
                               const void *data) {
    int v = wr_nn_value_add(s->graph, "", sketch_shape(), data);
    CHECK(v >= 0 && v < 4 * TASKS_MAX);
    s->spot[v] = (wr_nn_spot){.place = place, .slot = slot};
    if (place == WR_NN_ARENA) {
        s->spot[v].offset = s->plan.arena_bytes;
        s->plan.arena_bytes += WORDS * sizeof(int32_t);
    }
    return v;
}

// sketch_open: values 0 and 1 are inputs, 2 is a constant.
static inline sketch *sketch_open(void) {
    sketch *s = calloc(1, sizeof(*s));
    CHECK(s != NULL);
    s->graph = wr_nn_graph_create(NULL);
    CHECK(s->graph != NULL);
    s->plan.graph = s->graph;
    s->plan.task = s->task;
    s->plan.spot = s->spot;
    s->plan.scratch_bytes = SCRATCH;
    s->plan.inputs = 2;
    s->plan.outputs = OUTPUTS;
    for (int i = 0; i < WORDS; i++)
        s->constant[i] = 1000 + i;
    sketch_value(s, WR_NN_INPUT, 0, NULL);
    sketch_value(s, WR_NN_INPUT, 1, NULL);
    sketch_value(s, WR_NN_CONSTANT, 0, s->constant);
    return s;
}

static inline int sketch_maker(const sketch *s, int value) {
    for (int t = 0; t < s->graph->nodes; t++)
        for (int o = 0; o < s->graph->node[t].outputs; o++)
            if (s->graph->node[t].output[o] == value)
                return t;
    return -1;
}

// sketch_task adds a task that reads `count` values and makes `place`; returns
// the value.
static inline int sketch_task(sketch *s, unsigned parts, double cost_ns,
                              wr_nn_place place, int slot, const int *values,
                              int count) {
    int t = wr_nn_node_add(s->graph, &sketch_op, "sketch", count, 1);
    CHECK(t >= 0 && t < TASKS_MAX);
    int made = sketch_value(s, place, slot, NULL);
    s->task[t] = (wr_nn_task){.unblocks = s->unblocks[t],
                              .parts = parts,
                              .scratch = SCRATCH,
                              .cost_ns = cost_ns};
    s->probe[t] = (probe){.owner = s, .task = t};
    tally_init(&s->probe[t].ran);
    tally_init(&s->probe[t].ended);
    wr_nn_node *node = &s->graph->node[t];
    node->params = &s->probe[t];
    node->parts = parts;
    node->output[0] = made;
    bool needs[TASKS_MAX] = {false};
    for (int i = 0; i < count; i++) {
        node->input[i] = values[i];
        int before = sketch_maker(s, values[i]);
        if (before < 0 || needs[before])
            continue;
        needs[before] = true;
        s->unblocks[before][s->task[before].unblocks_count++] = t;
        s->task[t].needs++;
    }
    return made;
}

static inline void sketch_outputs(sketch *s, int a, int b, int c) {
    s->graph->output = wr_nn_allocate(s->graph, OUTPUTS * sizeof(int));
    CHECK(s->graph->output != NULL);
    s->graph->outputs = OUTPUTS;
    s->graph->output[0] = a;
    s->graph->output[1] = b;
    s->graph->output[2] = c;
}

// sketch_random: up to TASKS_MAX tasks; the caller's memory is where the last
// three write.
static inline sketch *sketch_random(uint64_t seed) {
    static const double costs[] = {200, 4000, 60000, 150000, 900000};
    sketch *s = sketch_open();
    uint64_t random = seed;
    int tasks = 3 + (int)wr_random_below(&random, TASKS_MAX - 3);
    int last[OUTPUTS] = {0};
    for (int t = 0; t < tasks; t++) {
        int values[3];
        int count = 1 + (int)wr_random_below(&random, 3);
        for (int i = 0; i < count; i++)
            values[i] =
                (int)wr_random_below(&random, (uint32_t)s->graph->values);
        unsigned parts = wr_random_below(&random, 3) == 0
                             ? 1 + (unsigned)wr_random_below(&random, 5)
                             : 1;
        bool out = t >= tasks - OUTPUTS;
        int value = sketch_task(
            s, parts, costs[wr_random_below(&random, TEST_COUNT(costs))],
            out ? WR_NN_OUTPUT : WR_NN_ARENA, out ? t - (tasks - OUTPUTS) : 0,
            values, count);
        if (out)
            last[t - (tasks - OUTPUTS)] = value;
    }
    sketch_outputs(s, last[0], last[1], last[2]);
    return s;
}

static inline unsigned sketch_parts(const sketch *s) {
    unsigned parts = 0;
    for (int t = 0; t < s->graph->nodes; t++)
        parts += s->task[t].parts;
    return parts;
}

static inline uint64_t sketch_ran(sketch *s) {
    uint64_t ran = 0;
    for (int t = 0; t < s->graph->nodes; t++)
        ran += tally_get(&s->probe[t].ran);
    return ran;
}

static inline void sketch_reset(sketch *s) {
    for (int t = 0; t < s->graph->nodes; t++) {
        tally_init(&s->probe[t].ran);
        tally_init(&s->probe[t].ended);
    }
}

static inline void sketch_close(sketch *s) {
    wr_nn_graph_destroy(s->graph);
    free(s);
}

#endif // TEST_NN_SKETCH_H
