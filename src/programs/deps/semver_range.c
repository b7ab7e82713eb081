// SPDX-License-Identifier: MIT
// Ranges: from text to sets of comparators. A range may mean something else
// where prereleases are included (npm lowers its bounds by `-0`); it has two
// lists then.
#include "programs/deps/semver_parts.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEW = 16,      // comparators without an allocation
    SCRATCH = 768, // bytes of text too
};

typedef struct builder {
    wr_comparator *at; // few, or allocated
    size_t count, room;
    size_t set; // where the present set begins
    bool any;   // the present set has "any", which goes if there is more
    bool loose, prereleases;
    bool differs; // with prereleases it is something else
    int error;
    char *text; // scratch, or allocated
    wr_comparator few[FEW];
    char scratch[SCRATCH];
} builder;

static void builder_init(builder *b, bool loose, bool prereleases) {
    b->at = b->few;
    b->count = b->set = 0;
    b->room = FEW;
    b->loose = loose;
    b->prereleases = prereleases;
    b->any = b->differs = false;
    b->error = 0;
    b->text = b->scratch;
}

static void builder_free(builder *b) {
    if (b->at != b->few)
        wr_free(b->at);
    if (b->text != b->scratch)
        wr_free(b->text);
}

static void fail(builder *b, int error) {
    if (b->error == 0)
        b->error = error;
}

// What is no comparator is left out; without `loose` it spoils the range.
static void invalid(builder *b) {
    if (!b->loose)
        fail(b, -EINVAL);
}

static void push(builder *b, const wr_comparator *comparator) {
    if (b->count == b->room) {
        wr_comparator *more = wr_malloc(2 * b->room * sizeof(*more));
        if (more == NULL) {
            fail(b, -ENOMEM);
            return;
        }
        memcpy(more, b->at, b->count * sizeof(*more));
        if (b->at != b->few)
            wr_free(b->at);
        b->at = more;
        b->room *= 2;
    }
    b->at[b->count++] = *comparator;
}

static void add(builder *b, wr_semver_op op, const wr_semver *version) {
    // Twice the same is once. In long lists nobody looks: it only matters for
    // how a range is written.
    for (size_t i = b->set; i < b->count && b->count < b->set + FEW; i++)
        if (b->at[i].op == op && wr_semver_same(&b->at[i].version, version))
            return;
    push(b, &(wr_comparator){.version = *version, .op = (uint8_t)op});
}

static bool is_zero(wr_text id) { return id.size == 1 && id.at[0] == '0'; }

static const wr_text zero = {"0", 1};

// `op` with a version as it is written; pre may be empty.
static void add_shape(builder *b, wr_semver_op op, const wr_shape *shape) {
    const wr_text *number = shape->number;
    wr_semver version = {.pre = shape->pre};
    size_t size = number[0].size + number[1].size + number[2].size + 2;
    size += shape->pre.size == 0 ? 0 : 1 + shape->pre.size;
    if (op == WR_SEMVER_GE && is_zero(number[0]) && is_zero(number[1]) &&
        is_zero(number[2])) {
        bool lowest = is_zero(shape->pre);
        b->differs |= shape->pre.size == 0 || lowest;
        if (b->prereleases ? lowest : shape->pre.size == 0) {
            b->any = true;
            return;
        }
    }
    if (size > WR_SEMVER_LENGTH_MAX ||
        !wr_number_read(&version.major, number[0]) ||
        !wr_number_read(&version.minor, number[1]) ||
        !wr_number_read(&version.patch, number[2]))
        fail(b, -EINVAL);
    else
        add(b, op, &version);
}

// The next version of a part, which is 10^21 or more: npm writes 1.1.5e+21.0
// then, which is 1.1.5-e with a build. Whatever else is written is no version.
static void add_exponent(builder *b, wr_semver_op op, const wr_shape *shape,
                         int part) {
    char text[WR_NUMBER_ROOM];
    wr_semver version = {.pre = {"e", 1}};
    wr_number_write(text, wr_number_rounded(shape->number[part]) + 1);
    if (part != 1 || text[1] != '.' || !b->loose)
        invalid(b);
    else if (!wr_number_read(&version.major, shape->number[0]) ||
             !wr_number_read(&version.minor, (wr_text){text, 1}) ||
             !wr_number_read(&version.patch,
                             (wr_text){text + 2, strcspn(text + 2, "e")}))
        fail(b, -EINVAL);
    else
        add(b, op, &version);
}

