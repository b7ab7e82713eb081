// SPDX-License-Identifier: MIT
// A cache beside an event loop: many clients ask for tables that take long to
// make. Each table is made once, however many ask for it at the same moment;
// the loop waits for none of them and hears of each answer on its own thread.
//
//   cc cache_loop.c $(pkg-config --cflags --libs weir)
//
// A question is a get and a call in one struct. The get goes to the cache. Its
// done, on a worker, completes the call; the call's done is on the loop.
//
// Prints:
//   8 clients ask for one table, one of them leaves: 1 load
//   78498 primes below 1000000
//   asked again: 0 loads
//   made invalid and asked again: 1 load
//   2 clients ask for what cannot be made: bad argument
//   2 tables of 3 are kept in 16 MiB
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/cache.h>
#include <weir/loop.h>

// ---- what takes long -------------------------------------------------------

struct table {
    size_t below, primes;
    unsigned char composite[];
};

// The key is the number as text; 0: it is none.
static size_t number_of(const char *key, size_t size) {
    size_t number = 0;
    for (size_t i = 0; i < size; i++) {
        if (key[i] < '0' || key[i] > '9' || number > 100000000)
            return 0;
        number = number * 10 + (size_t)(key[i] - '0');
    }
    return number;
}

static int make_table(void *context, weir_worker *self, weir_flight *flight,
                      weir_result *result) {
    (void)context, (void)self;
    size_t size;
    const char *key = weir_flight_key(flight, &size);
    size_t below = number_of(key, size);
    if (below < 2)
        return -EINVAL; // all who wait for this flight are told
    struct table *table = calloc(1, sizeof(*table) + below);
    if (table == NULL)
        return -ENOMEM;
    table->below = below;
    for (size_t n = 2; n < below; n++) {
        if (table->composite[n])
            continue;
        table->primes++;
        for (size_t k = 2 * n; k < below; k += n)
            table->composite[k] = 1;
        int why = n < 5000 ? weir_flight_cancelled(flight) : 0;
        if (why != 0) { // nobody waits any more
            free(table);
            return why;
        }
    }
    result->value = table;
    result->weight = sizeof(*table) + below;
    return 0;
}

static void free_table(void *context, void *value) {
    (void)context;
    free(value);
}

// ---- a question ------------------------------------------------------------

struct question {
    weir_call call; // first, so that a pointer to it points to all of it
    weir_get get;
    int *open; // questions that are not answered
    size_t primes;
    int status;
};

static const weir_site asking = WEIR_SITE_INIT("ask for a table");

// On the loop's thread, like every callback of the program.
static void answered(weir_call *call, int status) {
    struct question *question = (struct question *)call;
    question->status = status;
    if (status == 0) {
        const struct table *table = weir_entry_value(question->get.entry);
        question->primes = table->primes;
    }
    weir_entry_release(question->get.entry);
    --*question->open;
}

// On a worker. From here on the question is the loop's.
static void known(weir_get *get, int status) {
    struct question *question =
        (void *)((char *)get - offsetof(struct question, get));
    weir_call_complete(&question->call, status);
}

static int ask(weir_loop *loop, weir_cache *cache, struct question *question,
               const char *key) {
    question->get = (weir_get)WEIR_GET_INIT(key, strlen(key), known);
    question->call = (weir_call)WEIR_CALL_INIT(NULL, answered);
    question->call.site = &asking;
    int error = weir_call_expect(loop, &question->call); // before the get
    if (error != 0)
        return error;
    error = weir_cache_get(cache, &question->get);
    if (error == WEIR_CACHE_PENDING)
        return 0;
    // Known at once, or refused: the answer takes the same way all the same.
    int status = error != 0 ? error : question->get.status;
    weir_call_complete(&question->call, status);
    return 0;
}

// The client has left. It may be too late: then the answer is on its way.
static void leave(weir_cache *cache, struct question *question) {
    (void)weir_get_cancel(cache, &question->get);
}

