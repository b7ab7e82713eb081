// SPDX-License-Identifier: MIT
// Where settings come from: npm's dialect of INI, and the environment.
//
// Debian's inih cannot be made to agree with npm: to it a colon ends a key as
// an equals sign does, which cuts `//host/:_authToken=...` in two; see
// docs/decisions/0012. So the dialect is read here. Strings in quotes are JSON,
// which the library reads.
#include "programs/deps/npmrc_parts.h"

#include "base/fault.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int wr_npmrc_add(wr_npmrc *config, wr_npmrc_entry entry, wr_why *why) {
    if (config->of_source == WR_NPMRC_ENTRIES_MAX)
        return wr_refuse(why, -E2BIG, "ECONFIG", "%s: more than %d settings",
                         entry.place, WR_NPMRC_ENTRIES_MAX);
    if (config->entries == config->room) {
        size_t room = config->room == 0 ? 64 : 2 * config->room;
        void *more = realloc(config->entry, room * sizeof(*config->entry));
        if (more == NULL)
            return -ENOMEM;
        config->entry = more;
        config->room = room;
    }
    config->entry[config->entries++] = entry;
    config->of_source++;
    return 0;
}

// ---------------------------------------------------------------------------
// One line

// A key or a value without its quotes, escapes and comment.
typedef struct piece {
    wr_npmrc_kind kind;
    char *text; // malloc'ed
    size_t size;
} piece;

static int take(piece *out, const char *text, size_t size) {
    out->kind = WR_NPMRC_TEXT;
    out->size = size;
    out->text = wr_malloc(size + 1);
    if (out->text == NULL)
        return -ENOMEM;
    if (size > 0)
        memcpy(out->text, text, size);
    out->text[size] = '\0';
    return 0;
}

static int unquote(piece *out, wr_text text) {
    if (text.at[0] == '\'')
        text = text.size < 2 ? (wr_text){text.at, 0}
                             : (wr_text){text.at + 1, text.size - 2};
    json_t *json =
        json_loadb(text.at, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    int error;
    if (json == NULL || json_is_number(json)) {
        // No JSON, then it is as it is; of a number the digits do.
        error = take(out, text.at, text.size);
    } else if (json_is_string(json)) {
        error = take(out, json_string_value(json), json_string_length(json));
    } else {
        error = take(out, "", 0);
        out->kind = json_is_true(json)    ? WR_NPMRC_TRUE
                    : json_is_false(json) ? WR_NPMRC_FALSE
                    : json_is_null(json)  ? WR_NPMRC_NULL
                                          : WR_NPMRC_ODD;
    }
    json_decref(json);
    return error;
}

static int unescape(piece *out, wr_text text) {
    int error = take(out, text.at, text.size); // it gets no longer
    if (error != 0)
        return error;
    char *bytes = out->text;
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        if (c == ';' || c == '#')
            break;
        if (c == '\\' && i + 1 < text.size) {
            c = text.at[++i];
            if (c != '\\' && c != ';' && c != '#')
                bytes[size++] = '\\'; // it escapes nothing
        }
        bytes[size++] = c;
    }
    wr_text trimmed = wr_npmrc_trim((wr_text){bytes, size});
    memmove(bytes, trimmed.at, trimmed.size);
    bytes[trimmed.size] = '\0';
    out->size = trimmed.size;
    return 0;
}

static int piece_of(piece *out, wr_text text) {
    text = wr_npmrc_trim(text);
    char first = text.size > 0 ? text.at[0] : '\0';
    if ((first == '"' || first == '\'') && text.at[text.size - 1] == first)
        return unquote(out, text);
    return unescape(out, text);
}

static wr_npmrc_kind kind_of(const char *text) {
    return strcmp(text, "true") == 0    ? WR_NPMRC_TRUE
           : strcmp(text, "false") == 0 ? WR_NPMRC_FALSE
           : strcmp(text, "null") == 0  ? WR_NPMRC_NULL
                                        : WR_NPMRC_TEXT;
}

static bool holds_zero(const char *text, size_t size) {
    return size > 0 && memchr(text, '\0', size) != NULL;
}

// Adds a setting, ${} replaced. Of one that nobody asks for nothing is kept.
static int settle(wr_npmrc *config, wr_npmrc_entry entry, wr_text key,
                  wr_text value, wr_why *why) {
    size_t size;
    int error = wr_npmrc_expand(config, key, &entry.key, &size);
    if (error != 0 || holds_zero(entry.key, size) ||
        !wr_npmrc_is_key(entry.key))
        return error == -ENOMEM ? error : 0;
    if (entry.kind == WR_NPMRC_TEXT) {
        error = wr_npmrc_expand(config, value, &entry.text, &size);
        if (error == 0 && holds_zero(entry.text, size))
            return wr_npmrc_refuse(&entry, "has a character 0 in it", why);
        if (error == -E2BIG)
            return wr_npmrc_refuse(&entry, "is too long", why);
    }
    return error != 0 ? error : wr_npmrc_add(config, entry, why);
}

