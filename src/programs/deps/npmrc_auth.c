// SPDX-License-Identifier: MIT
// Registries, scopes and tokens: who is asked, and who is told what.
//
// A token belongs to `//host[:port]/path/`, without a scheme: npm would send it
// over http too, once something leads there. Here it goes over http only to
// this machine, or to a host that a registry setting names with http itself.
// npm also sends a registry's token to other paths on its host; here it is for
// the path it was given for and what is below.
#include "programs/deps/npmrc_parts.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

bool wr_npmrc_is_auth(const char *key) {
    return strncmp(key, "//", 2) == 0 &&
           (ends_with(key, ":_authToken") || ends_with(key, ":_auth") ||
            ends_with(key, ":username") || ends_with(key, ":_password"));
}

// ---------------------------------------------------------------------------
// URLs

typedef struct url {
    bool secure;
    char host[300]; // host[:port], in small letters, no default port
    wr_text path;   // with its slash; not what follows ? or #
} url;

static bool is_host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

// The host and port of "host[:port]". false: nothing that everybody would read
// in the same way.
static bool read_host(url *out, wr_text text) {
    size_t size = 0, i = 0;
    if (text.size == 0 || text.size >= sizeof(out->host))
        return false;
    bool six = text.at[0] == '[';
    for (; i < text.size && (six || text.at[i] != ':'); i++) {
        char c = text.at[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        out->host[size++] = c;
        if (six && c == ']') {
            six = false;
            i++;
            break;
        }
        if (!is_host_char(c) && !(six && (c == '[' || c == ':')))
            return false;
    }
    if (six || size == 0)
        return false;
    unsigned port = 0, usual = out->secure ? 443 : 80;
    if (i < text.size && text.at[i] != ':')
        return false;
    bool has_port = i + 1 < text.size;
    for (i++; i < text.size; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        port = 10 * port + (unsigned)(text.at[i] - '0');
        if (port > 65535)
            return false;
    }
    out->host[size] = '\0';
    if (has_port && port != usual) {
        char digits[8];
        size_t count = 0;
        do {
            digits[count++] = (char)('0' + port % 10);
            port /= 10;
        } while (port > 0);
        if (size + count + 2 > sizeof(out->host))
            return false;
        out->host[size++] = ':';
        while (count > 0)
            out->host[size++] = digits[--count];
        out->host[size] = '\0';
    }
    return true;
}

// `users`: whether "user:password@" may stand before the host.
static bool read_url(url *out, const char *text, bool users) {
    size_t scheme = strncasecmp(text, "https://", 8) == 0  ? 8
                    : strncasecmp(text, "http://", 7) == 0 ? 7
                                                           : 0;
    if (scheme == 0)
        return false;
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '\\')
            return false;
    out->secure = scheme == 8;
    const char *host = text + scheme;
    size_t size = strcspn(host, "/?#");
    const char *end = host + size;
    for (const char *at = end; users && at > host; at--) {
        if (at[-1] == '@') {
            host = at;
            break;
        }
    }
    if (!read_host(out, (wr_text){host, (size_t)(end - host)}))
        return false;
    out->path = (wr_text){end, strcspn(end, "?#")};
    if (out->path.size == 0)
        out->path = (wr_text){"/", 1};
    return true;
}

// A path with "." or ".." may mean another; then it is the host alone.
static wr_text plain_path(wr_text path) {
    for (size_t i = 0; i < path.size; i++) {
        if (path.at[i] != '/')
            continue;
        size_t left = path.size - i - 1;
        const char *at = path.at + i + 1;
        if ((left >= 1 && at[0] == '.') ||
            (left >= 3 && strncasecmp(at, "%2e", 3) == 0))
            return (wr_text){"/", 1};
    }
    return path;
}

int wr_npmrc_registry(wr_npmrc *config, const wr_npmrc_entry *entry,
                      const char **out, wr_why *why) {
    url parts;
    // What it is does not belong into a message: it may hold a password.
    if (entry->kind != WR_NPMRC_TEXT || entry->list ||
        !read_url(&parts, entry->text, true) ||
        strpbrk(entry->text, "?#") != NULL)
        return wr_npmrc_refuse(
            entry, "is not the URL of a registry (http:// or https://)", why);
    if (!read_url(&parts, entry->text, false))
        return wr_npmrc_refuse(entry,
                               "has a user or password in it; those belong "
                               "into //HOST/:_auth",
                               why);
    *out = ends_with(entry->text, "/")
               ? entry->text
               : wr_npmrc_join(config, entry->text, "/", "");
    return *out == NULL ? -ENOMEM : 0;
}

