// SPDX-License-Identifier: MIT
// A random program of tasks, and what must come of it: the same tasks one after
// the other, in the order of their numbers, on bytes of the model's own.
//
// A task takes a hash of all that it reads and writes bytes that depend on that
// and on nothing else; the hash is kept too. So whoever ran too early or too
// late has another hash, or left other bytes.
#ifndef TEST_GRAPH_MODEL_H
#define TEST_GRAPH_MODEL_H

#include "support/graph.h"

enum {
    MODEL_BUFFERS = 3,
    MODEL_BYTES = 96, // of each
    MODEL_TASKS = 64,
    MODEL_ACCESSES = 4,
    MODEL_AFTER = 2,
    MODEL_FLOWS = 3,
};

typedef struct model model;

typedef struct model_task {
    model *model;
    size_t accesses_count;
    weir_access accesses[MODEL_ACCESSES]; // buffer.id: which of the model's
    size_t after_count;
    size_t after[MODEL_AFTER]; // indices
    size_t flow;
    int status; // that the kernel returns
    int spins;

    // What became of it.
    weir_task handle;
    int refused; // the flow was cancelled before
    int ran;
    uint64_t hash;
    weir_task_outcome outcome;

    // What should have.
    uint64_t root;
    int root_status;
    uint64_t expected_hash;
} model_task;

// Bytes that a failed access was to write, until a later access covers them.
typedef struct model_hole {
    weir_access access;
    uint64_t root;
    int status;
    int open;
} model_hole;

struct model {
    unsigned char memory[MODEL_BUFFERS][MODEL_BYTES];
    weir_buffer buffers[MODEL_BUFFERS];
    weir_graph *graph;
    weir_flow *flows[MODEL_FLOWS];
    int cancelled[MODEL_FLOWS]; // at some time
    int stopped;                // the pool was, at some time
    size_t tasks_count;
    model_task tasks[MODEL_TASKS];

    unsigned char bytes[MODEL_BUFFERS][MODEL_BYTES];
    size_t holes_count;
    model_hole holes[MODEL_TASKS * MODEL_ACCESSES];
};

// ---- bytes of an access ----------------------------------------------------

static inline int model_reads(const weir_access *a) {
    return a->mode == WEIR_READ || a->mode == WEIR_READWRITE;
}

static inline int model_writes(const weir_access *a) {
    return a->mode == WEIR_WRITE || a->mode == WEIR_READWRITE;
}

static inline uint32_t model_rows(const weir_access *a) {
    return a->rows == 0 ? 1 : a->rows;
}

static inline int model_has(const weir_access *a, size_t byte) {
    for (uint32_t r = 0; r < model_rows(a); r++) {
        size_t from = a->offset + r * a->stride;
        if (byte >= from && byte - from < a->bytes)
            return 1;
    }
    return 0;
}

// Do they share a byte? Does `a` have all of b's?
static inline int model_meet(const weir_access *a, const weir_access *b,
                             int all) {
    if (a->buffer.id != b->buffer.id)
        return 0;
    for (size_t i = 0; i < MODEL_BYTES; i++)
        if (model_has(b, i) && model_has(a, i) != all)
            return !all;
    return all;
}

// ---- what a task does, on whatever bytes -----------------------------------

static inline uint64_t model_look(const model_task *t,
                                  unsigned char *const *data) {
    uint64_t hash = 1;
    for (size_t i = 0; i < t->accesses_count; i++) {
        const weir_access *a = &t->accesses[i];
        if (!model_reads(a))
            continue;
        for (uint32_t r = 0; r < model_rows(a); r++)
            for (size_t j = 0; j < a->bytes; j++)
                hash = mix(hash ^ data[i][r * a->stride + j]);
    }
    return hash;
}

static inline void model_leave(const model_task *t, uint64_t hash,
                               unsigned char *const *data) {
    hash = mix(hash + (uint64_t)(t - t->model->tasks));
    for (size_t i = 0; i < t->accesses_count; i++) {
        const weir_access *a = &t->accesses[i];
        if (!model_writes(a))
            continue;
        for (uint32_t r = 0; r < model_rows(a); r++)
            for (size_t j = 0; j < a->bytes; j++)
                data[i][r * a->stride + j] =
                    (unsigned char)mix(hash + r * 1000 + j);
    }
}

static inline int model_run(const weir_kernel_call *call) {
    model_task *t = argument_of(call);
    CHECK_EQ(call->data_count, t->accesses_count);
    t->ran++;
    t->hash = model_look(t, (unsigned char *const *)call->data);
    for (int i = 0; i < t->spins; i++)
        breathe(call);
    CHECK(t->hash == model_look(t, (unsigned char *const *)call->data));
    model_leave(t, t->hash, (unsigned char *const *)call->data);
    return t->status;
}

static const weir_kernel modelling = {"model", model_run};

// ---- a random program ------------------------------------------------------