static int read_pair(wr_npmrc *config, wr_npmrc_entry entry, wr_text line,
                     wr_why *why) {
    piece key = {0}, value = {.kind = WR_NPMRC_TRUE};
    const char *equals = memchr(line.at, '=', line.size);
    size_t key_size = equals == NULL ? line.size : (size_t)(equals - line.at);
    int error = piece_of(&key, (wr_text){line.at, key_size});
    if (error == 0 && equals != NULL) {
        error =
            piece_of(&value, (wr_text){equals + 1, line.size - key_size - 1});
        if (error == 0 && value.kind == WR_NPMRC_TEXT)
            value.kind = kind_of(value.text);
    }
    if (error == 0 && key.kind == WR_NPMRC_TEXT) {
        entry.kind = value.kind;
        entry.list =
            key.size > 2 && memcmp(key.text + key.size - 2, "[]", 2) == 0;
        wr_text plain = {key.text, key.size - (entry.list ? 2 : 0)};
        wr_text trimmed = wr_npmrc_trim(
            (wr_text){value.text == NULL ? "" : value.text, value.size});
        error = settle(config, entry, plain, trimmed, why);
    }
    wr_free(key.text);
    wr_free(value.text);
    return error;
}

// ---------------------------------------------------------------------------
// All lines

// "[name]" and white space: what follows belongs to a section, of which npm's
// settings have none.
static bool is_section(wr_text line) {
    if (line.at[0] != '[')
        return false;
    const char *end = memchr(line.at, ']', line.size);
    if (end == NULL)
        return false;
    wr_text rest = {end + 1, line.size - (size_t)(end + 1 - line.at)};
    return wr_npmrc_trim(rest).size == 0;
}

int wr_npmrc_read_bytes(wr_npmrc *config, wr_npmrc_source source,
                        const char *name, const char *bytes, size_t size,
                        wr_why *why) {
    config->of_source = 0;
    wr_npmrc_entry entry = {.source = source, .place = name};
    bool section = false;
    for (size_t at = 0; at < size;) {
        entry.line++;
        size_t end = at;
        while (end < size && bytes[end] != '\n' && bytes[end] != '\r')
            end++;
        wr_text line = {bytes + at, end - at};
        at = end + 1;
        if (end + 1 < size && bytes[end] == '\r' && bytes[end + 1] == '\n')
            at++;
        wr_text trimmed = wr_npmrc_trim(line);
        if (trimmed.size == 0 || trimmed.at[0] == ';' || trimmed.at[0] == '#')
            continue;
        if (is_section(line)) {
            section = true;
            continue;
        }
        if (section || line.at[0] == '=')
            continue;
        int error = read_pair(config, entry, line, why);
        if (error != 0)
            return error;
    }
    return 0;
}

// npm_config_FETCH_RETRIES is fetch-retries; npm_config_//host/:_authToken is
// as it is; an underscore at the beginning stays (npm_config__auth).
static void name_variable(char *key) {
    if (key[0] == '/' && key[1] == '/')
        return;
    for (size_t i = 0; key[i] != '\0'; i++) {
        if (key[i] == '_' && i > 0)
            key[i] = '-';
        else if (key[i] >= 'A' && key[i] <= 'Z')
            key[i] = (char)(key[i] - 'A' + 'a');
    }
}

int wr_npmrc_read_environment(wr_npmrc *config, wr_why *why) {
    static const char prefix[] = "npm_config_";
    const size_t skip = sizeof(prefix) - 1;
    char *const *at = config->options->environment;
    config->of_source = 0;
    for (; at != NULL && *at != NULL; at++) {
        size_t size = strcspn(*at, "=");
        const char *value = *at + size;
        if (size <= skip || strncasecmp(*at, prefix, skip) != 0 ||
            value[0] == '\0' || value[1] == '\0')
            continue;
        char *name = wr_npmrc_copy(config, *at, size);
        char *key = wr_npmrc_copy(config, *at + skip, size - skip);
        if (name == NULL || key == NULL)
            return -ENOMEM;
        name_variable(key);
        wr_npmrc_entry entry = {.source = WR_NPMRC_ENVIRONMENT, .place = name};
        wr_text text = wr_npmrc_trim((wr_text){value + 1, strlen(value + 1)});
        char *plain = wr_npmrc_copy(config, text.at, text.size);
        if (plain == NULL)
            return -ENOMEM;
        entry.kind = kind_of(plain);
        int error =
            settle(config, entry, (wr_text){key, size - skip}, text, why);
        if (error != 0)
            return error;
    }
    return 0;
}
