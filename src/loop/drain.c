// SPDX-License-Identifier: MIT
// The loop's thread takes what has ended. README.md, "Draining", has the
// protocol.
#include "loop/internal.h"

// ---- one call --------------------------------------------------------------

static void count_outcome(weir_loop *loop, const wr_call *call) {
    weir_loop_counts *counts = &loop->counts;
    switch ((weir_outcome)call->outcome) {
    case WEIR_OUTCOME_NONE: break;
    case WEIR_OUTCOME_DONE: counts->done++; break;
    case WEIR_OUTCOME_FAILED: counts->failed++; break;
    case WEIR_OUTCOME_CANCELLED: counts->cancelled++; break;
    case WEIR_OUTCOME_TIMED_OUT: counts->timed_out++; break;
    }
    counts->inlined += call->inlined;
    counts->pending--;
    loop->taken_count--;
}

static void trace_call(const weir_loop *loop, const wr_call *call,
                       int64_t now) {
    weir_trace *trace = loop->options.trace;
    const weir_call *public = wr_call_public((wr_call *)(uintptr_t)call);
    const char *name = public->site != NULL ? public->site->name : "call";
    uint64_t id = (uint64_t)(uintptr_t)call;
    wr_trace_emit(trace, NULL, WR_TRACE_CALL, name, id, call->submitted_ns,
                  now);
    if (call->ended_ns != 0)
        wr_trace_emit(trace, NULL, WR_TRACE_DELIVERY, name, id, call->ended_ns,
                      now);
}

// Takes all of the mailbox. Arms it if there was nothing, so that whoever ends
// a call from here on writes. _locked.
static void collect(weir_loop *loop, bool arm) {
    wr_mutex_lock(&loop->post_lock);
    uint32_t count = wr_load(&loop->ended_count, relaxed, ALONE,
                             "changed under the lock, which is held");
    wr_list_splice_back(&loop->taken, &loop->ended);
    wr_store(&loop->ended_count, 0, relaxed, ALONE, "only this thread spins");
    if (loop->signalled)
        wr_wakefd_clear(&loop->fd);
    loop->signalled = false;
    loop->armed = arm && count == 0;
    wr_mutex_unlock(&loop->post_lock);
    loop->taken_count += count;
    if (loop->taken_count > loop->counts.ended_max)
        loop->counts.ended_max = loop->taken_count;
}

// Takes the first that has ended: it is not pending any more. _locked.
static wr_call *take(weir_loop *loop, int64_t now) {
    if (wr_list_empty(&loop->taken))
        collect(loop, true);
    wr_link *link = wr_list_pop_front(&loop->taken);
    if (link == NULL)
        return NULL;
    wr_call *call = wr_container_of(link, wr_call, link);
    wr_prefetch(wr_container_of(loop->taken.next, wr_call, link),
                sizeof(*call));
    wr_list_remove(&call->all);
    if (call->timed)
        wr_heap_remove(&loop->timers, &call->timer);
    call->timed = false;
    count_outcome(loop, call);
    if (call->cell != NULL)
        wr_site_delivered(call->cell, call, now);
    wr_store(&call->state, WR_CALL_IDLE, relaxed, ALONE,
             "from done on it is the user's");
    return call;
}

// Its memory is the user's from the call of done on.
static void deliver(weir_loop *loop, wr_call *call, int64_t now) {
    weir_call *theirs = wr_call_public(call);
    void *captured = call->captured;
    if (call->submitted_ns != 0 && wr_trace_on(loop->options.trace))
        trace_call(loop, call, now);
    wr_loop_enter(loop, captured);
    if (theirs->done != NULL)
        theirs->done(theirs, call->status);
    wr_loop_leave(loop, captured);
    if (loop->hooks.release != NULL)
        loop->hooks.release(loop->hooks.context, captured);
}

// ---- spinning --------------------------------------------------------------

