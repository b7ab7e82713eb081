// SPDX-License-Identifier: MIT
// What waits to be visited: a list for each place, and for each class one of
// what is demanded, if it has a cap, and one of prefetches. Items link
// themselves, so nothing here needs memory.
#include "frontier/internal.h"

void wr_items_init(wr_items *items) {
    *items = (wr_items){WR_NOBODY, WR_NOBODY, 0};
}

static void append(const weir_frontier *frontier, wr_items *items,
                   weir_item *item) {
    item->next = WR_NOBODY;
    if (items->first == WR_NOBODY)
        items->first = item->id;
    else
        wr_item_of(frontier, items->last)->next = item->id;
    items->last = item->id;
    items->count++;
}

static weir_item *pop(const weir_frontier *frontier, wr_items *items) {
    if (items->first == WR_NOBODY)
        return NULL;
    weir_item *item = wr_item_of(frontier, items->first);
    items->first = item->next;
    if (items->first == WR_NOBODY)
        items->last = WR_NOBODY;
    else
        wr_prefetch(wr_item_of(frontier, items->first), WR_CACHE_LINE);
    items->count--;
    return item;
}

// ---- the list of a place ---------------------------------------------------

// How many of a class wait there: for whoever looks without the lock.
static void change(wr_place *place, const weir_item *item, uint32_t by) {
    wr_atomic_u32 *cell = &place->demand[item->visit_class];
    uint32_t now = wr_load(cell, relaxed, ALONE, "under the lock");
    wr_store(cell, now + by, relaxed, ALONE, "a hint");
}

static void put_here(weir_frontier *frontier, wr_place *place,
                     weir_item *item) {
    append(frontier, &place->list, item);
    change(place, item, 1);
}

static weir_item *pop_here(weir_frontier *frontier, wr_place *place) {
    weir_item *item = pop(frontier, &place->list);
    if (item != NULL)
        change(place, item, (uint32_t)-1);
    return item;
}

static void hint(wr_place *place) {
    wr_store(&place->waiting, (uint32_t)(place->list.count != 0), relaxed,
             ALONE, "a hint");
}

static void push_here(weir_frontier *frontier, wr_place *place,
                      weir_item *item) {
    wr_mutex_lock(&place->lock);
    put_here(frontier, place, item);
    hint(place);
    wr_mutex_unlock(&place->lock);
}

static weir_item *take_here(weir_frontier *frontier, wr_place *place) {
    if (wr_load(&place->waiting, relaxed, ALONE, "a hint") == 0)
        return NULL;
    wr_mutex_lock(&place->lock);
    weir_item *item = pop_here(frontier, place);
    hint(place);
    wr_mutex_unlock(&place->lock);
    return item;
}

enum { STEAL_MOST = 32 };

// Half of what another place has, but at most so many: the first is the result,
// the others are its own now.
static weir_item *steal(weir_frontier *frontier, wr_place *place,
                        wr_place *from, size_t most) {
    if (wr_load(&from->waiting, relaxed, ALONE, "a hint") == 0)
        return NULL;
    wr_items loot;
    wr_items_init(&loot);
    wr_mutex_lock(&from->lock);
    size_t want = (from->list.count + 1) / 2;
    want = want > most ? most : want;
    weir_item *item = pop_here(frontier, from);
    for (size_t i = 1; i < want; i++)
        append(frontier, &loot, pop_here(frontier, from));
    hint(from);
    wr_mutex_unlock(&from->lock);
    if (loot.count == 0)
        return item;
    wr_mutex_lock(&place->lock);
    weir_item *more;
    while ((more = pop(frontier, &loot)) != NULL)
        put_here(frontier, place, more);
    hint(place);
    wr_mutex_unlock(&place->lock);
    return item;
}

static weir_item *take_elsewhere(weir_frontier *frontier, wr_place *place,
                                 size_t most) {
    unsigned all = frontier->places + 1;
    unsigned own = (unsigned)(place - frontier->place);
    for (unsigned i = 1; i < all; i++) {
        weir_item *item =
            steal(frontier, place, &frontier->place[(own + i) % all], most);
        if (item != NULL)
            return item;
    }
    return NULL;
}

// ---- the lists of a class --------------------------------------------------

static bool startable(const wr_class *c) {
    if (c->cap > 0 && c->in_flight >= c->cap)
        return false;
    return c->demand.count + c->prefetch.count > 0;
}

