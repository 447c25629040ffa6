# SPDX-License-Identifier: BSL-1.0
"""A large answer read piece by piece. Beast's examples hold a body in memory."""
from harness.times import BULK, Client

scenario = Client(
    "client, download", "download of 1 GiB", bare=("{size}",), peers=("curl", "node", "undici"), **BULK
)
