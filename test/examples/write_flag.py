# SPDX-License-Identifier: BSL-1.0
from example import run, same


def check(server):
    status, headers, body = server.ask("GET", "/small")
    same((status, headers["Content-Length"], body), (200, "1000", b"x" * 1000))
    same(server.line(), "1000 bytes: true")

    # Nothing is read before the flag is told, so the kernel cannot have taken everything.
    client = server.open(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    same(server.line(), "32000000 bytes: false")
    client.read(b"\r\n\r\n")
    same(client.rest() == b"x" * 32_000_000, True)
    same(server.line(), "drain")


run(check)
