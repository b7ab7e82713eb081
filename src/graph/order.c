// SPDX-License-Identifier: MIT
// Who comes before whom: README.md, "Order". Everything here is done under
// graph->lock.
#include "base/fault.h"
#include "graph/internal.h"

// ---- marks -----------------------------------------------------------------

// An ended task's mark orders nothing; what it did is seen from here on.
static bool alive(const wr_mark *mark) {
    return mark->task != NULL &&
           wr_load(&mark->task->live_id, acquire, MARK_1,
                   "an ended task's work is seen by who skips its edge") ==
               mark->id;
}

static void prune(wr_marks *marks) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < marks->readers_count; i++)
        if (alive(&marks->readers[i]))
            marks->readers[kept++] = marks->readers[i];
    marks->readers_count = kept;
}

bool wr_order_quiet(wr_region *region) {
    wr_marks *marks = region->marks;
    if (marks == NULL)
        return true;
    // A writer that fails looks at its region, also if others cover it.
    if (marks->pins != 0 || marks->missing != NULL || alive(&marks->last))
        return false;
    prune(marks);
    if (marks->readers_count != 0)
        return false;
    wr_free(marks->readers);
    wr_free(marks);
    region->marks = NULL;
    return true;
}

// With a picture nothing may be forgotten: edges from ended tasks are told.
static int room_for_reader(weir_graph *graph, wr_marks *marks) {
    if (marks->readers_count < marks->readers_room)
        return 0;
    if (!graph->observed && marks->readers_count >= WR_READERS_PRUNE)
        prune(marks);
    if (marks->readers_count <= marks->readers_room / 2 &&
        marks->readers_room != 0)
        return 0;
    uint32_t room = marks->readers_room == 0 ? 4 : marks->readers_room * 2;
    wr_mark *readers =
        wr_grow(marks->readers, marks->readers_count, room, sizeof(wr_mark));
    if (readers == NULL)
        return marks->readers_count < marks->readers_room ? 0 : -ENOMEM;
    marks->readers = readers;
    marks->readers_room = room;
    return 0;
}

// ---- finding ---------------------------------------------------------------

static wr_regions **local_of(wr_domain *domain, wr_extent *extent) {
    for (size_t i = 0; i < domain->count; i++)
        if (domain->locals[i].extent == extent)
            return &domain->locals[i].regions;
    if (domain->count == domain->room) {
        size_t room = domain->room == 0 ? 4 : domain->room * 2;
        wr_local *locals =
            wr_grow(domain->locals, domain->count, room, sizeof(wr_local));
        if (locals == NULL)
            return NULL;
        domain->locals = locals;
        domain->room = room;
    }
    wr_local *local = &domain->locals[domain->count++];
    *local = (wr_local){.extent = extent};
    return &local->regions;
}

static int find_one(weir_flow *flow, wr_use *use, const wr_shape *shape) {
    wr_extent *extent = use->extent;
    wr_regions **regions = &extent->regions;
    if (flow->parent != NULL)
        regions = local_of(flow->parent->domain, extent);
    if (regions == NULL)
        return -ENOMEM;
    int error = 0;
    if (*regions == NULL)
        error = wr_regions_create(regions, extent->bytes, wr_order_quiet);
    if (error == 0)
        error = wr_regions_find(*regions, shape, flow->graph->observed,
                                &use->region);
    if (error != 0)
        return error;
    if (use->region->marks == NULL)
        use->region->marks = wr_calloc(1, sizeof(wr_marks));
    if (use->region->marks == NULL) {
        use->region = NULL;
        return -ENOMEM;
    }
    use->region->marks->pins++; // so that the next find does not forget it
    return use->mode == WEIR_READ
               ? room_for_reader(flow->graph, use->region->marks)
               : 0;
}

static bool clash(const wr_marks *marks, uint64_t stamp, uint32_t mode) {
    return marks != NULL && marks->stamp == stamp &&
           ((marks->stamp_mode | mode) & WEIR_WRITE) != 0;
}

// Two uses of one task share a byte, and one of them writes.
static bool clashes(const wr_use *use, uint64_t stamp) {
    const wr_region *region = use->region;
    if (clash(region->marks, stamp, use->mode))
        return true;
    for (uint32_t i = 0; i < region->neighbours_count; i++)
        if (clash(region->neighbours[i].region->marks, stamp, use->mode))
            return true;
    return false;
}

int wr_order_find(weir_flow *flow, wr_task *task, const wr_shape *shapes,
                  uint64_t stamp) {
    for (uint32_t i = 0; i < task->uses_count; i++) {
        wr_use *use = &task->uses[i];
        if (use->mode == WEIR_UNORDERED)
            continue;
        int error = find_one(flow, use, &shapes[i]);
        if (error != 0)
            return error;
        if (task->uses_count > 1 && clashes(use, stamp))
            return -EINVAL;
        use->region->marks->stamp = stamp;
        use->region->marks->stamp_mode = use->mode;
    }
    return 0;
}

void wr_order_unpin(wr_task *task) {
    for (uint32_t i = 0; i < task->uses_count; i++)
        if (task->uses[i].region != NULL)
            task->uses[i].region->marks->pins--;
}

// ---- collecting ------------------------------------------------------------

