// SPDX-License-Identifier: MIT
//
// The hash and scan kernels of `weir delta`, in MB/s (10^6 bytes) of CPU time
// on one core, best of several. Beside them what rdiff uses for its strong sum,
// libb2, where that is installed. usage: bench_hash [portable|avx2|avx512]
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "programs/delta/hash.h"

// The weak sums of one block are faster than memory: theirs stay in the cache.
enum { RUNS = 7, BLOCKS = 4096, BLOCK = 8192, CACHED = 512 * 1024 };
#define SIZE ((size_t)BLOCKS * BLOCK)

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint8_t *data;
static uint8_t (*sums)[WR_STRONG_MAX];
static const uint8_t *blocks[BLOCKS];
static volatile uint32_t sink; // so that no result is unused

typedef struct job {
    const wr_hash_kernels *kernels;
    wr_strong_kind strong;
    wr_weak_kind weak;
    size_t len;
    size_t count;
    const wr_filter *filter;
    int (*other)(void *out, const void *in, const void *key, size_t out_len,
                 size_t in_len, size_t key_len);
} job;

// Runs something over `bytes` bytes, and prints how fast its best run was.
static double report(const char *what, void (*run)(const job *), const job *j,
                     size_t bytes) {
    double best = 1e9;
    for (unsigned i = 0; i < RUNS; i++) {
        double start = seconds();
        run(j);
        double took = seconds() - start;
        best = took < best ? took : best;
    }
    double rate = (double)bytes / best / 1e6;
    printf("  %-44s %8.0f MB/s\n", what, rate);
    fflush(stdout);
    return rate;
}

static void run_strong(const job *j) {
    for (size_t i = 0; i < BLOCKS; i += j->count)
        wr_strong_many(j->kernels, j->strong, blocks + i, BLOCK,
                       i + j->count <= BLOCKS ? j->count : BLOCKS - i,
                       sums + i);
}

static void run_other(const job *j) {
    for (size_t i = 0; i < BLOCKS; i++)
        j->other(sums[i], blocks[i], NULL, 32, BLOCK, 0);
}

static void run_weak(const job *j) {
    for (size_t i = 0; i + j->len <= SIZE; i += j->len)
        sink += wr_weak_block(j->kernels, j->weak, data + i % CACHED, j->len);
}

static void run_signature(const job *j) {
    for (size_t i = 0; i < BLOCKS; i += 16) {
        wr_strong_many(j->kernels, j->strong, blocks + i, BLOCK, 16, sums + i);
        for (size_t k = i; k < i + 16; k++)
            sink += wr_weak_block(j->kernels, j->weak, blocks[k], BLOCK);
    }
}

static void run_scan(const job *j) {
    wr_roll roll = wr_roll_make(j->weak, j->len);
    size_t to = SIZE - j->len, hits = 0;
    uint32_t weak = wr_weak_block(j->kernels, j->weak, data, j->len);
    for (size_t at = 0; at < to; at++, hits++) {
        at = wr_scan(j->kernels, &roll, j->filter, data, at, to, &weak);
        if (at < to)
            weak = wr_roll_step(&roll, weak, data[at], data[at + j->len]);
    }
    sink += (uint32_t)hits;
}

// ---------------------------------------------------------------------------

static void bench_strong(const wr_hash_kernels *kernels) {
    job j = {.kernels = kernels, .count = BLOCKS};
    j.strong = WR_STRONG_BLAKE2B;
    report("BLAKE2b-256", run_strong, &j, SIZE);
    j.strong = WR_STRONG_MD4;
    report("MD4", run_strong, &j, SIZE);
    for (unsigned weak = 0; weak < 2; weak++) {
        j.strong = WR_STRONG_BLAKE2B;
        j.weak = weak == 0 ? WR_WEAK_ROLLSUM : WR_WEAK_RABINKARP;
        report(weak == 0 ? "signature: rollsum and BLAKE2b"
                         : "signature: RabinKarp and BLAKE2b",
               run_signature, &j, SIZE);
    }
}

static void bench_few(const wr_hash_kernels *kernels, wr_strong_kind strong) {
    printf("  few buffers, %s:",
           strong == WR_STRONG_MD4 ? "MD4" : "BLAKE2b-256");
    for (size_t count = 1; count <= 18; count++) {
        job j = {.kernels = kernels, .strong = strong, .count = count};
        double best = 1e9;
        for (unsigned i = 0; i < 3; i++) {
            double start = seconds();
            run_strong(&j);
            double took = seconds() - start;
            best = took < best ? took : best;
        }
        printf(" %.0f", (double)SIZE / best / 1e6);
    }
    printf("\n");
}

static void bench_weak(const wr_hash_kernels *kernels) {
    static const size_t lens[] = {256, 2048, 32768};
    for (unsigned weak = 0; weak < 2; weak++)
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            job j = {.kernels = kernels, .len = lens[i]};
            j.weak = weak == 0 ? WR_WEAK_ROLLSUM : WR_WEAK_RABINKARP;
            char what[64];
            snprintf(what, sizeof what, "%s of %zu bytes",
                     weak == 0 ? "rollsum" : "RabinKarp", lens[i]);
            report(what, run_weak, &j, SIZE);
        }
}

static void bench_scan(const wr_hash_kernels *kernels) {
    static const size_t counts[] = {100, 32768, 100000, 524288, 4194304};
    for (unsigned weak = 0; weak < 2; weak++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            wr_filter filter;
            if (wr_filter_init(&filter, counts[i]) != 0)
                exit(1);
            uint64_t random = 7;
            for (size_t k = 0; k < counts[i]; k++)
                wr_filter_add(&filter, (uint32_t)wr_random_next(&random));
            job j = {.kernels = kernels, .len = 32768, .filter = &filter};
            j.weak = weak == 0 ? WR_WEAK_ROLLSUM : WR_WEAK_RABINKARP;
            char what[64];
            snprintf(what, sizeof what, "scan, %s, %zu sums known",
                     weak == 0 ? "rollsum" : "RabinKarp", counts[i]);
            report(what, run_scan, &j, SIZE - j.len);
            wr_filter_free(&filter);
        }
}

static void bench_libb2(void) {
    void *libb2 = dlopen("libb2.so.1", RTLD_NOW);
    if (libb2 == NULL) {
        printf("libb2: not installed\n");
        return;
    }
    job j = {0};
    *(void **)&j.other = dlsym(libb2, "blake2b");
    printf("libb2\n");
    report("BLAKE2b-256", run_other, &j, SIZE);
}

int main(int argc, char **argv) {
    static const char *const names[] = {"portable", "avx2", "avx512"};
    data = malloc(SIZE);
    sums = malloc(BLOCKS * sizeof *sums);
    if (data == NULL || sums == NULL)
        return 1;
    uint64_t random = 1;
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)wr_random_next(&random);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = data + i * BLOCK;

    printf("buffers of %d bytes, %zu MiB in all, best of %d\n", BLOCK,
           SIZE >> 20, RUNS);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const wr_hash_kernels *kernels = wr_hash_by_name(names[i]);
        if (argc > 1 && strcmp(argv[1], names[i]) != 0)
            continue;
        if (kernels == NULL) {
            printf("%s: not on this CPU\n", names[i]);
            continue;
        }
        printf("%s\n", names[i]);
        bench_strong(kernels);
        bench_few(kernels, WR_STRONG_BLAKE2B);
        bench_few(kernels, WR_STRONG_MD4);
        bench_weak(kernels);
        bench_scan(kernels);
    }
    bench_libb2();
    free(sums);
    free(data);
    return 0;
}
