// SPDX-License-Identifier: MIT
// What the parts of patterns share.
#ifndef WEIR_PROGRAMS_DEPS_PROJECT_INSIDE_H
#define WEIR_PROGRAMS_DEPS_PROJECT_INSIDE_H

#include "programs/deps/manifest_inside.h"

typedef struct wr_glob_path {
    wr_text *segment; // the block that has their text too
    size_t segments;
} wr_glob_path;

struct wr_glob {
    bool slash; // it ends with one
    size_t paths;
    wr_glob_path path[];
};

// wr_glob_segment: a name is what a segment without ** says.
bool wr_glob_segment(wr_text segment, wr_text name, bool dots);
bool wr_glob_is_star2(wr_text segment);
bool wr_glob_is_literal(wr_text segment);

#endif
