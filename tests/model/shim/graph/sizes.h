// SPDX-License-Identifier: MIT
// graph/sizes.h for models: so few tasks that their memory is used again, and
// that a cancel, which looks at each of them, does not take most of the steps.
#ifndef WR_GRAPH_SIZES_H
#define WR_GRAPH_SIZES_H

enum { WR_CHUNK_TASKS = 2 };

#endif
