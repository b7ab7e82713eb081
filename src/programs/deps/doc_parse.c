// SPDX-License-Identifier: MIT
// Cutting a document: one pass, which writes the chosen parts one behind the
// other as it meets them and notes what becomes the tables. Nothing written is
// longer than what it was made of, but for an engine's range with escapes,
// which is there as it was and as it means: so twice the document is room
// enough, of which only the pages that are written cost anything.
#include "programs/deps/doc_image.h"
#include "programs/deps/doc_keep.h"
#include "programs/deps/doc_scan.h"
#include "programs/deps/doc_scratch.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct table {
    char *entry;
    size_t count, room;
    bool scratch; // entry is the thread's
} table;

typedef struct cutter {
    wr_scan s;
    const char *json;
    char *out; // the image to be; used: how far it is written
    size_t used;
    table versions, tags;
    bool has_versions, is_package, odd_versions;
    wr_why *why;
} cutter;

// ---- failures --------------------------------------------------------------

static int no_memory(cutter *c) {
    return wr_refuse(c->why, -ENOMEM, "ENOMEM", "no memory for a document");
}

static int not_json(cutter *c) {
    return wr_refuse(c->why, -EINVAL, "EJSONPARSE", "not JSON: %s, at byte %zu",
                     c->s.wrong, (size_t)(c->s.wrong_at - c->json));
}

static int not_a_document(cutter *c, const char *what) {
    return wr_refuse(c->why, -EINVAL, "EBADDOC", "not a package's document: %s",
                     what);
}

// ---- writing ---------------------------------------------------------------

enum { FEW_VERSIONS = 512, FEW_TAGS = 64 };

static table few(wr_doc_scratch_use use, size_t count, size_t entry_size) {
    char *entry = wr_doc_scratch_room(use, count * entry_size);
    return (table){entry, 0, entry != NULL ? count : 0, entry != NULL};
}

static void drop(table *t) {
    if (!t->scratch)
        wr_free(t->entry);
}

static void *add(table *t, size_t entry_size) {
    if (t->count == t->room) {
        size_t room = t->room == 0 ? 32 : 4 * t->room;
        char *larger = wr_malloc(room * entry_size);
        if (larger == NULL)
            return NULL;
        if (t->count > 0)
            memcpy(larger, t->entry, t->count * entry_size);
        drop(t);
        t->entry = larger;
        t->room = room;
        t->scratch = false;
    }
    return t->entry + t->count++ * entry_size;
}

static void put(cutter *c, const char *from, const char *to) {
    memcpy(c->out + c->used, from, (size_t)(to - from));
    c->used += (size_t)(to - from);
}

static void put_char(cutter *c, char one) { c->out[c->used++] = one; }

// What was between quotes. The 0 makes texts begin at different places.
static wr_doc_slice put_text(cutter *c, wr_text raw, bool escaped) {
    wr_doc_slice slice = {(uint32_t)c->used, (uint32_t)raw.size};
    if (escaped)
        slice.size = (uint32_t)wr_scan_unescape(c->out + c->used, raw);
    else
        memcpy(c->out + c->used, raw.at, raw.size);
    c->used += slice.size;
    put_char(c, 0);
    return slice;
}

// A member as it is written, after a comma or the brace before the first.
static void put_member(cutter *c, const wr_scan_object *o, const char *end) {
    if (c->out[c->used - 1] != '{')
        put_char(c, ',');
    put(c, o->key.at - 1, end);
}

// ---- reading ---------------------------------------------------------------

enum { KEY_MAX = 32 };

// What a key means, if it can be one that is looked for.
static wr_text meant(const cutter *c, wr_text key, char buffer[6 * KEY_MAX]) {
    if (!c->s.escaped || key.size > 6 * KEY_MAX)
        return key;
    return (wr_text){buffer, wr_scan_unescape(buffer, key)};
}

static bool key_is(wr_text key, const char *text) {
    return key.size == strlen(text) && memcmp(key.at, text, key.size) == 0;
}

static int next(cutter *c, wr_scan_object *o) {
    return wr_scan_member(&c->s, o);
}

// Goes behind a member's value and returns where it began, or NULL.
static const char *pass(cutter *c, wr_scan_object *o, unsigned level) {
    const char *value = o->p;
    o->p = wr_scan_value(&c->s, value, level);
    return o->p == NULL ? NULL : value;
}

// The text of a value that is a string and ends at `end`.
static wr_text inner(const char *value, const char *end) {
    return (wr_text){value + 1, (size_t)(end - value) - 2};
}

