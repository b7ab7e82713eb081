// SPDX-License-Identifier: MIT
// What the command tells people.
#include "programs/deps/command_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say_json(char *text) {
    if (text != NULL) {
        fputs(text, stdout);
        (void)fflush(stdout);
    }
    free(text);
}

int wr_deps_refuse(const wr_deps_options *options, const wr_why *why) {
    fprintf(stderr, "weir deps: %s %s\n", why->code, why->text);
    if (options->json)
        say_json(wr_resolve_error_json(why->code, why->text, ""));
    return 1;
}

int wr_deps_report(const wr_deps_options *options, wr_resolve *resolve,
                   int status) {
    char *text = NULL;
    wr_why why;
    int error =
        status == -ENOENT ? wr_resolve_report(resolve, false, &text) : status;
    if (error == 0 && text == NULL)
        error = -EIO;
    if (error != 0) {
        wr_refuse(&why, error, error == -ENOMEM ? "ENOMEM" : "EUNKNOWN", "%s",
                  weir_strerror(error));
        return wr_deps_refuse(options, &why);
    }
    for (char *line = text; *line != '\0';) {
        char *end = strchrnul(line, '\n');
        bool chain = line[0] == ' ';
        fprintf(stderr, "%s%.*s\n",
                chain ? "" : "weir deps: ", (int)(end - line), line);
        line = *end != '\0' ? end + 1 : end;
    }
    free(text);
    if (options->json && wr_resolve_report(resolve, true, &text) == 0)
        say_json(text);
    return 1;
}

static double ms(int64_t ns) { return (double)ns / 1e6; }

void wr_deps_figures(const wr_resolve_counts *c, const char *node,
                     const wr_deps_times *times) {
    fprintf(stderr,
            "items       %" PRIu64 " (failed %" PRIu64
            ", optional ones %" PRIu64 ")\n"
            "packages    %" PRIu64 ": fetched %" PRIu64
            ", not modified %" PRIu64 ", from the cache %" PRIu64 "\n"
            "network     %.1f MB, %" PRIu64 " attempts repeated\n"
            "node        %s\n"
            "wall        %.1f ms: settings and project %.1f, resolve %.1f, "
            "document %.1f\n"
            "all threads store %.1f ms, inflate %.1f, parse %.1f, pick %.1f, "
            "manifests %.1f, store writes %.1f\n",
            c->items, c->failed, c->optional_failed, c->packages, c->fetched,
            c->not_modified, c->from_cache, (double)c->bytes / 1e6, c->retries,
            node != NULL ? node : "not asked",
            ms(times->written_ns - times->begin_ns),
            ms(times->ready_ns - times->begin_ns),
            ms(times->resolved_ns - times->ready_ns),
            ms(times->written_ns - times->resolved_ns), ms(c->store_ns),
            ms(c->inflate_ns), ms(c->parse_ns), ms(c->pick_ns),
            ms(c->manifest_ns), ms(c->write_ns));
}
