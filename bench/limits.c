// SPDX-License-Identifier: MIT
// What this machine can do, as the measure of bench/delta.sh: memory, caches,
// disk, and the kernels of `weir delta` in plain loops, on one thread and on
// two that share nothing and are started by hand. No runtime is involved: the
// ".2t" rows are the best a runtime could reach.
//
//   bench_limits [--rounds N] FILE FOLDER
//
// FILE is read (warm), FOLDER is where files are written for a moment. Prints
// lines "name value unit", each the best of N rounds.
#include "base/random.h"
#include "programs/delta/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 32768, GROUP = 32, PIECE = BLOCK * GROUP, ALIGN = 4096 };
static const size_t MEMORY = (size_t)128 << 20; // far beyond the caches
static const size_t SUMS_KNOWN = 32768;         // as for a file of 1 GiB

typedef struct setting {
    const wr_hash_kernels *kernels;
    wr_roll roll;
    wr_filter filter;
    uint8_t *memory;
    uint8_t *copy;
    const char *file;
    size_t file_size;
    const char *folder;
    int rounds;
} setting;

// Does a share of the work: bytes [from, from + count) of what it works on.
typedef void work(const setting *s, size_t from, size_t count);

static volatile uint64_t sink; // so that no result is unused

_Noreturn static void fail(const char *what) {
    fprintf(stderr, "bench_limits: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double clock_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// ---- what is measured ------------------------------------------------------

static void read_memory(const setting *s, size_t from, size_t count) {
    const uint8_t *end = s->memory + from + count;
    uint64_t sums[8] = {0};
    for (const uint8_t *at = s->memory + from; at < end; at += sizeof(sums))
        for (size_t i = 0; i < 8; i++) {
            uint64_t word;
            memcpy(&word, at + i * sizeof(word), sizeof(word));
            sums[i] += word;
        }
    for (size_t i = 0; i < 8; i++)
        sink += sums[i];
}

static void copy_memory(const setting *s, size_t from, size_t count) {
    memcpy(s->copy + from, s->memory + from, count);
}

static void strong(const setting *s, const uint8_t *data, size_t count) {
    const uint8_t *blocks[GROUP];
    uint8_t sums[GROUP][WR_STRONG_MAX];
    size_t full = count / BLOCK;
    for (size_t i = 0; i < full; i++)
        blocks[i] = data + i * BLOCK;
    wr_strong_many(s->kernels, WR_STRONG_BLAKE2B, blocks, BLOCK, full, sums);
    sink += sums[0][0];
}

static void hash_memory(const setting *s, size_t from, size_t count) {
    for (size_t at = 0; at < count; at += PIECE)
        strong(s, s->memory + from + at, PIECE);
}

static void sign(const setting *s, const uint8_t *data, size_t count) {
    strong(s, data, count);
    for (size_t at = 0; at + BLOCK <= count; at += BLOCK)
        sink += wr_weak_block(s->kernels, WR_WEAK_RABINKARP, data + at, BLOCK);
}

static void scan_memory(const setting *s, size_t from, size_t count) {
    const uint8_t *data = s->memory + from;
    size_t to = count - BLOCK;
    uint32_t weak = wr_weak_block(s->kernels, WR_WEAK_RABINKARP, data, BLOCK);
    for (size_t at = 0; at < to; at++) {
        at = wr_scan(s->kernels, &s->roll, &s->filter, data, at, to, &weak);
        if (at < to)
            weak = wr_roll_step(&s->roll, weak, data[at], data[at + BLOCK]);
    }
    sink += weak;
}

typedef void use(const setting *s, const uint8_t *data, size_t count);

static void read_pieces(const setting *s, size_t from, size_t count,
                        use *each) {
    uint8_t *piece = aligned_alloc(ALIGN, PIECE);
    int fd = open(s->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || piece == NULL)
        fail(s->file);
    for (size_t at = 0; at < count;) {
        size_t wanted = count - at < PIECE ? count - at : PIECE;
        ssize_t got = pread(fd, piece, wanted, (off_t)(from + at));
        if (got <= 0)
            fail(s->file);
        if (each != NULL)
            each(s, piece, (size_t)got);
        at += (size_t)got;
    }
    close(fd);
    free(piece);
}

static void read_file(const setting *s, size_t from, size_t count) {
    read_pieces(s, from, count, NULL);
}

static void sign_file(const setting *s, size_t from, size_t count) {
    read_pieces(s, from, count, sign);
}

// A file that goes away before the disk sees much of it.
static int nameless(const setting *s, int flags) {
    char name[4096];
    int length = snprintf(name, sizeof(name), "%s/limits.XXXXXX", s->folder);
    if (length < 0 || (size_t)length >= sizeof(name))
        fail(s->folder);
    int fd = mkostemp(name, flags | O_CLOEXEC);
    if (fd < 0)
        return -1;
    unlink(name);
    return fd;
}

static int write_pieces(const setting *s, int fd, size_t count) {
    for (size_t at = 0; at < count; at += PIECE)
        if (write(fd, s->memory + at % MEMORY, PIECE) != PIECE)
            return -1;
    return 0;
}

static void write_cache(const setting *s, size_t from, size_t count) {
    (void)from;
    int fd = nameless(s, 0);
    if (fd < 0 || write_pieces(s, fd, count / PIECE * PIECE) != 0)
        fail(s->folder);
    close(fd);
}

// ---- how it is measured ----------------------------------------------------

typedef struct share {
    const setting *setting;
    work *run;
    size_t from;
    size_t count;
    pthread_t thread;
} share;

static void *run_share(void *argument) {
    share *part = argument;
    part->run(part->setting, part->from, part->count);
    return NULL;
}

// Splits `size` bytes between so many threads; seconds.
static double once(const setting *s, work *run, size_t size, size_t threads) {
    share shares[2];
    size_t each = size / threads / PIECE * PIECE;
    double begun = clock_s();
    for (size_t i = 0; i < threads; i++) {
        share *part = &shares[i];
        *part = (share){.setting = s, .run = run, .from = i * each};
        part->count = i + 1 < threads ? each : size - part->from;
        errno = pthread_create(&part->thread, NULL, run_share, part);
        if (errno != 0)
            fail("thread");
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(shares[i].thread, NULL);
    return clock_s() - begun;
}

static void report(const setting *s, const char *name, work *run, size_t size,
                   size_t threads) {
    double best = 1e9;
    for (int i = 0; i < s->rounds; i++) {
        double took = once(s, run, size, threads);
        best = took < best ? took : best;
    }
    printf("%s.%zut %.0f MB/s\n", name, threads, (double)size / best / 1e6);
    fflush(stdout);
}

// Past the page cache, one piece after the other, on one thread.
static void report_disk(const setting *s) {
    int fd = nameless(s, O_DIRECT);
    if (fd < 0) {
        printf("# no direct access to files in this folder\n");
        return;
    }
    double best[2] = {1e9, 1e9};
    for (int i = 0; i < (s->rounds < 3 ? s->rounds : 3); i++) {
        double begun = clock_s();
        if (lseek(fd, 0, SEEK_SET) != 0 || write_pieces(s, fd, MEMORY) != 0)
            fail("direct write");
        double written = clock_s();
        for (size_t at = 0; at < MEMORY; at += PIECE)
            if (pread(fd, s->copy + at, PIECE, (off_t)at) != PIECE)
                fail("direct read");
        double done = clock_s();
        best[0] = written - begun < best[0] ? written - begun : best[0];
        best[1] = done - written < best[1] ? done - written : best[1];
    }
    close(fd);
    printf("disk.write.direct %.0f MB/s\n", (double)MEMORY / best[0] / 1e6);
    printf("disk.read.direct %.0f MB/s\n", (double)MEMORY / best[1] / 1e6);
}

static void prepare(setting *s) {
    s->kernels = wr_hash_best();
    s->roll = wr_roll_make(WR_WEAK_RABINKARP, BLOCK);
    s->memory = aligned_alloc(ALIGN, MEMORY);
    s->copy = aligned_alloc(ALIGN, MEMORY);
    if (s->memory == NULL || s->copy == NULL ||
        wr_filter_init(&s->filter, SUMS_KNOWN) != 0)
        fail("memory");
    uint64_t random = 1;
    for (size_t at = 0; at < MEMORY; at += sizeof(uint64_t)) {
        uint64_t word = wr_random_next(&random);
        memcpy(s->memory + at, &word, sizeof(word));
    }
    memset(s->copy, 1, MEMORY);
    for (size_t i = 0; i < SUMS_KNOWN; i++)
        wr_filter_add(&s->filter, (uint32_t)wr_random_next(&random));
    struct stat status;
    if (stat(s->file, &status) != 0)
        fail(s->file);
    s->file_size = (size_t)status.st_size;
}

int main(int argc, char **argv) {
    setting s = {.rounds = 7};
    int first = 1;
    if (argc == 5 && strcmp(argv[1], "--rounds") == 0) {
        s.rounds = atoi(argv[2]);
        first = 3;
    }
    if (argc - first != 2 || s.rounds < 1) {
        fprintf(stderr, "usage: bench_limits [--rounds N] FILE FOLDER\n");
        return 2;
    }
    s.file = argv[first];
    s.folder = argv[first + 1];
    prepare(&s);
    printf("# kernels: %s\n", wr_hash_name(s.kernels));
    for (size_t threads = 1; threads <= 2; threads++) {
        report(&s, "memory.read", read_memory, MEMORY, threads);
        report(&s, "memory.copy", copy_memory, MEMORY, threads);
        report(&s, "hash.blake2b", hash_memory, MEMORY, threads);
        report(&s, "hash.scan", scan_memory, MEMORY, threads);
        report(&s, "file.read", read_file, s.file_size, threads);
        report(&s, "file.sign", sign_file, s.file_size, threads);
        report(&s, "cache.write", write_cache, s.file_size, threads);
    }
    report_disk(&s);
    wr_filter_free(&s.filter);
    free(s.memory);
    free(s.copy);
    return 0;
}
