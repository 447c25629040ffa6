// SPDX-License-Identifier: BSL-1.0
//
// The plain answer by node's own server.
'use strict';
const http = require('node:http');

const server = http.createServer({ keepAliveTimeout: 600_000 }, (req, res) => res.end('Hello, World!'));
server.listen(0, '127.0.0.1', 4096, () => console.log(JSON.stringify({ port: server.address().port })));
