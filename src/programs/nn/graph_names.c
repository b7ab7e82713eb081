// SPDX-License-Identifier: MIT
#include "programs/nn/graph_names.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct wr_nn_names_leaf {
    const char *name;
    int number;
};

// Splits the names below it by the bit at `position`; bits are counted from the
// highest of the first byte, and grow on the way down.
struct wr_nn_names_branch {
    size_t position;
    int child[2];
    int leaf; // any of those below
};

// Behind its end a name has zeros.
static unsigned bit_of(const char *name, size_t length, size_t position) {
    size_t byte = position / 8;
    if (byte >= length)
        return 0;
    return (unsigned)(unsigned char)name[byte] >> (7 - position % 8) & 1;
}

// The leaf that has the name if any has. A branch beyond the name's end can
// only be above names that are longer: any of them will do.
static int nearest(const wr_nn_names *names, const char *name, size_t length) {
    int at = names->root;
    while (at >= 0) {
        const struct wr_nn_names_branch *branch = &names->branch[at];
        if (branch->position / 8 > length)
            return branch->leaf;
        at = branch->child[bit_of(name, length, branch->position)];
    }
    return ~at;
}

int wr_nn_names_get(const wr_nn_names *names, const char *name) {
    if (names->count == 0)
        return -1;
    int leaf = nearest(names, name, strlen(name));
    if (strcmp(names->leaf[leaf].name, name) != 0)
        return -1;
    return names->leaf[leaf].number;
}

static int grow(wr_nn_names *names) {
    if (names->count < names->room)
        return 0;
    if (names->room > INT_MAX / 2)
        return -ENOMEM;
    int room = names->room == 0 ? 64 : 2 * names->room;
    void *leaf = reallocarray(names->leaf, (size_t)room, sizeof *names->leaf);
    if (leaf == NULL)
        return -ENOMEM;
    names->leaf = leaf;
    void *branch =
        reallocarray(names->branch, (size_t)room, sizeof *names->branch);
    if (branch == NULL)
        return -ENOMEM;
    names->branch = branch;
    names->room = room;
    return 0;
}

// The first bit in which two different names differ.
static size_t differ_at(const char *a, const char *b) {
    size_t byte = 0;
    while (a[byte] == b[byte])
        byte++;
    unsigned bits = (unsigned char)a[byte] ^ (unsigned)(unsigned char)b[byte];
    size_t bit = 0;
    while ((bits >> (7 - bit) & 1) == 0)
        bit++;
    return 8 * byte + bit;
}

int wr_nn_names_put(wr_nn_names *names, const char *name, int number) {
    if (grow(names) != 0)
        return -ENOMEM;
    int fresh = names->count;
    if (fresh == 0) {
        names->leaf[0] =
            (struct wr_nn_names_leaf){.name = name, .number = number};
        names->root = ~0;
        names->count = 1;
        return 0;
    }

    size_t length = strlen(name);
    const char *other = names->leaf[nearest(names, name, length)].name;
    if (strcmp(other, name) == 0)
        return 1;
    size_t position = differ_at(name, other);
    unsigned bit = bit_of(name, length, position);

    int *link = &names->root;
    while (*link >= 0 && names->branch[*link].position < position) {
        struct wr_nn_names_branch *above = &names->branch[*link];
        link = &above->child[bit_of(name, length, above->position)];
    }
    names->leaf[fresh] =
        (struct wr_nn_names_leaf){.name = name, .number = number};
    struct wr_nn_names_branch *branch = &names->branch[fresh - 1];
    *branch = (struct wr_nn_names_branch){.position = position, .leaf = fresh};
    branch->child[bit] = ~fresh;
    branch->child[1 - bit] = *link;
    *link = fresh - 1;
    names->count++;
    return 0;
}

void wr_nn_names_free(wr_nn_names *names) {
    free(names->leaf);
    free(names->branch);
    *names = (wr_nn_names){0};
}
