// SPDX-License-Identifier: MIT
// Bytes as a program for what processes write into their mailboxes: outcomes as
// they should be, damaged ones, anything anywhere, and deaths at any moment.
// The program's side (procs_collect.c, procs_dispatch.c, procs_death.c) is the
// real one, without processes. What is looked for is a crash, a sanitizer's
// complaint, a task that ends twice or never, an outcome that cannot be, or
// counts that do not add up. How to run it: engine.h.
#include "engine.h"

#include "graph/procs_types.h"

#include <errno.h>

enum {
    CHILDREN = 2,
    DEPTH = 3,
    PAYLOAD = 64,
    ERRANDS = 48,
    MEMBERS = 2,
    PROGRAM_MAX = 600,
};

typedef struct errand {
    wr_ticket ticket[MEMBERS];
    uint32_t ended[MEMBERS];
    bool claimed, withdrawn, unrun;
    char arguments[24];
    void *data[2];
} errand;

typedef struct world {
    weir_procs procs;
    wr_child child[CHILDREN];
    wr_place places[CHILDREN * DEPTH];
    wr_mail_group group;
    errand *errands[ERRANDS];
    uint32_t count;
} world;

static weir_zygote zygote;
static const weir_kernel kernel = {"k", NULL};

static void broken(const char *what) {
    printf("fuzz_mailbox: %s\n", what);
    fflush(stdout);
    abort();
}

// ---------------------------------------------------------------------------
// The owner of the tickets

bool wr_ticket_claim(wr_ticket *ticket) {
    errand *e = (errand *)(void *)ticket->graph;
    if (e->claimed || e->unrun)
        broken("claimed twice");
    e->claimed = true;
    return !e->withdrawn;
}

static void check_times(const wr_ending *ending) {
    if (ending->begin_ns < 0 || ending->end_ns < ending->begin_ns)
        broken("it ended before it began");
}

void wr_ticket_ended(wr_ticket *ticket, const wr_ending *ending) {
    errand *e = (errand *)(void *)ticket->graph;
    if (!e->claimed || e->withdrawn || e->unrun)
        broken("not claimed, and ended");
    if (e->ended[ticket->member]++ != 0)
        broken("ended twice");
    if (ending->status > 0)
        broken("a status that is none");
    if (ending->reason == NULL ||
        strnlen(ending->reason, WEIR_REASON_MAX) == WEIR_REASON_MAX)
        broken("a reason without an end");
    if (ending->worker >= CHILDREN || ending->exit_status < -1)
        broken("an end by nobody");
    check_times(ending);
}

void wr_ticket_unrun(wr_ticket *ticket, int status) {
    errand *e = (errand *)(void *)ticket->graph;
    if (e->claimed || e->unrun || status >= 0)
        broken("unrun, and claimed");
    e->unrun = true;
}

// ---------------------------------------------------------------------------
// A group without processes

static void child_starts(wr_child *child) {
    wr_child_mail_init(child);
    child->state = WR_CHILD_STARTING;
    child->ended = false;
    child->pid = 1;
    // It is not watched, and yet looked at: as if it were ready at once.
    child->state = WR_CHILD_READY;
    child->procs->live++;
}

static void world_open(world *w) {
    weir_procs *procs = &w->procs;
    memset(w, 0, sizeof(*w));
    memset(&zygote, 0, offsetof(weir_zygote, bell));
    wr_list_init(&zygote.groups);
    wr_list_init(&zygote.to_reap);
    wr_list_init(&zygote.to_spawn);
    *procs = (weir_procs){.zygote = &zygote,
                          .children = CHILDREN,
                          .depth = DEPTH,
                          .payload = PAYLOAD,
                          .stride = wr_frame_stride(PAYLOAD),
                          .name = "fuzz",
                          .group = &w->group,
                          .child = w->child,
                          .places = w->places};
    wr_mutex_init(&procs->lock);
    for (unsigned i = 0; i < WR_PROCS_PRIORITIES; i++)
        wr_list_init(&procs->ready[i]);
    wr_list_init(&procs->returned);
    wr_list_init(&procs->doomed);
    wr_list_init(&procs->finished);
    wr_list_push_back(&zygote.groups, &procs->link);
    for (uint32_t i = 0; i < CHILDREN; i++) {
        wr_child *child = &w->child[i];
        // Each of its own, so that a sanitizer sees its end.
        size_t bytes = wr_mailbox_bytes(PAYLOAD, DEPTH);
        *child = (wr_child){.procs = procs,
                            .index = i,
                            .pid = -1,
                            .watch = -1,
                            .places = &w->places[i * DEPTH],
                            .mail = aligned_alloc(2 * WR_CACHE_LINE, bytes)};
        if (child->mail == NULL)
            abort();
        memset(child->mail, 0, bytes);
        for (uint32_t j = 0; j < DEPTH; j++)
            child->places[j].child = child;
        child_starts(child);
    }
}

