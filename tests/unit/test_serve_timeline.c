// SPDX-License-Identifier: MIT
// The timeline alone. Steps record when they begin; the test ends them in the
// order it likes.
#include "base/random.h"
#include "programs/serve/timeline.h"
#include "support/pool.h"

enum { TOUCHES_MAX = 4 };

typedef struct act {
    wr_step step; // first
    wr_touch touch[TOUCHES_MAX];
    int number;
} act;

static act *act_of(wr_step *step) { return (act *)(void *)step; }

static void touches(act *a, wr_thing *thing, bool writes) {
    CHECK(a->step.touches < TOUCHES_MAX);
    a->step.touch = a->touch;
    a->touch[a->step.touches++] = (wr_touch){.thing = thing, .writes = writes};
}

static void reads(act *a, wr_thing *thing) { touches(a, thing, false); }
static void writes(act *a, wr_thing *thing) { touches(a, thing, true); }

static void begins(wr_timeline *t, const act *a) {
    CHECK(wr_timeline_next(t) == &a->step);
    CHECK_EQ(a->step.state, WR_STEP_BEGUN);
}

static void nothing_begins(wr_timeline *t) {
    CHECK(wr_timeline_next(t) == NULL);
}

static void ends(wr_timeline *t, act *a) { wr_timeline_end(t, &a->step); }

// ---- who waits for whom ----------------------------------------------------

static void a_read_waits_for_the_write_before_it(void) {
    wr_timeline t;
    wr_thing x;
    act w = {.number = 0}, r = {.number = 1};
    wr_timeline_init(&t);
    wr_thing_init(&x);
    writes(&w, &x);
    reads(&r, &x);
    wr_timeline_add(&t, &w.step);
    wr_timeline_add(&t, &r.step);
    begins(&t, &w);
    nothing_begins(&t);
    ends(&t, &w);
    begins(&t, &r);
    ends(&t, &r);
    CHECK_EQ(t.count, 0);
    CHECK(wr_thing_idle(&x));
    CHECK(wr_timeline_first(&t) == NULL);
}

static void a_write_waits_for_all_reads_before_it(void) {
    wr_timeline t;
    wr_thing x;
    act r1 = {0}, r2 = {0}, w = {0}, r3 = {0};
    wr_timeline_init(&t);
    wr_thing_init(&x);
    reads(&r1, &x);
    reads(&r2, &x);
    writes(&w, &x);
    reads(&r3, &x);
    wr_timeline_add(&t, &r1.step);
    wr_timeline_add(&t, &r2.step);
    wr_timeline_add(&t, &w.step);
    wr_timeline_add(&t, &r3.step);
    begins(&t, &r1);
    begins(&t, &r2);
    nothing_begins(&t);
    ends(&t, &r2);
    nothing_begins(&t);
    ends(&t, &r1);
    begins(&t, &w);
    nothing_begins(&t); // r3 came after the write
    ends(&t, &w);
    begins(&t, &r3);
    ends(&t, &r3);
}

static void writes_go_one_after_the_other(void) {
    wr_timeline t;
    wr_thing x;
    act w[4];
    wr_timeline_init(&t);
    wr_thing_init(&x);
    for (int i = 0; i < 4; i++) {
        w[i] = (act){.number = i};
        writes(&w[i], &x);
        wr_timeline_add(&t, &w[i].step);
    }
    for (int i = 0; i < 4; i++) {
        begins(&t, &w[i]);
        nothing_begins(&t);
        ends(&t, &w[i]);
    }
}

static void what_touches_other_things_does_not_wait(void) {
    wr_timeline t;
    wr_thing x, y, z;
    act slow = {0}, fast = {0}, both = {0};
    wr_timeline_init(&t);
    wr_thing_init(&x);
    wr_thing_init(&y);
    wr_thing_init(&z);
    writes(&slow, &x);
    writes(&fast, &y);
    reads(&both, &x);
    reads(&both, &y);
    writes(&both, &z);
    wr_timeline_add(&t, &slow.step);
    wr_timeline_add(&t, &fast.step);
    wr_timeline_add(&t, &both.step);
    begins(&t, &slow);
    begins(&t, &fast);
    ends(&t, &fast);
    nothing_begins(&t); // half of what it needs
    ends(&t, &slow);
    begins(&t, &both);
    ends(&t, &both);
}

// H5: dispatch(g0 -> out0); read(out0); build(g1), and the build ends first.
// With one flag for "blocked" the read would see what was there before.
static void h5_a_build_that_ends_first_lets_no_read_past_its_dispatch(void) {
    wr_timeline t;
    wr_thing out0, g0, g1;
    act dispatch = {0}, read = {0}, build = {0};
    wr_timeline_init(&t);
    wr_thing_init(&out0);
    wr_thing_init(&g0);
    wr_thing_init(&g1);
    reads(&dispatch, &g0);
    writes(&dispatch, &out0);
    reads(&read, &out0);
    writes(&build, &g1);
    wr_timeline_add(&t, &dispatch.step);
    wr_timeline_add(&t, &read.step);
    wr_timeline_add(&t, &build.step);
    begins(&t, &dispatch);
    begins(&t, &build); // it waits for nobody
    ends(&t, &build);
    nothing_begins(&t);
    ends(&t, &dispatch);
    begins(&t, &read);
    ends(&t, &read);
}

