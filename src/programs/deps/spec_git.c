// SPDX-License-Identifier: MIT
// Repositories at well-known hosts, as npm's hosted-git-info knows them.
#include "programs/deps/spec_parts.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>

#include "programs/deps/semver_parts.h"

// ---- fragments -------------------------------------------------------------

typedef struct fragment {
    bool range, commit, path;
} fragment;

// `semver:RANGE`, `path:FOLDER`, or a commit, each once.
static int check_part(fragment *seen, wr_text part) {
    int64_t colon = wr_text_find(part, ':');
    if (colon < 0) {
        if (seen->range || seen->commit)
            return -EINVAL;
        seen->commit = part.size > 0;
        return 0;
    }
    wr_text key = {part.at, (size_t)colon};
    wr_text value = wr_text_from(part, key.size + 1);
    if (wr_text_is(key, "path")) {
        if (seen->path)
            return -EINVAL;
        seen->path = true;
    } else if (wr_text_is(key, "semver")) {
        int64_t more = wr_text_find(value, ':');
        if (more >= 0)
            value.size = (size_t)more;
        if (seen->commit || seen->range)
            return -EINVAL;
        char *copy = wr_malloc(value.size + 1);
        if (copy == NULL)
            return -ENOMEM;
        if (value.size > 0)
            memcpy(copy, value.at, value.size);
        int error = wr_spec_decode(copy, &value.size);
        wr_free(copy);
        seen->range = value.size > 0;
        return error;
    }
    return 0;
}

int wr_spec_check_fragment(wr_text text) {
    fragment seen = {false, false, false};
    if (text.size == 0)
        return 0;
    for (;;) {
        const char *next = memmem(text.at, text.size, "::", 2);
        size_t size = next == NULL ? text.size : (size_t)(next - text.at);
        int error = check_part(&seen, (wr_text){text.at, size});
        if (error != 0 || next == NULL)
            return error;
        text = wr_text_from(text, size + 2);
    }
}

// ---- hosts -----------------------------------------------------------------

typedef enum host {
    NO_HOST,
    BITBUCKET,
    GIST,
    GITHUB,
    GITLAB,
    SOURCEHUT,
} host;

static const struct {
    const char *shortcut, *domain, *schemes; // a space behind each scheme
} hosts[] = {
    [BITBUCKET] = {"bitbucket", "bitbucket.org",
                   "git+ssh git+https ssh https "},
    [GIST] = {"gist", "gist.github.com", "git git+ssh git+https ssh https "},
    [GITHUB] = {"github", "github.com",
                "git http git+ssh git+https ssh https "},
    [GITLAB] = {"gitlab", "gitlab.com", "git+ssh git+https ssh https "},
    [SOURCEHUT] = {"sourcehut", "git.sr.ht", "git+ssh https "},
};

static host by_shortcut(wr_text scheme) {
    for (int i = BITBUCKET; i <= SOURCEHUT; i++)
        if (wr_text_is(scheme, hosts[i].shortcut))
            return (host)i;
    return NO_HOST;
}

static host by_domain(wr_text domain) {
    if (wr_text_begins(domain, "www."))
        domain = wr_text_from(domain, 4);
    for (int i = BITBUCKET; i <= SOURCEHUT; i++)
        if (wr_text_is(domain, hosts[i].domain))
            return (host)i;
    return NO_HOST;
}

static bool takes_scheme(host which, wr_text scheme) {
    const char *at = hosts[which].schemes;
    while (*at != '\0') {
        size_t size = strcspn(at, " ");
        if (scheme.size == size && memcmp(scheme.at, at, size) == 0)
            return true;
        at += size + 1;
    }
    return false;
}

