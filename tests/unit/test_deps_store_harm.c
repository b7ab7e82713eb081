// SPDX-License-Identifier: MIT
// The cache on disk under harm: damaged files, kill -9, full disks, folders
// that are not ours.
#include "base/fault.h"
#include "support/deps_store.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

// ---------------------------------------------------------------------------
// Damage

enum { SMALL_KEYS = 4, SMALL_BYTES = 90 };

typedef struct victim {
    char folder[64];
    char path[128]; // a file of the only segment
    uint8_t *bytes; // as they were
    size_t size;
} victim;

static void write_file(const char *path, const uint8_t *bytes, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

static void make_victim(victim *out, const char *kind) {
    struct stat status;
    store_folder(out->folder);
    wr_depot *store = store_open(out->folder);
    for (unsigned key = 0; key < SMALL_KEYS; key++)
        CHECK_EQ(store_put_sized(store, key, 5, SMALL_BYTES), 0);
    CHECK_EQ(wr_store_renew(store, store_text("http://127.0.0.1/package-1"),
                            2000, 2000),
             0);
    wr_store_close(store);
    snprintf(out->path, sizeof(out->path), "%s/0000000000000001.%s",
             out->folder, kind);
    int fd = open(out->path, O_RDONLY);
    CHECK(fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0);
    out->size = (size_t)status.st_size;
    out->bytes = malloc(out->size);
    CHECK(out->bytes != NULL &&
          read(fd, out->bytes, out->size) == (ssize_t)out->size);
    close(fd);
}

static void end_victim(victim *one) {
    free(one->bytes);
    store_clean(one->folder);
}

// What is found is right; how many are. A cache with damage takes new records.
static unsigned look(const victim *one) {
    unsigned found = 0;
    wr_depot *store = store_open(one->folder);
    for (unsigned key = 0; key < SMALL_KEYS; key++) {
        long version = store_version(store, key);
        CHECK(version == 5 || version == -1);
        found += version == 5;
    }
    wr_record record;
    if (wr_store_get(store, store_text("http://127.0.0.1/package-1"),
                     &record) == 0)
        CHECK(record.fresh_until == 1005 || record.fresh_until == 2000);
    CHECK_EQ(store_version(store, SMALL_KEYS), -1);
    wr_store_close(store);
    return found;
}

static void flip_all(const char *kind) {
    victim one;
    make_victim(&one, kind);
    CHECK_EQ(look(&one), SMALL_KEYS);
    int fd = open(one.path, O_WRONLY);
    CHECK(fd >= 0);
    unsigned harmed = 0;
    static const uint8_t flips[] = {0xff, 0x01, 0x80};
    for (size_t at = 0; at < one.size; at++) {
        for (size_t i = 0; i < sizeof(flips); i++) {
            uint8_t byte = one.bytes[at] ^ flips[i];
            CHECK_EQ(pwrite(fd, &byte, 1, (off_t)at), 1);
            harmed += look(&one) < SMALL_KEYS;
        }
        CHECK_EQ(pwrite(fd, &one.bytes[at], 1, (off_t)at), 1);
    }
    close(fd);
    // Padding and the renewal are no record's.
    CHECK(harmed > one.size * 2);
    CHECK_EQ(look(&one), SMALL_KEYS);
    end_victim(&one);
}

static void no_flipped_byte_of_an_index_misleads(void) { flip_all("index"); }

static void no_flipped_byte_of_the_images_misleads(void) { flip_all("data"); }

static void cut_all(const char *kind) {
    victim one;
    make_victim(&one, kind);
    unsigned before = 0;
    for (size_t size = 0; size <= one.size; size++) {
        write_file(one.path, one.bytes, size);
        unsigned found = look(&one);
        CHECK(found >= before); // a longer piece has no less
        before = found;
    }
    CHECK_EQ(before, SMALL_KEYS);
    CHECK_EQ(unlink(one.path), 0);
    CHECK_EQ(look(&one), 0);
    end_victim(&one);
}

static void an_index_may_be_cut_anywhere(void) { cut_all("index"); }

static void images_may_be_cut_anywhere(void) {
    cut_all("data");
    // Of many pages, too: those behind the end must not be touched.
    victim one = {.size = 0};
    store_folder(one.folder);
    wr_depot *store = store_open(one.folder);
    for (unsigned key = 0; key < SMALL_KEYS; key++)
        CHECK_EQ(store_put(store, key, 5), 0);
    wr_store_close(store);
    snprintf(one.path, sizeof(one.path), "%s/0000000000000001.data",
             one.folder);
    struct stat status;
    CHECK_EQ(stat(one.path, &status), 0);
    CHECK(status.st_size > 30000);
    CHECK_EQ(look(&one), SMALL_KEYS);
    for (off_t size = status.st_size - 16; size > 0; size -= 1111) {
        CHECK_EQ(truncate(one.path, size), 0);
        CHECK(look(&one) < SMALL_KEYS);
    }
    store_clean(one.folder);
}

// As after a power cut: pages that never reached the disk are zeros.
static void holes_are_no_records(void) {
    for (int kind = 0; kind < 2; kind++) {
        victim one;
        make_victim(&one, kind == 0 ? "index" : "data");
        uint8_t *bytes = malloc(one.size);
        CHECK(bytes != NULL);
        for (size_t from = 0; from < one.size; from += 8) {
            memcpy(bytes, one.bytes, one.size);
            memset(bytes + from, 0, one.size - from);
            write_file(one.path, bytes, one.size);
            CHECK(look(&one) < SMALL_KEYS || from + 96 >= one.size);
        }
        free(bytes);
        end_victim(&one);
    }
}

static void garbage_is_no_cache(void) {
    uint64_t state = 7;
    for (int kind = 0; kind < 2; kind++) {
        victim one;
        make_victim(&one, kind == 0 ? "index" : "data");
        for (int i = 0; i < 200; i++) {
            uint8_t noise[2000];
            size_t size = (size_t)(store_random(&state) % sizeof(noise));
            for (size_t j = 0; j < size; j++)
                noise[j] = (uint8_t)store_random(&state);
            write_file(one.path, noise, size);
            CHECK_EQ(look(&one), 0);
        }
        end_victim(&one);
    }
}

static void files_of_other_kinds_are_left_out(void) {
    char folder[64], path[128], target[128];
    store_folder(folder);
    static const char *const names[] = {"0000000000000001.index",
                                        "0000000000000002.index",
                                        "0000000000000003.data",
                                        "ffffffffffffffff.data",
                                        "1.index",
                                        "notes.txt",
                                        "00000000000000ZZ.index"};
    snprintf(target, sizeof(target), "%s/notes.txt", folder);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        if (i == 0)
            CHECK_EQ(mkdir(path, 0700), 0);
        else if (i == 1)
            CHECK_EQ(symlink(target, path), 0);
        else if (i == 2)
            CHECK_EQ(mkfifo(path, 0600), 0);
        else if (i != 3)
            write_file(path, (const uint8_t *)"text", 4);
    }
    wr_depot *store = store_open(folder);
    CHECK_EQ(store_put(store, 1, 1), 0);
    wr_store_close(store);
    store = store_open(folder);
    CHECK_EQ(store_version(store, 1), 1);
    wr_store_close(store);
    CHECK_EQ(access(target, F_OK), 0);
    store_clean(folder);
}

