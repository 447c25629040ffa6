# SPDX-License-Identifier: BSL-1.0
import socket
import subprocess
import sys
import tempfile

from example import Example, run, same
from peer import free_port, program, running


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


found = program("redis-server")
if found is None:
    print("not run: there is no redis-server")
    raise SystemExit(77)
port = free_port()
with tempfile.TemporaryDirectory() as folder:
    command = [found, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    with running(port, *command, answers=answers) as redis:
        run(lambda server: check(server, port, redis), str(port))