enum {
    SPIN_MORE_NS = 5000, // it looks half as long again as usual, and this
    SPIN_VAIN = 4,       // looks in vain in a row, after waking a worker:
    SPIN_REST = 16,      // so many waits without one; doubles, up to
    SPIN_REST_MAX = 1024,
    SPIN_MISSES = 2, // so many waits in a row too long: looking does not pay
    SPIN_FEW = 16,   // calls that one drain waits for when many more are away,
    SPIN_FEW_NS = 4000 // and how long, once the first is there
};

// A wait is over: would looking have seen its end? It is what decides whether
// to look next time, so that a loop which has stopped looking starts again when
// its calls are short again, and one whose calls are long looks never.
static void learn(weir_loop *loop, int64_t now) {
    loop->woke = false;
    if (loop->wait_began_ns == 0)
        return;
    int64_t full = loop->options.spin_ns;
    int64_t waited = now - loop->wait_began_ns;
    loop->wait_began_ns = 0;
    // A quarter more, for what waking up took.
    loop->spin_missed = waited < full + full / 4 ? 0 : loop->spin_missed + 1;
}

// How long to look: somewhat longer than it took when it paid. No longer: the
// worker may be on this very CPU, and cannot run before this thread sleeps.
static int64_t budget_ns(const weir_loop *loop) {
    int64_t full = loop->options.spin_ns;
    int64_t usual = loop->spin_mean_ns + loop->spin_mean_ns / 2 + SPIN_MORE_NS;
    return loop->spin_mean_ns != 0 && usual < full ? usual : full;
}

// What a look has come to. After one in vain a little more is tried.
static void adjust(weir_loop *loop, bool paid) {
    int64_t mean = loop->spin_mean_ns;
    if (paid) {
        int64_t took = wr_now_ns() - loop->wait_began_ns;
        loop->spin_mean_ns = mean == 0 ? took : mean + (took - mean) / 8;
        loop->spin_vain = 0;
        loop->spin_rest_next = WR_SPIN_REST;
        return;
    }
    if (mean < loop->options.spin_ns)
        loop->spin_mean_ns += mean / 8;
    if (++loop->spin_vain < SPIN_VAIN)
        return;
    loop->spin_vain = SPIN_VAIN - 1; // one more after the rest
    loop->spin_rest = loop->spin_rest_next;
    if (loop->spin_rest_next < SPIN_REST_MAX)
        loop->spin_rest_next *= 2;
}

static uint32_t ended(const weir_loop *loop) {
    return wr_load(&loop->ended_count, relaxed, ALONE,
                   "a hint; the drain takes the lock");
}

// Looks until `few` calls have ended, or one has and a little time has passed:
// when many are on their way, taking them one by one would make the loop and
// the workers wait for each other's cache lines.
static bool look(const weir_loop *loop, int64_t for_ns, uint32_t few) {
    int64_t now = wr_now_ns();
    int64_t end = now + for_ns;
    bool seen = false;
    do {
        for (int i = 0; i < 8; i++)
            wr_spin_pause();
        uint32_t count = ended(loop);
        if (count >= few)
            return true;
        now = wr_now_ns();
        if (count > 0 && !seen && end > now + SPIN_FEW_NS)
            end = now + SPIN_FEW_NS;
        seen = count > 0;
    } while (now < end);
    return seen;
}

