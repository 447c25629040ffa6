#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Slow readers of a body without an end: slow_readers.py COUNTING_SERVER [COUNT [SECONDS]]

Each reader takes 512 bytes a round of a body of a terabyte. What the server holds does not grow in
the second half, each of them moves on, and another client has its first bytes below a second.
"""
import resource
import socket
import sys
import time

import soak

COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
SECONDS = int(sys.argv[3]) if len(sys.argv) > 3 else 60
SLACK = 1024  # KiB
LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))


def reader(port, patience=60):
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.settimeout(patience)
    peer.connect(("127.0.0.1", port))
    peer.sendall(b"GET /1000000000000 HTTP/1.1\r\nHost: a\r\n\r\n")
    return peer


def turn(readers, after=lambda: None):
    """Each takes a little, a twentieth of them at a time. The fewest bytes that one has had."""
    for at, peer in enumerate(readers):
        piece = peer.recv(512)
        soak.require(piece, "an answer without an end has ended")
        readers[peer] += len(piece)
        if at % (len(readers) // 20) == 0:
            after()
    return min(readers.values())


class Another:
    """Another client, which asks now and then."""

    def __init__(self, port):
        self.port, self.slowest = port, 0.0

    def __call__(self):
        begin = time.monotonic()
        with reader(self.port) as peer:
            soak.require(peer.recv(100).startswith(b"HTTP/1.1 200"), "another client has no answer")
        self.slowest = max(self.slowest, time.monotonic() - begin)


with soak.Program(sys.argv[1], 0) as server:
    port = server.port()
    before = server.memory()
    readers = {reader(port): 0 for _ in range(COUNT)}
    another = Another(port)
    begin = time.monotonic()
    held = []
    while (now := time.monotonic() - begin) < SECONDS:
        fewest = turn(readers, another)
        held.append((now, server.memory()))
    # The buffers of the kernel fill first, and many a reader is no hindrance until they are full.
    warm = max(memory for at, memory in held if at <= SECONDS / 2)
    most = max(memory for _, memory in held)
    print(f"{COUNT} readers, {len(held)} rounds: at least {fewest} bytes each; {before} KiB before them, "
          f"{warm} KiB in the first half, {most} KiB at most ({(most - before) / COUNT:.1f} KiB each), "
          f"another client waits at most {1000 * another.slowest:.0f} ms", flush=True)
    for peer in readers:
        peer.close()
    another()
    soak.require(most - warm < SLACK or server.sanitized(), "memory grew")
    soak.require(another.slowest < 1 or server.sanitized(), "another client waits")
