// SPDX-License-Identifier: MIT
#include "programs/tiles/shape.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// Room for one more element of `size` bytes; NULL: there is none.
static void *grown(void *at, size_t count, size_t *room, size_t size) {
    if (count < *room)
        return at;
    size_t more = *room == 0 ? 256 : *room * 2;
    void *new = realloc(at, more * size);
    if (new != NULL)
        *room = more;
    return new;
}

static void on_submitted(void *context, uint64_t number, const char *kernel) {
    wr_tiles_shape *s = context;
    (void)kernel;
    wr_tiles_node *nodes =
        number == s->count + 1
            ? grown(s->nodes, s->count, &s->room, sizeof(*nodes))
            : NULL;
    if (nodes == NULL) {
        s->status = -ENOMEM;
        return;
    }
    s->nodes = nodes;
    s->nodes[s->count++] = (wr_tiles_node){
        .op = s->op,
        .again = s->again,
        .inside = s->inside,
    };
}

static void on_edge(void *context, uint64_t from, uint64_t to, int data) {
    wr_tiles_shape *s = context;
    wr_tiles_edge *edges =
        grown(s->edges, s->edges_count, &s->edges_room, sizeof(*edges));
    if (edges == NULL) {
        s->status = -ENOMEM;
        return;
    }
    s->edges = edges;
    s->edges[s->edges_count++] =
        (wr_tiles_edge){(uint32_t)from, (uint32_t)to, data != 0};
}

static void on_ended(void *context, uint64_t number, int status,
                     unsigned worker, int64_t begin_ns, int64_t end_ns) {
    wr_tiles_shape *s = context;
    if (number <= s->count) {
        wr_tiles_node *node = &s->nodes[number - 1];
        node->status = status;
        node->worker = worker;
        node->begin_ns = begin_ns;
        node->end_ns = end_ns;
        node->ended = true;
    }
    wr_mutex_lock(&s->lock);
    if (++s->ended == s->alarm)
        wr_wakefd_signal(&s->wake);
    wr_mutex_unlock(&s->lock);
}

int wr_tiles_shape_init(wr_tiles_shape *s) {
    *s = (wr_tiles_shape){
        .observer =
            {
                .size = sizeof(s->observer),
                .context = s,
                .submitted = on_submitted,
                .edge = on_edge,
                .ended = on_ended,
            },
    };
    wr_mutex_init(&s->lock);
    return wr_wakefd_open(&s->wake);
}

void wr_tiles_shape_fini(wr_tiles_shape *s) {
    wr_wakefd_close(&s->wake);
    wr_mutex_fini(&s->lock);
    free(s->nodes);
    free(s->edges);
}

uint64_t wr_tiles_shape_ended(wr_tiles_shape *s) {
    wr_mutex_lock(&s->lock);
    uint64_t ended = s->ended;
    wr_mutex_unlock(&s->lock);
    return ended;
}

void wr_tiles_shape_alarm(wr_tiles_shape *s, uint64_t ended) {
    wr_mutex_lock(&s->lock);
    s->alarm = ended;
    if (s->ended >= ended)
        wr_wakefd_signal(&s->wake);
    wr_mutex_unlock(&s->lock);
}

void wr_tiles_shape_judge(wr_tiles_shape *s, uint64_t first) {
    for (size_t e = s->edges_count; e > 0; e--) {
        const wr_tiles_edge *edge = &s->edges[e - 1];
        if (edge->to < first)
            continue;
        const wr_tiles_node *from = &s->nodes[edge->from - 1];
        if (edge->data && from->status != 0 && edge->from >= first)
            s->nodes[edge->to - 1].spoiled = true;
    }
}

// ---- figures ---------------------------------------------------------------

static int64_t duration(const wr_tiles_node *node) {
    return node->end_ns > node->begin_ns && node->begin_ns != 0
               ? node->end_ns - node->begin_ns
               : 0;
}

// A task's number is higher than those of all that it depends on, and its edges
// are told when it is submitted: in one pass each `from` is known before it is
// needed, unless the edges are not sorted by `to`; then there are more passes.
int wr_tiles_shape_path(const wr_tiles_shape *s, wr_tiles_path *out) {
    wr_tiles_path *at = calloc(s->count + 1, sizeof(*at));
    if (at == NULL)
        return -ENOMEM;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t e = 0; e < s->edges_count; e++) {
            const wr_tiles_edge *edge = &s->edges[e];
            const wr_tiles_path *from = &at[edge->from];
            int64_t ns = from->ns + duration(&s->nodes[edge->from - 1]);
            wr_tiles_path *to = &at[edge->to];
            if (ns > to->ns || (ns == to->ns && from->tasks + 1 > to->tasks)) {
                *to = (wr_tiles_path){ns, from->tasks + 1};
                changed = true;
            }
        }
    }
    *out = (wr_tiles_path){0, 0};
    for (size_t i = 1; i <= s->count; i++) {
        int64_t ns = at[i].ns + duration(&s->nodes[i - 1]);
        if (ns > out->ns || (ns == out->ns && at[i].tasks + 1 > out->tasks))
            *out = (wr_tiles_path){ns, at[i].tasks + 1};
    }
    free(at);
    return 0;
}

wr_tiles_path wr_tiles_shape_busy(const wr_tiles_shape *s, uint32_t worker,
                                  bool inside) {
    wr_tiles_path busy = {0, 0};
    for (size_t i = 0; i < s->count; i++) {
        const wr_tiles_node *node = &s->nodes[i];
        if (node->worker != worker || node->inside != inside ||
            node->begin_ns == 0)
            continue;
        busy.ns += duration(node);
        busy.tasks++;
    }
    return busy;
}

// ---- the picture -----------------------------------------------------------

static const char *const colours[WR_TILES_KERNELS] = {
    [WR_TILES_POTRF] = "#e07b6a", [WR_TILES_TRSM] = "#e8b45a",
    [WR_TILES_SYRK] = "#8fb573",  [WR_TILES_MINUS] = "#7ba7cf",
    [WR_TILES_PLUS] = "#7ba7cf",  [WR_TILES_GETRF] = "#e07b6a",
    [WR_TILES_SWAP] = "#e8b45a",  [WR_TILES_LEFT] = "#b9a3d0",
};

int wr_tiles_shape_dot(const wr_tiles_shape *s, const wr_tiles_plan *plan,
                       FILE *out) {
    fputs("digraph tiles {\n"
          "    node [shape=box style=\"rounded,filled\" fontname=sans];\n",
          out);
    for (size_t i = 0; i < plan->count; i++) {
        const wr_tiles_op *op = &plan->ops[i];
        fprintf(out,
                "    t%zu [label=\"%s\\n%" PRIu32 ",%" PRIu32 " step %" PRIu32
                "\" fillcolor=\"%s\"];\n",
                i + 1, wr_tiles_kernels[op->kernel].name, op->i, op->j, op->k,
                colours[op->kernel]);
    }
    // Those of an op that was done again are the same, and some that only tell
    // of its second time.
    for (size_t e = 0; e < s->edges_count; e++) {
        const wr_tiles_edge *edge = &s->edges[e];
        const wr_tiles_node *to = &s->nodes[edge->to - 1];
        if (!to->again)
            fprintf(out, "    t%" PRIu32 " -> t%" PRIu32 "%s;\n",
                    s->nodes[edge->from - 1].op + 1, to->op + 1,
                    edge->data ? "" : " [style=dashed]");
    }
    fputs("}\n", out);
    return ferror(out) ? -EIO : 0;
}
