# SPDX-License-Identifier: BSL-1.0
"""A program that is measured: how it is started on a processor, spoken to by lines, looked at, ended."""
import contextlib
import functools
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

from .machine import CPUS, fail


@functools.cache
def in_turns():
    """A way to run in which who is woken up does not interrupt who wakes it, nor does, as root, anybody else."""
    first = ["chrt", "--fifo", "1"]
    allowed = subprocess.run([*first, "true"], capture_output=True).returncode == 0
    return first if allowed else ["chrt", "--batch", "0"]


class Process:
    def __init__(self, *command, cpus=(0,), under=(), env=None, turns=False):
        self.command = [str(part) for part in (*under, *command)]
        pinned = ["taskset", "-c", ",".join(str(CPUS[cpu % len(CPUS)]) for cpu in cpus)]
        if turns:
            pinned += in_turns()
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            pinned + self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env={**os.environ, **(env or {})},
        )
        self.pid = self.process.pid

    def died(self):
        self.process.wait()
        self.errors.seek(0)
        fail(f"{' '.join(self.command)}: {self.errors.read().strip()[-500:]}", "run it by hand")

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            self.died()
        return json.loads(text)

    def go(self):
        """Ends a phase in which the program stands still."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def mark(self):
        os.kill(self.pid, signal.SIGUSR1)
        return self.line()

    def await_port(self, port):
        """For servers that do not say when they listen."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self.died()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                self.port = port
                return
            time.sleep(0.02)
        fail(f"{' '.join(self.command)} does not listen", "run it by hand")

    def cpu(self):
        """Seconds of user and system time of all threads so far, to the nanosecond where the kernel keeps it."""
        try:
            tasks = pathlib.Path(f"/proc/{self.pid}/task").glob("*/schedstat")
            return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
        except OSError:
            fields = self.stat()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stat(self):
        return pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()

    def sleeps(self):
        return self.stat()[0] == "S"

    def resident(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()


@contextlib.contextmanager
def running(*command, **options):
    process = Process(*command, **options)
    try:
        yield process
    finally:
        process.end()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
