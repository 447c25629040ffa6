#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What testssl.sh says of TLS here: testssl.py HTTPS_SERVER

HTTPS_SERVER is the program of examples/https_server. Nothing may be found that is of low severity or
worse, but what follows from a certificate that it has signed by itself, and from an HTTP of an example.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import soak

# A self-signed certificate, which nobody can revoke; localhost, and a handler that sends no HSTS.
EXPECTED = ("cert_", "DNS_", "HSTS")
soak.need("testssl")
with soak.Program(sys.argv[1], 0) as server, tempfile.TemporaryDirectory() as folder:
    report = pathlib.Path(folder) / "report.json"
    command = ["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--ip", "127.0.0.1",
               "--jsonfile", str(report), f"localhost:{server.port()}"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        # It meets clients that give up, and tells of each.
        run.wait(1200)
    found = json.loads(report.read_text())
    soak.require(len(found) > 50, f"testssl.sh has looked at {len(found)} things only")
    bad = [one for one in found if one["severity"] in ("LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL")]
    for one in bad:
        print(f"{one['severity']:8} {one['id']}: {one['finding']}")
    wrong = [one["id"] for one in bad if not one["id"].startswith(EXPECTED)]
    print(f"{len(found)} findings, {len(bad)} of them LOW or worse, {len(wrong)} unexpected")
    soak.require(not wrong, f"unexpected: {', '.join(wrong)}")
    # It tells of each handshake that was given up.
    server.told()
