// SPDX-License-Identifier: MIT
// What failed, and who wanted it.
#include "programs/deps/resolve_parts.h"

#include <stdio.h>

enum { CHAIN_MAX = 64, NAME_MAX_TOLD = 256 };
static const size_t bytes_max = (size_t)64 << 20; // so much is told

static bool is_needed(const wr_resolve *resolve, size_t index) {
    const weir_item *item = resolve->item[index];
    wr_text name, spec;
    uint8_t kind;
    wr_resolve_key(item, &kind, &name, &spec);
    return weir_item_status(item) != 0 && kind != WR_KIND_FETCH &&
           resolve->verdict[index].distance != 0;
}

// Names come from anybody: nothing of them reaches a terminal as a command, and
// no more of them than tells which one it is.
static void clean(wr_resolve_page *page, size_t from) {
    if (page->failed)
        return;
    unsigned char *at = (unsigned char *)page->at;
    bool cut = page->size - from > NAME_MAX_TOLD;
    size_t end = cut ? from + NAME_MAX_TOLD : page->size;
    for (size_t i = from; i < end;) {
        size_t length = wr_resolve_character(at + i, end - i);
        // U+0080 to U+009F are controls, too.
        bool control = at[i] < 0x20 || at[i] == 0x7f ||
                       (length == 2 && at[i] == 0xc2 && at[i + 1] < 0xa0);
        if (control || length == 0)
            memset(at + i, '?', length + (length == 0));
        i += length + (length == 0);
    }
    page->size = end;
    if (cut)
        wr_resolve_puts(page, "...");
}

static void put_name(wr_resolve_page *page, const weir_item *item) {
    wr_text name, spec;
    uint8_t kind;
    wr_resolve_key(item, &kind, &name, &spec);
    size_t from = page->size;
    wr_resolve_put(page, name.at, name.size);
    if (kind != WR_KIND_WRONG) {
        wr_resolve_puts(page, "@");
        wr_resolve_put(page, spec.at, spec.size);
    }
    clean(page, from);
}

// Where an item is in resolve->item, which is sorted by key.
static size_t index_of(const wr_resolve *resolve, const weir_item *item) {
    size_t low = 0, high = resolve->items;
    wr_text key, here;
    key.at = weir_item_key(item, &key.size);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        here.at = weir_item_key(resolve->item[middle], &here.size);
        if (wr_text_order(here, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// The item that is nearer to the project by one edge that counts: the first by
// key. NULL: the project itself; *by is told anyway.
static const weir_item *nearer(wr_resolve *resolve, size_t *index,
                               weir_requirer *by) {
    const weir_requirer *requirer;
    size_t count;
    uint32_t distance = resolve->verdict[*index].distance;
    by->item = NULL;
    by->tag = 0;
    if (weir_item_requirers(resolve->frontier, resolve->item[*index], &requirer,
                            &count) != 0)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const wr_edge *edge = wr_resolve_edge(resolve, &requirer[i]);
        if (distance != UINT32_MAX && (edge->type == WR_EDGE_OPTIONAL ||
                                       edge->type == WR_EDGE_PEER_OPTIONAL))
            continue;
        if (requirer[i].item == NULL) {
            *by = requirer[i];
            return NULL;
        }
        size_t from = index_of(resolve, requirer[i].item);
        if (distance != UINT32_MAX &&
            resolve->verdict[from].distance != distance - 1)
            continue;
        *index = from;
        *by = requirer[i];
        return requirer[i].item;
    }
    return NULL;
}

static void put_chain(wr_resolve *resolve, wr_resolve_page *page,
                      size_t index) {
    put_name(page, resolve->item[index]);
    for (int i = 0; i < CHAIN_MAX; i++) {
        weir_requirer by;
        const weir_item *item = nearer(resolve, &index, &by);
        wr_resolve_puts(page, " <- ");
        if (item == NULL) {
            const char *path =
                resolve->seeds != 0 ? resolve->seed[by.tag].path : ".";
            wr_resolve_puts(page, strcmp(path, ".") == 0 ? "project" : path);
            return;
        }
        size_t from = page->size;
        wr_resolve_by(resolve, page, &by);
        clean(page, from);
    }
    wr_resolve_puts(page, " <- ...");
}

// CODE: reason, on a line of its own, and the chain.
static void put_failure(wr_resolve *resolve, wr_resolve_page *page,
                        size_t index) {
    const weir_item *item = resolve->item[index];
    const wr_found *found = weir_item_value(item);
    int status = weir_item_status(item);
    if (found != NULL && found->why != NULL) {
        wr_resolve_puts(page, found->why->code);
        wr_resolve_puts(page, " ");
        wr_resolve_puts(page, found->why->text);
    } else {
        wr_resolve_puts(page, status == -ENOMEM ? "ENOMEM " : "EUNKNOWN ");
        wr_resolve_puts(page, weir_strerror(status));
    }
    wr_resolve_puts(page, "\n  ");
    put_chain(resolve, page, index);
    wr_resolve_puts(page, "\n");
}

static char *error_json(wr_text code, wr_text summary, wr_text detail) {
    wr_resolve_page page = {NULL, 0, 0, false};
    wr_resolve_puts(&page, "{\n  \"error\": {\n    \"code\": ");
    wr_resolve_quote(&page, code);
    wr_resolve_puts(&page, ",\n    \"summary\": ");
    wr_resolve_quote(&page, summary);
    wr_resolve_puts(&page, ",\n    \"detail\": ");
    wr_resolve_quote(&page, detail);
    wr_resolve_put(&page, "\n  }\n}\n", 8); // and the 0
    if (!page.failed)
        return page.at;
    free(page.at);
    return NULL;
}

char *wr_resolve_error_json(const char *code, const char *summary,
                            const char *detail) {
    return error_json(wr_text_of(code), wr_text_of(summary),
                      wr_text_of(detail));
}

static char *as_json(wr_resolve *resolve, size_t first,
                     const wr_resolve_page *detail) {
    const wr_found *found = weir_item_value(resolve->item[first]);
    int status = weir_item_status(resolve->item[first]);
    const char *code = status == -ENOMEM ? "ENOMEM" : "EUNKNOWN";
    const char *summary = weir_strerror(status);
    if (found != NULL && found->why != NULL) {
        code = found->why->code;
        summary = found->why->text;
    }
    return error_json(wr_text_of(code), wr_text_of(summary),
                      (wr_text){detail->at, detail->size});
}

int wr_resolve_report(wr_resolve *resolve, bool json, char **text) {
    wr_resolve_page page = {NULL, 0, 0, false};
    size_t first = SIZE_MAX, told = 0;
    *text = NULL;
    int error = weir_frontier_wait(resolve->frontier, WEIR_FOREVER, NULL);
    if (error == 0)
        error = wr_resolve_judge(resolve);
    if (error != 0 || resolve->fatal == 0)
        return error;
    for (size_t i = 0; i < resolve->items && page.size < bytes_max; i++) {
        if (!is_needed(resolve, i))
            continue;
        if (told++ == 0)
            first = i;
        put_failure(resolve, &page, i);
    }
    if (resolve->fatal > told) {
        char more[64];
        snprintf(more, sizeof(more), "and %zu more\n", resolve->fatal - told);
        wr_resolve_puts(&page, more);
    }
    if (!json) {
        wr_resolve_put(&page, "", 1);
        if (!page.failed)
            *text = page.at;
        else
            free(page.at);
    } else {
        if (!page.failed)
            *text = as_json(resolve, first, &page);
        free(page.at);
    }
    return *text != NULL ? 0 : -ENOMEM;
}
