// SPDX-License-Identifier: MIT
// The child that is there before it is counted.
//
//   count_after_push naive   four workers, items that add items, a count of
//                            those added and one of those done: all workers
//                            but one leave while there is work for each
//   count_after_push weir    the same with a frontier: each stays to the end
//
// Who finds the queue empty and as many items done as were added must have seen
// the end: that is how they know when to leave. But an item that adds another
// first pushes it, then counts it. In between the other is taken, done and
// counted as done; now the two counts are equal, although the one that added it
// has not ended and goes on adding. Nothing is lost, for whoever adds takes
// what it added. Nothing fails. There are no other workers any more: the work
// takes four times as long, and no test sees that. Here the pusher stays in
// between until all who could leave have left, which a preempted thread might
// as well.
#include <weir/frontier.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

// The work: item 0 adds FIRST and, when that is done, the others. Those take
// time: each waits for the others to be under way too, as long as there are
// workers that could take them.
enum { ROOT, FIRST, OTHERS, ITEMS = OTHERS + WORKERS };

static int at_once, at_once_max; // of the others

// ---- naive -----------------------------------------------------------------

static int queue[ITEMS], queue_end, queue_taken;
static int added, done; // the counts
static int left;        // workers that have left

static void push(int item) {
    queue[queue_end++] = item;
    pthread_cond_broadcast(&changed);
}

// All of this is called with the lock held; it is not a lock that is missing.
static void visit_root(void) {
    push(FIRST);
    // Here: it is in the queue and not counted. Any thread can be stopped here
    // for as long as this one is: until FIRST is done and has been counted, and
    // all who believe their eyes have left.
    while (left < WORKERS - 1)
        pthread_cond_wait(&changed, &lock);
    added++;
    for (int i = OTHERS; i < ITEMS; i++) {
        push(i);
        added++;
    }
}

static void visit_other(void) {
    at_once++;
    at_once_max = at_once > at_once_max ? at_once : at_once_max;
    pthread_cond_broadcast(&changed);
    while (at_once_max < WORKERS - left)
        pthread_cond_wait(&changed, &lock);
    at_once--;
}

static void *work(void *unused) {
    pthread_mutex_lock(&lock);
    for (;;) {
        if (queue_taken == queue_end) {
            if (done == added)
                break; // all is done, it seems
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        int item = queue[queue_taken++];
        if (item == ROOT)
            visit_root();
        else if (item >= OTHERS)
            visit_other();
        done++;
        pthread_cond_broadcast(&changed);
    }
    left++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return unused;
}

static int naive(void) {
    pthread_t threads[WORKERS];
    push(ROOT);
    added++;
    for (int i = 0; i < WORKERS; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return -1;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    return done == ITEMS ? at_once_max : -1;
}

// ---- weir ------------------------------------------------------------------

static weir_frontier *frontier;
static int visited;

static void add(weir_visit *visit, int item) {
    weir_key key = WEIR_KEY_INIT(&item, sizeof(item));
    weir_visit_add(visit, &key);
}

static uint64_t items_done(void) {
    weir_frontier_counts counts = {.size = sizeof(counts)};
    return weir_frontier_count(frontier, &counts) == 0 ? counts.done : 0;
}

// The same work and the same stay in the same place.
static int visit(void *context, weir_worker *self, weir_visit *visit) {
    (void)context;
    size_t size;
    int item;
    memcpy(&item, weir_visit_key(visit, &size), sizeof(item));
    if (item == ROOT) {
        add(visit, FIRST);
        while (items_done() == 0)
            weir_yield(self);
        for (int i = OTHERS; i < ITEMS; i++)
            add(visit, i);
    }
    pthread_mutex_lock(&lock);
    visited++;
    if (item >= OTHERS)
        visit_other();
    pthread_mutex_unlock(&lock);
    return 0;
}

static void check(int error) {
    if (error >= 0)
        return;
    fprintf(stderr, "count_after_push: %s\n", weir_strerror(error));
    exit(2);
}

static int with_weir(void) {
    weir_pool_options pool_options = WEIR_POOL_OPTIONS_INIT;
    pool_options.threads = WORKERS;
    weir_pool *pool;
    check(weir_pool_create(&pool, &pool_options));
    if (weir_pool_width(pool) != WORKERS)
        return -1;
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.visit = visit;
    check(weir_frontier_create(&frontier, &options));
    int root = ROOT;
    weir_key key = WEIR_KEY_INIT(&root, sizeof(root));
    check(weir_frontier_seed(frontier, &key));
    weir_frontier_close(frontier);
    int status;
    check(weir_frontier_wait(frontier, WEIR_FOREVER, &status));
    check(status);
    weir_frontier_destroy(frontier);
    weir_pool_destroy(pool);
    return visited == ITEMS ? at_once_max : -1;
}

int main(int argc, char **argv) {
    int is_naive = argc == 2 && strcmp(argv[1], "naive") == 0;
    if (!is_naive && (argc != 2 || strcmp(argv[1], "weir") != 0)) {
        fprintf(stderr, "usage: count_after_push naive|weir\n");
        return 2;
    }
    int most = is_naive ? naive() : with_weir();
    if (most < 0) {
        fprintf(stderr, "count_after_push: it did not work at all\n");
        return 2;
    }
    printf("%s: %d workers, %d items for them; at most %d at once\n", argv[1],
           WORKERS, ITEMS - OTHERS, most);
    return most < WORKERS;
}
