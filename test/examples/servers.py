# SPDX-License-Identifier: BSL-1.0
"""fetch, told odd things by other people's servers, those of them that are there, and by bytes."""
import contextlib
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

from example import PATIENCE, same
from origin import program

# What a server sends once it has the head of a request, and what fetch makes of it: its status, its
# output, and what its errors hold.
HEAD = "HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + "Transfer-Encoding: chunked\r\n\r\n"
ODD = [
    (HEAD + "Content-Length: 4\r\n\r\ntext", 0, "text", ""),
    (HEAD + "Content-Length: 4\r\nContent-Length: 4\r\n\r\ntext", 1, "", "HPE_UNEXPECTED_CONTENT_LENGTH"),
    (HEAD + "Content-Length: 4\r\nContent-Length: 5\r\n\r\ntext", 1, "", "HPE_UNEXPECTED_CONTENT_LENGTH"),
    (HEAD + "Content-Length: 4\r\n\r\ntext and more", 0, "text", ""),
    (HEAD + "Content-Length: 4\r\n\r\ntextHTTP/1.1 200 OK\r\n\r\n", 0, "text", ""),
    (HEAD + "Content-Length: 10\r\n\r\ntext", 1, "text", "ECONNRESET"),
    (HEAD + "\r\nuntil the end", 0, "until the end", ""),
    ("HTTP/1.0 200 OK\r\n\r\nuntil the end", 0, "until the end", ""),
    ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 0, "ok", ""),
    (CHUNKED + "2;a=b;c=\"d;e\"\r\nte\r\n2;x\r\nxt\r\n0;last\r\nX-Trailer: 1\r\n\r\n", 0, "text", ""),
    (CHUNKED + "4\r\ntext\r\n", 1, "text", "ECONNRESET"),
    (CHUNKED + "4\r\ntextt\r\n", 1, "text", "HPE_"),
    (CHUNKED + "g\r\n", 1, "", "HPE_INVALID_CHUNK_SIZE"),
    ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
     + HEAD + "Content-Length: 4\r\n\r\ntext", 0, "text", ""),
    ("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n", 0, "", ""),
    ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", 1, "", "HPE_INVALID_STATUS"),
    ("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", 0, "", "999 Odd"),
    ("", 1, "", "ECONNRESET"),
    ("HTTP/1.1 200 OK\r\nContent-Le", 1, "", "ECONNRESET"),
    ("SSH-2.0-OpenSSH_9.2\r\n", 1, "", "HPE_"),
    ("HTTP/2.0 200 OK\r\n\r\n", 1, "", "HPE_INVALID_VERSION"),
    (HEAD + "no colon\r\n\r\n", 1, "", "HPE_INVALID_HEADER_TOKEN"),
    (HEAD + "X: " + "x" * 9000 + "\r\n\r\n", 1, "", "HPE_HEADER_OVERFLOW"),
]


@contextlib.contextmanager
def listener(talk):
    """The address of a server that lets talk(connection) answer each connection."""

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connection.settimeout(PATIENCE)
                with connection:
                    talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)


def head(connection):
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    return received


