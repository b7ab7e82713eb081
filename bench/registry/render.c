// SPDX-License-Identifier: MIT
// Documents, in the shapes that registries send, with fields of usual sizes.
#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void put_noise(text *to, uint64_t about, unsigned count,
                      const char *digits, unsigned mask) {
    char out[128];
    uint64_t dice = 0;
    for (unsigned i = 0; i < count; i++) {
        if (i % 8 == 0)
            dice = registry_mix(about, i);
        out[i] = digits[dice & mask];
        dice >>= 8;
    }
    text_add(to, out, count);
}

static const char *basename_of(const char *name) {
    const char *slash = strchr(name, '/');
    return slash != NULL ? slash + 1 : name;
}

static void put_dist(const model *m, const package *p, const char *number,
                     uint64_t about, text *to) {
    text_put(to, "\"dist\":{\"integrity\":\"sha512-");
    put_noise(to, about, 86, base64, 63);
    text_put(to, "==\",\"shasum\":\"");
    put_noise(to, about + 1, 40, "0123456789abcdef", 15);
    text_format(to, "\",\"tarball\":\"%s%s/-/%s-%s.tgz\",\"fileCount\":%u,",
                m->tarballs, p->name, basename_of(p->name), number,
                4 + (unsigned)(about % 90));
    text_format(to, "\"unpackedSize\":%u,\"signatures\":[{\"keyid\":\"SHA256:",
                1000 + (unsigned)(registry_mix(about, 3) % 300000));
    put_noise(to, 7, 43, base64, 63);
    text_put(to, "\",\"sig\":\"MEUCIQ");
    put_noise(to, about + 2, 89, base64, 63);
    text_put(to, "=\"}]}");
}

// One map of needs: of a kind, or for peers the one of their properties.
static void put_needs(const model *m, const package *p, unsigned at,
                      need_kind kind, bool meta, text *to) {
    static const char *const keys[] = {"dependencies", "optionalDependencies",
                                       "peerDependencies"};
    const char *before = NULL;
    char start[48], range[128];
    snprintf(start, sizeof(start), "\"%s\":{",
             meta ? "peerDependenciesMeta" : keys[kind]);
    before = start;
    for (unsigned i = 0; i < p->needs_count; i++) {
        const need *n = &p->needs[i];
        if (n->kind != kind || n->since > at || (meta && !n->optional))
            continue;
        const char *name = m->packages[n->target]->name;
        if (meta) {
            text_format(to, "%s\"%s\":{\"optional\":true}", before, name);
        } else {
            model_range(m, n, p->versions[at].major, range, sizeof(range));
            if (n->alias)
                text_format(to, "%s\"%s-too\":\"npm:%s@%s\"", before,
                            basename_of(name), name, range);
            else
                text_format(to, "%s\"%s\":\"%s\"", before, name, range);
        }
        before = ",";
    }
    if (before != start)
        text_put(to, "},");
}

// What it is built with: only its size matters, nobody asks for these.
static void put_tools(const model *m, const package *p, unsigned at, text *to) {
    static const char *const tools[] = {
        "test-harness", "linter-config", "bundle-maker", "type-checker",
        "doc-writer",   "coverage-tool", "mock-clock",   "release-helper",
        "code-printer", "task-runner",   "browser-pool", "snapshot-diff"};
    uint64_t dice = registry_mix(m->seed + 77, p->index);
    unsigned count = 1 + (unsigned)(dice % 3),
             first = (unsigned)(dice >> 8) % 12;
    text_put(to, "\"devDependencies\":{");
    for (unsigned i = 0; i < count; i++) {
        uint64_t d = registry_mix(dice, i * 64 + p->versions[at].minor / 3 +
                                            p->versions[at].major * 8);
        text_format(to, "%s\"%s\":\"^%u.%u.%u\"", i > 0 ? "," : "",
                    tools[(first + i * 5) % 12], (unsigned)(d % 9),
                    (unsigned)(d >> 8) % 20, (unsigned)(d >> 16) % 8);
    }
    text_put(to, "},");
}

static void put_platform(const package *p, text *to) {
    static const char *const systems[] = {"linux", "darwin", "win32"};
    static const char *const processors[] = {"x64", "arm64"};
    if (!p->platform)
        return;
    text_format(to, "\"os\":[\"%s\"],\"cpu\":[\"%s\"],", systems[p->index % 3],
                processors[p->index / 3 % 2]);
}

