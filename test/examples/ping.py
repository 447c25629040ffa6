# SPDX-License-Identifier: BSL-1.0
from example import run, same


def check(server):
    status, headers, body = server.ask("GET", "/ping")
    same((status, headers["Content-Type"], body), (200, "text/plain", b"pong"))
    for path in ("/", "/pong", "/ping/"):
        status, _, body = server.ask("GET", path)
        same((status, body), (404, b""))


run(check)
