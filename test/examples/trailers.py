# SPDX-License-Identifier: BSL-1.0
import base64
import hashlib

from example import run, same


def digest(body):
    return base64.b64encode(hashlib.md5(body).digest()).decode()


def post(body, *trailers):
    """A request whose body comes in pieces of up to 1000 bytes, with trailers behind it."""
    head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [body[i : i + 1000] for i in range(0, len(body), 1000)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head.encode() + chunks + b"0\r\n" + "".join(line + "\r\n" for line in trailers).encode() + b"\r\n"


def unchunked(rest):
    """The body, and what is behind it."""
    body = b""
    while True:
        size, rest = rest.split(b"\r\n", 1)
        size = int(size, 16)
        if size == 0:
            return body, rest
        body += rest[:size]
        same(rest[size : size + 2], b"\r\n")
        rest = rest[size + 2 :]


def check(server):
    for body in (b"", b"some text", bytes(range(256)) * 1000):
        for trailers, told in (
            ([], ""),
            (["Content-MD5: " + digest(body)], ", right"),
            (["content-md5: " + digest(body + b"!"), "X-Other: 1"], ", wrong"),
        ):
            client = server.open(post(body, *trailers))
            head = client.read(b"\r\n\r\n")
            same((b"\r\nTrailer: Content-MD5\r\n" in head, b"\r\nTransfer-Encoding: chunked\r\n" in head), (True, True))
            same(unchunked(client.rest()), (body, f"Content-MD5: {digest(body)}\r\n\r\n".encode()))
            same(server.line(), digest(body) + told)

    # Behind a body that ends with the connection there is no room for them.
    head, _, body = server.open(b"POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\ntext").rest().partition(b"\r\n\r\n")
    same((b"Trailer" in head, body), (False, b"text"))


run(check)
