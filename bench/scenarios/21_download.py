# SPDX-License-Identifier: BSL-1.0
"""One large body in writes of 64 KiB, each awaited."""
from harness.times import BULK, Server

scenario = Server(
    "download", "download of 1 GiB", load=("--path", "/download?{size}"), bare=("{size}",), budget=1.05, **BULK
)
