// SPDX-License-Identifier: MIT
// Reading what nearly every version in a registry's document is, without a
// tree: flat maps of strings without escapes. jansson takes 60 ns for each
// byte, this 1. Whatever is not plain, is there twice, or is wrong: the whole
// is read in the other way, which knows what to make of it.
#include "programs/deps/doc_scan.h"
#include "programs/deps/manifest_inside.h"

#include <string.h>

typedef enum field {
    DIST = 1,
    NAME = 2,
    VERSION = 4,
    PROD = 8,
    OPTIONAL = 16,
    PEER = 32,
    PEER_META = 64,
    ODD = 128, // only an empty one is plain
    SHRINKWRAP = 256,
    OTHER = 0,
} field;

static bool is(wr_text key, const char *text, size_t size) {
    return key.size == size && memcmp(key.at, text, size) == 0;
}
#define IS(key, text) is(key, text, sizeof(text) - 1)

static field field_of(wr_text key) {
    switch (key.size) {
    case 4: return IS(key, "dist") ? DIST : IS(key, "name") ? NAME : OTHER;
    case 7: return IS(key, "version") ? VERSION : OTHER;
    case 12: return IS(key, "dependencies") ? PROD : OTHER;
    case 14: return IS(key, "_hasShrinkwrap") ? SHRINKWRAP : OTHER;
    case 16: return IS(key, "peerDependencies") ? PEER : OTHER;
    case 18:
        return IS(key, "bundleDependencies") || IS(key, "acceptDependencies")
                   ? ODD
                   : OTHER;
    case 19: return IS(key, "bundledDependencies") ? ODD : OTHER;
    case 20:
        return IS(key, "optionalDependencies")   ? OPTIONAL
               : IS(key, "peerDependenciesMeta") ? PEER_META
                                                 : OTHER;
    default: return OTHER;
    }
}

static bool is_plain(const wr_scan *s) { return !s->escaped && !s->not_plain; }

// The value at o->p, a plain string.
static bool take_text(wr_scan *s, wr_scan_object *o, wr_text *out) {
    const char *value = o->p;
    s->not_plain = false;
    if (*value != '"' || (o->p = wr_scan_value(s, value, 2)) == NULL)
        return false;
    *out = (wr_text){value + 1, (size_t)(o->p - value) - 2};
    return is_plain(s);
}

static bool take_dist(wr_manifest_plain *m, wr_scan *s,
                      wr_scan_object *member) {
    wr_scan_object o = {.p = member->p + 1};
    unsigned seen = 0;
    int more;
    if (*member->p != '{')
        return false;
    while ((more = wr_scan_member(s, &o)) > 0) {
        bool integrity = IS(o.key, "integrity"), tarball = IS(o.key, "tarball");
        bool shasum = IS(o.key, "shasum");
        wr_text *text = integrity ? &m->integrity
                        : tarball ? &m->tarball
                                  : &m->shasum;
        unsigned bit = integrity ? 1 : tarball ? 2 : shasum ? 4 : 0;
        if (s->escaped || (seen & bit) != 0)
            return false;
        seen |= bit;
        if (bit != 0 ? !take_text(s, &o, text)
                     : (o.p = wr_scan_value(s, o.p, 2)) == NULL)
            return false;
    }
    member->p = o.p;
    return more == 0;
}

static bool take_edges(wr_manifest_plain *m, wr_scan *s, wr_scan_object *member,
                       wr_edge_type type) {
    wr_scan_object o = {.p = member->p + 1};
    int more;
    if (*member->p != '{')
        return false;
    s->not_plain = false;
    while ((more = wr_scan_member(s, &o)) > 0) {
        if (m->edges == WR_MANIFEST_PLAIN_EDGES || !is_plain(s))
            return false;
        wr_edge *edge = &m->edge[m->edges++];
        edge->name = o.key;
        edge->type = type;
        if (!take_text(s, &o, &edge->spec))
            return false;
    }
    member->p = o.p;
    return more == 0;
}

static bool is_word(const char *value, const char *end, const char *word) {
    size_t size = strlen(word);
    return (size_t)(end - value) == size && memcmp(value, word, size) == 0;
}

