// SPDX-License-Identifier: MIT
// Feeds odd patterns of workspaces to `weir deps`, and matches them with odd
// paths: what is looked for is a crash, a hang, a sanitizer's complaint, a
// refusal without a reason, a pattern without wildcards that is not its own
// path, or a segment that a second, slower reader matches otherwise.
//
// An input is a pattern, a newline, a path. How to run it: engine.h.
#include "engine.h"

#include "programs/deps/project_inside.h"

#include <errno.h>

enum { INPUT_MAX = 512 };

static void broken(const char *what, const char *pattern, const char *path) {
    printf("fuzz_glob: %s: '%s', '%s'\n", what, pattern, path);
    fflush(stdout);
    abort();
}

// A reader that tries everything: stars, `?` and letters, no classes.
static bool slow(const char *p, const char *end, const char *name) {
    if (p == end)
        return *name == '\0';
    if (*p == '*')
        return slow(p + 1, end, name) ||
               (*name != '\0' && slow(p, end, name + 1));
    return *name != '\0' && (*p == '?' || *p == *name) &&
           slow(p + 1, end, name + 1);
}

static bool is_plain(const char *text, const char *but) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80 || strchr(but, *text) != NULL)
            return false;
    return true;
}

// One segment and one name; short ones, for slow is.
static void compare(const char *pattern, const char *path) {
    size_t size = strlen(pattern), stars = 0;
    if (size == 0 || size > 16 || strlen(path) > 16 ||
        !is_plain(pattern, "/[{") || !is_plain(path, "/") || path[0] == '\0')
        return;
    for (size_t i = 0; i < size; i++)
        stars += pattern[i] == '*';
    if (stars > 6)
        return;
    wr_text segment = {pattern, size}, name = {path, strlen(path)};
    bool has = wr_glob_segment(segment, name, true);
    if (has != slow(pattern, pattern + size, path))
        broken("two readers, two answers", pattern, path);
    bool hidden = path[0] == '.' && pattern[0] != '.';
    if (wr_glob_segment(segment, name, false) != (has && !hidden))
        broken("hidden, and is not, or the other way round", pattern, path);
}

static bool has_dots(const char *path) {
    return strcmp(path, ".") == 0 || strcmp(path, "..") == 0 ||
           strncmp(path, "./", 2) == 0 || strncmp(path, "../", 3) == 0 ||
           strstr(path, "/.") != NULL;
}

static void try_pattern(const char *pattern, size_t size, const char *path) {
    wr_glob *glob = NULL;
    const char *rejected = NULL;
    int error = wr_glob_parse(&glob, pattern, size, &rejected);
    if (error != 0) {
        if (error != -EINVAL || rejected == NULL || rejected[0] == '\0')
            broken("refused without a reason", pattern, "");
        return;
    }
    if (glob->paths < 1 || glob->paths > 1024)
        broken("an odd number of alternatives", pattern, "");
    bool hidden = wr_glob_has(glob, path, true, true);
    if (!hidden && wr_glob_has(glob, path, false, true))
        broken("it matches with less allowed", pattern, path);
    if (!hidden && wr_glob_has(glob, path, true, false))
        broken("it matches a file and not a folder", pattern, path);
    if (strlen(pattern) == size && is_plain(pattern, "*?[{\\") &&
        pattern[0] != '\0' && !has_dots(pattern) &&
        !wr_glob_has(glob, pattern, true, true))
        broken("a path is not itself", pattern, "");
    wr_glob_free(glob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *line = size == 0 ? NULL : memchr(data, '\n', size);
    size_t length = line == NULL ? size : (size_t)(line - data);
    size_t rest = line == NULL ? 0 : size - length - 1;
    char *pattern = calloc(1, length + 1), *path = calloc(1, rest + 1);
    if (pattern == NULL || path == NULL)
        abort();
    if (length > 0)
        memcpy(pattern, data, length);
    if (rest > 0)
        memcpy(path, data + length + 1, rest);
    try_pattern(pattern, length, path);
    compare(pattern, path);
    free(pattern);
    free(path);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine: patterns of parts, paths that are like them

static size_t put_parts(char *out, const char *const *parts, size_t count,
                        size_t most) {
    size_t size = 0;
    for (size_t i = below(most); i > 0; i--)
        size += (size_t)snprintf(out + size, INPUT_MAX / 2 - size, "%s",
                                 parts[below(count)]);
    return size;
}

static void one_round(void) {
    static const char *const patterns[] = {"a",
                                           "b",
                                           "ab",
                                           ".",
                                           "..",
                                           "/",
                                           "*",
                                           "*",
                                           "**",
                                           "**/",
                                           "?",
                                           "[ab]",
                                           "[!a-c]",
                                           "[",
                                           "]",
                                           "{a,b}",
                                           "{,a}",
                                           "{a,{b,c}}",
                                           "{",
                                           ",",
                                           "}",
                                           "./",
                                           "../",
                                           "\xc3\xa9",
                                           "[\xc3\xa0-\xc3\xbf]",
                                           "{a,b,c,d,e,f}",
                                           "!"};
    static const char *const paths[] = {"a", "b", "c",  "ab",       ".", "..",
                                        "/", "/", "aa", "\xc3\xa9", "_"};
    static const char odd[] = "*?[]{},/.!-^ab\\\n\xc3\xff";
    static uint8_t data[2 * INPUT_MAX];
    bool one = below(3) == 0; // segment and name
    size_t size = put_parts((char *)data, patterns, one ? 8 : 27, 9);
    data[size++] = '\n';
    size += put_parts((char *)data + size, paths, one ? 6 : 11, 9);
    if (below(2))
        size = fuzz_damage(data, size, odd, sizeof(odd) - 1, 6, 0);
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_glob", one_round);
}
