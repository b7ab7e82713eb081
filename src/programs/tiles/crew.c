// SPDX-License-Identifier: MIT
#include "programs/tiles/crew.h"

#include "programs/tiles/kernel.h"

#include "os/os.h"

#include <errno.h>

enum {
    // Mailboxes and the like.
    SPARE = 64 << 20,
    SPARE_EACH = 1 << 20,
    // Of a process: few, so that what is urgent does not wait behind many.
    DEPTH = 4,
};

static int failed(wr_tiles_why *why, int error, const char *what) {
    return wr_tiles_refuse(why, error, "cannot start %s: %s", what,
                           weir_strerror(error));
}

int wr_tiles_crew_open(wr_tiles_crew *crew, bool processes, unsigned workers,
                       size_t bytes, wr_tiles_why *why) {
    *crew = (wr_tiles_crew){.processes = processes, .workers = workers};
    if (!processes)
        return 0;
    weir_zygote_options options = WEIR_ZYGOTE_OPTIONS_INIT;
    options.kernels = wr_tiles_kernels;
    options.kernels_count = WR_TILES_KERNELS;
    options.shared_bytes = bytes + SPARE + (size_t)workers * SPARE_EACH;
    int error = weir_zygote_create(&crew->zygote, &options);
    return error == 0 ? 0 : failed(why, error, "processes");
}

void *wr_tiles_crew_alloc(wr_tiles_crew *crew, size_t bytes) {
    return crew->processes ? weir_zygote_alloc(crew->zygote, bytes)
                           : wr_pages_alloc_huge(bytes);
}

void wr_tiles_crew_free(wr_tiles_crew *crew, void *memory, size_t bytes) {
    if (memory == NULL)
        return;
    if (crew->processes)
        weir_zygote_free(crew->zygote, memory);
    else
        wr_pages_free(memory, bytes);
}

static int start_pool(wr_tiles_crew *crew, wr_tiles_why *why) {
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = (int)crew->workers;
    options.name = "tiles";
    // Beside processes its workers do next to nothing: not in the picture.
    options.trace = crew->processes ? NULL : crew->trace;
    int error = weir_pool_create(&crew->pool, &options);
    if (error != 0)
        return failed(why, error, "threads");
    if (!crew->processes && weir_pool_width(crew->pool) != crew->workers)
        return wr_tiles_refuse(why, -EAGAIN,
                               "only %u of %u threads could be started",
                               weir_pool_width(crew->pool), crew->workers);
    return 0;
}

int wr_tiles_crew_start(wr_tiles_crew *crew, unsigned events,
                        wr_tiles_why *why) {
    int error = 0;
    if (events != 0) {
        weir_trace_options options = WEIR_TRACE_OPTIONS_INIT;
        options.events_max = events;
        error = weir_trace_create(&crew->trace, &options);
        if (error != 0)
            return failed(why, error, "a timeline");
    }
    error = start_pool(crew, why);
    if (error == 0 && crew->processes) {
        weir_procs_options options = WEIR_PROCS_OPTIONS_INIT;
        options.children = crew->workers;
        options.depth = DEPTH;
        options.name = "tiles";
        options.trace = crew->trace;
        error = weir_procs_create(&crew->procs, crew->zygote, &options);
        if (error != 0)
            return failed(why, error, "processes");
    }
    if (error == 0 && crew->trace != NULL)
        weir_trace_start(crew->trace);
    return error;
}

void wr_tiles_crew_close(wr_tiles_crew *crew) {
    weir_procs_destroy(crew->procs);
    weir_pool_destroy(crew->pool);
    weir_trace_destroy(crew->trace);
    weir_zygote_destroy(crew->zygote);
    *crew = (wr_tiles_crew){.workers = 0};
}
