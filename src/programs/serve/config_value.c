// SPDX-License-Identifier: MIT
#include "programs/serve/config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

typedef struct unit {
    const char *name;
    uint64_t times;
} unit;

// Of several with the same value the first is the one that is printed.
static const unit sizes[] = {
    {"GiB", 1u << 30}, {"G", 1u << 30},     {"MiB", 1u << 20},  {"M", 1u << 20},
    {"KiB", 1024},     {"K", 1024},         {"GB", 1000000000}, {"MB", 1000000},
    {"KB", 1000},      {"TiB", 1ull << 40}, {"B", 1},
};
static const unit times[] = {
    {"h", 3600000000000ull},
    {"min", 60000000000ull},
    {"s", 1000000000},
    {"ms", 1000000},
    {"us", 1000},
    {"ns", 1},
};
enum {
    SIZES = sizeof(sizes) / sizeof(sizes[0]),
    TIMES = sizeof(times) / sizeof(times[0]),
};

// The digits at the start of text, and how many they are.
static int digits(const char *text, uint64_t *out, size_t *length) {
    uint64_t number = 0;
    size_t at = 0;
    for (; text[at] >= '0' && text[at] <= '9'; at++) {
        unsigned digit = (unsigned)(text[at] - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return -ERANGE;
        number = number * 10 + digit;
    }
    *out = number;
    *length = at;
    return at > 0 ? 0 : -EINVAL;
}

static int with_unit(const char *text, const unit *units, size_t count,
                     uint64_t *out) {
    uint64_t number;
    size_t length;
    int error = digits(text, &number, &length);
    if (error != 0)
        return error;
    const char *name = text + length;
    while (*name == ' ')
        name++;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(name, units[i].name) != 0)
            continue;
        if (number > UINT64_MAX / units[i].times)
            return -ERANGE;
        *out = number * units[i].times;
        return 0;
    }
    *out = number;
    return *name == '\0' ? 1 : -EINVAL; // 1: it has none
}

int wr_config_size(const char *text, uint64_t *out) {
    int error = with_unit(text, sizes, SIZES, out);
    return error > 0 ? 0 : error;
}

int wr_config_time(const char *text, int64_t *out) {
    uint64_t ns;
    int error = with_unit(text, times, TIMES, &ns);
    if (error < 0)
        return error;
    if (error > 0 && ns != 0)
        return -EINVAL; // 30 what?
    if (ns > INT64_MAX)
        return -ERANGE;
    *out = (int64_t)ns;
    return 0;
}

int wr_config_count(const char *text, int64_t *out) {
    uint64_t number;
    size_t length;
    int error = digits(text, &number, &length);
    if (error != 0)
        return error;
    if (text[length] != '\0')
        return -EINVAL;
    if (number > INT64_MAX)
        return -ERANGE;
    *out = (int64_t)number;
    return 0;
}

static void number_text(char text[WR_CONFIG_NUMBER], uint64_t number,
                        const unit *units, size_t count) {
    const unit *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (number != 0 && number % units[i].times == 0 &&
            (best == NULL || units[i].times > best->times))
            best = &units[i];
    if (best == NULL || best->times == 1)
        snprintf(text, WR_CONFIG_NUMBER, "%" PRIu64 "%s", number,
                 best != NULL && units == times ? best->name : "");
    else
        snprintf(text, WR_CONFIG_NUMBER, "%" PRIu64 "%s", number / best->times,
                 best->name);
}

void wr_config_size_text(char text[WR_CONFIG_NUMBER], uint64_t size) {
    number_text(text, size, sizes, SIZES);
}

void wr_config_time_text(char text[WR_CONFIG_NUMBER], int64_t ns) {
    number_text(text, (uint64_t)ns, times, TIMES);
}
