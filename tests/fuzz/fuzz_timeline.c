// SPDX-License-Identifier: MIT
// Records spans with any names and times, and draws them: what is looked for is
// a crash, a hang, a sanitizer's complaint, JSON that a strict reader refuses,
// a span that is not in it, or a picture that is no XML.
//
// An input is spans: a byte that says how the times are meant, two of 8 bytes,
// the name with a 0. How to run it: engine.h.
#include "engine.h"

// What the readers refuse ends the round, with its seed.
#define _Exit(status) abort()
#include "support/xml.h"
#include "weir/observe.h"

enum { SPANS_MAX = 12, INPUT_MAX = 2048 };

static void broken(const char *what) {
    printf("fuzz_timeline: %s\n", what);
    fflush(stdout);
    abort();
}

static char *written(weir_trace *trace, bool picture, unsigned width) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    int error = picture ? weir_trace_svg(trace, out, width)
                        : weir_trace_json(trace, out);
    fclose(out);
    if (error != 0)
        broken("it cannot be written");
    if (strlen(text) != size)
        broken("a 0 in the text");
    return text;
}

static size_t count_spans(const json *events) {
    size_t count = 0;
    for (const json *event = events->first; event != NULL; event = event->next)
        count += strcmp(json_text(event, "ph"), "M") != 0 &&
                 strcmp(json_text(event, "ph"), "e") != 0;
    return count;
}

static void check_written(weir_trace *trace, size_t spans, unsigned width) {
    char *text = written(trace, false, 0);
    json *root = json_read(text);
    if (count_spans(json_get(root, "traceEvents")) != spans)
        broken("another number of spans");
    json_free(root);
    free(text);
    text = written(trace, true, width);
    if (check_xml(text) == 0)
        broken("a picture of nothing");
    free(text);
}

static int64_t time_at(const uint8_t *at, uint8_t how) {
    uint64_t bits;
    memcpy(&bits, at, sizeof(bits));
    if (how % 4 == 0)
        bits %= 1000000;
    return (int64_t)(how % 4 == 1 ? bits >> 8 : bits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static weir_trace *trace;
    weir_trace_options options = WEIR_TRACE_OPTIONS_INIT;
    options.events_max = 2 * SPANS_MAX;
    if (trace == NULL && weir_trace_create(&trace, &options) != 0)
        abort();
    weir_trace_start(trace);
    size_t spans = 0;
    unsigned width = size > 0 ? data[0] * 80U : 0;
    while (size > 18 && spans < SPANS_MAX) {
        const uint8_t *end = memchr(data + 17, 0, size - 17);
        if (end == NULL)
            break;
        weir_trace_span(trace, NULL, (const char *)data + 17,
                        time_at(data + 1, data[0]), time_at(data + 9, data[0]));
        spans++;
        size -= (size_t)(end + 1 - data);
        data = end + 1;
    }
    weir_trace_stop(trace);
    check_written(trace, spans, width < 20000 ? width : 20000);
    return 0;
}

// ---------------------------------------------------------------------------
// A small engine

static size_t put_span(uint8_t *out) {
    static const char *const names[] = {
        "",
        "job",
        "a \"quoted\" & <odd> name",
        "\xc3\xa9\xe2\x82\xac",
        "\xff\xfe\x01\x7f",
        "0123456789012345678901234567890123",
        "012345678901234567890123456789\303\251x",
        "]]>\\u0000\xef\xbf\xbf"};
    uint64_t begin = below(1000000), end = begin + below(1000);
    if (below(8) == 0) {
        begin = (uint64_t)1 << below(64);
        end = below(2) ? UINT64_MAX >> below(64) : begin - below(3);
    }
    out[0] = (uint8_t)below(256);
    memcpy(out + 1, &begin, 8);
    memcpy(out + 9, &end, 8);
    const char *name = names[below(8)];
    memcpy(out + 17, name, strlen(name) + 1);
    return 18 + strlen(name);
}

static void one_round(void) {
    static const char odd[] = "\0\"\\<>&'\n\x7f\x80\xbf\xc3\xed\xf4\xff";
    static uint8_t data[2 * INPUT_MAX];
    size_t size = 0;
    for (size_t i = below(SPANS_MAX); i > 0 && size < INPUT_MAX; i--)
        size += put_span(data + size);
    if (below(3) > 0)
        size = fuzz_damage(data, size, odd, sizeof(odd) - 1, 6, 0);
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv) {
    return fuzz_main(argc, argv, "fuzz_timeline", one_round);
}
