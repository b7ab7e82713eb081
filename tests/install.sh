#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs to an empty folder, then builds and runs every examples/*.c against
# the installed copy: by pkg-config, and by find_package, shared and static. An
# example that needs more than weir says so in its comment, in a line such as
#   cc loop_glib.c $(pkg-config --cflags --libs weir glib-2.0)
# and is left out where another library than ours is not there. One of several
# files is not among them: it has a test of its own.
# usage: install.sh ROOT BUILD SCRATCH COMPILER
set -eu
root=$1 build=$2 scratch=$3 compiler=$4
rm -rf "$scratch"
mkdir -p "$scratch/user"
prefix=$scratch/moved

# The copy is moved before it is used: nothing in it may name its place.
cmake --install "$build" --prefix "$scratch/first" >"$scratch/install.log"
mv "$scratch/first" "$prefix"
if grep -rlF "$scratch" "$prefix" --include='*.pc' --include='*.cmake'; then
    echo "the file above names the folder it was installed to" >&2
    exit 1
fi

# The examples are copied, so that no header beside them is found by chance.
cp "$root"/examples/*.c "$scratch/user"
cd "$scratch/user"
for source in *.c; do
    ! grep -q '^#include "' "$source" || rm "$source"
done

run() {
    timeout 60 "$@" >"$scratch/run.log" 2>&1 && return
    echo "$* failed:" >&2
    cat "$scratch/run.log" >&2
    exit 1
}

command -v pkg-config >/dev/null || {
    echo "pkg-config not found" >&2
    exit 1
}
pc=$(find "$prefix" -name weir.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
libdir=$(pkg-config --variable=libdir weir)

# packages_of SOURCE: what it wants of pkg-config.
packages_of() {
    packages=$(sed -n \
        's,^//.*(pkg-config --cflags --libs \([^)]*\)).*,\1,p' "$1")
    echo "${packages:-weir}"
}

# Without libuv there was no weir-uv to install either.
for source in *.c; do
    for package in $(packages_of "$source"); do
        case $package in
            weir) continue ;;
            weir-uv) package=libuv ;;
        esac
        pkg-config --exists "$package" || {
            echo "left out, no $package: $source"
            rm "$source"
            break
        }
    done
done

for source in *.c; do
    # shellcheck disable=SC2046 # flags are words
    "$compiler" -std=gnu11 -o "pc-${source%.c}" "$source" \
        $(pkg-config --cflags --libs $(packages_of "$source")) -pthread \
        "-Wl,-rpath,$libdir"
    run "./pc-${source%.c}"
done

cat >CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.22)
project(user LANGUAGES C)
find_package(weir REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# example(name package...): two programs, with weir shared and static.
function(example name)
    set(others)
    foreach(package ${ARGN})
        if(NOT package MATCHES "^weir")
            pkg_check_modules(${package} REQUIRED IMPORTED_TARGET ${package})
            list(APPEND others PkgConfig::${package})
        endif()
    endforeach()
    foreach(kind "" _static)
        add_executable(weir${kind}-${name} ${name}.c)
        if("weir-uv" IN_LIST ARGN)
            target_link_libraries(weir${kind}-${name} weir::weir_uv${kind})
        endif()
        target_link_libraries(weir${kind}-${name}
            weir::weir${kind} ${others} Threads::Threads)
    endforeach()
endfunction()
EOF
for source in *.c; do
    echo "example(${source%.c} $(packages_of "$source"))"
done >>CMakeLists.txt
cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$compiler" >"$scratch/user.log"
cmake --build build >>"$scratch/user.log" || {
    cat "$scratch/user.log" >&2
    exit 1
}
for source in *.c; do
    run "build/weir-${source%.c}"
    run "build/weir_static-${source%.c}"
done