// As JavaScript sees a value that is a number, or a word.
static bool is_true(const char *value, const char *end) {
    if (*value == '"')
        return end - value > 2;
    if (*value != '-' && (*value < '0' || *value > '9'))
        return *value != 'f' && *value != 'n';
    for (; value < end && *value != 'e' && *value != 'E'; value++)
        if (*value >= '1' && *value <= '9')
            return true;
    return false;
}

// An object of which only what `keep` says is written.
static int cut_object(cutter *c, wr_scan_object *member,
                      bool (*keep)(wr_text key)) {
    char buffer[6 * KEY_MAX];
    put_member(c, member, member->p + 1);
    wr_scan_object o = {.p = member->p + 1};
    int more;
    while ((more = next(c, &o)) > 0) {
        wr_text key = meant(c, o.key, buffer);
        if (pass(c, &o, 4) == NULL)
            return -1;
        if (keep(key))
            put_member(c, &o, o.p);
    }
    put_char(c, '}');
    member->p = o.p;
    return more;
}

// engines is written whole; the place of `node` in it is noted.
static int cut_engines(cutter *c, wr_scan_object *member, wr_text *node,
                       bool *escaped) {
    char buffer[6 * KEY_MAX];
    wr_scan_object o = {.p = member->p + 1};
    int more;
    *node = (wr_text){0};
    while ((more = next(c, &o)) > 0) {
        bool is_node = key_is(meant(c, o.key, buffer), "node");
        c->s.escaped = false;
        const char *value = pass(c, &o, 4);
        if (value == NULL)
            return -1;
        if (is_node)
            *node = *value == '"' ? inner(value, o.p) : (wr_text){0};
        if (is_node)
            *escaped = c->s.escaped;
    }
    member->p = o.p;
    return more;
}

// The kinds that are not copied whole. Returns 1 if it was one of them.
static int cut_special(cutter *c, wr_scan_object *o, wr_doc_keep kind,
                       wr_text *node, bool *escaped) {
    if (kind == WR_DOC_ENGINES)
        *node = (wr_text){0};
    if (*o->p != '{')
        return 0;
    if (kind == WR_DOC_DIST)
        return cut_object(c, o, wr_doc_keep_dist) < 0 ? -1 : 1;
    if (kind == WR_DOC_SCRIPTS)
        return cut_object(c, o, wr_doc_keep_script) < 0 ? -1 : 1;
    if (kind != WR_DOC_ENGINES)
        return 0;
    if (cut_engines(c, o, node, escaped) < 0)
        return -1;
    put_member(c, o, o->p);
    // From here on, its place in the image.
    if (node->size > 0 && !*escaped)
        node->at = c->out + c->used - (o->p - node->at);
    return 1;
}

static int cut_version(cutter *c, wr_scan_object *member, wr_doc_entry *entry) {
    char buffer[6 * KEY_MAX];
    wr_text node = {0};
    bool escaped = false;
    wr_scan_object o = {.p = member->p + 1};
    entry->json.at = (uint32_t)c->used;
    put_char(c, '{');
    int more;
    while ((more = next(c, &o)) > 0) {
        wr_doc_keep kind = wr_doc_keep_member(meant(c, o.key, buffer));
        int special = cut_special(c, &o, kind, &node, &escaped);
        if (special < 0)
            return -1;
        if (special > 0)
            continue;
        const char *value = pass(c, &o, 3);
        if (value == NULL)
            return -1;
        if (kind != WR_DOC_DROP)
            put_member(c, &o, o.p);
        if (kind == WR_DOC_SAID_DEPRECATED)
            entry->flags = is_true(value, o.p) ? WR_DOC_DEPRECATED : 0;
    }
    if (more < 0)
        return -1;
    put_char(c, '}');
    entry->json.size = (uint32_t)c->used - entry->json.at;
    if (node.size > 0 && escaped)
        entry->node = put_text(c, node, true);
    else if (node.size > 0)
        entry->node =
            (wr_doc_slice){(uint32_t)(node.at - c->out), (uint32_t)node.size};
    else
        entry->node = (wr_doc_slice){entry->json.at, 0};
    member->p = o.p;
    return 0;
}

static void read_semver(const cutter *c, wr_doc_entry *entry) {
    const char *text = c->out + entry->text.at;
    wr_semver semver;
    if (entry->text.size > UINT16_MAX ||
        wr_semver_parse(&semver, text, entry->text.size, true) != 0)
        return;
    entry->flags |= WR_DOC_VALID;
    entry->major = semver.major;
    entry->minor = semver.minor;
    entry->patch = semver.patch;
    if (semver.pre.size == 0)
        return;
    entry->pre_at = (uint16_t)(semver.pre.at - text);
    entry->pre_size = (uint16_t)semver.pre.size;
}

