# SPDX-License-Identifier: BSL-1.0
"""A small answer over TLS connections that stay: records and the turns they come in."""
from harness.tls import Requests

scenario = Requests("tls, plain", "13 bytes", count=60_000, budget=1.1)
