// SPDX-License-Identifier: BSL-1.0
//
// A client on node's own agent, or with --undici on undici's pool; arguments and phases as every
// client has them (support/phases.hpp).
'use strict';
const http = require('node:http');
const readline = require('node:readline');

const [port, connections, warmUp, requests, ...rest] = process.argv.slice(2);
const close = rest.includes('--close');
const upload = rest.includes('--upload') ? Number(rest[rest.indexOf('--upload') + 1]) : 0;
const piece = Buffer.alloc(64 * 1024, 'x');

function* body() {
  for (let left = upload; left > 0; left -= piece.length) yield piece.subarray(0, left);
}

function byAgent() {
  const agent = new http.Agent({ keepAlive: !close, maxSockets: Number(connections) });
  const options = { agent, port, host: '127.0.0.1', method: upload ? 'POST' : 'GET' };
  if (upload) options.headers = { 'Content-Length': upload };
  return () =>
    new Promise((resolve, reject) => {
      const req = http.request(options, (res) => res.on('end', resolve).resume());
      req.on('error', reject);
      if (upload) require('node:stream').Readable.from(body()).pipe(req);
      else req.end();
    });
}

function byUndici() {
  const { Pool } = require('undici');
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: Number(connections), pipelining: close ? 0 : 1 });
  const options = { path: '/', method: upload ? 'POST' : 'GET' };
  return async () => {
    if (upload) Object.assign(options, { body: body(), headers: { 'Content-Length': String(upload) } });
    const answer = await pool.request(options);
    for await (const _ of answer.body);
  };
}

const ask = rest.includes('--undici') ? byUndici() : byAgent();

async function run(count) {
  let left = Number(count);
  const work = async () => {
    while (left-- > 0) await ask();
  };
  await Promise.all(Array.from({ length: Number(connections) }, work));
}

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
(async () => {
  for (const [phase, count] of [['warm', warmUp], ['done', requests]]) {
    await run(count);
    console.log(JSON.stringify({ phase }));
    await lines.next();
  }
  process.exit(0);
})();
