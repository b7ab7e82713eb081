// SPDX-License-Identifier: MIT
// The cache on disk: what it keeps, and how it is bounded.
#include "support/deps_store.h"

#include <pthread.h>
#include <time.h>

// ---------------------------------------------------------------------------
// Keeping

static void what_was_put_is_found(void) {
    char folder[64];
    store_folder(folder);
    wr_depot *store = store_open(folder);
    for (unsigned key = 0; key < 200; key++)
        CHECK_EQ(store_put(store, key, key + 7), 0);
    for (unsigned key = 0; key < 200; key++)
        CHECK_EQ(store_version(store, key), key + 7);
    wr_store_close(store);
    store = store_open(folder);
    for (unsigned key = 0; key < 200; key++)
        CHECK_EQ(store_version(store, key), key + 7);
    CHECK_EQ(store_version(store, 200), -1);
    wr_store_close(store);
    store_clean(folder);
}

static void times_and_texts_come_back(void) {
    char folder[64];
    store_folder(folder);
    wr_depot *store = store_open(folder);
    wr_record in = {.fresh_until = 123456789012,
                    .fetched = 42,
                    .image = "12",
                    .image_size = 2},
              out;
    const wr_text odd = {"a\0b \xff", 5};
    CHECK_EQ(wr_store_put(store, odd, &in), 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(wr_store_get(store, odd, &out), 0);
        CHECK(out.fresh_until == 123456789012 && out.fetched == 42);
        CHECK(out.etag.size == 0 && out.last_modified.size == 0);
        CHECK(out.image_size == 2 && memcmp(out.image, "12", 2) == 0);
        CHECK_EQ(wr_store_get(store, (wr_text){"a\0b", 3}, &out), -ENOENT);
        CHECK_EQ(wr_store_get(store, (wr_text){"", 0}, &out), -ENOENT);
        wr_store_close(store);
        store = store_open(folder);
    }
    wr_store_close(store);
    store_clean(folder);
}

static void images_may_be_empty_and_large(void) {
    char folder[64];
    store_folder(folder);
    size_t size = (3 << 20) + 5;
    uint8_t *large = malloc(size);
    CHECK(large != NULL);
    for (size_t i = 0; i < size; i++)
        large[i] = (uint8_t)(i * 7 >> 3);
    wr_record empty = {.fetched = 1}, out;
    wr_record big = {.fetched = 1, .image = large, .image_size = size};
    wr_depot *store = store_open(folder);
    CHECK_EQ(wr_store_put(store, store_text("empty"), &empty), 0);
    CHECK_EQ(wr_store_put(store, store_text("big"), &big), 0);
    CHECK_EQ(wr_store_put(store, store_text("end"), &empty), 0);
    CHECK_EQ(store_put(store, 1, 1), 0);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(wr_store_get(store, store_text("empty"), &out), 0);
        CHECK_EQ(out.image_size, 0);
        CHECK_EQ(wr_store_get(store, store_text("end"), &out), 0);
        CHECK_EQ(wr_store_get(store, store_text("big"), &out), 0);
        CHECK_EQ(out.image_size, size);
        CHECK(memcmp(out.image, large, size) == 0);
        CHECK_EQ(store_version(store, 1), 1);
        wr_store_close(store);
        store = store_open(folder);
    }
    wr_store_close(store);
    free(large);
    store_clean(folder);
}

static void texts_have_a_limit(void) {
    char folder[64];
    store_folder(folder);
    static char text[WR_STORE_TEXT_MAX + 1];
    memset(text, 'k', sizeof(text));
    wr_record record = {.fetched = 1}, out;
    wr_depot *store = store_open(folder);
    wr_text most = {text, WR_STORE_TEXT_MAX}, more = {text, sizeof(text)};
    CHECK_EQ(wr_store_put(store, more, &record), -E2BIG);
    record.etag = more;
    CHECK_EQ(wr_store_put(store, most, &record), -E2BIG);
    record.etag = record.last_modified = most;
    CHECK_EQ(wr_store_put(store, most, &record), 0);
    wr_store_close(store);
    store = store_open(folder);
    CHECK_EQ(wr_store_get(store, most, &out), 0);
    CHECK_EQ(out.last_modified.size, WR_STORE_TEXT_MAX);
    CHECK_EQ(wr_store_get(store, more, &out), -ENOENT);
    wr_store_close(store);
    store_clean(folder);
}

