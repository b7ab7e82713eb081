// SPDX-License-Identifier: MIT
// A library that never has been loaded.
#include "weir/graph.h"

#include <unistd.h>

__attribute__((visibility("default"))) int
graph_never(const weir_kernel_call *call);

__attribute__((constructor)) static void hang(void) {
    for (;;)
        pause();
}

int graph_never(const weir_kernel_call *call) {
    (void)call;
    return 0;
}
