// SPDX-License-Identifier: MIT
// Giving back what is superseded. Who wrote to a cache looks, when it closes
// it, whether there are many segments, whether most bytes are of records that
// newer ones have taken the place of, or whether all together are more than the
// cap. If so, and if nobody else is at it (flock on `lock`), it copies what
// holds of segments whose writers have ended into a new one and removes those.
// Killed half-way it leaves records twice, which the next one finds. Who has an
// old segment mapped keeps it.
//
// Small segments are put together without the large ones, so that a run that
// adds little copies little. Beyond the cap the records that were looked at
// last stay, three quarters of the cap.
#include "programs/deps/store_parts.h"

#include "base/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct tidying {
    int folder;
    wr_store_view view;
    int *held;   // per segment: its index, locked; -1: not to be touched
    bool *moves; // per segment: it is copied and removed
} tidying;

static bool wasteful(const wr_store_view *view) {
    uint64_t waste =
        view->bytes > view->bytes_live ? view->bytes - view->bytes_live : 0;
    return waste > WR_STORE_WASTE && waste > view->bytes / 2;
}

bool wr_store_untidy(const wr_store_view *view, uint64_t bytes_max) {
    return view->segments > WR_STORE_SEGMENTS_FEW || wasteful(view) ||
           view->bytes > bytes_max;
}

// Locks a segment whose writer has ended and has written no more than was read.
static int hold(const tidying *work, const wr_store_segment *segment) {
    char name[WR_STORE_NAME];
    struct stat status;
    wr_store_name(name, segment->number, "index");
    int fd = wr_store_open_own(work->folder, name, &status);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &status) == 0 &&
        status.st_nlink > 0 && (size_t)status.st_size == segment->index_size)
        return fd;
    close(fd);
    return -1;
}

// Which segments go: of those that are held the small ones, or all.
static size_t choose(tidying *work, bool all) {
    const wr_store_view *view = &work->view;
    size_t chosen = 0;
    for (size_t i = 0; i < view->segments; i++) {
        const wr_store_segment *segment = &view->segment[i];
        work->moves[i] = work->held[i] >= 0 &&
                         (all || segment->index_size + segment->data_size <=
                                     view->bytes / 4);
        chosen += work->moves[i];
    }
    return chosen;
}

static bool is_moved(const tidying *work, size_t segment) {
    return segment < work->view.segments && work->moves[segment];
}

// Copies one key's record or renewal, if it is in a segment that goes.
static int copy(const tidying *work, wr_store_writer *writer,
                const wr_store_slot *slot) {
    const wr_store_entry *old = slot->entry;
    bool whole = is_moved(work, slot->segment);
    if (!whole && !is_moved(work, slot->renewed))
        return 0;
    wr_record record = {
        .etag = wr_store_entry_text(old, 1),
        .last_modified = wr_store_entry_text(old, 2),
        .fresh_until = slot->fresh_until,
        .fetched = slot->fetched,
        .image_size = (size_t)old->image_size,
    };
    if (whole) {
        // NULL where there are no images at all: then this one has no bytes.
        const uint8_t *data = work->view.segment[slot->segment].data;
        record.image = data == NULL ? NULL : data + old->offset;
        if (wr_store_sum(record.image, record.image_size) !=
            old->image_checksum)
            return 0; // damaged: no copy
    }
    wr_store_entry *entry =
        wr_store_entry_make(whole ? WR_STORE_RECORD : WR_STORE_RENEWAL,
                            wr_store_entry_text(old, 0), &record);
    if (entry == NULL)
        return -ENOMEM;
    entry->image_checksum = old->image_checksum;
    int error = wr_store_writer_add(writer, entry, record.image);
    wr_free(entry);
    return error;
}

// Newest first; what is free last.
static int compare_slots(const void *a, const void *b) {
    const wr_store_slot *x = *(wr_store_slot *const *)a;
    const wr_store_slot *y = *(wr_store_slot *const *)b;
    return (x->fetched < y->fetched) - (x->fetched > y->fetched);
}

static int copy_all(const tidying *work, wr_store_writer *writer,
                    uint64_t bytes_max) {
    const wr_store_view *view = &work->view;
    wr_store_slot **order =
        wr_malloc((view->used + 1) * sizeof(wr_store_slot *));
    if (order == NULL)
        return -ENOMEM;
    size_t count = 0;
    for (size_t i = 0; i < view->slots; i++)
        if (view->slot[i].entry != NULL)
            order[count++] = &view->slot[i];
    qsort(order, count, sizeof(*order), compare_slots);
    uint64_t room = UINT64_MAX, used = 0;
    if (view->bytes > bytes_max)
        room = bytes_max / 4 * 3;
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        used += wr_store_cost(order[i]->entry);
        if (used <= room)
            error = copy(work, writer, order[i]);
    }
    wr_free(order);
    if (error == 0)
        error = wr_store_writer_drain(writer);
    return error;
}

static void discard(int folder, uint64_t number) {
    char name[WR_STORE_NAME];
    wr_store_name(name, number, "index");
    unlinkat(folder, name, 0);
    wr_store_name(name, number, "data");
    unlinkat(folder, name, 0);
}

// Images whose index is gone: of one that was killed in discard().
static void discard_orphans(int folder) {
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd < 0 ? NULL : fdopendir(fd);
    if (names == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    struct dirent *name;
    while ((name = readdir(names)) != NULL) {
        uint64_t number;
        char index[WR_STORE_NAME];
        if (!wr_store_number(name->d_name, ".data", &number))
            continue;
        wr_store_name(index, number, "index");
        if (faccessat(folder, index, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
            errno == ENOENT)
            discard(folder, number);
    }
    closedir(names);
}

static void tidy(tidying *work, uint64_t bytes_max) {
    const wr_store_view *view = &work->view;
    for (size_t i = 0; i < view->segments; i++)
        work->held[i] = hold(work, &view->segment[i]);
    bool all = wasteful(view) || view->bytes > bytes_max;
    size_t chosen = choose(work, all);
    if (chosen < 2 && !all)
        chosen = choose(work, true);
    wr_store_writer writer;
    if (chosen == 0 ||
        wr_store_writer_open(&writer, work->folder, view->number_max + 1) != 0)
        return;
    int error = copy_all(work, &writer, bytes_max);
    wr_store_writer_close(&writer, error != 0);
    if (error != 0)
        return;
    for (size_t i = 0; i < view->segments; i++)
        if (work->moves[i])
            discard(work->folder, view->segment[i].number);
    discard_orphans(work->folder);
}

static void tidy_view(int folder, uint64_t bytes_max) {
    tidying work = {.folder = folder};
    if (wr_store_view_open(&work.view, folder) != 0)
        return;
    size_t segments = work.view.segments;
    work.held = wr_calloc(segments + 1, sizeof(*work.held));
    work.moves = wr_calloc(segments + 1, sizeof(*work.moves));
    for (size_t i = 0; work.held != NULL && i < segments; i++)
        work.held[i] = -1;
    if (work.held != NULL && work.moves != NULL &&
        wr_store_untidy(&work.view, bytes_max))
        tidy(&work, bytes_max);
    for (size_t i = 0; work.held != NULL && i < segments; i++)
        if (work.held[i] >= 0)
            close(work.held[i]);
    wr_free(work.held);
    wr_free(work.moves);
    wr_store_view_close(&work.view);
}

void wr_store_tidy(int folder, uint64_t bytes_max) {
    int lock =
        openat(folder, "lock",
               O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (lock < 0)
        return;
    if (flock(lock, LOCK_EX | LOCK_NB) == 0)
        tidy_view(folder, bytes_max);
    close(lock);
}
