# SPDX-License-Identifier: BSL-1.0
import os
import re
import signal
import socket

from example import run, same

CPUS = len(os.sched_getaffinity(0))


def check(server):
    # The kernel spreads connections by their ports, so each of them is new.
    seen = set()
    while len(seen) < min(2, CPUS):
        status, _, body = server.ask("GET", "/")
        same(status, 200)
        seen.add(int(re.fullmatch(rb"worker (\d+)\n", body)[1]))
    same(seen <= set(range(CPUS)), True)

    server.process.send_signal(signal.SIGINT)
    same(server.process.wait(), 0)


# Port 0 would be another port in each worker: this one is kept free for them, as nobody listens.
with socket.socket(socket.AF_INET6) as kept:
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind(("::", 0))
    run(check, port=kept.getsockname()[1])
