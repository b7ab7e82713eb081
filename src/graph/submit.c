// SPDX-License-Identifier: MIT
// A submission: README.md, "Submission". Everything that can fail comes before
// anything that others can see.
#include "base/fault.h"
#include "base/options.h"
#include "base/round.h"
#include "graph/internal.h"
#include "pool/types.h"

#include <stdlib.h>
#include <string.h>

// One call of weir_flow_submit.
typedef struct building {
    weir_graph *graph;
    weir_flow *flow;
    weir_task_spec spec;
    wr_endpoint *endpoint; // NULL: nothing is run
    wr_task *task;
    uint64_t stamp;
    size_t before;        // entries of graph->before
    wr_cause *missing;    // refers to it
    weir_buffer *buffers; // allocated by this submission
    size_t buffers_count;
} building;

// ---- what was asked for ----------------------------------------------------

static int check_kernel(const building *b) {
    const weir_task_spec *spec = &b->spec;
    if (spec->kernel == NULL)
        return spec->procs == NULL && spec->members <= 1 &&
                       spec->timeout_ns == 0
                   ? 0
                   : -EINVAL;
    if (spec->kernel->name == NULL)
        return -EINVAL;
    return spec->procs != NULL && b->graph->pool->deterministic ? -EINVAL : 0;
}

static int check_spec(const building *b) {
    const weir_task_spec *spec = &b->spec;
    if (spec->arguments_size > WR_ARGUMENTS_MAX ||
        spec->accesses_count > WEIR_ACCESSES_MAX)
        return -E2BIG;
    if ((spec->arguments == NULL && spec->arguments_size > 0) ||
        (spec->accesses == NULL && spec->accesses_count > 0) ||
        (spec->after == NULL && spec->after_count > 0) ||
        spec->after_count > UINT32_MAX / 2 || spec->timeout_ns < 0 ||
        spec->priority < WEIR_PRIORITY_LOW ||
        spec->priority > WEIR_PRIORITY_HIGH)
        return -EINVAL;
    for (size_t i = 0; i < spec->accesses_count; i++)
        if (spec->accesses[i].mode < WEIR_READ ||
            spec->accesses[i].mode > WEIR_UNORDERED)
            return -EINVAL;
    return check_kernel(b);
}

// ---- buffers that the submission allocates ---------------------------------

static int check_allocations(const building *b, size_t *count) {
    const weir_access *accesses = b->spec.accesses;
    *count = 0;
    for (size_t i = 0; i < b->spec.accesses_count; i++) {
        const weir_access *access = &accesses[i];
        if (access->allocate == NULL)
            continue;
        ++*count;
        if (access->mode != WEIR_WRITE || access->buffer.id != 0 ||
            access->offset != 0 || access->rows > 1)
            return -EINVAL;
        for (size_t k = 0; k < i; k++)
            if (accesses[k].allocate == access->allocate)
                return -EINVAL;
    }
    return 0;
}

static int allocate(building *b) {
    size_t count;
    int error = check_allocations(b, &count);
    if (error != 0 || count == 0)
        return error;
    size_t *bytes = wr_malloc(count * sizeof(*bytes));
    b->buffers = wr_malloc(count * sizeof(*b->buffers));
    error = bytes == NULL || b->buffers == NULL ? -ENOMEM : 0;
    for (size_t i = 0, k = 0; error == 0 && i < b->spec.accesses_count; i++)
        if (b->spec.accesses[i].allocate != NULL)
            bytes[k++] = b->spec.accesses[i].bytes;
    if (error == 0)
        error = wr_heap_alloc(b->flow, bytes, count, WEIR_FOREVER, b->buffers);
    if (error == 0)
        b->buffers_count = count;
    wr_free(bytes);
    return error;
}

static void undo_allocations(building *b) {
    for (size_t i = b->buffers_count; i-- > 0;)
        weir_buffer_close(b->graph, b->buffers[i]);
}

// ---- the task's memory -----------------------------------------------------

static size_t aligned(size_t bytes) { return wr_round_up(bytes, 16); }

