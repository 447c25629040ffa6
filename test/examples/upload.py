# SPDX-License-Identifier: BSL-1.0
import os
import pathlib
import tempfile

from example import run, same

MiB = 1024 * 1024


def check_in(folder):
    def files():
        return sorted(path.name for path in folder.iterdir())

    def check(server):
        content = os.urandom(3 * MiB)
        status, _, body = server.ask("PUT", "/picture.jpg", content)
        same((status, body, files()), (201, b"3145728 bytes\n", ["picture.jpg"]))
        same((folder / "picture.jpg").read_bytes() == content, True)
        same(server.ask("PUT", "/picture.jpg", b"new")[0], 201)
        same((folder / "picture.jpg").read_bytes(), b"new")
        same(server.ask("PUT", "/empty", b"")[0], 201)

        for path in ("/", "/../x", "/a/b", "/.x", "/%2e%2e%2fx", "/" + "x" * 201):
            same((path, server.ask("PUT", path, b"x")[0]), (path, 400))
        status, headers, _ = server.ask("GET", "/picture.jpg")
        same((status, headers["Allow"]), (405, "PUT"))

        # All of the limit passes, in chunks of which none is kept in memory.
        before = server.memory()
        pieces = (b"x" * MiB for _ in range(64))
        same(server.ask("PUT", "/large", pieces)[::2], (201, b"67108864 bytes\n"))
        if server.memory() - before > 4 * MiB:
            raise AssertionError(f"64 MiB cost {server.memory() - before} bytes of memory")

        # A length that is too large is refused before a byte of it came; without one, where it is passed.
        head = b"PUT /huge HTTP/1.1\r\nHost: a\r\n"
        client = server.open(head + b"Content-Length: 67108865\r\n\r\n")
        same(client.read(b"\r\n"), b"HTTP/1.1 413 Payload Too Large\r\n")
        client.close()
        client = server.open(head + b"Transfer-Encoding: chunked\r\n\r\n4000001\r\n")
        for _ in range(64):
            client.send(b"x" * MiB)
        client.send(b"x")
        same(client.read(b"\r\n"), b"HTTP/1.1 413 Payload Too Large\r\n")
        client.close()

        # Who gives up leaves nothing behind.
        client = server.open(head + b"Content-Length: 1000\r\n\r\nhalf")
        client.close()
        while files() != ["empty", "large", "picture.jpg"]:
            same(server.ask("GET", "/")[0], 405)

    run(check, str(folder))


with tempfile.TemporaryDirectory() as name:
    check_in(pathlib.Path(name))
