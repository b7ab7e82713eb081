// SPDX-License-Identifier: MIT
// Scan, pack and partition: as a plain loop does it, the same bits at any
// width, the first error, cancelled.
#include "parallel/types.h"
#include "support/parallel.h"

#include <sched.h>

// More than one window of blocks.
enum { N = 600000, SMALL = 5000 };

static uint32_t in[N];
static uint32_t out[N], expected[N];

static const size_t edges[] = {0,  1,  2,   3,    15,   16,   17,   63,
                               64, 65, 255, 1000, 1023, 1024, 1025, 4097};
enum { EDGES = sizeof(edges) / sizeof(edges[0]) };

static void draw(uint64_t *random, size_t length) {
    for (size_t i = 0; i < length; i++)
        in[i] = wr_random_below(random, UINT32_MAX);
}

// ---- scan ------------------------------------------------------------------

typedef struct sums {
    size_t from, to;
    size_t leaf_fails, body_fails; // an index, SIZE_MAX: none
    bool inclusive;
    cancelled_child *child;
    const uint32_t *in;
} sums;

// Which block of SMALL indices fails, SIZE_MAX: none. A failure of the first
// callback counts for its whole block.
static size_t block_of(size_t index, size_t block) {
    return index < SMALL ? index / block : SIZE_MAX;
}

static int sum_leaf(weir_worker *self, void *context, size_t from, size_t to,
                    void *partial) {
    const sums *s = context;
    CHECK(s->from <= from && from < to && to <= s->to);
    if (s->child != NULL)
        cancel_all(self, s->child);
    uint32_t sum = 0;
    for (size_t i = from; i < to; i++) {
        if (i == s->leaf_fails)
            return -ENOENT;
        sum += s->in[i];
    }
    *(uint32_t *)partial = sum;
    return 0;
}

static void sum_combine(void *context, void *left, const void *right) {
    (void)context;
    *(uint32_t *)left += *(const uint32_t *)right;
}

static int sum_body(weir_worker *self, void *context, size_t from, size_t to,
                    void *value) {
    const sums *s = context;
    (void)self;
    uint32_t sum = *(uint32_t *)value;
    for (size_t i = from; i < to; i++) {
        if (i == s->body_fails)
            return -ENOMEM;
        uint32_t value_of = s->in[i]; // out may be in
        out[i] = s->inclusive ? sum + value_of : sum;
        sum += value_of;
    }
    *(uint32_t *)value = sum; // it may go on with it
    return 0;
}

static int scan(weir_worker *self, sums *s, uint32_t *value) {
    const weir_reduction how = {sizeof(*value), sum_leaf, sum_combine, s, NULL};
    return weir_parallel_scan(self, s->from, s->to, &how, sum_body, value);
}

static void check_scan(weir_worker *self, size_t from, size_t to,
                       bool inclusive) {
    sums s = {from, to, SIZE_MAX, SIZE_MAX, inclusive, NULL, in};
    uint32_t sum = 1000, value = 1000;
    memset(out, 0, sizeof(out[0]) * to);
    CHECK_EQ(scan(self, &s, &value), 0);
    for (size_t i = from; i < to; i++) {
        CHECK_EQ(out[i], inclusive ? sum + in[i] : sum);
        sum += in[i];
    }
    CHECK_EQ(value, sum);
}

static int run_scans(weir_worker *self, void *argument) {
    (void)argument;
    uint64_t random = 21;
    draw(&random, SMALL);
    for (size_t n = 0; n < EDGES; n++)
        check_scan(self, 0, edges[n], n % 2 == 0);
    for (int round = 0; round < 8; round++) {
        size_t from = wr_random_below(&random, SMALL);
        size_t more = wr_random_below(&random, (uint32_t)(SMALL - from + 1));
        check_scan(self, from, from + more, round % 2 == 0);
    }
    return 0;
}

static int run_long_scans(weir_worker *self, void *argument) {
    uint64_t random = 22;
    draw(&random, N);
    check_scan(self, 0, N, true);
    check_scan(self, 7, 64 * 8192 + 7, false);
    (void)argument;
    // The same in place, where the input is the output.
    for (int inclusive = 0; inclusive < 2; inclusive++) {
        sums s = {0, N, SIZE_MAX, SIZE_MAX, inclusive != 0, NULL, out};
        uint32_t sum = 9, value = 9;
        memcpy(out, in, sizeof(out));
        CHECK_EQ(scan(self, &s, &value), 0);
        for (size_t i = 0; i < N; i++) {
            CHECK_EQ(out[i], inclusive ? sum + in[i] : sum);
            sum += in[i];
        }
        CHECK_EQ(value, sum);
    }
    return 0;
}

static void a_scan_gives_each_piece_what_is_before_it(void) {
    on_every_pool(run_scans, NULL, 0);
    on_every_pool_of(0, run_long_scans, NULL, 0);
}

