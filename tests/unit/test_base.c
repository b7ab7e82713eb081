// SPDX-License-Identifier: MIT
#include "base/check.h"
#include "base/fault.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/options.h"
#include "base/random.h"
#include "support/check.h"
#include "weir/base.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- errors, version -------------------------------------------------------

static void every_error_has_its_own_text(void) {
    static const int all[] = {
        0,          -E2BIG,  -EACCES,     -EAGAIN,  -EALREADY,    -EBUSY,
        -ECANCELED, -ECHILD, -EDEADLK,    -EEXIST,  -EINPROGRESS, -EINVAL,
        -EIO,       -EMFILE, -ENFILE,     -ENOBUFS, -ENOENT,      -ENOMEM,
        -ENOSPC,    -ENOSYS, -EOWNERDEAD, -EPIPE,   -ESHUTDOWN,   -ESTALE,
        -ETIMEDOUT};
    size_t count = sizeof(all) / sizeof(all[0]);
    for (size_t i = 0; i < count; i++) {
        CHECK(strcmp(weir_strerror(all[i]), "unknown error") != 0);
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(weir_strerror(all[i]), weir_strerror(all[j])) != 0);
    }
}

static void other_numbers_are_unknown_errors(void) {
    CHECK_STR(weir_strerror(-99999), "unknown error");
    CHECK_STR(weir_strerror(EAGAIN), "unknown error");
    CHECK_STR(weir_strerror(-ENOTTY), "unknown error");
}

static void version_is_that_of_the_header(void) {
    char expected[64];
    snprintf(expected, sizeof(expected), "%d.%d.%d", WEIR_VERSION_MAJOR,
             WEIR_VERSION_MINOR, WEIR_VERSION_PATCH);
    CHECK_STR(weir_version(), expected);
}

// ---- checks ----------------------------------------------------------------

static void a_failed_check_names_the_rule_and_aborts(void) {
    int ends[2];
    CHECK_EQ(pipe(ends), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        wr_check(1 + 1 == 2, "this one holds");
        wr_check(child != 0, "the rule that was broken");
        _Exit(0);
    }
    close(ends[1]);
    char text[512] = "";
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0)
        length += (size_t)got;
    close(ends[0]);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(strstr(text, "test_base.c") != NULL);
    CHECK(strstr(text, "check failed: the rule that was broken\n") != NULL);
}

// ---- options ---------------------------------------------------------------

// What this library knows, what it knew before, what a later one will know.
typedef struct options {
    size_t size;
    int width;
    int depth;
} options;

typedef struct old_options {
    size_t size;
    int width;
} old_options;

typedef struct new_options {
    size_t size;
    int width;
    int depth;
    int height;
    int more;
} new_options;

// sizeof(old_options) may hold padding after width: this is where depth began.
enum { OLD_BYTES = offsetof(options, depth) };

static void no_options_are_all_zero(void) {
    options known = {.size = 1, .width = 2, .depth = 3};
    CHECK_EQ(wr_options_copy(&known, sizeof(known), NULL), 0);
    CHECK_EQ(known.size, 0);
    CHECK_EQ(known.width, 0);
    CHECK_EQ(known.depth, 0);
}

static void options_of_the_same_age_are_copied(void) {
    options given = {.size = sizeof(given), .width = 7, .depth = 8};
    options known;
    CHECK_EQ(wr_options_copy(&known, sizeof(known), &given), 0);
    CHECK_EQ(known.width, 7);
    CHECK_EQ(known.depth, 8);
}

static void an_older_callers_options_leave_the_rest_zero(void) {
    old_options given = {.size = OLD_BYTES, .width = 7};
    options known = {.depth = 99};
    CHECK_EQ(wr_options_copy(&known, sizeof(known), &given), 0);
    CHECK_EQ(known.width, 7);
    CHECK_EQ(known.depth, 0);
}

static void newer_options_that_ask_for_nothing_new_work(void) {
    new_options given = {.size = sizeof(given), .width = 7, .depth = 8};
    options known;
    CHECK_EQ(wr_options_copy(&known, sizeof(known), &given), 0);
    CHECK_EQ(known.width, 7);
    CHECK_EQ(known.depth, 8);
}

static void newer_options_that_ask_for_more_are_refused(void) {
    new_options given = {.size = sizeof(given), .height = 1};
    options known;
    CHECK_EQ(wr_options_copy(&known, sizeof(known), &given), -E2BIG);
    given = (new_options){.size = sizeof(given), .more = 1 << 24};
    CHECK_EQ(wr_options_copy(&known, sizeof(known), &given), -E2BIG);
}

