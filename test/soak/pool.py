#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Keep-alive requests through an agent with 64 sockets against nginx: pool.py REQUESTS [COUNT]

No error, 64 connections in all, and memory that does not grow after the first tenth.
"""
import sys

import soak

COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
SLACK = 1024  # KiB

with soak.Nginx(0, 100, 5000, 100_000) as nginx:
    before = nginx.accepted()
    origin = f"http://127.0.0.1:{nginx.port}"
    with soak.Program(sys.argv[1], origin, COUNT, "GET/100", "GET/5000", "GET/0", "GET/100000") as client:
        held = []
        for _ in range(10):
            line = client.line()
            held.append(client.memory())
            print(f"{line}, {held[-1]} KiB")
        status = client.process.wait()
        outcomes = client.process.stdout.read().split()
    # The connections of this script's own two questions are no longer open, but counted.
    connections = nginx.accepted() - before - 1
    print(f"{connections} connections, {' '.join(outcomes)}, status {status}")
    soak.require(outcomes == ["ok", str(COUNT)] and status == 0, "not every request succeeded")
    soak.require(connections == 64, "not 64 connections")
    soak.require(max(held[1:]) - held[0] < SLACK, "memory grew")
