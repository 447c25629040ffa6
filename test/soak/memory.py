#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""No memory left (ulimit -v), and recovery: memory.py COUNTING_SERVER [ROUNDS]

1,500 clients each send a part of a request to a server that may take 1 to 8 MiB more. Those for whom
there is no memory are refused, by an end of their connection or 500; the server does not end, and it
serves once they have gone.
"""
import collections
import resource
import socket
import sys
import time

import soak

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 4
CLIENTS = 1500
PART = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + 9000 * b"x"


def ask(port):
    peer = socket.create_connection(("127.0.0.1", port), 10)
    try:
        peer.sendall(PART)
    except OSError:
        pass
    return peer


def outcome(peer):
    peer.settimeout(0.001)
    try:
        status = peer.recv(1000)[9:12].decode()
    except TimeoutError:
        return "waits"
    except OSError:
        return "reset"
    return status or "end"


def serves(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as peer:
            peer.sendall(b"GET /100 HTTP/1.1\r\nHost: a\r\n\r\n")
            return soak.receive_answer(peer).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


with soak.Program(sys.argv[1], 0) as server:
    port = server.port()
    if server.sanitized():
        print("not run: AddressSanitizer needs an address space without a limit")
        raise SystemExit(0)
    for number in range(ROUNDS):
        soak.require(serves(port), "no answer before the limit")
        more = 1024 << number % 4
        server.limit(resource.RLIMIT_AS, (server.memory("VmSize") + more) * 1024)
        try:
            peers = [ask(port) for _ in range(CLIENTS)]
        except ConnectionError:
            soak.require(False, f"the server has ended: {server.told()[-3:]}")
        most = server.memory("VmSize")
        outcomes = collections.Counter(map(outcome, peers))
        for peer in peers:
            peer.close()
        end = time.monotonic() + 10
        while not (served := serves(port)) and time.monotonic() < end:
            time.sleep(0.1)
        print(f"{more} KiB more: {dict(outcomes)}; {most} KiB; serves again: {served}", flush=True)
        soak.require(server.process.poll() is None, "the server has ended")
        soak.require(outcomes["end"] + outcomes["reset"] + outcomes["500"] > 0, "the limit was not reached")
        soak.require(served, "it does not serve any more")
        server.limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)
    # Each handler that had no memory is told of there.
    told = server.told()
    soak.require(set(told) <= {"sluice: a handler threw: std::bad_alloc", "sluice: a handler threw at POST /: std::bad_alloc"},
                 f"it complained: {told[:5]}")
