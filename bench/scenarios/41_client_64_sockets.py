# SPDX-License-Identifier: BSL-1.0
"""64 requests at a time over as many connections of a pool."""
from harness.times import Client

scenario = Client("client, 64 sockets", "64 sockets", budget=1.25)