static void hint_class(wr_class *c) {
    wr_store(&c->ready, (uint32_t)startable(c), relaxed, ALONE, "a hint");
}

static void unlist(const weir_frontier *frontier, wr_items *items,
                   weir_item *item) {
    if (item->prev == WR_NOBODY)
        items->first = item->next;
    else
        wr_item_of(frontier, item->prev)->next = item->next;
    if (item->next == WR_NOBODY)
        items->last = item->prev;
    else
        wr_item_of(frontier, item->next)->prev = item->prev;
    item->prev = WR_NOBODY;
    items->count--;
}

static weir_item *take_prefetch(const weir_frontier *frontier, wr_class *c) {
    if (c->prefetch.first == WR_NOBODY)
        return NULL;
    weir_item *item = wr_item_of(frontier, c->prefetch.first);
    unlist(frontier, &c->prefetch, item);
    return item;
}

// early: it is to be ended, whatever the cap says.
static weir_item *take_class(weir_frontier *frontier, wr_class *c, bool early) {
    wr_mutex_lock(&c->lock);
    weir_item *item = NULL;
    if (early || startable(c)) {
        item = pop(frontier, &c->demand);
        if (item == NULL)
            item = take_prefetch(frontier, c);
        if (item != NULL)
            wr_item_become(item, WR_ITEM_TAKEN);
    }
    if (item != NULL && c->cap > 0) {
        c->in_flight++;
        if (c->in_flight > c->in_flight_max && !early)
            c->in_flight_max = c->in_flight;
    }
    hint_class(c);
    wr_mutex_unlock(&c->lock);
    return item;
}

// Demand of a class without a cap seems to wait in some place.
static bool demanded(weir_frontier *frontier, const wr_class *c) {
    size_t index = (size_t)(c - frontier->visit_class);
    for (unsigned i = 0; i <= frontier->places; i++)
        if (wr_load(&frontier->place[i].demand[index], relaxed, ALONE,
                    "a hint") != 0)
            return true;
    return false;
}

// capped: those with a cap, or those without, of which only prefetches wait
// here.
static weir_item *take_classes(weir_frontier *frontier, const wr_place *place,
                               bool capped, bool early) {
    // Each begins in turn, at the rate at which its kind is looked at first.
    unsigned first = capped ? place->turn / 2 : place->turn / 16;
    for (unsigned i = 0; i < WEIR_FRONTIER_CLASSES; i++) {
        wr_class *c =
            &frontier->visit_class[(first + i) % WEIR_FRONTIER_CLASSES];
        if (c->capped != capped)
            continue;
        if (!early && (wr_load(&c->ready, relaxed, ALONE, "a hint") == 0 ||
                       (!capped && demanded(frontier, c))))
            continue;
        weir_item *item = take_class(frontier, c, early);
        if (item != NULL)
            return item;
    }
    return NULL;
}

// True: more of the class could start.
static bool leave(weir_frontier *frontier, unsigned visit_class) {
    wr_class *c = &frontier->visit_class[visit_class];
    if (!c->capped)
        return false;
    wr_mutex_lock(&c->lock);
    c->in_flight--;
    bool more = startable(c);
    hint_class(c);
    wr_mutex_unlock(&c->lock);
    return more;
}

void wr_ready_leave(weir_frontier *frontier, unsigned visit_class) {
    if (leave(frontier, visit_class))
        wr_runner_wake(frontier, 1);
}

void wr_ready_return(weir_frontier *frontier, unsigned visit_class) {
    (void)leave(frontier, visit_class);
}

// ---- all of it -------------------------------------------------------------

void wr_ready_push(weir_frontier *frontier, wr_place *place, weir_item *item) {
    wr_class *c = &frontier->visit_class[item->visit_class];
    if (!c->capped && wr_item_state(item) == WR_ITEM_DEMAND) {
        push_here(frontier, place, item);
        return;
    }
    wr_mutex_lock(&c->lock);
    bool prefetch = wr_item_state(item) == WR_ITEM_PREFETCH;
    if (prefetch) {
        item->prev = c->prefetch.last;
        append(frontier, &c->prefetch, item);
    } else if (c->capped) {
        append(frontier, &c->demand, item);
    }
    hint_class(c);
    wr_mutex_unlock(&c->lock);
    if (!prefetch && !c->capped)
        push_here(frontier, place, item);
}

