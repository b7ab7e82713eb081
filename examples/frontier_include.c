// SPDX-License-Identifier: MIT
// Which files does a C file include, through others too? Each file is read
// once, by whichever worker is free; the list is the same whatever the order.
//
//   cc frontier_include.c $(pkg-config --cflags --libs weir)
//   ./a.out FILE...
//
// Follows #include "file", beside the file that has it. Without arguments it
// reads a small tree that it makes for that.
//
// Prints:
//   6 files, 1 of them missing
//   list.h: 19 bytes, included by main.c:2, by tree.h:1
//   main.c: 54 bytes, named on the command line
//   none.h: not found, included by tree.c:2
//   tree.c: 36 bytes, named on the command line
//   tree.h: 41 bytes, included by list.h:1, by main.c:1, by tree.c:1
//   type.h: 18 bytes, included by tree.h:2
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/frontier.h>

enum { FILE_MAX = 1 << 20, PATH_LENGTH = 1024 }; // no more of a file is read

// What is found out about a file: the value of its item.
struct source {
    size_t size;
};

// "dir/a.c" and "../b.h" make "b.h": each file has one name, for a second one
// would be a second visit. Returns its length, 0: too long.
static size_t beside(char *out, const char *from, size_t from_size,
                     const char *name, size_t name_size) {
    size_t size = from_size, part;
    while (size > 0 && from[size - 1] != '/')
        size--;
    if (size + name_size + 1 >= PATH_LENGTH)
        return 0;
    memcpy(out, from, size);
    for (const char *end = name + name_size; name < end; name += part + 1) {
        const char *slash = memchr(name, '/', (size_t)(end - name));
        part = (size_t)((slash != NULL ? slash : end) - name);
        int is_up = part == 2 && memcmp(name, "..", 2) == 0;
        int was_up = size > 2 && memcmp(out + size - 3, "../", 3) == 0;
        if (part == 0 || (part == 1 && *name == '.'))
            continue;
        if (is_up && size > 1 && !was_up) {
            for (size--; size > 0 && out[size - 1] != '/';)
                size--;
            continue;
        }
        memcpy(out + size, name, part);
        size += part;
        out[size++] = '/';
    }
    return size > 0 ? size - 1 : 0;
}

// Adds what the text includes; the tag of such an edge is the line.
static void add_includes(weir_visit *visit, const char *text) {
    uint32_t line = 0;
    size_t size;
    const char *from = weir_visit_key(visit, &size);
    for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
        char path[PATH_LENGTH];
        at += line++ > 0; // behind the line feed
        if (strncmp(at, "#include \"", 10) != 0)
            continue;
        const char *name = at + 10;
        size_t length = beside(path, from, size, name, strcspn(name, "\"\n"));
        weir_key key = WEIR_KEY_INIT(path, length);
        key.tag = line;
        if (length > 0)
            weir_visit_add(visit, &key); // the key is copied
    }
}

// The key is a path.
static int visit_file(void *context, weir_worker *self, weir_visit *visit) {
    (void)context, (void)self;
    size_t size;
    const char *key = weir_visit_key(visit, &size);
    char path[PATH_LENGTH];
    if (size >= sizeof(path))
        return -EINVAL;
    memcpy(path, key, size);
    path[size] = '\0';
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return -errno;
    char *text = malloc(FILE_MAX + 1);
    struct source *source = malloc(sizeof(*source));
    int status = text == NULL || source == NULL ? -ENOMEM : 0;
    if (status == 0) {
        source->size = fread(text, 1, FILE_MAX, file);
        text[source->size] = '\0';
        add_includes(visit, text);
        weir_visit_set(visit, source); // the frontier's from here on
    } else {
        free(source);
    }
    free(text);
    fclose(file);
    return status;
}

static void free_source(void *context, void *value) {
    (void)context;
    free(value);
}

// ---- what came of it -------------------------------------------------------

