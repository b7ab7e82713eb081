// SPDX-License-Identifier: MIT
// `weir run' in a build that lacks what it needs.
#include "programs/nn/command.h"

#include <stdio.h>

int wr_nn_main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    fputs("weir: this build has no `run': it needs libdnnl-dev, "
          "libprotobuf-c-dev\n"
          "and protobuf-c-compiler.\n",
          stderr);
    return 2;
}
