// SPDX-License-Identifier: BSL-1.0
//
// Node's server, for the soak runs: server.js [PORT]. GET /SIZE is answered with a body of that size, with
// a length or in chunks by turns; anything with a body by how long that was, or by its SHA-256 where
// the path is /sha256. Some answers have a 102 before them, and some end their connection.
const {createHash} = require("node:crypto");
const http = require("node:http");
const {pipeline} = require("node:stream");

const piece = Buffer.from(Array.from({length: 65536}, (_, i) => (i * 31 + (i >> 8)) & 255));
let asked = 0;

function* body(size) {
  for (let left = size; left > 0; left -= piece.length) {
    yield left < piece.length ? piece.subarray(0, left) : piece;
  }
}

function send(res, size) {
  if (asked % 2) res.setHeader("Content-Length", size);
  // Who goes away before the end is none of our business.
  pipeline(body(size), res, () => undefined);
}

const server = http.createServer((req, res) => {
  if (++asked % 5 === 0) res.writeProcessing();
  if (asked % 7 === 0) res.shouldKeepAlive = false;
  if (req.method === "GET") return send(res, Number(req.url.slice(1)));
  const hash = req.url === "/sha256" && createHash("sha256");
  let size = 0;
  req.on("data", chunk => {
    size += chunk.length;
    if (hash) hash.update(chunk);
  });
  req.on("end", () => res.end(hash ? hash.digest("hex") : String(size)));
});
server.requestTimeout = 0;
server.listen(Number(process.argv[2] || 0), "127.0.0.1", () => console.log(server.address().port));
