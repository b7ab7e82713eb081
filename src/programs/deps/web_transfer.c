// SPDX-License-Identifier: MIT
// A hop of a request: its headers out, its answer in, what comes next.
#include "programs/deps/web_inside.h"

#include "base/fault.h"
#include "weir/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *wr_web_url(wr_web_request *request) {
    const char *moved = wr_web_inside_of(request)->moved;
    return moved != NULL ? moved : request->url;
}

// ---- headers out -----------------------------------------------------------

static bool printable(const char *text) {
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

// A path that a server may read as another one gets no token.
static bool wanders(const char *url) {
    size_t size = strcspn(url, "?#");
    for (size_t i = 0; i + 1 < size; i++) {
        if (url[i] != '/' || url[i + 1] != '.')
            continue;
        size_t dots = strspn(url + i + 1, ".");
        char after = url[i + 1 + dots];
        if (dots <= 2 &&
            (after == '/' || after == '\0' || after == '?' || after == '#'))
            return true;
    }
    return false;
}

// What proves who asks, asked anew for each hop. Never in the clear once a hop
// was https, and not for a URL that brings its own name and password.
static const char *authorization(wr_web *web, wr_web_request *request) {
    const wr_web_inside *inside = wr_web_inside_of(request);
    const char *url = wr_web_url(request);
    bool secure = strncasecmp(url, "https:", 6) == 0;
    const char *host = url + (secure ? 8 : 7);
    if ((inside->secure_once && !secure) || wanders(url) ||
        memchr(host, '@', strcspn(host, "/?#")) != NULL)
        return NULL;
    return wr_npmrc_authorization(web->config, url);
}

// The list is this transfer's own memory: curl reads it where it is, so that a
// request allocates nothing for it and curl is told of it once.
static int fill_headers(wr_web_transfer *transfer, wr_web_request *request) {
    static const char *const names[] = {
        "Accept: ", "Authorization: ", "If-None-Match: ",
        "If-Modified-Since: "};
    const char *values[] = {request->accept,
                            authorization(transfer->web, request),
                            request->etag, request->last_modified};
    size_t size = 0;
    for (int i = 0; i < 4; i++)
        if (values[i] != NULL)
            size += strlen(names[i]) + strlen(values[i]) + 1;
    if (size > transfer->text_size) {
        char *larger =
            wr_fault(WR_FAULT_ALLOC) ? NULL : realloc(transfer->text, size);
        if (larger == NULL)
            return wr_refuse(&request->why, -ENOMEM, "ENOMEM", "out of memory");
        transfer->text = larger;
        transfer->text_size = size;
    }
    char *at = transfer->text;
    struct curl_slist *last = &transfer->headers[0]; // Accept-Encoding
    for (int i = 0; i < 4; i++) {
        if (values[i] == NULL || values[i][0] == '\0')
            continue;
        if (!printable(values[i]))
            return wr_refuse(&request->why, -EPROTO, "EINVALIDHEADER",
                             "a header that is no text: %s", names[i]);
        last->next = last + 1;
        last++;
        last->data = at;
        at = stpcpy(stpcpy(at, names[i]), values[i]) + 1;
    }
    last->next = NULL;
    return 0;
}

// ---- begin -----------------------------------------------------------------

static void wait_from_now(wr_web_transfer *transfer) {
    wr_web *web = transfer->web;
    transfer->deadline_ns = web->patience_ns == WEIR_FOREVER
                                ? WEIR_FOREVER
                                : web->now_ns + web->patience_ns;
    wr_list_push_back(&web->deadlines, &transfer->link);
}

void wr_web_headers_over(wr_web_transfer *transfer) {
    wr_list_remove(&transfer->link);
    wait_from_now(transfer);
}

// All but the URL, and mostly that alone, is as it was for the last request.
static CURLcode aim(wr_web_transfer *transfer, wr_web_request *request) {
    const char *url = wr_web_url(request);
    const char *proxy =
        transfer->web->proxy[strncasecmp(url, "https:", 6) == 0];
    CURLcode code = CURLE_OK;
    if (proxy != transfer->proxy)
        code = curl_easy_setopt(transfer->easy, CURLOPT_PROXY, proxy);
    if (code != CURLE_OK)
        return code;
    transfer->proxy = proxy;
    if (wr_web_inside_of(request)->again)
        curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
    return curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
}

static int idle_transfer(wr_web *web, wr_web_transfer **out) {
    wr_link *link = wr_list_pop_front(&web->idle);
    *out = (wr_web_transfer *)(void *)link;
    return link != NULL ? 0 : wr_web_transfer_make(web, out);
}

static int no_memory(wr_web_request *request) {
    return wr_refuse(&request->why, -ENOMEM, "ENOMEM", "out of memory");
}

int wr_web_launch(wr_web *web, wr_web_request *request) {
    wr_web_transfer *transfer;
    if (idle_transfer(web, &transfer) != 0)
        return no_memory(request);
    wr_web_inside *inside = wr_web_inside_of(request);
    int error = fill_headers(transfer, request);
    if (error == 0 &&
        (aim(transfer, request) != CURLE_OK ||
         curl_multi_add_handle(web->multi, transfer->easy) != CURLM_OK))
        error = no_memory(request);
    if (error != 0) {
        curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 0L);
        wr_list_push_front(&web->idle, &transfer->link);
        return error;
    }
    transfer->request = request;
    transfer->over = transfer->enough = transfer->chunked = false;
    transfer->foreign = false;
    transfer->failed = 0;
    transfer->length = -1;
    transfer->headers_seen = transfer->body_seen = transfer->room = 0;
    transfer->error[0] = '\0';
    request->answer = 0;
    inside->transfer = transfer;
    inside->host->active++;
    wait_from_now(transfer);
    wr_web_counts *counts = &web->counts;
    counts->requests++;
    if (++counts->in_flight > counts->in_flight_max)
        counts->in_flight_max = counts->in_flight;
    return 0;
}