static int cut_versions(cutter *c, wr_scan_object *member) {
    wr_scan_object o = {.p = member->p + 1};
    int more;
    c->versions.count = 0;
    while ((more = next(c, &o)) > 0) {
        if (*o.p != '{') { // of no use to anyone
            if (pass(c, &o, 2) == NULL)
                return not_json(c);
            continue;
        }
        if (c->versions.count == WR_DOC_VERSIONS_MAX)
            return wr_refuse(c->why, -E2BIG, "ETOOBIG",
                             "a document with more than %d versions",
                             (int)WR_DOC_VERSIONS_MAX);
        wr_doc_entry *entry = add(&c->versions, sizeof(*entry));
        if (entry == NULL)
            return no_memory(c);
        *entry = (wr_doc_entry){.text = put_text(c, o.key, c->s.escaped)};
        if (cut_version(c, &o, entry) < 0)
            return not_json(c);
        read_semver(c, entry);
    }
    member->p = o.p;
    return more < 0 ? not_json(c) : 0;
}

static int cut_tags(cutter *c, wr_scan_object *member) {
    wr_scan_object o = {.p = member->p + 1};
    int more;
    c->tags.count = 0;
    while ((more = next(c, &o)) > 0) {
        wr_doc_slice tag = put_text(c, o.key, c->s.escaped);
        c->s.escaped = false;
        const char *value = pass(c, &o, 2);
        if (value == NULL)
            return not_json(c);
        wr_doc_tag_entry *entry = add(&c->tags, sizeof(*entry));
        if (entry == NULL)
            return no_memory(c);
        wr_text text = *value == '"' ? inner(value, o.p) : (wr_text){o.p, 0};
        *entry = (wr_doc_tag_entry){tag, put_text(c, text, c->s.escaped)};
    }
    member->p = o.p;
    return more < 0 ? not_json(c) : 0;
}

// A member of the document itself.
static int cut_member(cutter *c, wr_scan_object *o) {
    char buffer[6 * KEY_MAX];
    wr_text key = meant(c, o->key, buffer);
    bool versions = key_is(key, "versions"), tags = key_is(key, "dist-tags");
    c->is_package |= key_is(key, "name") || key_is(key, "_id");
    if (versions && *o->p == '{') {
        c->has_versions = true;
        c->odd_versions = false;
        return cut_versions(c, o);
    }
    if (tags && *o->p == '{')
        return cut_tags(c, o);
    if (tags)
        c->tags.count = 0;
    const char *value = pass(c, o, 1);
    if (value == NULL)
        return not_json(c);
    if (!versions)
        return 0;
    c->odd_versions = is_true(value, o->p);
    c->versions.count = 0;
    c->has_versions = false;
    return 0;
}

static int cut_document(cutter *c) {
    const char *p = wr_scan_space(&c->s, c->json);
    if (p == c->s.end || *p != '{') {
        p = wr_scan_value(&c->s, p, 0);
        if (p == NULL || !wr_scan_end(&c->s, p))
            return not_json(c);
        return not_a_document(c, "it is no object");
    }
    wr_scan_object o = {.p = p + 1};
    int more;
    while ((more = next(c, &o)) > 0) {
        int error = cut_member(c, &o);
        if (error != 0)
            return error;
    }
    if (more < 0 || !wr_scan_end(&c->s, o.p))
        return not_json(c);
    if (c->odd_versions)
        return not_a_document(c, "its versions are no object");
    // One that was unpublished has a name, but no versions.
    if (!c->has_versions && !c->is_package)
        return not_a_document(c, "it has neither versions nor a name");
    return 0;
}

// ---- the tables ------------------------------------------------------------