bool wr_ready_demand(weir_frontier *frontier, wr_place *place,
                     weir_item *item) {
    if (wr_item_state(item) != WR_ITEM_PREFETCH)
        return false;
    wr_class *c = &frontier->visit_class[item->visit_class];
    bool moved = false;
    wr_mutex_lock(&c->lock);
    if (wr_item_state(item) == WR_ITEM_PREFETCH) {
        // Not listed yet: whoever made it will push it as what it is then.
        wr_item_become(item, WR_ITEM_DEMAND);
        moved = item->prev != WR_NOBODY || c->prefetch.first == item->id;
    }
    if (moved) {
        unlist(frontier, &c->prefetch, item);
        if (c->capped)
            append(frontier, &c->demand, item);
    }
    hint_class(c);
    wr_mutex_unlock(&c->lock);
    if (moved && !c->capped)
        push_here(frontier, place, item);
    return moved;
}

// What is nobody's own, or another worker's who may be busy. Now and then and
// one by one: each item that is visited where it was not made costs.
static weir_item *take_foreign(weir_frontier *frontier, wr_place *place,
                               unsigned turn) {
    wr_place *outside = &frontier->place[frontier->places];
    if (turn % 64 == 39)
        return take_elsewhere(frontier, place, 1);
    return turn % 16 == 7 && place != outside
               ? steal(frontier, place, outside, STEAL_MOST)
               : NULL;
}

// Of what may be taken, each kind goes first in turn, so that none starves:
// what waits in this place, classes with a cap, and now and then prefetches and
// what waits elsewhere.
weir_item *wr_ready_take(weir_frontier *frontier, wr_place *place) {
    bool early = wr_frontier_told(frontier) != 0;
    unsigned turn = place->turn++;
    weir_item *item = turn % 16 == 15
                          ? take_classes(frontier, place, false, early)
                          : take_foreign(frontier, place, turn);
    if (item == NULL && turn % 2 == 0 && frontier->classes > 0)
        item = take_classes(frontier, place, true, early);
    if (item == NULL)
        item = take_here(frontier, place);
    if (item == NULL && frontier->classes > 0)
        item = take_classes(frontier, place, true, early);
    if (item == NULL)
        item = take_elsewhere(frontier, place, STEAL_MOST);
    if (item == NULL)
        item = take_classes(frontier, place, false, early);
    if (item != NULL)
        wr_item_become(item, WR_ITEM_TAKEN);
    return item;
}

bool wr_ready_more(weir_frontier *frontier, wr_place *place) {
    if (wr_load(&place->waiting, relaxed, ALONE, "a hint") != 0)
        return true;
    for (unsigned i = 0; i < WEIR_FRONTIER_CLASSES; i++)
        if (wr_load(&frontier->visit_class[i].ready, relaxed, ALONE,
                    "a hint") != 0)
            return true;
    return false;
}

bool wr_ready_any(weir_frontier *frontier) {
    bool any = false, early = wr_frontier_told(frontier) != 0;
    for (unsigned i = 0; !any && i <= frontier->places; i++) {
        wr_place *place = &frontier->place[i];
        wr_mutex_lock(&place->lock);
        any = place->list.count > 0;
        wr_mutex_unlock(&place->lock);
    }
    for (unsigned i = 0; !any && i < WEIR_FRONTIER_CLASSES; i++) {
        wr_class *c = &frontier->visit_class[i];
        wr_mutex_lock(&c->lock);
        any =
            startable(c) || (early && c->demand.count + c->prefetch.count > 0);
        wr_mutex_unlock(&c->lock);
    }
    return any;
}

// ---- figures ---------------------------------------------------------------

uint64_t wr_ready_class_queued(wr_class *c, uint64_t *in_flight_max) {
    wr_mutex_lock(&c->lock);
    uint64_t queued = c->demand.count + c->prefetch.count;
    *in_flight_max = c->in_flight_max;
    wr_mutex_unlock(&c->lock);
    return queued;
}

uint64_t wr_ready_place_queued(wr_place *place) {
    wr_mutex_lock(&place->lock);
    uint64_t queued = place->list.count;
    wr_mutex_unlock(&place->lock);
    return queued;
}

void wr_ready_set_cap(weir_frontier *frontier, unsigned visit_class,
                      unsigned cap) {
    wr_class *c = &frontier->visit_class[visit_class];
    wr_mutex_lock(&c->lock);
    c->cap = cap;
    bool more = startable(c);
    hint_class(c);
    wr_mutex_unlock(&c->lock);
    if (more)
        wr_runner_wake(frontier, cap);
}
