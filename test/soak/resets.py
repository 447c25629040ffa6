#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Peers that reset at every byte of an exchange: resets.py COUNTING_SERVER REQUESTS [ROUNDS]

First clients of the server: each sends so much of a request, or reads so much of its answer, and
resets. Then servers of the client, which reset after so many bytes of their answer. The server serves
on, each request ends once, answered or cut, and memory does not grow after the first round.
"""
import socket
import sys
import threading

import soak

ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 10
SLACK = 1024  # KiB
REQUESTS = (
    b"GET /300 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n01234567890123456789",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;a=b\r\nyou\r\n0\r\nT: v\r\n\r\n",
    b"GET /10 HTTP/1.1\r\nHost: a\r\n\r\nGET /20 HTTP/1.1\r\nHost: a\r\n\r\n",
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + 100 * b"x"


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port), 60)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def resets(port):
    """How many connections it made."""
    made = 0
    for request in REQUESTS:
        with connect(port) as peer:
            peer.sendall(request)
            whole = len(soak.receive_answer(peer))
        for size in range(len(request) + whole):
            peer = connect(port)
            peer.sendall(request[:size])
            if size > len(request):
                soak.receive_answer(peer, size - len(request))
            soak.reset(peer)
            made += 1
        with connect(port) as innocent:
            innocent.sendall(REQUESTS[0])
            soak.require(soak.receive_answer(innocent).startswith(b"HTTP/1.1 200"), "no answer after the resets")
    return made


def serve(listener, whole):
    """Resets the first connection before the first byte of its answer, the next one after it, and so on."""
    made = 0
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        try:
            if peer.recv(65536):
                peer.sendall(ANSWER[: made % (len(ANSWER) + 1)])
                whole.append(made % (len(ANSWER) + 1) == len(ANSWER))
                made += 1
        except ConnectionError:
            pass
        soak.reset(peer)


with soak.Program(sys.argv[1], 0) as server:
    port = server.port()
    held = []
    for _ in range(ROUNDS):
        made = resets(port)
        counts = soak.Counts(port)
        held.append(server.memory())
        print(f"{made} resets: {counts}, {held[-1]} KiB", flush=True)
        soak.require(counts.begun == counts.answered + counts.cut, "a request ended twice, or never")
    soak.require(max(held) - held[0] < SLACK, "memory grew")

with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
    whole = []
    threading.Thread(target=serve, args=(listener, whole), daemon=True).start()
    count = ROUNDS * 200
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with soak.Program(sys.argv[2], origin, count, "GET/100") as client:
        for _ in range(10):
            client.line()
        status = client.process.wait(60)
        outcomes = client.process.stdout.read().split()
    print(f"client: {' '.join(outcomes)}; {sum(whole)} answers were whole", flush=True)
    counts = dict(zip(outcomes[::2], map(int, outcomes[1::2])))
    soak.require(status == 0 and sum(counts.values()) == count, "a request was lost, or ended in no name")
    # A reset may overtake the last bytes.
    soak.require(0 < counts.get("ok", 0) <= sum(whole), "an answer that was cut counted as whole")
