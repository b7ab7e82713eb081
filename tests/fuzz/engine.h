// SPDX-License-Identifier: MIT
// A small fuzzing engine, so that any compiler can run a fuzzer:
//
//   fuzz_NAME [SEED [SECONDS]]    default: seed from the clock, 5 seconds
//   fuzz_NAME FILE...             runs the inputs in these files and folders
//
// A fuzzer has LLVMFuzzerTestOneInput, which is also what a real engine wants,
// and a function that makes one input, damages it and runs it. Inputs that are
// kept in the folder $WEIR_FUZZ_CORPUS/NAME are run first, as they are; then
// every fourth round is one of them, damaged, or the halves of two.
//
// What ends the program says of which seed the round was; `fuzz_NAME SEED 0`
// is that round and the fifteen after it. A hang ends it too.
#ifndef WEIR_TESTS_FUZZ_ENGINE_H
#define WEIR_TESTS_FUZZ_ENGINE_H

#include "base/random.h"
#include "weir/base.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t fuzz_seed; // of this round, which can be had again by it alone
static uint64_t fuzz_state;

static inline size_t below(size_t bound) {
    return (size_t)(wr_random_next(&fuzz_state) % bound);
}

// fuzz_damage changes up to four places: a bit, a byte to one of `odd`, a cut,
// a byte that goes, one that comes; with kinds 6 also a byte to anything (5:
// not). head: every other place is among so many first bytes (0: anywhere).
// There is room for four bytes more. Returns the new size.
static inline size_t fuzz_damage(uint8_t *data, size_t size, const char *odd,
                                 size_t odds, size_t kinds, size_t head) {
    for (size_t i = below(5); i > 0 && size > 0; i--) {
        bool anywhere = head == 0 || size < head || below(2);
        size_t at = below(anywhere ? size : head);
        size_t kind = below(kinds);
        switch (kinds == 5 && kind == 4 ? 5 : kind) {
        case 0: data[at] ^= (uint8_t)(1 << below(8)); break;
        case 1: data[at] = (uint8_t)odd[below(odds)]; break;
        case 2: size = at; break;
        case 3: // a byte goes
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
            break;
        case 4: data[at] = (uint8_t)wr_random_next(&fuzz_state); break;
        default: // a byte comes
            memmove(data + at + 1, data + at, size - at);
            data[at] = (uint8_t)odd[below(odds)];
            size++;
        }
    }
    return size;
}

// ---------------------------------------------------------------------------
// Inputs in files

enum {
    FUZZ_KEPT_MAX = 256,
    FUZZ_FILE_MAX = 8 << 20,
    FUZZ_DAMAGED_MAX = 64 << 10, // of a kept input that is damaged
    FUZZ_ROUND_S = 100,          // for sixteen rounds: longer is a hang
};

typedef struct fuzz_input {
    uint8_t *data;
    size_t size;
} fuzz_input;

static fuzz_input fuzz_kept[FUZZ_KEPT_MAX];
static size_t fuzz_kept_count;

static inline bool fuzz_read(const char *path, fuzz_input *out) {
    FILE *file = fopen(path, "rb");
    out->data = malloc(FUZZ_FILE_MAX);
    if (file == NULL || out->data == NULL) {
        perror(path);
        return false;
    }
    out->size = fread(out->data, 1, FUZZ_FILE_MAX, file);
    fclose(file);
    uint8_t *less = realloc(out->data, out->size + 1);
    out->data = less != NULL ? less : out->data;
    return true;
}

static inline int fuzz_visible(const struct dirent *name) {
    return name->d_name[0] != '.';
}

