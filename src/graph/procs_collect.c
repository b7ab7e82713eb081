// SPDX-License-Identifier: MIT
// Outcomes: out of the mailboxes, looked at, and handed on.
#include "graph/procs_types.h"

#include <errno.h>
#include <string.h>

enum {
    LINGER_NS = 50000,
    YIELD_NS = 5000,
    LINGER_PAUSES = 8, // between looks, so that others get the lock
    LINGER_TURNS = 4,  // looks between looks at the clock
};

// One with a reason; others are kept in their tickets.
typedef struct outcome {
    wr_ticket *ticket;
    char reason[WEIR_REASON_MAX];
} outcome;

_Static_assert(sizeof(wr_outcome_note) <= sizeof(weir_job),
               "a note fits where a pool would keep its job");

// ---- out of a mailbox ------------------------------------------------------

static void take_reason(const wr_child *child, wr_mail_frame *frame,
                        char *reason) {
    size_t size = frame->reason_size;
    if (size >= WEIR_REASON_MAX)
        size = WEIR_REASON_MAX - 1;
    memcpy(reason, wr_frame_reason(frame, child->procs->payload), size);
    reason[size] = '\0';
}

// Is this outcome of what the process was asked for?
static bool is_of(const wr_mail_frame *frame, const wr_place *place) {
    return frame->word_back ==
               wr_frame_word(place->generation, WR_FRAME_PUBLISHED) &&
           frame->number_back == place->ticket->number;
}

static void take_note(const wr_child *child, const wr_mail_frame *frame,
                      wr_ticket *ticket) {
    int32_t status = frame->status;
    // Whoever takes one from the other gets a time, whatever is written there.
    int64_t begin_ns = frame->begin_ns > 0 ? frame->begin_ns : 0;
    int64_t end_ns = frame->end_ns > begin_ns ? frame->end_ns : begin_ns;
    wr_outcome_note note = {.status = status > 0 ? -EINVAL : status,
                            .worker = child->index,
                            .unrun = frame->unrun != 0,
                            .begin_ns = begin_ns,
                            .end_ns = end_ns};
    memcpy(&ticket->job, &note, sizeof(note));
}

static void vacate(wr_child *child, wr_place *place) {
    weir_procs *procs = child->procs;
    procs->timed -= place->ticket->timeout_ns > 0;
    place->ticket->place = NULL;
    place->ticket = NULL;
    child->head++;
    procs->counts.in_flight--;
}

void wr_child_kill_locked(wr_child *child, wr_kill_cause cause) {
    if (child->state != WR_CHILD_READY)
        return;
    child->state = WR_CHILD_KILLED;
    child->cause = cause;
    child->procs->live--;
    wr_child_take_back_locked(child);
    wr_process_kill(child->watch);
}

// Is there an outcome? False also if the process broke the rules.
static bool is_done(wr_child *child, wr_mail_frame *frame,
                    const wr_place *place) {
    uint64_t word = wr_load(&frame->word, seq_cst, MAIL_2,
                            "then the outcome may be read; for spinners "
                            "after their number was stored: MAIL_3");
    uint64_t generation = place->generation;
    if (word == wr_frame_word(generation, WR_FRAME_PUBLISHED) ||
        word == wr_frame_word(generation, WR_FRAME_STARTED))
        return false;
    if (word == wr_frame_word(generation, WR_FRAME_DONE) && is_of(frame, place))
        return true;
    // What it did not write like this, it did not do. It may still be at it:
    // nothing is known before it is dead.
    wr_child_kill_locked(child, WR_KILL_BROKEN);
    return false;
}

// Takes what is done; what has a reason only as long as there is room for it.
static size_t take_from(wr_child *child, outcome *out, size_t max) {
    size_t count = 0;
    while (wr_child_used(child) > 0) {
        wr_place *place = wr_child_place(child, child->head);
        wr_mail_frame *frame = wr_child_frame(child, child->head);
        if (!is_done(child, frame, place))
            break;
        wr_ticket *ticket = place->ticket;
        bool reason = frame->reason_size != 0;
        if (reason && count == max)
            break;
        take_note(child, frame, ticket);
        child->procs->counts.tasks += frame->unrun == 0;
        if (reason) {
            out[count].ticket = ticket;
            take_reason(child, frame, out[count++].reason);
        } else {
            wr_list_push_back(&child->procs->finished, &ticket->link);
        }
        wr_store(&frame->word, wr_frame_word(place->generation, WR_FRAME_EMPTY),
                 relaxed, ALONE, "it is the program's until it is published");
        vacate(child, place);
    }
    return count;
}

static size_t take_some(weir_procs *procs, outcome *out, size_t max) {
    size_t count = 0;
    for (uint32_t i = 0; i < procs->children; i++) {
        wr_child *child = &procs->child[i];
        if (wr_child_used(child) > 0)
            count += take_from(child, &out[count], max - count);
    }
    return count;
}

