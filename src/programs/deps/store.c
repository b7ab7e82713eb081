// SPDX-License-Identifier: MIT
// The cache on disk: see store_parts.h for its files and store_tidy.c for what
// bounds them.
#include "programs/deps/store_parts.h"

#include "base/fault.h"
#include "programs/deps/doc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Something that a record points to, until close.
typedef struct kept {
    struct kept *next;
    void *entry; // malloc'ed, or
    void *map;
    size_t map_size;
} kept;

struct wr_depot {
    int folder;
    pthread_mutex_t lock; // all that follows
    wr_store_view view;
    wr_store_writer writer;
    bool written; // the writer was asked for
    kept *kept;
};

// ---------------------------------------------------------------------------
// The folder

// Makes a folder and those above it.
static int make_folder(const char *path) {
    size_t size = strlen(path);
    char *part = wr_malloc(size + 1);
    if (part == NULL)
        return -ENOMEM;
    int error = 0;
    for (size_t i = 1; i <= size && error == 0; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST) {
            // A folder above may be there and not be ours to write to.
            struct stat status;
            int reason = errno;
            if (stat(part, &status) != 0)
                error = -reason;
        }
    }
    wr_free(part);
    return error;
}

static int open_folder(const char *path, wr_why *why) {
    int error = path[0] == '\0' ? -ENOENT : make_folder(path);
    int fd = -1;
    if (error == 0) {
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            error = -errno;
    }
    if (error != 0)
        return wr_refuse(why, error, "ECACHE", "%s: %s", path,
                         strerror(-error));
    struct stat status;
    if (fstat(fd, &status) != 0 || status.st_uid != geteuid() ||
        (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        close(fd);
        return wr_refuse(why, -EACCES, "ECACHE",
                         "%s: others may write to this folder", path);
    }
    return fd;
}

int wr_store_open(wr_depot **out, const char *folder, wr_why *why) {
    *out = NULL;
    int fd = open_folder(folder, why);
    if (fd < 0)
        return fd;
    wr_depot *store = wr_calloc(1, sizeof(*store));
    int error = store == NULL ? -ENOMEM : wr_store_view_open(&store->view, fd);
    if (error != 0) {
        wr_free(store);
        close(fd);
        return wr_refuse(why, error, "ECACHE", "%s: %s", folder,
                         strerror(-error));
    }
    store->folder = fd;
    store->writer.index = store->writer.data = -1;
    pthread_mutex_init(&store->lock, NULL);
    *out = store;
    return 0;
}

// ---------------------------------------------------------------------------
// Reading

static kept *keep(wr_depot *store) {
    kept *one = wr_calloc(1, sizeof(*one));
    if (one != NULL) {
        one->next = store->kept;
        store->kept = one;
    }
    return one;
}

// A record that this process wrote, mapped.
static int map_own(wr_depot *store, const wr_store_entry *entry,
                   const void **image) {
    if (wr_store_writer_drain(&store->writer) != 0)
        return -ENOENT;
    if (entry->image_size == 0)
        return 0;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t before = entry->offset % page;
    kept *map = keep(store);
    if (map == NULL)
        return -ENOMEM;
    size_t size = (size_t)(before + entry->image_size);
    uint8_t *at = mmap(NULL, size, PROT_READ, MAP_SHARED, store->writer.data,
                       (off_t)(entry->offset - before));
    if (at == MAP_FAILED)
        return -errno;
    map->map = at;
    map->map_size = size;
    *image = at + before;
    return 0;
}

// `sum`: what the image's checksum shall be.
static int find(wr_depot *store, wr_text key, wr_record *out, uint32_t *sum) {
    const wr_store_slot *slot = wr_store_view_find(&store->view, key);
    const wr_store_entry *entry = slot->entry;
    if (entry == NULL)
        return -ENOENT;
    *out = (wr_record){
        .etag = wr_store_entry_text(entry, 1),
        .last_modified = wr_store_entry_text(entry, 2),
        .fresh_until = slot->fresh_until,
        .fetched = slot->fetched,
        .image = "",
        .image_size = (size_t)entry->image_size,
    };
    *sum = entry->image_checksum;
    if (slot->segment == SIZE_MAX)
        return map_own(store, entry, &out->image);
    if (entry->image_size > 0)
        out->image = store->view.segment[slot->segment].data + entry->offset;
    return 0;
}

int wr_store_get(wr_depot *store, wr_text key, wr_record *out) {
    uint32_t sum;
    pthread_mutex_lock(&store->lock);
    int error = find(store, key, out, &sum);
    pthread_mutex_unlock(&store->lock);
    if (error == 0 && (wr_store_sum(out->image, out->image_size) != sum ||
                       wr_doc_check(out->image, out->image_size) != 0))
        error = -ENOENT;
    if (error != 0)
        *out = (wr_record){0};
    return error;
}

// ---------------------------------------------------------------------------
// Writing

// The writer, made when it is first needed: who only reads leaves no trace.
static int start_writing(wr_depot *store) {
    if (!store->written) {
        store->written = true;
        wr_store_writer_open(&store->writer, store->folder,
                             store->view.number_max + 1);
    }
    return store->writer.error;
}

// Writes an entry and takes it into the view. The entry is malloc'ed.
static int add(wr_depot *store, wr_store_entry *entry, const void *image) {
    int error = start_writing(store);
    kept *own = error == 0 ? keep(store) : NULL;
    if (error == 0 && own == NULL)
        error = -ENOMEM;
    if (error != 0) {
        wr_free(entry);
        return error;
    }
    own->entry = entry;
    error = wr_store_writer_add(&store->writer, entry, image);
    if (error == 0)
        error = wr_store_view_add(&store->view, entry, SIZE_MAX);
    return error;
}

static bool fits(wr_text text) { return text.size <= WR_STORE_TEXT_MAX; }

int wr_store_put(wr_depot *store, wr_text key, const wr_record *record) {
    if (!fits(key) || !fits(record->etag) || !fits(record->last_modified))
        return -E2BIG;
    wr_store_entry *entry = wr_store_entry_make(WR_STORE_RECORD, key, record);
    if (entry == NULL)
        return -ENOMEM;
    entry->image_checksum = wr_store_sum(record->image, record->image_size);
    pthread_mutex_lock(&store->lock);
    int error = add(store, entry, record->image);
    pthread_mutex_unlock(&store->lock);
    return error;
}

static int renew(wr_depot *store, wr_text key, wr_record *times) {
    const wr_store_slot *slot = wr_store_view_find(&store->view, key);
    if (slot->entry == NULL)
        return -ENOENT;
    times->image_size = (size_t)slot->entry->image_size;
    wr_store_entry *entry = wr_store_entry_make(WR_STORE_RENEWAL, key, times);
    if (entry == NULL)
        return -ENOMEM;
    entry->image_checksum = slot->entry->image_checksum;
    return add(store, entry, NULL);
}

int wr_store_renew(wr_depot *store, wr_text key, int64_t fresh_until,
                   int64_t fetched) {
    wr_record times = {.fresh_until = fresh_until, .fetched = fetched};
    if (!fits(key))
        return -ENOENT;
    pthread_mutex_lock(&store->lock);
    int error = renew(store, key, &times);
    pthread_mutex_unlock(&store->lock);
    return error;
}

int wr_store_flush(wr_depot *store) {
    pthread_mutex_lock(&store->lock);
    int error = store->written ? wr_store_writer_drain(&store->writer) : 0;
    pthread_mutex_unlock(&store->lock);
    return error;
}

void wr_store_close(wr_depot *store) {
    if (store == NULL)
        return;
    bool untidy = false;
    if (store->writer.index >= 0) {
        store->view.bytes += store->writer.offset + store->writer.index_bytes;
        store->view.segments++; // for the question alone
        untidy = wr_store_untidy(&store->view, WR_STORE_BYTES_MAX);
        store->view.segments--;
        wr_store_writer_close(&store->writer, false);
    }
    wr_store_view_close(&store->view);
    while (store->kept != NULL) {
        kept *one = store->kept;
        store->kept = one->next;
        if (one->map != NULL)
            munmap(one->map, one->map_size);
        wr_free(one->entry);
        wr_free(one);
    }
    if (untidy)
        wr_store_tidy(store->folder, WR_STORE_BYTES_MAX);
    close(store->folder);
    pthread_mutex_destroy(&store->lock);
    wr_free(store);
}
