// SPDX-License-Identifier: MIT
//
// Where values are. Values that are the same bytes (views, results in place)
// form a buffer. Two buffers may have bytes in common only if all that read or
// write the one have ended before the other is first written, by the order of
// the tasks alone: any schedule that keeps to that is right.
#include "programs/nn/pass.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fault.h"

enum {
    SCAN_MAX = 64,    // readers looked at for one result in place
    CLASSES = 4 * 64, // of sizes, where there are too many buffers
};

typedef struct buffer {
    wr_nn_place place; // ARENA, INPUT or OUTPUT
    int slot;
    size_t bytes; // whole lines
    size_t offset;
    int writer;     // the first; -1: an input
    int newest;     // the node that wrote it last
    int last_value; // of those since then: see `sibling`
    int last_access;
} buffer;

typedef struct memory {
    wr_nn_plan *plan;
    const wr_nn_graph *graph;
    const wr_nn_order *order;
    bool sharing;
    int *start, *reader; // [value + 1] into reader: the nodes that read it
    int *buffer_of;      // [value], or -1
    int *sibling; // [value]: the value before it of the same bytes, or -1
    int *output;  // [value]: which output of the graph it is, or -1
    buffer *buffer;
    int buffers;
    int *arena; // those in the arena
    int arenas;
    uint64_t *behind; // [arena][words]: tasks after all that touch it
} memory;

// ---------------------------------------------------------------------------
// Buffers

static int find_readers(memory *m) {
    const wr_nn_graph *graph = m->graph;
    m->start = wr_calloc((size_t)graph->values + 2, sizeof *m->start);
    if (m->start == NULL)
        return -ENOMEM;
    // start[v + 2] counts, then start[v + 1] is where the next one goes.
    for (int i = 0; i < graph->nodes; i++)
        for (int k = 0; k < graph->node[i].inputs; k++)
            if (graph->node[i].input[k] >= 0)
                m->start[graph->node[i].input[k] + 2]++;
    for (int v = 0; v < graph->values; v++)
        m->start[v + 2] += m->start[v + 1];
    m->reader = wr_malloc(((size_t)m->start[graph->values + 1] + 1) *
                          sizeof *m->reader);
    if (m->reader == NULL)
        return -ENOMEM;
    for (int i = 0; i < graph->nodes; i++)
        for (int k = 0; k < graph->node[i].inputs; k++)
            if (graph->node[i].input[k] >= 0)
                m->reader[m->start[graph->node[i].input[k] + 1]++] = i;
    return 0;
}

static size_t whole_lines(size_t bytes) {
    return (bytes + WR_NN_ALIGN - 1) / WR_NN_ALIGN * WR_NN_ALIGN;
}

static buffer *buffer_at(const memory *m, int value) {
    int index = value < 0 ? -1 : m->buffer_of[value];
    return index < 0 ? NULL : &m->buffer[index];
}

static void touch(memory *m, buffer *b, int value) {
    for (int e = m->start[value]; e < m->start[value + 1]; e++)
        if (m->reader[e] > b->last_access)
            b->last_access = m->reader[e];
}

static void add_buffer(memory *m, int value, int writer) {
    buffer *b = &m->buffer[m->buffers];
    *b = (buffer){.place = WR_NN_ARENA,
                  .bytes =
                      whole_lines(wr_nn_bytes(&m->graph->value[value].shape)),
                  .writer = writer,
                  .newest = writer,
                  .last_value = value,
                  .last_access = writer};
    if (m->output[value] >= 0) {
        b->place = WR_NN_OUTPUT;
        b->slot = m->output[value];
    }
    m->buffer_of[value] = m->buffers++;
    m->sibling[value] = -1;
    touch(m, b, value);
}

// The value lies on a buffer that is there. `writes`: what was in it is gone.
static void put_on(memory *m, int value, int on, int node, bool writes) {
    buffer *b = &m->buffer[on];
    m->buffer_of[value] = on;
    m->sibling[value] = writes ? -1 : b->last_value;
    b->last_value = value;
    if (writes)
        b->newest = node;
    if (node > b->last_access)
        b->last_access = node;
    touch(m, b, value);
    if (m->output[value] >= 0) {
        b->place = WR_NN_OUTPUT;
        b->slot = m->output[value];
    }
}

