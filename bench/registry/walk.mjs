// SPDX-License-Identifier: MIT
// Finds everything that a project can need, by the simplest walk there is and
// with npm's own modules: an independent count for what `weir deps fetch` says.
//
//   node walk.mjs PROJECT REGISTRY [--list]
//
// PROJECT holds a package.json, REGISTRY is a URL. Prints lines of name and
// value; --list: one line per (name, spec), sorted: name, spec, version.
import fs from "node:fs";
import path from "node:path";
import http from "node:http";
import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";

const [project, registry, ...rest] = process.argv.slice(2);
if (!registry) {
  console.error("usage: node walk.mjs PROJECT REGISTRY [--list]");
  process.exit(2);
}
const npm = fs.realpathSync(execFileSync("sh", ["-c", "command -v npm"])
  .toString().trim());
let require;
let pick, npa;
try {
  require = createRequire(path.join(path.dirname(npm), "..", "lib", "npm.js"));
  pick = require("npm-pick-manifest");
  npa = require("npm-package-arg");
} catch {
  console.error("walk: npm's modules are not to be had");
  process.exit(77);
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
const accept = "application/vnd.npm.install-v1+json; q=1.0, " +
  "application/json; q=0.8, */*";
function get(url) {
  return new Promise((resolve, reject) => {
    http.get(url, { agent, headers: { accept } }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () => answer.statusCode === 200
        ? resolve(JSON.parse(Buffer.concat(parts)))
        : reject(new Error(`${answer.statusCode} for ${url}`)));
    }).on("error", reject);
  });
}

const documents = new Map();
function document(name) {
  if (!documents.has(name))
    documents.set(name, get(registry.replace(/\/?$/, "/") +
      name.replace("/", "%2f")));
  return documents.get(name);
}

// The needs of a manifest, in npm's order: a later one replaces an earlier one.
// Peers that may be absent are not gone for.
function needs(manifest, top) {
  const all = new Map();
  const meta = manifest.peerDependenciesMeta || {};
  for (const [name, spec] of Object.entries(manifest.peerDependencies || {}))
    all.set(name, { spec, absent: meta[name]?.optional === true });
  for (const [name, spec] of Object.entries(manifest.dependencies || {}))
    all.set(name, { spec });
  for (const [name, spec] of
    Object.entries(manifest.optionalDependencies || {}))
    all.set(name, { spec });
  if (top)
    for (const [name, spec] of Object.entries(manifest.devDependencies || {}))
      all.set(name, { spec });
  return [...all].filter(([, need]) => !need.absent);
}

const items = new Map(); // "name spec" -> version
const versions = new Set();
let failed = 0;
let level = [];
function add(manifest, top, next) {
  for (const [name, { spec }] of needs(manifest, top)) {
    let its = npa.resolve(name, spec, project);
    if (its.type === "alias")
      its = its.subSpec;
    const key = `${its.name}\t${its.fetchSpec}`;
    if (!items.has(key)) {
      items.set(key, "");
      next.push({ key, its });
    }
  }
}
add(JSON.parse(fs.readFileSync(path.join(project, "package.json"))), true,
  level);
let depth = 0;
while (level.length > 0) {
  depth++;
  const next = [];
  const ended = await Promise.all(level.map(async ({ key, its }) => {
    try {
      const chosen = pick(await document(its.name), its.fetchSpec);
      items.set(key, chosen.version);
      return chosen;
    } catch (error) {
      failed++;
      items.set(key, String(error.code || error.message));
      return {};
    }
  }));
  for (const chosen of ended) {
    if (chosen.name)
      versions.add(`${chosen.name}@${chosen.version}`);
    add(chosen, false, next);
  }
  level = next;
}
if (rest.includes("--list"))
  process.stdout.write([...items].map(([key, version]) =>
    `${key}\t${version}\n`).sort().join(""));
else
  console.log(`items ${items.size}\npackages ${documents.size}\n` +
    `versions ${versions.size}\nfailed ${failed}\ndepth ${depth}`);
agent.destroy();
