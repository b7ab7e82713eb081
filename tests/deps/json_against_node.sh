#!/bin/sh
# SPDX-License-Identifier: MIT
# What node's JSON.parse takes, wr_doc_parse and wr_manifest_parse take; what it
# refuses they refuse. The one difference, on purpose: more than 512 levels.
# usage: json_against_node.sh DEPS_TOLD [SEED [CASES]]
set -eu
if ! command -v node >/dev/null; then
    echo "skipped: node is not installed"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
node - "$scratch" "$1" "${2:-$$}" "${3:-30000}" <<'JS'
'use strict'
const [, , scratch, told, seed, count] = process.argv
const fs = require('fs')
const { execFileSync } = require('child_process')
let state = Number(seed) >>> 0
const below = n => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor(state / 4294967296 * n)
}
const pick = list => list[below(list.length)]
const space = () => pick(['', '', '', ' ', '\n', '\t', '\r', '\u00a0', '\f',
    '\ufeff'].slice(0, below(40) ? 7 : 10))
const letters = ['a', 'b', 'versions', '1.0.0', '\\n', '\\u0041', '\\ud83d',
    '\\ude00', '\\u0000', '\u00e9', '\ud83d\ude00', '\\/', '\\"', 'x'.repeat(9),
    '\\\\', '\u007f', '\u2028']
const bad = ['\\x', '\\u12g4', '\n', '\t', '\u0000', '\\', '"', '\\u',
    '\\U0041']
const string = () => {
    let text = ''
    for (let i = below(4); i > 0; i--)
        text += below(40) ? pick(letters) : pick(bad)
    return `"${text}"`
}
const numbers = ['0', '-0', '1', '12', '-1.5', '1e5', '1E+5', '1e-5', '0.1',
    '1e999', '-1e999', '9'.repeat(40), '1.0e0', '0e0', '9007199254740993']
const wrong = ['01', '-', '+1', '.5', '1.', '1e', '1e+', '--1', '0x1', 'NaN',
    'Infinity', '1.e1', 'tru', 'True', 'nul', 'undefined', "'a'", '', ',',
    '1 2']
const value = depth => {
    const kind = below(depth > 4 ? 3 : 6)
    if (below(60) === 0)
        return pick(wrong)
    if (kind === 0)
        return pick(['true', 'false', 'null'])
    if (kind === 1)
        return pick(numbers)
    if (kind === 2)
        return string()
    const list = []
    for (let i = below(4); i > 0; i--)
        list.push(kind < 4 ? space() + value(depth + 1) + space() :
            space() + string() + space() + ':' + space() + value(depth + 1) +
            space())
    const open = kind < 4 ? '[' : '{', close = kind < 4 ? ']' : '}'
    return open + (list.length ? list.join(',') : space()) + close
}
const document = () => '{' + pick(['"versions":{',
    '"name":"a","versions":{"1.0.0":{']) +
    string() + ':' + value(0) + ',"engines":' + value(2) + ',"dist":' +
    value(2) +
    '}}' .slice(below(30) ? 0 : 1) + pick(['', '}'])
const damage = bytes => {
    for (let i = below(3); i > 0 && bytes.length; i--) {
        const at = below(bytes.length)
        const byte = below(2)
            ? pick([...Buffer.from('{}[]",:\\ \n\u0000u0-1e.')])
            : below(256)
        const rest = bytes.subarray(at + below(2))
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]),
            rest])
    }
    return bytes
}
const cases = []
for (let i = 0; i < count; i++) {
    let bytes = Buffer.from(space() +
        (below(3) ? document() : value(0)) + space())
    if (below(3) === 0)
        bytes = damage(bytes)
    cases.push(bytes)
}
const deep = n => Buffer.from('['.repeat(n) + ']'.repeat(n))
cases.push(deep(512), Buffer.from('\ufeff{}'), Buffer.alloc(0))
const file = `${scratch}/cases`
fs.writeFileSync(file, Buffer.concat(cases.flatMap(c => [
    Buffer.from(`${c.length}\n`), c])))
const tell = () => execFileSync(told, ['json', file], {
    maxBuffer: 1 << 28, encoding: 'latin1' }).trim().split('\n')
const takes = text => {
    try {
        JSON.parse(text)
        return true
    } catch {
        return false
    }
}
let taken = 0
const lines = tell()
if (lines.length !== cases.length)
    throw new Error(`${lines.length} answers to ${cases.length} cases`)
cases.forEach((bytes, i) => {
    const text = bytes.toString('utf8')
    const [doc, manifest] = lines[i].split(' ').map(c => c !== 'EJSONPARSE')
    const plain = takes(text), marked = takes(text.replace(/^\ufeff/, ''))
    taken += plain
    if (lines[i].includes('ENOMEM') || doc !== plain || manifest !== marked) {
        console.log(`case ${i}: node ${plain} ${marked}, here ${lines[i]}: ` +
            JSON.stringify(text) + ' ' + bytes.toString('hex'))
        process.exitCode = 1
    }
})
// The difference.
fs.writeFileSync(file, `1026\n${deep(513)}`)
if (tell()[0] !== 'EJSONPARSE EJSONPARSE' || !takes(deep(513).toString()))
    throw new Error('513 levels')
console.log(`seed ${seed}: ${cases.length} cases, JSON.parse takes ${taken}`)
if (taken < cases.length / 10 || taken > cases.length * 9 / 10)
    throw new Error('too few of one kind')
JS
