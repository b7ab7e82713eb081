#!/bin/sh
# SPDX-License-Identifier: MIT
# The workspaces that the installed npm finds for random patterns in random
# folders, against wr_project_read. Differences, on purpose: the root is no
# workspace of its own; a `.` between slashes is nothing; names with a dot in
# front are found behind `**` too.
# usage: globs_against_npm.sh DEPS_TOLD [SEED [CASES]]
set -eu
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "skipped: node and npm are not installed"
    exit 77
fi
modules=$(dirname "$(readlink -f "$(command -v npm)")")/../node_modules
if ! [ -d "$modules/@npmcli/map-workspaces" ]; then
    echo "skipped: npm's modules are not where they are expected"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
node - "$scratch" "$1" "$modules" "${2:-$$}" "${3:-200}" <<'JS'
'use strict'
const [, , scratch, told, modules, seed, count] = process.argv
const fs = require('fs')
const path = require('path')
const { execFileSync } = require('child_process')
const mapWorkspaces = require(`${modules}/@npmcli/map-workspaces`)
let state = Number(seed) >>> 0
const below = n => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 4294967296 * n)
}
const pick = list => list[below(list.length)]
const names = ['a', 'b', 'ab', '.h', 'node_modules', '@s', 'a.b']
const segments = ['a', 'b', 'ab', '*', '*', '**', '**', 'a*', '*b', '?',
    '[ab]', '[!a]', '{a,b}', '.h', '.*', '@s', 'node_modules', 'a?b', '*.b']
const trees = []
const tree = n => {
    const root = `${scratch}/tree-${n}`
    const folders = new Set()
    for (let i = 0; i < 25; i++) {
        const parts = []
        for (let d = 1 + below(4); d > 0; d--)
            parts.push(pick(names))
        folders.add(parts.join('/'))
    }
    for (const folder of folders) {
        fs.mkdirSync(`${root}/${folder}`, { recursive: true })
        if (below(5))
            fs.writeFileSync(`${root}/${folder}/package.json`, JSON.stringify({
                name: folder.replace(/[/@]/g, '-') }))
    }
    for (let i = 0; i < 3; i++)
        try {
            fs.symlinkSync(pick([...folders].map(f => `${root}/${f}`)),
                `${root}/${pick([...folders])}/link`)
        } catch {}
    return root
}
for (let i = 0; i < 12; i++)
    trees.push(tree(i))
const pattern = () => {
    const parts = []
    for (let d = 1 + below(4); d > 0; d--) {
        const next = pick(segments)
        parts.push(parts.includes('**') ? next.replace(/^[.]/, 'a') : next)
    }
    return pick(['', '', '', '!', '!', '!!', './', '/', '!./']) +
        parts.join('/') + pick(['', '', '', '/'])
}
const npm = async (dir, workspaces) => {
    try {
        const map = await mapWorkspaces({ cwd: dir, pkg: { workspaces } })
        return [...map.values()].map(p => path.relative(dir, p))
            .filter(p => p !== '')
            .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    } catch (error) {
        return [error.code]
    }
}
async function main () {
    let some = 0
    for (let done = 0; done < count; done += trees.length) {
        const expected = []
        for (const dir of trees) {
            const workspaces = Array.from({ length: 1 + below(4) }, pattern)
            fs.writeFileSync(`${dir}/package.json`,
                JSON.stringify({ name: 'root', workspaces }))
            expected.push([workspaces, await npm(dir, workspaces)])
        }
        const here = execFileSync(told, ['project', ...trees],
            { encoding: 'utf8' }).split('.\n').map(lines => lines.split('\n')
            .filter(l => l !== '').map(l => l.replace(/^(E[A-Z]+): .*/, '$1')))
        expected.forEach(([workspaces, found], i) => {
            some += found.length > 0
            if (here[i].join() !== found.join()) {
                console.log(`${trees[i]} ${JSON.stringify(workspaces)}\n` +
                    `  npm:  ${found.join(' ')}\n  here: ${here[i].join(' ')}`)
                process.exitCode = 1
            }
        })
    }
    console.log(`seed ${seed}: ${count} lists of patterns, ` +
        `${some} find something`)
    if (some < count / 10)
        throw new Error('too few of one kind')
}
main()
JS
