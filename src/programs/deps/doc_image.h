// SPDX-License-Identifier: MIT
// The image's layout, in this machine's byte order:
//
//   head | texts: keys, tags, chosen parts of versions' objects | versions,
//   sorted as doc.h says | tags, sorted by their bytes
//
// Offsets are from the image's beginning. Nothing need be aligned: entries are
// copied out. Of a version's object only the members are there that a resolve
// or a lockfile can need (doc.c has the list), each as it was written.
#ifndef WEIR_PROGRAMS_DEPS_DOC_IMAGE_H
#define WEIR_PROGRAMS_DEPS_DOC_IMAGE_H

#include "programs/deps/doc.h"

// The last digit goes up with any change of the layout or of what is kept.
#define WR_DOC_MAGIC UINT64_C(0x7765697264630001)

typedef struct wr_doc_head {
    uint64_t magic;
    uint64_t size;  // of the whole image
    uint32_t texts; // where they end and the versions begin
    uint32_t versions;
    uint32_t tags;
    uint32_t zero;
} wr_doc_head;

typedef struct wr_doc_slice {
    uint32_t at, size;
} wr_doc_slice;

enum { WR_DOC_VALID = 1, WR_DOC_DEPRECATED = 2, WR_DOC_FLAGS = 3 };

typedef struct wr_doc_entry {
    uint64_t major, minor, patch;
    wr_doc_slice text, json, node;
    uint16_t pre_at, pre_size; // in text
    uint32_t flags;
} wr_doc_entry;

typedef struct wr_doc_tag_entry {
    wr_doc_slice tag, version;
} wr_doc_tag_entry;

#endif
