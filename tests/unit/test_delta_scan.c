// SPDX-License-Identifier: MIT
// Table, scan, stitch and emitter together, against rdiff's rule written down
// as simply as it can be.
#include "programs/delta/stitch.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const wr_hash_kernels *kernels[3];
static size_t kernel_count;

static void find_kernels(void) {
    static const char *const names[] = {"portable", "avx2", "avx512"};
    for (size_t i = 0; i < 3; i++) {
        const wr_hash_kernels *set = wr_hash_by_name(names[i]);
        if (set != NULL)
            kernels[kernel_count++] = set;
    }
    CHECK(kernel_count > 0);
}

static uint64_t random_state;

static uint64_t random_next(void) {
    random_state += 0x9e3779b97f4a7c15;
    uint64_t z = random_state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t random_below(size_t bound) {
    return (size_t)(random_next() % bound);
}

// ---------------------------------------------------------------------------
// The rule, simply

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

typedef struct sums {
    wr_signature_header header;
    uint32_t *weak;
    uint8_t (*strong)[WR_STRONG_MAX];
    size_t count;
} sums;

static sums sums_of(const bytes *basis, wr_signature_header header) {
    size_t block_len = header.block_len;
    size_t count = (basis->size + block_len - 1) / block_len;
    sums s = {header, calloc(count + 1, sizeof(*s.weak)),
              calloc(count + 1, sizeof(*s.strong)), count};
    for (size_t i = 0; i < count; i++) {
        const uint8_t *block = basis->data + i * block_len;
        size_t left = basis->size - i * block_len;
        size_t len = left < block_len ? left : block_len;
        s.weak[i] = wr_weak_block(kernels[0], header.weak, block, len);
        wr_strong_many(kernels[0], header.strong, &block, len, 1, &s.strong[i]);
    }
    return s;
}

static void sums_free(sums *s) {
    free(s->weak);
    free(s->strong);
}

static uint32_t simple_match(const sums *s, const uint8_t *window, size_t len) {
    uint32_t weak = wr_weak_block(kernels[0], s->header.weak, window, len);
    uint8_t strong[1][WR_STRONG_MAX];
    bool have = false;
    for (size_t i = 0; i < s->count; i++) {
        if (s->weak[i] != weak)
            continue;
        if (!have)
            wr_strong_many(kernels[0], s->header.strong, &window, len, 1,
                           strong);
        have = true;
        if (memcmp(strong[0], s->strong[i], s->header.strong_len) == 0)
            return (uint32_t)i;
    }
    return WR_NO_BLOCK;
}

static void simple_literal(FILE *out, const uint8_t *data, size_t size) {
    uint8_t command[WR_COMMAND_MAX];
    while (size > 0) {
        size_t now = size < WR_LITERAL_MAX ? size : WR_LITERAL_MAX;
        fwrite(command, 1, wr_literal_put(command, now), out);
        fwrite(data, 1, now, out);
        data += now;
        size -= now;
    }
}

static bytes finish(FILE *out) {
    fflush(out);
    bytes result = {.size = (size_t)ftell(out)};
    result.data = malloc(result.size + 1);
    rewind(out);
    CHECK_EQ(fread(result.data, 1, result.size, out), result.size);
    fclose(out);
    return result;
}

static bytes simple_delta(const sums *s, const bytes *new) {
    FILE *out = tmpfile();
    CHECK(out != NULL);
    uint8_t command[WR_COMMAND_MAX];
    fwrite("rs\0026", 1, 4, out);
    size_t literal = 0, at = 0; // new[literal, at) is not written yet
    uint64_t copy_at = 0, copy_len = 0;
    while (at < new->size) {
        size_t left = new->size - at;
        size_t len = left < s->header.block_len ? left : s->header.block_len;
        uint32_t block = simple_match(s, new->data + at, len);
        uint64_t basis_at = (uint64_t)block * s->header.block_len;
        bool extends = block != WR_NO_BLOCK && copy_len > 0 &&
                       copy_at + copy_len == basis_at;
        if (copy_len > 0 && !extends) {
            fwrite(command, 1, wr_copy_put(command, copy_at, copy_len), out);
            copy_len = 0;
        }
        if (block == WR_NO_BLOCK) {
            at++;
            continue;
        }
        simple_literal(out, new->data + literal, at - literal);
        copy_at = extends ? copy_at : basis_at;
        copy_len += len;
        at += len;
        literal = at;
    }
    if (copy_len > 0)
        fwrite(command, 1, wr_copy_put(command, copy_at, copy_len), out);
    simple_literal(out, new->data + literal, at - literal);
    fputc(0, out);
    return finish(out);
}

// ---------------------------------------------------------------------------
// The engine, cut into stripes of `piece` bytes

static void table_of(wr_table *table, const sums *s) {
    wr_failure failure = {.status = WR_OK};
    CHECK_EQ(wr_table_begin(table, &s->header, 0, &failure), WR_OK);
    for (size_t i = 0; i < s->count; i++)
        CHECK_EQ(wr_table_add(table, s->weak[i], s->strong[i], &failure),
                 WR_OK);
    CHECK_EQ(wr_table_build(table, &failure), WR_OK);
}

static bytes engine_delta(const wr_hash_kernels *set, const sums *s,
                          const bytes *new, size_t piece, uint64_t *rescanned) {
    wr_table table;
    wr_failure failure = {.status = WR_OK};
    FILE *out = tmpfile();
    CHECK(out != NULL);
    table_of(&table, s);
    wr_output output = {.fd = fileno(out), .direct = true, .name = "test"};
    wr_writer *writer = wr_writer_create(&output);
    wr_emitter *emitter = malloc(sizeof(*emitter));
    CHECK_EQ(wr_emitter_begin(emitter, writer, &failure), WR_OK);
    wr_scan_rule rule = wr_scan_rule_make(set, &table);
    wr_stitch stitch;
    wr_stitch_begin(&stitch, &rule, emitter);
    size_t block_len = s->header.block_len;
    wr_run *runs =
        calloc(wr_runs_max(piece + block_len, block_len), sizeof(*runs));
    for (size_t at = 0; at < new->size; at += piece) {
        size_t left = new->size - at;
        bool last = left <= piece + block_len;
        wr_stripe stripe = {.size = last ? left : piece + block_len,
                            .own = last ? left : piece,
                            .runs = runs};
        // A copy of its own: a read outside is then seen by the sanitizers.
        uint8_t *copy = malloc(stripe.size);
        memcpy(copy, new->data + at, stripe.size);
        stripe.data = copy;
        wr_stripe_scan(&rule, &stripe);
        CHECK_EQ(wr_stitch_add(&stitch, &stripe, &failure), WR_OK);
        free(copy);
        if (last)
            break;
    }
    CHECK_EQ(wr_emitter_end(emitter, &failure), WR_OK);
    *rescanned = stitch.rescanned;
    free(runs);
    free(emitter);
    wr_writer_destroy(writer);
    wr_table_free(&table);
    fseek(out, 0, SEEK_END);
    return finish(out);
}

static void check_same(const sums *s, const bytes *new, size_t piece,
                       uint64_t *rescanned) {
    bytes expected = simple_delta(s, new);
    for (size_t k = 0; k < kernel_count; k++) {
        bytes got = engine_delta(kernels[k], s, new, piece, rescanned);
        CHECK_EQ(got.size, expected.size);
        CHECK_EQ(memcmp(got.data, expected.data, got.size), 0);
        free(got.data);
    }
    free(expected.data);
}

// ---------------------------------------------------------------------------
// Inputs

static bytes make(size_t size, int kind) {
    bytes b = {malloc(size + 1), size};
    size_t period = 1 + random_below(200);
    for (size_t i = 0; i < size; i++) {
        if (kind == 0 || (kind == 2 && i < period))
            b.data[i] = (uint8_t)random_next();
        else if (kind == 1)
            b.data[i] = 0;
        else if (kind == 2)
            b.data[i] = b.data[i - period];
        else
            b.data[i] = (uint8_t)(random_next() & 1);
    }
    return b;
}

// Pieces of the basis from anywhere, and some new bytes between them.
static bytes shuffle(const bytes *basis, size_t size) {
    bytes b = {malloc(size + 1), size};
    for (size_t at = 0; at < size;) {
        size_t now = 1 + random_below(size / 4 + 1);
        if (now > size - at)
            now = size - at;
        size_t from = random_below(basis->size + 1);
        if (random_below(4) == 0 || from + now > basis->size) {
            now = now < 100 ? now : 100;
            for (size_t i = 0; i < now; i++)
                b.data[at + i] = (uint8_t)random_next();
        } else {
            memcpy(b.data + at, basis->data + from, now);
        }
        at += now;
    }
    return b;
}

static wr_signature_header header_make(uint32_t block_len,
                                       uint32_t strong_len) {
    wr_weak_kind weak =
        random_below(2) == 0 ? WR_WEAK_ROLLSUM : WR_WEAK_RABINKARP;
    wr_strong_kind strong =
        random_below(2) == 0 ? WR_STRONG_MD4 : WR_STRONG_BLAKE2B;
    return (wr_signature_header){weak, strong, block_len, strong_len};
}

// ---------------------------------------------------------------------------
// Cases

static void stripes_give_the_one_scans_delta(void) {
    random_state = 1;
    for (int round = 0; round < 150; round++) {
        uint32_t block_len = (uint32_t)(1 + random_below(150));
        bytes basis = make(1 + random_below(3000), round % 4);
        bytes new = shuffle(&basis, random_below(4000));
        uint32_t strong_len = round % 3 == 0 ? 1 : 8;
        sums s = sums_of(&basis, header_make(block_len, strong_len));
        size_t piece = block_len * (1 + random_below(6));
        uint64_t rescanned;
        check_same(&s, &new, piece, &rescanned);
        sums_free(&s);
        free(basis.data);
        free(new.data);
    }
}

// Blocks long enough that unlikely candidates are put off.
static void long_blocks_give_the_one_scans_delta(void) {
    random_state = 2;
    for (int round = 0; round < 12; round++) {
        uint32_t block_len = (uint32_t)(2048 + random_below(300));
        bytes basis = make(40000, round % 4);
        bytes new = shuffle(&basis, 60000);
        sums s = sums_of(&basis, header_make(block_len, 8));
        uint64_t rescanned;
        check_same(&s, &new, block_len * (1 + random_below(30)), &rescanned);
        sums_free(&s);
        free(basis.data);
        free(new.data);
    }
}

// Adds blocks that have the weak sum of windows of `new`, and a strong sum that
// is right for one in `right`: candidates at any place, in any number.
static void doubts_are_resolved_in_order(void) {
    random_state = 3;
    for (size_t right = 1; right < 40; right = 2 * right + 1) {
        uint32_t block_len = 2048;
        bytes new = make(60000, 0);
        sums s = {header_make(block_len, 16), calloc(200, sizeof(*s.weak)),
                  calloc(200, sizeof(*s.strong)), 200};
        for (size_t i = 0; i < s.count; i++) {
            const uint8_t *window =
                new.data + random_below(new.size - block_len);
            s.weak[i] =
                wr_weak_block(kernels[0], s.header.weak, window, block_len);
            wr_strong_many(kernels[0], s.header.strong, &window, block_len, 1,
                           &s.strong[i]);
            if (random_below(right) != 0)
                s.strong[i][0] ^= 1;
        }
        uint64_t rescanned;
        check_same(&s, &new, block_len * (1 + random_below(25)), &rescanned);
        sums_free(&s);
        free(new.data);
    }
}

static void zeros_out_of_step_are_not_scanned_twice(void) {
    random_state = 4;
    bytes basis = make(64 * 256, 1);
    bytes new = make(300 * 256, 1);
    new.data[77] = 1; // what follows is out of step with every stripe
    sums s = sums_of(&basis, header_make(256, 8));
    uint64_t rescanned;
    check_same(&s, &new, 10 * 256, &rescanned);
    // 30 stripes; in each one window tells about all of them, and the last
    // stripe's end is the end of the file.
    CHECK(rescanned > 0);
    CHECK(rescanned <= 2 * 30 + 256);
    sums_free(&s);
    free(basis.data);
    free(new.data);
}

static void stripes_in_step_are_not_scanned_twice(void) {
    random_state = 5;
    bytes basis = make(100 * 256, 0);
    sums s = sums_of(&basis, header_make(256, 8));
    uint64_t rescanned;
    check_same(&s, &basis, 7 * 256, &rescanned);
    CHECK_EQ(rescanned, 0);
    sums_free(&s);
    free(basis.data);
}

enum { CUT_BLOCK = 24, CUT_SHIFT = 5 };

static uint8_t strong_byte(const uint8_t *data) {
    uint8_t strong[1][WR_STRONG_MAX];
    wr_strong_many(kernels[0], WR_STRONG_BLAKE2B, &data, CUT_BLOCK, 1, strong);
    return strong[0][0];
}

// Two blocks with the same rollsum whose strong sums differ in the first byte,
// while those of their rotations by CUT_SHIFT do not.
static void collide(uint8_t *x, uint8_t *y) {
    for (;;) {
        for (size_t i = 0; i < CUT_BLOCK; i++)
            x[i] = (uint8_t)(2 + random_below(200));
        memcpy(y, x, CUT_BLOCK);
        size_t at = random_below(CUT_BLOCK - CUT_SHIFT - 2);
        y[at] = (uint8_t)(y[at] + 1); // adds nothing to either half of the sum
        y[at + 1] = (uint8_t)(y[at + 1] - 2);
        y[at + 2] = (uint8_t)(y[at + 2] + 1);
        uint8_t turned[2][CUT_BLOCK];
        for (size_t i = 0; i < CUT_BLOCK; i++) {
            size_t from = (i + CUT_BLOCK - CUT_SHIFT) % CUT_BLOCK;
            turned[0][i] = x[from];
            turned[1][i] = y[from];
        }
        if (strong_byte(x) != strong_byte(y) &&
            strong_byte(turned[0]) == strong_byte(turned[1]))
            return;
    }
}

// In step with the stripes, x and y look the same and make one long run. Out of
// step, where the true scan is, only x matches.
static void equal_cut_sums_are_not_taken_for_equal_bytes(void) {
    random_state = 6;
    wr_signature_header header = {WR_WEAK_ROLLSUM, WR_STRONG_BLAKE2B, CUT_BLOCK,
                                  1};
    uint8_t x[CUT_BLOCK], y[CUT_BLOCK];
    collide(x, y);
    bytes new = make(CUT_SHIFT + 200 * CUT_BLOCK, 0);
    for (size_t i = 0; i < 200; i++)
        memcpy(new.data + CUT_SHIFT + i *CUT_BLOCK,
               i < 100 || i % 3 != 0 ? x : y, CUT_BLOCK);
    bytes basis = make(2 * CUT_BLOCK, 0);
    memcpy(basis.data, x, CUT_BLOCK);
    memcpy(basis.data + CUT_BLOCK, new.data + 10 * CUT_BLOCK, CUT_BLOCK);
    sums s = sums_of(&basis, header);
    uint64_t rescanned;
    for (size_t piece = CUT_BLOCK; piece < CUT_BLOCK * 12; piece += CUT_BLOCK)
        check_same(&s, &new, piece, &rescanned);
    sums_free(&s);
    free(new.data);
    free(basis.data);
}

static void the_first_of_equal_blocks_is_found(void) {
    wr_table table;
    wr_failure failure = {.status = WR_OK};
    wr_signature_header header = {WR_WEAK_RABINKARP, WR_STRONG_MD4, 100, 2};
    CHECK_EQ(wr_table_begin(&table, &header, 0, &failure), WR_OK);
    // Blocks 3 * i + 1 share weak sum 7, a tenth of them share strong sums.
    for (uint32_t i = 0; i < 3000; i++) {
        uint8_t strong[2] = {(uint8_t)(i % 30), (uint8_t)(i % 7)};
        uint32_t weak = i % 3 == 1 ? 7 : i;
        CHECK_EQ(wr_table_add(&table, weak, strong, &failure), WR_OK);
    }
    CHECK_EQ(wr_table_build(&table, &failure), WR_OK);
    for (uint32_t i = 1; i < 3000; i += 3) {
        uint8_t strong[2] = {(uint8_t)(i % 30), (uint8_t)(i % 7)};
        CHECK_EQ(wr_table_find(&table, 7, strong), i % 210);
    }
    uint8_t none[2] = {99, 99};
    CHECK_EQ(wr_table_find(&table, 7, none), WR_NO_BLOCK);
    CHECK_EQ(wr_table_find(&table, 4000, none), WR_NO_BLOCK);
    for (uint32_t weak = 1; weak < 4000; weak++) {
        bool there = weak == 7 || (weak < 3000 && weak % 3 != 1);
        CHECK_EQ(wr_table_expects(&table, weak), there);
        CHECK_EQ(wr_filter_has(&table.filter, weak), there);
    }
    wr_table_free(&table);
}

static uint32_t mix32(uint32_t h) {
    h ^= h >> 16;
    h *= 0x85ebca6b;
    h ^= h >> 13;
    h *= 0xc2b2ae35;
    return h ^ h >> 16;
}

// rdiff has no hash key 0: it takes 0xffffffff instead, after mixing rollsums.
static void weak_zero_is_the_same_as_its_alias(void) {
    for (int kind = 0; kind < 2; kind++) {
        wr_table table;
        wr_failure failure = {.status = WR_OK};
        wr_signature_header header = {(wr_weak_kind)kind, WR_STRONG_MD4, 9, 1};
        CHECK_EQ(wr_table_begin(&table, &header, 3, &failure), WR_OK);
        uint32_t alias = table.alias;
        CHECK_EQ(kind == WR_WEAK_ROLLSUM ? mix32(alias) : alias, 0xffffffff);
        const uint8_t strong[] = {1, 2, 3};
        CHECK_EQ(wr_table_add(&table, 0, &strong[0], &failure), WR_OK);
        CHECK_EQ(wr_table_add(&table, alias, &strong[1], &failure), WR_OK);
        CHECK_EQ(wr_table_add(&table, alias, &strong[0], &failure), WR_OK);
        CHECK_EQ(wr_table_build(&table, &failure), WR_OK);
        CHECK(wr_filter_has(&table.filter, 0));
        CHECK(wr_filter_has(&table.filter, alias));
        CHECK(wr_table_expects(&table, 0));
        CHECK(wr_table_expects(&table, alias));
        CHECK_EQ(wr_table_find(&table, 0, &strong[0]), 0);
        CHECK_EQ(wr_table_find(&table, alias, &strong[0]), 0);
        CHECK_EQ(wr_table_find(&table, 0, &strong[1]), 1);
        CHECK_EQ(wr_table_find(&table, 0, &strong[2]), WR_NO_BLOCK);
        wr_table_free(&table);
    }
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"stripes_give_the_one_scans_delta", stripes_give_the_one_scans_delta},
        {"long_blocks_give_the_one_scans_delta",
         long_blocks_give_the_one_scans_delta},
        {"doubts_are_resolved_in_order", doubts_are_resolved_in_order},
        {"zeros_out_of_step_are_not_scanned_twice",
         zeros_out_of_step_are_not_scanned_twice},
        {"stripes_in_step_are_not_scanned_twice",
         stripes_in_step_are_not_scanned_twice},
        {"equal_cut_sums_are_not_taken_for_equal_bytes",
         equal_cut_sums_are_not_taken_for_equal_bytes},
        {"the_first_of_equal_blocks_is_found",
         the_first_of_equal_blocks_is_found},
        {"weak_zero_is_the_same_as_its_alias",
         weak_zero_is_the_same_as_its_alias},
    };
    find_kernels();
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
