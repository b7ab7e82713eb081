// SPDX-License-Identifier: MIT
// Rings of memory. Cases that begin with d are answers to defects of the
// reference system, by their number in our notes on it. What its own tests of
// rings assert (20), and where it is asserted here; "graph": of the graph as a
// whole, there; "-": does not apply.
//
// | theirs                              | ours                               |
// | ----------------------------------- | ---------------------------------- |
// | SlotOnlyIdsAreMonotonic             | graph                              |
// | SlotAllocGrowsPastLegacyWindow      | graph                              |
// | HeapSlabsAreAlignedAndDistinct      | blocks_are_aligned_and_follow...   |
// | AllocBytesGreaterThanHeapThrows     | more_than_the_ring_has_is_too_big  |
// | AllocBytesWithHeapDisabledThrows    | a_ring_without_memory_holds_nothing|
// | HeapReclamationIsFifo               | what_comes_back_in_the_middle_waits|
// | HeapWrapsAroundWhenTailLeadsTop     | it_goes_on_in_front                |
// | SlotStateIsPointerStable            | graph                              |
// | ResetToEmptyRequiresAllReleased     | graph                              |
// | ResetToEmptyResetsCounters          | d1_an_empty_ring_is_whole          |
// | BackPressureThenReleaseUnblocks     | d2_one_block_back_is_room_for_one  |
// | TimeoutThrowsRuntimeError           | graph                              |
// | ShutdownUnblocksAlloc               | graph                              |
// | ScopeDepthMapsToRingIdx             | graph                              |
// | PerRingHeapsAreDistinctMmaps        | graph                              |
// | AllocRoutesToRingChosenByScopeDepth | graph                              |
// | RingsReclaimIndependently           | rings_share_nothing                |
// | InnerRingReclaimsWhileOuterHolds    | rings_share_nothing                |
// | ResetRewindsAllRings                | d1_an_empty_ring_is_whole          |
// | NewSlotStatesCarryRingMetadata      | -: a block is its position         |
#include "base/check.h"
#include "base/random.h"
#include "graph/ring.h"
#include "support/check.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UNIT = WR_RING_ALIGN };

static _Alignas(UNIT) char memory[64 * UNIT];

// A ring is moved by nobody: its list points into it.
static void set_up(wr_ring *ring, size_t units) {
    wr_ring_init(ring, memory, units * UNIT);
}

static bool all_held(void *argument, const wr_block *block) {
    (void)argument;
    (void)block;
    return true;
}

static bool one_could(const wr_ring *ring, size_t bytes,
                      bool (*held)(void *argument, const wr_block *block),
                      void *argument) {
    return wr_ring_could(ring, &bytes, 1, held, argument);
}

static bool none_held(void *argument, const wr_block *block) {
    (void)argument;
    (void)block;
    return false;
}

static bool only(void *argument, const wr_block *block) {
    return block == argument;
}

static void count_back(void *argument, wr_block *block) {
    CHECK(!wr_link_linked(&block->link));
    ++*(int *)argument;
}

static void blocks_are_aligned_and_follow_each_other(void) {
    wr_ring ring;
    set_up(&ring, 8);
    wr_block a, b;
    CHECK_EQ(wr_ring_take(&ring, 100, &a), 0);
    CHECK_EQ(wr_ring_take(&ring, 100, &b), 0);
    CHECK_EQ(a.offset, 0);
    CHECK_EQ(a.bytes, 2 * UNIT);
    CHECK_EQ(b.offset, 2 * UNIT);
    CHECK((uintptr_t)(ring.memory + b.offset) % UNIT == 0);
}

static void more_than_the_ring_has_is_too_big(void) {
    wr_ring ring;
    set_up(&ring, 8);
    wr_block a;
    CHECK_EQ(wr_ring_take(&ring, 8 * UNIT + 1, &a), -E2BIG);
    CHECK_EQ(ring.used, 0);
    CHECK(!one_could(&ring, 8 * UNIT + 1, none_held, NULL));
    CHECK_EQ(wr_ring_take(&ring, 8 * UNIT, &a), 0);
    // Also when nothing fits now.
    wr_block b;
    CHECK_EQ(wr_ring_take(&ring, 8 * UNIT + 1, &b), -E2BIG);
    CHECK_EQ(wr_ring_take(&ring, 1, &b), -EAGAIN);
}

