# SPDX-License-Identifier: BSL-1.0
import os
import pathlib
import tempfile

from example import run, same


def check_in(folder):
    root = folder / "root"
    (root / "sub").mkdir(parents=True)
    digits = b"0123456789"
    (root / "digits.txt").write_bytes(digits)
    (root / "empty.txt").write_bytes(b"")
    (root / "a b%.json").write_bytes(b"{}")
    (root / "unknown").write_bytes(b"?")
    (root / "index.html").write_bytes(b"<p>top")
    (root / "sub" / "index.html").write_bytes(b"<p>sub")
    (root / ".hidden").write_bytes(b"hidden")
    (folder / "secret").write_bytes(b"secret")
    (folder / "root2").mkdir()
    (folder / "root2" / "secret").write_bytes(b"secret")
    (root / "out").symlink_to("../secret")
    (root / "outside").symlink_to("..")
    (root / "in").symlink_to("digits.txt")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "fifo")
    large = os.urandom(8_000_000)
    (root / "large.bin").write_bytes(large)

    def check(server):
        def get(path, headers=None, method="GET"):
            return server.ask(method, path, headers=headers)

        # Types, and what a path means.
        for path, kind, content in (
            ("/digits.txt", "text/plain; charset=utf-8", digits),
            ("/digits.txt?x=1", "text/plain; charset=utf-8", digits),
            ("/in", "text/plain; charset=utf-8", digits),
            ("/%64igits.txt", "text/plain; charset=utf-8", digits),
            ("/a%20b%25.json", "application/json", b"{}"),
            ("/empty.txt", "text/plain; charset=utf-8", b""),
            ("/unknown", "application/octet-stream", b"?"),
            ("/", "text/html; charset=utf-8", b"<p>top"),
            ("/sub/", "text/html; charset=utf-8", b"<p>sub"),
            ("/sub/index.html", "text/html; charset=utf-8", b"<p>sub"),
            ("/large.bin", "application/octet-stream", large),
        ):
            status, headers, body = get(path)
            same((path, status, headers["Content-Type"]), (path, 200, kind))
            same((path, headers["Content-Length"]), (path, str(len(content))))
            same(body == content, True)
        status, headers, body = get("/digits.txt", method="HEAD")
        same((status, headers["Content-Length"], body), (200, "10", b""))
        status, headers, _ = get("/sub")
        same((status, headers["Location"]), (308, "./sub/"))
        status, headers, _ = get("/digits.txt", method="POST")
        same((status, headers["Allow"]), (405, "GET, HEAD"))

        # Nothing from elsewhere, and nothing hidden.
        for path in (
            "/none", "/../secret", "/%2e%2e/secret", "/%2E%2e%2fsecret", "/sub/../../secret", "//../secret",
            "/..%2froot2/secret", "/out", "/outside/secret", "/loop", "/fifo", "/.hidden", "/digits.txt%00.html",
            "/digits.txt/", "/%", "/%zz", str(folder / "secret"), "/" + str(folder / "secret"),
        ):  # fmt: skip
            status, _, body = get(path)
            same((path, status, body), (path, 404, b"There is no such file.\n"))

        # Parts.
        for asked, status, part, told in (
            ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
            ("bytes=8-", 206, b"89", "bytes 8-9/10"),
            ("bytes=-3", 206, b"789", "bytes 7-9/10"),
            ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
            ("bytes=-99", 206, digits, "bytes 0-9/10"),
            ("bytes=0-", 206, digits, "bytes 0-9/10"),
            ("bytes=10-", 416, b"", "bytes */10"),
            ("bytes=-0", 416, b"", "bytes */10"),
            ("bytes=0-1,3-4", 200, digits, None),
            ("bytes=4-2", 200, digits, None),
            ("bytes=-", 200, digits, None),
            ("bytes=a-b", 200, digits, None),
            ("lines=0-1", 200, digits, None),
            ("bytes=0-99999999999999999999", 200, digits, None),
        ):
            got, headers, body = get("/digits.txt", {"Range": asked})
            same((asked, got, body, headers["Content-Range"]), (asked, status, part, told))
        status, headers, _ = get("/digits.txt", {"Range": "bytes=0-3"}, method="HEAD")
        same((status, headers["Content-Length"]), (200, "10"))
        same(get("/empty.txt", {"Range": "bytes=0-"})[0], 416)
        same(get("/large.bin", {"Range": "bytes=1000000-6999999"})[2] == large[1000000:7000000], True)

        # Versions.
        _, headers, _ = get("/digits.txt")
        etag, modified = headers["ETag"], headers["Last-Modified"]
        for asked, status in (
            ({"If-None-Match": etag}, 304),
            ({"If-None-Match": f'"x", W/{etag}'}, 304),
            ({"If-None-Match": "*"}, 304),
            ({"If-None-Match": '"x"'}, 200),
            ({"If-None-Match": '"x"', "If-Modified-Since": modified}, 200),
            ({"If-Modified-Since": modified}, 304),
            ({"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 200),
            ({"If-Modified-Since": "yesterday"}, 200),
            ({"Range": "bytes=0-3", "If-Range": etag}, 206),
            ({"Range": "bytes=0-3", "If-Range": modified}, 206),
            ({"Range": "bytes=0-3", "If-Range": '"x"'}, 200),
        ):
            got, headers, body = get("/digits.txt", asked)
            same((asked, got, headers["ETag"]), (asked, status, etag))
            same(body, {200: digits, 206: b"0123", 304: b""}[status])

        # Who does not read holds the file back, not the memory.
        (root / "huge").write_bytes(b"")
        os.truncate(root / "huge", 500_000_000)
        before = server.memory()
        slow = server.open(b"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n")
        slow.read(b"\r\n\r\n")
        same(get("/digits.txt")[0], 200)
        slow.close()
        same(get("/huge", method="HEAD")[1]["Content-Length"], "500000000")
        if server.memory() - before > 16_000_000:
            raise AssertionError(f"a slow reader costs {server.memory() - before} bytes")

    run(check, str(root))


with tempfile.TemporaryDirectory() as folder:
    check_in(pathlib.Path(folder).resolve())
