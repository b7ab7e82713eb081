// SPDX-License-Identifier: MIT
// Which ticket goes to which process, and when. One thread at a time does it
// for a group of processes; others that come meanwhile leave word in `again`.
// So the lock can be let go for wr_ticket_claim, and still one thread alone
// adds to a mailbox.
#include "graph/procs_types.h"

#include "base/check.h"

#include <string.h>

enum { STEPS_MAX = 512 }; // of one thread without a break

wr_place wr_place_claimed;

static bool is_claimed(const wr_ticket *ticket) {
    return ticket->place == &wr_place_claimed;
}

static unsigned level_of(const wr_ticket *ticket) {
    return ticket->priority > 0 ? 0 : ticket->priority == 0 ? 1 : 2;
}

// ---- into a mailbox --------------------------------------------------------

void wr_child_wake(wr_child *child) {
    wr_mailbox *mail = child->mail;
    if (wr_load(&mail->asleep, seq_cst, MAIL_5,
                "after something was published, or it was told to stop") == 0)
        return;
    if (wr_exchange(&mail->asleep, 0, relaxed, ALONE,
                    "one wake for each sleep; the futex orders the rest") == 0)
        return;
    child->procs->counts.wakes++;
    wr_shared_wake(&mail->asleep);
}

static void fill(wr_mail_frame *frame, wr_ticket *ticket) {
    frame->number = ticket->number;
    frame->kernel = ticket->kernel_at;
    frame->arguments_size = (uint32_t)ticket->arguments_size;
    frame->data_count = ticket->data_count;
    frame->member = ticket->member;
    frame->members = ticket->members;
    if (ticket->arguments_size > 0)
        memcpy(wr_frame_arguments(frame), ticket->arguments,
               ticket->arguments_size);
    if (ticket->data_count > 0)
        memcpy(wr_frame_data(frame, ticket->arguments_size), ticket->data,
               ticket->data_count * sizeof(*ticket->data));
    // tell stores there first and then looks, under the lock, for a frame.
    uint32_t told =
        wr_load(&ticket->told, relaxed, ALONE, "the lock orders it with tell");
    wr_store(&frame->told, told, relaxed, ALONE, "MAIL_1 publishes it");
}

// The keeper is told if it would look too late.
static void note_limit(weir_procs *procs, const wr_ticket *ticket) {
    procs->timed++;
    int64_t now_ns = wr_now_ns();
    int64_t end_ns = ticket->timeout_ns > INT64_MAX - now_ns
                         ? INT64_MAX
                         : now_ns + ticket->timeout_ns;
    uint64_t next_ns =
        wr_load(&procs->zygote->next_look, relaxed, ALONE,
                "the keeper stores, then takes the lock that is held here");
    if ((uint64_t)end_ns < next_ns)
        wr_keeper_ring(procs->zygote);
}

// Not what the program has left there: the process has written it. It may have
// taken it for a task and gone on to the next frame, and would never look at
// this one.
static bool is_spoiled(const wr_place *place, wr_mail_frame *frame) {
    return wr_load(&frame->word, relaxed, ALONE,
                   "the program's, and stored under the lock") !=
           wr_frame_word(place->generation, WR_FRAME_EMPTY);
}

static void publish(wr_child *child, wr_ticket *ticket) {
    weir_procs *procs = child->procs;
    wr_place *place = wr_child_place(child, child->tail);
    wr_mail_frame *frame = wr_child_frame(child, child->tail);
    if (is_spoiled(place, frame)) {
        wr_child_kill_locked(child, WR_KILL_BROKEN);
        wr_procs_return_locked(procs, ticket);
        return;
    }
    place->ticket = ticket;
    place->generation = ++child->generation;
    ticket->place = place;
    fill(frame, ticket);
    wr_store(&frame->word, wr_frame_word(place->generation, WR_FRAME_PUBLISHED),
             seq_cst, MAIL_1, "the task is written");
    child->tail++;
    procs->counts.in_flight++;
    procs->counts.queued--;
    if (ticket->timeout_ns > 0)
        note_limit(procs, ticket);
    if (!procs->watched) {
        procs->watched = true;
        wr_keeper_ring(procs->zygote);
    }
    wr_child_wake(child);
}

// Takes back the youngest frame, if it was not started. NULL: it was.
static wr_ticket *take_back(wr_child *child) {
    weir_procs *procs = child->procs;
    wr_place *place = wr_child_place(child, child->tail - 1);
    wr_mail_frame *frame = wr_child_frame(child, child->tail - 1);
    uint64_t word = wr_frame_word(place->generation, WR_FRAME_PUBLISHED);
    if (!wr_compare_exchange(&frame->word, &word,
                             wr_frame_word(place->generation, WR_FRAME_EMPTY),
                             acq_rel, MAIL_1,
                             "whoever changes it has the task"))
        return NULL;
    wr_ticket *ticket = place->ticket;
    place->ticket = NULL;
    ticket->place = &wr_place_claimed;
    child->tail--;
    procs->counts.in_flight--;
    procs->counts.queued++;
    procs->timed -= ticket->timeout_ns > 0;
    return ticket;
}

