# SPDX-License-Identifier: BSL-1.0
import base64
import hashlib
import os
import struct

from example import run, same

KEY = base64.b64encode(b"sixteen bytes ok").decode()
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def frame(kind, payload):
    """A frame as a client sends it: masked. RFC 6455 §5.2."""
    mask = os.urandom(4)
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else struct.pack(">BH", 0x80 | 126, len(payload))
    return bytes([0x80 | kind]) + length + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class Client:
    def __init__(self, server, early=b""):
        self.connection = server.open(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY.encode() + b"\r\n\r\n" + early
        )
        head = self.connection.read(b"\r\n\r\n")
        same(head.startswith(b"HTTP/1.1 101 "), True)
        digest = hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        same(base64.b64encode(digest) in head, True)

    def send(self, kind, payload):
        self.connection.send(frame(kind, payload))

    def frame(self):
        first, second = self.connection.take(2)
        size = second if second < 126 else struct.unpack(">H", self.connection.take(2))[0]
        return first & 15, self.connection.take(size)


def check(server):
    status, headers, page = server.ask("GET", "/")
    same((status, headers["Content-Type"], b"WebSocket" in page), (200, "text/html; charset=utf-8", True))
    same(server.ask("GET", "/none")[0], 404)

    alice, bob = Client(server), Client(server)
    # Whoever gets an answer has joined.
    for client in (alice, bob):
        client.send(PING, b"?")
        same(client.frame(), (PONG, b"?"))
    carol = Client(server, frame(TEXT, b"early"))
    for client in (alice, bob, carol):
        same(client.frame(), (TEXT, b"early"))
    alice.send(TEXT, b"hello")
    bob.send(TEXT, "größer".encode() * 100)
    for client in (alice, bob, carol):
        got = sorted(client.frame() for _ in range(2))
        same(got, sorted([(TEXT, b"hello"), (TEXT, "größer".encode() * 100)]))

    # A goodbye is answered; a connection that is cut, or that says too much, harms nobody.
    carol.send(CLOSE, struct.pack(">H", 1000))
    same(carol.frame(), (CLOSE, struct.pack(">H", 1000)))
    same(carol.connection.rest(), b"")
    bob.connection.close()
    alice.send(TEXT, b"still here?")
    same(alice.frame(), (TEXT, b"still here?"))
    dave = Client(server)
    dave.send(TEXT, b"x" * 60000)
    same(dave.frame(), (CLOSE, struct.pack(">H", 1009)))
    same(dave.connection.rest(), b"")
    alice.send(TEXT, b"and now?")
    same(alice.frame(), (TEXT, b"and now?"))
    head = server.open(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n").rest()
    same(head.startswith(b"HTTP/1.1 400 "), True)


run(check)
