// SPDX-License-Identifier: MIT
// Hooks: what a submitter carries along, to the run and back to done.
#include "support/loop.h"

// ---- one call at a time: the story -----------------------------------------

static struct {
    char said[64];
    size_t length;
    pthread_t home;
    int value;
} story;

static void say(char what) {
    CHECK(story.length < sizeof(story.said) - 1);
    story.said[story.length++] = what;
}

static void check_story(const char *expected) {
    story.said[story.length] = 0;
    CHECK_STR(story.said, expected);
    story.length = 0;
}

static void *told_capture(void *context) {
    CHECK(context == &story);
    say('c');
    return &story.value;
}

static void told_enter(void *context, void *captured) {
    CHECK(context == &story && captured == &story.value);
    say('e');
}

static void told_leave(void *context, void *captured) {
    CHECK(context == &story && captured == &story.value);
    say('l');
}

static void told_release(void *context, void *captured) {
    CHECK(context == &story && captured == &story.value);
    CHECK(pthread_equal(story.home, pthread_self()));
    say('x');
}

static weir_loop *loop_told(void) {
    weir_loop_hooks hooks = {.size = sizeof(hooks),
                             .context = &story,
                             .capture = told_capture,
                             .enter = told_enter,
                             .leave = told_leave,
                             .release = told_release};
    weir_loop_options options = loop_options();
    options.hooks = &hooks; // copied
    story.length = 0;
    story.home = pthread_self();
    weir_loop *loop = loop_open_with(&options);
    memset(&hooks, 0xff, sizeof(hooks));
    return loop;
}

typedef struct told {
    weir_call call; // first
    weir_pool *pool;
    weir_lane *lane;
} told;

static int told_run(weir_worker *self, weir_call *call) {
    (void)self;
    (void)call;
    say('r');
    return 0;
}

static int told_first(weir_worker *self, weir_call *call) {
    (void)self;
    told *t = (told *)call;
    say('f');
    weir_call_continue(call, t->lane == NULL ? t->pool : NULL, t->lane,
                       told_run);
    return 0;
}

static void told_done(weir_call *call, int status) {
    (void)call;
    say(status == 0 ? 'd' : 'n');
}

static told told_call(void) {
    return (told){.call = WEIR_CALL_INIT(told_run, told_done)};
}

static void story_of(weir_pool *pool) {
    weir_loop *loop = loop_told();
    told t = told_call();
    CHECK_EQ(weir_call_submit(loop, pool, &t.call), 0);
    settle(loop, pool);
    check_story("cerledlx");

    held_all h;
    hold_all(pool, &h);
    CHECK_EQ(weir_call_submit(loop, pool, &t.call), 0);
    CHECK_EQ(weir_call_cancel(&t.call), 0);
    CHECK_EQ(drain(loop), 1);
    check_story("cenlx"); // around done alone
    release_all(pool, &h);

    t.pool = pool;
    t.call.run = told_first;
    CHECK_EQ(weir_call_submit(loop, pool, &t.call), 0);
    settle(loop, pool);
    check_story("ceflerledlx"); // around each stage

    t = told_call();
    CHECK_EQ(weir_call_expect(loop, &t.call), 0);
    weir_call_complete(&t.call, 0);
    CHECK_EQ(drain(loop), 1);
    check_story("cedlx");

    static const weir_site here =
        WEIR_SITE_INIT_MODE("inline", WEIR_SITE_INLINE);
    t.call.site = &here;
    CHECK_EQ(weir_call_submit(loop, pool, &t.call), 0);
    check_story("cerl");
    CHECK_EQ(drain(loop), 1);
    check_story("edlx");
    loop_close(loop);
}

static void hooks_surround_each_run_and_done(void) { on_each_pool(story_of); }

static void story_in_lane(weir_pool *pool) {
    weir_loop *loop = loop_told();
    weir_lane *lane = lane_of(1);
    told t = told_call();
    CHECK_EQ(weir_call_submit_lane(loop, lane, &t.call), 0);
    settle(loop, NULL);
    check_story("cerledlx");
    t.lane = lane;
    t.call.run = told_first;
    CHECK_EQ(weir_call_submit(loop, pool, &t.call), 0);
    settle(loop, NULL);
    check_story("ceflerledlx");
    loop_close(loop);
    lane_close(lane);
}

static void hooks_go_to_lanes_too(void) { for_each_width(story_in_lane); }