// {"optional": true}
static bool take_optional(wr_scan *s, wr_scan_object *member, bool *optional) {
    wr_scan_object o = {.p = member->p + 1};
    int more;
    if (*member->p != '{')
        return false;
    while ((more = wr_scan_member(s, &o)) > 0) {
        const char *value = o.p;
        bool found = IS(o.key, "optional");
        if (s->escaped || (o.p = wr_scan_value(s, value, 3)) == NULL)
            return false;
        if (found)
            *optional = is_word(value, o.p, "true");
        if (found && !*optional && !is_word(value, o.p, "false"))
            return false;
    }
    member->p = o.p;
    return more == 0;
}

// Which peers may be absent; `p` is at the object that says so.
static bool mark_optional(wr_manifest_plain *m, wr_scan *s, const char *p) {
    wr_scan_object o = {.p = p + 1};
    int more;
    if (*p != '{')
        return false;
    while ((more = wr_scan_member(s, &o)) > 0) {
        bool optional = false;
        if (s->escaped || !take_optional(s, &o, &optional))
            return false;
        for (size_t i = 0; i < m->edges; i++)
            if (m->edge[i].type <= WR_EDGE_PEER_OPTIONAL &&
                is(m->edge[i].name, o.key.at, o.key.size))
                m->edge[i].type =
                    optional ? WR_EDGE_PEER_OPTIONAL : WR_EDGE_PEER;
    }
    return more == 0;
}

// By name and type: mostly they are.
static void sort_edges(wr_manifest_plain *m) {
    for (size_t i = 1; i < m->edges; i++) {
        wr_edge moved = m->edge[i];
        size_t to = i;
        for (;
             to > 0 && wr_manifest_compare_edges(&m->edge[to - 1], &moved) > 0;
             to--)
            m->edge[to] = m->edge[to - 1];
        m->edge[to] = moved;
    }
}

// One for each name, the last that npm loads. False: a name twice in one map.
static bool settle_edges(wr_manifest_plain *m) {
    size_t kept = 0;
    sort_edges(m);
    for (size_t i = 0; i < m->edges; i++) {
        const wr_edge *e = &m->edge[i];
        bool again =
            i + 1 < m->edges && is(e->name, e[1].name.at, e[1].name.size);
        if (again && e->type == e[1].type)
            return false;
        if (!again)
            m->edge[kept++] = *e;
    }
    m->edges = kept;
    return true;
}

static bool take_member(wr_manifest_plain *m, wr_scan *s, wr_scan_object *o,
                        bool legacy_peers) {
    const char *value = o->p;
    field what = field_of(o->key);
    if (s->escaped || (m->seen & what) != 0)
        return false;
    m->seen |= what;
    switch (what) {
    case DIST: return take_dist(m, s, o);
    case NAME: return take_text(s, o, &m->name);
    case VERSION: return take_text(s, o, &m->version);
    case PROD: return take_edges(m, s, o, WR_EDGE_PROD);
    case OPTIONAL: return take_edges(m, s, o, WR_EDGE_OPTIONAL);
    case PEER:
        if (!legacy_peers)
            return take_edges(m, s, o, WR_EDGE_PEER);
        break;
    case PEER_META: m->meta = value; break;
    default: break;
    }
    o->p = wr_scan_value(s, value, 1);
    if (o->p == NULL)
        return false;
    if (what == SHRINKWRAP) {
        m->has_shrinkwrap = is_word(value, o->p, "true");
        return m->has_shrinkwrap || is_word(value, o->p, "false");
    }
    return what != ODD || is_word(value, o->p, "[]") ||
           is_word(value, o->p, "{}") || is_word(value, o->p, "false");
}

bool wr_manifest_read_plain(wr_manifest_plain *m, const char *json, size_t size,
                            bool legacy_peers) {
    wr_scan s;
    int more;
    m->name = m->version = m->integrity = m->tarball = m->shasum = (wr_text){0};
    m->has_shrinkwrap = false;
    m->seen = 0;
    m->edges = 0;
    m->meta = NULL;
    wr_scan_start(&s, json, size);
    wr_scan_object o = {.p = wr_scan_space(&s, json)};
    if (o.p++ == s.end || o.p[-1] != '{')
        return false;
    while ((more = wr_scan_member(&s, &o)) > 0)
        if (!take_member(m, &s, &o, legacy_peers))
            return false;
    if (more < 0 || !wr_scan_end(&s, o.p))
        return false;
    if ((m->seen & PEER) != 0 && m->meta != NULL && !legacy_peers &&
        !mark_optional(m, &s, m->meta))
        return false;
    return settle_edges(m);
}
