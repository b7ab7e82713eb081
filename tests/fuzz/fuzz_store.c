// SPDX-License-Identifier: MIT
// Feeds damaged segments to the cache of `weir deps`: what is looked for is a
// crash, a sanitizer's complaint, a cache that cannot be opened, a record whose
// image is none, one that lies before the damage and is not found, or a cache
// that takes nothing new afterwards.
//
// An input is two bytes, how long the index is (low byte first), the index, and
// the images. How to run it: engine.h.
#include "engine.h"

#include "programs/deps/doc.h"
#include "programs/deps/store_parts.h"

#include <errno.h>
#include <fcntl.h>

enum { KEYS = 8, SEEDS = 32, INPUT_MAX = 16384 };

static char folder[64], seed_folder[64];

static void broken(const char *what, const char *more) {
    printf("fuzz_store: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

// ---------------------------------------------------------------------------
// Folders

static void empty(const char *path) {
    DIR *names = opendir(path);
    if (names == NULL)
        return;
    struct dirent *name;
    while ((name = readdir(names)) != NULL)
        if (name->d_name[0] != '.')
            unlinkat(dirfd(names), name->d_name, 0);
    closedir(names);
}

static void remove_folders(void) {
    empty(folder);
    rmdir(folder);
    empty(seed_folder);
    rmdir(seed_folder);
}

static void make_folder(char path[64]) {
    struct stat status;
    snprintf(path, 64, "%s/weir-fuzz-XXXXXX",
             stat("/dev/shm", &status) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(path) == NULL)
        broken("no folder", path);
}

static void prepare(void) {
    if (folder[0] != '\0')
        return;
    make_folder(folder);
    make_folder(seed_folder);
    atexit(remove_folders);
}

static void file_name(char *out, size_t size, const char *path,
                      const char *kind) {
    char name[WR_STORE_NAME];
    wr_store_name(name, 1, kind);
    snprintf(out, size, "%s/%s", path, name);
}

static void put_file(const char *kind, const uint8_t *data, size_t size) {
    char path[128];
    file_name(path, sizeof(path), folder, kind);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
        broken("cannot write", path);
    close(fd);
}

// ---------------------------------------------------------------------------
// A cache

static wr_text key_of(char text[64], unsigned key) {
    return (wr_text){text, (size_t)snprintf(text, 64, "http://r/%u abc", key)};
}

static wr_depot *open_cache(const char *path) {
    wr_depot *store;
    wr_why why = {"", ""};
    if (wr_store_open(&store, path, &why) != 0)
        broken("it cannot be opened", why.text);
    return store;
}

static void put_record(wr_depot *store, unsigned key, unsigned version) {
    char name[64], json[128], etag[32];
    wr_doc *doc;
    size_t size;
    int length = snprintf(json, sizeof(json),
                          "{\"name\":\"n\",\"versions\":{\"%u.0.%u\":{}}}", key,
                          version);
    if (wr_doc_parse(&doc, &size, json, (size_t)length, NULL) != 0)
        broken("no document", json);
    wr_record record = {
        .etag = {etag, (size_t)snprintf(etag, sizeof(etag), "\"%u\"", version)},
        .fresh_until = 100 + version,
        .fetched = version,
        .image = doc,
        .image_size = size,
    };
    int error = wr_store_put(store, key_of(name, key), &record);
    if (error != 0)
        broken("a record is refused", strerror(-error));
    free(doc);
}

static volatile size_t seen; // so that reading is not left out

static void read_text(wr_text text) {
    for (size_t i = 0; i < text.size; i++)
        seen += (uint8_t)text.at[i];
}

// Is the key's record there? What is there is whole.
static bool look(wr_depot *store, unsigned key) {
    char name[64];
    wr_record record;
    int error = wr_store_get(store, key_of(name, key), &record);
    if (error == -ENOENT)
        return false;
    if (error != 0)
        broken("an odd error", strerror(-error));
    if (wr_doc_check(record.image, record.image_size) != 0)
        broken("an image that is none", name);
    if (record.etag.size > WR_STORE_TEXT_MAX ||
        record.last_modified.size > WR_STORE_TEXT_MAX)
        broken("a text that is too long", name);
    read_text(record.etag);
    read_text(record.last_modified);
    wr_doc_version version;
    for (size_t i = 0; i < wr_doc_count(record.image); i++) {
        wr_doc_version_at(record.image, i, &version);
        read_text(version.text);
    }
    return true;
}

// found: a bit for each key. again: a cache that is used further.
static unsigned try_cache(bool again) {
    unsigned found = 0;
    wr_depot *store = open_cache(folder);
    for (unsigned key = 0; key < KEYS; key++)
        found |= (unsigned)look(store, key) << key;
    if (again) {
        put_record(store, KEYS, 7);
        if (!look(store, KEYS))
            broken("what was put is not there", "");
    }
    wr_store_close(store);
    if (!again)
        return found;
    store = open_cache(folder);
    if (!look(store, KEYS))
        broken("what was put is not there afterwards", "");
    for (unsigned key = 0; key < KEYS; key++)
        if (look(store, key) != (found >> key & 1))
            broken("another record made one come or go", "");
    wr_store_close(store);
    empty(folder);
    return found;
}

static unsigned try_input(const uint8_t *data, size_t size) {
    prepare();
    size_t index = (size_t)data[0] | (size_t)data[1] << 8;
    index = index < size - 2 ? index : size - 2;
    put_file("index", data + 2, index);
    put_file("data", data + 2 + index, size - 2 - index);
    return try_cache(size % 8 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size >= 2)
        (void)try_input(data, size);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: segments of a few records, damaged a little

typedef struct segment {
    uint8_t data[INPUT_MAX];
    size_t size; // of index and images
    size_t index;
    size_t end[KEYS]; // of the entry, in the index; 0: none
} segment;

static size_t read_file(const char *kind, uint8_t *out, size_t room) {
    char path[128];
    file_name(path, sizeof(path), seed_folder, kind);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, out, room);
    if (fd >= 0)
        close(fd);
    return size < 0 ? 0 : (size_t)size;
}

// Each key once, so that no other entry decides about it.
static void make_segment(segment *s, unsigned number) {
    wr_depot *store = open_cache(seed_folder);
    unsigned count = number % KEYS + 1;
    for (unsigned key = 0; key < count; key++)
        put_record(store, key, number);
    wr_store_close(store);
    s->index = read_file("index", s->data, INPUT_MAX / 2);
    s->size =
        s->index + read_file("data", s->data + s->index, INPUT_MAX - s->index);
    empty(seed_folder);
    size_t at = 0;
    for (unsigned key = 0; key < count && at < s->index; key++) {
        wr_store_entry entry;
        memcpy(&entry, s->data + at, sizeof(entry));
        at += entry.size;
        s->end[key] = at;
    }
    if (at != s->index)
        broken("a segment of its own is odd", "");
}

// A damaged entry with a wrong checksum is not looked at: makes them right.
static void mend(uint8_t *index, size_t size, const uint8_t *data,
                 size_t data_size) {
    size_t before = offsetof(wr_store_entry, size);
    for (size_t at = 0; at + sizeof(wr_store_entry) <= size;) {
        wr_store_entry entry;
        memcpy(&entry, index + at, sizeof(entry));
        if (entry.size < sizeof(entry) || entry.size > size - at)
            return;
        if (entry.offset <= data_size &&
            entry.image_size <= data_size - entry.offset)
            entry.image_checksum =
                wr_store_sum(data + entry.offset, (size_t)entry.image_size);
        memcpy(index + at, &entry, sizeof(entry));
        entry.checksum =
            wr_store_sum(index + at + before, (size_t)entry.size - before);
        memcpy(index + at, &entry, sizeof(entry));
        at += entry.size;
    }
}

// The first byte that differs, or the end of the shorter.
static size_t first_change(const uint8_t *a, size_t size, const uint8_t *b,
                           size_t size_b) {
    size_t at = 0;
    while (at < size && at < size_b && a[at] == b[at])
        at++;
    return at;
}

static void one_round(void) {
    static const char odd[] = "\0\x01\x08\x10\x40\x48\x7f\x80\xff";
    static segment segments[SEEDS];
    static uint8_t data[2 * INPUT_MAX];
    prepare();
    unsigned number = (unsigned)below(SEEDS);
    segment *s = &segments[number];
    if (s->size == 0)
        make_segment(s, number);
    size_t images = s->size - s->index, index = s->index;
    memcpy(data + 2, s->data, index);
    bool whole = below(3) == 0, mended = below(2);
    size_t most = fuzz_damage(data + 2, index, odd, sizeof(odd) - 1, 6, 80);
    index = most;
    memcpy(data + 2 + index, s->data + s->index, images);
    if (!whole)
        images =
            fuzz_damage(data + 2 + index, images, odd, sizeof(odd) - 1, 6, 0);
    size_t changed = first_change(s->data, s->index, data + 2, index);
    if (mended)
        mend(data + 2, index, data + 2 + index, images);
    data[0] = (uint8_t)index;
    data[1] = (uint8_t)(index >> 8);
    unsigned found = try_input(data, 2 + index + images);
    for (unsigned key = 0; key < KEYS && whole && !mended; key++)
        if (s->end[key] != 0 && s->end[key] <= changed &&
            (found >> key & 1) == 0)
            broken("a record before the damage is not there", "");
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_store", one_round);
}
