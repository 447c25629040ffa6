# SPDX-License-Identifier: BSL-1.0
"""What a request takes of the kernel and of the heap: the same on a busy machine."""
from harness.counted import Counts

COMPARED = ("plain", "one connection", "browser", "pipelined")

scenario = Counts(
    "counts",
    "system calls and allocations",
    ours=(*COMPARED, "json", "echo"),
    compared=COMPARED,
    peers=("plain", "one connection"),
)
