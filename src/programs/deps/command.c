// SPDX-License-Identifier: MIT
#include "programs/deps/command.h"

#include "programs/deps/command_parts.h"
#include "programs/deps/semver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_USAGE = 2, THREADS_MAX = 1024, CONNECTIONS_MAX = 1024 };

static void help_deps(FILE *out) {
    fputs("Usage: weir deps fetch DIR [OPTIONS]\n"
          "       weir deps fetch --help\n"
          "\n"
          "What an npm project depends on.\n"
          "\n"
          "  fetch  finds every package version that the project can need\n",
          out);
}

static void help_fetch(void) {
    puts("Usage: weir deps fetch DIR [OPTIONS]\n"
         "\n"
         "Reads DIR/package.json and finds every package version that the "
         "project can\n"
         "need, transitively. Writes one sorted JSON document.\n"
         "\n"
         "  -o, --output FILE      write it there (default: standard output)\n"
         "  --registry URL         instead of what npm's settings say\n"
         "  --cache DIR            npm's cache folder\n"
         "  --offline              ask no registry: what is not in the cache "
         "fails\n"
         "  --prefer-offline       ask only for what is not in the cache\n"
         "  --prefer-online        ask whether what is in the cache is still "
         "so\n"
         "  --node VERSION         the node that packages are chosen for\n"
         "                         (default: `node --version')\n"
         "  --threads N            workers (default: one for each core); 0: "
         "none,\n"
         "                         everything on one thread, in a fixed order\n"
         "  --connections N        requests at once, at most (default 64)\n"
         "  --engine workers|owner who finds what comes next\n"
         "  --parse-threads 1|all  documents parsed at once (default all)\n"
         "  --json                 errors as npm's JSON on standard output\n"
         "  --verbose              say where the time went\n"
         "  --trace FILE           a timeline, FILE.json or FILE.svg\n"
         "  --progress, --no-progress\n"
         "                         a line that says how far it is (default: "
         "on a\n"
         "                         terminal)\n"
         "  --help                 show this\n"
         "\n"
         "Registry, tokens, timeouts and the like are npm's: .npmrc and "
         "npm_config_*.\n"
         "It ends with 0; with 1 if something that the project needs cannot "
         "be had, and\n"
         "then it writes no document; with 2 if the command line is wrong.\n"
         "\n"
         "Examples:\n"
         "  weir deps fetch . -o deps.json\n"
         "  weir deps fetch app --registry http://127.0.0.1:4873/ --verbose\n"
         "  weir deps fetch app --offline | jq '.packages | length'\n"
         "  weir deps fetch app --trace timeline.svg -o deps.json");
}

static int wrong(const char *what, const char *argument) {
    fprintf(stderr,
            "weir deps: %s%s%s (weir deps fetch --help lists the "
            "options)\n",
            what, argument != NULL ? " " : "",
            argument != NULL ? argument : "");
    return STATUS_USAGE;
}

typedef struct arguments {
    wr_deps_options options;
    int argc, next;
    char **argv;
    bool help;
} arguments;

// The value of an option: after = or the next argument. NULL: it is another
// option; "" where there is none.
static const char *value_of(arguments *a, const char *option) {
    const char *argument = a->argv[a->next];
    size_t length = strlen(option);
    if (strncmp(argument, option, length) != 0)
        return NULL;
    if (argument[length] == '=')
        return argument + length + 1;
    if (argument[length] != '\0')
        return NULL;
    if (a->next + 1 == a->argc)
        return "";
    return a->argv[++a->next];
}

static int set_number(const char *option, const char *value, long least,
                      long most, long *out) {
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 ||
        number < least || number > most) {
        fprintf(stderr,
                "weir deps: %s takes a number from %ld to %ld, not "
                "'%s'\n",
                option, least, most, value);
        return STATUS_USAGE;
    }
    *out = number;
    return 0;
}

static int set_node(arguments *a, const char *value) {
    wr_semver version;
    if (wr_semver_parse(&version, value, strlen(value), true) != 0)
        return wrong("--node takes a version, not", value);
    a->options.node = value;
    return 0;
}

static int set_trace(arguments *a, const char *value) {
    size_t size = strlen(value);
    if (size < 5 || (strcmp(value + size - 4, ".svg") != 0 &&
                     (size < 6 || strcmp(value + size - 5, ".json") != 0)))
        return wrong("--trace takes a file that ends in .json or .svg, not",
                     value);
    a->options.trace = value;
    return 0;
}

