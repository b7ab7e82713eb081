// SPDX-License-Identifier: MIT
// What a world must come to: an independent walk, one node after the other, and
// the comparison of a frontier's results with it.
#ifndef TEST_FRONTIER_MODEL_H
#define TEST_FRONTIER_MODEL_H

#include "support/frontier.h"

enum { FAR = -1, SEED = -1 };

typedef struct asked {
    int64_t to, from; // from SEED: a seed
    uint32_t tag;
} asked;

typedef struct model {
    world *w;
    int64_t *far;     // distance from the seeds, FAR: not reached
    int *status;      // final
    unsigned *tries;  // attempts
    uint32_t *sorted; // reached nodes by key
    size_t count;     // of those
    asked *asks;      // by (to, seeds first, key of from, tag), each once
    size_t asks_count;
    size_t *asks_at; // of each node, its first; count + 1 of them
    size_t adds;
    uint32_t *failed; // by (distance, key)
    size_t failed_count;
} model;

// ---- a world of chance -----------------------------------------------------

typedef struct shape {
    size_t nodes, edges, seeds;
    unsigned later;   // of 16 nodes so many end later
    unsigned fails;   // of 16 so many fail for good
    unsigned retries; // of 16 so many fail at first
    unsigned attempts;
    int classes; // so many
    int prefetch;
} shape;

static inline void world_chance(world *w, const shape *s, uint64_t *dice) {
    w->options.attempts_max = s->attempts;
    for (size_t i = 0; i < s->seeds; i++)
        world_seed(w, (edge){.to = (uint32_t)dice_below(dice, s->nodes),
                             .tag = (uint32_t)dice_below(dice, 3)});
    for (size_t i = 0; i < s->edges; i++) {
        edge e = {.to = (uint32_t)dice_below(dice, s->nodes),
                  .tag = (uint32_t)dice_below(dice, 4)};
        e.prefetch = s->prefetch && dice_below(dice, 3) == 0;
        world_edge(w, (size_t)dice_below(dice, s->nodes), e);
    }
    for (size_t i = 0; i < s->nodes; i++) {
        node *n = &w->nodes[i];
        n->is_later = dice_below(dice, 16) < s->later;
        n->visit_class =
            (uint8_t)(s->classes > 1 ? dice_below(dice, (uint64_t)s->classes)
                                     : 0);
        if (dice_below(dice, 16) < s->retries)
            n->fails = 1 + (unsigned)dice_below(dice, 3);
        if (dice_below(dice, 16) < s->fails)
            n->fails = ALWAYS;
        n->status = -1 - (int)dice_below(dice, 9); // -ENOMEM is -12
        n->early = (size_t)dice_below(dice, n->edges_count + 1);
    }
}

// ---- the walk --------------------------------------------------------------

