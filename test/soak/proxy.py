#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Large bodies up and down through examples/reverse_proxy, to Node: proxy.py PROGRAM [MIB]

Byte for byte, with less than 1 MiB held on the way.
"""
import hashlib
import http.client
import sys

import soak

SIZE = (int(sys.argv[2]) if len(sys.argv) > 2 else 1024) << 20
PIECE = bytes((i * 31 + (i >> 8)) & 255 for i in range(65536))
soak.need("node")


def pieces(digest, size):
    for _ in range(size // len(PIECE)):
        digest.update(PIECE)
        yield PIECE


def up(port, size, chunked):
    sent = hashlib.sha256()
    headers = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("POST", "/sha256", pieces(sent, size), headers, encode_chunked=chunked)
    got = connection.getresponse().read().decode()
    connection.close()
    soak.require(got == sent.hexdigest(), "what arrived above is not what was sent")


def down(port, size):
    expected, got = hashlib.sha256(), hashlib.sha256()
    for _ in pieces(expected, size):
        pass
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("GET", f"/{size}")
    response = connection.getresponse()
    while piece := response.read(1 << 18):
        got.update(piece)
    connection.close()
    soak.require(got.digest() == expected.digest(), "what arrived below is not what was sent")


with soak.Program("node", soak.HERE / "server.js") as node:
    origin = f"http://127.0.0.1:{node.port()}"
    with soak.Program(sys.argv[1], 0, origin) as proxy:
        port = proxy.port()
        runs = (
            # Node frames its answers by a length and in chunks by turns.
            ("up in chunks", lambda size: up(port, size, True)),
            ("up with a length", lambda size: up(port, size, False)),
            ("down with a length", lambda size: down(port, size)),
            ("down in chunks", lambda size: down(port, size)),
        )
        for _, act in runs:
            act(1 << 20)
        held = proxy.memory("VmHWM")
        for name, act in runs:
            act(SIZE)
            print(f"{SIZE >> 20} MiB {name}: the same; {proxy.memory('VmHWM') - held} KiB above {held} KiB at most")
        # What AddressSanitizer keeps of what is freed differs by some MiB from run to run.
        slack = 16 * 1024 if proxy.sanitized() else 1024
        soak.require(proxy.memory("VmHWM") - held < slack, f"the proxy held more than {slack} KiB")
