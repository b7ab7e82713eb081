// SPDX-License-Identifier: MIT
// What becomes of processes, on the keeper: they start, overrun, end, are
// replaced, and one day there is nothing left of their group.
#include "graph/procs_types.h"
#include "graph/sizes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    STOP_NS = 1000000000,      // given to processes that are to end
    ANSWER_S = 10,             // given to a zygote, if a group is to end
    SPAWN_AGAIN_NS = 10000000, // after a failure, and ten times that after two
    BUSY_OUTCOMES = 8,         // at once
};

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t after(int64_t from_ns, int64_t ns) {
    return from_ns > INT64_MAX - ns ? INT64_MAX : from_ns + ns;
}

// ---- a new one -------------------------------------------------------------

// Whatever was left there: the process of before is dead, the next is not born.
void wr_child_mail_init(wr_child *child) {
    weir_procs *procs = child->procs;
    wr_mailbox *mail = child->mail;
    procs->sleeps +=
        wr_load(&mail->sleeps, relaxed, ALONE, "a count; its owner is dead");
    memset(mail, 0, sizeof(*mail));
    mail->group = procs->group;
    mail->index = child->index;
    mail->depth = procs->depth;
    mail->stride = procs->stride;
    mail->payload = procs->payload;
    snprintf(mail->name, sizeof(mail->name), "%.9s/%u", procs->name,
             child->index);
    for (uint32_t i = 0; i < procs->depth; i++) {
        wr_store(&wr_mail_frame_at(mail, procs->stride, i)->word, 0, relaxed,
                 ALONE, "nobody else sees it yet");
        child->places[i].generation = 0;
    }
    child->head = 0;
    child->tail = 0;
    child->lost = 0;
    child->cause = WR_KILL_NONE;
}

static void want(wr_child *child, int64_t at_ns) {
    child->state = WR_CHILD_WANTED;
    child->spawn_at_ns = at_ns;
    wr_list_push_back(&child->procs->zygote->to_spawn, &child->todo);
}

static void set_phase(weir_procs *procs, uint32_t phase) {
    wr_store(&procs->phase, phase, release, KEEPER_3,
             "what the keeper did is done");
    // It may be freed by now.
    wr_futex_wake(&procs->phase, 1);
}

// A process is not to come. While the group is created that is its failure.
static void give_up_locked(wr_child *child, int error) {
    weir_procs *procs = child->procs;
    child->state = WR_CHILD_ABSENT;
    procs->absent++;
    if (procs->starting > 0 && !procs->closing) {
        procs->closing = true;
        procs->error = error;
    }
    if (procs->absent == procs->children)
        wr_procs_doom_locked(procs);
}

// It could not be made, or died before it was ready.
static void start_failed_locked(wr_child *child, int error) {
    weir_procs *procs = child->procs;
    child->failures++;
    bool last = procs->starting > 0 || procs->closing ||
                child->failures >= WR_SPAWN_TRIES ||
                wr_zygote_broken(procs->zygote);
    if (last)
        give_up_locked(child, error);
    else
        want(child,
             after(wr_now_ns(), child->failures == 1 ? SPAWN_AGAIN_NS
                                                     : 10 * SPAWN_AGAIN_NS));
}

void wr_child_spawned(wr_child *child, int pid, int error) {
    wr_mutex_lock(&child->procs->lock);
    if (error == 0) {
        child->pid = pid;
        child->watch = wr_process_watch(pid);
        child->ended = false;
        child->state = WR_CHILD_STARTING;
    }
    wr_mutex_unlock(&child->procs->lock);
    if (error == 0 && child->watch < 0) {
        // It cannot be watched, so it cannot stay: see ask in procs_keeper.c.
        wr_list_push_back(&child->procs->zygote->to_reap, &child->todo);
    } else if (error != 0) {
        wr_mutex_lock(&child->procs->lock);
        start_failed_locked(child, error);
        wr_mutex_unlock(&child->procs->lock);
    }
}

// ---- the end of one --------------------------------------------------------

static int lost_status(const wr_child *child, const wr_place *place) {
    return child->cause == WR_KILL_OVERRAN &&
                   place->generation == child->overran
               ? -ETIMEDOUT
               : -EOWNERDEAD;
}

static void say_why(const wr_child *child, int status, int number,
                    int exit_status, char *out, size_t size) {
    if (status == -ETIMEDOUT)
        snprintf(out, size, "process %d overran its time and was killed",
                 child->pid);
    else if (wr_zygote_broken(child->procs->zygote))
        snprintf(out, size, "process %d was killed with its zygote: %s",
                 child->pid, child->procs->zygote->ending);
    else if (child->cause == WR_KILL_BROKEN)
        snprintf(out, size, "process %d spoiled its mailbox and was killed",
                 child->pid);
    else if (number != 0)
        snprintf(out, size, "process %d was killed by signal %d (%s)",
                 child->pid, number, strsignal(number));
    else
        snprintf(out, size, "process %d exited with status %d", child->pid,
                 exit_status);
}

