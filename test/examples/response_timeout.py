# SPDX-License-Identifier: BSL-1.0
from example import run, same


def check(server):
    same(server.ask("GET", "/heard")[::2], (200, b"It took a while.\n"))
    same([server.line(), server.line()], ["timeout", "answered"])
    same(server.open(b"GET /unheard HTTP/1.1\r\nHost: a\r\n\r\n").rest(), b"")
    same(server.line(), "closed without an answer")


run(check)
