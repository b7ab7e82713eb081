// SPDX-License-Identifier: MIT
// npm's settings: which sources there are, and what holds.
#include "programs/deps/npmrc_parts.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// What is asked for beside scopes and tokens.
static const char *const keys[] = {
    "registry",
    "cache",
    "cafile",
    "ca",
    "proxy",
    "https-proxy",
    "noproxy",
    "tag",
    "node-version",
    "before",
    "min-release-age",
    "strict-ssl",
    "legacy-peer-deps",
    "offline",
    "prefer-offline",
    "prefer-online",
    "fetch-retries",
    "fetch-retry-factor",
    "fetch-retry-mintimeout",
    "fetch-retry-maxtimeout",
    "fetch-timeout",
    "maxsockets",
    "userconfig",
    "globalconfig",
    "prefix",
    "global",
    "location",
};

// Of the time before tokens had a host. npm refuses them too.
static const char *const old_keys[] = {
    "_auth", "_authToken", "username", "_password", "_authtoken", "-authtoken",
};

bool wr_npmrc_is_key(const char *key) {
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof(old_keys) / sizeof(old_keys[0]); i++)
        if (strcmp(key, old_keys[i]) == 0)
            return true;
    size_t size = strlen(key);
    return wr_npmrc_is_auth(key) || (key[0] == '@' && size > 10 &&
                                     strcmp(key + size - 9, ":registry") == 0);
}

// `nulls`: whether null is a value, or leaves it to the next source.
static const wr_npmrc_entry *find(const wr_npmrc *config, const char *key,
                                  bool nulls) {
    const wr_npmrc_entry *last[WR_NPMRC_BUILTIN + 1] = {NULL};
    for (size_t i = 0; i < config->entries; i++)
        if (strcmp(config->entry[i].key, key) == 0)
            last[config->entry[i].source] = &config->entry[i];
    for (size_t i = 0; i <= WR_NPMRC_BUILTIN; i++)
        if (last[i] != NULL && (nulls || last[i]->kind != WR_NPMRC_NULL))
            return last[i];
    return NULL;
}

const wr_npmrc_entry *wr_npmrc_find(const wr_npmrc *config, const char *key) {
    return find(config, key, true);
}

int wr_npmrc_refuse(const wr_npmrc_entry *entry, const char *what,
                    wr_why *why) {
    if (entry->line == 0)
        return wr_refuse(why, -EINVAL, "ECONFIG", "%s: it %s", entry->place,
                         what);
    return wr_refuse(why, -EINVAL, "ECONFIG", "%s:%u: %s: it %s", entry->place,
                     entry->line, entry->key, what);
}

// ---------------------------------------------------------------------------
// Values of each kind. What is not set leaves *out as it is.

// The entry that holds, or NULL.
static int one(const wr_npmrc *config, const char *key, bool nulls,
               const wr_npmrc_entry **out, wr_why *why) {
    *out = find(config, key, nulls);
    if (*out != NULL && (*out)->list)
        return wr_npmrc_refuse(*out, "takes one value", why);
    if (*out != NULL && (*out)->kind == WR_NPMRC_ODD)
        return wr_npmrc_refuse(*out, "takes a text", why);
    return 0;
}

static int read_bool(const wr_npmrc *config, const char *key, bool *out,
                     wr_why *why) {
    const wr_npmrc_entry *entry;
    int error = one(config, key, true, &entry, why);
    if (error != 0 || entry == NULL)
        return error;
    const char *text = entry->kind == WR_NPMRC_TEXT ? entry->text : "";
    if (entry->kind == WR_NPMRC_TRUE || strcmp(text, "true") == 0 ||
        strcmp(text, "1") == 0 ||
        (entry->kind == WR_NPMRC_TEXT && text[0] == '\0'))
        *out = true;
    else if (entry->kind == WR_NPMRC_FALSE || strcmp(text, "false") == 0 ||
             strcmp(text, "0") == 0)
        *out = false;
    else
        return wr_npmrc_refuse(entry, "is true or false", why);
    return 0;
}

