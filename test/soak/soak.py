# SPDX-License-Identifier: BSL-1.0
"""What the soak runs share: programs that run, what they hold, and what the sanitizers say of them.

A run is a script, `NAME.py PROGRAM [SIZE]`, that prints what it measured and fails where that is not
what the library promises.
"""
import contextlib
import os
import pathlib
import re
import resource
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77  # the status of a run for which something is missing

# Freed memory is kept back by AddressSanitizer, 256 MiB by default, and would look like growth.
os.environ["ASAN_OPTIONS"] = "quarantine_size_mb=1:detect_leaks=1"


def need(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        print(f"not run: {', '.join(missing)} missing")
        raise SystemExit(SKIPPED)


def require(truth, what):
    if not truth:
        raise SystemExit(f"FAILED: {what}")


class Program:
    """A program that runs; leaving its context kills it, and then its errors must be empty."""

    def __init__(self, *arguments, deadline=1800):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [str(argument) for argument in arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, text=True
        )
        self.watchdog = threading.Timer(deadline, self.process.kill)
        self.watchdog.daemon = True
        self.watchdog.start()

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        self.watchdog.cancel()
        self.process.kill()
        self.process.wait()
        self.errors.seek(0)
        told = self.errors.read()
        if told:
            print(told)
        require(failed or not told, f"{self.process.args[0]} complained")

    def sanitized(self):
        """Whether AddressSanitizer is in it, which holds some memory of its own for all that is freed."""
        return b"__asan_init" in pathlib.Path(self.process.args[0]).read_bytes()

    def told(self):
        """The lines of its errors so far, which are forgiven with this."""
        self.errors.seek(0)
        lines = self.errors.read().splitlines()
        self.errors.truncate(0)
        return lines

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def port(self):
        """The port in its next line."""
        line = self.line()
        match = re.search(r"(\d+)/?$", line)
        require(match, f"{self.process.args[0]} tells no address but {line!r}")
        return int(match[1])

    def memory(self, field="VmRSS"):
        """KiB that it holds, or with VmHWM the most it ever held."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(field + r":\s*(\d+) kB", status.read())[1])

    def outcomes(self):
        """What `requests` has counted, by name, up to its end or the end of a round."""
        counts = {}
        while (line := self.line()) not in ("", "end"):
            if " done, " not in line:
                name, _, times = line.partition(" ")
                counts[name] = int(times)
        return counts

    def limit(self, what, soft):
        """Changes one of its limits, such as resource.RLIMIT_NOFILE, while it runs."""
        _, hard = resource.prlimit(self.process.pid, what)
        resource.prlimit(self.process.pid, what, (soft, hard))

    def seconds(self):
        """Of the processor, that it has used."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def certificate():
    """The files of a key and of its certificate."""
    need("openssl")
    with tempfile.TemporaryDirectory() as name:
        files = pathlib.Path(name, "key.pem"), pathlib.Path(name, "cert.pem")
        request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
        command = ["openssl", *request.split(), "-keyout", files[0], "-out", files[1]]
        subprocess.run(command, check=True, capture_output=True)
        yield files


def trusting():
    """For a client that takes every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Counts:
    """What counting_server has counted since it was asked before."""

    def __init__(self, port):
        # Requests of clients that have gone may still be on their way to their end.
        totals = [0, 0, 0, 0]
        for _ in range(200):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts", timeout=60) as answer:
                totals = [a + b for a, b in zip(totals, map(int, answer.read().split()))]
            self.begun, self.answered, self.cut, self.repeated = totals
            if self.begun == self.answered + self.cut:
                break
            time.sleep(0.05)

    def __str__(self):
        return f"{self.begun} begun, {self.answered} answered, {self.cut} cut"


def reset(peer):
    """Closes a connection so that its other end sees it reset."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def answer_end(received):
    """Where the first answer ends, which has a length or comes in chunks; 0 while it is not whole."""
    head, found, _ = received.partition(b"\r\n\r\n")
    if not found:
        return 0
    at = len(head) + len(found)
    if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head):
        end = at + int(length[1])
        return end if len(received) >= end else 0
    while (line := received.find(b"\r\n", at)) >= 0:
        size = int(received[at:line].partition(b";")[0], 16)
        if size == 0:
            # With no trailers the line of the last chunk ends where the empty line begins.
            end = received.find(b"\r\n\r\n", line)
            return end + 4 if end >= 0 else 0
        at = line + 2 + size + 2
    return 0


def receive_answer(peer, count=1):
    """So many answers to their last byte, or what comes before an end of the connection."""
    received, end = b"", 0
    while count > 0:
        if size := answer_end(received[end:]):
            end += size
            count -= 1
        elif piece := peer.recv(65536):
            received += piece
        else:
            break
    return received


class Nginx:
    """nginx on a free port, which serves files of the given sizes by their size; no end to keep-alive."""

    CONF = """
daemon off; pid {0}/pid; error_log stderr warn; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0};
  uwsgi_temp_path {0}; scgi_temp_path {0};
  keepalive_requests 1000000000; keepalive_timeout 1h; sendfile on;
  server {{ listen 127.0.0.1:{1}; root {0}/www; location = /status {{ stub_status; }} }}
}}
"""

    def __init__(self, *sizes):
        need("nginx")
        self.sizes = sizes

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        www = pathlib.Path(self.folder.name) / "www"
        www.mkdir()
        # nginx gives up root where it has it; its worker has to read these.
        os.chmod(self.folder.name, 0o755)
        for size in self.sizes:
            (www / str(size)).write_bytes(b"x" * size)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        conf = pathlib.Path(self.folder.name) / "conf"
        conf.write_text(self.CONF.format(self.folder.name, self.port))
        self.process = subprocess.Popen(["nginx", "-c", str(conf), "-p", self.folder.name])
        while self.process.poll() is None:
            try:
                self.accepted()
                return self
            except OSError:
                pass
        raise SystemExit("FAILED: nginx does not start")

    def accepted(self):
        """Connections so far, without the one that asks."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=60) as answer:
            return int(answer.read().split(b"\n")[2].split()[0])

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()