static void put_version(const model *m, package *p, unsigned at, bool full,
                        text *to) {
    version *v = &p->versions[at];
    char number[48];
    version_write(v, number, sizeof(number));
    uint64_t about = registry_mix(m->seed + p->index * 131, at);
    uint64_t fixed = registry_mix(m->seed + 5, p->index);
    text_format(to, "\"%s\":", number);
    if (!full)
        v->at = to->size;
    text_format(to, "{\"name\":\"%s\",\"version\":\"%s\",", p->name, number);
    if (full)
        text_format(to,
                    "\"_id\":\"%s@%s\",\"description\":\"A generated package "
                    "of level %u\",\"license\":\"MIT\",\"main\":\"index.js\","
                    "\"scripts\":{\"test\":\"node test.js\"},\"_npmUser\":"
                    "{\"name\":\"somebody\",\"email\":\"s@example.org\"},",
                    p->name, number, p->level);
    put_needs(m, p, at, NEED_PROD, false, to);
    put_needs(m, p, at, NEED_OPTIONAL, false, to);
    put_needs(m, p, at, NEED_PEER, false, to);
    put_needs(m, p, at, NEED_PEER, true, to);
    put_tools(m, p, at, to);
    put_platform(p, to);
    if (fixed % 100 < 12)
        text_format(to, "\"bin\":{\"%s\":\"bin/cli.js\"},",
                    basename_of(p->name));
    if ((fixed >> 8) % 100 < 2)
        text_put(to, "\"hasInstallScript\":true,");
    if (v->deprecated)
        text_put(to, "\"deprecated\":\"Has a known mistake; take a newer one\""
                     ",");
    put_dist(m, p, number, about, to);
    // Some newest majors want a node that is not there yet.
    if ((fixed >> 16) % 200 == 0 && v->major > p->versions[0].major)
        text_put(to, ",\"engines\":{\"node\":\">=99\"}");
    else if ((fixed >> 24) % 100 < 65)
        text_format(to, ",\"engines\":{\"node\":\">=%u\"}",
                    6 + (unsigned)(fixed >> 32) % 5 * 2);
    text_put(to, "}");
    if (!full)
        v->size = to->size - v->at;
}

static void put_tags(const package *p, text *to) {
    char number[48];
    version_write(&p->versions[p->latest], number, sizeof(number));
    text_format(to, "\"dist-tags\":{\"latest\":\"%s\"", number);
    for (unsigned i = p->count; i-- > 0;)
        if (p->versions[i].pre != 0) {
            version_write(&p->versions[i], number, sizeof(number));
            text_format(to, ",\"next\":\"%s\"", number);
            break;
        }
    text_put(to, "},");
}

static void put_versions(const model *m, package *p, bool full, text *to) {
    bool backwards = registry_mix(m->seed + 9, p->index) % 10 == 0;
    text_put(to, "\"versions\":{");
    for (unsigned i = 0; i < p->count; i++) {
        if (i > 0)
            text_put(to, ",");
        put_version(m, p, backwards ? p->count - 1 - i : i, full, to);
    }
    text_put(to, "}");
}

void render_body(body *b) {
    uint64_t hash = 0;
    for (size_t i = 0; i < b->raw.size; i += 8) {
        uint64_t word = 0;
        size_t left = b->raw.size - i;
        memcpy(&word, b->raw.at + i, left < 8 ? left : 8);
        hash = registry_mix(hash, word);
    }
    snprintf(b->etag, sizeof(b->etag), "\"%016llx\"", (unsigned long long)hash);
    b->gzip.size = 0;
    text_gzip(&b->gzip, b->raw.at, b->raw.size);
}

// One buffer for drafts: what is kept is as small as it can be.
static void keep(body *b, const text *draft) {
    b->raw = (text){NULL, 0, 0};
    text_add(&b->raw, draft->at, draft->size);
    render_body(b);
}

void render_brief(const model *m, package *p) {
    static text draft;
    draft.size = 0;
    text_format(&draft, "{\"name\":\"%s\",", p->name);
    put_tags(p, &draft);
    put_versions(m, p, false, &draft);
    text_put(&draft, ",\"modified\":\"2025-06-01T12:00:00.000Z\"}");
    keep(&p->brief, &draft);
}

void render_full(const model *m, package *p) {
    static text draft;
    char number[48];
    draft.size = 0;
    text_format(&draft,
                "{\"_id\":\"%s\",\"_rev\":\"7-%016llx\",\"name\":\"%s"
                "\",",
                p->name, (unsigned long long)registry_mix(3, p->index),
                p->name);
    put_tags(p, &draft);
    put_versions(m, p, true, &draft);
    text_put(&draft, ",\"time\":{\"created\":\"2015-01-01T00:00:00.000Z\","
                     "\"modified\":\"2025-06-01T12:00:00.000Z\"");
    for (unsigned i = 0; i < p->count; i++) {
        version_write(&p->versions[i], number, sizeof(number));
        text_format(&draft, ",\"%s\":\"20%02u-%02u-%02uT08:30:00.000Z\"",
                    number, 15 + i * 10 / p->count, 1 + i % 12, 1 + i % 28);
    }
    text_put(&draft, "},\"maintainers\":[{\"name\":\"somebody\",\"email\":"
                     "\"s@example.org\"}],\"license\":\"MIT\",\"readme\":\"");
    for (unsigned i = 0; i < 60; i++)
        text_format(&draft, "Line %u says what %s is for.\\n", i, p->name);
    text_put(&draft, "\",\"readmeFilename\":\"README.md\"}");
    keep(&p->full, &draft);
}

