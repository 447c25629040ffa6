# SPDX-License-Identifier: BSL-1.0
"""nginx and staticFiles() on the same folder, and what nginx has compressed: nginx.py PEER_SERVER"""
import contextlib
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples"))
from example import run, same  # noqa: E402
from peer import free_port, program, running  # noqa: E402

BODIES = 1000
CONFIG = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 64; }}
http {{
  access_log off; charset utf-8; charset_types text/plain text/css;
  types {{ text/html html; text/plain txt; text/css css; application/json json; image/png png; }}
  default_type application/octet-stream;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    absolute_redirect off;
    location /files/ {{ alias {root}/; index index.html; }}
    location /coded/ {{
      proxy_pass http://127.0.0.1:{upstream};
      gzip on; gzip_types *; gzip_min_length 1; gzip_http_version 1.0;
    }}
  }}
}}
"""
# What of an answer must be the same, by its status; its body as well, where it is the file.
FILE = ("Content-Type", "Content-Length", "Content-Range", "Last-Modified")
SAME = {200: (*FILE, "Accept-Ranges"), 206: FILE, 301: ("Location",), 304: ("Last-Modified",), 416: ("Content-Range",)}
REFUSED = (400, 403, 404)


@contextlib.contextmanager
def nginx(upstream, root):
    found = program("nginx")
    if found is None:
        print("nginx is not there: nothing was compared with it")
        sys.exit(77)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "config")
        config.write_text(CONFIG.format(folder=folder, port=port, upstream=upstream, root=root))
        with running(port, found, "-p", folder, "-c", config):
            yield port


def requests(server):
    """What both are asked: method, path, headers."""
    _, headers, _ = server.ask("GET", "/files/digits.txt")
    modified = headers["Last-Modified"]
    for method in ("GET", "HEAD"):
        for path in ("digits.txt", "digits.txt?x=1", "empty.txt", "page.html", "a%20b.json", "unknown", "sub", "sub/",
                     "sub?x=1", "sub/index.html", "", "none", "none/", "digits.txt/", "large.bin", "%64igits.txt",
                     "./digits.txt", "sub/../digits.txt", "sub//index.html", "%73ub", "gr%C3%B6%C3%9Fe.txt"):
            yield method, path, {}
    for asked in ("bytes=0-3", "bytes=8-", "bytes=-3", "bytes=5-99", "bytes=-99", "bytes=0-", "bytes=10-", "bytes=-0",
                  "bytes=4-2", "bytes=a-b", "lines=0-1", "bytes=0-99999999999999999", "bytes= 0-1"):
        yield "GET", "digits.txt", {"Range": asked}
    for asked in ("bytes=0-", "bytes=0-65535", "bytes=65536-131071", "bytes=-1", "bytes=300000-"):
        yield "GET", "large.bin", {"Range": asked}
    yield "GET", "empty.txt", {"Range": "bytes=0-"}
    for asked in ({"If-Modified-Since": modified}, {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
                  {"If-Modified-Since": "yesterday"}, {"If-Unmodified-Since": modified},
                  {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, {"If-None-Match": "*"},
                  {"If-None-Match": '"x"'}, {"If-None-Match": '"x"', "If-Modified-Since": modified},
                  {"If-Match": '"x"'}, {"If-Match": "*"}, {"Range": "bytes=0-3", "If-Range": modified},
                  {"Range": "bytes=0-3", "If-Range": '"x"'},
                  {"Range": "bytes=0-3", "If-Range": "Thu, 01 Jan 1970 00:00:00 GMT"}):
        yield "GET", "digits.txt", asked
    # Out of the folder, in every way: both refuse, whatever status they choose.
    for path in ("../secret", "..%2fsecret", "%2e%2e/secret", "%2e%2e%2fsecret", "sub/../../secret", "..\\secret",
                 "..%5csecret", "%252e%252e/secret", "digits.txt%00.html", "..;/secret", "....//secret",
                 "%c0%ae%c0%ae/secret", "sub/..%2f..%2fsecret", ".%2e/secret", "%2e./secret", "/../secret"):
        yield "GET", path, {}


# What ours answers otherwise, by path and header.
DIFFERENT = {
    # RFC 9110 14.2: a Range that is malformed is ignored. nginx answers 416.
    ("digits.txt", "bytes=4-2"): 200,
    ("digits.txt", "bytes=a-b"): 200,
    # RFC 9110 14.1.2: no range of an empty file can be satisfied. nginx ignores the header.
    ("empty.txt", "bytes=0-"): 416,
}


def told(answer):
    """What is compared of an answer."""
    status, headers, body = answer
    if status in REFUSED:
        return ("refused",)
    return (status, *(headers[name] for name in SAME.get(status, ())), body if status in (200, 206) else b"")


def check_in(folder):
    root = folder / "root"
    (root / "sub").mkdir(parents=True)
    (root / "digits.txt").write_bytes(b"0123456789")
    (root / "empty.txt").write_bytes(b"")
    (root / "page.html").write_bytes(b"<p>page")
    (root / "a b.json").write_bytes(b"{}")
    (root / "unknown").write_bytes(b"?")
    (root / "größe.txt").write_bytes(b"size")
    (root / "index.html").write_bytes(b"<p>top")
    (root / "sub" / "index.html").write_bytes(b"<p>sub")
    (root / "large.bin").write_bytes(os.urandom(300_000))
    (folder / "secret").write_bytes(b"secret")

    def files(server, port):
        differ, compared = [], 0
        for method, path, asked in requests(server):
            compared += 1
            ours = server.ask(method, "/files/" + path, headers=asked)
            theirs = server.ask(method, "/files/" + path, headers=asked, port=port)
            if b"secret" in ours[2]:
                raise AssertionError(f"{method} {path} leads out of the folder")
            if ours[0] == DIFFERENT.get((path, asked.get("Range"))):
                continue
            if told(ours) != told(theirs):
                both = "".join(f"\n    {str(told(each))[:300]}" for each in (ours, theirs))
                differ.append(f"{method} {path} {asked}: ours, and nginx's{both}")
        if differ:
            raise AssertionError(f"{len(differ)} of {compared} differ:\n" + "\n".join(differ))
        print(f"{compared} requests for files: the same")

    def bodies(server, port):
        gzipped = 0
        for seed in range(BODIES):
            plain = server.ask("GET", f"/coded/identity/{seed}")[2]
            _, headers, decoded = server.ask("GET", f"/fetched/{port}/{seed}")
            same((seed, decoded == plain), (seed, True))
            gzipped += headers["X-Coding"] == "gzip"
        same(gzipped > BODIES * 9 // 10, True)
        print(f"{BODIES} bodies, {gzipped} of them compressed by nginx: the same")

    def check(server):
        with nginx(server.port, root) as port:
            files(server, port)
            bodies(server, port)

    run(check, str(root))


with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    check_in(pathlib.Path(folder).resolve())
