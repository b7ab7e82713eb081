// SPDX-License-Identifier: MIT
// What the readers of npm's settings have in common. All settings of all
// sources are entries in one list; which one holds is decided when a key is
// asked for: that of the first source, in it the last.
#ifndef WEIR_PROGRAMS_DEPS_NPMRC_PARTS_H
#define WEIR_PROGRAMS_DEPS_NPMRC_PARTS_H

#include "programs/deps/npmrc.h"

enum {
    WR_NPMRC_FILE_MAX = 4 << 20,
    WR_NPMRC_ENTRIES_MAX = 1024,   // that mean something here, of one source
    WR_NPMRC_TEXT_MAX = 1 << 20,   // of one value, ${} replaced
    WR_NPMRC_BYTES_MAX = 64 << 20, // of all together
};

// In npm's order: an earlier one wins.
typedef enum wr_npmrc_source {
    WR_NPMRC_COMMAND,
    WR_NPMRC_ENVIRONMENT,
    WR_NPMRC_PROJECT,
    WR_NPMRC_USER,
    WR_NPMRC_GLOBAL,
    WR_NPMRC_BUILTIN, // beside npm itself: of who packaged it
} wr_npmrc_source;

typedef enum wr_npmrc_kind {
    WR_NPMRC_TEXT,
    WR_NPMRC_TRUE, // true, or a key without =
    WR_NPMRC_FALSE,
    WR_NPMRC_NULL,
    WR_NPMRC_ODD, // an object or an array, quoted
} wr_npmrc_kind;

typedef struct wr_npmrc_entry {
    const char *key;   // ended by a 0
    const char *text;  // ended by a 0; TEXT alone
    const char *place; // a file, a variable, an option
    unsigned line;     // 0: it is not of a file
    wr_npmrc_source source;
    wr_npmrc_kind kind;
    bool list; // key[]
} wr_npmrc_entry;

// Of a registry or a part of it.
typedef struct wr_npmrc_token {
    const char *prefix; // //host[:port]/path/
    const char *header;
} wr_npmrc_token;

typedef struct wr_npmrc_scope {
    const char *name;     // @scope
    const char *registry; // ends with a slash
} wr_npmrc_scope;

struct wr_npmrc {
    wr_settings settings;
    const wr_npmrc_options *options; // while it is read
    const char *home;
    wr_npmrc_entry *entry;
    size_t entries, room;
    size_t of_source; // entries of the source that is being read
    wr_npmrc_token *token;
    size_t tokens;
    wr_npmrc_scope *scope;
    size_t scopes;
    struct wr_npmrc_text *texts; // all that is malloc'ed
    size_t bytes;
};

// ---------------------------------------------------------------------------
// npmrc_text.c: texts

// Memory until wr_npmrc_free; NULL: none left.
char *wr_npmrc_alloc(wr_npmrc *config, size_t size);
char *wr_npmrc_copy(wr_npmrc *config, const char *text, size_t size);
char *wr_npmrc_join(wr_npmrc *config, const char *a, const char *b,
                    const char *c);  // one after the other
wr_text wr_npmrc_trim(wr_text text); // as JavaScript does
// npm's ${NAME} and ${NAME?}. *out lives as long as the config. -ENOMEM, -E2BIG
int wr_npmrc_expand(wr_npmrc *config, wr_text text, const char **out,
                    size_t *out_size);
// Of the environment that the options give; NULL: not set.
const char *wr_npmrc_variable(const wr_npmrc *config, const char *name,
                              size_t size);
// A path as npm resolves it: ~/ is home, others begin in the project.
char *wr_npmrc_path(wr_npmrc *config, const char *text);
// What the places where programs are looked for give for `name`, links
// followed; NULL: nothing. Cut: this many components less.
char *wr_npmrc_program(wr_npmrc *config, const char *name, unsigned cut);

// ---------------------------------------------------------------------------
// npmrc_ini.c: sources

// Both leave out what no part of this program asks for.
int wr_npmrc_read_bytes(wr_npmrc *config, wr_npmrc_source source,
                        const char *name, const char *bytes, size_t size,
                        wr_why *why);
int wr_npmrc_read_environment(wr_npmrc *config, wr_why *why);
// key and value are used as they are.
int wr_npmrc_add(wr_npmrc *config, wr_npmrc_entry entry, wr_why *why);

// ---------------------------------------------------------------------------
// npmrc_auth.c

bool wr_npmrc_is_auth(const char *key); // //host/:_authToken and the like
int wr_npmrc_read_tokens(wr_npmrc *config, wr_why *why);
int wr_npmrc_read_scopes(wr_npmrc *config, wr_why *why);
// A registry's URL, ended by a slash.
int wr_npmrc_registry(wr_npmrc *config, const wr_npmrc_entry *entry,
                      const char **out, wr_why *why);

// ---------------------------------------------------------------------------
// npmrc.c

// The entry that holds, or NULL.
const wr_npmrc_entry *wr_npmrc_find(const wr_npmrc *config, const char *key);
bool wr_npmrc_is_key(const char *key); // one of those asked for
// One line that names the place. `what` goes on after the key.
int wr_npmrc_refuse(const wr_npmrc_entry *entry, const char *what, wr_why *why);

#endif
