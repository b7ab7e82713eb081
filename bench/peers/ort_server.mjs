// SPDX-License-Identifier: MIT
// What a user writes instead of `weir serve`: onnxruntime behind node's own
// HTTP server. It takes and gives the frames of docs/serve.md, so that the same
// client measures both.
//   node ort_server.mjs ONNXRUNTIME-FOLDER THREADS NAME=MODEL.onnx...
// Prints "port N" once it listens. POST /v1/models/NAME/infer; GET /rss.
import http from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, threads, ...models] = process.argv.slice(2);
const file = path.join(path.resolve(folder), 'dist', 'index.js');
const ort = (await import(pathToFileURL(file))).default;
const sessions = new Map();
for (const model of models) {
  const at = model.indexOf('=');
  sessions.set(
    model.slice(0, at),
    await ort.InferenceSession.create(model.slice(at + 1), {
      intraOpNumThreads: Number(threads),
      interOpNumThreads: 1,
    }));
}

const up = (n) => Math.ceil(n / 64) * 64;

function read(body) {
  const feeds = {};
  const count = body.readUInt32LE(8);
  let at = 64;
  for (let i = 0; i < count; i++) {
    const rank = body.readUInt32LE(at + 4);
    const named = body.readUInt32LE(at + 8);
    const size = Number(body.readBigUInt64LE(at + 16));
    const dims = [];
    for (let d = 0; d < rank; d++)
      dims.push(Number(body.readBigInt64LE(at + 24 + 8 * d)));
    const name = body.toString('utf8', at + 24 + 8 * rank,
      at + 24 + 8 * rank + named);
    at = up(at + 24 + 8 * rank + named);
    // A copy of its own, aligned.
    const data = new Float32Array(body.buffer.slice(
      body.byteOffset + at, body.byteOffset + at + size));
    feeds[name] = new ort.Tensor('float32', data, dims);
    at = up(at + size);
  }
  return feeds;
}

function write(results) {
  const parts = [];
  let at = 0;
  const put = (bytes) => {
    parts.push(bytes);
    at += bytes.length;
    const zeros = up(at) - at;
    if (zeros > 0) parts.push(Buffer.alloc(zeros));
    at += zeros;
  };
  const names = Object.keys(results);
  const head = Buffer.alloc(16);
  head.write('WEIRTNS1');
  head.writeUInt32LE(names.length, 8);
  put(head);
  for (const name of names) {
    const { dims, data } = results[name];
    const one = Buffer.alloc(24 + 8 * dims.length + Buffer.byteLength(name));
    one.writeUInt32LE(1, 0);
    one.writeUInt32LE(dims.length, 4);
    one.writeUInt32LE(Buffer.byteLength(name), 8);
    one.writeBigUInt64LE(BigInt(data.byteLength), 16);
    dims.forEach((d, i) => one.writeBigInt64LE(BigInt(d), 24 + 8 * i));
    one.write(name, 24 + 8 * dims.length);
    put(one);
    put(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
  return Buffer.concat(parts);
}

async function answer(request, response, body) {
  const [, , , name] = request.url.split('/');
  const session = sessions.get(name);
  if (session === undefined) {
    response.writeHead(404).end();
    return;
  }
  const out = write(await session.run(read(body)));
  response.writeHead(200, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': out.length,
  });
  response.end(out);
}

const server = http.createServer((request, response) => {
  if (request.url === '/rss') {
    response.end(String(process.memoryUsage().rss));
    return;
  }
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    answer(request, response, Buffer.concat(parts)).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(`port ${server.address().port}`);
});