static bool may_view(const memory *m, const wr_nn_node *node) {
    const buffer *b = buffer_at(m, node->input[0]);
    if (b == NULL)
        return false;
    // Two outputs cannot be one, and an input is not the caller's result.
    return m->output[node->output[0]] < 0 || b->place == WR_NN_ARENA;
}

// Has everything else that reads the buffer as it is now ended before `node`?
static bool is_last(const memory *m, const buffer *b, int node) {
    int left = SCAN_MAX;
    for (int v = b->last_value; v >= 0; v = m->sibling[v])
        for (int e = m->start[v]; e < m->start[v + 1]; e++)
            if (left-- == 0 || (m->reader[e] != node &&
                                !wr_nn_before(m->order, m->reader[e], node)))
                return false;
    return true;
}

static bool may_overwrite(const memory *m, int index) {
    const wr_nn_node *node = &m->graph->node[index];
    const buffer *b = buffer_at(m, node->input[0]);
    // In a caller's memory: an input, or a result that must stay.
    if (b == NULL || b->place != WR_NN_ARENA ||
        wr_nn_bytes(&m->graph->value[node->input[0]].shape) !=
            wr_nn_bytes(&m->graph->value[node->output[0]].shape))
        return false;
    for (int k = 1; k < node->inputs; k++)
        if (buffer_at(m, node->input[k]) == b)
            return false;
    return is_last(m, b, index);
}

static void place_outputs(memory *m, int index) {
    const wr_nn_node *node = &m->graph->node[index];
    for (int k = 0; k < node->outputs; k++) {
        int value = node->output[k];
        if (value < 0)
            continue;
        bool first =
            k == 0 && m->sharing && node->inputs > 0 && node->input[0] >= 0;
        int on = first ? m->buffer_of[node->input[0]] : -1;
        if (first && (node->op->flags & WR_NN_VIEW) != 0 && may_view(m, node))
            put_on(m, value, on, index, false);
        else if (first && (node->op->flags & WR_NN_INPLACE) != 0 &&
                 may_overwrite(m, index))
            put_on(m, value, on, index, true);
        else
            add_buffer(m, value, index);
    }
}

static int make_buffers(memory *m) {
    const wr_nn_graph *graph = m->graph;
    size_t values = (size_t)graph->values + 1;
    m->buffer_of = wr_malloc(values * sizeof *m->buffer_of);
    m->sibling = wr_malloc(values * sizeof *m->sibling);
    m->output = wr_malloc(values * sizeof *m->output);
    m->buffer = wr_calloc(values, sizeof *m->buffer);
    m->arena = wr_malloc(values * sizeof *m->arena);
    int status = find_readers(m);
    if (status != 0 || m->buffer_of == NULL || m->sibling == NULL ||
        m->output == NULL || m->buffer == NULL || m->arena == NULL)
        return -ENOMEM;
    for (int v = 0; v < graph->values; v++)
        m->buffer_of[v] = m->sibling[v] = m->output[v] = -1;
    for (int i = 0; i < graph->outputs; i++)
        m->output[graph->output[i]] = i;
    for (int i = 0; i < graph->inputs; i++) {
        int value = graph->input[i];
        if (graph->value[value].data != NULL)
            continue;
        add_buffer(m, value, -1);
        m->buffer[m->buffers - 1].place = WR_NN_INPUT;
        m->buffer[m->buffers - 1].slot = i;
    }
    for (int i = 0; i < graph->nodes; i++)
        place_outputs(m, i);
    for (int b = 0; b < m->buffers; b++)
        if (m->buffer[b].place == WR_NN_ARENA)
            m->arena[m->arenas++] = b;
    return 0;
}

// ---------------------------------------------------------------------------
// Offsets, where the order is known in full

static const uint64_t *after(const memory *m, int node) {
    return m->order->after + (size_t)node * m->order->words;
}

// All that touch the buffer as it is last come after all that did before, so
// those alone count.
static int find_behind(memory *m) {
    size_t words = m->order->words;
    m->behind = wr_malloc(((size_t)m->arenas * words + 1) * sizeof *m->behind);
    if (m->behind == NULL)
        return -ENOMEM;
    for (int i = 0; i < m->arenas; i++) {
        const buffer *b = &m->buffer[m->arena[i]];
        uint64_t *row = m->behind + (size_t)i * words;
        memcpy(row, after(m, b->newest), words * sizeof *row);
        for (int v = b->last_value; v >= 0; v = m->sibling[v])
            for (int e = m->start[v]; e < m->start[v + 1]; e++) {
                const uint64_t *more = after(m, m->reader[e]);
                for (size_t w = 0; w < words; w++)
                    row[w] &= more[w];
            }
    }
    return 0;
}

