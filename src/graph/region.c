// SPDX-License-Identifier: MIT
// The table of regions: a hash table of shapes, slabs of regions that stay
// where they are, and lists of neighbours. A neighbour knows where it is in the
// other's list, so that one that goes is taken out of a list of any length at
// once: what is paid for forgetting an overlap was paid for finding it.
#include "graph/region.h"

#include "base/check.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/list.h"
#include "graph/region_tree.h"
#include "os/os.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum {
    FIRST_SLOTS = 8, // most buffers have few regions
    FIRST_SHIFT = 61,
    FEW = 16, // regions that are looked at one by one, without trees
    LINE = 64,
    CHUNK_LEAST = 2, // regions
    CHUNK_MOST = 64,
    INSIDE = 2, // neighbours in the region itself
    SWEEP_AFTER = 32768,
    HITS_KEPT = 1024,
};

typedef struct slot {
    uint64_t hash;
    wr_region *region; // NULL: free
} slot;

typedef struct chunk {
    wr_link link; // in chunks
    uint32_t regions;
    wr_region *region; // in `memory`
    char memory[];
} chunk;

// What a search has found.
typedef struct hit {
    wr_region *region;
    wr_overlap overlap; // of the new one and this
} hit;

struct wr_regions {
    size_t size;
    bool (*quiet)(wr_region *region);
    size_t count;
    size_t made;  // since the last sweep
    size_t after; // so many, it sweeps

    slot *slots;    // open addressing, never more than half full
    unsigned shift; // 64 - log2 of their number
    wr_link chunks;
    wr_region *free;
    wr_trees *trees; // NULL: there are few
    uint64_t looks;  // without trees
    hit *hits;
    size_t hits_count;
    size_t hits_room;
    slot first_slots[FIRST_SLOTS];
};

// One secret for all tables: there may be very many.
static wr_hash_secret secret;
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void make_secret(void) { wr_entropy(&secret, sizeof(secret)); }

