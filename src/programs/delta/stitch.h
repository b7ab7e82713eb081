// SPDX-License-Identifier: MIT
//
// Joins the scans of stripes into the one scan that rdiff would have made.
//
// Each stripe was scanned from its own first position. The true scan may enter
// it further in, at p. If p lies where the stripe's scan found nothing, or
// where one of its matches starts, then from p on both scans are the same and
// its list is taken. If p lies inside one of its matches, the rule is applied
// from p, one match at a time, until that is so. README.md has the argument.
//
// Threads:   one; stripes in order.
// Blocking:  writes to the output, through the emitter.
// Errors:    of the output.
// Ownership: nothing of a stripe is referred to after wr_stitch_add.
#ifndef WR_DELTA_STITCH_H
#define WR_DELTA_STITCH_H

#include "programs/delta/emit.h"
#include "programs/delta/scan.h"

typedef struct wr_stitch {
    const wr_scan_rule *rule;
    wr_emitter *emitter;
    uint64_t entry; // the true scan's next position, from the stripe's start

    uint64_t matches;   // windows matched, for the statistics
    uint64_t rescanned; // positions the rule was applied to again
} wr_stitch;

void wr_stitch_begin(wr_stitch *stitch, const wr_scan_rule *rule,
                     wr_emitter *emitter);

// The next stripe, scanned; it starts where the previous one's own positions
// end.
wr_status wr_stitch_add(wr_stitch *stitch, const wr_stripe *stripe,
                        wr_failure *failure);

#endif