// Everything that it finished counts. What it had not begun goes on elsewhere;
// what it was at is kept until it is known how it ended.
void wr_child_ended(wr_child *child) {
    weir_procs *procs = child->procs;
    while (wr_procs_collect(procs, true) > 0)
        continue;
    wr_mutex_lock(&procs->lock);
    procs->live -= child->state == WR_CHILD_READY;
    wr_child_take_back_locked(child);
    child->lost_at = (uint32_t)(child->head % procs->depth);
    child->lost = (uint32_t)wr_child_used(child);
    child->head = child->tail;
    procs->counts.in_flight -= child->lost;
    child->state = WR_CHILD_DEAD;
    child->reserved = false;
    wr_mutex_unlock(&procs->lock);
    child->ended = true;
    wr_list_push_back(&procs->zygote->to_reap, &child->todo);
    wr_procs_dispatch(procs);
}

static void end_lost(wr_child *child, wr_place *place, int number,
                     int exit_status) {
    weir_procs *procs = child->procs;
    wr_ticket *ticket = place->ticket;
    char reason[WEIR_REASON_MAX];
    int status = lost_status(child, place);
    say_why(child, status, number, exit_status, reason, sizeof(reason));
    int64_t now_ns = wr_now_ns();
    uint64_t index = (uint64_t)(place - child->places);
    int64_t begin_ns = wr_child_frame(child, index)->begin_ns;
    wr_ending ending = {.status = status,
                        .signal = number,
                        .exit_status = exit_status,
                        .worker = child->index,
                        .begin_ns =
                            begin_ns < 0 ? 0 : earlier(begin_ns, now_ns),
                        .end_ns = now_ns,
                        .reason = reason};
    wr_mutex_lock(&procs->lock);
    ticket->place = NULL;
    place->ticket = NULL;
    procs->timed -= ticket->timeout_ns > 0;
    procs->counts.crashes++;
    procs->counts.timeouts += status == -ETIMEDOUT;
    wr_mutex_unlock(&procs->lock);
    if (wr_trace_on(procs->trace))
        wr_trace_emit(procs->trace, procs->rings[child->index], WR_TRACE_JOB,
                      ticket->kernel->name, ticket->number, ending.begin_ns,
                      ending.end_ns);
    wr_ticket_ended(ticket, &ending);
}

void wr_child_reaped(wr_child *child, int number, int exit_status) {
    weir_procs *procs = child->procs;
    for (uint32_t i = 0; i < child->lost; i++)
        end_lost(child, &child->places[(child->lost_at + i) % procs->depth],
                 number, exit_status);
    wr_mutex_lock(&procs->lock);
    // A zygote that names a process that is none made none.
    int error =
        child->watch < 0 && child->watch != -ESRCH ? child->watch : -EIO;
    bool ready = wr_load(&child->mail->state, relaxed, ALONE,
                         "its owner is dead") == WR_MAIL_READY;
    if (child->watch >= 0)
        close(child->watch);
    else
        ready = false; // it was, but could not stay
    child->watch = -1;
    child->pid = -1;
    child->lost = 0;
    if (procs->closing || wr_zygote_broken(procs->zygote))
        give_up_locked(child, -EOWNERDEAD);
    else if (!ready || procs->starting > 0)
        start_failed_locked(child, error);
    else
        want(child, 0);
    wr_mutex_unlock(&procs->lock);
    wr_procs_dispatch(procs); // there may be too few for a group now
}

// ---- time limits -----------------------------------------------------------

// The task at `position` is over its limit. The process is killed, unless it is
// seen to have gone on: what it began next is not to die for this one.
static void overran(wr_child *child, uint64_t position) {
    const wr_place *place = wr_child_place(child, position);
    wr_mail_frame *frame = wr_child_frame(child, position);
    wr_child_take_back_locked(child);
    uint64_t word = wr_load(&frame->word, acquire, MAIL_2,
                            "after those behind it were taken back");
    if (child->tail != position + 1 ||
        word != wr_frame_word(place->generation, WR_FRAME_STARTED))
        return;
    child->overran = place->generation;
    wr_child_kill_locked(child, WR_KILL_OVERRAN);
}

