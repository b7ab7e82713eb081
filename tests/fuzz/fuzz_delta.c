// SPDX-License-Identifier: MIT
// Feeds damaged bytes to the three parsers of `weir delta`: signatures (loaded
// and then scanned with), deltas (applied to a small basis) and command lines.
// What is looked for is a crash, a hang, a sanitizer's complaint, a failure
// without a line of text, or more output than the delta asked for.
//
// How to run it: engine.h.
#include "engine.h"

#include "programs/delta/command.h"
#include "programs/delta/format.h"
#include "programs/delta/options.h"
#include "programs/delta/scan.h"
#include "programs/delta/table.h"
#include "weir/base.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BASIS_SIZE = 3000, INPUT_MAX = 4096, COMMANDS_MAX = 2000 };

static uint8_t basis[BASIS_SIZE];
static int basis_fd = -1, input_fd = -1, output_fd = -1;

static void broken(const char *what) {
    fprintf(stdout, "fuzz_delta: %s\n", what);
    fflush(stdout);
    abort();
}

static int scratch_file(void) {
    FILE *file = tmpfile();
    if (file == NULL)
        broken("no temporary file");
    return fileno(file); // open until the program ends
}

static void prepare(void) {
    if (basis_fd >= 0)
        return;
    for (size_t i = 0; i < BASIS_SIZE; i++)
        basis[i] = (uint8_t)(i < 1000 ? i * i / 7 : i < 2000 ? 0 : i % 60);
    basis_fd = scratch_file();
    input_fd = scratch_file();
    output_fd = scratch_file();
    if (write(basis_fd, basis, BASIS_SIZE) != BASIS_SIZE)
        broken("cannot write the basis");
}

// The bytes as a file that stands at its start.
static void set_input(const uint8_t *data, size_t size) {
    if (ftruncate(input_fd, 0) != 0 || lseek(input_fd, 0, SEEK_SET) != 0 ||
        write(input_fd, data, size) != (ssize_t)size ||
        lseek(input_fd, 0, SEEK_SET) != 0)
        broken("cannot write the input");
}

static void check_failure(const wr_failure *failure) {
    bool text = failure->text[0] != '\0';
    if (failure->status != WR_OK && !text)
        broken("a failure without a line of text");
    if (failure->status == WR_OK && text)
        broken("a line of text without a failure");
    if (strchr(failure->text, '\n') != NULL)
        broken("a failure of several lines");
}

// ---------------------------------------------------------------------------
// The three parsers

static void scan_with(const wr_table *table) {
    size_t block_len = table->header.block_len;
    wr_scan_rule rule = wr_scan_rule_make(wr_hash_best(), table);
    wr_stripe stripe = {.data = basis, .size = BASIS_SIZE, .own = BASIS_SIZE};
    stripe.runs = calloc(wr_runs_max(BASIS_SIZE, block_len), sizeof(wr_run));
    wr_stripe_scan(&rule, &stripe);
    if (stripe.run_count > wr_runs_max(BASIS_SIZE, block_len))
        broken("more runs than there can be");
    for (size_t i = 0; i < stripe.run_count; i++)
        if (stripe.runs[i].block >= table->count)
            broken("a match with a block that is not there");
    free(stripe.runs);
}

static void try_signature(const uint8_t *data, size_t size) {
    wr_table table;
    wr_failure failure = {.status = WR_OK};
    uint64_t bytes;
    set_input(data, size);
    wr_input input = {.fd = input_fd,
                      .name = "input",
                      .size = (int64_t)size,
                      .positioned = size % 2 == 0 && size > 0};
    wr_table_load(&table, &input, &bytes, &failure);
    check_failure(&failure);
    if (failure.status == WR_OK)
        scan_with(&table);
    wr_table_free(&table);
}

static void try_delta(const uint8_t *data, size_t size) {
    wr_delta_options options = {.progress = WR_PROGRESS_OFF};
    wr_failure failure = {.status = WR_OK};
    set_input(data, size);
    if (ftruncate(output_fd, 0) != 0 || lseek(output_fd, 0, SEEK_SET) != 0)
        broken("cannot empty the output");
    wr_input from = {.fd = basis_fd, .name = "basis", .size = BASIS_SIZE};
    wr_input delta = {.fd = input_fd, .name = "delta", .size = (int64_t)size};
    wr_output output = {.fd = output_fd, .direct = true, .name = "output"};
    wr_delta_patch_open(&options, &from, &delta, &output, &failure);
    check_failure(&failure);
    // A command has at least three bytes to copy the whole basis.
    if (output.written > size / 3 * BASIS_SIZE + size)
        broken("more output than the delta asks for");
}

