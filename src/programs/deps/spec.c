// SPDX-License-Identifier: MIT
// Specs, in npm-package-arg's order of decisions: a file, an alias, a known
// git host, a URL, a path, the registry.
#include "programs/deps/semver_parts.h"
#include "programs/deps/spec_parts.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

// What is read: both point into the spec's memory.
typedef struct request {
    wr_text name; // size 0: none
    wr_text spec;
    bool alias;
} request;

static bool begins_fold(wr_text text, const char *start) {
    size_t size = strlen(start);
    return text.size >= size && strncasecmp(text.at, start, size) == 0;
}

static bool ends_fold(wr_text text, const char *end) {
    size_t size = strlen(end);
    return text.size >= size &&
           strncasecmp(text.at + text.size - size, end, size) == 0;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_tarball(wr_text spec) {
    return ends_fold(spec, ".tgz") || ends_fold(spec, ".tar.gz") ||
           ends_fold(spec, ".tar");
}

static bool is_file(wr_text spec) {
    if (spec.size == 0)
        return false;
    return begins_fold(spec, "file:") || spec.at[0] == '.' ||
           spec.at[0] == '/' || wr_text_begins(spec, "~/") ||
           (spec.size >= 2 && is_letter(spec.at[0]) && spec.at[1] == ':');
}

// SCHEME: of letters, perhaps with git+ before it.
static bool is_url(wr_text spec) {
    for (int git = 0; git < 2; git++) {
        size_t i = git == 1 ? 4 : 0, from = i;
        if (git == 1 && !begins_fold(spec, "git+"))
            return false;
        while (i < spec.size && is_letter(spec.at[i]))
            i++;
        if (i > from && i < spec.size && spec.at[i] == ':')
            return true;
    }
    return false;
}

// JavaScript's `.` matches all but these.
static bool has_line_end(wr_text text) {
    return wr_text_find(text, '\n') >= 0 || wr_text_find(text, '\r') >= 0 ||
           memmem(text.at, text.size, "\xe2\x80\xa8", 3) != NULL ||
           memmem(text.at, text.size, "\xe2\x80\xa9", 3) != NULL;
}

// user@host.domain:path
static bool is_scp(wr_text text) {
    int64_t at = wr_text_find(text, '@');
    if (at < 1)
        return false;
    text = wr_text_from(text, (size_t)at + 1);
    int64_t dot = wr_text_find(text, '.'), colon = wr_text_find(text, ':');
    if (dot < 1 || colon < dot + 2)
        return false;
    text = wr_text_from(text, (size_t)colon + 1);
    return text.size > 0 && !has_line_end(text);
}

// ---- git and other URLs ----------------------------------------------------

static bool has_port(wr_text text) { // :NUMBER before a slash or the end
    for (size_t i = 0; i < text.size;) {
        if (text.at[i++] != ':')
            continue;
        size_t from = i;
        while (i < text.size && wr_is_digit(text.at[i]))
            i++;
        if (i > from && (i == text.size || text.at[i] == '/'))
            return true;
    }
    return false;
}

// git+ssh://user@host:path, which is no URL. 1, 0 (another thing), an error.
static int check_ssh(wr_text spec) {
    if (!wr_text_begins(spec, "git+ssh:") || !begins_fold(spec, "git+ssh://"))
        return 0;
    wr_text place = wr_text_from(spec, 10), fragment = {"", 0};
    int64_t hash = wr_text_find(place, '#');
    if (hash >= 0) {
        fragment = wr_text_from(place, (size_t)hash + 1);
        place.size = (size_t)hash;
    }
    int64_t colon = wr_text_find(place, ':');
    if (colon < 1 || (size_t)colon + 1 == place.size ||
        has_line_end(fragment) || has_port(place))
        return 0;
    int error = wr_spec_check_fragment(fragment);
    return error == 0 ? 1 : error;
}

static bool is_git_scheme(wr_text scheme) {
    static const char *const schemes[] = {"git",       "git+http", "git+https",
                                          "git+rsync", "git+ftp",  "git+file",
                                          "git+ssh"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (wr_text_is(scheme, schemes[i]))
            return true;
    return false;
}

static int shown(wr_text text) {
    return text.size > 200 ? 200 : (int)text.size;
}

// npm turns the backslashes of git+file:// around, for another system's sake.
static int read_location(wr_spec_url *url, wr_text spec) {
    if (!wr_text_begins(spec, "git+file://"))
        return wr_spec_url_parse(url, spec);
    char *turned = wr_malloc(spec.size);
    if (turned == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < spec.size; i++)
        turned[i] = spec.at[i] == '\\' ? '/' : spec.at[i];
    int error = wr_spec_url_parse(url, (wr_text){turned, spec.size});
    wr_free(turned);
    return error;
}

static int refuse_spec(wr_why *why, int error, const char *what, wr_text spec) {
    if (error == -ENOMEM)
        return wr_refuse(why, error, "ENOMEM", "out of memory");
    return wr_refuse(why, error, "EINVALIDSPEC", "%s: %.*s", what, shown(spec),
                     spec.at);
}

static int check_location(wr_spec *out, const request *in, wr_why *why) {
    wr_spec_url url;
    out->type = WR_SPEC_GIT;
    int error = check_ssh(in->spec);
    if (error == 1)
        return 0;
    if (error < 0)
        return refuse_spec(why, error, "Invalid fragment", in->spec);
    error = read_location(&url, in->spec);
    if (error != 0)
        return refuse_spec(why, error, "Invalid URL", in->spec);
    if (wr_text_is(url.scheme, "http") || wr_text_is(url.scheme, "https")) {
        out->type = WR_SPEC_REMOTE;
    } else if (is_git_scheme(url.scheme)) {
        error = wr_spec_check_fragment(url.hash);
        if (error != 0)
            refuse_spec(why, error, "Invalid fragment", in->spec);
    } else {
        error =
            wr_refuse(why, -EINVAL, "EUNSUPPORTEDPROTOCOL",
                      "Unsupported URL Type \"%.*s:\": %.*s", shown(url.scheme),
                      url.scheme.at, shown(in->spec), in->spec.at);
    }
    wr_free(url.memory);
    return error;
}

// ---- the registry ----------------------------------------------------------

static int check_registry(wr_spec *out, const request *in, wr_why *why) {
    wr_text fetch = wr_trimmed(in->spec);
    out->package = in->name;
    out->fetch = fetch.size == 0 ? (wr_text){"*", 1} : fetch;
    out->alias = in->alias;
    if (wr_semver_parse(&out->version, fetch.at, fetch.size, true) == 0) {
        out->type = WR_SPEC_VERSION;
        return 0;
    }
    int error = wr_range_parse(&out->range, fetch.at, fetch.size);
    if (error == 0) {
        out->type = WR_SPEC_RANGE;
        return 0;
    }
    if (error == -ENOMEM)
        return wr_refuse(why, error, "ENOMEM", "out of memory");
    out->type = WR_SPEC_TAG;
    if (wr_is_unreserved(fetch))
        return 0;
    return wr_refuse(why, -EINVAL, "EINVALIDTAGNAME",
                     "Invalid tag name \"%.*s\" of package \"%.*s\": Tags may "
                     "not have any characters that encodeURIComponent encodes.",
                     shown(fetch), fetch.at, shown(in->name), in->name.at);
}

// ---- all of it -------------------------------------------------------------

static int check(wr_spec *out, const request *in, wr_why *why) {
    if (is_file(in->spec)) {
        out->type = is_tarball(in->spec) ? WR_SPEC_FILE : WR_SPEC_DIRECTORY;
        return 0;
    }
    int hosted = wr_spec_is_hosted(in->spec);
    if (hosted < 0)
        return refuse_spec(why, hosted, "Invalid fragment", in->spec);
    if (hosted > 0) {
        out->type = WR_SPEC_GIT;
        return 0;
    }
    if (is_url(in->spec))
        return check_location(out, in, why);
    if (wr_text_find(in->spec, '/') >= 0 || is_tarball(in->spec)) {
        out->type = is_tarball(in->spec) ? WR_SPEC_FILE : WR_SPEC_DIRECTORY;
        return 0;
    }
    return check_registry(out, in, why);
}

// What follows `npm:`, NAME[@SPEC], or what cannot be one.
static request read_alias(wr_text text) {
    request in = {.spec = text, .alias = true};
    wr_text rest = wr_text_from(text, text.size > 0);
    int64_t at = wr_text_find(rest, '@');
    wr_text name = {text.at, at < 0 ? text.size : (size_t)at + 1};
    if (is_url(text) || is_scp(text))
        return in;
    if (!wr_text_begins(name, "@") &&
        (wr_text_find(name, '/') >= 0 || is_tarball(name)))
        return in;
    if (at >= 0) {
        in.name = name;
        in.spec = wr_text_from(text, name.size + 1);
        if (in.spec.size == 0)
            in.spec = (wr_text){"*", 1};
    } else if (wr_name_is_valid(text)) {
        in.name = text;
        in.spec = (wr_text){"*", 1};
    }
    return in;
}

static int refuse_name(const request *in, wr_why *why) {
    return wr_refuse(why, -EINVAL, "EINVALIDPACKAGENAME",
                     "Invalid package name \"%.*s\" of package \"%.*s@%.*s\"",
                     shown(in->name), in->name.at, shown(in->name), in->name.at,
                     shown(in->spec), in->spec.at);
}

static int parse(wr_spec *out, request in, wr_why *why) {
    int aliases = 0;
    for (;; aliases++) {
        if (in.name.size > 0 && !wr_name_is_valid(in.name))
            return refuse_name(&in, why);
        if (is_file(in.spec) || !begins_fold(in.spec, "npm:"))
            break;
        in = read_alias(wr_text_from(in.spec, 4));
    }
    wr_text spec = in.spec;
    if (aliases > 0 && is_scp(spec) && in.name.size == 0 && !is_url(spec)) {
        out->type = WR_SPEC_GIT; // of which npm makes a git URL
    } else {
        int error = check(out, &in, why);
        if (error != 0)
            return error;
    }
    const char *what = aliases < 2 ? NULL : "nested aliases not supported";
    if (aliases == 1 && !wr_spec_is_registry(out))
        what = "aliases only work for registry dependencies";
    else if (aliases == 1 && in.name.size == 0)
        what = "aliases must have a name";
    return what == NULL ? 0
                        : wr_refuse(why, -EINVAL, "EINVALIDSPEC", "%s: %.*s",
                                    what, shown(out->raw), out->raw.at);
}

int wr_spec_parse(wr_spec *out, wr_text name, wr_text spec, wr_why *why) {
    memset(out, 0, sizeof(*out));
    if (why != NULL)
        memset(why, 0, sizeof(*why));
    char *memory = wr_malloc(name.size + spec.size + 1);
    if (memory == NULL)
        return wr_refuse(why, -ENOMEM, "ENOMEM", "out of memory");
    if (name.size > 0)
        memcpy(memory, name.at, name.size);
    if (spec.size > 0)
        memcpy(memory + name.size, spec.at, spec.size);
    out->memory = memory;
    out->name = (wr_text){memory, name.size};
    out->raw = (wr_text){memory + name.size, spec.size};
    out->package = out->name;
    out->fetch = out->raw;
    request in = {.name = out->name, .spec = out->raw};
    int error = parse(out, in, why);
    if (error != 0)
        wr_spec_free(out);
    return error;
}

void wr_spec_free(wr_spec *spec) {
    wr_range_free(spec->range);
    wr_free(spec->memory);
    memset(spec, 0, sizeof(*spec));
}

const char *wr_spec_type_name(wr_spec_type type) {
    static const char *const names[] = {"version", "range", "tag",      "git",
                                        "remote",  "file",  "directory"};
    return names[type];
}
