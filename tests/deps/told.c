// SPDX-License-Identifier: MIT
// Tells what this program makes of npm's files, for scripts that compare it
// with what npm makes of them.
//
//   deps_told json FILE        FILE: cases, each its length on a line and its
//                              bytes; prints two codes a line: of the case as
//                              a document, and as a package.json ("-": taken)
//   deps_told manifest FILE    the same cases as package.json: what they have,
//                              as a project's root (R) and as a package (P)
//   deps_told project DIR      the workspaces' paths
#include "programs/deps/doc.h"
#include "programs/deps/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void tell_json(const char *json, size_t size) {
    wr_why doc_why = {"-", ""}, why = {"-", ""};
    wr_doc *doc = NULL;
    size_t doc_size;
    wr_manifest manifest;
    if (wr_doc_parse(&doc, &doc_size, json, size, &doc_why) == 0)
        strcpy(doc_why.code, "-");
    if (wr_manifest_parse(&manifest, json, size, false, false, &why) == 0)
        strcpy(why.code, "-");
    printf("%s %s\n", doc_why.code, why.code);
    wr_manifest_free(&manifest);
    free(doc);
}

static void tell_edges(const char *json, size_t size, bool top) {
    wr_manifest m;
    wr_why why = {"", ""};
    int error = wr_manifest_parse(&m, json, size, top, false, &why);
    printf("%c", top ? 'R' : 'P');
    if (error != 0)
        printf(" %s", strcmp(why.code, "EOVERRIDE") == 0 ? why.code : "failed");
    for (size_t i = 0; i < m.edges; i++)
        printf(" %s:%.*s@%.*s", wr_edge_type_name(m.edge[i].type),
               (int)m.edge[i].name.size, m.edge[i].name.at,
               (int)m.edge[i].spec.size, m.edge[i].spec.at);
    for (size_t i = 0; i < m.bundleds; i++)
        printf(" +%.*s", (int)m.bundled[i].size, m.bundled[i].at);
    for (size_t i = 0; error == 0 && top && i < m.edges; i++) {
        const wr_override *o;
        if (wr_manifest_override_of(&o, &m, &m.edge[i]) == 0 && o != NULL)
            printf(" %.*s>%.*s", (int)m.edge[i].name.size, m.edge[i].name.at,
                   o->spec.size == 0 ? 1 : (int)o->spec.size,
                   o->spec.size == 0 ? "*" : o->spec.at);
    }
    printf("\n");
    wr_manifest_free(&m);
}

static int tell_cases(const char *path, bool edges) {
    FILE *file = fopen(path, "rb");
    size_t size;
    if (file == NULL) {
        perror(path);
        return 1;
    }
    while (fscanf(file, "%zu", &size) == 1 && fgetc(file) == '\n') {
        char *json = malloc(size + 1);
        if (json == NULL || fread(json, 1, size, file) != size)
            return 1;
        if (edges) {
            tell_edges(json, size, true);
            tell_edges(json, size, false);
        } else {
            tell_json(json, size);
        }
        free(json);
    }
    fclose(file);
    return 0;
}

static int tell_project(const char *dir) {
    wr_project project;
    wr_why why = {"", ""};
    if (wr_project_read(&project, dir, false, &why) != 0)
        printf("%s: %s\n", why.code, why.text);
    for (size_t i = 0; i < project.workspaces; i++)
        printf("%s\n", project.workspace[i].path);
    wr_project_free(&project);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "json") == 0)
        return tell_cases(argv[2], false);
    if (argc == 3 && strcmp(argv[1], "manifest") == 0)
        return tell_cases(argv[2], true);
    if (argc >= 3 && strcmp(argv[1], "project") == 0) {
        for (int i = 2; i < argc; i++) {
            tell_project(argv[i]);
            printf(".\n");
        }
        return 0;
    }
    fprintf(stderr, "usage: deps_told json|manifest|project PATH\n");
    return 2;
}