static void try_command_line(const uint8_t *data, size_t size) {
    enum { WORDS_MAX = 24 };
    char *text = malloc(size + 1);
    char *words[WORDS_MAX + 1] = {"delta"};
    int count = 1;
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t at = 0; at < size && count < WORDS_MAX;
         at += strlen(text + at) + 1)
        words[count++] = text + at;
    wr_delta_options options;
    wr_failure failure = {.status = WR_OK};
    wr_delta_options_parse(&options, count, words, &failure);
    // The line may quote what the user wrote, newlines and all.
    if (failure.status != WR_OK && failure.text[0] == '\0')
        broken("a refused command line without a line of text");
    if (failure.status == WR_OK && options.action == WR_ACTION_NONE)
        broken("a command line without an action");
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    prepare();
    if (size < 1)
        return 0;
    if (data[0] % 3 == 0)
        try_signature(data + 1, size - 1);
    else if (data[0] % 3 == 1)
        try_delta(data + 1, size - 1);
    else
        try_command_line(data + 1, size - 1);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: valid inputs, damaged a little

static size_t seed_signature(uint8_t *out) {
    wr_signature_header header = {
        .weak = below(2) ? WR_WEAK_ROLLSUM : WR_WEAK_RABINKARP,
        .strong = below(2) ? WR_STRONG_MD4 : WR_STRONG_BLAKE2B,
        .block_len = (uint32_t)(1 + below(below(2) ? 20 : 1000)),
        .strong_len = (uint32_t)(1 + below(16)),
    };
    wr_signature_header_put(out, &header);
    size_t size = WR_SIGNATURE_HEADER_SIZE;
    for (size_t at = 0; at < BASIS_SIZE && size < INPUT_MAX - 64;
         at += header.block_len) {
        size_t len = BASIS_SIZE - at < header.block_len ? BASIS_SIZE - at
                                                        : header.block_len;
        const uint8_t *block = basis + at;
        uint8_t strong[1][WR_STRONG_MAX];
        wr_put_be32(out + size,
                    wr_weak_block(wr_hash_best(), header.weak, block, len));
        wr_strong_many(wr_hash_best(), header.strong, &block, len, 1, strong);
        memcpy(out + size + WR_WEAK_SIZE, strong[0], header.strong_len);
        size += WR_WEAK_SIZE + header.strong_len;
    }
    return size;
}

static size_t seed_delta(uint8_t *out) {
    size_t size = WR_DELTA_HEADER_SIZE;
    wr_put_be32(out, WR_DELTA_MAGIC);
    for (size_t i = below(20); i > 0; i--) {
        if (below(2) == 0) {
            size_t length = 1 + below(100);
            size += wr_literal_put(out + size, length);
            memset(out + size, (int)below(256), length);
            size += length;
        } else {
            size_t at = below(BASIS_SIZE);
            size += wr_copy_put(out + size, at, 1 + below(BASIS_SIZE - at));
        }
    }
    out[size++] = 0;
    return size;
}

static size_t seed_command_line(uint8_t *out) {
    static const char *const words[] = {"signature",
                                        "delta",
                                        "patch",
                                        "-b",
                                        "512",
                                        "-b=0x20",
                                        "--block-size",
                                        "--block-size=7",
                                        "-S",
                                        "-1",
                                        "-sf",
                                        "-H",
                                        "md4",
                                        "--hash=blake2",
                                        "-",
                                        "--",
                                        "-?",
                                        "--threads",
                                        "3",
                                        "--kernel=portable",
                                        "-R",
                                        "rollsum",
                                        "--stats",
                                        "file",
                                        "-I",
                                        "99999999999",
                                        "--force=1",
                                        "-z",
                                        ""};
    size_t size = 0;
    for (size_t i = below(8); i > 0; i--) {
        const char *word = words[below(sizeof(words) / sizeof(words[0]))];
        memcpy(out + size, word, strlen(word) + 1);
        size += strlen(word) + 1;
    }
    return size;
}

static size_t damage(uint8_t *data, size_t size) {
    static const uint8_t odd[] = {0,    1,    0x40, 0x41, 0x44, 0x45,
                                  0x54, 0x55, 0x7f, 0x80, 0xff};
    for (size_t i = below(5); i > 0 && size > 0; i--) {
        size_t at = below(size < 20 || below(2) ? size : 20);
        switch (below(5)) {
        case 0: data[at] ^= (uint8_t)(1 << below(8)); break;
        case 1: data[at] = odd[below(sizeof(odd))]; break;
        case 2: size = at; break;
        case 3: // a byte goes
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
            break;
        default: // a byte comes
            memmove(data + at + 1, data + at, size - at);
            data[at] = (uint8_t)below(256);
            size++;
        }
    }
    return size;
}

static void one_round(void) {
    static uint8_t data[2 * INPUT_MAX];
    data[0] = (uint8_t)below(3);
    size_t size = data[0] == 0   ? seed_signature(data + 1)
                  : data[0] == 1 ? seed_delta(data + 1)
                                 : seed_command_line(data + 1);
    LLVMFuzzerTestOneInput(data, 1 + damage(data + 1, size));
}

int main(int argc, char **argv) {
    prepare();
    return fuzz_main(argc, argv, "fuzz_delta", one_round);
}
