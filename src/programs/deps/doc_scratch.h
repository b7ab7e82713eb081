// SPDX-License-Identifier: MIT
// What a thread that reads documents keeps from one to the next: room for the
// JSON and for tables, and a decompressor, which is large and made clear.
//
//   ownership  the thread's; gone when it ends.
#ifndef WEIR_PROGRAMS_DEPS_DOC_SCRATCH_H
#define WEIR_PROGRAMS_DEPS_DOC_SCRATCH_H

#include <stddef.h>

struct libdeflate_decompressor;

enum { WR_DOC_SCRATCH_MAX = 1 << 20 };

// What a piece of it is for.
typedef enum wr_doc_scratch_use {
    WR_DOC_SCRATCH_JSON,
    WR_DOC_SCRATCH_VERSIONS,
    WR_DOC_SCRATCH_TAGS,
    WR_DOC_SCRATCH_USES,
} wr_doc_scratch_use;

typedef struct wr_doc_scratch {
    struct libdeflate_decompressor *engine; // or NULL: not yet
    char *bytes[WR_DOC_SCRATCH_USES];
    size_t room[WR_DOC_SCRATCH_USES];
} wr_doc_scratch;

// wr_doc_scratch_get gives the calling thread's. NULL: no memory.
wr_doc_scratch *wr_doc_scratch_get(void);
// wr_doc_scratch_room gives so many bytes for a use, at most
// WR_DOC_SCRATCH_MAX. They are good until more are asked for, for that use.
// NULL: no memory.
char *wr_doc_scratch_room(wr_doc_scratch_use use, size_t size);

#endif