// Either not captured, or given back.
static void check_nothing_kept(int calls) {
    story.said[story.length] = 0;
    int captured = 0, released = 0;
    for (size_t i = 0; i < story.length; i++) {
        CHECK(story.said[i] == 'c' || story.said[i] == 'x');
        captured += story.said[i] == 'c';
        released += story.said[i] == 'x';
    }
    CHECK_EQ(captured, released);
    CHECK(captured <= calls);
    story.length = 0;
}

static void refused(weir_pool *pool) {
    weir_loop *loop = loop_told();
    weir_lane *lane = lane_of(1);
    CHECK_EQ(weir_lane_stop(lane, WEIR_STOP_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_pool_stop(pool, WEIR_STOP_DRAIN, WEIR_FOREVER, NULL), 0);
    told t[3] = {told_call(), told_call(), told_call()};
    weir_call *calls[] = {&t[0].call, &t[1].call, &t[2].call};
    CHECK_EQ(weir_call_submit(loop, pool, &t[0].call), -ESHUTDOWN);
    check_nothing_kept(1);
    CHECK_EQ(weir_call_try_submit(loop, pool, &t[0].call), -ESHUTDOWN);
    check_nothing_kept(1);
    CHECK_EQ(weir_call_submit_batch(loop, pool, calls, 3), -ESHUTDOWN);
    check_nothing_kept(3);
    CHECK_EQ(weir_call_submit_lane(loop, lane, &t[0].call), -ESHUTDOWN);
    check_nothing_kept(1);
    CHECK_EQ(weir_loop_close(loop, WEIR_STOP_DRAIN, NULL, NULL), 0);
    drain(loop);
    CHECK_EQ(weir_call_expect(loop, &t[0].call), -ESHUTDOWN);
    CHECK_EQ(weir_call_submit(loop, pool, &t[0].call), -ESHUTDOWN);
    check_nothing_kept(2);
    loop_close(loop);
    lane_close(lane);
}

static void what_was_captured_for_a_refused_call_is_released(void) {
    on_each_pool(refused);
}

static void without_done_it_is_released_all_the_same(void) {
    weir_loop *loop = loop_told();
    weir_pool *pool = pool_of(1);
    told t = told_call();
    t.call.done = NULL;
    CHECK_EQ(weir_call_submit(loop, pool, &t.call), 0);
    settle(loop, pool);
    story.said[story.length] = 0;
    CHECK(strcmp(story.said, "cerlx") == 0 ||
          strcmp(story.said, "cerlelx") == 0);
    loop_close(loop);
    pool_close(pool);
}

// ---- many calls, many threads: a context travels ---------------------------

// What a thread carries, like a trace id.
static _Thread_local int carried;

typedef struct luggage {
    int value;
    int inside;
    int before; // what the thread carried
} luggage;

static tally captures, releases;

static void *pack(void *context) {
    (void)context;
    luggage *l = calloc(1, sizeof(*l));
    CHECK(l != NULL);
    l->value = carried;
    tally_add(&captures);
    return l;
}

static void put_on(void *context, void *captured) {
    (void)context;
    luggage *l = captured;
    CHECK_EQ(l->inside++, 0);
    l->before = carried;
    carried = l->value;
}

static void put_off(void *context, void *captured) {
    (void)context;
    luggage *l = captured;
    CHECK_EQ(--l->inside, 0);
    carried = l->before;
}

static void unpack(void *context, void *captured) {
    (void)context;
    luggage *l = captured;
    CHECK_EQ(l->inside, 0);
    tally_add(&releases);
    free(l); // a second time is seen by AddressSanitizer
}

typedef struct traveller {
    errand errand; // first
    int value;     // that its submitter carried
    weir_pool *pool;
} traveller;

static int second_leg(weir_worker *self, weir_call *call) {
    (void)self;
    CHECK_EQ(carried, ((traveller *)call)->value);
    return 0;
}

static int first_leg(weir_worker *self, weir_call *call) {
    traveller *t = (traveller *)call;
    CHECK_EQ(carried, t->value);
    if (t->value % 3 == 0)
        weir_call_continue(call, t->pool, NULL, second_leg);
    return errand_run(self, call);
}

static void home_again(weir_call *call, int status) {
    CHECK_EQ(carried, ((traveller *)call)->value);
    errand_done(call, status);
    CHECK_EQ(carried, ((traveller *)call)->value);
}

typedef struct agency {
    weir_loop *loop;
    weir_pool *pool;
    int first;
    traveller t[100];
} agency;

static void *agency_main(void *arg) {
    agency *a = arg;
    for (int i = 0; i < 100; i++) {
        carried = a->t[i].value = a->first + i;
        CHECK_EQ(weir_call_submit(a->loop, a->pool, &a->t[i].errand.call), 0);
    }
    return NULL;
}

static weir_loop *loop_travelling(void) {
    weir_loop_hooks hooks = {.size = sizeof(hooks),
                             .capture = pack,
                             .enter = put_on,
                             .leave = put_off,
                             .release = unpack};
    weir_loop_options options = loop_options();
    options.hooks = &hooks;
    tally_init(&captures);
    tally_init(&releases);
    carried = 0;
    return loop_open_with(&options);
}

static void agency_init(agency *a, weir_loop *loop, weir_pool *pool,
                        int first) {
    a->loop = loop;
    a->pool = pool;
    a->first = first;
    for (int i = 0; i < 100; i++) {
        a->t[i] = (traveller){.errand = errand_of(0), .pool = pool};
        a->t[i].errand.call.run = first_leg;
        a->t[i].errand.call.done = home_again;
    }
}

static void travel(weir_pool *pool) {
    weir_loop *loop = loop_travelling();
    static agency a[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        agency_init(&a[i], loop, pool, 1000 * i);
        threads[i] = thread_start(agency_main, &a[i]);
    }
    while (loop_counts_of(loop).done < 400)
        turn(loop, pool);
    for (int i = 0; i < 4; i++)
        thread_join(threads[i]);
    CHECK_EQ(tally_get(&captures), 400);
    CHECK_EQ(tally_get(&releases), 400);
    CHECK_EQ(carried, 0);
    loop_close(loop);
}

static void context_travels_from_the_submitter_to_run_and_done(void) {
    for_each_width(travel);
}

static void travel_seeded(weir_pool *pool) {
    weir_loop *loop = loop_travelling();
    static agency a;
    agency_init(&a, loop, pool, 1);
    agency_main(&a);
    for (int i = 0; i < 100; i += 7)
        (void)weir_call_cancel(&a.t[i].errand.call);
    carried = 0;
    closing c = closing_of(loop);
    for (int i = 0; i < 30; i++) {
        (void)weir_pool_step(pool);
        drain(loop);
    }
    close_begin(&c, WEIR_STOP_CANCEL);
    close_settle(&c, pool);
    CHECK_EQ(tally_get(&captures), 100);
    CHECK_EQ(tally_get(&releases), 100);
    CHECK_EQ(carried, 0);
    loop_close(loop);
}

static void each_capture_is_released_once_in_every_outcome(void) {
    on_each_pool(travel_seeded);
}

// ---- options ---------------------------------------------------------------

static void each_may_be_left_out(void) {
    weir_loop_hooks hooks = {.size = sizeof(hooks)};
    weir_loop_options options = loop_options();
    options.hooks = &hooks;
    weir_loop *loop = loop_open_with(&options);
    weir_pool *pool = pool_of(1);
    errand e = errand_of(1);
    call_on(loop, pool, &e);
    settle(loop, pool);
    check_call_ran(&e, 1);
    loop_close(loop);
    pool_close(pool);
}

static void hooks_have_a_size(void) {
    weir_loop_hooks hooks = {.size = sizeof(size_t) - 1};
    weir_loop_options options = loop_options();
    options.hooks = &hooks;
    weir_loop *loop = NULL;
    CHECK_EQ(weir_loop_create(&loop, &options), -EINVAL);
    struct {
        weir_loop_hooks known;
        size_t from_the_future;
    } newer = {.known = {.size = sizeof(newer)}, .from_the_future = 1};
    options.hooks = &newer.known;
    CHECK_EQ(weir_loop_create(&loop, &options), -E2BIG);
    CHECK(loop == NULL);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"hooks_surround_each_run_and_done", hooks_surround_each_run_and_done},
        {"hooks_go_to_lanes_too", hooks_go_to_lanes_too},
        {"what_was_captured_for_a_refused_call_is_released",
         what_was_captured_for_a_refused_call_is_released},
        {"without_done_it_is_released_all_the_same",
         without_done_it_is_released_all_the_same},
        {"context_travels_from_the_submitter_to_run_and_done",
         context_travels_from_the_submitter_to_run_and_done},
        {"each_capture_is_released_once_in_every_outcome",
         each_capture_is_released_once_in_every_outcome},
        {"each_may_be_left_out", each_may_be_left_out},
        {"hooks_have_a_size", hooks_have_a_size},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
