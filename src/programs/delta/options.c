// SPDX-License-Identifier: MIT
//
// Written by hand rather than with getopt, because rdiff's parser (popt) is
// followed where they differ: options and names may be mixed, "-b=512" is
// "-b 512", "-?" is help, numbers may be hexadecimal or octal, long options
// are not abbreviated, actions are.
#include "programs/delta/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef enum option_kind {
    OPTION_FLAG,
    OPTION_NUMBER,
    OPTION_TEXT,
    OPTION_ACTION
} option_kind;

typedef struct option_spec {
    const char *name;
    char letter; // 0: none
    option_kind kind;
    void *target;
    int value; // what a flag or action stores
} option_spec;

typedef struct parser {
    wr_delta_options *options;
    const option_spec *specs;
    size_t count;
    int argc;
    char **argv;
    int next; // the argument to look at
    wr_failure *failure;
} parser;

static wr_status number(parser *p, const char *text, int64_t *out) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 0);
    if (*end != '\0')
        return wr_fail(p->failure, WR_SYNTAX_ERROR, "invalid numeric value: %s",
                       text);
    if (errno == ERANGE || value < INT_MIN || value > INT_MAX)
        return wr_fail(p->failure, WR_SYNTAX_ERROR,
                       "number too large or too small: %s", text);
    *out = value;
    return WR_OK;
}

// `value` is what came with the option, or NULL. `shown` is how it was written.
static wr_status apply(parser *p, const option_spec *spec, const char *value,
                       const char *shown) {
    if (spec->kind == OPTION_FLAG || spec->kind == OPTION_ACTION) {
        if (value != NULL)
            return wr_fail(p->failure, WR_SYNTAX_ERROR,
                           "option takes no value: %s", shown);
        if (spec->kind == OPTION_FLAG)
            *(bool *)spec->target = true;
        else
            *(int *)spec->target = spec->value;
        return WR_OK;
    }
    if (value == NULL && p->next < p->argc)
        value = p->argv[p->next++];
    if (value == NULL)
        return wr_fail(p->failure, WR_SYNTAX_ERROR, "missing argument: %s",
                       shown);
    if (spec->kind == OPTION_NUMBER)
        return number(p, value, spec->target);
    *(const char **)spec->target = value;
    return WR_OK;
}

static wr_status parse_long(parser *p, const char *argument) {
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    for (size_t i = 0; i < p->count; i++) {
        const option_spec *spec = &p->specs[i];
        if (spec->name != NULL && strlen(spec->name) == length &&
            strncmp(spec->name, name, length) == 0)
            return apply(p, spec, value, argument);
    }
    return wr_fail(p->failure, WR_SYNTAX_ERROR, "unknown option: %s", argument);
}

// One argument may hold several letters, the last of them with a value.
static wr_status parse_letters(parser *p, const char *argument) {
    for (const char *at = argument + 1; *at != '\0'; at++) {
        const option_spec *spec = NULL;
        for (size_t i = 0; i < p->count && spec == NULL; i++)
            if (p->specs[i].letter == *at)
                spec = &p->specs[i];
        char shown[3] = {'-', *at, '\0'};
        if (spec == NULL)
            return wr_fail(p->failure, WR_SYNTAX_ERROR, "unknown option: %s",
                           shown);
        bool valued = spec->kind == OPTION_NUMBER || spec->kind == OPTION_TEXT;
        if (valued && at[1] != '\0')
            return apply(p, spec, at + (at[1] == '=' ? 2 : 1), shown);
        if (apply(p, spec, NULL, shown) != WR_OK)
            return p->failure->status;
    }
    return WR_OK;
}

static wr_action action_named(const char *name) {
    static const struct {
        const char *name;
        wr_action action;
    } actions[] = {{"signature", WR_ACTION_SIGNATURE},
                   {"delta", WR_ACTION_DELTA},
                   {"patch", WR_ACTION_PATCH}};
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strncmp(name, actions[i].name, strlen(name)) == 0)
            return actions[i].action;
    return WR_ACTION_NONE;
}

// A word that is no option: the action, then file names.
static void take_word(parser *p, const char *word, bool *seen_action) {
    if (!*seen_action)
        p->options->action = action_named(word);
    else if (p->options->file_count <= WR_FILES_MAX)
        p->options->files[p->options->file_count++] = word;
    *seen_action = true;
}

