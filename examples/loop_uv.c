// SPDX-License-Identifier: MIT
// A libuv loop whose timer keeps ticking while every core counts primes.
//
//   cc loop_uv.c $(pkg-config --cflags --libs weir-uv)
//
// weir_uv_attach gives the uv loop a mailbox and a pool that leaves the loop
// its core. A call runs on the pool; its done is called by uv_run, on this
// thread, so it needs no lock. Nobody has to say when to stop: uv_run returns
// once the timer is closed and nothing is pending.
//
// Prints:
//   5 words
//   78498 primes in 8 parts
//   the timer went on ticking
#include <stdio.h>
#include <weir/uv.h>

enum { PARTS = 8, STEP = 125000, TICK_MS = 5 }; // 8 * 125000 = 1,000,000

struct part {
    weir_call call; // first, so that a pointer to it points to the part too
    int from, primes;
};

// Where these calls are made: the loop measures how long they wait and run.
static const weir_site counting = WEIR_SITE_INIT("count primes");

static weir_uv *weir;
static uv_timer_t timer;
static uint64_t next_tick_ns, latest_ns;
static int ticks, primes, parts_left = PARTS, failed;

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
    struct part *part = (struct part *)call;
    failed |= status != 0;
    primes += part->primes;
    if (--parts_left == 0)
        uv_close((uv_handle_t *)&timer, NULL);
}

static void tick(uv_timer_t *handle) {
    (void)handle;
    uint64_t now_ns = uv_hrtime();
    if (now_ns > next_tick_ns && now_ns - next_tick_ns > latest_ns)
        latest_ns = now_ns - next_tick_ns;
    next_tick_ns = now_ns + TICK_MS * 1000000;
    ticks++;
}

// What was written for uv_queue_work needs another name, nothing else.
static void count_words(weir_uv_work *work) {
    int *words = work->data;
    for (const char *at = " Keep your event loop answering"; *at; at++)
        *words += *at == ' ';
}

static void words_counted(weir_uv_work *work, int status) {
    failed |= status != 0;
    printf("%d words\n", *(int *)work->data);

    static struct part parts[PARTS]; // lent until counted is called
    for (int i = 0; i < PARTS; i++) {
        parts[i].call = (weir_call)WEIR_CALL_INIT(count, counted);
        parts[i].call.site = &counting;
        parts[i].from = i * STEP;
        failed |= weir_call_submit(weir_uv_loop(weir), weir_uv_pool(weir),
                                   &parts[i].call) != 0;
    }
}

int main(void) {
    uv_loop_t *uv = uv_default_loop();
    int error = weir_uv_attach(&weir, uv, NULL);
    if (error != 0) {
        fprintf(stderr, "%s\n", weir_strerror(error));
        return 1;
    }
    next_tick_ns = uv_hrtime() + TICK_MS * 1000000;
    uv_timer_init(uv, &timer);
    uv_timer_start(&timer, tick, TICK_MS, TICK_MS);

    int words = 0;
    weir_uv_work work = {.data = &words};
    failed |= weir_uv_queue_work(weir, &work, count_words, words_counted) != 0;
    uv_run(uv, UV_RUN_DEFAULT);

    printf("%d primes in %d parts\n", primes, PARTS - parts_left);
    printf("the timer %s\n", ticks > 1 ? "went on ticking" : "stood still");
    fprintf(stderr, "%d ticks, the latest by %.2f ms\n", ticks,
            (double)latest_ns / 1e6);

    failed |= weir_uv_detach(weir, WEIR_STOP_DRAIN, NULL, NULL) != 0;
    uv_run(uv, UV_RUN_DEFAULT); // until all of it is closed and freed
    return failed != 0 || uv_loop_close(uv) != 0;
}
