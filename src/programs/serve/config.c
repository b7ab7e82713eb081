// SPDX-License-Identifier: MIT
#include "programs/serve/config_keys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

// Where a value comes from: a line of a file, or (line 0) an option.
typedef struct place {
    const char *name;
    int line;
} place;

__attribute__((format(printf, 3, 4))) static int
refuse(wr_config_why *why, const place *at, const char *format, ...) {
    int used = 0;
    if (at != NULL && at->line > 0)
        used = snprintf(why->text, sizeof(why->text), "%.200s:%d: ", at->name,
                        at->line);
    else if (at != NULL)
        used = snprintf(why->text, sizeof(why->text), "%.200s: ", at->name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text + used, sizeof(why->text) - (size_t)used, format,
              arguments);
    va_end(arguments);
    for (char *c = why->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?'; // one line, whatever the file has in it
    return -EINVAL;
}

// ---- values ----------------------------------------------------------------

static void *field(const wr_config *config, const wr_config_key *key) {
    return (char *)(uintptr_t)config + key->offset;
}

static const char *limit_text(char text[WR_CONFIG_NUMBER],
                              const wr_config_key *key, uint64_t number) {
    if (key->kind == WR_CONFIG_SIZE)
        wr_config_size_text(text, number);
    else if (key->kind == WR_CONFIG_TIME)
        wr_config_time_text(text, (int64_t)number);
    else
        snprintf(text, WR_CONFIG_NUMBER, "%" PRIu64, number);
    return text;
}

static int refuse_value(const wr_config_key *key, const char *value,
                        const place *at, wr_config_why *why) {
    static const char *const what[] = {
        [WR_CONFIG_COUNT] = "a whole number",
        [WR_CONFIG_SIZE] = "a size (such as 512KiB, 4MB, 2G)",
        [WR_CONFIG_TIME] = "a time with its unit (such as 250ms, 30s, 5min)",
        [WR_CONFIG_ADDRESS] = "an address in numbers, of IPv4 or IPv6",
        [WR_CONFIG_THREADS] = "all, beside-loop, or a number",
    };
    char words[200] = "";
    size_t used = 0;
    for (size_t i = 0; key->words != NULL && key->words[i] != NULL; i++)
        used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s",
                                 i == 0 ? "" : " or ", key->words[i]);
    char low[WR_CONFIG_NUMBER], high[WR_CONFIG_NUMBER];
    if (key->max == 0)
        return refuse(why, at, "%s = %.60s: it is %s", key->name, value,
                      key->words != NULL ? words : what[key->kind]);
    return refuse(why, at, "%s = %.60s: it is %s, from %s to %s", key->name,
                  value, what[key->kind], limit_text(low, key, key->min),
                  limit_text(high, key, key->max));
}

static int set_choice(const wr_config_key *key, const char *value, int *out) {
    for (int i = 0; key->words[i] != NULL; i++)
        if (strcmp(key->words[i], value) == 0) {
            *out = i;
            return 0;
        }
    return -EINVAL;
}

static int set_address(const char *value, char *out) {
    unsigned char address[16];
    if (strlen(value) >= WR_CONFIG_TEXT ||
        (inet_pton(AF_INET, value, address) != 1 &&
         inet_pton(AF_INET6, value, address) != 1))
        return -EINVAL;
    memcpy(out, value, strlen(value) + 1);
    return 0;
}

static int set_number(const wr_config_key *key, const char *value, void *out) {
    uint64_t size = 0;
    int64_t number = 0;
    int error = key->kind == WR_CONFIG_SIZE   ? wr_config_size(value, &size)
                : key->kind == WR_CONFIG_TIME ? wr_config_time(value, &number)
                                              : wr_config_count(value, &number);
    if (key->kind != WR_CONFIG_SIZE)
        size = (uint64_t)number;
    if (error != 0 || size < key->min || size > key->max || size > SIZE_MAX)
        return -EINVAL;
    if (key->kind == WR_CONFIG_SIZE)
        *(size_t *)out = (size_t)size;
    else if (key->kind == WR_CONFIG_TIME)
        *(int64_t *)out = number;
    else
        *(int *)out = (int)number;
    return 0;
}

static int set_value(wr_config *config, const wr_config_key *key,
                     const char *value) {
    void *out = field(config, key);
    switch (key->kind) {
    case WR_CONFIG_CHOICE: return set_choice(key, value, out);
    case WR_CONFIG_ADDRESS: return set_address(value, out);
    case WR_CONFIG_THREADS:
        if (strcmp(value, "all") == 0) {
            *(int *)out = WR_CONFIG_THREADS_ALL;
            return 0;
        }
        if (strcmp(value, "beside-loop") == 0) {
            *(int *)out = WR_CONFIG_THREADS_BESIDE;
            return 0;
        }
        break;
    default: break;
    }
    return set_number(key, value, out);
}

// ---- keys ------------------------------------------------------------------