static int run_failing_scans(weir_worker *self, void *argument) {
    (void)argument;
    uint64_t random = 23;
    draw(&random, SMALL);
    for (int round = 0; round < 15; round++) {
        sums s = {.to = SMALL, .inclusive = true, .in = in};
        s.leaf_fails = wr_random_below(&random, 2 * SMALL);
        s.body_fails = wr_random_below(&random, 2 * SMALL);
        size_t block = wr_window_block(SMALL);
        size_t leaf = block_of(s.leaf_fails, block);
        size_t body = block_of(s.body_fails, block);
        size_t done = SMALL; // so many are
        uint32_t value = 5;
        memset(out, 0, sizeof(out[0]) * SMALL);
        int status = scan(self, &s, &value);
        if (leaf == SIZE_MAX && body == SIZE_MAX) {
            CHECK_EQ(status, 0);
        } else {
            CHECK_EQ(status, leaf <= body ? -ENOENT : -ENOMEM);
            CHECK_EQ(value, 5);
            done = leaf <= body ? leaf * block : s.body_fails;
        }
        uint32_t sum = 5;
        for (size_t i = 0; i < done; i++)
            CHECK_EQ(out[i], sum += in[i]);
    }
    return 0;
}

static void a_scan_that_fails_has_done_what_comes_before(void) {
    on_every_pool(run_failing_scans, NULL, 0);
}

static int scan_job(weir_worker *self, weir_job *job) {
    sums s = {0, SMALL, SIZE_MAX, SIZE_MAX, true, (cancelled_child *)job, in};
    uint32_t value = 5;
    int status = scan(self, &s, &value);
    CHECK_EQ(value, 5);
    return status;
}

static int run_cancelled_scan(weir_worker *self, void *argument) {
    (void)argument;
    return run_in_scope(self, scan_job, 64);
}

static void a_cancelled_scan_says_so_and_leaves_the_value(void) {
    on_every_pool(run_cancelled_scan, NULL, -ECANCELED);
}

static int run_bad_scan(weir_worker *self, void *argument) {
    sums s = {.to = 9};
    weir_reduction how = {0, sum_leaf, sum_combine, &s, NULL};
    uint32_t value = 0;
    (void)argument;
    CHECK_EQ(weir_parallel_scan(self, 0, 9, &how, sum_body, &value), -EINVAL);
    how.size = WEIR_PARTIAL_MAX + 1;
    return weir_parallel_scan(self, 0, 9, &how, sum_body, &value);
}

static void a_value_of_a_bad_size_is_refused(void) {
    on_every_pool_of(1, run_bad_scan, NULL, -EINVAL);
}

// ---- of floats -------------------------------------------------------------

static float floats[SMALL], running[SMALL], first_running[SMALL];

static int float_leaf(weir_worker *self, void *context, size_t from, size_t to,
                      void *partial) {
    (void)self;
    (void)context;
    work_a_while();
    float sum = 0;
    for (size_t i = from; i < to; i++)
        sum += floats[i];
    memcpy(partial, &sum, sizeof(sum));
    return 0;
}

static void float_combine(void *context, void *left, const void *right) {
    (void)context;
    float a, b;
    memcpy(&a, left, sizeof(a));
    memcpy(&b, right, sizeof(b));
    a += b;
    memcpy(left, &a, sizeof(a));
}

static int float_body(weir_worker *self, void *context, size_t from, size_t to,
                      void *value) {
    (void)self;
    (void)context;
    float sum;
    memcpy(&sum, value, sizeof(sum));
    for (size_t i = from; i < to; i++)
        running[i] = sum += floats[i];
    return 0;
}

static int run_floats(weir_worker *self, void *argument) {
    static const weir_reduction how = {sizeof(float), float_leaf, float_combine,
                                       NULL, NULL};
    int *rounds = argument;
    float value = 0.1F;
    CHECK_EQ(weir_parallel_scan(self, 0, SMALL, &how, float_body, &value), 0);
    if ((*rounds)++ == 0)
        memcpy(first_running, running, sizeof(running));
    CHECK_EQ(memcmp(first_running, running, sizeof(running)), 0);
    return 0;
}

static void a_scan_of_floats_has_the_same_bits_at_any_width(void) {
    uint64_t random = 24;
    for (int i = 0; i < SMALL; i++)
        floats[i] = (float)wr_random_below(&random, 1 << 24) / 3.0F;
    int rounds = 0;
    on_every_pool(run_floats, &rounds, 0);
}

// ---- pack and partition ----------------------------------------------------

typedef struct packs {
    size_t from, to;
    size_t count_fails, write_fails; // an index, SIZE_MAX: none
    uint32_t below;                  // what is kept
    bool others;
    cancelled_child *child;
} packs;

