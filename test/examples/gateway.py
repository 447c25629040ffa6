# SPDX-License-Identifier: BSL-1.0
import http.server
import json
import re
import threading
import time

from example import run, same

traces = []
stopped = threading.Event()


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        traces.append(self.headers["traceparent"])
        if self.path == "/slow":
            stopped.wait(20)
            self.close_connection = True
            return
        body = b"<p>" if self.path == "/broken" else json.dumps({"from": self.path}).encode()
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def check(server, other, expected):
    start = time.monotonic()
    status, _, body = server.ask("GET", "/", None, {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    same(status, 200)
    # One that is slow holds nobody up for longer than its deadline.
    same(time.monotonic() - start < 10, True)
    same(
        json.loads(body),
        {address + "/user": {"from": "/user"}, address + "/slow": {"error": "too slow"}, other: {"error": expected}},
    )
    for trace in traces:
        same(bool(re.fullmatch(f"00-{'a' * 32}-[0-9a-f]{{16}}-01", trace)), True)
        same(trace[36:52] != "b" * 16, True)


upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
upstream.daemon_threads = True
threading.Thread(target=upstream.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{upstream.server_port}"
try:
    for other, expected in (
        (address + "/broken", "no good answer"),
        (address + "/missing", "no good answer"),
        ("http://127.0.0.1:1/", "ECONNREFUSED"),
    ):
        run(lambda server: check(server, other, expected), address + "/user", address + "/slow", other)
finally:
    stopped.set()
    upstream.shutdown()
