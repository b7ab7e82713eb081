// SPDX-License-Identifier: MIT
#include "programs/serve/command.h"

#include "programs/serve/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2, MODELS_MAX = 256 };

static void help(void) {
    puts("Usage: weir serve [OPTIONS] [NAME=MODEL.onnx ...]\n"
         "\n"
         "Serves ONNX models over HTTP. Models may also be loaded while it "
         "runs.\n"
         "\n"
         "  --config FILE            read the configuration from FILE\n"
         "  --set section.key=value  one key; wins over the file\n"
         "  --listen ADDRESS:PORT    server.address and server.port at once\n"
         "  --print-config           print the configuration and end\n"
         "  --help                   show this\n"
         "\n"
         "Examples:\n"
         "  weir serve digits=mnist.onnx\n"
         "  weir serve --set server.profile=many-requests --listen "
         "127.0.0.1:0\n"
         "  weir serve --config serve.conf --set limits.requests=64\n"
         "\n"
         "  curl -s localhost:8080/v1/models\n"
         "  curl -s --data-binary @mnist.onnx localhost:8080/v1/models/digits\n"
         "  curl -s localhost:8080/v1/models/digits/infer -H 'Content-Type: "
         "application/json' \\\n"
         "      -d '{\"inputs\": [{\"name\": \"x\", \"shape\": [1,2], "
         "\"data\": [0.5,1]}]}'\n"
         "  curl -s localhost:8080/trace >timeline.svg\n"
         "\n"
         "SIGTERM and SIGINT stop it when what it has accepted is answered; "
         "once more: at\n"
         "once. It ends with 0 if all was answered.\n"
         "\n"
         "Keys, with the defaults of the profile mixed:");
    wr_config_help(stdout);
}

static int wrong(const char *what, const char *argument) {
    fprintf(stderr, "weir serve: %s%s%s (--help lists the options)\n", what,
            argument != NULL ? " " : "", argument != NULL ? argument : "");
    return STATUS_USAGE;
}

static int no_memory(void) {
    fputs("weir serve: no memory\n", stderr);
    return STATUS_FAILED;
}

typedef struct arguments {
    wr_config config;
    wr_server_model models[MODELS_MAX];
    char *names[MODELS_MAX];
    int count;
    bool print, help;
    int argc, next;
    char **argv;
} arguments;

// The value of an option: after = or the next argument.
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

static int add_model(arguments *a, const char *argument) {
    const char *equals = strchr(argument, '=');
    if (equals == NULL || equals == argument || equals[1] == '\0')
        return wrong("a model is NAME=FILE, not", argument);
    if (a->count == MODELS_MAX)
        return wrong("too many models", NULL);
    char *name = strndup(argument, (size_t)(equals - argument));
    if (name == NULL)
        return no_memory();
    a->names[a->count] = name;
    a->models[a->count++] = (wr_server_model){name, equals + 1};
    return 0;
}

static int refused(const wr_config_why *why) {
    fprintf(stderr, "weir serve: %s\n", why->text);
    return STATUS_USAGE;
}

static int set_listen(arguments *a, const char *value, wr_config_why *why) {
    char text[2][96];
    const char *colon = strrchr(value, ':');
    size_t length = colon != NULL ? (size_t)(colon - value) : 0;
    const char *address = value;
    if (length > 2 && value[0] == '[' && value[length - 1] == ']') {
        address++;
        length -= 2;
    }
    if (length == 0 || length > 64 || strlen(colon) > 16)
        return wrong("--listen takes ADDRESS:PORT, not", value);
    snprintf(text[0], sizeof(text[0]), "server.address=%.*s", (int)length,
             address);
    snprintf(text[1], sizeof(text[1]), "server.port=%s", colon + 1);
    if (wr_config_set(&a->config, text[0], why) != 0 ||
        wr_config_set(&a->config, text[1], why) != 0)
        return refused(why);
    return 0;
}

// Files come first, whatever the order: an option wins.
static int parse(arguments *a, bool files) {
    wr_config_why why = {""};
    int status = 0;
    bool options = true;
    for (a->next = 1; status == 0 && a->next < a->argc; a->next++) {
        const char *argument = a->argv[a->next];
        const char *value;
        if (!options || argument[0] != '-') {
            if (!files)
                status = add_model(a, argument);
        } else if (strcmp(argument, "--") == 0) {
            options = false;
        } else if (strcmp(argument, "--help") == 0 ||
                   strcmp(argument, "-h") == 0) {
            a->help = true;
        } else if (strcmp(argument, "--print-config") == 0) {
            a->print = true;
        } else if ((value = value_of(a, "--config")) != NULL) {
            if (*value == '\0')
                status = wrong("--config needs a file", NULL);
            else if (files && wr_config_file(&a->config, value, &why) != 0)
                status = refused(&why);
        } else if ((value = value_of(a, "--set")) != NULL) {
            if (!files && wr_config_set(&a->config, value, &why) != 0)
                status = refused(&why);
        } else if ((value = value_of(a, "--listen")) != NULL) {
            if (!files)
                status = set_listen(a, value, &why);
        } else {
            status = wrong("no option", argument);
        }
    }
    return status;
}

static int with_arguments(arguments *a) {
    wr_config_why why = {""};
    wr_config_init(&a->config);
    int status = parse(a, true);
    if (status == 0)
        status = parse(a, false);
    if (status == 0 && a->help) {
        help();
        return 0;
    }
    if (status == 0 && wr_config_finish(&a->config, &why) != 0)
        status = refused(&why);
    if (status != 0)
        return status;
    if (a->print) {
        wr_config_print(&a->config, stdout);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    return wr_server_run(&a->config, a->models, a->count, stderr);
}

int wr_serve_main(int argc, char **argv) {
    arguments *a = calloc(1, sizeof(*a));
    if (a == NULL)
        return no_memory();
    a->argc = argc;
    a->argv = argv;
    int status = with_arguments(a);
    for (int i = 0; i < a->count; i++)
        free(a->names[i]);
    free(a);
    return status;
}
