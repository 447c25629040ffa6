# SPDX-License-Identifier: BSL-1.0
"""A head as browsers send it: what reading costs, in a handler that looks at none of it."""
from harness.times import PEERS, Server

scenario = Server("browser", "600-byte request head", load=("--headers", "browser"), peers=PEERS, budget=1.25)
