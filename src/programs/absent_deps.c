// SPDX-License-Identifier: MIT
// `weir deps' in a build that lacks what it needs.
#include "programs/deps/command.h"

#include <stdio.h>

int wr_deps_main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    fputs("weir: this build has no `deps': it needs libcurl, libdeflate,\n"
          "libjansson-dev and libinih-dev.\n",
          stderr);
    return 2;
}
