// SPDX-License-Identifier: MIT
// Names of packages, as npm's validate-npm-package-name takes them
// ("validForOldPackages").
#include "programs/deps/semver_parts.h"
#include "programs/deps/spec_parts.h"

#include <strings.h>

// What encodeURIComponent leaves as it is.
bool wr_is_unreserved(wr_text text) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     wr_is_digit(c) || (c != '\0' && strchr("-_.!~*'()", c));
        if (!plain)
            return false;
    }
    return true;
}

static bool is_excluded(wr_text name) {
    static const char *const excluded[] = {"node_modules", "favicon.ico"};
    for (size_t i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++)
        if (name.size == strlen(excluded[i]) &&
            strncasecmp(name.at, excluded[i], name.size) == 0)
            return true;
    return false;
}

bool wr_name_is_valid(wr_text name) {
    if (name.size == 0 || strchr("._-", name.at[0]) != NULL ||
        is_excluded(name))
        return false;
    if (wr_is_unreserved(name))
        return true;
    // @scope/name
    int64_t slash = wr_text_find(name, '/');
    if (name.at[0] != '@' || slash < 2)
        return false;
    wr_text scope = {name.at + 1, (size_t)slash - 1};
    wr_text own = wr_text_from(name, (size_t)slash + 1);
    return own.size > 0 && own.at[0] != '.' && wr_is_unreserved(scope) &&
           wr_is_unreserved(own);
}
