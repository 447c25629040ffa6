# SPDX-License-Identifier: BSL-1.0
import hashlib
import http.client

from example import PATIENCE, run, same
from origin import origin

SIZE = 64 << 20


def pieces():
    piece = bytes(range(256)) * 256
    for _ in range(SIZE // len(piece)):
        yield piece


def check(proxy):
    status, headers, body = proxy.ask("GET", "/x", headers={"X-Asked": "through", "Connection": "X-Mine", "X-Mine": "1"})
    same((status, headers["Via"], body), (200, "1.1 sluice", b"/x through\n"))
    same(proxy.ask("GET", "/missing")[0], 404)

    # A tab separates the names of Connection as well as a space does.
    same(proxy.ask("GET", "/x", headers={"Connection": "X-A,\tX-Asked", "X-Asked": "secret"})[2], b"/x \n")
    # The origin gets a path, whatever URL the client sends.
    same(proxy.ask("GET", "http://other.example/y?z")[2], b"/y?z \n")
    # An upgrade that is not for the origin is an ordinary request, and one that it refuses has a body.
    for protocol in ("h2c", "websocket"):
        asked = {"Connection": "Upgrade", "Upgrade": protocol, "X-Asked": protocol}
        same(proxy.ask("GET", "/x", headers=asked)[2], f"/x {protocol}\n".encode())

    expected = hashlib.sha256()
    for piece in pieces():
        expected.update(piece)
    held = proxy.memory()
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE)
    connection.request("POST", "/", pieces(), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
    same(connection.getresponse().read(), f"{SIZE} {expected.hexdigest()}".encode())
    grown = proxy.memory() - held
    if grown > 2 << 20:
        raise AssertionError(f"the proxy held {grown} bytes of a body")


with origin() as url:
    run(check, url)
