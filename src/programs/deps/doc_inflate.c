// SPDX-License-Identifier: MIT
#include "programs/deps/doc.h"
#include "programs/deps/doc_scratch.h"

#include "base/fault.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

// Deflate makes at most 1032 bytes of one (258 of 2 bits): what a trailer says
// beyond that is a lie.
enum { RATIO_MAX = 1032, LEAST = 4096, GZIP_LEAST = 18 };

typedef struct inflating {
    struct libdeflate_decompressor *engine;
    const uint8_t *in, *end;
    uint8_t *out;
    size_t used, room, most;
} inflating;

// The last four bytes: how many there are to be, below 2^32.
static size_t room_to_begin_with(const uint8_t *bytes, size_t size,
                                 size_t most) {
    size_t room = LEAST;
    if (size >= GZIP_LEAST) {
        const uint8_t *tail = bytes + size - 4;
        size_t said = (size_t)tail[0] | (size_t)tail[1] << 8 |
                      (size_t)tail[2] << 16 | (size_t)tail[3] << 24;
        room = said / RATIO_MAX > size ? LEAST : said;
    }
    return room > most ? most : room;
}

static bool grow(inflating *z) {
    size_t room = z->room < LEAST ? LEAST : 2 * z->room;
    room = room > z->most ? z->most : room;
    // One byte more, so that nothing at all has an address too.
    uint8_t *larger =
        wr_fault(WR_FAULT_ALLOC) ? NULL : realloc(z->out, room + 1);
    if (larger == NULL)
        return false;
    z->out = larger;
    z->room = room;
    return true;
}

static int damaged(wr_why *why) {
    return wr_refuse(why, -EINVAL, "EZLIB",
                     "gzip that is damaged or cut short");
}

// One member: gzip may be several behind one another.
static int inflate_member(inflating *z, wr_why *why) {
    for (;;) {
        size_t read = 0, made = 0;
        enum libdeflate_result result = libdeflate_gzip_decompress_ex(
            z->engine, z->in, (size_t)(z->end - z->in), z->out + z->used,
            z->room - z->used, &read, &made);
        if (result == LIBDEFLATE_SUCCESS) {
            z->in += read;
            z->used += made;
            return 0;
        }
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return damaged(why);
        if (z->room == z->most)
            return wr_refuse(why, -E2BIG, "ETOOBIG",
                             "more than %zu bytes when inflated", z->most);
        if (!grow(z))
            return wr_refuse(why, -ENOMEM, "ENOMEM", "no memory to inflate");
    }
}

// Some servers fill up with zeros behind the end.
static bool only_zeros(const uint8_t *p, const uint8_t *end) {
    while (p < end && *p == 0)
        p++;
    return p == end;
}

static struct libdeflate_decompressor *engine(void) {
    wr_doc_scratch *scratch = wr_doc_scratch_get();
    if (scratch == NULL)
        return NULL;
    if (scratch->engine == NULL && !wr_fault(WR_FAULT_ALLOC))
        scratch->engine = libdeflate_alloc_decompressor();
    return scratch->engine;
}

bool wr_doc_inflate_lent(const uint8_t **out, size_t *out_size,
                         const uint8_t *bytes, size_t size) {
    size_t room = room_to_begin_with(bytes, size, WR_DOC_SCRATCH_MAX);
    struct libdeflate_decompressor *z = engine();
    char *here = wr_doc_scratch_room(WR_DOC_SCRATCH_JSON, room);
    size_t read = 0;
    if (z == NULL || here == NULL ||
        libdeflate_gzip_decompress_ex(z, bytes, size, here, room, &read,
                                      out_size) != LIBDEFLATE_SUCCESS ||
        read != size)
        return false;
    *out = (const uint8_t *)here;
    return true;
}

int wr_doc_inflate(uint8_t **out, size_t *out_size, const uint8_t *bytes,
                   size_t size, size_t most, wr_why *why) {
    inflating z = {.in = bytes, .end = bytes + size, .most = most};
    z.room = room_to_begin_with(bytes, size, most);
    z.engine = engine();
    z.out = wr_malloc(z.room + 1);
    int error = z.engine == NULL || z.out == NULL
                    ? wr_refuse(why, -ENOMEM, "ENOMEM", "no memory to inflate")
                    : inflate_member(&z, why);
    while (error == 0 && z.in < z.end && !only_zeros(z.in, z.end))
        error = inflate_member(&z, why);
    if (error != 0) {
        free(z.out);
        return error;
    }
    *out = z.out;
    *out_size = z.used;
    return 0;
}
