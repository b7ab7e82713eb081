#!/bin/sh
# SPDX-License-Identifier: MIT
# A rule that cannot fail is worth nothing: breaks each rule of tidy.sh and
# layers.sh once, in a small tree of its own, and wants the right complaint.
# Text that breaks a rule is put together here from pieces, because tidy.sh
# reads this file too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
status=0 cases=0

# fresh: the tree as it should be.
fresh() {
    rm -rf "$tree"
    mkdir -p "$tree/include/weir" "$tree/src/base" "$tree/src/os" \
        "$tree/src/pool" "$tree/src/stream" "$tree/docs"
    cd "$tree"
    for room in base os pool stream; do
        echo "# $room" >src/$room/README.md
    done
    c include/weir/pool.h '#ifndef WEIR_POOL_H' '#define WEIR_POOL_H' \
        '#include "weir/base.h"' '#ifdef __cplusplus' 'extern "C" {' \
        '#endif' 'int weir_f(void);' '#ifdef __cplusplus' '}' '#endif' '#endif'
    c include/weir/base.h 'int weir_g(void);'
    for word in threads blocking ownership errors; do
        echo "//   $word   any" | tee -a include/weir/pool.h \
            >>include/weir/base.h
    done
    c include/weir.h '#include "weir/pool.h"'
    c src/base/atomic.h '#include <stdatomic.h>'
    c src/os/linux.c '#if 1' 'int x;' '#endif' '#include "base/check.h"'
    c src/pool/pool.c '#include "base/atomic.h"' '#include "os/os.h"' \
        '#include "pool/types.h"' '#include "weir/pool.h"' '// in UTF-8' \
        '// release, POOL-1: a side' '// acquire: pairs with POOL-1.' \
        'wr_load(&x, acquire, POOL_3, "why");' \
        'wr_store(&x, 1, release, POOL_3, "why");' \
        'int g(void) {' '    return 0;' '}'
    c src/stream/queue.c '#include "weir/pool.h"' '#include "pool/types.h"'
    echo 'See POOL-1, POOL_3.' >>src/pool/README.md
    printf '# a\n\nTo [b](b.md#part), [c](#a), [d](../src/pool/README.md).\n' \
        >docs/a.md
    echo '# b' >docs/b.md
    printf '#!/bin/sh\n# SPDX-License-Identifier: MIT\n' >docs/run.sh
}

# c FILE LINE...: a C file of these lines below the SPDX line.
c() {
    file=$1
    shift
    printf '%s\n' '// SPDX-License-Identifier: MIT' "$@" >"$file"
}

# add FILE LINE...: puts lines at the end.
add() {
    file=$1
    shift
    printf '%s\n' "$@" >>"$file"
}

# wants SCRIPT TEXT: the tree as it is now is refused, with this text.
wants() {
    cases=$((cases + 1))
    if "$here/$1" "$tree" >"$scratch/out" 2>&1; then
        echo "$1 accepts what it should refuse: $2" >&2
        status=1
    elif ! grep -qF -e "$2" "$scratch/out" ||
        test "$(wc -l <"$scratch/out")" -ne 1; then
        echo "$1 should say, and only say: $2; it says:" >&2
        sed 's/^/  /' "$scratch/out" >&2
        status=1
    fi
    fresh
}

# repeat COUNT TEXT
repeat() {
    awk -v n="$1" -v text="$2" 'BEGIN {while (n-- > 0) print text}'
}

fresh
for script in tidy.sh layers.sh; do
    "$here/$script" "$tree" || {
        echo "$script refuses a tree that keeps every rule" >&2
        exit 1
    }
done

pool=src/pool/pool.c
add $pool "// $(repeat 78 x | tr -d '\n')"
wants tidy.sh "$pool:14: over 80 columns"
add docs/a.md "$(repeat 81 x | tr -d '\n')"
wants tidy.sh 'docs/a.md:4: over 80 columns'
add $pool 'int y; '
wants tidy.sh "$pool:14: trailing space"
add docs/b.md "text$(printf '\t')"
wants tidy.sh 'docs/b.md:2: trailing space'
add $pool 'static int h(int a,' '             int b) {' \
    "$(repeat 68 '    a++;')" '}'
wants tidy.sh "$pool:14: function over 70 lines"
add $pool "$(repeat 790 'int x;')"
wants tidy.sh "$pool: over 800 lines"

for file in src/pool/new.c src/pool/CMakeLists.txt Makefile; do
    echo 'int x;' >$file
    wants tidy.sh "$file: first line is not the SPDX line"