text render_version(const package *p, const char *number) {
    text out = {NULL, 0, 0};
    char its[48];
    for (unsigned i = 0; i < p->count; i++) {
        version_write(&p->versions[i], its, sizeof(its));
        if (strcmp(its, number) == 0 ||
            (i == p->latest && strcmp(number, "latest") == 0)) {
            text_add(&out, p->brief.raw.at + p->versions[i].at,
                     p->versions[i].size);
            return out;
        }
    }
    return out;
}

void render_project(const model *m, text *to) {
    static const char *const keys[] = {"dependencies", "devDependencies",
                                       "optionalDependencies"};
    char range[128];
    text_format(to, "{\n  \"name\": \"generated-project\",\n"
                    "  \"version\": \"1.0.0\",\n  \"private\": true");
    for (unsigned key = 0; key < 3; key++) {
        const char *before = NULL;
        for (size_t i = 0; i < m->count; i++) {
            uint64_t dice = registry_mix(m->seed + 21, i);
            unsigned its = dice % 100 < 65 ? 0 : dice % 100 < 97 ? 1 : 2;
            if (m->packages[i]->level > 0 || its != key)
                continue;
            need n = {.target = i, .choice = (unsigned)(dice >> 32)};
            model_range(m, &n, 0, range, sizeof(range));
            if (before == NULL)
                text_format(to, ",\n  \"%s\": {\n", keys[key]);
            text_format(to, "%s    \"%s\": \"%s\"",
                        before != NULL ? before : "", m->packages[i]->name,
                        range);
            before = ",\n";
        }
        if (before != NULL)
            text_put(to, "\n  }");
    }
    text_put(to, "\n}\n");
}

void render_giant(const model *m, package *p, unsigned versions) {
    static text draft;
    draft.size = 0;
    text_format(&draft,
                "{\"name\":\"%s\",\"dist-tags\":{\"latest\":\"1.0.%u\"},"
                "\"versions\":{",
                p->name, versions - 1);
    for (unsigned i = 0; i < versions; i++) {
        char number[32];
        snprintf(number, sizeof(number), "1.0.%u", i);
        text_format(&draft, "%s\"%s\":{\"name\":\"%s\",\"version\":\"%s\",",
                    i > 0 ? "," : "", number, p->name, number);
        put_dist(m, p, number, registry_mix(1, i), &draft);
        text_put(&draft, "}");
    }
    text_put(&draft, "}}");
    free(p->brief.raw.at);
    keep(&p->brief, &draft);
}

static void deflate_to(z_stream *stream, text *to, const void *bytes,
                       size_t size, int flush) {
    char out[1 << 16];
    stream->next_in = (Bytef *)(uintptr_t)bytes;
    stream->avail_in = (uInt)size;
    do {
        stream->next_out = (Bytef *)out;
        stream->avail_out = sizeof(out);
        (void)deflate(stream, flush);
        text_add(to, out, sizeof(out) - stream->avail_out);
    } while (stream->avail_out == 0);
}

// A flush lets the next piece start afresh, at a byte: one piece of blanks is
// compressed, and then sent again and again.
text render_bomb(const char *name) {
    enum { PIECE = 1 << 20, PIECES = 1024 };
    z_stream stream = {0};
    text out = {NULL, 0, 0}, start = {NULL, 0, 0};
    char *blanks = registry_alloc(PIECE);
    memset(blanks, ' ', PIECE);
    text_put(&out, "\x1f\x8b\x08");
    text_add(&out, "\0\0\0\0\0\0\x03", 7);
    text_format(&start, "{\"name\":\"%s\",\"versions\":{}", name);
    if (deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        registry_die("out of memory", NULL);
    deflate_to(&stream, &out, start.at, start.size, Z_FULL_FLUSH);
    size_t from = out.size;
    deflate_to(&stream, &out, blanks, PIECE, Z_FULL_FLUSH);
    text piece = {NULL, 0, 0};
    text_add(&piece, out.at + from, out.size - from);
    uLong sum = crc32(0, (const Bytef *)start.at, (uInt)start.size);
    uLong of_piece = crc32(0, (const Bytef *)blanks, PIECE);
    for (unsigned i = 0; i < PIECES; i++) {
        sum = crc32_combine(sum, of_piece, PIECE);
        if (i > 0)
            text_add(&out, piece.at, piece.size);
    }
    deflate_to(&stream, &out, "}", 1, Z_FINISH);
    deflateEnd(&stream);
    sum = crc32_combine(sum, crc32(0, (const Bytef *)"}", 1), 1);
    uint64_t size = start.size + (uint64_t)PIECE * PIECES + 1;
    for (unsigned i = 0; i < 4; i++)
        text_add(&out, &(char){(char)(sum >> 8 * i)}, 1);
    for (unsigned i = 0; i < 4; i++)
        text_add(&out, &(char){(char)(size >> 8 * i)}, 1);
    free(blanks);
    free(start.at);
    free(piece.at);
    return out;
}
