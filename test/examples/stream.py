# SPDX-License-Identifier: BSL-1.0
from example import run, same


def check(server):
    connection = server.open(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    same(connection.read(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n"), True)
    same(b"1 green bottles\n" in connection.read(b"bottles\n"), True)
    # Nobody reads: the stream waits, and the server answers others.
    same(server.open(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").read(b" OK\r\n"), b"HTTP/1.1 200 OK\r\n")
    if server.memory() > 64 << 20:
        raise AssertionError("a reader that does not read costs memory")


run(check)