// The keeper ends what is doomed. Of a group that was not claimed the first
// stands for all.
static void doom(weir_procs *procs, wr_ticket *ticket, uint32_t members) {
    uint32_t count = is_claimed(ticket) ? members : 1;
    for (uint32_t i = 0; i < count; i++)
        wr_list_push_back(&procs->doomed, &ticket[i].link);
    wr_keeper_ring(procs->zygote);
}

void wr_procs_return_locked(weir_procs *procs, wr_ticket *ticket) {
    ticket->place = &wr_place_claimed;
    if (procs->dead) {
        doom(procs, ticket, 1);
    } else if (ticket->members > 1) {
        // The others of its group may be waiting for it: it goes first.
        wr_list_push_back(&procs->returned, &ticket->link);
        procs->returned_count++;
    } else {
        wr_list_push_front(&procs->ready[level_of(ticket)], &ticket->link);
    }
}

void wr_child_take_back_locked(wr_child *child) {
    while (wr_child_used(child) > 0) {
        wr_ticket *ticket = take_back(child);
        if (ticket == NULL)
            return;
        child->procs->counts.given_back++;
        wr_procs_return_locked(child->procs, ticket);
    }
}

// ---- processes -------------------------------------------------------------

static bool is_free(const wr_child *child) {
    return child->state == WR_CHILD_READY && wr_child_used(child) == 0;
}

// The process with the fewest tasks that has room for one more, not reserved.
static wr_child *fewest(weir_procs *procs, uint64_t limit) {
    wr_child *best = NULL;
    for (uint32_t i = 0; i < procs->children; i++) {
        wr_child *child = &procs->child[i];
        if (child->state != WR_CHILD_READY || child->reserved ||
            wr_child_used(child) >= limit)
            continue;
        limit = wr_child_used(child);
        best = child;
        if (limit == 0)
            break;
    }
    return best;
}

static wr_child *free_one(weir_procs *procs, uint32_t from) {
    for (uint32_t i = from; i < procs->children; i++)
        if (is_free(&procs->child[i]))
            return &procs->child[i];
    return NULL;
}

static void unreserve(weir_procs *procs) {
    for (uint32_t i = 0; i < procs->children; i++)
        procs->child[i].reserved = false;
}

// Lets processes run dry for those that need one each: their number, or all.
static void reserve(weir_procs *procs) {
    uint32_t wanted = procs->returned_count;
    if (procs->gang != NULL)
        wanted += procs->gang->members;
    for (uint32_t i = 0; i < procs->children && wanted > 0; i++)
        wanted -= procs->child[i].reserved;
    while (wanted > 0) {
        wr_child *child = fewest(procs, UINT64_MAX);
        if (child == NULL)
            return;
        child->reserved = true;
        wanted--;
    }
}

// ---- one step --------------------------------------------------------------

// A member of a group whose process has died, to any process that is free:
// reserved ones too, since what they are reserved for can wait.
static bool step_returned(weir_procs *procs) {
    if (procs->returned_count == 0)
        return false;
    wr_ticket *ticket = wr_ticket_of_link(procs->returned.next);
    bool hopeless = ticket->members > procs->children - procs->absent;
    wr_child *child = free_one(procs, 0);
    if (child == NULL && !hopeless) {
        reserve(procs);
        return false;
    }
    wr_list_remove(&ticket->link);
    procs->returned_count--;
    if (hopeless)
        doom(procs, ticket, 1);
    else
        publish(child, ticket);
    unreserve(procs);
    return true;
}

static bool enough_free(weir_procs *procs, uint32_t members) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < procs->children && found < members; i++)
        found += is_free(&procs->child[i]);
    return found == members;
}

// Calls wr_ticket_claim without the lock. False: the ticket is gone.
static bool claim(weir_procs *procs, wr_ticket *ticket, uint32_t members) {
    if (is_claimed(ticket))
        return true;
    wr_mutex_unlock(&procs->lock);
    bool claimed = wr_ticket_claim(ticket);
    wr_mutex_lock(&procs->lock);
    if (!claimed) {
        procs->counts.queued -= members;
        return false;
    }
    for (uint32_t i = 0; i < members; i++)
        ticket[i].place = &wr_place_claimed;
    return true;
}

// All of a group at once, each to a process that is free.
static void publish_all(weir_procs *procs, wr_ticket *gang, uint32_t members) {
    wr_child *child = procs->child;
    for (uint32_t i = 0; i < members; i++) {
        child = free_one(procs, child->index);
        wr_assert(child != NULL);
        publish(child, &gang[i]);
    }
}