static void no_bytes_are_refused(void) {
    wr_ring ring;
    set_up(&ring, 8);
    wr_block a;
    CHECK_EQ(wr_ring_take(&ring, 0, &a), -EINVAL);
    CHECK_EQ(ring.used, 0);
    CHECK(wr_list_empty(&ring.blocks));
    CHECK(!one_could(&ring, 0, none_held, NULL));
}

static void a_ring_without_memory_holds_nothing(void) {
    wr_ring ring;
    wr_ring_init(&ring, NULL, 0);
    wr_block a;
    CHECK_EQ(wr_ring_take(&ring, 0, &a), -EINVAL);
    CHECK_EQ(wr_ring_take(&ring, 1, &a), -E2BIG);
    CHECK_EQ(wr_ring_take(&ring, SIZE_MAX, &a), -E2BIG);
    CHECK(!one_could(&ring, 1, none_held, NULL));
}

static void what_comes_back_in_the_middle_waits(void) {
    wr_ring ring;
    set_up(&ring, 4);
    wr_block b[4], more;
    for (int i = 0; i < 4; i++)
        CHECK_EQ(wr_ring_take(&ring, UNIT, &b[i]), 0);
    int back = 0;
    wr_ring_give(&ring, &b[2], count_back, &back);
    CHECK_EQ(back, 0);
    CHECK_EQ(ring.used, 4 * UNIT);
    CHECK_EQ(ring.returns, 0);
    CHECK_EQ(wr_ring_take(&ring, UNIT, &more), -EAGAIN);
    wr_ring_give(&ring, &b[0], count_back, &back);
    CHECK_EQ(back, 1);
    wr_ring_give(&ring, &b[1], count_back, &back);
    CHECK_EQ(back, 3); // and the third with it
    CHECK_EQ(ring.used, UNIT);
    CHECK_EQ(ring.returns, 3);
    CHECK_EQ(wr_ring_take(&ring, 3 * UNIT, &more), 0);
    CHECK_EQ(more.offset, 0);
}

static void it_goes_on_in_front(void) {
    wr_ring ring;
    set_up(&ring, 4);
    wr_block b[4], more;
    for (int i = 0; i < 4; i++)
        CHECK_EQ(wr_ring_take(&ring, UNIT, &b[i]), 0);
    wr_ring_give(&ring, &b[0], NULL, NULL);
    wr_ring_give(&ring, &b[1], NULL, NULL);
    CHECK_EQ(wr_ring_take(&ring, UNIT, &more), 0);
    CHECK_EQ(more.offset, 0);
}

static void the_newest_come_back_too(void) {
    wr_ring ring;
    set_up(&ring, 4);
    wr_block b[4];
    for (int i = 0; i < 3; i++)
        CHECK_EQ(wr_ring_take(&ring, UNIT, &b[i]), 0);
    int back = 0;
    wr_ring_give(&ring, &b[1], count_back, &back);
    CHECK_EQ(back, 0);
    wr_ring_give(&ring, &b[2], count_back, &back);
    CHECK_EQ(back, 2);
    CHECK_EQ(ring.used, UNIT);
    CHECK_EQ(wr_ring_take(&ring, 3 * UNIT, &b[3]), 0);
    CHECK_EQ(b[3].offset, UNIT);
}

static void the_newest_come_back_around_the_end(void) {
    wr_ring ring;
    set_up(&ring, 4);
    wr_block a, b, c, d;
    CHECK_EQ(wr_ring_take(&ring, 2 * UNIT, &a), 0);
    CHECK_EQ(wr_ring_take(&ring, UNIT, &b), 0);
    wr_ring_give(&ring, &a, NULL, NULL);
    CHECK_EQ(wr_ring_take(&ring, 2 * UNIT, &c), 0); // in front of b
    CHECK_EQ(c.offset, 0);
    wr_ring_give(&ring, &c, NULL, NULL);
    CHECK_EQ(wr_ring_take(&ring, UNIT, &d), 0); // behind b again
    CHECK_EQ(d.offset, 3 * UNIT);
}

