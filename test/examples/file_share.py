# SPDX-License-Identifier: BSL-1.0
import json
import os
import pathlib
import tempfile

from example import run, same


def form(*files):
    """A multipart body, and its headers."""
    body = b""
    for name, content in files:
        body += b'--B\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() + b'"\r\n'
        body += b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
    return body + b"--B--\r\n", {"Content-Type": "multipart/form-data; boundary=B"}


def check_in(folder):
    def check(server):
        def upload(*files):
            body, headers = form(*files)
            status, _, text = server.ask("POST", "/upload", body, headers)
            return status, text.decode()

        def names():
            return sorted(json.loads(server.ask("GET", "/list")[2]))

        same(server.ask("GET", "/")[1]["Content-Type"], "text/html; charset=utf-8")
        same(names(), [])
        same(upload(("a.txt", b"hello"), ("b é.bin", b"\0\r\n--C")), (201, "11 bytes\n"))
        same(names(), ["a.txt", "b é.bin"])
        same(server.ask("GET", "/files/a.txt")[2], b"hello")
        status, headers, body = server.ask("GET", "/files/a.txt", None, {"Range": "bytes=1-2"})
        same((status, headers["Content-Range"], body), (206, "bytes 1-2/5", b"el"))

        # What passes through does not stay in memory.
        large = os.urandom(1_000_000)
        before = server.memory()
        same(upload(("large.bin", large * 60)), (201, "60000000 bytes\n"))
        same(server.memory() - before < 20_000_000, True)
        status, _, body = server.ask("GET", "/files/large.bin")
        same(body == large * 60, True)

        # No name leads out of the folder, or hides there.
        same(upload(("../out.txt", b"x"), ("..", b"x"), (".hidden", b"x"), ("c:\\\\dir\\\\d.txt", b"x"))[0], 201)
        same(names(), ["a.txt", "b é.bin", "d.txt", "large.bin", "out.txt"])
        same((folder.parent / "out.txt").exists(), False)
        same(server.ask("POST", "/upload", "x")[0], 415)
        same(server.ask("POST", "/upload", b"--B\r\n", form()[1])[0], 400)
        same(server.ask("GET", "/files/..%2f..%2fetc/passwd")[0], 400)

    return check


with tempfile.TemporaryDirectory() as outside:
    shared = pathlib.Path(outside) / "shared"
    shared.mkdir()
    run(check_in(shared), str(shared))
