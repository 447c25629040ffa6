// SPDX-License-Identifier: BSL-1.0
//
// A file, compressed by node's zlib for each request: node node_gzip.js FILE LEVEL
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const zlib = require('node:zlib');

const body = fs.readFileSync(process.argv[2]);
const level = Number(process.argv[3]);
const server = http.createServer({ keepAliveTimeout: 600_000 }, (req, res) => {
  res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' });
  const gzip = zlib.createGzip({ level });
  gzip.pipe(res);
  gzip.end(body);
});
server.listen(0, '127.0.0.1', 4096, () => console.log(JSON.stringify({ port: server.address().port })));
