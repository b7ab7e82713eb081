// SPDX-License-Identifier: MIT
// Overrides of one level: `name` or `name@range`, and a spec. As in npm, the
// first that is for an edge decides, and one that says "*" decides that the
// edge stays as it is.
#include "programs/deps/manifest_inside.h"
#include "programs/deps/spec.h"

#include "base/fault.h"

#include <errno.h>
#include <string.h>

static int refuse(wr_why *why, const char *key, const char *what) {
    return wr_refuse(why, -EINVAL, "EOVERRIDE", "override of '%.200s': %s", key,
                     what);
}

static wr_text trimmed(wr_text text) {
    while (text.size > 0 && strchr(" \t\r\n", text.at[0]) != NULL) {
        text.at++;
        text.size--;
    }
    while (text.size > 0 && strchr(" \t\r\n", text.at[text.size - 1]) != NULL)
        text.size--;
    return text;
}

static bool is_any(wr_text text) {
    return text.size == 0 || (text.size == 1 && text.at[0] == '*');
}

static int read_key(wr_override *out, const char *key, wr_why *why) {
    size_t size = strlen(key);
    const char *at = size > 0 ? strchr(key + 1, '@') : NULL;
    out->name = (wr_text){key, at != NULL ? (size_t)(at - key) : size};
    out->range =
        at != NULL ? trimmed((wr_text){at + 1, strlen(at + 1)}) : (wr_text){0};
    if (is_any(out->range))
        out->range.size = 0;
    if (!wr_name_is_valid(out->name))
        return refuse(why, key, "that is no package's name");
    if (out->range.size == 0)
        return 0;
    wr_range *range;
    int error = wr_range_parse(&range, out->range.at, out->range.size);
    if (error == -EINVAL)
        return refuse(why, key, "what follows the @ is no range of versions");
    if (error != 0)
        return wr_refuse(why, error, "ENOMEM", "no memory for overrides");
    wr_range_free(range);
    return 0;
}

// What `$name` stands for: the spec of a direct dependency.
static int read_reference(wr_override *out, const json_t *root, const char *key,
                          wr_why *why) {
    static const char *const places[] = {"devDependencies",
                                         "optionalDependencies", "dependencies",
                                         "peerDependencies"};
    char name[256];
    size_t size = out->spec.size - 1;
    if (size >= sizeof(name))
        return refuse(why, key, "it refers to no direct dependency");
    memcpy(name, out->spec.at + 1, size);
    name[size] = 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const json_t *spec =
            json_object_get(json_object_get(root, places[i]), name);
        if (!json_is_string(spec) || json_string_length(spec) == 0)
            continue;
        out->spec = wr_manifest_text(spec);
        // A "*" that was referred to does override.
        if (is_any(out->spec))
            out->spec.size = 0;
        return 0;
    }
    return refuse(why, key, "it refers to no direct dependency");
}

static int read_value(wr_override *out, const json_t *value, const json_t *root,
                      const char *key, wr_why *why) {
    if (json_is_object(value)) {
        const json_t *own = json_object_get(value, ".");
        if (json_object_size(value) > (own != NULL))
            return refuse(why, key,
                          "overrides within overrides are not supported");
        // npm: the range of the key.
        if (own == NULL) {
            out->spec = is_any(out->range) ? (wr_text){"*", 1} : out->range;
            return 0;
        }
        value = own;
    }
    if (!json_is_string(value))
        return refuse(why, key, "its spec is not a string");
    out->spec = wr_manifest_text(value);
    if (out->spec.size == 0)
        out->spec = (wr_text){"*", 1};
    if (out->spec.at[0] == '$')
        return read_reference(out, root, key, why);
    return 0;
}

// ---- which one is for an edge ----------------------------------------------

static int ranges_meet(bool *meet, wr_text range, const wr_spec *spec) {
    wr_range *own = NULL, *wanted = NULL;
    int error = wr_range_parse(&own, range.at, range.size);
    if (error == 0)
        error = wr_range_parse(&wanted, spec->fetch.at, spec->fetch.size);
    *meet = error == 0 && wr_range_intersects(own, wanted);
    wr_range_free(own);
    wr_range_free(wanted);
    return error == -ENOMEM ? error : 0;
}

static int is_for(bool *yes, const wr_override *o, const wr_edge *edge) {
    *yes = wr_manifest_compare(o->name, edge->name) == 0;
    if (!*yes || o->range.size == 0)
        return 0;
    wr_spec spec = {0};
    int error = wr_spec_parse(&spec, edge->name, edge->spec, NULL);
    if (error != 0) { // it fails elsewhere, with its own line
        *yes = false;
        return error == -ENOMEM ? error : 0;
    }
    // A tag, a folder and a file might be any version.
    if (spec.type == WR_SPEC_GIT)
        *yes = false;
    else if (spec.type == WR_SPEC_VERSION || spec.type == WR_SPEC_RANGE)
        error = ranges_meet(yes, o->range, &spec);
    wr_spec_free(&spec);
    return error;
}

int wr_manifest_override_of(const wr_override **out, const wr_manifest *root,
                            const wr_edge *edge) {
    *out = NULL;
    for (size_t i = 0; i < root->overrides; i++) {
        bool yes;
        int error = is_for(&yes, &root->override[i], edge);
        if (error != 0)
            return error;
        if (yes) {
            *out = &root->override[i];
            return 0;
        }
    }
    return 0;
}

int wr_manifest_contradiction(const wr_override *override, const wr_edge *edge,
                              wr_why *why) {
    if (override == NULL)
        return 0;
    wr_text spec = override->spec;
    if (spec.size == 1 && spec.at[0] == '*')
        return 0;
    if (spec.size == 0)
        spec = (wr_text){"*", 1};
    if (wr_manifest_compare(spec, edge->spec) == 0)
        return 0;
    return wr_refuse(why, -EINVAL, "EOVERRIDE",
                     "override for %.*s@%.*s conflicts with direct dependency",
                     (int)edge->name.size, edge->name.at, (int)edge->spec.size,
                     edge->spec.at);
}

int wr_manifest_overrides(wr_manifest *out, const json_t *root, wr_why *why) {
    const json_t *said = json_object_get(root, "overrides");
    if (said == NULL || json_is_null(said) || json_is_false(said))
        return 0;
    if (!json_is_object(said))
        return wr_refuse(why, -EINVAL, "EOVERRIDE",
                         "overrides is not an object");
    if (json_object_size(said) == 0)
        return 0;
    out->override = wr_calloc(json_object_size(said), sizeof(wr_override));
    if (out->override == NULL)
        return wr_refuse(why, -ENOMEM, "ENOMEM", "no memory for overrides");
    const char *key;
    json_t *value;
    int error = 0;
    json_object_foreach((json_t *)(uintptr_t)said, key, value) {
        if (strcmp(key, ".") == 0)
            continue;
        wr_override *next = &out->override[out->overrides];
        error = read_key(next, key, why);
        if (error == 0)
            error = read_value(next, value, root, key, why);
        if (error != 0)
            return error;
        out->overrides++;
    }
    for (size_t i = 0; i < out->edges; i++) {
        const wr_override *one;
        error = wr_manifest_override_of(&one, out, &out->edge[i]);
        if (error != 0)
            return wr_refuse(why, error, "ENOMEM", "no memory for overrides");
        error = wr_manifest_contradiction(one, &out->edge[i], why);
        if (error != 0)
            return error;
    }
    return 0;
}