// Where arguments, addresses, uses and tickets of a group lie.
static int lay_out(building *b) {
    wr_task *task = b->task;
    size_t uses = b->spec.accesses_count;
    size_t arguments = b->spec.arguments_size;
    size_t members = b->spec.members > 1 ? b->spec.members : 0;
    bool inlines = uses <= WR_INLINE_USES;
    size_t bytes = inlines ? 0
                           : aligned(uses * sizeof(wr_use)) +
                                 aligned(uses * sizeof(void *));
    if (arguments > WR_INLINE_ARGUMENTS)
        bytes += aligned(arguments);
    bytes += members * sizeof(wr_ticket);
    char *extra = NULL;
    if (bytes > 0) {
        extra = wr_aligned_alloc(WR_CACHE_LINE, bytes);
        if (extra == NULL)
            return -ENOMEM;
    }
    task->extra = extra;
    task->tickets = &task->ticket;
    if (members > 0) {
        task->tickets = (wr_ticket *)(void *)extra;
        extra += members * sizeof(wr_ticket);
    }
    task->uses = task->inline_uses;
    task->ticket.data = task->inline_data;
    if (!inlines) {
        task->uses = (wr_use *)(void *)extra;
        extra += aligned(uses * sizeof(wr_use));
        task->ticket.data = (void *const *)(void *)extra;
        extra += aligned(uses * sizeof(void *));
    }
    task->ticket.arguments = arguments > WR_INLINE_ARGUMENTS
                                 ? extra
                                 : (char *)task->inline_arguments;
    if (arguments > 0)
        memcpy((void *)(uintptr_t)task->ticket.arguments, b->spec.arguments,
               arguments);
    return 0;
}

static void fill_ticket(building *b) {
    const weir_task_spec *spec = &b->spec;
    wr_task *task = b->task;
    wr_ticket *ticket = &task->ticket;
    ticket->kernel = spec->kernel;
    ticket->graph = b->graph;
    ticket->task = task;
    ticket->number = 0;
    ticket->timeout_ns = spec->timeout_ns;
    ticket->arguments_size = spec->arguments_size;
    ticket->data_count = (uint32_t)spec->accesses_count;
    ticket->member = 0;
    ticket->members = spec->members > 1 ? spec->members : 1;
    ticket->priority = spec->priority;
}

static void fill_task(building *b) {
    wr_task *task = b->task;
    task->flow = b->flow;
    task->depth = b->flow->depth;
    task->endpoint = b->endpoint;
    task->uses_count = 0;
    task->tracked = false;
    task->edges = task->inline_edges;
    task->successors = NULL;
    task->failure = NULL;
    task->failed_by = 0;
    task->cause_kept = false;
    task->domain = NULL;
    task->ran = false;
    task->withdrawn = false;
    if (b->graph->observed)
        task->begin_ns = task->end_ns = task->worker = 0;
    wr_store(&task->parts, 1, relaxed, ALONE, "nobody else knows it yet");
    wr_store(&task->members_left, b->task->ticket.members, relaxed, ALONE,
             "nobody else knows it yet");
    wr_store(&task->began, 0, relaxed, ALONE, "nobody else knows it yet");
}

// ---- accesses --------------------------------------------------------------

static bool allows(uint32_t parent, uint32_t child) {
    if (parent == WEIR_UNORDERED || child == WEIR_UNORDERED)
        return child == WEIR_UNORDERED;
    return (parent & WEIR_WRITE) != 0 || child == WEIR_READ;
}

// A flow that belongs to a task touches what that does, or what such flows have
// allocated; nobody else touches the latter.
static int check_rights(const building *b, const wr_extent *extent,
                        const wr_shape *shape, uint32_t mode) {
    const wr_task *parent = b->flow->parent;
    bool of_flows = extent->heap && extent->parent != NULL;
    if (of_flows && extent->parent == parent)
        return 0;
    if (parent == NULL)
        return of_flows ? -EACCES : 0;
    for (uint32_t i = 0; i < parent->uses_count; i++) {
        const wr_use *use = &parent->uses[i];
        if (use->extent != extent || !allows(use->mode, mode))
            continue;
        if (use->region == NULL)
            return 0; // UNORDERED has no shape
        wr_overlap overlap = wr_shape_overlap(&use->shape, shape);
        if (overlap == WR_SAME || overlap == WR_WITHIN)
            return 0;
    }
    return -EACCES;
}

// What a task has, its flows have too, though the buffer's scope has ended.
static wr_extent *kept_by(const wr_task *parent, weir_buffer buffer) {
    for (uint32_t i = 0; parent != NULL && i < parent->uses_count; i++)
        if (parent->uses[i].extent->id == buffer.id)
            return parent->uses[i].extent;
    return NULL;
}

static int resolve(building *b, const weir_access *access, weir_buffer buffer,
                   wr_shape *shape) {
    wr_task *task = b->task;
    wr_extent *extent = wr_extent_of(b->graph, buffer);
    if (extent == NULL)
        extent = kept_by(b->flow->parent, buffer);
    if (extent == NULL)
        return -ESTALE;
    size_t bytes = access->bytes;
    if (bytes == WEIR_WHOLE && access->offset == 0 && access->rows == 0)
        bytes = extent->bytes;
    int error = wr_shape_make(shape, extent->bytes, access->offset, bytes,
                              access->stride, access->rows);
    if (error == 0)
        error = check_rights(b, extent, shape, access->mode);
    if (error == 0 && b->endpoint != NULL &&
        !b->endpoint->ops->reaches(b->endpoint, extent->memory, extent->bytes))
        error = -EINVAL;
    if (error != 0)
        return error;
    task->uses[task->uses_count] =
        (wr_use){.extent = extent, .mode = access->mode, .shape = *shape};
    ((void **)(uintptr_t)task->ticket.data)[task->uses_count++] =
        extent->memory + access->offset;
    task->tracked |= extent->heap || access->mode == WEIR_UNORDERED;
    return 0;
}

