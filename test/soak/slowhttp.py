#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""slowhttptest in its four modes, and a client that asks all the while: slowhttp.py STREAM [SECONDS]

STREAM is the program of examples/hello, or another server. curl's requests are answered below 100 ms
each throughout, and slowhttptest itself finds the service available.
"""
import re
import subprocess
import sys
import time

import soak

SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 60
CONNECTIONS = 1000
MODES = {
    "slow headers": ["-H", "-i", "5", "-x", "24"],
    "slow body": ["-B", "-i", "5", "-s", "8192", "-x", "24"],
    "ranges": ["-R", "-a", "10", "-b", "3000"],
    "slow read": ["-X", "-k", "3", "-n", "5", "-w", "10", "-y", "20", "-z", "32"],
}


def asked(url):
    """The milliseconds that curl needs for an answer."""
    command = ["curl", "-s", "-S", "-f", "-o", "/dev/null", "-m", "10", "-w", "%{time_total}", url]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    soak.require(run.returncode == 0, f"curl failed: {run.returncode}")
    return 1000 * float(run.stdout.replace(",", "."))


soak.need("slowhttptest", "curl")
with soak.Program(sys.argv[1], 0) as server:
    url = f"http://127.0.0.1:{server.port()}/"
    for mode, options in MODES.items():
        command = ["slowhttptest", *options, "-c", str(CONNECTIONS), "-r", "200", "-l", str(SECONDS), "-p", "3", "-u", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as attack:
            times = []
            while attack.poll() is None:
                times.append(asked(url))
                time.sleep(0.2)
            output = re.sub(r"\x1b\[[0-9;]*m", "", attack.stdout.read())
        found = re.findall(r"service available:\s*(\w+)", output)
        end = re.search(r"Exit status:\s*(.*)", output)
        print(f"{mode}: {len(times)} requests of curl, at most {max(times):.0f} ms; service available: "
              f"{', '.join(sorted(set(found)))}; {end[1] if end else 'no status'}; {server.memory()} KiB", flush=True)
        soak.require(set(found) == {"YES"}, f"not available during {mode}:\n{output[-2000:]}")
        soak.require(max(times) < 100 or server.sanitized(), f"curl waits during {mode}")
