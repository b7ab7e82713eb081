// SPDX-License-Identifier: MIT
// What the cache's files have in common: a folder of segments, each the work of
// one process, two files that only grow.
//
//   N.data    images, one after the other, each at a multiple of 16
//   N.index   entries, each with a checksum over itself and its image's
//
// N is 16 hexadecimal digits. Who writes a segment holds a lock (flock) on its
// index for as long as it may write; nobody ever writes to another's. An image
// is written before the entry that tells of it. So what is there when a process
// is killed is whole entries, and at most a piece of one, which no checksum
// fits. `lock` is held by the one that tidies up: see store_tidy.c.
#ifndef WEIR_PROGRAMS_DEPS_STORE_PARTS_H
#define WEIR_PROGRAMS_DEPS_STORE_PARTS_H

#include "base/hash.h"
#include "programs/deps/store.h"

#include <pthread.h>

enum {
    WR_STORE_MAGIC = 0x31527757, // "WwR1" where the low byte comes first: a
                                 // cache of another byte order is no cache
    WR_STORE_ALIGN = 16,
    WR_STORE_NAME = 32,          // of a file
    WR_STORE_TEXT_MAX = 1 << 16, // a key, an etag
    WR_STORE_BUFFER = 256 << 10,
    WR_STORE_SEGMENTS_MAX = 4096, // more are not looked at
    WR_STORE_SEGMENTS_FEW = 8,    // more are put together
    WR_STORE_WASTE = 4 << 20,     // this much is not worth a copy of the rest
    WR_STORE_BYTES_MAX = 512 << 20,
};

typedef enum wr_store_kind { WR_STORE_RECORD, WR_STORE_RENEWAL } wr_store_kind;

// An entry as it is in a file. key, etag and last_modified follow, then zeros
// up to a multiple of 8. A renewal has no offset, etag and last_modified: it
// gives new times to the record with this key and this image.
typedef struct wr_store_entry {
    uint32_t magic;
    uint32_t checksum; // CRC-32 of all that follows, texts included
    uint32_t size;     // with its texts
    uint32_t kind;
    uint64_t offset, image_size;
    uint32_t image_checksum; // CRC-32
    uint32_t key_size, etag_size, modified_size;
    int64_t fresh_until, fetched;
} wr_store_entry;

typedef struct wr_store_segment {
    uint64_t number;
    uint8_t *index; // as it was read
    size_t index_size;
    const uint8_t *data; // mapped; NULL: empty or not there
    size_t data_size;
} wr_store_segment;

// A key's newest record.
typedef struct wr_store_slot {
    const wr_store_entry *entry; // NULL: free
    uint64_t hash;
    size_t segment; // where it is; SIZE_MAX: written by this process
    size_t renewed; // where its times are
    int64_t fresh_until, fetched;
} wr_store_slot;

// What is in a folder.
typedef struct wr_store_view {
    wr_hash_secret secret;
    int64_t now;
    wr_store_segment *segment; // by number
    size_t segments;
    wr_store_slot *slot; // open addressing, a power of two
    size_t slots, used;
    uint64_t number_max; // of any file
    uint64_t bytes;      // of all segments
    uint64_t bytes_live; // of the records in slots
} wr_store_view;

int wr_store_view_open(wr_store_view *out, int folder);
void wr_store_view_close(wr_store_view *view);
// The slot of a key, or the free one where it would be.
wr_store_slot *wr_store_view_find(const wr_store_view *view, wr_text key);
// Takes in an entry, if it is the newest of its key. -ENOMEM.
int wr_store_view_add(wr_store_view *view, const wr_store_entry *entry,
                      size_t segment);

// A segment that this process writes.
typedef struct wr_store_writer {
    int folder, index, data; // index < 0: not open
    int error;               // the first; nothing is written after it
    uint64_t number;
    uint64_t offset;        // where the next image comes
    uint64_t index_bytes;   // so far
    uint64_t safe;          // images up to here are in the file; what is behind
                            // no entry tells of
    bool told;              // there are entries in the file
    uint8_t *image, *entry; // buffers
    size_t image_used, entry_used;
} wr_store_writer;

// Makes a segment; `number` is the least it may have.
int wr_store_writer_open(wr_store_writer *out, int folder, uint64_t number);
// Both keep what they are given in a buffer. `image` of an entry NULL: a
// renewal.
int wr_store_writer_add(wr_store_writer *writer, wr_store_entry *entry,
                        const void *image);
int wr_store_writer_drain(wr_store_writer *writer);
// `drop`: removes the segment, too.
void wr_store_writer_close(wr_store_writer *writer, bool drop);

// Makes an entry with its texts: malloc'ed.
wr_store_entry *wr_store_entry_make(wr_store_kind kind, wr_text key,
                                    const wr_record *record);
uint32_t wr_store_sum(const void *bytes, size_t size);
size_t wr_store_round(size_t size, size_t unit);
void wr_store_name(char name[WR_STORE_NAME], uint64_t number, const char *kind);
// A name of 16 digits and this end.
bool wr_store_number(const char *name, const char *end, uint64_t *number);
// Opens, to read, a regular file that is this user's.
struct stat;
int wr_store_open_own(int folder, const char *name, struct stat *status);
// which: 0 the key, 1 the etag, 2 last_modified.
wr_text wr_store_entry_text(const wr_store_entry *entry, unsigned which);

static inline uint64_t wr_store_cost(const wr_store_entry *entry) {
    return entry->size +
           (entry->kind == WR_STORE_RECORD
                ? wr_store_round((size_t)entry->image_size, WR_STORE_ALIGN)
                : 0);
}

// Tidies up if there is reason to and nobody else does: see store_tidy.c.
// `bytes_max`: of all segments.
void wr_store_tidy(int folder, uint64_t bytes_max);
bool wr_store_untidy(const wr_store_view *view, uint64_t bytes_max);

#endif