void wr_procs_gather_locked(weir_procs *procs) {
    outcome none;
    (void)take_some(procs, &none, 0);
}

// ---- handing on ------------------------------------------------------------

static void hand_on(weir_procs *procs, wr_ticket *ticket, const char *reason) {
    wr_outcome_note note;
    memcpy(&note, &ticket->job, sizeof(note));
    wr_ending ending = {.status = note.status,
                        .exit_status = -1,
                        .unrun = note.unrun,
                        .worker = note.worker,
                        .begin_ns = note.begin_ns,
                        .end_ns = note.end_ns,
                        .reason = reason};
    if (wr_trace_on(procs->trace) && !note.unrun)
        wr_trace_emit(procs->trace, procs->rings[note.worker], WR_TRACE_JOB,
                      ticket->kernel->name, ticket->number, note.begin_ns,
                      note.end_ns);
    wr_ticket_ended(ticket, &ending);
}

size_t wr_procs_collect(weir_procs *procs, bool wait) {
    outcome out[WR_COLLECT_MAX];
    wr_link finished;
    wr_list_init(&finished);
    if (wait)
        wr_mutex_lock(&procs->lock);
    else if (!wr_mutex_trylock(&procs->lock))
        return 0;
    size_t reasons = take_some(procs, out, WR_COLLECT_MAX);
    wr_list_splice_back(&finished, &procs->finished);
    // First work for those that have none now, then what may take longer.
    if (reasons > 0 || !wr_list_empty(&finished))
        wr_procs_dispatch_locked(procs);
    wr_mutex_unlock(&procs->lock);
    size_t count = reasons;
    for (size_t i = 0; i < reasons; i++)
        hand_on(procs, out[i].ticket, out[i].reason);
    wr_link *link;
    while ((link = wr_list_pop_front(&finished)) != NULL) {
        hand_on(procs, wr_ticket_of_link(link), "");
        count++;
    }
    return count;
}

// ---- without being told ----------------------------------------------------

void wr_procs_spin_begin(weir_procs *procs) {
    wr_mutex_lock(&procs->lock);
    procs->spinners++;
    wr_store(&procs->group->spinners, procs->spinners, relaxed, ALONE,
             "a process that sees it late rings once too often");
    wr_mutex_unlock(&procs->lock);
}

uint64_t wr_procs_spin_end(weir_procs *procs) {
    wr_mutex_lock(&procs->lock);
    uint64_t submits = procs->submits;
    procs->spinners--;
    wr_store(&procs->group->spinners, procs->spinners, seq_cst, MAIL_3,
             "before the last look of who ends; a process looks after DONE");
    wr_mutex_unlock(&procs->lock);
    return submits;
}

// Is a process that has work on the CPU of this thread? It can only go on when
// this thread lets it.
static bool in_the_way(weir_procs *procs) {
    uint32_t cpu = (uint32_t)(wr_cpu_current() + 1);
    wr_store(&procs->group->cpu, cpu, relaxed, ALONE, "a hint to yield");
    bool found = false;
    wr_mutex_lock(&procs->lock);
    for (uint32_t i = 0; i < procs->children && !found; i++)
        found = wr_child_used(&procs->child[i]) > 0 &&
                wr_load(&procs->child[i].mail->cpu, relaxed, ALONE,
                        "a hint to yield") == cpu;
    wr_mutex_unlock(&procs->lock);
    return found;
}

// Looks until it is over or nothing came for a while. Now and then it lets
// others have the CPU: the process that is waited for may be one of them.
static void look_long(weir_procs *procs, bool (*over)(void *argument),
                      void *argument) {
    int64_t end_ns = wr_now_ns() + LINGER_NS;
    int64_t yield_ns = end_ns - LINGER_NS + YIELD_NS;
    for (unsigned turn = 1; !over(argument); turn++) {
        if (wr_procs_collect(procs, false) > 0) {
            end_ns = wr_now_ns() + LINGER_NS;
            yield_ns = end_ns - LINGER_NS + YIELD_NS;
            continue;
        }
        for (unsigned i = 0; i < LINGER_PAUSES; i++)
            wr_spin_pause();
        if (turn % LINGER_TURNS != 1)
            continue;
        int64_t now_ns = wr_now_ns();
        if (now_ns >= end_ns)
            return;
        if (now_ns >= yield_ns || in_the_way(procs)) {
            wr_thread_yield();
            yield_ns = wr_now_ns() + YIELD_NS;
        }
    }
}

void wr_procs_linger(weir_procs *procs, bool (*over)(void *argument),
                     void *argument) {
    if (procs->zygote->cpus < 2) // the processes need it
        return;
    wr_procs_spin_begin(procs);
    look_long(procs, over, argument);
    (void)wr_procs_spin_end(procs);
    // What was done before a process could see that nobody looks any more.
    while (wr_procs_collect(procs, true) > 0)
        continue;
}
