// SPDX-License-Identifier: MIT
// The engine with an owner: visits write what they find into letters, and one
// job at a time reads them, looks the keys up and hands the new ones out. So
// nobody else but seed has a shard's lock; everything else is as with the
// workers.
#include "base/fault.h"
#include "frontier/internal.h"

enum {
    LETTER = 1 << 10,  // bytes, at first
    LETTERS_MOST = 64, // before others have their turn
};

enum kind { FOUND, CAME_TO };

// A record of a letter: this, then a wr_outcome, or a key's bytes.
typedef struct record {
    uint32_t kind;
    uint32_t from;
    uint32_t size;
    uint32_t tag;
    uint8_t visit_class, prefetch;
} record;

static_assert(sizeof(record) % 4 == 0, "records lie one after the other");

#define ROUNDED(size) (((size) + 7) & ~(size_t)7)
static size_t rounded(size_t size) { return ROUNDED(size); }

static_assert(sizeof(((weir_visit *)0)->outcome) ==
                  ROUNDED(sizeof(record)) + ROUNDED(sizeof(wr_outcome)),
              "a visit has room for what it came to");

// ---- writing ---------------------------------------------------------------

// Room for a record with `size` bytes of its own. NULL: no memory.
static unsigned char *room(weir_frontier *frontier, wr_place *place,
                           size_t size) {
    size_t want = rounded(sizeof(record)) + rounded(size);
    wr_letter *letter = place->letter;
    if (letter != NULL && letter->room - letter->size < want) {
        wr_owner_post(frontier, place);
        letter = NULL;
    }
    if (letter == NULL) {
        size_t bytes = want > LETTER ? want : LETTER;
        letter = wr_malloc(sizeof(*letter) + bytes);
        if (letter == NULL)
            return NULL;
        *letter =
            (wr_letter){NULL, NULL, 0, bytes, (unsigned char *)(letter + 1)};
        place->letter = letter;
        wr_end_count(frontier, 1);
    }
    unsigned char *at = letter->bytes + letter->size;
    letter->size += want;
    return at;
}

int wr_owner_add(weir_frontier *frontier, wr_place *place,
                 const weir_item *from, const weir_key *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        unsigned char *at = room(frontier, place, keys[i].size);
        if (at == NULL)
            return -ENOMEM;
        record head = {FOUND,
                       from->id,
                       (uint32_t)keys[i].size,
                       keys[i].tag,
                       keys[i].visit_class,
                       keys[i].prefetch};
        memcpy(at, &head, sizeof(head));
        if (keys[i].size > 0)
            memcpy(at + rounded(sizeof(head)), keys[i].key, keys[i].size);
    }
    return 0;
}

static void write_outcome(unsigned char *at, const wr_outcome *outcome) {
    record head = {CAME_TO, outcome->item->id, sizeof(*outcome), 0, 0, 0};
    memcpy(at, &head, sizeof(head));
    memcpy(at + rounded(sizeof(head)), outcome, sizeof(*outcome));
}

bool wr_owner_outcome(weir_frontier *frontier, wr_place *place,
                      const wr_outcome *outcome) {
    unsigned char *at = room(frontier, place, sizeof(*outcome));
    if (at == NULL)
        return false;
    write_outcome(at, outcome); // sent before the next visit, or at the end
    return true;
}

// ---- sending ---------------------------------------------------------------

static void mail(weir_frontier *frontier, wr_letter *letter) {
    letter->next = NULL;
    wr_mutex_lock(&frontier->mail_lock);
    *frontier->mail_end = letter;
    frontier->mail_end = &letter->next;
    wr_mutex_unlock(&frontier->mail_lock);
}

void wr_owner_post(weir_frontier *frontier, wr_place *place) {
    wr_letter *letter = place->letter;
    if (letter == NULL)
        return;
    place->letter = NULL;
    mail(frontier, letter);
}

void wr_owner_post_visit(weir_frontier *frontier, weir_visit *visit,
                         const wr_outcome *outcome) {
    wr_end_keep(frontier); // the owner may end all before he was called
    wr_letter *letter = &visit->letter;
    *letter =
        (wr_letter){NULL, visit, sizeof(visit->outcome), sizeof(visit->outcome),
                    (unsigned char *)visit->outcome};
    write_outcome(letter->bytes, outcome);
    wr_end_count(frontier, 1);
    mail(frontier, letter);
    wr_owner_call(frontier);
    wr_end_drop(frontier);
}

void wr_owner_call(weir_frontier *frontier) {
    wr_mutex_lock(&frontier->mail_lock);
    bool call = frontier->mail != NULL && frontier->owner_idle;
    if (call)
        frontier->owner_idle = false;
    bool gone = frontier->owner_gone;
    wr_mutex_unlock(&frontier->mail_lock);
    if (call)
        (void)weir_event_fire(&frontier->owner.wake, 0);
    else if (gone)
        wr_owner_work(frontier);
}

// ---- reading ---------------------------------------------------------------

// Keys that one item found, looked up together.
typedef struct reader {
    weir_frontier *frontier;
    weir_key keys[WR_ADD_MOST];
    size_t count;
    uint32_t from;
    uint64_t ended;
    size_t wake;
} reader;

static void look_up(reader *r) {
    weir_frontier *frontier = r->frontier;
    if (r->count == 0)
        return;
    weir_item *from = wr_item_of(frontier, r->from);
    wr_place *place = wr_place_enter(frontier);
    int error = wr_visit_find(frontier, place, r->from, &from->out, r->keys,
                              r->count, &r->wake);
    wr_place_leave(frontier, place);
    r->count = 0;
    if (error != 0)
        wr_end_trouble(frontier, from);
}