// By name, so that a seed means the same everywhere.
static inline bool fuzz_read_folder(const char *path,
                                    bool (*use)(const char *path)) {
    struct dirent **names;
    int count = scandir(path, &names, fuzz_visible, alphasort);
    bool right = true;
    for (int i = 0; i < count; i++) {
        char file[4096];
        snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
        right = use(file) && right;
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return right;
}

// A copy of its own, so that a sanitizer sees its end.
static inline void fuzz_run(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size != 0 ? size : 1);
    if (copy == NULL)
        abort();
    if (size != 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static inline bool fuzz_run_file(const char *path) {
    fuzz_input input;
    if (!fuzz_read(path, &input))
        return false;
    fuzz_run(input.data, input.size);
    free(input.data);
    return true;
}

static inline int fuzz_files(int argc, char **argv) {
    bool right = true;
    for (int i = 1; i < argc; i++) {
        struct stat status;
        bool folder = stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode);
        right = (folder ? fuzz_read_folder(argv[i], fuzz_run_file)
                        : fuzz_run_file(argv[i])) &&
                right;
    }
    return right ? 0 : 1;
}

static inline bool fuzz_keep(const char *path) {
    if (fuzz_kept_count == FUZZ_KEPT_MAX)
        return false;
    return fuzz_read(path, &fuzz_kept[fuzz_kept_count]) &&
           ++fuzz_kept_count != 0;
}

static inline bool fuzz_keep_all(const char *name) {
    const char *corpus = getenv("WEIR_FUZZ_CORPUS");
    char path[4096];
    struct stat status;
    if (corpus == NULL)
        return true;
    snprintf(path, sizeof(path), "%s/%s", corpus, name);
    return stat(path, &status) != 0 || fuzz_read_folder(path, fuzz_keep);
}

static inline void fuzz_kept_round(void) {
    static const char odd[] = "\0\n\r\t \"'\\/{}[](),:;=%#.-+09aAzZ\x01\x7f"
                              "\x80\xc0\xff";
    static uint8_t data[FUZZ_DAMAGED_MAX + 64];
    const fuzz_input *input = &fuzz_kept[below(fuzz_kept_count)];
    size_t size =
        input->size < FUZZ_DAMAGED_MAX ? input->size : FUZZ_DAMAGED_MAX;
    memcpy(data, input->data, size);
    if (below(4) == 0) { // its beginning, and the end of another
        const fuzz_input *other = &fuzz_kept[below(fuzz_kept_count)];
        size_t from = below(other->size + 1), at = below(size + 1);
        size_t more = other->size - from;
        more = more < FUZZ_DAMAGED_MAX - at ? more : FUZZ_DAMAGED_MAX - at;
        memcpy(data + at, other->data + from, more);
        size = at + more;
    }
    for (size_t i = below(4); i > 0; i--)
        size = fuzz_damage(data, size, odd, sizeof(odd) - 1, 6, 64);
    fuzz_run(data, size);
}

// ---------------------------------------------------------------------------
// Rounds

static inline void fuzz_ended(int number) {
    char text[64];
    int size = snprintf(text, sizeof(text), "\nfuzz: %s in the round of seed ",
                        number == SIGALRM ? "a hang" : "an end");
    size += snprintf(text + size, sizeof(text) - (size_t)size, "%" PRIu64 "\n",
                     fuzz_seed);
    (void)!write(STDERR_FILENO, text, (size_t)size);
    signal(SIGABRT, SIG_DFL);
    abort();
}

static inline void fuzz_round(void (*one_round)(void)) {
    if (fuzz_kept_count > 0 && below(4) == 0)
        fuzz_kept_round();
    else
        one_round();
}

static inline int fuzz_main(int argc, char **argv, const char *name,
                            void (*one_round)(void)) {
    uint64_t seed = (uint64_t)weir_now_ns();
    int64_t seconds = 5;
    char *end = NULL;
    if (argc > 1)
        seed = strtoull(argv[1], &end, 0);
    if (end != NULL && *end != '\0')
        return fuzz_files(argc, argv);
    if (argc > 2)
        seconds = strtoll(argv[2], NULL, 0);
    if (!fuzz_keep_all(name))
        return 1;
    printf("%s: seed %" PRIu64 ", %" PRId64 " s, %zu kept\n", name, seed,
           seconds, fuzz_kept_count);
    fflush(stdout);
    signal(SIGABRT, fuzz_ended);
    signal(SIGALRM, fuzz_ended);
    alarm(FUZZ_ROUND_S);
    for (size_t i = 0; i < fuzz_kept_count; i++)
        fuzz_run(fuzz_kept[i].data, fuzz_kept[i].size);
    int64_t until = weir_now_ns() + seconds * 1000000000;
    uint64_t rounds = 0;
    for (; rounds % 16 != 0 || rounds == 0 || weir_now_ns() < until; rounds++) {
        if (rounds % 16 == 0)
            alarm(FUZZ_ROUND_S);
        fuzz_state = fuzz_seed = seed + rounds;
        fuzz_round(one_round);
    }
    alarm(0);
    signal(SIGABRT, SIG_DFL); // what comes is of no round
    for (size_t i = 0; i < fuzz_kept_count; i++)
        free(fuzz_kept[i].data);
    printf("%s: %" PRIu64 " inputs\n", name, rounds);
    return 0;
}

#endif