static void the_newest_of_a_key_is_found(void) {
    char folder[64];
    store_folder(folder);
    for (unsigned version = 1; version < 5; version++) {
        wr_depot *store = store_open(folder);
        CHECK_EQ(store_put(store, 1, 10 * version), 0);
        CHECK_EQ(store_put(store, 1, 10 * version + 1), 0);
        CHECK_EQ(store_version(store, 1), 10 * version + 1);
        wr_store_close(store);
    }
    // One that began earlier and was slower does not replace what is newer.
    wr_depot *early = store_open(folder), *late = store_open(folder);
    CHECK_EQ(store_put(early, 2, 1), 0);
    CHECK_EQ(store_put(late, 1, 60), 0);
    CHECK_EQ(store_put(late, 2, 2), 0);
    CHECK_EQ(store_put(early, 1, 50), 0);
    wr_store_close(late);
    wr_store_close(early);
    wr_depot *store = store_open(folder);
    CHECK_EQ(store_version(store, 1), 60);
    CHECK_EQ(store_version(store, 2), 2);
    wr_store_close(store);
    store_clean(folder);
}

static void flush_makes_it_there_for_others(void) {
    char folder[64];
    store_folder(folder);
    wr_depot *store = store_open(folder);
    CHECK_EQ(wr_store_flush(store), 0);
    CHECK_EQ(store_put(store, 1, 1), 0);
    CHECK_EQ(wr_store_flush(store), 0);
    wr_depot *other = store_open(folder);
    CHECK_EQ(store_version(other, 1), 1);
    wr_store_close(other);
    CHECK_EQ(store_put(store, 2, 2), 0);
    CHECK_EQ(wr_store_flush(store), 0);
    other = store_open(folder);
    CHECK_EQ(store_version(other, 2), 2);
    wr_store_close(other);
    wr_store_close(store);
    store_clean(folder);
}

static void who_only_reads_leaves_no_trace(void) {
    char folder[64];
    size_t count;
    store_folder(folder);
    wr_depot *store = store_open(folder);
    CHECK_EQ(store_version(store, 1), -1);
    CHECK_EQ(wr_store_renew(store, store_text("none"), 1, 1), -ENOENT);
    CHECK_EQ(wr_store_flush(store), 0);
    wr_store_close(store);
    CHECK_EQ(store_bytes(folder, &count), 0);
    CHECK_EQ(count, 0);
    wr_store_close(NULL);
    store_clean(folder);
}

static void renewing_changes_times_alone(void) {
    char folder[64];
    const char *key = "http://127.0.0.1/package-1";
    wr_record out;
    store_folder(folder);
    wr_depot *store = store_open(folder);
    CHECK_EQ(store_put(store, 1, 5), 0);
    wr_store_close(store);
    for (int i = 0; i < 3; i++) {
        store = store_open(folder);
        CHECK_EQ(wr_store_renew(store, store_text(key), 5000 + i, 4000 + i), 0);
        CHECK_EQ(wr_store_get(store, store_text(key), &out), 0);
        CHECK(out.fresh_until == 5000 + i && out.fetched == 4000 + i);
        wr_store_close(store);
        store = store_open(folder);
        CHECK_EQ(wr_store_get(store, store_text(key), &out), 0);
        CHECK(out.fresh_until == 5000 + i && out.fetched == 4000 + i);
        CHECK_EQ(store_version(store, 1), 5);
        wr_store_close(store);
    }
    store_clean(folder);
}

static void a_renewal_is_of_the_image_it_was_for(void) {
    char folder[64];
    const char *key = "http://127.0.0.1/package-1";
    wr_record out;
    store_folder(folder);
    wr_depot *store = store_open(folder);
    CHECK_EQ(store_put_sized(store, 1, 5, 90), 0);
    wr_store_close(store);
    wr_depot *slow = store_open(folder);
    store = store_open(folder);
    CHECK_EQ(store_put_sized(store, 1, 6, 90), 0);
    wr_store_close(store);
    CHECK_EQ(wr_store_renew(slow, store_text(key), 9000, 9000), 0);
    wr_store_close(slow);
    store = store_open(folder);
    CHECK_EQ(store_version(store, 1), 6);
    CHECK_EQ(wr_store_get(store, store_text(key), &out), 0);
    CHECK_EQ(out.fresh_until, 1006);
    wr_store_close(store);
    store_clean(folder);
}

static void what_comes_from_the_future_is_old(void) {
    char folder[64];
    wr_record out, record = {.image = "future", .image_size = 6};
    store_folder(folder);
    wr_depot *store = store_open(folder);
    record.fetched = (int64_t)time(NULL) + 100000;
    record.fresh_until = record.fetched + 300;
    CHECK_EQ(wr_store_put(store, store_text("k"), &record), 0);
    wr_store_close(store);
    store = store_open(folder);
    CHECK_EQ(wr_store_get(store, store_text("k"), &out), 0);
    CHECK(out.fresh_until == 0 && out.fetched == 0);
    record.fetched = 1;
    record.image = "now";
    record.image_size = 3;
    CHECK_EQ(wr_store_put(store, store_text("k"), &record), 0);
    wr_store_close(store);
    store = store_open(folder);
    CHECK_EQ(wr_store_get(store, store_text("k"), &out), 0);
    CHECK_EQ(out.image_size, 3);
    wr_store_close(store);
    store_clean(folder);
}

