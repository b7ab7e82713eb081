// SPDX-License-Identifier: MIT
// Making and ending a zygote, in the program. What goes on in between: in the
// program procs_keeper.c, in the zygote itself zygote_process.c.
#include "graph/zygote.h"

#include "base/check.h"
#include "base/fault.h"
#include "base/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// A message is taken whole or not at all; the other end sees the end of it.
static int make_ends(weir_zygote *zygote) {
    int ends[2];
    if (wr_fault(WR_FAULT_FD))
        return -EMFILE;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return errno == EMFILE || errno == ENFILE ? -errno : -ENOMEM;
    for (int i = 0; i < 2; i++)
        zygote->ends[i] = wr_high_fd(ends[i]);
    return zygote->ends[0] < 0 || zygote->ends[1] < 0 ? -EMFILE : 0;
}

static int make_bell(weir_zygote *zygote) {
    wr_wakefd bell;
    int error = wr_wakefd_open(&bell);
    if (error != 0)
        return error;
    // Over 2, where processes keep it. With an eventfd it is one descriptor.
    wr_assert(bell.read_fd == bell.write_fd);
    int fd = wr_high_fd(bell.read_fd);
    if (fd < 0)
        return fd;
    zygote->bell = (wr_wakefd){.read_fd = fd, .write_fd = fd};
    return 0;
}

static int make_memory(weir_zygote *zygote, size_t bytes) {
    zygote->board = wr_shared_alloc(sizeof(*zygote->board));
    if (zygote->board == NULL)
        return -ENOMEM;
    return wr_page_map_init(&zygote->map, bytes);
}

static int make_parts(weir_zygote *zygote, const weir_zygote_options *options) {
    int error = wr_zygote_kernels_init(zygote, options->kernels,
                                       options->kernels_count);
    if (error == 0)
        error = make_memory(zygote, options->shared_bytes);
    if (error == 0)
        error = make_ends(zygote);
    if (error == 0)
        error = make_bell(zygote);
    return error;
}

static void close_if_open(int fd) {
    if (fd >= 0)
        close(fd);
}

static void zygote_free(weir_zygote *zygote) {
    close_if_open(zygote->bell.read_fd);
    close_if_open(zygote->ends[0]);
    close_if_open(zygote->ends[1]);
    wr_page_map_fini(&zygote->map);
    wr_shared_free(zygote->board, sizeof(*zygote->board));
    wr_zygote_kernels_fini(zygote);
    wr_forkmark_fini(&zygote->mark);
    wr_free(zygote);
}

static weir_zygote *zygote_alloc(const weir_zygote_options *options) {
    weir_zygote *zygote = wr_calloc(1, sizeof(*zygote));
    if (zygote == NULL)
        return NULL;
    if (wr_forkmark_init(&zygote->mark) != 0) {
        wr_free(zygote);
        return NULL;
    }
    wr_cpu_limits limits;
    wr_cpu_limits_read(&limits);
    zygote->cpus = (unsigned)limits.usable;
    zygote->start = options->start;
    zygote->context = options->context;
    zygote->program = (int)getpid();
    zygote->ends[0] = -1;
    zygote->ends[1] = -1;
    zygote->bell = (wr_wakefd){.read_fd = -1, .write_fd = -1};
    zygote->watch = -1;
    wr_mutex_init(&zygote->lock);
    wr_list_init(&zygote->arrivals);
    wr_list_init(&zygote->groups);
    wr_list_init(&zygote->to_reap);
    wr_list_init(&zygote->to_spawn);
    wr_atomic_init(&zygote->hello, 0);
    wr_atomic_init(&zygote->quit, 0);
    wr_atomic_init(&zygote->broken, 0);
    wr_atomic_init(&zygote->next_look, 0);
    return zygote;
}

// The keeper forks, so that the zygote lives as long as the keeper does.
// Meanwhile this thread, the only other one, is asleep in the system: no lock
// is held that the zygote would need.
static int start_keeper(weir_zygote *zygote) {
    static const wr_thread_options how = {.name = "weir-keeper", .cpu = -1};
    // What is in the buffers now would be written by each process again.
    fflush(NULL);
    int error = wr_thread_start(&zygote->thread, &how, wr_keeper_main, zygote);
    if (error != 0)
        return error;
    while (wr_load(&zygote->hello, acquire, KEEPER_1, "then error is set") == 0)
        (void)wr_futex_wait(&zygote->hello, 0, WEIR_FOREVER);
    if (zygote->error != 0)
        wr_thread_join(&zygote->thread);
    return zygote->error;
}

int weir_zygote_create(weir_zygote **out, const weir_zygote_options *given) {
    if (given == NULL)
        return -EINVAL;
    weir_zygote_options options;
    int error = wr_options_copy(&options, sizeof(options), given);
    if (error != 0)
        return error;
    if (options.shared_bytes == 0)
        return -EINVAL;
    error = wr_process_support();
    if (error != 0)
        return error;
    if (!wr_process_alone())
        return -EBUSY;
    weir_zygote *zygote = zygote_alloc(&options);
    if (zygote == NULL)
        return -ENOMEM;
    error = make_parts(zygote, &options);
    if (error == 0)
        error = start_keeper(zygote);
    if (error != 0) {
        zygote_free(zygote);
        return error;
    }
    *out = zygote;
    return 0;
}

void weir_zygote_destroy(weir_zygote *zygote) {
    if (zygote == NULL || wr_forkmark_forked(&zygote->mark))
        return;
    wr_store(&zygote->quit, 1, release, KEEPER_2, "nothing is asked any more");
    wr_keeper_ring(zygote);
    wr_thread_join(&zygote->thread);
    zygote_free(zygote);
}