// Returns when one of its tasks may be over its limit, now at the earliest. One
// that has not begun may begin now.
static int64_t look_at_limit(wr_child *child, int64_t now_ns) {
    int64_t next_ns = INT64_MAX;
    for (uint64_t at = child->head; at != child->tail; at++) {
        const wr_place *place = wr_child_place(child, at);
        wr_mail_frame *frame = wr_child_frame(child, at);
        int64_t limit_ns = place->ticket->timeout_ns;
        if (limit_ns <= 0)
            continue;
        uint64_t word = wr_load(&frame->word, acquire, MAIL_1,
                                "then the time of its start may be read");
        int64_t begin_ns = now_ns;
        if (word == wr_frame_word(place->generation, WR_FRAME_STARTED))
            begin_ns = earlier(frame->begin_ns, now_ns);
        int64_t end_ns = after(begin_ns, limit_ns);
        if (end_ns <= now_ns) {
            overran(child, at);
            return child->state == WR_CHILD_READY ? now_ns : INT64_MAX;
        }
        next_ns = earlier(next_ns, end_ns);
    }
    return next_ns;
}

static int64_t look_at_limits(weir_procs *procs) {
    int64_t next_ns = INT64_MAX;
    uint64_t back = 0;
    wr_mutex_lock(&procs->lock);
    if (procs->timed > 0) {
        back = procs->counts.given_back;
        int64_t now_ns = wr_now_ns();
        for (uint32_t i = 0; i < procs->children; i++) {
            wr_child *child = &procs->child[i];
            if (child->state == WR_CHILD_READY && wr_child_used(child) > 0)
                next_ns = earlier(next_ns, look_at_limit(child, now_ns));
        }
        back = procs->counts.given_back - back;
    }
    wr_mutex_unlock(&procs->lock);
    if (back > 0)
        wr_procs_dispatch(procs);
    return next_ns;
}

// ---- without being told ----------------------------------------------------

// Whether a process is up is for it to say, too.
static bool is_about(const wr_child *child) {
    return wr_child_used(child) > 0 || child->state == WR_CHILD_STARTING;
}

// It sleeps over a task, unless it is just about to begin it.
static void wake_sleeper(wr_child *child) {
    if (child->state != WR_CHILD_READY || wr_child_used(child) == 0)
        return;
    const wr_place *place = wr_child_place(child, child->head);
    const wr_mail_frame *frame = wr_child_frame(child, child->head);
    if (wr_load(&frame->word, relaxed, ALONE, "a wake too many is no harm") ==
        wr_frame_word(place->generation, WR_FRAME_PUBLISHED))
        wr_shared_wake(&child->mail->asleep);
}

// What processes ring and sleep by is memory that all of them can spoil: while
// tasks are about the keeper does not rely on it. Returns when it looks next.
static int64_t watch(weir_procs *procs) {
    wr_mutex_lock(&procs->lock);
    int64_t now_ns = wr_now_ns();
    bool due = procs->watched && now_ns >= procs->look_ns;
    bool about = false;
    for (uint32_t i = 0; i < procs->children; i++) {
        about = about || is_about(&procs->child[i]);
        if (due)
            wake_sleeper(&procs->child[i]);
    }
    about = about || procs->counts.tasks != procs->ran;
    if (due || !procs->watched) {
        procs->watched = about;
        procs->ran = procs->counts.tasks;
        procs->look_ns = after(now_ns, WR_LOOK_NS);
    }
    int64_t next_ns = procs->watched ? procs->look_ns : INT64_MAX;
    wr_mutex_unlock(&procs->lock);
    return next_ns;
}

// ---- starting --------------------------------------------------------------

static void look_at_starts(weir_procs *procs) {
    bool up = false;
    bool more = false;
    wr_mutex_lock(&procs->lock);
    for (uint32_t i = 0; i < procs->children; i++) {
        wr_child *child = &procs->child[i];
        if (child->state != WR_CHILD_STARTING || child->watch < 0 ||
            wr_load(&child->mail->state, seq_cst, MAIL_7,
                    "it takes tasks; after rung was cleared, as for DONE") !=
                WR_MAIL_READY)
            continue;
        child->state = WR_CHILD_READY;
        child->failures = 0;
        procs->live++;
        more = true;
        if (procs->starting > 0)
            up = --procs->starting == 0 && !procs->closing;
        else
            procs->counts.replaced++;
    }
    wr_mutex_unlock(&procs->lock);
    if (up)
        set_phase(procs, WR_PROCS_UP);
    if (more)
        wr_procs_dispatch(procs);
}

// ---- those that never run --------------------------------------------------

static void end_doomed(weir_procs *procs) {
    for (;;) {
        wr_mutex_lock(&procs->lock);
        wr_link *link = wr_list_pop_front(&procs->doomed);
        if (link == NULL) {
            wr_mutex_unlock(&procs->lock);
            return;
        }
        wr_ticket *ticket = wr_ticket_of_link(link);
        bool claimed = ticket->place == &wr_place_claimed;
        procs->counts.queued -= claimed ? 1 : ticket->members;
        ticket->place = NULL;
        wr_mutex_unlock(&procs->lock);
        if (!claimed) {
            wr_ticket_unrun(ticket, -EOWNERDEAD);
            continue;
        }
        wr_ending ending = {.status = -EOWNERDEAD,
                            .exit_status = -1,
                            .unrun = true,
                            .reason = "no process is left to run it"};
        wr_ticket_ended(ticket, &ending);
    }
}