// The next version of a part (0: major, ..), the parts behind it 0.
static void add_next(builder *b, wr_semver_op op, const wr_shape *shape,
                     int part, wr_text pre) {
    uint64_t number[3] = {0};
    bool fits = true;
    for (int i = 0; i <= part; i++)
        if (!wr_number_read(&number[i], shape->number[i]))
            fits = false;
    if (!fits && wr_number_rounded(shape->number[part]) + 1 >= 1e21) {
        add_exponent(b, op, shape, part);
        return;
    }
    fits = fits && ++number[part] <= WR_SEMVER_NUMBER_MAX;
    wr_semver version = {number[0], number[1], number[2], pre};
    if (!fits)
        fail(b, -EINVAL);
    else
        add(b, op, &version);
}

// A lower bound of which only the first parts count.
static void add_low(builder *b, const wr_shape *shape, int parts) {
    wr_shape low = {.pre = {NULL, 0}};
    for (int i = 0; i < 3; i++)
        low.number[i] = i < parts ? shape->number[i] : zero;
    if (b->prereleases)
        low.pre = zero;
    b->differs = true;
    add_shape(b, WR_SEMVER_GE, &low);
}

static int parts_of(const wr_shape *shape) {
    return wr_is_x(shape->number[0])   ? 0
           : wr_is_x(shape->number[1]) ? 1
           : wr_is_x(shape->number[2]) ? 2
                                       : 3;
}

// From a version until before the next one of a part.
static void add_span(builder *b, const wr_shape *shape, int parts, int part) {
    if (parts < 3)
        add_low(b, shape, parts);
    else
        add_shape(b, WR_SEMVER_GE, shape);
    add_next(b, WR_SEMVER_LT, shape, part, zero);
}

static void add_caret(builder *b, const wr_shape *shape, int parts) {
    int part = 0;
    if (parts >= 2 && is_zero(shape->number[0]))
        part = parts == 3 && is_zero(shape->number[1]) ? 2 : 1;
    add_span(b, shape, parts, part);
}

static void add_tilde(builder *b, const wr_shape *shape, int parts) {
    add_span(b, shape, parts, parts == 1 ? 0 : 1);
}

static wr_text skip_op(wr_semver_op *op, wr_text token) {
    bool less = token.size > 0 && token.at[0] == '<';
    bool more = token.size > 0 && token.at[0] == '>';
    size_t used = less || more;
    bool equal = token.size > used && token.at[used] == '=';
    used += equal;
    *op = less   ? equal ? WR_SEMVER_LE : WR_SEMVER_LT
          : more ? equal ? WR_SEMVER_GE : WR_SEMVER_GT
                 : WR_SEMVER_EQ;
    return (wr_text){token.at + used, token.size - used};
}

// A comparison with a version that has an x: 1 or 2 parts.
static void add_partial(builder *b, wr_semver_op op, const wr_shape *shape,
                        int parts) {
    switch (op) {
    case WR_SEMVER_GT:
        b->differs = true;
        add_next(b, WR_SEMVER_GE, shape, parts - 1,
                 b->prereleases ? zero : (wr_text){NULL, 0});
        return;
    case WR_SEMVER_LE:
        add_next(b, WR_SEMVER_LT, shape, parts - 1, zero);
        return;
    case WR_SEMVER_LT: {
        wr_shape low = {.pre = zero};
        for (int i = 0; i < 3; i++)
            low.number[i] = i < parts ? shape->number[i] : zero;
        add_shape(b, WR_SEMVER_LT, &low);
        return;
    }
    case WR_SEMVER_GE: add_low(b, shape, parts); return;
    default: add_span(b, shape, parts, parts - 1); return;
    }
}

static void add_nothing(builder *b) {
    wr_semver lowest = {0, 0, 0, zero};
    add(b, WR_SEMVER_LT, &lowest);
}

// npm takes the first `*` out of what was no x-range, with its operator.
static wr_text without_star(char *text, size_t size) {
    char *star = memchr(text, '*', size);
    if (star != NULL) {
        char *end = star + 1;
        star -= star > text && star[-1] == '=';
        star -= star > text && (star[-1] == '<' || star[-1] == '>');
        memmove(star, end, size - (size_t)(end - text));
        size -= (size_t)(end - star);
    }
    return (wr_text){text, size};
}

static bool is_text(wr_text text, const char *expected) {
    return text.size == strlen(expected) &&
           memcmp(text.at, expected, text.size) == 0;
}

