// SPDX-License-Identifier: MIT
#include "programs/deps/npmrc_parts.h"

#include "base/fault.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct wr_npmrc_text {
    struct wr_npmrc_text *next;
    char text[];
};

char *wr_npmrc_alloc(wr_npmrc *config, size_t size) {
    // A project's file may name large variables a thousand times.
    if (size > WR_NPMRC_BYTES_MAX - config->bytes)
        return NULL;
    config->bytes += size;
    struct wr_npmrc_text *text = wr_calloc(1, sizeof(*text) + size + 1);
    if (text == NULL)
        return NULL;
    text->next = config->texts;
    config->texts = text;
    return text->text;
}

char *wr_npmrc_copy(wr_npmrc *config, const char *text, size_t size) {
    char *copy = wr_npmrc_alloc(config, size);
    if (copy != NULL && size > 0)
        memcpy(copy, text, size);
    return copy;
}

char *wr_npmrc_join(wr_npmrc *config, const char *a, const char *b,
                    const char *c) {
    size_t a_size = strlen(a), b_size = strlen(b), c_size = strlen(c);
    char *all = wr_npmrc_alloc(config, a_size + b_size + c_size);
    if (all != NULL) {
        memcpy(all, a, a_size);
        memcpy(all + a_size, b, b_size);
        memcpy(all + a_size + b_size, c, c_size);
    }
    return all;
}

void wr_npmrc_free(wr_npmrc *config) {
    if (config == NULL)
        return;
    while (config->texts != NULL) {
        struct wr_npmrc_text *text = config->texts;
        config->texts = text->next;
        wr_free(text);
    }
    wr_free(config->entry);
    wr_free(config->token);
    wr_free(config->scope);
    wr_free(config);
}

// ---------------------------------------------------------------------------
// White space, as far as it occurs: ASCII's, the no-break space, the byte order
// mark. The length of what is at the end or the beginning, 0: none.

