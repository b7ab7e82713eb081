// SPDX-License-Identifier: MIT
// Visits: begun, adding, ended.
#include "base/fault.h"
#include "frontier/internal.h"

// ---- adding ----------------------------------------------------------------

// FIRST: it was asked for from nearer the seeds.
static void bring_near(weir_frontier *frontier, wr_place *place,
                       weir_item *item, uint32_t level, size_t *wake) {
    uint32_t now = wr_item_level(item);
    if (level >= now)
        return;
    while (level < now && !wr_compare_exchange(&item->level, &now, level,
                                               relaxed, ALONE, "a bound"))
        continue;
    // Whoever sets it aside compares under the same lock.
    if (wr_load(&frontier->failing, relaxed, ALONE,
                "looked at again when nothing is outstanding") == 0 ||
        !wr_end_undefer(frontier, item))
        return;
    wr_end_count(frontier, 1);
    wr_ready_push(frontier, place, item);
    ++*wake;
}

// Keys that are wanted now, some of which may have been prefetches until now.
// Returns how many of those there were.
static size_t demand_found(weir_frontier *frontier, wr_place *place,
                           const weir_key *keys, size_t count,
                           const wr_found *found) {
    size_t demanded = 0;
    // Who made it known set this before: seen by way of the shard's lock.
    if (wr_load(&frontier->prefetches, relaxed, ALONE, "see above") == 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        weir_item *item = found->item[i];
        demanded += !keys[i].prefetch && item != NULL &&
                    wr_item_state(item) == WR_ITEM_PREFETCH &&
                    wr_ready_demand(frontier, place, item);
    }
    return demanded;
}

int wr_visit_find(weir_frontier *frontier, wr_place *place, uint32_t from,
                  wr_edges **edges, const weir_key *keys, size_t count,
                  size_t *wake) {
    int error = 0;
    bool first = frontier->options.policy == WEIR_FRONTIER_FIRST;
    wr_asker asker = {from, WR_NOBODY};
    if (first)
        asker.level = from == WR_NOBODY
                          ? 0
                          : wr_item_level(wr_item_of(frontier, from)) + 1;
    for (size_t at = 0; at < count && error == 0; at += WR_ADD_MOST) {
        wr_found found;
        size_t part = count - at < WR_ADD_MOST ? count - at : WR_ADD_MOST;
        if (frontier->edges && !wr_edges_room(frontier, place, edges, part))
            return -ENOMEM;
        for (size_t i = 0; i < part; i++)
            if (keys[at + i].prefetch &&
                wr_load(&frontier->prefetches, relaxed, ALONE, "only set") == 0)
                wr_store(&frontier->prefetches, 1, relaxed, ALONE, "only set");
        wr_keys_add(frontier, asker, keys + at, part, &found);
        error = found.error;
        if (found.fresh_count > 0)
            wr_end_count(frontier, found.fresh_count);
        if (place != &frontier->place[frontier->places])
            wr_frontier_point(frontier); // no lock is held
        size_t added = 0;
        for (size_t i = 0; i < part; i++) {
            if (found.item[i] == NULL)
                continue;
            added++;
            if (first)
                bring_near(frontier, place, found.item[i], asker.level, wake);
            if (frontier->edges)
                wr_edges_add(*edges, found.item[i]->id, keys[at + i].tag);
        }
        wr_cell_add(&place->cells.adds, added);
        wr_cell_add(&place->cells.duplicates, added - found.fresh_count);
        for (size_t i = 0; i < found.fresh_count; i++)
            wr_ready_push(frontier, place, found.fresh[i]);
        *wake += found.fresh_count;
        *wake += demand_found(frontier, place, keys + at, part, &found);
    }
    return error;
}

void wr_visit_found(weir_frontier *frontier, size_t wake) {
    if (wake == 0)
        return;
    wr_frontier_point(frontier);
    wr_runner_wake(frontier, wake);
    // Those who drain may have been there before it was pushed.
    if (wr_frontier_told(frontier) != 0)
        wr_runner_drain(frontier);
}

// The first key that cannot be one, or count.
static size_t good_keys(const weir_key *keys, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!wr_key_good(&keys[i]))
            return i;
    return count;
}

