// SPDX-License-Identifier: MIT
// What a package.json writes beside a name: the spec, read as npm-package-arg
// reads it.
//
//   threads    any.
//   ownership  a spec owns copies of what it points to, in `memory`.
//   errors     -EINVAL with why->code: EINVALIDPACKAGENAME, EINVALIDTAGNAME,
//              EUNSUPPORTEDPROTOCOL, EINVALIDSPEC...; -ENOMEM.
#ifndef WEIR_PROGRAMS_DEPS_SPEC_H
#define WEIR_PROGRAMS_DEPS_SPEC_H

#include "programs/deps/semver.h"

typedef enum wr_spec_type {
    WR_SPEC_VERSION,   // registry: exactly this version
    WR_SPEC_RANGE,     // registry
    WR_SPEC_TAG,       // registry: a dist-tag
    WR_SPEC_GIT,       // hosted or not
    WR_SPEC_REMOTE,    // a tarball at a URL
    WR_SPEC_FILE,      // a tarball here
    WR_SPEC_DIRECTORY, // a folder here
} wr_spec_type;

typedef struct wr_spec {
    wr_spec_type type;
    wr_text name; // the folder's name: what the package.json says
    wr_text raw;  // the spec as it was written
    // For the registry types: the package to fetch (another than name for an
    // alias), what is asked of it, and that parsed.
    wr_text package;
    wr_text fetch;     // trimmed; "*" for ""
    bool alias;        // npm:
    wr_range *range;   // RANGE
    wr_semver version; // VERSION
    void *memory;
} wr_spec;

// wr_spec_parse reads `name@spec` of a dependency, as npa.resolve(name, spec,
// where) does.
int wr_spec_parse(wr_spec *out, wr_text name, wr_text spec, wr_why *why);
void wr_spec_free(wr_spec *spec); // also a zeroed one

static inline bool wr_spec_is_registry(const wr_spec *spec) {
    return spec->type <= WR_SPEC_TAG;
}
const char *wr_spec_type_name(wr_spec_type type); // "version", "range", ...

// wr_name_is_valid: a name that may be asked of a registry, as npm's
// validForOldPackages says (upper case is allowed, `../` is not).
bool wr_name_is_valid(wr_text name);

#endif