// Looks for a call that is about to end, unarmed, so that whoever ends it need
// not write.
static void spin(weir_loop *loop) {
    if (loop->options.spin_ns <= 0 || ended(loop) > 0)
        return;
    wr_mutex_lock(&loop->lock);
    uint64_t away = loop->counts.pending - loop->taken_count;
    bool hopeful = away > 0 && loop->taken_count == 0;
    wr_mutex_unlock(&loop->lock);
    if (!hopeful)
        return;
    int64_t now = wr_now_ns();
    bool first = loop->wait_began_ns == 0;
    if (first)
        loop->wait_began_ns = now;
    // A worker that had to be woken tends to be on this very CPU, where it
    // cannot run before this thread sleeps; but if this one goes on looking
    // the system moves it, and then both are hot. So: seldom, if in vain.
    if (loop->woke && loop->spin_rest > 0) {
        loop->spin_rest -= first;
        return;
    }
    // A loop that is woken by other things meanwhile looks no longer in all.
    int64_t budget = budget_ns(loop) - (now - loop->wait_began_ns);
    if (budget <= 0 || loop->spin_missed >= SPIN_MISSES)
        return;
    wr_mutex_lock(&loop->post_lock);
    loop->armed = false;
    wr_mutex_unlock(&loop->post_lock);
    bool paid = look(loop, budget, away > 4 * SPIN_FEW ? SPIN_FEW : 1);
    adjust(loop, paid);
    wr_mutex_lock(&loop->lock);
    loop->counts.spins++;
    loop->counts.spins_paid += paid;
    wr_mutex_unlock(&loop->lock);
}

// ---- the drain -------------------------------------------------------------

// Delivers what has ended, up to the limits. Returns how many.
static int deliver_all(weir_loop *loop) {
    int64_t limit_ns = loop->options.drain_ns;
    bool timed = limit_ns != WEIR_FOREVER;
    int64_t now = wr_now_ns();
    int64_t begin = now;
    unsigned delivered = 0;
    bool armed = false;
    wr_mutex_lock(&loop->lock);
    if (loop->taken_count > 0)
        learn(loop, now);
    uint64_t limit = loop->options.drain_calls;
    if (limit == UINT_MAX) // or calls that submit calls would never end
        limit = loop->taken_count;
    while (delivered < limit) {
        wr_call *call = take(loop, now);
        armed = call == NULL;
        if (armed)
            break;
        bool measured = call->cell != NULL;
        wr_mutex_unlock(&loop->lock);
        delivered++;
        deliver(loop, call, now);
        if (timed || measured)
            now = wr_now_ns();
        wr_mutex_lock(&loop->lock);
        if (timed && now - begin >= limit_ns)
            break;
    }
    // Armed, or readable: nothing that ends from here on is missed.
    if (!armed && wr_list_empty(&loop->taken))
        collect(loop, true);
    bool left = !wr_list_empty(&loop->taken);
    if (left)
        wr_loop_wake(loop);
    loop->counts.drains += delivered > 0;
    loop->counts.limited += left;
    wr_mutex_unlock(&loop->lock);
    return (int)delivered;
}

// Tells the event loop whether to stay, and, from the outermost drain, that all
// is over.
static void settle(weir_loop *loop) {
    wr_mutex_lock(&loop->lock);
    bool pending = loop->counts.pending > 0;
    bool over =
        loop->drains == 0 && loop->closing && !pending && !loop->close_over;
    if (over)
        loop->close_over = true;
    bool closing = loop->closing && !loop->close_over;
    wr_mutex_unlock(&loop->lock);
    wr_loop_hold(loop, pending || closing);
    // The last thing done: the loop may be gone when closed returns.
    if (over && loop->closed != NULL)
        loop->closed(loop, loop->closed_context);
}

static int drain(weir_loop *loop, bool may_spin) {
    if (wr_loop_forked(loop))
        return -ECHILD;
    wr_loop_check_thread(loop);
    if (may_spin)
        spin(loop);
    loop->drains++;
    loop->inline_ns = 0;
    wr_mutex_lock(&loop->lock);
    wr_loop_expire(loop);
    collect(loop, false);
    wr_mutex_unlock(&loop->lock);
    int delivered = deliver_all(loop);
    loop->drains--;
    settle(loop);
    return delivered;
}

int weir_loop_drain(weir_loop *loop) { return drain(loop, false); }

int weir_loop_drain_spin(weir_loop *loop) { return drain(loop, true); }