static int print_one(weir_frontier *frontier, const weir_item *item) {
    const weir_requirer *by;
    size_t size, count;
    const char *path = weir_item_key(item, &size);
    const struct source *source = weir_item_value(item);
    int error = weir_item_requirers(frontier, item, &by, &count);
    if (error != 0)
        return error;
    printf("%.*s: ", (int)size, path);
    if (source != NULL)
        printf("%zu bytes", source->size);
    else
        printf("%s", weir_strerror(weir_item_status(item)));
    for (size_t i = 0; i < count; i++) {
        if (by[i].item == NULL) {
            printf(", named on the command line");
            continue;
        }
        const char *from = weir_item_key(by[i].item, &size);
        printf("%s by %.*s:%u", i == 0 ? ", included" : ",", (int)size, from,
               by[i].tag);
    }
    printf("\n");
    return 0;
}

// By name, though nobody knows which was read first.
static int print_all(weir_frontier *frontier) {
    weir_item *const *items, *const *failed;
    size_t count, missing;
    int error = weir_frontier_items(frontier, &items, &count);
    if (error == 0)
        error = weir_frontier_failed(frontier, &failed, &missing);
    if (error == 0)
        printf("%zu files, %zu of them missing\n", count, missing);
    for (size_t i = 0; error == 0 && i < count; i++)
        error = print_one(frontier, items[i]);
    return error;
}

static int list(weir_pool *pool, char *const *paths, int count) {
    weir_frontier_options options = WEIR_FRONTIER_OPTIONS_INIT;
    options.pool = pool;
    options.visit = visit_file;
    options.release = free_source;
    weir_frontier *frontier;
    int error = weir_frontier_create(&frontier, &options);
    if (error != 0)
        return error;
    for (int i = 0; i < count && error == 0; i++) {
        weir_key key = WEIR_KEY_INIT(paths[i], strlen(paths[i]));
        error = weir_frontier_seed(frontier, &key);
    }
    weir_frontier_close(frontier); // that was all: now it can end
    if (error == 0)
        error = weir_frontier_wait(frontier, WEIR_FOREVER, NULL);
    if (error == 0)
        error = print_all(frontier);
    weir_frontier_destroy(frontier); // before its pool
    return error;
}

// ---- a small tree ----------------------------------------------------------

static const char *const tree[][2] = {
    {"main.c", "#include \"tree.h\"\n#include \"list.h\"\nint main(void) {}\n"},
    {"tree.c", "#include \"tree.h\"\n#include \"none.h\"\n"},
    {"tree.h", "#include \"list.h\"\n#include \"type.h\"\n// +\n"},
    {"list.h", "#include \"./tree.h\""},
    {"type.h", "typedef int type;\n"},
};

// Enters a folder of its own, so that paths are short.
static int make_tree(char *folder) {
    if (mkdtemp(folder) == NULL || chdir(folder) != 0)
        return -errno;
    for (size_t i = 0; i < sizeof(tree) / sizeof(*tree); i++) {
        FILE *file = fopen(tree[i][0], "w");
        if (file == NULL)
            return -errno;
        int bad = fputs(tree[i][1], file) < 0;
        if (fclose(file) != 0 || bad)
            return -EIO;
    }
    return 0;
}

static void remove_tree(const char *folder) {
    for (size_t i = 0; i < sizeof(tree) / sizeof(*tree); i++)
        unlink(tree[i][0]);
    rmdir(folder);
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/includes.XXXXXX";
    char *ours[] = {"main.c", "tree.c"};
    weir_pool *pool = NULL;
    int error = argc > 1 ? 0 : make_tree(folder);
    if (error == 0)
        error = weir_pool_create(&pool, NULL);
    if (error == 0)
        error = argc > 1 ? list(pool, argv + 1, argc - 1) : list(pool, ours, 2);
    weir_pool_destroy(pool);
    if (argc <= 1)
        remove_tree(folder);
    if (error != 0)
        fprintf(stderr, "%s\n", weir_strerror(error));
    return error != 0;
}
