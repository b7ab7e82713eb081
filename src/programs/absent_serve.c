// SPDX-License-Identifier: MIT
// `weir serve' in a build that lacks what it needs.
#include "programs/serve/command.h"

#include <stdio.h>

int wr_serve_main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    fputs(
        "weir: this build has no `serve': it needs libmicrohttpd-dev,\n"
        "libjansson-dev, libinih-dev, libpng-dev and what `weir run' needs.\n",
        stderr);
    return 2;
}
