# SPDX-License-Identifier: BSL-1.0
"""What the tests of the examples share: each starts its program on a free port and talks to it.

A test is a script, `NAME.py PROGRAM`, that calls run(check). Whatever it waits for ends within PATIENCE.
"""
import contextlib
import http.client
import re
import signal
import socket
import subprocess
import sys
import threading

PATIENCE = 30  # seconds


class Example:
    """A program that runs, and the first address it told."""

    def __init__(self, process):
        self.process = process
        self.port = self.address()

    def line(self):
        """The next line of its output, "" at the end."""
        return self.process.stdout.readline().rstrip("\n")

    def address(self):
        """The port in the next line, which must be an address."""
        line = self.line()
        match = re.fullmatch(r"listening on \w+://127\.0\.0\.1:(\d+)/", line)
        if not match:
            raise AssertionError(f"the program tells no address but {line!r}")
        return int(match[1])

    def open(self, sent=b""):
        """A connection, on which some bytes were sent."""
        connection = Connection(socket.create_connection(("127.0.0.1", self.port), PATIENCE))
        connection.send(sent)
        return connection

    def ask(self, method, path, body=None, headers=None, port=None):
        """Status, headers and body of one answer; the path goes out as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def memory(self):
        """The most that the program has held so far, in bytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s*(\d+) kB", status.read())[1]) * 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


class Connection:
    """A socket, read by what is expected next."""

    def __init__(self, sock):
        self.socket = sock
        self.unread = b""

    def send(self, sent):
        self.socket.sendall(sent)

    def read(self, until):
        """Bytes up to the given ones and with them; what there is where the connection ends before."""
        while until not in self.unread:
            piece = self.socket.recv(65536)
            if not piece:
                break
            self.unread += piece
        end = self.unread.find(until) + len(until) if until in self.unread else len(self.unread)
        got, self.unread = self.unread[:end], self.unread[end:]
        return got

    def take(self, count):
        """That many bytes; fewer where the connection ends before."""
        while len(self.unread) < count:
            piece = self.socket.recv(65536)
            if not piece:
                break
            self.unread += piece
        got, self.unread = self.unread[:count], self.unread[count:]
        return got

    def rest(self):
        """Everything up to the end of the connection."""
        pieces = [self.unread]
        while pieces[-1] or len(pieces) == 1:
            pieces.append(self.socket.recv(65536))
        self.unread = b""
        return b"".join(pieces)

    def finish(self):
        """Says that nothing more comes."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()


def same(got, expected):
    if got != expected:
        raise AssertionError(f"got\n  {got!r}\nnot\n  {expected!r}")


def run(check, *arguments, port=0):
    """Starts the program named by the command line on a free port, calls check(example), stops it."""
    # A build that gives up ends this script, and with it the program.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped from outside"))
    process = subprocess.Popen([sys.argv[1], str(port), *arguments], stdout=subprocess.PIPE, text=True)
    # A read of a line has no bound of its own; it ends with the program.
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        example = Example(process)
        check(example)
        if process.poll() is None:
            same(example.stop(), -signal.SIGTERM)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
