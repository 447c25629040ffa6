#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""wrk with 256 connections, then h2load with 64, against examples/hello: hello.py PROGRAM [SECONDS]

No error, no report of a sanitizer, and memory that does not grow in the second half.
"""
import re
import subprocess
import sys
import time

import soak

SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 60
SLACK = 1024  # KiB


def load(server, *command):
    """Runs the command to its end: what it printed. Meanwhile the server must not grow."""
    held = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        started = time.monotonic()
        while process.poll() is None:
            held.append((time.monotonic() - started, server.memory()))
            time.sleep(0.5)
        output = process.stdout.read()
    soak.require(process.returncode == 0, f"{command[0]} failed:\n{output}")
    warm = max(memory for at, memory in held if at <= SECONDS / 2)
    most = max(memory for _, memory in held)
    print(f"{command[0]}: {warm} KiB in the first half, {most} KiB at most, {held[-1][1]} KiB at the end")
    soak.require(most - warm < SLACK, "memory grew")
    return output


soak.need("wrk", "h2load")
with soak.Program(sys.argv[1], 0) as server:
    url = f"http://127.0.0.1:{server.port()}/"
    output = load(server, "wrk", "-t2", "-c256", f"-d{SECONDS}s", url)
    print("wrk:", re.search(r"\d+ requests in .*", output)[0])
    soak.require("Socket errors" not in output and "Non-2xx" not in output, f"wrk met errors:\n{output}")

    output = load(server, "h2load", "--h1", "-c64", "-m1", f"-D{SECONDS}", url)
    counts = dict((name, int(count)) for count, name in re.findall(r"(\d+) (\w+)", re.search(r"requests: .*", output)[0]))
    print("h2load:", counts)
    soak.require(counts["failed"] + counts["errored"] + counts["timeout"] == 0, f"h2load met errors:\n{output}")
    soak.require(counts["succeeded"] > 0, f"h2load had no answer:\n{output}")
    soak.require(server.process.poll() is None, "the server is gone")