// A number as JavaScript writes it. `most`: the largest that is taken.
static int read_number(const wr_npmrc *config, const char *key, int64_t least,
                       int64_t most, bool whole, int64_t *out, wr_why *why) {
    const wr_npmrc_entry *entry;
    int error = one(config, key, true, &entry, why);
    if (error != 0 || entry == NULL)
        return error;
    const char *text = entry->kind == WR_NPMRC_TEXT ? entry->text : "x";
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hex ? "0123456789abcdefABCDEFxX" : "0123456789.eE+-";
    char *end = NULL;
    double value = strtod(text, &end); // "" is 0, as it is there
    if (text[strspn(text, digits)] != '\0' || *end != '\0' ||
        !(value >= (double)least && value <= (double)most) ||
        (whole && value != (double)(int64_t)value)) {
        char what[80];
        snprintf(what, sizeof(what), "is a %snumber from %lld to %lld",
                 whole ? "whole " : "", (long long)least, (long long)most);
        return wr_npmrc_refuse(entry, what, why);
    }
    *out = (int64_t)value;
    *out += value > (double)*out; // half a day is not none
    return 0;
}

static int read_text(const wr_npmrc *config, const char *key, const char **out,
                     wr_why *why) {
    const wr_npmrc_entry *entry;
    int error = one(config, key, true, &entry, why);
    if (error != 0 || entry == NULL || entry->kind == WR_NPMRC_NULL)
        return error;
    const char *text = entry->kind == WR_NPMRC_TRUE    ? "true"
                       : entry->kind == WR_NPMRC_FALSE ? "false"
                                                       : entry->text;
    if (text[0] != '\0')
        *out = text;
    return 0;
}

static int read_path(wr_npmrc *config, const char *key, const char **out,
                     wr_why *why) {
    const wr_npmrc_entry *entry;
    int error = one(config, key, false, &entry, why);
    if (error != 0 || entry == NULL ||
        (entry->kind == WR_NPMRC_TEXT && entry->text[0] == '\0'))
        return error;
    if (entry->kind != WR_NPMRC_TEXT)
        return wr_npmrc_refuse(entry, "is a path", why);
    *out = wr_npmrc_path(config, entry->text);
    return *out == NULL ? -ENOMEM : 0;
}

// A proxy: null and false are none.
static int read_proxy(const wr_npmrc *config, const char *key, const char **out,
                      wr_why *why) {
    const wr_npmrc_entry *entry;
    int error = one(config, key, true, &entry, why);
    if (error != 0 || entry == NULL || entry->kind == WR_NPMRC_NULL ||
        entry->kind == WR_NPMRC_FALSE)
        return error;
    const char *text = entry->kind == WR_NPMRC_TEXT ? entry->text : "";
    const char *colon = strstr(text, "://");
    bool good =
        colon != NULL && colon > text && colon[3] != '\0' && colon[3] != '/';
    for (const char *at = text; *at != '\0'; at++)
        good = good && (unsigned char)*at > ' ' && *at != 0x7f;
    if (!good)
        return wr_npmrc_refuse(entry, "is the URL of a proxy", why);
    *out = text;
    return 0;
}

// All values of a key in its source, put together. A list in one text (of the
// environment) has an empty line between its parts.
static int read_list(wr_npmrc *config, const char *key, const char *between,
                     const char **out, wr_why *why) {
    const wr_npmrc_entry *last = wr_npmrc_find(config, key);
    if (last == NULL || last->kind == WR_NPMRC_NULL)
        return 0;
    const char *all = NULL;
    bool list = false;
    for (const wr_npmrc_entry *entry = config->entry; entry <= last; entry++) {
        if (entry->source != last->source || strcmp(entry->key, key) != 0)
            continue;
        if (entry->kind != WR_NPMRC_TEXT)
            return wr_npmrc_refuse(entry, "is a text", why);
        list = list || entry->list;
        all = all != NULL && list
                  ? wr_npmrc_join(config, all, between, entry->text)
                  : wr_npmrc_join(config, entry->text, "", "");
        if (all == NULL)
            return -ENOMEM;
    }
    char *copy = wr_npmrc_join(config, all, "", "");
    if (copy == NULL)
        return -ENOMEM;
    char *gap = between[0] == ',' ? strstr(copy, "\n\n") : NULL;
    for (; gap != NULL; gap = strstr(gap, "\n\n")) {
        gap[0] = ',';
        gap[1] = ' ';
    }
    if (copy[0] != '\0')
        *out = copy;
    return 0;
}

