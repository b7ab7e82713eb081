// SPDX-License-Identifier: MIT
//
// Attributes of nodes, kept sorted by name.
#include "programs/nn/graph.h"

#include <errno.h>
#include <string.h>

#include "programs/nn/graph_pile.h"

// ---------------------------------------------------------------------------
// Reading

const wr_nn_attr *wr_nn_attr_find(const wr_nn_node *node, const char *name) {
    for (size_t i = 0; i < node->attrs; i++)
        if (strcmp(node->attr[i].name, name) == 0)
            return &node->attr[i];
    return NULL;
}

static const wr_nn_attr *find_kind(const wr_nn_node *node, const char *name,
                                   wr_nn_attr_kind kind) {
    const wr_nn_attr *attr = wr_nn_attr_find(node, name);
    return attr != NULL && attr->kind == kind ? attr : NULL;
}

int64_t wr_nn_attr_int(const wr_nn_node *node, const char *name,
                       int64_t missing) {
    const wr_nn_attr *attr = find_kind(node, name, WR_NN_INT);
    return attr == NULL ? missing : attr->i;
}

float wr_nn_attr_float(const wr_nn_node *node, const char *name,
                       float missing) {
    const wr_nn_attr *attr = find_kind(node, name, WR_NN_FLOAT);
    return attr == NULL ? missing : attr->f;
}

const char *wr_nn_attr_string(const wr_nn_node *node, const char *name,
                              const char *missing) {
    const wr_nn_attr *attr = find_kind(node, name, WR_NN_STRING);
    return attr == NULL ? missing : attr->string;
}

const int64_t *wr_nn_attr_ints(const wr_nn_node *node, const char *name,
                               size_t *count) {
    const wr_nn_attr *attr = find_kind(node, name, WR_NN_INTS);
    *count = attr == NULL ? 0 : attr->count;
    return attr == NULL ? NULL : attr->ints;
}

// ---------------------------------------------------------------------------
// Setting

// The next power of two: adding one moves the array now and then, and the node
// need not remember its room.
size_t wr_nn_attr_room(size_t attrs) {
    size_t room = 4;
    while (room < attrs)
        room *= 2;
    return room;
}

wr_nn_attr *wr_nn_attr_put(wr_nn_graph *graph, wr_nn_node *node,
                           const char *name, bool *fresh) {
    size_t at = 0;
    *fresh = false;
    while (at < node->attrs && strcmp(node->attr[at].name, name) < 0)
        at++;
    if (at < node->attrs && strcmp(node->attr[at].name, name) == 0)
        return &node->attr[at];

    size_t room = wr_nn_attr_room(node->attrs + 1);
    if (node->attrs == 0 || room != wr_nn_attr_room(node->attrs)) {
        wr_nn_attr *wider = wr_nn_allocate(graph, room * sizeof *wider);
        if (wider == NULL)
            return NULL;
        if (node->attrs > 0)
            memcpy(wider, node->attr, node->attrs * sizeof *wider);
        node->attr = wider;
    }
    wr_nn_attr *attr = &node->attr[at];
    memmove(attr + 1, attr, (node->attrs - at) * sizeof *attr);
    *attr = (wr_nn_attr){.name = name};
    node->attrs++;
    *fresh = true;
    return attr;
}

static int set(wr_nn_graph *graph, wr_nn_node *node, const char *name,
               const wr_nn_attr *value) {
    const char *copy = wr_nn_text(graph, name);
    bool fresh;
    wr_nn_attr *attr =
        copy == NULL ? NULL : wr_nn_attr_put(graph, node, copy, &fresh);
    if (attr == NULL)
        return -ENOMEM;
    copy = attr->name;
    *attr = *value;
    attr->name = copy;
    return 0;
}

int wr_nn_attr_set_int(wr_nn_graph *graph, wr_nn_node *node, const char *name,
                       int64_t value) {
    wr_nn_attr attr = {.kind = WR_NN_INT, .count = 1, .i = value};
    return set(graph, node, name, &attr);
}

int wr_nn_attr_set_float(wr_nn_graph *graph, wr_nn_node *node, const char *name,
                         float value) {
    wr_nn_attr attr = {.kind = WR_NN_FLOAT, .count = 1, .f = value};
    return set(graph, node, name, &attr);
}

int wr_nn_attr_set_ints(wr_nn_graph *graph, wr_nn_node *node, const char *name,
                        const int64_t *values, size_t count) {
    size_t bytes;
    if (__builtin_mul_overflow(count, sizeof *values, &bytes))
        return -ENOMEM;
    int64_t *copy = wr_nn_allocate(graph, bytes);
    if (copy == NULL)
        return -ENOMEM;
    if (count > 0)
        memcpy(copy, values, bytes);
    wr_nn_attr attr = {.kind = WR_NN_INTS, .count = count, .ints = copy};
    return set(graph, node, name, &attr);
}

int wr_nn_attr_set_bytes(wr_nn_graph *graph, wr_nn_node *node, const char *name,
                         const void *bytes, size_t count) {
    char *copy = count == SIZE_MAX ? NULL : wr_nn_allocate(graph, count + 1);
    if (copy == NULL)
        return -ENOMEM;
    if (count > 0)
        memcpy(copy, bytes, count);
    wr_nn_attr attr = {.kind = WR_NN_STRING, .count = count, .string = copy};
    return set(graph, node, name, &attr);
}

int wr_nn_attr_set_string(wr_nn_graph *graph, wr_nn_node *node,
                          const char *name, const char *value) {
    return wr_nn_attr_set_bytes(graph, node, name, value, strlen(value));
}
