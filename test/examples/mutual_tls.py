# SPDX-License-Identifier: BSL-1.0
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

from example import PATIENCE, run, same

if shutil.which("openssl") is None:
    sys.exit(77)  # skipped: nobody can make the certificates


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def check(server):
    same(server.line(), "Hello, friend!")

    # Without a certificate there is no answer.
    trust = ssl.create_default_context(cafile=folder + "/ca.pem")
    plain = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    try:
        with trust.wrap_socket(plain, server_hostname="localhost") as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            same(client.recv(1), b"")
    except (ssl.SSLError, ConnectionError):
        pass
    same(server.line(), "refused: ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE")


with tempfile.TemporaryDirectory() as folder:
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    openssl("req", "-x509", *kind, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-x509", *kind, "-subj", "/CN=friend", "-keyout", "key.pem", "-out", "cert.pem",
            "-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    run(check, folder + "/key.pem", folder + "/cert.pem", folder + "/ca.pem")
