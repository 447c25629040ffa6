# SPDX-License-Identifier: BSL-1.0
#
# The first answer is cut in the middle of the body; the second one must be asked for the rest.
import http.server
import pathlib
import tempfile
import threading

from example import same
from origin import program

BODY = bytes(range(256)) * 400
asked = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked.append(self.headers.get("Range"))
        begin = 0
        if asked[-1] is not None and self.headers.get("If-Range") == '"v1"':
            begin = int(asked[-1].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(BODY) - 1}/{len(BODY)}")
        else:
            self.send_response(200)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", str(len(BODY) - begin))
        self.end_headers()
        self.wfile.write(BODY[begin : begin + 50000] if len(asked) == 1 else BODY[begin:])
        self.close_connection = True

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "file"
    status, output, errors = program(f"http://127.0.0.1:{server.server_address[1]}/", str(file))
    same((status, output), (0, b""))
    same(file.read_bytes(), BODY)
    same([path.name for path in pathlib.Path(folder).iterdir()], ["file"])
    same(asked, [None, "bytes=50000-"])
    same("going on after 50000 bytes" in errors, True)
server.shutdown()