done
printf '#!/bin/sh\nset -eu\n' >docs/run.sh
wants tidy.sh 'docs/run.sh: second line is not the SPDX line'

add $pool "$(printf '// TO%s: later' DO)"
wants tidy.sh "$pool:14: unfinished work belongs in an issue"
add docs/b.md "$(printf 'FIX%s' ME)"
wants tidy.sh 'docs/b.md:2: unfinished work belongs in an issue'

for line in '#if 1' '#ifdef X' '#ifndef X' '# if 1' '#elif 1' '#else'; do
    add $pool "$line"
    wants tidy.sh "$pool:14: #if belongs in src/os"
done
add include/weir/pool.h '#ifdef WEIR_BUILD'
wants tidy.sh 'include/weir/pool.h:17: #if belongs in src/os'
c src/pool/types.h '#ifdef __cplusplus'
wants tidy.sh 'src/pool/types.h:2: #if belongs in src/os'
c src/pool/types.h '#define X' '#ifndef WR_TYPES_H'
wants tidy.sh 'src/pool/types.h:3: #if belongs in src/os'

for line in '#include <std%s.h>' '    %s_load(&x);' '_%s int x;' \
    '__%s_load_n(&x, 0);' '__%s_synchronize();'; do
    case $line in
        _%s*) word=Atomic ;;
        __%s_sync*) word=sync ;;
        *) word=atomic ;;
    esac
    # shellcheck disable=SC2059 # the line is the format
    add $pool "$(printf "$line" $word)"
    wants tidy.sh "$pool:14: atomics only through base/atomic.h"
done

add include/weir/base.h '#define MAX 1'
wants tidy.sh 'include/weir/base.h:7: public macro without WEIR_: MAX'
sed -i '/blocking/d' include/weir/pool.h
wants tidy.sh 'include/weir/pool.h: no line on blocking'

add $pool '// release, POOL-2: one side only'
wants tidy.sh "$pool:14: label POOL-2 has no other side"
add $pool '// POOL-2 and POOL-2 on one line'
wants tidy.sh "$pool:14: label POOL-2 has no other side"
add $pool '// release, POOL-PARK-1: one side only'
wants tidy.sh "$pool:14: label POOL-PARK-1 has no other side"
add src/pool/README.md 'STALE-3 was here.'
wants tidy.sh 'src/pool/README.md:3: label STALE-3 has no other side'

add src/pool/README.md 'STALE_3 was here.'
wants tidy.sh 'src/pool/README.md:3: label STALE_3 has no other side'

rm src/stream/README.md
wants tidy.sh 'src/stream: no README.md'
add docs/a.md '[gone](gone.md)'
wants tidy.sh 'docs/a.md:4: dead link: gone.md'
add docs/b.md "$(printf '/%s/main' work)"
wants tidy.sh 'docs/b.md:2: path of one machine'
add docs/b.md "$(printf 'https://registry.%s.org/x' npmjs)"
wants tidy.sh 'docs/b.md:2: host of a package registry'

add src/base/check.h '#include "os/os.h"'
sed -i '1i // SPDX-License-Identifier: MIT' src/base/check.h
wants layers.sh 'src/base/check.h:2: base must not include os/os.h'
add $pool '#include "stream/types.h"'
wants layers.sh "$pool:14: pool must not include stream/types.h"
add $pool '#include "weir/stream.h"'
wants layers.sh "$pool:14: pool must not include weir/stream.h"
add $pool '#include <weir/stream.h>'
wants layers.sh "$pool:14: pool must not include weir/stream.h"
add src/stream/queue.c '#include "parallel/types.h"'
wants layers.sh 'stream must not include parallel/types.h'
add include/weir/pool.h '#include "weir/stream.h"'
wants layers.sh 'include/weir/pool.h:17: pool must not include weir/stream.h'
add include/weir/pool.h '#include "base/check.h"'
wants layers.sh 'a public header includes the private base/check.h'
add $pool '#include "types.h"'
wants layers.sh "$pool:14: types.h is not of the form"
add $pool '#include "../os/os.h"'
wants layers.sh "$pool:14: ../os/os.h is not of the form"
add $pool '#include "weir.h"'
wants layers.sh "$pool:14: includes everything"
add $pool '#include "bench/x.h"'
wants layers.sh "$pool:14: bench/x.h is not in a room"
mkdir src/cellar
c src/cellar/x.c 'int x;'
wants layers.sh 'src/cellar/x.c:1: no floor for cellar'
cp include/weir/base.h include/weir/misc.h
wants layers.sh 'include/weir/misc.h:1: no floor for misc'

echo "$cases rules broken, $cases complaints wanted"
exit $status
