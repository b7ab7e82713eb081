// SPDX-License-Identifier: MIT
// What a thread that reads documents keeps from one to the next: otherwise each
// costs fresh pages twice as large as itself, and clearing a decompressor.
//
//   ownership  the thread's; gone when it ends.
#ifndef WEIR_PROGRAMS_DEPS_DOC_SCRATCH_H
#define WEIR_PROGRAMS_DEPS_DOC_SCRATCH_H

#include <stddef.h>

struct libdeflate_decompressor;

enum { WR_DOC_SCRATCH_MAX = 1 << 20 };

typedef struct wr_doc_scratch {
    struct libdeflate_decompressor *engine; // or NULL: not yet
    char *bytes;
    size_t room;
} wr_doc_scratch;

// wr_doc_scratch_get gives the calling thread's. NULL: no memory.
wr_doc_scratch *wr_doc_scratch_get(void);
// wr_doc_scratch_room gives so many bytes of it, at most WR_DOC_SCRATCH_MAX,
// until the next call. NULL: no memory.
char *wr_doc_scratch_room(size_t size);

#endif
