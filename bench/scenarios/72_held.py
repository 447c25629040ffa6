# SPDX-License-Identifier: BSL-1.0
"""Connections that are stuck: a bound, however much there would be to send."""
from harness.counted import Held

scenario = Held(
    "held",
    "memory of a connection in the middle of a request",
    connections=100,
    paths={"/wait": "its handler waits", "/endless": "its reader does not read"},
)
