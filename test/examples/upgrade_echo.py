# SPDX-License-Identifier: BSL-1.0
from example import run, same

HELLO = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n"
WELCOME = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


def check(server):
    client = server.open(HELLO % b"echo")
    same(client.read(b"\r\n\r\n"), WELCOME)
    for text in (b"one!", b"GET / HTTP/1.1\r\n\r\n!", bytes(range(255, -1, -1)) + b"end!"):
        client.send(text)
        same(client.read(text[-4:]), text)
    client.finish()
    same(client.rest(), b"")

    # What is sent at once with the handshake, and the goodbye with it.
    client = server.open(HELLO % b"echo" + b"first")
    client.finish()
    same(client.rest(), WELCOME + b"first")

    same(server.open(HELLO % b"other").rest(), b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    status, headers, _ = server.ask("GET", "/")
    same((status, headers["Upgrade"]), (426, "echo"))


run(check)