static int pack_count(weir_worker *self, void *context, size_t from, size_t to,
                      size_t *kept) {
    const packs *p = context;
    CHECK(p->from <= from && from < to && to <= p->to);
    if (p->child != NULL)
        cancel_all(self, p->child);
    size_t sum = 0;
    for (size_t i = from; i < to; i++) {
        if (i == p->count_fails)
            return -ENOENT;
        sum += in[i] < p->below;
    }
    *kept = sum;
    return 0;
}

static int pack_write(weir_worker *self, void *context, size_t from, size_t to,
                      size_t at, size_t rest) {
    const packs *p = context;
    (void)self;
    CHECK(p->others || rest == 0);
    for (size_t i = from; i < to; i++) {
        if (i == p->write_fails)
            return -ENOMEM;
        if (in[i] < p->below)
            out[at++] = in[i];
        else if (p->others)
            out[rest++] = in[i];
    }
    return 0;
}

static int pack(weir_worker *self, packs *p, size_t *kept) {
    const weir_packing packing = {pack_count, pack_write, p};
    return p->others
               ? weir_parallel_partition(self, p->from, p->to, &packing, kept)
               : weir_parallel_pack(self, p->from, p->to, &packing, kept);
}

static void check_pack(weir_worker *self, packs p) {
    size_t count_of = 0, kept = 77;
    for (size_t i = p.from; i < p.to; i++)
        if (in[i] < p.below)
            expected[count_of++] = in[i];
    size_t all = count_of;
    for (size_t i = p.from; i < p.to && p.others; i++)
        if (in[i] >= p.below)
            expected[all++] = in[i];
    p.count_fails = p.write_fails = SIZE_MAX;
    memset(out, 0xee, sizeof(out[0]) * (p.to - p.from));
    CHECK_EQ(pack(self, &p, &kept), 0);
    CHECK_EQ(kept, count_of);
    CHECK_EQ(memcmp(out, expected, all * sizeof(out[0])), 0);
    if (all < p.to - p.from)
        CHECK_EQ(out[all], 0xeeeeeeee); // nothing is written behind
}

static uint32_t draw_below(uint64_t *random) {
    static const uint32_t parts[] = {0, 1u << 28, 1u << 31, UINT32_MAX};
    return parts[wr_random_below(random, 4)];
}

static int run_packs(weir_worker *self, void *argument) {
    uint64_t random = 25;
    bool others = argument != NULL;
    draw(&random, SMALL);
    for (size_t n = 0; n < EDGES; n++)
        check_pack(self, (packs){.to = edges[n],
                                 .below = draw_below(&random),
                                 .others = others});
    for (int round = 0; round < 8; round++) {
        size_t from = wr_random_below(&random, SMALL);
        size_t more = wr_random_below(&random, (uint32_t)(SMALL - from + 1));
        check_pack(self, (packs){.from = from,
                                 .to = from + more,
                                 .below = draw_below(&random),
                                 .others = others});
    }
    return 0;
}

static int run_long_packs(weir_worker *self, void *argument) {
    uint64_t random = 26;
    draw(&random, N);
    check_pack(self, (packs){.from = 3,
                             .to = N,
                             .below = 1u << 31,
                             .others = argument != NULL});
    return 0;
}

static void pack_keeps_the_order(void) {
    on_every_pool(run_packs, NULL, 0);
    on_every_pool_of(0, run_long_packs, NULL, 0);
}

static void partition_keeps_both_orders(void) {
    static int others;
    on_every_pool(run_packs, &others, 0);
    on_every_pool_of(0, run_long_packs, &others, 0);
}

static int run_failing_packs(weir_worker *self, void *argument) {
    (void)argument;
    uint64_t random = 27;
    draw(&random, SMALL);
    for (int round = 0; round < 16; round++) {
        packs p = {.to = SMALL, .below = 1u << 31, .others = round % 2 == 0};
        p.count_fails = wr_random_below(&random, 2 * SMALL);
        p.write_fails = wr_random_below(&random, 2 * SMALL);
        size_t kept = 77;
        memset(out, 0xee, sizeof(out[0]) * SMALL);
        int status = pack(self, &p, &kept);
        // Of a partition any failing count comes first, as if all were one
        // block.
        size_t block = p.others ? SMALL : wr_window_block(SMALL);
        size_t counting = block_of(p.count_fails, block);
        size_t writing = block_of(p.write_fails, block);
        if (counting == SIZE_MAX && writing == SIZE_MAX)
            CHECK_EQ(status, 0);
        else
            CHECK_EQ(status, counting <= writing ? -ENOENT : -ENOMEM);
        if (status != 0)
            CHECK_EQ(kept, 77);
        // All is counted before a partition writes.
        if (p.others && p.count_fails < SMALL)
            for (size_t i = 0; i < SMALL; i++)
                CHECK_EQ(out[i], 0xeeeeeeee);
    }
    return 0;
}

