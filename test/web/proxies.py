# SPDX-License-Identifier: BSL-1.0
"""fetch() through other people's proxies, squid and microsocks (SOCKS 5): proxies.py PEER_SERVER"""
import contextlib
import http.server
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples"))
from example import run, same  # noqa: E402
from peer import free_port, program, running  # noqa: E402

BODIES = 200
SQUID = """
http_port 127.0.0.1:{port}
http_access allow all
cache deny all
access_log stdio:{folder}/access
cache_log {folder}/log
pid_filename {folder}/pid
coredump_dir {folder}
pinger_enable off
shutdown_lifetime 0 seconds
cache_effective_user {user}
"""


class Numbers(http.server.BaseHTTPRequestHandler):
    """Tells the last part of the path, many times."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.path.rsplit("/", 1)[1].encode() * 20_000
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def secure_server(folder):
    """Its port; its certificate is its own."""
    key, cert = f"{folder}/key", f"{folder}/cert"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=127.0.0.1", "-keyout", key, "-out", cert], check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Numbers) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def tunnels(server, folder, proxy):
    """What is asked for over TLS goes through a tunnel of the proxy."""
    with secure_server(folder) as port:
        for seed in range(20):
            status, _, body = fetched(server, seed, proxy, port, secure=1)
            same((seed, status, body == str(seed).encode() * 20_000), (seed, 200, True))
    same(fetched(server, 1, proxy, free_port(), secure=1)[2], b"ERR_PROXY_CONNECTION_FAILED")


def fetched(server, seed, proxy, port=None, **options):
    """Status, headers and body of what the server fetches through a proxy."""
    query = urllib.parse.urlencode({"proxy": proxy, **options})
    return server.ask("GET", f"/fetched/{port or server.port}/{seed}?{query}")


def bodies(server, proxy, via):
    for seed in range(BODIES):
        plain = server.ask("GET", f"/coded/identity/{seed}")[2]
        status, headers, body = fetched(server, seed, proxy)
        same((seed, status, body == plain, bool(headers["X-Via"])), (seed, 200, True, via))


def squid(server):
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        config = pathlib.Path(folder, "config")
        user = "proxy" if os.getuid() == 0 else str(os.getuid())
        config.write_text(SQUID.format(port=port, folder=folder, user=user))
        with running(port, program("squid"), "-N", "-f", str(config)):
            bodies(server, f"http://127.0.0.1:{port}", True)
            tunnels(server, folder, f"http://127.0.0.1:{port}")
            # What the proxy answers itself is an answer.
            same(fetched(server, 1, f"http://127.0.0.1:{port}", free_port())[0], 503)
        # Squid writes of a tunnel once it has seen its end, so its log is whole only when squid has ended.
        with open(f"{folder}/access") as log:
            same("CONNECT 127.0.0.1:" in log.read(), True)
    # A proxy that is not there.
    same(fetched(server, 1, f"http://127.0.0.1:{port}")[2], b"ECONNREFUSED")


def microsocks(server):
    port = free_port()
    with running(port, program("microsocks"), "-i", "127.0.0.1", "-p", str(port)):
        bodies(server, f"socks5://127.0.0.1:{port}", False)
        with tempfile.TemporaryDirectory() as folder:
            tunnels(server, folder, f"socks5://127.0.0.1:{port}")
        same(fetched(server, 1, f"socks5://127.0.0.1:{port}", free_port())[0], 502)
    port = free_port()
    with running(port, program("microsocks"), "-i", "127.0.0.1", "-p", str(port), "-u", "me", "-P", "secret"):
        same(fetched(server, 1, f"socks5://me:secret@127.0.0.1:{port}")[0], 200)
        for stranger in ("", "me:wrong@"):
            same(fetched(server, 1, f"socks5://{stranger}127.0.0.1:{port}")[0], 502)


def check(server):
    for each in (squid, microsocks):
        if program(each.__name__):
            each(server)
            print(f"{each.__name__}: as without it")


if not program("squid") and not program("microsocks"):
    print("neither squid nor microsocks is there: nothing was asked for through them")
    sys.exit(77)
run(check)