// The group that processes are reserved for, once there are enough.
static bool step_gang(weir_procs *procs) {
    wr_ticket *gang = procs->gang;
    if (gang == NULL)
        return false;
    uint32_t members = gang->members;
    bool hopeless = members > procs->children - procs->absent;
    if (!hopeless && !enough_free(procs, members)) {
        reserve(procs);
        return false;
    }
    procs->gang = NULL; // nobody else's while the lock is let go
    if (!hopeless && !claim(procs, gang, members)) {
        unreserve(procs);
        return true;
    }
    if (hopeless || procs->dead) {
        doom(procs, gang, members);
    } else if (!enough_free(procs, members)) {
        procs->gang = gang; // one has died meanwhile: it waits on, claimed
        return true;
    } else {
        publish_all(procs, gang, members);
    }
    unreserve(procs);
    return true;
}

// The list that is to be looked at first, second, third.
static unsigned order(const weir_procs *procs, unsigned i) {
    bool lowest =
        procs->picks % WR_PROCS_LOWEST_EVERY == WR_PROCS_LOWEST_EVERY - 1;
    return lowest ? WR_PROCS_PRIORITIES - 1 - i : i;
}

// The next ticket: one whose turn it is, and for which there is a process.
static wr_ticket *pick(weir_procs *procs, bool room) {
    for (unsigned i = 0; i < WR_PROCS_PRIORITIES; i++) {
        wr_link *list = &procs->ready[order(procs, i)];
        if (wr_list_empty(list))
            continue;
        wr_ticket *ticket = wr_ticket_of_link(list->next);
        bool group = ticket->members > 1;
        if (group ? procs->gang != NULL : !room)
            continue; // those behind wait with it
        wr_list_remove(&ticket->link);
        procs->picks++;
        return ticket;
    }
    return NULL;
}

static bool step_ready(weir_procs *procs) {
    wr_child *child = fewest(procs, procs->depth);
    if (child == NULL && procs->counts.queued > 0) {
        wr_procs_gather_locked(procs);
        child = fewest(procs, procs->depth);
    }
    wr_ticket *ticket = pick(procs, child != NULL);
    if (ticket == NULL)
        return false;
    if (ticket->members > 1) {
        procs->gang = ticket;
        return true;
    }
    bool asked = !is_claimed(ticket);
    if (!claim(procs, ticket, 1))
        return true;
    if (asked)
        child = fewest(procs, procs->depth); // much may have happened
    if (child == NULL || procs->dead)
        wr_procs_return_locked(procs, ticket);
    else
        publish(child, ticket);
    return true;
}

// One that has nothing to do takes over what waits behind another's task.
static bool step_balance(weir_procs *procs) {
    wr_child *idle = fewest(procs, 1);
    if (idle == NULL)
        return false;
    wr_child *donor = NULL;
    for (uint32_t i = 0; i < procs->children; i++) {
        wr_child *child = &procs->child[i];
        if (child->state != WR_CHILD_READY || wr_child_used(child) < 2)
            continue;
        if (donor == NULL || wr_child_used(child) > wr_child_used(donor))
            donor = child;
    }
    wr_ticket *ticket = donor == NULL ? NULL : take_back(donor);
    if (ticket == NULL)
        return false;
    procs->counts.given_back++;
    publish(idle, ticket);
    return true;
}

static bool step(weir_procs *procs) {
    if (procs->dead)
        return false;
    return step_returned(procs) || step_gang(procs) || step_ready(procs) ||
           step_balance(procs);
}

void wr_procs_dispatch_locked(weir_procs *procs) {
    procs->again = true;
    if (procs->dispatching)
        return;
    procs->dispatching = true;
    unsigned left = STEPS_MAX;
    while (procs->again && left > 0) {
        procs->again = false;
        while (left > 0 && step(procs))
            left--;
    }
    procs->dispatching = false;
    // Fast processes could keep one thread at this for ever.
    if (left == 0)
        wr_keeper_ring(procs->zygote);
}

void wr_procs_dispatch(weir_procs *procs) {
    wr_mutex_lock(&procs->lock);
    wr_procs_dispatch_locked(procs);
    wr_mutex_unlock(&procs->lock);
}

void wr_procs_doom_locked(weir_procs *procs) {
    procs->dead = true;
    for (unsigned i = 0; i < WR_PROCS_PRIORITIES; i++)
        wr_list_splice_back(&procs->doomed, &procs->ready[i]);
    wr_list_splice_back(&procs->doomed, &procs->returned);
    procs->returned_count = 0;
    if (procs->gang != NULL)
        doom(procs, procs->gang, procs->gang->members);
    procs->gang = NULL;
}
