// SPDX-License-Identifier: MIT
// Intrusive doubly linked list. A list is a ring through its own head; a link
// that is all zero, or was removed, is in no list. Not thread safe: the user
// says which lock guards it.
#ifndef WR_LIST_H
#define WR_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct wr_link wr_link;
struct wr_link {
    wr_link *next;
    wr_link *prev;
};

static inline void wr_list_init(wr_link *list) {
    list->next = list;
    list->prev = list;
}

static inline bool wr_list_empty(const wr_link *list) {
    return list->next == list;
}

static inline bool wr_link_linked(const wr_link *link) {
    return link->next != NULL;
}

static inline void wr_list_insert_after(wr_link *where, wr_link *link) {
    link->prev = where;
    link->next = where->next;
    where->next->prev = link;
    where->next = link;
}

static inline void wr_list_push_front(wr_link *list, wr_link *link) {
    wr_list_insert_after(list, link);
}

static inline void wr_list_push_back(wr_link *list, wr_link *link) {
    wr_list_insert_after(list->prev, link);
}

static inline void wr_list_remove(wr_link *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = NULL;
    link->prev = NULL;
}

// wr_list_pop_front removes and returns the first link, or NULL.
static inline wr_link *wr_list_pop_front(wr_link *list) {
    wr_link *first = list->next;
    if (first == list)
        return NULL;
    wr_list_remove(first);
    return first;
}

// wr_list_splice_back moves all links of `from` to the end of `list`.
static inline void wr_list_splice_back(wr_link *list, wr_link *from) {
    if (wr_list_empty(from))
        return;
    from->next->prev = list->prev;
    list->prev->next = from->next;
    from->prev->next = list;
    list->prev = from->prev;
    wr_list_init(from);
}

// wr_list_splice_front moves all links of `from` to the front of `list`.
static inline void wr_list_splice_front(wr_link *list, wr_link *from) {
    if (wr_list_empty(from))
        return;
    from->prev->next = list->next;
    list->next->prev = from->prev;
    from->next->prev = list;
    list->next = from->next;
    wr_list_init(from);
}

// wr_list_cut_front moves what `from` has up to `last` to `list`, which is
// empty.
static inline void wr_list_cut_front(wr_link *list, wr_link *from,
                                     wr_link *last) {
    list->next = from->next;
    list->prev = last;
    from->next = last->next;
    from->next->prev = from;
    list->next->prev = list;
    last->next = list;
}

#endif
