// SPDX-License-Identifier: MIT
// graph/sizes.h for models: so few tasks that their memory is used again, and
// that a cancel, which looks at each of them, does not take most of the steps.
// And nobody looks who was not told to: all must come about without that.
#ifndef WR_GRAPH_SIZES_H
#define WR_GRAPH_SIZES_H

#include <stdint.h>

enum { WR_CHUNK_TASKS = 2 };

#define WR_LOOK_NS INT64_MAX

#endif
