// SPDX-License-Identifier: MIT
// Questions to ranges.
#include "programs/deps/semver_parts.h"

#include <string.h>

static bool holds(const wr_comparator *c, const wr_semver *version) {
    if (c->op == WR_SEMVER_ANY)
        return true;
    int order = wr_semver_compare(version, &c->version);
    switch ((wr_semver_op)c->op) {
    case WR_SEMVER_LT: return order < 0;
    case WR_SEMVER_LE: return order <= 0;
    case WR_SEMVER_GT: return order > 0;
    case WR_SEMVER_GE: return order >= 0;
    default: return order == 0;
    }
}

// A prerelease counts only if the set speaks of one of the same version.
static bool allows(const wr_comparator *set, const wr_semver *version) {
    for (;; set++) {
        const wr_semver *named = &set->version;
        if (set->op != WR_SEMVER_ANY && named->pre.size > 0 &&
            named->major == version->major && named->minor == version->minor &&
            named->patch == version->patch)
            return true;
        if (set->last)
            return false;
    }
}

bool wr_comparators_have(const wr_comparators *all, const wr_semver *version,
                         bool prereleases) {
    const wr_comparator *end = all->at + all->count;
    for (const wr_comparator *set = all->at; set < end;) {
        const wr_comparator *c = set;
        bool in = true;
        for (;; c++) {
            in = in && holds(c, version);
            if (c->last)
                break;
        }
        if (in &&
            (version->pre.size == 0 || prereleases || allows(set, version)))
            return true;
        set = c + 1;
    }
    return false;
}

bool wr_range_has(const wr_range *range, const wr_semver *version,
                  bool prereleases) {
    return wr_comparators_have(prereleases ? &range->prereleases
                                           : &range->plain,
                               version, prereleases);
}

bool wr_range_is_any(const wr_range *range) {
    return range->plain.at[0].op == WR_SEMVER_ANY;
}

// ---- where a range lies ----------------------------------------------------

static int side_of(const wr_comparator *c, const wr_semver *version) {
    if (holds(c, version))
        return 0;
    switch ((wr_semver_op)c->op) {
    case WR_SEMVER_LT:
    case WR_SEMVER_LE: return 1;
    case WR_SEMVER_GT:
    case WR_SEMVER_GE: return -1;
    default: return wr_semver_compare(version, &c->version) > 0 ? 1 : -1;
    }
}

int wr_range_side(const wr_range *range, const wr_semver *version) {
    bool above = true, below = true;
    const wr_comparators *all = &range->plain;
    for (size_t i = 0; i < all->count && (above || below);) {
        bool over = false, under = false;
        for (;; i++) {
            int side = side_of(&all->at[i], version);
            over = over || side > 0;
            under = under || side < 0;
            if (all->at[i].last)
                break;
        }
        i++;
        above = above && over;
        below = below && under;
    }
    return above ? 1 : below ? -1 : 0;
}

// ---- intersection ----------------------------------------------------------

static bool is_upper(const wr_comparator *c) {
    return c->op == WR_SEMVER_LT || c->op == WR_SEMVER_LE;
}

static bool is_inclusive(const wr_comparator *c) {
    return c->op == WR_SEMVER_LE || c->op == WR_SEMVER_GE;
}

// Below a release, or a prerelease, of 0.0.0 is nothing, says npm.
static bool is_below_all(const wr_comparator *c) {
    return c->op == WR_SEMVER_LT && c->version.major == 0 &&
           c->version.minor == 0 && c->version.patch == 0;
}

static bool has_one(const wr_comparator *c, const wr_semver *version) {
    wr_comparator alone = *c;
    alone.last = true;
    return wr_comparators_have(&(wr_comparators){&alone, 1}, version, false);
}

static bool meet(const wr_comparator *a, const wr_comparator *b) {
    // The order decides: a prerelease is not in "any", "any" meets it.
    if (a->op == WR_SEMVER_ANY)
        return true;
    if (a->op == WR_SEMVER_EQ)
        return has_one(b, &a->version);
    if (b->op == WR_SEMVER_ANY)
        return true;
    if (b->op == WR_SEMVER_EQ)
        return has_one(a, &b->version);
    if (is_below_all(a) || is_below_all(b))
        return false;
    if (is_upper(a) == is_upper(b))
        return true;
    if (is_inclusive(a) && is_inclusive(b) &&
        wr_semver_same(&a->version, &b->version))
        return true;
    int order = wr_semver_compare(&a->version, &b->version);
    return is_upper(a) ? order > 0 : order < 0;
}

static const wr_comparator *end_of(const wr_comparator *set) {
    while (!set->last)
        set++;
    return set + 1;
}

static bool can_hold(const wr_comparator *set) {
    const wr_comparator *end = end_of(set);
    for (const wr_comparator *a = set; a < end; a++)
        for (const wr_comparator *b = a + 1; b < end; b++)
            if (!meet(b, a))
                return false;
    return true;
}

static bool sets_meet(const wr_comparator *a, const wr_comparator *b) {
    const wr_comparator *a_end = end_of(a), *b_end = end_of(b);
    for (const wr_comparator *x = a; x < a_end; x++)
        for (const wr_comparator *y = b; y < b_end; y++)
            if (!meet(x, y))
                return false;
    return true;
}

bool wr_range_intersects(const wr_range *a, const wr_range *b) {
    const wr_comparator *a_end = a->plain.at + a->plain.count;
    const wr_comparator *b_end = b->plain.at + b->plain.count;
    for (const wr_comparator *x = a->plain.at; x < a_end; x = end_of(x)) {
        if (!can_hold(x))
            continue;
        for (const wr_comparator *y = b->plain.at; y < b_end; y = end_of(y))
            if (can_hold(y) && sets_meet(x, y))
                return true;
    }
    return false;
}

// ---- writing ---------------------------------------------------------------

size_t wr_range_write(char *out, size_t size, const wr_range *range,
                      bool prereleases) {
    static const char *const ops[] = {"", "", "<", "<=", ">", ">="};
    const wr_comparators *all =
        prereleases ? &range->prereleases : &range->plain;
    size_t used = 0;
    if (size > 0)
        out[0] = '\0';
    for (size_t i = 0; i < all->count; i++) {
        char one[2 * WR_SEMVER_LENGTH_MAX + 96];
        const wr_comparator *c = &all->at[i];
        const char *before = i == 0 ? "" : all->at[i - 1].last ? "||" : " ";
        size_t length = strlen(before), op = strlen(ops[c->op]);
        memcpy(one, before, length);
        memcpy(one + length, ops[c->op], op);
        length += op;
        if (c->op != WR_SEMVER_ANY)
            length += wr_semver_write(one + length, sizeof(one) - length,
                                      &c->version);
        if (used < size) {
            size_t fits = size - used - 1 < length ? size - used - 1 : length;
            memcpy(out + used, one, fits);
            out[used + fits] = '\0';
        }
        used += length;
    }
    return used;
}