// ---------------------------------------------------------------------------
// kill -9

enum {
    ROUNDS = 100,
    WRITERS = 3,
    READERS = 1,
    KILL_KEYS = 24,
    LONGEST_US = 8000,
};

typedef struct murder {
    char folder[64];
    unsigned *floor; // shared: what a key's flushed version is at least
    uint64_t seed;
} murder;

// Writes until it is killed. Version numbers grow through all rounds, so what
// is found is never older than what was flushed.
static _Noreturn void write_on(const murder *all, unsigned round,
                               unsigned number) {
    uint64_t state = all->seed + round * 64 + number;
    for (unsigned run = 0;; run++) {
        wr_depot *store = store_open(all->folder);
        unsigned count = (unsigned)(store_random(&state) % 40);
        unsigned version = round * 1000 + run % 1000 + 1;
        for (unsigned i = 0; i < count; i++) {
            unsigned key = (unsigned)(store_random(&state) % KILL_KEYS);
            CHECK_EQ(store_put(store, key, version), 0);
        }
        unsigned own = KILL_KEYS + number;
        CHECK_EQ(store_put(store, own, version), 0);
        CHECK_EQ(wr_store_flush(store), 0);
        all->floor[number] = version;
        wr_store_close(store);
    }
}

static _Noreturn void read_on(const murder *all) {
    for (;;) {
        wr_depot *store = store_open(all->folder);
        for (unsigned key = 0; key < KILL_KEYS; key++)
            store_version(store, key);
        wr_store_close(store);
    }
}