// wr_hash is nearly linear in one number, and what is named is often an even
// series: with an unlucky secret that would stay one, in long runs of slots.
// So it is mixed (as splitmix64 ends, Vigna, 2015).
static uint64_t hash_of(const wr_shape *shape) {
    uint64_t words[4] = {shape->offset, shape->bytes, shape->stride,
                         shape->rows};
    uint64_t z = wr_hash(&secret, words, sizeof(words));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool same(const wr_shape *a, const wr_shape *b) {
    return a->offset == b->offset && a->bytes == b->bytes &&
           a->stride == b->stride && a->rows == b->rows;
}

static size_t slots_of(const wr_regions *r) {
    return (size_t)1 << (64 - r->shift);
}

static wr_region *look_up(const wr_regions *r, const wr_shape *shape,
                          uint64_t hash) {
    size_t mask = slots_of(r) - 1;
    for (size_t at = hash >> r->shift;; at = (at + 1) & mask) {
        const slot *s = &r->slots[at];
        if (s->region == NULL)
            return NULL;
        if (s->hash == hash && same(&s->region->shape, shape))
            return s->region;
    }
}

static void put(wr_regions *r, wr_region *region) {
    size_t mask = slots_of(r) - 1;
    size_t at = region->hash >> r->shift;
    while (r->slots[at].region != NULL)
        at = (at + 1) & mask;
    r->slots[at] = (slot){region->hash, region};
}

// Calls visit for every region; it may forget it.
static void each(wr_regions *r, void (*visit)(void *, wr_region *),
                 void *argument) {
    for (wr_link *at = r->chunks.next; at != &r->chunks; at = at->next) {
        chunk *c = wr_container_of(at, chunk, link);
        for (uint32_t i = 0; i < c->regions; i++)
            if (c->region[i].shape.bytes != 0)
                visit(argument, &c->region[i]);
    }
}

static void put_again(void *argument, wr_region *region) {
    put(argument, region);
}

static int resize(wr_regions *r, unsigned shift) {
    slot *slots = wr_calloc((size_t)1 << (64 - shift), sizeof(slot));
    if (slots == NULL)
        return -ENOMEM;
    if (r->slots != r->first_slots)
        wr_free(r->slots);
    r->slots = slots;
    r->shift = shift;
    each(r, put_again, r);
    return 0;
}

static void make_free(wr_regions *r, wr_region *region) {
    *region = (wr_region){.next_free = r->free};
    r->free = region;
}

// Makes sure that there is a free region.
static int reserve_region(wr_regions *r) {
    if (r->free != NULL)
        return 0;
    size_t regions = r->count;
    if (regions < CHUNK_LEAST)
        regions = CHUNK_LEAST;
    if (regions > CHUNK_MOST)
        regions = CHUNK_MOST;
    chunk *c = wr_malloc(sizeof(*c) + LINE + regions * sizeof(wr_region));
    if (c == NULL)
        return -ENOMEM;
    size_t over = (size_t)((uintptr_t)c->memory % LINE);
    c->regions = (uint32_t)regions;
    c->region = (wr_region *)(void *)(c->memory + (LINE - over) % LINE);
    wr_list_push_back(&r->chunks, &c->link);
    for (size_t i = regions; i-- > 0;)
        make_free(r, &c->region[i]);
    return 0;
}

// Gives chunks back in which no region is left.
static void free_chunks(wr_regions *r) {
    wr_link *next;
    r->free = NULL;
    for (wr_link *at = r->chunks.next; at != &r->chunks; at = next) {
        chunk *c = wr_container_of(at, chunk, link);
        next = at->next;
        bool used = false;
        for (uint32_t i = 0; i < c->regions && !used; i++)
            used = c->region[i].shape.bytes != 0;
        for (uint32_t i = c->regions; used && i-- > 0;)
            if (c->region[i].shape.bytes == 0)
                make_free(r, &c->region[i]);
        if (!used) {
            wr_list_remove(at);
            wr_free(c);
        }
    }
}

// ---- neighbours ------------------------------------------------------------

// Makes sure that the list has room for so many.
static int reserve_neighbours(wr_region *region, size_t room) {
    if (room <= region->neighbours_room)
        return 0;
    if (room > UINT32_MAX / 2)
        return -ENOMEM;
    size_t twice = (size_t)region->neighbours_room * 2;
    if (room < twice)
        room = twice;
    wr_neighbour *list = wr_malloc(room * sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    memcpy(list, region->neighbours, region->neighbours_count * sizeof(*list));
    if (region->neighbours != region->first)
        wr_free(region->neighbours);
    region->neighbours = list;
    region->neighbours_room = (uint32_t)room;
    return 0;
}

static void befriend(wr_region *a, wr_region *b, wr_overlap overlap) {
    a->neighbours[a->neighbours_count] = (wr_neighbour){
        b, b->neighbours_count, overlap == WR_WITHIN || overlap == WR_SAME};
    b->neighbours[b->neighbours_count++] = (wr_neighbour){
        a, a->neighbours_count++, overlap == WR_AROUND || overlap == WR_SAME};
}

// Takes number `at` out of the list.
static void drop(wr_region *region, uint32_t at) {
    uint32_t last = --region->neighbours_count;
    if (at != last) {
        wr_neighbour *moved = &region->neighbours[at];
        *moved = region->neighbours[last];
        moved->region->neighbours[moved->back].back = at;
    }
}

static void free_list(wr_region *region) {
    if (region->neighbours != region->first)
        wr_free(region->neighbours);
    region->neighbours = region->first;
}

// Gives back most of a list that has become much shorter.
static void shrink_list(wr_region *region) {
    size_t count = region->neighbours_count;
    if (region->neighbours_room < 16 || count > region->neighbours_room / 4)
        return;
    wr_neighbour *old = region->neighbours;
    size_t room = count <= INSIDE ? INSIDE : 2 * count;
    wr_neighbour *list =
        count <= INSIDE ? region->first : wr_malloc(room * sizeof(*list));
    if (list == NULL)
        return;
    memcpy(list, old, count * sizeof(*list));
    region->neighbours = list;
    region->neighbours_room = (uint32_t)room;
    wr_free(old);
}

// ---- forgetting ------------------------------------------------------------

static void forget_quiet(void *argument, wr_region *region) {
    wr_regions *r = argument;
    if (!r->quiet(region))
        return;
    for (uint32_t i = 0; i < region->neighbours_count; i++)
        drop(region->neighbours[i].region, region->neighbours[i].back);
    free_list(region);
    make_free(r, region); // its shape has 0 bytes: the trees see that
    r->count--;
}

static void free_trees(wr_regions *r) {
    if (r->trees == NULL)
        return;
    r->looks += r->trees->looks;
    wr_trees_clear(r->trees);
    wr_free(r->trees);
    r->trees = NULL;
}

static void shrink(void *argument, wr_region *region) {
    (void)argument;
    region->seen = 0; // the next trees count from 1 again
    shrink_list(region);
}

// A table with more than four times the slots that are needed until the next
// sweep is made smaller, or else every sweep would have to clear it.
static void clear_slots(wr_regions *r) {
    unsigned shift = FIRST_SHIFT;
    while ((size_t)1 << (64 - shift) < 2 * (r->count + r->after))
        shift--;
    if (shift > r->shift + 2 && resize(r, shift) == 0)
        return;
    memset(r->slots, 0, slots_of(r) * sizeof(slot));
    each(r, put_again, r);
}

void wr_regions_sweep(wr_regions *r) {
    each(r, forget_quiet, r);
    if (r->count <= FEW / 2)
        free_trees(r);
    else if (r->trees != NULL)
        wr_trees_prune(r->trees);
    free_chunks(r);
    r->made = 0;
    r->after = r->count + SWEEP_AFTER;
    clear_slots(r);
    each(r, shrink, r);
    if (r->hits_room > HITS_KEPT) {
        wr_free(r->hits);
        r->hits = NULL;
        r->hits_room = 0;
    }
}

// ---- finding ---------------------------------------------------------------

static int add_hit(wr_regions *r, wr_region *region, wr_overlap overlap) {
    if (r->hits_count == r->hits_room) {
        size_t room = r->hits_room == 0 ? 16 : 2 * r->hits_room;
        hit *hits = wr_grow(r->hits, r->hits_count, room, sizeof(hit));
        if (hits == NULL)
            return -ENOMEM;
        r->hits = hits;
        r->hits_room = room;
    }
    r->hits[r->hits_count++] = (hit){region, overlap};
    return 0;
}

// What is done to each of several regions, until something fails.
typedef struct work {
    wr_regions *regions;
    const wr_shape *shape;
    int error;
} work;

static int look_at(void *argument, wr_region *region) {
    work *w = argument;
    wr_overlap overlap = wr_shape_overlap(w->shape, &region->shape);
    if (overlap != WR_APART && w->error == 0)
        w->error = add_hit(w->regions, region, overlap);
    return w->error;
}

static void look_at_one(void *argument, wr_region *region) {
    work *w = argument;
    w->regions->looks++;
    look_at(w, region);
}

static void plant(void *argument, wr_region *region) {
    work *w = argument;
    if (w->error == 0)
        w->error = wr_trees_reserve(w->regions->trees, &region->shape);
    if (w->error == 0)
        wr_trees_put(w->regions->trees, region);
}

static int make_trees(wr_regions *r) {
    r->trees = wr_malloc(sizeof(*r->trees));
    if (r->trees == NULL)
        return -ENOMEM;
    wr_trees_init(r->trees);
    work w = {.regions = r};
    each(r, plant, &w);
    if (w.error != 0)
        free_trees(r);
    return w.error;
}

// Room in the hash table, in the slabs and in the trees for one more.
static int reserve(wr_regions *r, const wr_shape *shape) {
    int error = 0;
    if (2 * (r->count + 1) > slots_of(r))
        error = resize(r, r->shift - 1);
    if (error == 0)
        error = reserve_region(r);
    if (error == 0 && r->trees == NULL && r->count >= FEW)
        error = make_trees(r);
    if (error == 0 && r->trees != NULL)
        error = wr_trees_reserve(r->trees, shape);
    return error;
}

// Finds what the shape overlaps, and makes room in their lists.
static int search(wr_regions *r, const wr_shape *shape) {
    work w = {r, shape, 0};
    r->hits_count = 0;
    if (r->trees != NULL)
        w.error = wr_trees_search(r->trees, shape, look_at, &w);
    else
        each(r, look_at_one, &w);
    for (size_t i = 0; i < r->hits_count && w.error == 0; i++) {
        wr_region *other = r->hits[i].region;
        w.error =
            reserve_neighbours(other, (size_t)other->neighbours_count + 1);
    }
    return w.error;
}

// All that may fail has been done but the list.
static wr_region *make(wr_regions *r, const wr_shape *shape, uint64_t hash) {
    wr_region *region = r->free, *next = region->next_free;
    *region =
        (wr_region){.shape = *shape, .hash = hash, .neighbours_room = INSIDE};
    region->neighbours = region->first;
    if (reserve_neighbours(region, r->hits_count) != 0) {
        *region = (wr_region){.next_free = next};
        return NULL;
    }
    r->free = next;
    for (size_t i = 0; i < r->hits_count; i++)
        befriend(region, r->hits[i].region, r->hits[i].overlap);
    put(r, region);
    if (r->trees != NULL)
        wr_trees_put(r->trees, region);
    r->count++;
    r->made++;
    return region;
}

int wr_regions_find(wr_regions *r, const wr_shape *shape, bool keep,
                    wr_region **out) {
    uint64_t hash = hash_of(shape);
    *out = look_up(r, shape, hash);
    if (*out != NULL)
        return 0;
    wr_assert(shape->offset < r->size && shape->bytes != 0);
    if (r->made >= r->after && !keep)
        wr_regions_sweep(r);
    int error = reserve(r, shape);
    if (error == 0)
        error = search(r, shape);
    if (error != 0)
        return error;
    *out = make(r, shape, hash);
    return *out == NULL ? -ENOMEM : 0;
}

// ---- the table -------------------------------------------------------------

int wr_regions_create(wr_regions **out, size_t size,
                      bool (*quiet)(wr_region *region)) {
    wr_assert(pthread_once(&secret_once, make_secret) == 0);
    wr_regions *r = wr_calloc(1, sizeof(*r));
    if (r == NULL)
        return -ENOMEM;
    r->size = size;
    r->quiet = quiet;
    r->after = SWEEP_AFTER;
    r->slots = r->first_slots;
    r->shift = FIRST_SHIFT;
    wr_list_init(&r->chunks);
    *out = r;
    return 0;
}

static void free_its_list(void *argument, wr_region *region) {
    (void)argument;
    free_list(region);
}

void wr_regions_destroy(wr_regions *r) {
    if (r == NULL)
        return;
    each(r, free_its_list, NULL);
    free_trees(r);
    for (wr_link *at; (at = wr_list_pop_front(&r->chunks)) != NULL;)
        wr_free(wr_container_of(at, chunk, link));
    if (r->slots != r->first_slots)
        wr_free(r->slots);
    wr_free(r->hits);
    wr_free(r);
}

size_t wr_regions_count(const wr_regions *r) { return r->count; }

uint64_t wr_regions_looks(const wr_regions *r) {
    return r->looks + (r->trees != NULL ? r->trees->looks : 0);
}

void wr_regions_each(wr_regions *r,
                     void (*visit)(void *argument, wr_region *region),
                     void *argument) {
    each(r, visit, argument);
}