static void add_plain(builder *b, wr_text token) {
    wr_shape shape;
    wr_semver_op op;
    wr_text text = skip_op(&op, token);
    bool all = is_text(token, ">=0.0.0");
    bool lowest = is_text(token, ">=0.0.0-0");
    b->differs |= all || lowest;
    if (b->prereleases ? lowest : all) {
        b->any = true;
        return;
    }
    wr_semver version;
    if (!wr_shape_match(&shape, text, b->loose, false)) {
        invalid(b);
        return;
    }
    version.pre = shape.pre;
    if (text.size > WR_SEMVER_LENGTH_MAX ||
        !wr_number_read(&version.major, shape.number[0]) ||
        !wr_number_read(&version.minor, shape.number[1]) ||
        !wr_number_read(&version.patch, shape.number[2]))
        fail(b, -EINVAL);
    else
        add(b, op, &version);
}

// Returns true if it is "" in the end: any, if it is the first or the last.
static bool add_token(builder *b, char *text, size_t size) {
    wr_shape shape;
    wr_semver_op op;
    if (size == 0)
        return true;
    char sign = text[0];
    if (sign == '^' || sign == '~') {
        bool more = sign == '~' && size > 1 && text[1] == '>';
        size_t skip = more ? 2 : 1;
        wr_text rest = {text + skip, size - skip};
        if (wr_shape_match(&shape, rest, b->loose, true)) {
            int parts = parts_of(&shape);
            if (parts == 0)
                return true;
            if (sign == '^')
                add_caret(b, &shape, parts);
            else
                add_tilde(b, &shape, parts);
            return false;
        }
    }
    wr_text rest = skip_op(&op, (wr_text){text, size});
    if (wr_shape_match(&shape, rest, b->loose, true)) {
        int parts = parts_of(&shape);
        const wr_text *number = shape.number;
        bool x = wr_is_x(number[1]);
        bool order =
            parts == 0 ? x && wr_is_x(number[2]) : !x || wr_is_x(number[2]);
        if (order && parts == 0) {
            if (op != WR_SEMVER_LT && op != WR_SEMVER_GT)
                return true;
            add_nothing(b);
            return false;
        }
        if (order && parts < 3) {
            add_partial(b, op, &shape, parts);
            return false;
        }
    }
    add_plain(b, without_star(text, size));
    return false;
}

// ---- sets ------------------------------------------------------------------

static bool is_nothing(const wr_comparator *c) {
    static const wr_semver lowest = {0, 0, 0, {"0", 1}};
    return c->op == WR_SEMVER_LT && wr_semver_same(&c->version, &lowest);
}

// One that nothing satisfies makes its set that alone.
static void end_set(builder *b) {
    if (b->error != 0)
        return;
    for (size_t i = b->set; i < b->count; i++)
        if (is_nothing(&b->at[i])) {
            b->at[b->set] = b->at[i];
            b->count = b->set + 1;
            break;
        }
    if (b->count == b->set && b->any)
        push(b, &(wr_comparator){.op = WR_SEMVER_ANY});
    if (b->count > b->set)
        b->at[b->count - 1].last = true;
    b->set = b->count;
    b->any = false;
}

// Reads one side of `||`, from `text` on, which has room for a hyphen's
// meaning. Returns where the room that is left begins.
static char *add_set(builder *b, char *text, size_t size) {
    size = wr_range_strip_builds(text, size);
    char *meaning = text + size;
    size_t hyphen = wr_range_hyphen(meaning, (wr_text){text, size}, b->loose,
                                    b->prereleases, &b->differs);
    if (hyphen > 0) {
        text = meaning;
        size = wr_range_strip_builds(text, hyphen); // of 1e+21
    }
    char *end = text + size;
    size = wr_range_trim_operators(text, size);
    for (size_t i = 0; i <= size;) {
        char *space = memchr(text + i, ' ', size - i);
        size_t token = space == NULL ? size - i : (size_t)(space - text) - i;
        // What ends as "" in between vanishes when npm joins the pieces.
        bool edge = i == 0 || i + token == size;
        if (add_token(b, text + i, token) && edge)
            b->any = true;
        i += token + 1;
    }
    end_set(b);
    return end;
}

static size_t set_size(const builder *b, size_t from) {
    size_t size = 1;
    while (!b->at[from + size - 1].last)
        size++;
    return size;
}

