// SPDX-License-Identifier: MIT
// A server for tests, on loopback, that answers each request by a function of
// the test: any bytes at all, in any pieces, held back until the test lets
// them go. One thread per connection; nothing here depends on time.
#ifndef TEST_DEPS_SCRIPTED_H
#define TEST_DEPS_SCRIPTED_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct scripted scripted;

typedef struct scripted_peer {
    scripted *server;
    pthread_t thread;
    int fd;
    bool gone;       // its thread has closed fd
    unsigned served; // requests before this one
    void *tls;       // an SSL *, or NULL
    char request[65536];
} scripted_peer;

enum { SCRIPTED_PEERS = 1024 };

struct scripted {
    // Answers a request, all of its header there. false: the connection ends.
    bool (*play)(scripted_peer *peer, const char *request);
    void *context;
    // TLS: greet makes peer->tls, and the others are what is used in place of
    // send and recv; see scripted_tls.h. All NULL: none.
    bool (*greet)(scripted_peer *peer);
    ssize_t (*take)(scripted_peer *peer, void *bytes, size_t size);
    ssize_t (*give)(scripted_peer *peer, const void *bytes, size_t size);
    void (*part)(scripted_peer *peer);
    void *secret;

    int port;
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    scripted_peer *peers[SCRIPTED_PEERS];
    unsigned accepted, requests, inside, inside_max;
    bool released, stopping;
};

void scripted_start(scripted *server);
void scripted_stop(scripted *server);

// In play. say sends text as printf does; all of them return true if it went.
bool scripted_send(scripted_peer *peer, const void *bytes, size_t size);
bool scripted_say(scripted_peer *peer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool scripted_pieces(scripted_peer *peer, const char *text); // byte by byte
bool scripted_reset(scripted_peer *peer);                    // returns false
// hold waits until the test calls release, for all, from then on.
void scripted_hold(scripted_peer *peer);
// The value of a header of the request, or "" ; copied.
const char *scripted_header(const char *request, const char *name, char *out,
                            size_t size);

void scripted_release(scripted *server);
// Waits until so many requests have come in all.
void scripted_await(scripted *server, unsigned requests);

#endif
