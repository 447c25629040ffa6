# SPDX-License-Identifier: BSL-1.0
"""A body that the kernel does not take in one write."""
from harness.machine import MIB
from harness.times import Server

scenario = Server(
    "1m", "1 MiB body", load=("--path", "/1m"), bare=(str(MIB),), connections=4, count=1600, quick=False
)
