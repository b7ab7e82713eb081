// SPDX-License-Identifier: MIT
// Feeds damaged configurations to `weir serve`: what is looked for is a crash,
// a hang, a sanitizer's complaint, a refusal without a line that says where, or
// something accepted that does not print and read back as the same.
//
// LLVMFuzzerTestOneInput is the entry a fuzzing engine wants. This program has
// a small engine of its own, so that any compiler can run it:
//
//   fuzz_config [SEED [SECONDS]]    default: seed from the clock, 5 seconds
//   fuzz_config FILE...             runs the inputs in these files
#include "programs/serve/config_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void broken(const char *what, const char *more) {
    fprintf(stdout, "fuzz_config: %s: %s\n", what, more);
    fflush(stdout);
    abort();
}

static char *printed(const wr_config *config) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    wr_config_print(config, out);
    fclose(out);
    return text;
}

static void check_line(const wr_config_why *why) {
    if (why->text[0] == '\0' || strpbrk(why->text, "\n\r\t") != NULL)
        broken("not one line", why->text);
}

// Options come as text that ends with a 0.
static void try_option(const uint8_t *data, size_t size) {
    static wr_config config;
    wr_config_why why = {""};
    char *text = calloc(1, size + 1);
    if (size > 0)
        memcpy(text, data, size);
    wr_config_init(&config);
    if (wr_config_set(&config, text, &why) != 0)
        check_line(&why);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static wr_config config, again;
    wr_config_why why = {""};
    try_option(data, size);
    wr_config_init(&config);
    if (wr_config_bytes(&config, "f", data, size, &why) != 0) {
        check_line(&why);
        if (strncmp(why.text, "f:", 2) != 0)
            broken("not the place", why.text);
        return 0;
    }
    if (wr_config_finish(&config, &why) != 0) {
        check_line(&why);
        return 0;
    }
    char *first = printed(&config);
    wr_config_init(&again);
    if (wr_config_bytes(&again, "f", first, strlen(first), &why) != 0 ||
        wr_config_finish(&again, &why) != 0)
        broken("what was printed is refused", why.text);
    char *second = printed(&again);
    if (strcmp(first, second) != 0)
        broken("printed and read it is another", second);
    free(first);
    free(second);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: lines that might be right, damaged a little

enum { INPUT_MAX = 4096 };
static uint64_t state;

static uint64_t random_next(void) {
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t below(size_t bound) { return (size_t)(random_next() % bound); }

static size_t seed_lines(char *out) {
    static const char *const values[] = {"1",
                                         "0",
                                         "64KiB",
                                         "2G",
                                         "250ms",
                                         "30s",
                                         "mixed",
                                         "on",
                                         "::1",
                                         "all",
                                         "batch",
                                         "99999999999999999999",
                                         "-1",
                                         "1.5M",
                                         "",
                                         "off",
                                         "many-requests",
                                         "beside-loop",
                                         "4096",
                                         "10.0.0.1 ; so"};
    size_t size = 0;
    for (size_t i = below(12); i > 0; i--) {
        const wr_config_key *key =
            &wr_config_keys[below((size_t)wr_config_keys_count)];
        const char *value =
            below(3) == 0 ? values[below(sizeof(values) / sizeof(values[0]))]
                          : key->mixed;
        size +=
            (size_t)snprintf(out + size, INPUT_MAX - size, "%s[%s]\n%s%s%s\n",
                             below(2) ? "# \n" : "", key->section, key->name,
                             below(5) ? " = " : ": ", value);
    }
    return size;
}

static size_t damage(uint8_t *data, size_t size) {
    static const char odd[] = "\0\n[]=;#. 0\xff";
    if (below(3) == 0)
        return size;
    for (size_t i = below(5); i > 0 && size > 0; i--) {
        size_t at = below(size);
        switch (below(5)) {
        case 0: data[at] ^= (uint8_t)(1 << below(8)); break;
        case 1: data[at] = (uint8_t)odd[below(sizeof(odd) - 1)]; break;
        case 2: size = at; break;
        case 3: // a byte goes
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
            break;
        default: // a byte comes
            memmove(data + at + 1, data + at, size - at);
            data[at] = (uint8_t)odd[below(sizeof(odd) - 1)];
            size++;
        }
    }
    return size;
}

static int run_files(int argc, char **argv) {
    static uint8_t data[WR_CONFIG_FILE_MAX + 1];
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

int main(int argc, char **argv) {
    uint64_t seed = (uint64_t)weir_now_ns();
    int64_t seconds = 5;
    char *end = NULL;
    if (argc > 1)
        seed = strtoull(argv[1], &end, 0);
    if (end != NULL && *end != '\0')
        return run_files(argc, argv);
    if (argc > 2)
        seconds = strtoll(argv[2], NULL, 0);
    printf("fuzz_config: seed %" PRIu64 ", %" PRId64 " s\n", seed, seconds);
    fflush(stdout);

    static uint8_t data[2 * INPUT_MAX];
    int64_t until = weir_now_ns() + seconds * 1000000000;
    uint64_t rounds = 0;
    for (; rounds % 16 != 0 || weir_now_ns() < until; rounds++) {
        state = seed + rounds; // one round can be had again by its own seed
        size_t size = seed_lines((char *)data);
        LLVMFuzzerTestOneInput(data, damage(data, size));
    }
    printf("fuzz_config: %" PRIu64 " inputs\n", rounds);
    return 0;
}