int wr_order_add(weir_graph *graph, const wr_mark *mark, bool data,
                 uint64_t stamp, size_t *count) {
    wr_task *task = mark->task;
    bool live = alive(mark);
    if (live && task->seen == stamp) {
        graph->before[task->seen_at].data |= data;
        return 0;
    }
    if (*count == graph->before_room) {
        size_t room = graph->before_room == 0 ? 64 : graph->before_room * 2;
        wr_before *before =
            wr_grow(graph->before, *count, room, sizeof(wr_before));
        if (before == NULL)
            return -ENOMEM;
        graph->before = before;
        graph->before_room = room;
    }
    if (live) {
        task->seen = stamp;
        task->seen_at = (uint32_t)*count;
    }
    graph->before[(*count)++] = (wr_before){.task = live ? task : NULL,
                                            .id = mark->id,
                                            .number = mark->number,
                                            .data = data};
    return 0;
}

typedef struct collecting {
    weir_graph *graph;
    uint64_t stamp;
    size_t *count;
    wr_cause **cause;
} collecting;

static int add(const collecting *to, const wr_mark *mark, bool data) {
    if (mark->task == NULL || (!to->graph->observed && !alive(mark)))
        return 0;
    return wr_order_add(to->graph, mark, data, to->stamp, to->count);
}

static int before_region(const collecting *to, const wr_marks *marks,
                         uint32_t mode) {
    if (marks == NULL)
        return 0;
    bool reads = (mode & WEIR_READ) != 0;
    if (reads)
        wr_cause_merge(to->cause, marks->missing);
    int error = add(to, &marks->writer, reads);
    if ((mode & WEIR_WRITE) == 0)
        return error;
    for (uint32_t i = 0; error == 0 && i < marks->readers_count; i++)
        error = add(to, &marks->readers[i], false);
    return error;
}

int wr_order_before(wr_task *task, uint64_t stamp, size_t *count,
                    wr_cause **cause) {
    collecting to = {task->graph, stamp, count, cause};
    for (uint32_t i = 0; i < task->uses_count; i++) {
        const wr_use *use = &task->uses[i];
        const wr_region *region = use->region;
        if (region == NULL)
            continue;
        int error = before_region(&to, region->marks, use->mode);
        for (uint32_t k = 0; error == 0 && k < region->neighbours_count; k++)
            error = before_region(&to, region->neighbours[k].region->marks,
                                  use->mode);
        if (error != 0)
            return error;
    }
    return 0;
}

// ---- entering --------------------------------------------------------------

static void forget(wr_marks *marks) {
    marks->writer.task = NULL;
    marks->readers_count = 0;
    wr_cause_unref(marks->missing);
    marks->missing = NULL;
}

void wr_order_enter(wr_task *task, uint64_t number) {
    wr_mark mark = {task, task->id, number};
    for (uint32_t i = 0; i < task->uses_count; i++) {
        const wr_use *use = &task->uses[i];
        wr_region *region = use->region;
        if (region == NULL)
            continue;
        wr_marks *marks = region->marks;
        if ((use->mode & WEIR_WRITE) == 0) {
            // The same region again, in one task: once is enough.
            uint32_t n = marks->readers_count;
            if (n == 0 || marks->readers[n - 1].task != task ||
                marks->readers[n - 1].id != task->id)
                marks->readers[marks->readers_count++] = mark;
            continue;
        }
        // Whoever names bytes of a covered region finds this one beside it.
        forget(marks);
        marks->writer = mark;
        marks->last = mark;
        for (uint32_t k = 0; k < region->neighbours_count; k++) {
            const wr_neighbour *near = &region->neighbours[k];
            if (near->covered && near->region->marks != NULL)
                forget(near->region->marks);
        }
    }
}

void wr_order_missing(wr_task *task, wr_cause *cause) {
    for (uint32_t i = 0; i < task->uses_count; i++) {
        const wr_use *use = &task->uses[i];
        if (use->region == NULL || (use->mode & WEIR_WRITE) == 0)
            continue;
        wr_marks *marks = use->region->marks;
        if (marks->writer.task != task || marks->writer.id != task->id)
            continue; // another writes it all after this one
        wr_cause_ref(cause);
        wr_cause_unref(marks->missing);
        marks->missing = cause;
    }
}

// ---- whole buffers ---------------------------------------------------------

static void look_live(void *argument, wr_region *region) {
    bool *live = argument;
    wr_marks *marks = region->marks;
    if (marks == NULL || *live)
        return;
    *live = alive(&marks->writer);
    for (uint32_t i = 0; !*live && i < marks->readers_count; i++)
        *live = alive(&marks->readers[i]);
}

bool wr_order_live(wr_regions *regions) {
    bool live = false;
    if (regions != NULL)
        wr_regions_each(regions, look_live, &live);
    return live;
}

static void mend_one(void *argument, wr_region *region) {
    (void)argument;
    if (region->marks != NULL) {
        wr_cause_unref(region->marks->missing);
        region->marks->missing = NULL;
    }
}

void wr_order_mend(wr_regions *regions) {
    if (regions != NULL)
        wr_regions_each(regions, mend_one, NULL);
}

static void clear_one(void *argument, wr_region *region) {
    mend_one(argument, region);
    if (region->marks != NULL)
        wr_free(region->marks->readers);
    wr_free(region->marks);
    region->marks = NULL;
}

void wr_regions_clear(wr_regions *regions) {
    if (regions == NULL)
        return;
    wr_regions_each(regions, clear_one, NULL);
    wr_regions_destroy(regions);
}