// ---------------------------------------------------------------------------
// Sources

// All of a file. *bytes is malloc'ed.
static int read_all(int fd, char **bytes, size_t *size) {
    size_t room = 0;
    for (*size = 0;;) {
        if (*size == room) {
            room = room == 0 ? 4096 : 2 * room;
            char *more = realloc(*bytes, room);
            if (more == NULL)
                return -ENOMEM;
            *bytes = more;
        }
        ssize_t got = read(fd, *bytes + *size, room - *size);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return -errno;
        *size += got > 0 ? (size_t)got : 0;
        if (*size > WR_NPMRC_FILE_MAX)
            return -E2BIG;
    }
}

// What is not there has no settings.
static int read_file(wr_npmrc *config, wr_npmrc_source source, const char *path,
                     wr_why *why) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    char *bytes = NULL;
    size_t size = 0;
    int error = fd < 0 ? -errno : read_all(fd, &bytes, &size);
    if (fd >= 0)
        close(fd);
    if (error != 0)
        wr_refuse(why, error, "ECONFIG", "%s: %s", path, strerror(-error));
    else
        error = wr_npmrc_read_bytes(config, source, path, bytes, size, why);
    wr_free(bytes);
    return error;
}

static int add_option(wr_npmrc *config, const char *key, const char *place,
                      const char *text, wr_why *why) {
    if (text == NULL)
        return 0;
    wr_npmrc_entry entry = {.source = WR_NPMRC_COMMAND,
                            .key = key,
                            .place = place,
                            .text = wr_npmrc_join(config, text, "", "")};
    return entry.text == NULL ? -ENOMEM : wr_npmrc_add(config, entry, why);
}

static int read_command(wr_npmrc *config, wr_why *why) {
    const char *cache = config->options->cache;
    char here[PATH_MAX];
    // A path that somebody typed begins where they are, not in the project.
    if (cache != NULL && cache[0] != '/' &&
        getcwd(here, sizeof(here)) != NULL) {
        cache = wr_npmrc_join(config, here, "/", cache);
        if (cache == NULL)
            return -ENOMEM;
    }
    int error = add_option(config, "registry", "--registry",
                           config->options->registry, why);
    return error != 0 ? error
                      : add_option(config, "cache", "--cache", cache, why);
}

static int find_home(wr_npmrc *config) {
    const char *home = config->options->home;
    if (home == NULL || home[0] == '\0')
        home = wr_npmrc_variable(config, "HOME", 4);
    char bytes[4096];
    struct passwd entry, *found = NULL;
    if ((home == NULL || home[0] == '\0') &&
        getpwuid_r(geteuid(), &entry, bytes, sizeof(bytes), &found) == 0 &&
        found != NULL)
        home = found->pw_dir;
    if (home == NULL || home[0] == '\0')
        home = "/";
    config->home = wr_npmrc_copy(config, home, strlen(home));
    return config->home == NULL ? -ENOMEM : 0;
}

// npm's: the folder above the one that node is in.
static const char *default_prefix(wr_npmrc *config) {
    const char *prefix = wr_npmrc_variable(config, "PREFIX", 6);
    if (prefix != NULL && prefix[0] != '\0')
        return prefix;
    prefix = wr_npmrc_program(config, "node", 2);
    if (prefix == NULL)
        return "/usr/local";
    const char *above = wr_npmrc_variable(config, "DESTDIR", 7);
    return above == NULL || above[0] == '\0'
               ? prefix
               : wr_npmrc_join(config, above, "/", prefix);
}

static int read_project(wr_npmrc *config, wr_why *why) {
    const char *user = NULL;
    const char *path = wr_npmrc_path(config, ".npmrc");
    bool global = false;
    const wr_npmrc_entry *location = wr_npmrc_find(config, "location");
    int error = read_bool(config, "global", &global, why);
    if (error == 0)
        error = read_path(config, "userconfig", &user, why);
    if (error == 0 && user == NULL)
        user = wr_npmrc_path(config, "~/.npmrc");
    if (error == 0 && (path == NULL || user == NULL))
        error = -ENOMEM;
    if (error != 0)
        return error;
    // In the home folder the two are one file, the user's.
    if (global || strcmp(path, user) == 0 ||
        (location != NULL && location->kind == WR_NPMRC_TEXT &&
         strcmp(location->text, "global") == 0))
        return 0;
    return read_file(config, WR_NPMRC_PROJECT, path, why);
}

