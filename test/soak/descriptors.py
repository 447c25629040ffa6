#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""No descriptors left, and recovery: descriptors.py COUNTING_SERVER REQUESTS

A server with 40 descriptors and 200 clients: those that it has no descriptor for are dropped, it does
not spin meanwhile, and serves others once these have gone. A client with 40 descriptors and 64
sockets wanted: requests succeed or end in EMFILE, and after the limit is lifted it has its 64.
"""
import collections
import resource
import socket
import sys
import time

import soak

FEW, CLIENTS, COUNT = 40, 200, 40_000
REQUEST = b"GET /100 HTTP/1.1\r\nHost: a\r\n\r\n"


def ask(port):
    peer = socket.create_connection(("127.0.0.1", port), 60)
    try:
        peer.sendall(REQUEST)
    except ConnectionError:
        pass
    return peer


def outcome(peer, patience):
    peer.settimeout(patience)
    try:
        return "served" if soak.receive_answer(peer).startswith(b"HTTP/1.1 200") else "dropped"
    except TimeoutError:
        return "waits"
    except ConnectionError:
        return "dropped"


with soak.Program(sys.argv[1], 0) as server:
    port = server.port()
    server.limit(resource.RLIMIT_NOFILE, FEW)
    peers = [ask(port) for _ in range(CLIENTS)]
    used = server.seconds()
    time.sleep(2)
    used = server.seconds() - used
    outcomes = collections.Counter(outcome(peer, 0.05) for peer in peers)
    print(f"server: {dict(outcomes)}; 2 s without descriptors cost it {used:.2f} s", flush=True)
    soak.require(FEW // 2 < outcomes["served"] < FEW, "not as many are served as there are descriptors")
    soak.require(outcomes["dropped"] > 0, "nobody was dropped")
    soak.require(used < 1, "it spins without descriptors")
    for peer in peers:
        peer.close()
    time.sleep(1)
    for _ in range(CLIENTS):
        with ask(port) as peer:
            soak.require(outcome(peer, 30) == "served", "it does not serve after they have gone")
    print(f"server: {CLIENTS} others are served after they have gone", flush=True)

    server.limit(resource.RLIMIT_NOFILE, 1000)
    with soak.Program(sys.argv[2], f"http://127.0.0.1:{port}", COUNT, "GET/100", "GET/0") as client:
        client.limit(resource.RLIMIT_NOFILE, FEW)
        lines = [client.line() for _ in range(2)]
        client.limit(resource.RLIMIT_NOFILE, 1000)
        lines += [client.line() for _ in range(8)]
        status = client.process.wait(60)
        outcomes = client.process.stdout.read().split()
    print(f"client: {lines[0]}; {lines[-1]}; {' '.join(outcomes)}")
    counts = dict(zip(outcomes[::2], map(int, outcomes[1::2])))
    soak.require(status == 0 and sum(counts.values()) == COUNT, "a request was lost, or ended in no name")
    soak.require(set(counts) == {"ok", "EMFILE"}, "not only EMFILE")
    soak.require("64 sockets" in " ".join(lines[4:]), "it did not recover")
