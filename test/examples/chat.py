# SPDX-License-Identifier: BSL-1.0
import base64

from example import run, same

KEY = base64.b64encode(b"sixteen bytes ok")


def listen(server, last=None):
    """A reader of the events, after their head."""
    more = b"Last-Event-ID: " + last + b"\r\n" if last else b""
    client = server.open(b"GET /events HTTP/1.1\r\nHost: a\r\n" + more + b"\r\n")
    same(b"Content-Type: text/event-stream\r\n" in client.read(b"\r\n\r\n"), True)
    return client


def event(client):
    return client.read(b"\n\n\r\n").split(b"\r\n", 1)[1]


def check(server):
    def say(text):
        same(server.ask("POST", "/say", text)[0], 204)

    same(server.ask("GET", "/")[1]["Content-Type"], "text/html; charset=utf-8")
    first = listen(server)
    socket = server.open(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
    )
    same(socket.read(b"\r\n\r\n").startswith(b"HTTP/1.1 101 "), True)

    # What is posted goes to both.
    say("hello")
    same(event(first), b"id: 1\ndata: hello\n\n\r\n")
    same(socket.take(7), b"\x81\x05hello")
    # And so is what is said on the WebSocket: a masked frame, with a mask of zeros.
    socket.send(b"\x81\x83\0\0\0\0all")
    same(event(first), b"id: 2\ndata: all\n\n\r\n")
    same(socket.take(5), b"\x81\x03all")
    # Who comes back gets what was missed.
    first.close()
    say("two\nlines")
    again = listen(server, b"2")
    same(event(again), b"id: 3\ndata: two\ndata: lines\n\n\r\n")
    same(server.ask("POST", "/say", "x" * 4097)[0], 413)
    same(server.ask("GET", "/say")[0], 405)


run(check)
