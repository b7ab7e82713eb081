// SPDX-License-Identifier: MIT
//
// What is said of a run: for a person, and as JSON.
//
// Threads: any, when the run is over. Blocking: writes. Errors: -EIO, -ENOMEM.
#ifndef WEIR_PROGRAMS_TILES_REPORT_H
#define WEIR_PROGRAMS_TILES_REPORT_H

#include "programs/tiles/run.h"

typedef struct wr_tiles_report {
    const wr_tiles_plan *plan;
    const wr_tiles_crew *crew;
    const wr_tiles_shape *shape;
    const wr_tiles_ran *ran;
    double residual;
    bool kills; // some were asked for
    wr_tiles_path path;
} wr_tiles_report;

// wr_tiles_report_make fills in the path. Errors: -ENOMEM.
int wr_tiles_report_make(wr_tiles_report *report);

void wr_tiles_report_text(const wr_tiles_report *report, FILE *out);

// For wr_tiles_save: context is the report.
int wr_tiles_report_json(void *context, FILE *out);

#endif