static void one_round(const murder *all, unsigned round, uint64_t *state) {
    pid_t child[WRITERS + READERS];
    for (unsigned i = 0; i < WRITERS + READERS; i++) {
        child[i] = fork();
        CHECK(child[i] >= 0);
        if (child[i] == 0 && i < WRITERS)
            write_on(all, round, i);
        if (child[i] == 0)
            read_on(all);
    }
    for (unsigned i = 0; i < WRITERS + READERS; i++) {
        // Nothing is waited for: any moment will do.
        struct timespec moment = {
            .tv_nsec = (long)(store_random(state) % (LONGEST_US * 1000L))};
        ppoll(NULL, 0, &moment, NULL);
        CHECK_EQ(kill(child[i], SIGKILL), 0);
    }
    for (unsigned i = 0; i < WRITERS + READERS; i++) {
        int status;
        CHECK_EQ(waitpid(child[i], &status, 0), child[i]);
        // A child that found something wrong has ended by itself.
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
}

static void killed_at_any_moment_it_holds_whole_records(void) {
    murder all = {.seed = 1};
    uint64_t state = 12345;
    unsigned found = 0;
    size_t files;
    store_folder(all.folder);
    all.floor = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(all.floor != MAP_FAILED);
    for (unsigned round = 0; round < ROUNDS; round++) {
        one_round(&all, round, &state);
        wr_depot *store = store_open(all.folder);
        for (unsigned key = 0; key < KILL_KEYS; key++)
            found += store_version(store, key) >= 0;
        for (unsigned i = 0; i < WRITERS; i++)
            if (all.floor[i] > 0)
                CHECK(store_version(store, KILL_KEYS + i) >=
                      (long)all.floor[i]);
        wr_store_close(store);
        // What the dead leave is tidied up by the living.
        CHECK(store_bytes(all.folder, &files) < 200 << 20);
    }
    CHECK(found > ROUNDS * KILL_KEYS / 2);
    wr_depot *store = store_open(all.folder);
    for (unsigned i = 0; i < 300; i++) {
        wr_store_close(store);
        store = store_open(all.folder);
        CHECK_EQ(store_put(store, i % KILL_KEYS, ROUNDS * 1000 + i), 0);
    }
    wr_store_close(store);
    store_bytes(all.folder, &files);
    CHECK(files <= 2 * WR_STORE_SEGMENTS_FEW + 1);
    munmap(all.floor, 4096);
    store_clean(all.folder);
}

// ---------------------------------------------------------------------------
// Places that cannot be written to

// Runs `body` in a process of its own, for it changes what the process may do.
static void apart(void (*body)(const char *folder), const char *folder) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body(folder);
        fflush(stdout);
        _exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void fill_up(const char *folder) {
    struct rlimit limit = {1 << 20, 1 << 20};
    signal(SIGXFSZ, SIG_IGN);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    wr_depot *store = store_open(folder);
    unsigned failed = 0;
    for (unsigned key = 100; key < 300; key++)
        failed += store_put(store, key, 1) != 0;
    CHECK(failed > 0 && failed < 200);
    CHECK(wr_store_flush(store) != 0);
    CHECK_EQ(store_version(store, 1), 1); // what was there
    CHECK_EQ(store_version(store, 299), -1);
    wr_store_close(store);
    // What nobody could find does not stay: all of this file is gone.
    size_t files, now;
    limit.rlim_cur = 0;
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    uint64_t bytes = store_bytes(folder, &files);
    store = store_open(folder);
    CHECK_EQ(store_put(store, 400, 1), 0); // in a buffer
    CHECK(wr_store_flush(store) != 0);
    wr_store_close(store);
    CHECK(store_bytes(folder, &now) == bytes && now == files);
}

static void a_full_disk_ends_the_writing_alone(void) {
    char folder[64];
    store_folder(folder);
    wr_depot *store = store_open(folder);
    CHECK_EQ(store_put(store, 1, 1), 0);
    wr_store_close(store);
    apart(fill_up, folder);
    store = store_open(folder);
    CHECK_EQ(store_version(store, 1), 1);
    unsigned found = 0;
    for (unsigned key = 100; key < 300; key++)
        found += store_version(store, key) == 1;
    CHECK(found > 10); // what fitted
    CHECK_EQ(store_put(store, 2, 2), 0);
    wr_store_close(store);
    store_clean(folder);
}

static void use_read_only(const char *folder) {
    if (geteuid() == 0 && setuid(65534) != 0)
        _exit(0);
    wr_depot *store = store_open(folder);
    CHECK_EQ(store_version(store, 1), 1);
    CHECK(store_put(store, 2, 2) != 0);
    CHECK(store_put(store, 3, 3) != 0);
    CHECK_EQ(store_version(store, 1), 1);
    wr_store_close(store);
}

static void a_read_only_folder_is_read(void) {
    char folder[64], path[128];
    store_folder(folder);
    wr_depot *store = store_open(folder);
    CHECK_EQ(store_put(store, 1, 1), 0);
    wr_store_close(store);
    if (geteuid() == 0) {
        for (int i = 0; i < 2; i++) {
            snprintf(path, sizeof(path), "%s/0000000000000001.%s", folder,
                     i == 0 ? "index" : "data");
            CHECK_EQ(chown(path, 65534, 65534), 0);
        }
        CHECK_EQ(chown(folder, 65534, 65534), 0);
    }
    CHECK_EQ(chmod(folder, 0500), 0);
    apart(use_read_only, folder);
    CHECK_EQ(chmod(folder, 0700), 0);
    store_clean(folder);
}

static void refused(const char *path, int error) {
    wr_depot *store;
    wr_why why = {0};
    CHECK_EQ(wr_store_open(&store, path, &why), error);
    CHECK(store == NULL);
    CHECK_STR(why.code, "ECACHE");
    CHECK(strncmp(why.text, path, strlen(path)) == 0);
    CHECK_EQ(wr_store_open(&store, path, NULL), error);
}

static void the_folder_is_made_and_private(void) {
    char folder[64], path[128];
    struct stat status;
    store_folder(folder);
    snprintf(path, sizeof(path), "%s/a//b/c/", folder);
    wr_store_close(store_open(path));
    CHECK_EQ(stat(path, &status), 0);
    CHECK_EQ(status.st_mode & 07777, 0700);
    wr_store_close(store_open(path));
    wr_depot *store = store_open(path);
    CHECK_EQ(store_put(store, 1, 1), 0);
    wr_store_close(store);
    snprintf(path, sizeof(path), "%s/a/b/c/0000000000000001.index", folder);
    CHECK_EQ(stat(path, &status), 0);
    CHECK_EQ(status.st_mode & 07777, 0600);
    store_clean(folder);
}

static void a_folder_that_others_write_to_is_refused(void) {
    char folder[64], path[128];
    store_folder(folder);
    CHECK_EQ(chmod(folder, 0770), 0);
    refused(folder, -EACCES);
    CHECK_EQ(chmod(folder, 0702), 0);
    refused(folder, -EACCES);
    CHECK_EQ(chmod(folder, 0755), 0);
    wr_store_close(store_open(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
    write_file(path, (const uint8_t *)"x", 1);
    refused(path, -ENOTDIR);
    snprintf(path, sizeof(path), "%s/file/below", folder);
    refused(path, -ENOTDIR);
    refused("", -ENOENT);
    if (geteuid() == 0) {
        CHECK_EQ(chown(folder, 65534, 65534), 0);
        refused(folder, -EACCES);
    }
    store_clean(folder);
}

// ---------------------------------------------------------------------------
// Memory

// A run that writes, with one allocation that fails. What it kept is right.
static void short_run(const char *folder, unsigned version) {
    const char *key = "http://127.0.0.1/package-1";
    wr_depot *store;
    int error = wr_store_open(&store, folder, NULL);
    if (error != 0) {
        CHECK(error == -ENOMEM && store == NULL);
        return;
    }
    wr_record record;
    for (unsigned i = 0; i < 3; i++) {
        error = store_put_sized(store, i, version, SMALL_BYTES);
        CHECK(error == 0 || error == -ENOMEM);
    }
    error = wr_store_renew(store, store_text(key), 1, version);
    CHECK(error == 0 || error == -ENOMEM || error == -ENOENT);
    error = wr_store_get(store, store_text(key), &record);
    CHECK(error == 0 || error == -ENOMEM || error == -ENOENT);
    wr_store_close(store);
}

static void running_out_of_memory_costs_records_alone(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, UINT64_MAX, 0))
        SKIP("a build without WEIR_FAULTS");
    char folder[64];
    store_folder(folder);
    // So that closing tidies up each time.
    for (unsigned i = 0; i < WR_STORE_SEGMENTS_FEW; i++) {
        wr_depot *store = store_open(folder);
        CHECK_EQ(store_put_sized(store, 5 + i, 5, SMALL_BYTES), 0);
        wr_store_close(store);
    }
    for (unsigned i = 0; i < 150; i++) {
        wr_fault_arm(WR_FAULT_ALLOC, i, 1);
        short_run(folder, 10 + i);
        wr_fault_arm(WR_FAULT_ALLOC, 0, 0);
        wr_depot *store = store_open(folder);
        for (unsigned key = 0; key < 3; key++)
            CHECK(store_version(store, key) <= 10 + (long)i);
        for (unsigned j = 0; j < WR_STORE_SEGMENTS_FEW; j++)
            CHECK_EQ(store_version(store, 5 + j), 5);
        wr_store_close(store);
        store = store_open(folder); // another small one, to tidy up again
        CHECK_EQ(store_put_sized(store, 20, i, SMALL_BYTES), 0);
        wr_store_close(store);
    }
    store_clean(folder);
}

static const test_case cases[] = {
    {"no_flipped_byte_of_an_index_misleads",
     no_flipped_byte_of_an_index_misleads},
    {"no_flipped_byte_of_the_images_misleads",
     no_flipped_byte_of_the_images_misleads},
    {"an_index_may_be_cut_anywhere", an_index_may_be_cut_anywhere},
    {"images_may_be_cut_anywhere", images_may_be_cut_anywhere},
    {"holes_are_no_records", holes_are_no_records},
    {"garbage_is_no_cache", garbage_is_no_cache},
    {"files_of_other_kinds_are_left_out", files_of_other_kinds_are_left_out},
    {"killed_at_any_moment_it_holds_whole_records",
     killed_at_any_moment_it_holds_whole_records},
    {"a_full_disk_ends_the_writing_alone", a_full_disk_ends_the_writing_alone},
    {"a_read_only_folder_is_read", a_read_only_folder_is_read},
    {"running_out_of_memory_costs_records_alone",
     running_out_of_memory_costs_records_alone},
    {"the_folder_is_made_and_private", the_folder_is_made_and_private},
    {"a_folder_that_others_write_to_is_refused",
     a_folder_that_others_write_to_is_refused},
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
