// SPDX-License-Identifier: MIT
// What a service does beside its loop: the concurrent patterns of D1, and the
// bounded stream of D2. examples/loop_scopes.c and examples/loop_stream.c show
// the same as programs; here it is forced, with gates.
#include "support/uv.h"
#include "weir/parallel.h"

#include <sys/socket.h>

// ---- D1: plain, scope, loop and join at the same time ----------------------

enum { PATTERNS = 4, RANGE = 1000 };

typedef struct pattern {
    errand errand;
    gate *door; // all four are there at once, and the loop opens it
    uint64_t sum;
} pattern;

static int plain_run(weir_worker *self, weir_call *call) {
    pattern *p = (pattern *)call;
    (void)self;
    gate_pass(p->door);
    for (uint64_t i = 0; i < RANGE; i++)
        p->sum += i;
    return 0;
}

typedef struct child {
    weir_job job;
    pattern *pattern;
    uint64_t value;
    int ran;
} child;

static int child_run(weir_worker *self, weir_job *job) {
    child *c = (child *)job;
    (void)self;
    if (c->value == 0)
        gate_pass(c->pattern->door);
    c->ran = 1;
    return 0;
}

static int scope_run(weir_worker *self, weir_call *call) {
    pattern *p = (pattern *)call;
    static child children[RANGE];
    weir_scope scope;
    CHECK_EQ(weir_scope_begin(self, &scope, NULL), 0);
    for (uint64_t i = 0; i < RANGE; i++) {
        children[i] = (child){WEIR_JOB_INIT(child_run, NULL), p, i, 0};
        weir_scope_spawn(self, &scope, &children[i].job);
    }
    int error = weir_scope_wait(self, &scope);
    for (uint64_t i = 0; i < RANGE; i++)
        p->sum += children[i].ran ? i : 0;
    return error;
}

static uint64_t loop_values[RANGE];

static int loop_body(weir_worker *self, void *context, size_t from, size_t to) {
    pattern *p = context;
    (void)self;
    if (from == 0)
        gate_pass(p->door);
    for (size_t i = from; i < to; i++)
        loop_values[i] = i;
    return 0;
}

static int loop_run(weir_worker *self, weir_call *call) {
    pattern *p = (pattern *)call;
    int error = weir_parallel_for(self, 0, RANGE, loop_body, p);
    for (size_t i = 0; i < RANGE; i++)
        p->sum += loop_values[i];
    return error;
}

typedef struct half {
    weir_fork fork;
    pattern *pattern;
    uint64_t from, to, sum;
} half;

static void half_run(weir_worker *self, weir_fork *fork) {
    half *h = (half *)fork;
    if (h->to - h->from == 1) {
        if (h->from == 0)
            gate_pass(h->pattern->door);
        h->sum = h->from;
        return;
    }
    uint64_t middle = h->from + (h->to - h->from) / 2;
    half left = {.pattern = h->pattern, .from = h->from, .to = middle};
    half right = {.pattern = h->pattern, .from = middle, .to = h->to};
    weir_fork_begin(self, &right.fork, half_run);
    half_run(self, &left.fork);
    weir_fork_join(self, &right.fork, half_run);
    h->sum = left.sum + right.sum;
}

static int join_run(weir_worker *self, weir_call *call) {
    pattern *p = (pattern *)call;
    half all = {.pattern = p, .from = 0, .to = RANGE};
    half_run(self, &all.fork);
    p->sum = all.sum;
    return 0;
}

// The loop's timer: opens the door once all four stand there.
typedef struct porter {
    uv_timer_t timer;
    gate door;
} porter;

static void porter_tick(uv_timer_t *timer) {
    porter *p = (porter *)timer;
    pthread_mutex_lock(&p->door.mutex);
    unsigned arrived = p->door.arrived;
    pthread_mutex_unlock(&p->door.mutex);
    if (arrived < PATTERNS)
        return;
    uv_close((uv_handle_t *)timer, NULL);
    gate_open(&p->door);
}

