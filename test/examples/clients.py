# SPDX-License-Identifier: BSL-1.0
"""hello, asked by other people's clients, those of them that are there."""
import shutil
import subprocess
import sys

from example import run, same

NODE = """
const assert = require("node:assert");
const http = require("node:http");
const agent = new http.Agent({keepAlive: true, maxSockets: 2});
let open = 0;
agent.on("free", socket => open += socket.counted ? 0 : socket.counted = 1);
const ask = (method, body) => new Promise((resolve, reject) => {
  const req = http.request({port: process.argv[1], method, agent}, async res => {
    let text = "";
    for await (const chunk of res) text += chunk;
    resolve({status: res.statusCode, length: res.headers["content-length"], text, reused: req.reusedSocket});
  }).on("error", reject);
  req.end(body);
});
(async () => {
  const answers = await Promise.all(Array.from({length: 200}, (_, i) => ask(i % 3 ? "GET" : "POST", i % 3 ? "" : "body")));
  assert(answers.every(a => a.status === 200 && a.length === "14" && a.text === "Hello, World!\\n"));
  assert.deepEqual(await ask("HEAD"), {status: 200, length: undefined, text: "", reused: true});
  assert.equal(open, 2);
  agent.destroy();
})().catch(error => { console.error(error); process.exit(1); });
"""


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    same((done.returncode, done.stderr), (0, ""))
    return done.stdout


def curl(url):
    told = "%{response_code} %{http_version} %{num_connects}\n"
    same(output("curl", "-sS", "-w", told, url, url), "Hello, World!\n200 1.1 1\nHello, World!\n200 1.1 0\n")
    same(output("curl", "-sS", "-0", "-w", told, url), "Hello, World!\n200 1.1 1\n")
    same(output("curl", "-sS", "-d", "x" * 100_000, "-H", "Expect: 100-continue", url), "Hello, World!\n")
    same(output("curl", "-sS", "-d", "x", "-H", "Transfer-Encoding: chunked", url), "Hello, World!\n")
    same(output("curl", "-sSI", url).startswith("HTTP/1.1 200 OK\n"), True)


def node(url):
    same(output("node", "-e", NODE, url.split(":")[2].strip("/")), "")


def wrk(url):
    report = output("wrk", "-t1", "-c64", "-d5s", url)
    same(("requests in" in report, "Socket errors" in report, "Non-2xx" in report), (True, False, False))


def check(server):
    there = [client for client in (curl, node, wrk) if shutil.which(client.__name__)]
    for client in there:
        client(f"http://127.0.0.1:{server.port}/")
    if not there:
        sys.exit(77)


run(check)
