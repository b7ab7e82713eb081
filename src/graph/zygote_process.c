// SPDX-License-Identifier: MIT
// The zygote itself: one thread, which does what it is asked and nothing else.
// It takes the remains of a process only when it is asked to: until then its
// pid means that process and no other.
#include "graph/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HIGH_FD = 500 };

static void spawn(weir_zygote *zygote, const wr_zygote_request *request,
                  wr_zygote_reply *reply) {
    int self = (int)getpid();
    pid_t pid = fork();
    if (pid == 0)
        wr_child_main(zygote, request->mail, self);
    reply->error = pid < 0 ? -errno : 0;
    reply->pid = (int32_t)pid;
}

static void reap(const wr_zygote_request *request, wr_zygote_reply *reply) {
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    int result;
    do
        result = waitid(P_PID, (id_t)request->pid, &info, WEXITED);
    while (result != 0 && errno == EINTR);
    reply->error = result != 0 ? -errno : 0;
    reply->pid = request->pid;
    reply->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    reply->exit_status = info.si_code == CLD_EXITED ? info.si_status : -1;
}

static void serve(weir_zygote *zygote, const wr_zygote_request *request,
                  wr_zygote_reply *reply) {
    if (request->order == WR_ZYGOTE_SPAWN)
        spawn(zygote, request, reply);
    if (request->order == WR_ZYGOTE_END && request->pid > 1)
        kill((pid_t)request->pid, SIGKILL);
    if (request->order == WR_ZYGOTE_END || request->order == WR_ZYGOTE_REAP)
        reap(request, reply);
}

// Kernels close descriptors that are not theirs, and open files that get their
// numbers: the bell has one that is not given out soon.
static void hang_the_bell_high(weir_zygote *zygote) {
    int fd = fcntl(zygote->bell.write_fd, F_DUPFD_CLOEXEC, HIGH_FD);
    if (fd < 0)
        return; // so many are not allowed
    close(zygote->bell.write_fd);
    zygote->bell.write_fd = fd;
}

_Noreturn void wr_zygote_main(weir_zygote *zygote) {
    static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGPIPE, 0};
    // Killed with the keeper from here on; that it lived until now is what the
    // pid tells. Signals are blocked still: no handler of the program runs.
    if (wr_process_follow(zygote->program) != 0)
        _exit(127);
    int keep[] = {zygote->ends[1], zygote->bell.write_fd};
    wr_process_begin(ignored, keep, 2);
    hang_the_bell_high(zygote);
    wr_process_name("weir-zygote");
    for (;;) {
        wr_zygote_request request;
        ssize_t got = recv(zygote->ends[1], &request, sizeof(request), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof(request))
            _exit(0); // the program is gone, or does not want it any more
        wr_zygote_reply reply = {
            .serial = request.serial, .pid = -1, .exit_status = -1};
        serve(zygote, &request, &reply);
        ssize_t sent;
        do
            sent = send(zygote->ends[1], &reply, sizeof(reply), MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        if (sent != (ssize_t)sizeof(reply))
            _exit(0);
    }
}
