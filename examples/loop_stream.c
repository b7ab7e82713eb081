// SPDX-License-Identifier: MIT
// A stream of batches with at most four in flight: a batch is read from a
// socket, computed on all cores, and answered, in order, as the socket takes
// the answers. While four are in flight the socket is not read, so the buffers
// fill and the peer has to wait: that is all the flow control there is.
//
//   cc loop_stream.c $(pkg-config --cflags --libs weir)
//
// A batch is in flight from its first byte read to its last byte of answer
// sent. Batches end in any order; the ring of four slots puts them in order.
//
// Prints:
//   64 batches answered in order, 14457822 steps
//   at most 4 in flight
//   the peer had to wait
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir/loop.h>
#include <weir/parallel.h>

enum { BATCHES = 64, NUMBERS = 2048, IN_FLIGHT = 4 };

// What goes over the socket: a batch one way, its answer the other.
struct batch {
    uint32_t sequence, number[NUMBERS];
};
struct answer {
    uint32_t sequence, steps; // of all its numbers, as Collatz would walk
};

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

// ---- one batch -------------------------------------------------------------

struct slot {
    weir_call call; // first, so that a pointer to it points to the slot too
    struct batch batch;
    uint32_t steps[NUMBERS];
    struct answer answer;
    int ready;
    struct server *server;
};

static int walk(weir_worker *self, void *context, size_t from, size_t to) {
    struct slot *slot = context;
    (void)self;
    for (size_t i = from; i < to; i++) {
        slot->steps[i] = 0;
        for (uint64_t n = slot->batch.number[i]; n > 1; slot->steps[i]++)
            n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    }
    return 0;
}

static int compute(weir_worker *self, weir_call *call) {
    struct slot *slot = (struct slot *)call;
    int error = weir_parallel_for(self, 0, NUMBERS, walk, slot);
    slot->answer = (struct answer){slot->batch.sequence, 0};
    for (int i = 0; i < NUMBERS; i++)
        slot->answer.steps += slot->steps[i];
    return error;
}

static const weir_site computing = WEIR_SITE_INIT("compute a batch");

// ---- the server ------------------------------------------------------------

struct server {
    weir_pool *pool;
    weir_loop *loop;
    int socket, ended, failed; // ended: the peer has sent all it had
    uint32_t first, next;      // in flight: the slots from first on, and next
    size_t got, sent;          // bytes, of `next`'s batch and `first`'s answer
    struct slot slots[IN_FLIGHT];
};

static void computed(weir_call *call, int status) {
    struct slot *slot = (struct slot *)call;
    slot->server->failed |= status != 0;
    slot->ready = 1;
}

static int wants_to_read(const struct server *server) {
    return !server->ended && server->next - server->first < IN_FLIGHT;
}

static int wants_to_write(const struct server *server) {
    return server->first != server->next &&
           server->slots[server->first % IN_FLIGHT].ready;
}

// moved adds up what read and write return: 1: all of it is through, 0: not
// now, -1: the end, or an error.
static int moved(ssize_t bytes, size_t *so_far, size_t all) {
    if (bytes <= 0)
        return bytes < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    *so_far += (size_t)bytes;
    if (*so_far < all)
        return 0;
    *so_far = 0;
    return 1;
}

static void read_batch(struct server *server) {
    struct slot *slot = &server->slots[server->next % IN_FLIGHT];
    char *to = (char *)&slot->batch + server->got;
    size_t left = sizeof(slot->batch) - server->got;
    int now = moved(read(server->socket, to, left), &server->got,
                    sizeof(slot->batch));
    server->ended = now < 0;
    if (now < 1)
        return;
    slot->call = (weir_call)WEIR_CALL_INIT(compute, computed);
    slot->call.site = &computing;
    slot->ready = 0;
    slot->server = server;
    server->next++;
    server->failed |=
        weir_call_submit(server->loop, server->pool, &slot->call) != 0;
}

static void write_answer(struct server *server) {
    struct slot *slot = &server->slots[server->first % IN_FLIGHT];
    char *from = (char *)&slot->answer + server->sent;
    size_t left = sizeof(slot->answer) - server->sent;
    int now = moved(send(server->socket, from, left, MSG_NOSIGNAL),
                    &server->sent, sizeof(slot->answer));
    server->failed |= now < 0;
    if (now > 0)
        server->first++; // there is room for another batch
}

