// SPDX-License-Identifier: MIT
// A hand-written epoll loop with a timer, a signal, and a call in two stages.
//
//   cc loop_epoll.c $(pkg-config --cflags --libs weir)
//
// The call first reads a pipe, which sleeps until somebody writes: that is for
// a blocking lane. Then it computes, and goes on from the lane to the pool
// without a visit to the loop. Meanwhile the loop ticks, and it is the loop
// that writes, at the third tick. SIGTERM closes the loop in good order: every
// accepted call is delivered, and `closed` is the last that is heard of it.
//
// Prints:
//   tick 1
//   tick 2
//   tick 3: writing to the pipe
//   20 letters
//   SIGTERM: closing
//   closed
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <weir/loop.h>

struct question {
    weir_call call; // first, so that a pointer to it points to all of it
    weir_pool *pool;
    int pipe;
    char line[80];
    ssize_t length;
    int letters;
};

static const weir_site asking = WEIR_SITE_INIT("read a line, count letters");
static int over;

// ---- the call --------------------------------------------------------------

static int count_letters(weir_worker *self, weir_call *call) {
    struct question *question = (struct question *)call;
    (void)self;
    for (ssize_t i = 0; i < question->length; i++)
        question->letters += isalpha((unsigned char)question->line[i]) != 0;
    return 0;
}

static int read_line(weir_worker *self, weir_call *call) {
    struct question *question = (struct question *)call;
    (void)self; // NULL: a thread of the lane
    question->length =
        read(question->pipe, question->line, sizeof(question->line));
    if (question->length < 0)
        return -errno;
    weir_call_continue(call, question->pool, NULL, count_letters);
    return 0;
}

static void answered(weir_call *call, int status) {
    if (status == 0)
        printf("%d letters\n", ((struct question *)call)->letters);
    kill(getpid(), SIGTERM); // as somebody will, some day
}

// ---- the loop --------------------------------------------------------------

static void closed(weir_loop *loop, void *context) {
    (void)loop, (void)context;
    printf("closed\n");
    over = 1;
}

static int on_timer(int timer, int writing) {
    static int ticks;
    uint64_t expired;
    if (read(timer, &expired, sizeof(expired)) < 0 || ticks == 3)
        return 0;
    ticks++;
    printf("tick %d%s\n", ticks, ticks == 3 ? ": writing to the pipe" : "");
    return ticks == 3 && write(writing, "compute beside the loop", 23) < 0;
}

static int on_signal(int signals, weir_loop *loop) {
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof(info)) < 0)
        return 1;
    printf("SIGTERM: closing\n");
    return weir_loop_close(loop, WEIR_STOP_DRAIN, closed, NULL) != 0;
}

#define HOUR_NS INT64_C(3600000000000)

// sleep_ms is how long epoll may sleep: not at all when calls have just been
// delivered and more are on their way, else until the next deadline.
static int sleep_ms(weir_loop *loop, int delivered) {
    if (delivered > 0 && weir_loop_pending(loop) > 0)
        return 0;
    int64_t due_ns = weir_loop_next_deadline(loop);
    if (due_ns == WEIR_FOREVER)
        return -1;
    int64_t left_ns = due_ns - weir_now_ns();
    if (left_ns > HOUR_NS)
        left_ns = HOUR_NS; // an int holds no more than a few weeks
    return left_ns > 0 ? (int)(left_ns / 1000000) + 1 : 0;
}

static int watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int run(weir_loop *loop, int timer, int signals, int writing) {
    int epoll = epoll_create1(EPOLL_CLOEXEC), failed = 0;
    if (epoll < 0 || watch(epoll, timer) < 0 || watch(epoll, signals) < 0 ||
        watch(epoll, weir_loop_fd(loop)) < 0)
        return 1;
    while (!over && !failed) {
        int delivered = weir_loop_drain_spin(loop);
        struct epoll_event event;
        if (over || epoll_wait(epoll, &event, 1, sleep_ms(loop, delivered)) < 1)
            continue;
        if (event.data.fd == timer)
            failed = on_timer(timer, writing);
        else if (event.data.fd == signals)
            failed = on_signal(signals, loop);
        // else: it is weir's, and the drain comes next
    }
    close(epoll);
    return failed;
}

int main(void) {
    // Blocked before there are threads, so that all of them inherit it.
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, NULL);

    weir_pool *pool = NULL;
    weir_lane *lane = NULL;
    weir_loop *loop = NULL;
    int error = weir_pool_create(&pool, NULL);
    if (error == 0)
        error = weir_lane_create(&lane, NULL);
    if (error == 0)
        error = weir_loop_create(&loop, NULL);
    int ends[2], timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    int signals = signalfd(-1, &mask, SFD_CLOEXEC);
    if (error != 0 || pipe(ends) < 0 || timer < 0 || signals < 0) {
        fprintf(stderr, "%s\n", weir_strerror(error));
        return 1;
    }
    struct itimerspec every = {{0, 2000000}, {0, 2000000}};
    timerfd_settime(timer, 0, &every, NULL);

    struct question question = {.pool = pool, .pipe = ends[0]};
    question.call = (weir_call)WEIR_CALL_INIT(read_line, answered);
    question.call.site = &asking;
    int failed = weir_call_submit_lane(loop, lane, &question.call) != 0 ||
                 run(loop, timer, signals, ends[1]);

    close(ends[1]); // ends a read that nobody has answered
    while (weir_loop_pending(loop) > 0 &&
           weir_loop_wait(loop, WEIR_FOREVER) == 0)
        weir_loop_drain(loop);
    weir_lane_destroy(lane);
    weir_pool_destroy(pool);
    weir_loop_destroy(loop);
    return failed || question.letters != 20;
}
