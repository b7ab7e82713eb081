// SPDX-License-Identifier: MIT
#include "programs/deps/progress.h"

#include <inttypes.h>
#include <stdio.h>

void wr_deps_progress_show(wr_deps_progress *progress,
                           const wr_resolve_counts *c) {
    if (!progress->on)
        return;
    fprintf(stderr,
            "\r\033[K%" PRIu64 " of %" PRIu64 " items, %" PRIu64
            " packages fetched, %" PRIu64 " in flight",
            c->items_done, c->items, c->fetched + c->not_modified,
            c->in_flight);
    (void)fflush(stderr);
    progress->shown = true;
}

void wr_deps_progress_end(wr_deps_progress *progress) {
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