static bool is_behind(const memory *m, int arena, int node) {
    const uint64_t *row = m->behind + (size_t)arena * m->order->words;
    return (row[node / 64] >> (node % 64) & 1) != 0;
}

static bool meet(const memory *m, int a, int b) {
    return !is_behind(m, a, m->buffer[m->arena[b]].writer) &&
           !is_behind(m, b, m->buffer[m->arena[a]].writer);
}

typedef struct item {
    int arena;
    size_t bytes;
    size_t offset;
} item;

static int larger_first(const void *a, const void *b) {
    const item *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->arena < y->arena ? -1 : x->arena > y->arena;
}

// Puts one where it fits best among those it meets. placed is by offset.
static void fit(const memory *m, item *placed, int count, item *one) {
    size_t at = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
    for (int i = 0; i < count; i++) {
        if (!meet(m, placed[i].arena, one->arena))
            continue;
        if (placed[i].offset > at) {
            size_t gap = placed[i].offset - at;
            if (gap >= one->bytes && gap < best_gap) {
                best = at;
                best_gap = gap;
            }
        }
        size_t end = placed[i].offset + placed[i].bytes;
        at = end > at ? end : at;
    }
    one->offset = best == SIZE_MAX ? at : best;
    int i = count;
    for (; i > 0 && placed[i - 1].offset > one->offset; i--)
        placed[i] = placed[i - 1];
    placed[i] = *one;
}

// Returns how many bytes all take, in the order of items.
static size_t fit_all(const memory *m, item *items, item *placed) {
    size_t total = 0;
    for (int i = 0; i < m->arenas; i++) {
        fit(m, placed, i, &items[i]);
        size_t end = items[i].offset + items[i].bytes;
        total = end > total ? end : total;
    }
    return total;
}

static void take(memory *m, const item *items) {
    for (int i = 0; i < m->arenas; i++)
        m->buffer[m->arena[items[i].arena]].offset = items[i].offset;
}

static int place_by_order(memory *m) {
    size_t count = (size_t)m->arenas + 1;
    item *items = wr_malloc(count * sizeof *items);
    item *placed = wr_malloc(count * sizeof *placed);
    int status = find_behind(m);
    if (items == NULL || placed == NULL)
        status = -ENOMEM;
    if (status == 0) {
        for (int i = 0; i < m->arenas; i++)
            items[i] = (item){i, m->buffer[m->arena[i]].bytes, 0};
        // As they are made, then the large ones first: what is smaller.
        size_t by_time = fit_all(m, items, placed);
        take(m, items);
        qsort(items, (size_t)m->arenas, sizeof *items, larger_first);
        size_t by_size = fit_all(m, items, placed);
        if (by_size <= by_time)
            take(m, items);
        m->plan->arena_bytes = by_size <= by_time ? by_size : by_time;
    }
    wr_free(items);
    wr_free(placed);
    return status;
}

// ---------------------------------------------------------------------------
// Offsets, where there are too many nodes for that

// Sizes in quarters of powers of two.
static int class_of(size_t bytes, size_t *rounded) {
    size_t base = WR_NN_ALIGN;
    int class = 0;
    while (base * 2 <= bytes && class < CLASSES - 4) {
        base *= 2;
        class += 4;
    }
    for (int quarter = 0; quarter < 4; quarter++) {
        *rounded = whole_lines(base + base / 4 * (size_t)quarter);
        if (*rounded >= bytes)
            return class + quarter;
    }
    *rounded = base * 2;
    return class + 4;
}