static void options_without_their_size_are_refused(void) {
    options given = {.size = 0, .width = 7};
    options known;
    CHECK_EQ(wr_options_copy(&known, sizeof(known), &given), -EINVAL);
    given.size = sizeof(size_t) - 1;
    CHECK_EQ(wr_options_copy(&known, sizeof(known), &given), -EINVAL);
    given.size = sizeof(size_t);
    CHECK_EQ(wr_options_copy(&known, sizeof(known), &given), 0);
    CHECK_EQ(known.width, 0);
}

static void an_older_caller_gets_what_it_has_room_for(void) {
    const options filled = {.size = sizeof(filled), .width = 7, .depth = 8};
    options theirs = {.size = OLD_BYTES, .width = 1, .depth = 99};
    CHECK_EQ(wr_out_copy(&theirs, &filled, sizeof(filled)), 0);
    CHECK_EQ(theirs.size, OLD_BYTES);
    CHECK_EQ(theirs.width, 7);
    CHECK_EQ(theirs.depth, 99);
}

static void a_newer_caller_gets_zero_for_what_is_unknown(void) {
    const options filled = {.size = sizeof(filled), .width = 7, .depth = 8};
    new_options theirs = {.size = sizeof(theirs), .height = 98, .more = 99};
    CHECK_EQ(wr_out_copy(&theirs, &filled, sizeof(filled)), 0);
    CHECK_EQ(theirs.size, sizeof(theirs));
    CHECK_EQ(theirs.width, 7);
    CHECK_EQ(theirs.depth, 8);
    CHECK_EQ(theirs.height, 0);
    CHECK_EQ(theirs.more, 0);
}

static void a_result_without_its_size_is_refused(void) {
    const options filled = {.size = sizeof(filled), .width = 7};
    options theirs = {.size = sizeof(size_t) - 1, .width = 1};
    CHECK_EQ(wr_out_copy(&theirs, &filled, sizeof(filled)), -EINVAL);
    CHECK_EQ(theirs.width, 1);
}

// ---- list ------------------------------------------------------------------

typedef struct item {
    int value;
    wr_link link;
} item;

static int value_of(wr_link *link) {
    return wr_container_of(link, item, link)->value;
}

static void list_keeps_order_at_both_ends(void) {
    item items[4] = {{.value = 0}, {.value = 1}, {.value = 2}, {.value = 3}};
    wr_link list;
    wr_list_init(&list);
    CHECK(wr_list_empty(&list));
    CHECK(wr_list_pop_front(&list) == NULL);
    wr_list_push_back(&list, &items[1].link);
    wr_list_push_back(&list, &items[2].link);
    wr_list_push_front(&list, &items[0].link);
    wr_list_insert_after(&items[2].link, &items[3].link);
    CHECK(!wr_list_empty(&list));
    for (int i = 0; i < 4; i++)
        CHECK_EQ(value_of(wr_list_pop_front(&list)), i);
    CHECK(wr_list_empty(&list));
}

static void a_link_knows_whether_it_is_in_a_list(void) {
    item items[3] = {{.value = 0}, {.value = 1}, {.value = 2}};
    wr_link list;
    wr_list_init(&list);
    for (int i = 0; i < 3; i++) {
        CHECK(!wr_link_linked(&items[i].link));
        wr_list_push_back(&list, &items[i].link);
        CHECK(wr_link_linked(&items[i].link));
    }
    wr_list_remove(&items[1].link);
    CHECK(!wr_link_linked(&items[1].link));
    CHECK_EQ(value_of(wr_list_pop_front(&list)), 0);
    CHECK(!wr_link_linked(&items[0].link));
    CHECK_EQ(value_of(wr_list_pop_front(&list)), 2);
    CHECK(wr_list_empty(&list));
}

static void splice_moves_all_and_leaves_an_empty_list(void) {
    item items[4] = {{.value = 0}, {.value = 1}, {.value = 2}, {.value = 3}};
    wr_link list;
    wr_link from;
    wr_list_init(&list);
    wr_list_init(&from);
    wr_list_splice_back(&list, &from);
    CHECK(wr_list_empty(&list));
    wr_list_push_back(&from, &items[0].link);
    wr_list_push_back(&from, &items[1].link);
    wr_list_splice_back(&list, &from);
    CHECK(wr_list_empty(&from));
    wr_list_push_back(&from, &items[2].link);
    wr_list_push_back(&from, &items[3].link);
    wr_list_splice_back(&list, &from);
    CHECK(wr_list_empty(&from));
    for (int i = 0; i < 4; i++)
        CHECK_EQ(value_of(wr_list_pop_front(&list)), i);
    CHECK(wr_list_pop_front(&list) == NULL);
}

