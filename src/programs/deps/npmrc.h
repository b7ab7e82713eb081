// SPDX-License-Identifier: MIT
// npm's settings, as far as a resolve needs them: command line, npm_config_*
// in the environment, the project's .npmrc, the user's, the global one; the
// first that has a key wins.
//
//   errors     -EINVAL with why (FILE:LINE or the variable's name), -ENOMEM,
//              what open and read give (but for a file that is not there).
#ifndef WEIR_PROGRAMS_DEPS_NPMRC_H
#define WEIR_PROGRAMS_DEPS_NPMRC_H

#include "programs/deps/types.h"

typedef struct wr_npmrc wr_npmrc;

typedef struct wr_npmrc_options {
    const char *dir;          // the project
    char *const *environment; // NULL-ended, as `environ`
    const char *registry;     // from the command line, or NULL
    const char *cache;        // too: npm's cache folder
    const char *home;         // NULL: $HOME of the environment
} wr_npmrc_options;

int wr_npmrc_read(wr_npmrc **out, const wr_npmrc_options *options, wr_why *why);
void wr_npmrc_free(wr_npmrc *config);

// What holds, with npm's defaults (fetch-retries 2, factor 10, mintimeout 10 s,
// maxtimeout 60 s, fetch-timeout 300 s, strict-ssl true, tag latest).
typedef struct wr_settings {
    const char *registry; // ends with a slash; NULL: none is configured
    const char *cache;    // this program's folder in npm's cache folder
    const char *cafile;   // or NULL
    const char *ca;       // PEM, or NULL
    const char *proxy, *https_proxy, *noproxy; // or NULL
    const char *tag;
    const char *node_version; // or NULL
    const char *before;       // or NULL (min-release-age is one, too); not
                              // supported: the command refuses it
    bool strict_ssl, legacy_peer_deps, offline, prefer_offline, prefer_online;
    unsigned fetch_retries, fetch_retry_factor;
    unsigned maxsockets; // 0: not set (npm's 15 is npm's)
    int64_t fetch_retry_mintimeout_ms, fetch_retry_maxtimeout_ms,
        fetch_timeout_ms;
} wr_settings;
const wr_settings *wr_npmrc_settings(const wr_npmrc *config);

// wr_npmrc_registry_of gives the registry for a package name (its scope's, or
// the registry), ending with a slash; NULL: none.
const char *wr_npmrc_registry_of(const wr_npmrc *config, wr_text package);

// wr_npmrc_authorization gives the header's value ("Bearer ...", "Basic ...")
// for a URL, or NULL: of the settings `//host[:port]/path/:_authToken` and the
// like, the longest path that is the URL's beginning, at a slash. A token is
// never given for another host, port or scheme-less prefix than its own; for
// http:// only to this machine and to hosts that a registry setting names with
// http:// itself.
const char *wr_npmrc_authorization(const wr_npmrc *config, const char *url);

#endif
