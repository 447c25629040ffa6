# SPDX-License-Identifier: BSL-1.0
"""One request after another: every one wakes the server up."""
from harness.times import PEERS, Server

scenario = Server("one connection", "one connection", connections=1, count=40_000, peers=PEERS, together=True)