// ---------------------------------------------------------------------------
// Scopes

int wr_npmrc_read_scopes(wr_npmrc *config, wr_why *why) {
    static const char end[] = ":registry";
    config->scope = wr_calloc(config->entries + 1, sizeof(*config->scope));
    if (config->scope == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < config->entries; i++) {
        const wr_npmrc_entry *entry = &config->entry[i];
        if (entry->key[0] != '@' || !ends_with(entry->key, end) ||
            wr_npmrc_find(config, entry->key) != entry)
            continue;
        wr_npmrc_scope *scope = &config->scope[config->scopes];
        scope->name =
            wr_npmrc_copy(config, entry->key, strlen(entry->key) - strlen(end));
        int error = wr_npmrc_registry(config, entry, &scope->registry, why);
        if (error == 0 && scope->name == NULL)
            error = -ENOMEM;
        if (error != 0)
            return error;
        config->scopes++;
    }
    return 0;
}

const char *wr_npmrc_registry_of(const wr_npmrc *config, wr_text package) {
    const char *slash = package.size > 0 && package.at[0] == '@'
                            ? memchr(package.at, '/', package.size)
                            : NULL;
    size_t size = slash == NULL ? 0 : (size_t)(slash - package.at);
    for (size_t i = 0; i < config->scopes && size > 0; i++)
        if (strlen(config->scope[i].name) == size &&
            memcmp(config->scope[i].name, package.at, size) == 0)
            return config->scope[i].registry;
    return config->settings.registry;
}

// ---------------------------------------------------------------------------
// Tokens

// base64 as lenient as JavaScript's Buffer: what is no digit is passed over.
static size_t decode(char *out, const char *text) {
    size_t size = 0;
    unsigned bits = 0, held = 0;
    for (; *text != '\0' && *text != '='; text++) {
        char c = *text;
        unsigned value;
        if (c >= 'A' && c <= 'Z')
            value = (unsigned)(c - 'A');
        else if (c >= 'a' && c <= 'z')
            value = (unsigned)(c - 'a' + 26);
        else if (c >= '0' && c <= '9')
            value = (unsigned)(c - '0' + 52);
        else if (c == '+' || c == '-')
            value = 62;
        else if (c == '/' || c == '_')
            value = 63;
        else
            continue;
        held = held << 6 | value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[size++] = (char)(held >> bits & 0xff);
        }
    }
    return size;
}

