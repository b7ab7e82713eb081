// SPDX-License-Identifier: MIT
// A group of processes for the tests below the graph, and kernels that do what
// nobody should.
#ifndef TEST_PROCS_RIG_H
#define TEST_PROCS_RIG_H

#include "graph/mailbox.h"
#include "graph/zygote.h"
#include "support/procs.h"

// ---- kernels ---------------------------------------------------------------

// What tests and processes share.
typedef struct board {
    tally runs;
    tally inside;
    tally highest;
    tally go; // lets held_up() go on
    tally begun;
    tally workers; // a bit for each that has been seen
    uint64_t number;
    uint32_t member;
    char text[64];
} board;

static inline int count(const weir_kernel_call *call) {
    tally_add(&((board *)call->data[0])->runs);
    return 0;
}

// Where it ran, with which arguments.
static inline int describe(const weir_kernel_call *call) {
    board *b = call->data[0];
    CHECK(call->self == NULL && call->graph == NULL);
    CHECK_EQ(call->data_count, 1);
    CHECK_EQ((uintptr_t)call->arguments % 16, 0);
    memcpy(b->text, call->arguments, call->arguments_size);
    b->number = call->number;
    b->member = call->member;
    return (int)call->members - 1;
}

static inline int held_up(const weir_kernel_call *call) {
    board *b = call->data[0];
    tally_add(&b->begun);
    mark_await(&b->go, 1);
    tally_add(&b->runs);
    return 0;
}

static inline int until_cancelled(const weir_kernel_call *call) {
    board *b = call->data[0];
    mark_set(&b->begun);
    while (!weir_kernel_cancelled(call))
        sched_yield();
    return weir_kernel_fail(call, -EINTR, "told");
}

static inline int crash(const weir_kernel_call *call) {
    tally_add(&((board *)call->data[0])->begun);
    raise(SIGSEGV);
    return 0;
}

static inline int leave(const weir_kernel_call *call) {
    (void)call;
    exit(7);
}

static inline int fail(const weir_kernel_call *call) {
    return weir_kernel_fail(call, -ENOTSUP, "not %s", "today");
}

static inline int positive(const weir_kernel_call *call) {
    (void)call;
    return 5;
}

// Ends when as many are inside as the group has members. The first notes what
// has run by then.
static inline int meet(const weir_kernel_call *call) {
    board *b = call->data[0];
    if (tally_add(&b->inside) == 1)
        b->number = tally_get(&b->runs);
    while (tally_get(&b->inside) < call->members)
        sched_yield();
    tally_add(&b->runs);
    return 0;
}

// The second member to come dies; the first waits until it is told.
static inline int one_dies(const weir_kernel_call *call) {
    board *b = call->data[0];
    if (tally_add(&b->inside) == call->members)
        raise(SIGKILL);
    while (!weir_kernel_cancelled(call))
        sched_yield();
    return -EINTR;
}

static inline wr_mail_frame *frame_of(const weir_kernel_call *call) {
    return (wr_mail_frame *)(uintptr_t)call->arguments - 1;
}

static inline int spoil_state(const weir_kernel_call *call) {
    wr_store(&frame_of(call)->word, 12345, relaxed, ALONE, "a wild write");
    while (pause() != 0)
        continue;
    return 0;
}

static inline int spoil_number(const weir_kernel_call *call) {
    ((weir_kernel_call *)(uintptr_t)call)->number += 1;
    return 0;
}

static inline int spoil_reason(const weir_kernel_call *call) {
    (void)weir_kernel_fail(call, -1, "%0511d", 0);
    return -EPROTO;
}

static inline int for_a_while(const weir_kernel_call *call) {
    int64_t end_ns = weir_now_ns() + *(const int64_t *)call->arguments;
    while (weir_now_ns() < end_ns)
        continue;
    tally_add(&((board *)call->data[0])->runs);
    return 0;
}

static inline int stop_itself(const weir_kernel_call *call) {
    tally_add(&((board *)call->data[0])->begun);
    raise(SIGSTOP);
    return 0;
}

static inline int close_everything(const weir_kernel_call *call) {
    (void)call;
    for (int fd = 0; fd < 1024; fd++)
        close(fd);
    return 0;
}

