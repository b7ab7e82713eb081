// SPDX-License-Identifier: MIT
// A GLib main loop, as a GTK program has one, with weir as a GSource in it.
//
//   cc loop_glib.c $(pkg-config --cflags --libs weir glib-2.0)
//
// prepare looks for calls that have ended, and says how long GLib may sleep;
// check says whether the descriptor is readable or a deadline has passed;
// dispatch delivers. A timeout counts on meanwhile: the window stays alive.
//
// Prints:
//   78498 primes in 8 parts
//   the main loop went on
#include <glib.h>
#include <stdio.h>
#include <weir/loop.h>

enum { PARTS = 8, STEP = 125000 }; // 8 * 125000 = 1,000,000

// ---- weir as a source ------------------------------------------------------

struct mailbox {
    GSource source; // first: GLib allocates and frees all of it
    weir_loop *loop;
    gpointer fd; // GLib's name for it in this source
    int delivered;
};

static gboolean mailbox_prepare(GSource *source, gint *timeout_ms) {
    struct mailbox *mailbox = (struct mailbox *)source;
    int64_t due_ns = weir_loop_next_deadline(mailbox->loop);
    *timeout_ms = -1;
    if (due_ns != WEIR_FOREVER) {
        int64_t left_ns = due_ns - weir_now_ns();
        if (left_ns > INT64_C(3600000000000)) // an hour: a gint holds weeks
            left_ns = INT64_C(3600000000000);
        *timeout_ms = left_ns > 0 ? (gint)(left_ns / 1000000) + 1 : 0;
    }
    // After a delivery dispatch comes round once more before GLib sleeps: there
    // weir looks a while for the next one, which saves a wake-up.
    return mailbox->delivered > 0 && weir_loop_pending(mailbox->loop) > 0;
}

static gboolean mailbox_check(GSource *source) {
    struct mailbox *mailbox = (struct mailbox *)source;
    return g_source_query_unix_fd(source, mailbox->fd) != 0 ||
           weir_loop_next_deadline(mailbox->loop) <= weir_now_ns();
}

static gboolean mailbox_dispatch(GSource *source, GSourceFunc callback,
                                 gpointer data) {
    struct mailbox *mailbox = (struct mailbox *)source;
    (void)callback, (void)data;
    mailbox->delivered = weir_loop_drain_spin(mailbox->loop);
    return G_SOURCE_CONTINUE;
}

static GSource *mailbox_attach(weir_loop *loop) {
    static GSourceFuncs functions = {
        .prepare = mailbox_prepare,
        .check = mailbox_check,
        .dispatch = mailbox_dispatch,
    };
    GSource *source = g_source_new(&functions, sizeof(struct mailbox));
    struct mailbox *mailbox = (struct mailbox *)source;
    mailbox->loop = loop;
    mailbox->fd = g_source_add_unix_fd(source, weir_loop_fd(loop), G_IO_IN);
    g_source_set_name(source, "weir");
    g_source_attach(source, NULL);
    return source;
}

// ---- the program -----------------------------------------------------------

struct part {
    weir_call call; // first, so that a pointer to it points to the part too
    int from, primes;
};

static const weir_site counting = WEIR_SITE_INIT("count primes");

static GMainLoop *main_loop;
static int beats, primes, parts_left = PARTS, failed;

static int count(weir_worker *self, weir_call *call) {
    struct part *part = (struct part *)call;
    (void)self;
    for (int d, n = part->from; n < part->from + STEP; n++) {
        for (d = 2; d * d <= n && n % d != 0;)
            d++;
        part->primes += n > 1 && d * d > n;
    }
    return 0;
}

static void counted(weir_call *call, int status) {
    failed |= status != 0;
    primes += ((struct part *)call)->primes;
    if (--parts_left == 0)
        g_main_loop_quit(main_loop);
}

static gboolean beat(gpointer data) {
    (void)data;
    beats++;
    return G_SOURCE_CONTINUE;
}

int main(void) {
    weir_pool *pool = NULL;
    weir_loop *loop = NULL;
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    options.threads = WEIR_THREADS_BESIDE_LOOP;
    int error = weir_pool_create(&pool, &options);
    if (error == 0)
        error = weir_loop_create(&loop, NULL);
    if (error != 0) {
        fprintf(stderr, "%s\n", weir_strerror(error));
        return 1;
    }
    main_loop = g_main_loop_new(NULL, FALSE);
    GSource *source = mailbox_attach(loop);
    guint beating = g_timeout_add(5, beat, NULL);

    static struct part parts[PARTS]; // lent until counted is called
    for (int i = 0; i < PARTS; i++) {
        parts[i].call = (weir_call)WEIR_CALL_INIT(count, counted);
        parts[i].call.site = &counting;
        parts[i].from = i * STEP;
        failed |= weir_call_submit(loop, pool, &parts[i].call) != 0;
    }
    g_main_loop_run(main_loop);
    printf("%d primes in %d parts\n", primes, PARTS - parts_left);
    printf("the main loop %s\n", beats > 1 ? "went on" : "stood still");

    g_source_remove(beating);
    g_source_destroy(source);
    g_source_unref(source);
    g_main_loop_unref(main_loop);
    weir_pool_destroy(pool);
    weir_loop_destroy(loop);
    return failed;
}
