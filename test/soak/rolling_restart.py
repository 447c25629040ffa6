#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Restarts two servers in turn behind HAProxy while wrk loads them: no request may fail.

rolling_restart.py SERVICE [SECONDS]: the program of examples/deploy/service.cpp.
"""
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

CONFIG = pathlib.Path(__file__).parents[2] / "examples/deploy/haproxy.cfg"
LEAVE = 1500  # milliseconds; HAProxy asks twice a second


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def ready(port, path="/readyz"):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False


def wait_until(condition):
    end = time.monotonic() + 30
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("a server did not get ready")
        time.sleep(0.05)


def start(program, port):
    process = subprocess.Popen([program, str(port)], env={**os.environ, "LEAVE_MS": str(LEAVE)},
                               stdout=subprocess.DEVNULL)
    wait_until(lambda: ready(port))
    return process


def main(program, seconds=15):
    ports = {8080: free_port(), 8081: free_port(), 8082: free_port()}
    config = re.sub(r"(127\.0\.0\.1:)(808[012])", lambda m: m[1] + str(ports[int(m[2])]), CONFIG.read_text())
    backends, restarts = [ports[8081], ports[8082]], 0
    processes = []
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
        file.write(config)
        file.flush()
        try:
            servers = [start(program, port) for port in backends]
            processes += servers
            balancer = subprocess.Popen(["haproxy", "-db", "-f", file.name])
            processes.append(balancer)
            wait_until(lambda: ready(ports[8080], "/"))
            load = subprocess.Popen(["wrk", "-t1", "-c32", f"-d{seconds}s", f"http://127.0.0.1:{ports[8080]}/"],
                                    stdout=subprocess.PIPE, text=True)
            processes.append(load)
            while load.poll() is None:
                which = restarts % 2
                servers[which].send_signal(signal.SIGTERM)
                if servers[which].wait(60) != 0:
                    raise AssertionError("a server did not end by itself")
                servers[which] = start(program, backends[which])
                processes.append(servers[which])
                time.sleep(1)  # HAProxy sees that it is back
                restarts += 1
            report = load.stdout.read()
        finally:
            for process in processes:
                if process.poll() is None:
                    process.kill()
                process.wait()
    answered = int(re.search(r"(\d+) requests in", report)[1])
    failed = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout|responses:)[: ]+(\d+)", report))
    print(f"{answered} requests, {restarts} restarts, {failed} failed")
    return 0 if answered and restarts and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:3])))
