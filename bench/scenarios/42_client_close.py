# SPDX-License-Identifier: BSL-1.0
"""A client that connects for every request."""
from harness.times import Client

scenario = Client("client, close", "connection per request", arguments=("--close",), count=4000, scales=False)
