// SPDX-License-Identifier: MIT
#include "programs/deps/command_parts.h"
#include "programs/save.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct text {
    const char *bytes;
    size_t size;
} text;

static int write_text(void *context, FILE *out) {
    const text *t = context;
    (void)fwrite(t->bytes, 1, t->size, out); // wr_save looks at its errors
    return 0;
}

int wr_deps_save(const char *path, const char *bytes, size_t size,
                 wr_why *why) {
    text t = {bytes, size};
    int error = wr_save(path, write_text, &t);
    if (error == 0)
        return 0;
    char code[16] = "EIO";
    const char *name = strerrorname_np(-error);
    if (name != NULL)
        snprintf(code, sizeof(code), "%s", name);
    return wr_refuse(why, error, code, "cannot write %s: %s",
                     path != NULL ? path : "standard output", strerror(-error));
}