static void free_it(void *argument, wr_block *block) {
    ++*(int *)argument;
    free(block);
}

static void back_may_free_the_block(void) {
    static const int order[] = {1, 2, 4, 0, 3};
    wr_ring ring;
    set_up(&ring, 5);
    wr_block *b[5];
    for (int i = 0; i < 5; i++) {
        b[i] = malloc(sizeof(wr_block));
        CHECK(b[i] != NULL);
        CHECK_EQ(wr_ring_take(&ring, UNIT, b[i]), 0);
    }
    int freed = 0;
    for (int i = 0; i < 5; i++)
        wr_ring_give(&ring, b[order[i]], free_it, &freed);
    CHECK_EQ(freed, 5);
    CHECK_EQ(ring.returns, 5);
}

static void used_and_highest_are_true(void) {
    wr_ring ring;
    set_up(&ring, 8);
    wr_block a, b, c;
    CHECK_EQ(wr_ring_take(&ring, 1, &a), 0);
    CHECK_EQ(ring.used, UNIT);
    CHECK_EQ(wr_ring_take(&ring, 3 * UNIT - 1, &b), 0);
    CHECK_EQ(ring.used, 4 * UNIT);
    CHECK_EQ(wr_ring_take(&ring, 5 * UNIT, &c), -EAGAIN);
    CHECK_EQ(ring.used, 4 * UNIT);
    CHECK_EQ(ring.highest, 4 * UNIT);
    wr_ring_give(&ring, &a, NULL, NULL);
    CHECK_EQ(ring.used, 3 * UNIT);
    wr_ring_give(&ring, &b, NULL, NULL);
    CHECK_EQ(ring.used, 0);
    CHECK_EQ(ring.highest, 4 * UNIT);
    CHECK_EQ(ring.returns, 2);
}

static void what_is_held_stays_in_could(void) {
    wr_ring ring;
    set_up(&ring, 4);
    wr_block b[4];
    for (int i = 0; i < 4; i++)
        CHECK_EQ(wr_ring_take(&ring, UNIT, &b[i]), 0);
    CHECK(!one_could(&ring, 1, all_held, NULL));
    CHECK(one_could(&ring, 4 * UNIT, none_held, NULL));
    CHECK(one_could(&ring, 3 * UNIT, only, &b[0]));
    CHECK(!one_could(&ring, 3 * UNIT, only, &b[1])); // not in one piece
    CHECK(one_could(&ring, 2 * UNIT, only, &b[1]));
    // What was given is held by nobody, whatever is said.
    wr_ring_give(&ring, &b[1], NULL, NULL);
    CHECK(one_could(&ring, 4 * UNIT, only, &b[1]));
    CHECK_EQ(ring.used, 4 * UNIT); // asking changes nothing
}

static void several_fit_one_after_the_other(void) {
    wr_ring ring;
    set_up(&ring, 8);
    wr_block held, rest;
    CHECK_EQ(wr_ring_take(&ring, 3 * UNIT, &held), 0);
    const size_t two[] = {4 * UNIT, UNIT + 1}, fit[] = {4 * UNIT, UNIT};
    CHECK(!wr_ring_fits(&ring, two, 2));
    CHECK(wr_ring_fits(&ring, fit, 2));
    CHECK(wr_ring_fits(&ring, two, 0));
    // Each of them would fit in what is left, but not both.
    CHECK_EQ(wr_ring_take(&ring, UNIT, &rest), 0);
    CHECK(one_could(&ring, two[0], only, &held));
    CHECK(one_could(&ring, two[1], only, &held));
    CHECK(!wr_ring_could(&ring, two, 2, only, &held));
    CHECK(wr_ring_could(&ring, fit, 2, only, &held));
    CHECK(wr_ring_could(&ring, two, 2, only, &rest));
    const size_t none[] = {UNIT, 0}, huge[] = {UNIT, SIZE_MAX};
    CHECK(!wr_ring_fits(&ring, none, 2));
    CHECK(!wr_ring_fits(&ring, huge, 2));
    CHECK_EQ(ring.highest, 4 * UNIT); // nothing was taken for an answer
    CHECK_EQ(ring.returns, 0);
}