// Between two cuts nothing is shared; a buffer is free for those that are first
// written behind the first cut after all that touch it.
static int place_by_cuts(memory *m) {
    const wr_nn_order *order = m->order;
    int nodes = order->nodes, cuts = nodes == 0 ? 0 : order->cuts[nodes - 1];
    int *ends = wr_malloc(((size_t)cuts + 2) * sizeof *ends); // lists, by cut
    int *next = wr_malloc(((size_t)m->buffers + 1) * sizeof *next);
    int list[CLASSES + 4], passed = 0;
    if (ends == NULL || next == NULL) {
        wr_free(ends);
        wr_free(next);
        return -ENOMEM;
    }
    for (int i = 0; i < cuts + 2; i++)
        ends[i] = -1;
    for (int i = 0; i < CLASSES + 4; i++)
        list[i] = -1;
    size_t top = 0, rounded;
    for (int i = 0; i < m->arenas; i++) {
        int index = m->arena[i];
        buffer *b = &m->buffer[index];
        int before = order->cuts[b->writer] - order->cut[b->writer];
        for (; passed < before; passed++)
            for (int e = ends[passed + 1], after_it; e >= 0; e = after_it) {
                int class = class_of(m->buffer[e].bytes, &rounded);
                after_it = next[e];
                next[e] = list[class];
                list[class] = e;
            }
        int class = class_of(b->bytes, &rounded);
        if (list[class] >= 0) {
            b->offset = m->buffer[list[class]].offset;
            list[class] = next[list[class]];
        } else {
            b->offset = top;
            top += rounded;
        }
        int last = b->last_access;
        int end = order->cuts[last] - order->cut[last] + 1;
        if (end <= cuts) {
            next[index] = ends[end];
            ends[end] = index;
        }
    }
    m->plan->arena_bytes = top;
    wr_free(ends);
    wr_free(next);
    return 0;
}

// ---------------------------------------------------------------------------
// The whole

static void place_apart(memory *m) {
    size_t at = 0;
    for (int i = 0; i < m->arenas; i++) {
        m->buffer[m->arena[i]].offset = at;
        at += m->buffer[m->arena[i]].bytes;
    }
    m->plan->arena_bytes = at;
}

// What lies there at the same time if the tasks run one after another.
static int find_serial(memory *m) {
    size_t nodes = (size_t)m->graph->nodes;
    size_t *freed = wr_calloc(nodes + 1, sizeof *freed), live = 0, most = 0;
    if (freed == NULL)
        return -ENOMEM;
    int at = 0;
    for (int i = 0; i < m->graph->nodes; i++) {
        for (; at < m->arenas && m->buffer[m->arena[at]].writer == i; at++) {
            const buffer *b = &m->buffer[m->arena[at]];
            live += b->bytes;
            freed[b->last_access] += b->bytes;
        }
        most = live > most ? live : most;
        live -= freed[i];
    }
    m->plan->serial_bytes = most;
    wr_free(freed);
    return 0;
}

static int fill_in(memory *m) {
    wr_nn_graph *graph = m->plan->graph;
    wr_nn_spot *spot =
        wr_nn_allocate(graph, ((size_t)graph->values + 1) * sizeof *spot);
    if (spot == NULL)
        return -ENOMEM;
    for (int v = 0; v < graph->values; v++) {
        const buffer *b = buffer_at(m, v);
        spot[v] = (wr_nn_spot){.place = WR_NN_NOWHERE};
        if (graph->value[v].data != NULL)
            spot[v].place = WR_NN_CONSTANT;
        else if (b != NULL)
            spot[v] = (wr_nn_spot){b->place, b->slot, b->offset};
    }
    m->plan->spot = spot;
    return 0;
}

int wr_nn_plan_memory(wr_nn_plan *plan, const wr_nn_order *order,
                      const wr_nn_compile_options *options, wr_nn_why *why) {
    memory m = {.plan = plan,
                .graph = plan->graph,
                .order = order,
                .sharing = (options->without & WR_NN_WITHOUT_SHARING) == 0};
    int status = make_buffers(&m);
    if (status == 0)
        status = find_serial(&m);
    if (status == 0 && !m.sharing)
        place_apart(&m);
    else if (status == 0)
        status = order->after != NULL ? place_by_order(&m) : place_by_cuts(&m);
    if (status == 0)
        status = fill_in(&m);
    if (status != 0)
        wr_nn_refuse(why, status, NULL, "no memory for the plan");
    wr_free(m.start);
    wr_free(m.reader);
    wr_free(m.buffer_of);
    wr_free(m.sibling);
    wr_free(m.output);
    wr_free(m.buffer);
    wr_free(m.arena);
    wr_free(m.behind);
    return status;
}
