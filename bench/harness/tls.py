# SPDX-License-Identifier: BSL-1.0
"""What TLS costs, next to nginx: TLS 1.3 with the same certificate and cipher, one loop each.

The clients are other people's: each makes a full handshake, and none costs the server anything. Bodies of
ours come out of memory, nginx's out of the page cache.
"""
import contextlib
import dataclasses
import functools
import os
import pathlib
import re
import socket
import ssl
import subprocess
import tempfile
from typing import ClassVar

from .contestants import configured
from .counted import Idle
from .counts import each, look
from .machine import CPUS, GIB, fail, program
from .process import running
from .times import Timed

CIPHER = "TLS_AES_128_GCM_SHA256"
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600; tcp_nodelay on; sendfile on;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} backlog=4096 ssl;
    ssl_certificate SITE/cert.pem; ssl_certificate_key SITE/key.pem;
    ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites CIPHER;
    location = /13 {{ return 200 "Hello, World!"; }}
    root SITE;
  }}
}}
"""


@contextlib.contextmanager
def site(size):
    """A folder with a key, a certificate, and a body whose name is its size."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
        client("openssl", *request.split(), "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
        (folder / str(size)).write_bytes(b"x" * size)
        yield folder


@contextlib.contextmanager
def serving(name, folder):
    if name == "nginx":
        with configured(name, NGINX.replace("SITE", str(folder)).replace("CIPHER", CIPHER), {}) as server:
            yield server
        return
    with running(program("tls_server"), 0, folder / "key.pem", folder / "cert.pem", CIPHER) as server:
        server.await_port(server.line()["port"])
        yield server


@functools.cache
def trusting():
    """For clients that take every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def asked(port):
    """A connection that has had a request."""
    peer = trusting().wrap_socket(socket.create_connection(("127.0.0.1", port), 60))
    peer.sendall(b"GET /13 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    received = b""
    while len(received.partition(b"\r\n\r\n")[2]) < 13:
        received += peer.recv(4096) or fail("a connection ended before its answer", "run the server by hand")
    return peer


def idle(name, connections):
    """What a connection costs that has had a request and has waited for another for two seconds."""
    marked = name == "sluice"
    with site(13) as folder, serving(name, folder) as server, contextlib.ExitStack() as peers:
        # The first ones bring what all share.
        for _ in range(100):
            peers.enter_context(asked(server.port))
        before = look(server, marked)
        for _ in range(connections):
            peers.enter_context(asked(server.port))
        return each(before, look(server, marked), connections)


def client(*command):
    """What it printed, after it has run on a processor that the server is not on."""
    command = ["taskset", "-c", str(CPUS[-1]), *(str(part) for part in command)]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except subprocess.CalledProcessError as failure:
        fail(f"{' '.join(command)}: {failure.stderr.strip()[-500:]}", "run it by hand")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tls(Timed):
    """CPU time of the server for what one kind of client wants."""

    heading: ClassVar[str] = "TLS: CPU microseconds; in brackets to nginx"
    section: ClassVar[str] = "tls"
    base: ClassVar[str] = "nginx"
    builds_all: ClassVar[bool] = True
    driver: ClassVar[str]

    # Of a body, in bytes.
    size: int = 13
    # No others are in it, nor is it where there are none.
    quick: bool = False

    def contestants(self, quick):
        return ("nginx", "sluice")

    def take(self, quick, figures):
        lacking = [name for name in ("nginx", "openssl", self.driver, "tls_server") if not program(name)]
        if lacking:
            print(f"  skipped: {self.name}; there is no {' and no '.join(lacking)}", flush=True)
            return
        super().take(quick, figures)

    def measure(self, name, quick):
        with site(self.size) as folder, serving(name, folder) as server:
            return self.drive(server, self.count_for(name, quick)), {}

    def drive(self, server, count):
        """CPU seconds of the server for a unit."""
        raise NotImplementedError


class IdleTls(Idle):
    """The same for TLS; most of it is what OpenSSL needs."""

    heading: ClassVar[str] = "bytes for an idle TLS connection: heap, resident; resident KiB at rest"
    part: ClassVar[str] = "tls idle"
    builds_all: ClassVar[bool] = True

    def contestants(self, quick):
        return [name for name in ("nginx", "sluice") if program({"sluice": "tls_server"}.get(name, name))]

    def measure(self, name, connections):
        return idle(name, connections)


class Requests(Tls):
    """h2load, which cannot warm up: of two runs the difference, so that the handshakes cancel out."""

    driver: ClassVar[str] = "h2load"
    connections: ClassVar[int] = 64

    def run(self, server, count):
        before = server.cpu()
        told = client("h2load", "--h1", "-t", 1, "-c", self.connections, "-n", count,
                      f"https://127.0.0.1:{server.port}/{self.size}")
        if f" {count} succeeded" not in told:
            fail(f"h2load did not get {count} answers", "run it by hand")
        return server.cpu() - before

    def drive(self, server, count):
        few = 10 * self.connections
        short = self.run(server, few)
        return (self.run(server, few + count) - short) / count


class Bodies(Tls):
    """curl, one body after the other over one connection."""

    driver: ClassVar[str] = "curl"

    def drive(self, server, count):
        before = server.cpu()
        told = client("curl", "-sk", "--fail", "-o", os.devnull, "-w", "%{size_download} %{num_connects}\n",
                      f"https://127.0.0.1:{server.port}/{self.size}?[1-{count}]")
        used = server.cpu() - before
        sizes, connects = zip(*(map(int, line.split()) for line in told.splitlines()))
        if sum(sizes) != self.size * count or sum(connects) != 1:
            fail("curl did not get the bodies over one connection", "run it by hand")
        return used / (self.size * count / GIB)


class Handshakes(Tls):
    """openssl s_time, which connects anew for `count` seconds."""

    driver: ClassVar[str] = "openssl"

    def drive(self, server, count):
        before = server.cpu()
        told = client("openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-new", "-tls1_3", "-time", count)
        return (server.cpu() - before) / int(re.search(r"(\d+) connections in \d+ real seconds", told)[1])
