// SPDX-License-Identifier: MIT
// The cache on disk: what registries answered, one record per URL. It survives
// kill -9 at any moment (a record is there whole or not at all) and any number
// of processes that use it at once. Whatever is damaged is not there.
//
//   threads    any.
//   blocking   get maps what is there; put may write; flush and close write.
//   ownership  a record that get gave is valid until close.
//   errors     -ENOENT (not there, or damaged), -ENOMEM, what the system says.
//              A cache that cannot be used is no failure of a resolve: the
//              caller goes on without.
#ifndef WEIR_PROGRAMS_DEPS_STORE_H
#define WEIR_PROGRAMS_DEPS_STORE_H

#include "programs/deps/types.h"

typedef struct wr_depot wr_depot;

typedef struct wr_record {
    wr_text etag, last_modified; // size 0: none
    int64_t fresh_until;         // seconds since 1970
    int64_t fetched;             // too: the last answer, also "not modified"
    const void *image;           // a wr_doc image, checked
    size_t image_size;
} wr_record;

// wr_store_open makes the folder if need be (0700).
int wr_store_open(wr_depot **out, const char *folder, wr_why *why);
// wr_store_get: the newest record of a key. `key` is the URL and what was asked
// for (abbreviated or full).
int wr_store_get(wr_depot *store, wr_text key, wr_record *out);
// wr_store_put copies what it is given. It is there for others at the latest
// after flush.
int wr_store_put(wr_depot *store, wr_text key, const wr_record *record);
// wr_store_renew changes fresh_until and fetched of a record that was not
// modified.
int wr_store_renew(wr_depot *store, wr_text key, int64_t fresh_until,
                   int64_t fetched);
int wr_store_flush(wr_depot *store);
void wr_store_close(wr_depot *store); // flushes; NULL is allowed

#endif