static int add_some(weir_visit *visit, const weir_key *keys, size_t count) {
    weir_frontier *frontier = visit->frontier;
    if (count == 0)
        return 0;
    wr_place *place = wr_place_enter(frontier);
    size_t wake = 0;
    int error;
    if (frontier->owned) {
        error = wr_owner_add(frontier, place, visit->item, keys, count);
        // Other visits than the runner's own may go on elsewhere: what they
        // add must be on its way before that.
        if (place->current != visit ||
            wr_load(&frontier->idle_count, relaxed, ALONE, "a hint") != 0)
            wr_owner_post(frontier, place);
    } else {
        error = wr_visit_find(frontier, place, visit->item->id,
                              &visit->item->out, keys, count, &wake);
    }
    wr_place_leave(frontier, place);
    if (frontier->owned)
        wr_owner_call(frontier);
    else
        wr_visit_found(frontier, wake);
    return error;
}

void weir_visit_add_batch(weir_visit *visit, const weir_key *keys,
                          size_t count) {
    if (wr_frontier_forked(visit->frontier))
        return;
    while (count > 0) {
        size_t good = good_keys(keys, count);
        int error = add_some(visit, keys, good);
        if (error == 0 && good < count)
            error = -EINVAL;
        if (error != 0)
            wr_visit_trouble(visit, error);
        if (good == count)
            return;
        keys += good + 1;
        count -= good + 1;
    }
}

void weir_visit_add(weir_visit *visit, const weir_key *key) {
    weir_visit_add_batch(visit, key, 1);
}

// ---- the outcome -----------------------------------------------------------

static void note_failed(weir_frontier *frontier, weir_item *item) {
    wr_mutex_lock(&frontier->lock);
    item->prev = frontier->failed;
    frontier->failed = item->id;
    frontier->failed_count++;
    if (frontier->first_failed == NULL ||
        wr_result_before(frontier, item, frontier->first_failed))
        frontier->first_failed = item;
    wr_mutex_unlock(&frontier->lock);
    if (frontier->options.policy == WEIR_FRONTIER_FIRST)
        wr_store(&frontier->failing, 1, relaxed, ALONE,
                 "looked at again when nothing is outstanding");
}

static void count_outcome(weir_frontier *frontier, const weir_item *item,
                          enum wr_item_state state, bool again) {
    wr_place *place = wr_place_enter(frontier);
    wr_cells *cells = &place->cells;
    wr_cell_add(&cells->ended[item->visit_class], 1);
    if (!again)
        wr_cell_add(state == WR_ITEM_DONE     ? &cells->done
                    : state == WR_ITEM_FAILED ? &cells->failed
                                              : &cells->cancelled,
                    1);
    wr_place_leave(frontier, place);
}

bool wr_visit_over(weir_frontier *frontier, const wr_outcome *outcome) {
    weir_item *item = outcome->item;
    bool again = outcome->pause != NULL;
    enum wr_item_state state = outcome->status == 0 ? WR_ITEM_DONE
                               : outcome->cancelled ? WR_ITEM_CANCELLED
                                                    : WR_ITEM_FAILED;
    count_outcome(frontier, item, state, again);
    item->status = outcome->status;
    if (!again)
        wr_item_become(item, state);
    if (!again && state == WR_ITEM_FAILED)
        note_failed(frontier, item);
    wr_ready_leave(frontier, item->visit_class);
    wr_frontier_point(frontier);
    if (again)
        wr_pause_start(outcome->pause, outcome->again_ns);
    return !again;
}

void wr_visit_unseen(weir_frontier *frontier, weir_item *item, int status) {
    item->status = status;
    wr_item_become(item, WR_ITEM_CANCELLED);
    wr_place *place = wr_place_enter(frontier);
    wr_cell_add(&place->cells.cancelled, 1);
    wr_place_leave(frontier, place);
}

void wr_visit_cancel(weir_frontier *frontier, weir_item *item, int status) {
    wr_visit_unseen(frontier, item, status);
    wr_ready_leave(frontier, item->visit_class);
}

static bool may_go_again(weir_visit *visit, int status) {
    weir_frontier *frontier = visit->frontier;
    const weir_frontier_options *options = &frontier->options;
    if (status == 0 || wr_frontier_told(frontier) != 0 ||
        visit->item->attempts >= options->attempts_max)
        return false;
    return options->transient != NULL
               ? options->transient(options->context, visit, status) != 0
               : status != -ENOMEM && status != -EINVAL;
}

static int trouble_of(const weir_visit *visit) {
    weir_visit *own = (weir_visit *)(uintptr_t)visit;
    return -(int)wr_load(&own->trouble, relaxed, ALONE, "a word on its own");
}

void wr_visit_trouble(weir_visit *visit, int error) {
    if (trouble_of(visit) == 0)
        wr_store(&visit->trouble, (uint32_t)-error, relaxed, ALONE,
                 "a word on its own");
}

