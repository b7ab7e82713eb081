// SPDX-License-Identifier: MIT
// Reading what is in a cache's folder.
#include "programs/deps/store_parts.h"

#include "base/fault.h"
#include "os/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    INDEX_MAX = 256 << 20,
    AHEAD_MAX_S = 3600, // of a clock that goes right
    TRIES = 3,          // a folder that is tidied up while it is read
};

uint32_t wr_store_sum(const void *bytes, size_t size) {
    return libdeflate_crc32(0, bytes, size);
}

size_t wr_store_round(size_t size, size_t unit) {
    return (size + unit - 1) / unit * unit;
}

void wr_store_name(char name[WR_STORE_NAME], uint64_t number,
                   const char *kind) {
    snprintf(name, WR_STORE_NAME, "%016llx.%s", (unsigned long long)number,
             kind);
}

wr_text wr_store_entry_text(const wr_store_entry *entry, unsigned which) {
    const char *at = (const char *)(entry + 1);
    const uint32_t size[] = {entry->key_size, entry->etag_size,
                             entry->modified_size};
    for (unsigned i = 0; i < which; i++)
        at += size[i];
    return (wr_text){at, size[which]};
}

// ---------------------------------------------------------------------------
// The table of keys

wr_store_slot *wr_store_view_find(const wr_store_view *view, wr_text key) {
    uint64_t hash = wr_hash(&view->secret, key.at, key.size);
    // The top bits are the best, the low ones choose the place.
    for (size_t i = (size_t)(hash >> 32);; i++) {
        wr_store_slot *slot = &view->slot[i & (view->slots - 1)];
        if (slot->entry == NULL) {
            slot->hash = hash;
            return slot;
        }
        if (slot->hash == hash && slot->entry->key_size == key.size &&
            memcmp(wr_store_entry_text(slot->entry, 0).at, key.at, key.size) ==
                0)
            return slot;
    }
}

static int grow(wr_store_view *view) {
    size_t slots = view->slots == 0 ? 64 : 2 * view->slots;
    wr_store_slot *bigger = wr_calloc(slots, sizeof(*bigger));
    if (bigger == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < view->slots; i++) {
        if (view->slot[i].entry == NULL)
            continue;
        size_t at = (size_t)(view->slot[i].hash >> 32);
        while (bigger[at & (slots - 1)].entry != NULL)
            at++;
        bigger[at & (slots - 1)] = view->slot[i];
    }
    wr_free(view->slot);
    view->slot = bigger;
    view->slots = slots;
    return 0;
}

static int add_record(wr_store_view *view, const wr_store_entry *entry,
                      size_t segment, int64_t fresh_until, int64_t fetched) {
    if (4 * (view->used + 1) > 3 * view->slots) {
        int error = grow(view);
        if (error != 0)
            return error;
    }
    wr_store_slot *slot =
        wr_store_view_find(view, wr_store_entry_text(entry, 0));
    if (slot->entry != NULL) {
        if (segment != SIZE_MAX && fetched < slot->fetched)
            return 0;
        view->bytes_live -= wr_store_cost(slot->entry);
    } else {
        view->used++;
    }
    view->bytes_live += wr_store_cost(entry);
    slot->entry = entry;
    slot->segment = slot->renewed = segment;
    slot->fresh_until = fresh_until;
    slot->fetched = fetched;
    return 0;
}

int wr_store_view_add(wr_store_view *view, const wr_store_entry *entry,
                      size_t segment) {
    int64_t fresh_until = entry->fresh_until, fetched = entry->fetched;
    if (segment != SIZE_MAX && fetched > view->now + AHEAD_MAX_S)
        // Of a time when the clock was wrong: older than all, never fresh.
        fresh_until = fetched = 0;
    if (entry->kind == WR_STORE_RECORD)
        return add_record(view, entry, segment, fresh_until, fetched);
    if (view->used == 0)
        return 0;
    wr_store_slot *slot =
        wr_store_view_find(view, wr_store_entry_text(entry, 0));
    if (slot->entry != NULL && fetched >= slot->fetched &&
        slot->entry->image_checksum == entry->image_checksum &&
        slot->entry->image_size == entry->image_size) {
        slot->fresh_until = fresh_until;
        slot->fetched = fetched;
        slot->renewed = segment;
    }
    return 0;
}

// ---------------------------------------------------------------------------
// Segments

// The entry at `at`, if it is whole.
static const wr_store_entry *entry_at(const wr_store_segment *segment,
                                      size_t at) {
    size_t left = segment->index_size - at;
    const wr_store_entry *entry = (const void *)(segment->index + at);
    if (left < sizeof(*entry) || entry->magic != WR_STORE_MAGIC ||
        entry->size < sizeof(*entry) || entry->size > left ||
        entry->size % 8 != 0 || entry->key_size > WR_STORE_TEXT_MAX ||
        entry->etag_size > WR_STORE_TEXT_MAX ||
        entry->modified_size > WR_STORE_TEXT_MAX ||
        sizeof(*entry) + entry->key_size + entry->etag_size +
                entry->modified_size >
            entry->size)
        return NULL;
    size_t before = offsetof(wr_store_entry, size);
    if (wr_store_sum((const uint8_t *)entry + before, entry->size - before) !=
        entry->checksum)
        return NULL;
    return entry;
}