static void a_dispatch_waits_for_its_own_graph_alone(void) {
    wr_timeline t;
    wr_thing g0, g1, a, b;
    act build0 = {0}, build1 = {0}, run0 = {0}, run1 = {0};
    wr_timeline_init(&t);
    wr_thing_init(&g0);
    wr_thing_init(&g1);
    wr_thing_init(&a);
    wr_thing_init(&b);
    writes(&build0, &g0);
    writes(&build1, &g1);
    reads(&run0, &g0);
    writes(&run0, &a);
    reads(&run1, &g1);
    writes(&run1, &b);
    wr_timeline_add(&t, &build0.step);
    wr_timeline_add(&t, &run0.step);
    wr_timeline_add(&t, &build1.step);
    wr_timeline_add(&t, &run1.step);
    begins(&t, &build0);
    begins(&t, &build1);
    ends(&t, &build1);
    begins(&t, &run1);
    nothing_begins(&t);
    ends(&t, &build0);
    begins(&t, &run0);
    ends(&t, &run0);
    ends(&t, &run1);
}

static void what_gets_ready_together_begins_in_order(void) {
    wr_timeline t;
    wr_thing x, y;
    act w = {0}, r[3] = {{.number = 0}}, other = {0};
    wr_timeline_init(&t);
    wr_thing_init(&x);
    wr_thing_init(&y);
    writes(&w, &x);
    wr_timeline_add(&t, &w.step);
    for (int i = 0; i < 3; i++) {
        reads(&r[i], &x);
        wr_timeline_add(&t, &r[i].step);
    }
    begins(&t, &w);
    writes(&other, &y);
    wr_timeline_add(&t, &other.step); // ready before those, added after
    ends(&t, &w);
    for (int i = 0; i < 3; i++)
        begins(&t, &r[i]);
    begins(&t, &other);
}

static void a_step_may_touch_nothing(void) {
    wr_timeline t;
    act a = {0};
    wr_timeline_init(&t);
    wr_timeline_add(&t, &a.step);
    begins(&t, &a);
    ends(&t, &a);
}

// ---- taking out ------------------------------------------------------------

static void what_is_taken_out_was_never_there(void) {
    wr_timeline t;
    wr_thing x;
    act r = {0}, w = {0}, r2 = {0};
    wr_timeline_init(&t);
    wr_thing_init(&x);
    reads(&r, &x);
    writes(&w, &x);
    reads(&r2, &x);
    wr_timeline_add(&t, &r.step);
    wr_timeline_add(&t, &w.step);
    wr_timeline_add(&t, &r2.step);
    begins(&t, &r);
    nothing_begins(&t);
    ends(&t, &w); // waiting: now the second read has only a read before it
    begins(&t, &r2);
    CHECK(wr_timeline_first(&t) == &r.step);
    ends(&t, &r);
    CHECK(wr_timeline_first(&t) == &r2.step);
    ends(&t, &r2);
    CHECK_EQ(t.count, 0);
}

static void a_ready_step_that_is_taken_out_does_not_begin(void) {
    wr_timeline t;
    wr_thing x;
    act w = {0}, w2 = {0};
    wr_timeline_init(&t);
    wr_thing_init(&x);
    writes(&w, &x);
    writes(&w2, &x);
    wr_timeline_add(&t, &w.step);
    wr_timeline_add(&t, &w2.step);
    ends(&t, &w);
    begins(&t, &w2);
    nothing_begins(&t);
    ends(&t, &w2);
}

static void a_step_may_be_added_again(void) {
    wr_timeline t;
    wr_thing x;
    act w = {0};
    wr_timeline_init(&t);
    wr_thing_init(&x);
    writes(&w, &x);
    for (int i = 0; i < 3; i++) {
        wr_timeline_add(&t, &w.step);
        begins(&t, &w);
        ends(&t, &w);
    }
    CHECK_EQ(t.added, 3);
}

// ---- any program -----------------------------------------------------------

// Steps as functions on numbers: what each reads when it begins, and writes
// when it ends, must be what it would be if they went one after the other.
enum { THINGS = 5, STEPS = 60, PROGRAMS = 2000 };

typedef struct program {
    wr_timeline timeline;
    wr_thing thing[THINGS];
    uint64_t value[THINGS]; // as they are
    uint64_t ought[THINGS]; // one after the other
    act step[STEPS];
    uint64_t saw[STEPS]; // what it computed from what it read
    uint64_t should[STEPS];
    bool changes[STEPS];
    int begun[STEPS]; // those under way
    int count;
} program;

