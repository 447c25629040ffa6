#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Requests to a server that is killed and started again in the middle: restart.py REQUESTS [COUNT [HELLO]]

The server is Node's, or the program of examples/hello. Every request ends, in success or in an error
with a name; none in a body that was cut.
"""
import sys

import soak

COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000

if len(sys.argv) > 3:
    command = [sys.argv[3]]
    kinds = ["GET/14"]
else:
    soak.need("node")
    command = ["node", soak.HERE / "server.js"]
    kinds = ["GET/100", "GET/300000", "POST/10", "GET/0", "POST/200000", "GET/5000"]

server = soak.Program(*command, 0)
port = server.port()
with soak.Program(sys.argv[1], f"http://127.0.0.1:{port}", COUNT, *kinds) as client:
    for _ in range(9):
        print(client.line())
        with server:
            pass
        server = soak.Program(*command, port)
    with server:
        print(client.line())
        status = client.process.wait(600)
    outcomes = client.process.stdout.read().split()
print(" ".join(outcomes), "status", status)
counts = dict(zip(outcomes[::2], map(int, outcomes[1::2])))
soak.require(status == 0 and sum(counts.values()) == COUNT, "a request was lost, or ended in no name")
soak.require(set(counts) > {"ok"} and counts["ok"] > COUNT // 2, "the server was not in the way, or gone for good")
