// SPDX-License-Identifier: MIT
// Asks semver_tool and npm's own modules the same random questions and tells
// where they differ, made small.
//
//   node against_npm.mjs TOOL MODULES [SEED [ROUNDS [KINDS]]]
//
// A round is 4,000 questions; KINDS are letters of semver_tool (vcrsinpk).
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [tool, modules, seedText = '1', rounds = '2', kinds = 'vcrsinpk'] =
  process.argv.slice(2)
const require = createRequire(join(modules, 'here.js'))
const semver = require('semver')
const npa = require('npm-package-arg')
const pickManifest = require('npm-pick-manifest')
const validName = require('validate-npm-package-name')

// ---- chance ----------------------------------------------------------------

let state = BigInt(seedText)
const next = () => {
  const mask = (1n << 64n) - 1n
  state = (state + 0x9e3779b97f4a7c15n) & mask
  let z = state
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask
  return Number((z ^ (z >> 31n)) & 0xffffffffn)
}
const below = (n) => next() % n
const one = (list) => list[below(list.length)]
const chance = (n) => below(n) === 0
const many = (most, make, between) =>
  Array.from({ length: below(most + 1) }, make).join(between)

// ---- what is asked ---------------------------------------------------------

const spaces = ['\t', '\n', '\r', '\v', '\f', '\u00a0', '\u1680', '\u2003',
  '\u2028', '\u2029', '\u202f', '\u205f', '\u3000', '\ufeff', '\u2000',
  '\u200a']
const space = () => chance(30) ? one(spaces) : chance(20) ? '  ' : ' '
const maybe = (n, make) => chance(n) ? make() : ''
const number = () => chance(60) ? one(['9007199254740991', '9007199254740992',
  '9007199254740990', '99999999999999999999', '999999999999999999999',
  '9'.repeat(22), '9'.repeat(257), '9'.repeat(256), '1'.repeat(300),
  '0'.repeat(20) + '1', '9'.repeat(20), '0'.repeat(257), '123456789012345678'])
  : chance(25) ? '0' + below(12) : chance(6) ? String(below(1e6))
    : String(below(4))
const letters = () => chance(80) ? 'a'.repeat(248 + below(6)) : one(['alpha',
  'beta', 'rc', 'x', 'X', 'v', '-', '--', 'a', 'b', 'A', 'Z', 'next', 'v1',
  'e', '0a', '1-', 'canary', '-1'])
const id = () => chance(2) ? number() : letters()
const ids = () => id() + many(3, () => '.' + id(), '')
const pre = () => chance(3)
  ? (chance(6) ? '' : '-') + ids() : ''
const build = () => maybe(10, () => '+' + ids())
const triple = () => number() + '.' + number() + '.' + number()
const version = () => maybe(20, () => one(['v', '=', ' ', 'v ', '= v', '=='])) +
  triple() + pre() + build() + maybe(40, space)
const part = () => chance(4) ? one(['x', 'X', '*']) : number()
const partial = () => maybe(20, () => one(['v', '=', 'v=', '= ', '=='])) +
  (chance(3) ? triple() + pre() : part() + maybe(2, () => '.' + part() +
  maybe(2, () => '.' + part() + pre()))) + build()
const op = () => one(['', '', '', '^', '^', '~', '~>', '>', '<', '>=', '<=',
  '=', '>==', '=>', '^^', '~~', '~ >', '> ='])
const comparator = () => op() + maybe(6, space) + partial()
const side = () => chance(6)
  ? partial() + space() + '-' + space() + partial()
  : chance(30) ? '' : comparator() + many(2, () => space() + comparator(), '')
const range = () => maybe(30, space) + side() +
  many(2, () => maybe(2, space) + '||' + maybe(2, space) + side(), '') +
  maybe(30, space)

const bits = ['^', '~', '>', '<', '=', ' ', '-', '.', '*', 'x', 'v', '|', '||',
  '+', '0', '1', '9', 'a', ' - ', '~>', '>=', '0.0.0', '-0', '/', ':', '@', '#',
  '%', '%20', '%2f', 'é', '\t', '\n', '\\', '\u00a0', '..', '🎈']
// Takes a letter out, puts one in, doubles a piece.
const bend = (text) => {
  const at = below(text.length + 1)
  switch (below(4)) {
    case 0: return text.slice(0, at) + text.slice(at + 1)
    case 1: return text.slice(0, at) + one(bits) + text.slice(at)
    case 2: return text.slice(0, at) + one(bits) + text.slice(at + 1)
    default: return text.slice(0, at) + text.slice(below(text.length + 1))
  }
}
const bent = (make) => () => {
  let text = make()
  for (let i = chance(3) ? 1 + below(3) : 0; i > 0; i--) text = bend(text)
  return text.isWellFormed() ? text : 'x'
}

const word = () => one(['foo', 'bar', 'a', 'latest', 'next', 'Foo', 'x.tgz',
  'http', 'node_modules', 'favicon.ico', 'b.tar.gz', 'c.TAR', 'git', '_x',
  '.y', '-z', 'a b', 'q~', "w'", 'semver', 'tree', 'archive',
  'get', 'raw', 'x.git', '1', '..', '.', 'é', '%41', '%', '%zz', '%2e', '%ff'])