static uint64_t mix(uint64_t a, uint64_t b) {
    a ^= b + 0x9e3779b97f4a7c15U + (a << 6) + (a >> 2);
    return a * 0xbf58476d1ce4e5b9U;
}

static uint64_t compute(const act *a, const program *p, const uint64_t *value) {
    uint64_t sum = (uint64_t)a->number + 1;
    for (int i = 0; i < a->step.touches; i++)
        if (!a->touch[i].writes)
            sum = mix(sum, value[a->touch[i].thing - p->thing]);
    return sum;
}

static void put(const act *a, const program *p, uint64_t *value, uint64_t sum) {
    for (int i = 0; i < a->step.touches; i++)
        if (a->touch[i].writes)
            value[a->touch[i].thing - p->thing] = mix(sum, (uint64_t)i);
}

static void begin_all(program *p) {
    for (wr_step *s; (s = wr_timeline_next(&p->timeline)) != NULL;) {
        act *a = act_of(s);
        p->saw[a->number] = compute(a, p, p->value);
        p->begun[p->count++] = a->number;
    }
}

static void end_one(program *p, uint64_t *random) {
    int which = (int)(wr_random_below(random, (uint32_t)p->count));
    act *a = &p->step[p->begun[which]];
    p->begun[which] = p->begun[--p->count];
    put(a, p, p->value, p->saw[a->number]);
    wr_timeline_end(&p->timeline, &a->step);
}

static void add_one(program *p, int i, uint64_t *random) {
    act *a = &p->step[i];
    *a = (act){.number = i};
    for (int t = 0; t < THINGS; t++) {
        uint32_t how = wr_random_below(random, 6);
        if (how < 3 && a->step.touches < TOUCHES_MAX)
            touches(a, &p->thing[t], how == 0);
    }
    p->should[i] = compute(a, p, p->ought);
    put(a, p, p->ought, p->should[i]);
    wr_timeline_add(&p->timeline, &a->step);
}

static void any_program_is_as_if_one_after_the_other(void) {
    static program p;
    for (uint64_t seed = 0; seed < PROGRAMS; seed++) {
        uint64_t random = seed;
        memset(&p, 0, sizeof(p));
        wr_timeline_init(&p.timeline);
        for (int t = 0; t < THINGS; t++)
            wr_thing_init(&p.thing[t]);
        for (int i = 0; i < STEPS; i++) {
            add_one(&p, i, &random);
            begin_all(&p);
            while (p.count > 0 && wr_random_below(&random, 3) == 0) {
                end_one(&p, &random);
                begin_all(&p);
            }
        }
        while (p.count > 0) {
            end_one(&p, &random);
            begin_all(&p);
        }
        CHECK_EQ(p.timeline.count, 0); // nobody waits for ever
        for (int i = 0; i < STEPS; i++)
            if (p.saw[i] != p.should[i])
                CHECK_FAIL("seed %llu, step %d", (unsigned long long)seed, i);
        CHECK_EQ(memcmp(p.value, p.ought, sizeof(p.value)), 0);
    }
}

// ---- broken rules ----------------------------------------------------------

static void add_twice(void) {
    wr_timeline t;
    act a = {0};
    wr_timeline_init(&t);
    wr_timeline_add(&t, &a.step);
    wr_timeline_add(&t, &a.step);
}

static void end_twice(void) {
    wr_timeline t;
    act a = {0};
    wr_timeline_init(&t);
    wr_timeline_add(&t, &a.step);
    wr_timeline_end(&t, &a.step);
    wr_timeline_end(&t, &a.step);
}

static void touch_twice(void) {
    wr_timeline t;
    wr_thing x;
    act a = {0};
    wr_timeline_init(&t);
    wr_thing_init(&x);
    reads(&a, &x);
    writes(&a, &x);
    wr_timeline_add(&t, &a.step);
}

static void broken_rules_abort(void) {
    check_aborts(add_twice, "a step is added once");
    check_aborts(end_twice, "a step that was added ends once");
    check_aborts(touch_twice, "a step touches a thing once");
}

#define CASE(name)                                                             \
    { #name, name }
static const test_case cases[] = {
    CASE(a_read_waits_for_the_write_before_it),
    CASE(a_write_waits_for_all_reads_before_it),
    CASE(writes_go_one_after_the_other),
    CASE(what_touches_other_things_does_not_wait),
    CASE(h5_a_build_that_ends_first_lets_no_read_past_its_dispatch),
    CASE(a_dispatch_waits_for_its_own_graph_alone),
    CASE(what_gets_ready_together_begins_in_order),
    CASE(a_step_may_touch_nothing),
    CASE(what_is_taken_out_was_never_there),
    CASE(a_ready_step_that_is_taken_out_does_not_begin),
    CASE(a_step_may_be_added_again),
    CASE(any_program_is_as_if_one_after_the_other),
    CASE(broken_rules_abort),
};

int main(int argc, char **argv) {
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
