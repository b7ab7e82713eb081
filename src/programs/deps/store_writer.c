// SPDX-License-Identifier: MIT
// Writing a segment. Nothing is flushed to the disk itself: after a power cut
// some of it may be missing, and the checksums tell.
#include "programs/deps/store_parts.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 64 }; // others may take the same number

wr_store_entry *wr_store_entry_make(wr_store_kind kind, wr_text key,
                                    const wr_record *record) {
    const wr_text none = {"", 0};
    const wr_text text[] = {key, kind == WR_STORE_RECORD ? record->etag : none,
                            kind == WR_STORE_RECORD ? record->last_modified
                                                    : none};
    size_t size = sizeof(wr_store_entry);
    for (size_t i = 0; i < 3; i++)
        size += text[i].size;
    size = wr_store_round(size, 8);
    wr_store_entry *entry = wr_calloc(1, size);
    if (entry == NULL)
        return NULL;
    *entry = (wr_store_entry){
        .magic = WR_STORE_MAGIC,
        .size = (uint32_t)size,
        .kind = (uint32_t)kind,
        .image_size = record->image_size,
        .key_size = (uint32_t)text[0].size,
        .etag_size = (uint32_t)text[1].size,
        .modified_size = (uint32_t)text[2].size,
        .fresh_until = record->fresh_until,
        .fetched = record->fetched,
    };
    char *at = (char *)(entry + 1);
    for (size_t i = 0; i < 3; i++) {
        if (text[i].size > 0)
            memcpy(at, text[i].at, text[i].size);
        at += text[i].size;
    }
    return entry;
}

// 1: it is ours. 0: try another number.
static int take_number(wr_store_writer *writer) {
    char name[WR_STORE_NAME];
    struct stat status;
    wr_store_name(name, writer->number, "index");
    int fd = openat(writer->folder, name,
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST ? 0 : -errno;
    // Who tidies up may have taken it before we have the lock.
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK)
        goto fail; // no such locks here
    if (!locked || fstat(fd, &status) != 0 || status.st_nlink == 0) {
        close(fd);
        return 0;
    }
    char data[WR_STORE_NAME];
    wr_store_name(data, writer->number, "data");
    // One that is there has lost its index; whoever has it mapped keeps it.
    if (unlinkat(writer->folder, data, 0) != 0 && errno != ENOENT)
        goto fail;
    writer->data = openat(writer->folder, data,
                          O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (writer->data < 0)
        goto fail;
    writer->index = fd;
    return 1;
fail:;
    int error = -errno;
    unlinkat(writer->folder, name, 0);
    close(fd);
    return error;
}

int wr_store_writer_open(wr_store_writer *out, int folder, uint64_t number) {
    *out = (wr_store_writer){
        .folder = folder, .index = -1, .data = -1, .number = number};
    out->image = wr_malloc(2 * (size_t)WR_STORE_BUFFER);
    if (out->image == NULL)
        return out->error = -ENOMEM;
    out->entry = out->image + WR_STORE_BUFFER;
    int taken = 0;
    for (int i = 0; i < TRIES && taken == 0; i++, out->number++)
        taken = take_number(out);
    out->number--;
    if (taken == 1)
        return 0;
    out->error = taken == 0 ? -EBUSY : taken;
    wr_free(out->image);
    out->image = NULL;
    return out->error;
}

static int write_all(wr_store_writer *writer, int fd, const uint8_t *bytes,
                     size_t size) {
    while (size > 0 && writer->error == 0) {
        ssize_t done = write(fd, bytes, size);
        if (done > 0) {
            bytes += done;
            size -= (size_t)done;
        } else if (done == 0 || errno != EINTR) {
            // What is behind a gap would never be found: no more.
            writer->error = done == 0 ? -EIO : -errno;
        }
    }
    return writer->error;
}

int wr_store_writer_drain(wr_store_writer *writer) {
    if (writer->index < 0)
        return writer->error;
    if (write_all(writer, writer->data, writer->image, writer->image_used) ==
            0 &&
        write_all(writer, writer->index, writer->entry, writer->entry_used) ==
            0) {
        writer->safe = writer->offset;
        writer->told = writer->told || writer->entry_used > 0;
    }
    writer->image_used = writer->entry_used = 0;
    return writer->error;
}

// Puts the image into the file or the buffer.
static int add_image(wr_store_writer *writer, const uint8_t *image,
                     size_t size) {
    static const uint8_t zeros[WR_STORE_ALIGN];
    size_t padding = wr_store_round(size, WR_STORE_ALIGN) - size;
    if (size + padding > WR_STORE_BUFFER - writer->image_used)
        wr_store_writer_drain(writer);
    if (size + padding > WR_STORE_BUFFER) {
        write_all(writer, writer->data, image, size);
        write_all(writer, writer->data, zeros, padding);
    } else if (writer->error == 0) {
        uint8_t *at = writer->image + writer->image_used;
        memcpy(at, image, size);
        memcpy(at + size, zeros, padding);
        writer->image_used += size + padding;
    }
    writer->offset += size + padding;
    return writer->error;
}

int wr_store_writer_add(wr_store_writer *writer, wr_store_entry *entry,
                        const void *image) {
    if (writer->error != 0)
        return writer->error;
    entry->offset = 0;
    if (entry->kind == WR_STORE_RECORD) {
        entry->offset = writer->offset;
        if (entry->image_size > 0)
            add_image(writer, image, (size_t)entry->image_size);
    }
    size_t before = offsetof(wr_store_entry, size);
    entry->checksum =
        wr_store_sum((const uint8_t *)entry + before, entry->size - before);
    if (entry->size > WR_STORE_BUFFER - writer->entry_used)
        wr_store_writer_drain(writer);
    if (writer->error != 0)
        return writer->error;
    memcpy(writer->entry + writer->entry_used, entry, entry->size);
    writer->entry_used += entry->size;
    writer->index_bytes += entry->size;
    return 0;
}

void wr_store_writer_close(wr_store_writer *writer, bool drop) {
    if (writer->index >= 0) {
        if (!drop)
            wr_store_writer_drain(writer);
        char name[WR_STORE_NAME];
        if (drop || !writer->told) {
            wr_store_name(name, writer->number, "index");
            unlinkat(writer->folder, name, 0);
            wr_store_name(name, writer->number, "data");
            unlinkat(writer->folder, name, 0);
        } else if (writer->error != 0 &&
                   ftruncate(writer->data, (off_t)writer->safe) != 0) {
            // The disk is full and stays so by that much.
        }
        close(writer->data);
        close(writer->index); // and so its lock
    }
    wr_free(writer->image);
    *writer = (wr_store_writer){.index = -1, .data = -1, .error = -EBADF};
}
