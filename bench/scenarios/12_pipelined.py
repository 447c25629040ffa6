# SPDX-License-Identifier: BSL-1.0
"""Sixteen requests in a segment: what is left where one system call serves many."""
from harness.times import EVENT_LOOPS, Server

scenario = Server(
    "pipelined", "pipelined by 16", load=("--pipeline", "16"), count=600_000, peers=EVENT_LOOPS, budget=1.5
)
