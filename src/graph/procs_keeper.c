// SPDX-License-Identifier: MIT
// The keeper: one thread for a zygote and all its groups. It asks the zygote
// for processes and for how they ended, one thing at a time, and sleeps in
// ppoll until something happens.
#include "graph/procs_types.h"

#include "base/check.h"
#include "base/fault.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { AT_BELL, AT_SOCKET, AT_ZYGOTE, AT_CHILDREN };

enum { NAP_NS = 50000 };

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

// ---- asking the zygote -----------------------------------------------------

void wr_zygote_disown(weir_zygote *zygote) {
    zygote->disowned = true;
    wr_process_kill(zygote->watch);
}

static void send_request(weir_zygote *zygote, wr_zygote_request *request) {
    request->serial = ++zygote->serial;
    zygote->order = request->order;
    zygote->answered = false;
    zygote->asked_ns = wr_now_ns();
    ssize_t sent = -1;
    if (!wr_fault(WR_FAULT_SEND))
        do
            sent =
                send(zygote->ends[0], request, sizeof(*request), MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
    // It has ended, or cannot be asked, and then nothing ever comes of this: in
    // both cases its descriptor will say that it has ended.
    if (sent != (ssize_t)sizeof(*request))
        wr_zygote_disown(zygote);
}

static void ask_for_remains(weir_zygote *zygote) {
    wr_child *child =
        wr_container_of(wr_list_pop_front(&zygote->to_reap), wr_child, todo);
    wr_zygote_request request = {.order = child->watch < 0 ? WR_ZYGOTE_END
                                                           : WR_ZYGOTE_REAP,
                                 .pid = child->pid};
    zygote->asked = child;
    send_request(zygote, &request);
}

static void ask_for_process(weir_zygote *zygote, wr_child *child) {
    wr_list_remove(&child->todo);
    if (wr_fault(WR_FAULT_PROCESS)) {
        wr_child_spawned(child, -1, -EAGAIN);
        return;
    }
    wr_mutex_lock(&child->procs->lock);
    wr_child_mail_init(child);
    child->state = WR_CHILD_ASKED;
    wr_mutex_unlock(&child->procs->lock);
    wr_zygote_request request = {.order = WR_ZYGOTE_SPAWN, .mail = child->mail};
    zygote->asked = child;
    send_request(zygote, &request);
}

// The next thing to ask. Returns when there may be another.
static int64_t ask(weir_zygote *zygote) {
    while (zygote->asked == NULL && zygote->watch >= 0 && !zygote->disowned) {
        if (!wr_list_empty(&zygote->to_reap)) {
            ask_for_remains(zygote);
            break;
        }
        int64_t now_ns = wr_now_ns();
        int64_t next_ns = INT64_MAX;
        wr_child *due = NULL;
        for (wr_link *link = zygote->to_spawn.next;
             link != &zygote->to_spawn && due == NULL; link = link->next) {
            wr_child *child = wr_container_of(link, wr_child, todo);
            if (child->spawn_at_ns <= now_ns)
                due = child;
            else
                next_ns = earlier(next_ns, child->spawn_at_ns);
        }
        if (due == NULL)
            return next_ns;
        ask_for_process(zygote, due);
        if (zygote->asked == NULL)
            return now_ns; // it failed at once: what follows is for its group
    }
    return INT64_MAX;
}

// Is it what was asked for? Each request has one answer, and a process that was
// made is nobody who was there before.
static bool is_answer(const weir_zygote *zygote, const wr_zygote_reply *reply,
                      ssize_t got) {
    if (got != (ssize_t)sizeof(*reply) || reply->serial != zygote->serial ||
        zygote->answered)
        return false;
    return zygote->order != WR_ZYGOTE_SPAWN || reply->error != 0 ||
           (reply->pid > 1 && reply->pid != zygote->pid &&
            reply->pid != zygote->program);
}

static void hear(weir_zygote *zygote) {
    wr_zygote_reply reply;
    ssize_t got;
    do
        got = recv(zygote->ends[0], &reply, sizeof(reply),
                   MSG_DONTWAIT | MSG_TRUNC);
    while (got < 0 && errno == EINTR);
    if (got < 0 || zygote->disowned)
        return; // nothing, or it has ended: its descriptor will say so
    if (!is_answer(zygote, &reply, got)) {
        // The answer may never come. If it has ended this changes nothing of
        // how.
        wr_zygote_disown(zygote);
        return;
    }
    wr_child *child = zygote->asked;
    zygote->asked = NULL;
    zygote->answered = true;
    if (zygote->order == WR_ZYGOTE_SPAWN)
        wr_child_spawned(child, reply.pid,
                         reply.error == 0         ? 0
                         : reply.error == -ENOMEM ? -ENOMEM
                                                  : -EAGAIN);
    else if (zygote->order != WR_ZYGOTE_HELLO)
        wr_child_reaped(child, reply.signal, reply.exit_status);
}

// ---- the zygote is gone ----------------------------------------------------

// Nobody answers any more: what was asked, and what would be.
static void settle_alone(weir_zygote *zygote) {
    wr_child *asked = zygote->asked;
    zygote->asked = NULL;
    if (asked != NULL && zygote->order == WR_ZYGOTE_SPAWN)
        wr_child_spawned(asked, -1, -EOWNERDEAD);
    else if (asked != NULL)
        wr_list_push_back(&zygote->to_reap, &asked->todo);
    wr_link *link;
    while ((link = wr_list_pop_front(&zygote->to_reap)) != NULL) {
        wr_child *child = wr_container_of(link, wr_child, todo);
        // They were killed with it; whoever has them now takes their remains.
        int number = 9;
        int exit_status = -1;
        if (child->watch >= 0)
            (void)wr_process_reap(child->watch, &number, &exit_status);
        wr_child_reaped(child, number, exit_status);
    }
}

static void zygote_ended(weir_zygote *zygote) {
    int number = 0;
    int exit_status = -1;
    if (!wr_process_reap(zygote->watch, &number, &exit_status))
        snprintf(zygote->ending, sizeof(zygote->ending), "it has ended");
    else if (number != 0)
        snprintf(zygote->ending, sizeof(zygote->ending),
                 "it was killed by signal %d (%s)", number, strsignal(number));
    else
        snprintf(zygote->ending, sizeof(zygote->ending),
                 "it exited with status %d", exit_status);
    close(zygote->watch);
    zygote->watch = -1;
    wr_store(&zygote->broken, 1, relaxed, ALONE,
             "it only ever becomes so, and locks order the rest");
    for (wr_link *link = zygote->groups.next; link != &zygote->groups;
         link = link->next)
        wr_procs_zygote_broken(wr_container_of(link, weir_procs, link));
    settle_alone(zygote);
}

// ---- sleeping --------------------------------------------------------------

static void watch_one(weir_zygote *zygote, size_t *count, int fd,
                      wr_child *child) {
    wr_assert(*count < zygote->polled_max);
    zygote->polled[*count] = (struct pollfd){.fd = fd, .events = POLLIN};
    zygote->polled_child[*count] = child;
    (*count)++;
}

static size_t fill_polled(weir_zygote *zygote) {
    size_t count = 0;
    watch_one(zygote, &count, zygote->bell.read_fd, NULL);
    // Without the zygote the socket is readable for ever; -1 is passed over.
    watch_one(zygote, &count, zygote->watch < 0 ? -1 : zygote->ends[0], NULL);
    watch_one(zygote, &count, zygote->watch, NULL);
    for (wr_link *link = zygote->groups.next; link != &zygote->groups;
         link = link->next) {
        weir_procs *procs = wr_container_of(link, weir_procs, link);
        for (uint32_t i = 0; i < procs->children; i++) {
            wr_child *child = &procs->child[i];
            if (child->watch >= 0 && !child->ended)
                watch_one(zygote, &count, child->watch, child);
        }
    }
    return count;
}

static void sleep_until(struct pollfd *polled, size_t count, int64_t at_ns) {
    struct timespec rest = {0, 0};
    int64_t ns = at_ns == INT64_MAX ? 0 : at_ns - wr_now_ns();
    if (ns > 0)
        rest = (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
                                 .tv_nsec = (long)(ns % 1000000000)};
    int ready =
        ppoll(polled, (nfds_t)count, at_ns == INT64_MAX ? NULL : &rest, NULL);
    if (ready >= 0)
        return;
    // Nothing is known then: look at everything the next time.
    wr_assert(errno == EINTR || errno == ENOMEM);
    for (size_t i = 0; i < count; i++)
        polled[i].revents = 0;
}

static void sleep_and_see(weir_zygote *zygote, int64_t at_ns) {
    size_t count = fill_polled(zygote);
    sleep_until(zygote->polled, count, at_ns);
    if (zygote->polled[AT_BELL].revents != 0)
        wr_wakefd_clear(&zygote->bell);
    if (zygote->polled[AT_SOCKET].revents != 0)
        hear(zygote);
    for (size_t i = AT_CHILDREN; i < count; i++)
        if (zygote->polled[i].revents != 0 &&
            zygote->polled_child[i]->watch == zygote->polled[i].fd)
            wr_child_ended(zygote->polled_child[i]);
    // After them, so that they are known to be dead.
    if (zygote->polled[AT_ZYGOTE].revents != 0)
        zygote_ended(zygote);
    else if (zygote->watch < 0)
        settle_alone(zygote);
}

// ---- groups ----------------------------------------------------------------

static bool make_polled(weir_zygote *zygote, size_t wanted) {
    if (wanted <= zygote->polled_max)
        return true;
    struct pollfd *polled = wr_calloc(wanted, sizeof(*polled));
    wr_child **child = wr_calloc(wanted, sizeof(wr_child *));
    if (polled == NULL || child == NULL) {
        wr_free(polled);
        wr_free(child);
        return false;
    }
    wr_free(zygote->polled);
    wr_free(zygote->polled_child);
    zygote->polled = polled;
    zygote->polled_child = child;
    zygote->polled_max = wanted;
    return true;
}

static void arrive(weir_zygote *zygote, weir_procs *procs) {
    size_t wanted = AT_CHILDREN + procs->children;
    for (wr_link *link = zygote->groups.next; link != &zygote->groups;
         link = link->next)
        wanted += wr_container_of(link, weir_procs, link)->children;
    wr_list_push_back(&zygote->groups, &procs->link);
    int error = !make_polled(zygote, wanted) ? -ENOMEM
                : zygote->watch < 0          ? -EOWNERDEAD
                                             : 0;
    wr_mutex_lock(&procs->lock);
    if (error != 0 && !procs->closing) {
        procs->closing = true;
        procs->error = error;
    }
    for (uint32_t i = 0; i < procs->children; i++) {
        wr_child *child = &procs->child[i];
        if (procs->closing) {
            procs->absent++;
            continue;
        }
        child->state = WR_CHILD_WANTED;
        wr_list_push_back(&zygote->to_spawn, &child->todo);
    }
    wr_mutex_unlock(&procs->lock);
}

static void take_arrivals(weir_zygote *zygote) {
    for (;;) {
        wr_mutex_lock(&zygote->lock);
        wr_link *link = wr_list_pop_front(&zygote->arrivals);
        wr_mutex_unlock(&zygote->lock);
        if (link == NULL)
            return;
        arrive(zygote, wr_container_of(link, weir_procs, link));
    }
}

static int64_t tend_all(weir_zygote *zygote, bool *busy) {
    int64_t next_ns = INT64_MAX;
    wr_link *link = zygote->groups.next;
    while (link != &zygote->groups) {
        weir_procs *procs = wr_container_of(link, weir_procs, link);
        link = link->next;
        bool gone;
        int64_t at_ns = wr_procs_tend(procs, &gone, busy);
        if (!gone)
            next_ns = earlier(next_ns, at_ns);
    }
    return next_ns;
}

// While threads submit, they make room in the mailboxes themselves: nothing
// stands still if outcomes come later and more at once.
static void nap(void) {
    struct timespec some = {.tv_nsec = NAP_NS};
    nanosleep(&some, NULL);
}

// ---- begin and end ---------------------------------------------------------

static void report(weir_zygote *zygote, int error) {
    zygote->error = error;
    wr_store(&zygote->hello, 1, release, KEEPER_1, "error is set");
    wr_futex_wake(&zygote->hello, 1);
}

static void kill_zygote(weir_zygote *zygote) {
    if (zygote->watch < 0)
        return;
    wr_process_kill(zygote->watch);
    struct pollfd polled = {.fd = zygote->watch, .events = POLLIN};
    while (poll(&polled, 1, -1) < 0)
        continue;
    int number;
    int exit_status;
    (void)wr_process_reap(zygote->watch, &number, &exit_status);
    close(zygote->watch);
    zygote->watch = -1;
}

static void end_unwatched(pid_t pid) {
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

// The zygote is watched before it answers: so it is the zygote that is watched.
static int say_hello(weir_zygote *zygote) {
    wr_zygote_request request = {.order = WR_ZYGOTE_HELLO};
    send_request(zygote, &request);
    while (!zygote->answered) {
        struct pollfd polled[2] = {{.fd = zygote->ends[0], .events = POLLIN},
                                   {.fd = zygote->watch, .events = POLLIN}};
        if (poll(polled, 2, -1) < 0)
            continue;
        if (polled[0].revents != 0)
            hear(zygote);
        if (polled[1].revents != 0 && !zygote->answered)
            return -EAGAIN; // killed, by whomever
    }
    return 0;
}

static int begin(weir_zygote *zygote) {
    if (!make_polled(zygote, AT_CHILDREN))
        return -ENOMEM;
    errno = EAGAIN;
    pid_t pid = wr_fault(WR_FAULT_PROCESS) ? -1 : fork();
    if (pid == 0)
        wr_zygote_main(zygote);
    if (pid < 0)
        return errno == ENOMEM ? -ENOMEM : -EAGAIN;
    zygote->pid = (int)pid;
    close(zygote->ends[1]);
    zygote->ends[1] = -1;
    zygote->watch = wr_process_watch(zygote->pid);
    int error = zygote->watch < 0 ? zygote->watch : say_hello(zygote);
    if (zygote->watch < 0)
        end_unwatched(pid);
    if (error != 0)
        kill_zygote(zygote);
    return error;
}

static void end(weir_zygote *zygote) {
    wr_free(zygote->polled);
    wr_free(zygote->polled_child);
}

static bool quit(weir_zygote *zygote) {
    return wr_load(&zygote->quit, acquire, KEEPER_2,
                   "nothing is asked any more") != 0;
}

void *wr_keeper_main(void *argument) {
    weir_zygote *zygote = argument;
    int error = begin(zygote);
    if (error != 0) {
        end(zygote);
        report(zygote, error);
        return NULL;
    }
    report(zygote, 0);
    while (!quit(zygote)) {
        // Who publishes a task with a limit from here on sees this, or its
        // task is seen below.
        wr_store(&zygote->next_look, UINT64_MAX, relaxed, ALONE,
                 "locks that are taken below order it");
        take_arrivals(zygote);
        bool busy = false;
        int64_t next_ns = tend_all(zygote, &busy);
        next_ns = earlier(next_ns, ask(zygote));
        wr_store(&zygote->next_look, (uint64_t)next_ns, relaxed, ALONE,
                 "who reads an older value rings once too often");
        if (busy)
            nap();
        sleep_and_see(zygote, next_ns);
    }
    kill_zygote(zygote);
    end(zygote);
    return NULL;
}
