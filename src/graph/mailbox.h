// SPDX-License-Identifier: MIT
// What the program and a process tell each other, in shared memory. A process
// may write anything there, by mistake or as it crashes: the program believes
// nothing of it but what procs_collect.c has looked at, and follows no pointer
// and no length from here. The protocols: procs.md.
#ifndef WR_GRAPH_MAILBOX_H
#define WR_GRAPH_MAILBOX_H

#include "base/atomic.h"
#include "base/round.h"
#include "os/os.h"
#include "weir/procs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What wr_mail_frame.word says in its lowest bits; the rest is a generation,
// another one each time that something is put in.
enum {
    WR_FRAME_EMPTY = 0,     // the program's
    WR_FRAME_PUBLISHED = 1, // whoever changes it first has it
    WR_FRAME_STARTED = 2,   // the process's
    WR_FRAME_DONE = 3,      // the program's again
    WR_FRAME_STATES = 4,
};

static inline uint64_t wr_frame_word(uint64_t generation, unsigned state) {
    return generation * WR_FRAME_STATES + state;
}

// One task in a mailbox. After this come the arguments, then the addresses,
// and at the end of the frame room for a reason.
typedef struct wr_mail_frame {
    _Alignas(WR_CACHE_LINE) wr_atomic_u64 word;
    // Written by the program while EMPTY.
    uint64_t number;
    uint32_t kernel;
    uint32_t arguments_size;
    uint32_t data_count;
    uint32_t member;
    uint32_t members;
    wr_atomic_u32 told; // 1: cancelled; stays
    // Written by the process.
    _Alignas(WR_CACHE_LINE) int64_t begin_ns; // before STARTED, the rest before
    int64_t end_ns;                           // DONE
    uint64_t number_back;                     // what it was asked to run
    uint64_t word_back;
    int32_t status;
    uint32_t reason_size; // bytes without an end; 0: none
    uint32_t unrun;       // 1: cancelled before it began
} wr_mail_frame;

// What `state` of a mailbox says.
enum { WR_MAIL_STARTING, WR_MAIL_READY, WR_MAIL_FAILED };

// One process's. After this come its frames.
typedef struct wr_mailbox {
    // Written by the program before the process exists.
    _Alignas(WR_CACHE_LINE) struct wr_mail_group *group;
    uint32_t index; // of the process
    uint32_t depth; // frames
    uint64_t stride;
    uint64_t payload; // bytes for arguments and addresses
    char name[16];
    wr_atomic_u32 state; // the process's
    wr_atomic_u32 stop;  // 1: end; stays
    // 1: the process sleeps on it, or is about to; the waker makes it 0.
    _Alignas(WR_CACHE_LINE) wr_atomic_u32 asleep;
    wr_atomic_u64 sleeps; // how often it went to sleep
    wr_atomic_u32 cpu;    // where it last looked for work: number + 1
} wr_mailbox;

// What the processes of a group share.
typedef struct wr_mail_group {
    // How many threads of the program look for outcomes without being told.
    _Alignas(WR_CACHE_LINE) wr_atomic_u32 spinners;
    wr_atomic_u32 rung; // 1: the keeper was told, and did not come yet
    wr_atomic_u32 cpu;  // where a spinner was last: number + 1
} wr_mail_group;

// Room for arguments, then addresses at the next multiple of 8.
static inline size_t wr_frame_room(size_t payload) {
    return wr_round_up(payload + 8, WR_CACHE_LINE);
}

static inline size_t wr_frame_stride(size_t payload) {
    return sizeof(wr_mail_frame) + wr_frame_room(payload) + WEIR_REASON_MAX;
}

static inline size_t wr_mailbox_bytes(size_t payload, unsigned depth) {
    return wr_round_up(sizeof(wr_mailbox) + depth * wr_frame_stride(payload),
                       2 * WR_CACHE_LINE);
}

static inline wr_mail_frame *wr_mail_frame_at(wr_mailbox *mail, uint64_t stride,
                                              uint64_t index) {
    return (wr_mail_frame *)(void *)((char *)(mail + 1) + index * stride);
}

static inline void *wr_frame_arguments(wr_mail_frame *frame) {
    return frame + 1;
}

static inline void **wr_frame_data(wr_mail_frame *frame, size_t arguments) {
    return (void **)(void *)((char *)(frame + 1) + wr_round_up(arguments, 8));
}

static inline char *wr_frame_reason(wr_mail_frame *frame, size_t payload) {
    return (char *)(frame + 1) + wr_frame_room(payload);
}

// ---- the socket ------------------------------------------------------------

enum wr_zygote_order {
    WR_ZYGOTE_HELLO, // answered, nothing else
    WR_ZYGOTE_SPAWN, // make a process for `mail`; answers its pid
    WR_ZYGOTE_REAP,  // take the remains of `pid`; answers how it ended
    WR_ZYGOTE_END,   // kill `pid`, then as REAP
};

typedef struct wr_zygote_request {
    uint64_t serial;
    uint32_t order; // enum wr_zygote_order
    int32_t pid;
    wr_mailbox *mail;
} wr_zygote_request;

typedef struct wr_zygote_reply {
    uint64_t serial;
    int32_t error; // 0 or a negative errno
    int32_t pid;
    int32_t signal;      // that ended it, or 0
    int32_t exit_status; // or -1
} wr_zygote_reply;

#endif