static int set_choice(arguments *a, const char *option, const char *value) {
    wr_deps_options *o = &a->options;
    if (strcmp(option, "--engine") == 0) {
        if (strcmp(value, "workers") == 0)
            o->engine = WEIR_FRONTIER_WORKERS;
        else if (strcmp(value, "owner") == 0)
            o->engine = WEIR_FRONTIER_OWNER;
        else
            return wrong("--engine is workers or owner, not", value);
        return 0;
    }
    o->parse_serially = strcmp(value, "1") == 0;
    if (!o->parse_serially && strcmp(value, "all") != 0)
        return wrong("--parse-threads is 1 or all, not", value);
    return 0;
}

static int set_value(arguments *a, const char *option, const char *value) {
    wr_deps_options *o = &a->options;
    long number = 0;
    int status = 0;
    if (*value == '\0')
        return wrong("a value is missing after", option);
    if (strcmp(option, "-o") == 0 || strcmp(option, "--output") == 0)
        o->output = value;
    else if (strcmp(option, "--registry") == 0)
        o->registry = value;
    else if (strcmp(option, "--cache") == 0)
        o->cache = value;
    else if (strcmp(option, "--node") == 0)
        return set_node(a, value);
    else if (strcmp(option, "--trace") == 0)
        return set_trace(a, value);
    else if (strcmp(option, "--threads") == 0) {
        status = set_number(option, value, 0, THREADS_MAX, &number);
        o->threads = (int)number;
    } else if (strcmp(option, "--connections") == 0) {
        status = set_number(option, value, 1, CONNECTIONS_MAX, &number);
        o->connections = (unsigned)number;
    } else {
        return set_choice(a, option, value);
    }
    return status;
}

static bool set_flag(arguments *a, const char *argument) {
    wr_deps_options *o = &a->options;
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"--help", &a->help},
        {"-h", &a->help},
        {"--offline", &o->offline},
        {"--prefer-offline", &o->prefer_offline},
        {"--prefer-online", &o->prefer_online},
        {"--json", &o->json},
        {"--verbose", &o->verbose},
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(argument, flags[i].name) != 0)
            continue;
        *flags[i].flag = true;
        return true;
    }
    if (strcmp(argument, "--progress") == 0)
        o->progress = WR_SHOW_ALWAYS;
    else if (strcmp(argument, "--no-progress") == 0)
        o->progress = WR_SHOW_NEVER;
    else
        return false;
    return true;
}

static int set_option(arguments *a) {
    static const char *const options[] = {
        "-o",      "--output",  "--registry",    "--cache",  "--node",
        "--trace", "--threads", "--connections", "--engine", "--parse-threads",
    };
    const char *argument = a->argv[a->next];
    if (set_flag(a, argument))
        return 0;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const char *value = value_of(a, options[i]);
        if (value != NULL)
            return set_value(a, options[i], value);
    }
    return wrong("no option", argument);
}

static int parse(arguments *a) {
    bool options = true;
    int status = 0;
    for (a->next = 1; status == 0 && a->next < a->argc; a->next++) {
        const char *argument = a->argv[a->next];
        if (options && argument[0] == '-' && argument[1] != '\0') {
            if (strcmp(argument, "--") == 0)
                options = false;
            else
                status = set_option(a);
        } else if (a->options.dir != NULL) {
            status = wrong("one folder alone, not also", argument);
        } else {
            a->options.dir = argument;
        }
    }
    return status;
}

static int fetch_main(int argc, char **argv) {
    arguments a = {.argc = argc, .argv = argv};
    a.options.threads = WEIR_THREADS_DEFAULT;
    int status = parse(&a);
    if (status != 0)
        return status;
    if (a.help) {
        help_fetch();
        return fflush(stdout) == 0 ? 0 : 1;
    }
    if (a.options.dir == NULL)
        return wrong("fetch needs the project's folder", NULL);
    if (a.options.offline && a.options.prefer_online)
        return wrong("--offline and --prefer-online exclude each other", NULL);
    return wr_deps_fetch(&a.options);
}

int wr_deps_main(int argc, char **argv) {
    if (argc < 2) {
        help_deps(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "fetch") == 0)
        return fetch_main(argc - 1, argv + 1);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_deps(stdout);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    return wrong("no command", argv[1]);
}
