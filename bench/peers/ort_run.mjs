// SPDX-License-Identifier: MIT
// onnxruntime in a process of its own, as `weir run` is: creates sessions and
// runs them. Prints lines "name value unit" for bench/serve.sh.
//   node ort_run.mjs ONNXRUNTIME-FOLDER run THREADS REPEAT MODEL INPUT 1x3x48x320
//       create, first, least and median run in ms
//   node ort_run.mjs ONNXRUNTIME-FOLDER create N MODEL
//       N sessions of one model created at once: ms until all are there
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, mode, ...rest] = process.argv.slice(2);
const file = path.join(path.resolve(folder), 'dist', 'index.js');
const ort = (await import(pathToFileURL(file))).default;

if (mode === 'create') {
  const [count, model] = rest;
  const rss = process.memoryUsage().rss;
  const begin = performance.now();
  await Promise.all(Array.from({ length: Number(count) }, () =>
    ort.InferenceSession.create(model, { interOpNumThreads: 1 })));
  console.log('create', (performance.now() - begin).toFixed(3), 'ms');
  const more = process.memoryUsage().rss - rss;
  console.log('memory', (more / 1e6).toFixed(1), 'MB');
} else {
  const [threads, repeat, model, input, shape] = rest;
  const begin = performance.now();
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads),
    interOpNumThreads: 1,
  });
  console.log('create', (performance.now() - begin).toFixed(3), 'ms');
  const dims = shape.split('x').map(Number);
  const data = new Float32Array(dims.reduce((a, b) => a * b));
  let state = 1;
  for (let i = 0; i < data.length; i++) {
    state = (state * 16807) % 2147483647;
    data[i] = state / 1073741823 - 1;
  }
  const feeds = { [input]: new ort.Tensor('float32', data, dims) };
  const times = [];
  for (let i = 0; i < Number(repeat); i++) {
    const from = performance.now();
    await session.run(feeds);
    times.push(performance.now() - from);
  }
  console.log('first', times[0].toFixed(3), 'ms');
  times.sort((a, b) => a - b);
  console.log('least', times[0].toFixed(3), 'ms');
  console.log('median', times[times.length >> 1].toFixed(3), 'ms');
}
