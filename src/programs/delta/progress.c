// SPDX-License-Identifier: MIT
#include "programs/delta/progress.h"

#include "weir/base.h"

#include <stdio.h>
#include <unistd.h>

static const int64_t SECOND_NS = 1000000000;
static const int64_t FIRST_NS = 300000000; // a short run shows nothing
static const int64_t EVERY_NS = 200000000;

void wr_progress_begin(wr_progress *progress, wr_progress_mode mode,
                       const char *what, uint64_t total) {
    *progress = (wr_progress){.what = what, .total = total};
    progress->on = mode == WR_PROGRESS_ON ||
                   (mode == WR_PROGRESS_AUTO && isatty(STDERR_FILENO));
    progress->start_ns = weir_now_ns();
    progress->next_ns = progress->start_ns + FIRST_NS;
}

static void show(wr_progress *progress, int64_t now) {
    double seconds = (double)(now - progress->start_ns) / (double)SECOND_NS;
    double megabytes = (double)progress->done / 1e6;
    double rate = megabytes / seconds;
    char line[160];
    int at =
        snprintf(line, sizeof(line), "%s: %.0f MB", progress->what, megabytes);
    size_t used = at > 0 ? (size_t)at : 0;
    if (progress->total > 0 && progress->done <= progress->total) {
        double total = (double)progress->total / 1e6;
        snprintf(line + used, sizeof(line) - used,
                 " of %.0f (%.0f %%), %.0f MB/s, %.0f s left", total,
                 100 * megabytes / total, rate,
                 rate > 0 ? (total - megabytes) / rate : 0);
    } else {
        snprintf(line + used, sizeof(line) - used, ", %.0f MB/s", rate);
    }
    // Carriage return, the line, and what an earlier one left behind cleared.
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    progress->shown = true;
}

void wr_progress_add(wr_progress *progress, uint64_t bytes) {
    progress->done += bytes;
    if (!progress->on)
        return;
    int64_t now = weir_now_ns();
    if (now < progress->next_ns)
        return;
    show(progress, now);
    progress->next_ns = now + EVERY_NS;
}

void wr_progress_end(wr_progress *progress) {
    if (progress->shown) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
    }
    progress->shown = progress->on = false;
}