// ---- the loop --------------------------------------------------------------

enum { CLIENTS = 8 };

static int failed;

static void run_loop(weir_loop *loop, const int *open) {
    struct pollfd mail = {.fd = weir_loop_fd(loop), .events = POLLIN};
    while (*open > 0 && weir_loop_drain_spin(loop) >= 0)
        poll(&mail, 1, *open > 0 ? 1 : 0); // ms; here: everything else
}

// So many clients ask for `key`; one leaves if there are many. Returns how many
// loads that took, and in *last the last one's question.
static unsigned long long round_of(weir_loop *loop, weir_cache *cache,
                                   const char *key, int clients,
                                   struct question *last) {
    static struct question questions[CLIENTS]; // lent until answered
    weir_cache_counts before = {.size = sizeof(before)}, after = before;
    int open = 0, served = 0;
    failed |= weir_cache_count(cache, &before) != 0;
    for (int i = 0; i < clients; i++) {
        questions[i] = (struct question){.open = &open};
        open++;
        if (ask(loop, cache, &questions[i], key) != 0) {
            failed = 1;
            open--;
        }
    }
    if (clients == CLIENTS)
        leave(cache, &questions[0]);
    run_loop(loop, &open);
    *last = questions[clients - 1];
    for (int i = 0; i < clients; i++)
        served += questions[i].status == last->status;
    failed |= served < clients - (clients == CLIENTS);
    failed |= weir_cache_count(cache, &after) != 0;
    return (unsigned long long)(after.flights - before.flights);
}

static void run(weir_loop *loop, weir_cache *cache) {
    struct question last;
    unsigned long long loads = round_of(loop, cache, "1000000", CLIENTS, &last);
    printf("8 clients ask for one table, one of them leaves: %llu load\n",
           loads);
    printf("%zu primes below 1000000\n", last.primes);
    loads = round_of(loop, cache, "1000000", 2, &last);
    printf("asked again: %llu loads\n", loads);
    failed |= weir_cache_invalidate(cache, "1000000", 7) != 0;
    loads = round_of(loop, cache, "1000000", 2, &last);
    printf("made invalid and asked again: %llu load\n", loads);
    (void)round_of(loop, cache, "a million", 2, &last);
    printf("2 clients ask for what cannot be made: %s\n",
           weir_strerror(last.status));

    // Room for two of these: what was not used of late goes first.
    (void)round_of(loop, cache, "7000000", 1, &last);
    (void)round_of(loop, cache, "9000000", 1, &last);
    weir_cache_counts counts = {.size = sizeof(counts)};
    failed |= weir_cache_count(cache, &counts) != 0;
    printf("%llu tables of 3 are kept in 16 MiB\n",
           (unsigned long long)counts.entries);
}

int main(void) {
    weir_pool *pool = NULL;
    weir_loop *loop = NULL;
    weir_cache *cache = NULL;
    int error = weir_pool_create(&pool, NULL);
    if (error == 0)
        error = weir_loop_create(&loop, NULL);
    if (error == 0) {
        weir_cache_options options = WEIR_CACHE_OPTIONS_INIT;
        options.pool = pool;
        options.name = "tables";
        options.load = make_table;
        options.release = free_table;
        options.capacity = (size_t)16 << 20; // bytes, by the weights
        options.cancel_unwanted = 1; // nobody waits any more: stop the load
        error = weir_cache_create(&cache, &options);
    }
    if (error == 0)
        run(loop, cache);
    else
        fprintf(stderr, "%s\n", weir_strerror(error));

    while (weir_loop_pending(loop) > 0 &&
           weir_loop_wait(loop, WEIR_FOREVER) == 0)
        weir_loop_drain(loop);
    weir_cache_destroy(cache); // before its pool
    weir_pool_destroy(pool);
    weir_loop_destroy(loop);
    return error != 0 || failed;
}
