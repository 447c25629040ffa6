# SPDX-License-Identifier: BSL-1.0
"""A connection for every request: accepting and closing."""
from harness.times import EVENT_LOOPS, Server

scenario = Server("close", "connection per request", load=("--close",), count=5000, peers=EVENT_LOOPS, scales=False)
