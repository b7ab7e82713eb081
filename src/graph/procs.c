// SPDX-License-Identifier: MIT
// Groups of processes: made, ended, counted, and as an endpoint of graphs.
#include "graph/procs_types.h"

#include "base/fault.h"
#include "base/options.h"
#include "pool/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static weir_procs *procs_of(wr_endpoint *endpoint) {
    return (weir_procs *)(void *)endpoint;
}

// ---- the endpoint ----------------------------------------------------------

static int check(wr_endpoint *endpoint, wr_ticket *ticket) {
    weir_procs *procs = procs_of(endpoint);
    if (ticket->members > procs->children)
        return -E2BIG;
    if (ticket->data_count > procs->payload / sizeof(void *) ||
        ticket->arguments_size >
            procs->payload - ticket->data_count * sizeof(void *))
        return -E2BIG;
    int64_t kernel = wr_zygote_kernel(procs->zygote, ticket->kernel);
    if (kernel < 0)
        return (int)kernel;
    ticket->kernel_at = (uint32_t)kernel;
    return wr_zygote_broken(procs->zygote) ? -EOWNERDEAD : 0;
}

static bool reaches(wr_endpoint *endpoint, const void *memory, size_t bytes) {
    return wr_zygote_shares(procs_of(endpoint)->zygote, memory, bytes);
}

static int submit(wr_endpoint *endpoint, wr_ticket *tickets, uint32_t count) {
    weir_procs *procs = procs_of(endpoint);
    unsigned level = tickets->priority > 0 ? 0 : tickets->priority == 0 ? 1 : 2;
    for (uint32_t i = 0; i < count; i++) {
        tickets[i].place = NULL;
        wr_store(&tickets[i].told, 0, relaxed, ALONE, "not shared yet");
    }
    wr_mutex_lock(&procs->lock);
    bool dead = procs->dead;
    if (!dead) {
        wr_list_push_back(&procs->ready[level], &tickets->link);
        procs->counts.queued += count;
        procs->submits++;
        wr_procs_dispatch_locked(procs);
    }
    wr_mutex_unlock(&procs->lock);
    return dead ? -EOWNERDEAD : 0;
}

// The frame that has the ticket, or NULL. The lock is held.
static wr_mail_frame *frame_of(const wr_ticket *ticket) {
    const wr_place *place = ticket->place;
    if (place == NULL || place == &wr_place_claimed)
        return NULL;
    return wr_child_frame(place->child,
                          (uint64_t)(place - place->child->places));
}

static bool has_begun(const wr_ticket *ticket, wr_mail_frame *frame) {
    const wr_place *place = ticket->place;
    return wr_load(&frame->word, relaxed, ALONE, "it may begin right now") !=
           wr_frame_word(place->generation, WR_FRAME_PUBLISHED);
}

// The ticket may be ready still, in a frame, or done: only the lock tells.
static void tell(wr_endpoint *endpoint, wr_ticket *ticket, bool begun) {
    weir_procs *procs = procs_of(endpoint);
    wr_mutex_lock(&procs->lock);
    wr_mail_frame *frame = frame_of(ticket);
    if (begun || frame == NULL || !has_begun(ticket, frame)) {
        wr_store(&ticket->told, 1, relaxed, ALONE, "the lock orders it");
        if (frame != NULL)
            wr_store(&frame->told, 1, relaxed, ALONE,
                     "a hint to stop; nothing hangs on its order");
    }
    wr_mutex_unlock(&procs->lock);
}

static void linger(wr_endpoint *endpoint, bool (*over)(void *argument),
                   void *argument) {
    wr_procs_linger(procs_of(endpoint), over, argument);
}

static const wr_endpoint_ops endpoint_ops = {check, reaches, submit, tell,
                                             linger};

wr_endpoint *wr_procs_endpoint(weir_procs *procs) { return &procs->endpoint; }

// ---- create ----------------------------------------------------------------

static void procs_free(weir_procs *procs) {
    if (procs->memory != NULL)
        wr_page_map_give(&procs->zygote->map, procs->memory);
    wr_free(procs->places);
    wr_free(procs->child);
    wr_mutex_fini(&procs->lock);
    wr_free(procs);
}

static void child_init(weir_procs *procs, uint32_t index, size_t mail_bytes) {
    wr_child *child = &procs->child[index];
    child->procs = procs;
    child->index = index;
    child->pid = -1;
    child->watch = -1;
    child->places = &procs->places[index * procs->depth];
    for (uint32_t i = 0; i < procs->depth; i++)
        child->places[i].child = child;
    child->mail = (wr_mailbox *)(void *)(procs->memory + wr_page_size() +
                                         index * mail_bytes);
}

static int make_parts(weir_procs *procs, const weir_procs_options *options) {
    size_t mail_bytes = wr_mailbox_bytes(procs->payload, procs->depth);
    size_t places = (size_t)procs->children * procs->depth;
    procs->child = wr_calloc(procs->children, sizeof(*procs->child));
    procs->places = wr_calloc(places, sizeof(*procs->places));
    if (procs->child == NULL || procs->places == NULL)
        return -ENOMEM;
    procs->memory = wr_page_map_take(
        &procs->zygote->map, wr_page_size() + procs->children * mail_bytes);
    if (procs->memory == NULL)
        return -ENOMEM;
    procs->group = (wr_mail_group *)(void *)procs->memory;
    for (uint32_t i = 0; i < procs->children; i++)
        child_init(procs, i, mail_bytes);
    if (options->trace == NULL)
        return 0;
    procs->trace = options->trace;
    return wr_trace_join(options->trace, procs->name, procs->children,
                         &procs->rings);
}