static int resolve_all(building *b) {
    weir_graph *graph = b->graph;
    size_t count = b->spec.accesses_count;
    if (count > graph->shapes_room) {
        wr_shape *shapes =
            wr_grow(graph->shapes, 0, count * 2, sizeof(wr_shape));
        if (shapes == NULL)
            return -ENOMEM;
        graph->shapes = shapes;
        graph->shapes_room = count * 2;
    }
    size_t allocated = 0;
    for (size_t i = 0; i < count; i++) {
        const weir_access *access = &b->spec.accesses[i];
        weir_buffer buffer = access->buffer;
        if (access->allocate != NULL)
            buffer = b->buffers[allocated++];
        int error = resolve(b, access, buffer, &graph->shapes[i]);
        if (error != 0)
            return error;
    }
    return 0;
}

// ---- predecessors ----------------------------------------------------------

static int after_one(building *b, weir_task handle) {
    wr_task *task = wr_task_find(b->graph, handle);
    if (task == NULL)
        return -ESTALE;
    uint32_t state = wr_task_state_of(task);
    bool ended = state == WR_TASK_DONE || state == WR_TASK_FAILED;
    wr_cause *cause = state == WR_TASK_FAILED ? wr_task_cause(task) : NULL;
    wr_mark mark = {task, task->id, task->ticket.number};
    int error = 0;
    if (!ended && b->flow->parent != NULL &&
        task->flow->parent != b->flow->parent)
        error = -EACCES; // it may wait for the parent
    if (cause != NULL)
        wr_cause_ref(cause); // the handle has one
    wr_mutex_unlock(&task->lock);
    if (error != 0)
        return error;
    wr_cause_merge(&b->missing, cause);
    wr_cause_unref(cause);
    if (ended && !b->graph->observed)
        return 0;
    return wr_order_add(b->graph, &mark, true, b->stamp, &b->before);
}