static wr_status parse_all(parser *p, const int *immediate) {
    bool only_words = false, seen_action = false;
    while (p->next < p->argc) {
        const char *argument = p->argv[p->next++];
        wr_status status = WR_OK;
        if (only_words || argument[0] != '-' || argument[1] == '\0')
            take_word(p, argument, &seen_action);
        else if (strcmp(argument, "--") == 0)
            only_words = true;
        else if (argument[1] == '-')
            status = parse_long(p, argument);
        else
            status = parse_letters(p, argument);
        if (status != WR_OK)
            return status;
        if (*immediate != WR_ACTION_NONE) {
            p->options->action = (wr_action)*immediate;
            return WR_OK;
        }
    }
    if (p->options->action == WR_ACTION_NONE)
        return wr_fail(p->failure, WR_SYNTAX_ERROR,
                       "You must specify an action: `signature', "
                       "`delta', or `patch'.");
    return WR_OK;
}

static wr_status check(wr_delta_options *options, const char *kernel,
                       const bool progress[2], wr_failure *failure) {
    options->kernels =
        kernel == NULL ? wr_hash_best() : wr_hash_by_name(kernel);
    if (options->kernels == NULL)
        return wr_fail(failure, WR_SYNTAX_ERROR,
                       "this machine has no kernel '%s'", kernel);
    if (options->threads < 0 || options->threads > WR_THREADS_MAX)
        return wr_fail(failure, WR_SYNTAX_ERROR,
                       "--threads takes a number from 1 to %d, or 0",
                       WR_THREADS_MAX);
    if (options->input_size < 0 || options->output_size < 0 ||
        options->piece_size < 0)
        return wr_fail(failure, WR_SYNTAX_ERROR, "a size cannot be negative");
    if (progress[0] || progress[1])
        options->progress = progress[1] ? WR_PROGRESS_OFF : WR_PROGRESS_ON;
    return WR_OK;
}

wr_status wr_delta_options_parse(wr_delta_options *options, int argc,
                                 char **argv, wr_failure *failure) {
    *options = (wr_delta_options){.action = WR_ACTION_NONE};
    wr_delta_options *o = options;
    int immediate = WR_ACTION_NONE;
    bool verbose = false, progress[2] = {false, false};
    const char *kernel = NULL;
    const option_spec specs[] = {
        {"help", '?', OPTION_ACTION, &immediate, WR_ACTION_HELP},
        {NULL, 'h', OPTION_ACTION, &immediate, WR_ACTION_HELP},
        {"version", 'V', OPTION_ACTION, &immediate, WR_ACTION_VERSION},
        {"verbose", 'v', OPTION_FLAG, &verbose, 0},
        {"statistics", 's', OPTION_FLAG, &o->statistics, 0},
        {"stats", 0, OPTION_FLAG, &o->statistics, 0},
        {"force", 'f', OPTION_FLAG, &o->force, 0},
        {"hash", 'H', OPTION_TEXT, &o->hash, 0},
        {"rollsum", 'R', OPTION_TEXT, &o->rollsum, 0},
        {"block-size", 'b', OPTION_NUMBER, &o->block_len, 0},
        {"sum-size", 'S', OPTION_NUMBER, &o->strong_len, 0},
        {"input-size", 'I', OPTION_NUMBER, &o->input_size, 0},
        {"output-size", 'O', OPTION_NUMBER, &o->output_size, 0},
        {"piece-size", 0, OPTION_NUMBER, &o->piece_size, 0},
        {"threads", 0, OPTION_NUMBER, &o->threads, 0},
        {"kernel", 0, OPTION_TEXT, &kernel, 0},
        {"progress", 0, OPTION_FLAG, &progress[0], 0},
        {"no-progress", 0, OPTION_FLAG, &progress[1], 0},
    };
    parser p = {.options = options,
                .specs = specs,
                .count = sizeof(specs) / sizeof(specs[0]),
                .argc = argc,
                .argv = argv,
                .next = argc > 0 ? 1 : 0,
                .failure = failure};
    if (parse_all(&p, &immediate) != WR_OK ||
        check(options, kernel, progress, failure) != WR_OK)
        return failure->status;
    return WR_OK;
}