static size_t space_at(const char *at, size_t left) {
    if (left >= 1 && (*at == ' ' || (*at >= '\t' && *at <= '\r')))
        return 1;
    if (left >= 2 && memcmp(at, "\xc2\xa0", 2) == 0)
        return 2;
    if (left >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        return 3;
    return 0;
}

wr_text wr_npmrc_trim(wr_text text) {
    size_t size;
    while ((size = space_at(text.at, text.size)) > 0)
        text = (wr_text){text.at + size, text.size - size};
    for (size_t i = 1; i <= 3;) {
        if (i <= text.size && space_at(text.at + text.size - i, i) == i) {
            text.size -= i;
            i = 1;
        } else {
            i++;
        }
    }
    return text;
}

// ---------------------------------------------------------------------------
// ${}

const char *wr_npmrc_variable(const wr_npmrc *config, const char *name,
                              size_t size) {
    char *const *at = config->options->environment;
    for (; at != NULL && *at != NULL; at++)
        if (strncmp(*at, name, size) == 0 && (*at)[size] == '=')
            return *at + size + 1;
    return NULL;
}

// The size of ${NAME} or ${NAME?} at `text`, 0: none there.
static size_t reference(wr_text text, wr_text *name, bool *empty) {
    if (text.size < 4 || text.at[0] != '$' || text.at[1] != '{')
        return 0;
    size_t i = 2;
    while (i < text.size && text.at[i] != '\0' &&
           strchr("${}?", text.at[i]) == NULL)
        i++;
    *name = (wr_text){text.at + 2, i - 2};
    *empty = i < text.size && text.at[i] == '?';
    i += *empty;
    if (name->size == 0 || i >= text.size || text.at[i] != '}')
        return 0;
    return i + 1;
}

typedef struct growing {
    wr_npmrc *config;
    char *text; // NULL: only counting
    size_t size;
} growing;

static void append(growing *out, const char *text, size_t size) {
    if (out->text != NULL && size > 0)
        memcpy(out->text + out->size, text, size);
    out->size += size;
}

// Backslashes before a reference escape it, and each other.
static void expand(growing *out, wr_text text) {
    for (size_t i = 0; i < text.size && out->size <= WR_NPMRC_TEXT_MAX;) {
        size_t slashes = 0;
        while (i + slashes < text.size && text.at[i + slashes] == '\\')
            slashes++;
        wr_text name, rest = {text.at + i + slashes, text.size - i - slashes};
        bool empty;
        size_t size = reference(rest, &name, &empty);
        if (size == 0) {
            size_t plain = slashes > 0 ? slashes : 1;
            append(out, text.at + i, plain);
            i += plain;
            continue;
        }
        append(out, rest.at - slashes, slashes / 2);
        const char *value = wr_npmrc_variable(out->config, name.at, name.size);
        if (slashes % 2 == 1) {
            append(out, rest.at, size);
        } else if (value != NULL) {
            append(out, value, strlen(value));
        } else if (!empty) {
            append(out, rest.at, size);
        }
        i += slashes + size;
    }
}

int wr_npmrc_expand(wr_npmrc *config, wr_text text, const char **out,
                    size_t *out_size) {
    growing count = {.config = config}, copy = {.config = config};
    expand(&count, text);
    if (count.size > WR_NPMRC_TEXT_MAX)
        return -E2BIG;
    copy.text = wr_npmrc_alloc(config, count.size);
    if (copy.text == NULL)
        return -ENOMEM;
    expand(&copy, text);
    *out = copy.text;
    *out_size = copy.size;
    return 0;
}

// ---------------------------------------------------------------------------
// Paths

// In place: no //, no ., no .., no / at the end.
static void clean(char *path) {
    char *out = path;
    for (const char *in = path; *in != '\0';) {
        while (*in == '/')
            in++;
        size_t size = strcspn(in, "/");
        if (size == 2 && in[0] == '.' && in[1] == '.') {
            while (out > path && *--out != '/')
                ;
        } else if (size > 0 && !(size == 1 && in[0] == '.')) {
            *out++ = '/';
            memmove(out, in, size);
            out += size;
        }
        in += size;
    }
    if (out == path)
        *out++ = '/';
    *out = '\0';
}

char *wr_npmrc_path(wr_npmrc *config, const char *text) {
    char *path;
    if (text[0] == '/') {
        path = wr_npmrc_copy(config, text, strlen(text));
    } else if (text[0] == '~' && text[1] == '/') {
        path = wr_npmrc_join(config, config->home, "/", text + 2);
    } else {
        path = wr_npmrc_join(config, config->options->dir, "/", text);
    }
    if (path != NULL && path[0] != '/') {
        char here[PATH_MAX];
        if (getcwd(here, sizeof(here)) != NULL)
            path = wr_npmrc_join(config, here, "/", path);
    }
    if (path != NULL && path[0] == '/')
        clean(path);
    return path;
}

char *wr_npmrc_program(wr_npmrc *config, const char *name, unsigned cut) {
    const char *folder = wr_npmrc_variable(config, "PATH", 4);
    char path[PATH_MAX], real[PATH_MAX];
    for (; folder != NULL && *folder != '\0';) {
        size_t size = strcspn(folder, ":");
        struct stat status;
        if (size > 0 && folder[0] == '/' &&
            size + strlen(name) + 2 < sizeof(path)) {
            memcpy(path, folder, size);
            path[size] = '/';
            memcpy(path + size + 1, name, strlen(name) + 1);
            if (stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
                access(path, X_OK) == 0 && realpath(path, real) != NULL)
                break;
        }
        folder += size;
        folder += *folder == ':';
    }
    if (folder == NULL || *folder == '\0')
        return NULL;
    for (unsigned i = 0; i < cut; i++) {
        char *slash = strrchr(real, '/');
        *(slash == real ? slash + 1 : slash) = '\0';
    }
    return wr_npmrc_copy(config, real, strlen(real));
}
