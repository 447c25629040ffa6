# SPDX-License-Identifier: BSL-1.0
"""The server that the tests of client examples ask: Python's own, so that both ends are not ours."""
import contextlib
import gzip
import hashlib
import http.server
import os
import subprocess
import sys
import threading

PATIENCE = 60  # seconds


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = []

    def log_message(self, *_):
        pass

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        self.asked.append(self.path)
        if self.path == "/flaky" and self.asked.count("/flaky") < 3:
            self.answer(503, b"busy\n")
        elif self.path == "/large":
            self.answer(200, bytes(range(256)) * 4096)
        elif self.path == "/missing":
            self.answer(404, b"not here\n")
        elif self.path.startswith("/to/"):
            self.answer(302, b"elsewhere\n", Location=self.path[3:], Set_Cookie="seen=yes; Path=/; Max-Age=1000")
        elif self.path == "/cookies":
            self.answer(200, self.headers.get("Cookie", "").encode())
        elif self.path == "/gzip":
            accepted = self.headers.get("Accept-Encoding", "")
            self.answer(200, gzip.compress(accepted.encode()), Content_Encoding="gzip")
        elif self.path == "/hang":
            self.server.hang.wait(PATIENCE)
            self.close_connection = True
        else:
            self.answer(200, f"{self.path} {self.headers.get('X-Asked', '')}\n".encode())

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            digest, size = hashlib.sha256(), 0
            while (count := int(self.rfile.readline(), 16)) != 0:
                digest.update(self.rfile.read(count))
                size += count
                self.rfile.readline()
            self.rfile.readline()
            self.answer(200, f"{size} {digest.hexdigest()}".encode())
        else:
            self.answer(200, self.command.encode() + b" " + self.rfile.read(int(self.headers["Content-Length"])))

    do_PUT = do_POST


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.hang = threading.Event()


@contextlib.contextmanager
def origin(tls=None):
    """A server, over TLS where a context is given, and its address as a URL without a path."""
    Handler.asked = []
    with Server() as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.hang.set()
            server.shutdown()


def program(*arguments):
    """Runs the program named by the command line to its end: status, output, errors."""
    done = subprocess.run([sys.argv[1], *arguments], capture_output=True, timeout=PATIENCE)
    output, errors = done.stdout, done.stderr
    if os.environ.get("SLUICE_TEST_SYSTEM") == "windows":
        output, errors = output.replace(b"\r\n", b"\n"), errors.replace(b"\r\n", b"\n")
    return done.returncode, output, errors.decode()
