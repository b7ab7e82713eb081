// SPDX-License-Identifier: MIT
// Adding to a weir_histogram. Who adds and who reads is the owner's business:
// usually one lock guards it.
#ifndef WR_HISTOGRAM_H
#define WR_HISTOGRAM_H

#include "weir/base.h"

// wr_histogram_add counts one time; below zero counts as zero.
void wr_histogram_add(weir_histogram *histogram, int64_t ns);

#endif
