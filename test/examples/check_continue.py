# SPDX-License-Identifier: BSL-1.0
from example import run, same

POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
ASKS = "Expect: 100-continue\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


def check(server):
    def ask(kind, length, expect=ASKS):
        return server.open((POST % (kind, length, expect)).encode())

    # The body is sent when it is asked for, and twice on one connection.
    client = ask("text/plain", 5)
    same(client.read(b"\r\n\r\n"), GO_ON)
    same(server.line(), "go on")
    client.send(b"hello")
    same(client.read(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n"), True)
    same(client.read(b"\n"), b"Got 5 bytes.\n")
    client.send((POST % ("text/plain", 2, ASKS)).encode())
    same(client.read(b"\r\n\r\n"), GO_ON)
    client.send(b"hi")
    same(client.read(b"bytes.\n").endswith(b"Got 2 bytes.\n"), True)
    same(server.line(), "go on")

    # It is refused before a byte of it was sent.
    for kind, length, status in (("text/plain", 1 << 21, b"413"), ("image/png", 5, b"415"), ("text/plain", 10**30, b"4")):
        answer = ask(kind, length).rest()
        same(answer.split(b" ")[1].startswith(status), True)
        same(answer.count(b"HTTP/1.1"), 1)
    same([server.line(), server.line()], ["stop", "stop"])

    # Who does not ask gets the same answers, and nobody is asked.
    client = ask("text/plain", 5, "")
    client.send(b"hello")
    same(client.read(b"bytes.\n").endswith(b"Got 5 bytes.\n"), True)
    same(ask("image/png", 5, "").rest().split(b" ")[1], b"415")
    # A length that was not told is counted.
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    client = server.open(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send(piece * 16 + b"1\r\nx\r\n0\r\n\r\n")
    same(client.rest().split(b" ")[1], b"413")
    status, headers, _ = server.ask("GET", "/")
    same((status, headers["Allow"]), (405, "POST, PUT"))


run(check)
