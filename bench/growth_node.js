// SPDX-License-Identifier: BSL-1.0
//
// The ticker on Node: growth_node.js [drain]. As a rule the result of write() is ignored; with "drain" it is
// not, and a client that does not read gets nothing until it does.
const {once} = require('node:events');
const {createServer} = require('node:http');
const {setTimeout} = require('node:timers/promises');

const line = 'x'.repeat(1023) + '\n';
const waits = process.argv[2] === 'drain';

const server = createServer(async (req, res) => {
  while (!res.destroyed) {
    for (let i = 0; i < 25; ++i) {
      if (!res.write(line) && waits) await once(res, 'drain');
    }
    await setTimeout(10);
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
