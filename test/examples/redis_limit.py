# SPDX-License-Identifier: BSL-1.0
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from example import PATIENCE, Example, run, same


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def answers(port):
    """Whether somebody speaks Redis there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16) == b"+PONG\r\n"
    except OSError:
        return False


def check(first, port, redis):
    process = subprocess.Popen([sys.argv[1], "0", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        second = Example(process)
        # Ten in all, whichever process is asked.
        statuses = [(first, second)[i % 2].ask("GET", "/")[0] for i in range(12)]
        same(statuses, [200] * 10 + [429] * 2)
        status, headers, body = second.ask("GET", "/")
        same((status, headers["Retry-After"], body), (429, "60", b"Not so fast.\n"))
        # Without Redis nobody passes, and nobody waits for long.
        redis.kill()
        redis.wait()
        same([server.ask("GET", "/")[0] for server in (first, second)], [500, 500])
    finally:
        process.kill()
        process.wait()


if not shutil.which("redis-server"):
    print("not run: there is no redis-server")
    raise SystemExit(77)
port = free_port()
with tempfile.TemporaryDirectory() as folder:
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(port):
            same(time.monotonic() < deadline and redis.poll() is None, True)
            time.sleep(0.05)
        run(lambda server: check(server, port, redis), str(port))
    finally:
        redis.kill()
        redis.wait()