// Of several sets those that nothing satisfies go, but for one if all do; if
// one is any, the range is any.
static void reduce(builder *b) {
    size_t kept = 0, first = b->count == 0 ? 0 : set_size(b, 0);
    if (first == b->count)
        return;
    for (size_t i = 0; i < b->count;) {
        size_t size = set_size(b, i);
        if (size == 1 && b->at[i].op == WR_SEMVER_ANY) {
            b->at[0] = b->at[i];
            b->count = 1;
            return;
        }
        if (!is_nothing(&b->at[i])) {
            memmove(b->at + kept, b->at + i, size * sizeof(*b->at));
            kept += size;
        }
        i += size;
    }
    b->count = kept > 0 ? kept : first;
}

// How much text a range may become.
static size_t room_for(const char *text, size_t size) {
    size_t sets = 1;
    for (size_t i = 0; i + 1 < size; i++)
        sets += text[i] == '|' && text[i + 1] == '|';
    return 3 * size + sets * WR_HYPHEN_ROOM;
}

static int build(builder *b, const char *text, size_t size, bool loose,
                 bool prereleases) {
    builder_init(b, loose, prereleases);
    if (size > WR_RANGE_BYTES_MAX)
        return -EINVAL;
    size_t room = room_for(text, size);
    if (room > SCRATCH && (b->text = wr_malloc(room)) == NULL) {
        b->text = b->scratch;
        return -ENOMEM;
    }
    // The text itself lies at the end: what is made of it is written before.
    char *from = b->text + room - size, *to = b->text;
    size = wr_range_squeeze(from, text, size);
    for (;;) {
        char *bar = memchr(from, '|', size);
        if (bar != NULL)
            bar = memmem(from, size, "||", 2);
        size_t side = bar == NULL ? size : (size_t)(bar - from);
        wr_text trimmed = wr_trimmed((wr_text){from, side});
        memcpy(to, trimmed.at, trimmed.size);
        to = add_set(b, to, trimmed.size);
        if (bar == NULL)
            break;
        from = bar + 2;
        size -= side + 2;
    }
    if (b->error == 0 && b->count == 0)
        b->error = -EINVAL;
    if (b->error == 0)
        reduce(b);
    return b->error;
}

// ---- what is kept ----------------------------------------------------------

static size_t pre_bytes(const builder *b) {
    size_t size = 0;
    for (size_t i = 0; i < b->count; i++)
        size += b->at[i].version.pre.size;
    return size;
}

static wr_comparators keep(const builder *b, wr_comparator *at, char **texts) {
    for (size_t i = 0; i < b->count; i++) {
        at[i] = b->at[i];
        wr_text *pre = &at[i].version.pre;
        if (pre->size > 0)
            memcpy(*texts, pre->at, pre->size);
        pre->at = *texts;
        *texts += pre->size;
    }
    return (wr_comparators){at, b->count};
}

static int pack(wr_range **out, const builder *plain, const builder *other) {
    size_t count = plain->count + (other == NULL ? 0 : other->count);
    size_t bytes = pre_bytes(plain) + (other == NULL ? 0 : pre_bytes(other));
    wr_range *range =
        wr_malloc(sizeof(*range) + count * sizeof(wr_comparator) + bytes);
    if (range == NULL)
        return -ENOMEM;
    char *texts = (char *)(range->comparator + count);
    range->plain = keep(plain, range->comparator, &texts);
    range->prereleases =
        other == NULL ? range->plain
                      : keep(other, range->comparator + plain->count, &texts);
    *out = range;
    return 0;
}

int wr_range_parse(wr_range **out, const char *text, size_t size) {
    builder plain, other;
    int error = build(&plain, text, size, true, false);
    if (error == 0 && plain.differs) {
        // Above the largest number of a version npm's bounds are no versions:
        // with prereleases such a range has nothing.
        error = build(&other, text, size, true, true);
        if (error == -EINVAL)
            other.count = 0;
        if (error != -ENOMEM)
            error = pack(out, &plain, &other);
        builder_free(&other);
    } else if (error == 0) {
        error = pack(out, &plain, NULL);
    }
    builder_free(&plain);
    return error;
}

void wr_range_free(wr_range *range) { wr_free(range); }

int wr_range_admits(wr_text range, const wr_semver *version) {
    builder b;
    int error = build(&b, range.at, range.size, false, true);
    int answer = 0;
    if (error == -ENOMEM)
        answer = error;
    else if (error == 0)
        answer = wr_comparators_have(&(wr_comparators){b.at, b.count}, version,
                                     true);
    builder_free(&b);
    return answer;
}
