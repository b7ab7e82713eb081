// SPDX-License-Identifier: MIT
// Counts the letters of lines on all cores and prints the counts in the order
// of the lines. At most eight lines are in memory, however long the text is.
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <weir/stream.h>

static const char *const text[] = {
    "Work goes from its submitter straight to its pool,",
    "the result straight to the submitter's mailbox.",
    "Full means that the producer waits,",
    "never that a buffer grows.",
};

struct line {
    char text[80];
    int letters;
};

static int read_line(weir_worker *self, void *context, weir_token *token) {
    (void)self, (void)context;
    uint64_t number = weir_token_sequence(token);
    if (number == sizeof(text) / sizeof(text[0]))
        return WEIR_STAGE_END;
    struct line *line = weir_token_data(token);
    snprintf(line->text, sizeof(line->text), "%s", text[number]);
    return 0;
}

static int count_letters(weir_worker *self, void *context, weir_token *token) {
    (void)self, (void)context;
    struct line *line = weir_token_data(token);
    line->letters = 0;
    for (const char *c = line->text; *c != 0; c++)
        line->letters += isalpha((unsigned char)*c) != 0;
    return 0;
}

static int print_line(weir_worker *self, void *context, weir_token *token) {
    (void)self, (void)context;
    struct line *line = weir_token_data(token);
    return printf("%3d %s\n", line->letters, line->text) > 0 ? 0 : -1;
}

int main(void) {
    static const weir_stage stages[] = {
        {"read", WEIR_STAGE_SERIAL_IN_ORDER, read_line},
        {"count", WEIR_STAGE_PARALLEL, count_letters},
        {"print", WEIR_STAGE_SERIAL_IN_ORDER, print_line},
    };
    weir_pipeline_options options = WEIR_PIPELINE_OPTIONS_INIT;
    options.stages = stages;
    options.stages_count = 3;
    options.tokens_max = 8;
    options.token_size = sizeof(struct line);

    weir_pool *pool;
    weir_pipeline *pipeline = NULL;
    weir_stream_report report = {.size = sizeof(report)};
    int error = weir_pool_create(&pool, NULL);
    if (error != 0) {
        fprintf(stderr, "%s\n", weir_strerror(error));
        return 1;
    }
    error = weir_pipeline_create(&pipeline, pool, &options);
    if (error == 0)
        error = weir_pipeline_run(pipeline, &report);
    if (error == 0)
        error = report.status;
    if (error != 0)
        fprintf(stderr, "%s\n", weir_strerror(error));
    weir_pipeline_destroy(pipeline);
    weir_pool_destroy(pool);
    return error != 0;
}