static int read_user(wr_npmrc *config, wr_why *why) {
    const char *path = wr_npmrc_path(config, "~/.npmrc");
    int error = read_path(config, "userconfig", &path, why);
    if (error == 0 && path == NULL)
        error = -ENOMEM;
    return error != 0 ? error : read_file(config, WR_NPMRC_USER, path, why);
}

static int read_global(wr_npmrc *config, wr_why *why) {
    const char *prefix = default_prefix(config), *path = NULL;
    int error = read_path(config, "prefix", &prefix, why);
    if (error == 0 && prefix != NULL)
        path = wr_npmrc_join(config, prefix, "/etc/npmrc", "");
    if (error == 0 && path != NULL)
        path = wr_npmrc_path(config, path);
    if (error == 0)
        error = read_path(config, "globalconfig", &path, why);
    if (error == 0 && path == NULL)
        error = -ENOMEM;
    return error != 0 ? error : read_file(config, WR_NPMRC_GLOBAL, path, why);
}

// Who packages npm may put a file beside it: bin/npm-cli.js, ../npmrc.
static int read_builtin(wr_npmrc *config, wr_why *why) {
    const char *script = wr_npmrc_program(config, "npm", 0);
    if (script == NULL || strstr(script, "/bin/npm-cli.js") == NULL)
        return 0;
    const char *path = wr_npmrc_join(config, script, "/../../npmrc", "");
    if (path != NULL)
        path = wr_npmrc_path(config, path);
    return path == NULL ? -ENOMEM
                        : read_file(config, WR_NPMRC_BUILTIN, path, why);
}

// Their order is npm's: one may say where the next lies.
static int read_sources(wr_npmrc *config, wr_why *why) {
    static int (*const readers[])(wr_npmrc * config, wr_why * why) = {
        read_builtin, read_command, wr_npmrc_read_environment,
        read_project, read_user,    read_global,
    };
    int error = find_home(config);
    for (size_t i = 0; error == 0 && i < sizeof(readers) / sizeof(readers[0]);
         i++) {
        config->of_source = 0;
        error = readers[i](config, why);
    }
    return error;
}

// ---------------------------------------------------------------------------
// What holds

static int refuse_old(wr_npmrc *config, wr_why *why) {
    for (size_t i = 0; i < config->entries; i++) {
        const wr_npmrc_entry *entry = &config->entry[i];
        bool says = entry->kind == WR_NPMRC_TRUE ||
                    (entry->kind == WR_NPMRC_TEXT && entry->text[0] != '\0');
        if (entry->source < WR_NPMRC_PROJECT ||
            entry->source > WR_NPMRC_GLOBAL || !says)
            continue;
        for (size_t j = 0; j < sizeof(old_keys) / sizeof(old_keys[0]); j++)
            if (strcmp(entry->key, old_keys[j]) == 0)
                return wr_npmrc_refuse(
                    entry, "must say for whom: //HOST/:_authToken", why);
    }
    return 0;
}

static int settle_registry(wr_npmrc *config, wr_why *why) {
    wr_npmrc_entry last = {.key = "registry",
                           .text = WEIR_DEPS_REGISTRY,
                           .place = "WEIR_DEPS_REGISTRY"};
    const wr_npmrc_entry *entry = wr_npmrc_find(config, "registry");
    if (entry == NULL)
        entry = &last;
    if (entry == &last && last.text[0] == '\0')
        return 0;
    return wr_npmrc_registry(config, entry, &config->settings.registry, why);
}

static int settle_cache(wr_npmrc *config, wr_why *why) {
    const char *path = wr_npmrc_path(config, "~/.npm");
    int error = read_path(config, "cache", &path, why);
    if (error == 0 && path != NULL)
        path = wr_npmrc_join(config, path, "/_weir", "");
    config->settings.cache = path;
    return error == 0 && path == NULL ? -ENOMEM : error;
}

