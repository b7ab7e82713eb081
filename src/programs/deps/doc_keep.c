// SPDX-License-Identifier: MIT
// What a resolve, or a lockfile entry, can be made of. All else of a document
// is gone after it was checked: readme, maintainers, signatures, scripts, what
// a version needs for its own development.
#include "programs/deps/doc_keep.h"

#include <string.h>

static bool is(wr_text key, const char *text, size_t size) {
    return key.size == size && memcmp(key.at, text, size) == 0;
}
#define IS(text) is(key, text, sizeof(text) - 1)

static bool is_one_of_short(wr_text key) {
    return IS("os") || IS("cpu") || IS("bin") || IS("name") || IS("libc") ||
           IS("version") || IS("license") || IS("funding");
}

static bool is_one_of_long(wr_text key) {
    return IS("dependencies") || IS("optionalDependencies") ||
           IS("peerDependencies") || IS("peerDependenciesMeta") ||
           IS("bundleDependencies") || IS("bundledDependencies") ||
           IS("acceptDependencies") || IS("hasInstallScript") ||
           IS("_hasShrinkwrap") || IS("workspaces");
}

wr_doc_keep wr_doc_keep_member(wr_text key) {
    switch (key.size) {
    case 2:
    case 3: return is_one_of_short(key) ? WR_DOC_KEEP : WR_DOC_DROP;
    case 4:
        return IS("dist")             ? WR_DOC_DIST
               : is_one_of_short(key) ? WR_DOC_KEEP
                                      : WR_DOC_DROP;
    case 7:
        return IS("engines")          ? WR_DOC_ENGINES
               : IS("scripts")        ? WR_DOC_SCRIPTS
               : is_one_of_short(key) ? WR_DOC_KEEP
                                      : WR_DOC_DROP;
    default: break;
    }
    return IS("deprecated")      ? WR_DOC_SAID_DEPRECATED
           : is_one_of_long(key) ? WR_DOC_KEEP
                                 : WR_DOC_DROP;
}

bool wr_doc_keep_dist(wr_text key) {
    return IS("integrity") || IS("tarball") || IS("shasum");
}

bool wr_doc_keep_script(wr_text key) {
    return IS("install") || IS("preinstall") || IS("postinstall");
}
