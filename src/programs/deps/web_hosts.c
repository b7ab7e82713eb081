// SPDX-License-Identifier: MIT
// Requests wait here for one of their host's connections, in the order they
// came. The first one to a host goes alone until the name is looked up: the
// others find it in curl's cache instead of starting a thread each.
#include "programs/deps/web_inside.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

wr_web_request *wr_web_request_of(wr_web_inside *inside) {
    return (wr_web_request *)(void *)((char *)inside -
                                      offsetof(wr_web_request, private_));
}

// wr_web_host_of finds "scheme://authority" at a URL's beginning. What two
// readers could read in two ways is refused: a token may hang on it.
int wr_web_host_of(const char *url, wr_text *host, bool *secure) {
    size_t scheme = 0;
    if (strncasecmp(url, "https://", 8) == 0)
        scheme = 8;
    else if (strncasecmp(url, "http://", 7) == 0)
        scheme = 7;
    else
        return -EPROTONOSUPPORT;
    size_t size = 0;
    for (const char *at = url; *at != '\0'; at++, size++) {
        unsigned char byte = (unsigned char)*at;
        if (byte <= ' ' || byte == 0x7f || byte == '\\')
            return -EINVAL;
    }
    size_t authority = strcspn(url + scheme, "/?#");
    if (authority == 0 || size > WR_WEB_URL_MAX)
        return -EINVAL;
    *host = (wr_text){url, scheme + authority};
    *secure = scheme == 8;
    return 0;
}

void wr_web_finish(wr_web *web, wr_web_request *request, int status) {
    wr_web_inside *inside = wr_web_inside_of(request);
    free(inside->moved);
    inside->moved = NULL;
    if (status != 0) {
        free(request->body);
        request->body = NULL;
        request->body_size = 0;
    }
    wr_mutex_lock(&web->lock);
    inside->over = true;
    if (wr_link_linked(&inside->cancel))
        wr_list_remove(&inside->cancel);
    wr_mutex_unlock(&web->lock);
    request->done(request, status);
}

// There are few hosts: one, mostly. Those that nothing is under way to are
// forgotten when they get many.
static wr_web_host *host_of(wr_web *web, wr_text name) {
    enum { KEPT = 64 };
    unsigned count = 0;
    for (wr_link *link = web->hosts.next; link != &web->hosts;) {
        wr_web_host *host = (void *)link;
        link = link->next;
        if (host->size == name.size &&
            strncasecmp(host->name, name.at, name.size) == 0)
            return host;
        if (++count > KEPT && host->active == 0 &&
            wr_list_empty(&host->waiting)) {
            wr_list_remove(&host->link);
            wr_free(host);
        }
    }
    wr_web_host *host = wr_calloc(1, sizeof(*host) + name.size + 1);
    if (host == NULL)
        return NULL;
    host->size = name.size;
    memcpy(host->name, name.at, name.size);
    wr_list_init(&host->waiting);
    wr_list_push_front(&web->hosts, &host->link);
    return host;
}

static int queue(wr_web *web, wr_web_request *request) {
    wr_web_inside *inside = wr_web_inside_of(request);
    const char *url = wr_web_url(request);
    char shown[256];
    wr_text name;
    bool secure = false;
    int error = wr_web_host_of(url, &name, &secure);
    if (error == -EPROTONOSUPPORT)
        return wr_refuse(&request->why, -EPROTO, "EUNSUPPORTEDPROTOCOL",
                         "%s: only http and https are fetched",
                         wr_web_shown(url, shown, sizeof(shown)));
    if (error != 0)
        return wr_refuse(&request->why, -EPROTO, "EINVALIDURL",
                         "%s: no valid URL",
                         wr_web_shown(url, shown, sizeof(shown)));
    inside->host = host_of(web, name);
    if (inside->host == NULL)
        return wr_refuse(&request->why, -ENOMEM, "ENOMEM", "out of memory");
    inside->secure_once |= secure;
    return 0;
}

void wr_web_begin(wr_web *web, wr_web_request *request) {
    wr_web_inside *inside = wr_web_inside_of(request);
    inside->begun = true;
    int error = queue(web, request);
    if (error != 0) {
        wr_web_finish(web, request, error);
        return;
    }
    wr_link *waiting = &inside->host->waiting;
    if (inside->hops > 0) // it has waited already
        wr_list_push_front(waiting, &inside->link);
    else
        wr_list_push_back(waiting, &inside->link);
    wr_web_pump(web, inside->host);
}

void wr_web_pump(wr_web *web, wr_web_host *host) {
    while (host->active < web->connections_max &&
           (host->known || host->active == 0)) {
        wr_link *link = wr_list_pop_front(&host->waiting);
        if (link == NULL)
            return;
        wr_web_request *request =
            wr_web_request_of((wr_web_inside *)(void *)link);
        int error = wr_web_launch(web, request);
        if (error != 0)
            wr_web_finish(web, request, error);
    }
}

void wr_web_drop(wr_web *web, wr_web_request *request) {
    wr_web_inside *inside = wr_web_inside_of(request);
    wr_web_host *host = inside->host;
    if (inside->transfer != NULL)
        wr_web_release(inside->transfer);
    else if (host != NULL)
        wr_list_remove(&inside->link);
    char shown[256];
    int error =
        wr_refuse(&request->why, -ECANCELED, "ECANCELED", "%s: cancelled",
                  wr_web_shown(wr_web_url(request), shown, sizeof(shown)));
    wr_web_finish(web, request, error);
    if (host != NULL)
        wr_web_pump(web, host);
}