static bool is_known_scheme(wr_text scheme) {
    static const char *const schemes[] = {
        "git+ssh", "ssh", "git+https", "git", "http", "https", "git+http"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (wr_text_is(scheme, schemes[i]))
            return true;
    return by_shortcut(scheme) != NO_HOST;
}

// Decoding in place: what it points to is the URL's own memory.
static int decode(wr_text *text) {
    return wr_spec_decode((char *)text->at, &text->size);
}

static wr_text without_git(wr_text project) {
    if (project.size >= 4 &&
        memcmp(project.at + project.size - 4, ".git", 4) == 0)
        project.size -= 4;
    return project;
}

static bool has(wr_text text, const char *piece) {
    return memmem(text.at, text.size, piece, strlen(piece)) != NULL;
}

// Reads /user/project of gitlab, where the user may have slashes.
static bool split_groups(wr_text path, wr_text *user, wr_text *project) {
    if (path.size > 0)
        path = wr_text_from(path, 1);
    if (has(path, "/-/") || has(path, "/archive.tar.gz"))
        return false;
    size_t last = path.size;
    while (last > 0 && path.at[last - 1] != '/')
        last--;
    *project = without_git(wr_text_from(path, last));
    *user = (wr_text){path.at, last == 0 ? 0 : last - 1};
    return user->size > 0 && project->size > 0;
}

// What the path says; commit: the fragment, or a part of the path.
static bool split_path(host which, wr_text path, wr_text *user,
                       wr_text *project, wr_text *commit) {
    wr_text part[5] = {{NULL, 0}};
    if (which == GITLAB)
        return split_groups(path, user, project);
    for (int i = 0; i < 5; i++) {
        int64_t slash = wr_text_find(path, '/');
        part[i] = (wr_text){path.at, slash < 0 ? path.size : (size_t)slash};
        if (slash < 0)
            break;
        path = wr_text_from(path, part[i].size + 1);
    }
    *user = part[1];
    *project = without_git(part[2]);
    if (which == GIST) {
        if (wr_text_is(part[3], "raw"))
            return false;
        if (part[2].size > 0)
            return true;
        *project = without_git(*user);
        bool there = user->size > 0;
        user->size = 0;
        return there;
    }
    if (which == GITHUB && part[3].size > 0) {
        if (!wr_text_is(part[3], "tree"))
            return false;
        *commit = part[4];
    }
    if ((which == BITBUCKET && wr_text_is(part[3], "get")) ||
        (which == SOURCEHUT && wr_text_is(part[3], "archive")))
        return false;
    return user->size > 0 && project->size > 0;
}

static void split_shortcut(wr_text path, wr_text *user, wr_text *project) {
    if (path.size > 0 && path.at[0] == '/')
        path = wr_text_from(path, 1);
    int64_t at = wr_text_find(path, '@');
    if (at >= 0)
        path = wr_text_from(path, (size_t)at + 1);
    size_t last = path.size;
    while (last > 0 && path.at[last - 1] != '/')
        last--;
    *user = (wr_text){path.at, last == 0 ? 0 : last - 1};
    *project = wr_text_from(path, last);
}

static int check_url(const wr_spec_url *url) {
    wr_text user = {"", 0}, project = {"", 0}, commit = url->hash;
    host which = by_shortcut(url->scheme);
    if (which != NO_HOST) {
        split_shortcut(url->path, &user, &project);
    } else {
        which = by_domain(url->host);
        if (which == NO_HOST || !takes_scheme(which, url->scheme) ||
            !split_path(which, url->path, &user, &project, &commit))
            return 0;
    }
    // What does not decode is no repository.
    if (decode(&user) != 0 || decode(&project) != 0 || decode(&commit) != 0)
        return 0;
    int error = wr_spec_check_fragment(commit);
    return error == 0 ? 1 : error;
}

// ---- from text to URL ------------------------------------------------------

// user/repository: at most a fragment may have spaces, @, : or more slashes.
static bool is_shorthand(wr_text text) {
    int64_t hash = wr_text_find(text, '#');
    wr_text path = {text.at, hash < 0 ? text.size : (size_t)hash};
    int64_t slash = wr_text_find(path, '/');
    // A slash in the fragment is one, too, if there is none before.
    if (slash < 0 && hash >= 0)
        slash = wr_text_find(text, '/');
    if (slash <= 0 || text.at[0] == '.' ||
        (path.size > 0 && path.at[path.size - 1] == '/'))
        return false;
    for (size_t i = 0; i < path.size; i++)
        if (path.at[i] == '@' || path.at[i] == ':' ||
            (path.at[i] == '/' && (int64_t)i > slash) ||
            wr_space_at(path.at + i, path.size - i) > 0)
            return false;
    return true;
}

static wr_text join(char *out, const char *first, wr_text second) {
    size_t size = strlen(first);
    memmove(out + size, second.at, second.size);
    memcpy(out, first, size);
    return (wr_text){out, size + second.size};
}

// Gives what lacks a scheme, or slashes behind it, such.
static wr_text with_scheme(char *out, wr_text text) {
    int64_t colon = wr_text_find(text, ':'), at = wr_text_find(text, '@');
    wr_text scheme = {text.at, colon < 0 ? 0 : (size_t)colon};
    if (colon >= 0 && (is_known_scheme(scheme) ||
                       wr_text_begins(wr_text_from(text, scheme.size), "://")))
        return text;
    if (at >= 0)
        return at > colon ? join(out, "git+ssh://", text) : text;
    wr_text rest = wr_text_from(text, (size_t)(colon + 1));
    memcpy(out, text.at, (size_t)(colon + 1));
    wr_text tail = join(out + colon + 1, "//", rest);
    return (wr_text){out, (size_t)(colon + 1) + tail.size};
}

static int64_t last_before_hash(wr_text text, char c) {
    int64_t hash = wr_text_find(text, '#');
    // JavaScript's lastIndexOf looks at the place itself, too.
    const char *at =
        text.size == 0
            ? NULL
            : memrchr(text.at, c, hash < 0 ? text.size : (size_t)hash + 1);
    return at == NULL ? -1 : at - text.at;
}

// host:path, as ssh writes it, becomes host/path.
static wr_text from_scp(char *out, wr_text text) {
    int64_t colon = last_before_hash(text, ':');
    memmove(out, text.at, text.size);
    text.at = out;
    if (colon > last_before_hash(text, '@'))
        out[colon] = '/';
    if (last_before_hash(text, ':') < 0 &&
        memmem(text.at, text.size, "//", 2) == NULL)
        return join(out, "git+ssh://", text);
    return text;
}

int wr_spec_is_hosted(wr_text spec) {
    if (spec.size == 0)
        return 0;
    bool shorthand = is_shorthand(spec);
    // Most specs are versions and ranges, which end here.
    if (!shorthand && wr_text_find(spec, ':') < 0 &&
        wr_text_find(spec, '@') < 0)
        return 0;
    char *text = wr_malloc(spec.size + 48);
    if (text == NULL)
        return -ENOMEM;
    wr_spec_url url;
    wr_text corrected =
        shorthand ? join(text, "github:", spec) : with_scheme(text, spec);
    int answer = wr_spec_url_parse(&url, corrected);
    if (answer == -EINVAL)
        answer = wr_spec_url_parse(&url, from_scp(text, corrected));
    if (answer == 0) {
        answer = check_url(&url);
        wr_free(url.memory);
    } else if (answer == -EINVAL) {
        answer = 0;
    }
    wr_free(text);
    return answer;
}
