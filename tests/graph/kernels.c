// SPDX-License-Identifier: MIT
// Kernels that processes load from a library.
#include "weir/graph.h"

#include <string.h>

#define KERNEL __attribute__((visibility("default")))

KERNEL int graph_triple(const weir_kernel_call *call);
KERNEL int graph_no(const weir_kernel_call *call);
KERNEL extern const int graph_not_a_function;

const int graph_not_a_function = 7;

// Three times the argument, into the second datum.
int graph_triple(const weir_kernel_call *call) {
    int value;
    memcpy(&value, call->arguments, sizeof(value));
    value *= 3;
    memcpy(call->data[1], &value, sizeof(value));
    return 0;
}

int graph_no(const weir_kernel_call *call) {
    (void)call;
    return -95;
}