// Takes in the entries of one kind. What follows a damaged one is not there: to
// look further for something that fits would be to look into what others wrote.
static int take_in(wr_store_view *view, size_t which, wr_store_kind kind) {
    const wr_store_segment *segment = &view->segment[which];
    const wr_store_entry *entry;
    for (size_t at = 0; at < segment->index_size; at += entry->size) {
        entry = entry_at(segment, at);
        if (entry == NULL)
            break;
        if (entry->kind != (uint32_t)kind)
            continue;
        if (kind == WR_STORE_RECORD &&
            (entry->offset % WR_STORE_ALIGN != 0 ||
             entry->offset > segment->data_size ||
             entry->image_size > segment->data_size - entry->offset))
            continue;
        int error = wr_store_view_add(view, entry, which);
        if (error != 0)
            return error;
    }
    return 0;
}

int wr_store_open_own(int folder, const char *name, struct stat *status) {
    int fd =
        openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (fstat(fd, status) != 0 || !S_ISREG(status->st_mode) ||
        status->st_uid != geteuid()) {
        close(fd);
        return -EACCES;
    }
    return fd;
}

static int read_index(wr_store_segment *segment, int folder) {
    char name[WR_STORE_NAME];
    struct stat status;
    wr_store_name(name, segment->number, "index");
    int fd = wr_store_open_own(folder, name, &status);
    if (fd < 0)
        return fd;
    int error = 0;
    size_t size = status.st_size > INDEX_MAX ? 0 : (size_t)status.st_size;
    segment->index = wr_malloc(size == 0 ? 1 : size);
    if (segment->index == NULL)
        error = -ENOMEM;
    while (error == 0 && segment->index_size < size) {
        ssize_t got = read(fd, segment->index + segment->index_size,
                           size - segment->index_size);
        if (got > 0)
            segment->index_size += (size_t)got;
        else if (got == 0 || errno != EINTR)
            break; // what could be read is what there is
    }
    close(fd);
    return error;
}

// After the index: what an entry tells of was written before it.
static void map_data(wr_store_segment *segment, int folder) {
    char name[WR_STORE_NAME];
    struct stat status;
    wr_store_name(name, segment->number, "data");
    int fd = wr_store_open_own(folder, name, &status);
    if (fd < 0)
        return;
    if (status.st_size > 0) {
        void *data =
            mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (data != MAP_FAILED) {
            segment->data = data;
            segment->data_size = (size_t)status.st_size;
        }
    }
    close(fd);
}

static int compare_segments(const void *a, const void *b) {
    const wr_store_segment *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

bool wr_store_number(const char *name, const char *end, uint64_t *number) {
    uint64_t value = 0;
    size_t i = 0;
    for (; i < 16; i++) {
        char c = name[i];
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *number = value;
    return strcmp(name + i, end) == 0;
}

static int list(wr_store_view *view, int folder) {
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    DIR *names = fdopendir(fd);
    if (names == NULL) {
        close(fd);
        return -ENOMEM;
    }
    int error = 0;
    size_t room = 0;
    struct dirent *name;
    while (error == 0 && (name = readdir(names)) != NULL) {
        uint64_t number;
        bool index = wr_store_number(name->d_name, ".index", &number);
        if (!index && !wr_store_number(name->d_name, ".data", &number))
            continue;
        if (number > view->number_max)
            view->number_max = number;
        if (!index || view->segments == WR_STORE_SEGMENTS_MAX)
            continue;
        if (view->segments == room) {
            room = room == 0 ? 16 : 2 * room;
            void *more = realloc(view->segment, room * sizeof(*view->segment));
            if (more == NULL) {
                error = -ENOMEM;
                break;
            }
            view->segment = more;
        }
        view->segment[view->segments++] = (wr_store_segment){.number = number};
    }
    closedir(names);
    if (view->segments > 1)
        qsort(view->segment, view->segments, sizeof(*view->segment),
              compare_segments);
    return error;
}

// -EAGAIN: something that was listed has gone.
static int load(wr_store_view *view, int folder) {
    int error = list(view, folder);
    if (error != 0)
        return error;
    bool gone = false;
    for (size_t i = 0; i < view->segments; i++) {
        error = read_index(&view->segment[i], folder);
        if (error == -ENOMEM)
            return error;
        gone = gone || error == -ENOENT;
        if (error == 0)
            map_data(&view->segment[i], folder);
        view->bytes += view->segment[i].index_size + view->segment[i].data_size;
    }
    // A renewal may stand in a segment before that of its record.
    for (int kind = WR_STORE_RECORD; kind <= WR_STORE_RENEWAL; kind++) {
        for (size_t i = 0; i < view->segments; i++) {
            error = take_in(view, i, (wr_store_kind)kind);
            if (error != 0)
                return error;
        }
    }
    return gone ? -EAGAIN : 0;
}

int wr_store_view_open(wr_store_view *out, int folder) {
    int error = -EAGAIN;
    for (int i = 0; i < TRIES && error == -EAGAIN; i++) {
        if (i > 0)
            wr_store_view_close(out);
        *out = (wr_store_view){.now = (int64_t)time(NULL)};
        wr_entropy(&out->secret, sizeof(out->secret));
        error = grow(out);
        if (error == 0)
            error = load(out, folder);
    }
    if (error == -EAGAIN)
        error = 0; // what has gone is not there
    if (error != 0)
        wr_store_view_close(out);
    return error;
}

void wr_store_view_close(wr_store_view *view) {
    for (size_t i = 0; i < view->segments; i++) {
        if (view->segment[i].data != NULL)
            munmap((void *)(uintptr_t)view->segment[i].data,
                   view->segment[i].data_size);
        wr_free(view->segment[i].index);
    }
    wr_free(view->segment);
    wr_free(view->slot);
    *view = (wr_store_view){0};
}
