// SPDX-License-Identifier: MIT
// Prints npm's settings as this program reads them, a KEY TAB VALUE a line, for
// npmrc_npm.mjs to compare with npm's own.
//
//   npmrc_show DIR [URL|@SCOPE/NAME...]
#include "programs/deps/npmrc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void show(const char *key, const char *text) {
    printf("%s\t%s\n", key, text == NULL ? "null" : text);
}

static void show_number(const char *key, int64_t number) {
    printf("%s\t%" PRId64 "\n", key, number);
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    wr_npmrc_options options = {.dir = argv[1], .environment = environ};
    wr_npmrc *config;
    wr_why why = {0};
    if (wr_npmrc_read(&config, &options, &why) != 0) {
        show("error", why.text);
        return 0;
    }
    const wr_settings *is = wr_npmrc_settings(config);
    show("registry", is->registry);
    show("cache", is->cache);
    show("cafile", is->cafile);
    show("proxy", is->proxy);
    show("https-proxy", is->https_proxy);
    show("noproxy", is->noproxy);
    show("tag", is->tag);
    show("before", is->before);
    show_number("strict-ssl", is->strict_ssl);
    show_number("legacy-peer-deps", is->legacy_peer_deps);
    show_number("offline", is->offline);
    show_number("prefer-offline", is->prefer_offline);
    show_number("prefer-online", is->prefer_online);
    show_number("fetch-retries", is->fetch_retries);
    show_number("fetch-retry-factor", is->fetch_retry_factor);
    show_number("fetch-retry-mintimeout", is->fetch_retry_mintimeout_ms);
    show_number("fetch-retry-maxtimeout", is->fetch_retry_maxtimeout_ms);
    show_number("fetch-timeout", is->fetch_timeout_ms);
    show_number("maxsockets", is->maxsockets);
    for (int i = 2; i < argc; i++) {
        if (argv[i][0] == '@')
            show(argv[i], wr_npmrc_registry_of(
                              config, (wr_text){argv[i], strlen(argv[i])}));
        else
            show(argv[i], wr_npmrc_authorization(config, argv[i]));
    }
    wr_npmrc_free(config);
    return 0;
}
