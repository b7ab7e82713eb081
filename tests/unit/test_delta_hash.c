// SPDX-License-Identifier: MIT
#include "programs/delta/hash.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/random.h"
#include "support/check.h"

static const char *const set_names[] = {"portable", "avx2", "avx512"};
enum { SETS = 3 };
static const wr_strong_kind strong_kinds[] = {WR_STRONG_MD4, WR_STRONG_BLAKE2B};
static const wr_weak_kind weak_kinds[] = {WR_WEAK_ROLLSUM, WR_WEAK_RABINKARP};

// The seed of a failed run: DELTA_HASH_SEED repeats it.
static uint64_t seeded(void) {
    const char *given = getenv("DELTA_HASH_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 20261121;
    printf("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static void fill(uint8_t *data, size_t len, uint64_t *random) {
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)wr_random_next(random);
}

// `len` bytes that end where the next page cannot be read, so that a byte too
// far is a crash, with or without a sanitizer. The page before cannot be read
// either: that shows when the bytes fill whole pages.
typedef struct fenced {
    uint8_t *map, *data;
    size_t map_len;
} fenced;

static fenced fenced_new(size_t len) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (len + page - 1) / page * page;
    fenced f = {.map_len = room + 2 * page};
    f.map = mmap(NULL, f.map_len, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(f.map != MAP_FAILED);
    CHECK_EQ(mprotect(f.map, page, PROT_NONE), 0);
    CHECK_EQ(mprotect(f.map + page + room, page, PROT_NONE), 0);
    f.data = f.map + page + room - len;
    return f;
}

static void fenced_free(fenced *f) { munmap(f->map, f->map_len); }

static void check_hex(const uint8_t *sum, const char *hex) {
    char text[2 * WR_STRONG_MAX + 1] = "";
    for (size_t i = 0; i < strlen(hex) / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", sum[i]);
    CHECK_STR(text, hex);
}

// ---------------------------------------------------------------------------

static void check_vector(wr_strong_kind kind, const void *data, size_t len,
                         const char *hex) {
    for (size_t s = 0; s < SETS; s++) {
        const wr_hash_kernels *kernels = wr_hash_by_name(set_names[s]);
        if (kernels == NULL)
            continue;
        // One buffer, and as many as there are lanes.
        const uint8_t *all[32];
        uint8_t out[32][WR_STRONG_MAX];
        for (size_t i = 0; i < 32; i++)
            all[i] = data;
        for (size_t count = 1; count <= 32; count += 31) {
            memset(out, 0xee, sizeof out);
            wr_strong_many(kernels, kind, all, len, count, out);
            for (size_t i = 0; i < count; i++)
                check_hex(out[i], hex);
        }
    }
}

// RFC 1320, A.5.
static void md4_has_the_sums_of_the_rfc(void) {
    static const char *const vectors[][2] = {
        {"", "31d6cfe0d16ae931b73c59d7e0c089c0"},
        {"a", "bde52cb31de33e46245e05fbdbd6fb24"},
        {"abc", "a448017aaf21d8525fc10ae87aa6729d"},
        {"message digest", "d9130a8164549fe818874806e1c7014b"},
        {"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "043f8582f241db351ce627e153e7f0e4"},
        {"1234567890123456789012345678901234567890"
         "1234567890123456789012345678901234567890",
         "e33b4ddc9c38f2199c3e7b164fcc0536"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        check_vector(WR_STRONG_MD4, vectors[i][0], strlen(vectors[i][0]),
                     vectors[i][1]);
}

// Bytes 0, 1, 2 .. up to where the length just fits in the last block or just
// does not, as other implementations give them.
static void md4_pads_as_others_do(void) {
    static const struct {
        size_t len;
        const char *hex;
    } vectors[] = {
        {55, "cc8a7f2bd608e3eeecb7f121d13bea55"},
        {56, "b8e94b6408bbfa6ec9805bf21bc05cbd"},
        {64, "2de6578f0e7898fa17acd84b79685d3a"},
        {119, "9c1067170940ce8f8e4745d362675fab"},
        {120, "c5bb35660e3d0a286a96ea3aa4922b3c"},
    };
    uint8_t data[120];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        check_vector(WR_STRONG_MD4, data, vectors[i].len, vectors[i].hex);
}

// As other implementations of RFC 7693 give them: for no byte, for three, for
// exactly one block, and for eight blocks of which the last is short.
static void blake2b_has_the_known_sums(void) {
    check_vector(
        WR_STRONG_BLAKE2B, "", 0,
        "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    check_vector(
        WR_STRONG_BLAKE2B, "abc", 3,
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    uint8_t data[1000];
    for (size_t i = 0; i < 128; i++)
        data[i] = (uint8_t)i;
    check_vector(
        WR_STRONG_BLAKE2B, data, 128,
        "c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1");
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 % 251);
    check_vector(
        WR_STRONG_BLAKE2B, data, sizeof data,
        "a494537cc57474059ebe7a7f7a76c03306551355abebb1967408ed04e7564fa9");
}

// ---------------------------------------------------------------------------

enum { STRONG_MOST = 40 };

// One set against the portable sums of the first STRONG_MOST buffers.
static void check_same_strong(const wr_hash_kernels *kernels,
                              wr_strong_kind kind, const uint8_t *const *data,
                              size_t len, size_t count,
                              uint8_t (*sums)[WR_STRONG_MAX]) {
    uint8_t expected[STRONG_MOST][WR_STRONG_MAX];
    uint8_t actual[STRONG_MOST][WR_STRONG_MAX];
    memset(expected, 0x5a, sizeof expected);
    memset(actual, 0x5a, sizeof actual);
    for (size_t i = 0; i < count; i++)
        memcpy(expected[i], sums[i], wr_strong_size(kind));
    wr_strong_many(kernels, kind, data, len, count, actual);
    // All of it: bytes that are not part of a sum must not be written.
    if (memcmp(expected, actual, sizeof expected) != 0)
        CHECK_FAIL("%s, kind %d: other sums of %zu buffers of %zu bytes",
                   wr_hash_name(kernels), (int)kind, count, len);
}

// Every set, every length to 300 and larger ones, 1 to 40 buffers, at odd
// addresses, some with their end at a page that cannot be read.
static void strong_sums_equal_the_portable_ones(void) {
    enum { SHORT = 300, RUNS = SHORT + 30, LONGEST = 20000, POOL = 100000 };
    uint64_t random = seeded();
    fenced pool = fenced_new(POOL);
    fill(pool.data, POOL, &random);
    const wr_hash_kernels *portable = wr_hash_by_name("portable");
    for (size_t run = 0; run < 2 * RUNS; run++) {
        wr_strong_kind kind = strong_kinds[run % 2];
        size_t len = run / 2;
        if (len > SHORT)
            len = wr_random_below(&random, LONGEST);
        const uint8_t *data[STRONG_MOST];
        uint8_t sums[STRONG_MOST][WR_STRONG_MAX];
        for (size_t i = 0; i < STRONG_MOST; i++)
            data[i] = pool.data +
                      wr_random_below(&random, (uint32_t)(POOL - len + 1));
        data[run % STRONG_MOST] = pool.data + POOL - len;
        for (size_t i = 0; i < STRONG_MOST; i++)
            wr_strong_many(portable, kind, data + i, len, 1, sums + i);
        // All counts for some lengths, and some counts for all.
        size_t step = run / 2 % 16 == 0 || len % 64 == 0 ? 1 : 7;
        for (size_t s = 0; s < SETS; s++) {
            const wr_hash_kernels *kernels = wr_hash_by_name(set_names[s]);
            for (size_t count = 1; count <= STRONG_MOST; count += step)
                if (kernels != NULL)
                    check_same_strong(kernels, kind, data, len, count, sums);
        }
    }
    fenced_free(&pool);
}

static void weak_sums_equal_the_definition(void) {
    enum { LONGEST = 200000 };
    uint64_t random = seeded();
    fenced f = fenced_new(LONGEST);
    fill(f.data, LONGEST, &random);
    for (size_t run = 0; run < 1200; run++) {
        size_t len = run <= 600 ? run : wr_random_below(&random, LONGEST);
        if (run == 1100)
            memset(f.data, 0, LONGEST);
        if (run == 1150)
            memset(f.data, 0xff, LONGEST);
        const uint8_t *data = f.data + LONGEST - len;
        uint32_t rabinkarp = 1, s1 = 0, s2 = 0;
        for (size_t i = 0; i < len; i++) {
            rabinkarp = rabinkarp * 0x08104225U + data[i];
            s1 = (s1 + data[i] + 31) & 0xffff;
            s2 = (s2 + s1) & 0xffff;
        }
        for (size_t s = 0; s < SETS; s++) {
            const wr_hash_kernels *kernels = wr_hash_by_name(set_names[s]);
            if (kernels == NULL)
                continue;
            CHECK_EQ(wr_weak_block(kernels, WR_WEAK_RABINKARP, data, len),
                     rabinkarp);
            CHECK_EQ(wr_weak_block(kernels, WR_WEAK_ROLLSUM, data, len),
                     s2 << 16 | s1);
        }
    }
    fenced_free(&f);
}

// Sums that librsync 2.3.2 wrote for bytes 0 .. 255, then 0 .. 99.
static void weak_sums_equal_those_of_librsync(void) {
    uint8_t data[256];
    for (size_t i = 0; i < 256; i++)
        data[i] = (uint8_t)i;
    const wr_hash_kernels *best = wr_hash_best();
    CHECK_EQ(wr_weak_block(best, WR_WEAK_RABINKARP, data, 256), 0xc1972381);
    CHECK_EQ(wr_weak_block(best, WR_WEAK_RABINKARP, data, 100), 0x12deab67);
    CHECK_EQ(wr_weak_block(best, WR_WEAK_ROLLSUM, data, 256), 0x3a009e80);
    CHECK_EQ(wr_weak_block(best, WR_WEAK_ROLLSUM, data, 100), 0xee801f72);
}

static void rolling_equals_summing_anew(void) {
    enum { SIZE = 3000 };
    uint8_t data[SIZE];
    uint64_t random = seeded();
    fill(data, SIZE, &random);
    const wr_hash_kernels *portable = wr_hash_by_name("portable");
    for (size_t k = 0; k < 2; k++)
        for (size_t len = 1; len < 300; len += 1 + len / 7) {
            wr_weak_kind kind = weak_kinds[k];
            wr_roll roll = wr_roll_make(kind, len);
            uint32_t sum = wr_weak_block(portable, kind, data, len);
            size_t at = 0;
            for (; at + len < SIZE; at++) {
                sum = wr_roll_step(&roll, sum, data[at], data[at + len]);
                CHECK_EQ(sum,
                         wr_weak_block(portable, kind, data + at + 1, len));
            }
            for (size_t left = len; left > 0; left--, at++) {
                sum = wr_roll_out(kind, sum, left, data[at]);
                CHECK_EQ(sum, wr_weak_block(portable, kind, data + at + 1,
                                            left - 1));
            }
        }
}

// ---------------------------------------------------------------------------

static void filter_knows_exactly_what_was_added(void) {
    static const size_t counts[] = {0, 1, 2, 100, 4096, 40000, 600000};
    uint64_t random = seeded();
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        wr_filter filter;
        CHECK_EQ(wr_filter_init(&filter, counts[c]), 0);
        CHECK(!wr_filter_has(&filter, 0));
        // Even sums are added, all of them twice; odd ones never. 0 is one of
        // the even ones for every other size.
        uint64_t start = random;
        for (size_t i = 0; i < 2 * counts[c]; i++) {
            if (i % counts[c] == 0)
                random = start;
            uint32_t sum = (uint32_t)wr_random_next(&random) & ~1U;
            wr_filter_add(&filter, i == 0 && c % 2 == 1 ? 0 : sum);
        }
        random = start;
        for (size_t i = 0; i < counts[c] + 1000; i++) {
            uint32_t sum = (uint32_t)wr_random_next(&random);
            CHECK(i >= counts[c] || wr_filter_has(&filter, sum & ~1U));
            CHECK(!wr_filter_has(&filter, sum | 1));
        }
        CHECK_EQ(wr_filter_has(&filter, 0), c % 2 == 1);
        wr_filter_free(&filter);
    }
    // Small and full ones, so often that buckets overflow, the last one too.
    wr_filter filter;
    for (unsigned run = 0; run < 3000; run++) {
        uint32_t sums[20];
        CHECK_EQ(wr_filter_init(&filter, 20), 0);
        for (size_t i = 0; i < 20; i++) {
            sums[i] = (uint32_t)wr_random_next(&random);
            wr_filter_add(&filter, sums[i]);
        }
        for (size_t i = 0; i < 20; i++)
            CHECK(wr_filter_has(&filter, sums[i]));
        wr_filter_free(&filter);
    }
    CHECK(wr_filter_init(&filter, SIZE_MAX) < 0);
}

// ---------------------------------------------------------------------------

// Every hit of the scan over [from, to), and the sum at its end, against `sums`
// (the sum at each position) and the exact set. The scans go on after a hit.
static void check_scan(const wr_hash_kernels *kernels, wr_weak_kind kind,
                       const wr_filter *filter, const uint8_t *data,
                       const uint32_t *sums, size_t from, size_t to,
                       size_t len) {
    wr_roll roll = wr_roll_make(kind, len);
    uint32_t weak = sums[from];
    for (size_t at = from; at < to;) {
        size_t expected = at;
        while (expected < to && !wr_filter_has(filter, sums[expected]))
            expected++;
        size_t found = wr_scan(kernels, &roll, filter, data, at, to, &weak);
        if (found != expected)
            CHECK_FAIL("%s, kind %d, window %zu, from %zu to %zu: found %zu, "
                       "expected %zu",
                       wr_hash_name(kernels), (int)kind, len, at, to, found,
                       expected);
        CHECK_EQ(weak, sums[found < to ? found : to - 1]);
        at = found + 1;
        if (at < to)
            weak = wr_roll_step(&roll, weak, data[at - 1], data[at - 1 + len]);
    }
    uint32_t kept = weak;
    CHECK_EQ(wr_scan(kernels, &roll, filter, data, to, to, &weak), to);
    CHECK_EQ(weak, kept);
}

static void check_scan_everywhere(const wr_filter *filter, wr_weak_kind kind,
                                  const uint8_t *data, const uint32_t *sums,
                                  size_t from, size_t to, size_t len) {
    for (size_t s = 0; s < SETS; s++) {
        const wr_hash_kernels *kernels = wr_hash_by_name(set_names[s]);
        if (kernels != NULL)
            check_scan(kernels, kind, filter, data, sums, from, to, len);
    }
}

typedef enum scan_data { RANDOM, ZEROS, TWO_VALUES, SCAN_DATA } scan_data;

// Fresh data up to the fence, and the sum at each of its positions.
static uint8_t *scan_input(fenced *f, size_t size, scan_data shape,
                           wr_weak_kind kind, size_t len, uint32_t *sums,
                           uint64_t *random) {
    fill(f->data, size, random);
    for (size_t i = 0; i < size && shape != RANDOM; i++)
        f->data[i] = shape == ZEROS ? 0 : f->data[i] & 1;
    const wr_hash_kernels *portable = wr_hash_by_name("portable");
    wr_roll roll = wr_roll_make(kind, len);
    sums[0] = wr_weak_block(portable, kind, f->data, len);
    for (size_t at = 0; at + len < size; at++)
        sums[at + 1] =
            wr_roll_step(&roll, sums[at], f->data[at], f->data[at + len]);
    return f->data;
}

// `known` of the sums, taken at random, and as many that (but by chance) do not
// occur.
static wr_filter scan_filter(const uint32_t *sums, size_t positions,
                             size_t known, uint64_t *random) {
    wr_filter filter;
    CHECK_EQ(wr_filter_init(&filter, 2 * known), 0);
    for (size_t i = 0; i < known; i++) {
        uint32_t at = wr_random_below(random, (uint32_t)positions);
        wr_filter_add(&filter, sums[at]);
        wr_filter_add(&filter, (uint32_t)wr_random_next(random));
    }
    return filter;
}

static void scan_finds_every_known_sum_and_no_other(void) {
    enum { POSITIONS = 2500, WINDOW_MAX = 40000 };
    static const size_t windows[] = {1,  2,  3,   7,    15,   16,   17,
                                     63, 64, 256, 1000, 2048, 32768};
    static const size_t known[] = {0, 1, 5, 100, POSITIONS};
    static uint32_t sums[POSITIONS];
    uint64_t random = seeded();
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        size_t size = POSITIONS - 1 + windows[w];
        fenced f = fenced_new(size);
        for (unsigned run = 0; run < 2 * SCAN_DATA * 5; run++) {
            wr_weak_kind kind = weak_kinds[run % 2];
            scan_data shape = (scan_data)(run / 2 % SCAN_DATA);
            const uint8_t *data =
                scan_input(&f, size, shape, kind, windows[w], sums, &random);
            wr_filter filter = scan_filter(sums, POSITIONS,
                                           known[run / 2 / SCAN_DATA], &random);
            for (unsigned i = 0; i < 20; i++) {
                size_t from = wr_random_below(&random, POSITIONS);
                size_t to =
                    from + 1 +
                    wr_random_below(&random, (uint32_t)(POSITIONS - from));
                check_scan_everywhere(&filter, kind, data, sums, from,
                                      i < 10 ? POSITIONS : to, windows[w]);
            }
            wr_filter_free(&filter);
        }
        fenced_free(&f);
    }
}

// Every beginning and every end around the size of a group of positions. All
// that may be read is 4096 bytes, so that for most machines the longest scan
// has a fence at both sides.
static void scan_works_at_every_alignment(void) {
    enum { POSITIONS = 300, WINDOW = 4096 - POSITIONS + 1 };
    static uint32_t sums[POSITIONS];
    static uint8_t original[POSITIONS - 1 + WINDOW];
    uint64_t random = seeded();
    fenced f = fenced_new(POSITIONS - 1 + WINDOW);
    for (size_t k = 0; k < 2; k++) {
        scan_input(&f, POSITIONS - 1 + WINDOW, RANDOM, weak_kinds[k], WINDOW,
                   sums, &random);
        wr_filter filter = scan_filter(sums, POSITIONS, 10, &random);
        memcpy(original, f.data, sizeof original);
        for (size_t to = 1; to <= POSITIONS; to++) {
            // The end of what may be read is at the fence.
            uint8_t *data = f.data + POSITIONS - to;
            memcpy(data, original, to - 1 + WINDOW);
            for (size_t from = 0; from < to && from < 70; from++)
                check_scan_everywhere(&filter, weak_kinds[k], data, sums, from,
                                      to, WINDOW);
        }
        wr_filter_free(&filter);
    }
    fenced_free(&f);
}

static void scan_of_a_tail_finds_every_known_sum(void) {
    enum { SIZE = 700 };
    static uint32_t sums[SIZE];
    uint64_t random = seeded();
    const wr_hash_kernels *portable = wr_hash_by_name("portable");
    fenced f = fenced_new(SIZE);
    for (unsigned run = 0; run < 200; run++) {
        wr_weak_kind kind = weak_kinds[run % 2];
        fill(f.data, SIZE, &random);
        for (size_t at = 0; at < SIZE; at++)
            sums[at] = wr_weak_block(portable, kind, f.data + at, SIZE - at);
        wr_filter filter = scan_filter(sums, SIZE, run % 7, &random);
        size_t from = wr_random_below(&random, SIZE);
        size_t to = SIZE - run % 3 * (SIZE - from) / 3;
        uint32_t weak = sums[from];
        while (from < to) {
            size_t expected = from;
            while (expected < to && !wr_filter_has(&filter, sums[expected]))
                expected++;
            CHECK_EQ(wr_scan_tail(kind, &filter, f.data, from, to, SIZE, &weak),
                     expected);
            CHECK_EQ(weak, sums[expected < to ? expected : to - 1]);
            from = expected + 1;
            if (from < to)
                weak = sums[from];
        }
        wr_filter_free(&filter);
    }
    fenced_free(&f);
}

// Large enough that the bitmap has its large layout.
static void scan_finds_sums_among_many(void) {
    enum { POSITIONS = 60000, WINDOW = 700, KNOWN = 300000 };
    static uint32_t sums[POSITIONS];
    uint64_t random = seeded();
    fenced f = fenced_new(POSITIONS - 1 + WINDOW);
    for (size_t k = 0; k < 2; k++) {
        scan_input(&f, POSITIONS - 1 + WINDOW, RANDOM, weak_kinds[k], WINDOW,
                   sums, &random);
        wr_filter filter;
        CHECK_EQ(wr_filter_init(&filter, KNOWN), 0);
        for (size_t i = 0; i < KNOWN; i++)
            wr_filter_add(&filter, (uint32_t)wr_random_next(&random));
        for (size_t at = 777; at < POSITIONS; at += 7777)
            wr_filter_add(&filter, sums[at]);
        check_scan_everywhere(&filter, weak_kinds[k], f.data, sums, 3,
                              POSITIONS, WINDOW);
        wr_filter_free(&filter);
    }
    fenced_free(&f);
}

static void kernels_are_found_by_name(void) {
    CHECK(wr_hash_by_name("sse9") == NULL);
    CHECK(wr_hash_by_name("") == NULL);
    const wr_hash_kernels *portable = wr_hash_by_name("portable");
    CHECK(portable != NULL);
    CHECK_STR(wr_hash_name(portable), "portable");
    const wr_hash_kernels *best = wr_hash_best();
    CHECK(best == wr_hash_by_name(wr_hash_name(best)));
    CHECK_EQ(wr_strong_size(WR_STRONG_MD4), 16);
    CHECK_EQ(wr_strong_size(WR_STRONG_BLAKE2B), 32);
    for (size_t s = 0; s < SETS; s++) {
        const wr_hash_kernels *kernels = wr_hash_by_name(set_names[s]);
        printf("%s: %s\n", set_names[s], kernels != NULL ? "yes" : "no");
        if (kernels == NULL)
            continue;
        CHECK_STR(wr_hash_name(kernels), set_names[s]);
        CHECK(wr_strong_lanes(kernels, WR_STRONG_MD4) >= 1);
        CHECK(wr_strong_lanes(kernels, WR_STRONG_BLAKE2B) >= 1);
    }
}

#define CASE(name)                                                             \
    { #name, name }

int main(int argc, char **argv) {
    static const test_case cases[] = {
        CASE(kernels_are_found_by_name),
        CASE(md4_has_the_sums_of_the_rfc),
        CASE(md4_pads_as_others_do),
        CASE(blake2b_has_the_known_sums),
        CASE(strong_sums_equal_the_portable_ones),
        CASE(weak_sums_equal_the_definition),
        CASE(weak_sums_equal_those_of_librsync),
        CASE(rolling_equals_summing_anew),
        CASE(filter_knows_exactly_what_was_added),
        CASE(scan_finds_every_known_sum_and_no_other),
        CASE(scan_works_at_every_alignment),
        CASE(scan_of_a_tail_finds_every_known_sum),
        CASE(scan_finds_sums_among_many),
    };
    return test_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
