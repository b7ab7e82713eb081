// SPDX-License-Identifier: MIT
// Numbers and columns for a person. Integers only: what printf makes of a
// double depends on the program's locale.
#include "observe/types.h"

#include "base/fault.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

const char *wr_format_count(char text[WR_CELL_MAX], uint64_t count) {
    char digits[32];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
    char *to = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
    return text;
}

const char *wr_format_ns(char text[WR_CELL_MAX], uint64_t ns) {
    static const struct {
        uint64_t below; // in nanoseconds
        uint64_t unit;
        const char *name;
    } units[] = {
        {UINT64_C(1000000), 1000, "us"},
        {UINT64_C(1000000000), 1000000, "ms"},
        {UINT64_C(120000000000), 1000000000, "s"},
        {UINT64_C(7200000000000), UINT64_C(60000000000), "min"},
        {UINT64_C(172800000000000), UINT64_C(3600000000000), "h"},
        {UINT64_MAX, UINT64_C(86400000000000), "d"},
    };
    if (ns < 1000) {
        snprintf(text, WR_CELL_MAX, "%" PRIu64 " ns", ns);
        return text;
    }
    size_t i = 0;
    while (ns >= units[i].below && units[i].below != UINT64_MAX)
        i++;
    // Three digits, cut off rather than rounded: never "1000 us".
    uint64_t whole = ns / units[i].unit;
    uint64_t rest = ns % units[i].unit;
    if (whole >= 100)
        snprintf(text, WR_CELL_MAX, "%" PRIu64 " %s", whole, units[i].name);
    else if (whole >= 10)
        snprintf(text, WR_CELL_MAX, "%" PRIu64 ".%" PRIu64 " %s", whole,
                 rest / (units[i].unit / 10), units[i].name);
    else
        snprintf(text, WR_CELL_MAX, "%" PRIu64 ".%02" PRIu64 " %s", whole,
                 rest / (units[i].unit / 100), units[i].name);
    return text;
}

static bool continues(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

// One byte that has no place in a line of text becomes '?'.
void wr_format_name(char *to, size_t size, const char *from) {
    size_t length = strlen(from);
    if (length > size - 1) {
        length = size - 1;
        while (length > 0 && continues(from[length]))
            length--;
    }
    for (size_t i = 0; i < length; i++)
        to[i] = (unsigned char)from[i] < ' ' || from[i] == 127 ? '?' : from[i];
    to[length] = 0;
}

// ---- tables ----------------------------------------------------------------

enum { ROOM_FIRST = 64 };

static bool make_room(wr_table *table) {
    if (table->error != 0 || table->count < table->room)
        return table->error == 0;
    size_t room = table->room > 0 ? 2 * table->room : ROOM_FIRST;
    char(*cells)[WR_CELL_MAX] = wr_malloc(room * WR_CELL_MAX);
    if (cells == NULL) {
        table->error = -ENOMEM;
        return false;
    }
    if (table->count > 0)
        memcpy(cells, table->cells, table->count * WR_CELL_MAX);
    wr_free(table->cells);
    table->cells = cells;
    table->room = room;
    return true;
}

void wr_table_cell(wr_table *table, const char *format, ...) {
    if (!make_room(table))
        return;
    char text[2 * WR_CELL_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    wr_format_name(table->cells[table->count++], WR_CELL_MAX, text);
}

void wr_table_count(wr_table *table, uint64_t count) {
    char text[WR_CELL_MAX];
    wr_table_cell(table, "%s", wr_format_count(text, count));
}

void wr_table_ns(wr_table *table, uint64_t ns) {
    char text[WR_CELL_MAX];
    wr_table_cell(table, "%s", wr_format_ns(text, ns));
}

// Characters, of UTF-8.
static unsigned width_of(const char *text) {
    unsigned width = 0;
    for (; *text != 0; text++)
        width += !continues(*text);
    return width;
}

static unsigned column_width(const wr_table *table, unsigned column) {
    unsigned widest = 0;
    for (size_t i = column; i < table->count; i += table->columns) {
        unsigned width = width_of(table->cells[i]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void write_cell(const wr_table *table, FILE *out, size_t i,
                       unsigned width) {
    const char *text = table->cells[i];
    unsigned column = (unsigned)(i % table->columns);
    int space = (int)(width - width_of(text));
    bool last = column + 1 == table->columns;
    if (column > 0)
        fputs("  ", out);
    if ((table->left >> column & 1) == 0)
        fprintf(out, "%*s%s", space, "", text);
    else
        fprintf(out, "%s%*s", text, last ? 0 : space, "");
    if (last)
        fputc('\n', out);
}

int wr_table_write(wr_table *table, FILE *out, const char *indent) {
    unsigned widths[32] = {0};
    wr_assert(table->columns <= 32);
    for (unsigned i = 0; i < table->columns; i++)
        widths[i] = column_width(table, i);
    for (size_t i = 0; i < table->count; i++) {
        if (i % table->columns == 0)
            fputs(indent, out);
        write_cell(table, out, i, widths[i % table->columns]);
    }
    wr_free(table->cells);
    table->cells = NULL;
    return table->error;
}
