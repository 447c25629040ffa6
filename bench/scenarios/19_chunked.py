# SPDX-License-Identifier: BSL-1.0
"""Bodies of unknown length in chunks of 4 KiB, read and written."""
from harness.times import Server

scenario = Server(
    "chunked",
    "16 KiB chunked both ways",
    load=("--path", "/chunked", "--body", str(16 * 1024), "--chunked"),
    bare=(str(16 * 1024), "chunked"),
    count=20_000,
)