static void d1_four_patterns_run_on_one_pool_at_the_same_time(void) {
    static int (*const runs[PATTERNS])(weir_worker *, weir_call *) = {
        plain_run, scope_run, loop_run, join_run};
    bench b;
    bench_open(&b, PATTERNS);
    porter at_door;
    gate_init(&at_door.door);
    uv_timer_init(&b.uv, &at_door.timer);
    uv_timer_start(&at_door.timer, porter_tick, 1, 1);
    static pattern patterns[PATTERNS];
    for (int i = 0; i < PATTERNS; i++) {
        patterns[i] = (pattern){errand_of(0), &at_door.door, 0};
        patterns[i].errand.call.run = runs[i];
        bench_call(&b, &patterns[i].errand);
    }
    bench_run(&b);
    for (int i = 0; i < PATTERNS; i++) {
        CHECK_EQ(patterns[i].errand.ended, 1);
        CHECK_EQ(patterns[i].errand.status, 0);
        CHECK_EQ(patterns[i].sum, RANGE * (RANGE - 1) / 2);
    }
    gate_fini(&at_door.door);
    bench_close(&b);
}

// ---- D2: at most four batches in flight ------------------------------------

enum { IN_FLIGHT = 4, BATCHES = 200, NUMBERS = 256 };

typedef struct batch {
    uint32_t sequence, number[NUMBERS];
} batch;

typedef struct slot {
    weir_call call;
    struct server *server;
    batch batch;
    uint32_t answer[2]; // sequence, sum of the numbers plus one
    int ready;
} slot;

typedef struct server {
    bench bench;
    gate door;
    uv_poll_t poll;
    int fd, in_flight_max;
    uint32_t first, next;
    size_t got, sent, bytes_read;
    slot slots[IN_FLIGHT];
} server;

static int increment(weir_worker *self, void *context, size_t from, size_t to) {
    uint32_t *number = context;
    (void)self;
    for (size_t i = from; i < to; i++)
        number[i]++;
    return 0;
}

static int slot_run(weir_worker *self, weir_call *call) {
    slot *s = (slot *)call;
    gate_pass(&s->server->door);
    CHECK_EQ(weir_parallel_for(self, 0, NUMBERS, increment, s->batch.number),
             0);
    s->answer[0] = s->batch.sequence;
    s->answer[1] = 0;
    for (int i = 0; i < NUMBERS; i++)
        s->answer[1] += s->batch.number[i];
    return 0;
}

static void server_poll(uv_poll_t *poll, int status, int events);

// server_watch: wants to read unless it is full, to write if it is the turn of
// an answer that is there.
static void server_watch(server *s) {
    int events = 0;
    if (s->next - s->first < IN_FLIGHT)
        events |= UV_READABLE;
    if (s->first != s->next && s->slots[s->first % IN_FLIGHT].ready)
        events |= UV_WRITABLE;
    if (events == 0)
        uv_poll_stop(&s->poll);
    else
        uv_poll_start(&s->poll, events, server_poll);
}

static void slot_done(weir_call *call, int status) {
    slot *s = (slot *)call;
    CHECK_EQ(status, 0);
    s->ready = 1;
    server_watch(s->server);
}

static void server_read(server *s) {
    slot *to = &s->slots[s->next % IN_FLIGHT];
    ssize_t n =
        read(s->fd, (char *)&to->batch + s->got, sizeof(to->batch) - s->got);
    CHECK(n > 0);
    s->bytes_read += (size_t)n;
    s->got += (size_t)n;
    if (s->got < sizeof(to->batch))
        return;
    s->got = 0;
    to->call = (weir_call)WEIR_CALL_INIT(slot_run, slot_done);
    to->server = s;
    to->ready = 0;
    s->next++;
    int in_flight = (int)(s->next - s->first);
    if (in_flight > s->in_flight_max)
        s->in_flight_max = in_flight;
    CHECK_EQ(weir_call_submit(s->bench.loop, s->bench.pool, &to->call), 0);
}

static void server_write(server *s) {
    slot *from = &s->slots[s->first % IN_FLIGHT];
    ssize_t n = write(s->fd, (char *)from->answer + s->sent,
                      sizeof(from->answer) - s->sent);
    CHECK(n > 0);
    s->sent += (size_t)n;
    if (s->sent < sizeof(from->answer))
        return;
    s->sent = 0;
    s->first++;
}