static int unknown_key(const char *section, const char *name, const place *at,
                       wr_config_why *why) {
    char known[1200] = "";
    size_t used = 0;
    for (int i = 0; i < wr_config_keys_count; i++)
        if (strcmp(wr_config_keys[i].section, section) == 0)
            used += (size_t)snprintf(known + used, sizeof(known) - used, " %s",
                                     wr_config_keys[i].name);
    if (used == 0)
        return refuse(why, at,
                      "no section [%.60s]; there are [server] [limits] "
                      "[batching] [pool]",
                      section);
    return refuse(why, at, "[%s] has no key %.60s; it has%s", section, name,
                  known);
}

static int set_key(wr_config *config, const char *section, const char *name,
                   const char *value, const place *at, wr_config_why *why) {
    for (int i = 0; i < wr_config_keys_count; i++) {
        const wr_config_key *key = &wr_config_keys[i];
        if (strcmp(key->section, section) != 0 || strcmp(key->name, name) != 0)
            continue;
        if (at->line > 0 && config->line[i] > 0)
            return refuse(why, at, "%s was set in line %d already", name,
                          config->line[i]);
        if (set_value(config, key, value) != 0)
            return refuse_value(key, value, at, why);
        config->given[i] = true;
        config->line[i] = at->line;
        return 0;
    }
    return unknown_key(section, name, at, why);
}

// ---- files -----------------------------------------------------------------

typedef struct reader {
    wr_config *config;
    wr_config_why *why;
    const char *bytes;
    size_t size, next;
    place at;   // the line that inih was given last
    int failed; // its number
} reader;

// Gives inih one line, without the space at its start: there it would mean
// that the value before it goes on.
static char *next_line(char *out, int room, void *stream) {
    reader *r = stream;
    if (r->next == r->size || r->failed != 0)
        return NULL;
    const char *line = r->bytes + r->next;
    const char *end = memchr(line, '\n', r->size - r->next);
    size_t length = end != NULL ? (size_t)(end - line) : r->size - r->next;
    r->next += length + (end != NULL);
    r->at.line++;
    while (length > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        length--;
    }
    if (length + 2 > (size_t)room) {
        refuse(r->why, &r->at, "a line of more than %d bytes", room - 2);
        r->failed = r->at.line;
        return NULL;
    }
    if (memchr(line, '\0', length) != NULL) {
        refuse(r->why, &r->at, "a zero byte");
        r->failed = r->at.line;
        return NULL;
    }
    memcpy(out, line, length);
    memcpy(out + length, "\n", 2);
    return out;
}

static int on_pair(void *user, const char *section, const char *name,
                   const char *value) {
    reader *r = user;
    if (r->failed != 0)
        return 0;
    int error;
    if (section[0] == '\0')
        error =
            refuse(r->why, &r->at, "%.60s stands before any [section]", name);
    else
        error = set_key(r->config, section, name, value, &r->at, r->why);
    if (error != 0)
        r->failed = r->at.line;
    return error == 0;
}

int wr_config_bytes(wr_config *config, const char *name, const void *bytes,
                    size_t size, wr_config_why *why) {
    wr_config changed = *config;
    memset(changed.line, 0, sizeof(changed.line)); // of an earlier file
    changed.file = name;
    reader r = {.config = &changed,
                .why = why,
                .bytes = bytes,
                .size = size,
                .at = {.name = name}};
    if (size > WR_CONFIG_FILE_MAX)
        return refuse(why, &r.at, "more than %d bytes", WR_CONFIG_FILE_MAX);
    int line = ini_parse_stream(next_line, &r, on_pair, &r);
    if (line < 0)
        return refuse(why, &r.at, "no memory");
    // inih goes on after a line that it does not understand.
    if (line > 0 && (r.failed == 0 || line < r.failed)) {
        r.at.line = line;
        return refuse(why, &r.at,
                      "neither a [section], nor key = value, nor a comment");
    }
    if (r.failed != 0)
        return -EINVAL;
    *config = changed;
    return 0;
}

int wr_config_file(wr_config *config, const char *path, wr_config_why *why) {
    place at = {.name = path};
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        int error = -errno;
        refuse(why, &at, "%s", strerror(-error));
        return error;
    }
    char *bytes = malloc(WR_CONFIG_FILE_MAX + 1);
    size_t size = 0;
    int error = bytes == NULL ? -ENOMEM : 0;
    if (error == 0) {
        size = fread(bytes, 1, WR_CONFIG_FILE_MAX + 1, file);
        if (ferror(file))
            error = errno > 0 ? -errno : -EIO; // a directory, too
    }
    fclose(file);
    if (error == 0)
        error = wr_config_bytes(config, path, bytes, size, why);
    else
        refuse(why, &at, "%s", strerror(-error));
    free(bytes);
    return error;
}

