// SPDX-License-Identifier: MIT
// A library that ends whoever loads it.
#include "weir/graph.h"

#include <signal.h>

__attribute__((visibility("default"))) int
graph_never(const weir_kernel_call *call);

__attribute__((constructor)) static void crash(void) { raise(SIGABRT); }

int graph_never(const weir_kernel_call *call) {
    (void)call;
    return 0;
}
