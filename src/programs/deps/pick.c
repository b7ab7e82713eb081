// SPDX-License-Identifier: MIT
// Choosing a version. A document's versions are sorted, highest first: those a
// range can have lie together, and the first that is good in every way is it.
#include "programs/deps/pick.h"

#include <errno.h>
#include <string.h>

// Whether a version's engines accept the node that runs. Many versions in a row
// ask for the same.
typedef struct engines {
    const wr_pick_options *options;
    wr_text last;
    int answer; // to `last`; -ENOMEM
    bool asked;
} engines;

static bool same(wr_text a, wr_text b) {
    return a.size == b.size &&
           (a.at == b.at || memcmp(a.at, b.at, a.size) == 0);
}

static int accept(engines *e, wr_text range) {
    if (!e->options->has_node || range.size == 0)
        return 1;
    if (!e->asked || !same(e->last, range)) {
        e->answer = wr_range_admits(range, &e->options->node);
        e->last = range;
        e->asked = true;
    }
    return e->answer;
}

static int find(size_t *index, const wr_doc *doc, wr_text version) {
    int64_t found = wr_doc_find(doc, version);
    if (found < 0)
        return -ENOENT;
    *index = (size_t)found;
    return 0;
}

static int pick_tag(size_t *index, const wr_doc *doc, const wr_spec *spec) {
    wr_text version;
    if (!wr_doc_tag(doc, spec->fetch, &version))
        return -ENOENT;
    return find(index, doc, version);
}

static int pick_version(size_t *index, const wr_doc *doc, const wr_spec *spec) {
    char text[600];
    size_t size = wr_semver_write(text, sizeof(text), &spec->version);
    return find(index, doc, (wr_text){text, size});
}

// What the default tag names, if nothing speaks against it. 1: it is that.
static int pick_default(size_t *index, const wr_doc *doc, const wr_spec *spec,
                        engines *e) {
    wr_text tag = e->options->tag, text;
    if (tag.size == 0)
        tag = (wr_text){"latest", 6};
    if (!wr_doc_tag(doc, tag, &text) || find(index, doc, text) != 0)
        return 0;
    // A range that is `*` takes any, also a prerelease or what is no version.
    wr_semver version;
    if (!same(spec->fetch, (wr_text){"*", 1}) &&
        (wr_semver_parse(&version, text.at, text.size, true) != 0 ||
         !wr_range_has(spec->range, &version, false)))
        return 0;
    wr_doc_version found;
    wr_doc_version_at(doc, *index, &found);
    return found.deprecated ? 0 : accept(e, found.node);
}

// Skips what is above the range.
static size_t first_below(const wr_doc *doc, const wr_range *range) {
    size_t low = 0, high = wr_doc_count(doc);
    wr_doc_version version;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        wr_doc_version_at(doc, middle, &version);
        if (version.valid && wr_range_side(range, &version.semver) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int pick_range(size_t *index, const wr_doc *doc, const wr_spec *spec,
                      engines *e) {
    size_t count = wr_doc_count(doc);
    int best = 0; // 3: engines accept, 2: not deprecated, 1: in the range
    for (size_t i = first_below(doc, spec->range); i < count; i++) {
        wr_doc_version version;
        wr_doc_version_at(doc, i, &version);
        if (!version.valid)
            break;
        if (!wr_range_has(spec->range, &version.semver, false)) {
            if (wr_range_side(spec->range, &version.semver) < 0)
                break;
            continue;
        }
        // Deprecated, it is of use only if its engines are the first to do.
        int accepted =
            version.deprecated && best == 3 ? 0 : accept(e, version.node);
        if (accepted < 0)
            return accepted;
        int rank = version.deprecated ? (accepted ? 3 : 1) : accepted ? 4 : 2;
        if (rank > best) {
            best = rank;
            *index = i;
        }
        if (best == 4)
            break;
    }
    return best > 0 ? 0 : -ENOENT;
}

int wr_pick(size_t *index, const wr_doc *doc, const wr_spec *spec,
            const wr_pick_options *options, wr_why *why) {
    engines e = {.options = options};
    int error;
    if (why != NULL)
        memset(why, 0, sizeof(*why));
    if (spec->type == WR_SPEC_TAG) {
        error = pick_tag(index, doc, spec);
    } else if (spec->type == WR_SPEC_VERSION) {
        error = pick_version(index, doc, spec);
    } else {
        error = pick_default(index, doc, spec, &e);
        if (error == 0) {
            if (wr_doc_count(doc) == 0)
                return wr_refuse(why, -ENOENT, "ENOVERSIONS",
                                 "No versions available for %.*s",
                                 (int)spec->package.size, spec->package.at);
            error = pick_range(index, doc, spec, &e);
        } else if (error > 0) {
            error = 0;
        }
    }
    if (error == -ENOMEM)
        return wr_refuse(why, error, "ENOMEM", "out of memory");
    if (error != 0)
        return wr_refuse(why, error, "ETARGET",
                         "No matching version found for %.*s@%.*s.",
                         (int)spec->package.size, spec->package.at,
                         (int)(spec->fetch.size > 200 ? 200 : spec->fetch.size),
                         spec->fetch.at);
    return 0;
}