// What has been told, or could be seen by looking.
static int ends_early(const weir_frontier *frontier) {
    int told = wr_frontier_told(frontier);
    if (told != 0)
        return told;
    weir_pool *pool = frontier->pool;
    if (wr_load(&pool->abort, relaxed, ALONE, "a hint") != 0)
        return -ESHUTDOWN;
    return wr_deadline_passed(pool, frontier->options.deadline_ns) ? -ETIMEDOUT
                                                                   : 0;
}

// It ends with what it was told, or has seen by looking before another cause
// was told.
static bool was_told(const weir_frontier *frontier, int status) {
    weir_pool *pool = frontier->pool;
    if (status == -ETIMEDOUT &&
        wr_deadline_passed(pool, frontier->options.deadline_ns))
        return true;
    if (status == -ESHUTDOWN &&
        wr_load(&pool->abort, relaxed, ALONE, "a hint") != 0)
        return true;
    return status != 0 && status == wr_frontier_told(frontier);
}

static wr_outcome outcome_of(weir_visit *visit) {
    weir_frontier *frontier = visit->frontier;
    int trouble = trouble_of(visit);
    int status = trouble != 0 ? trouble : visit->status;
    wr_outcome outcome = {visit->item, status, 0, NULL, false};
    outcome.cancelled = trouble == 0 && was_told(frontier, status);
    // It may have been the first to see the deadline, or the pool's end.
    if (outcome.cancelled && wr_frontier_told(frontier) == 0)
        wr_end_early(frontier, status);
    if (!outcome.cancelled && may_go_again(visit, status)) {
        outcome.again_ns =
            wr_pause_after(frontier, visit->item, visit->delay_ns);
        outcome.pause = wr_pause_create(frontier, visit->item);
    }
    return outcome;
}

// The last part of a visit that was LATER.
static void complete(weir_visit *visit) {
    weir_frontier *frontier = visit->frontier;
    wr_outcome outcome = outcome_of(visit);
    if (frontier->owned) {
        wr_owner_post_visit(frontier, visit, &outcome);
        return;
    }
    wr_visit_free(frontier, visit);
    if (wr_visit_over(frontier, &outcome))
        wr_end_uncount(frontier, 1);
}

void wr_visit_part_over(weir_visit *visit) {
    if (wr_refs_drop(&visit->parts, 1))
        complete(visit);
}

// The call of visit has ended the visit.
static void complete_here(weir_frontier *frontier, wr_place *place,
                          weir_visit *visit) {
    wr_outcome outcome = outcome_of(visit);
    place->current = NULL;
    if (frontier->owned && !wr_owner_outcome(frontier, place, &outcome)) {
        wr_owner_post(frontier, place);
        wr_owner_post_visit(frontier, visit, &outcome);
        return;
    }
    if (place->spare == NULL && visit != &frontier->reserve)
        place->spare = visit;
    else
        wr_visit_free(frontier, visit);
    if (!frontier->owned && wr_visit_over(frontier, &outcome))
        place->ended++;
}

// ---- the call --------------------------------------------------------------

// There is no memory: one visit at a time goes on all the same.
static weir_visit *take_reserve(weir_frontier *frontier) {
    weir_visit *visit = NULL;
    wr_mutex_lock(&frontier->lock);
    if (!frontier->reserve_used)
        visit = &frontier->reserve;
    else
        wr_store(&frontier->starving, 1, relaxed, ALONE, "under the lock");
    frontier->reserve_used = true;
    wr_mutex_unlock(&frontier->lock);
    return visit;
}

// There is memory again.
static void fed(weir_frontier *frontier) {
    wr_mutex_lock(&frontier->lock);
    bool starved = wr_visit_starving(frontier);
    wr_store(&frontier->starving, 0, relaxed, ALONE, "under the lock");
    wr_mutex_unlock(&frontier->lock);
    if (starved)
        wr_runner_wake(frontier, frontier->places);
}

void wr_visit_free(weir_frontier *frontier, weir_visit *visit) {
    if (visit != &frontier->reserve) {
        wr_free(visit);
    } else {
        wr_mutex_lock(&frontier->lock);
        frontier->reserve_used = false;
        wr_mutex_unlock(&frontier->lock);
    }
    if (wr_visit_starving(frontier))
        fed(frontier);
}

