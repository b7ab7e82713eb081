// SPDX-License-Identifier: MIT
// Text that grows, JSON strings, and how things are called.
#include "programs/deps/resolve_parts.h"

#include <stdio.h>

void wr_resolve_put(wr_resolve_page *page, const char *text, size_t size) {
    if (page->failed)
        return;
    if (size > page->room - page->size) {
        size_t room = page->room < 4096 ? 4096 : page->room;
        while (room - page->size < size && room < SIZE_MAX / 2)
            room *= 2;
        char *more = room - page->size >= size ? realloc(page->at, room) : NULL;
        if (more == NULL) {
            page->failed = true;
            return;
        }
        page->at = more;
        page->room = room;
    }
    if (size != 0)
        memcpy(page->at + page->size, text, size);
    page->size += size;
}

void wr_resolve_puts(wr_resolve_page *page, const char *text) {
    wr_resolve_put(page, text, strlen(text));
}

// Source: The Unicode Standard, table 3-7.
size_t wr_resolve_character(const unsigned char *at, size_t size) {
    if (at[0] < 0x80)
        return 1;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || length > size)
        return 0;
    unsigned char low = 0x80, high = 0xbf;
    if (at[0] == 0xe0)
        low = 0xa0;
    if (at[0] == 0xed)
        high = 0x9f;
    if (at[0] == 0xf0)
        low = 0x90;
    if (at[0] == 0xf4)
        high = 0x8f;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

static void put_escaped(wr_resolve_page *page, unsigned char byte) {
    char text[8];
    if (byte == '"' || byte == '\\')
        snprintf(text, sizeof(text), "\\%c", byte);
    else if (byte == '\n')
        snprintf(text, sizeof(text), "\\n");
    else if (byte == '\t')
        snprintf(text, sizeof(text), "\\t");
    else if (byte < 0x80)
        snprintf(text, sizeof(text), "\\u%04x", byte);
    else // no UTF-8: what stands for that
        snprintf(text, sizeof(text), "\\ufffd");
    wr_resolve_puts(page, text);
}

static bool is_plain(unsigned char byte) {
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

// How many bytes are plain, from the first on.
static size_t plain_size(const unsigned char *at, size_t size) {
    const uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, 8);
        uint64_t quote = word ^ '"' * ones, slash = word ^ '\\' * ones;
        uint64_t last = word ^ 0x7f * ones;
        // A borrow may find too many, which the loop below looks at again.
        if (((word | (word - ' ' * ones) | (quote - ones) | (slash - ones) |
              (last - ones)) &
             tops) != 0)
            break;
    }
    while (i < size && is_plain(at[i]))
        i++;
    return i;
}

void wr_resolve_escape(wr_resolve_page *page, wr_text text) {
    const unsigned char *at = (const unsigned char *)text.at;
    size_t plain = 0, i = 0;
    while (i < text.size) {
        i += plain_size(at + i, text.size - i);
        if (i == text.size)
            break;
        size_t length =
            at[i] >= 0x80 ? wr_resolve_character(at + i, text.size - i) : 0;
        if (length != 0) {
            i += length;
            continue;
        }
        wr_resolve_put(page, text.at + plain, i - plain);
        put_escaped(page, at[i++]);
        plain = i;
    }
    wr_resolve_put(page, text.at + plain, i - plain);
}

void wr_resolve_quote(wr_resolve_page *page, wr_text text) {
    wr_resolve_put(page, "\"", 1);
    wr_resolve_escape(page, text);
    wr_resolve_put(page, "\"", 1);
}

void wr_resolve_by(const wr_resolve *resolve, wr_resolve_page *page,
                   const weir_requirer *requirer) {
    if (requirer->item == NULL) {
        wr_resolve_puts(page, resolve->seed[requirer->tag].path);
        return;
    }
    wr_text name, spec;
    uint8_t kind;
    wr_resolve_key(requirer->item, &kind, &name, &spec);
    const wr_found *found = weir_item_value(requirer->item);
    wr_resolve_put(page, name.at, name.size);
    wr_resolve_put(page, "@", 1);
    if (found != NULL && found->why == NULL)
        wr_resolve_put(page, found->chosen->version.at,
                       found->chosen->version.size);
    else
        wr_resolve_put(page, spec.at, spec.size);
}

const wr_edge *wr_resolve_edge(const wr_resolve *resolve,
                               const weir_requirer *requirer) {
    if (requirer->item == NULL) {
        const wr_seed *seed = &resolve->seed[requirer->tag];
        return &seed->manifest->edge[seed->edge];
    }
    const wr_found *found = weir_item_value(requirer->item);
    return &found->chosen->manifest.edge[requirer->tag >> WR_TAG_EDGE];
}