static void an_image_of_another_build_is_not_there(void) {
    char folder[64];
    store_folder(folder);
    wr_depot *store = store_open(folder);
    CHECK_EQ(store_put(store, 1, 1), 0);
    images_fit = false;
    CHECK_EQ(store_version(store, 1), -1);
    images_fit = true;
    CHECK_EQ(store_version(store, 1), 1);
    wr_store_close(store);
    store_clean(folder);
}

// ---------------------------------------------------------------------------
// Threads

typedef struct worker {
    pthread_t thread;
    wr_depot *store;
    unsigned number;
} worker;

enum { WORKERS = 4, KEYS = 150 };

static void *work(void *context) {
    worker *self = context;
    for (unsigned i = 0; i < KEYS; i++) {
        CHECK_EQ(store_put(self->store, i, self->number * KEYS + i), 0);
        CHECK(store_version(self->store, i) >= 0);
        if (i % 16 == 0)
            CHECK_EQ(wr_store_flush(self->store), 0);
        if (i % 3 == 0) {
            char key[64];
            snprintf(key, sizeof(key), "http://127.0.0.1/package-%u", i);
            CHECK_EQ(wr_store_renew(self->store, store_text(key), 1, i), 0);
        }
    }
    return NULL;
}

static void any_thread_may_put_and_get(void) {
    char folder[64];
    store_folder(folder);
    worker workers[WORKERS];
    wr_depot *store = store_open(folder), *other = store_open(folder);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].store = i % 2 == 0 ? store : other;
        workers[i].number = i;
        CHECK_EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]),
                 0);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        CHECK_EQ(pthread_join(workers[i].thread, NULL), 0);
    wr_store_close(store);
    wr_store_close(other);
    store = store_open(folder);
    for (unsigned i = 0; i < KEYS; i++)
        CHECK(store_version(store, i) >= 0);
    wr_store_close(store);
    store_clean(folder);
}

// ---------------------------------------------------------------------------
// Bounds

static void small_segments_are_put_together(void) {
    char folder[64];
    size_t files;
    store_folder(folder);
    for (unsigned run = 0; run < 60; run++) {
        wr_depot *store = store_open(folder);
        CHECK_EQ(store_put(store, run, run), 0);
        if (run > 0) {
            char key[64];
            snprintf(key, sizeof(key), "http://127.0.0.1/package-%u", run - 1);
            CHECK_EQ(wr_store_renew(store, store_text(key), 77, run), 0);
        }
        wr_store_close(store);
        store_bytes(folder, &files);
        CHECK(files <= 2 * WR_STORE_SEGMENTS_FEW + 1);
    }
    wr_depot *store = store_open(folder);
    for (unsigned run = 0; run < 60; run++) {
        CHECK_EQ(store_version(store, run), run);
        char key[64];
        wr_record out;
        snprintf(key, sizeof(key), "http://127.0.0.1/package-%u", run);
        CHECK_EQ(wr_store_get(store, store_text(key), &out), 0);
        CHECK_EQ(out.fresh_until, run == 59 ? 1059 : 77);
    }
    wr_store_close(store);
    store_clean(folder);
}

static void what_is_superseded_is_given_back(void) {
    char folder[64];
    size_t files;
    uint64_t most = 0, live = 0;
    store_folder(folder);
    for (unsigned version = 0; version < 20; version++) {
        wr_depot *store = store_open(folder);
        for (unsigned key = 0; key < 150; key++)
            CHECK_EQ(store_put(store, key, version), 0);
        wr_store_close(store);
        uint64_t bytes = store_bytes(folder, &files);
        live = version == 0 ? bytes : live;
        most = bytes > most ? bytes : most;
    }
    // The live ones, as much again, and what is not worth a copy.
    CHECK(most < 3 * live + WR_STORE_WASTE);
    wr_depot *store = store_open(folder);
    for (unsigned key = 0; key < 150; key++)
        CHECK_EQ(store_version(store, key), 19);
    wr_store_close(store);
    store_clean(folder);
}