static int by_number(const void *a, const void *b) {
    const wr_before *x = a;
    const wr_before *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

// For pictures also those that have ended: each once.
static void unify(building *b) {
    wr_before *before = b->graph->before;
    qsort(before, b->before, sizeof(*before), by_number);
    size_t kept = 0;
    for (size_t i = 0; i < b->before; i++) {
        if (kept == 0 || before[kept - 1].number != before[i].number) {
            before[kept++] = before[i];
            continue;
        }
        before[kept - 1].data |= before[i].data;
        if (before[kept - 1].task == NULL) {
            before[kept - 1].task = before[i].task;
            before[kept - 1].id = before[i].id;
        }
    }
    b->before = kept;
}

static int collect(building *b) {
    wr_task *task = b->task;
    int error = wr_order_find(b->flow, task, b->graph->shapes, b->stamp);
    if (error == 0)
        error = wr_order_before(task, b->stamp, &b->before, &b->missing);
    for (size_t i = 0; error == 0 && i < b->spec.after_count; i++)
        if (b->spec.after[i].id != 0)
            error = after_one(b, b->spec.after[i]);
    if (error != 0)
        return error;
    if (b->graph->observed && b->before > 1)
        unify(b);
    if (b->before > WR_INLINE_EDGES) {
        wr_edge *edges = wr_malloc(b->before * sizeof(*edges));
        if (edges == NULL)
            return -ENOMEM;
        task->edges = edges;
    }
    return 0;
}

// ---- publication -----------------------------------------------------------

// Returns how many edges the task was counted for that it did not get: those
// tasks have ended meanwhile.
static uint32_t link_edges(building *b) {
    wr_task *task = b->task;
    uint32_t missed = 0;
    uint32_t linked = 0;
    for (size_t i = 0; i < b->before; i++) {
        const wr_before *before = &b->graph->before[i];
        if (before->task == NULL)
            continue;
        wr_mutex_lock(&before->task->lock);
        if (wr_load(&before->task->live_id, acquire, MARK_1,
                    "an ended task's work is seen by who skips its edge") ==
            before->id) {
            wr_edge *edge = &task->edges[linked++];
            *edge = (wr_edge){before->task->successors, task, before->data};
            before->task->successors = edge;
        } else {
            missed++;
        }
        wr_mutex_unlock(&before->task->lock);
    }
    b->graph->edges += linked;
    return missed;
}

static void show(building *b, uint64_t number) {
    const weir_graph_observer *to = &b->graph->observer;
    if (to->submitted != NULL)
        to->submitted(to->context, number,
                      b->spec.kernel != NULL ? b->spec.kernel->name : "");
    for (size_t i = 0; to->edge != NULL && i < b->before; i++)
        to->edge(to->context, b->graph->before[i].number, number,
                 b->graph->before[i].data);
}

static void number_tickets(wr_task *task, uint64_t number) {
    task->ticket.number = number;
    if (task->tickets == &task->ticket)
        return;
    for (uint32_t i = 0; i < task->ticket.members; i++) {
        task->tickets[i] = task->ticket;
        task->tickets[i].member = i;
    }
}

// From here on nothing fails. Returns how much of `pending` to release.
static uint32_t publish(building *b, bool wants_handle) {
    weir_graph *graph = b->graph;
    wr_task *task = b->task;
    uint64_t number = ++graph->numbers;
    number_tickets(task, number);
    task->failure = b->missing;
    task->holds = WR_HOLD_LIVE | (b->endpoint != NULL ? WR_HOLD_TICKET : 0) |
                  (wants_handle ? WR_HOLD_HANDLE : 0);
    uint32_t before = 0;
    for (size_t i = 0; i < b->before; i++)
        before += graph->before[i].task != NULL;
    wr_store(&task->pending, before + 1, relaxed, ALONE,
             "predecessors learn of the task under their locks");
    wr_store(&task->state, WR_TASK_WAITING, relaxed, ALONE,
             "pending keeps it from being decided");
    wr_store(&task->live_id, task->id, relaxed, ALONE,
             "marks are looked at under the graph's lock");
    for (uint32_t i = 0; task->tracked && i < task->uses_count; i++)
        if (task->uses[i].extent->heap || task->uses[i].mode == WEIR_UNORDERED)
            wr_refs_add(&task->uses[i].extent->uses, 1);
    if (b->flow->credit == 0) {
        b->flow->credit = WR_FLOW_CREDIT;
        wr_refs_add(&b->flow->outstanding, WR_FLOW_CREDIT);
    }
    b->flow->credit--;
    if (b->endpoint != NULL && b->endpoint->ops->linger != NULL)
        graph->waiting_for = b->endpoint;
    if (graph->observed)
        show(b, number);
    uint32_t missed = link_edges(b);
    wr_order_enter(task, number);
    return missed + 1;
}

static int build(building *b, bool wants_handle, uint32_t *release) {
    weir_graph *graph = b->graph;
    if (b->flow->closed)
        return -ESHUTDOWN;
    b->task = wr_task_take(graph);
    if (b->task == NULL)
        return -ENOMEM;
    b->stamp = ++graph->stamps;
    fill_ticket(b);
    fill_task(b);
    int error = 0;
    if (b->endpoint != NULL)
        error = b->endpoint->ops->check(b->endpoint, &b->task->ticket);
    if (error == 0)
        error = lay_out(b);
    if (error == 0)
        error = resolve_all(b);
    if (error == 0)
        error = collect(b);
    if (error == 0) {
        *release = publish(b, wants_handle);
        wr_order_unpin(b->task);
        return 0;
    }
    wr_order_unpin(b->task);
    wr_cause_unref(b->missing);
    wr_task_put(b->task);
    return error;
}

int weir_flow_submit(weir_flow *flow, const weir_task_spec *spec,
                     weir_task *task) {
    weir_graph *graph = flow->graph;
    if (wr_graph_forked(graph))
        return -ECHILD;
    building b = {.graph = graph, .flow = flow};
    if (spec == NULL)
        return -EINVAL;
    int error = wr_options_copy(&b.spec, sizeof(b.spec), spec);
    if (error == 0)
        error = check_spec(&b);
    if (error == 0)
        error = allocate(&b);
    if (error != 0) {
        wr_free(b.buffers);
        return error;
    }
    if (b.spec.kernel != NULL)
        b.endpoint = b.spec.procs != NULL ? wr_procs_endpoint(b.spec.procs)
                                          : &graph->threads.endpoint;
    uint32_t release = 0;
    wr_mutex_lock(&graph->lock);
    error = build(&b, task != NULL, &release);
    if (error == 0 && task != NULL)
        task->id = b.task->id;
    wr_mutex_unlock(&graph->lock);
    for (size_t i = 0, k = 0; error == 0 && k < b.buffers_count; i++)
        if (b.spec.accesses[i].allocate != NULL)
            *b.spec.accesses[i].allocate = b.buffers[k++];
    if (error == 0 && wr_task_arrived(b.task, release)) {
        wr_task *list = NULL;
        wr_task_decide(b.task, &list);
        wr_settle(list);
    }
    if (error != 0)
        undo_allocations(&b);
    wr_free(b.buffers);
    return error;
}
