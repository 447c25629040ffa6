# SPDX-License-Identifier: BSL-1.0
import os
import socket
import threading

from example import PATIENCE, Connection, run, same


def echo(listener):
    """Sends back what each client sends, and ends when it does."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            while piece := client.recv(65536):
                client.sendall(piece)


def check(proxy):
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=echo, args=(listener,), daemon=True).start()
    port = listener.getsockname()[1]

    def connect(authority, early=b""):
        client = proxy.open(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode() + early)
        return client.read(b"\r\n"), client

    for host in ("127.0.0.1", "localhost"):
        status, client = connect(f"{host}:{port}", b"early!")
        same(status, b"HTTP/1.1 200 Connection Established\r\n")
        same(client.read(b"!"), b"\r\nearly!")
        client.send(b"late!")
        same(client.read(b"!"), b"late!")
        client.finish()
        same(client.rest(), b"")

    # More than all the buffers on the way hold.
    content = os.urandom(20_000_000)
    status, client = connect(f"127.0.0.1:{port}")
    client.read(b"\r\n")
    sender = threading.Thread(target=lambda: (client.send(content), client.finish()))
    sender.start()
    same(client.rest() == content, True)
    sender.join(PATIENCE)

    # A target that goes, and one that is not there.
    with socket.create_server(("127.0.0.1", 0)) as other:
        status, client = connect(f"127.0.0.1:{other.getsockname()[1]}")
        same(status, b"HTTP/1.1 200 Connection Established\r\n")
        target = Connection(other.accept()[0])
        target.send(b"bye")
        target.close()
        same(client.rest(), b"\r\nbye")
        gone = other.getsockname()[1]
    same(connect(f"127.0.0.1:{gone}")[0], b"HTTP/1.1 502 Bad Gateway\r\n")
    same(proxy.ask("GET", "/")[0], 200)


run(check)
