// SPDX-License-Identifier: MIT
// Feeds damaged configurations to `weir serve`: what is looked for is a crash,
// a hang, a sanitizer's complaint, a refusal without a line that says where, or
// something accepted that does not print and read back as the same.
//
// How to run it: engine.h.
#include "engine.h"

#include "programs/serve/config_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    return fuzz_damage(data, size, odd, sizeof(odd) - 1, 5, 0);
}

static void one_round(void) {
    static uint8_t data[2 * INPUT_MAX];
    size_t size = seed_lines((char *)data);
    LLVMFuzzerTestOneInput(data, damage(data, size));
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_config", one_round);
}
