// SPDX-License-Identifier: MIT
// Patterns of workspaces. A pattern is a list of alternatives (braces are
// multiplied out), each a list of segments between slashes.
#include "programs/deps/manifest_inside.h"
#include "programs/deps/project_inside.h"

#include "base/fault.h"

#include <errno.h>
#include <string.h>

enum { PATTERN_MAX = 4096, ALTERNATIVES_MAX = 1024 };

// ---- one segment -----------------------------------------------------------

// One character of UTF-8, or one byte that is none.
static size_t character(const char *p, const char *end) {
    size_t size = 1;
    if ((uint8_t)*p >= 0xc0)
        while (p + size < end && (p[size] & 0xc0) == 0x80)
            size++;
    return size;
}

// The `]` of the class that begins at p, or NULL: then `[` is a letter.
static const char *class_end(const char *p, const char *end) {
    p++;
    if (p < end && (*p == '!' || *p == '^'))
        p++;
    const char *first = p;
    for (; p < end; p++)
        if (*p == ']' && p > first)
            return p;
    return NULL;
}

static bool class_has(const char *p, const char *end, wr_text one) {
    bool negated = *++p == '!' || *p == '^', has = false;
    p += negated;
    while (p < end) {
        size_t size = character(p, end);
        wr_text low = {p, size}, high = low;
        p += size;
        if (end - p >= 2 && *p == '-') {
            high = (wr_text){p + 1, character(p + 1, end)};
            p += 1 + high.size;
        }
        // UTF-8 is in the order of its codes.
        has |= wr_manifest_compare(low, one) <= 0 &&
               wr_manifest_compare(one, high) <= 0;
    }
    return has != negated;
}

// Matches what stands for one character; returns what is behind it, or NULL.
static const char *match_one(const char *p, const char *end, wr_text one) {
    const char *close = *p == '[' ? class_end(p, end) : NULL;
    if (close != NULL)
        return class_has(p, close, one) ? close + 1 : NULL;
    if (*p == '?')
        return p + 1;
    return one.size <= (size_t)(end - p) && memcmp(p, one.at, one.size) == 0
               ? p + one.size
               : NULL;
}

bool wr_glob_segment(wr_text segment, wr_text name, bool dots) {
    const char *p = segment.at, *end = p + segment.size;
    const char *n = name.at, *name_end = n + name.size;
    const char *star = NULL, *star_name = NULL;
    if (name.size == 0 || (!dots && *n == '.' && (p == end || *p != '.')))
        return false;
    while (n < name_end) {
        if (p < end && *p == '*') {
            star = ++p;
            star_name = n;
            continue;
        }
        wr_text one = {n, character(n, name_end)};
        const char *next = p < end ? match_one(p, end, one) : NULL;
        if (next != NULL) {
            p = next;
            n += one.size;
        } else if (star != NULL) {
            p = star;
            star_name += character(star_name, name_end);
            n = star_name;
        } else {
            return false;
        }
    }
    while (p < end && *p == '*')
        p++;
    return p == end;
}

bool wr_glob_is_star2(wr_text segment) {
    return segment.size == 2 && memcmp(segment.at, "**", 2) == 0;
}

bool wr_glob_is_literal(wr_text segment) {
    for (size_t i = 0; i < segment.size; i++)
        if (strchr("*?[", segment.at[i]) != NULL)
            return false;
    return true;
}

// ---- whole paths -----------------------------------------------------------

static bool next_name(const char **path, wr_text *name) {
    while (**path == '/')
        ++*path;
    *name = (wr_text){*path, strcspn(*path, "/")};
    *path += name->size;
    return name->size > 0;
}

static bool is_dots(wr_text name) {
    return name.size <= 2 && memcmp(name.at, "..", name.size) == 0;
}

// Greedy `**` with one place to come back to, as for `*`: of two `**` the
// first may take as little as it can.
static bool segments_match(const wr_glob_path *g, const char *path, bool dots,
                           bool folder) {
    size_t i = 0, star = SIZE_MAX;
    const char *star_path = NULL;
    wr_text name;
    for (;;) {
        if (i < g->segments && wr_glob_is_star2(g->segment[i])) {
            star = ++i;
            star_path = path;
            // At the end it takes one name at the least.
            if (i == g->segments && !folder && !next_name(&path, &name))
                return false;
            path = star_path;
            continue;
        }
        const char *rest = path;
        bool more = next_name(&rest, &name);
        if (!more && i == g->segments)
            return true;
        if (more && i < g->segments &&
            wr_glob_segment(g->segment[i], name, dots)) {
            i++;
            path = rest;
            continue;
        }
        if (star == SIZE_MAX || !next_name(&star_path, &name) ||
            is_dots(name) || (!dots && name.at[0] == '.'))
            return false;
        i = star;
        path = star_path;
    }
}