// How many descriptors there are, and which of the first three.
static inline int look_at_descriptors(const weir_kernel_call *call) {
    board *b = call->data[0];
    for (int fd = 0; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            continue;
        tally_add(&b->runs);
        if (fd < 3)
            tally_add(&b->inside);
    }
    return 0;
}

enum {
    COUNT,
    DESCRIBE,
    HOLD,
    UNTIL_CANCELLED,
    CRASH,
    LEAVE,
    FAIL,
    POSITIVE,
    MEET,
    ONE_DIES,
    SPOIL_STATE,
    SPOIL_NUMBER,
    SPOIL_REASON,
    SPOIL_NEXT,
    FOR_A_WHILE,
    STOP_ITSELF,
    CLOSE_EVERYTHING,
    LOOK_AT_DESCRIPTORS,
};

// The next frame, board->number bytes on, looks like a task.
static inline int spoil_next(const weir_kernel_call *call) {
    uint64_t stride = ((board *)call->data[0])->number;
    wr_mail_frame *own = frame_of(call);
    wr_mail_frame *next = (wr_mail_frame *)(void *)((char *)own + stride);
    memcpy(next, own, stride);
    next->kernel = COUNT;
    wr_store(&next->word, wr_frame_word(1000000, WR_FRAME_PUBLISHED), relaxed,
             ALONE, "a wild write");
    return 0;
}

static const weir_kernel kernels[] = {
    [COUNT] = {"count", count},
    [DESCRIBE] = {"describe", describe},
    [HOLD] = {"hold", held_up},
    [UNTIL_CANCELLED] = {"until_cancelled", until_cancelled},
    [CRASH] = {"crash", crash},
    [LEAVE] = {"leave", leave},
    [FAIL] = {"fail", fail},
    [POSITIVE] = {"positive", positive},
    [MEET] = {"meet", meet},
    [ONE_DIES] = {"one_dies", one_dies},
    [SPOIL_STATE] = {"spoil_state", spoil_state},
    [SPOIL_NUMBER] = {"spoil_number", spoil_number},
    [SPOIL_REASON] = {"spoil_reason", spoil_reason},
    [SPOIL_NEXT] = {"spoil_next", spoil_next},
    [FOR_A_WHILE] = {"for_a_while", for_a_while},
    [STOP_ITSELF] = {"stop_itself", stop_itself},
    [CLOSE_EVERYTHING] = {"close_everything", close_everything},
    [LOOK_AT_DESCRIPTORS] = {"look_at_descriptors", look_at_descriptors},
};

// ---- a group ---------------------------------------------------------------

typedef struct rig {
    weir_zygote *zygote;
    weir_procs *procs;
    wr_endpoint *endpoint;
    board *board;
} rig;

static int (*rig_start)(void *context); // of the next rig

static inline void zygote_up(rig *r) {
    weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
    options.kernels = kernels;
    options.kernels_count = TEST_COUNT(kernels);
    options.shared_bytes = (size_t)64 << 20;
    options.start = rig_start;
    CHECK_EQ(weir_zygote_create(&r->zygote, &options), 0);
    r->board = weir_zygote_alloc(r->zygote, sizeof(board));
    CHECK(r->board != NULL);
    options.context = r->board;
}

static inline void group_up(rig *r, unsigned children, unsigned depth) {
    weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
    options.children = children;
    options.depth = depth;
    CHECK_EQ(weir_procs_create(&r->procs, r->zygote, &options), 0);
    r->endpoint = wr_procs_endpoint(r->procs);
}

static inline void up(rig *r, unsigned children, unsigned depth) {
    zygote_up(r);
    group_up(r, children, depth);
}

static inline void down(rig *r) {
    int pid = weir_procs_pid(r->procs, 0);
    weir_procs_destroy(r->procs);
    CHECK(pid < 0 || process_state(pid) == 0);
    weir_zygote_destroy(r->zygote);
    CHECK(!has_children());
}

static inline weir_procs_counts figures_of(rig *r) {
    weir_procs_counts counts = {.size = sizeof(counts)};
    CHECK_EQ(weir_procs_count(r->procs, &counts), 0);
    return counts;
}

static inline errand *errands_new(size_t n) {
    errand *e = calloc(n, sizeof(*e));
    CHECK(e != NULL);
    return e;
}

static rig chain_rig; // of tests whose outcomes submit

#endif
