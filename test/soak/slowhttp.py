#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""slowhttptest in its four modes, and a client that asks all the while: slowhttp.py SLOW_TARGET [SECONDS]

Each mode attacks again and again for SECONDS. The server drops every attacker within the time that it
gives to a head, to a request, or to a connection on which nothing moves. Meanwhile curl's requests are
all answered, below 100 ms each, and slowhttptest itself finds the service available. A second server,
which nobody attacks, is asked in turn with it: only if the machine is so busy that this one takes more
than 50 ms, too, may the other take up to twice as long.
"""
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

import soak

SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 60
PATIENCE = 5  # seconds, which the server has
# How long one attack may last; all are dropped before.
LONGEST = 20
SLOW_READ = ["-X", "-k", "3", "-n", "5", "-w", "10", "-y", "20", "-z", "32"]
# The options, how many connections, the path, and whether slowhttptest itself sees that it was dropped. A
# slow reader does not, because the system goes on sending what it has taken from the server: the
# descriptors that the server has before the attack ends tell it.
MODES = {
    "slow headers": (["-H", "-i", "1", "-x", "24"], 1000, "small", True),
    "slow body": (["-B", "-i", "1", "-s", "8192", "-x", "24"], 1000, "upload", True),
    # As many as a head has room for.
    "ranges": (["-R", "-t", "GET", "-a", "10", "-b", "1000"], 1000, "small", True),
    # The system takes all of it at once.
    "slow read": (SLOW_READ, 1000, "small", False),
    # The server waits for room. The system takes up to 4 MiB of each, of a memory that all programs share:
    # 1,000 of these would use it up (tcp_mem), and everybody would wait.
    "slow read of large files": (SLOW_READ, 100, "large", False),
}


def asked(url, *options):
    """The milliseconds that curl needs for an answer, and its status."""
    command = ["curl", "-s", "-S", "-f", "-o", "/dev/null", "-m", "10", "-w", "%{time_total} %{http_code}", *options, url]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    soak.require(run.returncode == 0, f"curl failed: {run.returncode}")
    milliseconds, status = run.stdout.replace(",", ".").split()
    return 1000 * float(milliseconds), int(status)


class Mode:
    def __init__(self, server, url, calm):
        self.server, self.url, self.calm = server, url, calm
        self.before = self.descriptors()
        self.attacks = self.closed = self.most = 0
        self.times, self.calm_times, self.left = [], [], []

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))

    def attack(self, name, options, count, path, told):
        command = ["slowhttptest", *options, "-c", str(count), "-r", "200", "-l", str(LONGEST), "-p", "3",
                   "-u", self.url + path]
        left = None
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as attack:
            while attack.poll() is None:
                self.times.append(asked(self.url + "small")[0])
                self.calm_times.append(asked(self.calm + "small")[0])
                left = self.descriptors() - self.before
                self.most = max(self.most, left)
                time.sleep(0.2)
            output = re.sub(r"\x1b\[[0-9;]*m", "", attack.stdout.read())
        found = set(re.findall(r"service available:\s*(\w+)", output))
        soak.require(found == {"YES"}, f"not available during {name}:\n{output[-2000:]}")
        end = re.search(r"Exit status:\s*(.*)", output)
        soak.require(end, f"slowhttptest has no result:\n{output[-2000:]}")
        self.attacks += 1
        self.closed += end[1] == "No open connections left"
        self.left.append(left)
        soak.require(end[1] == "No open connections left" if told else left < 10,
                     f"attackers were not dropped: {end[1]}, {left} descriptors")


soak.need("slowhttptest", "curl")
LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
with tempfile.TemporaryDirectory() as folder:
    (pathlib.Path(folder) / "small").write_bytes(b"x" * 100_000)
    # More than the system takes from the server before it has been read.
    (pathlib.Path(folder) / "large").write_bytes(b"x" * 20_000_000)
    command = [sys.argv[1], 0, folder, PATIENCE]
    with soak.Program(*command) as server, soak.Program(*command) as other:
        url, calm = (f"http://127.0.0.1:{one.port()}/" for one in (server, other))
        soak.require(asked(url + "small", "-r", "0-9")[1] == 206, "the server knows no ranges")
        for name, (options, count, path, told) in MODES.items():
            mode = Mode(server, url, calm)
            end = time.monotonic() + SECONDS
            while mode.attacks == 0 or time.monotonic() + LONGEST / 2 < end:
                mode.attack(name, options, count, path, told)
            print(f"{name}: {mode.attacks} attacks by {count}, {mode.closed} ended as slowhttptest had no connection "
                  f"left; the server had {mode.most} at most and {max(mode.left)} just before; "
                  f"{len(mode.times)} requests of curl, at most {max(mode.times):.0f} ms, "
                  f"and {max(mode.calm_times):.0f} ms where nobody attacks; {server.memory()} KiB", flush=True)
            # Those with ranges are answered and go.
            soak.require(mode.most > count / 2 or name == "ranges", "there was no attack")
            soak.require(max(mode.times) < max(100, 2 * max(mode.calm_times)) or server.sanitized(), f"curl waits during {name}")
