// SPDX-License-Identifier: MIT
// Bytes as a program for a table of regions: names of shapes, sweeps,
// allocations that fail. What is looked for is a neighbour too many or too few,
// one that is said to be covered and is not, a crash, a sanitizer's complaint.
//
// How to run it: engine.h.
#include "engine.h"

#include "base/fault.h"
#include "support/graph_region.h"

typedef struct input {
    const uint8_t *at;
    size_t left;
} input;

static uint32_t next(input *in) {
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static uint32_t next_of(input *in, size_t bound) {
    uint32_t high = next(in);
    return (high << 8 | next(in)) % (uint32_t)bound;
}

static void name(table *t, input *in, uint32_t how) {
    wr_shape shape;
    // Small strides, so that pieces of a few bytes have rows.
    size_t stride = how % 2 == 0 ? next(in) % 16 + 1 : next_of(in, t->size) + 1;
    size_t offset = next_of(in, t->size);
    size_t bytes = how % 3 == 0 ? next_of(in, t->size) + 1 : next(in) % 8 + 1;
    uint32_t rows = how % 5 == 0 ? 1 : next(in) + 1;
    while (rows > 1 && stride * (rows - 1) + bytes + offset > t->size)
        rows /= 2;
    if (wr_shape_make(&shape, t->size, offset, bytes, stride, rows) != 0)
        return;
    bool fails = how >= 200 && wr_fault_arm(WR_FAULT_ALLOC, how % 7, 1);
    table_entry *entry = table_name(t, &shape);
    if (fails)
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
    if (entry == NULL)
        return;
    entry->quiet = false;
    table_compare(t, entry);
}

static void sweep(table *t, input *in) {
    uint32_t every = next(in) % 8 + 1, first = next(in);
    for (size_t i = 0; i < t->count; i++)
        t->of[i].quiet = (i + first) % every != 0;
    table_sweep(t);
    table_compare_all(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, size};
    table t;
    table_init(&t, next_of(&in, 1000) + 1);
    while (in.left > 0) {
        uint32_t what = next(&in);
        if (what == 255)
            sweep(&t, &in);
        else
            name(&t, &in, what);
    }
    table_compare_all(&t);
    table_end(&t);
    return 0;
}

static void one_round(void) {
    static uint8_t data[1024];
    size_t size = 16 + below(sizeof(data) - 16);
    uint8_t mask = below(2) ? 0xff : 0x1f;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)below(256) & mask;
    for (size_t i = below(6); i > 0; i--)
        data[below(size)] = 255;
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_graph_region", one_round);
}
