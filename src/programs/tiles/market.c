// SPDX-License-Identifier: MIT
#include "programs/tiles/market.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 6, NUMBER_MAX = 64 };

typedef struct word {
    const char *at;
    size_t size;
} word;

typedef struct line {
    word words[WORDS_MAX];
    size_t count; // more than WORDS_MAX are not counted
} line;

static int wrong(const wr_tiles_market *m, wr_tiles_why *why,
                 const char *what) {
    return wr_tiles_refuse(why, -EBADMSG, "line %zu: %s", m->line, what);
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// What a message shows of a word: a few printable letters.
static const char *shown(const word *w, char out[32]) {
    size_t size = w->size < 24 ? w->size : 24;
    for (size_t i = 0; i < size; i++)
        out[i] = w->at[i] > ' ' && w->at[i] < 0x7f ? w->at[i] : '?';
    strcpy(out + size, w->size > size ? "..." : "");
    return out;
}

// The next line that has words; false: there is none.
static bool next_line(wr_tiles_market *m, line *out, bool comments) {
    while (m->next < m->end) {
        const char *at = m->next;
        const char *end = memchr(at, '\n', (size_t)(m->end - at));
        if (end == NULL)
            end = m->end;
        m->next = end < m->end ? end + 1 : end;
        m->line++;
        out->count = 0;
        if (comments && *at == '%')
            continue;
        while (out->count < WORDS_MAX) {
            while (at < end && is_space(*at))
                at++;
            if (at == end)
                break;
            word *w = &out->words[out->count++];
            for (w->at = at; at < end && !is_space(*at); at++)
                continue;
            w->size = (size_t)(at - w->at);
        }
        if (out->count != 0)
            return true;
    }
    return false;
}

static bool is(const word *w, const char *name) {
    size_t size = strlen(name);
    if (w->size != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = w->at[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != name[i])
            return false;
    }
    return true;
}

static bool to_count(const word *w, uint64_t *out) {
    uint64_t value = 0;
    for (size_t i = 0; i < w->size; i++) {
        if (w->at[i] < '0' || w->at[i] > '9' || value > UINT64_MAX / 100)
            return false;
        value = value * 10 + (uint64_t)(w->at[i] - '0');
    }
    *out = value;
    return true;
}

static int to_number(const wr_tiles_market *m, const word *w, double most,
                     double *out, wr_tiles_why *why) {
    char text[NUMBER_MAX], seen[32];
    if (w->size < sizeof(text)) {
        memcpy(text, w->at, w->size);
        text[w->size] = '\0';
        // strtod knows more: hexadecimal, infinity, a locale's comma.
        size_t good =
            strspn(text, m->integer ? "0123456789+-" : "0123456789+-.eEdD");
        for (char *d = text; (d = strpbrk(d, "dD")) != NULL;)
            *d = 'e'; // as Fortran writes it
        if (good != w->size)
            text[0] = '\0';
        char *end;
        *out = strtod(text, &end);
        if (*end == '\0' && end != text) {
            if (fabs(*out) <= most)
                return 0;
            return wr_tiles_refuse(why, -EBADMSG, "line %zu: '%s' is too large",
                                   m->line, shown(w, seen));
        }
    }
    return wr_tiles_refuse(why, -EBADMSG, "line %zu: '%s' is no %s", m->line,
                           shown(w, seen),
                           m->integer ? "integer" : "finite number");
}

// ---- head ------------------------------------------------------------------

static int read_banner(wr_tiles_market *m, wr_tiles_why *why) {
    line l = {.count = 0};
    char seen[32];
    if (m->next == m->end || !next_line(m, &l, false) || l.count != 5 ||
        !is(&l.words[0], "%%matrixmarket") || m->line != 1) {
        m->line = 1;
        return wrong(m, why,
                     "not '%%MatrixMarket matrix FORMAT FIELD SYMMETRY'");
    }
    if (!is(&l.words[1], "matrix"))
        return wr_tiles_refuse(why, -EBADMSG, "line 1: a '%s', not a 'matrix'",
                               shown(&l.words[1], seen));
    m->sparse = is(&l.words[2], "coordinate");
    if (!m->sparse && !is(&l.words[2], "array"))
        return wr_tiles_refuse(why, -EBADMSG,
                               "line 1: the format is '%s', not 'array' or "
                               "'coordinate'",
                               shown(&l.words[2], seen));
    m->pattern = is(&l.words[3], "pattern");
    m->integer = is(&l.words[3], "integer");
    if (!m->pattern && !m->integer && !is(&l.words[3], "real"))
        return wr_tiles_refuse(why, -EBADMSG,
                               "line 1: the field is '%s', not 'real', "
                               "'integer' or 'pattern'",
                               shown(&l.words[3], seen));
    if (m->pattern && !m->sparse)
        return wrong(m, why, "an 'array' cannot be a 'pattern'");
    m->symmetric = is(&l.words[4], "symmetric");
    if (!m->symmetric && !is(&l.words[4], "general"))
        return wr_tiles_refuse(why, -EBADMSG,
                               "line 1: the symmetry is '%s', not 'general' "
                               "or 'symmetric'",
                               shown(&l.words[4], seen));
    return 0;
}

int wr_tiles_market_open(wr_tiles_market *m, const char *text, size_t size,
                         wr_tiles_why *why) {
    line l;
    uint64_t rows, columns;
    *m = (wr_tiles_market){.next = text, .end = text + size};
    int error = read_banner(m, why);
    if (error != 0)
        return error;
    if (!next_line(m, &l, true)) {
        m->line++;
        return wrong(m, why, "the file ends before its size");
    }
    m->entries = 0;
    if (l.count != (m->sparse ? 3 : 2) || !to_count(&l.words[0], &rows) ||
        !to_count(&l.words[1], &columns) ||
        (m->sparse && !to_count(&l.words[2], &m->entries)))
        return wrong(m, why,
                     m->sparse ? "not 'ROWS COLUMNS ENTRIES'"
                               : "not 'ROWS COLUMNS'");
    if (rows != columns)
        return wr_tiles_refuse(
            why, -EBADMSG, "line %zu: %" PRIu64 " by %" PRIu64 " is not square",
            m->line, rows, columns);
    if (rows == 0 || rows > WR_TILES_ORDER_MAX)
        return wr_tiles_refuse(
            why, -EBADMSG, "line %zu: the order is %" PRIu64 ", not 1 to %d",
            m->line, rows, WR_TILES_ORDER_MAX);
    m->order = (size_t)rows;
    if (!m->sparse)
        m->entries = m->symmetric ? rows * (rows + 1) / 2 : rows * rows;
    return 0;
}

// ---- entries ---------------------------------------------------------------

// A sum may leave what a float holds.
static int put(const wr_tiles_market *m, const wr_tiles_matrix *out, size_t i,
               size_t j, double value, double most, wr_tiles_why *why) {
    if (m->sparse)
        value += wr_tiles_at(out, i, j);
    if (!(fabs(value) <= most))
        return wrong(m, why, "the sum of this element's entries is too large");
    wr_tiles_put(out, i, j, value);
    if (m->symmetric && i != j)
        wr_tiles_put(out, j, i, value);
    return 0;
}

static int read_place(const wr_tiles_market *m, const line *l, size_t *i,
                      size_t *j, wr_tiles_why *why) {
    uint64_t row, column;
    if (l->count != (m->pattern ? 2 : 3))
        return wrong(
            m, why, m->pattern ? "not 'ROW COLUMN'" : "not 'ROW COLUMN VALUE'");
    if (!to_count(&l->words[0], &row) || !to_count(&l->words[1], &column) ||
        row == 0 || column == 0 || row > m->order || column > m->order)
        return wr_tiles_refuse(why, -EBADMSG,
                               "line %zu: row and column are not 1 to %zu",
                               m->line, m->order);
    if (m->symmetric && row < column)
        return wrong(m, why, "above the diagonal of a symmetric matrix");
    *i = (size_t)row - 1;
    *j = (size_t)column - 1;
    return 0;
}

static int read_entry(const wr_tiles_market *m, const line *l,
                      const wr_tiles_matrix *out, size_t *i, size_t *j,
                      wr_tiles_why *why) {
    double most = out->real == WR_TILES_DOUBLE ? DBL_MAX : FLT_MAX;
    double value = 1;
    int error = 0;
    if (m->sparse)
        error = read_place(m, l, i, j, why);
    else if (l->count != 1)
        error = wrong(m, why, "not one number");
    if (error == 0 && !m->pattern)
        error = to_number(m, &l->words[m->sparse ? 2 : 0], most, &value, why);
    return error == 0 ? put(m, out, *i, *j, value, most, why) : error;
}

int wr_tiles_market_read(wr_tiles_market *m, const wr_tiles_matrix *out,
                         wr_tiles_why *why) {
    line l;
    size_t i = 0, j = 0;
    size_t column = out->order * wr_tiles_real_size(out->real);
    if (m->sparse)
        for (size_t c = 0; c < out->order; c++)
            memset((char *)out->data +
                       c * out->lead * wr_tiles_real_size(out->real),
                   0, column);
    for (uint64_t entry = 0; entry < m->entries; entry++) {
        if (!next_line(m, &l, true))
            return wr_tiles_refuse(why, -EBADMSG,
                                   "line %zu: the file ends after %" PRIu64
                                   " of %" PRIu64 " entries",
                                   m->line, entry, m->entries);
        int error = read_entry(m, &l, out, &i, &j, why);
        if (error != 0)
            return error;
        if (!m->sparse && ++i == m->order) {
            j++;
            i = m->symmetric ? j : 0;
        }
    }
    if (next_line(m, &l, true))
        return wr_tiles_refuse(why, -EBADMSG,
                               "line %zu: more than the %" PRIu64
                               " entries that there should be",
                               m->line, m->entries);
    return 0;
}
