#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs to an empty folder, then builds and runs every examples/*.c against
# the installed copy: by pkg-config, and by find_package, shared and static.
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

run() {
    timeout 60 "$@" >"$scratch/run.log" 2>&1 && return
    echo "$* failed:" >&2
    cat "$scratch/run.log" >&2
    exit 1
}

if command -v pkg-config >/dev/null; then
    pc=$(find "$prefix" -name weir.pc)
    PKG_CONFIG_PATH=$(dirname "$pc")
    export PKG_CONFIG_PATH
    libdir=$(pkg-config --variable=libdir weir)
    for source in *.c; do
        # shellcheck disable=SC2046 # flags are words
        "$compiler" -std=gnu11 -o "pc-${source%.c}" "$source" \
            $(pkg-config --cflags --libs weir) -pthread \
            "-Wl,-rpath,$libdir"
        run "./pc-${source%.c}"
    done
else
    echo "pkg-config not found" >&2
    exit 1
fi

cat >CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.22)
project(user LANGUAGES C)
find_package(weir REQUIRED)
find_package(Threads REQUIRED)
file(GLOB sources *.c)
foreach(source ${sources})
    cmake_path(GET source STEM name)
    foreach(library weir weir_static)
        add_executable(${library}-${name} ${source})
        target_link_libraries(${library}-${name}
            weir::${library} Threads::Threads)
    endforeach()
endforeach()
EOF
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
