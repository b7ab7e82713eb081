// SPDX-License-Identifier: MIT
// A package's registry document, cut into its versions: one pass over the
// JSON, of which only chosen versions are parsed. The result is one block of
// memory without pointers, an image, which can be written to a file and be used
// as it is read back.
//
//   threads    any; an image is read-only.
//   ownership  texts point into the image.
//   errors     -EINVAL with why (EJSONPARSE; EBADDOC: JSON, but no document of
//              that package), -E2BIG (ETOOBIG), -ENOMEM.
#ifndef WEIR_PROGRAMS_DEPS_DOC_H
#define WEIR_PROGRAMS_DEPS_DOC_H

#include "programs/deps/semver.h"

enum {
    WR_DOC_BYTES_MAX = 256 << 20, // of JSON, inflated
    WR_DOC_VERSIONS_MAX = 1 << 20,
};

typedef struct wr_doc wr_doc; // an image

// wr_doc_inflate makes plain bytes of gzip. *out is malloc'ed and belongs to
// the caller. Errors: -EINVAL (EZLIB: damaged or cut short), -E2BIG (more than
// `most`), -ENOMEM.
int wr_doc_inflate(uint8_t **out, size_t *out_size, const uint8_t *bytes,
                   size_t size, size_t most, wr_why *why);

// wr_doc_inflate_lent does so with memory that the thread keeps: *out is good
// until it inflates the next. False: wr_doc_inflate has to do it (and knows why
// not).
bool wr_doc_inflate_lent(const uint8_t **out, size_t *out_size,
                         const uint8_t *bytes, size_t size);

// wr_doc_parse makes an image (malloc'ed, *image_size bytes) of a document,
// abbreviated or full. Bytes that are no JSON anywhere, no object, no
// "versions" (a document without any is one with 0 versions), a nesting beyond
// 512 levels: refused. Versions that are no valid semver are kept by their text
// alone, sorted last.
int wr_doc_parse(wr_doc **out, size_t *image_size, const char *json,
                 size_t size, wr_why *why);

// wr_doc_check says whether these bytes are an image that this build can use:
// every offset is looked at once, so that what follows need not. -EINVAL.
int wr_doc_check(const void *image, size_t size);

// Versions, highest first by semver (equal ones by their text, bytes); those
// that are not valid last.
typedef struct wr_doc_version {
    wr_text text; // the key in "versions"
    wr_semver semver;
    bool valid;      // semver holds
    bool deprecated; // "deprecated" is there and neither false nor ""
    wr_text node;    // engines.node, size 0: none
    wr_text json;    // its object
} wr_doc_version;

size_t wr_doc_count(const wr_doc *doc);
void wr_doc_version_at(const wr_doc *doc, size_t index, wr_doc_version *out);
// wr_doc_find gives the index of a key in "versions", or -1.
int64_t wr_doc_find(const wr_doc *doc, wr_text version);
// wr_doc_tag gives the version that a dist-tag names; false: none such.
bool wr_doc_tag(const wr_doc *doc, wr_text tag, wr_text *version);

#endif