// What the keeper does when a process has ended.
static void child_ends(world *w, wr_child *child, bool replaced) {
    if (child->state != WR_CHILD_READY && child->state != WR_CHILD_KILLED)
        return;
    wr_child_ended(child);
    wr_list_remove(&child->todo);
    child->failures = 0;
    w->procs.closing = !replaced;
    wr_child_reaped(child, 9, -1);
    w->procs.closing = false;
    if (!replaced)
        return;
    wr_list_remove(&child->todo); // wanted
    child_starts(child);
    wr_procs_dispatch(&w->procs);
}

static void tend(world *w) {
    bool gone, busy = false;
    (void)wr_procs_tend(&w->procs, &gone, &busy);
    if (gone)
        broken("a group that is gone");
}

static void check_counts(world *w) {
    uint64_t used = 0;
    uint32_t live = 0;
    for (uint32_t i = 0; i < CHILDREN; i++) {
        wr_child *child = &w->child[i];
        if (wr_child_used(child) > DEPTH)
            broken("more tasks than frames");
        used += wr_child_used(child);
        live += child->state == WR_CHILD_READY;
    }
    if (used != w->procs.counts.in_flight || live != w->procs.live)
        broken("counts that do not add up");
}

static void world_close(world *w) {
    for (uint32_t i = 0; i < CHILDREN; i++)
        child_ends(w, &w->child[i], false);
    tend(w);
    check_counts(w);
    if (w->procs.counts.queued != 0 || w->procs.timed != 0)
        broken("something is left");
    for (uint32_t i = 0; i < w->count; i++) {
        errand *e = w->errands[i];
        for (uint32_t m = 0; m < e->ticket->members; m++)
            if (e->ended[m] != (e->claimed && !e->withdrawn) ||
                e->claimed == e->unrun)
                broken("a task that has not ended");
        free(e);
    }
    for (uint32_t i = 0; i < CHILDREN; i++)
        free(w->child[i].mail);
    wr_list_remove(&w->procs.link);
    wr_mutex_fini(&w->procs.lock);
}

// ---------------------------------------------------------------------------
// The program

typedef struct input {
    const uint8_t *at;
    size_t left;
} input;

