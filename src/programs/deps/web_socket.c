// SPDX-License-Identifier: MIT
// Between curl and epoll. A kept connection is given to one transfer after the
// other; curl takes its descriptor out and puts it in again each time. Here it
// stays in until it is closed or speaks out of turn: two system calls less per
// request.
#include "programs/deps/web_inside.h"

#include "base/fault.h"
#include "weir/base.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// The place for a descriptor, or NULL: there is no memory for it, and the
// system is asked each time.
static wr_web_socket *socket_of(wr_web *web, curl_socket_t fd) {
    size_t index = (size_t)fd;
    if (index >= web->sockets_size) {
        size_t size = web->sockets_size * 2 + 64;
        size = size > index ? size : index + 1;
        wr_web_socket *larger =
            wr_fault(WR_FAULT_ALLOC)
                ? NULL
                : realloc(web->sockets, size * sizeof(*larger));
        if (larger == NULL)
            return NULL;
        memset(larger + web->sockets_size, 0,
               (size - web->sockets_size) * sizeof(*larger));
        web->sockets = larger;
        web->sockets_size = size;
    }
    return &web->sockets[index];
}

static bool tell(wr_web *web, curl_socket_t fd, uint8_t events, bool known) {
    struct epoll_event event = {.events = events, .data.u64 = (uint32_t)fd};
    int how = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(web->poll, events == 0 ? EPOLL_CTL_DEL : how, fd, &event) ==
            0 ||
        events == 0)
        return true;
    how = known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    return epoll_ctl(web->poll, how, fd, &event) == 0;
}

void wr_web_tell_again(wr_web *web) {
    web->untold = false;
    for (size_t fd = 0; fd < web->sockets_size; fd++) {
        wr_web_socket *entry = &web->sockets[fd];
        if (entry->wanted == 0 || entry->known == entry->wanted)
            continue;
        if (tell(web, (curl_socket_t)fd, entry->wanted, entry->known != 0))
            entry->known = entry->wanted;
        else
            web->untold = true;
    }
}

int wr_web_on_socket(CURL *easy, curl_socket_t fd, int what, void *context,
                     void *unused) {
    (void)easy, (void)unused;
    wr_web *web = context;
    uint8_t wanted = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        wanted |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        wanted |= EPOLLOUT;
    wr_web_socket *entry = socket_of(web, fd);
    if (entry == NULL) {
        (void)tell(web, fd, wanted, false);
        return 0;
    }
    entry->wanted = wanted;
    if (entry->known == wanted ||
        (wanted == 0 && entry->ours && entry->known == EPOLLIN))
        return 0;
    if (tell(web, fd, wanted, entry->known != 0))
        entry->known = wanted;
    else
        web->untold = true; // tried again: the transfer would wait in vain
    return 0;
}

void wr_web_ready(wr_web *web, int fd, uint32_t events) {
    wr_web_socket *entry = socket_of(web, fd);
    if (entry != NULL && entry->wanted == 0 && entry->known != 0) {
        // Kept, and yet it speaks: its peer has most probably closed it. curl
        // finds that out when it takes it.
        (void)tell(web, fd, 0, true);
        entry->known = 0;
        return;
    }
    int what = ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
               ((events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    int running;
    curl_multi_socket_action(web->multi, fd, what, &running);
}

int wr_web_on_timer(CURLM *multi, long ms, void *context) {
    (void)multi;
    wr_web *web = context;
    web->timer_ns = ms < 0    ? WEIR_FOREVER
                    : ms == 0 ? 0
                              : weir_now_ns() + (int64_t)ms * 1000000;
    return 0;
}

curl_socket_t wr_web_on_open(void *context, curlsocktype kind,
                             struct curl_sockaddr *address) {
    (void)kind;
    wr_web_transfer *transfer = context;
    wr_web *web = transfer->web;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                    address->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    web->counts.connections++;
    wr_web_host *host = wr_web_inside_of(transfer->request)->host;
    web->looked_up |= !host->known;
    host->known = true;
    wr_web_socket *entry = socket_of(web, fd);
    if (entry != NULL)
        *entry = (wr_web_socket){0, 0, true};
    return fd;
}

int wr_web_on_close(void *context, curl_socket_t fd) {
    wr_web *web = context;
    if ((size_t)fd < web->sockets_size)
        web->sockets[fd] = (wr_web_socket){0, 0, false};
    return close(fd);
}