static int settle_bools(wr_npmrc *config, wr_why *why) {
    wr_settings *out = &config->settings;
    const struct {
        const char *key;
        bool *value;
    } bools[] = {
        {"strict-ssl", &out->strict_ssl},
        {"legacy-peer-deps", &out->legacy_peer_deps},
        {"offline", &out->offline},
        {"prefer-offline", &out->prefer_offline},
        {"prefer-online", &out->prefer_online},
    };
    int error = 0;
    out->strict_ssl = true;
    for (size_t i = 0; error == 0 && i < sizeof(bools) / sizeof(bools[0]); i++)
        error = read_bool(config, bools[i].key, bools[i].value, why);
    return error;
}

static int settle_numbers(wr_npmrc *config, wr_why *why) {
    wr_settings *out = &config->settings;
    const int64_t week_ms = 7 * 24 * 3600 * 1000LL;
    int64_t retries = 2, factor = 10, sockets = 0, age = 0;
    out->fetch_retry_mintimeout_ms = 10000;
    out->fetch_retry_maxtimeout_ms = 60000;
    out->fetch_timeout_ms = 300000;
    const struct {
        const char *key;
        int64_t least, most;
        bool whole;
        int64_t *value;
    } numbers[] = {
        {"fetch-retries", 0, 1000, true, &retries},
        {"fetch-retry-factor", 0, 1000, true, &factor},
        {"maxsockets", 1, 65536, true, &sockets},
        {"min-release-age", 0, 1000000, false, &age},
        {"fetch-retry-mintimeout", 0, week_ms, false,
         &out->fetch_retry_mintimeout_ms},
        {"fetch-retry-maxtimeout", 0, week_ms, false,
         &out->fetch_retry_maxtimeout_ms},
        {"fetch-timeout", 0, week_ms, false, &out->fetch_timeout_ms},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int error = read_number(config, numbers[i].key, numbers[i].least,
                                numbers[i].most, numbers[i].whole,
                                numbers[i].value, why);
        if (error != 0)
            return error;
    }
    out->fetch_retries = (unsigned)retries;
    out->fetch_retry_factor = (unsigned)factor;
    out->maxsockets = (unsigned)sockets;
    if (age > 0)
        out->before = "min-release-age";
    return 0;
}

static int settle_texts(wr_npmrc *config, wr_why *why) {
    wr_settings *out = &config->settings;
    out->tag = "latest";
    int error = read_text(config, "tag", &out->tag, why);
    if (error == 0)
        error = read_text(config, "node-version", &out->node_version, why);
    if (error == 0)
        error = read_text(config, "before", &out->before, why);
    if (error == 0)
        error = read_path(config, "cafile", &out->cafile, why);
    if (error == 0)
        error = read_list(config, "ca", "\n", &out->ca, why);
    if (error == 0)
        error = read_proxy(config, "proxy", &out->proxy, why);
    if (error == 0)
        error = read_proxy(config, "https-proxy", &out->https_proxy, why);
    if (error == 0)
        error = read_list(config, "noproxy", ",", &out->noproxy, why);
    return error;
}

int wr_npmrc_read(wr_npmrc **out, const wr_npmrc_options *options,
                  wr_why *why) {
    static int (*const steps[])(wr_npmrc * config, wr_why * why) = {
        read_sources,         settle_registry,      settle_cache,
        settle_bools,         settle_numbers,       settle_texts,
        wr_npmrc_read_scopes, wr_npmrc_read_tokens, refuse_old,
    };
    *out = NULL;
    wr_npmrc *config = wr_calloc(1, sizeof(*config));
    int error = config == NULL ? -ENOMEM : 0;
    if (config != NULL)
        config->options = options;
    for (size_t i = 0; error == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
        error = steps[i](config, why);
    if (error == -ENOMEM) // there is nothing more to say
        wr_refuse(why, error, "ENOMEM", "no memory for npm's settings");
    if (error != 0) {
        wr_npmrc_free(config);
        return error;
    }
    config->options = NULL;
    *out = config;
    return 0;
}

const wr_settings *wr_npmrc_settings(const wr_npmrc *config) {
    return &config->settings;
}