// ---- heap ------------------------------------------------------------------

// The same each run; WEIR_TEST_SEED is another.
static uint64_t test_seed(void) {
    const char *given = getenv("WEIR_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 1;
    printf("WEIR_TEST_SEED=%llu\n", (unsigned long long)seed);
    fflush(stdout);
    return seed;
}

static void heap_gives_the_smallest_key_first(void) {
    enum { COUNT = 10000 };
    static wr_heap_node nodes[COUNT];
    uint64_t random = test_seed();
    wr_heap heap = {0};
    CHECK(wr_heap_first(&heap) == NULL);
    for (int i = 0; i < COUNT; i++)
        wr_heap_insert(&heap, &nodes[i], (int64_t)wr_random_next(&random));
    int64_t last = INT64_MIN;
    for (int i = 0; i < COUNT; i++) {
        wr_heap_node *first = wr_heap_first(&heap);
        CHECK(first != NULL && first->key >= last);
        last = first->key;
        wr_heap_remove(&heap, first);
    }
    CHECK(wr_heap_first(&heap) == NULL);
}

static void heap_gives_equal_keys_first_in_first_out(void) {
    enum { COUNT = 1000, KEYS = 3 };
    static wr_heap_node nodes[COUNT];
    wr_heap heap = {0};
    for (int i = 0; i < COUNT; i++)
        wr_heap_insert(&heap, &nodes[i], i % KEYS);
    for (int key = 0; key < KEYS; key++)
        for (int i = key; i < COUNT; i += KEYS) {
            CHECK(wr_heap_first(&heap) == &nodes[i]);
            wr_heap_remove(&heap, &nodes[i]);
        }
    CHECK(wr_heap_first(&heap) == NULL);
}

// The reference: an unsorted array, searched for the smallest each time.
enum { MODEL_MAX = 300 };

typedef struct model_entry {
    int node;
    int64_t key;
    uint64_t order;
} model_entry;

typedef struct model {
    int count;
    uint64_t inserted;
    model_entry entry[MODEL_MAX];
} model;

static int model_first(const model *m) {
    int best = 0;
    for (int i = 1; i < m->count; i++) {
        const model_entry *a = &m->entry[i];
        const model_entry *b = &m->entry[best];
        if (a->key < b->key || (a->key == b->key && a->order < b->order))
            best = i;
    }
    return best;
}

static void heap_removes_any_node(void) {
    enum { STEPS = 30000 };
    static wr_heap_node nodes[MODEL_MAX];
    static bool used[MODEL_MAX];
    static model m;
    uint64_t random = test_seed();
    wr_heap heap = {0};
    for (int step = 0; step < STEPS; step++) {
        // Long phases of growing and of shrinking, down to empty.
        uint32_t grow = step / 1000 % 2 == 0 ? 6 : 3;
        int node = (int)wr_random_below(&random, MODEL_MAX);
        if (wr_random_below(&random, 9) < grow && !used[node]) {
            int64_t key = wr_random_below(&random, 50);
            wr_heap_insert(&heap, &nodes[node], key);
            used[node] = true;
            m.entry[m.count++] = (model_entry){node, key, m.inserted++};
        } else if (m.count > 0) {
            bool first = wr_random_below(&random, 2) == 0;
            int at = first ? model_first(&m)
                           : (int)wr_random_below(&random, (uint32_t)m.count);
            wr_heap_remove(&heap, &nodes[m.entry[at].node]);
            used[m.entry[at].node] = false;
            m.entry[at] = m.entry[--m.count];
        }
        if (m.count == 0)
            CHECK(wr_heap_first(&heap) == NULL);
        else
            CHECK(wr_heap_first(&heap) ==
                  &nodes[m.entry[model_first(&m)].node]);
    }
}

// A million siblings must not be a million stack frames.
static void heap_of_a_million_needs_no_deep_stack(void) {
    enum { COUNT = 1000000 };
    wr_heap_node *nodes = calloc(COUNT, sizeof(*nodes));
    CHECK(nodes != NULL);
    wr_heap heap = {0};
    for (int i = 0; i < COUNT; i++)
        wr_heap_insert(&heap, &nodes[i], i);
    for (int i = 0; i < COUNT; i++) {
        CHECK(wr_heap_first(&heap) == &nodes[i]);
        wr_heap_remove(&heap, &nodes[i]);
    }
    free(nodes);
}

// ---- random ----------------------------------------------------------------

static void random_numbers_are_those_of_splitmix64(void) {
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423), UINT64_C(4593380528125082431)};
    uint64_t state = 1234567;
    for (int i = 0; i < 4; i++)
        CHECK(wr_random_next(&state) == expected[i]);
}

