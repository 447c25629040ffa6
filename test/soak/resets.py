#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Peers that reset at every byte of an exchange: resets.py COUNTING_SERVER REQUESTS [ROUNDS]

First clients of the server: each sends so much of a request, or reads so much of its answers, and
resets. Then servers of the client, which reset after so many bytes of their answer, or of the upload
that they read. The server serves on, each request ends once, answered or cut, and memory does not
grow after the first round. Each request of the client ends once, and as a whole one only if its
answer was sent whole.
"""
import socket
import sys
import threading

import soak

ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 10
SLACK = 1024  # KiB
HEAD = b" HTTP/1.1\r\nHost: a\r\n"
CHUNKS = b"5\r\nhello\r\n3;a=b\r\nyou\r\n0\r\nSum: v\r\n\r\n"
# With how many answers each has.
REQUESTS = (
    (b"GET /300?length" + HEAD + b"\r\n", 1),
    (b"GET /300?chunked" + HEAD + b"\r\n", 1),
    (b"POST /" + HEAD + b"Content-Length: 20\r\n\r\n01234567890123456789", 1),
    (b"POST /" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS, 1),
    (b"GET /10?length" + HEAD + b"\r\nGET /20?chunked" + HEAD + b"\r\n", 2),
)
OK = b"HTTP/1.1 200 OK\r\n"
WITH_LENGTH = OK + b"Content-Length: 100\r\n\r\n" + 100 * b"x"
IN_CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n" + 10 * b"a;b=c\r\nxxxxxxxxxx\r\n" + b"0\r\nT: v\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 3\r\n\r\n200"
# What a server of the client reads before it answers: the head, or so many bytes, or all there is.
UNTIL_HEAD, ALL = 0, 1 << 30
# The kind of request, and for each connection what the server reads of it and sends before the reset.
SERVERS = {
    "an answer with a length": ("GET/100", [(UNTIL_HEAD, WITH_LENGTH[:size]) for size in range(len(WITH_LENGTH) + 1)]),
    "an answer in chunks": ("GET/100", [(UNTIL_HEAD, IN_CHUNKS[:size]) for size in range(len(IN_CHUNKS) + 1)]),
    "an upload that was told to go on": ("EXPECT/200", [(UNTIL_HEAD, CONTINUE[:size]) for size in range(len(CONTINUE) + 1)]),
    "an upload, every byte": ("POST/200", [(size, b"") for size in range(1, 300)]),
    "an upload, every 10 kB": ("POST/1000000", [(size, b"") for size in range(1, 1_000_000, 10_000)]),
}
# What it reads and sends once that is over, on connections that end in good order.
CLOSE = OK + b"Connection: close\r\nContent-Length: "
LAST = {
    "GET/100": (UNTIL_HEAD, CLOSE + b"100\r\n\r\n" + 100 * b"x"),
    "EXPECT/200": (UNTIL_HEAD, CLOSE + b"3\r\n\r\n200"),
    "POST/200": (ALL, CLOSE + b"3\r\n\r\n200"),
    "POST/1000000": (ALL, CLOSE + b"7\r\n\r\n1000000"),
}


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port), 60)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def receive(peer, size):
    while size > 0:
        piece = peer.recv(size)
        soak.require(piece, "an answer is shorter than the one before")
        size -= len(piece)


def resets(port):
    """How many connections it made, and how many of them have had a byte of an answer."""
    made = answered = 0
    for request, answers in REQUESTS:
        with connect(port) as peer:
            peer.sendall(request)
            whole = len(soak.receive_answer(peer, answers))
        for size in range(len(request) + whole + 1):
            peer = connect(port)
            peer.sendall(request[:size])
            receive(peer, size - len(request))
            soak.reset(peer)
            made += 1
            answered += size > len(request)
        with connect(port) as innocent:
            innocent.sendall(REQUESTS[0][0])
            soak.require(soak.receive_answer(innocent).startswith(OK), "no answer after the resets")
        answered += 1 + 1
    return made, answered


def serve(listener, script, last, served):
    """Each connection that sends something by the next line of the script; `served` has the answers."""
    lines = iter(script)
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        peer.settimeout(60)
        answer = b""
        try:
            if received := peer.recv(1):
                size, answer = next(lines, last)
                while not (b"\r\n\r\n" in received if size == UNTIL_HEAD else
                           len(received) >= size or soak.answer_end(received)):
                    piece = peer.recv(min(size - len(received), 65536) if size > 0 else 65536)
                    if not piece:
                        break
                    received += piece
                served.append(answer)
                peer.sendall(answer)
        except OSError:
            pass
        if answer.startswith(CLOSE):
            peer.close()
        else:
            soak.reset(peer)


with soak.Program(sys.argv[1], 0) as server:
    port = server.port()
    held = []
    first = None
    for _ in range(ROUNDS):
        made, answered = resets(port)
        counts = soak.Counts(port)
        held.append(server.memory())
        print(f"{made} resets, {answered} connections with an answer: {counts}, {held[-1]} KiB", flush=True)
        first = first or (made, answered)
        soak.require((made, answered) == first, "not the same resets as in the first round")
        soak.require(counts.begun == counts.answered + counts.cut, "a request ended twice, or never")
        soak.require(counts.begun >= answered, "an answered request was not counted")
    # In the first round memory is taken that stays.
    soak.require(max(held) - held[1] < SLACK, "memory grew")

for name, (kind, script) in SERVERS.items():
    script, last = script * ROUNDS, LAST[kind]
    # A connection is kept after a whole answer, and its reset may take the next request along.
    count = len(script) + ROUNDS + 1
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        served = []
        threading.Thread(target=serve, args=(listener, script, last, served), daemon=True).start()
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with soak.Program(sys.argv[2], origin, count, kind) as client:
            counts = client.outcomes()
            status = client.process.wait(60)
    in_order, then_reset = served.count(last[1]), served.count(script[-1][1]) if script[-1][1] else 0
    print(f"{name}: {', '.join(f'{times} {outcome}' for outcome, times in counts.items())}; {len(served)} exchanges, "
          f"{in_order} in good order, {then_reset} reset after the last byte", flush=True)
    soak.require(status == 0 and sum(counts.values()) == count, "a request was lost, or ended in no name")
    soak.require(set(counts) <= {"ok", "ECONNRESET", "EPIPE", "ERR_STREAM_DESTROYED"}, "an error of another name")
    soak.require(count - then_reset <= len(served) <= count, f"{len(served)} exchanges for {count} requests")
    # A reset may overtake the last bytes.
    soak.require(0 < in_order <= counts.get("ok", 0) <= in_order + then_reset,
                 "an answer that was cut counted as whole, or a whole one as cut")