static void encode(char *out, const char *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        unsigned held = 0;
        for (size_t j = 0; j < 3; j++)
            held = held << 8 | (i + j < size ? (uint8_t)bytes[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            *out++ = i + j <= size ? digits[held >> (18 - 6 * j) & 63] : '=';
    }
    *out = '\0';
}

// A setting `PREFIX:NAME` as a text that may stand in a header; NULL in *out:
// none.
static int secret(wr_npmrc *config, const char *prefix, const char *name,
                  const char **out, wr_why *why) {
    *out = NULL;
    const char *key = wr_npmrc_join(config, prefix, ":", name);
    if (key == NULL)
        return -ENOMEM;
    const wr_npmrc_entry *entry = wr_npmrc_find(config, key);
    if (entry == NULL || entry->kind == WR_NPMRC_NULL ||
        entry->kind == WR_NPMRC_FALSE)
        return 0;
    if (entry->list || entry->kind == WR_NPMRC_ODD)
        return wr_npmrc_refuse(entry, "takes one text", why);
    const char *text = entry->kind == WR_NPMRC_TRUE ? "true" : entry->text;
    for (const char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return wr_npmrc_refuse(entry, "has a control character in it", why);
    if (text[0] != '\0')
        *out = text;
    return 0;
}

static const char *basic(wr_npmrc *config, const char *user,
                         const char *password) {
    size_t user_size = strlen(user), size = strlen(password);
    char *plain = wr_npmrc_alloc(config, user_size + 1 + size);
    if (plain == NULL)
        return NULL;
    memcpy(plain, user, user_size);
    plain[user_size] = ':';
    size = user_size + 1 + decode(plain + user_size + 1, password);
    char *header = wr_npmrc_alloc(config, 6 + (size + 2) / 3 * 4);
    if (header != NULL) {
        memcpy(header, "Basic ", 6);
        encode(header + 6, plain, size);
    }
    return header;
}

// The header of one prefix; NULL in *out: none.
static int header_of(wr_npmrc *config, const char *prefix, const char **out,
                     wr_why *why) {
    const char *token, *auth, *user, *password = NULL;
    *out = NULL;
    int error = secret(config, prefix, "_authToken", &token, why);
    if (error == 0)
        error = secret(config, prefix, "_auth", &auth, why);
    if (error == 0)
        error = secret(config, prefix, "username", &user, why);
    if (error == 0)
        error = secret(config, prefix, "_password", &password, why);
    if (error != 0)
        return error;
    if (token != NULL)
        *out = wr_npmrc_join(config, "Bearer ", token, "");
    else if (auth != NULL)
        *out = wr_npmrc_join(config, "Basic ", auth, "");
    else if (user != NULL && password != NULL)
        *out = basic(config, user, password);
    else
        return 0;
    return *out == NULL ? -ENOMEM : 0;
}

int wr_npmrc_read_tokens(wr_npmrc *config, wr_why *why) {
    config->token = wr_calloc(config->entries + 1, sizeof(*config->token));
    if (config->token == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < config->entries; i++) {
        const char *key = config->entry[i].key;
        if (!wr_npmrc_is_auth(key))
            continue;
        wr_npmrc_token *token = &config->token[config->tokens];
        token->prefix =
            wr_npmrc_copy(config, key, (size_t)(strrchr(key, ':') - key));
        if (token->prefix == NULL)
            return -ENOMEM;
        bool known = false;
        for (size_t j = 0; j < config->tokens && !known; j++)
            known = strcmp(config->token[j].prefix, token->prefix) == 0;
        int error =
            known ? 0 : header_of(config, token->prefix, &token->header, why);
        if (error != 0)
            return error;
        config->tokens += !known && token->header != NULL;
    }
    return 0;
}

static bool is_plain_registry(const char *registry, const url *to) {
    url parts;
    return registry != NULL && read_url(&parts, registry, false) &&
           !parts.secure && strcmp(parts.host, to->host) == 0;
}

static bool is_this_machine(const char *host) {
    if (host[0] == '[')
        return strncmp(host, "[::1]", 5) == 0;
    size_t size = strcspn(host, ":");
    if (size == 9 && memcmp(host, "localhost", 9) == 0)
        return true;
    // 127.1.2.3, and no name that only begins so.
    return strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == size;
}

// Whether a token may go there at all.
static bool is_trusted(const wr_npmrc *config, const url *to) {
    if (to->secure || is_this_machine(to->host) ||
        is_plain_registry(config->settings.registry, to))
        return true;
    for (size_t i = 0; i < config->scopes; i++)
        if (is_plain_registry(config->scope[i].registry, to))
            return true;
    return false;
}

// `prefix` is "//HOST" and the first `size` bytes of the path.
static bool is_prefix(const char *prefix, const url *to, wr_text path,
                      size_t size) {
    size_t host = strlen(to->host);
    return strncmp(prefix, "//", 2) == 0 &&
           strncmp(prefix + 2, to->host, host) == 0 &&
           strlen(prefix) == 2 + host + size &&
           memcmp(prefix + 2 + host, path.at, size) == 0;
}

const char *wr_npmrc_authorization(const wr_npmrc *config, const char *text) {
    url to;
    if (config->tokens == 0 || !read_url(&to, text, true) ||
        !is_trusted(config, &to))
        return NULL;
    wr_text path = plain_path(to.path);
    // //host/a/b, //host/a/, //host/a, //host/, //host
    for (size_t size = path.size;;) {
        for (size_t i = 0; i < config->tokens; i++)
            if (is_prefix(config->token[i].prefix, &to, path, size))
                return config->token[i].header;
        if (size == 0)
            return NULL;
        if (path.at[size - 1] == '/')
            size--;
        else
            while (size > 0 && path.at[size - 1] != '/')
                size--;
    }
}