static inline weir_access model_draw_access(uint64_t *state) {
    weir_access a = {.buffer = {draw_below(state, MODEL_BUFFERS)},
                     .mode = 1 + draw_below(state, 3)};
    if (draw_below(state, 16) == 0)
        a.mode = WEIR_UNORDERED;
    switch (draw_below(state, 4)) {
    case 0: // a slice of few that there are
        a.bytes = 8;
        a.offset = 8 * draw_below(state, MODEL_BYTES / 8);
        break;
    case 1: // any range
        a.offset = draw_below(state, MODEL_BYTES);
        a.bytes = 1 + draw_below(state, (uint32_t)(MODEL_BYTES - a.offset));
        break;
    case 2: // a tile of a matrix with rows of 12
        a.rows = 2 + draw_below(state, 3);
        a.stride = 12;
        a.bytes = 4;
        a.offset = 4 * draw_below(state, 3) + 12 * draw_below(state, 4);
        break;
    default: // a column, or whatever
        a.rows = 2 + draw_below(state, 4);
        a.stride = 3 + draw_below(state, 10);
        a.bytes = 1 + draw_below(state, (uint32_t)a.stride);
        a.offset = draw_below(state, 30);
    }
    return a;
}

static inline void model_draw_task(model *m, size_t index, uint64_t *state,
                                   uint32_t failures) {
    model_task *t = &m->tasks[index];
    *t = (model_task){.model = m};
    size_t wanted = draw_below(state, MODEL_ACCESSES + 1);
    for (size_t tries = 0; tries < 8 && t->accesses_count < wanted; tries++) {
        weir_access a = model_draw_access(state);
        int fights = 0;
        for (size_t i = 0; i < t->accesses_count; i++)
            if ((model_writes(&a) || model_writes(&t->accesses[i])) &&
                a.mode != WEIR_UNORDERED &&
                t->accesses[i].mode != WEIR_UNORDERED &&
                model_meet(&a, &t->accesses[i], 0))
                fights = 1;
        if (!fights)
            t->accesses[t->accesses_count++] = a;
    }
    while (index > 0 && t->after_count < MODEL_AFTER &&
           draw_below(state, 6) == 0)
        t->after[t->after_count++] = draw_below(state, (uint32_t)index);
    t->flow = draw_below(state, MODEL_FLOWS);
    t->spins = (int)draw_below(state, 4);
    if (failures > 0 && draw_below(state, failures) == 0)
        t->status = draw_below(state, 2) == 0 ? -EIO : -ENOSPC;
}

// model_make: one failure in `failures` tasks; 0: none.
static inline void model_make(model *m, weir_graph *graph, uint64_t seed,
                              uint32_t failures) {
    memset(m, 0, sizeof(*m));
    uint64_t state = mix(seed) << 20;
    m->graph = graph;
    m->tasks_count = MODEL_TASKS / 2 + draw_below(&state, MODEL_TASKS / 2);
    for (size_t i = 0; i < MODEL_BUFFERS; i++) {
        memset(m->memory[i], (int)i, MODEL_BYTES);
        memset(m->bytes[i], (int)i, MODEL_BYTES);
        m->buffers[i] = buffer_of(graph, m->memory[i], MODEL_BYTES);
    }
    for (size_t i = 0; i < m->tasks_count; i++)
        model_draw_task(m, i, &state, failures);
}

// ---- for real --------------------------------------------------------------

// A flow that was cancelled takes no more; what depends on a task that was
// never there does not.
static inline void model_submit(model *m, size_t index, weir_flow *flow) {
    model_task *t = &m->tasks[index];
    weir_access accesses[MODEL_ACCESSES];
    weir_task after[MODEL_AFTER];
    void *argument = t;
    for (size_t i = 0; i < t->accesses_count; i++) {
        accesses[i] = t->accesses[i];
        accesses[i].buffer = m->buffers[t->accesses[i].buffer.id];
    }
    for (size_t i = 0; i < t->after_count; i++)
        after[i] = m->tasks[t->after[i]].handle;
    weir_task_spec spec = WEIR_TASK_SPEC_INIT;
    spec.kernel = &modelling;
    spec.arguments = &argument;
    spec.arguments_size = sizeof(argument);
    spec.accesses = accesses;
    spec.accesses_count = t->accesses_count;
    spec.after = after;
    spec.after_count = t->after_count;
    int error = weir_flow_submit(flow, &spec, &t->handle);
    t->refused = error != 0;
    if (error != 0)
        CHECK_EQ(error, -ESHUTDOWN);
}

static inline void model_open(model *m) {
    for (size_t i = 0; i < MODEL_FLOWS; i++)
        m->flows[i] = flow_of(m->graph);
}

