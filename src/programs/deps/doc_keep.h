// SPDX-License-Identifier: MIT
// Which members of a version's object an image keeps.
#ifndef WEIR_PROGRAMS_DEPS_DOC_KEEP_H
#define WEIR_PROGRAMS_DEPS_DOC_KEEP_H

#include "programs/deps/types.h"

typedef enum wr_doc_keep {
    WR_DOC_DROP,
    WR_DOC_KEEP,
    WR_DOC_DIST,    // integrity, shasum and tarball of it
    WR_DOC_SCRIPTS, // those that run at an install
    WR_DOC_ENGINES,
    WR_DOC_SAID_DEPRECATED,
} wr_doc_keep;

wr_doc_keep wr_doc_keep_member(wr_text key);
bool wr_doc_keep_dist(wr_text key);
bool wr_doc_keep_script(wr_text key);

#endif
