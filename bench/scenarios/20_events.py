# SPDX-License-Identifier: BSL-1.0
"""Server-sent events: to each of 1,000 open answers a small write in every turn of the loop."""
from harness.times import Server

scenario = Server(
    "events",
    "an event to each of 1,000 streams",
    load=("--path", "/events?100"),
    bare=("100", "events"),
    connections=1000,
    count=2000,
    scales=False,
    unit="event",
    units=100,
)
