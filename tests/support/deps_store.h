// SPDX-License-Identifier: MIT
// For tests of the cache on disk: folders of their own, and records whose bytes
// follow from their key and a version, so that whoever finds one can tell
// whether it is right. Link with -Wl,--wrap=wr_doc_check: any bytes are an
// image here, unless `images_fit` is false.
#ifndef TEST_DEPS_STORE_H
#define TEST_DEPS_STORE_H

#include "programs/deps/doc.h"
#include "programs/deps/store_parts.h"
#include "support/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static bool images_fit = true;

int __wrap_wr_doc_check(const void *image, size_t size);
int __wrap_wr_doc_check(const void *image, size_t size) {
    (void)image;
    (void)size;
    return images_fit ? 0 : -EINVAL;
}

static inline uint64_t store_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static int store_remove(const char *path, const struct stat *status, int type,
                        struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void store_folder(char path[64]) {
    snprintf(path, 64, "/tmp/weir-store-XXXXXX");
    CHECK(mkdtemp(path) != NULL);
}

static inline void store_clean(const char *path) {
    nftw(path, store_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline wr_text store_text(const char *text) {
    return (wr_text){text, strlen(text)};
}

static inline wr_depot *store_open(const char *folder) {
    wr_depot *store;
    wr_why why = {0};
    int error = wr_store_open(&store, folder, &why);
    if (error != 0)
        CHECK_FAIL("open: %d %s", error, why.text);
    return store;
}

enum { STORE_IMAGE_MAX = 40000 };

// The image of a key and version; its size too.
static inline size_t store_image(uint8_t *out, unsigned key, unsigned version) {
    uint64_t state = ((uint64_t)key << 32) | version;
    size_t size = (size_t)(store_random(&state) % STORE_IMAGE_MAX);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = store_random(&state);
        memcpy(out + i, &word, size - i < 8 ? size - i : 8);
    }
    return size;
}

static inline int store_put_sized(wr_depot *store, unsigned key,
                                  unsigned version, size_t most) {
    static _Thread_local uint8_t image[STORE_IMAGE_MAX + 8];
    char name[64], etag[32], modified[32];
    snprintf(name, sizeof(name), "http://127.0.0.1/package-%u", key);
    snprintf(etag, sizeof(etag), "\"v%u\"", version);
    snprintf(modified, sizeof(modified), "day %u", version);
    size_t size = store_image(image, key, version);
    wr_record record = {
        .etag = store_text(etag),
        .last_modified = store_text(modified),
        .fresh_until = 1000 + version,
        .fetched = version,
        .image = image,
        .image_size = size < most ? size : most,
    };
    return wr_store_put(store, store_text(name), &record);
}

static inline int store_put(wr_depot *store, unsigned key, unsigned version) {
    return store_put_sized(store, key, version, STORE_IMAGE_MAX);
}

// The version found, checked byte by byte; -1: not there.
static inline long store_version(wr_depot *store, unsigned key) {
    static _Thread_local uint8_t image[STORE_IMAGE_MAX + 8];
    char name[64], text[32];
    snprintf(name, sizeof(name), "http://127.0.0.1/package-%u", key);
    wr_record record;
    int error = wr_store_get(store, store_text(name), &record);
    if (error == -ENOENT)
        return -1;
    CHECK_EQ(error, 0);
    unsigned version;
    snprintf(text, sizeof(text), "%.*s", (int)record.etag.size, record.etag.at);
    CHECK_EQ(sscanf(text, "\"v%u\"", &version), 1);
    snprintf(text, sizeof(text), "day %u", version);
    CHECK_EQ(record.last_modified.size, strlen(text));
    CHECK(memcmp(record.last_modified.at, text, strlen(text)) == 0);
    CHECK_EQ((uintptr_t)record.image % WR_STORE_ALIGN, 0);
    size_t size = store_image(image, key, version);
    CHECK(record.image_size <= size);
    CHECK(memcmp(record.image, image, record.image_size) == 0);
    return (long)version;
}

// The bytes of all files in a folder; `count`: how many there are.
static inline uint64_t store_bytes(const char *folder, size_t *count) {
    uint64_t bytes = 0;
    DIR *names = opendir(folder);
    CHECK(names != NULL);
    struct dirent *name;
    for (*count = 0; (name = readdir(names)) != NULL;) {
        struct stat status;
        CHECK_EQ(fstatat(dirfd(names), name->d_name, &status, 0), 0);
        if (!S_ISREG(status.st_mode))
            continue;
        bytes += (uint64_t)status.st_size;
        ++*count;
    }
    closedir(names);
    return bytes;
}

#endif