static inline void model_close(model *m, int *statuses) {
    for (size_t i = 0; i < MODEL_FLOWS; i++)
        statuses[i] = flow_end(m->flows[i]);
    for (size_t i = 0; i < m->tasks_count; i++) {
        model_task *t = &m->tasks[i];
        t->outcome = (weir_task_outcome)WEIR_TASK_OUTCOME_INIT;
        if (t->refused)
            continue;
        CHECK_EQ(weir_task_poll(m->graph, t->handle, &t->outcome), 0);
        CHECK_EQ(weir_task_release(m->graph, t->handle), 0);
    }
}

// ---- one after the other ---------------------------------------------------

static inline void model_blame(model_task *t, uint64_t root, int status) {
    if (t->root == 0 || root < t->root) {
        t->root = root;
        t->root_status = status;
    }
}

// model_judge: does it fail by what it reads, or by its edges?
static inline void model_judge(model *m, model_task *t) {
    for (size_t i = 0; i < t->after_count; i++) {
        const model_task *before = &m->tasks[t->after[i]];
        if (!before->refused && before->root != 0)
            model_blame(t, before->root, before->root_status);
    }
    for (size_t i = 0; i < t->accesses_count; i++)
        for (size_t h = 0; model_reads(&t->accesses[i]) && h < m->holes_count;
             h++)
            if (m->holes[h].open &&
                model_meet(&m->holes[h].access, &t->accesses[i], 0))
                model_blame(t, m->holes[h].root, m->holes[h].status);
}

// What it leaves behind, having run or not.
static inline void model_mark(model *m, model_task *t) {
    for (size_t i = 0; i < t->accesses_count; i++) {
        const weir_access *a = &t->accesses[i];
        if (!model_writes(a))
            continue;
        // A WRITE heals. A READWRITE of a hole fails, and is one itself.
        for (size_t h = 0; h < m->holes_count; h++)
            if (model_meet(a, &m->holes[h].access, 1))
                m->holes[h].open = 0;
        if (t->root != 0)
            m->holes[m->holes_count++] =
                (model_hole){*a, t->root, t->root_status, 1};
    }
}

static inline void model_execute(model *m, model_task *t) {
    unsigned char *data[MODEL_ACCESSES];
    for (size_t i = 0; i < t->accesses_count; i++)
        data[i] = m->bytes[t->accesses[i].buffer.id] + t->accesses[i].offset;
    t->expected_hash = model_look(t, data);
    model_leave(t, t->expected_hash, data);
}

static inline void model_step(model *m, model_task *t) {
    const weir_task_outcome *o = &t->outcome;
    // Cancelled at some time, or its pool stopped: whether before or after it
    // started, the outcome says; what it then leads to follows.
    int withdrawn = t->ran == 0 && o->root == o->number &&
                    ((m->cancelled[t->flow] && o->status == -ECANCELED) ||
                     (m->stopped && o->status == -ESHUTDOWN));
    model_judge(m, t);
    if (withdrawn) {
        t->root = o->number;
        t->root_status = o->status;
    }
    int runs = t->root == 0;
    CHECK_EQ(t->ran, runs);
    CHECK_EQ(o->ran, runs);
    if (runs) {
        model_execute(m, t);
        CHECK(t->hash == t->expected_hash);
        if (t->status != 0) {
            t->root = o->number;
            t->root_status = t->status;
        }
    }
    if (o->status != t->root_status || o->root != t->root)
        CHECK_FAIL("task %llu ran %d: status %d of %llu, expected %d of %llu",
                   (unsigned long long)o->number, o->ran, o->status,
                   (unsigned long long)o->root, t->root_status,
                   (unsigned long long)t->root);
    model_mark(m, t);
}

static inline int model_withdrawn(int status) {
    return status == -ECANCELED || status == -ESHUTDOWN;
}

// model_check runs the tasks by number, and compares everything.
static inline void model_check(model *m, const int *statuses) {
    uint64_t last = 0;
    int expected[MODEL_FLOWS] = {0};
    for (;;) {
        model_task *next = NULL;
        for (size_t i = 0; i < m->tasks_count; i++) {
            model_task *t = &m->tasks[i];
            if (!t->refused && t->outcome.number > last &&
                (next == NULL || t->outcome.number < next->outcome.number))
                next = t;
        }
        if (next == NULL)
            break;
        last = next->outcome.number;
        model_step(m, next);
        int *flow = &expected[next->flow];
        int withdrawn = model_withdrawn(next->root_status);
        if (next->root != 0 &&
            (*flow == 0 || (model_withdrawn(*flow) && !withdrawn)))
            *flow = next->root_status;
    }
    for (size_t i = 0; i < MODEL_FLOWS; i++)
        CHECK_EQ(statuses[i], expected[i]);
    for (size_t i = 0; i < MODEL_BUFFERS; i++) {
        CHECK_EQ(memcmp(m->memory[i], m->bytes[i], MODEL_BYTES), 0);
        CHECK_EQ(weir_buffer_close(m->graph, m->buffers[i]), 0);
    }
}

#endif // TEST_GRAPH_MODEL_H
