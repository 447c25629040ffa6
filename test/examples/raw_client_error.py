# SPDX-License-Identifier: BSL-1.0
import socket
import struct

from example import run, same

REPLY = "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"


def check(server):
    same(server.ask("GET", "/")[2], b"That was HTTP.\n")
    for sent, status, name in (
        (b"Hello?\r\n\r\n", "400 Bad Request", "HPE_INVALID_METHOD"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", "400 Bad Request", "HPE_INVALID_HEADER_TOKEN"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", "431 Request Header Fields Too Large", "HPE_HEADER_OVERFLOW"),
    ):
        text = f"This is no request that I understand: {name}\n"
        same(server.open(sent).rest().decode(), REPLY % (status, len(text), text))
        same(server.line(), name)

    # A request that was answered may leave no room for a second answer.
    client = server.open(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.read(b"That was HTTP.\n")
    client.send(b"Hello?\r\n\r\n")
    same(client.rest(), b"")
    same(server.line(), "HPE_INVALID_METHOD")

    # Nobody is left to answer.
    client = server.open(b"GET / HT")
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    same(server.line(), "ECONNRESET")
    same(server.ask("GET", "/")[2], b"That was HTTP.\n")


run(check)
