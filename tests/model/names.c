// SPDX-License-Identifier: MIT
// Addresses for a person, out of the program's own file. Only for reports.
#include "model/runtime.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// ---- symbols ---------------------------------------------------------------

typedef struct program {
    const char *file; // mapped
    size_t bytes;
    uintptr_t base; // address in memory less address in the file's headers
} program;

static bool open_program(program *out) {
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0)
        return false;
    void *file = MAP_FAILED;
    if (fstat(fd, &about) == 0)
        file = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (file == MAP_FAILED)
        return false;
    out->file = file;
    out->bytes = (size_t)about.st_size;
    const ElfW(Ehdr) *head = file;
    const ElfW(Phdr) *parts = (const void *)(out->file + head->e_phoff);
    uintptr_t first = UINTPTR_MAX;
    for (unsigned i = 0; i < head->e_phnum; i++)
        if (parts[i].p_type == PT_LOAD && parts[i].p_vaddr < first)
            first = parts[i].p_vaddr;
    out->base = (uintptr_t)__executable_start - first;
    return true;
}

// The symbol that holds the address; NULL if none does.
static const ElfW(Sym) *
    find_symbol(const program *in, uintptr_t at, const char **name) {
    const ElfW(Ehdr) *head = (const void *)in->file;
    const ElfW(Shdr) *sections = (const void *)(in->file + head->e_shoff);
    for (unsigned i = 0; i < head->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB)
            continue;
        const ElfW(Sym) *symbols =
            (const void *)(in->file + sections[i].sh_offset);
        size_t count = sections[i].sh_size / sizeof *symbols;
        const char *names = in->file + sections[sections[i].sh_link].sh_offset;
        for (size_t s = 0; s < count; s++) {
            unsigned type = ELF64_ST_TYPE(symbols[s].st_info);
            if ((type == STT_OBJECT || type == STT_FUNC) &&
                at - symbols[s].st_value < symbols[s].st_size) {
                *name = names + symbols[s].st_name;
                return &symbols[s];
            }
        }
    }
    return NULL;
}

bool ma_symbol(const void *address, char *out, size_t room) {
    program in;
    if (!open_program(&in))
        return false;
    const char *name;
    uintptr_t at = (uintptr_t)address - in.base;
    const ElfW(Sym) *found = find_symbol(&in, at, &name);
    if (found != NULL) {
        size_t beyond = (size_t)(at - found->st_value);
        if (beyond == 0)
            snprintf(out, room, "%s", name);
        else
            snprintf(out, room, "%s+%zu", name, beyond);
    }
    munmap((void *)(uintptr_t)in.file, in.bytes);
    return found != NULL;
}

// ---- places ----------------------------------------------------------------

// "job.c:31" of ".../src/pool/job.c:31 (discriminator 2)".
static bool shorten(char *line, char *out, size_t room) {
    line[strcspn(line, " \n")] = '\0';
    char *base = strrchr(line, '/');
    base = base == NULL ? line : base + 1;
    if (base[0] == '\0' || base[0] == '?' || strstr(base, ":?") != NULL ||
        strstr(base, ":0") != NULL)
        return false;
    snprintf(out, room, "%s", base);
    return true;
}

const char *ma_place(const void *code, char *out, size_t room) {
    program in;
    char command[120];
    char path[400];
    char line[512] = "";
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    bool found = false;
    if (length > 0 && open_program(&in)) {
        path[length] = '\0';
        munmap((void *)(uintptr_t)in.file, in.bytes);
        // The call is before the address to which it returns.
        snprintf(command, sizeof command,
                 "addr2line -e /proc/%ld/exe %#lx 2>/dev/null", (long)getpid(),
                 (unsigned long)((uintptr_t)code - in.base - 1));
        FILE *pipe = popen(command, "re");
        if (pipe != NULL) {
            if (fgets(line, sizeof line, pipe) != NULL)
                found = shorten(line, out, room);
            pclose(pipe);
        }
    }
    if (!found && !ma_symbol(code, out, room))
        snprintf(out, room, "%p", code);
    return out;
}

const char *ma_name(const void *address, char *out, size_t room) {
    char name[120];
    if (mh_name(address, out, room) || ma_frame_name(address, out, room))
        return out;
    if (ma_symbol(address, name, sizeof name))
        snprintf(out, room, "static %s", name);
    else
        snprintf(out, room, "memory at %p", address);
    return out;
}