const name = () => maybe(4, () => '@' + word() + '/') + word()
const host = () => one(['github.com', 'gitlab.com', 'bitbucket.org',
  'gist.github.com', 'git.sr.ht', 'www.github.com', 'example.com', 'localhost',
  'example.org', 'example.com', 'example.org', 'git.example.org', 'x.example',
  '127.0.0.1', '[::1]', '[::', '[1:2]', 'GitHub.com', '', 'a b', 'a_b', '256.1',
  '1.2.3.4.5', '0x7f.1', 'a<b', 'git%68ub.com', 'x%y', 'example.com.', '1.09',
  '[::ffff:1.2.3.4]', '[1:2:3:4:5:6:7:8]', '[1:2:3:4:5:6:7:8:9]', '[::1'])
const user = () => one(['', '', '', 'git@', 'user:pass@', ':p@', '@', 'a@b@',
  'u:1@'])
const port = () => one(['', '', '', '', ':80', ':', ':abc', ':99999', ':8a',
  ':1234'])
const path = () => many(4, () => one(['/', '/', ':', '']) + word(), '')
const hash = () => maybe(3, () => '#' + one([word(), 'semver:' + range(),
  'path:' + word(), 'a::b', 'semver:1::semver:2', 'semver:1::x', 'x::semver:1',
  'path:a::path:b', 'x::path:a', 'foo:bar', 'semver:', 'semver:%', '',
  '::', 'semver:%20::a']))
const scheme = () => one(['http', 'https', 'git', 'git+ssh', 'ssh',
  'git+https', 'git+http', 'git+file', 'git+rsync', 'git+ftp', 'ftp', 'file',
  'FILE', 'workspace', 'catalog', 'link', 'github', 'gitlab', 'bitbucket',
  'gist', 'sourcehut', 'Git+SSH', 'HTTP', 'git+x', 'patch', 'jsr', 'svn'])
const url = () => scheme() + ':' + one(['//', '//', '//', '', '/', '///']) +
  user() + host() + port() + path() + hash()
const plainSpec = () => one([range, range, version, word, word, name, url, url,
  () => name() + '/' + word() + hash(), () => user() + host() + ':' + path() +
  hash(), () => one(['./', '../', '~/', '/', 'c:', '.', '']) + path(),
  () => 'npm:' + name() + maybe(2, () => '@' + one([range, version, word,
    url])()), () => 'NPM:' + plainSpec(), () => '', () => '*', space])()

const node = () => one(['v20.20.2', '18.0.0', '22.1.0-nightly2024', '0.10.48',
  'v16.13.1', ''])
const engines = () => chance(2) ? undefined : chance(5) ? one(['>= 0.8', '*',
  '', 'x', '>=14 || 20', 'node >= 4', '^20.20.2', '>20', '<18']) : range()
const document = () => {
  const versions = {}
  const tags = {}
  const made = new Set()
  for (let i = below(12); i > 0; i--)
    made.add(chance(15) ? bent(version)() : chance(8) ? version().trim()
      : triple() + maybe(3, () => '-' + ids()))
  for (const key of made) {
    versions[key] = { name: 'p', version: key }
    if (chance(4))
      versions[key].deprecated = one(['no', '', false, true, 'old'])
    const needs = engines()
    if (needs !== undefined) versions[key].engines = { node: needs }
  }
  // As they are in a document here: highest first, equal ones by their text.
  const keys = Object.keys(versions)
  const order = (a, b) => {
    const x = semver.parse(a, true), y = semver.parse(b, true)
    if (!x || !y) return x ? -1 : y ? 1 : 0
    return semver.compareLoose(y, x) || (Buffer.from(a).compare(Buffer.from(b)))
  }
  const sorted = {}
  for (const key of keys.sort(order)) sorted[key] = versions[key]
  for (let i = below(4); i > 0; i--)
    tags[one(['latest', 'latest', 'next', 'beta'])] =
      chance(9) ? version() : keys.length > 0 ? one(keys) : '1.0.0'
  return { name: 'p', versions: sorted, 'dist-tags': tags }
}
const wanted = (doc) => {
  const keys = Object.keys(doc.versions)
  const some = keys.length > 0 ? one(keys) : '1.0.0'
  return one([() => one(['latest', 'next', 'beta', 'none', '*', '', 'x']),
    () => one(['^', '~', '>=', '<=', '<', '']) + some, range, () => some,
    () => one(['^', '~', '']) + below(4) + maybe(2, () => '.' + below(4)),
    () => '>=' + some + '||' + range()])()
}

