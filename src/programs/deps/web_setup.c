// SPDX-License-Identifier: MIT
// What holds for every transfer, told to curl once per handle: npm's TLS and
// proxies, and how this client wants to be served.
#include "programs/deps/web_inside.h"

#include "base/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool given(const char *text) { return text != NULL && text[0] != '\0'; }

static const char *environment(const char *lower, const char *upper) {
    const char *value = getenv(lower);
    return given(value) ? value : getenv(upper);
}

// npm's order: https-proxy, proxy, whatever the URL's scheme; then the
// environment's, which looks at it.
static void find_proxies(wr_web *web) {
    const wr_settings *settings = web->settings;
    const char *all =
        given(settings->https_proxy) ? settings->https_proxy : settings->proxy;
    const char *https = environment("https_proxy", "HTTPS_PROXY");
    const char *http = environment("http_proxy", "HTTP_PROXY");
    if (given(https))
        http = https;
    else if (!given(http))
        http = environment("proxy", "PROXY");
    web->proxy[0] = given(all) ? all : given(http) ? http : "";
    web->proxy[1] = given(all) ? all : given(https) ? https : "";
    web->noproxy = settings->noproxy;
    if (!given(web->noproxy))
        web->noproxy = environment("no_proxy", "NO_PROXY");
    if (!given(web->noproxy))
        web->noproxy = "";
}

// A cafile that is not there is as none (npm's rule); one that cannot be read
// is an error before anything is asked.
static int check_authorities(wr_web *web, wr_why *why) {
    const wr_settings *settings = web->settings;
    const char *file = settings->cafile;
    if (file != NULL && file[0] != '\0') {
        FILE *opened = fopen(file, "re");
        int error = opened == NULL ? errno : 0;
        if (opened != NULL) {
            if (fgetc(opened) == EOF && ferror(opened) != 0)
                error = errno;
            fclose(opened);
        }
        if (error == 0)
            web->authorities = file;
        else if (error != ENOENT)
            return wr_refuse(why, -error, "ECAFILE",
                             "cafile %s cannot be read: %s", file,
                             strerror(error));
    }
    if (web->authorities != NULL || settings->ca != NULL)
        return 0;
    // The system's, by file: curl keeps what it read of a file for the next
    // connection, but not what it read of a folder.
    const char *system = curl_version_info(CURLVERSION_NOW)->cainfo;
    if (system != NULL && access(system, R_OK) == 0)
        web->authorities = system;
    return 0;
}

int wr_web_check(wr_web *web, wr_why *why) {
    find_proxies(web);
    return check_authorities(web, why);
}

typedef struct setting {
    CURLoption option;
    long value;
} setting;

static CURLcode set_numbers(CURL *easy) {
    static const setting all[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_HTTP_CONTENT_DECODING, 0},
        {CURLOPT_HTTP09_ALLOWED, 0},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_NETRC, CURL_NETRC_IGNORED},
        {CURLOPT_HEADEROPT, CURLHEADER_SEPARATE},
        {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
        {CURLOPT_CONNECTTIMEOUT_MS, WR_WEB_CONNECT_MS},
        {CURLOPT_DNS_CACHE_TIMEOUT, 300},
        {CURLOPT_TCP_NODELAY, 1},
        {CURLOPT_NOPROGRESS, 1},
        {CURLOPT_QUICK_EXIT, 1}, // wait for no look-up that is given up
    };
    CURLcode code = CURLE_OK;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (code == CURLE_OK)
            code = curl_easy_setopt(easy, all[i].option, all[i].value);
    return code;
}

static CURLcode set_tls(const wr_web *web, CURL *easy) {
    const wr_settings *settings = web->settings;
    bool strict = settings->strict_ssl;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, strict ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, strict ? 2L : 0L);
    if (web->authorities == NULL && settings->ca == NULL)
        return CURLE_OK; // curl's own way
    // What npm is given takes the place of the system's.
    CURLcode code = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_CAINFO, web->authorities);
    if (code == CURLE_OK && web->authorities == NULL) {
        struct curl_blob blob = {.data = (void *)(uintptr_t)settings->ca,
                                 .len = strlen(settings->ca),
                                 .flags = CURL_BLOB_NOCOPY};
        code = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    }
    return code;
}

static CURLcode set_texts(const wr_web *web, CURL *easy) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_NOPROXY, web->noproxy);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_USERAGENT, "weir");
    return code;
}

static void set_callbacks(wr_web_transfer *transfer) {
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, wr_web_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, wr_web_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, wr_web_on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, wr_web_on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->web);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, &transfer->headers[0]);
}

int wr_web_transfer_make(wr_web *web, wr_web_transfer **out) {
    static char gzip[] = "Accept-Encoding: gzip";
    wr_web_transfer *transfer = wr_calloc(1, sizeof(*transfer));
    if (transfer == NULL)
        return -ENOMEM;
    transfer->web = web;
    transfer->headers[0].data = gzip;
    transfer->proxy = "";
    transfer->easy = wr_fault(WR_FAULT_ALLOC) ? NULL : curl_easy_init();
    if (transfer->easy == NULL || set_numbers(transfer->easy) != CURLE_OK ||
        set_tls(web, transfer->easy) != CURLE_OK ||
        set_texts(web, transfer->easy) != CURLE_OK) {
        wr_web_transfer_free(transfer);
        return -ENOMEM;
    }
    set_callbacks(transfer);
    *out = transfer;
    return 0;
}
