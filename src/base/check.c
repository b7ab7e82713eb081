// SPDX-License-Identifier: MIT
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void wr_check_failed(const char *file, int line, const char *what) {
    fprintf(stderr, "weir: %s:%d: check failed: %s\n", file, line, what);
    abort();
}
