// SPDX-License-Identifier: MIT
// Partition by many workers, with a result that depends on the range alone.
// See README.md, Sorting.
#include "parallel/sort.h"

// The range: pieces of one length from either end inward, in pairs, and a rest
// in the middle, which is a pair without a right piece.
typedef struct splitting {
    const wr_sort *sort;
    char *base;
    size_t count, piece, pairs;
    const char *pivot;
    bool or_equal;
    size_t front[WR_SPLIT_PAIRS_MAX + 1]; // of each pair: what goes first
} splitting;

static size_t split(const splitting *all, size_t from, size_t count) {
    return all->sort->kind->split(wr_sort_at(all->sort, all->base, from), count,
                                  all->pivot, all->or_equal,
                                  all->sort->context);
}

// Where the pair's pieces start; the length of both.
static void pair_of(const splitting *all, size_t i, size_t *left, size_t *right,
                    size_t *left_count, size_t *right_count) {
    *left = i * all->piece;
    if (i < all->pairs) {
        *right = all->count - (i + 1) * all->piece;
        *left_count = *right_count = all->piece;
    } else {
        *left_count = all->count - 2 * all->pairs * all->piece;
        *right = *left + *left_count;
        *right_count = 0;
    }
}

// Partitions both pieces, then swaps what is wrong on the left with what is
// wrong on the right: while it is in the cache.
static void split_pair(weir_worker *self, void *context, size_t i) {
    splitting *all = context;
    const wr_sort *sort = all->sort;
    size_t left, right, left_count, right_count;
    if (weir_cancelled(self) != 0)
        return;
    pair_of(all, i, &left, &right, &left_count, &right_count);
    size_t a = split(all, left, left_count);
    size_t b = split(all, right, right_count);
    size_t wrong = left_count - a < b ? left_count - a : b;
    wr_sort_swap(wr_sort_at(sort, all->base, left + a),
                 wr_sort_at(sort, all->base, right + b - wrong),
                 wrong * sort->size);
    all->front[i] = a + b;
}

// The next stretch of elements on the wrong side, of at most `most`. Left of
// the border those are at the end of pieces, right of it at their start.
typedef struct stretch {
    size_t next; // the piece to look at
    size_t from, to;
} stretch;

// Piece p in the order of places: left ones, the rest, right ones.
static void piece_of(const splitting *all, size_t p, size_t *from, size_t *to,
                     size_t *front) {
    size_t i = p <= all->pairs ? p : 2 * all->pairs - p;
    size_t left, right, left_count, right_count;
    pair_of(all, i, &left, &right, &left_count, &right_count);
    size_t first = all->front[i] < left_count ? all->front[i] : left_count;
    *from = p <= all->pairs ? left : right;
    *to = *from + (p <= all->pairs ? left_count : right_count);
    *front = *from + (p <= all->pairs ? first : all->front[i] - first);
}

static void find_left(const splitting *all, stretch *s, size_t border) {
    while (s->from == s->to && s->next <= 2 * all->pairs) {
        size_t from, to, front;
        piece_of(all, s->next++, &from, &to, &front);
        s->from = front < border ? front : border;
        s->to = to < border ? to : border;
    }
}

static void find_right(const splitting *all, stretch *s, size_t border) {
    while (s->from == s->to && s->next <= 2 * all->pairs) {
        size_t from, to, front;
        piece_of(all, s->next++, &from, &to, &front);
        s->from = from > border ? from : border;
        s->to = front > border ? front : border;
    }
}

// The pairs were not cut at the same place: swaps what is left on wrong sides.
static void settle(splitting *all, size_t border) {
    const wr_sort *sort = all->sort;
    stretch left = {0, 0, 0};
    stretch right = {0, 0, 0};
    for (;;) {
        find_left(all, &left, border);
        find_right(all, &right, border);
        size_t count = left.to - left.from;
        if (right.to - right.from < count)
            count = right.to - right.from;
        if (count == 0)
            return;
        wr_sort_swap(wr_sort_at(sort, all->base, left.from),
                     wr_sort_at(sort, all->base, right.from),
                     count * sort->size);
        left.from += count;
        right.from += count;
    }
}

int wr_sort_split(weir_worker *self, const wr_sort *sort, char *base,
                  size_t count, const char *pivot, bool or_equal,
                  size_t *front) {
    if (count < WR_SPLIT_MIN) {
        *front = sort->kind->split(base, count, pivot, or_equal, sort->context);
        return 0;
    }
    splitting all;
    all.sort = sort;
    all.base = base;
    all.count = count;
    all.pivot = pivot;
    all.or_equal = or_equal;
    all.piece = WR_SPLIT_PIECE;
    if (count / 2 / all.piece > WR_SPLIT_PAIRS_MAX)
        all.piece = count / 2 / WR_SPLIT_PAIRS_MAX;
    all.pairs = count / 2 / all.piece;
    if (all.pairs > WR_SPLIT_PAIRS_MAX)
        all.pairs = WR_SPLIT_PAIRS_MAX;
    wr_sort_each(self, 0, all.pairs + 1, split_pair, &all);
    int told = weir_cancelled(self);
    if (told != 0)
        return told;
    size_t border = 0;
    for (size_t i = 0; i <= all.pairs; i++)
        border += all.front[i];
    settle(&all, border);
    *front = border;
    return 0;
}
