// SPDX-License-Identifier: MIT
// Reading images. docs/decisions/0011 says why they look as they do.
#include "programs/deps/doc_image.h"

#include <errno.h>
#include <string.h>

static wr_doc_head head_of(const wr_doc *doc) {
    wr_doc_head head;
    memcpy(&head, doc, sizeof(head));
    return head;
}

static const char *base_of(const wr_doc *doc) { return (const char *)doc; }

static wr_text text_of(const wr_doc *doc, wr_doc_slice slice) {
    return (wr_text){base_of(doc) + slice.at, slice.size};
}

static wr_doc_entry entry_at(const wr_doc *doc, const wr_doc_head *head,
                             size_t index) {
    wr_doc_entry entry;
    memcpy(&entry, base_of(doc) + head->texts + index * sizeof(entry),
           sizeof(entry));
    return entry;
}

static wr_doc_tag_entry tag_at(const wr_doc *doc, const wr_doc_head *head,
                               size_t index) {
    wr_doc_tag_entry entry;
    memcpy(&entry,
           base_of(doc) + head->texts + head->versions * sizeof(wr_doc_entry) +
               index * sizeof(entry),
           sizeof(entry));
    return entry;
}

static bool inside(const wr_doc_head *head, wr_doc_slice slice) {
    return slice.at >= sizeof(*head) && slice.at <= head->texts &&
           slice.size <= head->texts - slice.at;
}

static bool head_is_good(const wr_doc_head *head, size_t size) {
    return head->magic == WR_DOC_MAGIC && head->size == size &&
           head->zero == 0 && head->versions <= WR_DOC_VERSIONS_MAX &&
           head->texts >= sizeof(*head) && head->texts <= size &&
           head->texts + (uint64_t)head->versions * sizeof(wr_doc_entry) +
                   (uint64_t)head->tags * sizeof(wr_doc_tag_entry) ==
               size;
}

int wr_doc_check(const void *image, size_t size) {
    const wr_doc *doc = image;
    if (size < sizeof(wr_doc_head))
        return -EINVAL;
    wr_doc_head head = head_of(doc);
    if (!head_is_good(&head, size))
        return -EINVAL;
    for (size_t i = 0; i < head.versions; i++) {
        wr_doc_entry entry = entry_at(doc, &head, i);
        if (!inside(&head, entry.text) || !inside(&head, entry.json) ||
            !inside(&head, entry.node) || (entry.flags & ~3U) != 0 ||
            (size_t)entry.pre_at + entry.pre_size > entry.text.size)
            return -EINVAL;
    }
    for (size_t i = 0; i < head.tags; i++) {
        wr_doc_tag_entry entry = tag_at(doc, &head, i);
        if (!inside(&head, entry.tag) || !inside(&head, entry.version))
            return -EINVAL;
    }
    return 0;
}

size_t wr_doc_count(const wr_doc *doc) { return head_of(doc).versions; }

static wr_semver semver_of(const wr_doc *doc, const wr_doc_entry *entry) {
    return (wr_semver){
        entry->major,
        entry->minor,
        entry->patch,
        {base_of(doc) + entry->text.at + entry->pre_at, entry->pre_size}};
}

void wr_doc_version_at(const wr_doc *doc, size_t index, wr_doc_version *out) {
    wr_doc_head head = head_of(doc);
    wr_doc_entry entry = entry_at(doc, &head, index);
    *out = (wr_doc_version){
        .text = text_of(doc, entry.text),
        .semver = semver_of(doc, &entry),
        .valid = (entry.flags & WR_DOC_VALID) != 0,
        .deprecated = (entry.flags & WR_DOC_DEPRECATED) != 0,
        .node = text_of(doc, entry.node),
        .json = text_of(doc, entry.json),
    };
}

static int compare_texts(wr_text a, wr_text b) {
    size_t least = a.size < b.size ? a.size : b.size;
    int order = least == 0 ? 0 : memcmp(a.at, b.at, least);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

// In the order of the table.
static int compare_versions(const wr_doc *doc, const wr_doc_entry *entry,
                            const wr_semver *semver, bool valid, wr_text text) {
    bool entry_valid = (entry->flags & WR_DOC_VALID) != 0;
    if (entry_valid != valid)
        return entry_valid ? -1 : 1;
    if (valid) {
        wr_semver own = semver_of(doc, entry);
        int order = wr_semver_compare(semver, &own);
        if (order != 0)
            return order;
    }
    return compare_texts(text_of(doc, entry->text), text);
}

int64_t wr_doc_find(const wr_doc *doc, wr_text version) {
    wr_doc_head head = head_of(doc);
    wr_semver semver = {0};
    bool valid = wr_semver_parse(&semver, version.at, version.size, true) == 0;
    size_t low = 0, high = head.versions;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        wr_doc_entry entry = entry_at(doc, &head, middle);
        int order = compare_versions(doc, &entry, &semver, valid, version);
        if (order == 0)
            return (int64_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

bool wr_doc_tag(const wr_doc *doc, wr_text tag, wr_text *version) {
    wr_doc_head head = head_of(doc);
    size_t low = 0, high = head.tags;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        wr_doc_tag_entry entry = tag_at(doc, &head, middle);
        int order = compare_texts(text_of(doc, entry.tag), tag);
        if (order == 0) {
            *version = text_of(doc, entry.version);
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}
