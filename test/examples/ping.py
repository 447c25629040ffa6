# SPDX-License-Identifier: BSL-1.0
from example import run, same

COOKIES = ["seen=yes; Path=/", "last=ping; Max-Age=60"]
PRINTED = ["content-type: text/plain", "set-cookie: " + ", ".join(COOKIES), "finish", "close"]


def check(server):
    for path, expected in (("/ping", (200, b"pong")), ("/", (400, b"/")), ("/pong", (400, b"/")), ("/ping/", (400, b"/"))):
        status, headers, body = server.ask("GET", path)
        same((status, body), expected)
        same((headers["Content-Type"], headers.get_all("Set-Cookie")), ("text/plain", COOKIES))
        same([server.line() for _ in PRINTED], PRINTED)


run(check)
