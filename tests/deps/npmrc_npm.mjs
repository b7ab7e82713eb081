// SPDX-License-Identifier: MIT
// Made-up homes, projects and environments, read by npmrc_show and by the
// installed npm's own modules: both must find the same. What is meant to differ
// is said where it is left out below.
//
//   node npmrc_npm.mjs NPM-MODULES NPMRC-SHOW [SEED [CASES]]
import {spawnSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

const [modules, program, seed = '1', cases = '300'] = process.argv.slice(2)
const require = createRequire(join(modules, 'x.js'))
const Config = require('@npmcli/config')
const npm = require('@npmcli/config/lib/definitions')
const getAuth = require('npm-registry-fetch/lib/auth.js')

let state = BigInt(seed)
const below = bound => {
    state = (state * 6364136223846793005n + 1442695040888963407n) &
        0xffffffffffffffffn
    return Number((state >> 33n) % BigInt(bound))
}
const one = list => list[below(list.length)]

const hosts = ['a.example.com', 'b.example.org:8443', 'localhost:4873',
    '127.0.0.1:4873', '[::1]:99']
const paths = ['', '/', '/npm', '/npm/', '/npm/x/', '/team']
const urls = hosts.flatMap(host => paths.map(path => `${host}${path}`))
const number = () => one(['0', '1', '7', '1000', '"3"', "'12'", '1e2', '0x10',
    ' 5 ', '${FIVE}', '"${FIVE}"', '4 ; so'])
const bad = () => below(40) === 0
const flag = () => bad() ? one(['maybe', '2x'])
    : one(['true', 'false', '"true"', "'false'", '${YES}', ' true # so', ''])
const text = () => one(['next', '"beta"', "'rc'", 'a\\;b', 'x ; y', 'x # y',
    '${TAG}', '${TAG?}', '${NONE?}z', '\\${TAG}', '"\\\\${TAG}"', '${NONE}',
    '${TAG}${TAG}', 'a\\\\b', '"quo\\u0074e"', "'it''s'", '"half', "a'b",
    'true', 'k=v=w', '\u00e9\u00a0'])
const url = () => bad() ? one(['nowhere', '/npm', 'http:/x'])
    : one(['https://', 'http://']) + one(urls)
const quoted = value => one([value, `"${value}"`, `'${value}'`, ` ${value} `])

// key -> a value as it may stand in a file
const values = {
    registry: () => quoted(url()),
    '@one:registry': () => quoted(url()),
    '@two:registry': () => url(),
    cache: () => one(['~/c', '/abs/cache', 'rel/../c2', '"~/d"', '${TAG}/x']),
    cafile: () => one(['null', '~/ca.pem', './ca.pem', '/x//y/./z']),
    proxy: () => one(['null', 'false', 'http://p.example.com:3128/']),
    'https-proxy': () => one(['null', 'http://q.example.com:1/']),
    noproxy: () => one(['a.example', 'a.example, b.example', '${TAG}']),
    tag: text,
    before: () => one(['null', '2020-01-01']),
    'strict-ssl': flag,
    'legacy-peer-deps': flag,
    offline: flag,
    'prefer-offline': flag,
    'prefer-online': flag,
    'fetch-retries': () => bad() ? 'many' : number(),
    'fetch-retry-factor': number,
    'fetch-retry-mintimeout': number,
    'fetch-retry-maxtimeout': number,
    'fetch-timeout': number,
}
const auths = ['_authToken', '_auth', 'username', '_password']
const keys = Object.keys(values)

const line = () => {
    const space = one(['', '', ' ', '\t '])
    switch (below(12)) {
    case 0: return one(['; note', '# note', '', '   ', '=odd', '\t;x', 'word',
        'unknown = 3', 'un:known=4', '[', '[]=1', 'tag2[]=5'])
    case 1: case 2: case 3: case 4: {
        // A password is base64 of UTF-8: of other bytes npm makes U+FFFD.
        const value = one(['s3cret', '${SECRET}', '"q q"', 'YTpi', "'c2Vj'",
            '${NONE?}', 'a+b/c=='])
        const coded = one(['YTpi', "'c2Vj'", 'w6 nDqA==', 'w6nDqA'])
        const name = one(auths)
        return `${space}//${one(urls)}:${name}${space}=` +
            (name === '_password' ? coded : value)
    }
    case 5: return `noproxy[]=${one(['l1', 'l2'])}`
    case 6: return one(['offline', 'prefer-online', 'offline[x'])
    default: {
        const key = one(keys)
        return `${space}${one([key, key, key, `"${key}"`, `'${key}'`])}` +
            `${space}=${space}${values[key]()}`
    }
    }
}
const file = () => {
    const lines = []
    for (let i = below(14); i > 0; i--) lines.push(line())
    if (below(6) === 0) lines.push('[section]', line(), line())
    return one(['', '', '\ufeff']) + lines.join(one(['\n', '\r\n', '\n\n']))
}
const variable = key => one(['npm_config_', 'NPM_CONFIG_', 'Npm_Config_']) +
    (key.startsWith('@') ? key
        : one([k => k, k => k.toUpperCase()])(key.replaceAll('-', '_')))

const root = mkdtempSync(join(tmpdir(), 'weir-npmrc-'))
const [home, project, prefix] =
    ['home', 'project', 'prefix/etc'].map(name => join(root, name))
for (const folder of [home, project, prefix])
    mkdirSync(folder, {recursive: true})
writeFileSync(join(project, 'package.json'), '{}')
process.chdir(project)

const asked = urls.map(rest => 'https://' + rest)
    .concat(['https://A.example.com:443/npm/x/y.tgz',
        'https://a.example.com/team2', 'https://c.example.com/npm',
        'https://a.example.com/npm?x=/npm/x/'])
const plain = urls.map(rest => 'http://' + rest)
const names = ['@one/x', '@two/y', '@three/z']

const theirs = async env => {
    const config = new Config({definitions: npm.definitions,
        shorthands: npm.shorthands, flatten: npm.flatten,
        nerfDarts: npm.nerfDarts, npmPath: root, env, cwd: project,
        argv: [process.execPath, 'npm'], execPath: process.execPath})
    let valid
    try {
        await config.load()
        valid = config.validate()
    } catch (error) {
        return {thrown: error}
    }
    const all = Object.assign({}, ...config.list.slice().reverse())
    const slash = text => text?.replace(/\/?$/, '/')
    const show = {}
    for (const key of keys) {
        const value = config.get(key)
        if (key.startsWith('@')) continue
        show[key] = key === 'registry' ? slash(value)
            : key === 'cache' ? join(value, '_weir')
            : key === 'noproxy' ? [].concat(value).join(',') || null
            : value === false && key.endsWith('proxy') ? null
            : typeof value === 'boolean' ? Number(value) : value
    }
    show.before = show.before === null ? null : 'set'
    for (const name of names)
        show[name] = slash(all[name.split('/')[0] + ':registry']) ??
            show.registry
    // Without a registry: its token is not for all of its host here.
    delete all.registry
    for (const where of asked.concat(plain)) {
        const {token, auth} = getAuth(where, all)
        show[where] = token ? `Bearer ${token}` : auth ? `Basic ${auth}` : null
    }
    return {valid, show}
}

const ours = env => {
    const run = spawnSync(program, [project, ...names, ...asked, ...plain],
        {env, encoding: 'utf8'})
    if (run.status !== 0)
        throw new Error(`npmrc_show: ${run.status} ${run.signal} ${run.stderr}`)
    return Object.fromEntries(run.stdout.trimEnd().split('\n').map(text =>
        [text.slice(0, text.indexOf('\t')),
            text.slice(text.indexOf('\t') + 1)]))
}

let refused = 0
let tokens = 0
for (let i = 0; i < Number(cases); i++) {
    const env = {HOME: home, PREFIX: join(root, 'prefix'), PATH: '/nowhere',
        FIVE: '5', YES: 'true', TAG: 'tag-of-env', SECRET: 'from-env'}
    const files = {[join(home, '.npmrc')]: file(),
        [join(project, '.npmrc')]: file(), [join(prefix, 'npmrc')]: file()}
    for (const [path, body] of Object.entries(files)) writeFileSync(path, body)
    for (let j = below(4); j > 0; j--) {
        const key = one(keys)
        const value = values[key]()
        // To npm the path null of the environment is ./null.
        env[variable(key)] = key === 'cafile' && value === 'null' ? '' : value
    }
    if (below(3) === 0) env[`npm_config_//${one(urls)}:_authToken`] = 'of-env'
    const want = await theirs({...env}) // npm adds to it
    const got = ours(env)
    const fail = why => {
        console.log(JSON.stringify({case: i, why, env, files}, null, 1))
        process.exitCode = 1
    }
    if (got.error !== undefined) {
        refused++
        // npm does not look at the registry of a scope before it is needed, and
        // takes any text that is not false for true.
        if (!want.thrown && want.valid &&
            !/@\w+:registry: it is not the URL/.test(got.error) &&
            !/it is true or false$/.test(got.error))
            fail(`refused: ${got.error}`)
        continue
    }
    if (want.thrown) {
        fail(`npm throws: ${want.thrown.message}`)
        continue
    }
    for (const [key, value] of Object.entries(want.show)) {
        let mine = got[key]
        if (key === 'before' && mine !== 'null') mine = 'set'
        if (key === 'noproxy') mine = mine.replaceAll(/, */g, ',')
        const text = key === 'noproxy' ? String(value).replaceAll(/, */g, ',')
            : String(value)
        // A null where npm would send a token over http: on purpose.
        if (key.startsWith('http://') && mine === 'null') continue
        if (key === 'registry' && value === npm.definitions.registry.default)
            continue // no default here
        if (key.startsWith('@') && mine === 'null' &&
            value === npm.definitions.registry.default)
            continue
        tokens += key.includes('://') && mine !== 'null'
        if (mine !== text)
            fail(`${key}: npm has ${text}, we have ${mine}`)
    }
}
rmSync(root, {recursive: true})
console.log(`${cases} cases, seed ${seed}: ${refused} refused, ` +
    `${tokens} tokens given`)
if (refused === 0 || tokens < Number(cases)) {
    console.log('the cases are too tame')
    process.exitCode = 1
}