// ---- the end of a group ----------------------------------------------------

static void stop_child_locked(wr_child *child) {
    switch (child->state) {
    case WR_CHILD_WANTED:
        wr_list_remove(&child->todo);
        give_up_locked(child, -ECANCELED);
        break;
    case WR_CHILD_STARTING:
        if (child->watch >= 0)
            wr_process_kill(child->watch);
        break;
    case WR_CHILD_READY:
        child->state = WR_CHILD_KILLED;
        child->cause = WR_KILL_CLOSING;
        child->procs->live--;
        wr_store(&child->mail->stop, 1, seq_cst, MAIL_6,
                 "before asleep is looked at");
        wr_child_wake(child);
        break;
    case WR_CHILD_ABSENT:
    case WR_CHILD_ASKED:
    case WR_CHILD_KILLED:
    case WR_CHILD_DEAD: break; // goes on by itself
    }
}

// A zygote that is stopped would keep the remains, and the group, for ever.
// Returns when it is to be looked at again.
static int64_t hurry_zygote(weir_zygote *zygote, int64_t now_ns) {
    if (zygote->asked == NULL || zygote->watch < 0)
        return INT64_MAX;
    int64_t at_ns = zygote->asked_ns + (int64_t)ANSWER_S * 1000000000;
    if (now_ns < at_ns)
        return at_ns;
    wr_zygote_disown(zygote); // it is known to have ended then
    return INT64_MAX;
}

// Returns when it is to be looked at again.
static int64_t close_group(weir_procs *procs, bool *gone) {
    wr_mutex_lock(&procs->lock);
    if (!procs->closing) {
        wr_mutex_unlock(&procs->lock);
        return INT64_MAX;
    }
    int64_t now_ns = wr_now_ns();
    if (!procs->closing_begun) {
        procs->closing_begun = true;
        procs->kill_all_ns = now_ns + STOP_NS;
    }
    bool kill = now_ns >= procs->kill_all_ns;
    for (uint32_t i = 0; i < procs->children; i++) {
        wr_child *child = &procs->child[i];
        stop_child_locked(child); // also one that has just been made
        if (kill && child->state == WR_CHILD_KILLED)
            wr_process_kill(child->watch);
    }
    *gone = procs->absent == procs->children;
    int64_t next_ns =
        kill ? hurry_zygote(procs->zygote, now_ns) : procs->kill_all_ns;
    wr_mutex_unlock(&procs->lock);
    if (*gone) {
        wr_list_remove(&procs->link);
        set_phase(procs, WR_PROCS_GONE);
    }
    return next_ns;
}

// The zygote has ended, and all processes with it, or as soon as the kernel
// gets to it; until then nothing is said of what they do.
void wr_procs_zygote_broken(weir_procs *procs) {
    wr_mutex_lock(&procs->lock);
    for (uint32_t i = 0; i < procs->children; i++) {
        wr_child *child = &procs->child[i];
        if (child->watch >= 0 && child->state != WR_CHILD_DEAD)
            wr_process_kill(child->watch);
        if (child->state == WR_CHILD_WANTED) {
            wr_list_remove(&child->todo);
            give_up_locked(child, -EOWNERDEAD);
        }
    }
    if (procs->starting > 0 && !procs->closing) {
        procs->closing = true;
        procs->error = -EOWNERDEAD;
    }
    wr_procs_doom_locked(procs);
    wr_mutex_unlock(&procs->lock);
}

int64_t wr_procs_tend(weir_procs *procs, bool *gone, bool *busy) {
    *gone = false;
    wr_store(&procs->group->rung, 0, seq_cst, MAIL_4,
             "before the look at all frames");
    size_t handed = 0;
    size_t more;
    wr_procs_spin_begin(procs);
    while ((more = wr_procs_collect(procs, true)) > 0)
        handed += more;
    uint64_t submits = wr_procs_spin_end(procs);
    while ((more = wr_procs_collect(procs, true)) > 0)
        handed += more;
    *busy = *busy || (handed >= BUSY_OUTCOMES && submits != procs->seen);
    procs->seen = submits;
    look_at_starts(procs);
    wr_procs_dispatch(procs); // who had enough of it left the rest
    end_doomed(procs);
    int64_t next_ns = earlier(look_at_limits(procs), watch(procs));
    // Last: it may be gone then.
    return earlier(next_ns, close_group(procs, gone));
}