static void the_cap_holds_and_the_newest_stay(void) {
    char folder[64];
    size_t files;
    enum { CAP = 1 << 20, COUNT = 100 };
    store_folder(folder);
    wr_depot *store = store_open(folder);
    for (unsigned key = 0; key < COUNT; key++)
        CHECK_EQ(store_put(store, key, key), 0);
    wr_store_close(store);
    CHECK(store_bytes(folder, &files) > CAP);
    int fd = open(folder, O_RDONLY | O_DIRECTORY);
    wr_store_tidy(fd, CAP);
    close(fd);
    uint64_t bytes = store_bytes(folder, &files);
    CHECK(bytes < CAP && bytes > CAP / 2);
    CHECK_EQ(files, 3);
    store = store_open(folder);
    bool there = false; // once one is, all newer ones are
    for (unsigned key = 0; key < COUNT; key++) {
        long version = store_version(store, key);
        CHECK(version == (long)key || (version == -1 && !there));
        there = there || version >= 0;
    }
    CHECK(there);
    wr_store_close(store);
    store_clean(folder);
}

static void a_segment_under_way_is_left_alone(void) {
    char folder[64];
    store_folder(folder);
    wr_depot *writer = store_open(folder);
    CHECK_EQ(store_put(writer, 1, 1), 0);
    CHECK_EQ(wr_store_flush(writer), 0);
    for (unsigned run = 0; run < 30; run++) {
        wr_depot *store = store_open(folder);
        CHECK_EQ(store_put(store, 100 + run, run), 0);
        wr_store_close(store);
    }
    CHECK_EQ(store_put(writer, 2, 2), 0);
    CHECK_EQ(store_version(writer, 2), 2);
    wr_store_close(writer);
    wr_depot *store = store_open(folder);
    CHECK_EQ(store_version(store, 1), 1);
    CHECK_EQ(store_version(store, 2), 2);
    for (unsigned run = 0; run < 30; run++)
        CHECK_EQ(store_version(store, 100 + run), run);
    wr_store_close(store);
    store_clean(folder);
}

static void what_was_got_outlives_the_tidying(void) {
    char folder[64];
    store_folder(folder);
    wr_depot *store = store_open(folder);
    for (unsigned key = 0; key < 50; key++)
        CHECK_EQ(store_put(store, key, 3), 0);
    wr_store_close(store);
    wr_depot *reader = store_open(folder);
    int fd = open(folder, O_RDONLY | O_DIRECTORY);
    wr_store_tidy(fd, 1); // nothing at all may stay
    close(fd);
    for (unsigned key = 0; key < 50; key++)
        CHECK_EQ(store_version(reader, key), 3);
    wr_store_close(reader);
    store = store_open(folder);
    for (unsigned key = 0; key < 50; key++)
        CHECK_EQ(store_version(store, key), -1);
    wr_store_close(store);
    store_clean(folder);
}

static void what_a_killed_tidying_left_is_removed(void) {
    char folder[64], path[128];
    size_t files;
    store_folder(folder);
    snprintf(path, sizeof(path), "%s/00000000000000ff.data", folder);
    FILE *orphan = fopen(path, "w");
    CHECK(orphan != NULL && fputs("no index", orphan) >= 0);
    CHECK_EQ(fclose(orphan), 0);
    for (unsigned run = 0; run < 20; run++) {
        wr_depot *store = store_open(folder);
        CHECK_EQ(store_put(store, run, run), 0);
        wr_store_close(store);
    }
    CHECK(access(path, F_OK) != 0);
    store_bytes(folder, &files);
    CHECK(files <= 2 * WR_STORE_SEGMENTS_FEW + 1);
    store_clean(folder);
}

static const test_case cases[] = {
    {"what_was_put_is_found", what_was_put_is_found},
    {"times_and_texts_come_back", times_and_texts_come_back},
    {"images_may_be_empty_and_large", images_may_be_empty_and_large},
    {"texts_have_a_limit", texts_have_a_limit},
    {"the_newest_of_a_key_is_found", the_newest_of_a_key_is_found},
    {"flush_makes_it_there_for_others", flush_makes_it_there_for_others},
    {"who_only_reads_leaves_no_trace", who_only_reads_leaves_no_trace},
    {"renewing_changes_times_alone", renewing_changes_times_alone},
    {"a_renewal_is_of_the_image_it_was_for",
     a_renewal_is_of_the_image_it_was_for},
    {"what_comes_from_the_future_is_old", what_comes_from_the_future_is_old},
    {"an_image_of_another_build_is_not_there",
     an_image_of_another_build_is_not_there},
    {"any_thread_may_put_and_get", any_thread_may_put_and_get},
    {"small_segments_are_put_together", small_segments_are_put_together},
    {"what_is_superseded_is_given_back", what_is_superseded_is_given_back},
    {"the_cap_holds_and_the_newest_stay", the_cap_holds_and_the_newest_stay},
    {"a_segment_under_way_is_left_alone", a_segment_under_way_is_left_alone},
    {"what_was_got_outlives_the_tidying", what_was_got_outlives_the_tidying},
    {"what_a_killed_tidying_left_is_removed",
     what_a_killed_tidying_left_is_removed},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
