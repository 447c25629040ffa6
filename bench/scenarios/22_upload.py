# SPDX-License-Identifier: BSL-1.0
"""One large body, read piece by piece."""
from harness.times import BULK, Server

scenario = Server(
    "upload", "upload of 1 GiB", load=("--path", "/upload", "--body", "{size}"), budget=1.1, **BULK
)