static void server_poll(uv_poll_t *poll, int status, int events) {
    server *s = poll->data;
    CHECK_EQ(status, 0);
    if (events & UV_WRITABLE)
        server_write(s);
    if (events & UV_READABLE)
        server_read(s);
    server_watch(s);
}

static void server_open(server *s, int fd) {
    bench_open(&s->bench, 2);
    gate_init(&s->door);
    s->fd = fd;
    CHECK_EQ(uv_poll_init(&s->bench.uv, &s->poll, fd), 0);
    s->poll.data = s;
    server_watch(s);
}

// The peer, on the same thread: sends what the socket takes, never waits.
typedef struct peer {
    int fd;
    uint32_t batches, answers;
    size_t sent, got, bytes_sent;
    uint32_t answer[2];
} peer;

static void peer_send(peer *p) {
    while (p->batches < BATCHES) {
        batch next = {.sequence = p->batches};
        for (uint32_t i = 0; i < NUMBERS; i++)
            next.number[i] = p->batches + i;
        ssize_t n =
            write(p->fd, (char *)&next + p->sent, sizeof(next) - p->sent);
        if (n < 0) {
            CHECK_EQ(errno, EAGAIN);
            return; // it has to wait
        }
        p->bytes_sent += (size_t)n;
        p->sent += (size_t)n;
        if (p->sent == sizeof(next)) {
            p->sent = 0;
            p->batches++;
        }
    }
}

static void peer_receive(peer *p) {
    ssize_t n = 1;
    while (p->answers < BATCHES && n > 0) {
        n = read(p->fd, (char *)p->answer + p->got, sizeof(p->answer) - p->got);
        CHECK(n > 0 || (n < 0 && errno == EAGAIN));
        p->got += n > 0 ? (size_t)n : 0;
        if (p->got < sizeof(p->answer))
            continue;
        p->got = 0;
        CHECK_EQ(p->answer[0], p->answers); // in order
        CHECK_EQ(p->answer[1],
                 NUMBERS * (p->answers + 1) + NUMBERS * (NUMBERS - 1) / 2);
        p->answers++;
    }
}

// round_once: a round in which the peer sends and the server may read.
static void round_once(server *s, peer *p) {
    peer_send(p);
    CHECK(uv_run(&s->bench.uv, UV_RUN_NOWAIT) != 0);
}

static void d2_a_full_stream_leaves_its_socket_unread(void) {
    static server s;
    int ends[2], small = 4096;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    for (int i = 0; i < 2; i++)
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    server_open(&s, ends[0]);
    peer p = {.fd = ends[1]};

    // The workers are held: four batches are read, then nothing.
    while (s.next < IN_FLIGHT)
        round_once(&s, &p);
    round_once(&s, &p);
    size_t sent = p.bytes_sent;
    CHECK(sent > IN_FLIGHT * sizeof(batch)); // the buffers are full, too
    for (int i = 0; i < 100; i++)
        round_once(&s, &p);
    CHECK_EQ(s.bytes_read, IN_FLIGHT * sizeof(batch));
    CHECK_EQ(p.bytes_sent, sent);
    CHECK(p.batches < BATCHES);

    gate_open(&s.door);
    while (p.answers < BATCHES) {
        peer_send(&p);
        CHECK(uv_run(&s.bench.uv, UV_RUN_NOWAIT) != 0);
        peer_receive(&p);
    }
    CHECK_EQ(s.in_flight_max, IN_FLIGHT);
    CHECK_EQ(loop_counts_of(s.bench.loop).pending_max, IN_FLIGHT);
    uv_close((uv_handle_t *)&s.poll, NULL);
    bench_run(&s.bench);
    close(ends[0]);
    close(ends[1]);
    gate_fini(&s.door);
    bench_close(&s.bench);
}

int main(int argc, char **argv) {
    static const test_case cases[] = {
        {"d1_four_patterns_run_on_one_pool_at_the_same_time",
         d1_four_patterns_run_on_one_pool_at_the_same_time},
        {"d2_a_full_stream_leaves_its_socket_unread",
         d2_a_full_stream_leaves_its_socket_unread},
    };
    return test_main(argc, argv, cases, TEST_COUNT(cases));
}