static int compare_slices(const char *base, wr_doc_slice a, wr_doc_slice b) {
    size_t least = a.size < b.size ? a.size : b.size;
    int order = memcmp(base + a.at, base + b.at, least);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

// 0 only for the same key twice.
static int compare_keys(const char *base, const wr_doc_entry *x,
                        const wr_doc_entry *y) {
    if (((x->flags ^ y->flags) & WR_DOC_VALID) != 0)
        return (x->flags & WR_DOC_VALID) != 0 ? -1 : 1;
    if ((x->flags & WR_DOC_VALID) != 0) {
        wr_semver a = {x->major,
                       x->minor,
                       x->patch,
                       {base + x->text.at + x->pre_at, x->pre_size}};
        wr_semver b = {y->major,
                       y->minor,
                       y->patch,
                       {base + y->text.at + y->pre_at, y->pre_size}};
        int order = wr_semver_compare(&b, &a);
        if (order != 0)
            return order;
    }
    return compare_slices(base, x->text, y->text);
}

static int compare_versions(const void *a, const void *b, void *base) {
    const wr_doc_entry *x = a, *y = b;
    int order = compare_keys(base, x, y);
    return order != 0 ? order : (x->text.at < y->text.at) * 2 - 1;
}

static int compare_tags(const void *a, const void *b, void *base) {
    const wr_doc_tag_entry *x = a, *y = b;
    int order = compare_slices(base, x->tag, y->tag);
    return order != 0 ? order : (x->tag.at < y->tag.at) * 2 - 1;
}

// Mostly they come in the order in which they were made: lowest first.
static bool reverse_versions(wr_doc_entry *version, size_t count, void *base) {
    for (size_t i = 1; i < count; i++)
        if (compare_versions(&version[i - 1], &version[i], base) < 0)
            return false;
    for (size_t i = 0; i < count / 2; i++) {
        wr_doc_entry moved = version[i];
        version[i] = version[count - 1 - i];
        version[count - 1 - i] = moved;
    }
    return true;
}

// Sorted; of a key that is there twice the one that came last comes first.
static void sort_tables(cutter *c) {
    wr_doc_entry *version = (void *)c->versions.entry;
    wr_doc_tag_entry *tag = (void *)c->tags.entry;
    size_t kept = 0;
    if (!reverse_versions(version, c->versions.count, c->out))
        qsort_r(version, c->versions.count, sizeof(*version), compare_versions,
                c->out);
    for (size_t i = 0; i < c->versions.count; i++)
        if (i == 0 || compare_keys(c->out, &version[i - 1], &version[i]) != 0)
            version[kept++] = version[i];
    c->versions.count = kept;
    kept = 0;
    if (c->tags.count > 1)
        qsort_r(tag, c->tags.count, sizeof(*tag), compare_tags, c->out);
    for (size_t i = 0; i < c->tags.count; i++)
        if (i == 0 || compare_slices(c->out, tag[i - 1].tag, tag[i].tag) != 0)
            tag[kept++] = tag[i];
    c->tags.count = kept;
}

static int finish(cutter *c, wr_doc **out, size_t *image_size) {
    sort_tables(c);
    size_t versions = c->versions.count * sizeof(wr_doc_entry);
    size_t tags = c->tags.count * sizeof(wr_doc_tag_entry);
    size_t size = c->used + versions + tags;
    char *image = wr_fault(WR_FAULT_ALLOC) ? NULL : realloc(c->out, size);
    if (image == NULL)
        return no_memory(c);
    c->out = NULL;
    wr_doc_head head = {
        .magic = WR_DOC_MAGIC,
        .size = size,
        .texts = (uint32_t)c->used,
        .versions = (uint32_t)c->versions.count,
        .tags = (uint32_t)c->tags.count,
    };
    memcpy(image, &head, sizeof(head));
    if (versions > 0)
        memcpy(image + c->used, c->versions.entry, versions);
    if (tags > 0)
        memcpy(image + c->used + versions, c->tags.entry, tags);
    *out = (wr_doc *)image;
    *image_size = size;
    return 0;
}

int wr_doc_parse(wr_doc **out, size_t *image_size, const char *json,
                 size_t size, wr_why *why) {
    cutter c = {.json = json, .used = sizeof(wr_doc_head), .why = why};
    if (size > WR_DOC_BYTES_MAX)
        return wr_refuse(why, -E2BIG, "ETOOBIG",
                         "a document of %zu bytes; at most %d are read", size,
                         (int)WR_DOC_BYTES_MAX);
    wr_scan_start(&c.s, json, size);
    c.out = wr_malloc(sizeof(wr_doc_head) + 2 * size + 1);
    c.versions =
        few(WR_DOC_SCRATCH_VERSIONS, FEW_VERSIONS, sizeof(wr_doc_entry));
    c.tags = few(WR_DOC_SCRATCH_TAGS, FEW_TAGS, sizeof(wr_doc_tag_entry));
    int error = c.out == NULL ? no_memory(&c) : cut_document(&c);
    if (error == 0)
        error = finish(&c, out, image_size);
    wr_free(c.out);
    drop(&c.versions);
    drop(&c.tags);
    return error;
}
