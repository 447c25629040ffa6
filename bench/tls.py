#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compares TLS with nginx's, both with one loop, the same certificate and the same cipher.

  bench/tls.py [--runs N] [--cipher NAME]

CPU seconds of the server, user and system, for a GiB in bodies of 1 MiB and of 64 MiB over one
connection (client: curl; ours come out of memory, nginx's out of the page cache), and for full handshakes, each on a connection of its own (client: openssl
s_time). The servers take turns; what counts is the median, and the ratio to nginx, above 1 for
better. Fails where a ratio is below 0.9. Needs g++, nginx, curl and openssl; builds in a folder that
is gone afterwards.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MIB = 1 << 20
# A body's size, and how many of them are a measurement.
BODIES = {"1 MiB": (MIB, 1024), "64 MiB": (64 * MIB, 16)}
HANDSHAKE_SECONDS = 5
LEAST = 0.9

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites {cipher};
    root {folder}/www;
  }}
}}
"""


def run(*command, **options):
    return subprocess.run([str(each) for each in command], check=True, capture_output=True, text=True, **options)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextlib.contextmanager
def serving(*command):
    """A server in a process of its own."""
    process = subprocess.Popen([str(each) for each in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def cpu(process):
    """Seconds that the process has used so far; it has one thread."""
    return int(pathlib.Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) / 1e9


def bulk(process, port, size, count):
    """CPU seconds for a GiB."""
    before = cpu(process)
    done = run("curl", "-sk", "--fail", "-o", os.devnull, "-w", "%{size_download} %{num_connects}\n",
               f"https://127.0.0.1:{port}/{size}?[1-{count}]")
    lines = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    if sum(each[0] for each in lines) != size * count or sum(each[1] for each in lines) != 1:
        sys.exit("curl did not get the bodies over one connection")
    return (cpu(process) - before) / (size * count / (1 << 30))


def handshakes(process, port):
    """Handshakes for a CPU second."""
    before = cpu(process)
    done = run("openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-tls1_3", "-time", HANDSHAKE_SECONDS)
    count = int(re.search(r"(\d+) connections in \d+ real seconds", done.stdout)[1])
    return count / (cpu(process) - before)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cipher", default="TLS_AES_128_GCM_SHA256")
    parser.add_argument("--include", default=ROOT / "include", help="the library's headers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "www").mkdir()
        for size, _ in BODIES.values():
            (folder / "www" / str(size)).write_bytes(b"x" * size)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
        run("g++", "-std=c++20", "-O2", "-DNDEBUG", f"-I{options.include}", ROOT / "bench/tls_server.cpp", "-o",
            folder / "tls_server", "-lssl", "-lcrypto", "-lpthread")
        ports = {"sluice": free_port(), "nginx": free_port()}
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=ports["nginx"], cipher=options.cipher))
        with serving(folder / "tls_server", ports["sluice"], folder / "key.pem", folder / "cert.pem",
                     options.cipher) as ours, \
             serving("nginx", "-p", folder, "-c", folder / "nginx.conf") as nginx:
            processes = {"sluice": ours, "nginx": nginx}
            for port in ports.values():
                wait_for(port)
            found = {}
            for _ in range(options.runs):
                for server, process in processes.items():
                    for body, (size, count) in BODIES.items():
                        found.setdefault(f"CPU seconds for a GiB, {body}", {}).setdefault(server, []).append(
                            bulk(process, ports[server], size, count))
                    found.setdefault("handshakes for a CPU second", {}).setdefault(server, []).append(
                        handshakes(process, ports[server]))
    result, good = {}, True
    for what, values in found.items():
        medians = {server: statistics.median(each) for server, each in values.items()}
        ratio = medians["sluice"] / medians["nginx"]
        if what.startswith("CPU"):
            ratio = 1 / ratio
        good = good and ratio >= LEAST
        result[what] = {server: round(median, 3) for server, median in medians.items()} | {"ratio": round(ratio, 3)}
    print(json.dumps({"cipher": options.cipher, "runs": options.runs} | result, indent=2))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