static weir_procs *procs_alloc(weir_zygote *zygote,
                               const weir_procs_options *options) {
    weir_procs *procs = wr_calloc(1, sizeof(*procs));
    if (procs == NULL)
        return NULL;
    procs->endpoint.ops = &endpoint_ops;
    procs->zygote = zygote;
    procs->children = options->children;
    procs->starting = options->children;
    procs->depth = options->depth;
    // Rounded, so that all frames begin at a cache line.
    procs->payload = options->payload;
    procs->stride = wr_frame_stride(procs->payload);
    snprintf(procs->name, sizeof(procs->name), "%s",
             options->name == NULL ? "procs" : options->name);
    procs->counts.size = sizeof(procs->counts);
    wr_mutex_init(&procs->lock);
    for (unsigned i = 0; i < WR_PROCS_PRIORITIES; i++)
        wr_list_init(&procs->ready[i]);
    wr_list_init(&procs->returned);
    wr_list_init(&procs->doomed);
    wr_list_init(&procs->finished);
    wr_atomic_init(&procs->phase, WR_PROCS_STARTING);
    return procs;
}

static bool sane(const weir_procs_options *options) {
    return options->children >= 1 && options->children <= WR_CHILDREN_MAX &&
           options->depth >= 1 && options->depth <= WR_DEPTH_MAX &&
           options->payload <= WR_PAYLOAD_MAX && options->start_ns >= 0;
}

static uint32_t phase_of(weir_procs *procs) {
    return wr_load(&procs->phase, acquire, KEEPER_3,
                   "what the keeper did before is seen");
}

// The keeper starts the processes. The wait ends with all of them ready, or
// with none left.
static int start(weir_procs *procs, int64_t start_ns) {
    weir_zygote *zygote = procs->zygote;
    int64_t now_ns = wr_now_ns();
    int64_t end_ns =
        start_ns > INT64_MAX - now_ns ? WEIR_FOREVER : now_ns + start_ns;
    wr_mutex_lock(&zygote->lock);
    wr_list_push_back(&zygote->arrivals, &procs->link);
    wr_mutex_unlock(&zygote->lock);
    wr_forks_lay_open_here();
    wr_keeper_ring(zygote);
    uint32_t phase;
    while ((phase = phase_of(procs)) == WR_PROCS_STARTING) {
        if (wr_futex_wait(&procs->phase, phase, end_ns) != -ETIMEDOUT)
            continue;
        wr_mutex_lock(&procs->lock);
        // An error that came first counts, and so does the last one's start.
        if (procs->starting > 0 && !procs->closing) {
            procs->closing = true;
            procs->error = -ETIMEDOUT;
        }
        wr_mutex_unlock(&procs->lock);
        wr_keeper_ring(zygote);
        end_ns = WEIR_FOREVER;
    }
    return phase == WR_PROCS_UP ? 0 : procs->error;
}

int weir_procs_create(weir_procs **out, weir_zygote *zygote,
                      const weir_procs_options *given) {
    if (zygote == NULL || given == NULL)
        return -EINVAL;
    if (wr_forkmark_forked(&zygote->mark))
        return -ECHILD;
    weir_procs_options options;
    int error = wr_options_copy(&options, sizeof(options), given);
    if (error != 0)
        return error;
    if (!sane(&options))
        return -EINVAL;
    weir_procs *procs = procs_alloc(zygote, &options);
    if (procs == NULL)
        return -ENOMEM;
    error = make_parts(procs, &options);
    if (error == 0)
        error = start(procs, options.start_ns);
    if (error != 0) {
        procs_free(procs);
        return error;
    }
    *out = procs;
    return 0;
}

void weir_procs_destroy(weir_procs *procs) {
    if (procs == NULL || wr_forkmark_forked(&procs->zygote->mark))
        return;
    wr_mutex_lock(&procs->lock);
    procs->closing = true;
    wr_mutex_unlock(&procs->lock);
    wr_keeper_ring(procs->zygote);
    wr_forks_lay_open_here();
    uint32_t phase;
    while ((phase = phase_of(procs)) != WR_PROCS_GONE)
        (void)wr_futex_wait(&procs->phase, phase, WEIR_FOREVER);
    procs_free(procs);
}

// ---- figures ---------------------------------------------------------------

int weir_procs_count(weir_procs *procs, weir_procs_counts *counts) {
    if (wr_forkmark_forked(&procs->zygote->mark))
        return -ECHILD;
    wr_mutex_lock(&procs->lock);
    weir_procs_counts now = procs->counts;
    now.children = 0;
    now.sleeps = procs->sleeps;
    for (uint32_t i = 0; i < procs->children; i++) {
        wr_child *child = &procs->child[i];
        now.children += child->state == WR_CHILD_READY;
        if (child->pid > 0)
            now.sleeps += wr_load(&child->mail->sleeps, relaxed, ALONE,
                                  "a count, of another process");
    }
    wr_mutex_unlock(&procs->lock);
    return wr_out_copy(counts, &now, sizeof(now));
}

int weir_procs_pid(weir_procs *procs, unsigned index) {
    if (wr_forkmark_forked(&procs->zygote->mark))
        return -ECHILD;
    if (index >= procs->children)
        return -1;
    wr_mutex_lock(&procs->lock);
    const wr_child *child = &procs->child[index];
    int pid = child->state == WR_CHILD_READY ? child->pid : -1;
    wr_mutex_unlock(&procs->lock);
    return pid;
}
