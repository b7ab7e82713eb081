// SPDX-License-Identifier: MIT
// The zygote and its keeper. Start here, then procs_types.h, then procs.md.
#ifndef WR_GRAPH_ZYGOTE_H
#define WR_GRAPH_ZYGOTE_H

#include "base/atomic.h"
#include "base/hash.h"
#include "base/list.h"
#include "graph/mailbox.h"
#include "os/os.h"
#include "weir/procs.h"

#include <poll.h>
#include <stdbool.h>

enum {
    WR_KERNEL_NAME_MAX = 64, // bytes with their end
    WR_LOADED_PATH_MAX = 1024,
    WR_LOADED_SYMBOL_MAX = 256,
    WR_LOADED_MAX = 256,
};

// A kernel that was there when the zygote was made.
typedef struct wr_known_kernel {
    char name[WR_KERNEL_NAME_MAX];
    int (*run)(const weir_kernel_call *call);
} wr_known_kernel;

// One that came later, in memory that all processes see.
typedef struct wr_loaded_kernel {
    char name[WR_KERNEL_NAME_MAX];
    char library[WR_LOADED_PATH_MAX];
    char symbol[WR_LOADED_SYMBOL_MAX];
} wr_loaded_kernel;

// What the program tells all processes.
typedef struct wr_zygote_board {
    wr_atomic_u32 loaded_count;
    wr_loaded_kernel loaded[WR_LOADED_MAX];
} wr_zygote_board;

// The shared memory by pages: page[i] of the first and the last page of a
// block says how many it has, and whether it is used.
typedef struct wr_page_map {
    wr_mutex lock;
    char *memory;
    size_t bytes;
    size_t page_bytes;
    uint32_t *page;
    uint32_t pages;
    uint32_t lowest; // no block before this page is free
} wr_page_map;

// Everything here is there before the fork unless it says otherwise; the zygote
// and its processes have a copy of it.
struct weir_zygote {
    wr_forkmark mark;
    wr_page_map map;
    wr_zygote_board *board;
    int (*start)(void *context);
    void *context;
    unsigned cpus;  // that the program may use
    int program;    // pid
    wr_wakefd bell; // wakes the keeper
    int ends[2];    // of the socket: the program's, the zygote's

    // Kernels. `base` is the caller's table: its address is a hint.
    wr_known_kernel *known;
    uint32_t known_count;
    const weir_kernel *base;
    wr_hash_secret secret;
    wr_mutex kernels_lock; // of what follows, but for entries found before
    uint32_t *slots;       // by name: index + 1; 0: free
    uint32_t slots_mask;
    uint32_t loaded_count;
    wr_loaded_kernel *texts; // as on the board, where no process can spoil it
    weir_kernel loaded[WR_LOADED_MAX]; // what weir_zygote_load gave out

    // The keeper.
    wr_thread thread;
    wr_atomic_u32 hello; // 0, then 1: up, or 2: failed, `error` says why
    int error;
    wr_atomic_u32 quit;
    wr_atomic_u32 broken;    // 1: the zygote has ended; stays
    wr_atomic_u64 next_look; // when the keeper looks for itself
    wr_mutex lock;           // of arrivals
    wr_link arrivals;        // groups that the keeper did not see yet

    // The keeper's own, after the fork.
    int pid;
    int watch;
    char ending[96]; // how the zygote ended, in words
    wr_link groups;
    wr_link to_reap;        // processes that have ended
    wr_link to_spawn;       // processes to be made
    struct wr_child *asked; // the zygote was asked something for it
    int64_t asked_ns;       // when
    uint64_t serial;        // of the last request
    uint32_t order;         // of that
    bool answered;          // it was answered
    bool disowned;          // it was killed: nothing that it says counts
    struct pollfd *polled;
    struct wr_child **polled_child;
    size_t polled_max;
};

// zygote_memory.c
int wr_page_map_init(wr_page_map *map, size_t bytes);
void wr_page_map_fini(wr_page_map *map);
void *wr_page_map_take(wr_page_map *map, size_t bytes);
void wr_page_map_give(wr_page_map *map, void *memory);

// zygote_kernels.c. wr_zygote_kernel: its number, or -ENOENT.
int wr_zygote_kernels_init(weir_zygote *zygote, const weir_kernel *kernels,
                           size_t count);
void wr_zygote_kernels_fini(weir_zygote *zygote);
int64_t wr_zygote_kernel(weir_zygote *zygote, const weir_kernel *kernel);

// zygote_process.c, child.c: the other processes. Neither returns.
_Noreturn void wr_zygote_main(weir_zygote *zygote);
_Noreturn void wr_child_main(weir_zygote *zygote, wr_mailbox *mail, int parent);

// procs_keeper.c: the thread.
void *wr_keeper_main(void *zygote);

// wr_keeper_ring wakes the keeper; any thread.
static inline void wr_keeper_ring(weir_zygote *zygote) {
    wr_wakefd_signal(&zygote->bell);
}

static inline bool wr_zygote_broken(weir_zygote *zygote) {
    return wr_load(&zygote->broken, relaxed, ALONE,
                   "it only ever becomes so, and locks order the rest") != 0;
}

#endif
