// SPDX-License-Identifier: MIT
// Everything. Prefer including the one header you use.
//
//   threads    see each header.
//   blocking   see each header.
//   ownership  see each header.
//   errors     see weir/base.h.
#ifndef WEIR_H
#define WEIR_H
#include "weir/base.h"
#include "weir/cache.h"
#include "weir/frontier.h"
#include "weir/graph.h"
#include "weir/loop.h"
#include "weir/observe.h"
#include "weir/parallel.h"
#include "weir/pool.h"
#include "weir/procs.h"
#include "weir/sort.h"
#include "weir/stream.h"
#endif