static void the_first_error_of_a_pack_is_returned(void) {
    on_every_pool(run_failing_packs, NULL, 0);
}

static int pack_job(weir_worker *self, weir_job *job) {
    packs p = {.to = SMALL, .below = 1u << 31};
    p.child = (cancelled_child *)job;
    p.count_fails = p.write_fails = SIZE_MAX;
    size_t kept = 77;
    CHECK_EQ(pack(self, &p, &kept), -ECANCELED);
    p.others = true;
    int status = pack(self, &p, &kept);
    CHECK_EQ(kept, 77);
    return status;
}

static int run_cancelled_pack(weir_worker *self, void *argument) {
    (void)argument;
    return run_in_scope(self, pack_job, 64);
}

static void a_cancelled_pack_says_so_and_leaves_the_count(void) {
    on_every_pool(run_cancelled_pack, NULL, -ECANCELED);
}

// ---- few long indices ------------------------------------------------------

// Of two indices each waits for the other, in both passes: without two workers
// at once the call does not end.
typedef struct meeting {
    wr_atomic_u32 first, second; // who has come
} meeting;

static void meet_at(wr_atomic_u32 *place) {
    count(place, 1);
    while (counted(place) < 2)
        sched_yield();
}

static int meet_leaf(weir_worker *self, void *context, size_t from, size_t to,
                     void *partial) {
    (void)self;
    CHECK_EQ(to - from, 1);
    meet_at(&((meeting *)context)->first);
    *(uint32_t *)partial = 1;
    return 0;
}

static int meet_body(weir_worker *self, void *context, size_t from, size_t to,
                     void *value) {
    (void)self;
    (void)to;
    CHECK_EQ(*(uint32_t *)value, from);
    meet_at(&((meeting *)context)->second);
    return 0;
}

static int meet_count(weir_worker *self, void *context, size_t from, size_t to,
                      size_t *kept) {
    (void)self;
    *kept = to - from;
    meet_at(&((meeting *)context)->first);
    return 0;
}

static int meet_write(weir_worker *self, void *context, size_t from, size_t to,
                      size_t at, size_t rest) {
    (void)self;
    (void)to;
    (void)rest;
    CHECK_EQ(at, from);
    meet_at(&((meeting *)context)->second);
    return 0;
}

static int run_meetings(weir_worker *self, void *argument) {
    (void)argument;
    // Where no second thread could be started nobody would come.
    if (weir_pool_width(weir_worker_pool(self)) < 2)
        return 0;
    for (int how = 0; how < 3; how++) {
        meeting m;
        wr_atomic_init(&m.first, 0);
        wr_atomic_init(&m.second, 0);
        const weir_reduction sum = {sizeof(uint32_t), meet_leaf, sum_combine,
                                    &m, NULL};
        const weir_packing packing = {meet_count, meet_write, &m};
        uint32_t value = 0;
        size_t kept = how == 0 ? 2 : 0;
        if (how == 0)
            CHECK_EQ(weir_parallel_scan(self, 0, 2, &sum, meet_body, &value),
                     0);
        else if (how == 1)
            CHECK_EQ(weir_parallel_pack(self, 0, 2, &packing, &kept), 0);
        else
            CHECK_EQ(weir_parallel_partition(self, 0, 2, &packing, &kept), 0);
        CHECK_EQ(kept, 2);
    }
    return 0;
}

static void a_scan_of_few_indices_is_spread_at_once(void) {
    on_pool(2, 0, run_meetings, NULL, 0);
    on_pool(4, 0, run_meetings, NULL, 0);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"a_scan_gives_each_piece_what_is_before_it",
         a_scan_gives_each_piece_what_is_before_it},
        {"a_scan_that_fails_has_done_what_comes_before",
         a_scan_that_fails_has_done_what_comes_before},
        {"a_cancelled_scan_says_so_and_leaves_the_value",
         a_cancelled_scan_says_so_and_leaves_the_value},
        {"a_value_of_a_bad_size_is_refused", a_value_of_a_bad_size_is_refused},
        {"a_scan_of_floats_has_the_same_bits_at_any_width",
         a_scan_of_floats_has_the_same_bits_at_any_width},
        {"a_scan_of_few_indices_is_spread_at_once",
         a_scan_of_few_indices_is_spread_at_once},
        {"pack_keeps_the_order", pack_keeps_the_order},
        {"partition_keeps_both_orders", partition_keeps_both_orders},
        {"the_first_error_of_a_pack_is_returned",
         the_first_error_of_a_pack_is_returned},
        {"a_cancelled_pack_says_so_and_leaves_the_count",
         a_cancelled_pack_says_so_and_leaves_the_count},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
