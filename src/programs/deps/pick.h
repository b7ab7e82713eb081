// SPDX-License-Identifier: MIT
// Which version a spec gets, as npm-pick-manifest chooses: a tag's version; the
// version asked for; of a range: what the default tag names, if it is in the
// range, not deprecated, and its engines accept this node; otherwise, of those
// in the range, the first by (not deprecated and engines accept), engines
// accept, not deprecated, highest.
#ifndef WEIR_PROGRAMS_DEPS_PICK_H
#define WEIR_PROGRAMS_DEPS_PICK_H

#include "programs/deps/doc.h"
#include "programs/deps/spec.h"

typedef struct wr_pick_options {
    wr_text tag;    // npm's `tag`; size 0: "latest"
    bool has_node;  // otherwise engines are not looked at
    wr_semver node; // the node version that engines are compared with
} wr_pick_options;

// wr_pick gives the index of the version in the document. spec is one of the
// registry's.
// Errors: -ENOENT (why->code ETARGET: no such version or tag; ENOVERSIONS: the
// package has none), -ENOMEM.
int wr_pick(size_t *index, const wr_doc *doc, const wr_spec *spec,
            const wr_pick_options *options, wr_why *why);

#endif
