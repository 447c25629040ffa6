# SPDX-License-Identifier: BSL-1.0
from example import run, same


def check(server):
    status, headers, body = server.ask("GET", "/")
    same((status, headers["Content-Length"], body), (200, "14", b"Hello, World!\n"))


run(check)
