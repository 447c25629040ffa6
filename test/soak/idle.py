#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Connections that rest after an answer: idle.py COUNTING_SERVER [COUNT] [--tls]

They rest as soon as their answer has left. Another client has its answer below 100 ms meanwhile,
each of them is served once more, they hold less than 2 KiB each, or 16 KiB with TLS, most of which
is OpenSSL's, and the server goes on once they have gone.
"""
import contextlib
import resource
import socket
import sys
import time

import soak

TLS = "--tls" in sys.argv
ARGUMENTS = [argument for argument in sys.argv[1:] if argument != "--tls"]
COUNT = int(ARGUMENTS[1]) if len(ARGUMENTS) > 1 else 5_000 if TLS else 20_000
MOST = (16 if TLS else 2) * 1024
CLIENT = soak.trusting()
REQUEST = b"GET /100 HTTP/1.1\r\nHost: a\r\n\r\n"
LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
if COUNT > LIMIT - 50:
    print(f"a process may have {LIMIT} descriptors here, so {LIMIT - 50} connections")
    COUNT = LIMIT - 50
resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))


def connected(port):
    peer = socket.create_connection(("127.0.0.1", port), 60)
    return CLIENT.wrap_socket(peer) if TLS else peer


def asked(peer):
    peer.sendall(REQUEST)
    soak.require(soak.receive_answer(peer).startswith(b"HTTP/1.1 200"), "no answer")


with contextlib.ExitStack() as stack:
    files = stack.enter_context(soak.certificate()) if TLS else ()
    server = stack.enter_context(soak.Program(ARGUMENTS[0], 0, *files))
    port = server.port()
    before = server.memory()
    peers = []
    held = []
    for _ in range(2):
        for _ in range(COUNT // 2):
            peer = connected(port)
            asked(peer)
            peers.append(peer)
        if TLS:
            # What is left of a handshake may keep one awake for a second or two.
            time.sleep(3)
        held.append(server.memory())
    # Those that are awake at once need more, and leave it to the next: the first half has all of it.
    each = (held[1] - held[0]) * 1024 / (COUNT // 2)
    used, begin = server.seconds(), time.monotonic()
    slowest = 0.0
    for _ in range(20):
        at = time.monotonic()
        with connected(port) as peer:
            asked(peer)
        slowest = max(slowest, time.monotonic() - at)
        time.sleep(0.1)
    share = (server.seconds() - used) / (time.monotonic() - begin)
    print(f"{COUNT} connections rest: {each:.0f} bytes each, {100 * share:.1f} % of a core, "
          f"another client waits at most {1000 * slowest:.1f} ms", flush=True)
    for peer in peers:
        asked(peer)
    for peer in peers:
        peer.close()
    with connected(port) as peer:
        asked(peer)
    print(f"after they have gone it holds {server.memory()} KiB; {before} KiB before they came")
    soak.require(each < MOST or server.sanitized(), "a connection at rest holds too much")
    soak.require(slowest < 0.1 or server.sanitized(), "another client waits")