static inline int keys_compare(const void *a, size_t a_size, const void *b,
                               size_t b_size) {
    size_t size = a_size < b_size ? a_size : b_size;
    int order = size == 0 ? 0 : memcmp(a, b, size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static inline int nodes_compare(const world *w, int64_t a, int64_t b) {
    const node *n = &w->nodes[a], *m = &w->nodes[b];
    return keys_compare(n->key, n->key_size, m->key, m->key_size);
}

static _Thread_local const model *sorting; // qsort has no argument

static inline int sort_by_key(const void *a, const void *b) {
    const uint32_t *one = a, *two = b;
    return nodes_compare(sorting->w, *one, *two);
}

static inline int sort_by_distance(const void *a, const void *b) {
    const uint32_t *one = a, *two = b;
    int64_t far = sorting->far[*one] - sorting->far[*two];
    return far != 0 ? (far > 0) - (far < 0) : sort_by_key(a, b);
}

static inline int sort_asks(const void *a, const void *b) {
    const asked *one = a, *two = b;
    if (one->to != two->to)
        return one->to < two->to ? -1 : 1;
    if (one->from != two->from) {
        if (one->from == SEED || two->from == SEED)
            return one->from == SEED ? -1 : 1;
        return nodes_compare(sorting->w, one->from, two->from);
    }
    return (one->tag > two->tag) - (one->tag < two->tag);
}

static inline void *model_room(size_t count, size_t each) {
    void *memory = calloc(count + 1, each);
    CHECK(memory != NULL);
    return memory;
}

static inline void model_ask(model *m, int64_t from, const edge *e) {
    m->asks[m->asks_count++] =
        (asked){.to = e->to, .from = from, .tag = e->tag};
}

static inline void model_visit(model *m, size_t i) {
    node *n = &m->w->nodes[i];
    unsigned most = m->w->options.attempts_max;
    unsigned tries = n->status == -ENOMEM && n->fails > 0 ? 1 : n->fails + 1;
    m->tries[i] = tries < most ? tries : most;
    m->status[i] = m->tries[i] > n->fails ? 0 : n->status;
    unsigned failed = m->tries[i] - (m->status[i] == 0);
    m->adds += failed * n->early + (m->status[i] == 0 ? n->edges_count : 0);
    size_t known = m->status[i] == 0 ? n->edges_count : n->early;
    for (size_t k = 0; k < known; k++)
        model_ask(m, (int64_t)i, &n->edges[k]);
}

static inline void model_walk(model *m) {
    world *w = m->w;
    uint32_t *queue = m->sorted;
    size_t head = 0, tail = 0, done = 0;
    for (size_t i = 0; i < w->seeds_count; i++)
        model_ask(m, SEED, &w->seeds[i]);
    m->adds = w->seeds_count;
    for (;;) {
        for (; done < m->asks_count; done++) {
            const asked *a = &m->asks[done];
            if (m->far[a->to] != FAR)
                continue;
            m->far[a->to] = a->from == SEED ? 0 : m->far[a->from] + 1;
            queue[tail++] = (uint32_t)a->to;
        }
        if (head == tail)
            break;
        model_visit(m, queue[head++]);
    }
    m->count = tail;
}

static inline void model_sort(model *m) {
    world *w = m->w;
    sorting = m;
    qsort(m->sorted, m->count, sizeof(uint32_t), sort_by_key);
    qsort(m->asks, m->asks_count, sizeof(asked), sort_asks);
    size_t kept = 0;
    for (size_t i = 0; i < m->asks_count; i++)
        if (i == 0 || sort_asks(&m->asks[i], &m->asks[kept - 1]) != 0)
            m->asks[kept++] = m->asks[i];
    m->asks_count = kept;
    for (size_t i = 0, at = 0; i <= w->count; i++) {
        while (at < kept && m->asks[at].to < (int64_t)i)
            at++;
        m->asks_at[i] = at;
    }
    for (size_t i = 0; i < m->count; i++)
        if (m->status[m->sorted[i]] != 0)
            m->failed[m->failed_count++] = m->sorted[i];
    qsort(m->failed, m->failed_count, sizeof(uint32_t), sort_by_distance);
}

static inline void model_make(model *m, world *w) {
    size_t edges = w->seeds_count;
    for (size_t i = 0; i < w->count; i++)
        edges += w->nodes[i].edges_count;
    *m = (model){.w = w};
    m->far = model_room(w->count, sizeof(int64_t));
    m->status = model_room(w->count, sizeof(int));
    m->tries = model_room(w->count, sizeof(unsigned));
    m->sorted = model_room(w->count, sizeof(uint32_t));
    m->failed = model_room(w->count, sizeof(uint32_t));
    m->asks = model_room(edges, sizeof(asked));
    m->asks_at = model_room(w->count, sizeof(size_t));
    for (size_t i = 0; i < w->count; i++)
        m->far[i] = FAR;
    model_walk(m);
    model_sort(m);
}

static inline void model_free(model *m) {
    free(m->far);
    free(m->status);
    free(m->tries);
    free(m->sorted);
    free(m->failed);
    free(m->asks);
    free(m->asks_at);
}

// The status of the whole.
static inline int model_status(const model *m) {
    return m->failed_count == 0 ? 0 : m->status[m->failed[0]];
}

// ---- comparing -------------------------------------------------------------

static inline weir_item *item_of(world *w, size_t number) {
    const node *n = &w->nodes[number];
    weir_item *item = NULL;
    CHECK_EQ(weir_frontier_find(w->frontier, n->key, n->key_size, &item), 0);
    CHECK(item != NULL);
    CHECK_EQ(number_of_item(item), number);
    return item;
}

static inline void check_chain(const model *m, size_t number) {
    world *w = m->w;
    weir_requirer chain[64];
    int64_t length = weir_item_chain(w->frontier, item_of(w, number), chain,
                                     TEST_COUNT(chain));
    CHECK_EQ(length, m->far[number] + 1);
    int64_t at = (int64_t)number;
    for (int64_t i = 0; i < length && i < (int64_t)TEST_COUNT(chain); i++) {
        CHECK_EQ(number_of_item(chain[i].item), at);
        size_t a = m->asks_at[at];
        while (m->far[at] > 0 && (m->asks[a].from == SEED ||
                                  m->far[m->asks[a].from] != m->far[at] - 1))
            a++;
        CHECK(a < m->asks_at[at + 1]);
        CHECK_EQ(chain[i].tag, m->asks[a].tag);
        at = m->asks[a].from;
    }
}

static inline void check_requirers(const model *m, size_t number) {
    world *w = m->w;
    const weir_requirer *list = NULL;
    size_t count = 12345;
    CHECK_EQ(
        weir_item_requirers(w->frontier, item_of(w, number), &list, &count), 0);
    const asked *asks = &m->asks[m->asks_at[number]];
    CHECK_EQ(count, m->asks_at[number + 1] - m->asks_at[number]);
    for (size_t i = 0; i < count; i++) {
        CHECK_EQ(list[i].tag, asks[i].tag);
        CHECK_EQ(list[i].item == NULL, asks[i].from == SEED);
        if (list[i].item != NULL)
            CHECK_EQ(number_of_item(list[i].item), asks[i].from);
    }
}

// check_item: what the frontier tells is what the visits did.
static inline void check_item(world *w, const weir_item *item) {
    const node *n = &w->nodes[number_of_item(item)];
    CHECK(n->item == NULL || n->item == item);
    CHECK_EQ(weir_item_attempts(item), n->attempts);
    const int *value = weir_item_value(item);
    if (value != NULL) {
        CHECK_EQ(value[0], VALUE_MARK);
        CHECK(&w->nodes[value[1]] == n);
    }
}

static inline void check_items(const model *m) {
    world *w = m->w;
    weir_item *const *items = NULL;
    size_t count = 12345;
    CHECK_EQ(weir_frontier_items(w->frontier, &items, &count), 0);
    CHECK_EQ(count, m->count);
    for (size_t i = 0; i < count; i++) {
        size_t number = number_of_item(items[i]);
        CHECK_EQ(number, m->sorted[i]);
        int status = m->status[number];
        CHECK_EQ(weir_item_status(items[i]), status);
        CHECK_EQ(weir_item_outcome(items[i]),
                 status == 0 ? WEIR_ITEM_DONE : WEIR_ITEM_FAILED);
        CHECK_EQ(weir_item_attempts(items[i]), m->tries[number]);
        check_item(w, items[i]);
    }
}

static inline void check_failed(const model *m) {
    weir_item *const *items = NULL;
    size_t count = 12345;
    CHECK_EQ(weir_frontier_failed(m->w->frontier, &items, &count), 0);
    CHECK_EQ(count, m->failed_count);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(number_of_item(items[i]), m->failed[i]);
}

static inline void check_figures(const model *m) {
    weir_frontier_counts c = world_counts(m->w);
    uint64_t tries = 0;
    for (size_t i = 0; i < m->count; i++)
        tries += m->tries[m->sorted[i]];
    CHECK_EQ(c.items, m->count);
    CHECK_EQ(c.adds, m->adds);
    CHECK_EQ(c.failed, m->failed_count);
    CHECK_EQ(c.cancelled, 0);
    CHECK_EQ(c.attempts, tries);
    CHECK_EQ(c.retries, tries - m->count);
}

// check_world: a run with policy ALL that nothing ended early.
static inline void check_world(world *w, int status) {
    model m;
    model_make(&m, w);
    CHECK_EQ(status, model_status(&m));
    check_items(&m);
    check_failed(&m);
    check_figures(&m);
    for (size_t i = 0; i < m.count; i++) {
        check_requirers(&m, m.sorted[i]);
        check_chain(&m, m.sorted[i]);
    }
    for (size_t i = 0; i < w->count; i++)
        if (m.far[i] == FAR) {
            const node *n = &w->nodes[i];
            weir_item *item = NULL;
            CHECK_EQ(n->attempts, 0);
            CHECK_EQ(
                weir_frontier_find(w->frontier, n->key, n->key_size, &item),
                -ENOENT);
        }
    model_free(&m);
}

// check_first: one with policy FIRST. What comes before the failure is as in a
// full run, what comes after it may be anything that is true.
static inline void check_first(world *w, int status) {
    model m;
    model_make(&m, w);
    CHECK_EQ(status, model_status(&m));
    weir_item *const *items = NULL;
    size_t count = 12345;
    CHECK_EQ(weir_frontier_failed(w->frontier, &items, &count), 0);
    CHECK_EQ(count > 0, m.failed_count > 0);
    if (count > 0) {
        CHECK_EQ(number_of_item(items[0]), m.failed[0]);
        CHECK_EQ(weir_item_status(items[0]), status);
        check_chain(&m, m.failed[0]);
    }
    sorting = &m;
    CHECK_EQ(weir_frontier_items(w->frontier, &items, &count), 0);
    size_t before = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t number = (uint32_t)number_of_item(items[i]);
        int got = weir_item_status(items[i]);
        CHECK(m.far[number] != FAR);
        check_item(w, items[i]);
        if (m.failed_count == 0 ||
            sort_by_distance(&number, &m.failed[0]) <= 0) {
            CHECK_EQ(got, m.status[number]);
            CHECK_EQ(weir_item_attempts(items[i]), m.tries[number]);
            before++;
        } else if (got != m.status[number]) {
            CHECK_EQ(got, -ECANCELED);
            CHECK_EQ(weir_item_outcome(items[i]), WEIR_ITEM_CANCELLED);
        }
    }
    for (size_t i = 0; i < m.count; i++)
        before -= m.failed_count == 0 ||
                  sort_by_distance(&m.sorted[i], &m.failed[0]) <= 0;
    CHECK_EQ(before, 0);
    model_free(&m);
}

#endif // TEST_FRONTIER_MODEL_H
