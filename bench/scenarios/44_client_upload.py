# SPDX-License-Identifier: BSL-1.0
"""A large body sent in pieces of 64 KiB. Beast's examples hold a body in memory."""
from harness.times import BULK, Client

scenario = Client(
    "client, upload", "upload of 1 GiB", arguments=("--upload", "{size}"), peers=("curl", "node", "undici"), **BULK
)