static void serve(struct server *server) {
    while (!server->failed &&
           (!server->ended || server->first != server->next)) {
        int more = weir_loop_drain_spin(server->loop) > 0;
        struct pollfd fds[] = {
            {.fd = weir_loop_fd(server->loop), .events = POLLIN},
            {.fd = server->socket},
        };
        if (wants_to_read(server))
            fds[1].events |= POLLIN;
        if (wants_to_write(server))
            fds[1].events |= POLLOUT;
        if (fds[1].events == 0)
            fds[1].fd = -1; // full: nothing the peer does matters now
        poll(fds, 2, more ? 0 : -1);
        if (fds[1].revents != 0 && wants_to_write(server))
            write_answer(server);
        if (fds[1].revents != 0 && wants_to_read(server))
            read_batch(server);
    }
}

// ---- the peer --------------------------------------------------------------

struct peer {
    int socket;
    uint32_t batches, answers; // sent, received
    size_t sent, got;          // bytes of the next ones
    struct answer answer;
    uint64_t steps;
    int waits, failed; // waits: times the socket took no more of a batch
};

static void peer_send(struct peer *peer) {
    struct batch batch = {.sequence = peer->batches};
    for (uint32_t i = 0; i < NUMBERS; i++)
        batch.number[i] = peer->batches * NUMBERS + i;
    char *from = (char *)&batch + peer->sent;
    ssize_t bytes =
        send(peer->socket, from, sizeof(batch) - peer->sent, MSG_NOSIGNAL);
    int now = moved(bytes, &peer->sent, sizeof(batch));
    peer->waits += now == 0;
    peer->failed |= now < 0;
    if (now > 0 && ++peer->batches == BATCHES)
        shutdown(peer->socket, SHUT_WR);
}

static void peer_receive(struct peer *peer) {
    char *to = (char *)&peer->answer + peer->got;
    ssize_t bytes = read(peer->socket, to, sizeof(peer->answer) - peer->got);
    int now = moved(bytes, &peer->got, sizeof(peer->answer));
    peer->failed |= now < 0;
    if (now > 0) {
        peer->failed |= peer->answer.sequence != peer->answers++;
        peer->steps += peer->answer.steps;
    }
}

static void *peer_main(void *argument) {
    struct peer *peer = argument;
    while (peer->answers < BATCHES && !peer->failed) {
        struct pollfd fd = {.fd = peer->socket, .events = POLLIN};
        if (peer->batches < BATCHES)
            fd.events |= POLLOUT;
        poll(&fd, 1, -1);
        if (fd.revents & (POLLIN | POLLHUP))
            peer_receive(peer);
        if (fd.revents & POLLOUT)
            peer_send(peer);
    }
    close(peer->socket);
    return NULL;
}

// ---- both ------------------------------------------------------------------

static int report(const struct server *server, const struct peer *peer) {
    weir_loop_counts counts = {.size = sizeof(counts)};
    weir_loop_count(server->loop, &counts);
    printf("%" PRIu32 " batches answered in order, %" PRIu64 " steps\n",
           peer->answers, peer->steps);
    printf("at most %" PRIu64 " in flight\n", counts.pending_max);
    printf("the peer %s\n", peer->waits > 0 ? "had to wait" : "never waited");
    fprintf(stderr, "it waited %d times\n", peer->waits);
    return server->failed || peer->failed;
}

int main(void) {
    static struct server server;
    struct peer peer = {.batches = 0};
    int ends[2], small = 4096;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
        return fail("socketpair");
    for (int i = 0; i < 2; i++) // so that little is under way unseen
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    server.socket = ends[0];
    peer.socket = ends[1];

    weir_pool_options two = WEIR_POOL_OPTIONS_INIT;
    two.threads = 2; // slower than the peer, on any machine
    int error = weir_pool_create(&server.pool, &two);
    if (error == 0)
        error = weir_loop_create(&server.loop, NULL);
    pthread_t thread;
    if (error == 0)
        error = -pthread_create(&thread, NULL, peer_main, &peer);
    if (error != 0) {
        fprintf(stderr, "%s\n", weir_strerror(error));
        return 1;
    }
    serve(&server);
    close(server.socket);
    pthread_join(thread, NULL);
    int status = report(&server, &peer);
    while (weir_loop_pending(server.loop) > 0 &&
           weir_loop_wait(server.loop, WEIR_FOREVER) == 0)
        weir_loop_drain(server.loop);
    weir_pool_destroy(server.pool);
    weir_loop_destroy(server.loop);
    return status;
}