static void rings_share_nothing(void) {
    wr_ring outer, inner;
    wr_ring_init(&outer, memory, 4 * UNIT);
    wr_ring_init(&inner, memory + 4 * UNIT, 4 * UNIT);
    wr_block held, b;
    CHECK_EQ(wr_ring_take(&outer, 4 * UNIT, &held), 0);
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(wr_ring_take(&inner, 4 * UNIT, &b), 0);
        wr_block no;
        CHECK_EQ(wr_ring_take(&outer, 1, &no), -EAGAIN);
        wr_ring_give(&inner, &b, NULL, NULL);
    }
    CHECK_EQ(outer.used, 4 * UNIT);
    CHECK_EQ(inner.used, 0);
}

// A broken promise of the caller ends the program, in a child.
static void twice(void) {
    wr_ring ring;
    set_up(&ring, 4);
    wr_block a, b, c;
    CHECK_EQ(wr_ring_take(&ring, UNIT, &a), 0);
    CHECK_EQ(wr_ring_take(&ring, UNIT, &b), 0);
    CHECK_EQ(wr_ring_take(&ring, UNIT, &c), 0);
    wr_ring_give(&ring, &b, NULL, NULL);
    wr_ring_give(&ring, &b, NULL, NULL);
}

static void a_block_goes_back_once(void) {
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        fclose(stderr);
        twice();
        _Exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(!(WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

// 1: an empty ring refused what it could hold, wherever its ends had stopped.
static void d1_an_empty_ring_is_whole(void) {
    for (size_t stop = 1; stop <= 8; stop++)
        for (size_t turn = 0; turn < 2; turn++) {
            wr_ring ring;
            set_up(&ring, 8);
            wr_block a, b;
            CHECK_EQ(wr_ring_take(&ring, stop * UNIT, &a), 0);
            if (turn == 1 && stop < 8) {
                CHECK_EQ(wr_ring_take(&ring, UNIT, &b), 0);
                wr_ring_give(&ring, &a, NULL, NULL);
                wr_ring_give(&ring, &b, NULL, NULL);
            } else {
                wr_ring_give(&ring, &a, NULL, NULL);
            }
            CHECK_EQ(wr_ring_take(&ring, 8 * UNIT, &a), 0);
            CHECK_EQ(a.offset, 0);
        }
}

// 2: two blocks had to come back for one to fit.
static void d2_one_block_back_is_room_for_one(void) {
    wr_ring ring;
    set_up(&ring, 4);
    wr_block b[4];
    for (int i = 0; i < 4; i++)
        CHECK_EQ(wr_ring_take(&ring, UNIT, &b[i]), 0);
    for (int i = 0; i < 100; i++) {
        wr_ring_give(&ring, &b[i % 4], NULL, NULL);
        CHECK_EQ(wr_ring_take(&ring, UNIT, &b[i % 4]), 0);
        CHECK_EQ(ring.used, 4 * UNIT);
    }
}

// 5: rounding went over the end of the numbers, and gave nothing for all.
static void d5_no_request_is_rounded_to_nothing(void) {
    wr_ring ring;
    set_up(&ring, 4);
    wr_block a;
    for (size_t less = 0; less < 3 * UNIT; less++) {
        CHECK_EQ(wr_ring_take(&ring, SIZE_MAX - less, &a), -E2BIG);
        CHECK(!one_could(&ring, SIZE_MAX - less, none_held, NULL));
    }
    CHECK_EQ(ring.used, 0);
}

// 6: a size that was no multiple of the unit lost its rest, and nothing said
// so: here the size tells what there is, and that much can be taken.
static void d6_an_odd_size_says_what_it_holds(void) {
    wr_ring ring;
    wr_ring_init(&ring, memory, 4 * UNIT + UNIT / 2);
    CHECK_EQ(ring.size, 4 * UNIT);
    wr_block a;
    CHECK_EQ(wr_ring_take(&ring, 4 * UNIT + 1, &a), -E2BIG);
    CHECK_EQ(wr_ring_take(&ring, ring.size, &a), 0);
}

// ---- against a model -------------------------------------------------------

enum { MODEL_UNITS = 24, MODEL_BLOCKS = 32 };

// Blocks that did not come back, oldest first.
typedef struct model {
    size_t units;
    size_t count;
    struct {
        wr_block *block;
        size_t at, units;
        bool given, held;
    } of[MODEL_BLOCKS];
} model;

static void model_trim(model *m) {
    size_t front = 0;
    while (front < m->count && m->of[front].given)
        front++;
    memmove(m->of, m->of + front, (m->count - front) * sizeof(m->of[0]));
    m->count -= front;
    while (m->count > 0 && m->of[m->count - 1].given)
        m->count--;
}

// Looks at every place there is. Taken is all from the oldest block to the end
// of the newest, in the order of the ring.
static bool model_fits(const model *m, size_t need) {
    bool taken[MODEL_UNITS] = {false};
    if (m->count > 0) {
        size_t at = m->of[0].at, last = m->count - 1;
        size_t end = m->of[last].at + m->of[last].units;
        do {
            taken[at] = true;
            at = (at + 1) % m->units;
        } while (at != end % m->units);
    }
    for (size_t at = 0; at + need <= m->units; at++) {
        size_t run = 0;
        while (run < need && !taken[at + run])
            run++;
        if (run == need)
            return true;
    }
    return false;
}

static bool model_held(void *argument, const wr_block *block) {
    const model *m = argument;
    for (size_t i = 0; i < m->count; i++)
        if (m->of[i].block == block)
            return m->of[i].held;
    CHECK_FAIL("a block that is not in the ring");
}

static void model_could(model *m, const wr_ring *ring, uint64_t *state) {
    for (size_t i = 0; i < m->count; i++)
        m->of[i].held = wr_random_below(state, 3) == 0;
    model after = *m;
    for (size_t i = 0; i < after.count; i++)
        after.of[i].given |= !after.of[i].held;
    model_trim(&after);
    for (size_t need = 1; need <= m->units; need++)
        CHECK_EQ(one_could(ring, need * UNIT, model_held, m),
                 model_fits(&after, need));
}

static void model_take(model *m, wr_ring *ring, wr_block *block, size_t need) {
    int error = wr_ring_take(ring, need * UNIT, block);
    CHECK_EQ(error, model_fits(m, need) ? 0 : -EAGAIN);
    if (error != 0)
        return;
    CHECK(block->offset % UNIT == 0 && block->bytes == need * UNIT);
    CHECK(block->offset + block->bytes <= ring->size);
    size_t at = block->offset / UNIT;
    for (size_t i = 0; i < m->count; i++)
        CHECK(at + need <= m->of[i].at || m->of[i].at + m->of[i].units <= at);
    m->of[m->count].block = block;
    m->of[m->count].at = at;
    m->of[m->count].units = need;
    m->of[m->count].given = false;
    m->count++;
}

static void model_give(model *m, wr_ring *ring, size_t number) {
    if (m->of[number].given)
        return;
    m->of[number].given = true;
    wr_block *block = m->of[number].block;
    model_trim(m);
    wr_ring_give(ring, block, NULL, NULL);
}

static void model_compare(const model *m, const wr_ring *ring) {
    size_t used = 0, i = 0;
    for (const wr_link *at = ring->blocks.next; at != &ring->blocks;
         at = at->next, i++) {
        CHECK(i < m->count);
        CHECK(wr_container_of(at, wr_block, link) == m->of[i].block);
        used += m->of[i].units * UNIT;
    }
    CHECK_EQ(i, m->count);
    CHECK_EQ(ring->used, used);
}

// What is said of several blocks is tried: all are taken, and come back newest
// first, which leaves the ring as it was.
static void try_several(wr_ring *ring, bool predicted, const size_t bytes[3]) {
    wr_block blocks[3];
    size_t count = 0;
    while (count < 3 && wr_ring_take(ring, bytes[count], &blocks[count]) == 0)
        count++;
    CHECK_EQ(predicted, count == 3);
    while (count-- > 0)
        wr_ring_give(ring, &blocks[count], NULL, NULL);
}

static void model_several(model *m, wr_ring *ring, uint64_t *state, bool last) {
    size_t bytes[3];
    for (int i = 0; i < 3; i++)
        bytes[i] = 1 + wr_random_below(state, (uint32_t)ring->size / 2);
    size_t used = ring->used;
    uint64_t returns = ring->returns;
    bool fits = wr_ring_fits(ring, bytes, 3);
    CHECK(ring->used == used && ring->returns == returns);
    try_several(ring, fits, bytes);
    CHECK_EQ(ring->used, used);
    if (!last)
        return;
    for (size_t i = 0; i < m->count; i++)
        m->of[i].held = wr_random_below(state, 3) == 0;
    bool could = wr_ring_could(ring, bytes, 3, model_held, m);
    for (size_t i = 0; i < m->count; i++)
        if (!m->of[i].held && !m->of[i].given)
            wr_ring_give(ring, m->of[i].block, NULL, NULL);
    try_several(ring, could, bytes);
}

static wr_block *spare(const model *m, wr_block blocks[MODEL_BLOCKS]) {
    for (size_t i = 0; i < MODEL_BLOCKS; i++) {
        bool used = false;
        for (size_t j = 0; j < m->count; j++)
            used |= m->of[j].block == &blocks[i];
        if (!used)
            return &blocks[i];
    }
    return NULL;
}

static void it_does_what_a_map_of_its_bytes_says(void) {
    for (uint64_t seed = 0; seed < 3000; seed++) {
        uint64_t state = seed;
        model m = {.units = 1 + wr_random_below(&state, MODEL_UNITS)};
        wr_block blocks[MODEL_BLOCKS];
        wr_ring ring;
        set_up(&ring, m.units);
        uint32_t most = 1 + wr_random_below(&state, (uint32_t)m.units);
        uint32_t takes = 2 + wr_random_below(&state, 6);
        for (int step = 0; step < 120; step++) {
            if (wr_random_below(&state, 8) < takes) {
                wr_block *block = spare(&m, blocks);
                if (block != NULL)
                    model_take(&m, &ring, block,
                               1 + wr_random_below(&state, most));
            } else if (m.count > 0) {
                model_give(&m, &ring,
                           wr_random_below(&state, (uint32_t)m.count));
            }
            model_compare(&m, &ring);
            if (step % 8 == 0) {
                model_could(&m, &ring, &state);
                model_several(&m, &ring, &state, false);
            }
        }
        model_several(&m, &ring, &state, true);
    }
}

#define CASE(name)                                                             \
    { #name, name }
static const test_case cases[] = {
    CASE(blocks_are_aligned_and_follow_each_other),
    CASE(more_than_the_ring_has_is_too_big),
    CASE(no_bytes_are_refused),
    CASE(a_ring_without_memory_holds_nothing),
    CASE(what_comes_back_in_the_middle_waits),
    CASE(it_goes_on_in_front),
    CASE(the_newest_come_back_too),
    CASE(the_newest_come_back_around_the_end),
    CASE(back_may_free_the_block),
    CASE(used_and_highest_are_true),
    CASE(what_is_held_stays_in_could),
    CASE(several_fit_one_after_the_other),
    CASE(rings_share_nothing),
    CASE(a_block_goes_back_once),
    CASE(d1_an_empty_ring_is_whole),
    CASE(d2_one_block_back_is_room_for_one),
    CASE(d5_no_request_is_rounded_to_nothing),
    CASE(d6_an_odd_size_says_what_it_holds),
    CASE(it_does_what_a_map_of_its_bytes_says),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