bool wr_glob_has(const wr_glob *glob, const char *path, bool dots,
                 bool folder) {
    size_t size = strlen(path);
    if (glob->slash && !folder && (size == 0 || path[size - 1] != '/'))
        return false;
    for (size_t i = 0; i < glob->paths; i++)
        if (segments_match(&glob->path[i], path, dots, folder))
            return true;
    return false;
}

// ---- reading a pattern -----------------------------------------------------

static bool has_extglob(const char *p) {
    for (; *p != 0; p++)
        if (strchr("+@!?*", *p) != NULL && p[1] == '(')
            return true;
    return false;
}

static int add_path(wr_glob *glob, const char *text) {
    size_t segments = 0, size = strlen(text);
    if (glob->paths == ALTERNATIVES_MAX)
        return -E2BIG;
    for (size_t i = 0; i <= size; i++)
        segments += i == size || text[i] == '/';
    wr_glob_path *path = &glob->path[glob->paths];
    char *block = wr_malloc(segments * sizeof(wr_text) + size + 1);
    if (block == NULL)
        return -ENOMEM;
    glob->paths++;
    path->segment = (wr_text *)(void *)block;
    path->segments = 0;
    const char *p = memcpy(block + segments * sizeof(wr_text), text, size + 1);
    wr_text name;
    while (next_name(&p, &name)) {
        if (name.size == 1 && name.at[0] == '.')
            continue;
        // Two ** behind one another are one.
        if (path->segments > 0 && wr_glob_is_star2(name) &&
            wr_glob_is_star2(path->segment[path->segments - 1]))
            continue;
        if (name.size == 2 && is_dots(name) && path->segments > 0) {
            wr_text last = path->segment[path->segments - 1];
            if (!wr_glob_is_literal(last))
                return -ENOTSUP;
            if (!is_dots(last)) {
                path->segments--;
                continue;
            }
        }
        path->segment[path->segments++] = name;
    }
    return 0;
}

// The end of the brace that opens at p, and whether it has a comma.
static const char *brace_end(const char *p, bool *comma) {
    unsigned depth = 0;
    *comma = false;
    for (; *p != 0; p++) {
        depth += *p == '{';
        depth -= *p == '}';
        *comma |= depth == 1 && *p == ',';
        if (depth == 0)
            return p;
    }
    return NULL;
}

// The first brace of the text multiplied out, the others by recursion: each
// step has one brace less.
static int expand(wr_glob *glob, const char *text) {
    const char *open = text, *close = NULL;
    bool comma = false;
    while ((open = strchr(open, '{')) != NULL) {
        close = brace_end(open, &comma);
        if (close != NULL && comma)
            break;
        open++;
    }
    if (open == NULL)
        return add_path(glob, text);
    size_t before = (size_t)(open - text), after = strlen(close + 1);
    char *one = wr_malloc(strlen(text) + 1);
    if (one == NULL)
        return -ENOMEM;
    memcpy(one, text, before);
    int error = 0;
    unsigned depth = 0;
    const char *from = open + 1;
    for (const char *p = from; error == 0 && p <= close; p++) {
        if (depth == 0 && (*p == ',' || p == close)) {
            size_t size = (size_t)(p - from);
            memcpy(one + before, from, size);
            memcpy(one + before + size, close + 1, after + 1);
            error = expand(glob, one);
            from = p + 1;
        }
        depth += *p == '{';
        depth -= *p == '}' && p < close;
    }
    wr_free(one);
    return error;
}

int wr_glob_parse(wr_glob **out, const char *pattern, size_t size,
                  const char **rejected) {
    char text[PATTERN_MAX];
    *rejected = "it is too long";
    if (size >= sizeof(text))
        return -EINVAL;
    for (size_t i = 0; i < size; i++)
        text[i] = pattern[i] == '\\' ? '/' : pattern[i];
    text[size] = 0;
    *rejected = "a NUL in it";
    if (strlen(text) != size)
        return -EINVAL;
    *rejected = "extended globs are not supported";
    if (has_extglob(text))
        return -EINVAL;
    *rejected = "ranges in braces are not supported";
    const char *brace = strchr(text, '{');
    if (brace != NULL && strstr(brace, "..") != NULL)
        return -EINVAL;
    *rejected = "classes by name are not supported";
    if (strstr(text, "[[:") != NULL)
        return -EINVAL;
    wr_glob *glob =
        wr_calloc(1, sizeof(*glob) + ALTERNATIVES_MAX * sizeof(glob->path[0]));
    if (glob == NULL)
        return -ENOMEM;
    glob->slash = size > 0 && text[size - 1] == '/';
    int error = expand(glob, text);
    if (error == 0) {
        *out = glob;
        return 0;
    }
    *rejected = error == -ENOTSUP ? "'..' behind a wildcard is not supported"
                                  : "it has too many alternatives";
    wr_glob_free(glob);
    return error == -ENOMEM ? error : -EINVAL;
}

void wr_glob_free(wr_glob *glob) {
    for (size_t i = 0; glob != NULL && i < glob->paths; i++)
        wr_free(glob->path[i].segment);
    wr_free(glob);
}