def reset(connection):
    """Ends it with a reset, whatever is on the way."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def byBytes():
    for sent, status, output, errors in ODD:
        def talk(connection):
            head(connection)
            connection.sendall(sent.encode())

        with listener(talk) as url:
            got = program(url)
        same((sent, got[0], got[1].decode(), errors in got[2]), (sent, status, output, True))


def resets():
    def inTheBody(connection):
        head(connection)
        connection.sendall((HEAD + "Content-Length: 1000000\r\n\r\n").encode() + b"x" * 1000)
        reset(connection)

    def inTheUpload(connection):
        connection.recv(1000)
        reset(connection)

    for talk, arguments in ((inTheBody, []), (inTheUpload, ["-d", "x" * 100_000])):
        with listener(talk) as url:
            status, _, errors = program(*arguments, url)
        same((status, "ECONNRESET" in errors or "EPIPE" in errors), (1, True))


def earlyAnswer():
    """A server that answers before it has read the body, and never reads it."""

    def talk(connection):
        head(connection)
        connection.sendall(b"HTTP/1.1 413 Too Much\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno\n")
        # Closed only once the client is: no reset that could overtake the answer.
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with listener(talk) as url:
        status, output, errors = program("-d", "x" * 120_000, url)
    same((status, output, errors), (0, b"no\n", "413 Too Much\n"))


NODE = """
const http = require("node:http");
const routes = {
  plain: res => res.end("text"),
  chunks(res) { for (const c of "text") res.write(c); res.addTrailers({"X-Trailer": "1"}); res.end(); },
  closing(res) { res.shouldKeepAlive = false; res.useChunkedEncodingByDefault = false; res.write("te"); res.end("xt"); },
  hints(res) { res.writeProcessing(); res.writeEarlyHints({link: "</a>; rel=preload"}); res.end("text"); },
  early(res) { res.writeHead(413, {Connection: "close"}).end("no"); },
  cut(res) { res.write("te", () => res.destroy()); },
  cutLength(res) { res.setHeader("Content-Length", 9); res.write("te", () => res.destroy()); },
  echo: (res, req) => req.pipe(res),
  large: res => res.end("x".repeat(5000000)),
};
http.createServer((req, res) => routes[req.url.slice(1)](res, req))
  .listen(0, "127.0.0.1", function() { console.log(this.address().port); });
"""


def node():
    with subprocess.Popen(["node", "-e", NODE], stdout=subprocess.PIPE, text=True) as server:
        try:
            url = f"http://127.0.0.1:{int(server.stdout.readline())}/"
            for path in ("plain", "chunks", "closing", "hints"):
                same((path, *program(url + path)), (path, 0, b"text", ""))
            same(program("-d", "x" * 100_000, url + "early"), (0, b"no", "413 Payload Too Large\n"))
            for path in ("cut", "cutLength"):
                status, output, errors = program(url + path)
                same((path, status, output, "ECONNRESET" in errors), (path, 1, b"te", True))
            same(program("-d", "x" * 100_000, url + "echo"), (0, b"x" * 100_000, ""))
            same(program(url + "large"), (0, b"x" * 5_000_000, ""))
        finally:
            server.kill()


NGINX = """
daemon off; pid {0}/pid; error_log stderr emerg;
events {{}}
http {{
  access_log off; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0}; uwsgi_temp_path {0};
  scgi_temp_path {0};
  server {{
    listen unix:{0}/socket; root {0};
    location = /moved {{ return 302 /file; }}
    location = /gone {{ return 444; }}
    location = /small {{ client_max_body_size 10; return 200; }}
  }}
  server {{ listen 127.0.0.1:{1}; location / {{ proxy_pass http://unix:{0}/socket; proxy_buffering off; }} }}
}}
"""


def nginx():
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        root = pathlib.Path(folder)
        root.chmod(0o755)
        (root / "file").write_bytes(b"x" * 5_000_000)
        (root / "conf").write_text(NGINX.format(folder, port))
        with subprocess.Popen(["nginx", "-e", "stderr", "-p", folder, "-c", str(root / "conf")]) as server:
            try:
                url = f"http://127.0.0.1:{port}/"
                while server.poll() is None and "ECONNREFUSED" in program(url)[2]:
                    pass
                same(program(url + "file"), (0, b"x" * 5_000_000, ""))
                same(program("-H", "Range: bytes=0-3", url + "file"), (0, b"xxxx", ""))
                status, output, errors = program(url + "moved")
                same((status, b"302 Found" in output, errors), (0, True, ""))
                status, output, errors = program("-d", "x" * 100, url + "small")
                same((status, errors), (0, "413 Request Entity Too Large\n"))
                status, output, errors = program(url + "gone")
                same((status, errors), (0, "502 Bad Gateway\n"))
            finally:
                server.terminate()


byBytes()
resets()
earlyAnswer()
for peer in (node, nginx):
    if shutil.which(peer.__name__):
        peer()