// ---- end -------------------------------------------------------------------

void wr_web_release(wr_web_transfer *transfer) {
    wr_web *web = transfer->web;
    wr_web_inside *inside = wr_web_inside_of(transfer->request);
    long sent = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
    web->counts.bytes_sent += (uint64_t)sent;
    web->counts.bytes_received += transfer->headers_seen + transfer->body_seen;
    web->counts.in_flight--;
    curl_multi_remove_handle(web->multi, transfer->easy);
    if (inside->again)
        curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 0L);
    wr_list_remove(&transfer->link);
    wr_list_push_front(&web->idle, &transfer->link);
    transfer->request = NULL;
    inside->transfer = NULL;
    inside->host->active--;
    inside->host->known = true;
}

static bool redirects(int answer) {
    return answer == 301 || answer == 302 || answer == 303 || answer == 307 ||
           answer == 308;
}

// Where the answer sends to, absolute, or NULL. What it asks of memory that is
// not there ends the request.
static int moved_to(wr_web_transfer *transfer, char **out) {
    wr_web_request *request = transfer->request;
    wr_web_inside *inside = wr_web_inside_of(request);
    char *url = NULL;
    *out = NULL;
    if (!redirects(request->answer))
        return 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
    if (url == NULL)
        return 0;
    char shown[256];
    if (++inside->hops > WR_WEB_HOPS_MAX)
        return wr_refuse(&request->why, -EPROTO, "EMAXREDIRECT",
                         "%s: more than %d redirects",
                         wr_web_shown(request->url, shown, sizeof(shown)),
                         WR_WEB_HOPS_MAX);
    *out = wr_fault(WR_FAULT_ALLOC) ? NULL : strdup(url);
    return *out == NULL ? no_memory(request) : 0;
}

static void follow(wr_web *web, wr_web_request *request, char *url) {
    wr_web_inside *inside = wr_web_inside_of(request);
    free(inside->moved);
    inside->moved = url;
    inside->again = false;
    free(request->body);
    request->body = NULL;
    request->body_size = 0;
    web->counts.redirects++;
    wr_web_begin(web, request);
}

// A kept connection may be closed by the other end just when it is used again.
// That says nothing about the request: it is sent once more, on a new one.
static bool found_closed(wr_web_transfer *transfer, CURLcode code) {
    long connects = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
    return (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
            code == CURLE_GOT_NOTHING) &&
           connects == 0 && transfer->headers_seen == 0 &&
           !wr_web_inside_of(transfer->request)->again;
}

static void send_again(wr_web *web, wr_web_request *request) {
    wr_web_inside *inside = wr_web_inside_of(request);
    inside->again = true;
    wr_list_push_front(&inside->host->waiting, &inside->link);
    wr_web_pump(web, inside->host);
}

void wr_web_over(wr_web_transfer *transfer, CURLcode code) {
    wr_web *web = transfer->web;
    wr_web_request *request = transfer->request;
    wr_web_host *host = wr_web_inside_of(request)->host;
    if (code == CURLE_OK && !transfer->over) // curl takes half a header for all
        code = CURLE_GOT_NOTHING;
    if (code != CURLE_OK && transfer->failed == 0 &&
        found_closed(transfer, code)) {
        wr_web_release(transfer);
        send_again(web, request);
        return;
    }
    int status = transfer->enough ? 0
                 : code == CURLE_OK && !transfer->failed
                     ? 0
                     : wr_web_explain(transfer, code);
    char *url = NULL;
    if (status == 0)
        status = moved_to(transfer, &url);
    wr_web_release(transfer);
    wr_web_pump(web, host);
    if (url != NULL)
        follow(web, request, url);
    else
        wr_web_finish(web, request, status);
}

// npm's fetch-timeout holds twice: until the headers are there, and for the
// body.
void wr_web_expire(wr_web *web) {
    while (!wr_list_empty(&web->deadlines)) {
        wr_web_transfer *transfer = (void *)web->deadlines.next;
        if (transfer->deadline_ns > web->now_ns)
            return;
        wr_web_request *request = transfer->request;
        wr_web_host *host = wr_web_inside_of(request)->host;
        char shown[256];
        int status =
            wr_refuse(&request->why, -EAGAIN, "ETIMEDOUT",
                      "%s: no %s within %g s (fetch-timeout)",
                      wr_web_shown(wr_web_url(request), shown, sizeof(shown)),
                      transfer->over ? "whole body" : "answer",
                      (double)web->patience_ns / 1e9);
        wr_web_release(transfer);
        wr_web_pump(web, host);
        wr_web_finish(web, request, status);
    }
}

void wr_web_transfer_free(wr_web_transfer *transfer) {
    if (transfer->easy != NULL)
        curl_easy_cleanup(transfer->easy);
    free(transfer->text);
    wr_free(transfer);
}