static void random_below_reaches_all_and_only_what_is_below(void) {
    uint64_t state = test_seed();
    int seen[7] = {0};
    for (int i = 0; i < 10000; i++) {
        uint32_t value = wr_random_below(&state, 7);
        CHECK(value < 7);
        seen[value]++;
    }
    for (int i = 0; i < 7; i++)
        CHECK(seen[i] > 1000);
    CHECK_EQ(wr_random_below(&state, 1), 0);
}

// ---- faults ----------------------------------------------------------------

static void armed_attempts_fail_and_no_others(void) {
    if (!wr_fault_arm(WR_FAULT_FIBER, 2, 3))
        SKIP("built without WEIR_FAULTS");
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(wr_fault(WR_FAULT_FIBER), i >= 2 && i < 5);
        CHECK_EQ(wr_fault(WR_FAULT_FD), false);
    }
    CHECK_EQ(wr_fault_seen(WR_FAULT_FIBER), 10);
    CHECK(wr_fault_arm(WR_FAULT_FIBER, 0, UINT64_MAX));
    CHECK_EQ(wr_fault_seen(WR_FAULT_FIBER), 0);
    CHECK(wr_fault(WR_FAULT_FIBER));
    CHECK(wr_fault_arm(WR_FAULT_FIBER, 0, 0));
    CHECK(!wr_fault(WR_FAULT_FIBER));
}

static void allocation_fails_on_demand(void) {
    if (!wr_fault_arm(WR_FAULT_ALLOC, 1, 2))
        SKIP("built without WEIR_FAULTS");
    void *memory = wr_malloc(10);
    CHECK(memory != NULL);
    CHECK(wr_malloc(10) == NULL);
    CHECK(wr_calloc(1, 10) == NULL);
    unsigned char *zeroed = wr_calloc(3, 5);
    CHECK(zeroed != NULL);
    for (int i = 0; i < 15; i++)
        CHECK_EQ(zeroed[i], 0);
    wr_free(memory);
    wr_free(zeroed);
    wr_free(NULL);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"every_error_has_its_own_text", every_error_has_its_own_text},
        {"other_numbers_are_unknown_errors", other_numbers_are_unknown_errors},
        {"version_is_that_of_the_header", version_is_that_of_the_header},
        {"a_failed_check_names_the_rule_and_aborts",
         a_failed_check_names_the_rule_and_aborts},
        {"no_options_are_all_zero", no_options_are_all_zero},
        {"options_of_the_same_age_are_copied",
         options_of_the_same_age_are_copied},
        {"an_older_callers_options_leave_the_rest_zero",
         an_older_callers_options_leave_the_rest_zero},
        {"newer_options_that_ask_for_nothing_new_work",
         newer_options_that_ask_for_nothing_new_work},
        {"newer_options_that_ask_for_more_are_refused",
         newer_options_that_ask_for_more_are_refused},
        {"options_without_their_size_are_refused",
         options_without_their_size_are_refused},
        {"an_older_caller_gets_what_it_has_room_for",
         an_older_caller_gets_what_it_has_room_for},
        {"a_newer_caller_gets_zero_for_what_is_unknown",
         a_newer_caller_gets_zero_for_what_is_unknown},
        {"a_result_without_its_size_is_refused",
         a_result_without_its_size_is_refused},
        {"list_keeps_order_at_both_ends", list_keeps_order_at_both_ends},
        {"a_link_knows_whether_it_is_in_a_list",
         a_link_knows_whether_it_is_in_a_list},
        {"splice_moves_all_and_leaves_an_empty_list",
         splice_moves_all_and_leaves_an_empty_list},
        {"heap_gives_the_smallest_key_first",
         heap_gives_the_smallest_key_first},
        {"heap_gives_equal_keys_first_in_first_out",
         heap_gives_equal_keys_first_in_first_out},
        {"heap_removes_any_node", heap_removes_any_node},
        {"heap_of_a_million_needs_no_deep_stack",
         heap_of_a_million_needs_no_deep_stack},
        {"random_numbers_are_those_of_splitmix64",
         random_numbers_are_those_of_splitmix64},
        {"random_below_reaches_all_and_only_what_is_below",
         random_below_reaches_all_and_only_what_is_below},
        {"armed_attempts_fail_and_no_others",
         armed_attempts_fail_and_no_others},
        {"allocation_fails_on_demand", allocation_fails_on_demand},
    };
    return test_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
