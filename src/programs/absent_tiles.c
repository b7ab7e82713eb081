// SPDX-License-Identifier: MIT
// `weir tiles' in a build that lacks what it needs.
#include "programs/tiles/command.h"

#include <stdio.h>

int wr_tiles_main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    fputs(
        "weir: this build has no `tiles': it needs libopenblas-pthread-dev.\n",
        stderr);
    return 2;
}
