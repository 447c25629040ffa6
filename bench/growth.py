#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What servers hold for clients that do not read: growth.py [SECONDS]

Builds the tickers, growth_*.cpp, runs one after another, connects eight clients that ask and never read, and
looks at the server's resident memory every half second. Writes docs/images/growth.svg.
"""
import os
import socket
import subprocess
import sys
import time
from xml.sax.saxutils import escape

sys.dont_write_bytecode = True
from harness import machine  # noqa: E402

SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
CLIENTS = 8
SERVERS = {
    "sluice, co_await res.write()": ["growth_sluice"],
    "Node, res.write()": ["node", machine.ROOT / "bench/growth_node.js"],
    "Node, awaiting 'drain'": ["node", machine.ROOT / "bench/growth_node.js", "drain"],
    "Beast, a queue as in its chat": ["growth_beast"],
    "cpp-httplib, a thread per client": ["growth_httplib"],
}
COLOURS = ("#1f77d0", "#1a7f37", "#8250df", "#cf222e", "#9a6700")
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 14px; font-weight: 600 }
  .faint { fill: #57606a } .grid { stroke: #afb8c1; stroke-width: 0.5 }
  polyline { fill: none; stroke-width: 2 } .ours { stroke-width: 4 }
  @media (prefers-color-scheme: dark) { text { fill: #d1d7de } .faint { fill: #9198a1 } .grid { stroke: #484f58 } }
"""


def resident(pid):
    """MiB."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def connect(port):
    client = socket.socket()
    # What the kernel keeps for a client is the same for all; it is not what is measured.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    return client


def measure(command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int(server.stdout.readline())
            time.sleep(0.5)
            clients = [connect(port) for _ in range(CLIENTS)]
            begin, held = time.monotonic(), []
            while (now := time.monotonic() - begin) < SECONDS:
                held.append((now, resident(server.pid)))
                time.sleep(0.5)
            for client in clients:
                client.close()
        finally:
            server.kill()
    return held


def plot(runs):
    left, top, wide, high = 60, 56, 460, 220
    most = max(memory for held in runs.values() for _, memory in held) * 1.05
    step = next(step for step in (5, 10, 20, 50, 100, 200, 500, 1000, 2000) if most / step <= 6)
    x = lambda at: left + at / SECONDS * wide
    y = lambda memory: top + high - memory / most * high
    title = "Memory of a server whose clients do not read"
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 320" width="760" height="320" role="img">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="0" y="16">{title}</text>',
        f'<text class="faint" x="0" y="36">resident MiB over seconds: {CLIENTS} clients, each is sent 2.5 MB/s and reads nothing</text>',
    ]
    for mark in range(0, int(most) + 1, step):
        out.append(f'<line class="grid" x1="{left}" x2="{left + wide}" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>')
        out.append(f'<text class="faint" x="{left - 8}" y="{y(mark) + 4:.1f}" text-anchor="end">{mark}</text>')
    for mark in range(0, SECONDS + 1, 5):
        out.append(f'<text class="faint" x="{x(mark):.1f}" y="{top + high + 20}" text-anchor="middle">{mark} s</text>')
    # The names stand beside the ends of their lines, and keep off each other.
    free = 0
    ends = sorted(runs.items(), key=lambda run: y(run[1][-1][1]))
    lowest = top + high - 16 * (len(ends) - 1)
    for index, (name, held) in enumerate(ends):
        colour = COLOURS[list(runs).index(name)]
        points = " ".join(f"{x(at):.1f},{y(memory):.1f}" for at, memory in held)
        ours = ' class="ours"' if name.startswith("sluice") else ""
        out.append(f'<polyline{ours} points="{points}" stroke="{colour}"/>')
        free = max(free, min(y(held[-1][1]), lowest + 16 * index))
        out.append(f'<rect x="{left + wide + 8}" y="{free - 5:.1f}" width="10" height="10" fill="{colour}"/>')
        out.append(f'<text x="{left + wide + 24}" y="{free + 4:.1f}">{escape(name)}: {held[-1][1]:.0f}</text>')
        free += 16
    return "\n".join([*out, "</svg>"]) + "\n"


ours = [command[0] for command in SERVERS.values() if command[0] != "node"]
machine.build(ours, False, "libcpp-httplib-dev nodejs")
runs = {}
for name, command in SERVERS.items():
    program = machine.program(command[0])
    if program is None:
        continue
    runs[name] = measure([program, *command[1:]])
    print(f"{name}: {runs[name][0][1]:.1f} MiB, after {SECONDS} s {runs[name][-1][1]:.1f} MiB", flush=True)
(machine.ROOT / "docs/images/growth.svg").write_text(plot(runs))
