#!/bin/sh
# SPDX-License-Identifier: MIT
# The edges that the installed npm loads of a package.json, the packages that it
# brings with it, and the overrides that hold for the edges of a root, against
# wr_manifest_parse. usage: manifest_against_npm.sh DEPS_TOLD [SEED [CASES]]
set -eu
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "skipped: node and npm are not installed"
    exit 77
fi
modules=$(dirname "$(readlink -f "$(command -v npm)")")/../node_modules
if ! [ -f "$modules/@npmcli/arborist/lib/node.js" ]; then
    echo "skipped: npm's modules are not where they are expected"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
node - "$scratch" "$1" "$modules" "${2:-$$}" "${3:-4000}" <<'JS'
'use strict'
const [, , scratch, told, modules, seed, count] = process.argv
const fs = require('fs')
const { execFileSync } = require('child_process')
const Node = require(`${modules}/@npmcli/arborist/lib/node.js`)
let state = Number(seed) >>> 0
const below = n => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 4294967296 * n)
}
const pick = list => list[below(list.length)]
const names = ['a', 'b', 'c', '@s/d', 'E']
const specs = ['1.0.0', '^1.0.0', '>=2', '', '*', 'latest', '^2.1.0',
    'npm:x@^1', 'npm:x@2.0.0', '1 || 3', '~1.2', '1.0.0 - 2.5.0']
const odd = [1, null, true, {}, []]
const map = (value, strange) => {
    if (strange && below(25) === 0)
        return pick([null, false, '', [], 0, 7, true])
    const out = {}
    for (let i = below(4); i > 0; i--)
        out[pick(names)] = strange && below(40) === 0 ? pick(odd) : value()
    return out
}
// npm reads an override with a range for an empty spec once for the spec and
// once for the override: what comes out depends on how often it looks.
let empty = true
const spec = () => pick(specs) || (empty ? '' : '*')
const overrides = pkg => {
    const out = {}
    const direct = Object.entries({ ...pkg.peerDependencies,
        ...pkg.dependencies,
        ...pkg.optionalDependencies, ...pkg.devDependencies })
        .filter(([, s]) => typeof s === 'string' && s).map(([n]) => n)
    for (let i = below(3); i > 0; i--) {
        const key = pick(names) + pick(['', '', '@^1', '@>=2', '@*', '@1.0.0',
            '@ <3 '])
        let value = direct.length && below(3) === 0 ? `$${pick(direct)}`
            : spec()
        if (below(6) === 0)
            value = { '.': value }
        out[key] = value
    }
    return out
}
const make = () => {
    const pkg = { name: 'n', version: '1.0.0' }
    empty = below(2) === 0
    for (const field of ['dependencies', 'optionalDependencies',
        'devDependencies', 'peerDependencies'])
        if (below(3))
            pkg[field] = map(spec, true)
    if (below(3))
        pkg.peerDependenciesMeta = map(() => pick([{ optional: true },
            { optional: false }, { optional: 1 }, { optional: 'x' }, {}, null,
            true, { optional: 0 }]), false)
    if (below(4) === 0)
        pkg[pick(['bundleDependencies', 'bundledDependencies'])] = pick([true,
            false, ['a'], ['b', 'c', 'zz'], { a: 'x', '@s/d': 'y' }, 'a', null,
            ['a', 1, 'E']])
    if (below(20) === 0)
        pkg.acceptDependencies = map(spec, true)
    if (!empty)
        pkg.overrides = overrides(pkg)
    return pkg
}
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const tell = (letter, node) => {
    const bundled = node.package.bundleDependencies || []
    const skip = letter === 'P' ? new Set(bundled) : new Set()
    const edges = [...node.edgesOut.values()].filter(e => !skip.has(e.name))
        .sort((a, b) => byBytes(a.name, b.name))
    return [letter, ...edges.map(e => `${e.type}:${e.name}@${e.rawSpec}`),
        ...[...new Set(bundled)].filter(n => typeof n === 'string')
            .sort(byBytes).map(n => `+${n}`)].join(' ') +
        (letter === 'R' ? edges.filter(e => e.overrides &&
            e.overrides.value !== undefined).map(e =>
            ` ${e.name}>${e.overrides.value.startsWith('$') ? e.spec
                : e.overrides.value}`).join('') : '')
}
const asRoot = text => {
    try {
        const node = new Node({ path: '/nowhere', realpath: '/nowhere',
            pkg: JSON.parse(text), loadOverrides: true })
        node.assertRootOverrides()
        return tell('R', node)
    } catch (error) {
        return `R ${error.code === 'EOVERRIDE' ? error.code : 'failed'}`
    }
}
const asPackage = text => {
    try {
        const root = new Node({ path: '/nowhere', realpath: '/nowhere',
            pkg: {} })
        return tell('P', new Node({ name: 'n', parent: root,
            pkg: JSON.parse(text) }))
    } catch {
        return 'P failed'
    }
}
const cases = Array.from({ length: Number(count) },
    () => JSON.stringify(make()))
const file = `${scratch}/cases`
fs.writeFileSync(file, cases.map(c => `${Buffer.byteLength(c)}\n${c}`).join(''))
const lines = execFileSync(told, ['manifest', file], { maxBuffer: 1 << 28,
    encoding: 'utf8' }).split('\n')
let failed = 0, overridden = 0
cases.forEach((text, i) => {
    for (const [here, npm] of [[lines[2 * i], asRoot(text)],
        [lines[2 * i + 1], asPackage(text)]]) {
        failed += npm.endsWith('failed')
        overridden += npm.includes('>') || npm.endsWith('EOVERRIDE')
        if (here !== npm) {
            console.log(`${text}\n  npm:  ${npm}\n  here: ${here}`)
            process.exitCode = 1
        }
    }
})
console.log(`seed ${seed}: ${2 * count} manifests, npm fails at ${failed}, ` +
    `${overridden} with overrides`)
if (failed === 0 || overridden === 0)
    throw new Error('too few of one kind')
JS