static uint32_t next(input *in) {
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

static void submit(world *w, input *in) {
    uint32_t how = next(in);
    weir_procs *procs = &w->procs;
    if (w->count == ERRANDS || procs->dead)
        return;
    errand *e = calloc(1, sizeof(*e));
    if (e == NULL)
        abort();
    w->errands[w->count++] = e;
    e->withdrawn = how % 16 == 15;
    uint32_t members = how % 4 == 3 ? MEMBERS : 1;
    for (uint32_t i = 0; i < members; i++)
        e->ticket[i] = (wr_ticket){.kernel = &kernel,
                                   .arguments = e->arguments,
                                   .arguments_size = how / 16 % 24,
                                   .data = e->data,
                                   .data_count = how / 8 % 3,
                                   .graph = (weir_graph *)(void *)e,
                                   .number = w->count,
                                   .timeout_ns = how >= 240 ? 1 : 0,
                                   .member = i,
                                   .members = members};
    wr_mutex_lock(&procs->lock);
    wr_list_push_back(&procs->ready[how % WR_PROCS_PRIORITIES],
                      &e->ticket->link);
    procs->counts.queued += members;
    procs->submits++;
    wr_procs_dispatch_locked(procs);
    wr_mutex_unlock(&procs->lock);
}

static uint64_t word_at(const wr_mail_frame *frame) {
    return wr_load(&frame->word, relaxed, ALONE, "one thread");
}

static void set_word(wr_mail_frame *frame, uint64_t word) {
    wr_store(&frame->word, word, relaxed, ALONE, "one thread");
}

// As a process does it: the first that is published.
static void run_one(wr_child *child, input *in) {
    uint32_t how = next(in);
    for (uint64_t at = child->head; at != child->tail; at++) {
        wr_mail_frame *frame = wr_child_frame(child, at);
        uint64_t word = word_at(frame);
        if (word % WR_FRAME_STATES == WR_FRAME_STARTED && how % 2 == 0)
            word -= WR_FRAME_STARTED - WR_FRAME_PUBLISHED;
        if (word % WR_FRAME_STATES != WR_FRAME_PUBLISHED)
            continue;
        uint64_t generation = word / WR_FRAME_STATES;
        frame->begin_ns = 1 + next(in);
        frame->end_ns = frame->begin_ns + next(in);
        frame->number_back = frame->number;
        frame->word_back = word;
        frame->status = -(int32_t)(how / 8 % 3);
        frame->reason_size = how % 8 == 7 ? next(in) * 5 : 0;
        frame->unrun = how % 32 == 31;
        set_word(frame,
                 wr_frame_word(generation, how % 4 == 1 ? WR_FRAME_STARTED
                                                        : WR_FRAME_DONE));
        return;
    }
}

// Any bytes anywhere in its mailbox.
static void write_wild(wr_child *child, input *in) {
    size_t bytes = wr_mailbox_bytes(PAYLOAD, DEPTH);
    size_t at = (next(in) << 8 | next(in)) % bytes;
    for (size_t i = next(in) % 24; i > 0; i--)
        ((uint8_t *)child->mail)[(at + i) % bytes] = (uint8_t)next(in);
}

// A field of a frame, to what is nearly right or far from it.
static void spoil(wr_child *child, input *in) {
    wr_mail_frame *frame =
        wr_mail_frame_at(child->mail, child->procs->stride, next(in) % DEPTH);
    uint64_t word = word_at(frame);
    uint32_t how = next(in), value = next(in);
    int64_t far = value % 2 == 0 ? INT64_MIN + value : INT64_MAX - value;
    switch (how % 9) {
    case 0: set_word(frame, word + value % 8 - 4); break;
    case 1: frame->number_back += value % 3; break;
    case 2: frame->word_back += value % 5; break;
    case 3: frame->status = (int32_t)(value << 24 | value); break;
    case 4: frame->reason_size = value << 24 | value << 3; break;
    case 5: frame->begin_ns = far; break;
    case 6: frame->end_ns = far; break;
    case 7: frame->unrun = value << 8 | value; break;
    default: // right but for what the others did
        frame->word_back =
            word / WR_FRAME_STATES * WR_FRAME_STATES + WR_FRAME_PUBLISHED;
        frame->number_back = frame->number;
        set_word(frame, frame->word_back - WR_FRAME_PUBLISHED + WR_FRAME_DONE);
    }
}

static void step(world *w, input *in) {
    uint32_t what = next(in);
    wr_child *child = &w->child[what / 16 % CHILDREN];
    switch (what % 12) {
    case 0:
    case 1:
    case 2: submit(w, in); break;
    case 3:
    case 4:
    case 5: run_one(child, in); break;
    case 6: (void)wr_procs_collect(&w->procs, true); break;
    case 7: write_wild(child, in); break;
    case 8:
    case 9: spoil(child, in); break;
    case 10: child_ends(w, child, true); break;
    default: tend(w);
    }
    check_counts(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static world w;
    static bool prepared;
    if (!prepared && wr_wakefd_open(&zygote.bell) != 0)
        abort();
    prepared = true;
    input in = {data, size};
    world_open(&w);
    while (in.left > 0)
        step(&w, &in);
    world_close(&w);
    wr_wakefd_clear(&zygote.bell);
    return 0;
}

static void one_round(void) {
    static uint8_t data[PROGRAM_MAX];
    size_t size = 8 + below(PROGRAM_MAX - 8);
    uint8_t mask = below(3) == 0 ? 0x1f : 0xff;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)below(256) & mask;
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_mailbox", one_round);
}