static void read_outcome(reader *r, const unsigned char *bytes) {
    wr_outcome outcome;
    memcpy(&outcome, bytes, sizeof(outcome));
    if (outcome.item->trouble) {
        // What it found could not be kept.
        outcome.item->trouble = false;
        outcome.status = -ENOMEM;
        outcome.cancelled = false;
    }
    r->ended += wr_visit_over(r->frontier, &outcome);
}

static void read_letter(reader *r, const wr_letter *letter) {
    size_t head_size = rounded(sizeof(record));
    for (size_t at = 0; at < letter->size;) {
        record head;
        memcpy(&head, letter->bytes + at, sizeof(head));
        const unsigned char *bytes = letter->bytes + at + head_size;
        at += head_size + rounded(head.size);
        if (r->count == WR_ADD_MOST ||
            (r->count > 0 && (head.kind != FOUND || head.from != r->from)))
            look_up(r);
        r->from = head.from;
        if (head.kind == FOUND)
            r->keys[r->count++] = (weir_key){
                bytes, head.size, head.tag, head.visit_class, head.prefetch, 0};
        else
            read_outcome(r, bytes);
    }
    look_up(r);
}

static wr_letter *next_letter(weir_frontier *frontier) {
    wr_mutex_lock(&frontier->mail_lock);
    wr_letter *letter = frontier->mail;
    if (letter != NULL) {
        frontier->mail = letter->next;
        if (frontier->mail == NULL)
            frontier->mail_end = &frontier->mail;
    }
    wr_mutex_unlock(&frontier->mail_lock);
    return letter;
}

// Reads at most LETTERS_MOST. True: that was all there was.
static bool read_mail(weir_frontier *frontier) {
    reader r = {.frontier = frontier};
    wr_letter *letter = NULL;
    for (int i = 0; i < LETTERS_MOST; i++) {
        letter = next_letter(frontier);
        if (letter == NULL)
            break;
        read_letter(&r, letter);
        r.ended++; // the letter's own
        if (letter->visit != NULL)
            wr_visit_free(frontier, letter->visit);
        else
            wr_free(letter);
        wr_visit_found(frontier, r.wake);
        r.wake = 0;
    }
    wr_end_uncount(frontier, r.ended);
    return letter == NULL;
}

void wr_owner_work(weir_frontier *frontier) {
    wr_end_keep(frontier);
    for (;;) {
        wr_mutex_lock(&frontier->mail_lock);
        bool mine = frontier->owner_gone && !frontier->owner_works &&
                    frontier->mail != NULL;
        frontier->owner_works = frontier->owner_works || mine;
        wr_mutex_unlock(&frontier->mail_lock);
        if (!mine)
            break;
        (void)read_mail(frontier);
        wr_mutex_lock(&frontier->mail_lock);
        frontier->owner_works = false;
        wr_mutex_unlock(&frontier->mail_lock);
    }
    wr_end_drop(frontier);
}

// ---- the job ---------------------------------------------------------------

static int owner_run(weir_worker *self, weir_job *job) {
    (void)self;
    wr_runner *owner = wr_container_of(job, wr_runner, job);
    owner->again = !read_mail(owner->frontier);
    return 0;
}

// Nobody will read letters but those who send them.
static void owner_leaves(weir_frontier *frontier) {
    wr_mutex_lock(&frontier->mail_lock);
    frontier->owner_gone = true;
    frontier->owner_idle = false;
    wr_mutex_unlock(&frontier->mail_lock);
    wr_end_early(frontier, -ESHUTDOWN);
    wr_runner_drain(frontier);
    wr_end_drop(frontier);
}

static void owner_done(weir_job *job, int status) {
    (void)status;
    wr_runner *owner = wr_container_of(job, wr_runner, job);
    weir_frontier *frontier = owner->frontier;
    if (weir_job_ran(job) && owner->again &&
        weir_submit(frontier->pool, job) == 0)
        return;
    if (!weir_job_ran(job)) {
        owner_leaves(frontier);
        return;
    }
    wr_end_keep(frontier); // once attached it may be ended, with its part
    weir_event_init(&owner->wake, frontier->pool, 1);
    if (wr_event_attach(&owner->wake, &owner->job, true) != 0) {
        owner_leaves(frontier);
        wr_end_drop(frontier);
        return;
    }
    wr_mutex_lock(&frontier->mail_lock);
    bool over = frontier->owner_over;
    frontier->owner_idle = !over && !frontier->owner_gone;
    wr_mutex_unlock(&frontier->mail_lock);
    wr_frontier_point(frontier);
    if (over && weir_event_detach(&owner->wake, &owner->job) == 0)
        wr_end_drop(frontier);
    if (!over)
        wr_owner_call(frontier); // letters that came meanwhile called nobody
    wr_end_drop(frontier);
}

int wr_owner_init(weir_frontier *frontier) {
    frontier->mail_end = &frontier->mail;
    if (!frontier->owned)
        return 0;
    int error =
        wr_runner_start(frontier, &frontier->owner, owner_run, owner_done);
    frontier->owner_idle = error == 0;
    return error;
}

void wr_owner_dismiss(weir_frontier *frontier) {
    if (!frontier->owned)
        return;
    wr_mutex_lock(&frontier->mail_lock);
    bool idle = frontier->owner_idle;
    frontier->owner_idle = false;
    frontier->owner_over = true;
    wr_mutex_unlock(&frontier->mail_lock);
    if (idle &&
        weir_event_detach(&frontier->owner.wake, &frontier->owner.job) == 0)
        wr_end_drop(frontier);
}
