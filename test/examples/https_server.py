# SPDX-License-Identifier: BSL-1.0
import socket
import ssl

from example import PATIENCE, run, same


def check(server):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        trust = ssl.create_default_context()
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
        trust.minimum_version = trust.maximum_version = version
        plain = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        with trust.wrap_socket(plain, server_hostname="localhost") as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        same(answer.startswith(b"HTTP/1.1 200 OK\r\n"), True)
        name = version.name.replace("_", ".").encode()
        same(answer.split(b"\r\n\r\n")[1], b"Hello over " + name + b"!\n")

    # A certificate that nobody vouches for is refused by who looks.
    plain = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    try:
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
    except ssl.SSLCertVerificationError as error:
        same(error.verify_code, 18)
    else:
        raise AssertionError("a self-signed certificate was taken")


run(check)
