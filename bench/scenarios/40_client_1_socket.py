# SPDX-License-Identifier: BSL-1.0
"""A client that asks once more when it has the answer."""
from harness.times import Client

scenario = Client("client, 1 socket", "one socket", connections=1, count=30_000)
