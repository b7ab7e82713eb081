// SPDX-License-Identifier: MIT
// A small fuzzing engine, so that any compiler can run a fuzzer:
//
//   fuzz_NAME [SEED [SECONDS]]    default: seed from the clock, 5 seconds
//   fuzz_NAME FILE...             runs the inputs in these files
//
// A fuzzer has LLVMFuzzerTestOneInput, which is also what a real engine wants,
// and a function that makes one input, damages it and runs it.
#ifndef WEIR_TESTS_FUZZ_ENGINE_H
#define WEIR_TESTS_FUZZ_ENGINE_H

#include "base/random.h"
#include "weir/base.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static inline int fuzz_files(int argc, char **argv) {
    static uint8_t data[8 << 20];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) {
            perror(argv[i]);
            return 1;
        }
        size_t size = fread(data, 1, sizeof(data), file);
        fclose(file);
        LLVMFuzzerTestOneInput(data, size);
    }
    return 0;
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
    printf("%s: seed %" PRIu64 ", %" PRId64 " s\n", name, seed, seconds);
    fflush(stdout);
    int64_t until = weir_now_ns() + seconds * 1000000000;
    uint64_t rounds = 0;
    for (; rounds % 16 != 0 || weir_now_ns() < until; rounds++) {
        fuzz_state = fuzz_seed = seed + rounds;
        one_round();
    }
    printf("%s: %" PRIu64 " inputs\n", name, rounds);
    return 0;
}

#endif
