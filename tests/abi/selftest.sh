#!/bin/sh
# SPDX-License-Identifier: MIT
# check_symbols.sh complains when any one of its four lists is out of step.
# usage: selftest.sh COMPILER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
compiler=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

# fresh: a library of two functions, with all four lists in step.
fresh() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/include/weir" "$scratch/tree/src" \
        "$scratch/tree/man"
    cd "$scratch/tree"
    cat >include/weir/x.h <<'EOF'
typedef struct weir_x weir_x;
WEIR_API weir_x *weir_x_a(int (*run)(void));
WEIR_MUST_CHECK WEIR_API int
weir_x_b(void);
EOF
    printf 'WEIR_0 {\n\tglobal:\n\t\tweir_x_a;\n\t\tweir_x_b;\n' \
        >src/libweir.map
    printf '\tlocal:\n\t\t*;\n};\n' >>src/libweir.map
    printf 'weir_x(3)\n\n# NAME\n\nweir_x, weir_x_a,\nweir\\_x_b - two\n' \
        >man/weir_x.3.scd
    printf '\n# SEE ALSO\n\n*weir_gone*(3)\n' >>man/weir_x.3.scd
    echo 'int weir_x_a(void){return 0;} int weir_x_b(void){return 0;}' >x.c
}

# adapter: the same, with a room y that is a library of its own.
adapter() {
    mkdir src/y
    echo 'WEIR_API int weir_y_a(void);' >include/weir/y.h
    printf 'WEIR_Y_0 {\n\tglobal:\n\t\tweir_y_a;\n\tlocal:\n\t\t*;\n};\n' \
        >src/y/libweir-y.map
    printf 'weir_y(3)\n\n# NAME\n\nweir\\_y\\_a - one\n' >man/weir_y.3.scd
    echo 'int weir_y_a(void){return 0;} int weir_y_b(void){return 0;}' >y.c
}

check() {
    "$compiler" -shared -fPIC -o x.so x.c \
        -Wl,--version-script=src/libweir.map
    "$here/check_symbols.sh" x.so . scratch >out 2>&1 || return
    test -e y.c || return 0
    "$compiler" -shared -fPIC -o y.so y.c \
        -Wl,--version-script=src/y/libweir-y.map
    "$here/check_symbols.sh" y.so . scratch y >out 2>&1
}

# wants TEXT: refused, with this line.
wants() {
    if check; then
        echo "accepted, where this was expected: $1" >&2
        status=1
    elif ! grep -qxF "  $1" out; then
        echo "expected: $1; got:" >&2
        cat out >&2
        status=1
    fi
    fresh
}

fresh
check || { cat out >&2; exit 1; }
sed -i '/weir_x_b/d' src/libweir.map
wants 'only in headers: weir_x_b'
sed -i 's/weir_x_b;/weir_x_b; weir_x_c;/' src/libweir.map
wants 'only in map: weir_x_c'
sed -i 's/int weir_x_b/static int weir_x_b/' x.c
wants 'only in map: weir_x_b'
sed -i '/weir_x_a/d' include/weir/x.h
wants 'only in map: weir_x_a'
sed -i 's/weir_x_a,//' man/weir_x.3.scd
wants 'weir_x_a'
sed -i 's/weir_x_a,/weir_x_a, weir_x_old,/' man/weir_x.3.scd
wants 'weir_x_old'
sed 's/weir_x, //' man/weir_x.3.scd >man/weir_y.3.scd
wants 'weir_x_a'

adapter
check || { cat out >&2; exit 1; }
sed -i 's/weir_y_a/weir_y_b/' src/y/libweir-y.map
wants 'only in map: weir_y_b'
adapter
sed -i '/weir._y._a/d' man/weir_y.3.scd
wants 'weir_y_a'
adapter
rm src/y/libweir-y.map # then y.h belongs to the library
wants 'only in headers: weir_y_a'
exit $status