const questions = {
  v: () => [bent(version)()],
  c: () => {
    const a = version()
    return [a, one([version, version, bent(version), () => a + build(),
      () => 'v' + a, () => a.replace(/[0-9]/, '0$&'), () => a + '.1'])()]
  },
  r: () => [bent(range)()],
  s: () => [bent(range)(), chance(9) ? version() : triple() + pre()],
  i: () => [range(), range()],
  n: () => [bent(name)()],
  p: () => [chance(3) ? name() : 'foo', bent(plainSpec)()],
  k: () => {
    const doc = document()
    return [wanted(doc), chance(4) ? one(['next', 'beta']) : '', node(),
      JSON.stringify(doc)]
  },
}

// ---- npm's answers ---------------------------------------------------------

const escape = (text) => Buffer.from(text).reduce((out, c) => out +
  (c > 0x20 && c < 0x7f && c !== 0x25 ? String.fromCharCode(c)
    : '%' + c.toString(16).toUpperCase().padStart(2, '0')), '')
const codes = ['EINVALIDPACKAGENAME', 'EINVALIDTAGNAME', 'EUNSUPPORTEDPROTOCOL',
  'ETARGET', 'ENOVERSIONS']
const code = (error) => codes.includes(error.code) ? error.code : 'EINVALIDSPEC'
const attempt = (make) => {
  try { return make() } catch (error) { return code(error) }
}
const inc = { loose: true, includePrerelease: true }
const normal = (text, options) => {
  try { return '< ' + escape(new semver.Range(text, options).range) } catch {
    return '-'
  }
}
const answers = {
  v: (text) => [false, true].map((loose) => {
    const read = semver.parse(text, { loose })
    return read ? escape(read.version) : '-'
  }).join(' '),
  c: (a, b) => {
    try { return String(semver.compare(a, b, true)) } catch { return '-' }
  },
  // What is a range only with prereleases, or only without, is rare (numbers
  // near 2^53): ours is one if it is one without.
  r: (text) => {
    const plain = normal(text, { loose: true })
    return plain + ' ' + (plain === '-' ? '-'
      : normal(text, inc).replace(/^-$/, '< '))
  },
  s: (text, v) => [{ loose: true }, inc, { includePrerelease: true }]
    .map((options) => Number(semver.satisfies(v, text, options) &&
      (options !== inc || semver.validRange(text, true) !== null))).join(' '),
  i: (a, b) => {
    try { return String(Number(semver.intersects(a, b, { loose: true }))) }
    catch { return '-' }
  },
  n: (text) => String(Number(validName(text).validForOldPackages)),
  p: (key, text) => attempt(() => {
    const all = npa.resolve(key, text, '/where')
    const spec = all.type === 'alias' ? all.subSpec : all
    return spec.type + (spec.registry ? ' ' + escape(spec.name ?? '') + ' ' +
      escape(spec.fetchSpec || '*') + ' ' + Number(all !== spec) : '')
  }),
  k: (text, defaultTag, nodeVersion, json) => attempt(() => {
    const spec = npa.resolve('p', text, '/where')
    if (!spec.registry || spec.type === 'alias') return ''
    return escape(pickManifest(JSON.parse(json), spec.fetchSpec,
      { defaultTag: defaultTag || 'latest', nodeVersion: nodeVersion || null,
        npmVersion: null }).version)
  }),
}

// ---- comparison ------------------------------------------------------------

const ask = (list) => execFileSync(tool, {
  input: list.map((q) => q.map(escape).join(' ') + '\n').join(''),
  maxBuffer: 1 << 28,
}).toString().split('\n').slice(0, list.length)
  .map((line) => line.slice(1))
// undefined: npm threw where it should have answered (versions that get longer
// than 256 letters by their hyphen).
const npms = (q) => {
  try { return answers[q[0]](...q.slice(1)) } catch (error) {
    if (!/longer than 256/.test(error.message)) throw error
  }
}
const same = (ours, npm) => npm === undefined || ours === npm
const differs = (q) => !same(ask([q])[0], npms(q))
const small = (q) => {
  const most = q[0] === 'k' ? 1 : q.length - 1
  for (let again = true; again;) {
    again = false
    for (let f = 1; f <= most; f++)
      for (let size = q[f].length; size > 0; size >>= 1)
        for (let at = 0; at + size <= q[f].length; at++) {
          const less = [...q]
          less[f] = q[f].slice(0, at) + q[f].slice(at + size)
          if (less[f].isWellFormed() && differs(less)) {
            q = less
            again = true
          }
        }
  }
  return q
}
let wrong = 0
let compared = 0
for (let round = 0; round < Number(rounds) && wrong < 10; round++) {
  const list = Array.from({ length: 4000 }, (_, i) => {
    const kind = kinds[i % kinds.length]
    return [kind, ...questions[kind]()]
  })
  const ours = ask(list)
  for (const [i, q] of list.entries()) {
    compared++
    if (same(ours[i], npms(q)) || wrong >= 10) continue
    wrong++
    const less = small(q)
    console.log(`${less.map((f) => JSON.stringify(f)).join(' ')}\n` +
      `    ours: ${ask([less])[0]}\n    npm:  ${npms(less)}`)
  }
}
console.log(`seed ${seedText}: ${compared} compared, ${wrong} differ`)
process.exit(wrong > 0 ? 1 : 0)