static weir_visit *visit_begin(weir_frontier *frontier, wr_place *place,
                               weir_item *item) {
    weir_visit *visit = place->spare;
    place->spare = NULL;
    if (visit == NULL) {
        visit = wr_malloc(sizeof(*visit));
        if (visit != NULL && wr_visit_starving(frontier))
            fed(frontier);
    }
    if (visit == NULL)
        visit = take_reserve(frontier);
    if (visit == NULL)
        return NULL;
    memset(visit, 0, offsetof(weir_visit, outcome));
    visit->frontier = frontier;
    visit->item = item;
    wr_refs_init(&visit->parts, 2);
    return visit;
}

// visit has returned LATER.
static void go_on(weir_frontier *frontier, wr_place *place, weir_visit *visit) {
    place->current = NULL;
    if (frontier->owned) {
        wr_owner_post(frontier, place);
        wr_owner_call(frontier);
    }
    wr_mutex_lock(&frontier->lock);
    if (!visit->ended)
        wr_list_push_front(&frontier->later, &visit->later); // not told yet
    if (visit->item->trouble)
        wr_visit_trouble(visit, -ENOMEM);
    wr_mutex_unlock(&frontier->lock);
    wr_frontier_point(frontier);
    int why = wr_frontier_told(frontier);
    if (why == 0)
        why = trouble_of(visit);
    if (why != 0)
        wr_end_notify(visit, why);
    wr_visit_part_over(visit);
}

bool wr_visit_item(weir_frontier *frontier, wr_place *place, weir_worker *self,
                   weir_item *item) {
    // What the visit before found must not wait for this one.
    if (frontier->owned && place->letter != NULL) {
        wr_owner_post(frontier, place);
        wr_owner_call(frontier);
    }
    weir_visit *visit = visit_begin(frontier, place, item);
    if (visit == NULL) {
        wr_ready_return(frontier, item->visit_class);
        wr_item_become(item, WR_ITEM_DEMAND);
        wr_ready_push(frontier, place, item);
        return false;
    }
    wr_cell_add(&place->cells.begun[item->visit_class], 1);
    wr_cell_add(&place->cells.attempts, 1);
    if (item->attempts > 0)
        wr_cell_add(&place->cells.retries, 1);
    item->attempts++;
    place->current = visit;
    int status =
        frontier->options.visit(frontier->options.context, self, visit);
    wr_check(status <= 0 || status == WEIR_VISIT_LATER,
             "a visit returned neither 0, an error nor WEIR_VISIT_LATER");
    if (status == WEIR_VISIT_LATER) {
        go_on(frontier, place, visit);
        return true;
    }
    wr_check(!visit->ended, "a visit was ended by weir_visit_end and by its "
                            "return");
    visit->status = status;
    complete_here(frontier, place, visit);
    return true;
}

void weir_visit_end(weir_visit *visit, int status) {
    weir_frontier *frontier = visit->frontier;
    if (wr_frontier_forked(frontier))
        return;
    wr_check(status <= 0, "a visit is ended with a positive status");
    wr_mutex_lock(&frontier->lock);
    bool again = visit->ended;
    visit->ended = true;
    if (wr_link_linked(&visit->later))
        wr_list_remove(&visit->later);
    visit->status = status;
    wr_mutex_unlock(&frontier->lock);
    wr_check(!again, "a visit was ended twice");
    wr_frontier_point(frontier);
    wr_visit_part_over(visit);
}

// ---- what a visit may ask --------------------------------------------------

const void *weir_visit_key(const weir_visit *visit, size_t *size) {
    return weir_item_key(visit->item, size);
}

weir_item *weir_visit_item(const weir_visit *visit) { return visit->item; }

unsigned weir_visit_attempt(const weir_visit *visit) {
    return visit->item->attempts;
}

void *weir_visit_data(const weir_visit *visit) { return visit->data; }

void weir_visit_set_data(weir_visit *visit, void *data) { visit->data = data; }

void weir_visit_set(weir_visit *visit, void *value) {
    weir_frontier *frontier = visit->frontier;
    if (wr_frontier_forked(frontier))
        return;
    void *old = visit->item->value;
    visit->item->value = value;
    if (old != NULL && old != value && frontier->options.release != NULL)
        frontier->options.release(frontier->options.context, old);
}

void *weir_visit_value(const weir_visit *visit) { return visit->item->value; }

void weir_visit_delay(weir_visit *visit, int64_t delay_ns) {
    if (delay_ns > visit->delay_ns)
        visit->delay_ns = delay_ns;
}

int weir_visit_cancelled(const weir_visit *visit) {
    int early = ends_early(visit->frontier);
    return early != 0 ? early : trouble_of(visit);
}