int wr_config_set(wr_config *config, const char *text, wr_config_why *why) {
    place at = {.name = "--set"};
    const char *dot = strchr(text, '.');
    const char *equals = strchr(text, '=');
    if (dot == NULL || equals == NULL || dot > equals)
        return refuse(why, &at, "%.100s: it is section.key=value", text);
    char section[50], name[50];
    if (dot - text >= (ptrdiff_t)sizeof(section) ||
        equals - dot > (ptrdiff_t)sizeof(name))
        return refuse(why, &at, "%.100s: no key is as long as that", text);
    snprintf(section, sizeof(section), "%.*s", (int)(dot - text), text);
    snprintf(name, sizeof(name), "%.*s", (int)(equals - dot - 1), dot + 1);
    return set_key(config, section, name, equals + 1, &at, why);
}

// ---- all of it -------------------------------------------------------------

static void set_default(wr_config *config, const wr_config_key *key) {
    const char *value = key->mixed;
    if (config->profile == WR_PROFILE_MANY_REQUESTS && key->many != NULL)
        value = key->many;
    if (config->profile == WR_PROFILE_BATCH && key->batch != NULL)
        value = key->batch;
    if (set_value(config, key, value) != 0)
        abort(); // the table is wrong
}

void wr_config_init(wr_config *config) {
    memset(config, 0, sizeof(*config));
    config->service = (wr_service_options)WR_SERVICE_OPTIONS_INIT;
    for (int i = 0; i < wr_config_keys_count; i++)
        set_default(config, &wr_config_keys[i]);
}

// The line of the key at this field, or the option, for a refusal.
static place place_of(const wr_config *config, const void *at) {
    for (int i = 0; i < wr_config_keys_count; i++)
        if (field(config, &wr_config_keys[i]) == at && config->line[i] > 0)
            return (place){config->file, config->line[i]};
    return (place){"configuration", 0};
}

int wr_config_finish(wr_config *config, wr_config_why *why) {
    for (int i = 0; i < wr_config_keys_count; i++)
        if (!config->given[i] && strcmp(wr_config_keys[i].name, "profile") != 0)
            set_default(config, &wr_config_keys[i]);
    const size_t *const bodies[] = {&config->control_bytes, &config->json_bytes,
                                    &config->input_bytes,
                                    &config->service.model_bytes};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        if (*bodies[i] <= config->bodies_bytes)
            continue;
        place at = place_of(config, bodies[i]);
        if (at.line == 0)
            at = place_of(config, &config->bodies_bytes);
        return refuse(why, &at,
                      "bodies_bytes must be as large as the largest of "
                      "control_bytes, json_bytes, input_bytes and model_bytes");
    }
    if (config->service.batch_ns >= config->service.request_ns) {
        place at = place_of(config, &config->service.batch_ns);
        return refuse(why, &at,
                      "[batching] wait must be less than [limits] "
                      "request");
    }
    return 0;
}

static void value_text(const wr_config *config, const wr_config_key *key,
                       char text[WR_CONFIG_TEXT]) {
    const void *at = field(config, key);
    int number;
    memcpy(&number, at, sizeof(number));
    switch (key->kind) {
    case WR_CONFIG_SIZE: wr_config_size_text(text, *(const size_t *)at); break;
    case WR_CONFIG_TIME: wr_config_time_text(text, *(const int64_t *)at); break;
    case WR_CONFIG_CHOICE:
        snprintf(text, WR_CONFIG_TEXT, "%s", key->words[number]);
        break;
    case WR_CONFIG_ADDRESS:
        snprintf(text, WR_CONFIG_TEXT, "%s", (const char *)at);
        break;
    case WR_CONFIG_THREADS:
        if (number == WR_CONFIG_THREADS_ALL ||
            number == WR_CONFIG_THREADS_BESIDE) {
            snprintf(text, WR_CONFIG_TEXT, "%s",
                     number == WR_CONFIG_THREADS_ALL ? "all" : "beside-loop");
            break;
        }
        snprintf(text, WR_CONFIG_TEXT, "%d", number);
        break;
    default: snprintf(text, WR_CONFIG_TEXT, "%d", number); break;
    }
}

void wr_config_print(const wr_config *config, FILE *out) {
    const char *section = "";
    for (int i = 0; i < wr_config_keys_count; i++) {
        const wr_config_key *key = &wr_config_keys[i];
        if (strcmp(section, key->section) != 0)
            fprintf(out, "%s[%s]\n", i == 0 ? "" : "\n", key->section);
        section = key->section;
        char text[WR_CONFIG_TEXT];
        value_text(config, key, text);
        fprintf(out, "%s = %s\n", key->name, text);
    }
}

void wr_config_help(FILE *out) {
    const char *section = "";
    for (int i = 0; i < wr_config_keys_count; i++) {
        const wr_config_key *key = &wr_config_keys[i];
        if (strcmp(section, key->section) != 0)
            fprintf(out, "  [%s]\n", key->section);
        section = key->section;
        fprintf(out, "    %-24s %-10s %s\n", key->name, key->mixed, key->help);
    }
}
